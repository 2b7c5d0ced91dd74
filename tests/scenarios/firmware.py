# SPDX-License-Identifier: Apache-2.0
"""A small device: what lies above a driver's registers, and the host that tries it.

A `Port` is one driver's way with the registers. The `Stack` above it answers control requests and
sends back what comes on a bulk pipe; `play` is the host.
"""

from __future__ import annotations

import abc
from typing import Any

from pymodel.packets import PID
from raw import BulkOut, control_in, control_out, retry
from tb.kernel import ms, sleep, spawn, timeout, us
from tb.usb import SetupPacket

ADDRESS = 5
BULK = 2
WINDOW = 0x1000
SETUP_BUFFER, EP0_BUFFER, OUT_BUFFER, IN_BUFFER = range(0x1000_0000, 0x1000_8000, 0x2000)
DEVICE = bytes([18, 1, 0, 2, 0, 0, 0, 64, 0x6B, 0x1D, 4, 1, 0, 1, 0, 0, 0, 1])
CONFIGURATION = bytes([9, 2, 150, 0, 1, 1, 0, 0x80, 50]) + bytes(range(9, 150))


class Port(abc.ABC):
    """A driver: its registers, one bulk endpoint in each direction.

    Attributes:
        number: of the bulk endpoints.
        packets: OUT packets that it takes in one transfer.
    """

    packets = 2

    def __init__(self, bench: Any, number: int = 1) -> None:
        """Use the doors of a bench."""
        self.bench, self.hw, self.number = bench, bench.hw, number
        self.dma = bench.options.mode == "dma"
        self.size = 512 if bench.options.speed == "high" else 64
        self.stack = Stack(self)
        if self.dma:
            self.hw.memory.map(SETUP_BUFFER, 0x8000, device_reads=True, device_writes=True)

    # -- registers ------------------------------------------------------------------------

    async def read(self, offset: int) -> int:
        """Read a register."""
        value: int = await self.hw.read32(offset)
        return value

    async def write(self, offset: int, value: int) -> None:
        """Write a register."""
        await self.hw.write32(offset, value)

    async def change(self, offset: int, clear: int = 0, more: int = 0) -> None:
        """Read, modify, write: what drivers do with most registers."""
        await self.write(offset, await self.read(offset) & ~clear & 0xFFFF_FFFF | more)

    async def poll(self, offset: int, mask: int, wanted: int, limit: int = 100) -> None:
        """Wait for bits as a driver does, which would hang; here it may take `limit` us."""

        async def until() -> None:
            while await self.read(offset) & mask != wanted:
                pass

        await timeout(until(), us(limit))

    async def push(self, number: int, data: bytes) -> None:
        """Write bytes to a FIFO window, the last word padded."""
        for at in range(0, len(data), 4):
            word = int.from_bytes(data[at : at + 4], "little")
            await self.write(WINDOW * (number + 1), word)

    async def pull(self, count: int, window: int = 0) -> bytes:
        """Read bytes from a FIFO window."""
        words = [await self.read(WINDOW * (window + 1)) for _ in range(-(-count // 4))]
        return b"".join(word.to_bytes(4, "little") for word in words)[:count]

    async def interrupts(self) -> None:
        """Serve the interrupt line for ever."""
        while True:
            while self.hw.irq:
                await self.isr()
            await self.hw.irq_change()

    # -- what a driver offers -------------------------------------------------------------

    @abc.abstractmethod
    async def start(self) -> None:
        """Initialise the controller and connect."""

    @abc.abstractmethod
    async def isr(self) -> None:
        """Serve an interrupt."""

    @abc.abstractmethod
    async def ep0_write(self, data: bytes) -> None:
        """Send on EP0: a data stage, or a status stage without bytes."""

    @abc.abstractmethod
    async def ep0_read(self, count: int) -> None:
        """Receive on EP0: a data stage, or a status stage of 0 bytes."""

    @abc.abstractmethod
    async def ep0_idle(self) -> None:
        """A control transfer is over."""

    @abc.abstractmethod
    async def address(self, value: int) -> None:
        """Take an address, before the status stage."""

    @abc.abstractmethod
    async def open(self) -> None:
        """Open the bulk endpoints (SET_CONFIGURATION)."""

    @abc.abstractmethod
    async def close(self) -> None:
        """Close them, whatever they do."""

    @abc.abstractmethod
    async def halt(self, endpoint: int, on: bool) -> None:
        """Stall an endpoint (bEndpointAddress, 0 for EP0) or end that."""

    @abc.abstractmethod
    async def bulk_write(self, data: bytes) -> None:
        """Send on the bulk IN endpoint."""

    @abc.abstractmethod
    async def bulk_read(self) -> None:
        """Receive on the bulk OUT endpoint."""


class Stack:
    """Answers requests and echoes; a port tells it what has happened."""

    def __init__(self, port: Port) -> None:
        """Belong to a port."""
        self._port = port
        self._kept = b""
        self._then: Any = None
        self.stage = "setup"

    async def setup(self, raw: bytes) -> None:
        """A SETUP has come."""
        request = SetupPacket.parse(raw)
        port, value = self._port, request.wValue
        kind = request.bmRequestType, request.bRequest
        if kind in ((0x80, 6), (0xC0, 2)):
            reply = {0x100: DEVICE, 0x200: CONFIGURATION}.get(value, self._kept)
            self.stage = "data_in"
            await port.ep0_write(reply[: request.wLength])
        elif kind == (0x40, 1):
            self.stage = "data_out"
            await port.ep0_read(request.wLength)
        elif kind == (0, 5):
            await port.address(value)
            await self._status_in()
        elif kind == (0, 9):
            if value:
                await port.open()
                await port.bulk_read()
            else:
                await port.close()
            await self._status_in()
        elif kind in ((2, 1), (2, 3)):
            await port.halt(request.wIndex, request.bRequest == 3)
            if request.bRequest == 1 and not request.wIndex & 0x80:
                await port.bulk_read()
            await self._status_in()
        else:
            self.stage = "setup"
            await port.halt(0, True)

    async def _status_in(self) -> None:
        self.stage = "status_in"
        await self._port.ep0_write(b"")

    async def ep0_sent(self) -> None:
        """What EP0 had to send has been acknowledged."""
        if self.stage == "data_in":
            self.stage = "status_out"
            await self._port.ep0_read(0)
        else:
            self.stage = "setup"
            await self._port.ep0_idle()

    async def ep0_received(self, data: bytes) -> None:
        """What EP0 waited for has come."""
        if self.stage == "data_out":
            self._kept = data
            await self._status_in()
        else:
            self.stage = "setup"
            await self._port.ep0_idle()

    async def received(self, data: bytes) -> None:
        """The bulk OUT endpoint has data: back with it."""
        await self._port.bulk_write(data)

    async def sent(self) -> None:
        """The bulk IN endpoint is free."""
        await self._port.bulk_read()


class Host:
    """What the host does with the device."""

    def __init__(self, bench: Any, port: Port, early_setup: bool) -> None:
        """Use the doors of a bench.

        Args:
            bench: the bench.
            port: the driver of the device.
            early_setup: it bears a SETUP in the middle of a data stage.
        """
        self.bench, self.port, self._early = bench, port, early_setup
        self._address = 0

    async def play(self) -> None:
        """Try everything, then once more after a bus reset."""
        self.bench.wire.vbus(True)

        async def attached() -> None:
            while not self.bench.wire.connected:
                await sleep(us(10))

        await timeout(attached(), ms(20))
        for _ in range(2):
            await self._enumerate()
            await self._control()
            await self._halts()
            await self._close()
            # the reset comes while transfers wait
            await self._out(b"left behind")

    async def _request(self, *words: int) -> None:
        await control_out(self.bench, bytes(SetupPacket(*words)), self._address)

    async def _get(self, value: int, count: int) -> bytes:
        setup = bytes(SetupPacket(0x80, 6, value, 0, count))
        return await control_in(self.bench, setup, self._address)

    async def _enumerate(self) -> None:
        self._address = 0
        assert await self.bench.wire.reset() == self.bench.options.speed
        await self.bench.wire.sof(2)
        assert await self._get(0x100, 64) == DEVICE
        await self._request(0, 5, ADDRESS, 0, 0)
        self._address = ADDRESS
        await sleep(us(20))
        assert await self._get(0x200, 9) == CONFIGURATION[:9]
        assert await self._get(0x200, 150) == CONFIGURATION
        await self._configure()

    async def _configure(self) -> None:
        await self._request(0, 9, 1, 0, 0)
        port = self.port
        for into_host in (True, False):
            self.bench.checker.assume_endpoint(port.number, into_host, BULK, port.size)
        self._pipe = BulkOut(self.bench, ADDRESS, port.number)
        self._pid = PID.DATA0
        for count in (1, port.size - 1, port.size * (port.packets - 1) + 7):
            await self._echo(count)

    async def _out(self, data: bytes) -> None:
        for at in range(0, len(data), self.port.size):
            result = await self._pipe.send(data[at : at + self.port.size])
            assert result.handshake in ("ACK", "NYET"), result

    async def _echo(self, count: int) -> None:
        data = self.bench.random.randbytes(count)
        await self._out(data)
        got = b""
        while len(got) < count:
            result = await retry(self.bench, self.bench.wire.in_, ADDRESS, self.port.number, 1024)
            assert result.rx_pid == self._pid, result
            self._pid = PID.DATA1 if self._pid == PID.DATA0 else PID.DATA0
            got += bytes(result.rx_data)
        assert got == data

    async def _control(self) -> None:
        wire = self.bench.wire
        for count in (3, 100):
            data = self.bench.random.randbytes(count)
            setup = bytes(SetupPacket(0x40, 1, 0, 0, count))
            assert (await wire.setup(ADDRESS, 0, setup)).handshake == "ACK"
            pipe = BulkOut(self.bench, ADDRESS, 0, PID.DATA1)
            for at in range(0, count, 64):
                assert (await pipe.send(data[at : at + 64])).handshake == "ACK"
            result = await retry(self.bench, wire.in_, ADDRESS, 0)
            assert (result.rx_pid, result.rx_data) == (PID.DATA1, b""), result
            got = await control_in(self.bench, bytes(SetupPacket(0xC0, 2, 0, 0, 255)), ADDRESS)
            assert got == data
        try:
            await control_in(self.bench, bytes(SetupPacket(0xC0, 0x77, 0, 0, 4)), ADDRESS)
        except BrokenPipeError:
            pass
        else:
            raise AssertionError("an unknown request was answered")
        assert await self._get(0x100, 18) == DEVICE
        if self._early:
            setup = bytes(SetupPacket(0x80, 6, 0x200, 0, 150))
            for seen in (0, 1):
                assert (await wire.setup(ADDRESS, 0, setup)).handshake == "ACK"
                for _ in range(seen):
                    result = await retry(self.bench, wire.in_, ADDRESS, 0)
                    assert bytes(result.rx_data) == CONFIGURATION[:64]
                await sleep(us(30))
                assert await self._get(0x100, 18) == DEVICE

    async def _halts(self) -> None:
        wire, number = self.bench.wire, self.port.number
        await self._request(2, 3, 0, 0x80 | number, 0)
        result = await wire.in_(ADDRESS, number, 1024)
        assert result.handshake == "STALL", result
        await self._request(2, 1, 0, 0x80 | number, 0)
        self._pid = PID.DATA0
        await self._echo(40)
        await self._request(2, 3, 0, number, 0)
        assert (await self._pipe.send(b"no")).handshake == "STALL"
        await self._request(2, 1, 0, number, 0)
        self._pipe = BulkOut(self.bench, ADDRESS, number)
        await self._echo(41)

    async def _close(self) -> None:
        """Close the pipes while a packet waits to be sent; they work when opened again."""
        await self._out(b"nobody asks for this")
        await sleep(us(50))
        await self._request(0, 9, 0, 0, 0)
        assert (await self.bench.wire.in_(ADDRESS, self.port.number, 1024)).handshake is None
        await self._configure()


async def run(bench: Any, port: Port, early_setup: bool = True) -> None:
    """Let a driver start, and the host try it."""
    await port.start()
    spawn(port.interrupts(), name="interrupts")
    await Host(bench, port, early_setup).play()
