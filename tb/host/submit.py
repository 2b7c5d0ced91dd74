# SPDX-License-Identifier: Apache-2.0
"""Submitting and cancelling URBs (facts host-urb sections 3 and 4)."""

from __future__ import annotations

import errno
import logging

from tb.kernel import WaitQueue, might_sleep, os_error
from tb.usb import DeviceState, Speed, TransferType

from .device import HostEndpoint, UsbDevice
from .urb import (
    URB_DIR_IN,
    URB_FREE_BUFFER,
    URB_ISO_ASAP,
    URB_NO_INTERRUPT,
    URB_NO_TRANSFER_DMA_MAP,
    URB_SHORT_NOT_OK,
    URB_ZERO_PACKET,
    Urb,
    describe_pipe,
    usb_get_urb,
    usb_pipe_endpoint,
    usb_put_urb,
)

__all__ = [
    "usb_block_urb",
    "usb_kill_urb",
    "usb_poison_urb",
    "usb_submit_urb",
    "usb_unblock_urb",
    "usb_unlink_urb",
    "usb_unpoison_urb",
]

log = logging.getLogger(__name__)

_INT_MAX = 0x7FFFFFFF
_TYPE_OF_PIPE = (
    TransferType.ISOCHRONOUS,
    TransferType.INTERRUPT,
    TransferType.CONTROL,
    TransferType.BULK,
)
_ALWAYS = URB_NO_TRANSFER_DMA_MAP | URB_NO_INTERRUPT | URB_DIR_IN | URB_FREE_BUFFER | 0x00FF0000
_USUAL = URB_DIR_IN


def usb_submit_urb(urb: Urb) -> None:
    """Queue a URB; returns before anything happens on the bus (S003-03).

    Either this raises, or the handler is called, once.

    Raises:
        OSError: EINVAL (no URB or handler, bad interval), EBUSY (active already), ENODEV (device
            gone or not configured), ENOENT (no such endpoint now), ENOEXEC (no setup packet of
            8 bytes), EBADR (wLength is not the buffer length), EMSGSIZE (endpoint of packet size
            0, buffer length negative, beyond 2^31 - 1 or beyond the buffer), EPERM (rejected),
            EHOSTUNREACH (suspended), ESHUTDOWN (controller stopped), ENOSPC (no bandwidth left),
            EFBIG (isochronous: reaches too far ahead).
    """
    if urb is None or urb.complete is None:
        raise os_error(errno.EINVAL, "usb_submit_urb: a URB with a completion handler is needed")
    if urb.hcpriv is not None:
        raise os_error(errno.EBUSY, f"{describe_pipe(urb.pipe)}: the URB is active already")
    dev = urb.dev
    if dev is None or dev.state < DeviceState.UNAUTHENTICATED:
        raise os_error(errno.ENODEV, f"{describe_pipe(urb.pipe)}: the device is not there")
    ep = usb_pipe_endpoint(dev, urb.pipe)
    if ep is None:
        raise os_error(
            errno.ENOENT, f"{describe_pipe(urb.pipe)}: no such endpoint in the present setting"
        )
    urb.ep = ep
    urb.status = -errno.EINPROGRESS
    urb.actual_length = 0
    kind = ep.type
    length = urb.transfer_buffer_length
    if kind is TransferType.CONTROL:
        is_in = _check_control(urb, length)
    else:
        is_in = ep.is_in
        if dev.state < DeviceState.CONFIGURED:
            raise os_error(errno.ENODEV, f"{describe_pipe(urb.pipe)}: the device is not configured")
    if is_in:
        urb.transfer_flags |= URB_DIR_IN
    else:
        urb.transfer_flags &= ~URB_DIR_IN
    if ep.maxp == 0:
        raise os_error(errno.EMSGSIZE, f"{describe_pipe(urb.pipe)}: wMaxPacketSize is 0")
    if kind is TransferType.ISOCHRONOUS:
        _check_iso(urb, ep, dev)
    if not 0 <= length <= _INT_MAX:
        raise os_error(errno.EMSGSIZE, f"{describe_pipe(urb.pipe)}: length {length}")
    _check_buffer(urb, length, is_in)
    if _TYPE_OF_PIPE[urb.pipe >> 30 & 3] is not kind:
        log.warning(
            "BOGUS urb xfer, pipe %s but the endpoint is %s", describe_pipe(urb.pipe), kind.name
        )
    if urb.transfer_flags & ~_USUAL:
        _check_flags(urb, kind, is_in)
    if kind is TransferType.INTERRUPT or kind is TransferType.ISOCHRONOUS:
        _round_interval(urb, dev, kind)
    dev.bus.hcd.submit(urb, ep)


