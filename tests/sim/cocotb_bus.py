# SPDX-License-Identifier: Apache-2.0
"""Tests that run inside the simulator: register master, memory behind the bus master, trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

import cocotb

from pymodel.config import UdcParameters
from tb.kernel import WaitQueue, gather, now, ns, sleep, timeout, us
from tb.sim.bridge import Bridge
from tb.sim.rtl import DmaViolation, RtlController

SCRATCH, INT, COUNT, SOURCE, TARGET, WORDS, STATUS = 0x0, 0x4, 0x8, 0x10, 0x14, 0x18, 0x1C
FIFO, FAULTY = 0x1000, 0x2000
BASE = 0x1000_0000

Body = Callable[[RtlController], Coroutine[Any, Any, None]]


async def run(dut: Any, body: Body, *, trace: int = 0) -> None:
    """Run a kernel coroutine on a freshly reset stub."""
    bridge = Bridge(dut)
    udc = RtlController(
        bridge.kernel, UdcParameters(trace=trace), bridge.pump, name="stub", with_wire=False
    )

    async def main() -> None:
        await udc.start()
        await body(udc)

    try:
        await bridge.run(main())
    finally:
        bridge.close()


async def raises(kind: type[BaseException], awaitable: Awaitable[Any]) -> BaseException:
    """Return the error that awaiting must raise."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


@cocotb.test()
async def fifo_bursts(dut: Any) -> None:
    """A burst is one operation, back to back, last word padded."""

    async def body(udc: RtlController) -> None:
        data = Random(1).randbytes(512)
        start = now()
        await udc.bus.write_fifo(FIFO, data)
        writing = now() - start
        start = now()
        assert await udc.bus.read_fifo(FIFO, 512) == data
        reading = now() - start
        assert await udc.bus.read32(COUNT) == 128
        # One word per clock and a few clocks around.
        assert writing <= (128 + 8) * ns(25) // 2, writing
        assert reading <= (128 + 8) * ns(25) // 2, reading
        await udc.bus.write_fifo(FIFO, b"\xff\xff\xff\xff\x11")
        assert await udc.bus.read_fifo(FIFO, 8) == b"\xff\xff\xff\xff\x11\0\0\0"
        await udc.bus.write_fifo(FIFO, data[:7])
        assert await udc.bus.read_fifo(FIFO, 7) == data[:7]
        long = Random(2).randbytes(1024)
        await udc.bus.write_fifo(FIFO, memoryview(long))
        assert await udc.bus.read_fifo(FIFO, 1024) == long

    await run(dut, body)


@cocotb.test()
async def pauses(dut: Any) -> None:
    """Gaps between beats change the time, never the data."""

    async def body(udc: RtlController) -> None:
        draw = Random(3)
        start = now()
        await udc.bus.write_fifo(FIFO, bytes(256))
        await udc.bus.read_fifo(FIFO, 256)
        plain = now() - start
        for seed in range(4):
            udc.bus.pauses(0.5, 4, seed)
            data = draw.randbytes(256)
            start = now()
            await udc.bus.write_fifo(FIFO, data)
            assert await udc.bus.read_fifo(FIFO, 256) == data
            assert now() - start > plain * 3 // 2
            value = draw.getrandbits(32)
            await udc.bus.write32(SCRATCH, value)
            assert await udc.bus.read32(SCRATCH) == value
        udc.bus.pauses()

    await run(dut, body)


@cocotb.test()
async def side_by_side(dut: Any) -> None:
    """Operations of several tasks are carried out in the order of their submission."""

    async def body(udc: RtlController) -> None:
        async def push(value: int) -> None:
            await udc.bus.write32(FIFO, value)

        await gather(*(push(value) for value in range(40)))
        assert [await udc.bus.read32(FIFO) for _ in range(40)] == list(range(40))

    await run(dut, body)


@cocotb.test()
async def bus_errors(dut: Any) -> None:
    """SLVERR and impossible offsets raise OSError that names the register."""

    async def body(udc: RtlController) -> None:
        error = await raises(OSError, udc.bus.read32(FAULTY))
        assert "0x02000" in str(error) and "SLVERR" in str(error), error
        await raises(OSError, udc.bus.write32(FAULTY, 0))
        await raises(OSError, udc.bus.read32(2))
        await raises(OSError, udc.bus.write32(0x40000, 0))
        await udc.bus.write32(SCRATCH, 7)
        assert await udc.bus.read32(SCRATCH) == 7
        await udc.bus.reset(4)
        assert await udc.bus.read32(SCRATCH) == 0

    await run(dut, body)


