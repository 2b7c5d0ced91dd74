# SPDX-License-Identifier: Apache-2.0
"""What a device says of itself, in the layout of `lsusb -v`."""

from __future__ import annotations

from collections.abc import Iterator

from tb.usb import (
    DescriptorType,
    EndpointCompanion,
    InterfaceAssociation,
    RawDescriptor,
    Speed,
    TransferType,
)

from .device import HostConfig, HostEndpoint, HostInterface, UsbDevice

__all__ = ["lsusb"]

_CLASSES = {
    0x00: "[unknown]",
    0x01: "Audio",
    0x02: "Communications",
    0x03: "Human Interface Device",
    0x07: "Printer",
    0x08: "Mass Storage",
    0x09: "Hub",
    0x0A: "CDC Data",
    0x0E: "Video",
    0xEF: "Miscellaneous Device",
    0xFE: "Application Specific Interface",
    0xFF: "Vendor Specific Class",
}
_SUBCLASSES = {
    (0x02, 0x02): "Abstract (modem)",
    (0x02, 0x06): "Ethernet Networking",
    (0x02, 0x0A): "Mobile Direct Line",
    (0x02, 0x0D): "Network Control Model",
    (0x08, 0x06): "SCSI",
}
_PROTOCOLS = {
    (0x02, 0x02, 0x01): "AT-commands (v.25ter)",
    (0x08, 0x06, 0x50): "Bulk-Only",
    (0xEF, 0x02, 0x01): "Interface Association",
}
_TRANSFERS = {
    TransferType.CONTROL: "Control",
    TransferType.ISOCHRONOUS: "Isochronous",
    TransferType.BULK: "Bulk",
    TransferType.INTERRUPT: "Interrupt",
}
_SYNC = ("None", "Asynchronous", "Adaptive", "Synchronous")
_USAGE = ("Data", "Feedback", "Implicit feedback Data", "(reserved)")
_WIDTH = 25


def _line(depth: int, name: str, value: object, text: str | None = None) -> str:
    """Values end in one column, counted from the start of the name, as lsusb has them."""
    tail = f" {text}" if text else ""
    return f"{'  ' * depth}{name}{value!s:>{_WIDTH - len(name)}}{tail}"


def _words(depth: int, name: str, text: str) -> str:
    return f"{'  ' * depth}{name:<{_WIDTH}}{text}"


def _bcd(value: int) -> str:
    return f"{value >> 8:x}.{value & 0xFF:02x}"


def lsusb(dev: UsbDevice) -> str:
    """Return a device, its configurations, interfaces and endpoints as text."""
    return "\n".join(_device(dev)) + "\n"


def _device(dev: UsbDevice) -> Iterator[str]:
    desc = dev.descriptor
    name = " ".join(text for text in (dev.manufacturer, dev.product) if text)
    yield (
        f"Bus 001 Device {dev.devnum:03d}: ID {desc.idVendor:04x}:{desc.idProduct:04x} {name}"
    ).rstrip()
    yield f"Negotiated speed: {dev.speed.text}"
    yield "Device Descriptor:"
    yield _line(1, "bLength", 18)
    yield _line(1, "bDescriptorType", DescriptorType.DEVICE)
    yield _line(1, "bcdUSB", _bcd(desc.bcdUSB))
    yield from _class_lines(
        1, "bDevice", desc.bDeviceClass, desc.bDeviceSubClass, desc.bDeviceProtocol
    )
    yield _line(1, "bMaxPacketSize0", desc.bMaxPacketSize0)
    yield _line(1, "idVendor", f"0x{desc.idVendor:04x}", dev.manufacturer)
    yield _line(1, "idProduct", f"0x{desc.idProduct:04x}", dev.product)
    yield _line(1, "bcdDevice", _bcd(desc.bcdDevice))
    yield _line(1, "iManufacturer", desc.iManufacturer, dev.manufacturer)
    yield _line(1, "iProduct", desc.iProduct, dev.product)
    yield _line(1, "iSerial", desc.iSerialNumber, dev.serial)
    yield _line(1, "bNumConfigurations", desc.bNumConfigurations)
    for config in dev.configurations:
        yield from _configuration(dev, config)
    if dev.qualifier:
        yield from _qualifier(dev.qualifier)
    if dev.bos:
        yield from _bos(dev.bos)


