/* SPDX-License-Identifier: Apache-2.0 */
/* The USB host side: what to send next, what came of it, and every packet for the monitor.
 *
 * Python writes transactions into a ring of slots and raises `submitted`; Verilog (usb_host.v) asks
 * at each packet end, and in idle clocks, what to do. Times at the connector are picoseconds. */
#include "pf.h"

#include <string.h>

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

enum { PID_OUT = 1, PID_IN = 9, PID_SOF = 5, PID_SETUP = 13, PID_PING = 4 };
enum { PID_ACK = 2, PID_NAK = 10, PID_STALL = 14, PID_NYET = 6 };

enum { KIND_TRANSACTION = 0, KIND_RAW = 1 };
/* Numbers of tb/sim/wire.py. */
enum { OK = 0, NAK, STALL, NYET, TIMEOUT, CRC, BITSTUFF, PID, BABBLE, SKIPPED, LATE };
enum {
    KNOB_BAD_CRC5 = 1, KNOB_BAD_CRC = 2, KNOB_BAD_PID = 4, KNOB_NO_HANDSHAKE = 8,
    KNOB_WRONG_TOGGLE = 16, KNOB_WRONG_ADDRESS = 32, KNOB_NO_DATA = 64, KNOB_ISOCHRONOUS = 128,
    KNOB_INJECTED = 256
};
enum { BROKEN_EARLY = 1, BROKEN_LATE = 2, BROKEN_UNASKED = 4, BROKEN_COLLISION = 8,
       BROKEN_SOF_LATE = 16, BROKEN_LOST = 32 };
enum { CMD_VBUS = 1, CMD_RESET = 2, CMD_RESUME = 3, CMD_FORCE = 4 };
enum { EV_CONNECT = 1, EV_DISCONNECT = 2, EV_SPEED = 3, EV_RESUMED = 4, EV_WAKEUP = 5, EV_LINE = 6,
       EV_COLLISION = 7, EV_DONE = 8 };

/* Everything that Python sees; tb/sim/wire.py holds the same layout. */
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
    int32_t stuffing; /* 1 = room for the worst case of stuffing in IN data is kept before SOF */
    int32_t commands[COMMANDS][8];
};

struct host pf_usb = {
    .frame = -1, .delays = 0x5427, .host_gap = {15, 11}, .device_gap = {15, 3},
    .timeout = {85, 100}, .slowest = {38, 24}, .earliest = {80, 8}, .latest = {260, 192},
    .stuffing = 1,
};
struct slot pf_usb_slots[SLOTS];
struct record pf_usb_records[RECORDS];
uint8_t pf_usb_record_bytes[RECORD_BYTES];
struct event pf_usb_events[EVENTS];
struct raw pf_usb_raws[RAW_PACKETS];

/* Layout check for Python. */
int32_t pf_usb_sizes[6] = {
    sizeof(struct host), sizeof(struct slot), sizeof(struct record), sizeof(struct event),
    sizeof(struct raw), SLOTS,
};

/* Where the transaction stands. */
enum { STEP_NONE, STEP_NOISE, STEP_TOKEN, STEP_DATA, STEP_ANSWER, STEP_HANDSHAKE, STEP_RAW,
       STEP_SOF };

static int step = STEP_NONE;
static const struct slot zero_knobs;
static const struct slot *knobs; /* the slot of the transaction, or all off */
static struct slot *now; /* the transaction that runs */
static uint32_t looked_at = UINT32_MAX;
static int32_t need; /* clocks that the next transaction takes at most */

/* The packet being sent. */
static uint8_t tx_buffer[BYTES + SPURIOUS];
static const uint8_t *tx = tx_buffer;
static int32_t tx_length, tx_index, tx_error_at, tx_gap, tx_long, tx_injected;
static int64_t tx_start, tx_end;
/* The packet being received. */
static uint8_t rx_buffer[BYTES];
static uint8_t *rx = rx_buffer;
static int32_t rx_length, rx_stall;
static int64_t rx_start, rx_end;

static uint8_t token_packet[3 + SPURIOUS];
static uint8_t data_packet[BYTES + SPURIOUS];
static int32_t token_length, data_length;
static int64_t not_before = -1; /* end of a long gap before the next transaction */
static int last_raw; /* the host's last packet was sent by itself */

