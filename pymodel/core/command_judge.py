# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands in lockstep: started, in time, with the right result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymodel.trace import Event

from . import fields as f

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["command", "command_write", "overdue_command"]

_EARLY: Final = 100_000
"""A command may take effect so many picoseconds before its latency is over."""


def command_write(checker: Checker, offset: int) -> None:
    """A register of the bank is written: note what may change."""
    if f.EXT_BASE <= offset < f.EXT_END:
        checker.touch("ext", f"ext{offset - f.EXT_BASE >> 5}")


def command(checker: Checker, event: Event) -> None:
    """COMMAND: was it started, is it time, and is its result right?"""
    model = checker.model
    index = event.arg
    due = model.command_due.get(index)
    if due is None:
        checker.wrong("command", f"{event}: index {index} has no command under way")
        return
    if checker.time < due - _EARLY:
        early = (due - checker.time) / 1e6
        checker.wrong("command", f"{event}: index {index} takes effect {early:.1f} us early")
    name = (f"out{index >> 1}", f"in{index >> 1}")[index & 1]
    expected = model.command_result(index)
    if event.data != expected:
        checker.wrong(
            "command",
            f"{event}: index {index} ends with {event.data:08x}, the model has {expected:08x}",
        )
    checker.step(event)
    checker.touch("ext", f"ext{index}", name)


def overdue_command(checker: Checker, index: int) -> None:
    """A command has not taken effect in time: say so, and let it."""
    late = (checker.time - checker.model.command_due[index]) / 1e6
    checker.wrong("command missing", f"index {index}: overdue since {late:.1f} us")
    checker.model.on_command(index, 0, None)
