# SPDX-License-Identifier: Apache-2.0
"""The shared Tx FIFO on raw registers and a raw wire: order, mismatches, taking back, flush.

Bulk endpoints 1, 2 and 3 and endpoint 0 share FIFO 0, interrupt endpoint 4 has FIFO 4.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DAINT,
    DCFG,
    DIEPCTL,
    DIEPDMA,
    DIEPTSIZ,
    DIEPTXF,
    DTXFSTS,
    GAHBCFG,
    GHWCFG4,
    GINTSTS,
    GNPTXFSIZ,
    GNPTXSTS,
    GRSTCTL,
    GRXFSIZ,
)
from tb.kernel import sleep, timeout, us
from tests.scenarios.raw_endpoints import (
    ADDRESS,
    BUFFER,
    BULK,
    IN_BUFFERS,
    INTERRUPT,
    Endpoints,
)

PROBE = False
HOST = False
PARAMETERS = {"DEDICATED_FIFO": 0}
RUNS = [
    {"fifo": "shared", "mode": "slave"},
    {"fifo": "shared", "mode": "slave", "speed": "full", "lockstep": True},
    {"fifo": "shared", "mode": "slave", "lockstep": True},
    {"fifo": "shared", "mode": "dma"},
    {"fifo": "shared", "mode": "dma", "speed": "full", "lockstep": True},
    {"fifo": "shared", "mode": "dma", "lockstep": True},
]
ICARUS = True

EMPTY, MISMATCH, DONE = 0x10, 0x20, 0x01
DEPTH = 512


class Shared(Endpoints):
    """What the shared FIFO shows."""

    async def prepare(self, count: int) -> None:
        """Start, place the FIFOs, open the endpoints."""
        hw = self.hw
        assert GHWCFG4.DedFifoMode.get(await hw.read32(GHWCFG4.OFFSET)) == 0
        assert GHWCFG4.NumDevPerioEps.get(await hw.read32(GHWCFG4.OFFSET)) == 7
        await hw.write32(GRXFSIZ.OFFSET, 512)
        await hw.write32(GNPTXFSIZ.OFFSET, DEPTH << 16 | 512)
        await hw.write32(DIEPTXF.at(4), 64 << 16 | 1024)
        await hw.write32(DCFG.OFFSET, DCFG.EPMisCnt.put(count))
        await self.start()
        self.size = 512 if self.bench.options.speed == "high" else 64
        await self.open_all()

    async def open_all(self) -> None:
        """Activate all endpoints."""
        await self.open(0, True)
        for number in (1, 2, 3):
            await self.open(number, True, BULK, self.size)
        await self.open(4, True, INTERRUPT, self.size, TxFNum=4)

    async def limit(self, count: int) -> None:
        """Set DCFG.EPMisCnt."""
        dcfg = await self.hw.read32(DCFG.OFFSET) & ~DCFG.EPMisCnt.mask
        await self.hw.write32(DCFG.OFFSET, dcfg | DCFG.EPMisCnt.put(count))

    async def queue(self) -> tuple[int, int]:
        """Return free places and free words of FIFO 0."""
        status = await self.hw.read32(GNPTXSTS.OFFSET)
        return GNPTXSTS.NPTxQSpcAvail.get(status), GNPTXSTS.NPTxFSpcAvail.get(status)

    async def fetched(self, packets: int) -> None:
        """Wait until the queue holds so many packets."""

        async def until() -> None:
            while (await self.queue())[0] != 8 - packets:
                pass

        await timeout(until(), us(100))

    async def refused(self, number: int, cause: int) -> None:
        """Send a token that is NAKed for a cause."""
        await self.causes(number)
        assert await self.in_(number) == "NAK"
        assert await self.causes(number) & (EMPTY | MISMATCH) == cause

    async def reported(self) -> bool:
        """Tell whether GINTSTS.EPMis is set, and clear it."""
        status = await self.hw.read32(GINTSTS.OFFSET)
        await self.hw.write32(GINTSTS.OFFSET, GINTSTS.EPMis.mask)
        return bool(status & GINTSTS.EPMis.mask)

    async def level(self, bit: Any) -> int:
        """Return a level of GINTSTS."""
        value: int = bit.get(await self.hw.read32(GINTSTS.OFFSET))
        return value

    async def left(self, number: int) -> int:
        """Return XferSize."""
        value: int = DIEPTSIZ.XferSize.get(await self.hw.read32(DIEPTSIZ.at(number)))
        return value

    async def stop(self) -> None:
        """Disable what is enabled, empty all FIFOs."""
        for number in range(5):
            if DIEPCTL.EPEna.get(await self.hw.read32(DIEPCTL.at(number))):
                await self.disable_in(number)
        await self.flush(16)
        assert await self.queue() == (8, DEPTH)
        for number in range(5):
            await self.causes(number)
        await self.reported()


async def order(ep: Shared) -> None:
    """Packets leave in the order in which they were begun; one that is not ACKed stays."""
    one, two = ep.random(20), ep.random(ep.size)
    await ep.send(2, one)
    await ep.fetched(1)
    await ep.send(1, two)
    await ep.fetched(2)
    await ep.send(0, b"zero")
    await ep.fetched(3)
    assert await ep.queue() == (5, DEPTH - 5 - ep.size // 4 - 1)
    await ep.refused(1, MISMATCH)
    await ep.refused(0, MISMATCH)
    assert await ep.in_(2, no_handshake=True) == one
    assert await ep.queue() == (5, DEPTH - 5 - ep.size // 4 - 1)
    assert not await ep.causes(2) & DONE
    await ep.refused(1, MISMATCH)
    assert await ep.in_(2) == one
    assert await ep.causes(2) & DONE
    assert await ep.queue() == (6, DEPTH - ep.size // 4 - 1)
    assert await ep.in_(2) == "NAK"
    await ep.refused(0, MISMATCH)
    assert await ep.in_(1) == two
    assert await ep.in_(0) == b"zero"
    assert await ep.queue() == (8, DEPTH)
    await ep.stop()


async def empty_packets(ep: Shared) -> None:
    """An empty packet needs no place in the queue."""
    await ep.send(1, ep.random(8))
    await ep.fetched(1)
    await ep.enable_in(2, b"")
    assert await ep.in_(2) == b""
    assert await ep.causes(2) & DONE
    assert (await ep.queue())[0] == 7
    await ep.stop()
    await ep.enable_in(3, b"last", zero=True)
    if not ep.dma:
        await ep.push(3, b"last")
    assert await ep.in_wait(3) == b"last"
    assert await ep.in_(3) == b""
    assert await ep.queue() == (8, DEPTH)
    await ep.stop()


async def levels(ep: Shared) -> None:
    """NPTxFEmp and PTxFEmp, half and all empty; nothing else lets a level through."""
    hw = ep.hw
    dma = GAHBCFG.DMAEn.mask if ep.dma else 0
    for bit, lowest, number in (
        (GINTSTS.NPTxFEmp, GAHBCFG.NPTxFEmpLvl.mask, 1),
        (GINTSTS.PTxFEmp, GAHBCFG.PTxFEmpLvl.mask, 4),
    ):
        assert await ep.level(bit) == 1
        await ep.send(number, ep.random(ep.size // 4))
        await sleep(us(20))
        assert await ep.level(bit) == 1
        await hw.write32(GAHBCFG.OFFSET, dma | lowest)
        assert await ep.level(bit) == 0
        other = GINTSTS.PTxFEmp if bit is GINTSTS.NPTxFEmp else GINTSTS.NPTxFEmp
        assert await ep.level(other) == 1
        assert len(await ep.in_wait(number)) == ep.size // 4
        assert await ep.level(bit) == 1
        await hw.write32(GAHBCFG.OFFSET, dma)
    for number in (1, 2, 3) if ep.size == 512 else ():
        await ep.send(number, ep.random(ep.size))
    if ep.size == 512:
        await ep.fetched(3)
        assert await ep.level(GINTSTS.NPTxFEmp) == 0
    for offset in (0x830, 0x834):
        await hw.write32(offset, 0xFFFFFFFF)
        assert await hw.read32(offset) == 0
    await ep.stop()
    assert await hw.read32(DAINT.OFFSET) & 0xFFFF == 0


async def periodic(ep: Shared) -> None:
    """An interrupt endpoint passes by; without a number it shares FIFO 0."""
    hw = ep.hw
    assert await hw.read32(DTXFSTS.at(4)) == 64
    data = ep.random(30)
    await ep.send(1, ep.random(8))
    await ep.send(4, data)
    await sleep(us(20))
    assert (await ep.queue())[0] == 7
    assert await hw.read32(DTXFSTS.at(4)) == 56
    assert await ep.in_(4) == data
    assert await hw.read32(DTXFSTS.at(4)) == 64
    await ep.open(4, True, INTERRUPT, ep.size)
    await ep.send(4, data)
    await ep.fetched(2)
    await ep.refused(4, MISMATCH)
    assert len(await ep.in_(1)) == 8
    assert await ep.in_(4) == data
    await ep.open(4, True, INTERRUPT, ep.size, TxFNum=4)
    await ep.stop()


async def full(ep: Shared) -> None:
    """Eight packets and no more; the ninth begins when one has left."""
    data = [ep.random(ep.size) for _ in range(9)]
    size = 32
    for number in (1, 2):
        await ep.open(number, True, BULK, size)
    whole = b"".join(one[:size] for one in data)
    if ep.dma:
        await ep.enable_in(1, whole)
        await ep.fetched(8)
        await sleep(us(20))
        assert await ep.queue() == (0, DEPTH - 64)
        assert await ep.left(1) == size
    else:
        await ep.enable_in(1, whole)
        await ep.push(1, whole)
        assert await ep.queue() == (0, DEPTH - 64)
        assert await ep.left(1) == size
        await ep.push(2, b"lost")
        assert await ep.queue() == (0, DEPTH - 64)
    for at in range(8):
        assert await ep.in_(1) == whole[at * size : (at + 1) * size]
    if not ep.dma:
        await ep.refused(1, EMPTY)
        await ep.push(1, whole[8 * size :])
    assert await ep.in_wait(1) == whole[8 * size :]
    assert await ep.causes(1) & DONE
    await ep.stop()
    await ep.open_all()


async def slave_only(ep: Shared) -> None:
    """Packets that software leaves incomplete, words that belong to nothing."""
    await ep.enable_in(1, ep.random(16))
    await ep.enable_in(2, b"four")
    await ep.refused(1, EMPTY)
    await ep.push(1, b"abcdefgh")
    await ep.refused(1, EMPTY)
    await ep.refused(2, MISMATCH)
    await ep.push(2, b"four")
    # begins a packet of its own, and does not complete the first one
    await ep.push(1, b"ijklmnop")
    assert await ep.queue() == (5, DEPTH - 5)
    await ep.refused(1, EMPTY)
    await ep.refused(2, MISMATCH)
    await ep.stop()
    # words of an endpoint without a transfer are never a packet
    await ep.push(3, b"word")
    assert await ep.queue() == (7, DEPTH - 1)
    await ep.enable_in(3, b"data")
    await ep.push(3, b"data")
    assert await ep.queue() == (7, DEPTH - 2)
    await ep.refused(3, EMPTY)
    await ep.disable_in(3)
    await ep.flush(0)
    await ep.send(3, b"data")
    assert await ep.in_(3) == b"data"
    # no room: the rest is lost
    await ep.hw.write32(GNPTXFSIZ.OFFSET, 16 << 16 | 512)
    await ep.enable_in(1, ep.random(ep.size))
    await ep.push(1, ep.random(ep.size))
    if ep.size == 512:
        assert await ep.queue() == (7, 0)
        await ep.refused(1, EMPTY)
    await ep.hw.write32(GNPTXFSIZ.OFFSET, DEPTH << 16 | 512)
    assert await ep.queue() == (8, DEPTH)
    await ep.stop()


async def counted(ep: Shared) -> None:
    """EPMis after so many mismatches in a row; only reported in slave mode."""
    await ep.limit(3)
    one, two = ep.random(7), ep.random(9)
    await ep.send(1, one)
    await ep.fetched(1)
    await ep.send(2, two)
    await ep.fetched(2)
    for _ in range(2):
        await ep.refused(2, MISMATCH)
    assert await ep.in_(3) == "NAK"
    assert await ep.in_(1, no_handshake=True) == one
    assert not await ep.reported()
    await ep.refused(2, MISMATCH)
    assert await ep.reported()
    if ep.dma:
        assert await ep.in_wait(2) == two
        await ep.fetched(1)
        assert await ep.in_(1) == one
    else:
        for _ in range(2):
            await ep.refused(2, MISMATCH)
        assert await ep.in_(1) == one
        await ep.send(1, one)
        for _ in range(2):
            await ep.refused(1, MISMATCH)
        assert not await ep.reported()
        await ep.refused(1, MISMATCH)
        assert await ep.reported()
    await ep.limit(0)
    await ep.stop()


async def taken_back(ep: Shared) -> None:
    """The DMA gives back what is queued, and fetches for the one that is asked."""
    hw, data = ep.hw, ep.random(5 * ep.size // 2)
    await ep.enable_in(1, data)
    await ep.fetched(3)
    assert await ep.left(1) == 0
    await ep.enable_in(2, b"hello")
    await ep.fetched(4)
    assert await ep.in_(1) == data[: ep.size]
    await ep.limit(31)
    for _ in range(3):
        await ep.refused(2, MISMATCH)
    # a hand on the brake: what goes back is not fetched again
    await ep.command(1, True, DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
    await sleep(us(20))
    await ep.limit(1)
    await ep.refused(2, MISMATCH)
    assert await ep.reported()
    await ep.fetched(1)
    assert await ep.left(1) == len(data) - ep.size
    assert await hw.read32(DIEPDMA.at(1)) == IN_BUFFERS + BUFFER + ep.size
    assert await ep.in_(2) == b"hello"
    await ep.limit(0)
    await ep.stop()


async def fair(ep: Shared) -> None:
    """A host that polls one endpoint after another gets everything, whatever was fetched first."""
    await ep.limit(1)
    for number, following in ((1, 2), (2, 3), (3, 0)):
        await ep.open(number, True, BULK, ep.size, NextEp=following)
    data = {number: ep.random(6 * ep.size + number) for number in (1, 2, 3)}
    for number, one in data.items():
        await ep.enable_in(number, one)
    for number in (3, 1, 2):
        got = b""
        while len(got) < len(data[number]):
            got += await ep.in_wait(number)
        assert got == data[number], number
        assert await ep.causes(number) & DONE
    assert await ep.queue() == (8, DEPTH)
    await ep.limit(0)
    await ep.open_all()
    await ep.stop()


async def in_turn(ep: Shared) -> None:
    """A host that asks one endpoint after the other gets on, even with EPMisCnt = 1.

    Linux writes 1. Were what has just been fetched for one endpoint taken back for the next token,
    each endpoint would undo the others' packets for ever.
    """
    await ep.limit(1)
    for numbers, pause in (((1, 2), 0), ((1, 2), 2), ((1, 2), 7), ((3, 2, 1), 0), ((3, 2, 1), 5)):
        for number in numbers:
            await ep.open(number, True, BULK, ep.size, NextEp=numbers[0])
        data = {number: ep.random(2 * ep.size + number) for number in numbers}
        for number, one in data.items():
            await ep.enable_in(number, one)
        got = dict.fromkeys(numbers, b"")
        for _ in range(80):
            for number in numbers:
                answer = await ep.bench.wire.in_(ADDRESS, number, 1024)
                if answer.rx_pid:
                    got[number] += bytes(answer.rx_data)
                await sleep(us(pause))
            if got == data:
                break
        assert got == data, {number: len(one) for number, one in got.items()}
    # The host gives up the endpoint for which all was taken back: in the way for 31 tokens.
    await ep.send(1, b"one")
    await ep.fetched(1)
    await ep.send(2, b"two")
    await ep.fetched(2)
    await ep.refused(2, MISMATCH)
    assert await ep.reported()
    for _ in range(30):
        await ep.refused(1, MISMATCH)
    assert not await ep.reported()
    await ep.refused(1, MISMATCH)
    assert await ep.reported()
    assert await ep.in_wait(1) == b"one"
    await ep.limit(0)
    await ep.open_all()
    await ep.stop()


async def chain(ep: Shared) -> None:
    """The DMA fetches along NextEp."""
    for number, following in ((1, 3), (2, 1), (3, 2)):
        await ep.open(number, True, BULK, 64, NextEp=following)
    # filled by another one, so that all three wait when the first place becomes free
    await ep.open(0, True, NextEp=3)
    await ep.hw.write32(GNPTXFSIZ.OFFSET, 16 << 16 | 512)
    await ep.enable_in(0, ep.random(64))
    await ep.fetched(1)
    data = {number: ep.random(128) for number in (1, 2, 3)}
    for number in (1, 2, 3):
        await ep.enable_in(number, data[number])
    await ep.limit(31)
    await ep.in_(0)
    for at in (0, 64):
        for number in (3, 2, 1):
            assert await ep.in_wait(number) == data[number][at : at + 64], (number, at)
    assert not await ep.reported()
    await ep.limit(0)
    await ep.hw.write32(GNPTXFSIZ.OFFSET, DEPTH << 16 | 512)
    await ep.open_all()
    await ep.stop()


async def flushed(ep: Shared) -> None:
    """A flush empties the queue and gives nothing back; other FIFOs keep theirs."""
    await ep.send(1, ep.random(8))
    await ep.send(4, b"kept")
    await ep.fetched(1)
    await ep.flush(1)
    assert (await ep.queue())[0] == 7
    await ep.flush(0)
    assert await ep.queue() == (8, DEPTH)
    assert await ep.left(1) == 0
    await ep.disable_in(1)
    assert await ep.in_wait(4) == b"kept"
    await ep.stop()


async def resets(ep: Shared) -> None:
    """Bus reset and soft reset while packets are queued."""
    await ep.limit(31)
    await ep.send(1, ep.random(ep.size))
    await ep.send(2, ep.random(9))
    await ep.fetched(2)
    await ep.refused(2, MISMATCH) if not ep.dma else await ep.in_(1, no_handshake=True)
    await ep.bus_reset()
    await ep.open_all()
    await ep.stop()
    await order(ep)
    await ep.send(1, ep.random(ep.size))
    await ep.send(2, ep.random(9))
    await ep.fetched(2)
    await ep.hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)

    async def until_reset_is_over() -> None:
        while await ep.hw.read32(GRSTCTL.OFFSET) & GRSTCTL.CSftRst.mask:
            pass

    await timeout(until_reset_is_over(), us(100))
    status = await ep.hw.read32(GNPTXSTS.OFFSET)
    assert (GNPTXSTS.NPTxQSpcAvail.get(status), GNPTXSTS.NPTxFSpcAvail.get(status)) == (8, 256)
    ep.bench.wire.vbus(False)
    await sleep(us(100))
    await ep.prepare(31)
    await order(ep)


async def main(bench) -> None:
    ep = Shared(bench)
    await ep.prepare(31)
    await order(ep)
    await empty_packets(ep)
    await levels(ep)
    await periodic(ep)
    await full(ep)
    await counted(ep)
    if ep.dma:
        await taken_back(ep)
        await fair(ep)
        await in_turn(ep)
        await chain(ep)
    else:
        await slave_only(ep)
    await flushed(ep)
    await resets(ep)
