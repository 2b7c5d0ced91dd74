# SPDX-License-Identifier: Apache-2.0
"""Suspend, remote wake-up and test modes on the model's wire (facts section 4, 6 and 13)."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import DCTL, DSTS, GINTSTS, PCGCCTL
from pymodel.packets import PID, TEST_PACKET
from tb.kernel import ms, sleep, us
from tests.sim.model_rig import Rig, run


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
