# SPDX-License-Identifier: Apache-2.0
"""What functions with one vendor-specific interface and a bulk endpoint each way share."""

from __future__ import annotations

import errno

from tb.kernel import os_error
from tb.usb import (
    DIR_IN,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceDescriptor,
    TransferType,
)

from ..autoconfig import config_ep_by_speed_and_alt, usb_ep_autoconfig
from ..composite import (
    UsbConfiguration,
    UsbFunction,
    usb_assign_descriptors,
    usb_gstrings_attach,
    usb_interface_id,
)
from ..configfs_values import parse_unsigned
from ..endpoint import UsbEp, usb_ep_disable, usb_ep_enable
from ..function import UsbFunctionInstance
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from ..vfs import FunctionFile

__all__ = ["BulkPairFunction", "number_option"]


def number_option(
    instance: UsbFunctionInstance, name: str, top: int = (1 << 32) - 1
) -> FunctionFile:
    """Return the configfs file of a number that cannot change while the function is linked.

    Args:
        instance: whose attribute it is.
        name: of the attribute and of the file.
        top: largest value.
    """

    def store(text: str) -> None:
        if instance.linked:
            raise os_error(errno.EBUSY, f"{name} cannot change while the function is linked")
        value = parse_unsigned(text, 32, name)
        if value > top:
            raise os_error(errno.EINVAL, f"{name}: {value} is above {top}")
        setattr(instance, name, value)

    return FunctionFile(lambda: f"{getattr(instance, name)}\n", store)


class BulkPairFunction(UsbFunction):
    """One interface of class FF with a bulk endpoint each way.

    Attributes:
        ep_in, ep_out: the endpoints, once bound.
        alt: the alternate setting, 0 unless a function has more.
        running: between `set_alt` and `disable`.
    """

    def __init__(self, name: str, text: str) -> None:
        """Name the function; `text` is its interface string."""
        super().__init__(name)
        self._interface_strings = [UsbGadgetStrings(ENGLISH_US, [UsbString(text)])]
        self.ep_in: UsbEp | None = None
        self.ep_out: UsbEp | None = None
        self.running = False
        self.alt = 0

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim an interface and two endpoints.

        Raises:
            OSError: ENODEV if endpoints or interfaces are missing.
        """
        gadget = self.cdev.the_gadget
        text = usb_gstrings_attach(self.cdev, self._interface_strings, 1)[0].id
        number = usb_interface_id(config, self)
        bulk = int(TransferType.BULK)
        fs_in, fs_out = EndpointDescriptor(DIR_IN, bulk), EndpointDescriptor(0, bulk)
        self.ep_in = usb_ep_autoconfig(gadget, fs_in)
        self.ep_out = usb_ep_autoconfig(gadget, fs_out)
        if self.ep_in is None or self.ep_out is None:
            raise os_error(errno.ENODEV, f"{self.name}: {gadget.name} has no bulk endpoints left")
        head = InterfaceDescriptor(number, 0, 2, 0xFF, 0x00, 0x00, text)
        a_in, a_out = fs_in.bEndpointAddress, fs_out.bEndpointAddress
        none = EndpointCompanion()
        usb_assign_descriptors(
            self,
            [head, fs_in, fs_out],
            [head, EndpointDescriptor(a_in, bulk, 512), EndpointDescriptor(a_out, bulk, 512)],
            [
                head,
                EndpointDescriptor(a_in, bulk, 1024),
                none,
                EndpointDescriptor(a_out, bulk, 1024),
                none,
            ],
            None,
        )

    def pipes(self, alt: int) -> list[UsbEp | None]:
        """Return the endpoints of an alternate setting, none if there is no such setting."""
        return [] if alt else [self.ep_in, self.ep_out]

    async def set_alt(self, interface: int, alt: int) -> int:
        """Start the pipes of a setting, anew if they run.

        Raises:
            OSError: EINVAL for an alternate setting that does not exist.
        """
        pipes = self.pipes(alt)
        if not pipes:
            raise os_error(errno.EINVAL, f"{self.name}: alternate setting {alt} does not exist")
        await self.disable()
        assert self.ep_in is not None
        assert self.ep_out is not None
        self.running = True
        self.alt = alt
        try:
            for ep in pipes:
                assert ep is not None
                config_ep_by_speed_and_alt(self.cdev.the_gadget, self, ep, alt)
                await usb_ep_enable(ep)
            self.start(self.ep_in, self.ep_out)
        except OSError:
            await self.disable()
            raise
        return 0

    def start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        """Queue the first requests; both endpoints are enabled."""
        raise TypeError(f"{type(self).__name__} does not say what to queue")

    async def disable(self) -> None:
        """Stop the pipes; their requests are freed as they complete."""
        self.running = False
        for ep in self.pipes(self.alt):
            if ep is not None:
                await usb_ep_disable(ep)
