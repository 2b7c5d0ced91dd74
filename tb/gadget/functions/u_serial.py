# SPDX-License-Identifier: Apache-2.0
"""The tty side that acm, gser and obex share (functions.md section 1).

A port is /dev/ttyGS<n>. It exists from the making of a function instance on; data flows while a
function is connected to it (SET_CONFIGURATION) and the tty is open.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable

from tb.kernel import DevNodes, WaitQueue, os_error, sec

from ..endpoint import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_queue,
)
from ..udc_core import UdcCore, core_of_machine

__all__ = ["GsPort", "GserialLink", "TtyFile", "gserial_alloc_line", "gserial_free_line"]

log = logging.getLogger(__name__)

MAX_PORTS = 8
QUEUE_SIZE = 16
WRITE_FIFO = 8192
CLOSE_TIMEOUT = sec(15)
# What a reader may leave lying about before the port is throttled.
READ_LIMIT = 4096


class GserialLink:
    """A function's half of a port: its endpoints, and what it wants to be told.

    Attributes:
        on_open, on_close: plain functions called when the tty is opened first and closed last.
    """

    def __init__(
        self,
        on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        """Belong to no port yet."""
        self.ep_in: UsbEp | None = None
        self.ep_out: UsbEp | None = None
        self.port: GsPort | None = None
        self.on_open = on_open
        self.on_close = on_close

    @property
    def endpoints(self) -> tuple[UsbEp, UsbEp]:
        """Both endpoints (in, out)."""
        assert self.ep_in is not None
        assert self.ep_out is not None
        return self.ep_in, self.ep_out


class TtyFile:
    """An open /dev/ttyGS<n>."""

    def __init__(self, port: GsPort) -> None:
        """Use `DevNodes.open`."""
        self._port = port
        self._closed = False
        self.hung_up = False

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for the first; b"" after a hang-up.

        Raises:
            OSError: EBADF on a closed file.
        """
        self._check()
        return await self._port.read(self, size)

    async def write(self, data: bytes) -> int:
        """Put data into the write FIFO, waiting for room; returns len(data).

        Raises:
            OSError: EIO after a hang-up, EBADF on a closed file.
        """
        self._check()
        return await self._port.write(self, bytes(data))

    async def close(self) -> None:
        """Close; the last one waits up to 15 s for the FIFO to drain."""
        if not self._closed:
            self._closed = True
            await self._port.close(self)

    def _check(self) -> None:
        if self._closed:
            raise os_error(errno.EBADF, f"{self._port.path} is closed")


