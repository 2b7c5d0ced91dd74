# SPDX-License-Identifier: Apache-2.0
"""What packets do: decisions at a token, the Rx FIFO, the Tx FIFOs, moves of the DMA.

Each `on_...` method is the effect of one trace event; `decide` is the rule that a decision at a
token must obey. Facts sections 5, 7, 8 and 10.
"""

from __future__ import annotations

from pymodel.packets import PID
from pymodel.trace import Answer

from . import fields as f
from .descriptors import Descriptors
from .iso import FILLER
from .shared import TAKEN_BACK
from .state import InEndpoint, RxEntry, TxFifo

__all__ = ["SETUP_RESERVE", "Traffic"]

SETUP_RESERVE = 13
"""Words of the Rx FIFO that only SETUPs may take (S004-103: 5 per control endpoint plus 8)."""

_SETUP = int(PID.SETUP)
_OUT = int(PID.OUT)
_IN = int(PID.IN)
_PING = int(PID.PING)
_DATA0 = int(PID.DATA0)
_DATA1 = int(PID.DATA1)
_SILENT, _ACK, _NAK, _STALL, _NYET, _DATA, _ISO = (
    int(Answer.SILENT),
    int(Answer.ACK),
    int(Answer.NAK),
    int(Answer.STALL),
    int(Answer.NYET),
    int(Answer.DATA),
    int(Answer.ISO),
)
_TYPE_ISO = f.EPTYPE_ISO

Decision = tuple[int, int, int]
"""(answer, PID to send or to expect, bytes to send)."""


