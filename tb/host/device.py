# SPDX-License-Identifier: Apache-2.0
"""What the host knows about a device: configurations, interfaces, endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tb.usb import (
    ConfigDescriptor,
    DeviceDescriptor,
    DeviceState,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceAssociation,
    InterfaceDescriptor,
    RawDescriptor,
    Speed,
    TransferType,
)

from .lpm import Usb2LpmParameters

if TYPE_CHECKING:
    from .core import UsbBus
    from .driver import UsbDriver

__all__ = ["HostConfig", "HostEndpoint", "HostInterface", "UsbDevice", "UsbInterface"]


class HostEndpoint:
    """An endpoint of an altsetting, or endpoint 0.

    Attributes:
        desc: its descriptor, mended where it was wrong.
        companion: SuperSpeed companion descriptor, or None.
        extra: class-specific descriptors that follow it.
        type: kind of transfers.
        is_in: True for device to host.
        maxp: largest packet, bytes.
        enabled: in use; else submissions fail with ENOENT.
        hcpriv: queue of the host controller driver.
        streams: bulk streams that are allocated.
    """

    __slots__ = (
        "companion", "desc", "enabled", "extra", "hcpriv", "is_in", "maxp", "streams", "type",
    )  # fmt: skip

    def __init__(self, desc: EndpointDescriptor) -> None:
        """Wrap a descriptor."""
        self.desc = desc
        self.companion: EndpointCompanion | None = None
        self.extra: list[RawDescriptor] = []
        self.type = desc.transfer_type
        self.is_in = desc.is_in
        self.maxp = desc.maxp
        self.enabled = False
        self.hcpriv: Any = None
        self.streams = 0

    def __repr__(self) -> str:
        """Return number, direction and type."""
        way = "in" if self.is_in else "out"
        return f"<ep{self.desc.number}{way} {self.type.name.lower()} {self.maxp}>"


@dataclass(slots=True, eq=False)
class HostInterface:
    """One altsetting of an interface.

    Attributes:
        desc: its descriptor.
        endpoints: in descriptor order.
        extra: class-specific descriptors between it and its first endpoint.
        string: text of iInterface, once read.
    """

    desc: InterfaceDescriptor
    endpoints: list[HostEndpoint] = field(default_factory=list)
    extra: list[RawDescriptor] = field(default_factory=list)
    string: str | None = None


@dataclass(slots=True, eq=False)
class UsbInterface:
    """An interface with its altsettings.

    Attributes:
        dev: the device.
        number: bInterfaceNumber.
        altsetting: all of them, in descriptor order.
        cur_altsetting: the one in use.
        iad: the association that the interface belongs to, or None.
        driver: bound driver, or None.
        data: free for the driver (usb_set_intfdata).
        unregistering: going away.
    """

    dev: UsbDevice
    number: int
    altsetting: list[HostInterface] = field(default_factory=list)
    cur_altsetting: HostInterface = field(init=False)
    iad: InterfaceAssociation | None = None
    driver: UsbDriver | None = None
    data: Any = None
    unregistering: bool = False

    def altsetting_by_number(self, number: int) -> HostInterface | None:
        """Return the altsetting with a bAlternateSetting, None if there is none."""
        for one in self.altsetting:
            if one.desc.bAlternateSetting == number:
                return one
        return None

    def __repr__(self) -> str:
        """Return number, class and driver."""
        desc = self.altsetting[0].desc
        name = self.driver.name if self.driver else "none"
        return (
            f"<interface {self.number} class {desc.bInterfaceClass:02x}/"
            f"{desc.bInterfaceSubClass:02x}/{desc.bInterfaceProtocol:02x} driver {name}>"
        )


@dataclass(slots=True, eq=False)
class HostConfig:
    """A configuration.

    Attributes:
        desc: its descriptor.
        interfaces: by ascending number of first appearance.
        iads: interface associations.
        extra: descriptors in front of the first interface.
        raw: as the device sent it.
        string: text of iConfiguration, once read.
    """

    desc: ConfigDescriptor
    interfaces: list[UsbInterface] = field(default_factory=list)
    iads: list[InterfaceAssociation] = field(default_factory=list)
    extra: list[RawDescriptor] = field(default_factory=list)
    raw: bytes = b""
    string: str | None = None


class UsbDevice:
    """A device on the bus.

    Attributes:
        bus: the host's USB core.
        devnum: address; 0 until it has one.
        speed: as detected at reset.
        state: Linux's device state.
        descriptor: device descriptor.
        bos: binary object store as sent, b"" if not read.
        qualifier: device qualifier as sent, b"" if not read.
        configurations: all of them.
        actconfig: the one in use, or None.
        manufacturer, product, serial: strings, or None.
        string_langid: language in which strings are read.
        ep_in, ep_out: enabled endpoints by number; endpoint 0 stands in both.
        ep0: the default control endpoint.
        can_submit: False while suspended.
        lpm_capable: its BOS descriptor says that it has link power management.
        lpm_disable_count: calls of `usb_disable_lpm` that have not been undone.
        usb2_hw_lpm_capable, usb2_hw_lpm_besl_capable: the port can enter L1 by itself; with BESL.
        usb2_hw_lpm_allowed, usb2_hw_lpm_enabled: it may; it does.
        l1_params: settings of L1.
    """

    def __init__(self, bus: UsbBus, speed: Speed) -> None:
        """Make a device that has just been powered."""
        self.bus = bus
        self.devnum = 0
        self.speed = speed
        self.state = DeviceState.POWERED
        self.descriptor = DeviceDescriptor()
        self.bos = b""
        self.qualifier = b""
        self.configurations: list[HostConfig] = []
        self.actconfig: HostConfig | None = None
        self.manufacturer: str | None = None
        self.product: str | None = None
        self.serial: str | None = None
        self.string_langid = 0
        self.have_langid = False
        self.can_submit = True
        self.resetting = False
        self.lpm_capable = False
        self.lpm_disable_count = 0
        self.usb2_hw_lpm_capable = False
        self.usb2_hw_lpm_besl_capable = False
        self.usb2_hw_lpm_allowed = False
        self.usb2_hw_lpm_enabled = False
        self.l1_params = Usb2LpmParameters()
        self.ep0 = HostEndpoint(EndpointDescriptor(0, TransferType.CONTROL, 64, 0))
        self.ep_in: list[HostEndpoint | None] = [None] * 16
        self.ep_out: list[HostEndpoint | None] = [None] * 16
        self.ep0.enabled = True
        self.ep_in[0] = self.ep_out[0] = self.ep0

    @property
    def interfaces(self) -> list[UsbInterface]:
        """Interfaces of the configuration in use; empty if there is none."""
        return self.actconfig.interfaces if self.actconfig else []

    @property
    def endpoints(self) -> list[HostEndpoint]:
        """Enabled endpoints without endpoint 0, by address."""
        both = self.ep_out[1:] + self.ep_in[1:]
        return [one for one in both if one is not None]

    @property
    def drivers(self) -> list[str]:
        """Names of the drivers bound to interfaces, in interface order, each once."""
        return list(dict.fromkeys(one.driver.name for one in self.interfaces if one.driver))

    def interface(self, number: int) -> UsbInterface | None:
        """Return the interface with a bInterfaceNumber in the configuration in use, or None."""
        for one in self.interfaces:
            if one.number == number:
                return one
        return None

    def all_queues(self) -> Iterator[HostEndpoint]:
        """Yield every enabled endpoint, endpoint 0 last."""
        yield from self.endpoints
        yield self.ep0

    def __repr__(self) -> str:
        """Return address, ids and state."""
        return (
            f"<UsbDevice {self.devnum} {self.descriptor.idVendor:04x}:"
            f"{self.descriptor.idProduct:04x} {self.speed.text} {self.state.name}>"
        )
