# SPDX-License-Identifier: Apache-2.0
"""SET_FEATURE(TEST_MODE): the status stage is answered first, then the core is in the mode."""

from __future__ import annotations

import pytest

from bus_test_modes import plug, unplug
from raw import GET_DEVICE, attach_gadget, control_in, control_out
from tb.kernel import sleep, us
from tb.usb import SetupPacket

HOST = False
RUNS = [{}, {"mode": "slave"}]
SE0_NAK = 0x0300


def feature(index: int, request: int = 3) -> bytes:
    return bytes(SetupPacket(0x00, request, 2, index, 0))


async def main(bench) -> None:
    wire = bench.wire
    await attach_gadget(bench)
    for wrong in (feature(0), feature(0x0600), feature(SE0_NAK | 2), feature(SE0_NAK, 1)):
        with pytest.raises(BrokenPipeError):
            await control_out(bench, wrong)
    assert len(await control_in(bench, GET_DEVICE)) == 18
    await control_out(bench, feature(SE0_NAK))
    await sleep(us(50))
    for endpoint in (1, 9):
        result = await wire.in_(0, endpoint)
        assert result.handshake == "NAK", (endpoint, result)
    result = await wire.setup(0, 0, GET_DEVICE, by_hand=True)
    assert result.handshake is None, result
    # Power-off ends it; the driver starts anew.
    await unplug(bench)
    await bench.device.sh(
        "cd /sys/kernel/config/usb_gadget/g1\necho > UDC\necho 10200000.usb > UDC"
    )
    await plug(bench)
    assert len(await control_in(bench, GET_DEVICE)) == 18
