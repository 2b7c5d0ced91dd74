# SPDX-License-Identifier: Apache-2.0
"""Bus resets while data flow: the device comes back to its default state every time."""

from __future__ import annotations

from enumeration import GADGET
from raw import GET_DEVICE, BulkOut, configure, connect, control_in

HOST = False
RUNS = [{}, {"mode": "slave"}, {"speed": "full"}, {"lockstep": True}]
PAIRS = [
    {"mode": "slave", "fifo": "shared", "speed": "full"},
    {"fifo": "shared"},
    {"mode": "desc", "speed": "full"},
]


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    wire = bench.wire
    await connect(bench)
    for round_ in range(3):
        assert await wire.reset() == bench.options.speed
        await wire.sof(2)
        assert len(await control_in(bench, GET_DEVICE)) == 18
        await configure(bench)
        tty = await bench.device.open("/dev/ttyGS0")
        pipe = BulkOut(bench, 5, 1)
        for _ in range(round_ + 1):
            await pipe.send(bytes(40))
        if round_ == 1:
            await wire.setup(5, 0, GET_DEVICE)
        await wire.reset()
        await wire.sof(2)
        silent = await wire.setup(5, 0, GET_DEVICE)
        assert silent.handshake is None, "address 5 is gone after a reset"
        state = await bench.device.read("/sys/class/udc/10200000.usb/state")
        assert state.strip() == "default"
        await tty.close()
