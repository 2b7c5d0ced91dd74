# SPDX-License-Identifier: Apache-2.0
"""DCFG.NZStsOUTHShk: data in the status stage of a control read are answered with STALL."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCFG
from pymodel.packets import PID
from raw import GET_DEVICE, attach_gadget, control_in, control_out, retry
from tb.usb import SetupPacket

HOST = False
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"mode": "slave", "speed": "full"}]


async def main(bench) -> None:
    hw, wire = bench.hw, bench.wire
    await attach_gadget(bench)
    await hw.write32(DCFG.OFFSET, await hw.read32(DCFG.OFFSET) | DCFG.NZStsOUTHShk.mask)
    for size in (1, 8, 64):
        result = await wire.setup(0, 0, GET_DEVICE)
        assert result.handshake == "ACK", result
        result = await retry(bench, wire.in_, 0, 0)
        assert len(result.rx_data) == 18
        for _ in range(2):
            result = await retry(bench, wire.out, 0, 0, PID.DATA1, bytes(size), by_hand=True)
            assert result.handshake == "STALL", (size, result)
        # the next SETUP is heard, and an empty status stage is as ever
        assert len(await control_in(bench, GET_DEVICE)) == 18
    # no control read: no such rule
    await control_out(bench, bytes(SetupPacket(0, 5, 7, 0, 0)))
    assert len(await control_in(bench, GET_DEVICE, 7)) == 18
