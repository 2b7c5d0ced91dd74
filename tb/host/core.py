# SPDX-License-Identifier: Apache-2.0
"""The USB core of a host: its devices and drivers, and configuring a device."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from pymodel.config import BusTimes, scaled
from tb.controller import WireFace
from tb.kernel import Cpu, DevNodes, Kernel, WaitQueue, ms, os_error, us
from tb.usb import (
    ConfigDescriptor,
    DescriptorType,
    DeviceState,
    Request,
)

from .config import parse_configuration
from .device import HostConfig, UsbDevice
from .driver import UsbDriver, bind_driver, choose_configuration
from .hcd import Hcd
from .lpm import usb_enable_lpm
from .message import (
    USB_CTRL_TIMEOUT,
    cache_string,
    disable_device,
    enable_interface,
    first_setting,
    lpm_off,
    usb_control_msg,
    usb_get_descriptor,
)
from .urb import usb_sndctrlpipe

if TYPE_CHECKING:
    from .hub import RootPort

__all__ = ["UsbBus", "new_device", "usb_set_configuration"]

log = logging.getLogger(__name__)

MAX_CONFIGURATIONS = 8


class UsbBus:
    """A host's USB core.

    Attributes:
        kernel: the scheduler.
        wire: the wire face.
        cpu: the processor that drivers run on.
        devnodes: where drivers show their nodes.
        hcd: the host controller driver.
        times: bus times at the time scale.
        reset_recovery, address_settle: pauses after a port reset and after SET_ADDRESS.
        drivers: registered drivers.
        devices: by address.
        changed: woken when a device has come or gone.
        port: the root port.
    """

    def __init__(
        self, kernel: Kernel, wire: WireFace, *, time_scale: int, cpu: Cpu, devnodes: DevNodes
    ) -> None:
        """Make the core of a host with one root port."""
        self.kernel = kernel
        self.wire = wire
        self.cpu = cpu
        self.devnodes = devnodes
        self.hcd = Hcd(kernel, wire)
        self.times = BusTimes.at(time_scale)
        self.reset_recovery = scaled(ms(10), time_scale, us(100))
        self.address_settle = scaled(ms(10), time_scale, us(100))
        self.drivers: list[UsbDriver] = []
        self.devices: dict[int, UsbDevice] = {}
        self.changed = WaitQueue("usb devices")
        self.port: RootPort | None = None
        self._next_address = 1

    def take_address(self) -> int:
        """Return the next free address, 1 to 127, going round.

        Raises:
            OSError: ENOTCONN if all are taken.
        """
        for step in range(127):
            address = (self._next_address - 1 + step) % 127 + 1
            if address not in self.devices:
                self._next_address = address % 127 + 1
                return address
        raise os_error(errno.ENOTCONN, "all 127 addresses are taken")


async def read_configurations(dev: UsbDevice) -> None:
    """Read and parse all configurations.

    Raises:
        OSError: EINVAL for none or a wrong one; else as `usb_get_descriptor`.
    """
    count = dev.descriptor.bNumConfigurations
    if count > MAX_CONFIGURATIONS:
        log.warning("too many configurations: %d, using %d", count, MAX_CONFIGURATIONS)
        count = MAX_CONFIGURATIONS
    if count < 1:
        raise os_error(errno.EINVAL, "the device has no configurations")
    dev.configurations = []
    for index in range(count):
        head = await usb_get_descriptor(dev, DescriptorType.CONFIG, index, 9)
        if len(head) < ConfigDescriptor.size():
            raise os_error(errno.EINVAL, f"configuration {index}: {len(head)} bytes instead of 9")
        total = max(ConfigDescriptor.parse(head).wTotalLength, 9)
        raw = await usb_get_descriptor(dev, DescriptorType.CONFIG, index, total)
        if len(raw) < total:
            log.warning("configuration %d: %d bytes instead of %d", index, len(raw), total)
        dev.configurations.append(parse_configuration(dev, raw))


async def new_device(dev: UsbDevice) -> None:
    """Read what a freshly addressed device is, announce it and configure it.

    Raises:
        OSError: what reading the configurations fails with.
    """
    await read_configurations(dev)
    desc = dev.descriptor
    dev.product = await cache_string(dev, desc.iProduct)
    dev.manufacturer = await cache_string(dev, desc.iManufacturer)
    dev.serial = await cache_string(dev, desc.iSerialNumber)
    log.info(
        "New USB device found, idVendor=%04x, idProduct=%04x, bcdDevice=%x.%02x, %s, address %d",
        desc.idVendor, desc.idProduct, desc.bcdDevice >> 8, desc.bcdDevice & 0xFF,
        dev.speed.text, dev.devnum,
    )  # fmt: skip
    dev.bus.devices[dev.devnum] = dev
    config = choose_configuration(dev)
    if config is None:
        return
    try:
        await usb_set_configuration(dev, config.desc.bConfigurationValue)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ESHUTDOWN):
            raise
        log.warning("can't set config #%d: %s", config.desc.bConfigurationValue, error)


async def usb_set_configuration(dev: UsbDevice, value: int) -> None:
    """Configure a device, bind drivers; -1 (or 0 if it has no configuration 0) unconfigures it.

    Raises:
        OSError: EINVAL (no such configuration), EHOSTUNREACH (suspended), ENOMEM (the link
            cannot be kept out of L1); else as `usb_control_msg`: the device is then in state
            ADDRESS without interfaces.
    """
    config: HostConfig | None = None
    if value != -1:
        for one in dev.configurations:
            if one.desc.bConfigurationValue == value:
                config = one
        if config is None and value != 0:
            numbers = [one.desc.bConfigurationValue for one in dev.configurations]
            raise os_error(errno.EINVAL, f"no configuration {value}; there are {numbers}")
    if not dev.can_submit:
        raise os_error(errno.EHOSTUNREACH, "usb_set_configuration: the device is suspended")
    await disable_device(dev)
    await lpm_off(dev)
    try:
        await usb_control_msg(
            dev, usb_sndctrlpipe(dev, 0), Request.SET_CONFIGURATION, 0, max(value, 0), 0, None, 0,
            USB_CTRL_TIMEOUT,
        )  # fmt: skip
    finally:
        usb_enable_lpm(dev)
    if config is None:
        dev.state = DeviceState.ADDRESS
        return
    dev.actconfig = config
    dev.state = DeviceState.CONFIGURED
    for interface in config.interfaces:
        interface.unregistering = False
        interface.cur_altsetting = first_setting(interface)
        enable_interface(interface)
    if config.string is None:
        config.string = await cache_string(dev, config.desc.iConfiguration)
    for interface in config.interfaces:
        if dev.state != DeviceState.CONFIGURED:
            return
        setting = interface.cur_altsetting
        if setting.string is None:
            setting.string = await cache_string(dev, setting.desc.iInterface)
        await bind_driver(interface)
