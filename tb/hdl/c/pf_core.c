/* SPDX-License-Identifier: Apache-2.0 */
/* Time, clocks, events and the pump. */
#include "pf.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

int64_t pf_now_ps = 0;
uint32_t pf_pending = 0;
int64_t pf_next_wake = 0;
uint32_t pf_cocotb_wake = 0;
uint64_t pf_cycles[2] = {0, 0};
uint64_t pf_pumps = 0;
/* 80 MHz and 60 MHz. */
int64_t pf_period_fs[2] = {12500000, 16666667};
int32_t pf_utmi_run = 1;
int32_t pf_waves_on = 0;
volatile int pf_interrupted = 0;
void (*pf_schedule)(void) = NULL;

int32_t pf_faults[PF_FAULTS][4];
uint32_t pf_fault_count = 0;

static pf_pump_t pump_function = NULL;
/* Half periods so far per clock, in femtoseconds, for the delays of `pf_clock_delay`. */
static int64_t clock_fs[2] = {0, 0};
static int32_t clock_level[2] = {0, 0};

const struct pf_view *pf_view(void) {
    static const struct pf_view view = {
        &pf_now_ps, &pf_pending,   &pf_next_wake, &pf_cocotb_wake, pf_cycles,
        pf_period_fs, &pf_utmi_run, &pf_waves_on,  &pf_interrupted,
    };
    return &view;
}

void pf_raise(int event) {
    pf_pending |= 1u << event;
    if (pf_schedule != NULL) pf_schedule();
}

void pf_post(int event) { pf_pending |= 1u << event; }

void pf_set_pump(pf_pump_t pump) {
    pump_function = pump;
    pf_next_wake = pump == NULL ? PF_NEVER : 0;
}

void pf_pump(void) {
    uint32_t pending = pf_pending;
    pf_pending = 0;
    if (pump_function == NULL) {
        pf_next_wake = PF_NEVER;
        return;
    }
    pf_pumps++;
    /* Python may lower pf_next_wake while it runs only through its return value. */
    pf_next_wake = pump_function(pending);
}

int32_t pf_fault(int32_t code, int32_t a, int32_t b) {
    if (pf_fault_count < PF_FAULTS) {
        int32_t *slot = pf_faults[pf_fault_count++];
        slot[0] = code;
        slot[1] = a;
        slot[2] = b;
        slot[3] = 0;
    }
    pf_raise(PF_EVENT_FAULT);
    return 0;
}

/* The launcher wants waves from the first edge on. */
__attribute__((constructor)) static void read_environment(void) {
    if (getenv("PLUGFEST_WAVES") != NULL) pf_waves_on = 1;
}

/* Signals: note it and let the second one end the process. */
static void on_signal(int number) {
    (void)number;
    pf_interrupted = 1;
}

void pf_catch_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
#ifdef __linux__
    /* Started by our launcher: do not outlive it. */
    if (getenv("PLUGFEST_LIBRARY") != NULL) prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
}

/* For simulators without our main: called at each rising edge. Bits of `which`: 1 core, 2 UTMI. */
int32_t pf_edge(int32_t which) {
    static int armed = 0;
    if (!armed) {
        armed = 1;
        pf_catch_signals();
    }
    if (which & 1) pf_cycles[0]++;
    if (which & 2) pf_cycles[1]++;
    if (pf_interrupted) {
        pf_interrupted = 0;
        pf_pending |= 1u << PF_EVENT_INTERRUPT;
    }
    if ((pf_pending != 0 || pf_now_ps >= pf_next_wake) && pf_schedule != NULL) pf_schedule();
    return 0;
}

/* Delay in ps until the next toggle of a clock (0 core, 1 UTMI), for clocks made in Verilog. */
int32_t pf_clock_delay(int32_t which) {
    int64_t before = clock_fs[which] / 1000;
    clock_level[which] ^= 1;
    clock_fs[which] += clock_level[which] ? pf_period_fs[which] / 2
                                          : pf_period_fs[which] - pf_period_fs[which] / 2;
    return (int32_t)(clock_fs[which] / 1000 - before);
}

int32_t pf_clock_running(int32_t which) {
    return which == 1 ? pf_utmi_running(pf_utmi_run, pf_cycles[1]) : 1;
}

/* The PHY stops its clock (1), or gives it again (0). */
int32_t pf_utmi_sleep(int32_t sleep) {
    pf_utmi_run = sleep ? pf_utmi_run | PF_UTMI_ASLEEP : pf_utmi_run & ~PF_UTMI_ASLEEP;
    return 0;
}

/* The UTMI has 16 bits: its clock has half the rate (1). */
int32_t pf_utmi_half(int32_t half) {
    pf_utmi_run = half ? pf_utmi_run | PF_UTMI_HALF : pf_utmi_run & ~PF_UTMI_HALF;
    return 0;
}

int32_t pf_waves_wanted(int32_t unused) {
    (void)unused;
    return pf_waves_on;
}
