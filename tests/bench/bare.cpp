// SPDX-License-Identifier: Apache-2.0
// The yardstick of `make bench`: the same RTL, the same transactors and the same traffic as a
// scenario, but host and device driver are C++ in the simulator's loop. No Python, no VPI.
//
// Traffic: high speed bulk, buffer DMA, OUT and IN at once, transfers of 64 KiB, four requests
// queued on the device, every payload made and checked.
//
// Usage: bare TRANSFERS (per direction). Prints one line of JSON.

#include <chrono>
#include <coroutine>
#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

extern "C" {
#include "pf.h"
#include "usb_host.h"
extern uint32_t pf_axil_counts[4];
extern uint32_t pf_axil_headers[64][4];
extern uint32_t pf_axil_data[64][1024];
extern uint32_t pf_irq_levels[2];
extern uint8_t* pf_mem_bytes;
int32_t pf_mem_init(uint32_t base, uint32_t size);
int32_t pf_mem_allow(uint32_t address, uint32_t size, int32_t rights);
void pf_usb_init(void);
extern uint8_t pf_usb_records[];
}

namespace {

constexpr uint32_t BASE = 0x10000000, TRANSFER = 65536, PACKET = 512, DEPTH = 4, KEPT = 8;
constexpr uint32_t GAHBCFG = 0x8, GINTMSK = 0x18, GRXFSIZ = 0x24, GNPTXFSIZ = 0x28,
    DIEPTXF1 = 0x104, DCFG = 0x800, DCTL = 0x804, DIEPMSK = 0x810, DOEPMSK = 0x814,
    DAINT = 0x818, DAINTMSK = 0x81C, IN1 = 0x920, OUT1 = 0xB20;
constexpr uint32_t CTL = 0, INT = 8, TSIZ = 16, DMA = 20;
constexpr uint32_t EPENA = 1u << 31, CNAK = 1 << 26, SD0PID = 1 << 28, ACTIVE = 1 << 15,
    BULK = 2 << 18, FIFO1 = 1 << 22, XFERCOMPL = 1;
constexpr int64_t US = 1000000;

[[noreturn]] void die(const char* text) {
    std::fprintf(stderr, "bare: %s at %lld ps\n", text, static_cast<long long>(pf_now_ps));
    std::exit(1);
}

// --- coroutines, as small as they go --------------------------------------------------------

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::abort(); }
    };
};

std::coroutine_handle<> bus_waiter, irq_waiter, command_waiter, sleeper;
int64_t sleep_until = PF_NEVER;

struct Access {
    uint32_t kind, offset, value, slot;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        slot = pf_axil_counts[0] % 64;
        pf_axil_headers[slot][0] = kind;
        pf_axil_headers[slot][1] = offset;
        pf_axil_headers[slot][2] = kind == 3 ? 16 : 1;
        pf_axil_data[slot][0] = value;
        pf_axil_counts[0]++;
        bus_waiter = waiter;
    }
    uint32_t await_resume() const { return pf_axil_data[slot][0]; }
};
Access rd(uint32_t offset) { return {1, offset, 0, 0}; }
Access wr(uint32_t offset, uint32_t value) { return {2, offset, value, 0}; }

struct Irq {
    bool await_ready() const { return pf_irq_levels[0] != 0; }
    void await_suspend(std::coroutine_handle<> waiter) { irq_waiter = waiter; }
    void await_resume() const {}
};

struct Sleep {
    int64_t duration;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        sleeper = waiter;
        sleep_until = pf_now_ps + duration;
    }
    void await_resume() const {}
};

struct Command {
    int32_t words[5];
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        std::memset(pf_usb.commands[pf_usb.commanded % COMMANDS], 0, 32);
        std::memcpy(pf_usb.commands[pf_usb.commanded % COMMANDS], words, sizeof words);
        pf_usb.commanded++;
        command_waiter = waiter;
    }
    void await_resume() const {}
};

