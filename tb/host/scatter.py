# SPDX-License-Identifier: Apache-2.0
"""Scatter-gather requests: a list of buffers moved as one transfer, a URB each."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from tb.kernel import Completion, might_sleep, os_error
from tb.usb import TransferType

from .device import UsbDevice
from .submit import usb_submit_urb, usb_unlink_urb
from .urb import (
    URB_NO_INTERRUPT,
    URB_SHORT_NOT_OK,
    Buffer,
    Urb,
    describe_pipe,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_pipe_endpoint,
    usb_pipein,
)

__all__ = ["UsbSgRequest", "usb_sg_cancel", "usb_sg_init", "usb_sg_wait"]


class UsbSgRequest:
    """A scatter-gather request.

    Attributes:
        status: 0, or the negative errno of the first URB that failed.
        bytes: bytes moved.
        urbs: one per buffer.
    """

    def __init__(self, dev: UsbDevice, pipe: int, buffers: Sequence[Buffer], period: int) -> None:
        """Use `usb_sg_init`."""
        self.status = 0
        self.bytes = 0
        self.pipe = pipe
        self.urbs: list[Urb] = []
        self._left = 0
        self._done = Completion(f"scatter list, {describe_pipe(pipe)}")
        for buffer in buffers:
            urb = usb_alloc_urb(0)
            usb_fill_bulk_urb(urb, dev, pipe, buffer, len(buffer), self._complete)
            urb.interval = period
            urb.transfer_flags = URB_NO_INTERRUPT
            if usb_pipein(pipe):
                urb.transfer_flags |= URB_SHORT_NOT_OK
            self.urbs.append(urb)
        self.urbs[-1].transfer_flags &= ~URB_NO_INTERRUPT

    def _complete(self, urb: Urb) -> None:
        self.bytes += urb.actual_length
        if urb.status and not self.status:
            self.status = urb.status
            self._unlink_all()
        self._left -= 1
        if not self._left:
            self._done.complete()

    def _unlink_all(self) -> None:
        for urb in reversed(self.urbs):
            if urb.hcpriv is not None and not urb.unlinked:
                usb_unlink_urb(urb)

    def cancel(self) -> None:
        """End it with -ECONNRESET."""
        if not self.status:
            self.status = -errno.ECONNRESET
            self._unlink_all()

    async def wait(self) -> None:
        """Submit the URBs and wait for all; what failed first is in `status`."""
        for urb in self.urbs:
            if self.status:
                break
            self._left += 1
            try:
                usb_submit_urb(urb)
            except OSError as error:
                self._left -= 1
                self.status = -(error.errno or errno.EIO)
                self._unlink_all()
        if self._left:
            await self._done.wait()


def usb_sg_init(
    dev: UsbDevice, pipe: int, buffers: Sequence[Buffer], period: int = 0
) -> UsbSgRequest:
    """Prepare a scatter-gather request on a bulk or interrupt pipe.

    Args:
        dev: the device.
        pipe: bulk or interrupt.
        buffers: at least one.
        period: interval of an interrupt pipe.

    Raises:
        OSError: EINVAL for a control or isochronous pipe, no such endpoint, or no buffers.
    """
    ep = usb_pipe_endpoint(dev, pipe)
    if ep is None or ep.type not in (TransferType.BULK, TransferType.INTERRUPT) or not buffers:
        raise os_error(
            errno.EINVAL,
            f"usb_sg_init: {describe_pipe(pipe)}, {len(buffers)} buffers; "
            "a bulk or interrupt pipe and at least one buffer are needed",
        )
    return UsbSgRequest(dev, pipe, buffers, period)


async def usb_sg_wait(request: UsbSgRequest) -> int:
    """Run a request to its end.

    Returns:
        Bytes moved.

    Raises:
        OSError: status of the first URB that failed: EREMOTEIO for a short packet, ECONNRESET
            after `usb_sg_cancel`, ...
    """
    might_sleep()
    await request.wait()
    if request.status:
        raise os_error(
            -request.status, f"{describe_pipe(request.pipe)}: scatter list, {request.bytes} bytes"
        )
    return request.bytes


def usb_sg_cancel(request: UsbSgRequest) -> None:
    """End a request that another task waits for."""
    request.cancel()
