# SPDX-License-Identifier: Apache-2.0
"""Synchronous transfers and standard requests (facts host-urb sections 6 and 12)."""

from __future__ import annotations

import errno
import logging

from tb.kernel import Completion, might_sleep, ms, os_error
from tb.usb import (
    DIR_IN,
    DescriptorType,
    DeviceState,
    Recipient,
    Request,
    TransferType,
    string_text,
)

from .device import HostConfig, HostEndpoint, HostInterface, UsbDevice, UsbInterface
from .lpm import usb_disable_lpm, usb_enable_lpm
from .submit import usb_kill_urb, usb_submit_urb, usb_unlink_urb
from .urb import (
    PIPE_INTERRUPT,
    Buffer,
    Urb,
    describe_pipe,
    make_pipe,
    pipe_of,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_fill_control_urb,
    usb_fill_int_urb,
    usb_pipe_endpoint,
    usb_pipeendpoint,
    usb_pipein,
    usb_rcvctrlpipe,
    usb_sndctrlpipe,
)

__all__ = [
    "USB_CTRL_TIMEOUT",
    "disable_interface",
    "enable_interface",
    "usb_bulk_msg",
    "usb_clear_halt",
    "usb_control_msg",
    "usb_control_msg_recv",
    "usb_control_msg_send",
    "usb_get_descriptor",
    "usb_get_status",
    "usb_interrupt_msg",
    "usb_reset_configuration",
    "usb_set_interface",
    "usb_string",
]

log = logging.getLogger(__name__)

USB_CTRL_TIMEOUT = 5000
"""Milliseconds for standard requests; error timeouts are never scaled (DESIGN section 4)."""
_MAX_TIMEOUT = 60_000
_STATUS_SIZE = 2
_DEFAULT_LANGUAGE = 0x0409


async def start_wait_urb(urb: Urb, timeout_ms: float) -> int:
    """Submit a URB and wait for its end.

    Args:
        urb: with everything set but the handler.
        timeout_ms: milliseconds; 0 or less or above 60 s means 60 s.

    Returns:
        Bytes moved.

    Raises:
        OSError: ETIMEDOUT, or what submission or the transfer ended with.
    """
    might_sleep()
    if not 0 < timeout_ms <= _MAX_TIMEOUT:
        timeout_ms = _MAX_TIMEOUT
    done = Completion(describe_pipe(urb.pipe))
    urb.complete = lambda _: done.complete()
    usb_submit_urb(urb)
    try:
        in_time = await done.wait_timeout(ms(timeout_ms))
    except BaseException:
        if urb.hcpriv is not None and not urb.unlinked:
            usb_unlink_urb(urb)
        raise
    status = urb.status
    if not in_time:
        await usb_kill_urb(urb)
        status = urb.status
        if status == -errno.ENOENT:
            status = -errno.ETIMEDOUT
    if status:
        what = f"setup {urb.setup_packet.hex(' ')}" if urb.setup_packet else "transfer"
        raise os_error(
            -status,
            f"{describe_pipe(urb.pipe)}: {what}, {urb.actual_length} of "
            f"{urb.transfer_buffer_length} bytes"
            + (f", not done within {timeout_ms:g} ms" if not in_time else ""),
        )
    return urb.actual_length


async def usb_control_msg(
    dev: UsbDevice,
    pipe: int,
    request: int,
    requesttype: int,
    value: int,
    index: int,
    data: Buffer | None,
    size: int,
    timeout_ms: float,
) -> int:
    """Do a control transfer (S003-31).

    Returns:
        Bytes moved in the data stage.

    Raises:
        OSError: EPIPE if the device stalls it, ETIMEDOUT, EPROTO, ENODEV and what else a URB
            can end with.
    """
    setup = bytes((requesttype, request)) + b"".join(
        (field & 0xFFFF).to_bytes(2, "little") for field in (value, index, size)
    )
    urb = usb_alloc_urb(0)
    usb_fill_control_urb(urb, dev, pipe, setup, data, size, None)
    return await start_wait_urb(urb, timeout_ms)


async def usb_control_msg_send(
    dev: UsbDevice,
    endpoint: int,
    request: int,
    requesttype: int,
    value: int,
    index: int,
    data: bytes,
    size: int,
    timeout_ms: float,
) -> None:
    """Do a control transfer to the device.

    Raises:
        OSError: as `usb_control_msg`.
    """
    pipe = usb_sndctrlpipe(dev, endpoint)
    await usb_control_msg(dev, pipe, request, requesttype, value, index, data, size, timeout_ms)


