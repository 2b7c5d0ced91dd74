# SPDX-License-Identifier: Apache-2.0
"""cdc_acm: serial ports of the CDC abstract control model, /dev/ttyACMn.

Facts functions.md section 1, annex A.1 and annex B; USB CDC PSTN 1.2 section 6.
"""

from __future__ import annotations

import errno
import logging
import struct
from dataclasses import dataclass

from tb.kernel import Mutex, WaitQueue, Work, os_error
from tb.usb import DescriptorType, RawDescriptor, TransferType

from ..device import HostEndpoint, UsbDevice, UsbInterface
from ..driver import UsbDeviceId, UsbDriver, usb_driver_claim_interface
from ..message import USB_CTRL_TIMEOUT, usb_clear_halt, usb_control_msg
from ..submit import usb_kill_urb, usb_submit_urb
from ..urb import (
    Urb,
    pipe_of,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_fill_int_urb,
    usb_sndctrlpipe,
)
from .tty import ReceiveBuffer, TtyFile

__all__ = ["AcmPort", "CdcAcm", "LineCoding", "parse_functional"]

log = logging.getLogger(__name__)

_READ_URBS = 16
_WRITE_URBS = 16
_READ_PACKETS = 2
_WRITE_PACKETS = 20
_CDC_CALL_MANAGEMENT, _CDC_ACM, _CDC_UNION = 0x01, 0x02, 0x06
_CLASS_COMM, _CLASS_DATA = 0x02, 0x0A
_SUBCLASS_ACM = 0x02
_SET_LINE_CODING, _SET_CONTROL_LINE_STATE, _SEND_BREAK = 0x20, 0x22, 0x23
_REQUEST_TYPE = 0x21
"""Class request to an interface."""
_NOTIFY_NETWORK, _NOTIFY_SERIAL_STATE = 0x00, 0x20
DTR, RTS = 0x01, 0x02
DCD, DSR, BREAK, RING, FRAMING, PARITY, OVERRUN = (1 << bit for bit in range(7))


@dataclass(frozen=True, slots=True)
class LineCoding:
    """The 7 bytes of a line coding.

    Attributes:
        rate: bits per second.
        stop: 0, 1, 2 for 1, 1.5, 2 stop bits.
        parity: 0 none, 1 odd, 2 even, 3 mark, 4 space.
        bits: data bits.
    """

    rate: int = 9600
    stop: int = 0
    parity: int = 0
    bits: int = 8

    def __bytes__(self) -> bytes:
        """Return the wire form."""
        return struct.pack("<IBBB", self.rate, self.stop, self.parity, self.bits)


@dataclass(slots=True)
class Functional:
    """What the functional descriptors of a control interface say; None where there is none."""

    union: tuple[int, int] | None = None
    call_interface: int | None = None
    capabilities: int = 0


def parse_functional(extra: list[RawDescriptor]) -> Functional:
    """Read the CDC functional descriptors behind a control interface."""
    found = Functional()
    for item in extra:
        body = item.body
        if item.type != DescriptorType.CS_INTERFACE or not body:
            continue
        if body[0] == _CDC_UNION and len(body) >= 3:
            found.union = (body[1], body[2])
        elif body[0] == _CDC_CALL_MANAGEMENT and len(body) >= 3:
            found.call_interface = body[2]
        elif body[0] == _CDC_ACM and len(body) >= 2:
            found.capabilities = body[1]
    return found


