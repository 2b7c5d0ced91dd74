# SPDX-License-Identifier: Apache-2.0
"""The platform driver of DWC2 cores (S004-03 to S004-05)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from tb.kernel import os_error

from ..platform import PlatformDevice, PlatformDriver
from ..udc_core import usb_add_gadget_udc, usb_del_gadget_udc
from .dwc2_hw import Dwc2Hw
from .dwc2_udc import Dwc2Udc

__all__ = ["Dwc2PlatformDriver"]

log = logging.getLogger(__name__)


class Dwc2PlatformDriver(PlatformDriver):
    """Probes "snps,dwc2" nodes.

    Args:
        mode: "slave", "dma" or "desc".
        time_scale: divisor of the bus's long times.
    """

    name = "dwc2"
    of_match: ClassVar[Mapping[str, Any]] = {"snps,dwc2": None}

    def __init__(self, mode: str = "dma", time_scale: int = 1) -> None:
        """Use a mode for every device."""
        self.mode = mode
        self.time_scale = time_scale

    async def probe(self, device: PlatformDevice, match_data: Any) -> None:
        """Identify the core, take its interrupt, register the gadget.

        Raises:
            OSError: EINVAL for dr_mode other than peripheral or otg; what `Dwc2Hw.identify` says.
        """
        role = device.node.string("dr_mode", "otg")
        if role not in ("peripheral", "otg"):
            raise os_error(
                errno.EINVAL, f"{device.name}: dr_mode {role!r}; only 'peripheral' is driven here"
            )
        assert device.irq_chip is not None
        hw = Dwc2Hw(device, self.mode)
        await hw.identify()
        udc = Dwc2Udc(device, hw, self.time_scale)
        device.irq_chip.request_irq(device.irq, udc.irq.hard, udc.irq.thread, name=device.name)
        try:
            await usb_add_gadget_udc(device.name, udc.gadget)
        except BaseException:
            device.irq_chip.free_irq(device.irq, device.name)
            raise
        device.driver_data = udc

    async def remove(self, device: PlatformDevice) -> None:
        """Unregister the gadget and let go of the interrupt."""
        udc: Dwc2Udc = device.driver_data
        await usb_del_gadget_udc(udc.gadget)
        assert device.irq_chip is not None
        device.irq_chip.free_irq(device.irq, device.name)
        device.driver_data = None

    async def shutdown(self, device: PlatformDevice) -> None:
        """Take the device off the bus."""
        udc: Dwc2Udc = device.driver_data
        if udc.running:
            await udc.pullup(udc.gadget, False)
