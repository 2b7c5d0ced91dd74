# SPDX-License-Identifier: Apache-2.0
"""The mailbox library seen from Python, and the pump that runs the kernel.

Python runs inside the simulator's process and opens the library that the simulation has loaded,
so both see the same memory. Arrays are memoryviews; nothing is copied that need not be.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

from tb.kernel import Kernel

__all__ = ["NEVER", "EventBit", "Interrupted", "Mailbox", "Pump", "SimulationFault"]

NEVER = (1 << 63) - 1
"""A next wake time that never comes."""

_POSTED = 1 << 6
"""Work from cocotb may have set timers since the last pump."""

_FORMATS: dict[Any, Literal["B", "i", "I", "q", "Q"]] = {
    ctypes.c_uint8: "B",
    ctypes.c_int32: "i",
    ctypes.c_uint32: "I",
    ctypes.c_int64: "q",
    ctypes.c_uint64: "Q",
}


class EventBit(IntEnum):
    """Reasons to pump, in the order in which they are served (enum pf_event in pf.h)."""

    FAULT = 0
    MEMORY = 1
    WIRE = 2
    TRACE = 3
    BUS = 4
    IRQ = 5
    POST = 6
    INTERRUPT = 7


class SimulationFault(Exception):
    """A transactor found that the controller, or the testbench itself, broke a rule."""


class Interrupted(Exception):
    """The user, or a time limit outside, stopped the run."""


_FAULTS = {
    1: "trace ring full, events lost (entry {a})",
    2: "AXI rule {a} broken by the bus master at 0x{b:08x}"
    " (1 size, 2 burst type, 3 WLAST, 4 crosses 4 KiB)",
    3: "AXI4-Lite rule {a} broken at 0x{b:08x}",
    4: "USB host transactor: rule {a}, detail {b}",
    5: "output {a} of the controller is unknown (1 interrupts, 2 AXI4-Lite handshake, 3 its read"
    " data, 4 AXI handshake, 5 write address, 6 write data, 7 read address, 8 UTMI control,"
    " 9 UTMI data)",
}


class Mailbox:
    """The library: named arrays and functions."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Open the library that the simulation uses (default: `PLUGFEST_LIBRARY`).

        Raises:
            RuntimeError: no path given and not inside a simulation.
        """
        where = path or os.environ.get("PLUGFEST_LIBRARY")
        if not where:
            raise RuntimeError("not inside a simulation: PLUGFEST_LIBRARY is not set")
        self.library = ctypes.CDLL(str(where))
        self._time = self.array("pf_now_ps", ctypes.c_int64, 1)
        self._cocotb_wake = self.array("pf_cocotb_wake", ctypes.c_uint32, 1)
        self.cycles = self.array("pf_cycles", ctypes.c_uint64, 2)
        self.period_fs = self.array("pf_period_fs", ctypes.c_int64, 2)
        self._utmi_run = self.array("pf_utmi_run", ctypes.c_int32, 1)
        self._waves_on = self.array("pf_waves_on", ctypes.c_int32, 1)
        self._pumps = self.array("pf_pumps", ctypes.c_uint64, 1)
        self.post_event = self.library.pf_post
        self.post_event.argtypes = [ctypes.c_int]
        self.post_event.restype = None

    def array(self, name: str, ctype: Any, count: int) -> memoryview:
        """Return an exported C array as a flat, writable memoryview.

        Args:
            name: of the C variable.
            ctype: a ctypes integer type.
            count: of elements.
        """
        whole = (ctype * count).in_dll(self.library, name)
        return memoryview(whole).cast("B").cast(_FORMATS[ctype])

    @property
    def now(self) -> int:
        """Simulated time in picoseconds."""
        return int(self._time[0])

    @property
    def pumps(self) -> int:
        """How often the pump ran."""
        return int(self._pumps[0])

    def wake_cocotb(self) -> None:
        """Let cocotb's tasks run after this pump."""
        self._cocotb_wake[0] = 1

    def run_utmi_clock(self, on: bool) -> None:
        """Give the UTMI clock to the controller, or stop it."""
        self._utmi_run[0] = (self._utmi_run[0] & ~1) | int(on)

    def keep_utmi_clock(self, on: bool) -> None:
        """Let the UTMI clock run on while the PHY is suspended (default: it stops)."""
        self._utmi_run[0] = (self._utmi_run[0] & ~4) | 4 * int(on)

    @property
    def utmi_asleep(self) -> bool:
        """True while the PHY is suspended and gives no clock."""
        return self._utmi_run[0] & 2 != 0

    def set_clocks(self, core_fs: int | None = None, utmi_fs: int | None = None) -> None:
        """Set clock periods in femtoseconds (80 and 60 MHz: 12,500,000 and 16,666,667).

        Raises:
            ValueError: shorter than 2 ps.
        """
        for index, period in enumerate((core_fs, utmi_fs)):
            if period is None:
                continue
            if period < 2000:
                raise ValueError(f"clock period {period} fs: at least 2000 fs (2 ps)")
            self.period_fs[index] = period

    def record_waves(self, on: bool) -> None:
        """Start or stop recording waves; a build without waves ignores it."""
        self._waves_on[0] = int(on)


