# SPDX-License-Identifier: Apache-2.0
"""FIFOs in wrong places: outside the RAM, one over the other, moved while they are at work.

What a FIFO holds may be lost; nothing hangs, and endpoints whose FIFOs are not touched go on.
"""

from __future__ import annotations

from pymodel.gen.udc_regs import (
    DIEPCTL,
    DIEPINT,
    DIEPTSIZ,
    DIEPTXF,
    DTXFSTS,
    GAHBCFG,
    GRSTCTL,
    GRXFSIZ,
)
from pymodel.packets import PID
from tb.kernel import ns, sleep, spawn, timeout, us
from tests.scenarios.raw_endpoints import (
    ADDRESS,
    BULK,
    Endpoints,
)

PROBE = False
HOST = False
RUNS = [
    {"mode": "dma"},
    {"mode": "slave"},
    {"mode": "dma", "speed": "full"},
    {"mode": "dma", "lockstep": True},
    {"mode": "slave", "speed": "full", "lockstep": True},
]

RX, DEPTH = 1024, 256


class Places(Endpoints):
    """Endpoints 1 and 2 are tried, endpoint 3 must not notice."""

    async def prepare(self) -> None:
        """Place all FIFOs rightly."""
        self.size = 512 if self.bench.options.speed == "high" else 64
        await self.hw.write32(GRXFSIZ.OFFSET, RX)
        for number in (1, 2, 3):
            await self.place(number, 1280 + DEPTH * (number - 1), DEPTH)
        await self.start(GAHBCFG.HBstLen.put(7) if self.dma else 0)
        for number in (1, 2, 3):
            await self.open(number, True, BULK, self.size, TxFNum=number)
            await self.open(number, False, BULK, self.size)

    async def place(self, number: int, start: int, depth: int) -> None:
        """Give a Tx FIFO a place."""
        await self.hw.write32(DIEPTXF.at(number), depth << 16 | start)

    async def quiet(self, *numbers: int) -> None:
        """Bring IN endpoints to rest and empty their FIFOs."""
        for number in numbers:
            if DIEPCTL.EPEna.get(await self.hw.read32(DIEPCTL.at(number))):
                await self.disable_in(number)
            await self.causes(number)
            await self.flush(number)


async def moved_while_sending(ep: Places) -> None:
    """A Tx FIFO gets a new place while it holds packets, with one that waits for its ACK."""
    for depth in (DEPTH, 1, 0):
        data = ep.random(ep.size)
        await ep.send(1, data)
        assert await ep.in_wait(1) == data
        await ep.send(1, data)
        await sleep(us(30))
        on_the_wire = spawn(ep.in_(1))
        await sleep(us(3))
        await ep.place(1, 1280, depth)
        await on_the_wire
        assert await ep.hw.read32(DTXFSTS.at(1)) == depth
        await ep.healthy(3)
        await ep.quiet(1)
        assert await ep.hw.read32(DTXFSTS.at(1)) == depth
        await ep.place(1, 1280, DEPTH)


async def moved_while_fetching(ep: Places) -> None:
    """A Tx FIFO gets a new place, and another one its old place, while a packet is fetched for it.

    What is fetched starts over; nothing is written where the FIFO was.
    """
    hw = ep.hw
    hw.memory_latency(240)
    for delay in (0, 1000, 3000, 5000, 5500, 6000, 7000, 9000):
        one, two = ep.random(ep.size), ep.random(ep.size)
        await ep.send(1, one)
        await sleep(ns(delay))
        await ep.place(1, 2560, DEPTH)
        early = DIEPTSIZ.XferSize.get(await hw.read32(DIEPTSIZ.at(1))) > 0
        await ep.place(2, 1280, DEPTH)
        await ep.send(2, two)
        assert await ep.in_wait(2) == two
        if early:
            assert await ep.in_wait(1) == one, delay
        else:
            # it was in the FIFO already, and is lost
            assert await ep.in_(1) == "NAK"
            assert await hw.read32(DTXFSTS.at(1)) == DEPTH
        await ep.quiet(1, 2)
        await ep.place(1, 1280, DEPTH)
        await ep.place(2, 1280 + DEPTH, DEPTH)
        await ep.healthy(3)
    # flushed in these moments: after the fetch, and after the handshake
    for delay in (0, 1000, 5000, 7000):
        await ep.send(1, ep.random(ep.size))
        await sleep(ns(delay))
        await ep.disable_in(1)
        await ep.flush(1)
        assert await hw.read32(DTXFSTS.at(1)) == DEPTH
        data = ep.random(ep.size)
        await ep.send(1, data)
        assert await ep.in_wait(1) == data
        await ep.send(1, ep.random(ep.size))
        await sleep(us(30))
        on_the_wire = spawn(ep.in_(1))
        await sleep(ns(delay))
        await ep.flush(1)
        await on_the_wire
        assert await hw.read32(DTXFSTS.at(1)) == DEPTH
        await ep.quiet(1)
        await ep.healthy(3)
    hw.memory_latency(0)


