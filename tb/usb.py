# SPDX-License-Identifier: Apache-2.0
"""USB chapter 9: speeds, requests, descriptors (USB 2.0 section 9, USB 3.2 section 9).

Descriptor classes hold their fields under the names of the specification; `bytes(descriptor)` is
the wire form, `Class.parse(data)` reads one, `walk(data)` takes a whole configuration apart.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import ClassVar, TypeVar

__all__ = [
    "DIR_IN",
    "FEATURE_DEVICE_REMOTE_WAKEUP",
    "FEATURE_ENDPOINT_HALT",
    "FEATURE_TEST_MODE",
    "BosDescriptor",
    "ConfigDescriptor",
    "Descriptor",
    "DescriptorType",
    "DeviceDescriptor",
    "DeviceQualifier",
    "DeviceState",
    "EndpointCompanion",
    "EndpointDescriptor",
    "InterfaceAssociation",
    "InterfaceDescriptor",
    "RawDescriptor",
    "Recipient",
    "Request",
    "RequestType",
    "SetupPacket",
    "Speed",
    "TransferType",
    "string_descriptor",
    "string_text",
    "walk",
]

D = TypeVar("D", bound="Descriptor")

DIR_IN = 0x80
"""Direction bit of bmRequestType and of bEndpointAddress: device to host."""


class Speed(IntEnum):
    """Linux's enum usb_device_speed."""

    UNKNOWN = 0
    LOW = 1
    FULL = 2
    HIGH = 3
    WIRELESS = 4
    SUPER = 5
    SUPER_PLUS = 6

    @property
    def text(self) -> str:
        """Linux's text, e.g. "high-speed"."""
        return _SPEED_TEXT[self]


_SPEED_TEXT = {
    Speed.UNKNOWN: "UNKNOWN",
    Speed.LOW: "low-speed",
    Speed.FULL: "full-speed",
    Speed.HIGH: "high-speed",
    Speed.WIRELESS: "wireless",
    Speed.SUPER: "super-speed",
    Speed.SUPER_PLUS: "super-speed-plus",
}


class DeviceState(IntEnum):
    """Linux's enum usb_device_state."""

    NOTATTACHED = 0
    ATTACHED = 1
    POWERED = 2
    RECONNECTING = 3
    UNAUTHENTICATED = 4
    DEFAULT = 5
    ADDRESS = 6
    CONFIGURED = 7
    SUSPENDED = 8


class TransferType(IntEnum):
    """bmAttributes 1:0 of an endpoint (USB 2.0 table 9-13)."""

    CONTROL = 0
    ISOCHRONOUS = 1
    BULK = 2
    INTERRUPT = 3


class Request(IntEnum):
    """Standard requests (USB 2.0 table 9-4, USB 3.2 table 9-5)."""

    GET_STATUS = 0x00
    CLEAR_FEATURE = 0x01
    SET_FEATURE = 0x03
    SET_ADDRESS = 0x05
    GET_DESCRIPTOR = 0x06
    SET_DESCRIPTOR = 0x07
    GET_CONFIGURATION = 0x08
    SET_CONFIGURATION = 0x09
    GET_INTERFACE = 0x0A
    SET_INTERFACE = 0x0B
    SYNCH_FRAME = 0x0C
    SET_SEL = 0x30
    SET_ISOCH_DELAY = 0x31


class RequestType(IntEnum):
    """bmRequestType 6:5, in place."""

    STANDARD = 0x00
    CLASS = 0x20
    VENDOR = 0x40


class Recipient(IntEnum):
    """bmRequestType 4:0."""

    DEVICE = 0
    INTERFACE = 1
    ENDPOINT = 2
    OTHER = 3


class DescriptorType(IntEnum):
    """bDescriptorType (USB 2.0 table 9-5, USB 3.2 table 9-6, CDC 1.1)."""

    DEVICE = 0x01
    CONFIG = 0x02
    STRING = 0x03
    INTERFACE = 0x04
    ENDPOINT = 0x05
    DEVICE_QUALIFIER = 0x06
    OTHER_SPEED_CONFIG = 0x07
    INTERFACE_POWER = 0x08
    OTG = 0x09
    DEBUG = 0x0A
    INTERFACE_ASSOCIATION = 0x0B
    BOS = 0x0F
    DEVICE_CAPABILITY = 0x10
    CS_INTERFACE = 0x24
    CS_ENDPOINT = 0x25
    SS_ENDPOINT_COMPANION = 0x30


