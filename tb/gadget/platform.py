# SPDX-License-Identifier: Apache-2.0
"""The platform bus: devices from device tree nodes, drivers by `compatible` (S004-02 ff.)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from tb.kernel import EPROBE_DEFER, CpuBus, DmaPool, IrqChip, os_error

from .devicetree import Cell, DeviceNode

__all__ = ["PlatformBus", "PlatformDevice", "PlatformDriver"]

log = logging.getLogger(__name__)


class PlatformDevice:
    """A device that sits at an address.

    Attributes:
        name: as Linux makes it, e.g. "10200000.usb" (S004-07).
        base, size: register region.
        irq: interrupt number.
        bus, irq_chip, dma: how the CPU reaches the device; set by the machine.
        driver_data: the driver's own.
    """

    def __init__(self, node: DeviceNode) -> None:
        """Take resources from a node.

        Raises:
            OSError: EINVAL if reg or interrupts are missing or wrong.
        """
        self.node = node
        self.name = f"{node.unit_address}.{node.name}" if node.unit_address else node.name
        reg = node.numbers("reg")
        if len(reg) < 2:
            raise os_error(errno.EINVAL, f"{node.full_name}: reg = <base size> is wanted")
        # Two-cell addresses have a zero in front of each number.
        self.base, self.size = (reg[1], reg[3]) if len(reg) == 4 else (reg[0], reg[1])
        self.irq = _interrupt(node)
        self.bus: CpuBus | None = None
        self.irq_chip: IrqChip | None = None
        self.dma: DmaPool | None = None
        self.driver: PlatformDriver | None = None
        self.driver_data: Any = None
        clocks, names = node.cells("clocks"), node.strings("clock-names")
        pairs = len([cell for cell in clocks if not (isinstance(cell, str) and cell[:1] == "&")])
        if names and pairs and pairs != len(names):
            log.warning(
                "%s: %d clocks but %d clock-names; the names must match the clocks",
                node.full_name,
                pairs,
                len(names),
            )


def _interrupt(node: DeviceNode) -> int:
    cells: list[Cell] = node.cells("interrupts")
    if not cells:
        raise os_error(errno.EINVAL, f"{node.full_name}: interrupts is missing")
    # <GIC_SPI number flags> or <number flags> or <number>.
    number = cells[1] if len(cells) >= 3 else cells[0]
    if not isinstance(number, int):
        raise os_error(errno.EINVAL, f"{node.full_name}: interrupt {number!r} is no number")
    return number


class PlatformDriver:
    """A driver of platform devices.

    Attributes:
        name: for logs.
        of_match: `compatible` text -> match data (S004-04).
    """

    name = ""
    of_match: ClassVar[Mapping[str, Any]] = {}

    async def probe(self, device: PlatformDevice, match_data: Any) -> None:
        """Take a device."""
        raise NotImplementedError

    async def remove(self, device: PlatformDevice) -> None:
        """Let go of a device."""

    async def shutdown(self, device: PlatformDevice) -> None:
        """Quiet a device before power-off."""


class PlatformBus:
    """All platform devices and drivers of a machine."""

    def __init__(self) -> None:
        """Start with none."""
        self.devices: list[PlatformDevice] = []
        self.drivers: list[PlatformDriver] = []
        self.deferred: list[PlatformDevice] = []

    async def populate(self, node: DeviceNode) -> PlatformDevice | None:
        """Make the device of a node, if its status is okay, and probe it.

        Raises:
            OSError: EINVAL for a bad node; what a matching driver's probe raises.
        """
        if not node.available:
            log.info("%s: status is %r, no device", node.full_name, node.string("status"))
            return None
        device = PlatformDevice(node)
        await self.add_device(device)
        return device

    async def add_device(self, device: PlatformDevice) -> None:
        """Add a device and probe it.

        Raises:
            OSError: what the driver's probe raises (EPROBE_DEFER only lets it wait).
        """
        self.devices.append(device)
        for driver in self.drivers:
            if await self._try(device, driver):
                return

    async def register_driver(self, driver: PlatformDriver) -> None:
        """Add a driver and offer it the devices that have none.

        Raises:
            OSError: what probe raises.
        """
        self.drivers.append(driver)
        for device in self.devices:
            if device.driver is None:
                await self._try(device, driver)

    async def retry_deferred(self) -> None:
        """Probe again what had to wait."""
        waiting, self.deferred = self.deferred, []
        for device in waiting:
            for driver in self.drivers:
                if await self._try(device, driver):
                    break

    async def remove_device(self, device: PlatformDevice) -> None:
        """Take a device away from its driver and the bus."""
        if device.driver is not None:
            await device.driver.remove(device)
            device.driver = None
        self.devices.remove(device)

    async def _try(self, device: PlatformDevice, driver: PlatformDriver) -> bool:
        for text in device.node.strings("compatible"):
            if text not in driver.of_match:
                continue
            try:
                await driver.probe(device, driver.of_match[text])
            except OSError as error:
                if error.errno == EPROBE_DEFER:
                    self.deferred.append(device)
                    return True
                raise
            device.driver = driver
            return True
        return False
