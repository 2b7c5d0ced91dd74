# SPDX-License-Identifier: Apache-2.0
"""The USB request block: its fields, flags, pipes and fill helpers (facts host-urb sections 1, 2).

Numbers are Linux's: `status` is 0 or a negative errno, as in a Linux completion handler; errors
of calls are raised as `OSError`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tb.kernel import WaitQueue, os_error
from tb.usb import Speed, TransferType

if TYPE_CHECKING:
    from .anchor import UsbAnchor
    from .device import HostEndpoint, UsbDevice

__all__ = [
    "PIPE_BULK",
    "PIPE_CONTROL",
    "PIPE_INTERRUPT",
    "PIPE_ISOCHRONOUS",
    "URB_DIR_IN",
    "URB_FREE_BUFFER",
    "URB_ISO_ASAP",
    "URB_NO_INTERRUPT",
    "URB_NO_TRANSFER_DMA_MAP",
    "URB_SHORT_NOT_OK",
    "URB_ZERO_PACKET",
    "Buffer",
    "IsoPacketDescriptor",
    "Urb",
    "describe_pipe",
    "make_pipe",
    "usb_alloc_urb",
    "usb_fill_bulk_urb",
    "usb_fill_control_urb",
    "usb_fill_int_urb",
    "usb_free_urb",
    "usb_get_urb",
    "usb_init_urb",
    "usb_pipe_endpoint",
    "usb_pipecontrol",
    "usb_pipedevice",
    "usb_pipeendpoint",
    "usb_pipein",
    "usb_pipetype",
    "usb_put_urb",
    "usb_rcvbulkpipe",
    "usb_rcvctrlpipe",
    "usb_rcvintpipe",
    "usb_rcvisocpipe",
    "usb_sndbulkpipe",
    "usb_sndctrlpipe",
    "usb_sndintpipe",
    "usb_sndisocpipe",
]

URB_SHORT_NOT_OK = 0x0001
URB_ISO_ASAP = 0x0002
URB_NO_TRANSFER_DMA_MAP = 0x0004
URB_ZERO_PACKET = 0x0040
URB_NO_INTERRUPT = 0x0080
URB_FREE_BUFFER = 0x0100
URB_DIR_IN = 0x0200

PIPE_ISOCHRONOUS = 0
PIPE_INTERRUPT = 1
PIPE_CONTROL = 2
PIPE_BULK = 3
_PIPE_NAMES = ("isochronous", "interrupt", "control", "bulk")
_PIPE_OF_TYPE = {
    TransferType.CONTROL: PIPE_CONTROL,
    TransferType.ISOCHRONOUS: PIPE_ISOCHRONOUS,
    TransferType.BULK: PIPE_BULK,
    TransferType.INTERRUPT: PIPE_INTERRUPT,
}
_DIR_IN = 0x80

Buffer = bytes | bytearray | memoryview
CompletionHandler = Callable[["Urb"], object]


class IsoPacketDescriptor:
    """One packet of an isochronous URB (S003-62): place and length, then what came of it."""

    __slots__ = ("actual_length", "length", "offset", "status")

    def __init__(self) -> None:
        """Start empty."""
        self.offset = 0
        self.length = 0
        self.actual_length = 0
        self.status = 0


class Urb:
    """Everything needed for one transfer, and what came of it (S003-02).

    Attributes:
        dev: the device.
        pipe: type, direction, address and endpoint, made by `usb_sndbulkpipe` and its kin.
        stream_id: bulk stream, 0 for none.
        status: 0 or a negative errno; valid in the handler.
        transfer_flags: URB_*.
        transfer_buffer: bytes to send, or a writable buffer to receive into.
        transfer_buffer_length: bytes to move.
        actual_length: bytes moved.
        setup_packet: the 8 bytes of a control transfer.
        start_frame, number_of_packets, interval, error_count: of periodic transfers; the interval
            is in frames (full speed) or microframes (high speed).
        context: free for the driver.
        complete: plain function of one argument, the URB; called once per submission.
        iso_frame_desc: packets of an isochronous URB.
        ep: endpoint, found at submission.
        hcpriv: not None from submission to giveback.
        reject: above 0, submissions fail with EPERM.
        use_count: submissions whose handler has not returned yet.
        unlinked: status that an accepted unlink asked for.
    """

    __slots__ = (
        "actual_length",
        "anchor",
        "complete",
        "context",
        "dev",
        "ep",
        "error_count",
        "hcpriv",
        "interval",
        "iso_frame_desc",
        "kref",
        "num_sgs",
        "number_of_packets",
        "pipe",
        "reject",
        "setup_packet",
        "sg",
        "start_frame",
        "status",
        "stream_id",
        "transfer_buffer",
        "transfer_buffer_length",
        "transfer_flags",
        "unlinked",
        "use_count",
        "wait",
    )

    def __init__(self, iso_packets: int = 0) -> None:
        """Use `usb_alloc_urb`."""
        self.kref = 1
        self.unlinked = 0
        self.hcpriv: Any = None
        self.use_count = 0
        self.reject = 0
        self.anchor: UsbAnchor | None = None
        self.dev: UsbDevice | None = None
        self.ep: HostEndpoint | None = None
        self.pipe = 0
        self.stream_id = 0
        self.status = 0
        self.transfer_flags = 0
        self.transfer_buffer: Buffer | None = None
        self.sg: list[Buffer] | None = None
        self.num_sgs = 0
        self.transfer_buffer_length = 0
        self.actual_length = 0
        self.setup_packet: bytes | None = None
        self.start_frame = 0
        self.number_of_packets = 0
        self.interval = 0
        self.error_count = 0
        self.context: Any = None
        self.complete: CompletionHandler | None = None
        self.iso_frame_desc = [IsoPacketDescriptor() for _ in range(iso_packets)]
        self.wait: WaitQueue | None = None

    @property
    def is_in(self) -> bool:
        """True if data go to the host; a control URB tells by its setup packet."""
        return bool(self.transfer_flags & URB_DIR_IN)

    def __repr__(self) -> str:
        """Return pipe, length and status."""
        return (
            f"<Urb {describe_pipe(self.pipe)} {self.actual_length}/{self.transfer_buffer_length}"
            f" status {self.status}>"
        )


def usb_alloc_urb(iso_packets: int = 0) -> Urb:
    """Return a new URB with room for isochronous packets, with one reference (S003-27).

    Raises:
        OSError: EINVAL for a negative number of packets.
    """
    if iso_packets < 0:
        raise os_error(errno.EINVAL, f"usb_alloc_urb: {iso_packets} packets; 0 or more is right")
    return Urb(iso_packets)


def usb_init_urb(urb: Urb) -> None:
    """Put every field back to what `usb_alloc_urb` gives; the isochronous packets stay."""
    packets = len(urb.iso_frame_desc)
    urb.__init__(packets)  # type: ignore[misc]


def usb_get_urb(urb: Urb | None) -> Urb | None:
    """Take a reference."""
    if urb is not None:
        urb.kref += 1
    return urb


def usb_free_urb(urb: Urb | None) -> None:
    """Drop a reference; a URB that is under way is freed when it is done. None is ignored."""
    if urb is None:
        return
    urb.kref -= 1
    if urb.kref == 0 and urb.transfer_flags & URB_FREE_BUFFER:
        urb.transfer_buffer = None


usb_put_urb = usb_free_urb


def make_pipe(kind: int, device: int, endpoint: int, is_in: bool) -> int:
    """Return a pipe (S003-15): type 31:30, endpoint 18:15, device 14:8, direction 7."""
    return kind << 30 | (endpoint & 0xF) << 15 | (device & 0x7F) << 8 | (_DIR_IN if is_in else 0)


def usb_pipetype(pipe: int) -> int:
    """Return the type: PIPE_*."""
    return pipe >> 30 & 3


def usb_pipecontrol(pipe: int) -> bool:
    """Tell whether it is a control pipe."""
    return pipe >> 30 & 3 == PIPE_CONTROL


def usb_pipein(pipe: int) -> bool:
    """Tell whether it goes to the host."""
    return bool(pipe & _DIR_IN)


def usb_pipedevice(pipe: int) -> int:
    """Return the device address."""
    return pipe >> 8 & 0x7F


def usb_pipeendpoint(pipe: int) -> int:
    """Return the endpoint number, without direction."""
    return pipe >> 15 & 0xF


def describe_pipe(pipe: int) -> str:
    """Return a pipe as text for messages, e.g. "bulk ep1in of device 2"."""
    way = "" if usb_pipecontrol(pipe) else "in" if usb_pipein(pipe) else "out"
    return (
        f"{_PIPE_NAMES[usb_pipetype(pipe)]} ep{usb_pipeendpoint(pipe)}{way}"
        f" of device {usb_pipedevice(pipe)}"
    )


def usb_pipe_endpoint(dev: UsbDevice, pipe: int) -> HostEndpoint | None:
    """Return the endpoint that a pipe leads to, None if the device has none there now."""
    table = dev.ep_in if pipe & _DIR_IN else dev.ep_out
    return table[pipe >> 15 & 0xF]


def pipe_of(dev: UsbDevice, endpoint: HostEndpoint) -> int:
    """Return the pipe of an endpoint."""
    desc = endpoint.desc
    return make_pipe(_PIPE_OF_TYPE[desc.transfer_type], dev.devnum, desc.number, desc.is_in)


def usb_sndctrlpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return a control pipe, OUT."""
    return make_pipe(PIPE_CONTROL, dev.devnum, endpoint, False)


