# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints: each packet has a (micro)frame of its own (facts host-urb section 7).

Nothing is repeated and nothing is acknowledged. A packet whose (micro)frame has gone by keeps
the status -EXDEV that submission gave it, and the stream goes on without it.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pymodel.packets import PID
from pymodel.wire import Status, Transaction
from tb.kernel import os_error

from .bandwidth import usb_calc_bus_time
from .queues import ERRNO, EndpointQueue, Td
from .urb import URB_ISO_ASAP, Urb, describe_pipe

if TYPE_CHECKING:
    from .device import HostEndpoint, UsbDevice
    from .hcd import Hcd

__all__ = ["IsoQueue"]

_OUT, _IN = int(PID.OUT), int(PID.IN)
_DATA0, _DATA1, _DATA2, _MDATA = (
    int(PID.DATA0), int(PID.DATA1), int(PID.DATA2), int(PID.MDATA),
)  # fmt: skip
_OUT_PIDS = ((), (_DATA0,), (_MDATA, _DATA1), (_MDATA, _MDATA, _DATA2))
"""PIDs of one, two and three transactions in a microframe (USB 2.0 section 5.9.2)."""
_FOLLOWING = {_DATA0: 0, _DATA1: 1, _DATA2: 2}
"""IN transactions of the microframe that the PID of one announces."""
_SCHEDULE = {"high": 8 * 1024, "full": 1024}
"""(Micro)frames that the schedule reaches ahead."""
_THRESHOLD = {"high": 8, "full": 2}
"""(Micro)frames between a submission and the first packet of a new stream."""


class _Packet:
    """A packet of a URB while its transactions are at the wire.

    Attributes:
        td: the URB.
        index: which packet of it.
        left: transactions that have not come back.
        size: bytes moved.
        error: status of the packet.
        following: IN: transactions that the last PID announced; None before the first.
        over: IN: the device has nothing more; what comes back skipped is no error.
    """

    __slots__ = ("error", "following", "index", "left", "over", "size", "td")

    def __init__(self, td: Td, index: int, count: int) -> None:
        """Note what has been planned."""
        self.td = td
        self.index = index
        self.left = count
        self.size = 0
        self.error = 0
        self.following: int | None = None
        self.over = False