// --- payload --------------------------------------------------------------------------------

uint64_t random_state = 88172645463325252ull;

void make_payload(uint8_t* to) {
    for (uint32_t i = 0; i < TRANSFER; i += 8) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        std::memcpy(to + i, &random_state, 8);
    }
}

struct Direction {
    uint32_t buffers;               // offset of the device's four buffers in memory
    uint32_t queued = 0;            // transfers given to the device's endpoint or waiting there
    uint32_t completed = 0;         // transfers that the device driver has completed
    uint32_t made = 0;              // payloads made
    uint32_t offset = 0;            // of the host, in its present transfer
    uint32_t transfer = 0;          // of the host
    uint32_t packets = 0, naks = 0;
    bool toggle = false, ping = false;
    std::vector<uint8_t> payload[KEPT];
    uint8_t* next_payload() {
        auto& bytes = payload[made++ % KEPT];
        bytes.resize(TRANSFER);
        make_payload(bytes.data());
        return bytes.data();
    }
};

Direction out{0}, in{DEPTH * TRANSFER};
uint32_t wanted = 16;
bool traffic_over = false;

// --- host -----------------------------------------------------------------------------------

slot& new_slot(int32_t token) {
    slot& entry = pf_usb_slots[pf_usb.submitted % SLOTS];
    std::memset(&entry, 0, 44);
    entry.token = token;
    entry.endpoint = 1;
    entry.frame = -1;
    return entry;
}

void submit_out() {
    if (out.transfer == wanted) return;
    if (out.made == out.transfer) out.next_payload();
    slot& entry = new_slot(out.ping ? PID_PING : PID_OUT);
    if (!out.ping) {
        entry.data_pid = out.toggle ? 11 : 3;
        entry.length = PACKET;
        std::memcpy(entry.data, out.payload[out.transfer % KEPT].data() + out.offset, PACKET);
    }
    pf_usb.submitted++;
}

void submit_in() {
    if (in.transfer == wanted) return;
    new_slot(PID_IN).max_length = PACKET;
    pf_usb.submitted++;
}

void advance(Direction& way) {
    way.packets++;
    way.toggle = !way.toggle;
    way.offset += PACKET;
    if (way.offset == TRANSFER) {
        way.offset = 0;
        way.transfer++;
    }
}

uint32_t delivered = 0;

void serve_results() {
    while (delivered != pf_usb.done) {
        slot& entry = pf_usb_slots[delivered++ % SLOTS];
        if (entry.broken) die("the device broke a rule of the wire");
        if (entry.token == PID_IN) {
            if (entry.status == OK) {
                const auto& bytes = in.payload[in.transfer % KEPT];
                if (entry.rx_length != static_cast<int32_t>(PACKET)
                    || std::memcmp(entry.received + 1, bytes.data() + in.offset, PACKET) != 0)
                    die("IN payload differs");
                if (entry.rx_pid != (in.toggle ? 11 : 3)) die("IN toggle differs");
                advance(in);
            } else if (entry.status == NAK) {
                in.naks++;
            } else {
                die("IN failed");
            }
            submit_in();
        } else {
            if (entry.status == NAK) {
                out.ping = true;
                out.naks++;
            } else if (entry.token == PID_PING && entry.status == OK) {
                out.ping = false;
            } else if (entry.status == OK || entry.status == NYET) {
                out.ping = entry.status == NYET;
                advance(out);
            } else {
                die("OUT failed");
            }
            submit_out();
        }
    }
}

// --- device ---------------------------------------------------------------------------------

uint32_t buffer_of(const Direction& way, uint32_t number) {
    return BASE + way.buffers + number % DEPTH * TRANSFER;
}

uint8_t* memory_of(const Direction& way, uint32_t number) {
    return pf_mem_bytes + way.buffers + number % DEPTH * TRANSFER;
}

