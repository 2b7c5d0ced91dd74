/* SPDX-License-Identifier: Apache-2.0 */
/* Queue of register operations, and the interrupt lines. */
#include "pf.h"

#define SLOTS 64
#define WORDS 1024

enum { KIND_READ = 1, KIND_WRITE = 2, KIND_RESET = 3 };

/* Python writes a slot's header and data, then raises the count of submitted operations. */
uint32_t pf_axil_counts[4]; /* submitted, started, completed, last response */
uint32_t pf_axil_headers[SLOTS][4]; /* kind, offset, words, response */
uint32_t pf_axil_data[SLOTS][WORDS];
int64_t pf_axil_times[SLOTS][2]; /* start, end in ps */
/* Pauses: chance in 1/256 of a gap per beat, longest gap in clocks, random state. */
uint32_t pf_axil_pause[3] = {0, 0, 1};
/* irq, ep_irq */
uint32_t pf_irq_levels[2];

static uint32_t slot;

static uint32_t random_step(uint32_t *state) {
    uint32_t x = *state ? *state : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* Start the next operation: returns its kind, 0 when there is none. */
int32_t pf_axil_next(int32_t unused) {
    (void)unused;
    if (pf_axil_counts[0] == pf_axil_counts[1]) return 0;
    slot = pf_axil_counts[1]++ % SLOTS;
    pf_axil_times[slot][0] = pf_now_ps;
    return (int32_t)pf_axil_headers[slot][0];
}

/* 1 = offset, 2 = words, 4 = are pauses on? */
int32_t pf_axil_field(int32_t field) {
    if (field == 4) return pf_axil_pause[0] != 0;
    return (int32_t)pf_axil_headers[slot][field & 3];
}

int32_t pf_axil_wdata(int32_t index) { return (int32_t)pf_axil_data[slot][index % WORDS]; }

int32_t pf_axil_rdata(int32_t index, int32_t value) {
    pf_axil_data[slot][index % WORDS] = (uint32_t)value;
    return 0;
}

/* Clocks to wait before the next beat of a channel. */
int32_t pf_axil_gap(int32_t channel) {
    (void)channel;
    uint32_t draw = random_step(&pf_axil_pause[2]);
    if ((draw & 255) >= pf_axil_pause[0] || pf_axil_pause[1] == 0) return 0;
    return (int32_t)(1 + (draw >> 8) % pf_axil_pause[1]);
}

int32_t pf_axil_done(int32_t response) {
    pf_axil_headers[slot][3] = (uint32_t)response;
    pf_axil_times[slot][1] = pf_now_ps;
    pf_axil_counts[2]++;
    pf_raise(PF_EVENT_BUS);
    return 0;
}

int32_t pf_irq_change(int32_t irq, int32_t ep_irq) {
    pf_irq_levels[0] = (uint32_t)irq;
    pf_irq_levels[1] = (uint32_t)ep_irq;
    pf_raise(PF_EVENT_IRQ);
    return 0;
}