FEATURE_ENDPOINT_HALT = 0
FEATURE_DEVICE_REMOTE_WAKEUP = 1
FEATURE_TEST_MODE = 2


@dataclass(slots=True, frozen=True)
class SetupPacket:
    """The 8 bytes of a SETUP (USB 2.0 table 9-2)."""

    bmRequestType: int
    bRequest: int
    wValue: int
    wIndex: int
    wLength: int

    @classmethod
    def parse(cls, data: bytes) -> SetupPacket:
        """Read 8 bytes.

        Raises:
            ValueError: not exactly 8 bytes.
        """
        if len(data) != 8:
            raise ValueError(f"a SETUP packet has 8 bytes, not {len(data)}")
        return cls(*struct.unpack("<BBHHH", data))

    def __bytes__(self) -> bytes:
        """Return the 8 bytes."""
        return struct.pack(
            "<BBHHH", self.bmRequestType, self.bRequest, self.wValue, self.wIndex, self.wLength
        )

    @property
    def is_in(self) -> bool:
        """True if the data stage goes to the host."""
        return bool(self.bmRequestType & DIR_IN)

    @property
    def type(self) -> int:
        """bmRequestType 6:5, in place: compare with `RequestType`."""
        return self.bmRequestType & 0x60

    @property
    def recipient(self) -> int:
        """bmRequestType 4:0: compare with `Recipient`."""
        return self.bmRequestType & 0x1F


@dataclass(slots=True)
class Descriptor:
    """Base of fixed-layout descriptors."""

    FORMAT: ClassVar[str]
    TYPE: ClassVar[int]

    @classmethod
    def size(cls) -> int:
        """Return bLength."""
        return 2 + struct.calcsize(cls.FORMAT)

    def __bytes__(self) -> bytes:
        """Return the wire form."""
        values = [getattr(self, item.name) for item in fields(self)]
        return bytes((self.size(), self.TYPE)) + struct.pack(self.FORMAT, *values)

    @classmethod
    def parse(cls: type[D], data: bytes) -> D:
        """Read one; bytes behind its fields are ignored.

        Raises:
            ValueError: too short.
        """
        if len(data) < cls.size():
            raise ValueError(f"{cls.__name__} has {cls.size()} bytes, got {len(data)}")
        return cls(*struct.unpack_from(cls.FORMAT, data, 2))


@dataclass(slots=True)
class DeviceDescriptor(Descriptor):
    """USB 2.0 table 9-8."""

    FORMAT: ClassVar[str] = "<HBBBBHHHBBBB"
    TYPE: ClassVar[int] = DescriptorType.DEVICE
    bcdUSB: int = 0x0200
    bDeviceClass: int = 0
    bDeviceSubClass: int = 0
    bDeviceProtocol: int = 0
    bMaxPacketSize0: int = 64
    idVendor: int = 0
    idProduct: int = 0
    bcdDevice: int = 0
    iManufacturer: int = 0
    iProduct: int = 0
    iSerialNumber: int = 0
    bNumConfigurations: int = 0


@dataclass(slots=True)
class DeviceQualifier(Descriptor):
    """USB 2.0 table 9-9."""

    FORMAT: ClassVar[str] = "<HBBBBBB"
    TYPE: ClassVar[int] = DescriptorType.DEVICE_QUALIFIER
    bcdUSB: int = 0x0200
    bDeviceClass: int = 0
    bDeviceSubClass: int = 0
    bDeviceProtocol: int = 0
    bMaxPacketSize0: int = 64
    bNumConfigurations: int = 0
    bReserved: int = 0


@dataclass(slots=True)
class ConfigDescriptor(Descriptor):
    """USB 2.0 table 9-10; `bMaxPower` in units of 2 mA (8 mA at SuperSpeed)."""

    FORMAT: ClassVar[str] = "<HBBBBB"
    TYPE: ClassVar[int] = DescriptorType.CONFIG
    wTotalLength: int = 0
    bNumInterfaces: int = 0
    bConfigurationValue: int = 1
    iConfiguration: int = 0
    bmAttributes: int = 0x80
    bMaxPower: int = 0


@dataclass(slots=True)
class InterfaceAssociation(Descriptor):
    """IAD (USB 2.0 ECN, table 9-Z)."""

    FORMAT: ClassVar[str] = "<BBBBBB"
    TYPE: ClassVar[int] = DescriptorType.INTERFACE_ASSOCIATION
    bFirstInterface: int = 0
    bInterfaceCount: int = 0
    bFunctionClass: int = 0
    bFunctionSubClass: int = 0
    bFunctionProtocol: int = 0
    iFunction: int = 0