def usb_rcvctrlpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return a control pipe, IN."""
    return make_pipe(PIPE_CONTROL, dev.devnum, endpoint, True)


def usb_sndbulkpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return a bulk pipe, OUT."""
    return make_pipe(PIPE_BULK, dev.devnum, endpoint, False)


def usb_rcvbulkpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return a bulk pipe, IN."""
    return make_pipe(PIPE_BULK, dev.devnum, endpoint, True)


def usb_sndintpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return an interrupt pipe, OUT."""
    return make_pipe(PIPE_INTERRUPT, dev.devnum, endpoint, False)


def usb_rcvintpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return an interrupt pipe, IN."""
    return make_pipe(PIPE_INTERRUPT, dev.devnum, endpoint, True)


def usb_sndisocpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return an isochronous pipe, OUT."""
    return make_pipe(PIPE_ISOCHRONOUS, dev.devnum, endpoint, False)


def usb_rcvisocpipe(dev: UsbDevice, endpoint: int) -> int:
    """Return an isochronous pipe, IN."""
    return make_pipe(PIPE_ISOCHRONOUS, dev.devnum, endpoint, True)


def usb_fill_control_urb(
    urb: Urb,
    dev: UsbDevice,
    pipe: int,
    setup_packet: bytes,
    transfer_buffer: Buffer | None,
    buffer_length: int,
    complete: CompletionHandler | None,
    context: Any = None,
) -> None:
    """Set the fields of a control transfer; other fields stay as they are."""
    urb.setup_packet = setup_packet
    usb_fill_bulk_urb(urb, dev, pipe, transfer_buffer, buffer_length, complete, context)


