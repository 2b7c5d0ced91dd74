// SPDX-License-Identifier: Apache-2.0
// The simulator's main under Verilator.
//
// Clocks are made here. At each rising edge: evaluate, and if something was flagged or the
// kernel's next wake time has come, run the pump once. cocotb is served only while it waits for
// something: then each edge becomes a full step with all VPI callbacks, otherwise none is called.
//
// Falling edges: nothing in the design reacts to them, so outside of full steps and waves they
// are taken at the other clock's next rising edge, which saves an evaluation.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "Vtop.h"
#define PF_MAIN
#include "pf.h"
#include "verilated.h"
#include "verilated_vpi.h"

#if VM_TRACE
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using WaveFile = VerilatedFstC;
#else
#include "verilated_vcd_c.h"
using WaveFile = VerilatedVcdC;
#endif
#endif

extern "C" void vlog_startup_routines_bootstrap(void);

namespace {

constexpr int64_t NEVER = PF_NEVER;

const struct pf_view& view = *::pf_view();
int64_t& pf_now_ps = *view.now_ps;
uint32_t& pf_pending = *view.pending;
int64_t& pf_next_wake = *view.next_wake;
uint32_t& pf_cocotb_wake = *view.cocotb_wake;
uint64_t* const pf_cycles = view.cycles;
int64_t* const pf_period_fs = view.period_fs;
int32_t& pf_utmi_run = *view.utmi_run;
int32_t& pf_waves_on = *view.waves_on;
volatile int& pf_interrupted = *view.interrupted;

struct Clock {
    int64_t rise_fs = 0;  // next rising edge
    int64_t fall_ps = NEVER;  // next falling edge
    bool high = false;
    int64_t rise_ps() const { return rise_fs / 1000; }
};

Vtop* top = nullptr;
VerilatedContext* context = nullptr;
Clock core, phy;

#if VM_TRACE
WaveFile* waves = nullptr;
std::string waves_name = VM_TRACE_FST ? "waves.fst" : "waves.vcd";
#endif

void close_waves() {
#if VM_TRACE
    if (waves) waves->close();
#endif
}

void dump(int64_t now) {
#if VM_TRACE
    if (!pf_waves_on) return;
    if (!waves) {
        waves = new WaveFile;
        top->trace(waves, 99);
        waves->open(waves_name.c_str());
    }
    waves->dump(static_cast<uint64_t>(now));
#else
    (void)now;
#endif
}

// True while cocotb has done something in this time step, or may have left something for it.
bool vpi_active = true;

void value_callbacks() {
    while (VerilatedVpi::callValueCbs()) vpi_active = true;
}

// Evaluate and serve cocotb's callbacks until nothing changes any more. The read-write phase is
// left out where no callback has run: only the bridge waits for it then, and it has no news.
void settle_with_vpi() {
    do {
        do {
            top->eval();
            VerilatedVpi::clearEvalNeeded();
            VerilatedVpi::doInertialPuts();
            value_callbacks();
        } while (VerilatedVpi::evalNeeded());
        if (!vpi_active) break;
        VerilatedVpi::callCbs(cbReadWriteSynch);
        VerilatedVpi::doInertialPuts();
        value_callbacks();
    } while (VerilatedVpi::evalNeeded());
}

bool vpi_waits() {
    return VerilatedVpi::hasCbs(cbValueChange) || VerilatedVpi::hasCbs(cbReadOnlySynch)
           || VerilatedVpi::hasCbs(cbNextSimTime);
}

int64_t vpi_deadline() {
    const uint64_t when = VerilatedVpi::cbNextDeadline();
    return when == ~0ULL ? NEVER : static_cast<int64_t>(when);
}

void wrap_up() {
    static bool done = false;
    if (done) return;
    done = true;
    VerilatedVpi::callCbs(cbEndOfSimulation);
    close_waves();
}

// Put falling edges that are due at or before `now`.
void fall(int64_t now) {
    if (core.fall_ps <= now) {
        top->core_clk = 0;
        core.high = false;
        core.fall_ps = NEVER;
    }
    if (phy.fall_ps <= now) {
        top->phy_clk = 0;
        top->utmi_clk = 0;
        phy.high = false;
        phy.fall_ps = NEVER;
    }
}

// Put the rising edges at `now`; returns true if there is one.
bool rise(int64_t now) {
    bool any = false;
    if (core.rise_ps() == now) {
        top->core_clk = 1;
        core.high = true;
        core.fall_ps = (core.rise_fs + pf_period_fs[0] / 2) / 1000;
        core.rise_fs += pf_period_fs[0];
        pf_cycles[0]++;
        any = true;
    }
    if (phy.rise_ps() == now) {
        top->phy_clk = 1;
        top->utmi_clk = pf_utmi_running(pf_utmi_run, pf_cycles[1]);
        phy.high = true;
        phy.fall_ps = (phy.rise_fs + pf_period_fs[1] / 2) / 1000;
        phy.rise_fs += pf_period_fs[1];
        pf_cycles[1]++;
        any = true;
    }
    return any;
}

void run() {
    int64_t deadline = vpi_deadline();
    bool full = vpi_waits();
    core.rise_fs = pf_period_fs[0];
    phy.rise_fs = pf_period_fs[1];
    while (!context->gotFinish()) {
        const int64_t core_rise = core.rise_ps();
        const int64_t phy_rise = phy.rise_ps();
        int64_t now = core_rise < phy_rise ? core_rise : phy_rise;
        if (full || pf_waves_on) {
            if (core.fall_ps < now) now = core.fall_ps;
            if (phy.fall_ps < now) now = phy.fall_ps;
            if (deadline < now) now = deadline;
            fall(now);
        } else if (deadline < now) {
            now = deadline;
            fall(now);
        } else {
            // A clock that rises again must have been seen low before.
            if ((core.high && core_rise == now) || (phy.high && phy_rise == now)) {
                fall(now);
                context->time(static_cast<uint64_t>(now - 1));
                top->eval();
            }
            fall(now);
        }
        pf_now_ps = now;
        context->time(static_cast<uint64_t>(now));
        const bool timed = deadline <= now;
        if (full) {
            if (VerilatedVpi::callCbs(cbNextSimTime)) vpi_active = true;
            value_callbacks();
        }
        if (timed) {
            VerilatedVpi::callTimedCbs();
            vpi_active = true;
            value_callbacks();
        }
        const bool edge = rise(now);
        const bool step = full || timed;
        if (step) {
            settle_with_vpi();
        } else {
            top->eval();
        }
        bool woken = false;
        if (edge) {
            if (pf_interrupted) {
                pf_interrupted = 0;
                pf_pending |= 1u << PF_EVENT_INTERRUPT;
            }
            if (pf_pending || pf_now_ps >= pf_next_wake) {
                pf_pump();
                if (pf_cocotb_wake) {
                    // The bridge waits for the read-write phase; nobody else is disturbed.
                    pf_cocotb_wake = 0;
                    woken = true;
                    VerilatedVpi::callCbs(cbReadWriteSynch);
                    VerilatedVpi::doInertialPuts();
                    value_callbacks();
                    vpi_active = true;
                    if (VerilatedVpi::evalNeeded()) settle_with_vpi();
                }
            }
        }
        if (step || woken) {
            vpi_active = VerilatedVpi::callCbs(cbReadOnlySynch);
            full = vpi_waits();
            deadline = vpi_deadline();
        }
        dump(now);
    }
}

}  // namespace

