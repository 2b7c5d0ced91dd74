/* SPDX-License-Identifier: Apache-2.0 */
/* What the USB host side shares with Python (tb/sim/wire_layout.py holds the same layout) and
 * between its own files. */
#ifndef USB_HOST_H
#define USB_HOST_H

#include "pf.h"

#define SLOTS 256
#define BYTES 1280
#define SPURIOUS 64
#define RECORDS 4096
#define RECORD_BYTES (1 << 20)
#define COMMANDS 16
#define EVENTS 256
#define RAW_PACKETS 32
#define LONG_GAP 1000 /* clocks */

enum { DO_NOTHING = 0, DO_SEND = 1, DO_WAIT = 2, DO_LINE = 3, DO_KEEP = 7 };
#define DO(what, clocks) ((what) | (int32_t)(clocks) << 3)

enum { PID_EXT = 0, PID_OUT = 1, PID_IN = 9, PID_SOF = 5, PID_SETUP = 13, PID_PING = 4 };
enum { PID_ACK = 2, PID_NAK = 10, PID_STALL = 14, PID_NYET = 6 };

enum { KIND_TRANSACTION = 0, KIND_RAW = 1 };
/* Numbers of tb/sim/wire.py. */
enum { OK = 0, NAK, STALL, NYET, TIMEOUT, CRC, BITSTUFF, PID, BABBLE, SKIPPED, LATE };
enum {
    KNOB_BAD_CRC5 = 1, KNOB_BAD_CRC = 2, KNOB_BAD_PID = 4, KNOB_NO_HANDSHAKE = 8,
    KNOB_WRONG_TOGGLE = 16, KNOB_WRONG_ADDRESS = 32, KNOB_NO_DATA = 64, KNOB_ISOCHRONOUS = 128,
    KNOB_INJECTED = 256
};
enum { BROKEN_EARLY = 1, BROKEN_LATE = 2, BROKEN_UNASKED = 4, BROKEN_COLLISION = 8 };
enum { CMD_VBUS = 1, CMD_RESET = 2, CMD_RESUME = 3, CMD_FORCE = 4 };
enum { EV_CONNECT = 1, EV_DISCONNECT = 2, EV_SPEED = 3, EV_RESUMED = 4, EV_WAKEUP = 5, EV_LINE = 6,
       EV_COLLISION = 7, EV_DONE = 8 };

/* Everything that Python sees. */
struct slot {
    int32_t kind, token, address, endpoint, data_pid, length, max_length, frame;
    int32_t chain, knobs, skip;
    /* cold: only read where `knobs` has KNOB_INJECTED */
    int32_t error_at, truncate, extend, late, handshake_pid, spurious, gap, data_gap, rx_gap,
        tx_stall, injected;
    int32_t status, handshake, rx_pid, rx_length, turnaround, broken;
    int64_t start, end;
    uint8_t data[BYTES];
    uint8_t received[BYTES];
    uint8_t noise[SPURIOUS];
};

struct record {
    int64_t start, end;
    uint32_t offset;
    uint16_t length;
    uint8_t from_host, flags; /* 1 high speed, 2 injected, 4 error */
};

struct event {
    int64_t time;
    int32_t kind, value;
};

struct raw {
    int64_t start, end;
    int32_t length, reserved;
    uint8_t data[BYTES];
};

struct host {
    /* counts, not indices: the difference is what is in a ring */
    uint32_t submitted, done, commanded, command_done;
    uint32_t recorded, records_read, events, raws;
    int32_t frame, sof_on, high_speed, monitor;
    int32_t active;    /* the transaction `done` has started */
    uint32_t broken;   /* BROKEN_* seen outside of transactions, or-ed */
    uint32_t broken_count, lost;
    int64_t sof_time;
    /* settings: delays (hs_rx, hs_tx, fs_rx, fs_tx: 4 bits each), then per speed {full, high} in
     * clocks: gap after the host's own packet, gap after the device's, answer timeout, slowest
     * answer reckoned with; then in eighths of a clock the earliest and latest legal answer */
    int32_t delays;
    int32_t host_gap[2], device_gap[2], timeout[2], slowest[2], earliest[2], latest[2];
    /* room kept before SOF for stuffed bits in IN data, in 1/1024 of its bits: the least that is
     * kept, and what has been seen lately (the worst case is 171) */
    int32_t stuffing, stuffing_seen;
    uint32_t late_sofs;
    int32_t reserved;
    int32_t commands[COMMANDS][8];
};

extern struct host pf_usb;
extern struct slot pf_usb_slots[SLOTS];

/* usb_packet.c */
uint32_t usb_crc16(const uint8_t *data, int32_t length);
uint8_t usb_pid_byte(int32_t pid);
void usb_put_token(uint8_t *packet, int32_t pid, uint32_t value);
/* The packets of one transaction and the longest time that it takes. */
struct usb_plan {
    uint8_t token[3 + SPURIOUS], data[BYTES + SPURIOUS];
    int32_t token_length, data_length;
    int32_t need; /* clocks */
};
void usb_plan(struct usb_plan *plan, const struct slot *slot);
extern int usb_silence;
int32_t usb_short_gap(const struct slot *slot);

#endif
