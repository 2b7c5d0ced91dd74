# SPDX-License-Identifier: Apache-2.0
"""Interface drivers: id tables, registration, binding; which configuration is chosen."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tb.kernel import might_sleep, os_error
from tb.usb import DeviceState

from .device import HostConfig, UsbDevice, UsbInterface

if TYPE_CHECKING:
    from .core import UsbBus

__all__ = [
    "UsbDeviceId",
    "UsbDriver",
    "choose_configuration",
    "usb_deregister",
    "usb_driver_claim_interface",
    "usb_driver_release_interface",
    "usb_match_id",
    "usb_register",
]

log = logging.getLogger(__name__)

_AUDIO, _VENDOR = 0x01, 0xFF
_UAC3 = 0x30
_BUS_BUDGET_MA = 500


@dataclass(frozen=True, slots=True)
class UsbDeviceId:
    """A line of an id table; None matches everything.

    `driver_info` is handed to `probe` with the line.
    """

    idVendor: int | None = None
    idProduct: int | None = None
    bDeviceClass: int | None = None
    bDeviceSubClass: int | None = None
    bDeviceProtocol: int | None = None
    bInterfaceClass: int | None = None
    bInterfaceSubClass: int | None = None
    bInterfaceProtocol: int | None = None
    bInterfaceNumber: int | None = None
    driver_info: Any = None

    def matches(self, interface: UsbInterface) -> bool:
        """Tell whether the line fits an interface."""
        device = interface.dev.descriptor
        desc = interface.cur_altsetting.desc
        for name in ("idVendor", "idProduct", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol"):
            wanted = getattr(self, name)
            if wanted is not None and wanted != getattr(device, name):
                return False
        # A vendor-specific device is matched by class only if the vendor is named, too.
        by_class = self.bInterfaceClass is not None or self.bInterfaceSubClass is not None
        if device.bDeviceClass == _VENDOR and self.idVendor is None and by_class:
            return False
        for name in (
            "bInterfaceClass",
            "bInterfaceSubClass",
            "bInterfaceProtocol",
            "bInterfaceNumber",
        ):
            wanted = getattr(self, name)
            if wanted is not None and wanted != getattr(desc, name):
                return False
        return True


class UsbDriver:
    """Base of interface drivers.

    Attributes:
        name: of the driver.
        id_table: what it can drive.
    """

    name: ClassVar[str]
    id_table: ClassVar[tuple[UsbDeviceId, ...]] = ()

    async def probe(self, interface: UsbInterface, line: UsbDeviceId) -> None:
        """Take an interface.

        Raises:
            OSError: ENODEV or ENXIO to decline; anything else is reported.
        """
        raise NotImplementedError

    async def disconnect(self, interface: UsbInterface) -> None:
        """Let go of an interface; its URBs have been given back."""
        raise NotImplementedError

    async def pre_reset(self, interface: UsbInterface) -> bool:
        """Prepare for a port reset; False has the driver unbound and bound again."""
        return False

    async def post_reset(self, interface: UsbInterface) -> bool:
        """Go on after a port reset; False has the driver unbound and bound again."""
        return False


def usb_match_id(interface: UsbInterface, table: tuple[UsbDeviceId, ...]) -> UsbDeviceId | None:
    """Return the first line of an id table that fits, None if none does."""
    for line in table:
        if line.matches(interface):
            return line
    return None


async def usb_register(bus: UsbBus, driver: UsbDriver) -> None:
    """Add a driver to a host; it is offered every interface without a driver.

    Raises:
        OSError: EBUSY if a driver of that name is there already.
    """
    might_sleep()
    if any(one.name == driver.name for one in bus.drivers):
        raise os_error(errno.EBUSY, f"driver {driver.name!r} is registered already")
    bus.drivers.append(driver)
    for dev in list(bus.devices.values()):
        for interface in dev.interfaces:
            await bind_driver(interface)


async def usb_deregister(bus: UsbBus, driver: UsbDriver) -> None:
    """Unbind a driver everywhere and remove it.

    Raises:
        OSError: ENOENT if it is not registered.
    """
    might_sleep()
    if driver not in bus.drivers:
        raise os_error(errno.ENOENT, f"driver {driver.name!r} is not registered")
    bus.drivers.remove(driver)
    for dev in list(bus.devices.values()):
        for interface in dev.interfaces:
            if interface.driver is driver:
                await unbind_driver(interface)


def usb_driver_claim_interface(driver: UsbDriver, interface: UsbInterface, data: Any) -> None:
    """Bind a further interface to a driver that is probing another one.

    Raises:
        OSError: EBUSY if it has a driver.
    """
    if interface.driver is not None:
        raise os_error(
            errno.EBUSY, f"interface {interface.number} belongs to {interface.driver.name}"
        )
    interface.driver = driver
    interface.data = data


async def usb_driver_release_interface(driver: UsbDriver, interface: UsbInterface) -> None:
    """Unbind an interface that a driver had claimed; harmless if it is not the driver's."""
    if interface.driver is driver:
        await unbind_driver(interface)


