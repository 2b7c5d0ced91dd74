# SPDX-License-Identifier: Apache-2.0
"""Lockstep of the RTL and the model: the trace port drives the model, which judges every choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pymodel.config import UdcParameters
from pymodel.core import Checker, Mismatch, Window

__all__ = ["Lockstep"]


class Lockstep:
    """Checks a controller that has the trace port.

    Attributes:
        checker: the model that follows.
        mismatches: what was wrong; a run with any has failed.
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
        self._drain = drain

    @classmethod
    def attach(cls, controller: Any) -> Lockstep:
        """Follow an `RtlController` built with TRACE=1; it gets the attribute `lockstep`.

        Raises:
            ValueError: the controller has no trace port.
        """
        if controller.trace is None:
            raise ValueError("lockstep needs a controller built with TRACE=1")
        lockstep = cls(controller.parameters, controller.trace.drain)
        controller.pump.before(lockstep.poll)
        controller.lockstep = lockstep
        return lockstep

    @property
    def mismatches(self) -> list[Mismatch]:
        """What was wrong, first one first."""
        return self.checker.mismatches

    def poll(self) -> None:
        """Follow the events that wait."""
        self.checker.feed(self._drain())

    def finish(self, time: int | None = None) -> None:
        """The run is over at `time` (picoseconds): follow the rest, count what is overdue."""
        self.poll()
        self.checker.finish(time)

    def summary(self) -> dict[str, Any]:
        """Return what `summary.json` says: events, mismatches, waivers by rule."""
        self.poll()
        return {
            "events": self.checker.events,
            "mismatches": len(self.checker.mismatches),
            "waivers": dict(sorted(self.checker.waivers.items())),
        }
