# SPDX-License-Identifier: Apache-2.0
"""Sixteen IN and sixteen OUT endpoints: every one moves its own data, none another's."""

from __future__ import annotations

from pymodel.gen.udc_regs import DIEPTXF, GHWCFG1, GHWCFG2, GRXSTSP
from pymodel.packets import PID
from tb.kernel import sleep, us
from tests.scenarios.raw import WINDOW
from tests.scenarios.raw_endpoints import ADDRESS, BUFFER, OUT_BUFFERS, Endpoints

PROBE = False
HOST = False
PARAMETERS = {"NUM_IN_EPS": 15, "NUM_OUT_EPS": 15}
RUNS = [
    {"mode": "dma"},
    {"mode": "dma", "lockstep": True},
    {"mode": "slave", "speed": "full", "lockstep": True},
]


async def main(bench) -> None:
    ep, hw = Endpoints(bench), bench.hw
    assert await hw.read32(GHWCFG1.OFFSET) == 0
    assert GHWCFG2.NumDevEps.get(await hw.read32(GHWCFG2.OFFSET)) == 15
    for number in range(1, 16):
        await hw.write32(DIEPTXF.at(number), 128 << 16 | 1280 + 128 * number)
    await ep.start()
    size = 512 if bench.options.speed == "high" else 64
    for number in range(1, 16):
        await ep.open(number, True, size=size, TxFNum=number)
        await ep.open(number, False, size=size)
    data = [ep.random(size - number) for number in range(16)]
    for number in range(1, 16):
        await ep.send(number, data[number])
        await ep.receive(number, 1)
    for number in reversed(range(1, 16)):
        assert await ep.in_wait(number) == data[number], number
    for number in range(1, 16):
        result = await bench.wire.out(ADDRESS, number, PID.DATA0, data[16 - number])
        assert result.handshake in ("ACK", "NYET"), (number, result)
        if not ep.dma:
            await sleep(us(2))
            status = await hw.read32(GRXSTSP.OFFSET)
            assert GRXSTSP.EPNum.get(status) == number
            assert await ep.bus.read_fifo(WINDOW, GRXSTSP.BCnt.get(status)) == data[16 - number]
            status = await hw.read32(GRXSTSP.OFFSET)
            assert GRXSTSP.PktSts.get(status) == 3
    if ep.dma:
        await sleep(us(50))
        for number in range(1, 16):
            place = OUT_BUFFERS + number * BUFFER
            got = bytes(hw.memory.read(place, len(data[16 - number])))
            assert got == data[16 - number], number