async def usb_control_msg_recv(
    dev: UsbDevice,
    endpoint: int,
    request: int,
    requesttype: int,
    value: int,
    index: int,
    size: int,
    timeout_ms: float,
) -> bytes:
    """Do a control transfer from the device that must bring exactly `size` bytes.

    Raises:
        OSError: EINVAL for size 0, EREMOTEIO for less data, else as `usb_control_msg`.
    """
    if size <= 0:
        raise os_error(errno.EINVAL, "usb_control_msg_recv: size 0; 1 or more is right")
    data = bytearray(size)
    pipe = usb_rcvctrlpipe(dev, endpoint)
    moved = await usb_control_msg(
        dev, pipe, request, requesttype, value, index, data, size, timeout_ms
    )
    if moved != size:
        raise os_error(errno.EREMOTEIO, f"{moved} bytes came, {size} were asked for")
    return bytes(data)


async def usb_bulk_msg(
    dev: UsbDevice, pipe: int, data: Buffer, length: int, timeout_ms: float
) -> int:
    """Do a bulk transfer, or an interrupt transfer if the endpoint is one.

    Returns:
        Bytes moved.

    Raises:
        OSError: EINVAL (no such endpoint, negative length), ETIMEDOUT, EPIPE and what else a URB
            can end with.
    """
    ep = usb_pipe_endpoint(dev, pipe)
    if ep is None or length < 0:
        raise os_error(errno.EINVAL, f"{describe_pipe(pipe)}: no such endpoint, or length {length}")
    urb = usb_alloc_urb(0)
    if ep.type is TransferType.INTERRUPT:
        pipe = make_pipe(PIPE_INTERRUPT, dev.devnum, usb_pipeendpoint(pipe), usb_pipein(pipe))
        usb_fill_int_urb(urb, dev, pipe, data, length, None, None, ep.desc.bInterval)
    else:
        usb_fill_bulk_urb(urb, dev, pipe, data, length, None)
    return await start_wait_urb(urb, timeout_ms)


usb_interrupt_msg = usb_bulk_msg


async def usb_get_descriptor(dev: UsbDevice, kind: int, index: int, size: int) -> bytes:
    """Read a descriptor in at most three tries.

    Returns:
        At most `size` bytes.

    Raises:
        OSError: ENODATA if another descriptor came; else as `usb_control_msg`.
    """
    data = bytearray(size)
    last: OSError | None = None
    for _ in range(3):
        try:
            moved = await usb_control_msg(
                dev, usb_rcvctrlpipe(dev, 0), Request.GET_DESCRIPTOR, DIR_IN,
                kind << 8 | index, 0, data, size, USB_CTRL_TIMEOUT,
            )  # fmt: skip
        except OSError as error:
            last = error
            if error.errno in (errno.ETIMEDOUT, errno.ENODEV, errno.ESHUTDOWN):
                break
            continue
        if moved > 1 and data[1] == kind:
            return bytes(data[:moved])
        last = os_error(
            errno.ENODATA,
            f"asked for descriptor 0x{kind:02x} index {index}, got {data[:moved].hex(' ') or '-'}",
        )
    assert last is not None
    raise last


async def usb_get_status(dev: UsbDevice, recipient: int, target: int) -> int:
    """Return the 16 bits of GET_STATUS.

    Args:
        dev: the device.
        recipient: `Recipient`.
        target: interface number or endpoint address.

    Raises:
        OSError: EIO for a short answer; else as `usb_control_msg`.
    """
    data = bytearray(_STATUS_SIZE)
    moved = await usb_control_msg(
        dev, usb_rcvctrlpipe(dev, 0), Request.GET_STATUS, DIR_IN | recipient, 0, target,
        data, _STATUS_SIZE, USB_CTRL_TIMEOUT,
    )  # fmt: skip
    if moved != _STATUS_SIZE:
        raise os_error(errno.EIO, f"GET_STATUS brought {moved} bytes instead of {_STATUS_SIZE}")
    return int.from_bytes(data, "little")


# -- strings ---------------------------------------------------------------------------------


