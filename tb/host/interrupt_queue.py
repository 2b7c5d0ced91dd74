# SPDX-License-Identifier: Apache-2.0
"""Interrupt endpoints: polled in every period-th (micro)frame (facts host-urb section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymodel.wire import Transaction

from .bandwidth import usb_calc_bus_time
from .queues import BulkQueue
from .urb import Urb

if TYPE_CHECKING:
    from .device import HostEndpoint, UsbDevice
    from .hcd import Hcd

__all__ = ["InterruptQueue"]


class InterruptQueue(BulkQueue):
    """An interrupt endpoint.

    Attributes:
        period: (micro)frames between polls; 0 while no bandwidth is reserved.
        phase: polls take place where frame modulo period is this.
        due: frame of the next poll.
    """

    periodic = True

    def __init__(self, hcd: Hcd, dev: UsbDevice, ep: HostEndpoint) -> None:
        """Make the queue of an endpoint."""
        super().__init__(hcd, dev, ep)
        self.period = 0
        self.phase = 0
        self.due = 0
        self.mult = ep.desc.maxp_mult if self.high_speed else 1
        self.time_ns = usb_calc_bus_time(dev.speed, ep.is_in, False, self.maxp * self.mult)

    def add(self, urb: Urb) -> None:
        """Append a URB; the first one reserves bandwidth.

        Raises:
            OSError: ENOSPC if there is none left.
        """
        if not self.period:
            self.phase = self.hcd.table.reserve(urb.interval, self.time_ns, repr(self.ep))
            self.period = urb.interval
            self.align(self.hcd.frame() + 1)
        super().add(urb)
        urb.interval = self.period
        urb.start_frame = self.due

    def align(self, frame: int) -> None:
        """Let the next poll be the first one not before a frame."""
        self.due = frame + (self.phase - frame) % self.period

    def release(self) -> None:
        """Give the bandwidth back if nothing is queued any more."""
        if self.period and not self.urbs:
            self.hcd.table.release(self.period, self.phase, self.time_ns)
            self.period = 0

    def next_time(self, frame: int) -> int | None:
        """Return the frame after `frame` in which to poll next, None while there is no need."""
        if not self.urbs or self.stopped or self.outstanding:
            return None
        if self.due <= frame:
            self.align(frame + 1)
        return self.due

    def ready_in(self, frame: int) -> bool:
        """Tell whether to poll in a frame; polls that were missed are left out."""
        if not self.urbs or self.stopped or self.broken or self.outstanding or not self.period:
            return False
        if self.due < frame:
            self.align(frame)
        return self.due == frame

    def plan(self, batch: list[Transaction], budget: int, frame: int) -> int:
        """Plan the poll of a frame: at most `mult` packets, all of the first URB."""
        self.replan()
        count = len(batch)
        td = self.urbs[0]
        most = min(self.mult, td.packets - td.done)
        used = super().plan(batch, most * self.full_cost, frame)
        extra = len(batch) - count - most
        if extra > 0:
            # Short packets cost less: super may have gone on into the next URB.
            del batch[-extra:]
            self.outstanding -= extra
            self.broken = True
        for transaction in batch[count:]:
            transaction.frame = frame
        self.due = frame + self.period
        return used

    def nak(self) -> None:
        """The next poll is due one period later anyway."""
        self.naks += 1
