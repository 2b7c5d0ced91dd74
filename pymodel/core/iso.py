# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints: parity of frames, high bandwidth, what was missed (facts section 12).

An isochronous endpoint keeps the parity that software set in the bit that is the data toggle of
other types. Everything is judged by the frame that DSTS.SOFFN shows.
"""

from __future__ import annotations

from pymodel.packets import PID
from pymodel.trace import Answer

from . import fields as f
from .shared import SharedFifo
from .state import InEndpoint, OutEndpoint

__all__ = ["FILLER", "Isochronous"]

FILLER = -2
"""`InEndpoint.sending` while an empty packet goes out because there was nothing to send."""

_SILENT, _ISO = int(Answer.SILENT), int(Answer.ISO)
_PIDS = (int(PID.DATA0), int(PID.DATA1), int(PID.DATA2))
_MDATA = int(PID.MDATA)


class Isochronous(SharedFifo):
    """FIFOs plus isochronous endpoints."""

    # -- IN ----------------------------------------------------------------------------------

    def per_frame(self, ep: InEndpoint) -> int:
        """Return the packets per microframe (DIEPTSIZ.MC); full speed has one per frame."""
        return ep.mc or 1 if self.high_speed else 1

    def iso_left(self, ep: InEndpoint) -> int:
        """Return how many packets of this (micro)frame an endpoint still has to send."""
        if not ep.enabled or ep.nak or ep.toggle != self.soffn & 1:
            return 0
        served = ep.served if ep.served_at == self.frame_serial else 0
        return min(self.per_frame(ep) - served, ep.pktcnt)

    def decide_iso_in(self, ep: InEndpoint) -> tuple[int, int, int]:
        """Return the answer to an IN token: data in its frame, else an empty packet."""
        left = self.iso_left(ep)
        if left > 0:
            packet = self.packet_of(ep)
            if packet is not None:
                # DATA2, DATA1, DATA0: how many follow in this microframe (USB 2.0 5.9.2).
                return _ISO, _PIDS[left - 1], len(packet)
            if self.empty_packet_next(ep):
                return _ISO, _PIDS[left - 1], 0
        return _ISO, _PIDS[0], 0

    def on_iso_in(self, ep: InEndpoint, length: int) -> None:
        """The answer was given: data, or an empty packet because there was nothing to send.

        NAKIntrpt and INTknTXFEmp say that the FIFO was empty (section 5), not that the frame was
        another one's or the microframe had its packets already.
        """
        programmed = not length and self.iso_left(ep) > 0 and self.empty_packet_next(ep)
        if length or programmed:
            ep.sending = length
            return
        ep.sending = FILLER
        self.iso_missed(ep)

    def iso_missed(self, ep: InEndpoint) -> None:
        """An empty packet went out because there was nothing to send."""
        causes = f.EPI_NAK | f.IEP_INTKNTXFEMP
        if self.queued(ep):
            self.allow(0x100 | ep.index, causes | f.IEP_INTKNEPMIS)
        elif self.fifo_of(ep).packets:
            if not ep.enabled or ep.nak:
                self.allow(0x100 | ep.index, causes)
        elif not ep.enabled or self.iso_left(ep) > 0:
            self.expect_in(ep.index, causes)
        else:
            self.allow(0x100 | ep.index, causes)

    def iso_sent(self, ep: InEndpoint) -> None:
        """Count a packet of this (micro)frame."""
        if ep.served_at != self.frame_serial:
            ep.served_at = self.frame_serial
            ep.served = 0
        ep.served += 1

    # -- OUT ---------------------------------------------------------------------------------

    def decide_iso_out(self, out: OutEndpoint) -> int:
        """Return the answer to an OUT token: received without handshake, or not at all."""
        if out.nak or not out.enabled or self.gout_nak_asked or not out.pktcnt:
            return _SILENT
        return _ISO if out.toggle == self.soffn & 1 else _SILENT

    def on_iso_out(self, out: OutEndpoint) -> None:
        """An OUT token was not served."""
        if not out.enabled:
            self.expect_out(out.index, f.OEP_OUTTKNEPDIS)
        self.allow(0x200 | out.index, f.EPI_NAK)

    def iso_room(self, length: int, reserve: int) -> bool:
        """Tell whether a packet fits into the Rx FIFO beside the room that SETUPs keep."""
        words = 2 + (length + 3 >> 2)
        free = self.rx.depth - self.rx.used
        return words + reserve <= free or (words <= free and not self.rx.used)

    def iso_received(self, out: OutEndpoint, pid: int) -> None:
        """Remember the PID (DOEPTSIZ.RxDPID) and the frame of a packet that was taken."""
        out.rxdpid = f.DPID_OF_PID.get(pid, 0)
        out.served_at = self.frame_serial

    # -- end of the periodic part of a frame -------------------------------------------------

    def find_iso(self) -> None:
        """An endpoint's type or activity changed."""
        self.iso_ins = [ep for ep in self.ins if ep.active and ep.eptype == f.EPTYPE_ISO]
        self.iso_outs = [ep for ep in self.outs if ep.active and ep.eptype == f.EPTYPE_ISO]

    @property
    def iso_enabled(self) -> bool:
        """A transfer is under way on an isochronous endpoint."""
        return any(ep.enabled for ep in self.iso_ins) or any(ep.enabled for ep in self.iso_outs)

    def end_of_periodic(self) -> None:
        """EOPF, with what is incomplete."""
        self.expect_global(f.INT_EOPF | self.incomplete())

    def incomplete(self) -> int:
        """Return incompISOIN and incompISOOUT as the end of this frame finds them.

        IN: an enabled endpoint of this frame's parity has packets of this frame left.
        OUT: one of this parity got nothing, or not the last packet of the microframe.
        An endpoint that NAKs (its transfer is over, or software stops it) misses nothing.
        """
        parity = self.soffn & 1
        now = self.frame_serial
        bits = 0
        for ep in self.iso_ins:
            served = ep.served if ep.served_at == now else 0
            if ep.enabled and not ep.nak and ep.toggle == parity and served < self.per_frame(ep):
                bits |= f.INT_INCOMPISOIN
        for out in self.iso_outs:
            more = out.served_at != now or out.rxdpid == f.DPID_OF_PID[_MDATA]
            if out.enabled and not out.nak and out.toggle == parity and more:
                bits |= f.INT_INCOMPISOOUT
        return bits

    def may_be_incomplete(self) -> int:
        """Return the same for everything that is still enabled in this frame."""
        parity = self.soffn & 1
        bits = 0
        if any(ep.enabled and ep.toggle == parity for ep in self.iso_ins):
            bits |= f.INT_INCOMPISOIN
        if any(out.enabled and out.toggle == parity for out in self.iso_outs):
            bits |= f.INT_INCOMPISOOUT
        return bits
