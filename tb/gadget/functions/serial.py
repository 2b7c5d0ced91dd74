# SPDX-License-Identifier: Apache-2.0
"""gser: a vendor-specific serial port, two bulk pipes and nothing else (functions.md section 2)."""

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

from ..autoconfig import config_ep_by_speed, usb_ep_autoconfig
from ..composite import (
    UsbConfiguration,
    UsbFunction,
    usb_assign_descriptors,
    usb_gstrings_attach,
    usb_interface_id,
)
from ..function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from .acm import AcmInstance
from .u_serial import GserialLink, gserial_connect, gserial_disconnect

__all__ = ["SerialFunction"]

_STRINGS = [UsbGadgetStrings(ENGLISH_US, [UsbString("Generic Serial")])]


class SerialFunction(UsbFunction):
    """One interface with a bulk IN and a bulk OUT endpoint on a serial port."""

    def __init__(self, port_num: int) -> None:
        """Serve a port."""
        super().__init__("gser")
        self.port_num = port_num
        self.data_id = 0
        self.link = GserialLink()

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim an interface and two endpoints.

        Raises:
            OSError: ENODEV if endpoints or interfaces are missing.
        """
        gadget = self.cdev.the_gadget
        text = usb_gstrings_attach(self.cdev, _STRINGS, 1)[0].id
        self.data_id = usb_interface_id(config, self)
        bulk = int(TransferType.BULK)
        fs_in, fs_out = EndpointDescriptor(DIR_IN, bulk), EndpointDescriptor(0, bulk)
        self.link.ep_in = usb_ep_autoconfig(gadget, fs_in)
        self.link.ep_out = usb_ep_autoconfig(gadget, fs_out)
        if self.link.ep_in is None or self.link.ep_out is None:
            raise os_error(errno.ENODEV, f"gser: {gadget.name} has no bulk endpoints left")
        head = InterfaceDescriptor(self.data_id, 0, 2, 0xFF, 0x00, 0x00, text)
        address_in, address_out = fs_in.bEndpointAddress, fs_out.bEndpointAddress
        none = EndpointCompanion()
        usb_assign_descriptors(
            self,
            [head, fs_in, fs_out],
            [
                head,
                EndpointDescriptor(address_in, bulk, 512),
                EndpointDescriptor(address_out, bulk, 512),
            ],
            [
                head,
                EndpointDescriptor(address_in, bulk, 1024),
                none,
                EndpointDescriptor(address_out, bulk, 1024),
                none,
            ],
            None,
        )

    async def set_alt(self, interface: int, alt: int) -> int:
        """Connect the port, anew if it was connected."""
        gadget = self.cdev.the_gadget
        ep_in, ep_out = self.link.endpoints
        await gserial_disconnect(self.link)
        config_ep_by_speed(gadget, self, ep_in)
        config_ep_by_speed(gadget, self, ep_out)
        await gserial_connect(self.link, self.port_num)
        return 0

    async def disable(self) -> None:
        """Disconnect the port."""
        await gserial_disconnect(self.link)

    async def suspend(self) -> None:
        """Tell the port."""
        if self.link.port is not None:
            self.link.port.suspend()

    async def resume(self) -> None:
        """Tell the port."""
        if self.link.port is not None:
            self.link.port.resume()


def _alloc_func(instance: UsbFunctionInstance) -> UsbFunction:
    assert isinstance(instance, AcmInstance)
    return SerialFunction(instance.port.number)


usb_function_register(UsbFunctionDriver("gser", AcmInstance, _alloc_func))