void queue_request(Direction& way) {
    // A request of the device: for IN its payload is made when it is queued.
    if (way.queued == wanted) return;
    if (&way == &in) std::memcpy(memory_of(way, way.queued), way.next_payload(), TRANSFER);
    way.queued++;
}

Task device_and_bus() {
    const uint32_t size = TRANSFER / PACKET << 19 | TRANSFER;
    co_await Access{3, 0, 0, 0};
    co_await wr(DCTL, 2);
    co_await wr(GRXFSIZ, 1024);
    co_await wr(GNPTXFSIZ, 64u << 16 | 1024);
    co_await wr(DIEPTXF1, 1024u << 16 | 1088);
    co_await wr(GAHBCFG, 1 | 1 << 5 | 7 << 1);
    co_await wr(DCFG, 0);
    co_await wr(DIEPMSK, XFERCOMPL);
    co_await wr(DOEPMSK, XFERCOMPL);
    co_await wr(DAINTMSK, 1 << 1 | 1 << 17);
    co_await Command{{CMD_VBUS, 1}};
    co_await Sleep{20 * US};
    co_await wr(DCTL, 0);
    co_await Sleep{20 * US};
    co_await Command{{CMD_RESET, 200 * 60, 300, 0x7FFFFFFF, 600}};
    if (!pf_usb.high_speed) die("no high speed");
    co_await wr(GINTMSK, 1 << 18 | 1 << 19);
    for (uint32_t i = 0; i < DEPTH; i++) {
        queue_request(out);
        queue_request(in);
    }
    co_await wr(OUT1 + DMA, buffer_of(out, 0));
    co_await wr(OUT1 + TSIZ, size);
    co_await wr(OUT1 + CTL, EPENA | CNAK | SD0PID | ACTIVE | BULK | PACKET);
    co_await wr(IN1 + DMA, buffer_of(in, 0));
    co_await wr(IN1 + TSIZ, size);
    co_await wr(IN1 + CTL, EPENA | CNAK | SD0PID | ACTIVE | BULK | FIFO1 | PACKET);
    const uint64_t first_cycle = pf_cycles[1];
    const int64_t first_ps = pf_now_ps;
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    submit_out();
    submit_in();
    while (out.completed < wanted || in.completed < wanted) {
        co_await Irq{};
        const uint32_t daint = co_await rd(DAINT);
        if (daint & 1 << 1) {
            const uint32_t cause = co_await rd(IN1 + INT);
            co_await wr(IN1 + INT, cause);
            if (cause & XFERCOMPL) {
                in.completed++;
                queue_request(in);
                if (in.completed < in.queued) {
                    co_await wr(IN1 + DMA, buffer_of(in, in.completed));
                    co_await wr(IN1 + TSIZ, size);
                    co_await wr(IN1 + CTL, EPENA | CNAK | ACTIVE | BULK | FIFO1 | PACKET);
                }
            }
        }
        if (daint & 1 << 17) {
            const uint32_t cause = co_await rd(OUT1 + INT);
            co_await wr(OUT1 + INT, cause);
            if (cause & XFERCOMPL) {
                const uint32_t number = out.completed++;
                queue_request(out);
                if (out.completed < out.queued) {
                    co_await wr(OUT1 + DMA, buffer_of(out, out.completed));
                    co_await wr(OUT1 + TSIZ, size);
                    co_await wr(OUT1 + CTL, EPENA | CNAK | ACTIVE | BULK | PACKET);
                }
                if (std::memcmp(memory_of(out, number), out.payload[number % KEPT].data(), TRANSFER))
                    die("OUT payload differs");
            }
        }
    }
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
    const double cycles = static_cast<double>(pf_cycles[1] - first_cycle);
    const double frames = static_cast<double>(pf_now_ps - first_ps) / (125.0 * US);
    std::printf("{\"name\": \"bare_cpp\", \"cycles_per_s\": %.0f, \"cycles\": %.0f, "
                "\"wall_seconds\": %.3f, \"cpu_seconds\": %.3f, \"payload_bytes\": %llu, \"sim_time_ns\": %lld, "
                "\"packets_per_microframe\": %.2f, \"naks\": %u}\n",
                cycles / wall, cycles, wall, cpu,
                static_cast<unsigned long long>(PACKET) * (out.packets + in.packets),
                static_cast<long long>((pf_now_ps - first_ps) / 1000),
                (out.packets + in.packets) / frames, out.naks + in.naks);
    traffic_over = true;
}