class IsoQueue(EndpointQueue):
    """An isochronous endpoint.

    Attributes:
        period: (micro)frames between packets; 0 while no bandwidth is reserved.
        phase: packets take place where frame modulo period is this.
        next_frame: frame of the packet behind all that are queued.
        mult: most transactions in a microframe.
    """

    periodic = True

    def __init__(self, hcd: Hcd, dev: UsbDevice, ep: HostEndpoint) -> None:
        """Make the queue of an endpoint."""
        super().__init__(hcd, dev, ep)
        self.period = 0
        self.phase = 0
        self.next_frame = 0
        self.mult = ep.desc.maxp_mult if self.high_speed else 1
        self.time_ns = usb_calc_bus_time(dev.speed, ep.is_in, True, self.maxp * self.mult)
        self._speed = "high" if self.high_speed else "full"
        self._start: dict[Td, int] = {}
        self._packets: dict[int, _Packet] = {}

    # -- URBs --------------------------------------------------------------------------------

    def add(self, urb: Urb) -> None:
        """Append a URB behind the others, without a gap; the first one reserves bandwidth.

        Raises:
            OSError: ENOSPC if no bandwidth is left, EFBIG if the URB reaches beyond the schedule,
                EINVAL for an interval that is not the one of the running stream.
        """
        where = describe_pipe(urb.pipe)
        count, period = urb.number_of_packets, urb.interval
        soonest = self.hcd.frame() + 1
        fresh = not self.period
        if fresh:
            self.phase = self.hcd.table.reserve(period, self.time_ns, repr(self.ep))
            self.period = period
            start = self._align(soonest + _THRESHOLD[self._speed])
        elif period != self.period:
            raise os_error(
                errno.EINVAL, f"{where}: interval {period}, but the stream runs at {self.period}"
            )
        else:
            start = self.next_frame
            if start < soonest and urb.transfer_flags & URB_ISO_ASAP:
                start = self._align(soonest)
        span, reach = count * period, _SCHEDULE[self._speed]
        if start + span - soonest >= reach:
            if fresh:
                self.release()
            raise os_error(
                errno.EFBIG,
                f"{where}: {count} packets every {period} from {start - soonest} (micro)frames "
                f"ahead; the schedule reaches {reach} ahead",
            )
        urb.error_count = 0
        urb.start_frame = start % reach
        td = Td(urb, self, self.maxp)
        td.packets = count
        urb.hcpriv = td
        self.urbs.append(td)
        self._start[td] = start
        self.next_frame = start + span
        if start < soonest:
            self._expire(soonest)

    def _align(self, frame: int) -> int:
        """Return the first slot that is not before a frame."""
        return frame + (self.phase - frame) % self.period

    def release(self) -> None:
        """Give the bandwidth back if nothing is queued any more: the stream is over."""
        if self.period and not self.urbs:
            self.hcd.table.release(self.period, self.phase, self.time_ns)
            self.period = 0

    def unlink(self, td: Td) -> None:
        """End a URB whose `unlinked` has been set; what is at the wire comes back first."""
        busy = False
        for chain, packet in list(self._packets.items()):
            if packet.td is td:
                busy = True
                self.hcd.wire.cancel(chain)
        if not busy:
            self._end(td, td.urb.unlinked)

    def drop(self) -> None:
        """The bus is gone: give everything back, newest first."""
        self._packets.clear()
        self._start.clear()
        super().drop()

    def _end(self, td: Td, status: int) -> None:
        self.urbs.remove(td)
        self._start.pop(td, None)
        self.hcd.giveback(td, status, False)

    # -- the schedule's side -----------------------------------------------------------------

    def next_time(self, frame: int) -> int | None:
        """Return the frame after `frame` in which something is to be done next."""
        self._expire(frame + 1)
        td = self._next()
        return None if td is None else self._slot(td)

    def _next(self) -> Td | None:
        """Return the URB whose packet is planned next."""
        for td in self.urbs:
            if td.planned < td.packets and not td.urb.unlinked:
                return td
        return None

    def _slot(self, td: Td) -> int:
        return self._start[td] + td.planned * self.period

    def _expire(self, frame: int) -> None:
        """Leave out what should have been done before a frame."""
        while (td := self._next()) is not None and self._slot(td) < frame:
            if td.urb.iso_frame_desc[td.planned].length:
                td.urb.error_count += 1
            self._leave_out(td)
        self._give_back()

    def _leave_out(self, td: Td) -> None:
        """Go past a packet without a transaction; length 0 asks for that (S003-66)."""
        packet = td.urb.iso_frame_desc[td.planned]
        if not packet.length:
            packet.status = 0
        td.planned += 1
        td.done += 1

    def _give_back(self) -> None:
        urbs = self.urbs
        while urbs and urbs[0].done == urbs[0].packets:
            self._end(urbs[0], 0)

    def ready_in(self, frame: int) -> bool:
        """Tell whether there is a packet to move in a frame."""
        self._expire(frame)
        td = self._next()
        if td is None or self._slot(td) != frame:
            return False
        if td.urb.iso_frame_desc[td.planned].length:
            return True
        self._leave_out(td)
        self._give_back()
        return False

    def plan(self, batch: list[Transaction], budget: int, frame: int) -> int:
        """Plan the packet of a frame, 1 to `mult` transactions; 0 if it does not fit."""
        td = self._next()
        assert td is not None
        index = td.planned
        desc = td.urb.iso_frame_desc[index]
        maxp, length = self.maxp, desc.length
        count = -(-length // maxp)
        if count * self.full_cost > budget:
            return 0
        chain = self.chain = self.hcd.new_chain()
        self._packets[chain] = _Packet(td, index, count)
        address, number = self.dev.devnum, self.number
        for turn in range(count):
            size = min(length - turn * maxp, maxp)
            if self.is_in:
                one = Transaction(
                    _IN, address, number, _DATA0, b"", size, True, frame, chain, None, self
                )
            else:
                offset = desc.offset + turn * maxp
                data = td.view[offset : offset + size]
                pid = _OUT_PIDS[count][turn]
                one = Transaction(
                    _OUT, address, number, pid, data, 0, True, frame, chain, None, self
                )
            batch.append(one)
        td.planned += 1
        self.outstanding += count
        return count * self.full_cost

    def done(self, transaction: Transaction) -> None:
        """Take a transaction back; the last one of a packet settles it."""
        self.outstanding -= 1
        chain = transaction.chain
        packet = self._packets[chain]
        packet.left -= 1
        status = transaction.status
        if status is Status.OK:
            if transaction.token == _IN:
                self._received(packet, transaction)
            else:
                packet.size += len(transaction.data)
        elif status is Status.LATE or status is Status.SKIPPED:
            if not packet.over:
                packet.error = packet.error or -errno.EXDEV
        elif status is Status.BABBLE:
            packet.error = packet.error or -errno.EOVERFLOW
        else:
            packet.error = packet.error or ERRNO.get(status, -errno.EPROTO)
        if packet.left:
            return
        del self._packets[chain]
        if packet.following and not packet.error:
            # More was announced than came, or than the packet has room for.
            packet.error = -errno.EPROTO if packet.over else -errno.EOVERFLOW
        self._settle(packet)

    def _received(self, packet: _Packet, transaction: Transaction) -> None:
        following = _FOLLOWING.get(transaction.rx_pid)
        if not self.high_speed and transaction.rx_pid in (_DATA0, _DATA1):
            following = 0
        expected = packet.following
        if following is None or (expected is not None and following != expected - 1):
            # A microframe's PIDs count down; else a transaction was lost (USB 2.0 5.9.2).
            packet.error = packet.error or -errno.EPROTO
            following = 0
        packet.following = following
        data = transaction.rx_data
        size = len(data)
        if not packet.error:
            desc = packet.td.urb.iso_frame_desc[packet.index]
            offset = desc.offset + packet.size
            packet.td.view[offset : offset + size] = data
            packet.size += size
        if not following or size < self.maxp:
            packet.over = True
            if packet.left:
                self.hcd.wire.cancel(transaction.chain)

    def _settle(self, packet: _Packet) -> None:
        td = packet.td
        urb = td.urb
        desc = urb.iso_frame_desc[packet.index]
        desc.status = packet.error
        desc.actual_length = packet.size
        urb.actual_length += packet.size
        if packet.error:
            urb.error_count += 1
        td.done += 1
        if urb.unlinked and not any(one.td is td for one in self._packets.values()):
            self._end(td, urb.unlinked)
        self._give_back()
        if not self.outstanding:
            self.flushing = False
            self.idle.wake_up()

    def replan(self) -> None:
        """Nothing is ever repeated."""
