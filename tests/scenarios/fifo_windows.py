# SPDX-License-Identifier: Apache-2.0
"""Endpoints whose Tx FIFO has another number than they have (S004-108, S004-109).

Linux gives an endpoint the first FIFO that is free, writes to the window of the endpoint's number
and asks for room by the FIFO's number: whoever is enabled first has FIFO 1.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import DIEPCTL, DIEPINT, DIEPTSIZ, DTXFSTS
from raw_endpoints import BULK, INTERRUPT, Endpoints
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [{"mode": "slave", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [{"mode": "slave"}]

DEPTH = 256


async def crossed(ep: Endpoints) -> None:
    """Endpoint 1 has FIFO 2 and endpoint 2 FIFO 1; both send at once."""
    one, two = ep.random(512 + 30), ep.random(50)
    await ep.enable_in(2, two)
    await ep.enable_in(1, one)
    await ep.push(1, one[:512])
    await ep.push(2, two)
    for fifo, words in ((2, 128), (1, 13)):
        assert await ep.hw.read32(DTXFSTS.at(fifo)) == DEPTH - words
    assert DIEPTSIZ.XferSize.get(await ep.hw.read32(DIEPTSIZ.at(1))) == 30
    await ep.push(1, one[512:])
    assert await ep.in_(1) == one[:512]
    assert await ep.in_(2) == two
    assert await ep.in_(1) == one[512:]
    for number in (1, 2):
        assert await ep.causes(number) & DIEPINT.XferCompl.mask


async def flushed(ep: Endpoints) -> None:
    """A flush names the FIFO, not the endpoint."""
    data = ep.random(100)
    await ep.send(1, data)
    await ep.send(2, data[:8])
    await ep.disable_in(1)
    await ep.flush(2)
    assert await ep.hw.read32(DTXFSTS.at(2)) == DEPTH
    assert await ep.in_(1) == "NAK"
    assert await ep.in_(2) == data[:8]
    await ep.causes(2)


async def unnamed(ep: Endpoints) -> None:
    """A window whose own endpoint has no FIFO leads to the FIFO of its number."""
    data = ep.random(64)
    await ep.open(4, True, BULK, 512, TxFNum=5)
    await ep.push(5, data)
    await ep.enable_in(4, data)
    assert await ep.in_(4) == data
    assert await ep.causes(4) & DIEPINT.XferCompl.mask


async def nowhere(ep: Endpoints) -> None:
    """Words for a FIFO that is not there are lost and harm nobody."""
    await ep.open(6, True, BULK, 512, TxFNum=12)
    await ep.enable_in(6, bytes(16))
    await ep.push(6, bytes(16))
    await sleep(us(5))
    for fifo in range(8):
        assert await ep.hw.read32(DTXFSTS.at(fifo)) == DEPTH
    await ep.hw.write32(DIEPCTL.at(6), DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)


async def main(bench: Any) -> None:
    ep = Endpoints(bench)
    await ep.start()
    await ep.open(2, True, INTERRUPT, 64, TxFNum=1)
    await ep.open(1, True, BULK, 512, TxFNum=2)
    await crossed(ep)
    await flushed(ep)
    await unnamed(ep)
    await nowhere(ep)
