# SPDX-License-Identifier: Apache-2.0
"""Reading configurations and mending what devices get wrong (facts host-urb section 11)."""

from __future__ import annotations

import errno
import logging

from tb.kernel import os_error
from tb.usb import (
    ConfigDescriptor,
    Descriptor,
    DescriptorType,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceAssociation,
    InterfaceDescriptor,
    RawDescriptor,
    Speed,
    TransferType,
    walk,
)

from .device import HostConfig, HostEndpoint, HostInterface, UsbDevice, UsbInterface

__all__ = ["parse_configuration"]

log = logging.getLogger(__name__)

MAX_INTERFACES = 32
MAX_IADS = 16
_CONTROL, _ISO = TransferType.CONTROL, TransferType.ISOCHRONOUS
_BULK, _INT = TransferType.BULK, TransferType.INTERRUPT
_LARGEST: dict[int, dict[int, int]] = {
    Speed.LOW: {_CONTROL: 8, _ISO: 0, _BULK: 0, _INT: 8},
    Speed.FULL: {_CONTROL: 64, _ISO: 1023, _BULK: 64, _INT: 64},
    Speed.HIGH: {_CONTROL: 64, _ISO: 1024, _BULK: 1024, _INT: 1024},
    Speed.SUPER: {_CONTROL: 512, _ISO: 1024, _BULK: 1024, _INT: 1024},
}


def parse_configuration(dev: UsbDevice, raw: bytes) -> HostConfig:
    """Take a configuration apart; odd values are mended with a warning.

    Args:
        dev: the device; its speed decides what is legal.
        raw: the configuration as sent; what follows wTotalLength is ignored.

    Raises:
        OSError: EINVAL if it does not begin with a configuration descriptor.
    """
    if len(raw) < ConfigDescriptor.size() or raw[1] != DescriptorType.CONFIG or raw[0] < 9:
        raise os_error(
            errno.EINVAL, f"no configuration descriptor but {raw[:9].hex(' ') or 'nothing'}"
        )
    config = HostConfig(ConfigDescriptor.parse(raw), raw=raw)
    raw = raw[: config.desc.wTotalLength]
    interfaces: dict[int, UsbInterface] = {}
    setting: HostInterface | None = None
    endpoint: HostEndpoint | None = None
    extra: list[RawDescriptor] = config.extra
    for item in _pieces(raw):
        if isinstance(item, ConfigDescriptor):
            continue
        if isinstance(item, InterfaceAssociation):
            if len(config.iads) < MAX_IADS:
                config.iads.append(item)
            else:
                log.warning("more than %d interface associations, ignored", MAX_IADS)
        elif isinstance(item, InterfaceDescriptor):
            endpoint = None
            setting = _add_setting(dev, interfaces, item)
            extra = setting.extra if setting else []
        elif isinstance(item, EndpointDescriptor):
            endpoint = _add_endpoint(dev, config.desc, setting, item) if setting else None
            extra = endpoint.extra if endpoint else []
        elif isinstance(item, EndpointCompanion):
            if endpoint is not None:
                endpoint.companion = _mend_companion(endpoint, item)
        elif isinstance(item, RawDescriptor):
            extra.append(item)
        else:
            extra.append(RawDescriptor(item.TYPE, bytes(item)[2:]))
    config.interfaces = list(interfaces.values())
    if len(config.interfaces) != config.desc.bNumInterfaces:
        log.warning(
            "config %d has %d interfaces, different from the descriptor's value: %d",
            config.desc.bConfigurationValue, len(config.interfaces), config.desc.bNumInterfaces,
        )  # fmt: skip
    for iad in config.iads:
        for number in range(iad.bFirstInterface, iad.bFirstInterface + iad.bInterfaceCount):
            if number in interfaces:
                interfaces[number].iad = iad
    if dev.speed >= Speed.SUPER:
        for interface in config.interfaces:
            for one in interface.altsetting:
                for each in one.endpoints:
                    if each.companion is None:
                        log.warning("%r: no SuperSpeed companion, using minimum values", each)
                        each.companion = EndpointCompanion()
    return config


def _pieces(raw: bytes) -> list[Descriptor | RawDescriptor]:
    """Return the descriptors up to the first one with an impossible length."""
    pieces: list[Descriptor | RawDescriptor] = []
    try:
        pieces.extend(walk(raw))
    except ValueError as error:
        log.warning("configuration: %s; the rest is ignored", error)
        offset = 0
        while offset + 1 < len(raw) and 2 <= raw[offset] <= len(raw) - offset:
            offset += raw[offset]
        pieces = list(walk(raw[:offset]))
    return pieces


