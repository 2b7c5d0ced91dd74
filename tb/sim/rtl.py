# SPDX-License-Identifier: Apache-2.0
"""The RTL in a simulator, as a controller with the two faces."""

from __future__ import annotations

import ctypes
import errno
import importlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from pymodel.config import UdcParameters
from tb.kernel import Kernel, Task, Waitable, os_error

from .mailbox import EventBit, Mailbox, Pump

if TYPE_CHECKING:
    from tb.controller import WireFace

__all__ = ["DmaViolation", "RtlBus", "RtlController", "RtlMemory", "TraceRing"]

_SLOTS = 64
_WORDS = 1024
_READ, _WRITE, _RESET = 1, 2, 3
_TRACE_ENTRIES = 65536


class DmaViolation(Exception):
    """The controller's bus master touched memory that it had not been given."""


class RtlMemory:
    """The memory behind the controller's bus master, with permissions per 32-bit word.

    Attributes:
        base: bus address of the first byte.
        size: bytes.
        view: all of it, writable, without a copy.
        beats: words moved by the bus master since the simulation began: read, written.
        watched: forbidden accesses count. False until the controller has been reset: what runs
            before may belong to an earlier test in the same simulation.
    """

    def __init__(self, mailbox: Mailbox, base: int = 0x1000_0000, size: int = 16 << 20) -> None:
        """Lay the memory out: zeros, open to the device until the first `map`.

        Raises:
            ValueError: base or size not a multiple of 4, or beyond 32 bits.
            OSError: ENOMEM.
        """
        if base & 3 or size & 3 or size <= 0 or base < 0 or base + size > 1 << 32:
            raise ValueError(
                f"memory base 0x{base:x}, size 0x{size:x}: multiples of 4 within 32 bits"
            )
        library = mailbox.library
        library.pf_mem_init.argtypes = [ctypes.c_uint32, ctypes.c_uint32]
        library.pf_mem_allow.argtypes = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_int32]
        if library.pf_mem_init(base, size):
            raise os_error(errno.ENOMEM, f"no {size} bytes for the simulated memory")
        self.base = base
        self.size = size
        self._allow = library.pf_mem_allow
        self._allow(base, size, 3)
        self._open = True
        address = ctypes.c_void_p.in_dll(library, "pf_mem_bytes").value
        assert address is not None
        whole = (ctypes.c_uint8 * size).from_address(address)
        self.view = memoryview(whole).cast("B")
        self._knobs = mailbox.array("pf_mem_knobs", ctypes.c_uint32, 8)
        self._errors = mailbox.array("pf_mem_errors", ctypes.c_uint32, 16 * 3)
        self._error_count = mailbox.array("pf_mem_error_count", ctypes.c_uint32, 1)
        self._violations = mailbox.array("pf_mem_violations", ctypes.c_uint32, 64 * 3)
        self._violation_count = mailbox.array("pf_mem_violation_count", ctypes.c_uint32, 1)
        self.beats = mailbox.array("pf_mem_beats", ctypes.c_uint64, 2)
        self.watched = False
        self.knobs()

    def _offset(self, address: int, size: int) -> int:
        offset = address - self.base
        if size < 0 or offset < 0 or offset + size > self.size:
            raise os_error(
                errno.EFAULT,
                f"0x{address:08x}, {size} bytes: outside of the memory "
                f"0x{self.base:08x}..0x{self.base + self.size - 1:08x}",
            )
        return offset

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at a bus address.

        Raises:
            OSError: EFAULT outside of the memory.
        """
        offset = self._offset(address, size)
        return bytes(self.view[offset : offset + size])

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store bytes at a bus address.

        Raises:
            OSError: EFAULT outside of the memory.
        """
        offset = self._offset(address, len(data))
        self.view[offset : offset + len(data)] = data

    def map(self, address: int, size: int, *, device_reads: bool, device_writes: bool) -> None:
        """Let the device's DMA into a range (whole 32-bit words).

        Until the first call the whole memory is open: software that owns the registers itself
        need not say what it gives to the device.
        """
        self._offset(address, size)
        if self._open:
            self._open = False
            self._allow(self.base, self.size, 0)
        self._allow(address, size, int(device_reads) | int(device_writes) << 1)

    def unmap(self, address: int, size: int) -> None:
        """Shut the device's DMA out of a range."""
        self._offset(address, size)
        self._allow(address, size, 0)

    def knobs(
        self,
        *,
        read_latency: int = 0,
        write_latency: int = 0,
        stall_chance: float = 0.0,
        longest_stall: int = 0,
        seed: int = 1,
        read_errors: int = 0,
        write_errors: int = 0,
        more_latency: int = 0,
    ) -> None:
        """Set how the memory behaves; what is not named goes back to its default.

        Args:
            read_latency: clocks before the first beat of a read burst.
            write_latency: clocks from the last beat of a write burst to its response.
            stall_chance: probability of a pause before a beat, 0 to 1.
            longest_stall: clocks.
            seed: of the pauses.
            read_errors: answer the next so many read beats with SLVERR.
            write_errors: answer the next so many write beats with SLVERR.
            more_latency: a burst's latency is up to so many clocks longer, at random.
        """
        values = (
            read_latency, write_latency, round(stall_chance * 256), longest_stall,
            (seed & 0xFFFFFFFF) or 1, read_errors, write_errors, more_latency,
        )  # fmt: skip
        for index, value in enumerate(values):
            self._knobs[index] = value

    def latency(self, clocks: int, more: int = 0) -> None:
        """Answer every burst so many core clocks late, and up to `more` later at random."""
        self._knobs[0] = self._knobs[1] = clocks
        self._knobs[7] = more

    def error(self, address: int, size: int, *, reads: bool = True, writes: bool = True) -> None:
        """Answer accesses to a range with SLVERR; with size 0 none any more.

        Raises:
            OSError: EINVAL if it is not whole words, ENOSPC with more than 16 ranges.
        """
        count = self._error_count[0]
        if address & 3 or size & 3 or size < 0:
            raise os_error(errno.EINVAL, f"0x{address:08x}, {size} bytes: whole words, please")
        if size == 0:
            self._error_count[0] = 0
            return
        if count == 16:
            raise os_error(errno.ENOSPC, "16 ranges of the memory answer with errors already")
        self._errors[count * 3] = address
        self._errors[count * 3 + 1] = address + size
        self._errors[count * 3 + 2] = int(reads) | int(writes) << 1
        self._error_count[0] = count + 1

    def answers_error(self, address: int, size: int, write: bool) -> bool:
        """Return whether an access of the controller to a range gets an error by address."""
        kind = 2 if write else 1
        for index in range(self._error_count[0]):
            start, end, kinds = self._errors[index * 3 : index * 3 + 3]
            if address < end and start < address + size and kinds & kind:
                return True
        return False

    def check(self) -> None:
        """Raise if the bus master has touched what it may not.

        Raises:
            DmaViolation: names the first addresses.
        """
        count = int(self._violation_count[0])
        if not count:
            return
        self._violation_count[0] = 0
        if not self.watched:
            return
        texts = []
        for index in range(min(count, 4)):
            address, kind, rights = self._violations[index * 3 : index * 3 + 3]
            what = "read" if kind == 1 else "wrote"
            why = {
                0: "not mapped to the device",
                1: "mapped for device reads only",
                2: "mapped for device writes only",
                4: "outside of the memory",
            }.get(rights, f"rights {rights}")
            texts.append(f"DMA {what} 0x{address:08x}, which is {why}")
        if count > 4:
            texts.append(f"and {count - 4} more")
        raise DmaViolation("; ".join(texts))


