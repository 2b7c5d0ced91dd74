# SPDX-License-Identifier: Apache-2.0
"""The interrupt lines in lockstep: their levels are what the model says, within a bound."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .history import History

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["Lines"]

_NAMES = {"irq": "irq", "ep_irq": "ep_irq[31:0]"}


class Lines:
    """Compares levels for a `Checker`.

    A line may follow the model, or the trace the line, by `Window.line`. So a level is judged when
    the trace is known for long enough after it: at each change of the line, and some time after
    each change of the model.
    """

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker
        self.window = checker.window.line
        self._model = History(10 * self.window)
        self._seen = History(10 * self.window)
        self._pending: deque[tuple[int, str, bool]] = deque()
        self.watched = False
        self._said: dict[str, tuple[int, int]] = {}

    def follow(self) -> None:
        """Note what the model says after an event."""
        model, time = self.checker.model, self.checker.time
        for name, value in (("irq", int(model.irq)), ("ep_irq", model.ep_irq)):
            if self._model.note(name, value, time):
                self._pending.append((time + self.window, name, False))

    def observe(self, time: int, irq: bool, ep_irq: int) -> None:
        """Note the levels from `time` on."""
        if not self.watched:
            self.watched = True
            self.follow()
        for name, value in (("irq", int(irq)), ("ep_irq", ep_irq)):
            if self._seen.note(name, value, time):
                self._pending.append((time, name, True))

    def settle(self, now: int) -> None:
        """Judge what can be judged: the trace is complete up to `now`."""
        pending = self._pending
        # Both kinds come in order of time, but not among each other.
        for _ in range(len(pending)):
            time, name, change = pending.popleft()
            if time + self.window > now:
                pending.append((time, name, change))
            else:
                self._judge(time, name, change)

    def _judge(self, time: int, name: str, change: bool) -> None:
        seen = next(iter(self._seen.values(name, time, time)), None)
        if seen is None:
            return
        some, always = self._model.bits(name, time - self.window, time + self.window)
        wrong = seen & ~some | ~seen & always
        if name == "irq":
            wrong &= 1
        now = self._model.values(name, time, time)
        if not wrong:
            self._said.pop(name, None)
            moment = time if change else time - self.window
            if (
                self._model.values(name, moment, moment)[:1]
                != self._seen.values(name, moment, moment)[:1]
            ):
                self.checker.waive(f"{name} moves before or after its cause")
            return
        wrong &= 0xFFFFFFFF
        if self._said.get(name) == (seen, wrong):
            return
        self._said[name] = (seen, wrong)
        self.checker.wrong(
            "interrupt line",
            f"{_NAMES[name]} is {seen:#x} at {time / 1e6:.3f} us, the model says "
            f"{(now[0] if now else 0):#x} (bits {wrong:#x}) within {self.window / 1e6:.1f} us",
        )
