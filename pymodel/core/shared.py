# SPDX-License-Identifier: Apache-2.0
"""The shared Tx FIFO: one for all control and bulk IN endpoints, others for periodic ones.

FIFO 0 keeps packets of several endpoints in the order in which they were begun, so a token finds
its packet only when that is the oldest one (facts section 9, GINTSTS.EPMis, DCFG.EPMisCnt).
"""

from __future__ import annotations

from typing import Final

from . import fields as f
from .interrupts import Interrupts
from .state import InEndpoint, TxFifo

__all__ = ["QUEUE_PLACES", "TAKEN_BACK", "QueueEntry", "SharedFifo"]

QUEUE_PLACES: Final = 8
"""Packets that FIFO 0 keeps at most (GHWCFG2.NPTxQDepth)."""
_PATIENCE: Final = 31
"""Tokens for others that a packet fetched after a taking back lets pass before it goes back."""
TAKEN_BACK: Final = 0x20
"""Argument of the event FLUSH: FIFO 0 is empty and its endpoints got their bytes back."""
_CHAIN: Final = 16
"""Steps along the NextEp chain."""


class QueueEntry:
    """A packet in FIFO 0, or as much of it as has been pushed.

    Attributes:
        endpoint: whose it is.
        size: its bytes; 0 for words that make no packet.
        data: what is there, whole words.
    """

    __slots__ = ("data", "endpoint", "size")

    def __init__(self, endpoint: int, size: int) -> None:
        """Begin an entry."""
        self.endpoint = endpoint
        self.size = size
        self.data = bytearray()

    @property
    def complete(self) -> bool:
        """All of the packet is there."""
        return 0 < self.size <= len(self.data)

    @property
    def packet(self) -> bytes:
        """The packet without padding."""
        return bytes(self.data[: self.size])