async def bind_driver(interface: UsbInterface) -> None:
    """Offer an interface to the registered drivers in order."""
    for driver in list(interface.dev.bus.drivers):
        if interface.driver is not None or interface.unregistering:
            return
        line = usb_match_id(interface, driver.id_table)
        if line is None:
            continue
        interface.driver = driver
        try:
            await driver.probe(interface, line)
        except OSError as error:
            interface.driver = None
            interface.data = None
            if error.errno not in (errno.ENODEV, errno.ENXIO):
                log.warning("%s: probe of %r failed: %s", driver.name, interface, error)
        else:
            log.info("%s: bound to %r", driver.name, interface)
            return


async def unbind_driver(interface: UsbInterface) -> None:
    """End the URBs of an interface, then let its driver go."""
    driver = interface.driver
    if driver is None:
        return
    from .message import disable_interface, enable_interface, usb_set_interface  # noqa: PLC0415

    dev = interface.dev
    await disable_interface(interface)
    await driver.disconnect(interface)
    interface.driver = None
    interface.data = None
    if interface.unregistering or dev.state != DeviceState.CONFIGURED:
        return
    if interface.cur_altsetting.desc.bAlternateSetting == 0:
        enable_interface(interface)
        return
    try:
        await usb_set_interface(dev, interface.number, 0)
    except OSError as error:
        log.warning("interface %d: back to altsetting 0: %s", interface.number, error)


def choose_configuration(dev: UsbDevice) -> HostConfig | None:
    """Return the configuration of the generic driver's choice (facts host-urb section 11)."""
    best: HostConfig | None = None
    unit = 8 if dev.speed >= 5 else 2
    first_class = [_first_class(config) for config in dev.configurations]
    for config, kind in zip(dev.configurations, first_class, strict=True):
        if config.desc.bMaxPower * unit > _BUS_BUDGET_MA:
            log.info(
                "configuration %d wants %d mA, the port has %d mA",
                config.desc.bConfigurationValue, config.desc.bMaxPower * unit, _BUS_BUDGET_MA,
            )  # fmt: skip
            continue
        if kind == _AUDIO and best is not None and _first_class(best) == _AUDIO:
            if _is_uac3(config):
                best = config
                break
            continue
        if kind == _AUDIO:
            best = best or config
            if _is_uac3(config):
                break
            continue
        if best is None and _is_rndis(config) and len(dev.configurations) > 1:
            # There is no RNDIS host driver: not even a candidate.
            continue
        if dev.descriptor.bDeviceClass != _VENDOR and kind not in (_VENDOR, None):
            best = config
            break
        best = best or config
    if best is None and dev.configurations:
        log.warning("no configuration chosen from %d choices", len(dev.configurations))
    return best


def _first_class(config: HostConfig) -> int | None:
    if not config.interfaces:
        return None
    return config.interfaces[0].altsetting[0].desc.bInterfaceClass


def _is_uac3(config: HostConfig) -> bool:
    return any(
        setting.desc.bInterfaceClass == _AUDIO and setting.desc.bInterfaceProtocol == _UAC3
        for interface in config.interfaces
        for setting in interface.altsetting
    )


def _is_rndis(config: HostConfig) -> bool:
    if not config.interfaces:
        return False
    desc = config.interfaces[0].altsetting[0].desc
    kind = (desc.bInterfaceClass, desc.bInterfaceSubClass, desc.bInterfaceProtocol)
    return kind in ((0x02, 0x02, 0xFF), (0xEF, 0x04, 0x01))
