# SPDX-License-Identifier: Apache-2.0
"""Queues of the host controller driver: one per endpoint, from URBs to transactions and back.

A queue plans transactions (`plan`) and learns how they ended (`done`). What it has planned forms
a chain: as soon as one transaction does not succeed, the wire skips the rest, and once all are
back (`outstanding` is 0) the queue starts again from what was really done.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING

from pymodel.packets import PID
from pymodel.wire import Status, Transaction
from tb.kernel import WaitQueue, us

from .urb import URB_SHORT_NOT_OK, URB_ZERO_PACKET, Urb

if TYPE_CHECKING:
    from .device import HostEndpoint, UsbDevice
    from .hcd import Hcd

__all__ = ["ERRNO", "BulkQueue", "EndpointQueue", "Td"]

_OUT, _IN, _PING = int(PID.OUT), int(PID.IN), int(PID.PING)
DATA = (int(PID.DATA0), int(PID.DATA1))
_STRIKES = 3
"""Errors in a row after which the host gives up (USB 2.0 section 4.6)."""
ERRNO = {
    Status.TIMEOUT: -errno.EPROTO,
    Status.BITSTUFF: -errno.EPROTO,
    Status.PID: -errno.EPROTO,
    Status.CRC: -errno.EILSEQ,
}
"""What a URB or an isochronous packet is told of errors at the wire."""
_FIRST_RETRY = us(15)


class Td:
    """A URB in a queue.

    Attributes:
        urb: the URB.
        view: its buffer.
        packets: data packets to move at most.
        planned: packets handed to the wire.
        done: packets moved.
        aligned: the length is a multiple of the packet size.
        stage: of a control transfer.
    """

    __slots__ = ("aligned", "done", "packets", "planned", "queue", "stage", "urb", "view")

    def __init__(self, urb: Urb, queue: EndpointQueue, maxp: int) -> None:
        """Prepare a URB."""
        self.urb = urb
        self.queue = queue
        length = urb.transfer_buffer_length
        if urb.num_sgs and urb.sg is not None:
            buffer = b"".join(urb.sg)
            self.view = memoryview(buffer if not queue.is_in else bytearray(len(buffer)))
        else:
            self.view = memoryview(urb.transfer_buffer or b"")[:length]
        self.aligned = length % maxp == 0
        self.packets = -(-length // maxp) or 1
        self.planned = 0
        self.done = 0
        self.stage = 0


class EndpointQueue:
    """What all queues have in common.

    Attributes:
        urbs: in order of submission.
        outstanding: transactions at the wire.
        toggle: next data toggle, 0 or 1.
        broken: the chain has ended; nothing is planned until all transactions are back.
        stopped: a handler has to return first (facts host-urb section 5).
        dead: the wire will not be listened to any more.
        retry_at: time before which a NAKed endpoint is left alone.
        full_cost: time of a transaction with a full packet, picoseconds.
    """

    periodic = False

    def __init__(self, hcd: Hcd, dev: UsbDevice, ep: HostEndpoint) -> None:
        """Make the queue of an endpoint."""
        self.hcd = hcd
        self.dev = dev
        self.ep = ep
        self.is_in = ep.is_in
        self.number = ep.desc.number
        self.maxp = ep.maxp
        self.urbs: deque[Td] = deque()
        self.outstanding = 0
        self.chain = 0
        self.toggle = 0
        self.errors = 0
        self.naks = 0
        self.retry_at = 0
        self.fault = 0
        self.broken = False
        self.stopped = False
        self.dead = False
        self.ping = False
        self.flushing = False
        self.idle = WaitQueue(f"queue of {ep!r}")
        self.base_cost, self.byte_cost, self.retry_limit = hcd.costs()
        self.full_cost = self.base_cost + self.maxp * self.byte_cost
        self.high_speed = hcd.high_speed

    # -- URBs --------------------------------------------------------------------------------

    def add(self, urb: Urb) -> None:
        """Append a URB."""
        td = Td(urb, self, self.maxp)
        urb.hcpriv = td
        self.urbs.append(td)

    def unlink(self, td: Td) -> None:
        """End a URB whose `unlinked` has been set, now or when its transactions are back."""
        if self.outstanding and (td.planned != td.done or td is self.urbs[0]):
            self.broken = True
            self.hcd.wire.cancel(self.chain)
            return
        self.urbs.remove(td)
        self.forget(td)
        self.hcd.giveback(td, td.urb.unlinked, False)

    def forget(self, td: Td) -> None:
        """Note that a URB has been taken out while nothing of it was under way."""

    def flush(self) -> None:
        """Unlink everything with -ESHUTDOWN, newest first."""
        self.flushing = True
        for td in reversed(list(self.urbs)):
            if not td.urb.unlinked:
                td.urb.unlinked = -errno.ESHUTDOWN
            self.unlink(td)
        if not self.outstanding:
            self.flushing = False

    def drop(self) -> None:
        """The bus is gone: give everything back, newest first, and listen no more."""
        self.dead = True
        self.outstanding = 0
        while self.urbs:
            td = self.urbs.pop()
            self.forget(td)
            self.hcd.giveback(td, -errno.ESHUTDOWN, False)
        self.idle.wake_up()

    def reset(self) -> None:
        """Start again with DATA0 (clear halt, set interface)."""
        self.toggle = 0
        self.ping = False
        self.errors = 0
        self.naks = 0
        self.retry_at = 0
        self.replan()

    # -- the schedule's side -----------------------------------------------------------------

    def ready(self, when: int, extend: bool) -> bool:
        """Tell whether `plan` may be called for a time; `extend`: also behind its own chain."""
        raise NotImplementedError

    def plan(self, batch: list[Transaction], budget: int, frame: int) -> int:
        """Append transactions that need at most `budget` ps together; return what they need."""
        raise NotImplementedError

    def done(self, transaction: Transaction) -> None:
        """Take a transaction back from the wire."""
        raise NotImplementedError

    def replan(self) -> None:
        """Forget what was planned; nothing is at the wire."""
        for td in self.urbs:
            td.planned = td.done

    # -- what happens to transactions --------------------------------------------------------

    def settle(self) -> None:
        """All transactions of a broken chain are back."""
        self.broken = False
        self.replan()
        if self.fault and self.urbs:
            td = self.urbs.popleft()
            self.forget(td)
            self.stopped = True
            self.hcd.giveback(td, self.fault, True)
        self.fault = 0
        if any(td.urb.unlinked for td in self.urbs):
            going = [td for td in self.urbs if td.urb.unlinked]
            if self.flushing:
                going.reverse()
            for td in going:
                self.urbs.remove(td)
                self.forget(td)
                self.hcd.giveback(td, td.urb.unlinked, False)
            self.replan()
        self.flushing = False
        self.idle.wake_up()

    def failed(self, transaction: Transaction) -> None:
        """A transaction did not end with success: find out what that means."""
        status = transaction.status
        self.broken = True
        if status is Status.SKIPPED or status is Status.LATE:
            return
        if status is Status.NAK or (status is Status.NYET and transaction.token == _PING):
            self.nak()
            if self.high_speed and not self.periodic and transaction.token == _OUT:
                self.ping = True
            return
        if status is Status.STALL:
            self.ping = False
            self.fault = self.fault or -errno.EPIPE
        elif status is Status.BABBLE:
            self.fault = self.fault or -errno.EOVERFLOW
        else:
            self.errors += 1
            if self.errors >= _STRIKES:
                self.errors = 0
                self.fault = self.fault or ERRNO.get(status, -errno.EPROTO)

    def nak(self) -> None:
        """Leave the endpoint alone for a while: short at first, later a whole (micro)frame."""
        now = self.hcd.kernel.now
        self.naks += 1
        wait = _FIRST_RETRY << self.naks
        self.retry_at = now + wait if wait < self.retry_limit else self.hcd.next_frame_time(now)

    def finish(self, td: Td, short: bool) -> None:
        """The first URB of the queue is done."""
        self.urbs.popleft()
        if short and td.urb.transfer_flags & URB_SHORT_NOT_OK:
            self.stopped = True
            self.hcd.giveback(td, -errno.EREMOTEIO, True)
        else:
            self.hcd.giveback(td, 0, False)


class BulkQueue(EndpointQueue):
    """A bulk endpoint. Also the base of interrupt endpoints.

    Attributes:
        position: index of the URB that is planned next.
        plan_toggle: toggle of the packet that is planned next.
        barrier: nothing may be planned behind what is at the wire.
    """

    def __init__(self, hcd: Hcd, dev: UsbDevice, ep: HostEndpoint) -> None:
        """Make the queue of an endpoint."""
        super().__init__(hcd, dev, ep)
        self.position = 0
        self.plan_toggle = 0
        self.barrier = False

    def add(self, urb: Urb) -> None:
        """Append a URB; a zero packet is one more packet."""
        super().add(urb)
        if not self.is_in and urb.transfer_flags & URB_ZERO_PACKET:
            td = self.urbs[-1]
            if td.aligned and urb.transfer_buffer_length:
                td.packets += 1

    def ready(self, when: int, extend: bool) -> bool:
        """Tell whether there is something to plan."""
        if self.position >= len(self.urbs) or self.stopped or self.broken:
            return False
        if self.outstanding:
            return extend and not self.barrier
        return self.retry_at <= when

    def replan(self) -> None:
        """Plan from what was really done."""
        for td in self.urbs:
            td.planned = td.done
        self.position = 0
        self.plan_toggle = self.toggle

    def plan(self, batch: list[Transaction], budget: int, frame: int) -> int:
        """Plan packets, across URBs."""
        start = budget
        urbs = self.urbs
        if not self.outstanding:
            self.chain = self.hcd.new_chain()
            self.barrier = False
        chain = self.chain
        address = self.dev.devnum
        number = self.number
        maxp = self.maxp
        count = len(batch)
        if self.is_in:
            cost = self.full_cost
            while budget >= cost and self.position < len(urbs):
                td = urbs[self.position]
                many = min(budget // cost, td.packets - td.planned)
                for _ in range(many):
                    batch.append(
                        Transaction(
                            _IN, address, number, 3, b"", maxp, False, None, chain, None, self
                        )
                    )
                budget -= many * cost
                td.planned += many
                if td.planned < td.packets:
                    break
                self.position += 1
                if not td.aligned:
                    # A packet that is too long must not be followed by data of the next URB.
                    self.barrier = True
                    break
        else:
            if self.ping:
                batch.append(
                    Transaction(_PING, address, number, 3, b"", 0, False, None, chain, None, self)
                )
                budget -= self.base_cost
            base, per_byte = self.base_cost, self.byte_cost
            toggle = self.plan_toggle
            while self.position < len(urbs):
                td = urbs[self.position]
                view = td.view
                planned, packets = td.planned, td.packets
                while planned < packets:
                    offset = planned * maxp
                    data = view[offset : offset + maxp]
                    cost = base + len(data) * per_byte
                    if cost > budget:
                        break
                    budget -= cost
                    transaction = Transaction(
                        _OUT, address, number, DATA[toggle], data, 0, False, None, chain, None,
                        self,
                    )  # fmt: skip
                    batch.append(transaction)
                    toggle ^= 1
                    planned += 1
                td.planned = planned
                if planned < packets:
                    break
                self.position += 1
            self.plan_toggle = toggle
        self.outstanding += len(batch) - count
        return start - budget

    def done(self, transaction: Transaction) -> None:
        """Take a transaction back."""
        self.outstanding -= 1
        status = transaction.status
        if status is Status.OK:
            self.errors = 0
            self.naks = 0
            if transaction.token == _IN:
                self._received(transaction)
            elif transaction.token == _OUT:
                self._sent(len(transaction.data))
            else:
                self.ping = False
        elif status is Status.NYET and transaction.token == _OUT and self.high_speed:
            self.errors = 0
            self.naks = 0
            self._sent(len(transaction.data))
            self.ping = not self.periodic
            self.broken = True
        else:
            self.failed(transaction)
        if self.broken and not self.outstanding:
            self.settle()

    def _sent(self, size: int) -> None:
        self.toggle ^= 1
        td = self.urbs[0]
        td.done += 1
        td.urb.actual_length += size
        if td.done == td.packets:
            self.position -= 1
            self.finish(td, False)

    def _received(self, transaction: Transaction) -> None:
        if transaction.rx_pid != DATA[self.toggle] or not self.urbs:
            # The device did not get our ACK and sent the packet again (USB 2.0 section 8.6.4).
            self.broken = True
            return
        self.toggle ^= 1
        td = self.urbs[0]
        urb = td.urb
        data = transaction.rx_data
        size = len(data)
        offset = urb.actual_length
        end = offset + size
        if end > urb.transfer_buffer_length:
            room = urb.transfer_buffer_length - offset
            td.view[offset:] = data[:room]
            urb.actual_length += room
            self.broken = True
            self.fault = -errno.EOVERFLOW
            return
        td.view[offset:end] = data
        urb.actual_length = end
        td.done += 1
        if size < self.maxp:
            # Whatever was planned behind comes back as skipped.
            self.broken = True
            if self.position:
                self.position -= 1
            self.finish(td, end < urb.transfer_buffer_length)
        elif td.done == td.packets:
            self.position -= 1
            self.finish(td, False)

    def forget(self, td: Td) -> None:
        """A URB in front of the plan position, or at it, has gone."""
        if self.position > len(self.urbs):
            self.position = len(self.urbs)
