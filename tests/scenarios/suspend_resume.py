# SPDX-License-Identifier: Apache-2.0
"""Suspend, resume by the host, and what else may happen to a suspended device."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCTL, DSTS, GINTSTS, GOTGINT, GUID, PCGCCTL
from suspended import clear, connect, fall_asleep, is_set, suspended, until
from tb.kernel import sleep, us

HOST = False
PROBE = False
RUNS = [
    {},
    {"speed": "full"},
    {"lockstep": True},
    {"lockstep": True, "speed": "full"},
    {"time-scale": "1"},
    {"time-scale": "1", "speed": "full"},
]


async def is_alive(bench) -> None:
    """The bus runs at the speed that it had before."""
    await clear(bench)
    # after a frame's first SOF the number of the microframe is known, too
    await bench.wire.sof(9 if bench.options.speed == "high" else 2)
    assert await is_set(bench, GINTSTS.SOF)
    before = DSTS.SOFFN.get(await bench.hw.read32(DSTS.OFFSET))
    await bench.wire.sof(3)
    after = DSTS.SOFFN.get(await bench.hw.read32(DSTS.OFFSET))
    assert after - before in (3, 4), (before, after)
    assert bench.wire.speed == bench.options.speed
    assert not await suspended(bench)


async def main(bench) -> None:
    hw, wire = bench.hw, bench.wire
    await connect(bench)
    for turn in range(3):
        await fall_asleep(bench)
        # registers answer while the PHY gives no clock
        await hw.write32(PCGCCTL.OFFSET, PCGCCTL.StopPclk.mask | PCGCCTL.GateHclk.mask)
        await sleep(us(50 * turn))
        await hw.write32(GUID.OFFSET, 0x1234_5678 + turn)
        assert await hw.read32(GUID.OFFSET) == 0x1234_5678 + turn
        assert await hw.read32(PCGCCTL.OFFSET) & 3 == 3
        assert not await is_set(bench, GINTSTS.WkUpInt)
        await clear(bench)
        await wire.resume()
        assert await is_set(bench, GINTSTS.WkUpInt)
        assert not await is_set(bench, GINTSTS.USBSusp)
        await hw.write32(PCGCCTL.OFFSET, 0)
        await is_alive(bench)

    await fall_asleep(bench)
    await clear(bench)
    assert await wire.reset() == bench.options.speed
    await wire.sof(2)
    assert await is_set(bench, GINTSTS.ResetDet, GINTSTS.USBRst, GINTSTS.EnumDone)
    assert not await is_set(bench, GINTSTS.WkUpInt)
    await is_alive(bench)

    # a reset of a device that is awake is no ResetDet
    assert await wire.reset() == bench.options.speed
    await wire.sof(2)
    assert await is_set(bench, GINTSTS.USBRst)
    assert not await is_set(bench, GINTSTS.ResetDet)

    # the pull-up goes and comes while suspended
    await fall_asleep(bench)
    await hw.write32(DCTL.OFFSET, DCTL.SftDiscon.mask)
    while wire.connected:
        await sleep(us(10))
    await connect(bench)
    await is_alive(bench)

    # so does VBUS
    await fall_asleep(bench)
    wire.vbus(False)
    while wire.connected:
        await sleep(us(10))
    await until(bench, GINTSTS.OTGInt)
    assert await hw.read32(GOTGINT.OFFSET) == GOTGINT.SesEndDet.mask
    assert not await suspended(bench)
    await hw.write32(GOTGINT.OFFSET, GOTGINT.SesEndDet.mask)
    await connect(bench)
    await is_alive(bench)
