/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes between Verilog, the simulator's main and Python.
 *
 * Verilog calls functions of functions.def; they store and flag, nothing else. Python sees the
 * same memory through ctypes. The pump, which runs Python, is called by the main (Verilator) or
 * by a VPI callback (Icarus), never from inside such a function. */
#ifndef PF_H
#define PF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reasons to pump; the order is the order in which Python serves them. */
enum pf_event {
    PF_EVENT_FAULT = 0,     /* a transactor reported an error */
    PF_EVENT_MEMORY = 1,    /* forbidden DMA access */
    PF_EVENT_WIRE = 2,      /* USB host side */
    PF_EVENT_TRACE = 3,     /* trace ring filled to its mark */
    PF_EVENT_BUS = 4,       /* register operation done */
    PF_EVENT_IRQ = 5,       /* interrupt lines changed */
    PF_EVENT_POST = 6,      /* cocotb posted work */
    PF_EVENT_INTERRUPT = 7  /* the user pressed Ctrl-C */
};

#define PF_NEVER INT64_MAX

/* Given by the testbench; stopped by the PHY; never mind the PHY; every other pulse of the PHY's */
#define PF_UTMI_GIVEN 1
#define PF_UTMI_ASLEEP 2
#define PF_UTMI_ALWAYS 4
#define PF_UTMI_HALF 8

/* Whether the DUT gets this pulse of the PHY's clock: its number counts from 0. */
static inline int pf_utmi_running(int32_t run, uint64_t number) {
    return (run & PF_UTMI_GIVEN) && !((run & PF_UTMI_HALF) && (number & 1) == 0)
           && (run & (PF_UTMI_ASLEEP | PF_UTMI_ALWAYS)) != PF_UTMI_ASLEEP;
}

#ifndef PF_MAIN
extern int64_t pf_now_ps;          /* simulation time at this edge */
extern uint32_t pf_pending;        /* bits of enum pf_event */
extern int64_t pf_next_wake;       /* when the kernel wants to run without an event */
extern uint32_t pf_cocotb_wake;    /* the pump wants cocotb's tasks to run */
extern uint64_t pf_cycles[2];      /* rising edges: core clock, the PHY's clock */
extern uint64_t pf_pumps;          /* calls of the pump */
extern int64_t pf_period_fs[2];    /* clock periods: core clock, the PHY's clock */
extern int32_t pf_utmi_run;        /* PF_UTMI_...: whether the UTMI clock of the DUT runs */
extern int32_t pf_waves_on;        /* 1 = record waves where the build can */
extern volatile int pf_interrupted;
#endif

/* The executable must not name the library's variables: the linker would give it copies of its
 * own, which Python does not see. It takes their addresses from here. */
struct pf_view {
    int64_t *now_ps;
    uint32_t *pending;
    int64_t *next_wake;
    uint32_t *cocotb_wake;
    uint64_t *cycles;
    int64_t *period_fs;
    int32_t *utmi_run;
    int32_t *waves_on;
    volatile int *interrupted;
};
const struct pf_view *pf_view(void);

/* Flag an event. Call it from functions that Verilog calls. */
void pf_raise(int event);
/* Flag an event from Python; it is served at the next rising edge. */
void pf_post(int event);
/* Set the function that runs Python: takes the pending bits, returns the next wake time. */
typedef int64_t (*pf_pump_t)(uint32_t pending);
void pf_set_pump(pf_pump_t pump);
void pf_pump(void);
/* Install the Ctrl-C handler (after Python has installed its own). */
void pf_catch_signals(void);
/* How a build without a main of ours gets its pump scheduled; null otherwise. */
extern void (*pf_schedule)(void);

/* Faults: three numbers each, read and cleared by Python. */
#define PF_FAULTS 64
extern int32_t pf_faults[PF_FAULTS][4];
extern uint32_t pf_fault_count;
enum pf_fault_code {
    PF_FAULT_TRACE_OVERFLOW = 1,  /* trace ring full: events lost */
    PF_FAULT_AXI_PROTOCOL = 2,    /* a = rule, b = address or beat */
    PF_FAULT_AXIL_PROTOCOL = 3,
    PF_FAULT_HOST = 4,            /* USB host transactor: a = rule */
    PF_FAULT_UNKNOWN = 5          /* an output is X or Z: a = which, see x_watch.v */
};

#define PF_FUNCTION(name, nargs) PF_DECLARE_##nargs(name)
#define PF_DECLARE_1(name) int32_t name(int32_t);
#define PF_DECLARE_2(name) int32_t name(int32_t, int32_t);
#define PF_DECLARE_3(name) int32_t name(int32_t, int32_t, int32_t);
#define PF_DECLARE_4(name) int32_t name(int32_t, int32_t, int32_t, int32_t);
#define PF_DECLARE_5(name) int32_t name(int32_t, int32_t, int32_t, int32_t, int32_t);
#define PF_DECLARE_6(name) int32_t name(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
#include "functions.def"
#undef PF_FUNCTION

#ifdef __cplusplus
}
#endif
#endif
