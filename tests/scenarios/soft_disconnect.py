# SPDX-License-Identifier: Apache-2.0
"""Unbinding takes the pull-up away; binding again brings the device back."""

from __future__ import annotations

import pytest

from enumeration import GADGET
from tb.kernel import ms, sleep

RUNS = [{}, {"mode": "slave"}]
UDC = "/sys/kernel/config/usb_gadget/g1/UDC"


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)
    await bench.device.write(UDC, "\n")
    await sleep(ms(2))
    assert not bench.wire.connected
    with pytest.raises(OSError, match="ttyACM0"):
        await bench.host.open("/dev/ttyACM0")
    await bench.device.write(UDC, "10200000.usb\n")
    await bench.host.wait_device(timeout_ms=5000)
    tty = await bench.host.open("/dev/ttyACM0")
    await tty.close()
