# SPDX-License-Identifier: Apache-2.0
"""Watches that what is due happens, and in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.packets import PID
from pymodel.trace import Cause

from . import fields as f
from .command_judge import overdue_command
from .lpm_judge import sleep_overdue

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["Progress"]

_NEVER = 1 << 62


class Progress:
    """Notes since when something is due for a `Checker`.

    Attributes:
        deadline: when the first thing that is due is overdue, unless it happens before.
    """

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker
        self._since: dict[object, int] = {}
        self.deadline = _NEVER

    def forget(self) -> None:
        """A reset: nothing is due any more."""
        self._since.clear()
        self.deadline = _NEVER

    def watch(self) -> None:
        """Note since when something is due; say so when it takes too long."""
        checker = self.checker
        model = checker.model
        if model.sleep_due is not None and sleep_overdue(checker):
            checker.wrong("sleep", "L1 was not entered after an acknowledged LPM token")
            model.sleep_due = None
        self.deadline = _NEVER
        waiting = model.due or model.due_status or model.flushing or model.command_due
        if not (waiting or self._since or model.dma_on):
            return
        window, now = checker.window, checker.time
        pending: dict[object, int] = {}
        for key, bits in model.due.items():
            while bits:
                bit = bits & -bits
                bits ^= bit
                if bit == f.EPI_DISBLD and self._on_the_wire(key):
                    continue
                pending[("cause", key, bit)] = window.cause
        for index, when in model.command_due.items():
            pending[("command", index, when)] = window.command
            # They are carried out one after another.
            self._since[("command", index, when)] = max(when, model.command_last)
        for one in model.due_status:
            pending[("status", *one)] = window.cause
        for number in model.flushing:
            if not model.on_the_wire(number):
                pending[("flush", number)] = window.flush
        if model.dma_on:
            if model.rx_ready():
                pending[("rx", id(model.rx.entries[0]))] = window.dma
            for ep in model.fetching:
                if not model.tx_ready(ep):
                    continue
                if model.queued(ep):
                    # The order is a choice: one of them has to move.
                    left = sum(one.xfersize for one in model.fetching if model.queued(one))
                    pending[("tx", "FIFO 0", left)] = window.dma
                else:
                    pending[("tx", ep.index, model.to_fetch(ep)[1])] = window.dma
        if model.desc_on:
            for due in checker.path.descriptors.pending():
                pending[due] = window.dma
        since = self._since
        if not pending and not since:
            return
        self._since = {key: since.get(key, now) for key in pending}
        for item, start in list(self._since.items()):
            if now - start > pending[item]:
                self._overdue(item, now - start)
            elif start + pending[item] < self.deadline:
                self.deadline = start + pending[item]

    def _on_the_wire(self, key: int) -> bool:
        """Tell whether an endpoint has a packet under way, which a disable waits for."""
        model = self.checker.model
        which, n = key >> 8, key & 0xFF
        if which == Cause.DIEPINT:
            return model.ins[n].sending >= 0
        token = model.token
        return which == Cause.DOEPINT and token is not None and token[:2] == (PID.OUT, n)

    def _overdue(self, key: object, late: int) -> None:
        checker = self.checker
        model = checker.model
        assert isinstance(key, tuple)
        del self._since[key]
        if key[0] == "cause":
            number, bits = key[1], key[2]
            visible = self._visible(number) & bits
            model.set_causes(number, bits)
            if visible == bits:
                checker.waive("cause that was visible already")
                return
            where = f"{Cause(number >> 8).name} endpoint {number & 0xFF}"
            checker.wrong(
                "cause missing", f"{where}: {bits & ~visible:#x} after {late / 1e6:.1f} us"
            )
        elif key[0] == "status":
            model.due_status.remove((key[1], key[2]))
            checker.wrong("status word missing", f"PktSts {key[1]} of endpoint {key[2]}")
        elif key[0] == "command":
            overdue_command(checker, key[1])
        elif key[0] == "flush":
            model.flushing.discard(key[1])
            checker.wrong("flush missing", f"FIFO {key[1]:#x}")
        else:
            self._since[key] = checker.time
            checker.wrong("no progress", f"DMA {key[0]} {key[1:]} for {late / 1e6:.1f} us")

    def _visible(self, key: int) -> int:
        model = self.checker.model
        which, n = key >> 8, key & 0xFF
        if which == Cause.DIEPINT:
            return model.ins[n].intr
        if which == Cause.DOEPINT:
            return model.outs[n].intr
        if which == Cause.EPXINT:
            return model.epxint[n]
        return model.gotgint if which == Cause.GOTGINT else model.latched
