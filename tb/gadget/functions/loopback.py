# SPDX-License-Identifier: Apache-2.0
"""Loopback: what comes in on bulk OUT goes back on bulk IN (functions.md section 7)."""

from __future__ import annotations

import errno
import logging

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
from ..configfs_values import parse_unsigned
from ..endpoint import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_alloc_request,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_free_request,
    usb_ep_queue,
)
from ..function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from ..strings import ENGLISH_US, UsbGadgetStrings, UsbString
from ..vfs import FunctionFile, Node

__all__ = ["LoopbackFunction", "LoopbackInstance"]

log = logging.getLogger(__name__)

_STRINGS = [UsbGadgetStrings(ENGLISH_US, [UsbString("loop input to output")])]


class LoopbackInstance(UsbFunctionInstance):
    """Options: requests in flight, bytes per request."""

    def __init__(self) -> None:
        """Start with Linux's defaults."""
        super().__init__()
        self.qlen = 32
        self.bulk_buflen = 4096

    def attributes(self) -> dict[str, Node]:
        """Return the configfs files."""

        def option(name: str) -> FunctionFile:
            def store(text: str) -> None:
                if self.linked:
                    raise os_error(
                        errno.EBUSY, f"{name} cannot change while the function is linked"
                    )
                setattr(self, name, parse_unsigned(text, 32, name))

            return FunctionFile(lambda: f"{getattr(self, name)}\n", store)

        return {"qlen": option("qlen"), "bulk_buflen": option("bulk_buflen")}


class LoopbackFunction(UsbFunction):
    """Pairs of requests share a buffer: first it is received into, then sent from."""

    def __init__(self, options: LoopbackInstance) -> None:
        """Take the options as they are now."""
        super().__init__("loopback")
        self.qlen = options.qlen or 32
        self.buflen = options.bulk_buflen or 4096
        self.ep_in: UsbEp | None = None
        self.ep_out: UsbEp | None = None
        self._running = False

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim an interface and two endpoints.

        Raises:
            OSError: ENODEV if endpoints or interfaces are missing.
        """
        gadget = self.cdev.the_gadget
        text = usb_gstrings_attach(self.cdev, _STRINGS, 1)[0].id
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

    async def set_alt(self, interface: int, alt: int) -> int:
        """Start both pipes, anew if they run."""
        await self.disable()
        gadget = self.cdev.the_gadget
        assert self.ep_in is not None
        assert self.ep_out is not None
        self._running = True
        try:
            for ep in (self.ep_in, self.ep_out):
                config_ep_by_speed(gadget, self, ep)
                await usb_ep_enable(ep)
            for _ in range(self.qlen):
                self._start(self.ep_in, self.ep_out)
        except OSError:
            await self.disable()
            raise
        return 0

    async def disable(self) -> None:
        """Stop both pipes; their requests are freed as they complete."""
        self._running = False
        for ep in (self.ep_in, self.ep_out):
            if ep is not None:
                await usb_ep_disable(ep)

    def _start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        receiver = alloc_ep_req(ep_out, self.buflen)
        sender = usb_ep_alloc_request(ep_in)
        sender.buf = receiver.buf
        sender.complete = receiver.complete = self._done
        sender.context, receiver.context = receiver, sender
        usb_ep_queue(ep_out, receiver)

    def _done(self, ep: UsbEp, request: UsbRequest) -> None:
        partner: UsbRequest = request.context
        if request.status == 0 and self._running:
            if ep is self.ep_out:
                # What came goes back; a short packet ends it, as it did on its way in.
                partner.length = request.actual
                partner.zero = request.actual < request.length
            else:
                partner.length = self.buflen
            try:
                usb_ep_queue(partner.ep, partner)
                return
            except OSError as error:
                log.debug("%s: %s", self.name, error)
        elif request.status not in (0, -errno.ESHUTDOWN, -errno.ECONNRESET):
            log.warning("%s: %s ended with %d", self.name, ep.name, request.status)
        receiver, sender = (request, partner) if ep is self.ep_out else (partner, request)
        usb_ep_free_request(sender.ep, sender)
        free_ep_req(receiver.ep, receiver)


def _alloc_func(instance: UsbFunctionInstance) -> UsbFunction:
    assert isinstance(instance, LoopbackInstance)
    return LoopbackFunction(instance)


usb_function_register(UsbFunctionDriver("Loopback", LoopbackInstance, _alloc_func))