async def outside(ep: Places) -> None:
    """Places beyond the RAM, and depths larger than all of it."""
    for start, depth in ((4096 - 8, 64), (0xFFFF, 16), (1280, 0x1000), (1280, 0xFFFF)):
        await ep.place(1, start, depth)
        data = ep.random(32)
        if start + depth < 0x10000 and depth <= 64:
            await ep.send(1, data)
            await ep.in_wait(1)
        await ep.flush(1)
        await ep.place(1, 1280, DEPTH)
        await ep.healthy(3)


async def over_each_other(ep: Places) -> None:
    """Two FIFOs share words: what they hold is garbage, what they count is right."""
    await ep.place(2, 1280 + 4, 64)
    one, two = ep.random(ep.size // 4), ep.random(ep.size // 4)
    await ep.send(1, one)
    await sleep(us(20))
    await ep.send(2, two)
    assert await ep.in_wait(2) == two
    got = await ep.in_wait(1)
    assert len(got) == len(one)
    assert got[:16] == one[:16]
    await ep.healthy(3)
    for number in (1, 2):
        assert await ep.causes(number) & DIEPINT.XferCompl.mask
    await ep.place(2, 1280 + DEPTH, DEPTH)


async def moved_while_receiving(ep: Places) -> None:
    """GRXFSIZ is written while a packet is on its way to memory, or waits to be popped."""
    knobs = getattr(ep.hw.memory, "knobs", lambda **_: None)
    for depth in (RX, 512, RX):
        knobs(write_latency=400)
        data = ep.random(ep.size)
        await ep.receive(1, 1)
        result = await ep.pipes[1].send(data)
        assert result.handshake in ("ACK", "NYET"), result
        await ep.hw.write32(GRXFSIZ.OFFSET, depth)
        await sleep(us(60))
        knobs()
        assert GRSTCTL.AHBIdle.get(await ep.hw.read32(GRSTCTL.OFFSET))
        await ep.healthy(3)


async def no_room(ep: Places) -> None:
    """An Rx FIFO without words accepts nothing, and all when it has them again."""
    await ep.hw.write32(GRXFSIZ.OFFSET, 0)
    await ep.receive(2, 1)
    result = await ep.bench.wire.out(ADDRESS, 2, PID.DATA0, b"x")
    assert result.handshake == "NAK", result
    await sleep(us(10))
    await ep.hw.write32(GRXFSIZ.OFFSET, RX)
    await ep.healthy(3)


async def main(bench) -> None:
    ep = Places(bench)
    await ep.prepare()
    await ep.healthy(3)
    await moved_while_sending(ep)
    if ep.dma:
        await moved_while_fetching(ep)
    await outside(ep)
    if not bench.options.lockstep:
        # the model keeps packets, not the words of a RAM
        await over_each_other(ep)
    if not bench.options.lockstep:
        await moved_while_receiving(ep)
    await no_room(ep)
    await bench.hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)

    async def until_reset_is_over() -> None:
        while await bench.hw.read32(GRSTCTL.OFFSET) & GRSTCTL.CSftRst.mask:
            pass

    await timeout(until_reset_is_over(), us(100))
