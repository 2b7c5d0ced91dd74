# SPDX-License-Identifier: Apache-2.0
"""A CNAK of EP0 while a SETUP waits that software has not seen: the old answer stays back."""

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
)
from pymodel.packets import PID
from raw import plug, pop
from tb.kernel import sleep, us
from tb.usb import SetupPacket

PROBE = False
HOST = False
RUNS = [{"mode": "dma"}, {"mode": "slave"}, {"mode": "dma", "speed": "full"}]

ADDRESS = 5
SETUP_BUFFER, IN_BUFFER = 0x1000_0000, 0x1000_0100
OLD = bytes(SetupPacket(0xC0, 1, 0, 0, 4))
NEW = bytes(SetupPacket(0xC0, 2, 0, 0, 4))
ENABLE = DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask


class Firmware:
    """EP0 by registers."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench = bench
        self.hw = bench.hw
        self.dma = bench.options.mode == "dma"

    async def start(self) -> None:
        """Bring the device on the bus."""
        hw = self.hw
        await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask if self.dma else 0)
        await hw.write32(DCTL.OFFSET, 0)
        await plug(self.bench)
        await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(ADDRESS))
        self.bench.checker.assume_address(ADDRESS)
        await self.arm()

    async def arm(self) -> None:
        """Let SETUPs into memory."""
        if self.dma:
            await self.hw.write32(DOEPTSIZ.at(0), 3 << 29 | DOEPTSIZ.PktCnt.put(1) | 8)
            await self.hw.write32(DOEPDMA.at(0), SETUP_BUFFER)
            await self.hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)

    async def see(self, setup: bytes) -> None:
        """Software learns of a SETUP."""
        await sleep(us(5))
        if self.dma:
            causes = await self.hw.read32(DOEPINT.at(0))
            assert DOEPINT.StupPktRcvd.get(causes), hex(causes)
            await self.hw.write32(DOEPINT.at(0), causes)
            assert bytes(self.hw.memory.read(SETUP_BUFFER, 8)) == setup
            return
        assert await pop(self.bench) == (6, setup)

    async def done(self) -> None:
        """The SETUP stage is over."""
        await sleep(us(5))
        if not self.dma:
            assert (await pop(self.bench))[0] == 4
        causes = await self.hw.read32(DOEPINT.at(0))
        assert DOEPINT.SetUp.get(causes), hex(causes)
        await self.hw.write32(DOEPINT.at(0), causes)

    async def answer(self, data: bytes) -> None:
        """Start the data stage."""
        await self.hw.write32(DIEPTSIZ.at(0), DIEPTSIZ.PktCnt.put(1) | len(data))
        if self.dma:
            self.hw.memory.write(IN_BUFFER, data)
            await self.hw.write32(DIEPDMA.at(0), IN_BUFFER)
        await self.hw.write32(DIEPCTL.at(0), ENABLE)
        if not self.dma:
            await self.bench.controller.bus.write_fifo(0x1000, data)
        await self.hw.write32(DOEPCTL.at(0), DOEPCTL.CNAK.mask)

    async def naks(self) -> tuple[int, int]:
        """Return NAKSts of both directions."""
        registers = [await self.hw.read32(one.at(0)) for one in (DIEPCTL, DOEPCTL)]
        return DIEPCTL.NAKSts.get(registers[0]), DIEPCTL.NAKSts.get(registers[1])

    async def token(self) -> Any:
        """Send an IN token."""
        return await self.bench.wire.in_(ADDRESS, 0)


async def main(bench: Any) -> None:
    fw = Firmware(bench)
    await fw.start()
    wire = bench.wire
    assert (await wire.setup(ADDRESS, 0, OLD)).handshake == "ACK"
    await fw.see(OLD)
    assert (await fw.token()).handshake == "NAK"
    await fw.done()
    # the host has given up on the old transfer; software does not know yet
    assert (await wire.setup(ADDRESS, 0, NEW)).handshake == "ACK"
    await fw.answer(b"old!")
    assert await fw.naks() == (1, 1)
    for _ in range(3):
        assert (await fw.token()).handshake == "NAK"
        await sleep(us(5))
    await fw.arm()
    await fw.see(NEW)
    assert await fw.naks() == (1, 1)
    assert (await fw.token()).handshake == "NAK"
    # now it knows: what is in the FIFO is not for this transfer, and CNAK works
    await sleep(us(5))
    await fw.hw.write32(DIEPCTL.at(0), DIEPCTL.EPDis.mask | DIEPCTL.SNAK.mask)
    await sleep(us(5))
    assert DIEPINT.EPDisbld.get(await fw.hw.read32(DIEPINT.at(0)))
    await fw.hw.write32(0x010, 0x20)
    await sleep(us(5))
    await fw.answer(b"new!")
    assert await fw.naks() == (0, 0)
    await sleep(us(5))
    result = await fw.token()
    assert (result.rx_pid, bytes(result.rx_data)) == (PID.DATA1, b"new!"), result
