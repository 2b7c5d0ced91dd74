# SPDX-License-Identifier: Apache-2.0
"""Composite drivers as legacy gadgets are written (S004-83 to S004-86, gadget-core.md 7.10)."""

from __future__ import annotations

import copy
import errno
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from tb.kernel import os_error
from tb.usb import DeviceDescriptor, SetupPacket, Speed

from ..composite import UsbCompositeDev
from ..composite_setup import (
    composite_disconnect,
    composite_reset,
    composite_resume,
    composite_setup,
    composite_suspend,
)
from ..endpoint import has_op
from ..gadget import UsbGadget, UsbGadgetDriver
from ..strings import UsbGadgetStrings
from ..udc_core import UdcCore, core_of_machine

__all__ = ["LegacyDriver", "UsbCompositeDriver", "usb_composite_probe", "usb_composite_unregister"]

log = logging.getLogger(__name__)


class UsbCompositeDriver:
    """A composite driver; subclasses override bind, and unbind if there is something to undo.

    Attributes:
        dev: device descriptor to start from.
        needs_serial: warn if no serial number is set.
    """

    OPS_BASE = True

    def __init__(self, name: str = "", dev: DeviceDescriptor | None = None) -> None:
        """Serve speeds up to high speed unless changed."""
        self.name = name
        self.dev = dev
        self.strings: list[UsbGadgetStrings] = []
        self.max_speed = Speed.HIGH
        self.needs_serial = False
        self.gadget_driver: _CompositeGadgetDriver | None = None

    async def bind(self, cdev: UsbCompositeDev) -> None:
        """Add the configurations."""

    async def unbind(self, cdev: UsbCompositeDev) -> None:
        """Undo bind."""

    async def disconnect(self, cdev: UsbCompositeDev) -> None:
        """The host has gone."""

    async def suspend(self, cdev: UsbCompositeDev) -> None:
        """The bus is suspended."""

    async def resume(self, cdev: UsbCompositeDev) -> None:
        """The bus is resumed."""


class _CompositeGadgetDriver(UsbGadgetDriver):
    """What the UDC core sees of a composite driver."""

    def __init__(self, driver: UsbCompositeDriver) -> None:
        super().__init__(driver.name, driver.max_speed)
        self.driver = driver
        self.cdev: UsbCompositeDev | None = None

    def _device(self) -> UsbCompositeDev:
        if self.cdev is None:
            raise os_error(errno.ENODEV, f"{self.function} is not bound")
        return self.cdev

    async def bind(self, gadget: UsbGadget) -> None:
        cdev = UsbCompositeDev(self.function)
        assert self.driver.dev is not None
        cdev.desc = copy.copy(self.driver.dev)
        cdev.driver_strings = self.driver.strings
        cdev.prepare(gadget)
        self.cdev = cdev
        try:
            await self.driver.bind(cdev)
        except BaseException:
            await self._undo(call_driver=False)
            raise
        if self.driver.needs_serial and not cdev.desc.iSerialNumber:
            log.warning("%s: a serial number is needed", self.function)

    async def unbind(self, gadget: UsbGadget) -> None:
        await self._undo(call_driver=True)

    async def _undo(self, call_driver: bool) -> None:
        cdev = self._device()
        cdev.unbinding = True
        for config in cdev.configs:
            while config.functions:
                function = config.functions.pop(0)
                await function.unbind(config)
                function.free_func()
            await config.unbind()
        cdev.configs.clear()
        cdev.config = None
        if call_driver:
            await self.driver.unbind(cdev)
        cdev.cleanup()
        self.cdev = None

    async def setup(self, gadget: UsbGadget, ctrl: SetupPacket) -> int:
        return await composite_setup(self._device(), ctrl)

    async def disconnect(self, gadget: UsbGadget) -> None:
        if self.cdev is not None:
            await composite_disconnect(self.cdev)
            await self.driver.disconnect(self.cdev)

    async def reset(self, gadget: UsbGadget) -> None:
        if self.cdev is not None:
            await composite_reset(self.cdev)
            await self.driver.disconnect(self.cdev)

    async def suspend(self, gadget: UsbGadget) -> None:
        if self.cdev is not None:
            await composite_suspend(self.cdev)
            await self.driver.suspend(self.cdev)

    async def resume(self, gadget: UsbGadget) -> None:
        if self.cdev is not None:
            await self.driver.resume(self.cdev)
            await composite_resume(self.cdev)


async def usb_composite_probe(driver: UsbCompositeDriver, core: UdcCore | None = None) -> None:
    """Register a composite driver for the first free UDC (S004-84).

    Raises:
        OSError: EINVAL for a driver without device descriptor or bind.
    """
    if driver is None or driver.dev is None or not has_op(driver, "bind"):
        raise os_error(errno.EINVAL, "a composite driver needs a device descriptor and bind")
    driver.name = driver.name or "composite"
    driver.gadget_driver = _CompositeGadgetDriver(driver)
    await (core or core_of_machine()).register_driver(driver.gadget_driver)


async def usb_composite_unregister(driver: UsbCompositeDriver, core: UdcCore | None = None) -> None:
    """Unregister a composite driver."""
    if driver.gadget_driver is not None:
        await (core or core_of_machine()).unregister_driver(driver.gadget_driver)
        driver.gadget_driver = None


class LegacyDriver(UsbCompositeDriver):
    """A legacy gadget module with parameters.

    Attributes:
        PARAMETERS: name -> default; the ids of `OVERRIDES` are there in every module.
    """

    PARAMETERS: ClassVar[Mapping[str, Any]] = {}
    OVERRIDES = ("idVendor", "idProduct", "bcdDevice")

    def __init__(self, name: str, dev: DeviceDescriptor, params: Mapping[str, Any]) -> None:
        """Take the parameters.

        Raises:
            OSError: EINVAL for a parameter that the module does not have.
        """
        super().__init__(name, dev)
        for key in params:
            if key not in self.PARAMETERS and key not in self.OVERRIDES:
                known = sorted([*self.PARAMETERS, *self.OVERRIDES])
                raise os_error(errno.EINVAL, f"{name}: no parameter {key!r}; there are: {known}")
        self.params: dict[str, Any] = {**self.PARAMETERS, **params}
        for key in self.OVERRIDES:
            if key in params:
                setattr(dev, key, params[key])

    async def load(self, core: UdcCore) -> None:
        """Register; a bind that failed is reported, though Linux only logs it.

        Raises:
            OSError: what bind said.
        """
        await usb_composite_probe(self, core)
        driver = self.gadget_driver
        assert driver is not None
        if not driver.is_bound and driver.bind_error is not None:
            error = driver.bind_error
            await usb_composite_unregister(self, core)
            raise error

    async def unload(self, core: UdcCore) -> None:
        """Unregister."""
        await usb_composite_unregister(self, core)