class _Access(Waitable):
    """A register operation under way; awaiting it gives its slot."""

    __slots__ = ("bus", "done", "kind", "offset", "slot", "task")
    sleeps = False

    def __init__(self, bus: RtlBus, kind: int, offset: int, slot: int) -> None:
        self.bus = bus
        self.kind = kind
        self.offset = offset
        self.slot = slot
        self.task: Task[Any] | None = None
        self.done = False

    def __await__(self) -> Generator[Waitable, Any, int]:
        if not self.done:
            yield self
        response = self.bus._headers[self.slot * 4 + 3]
        if response:
            name = {1: "EXOKAY", 2: "SLVERR", 3: "DECERR"}.get(response, str(response))
            raise os_error(errno.EIO, f"register 0x{self.offset:05x}: bus answered {name}")
        return self.slot

    def arm(self, task: Task[Any]) -> None:
        if self.done:
            task.wake(None)
        else:
            self.task = task

    def disarm(self, task: Task[Any]) -> None:
        self.task = None

    def __repr__(self) -> str:
        verb = ("", "read of", "write to", "reset")[self.kind]
        return f"register {verb} 0x{self.offset:05x}"


class RtlBus:
    """The bus face over the register master.

    Attributes:
        irq: level of the interrupt line now.
        ep_irq: levels of the per-endpoint lines now.
        memory: behind the controller's bus master.
    """

    def __init__(self, mailbox: Mailbox, pump: Pump, memory: RtlMemory) -> None:
        """Take the register master's queue."""
        self.irq = False
        self.ep_irq = 0
        self.memory = memory
        self._counts = mailbox.array("pf_axil_counts", ctypes.c_uint32, 4)
        self._headers = mailbox.array("pf_axil_headers", ctypes.c_uint32, _SLOTS * 4)
        self._data = mailbox.array("pf_axil_data", ctypes.c_uint32, _SLOTS * _WORDS)
        self._bytes = self._data.cast("B")
        self._pause = mailbox.array("pf_axil_pause", ctypes.c_uint32, 3)
        self._levels = mailbox.array("pf_irq_levels", ctypes.c_uint32, 2)
        self._open: dict[int, _Access] = {}
        self._completed = int(self._counts[2])
        self._callbacks: list[Callable[[bool, int], None]] = []
        self.irq = bool(self._levels[0])
        self.ep_irq = int(self._levels[1])
        self.pauses()
        pump.handle(EventBit.BUS, self._serve)
        pump.handle(EventBit.IRQ, self._serve_irq)

    def memory_latency(self, clocks: int, more: int = 0) -> None:
        """See `RtlMemory.latency`."""
        self.memory.latency(clocks, more)

    def memory_error(
        self, address: int, size: int, *, reads: bool = True, writes: bool = True
    ) -> None:
        """See `RtlMemory.error`."""
        self.memory.error(address, size, reads=reads, writes=writes)

    def on_irq(self, callback: Callable[[bool, int], None]) -> None:
        """Call `callback(irq, ep_irq)` at every change of a level."""
        self._callbacks.append(callback)

    def levels(self) -> tuple[bool, int]:
        """Return irq and ep_irq as they are now, before anybody has been told."""
        return bool(self._levels[0]), int(self._levels[1])

    def pauses(self, chance: float = 0.0, longest: int = 0, seed: int = 1) -> None:
        """Put gaps between the beats of a channel.

        Args:
            chance: probability per beat, 0 to 1.
            longest: clocks.
            seed: of the gaps.
        """
        self._pause[0] = round(chance * 256)
        self._pause[1] = longest
        self._pause[2] = (seed & 0xFFFFFFFF) or 1

    async def read32(self, offset: int) -> int:
        """Return the register at a byte offset.

        Raises:
            OSError: EIO if the bus answers with an error, EINVAL for a bad offset.
        """
        slot = await self._operate(_READ, offset, 1)
        return self._data[slot * _WORDS]

    async def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset.

        Raises:
            OSError: EIO if the bus answers with an error, EINVAL for a bad offset.
        """
        slot = self._slot()
        self._data[slot * _WORDS] = value & 0xFFFFFFFF
        await self._operate(_WRITE, offset, 1)

    async def read_fifo(self, offset: int, size: int) -> bytes:
        """Read `size` bytes as words from one offset, as one operation.

        Raises:
            OSError: EIO if the bus answers with an error, EINVAL for a bad offset.
        """
        pieces = []
        left = size
        while left > 0:
            count = min(left, _WORDS * 4)
            slot = await self._operate(_READ, offset, (count + 3) // 4)
            start = slot * _WORDS * 4
            pieces.append(bytes(self._bytes[start : start + count]))
            left -= count
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def write_fifo(self, offset: int, data: bytes | memoryview) -> None:
        """Write words to one offset as one operation; the last word is padded with zeros.

        Raises:
            OSError: EIO if the bus answers with an error, EINVAL for a bad offset.
        """
        for first in range(0, len(data), _WORDS * 4):
            piece = data[first : first + _WORDS * 4]
            count = len(piece)
            words = (count + 3) // 4
            slot = self._slot()
            if count & 3:
                self._data[slot * _WORDS + words - 1] = 0
            start = slot * _WORDS * 4
            self._bytes[start : start + count] = piece
            await self._operate(_WRITE, offset, words)

    async def reset(self, clocks: int = 16) -> None:
        """Hold the controller's core in reset for a number of clocks."""
        await self._operate(_RESET, 0, clocks)

    def _slot(self) -> int:
        """Return the slot that the next operation will use."""
        return self._counts[0] % _SLOTS

    def _operate(self, kind: int, offset: int, words: int) -> _Access:
        if offset & 3 or not 0 <= offset < 0x40000:
            raise os_error(
                errno.EINVAL, f"register offset 0x{offset:x}: a multiple of 4 below 0x40000"
            )
        if len(self._open) >= _SLOTS - 1:
            raise os_error(errno.EBUSY, "more than 63 register operations at a time")
        index = self._counts[0]
        slot = index % _SLOTS
        headers = self._headers
        header = slot * 4
        headers[header] = kind
        headers[header + 1] = offset
        headers[header + 2] = words
        self._counts[0] = (index + 1) & 0xFFFFFFFF
        access = self._open[index] = _Access(self, kind, offset, slot)
        return access

    def _serve(self) -> None:
        completed = self._counts[2]
        while self._completed != completed:
            access = self._open.pop(self._completed, None)
            self._completed = (self._completed + 1) & 0xFFFFFFFF
            if access is not None:
                access.done = True
                if access.task is not None:
                    access.task.wake(None)

    def _serve_irq(self) -> None:
        irq, ep_irq = bool(self._levels[0]), self._levels[1]
        if irq != self.irq or ep_irq != self.ep_irq:
            self.irq, self.ep_irq = irq, ep_irq
            for callback in self._callbacks:
                callback(irq, ep_irq)


