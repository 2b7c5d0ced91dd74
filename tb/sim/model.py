# SPDX-License-Identifier: Apache-2.0
"""The reference model as a controller: both faces of `tb.controller`, without a simulator."""

from __future__ import annotations

import errno
from bisect import bisect_right, insort
from collections.abc import Callable
from mmap import mmap
from typing import Any

from pymodel.config import UdcParameters
from pymodel.core import EagerPolicy, PacketLayer, UdcModel
from pymodel.core import fields as f
from pymodel.trace import Kind
from tb.kernel import Kernel, Task, TimerHandle, Waitable, ns, os_error

from .model_wire import ModelWire

__all__ = ["ModelBus", "ModelController", "ModelMemory"]

DEFAULT_MEMORY = (0x1000_0000, 16 << 20)
ACCESS_TIME = ns(50)
"""One register access of the device's CPU."""
BURST_WORD_TIME = ns(25)
"""Each further word of a FIFO burst."""

_WRITE = int(Kind.REG_WRITE)
_READ = int(Kind.REG_READ)
_SOF_READS = frozenset({f.GINTSTS, f.DSTS, f.GRXSTSP, f.GRXSTSR})
_LINE_WRITES = frozenset({f.GOTGCTL, f.GRSTCTL, f.DCTL})
_SOF_WRITES = frozenset({f.GINTSTS, f.GINTMSK, f.GAHBCFG, f.DCFG})


class ModelMemory:
    """DMA-able memory with permissions.

    As long as nobody maps anything the device may reach all of it (raw register tests); from the
    first `map` on it may only reach what is mapped, in the mapped direction.

    Attributes:
        base: bus address of the first byte.
        size: bytes.
        view: all of it, writable.
    """

    def __init__(self, base: int, size: int) -> None:
        """Start with zeros."""
        self.base = base
        self.size = size
        # Anonymous pages: zeroed by the system when they are first touched.
        self.view = memoryview(mmap(-1, size))
        self._starts: list[int] = []
        self._ranges: dict[int, tuple[int, bool, bool]] = {}
        self._errors: list[tuple[int, int, bool, bool]] = []
        self._guarded = False

    def _offset(self, address: int, size: int) -> int:
        offset = address - self.base
        if offset < 0 or offset + size > self.size:
            raise os_error(
                errno.EFAULT,
                f"0x{address:08x}, {size} bytes: memory is 0x{self.base:08x} to "
                f"0x{self.base + self.size - 1:08x}",
            )
        return offset

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at a bus address.

        Raises:
            OSError: EFAULT outside the memory.
        """
        offset = self._offset(address, size)
        return bytes(self.view[offset : offset + size])

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store bytes at a bus address.

        Raises:
            OSError: EFAULT outside the memory.
        """
        offset = self._offset(address, len(data))
        self.view[offset : offset + len(data)] = data

    def map(self, address: int, size: int, *, device_reads: bool, device_writes: bool) -> None:
        """Let the device's DMA into a range, rounded to whole words.

        Raises:
            OSError: EFAULT outside the memory, EBUSY if the start is mapped already.
        """
        self._offset(address, size)
        self._guarded = True
        if address in self._ranges:
            raise os_error(errno.EBUSY, f"0x{address:08x} is mapped to the device already")
        insort(self._starts, address)
        self._ranges[address] = (address + (size + 3 & ~3), device_reads, device_writes)

    def unmap(self, address: int, size: int) -> None:
        """Shut the device's DMA out of a range.

        Raises:
            OSError: EINVAL if no mapping starts there.
        """
        if self._ranges.pop(address, None) is None:
            raise os_error(errno.EINVAL, f"0x{address:08x} is not mapped")
        self._starts.remove(address)

    def _allow(self, address: int, size: int, write: bool) -> None:
        if not self._guarded:
            return
        index = bisect_right(self._starts, address) - 1
        if index >= 0:
            end, reads, writes = self._ranges[self._starts[index]]
            if address + size <= end and (writes if write else reads):
                return
        what = "writes" if write else "reads"
        raise os_error(
            errno.EFAULT,
            f"DMA {what} {size} bytes at 0x{address:08x} outside any buffer mapped for that",
        )

    def device_read(self, address: int, size: int) -> bytes:
        """Return bytes that the controller's DMA fetches.

        Raises:
            OSError: EFAULT outside a buffer mapped for reading.
        """
        self._allow(address, size, False)
        offset = self._offset(address, size)
        return bytes(self.view[offset : offset + size])

    def device_write(self, address: int, data: bytes) -> None:
        """Store bytes that the controller's DMA delivers.

        Raises:
            OSError: EFAULT outside a buffer mapped for writing.
        """
        if self.answers_error(address, len(data), True):
            for at in range(0, len(data), 4):
                if not self.answers_error(address + at, 4, True):
                    self.write(address + at, data[at : at + 4])
            return
        self._allow(address, len(data), True)
        offset = self._offset(address, len(data))
        self.view[offset : offset + len(data)] = data

    def error(self, address: int, size: int, *, reads: bool = True, writes: bool = True) -> None:
        """Answer the controller's accesses to a range with an error; with size 0 none any more.

        Raises:
            OSError: EINVAL if it is not whole words.
        """
        if address & 3 or size & 3 or size < 0:
            raise os_error(errno.EINVAL, f"0x{address:08x}, {size} bytes: whole words, please")
        if size:
            self._errors.append((address, address + size, reads, writes))
        else:
            self._errors.clear()

    def answers_error(self, address: int, size: int, write: bool) -> bool:
        """Return whether an access of the controller to a range gets an error."""
        return any(
            address < end and start < address + size and (writes if write else reads)
            for start, end, reads, writes in self._errors
        )


