# SPDX-License-Identifier: Apache-2.0
"""Endpoints and requests of the gadget API (gadget-core.md sections 1 and 2).

`UsbEpOps` is what a controller driver implements per endpoint; the `usb_ep_*` functions are what
gadget functions call. An op that a driver leaves as it is counts as missing.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tb.kernel import Context, DmaBuffer, current, os_error
from tb.usb import EndpointCompanion, EndpointDescriptor

if TYPE_CHECKING:
    from .gadget import UsbGadget

__all__ = [
    "EpCaps",
    "UsbEp",
    "UsbEpOps",
    "UsbRequest",
    "alloc_ep_req",
    "free_ep_req",
    "has_op",
    "usb_ep_alloc_request",
    "usb_ep_clear_halt",
    "usb_ep_dequeue",
    "usb_ep_disable",
    "usb_ep_enable",
    "usb_ep_fifo_flush",
    "usb_ep_fifo_status",
    "usb_ep_free_request",
    "usb_ep_queue",
    "usb_ep_set_halt",
    "usb_ep_set_maxpacket_limit",
    "usb_ep_set_wedge",
    "usb_gadget_giveback_request",
]

log = logging.getLogger(__name__)

Buffer = bytes | bytearray | memoryview | DmaBuffer
Complete = Callable[["UsbEp", "UsbRequest"], None]


def has_op(ops: object, name: str) -> bool:
    """Tell whether a class derived from an ops base class implements an op itself."""
    for one in type(ops).__mro__:
        if name in vars(one):
            return not vars(one).get("OPS_BASE", False)
    return False


class UsbRequest:
    """One transfer that a function queues (gadget-core.md section 1).

    Attributes:
        buf: data; a DmaBuffer is used in place, plain bytes go through a buffer of the driver's.
        length: bytes to send or room to receive.
        zero: IN: end a transfer of whole packets with a zero-length packet.
        complete: plain function called once with (ep, request), in completion context.
        status: 0, or a negative errno as Linux has it; -EINPROGRESS while queued.
        actual: bytes moved.
    """

    __slots__ = (
        "actual",
        "buf",
        "complete",
        "context",
        "ep",
        "frame_number",
        "is_last",
        "length",
        "no_interrupt",
        "short_not_ok",
        "status",
        "stream_id",
        "udc_private",
        "zero",
    )

    def __init__(self, ep: UsbEp) -> None:
        """Use `usb_ep_alloc_request`."""
        self.ep = ep
        self.buf: Buffer | None = None
        self.length = 0
        self.stream_id = 0
        self.is_last = False
        self.no_interrupt = False
        self.zero = False
        self.short_not_ok = False
        self.complete: Complete | None = None
        self.context: Any = None
        self.frame_number = 0
        self.status = 0
        self.actual = 0
        self.udc_private: Any = None

    def data(self) -> memoryview:
        """Return the buffer as bytes of the CPU.

        Raises:
            OSError: EFAULT without a buffer, EBUSY while the device owns it.
        """
        if self.buf is None:
            raise os_error(errno.EFAULT, f"{self.ep.name}: request without a buffer")
        if isinstance(self.buf, DmaBuffer):
            return self.buf.data
        return memoryview(self.buf)


@dataclass
class EpCaps:
    """What an endpoint can do."""

    type_control: bool = False
    type_iso: bool = False
    type_bulk: bool = False
    type_int: bool = False
    dir_in: bool = False
    dir_out: bool = False


class UsbEpOps:
    """Endpoint operations of a controller driver."""

    OPS_BASE = True

    async def enable(self, ep: UsbEp, desc: EndpointDescriptor) -> None:
        """Start the endpoint; it NAKs until a request is queued."""
        raise NotImplementedError

    async def disable(self, ep: UsbEp) -> None:
        """Stop it; every request has completed with -ESHUTDOWN when this returns."""
        raise NotImplementedError

    def alloc_request(self, ep: UsbEp) -> UsbRequest | None:
        """Make a request."""
        return UsbRequest(ep)

    def free_request(self, ep: UsbEp, request: UsbRequest) -> None:
        """Free a request that is not queued."""

    def queue(self, ep: UsbEp, request: UsbRequest) -> None:
        """Queue a request."""
        raise NotImplementedError

    def dequeue(self, ep: UsbEp, request: UsbRequest) -> None:
        """Take a request back; it completes with -ECONNRESET, perhaps later."""
        raise NotImplementedError

    async def set_halt(self, ep: UsbEp, value: bool) -> None:
        """Halt or un-halt."""
        raise NotImplementedError

    async def set_wedge(self, ep: UsbEp) -> None:
        """Halt so that the host cannot clear it."""

    async def fifo_status(self, ep: UsbEp) -> int:
        """Return the number of bytes in the FIFO."""
        return 0

    async def fifo_flush(self, ep: UsbEp) -> None:
        """Empty the FIFO."""

    def dispose(self, ep: UsbEp) -> None:
        """Forget a dynamic endpoint."""


class UsbEp:
    """An endpoint of a gadget (gadget-core.md section 2).

    Attributes:
        address: bEndpointAddress once claimed; 0 for ep0.
        maxpacket, maxpacket_limit: bytes.
        max_streams: exponent, 2**n streams (S000-03).
        stall_status: ep0 only: set in a completion handler to answer the status stage with STALL.
    """

    def __init__(self, gadget: UsbGadget, name: str, ops: UsbEpOps, caps: EpCaps) -> None:
        """Belong to a gadget; `usb_ep_set_maxpacket_limit` follows."""
        self.gadget = gadget
        self.name = name
        self.ops = ops
        self.caps = caps
        self.driver_data: Any = None
        self.claimed = False
        self.enabled = False
        self.maxpacket = 0
        self.maxpacket_limit = 0
        self.max_streams = 0
        self.mult = 0
        self.maxburst = 0
        self.address = 0
        self.desc: EndpointDescriptor | None = None
        self.comp_desc: EndpointCompanion | None = None
        self.stall_status = False

    def __repr__(self) -> str:
        """Return the name for messages."""
        return f"<{self.name} address 0x{self.address:02x}>"

    @property
    def is_in(self) -> bool:
        """True for an endpoint that sends to the host."""
        return bool(self.address & 0x80)


def usb_ep_set_maxpacket_limit(ep: UsbEp, limit: int) -> None:
    """Set the largest packet that the hardware can do, and maxpacket with it."""
    ep.maxpacket_limit = limit
    ep.maxpacket = limit


async def usb_ep_enable(ep: UsbEp) -> None:
    """Start an endpoint with the descriptor `config_ep_by_speed` chose.

    Raises:
        OSError: EINVAL without descriptor or maxpacket; else what the driver says.
    """
    if ep.enabled:
        return
    if ep.desc is None or ep.desc.maxp == 0:
        raise os_error(
            errno.EINVAL,
            f"{ep.name} has no descriptor or a maxpacket of 0; call config_ep_by_speed first",
        )
    await ep.ops.enable(ep, ep.desc)
    ep.enabled = True


async def usb_ep_disable(ep: UsbEp) -> None:
    """Stop an endpoint; its requests have completed with -ESHUTDOWN when this returns."""
    if not ep.enabled:
        return
    await ep.ops.disable(ep)
    ep.enabled = False


def usb_ep_alloc_request(ep: UsbEp) -> UsbRequest:
    """Make a request for an endpoint.

    Raises:
        OSError: ENOMEM where Linux returns null.
    """
    request = ep.ops.alloc_request(ep)
    if request is None:
        raise os_error(errno.ENOMEM, f"{ep.name}: no memory for a request")
    request.ep = ep
    return request


def usb_ep_free_request(ep: UsbEp, request: UsbRequest) -> None:
    """Free a request that is not queued."""
    ep.ops.free_request(ep, request)


def usb_ep_queue(ep: UsbEp, request: UsbRequest) -> None:
    """Queue a request (S004-46 to S004-48); returns at once.

    Raises:
        OSError: ESHUTDOWN if the endpoint is not enabled (ep0 always is); else the driver's.
    """
    if not ep.enabled and ep.address != 0:
        raise os_error(
            errno.ESHUTDOWN, f"{ep.name} is not enabled; usb_ep_enable it before queueing"
        )
    ep.ops.queue(ep, request)


def usb_ep_dequeue(ep: UsbEp, request: UsbRequest) -> None:
    """Take a queued request back; it completes with -ECONNRESET, perhaps after the return.

    Raises:
        OSError: EINVAL if it is not queued here.
    """
    ep.ops.dequeue(ep, request)


async def usb_ep_set_halt(ep: UsbEp) -> None:
    """Answer the endpoint's tokens with STALL.

    Raises:
        OSError: EAGAIN for an IN endpoint with data still to send, EINVAL for isochronous ones.
    """
    await ep.ops.set_halt(ep, True)


async def usb_ep_clear_halt(ep: UsbEp) -> None:
    """End a halt or wedge; the data toggle starts at DATA0."""
    await ep.ops.set_halt(ep, False)


async def usb_ep_set_wedge(ep: UsbEp) -> None:
    """Halt so that only the driver can clear it."""
    if has_op(ep.ops, "set_wedge"):
        await ep.ops.set_wedge(ep)
    else:
        await ep.ops.set_halt(ep, True)


async def usb_ep_fifo_status(ep: UsbEp) -> int:
    """Return the number of bytes in the endpoint's FIFO.

    Raises:
        OSError: EOPNOTSUPP if the driver cannot tell.
    """
    if not has_op(ep.ops, "fifo_status"):
        raise os_error(errno.EOPNOTSUPP, f"{ep.name}: the driver has no fifo_status")
    return await ep.ops.fifo_status(ep)


async def usb_ep_fifo_flush(ep: UsbEp) -> None:
    """Empty the endpoint's FIFO, if the driver can."""
    if has_op(ep.ops, "fifo_flush"):
        await ep.ops.fifo_flush(ep)


def usb_gadget_giveback_request(ep: UsbEp, request: UsbRequest) -> None:
    """Call the completion handler, in completion context (it may not sleep)."""
    if request.complete is not None:
        current().in_atomic(Context.COMPLETION, request.complete, ep, request)


def alloc_ep_req(ep: UsbEp, length: int) -> UsbRequest:
    """Make a request with a buffer that the controller's DMA reaches, if it has DMA.

    Raises:
        OSError: ENOMEM.
    """
    request = usb_ep_alloc_request(ep)
    request.length = length
    pool = ep.gadget.dma
    # Whole packets, so that the hardware can receive into it without a copy.
    packet = max(ep.maxpacket, 4)
    room = -(-max(length, 1) // packet) * packet
    request.buf = bytearray(length) if pool is None else pool.alloc(room)
    return request


def free_ep_req(ep: UsbEp, request: UsbRequest) -> None:
    """Free a request of `alloc_ep_req` and its buffer."""
    if isinstance(request.buf, DmaBuffer) and ep.gadget.dma is not None:
        ep.gadget.dma.free(request.buf)
    request.buf = None
    usb_ep_free_request(ep, request)