def _check_control(urb: Urb, length: int) -> bool:
    setup = urb.setup_packet
    if setup is None or len(setup) != 8:
        raise os_error(
            errno.ENOEXEC, f"{describe_pipe(urb.pipe)}: a setup packet of 8 bytes is needed"
        )
    wanted = setup[6] | setup[7] << 8
    is_in = bool(setup[0] & 0x80) and wanted != 0
    if is_in != bool(urb.pipe & 0x80):
        log.warning(
            "BOGUS control dir, pipe %s but bmRequestType 0x%02x, wLength %d",
            describe_pipe(urb.pipe), setup[0], wanted,
        )  # fmt: skip
    if wanted != length:
        raise os_error(
            errno.EBADR,
            f"{describe_pipe(urb.pipe)}: wLength {wanted}, but transfer_buffer_length {length}",
        )
    return is_in


def _check_iso(urb: Urb, ep: HostEndpoint, dev: UsbDevice) -> None:
    largest = ep.maxp * (ep.desc.maxp_mult if dev.speed == Speed.HIGH else 1)
    if not 0 < urb.number_of_packets <= len(urb.iso_frame_desc):
        raise os_error(
            errno.EINVAL,
            f"{describe_pipe(urb.pipe)}: number_of_packets {urb.number_of_packets}; the URB has "
            f"room for 1 to {len(urb.iso_frame_desc)}",
        )
    for index, packet in enumerate(urb.iso_frame_desc[: urb.number_of_packets]):
        if not 0 <= packet.length <= largest:
            raise os_error(
                errno.EMSGSIZE,
                f"{describe_pipe(urb.pipe)}: packet {index} of {packet.length} bytes; "
                f"the endpoint takes 0 to {largest}",
            )
        if packet.offset < 0 or packet.offset + packet.length > urb.transfer_buffer_length:
            raise os_error(
                errno.EMSGSIZE,
                f"{describe_pipe(urb.pipe)}: packet {index} is bytes {packet.offset} to "
                f"{packet.offset + packet.length} of a buffer of {urb.transfer_buffer_length}",
            )
        packet.status = -errno.EXDEV
        packet.actual_length = 0


def _check_buffer(urb: Urb, length: int, is_in: bool) -> None:
    """What would be a memory fault in C is an error here."""
    if urb.num_sgs or not length:
        return
    buffer = urb.transfer_buffer
    if buffer is None or len(buffer) < length:
        have = "none" if buffer is None else f"{len(buffer)} bytes"
        raise os_error(
            errno.EMSGSIZE, f"{describe_pipe(urb.pipe)}: {length} bytes to move, buffer: {have}"
        )
    if is_in and memoryview(buffer).readonly:
        raise os_error(
            errno.EFAULT, f"{describe_pipe(urb.pipe)}: cannot receive into a read-only buffer"
        )