class TraceRing:
    """The events of the trace port, in core order."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Start empty."""
        self._events = mailbox.array("pf_trace_events", ctypes.c_uint64, _TRACE_ENTRIES)
        self._times = mailbox.array("pf_trace_times", ctypes.c_int64, _TRACE_ENTRIES)
        self._state = mailbox.array("pf_trace_state", ctypes.c_uint32, 4)
        self._state[1] = self._state[0]

    def __len__(self) -> int:
        """Return how many events wait."""
        return (int(self._state[0]) - int(self._state[1])) & 0xFFFFFFFF

    def drain(self) -> list[tuple[int, int]]:
        """Return and remove all events, as (time in ps, 64-bit event)."""
        head, tail = int(self._state[0]), int(self._state[1])
        count = (head - tail) & 0xFFFFFFFF
        if not count:
            return []
        first = tail % _TRACE_ENTRIES
        last = first + count
        if last <= _TRACE_ENTRIES:
            events = list(zip(self._times[first:last], self._events[first:last], strict=True))
        else:
            wrap = last - _TRACE_ENTRIES
            events = list(zip(self._times[first:], self._events[first:], strict=True))
            events += zip(self._times[:wrap], self._events[:wrap], strict=True)
        self._state[1] = head
        return events


class RtlController:
    """`rtl/udc.v` in Verilator or Icarus.

    Attributes:
        name: "verilator" or "icarus".
        bus: bus face.
        wire: wire face.
        parameters: what it was built with.
        mailbox: the library; `mailbox.record_waves(True)` starts waves.
        pump: what drives the kernel.
        trace: events of the trace port, if it was built.
    """

    def __init__(
        self,
        kernel: Kernel,
        parameters: UdcParameters,
        pump: Pump,
        *,
        name: str,
        memory: tuple[int, int] = (0x1000_0000, 16 << 20),
        with_wire: bool = True,
    ) -> None:
        """Take over the transactors of the running simulation.

        Args:
            kernel: pumped by `pump`.
            parameters: of the build that runs.
            pump: made by the bridge of the cocotb test.
            name: of the backend.
            memory: base and size of the DMA memory.
            with_wire: False for a bench without the USB host side.
        """
        self.name = name
        self.parameters = parameters
        self.kernel = kernel
        self.pump = pump
        self.mailbox = pump.mailbox
        self.memory = RtlMemory(self.mailbox, *memory)
        self.bus = RtlBus(self.mailbox, pump, self.memory)
        pump.handle(EventBit.MEMORY, self.memory.check)
        self.trace: TraceRing | None = TraceRing(self.mailbox) if parameters.trace else None
        self._first_cycle = int(self.mailbox.cycles[1])
        if with_wire:
            wire = importlib.import_module("tb.sim.wire")
            self.wire: WireFace = wire.RtlWire(kernel, pump, parameters)

    @property
    def clock_cycles(self) -> int:
        """UTMI clocks since the start."""
        return int(self.mailbox.cycles[1]) - self._first_cycle

    async def start(self) -> None:
        """Hold the core in reset, as at power-on; from then on DMA is watched."""
        await self.bus.reset(16)
        self.memory.check()
        self.memory.watched = True

    def close(self) -> None:
        """Let go of the transactors."""
        close = getattr(getattr(self, "wire", None), "close", None)
        if close is not None:
            close()
        self.pump.detach()