/* --- packets ------------------------------------------------------------------------------ */

static uint16_t crc16_table[256];
static uint8_t stuff_table[6][256]; /* ones before -> ones after << 2 | stuffed bits */
static int tables_made;

static void make_tables(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint32_t crc = (uint32_t)byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
        crc16_table[byte] = (uint16_t)crc;
        for (int before = 0; before < 6; before++) {
            int ones = before, stuffed = 0;
            for (int bit = 0; bit < 8; bit++) {
                ones = byte >> bit & 1 ? ones + 1 : 0;
                if (ones == 6) {
                    ones = 0;
                    stuffed++;
                }
            }
            stuff_table[before][byte] = (uint8_t)(ones << 2 | stuffed);
        }
    }
    tables_made = 1;
}

static uint32_t crc16(const uint8_t *data, int32_t length) {
    uint32_t crc = 0xFFFF;
    for (int32_t i = 0; i < length; i++) crc = crc >> 8 ^ crc16_table[(crc ^ data[i]) & 0xFF];
    return crc ^ 0xFFFF;
}

static uint32_t crc5(uint32_t value) {
    uint32_t crc = 0x1F;
    for (int bit = 0; bit < 11; bit++) {
        uint32_t feedback = (value >> bit ^ crc) & 1;
        crc >>= 1;
        if (feedback) crc ^= 0x14;
    }
    return crc ^ 0x1F;
}

static uint8_t pid_byte(int32_t pid) { return (uint8_t)((~pid & 15) << 4 | (pid & 15)); }

static void put_token(uint8_t *packet, int32_t pid, uint32_t value) {
    value |= crc5(value) << 11;
    packet[0] = pid_byte(pid);
    packet[1] = (uint8_t)value;
    packet[2] = (uint8_t)(value >> 8);
}

static int32_t stuffed_bits(const uint8_t *packet, int32_t length) {
    int32_t ones = 1, bits = 0;
    for (int32_t i = 0; i < length; i++) {
        uint8_t entry = stuff_table[ones][packet[i]];
        ones = entry >> 2;
        bits += entry & 3;
    }
    return bits;
}

/* Clocks of a packet of `bits` bits without SYNC and EOP. */
static int32_t packet_clocks(int32_t bits) {
    return pf_usb.high_speed ? 5 + (bits + 7) / 8 : (8 + bits + 2) * 5;
}

static int64_t eighths(int64_t count) { return count * 6250 / 3; }

/* Truncate, extend and spoil a packet as the knobs say. */
static int32_t reshape(const struct slot *slot, uint8_t *packet, int32_t length) {
    int32_t cut = slot->truncate < length ? slot->truncate : length;
    length -= cut;
    for (int32_t i = 0; i < slot->extend && i < SPURIOUS; i++) packet[length++] = (uint8_t)(0xA5 + i);
    return length;
}

static int32_t short_gap(const struct slot *slot) {
    return slot->gap < LONG_GAP ? slot->gap : 0;
}

