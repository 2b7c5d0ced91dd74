# SPDX-License-Identifier: Apache-2.0
"""DCTL.RmtWkUpSig: the device drives K as long as it is set, then the host resumes the bus."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCTL, GINTSTS
from suspended import clear, connect, fall_asleep, is_set, suspended
from tb.kernel import sleep, us

HOST = False
PROBE = False
RUNS = [{}, {"speed": "full"}]


async def main(bench) -> None:
    hw, wire = bench.hw, bench.wire
    await connect(bench)
    # on a bus that is not suspended it does nothing
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    await wire.sof(2)
    assert wire.speed == bench.options.speed
    await hw.write32(DCTL.OFFSET, 0)
    for held in (20, 100):
        await fall_asleep(bench)
        await clear(bench)
        assert wire.line_state == "J"
        await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        for _ in range(held // 5):
            await sleep(us(5))
            assert wire.line_state == "K"
        # the host takes the K over (7.1.7.7)
        host = bench.kernel.spawn(wire.resume(), name="host resumes")
        await sleep(us(5))
        await hw.write32(DCTL.OFFSET, 0)
        await sleep(us(10))
        assert wire.line_state == "K"
        await host
        assert await is_set(bench, GINTSTS.WkUpInt)
        assert not await suspended(bench)
        await clear(bench)
        await wire.sof(2)
        assert await is_set(bench, GINTSTS.SOF)
        assert wire.speed == bench.options.speed
    # nobody takes it over: the device is as suspended as before
    await fall_asleep(bench)
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    await sleep(us(20))
    await hw.write32(DCTL.OFFSET, 0)
    await sleep(us(20))
    assert wire.line_state == "J"
    assert await suspended(bench)
    await wire.resume()
    assert not await suspended(bench)
