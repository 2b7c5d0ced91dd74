/* SPDX-License-Identifier: Apache-2.0 */
/* The USB host side: what to send next, what came of it, and every packet for the monitor.
 *
 * Python writes transactions into a ring of slots and raises `submitted`; Verilog (usb_host.v) asks
 * at each packet end, and in idle clocks, what to do. Times at the connector are picoseconds. */
#include "usb_host.h"

#include <string.h>

struct host pf_usb = {
    .frame = -1, .delays = 0x5427, .host_gap = {15, 11}, .device_gap = {15, 3},
    .timeout = {85, 100}, .slowest = {38, 24}, .earliest = {80, 8}, .latest = {260, 192},
    .stuffing = 24,
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

static struct usb_plan plan; /* of the next or running transaction */
static int64_t not_before = -1; /* end of a long gap before the next transaction */
static int last_raw; /* the host's last packet was sent by itself */
static int asleep; /* L1: transactions wait for resume or reset */

static int64_t eighths(int64_t count) { return count * 6250 / 3; }

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

/* Learn from a packet's length how much stuffing the device's data needs; forget slowly. */
static void learn_stuffing(void) {
    int32_t bits = (int32_t)((rx_end - rx_start) * 3 / 6250) - 8 * rx_length - 40;
    int32_t seen = bits * 1024 / (8 * rx_length) + 1;
    int32_t fading = pf_usb.stuffing_seen - pf_usb.stuffing_seen / 64;
    pf_usb.stuffing_seen = seen > fading ? seen : fading;
}

/* --- transactions ------------------------------------------------------------------------- */

static void finish(struct slot *slot, int32_t status, int64_t end) {
    slot->status = status;
    slot->end = end;
    if (status == TIMEOUT) usb_silence = 64;
    else if (usb_silence != 0) usb_silence--;
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
    int32_t action = send(plan.token, plan.token_length, STEP_TOKEN, gap);
    if (plan.data_length == 0 && knobs != &zero_knobs) tx_error_at = knobs->error_at;
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
        int32_t action = send(slot->data, slot->length, STEP_RAW, pf_usb.host_gap[speed] + usb_short_gap(knobs));
        if (knobs != &zero_knobs) tx_error_at = knobs->error_at;
        return action;
    }
    if (knobs->spurious)
        return send(slot->noise, knobs->spurious, STEP_NOISE, pf_usb.host_gap[speed] + usb_short_gap(knobs));
    /* Both kinds of packet may have ended last: keep the longer gap. */
    return send_token(pf_usb.host_gap[speed] + usb_short_gap(knobs));
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
        if (asleep && slot->kind != KIND_RAW) return DO_NOTHING;
        if (looked_at != pf_usb.done) {
            usb_plan(&plan, slot);
            looked_at = pf_usb.done;
        }
        if ((slot->knobs & KNOB_INJECTED) && slot->gap >= LONG_GAP) {
            /* SOFs go on in a long gap */
            if (not_before < 0) not_before = pf_now_ps + eighths(8LL * slot->gap);
            if (pf_now_ps < not_before) return DO_NOTHING;
        }
        if (pf_usb.sof_on && plan.need > left) return DO_NOTHING;
        /* the device may still answer to a packet that was sent by itself */
        if (last_raw && slot->kind != KIND_RAW && since < pf_usb.timeout[pf_usb.high_speed])
            return DO_NOTHING;
        looked_at = UINT32_MAX;
        not_before = -1;
        return start(slot);
    }
    return DO_NOTHING;
}