/* Build what a transaction sends and reckon its longest time in clocks. */
static void prepare(const struct slot *slot) {
    const int speed = pf_usb.high_speed;
    const int32_t bits = slot->knobs;
    int32_t clocks = 0;

    if (!tables_made) make_tables();
    if (slot->kind == KIND_RAW) {
        need = packet_clocks(8 * slot->length + stuffed_bits(slot->data, slot->length))
               + pf_usb.host_gap[speed] + pf_usb.timeout[speed];
        return;
    }
    put_token(token_packet, slot->token,
              (uint32_t)(((slot->address ^ (bits & KNOB_WRONG_ADDRESS ? 1 : 0)) & 127)
                         | (slot->endpoint & 15) << 7));
    token_length = 3;
    data_length = 0;
    if (bits & KNOB_BAD_CRC5) token_packet[2] ^= 0x80;
    if ((slot->token == PID_OUT || slot->token == PID_SETUP) && !(bits & KNOB_NO_DATA)) {
        int32_t pid = slot->data_pid ^ (bits & KNOB_WRONG_TOGGLE ? 8 : 0);
        uint32_t crc = crc16(slot->data, slot->length);
        data_packet[0] = pid_byte(pid);
        memcpy(data_packet + 1, slot->data, (size_t)slot->length);
        data_packet[slot->length + 1] = (uint8_t)crc;
        data_packet[slot->length + 2] = (uint8_t)(crc >> 8);
        data_length = slot->length + 3;
        if (bits & KNOB_BAD_CRC) data_packet[data_length - 1] ^= 0x01;
        if (bits & KNOB_BAD_PID) data_packet[0] ^= 0x10;
        if (bits & KNOB_INJECTED) data_length = reshape(slot, data_packet, data_length);
        clocks += packet_clocks(8 * data_length + stuffed_bits(data_packet, data_length))
                  + pf_usb.host_gap[speed];
        if (bits & KNOB_INJECTED) clocks += slot->data_gap;
        if (!(bits & KNOB_ISOCHRONOUS)) clocks += pf_usb.slowest[speed] + packet_clocks(8);
    } else {
        if (bits & KNOB_BAD_PID) token_packet[0] ^= 0x10;
        if (bits & KNOB_INJECTED) token_length = reshape(slot, token_packet, token_length);
        int32_t answer = slot->token == PID_IN ? 8 * (slot->max_length + 3) : 8;
        if (pf_usb.stuffing) answer = answer * 7 / 6;
        clocks += pf_usb.slowest[speed] + packet_clocks(answer);
        if (slot->token == PID_IN && !(bits & KNOB_ISOCHRONOUS))
            clocks += pf_usb.device_gap[speed] + packet_clocks(8);
    }
    clocks += packet_clocks(8 * token_length + 4) + pf_usb.host_gap[speed] + 2;
    if (bits & KNOB_INJECTED) {
        clocks += short_gap(slot) + slot->late;
        if (slot->spurious) clocks += packet_clocks(9 * slot->spurious) + pf_usb.host_gap[speed];
    }
    /* what fits no frame at all starts right behind its SOF */
    const int32_t frame = speed ? 7400 : 59800;
    need = clocks < frame ? clocks : frame;
}

/* --- monitor ------------------------------------------------------------------------------ */

static uint32_t record_offset;

static void record(const uint8_t *data, int32_t length, int from_host, int flags, int64_t start,
                   int64_t end) {
    if (!pf_usb.monitor) return;
    if (pf_usb.recorded - pf_usb.records_read == RECORDS) {
        pf_usb.lost++;
        return;
    }
    /* Python reads at half of either ring at the latest; bytes of a packet lie in one piece. */
    if (record_offset + (uint32_t)length > RECORD_BYTES) record_offset = 0;
    struct record *entry = &pf_usb_records[pf_usb.recorded % RECORDS];
    entry->start = start;
    entry->end = end;
    entry->offset = record_offset;
    entry->length = (uint16_t)length;
    entry->from_host = (uint8_t)from_host;
    entry->flags = (uint8_t)(flags | pf_usb.high_speed);
    memcpy(pf_usb_record_bytes + record_offset, data, (size_t)length);
    record_offset += (uint32_t)length;
    pf_usb.recorded++;
    if (pf_usb.recorded - pf_usb.records_read == 512) pf_raise(PF_EVENT_WIRE);
}

static void tell(int32_t kind, int32_t value) {
    struct event *entry = &pf_usb_events[pf_usb.events++ % EVENTS];
    entry->time = pf_now_ps;
    entry->kind = kind;
    entry->value = value;
    pf_raise(PF_EVENT_WIRE);
}

static void broken(int what) {
    if (now != NULL) {
        now->broken |= what;
    } else {
        pf_usb.broken |= (uint32_t)what;
        pf_usb.broken_count++;
        pf_raise(PF_EVENT_WIRE);
    }
}

/* --- transactions ------------------------------------------------------------------------- */

static void finish(struct slot *slot, int32_t status, int64_t end) {
    slot->status = status;
    slot->end = end;
    pf_usb.active = 0;
    pf_usb.done++;
    now = NULL;
    step = STEP_NONE;
    /* What depends on a transaction that failed is not tried. */
    int success = status == OK;
    if (slot->token == PID_IN && slot->rx_length < slot->max_length) success = 0;
    if (slot->chain != 0 && !success && slot->kind == KIND_TRANSACTION)
        for (uint32_t i = pf_usb.done; i != pf_usb.submitted; i++)
            if (pf_usb_slots[i % SLOTS].chain == slot->chain) pf_usb_slots[i % SLOTS].skip = 1;
    pf_raise(PF_EVENT_WIRE);
}