def _check_flags(urb: Urb, kind: TransferType, is_in: bool) -> None:
    """Flags that do not fit are reported, and ignored (facts host-urb section 2)."""
    allowed = _ALWAYS
    if kind is TransferType.ISOCHRONOUS:
        allowed |= URB_ISO_ASAP
    elif is_in:
        allowed |= URB_SHORT_NOT_OK
    elif kind is not TransferType.CONTROL:
        allowed |= URB_ZERO_PACKET
    wrong = urb.transfer_flags & ~allowed
    if wrong:
        log.warning("BOGUS urb flags, 0x%x do not fit %s", wrong, describe_pipe(urb.pipe))


def _round_interval(urb: Urb, dev: UsbDevice, kind: TransferType) -> None:
    """Check 11: to a power of two, not above what the schedule of the speed can do."""
    interval = urb.interval
    where = describe_pipe(urb.pipe)
    if interval <= 0:
        raise os_error(errno.EINVAL, f"{where}: interval {interval}; 1 or more is right")
    if dev.speed >= Speed.SUPER:
        if interval > 1 << 15:
            raise os_error(errno.EINVAL, f"{where}: interval {interval} above 32768 microframes")
        limit = 1 << 15
    elif dev.speed == Speed.HIGH:
        limit = 1024 * 8
    elif kind is TransferType.INTERRUPT:
        if interval > 255:
            raise os_error(errno.EINVAL, f"{where}: interval {interval} above 255 frames")
        limit = 128
    else:
        limit = 1024
    interval = min(interval, limit)
    urb.interval = 1 << interval.bit_length() - 1


def usb_unlink_urb(urb: Urb | None) -> int:
    """Ask for the end of a URB without waiting; its handler sees -ECONNRESET.

    Returns:
        -EINPROGRESS: the unlink has begun.

    Raises:
        OSError: EINVAL (no URB), ENODEV (no device), EIDRM (never submitted or given back
            already), EBUSY (being unlinked already).
    """
    if urb is None:
        raise os_error(errno.EINVAL, "usb_unlink_urb: no URB")
    if urb.dev is None:
        raise os_error(errno.ENODEV, "usb_unlink_urb: the URB has no device")
    if urb.ep is None:
        raise os_error(errno.EIDRM, "usb_unlink_urb: the URB was never submitted")
    urb.dev.bus.hcd.unlink(urb, -errno.ECONNRESET)
    return -errno.EINPROGRESS


def _idle(urb: Urb) -> bool:
    return urb.use_count == 0


async def _stop(urb: Urb) -> None:
    """Unlink with -ENOENT and wait until no handler of it runs."""
    might_sleep()
    if urb.use_count and urb.dev is not None:
        try:
            urb.dev.bus.hcd.unlink(urb, -errno.ENOENT)
        except OSError:
            pass
    if urb.use_count:
        if urb.wait is None:
            urb.wait = WaitQueue(f"kill {describe_pipe(urb.pipe)}")
        await urb.wait.wait_event(lambda: _idle(urb))


async def usb_kill_urb(urb: Urb | None) -> None:
    """End a URB and wait until its handler, which sees -ENOENT, has returned.

    Submissions meanwhile fail with EPERM.
    """
    if urb is None or urb.dev is None or urb.ep is None:
        return
    urb.reject += 1
    usb_get_urb(urb)
    try:
        await _stop(urb)
    finally:
        urb.reject -= 1
        usb_put_urb(urb)


async def usb_poison_urb(urb: Urb | None) -> None:
    """Like `usb_kill_urb`, but submissions fail until `usb_unpoison_urb`."""
    if urb is None:
        return
    urb.reject += 1
    if urb.dev is None or urb.ep is None:
        return
    await _stop(urb)


def usb_unpoison_urb(urb: Urb | None) -> None:
    """Undo one `usb_poison_urb` or `usb_block_urb`."""
    if urb is not None:
        urb.reject = max(urb.reject - 1, 0)


def usb_block_urb(urb: Urb | None) -> None:
    """Reject submissions from now on; what is under way goes on."""
    if urb is not None:
        urb.reject += 1


usb_unblock_urb = usb_unpoison_urb
