# SPDX-License-Identifier: Apache-2.0
"""GOUTNakEff comes without any help from the bus, whatever happens to its status word.

TinyUSB polls it without bound, and its handler of a bus reset (which empties the Rx FIFO and
writes GRXFSIZ) may run in the middle of that.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DCTL,
    DOEPCTL,
    DOEPDMA,
    DOEPTSIZ,
    GINTSTS,
    GRSTCTL,
    GRXFSIZ,
)
from raw import GET_DEVICE, drain
from raw_endpoints import ADDRESS, OUT_BUFFERS, Endpoints
from tb.kernel import sleep, timeout, us

PROBE = False
HOST = False
RUNS = [{"mode": "dma", "lockstep": True}, {"mode": "slave", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [{"mode": "dma"}, {"mode": "slave"}]


async def until_effective(ep: Endpoints) -> None:
    """Poll GOUTNakEff; it may take 100 us."""

    async def poll() -> None:
        while not await ep.hw.read32(GINTSTS.OFFSET) & GINTSTS.GOUTNakEff.mask:
            pass

    await timeout(poll(), us(100))


async def clear(ep: Endpoints) -> None:
    """End the global NAK; an OUT packet passes again."""
    await ep.hw.write32(DCTL.OFFSET, DCTL.CGOUTNak.mask)
    assert not await ep.hw.read32(GINTSTS.OFFSET) & GINTSTS.GOUTNakEff.mask


async def popped(ep: Endpoints) -> None:
    """Slave mode: not before the pop of word 1, and still there when asked for again."""
    await ep.hw.write32(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    await sleep(us(20))
    assert not await ep.hw.read32(GINTSTS.OFFSET) & GINTSTS.GOUTNakEff.mask
    assert await drain(ep.bench) == [1]
    await until_effective(ep)
    await ep.hw.write32(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    await until_effective(ep)
    assert await drain(ep.bench) == []
    await clear(ep)


async def emptied(ep: Endpoints) -> None:
    """The word goes with the Rx FIFO, by a flush or by GRXFSIZ."""
    for offset, value in (
        (GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask),
        (GRXFSIZ.OFFSET, 512),
    ):
        await ep.hw.write32(DCTL.OFFSET, DCTL.SGOUTNak.mask)
        await sleep(us(5))
        await ep.hw.write32(offset, value)
        await until_effective(ep)
        assert (await ep.bench.wire.ping(ADDRESS, 1)).handshake == "NAK"
        await clear(ep)


async def behind_a_setup(ep: Endpoints) -> None:
    """DMA: a SETUP waits for EP0 to be enabled; the word behind it is not to wait too."""
    assert (await ep.bench.wire.setup(ADDRESS, 0, GET_DEVICE)).handshake == "ACK"
    await sleep(us(5))
    await ep.hw.write32(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    await until_effective(ep)
    await clear(ep)
    await ep.hw.write32(DOEPTSIZ.at(0), DOEPTSIZ.PktCnt.put(1) | 8)
    await ep.hw.write32(DOEPDMA.at(0), OUT_BUFFERS)
    await ep.hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)
    await sleep(us(5))
    assert ep.hw.memory.read(OUT_BUFFERS, 8) == GET_DEVICE


async def main(bench: Any) -> None:
    ep = Endpoints(bench)
    await ep.start()
    await ep.open(1, False)
    await ep.receive(1, 1)
    if ep.dma:
        await behind_a_setup(ep)
    else:
        await popped(ep)
    await emptied(ep)