def _add_setting(
    dev: UsbDevice, interfaces: dict[int, UsbInterface], desc: InterfaceDescriptor
) -> HostInterface | None:
    number = desc.bInterfaceNumber
    interface = interfaces.get(number)
    if interface is None:
        if len(interfaces) >= MAX_INTERFACES:
            log.warning("more than %d interfaces, interface %d ignored", MAX_INTERFACES, number)
            return None
        interface = interfaces[number] = UsbInterface(dev, number)
    if interface.altsetting_by_number(desc.bAlternateSetting) is not None:
        log.warning(
            "duplicate descriptor for interface %d altsetting %d, skipped",
            number, desc.bAlternateSetting,
        )  # fmt: skip
        return None
    setting = HostInterface(desc)
    interface.altsetting.append(setting)
    if len(interface.altsetting) == 1:
        interface.cur_altsetting = setting
    return setting


def _add_endpoint(
    dev: UsbDevice, config: ConfigDescriptor, setting: HostInterface, desc: EndpointDescriptor
) -> HostEndpoint | None:
    where = (
        f"config {config.bConfigurationValue} interface {setting.desc.bInterfaceNumber} "
        f"altsetting {setting.desc.bAlternateSetting} endpoint 0x{desc.bEndpointAddress:02x}"
    )
    if desc.number == 0:
        log.warning("%s: endpoint number 0 cannot be described, skipped", where)
        return None
    for other in setting.endpoints:
        if other.desc.bEndpointAddress == desc.bEndpointAddress:
            log.warning("%s: duplicate, skipped", where)
            return None
    if dev.speed == Speed.LOW and desc.transfer_type is _BULK:
        log.warning("%s: bulk at low speed, changed to interrupt", where)
        desc.bmAttributes = desc.bmAttributes & ~3 | _INT
        desc.bInterval = 1
        if desc.maxp > 8:
            desc.wMaxPacketSize = 8
    _mend_interval(dev.speed, desc, where)
    _mend_packet_size(dev.speed, desc, where)
    endpoint = HostEndpoint(desc)
    setting.endpoints.append(endpoint)
    return endpoint


def _mend_interval(speed: Speed, desc: EndpointDescriptor, where: str) -> None:
    kind = desc.transfer_type
    if kind is _INT:
        if speed >= Speed.HIGH:
            largest = 16
            fallback = (desc.bInterval * 8).bit_length() or 7
        else:
            largest, fallback = 255, 10
    elif kind is _ISO:
        largest, fallback = 16, 7 if speed >= Speed.HIGH else 4
    else:
        return
    if not 1 <= desc.bInterval <= largest:
        log.warning("%s: invalid bInterval %d, changed to %d", where, desc.bInterval, fallback)
        desc.bInterval = fallback


def _mend_packet_size(speed: Speed, desc: EndpointDescriptor, where: str) -> None:
    kind = desc.transfer_type
    size = desc.maxp
    if size == 0:
        log.warning("%s: invalid wMaxPacketSize 0", where)
    largest = _LARGEST[min(speed, Speed.SUPER)][kind]
    high = desc.wMaxPacketSize & ~0x7FF
    if speed == Speed.HIGH and kind in (_INT, _ISO):
        if high >> 11 & 3 == 3:
            log.warning("%s: reserved number of packets per microframe, changed to 1", where)
            high = 0
    elif high:
        log.warning("%s: wMaxPacketSize 0x%04x has reserved bits", where, desc.wMaxPacketSize)
        high = 0
    if size > largest:
        log.warning("%s: invalid maxpacket %d, set to %d", where, size, largest)
        size = largest
    desc.wMaxPacketSize = high | size
    if speed == Speed.HIGH and kind is _BULK and size != 512:
        log.warning("%s: bulk endpoint with maxpacket %d instead of 512", where, size)


def _mend_companion(endpoint: HostEndpoint, desc: EndpointCompanion) -> EndpointCompanion:
    if desc.bMaxBurst > 15:
        log.warning("%r: bMaxBurst %d, changed to 15", endpoint, desc.bMaxBurst)
        desc.bMaxBurst = 15
    if endpoint.type is _BULK and desc.bmAttributes & 0x1F > 16:
        log.warning("%r: too many streams, changed to 65536", endpoint)
        desc.bmAttributes = 16
    return desc
