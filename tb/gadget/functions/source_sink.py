# SPDX-License-Identifier: Apache-2.0
"""SourceSink: a source and a sink for tests, bulk and isochronous (functions.md section 8).

Setting 0 has the bulk endpoints, setting 1 an isochronous endpoint each way besides.
"""

from __future__ import annotations

import errno
import logging

from tb.kernel import Work, os_error
from tb.usb import (
    DIR_IN,
    Descriptor,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceDescriptor,
    RawDescriptor,
    SetupPacket,
    Speed,
    TransferType,
)

from ..autoconfig import DescriptorTable, usb_ep_autoconfig, usb_ep_autoconfig_release
from ..composite import UsbConfiguration, UsbFunction, usb_assign_descriptors
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
_FULL_SPEED_MOST = 1023


def pattern_bytes(pattern: int, length: int, maxpacket: int) -> bytes:
    """Return test data: pattern 0 zeros, pattern 1 (i mod maxpacket) mod 63, else 0x55."""
    if pattern == 0:
        return bytes(length)
    if pattern == 1:
        packet = bytes(index % 63 for index in range(maxpacket))
        return (packet * (length // maxpacket + 1))[:length]
    return bytes((_OUT_PREFILL,)) * length


class SourceSinkInstance(UsbFunctionInstance):
    """Options of the function; they can change until it is linked.

    Attributes:
        pattern: 0 zeros, 1 counting, 2 anything.
        bulk_buflen, bulk_qlen: bytes of a bulk request, requests in flight.
        isoc_interval: bInterval, 1 to 16; 0 counts as 1.
        isoc_maxpacket: bytes of an isochronous packet, at full speed 1023 at most.
        isoc_mult: further packets in an interval, 0 to 2 (high speed and above).
        isoc_maxburst: further packets in a burst, 0 to 15 (SuperSpeed).
        iso_qlen: isochronous requests in flight.
    """

    def __init__(self) -> None:
        """Start with Linux's defaults."""
        super().__init__()
        self.pattern = 0
        self.bulk_buflen = 4096
        self.bulk_qlen = 1
        self.isoc_interval = 4
        self.isoc_maxpacket = 1024
        self.isoc_mult = 0
        self.isoc_maxburst = 0
        self.iso_qlen = 8

    def attributes(self) -> dict[str, Node]:
        """Return the configfs files."""
        return {
            "pattern": number_option(self, "pattern", 2),
            "bulk_buflen": number_option(self, "bulk_buflen", 1 << 20),
            "bulk_qlen": number_option(self, "bulk_qlen", 64),
            "isoc_interval": number_option(self, "isoc_interval", 16),
            "isoc_maxpacket": number_option(self, "isoc_maxpacket", 1024),
            "isoc_mult": number_option(self, "isoc_mult", 2),
            "isoc_maxburst": number_option(self, "isoc_maxburst", 15),
            "iso_qlen": number_option(self, "iso_qlen", 64),
        }


class SourceSinkFunction(BulkPairFunction):
    """IN gives pattern data for ever, OUT takes and checks it.

    Wrong data halts bulk OUT; isochronous endpoints cannot halt, there it is counted.

    Attributes:
        sent, received: bytes moved by bulk since the setting was chosen.
        errors: OUT requests whose data was wrong.
        iso_in, iso_out: the isochronous endpoints; None if the controller has none left.
        iso_sent, iso_received, iso_missed: bytes moved, requests whose frame went by.
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
        self.options = options
        self.iso_in: UsbEp | None = None
        self.iso_out: UsbEp | None = None
        self.iso_sent = self.iso_received = self.iso_missed = 0
        self._expected = b""
        self._prefill = bytes((_OUT_PREFILL,)) * self.buflen
        self._halt = Work(self._halt_out, name="source/sink halt")

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim an interface and two or four endpoints.

        Raises:
            OSError: ENODEV if the interface or the bulk endpoints are missing.
        """
        await super().bind(config)
        gadget, options = self.cdev.the_gadget, self.options
        kind, size = int(TransferType.ISOCHRONOUS), options.isoc_maxpacket
        interval = options.isoc_interval or 1
        small = min(size, _FULL_SPEED_MOST)
        fs_in = EndpointDescriptor(DIR_IN, kind, small, interval)
        fs_out = EndpointDescriptor(0, kind, small, interval)
        self.iso_in = usb_ep_autoconfig(gadget, fs_in)
        if self.iso_in is None:
            return
        self.iso_out = usb_ep_autoconfig(gadget, fs_out)
        if self.iso_out is None:
            # One way alone is no setting.
            usb_ep_autoconfig_release(self.iso_in)
            self.iso_in = None
            return
        a_in, a_out = fs_in.bEndpointAddress, fs_out.bEndpointAddress
        mult, burst = options.isoc_mult, options.isoc_maxburst
        high = size | mult << 11
        companion = EndpointCompanion(burst, mult, min(size * (mult + 1) * (burst + 1), 0xFFFF))

        def both(
            table: DescriptorTable | None, *extra: Descriptor
        ) -> list[Descriptor | RawDescriptor] | None:
            """Add setting 1: the endpoints of setting 0, then isochronous ones."""
            if table is None:
                return None
            head = table[0]
            assert isinstance(head, InterfaceDescriptor)
            second = InterfaceDescriptor(
                head.bInterfaceNumber, 1, 4, 0xFF, 0x00, 0x00, head.iInterface
            )
            return [*table, second, *table[1:], *extra]

        usb_assign_descriptors(
            self,
            both(self.fs_descriptors, fs_in, fs_out),
            both(
                self.hs_descriptors,
                EndpointDescriptor(a_in, kind, high, interval),
                EndpointDescriptor(a_out, kind, high, interval),
            ),
            both(
                self.ss_descriptors,
                EndpointDescriptor(a_in, kind, size, interval),
                companion,
                EndpointDescriptor(a_out, kind, size, interval),
                companion,
            ),
            None,
        )

    def pipes(self, alt: int) -> list[UsbEp | None]:
        """Return the endpoints of a setting; setting 1 is there if it has all four."""
        if alt == 1 and self.iso_in is not None:
            return [self.ep_in, self.ep_out, self.iso_in, self.iso_out]
        return super().pipes(alt)

    def start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        """Queue requests on all pipes of the setting and count from 0."""
        self.sent = self.received = self.errors = 0
        self.iso_sent = self.iso_received = self.iso_missed = 0
        self._expected = pattern_bytes(self.pattern, self.buflen, ep_out.maxpacket)
        for _ in range(self.qlen):
            self._start(ep_in, self.buflen)
            self._start(ep_out, self.buflen)
        if self.alt == 1:
            assert self.iso_in is not None
            assert self.iso_out is not None
            size = self._iso_size()
            for _ in range(self.options.iso_qlen):
                self._start(self.iso_in, size)
                self._start(self.iso_out, size)

    def _iso_size(self) -> int:
        """Return the bytes of an interval."""
        options, speed = self.options, self.cdev.the_gadget.speed
        if speed < Speed.HIGH:
            return min(options.isoc_maxpacket, _FULL_SPEED_MOST)
        burst = options.isoc_maxburst + 1 if speed >= Speed.SUPER else 1
        return options.isoc_maxpacket * (options.isoc_mult + 1) * burst

    async def get_alt(self, interface: int) -> int:
        """Return the present setting."""
        return self.alt

    def _start(self, ep: UsbEp, size: int) -> None:
        request = alloc_ep_req(ep, size)
        request.complete = self._done
        data = request.data()
        if ep.is_in:
            data[:size] = pattern_bytes(self.pattern, size, ep.maxpacket)
        else:
            data[:size] = bytes((_OUT_PREFILL,)) * size
        usb_ep_queue(ep, request)

    def _done(self, ep: UsbEp, request: UsbRequest) -> None:
        iso = ep is self.iso_in or ep is self.iso_out
        if iso:
            self._count(ep, request)
        elif ep is self.ep_in:
            self.sent += request.actual
        elif request.actual:
            self.received += request.actual
            self._check(request)
        if request.status in (-errno.ESHUTDOWN, -errno.ECONNRESET, -errno.ECONNABORTED):
            free_ep_req(ep, request)
            return
        if request.status and not iso:
            log.warning("%s: %s ended with %d", self.name, ep.name, request.status)
        if not self.running:
            free_ep_req(ep, request)
            return
        if not iso:
            request.length = self.buflen
        if ep is self.ep_out and self.pattern != 2:
            # So that data which never arrived is not taken for good.
            request.data()[: self.buflen] = self._prefill
        try:
            usb_ep_queue(ep, request)
        except OSError as error:
            log.warning("%s: %s", self.name, error)

    def _count(self, ep: UsbEp, request: UsbRequest) -> None:
        """An isochronous request has ended."""
        if request.status in (-errno.ENODATA, -errno.EXDEV):
            self.iso_missed += 1
        elif ep is self.iso_in:
            self.iso_sent += request.actual
        elif request.actual:
            self.iso_received += request.actual
            wanted = pattern_bytes(self.pattern, request.actual, ep.maxpacket)
            if self.pattern != 2 and request.data()[: request.actual] != wanted:
                self.errors += 1
                log.error("%s: bad data in %d bytes OUT", self.name, request.actual)

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