class SharedFifo(Interrupts):
    """Interrupts plus the Tx FIFOs of either scheme, seen from an endpoint.

    Attributes:
        queue: packets in FIFO 0, oldest first (shared scheme).
        fetch_next: the endpoint that the DMA looks at first.
        mismatched: tokens in a row that found another endpoint's packet at the head: at least,
            at most (in lockstep a token may have come a moment before the head changed).
        may_take_back: the count may have been reached.
        patient: nothing has been sent since packets were taken back. Were the first packet fetched
            after that taken back as quickly as any, a host that asks one endpoint after the other
            would get nothing from any.
    """

    def reset_core(self) -> None:
        """Forget the queue."""
        self.shared = not self.par.dedicated_fifo
        self.queue: list[QueueEntry] = []
        self.fetch_next = 0
        self.mismatched = (0, 0)
        self.may_take_back = False
        self.patient = False
        super().reset_core()

    # -- which FIFO --------------------------------------------------------------------------

    def fifo_number(self, ep: InEndpoint) -> int:
        """Return the number of an endpoint's FIFO; 0 for one that does not exist."""
        if self.shared and ep.eptype in (f.EPTYPE_CONTROL, f.EPTYPE_BULK):
            return 0
        return ep.fifo if ep.fifo < len(self.tx) else 0

    def fifo_of(self, ep: InEndpoint) -> TxFifo:
        """Return the Tx FIFO of an endpoint."""
        if self.shared:
            return self.tx[self.fifo_number(ep)]
        return self.tx[ep.fifo if ep.fifo < len(self.tx) else 0]

    def place_of(self, ep: InEndpoint) -> tuple[int, int]:
        """Return (number, moves) of an endpoint's FIFO."""
        return self.fifo_number(ep), self.fifo_of(ep).moves

    def still_there(self, ep: InEndpoint) -> bool:
        """The packet on the wire is still in the endpoint's FIFO: that has not been moved."""
        return ep.sent_from == self.place_of(ep)

    def queued(self, ep: InEndpoint) -> bool:
        """An endpoint's packets pass the queue of FIFO 0."""
        return self.shared and not self.fifo_number(ep)

    def packet_of(self, ep: InEndpoint) -> bytes | None:
        """Return the packet that an IN token for the endpoint gets; None if none is there."""
        if self.shared and not self.fifo_number(ep):
            head = self.queue[0] if self.queue else None
            if not ep.unacked or head is None or head.endpoint != ep.index or not head.complete:
                return None
            return head.packet
        packets = self.fifo_of(ep).packets
        return packets[0] if packets and not self.has_no_fifo(ep) else None

    def has_no_fifo(self, ep: InEndpoint) -> bool:
        """Dedicated scheme: TxFNum names a FIFO that is not there; FIFO 0 is not in its place."""
        return not self.shared and ep.fifo >= len(self.tx)

    def empty_packet_next(self, ep: InEndpoint) -> bool:
        """The endpoint's next packet has no bytes: nothing need be in a FIFO for it."""
        if self.queued(ep):
            return not ep.unacked and ep.pktcnt > 0
        if ep.unacked or not ep.pktcnt:
            # bytes that were in the FIFO may be lost with it: an empty packet would hide that
            return False
        return not self.fifo_of(ep).packets

    # -- into FIFO 0 -------------------------------------------------------------------------

    def queue_room(self) -> bool:
        """One more packet may begin."""
        return len(self.queue) < QUEUE_PLACES

    def push_queue(self, ep: InEndpoint, data: bytes | memoryview) -> None:
        """Slave mode: words (whole ones) for an endpoint of FIFO 0; what finds no room is lost."""
        fifo = self.tx[0]
        while data:
            entry = self.queue[-1] if self.queue else None
            room = (fifo.depth - fifo.used) * 4
            if room <= 0:
                return
            if entry is None or entry.complete or entry.endpoint != ep.index:
                if not self.queue_room():
                    return
                entry = QueueEntry(ep.index, min(ep.limit, ep.xfersize))
                self.queue.append(entry)
            wanted = (entry.size + 3 & ~3) - len(entry.data) if entry.size else len(data)
            piece = data[: min(wanted, room)]
            data = data[len(piece) :]
            entry.data += piece
            fifo.used += len(piece) >> 2
            if entry.complete:
                ep.xfersize = max(ep.xfersize - entry.size, 0)

    def queue_packet(self, ep: InEndpoint, packet: bytes) -> None:
        """DMA: a whole packet was fetched."""
        entry = QueueEntry(ep.index, len(packet))
        entry.data += packet + bytes(-len(packet) & 3)
        self.queue.append(entry)

    def unqueue(self, ep: InEndpoint) -> int:
        """The head was acknowledged; returns the words that it took."""
        if not self.queue or self.queue[0].endpoint != ep.index:
            return 0
        return len(self.queue.pop(0).data) >> 2

    # -- mismatch ----------------------------------------------------------------------------

    def on_queue_nak(self, ep: InEndpoint, is_open: bool, certain: bool) -> None:
        """An IN token for an endpoint of FIFO 0 was answered NAK.

        Args:
            ep: the endpoint.
            is_open: it is enabled and neither NAKs nor stalls.
            certain: the queue was at the token what it is now.
        """
        key = 0x100 | ep.index
        either = f.IEP_INTKNTXFEMP | f.IEP_INTKNEPMIS
        head = self.queue[0] if self.queue else None
        other = head is not None and head.endpoint != ep.index
        if not certain or (other and not is_open):
            self.allow(key, either)
        elif other:
            self.expect_in(ep.index, f.IEP_INTKNEPMIS)
        elif head is None or not head.complete:
            self.expect_in(ep.index, f.IEP_INTKNTXFEMP)
        if not is_open or (certain and not other):
            return
        least, most = self.mismatched
        self.mismatched = least, most = least + (certain and other), most + 1
        limit = _PATIENCE if self.patient else max(self.dcfg >> 18 & 0x1F, 1)
        if least >= limit:
            if not self.latched & f.INT_EPMIS:
                self.expect_global(f.INT_EPMIS)
            self.mismatch_reached()
            self.fetch_next = ep.index
        elif most >= limit:
            self.allow(0, f.INT_EPMIS)
            self.may_take_back = True

    def mismatch_reached(self) -> None:
        """EPMis: the count begins anew; the DMA takes back what is in FIFO 0."""
        self.mismatched = (0, 0)
        self.may_take_back = False
        if self.dma_on:
            self.flushing.add(TAKEN_BACK)

    def queue_acknowledged(self) -> None:
        """A packet of an endpoint of FIFO 0, perhaps empty, was acknowledged: counts anew."""
        self.mismatched = (0, 0)
        self.patient = False
        if self.may_take_back:
            self.may_take_back = False
            self.allowed[0] &= ~f.INT_EPMIS

    def take_back(self) -> None:
        """FIFO 0 is emptied; what was in it is fetched again."""
        for entry in reversed(self.queue):
            ep = self.ins[entry.endpoint]
            # What is left of an earlier transfer belongs to nobody.
            if ep.xfersize + entry.size <= ep.unacked:
                ep.xfersize += entry.size
                ep.dma = ep.dma - (entry.size + 3 & ~3) & f.M32
        self.clear_queue()
        self.mismatched = (0, 0)
        self.may_take_back = False
        self.patient = True

    def clear_queue(self) -> None:
        """FIFO 0 is empty."""
        self.tx[0].clear()
        self.queue.clear()

    # -- whom the DMA serves -----------------------------------------------------------------

    def fetch_order(self, waiting: list[InEndpoint]) -> list[InEndpoint]:
        """Return those that wait, in the order of the NextEp chain, then the rest as they came."""
        order: list[InEndpoint] = []
        number = self.fetch_next
        for _ in range(_CHAIN):
            if number >= len(self.ins):
                break
            ep = self.ins[number]
            if ep in waiting and ep not in order:
                order.append(ep)
            number = ep.nextep
        return order + [ep for ep in waiting if ep not in order]

    # -- registers ---------------------------------------------------------------------------

    def gnptxsts(self) -> int:
        """Return GNPTXSTS."""
        fifo = self.tx[0]
        value = max(fifo.depth - fifo.used, 0) | QUEUE_PLACES - len(self.queue) << 16
        if self.queue:
            value |= self.queue[0].endpoint << 27
        return value

    def periodic_empty(self) -> bool:
        """GINTSTS.PTxFEmp: every periodic FIFO is (half) empty, by GAHBCFG.PTxFEmpLvl."""
        if not self.shared:
            return True
        if self.gahbcfg & f.AHB_PTXFEMPLVL:
            return not any(fifo.used for fifo in self.tx[1:])
        return all(fifo.used * 2 <= fifo.depth for fifo in self.tx[1:])