// --- the loop -------------------------------------------------------------------------------

void resume(std::coroutine_handle<>& waiter) {
    auto handle = waiter;
    waiter = nullptr;
    if (handle) handle.resume();
}

uint32_t accesses_done = 0;

int64_t pump(uint32_t pending) {
    if (pending & 1u << PF_EVENT_FAULT) die("a transactor reported a fault");
    if (pending & 1u << PF_EVENT_MEMORY) die("DMA outside of the buffers");
    if (pending & 1u << PF_EVENT_WIRE) {
        serve_results();
        if (pf_usb.commanded == pf_usb.command_done) resume(command_waiter);
    }
    if (sleep_until <= pf_now_ps) {
        sleep_until = PF_NEVER;
        resume(sleeper);
    }
    if (accesses_done != pf_axil_counts[2]) {
        accesses_done = pf_axil_counts[2];
        resume(bus_waiter);
    }
    if (pf_irq_levels[0] != 0) resume(irq_waiter);
    return sleep_until;
}

void run(Vtop* top, VerilatedContext* context) {
    int64_t rise_fs[2] = {pf_period_fs[0], pf_period_fs[1]};
    int64_t fall_ps[2] = {PF_NEVER, PF_NEVER};
    const auto fall = [&](int64_t now) {
        if (fall_ps[0] <= now) {
            top->core_clk = 0;
            fall_ps[0] = PF_NEVER;
        }
        if (fall_ps[1] <= now) {
            top->phy_clk = 0;
            top->utmi_clk = 0;
            fall_ps[1] = PF_NEVER;
        }
    };
    while (!traffic_over) {
        const int64_t core = rise_fs[0] / 1000, phy = rise_fs[1] / 1000;
        const int64_t now = core < phy ? core : phy;
        if ((core == now && fall_ps[0] != PF_NEVER) || (phy == now && fall_ps[1] != PF_NEVER)) {
            fall(now);
            top->eval();
        }
        fall(now);
        pf_now_ps = now;
        context->time(static_cast<uint64_t>(now));
        if (core == now) {
            top->core_clk = 1;
            fall_ps[0] = (rise_fs[0] + pf_period_fs[0] / 2) / 1000;
            rise_fs[0] += pf_period_fs[0];
            pf_cycles[0]++;
        }
        if (phy == now) {
            top->phy_clk = 1;
            top->utmi_clk = 1;
            fall_ps[1] = (rise_fs[1] + pf_period_fs[1] / 2) / 1000;
            rise_fs[1] += pf_period_fs[1];
            pf_cycles[1]++;
        }
        top->eval();
        if (pf_pending || pf_now_ps >= pf_next_wake) pf_pump();
        if (pf_now_ps > 2000000000000ll) die("not done in 2 s of simulated time");
    }
}

}  // namespace

double sc_time_stamp() { return static_cast<double>(pf_now_ps); }

int main(int argc, char** argv) {
    if (argc > 1) wanted = static_cast<uint32_t>(std::atoi(argv[1]));
    VerilatedContext* context = Verilated::threadContextp();
    Vtop* top = new Vtop{context, ""};
    if (pf_mem_init(BASE, 16 << 20)) die("no memory");
    pf_mem_allow(BASE, 2 * DEPTH * TRANSFER, 3);
    pf_usb_init();
    delivered = 0;
    pf_set_pump(pump);
    device_and_bus();
    run(top, context);
    return 0;
}
