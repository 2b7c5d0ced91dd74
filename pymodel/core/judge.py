# SPDX-License-Identifier: Apache-2.0
"""What a controller may answer to a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.packets import PID, TOKEN_PIDS
from pymodel.trace import Answer, Event

from . import fields as f
from .iso import FILLER
from .lpm_judge import judge_lpm_token
from .shared import TAKEN_BACK
from .traffic import SETUP_RESERVE

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["Judge"]

_SILENT, _ACK, _NAK, _STALL, _NYET, _DATA, _ISO = (
    int(Answer.SILENT),
    int(Answer.ACK),
    int(Answer.NAK),
    int(Answer.STALL),
    int(Answer.NYET),
    int(Answer.DATA),
    int(Answer.ISO),
)


class Judge:
    """Judges decisions at tokens for a `Checker`."""

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker

    def token(self, event: Event) -> None:
        """TOKEN: was the decision legal at this moment?"""
        checker = self.checker
        model = checker.model
        answer, n, pid = event.arg >> 13 & 7, event.arg >> 8 & 0xF, event.arg >> 4 & 0xF
        if not pid:
            judge_lpm_token(checker, event)
            return
        if pid not in TOKEN_PIDS or answer > Answer.ISO:
            checker.wrong("decision", f"{event}: there is no such token or answer")
            return
        expected, data_pid, length = model.decide(pid, n)
        if answer == _ISO and not self._is_iso(pid, n):
            checker.wrong("decision", f"{PID(pid).name} {n}: ISO, but the endpoint is another type")
        elif answer == expected == _ISO and pid == PID.IN:
            self._iso_in(event, n, data_pid, length)
        elif answer == expected:
            if answer == _DATA and (event.arg & 0xF, event.data) != (data_pid, length):
                checker.wrong(
                    "data to send",
                    f"IN {n}: PID {event.arg & 0xF:#x}, {event.data} bytes; the model has PID "
                    f"{data_pid:#x}, {length} bytes",
                )
        elif not self._excused(pid, n, answer, expected):
            checker.wrong(
                "decision",
                f"{PID(pid).name} {n}: {Answer(answer).name}, the model says "
                f"{Answer(expected).name}: {self._why(pid, n)}",
            )
        if n >= len(model.ins if pid == PID.IN else model.outs):
            return
        model.step(event, self._perhaps_stale(pid, n, answer, expected))
        if answer == _ISO and pid == PID.IN and model.ins[n].sending == FILLER:
            # It holds nothing that anybody reads, and its end need not be reported.
            checker.sent(b"")

    def _perhaps_stale(self, pid: int, n: int, answer: int, expected: int) -> bool | None:
        """True if an IN token may have met an older head of the shared FIFO, else None."""
        model = self.checker.model
        if not model.shared or pid != PID.IN:
            return None
        stale = answer != expected or TAKEN_BACK in model.flushing
        return stale or self.checker.recent("head", f"in{n}", "all") or None

    def _is_iso(self, pid: int, n: int) -> bool:
        """Isochronous now, or a moment ago."""
        model = self.checker.model
        ends = model.ins if pid == PID.IN else model.outs
        if n and n < len(ends) and ends[n].eptype == f.EPTYPE_ISO:
            return True
        return self.checker.recent(f"{'in' if pid == PID.IN else 'out'}{n}")

    def _iso_in(self, event: Event, n: int, data_pid: int, length: int) -> None:
        """An isochronous packet: the right one, or an empty one while something changed."""
        seen = (event.arg & 0xF, event.data)
        if seen == (data_pid, length):
            return
        empty = (int(PID.DATA0), 0)
        if empty in (seen, (data_pid, length)) and self.checker.recent(f"in{n}", "all"):
            self.checker.waive("decision within the race window")
            return
        self.checker.wrong(
            "data to send",
            f"isochronous IN {n}: PID {seen[0]:#x}, {seen[1]} bytes; the model has PID "
            f"{data_pid:#x}, {length} bytes: {self._why(PID.IN, n)}",
        )

    def _excused(self, pid: int, n: int, answer: int, expected: int) -> bool:
        """The facts leave the choice, or the state changed a moment ago."""
        checker = self.checker
        model = checker.model
        if model.test_mode and pid != PID.IN:
            # A host that tests sends none of these; what they get is not specified.
            return True
        ends = model.ins if pid == PID.IN else model.outs
        if n >= len(ends) or not ends[n].exists:
            return False
        if pid != PID.IN and n < len(model.outs):
            out = model.outs[n]
            free = model.rx.depth - model.rx.used
            words = (out.limit + 3 >> 2) + 2
            if expected == _ISO and answer == _SILENT and free < words + SETUP_RESERVE + 2:
                checker.waive("isochronous packet refused before the Rx FIFO was full")
                return True
            if {answer, expected} == {_ACK, _NYET}:
                # NYET says that the next packet may find no room (8.5.1): legal when this is the
                # last one of the transfer or room is short, and never required.
                if answer == _ACK:
                    return True
                if not model.high_speed or out.eptype not in (f.EPTYPE_BULK, f.EPTYPE_CONTROL):
                    return False
                if model.out_last(out) or free < 3 * words + SETUP_RESERVE:
                    return True
            if answer == _NAK and expected in (_ACK, _NYET) and free < 2 * words + SETUP_RESERVE:
                checker.waive("NAK before the Rx FIFO was full")
                return True
            roomless = (
                not out.nak
                and out.enabled
                and not out.stall
                and not model.gout_nak_asked
                and model.out_open(out)
            )
            if answer in (_ACK, _NYET) and expected == _NAK and roomless:
                # Whether it fits shows at the commit.
                checker.waive("ACK into a nearly full Rx FIFO")
                return True
        elif TAKEN_BACK in model.flushing and model.queued(model.ins[n]):
            checker.waive("decision while FIFO 0 is taken back")
            return {answer, expected} == {_NAK, _DATA}
        answers = checker.past.answers(pid, n)
        # ACK and NYET differ in what they say of the next packet (see above).
        if answers & (1 << _ACK | 1 << _NYET):
            answers |= 1 << _ACK | (1 << _NYET if model.high_speed else 0)
        if answers >> answer & 1:
            checker.waive("decision within the race window")
            return True
        return False

    def _why(self, pid: int, n: int) -> str:
        """Return the state that the decision depends on."""
        model = self.checker.model
        if pid == PID.IN:
            if n >= len(model.ins) or not model.ins[n].exists:
                return "no such endpoint"
            ep = model.ins[n]
            fifo = model.fifo_of(ep)
            queue = [(one.endpoint, one.complete) for one in model.queue]
            return (
                f"active {ep.active}, enabled {ep.enabled}, NAK {ep.nak}, stall {ep.stall}, "
                f"toggle or parity {ep.toggle}, frame {model.soffn}, "
                f"{len(fifo.packets)} packets in FIFO, XferSize {ep.xfersize}, PktCnt {ep.pktcnt}"
                + (f", queue {queue}" if model.queued(ep) else "")
            )
        if n >= len(model.outs) or not model.outs[n].exists:
            return "no such endpoint"
        out = model.outs[n]
        return (
            f"active {out.active}, enabled {out.enabled}, NAK {out.nak}, stall {out.stall}, "
            f"toggle or parity {out.toggle}, frame {model.soffn}, "
            f"global NAK {model.gout_nak_asked}, PktCnt {out.pktcnt}, "
            f"{model.rx.depth - model.rx.used} words free"
        )
