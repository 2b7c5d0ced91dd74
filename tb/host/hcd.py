# SPDX-License-Identifier: Apache-2.0
"""The host controller driver: which transactions go into which (micro)frame, and giveback.

Periodic transactions of a (micro)frame come first and carry its number; control and bulk fill
what time is left, taking turns. A batch is handed over while the last transactions of the one
before are still at the wire, so that the bus never waits for us; with nothing queued nothing
runs. All retry policy is here, none in the wire (DESIGN rule 5).
"""

from __future__ import annotations

import errno
import logging
from collections import deque

from pymodel.wire import Status, Transaction
from tb.controller import WireFace
from tb.kernel import Context, Kernel, TimerHandle, ms, ns, os_error, us
from tb.usb import TransferType

from .bandwidth import PeriodicTable
from .control_queue import ControlQueue
from .device import HostEndpoint, UsbDevice
from .interrupt_queue import InterruptQueue
from .iso_queue import IsoQueue
from .lpm import RootPortLpm
from .queues import BulkQueue, EndpointQueue, Td
from .urb import URB_FREE_BUFFER, URB_SHORT_NOT_OK, Urb, describe_pipe

__all__ = ["Hcd"]

log = logging.getLogger(__name__)

_LOW_WATER = 2
"""Transactions left at the wire when the next batch is made."""
_COSTS = {
    # Fixed time and time per byte of a transaction without bit stuffing, longest NAK pause.
    "high": (ns(54 * 16.667), 16_667, us(125)),
    "full": (ns(13 * 666.67), 666_667, us(1000)),
}
_FRAME = {"high": us(125), "full": us(1000)}
_SOF = {"high": ns(400), "full": ns(3200)}
"""SOF with the gap behind it."""


