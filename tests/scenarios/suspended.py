# SPDX-License-Identifier: Apache-2.0
"""Helpers of the scenarios about suspend: a device without driver, its registers by hand."""

from __future__ import annotations

from typing import Any

from pymodel.config import BusTimes
from pymodel.gen.udc_regs import DCFG, DCTL, DSTS, GINTSTS
from raw import plug
from tb.kernel import now, sleep, us

EVERYTHING = 0xFFFF_FFFF


async def connect(bench: Any) -> None:
    """Pull up, without anything else, and bring the bus to the end of a reset."""
    hw = bench.hw
    # the host's side decides: full speed in DCFG would do without chirp
    await hw.write32(DCFG.OFFSET, 0)
    await hw.write32(DCTL.OFFSET, 0)
    await plug(bench)
    assert DSTS.EnumSpd.get(await hw.read32(DSTS.OFFSET)) == (bench.options.speed == "full")
    await clear(bench)


async def clear(bench: Any) -> None:
    """Clear GINTSTS."""
    await bench.hw.write32(GINTSTS.OFFSET, EVERYTHING)


async def is_set(bench: Any, *fields: Any) -> bool:
    """Tell whether all these bits of GINTSTS are set."""
    value = await bench.hw.read32(GINTSTS.OFFSET)
    return all(value & field.mask for field in fields)


async def suspended(bench: Any) -> bool:
    """Return DSTS.SuspSts."""
    return bool(await bench.hw.read32(DSTS.OFFSET) & DSTS.SuspSts.mask)


async def until(bench: Any, field: Any, timeout: int = us(10_000)) -> int:
    """Wait for a bit of GINTSTS; returns how long that took."""
    start = now()
    while not await is_set(bench, field):
        assert now() < start + timeout, f"no {field}"
        await sleep(us(1))
    return now() - start


async def fall_asleep(bench: Any) -> None:
    """Leave the bus idle until the device is suspended, and look at the times of 7.1.7.6."""
    times = BusTimes.at(bench.options.time_scale)
    high = bench.options.speed == "high"
    idle = times.hs_idle if high else times.suspend
    await clear(bench)
    await bench.wire.suspend()
    early = await until(bench, GINTSTS.ErlySusp)
    assert not await is_set(bench, GINTSTS.USBSusp)
    assert not await suspended(bench)
    # 125 us for the frame in which the bus fell silent, and for polling
    assert idle - us(1000) < early < idle + us(140), (early, idle)
    late = early + await until(bench, GINTSTS.USBSusp)
    assert late - early < times.hs_settle + us(20), (late - early, times)
    assert await suspended(bench)
    assert bench.wire.line_state == "J"
