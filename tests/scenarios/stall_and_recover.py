# SPDX-License-Identifier: Apache-2.0
"""A request that nobody knows stalls; the next SETUP clears it (USB 2.0 section 8.5.3.4)."""

from __future__ import annotations

from raw import GET_DEVICE, attach_gadget, control_in
from tb.usb import SetupPacket

HOST = False
ICARUS = True
RUNS = [{}, {"mode": "slave"}, {"speed": "full"}]
PAIRS = [
    {"mode": "desc", "speed": "full"},
    {"mode": "slave", "fifo": "shared"},
    {"fifo": "shared"},
]


async def main(bench) -> None:
    await attach_gadget(bench)
    for setup in (
        SetupPacket(0x80, 6, 0xFE00, 0, 18),
        SetupPacket(0xC0, 0x77, 0, 0, 4),
        SetupPacket(0x80, 6, 0x0109, 0, 18),
    ):
        try:
            await control_in(bench, bytes(setup))
        except BrokenPipeError:
            pass
        else:
            if setup.wValue != 0x0109:
                raise AssertionError(f"{setup} was answered")
        assert len(await control_in(bench, GET_DEVICE)) == 18
