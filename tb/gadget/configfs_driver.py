# SPDX-License-Identifier: Apache-2.0
"""The gadget driver behind a configfs gadget (S004-78, gadget-core.md 8.5)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from tb.kernel import os_error
from tb.usb import SetupPacket, Speed

from .autoconfig import usb_ep_autoconfig_reset
from .composite import UsbCompositeDev, UsbFunction, usb_add_function, usb_gstrings_attach
from .composite_setup import (
    composite_disconnect,
    composite_reset,
    composite_resume,
    composite_setup,
    composite_suspend,
)
from .gadget import UsbGadget, UsbGadgetDriver, usb_gadget_check_config
from .strings import UsbGadgetStrings

if TYPE_CHECKING:
    from .configfs import ConfigfsConfiguration

__all__ = ["ConfigfsDriver"]

log = logging.getLogger(__name__)


class ConfigfsDriver(UsbGadgetDriver):
    """Binds what a configfs gadget directory describes.

    Attributes:
        configs: the configurations, in the order of their mkdir.
        tables: gives the device's string tables (manufacturer, product, serial number).
    """

    def __init__(self, name: str) -> None:
        """Name it after its directory (S004-70)."""
        super().__init__(name, Speed.SUPER_PLUS)
        self.match_existing_only = True
        self.name = f"configfs-gadget.{name}"
        self.cdev = UsbCompositeDev(name)
        self.configs: list[ConfigfsConfiguration] = []
        self.tables: Callable[[], list[UsbGadgetStrings]] = list
        self.use_os_desc = False
        self.vendor_code = 0
        self.qw_sign = ""
        self.os_desc_config: ConfigfsConfiguration | None = None

    async def bind(self, gadget: UsbGadget) -> None:
        """Check, attach strings, bind the functions in the order of their links.

        Raises:
            OSError: EINVAL without a configuration or with an empty one; what functions raise.
        """
        cdev = self.cdev
        cdev.prepare(gadget)
        try:
            if not self.configs:
                raise os_error(errno.EINVAL, f"{self.function} has no configuration")
            for config in self.configs:
                if not config.linked:
                    raise os_error(
                        errno.EINVAL,
                        f"configuration {config.label}.{config.bConfigurationValue} of "
                        f"{self.function} has no function; link one into it",
                    )
            self._attach_strings()
            cdev.use_os_string = self.use_os_desc
            cdev.b_vendor_code = self.vendor_code
            cdev.qw_sign = self.qw_sign.encode("utf-16-le")
            cdev.os_desc_config = self.os_desc_config
            cdev.configs = list(self.configs)
            for config in self.configs:
                config.cdev = cdev
                tables = config.tables()
                if tables:
                    config.iConfiguration = usb_gstrings_attach(cdev, tables, 1)[0].id
                for function in config.linked:
                    await usb_add_function(config, function)
                usb_gadget_check_config(gadget)
                usb_ep_autoconfig_reset(gadget)
        except BaseException:
            await self._purge()
            cdev.cleanup()
            raise

    def _attach_strings(self) -> None:
        desc = self.cdev.desc
        desc.iManufacturer = desc.iProduct = desc.iSerialNumber = 0
        tables = self.tables()
        if tables:
            ids = usb_gstrings_attach(self.cdev, tables, 3)
            desc.iManufacturer, desc.iProduct, desc.iSerialNumber = (one.id for one in ids)

    async def _purge(self) -> None:
        """Unbind every function, the last bound first."""
        for config in self.configs:
            bound: list[UsbFunction] = list(config.functions)
            for function in reversed(bound):
                config.functions.remove(function)
                await function.unbind(config)
                function.config = None
                function.endpoints = 0
            config.next_interface_id = 0
            config.interface.clear()
            config.fullspeed = config.highspeed = False
            config.superspeed = config.superspeed_plus = False
            config.iConfiguration = 0
            config.cdev = None
        self.cdev.configs = []
        self.cdev.config = None

    async def unbind(self, gadget: UsbGadget) -> None:
        """Undo bind; callbacks that come meanwhile do nothing."""
        self.cdev.unbinding = True
        await self._purge()
        self.cdev.cleanup()
        self.cdev.deactivations = 0
        gadget.deactivated = False

    async def setup(self, gadget: UsbGadget, ctrl: SetupPacket) -> int:
        """Answer a control request."""
        return await composite_setup(self.cdev, ctrl)

    async def disconnect(self, gadget: UsbGadget) -> None:
        """The host has gone."""
        await composite_disconnect(self.cdev)

    async def reset(self, gadget: UsbGadget) -> None:
        """The host resets the bus."""
        await composite_reset(self.cdev)

    async def suspend(self, gadget: UsbGadget) -> None:
        """The bus is suspended."""
        await composite_suspend(self.cdev)

    async def resume(self, gadget: UsbGadget) -> None:
        """The bus is resumed."""
        await composite_resume(self.cdev)
