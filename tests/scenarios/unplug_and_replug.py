# SPDX-License-Identifier: Apache-2.0
"""The cable goes in the middle of a transfer; both machines notice, and a second plug works."""

from __future__ import annotations

import pytest

from enumeration import GADGET
from tb.kernel import ms, sleep, spawn, timeout, us

RUNS = [{}, {"mode": "slave"}]


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    for _ in range(2):
        await bench.host.plug()
        await bench.host.wait_device(timeout_ms=5000)
        host_tty = await bench.host.open("/dev/ttyACM0")
        gadget_tty = await bench.device.open("/dev/ttyGS0")
        writing = spawn(host_tty.write(bytes(300_000)))
        writing.awaited = True
        await gadget_tty.read(100)
        await sleep(us(300))
        await bench.host.unplug()
        with pytest.raises(OSError, match="E"):
            await timeout(writing, ms(100))
        await sleep(ms(1))
        state = await bench.device.read("/sys/class/udc/10200000.usb/state")
        assert state.strip() != "configured"
        await gadget_tty.close()
        await host_tty.close()
        with pytest.raises(OSError, match="ttyACM0"):
            await bench.host.open("/dev/ttyACM0")
