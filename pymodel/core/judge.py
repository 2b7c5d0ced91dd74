# SPDX-License-Identifier: Apache-2.0
"""What a controller may answer and what software may read: the two judgements with leeway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import lookup
from pymodel.packets import PID, TOKEN_PIDS
from pymodel.trace import Answer, Event

from . import fields as f
from .iso import FILLER
from .lpm_judge import judge_lpm_token, loose_lpm_bits
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
_FN = 0xF << 21


class Judge:
    """Judges decisions at tokens and register reads for a `Checker`."""

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker

    # -- decisions ---------------------------------------------------------------------------

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
                short = free < 3 * words + SETUP_RESERVE
                return model.high_speed and (model.out_last(out) or short)
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
            if answer == _NAK and pid != PID.SETUP and model.gout_nak_asked:
                return True
        name = f"{'in' if pid == PID.IN else 'out'}{n}"
        through_queue = pid == PID.IN and model.queued(model.ins[n])
        moving = through_queue and (checker.recent("head") or TAKEN_BACK in model.flushing)
        if moving and {answer, expected} == {_NAK, _DATA}:
            checker.waive("head of the shared FIFO within the race window")
            return True
        if checker.recent(name, "all") or (pid != PID.IN and checker.recent("rx")):
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

    # -- register reads ----------------------------------------------------------------------

    def reg_read(self, event: Event) -> None:
        """REG_READ: does software see what the model holds?"""
        checker = self.checker
        model = checker.model
        offset, seen = event.arg, event.data
        window = f.FIFO_BASE <= offset < f.FIFO_END
        valid = len(model.rx.current) if window and not model.dma_on else 0
        expected = int(model.step((event.kind, offset, None)))
        if offset == f.GRXSTSP or window:
            checker.touch("rx")
        different = seen ^ expected
        if not different:
            return
        found = lookup(offset)
        if found is None:
            checker.wrong("register", f"{offset:#07x}: {seen:08x} where nothing is, expected 0")
            return
        register, index = found
        exact, bound = register.EXACT, register.BOUND
        if window:
            exact = (1 << 8 * min(valid, 4)) - 1
        elif offset in (f.GRXSTSP, f.GRXSTSR):
            exact &= ~_FN
        exact, bound = self._loosen(offset, exact, bound)
        name = register.NAME + (f"{index}" if register.COUNT > 1 or index else "")
        if different & exact:
            checker.wrong(
                "register",
                f"{name} reads {register.decode(seen)}, the model holds "
                f"{register.decode(expected)}",
            )
            return
        if different & bound and not self._bounded(offset, seen, expected):
            checker.wrong(
                "register bound",
                f"{name} reads {register.decode(seen)}, the model holds "
                f"{register.decode(expected)}, and nothing changed a moment ago",
            )

    def _loosen(self, offset: int, exact: int, bound: int) -> tuple[int, int]:
        """Move bits from exact to bound while their event is on its way."""
        model = self.checker.model
        if offset == f.GINTSTS and model.empmsk:
            # IEPInt then contains DIEPINT.TxFEmp, which follows the FIFO some clocks later.
            return exact & ~f.INT_IEP, bound | f.INT_IEP
        if offset in (f.GLPMCFG, f.PCGCCTL, f.DCTL) and model.par.lpm:
            return exact & ~loose_lpm_bits(self.checker, offset), bound
        if not f.IN_BASE <= offset < f.PCGCCTL:
            return exact, bound
        n = offset - f.IN_BASE >> 5 & 0xF
        is_out = offset >= f.OUT_BASE
        place = offset & 0x1F
        loose = 0
        if place == f.EP_CTL:
            loose = f.EPCTL_ENA | f.EPCTL_NAKSTS
            if (0x200 if is_out else 0x100) | n in model.due:
                return exact & ~loose, bound & ~loose
        elif place == f.EP_TSIZ and model.desc_on:
            # It plays no role, and nobody says what it reads.
            return 0, 0
        elif place == f.EP_TSIZ and is_out:
            loose = f.M32 if any(one.endpoint == n for one in model.rx.entries) else 0
        elif place == f.EP_TSIZ and model.dma_on:
            loose = f.TSIZ_SIZE if model.tx_ready(model.ins[n]) else 0
        return exact & ~loose, bound | exact & loose

    def _bounded(self, offset: int, seen: int, expected: int) -> bool:
        """A bound field may differ shortly after a change, or while a packet moves."""
        checker = self.checker
        model = checker.model
        names = ["all", "rx"]
        if offset == f.GNPTXSTS:
            names += ["fifo0", "in0"]
        elif f.IN_BASE <= offset < f.PCGCCTL:
            n = offset - f.IN_BASE >> 5 & 0xF
            names += [f"in{n}", f"out{n}", f"fifo{n}"]
        elif offset in (f.GINTSTS, f.DAINT, f.DEACHINT):
            names += [f"in{n}" for n in range(len(model.ins))]
            names += [f"fifo{n}" for n in range(len(model.tx))]
        if checker.recent(*names):
            checker.waive("bound register read within the race window")
            return True
        if model.dma_on and (model.rx.entries or any(model.tx_ready(ep) for ep in model.fetching)):
            # A packet is on its way between memory and FIFO: space and addresses move.
            checker.waive("bound register read while the DMA moves a packet")
            return True
        if checker.path.descriptors.busy():
            checker.waive("bound register read while the DMA moves a descriptor")
            return True
        return False
