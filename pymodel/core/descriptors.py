# SPDX-License-Identifier: Apache-2.0
"""Descriptor DMA: chains of (status, buffer) in memory instead of DxEPTSIZ (facts section 11).

A descriptor is loaded, worked off, and closed by writing its status word back; loading and
closing are choices of the controller (trace event DESC), the rest follows from packets. While
descriptor DMA is on, `dma` of an endpoint is the address of its present descriptor.
"""

from __future__ import annotations

from typing import Final

from pymodel.trace import Answer

from . import fields as f
from .lpm import LinkPower
from .state import InEndpoint, OutEndpoint, RxEntry

__all__ = ["Descriptors"]

End = InEndpoint | OutEndpoint

_SILENT, _ISO = int(Answer.SILENT), int(Answer.ISO)

# Status word of a descriptor (facts section 11).
_DONE: Final = 2 << 30
_FLUSHED, _ERROR = 1, 3
_LAST, _SHORT, _IOC, _SETUP, _MTRF = 1 << 27, 1 << 26, 1 << 25, 1 << 24, 1 << 23
_ISO_NUMBER: Final = 0x7FF
"""Frames are compared in 11 bits."""


class Descriptors(LinkPower):
    """Link power plus descriptor DMA.

    Attributes:
        desc_on: descriptor DMA is on (DCFG.DescDMA and GAHBCFG.DMAEn).
        status_stage: 1 = a control transfer without data to the host waits for its status stage,
            2 = the host has moved there, 0 = neither.
        fetching: enabled IN endpoints with bytes to fetch, next one first (DMA mode).
    """

    fetching: list[InEndpoint]

    def reset_core(self) -> None:
        """Forget what is under way."""
        self.desc_on = False
        self.status_stage = 0
        super().reset_core()

    def switch_descriptors(self) -> None:
        """DCFG or GAHBCFG was written."""
        self.desc_on = self.dma_on and bool(self.dcfg & f.DCFG_DESCDMA)

    # -- loading -----------------------------------------------------------------------------

    def may_load(self, end: End) -> bool:
        """Tell whether the controller may load a descriptor for an endpoint."""
        chain = end.desc
        if chain.loaded or not chain.written or not end.enabled or end.disabling:
            return False
        if not end.nak:
            return True
        # What was accepted already must get into memory although the endpoint NAKs now.
        head = self.rx.entries[0] if self.rx.entries else None
        return (
            isinstance(end, OutEndpoint)
            and head is not None
            and head.endpoint == end.index
            and head.kind in (f.PKTSTS_DATA, f.PKTSTS_SETUP)
        )

    def on_desc(self, arg: int, status: int, buffer: object) -> int:
        """DESC: a descriptor was loaded (`buffer` is its second word) or closed.

        Returns:
            The address of the descriptor.
        """
        n = arg & 0xF
        end: End = self.ins[n] if arg >> 4 & 1 else self.outs[n]
        place = end.dma
        if arg >> 8 & 1:
            self._close(end)
        else:
            assert isinstance(buffer, int)
            self._load(end, status, buffer)
        self.find_status_stage()
        return place

    def _load(self, end: End, status: int, buffer: int) -> None:
        if status >> 30:
            end.enabled = False
            end.nak = True
            self._expect_end(end, f.EPI_BNA)
            return
        if not end.enabled or end.disabling:
            return
        chain = end.desc
        chain.drop()
        chain.loaded = True
        chain.status = status
        chain.address = buffer & ~3
        iso = end.eptype == f.EPTYPE_ISO
        if isinstance(end, OutEndpoint):
            size = status & (0x7FF if iso else 0xFFFF)
            chain.size = chain.left = chain.room = size
            for entry in self.rx.entries:
                if entry.endpoint == end.index:
                    self.promise(end, entry)
            return
        size = status & (0xFFF if iso else 0xFFFF)
        if iso:
            chain.packets = self.desc_per_frame(end)
            size = min(size, chain.packets * end.limit)
        else:
            chain.packets = -(-size // end.limit) if size and end.limit else 1
            if status & _SHORT and size and end.limit and not size % end.limit:
                chain.packets += 1
        chain.size = chain.left = size
        if size and end not in self.fetching:
            self.fetching.append(end)

    def _expect_end(self, end: End, bits: int) -> None:
        if isinstance(end, OutEndpoint):
            self.expect_out(end.index, bits)
        else:
            self.expect_in(end.index, bits)

    def descriptor_failed(self, end: End) -> None:
        """Memory answered the access to a descriptor with an error: the endpoint stops."""
        end.enabled = False
        end.nak = True
        end.desc.drop()
        if isinstance(end, OutEndpoint):
            # A SETUP that follows waits until software has looked.
            end.setups = 0
        self._expect_end(end, f.EPI_AHBERR)

    # -- closing -----------------------------------------------------------------------------

    def closing_word(self, end: End) -> int | None:
        """Return the status word that is to be written back now; None while nothing has ended."""
        chain = end.desc
        if isinstance(end, OutEndpoint):
            return chain.word
        if not chain.loaded:
            return None
        if end.eptype == f.EPTYPE_ISO:
            if chain.packets and not self.desc_past(end):
                return None
            unsent = _FLUSHED << 28 | chain.size if chain.packets else 0
            return _DONE | unsent | chain.status & 0x0FFFF000
        return None if chain.packets else _DONE | chain.status & 0x0F800000

    def closing_due(self, end: End) -> int | None:
        """Return the same, but only what need not wait: a missed frame is found at a SOF."""
        chain = end.desc
        waits = end.eptype == f.EPTYPE_ISO and chain.packets and not chain.late
        return None if waits and isinstance(end, InEndpoint) else self.closing_word(end)

    def find_late(self) -> None:
        """SOF: descriptors of isochronous IN endpoints whose frame is over."""
        if self.desc_on:
            for ep in self.iso_ins:
                ep.desc.late = self.desc_past(ep)

    def _close(self, end: End) -> None:
        chain = end.desc
        status = chain.status
        last = bool(status & _LAST)
        iso = end.eptype == f.EPTYPE_ISO
        setup = chain.setup
        is_out = isinstance(end, OutEndpoint)
        if isinstance(end, InEndpoint) and iso and chain.packets:
            # Too late: what was fetched for that frame leaves the FIFO.
            fifo = self.fifo_of(end)
            fifo.used -= sum(len(packet) + 3 >> 2 for packet in fifo.packets)
            fifo.packets.clear()
            self.fifo_changed(end)
        ends = last or setup or (is_out and chain.short and not status & _MTRF)
        chain.drop()
        bits = 0
        if iso:
            end.dma = chain.first if last else end.dma + 8 & f.M32
            bits = f.EPI_XFERCOMPL if status & (_IOC | _LAST) else 0
        elif ends:
            end.enabled = False
            end.nak = end.nak or is_out
            end.dma = chain.first
            bits = f.EPI_XFERCOMPL
        else:
            end.dma = end.dma + 8 & f.M32
            if status & _IOC:
                bits = f.EPI_XFERCOMPL
        if setup:
            bits |= f.OEP_STUPPKTRCVD
        if bits:
            self._expect_end(end, bits)

    # -- OUT ---------------------------------------------------------------------------------

    def out_open(self, out: OutEndpoint) -> bool:
        """Tell whether there is a place for the next OUT packet."""
        if not self.desc_on:
            return out.pktcnt > 0
        chain = out.desc
        return chain.loaded and not chain.full and (chain.room > 0 or not chain.size)

    def out_last(self, out: OutEndpoint) -> bool:
        """Tell whether the next packet may be the last one that is welcome."""
        if not self.desc_on:
            return out.pktcnt <= 1
        return out.desc.room <= out.limit

    def promise(self, out: OutEndpoint, entry: RxEntry) -> None:
        """A packet was accepted: take its bytes off the descriptor."""
        chain = out.desc
        if not chain.loaded or chain.full:
            return
        if entry.kind == f.PKTSTS_SETUP:
            chain.full = True
        elif entry.kind == f.PKTSTS_DATA:
            size = len(entry.data)
            chain.room = max(chain.room - size, 0)
            iso = out.eptype == f.EPTYPE_ISO
            chain.full = iso or size < out.limit or not chain.room

    def desc_waits(self, out: OutEndpoint, kind: int) -> bool:
        """Tell whether the head of the Rx FIFO, a packet of this endpoint, has to wait.

        A SETUP of the same stage replaces the one before in its buffer: software does nothing
        before SetUp, which may only come after this one.
        """
        if not out.enabled:
            return kind == f.PKTSTS_SETUP and not out.setups
        return not out.desc.loaded or out.desc.word is not None

    def desc_place(self, out: OutEndpoint, entry: RxEntry) -> tuple[int, bytes]:
        """Return (address, bytes) of a packet for memory; what does not fit is cut off."""
        chain = out.desc
        if self._replaces(out, entry):
            return chain.setup_at, entry.data[: chain.setup_size]
        return chain.address, entry.data[: chain.left]

    def _replaces(self, out: OutEndpoint, entry: RxEntry) -> bool:
        return entry.kind == f.PKTSTS_SETUP and out.setups > 0 and not out.enabled

    def desc_pop(self, out: OutEndpoint, entry: RxEntry) -> tuple[int, bytes]:
        """The DMA took a packet; returns (address, bytes) that go to memory."""
        chain = out.desc
        if self._replaces(out, entry):
            self.expect_out(0, f.OEP_STUPPKTRCVD | f.EPI_XFERCOMPL)
            return self.desc_place(out, entry)
        if not out.enabled or not chain.loaded:
            return chain.address, b""
        address, payload = self.desc_place(out, entry)
        size = len(payload)
        if entry.kind == f.PKTSTS_SETUP:
            out.setups = 1
            chain.setup_at, chain.setup_size = address, size
        chain.address = (address + (size + 3 & ~3)) & f.M32
        chain.left -= size
        error = _ERROR << 28 if size < len(entry.data) else 0
        chain.setup = entry.kind == f.PKTSTS_SETUP
        short = len(entry.data) < out.limit
        word = _DONE | error | chain.left
        if out.eptype == f.EPTYPE_ISO:
            dpid = entry.status >> 15 & 3
            word |= dpid << 23 | entry.frame << 12 | chain.status & (_LAST | _IOC)
            chain.word = word | short * _SHORT
        elif chain.setup or short or not chain.left:
            chain.short = short
            word |= chain.status & (_LAST | _IOC | _MTRF) | chain.setup * _SETUP
            chain.word = word | chain.short * _SHORT
        return address, payload

    # -- IN ----------------------------------------------------------------------------------

    def to_fetch(self, ep: InEndpoint) -> tuple[int, int]:
        """Return (address, bytes) that the DMA still has to fetch for an endpoint."""
        if not self.desc_on:
            return ep.dma, ep.xfersize
        return ep.desc.address, ep.desc.left

    def fetched(self, ep: InEndpoint, size: int) -> None:
        """A packet is in the Tx FIFO."""
        step = size + 3 & ~3
        if self.desc_on:
            ep.desc.left -= size
            ep.desc.address = (ep.desc.address + step) & f.M32
        else:
            ep.xfersize -= size
            ep.dma = (ep.dma + step) & f.M32

    def empty_packet_next(self, ep: InEndpoint) -> bool:
        """The endpoint's next packet has no bytes: nothing need be in a FIFO for it."""
        if not self.desc_on:
            return super().empty_packet_next(ep)
        chain = ep.desc
        more = chain.loaded and not chain.left and chain.packets > 0
        return more and not self.fifo_of(ep).packets

    def _find_fetching(self) -> None:
        """Keep the order of those that wait already."""
        new = [ep for ep in self.ins if ep.enabled and self.to_fetch(ep)[1]]
        waiting = [ep for ep in self.fetching if ep in new]
        self.fetching[:] = waiting + [ep for ep in new if ep not in waiting]

    def desc_per_frame(self, ep: InEndpoint) -> int:
        """Return the packets per microframe that an isochronous descriptor asks for."""
        return ep.desc.status >> 23 & 3 or 1

    def desc_past(self, ep: InEndpoint) -> bool:
        """Tell whether the frame of a loaded isochronous descriptor is over."""
        chain = ep.desc
        return chain.loaded and (chain.frame - self.soffn & _ISO_NUMBER) >= 1024

    def iso_left(self, ep: InEndpoint) -> int:
        """Return how many packets of this (micro)frame an endpoint still has to send."""
        if not self.desc_on:
            return super().iso_left(ep)
        chain = ep.desc
        now = chain.loaded and chain.frame == self.soffn & _ISO_NUMBER
        return chain.packets if now and ep.enabled and not ep.nak else 0

    def iso_missed(self, ep: InEndpoint) -> None:
        """An empty packet went out: NAKIntrpt says so in every frame that is not the one."""
        if not self.desc_on:
            super().iso_missed(ep)
            return
        causes = f.EPI_NAK | f.IEP_INTKNTXFEMP
        self.allow(0x100 | ep.index, causes)
        if ep.enabled and not ep.nak:
            self.expect_in(ep.index, f.EPI_NAK)
        elif not ep.enabled and not self.fifo_of(ep).packets:
            self.expect_in(ep.index, causes)

    def sent(self, ep: InEndpoint, length: int) -> None:
        """A packet was acknowledged, or sent on an isochronous endpoint."""
        chain = ep.desc
        if chain.packets:
            chain.packets -= 1
            chain.size -= length

    # -- isochronous OUT, end of frame -------------------------------------------------------

    def decide_iso_out(self, out: OutEndpoint) -> int:
        """Return the answer to an OUT token: parity does not matter with descriptors."""
        if not self.desc_on:
            return super().decide_iso_out(out)
        return _SILENT if out.nak or not out.enabled or self.gout_nak_asked else _ISO

    def incomplete(self) -> int:
        """Return incompISOIN and incompISOOUT: descriptors tell what is missing instead."""
        return 0 if self.desc_on else super().incomplete()

    # -- the status stage --------------------------------------------------------------------

    def find_status_stage(self) -> None:
        """StsPhseRcvd: the host has moved to the status stage, and all before it is in memory."""
        if self.status_stage != 2 or not self.desc_on:
            return
        waiting = self.setup_open or self.outs[0].desc.word is not None
        if not waiting and not any(entry.endpoint == 0 for entry in self.rx.entries):
            self.status_stage = 0
            self.expect_out(0, f.OEP_STSPHSERCVD)