class Pump:
    """Runs a kernel whenever the simulation has news for it or its next timer is due.

    Handlers are plain functions, one per `EventBit`; they read a mailbox and wake tasks.

    Attributes:
        kernel: what is pumped.
        on_failure: called once, when the kernel has failed.
    """

    def __init__(self, mailbox: Mailbox, kernel: Kernel) -> None:
        """Attach a kernel; its time becomes the simulation's."""
        self.mailbox = mailbox
        self.kernel = kernel
        self.on_failure: Callable[[BaseException], None] | None = None
        self._handlers: list[Callable[[], None] | None] = [None] * len(EventBit)
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self._stopped = False
        self._next = 0
        self._time = mailbox._time
        kernel.now = max(kernel.now, mailbox.now)
        self._faults = mailbox.array("pf_faults", ctypes.c_int32, 64 * 4)
        self._fault_count = mailbox.array("pf_fault_count", ctypes.c_uint32, 1)
        self.handle(EventBit.FAULT, self._on_fault)
        self.handle(EventBit.INTERRUPT, self._on_interrupt)
        # The callback object has to outlive its registration.
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint32)(self._pump)
        mailbox.library.pf_set_pump.restype = None
        mailbox.library.pf_set_pump(self._callback)

    def handle(self, event: EventBit, handler: Callable[[], None]) -> None:
        """Set the function that serves an event."""
        self._handlers[event] = handler

    def before(self, function: Callable[[], None]) -> None:
        """Call a function at the start of every pump, before handlers (lockstep drains here)."""
        self._before.append(function)

    def after(self, function: Callable[[], None]) -> None:
        """Call a function at the end of every pump."""
        self._after.append(function)

    def detach(self) -> None:
        """Stop pumping."""
        self._stopped = True
        self.mailbox.library.pf_set_pump(None)

    def _pump(self, pending: int) -> int:
        if self._stopped:
            return NEVER
        kernel = self.kernel
        try:
            for function in self._before:
                function()
            now = self._time[0]
            if now >= self._next or pending & _POSTED:
                kernel.advance(now)
            else:
                kernel.now = now
            if pending:
                handlers = self._handlers
                while pending:
                    bit = pending & -pending
                    pending ^= bit
                    handler = handlers[bit.bit_length() - 1]
                    if handler is not None:
                        kernel.call(handler)
                kernel.run_ready()
            for function in self._after:
                function()
            if kernel.failure is None:
                when = kernel.next_timer()
                self._next = NEVER if when is None else when
                return self._next
        except BaseException as error:  # nothing may escape into C, where it would be lost
            kernel.fail(error)
        self._fail()
        return NEVER

    def _fail(self) -> None:
        self._stopped = True
        failure = self.kernel.failure
        assert failure is not None
        if self.on_failure is not None:
            self.on_failure(failure)

    def _on_fault(self) -> None:
        count, self._fault_count[0] = int(self._fault_count[0]), 0
        texts = []
        for index in range(count):
            code, a, b = self._faults[index * 4 : index * 4 + 3]
            text = _FAULTS.get(code, f"fault {code}: {{a}}, {{b}}")
            texts.append(text.format(a=a, b=b & 0xFFFFFFFF))
        raise SimulationFault("; ".join(texts))

    def _on_interrupt(self) -> None:
        raise Interrupted("interrupted from outside (Ctrl-C)")