static int32_t send(const uint8_t *packet, int32_t length, int next_step, int32_t gap) {
    tx = packet;
    tx_length = length;
    tx_error_at = -1;
    tx_gap = knobs->rx_gap;
    tx_long = 0;
    tx_injected = knobs->injected;
    step = next_step;
    return DO(DO_SEND, gap);
}

static int32_t send_token(int32_t gap) {
    int32_t action = send(token_packet, token_length, STEP_TOKEN, gap);
    if (data_length == 0 && knobs != &zero_knobs) tx_error_at = knobs->error_at;
    return action;
}

static int32_t start(struct slot *slot) {
    const int speed = pf_usb.high_speed;
    now = slot;
    pf_usb.active = 1;
    knobs = slot->knobs & KNOB_INJECTED ? slot : &zero_knobs;
    slot->handshake = 0;
    slot->rx_pid = 0;
    slot->rx_length = 0;
    slot->turnaround = 0;
    slot->broken = 0;
    slot->start = 0;
    rx_stall = knobs->tx_stall;
    if (slot->kind == KIND_RAW) {
        int32_t action = send(slot->data, slot->length, STEP_RAW, pf_usb.host_gap[speed] + short_gap(knobs));
        if (knobs != &zero_knobs) tx_error_at = knobs->error_at;
        return action;
    }
    if (knobs->spurious)
        return send(slot->noise, knobs->spurious, STEP_NOISE, pf_usb.host_gap[speed] + short_gap(knobs));
    /* Both kinds of packet may have ended last: keep the longer gap. */
    return send_token(pf_usb.host_gap[speed] + short_gap(knobs));
}

/* An idle clock: `left` clocks before the next SOF. */
int32_t pf_usb_idle(int32_t left, int32_t since) {
    if (pf_usb.commanded != pf_usb.command_done) {
        const int32_t *command = pf_usb.commands[pf_usb.command_done % COMMANDS];
        if (command[0] == CMD_RESET) {
            pf_usb.sof_on = 0;
            pf_usb.frame = -1;
        }
        return DO_LINE;
    }
    while (pf_usb.done != pf_usb.submitted) {
        struct slot *slot = &pf_usb_slots[pf_usb.done % SLOTS];
        if (slot->skip) {
            slot->rx_length = 0;
            slot->broken = 0;
            slot->start = pf_now_ps;
            finish(slot, SKIPPED, pf_now_ps);
            continue;
        }
        if (slot->frame >= 0 && slot->frame != pf_usb.frame) {
            if (slot->frame > pf_usb.frame) return DO_NOTHING;
            slot->rx_length = 0;
            slot->broken = 0;
            slot->start = pf_now_ps;
            finish(slot, LATE, pf_now_ps);
            continue;
        }
        if (looked_at != pf_usb.done) {
            prepare(slot);
            looked_at = pf_usb.done;
        }
        if ((slot->knobs & KNOB_INJECTED) && slot->gap >= LONG_GAP) {
            /* SOFs go on in a long gap */
            if (not_before < 0) not_before = pf_now_ps + eighths(8LL * slot->gap);
            if (pf_now_ps < not_before) return DO_NOTHING;
        }
        if (pf_usb.sof_on && need > left) return DO_NOTHING;
        /* the device may still answer to a packet that was sent by itself */
        if (last_raw && slot->kind != KIND_RAW && since < pf_usb.timeout[pf_usb.high_speed])
            return DO_NOTHING;
        looked_at = UINT32_MAX;
        not_before = -1;
        return start(slot);
    }
    return DO_NOTHING;
}

/* A frame begins. */
int32_t pf_usb_sof(int32_t unused) {
    static uint8_t packet[3];
    (void)unused;
    if (!pf_usb.sof_on) return DO_NOTHING;
    pf_usb.frame++;
    pf_usb.sof_time = pf_now_ps + eighths(16);
    looked_at = UINT32_MAX;
    if (pf_usb.sof_on == 2) return DO_NOTHING; /* frames pass, but silently */
    put_token(packet, PID_SOF,
              (uint32_t)(pf_usb.high_speed ? pf_usb.frame >> 3 : pf_usb.frame) & 0x7FF);
    knobs = &zero_knobs;
    int32_t action = send(packet, 3, STEP_SOF, pf_usb.host_gap[pf_usb.high_speed]);
    tx_long = pf_usb.high_speed;
    return action;
}

