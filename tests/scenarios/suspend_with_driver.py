# SPDX-License-Identifier: Apache-2.0
"""A host suspends a configured bus twice: it resumes it, then the device wakes it up.

Facts section 13: ErlySusp, then USBSusp and SuspSts; WkUpInt at resume; RmtWkUpSig drives K.
"""

from __future__ import annotations

from pymodel.gen.udc_regs import DCTL, DSTS
from raw import GET_DEVICE, attach_gadget, control_in
from tb.kernel import ms, sleep, us

HOST = False
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}]


async def _suspended(bench) -> bool:
    return bool(await bench.hw.read32(DSTS.OFFSET) & DSTS.SuspSts.mask)


async def _alive(bench) -> None:
    """The device still answers a control transfer."""
    await bench.wire.sof(2)
    assert not await _suspended(bench)
    assert (await control_in(bench, GET_DEVICE))[:2] == b"\x12\x01"


async def main(bench) -> None:
    """Suspend, resume; suspend, remote wake-up, resume."""
    await attach_gadget(bench)
    await bench.wire.suspend()
    await sleep(ms(5))
    assert await _suspended(bench)
    assert bench.wire.line_state == "J"
    await bench.wire.resume()
    await _alive(bench)

    await bench.wire.suspend()
    await sleep(ms(6))
    assert await _suspended(bench)
    await bench.hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    await sleep(us(20))
    assert bench.wire.line_state == "K"
    # The hub takes over; the device lets go while the hub still drives (USB 2.0 7.1.7.7).
    task = bench.kernel.spawn(bench.wire.resume())
    await sleep(us(50))
    await bench.hw.write32(DCTL.OFFSET, 0)
    await task
    await _alive(bench)
