# SPDX-License-Identifier: Apache-2.0
"""Tests that run inside the simulator: the kernel, pumped, beside cocotb and pyuvm."""

from __future__ import annotations

import os
import time
from typing import Any

import cocotb
import pyuvm
from cocotb.triggers import Event, RisingEdge, Timer

from pymodel.config import UdcParameters
from tb.kernel import Kernel, WaitQueue, ms, now, ns, sleep, us
from tb.sim.bridge import Bridge
from tb.sim.rtl import RtlController

SCRATCH, INT, TIMER, UTMI_COUNT = 0x0, 0x4, 0x20, 0x24


def controller(bridge: Bridge) -> RtlController:
    """Return the stub controller behind the transactors."""
    return RtlController(bridge.kernel, UdcParameters(), bridge.pump, name="stub", with_wire=False)


@cocotb.test()
async def registers_and_time(dut: Any) -> None:
    """Register accesses take bus time; sleeping takes simulated time to within a clock."""
    bridge = Bridge(dut)
    udc = controller(bridge)

    async def main() -> tuple[int, int, int]:
        await udc.start()
        await udc.bus.write32(SCRATCH, 0x1234_5678)
        start = now()
        value = await udc.bus.read32(SCRATCH)
        taken = now() - start
        start = now()
        await sleep(us(3))
        return value, taken, now() - start

    value, taken, slept = await bridge.run(main())
    assert value == 0x1234_5678
    assert ns(25) <= taken <= ns(100), taken
    assert us(3) <= slept <= us(3) + ns(25), slept
    bridge.close()


@cocotb.test()
async def two_clock_domains(dut: Any) -> None:
    """An interrupt that a timer in the UTMI clock makes; registers with that clock stopped."""
    bridge = Bridge(dut)
    udc = controller(bridge)
    seen: list[tuple[bool, int]] = []
    queue = WaitQueue("irq")

    def on_irq(irq: bool, ep_irq: int) -> None:
        seen.append((irq, ep_irq))
        queue.wake_up()

    udc.bus.on_irq(on_irq)

    async def main() -> list[int]:
        await udc.start()
        start = now()
        await udc.bus.write32(TIMER, 60)  # 1 us of a 60 MHz clock
        await queue.wait_event(lambda: udc.bus.irq)
        taken = now() - start
        await udc.bus.write32(INT, 0x8000_0000)
        await queue.wait_event(lambda: udc.bus.ep_irq != 0)
        first = await udc.bus.read32(UTMI_COUNT)
        await sleep(us(10))
        second = await udc.bus.read32(UTMI_COUNT)
        udc.mailbox.run_utmi_clock(False)
        await sleep(us(1))
        third = await udc.bus.read32(UTMI_COUNT)
        await sleep(us(10))
        fourth = await udc.bus.read32(UTMI_COUNT)
        udc.mailbox.run_utmi_clock(True)
        await sleep(us(1))
        fifth = await udc.bus.read32(UTMI_COUNT)
        return [taken, second - first, fourth - third, fifth - fourth]

    taken, running, stopped, again = await bridge.run(main())
    assert us(1) <= taken <= us(1) + ns(250), taken
    assert 598 <= running <= 606, running
    assert stopped == 0
    assert 50 <= again <= 70, again
    assert seen[0] == (True, 0) and seen[1] == (False, 0x8000), seen
    bridge.close()


@cocotb.test()
async def bridges(dut: Any) -> None:
    """A kernel event sets a cocotb event; cocotb posts into the next pump."""
    bridge = Bridge(dut)
    log: list[str] = []
    rang = Event()
    times: list[int] = []

    async def background() -> None:
        await sleep(us(2))
        log.append("kernel")
        bridge.to_cocotb(rang.set)

    bridge.post(lambda: bridge.kernel.spawn(background()))
    await rang.wait()
    log.append("cocotb")
    before = bridge.mailbox.now
    bridge.post(lambda: times.append(bridge.kernel.now))
    await Timer(50, "ns")
    log.append("timer")
    assert log == ["kernel", "cocotb", "timer"]
    assert before < times[0] <= before + ns(17), (before, times)
    # Ordinary triggers work beside the kernel.
    edges = 0
    for _ in range(20):
        await RisingEdge(dut.core_clk)
        edges += 1
    assert edges == 20
    bridge.close()


