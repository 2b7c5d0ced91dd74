# SPDX-License-Identifier: Apache-2.0
"""What a composite device answers to its host (gadget-core.md 7.5 to 7.9)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable

from tb.kernel import os_error
from tb.usb import (
    DIR_IN,
    DescriptorType,
    DeviceQualifier,
    DeviceState,
    EndpointDescriptor,
    Recipient,
    Request,
    RequestType,
    SetupPacket,
    Speed,
)

from .autoconfig import function_descriptors
from .composite import (
    EP0_BUFFER,
    USB_GADGET_DELAYED_STATUS,
    UsbCompositeDev,
    UsbConfiguration,
    UsbFunction,
)
from .endpoint import has_op, usb_ep_queue
from .gadget import (
    USB_DEFAULT_BESL_UNSPECIFIED,
    UsbDcdConfigParams,
    UsbGadget,
    gadget_is_dualspeed,
    gadget_is_superspeed,
    usb_gadget_clear_selfpowered,
    usb_gadget_set_remote_wakeup,
    usb_gadget_set_selfpowered,
    usb_gadget_set_state,
    usb_gadget_vbus_draw,
)
from .strings import UsbGadgetStrings, languages, usb_gadget_get_string

__all__ = [
    "composite_disconnect",
    "composite_reset",
    "composite_resume",
    "composite_setup",
    "composite_suspend",
    "usb_composite_setup_continue",
]

log = logging.getLogger(__name__)

_SELF_POWER_LIMIT = 100
_DEFAULT_POWER = 2


def _stall(reason: str) -> OSError:
    return os_error(errno.EOPNOTSUPP, reason)


# -- descriptors -----------------------------------------------------------------------------


def _works_at(config: UsbConfiguration, speed: Speed) -> bool:
    if speed == Speed.SUPER_PLUS:
        return config.superspeed_plus
    if speed == Speed.SUPER:
        return config.superspeed
    if speed == Speed.HIGH:
        return config.highspeed
    return config.fullspeed


def _other(speed: Speed) -> Speed:
    return Speed.FULL if speed == Speed.HIGH else Speed.HIGH


def _count(cdev: UsbCompositeDev, speed: Speed) -> int:
    return sum(_works_at(config, speed) for config in cdev.configs)


def _device_descriptor(cdev: UsbCompositeDev) -> bytes:
    gadget = cdev.the_gadget
    desc = cdev.desc
    desc.bNumConfigurations = _count(cdev, gadget.speed)
    desc.bMaxPacketSize0 = cdev.ep0.maxpacket
    if gadget_is_superspeed(gadget):
        if gadget.speed >= Speed.SUPER:
            desc.bcdUSB = 0x0320
            desc.bMaxPacketSize0 = 9
        else:
            desc.bcdUSB = 0x0210
    else:
        desc.bcdUSB = 0x0201 if gadget.lpm_capable else 0x0200
    return bytes(desc)


def _qualifier(cdev: UsbCompositeDev) -> bytes:
    desc = cdev.desc
    return bytes(
        DeviceQualifier(
            bcdUSB=desc.bcdUSB,
            bDeviceClass=desc.bDeviceClass,
            bDeviceSubClass=desc.bDeviceSubClass,
            bDeviceProtocol=desc.bDeviceProtocol,
            bMaxPacketSize0=cdev.ep0.maxpacket,
            bNumConfigurations=_count(cdev, _other(cdev.the_gadget.speed)),
        )
    )


def config_power(config: UsbConfiguration, speed: Speed) -> int:
    """Return the current a configuration may draw in mA (gadget-core.md 7.7)."""
    power = config.MaxPower
    if not power and not config.bmAttributes & 0x40:
        power = _DEFAULT_POWER
    return min(power, 500 if speed < Speed.SUPER else 900)


def _max_power(config: UsbConfiguration, speed: Speed) -> int:
    power = config_power(config, speed)
    return power // 2 if speed < Speed.SUPER else power // 8


def config_bytes(config: UsbConfiguration, speed: Speed, kind: int) -> bytes:
    """Return a whole configuration descriptor.

    Raises:
        OSError: EINVAL if it does not fit into ep0's buffer.
    """
    body = b"".join(bytes(one) for one in config.descriptors)
    for function in config.functions:
        for one in function_descriptors(function, speed) or ():
            body += bytes(one)
    total = 9 + len(body)
    if total > EP0_BUFFER:
        raise os_error(
            errno.EINVAL, f"{config.label}: {total} bytes of descriptors, at most {EP0_BUFFER}"
        )
    header = bytes(
        (
            9,
            kind,
            total & 0xFF,
            total >> 8,
            config.next_interface_id,
            config.bConfigurationValue,
            config.iConfiguration,
            0x80 | config.bmAttributes,
            _max_power(config, speed),
        )
    )
    return header + body


def _config_descriptor(cdev: UsbCompositeDev, value: int) -> bytes:
    gadget = cdev.the_gadget
    kind, index = value >> 8, value & 0xFF
    speed = gadget.speed
    if kind == DescriptorType.OTHER_SPEED_CONFIG:
        speed = _other(speed)
    configs = [config for config in cdev.configs if _works_at(config, speed)]
    if cdev.os_desc_config in configs:
        configs.remove(cdev.os_desc_config)
        configs.insert(0, cdev.os_desc_config)
    if index >= len(configs):
        raise os_error(errno.EINVAL, f"no configuration with index {index}")
    return config_bytes(configs[index], speed, kind)


def _bos(cdev: UsbCompositeDev) -> bytes:
    gadget = cdev.the_gadget
    capabilities: list[bytes] = []
    # USB 2.0 extension: LPM, BESL, and which BESL the controller would like.
    bits = 0x06 if gadget.lpm_capable or gadget_is_superspeed(gadget) else 0
    params = UsbDcdConfigParams()
    if has_op(gadget.ops, "get_config_params"):
        params = gadget.ops.get_config_params(gadget)
    if params.besl_baseline != USB_DEFAULT_BESL_UNSPECIFIED:
        bits |= 1 << 3 | (params.besl_baseline & 0xF) << 8
    if params.besl_deep != USB_DEFAULT_BESL_UNSPECIFIED:
        bits |= 1 << 4 | (params.besl_deep & 0xF) << 12
    head = bytes((7, DescriptorType.DEVICE_CAPABILITY, 2))
    capabilities.append(head + bits.to_bytes(4, "little"))
    if gadget_is_superspeed(gadget):
        capabilities.append(
            bytes((10, DescriptorType.DEVICE_CAPABILITY, 3, 0, 0x0F, 0, 1, 1, 0xF4, 0x01))
        )
    total = 5 + sum(map(len, capabilities))
    header = bytes((5, DescriptorType.BOS, total & 0xFF, total >> 8, len(capabilities)))
    return header + b"".join(capabilities)


def _string_tables(cdev: UsbCompositeDev) -> list[UsbGadgetStrings]:
    tables = [table for group in cdev.gstrings for table in group]
    tables += cdev.driver_strings
    for config in cdev.configs:
        tables += config.strings
        for function in config.functions:
            tables += function.strings
    return tables


def _string_descriptor(cdev: UsbCompositeDev, language: int, index: int) -> bytes:
    tables = _string_tables(cdev)
    if index == 0:
        known = languages(tables)
        if not known:
            raise os_error(errno.EINVAL, "the device has no strings")
        body = b"".join(one.to_bytes(2, "little") for one in known[:126])
        return bytes((2 + len(body), DescriptorType.STRING)) + body
    if cdev.use_os_string and language == 0 and index == 0xEE:
        sign = cdev.qw_sign[:14].ljust(14, b"\0")
        return bytes((18, DescriptorType.STRING)) + sign + bytes((cdev.b_vendor_code, 0))
    for table in tables:
        if table.language != language:
            continue
        for one in table.strings:
            if one.id == index:
                return usb_gadget_get_string(table, index)
    raise os_error(errno.EINVAL, f"no string {index} in language 0x{language:04x}")


def _get_descriptor(cdev: UsbCompositeDev, ctrl: SetupPacket) -> bytes:
    gadget = cdev.the_gadget
    kind = ctrl.wValue >> 8
    if kind == DescriptorType.DEVICE:
        return _device_descriptor(cdev)
    if kind in (DescriptorType.DEVICE_QUALIFIER, DescriptorType.OTHER_SPEED_CONFIG):
        if not gadget_is_dualspeed(gadget) or gadget.speed >= Speed.SUPER:
            raise _stall("no other speed")
        if kind == DescriptorType.DEVICE_QUALIFIER:
            return _qualifier(cdev)
        return _config_descriptor(cdev, ctrl.wValue)
    if kind == DescriptorType.CONFIG:
        return _config_descriptor(cdev, ctrl.wValue)
    if kind == DescriptorType.STRING:
        return _string_descriptor(cdev, ctrl.wIndex, ctrl.wValue & 0xFF)
    if kind == DescriptorType.BOS and (gadget_is_superspeed(gadget) or gadget.lpm_capable):
        return _bos(cdev)
    if kind == DescriptorType.OTG and gadget.is_otg:
        return bytes((3, DescriptorType.OTG, 0x03))
    raise _stall(f"no descriptor of type {kind}")


# -- configuration ---------------------------------------------------------------------------


async def reset_config(cdev: UsbCompositeDev) -> None:
    """Disable every function of the present configuration."""
    config = cdev.config
    if config is None:
        return
    for function in config.functions:
        await function.disable()
        function.endpoints = 0
    cdev.config = None
    cdev.delayed_status = 0


def _quietly(call: Callable[..., None], *args: object) -> None:
    """Call what a controller driver need not have."""
    try:
        call(*args)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            log.warning("%s", error)


def _set_power(gadget: UsbGadget, power: int, self_powered: bool) -> None:
    if power > _SELF_POWER_LIMIT or not self_powered:
        _quietly(usb_gadget_clear_selfpowered, gadget)
    else:
        _quietly(usb_gadget_set_selfpowered, gadget)
    _quietly(usb_gadget_vbus_draw, gadget, power)


async def set_config(cdev: UsbCompositeDev, number: int) -> int:
    """Choose a configuration (gadget-core.md 7.7).

    Returns:
        0, or USB_GADGET_DELAYED_STATUS.

    Raises:
        OSError: EINVAL for an unknown number (the old one stays); what a function's set_alt
            raises (the device is then unconfigured).
    """
    gadget = cdev.the_gadget
    power = 100 if not gadget.is_otg else 8
    if number == 0:
        await reset_config(cdev)
        _set_power(gadget, power, False)
        return 0
    config = next((one for one in cdev.configs if one.bConfigurationValue == number), None)
    if config is None:
        raise os_error(errno.EINVAL, f"there is no configuration {number}")
    await reset_config(cdev)
    log.info("%s: %s configuration %d", cdev.name, gadget.speed.text, number)
    usb_gadget_set_state(gadget, DeviceState.CONFIGURED)
    cdev.config = config
    try:
        for interface in range(config.next_interface_id):
            function = config.interface.get(interface)
            if function is None:
                break
            for one in function_descriptors(function, gadget.speed) or ():
                if isinstance(one, EndpointDescriptor):
                    function.endpoints |= 1 << _endpoint_bit(one.bEndpointAddress)
            result = await function.set_alt(interface, 0)
            if result == USB_GADGET_DELAYED_STATUS:
                cdev.delayed_status += 1
    except OSError:
        await reset_config(cdev)
        _set_power(gadget, power, False)
        raise
    power = config_power(config, gadget.speed)
    _quietly(usb_gadget_set_remote_wakeup, gadget, bool(config.bmAttributes & 0x20))
    _set_power(gadget, power, bool(config.bmAttributes & 0x40))
    return USB_GADGET_DELAYED_STATUS if cdev.delayed_status else 0


def _endpoint_bit(address: int) -> int:
    return (address & DIR_IN) >> 3 | (address & 0xF)


def usb_composite_setup_continue(cdev: UsbCompositeDev) -> None:
    """Answer a delayed status stage, when the last function that delayed it calls."""
    if cdev.delayed_status == 0:
        log.warning("%s: nobody delayed a status stage", cdev.name)
        return
    cdev.delayed_status -= 1
    if cdev.delayed_status == 0:
        _respond(cdev, b"", 0)


# -- requests --------------------------------------------------------------------------------


def _respond(cdev: UsbCompositeDev, data: bytes, asked: int) -> int:
    """Queue the answer on ep0, cut to what was asked for."""
    request = cdev.request
    data = data[:asked]
    if data:
        request.data()[: len(data)] = data
    request.length = len(data)
    request.zero = len(data) < asked
    cdev.setup_pending = True
    usb_ep_queue(cdev.ep0, request)
    return len(data)


async def composite_setup(cdev: UsbCompositeDev, ctrl: SetupPacket) -> int:
    """Answer a control request (gadget-core.md 7.6).

    Returns:
        What a gadget driver's setup returns: 0 or more, or USB_GADGET_DELAYED_STATUS.

    Raises:
        OSError: the request is to be stalled.
    """
    if cdev.unbinding:
        return 0
    async with cdev.lock:
        cdev.renew_request()
        if ctrl.wLength > EP0_BUFFER:
            if not ctrl.is_in:
                raise _stall(f"wLength {ctrl.wLength} is above {EP0_BUFFER}")
            ctrl = SetupPacket(
                ctrl.bmRequestType, ctrl.bRequest, ctrl.wValue, ctrl.wIndex, EP0_BUFFER
            )
        if ctrl.type == RequestType.STANDARD:
            answer = await _standard(cdev, ctrl)
            if isinstance(answer, int):
                return answer
            if answer is not None:
                return _respond(cdev, answer, ctrl.wLength)
        return await _unknown(cdev, ctrl)


async def _standard(cdev: UsbCompositeDev, ctrl: SetupPacket) -> bytes | int | None:
    """Return the answer, an int if it is to be passed on, None if functions may know."""
    gadget = cdev.the_gadget
    kind, request = ctrl.bmRequestType, ctrl.bRequest
    if request == Request.GET_DESCRIPTOR and kind == 0x80:
        return _get_descriptor(cdev, ctrl)
    if request == Request.SET_CONFIGURATION and kind == 0x00:
        return await _delayed(cdev, ctrl, await set_config(cdev, ctrl.wValue & 0xFF))
    if request == Request.GET_CONFIGURATION and kind == 0x80:
        return bytes((cdev.config.bConfigurationValue if cdev.config else 0,))
    if request == Request.SET_INTERFACE and kind == 0x01:
        function = _interface(cdev, ctrl.wIndex)
        if ctrl.wValue and not has_op(function, "get_alt"):
            raise _stall(f"{function.name} has no alternate settings")
        result = await function.set_alt(ctrl.wIndex & 0xFF, ctrl.wValue)
        if result == USB_GADGET_DELAYED_STATUS:
            cdev.delayed_status += 1
        return await _delayed(cdev, ctrl, result)
    if request == Request.GET_INTERFACE and kind == 0x81:
        function = _interface(cdev, ctrl.wIndex)
        return bytes((await function.get_alt(ctrl.wIndex & 0xFF),))
    if request == Request.GET_STATUS and kind == 0x80 and ctrl.wIndex == 0xF000 and gadget.is_otg:
        return bytes((int(gadget.host_request_flag),))
    if gadget_is_superspeed(gadget) and gadget.speed >= Speed.SUPER:
        if request == Request.GET_STATUS and kind == 0x81:
            owner = cdev.config.interface.get(ctrl.wIndex & 0xFF) if cdev.config else None
            status = await owner.get_status() if owner is not None else 0
            return status.to_bytes(2, "little")
        if request in (Request.SET_FEATURE, Request.CLEAR_FEATURE) and kind == 0x01:
            if ctrl.wValue != 0:
                raise _stall(f"interface feature {ctrl.wValue}")
            function = _interface(cdev, ctrl.wIndex)
            try:
                await function.func_suspend(ctrl.wIndex >> 8)
            except OSError as error:
                log.error("%s: func_suspend: %s", function.name, error)
            return b""
    return None


async def _delayed(cdev: UsbCompositeDev, ctrl: SetupPacket, result: int) -> bytes | int:
    if result == USB_GADGET_DELAYED_STATUS:
        if ctrl.wLength:
            log.warning("%s: delayed status with a data stage is not supported", cdev.name)
        return result
    return b""


def _interface(cdev: UsbCompositeDev, index: int) -> UsbFunction:
    number = index & 0xFF
    function = cdev.config.interface.get(number) if cdev.config is not None else None
    if function is None:
        raise _stall(f"no interface {number} in the present configuration")
    return function


async def _unknown(cdev: UsbCompositeDev, ctrl: SetupPacket) -> int:
    """Find somebody for a class or vendor request."""
    configs = [cdev.config] if cdev.config is not None else list(cdev.configs)
    for config in configs:
        for function in config.functions:
            if has_op(function, "req_match") and function.req_match(ctrl, cdev.config is None):
                return await function.setup(ctrl)
    active = cdev.config
    chosen: UsbFunction | None = None
    if active is not None and ctrl.recipient == Recipient.INTERFACE:
        chosen = active.interface.get(ctrl.wIndex & 0xFF)
    elif active is not None and ctrl.recipient == Recipient.ENDPOINT:
        bit = 1 << _endpoint_bit(ctrl.wIndex)
        chosen = next((one for one in active.functions if one.endpoints & bit), None)
    if chosen is not None and has_op(chosen, "setup"):
        return await chosen.setup(ctrl)
    if active is not None:
        if type(active).setup is not UsbConfiguration.setup:
            return await active.setup(ctrl)
        if len(active.functions) == 1 and has_op(active.functions[0], "setup"):
            return await active.functions[0].setup(ctrl)
    raise _stall(f"nobody knows request 0x{ctrl.bmRequestType:02x} 0x{ctrl.bRequest:02x}")


# -- bus events ------------------------------------------------------------------------------


async def composite_disconnect(cdev: UsbCompositeDev) -> None:
    """The host has gone (gadget-core.md 7.9)."""
    await _leave(cdev, 0)


async def composite_reset(cdev: UsbCompositeDev) -> None:
    """The host resets the bus (gadget-core.md 7.9)."""
    await _leave(cdev, 100)


async def _leave(cdev: UsbCompositeDev, power: int) -> None:
    if cdev.unbinding or cdev.gadget is None:
        return
    async with cdev.lock:
        _quietly(usb_gadget_vbus_draw, cdev.gadget, power)
        cdev.suspended = False
        await reset_config(cdev)


async def composite_suspend(cdev: UsbCompositeDev) -> None:
    """The bus is suspended (gadget-core.md 7.9)."""
    if cdev.unbinding or cdev.gadget is None:
        return
    async with cdev.lock:
        config = cdev.config
        if config is not None:
            for function in config.functions:
                await function.suspend()
        cdev.suspended = True
        if config is not None and config.bmAttributes & 0x40:
            _quietly(usb_gadget_set_selfpowered, cdev.gadget)
        _quietly(usb_gadget_vbus_draw, cdev.gadget, 2)


async def composite_resume(cdev: UsbCompositeDev) -> None:
    """The bus is resumed (gadget-core.md 7.9)."""
    if cdev.unbinding or cdev.gadget is None:
        return
    async with cdev.lock:
        config = cdev.config
        if config is not None:
            for function in config.functions:
                await function.resume()
            power = config_power(config, cdev.gadget.speed)
            _set_power(cdev.gadget, power, bool(config.bmAttributes & 0x40))
        cdev.suspended = False
