# SPDX-License-Identifier: Apache-2.0
"""Lockstep of the RTL and the model: the trace port drives the model, which judges every choice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from pymodel.config import UdcParameters
from pymodel.core import Checker, Mismatch, Window
from pymodel.packets import DATA_PIDS, PID, data_crc_ok, pid_of
from pymodel.wire import PacketRecord

__all__ = ["Lockstep", "LockstepMismatch", "WirePayloads"]

_ENOUGH = 5
_CONTEXT = 50_000_000
"""A run ends with the fifth mismatch, or 50 us after the first one."""


class LockstepMismatch(Exception):
    """The controller did what the model says it may not; going on would only bury that."""


class WirePayloads:
    """Compares what passed on the wire with what the trace says was received and sent.

    Every payload that was accepted must have been on the wire, and every payload that the device
    put on the wire must have been read for sending, in that order. Packets and trace arrive in
    batches of their own, so whatever finds no partner waits for the next batch.
    """

    def __init__(self, checker: Checker) -> None:
        """Listen to a checker."""
        self._checker = checker
        self._host: deque[bytes] = deque(maxlen=256)
        self._received: deque[bytes] = deque()
        self._sent: deque[bytes] = deque(maxlen=256)
        self._device: deque[bytes] = deque()
        self._seen = (0, 0, 0, 0)
        self._extended = False
        checker.on_received = self._received.append
        checker.on_sent = self._sent.append

    def records(self, records: Iterable[PacketRecord]) -> None:
        """Take packets from the wire's monitor."""
        for record in records:
            data = record.data
            if record.from_host:
                if self._extended and len(data) > 3:
                    # The device decides at the third byte, but does not answer what is too long.
                    self._checker.model.sleep_due = None
                self._extended = pid_of(data) == PID.EXT
            if pid_of(data) in DATA_PIDS and data_crc_ok(data) and not record.error:
                (self._host if record.from_host else self._device).append(bytes(data[1:-2]))

    def match(self) -> None:
        """Find partners, if anything has come since the last time."""
        lengths = (len(self._host), len(self._received), len(self._sent), len(self._device))
        if lengths == self._seen and max(lengths[0], lengths[2]) < 256:
            return
        self._pair(self._received, self._host)
        self._pair(self._device, self._sent)
        self._seen = (len(self._host), len(self._received), len(self._sent), len(self._device))

    @staticmethod
    def _pair(wanted: deque[bytes], offered: deque[bytes]) -> None:
        while wanted:
            try:
                place = offered.index(wanted[0])
            except ValueError:
                return
            for _ in range(place + 1):
                offered.popleft()
            wanted.popleft()

    def finish(self) -> None:
        """The run is over: who has no partner now, never will.

        The last one may belong to a transaction that was under way when the run ended.
        """
        self.match()
        for wanted, text in (
            (self._received, "was accepted but never on the wire"),
            (self._device, "went over the wire but was not what the FIFO held"),
        ):
            if len(wanted) > 1:
                payload = wanted[0]
                self._checker.wrong(
                    "payload on the wire",
                    f"{len(payload)} bytes {payload[:8].hex(' ')} {text} (and {len(wanted) - 1} "
                    "after it)",
                )
                wanted.clear()


class Lockstep:
    """Checks a controller that has the trace port.

    Attributes:
        checker: the model that follows.
        payloads: the comparison with the wire; its `records` takes what the monitor sees.
        mismatches: what was wrong; a run with any has failed.
        ended: the run was ended because of them.
    """

    def __init__(
        self,
        parameters: UdcParameters,
        drain: Callable[[], Iterable[tuple[int, int]]],
        window: Window | None = None,
    ) -> None:
        """Follow a trace.

        Args:
            parameters: of the hardware.
            drain: returns and removes the events that wait, (time in ps, 64-bit event).
            window: how long hardware may take.
        """
        self.checker = Checker(parameters, window)
        self.payloads = WirePayloads(self.checker)
        self.ended = False
        self._drain = drain
        self._levels: Callable[[], tuple[bool, int]] | None = None
        self._clock: Callable[[], int] | None = None
        self._wake: Callable[[int], object] | None = None
        self._woken = False

    @classmethod
    def attach(cls, controller: Any) -> Lockstep:
        """Follow an `RtlController` built with TRACE=1; it gets the attribute `lockstep`.

        Raises:
            ValueError: the controller has no trace port.
        """
        if controller.trace is None:
            raise ValueError("lockstep needs a controller built with TRACE=1")
        lockstep = cls(controller.parameters, controller.trace.drain)
        # Latencies of commands are counted in core clocks, 60 for a microsecond.
        core_fs = int(controller.mailbox.period_fs[0])
        lockstep.checker.model.microsecond = 60 * core_fs // 1000
        lockstep.checker.model.bus_error = controller.memory.answers_error
        lockstep._levels = controller.bus.levels
        lockstep._clock = lambda: controller.mailbox.now
        lockstep._wake = lambda delay: controller.kernel.call_later(delay + 1, lambda: None)
        controller.pump.before(lockstep.poll)
        wire = getattr(controller, "wire", None)
        if wire is not None:
            wire.monitor(lockstep.payloads.records)
        controller.lockstep = lockstep
        return lockstep

    @property
    def mismatches(self) -> list[Mismatch]:
        """What was wrong, first one first."""
        return self.checker.mismatches

    def poll(self) -> None:
        """Follow the events that wait.

        Raises:
            LockstepMismatch: something was wrong, and enough has been seen of what came after it.
        """
        checker = self.checker
        now = self._clock() if self._clock is not None else None
        checker.feed(self._drain())
        if now is not None and self._levels is not None:
            checker.lines.observe(now, *self._levels())
            checker.lines.settle(now)
        self.payloads.match()
        if checker.mismatches and not self.ended:
            first = checker.mismatches[0]
            latest = max(checker.time, now or 0)
            if len(checker.mismatches) >= _ENOUGH or latest - first.time > _CONTEXT:
                self.ended = True
                found = len(checker.mismatches)
                raise LockstepMismatch(f"ended after {found} mismatch{'es' * (found > 1)}")
            if not self._woken and self._wake is not None:
                # Perhaps nothing else happens for a long time.
                self._woken = True
                self._wake(_CONTEXT)

    def finish(self, time: int | None = None) -> None:
        """The run is over at `time` (picoseconds): follow the rest, count what is overdue."""
        self.ended = True
        self.poll()
        self.checker.finish(time)
        self.payloads.finish()

    def summary(self) -> dict[str, Any]:
        """Return what `summary.json` says: events, mismatches, waivers by rule."""
        self.ended = True
        self.poll()
        return {
            "events": self.checker.events,
            "mismatches": len(self.checker.mismatches),
            "waivers": dict(sorted(self.checker.waivers.items())),
        }
