# SPDX-License-Identifier: Apache-2.0
"""Firmware by hand: endpoints on raw registers, for scenarios without driver and host machine."""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    GAHBCFG,
    GRSTCTL,
)
from raw import GET_DEVICE, WINDOW, BulkOut, connect, pop
from tb.kernel import sleep, timeout, us

ADDRESS = 5
CONTROL, ISO, BULK, INTERRUPT = range(4)
IN_BUFFERS, OUT_BUFFERS = 0x1000_0000, 0x1008_0000
BUFFER = 0x4000
ENABLE = DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask


class Endpoints:
    """Registers, buffers and the host's tokens of a set of endpoints.

    Every endpoint has a buffer of its own: IN endpoint n at `IN_BUFFERS + n * BUFFER`.
    """

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench = bench
        self.hw = bench.hw
        self.bus = bench.controller.bus
        self.dma = bench.options.mode == "dma"
        self._size: dict[tuple[int, bool], int] = {}
        self._control: dict[tuple[int, bool], int] = {}
        self._mapped = False
        self._opened: set[tuple[int, bool]] = set()
        self.pipes: dict[int, BulkOut] = {}

    async def start(self, ahb: int = 0) -> None:
        """Map the buffers, connect, reset the bus and take the address.

        Args:
            ahb: bits of GAHBCFG besides DMAEn.
        """
        hw, bench = self.hw, self.bench
        await hw.write32(GAHBCFG.OFFSET, ahb | (GAHBCFG.DMAEn.mask if self.dma else 0))
        if self.dma and not self._mapped:
            self._mapped = True
            hw.memory.map(IN_BUFFERS, 16 * BUFFER, device_reads=True, device_writes=False)
            hw.memory.map(OUT_BUFFERS, 16 * BUFFER, device_reads=False, device_writes=True)
        await hw.write32(DCTL.OFFSET, 0)
        await connect(bench)
        await self.bus_reset()

    async def bus_reset(self) -> None:
        """Reset the bus and take the address again."""
        self._opened.clear()
        assert await self.bench.wire.reset() == self.bench.options.speed
        dcfg = await self.hw.read32(DCFG.OFFSET)
        await self.hw.write32(DCFG.OFFSET, dcfg | DCFG.DevAddr.put(ADDRESS))
        await self.bench.wire.sof(2)
        self.bench.checker.assume_address(ADDRESS)

    async def open(
        self,
        number: int,
        into_host: bool,
        kind: int = BULK,
        size: int = 64,
        *,
        there: bool = True,
        **more: int,
    ) -> None:
        """Activate an endpoint.

        Args:
            number: of the endpoint.
            into_host: IN.
            kind: transfer type.
            size: largest packet in bytes (64 for endpoint 0).
            there: the controller has it; else the host must get no answer.
            more: further fields of DIEPCTL (TxFNum, NextEp).
        """
        control = DIEPCTL.USBActEP.mask
        if number:
            control |= DIEPCTL.MPS.put(size) | DIEPCTL.EPType.put(kind)
        for name, value in more.items():
            control |= getattr(DIEPCTL, name).put(value)
        self._size[number, into_host] = size
        self._control[number, into_host] = control
        register = DIEPCTL if into_host else DOEPCTL
        # the host's toggle begins anew with a reset only
        new = number and (number, into_host) not in self._opened
        first = DIEPCTL.SetD0PID.mask if new else 0
        if new and not into_host:
            self.pipes[number] = BulkOut(self.bench, ADDRESS, number)
        self._opened.add((number, into_host))
        await self.hw.write32(register.at(number), control | first)
        if number and there:
            self.bench.checker.assume_endpoint(number, into_host, kind, size)

    async def command(self, number: int, into_host: bool, bits: int) -> None:
        """Write DxEPCTL with what was opened and some bits more."""
        register = DIEPCTL if into_host else DOEPCTL
        await self.hw.write32(register.at(number), self._control[number, into_host] | bits)

    async def enable_in(self, number: int, data: bytes, zero: bool = False) -> None:
        """Start an IN transfer; in slave mode without its data.

        Args:
            number: of the endpoint.
            data: the payload.
            zero: an empty packet follows.
        """
        packets = max(-(-len(data) // self._size[number, True]), 1) + int(zero)
        await self.hw.write32(DIEPTSIZ.at(number), DIEPTSIZ.PktCnt.put(packets) | len(data))
        if self.dma:
            place = IN_BUFFERS + number * BUFFER
            self.hw.memory.write(place, data)
            await self.hw.write32(DIEPDMA.at(number), place)
        await self.command(number, True, ENABLE)

    async def push(self, window: int, data: bytes) -> None:
        """Write bytes to a FIFO window."""
        await self.bus.write_fifo(WINDOW * (window + 1), data)

    async def send(self, number: int, data: bytes) -> None:
        """Start an IN transfer and load all of it."""
        await self.enable_in(number, data)
        if not self.dma:
            size = self._size[number, True]
            for at in range(0, len(data), size):
                await self.push(number, data[at : at + size])

    async def receive(self, number: int, packets: int) -> None:
        """Start an OUT transfer."""
        length = packets * self._size[number, False]
        await self.hw.write32(DOEPTSIZ.at(number), DOEPTSIZ.PktCnt.put(packets) | length)
        if self.dma:
            await self.hw.write32(DOEPDMA.at(number), OUT_BUFFERS + number * BUFFER)
        await self.command(number, False, ENABLE)

    async def causes(self, number: int) -> int:
        """Return and clear DIEPINT, TxFEmp left out."""
        value = await self.hw.read32(DIEPINT.at(number))
        await self.hw.write32(DIEPINT.at(number), value)
        return value & ~DIEPINT.TxFEmp.mask

    async def until(self, offset: int, cause: int) -> None:
        """Wait for a cause in a register, and clear it."""

        async def until_set() -> None:
            while not await self.hw.read32(offset) & cause:
                pass

        await timeout(until_set(), us(100))
        await self.hw.write32(offset, cause)

    async def disable_in(self, number: int) -> None:
        """Set NAK and disable, and wait for EPDisbld."""
        await self.command(number, True, DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
        await self.until(DIEPINT.at(number), DIEPINT.EPDisbld.mask)

    async def flush(self, fifo: int) -> None:
        """Flush a Tx FIFO, 16 = all, and wait until that is done."""
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo))

        async def until_flushed() -> None:
            while await self.hw.read32(GRSTCTL.OFFSET) & GRSTCTL.TxFFlsh.mask:
                pass

        await timeout(until_flushed(), us(100))

    # -- the host -------------------------------------------------------------------------

    async def in_(self, number: int, **knobs: Any) -> bytes | str | None:
        """Send an IN token; return the payload, or the handshake that came instead."""
        result = await self.bench.wire.in_(ADDRESS, number, 1024, **knobs)
        # handshake and context are worked on in the core's own time
        await sleep(us(1))
        return bytes(result.rx_data) if result.rx_pid else result.handshake

    async def in_wait(self, number: int) -> bytes:
        """Repeat an IN token while it is NAKed."""
        for _ in range(200):
            got = await self.in_(number)
            if isinstance(got, bytes):
                return got
            assert got == "NAK", got
        raise AssertionError("the device answers nothing but NAK")

    async def healthy(self, number: int, what: str = "") -> None:
        """Pass a packet each way through a bulk endpoint, and a SETUP through endpoint 0.

        Args:
            number: of the endpoint, with its own Tx FIFO.
            what: happened before, for the message.
        """
        wire, done = self.bench.wire, DIEPINT.XferCompl.mask
        data = self.random(self._size[number, True] - 3)
        await self.receive(number, 1)
        result = await self.pipes[number].send(data)
        assert result.handshake in ("ACK", "NYET"), (what, result)
        await self._came(2, data, OUT_BUFFERS + number * BUFFER, DOEPINT.at(number), done, what)
        await self.send(number, data)
        assert await self.in_wait(number) == data, what
        await self.until(DIEPINT.at(number), done)
        if self.dma:
            await self.hw.write32(DOEPDMA.at(0), OUT_BUFFERS)
            await self.hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)
        assert (await wire.setup(ADDRESS, 0, GET_DEVICE)).handshake == "ACK", what
        assert (await wire.in_(ADDRESS, 0)).handshake == "NAK", what
        await self._came(6, GET_DEVICE, OUT_BUFFERS, DOEPINT.at(0), DOEPINT.SetUp.mask, what)

    async def _came(
        self, kind: int, data: bytes, address: int, causes: int, cause: int, what: str
    ) -> None:
        """See a packet in memory or in the Rx FIFO, and the cause that tells of it."""
        if not self.dma:
            await sleep(us(10))
            assert await pop(self.bench) == (kind, data), what
            # OUT done, SETUP done
            assert (await pop(self.bench))[0] in (3, 4), what
        await self.until(causes, cause)
        if self.dma:
            assert self.hw.memory.read(address, len(data)) == data, what

    def random(self, count: int) -> bytes:
        """Return random payload."""
        data: bytes = self.bench.random.randbytes(count)
        return data
