# SPDX-License-Identifier: Apache-2.0
"""Lines of the model: connection, reset, suspend, remote wake-up, test modes (facts section 13)."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import DCTL, DSTS, GINTSTS, GOTGCTL, GRSTCTL, PCGCCTL
from pymodel.packets import PID, TEST_PACKET
from pymodel.wire import Status
from tb.kernel import ms, sleep, us
from tests.sim.model_rig import Rig, run

USBRST, ENUMDONE = GINTSTS.USBRst.mask, GINTSTS.EnumDone.mask


def test_connection_follows_vbus_and_the_pull_up() -> None:
    async def main(rig: Rig) -> None:
        assert (rig.wire.connected, rig.wire.line_state) == (False, "SE0")
        rig.wire.vbus(True)
        assert not rig.wire.connected  # SftDiscon after power-on
        assert await rig.bus.read32(GOTGCTL.OFFSET) & GOTGCTL.BSesVld.mask
        await rig.boot()
        assert (rig.wire.connected, rig.wire.line_state) == (True, "J")
        await rig.bus.write32(DCTL.OFFSET, DCTL.SftDiscon.mask)
        assert not rig.wire.connected
        await rig.bus.write32(DCTL.OFFSET, 0)
        await rig.bus.write32(GRSTCTL.OFFSET, 1)
        assert not rig.wire.connected
        await rig.boot()
        rig.wire.vbus(False)
        await sleep(us(1))
        assert rig.kinds() == [
            "vbus_on", "connect", "disconnect", "connect", "disconnect", "connect",
            "vbus_off", "disconnect",
        ]  # fmt: skip

    run(Rig(), main)


@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("scale", [1, 100, 1000])
def test_reset_finds_the_speed(speed: str, scale: int) -> None:
    async def main(rig: Rig) -> None:
        await rig.boot()
        rig.wire.vbus(True)
        start = rig.kernel.now
        for _ in range(2):  # the second time from the middle of traffic
            assert await rig.wire.reset(ms(50) // scale) == speed
            causes = await rig.bus.read32(GINTSTS.OFFSET)
            assert causes & (USBRST | ENUMDONE) == USBRST | ENUMDONE
            await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
            status = await rig.bus.read32(DSTS.OFFSET)
            assert DSTS.EnumSpd.get(status) == (speed == "full")
            await sleep(ms(2))
        assert rig.kernel.now - start >= 2 * ms(50) // scale
        assert rig.wire.speed == speed
        assert rig.wire.line_state == ("J" if speed == "full" else "SE0")

    run(Rig(speed=speed, time_scale=scale), main)


def test_device_may_ask_for_full_speed() -> None:
    async def main(rig: Rig) -> None:
        await rig.boot()
        await rig.bus.write32(0x800, 1)
        rig.wire.vbus(True)
        assert await rig.wire.reset(ms(50)) == "full"

    run(Rig(), main)


def test_usbrst_comes_before_enumdone() -> None:
    """Section 13: the driver has its time between the two."""

    async def main(rig: Rig) -> None:
        await rig.boot()
        rig.wire.vbus(True)
        task = rig.kernel.spawn(rig.wire.reset(ms(50)))
        await sleep(us(3))
        assert await rig.bus.read32(GINTSTS.OFFSET) & (USBRST | ENUMDONE) == USBRST
        await sleep(us(900))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & ENUMDONE
        await sleep(ms(1))
        assert await rig.bus.read32(GINTSTS.OFFSET) & ENUMDONE
        await task

    run(Rig(), main)


def test_reset_without_a_device() -> None:
    async def main(rig: Rig) -> None:
        assert await rig.wire.reset(ms(10)) is None
        assert rig.kernel.now == ms(10)
        result = await rig.in_()
        assert result.status is Status.TIMEOUT

    run(Rig(), main)


@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("scale", [1, 1000])
def test_suspend_and_resume(speed: str, scale: int) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await sleep(ms(20))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ErlySusp.mask
        frame = rig.wire.frame
        await rig.wire.suspend()
        await sleep(ms(2.9) if scale == 1 else us(250))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ErlySusp.mask
        await sleep(ms(2))
        causes = await rig.bus.read32(GINTSTS.OFFSET)
        assert causes & GINTSTS.ErlySusp.mask
        assert causes & GINTSTS.USBSusp.mask
        assert await rig.bus.read32(DSTS.OFFSET) & 1
        assert (rig.wire.line_state, rig.wire.frame) == ("J", frame)
        await rig.wire.resume(ms(20))
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask
        assert not await rig.bus.read32(DSTS.OFFSET) & 1
        await sleep(ms(2))
        assert rig.wire.frame > frame
        result = await rig.in_()
        assert result.status is Status.TIMEOUT  # endpoint 1 is not active, but frames run

    run(Rig(speed=speed, time_scale=scale), main)


def test_remote_wakeup() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.wire.suspend()
        await sleep(ms(4))
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        await sleep(us(1))
        assert rig.kinds()[-1] == "remote_wakeup"
        assert rig.wire.line_state == "K"
        await rig.wire.resume(ms(20))
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask

    run(Rig(), main)


def test_reset_while_suspended_sets_resetdet() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.wire.suspend()
        await sleep(ms(4))
        assert await rig.wire.reset(ms(50)) == "high"
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ResetDet.mask

    run(Rig(), main)


def test_remote_wakeup_without_a_host_ends_with_the_bit() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        assert rig.wire.line_state == "SE0"  # not suspended: nothing to wake
        await rig.bus.write32(DCTL.OFFSET, 0)
        await rig.wire.suspend()
        await sleep(ms(6))
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        assert rig.wire.line_state == "K"
        await sleep(ms(2))
        await rig.bus.write32(DCTL.OFFSET, 0)
        assert rig.wire.line_state == "J"
        assert await rig.bus.read32(DSTS.OFFSET) & DSTS.SuspSts.mask

    run(Rig(), main)


def test_early_suspend_alone() -> None:
    """Section 13: ErlySusp at 3 ms, USBSusp and SuspSts afterwards; activity in between ends it."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await rig.wire.suspend()
        await sleep(ms(3.1))
        causes = await rig.bus.read32(GINTSTS.OFFSET)
        assert causes & GINTSTS.ErlySusp.mask
        assert not causes & GINTSTS.USBSusp.mask
        await rig.wire.resume(ms(20))
        causes = await rig.bus.read32(GINTSTS.OFFSET)
        assert not causes & (GINTSTS.USBSusp.mask | GINTSTS.WkUpInt.mask)
        assert not await rig.bus.read32(DSTS.OFFSET) & DSTS.SuspSts.mask

    run(Rig(), main)


