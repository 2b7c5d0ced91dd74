# SPDX-License-Identifier: Apache-2.0
"""Data through /dev/ttyACM0 to /dev/ttyGS0 and back, around every packet boundary."""

from __future__ import annotations

from enumeration import GADGET
from tb.kernel import spawn

RUNS = [
    {},
    {"speed": "full"},
    {"mode": "slave"},
    {"mode": "slave", "speed": "full"},
    {"lockstep": True},
    {"lockstep": True, "core-mhz": "60"},
    {"lockstep": True, "core-mhz": "75"},
    {"lockstep": True, "core-mhz": "100"},
    {"mode": "slave", "lockstep": True},
]
PAIRS = [
    {"speed": "full", "backend": "verilator"},
    {"mode": "slave", "speed": "full", "backend": "verilator"},
    {"mode": "desc"},
    {"mode": "desc", "speed": "full"},
    {"fifo": "shared"},
    {"fifo": "shared", "speed": "full"},
    {"mode": "slave", "fifo": "shared"},
    {"mode": "slave", "fifo": "shared", "speed": "full"},
]
SIZES = [1, 63, 64, 65, 511, 512, 513, 1024, 3000]


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)
    gadget_tty = await bench.device.open("/dev/ttyGS0")
    host_tty = await bench.host.open("/dev/ttyACM0")

    async def echo() -> None:
        while piece := await gadget_tty.read(4096):
            await gadget_tty.write(piece)

    echoing = spawn(echo())
    for size in SIZES:
        data = bench.random.randbytes(size)
        sending = spawn(host_tty.write(data))
        back = b""
        while len(back) < size:
            back += await host_tty.read(size - len(back))
        assert back == data, f"{size} bytes differ"
        await sending
    echoing.cancel()
    await host_tty.close()
    await gadget_tty.close()