async def _read_string(dev: UsbDevice, language: int, index: int, size: int) -> bytes:
    data = bytearray(size)
    last: OSError | None = None
    for _ in range(3):
        try:
            moved = await usb_control_msg(
                dev, usb_rcvctrlpipe(dev, 0), Request.GET_DESCRIPTOR, DIR_IN,
                DescriptorType.STRING << 8 | index, language, data, size, USB_CTRL_TIMEOUT,
            )  # fmt: skip
        except OSError as error:
            last = error
            if error.errno != errno.EPIPE:
                raise
            continue
        if moved >= 2 and data[1] == DescriptorType.STRING:
            return bytes(data[:moved])
        last = os_error(errno.ENODATA, f"string {index}: got {data[:moved].hex(' ') or 'nothing'}")
        if moved:
            break
    assert last is not None
    raise last


async def usb_string(dev: UsbDevice, index: int) -> str:
    """Return a string in the device's first language.

    Raises:
        OSError: EHOSTUNREACH (suspended), EINVAL (index 0), EPIPE (the device has no strings);
            else as `usb_control_msg`.
    """
    if not dev.can_submit:
        raise os_error(errno.EHOSTUNREACH, "strings cannot be read from a suspended device")
    if not index:
        raise os_error(errno.EINVAL, "string index 0 means there is no string")
    if not dev.have_langid:
        await _read_language(dev)
    if dev.string_langid < 0:
        raise os_error(errno.EPIPE, "the device has no strings")
    try:
        data = await _read_string(dev, dev.string_langid, index, 255)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ESHUTDOWN):
            raise
        # Some devices only answer when asked for the exact length.
        head = await _read_string(dev, dev.string_langid, index, 2)
        data = await _read_string(dev, dev.string_langid, index, head[0])
    return string_text(data)


async def _read_language(dev: UsbDevice) -> None:
    try:
        data = await _read_string(dev, 0, 0, 255)
    except OSError as error:
        if error.errno == errno.EPIPE:
            dev.string_langid = -1
        elif error.errno == errno.ENODATA:
            dev.string_langid = _DEFAULT_LANGUAGE
        else:
            raise
    else:
        known = min(len(data), data[0]) >= 4
        dev.string_langid = int.from_bytes(data[2:4], "little") if known else _DEFAULT_LANGUAGE
    dev.have_langid = True


async def cache_string(dev: UsbDevice, index: int) -> str | None:
    """Return a string, None if there is none or it cannot be read."""
    if not index:
        return None
    try:
        return await usb_string(dev, index) or None
    except OSError as error:
        log.info("string %d: %s", index, error)
        return None


# -- endpoints and interfaces ------------------------------------------------------------------


def enable_endpoint(dev: UsbDevice, ep: HostEndpoint, *, reset: bool = True) -> None:
    """Let URBs in; toggles start at DATA0."""
    if reset:
        dev.bus.hcd.reset_endpoint(ep)
    table = dev.ep_in if ep.is_in else dev.ep_out
    table[ep.desc.number] = ep
    ep.enabled = True


async def disable_endpoint(dev: UsbDevice, ep: HostEndpoint) -> None:
    """End the URBs of an endpoint with -ESHUTDOWN and let none in."""
    table = dev.ep_in if ep.is_in else dev.ep_out
    if table[ep.desc.number] is ep:
        table[ep.desc.number] = None
    ep.streams = 0
    await dev.bus.hcd.disable(ep)


def enable_interface(interface: UsbInterface) -> None:
    """Enable the endpoints of the altsetting in use."""
    for ep in interface.cur_altsetting.endpoints:
        enable_endpoint(interface.dev, ep)


async def disable_interface(interface: UsbInterface) -> None:
    """Disable the endpoints of the altsetting in use."""
    for ep in interface.cur_altsetting.endpoints:
        await disable_endpoint(interface.dev, ep)


async def disable_device(dev: UsbDevice) -> None:
    """Unbind all drivers and disable all endpoints but endpoint 0."""
    interfaces = dev.interfaces
    for interface in interfaces:
        interface.unregistering = True
    from .driver import unbind_driver  # noqa: PLC0415  (drivers need messages)

    for interface in interfaces:
        await unbind_driver(interface)
    for ep in dev.endpoints:
        await disable_endpoint(dev, ep)
    dev.actconfig = None
    # A device that is gone stays so: NOTATTACHED is the lowest state.
    if dev.state > DeviceState.ADDRESS:
        dev.state = DeviceState.ADDRESS


