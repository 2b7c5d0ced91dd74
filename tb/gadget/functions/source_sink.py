# SPDX-License-Identifier: Apache-2.0
"""SourceSink: a bulk source and a bulk sink for tests (functions.md section 8, without ISO)."""

from __future__ import annotations

import errno
import logging

from tb.kernel import Work, os_error
from tb.usb import SetupPacket

from ..composite import UsbFunction
from ..endpoint import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_queue,
    usb_ep_set_halt,
)
from ..function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from ..vfs import Node
from .bulk_pair import BulkPairFunction, number_option

__all__ = ["SourceSinkFunction", "SourceSinkInstance", "pattern_bytes"]

log = logging.getLogger(__name__)

_OUT_PREFILL = 0x55


def pattern_bytes(pattern: int, length: int, maxpacket: int) -> bytes:
    """Return test data: pattern 0 zeros, pattern 1 (i mod maxpacket) mod 63, else 0x55."""
    if pattern == 0:
        return bytes(length)
    if pattern == 1:
        packet = bytes(index % 63 for index in range(maxpacket))
        return (packet * (length // maxpacket + 1))[:length]
    return bytes((_OUT_PREFILL,)) * length


class SourceSinkInstance(UsbFunctionInstance):
    """Options: pattern 0 to 2, bytes per bulk request, bulk requests in flight."""

    def __init__(self) -> None:
        """Start with Linux's defaults."""
        super().__init__()
        self.pattern = 0
        self.bulk_buflen = 4096
        self.bulk_qlen = 1

    def attributes(self) -> dict[str, Node]:
        """Return the configfs files."""
        return {
            "pattern": number_option(self, "pattern", 2),
            "bulk_buflen": number_option(self, "bulk_buflen", 1 << 20),
            "bulk_qlen": number_option(self, "bulk_qlen", 64),
        }


class SourceSinkFunction(BulkPairFunction):
    """Bulk IN gives pattern data for ever, bulk OUT takes and checks it.

    Attributes:
        sent, received: bytes moved since SET_CONFIGURATION.
        errors: OUT requests whose data was wrong.
    """

    def __init__(self, options: SourceSinkInstance) -> None:
        """Take the options as they are now."""
        super().__init__("source/sink", "source and sink data")
        self.pattern = options.pattern
        self.buflen = options.bulk_buflen
        self.qlen = options.bulk_qlen
        self.sent = 0
        self.received = 0
        self.errors = 0
        self._expected = b""
        self._prefill = bytes((_OUT_PREFILL,)) * self.buflen
        self._halt = Work(self._halt_out, name="source/sink halt")

    def start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        """Queue requests both ways and count from 0."""
        self.sent = self.received = self.errors = 0
        self._expected = pattern_bytes(self.pattern, self.buflen, ep_out.maxpacket)
        for _ in range(self.qlen):
            self._start(ep_in)
            self._start(ep_out)

    async def get_alt(self, interface: int) -> int:
        """Return 0, the only setting."""
        return 0

    def _start(self, ep: UsbEp) -> None:
        request = alloc_ep_req(ep, self.buflen)
        request.complete = self._done
        data = request.data()
        if ep is self.ep_in:
            data[: self.buflen] = pattern_bytes(self.pattern, self.buflen, ep.maxpacket)
        else:
            data[: self.buflen] = self._prefill
        usb_ep_queue(ep, request)

    def _done(self, ep: UsbEp, request: UsbRequest) -> None:
        if ep is self.ep_in:
            self.sent += request.actual
        elif request.actual:
            self.received += request.actual
            self._check(request)
        if request.status in (-errno.ESHUTDOWN, -errno.ECONNRESET, -errno.ECONNABORTED):
            free_ep_req(ep, request)
            return
        if request.status:
            log.warning("%s: %s ended with %d", self.name, ep.name, request.status)
        if not self.running:
            free_ep_req(ep, request)
            return
        request.length = self.buflen
        if ep is self.ep_out and self.pattern != 2:
            # So that data which never arrived is not taken for good.
            request.data()[: self.buflen] = self._prefill
        try:
            usb_ep_queue(ep, request)
        except OSError as error:
            log.warning("%s: %s", self.name, error)

    def _check(self, request: UsbRequest) -> None:
        if self.pattern == 2:
            return
        data = request.data()
        if data[: request.actual] != self._expected[: request.actual]:
            self.errors += 1
            log.error("%s: bad data in %d bytes OUT", self.name, request.actual)
            self._halt.schedule()

    async def _halt_out(self) -> None:
        if self.ep_out is not None and self.running:
            await usb_ep_set_halt(self.ep_out)

    async def setup(self, ctrl: SetupPacket) -> int:
        """Vendor requests 0x5B (write) and 0x5C (read back the same buffer)."""
        request = self.cdev.request
        wanted = ctrl.bmRequestType, ctrl.bRequest
        if wanted not in ((0x40, 0x5B), (0xC0, 0x5C)) or ctrl.wValue or ctrl.wIndex:
            raise os_error(
                errno.EOPNOTSUPP,
                f"{self.name}: request 0x{ctrl.bmRequestType:02x} 0x{ctrl.bRequest:02x}",
            )
        request.length = ctrl.wLength
        request.zero = False
        usb_ep_queue(self.cdev.ep0, request)
        return ctrl.wLength


def _alloc_func(instance: UsbFunctionInstance) -> UsbFunction:
    assert isinstance(instance, SourceSinkInstance)
    return SourceSinkFunction(instance)


usb_function_register(UsbFunctionDriver("SourceSink", SourceSinkInstance, _alloc_func))
