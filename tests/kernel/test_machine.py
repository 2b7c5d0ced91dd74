# SPDX-License-Identifier: Apache-2.0
"""What belongs to one machine: register accesses, locks, interrupts, DMA memory, device nodes."""

from __future__ import annotations

import errno

import pytest

from tb.kernel import (
    Context,
    Cpu,
    CpuBus,
    DevNodes,
    DmaPool,
    IrqChip,
    IrqReturn,
    Kernel,
    SpinLock,
    current,
    now,
    ns,
    sleep,
)


class SlowBus:
    """A bus face whose accesses take 50 ns."""

    def __init__(self) -> None:
        self.log: list[tuple[int, int]] = []

    async def read32(self, offset: int) -> int:
        await sleep(ns(50))
        self.log.append((now(), offset))
        return offset

    async def write32(self, offset: int, value: int) -> None:
        await sleep(ns(50))
        self.log.append((now(), offset))

    async def read_fifo(self, offset: int, size: int) -> bytes:
        await sleep(ns(50))
        return bytes(size)

    async def write_fifo(self, offset: int, data: bytes | memoryview) -> None:
        await sleep(ns(50))


class PlainMemory:
    """Memory that notes what is mapped."""

    def __init__(self, size: int = 4096) -> None:
        self.base = 0x1000
        self.size = size
        self.view = memoryview(bytearray(size))
        self.mapped: dict[int, tuple[int, bool, bool]] = {}

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.view[address - self.base : address - self.base + size])

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        self.view[address - self.base : address - self.base + len(data)] = data

    def map(self, address: int, size: int, *, device_reads: bool, device_writes: bool) -> None:
        self.mapped[address] = (size, device_reads, device_writes)

    def unmap(self, address: int, size: int) -> None:
        del self.mapped[address]


def test_an_access_blocks_its_own_machine_only() -> None:
    """DESIGN rule 2."""
    ran: dict[str, int] = {}

    async def main() -> None:
        kernel, cpu = current(), Cpu("device")
        bus = CpuBus(cpu, SlowBus())

        async def accessor() -> None:
            await bus.read32(4)

        async def note(name: str) -> None:
            ran[name] = now()

        kernel.spawn(accessor(), cpu=cpu)
        kernel.spawn(note("same machine"), cpu=cpu)
        kernel.spawn(note("other machine"), cpu=Cpu("host"))
        await sleep(ns(100))

    Kernel().run_until(main())
    assert ran == {"same machine": ns(50), "other machine": 0}


def test_an_interrupt_preempts_a_polling_task_between_its_accesses() -> None:
    seen: list[str] = []

    async def main() -> None:
        kernel, cpu = current(), Cpu("device")
        bus, chip = CpuBus(cpu, SlowBus()), IrqChip(cpu)

        async def poll() -> None:
            for _ in range(4):
                await bus.read32(0)
                seen.append("poll")

        async def handler() -> IrqReturn:
            seen.append("irq")
            await bus.write32(8, 1)
            chip.set_level(1, level=False)
            return IrqReturn.HANDLED

        chip.request_irq(1, handler, name="udc")
        task = kernel.spawn(poll(), cpu=cpu)
        kernel.call_later(ns(75), chip.set_level, 1, True)
        await task

    Kernel().run_until(main())
    assert seen == ["poll", "irq", "poll", "poll", "poll"]


def test_a_spin_lock_keeps_interrupts_out() -> None:
    seen: list[str] = []

    async def main() -> None:
        kernel, cpu = current(), Cpu("device")
        bus, chip = CpuBus(cpu, SlowBus()), IrqChip(cpu)
        lock = SpinLock(cpu)

        async def locked() -> None:
            with lock:
                for _ in range(3):
                    await bus.read32(0)
                seen.append("unlocked")

        def handler() -> IrqReturn:
            seen.append("irq")
            chip.set_level(1, level=False)
            return IrqReturn.HANDLED

        chip.request_irq(1, handler, name="udc")
        task = kernel.spawn(locked(), cpu=cpu)
        kernel.call_later(ns(60), chip.set_level, 1, True)
        await task
        await sleep(1)

    Kernel().run_until(main())
    assert seen == ["unlocked", "irq"]


def test_a_level_interrupt_is_called_until_it_falls_and_wakes_its_thread() -> None:
    calls: list[str] = []

    async def main() -> None:
        chip = IrqChip(Cpu("device"))

        def handler() -> IrqReturn:
            calls.append("hard")
            if len(calls) == 3:
                chip.set_level(5, level=False)
                return IrqReturn.WAKE_THREAD
            return IrqReturn.HANDLED

        async def thread() -> None:
            assert current().context is Context.IRQ_THREAD
            await sleep(ns(10))
            calls.append("thread")

        chip.request_irq(5, handler, thread, name="udc")
        with pytest.raises(OSError, match="EBUSY"):
            chip.request_irq(5, handler, name="udc")
        chip.set_level(5, level=True)
        await sleep(ns(1))
        await chip.synchronize(5)
        chip.free_irq(5, "udc")
        chip.set_level(5, level=True)
        await sleep(ns(1))
        assert chip.count(5) == 3

    Kernel().run_until(main())
    assert calls == ["hard", "hard", "hard", "thread"]


def test_a_disabled_line_waits() -> None:
    calls: list[int] = []

    async def main() -> None:
        chip = IrqChip(Cpu("device"))

        def handler() -> IrqReturn:
            calls.append(now())
            chip.set_level(0, level=False)
            return IrqReturn.HANDLED

        chip.request_irq(0, handler, name="x")
        chip.disable(0)
        chip.set_level(0, level=True)
        await sleep(ns(3))
        assert not calls
        chip.enable(0)
        await sleep(ns(1))

    Kernel().run_until(main())
    assert calls == [ns(3)]


def test_dma_pool_hands_out_aligned_pieces_and_joins_them_again() -> None:
    pool = DmaPool(PlainMemory())
    first, second = pool.alloc(100), pool.alloc(64, align=256)
    assert first.address % 64 == 0
    assert second.address % 256 == 0
    with pytest.raises(OSError, match="ENOMEM"):
        pool.alloc(4096)
    pool.free(first)
    pool.free(second)
    assert pool.alloc(4096).size == 4096
    with pytest.raises(OSError, match="EINVAL"):
        pool.alloc(0)


def test_a_mapped_buffer_is_not_the_cpus() -> None:
    """DESIGN rule 9."""
    memory = PlainMemory()
    buffer = DmaPool(memory).alloc(16)
    buffer.data[:4] = b"abcd"
    buffer.map(to_device=True)
    assert memory.mapped == {buffer.address: (16, True, False)}
    with pytest.raises(OSError, match="queued to the device") as caught:
        _ = buffer.data
    assert caught.value.errno == errno.EBUSY
    buffer.unmap()
    assert bytes(buffer.data[:4]) == b"abcd"


def test_device_nodes() -> None:
    class File:
        async def read(self, size: int) -> bytes:
            return b"x" * size

        async def write(self, data: bytes) -> int:
            return len(data)

        async def close(self) -> None:
            return None

    async def opener() -> File:
        return File()

    async def main() -> bytes:
        nodes = DevNodes()
        nodes.register("/dev/ttyGS0", opener)
        with pytest.raises(OSError, match="EEXIST"):
            nodes.register("/dev/ttyGS0", opener)
        with pytest.raises(OSError, match="ttyGS0"):
            await nodes.open("/dev/ttyGS1")
        return await (await nodes.open("/dev/ttyGS0")).read(2)

    assert Kernel().run_until(main()) == b"xx"
