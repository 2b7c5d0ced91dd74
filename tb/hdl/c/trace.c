/* SPDX-License-Identifier: Apache-2.0 */
/* Ring of trace port events. */
#include "pf.h"

#define ENTRIES 65536u

/* Written here: events and their times; read by Python, which moves the tail. */
uint64_t pf_trace_events[ENTRIES];
int64_t pf_trace_times[ENTRIES];
/* head (written here), tail (written by Python), mark: entries that make the pump run, lost */
uint32_t pf_trace_state[4] = {0, 0, ENTRIES / 2, 0};

int32_t pf_trace(int32_t high, int32_t low) {
    uint32_t head = pf_trace_state[0];
    uint32_t used = head - pf_trace_state[1];
    if (used >= ENTRIES) {
        if (pf_trace_state[3]++ == 0) pf_fault(PF_FAULT_TRACE_OVERFLOW, (int32_t)head, 0);
        return 0;
    }
    pf_trace_events[head % ENTRIES] = ((uint64_t)(uint32_t)high << 32) | (uint32_t)low;
    pf_trace_times[head % ENTRIES] = pf_now_ps;
    pf_trace_state[0] = head + 1;
    if (used + 1 >= pf_trace_state[2]) pf_raise(PF_EVENT_TRACE);
    return 0;
}