class AcmPort:
    """One serial port.

    Attributes:
        minor: the n of /dev/ttyACMn.
        line: line coding sent last.
        control_lines: DTR and RTS sent last.
        serial_state: bits of the last SERIAL_STATE notification.
        received: what came and has not been read.
        connected: False after disconnect.
    """

    def __init__(
        self,
        driver: CdcAcm,
        control: UsbInterface,
        data: UsbInterface,
        capabilities: int,
        notify: HostEndpoint | None,
        read: HostEndpoint,
        write: HostEndpoint,
        minor: int,
    ) -> None:
        """Make the port of a pair of interfaces; nothing is sent yet."""
        self.driver = driver
        self.dev: UsbDevice = control.dev
        self.control = control
        self.data = data
        self.capabilities = capabilities
        self.minor = minor
        self.line = LineCoding()
        self.control_lines = 0
        self.serial_state = 0
        self.state_changed = WaitQueue(f"ttyACM{minor} state")
        self.connected = True
        self.received = ReceiveBuffer(f"ttyACM{minor} data")
        self.users = 0
        self.mutex = Mutex(f"ttyACM{minor}")
        self._read_ep, self._write_ep = read, write
        self.write_size = _WRITE_PACKETS * write.maxp
        self._room = WaitQueue(f"ttyACM{minor} room")
        self._write_error = 0
        self._free_writes = [usb_alloc_urb() for _ in range(_WRITE_URBS)]
        self._writes = list(self._free_writes)
        self._reads = [usb_alloc_urb() for _ in range(_READ_URBS)]
        self._held: list[Urb] = []
        pipe = pipe_of(self.dev, read)
        size = _READ_PACKETS * read.maxp
        for urb in self._reads:
            usb_fill_bulk_urb(urb, self.dev, pipe, bytearray(size), size, self._on_read)
        self._write_pipe = pipe_of(self.dev, write)
        self._notify: Urb | None = None
        if notify is not None:
            self._notify = usb_alloc_urb()
            usb_fill_int_urb(
                self._notify, self.dev, pipe_of(self.dev, notify), bytearray(notify.maxp),
                notify.maxp, self._on_notify, None, notify.desc.bInterval,
            )  # fmt: skip
        self._partial = bytearray()
        self._recover = Work(self._clear_halt, name=f"ttyACM{minor} work", cpu=self.dev.bus.cpu)

    # -- requests ----------------------------------------------------------------------------

    async def _request(self, request: int, value: int, data: bytes = b"") -> None:
        await usb_control_msg(
            self.dev, usb_sndctrlpipe(self.dev, 0), request, _REQUEST_TYPE, value,
            self.control.number, data, len(data), USB_CTRL_TIMEOUT,
        )  # fmt: skip

    async def set_line_coding(self, line: LineCoding) -> None:
        """Send a line coding.

        Raises:
            OSError: as `usb_control_msg`.
        """
        self.line = line
        await self._request(_SET_LINE_CODING, 0, bytes(line))

    async def set_control_lines(self, lines: int) -> None:
        """Send DTR (bit 0) and RTS (bit 1).

        Raises:
            OSError: as `usb_control_msg`.
        """
        self.control_lines = lines
        await self._request(_SET_CONTROL_LINE_STATE, lines)

    async def send_break(self, milliseconds: int) -> None:
        """Send a break; 0xFFFF until told otherwise, 0 ends it.

        Raises:
            OSError: as `usb_control_msg`.
        """
        await self._request(_SEND_BREAK, milliseconds)

    # -- open and close ----------------------------------------------------------------------

    async def open(self) -> TtyFile:
        """Open the port; the first user starts it and raises DTR and RTS.

        Raises:
            OSError: ENODEV after disconnect; what submitting or the requests fail with.
        """
        async with self.mutex:
            if not self.connected:
                raise os_error(errno.ENODEV, f"/dev/ttyACM{self.minor}: the device is gone")
            if self.users == 0:
                await self._activate()
            self.users += 1
        return TtyFile(self)

    async def _activate(self) -> None:
        self.received.reopen()
        self._write_error = 0
        self._held.clear()
        try:
            if self._notify is not None:
                usb_submit_urb(self._notify)
            for urb in self._reads:
                usb_submit_urb(urb)
        except OSError:
            await self._kill()
            raise
        try:
            await self.set_control_lines(DTR | RTS)
        except OSError as error:
            # A device may do without line states; then it is not asked again.
            if error.errno != errno.EPIPE:
                await self._kill()
                raise

    async def shut(self) -> None:
        """Close for one user; the last one lowers DTR and RTS and stops the port."""
        async with self.mutex:
            self.users -= 1
            if self.users:
                return
            if self.connected:
                try:
                    await self.set_control_lines(0)
                except OSError as error:
                    log.info("ttyACM%d: %s", self.minor, error)
                await self._kill()
            else:
                self.driver.release(self)

    async def _kill(self) -> None:
        if self._notify is not None:
            await usb_kill_urb(self._notify)
        for urb in self._writes:
            await usb_kill_urb(urb)
        for urb in self._reads:
            await usb_kill_urb(urb)
        self._recover.cancel()

    async def hang_up(self) -> None:
        """The device is gone: readers see the end of the file, writers an error."""
        self.connected = False
        self._write_error = self._write_error or -errno.ENODEV
        self.received.hang_up()
        self._room.wake_up()
        self.state_changed.wake_up()
        await self._kill()

    # -- data to the device --------------------------------------------------------------------

    async def write(self, data: bytes) -> int:
        """Send data; returns when the device has acknowledged all of it.

        Raises:
            OSError: EIO after disconnect; else what a URB ended with, e.g. EPROTO.
        """
        view = memoryview(bytes(data))
        pending: list[Urb] = []
        offset = 0
        self._write_error = self._write_error if not self.connected else 0
        while offset < len(view):
            await self._room.wait_event(lambda: self._free_writes or self._write_error)
            self._check_write()
            urb = self._free_writes.pop()
            piece = view[offset : offset + self.write_size]
            usb_fill_bulk_urb(urb, self.dev, self._write_pipe, piece, len(piece), self._on_written)
            try:
                usb_submit_urb(urb)
            except OSError:
                self._free_writes.append(urb)
                raise
            pending.append(urb)
            offset += len(piece)
        # URBs are reused as soon as they are done: ours are recognised by their buffer.
        pieces = [(urb, urb.transfer_buffer) for urb in pending]
        await self._room.wait_event(
            lambda: (
                self._write_error
                or not any(urb.use_count and urb.transfer_buffer is piece for urb, piece in pieces)
            )
        )
        self._check_write()
        return len(view)

    def _check_write(self) -> None:
        if self._write_error:
            raise os_error(
                -self._write_error,
                f"/dev/ttyACM{self.minor}: "
                + ("write failed" if self.connected else "the device is gone"),
            )

    def _on_written(self, urb: Urb) -> None:
        if urb.status and self.connected:
            log.info("ttyACM%d: write ended with %d", self.minor, urb.status)
            self._write_error = urb.status
            if urb.status == -errno.EPIPE:
                self._recover.schedule()
        elif urb.status:
            self._write_error = urb.status
        self._free_writes.append(urb)
        # The handler runs before the URB counts as unused.
        self.dev.bus.kernel.call_soon(self._room.wake_up)

    # -- data from the device ------------------------------------------------------------------

    def _on_read(self, urb: Urb) -> None:
        status = urb.status
        if urb.actual_length and isinstance(urb.transfer_buffer, bytearray):
            self.received.put(memoryview(urb.transfer_buffer)[: urb.actual_length])
        if status in (-errno.ENOENT, -errno.ECONNRESET, -errno.ESHUTDOWN, -errno.ENODEV):
            return
        if status == -errno.EPIPE:
            self._held.append(urb)
            self._recover.schedule()
            return
        if status:
            log.info("ttyACM%d: read ended with %d", self.minor, status)
        if self.received.full:
            # Throttled: the device has to wait until somebody reads.
            self._held.append(urb)
            return
        self._submit_read(urb)

    def _submit_read(self, urb: Urb) -> None:
        try:
            usb_submit_urb(urb)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENODEV, errno.ENOENT, errno.ESHUTDOWN):
                log.warning("ttyACM%d: %s", self.minor, error)

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for the first; b"" after disconnect."""
        data = await self.received.get(size)
        if self._held and not self.received.full and not self._recover.pending:
            self._resume()
        return data

    def _resume(self) -> None:
        held, self._held = self._held, []
        for urb in held:
            self._submit_read(urb)

    async def _clear_halt(self) -> None:
        """A bulk endpoint has stalled: clear it and go on (facts host-urb section 5)."""
        for urb in self._reads:
            await usb_kill_urb(urb)
        for endpoint in (self._read_ep, self._write_ep):
            try:
                await usb_clear_halt(self.dev, pipe_of(self.dev, endpoint))
            except OSError as error:
                log.info("ttyACM%d: clear halt: %s", self.minor, error)
                return
        self._held.clear()
        for urb in self._reads:
            self._submit_read(urb)

    # -- notifications -------------------------------------------------------------------------

    def _on_notify(self, urb: Urb) -> None:
        status = urb.status
        if status in (-errno.ENOENT, -errno.ECONNRESET, -errno.ESHUTDOWN, -errno.ENODEV):
            return
        if status == 0 and isinstance(urb.transfer_buffer, bytearray):
            self._partial += urb.transfer_buffer[: urb.actual_length]
            self._take_notifications()
        elif status:
            log.info("ttyACM%d: notification ended with %d", self.minor, status)
            self._partial.clear()
        self._submit_read(urb)

    def _take_notifications(self) -> None:
        """A notification may come in several packets; its wLength tells how long it is."""
        data = self._partial
        while len(data) >= 8:
            size = 8 + int.from_bytes(data[6:8], "little")
            if len(data) < size:
                return
            if data[1] == _NOTIFY_SERIAL_STATE and size >= 10:
                self.serial_state = int.from_bytes(data[8:10], "little")
                self.state_changed.wake_up()
            elif data[1] != _NOTIFY_NETWORK:
                log.info("ttyACM%d: unknown notification 0x%02x", self.minor, data[1])
            del data[:size]


class CdcAcm(UsbDriver):
    """The driver of all ACM ports of a host.

    Attributes:
        ports: by minor number.
    """

    name = "cdc_acm"
    id_table = tuple(
        UsbDeviceId(
            bInterfaceClass=_CLASS_COMM,
            bInterfaceSubClass=_SUBCLASS_ACM,
            bInterfaceProtocol=protocol,
        )
        for protocol in range(7)
    )

    def __init__(self) -> None:
        """Start without ports."""
        self.ports: dict[int, AcmPort] = {}

    async def probe(self, interface: UsbInterface, line: UsbDeviceId) -> None:
        """Take a control interface and claim its data interface.

        Raises:
            OSError: ENODEV if there is no usable data interface, EBUSY if it is taken.
        """
        dev = interface.dev
        found = parse_functional(interface.cur_altsetting.extra)
        control, data = interface, self._data_interface(interface, found)
        if found.union is not None and found.union[0] != interface.number:
            other = dev.interface(found.union[0])
            if other is None:
                raise os_error(errno.ENODEV, f"union names interface {found.union[0]}: none there")
            control = other
        if data.driver is not None:
            raise os_error(errno.EBUSY, f"data interface {data.number} has a driver")
        notify = self._find(control, TransferType.INTERRUPT, True)
        read = self._find(data, TransferType.BULK, True)
        write = self._find(data, TransferType.BULK, False)
        if read is None or write is None:
            raise os_error(errno.ENODEV, f"interface {data.number}: bulk IN and OUT are needed")
        minor = next(number for number in range(len(self.ports) + 1) if number not in self.ports)
        port = AcmPort(self, control, data, found.capabilities, notify, read, write, minor)
        await port.set_line_coding(LineCoding())
        self.ports[minor] = port
        usb_driver_claim_interface(self, data, port)
        interface.data = port
        dev.bus.devnodes.register(f"/dev/ttyACM{minor}", port.open)
        log.info("ttyACM%d: USB ACM device", minor)

    @staticmethod
    def _data_interface(interface: UsbInterface, found: Functional) -> UsbInterface:
        number = found.union[1] if found.union is not None else found.call_interface
        if number is None:
            # No union: the interface behind the control interface, as old devices have it.
            number = interface.number + 1
        data = interface.dev.interface(number)
        if data is None or not data.altsetting[0].endpoints:
            raise os_error(errno.ENODEV, f"no data interface {number}")
        return data

    @staticmethod
    def _find(interface: UsbInterface, kind: TransferType, is_in: bool) -> HostEndpoint | None:
        for endpoint in interface.cur_altsetting.endpoints:
            if endpoint.type is kind and endpoint.is_in is is_in:
                return endpoint
        return None

    async def disconnect(self, interface: UsbInterface) -> None:
        """Hang up the port of an interface and let its other interface go."""
        port = interface.data
        if not isinstance(port, AcmPort):
            return
        for one in (port.control, port.data):
            one.data = None
        interface.dev.bus.devnodes.unregister(f"/dev/ttyACM{port.minor}")
        await port.hang_up()
        other = port.data if interface is port.control else port.control
        if other.driver is self:
            other.driver = None
        if port.users == 0:
            self.release(port)

    def release(self, port: AcmPort) -> None:
        """Free the minor number of a port that is gone and closed."""
        if self.ports.get(port.minor) is port:
            del self.ports[port.minor]