/* The next byte of the packet; `first` with the first one. */
int32_t pf_usb_tx_byte(int32_t first) {
    if (first) {
        tx_index = 0;
        tx_start = pf_now_ps + eighths(8);
    }
    if (tx_index >= tx_length) return tx_long << 10;
    int32_t word = tx[tx_index] | 1 << 11 | tx_long << 10;
    if (tx_index == tx_error_at) word |= 1 << 8;
    tx_index++;
    if (tx_gap && tx_index % tx_gap == 0) word |= 1 << 9;
    return word;
}

static int32_t next_after_sent(void) {
    const int speed = pf_usb.high_speed;
    struct slot *slot = now;
    switch (step) {
    case STEP_NOISE:
        return send_token(pf_usb.host_gap[speed]);
    case STEP_TOKEN:
        slot->start = tx_start;
        if (data_length != 0) {
            int32_t action = send(data_packet, data_length, STEP_DATA,
                                  pf_usb.host_gap[speed] + knobs->data_gap);
            if (knobs != &zero_knobs) tx_error_at = knobs->error_at;
            return action;
        }
        break;
    case STEP_DATA:
        if (slot->knobs & KNOB_ISOCHRONOUS) {
            finish(slot, OK, tx_end);
            return DO_NOTHING;
        }
        break;
    case STEP_HANDSHAKE:
        finish(slot, OK, tx_end);
        return DO_NOTHING;
    case STEP_RAW:
        slot->start = tx_start;
        finish(slot, OK, tx_end);
        return DO_NOTHING;
    default:
        step = STEP_NONE;
        return DO_NOTHING;
    }
    step = STEP_ANSWER;
    rx = slot->received;
    rx_length = 0;
    return DO(DO_WAIT, pf_usb.timeout[speed]);
}

/* The host's packet has ended, `phase` eighths of a clock ago from now on. */
int32_t pf_usb_sent(int32_t phase) {
    int flags = (tx_injected ? 2 : 0) | (tx_error_at >= 0 ? 4 : 0);
    tx_end = pf_now_ps + eighths(phase);
    record(tx, tx_length, 1, flags, tx_start, tx_end);
    last_raw = step == STEP_RAW;
    return next_after_sent();
}

int32_t pf_usb_rx_start(int32_t unused) {
    (void)unused;
    rx_start = pf_now_ps;
    if (step != STEP_ANSWER) rx = rx_buffer;
    rx_length = 0;
    return 0;
}

/* A byte from the device; returns 1 for one more TxReady stall. */
int32_t pf_usb_rx_byte(int32_t value) {
    if (rx_length < BYTES) rx[rx_length] = (uint8_t)value;
    rx_length++;
    return rx_stall != 0 && rx_length % rx_stall == 0;
}

/* A packet that no transaction waits for. */
static int32_t unasked(void) {
    struct raw *entry = &pf_usb_raws[pf_usb.raws++ % RAW_PACKETS];
    entry->start = rx_start;
    entry->end = rx_end;
    entry->length = rx_length;
    memcpy(entry->data, rx, (size_t)rx_length);
    if (!last_raw) broken(BROKEN_UNASKED);
    pf_raise(PF_EVENT_WIRE);
    return DO_KEEP;
}