@dataclass(slots=True)
class InterfaceDescriptor(Descriptor):
    """USB 2.0 table 9-12."""

    FORMAT: ClassVar[str] = "<BBBBBBB"
    TYPE: ClassVar[int] = DescriptorType.INTERFACE
    bInterfaceNumber: int = 0
    bAlternateSetting: int = 0
    bNumEndpoints: int = 0
    bInterfaceClass: int = 0
    bInterfaceSubClass: int = 0
    bInterfaceProtocol: int = 0
    iInterface: int = 0


@dataclass(slots=True)
class EndpointDescriptor(Descriptor):
    """USB 2.0 table 9-13."""

    FORMAT: ClassVar[str] = "<BBHB"
    TYPE: ClassVar[int] = DescriptorType.ENDPOINT
    bEndpointAddress: int = 0
    bmAttributes: int = 0
    wMaxPacketSize: int = 0
    bInterval: int = 0

    @property
    def number(self) -> int:
        """Endpoint number, 0 to 15."""
        return self.bEndpointAddress & 0xF

    @property
    def is_in(self) -> bool:
        """True for device to host."""
        return bool(self.bEndpointAddress & DIR_IN)

    @property
    def transfer_type(self) -> TransferType:
        """Control, isochronous, bulk or interrupt."""
        return TransferType(self.bmAttributes & 3)

    @property
    def maxp(self) -> int:
        """Largest packet in bytes, bits 10:0."""
        return self.wMaxPacketSize & 0x7FF

    @property
    def maxp_mult(self) -> int:
        """Packets per microframe, 1 to 3 (high-speed periodic endpoints)."""
        return (self.wMaxPacketSize >> 11 & 3) + 1


@dataclass(slots=True)
class EndpointCompanion(Descriptor):
    """SuperSpeed endpoint companion (USB 3.2 table 9-26)."""

    FORMAT: ClassVar[str] = "<BBH"
    TYPE: ClassVar[int] = DescriptorType.SS_ENDPOINT_COMPANION
    bMaxBurst: int = 0
    bmAttributes: int = 0
    wBytesPerInterval: int = 0


@dataclass(slots=True)
class BosDescriptor(Descriptor):
    """Binary object store header (USB 3.2 table 9-12)."""

    FORMAT: ClassVar[str] = "<HB"
    TYPE: ClassVar[int] = DescriptorType.BOS
    wTotalLength: int = 5
    bNumDeviceCaps: int = 0


@dataclass(slots=True)
class RawDescriptor:
    """A descriptor without a class of its own, e.g. a CDC functional one.

    Attributes:
        type: bDescriptorType.
        body: what follows bDescriptorType.
    """

    type: int
    body: bytes = field(default=b"")

    def __bytes__(self) -> bytes:
        """Return the wire form."""
        return bytes((2 + len(self.body), self.type)) + self.body


_CLASSES: dict[int, type[Descriptor]] = {
    one.TYPE: one
    for one in (
        DeviceDescriptor,
        DeviceQualifier,
        ConfigDescriptor,
        InterfaceAssociation,
        InterfaceDescriptor,
        EndpointDescriptor,
        EndpointCompanion,
        BosDescriptor,
    )
}


def walk(data: bytes) -> Iterator[Descriptor | RawDescriptor]:
    """Yield the descriptors that stand one behind the other.

    Raises:
        ValueError: a bLength below 2 or beyond the end; the message gives the offset.
    """
    offset = 0
    while offset < len(data):
        left = len(data) - offset
        length = data[offset]
        if length < 2 or length > left:
            raise ValueError(f"bLength {length} at offset {offset}, {left} bytes are left")
        piece = data[offset : offset + length]
        known = _CLASSES.get(piece[1])
        if known is not None and length >= known.size():
            yield known.parse(piece)
        else:
            yield RawDescriptor(piece[1], piece[2:])
        offset += length


def string_descriptor(text: str) -> bytes:
    """Return a string descriptor (USB 2.0 table 9-16).

    Raises:
        ValueError: more than 126 UTF-16 units.
    """
    units = text.encode("utf-16-le")
    if len(units) > 252:
        raise ValueError(f"a string holds at most 126 UTF-16 units, not {len(units) // 2}")
    return bytes((2 + len(units), DescriptorType.STRING)) + units


def string_text(data: bytes) -> str:
    """Return the text of a string descriptor; odd trailing bytes are dropped."""
    body = data[2 : data[0]] if data else b""
    return body[: len(body) & ~1].decode("utf-16-le", errors="replace")
