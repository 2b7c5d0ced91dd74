# SPDX-License-Identifier: Apache-2.0
"""What software may read: the model's registers, with bounds where hardware needs some clocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import lookup
from pymodel.packets import PID
from pymodel.trace import Event

from . import fields as f
from .lpm_judge import loose_lpm_bits
from .state import InEndpoint, OutEndpoint

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["RegisterJudge"]

_FN = 0xF << 21
_SIZE = f.TSIZ_SIZE
_COUNT = f.TSIZ_COUNT << 19


class RegisterJudge:
    """Judges register reads for a `Checker`."""

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker

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
        rule = ""
        if different & exact:
            rule, why = "register", ""
        elif different & bound and not self._bounded(offset, seen, expected, different & bound):
            rule, why = "register bound", ", and did so for a while"
        if rule:
            checker.wrong(
                rule,
                f"{name} reads {register.decode(seen)}, the model holds "
                f"{register.decode(expected)}{why}",
            )

    def _loosen(self, offset: int, exact: int, bound: int) -> tuple[int, int]:
        """Move bits from exact to bound that an event changes which may be on its way."""
        model = self.checker.model
        loose = 0
        if offset == f.GINTSTS:
            # IEPInt contains DIEPINT.TxFEmp, which follows the FIFO some clocks later.
            loose = f.INT_IEP if model.empmsk else 0
        elif offset in (f.GLPMCFG, f.PCGCCTL, f.DCTL) and model.par.lpm:
            return exact & ~loose_lpm_bits(self.checker, offset), bound
        elif f.IN_BASE <= offset < f.PCGCCTL:
            place = offset & 0x1F
            if place == f.EP_CTL:
                loose = f.EPCTL_ENA | f.EPCTL_NAKSTS
            elif place == f.EP_TSIZ:
                if model.desc_on:
                    # It plays no role, and nobody says what it reads.
                    return 0, 0
                loose = f.M32
        return exact & ~loose, bound | exact & loose

    # -- bounds ------------------------------------------------------------------------------

    def _bounded(self, offset: int, seen: int, expected: int, different: int) -> bool:
        """A bound field may show what it was within the race window, or soon will be."""
        checker = self.checker
        some, none = checker.past.bits(offset, expected)
        wrong = different & (seen & ~some | ~seen & ~none)
        if not wrong and not self._is_number(offset):
            checker.waive("bound register read within the race window")
            return True
        if self._on_its_way(offset, seen, wrong):
            checker.waive("register read while its event is on its way")
            return True
        return False

    @staticmethod
    def _is_number(offset: int) -> bool:
        if offset == f.GNPTXSTS:
            return True
        return f.IN_BASE <= offset < f.PCGCCTL and offset & 0x1F not in (f.EP_CTL, f.EP_INT)

    def _on_its_way(self, offset: int, seen: int, wrong: int) -> bool:
        """Tell whether all wrong bits belong to something that happens right now."""
        checker = self.checker
        model = checker.model
        if offset == f.GRSTCTL:
            if model.flushing:
                wrong &= ~(f.RST_RXFFLSH | f.RST_TXFFLSH)
            if checker.in_reset:
                # It waits for the bus.
                return not wrong & ~(f.RST_CSFTRST | f.RST_DMAREQ | f.RST_AHBIDLE)
            return not wrong & ~0xF and checker.recent("all")
        if offset in (f.GINTSTS, f.DAINT, f.DEACHINT):
            return not wrong & ~self._moving_levels(offset)
        if offset == f.GNPTXSTS:
            places = checker.past.values("places") or [8]
            low = min(places) - (self._arriving(0) > 0)
            queue = low <= seen >> 16 & 0xFF <= max(places)
            return queue and self._free(0, seen & 0xFFFF)
        if f.EXT_BASE <= offset < f.EXT_END:
            # CMDACT falls some clocks after the effect.
            return checker.recent(f"ext{offset - f.EXT_BASE >> 5}")
        if not f.IN_BASE <= offset < f.PCGCCTL:
            return False
        n = offset - f.IN_BASE >> 5 & 0xF
        place = offset & 0x1F
        if place == f.EP_TXFSTS:
            return n < len(model.tx) and self._free(n, seen & 0xFFFF)
        if offset >= f.OUT_BASE:
            return n < len(model.outs) and self._out(model.outs[n], place, offset, seen, wrong)
        return n < len(model.ins) and self._in(model.ins[n], place, offset, seen, wrong)

    def _moving_levels(self, offset: int) -> int:
        """Return interrupt bits that follow a FIFO which is being filled."""
        model = self.checker.model
        filling = [n for n in range(len(model.tx)) if self._arriving(n)]
        if not filling:
            return 0
        if offset == f.GINTSTS:
            return (
                (f.INT_NPTXFEMP if 0 in filling else 0)
                | (f.INT_PTXFEMP if filling != [0] else 0)
                | (f.INT_IEP if model.empmsk else 0)
            )
        bits = sum(1 << ep.index for ep in model.ins if model.fifo_number(ep) in filling)
        return bits & model.empmsk if offset == f.DAINT else bits

    def _arriving(self, n: int) -> int:
        """Return how many words of a packet that is being fetched FIFO n may hold already."""
        model = self.checker.model
        if not model.dma_on:
            return 0
        return max(
            (model.tx_ready(ep) + 3 >> 2 for ep in model.fetching if model.fifo_number(ep) == n),
            default=0,
        )

    def _free(self, n: int, seen: int) -> bool:
        """Space is what it was, less what is arriving."""
        fifo = self.checker.model.tx[n]
        free = self.checker.past.values(("free", n)) or [fifo.depth - fifo.used]
        return max(min(free) - self._arriving(n), 0) <= seen <= max(free)

    def _near(self, offset: int, field: int, seen: int, back: int, forth: int) -> bool:
        """A number is what it was, or between that and where it is going."""
        past = [value & field for value in self.checker.past.values(offset)]
        past.append(self.checker.model.peek(offset) & field)
        return max(min(past) - back, 0) <= seen & field <= max(past) + forth

    def _in(self, ep: InEndpoint, place: int, offset: int, seen: int, wrong: int) -> bool:
        checker = self.checker
        model = checker.model
        due = model.due.get(0x100 | ep.index, 0)
        fetched = model.tx_ready(ep) if model.dma_on else 0
        if place == f.EP_CTL:
            free = 0
            if due & (f.EPI_XFERCOMPL | f.EPI_DISBLD) or ep.sending >= 0:
                free |= f.EPCTL_ENA | f.EPCTL_DIS
            if model.desc_on and model.closing_word(ep) is not None:
                free |= f.EPCTL_ENA
            if due & f.IEP_INEPNAKEFF or (not ep.index and self._setup_coming()):
                free |= f.EPCTL_NAKSTS
            return not wrong & ~free
        if place == f.EP_INT:
            return bool(self._arriving(model.fifo_number(ep))) and not wrong & ~f.IEP_TXFEMP
        if place == f.EP_TSIZ:
            one = 1 << 19 if ep.sending >= 0 else 0
            numbers = self._near(offset, _SIZE, seen, fetched, 0) and self._near(
                offset, _COUNT, seen, one, 0
            )
            return numbers and not wrong & ~(_SIZE | _COUNT)
        address = self._near(offset, f.M32, seen, 0, fetched + 3 & ~3)
        return address or checker.path.descriptors.busy()

    def _out(self, out: OutEndpoint, place: int, offset: int, seen: int, wrong: int) -> bool:
        checker = self.checker
        model = checker.model
        n = out.index
        due = model.due.get(0x200 | n, 0)
        token = model.token
        coming = token is not None and token[1] == n and token[0] != PID.SETUP
        waiting = [one for one in model.rx.entries if one.endpoint == n]
        ending = any(one.kind != f.PKTSTS_DATA for one in waiting)
        if place == f.EP_CTL:
            free = 0
            if due & (f.EPI_XFERCOMPL | f.EPI_DISBLD) or (model.dma_on and ending):
                free |= f.EPCTL_ENA | f.EPCTL_DIS
            if model.desc_on and (waiting or model.closing_word(out) is not None):
                free |= f.EPCTL_ENA | f.EPCTL_NAKSTS
            if coming or (f.PKTSTS_DONE, n) in model.due_status:
                free |= f.EPCTL_NAKSTS
            if not n and self._setup_coming():
                free |= f.EPCTL_NAKSTS
            return not wrong & ~free
        size = sum(len(one.data) for one in waiting) if model.dma_on else 0
        if place == f.EP_TSIZ:
            if coming and not model.dma_on:
                size += out.limit
            numbers = self._near(offset, _SIZE, seen, size, 0) and self._near(
                offset, _COUNT, seen, coming << 19, 0
            )
            # RxDPID or SUPCnt.
            return numbers and (coming or self._setup_coming() or not wrong & ~(_SIZE | _COUNT))
        whole = sum(len(one.data) + 3 & ~3 for one in waiting)
        # The fourth SETUP goes where the first one went.
        back = 24 if not n and out.setups else 0
        return self._near(offset, f.M32, seen, back, whole) or checker.path.descriptors.busy()

    def _setup_coming(self) -> bool:
        token = self.checker.model.token
        return token is not None and token[0] == PID.SETUP