def _class_lines(depth: int, name: str, kind: int, sub: int, protocol: int) -> Iterator[str]:
    yield _line(depth, f"{name}Class", kind, _CLASSES.get(kind))
    yield _line(depth, f"{name}SubClass", sub, _SUBCLASSES.get((kind, sub)))
    yield _line(depth, f"{name}Protocol", protocol, _PROTOCOLS.get((kind, sub, protocol)))


def _configuration(dev: UsbDevice, config: HostConfig) -> Iterator[str]:
    desc = config.desc
    yield "  Configuration Descriptor:"
    yield _line(2, "bLength", 9)
    yield _line(2, "bDescriptorType", DescriptorType.CONFIG)
    yield _line(2, "wTotalLength", f"0x{desc.wTotalLength:04x}")
    yield _line(2, "bNumInterfaces", desc.bNumInterfaces)
    yield _line(2, "bConfigurationValue", desc.bConfigurationValue)
    yield _line(2, "iConfiguration", desc.iConfiguration, config.string)
    yield _line(2, "bmAttributes", f"0x{desc.bmAttributes:02x}")
    if not desc.bmAttributes & 0x80:
        yield "      (Missing must-be-set bit!)"
    yield "      Self Powered" if desc.bmAttributes & 0x40 else "      (Bus Powered)"
    if desc.bmAttributes & 0x20:
        yield "      Remote Wakeup"
    unit = 8 if dev.speed >= Speed.SUPER else 2
    yield _line(2, "MaxPower", desc.bMaxPower * unit) + "mA"
    for item in config.extra:
        yield from _unknown(2, item)
    shown = set()
    for interface in config.interfaces:
        iad = interface.iad
        if iad is not None and iad.bFirstInterface not in shown:
            shown.add(iad.bFirstInterface)
            yield from _association(iad)
        for setting in interface.altsetting:
            yield from _interface(setting)


def _association(iad: InterfaceAssociation) -> Iterator[str]:
    yield "    Interface Association:"
    yield _line(3, "bLength", 8)
    yield _line(3, "bDescriptorType", DescriptorType.INTERFACE_ASSOCIATION)
    yield _line(3, "bFirstInterface", iad.bFirstInterface)
    yield _line(3, "bInterfaceCount", iad.bInterfaceCount)
    yield from _class_lines(
        3, "bFunction", iad.bFunctionClass, iad.bFunctionSubClass, iad.bFunctionProtocol
    )
    yield _line(3, "iFunction", iad.iFunction)


def _interface(setting: HostInterface) -> Iterator[str]:
    desc = setting.desc
    yield "    Interface Descriptor:"
    yield _line(3, "bLength", 9)
    yield _line(3, "bDescriptorType", DescriptorType.INTERFACE)
    yield _line(3, "bInterfaceNumber", desc.bInterfaceNumber)
    yield _line(3, "bAlternateSetting", desc.bAlternateSetting)
    yield _line(3, "bNumEndpoints", desc.bNumEndpoints)
    yield from _class_lines(
        3, "bInterface", desc.bInterfaceClass, desc.bInterfaceSubClass, desc.bInterfaceProtocol
    )
    yield _line(3, "iInterface", desc.iInterface, setting.string)
    for item in setting.extra:
        if desc.bInterfaceClass == 0x02 and item.type == DescriptorType.CS_INTERFACE:
            yield from _functional(item)
        else:
            yield from _unknown(3, item)
    for endpoint in setting.endpoints:
        yield from _endpoint(endpoint)