@pytest.mark.parametrize("end", ["resume", "reset"])
def test_registers_and_detection_with_the_phy_clock_stopped(end: str) -> None:
    """Section 6: registers stay accessible; WkUpInt, USBRst and ResetDet still come."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.wire.suspend()
        await sleep(ms(4))
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await rig.bus.write32(PCGCCTL.OFFSET, 0xFFFFFFFF)
        # 6 PhySleep and 7 L1Suspended are read only.
        assert await rig.bus.read32(PCGCCTL.OFFSET) == 0xFFFFE32F
        for value in (1, 3):
            await rig.bus.write32(PCGCCTL.OFFSET, value)
            assert await rig.bus.read32(PCGCCTL.OFFSET) == value
        if end == "resume":
            await rig.wire.resume(ms(20))
            expected = GINTSTS.WkUpInt.mask
        else:
            await rig.wire.reset(ms(50))
            expected = GINTSTS.USBRst.mask | GINTSTS.ResetDet.mask
        assert await rig.bus.read32(GINTSTS.OFFSET) & expected == expected

    run(Rig(), main)


# -- test modes -------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "line"), [(1, "J"), (2, "K"), (3, "SE0"), (4, "J")])
def test_test_modes_last_until_a_new_start(mode: int, line: str) -> None:
    """Section 4, DCTL.TstCtl; USB 2.0 section 7.1.20."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(5, 1)
        await rig.start_out(512, 1)
        await rig.bus.write32(DCTL.OFFSET, DCTL.TstCtl.put(mode))
        assert rig.wire.line_state == line
        assert (
            DSTS.DevLnSts.get(await rig.bus.read32(DSTS.OFFSET)) == {"SE0": 0, "J": 2, "K": 1}[line]
        )
        assert (await rig.in_()).handshake == ("NAK" if mode == 3 else None)
        assert (await rig.out(PID.DATA0, b"abc")).handshake is None
        await rig.wire.suspend()
        await sleep(ms(5))
        assert not await rig.bus.read32(DSTS.OFFSET) & DSTS.SuspSts.mask
        await rig.bus.write32(DCTL.OFFSET, 0)
        assert await rig.wire.reset(ms(50)) is None
        assert rig.wire.line_state == line
        if mode == 4:
            assert await rig.wire.receive(us(2)) == TEST_PACKET
            assert await rig.wire.receive(us(1)) is None
        rig.wire.vbus(False)
        await sleep(ms(1))
        rig.wire.vbus(True)
        await sleep(ms(1))
        assert await rig.wire.reset(ms(50)) == "high"
        assert await rig.attach() == "high"

    run(Rig(), main)


def test_soft_reset_ends_a_test_mode() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(DCTL.OFFSET, DCTL.TstCtl.put(2))
        await rig.boot()
        assert rig.wire.line_state == "J"
        assert await rig.wire.reset(ms(50)) == "high"

    run(Rig(), main)