async def usb_clear_halt(dev: UsbDevice, pipe: int) -> None:
    """Clear the halt of an endpoint on the device, then reset the host's toggle.

    Raises:
        OSError: as `usb_control_msg`; the host's side is then left alone.
    """
    address = usb_pipeendpoint(pipe) | (DIR_IN if usb_pipein(pipe) else 0)
    await usb_control_msg(
        dev, usb_sndctrlpipe(dev, 0), Request.CLEAR_FEATURE, Recipient.ENDPOINT, 0, address,
        None, 0, USB_CTRL_TIMEOUT,
    )  # fmt: skip
    ep = usb_pipe_endpoint(dev, pipe)
    if ep is not None:
        dev.bus.hcd.reset_endpoint(ep)


async def usb_set_interface(dev: UsbDevice, number: int, alternate: int) -> None:
    """Choose an altsetting.

    Raises:
        OSError: EHOSTUNREACH (suspended), EINVAL (no such interface or altsetting), ENODEV (it
            is going away), ENOMEM (the link cannot be kept out of L1); else as `usb_control_msg`:
            the old endpoints then stay disabled until a set_interface succeeds (facts host-urb
            section 12).
    """
    if dev.state == DeviceState.SUSPENDED or not dev.can_submit:
        raise os_error(errno.EHOSTUNREACH, "usb_set_interface: the device is suspended")
    interface = dev.interface(number)
    if interface is None:
        there = [one.number for one in dev.interfaces]
        raise os_error(errno.EINVAL, f"no interface {number}; there are {there}")
    if interface.unregistering:
        raise os_error(errno.ENODEV, f"interface {number} is going away")
    setting = interface.altsetting_by_number(alternate)
    if setting is None:
        numbers = [one.desc.bAlternateSetting for one in interface.altsetting]
        raise os_error(
            errno.EINVAL, f"interface {number} has no altsetting {alternate}; it has {numbers}"
        )
    await disable_interface(interface)
    manual = False
    await lpm_off(dev)
    try:
        await usb_control_msg(
            dev, usb_sndctrlpipe(dev, 0), Request.SET_INTERFACE, Recipient.INTERFACE,
            alternate, number, None, 0, USB_CTRL_TIMEOUT,
        )  # fmt: skip
    except OSError as error:
        if error.errno != errno.EPIPE or len(interface.altsetting) != 1:
            raise
        manual = True
    finally:
        usb_enable_lpm(dev)
    interface.cur_altsetting = setting
    if manual:
        for ep in setting.endpoints:
            enable_endpoint(dev, ep)
            try:
                await usb_clear_halt(dev, pipe_of(dev, ep))
            except OSError as error:
                log.info("interface %d: clear halt by hand: %s", number, error)
    enable_interface(interface)
    if setting.string is None:
        setting.string = await cache_string(dev, setting.desc.iInterface)


async def lpm_off(dev: UsbDevice) -> None:
    """Keep the link out of L1 while endpoints change; `usb_enable_lpm` undoes it.

    Raises:
        OSError: ENOMEM if it cannot be woken.
    """
    try:
        await usb_disable_lpm(dev)
    except OSError as error:
        raise os_error(errno.ENOMEM, f"LPM cannot be disabled: {error.strerror}") from error


def first_setting(interface: UsbInterface) -> HostInterface:
    """Return altsetting 0, or the first one if there is no 0."""
    return interface.altsetting_by_number(0) or interface.altsetting[0]


async def usb_reset_configuration(dev: UsbDevice) -> None:
    """Send the same SET_CONFIGURATION again; all interfaces go to altsetting 0.

    Raises:
        OSError: EHOSTUNREACH (suspended), EINVAL (not configured), ENOMEM (the link cannot be
            kept out of L1); else as `usb_control_msg`: the device is then in state ADDRESS.
    """
    if not dev.can_submit:
        raise os_error(errno.EHOSTUNREACH, "usb_reset_configuration: the device is suspended")
    config: HostConfig | None = dev.actconfig
    if config is None:
        raise os_error(errno.EINVAL, "usb_reset_configuration: the device is not configured")
    for ep in dev.endpoints:
        await disable_endpoint(dev, ep)
    await lpm_off(dev)
    try:
        await usb_control_msg(
            dev, usb_sndctrlpipe(dev, 0), Request.SET_CONFIGURATION, 0,
            config.desc.bConfigurationValue, 0, None, 0, USB_CTRL_TIMEOUT,
        )  # fmt: skip
    except OSError:
        dev.state = DeviceState.ADDRESS
        raise
    finally:
        usb_enable_lpm(dev)
    for interface in config.interfaces:
        interface.cur_altsetting = first_setting(interface)
        enable_interface(interface)