class Traffic(Descriptors):
    """Isochronous rules, LPM and descriptors plus packets.

    Attributes:
        due_status: status words without data that must be pushed, (PktSts, endpoint).
        token: (PID, endpoint, answer) of the OUT or SETUP whose data is awaited.
    """

    due_status: list[tuple[int, int]]
    token: tuple[int, int, int] | None

    def reset_core(self) -> None:
        """Forget what is under way."""
        self.due_status = []
        self.token = None
        self.fetching = []
        super().reset_core()

    # -- the decision at a token -------------------------------------------------------------

    def decide(self, pid: int, n: int) -> Decision:
        """Return what the controller should answer to a token for its address."""
        if self.test_mode:
            # SE0_NAK answers IN tokens, the others hear nothing (USB 2.0 section 7.1.20).
            return (_NAK if self.test_mode == f.TEST_SE0_NAK and pid == _IN else _SILENT), 0, 0
        if pid == _IN:
            return self._decide_in(n)
        if n >= len(self.outs):
            return _SILENT, 0, 0
        out = self.outs[n]
        if pid == _SETUP:
            # Accepted whatever NAKSts, Stall, EPEna, SUPCnt and GOUTNak say (section 7).
            if n == 0 and self.rx.depth - self.rx.used >= 3:
                return _ACK, _DATA0, 0
            return _SILENT, 0, 0
        if not out.active:
            return _SILENT, 0, 0
        if out.eptype == _TYPE_ISO:
            return (self.decide_iso_out(out) if pid == _OUT else _SILENT), 0, 0
        if out.stall:
            return _STALL, 0, 0
        if out.nak or not out.enabled or self.gout_nak_asked or not self.out_open(out):
            return _NAK, 0, 0
        words = (out.limit + 3 >> 2) + 2
        free = self.rx.depth - self.rx.used
        if free < words + SETUP_RESERVE and (free < words or self.rx.used):
            return _NAK, 0, 0
        expected = _DATA1 if out.toggle else _DATA0
        bulk = self.high_speed and n and pid == _OUT and out.eptype == f.EPTYPE_BULK
        if bulk and (self.out_last(out) or free < 2 * words + SETUP_RESERVE):
            return _NYET, expected, 0
        return _ACK, expected, 0

    def _decide_in(self, n: int) -> Decision:
        if n >= len(self.ins):
            return _SILENT, 0, 0
        ep = self.ins[n]
        if not ep.active:
            return _SILENT, 0, 0
        if ep.eptype == _TYPE_ISO:
            return self.decide_iso_in(ep)
        if ep.stall:
            return _STALL, 0, 0
        if not self.is_open_in(ep):
            return _NAK, 0, 0
        pid = _DATA1 if ep.toggle else _DATA0
        packet = self.packet_of(ep)
        if packet is not None:
            return _DATA, pid, len(packet)
        if self.empty_packet_next(ep):
            return _DATA, pid, 0
        return _NAK, 0, 0

    def is_open_in(self, ep: InEndpoint) -> bool:
        """An IN endpoint may send: it is enabled, and nothing makes it NAK or stall."""
        if ep.nak or not ep.enabled or ep.stall:
            return False
        return not (self.gin_nak and ep.eptype in (f.EPTYPE_CONTROL, f.EPTYPE_BULK))

    def on_token(self, arg: int, data: int, choice: object) -> None:
        """TOKEN: the controller has decided (`choice`: perhaps before something changed)."""
        answer, n, pid = arg >> 13 & 7, arg >> 8 & 0xF, arg >> 4 & 0xF
        if not pid:
            return
        self.sleep_due = None
        if answer == _STALL and not n:
            # A protocol stall ends the transfer (USB 2.0 section 8.5.3.4).
            self.control_open = False
        if not n and pid != _SETUP and self.setup_open and not self.setup_token:
            # The first token after a SETUP ends its stage (section 7).
            self.setup_token = True
            self.due_status.append((f.PKTSTS_SETUP_DONE, 0))
        if pid == _IN:
            ep = self.ins[n] if n < len(self.ins) else None
            if ep is None:
                return
            if not n and self.status_stage:
                self.status_stage = 2
                self.find_status_stage()
            if answer in (_DATA, _ISO):
                ep.sent_from = self.place_of(ep)
            if answer == _DATA:
                ep.sending = data
            elif answer == _ISO:
                self.on_iso_in(ep, data)
            elif answer == _NAK:
                if self.test_mode:
                    self.allow(0x100 | n, f.IEP_INTKNTXFEMP)
                elif self.queued(ep):
                    self.on_queue_nak(ep, self.is_open_in(ep), choice is None)
                elif not self.fifo_of(ep).packets:
                    self.expect_in(n, f.IEP_INTKNTXFEMP)
                self.allow(0x100 | n, f.EPI_NAK)
            return
        if pid == _PING:
            if answer == _NAK:
                self.allow(0x200 | n, f.EPI_NAK | f.OEP_OUTTKNEPDIS)
            return
        self.token = (pid, n, answer)
        if answer == _NAK:
            if not self.outs[n].enabled:
                self.expect_out(n, f.OEP_OUTTKNEPDIS)
            self.allow(0x200 | n, f.EPI_NAK)
        elif answer == _NYET:
            self.allow(0x200 | n, f.EPI_NYET)
        elif answer == _SILENT and n < len(self.outs) and self.outs[n] in self.iso_outs:
            self.on_iso_out(self.outs[n])

    # -- receiving ---------------------------------------------------------------------------

    def judge_data(self, pid: int, n: int, data_pid: int, length: int) -> int:
        """Return what becomes of a good data packet: 0 accepted, else the reason of RX_DROP.

        1 = not acceptable at all (silence), 2 = wrong toggle (ACK, dropped), 3 = STALL, dropped,
        4 = isochronous and no room (silence; the trace reports it as 1).
        """
        if pid == _SETUP:
            # A SETUP is 8 bytes in DATA0 (USB 2.0 section 8.5.3).
            return 0 if data_pid == _DATA0 and length == 8 else 1
        out = self.outs[n]
        if length > out.limit:
            # Babble: longer than the endpoint's MPS, no handshake (USB 2.0 section 8.7.4).
            return 1
        if out.eptype == _TYPE_ISO:
            # Any data PID will do, RxDPID tells which one it was (section 5 and 12).
            return 0 if self.iso_room(length, SETUP_RESERVE) else 4
        if data_pid != (_DATA1 if out.toggle else _DATA0):
            return 2 if data_pid in (_DATA0, _DATA1) else 1
        if length and not n and self.control_read and self.dcfg & f.DCFG_NZSTS:
            # A status stage that is not empty (section 4, DCFG.NZStsOUTHShk).
            return 3
        words = 2 + (length + 3 >> 2)
        return 1 if words > self.rx.depth - self.rx.used else 0

    def on_rx_commit(self, arg: int, data: int, choice: object) -> None:
        """RX_COMMIT: a packet (payload in `choice`) is in the Rx FIFO."""
        payload = choice if isinstance(choice, bytes) else bytes(choice)  # type: ignore[call-overload]
        pid, n = arg >> 4 & 0xF, arg & 0xF
        token, self.token = self.token, None
        out = self.outs[n]
        setup = token is not None and token[0] == _SETUP
        if setup:
            status = self._status(f.PKTSTS_SETUP, 0, 8, 0)
            entry = RxEntry(f.PKTSTS_SETUP, 0, status, payload)
            self._push(entry)
            self.promise(out, entry)
            self._accept_setup(payload)
            return
        if not n and self.control_read:
            self.control_open = False
        status = self._status(f.PKTSTS_DATA, n, data, f.DPID_OF_PID.get(pid, 0))
        entry = RxEntry(f.PKTSTS_DATA, n, status, payload, self.soffn & 0x7FF)
        self._push(entry)
        if out.eptype == _TYPE_ISO:
            self.iso_received(out, pid)
        else:
            out.toggle ^= 1
        if self.desc_on:
            self.promise(out, entry)
            return
        if out.pktcnt:
            out.pktcnt -= 1
        if not self.dma_on:
            # A packet longer than what is left comes whole; XferSize stops at 0 (section 5).
            out.xfersize = max(out.xfersize - data, 0)
        if not out.pktcnt or data < out.limit:
            out.nak = True
            self.due_status.append((f.PKTSTS_DONE, n))

    def _accept_setup(self, payload: bytes) -> None:
        """A SETUP ends STALL, NAKs both directions, and starts both with DATA1 (section 5, 7)."""
        # Direction to the host and a data stage: the OUT that follows is its status stage.
        self.control_read = bool(payload and payload[0] & 0x80 and any(payload[6:8]))
        ep, out = self.ins[0], self.outs[0]
        ep.stall = out.stall = False
        ep.nak = out.nak = True
        ep.toggle = out.toggle = 1
        if out.supcnt:
            out.supcnt -= 1
        self.control_open = True
        self.status_stage = 0 if self.control_read else 1
        self.setup_open = True
        self.setup_token = False
        self.due_status = [one for one in self.due_status if one[0] != f.PKTSTS_SETUP_DONE]

    @property
    def setup_hidden(self) -> bool:
        """A SETUP was accepted that software cannot have seen yet.

        Until then software's CNAK on EP0 belongs to the transfer before and must not let the
        host into this one.
        """
        if any(entry.kind == f.PKTSTS_SETUP for entry in self.rx.entries):
            return True
        out = self.outs[0]
        raised = self.due.get(0x200, 0) & f.OEP_STUPPKTRCVD & ~out.intr
        return self.dma_on and (out.desc.setup or bool(raised))

    def on_rx_drop(self, arg: int, data: int, choice: object) -> None:
        """RX_DROP: a packet was not taken (`choice` is true: for want of room)."""
        token, self.token = self.token, None
        if choice:
            self.expect_global(f.INT_ISOOUTDROP)
        elif token is not None:
            for out in self.iso_outs:
                # Nobody says how long the packet was: it fitted if the largest one would have.
                if out.index == token[1] and not self.iso_room(out.limit, SETUP_RESERVE + 2):
                    self.allow(0, f.INT_ISOOUTDROP)
        if data == 3 and token == (_OUT, 0, _ACK):
            # A status stage that was not empty got STALL.
            self.control_open = False
        if data == 1:
            self.allow(0x200 | arg & 0xF, f.EPI_BBLE | f.EPI_PKTDRP)

    def on_rx_status(self, arg: int, data: int, choice: object) -> None:
        """RX_STATUS: a status word without data is in the Rx FIFO."""
        kind, n = arg >> 4 & 0xF, arg & 0xF
        if (kind, n) in self.due_status:
            self.due_status.remove((kind, n))
        if kind == f.PKTSTS_SETUP_DONE:
            self.setup_open = False
            self.setup_token = False
        self._push(RxEntry(kind, n, self._status(kind, n, 0, 0), b""))

    def _status(self, kind: int, n: int, length: int, dpid: int) -> int:
        return (self.soffn & 0xF) << 21 | kind << 17 | dpid << 15 | length << 4 | n

    def _push(self, entry: RxEntry) -> None:
        self.rx.entries.append(entry)
        self.rx.used += entry.words
        if self.gout_nak_asked:
            self.find_global_nak()

    def find_global_nak(self) -> None:
        """GOUTNakEff when its status word is gone with the Rx FIFO, or waits for nothing.

        A SETUP that waits for software to enable EP0 OUT must not hold it up (section 13: within
        100 us without any bus activity).
        """
        if not self.gout_nak_asked or (f.PKTSTS_GOUTNAK, 0) in self.due_status:
            return
        entries = self.rx.entries
        held = any(one.kind == f.PKTSTS_GOUTNAK for one in entries)
        if held and self.dma_on and not self.outs[0].enabled:
            held = entries[0].kind != f.PKTSTS_SETUP or self.rx_ready()
        self.gout_nak = self.gout_nak or not held

    def _pop_effect(self, entry: RxEntry) -> None:
        """What popping a status word does, by software or by the DMA (section 7)."""
        kind = entry.kind
        out = self.outs[entry.endpoint]
        if kind == f.PKTSTS_DONE:
            out.enabled = False
            self.expect_out(entry.endpoint, f.EPI_XFERCOMPL)
        elif kind == f.PKTSTS_SETUP_DONE:
            out.setups = 0
            if not self.dma_on:
                out.enabled = False
            self.expect_out(0, f.OEP_SETUP)
        elif kind == f.PKTSTS_GOUTNAK and self.gout_nak_asked:
            self.gout_nak = True

    def pop_slave(self) -> int:
        """Return the status word that a read of GRXSTSP takes; 0 from an empty FIFO."""
        rx = self.rx
        if rx.current:
            # Unread words of the packet before are dropped (section 7).
            rx.used -= len(rx.current) + 3 >> 2
            rx.current = b""
        if not rx.entries:
            return 0
        entry = rx.entries.popleft()
        rx.used -= 1
        rx.current = entry.data
        self._pop_effect(entry)
        return entry.status

    def read_window(self, size: int) -> bytes:
        """Return `size` bytes (whole words) of the packet whose status was popped last."""
        rx = self.rx
        data = rx.current
        if size >= len(data):
            rx.used -= len(data) + 3 >> 2
            rx.current = b""
            return data + bytes(size - len(data))
        rx.used -= size >> 2
        rx.current = data[size:]
        return data[:size]

    # -- the DMA, receiving ------------------------------------------------------------------

    def rx_ready(self) -> bool:
        """The DMA may take the head of the Rx FIFO.

        A SETUP waits until EP0 OUT is enabled; further SETUPs of the same stage follow the first
        one (facts section 10: three are stored back to back).
        """
        entries = self.rx.entries
        if not entries:
            return False
        entry = entries[0]
        if self.desc_on and entry.kind in (f.PKTSTS_SETUP, f.PKTSTS_DATA):
            return not self.desc_waits(self.outs[entry.endpoint], entry.kind)
        if entry.kind == f.PKTSTS_SETUP:
            out = self.outs[0]
            return out.enabled or out.setups > 0
        return True

    def on_rx_pop(self, arg: int, data: int, choice: object) -> tuple[int, bytes]:
        """RX_POP: the DMA took the head; returns (address, bytes) that go to memory."""
        place = self._take_head()
        if self.gout_nak_asked:
            self.find_global_nak()
        return place

    def _take_head(self) -> tuple[int, bytes]:
        rx = self.rx
        entry = rx.entries.popleft()
        rx.used -= entry.words
        out = self.outs[entry.endpoint]
        address, payload = out.dma, entry.data
        if self.desc_on:
            if entry.kind in (f.PKTSTS_SETUP, f.PKTSTS_DATA):
                return self.desc_pop(out, entry)
            self._pop_effect(entry)
            self.find_status_stage()
            return address, b""
        if entry.kind == f.PKTSTS_SETUP:
            if out.setups == 3:
                out.dma = address = (address - 24) & f.M32
                out.setups = 0
                self.allow(0x200, f.OEP_BACK2BACK)
            out.setups += 1
            out.dma = (address + 8) & f.M32
            out.xfersize = max(out.xfersize - 8, 0)
            out.enabled = False
            self.expect_out(0, f.OEP_STUPPKTRCVD | f.EPI_XFERCOMPL)
        elif entry.kind == f.PKTSTS_DATA:
            if not out.enabled:
                return address, b""
            out.dma = (address + (len(payload) + 3 & ~3)) & f.M32
            out.xfersize = max(out.xfersize - len(payload), 0)
        else:
            self._pop_effect(entry)
        return address, payload

    # -- sending -----------------------------------------------------------------------------

    def push_words(self, n: int, data: bytes | memoryview) -> None:
        """A write to FIFO window n; words that find no room are lost (section 8).

        Window n is that of IN endpoint n (S004-109). In the dedicated scheme it is FIFO n where
        software has given the endpoint no FIFO (section 1).
        """
        if n >= len(self.tx):
            return
        owner, ep = n, self.ins[n]
        if self.shared:
            if not ep.exists:
                return
            if self.queued(ep):
                self.push_queue(ep, bytes(data) + bytes(-len(data) & 3))
                return
            fifo = self.fifo_of(ep)
        elif ep.exists and ep.fifo:
            if ep.fifo >= len(self.tx):
                return
            fifo = self.tx[ep.fifo]
        else:
            fifo, owner = self.tx[n], self.owner[n]
        room = (fifo.depth - fifo.used) * 4
        size = len(data)
        if size > room:
            data = data[:room]
            size = len(data)
        fifo.used += size + 3 >> 2
        fifo.raw += data
        if size & 3:
            fifo.raw += bytes(-size & 3)
        if owner >= 0:
            ep = self.ins[owner]
            if ep.enabled:
                self.form_packets(ep, fifo)
            self.fifo_changed(ep)

    def form_packets(self, ep: InEndpoint, fifo: TxFifo) -> None:
        """Slave mode: pushed words that make whole packets become packets (section 8)."""
        while fifo.raw and ep.xfersize:
            size = min(ep.limit, ep.xfersize)
            words = size + 3 & ~3
            if len(fifo.raw) < words or not size:
                return
            fifo.packets.append(bytes(fifo.raw[:size]))
            del fifo.raw[:words]
            ep.xfersize -= size

    def tx_ready(self, ep: InEndpoint) -> int:
        """Return the size of the packet that the DMA may fetch for an endpoint, 0 for none."""
        if not ep.enabled or ep.disabling or not ep.active or self.has_no_fifo(ep):
            return 0
        if self.desc_on and ep.desc.late:
            return 0
        left = self.to_fetch(ep)[1]
        size = ep.limit if left > ep.limit else left
        fifo = self.fifo_of(ep)
        if self.shared and not (self.fifo_number(ep) or self.queue_room()):
            return 0
        return size if size + 3 >> 2 <= fifo.depth - fifo.used else 0

    def on_tx_packet(self, arg: int, data: int, choice: object) -> None:
        """TX_PACKET: the DMA has put a packet (payload in `choice`) into the Tx FIFO."""
        ep = self.ins[arg & 0xF]
        fifo = self.fifo_of(ep)
        if self.queued(ep):
            self.queue_packet(ep, choice)  # type: ignore[arg-type]
        else:
            fifo.packets.append(choice)  # type: ignore[arg-type]
        fifo.used += data + 3 >> 2
        self.fetch_next = ep.nextep
        self.fetched(ep, data)
        self.fifo_changed(ep)

    def payload_to_send(self, n: int) -> bytes:
        """Return the packet at the head of the endpoint's Tx FIFO, b"" for none."""
        return self.packet_of(self.ins[n]) or b""

    def on_tx_done(self, arg: int, data: int, choice: object) -> None:
        """TX_DONE: the host acknowledged (1), or the packet stays to be sent again (0)."""
        n = arg & 0xF
        ep = self.ins[n]
        length, ep.sending = ep.sending, -1
        if length == FILLER:
            return
        if not data:
            self.allow(0x100 | n, f.IEP_TIMEOUT)
            return
        fifo = self.fifo_of(ep)
        there = self.still_there(ep)
        ep.unacked = max(ep.unacked - length, 0)
        if self.queued(ep):
            self.queue_acknowledged()
            if length and there:
                fifo.used -= self.unqueue(ep)
        elif length and there and fifo.packets:
            fifo.used -= len(fifo.packets.popleft()) + 3 >> 2
        if ep.eptype == _TYPE_ISO:
            self.iso_sent(ep)
        else:
            ep.toggle ^= 1
        if self.desc_on:
            self.sent(ep, length)
        elif ep.pktcnt:
            ep.pktcnt -= 1
        if not n:
            # SET_ADDRESS takes effect with the status IN (section 4, DCFG.DevAddr).
            self.old_address = self.address
            self.control_open = self.control_open and self.control_read
        if not ep.pktcnt and not self.desc_on:
            ep.enabled = False
            self.expect_in(n, f.EPI_XFERCOMPL)
        self.fifo_changed(ep)

    # -- flush -------------------------------------------------------------------------------

    def on_the_wire(self, number: int) -> bool:
        """A packet of a Tx FIFO (0x10: of any) is on the wire: a flush waits until that is over."""
        fifo = 0 if number == TAKEN_BACK else number
        return any(ep.sending >= 0 and fifo in (0x10, ep.sent_from[0]) for ep in self.ins)

    def on_flush(self, arg: int, data: int, choice: object) -> None:
        """FLUSH: a FIFO (0x10 all Tx, 0x1F Rx) is empty, or FIFO 0 was taken back (0x20)."""
        self.flushing.discard(arg)
        if arg == 0x1F:
            self.rx.clear()
            self.find_global_nak()
            return
        if arg == TAKEN_BACK:
            self.take_back()
            self._find_fetching()
            return
        for number, fifo in enumerate(self.tx):
            if arg in (0x10, number):
                fifo.clear()
        if arg in (0x10, 0):
            self.queue.clear()
        for ep in self.ins:
            if self.empmsk >> ep.index & 1:
                self.refresh_in(ep.index)
