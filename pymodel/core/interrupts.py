# SPDX-License-Identifier: Apache-2.0
"""The interrupt cascade: GINTSTS, DAINT, DxEPINT (S004-110 to S004-112, facts section 3 and 5).

A cause becomes visible in two steps, because the RTL needs clocks between what happened and the
bit: `expect` notes that a cause is due (or allowed), the event INT_SET makes it visible.
"""

from __future__ import annotations

from pymodel.trace import Cause

from . import fields as f
from .state import InEndpoint, State, TxFifo

__all__ = ["Interrupts"]

_GINTSTS = int(Cause.GINTSTS)
_DIEPINT = int(Cause.DIEPINT)
_DOEPINT = int(Cause.DOEPINT)
_GOTGINT = int(Cause.GOTGINT)


class Interrupts(State):
    """State plus everything that leads to `irq` and `ep_irq`.

    Attributes:
        due: causes that must become visible, {register<<8 | endpoint: bits}.
        allowed: causes that may become visible (the facts leave it open).
    """

    due: dict[int, int]
    allowed: dict[int, int]

    def reset_core(self) -> None:
        """Forget every cause."""
        self.due = {}
        self.allowed = {}
        super().reset_core()

    # -- causes ------------------------------------------------------------------------------

    def expect_global(self, bits: int) -> None:
        """A GINTSTS cause is due."""
        self.due[0] = self.due.get(0, 0) | bits

    def expect_in(self, n: int, bits: int) -> None:
        """A DIEPINT cause is due."""
        key = 0x100 | n
        self.due[key] = self.due.get(key, 0) | bits

    def expect_out(self, n: int, bits: int) -> None:
        """A DOEPINT cause is due."""
        key = 0x200 | n
        self.due[key] = self.due.get(key, 0) | bits

    def expect_otg(self, bits: int) -> None:
        """A GOTGINT cause is due."""
        self.due[0x300] = self.due.get(0x300, 0) | bits

    def allow(self, key: int, bits: int) -> None:
        """A cause may come (until the next time that it is judged)."""
        self.allowed[key] = self.allowed.get(key, 0) | bits

    def set_causes(self, key: int, bits: int) -> None:
        """Make causes visible, with what hardware does in the same clock."""
        due = self.due.get(key)
        if due is not None:
            due &= ~bits
            if due:
                self.due[key] = due
            else:
                del self.due[key]
        which, n = key >> 8, key & 0xFF
        if which == _DIEPINT:
            if bits & f.EPI_DISBLD:
                self.end_disable_in(n)
            self.ins[n].intr |= bits
            self.refresh_in(n)
        elif which == _DOEPINT:
            out = self.outs[n]
            if bits & f.EPI_DISBLD:
                out.enabled = False
                out.disabling = False
                out.desc.drop()
            out.intr |= bits
            self.refresh_out(n)
        elif which == _GINTSTS:
            self.latched |= bits & f.GINTSTS_W1C
        elif which == _GOTGINT:
            self.gotgint |= bits & f.GOTGINT_W1C

    def end_disable_in(self, n: int) -> None:
        """EPDisbld: the endpoint lets go of its transfer; what is in the FIFO stays (section 8)."""
        ep = self.ins[n]
        ep.enabled = False
        ep.disabling = False
        ep.desc.drop()

    # -- levels ------------------------------------------------------------------------------

    def fifo_of(self, ep: InEndpoint) -> TxFifo:
        """Return the Tx FIFO of an endpoint."""
        raise NotImplementedError

    def periodic_empty(self) -> bool:
        """GINTSTS.PTxFEmp."""
        raise NotImplementedError

    def tx_empty(self, fifo: TxFifo) -> bool:
        """DIEPINT.TxFEmp: half or completely empty, as GAHBCFG.NPTxFEmpLvl says."""
        if self.gahbcfg & f.AHB_NPTXFEMPLVL:
            return fifo.used == 0
        return fifo.used * 2 <= fifo.depth

    def diepint(self, n: int) -> int:
        """Return DIEPINTn, level included."""
        ep = self.ins[n]
        return ep.intr | (f.IEP_TXFEMP if self.tx_empty(self.fifo_of(ep)) else 0)

    def refresh_in(self, n: int) -> None:
        """Compute DAINT bit n: bit 7 of DIEPMSK lets nothing through (section 4)."""
        ep = self.ins[n]
        on = ep.intr & self.diepmsk & ~f.IEP_TXFEMP
        if not on and self.empmsk >> n & 1 and ep.exists:
            on = self.tx_empty(self.fifo_of(ep))
        if on:
            self.daint |= 1 << n
        else:
            self.daint &= ~(1 << n)

    def refresh_out(self, n: int) -> None:
        """Compute DAINT bit 16 + n."""
        if self.outs[n].intr & self.doepmsk:
            self.daint |= 0x10000 << n
        else:
            self.daint &= ~(0x10000 << n)

    def refresh_all(self) -> None:
        """Compute DAINT after a change of a mask."""
        for n in range(len(self.ins)):
            self.refresh_in(n)
        for n in range(len(self.outs)):
            self.refresh_out(n)

    def fifo_changed(self, ep: InEndpoint) -> None:
        """The fill of an endpoint's FIFO changed."""
        if self.empmsk and self.empmsk >> ep.index & 1:
            self.refresh_in(ep.index)

    def gintsts(self) -> int:
        """Return GINTSTS."""
        value = self.latched
        if self.periodic_empty():
            value |= f.INT_PTXFEMP
        if self.gotgint:
            value |= f.INT_OTG
        if not self.dma_on and (self.rx.entries or self.rx.current):
            value |= f.INT_RXFLVL
        if self.tx_empty(self.tx[0]):
            value |= f.INT_NPTXFEMP
        if self.gin_nak:
            value |= f.INT_GINNAKEFF
        if self.gout_nak:
            value |= f.INT_GOUTNAKEFF
        active = self.daint & self.daintmsk
        if active & 0xFFFF:
            value |= f.INT_IEP
        if active >> 16:
            value |= f.INT_OEP
        return value

    @property
    def irq(self) -> bool:
        """The interrupt line."""
        return bool(self.gahbcfg & f.AHB_GLBLINTRMSK and self.gintsts() & self.gintmsk)

    def deachint(self) -> int:
        """Return DEACHINT: DxEPINTn & DxEPEACHMSKn, one bit per endpoint and direction."""
        value = 0
        storage = self.storage
        for n in range(len(self.ins)):
            mask = storage.get(f.DIEPEACHMSK0 + 4 * n, 0)
            if mask and self.ins[n].exists and self.diepint(n) & mask:
                value |= 1 << n
        for n, out in enumerate(self.outs):
            if out.intr & storage.get(f.DOEPEACHMSK0 + 4 * n, 0):
                value |= 0x10000 << n
        return value

    @property
    def ep_irq(self) -> int:
        """The per-endpoint lines: DEACHINT & DEACHMSK, IN 15:0, OUT 31:16."""
        mask = self.storage.get(f.DEACHINTMSK, 0)
        return self.deachint() & mask if mask else 0