/* A frame begins, or began `late` clocks ago. */
int32_t pf_usb_sof(int32_t late) {
    static uint8_t packet[3];
    if (!pf_usb.sof_on) return DO_NOTHING;
    if (late > pf_usb.host_gap[pf_usb.high_speed]) pf_usb.late_sofs++;
    pf_usb.frame++;
    pf_usb.sof_time = pf_now_ps + eighths(16 - 8 * late);
    looked_at = UINT32_MAX;
    if (pf_usb.sof_on == 2) return DO_NOTHING; /* frames pass, but silently */
    usb_put_token(packet, PID_SOF,
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
        if (plan.data_length != 0) {
            int32_t action = send(plan.data, plan.data_length, STEP_DATA,
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
    if (speed && rx_length > 64) learn_stuffing();

    struct slot *slot = now;
    int64_t turnaround = rx_start - tx_end;
    slot->turnaround = (int32_t)turnaround;
    if (turnaround < eighths(pf_usb.earliest[speed]) - 3) slot->broken |= BROKEN_EARLY;
    if (turnaround > eighths(pf_usb.latest[speed]) + 3) slot->broken |= BROKEN_LATE;
    int32_t pid = rx_length ? rx[0] & 15 : -1;
    int32_t status = PID;
    if (turnaround > eighths(8 * (pf_usb.timeout[speed] + 1))) {
        status = TIMEOUT;
    } else if (pid < 0 || usb_pid_byte(pid) != rx[0]) {
        status = PID;
    } else if ((pid & 3) == 3) {
        if (slot->token == PID_IN) {
            slot->rx_pid = pid;
            if (rx_length < 3 || usb_crc16(rx + 1, rx_length - 3) != (uint32_t)(rx[rx_length - 2] | rx[rx_length - 1] << 8)) {
                status = CRC;
                if (too_long) status = BABBLE;
            } else {
                slot->rx_length = rx_length - 3;
                status = slot->rx_length > slot->max_length ? BABBLE : OK;
            }
            if (status == OK && !(slot->knobs & (KNOB_ISOCHRONOUS | KNOB_NO_HANDSHAKE))) {
                static uint8_t handshake[1];
                int32_t answer = knobs->handshake_pid ? knobs->handshake_pid : PID_ACK;
                handshake[0] = usb_pid_byte(answer);
                slot->handshake = answer == PID_ACK ? PID_ACK : 0;
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
            /* the bus falls asleep, if the host has heard it */
            if (slot->token == PID_EXT && !(slot->knobs & KNOB_NO_HANDSHAKE)) {
                pf_usb.sof_on = 0;
                asleep = 1;
            }
        } else if (pid == PID_NYET
                   && ((slot->token == PID_OUT && speed) || slot->token == PID_EXT)) {
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
        asleep = 0;
        pf_usb.high_speed = value & 1;
        pf_usb.sof_on = value & 2 ? 1 : 0;
        pf_usb.frame = -1;
        pf_usb.sof_time = pf_now_ps;
        pf_usb.command_done++;
        break;
    case EV_RESUMED:
        asleep = 0;
        pf_usb.sof_on = 1;
        pf_usb.sof_time = pf_now_ps;
        pf_usb.command_done++;
        break;
    case EV_DONE:
        pf_usb.command_done++;
        break;
    case EV_CONNECT:
    case EV_DISCONNECT:
        asleep = 0;
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
    pf_usb.submitted = pf_usb.done = pf_usb.commanded = pf_usb.command_done = 0;
    pf_usb.recorded = pf_usb.records_read = pf_usb.events = pf_usb.raws = 0;
    pf_usb.frame = -1;
    pf_usb.sof_on = pf_usb.high_speed = pf_usb.monitor = pf_usb.active = 0;
    pf_usb.broken = pf_usb.broken_count = pf_usb.lost = pf_usb.late_sofs = 0;
    pf_usb.stuffing_seen = 0;
    record_offset = 0;
    /* the first command: VBUS off, whatever was before */
    memset(pf_usb.commands, 0, sizeof pf_usb.commands);
    pf_usb.commands[0][0] = CMD_VBUS;
    pf_usb.commanded = 1;
    now = NULL;
    asleep = 0;
    usb_silence = 0;
    knobs = &zero_knobs;
    step = STEP_NONE;
    looked_at = UINT32_MAX;
    not_before = -1;
    rx = rx_buffer;
}
