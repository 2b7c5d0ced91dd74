# SPDX-License-Identifier: Apache-2.0
"""A wire face with a scripted device at its end, to test the host without any controller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from pymodel.packets import PID
from pymodel.wire import LineEvent, Status, Transaction
from tb.kernel import Event, Kernel, ns, sleep, us
from tb.usb import (
    ConfigDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    SetupPacket,
    string_descriptor,
)

OUT, IN, SETUP, PING = int(PID.OUT), int(PID.IN), int(PID.SETUP), int(PID.PING)
DATA0, DATA1 = int(PID.DATA0), int(PID.DATA1)
DATA2, MDATA = int(PID.DATA2), int(PID.MDATA)


class MockDevice:
    """A device whose answers a test scripts.

    Attributes:
        setups: SETUP packets seen.
        faults: results to force: called with each transaction, gives a Status or None.
        sent: what each OUT endpoint got.
        queue: packets that each IN endpoint has to send; NAK when empty.
        stall: endpoint addresses that stall.
        nyet: OUT endpoints (number) that answer NYET after each packet.
        room: packets that an OUT endpoint takes before it NAKs; None = any number.
        iso: what the isochronous IN endpoint sends, a list of 1 to 3 packets per (micro)frame
            in which it is asked; silence when empty.
        iso_got: frame, PID and data of isochronous OUT transactions.
        extension: bmAttributes of the USB 2.0 extension descriptor, None for no BOS.
        lpm: answers to LPM tokens, the last one for ever; "" is silence.
        tokens: attributes of the LPM tokens that came.
    """

    def __init__(self, *, high: bool = True, config: bytes | None = None) -> None:
        self.high = high
        self.descriptor = DeviceDescriptor(
            bcdUSB=0x0200, bMaxPacketSize0=64, idVendor=0x1234, idProduct=0x5678,
            iManufacturer=1, iProduct=2, iSerialNumber=0, bNumConfigurations=1,
        )  # fmt: skip
        self.config = config if config is not None else self.default_config()
        self.strings = {1: "Maker", 2: "Thing"}
        self.address = 0
        self.setups: list[bytes] = []
        self.faults: Callable[[Transaction], Status | None] | None = None
        self.sent: dict[int, bytearray] = {}
        self.queue: dict[int, deque[bytes]] = {}
        self.toggle: dict[int, int] = {}
        self.stall: set[int] = set()
        self.nyet: set[int] = set()
        self.room: dict[int, int] = {}
        self.unknown: set[bytes] = set()
        self.iso: deque[list[bytes]] = deque()
        self.iso_got: list[tuple[int, int, bytes]] = []
        self._iso_now: tuple[int, list[bytes]] = (-1, [])
        self.resets = 0
        self.extension: int | None = None
        self.lpm = ["ACK"]
        self.tokens: list[int] = []
        self._setup: SetupPacket | None = None
        self._reply = b""
        self._out = bytearray()
        self._control_toggle = 1

    def default_config(self) -> bytes:
        size = 512 if self.high else 64
        endpoints = [
            EndpointDescriptor(0x81, 2, size, 0),
            EndpointDescriptor(0x02, 2, size, 0),
            EndpointDescriptor(0x83, 3, 16, 4),
            EndpointDescriptor(0x04, 3, 16, 4),
        ]
        body = bytes(InterfaceDescriptor(0, 0, 4, 0xFF, 0, 0, 0))
        body += b"".join(map(bytes, endpoints))
        return bytes(ConfigDescriptor(9 + len(body), 1, 1, 0, 0x80, 50)) + body

    def reset(self) -> None:
        self.resets += 1
        self.address = 0
        self.toggle.clear()

    def answer(self, transaction: Transaction) -> None:
        """Fill in the result of a transaction."""
        if transaction.address != self.address:
            transaction.status = Status.TIMEOUT
            return
        forced = self.faults(transaction) if self.faults else None
        if forced is not None:
            transaction.status = forced
            return
        if transaction.token == PID.EXT:
            self.tokens.append(int.from_bytes(transaction.data, "little"))
            answer = self.lpm.pop(0) if len(self.lpm) > 1 else self.lpm[0]
            states = {"ACK": Status.OK, "NYET": Status.NYET, "STALL": Status.STALL}
            self._handshake(transaction, answer, states.get(answer, Status.TIMEOUT))
        elif transaction.endpoint == 0:
            self._control(transaction)
        elif transaction.isochronous:
            self._isochronous(transaction)
        else:
            self._data(transaction)

    def _data(self, transaction: Transaction) -> None:
        number = transaction.endpoint
        if transaction.token == IN:
            address = number | 0x80
            packets = self.queue.get(address)
            if address in self.stall:
                self._handshake(transaction, "STALL", Status.STALL)
            elif not packets:
                self._handshake(transaction, "NAK", Status.NAK)
            else:
                self.give(transaction, packets.popleft(), address)
            return
        if number in self.stall:
            self._handshake(transaction, "STALL", Status.STALL)
            return
        room = self.room.get(number)
        if room == 0:
            self._handshake(transaction, "NAK", Status.NAK)
            return
        if transaction.token == PING:
            self._handshake(transaction, "ACK", Status.OK)
            return
        expected = self.toggle.get(number, 0)
        if transaction.pid == (DATA1 if expected else DATA0):
            self.toggle[number] = expected ^ 1
            self.sent.setdefault(number, bytearray()).extend(transaction.data)
            if room is not None:
                self.room[number] = room - 1
        if number in self.nyet:
            self._handshake(transaction, "NYET", Status.NYET)
        else:
            self._handshake(transaction, "ACK", Status.OK)

    def _isochronous(self, transaction: Transaction) -> None:
        frame = transaction.frame
        assert frame is not None
        transaction.status = Status.OK
        if transaction.token == OUT:
            self.iso_got.append((frame, transaction.pid, bytes(transaction.data)))
            return
        if self._iso_now[0] != frame:
            self._iso_now = frame, self.iso.popleft() if self.iso else []
        packets = self._iso_now[1]
        if not packets:
            transaction.status = Status.TIMEOUT
            return
        data = packets.pop(0)
        if len(data) > transaction.max_length:
            transaction.status = Status.BABBLE
            return
        transaction.rx_pid = (DATA0, DATA1, DATA2)[len(packets)]
        transaction.rx_data = data

    def give(self, transaction: Transaction, data: bytes, address: int) -> None:
        """Answer an IN with data."""
        if len(data) > transaction.max_length:
            transaction.status = Status.BABBLE
            return
        toggle = self.toggle.get(address, 0)
        self.toggle[address] = toggle ^ 1
        transaction.rx_pid = DATA1 if toggle else DATA0
        transaction.rx_data = data
        self._handshake(transaction, "ACK", Status.OK)

    @staticmethod
    def _handshake(transaction: Transaction, handshake: str, status: Status) -> None:
        transaction.handshake = handshake
        transaction.status = status

    # -- endpoint 0 --------------------------------------------------------------------------

    def _control(self, transaction: Transaction) -> None:
        if transaction.token == SETUP:
            data = bytes(transaction.data)
            self.setups.append(data)
            self._setup = SetupPacket.parse(data)
            self._control_toggle = 1
            self._out = bytearray()
            reply = None if data in self.unknown else self.request(self._setup)
            self._stalled = reply is None
            self._reply = (reply or b"")[: self._setup.wLength]
            self._handshake(transaction, "ACK", Status.OK)
        elif self._stalled:
            self._handshake(transaction, "STALL", Status.STALL)
        elif transaction.token == IN:
            assert self._setup is not None
            size = self.descriptor.bMaxPacketSize0
            piece, self._reply = self._reply[:size], self._reply[size:]
            transaction.rx_pid = DATA1 if self._control_toggle else DATA0
            self._control_toggle ^= 1
            transaction.rx_data = piece
            self._handshake(transaction, "ACK", Status.OK)
            if not self._setup.is_in:
                self.finished(self._setup)
        else:
            if transaction.token == OUT:
                self._out += transaction.data
            self._handshake(transaction, "ACK", Status.OK)

    def request(self, setup: SetupPacket) -> bytes | None:
        """Return the data of a request, b"" to accept it, None to stall."""
        if setup.bRequest == 6 and setup.bmRequestType == 0x80:
            kind, index = setup.wValue >> 8, setup.wValue & 0xFF
            if kind == 1:
                return bytes(self.descriptor)
            if kind == 2:
                return self.config
            if kind == 15 and self.extension is not None:
                body = b"\x07\x10\x02" + self.extension.to_bytes(4, "little")
                return bytes((5, 15, 5 + len(body), 0, 1)) + body
            if kind == 3 and index == 0:
                return b"\x04\x03\x09\x04"
            if kind == 3 and index in self.strings:
                return string_descriptor(self.strings[index])
            return None
        if setup.bRequest == 1 and setup.bmRequestType == 2:
            self.stall.discard(setup.wIndex)
            self.toggle[setup.wIndex] = 0
        if setup.bmRequestType & 0x60:
            return bytes(range(256)) * 2 if setup.is_in else b""
        if setup.bRequest in (1, 5, 9, 11):
            return b""
        if setup.bmRequestType == 0x82:
            return bytes((int(setup.wIndex in self.stall), 0))
        return None

    def finished(self, setup: SetupPacket) -> None:
        """The status stage of an OUT request is over."""
        self.out_data = bytes(self._out)
        if setup.bRequest == 5:
            self.address = setup.wValue


class MockWire:
    """Executes transactions in order against a `MockDevice`.

    Attributes:
        log: all transactions that were executed, in order.
        asleep: the device has acknowledged an LPM token.
        resumes: time and duration of each resume that the host drove.
    """

    def __init__(self, kernel: Kernel, device: MockDevice) -> None:
        self.kernel = kernel
        self.device = device
        self.speed: str | None = None
        self.line_state = "SE0"
        self.connected = False
        self.force_full_speed = False
        self.log: list[Transaction] = []
        self.submits = 0
        self.asleep = False
        self.resumes: list[tuple[int, int]] = []
        self._base = 0
        self._queue: deque[tuple[Transaction, Any]] = deque()
        self._busy = False
        self._lines: list[Callable[[LineEvent], None]] = []

    @property
    def length(self) -> int:
        return us(125) if self.speed == "high" else us(1000)

    @property
    def frame(self) -> int:
        return (self.kernel.now - self._base) // self.length if self._base else -1

    def frame_time(self, frame: int) -> int:
        return self._base + frame * self.length

    def submit(self, transactions: Sequence[Transaction], done: Any) -> None:
        self.submits += 1
        self._queue.extend((one, done) for one in transactions)
        if not self._busy:
            self._next()

    def cost(self, transaction: Transaction) -> int:
        size = len(transaction.data) or min(transaction.max_length, 1024)
        if self.speed == "high":
            return ns((size + 54) * 16.667)
        return ns((size + 13) * 666.67)

    def _next(self) -> None:
        if not self._queue:
            self._busy = False
            return
        self._busy = True
        transaction, done = self._queue.popleft()
        now = self.kernel.now
        if transaction.status is Status.SKIPPED:
            done(transaction)
            self._next()
            return
        start, wanted = now, transaction.frame
        if wanted is not None and self.frame > wanted:
            transaction.status = Status.LATE
            self.kernel.call_soon(self._finish, transaction, done)
            return
        if wanted is not None:
            start = max(start, self.frame_time(wanted) + ns(400))
        cost = self.cost(transaction)
        end = self.frame_time((start - self._base) // self.length + 1)
        if start + cost > end:
            start = end + ns(400)
        transaction.start_ps = start
        self.kernel.call_later(start + cost - now, self._execute, transaction, done)

    def _execute(self, transaction: Transaction, done: Any) -> None:
        transaction.end_ps = self.kernel.now
        self.log.append(transaction)
        assert not self.asleep, f"{transaction} in L1"
        if self.connected:
            self.device.answer(transaction)
            self.asleep = transaction.token == PID.EXT and transaction.status is Status.OK
        else:
            transaction.status = Status.TIMEOUT
        self._finish(transaction, done)

    def _finish(self, transaction: Transaction, done: Any) -> None:
        good = transaction.status is Status.OK and (
            transaction.token != IN or len(transaction.rx_data) == transaction.max_length
        )
        if transaction.chain and not good:
            self.cancel(transaction.chain)
        self._busy = True
        done(transaction)
        self._next()

    def cancel(self, chain: int) -> None:
        for transaction, _ in self._queue:
            if transaction.chain == chain:
                transaction.status = Status.SKIPPED

    def on_line(self, callback: Callable[[LineEvent], None]) -> None:
        self._lines.append(callback)

    def _tell(self, kind: str) -> None:
        event = LineEvent(kind, self.kernel.now)
        for callback in self._lines:
            self.kernel.call_soon(callback, event)

    def monitor(self, callback: Any) -> None:
        pass

    def vbus(self, on: bool) -> None:
        self.pull_up(on)

    def pull_up(self, on: bool) -> None:
        if on != self.connected:
            self.connected = on
            self.asleep = False
            self.speed = None
            self._tell("connect" if on else "disconnect")

    async def reset(self, duration: int) -> str | None:
        assert not self._queue, "reset while transactions are queued"
        await sleep(duration)
        if not self.connected:
            return None
        self.device.reset()
        self.asleep = False
        self.speed = "high" if self.device.high and not self.force_full_speed else "full"
        self._base = self.kernel.now + self.length
        return self.speed

    async def suspend(self) -> None:
        pass

    async def resume(self, duration: int) -> None:
        self.resumes.append((self.kernel.now, duration))
        await sleep(duration)
        self.asleep = False

    def remote_wakeup(self) -> None:
        """The device signals resume."""
        self._tell("remote_wakeup")

    def sof_enable(self, on: bool) -> None:
        pass

    async def execute(self, transaction: Transaction) -> Transaction:
        ended = Event()
        self.submit([transaction], lambda _: ended.set())
        await ended.wait()
        return transaction

    async def send(self, packet: bytes, knobs: Any = None) -> None:
        raise NotImplementedError

    async def receive(self, timeout: int) -> bytes | None:
        raise NotImplementedError
