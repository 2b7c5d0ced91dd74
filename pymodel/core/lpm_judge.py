# SPDX-License-Identifier: Apache-2.0
"""What a controller may do about LPM: answers, the entry into L1, reads of its registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pymodel.trace import Answer, Event

from . import fields as f
from .lpm import L1_ENTRY, L1_RESUME_OK, L1_WAKE

if TYPE_CHECKING:
    from .checker import Checker

__all__ = [
    "judge_lpm_sent",
    "judge_lpm_token",
    "judge_sleep",
    "loose_lpm_bits",
    "sleep_overdue",
]

_US: Final = 1_000_000
_ENTRY_SLACK: Final = 3 * _US
"""The event and the end of the handshake are not the same moment."""
_TIMER_SLACK: Final = 2 * _US


def judge_lpm_token(checker: Checker, event: Event) -> None:
    """TOKEN with PID 0: was the answer legal?"""
    model = checker.model
    answer, n, attributes = event.arg >> 13 & 7, event.arg >> 8 & 0xF, event.data
    if not model.par.lpm or n or attributes >> 11 or answer > Answer.NYET:
        checker.wrong("decision", f"{event}: there is no such LPM token or answer")
        return
    expected = model.decide_lpm(attributes)
    if answer != expected:
        names = ["all", "rx"] + [f"in{n}" for n in range(len(model.ins))]
        names += [f"out{n}" for n in range(len(model.outs))]
        names += [f"fifo{n}" for n in range(len(model.tx))]
        if checker.recent(*names):
            checker.waive("decision within the race window")
        else:
            checker.wrong(
                "decision",
                f"LPM {attributes:#05x}: {Answer(answer).name}, the model says "
                f"{Answer(expected).name}: GLPMCFG {model.read_glpmcfg():08x}, control transfer "
                f"{model.control_open}, isochronous {model.iso_enabled}, data waits "
                f"{model.lpm_pending}",
            )
    model.step(event)
    checker.lpm_decided = (event.arg, attributes)


def judge_lpm_sent(checker: Checker, event: Event) -> None:
    """LPM: only what was decided is sent, and once."""
    decided, checker.lpm_decided = checker.lpm_decided, None
    if (event.arg, event.data) != decided:
        checker.wrong("decision", f"{event}: this answer to an LPM token was not decided")
        return
    checker.step(event)
    checker.touch("lpm")


def judge_sleep(checker: Checker) -> None:
    """LINE SLEEP: only after an acknowledged token, and in time."""
    due = checker.model.sleep_due
    if due is None:
        checker.wrong("sleep", "L1 was entered, but no LPM token was acknowledged")
    elif abs(checker.time - due) > _ENTRY_SLACK:
        after = (checker.time - due + L1_ENTRY) / _US
        checker.wrong("sleep", f"L1 was entered {after:.1f} us after the token, 8 to 10 are right")
    checker.touch("lpm")


def sleep_overdue(checker: Checker) -> bool:
    """Tell whether L1 should have been entered by now."""
    due = checker.model.sleep_due
    return due is not None and checker.time - due > _ENTRY_SLACK


def loose_lpm_bits(checker: Checker, offset: int) -> int:
    """Return bits of a register that a timer or another clock changes about now."""
    model = checker.model
    if offset == f.GLPMCFG:
        if checker.recent("lpm"):
            return f.M32 & ~f.GLPMCFG_RW
        age = checker.time - model.slept_at - L1_RESUME_OK
        return f.LPM_L1RESUMEOK if model.sleeping and abs(age) <= _TIMER_SLACK else 0
    if offset == f.PCGCCTL:
        return f.PCGC_L1SUSPENDED if checker.recent("lpm") else 0
    since = checker.time - model.last_wake
    return f.DCTL_RMTWKUP if 0 <= since <= L1_WAKE + _TIMER_SLACK else 0