def _functional(item: RawDescriptor) -> Iterator[str]:
    """A CDC functional descriptor (CDC 1.2 section 5.2.3)."""
    body = item.body
    kind = body[0] if body else -1
    if kind == 0x00 and len(body) >= 3:
        yield "      CDC Header:"
        yield _line(4, "bcdCDC", _bcd(int.from_bytes(body[1:3], "little")))
    elif kind == 0x01 and len(body) >= 3:
        yield "      CDC Call Management:"
        yield _line(4, "bmCapabilities", f"0x{body[1]:02x}")
        if body[1] & 1:
            yield "          call management"
        if body[1] & 2:
            yield "          use DataInterface"
        yield _line(4, "bDataInterface", body[2])
    elif kind == 0x02 and len(body) >= 2:
        yield "      CDC ACM:"
        yield _line(4, "bmCapabilities", f"0x{body[1]:02x}")
        for bit, text in (
            (8, "connection notifications"),
            (4, "sends break"),
            (2, "line coding and serial state"),
            (1, "get/set/clear comm features"),
        ):
            if body[1] & bit:
                yield f"          {text}"
    elif kind == 0x06 and len(body) >= 3:
        yield "      CDC Union:"
        yield _line(4, "bMasterInterface", body[1])
        for slave in body[2:]:
            yield _line(4, "bSlaveInterface", slave)
    else:
        yield from _unknown(3, item)


def _unknown(depth: int, item: RawDescriptor) -> Iterator[str]:
    yield f"{'  ' * depth}** UNRECOGNIZED:  {bytes(item).hex(' ')}"


def _endpoint(endpoint: HostEndpoint) -> Iterator[str]:
    desc = endpoint.desc
    yield "      Endpoint Descriptor:"
    yield _line(4, "bLength", 7)
    yield _line(4, "bDescriptorType", DescriptorType.ENDPOINT)
    way = "IN" if desc.is_in else "OUT"
    yield _line(4, "bEndpointAddress", f"0x{desc.bEndpointAddress:02x}", f" EP {desc.number} {way}")
    yield _line(4, "bmAttributes", desc.bmAttributes)
    yield _words(5, "Transfer Type", _TRANSFERS[desc.transfer_type])
    yield _words(5, "Synch Type", _SYNC[desc.bmAttributes >> 2 & 3])
    yield _words(5, "Usage Type", _USAGE[desc.bmAttributes >> 4 & 3])
    size = f" {desc.maxp_mult}x {desc.maxp} bytes"
    yield _line(4, "wMaxPacketSize", f"0x{desc.wMaxPacketSize:04x}", size)
    yield _line(4, "bInterval", desc.bInterval)
    if endpoint.companion is not None:
        yield from _companion(endpoint.companion)
    for item in endpoint.extra:
        yield from _unknown(4, item)


def _companion(companion: EndpointCompanion) -> Iterator[str]:
    yield _line(4, "bMaxBurst", companion.bMaxBurst)
    yield _line(4, "bmAttributes", companion.bmAttributes)
    yield _line(4, "wBytesPerInterval", companion.wBytesPerInterval)


def _qualifier(data: bytes) -> Iterator[str]:
    yield "Device Qualifier (for other device speed):"
    yield _line(1, "bLength", data[0])
    yield _line(1, "bDescriptorType", data[1])
    yield _line(1, "bcdUSB", _bcd(int.from_bytes(data[2:4], "little")))
    yield from _class_lines(1, "bDevice", data[4], data[5], data[6])
    yield _line(1, "bMaxPacketSize0", data[7])
    yield _line(1, "bNumConfigurations", data[8])


def _bos(data: bytes) -> Iterator[str]:
    yield "Binary Object Store Descriptor:"
    yield _line(1, "bLength", data[0])
    yield _line(1, "bDescriptorType", data[1])
    yield _line(1, "wTotalLength", f"0x{int.from_bytes(data[2:4], 'little'):04x}")
    yield _line(1, "bNumDeviceCaps", data[4])
    offset = data[0]
    while offset + 3 <= len(data) and data[offset] >= 3:
        piece = data[offset : offset + data[offset]]
        yield f"  Device Capability 0x{piece[2]:02x}: {piece.hex(' ')}"
        offset += data[offset]
