# SPDX-License-Identifier: Apache-2.0
"""g_serial: one CDC ACM port (use_acm=1, the default) or one generic serial port."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, ClassVar

from tb.kernel import os_error
from tb.usb import DeviceDescriptor, Speed

from ..composite import (
    UsbCompositeDev,
    UsbConfiguration,
    usb_add_config,
    usb_add_function,
    usb_string_ids_tab,
)
from ..function import (
    UsbFunctionInstance,
    usb_get_function,
    usb_get_function_instance,
    usb_put_function_instance,
)
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from .composite_driver import LegacyDriver

__all__ = ["SerialGadget"]


class SerialGadget(LegacyDriver):
    """The module g_serial; parameters use_acm (1) and n_ports (1 to 4)."""

    PARAMETERS: ClassVar[Mapping[str, Any]] = {"use_acm": 1, "n_ports": 1}

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the parameters.

        Raises:
            OSError: EINVAL for an unknown parameter or n_ports outside 1 to 4.
        """
        dev = DeviceDescriptor(idVendor=0x0525, idProduct=0xA4A7, bcdDevice=0x0601)
        dev.bDeviceClass = 0x02
        super().__init__("g_serial", dev, params)
        self.acm = bool(self.params["use_acm"])
        self.ports = int(self.params["n_ports"])
        if not 1 <= self.ports <= 4:
            raise os_error(errno.EINVAL, f"g_serial: n_ports is {self.ports}, legal is 1 to 4")
        if not self.acm:
            dev.bDeviceClass = 0xFF
            if "idProduct" not in params:
                dev.idProduct = 0xA4A6
        self.max_speed = Speed.SUPER
        self._texts = [
            UsbString("Plugfest with g_serial"),
            UsbString("Gadget Serial"),
            UsbString("CDC ACM config" if self.acm else "Generic Serial config"),
        ]
        self.strings = [UsbGadgetStrings(ENGLISH_US, self._texts)]
        self._instances: list[UsbFunctionInstance] = []

    async def bind(self, cdev: UsbCompositeDev) -> None:
        """Add the one configuration with its ports."""
        usb_string_ids_tab(cdev, self._texts)
        cdev.desc.iManufacturer, cdev.desc.iProduct = self._texts[0].id, self._texts[1].id
        config = UsbConfiguration(self._texts[2].s, 2 if self.acm else 1)
        config.bmAttributes = 0x40
        config.iConfiguration = self._texts[2].id
        try:
            await usb_add_config(cdev, config, self._bind_config)
        except BaseException:
            await self.unbind(cdev)
            raise

    async def _bind_config(self, config: UsbConfiguration) -> None:
        for _ in range(self.ports):
            instance = usb_get_function_instance("acm" if self.acm else "gser")
            self._instances.append(instance)
            await usb_add_function(config, usb_get_function(instance))

    async def unbind(self, cdev: UsbCompositeDev) -> None:
        """Give the ports back."""
        while self._instances:
            usb_put_function_instance(self._instances.pop())
