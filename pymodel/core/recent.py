# SPDX-License-Identifier: Apache-2.0
"""What the model would have answered and shown over the last moments.

Hardware decides by, and shows, the state of some clocks ago or that of the next event. So a
choice that differs from the model's is legal only if the model itself would have made it within
the race window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.packets import PID

from . import fields as f
from .history import History

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["Recent"]

_IN, _OUT, _PING, _SETUP = int(PID.IN), int(PID.OUT), int(PID.PING), int(PID.SETUP)


class Recent:
    """Keeps the recent past of a `Checker`'s model."""

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker
        self._history = History(20 * checker.window.race)
        self._changed = {"all"}

    def touched(self, name: str) -> None:
        """Something changed with the present event."""
        self._changed.add(name)

    def follow(self) -> None:
        """An event is over: note what is different now."""
        model, time = self.checker.model, self.checker.time
        note = self._history.note
        note(f.GINTSTS, model.gintsts(), time)
        note(f.DAINT, model.daint, time)
        if f.DEACHINTMSK in model.storage:
            note(f.DEACHINT, model.deachint(), time)
        changed = self._changed
        if not changed:
            return
        if "all" in changed:
            changed |= {f"in{n}" for n in range(len(model.ins))}
            changed |= {f"out{n}" for n in range(len(model.outs))}
            changed |= {f"fifo{n}" for n in range(len(model.tx))}
            changed |= {"rx"}
            for offset in (f.GRSTCTL, f.GOTGCTL):
                note(offset, model.peek(offset), time)
        if "head" in changed:
            changed |= {f"in{ep.index}" for ep in model.ins if model.queued(ep)}
        for name in changed:
            if name[:2] == "in":
                self._note_in(int(name[2:]))
            elif name[:3] == "out":
                self._note_out(int(name[3:]))
            elif name[:4] == "fifo":
                self._note_fifo(int(name[4:]))
            elif name == "rx":
                note("rx", model.rx.used, time)
        changed.clear()

    def _note_in(self, n: int) -> None:
        model, time = self.checker.model, self.checker.time
        if n >= len(model.ins):
            return
        note = self._history.note
        note((_IN, n), 1 << model.decide(_IN, n)[0], time)
        base = f.IN_BASE + f.EP_STRIDE * n
        for place in (f.EP_CTL, f.EP_INT, f.EP_TSIZ, f.EP_DMA, f.EP_DMAB):
            note(base + place, model.peek(base + place), time)

    def _note_out(self, n: int) -> None:
        model, time = self.checker.model, self.checker.time
        if n >= len(model.outs):
            return
        note = self._history.note
        for pid in (_OUT, _PING):
            note((pid, n), 1 << model.decide(pid, n)[0], time)
        base = f.OUT_BASE + f.EP_STRIDE * n
        for place in (f.EP_CTL, f.EP_TSIZ, f.EP_DMA, f.EP_DMAB):
            note(base + place, model.peek(base + place), time)

    def _note_fifo(self, n: int) -> None:
        model, time = self.checker.model, self.checker.time
        if n >= len(model.tx):
            return
        note = self._history.note
        note(("free", n), model.tx[n].depth - model.tx[n].used, time)
        if not n:
            note("places", model.gnptxsts() >> 16 & 0xFF, time)
        for ep in model.ins:
            if model.fifo_number(ep) == n:
                offset = f.IN_BASE + f.EP_STRIDE * ep.index + f.EP_INT
                note(offset, model.peek(offset), time)

    # -- questions ---------------------------------------------------------------------------

    def values(self, key: object) -> list[int]:
        """Return every value that was right within the race window, latest first."""
        now = self.checker.time
        return self._history.values(key, now - self.checker.window.race, now)

    def bits(self, offset: int, expected: int) -> tuple[int, int]:
        """Return the bits of a register that were 1 within the race window, and that were 0."""
        now = self.checker.time
        some, always = self._history.bits(offset, now - self.checker.window.race, now)
        return some | expected, ~(always & expected) & f.M32

    def answers(self, pid: int, n: int) -> int:
        """Return the answers to a token that were right within the race window, as bits."""
        checker = self.checker
        model = checker.model
        found = 0
        is_in = pid == _IN
        names = ["all", f"{'in' if is_in else 'out'}{n}"]
        if is_in and n < len(model.ins) and model.queued(model.ins[n]):
            names.append("head")
        if pid != _SETUP and checker.recent(*names):
            for value in self.values((pid, n)):
                found |= value
        if not is_in and checker.recent("rx", "all"):
            used = model.rx.used
            for value in self.values("rx"):
                model.rx.used = value
                found |= 1 << model.decide(pid, n)[0]
            model.rx.used = used
        return found
