# SPDX-License-Identifier: Apache-2.0
"""DCTL.TstCtl: the test modes of USB 2.0 section 7.1.20, left only with the power."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCTL
from pymodel.packets import PID, build_data
from raw import GET_DEVICE, attach_gadget, control_in, plug
from tb.kernel import ms, sleep, us

HOST = False
RUNS = [{}, {"mode": "slave"}]
TEST_J, TEST_K, TEST_SE0_NAK, TEST_PACKET, TEST_FORCE_ENABLE = 1, 2, 3, 4, 5
PACKET = bytes.fromhex(
    "00" * 9 + "aa" * 8 + "ee" * 8 + "fe" + "ff" * 11 + "7fbfdfeff7fbfd" + "fc7ebfdfeff7fbfd7e"
)


async def leave(bench) -> None:
    """Neither registers nor a bus reset end a test mode; the power does."""
    await bench.hw.write32(DCTL.OFFSET, await bench.hw.read32(DCTL.OFFSET) & ~DCTL.TstCtl.mask)
    await sleep(us(5))


async def enter(bench, mode: int) -> None:
    await bench.wire.suspend()
    dctl = await bench.hw.read32(DCTL.OFFSET) & ~DCTL.TstCtl.mask
    await bench.hw.write32(DCTL.OFFSET, dctl | DCTL.TstCtl.put(mode))
    await sleep(us(5))


async def unplug(bench) -> None:
    bench.wire.vbus(False)
    while bench.wire.connected:
        await sleep(us(10))
    await sleep(us(20))


async def main(bench) -> None:
    wire = bench.wire
    await attach_gadget(bench)
    for mode, state in ((TEST_J, "J"), (TEST_K, "K")):
        await enter(bench, mode)
        for _ in range(3):
            assert wire.line_state == state, (mode, wire.line_state)
            await leave(bench)
            await sleep(ms(1))
        await unplug(bench)
        await plug(bench)
    await enter(bench, TEST_SE0_NAK)
    for _ in range(2):
        assert wire.line_state == "SE0"
        for endpoint in (0, 1, 9):
            result = await wire.in_(0, endpoint)
            assert result.handshake == "NAK", (endpoint, result)
        result = await wire.setup(0, 0, GET_DEVICE, by_hand=True)
        assert result.handshake is None, result
        await leave(bench)
        await sleep(ms(1))
        await enter(bench, TEST_J)
    await unplug(bench)
    await leave(bench)
    await plug(bench)
    assert len(await control_in(bench, GET_DEVICE)) == 18
    # a stray packet first: what follows it is nobody's answer
    await wire.suspend()
    await wire.send(b"\x5a", by_hand=True)
    await enter(bench, TEST_PACKET)
    for _ in range(3):
        assert await wire.receive(us(125)) == build_data(PID.DATA0, PACKET)
    await unplug(bench)
    # no host asked for these
    assert {one.rule for one in bench.checker.violations} == {"device-unasked"}
    bench.checker.violations.clear()
    await leave(bench)
    await plug(bench)
    assert len(await control_in(bench, GET_DEVICE)) == 18