class _BusTime(Waitable):
    """The time of a register access; allowed in atomic context (DESIGN rule 2)."""

    __slots__ = ("duration", "handle")
    sleeps = False

    def __init__(self, duration: int) -> None:
        self.duration = duration
        self.handle: TimerHandle | None = None

    def arm(self, task: Task[Any]) -> None:
        self.handle = task.kernel.call_later(self.duration, task.wake, None)

    def disarm(self, task: Task[Any]) -> None:
        if self.handle is not None:
            self.handle.cancel()

    def __repr__(self) -> str:
        return "register access"


class ModelBus:
    """Bus face of the model.

    Attributes:
        irq: level of the interrupt line.
        ep_irq: levels of the per-endpoint lines.
        memory: behind the bus master.
    """

    def __init__(self, controller: ModelController) -> None:
        """Belong to a controller."""
        self._controller = controller
        self._model = controller.model
        self.memory = controller.memory
        self.irq = False
        self.ep_irq = 0
        self.accesses = 0
        self._callbacks: list[Callable[[bool, int], None]] = []

    def memory_latency(self, clocks: int, more: int = 0) -> None:
        """Let every packet wait so long for the DMA; the model does not draw `more`."""
        self._controller.policy.dma_latency = clocks * 1_000_000 // 60

    def memory_error(
        self, address: int, size: int, *, reads: bool = True, writes: bool = True
    ) -> None:
        """See `ModelMemory.error`."""
        self.memory.error(address, size, reads=reads, writes=writes)
        self._model.bus_error = self.memory.answers_error

    def on_irq(self, callback: Callable[[bool, int], None]) -> None:
        """Call `callback(irq, ep_irq)` at every change of a level."""
        self._callbacks.append(callback)

    def update(self) -> None:
        """Compare the interrupt lines with what they were."""
        irq = self._model.irq
        ep_irq = self._model.ep_irq
        if irq != self.irq or ep_irq != self.ep_irq:
            self.irq = irq
            self.ep_irq = ep_irq
            for callback in self._callbacks:
                self._controller.kernel.call_soon(callback, irq, ep_irq)

    async def read32(self, offset: int) -> int:
        """Return the register at a byte offset."""
        await _BusTime(ACCESS_TIME)
        controller = self._controller
        self.accesses += 1
        if offset in _SOF_READS:
            controller.wire.sync_sof()
        self._model.time = controller.kernel.now
        value: int = self._model.step((_READ, offset, None))
        if offset == f.GRXSTSP or offset >= f.FIFO_BASE or self._model.due:
            controller.after()
        return value

    async def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""
        await _BusTime(ACCESS_TIME)
        controller = self._controller
        self.accesses += 1
        controller.wire.sync_sof()
        self._model.time = controller.kernel.now
        self._model.step((_WRITE, offset, value & f.M32))
        controller.after()
        if offset in _LINE_WRITES:
            controller.wire.check()
        elif offset in _SOF_WRITES:
            controller.wire.watch_sof()
            controller.wire.watch_eopf()
        elif self._model.iso_ins or self._model.iso_outs:
            controller.wire.watch_eopf()

    async def read_fifo(self, offset: int, size: int) -> bytes:
        """Read `size` bytes as words from one offset, as one operation."""
        words = size + 3 >> 2
        if not words:
            return b""
        await _BusTime(ACCESS_TIME + BURST_WORD_TIME * (words - 1))
        self.accesses += words
        self._model.time = self._controller.kernel.now
        if f.FIFO_BASE <= offset < f.FIFO_END:
            data: bytes = self._model.step((_READ, offset, None), words * 4)
        else:
            data = b"".join(
                self._model.step((_READ, offset, None)).to_bytes(4, "little") for _ in range(words)
            )
        self._controller.after()
        return data if len(data) == size else data[:size]

    async def write_fifo(self, offset: int, data: bytes | memoryview) -> None:
        """Write words to one offset as one operation; the last word is padded with zeros."""
        words = len(data) + 3 >> 2
        if not words:
            return
        await _BusTime(ACCESS_TIME + BURST_WORD_TIME * (words - 1))
        self.accesses += words
        self._model.time = self._controller.kernel.now
        padded = bytes(data) + bytes(-len(data) % 4)
        if f.FIFO_BASE <= offset < f.FIFO_END:
            self._model.step((_WRITE, offset, None), padded)
        else:
            for index in range(0, len(padded), 4):
                word = int.from_bytes(padded[index : index + 4], "little")
                self._model.step((_WRITE, offset, word))
        self._controller.after()