class GsPort:
    """One port.

    Attributes:
        link: the connected function, None before SET_CONFIGURATION.
    """

    def __init__(self, number: int) -> None:
        """Start closed and unconnected."""
        self.number = number
        self.path = f"/dev/ttyGS{number}"
        self.link: GserialLink | None = None
        self._files: list[TtyFile] = []
        self._read_pool: list[UsbRequest] = []
        self._read_held: deque[UsbRequest] = deque()
        self._write_pool: list[UsbRequest] = []
        self._requests: list[UsbRequest] = []
        self._fifo = bytearray()
        self._received = bytearray()
        self._suspended = False
        self._start_delayed = False
        self._readable = WaitQueue(f"{self.path} data")
        self._writable = WaitQueue(f"{self.path} room")

    # -- tty side --------------------------------------------------------------------------

    async def open(self) -> TtyFile:
        """Open the tty."""
        file = TtyFile(self)
        self._files.append(file)
        if len(self._files) == 1 and self.link is not None:
            if self._suspended:
                self._start_delayed = True
            else:
                self.link.on_open()
                self._start_io()
        return file

    async def read(self, file: TtyFile, size: int) -> bytes:
        """Return received bytes."""
        await self._readable.wait_event(lambda: self._received or file.hung_up)
        data = bytes(self._received[:size])
        del self._received[:size]
        self._push_received()
        return data

    async def write(self, file: TtyFile, data: bytes) -> int:
        """Fill the write FIFO."""
        done = 0
        while done < len(data):
            await self._writable.wait_event(lambda: len(self._fifo) < WRITE_FIFO or file.hung_up)
            if file.hung_up:
                raise os_error(errno.EIO, f"{self.path} was hung up")
            room = WRITE_FIFO - len(self._fifo)
            self._fifo += data[done : done + room]
            done = min(done + room, len(data))
            self._start_tx()
        return done

    async def close(self, file: TtyFile) -> None:
        """Close one file."""
        if file in self._files and len(self._files) > 1:
            self._files.remove(file)
            return
        link = self.link
        if link is not None:
            link.on_close()
        if self._fifo and link is not None and not file.hung_up:
            await self._writable.wait_event_timeout(
                lambda: not self._fifo or self.link is None, CLOSE_TIMEOUT
            )
        if file in self._files:
            self._files.remove(file)
        self._fifo.clear()
        self._received.clear()

    # -- function side ---------------------------------------------------------------------

    async def connect(self, link: GserialLink) -> None:
        """Join a function to the port: enable its endpoints, start the requests.

        Raises:
            OSError: EBUSY if another function has the port; what usb_ep_enable raises.
        """
        if self.link is not None:
            raise os_error(errno.EBUSY, f"{self.path} is connected to another function")
        ep_in, ep_out = link.endpoints
        await usb_ep_enable(ep_in)
        try:
            await usb_ep_enable(ep_out)
        except OSError:
            await usb_ep_disable(ep_in)
            raise
        self.link = link
        link.port = self
        self._suspended = False
        if self._files:
            link.on_open()
            self._start_io()
        else:
            link.on_close()

    async def disconnect(self, link: GserialLink) -> None:
        """Part from a function; an open tty is hung up."""
        if self.link is not link:
            return
        self.link = None
        link.port = None
        self._suspended = False
        for file in self._files:
            file.hung_up = True
        self._readable.wake_up()
        self._writable.wake_up()
        ep_in, ep_out = link.endpoints
        await usb_ep_disable(ep_out)
        await usb_ep_disable(ep_in)
        for request in self._requests:
            free_ep_req(request.ep, request)
        self._requests.clear()
        self._read_pool.clear()
        self._read_held.clear()
        self._write_pool.clear()
        self._files = [file for file in self._files if not file.hung_up]

    def suspend(self) -> None:
        """Hold back the start of a tty that is opened now."""
        self._suspended = True

    def resume(self) -> None:
        """Start what was held back."""
        self._suspended = False
        if self._start_delayed:
            self._start_delayed = False
            if self._files and self.link is not None:
                self.link.on_open()
                self._start_io()

    # -- requests --------------------------------------------------------------------------

    def _start_io(self) -> None:
        assert self.link is not None
        ep_in, ep_out = self.link.endpoints
        if not self._requests:
            for _ in range(QUEUE_SIZE):
                request = alloc_ep_req(ep_out, ep_out.maxpacket)
                request.complete = self._read_complete
                self._read_pool.append(request)
                writer = alloc_ep_req(ep_in, ep_in.maxpacket)
                writer.complete = self._write_complete
                self._write_pool.append(writer)
                self._requests += (request, writer)
        self._start_rx()
        self._start_tx()
        self._writable.wake_up()

    def _start_rx(self) -> None:
        while self._read_pool and self.link is not None and self._files:
            request = self._read_pool[0]
            request.length = request.ep.maxpacket
            try:
                usb_ep_queue(request.ep, request)
            except OSError as error:
                log.debug("%s: cannot queue a read: %s", self.path, error)
                return
            self._read_pool.pop(0)

    def _read_complete(self, ep: UsbEp, request: UsbRequest) -> None:
        if request.status == -errno.ESHUTDOWN:
            self._read_pool.append(request)
            return
        if request.status:
            log.warning("%s: read ended with %d", self.path, request.status)
        self._read_held.append(request)
        self._push_received()

    def _push_received(self) -> None:
        """Move what has come to the readers, as far as they keep up."""
        while self._read_held and len(self._received) < READ_LIMIT:
            request = self._read_held.popleft()
            if request.actual:
                self._received += request.data()[: request.actual]
            self._read_pool.append(request)
        if self._received:
            self._readable.wake_up()
        self._start_rx()

    def _start_tx(self) -> None:
        while self._write_pool and self._fifo and self.link is not None:
            request = self._write_pool[0]
            length = min(len(self._fifo), request.ep.maxpacket)
            request.data()[:length] = self._fifo[:length]
            request.length = length
            request.zero = len(self._fifo) == length
            try:
                usb_ep_queue(request.ep, request)
            except OSError as error:
                log.debug("%s: cannot queue a write: %s", self.path, error)
                return
            del self._fifo[:length]
            self._write_pool.pop(0)
            self._writable.wake_up()

    def _write_complete(self, ep: UsbEp, request: UsbRequest) -> None:
        self._write_pool.append(request)
        if request.status == -errno.ESHUTDOWN:
            return
        if request.status:
            log.warning("%s: write ended with %d", self.path, request.status)
        self._start_tx()


def _ports(core: UdcCore) -> dict[int, GsPort]:
    ports: dict[int, GsPort] = core.storage.setdefault("u_serial", {})
    return ports


def gserial_alloc_line() -> GsPort:
    """Make the next free port and its device node.

    Raises:
        OSError: EBUSY if all 8 are taken.
    """
    core = core_of_machine()
    ports = _ports(core)
    for number in range(MAX_PORTS):
        if number not in ports:
            port = GsPort(number)
            ports[number] = port
            nodes = core.storage.get("devnodes")
            if isinstance(nodes, DevNodes):
                nodes.register(port.path, port.open)
            return port
    raise os_error(errno.EBUSY, f"all {MAX_PORTS} serial ports are taken")


def gserial_free_line(port: GsPort) -> None:
    """Remove a port and its device node."""
    core = core_of_machine()
    _ports(core).pop(port.number, None)
    nodes = core.storage.get("devnodes")
    if isinstance(nodes, DevNodes):
        nodes.unregister(port.path)


def gserial_find(number: int) -> GsPort:
    """Return a port by number.

    Raises:
        OSError: ENXIO above 7, EINVAL if it does not exist.
    """
    if number >= MAX_PORTS:
        raise os_error(errno.ENXIO, f"serial port {number}: only 0 to {MAX_PORTS - 1} exist")
    port = _ports(core_of_machine()).get(number)
    if port is None:
        raise os_error(errno.EINVAL, f"serial port {number} has not been made")
    return port


async def gserial_connect(link: GserialLink, number: int) -> None:
    """Join a function to a port by number.

    Raises:
        OSError: ENXIO, EINVAL, EBUSY; what usb_ep_enable raises.
    """
    await gserial_find(number).connect(link)


async def gserial_disconnect(link: GserialLink) -> None:
    """Part a function from its port; harmless if it has none."""
    if link.port is not None:
        await link.port.disconnect(link)