def usb_fill_bulk_urb(
    urb: Urb,
    dev: UsbDevice,
    pipe: int,
    transfer_buffer: Buffer | None,
    buffer_length: int,
    complete: CompletionHandler | None,
    context: Any = None,
) -> None:
    """Set the fields of a bulk transfer; other fields stay as they are."""
    urb.dev = dev
    urb.pipe = pipe
    urb.transfer_buffer = transfer_buffer
    urb.transfer_buffer_length = buffer_length
    urb.complete = complete
    urb.context = context


def usb_fill_int_urb(
    urb: Urb,
    dev: UsbDevice,
    pipe: int,
    transfer_buffer: Buffer | None,
    buffer_length: int,
    complete: CompletionHandler | None,
    context: Any = None,
    interval: int = 1,
) -> None:
    """Set the fields of an interrupt transfer; `interval` is the endpoint's bInterval.

    High and SuperSpeed: clamped to 1..16, then 2^(interval-1) microframes; else frames as given.
    """
    usb_fill_bulk_urb(urb, dev, pipe, transfer_buffer, buffer_length, complete, context)
    if dev.speed == Speed.HIGH or dev.speed >= Speed.SUPER:
        interval = 1 << min(max(interval, 1), 16) - 1
    urb.interval = interval
    urb.start_frame = -1