// Ends the run without a word: what the run has to say has been said by then.
void vl_finish(const char* file, int line, const char* hierarchy) VL_MT_UNSAFE {
    (void)hierarchy;
    if (line > 0) std::printf("%s:%d: $finish\n", file, line);
    Verilated::threadContextp()->gotFinish(true);
}

double sc_time_stamp() { return static_cast<double>(pf_now_ps); }

int main(int argc, char** argv) {
    // The thread's own context: the VPI functions take their time from it.
    context = Verilated::threadContextp();
    context->commandArgs(argc, argv);
    Verilated::fatalOnVpiError(false);
#if VM_TRACE
    context->traceEverOn(true);
    const std::string match = context->commandArgsPlusMatch("waves=");
    if (!match.empty()) waves_name = match.substr(7);
#endif
    top = new Vtop{context, ""};
    vlog_startup_routines_bootstrap();
    Verilated::addExitCb([](void*) { wrap_up(); }, nullptr);
    VerilatedVpi::callCbs(cbStartOfSimulation);
    value_callbacks();
    pf_catch_signals();
    settle_with_vpi();
    VerilatedVpi::callCbs(cbReadOnlySynch);
    dump(0);
    run();
    top->final();
    wrap_up();
    const bool failed = context->errorCount() > 0;
    // Neither model nor wave file is deleted: cocotb may still hold handles into it.
    return failed ? 1 : 0;
}
