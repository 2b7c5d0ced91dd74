# SPDX-License-Identifier: Apache-2.0
"""Endpoints of one direction (EP_DIRECTIONS): the other one has no registers and no answer.

Endpoint 1 is IN only, 2 OUT only, 3 has both, 5 is OUT only where there is no OUT 5: nothing.
"""

from __future__ import annotations

from pymodel.gen.udc_regs import (
    DAINT,
    DIEPCTL,
    DIEPEMPMSK,
    DIEPTSIZ,
    DOEPCTL,
    DOEPTSIZ,
    DTXFSTS,
    GHWCFG1,
)
from pymodel.packets import PID
from tests.scenarios.raw_endpoints import ADDRESS, Endpoints

PROBE = False
HOST = False
PARAMETERS = {
    "NUM_IN_EPS": 5,
    "NUM_OUT_EPS": 4,
    "EP_DIRECTIONS": 1 << 2 | 2 << 4 | 2 << 10,
    # of no account here: the hardware is that of opencm3_f207.py too
    "SOFT_DISCONNECT": 0,
}
RUNS = [
    {"mode": "dma"},
    {"mode": "slave", "lockstep": True},
    {"mode": "dma", "speed": "full", "lockstep": True},
]
ICARUS = True

IN, OUT = (1, 3, 4), (2, 3, 4)


async def main(bench) -> None:
    ep, hw = Endpoints(bench), bench.hw
    await ep.start()
    assert await hw.read32(GHWCFG1.OFFSET) == 1 << 2 | 2 << 4
    for register, size, there in ((DIEPCTL, DIEPTSIZ, IN), (DOEPCTL, DOEPTSIZ, OUT)):
        for number in range(1, 7):
            await hw.write32(register.at(number), DIEPCTL.USBActEP.mask | 64)
            await hw.write32(size.at(number), 1 << 19 | 77)
            shown = await hw.read32(register.at(number)), await hw.read32(size.at(number))
            if number in there:
                assert shown[0] & 0x87FF == DIEPCTL.USBActEP.mask | 64, (number, shown)
                assert shown[1] & 0x1FFFFFFF == 1 << 19 | 77, (number, shown)
            else:
                assert shown == (0, 0), (number, shown)
    await hw.write32(DIEPEMPMSK.OFFSET, 0xFFFF)
    assert await hw.read32(DAINT.OFFSET) == 1 | sum(1 << number for number in IN)
    await hw.write32(DIEPEMPMSK.OFFSET, 0)

    size = 512 if bench.options.speed == "high" else 64
    for number in range(1, 6):
        await ep.open(number, True, size=size, there=number in IN, TxFNum=number)
        await ep.open(number, False, size=size, there=number in OUT)
    if not ep.dma:
        # words for an endpoint that is not there hurt nobody
        await hw.write32(DIEPTSIZ.at(0), 64)
        await hw.write32(DIEPCTL.at(0), DIEPCTL.TxFNum.put(3))
        room = await hw.read32(DTXFSTS.at(3))
        await ep.push(2, b"lost")
        await ep.push(5, b"lost")
        assert await hw.read32(DIEPTSIZ.at(0)) == 64
        assert await hw.read32(DTXFSTS.at(3)) == room
        await hw.write32(DIEPCTL.at(0), 0)
    assert await hw.read32(DTXFSTS.at(2)) == 0
    for number in range(1, 6):
        data = ep.random(100)
        if number in IN:
            await ep.send(number, data[:size])
        expected = data[:size] if number in IN else None
        got = await ep.in_wait(number) if number in IN else await ep.in_(number)
        assert got == expected, (number, got)
    for number in range(1, 6):
        await ep.receive(number, 1)
        result = await bench.wire.out(ADDRESS, number, PID.DATA0, ep.random(20))
        there = number in OUT
        assert (result.handshake in ("ACK", "NYET")) == there, (number, result)
        if not there:
            assert result.handshake is None, result
