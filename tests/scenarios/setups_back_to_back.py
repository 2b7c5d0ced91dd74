# SPDX-License-Identifier: Apache-2.0
"""SETUPs that follow each other go to memory one after the other (facts section 10).

Three are stored back to back before the address rewinds; a new DOEPDMA0 starts anew: nothing may
be written below the buffer that software has just named.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import DCTL, DOEPCTL, DOEPDMA, DOEPTSIZ, GAHBCFG
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [{}, {"speed": "full"}, {"lockstep": True}]


async def main(bench: Any) -> None:
    hw, wire, base = bench.hw, bench.wire, bench.hw.memory.base
    # Nothing is mapped: memory is open to the device until somebody maps a part of it.
    await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask)
    await hw.write32(DCTL.OFFSET, 0)
    wire.vbus(True)
    await sleep(us(50))
    await wire.reset()
    await wire.sof(1)

    async def arm(address: int) -> None:
        await hw.write32(DOEPTSIZ.at(0), 3 << 29 | 1 << 19 | 24)
        await hw.write32(DOEPDMA.at(0), address)
        await hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)

    async def setup(number: int) -> bytes:
        request = bytes([0x80, 6, number, 1, 0, 0, 18, 0])
        assert (await wire.setup(0, 0, request)).handshake == "ACK"
        await sleep(us(20))
        return request

    await arm(base + 0x100)
    sent = [await setup(number) for number in range(4)]
    stored = hw.memory.read(base + 0x100, 24)
    assert stored == sent[3] + sent[1] + sent[2], stored.hex()
    assert await hw.read32(DOEPDMA.at(0)) == base + 0x108
    for number in (4, 5):
        await setup(number)
    await arm(base + 0x200)
    last = await setup(6)
    assert hw.memory.read(base + 0x200, 8) == last
    assert hw.memory.read(base + 0x1E8, 24) == bytes(24)
    assert await hw.read32(DOEPDMA.at(0)) == base + 0x208
