# SPDX-License-Identifier: Apache-2.0
"""Registers programmed wrongly: no hang, and no harm to the endpoints that are right.

Endpoint 1 is programmed wrongly, endpoint 3 rightly; after every step a packet passes through
endpoint 3 in both directions and a SETUP through endpoint 0.
"""

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
    DTXFSTS,
    GAHBCFG,
    GRSTCTL,
    GRXSTSP,
    GSNPSID,
)
from pymodel.packets import PID
from raw import GET_DEVICE, BulkOut, retry
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [
    {"mode": "dma"},
    {"mode": "dma", "lockstep": True},
    {"mode": "slave"},
    {"mode": "slave", "speed": "full"},
    {"mode": "slave", "speed": "full", "lockstep": True},
]

ADDRESS = 5
BAD, GOOD = 1, 3
BULK = 2
BUFFER = 0x1000_0000
WINDOW = 0x1000
ENABLE = DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask


class Firmware:
    """Endpoint 3, used rightly, and what it takes to set the scene."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench, self.hw, self.wire = bench, bench.hw, bench.wire
        self.dma = bench.options.mode == "dma"
        self.mps = 512 if bench.options.speed == "high" else 64
        self.pid = PID.DATA0
        self.pipe = BulkOut(bench, ADDRESS, GOOD)

    def control(self, n: int) -> int:
        """Return DxEPCTL of a bulk endpoint."""
        return (
            DIEPCTL.MPS.put(self.mps)
            | DIEPCTL.USBActEP.mask
            | DIEPCTL.EPType.put(BULK)
            | DIEPCTL.TxFNum.put(n)
        )

    async def start(self) -> None:
        """Bring the device on the bus with endpoints 1 and 3 active."""
        hw, bench = self.hw, self.bench
        if self.dma:
            await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask)
            hw.memory.map(BUFFER, 0x8000, device_reads=True, device_writes=True)
        await hw.write32(DCTL.OFFSET, 0)
        bench.wire.vbus(True)
        while not bench.wire.connected:
            await sleep(us(10))
        assert await bench.wire.reset() == bench.options.speed
        await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(ADDRESS))
        for n in (BAD, GOOD):
            await hw.write32(DIEPCTL.at(n), self.control(n) | DIEPCTL.SetD0PID.mask)
            await hw.write32(DOEPCTL.at(n), self.control(0) | DOEPCTL.SetD0PID.mask)
            bench.checker.assume_endpoint(n, True, BULK, self.mps)
            bench.checker.assume_endpoint(n, False, BULK, self.mps)
        bench.checker.assume_address(ADDRESS)
        await bench.wire.sof(2)

    async def healthy(self, what: str) -> None:
        """Pass a packet each way through endpoint 3, and a SETUP through endpoint 0."""
        hw, wire = self.hw, self.wire
        data = self.bench.random.randbytes(60)
        # OUT
        await hw.write32(
            DOEPTSIZ.at(GOOD), DOEPTSIZ.PktCnt.put(1) | DOEPTSIZ.XferSize.put(self.mps)
        )
        if self.dma:
            await hw.write32(DOEPDMA.at(GOOD), BUFFER + 0x2000)
        await hw.write32(DOEPCTL.at(GOOD), self.control(0) | ENABLE)
        result = await self.pipe.send(data)
        assert result.handshake in ("ACK", "NYET"), (what, result)
        if self.dma:
            await self.until(DOEPINT.at(GOOD), DOEPINT.XferCompl.mask, what)
            assert hw.memory.read(BUFFER + 0x2000, 60) == data, what
        else:
            assert await self.pop() == (2, data), what
            assert (await self.pop())[0] == 3, what
            await self.until(DOEPINT.at(GOOD), DOEPINT.XferCompl.mask, what)
        # IN
        await hw.write32(DIEPTSIZ.at(GOOD), DIEPTSIZ.PktCnt.put(1) | DIEPTSIZ.XferSize.put(60))
        if self.dma:
            hw.memory.write(BUFFER + 0x3000, data)
            await hw.write32(DIEPDMA.at(GOOD), BUFFER + 0x3000)
        await hw.write32(DIEPCTL.at(GOOD), self.control(GOOD) | ENABLE)
        if not self.dma:
            await self.push(GOOD, data)
        result = await retry(self.bench, wire.in_, ADDRESS, GOOD)
        assert (result.rx_pid, result.rx_data) == (self.pid, data), (what, result)
        self.pid = PID.DATA1 if self.pid == PID.DATA0 else PID.DATA0
        await self.until(DIEPINT.at(GOOD), DIEPINT.XferCompl.mask, what)
        # SETUP
        if self.dma:
            await hw.write32(DOEPDMA.at(0), BUFFER + 0x4000)
            await hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)
        assert (await wire.setup(ADDRESS, 0, GET_DEVICE)).handshake == "ACK", what
        assert (await wire.in_(ADDRESS, 0)).handshake == "NAK", what
        if self.dma:
            await self.until(DOEPINT.at(0), DOEPINT.SetUp.mask, what)
            assert hw.memory.read(BUFFER + 0x4000, 8) == GET_DEVICE, what
        else:
            assert await self.pop() == (6, GET_DEVICE), what
            assert (await self.pop())[0] == 4, what

    async def until(self, offset: int, mask: int, what: str) -> None:
        """Wait for a cause and clear it."""
        for _ in range(100):
            if await self.hw.read32(offset) & mask:
                await self.hw.write32(offset, mask)
                return
        raise AssertionError(f"{what}: {offset:#x} has no {mask:#x}")

    async def pop(self) -> tuple[int, bytes]:
        """Take a status word and its data: (PktSts, bytes)."""
        status = await self.hw.read32(GRXSTSP.OFFSET)
        size = GRXSTSP.BCnt.get(status)
        data = b""
        for _ in range(-(-size // 4)):
            data += (await self.hw.read32(WINDOW)).to_bytes(4, "little")
        return GRXSTSP.PktSts.get(status), data[:size]

    async def push(self, n: int, data: bytes) -> None:
        """Write to FIFO window n."""
        for place in range(0, len(data), 4):
            word = int.from_bytes(data[place : place + 4], "little")
            await self.hw.write32(WINDOW * (n + 1), word)

    async def rest(self, n: int) -> None:
        """Bring endpoint n to rest and empty its Tx FIFO."""
        hw = self.hw
        for control, causes, disabled in (
            (DIEPCTL.at(n), DIEPINT.at(n), DIEPINT.EPDisbld.mask),
            (DOEPCTL.at(n), DOEPINT.at(n), DOEPINT.EPDisbld.mask),
        ):
            value = await hw.read32(control)
            if value & DIEPCTL.EPEna.mask:
                stop = DIEPCTL.EPDis.mask | DIEPCTL.SNAK.mask
                await hw.write32(control, value & ~DIEPCTL.EPEna.mask | stop)
                await self.until(causes, disabled, "disable")
            await hw.write32(causes, 0xFFFF)
        await hw.write32(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(n))
        while await hw.read32(GRSTCTL.OFFSET) & GRSTCTL.TxFFlsh.mask:
            pass


async def main(bench: Any) -> None:
    firmware = Firmware(bench)
    hw, wire, mps = bench.hw, bench.wire, firmware.mps
    await firmware.start()
    await firmware.healthy("nothing wrong yet")

    # enabled without packets: tokens get NAK
    await hw.write32(DIEPTSIZ.at(BAD), 0)
    await hw.write32(DOEPTSIZ.at(BAD), 0)
    await hw.write32(DIEPCTL.at(BAD), firmware.control(BAD) | ENABLE)
    await hw.write32(DOEPCTL.at(BAD), firmware.control(0) | ENABLE)
    assert (await wire.in_(ADDRESS, BAD)).handshake == "NAK"
    assert (await wire.out(ADDRESS, BAD, PID.DATA0, b"x" * 8)).handshake == "NAK"
    await firmware.healthy("no packets")
    await firmware.rest(BAD)
    await firmware.healthy("no packets, disabled")

    # a packet size of 0 and one beyond what USB has
    for size in (0, 0x7FF):
        wrong = firmware.control(BAD) & ~DIEPCTL.MPS.mask | DIEPCTL.MPS.put(size)
        await hw.write32(DIEPTSIZ.at(BAD), DIEPTSIZ.PktCnt.put(1) | DIEPTSIZ.XferSize.put(8))
        if firmware.dma:
            await hw.write32(DIEPDMA.at(BAD), BUFFER)
        await hw.write32(DIEPCTL.at(BAD), wrong | ENABLE)
        await firmware.healthy(f"packet size {size}")
        await firmware.rest(BAD)
    await hw.write32(DIEPCTL.at(BAD), firmware.control(BAD) | DIEPCTL.SetD0PID.mask)

    # a Tx FIFO that is not there
    await hw.write32(DIEPCTL.at(BAD), firmware.control(12))
    await hw.write32(DIEPTSIZ.at(BAD), DIEPTSIZ.PktCnt.put(1))
    await hw.write32(DIEPCTL.at(BAD), firmware.control(12) | ENABLE)
    await firmware.healthy("no such FIFO")
    await firmware.rest(BAD)

    # bytes for a FIFO that is not there, or for an endpoint that is not active, are not fetched:
    # they would lie in a FIFO that is another's
    places = {number: await hw.read32(DTXFSTS.at(number)) for number in (0, BAD)}
    if firmware.dma:
        await hw.write32(DIEPDMA.at(BAD), BUFFER)
    inactive = firmware.control(BAD) & ~DIEPCTL.USBActEP.mask
    for control in (firmware.control(12), inactive):
        await hw.write32(DIEPTSIZ.at(BAD), DIEPTSIZ.PktCnt.put(1) | DIEPTSIZ.XferSize.put(40))
        await hw.write32(DIEPCTL.at(BAD), control | ENABLE)
        if not firmware.dma:
            # what EP0 has to send is not for endpoint 1
            await firmware.push(0, bytes(40))
            places[0] -= 10
        if control != inactive:
            result = await wire.in_(ADDRESS, BAD)
            assert result.handshake == "NAK", result
        await sleep(us(20))
        for number, free in places.items():
            assert await hw.read32(DTXFSTS.at(number)) == free, number
        await firmware.rest(BAD)
    await firmware.rest(0)
    await hw.write32(DIEPCTL.at(BAD), firmware.control(BAD) | DIEPCTL.SetD0PID.mask)
    await firmware.healthy("bytes for no FIFO")

    # more words than the FIFO holds are lost
    if not firmware.dma:
        for _ in range(300):
            await hw.write32(WINDOW * (BAD + 1), 0xBAD0_BAD0)
        await firmware.healthy("FIFO overfilled")
        await firmware.rest(BAD)
        # nothing is there to be read
        for _ in range(3):
            await hw.read32(GRXSTSP.OFFSET)
            await hw.read32(WINDOW * 2)
        await firmware.healthy("Rx FIFO read when empty")

    # an address that is not word aligned: the low bits do not count
    if firmware.dma:
        await hw.write32(DOEPTSIZ.at(BAD), DOEPTSIZ.PktCnt.put(1) | DOEPTSIZ.XferSize.put(mps))
        await hw.write32(DOEPDMA.at(BAD), BUFFER + 0x1003)
        await hw.write32(DOEPCTL.at(BAD), firmware.control(0) | ENABLE)
        if bench.options.speed == "high":
            # it answered NAK before
            await retry(bench, wire.ping, ADDRESS, BAD)
        result = await BulkOut(bench, ADDRESS, BAD).send(b"unaligned")
        assert result.handshake in ("ACK", "NYET"), result
        await firmware.until(DOEPINT.at(BAD), DOEPINT.XferCompl.mask, "unaligned")
        assert hw.memory.read(BUFFER + 0x1000, 9) == b"unaligned"
        await firmware.healthy("unaligned address")

    # disable what is not enabled; EP0 OUT cannot be disabled
    await hw.write32(DIEPCTL.at(2), DIEPCTL.EPDis.mask)
    await hw.write32(DOEPCTL.at(0), DOEPCTL.EPDis.mask | DOEPCTL.SNAK.mask)
    await sleep(us(20))
    assert not await hw.read32(DIEPINT.at(2)) & DIEPINT.EPDisbld.mask
    assert not await hw.read32(DOEPINT.at(0)) & DOEPINT.EPDisbld.mask
    await firmware.healthy("disabled at rest")

    # with EPEna in the same word EPDisbld comes although nothing was under way; SNAK takes effect
    # on an endpoint at rest, and CNAK takes that back
    for control, causes in ((DIEPCTL.at(2), DIEPINT.at(2)), (DOEPCTL.at(2), DOEPINT.at(2))):
        stop = DIEPCTL.EPEna.mask | DIEPCTL.EPDis.mask
        await hw.write32(control, stop | DIEPCTL.SNAK.mask)
        await firmware.until(causes, DIEPINT.EPDisbld.mask, "enabled and disabled")
        assert not await hw.read32(control) & stop
    for _ in range(2):
        await hw.write32(DIEPCTL.at(2), DIEPCTL.SNAK.mask)
        await firmware.until(DIEPINT.at(2), DIEPINT.INEPNakEff.mask, "SNAK at rest")
    await hw.write32(DIEPCTL.at(2), DIEPCTL.SNAK.mask)
    await sleep(us(5))
    await hw.write32(DIEPCTL.at(2), DIEPCTL.CNAK.mask)
    assert not await hw.read32(DIEPINT.at(2)) & DIEPINT.INEPNakEff.mask
    await firmware.healthy("told to rest at rest")

    # what is not there reads 0; what is read-only stays
    identity = await hw.read32(GSNPSID.OFFSET)
    for offset in (0x0F0, 0x400, 0x7FC, 0x8F8, 0x904, 0xD00, 0xF00, 0x1_3000, 0x2_0000):
        await hw.write32(offset, 0xFFFF_FFFF)
        assert await hw.read32(offset) == 0, f"{offset:#x}"
    await hw.write32(GSNPSID.OFFSET, 0)
    assert await hw.read32(GSNPSID.OFFSET) == identity
    await firmware.healthy("addresses where nothing is")
