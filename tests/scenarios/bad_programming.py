# SPDX-License-Identifier: Apache-2.0
"""Registers programmed wrongly: no hang, and no harm to the endpoints that are right.

Endpoint 1 is programmed wrongly, endpoint 3 rightly; after every step a packet passes through
endpoint 3 in both directions and a SETUP through endpoint 0.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    DTXFSTS,
    GRXSTSP,
    GSNPSID,
)
from pymodel.packets import PID
from raw import WINDOW, retry
from raw_endpoints import (
    ADDRESS,
    BUFFER,
    BULK,
    ENABLE,
    IN_BUFFERS,
    OUT_BUFFERS,
    Endpoints,
)
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

BAD, GOOD = 1, 3


class Firmware(Endpoints):
    """Endpoint 1 to be programmed wrongly, endpoint 3 used rightly."""

    async def prepare(self) -> None:
        """Bring the device on the bus with endpoints 1 and 3 active."""
        self.mps = 512 if self.bench.options.speed == "high" else 64
        await self.start()
        for n in (BAD, GOOD):
            await self.open(n, True, BULK, self.mps, TxFNum=n)
            await self.open(n, False, BULK, self.mps)

    def control(self, fifo: int) -> int:
        """Return DIEPCTL of a bulk endpoint with this Tx FIFO."""
        active = DIEPCTL.USBActEP.mask | DIEPCTL.EPType.put(BULK)
        return active | DIEPCTL.MPS.put(self.mps) | DIEPCTL.TxFNum.put(fifo)

    async def rest(self, n: int) -> None:
        """Bring endpoint n to rest and empty its Tx FIFO."""
        hw = self.hw
        for control, causes in ((DIEPCTL.at(n), DIEPINT.at(n)), (DOEPCTL.at(n), DOEPINT.at(n))):
            value = await hw.read32(control)
            if value & DIEPCTL.EPEna.mask:
                stop = DIEPCTL.EPDis.mask | DIEPCTL.SNAK.mask
                await hw.write32(control, value & ~DIEPCTL.EPEna.mask | stop)
                await self.until(causes, DIEPINT.EPDisbld.mask)
            await hw.write32(causes, 0xFFFF)
        await self.flush(n)


async def main(bench: Any) -> None:
    firmware = Firmware(bench)
    hw, wire = bench.hw, bench.wire
    await firmware.prepare()
    await firmware.healthy(GOOD, "nothing wrong yet")

    # enabled without packets: tokens get NAK
    await hw.write32(DIEPTSIZ.at(BAD), 0)
    await hw.write32(DOEPTSIZ.at(BAD), 0)
    await firmware.command(BAD, True, ENABLE)
    await firmware.command(BAD, False, ENABLE)
    assert (await wire.in_(ADDRESS, BAD)).handshake == "NAK"
    assert (await wire.out(ADDRESS, BAD, PID.DATA0, b"x" * 8)).handshake == "NAK"
    await firmware.healthy(GOOD, "no packets")
    await firmware.rest(BAD)
    await firmware.healthy(GOOD, "no packets, disabled")

    # a packet size of 0 and one beyond what USB has
    for size in (0, 0x7FF):
        wrong = firmware.control(BAD) & ~DIEPCTL.MPS.mask | DIEPCTL.MPS.put(size)
        await hw.write32(DIEPTSIZ.at(BAD), DIEPTSIZ.PktCnt.put(1) | DIEPTSIZ.XferSize.put(8))
        if firmware.dma:
            await hw.write32(DIEPDMA.at(BAD), IN_BUFFERS)
        await hw.write32(DIEPCTL.at(BAD), wrong | ENABLE)
        await firmware.healthy(GOOD, f"packet size {size}")
        await firmware.rest(BAD)
    await firmware.command(BAD, True, DIEPCTL.SetD0PID.mask)

    # a Tx FIFO that is not there
    await hw.write32(DIEPCTL.at(BAD), firmware.control(12))
    await hw.write32(DIEPTSIZ.at(BAD), DIEPTSIZ.PktCnt.put(1))
    await hw.write32(DIEPCTL.at(BAD), firmware.control(12) | ENABLE)
    await firmware.healthy(GOOD, "no such FIFO")
    await firmware.rest(BAD)

    # bytes for a FIFO that is not there, or for an endpoint that is not active, are not fetched:
    # they would lie in a FIFO that is another's
    places = {number: await hw.read32(DTXFSTS.at(number)) for number in (0, BAD)}
    if firmware.dma:
        await hw.write32(DIEPDMA.at(BAD), IN_BUFFERS)
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
    await firmware.flush(0)
    await firmware.command(BAD, True, DIEPCTL.SetD0PID.mask)
    await firmware.healthy(GOOD, "bytes for no FIFO")

    # more words than the FIFO holds are lost
    if not firmware.dma:
        for _ in range(300):
            await hw.write32(WINDOW * (BAD + 1), 0xBAD0_BAD0)
        await firmware.healthy(GOOD, "FIFO overfilled")
        await firmware.rest(BAD)
        # nothing is there to be read
        for _ in range(3):
            await hw.read32(GRXSTSP.OFFSET)
            await hw.read32(WINDOW * 2)
        await firmware.healthy(GOOD, "Rx FIFO read when empty")

    # an address that is not word aligned: the low bits do not count
    if firmware.dma:
        place = OUT_BUFFERS + BAD * BUFFER
        size = DOEPTSIZ.XferSize.put(firmware.mps)
        await hw.write32(DOEPTSIZ.at(BAD), DOEPTSIZ.PktCnt.put(1) | size)
        await hw.write32(DOEPDMA.at(BAD), place + 3)
        await firmware.command(BAD, False, ENABLE)
        if bench.options.speed == "high":
            # it answered NAK before
            await retry(bench, wire.ping, ADDRESS, BAD)
        result = await firmware.pipes[BAD].send(b"unaligned")
        assert result.handshake in ("ACK", "NYET"), result
        await firmware.until(DOEPINT.at(BAD), DOEPINT.XferCompl.mask)
        assert hw.memory.read(place, 9) == b"unaligned"
        await firmware.healthy(GOOD, "unaligned address")

    # disable what is not enabled; EP0 OUT cannot be disabled
    await hw.write32(DIEPCTL.at(2), DIEPCTL.EPDis.mask)
    await hw.write32(DOEPCTL.at(0), DOEPCTL.EPDis.mask | DOEPCTL.SNAK.mask)
    await sleep(us(20))
    assert not await hw.read32(DIEPINT.at(2)) & DIEPINT.EPDisbld.mask
    assert not await hw.read32(DOEPINT.at(0)) & DOEPINT.EPDisbld.mask
    await firmware.healthy(GOOD, "disabled at rest")

    # with EPEna in the same word EPDisbld comes although nothing was under way; SNAK takes effect
    # on an endpoint at rest, and CNAK takes that back
    for control, causes in ((DIEPCTL.at(2), DIEPINT.at(2)), (DOEPCTL.at(2), DOEPINT.at(2))):
        stop = DIEPCTL.EPEna.mask | DIEPCTL.EPDis.mask
        await hw.write32(control, stop | DIEPCTL.SNAK.mask)
        await firmware.until(causes, DIEPINT.EPDisbld.mask)
        assert not await hw.read32(control) & stop
    for _ in range(2):
        await hw.write32(DIEPCTL.at(2), DIEPCTL.SNAK.mask)
        await firmware.until(DIEPINT.at(2), DIEPINT.INEPNakEff.mask)
    await hw.write32(DIEPCTL.at(2), DIEPCTL.SNAK.mask)
    await sleep(us(5))
    await hw.write32(DIEPCTL.at(2), DIEPCTL.CNAK.mask)
    assert not await hw.read32(DIEPINT.at(2)) & DIEPINT.INEPNakEff.mask
    await firmware.healthy(GOOD, "told to rest at rest")

    # what is not there reads 0; what is read-only stays
    identity = await hw.read32(GSNPSID.OFFSET)
    for offset in (0x0F0, 0x400, 0x7FC, 0x8F8, 0x904, 0xD00, 0xF00, 0x1_3000, 0x2_0000):
        await hw.write32(offset, 0xFFFF_FFFF)
        assert await hw.read32(offset) == 0, f"{offset:#x}"
    await hw.write32(GSNPSID.OFFSET, 0)
    assert await hw.read32(GSNPSID.OFFSET) == identity
    await firmware.healthy(GOOD, "addresses where nothing is")