async def copy(udc: RtlController, source: int, target: int, words: int) -> int:
    """Let the stub copy words by DMA; returns the worst response."""
    queue = WaitQueue("copy")
    udc.bus.on_irq(lambda irq, ep_irq: queue.wake_up())
    await udc.bus.write32(INT, 0)
    await udc.bus.write32(SOURCE, source)
    await udc.bus.write32(TARGET, target)
    await udc.bus.write32(WORDS, words)
    await timeout(queue.wait_event(lambda: udc.bus.irq), us(100))
    return (await udc.bus.read32(STATUS)) >> 4 & 3


@cocotb.test()
async def dma(dut: Any) -> None:
    """The bus master reaches mapped memory; Python sees it without a copy."""

    async def body(udc: RtlController) -> None:
        memory = udc.memory
        data = Random(5).randbytes(64)
        memory.write(BASE + 0x100, data)
        memory.map(BASE + 0x100, 64, device_reads=True, device_writes=False)
        memory.map(BASE + 0x200, 64, device_reads=False, device_writes=True)
        view = memory.view[0x200:0x240]
        assert await copy(udc, BASE + 0x100, BASE + 0x200, 16) == 0
        assert view == data
        assert memory.read(BASE + 0x200, 64) == data
        start = now()
        assert await copy(udc, BASE + 0x100, BASE + 0x200, 16) == 0
        plain = now() - start
        memory.knobs(read_latency=20, write_latency=10, stall_chance=0.5, longest_stall=3)
        memory.write(BASE + 0x200, bytes(64))
        start = now()
        assert await copy(udc, BASE + 0x100, BASE + 0x200, 16) == 0
        assert now() - start > plain + 30 * ns(25) // 2
        assert view == data
        memory.knobs(read_errors=1)
        assert await copy(udc, BASE + 0x100, BASE + 0x200, 16) == 2
        memory.knobs()
        await raises(OSError, _read(udc, BASE - 4))
        await raises(OSError, _read(udc, BASE + memory.size))

    await run(dut, body)


async def _read(udc: RtlController, address: int) -> bytes:
    return udc.memory.read(address, 4)


def violation(source: int, target: int, expected: str) -> Any:
    """Make a test in which DMA must be refused."""

    async def body(udc: RtlController) -> None:
        udc.memory.map(BASE, 64, device_reads=True, device_writes=False)
        udc.memory.map(BASE + 64, 64, device_reads=False, device_writes=True)
        udc.memory.map(BASE + 128, 5, device_reads=True, device_writes=False)
        await copy(udc, source, target, 4)
        await sleep(us(1))

    async def test(dut: Any) -> None:
        try:
            await run(dut, body)
        except DmaViolation as error:
            assert expected in str(error), error
        else:
            raise AssertionError("the forbidden access was not noticed")

    return test


@cocotb.test()
async def dma_read_of_unmapped(dut: Any) -> None:
    """Reading what is not mapped fails the run."""
    await violation(BASE + 0x1000, BASE + 64, "DMA read 0x10001000, which is not mapped")(dut)


@cocotb.test()
async def dma_write_of_read_only(dut: Any) -> None:
    """Writing a buffer that is only to be read fails the run."""
    await violation(BASE, BASE, "DMA wrote 0x10000000, which is mapped for device reads")(dut)


@cocotb.test()
async def dma_read_of_write_only(dut: Any) -> None:
    """Reading a buffer that is only to be written fails the run."""
    await violation(BASE + 64, BASE + 64, "DMA read 0x10000040, which is mapped for device w")(dut)


@cocotb.test()
async def dma_beyond_the_last_word(dut: Any) -> None:
    """A five-byte buffer is two words, not four."""
    await violation(BASE + 128, BASE + 64, "DMA read 0x10000088, which is not mapped")(dut)


@cocotb.test()
async def dma_outside_of_memory(dut: Any) -> None:
    """There is nothing below the base."""
    await violation(BASE - 64, BASE + 64, "DMA read 0x0fffffc0, which is outside")(dut)


@cocotb.test()
async def trace(dut: Any) -> None:
    """Trace events arrive in core order with their times."""

    async def body(udc: RtlController) -> None:
        ring = udc.trace
        assert ring is not None
        ring.drain()
        for value in range(100):
            await udc.bus.write32(SCRATCH, value)
        await udc.bus.read32(SCRATCH)
        assert len(ring) == 101
        events = ring.drain()
        assert [event & 0xFFFFFFFF for _, event in events[:100]] == list(range(100))
        assert [event >> 56 for _, event in events] == [1] * 100 + [2]
        times = [when for when, _ in events]
        assert times == sorted(times) and times[-1] <= now()
        assert not ring.drain()

    await run(dut, body, trace=1)
