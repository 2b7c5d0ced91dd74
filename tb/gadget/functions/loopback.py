# SPDX-License-Identifier: Apache-2.0
"""Loopback: what comes in on bulk OUT goes back on bulk IN (functions.md section 7)."""

from __future__ import annotations

import errno
import logging

from ..composite import UsbFunction
from ..endpoint import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_alloc_request,
    usb_ep_free_request,
    usb_ep_queue,
)
from ..function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from ..vfs import Node
from .bulk_pair import BulkPairFunction, number_option

__all__ = ["LoopbackFunction", "LoopbackInstance"]

log = logging.getLogger(__name__)


class LoopbackInstance(UsbFunctionInstance):
    """Options: requests in flight, bytes per request."""

    def __init__(self) -> None:
        """Start with Linux's defaults."""
        super().__init__()
        self.qlen = 32
        self.bulk_buflen = 4096

    def attributes(self) -> dict[str, Node]:
        """Return the configfs files."""
        return {name: number_option(self, name) for name in ("qlen", "bulk_buflen")}


class LoopbackFunction(BulkPairFunction):
    """Pairs of requests share a buffer: first it is received into, then sent from."""

    def __init__(self, options: LoopbackInstance) -> None:
        """Take the options as they are now."""
        super().__init__("loopback", "loop input to output")
        self.qlen = options.qlen or 32
        self.buflen = options.bulk_buflen or 4096

    def start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        """Queue the receiving half of every pair."""
        for _ in range(self.qlen):
            self._start(ep_in, ep_out)

    def _start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        receiver = alloc_ep_req(ep_out, self.buflen)
        sender = usb_ep_alloc_request(ep_in)
        sender.buf = receiver.buf
        sender.complete = receiver.complete = self._done
        sender.context, receiver.context = receiver, sender
        usb_ep_queue(ep_out, receiver)

    def _done(self, ep: UsbEp, request: UsbRequest) -> None:
        partner: UsbRequest = request.context
        if request.status == 0 and self.running:
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
