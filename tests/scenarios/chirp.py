# SPDX-License-Identifier: Apache-2.0
"""The high-speed handshake when it goes wrong, resets in every state, and a stopped PHY clock."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCFG, DCTL, DSTS, GINTSTS, GOTGINT, GRSTCTL, GUID
from suspended import clear, connect, fall_asleep, is_set, suspended, until
from tb.kernel import sleep, us

HOST = False
PROBE = False
RUNS = [{}, {"lockstep": True}]


async def speeds(bench, host: str, device: str | None = None, duration: int | None = None) -> None:
    """Reset; the port and the device find these speeds (the device's is the same by default)."""
    wire = bench.wire
    await clear(bench)
    assert await wire.reset(duration) == host
    # at full speed a reset is over when there has been no SE0 for 2.5 us; a device that has heard
    # something may listen for up to 2.5 ms more (TWTFS)
    await sleep(us(5 if device in (None, host) else 2500))
    assert await is_set(bench, GINTSTS.USBRst, GINTSTS.EnumDone)
    full = (device or host) == "full"
    assert DSTS.EnumSpd.get(await bench.hw.read32(DSTS.OFFSET)) == full
    if device in (None, host):
        # it listens at that speed
        await wire.sof(2)
        answer = await wire.in_(0, 0)
        assert answer.handshake == "NAK", answer
        # 2 to 6.5 bit times after the SE0-to-J edge; 8 to 192
        low, high = (80, 620) if full else (16, 401)
        assert low < answer.turnaround_ps / 1000 < high, answer


async def failures(bench) -> None:
    """Each way in which the hub may spoil the handshake ends at full speed, and is not for ever."""
    port = bench.controller.wire
    for pairs in (0, 1, 2):
        port.chirp_pairs = pairs
        await speeds(bench, "full")
        port.chirp_pairs = None
        await speeds(bench, "high")
    # a hub that falls silent must let go of the bus within 3 ms, or the device sees another reset
    port.chirp_pairs = 0
    await speeds(bench, "full")
    port.chirp_pairs = 3
    await speeds(bench, "high", duration=us(3000 if bench.options.time_scale == 1 else 100))
    port.chirp_pairs = None
    # K and J of less than TFILT (2.5 us) are none
    port.chirp_half = us(1.5)
    port.sof_enable(False)
    await speeds(bench, "high", "full")
    port.chirp_half = None
    port.sof_enable(True)
    await speeds(bench, "high")
    await bench.hw.write32(DCFG.OFFSET, 1)
    await speeds(bench, "full")
    await bench.hw.write32(DCFG.OFFSET, 0)
    await speeds(bench, "high")


async def interrupted(bench) -> None:
    """VBUS goes in the middle of the handshake."""
    wire = bench.wire
    for after in (1, 10, 30, 100):
        reset = bench.kernel.spawn(wire.reset(), name="reset")
        await until(bench, GINTSTS.USBRst)
        await sleep(us(after))
        wire.vbus(False)
        await reset
        while wire.connected:
            await sleep(us(10))
        await connect(bench)
        await speeds(bench, "high")


async def in_traffic(bench) -> None:
    """A reset comes while transactions are under way."""
    wire = bench.wire
    for gap in (0, 40, 333, 1000):
        await wire.sof(1)
        await sleep(us(10) + gap * 1000)
        for _ in range(3):
            await wire.in_(0, 0)
        await speeds(bench, "high")


async def stopped(bench) -> None:
    """The PHY is suspended and gives no clock: registers, soft reset, reset, wake-up, VBUS."""
    hw, wire = bench.hw, bench.wire
    await fall_asleep(bench)
    await hw.write32(GUID.OFFSET, 0x5555_AAAA)
    assert await hw.read32(GUID.OFFSET) == 0x5555_AAAA
    await speeds(bench, "high")

    await fall_asleep(bench)
    await hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
    while await hw.read32(GRSTCTL.OFFSET) & GRSTCTL.CSftRst.mask:
        await sleep(us(0.2))
    assert await hw.read32(GUID.OFFSET) == 0x5555_AAAA
    assert not await suspended(bench)
    # the pull-up is off, as after power-on
    while wire.connected:
        await sleep(us(10))
    wire.vbus(False)
    await sleep(us(100))
    await connect(bench)
    await speeds(bench, "high")

    await fall_asleep(bench)
    await clear(bench)
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    await sleep(us(20))
    assert wire.line_state == "K"
    host = bench.kernel.spawn(wire.resume(), name="host resumes")
    await sleep(us(5))
    await hw.write32(DCTL.OFFSET, 0)
    await host
    assert await is_set(bench, GINTSTS.WkUpInt)
    await speeds(bench, "high")

    await fall_asleep(bench)
    await hw.write32(GOTGINT.OFFSET, GOTGINT.SesEndDet.mask)
    wire.vbus(False)
    await until(bench, GINTSTS.OTGInt)
    assert not await suspended(bench)
    while wire.connected:
        await sleep(us(10))
    await connect(bench)
    await speeds(bench, "high")


async def main(bench) -> None:
    await connect(bench)
    await failures(bench)
    await interrupted(bench)
    await in_traffic(bench)
    await stopped(bench)