@cocotb.test()
async def triggers_while_the_kernel_runs(dut: Any) -> None:
    """cocotb counts clocks while a kernel task accesses registers; both see the same time."""
    bridge = Bridge(dut)
    udc = controller(bridge)
    count = 0

    async def counter() -> None:
        nonlocal count
        while True:
            await RisingEdge(dut.core_clk)
            count += 1

    task = cocotb.start_soon(counter())

    async def main() -> int:
        await udc.start()
        await sleep(us(1))
        start = count
        for index in range(40):
            await udc.bus.write32(SCRATCH, index)
            assert await udc.bus.read32(SCRATCH) == index
        await sleep(us(1))
        return count - start

    before = bridge.mailbox.now
    clocks = await bridge.run(main())
    task.cancel()
    assert count == (bridge.mailbox.now - before) // 12500 or clocks > 80
    bridge.close()


@pyuvm.test()
class PumpedAgent(pyuvm.uvm_test):
    """A pyuvm test whose sequence ends in the kernel's register accesses."""

    async def run_phase(self) -> None:
        """Run items through a driver that crosses the bridge."""
        self.raise_objection()
        bridge = Bridge(cocotb.top)
        udc = controller(bridge)

        async def write(value: int) -> int:
            await udc.bus.write32(SCRATCH, value)
            return await udc.bus.read32(SCRATCH)

        await bridge.run(udc.start())
        for value in (1, 0xFFFF_FFFF, 0xA5A5_5A5A):
            assert await bridge.run(write(value)) == value
        bridge.close()
        self.drop_objection()


@cocotb.test(expect_error=ZeroDivisionError)
async def exception_in_a_callback(dut: Any) -> None:
    """An exception in a kernel callback ends the test, though the test waits for a cocotb timer."""
    bridge = Bridge(dut)

    def callback() -> None:
        raise ZeroDivisionError("raised in a kernel callback")

    bridge.post(lambda: bridge.kernel.call_later(us(1), callback))
    await Timer(1, "ms")
    raise AssertionError("the exception was lost")


@cocotb.test(skip=True)
async def exception_is_reported(dut: Any) -> None:
    """Fails on purpose, so that the launcher's report can be looked at."""
    bridge = Bridge(dut)

    def failing_callback() -> None:
        raise ZeroDivisionError("raised in a kernel callback")

    bridge.post(lambda: bridge.kernel.call_later(us(1), failing_callback))
    await Timer(1, "ms")


@cocotb.test(skip=True)
async def runs_until_interrupted(dut: Any) -> None:
    """Runs until a signal comes."""
    bridge = Bridge(dut)
    print("READY", flush=True)
    bridge.mailbox.record_waves(True)
    await bridge.run(sleep_long(bridge.kernel))


async def sleep_long(kernel: Kernel) -> None:
    """Sleep for longer than any test may take."""
    del kernel
    await sleep(ms(100_000))


@cocotb.test(skip=True)
async def measure(dut: Any) -> None:
    """Print cycles per second and the cost of a wake-up, in processor time."""
    bridge = Bridge(dut)
    udc = controller(bridge)
    scale = int(os.environ["PUMP_MEASURE"])

    async def idle() -> None:
        await sleep(us(scale))

    async def accesses() -> None:
        for index in range(scale):
            await udc.bus.write32(SCRATCH, index)

    async def timers() -> None:
        for _ in range(scale):
            await sleep(ns(50))

    await bridge.run(udc.start())
    costs: dict[str, tuple[float, int, int]] = {}
    for job in (idle, accesses, timers):
        cycles, pumps = udc.clock_cycles, bridge.mailbox.pumps
        start = time.process_time()
        await bridge.run(job())
        wall = time.process_time() - start
        costs[job.__name__] = (wall, udc.clock_cycles - cycles, bridge.mailbox.pumps - pumps)
    wall, cycles, _ = costs["idle"]
    per_cycle = wall / cycles
    print(f"MEASURE idle {cycles / wall / 1e6:.3f} M UTMI cycles/s")
    for name in ("accesses", "timers"):
        wall, cycles, pumps = costs[name]
        own = (wall - cycles * per_cycle) / scale * 1e6
        print(f"MEASURE {name}: {wall / scale * 1e6:.2f} us each, {own:.2f} us without clocks")
    start = time.process_time()
    cycles = udc.clock_cycles
    for _ in range(scale // 4):
        await RisingEdge(dut.core_clk)
    wall = time.process_time() - start
    print(f"MEASURE full steps: {(udc.clock_cycles - cycles) / wall / 1e6:.3f} M UTMI cycles/s")
    bridge.close()