class Hcd:
    """Host controller driver of one root port on a wire face.

    Attributes:
        kernel: the scheduler.
        wire: what executes transactions.
        table: reserved periodic bandwidth.
        running: False while URBs are refused with ESHUTDOWN.
        lpm: the link between L0 and L1.
        hw_lpm_support: the port may enter L1 by itself.
        active_at: when a URB was queued or a transaction succeeded last.
        high_speed: the bus runs at high speed.
    """

    def __init__(self, kernel: Kernel, wire: WireFace) -> None:
        """Drive a wire; nothing is sent before a URB is queued."""
        self.kernel = kernel
        self.wire = wire
        self.high_speed = False
        self.table = PeriodicTable("full")
        self.running = True
        self.hw_lpm_support = True
        self.active_at = 0
        self._outstanding = 0
        self.lpm = RootPortLpm(self)
        self._speed = "full"
        self._async: list[EndpointQueue] = []
        self._periodic: list[InterruptQueue | IsoQueue] = []
        self._turn = 0
        self._chain = 0
        self._estimate = 0
        self._timer: TimerHandle | None = None
        self._timer_at = 0
        self._kicked = False
        self._done_urbs: deque[tuple[Td, int, bool]] = deque()
        self._done_urgent: deque[tuple[Td, int, bool]] = deque()
        self._bottom_half = False

    # -- bus ---------------------------------------------------------------------------------

    def set_speed(self, speed: str) -> None:
        """Note the speed after a reset, "full" or "high"; periodic reservations are gone."""
        self._speed = speed
        self.high_speed = speed == "high"
        self.table = PeriodicTable(speed)

    def costs(self) -> tuple[int, int, int]:
        """Return base time, time per byte and longest NAK pause in picoseconds."""
        return _COSTS[self._speed]

    def frame(self) -> int:
        """Return the present (micro)frame, 0 before the first."""
        return max(self.wire.frame, 0)

    def next_frame_time(self, when: int) -> int:
        """Return the start of the first (micro)frame after a time."""
        frame = self.frame()
        start = self.wire.frame_time(frame + 1)
        length = _FRAME[self._speed]
        if start <= when:
            start += ((when - start) // length + 1) * length
        return start

    def new_chain(self) -> int:
        """Return a chain number that is not in use."""
        self._chain = self._chain % 0x7FFF_FFF0 + 1
        return self._chain

    # -- URBs --------------------------------------------------------------------------------

    def submit(self, urb: Urb, ep: HostEndpoint) -> None:
        """Queue a checked URB.

        Raises:
            OSError: see `usb_submit_urb`.
        """
        dev = urb.dev
        assert dev is not None
        if urb.reject > 0:
            raise os_error(
                errno.EPERM, f"{describe_pipe(urb.pipe)}: the URB is being killed or is poisoned"
            )
        if not ep.enabled:
            raise os_error(errno.ENOENT, f"{describe_pipe(urb.pipe)}: the endpoint is disabled")
        if not dev.can_submit:
            raise os_error(errno.EHOSTUNREACH, f"{describe_pipe(urb.pipe)}: suspended")
        if not self.running:
            raise os_error(errno.ESHUTDOWN, "the host controller is not running")
        if urb.stream_id:
            raise os_error(
                errno.EINVAL,
                f"{describe_pipe(urb.pipe)}: stream {urb.stream_id}, but the endpoint has no "
                "streams",
            )
        queue: EndpointQueue = ep.hcpriv or self._make_queue(dev, ep)
        queue.add(urb)
        urb.unlinked = 0
        urb.use_count += 1
        urb.kref += 1
        self.active_at = self.kernel.now
        self.lpm.submitted()
        if not queue.outstanding and not self._kicked:
            self._kicked = True
            self.kernel.call_soon(self._kick)

    def _make_queue(self, dev: UsbDevice, ep: HostEndpoint) -> EndpointQueue:
        queue: EndpointQueue
        if ep.type is TransferType.CONTROL:
            queue = ControlQueue(self, dev, ep)
        elif ep.type is TransferType.BULK:
            queue = BulkQueue(self, dev, ep)
        else:
            kind = InterruptQueue if ep.type is TransferType.INTERRUPT else IsoQueue
            queue = kind(self, dev, ep)
            self._periodic.append(queue)
        if not queue.periodic:
            self._async.append(queue)
        ep.hcpriv = queue
        return queue

    def unlink(self, urb: Urb, status: int) -> None:
        """Begin to unlink a URB.

        Raises:
            OSError: EIDRM (not queued), EBUSY (being unlinked already).
        """
        td = urb.hcpriv
        if td is None:
            raise os_error(errno.EIDRM, f"{describe_pipe(urb.pipe)}: the URB is not queued")
        if urb.unlinked:
            raise os_error(errno.EBUSY, f"{describe_pipe(urb.pipe)}: is being unlinked already")
        urb.unlinked = status
        td.queue.unlink(td)

    # -- endpoints ---------------------------------------------------------------------------

    async def disable(self, ep: HostEndpoint) -> None:
        """Refuse URBs, end those that are queued with -ESHUTDOWN, forget the queue."""
        ep.enabled = False
        queue: EndpointQueue | None = ep.hcpriv
        if queue is None:
            return
        queue.flush()
        if not await queue.idle.wait_event_timeout(lambda: queue.outstanding == 0, ms(5)):
            log.warning("%r: transactions do not come back from the wire", ep)
            self._outstanding -= queue.outstanding
            self._estimate -= queue.outstanding * queue.full_cost
            queue.drop()
        queue.dead = True
        self._remove(queue)
        ep.hcpriv = None

    def _remove(self, queue: EndpointQueue) -> None:
        if isinstance(queue, (InterruptQueue, IsoQueue)):
            queue.release()
            if queue in self._periodic:
                self._periodic.remove(queue)
        elif queue in self._async:
            self._async.remove(queue)

    def reset_endpoint(self, ep: HostEndpoint) -> None:
        """Put the data toggle back to DATA0."""
        queue: EndpointQueue | None = ep.hcpriv
        if queue is not None:
            queue.reset()

    def drop_all(self) -> None:
        """The device is gone: give every URB back with -ESHUTDOWN at once."""
        for queue in self.queues:
            if queue.outstanding:
                self.wire.cancel(queue.chain)
            queue.drop()
            self._remove(queue)
            queue.ep.hcpriv = None
        self._outstanding = 0
        self._estimate = 0
        self._arm(None)
        self.lpm.forget()

    # -- giveback ----------------------------------------------------------------------------

    def giveback(self, td: Td, status: int, restart: bool) -> None:
        """Hand a URB that has left its queue to the bottom half.

        Args:
            td: what was queued.
            status: 0 or a negative errno.
            restart: the queue waits until the handler has returned.
        """
        td.urb.hcpriv = None
        if td.queue.periodic:
            self._done_urgent.append((td, status, restart))
        else:
            self._done_urbs.append((td, status, restart))
        if not self._bottom_half:
            self._bottom_half = True
            self.kernel.call_soon(self._run_bottom_half)

    def _run_bottom_half(self) -> None:
        self._bottom_half = False
        kernel = self.kernel
        for done in (self._done_urgent, self._done_urbs):
            for _ in range(len(done)):
                td, status, restart = done.popleft()
                urb = td.urb
                if urb.unlinked:
                    status = urb.unlinked
                if (
                    status == 0
                    and urb.transfer_flags & URB_SHORT_NOT_OK
                    and urb.is_in
                    and urb.actual_length < urb.transfer_buffer_length
                ):
                    status = -errno.EREMOTEIO
                if urb.num_sgs and urb.is_in:
                    _scatter(td)
                if urb.anchor is not None:
                    from .anchor import usb_unanchor_urb  # noqa: PLC0415  (anchors need submit)

                    usb_unanchor_urb(urb)
                urb.status = status
                handler = urb.complete
                if handler is not None:
                    kernel.in_atomic(Context.COMPLETION, handler, urb)
                urb.use_count -= 1
                if urb.wait is not None:
                    urb.wait.wake_up()
                urb.kref -= 1
                if urb.kref == 0 and urb.transfer_flags & URB_FREE_BUFFER:
                    urb.transfer_buffer = None
                queue = td.queue
                if restart:
                    queue.stopped = False
                    self._kick_soon()
                if queue.periodic and not queue.urbs:
                    assert isinstance(queue, (InterruptQueue, IsoQueue))
                    queue.release()

    @property
    def outstanding(self) -> int:
        """Number of transactions at the wire."""
        return self._outstanding

    @property
    def queues(self) -> list[EndpointQueue]:
        """All queues."""
        return [*self._async, *self._periodic]

    def go_on(self) -> None:
        """The link is in L0 again."""
        self._kick_soon()

    def _kick_soon(self) -> None:
        if not self._kicked:
            self._kicked = True
            self.kernel.call_soon(self._kick)

    # -- schedule ----------------------------------------------------------------------------

    def _kick(self) -> None:
        self._kicked = False
        self._schedule(False)

    def _on_timer(self) -> None:
        self._timer = None
        self._schedule(False)

    def _done(self, transaction: Transaction) -> None:
        queue: EndpointQueue = transaction.tag
        if queue.dead:
            return
        self._outstanding -= 1
        self._estimate -= queue.full_cost
        if transaction.status is Status.OK:
            self.active_at = self.kernel.now
        queue.done(transaction)
        if self._outstanding <= _LOW_WATER:
            self._schedule(True)

    def _schedule(self, extend: bool) -> None:
        """Hand a batch to the wire if it is about to run dry.

        Args:
            extend: chains at the wire may be made longer. Only right when a transaction has just
                come back: then no other one can have failed without our knowledge.
        """
        if self._outstanding > _LOW_WATER:
            return
        wire = self.wire
        if wire.speed is None:
            return
        if self.lpm.state != "L0":
            if not self._outstanding:
                self._arm(None)
                self.lpm.idle.wake_up()
            return
        length = _FRAME[self._speed]
        frame = wire.frame
        now = self.kernel.now
        free = now + self._estimate
        if frame < 0:
            frame, end = 0, free + length
        else:
            end = wire.frame_time(frame + 1)
            if free >= end:
                late = (free - end) // length + 1
                frame += late
                end += late * length
        batch: list[Transaction] = []
        blocked = False
        for _ in range(2):
            budget = end - free
            for periodic in self._periodic:
                if periodic.ready_in(frame) and periodic.full_cost <= budget:
                    budget -= periodic.plan(batch, budget, frame)
            ready = [queue for queue in self._async if queue.ready(free, extend)]
            if ready:
                blocked = self._fill(batch, ready, budget, frame)
            if batch or not blocked:
                break
            free = end + _SOF[self._speed]
            frame += 1
            end += length
        if batch:
            for transaction in batch:
                self._estimate += transaction.tag.full_cost
            self._outstanding += len(batch)
            wire.submit(batch, self._done)
        elif not self._outstanding:
            self._arm(self._next_time(now))

    def _fill(
        self, batch: list[Transaction], ready: list[EndpointQueue], budget: int, frame: int
    ) -> bool:
        """Let the queues take turns; returns whether one found no room."""
        blocked = False
        count = len(ready)
        self._turn += 1
        first = self._turn % count
        for index in range(count):
            queue = ready[(first + index) % count]
            need = queue.full_cost + (queue.base_cost if queue.ping else 0)
            if need > budget:
                blocked = True
                continue
            share = max(budget // (count - index), need)
            budget -= queue.plan(batch, share, frame)
        return blocked

    def _next_time(self, now: int) -> int | None:
        """Return when something can be done next without news from the wire."""
        best: int | None = None
        for queue in self._async:
            if queue.urbs and not queue.outstanding and not queue.stopped:
                when = queue.retry_at
                if best is None or when < best:
                    best = when
        for periodic in self._periodic:
            due = periodic.next_time(self.wire.frame)
            if due is not None:
                when = self.wire.frame_time(due)
                if best is None or when < best:
                    best = when
        return None if best is None else max(best, now + us(1))

    def _arm(self, when: int | None) -> None:
        if self._timer is not None:
            if when == self._timer_at:
                return
            self._timer.cancel()
            self._timer = None
        if when is not None:
            self._timer_at = when
            self._timer = self.kernel.call_later(when - self.kernel.now, self._on_timer)


def _scatter(td: Td) -> None:
    """Copy received data into the scatter list."""
    offset = 0
    for piece in td.urb.sg or ():
        if isinstance(piece, bytes):
            break
        piece[:] = td.view[offset : offset + len(piece)]
        offset += len(piece)
