# SPDX-License-Identifier: Apache-2.0
"""Helper of the scenarios on descriptor DMA: lists in memory, endpoints on raw registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTXF,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    GAHBCFG,
    GNPTXFSIZ,
    GRSTCTL,
    GRXFSIZ,
)
from pymodel.packets import PID
from tb.kernel import sleep, us

__all__ = [
    "ADDRESS", "BNA", "BULK", "DATA", "DONE", "ERROR", "FLUSHED", "HOST_BUSY", "INTERRUPT", "IOC",
    "ISO", "LAST", "LISTS", "MTRF", "SHORT", "SR", "STOP", "Rig",
]  # fmt: skip

ADDRESS = 5
ISO, BULK, INTERRUPT = 1, 2, 3
# Bits of a status word.
HOST_BUSY, DONE = 3 << 30, 2 << 30
FLUSHED, ERROR = 1 << 28, 3 << 28
LAST, SHORT, IOC, SR, MTRF = 1 << 27, 1 << 26, 1 << 25, 1 << 24, 1 << 23
# Where lists and data lie.
LISTS, DATA = 0x1000_0000, 0x1001_0000
BNA = DIEPINT.BNAIntr.mask
# An endpoint that is to stop.
STOP = DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask


class Rig:
    """A device by registers, and a host by transactions.

    Attributes:
        size: packet size of the bulk endpoints.
        control: DxEPCTL of endpoints that are idle, by (number, is IN).
    """

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench = bench
        self.hw = bench.hw
        self.memory = bench.hw.memory
        self.high = bench.options.speed == "high"
        self.size = 512 if self.high else 64
        self.control: dict[tuple[int, bool], int] = {(0, True): 0, (0, False): 0}
        self.toggle: dict[tuple[int, bool], int] = {}
        self._ping: dict[int, bool] = {}

    async def start(self, address: int = ADDRESS) -> None:
        """Bring the device on the bus, with descriptor DMA on."""
        await self.reset_core()
        wire = self.bench.wire
        wire.vbus(True)
        await self.attach(address)

    async def reset_core(self) -> None:
        """Set up the registers that do not depend on the bus."""
        hw = self.hw
        await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask)
        await hw.write32(GRXFSIZ.OFFSET, 1024)
        await hw.write32(GNPTXFSIZ.OFFSET, 64 << 16 | 1024)
        for number in (1, 2, 3):
            await hw.write32(DIEPTXF.at(number), 512 << 16 | 1088 + 512 * (number - 1))
        await hw.write32(DCFG.OFFSET, DCFG.DescDMA.mask)
        await hw.write32(DCTL.OFFSET, 0)

    async def attach(self, address: int = ADDRESS) -> None:
        """Reset the bus and take an address."""
        wire = self.bench.wire
        while not wire.connected:
            await sleep(us(10))
        assert await wire.reset() == self.bench.options.speed
        await self.hw.write32(DCFG.OFFSET, DCFG.DescDMA.mask | DCFG.DevAddr.put(address))
        await wire.sof(2)
        self.bench.checker.assume_address(address)
        self.toggle.clear()
        self._ping.clear()

    async def endpoint(self, number: int, is_in: bool, kind: int, size: int = 0) -> None:
        """Activate an endpoint; IN endpoints use the FIFO of their number."""
        size = size or self.size
        value = DIEPCTL.MPS.put(size) | DIEPCTL.USBActEP.mask | DIEPCTL.EPType.put(kind)
        value |= DIEPCTL.TxFNum.put(number) if is_in else 0
        self.control[number, is_in] = value
        await self.write_control(number, is_in, DIEPCTL.SetD0PID.mask if kind != ISO else 0)
        self.bench.checker.assume_endpoint(number, is_in, kind, size)

    # -- registers ----------------------------------------------------------------------------

    async def write_control(self, number: int, is_in: bool, commands: int) -> None:
        """Write DxEPCTL with command bits."""
        offset = (DIEPCTL if is_in else DOEPCTL).at(number)
        await self.hw.write32(offset, self.control[number, is_in] | commands)

    async def read_control(self, number: int, is_in: bool) -> int:
        """Return DxEPCTL."""
        return int(await self.hw.read32((DIEPCTL if is_in else DOEPCTL).at(number)))

    async def point(self, number: int, is_in: bool, address: int) -> None:
        """Write DxEPDMA."""
        await self.hw.write32((DIEPDMA if is_in else DOEPDMA).at(number), address)

    async def pointer(self, number: int, is_in: bool) -> int:
        """Read DxEPDMA."""
        return int(await self.hw.read32((DIEPDMA if is_in else DOEPDMA).at(number)))

    async def enable(self, number: int, is_in: bool, nak: bool = False) -> None:
        """Enable an endpoint; with `nak` it goes on to NAK."""
        command = DIEPCTL.EPEna.mask | (0 if nak else DIEPCTL.CNAK.mask)
        await self.write_control(number, is_in, command)

    async def run(self, number: int, is_in: bool, address: int) -> None:
        """Start a list."""
        await self.point(number, is_in, address)
        await self.enable(number, is_in)

    async def causes(self, number: int, is_in: bool, settle: float = 12) -> int:
        """Read and clear DxEPINT, without TxFEmp, INTknTXFEmp and OUTTknEPdis."""
        await sleep(us(settle))
        offset = (DIEPINT if is_in else DOEPINT).at(number)
        value = int(await self.hw.read32(offset))
        await self.hw.write32(offset, value)
        return value & ~(DIEPINT.TxFEmp.mask if is_in else 0) & ~DIEPINT.INTknTXFEmp.mask

    async def state(self, number: int, is_in: bool) -> tuple[int, int]:
        """Return (EPEna, NAKSts)."""
        value = await self.read_control(number, is_in)
        return DIEPCTL.EPEna.get(value), DIEPCTL.NAKSts.get(value)

    async def flush(self, fifo: int) -> None:
        """Empty a Tx FIFO."""
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo))
        await sleep(us(2))
        assert not GRSTCTL.TxFFlsh.get(await self.hw.read32(GRSTCTL.OFFSET))

    async def write_reset(self) -> None:
        """Reset the core by software, and attach again."""
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        for _ in range(100):
            if not GRSTCTL.CSftRst.get(await self.hw.read32(GRSTCTL.OFFSET)):
                break
        await sleep(us(20))
        await self.reset_core()
        await self.attach()

    # -- lists --------------------------------------------------------------------------------

    def list(self, address: int, entries: Sequence[tuple[int, int]]) -> None:
        """Put descriptors (status word, buffer) into memory."""
        for place, words in enumerate(entries):
            raw = b"".join(word.to_bytes(4, "little") for word in words)
            self.memory.write(address + 8 * place, raw)

    def status(self, address: int, place: int = 0) -> int:
        """Return the status word of a descriptor."""
        return int.from_bytes(bytes(self.memory.read(address + 8 * place, 4)), "little")

    def fill(self, address: int, data: bytes) -> None:
        """Put data into memory."""
        self.memory.write(address, data)

    def held(self, address: int, count: int) -> bytes:
        """Return data from memory."""
        return bytes(self.memory.read(address, count))

    def random(self, count: int) -> bytes:
        """Return random payload."""
        return bytes(self.bench.random.randbytes(count))

    # -- the host -----------------------------------------------------------------------------

    async def out(self, number: int, data: bytes, **knobs: Any) -> str | None:
        """Send one OUT packet (PING first where due), waiting while the device NAKs."""
        wire = self.bench.wire
        pid = self.toggle.setdefault((number, False), PID.DATA0)
        for _ in range(100):
            if self._ping.get(number):
                result = await wire.ping(ADDRESS, number)
                if result.handshake == "NAK":
                    await sleep(us(5))
                    continue
                assert result.handshake == "ACK", result
            result = await wire.out(ADDRESS, number, pid, data, **knobs)
            self._ping[number] = self.high and result.handshake in ("NAK", "NYET")
            if result.handshake == "NAK":
                await sleep(us(5))
                continue
            if result.handshake in ("ACK", "NYET"):
                self.toggle[number, False] = PID.DATA1 if pid == PID.DATA0 else PID.DATA0
            return str(result.handshake)
        raise AssertionError("the device answers nothing but NAK")

    async def in_(self, number: int, **knobs: Any) -> bytes:
        """Read one IN packet, waiting while the device NAKs."""
        wire = self.bench.wire
        for _ in range(100):
            result = await wire.in_(ADDRESS, number, **knobs)
            if result.handshake == "NAK":
                await sleep(us(5))
                continue
            assert result.status == "ok" or knobs, result
            expected = self.toggle.setdefault((number, True), PID.DATA0)
            assert result.rx_pid == expected, (result, expected)
            if not knobs:
                self.toggle[number, True] = PID.DATA1 if expected == PID.DATA0 else PID.DATA0
            return bytes(result.rx_data)
        raise AssertionError("the device answers nothing but NAK")

    async def out_now(self, data: bytes) -> bool:
        """Send one OUT packet to EP0 without waiting; tell whether it was taken."""
        pid = self.toggle[0, False]
        result = await self.bench.wire.out(ADDRESS, 0, pid, data)
        self._ping[0] = self.high and result.handshake in ("NAK", "NYET")
        return result.handshake in ("ACK", "NYET")

    async def nak(self, number: int, is_in: bool) -> bool:
        """Tell whether the device NAKs a token right now (OUT: a packet that must be sent)."""
        wire = self.bench.wire
        if is_in:
            return bool((await wire.in_(ADDRESS, number)).handshake == "NAK")
        if self.high:
            self._ping[number] = True
            return bool((await wire.ping(ADDRESS, number)).handshake == "NAK")
        result = await wire.out(ADDRESS, number, self.toggle.get((number, False), PID.DATA0), b"")
        return bool(result.handshake == "NAK")

    async def setup(self, data: bytes) -> None:
        """Send a SETUP that has to be acknowledged."""
        result = await self.bench.wire.setup(ADDRESS, 0, data)
        assert result.handshake == "ACK", result
        self.toggle[0, True] = self.toggle[0, False] = PID.DATA1
        self._ping[0] = False
