# SPDX-License-Identifier: Apache-2.0
"""The register file: what a read returns and what a write does (facts sections 2 to 6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pymodel.config import UdcParameters

from . import fields as f
from .lpm import L1_WAKE
from .shared import TAKEN_BACK
from .state import InEndpoint, OutEndpoint
from .traffic import Traffic

__all__ = ["Registers", "hardware_configuration"]

_STORED = {
    0x030: f.M32,
    0x034: f.M32,
    f.GGPIO: f.M32,
    f.GUID: f.M32,
    f.GDFIFOCFG: f.M32,
    f.DVBUSDIS: 0xFFFF,
    f.DVBUSPULSE: 0xFFF,
    f.DTHRCTL: 0x0BFF1FFF,
    f.DEACHINTMSK: f.M32,
    f.PCGCCTL: 0xFFFFE32F,
    f.PCGCCTL1: 0x7,
    **{f.DIEPEACHMSK0 + 4 * n: 0xFFFF for n in range(16)},
    **{f.DOEPEACHMSK0 + 4 * n: 0xFFFF for n in range(16)},
}
"""Registers that only store, with their writable bits."""


def hardware_configuration(par: UdcParameters) -> tuple[int, int, int, int]:
    """Return GHWCFG1 to GHWCFG4 for the parameters (facts section 2)."""
    cfg1 = 0
    for n in range(1, 16):
        has_in, has_out = par.has_in(n), par.has_out(n)
        if has_in != has_out:
            cfg1 |= (1 if has_in else 2) << 2 * n
    cfg2 = (
        4  # OtgMode: a device without OTG
        | par.dma << 3
        | 1 << 5  # point to point
        | 1 << 6  # UTMI+
        | 2 << 8  # full speed through the same PHY
        | max(par.num_in_eps, par.num_out_eps) << 10
        | 0b111 << 18  # periodic endpoints, dynamic FIFO sizes, one interrupt line per endpoint
        | 2 << 22
        | 2 << 24
    )
    cfg3 = 8 | 6 << 4 | 1 << 11 | par.lpm << 15 | par.fifo_words << 16
    cfg4 = (
        par.num_in_eps * (1 - par.dedicated_fifo)
        | (par.utmi_width == 16) << 14
        | par.dedicated_fifo << 25
        | par.num_in_eps << 26
        | par.desc_dma * 3 << 30
    )
    return cfg1, cfg2, cfg3, cfg4 & f.M32


class Registers(Traffic):
    """Traffic plus the register file."""

    def __init__(self, parameters: UdcParameters) -> None:
        """Build the maps of readers and writers."""
        super().__init__(parameters)
        self._fixed = {f.GSNPSID: 0x4F54400A}
        for offset, value in zip(
            (f.GHWCFG1, f.GHWCFG2, f.GHWCFG3, f.GHWCFG4),
            hardware_configuration(parameters),
            strict=True,
        ):
            self._fixed[offset] = value
        self._readers: dict[int, Callable[[], int]] = {
            f.GOTGCTL: self._read_gotgctl,
            f.GOTGINT: lambda: self.gotgint,
            f.GAHBCFG: lambda: self.gahbcfg,
            f.GUSBCFG: lambda: self.gusbcfg,
            f.GRSTCTL: self._read_grstctl,
            f.GINTSTS: self.gintsts,
            f.GINTMSK: lambda: self.gintmsk,
            f.GRXSTSR: self._read_grxstsr,
            f.GRXFSIZ: lambda: self.grxfsiz,
            f.GNPTXFSIZ: lambda: self.txfsiz[0],
            f.GNPTXSTS: self.gnptxsts,
            f.DCFG: lambda: self.dcfg,
            f.DCTL: self._read_dctl,
            f.DSTS: self._read_dsts,
            f.DIEPMSK: lambda: self.diepmsk,
            f.DOEPMSK: lambda: self.doepmsk,
            f.DAINT: lambda: self.daint,
            f.DAINTMSK: lambda: self.daintmsk,
            f.DEACHINT: self.deachint,
            f.PCGCCTL: lambda: self.storage.get(f.PCGCCTL, 0) | self.sleeping * f.PCGC_L1SUSPENDED,
        }
        self._writers: dict[int, Callable[[int], None]] = {
            f.GOTGCTL: self._write_gotgctl,
            f.GOTGINT: self._write_gotgint,
            f.GAHBCFG: self._write_gahbcfg,
            f.GUSBCFG: self._write_gusbcfg,
            f.GRSTCTL: self._write_grstctl,
            f.GINTSTS: self._write_gintsts,
            f.GINTMSK: self._write_gintmsk,
            f.GRXFSIZ: self._write_grxfsiz,
            f.GNPTXFSIZ: partial(self._write_txfsiz, 0),
            f.DCFG: self._write_dcfg,
            f.DCTL: self._write_dctl,
            f.DIEPMSK: self._write_diepmsk,
            f.DOEPMSK: self._write_doepmsk,
            f.DAINTMSK: self._write_daintmsk,
        }
        if parameters.lpm:
            self._readers[f.GLPMCFG] = self.read_glpmcfg
            self._writers[f.GLPMCFG] = self.write_glpmcfg
        self._stored = dict(_STORED)
        if self.shared:
            # In their place are DTKNQR3 and DTKNQR4, which read 0.
            del self._stored[f.DTHRCTL]
        else:
            self._readers[f.DIEPEMPMSK] = lambda: self.empmsk
            self._writers[f.DIEPEMPMSK] = self._write_empmsk
        for n in range(1, parameters.num_in_eps + 1):
            offset = f.DIEPTXF1 + 4 * (n - 1)
            self._readers[offset] = partial(self._read_txfsiz, n)
            self._writers[offset] = partial(self._write_txfsiz, n)
        for ep in self.ins:
            if ep.exists:
                self._map_in(ep)
        for out in self.outs:
            if out.exists:
                self._map_out(out)

    def _map_in(self, ep: InEndpoint) -> None:
        base = f.IN_BASE + f.EP_STRIDE * ep.index
        self._readers[base + f.EP_CTL] = partial(self._read_diepctl, ep)
        self._writers[base + f.EP_CTL] = partial(self._write_diepctl, ep)
        self._readers[base + f.EP_INT] = partial(self.diepint, ep.index)
        self._writers[base + f.EP_INT] = partial(self._write_diepint, ep)
        self._readers[base + f.EP_TSIZ] = partial(self._read_dieptsiz, ep)
        self._writers[base + f.EP_TSIZ] = partial(self._write_dieptsiz, ep)
        self._readers[base + f.EP_DMA] = lambda: ep.dma
        if self.par.desc_dma:
            self._readers[base + f.EP_DMAB] = lambda: ep.desc.address
        self._writers[base + f.EP_DMA] = partial(self._write_diepdma, ep)
        self._readers[base + f.EP_TXFSTS] = partial(self._space, ep.index)

    def _map_out(self, out: OutEndpoint) -> None:
        base = f.OUT_BASE + f.EP_STRIDE * out.index
        self._readers[base + f.EP_CTL] = partial(self._read_doepctl, out)
        self._writers[base + f.EP_CTL] = partial(self._write_doepctl, out)
        self._readers[base + f.EP_INT] = lambda: out.intr
        self._writers[base + f.EP_INT] = partial(self._write_doepint, out)
        self._readers[base + f.EP_TSIZ] = partial(self._read_doeptsiz, out)
        self._writers[base + f.EP_TSIZ] = partial(self._write_doeptsiz, out)
        self._readers[base + f.EP_DMA] = lambda: out.dma
        if self.par.desc_dma:
            self._readers[base + f.EP_DMAB] = lambda: out.desc.address
        self._writers[base + f.EP_DMA] = partial(self._write_doepdma, out)

    # -- the two accesses --------------------------------------------------------------------

    def peek(self, offset: int) -> int:
        """Return what a register holds, without the side effect of a read."""
        reader = self._readers.get(offset)
        if reader is not None:
            return reader()
        fixed = self._fixed.get(offset)
        if fixed is not None:
            return fixed
        if offset == f.GRXSTSP:
            return self._read_grxstsr()
        return self.storage.get(offset, 0)

    def read(self, offset: int) -> int:
        """Return what software reads; GRXSTSP and FIFO windows pop (slave mode)."""
        if offset == f.GRXSTSP:
            return 0 if self.dma_on else self.pop_slave()
        if f.FIFO_BASE <= offset < f.FIFO_END:
            return 0 if self.dma_on else int.from_bytes(self.read_window(4), "little")
        return self.peek(offset)

    def write(self, offset: int, value: int) -> None:
        """Do what a write by software does."""
        writer = self._writers.get(offset)
        if writer is not None:
            writer(value)
            return
        stored = self._stored.get(offset)
        if stored is not None:
            self.storage[offset] = value & stored
        elif f.FIFO_BASE <= offset < f.FIFO_END and not self.dma_on:
            self.push_words((offset >> 12) - 1, value.to_bytes(4, "little"))

    # -- global registers --------------------------------------------------------------------

    def _read_gotgctl(self) -> int:
        return self.gotgctl | 1 << 16 | self.session_valid << 19

    def _write_gotgctl(self, value: int) -> None:
        self.gotgctl = value & f.GOTGCTL_STORED

    def _write_gotgint(self, value: int) -> None:
        self.gotgint &= ~value

    def _write_gahbcfg(self, value: int) -> None:
        self.gahbcfg = value & (f.AHB_BITS if self.par.dma else f.AHB_BITS & ~f.AHB_DMAEN)
        self.dma_on = bool(self.gahbcfg & f.AHB_DMAEN)
        self.switch_descriptors()
        self.refresh_all()

    def _write_gusbcfg(self, value: int) -> None:
        self.gusbcfg = value

    def _read_grstctl(self) -> int:
        value = f.RST_AHBIDLE | self.txfnum << 6
        if self.flushing:
            if 0x1F in self.flushing:
                value |= f.RST_RXFFLSH
            if self.flushing - {0x1F, TAKEN_BACK}:
                value |= f.RST_TXFFLSH
        return value

    def _write_grstctl(self, value: int) -> None:
        if value & f.RST_CSFTRST:
            self.reset_core()
            return
        self.txfnum = (value & f.RST_TXFNUM) >> 6
        if value & f.RST_TXFFLSH:
            self.flushing.add(self.txfnum)
        if value & f.RST_RXFFLSH:
            self.flushing.add(0x1F)

    def _write_gintsts(self, value: int) -> None:
        self.latched &= ~value

    def _write_gintmsk(self, value: int) -> None:
        self.gintmsk = value & ~1

    def _read_grxstsr(self) -> int:
        return self.rx.entries[0].status if self.rx.entries and not self.dma_on else 0

    def _write_grxfsiz(self, value: int) -> None:
        self.grxfsiz = value & 0xFFFF
        self.rx.clear()
        self.rx.depth = self.grxfsiz
        self.find_global_nak()

    def _read_txfsiz(self, n: int) -> int:
        return self.txfsiz[n]

    def _write_txfsiz(self, n: int, value: int) -> None:
        self.txfsiz[n] = value
        fifo = self.tx[n]
        fifo.clear()
        fifo.depth = value >> 16
        fifo.moves += 1
        if not n:
            self.queue.clear()
        for ep in self.ins:
            self.refresh_in(ep.index)

    def _space(self, n: int) -> int:
        fifo = self.tx[n]
        return max(fifo.depth - fifo.used, 0)

    # -- device registers --------------------------------------------------------------------

    def _write_dcfg(self, value: int) -> None:
        self.dcfg = value & (f.DCFG_BITS if self.par.desc_dma else f.DCFG_BITS & ~f.DCFG_DESCDMA)
        self.switch_descriptors()
        address = value >> 4 & 0x7F
        if address != self.address:
            # The status stage of SET_ADDRESS still comes to the old one (section 4).
            self.old_address, self.address = self.address, address

    def _read_dctl(self) -> int:
        if self.waking_since is not None and self.time - self.waking_since >= L1_WAKE:
            self.end_wake()
        return self.dctl | self.gin_nak_asked << 2 | self.gout_nak_asked << 3

    def _write_dctl(self, value: int) -> None:
        self.dctl = value & f.DCTL_STORED
        self.remote_wake()
        mode = (value & f.DCTL_TSTCTL) >> 4
        if not self.test_mode and f.TEST_J <= mode <= f.TEST_PACKET:
            # No way on or back but a new start (USB 2.0 section 7.1.20).
            self.test_mode = mode
        if value & f.DCTL_CGNPINNAK:
            self.gin_nak = self.gin_nak_asked = False
        elif value & f.DCTL_SGNPINNAK:
            self.gin_nak = self.gin_nak_asked = True
        if value & f.DCTL_CGOUTNAK:
            self.gout_nak = self.gout_nak_asked = False
            self.due_status = [one for one in self.due_status if one[0] != f.PKTSTS_GOUTNAK]
        elif value & f.DCTL_SGOUTNAK and not self.gout_nak_asked:
            # A status word marks the place in the Rx FIFO where NAKing starts (section 7).
            self.gout_nak_asked = True
            self.due_status.append((f.PKTSTS_GOUTNAK, 0))

    def _read_dsts(self) -> int:
        return self.suspended | self.enum_speed << 1 | self.soffn << 8 | (self.line_state & 3) << 22

    def _write_diepmsk(self, value: int) -> None:
        self.diepmsk = value & f.DIEPMSK_BITS
        self.refresh_all()

    def _write_doepmsk(self, value: int) -> None:
        self.doepmsk = value & f.DOEPMSK_BITS
        self.refresh_all()

    def _write_daintmsk(self, value: int) -> None:
        self.daintmsk = value

    def _write_empmsk(self, value: int) -> None:
        self.empmsk = value & 0xFFFF
        self.refresh_all()

    # -- IN endpoints ------------------------------------------------------------------------

    def _read_diepctl(self, ep: InEndpoint) -> int:
        return (
            ep.mps
            | ep.nextep << 11
            | ep.active << 15
            | (ep.toggle << 16 if ep.index else 0)
            | ep.nak << 17
            | ep.eptype << 18
            | ep.stall << 21
            | ep.fifo << 22
            | ep.disabling << 30
            | ep.enabled << 31
        )

    def _write_diepctl(self, ep: InEndpoint, value: int) -> None:
        ep.nextep = value >> 11 & 0xF
        fifo = value >> 22 & 0xF
        if ep.index:
            ep.mps = ep.limit = value & 0x7FF
            if (value ^ ep.eptype << 18 ^ ep.active << 15) & (f.EPCTL_TYPE | f.EPCTL_ACTIVE):
                ep.active = bool(value & f.EPCTL_ACTIVE)
                ep.eptype = value >> 18 & 3
                self.find_iso()
            ep.stall = bool(value & f.EPCTL_STALL)
            if value & f.EPCTL_SETD1:
                ep.toggle = 1
            elif value & f.EPCTL_SETD0:
                ep.toggle = 0
        else:
            ep.mps = self.outs[0].mps = value & 3
            ep.limit = self.outs[0].limit = f.EP0_MPS[value & 3]
            if value & f.EPCTL_STALL:
                ep.stall = True
        if fifo != ep.fifo:
            ep.fifo = fifo
            self._find_owners()
            self.refresh_in(ep.index)
        if value & f.EPCTL_SNAK:
            # INEPNakEff comes whether or not the endpoint is enabled (section 14 item 7).
            ep.nak = True
            self.expect_in(ep.index, f.IEP_INEPNAKEFF)
        elif value & f.EPCTL_CNAK and (ep.index or not self.setup_hidden):
            ep.nak = False
            ep.intr &= ~f.IEP_INEPNAKEFF
            self._forget(0x100 | ep.index, f.IEP_INEPNAKEFF)
            self.refresh_in(ep.index)
        if value & f.EPCTL_DIS:
            if ep.enabled or value & f.EPCTL_ENA:
                ep.disabling = True
                self.expect_in(ep.index, f.EPI_DISBLD)
        elif value & f.EPCTL_ENA and not ep.enabled:
            ep.enabled = True
            ep.sending = -1
            if not self.dma_on:
                self._find_owners()
                if not self.queued(ep):
                    self.form_packets(ep, self.fifo_of(ep))
            self._find_fetching()

    def _find_owners(self) -> None:
        """Find the endpoint that each Tx FIFO works for; an enabled one has precedence."""
        owner = [-1] * len(self.tx)
        for ep in reversed(self.ins):
            if ep.fifo < len(owner) and (ep.index == 0 or ep.fifo):
                held = owner[ep.fifo]
                if held < 0 or ep.enabled or not self.ins[held].enabled:
                    owner[ep.fifo] = ep.index
        self.owner = owner

    def _forget(self, key: int, bits: int) -> None:
        """A cause that has not become visible will not."""
        if key in self.due:
            self.allow(key, self.due[key] & bits)
            self.due[key] &= ~bits
            if not self.due[key]:
                del self.due[key]

    def _write_diepint(self, ep: InEndpoint, value: int) -> None:
        ep.intr &= ~value
        self.refresh_in(ep.index)

    def _read_dieptsiz(self, ep: InEndpoint) -> int:
        return ep.mc << 29 | ep.pktcnt << 19 | ep.xfersize

    def _write_dieptsiz(self, ep: InEndpoint, value: int) -> None:
        if not ep.index:
            value &= f.DIEPTSIZ0_BITS
        elif ep.enabled and ep.eptype == f.EPTYPE_ISO:
            # A driver that tries a missed frame again programs the same transfer once more
            # (section 12): its data is in the FIFO already and is not to be fetched twice.
            return
        ep.mc = value >> 29 & 3
        ep.pktcnt = value >> 19 & f.TSIZ_COUNT
        ep.xfersize = ep.unacked = value & f.TSIZ_SIZE
        if ep.enabled:
            self._find_fetching()

    def _write_diepdma(self, ep: InEndpoint, value: int) -> None:
        ep.dma = value
        ep.desc.point(value)

    # -- OUT endpoints -----------------------------------------------------------------------

    def _read_doepctl(self, out: OutEndpoint) -> int:
        return (
            out.mps
            | out.active << 15
            | (out.toggle << 16 if out.index else 0)
            | out.nak << 17
            | out.eptype << 18
            | out.snp << 20
            | out.stall << 21
            | out.disabling << 30
            | out.enabled << 31
        )

    def _write_doepctl(self, out: OutEndpoint, value: int) -> None:
        out.snp = bool(value & f.EPCTL_SNP)
        if out.index:
            out.mps = out.limit = value & 0x7FF
            if (value ^ out.eptype << 18 ^ out.active << 15) & (f.EPCTL_TYPE | f.EPCTL_ACTIVE):
                out.active = bool(value & f.EPCTL_ACTIVE)
                out.eptype = value >> 18 & 3
                self.find_iso()
            out.stall = bool(value & f.EPCTL_STALL)
            if value & f.EPCTL_SETD1:
                out.toggle = 1
            elif value & f.EPCTL_SETD0:
                out.toggle = 0
        elif value & f.EPCTL_STALL:
            out.stall = True
        if value & f.EPCTL_SNAK:
            out.nak = True
        elif value & f.EPCTL_CNAK and (out.index or not self.setup_hidden):
            out.nak = False
        if value & f.EPCTL_DIS and out.index:
            # EP0 OUT cannot be disabled (section 14 item 9).
            if out.enabled or value & f.EPCTL_ENA:
                out.disabling = True
                self.expect_out(out.index, f.EPI_DISBLD)
        elif value & f.EPCTL_ENA and not out.enabled:
            out.enabled = True

    def _write_doepint(self, out: OutEndpoint, value: int) -> None:
        out.intr &= ~value
        self.refresh_out(out.index)

    def _read_doeptsiz(self, out: OutEndpoint) -> int:
        top = out.rxdpid if out.index else out.supcnt
        return top << 29 | out.pktcnt << 19 | out.xfersize

    def _write_doeptsiz(self, out: OutEndpoint, value: int) -> None:
        if out.index:
            out.pktcnt = value >> 19 & f.TSIZ_COUNT
            out.xfersize = value & f.TSIZ_SIZE
        else:
            out.supcnt = value >> 29 & 3
            out.pktcnt = value >> 19 & 1
            out.xfersize = value & 0x7F

    def _write_doepdma(self, out: OutEndpoint, value: int) -> None:
        out.dma = value
        out.desc.point(value)
        if not out.index:
            out.setups = 0