class ModelController:
    """The model as a controller (`tb.controller.Controller`).

    It schedules itself on the kernel, so that whoever advances the kernel drives it.

    Attributes:
        name: "model".
        kernel: whose time it follows.
        parameters: what it was built with.
        model: the state, `step` its only door.
        bus: bus face.
        wire: wire face.
        memory: what its DMA reaches.
    """

    name = "model"

    def __init__(
        self,
        kernel: Kernel,
        parameters: UdcParameters | None = None,
        *,
        memory: tuple[int, int] = DEFAULT_MEMORY,
        dma_latency: int = 0,
    ) -> None:
        """Build a controller.

        Args:
            kernel: that schedules it.
            parameters: of the hardware; default as in `UdcParameters`.
            memory: (base, size) of the DMA memory.
            dma_latency: picoseconds that a packet waits for the DMA.
        """
        self.kernel = kernel
        self.parameters = parameters or UdcParameters()
        self.memory = ModelMemory(*memory)
        self.model = UdcModel(self.parameters)
        if self.parameters.trace:
            self.model.trace = []
        self.policy = EagerPolicy(self.model, self.memory, dma_latency)
        self.layer = PacketLayer(self.model, self.policy)
        self.bus = ModelBus(self)
        self.wire = ModelWire(self, self.parameters.time_scale)
        self._dma_timer: TimerHandle | None = None
        self._command_timer: TimerHandle | None = None
        self._command_at = 0

    @property
    def clock_cycles(self) -> int:
        """UTMI clocks (60 MHz) since the start."""
        return self.kernel.now * 60 // 1_000_000

    async def start(self) -> None:
        """Power on: nothing to wait for."""

    def close(self) -> None:
        """Nothing to let go of."""

    def after(self) -> None:
        """Something happened: make the model's own choices, then look at the interrupt lines."""
        self.policy.settle(self.kernel.now)
        self.look()

    def look(self) -> None:
        """Arm the timer of the DMA and look at the interrupt lines."""
        policy = self.policy
        if policy.dma_due is not None and self._dma_timer is None:
            delay = policy.dma_due - self.kernel.now
            self._dma_timer = self.kernel.call_later(delay, self._dma)
        if self.model.sleep_due is not None:
            self.wire.watch_lpm()
        if self.model.command_due:
            self._watch_commands()
        self.bus.update()

    def _watch_commands(self) -> None:
        """Arm the timer of endpoint commands for the one that takes effect first."""
        due = min(self.model.command_due.values())
        timer = self._command_timer
        if timer is not None:
            if self._command_at <= due:
                return
            timer.cancel()
        self._command_at = due
        self._command_timer = self.kernel.call_later(max(due - self.kernel.now, 0), self._command)

    def _command(self) -> None:
        self._command_timer = None
        self.model.time = self.kernel.now
        self.after()

    def _dma(self) -> None:
        self._dma_timer = None
        self.policy.dma_move(self.kernel.now)
        self.after()

    def next_event(self) -> int | None:
        """Return when something happens next by itself, picoseconds; None for never."""
        return self.kernel.next_timer()

    def advance(self, to: int) -> None:
        """Advance to a time in picoseconds, with everything that happens until then."""
        self.kernel.advance(to)
