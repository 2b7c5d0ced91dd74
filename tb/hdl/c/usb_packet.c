/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the USB host side: CRCs, bit stuffing, knobs, and how long a transaction takes. */
#include "usb_host.h"

#include <string.h>

static uint16_t crc16_table[256];
static uint8_t stuff_table[6][256]; /* ones before -> ones after << 2 | stuffed bits */
static int tables_made;
int usb_silence; /* transactions to come that may well not be answered: a recent one was not */

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

uint32_t usb_crc16(const uint8_t *data, int32_t length) {
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

uint8_t usb_pid_byte(int32_t pid) { return (uint8_t)((~pid & 15) << 4 | (pid & 15)); }

void usb_put_token(uint8_t *packet, int32_t pid, uint32_t value) {
    value |= crc5(value) << 11;
    packet[0] = usb_pid_byte(pid);
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

/* Truncate, extend and spoil a packet as the knobs say. */
static int32_t reshape(const struct slot *slot, uint8_t *packet, int32_t length) {
    int32_t cut = slot->truncate < length ? slot->truncate : length;
    length -= cut;
    for (int32_t i = 0; i < slot->extend && i < SPURIOUS; i++) packet[length++] = (uint8_t)(0xA5 + i);
    return length;
}

int32_t usb_short_gap(const struct slot *slot) {
    return slot->gap < LONG_GAP ? slot->gap : 0;
}

static int32_t longer(int32_t one, int32_t other) { return one > other ? one : other; }

/* Build what a transaction sends and reckon its longest time in clocks. */
void usb_plan(struct usb_plan *plan, const struct slot *slot) {
    const int speed = pf_usb.high_speed;
    const int32_t bits = slot->knobs;
    /* Without an answer it takes its time-out (7.1.19), which no SOF may cut short. A host that
     * always kept that much room would waste the end of each frame. */
    const int32_t silence
        = (bits & KNOB_INJECTED) || usb_silence != 0 ? pf_usb.timeout[speed] + 2 : 0;
    int32_t clocks = 0;

    if (!tables_made) make_tables();
    if (slot->kind == KIND_RAW) {
        plan->need = packet_clocks(8 * slot->length + stuffed_bits(slot->data, slot->length))
               + pf_usb.host_gap[speed] + pf_usb.timeout[speed];
        return;
    }
    usb_put_token(plan->token, slot->token,
              (uint32_t)(((slot->address ^ (bits & KNOB_WRONG_ADDRESS ? 1 : 0)) & 127)
                         | (slot->endpoint & 15) << 7));
    plan->token_length = 3;
    plan->data_length = 0;
    if (bits & KNOB_BAD_CRC5) plan->token[2] ^= 0x80;
    const int extended = slot->token == PID_EXT;
    if ((slot->token == PID_OUT || slot->token == PID_SETUP || extended)
        && !(bits & KNOB_NO_DATA)) {
        int32_t pid = slot->data_pid ^ (bits & KNOB_WRONG_TOGGLE ? 8 : 0);
        if (extended) {
            /* the second packet: SubPID, 11 bits, CRC5 */
            usb_put_token(plan->data, pid, (uint32_t)(slot->data[0] | slot->data[1] << 8) & 0x7FF);
            plan->data_length = 3;
            if (bits & KNOB_BAD_CRC) plan->data[2] ^= 0x80;
        } else {
            uint32_t crc = usb_crc16(slot->data, slot->length);
            plan->data[0] = usb_pid_byte(pid);
            memcpy(plan->data + 1, slot->data, (size_t)slot->length);
            plan->data[slot->length + 1] = (uint8_t)crc;
            plan->data[slot->length + 2] = (uint8_t)(crc >> 8);
            plan->data_length = slot->length + 3;
            if (bits & KNOB_BAD_CRC) plan->data[plan->data_length - 1] ^= 0x01;
        }
        if (bits & KNOB_BAD_PID) plan->data[0] ^= 0x10;
        if (bits & KNOB_INJECTED) plan->data_length = reshape(slot, plan->data, plan->data_length);
        clocks += packet_clocks(8 * plan->data_length + stuffed_bits(plan->data, plan->data_length))
                  + pf_usb.host_gap[speed];
        if (bits & KNOB_INJECTED) clocks += slot->data_gap;
        if (!(bits & KNOB_ISOCHRONOUS))
            clocks += longer(pf_usb.slowest[speed] + packet_clocks(8), silence);
    } else {
        if (bits & KNOB_BAD_PID) plan->token[0] ^= 0x10;
        if (bits & KNOB_INJECTED) plan->token_length = reshape(slot, plan->token, plan->token_length);
        int32_t answer = slot->token == PID_IN ? 8 * (slot->max_length + 3) : 8;
        int32_t room = pf_usb.stuffing_seen;
        if (room < pf_usb.stuffing) room = pf_usb.stuffing;
        answer += answer * room / 1024 + 1;
        answer = pf_usb.slowest[speed] + packet_clocks(answer);
        if (slot->token == PID_IN && !(bits & KNOB_ISOCHRONOUS))
            answer += pf_usb.device_gap[speed] + packet_clocks(8);
        clocks += longer(answer, silence);
    }
    clocks += packet_clocks(8 * plan->token_length + 4) + pf_usb.host_gap[speed] + 2;
    if (bits & KNOB_INJECTED) {
        clocks += usb_short_gap(slot) + slot->late;
        if (slot->spurious) clocks += packet_clocks(9 * slot->spurious) + pf_usb.host_gap[speed];
    }
    /* what fits no frame at all starts right behind its SOF */
    const int32_t frame = speed ? 7400 : 59800;
    plan->need = clocks < frame ? clocks : frame;
}