int32_t pf_usb_rx_end(int32_t phase) {
    const int speed = pf_usb.high_speed;
    rx_end = pf_now_ps + eighths(phase);
    int too_long = rx_length > BYTES;
    if (too_long) rx_length = BYTES;
    record(rx, rx_length, 0, 0, rx_start, rx_end);
    if (step != STEP_ANSWER) return unasked();

    struct slot *slot = now;
    int64_t turnaround = rx_start - tx_end;
    slot->turnaround = (int32_t)turnaround;
    if (turnaround < eighths(pf_usb.earliest[speed]) - 3) slot->broken |= BROKEN_EARLY;
    if (turnaround > eighths(pf_usb.latest[speed]) + 3) slot->broken |= BROKEN_LATE;
    int32_t pid = rx_length ? rx[0] & 15 : -1;
    int32_t status = PID;
    if (turnaround > eighths(8 * (pf_usb.timeout[speed] + 1))) {
        status = TIMEOUT;
    } else if (pid < 0 || pid_byte(pid) != rx[0]) {
        status = PID;
    } else if ((pid & 3) == 3) {
        if (slot->token == PID_IN) {
            slot->rx_pid = pid;
            if (rx_length < 3 || crc16(rx + 1, rx_length - 3) != (uint32_t)(rx[rx_length - 2] | rx[rx_length - 1] << 8)) {
                status = CRC;
                if (too_long) status = BABBLE;
            } else {
                slot->rx_length = rx_length - 3;
                status = slot->rx_length > slot->max_length ? BABBLE : OK;
            }
            if (status == OK && !(slot->knobs & (KNOB_ISOCHRONOUS | KNOB_NO_HANDSHAKE))) {
                static uint8_t handshake[1];
                int32_t answer = knobs->handshake_pid ? knobs->handshake_pid : PID_ACK;
                handshake[0] = pid_byte(answer);
                slot->handshake = answer;
                return send(handshake, 1, STEP_HANDSHAKE, pf_usb.device_gap[speed] + knobs->late);
            }
        }
    } else if (rx_length == 1) {
        slot->handshake = pid;
        if (pid == PID_NAK) {
            status = NAK;
        } else if (pid == PID_STALL) {
            status = STALL;
        } else if (pid == PID_ACK && slot->token != PID_IN) {
            status = OK;
        } else if (pid == PID_NYET && slot->token == PID_OUT && speed) {
            status = NYET;
        } else {
            slot->handshake = 0;
        }
        /* isochronous endpoints give no handshake, SETUP gets nothing but ACK: for checkers */
    }
    finish(slot, status, rx_end);
    return DO_NOTHING;
}

int32_t pf_usb_timeout(int32_t unused) {
    (void)unused;
    if (now != NULL) finish(now, TIMEOUT, pf_now_ps);
    return DO_NOTHING;
}

/* --- line --------------------------------------------------------------------------------- */

int32_t pf_usb_argument(int32_t index) {
    return pf_usb.commands[pf_usb.command_done % COMMANDS][index & 7];
}

int32_t pf_usb_delays(int32_t unused) {
    (void)unused;
    return pf_usb.delays;
}

int32_t pf_usb_line(int32_t kind, int32_t value) {
    switch (kind) {
    case EV_SPEED:
        pf_usb.high_speed = value & 1;
        pf_usb.sof_on = value & 2 ? 1 : 0;
        pf_usb.frame = -1;
        pf_usb.sof_time = pf_now_ps;
        pf_usb.command_done++;
        break;
    case EV_RESUMED:
        pf_usb.sof_on = 1;
        pf_usb.sof_time = pf_now_ps;
        pf_usb.command_done++;
        break;
    case EV_DONE:
        pf_usb.command_done++;
        break;
    case EV_CONNECT:
    case EV_DISCONNECT:
        pf_usb.high_speed = 0;
        pf_usb.sof_on = 0;
        break;
    case EV_COLLISION:
        broken(BROKEN_COLLISION);
        return 0;
    default:
        break;
    }
    tell(kind, value);
    return 0;
}

/* Forget everything: a new run begins. */
void pf_usb_init(void) {
    if (!tables_made) make_tables();
    pf_usb.submitted = pf_usb.done = pf_usb.commanded = pf_usb.command_done = 0;
    pf_usb.recorded = pf_usb.records_read = pf_usb.events = pf_usb.raws = 0;
    pf_usb.frame = -1;
    pf_usb.sof_on = pf_usb.high_speed = pf_usb.monitor = pf_usb.active = 0;
    pf_usb.broken = pf_usb.broken_count = pf_usb.lost = 0;
    record_offset = 0;
    /* the first command: VBUS off, whatever was before */
    memset(pf_usb.commands, 0, sizeof pf_usb.commands);
    pf_usb.commands[0][0] = CMD_VBUS;
    pf_usb.commanded = 1;
    now = NULL;
    knobs = &zero_knobs;
    step = STEP_NONE;
    looked_at = UINT32_MAX;
    not_before = -1;
    rx = rx_buffer;
}
