# SPDX-License-Identifier: Apache-2.0
"""g_zero: SourceSink as configuration 3 and Loopback as configuration 2 (functions.md)."""

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
from ..functions.loopback import LoopbackInstance
from ..functions.source_sink import SourceSinkInstance
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from .composite_driver import LegacyDriver

__all__ = ["ZeroGadget"]

_SOURCE_SINK, _LOOPBACK = 3, 2


class ZeroGadget(LegacyDriver):
    """The module g_zero.

    Parameters: loopdefault (1 puts Loopback first), pattern (0 to 2), buflen (bytes per bulk
    request), bulk_qlen (SourceSink's requests in flight), qlen (Loopback's), and isoc_interval,
    isoc_maxpacket, isoc_mult, isoc_maxburst, iso_qlen as SourceSink has them.
    """

    PARAMETERS: ClassVar[Mapping[str, Any]] = {
        "loopdefault": 0,
        "pattern": 0,
        "buflen": 4096,
        "bulk_qlen": 1,
        "qlen": 32,
        "isoc_interval": 4,
        "isoc_maxpacket": 1024,
        "isoc_mult": 0,
        "isoc_maxburst": 0,
        "iso_qlen": 8,
    }

    def __init__(self, params: Mapping[str, Any]) -> None:
        """Take the parameters.

        Raises:
            OSError: EINVAL for an unknown parameter or a pattern outside 0 to 2.
        """
        dev = DeviceDescriptor(idVendor=0x0525, idProduct=0xA4A0, bcdDevice=0x0601)
        dev.bDeviceClass = 0xFF
        super().__init__("g_zero", dev, params)
        if self.params["pattern"] not in (0, 1, 2):
            raise os_error(
                errno.EINVAL, f"g_zero: pattern is {self.params['pattern']}, legal is 0 to 2"
            )
        self.max_speed = Speed.SUPER
        self._texts = [
            UsbString("Plugfest with g_zero"),
            UsbString("Gadget Zero"),
            UsbString("0123456789.0123456789.0123456789"),
            UsbString("source and sink data"),
            UsbString("loop input to output"),
        ]
        self.strings = [UsbGadgetStrings(ENGLISH_US, self._texts)]
        self._instances: list[UsbFunctionInstance] = []

    async def bind(self, cdev: UsbCompositeDev) -> None:
        """Add both configurations."""
        usb_string_ids_tab(cdev, self._texts)
        ids = [text.id for text in self._texts]
        cdev.desc.iManufacturer, cdev.desc.iProduct, cdev.desc.iSerialNumber = ids[:3]
        order = [(_SOURCE_SINK, "SourceSink", ids[3]), (_LOOPBACK, "Loopback", ids[4])]
        if self.params["loopdefault"]:
            order.reverse()
        try:
            for value, function, text in order:
                config = UsbConfiguration(function, value)
                config.bmAttributes = 0x40
                config.iConfiguration = text
                self._instances.append(self._instance(function))
                await usb_add_config(cdev, config, self._bind_config)
        except BaseException:
            await self.unbind(cdev)
            raise

    def _instance(self, function: str) -> UsbFunctionInstance:
        instance = usb_get_function_instance(function)
        if isinstance(instance, SourceSinkInstance):
            instance.pattern = self.params["pattern"]
            instance.bulk_buflen = self.params["buflen"]
            instance.bulk_qlen = self.params["bulk_qlen"]
            for name, value in self.params.items():
                if name.startswith("iso"):
                    setattr(instance, name, value)
        elif isinstance(instance, LoopbackInstance):
            instance.bulk_buflen = self.params["buflen"]
            instance.qlen = self.params["qlen"]
        return instance

    async def _bind_config(self, config: UsbConfiguration) -> None:
        await usb_add_function(config, usb_get_function(self._instances[-1]))

    async def unbind(self, cdev: UsbCompositeDev) -> None:
        """Give the instances back."""
        while self._instances:
            usb_put_function_instance(self._instances.pop())
