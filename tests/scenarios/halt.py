# SPDX-License-Identifier: Apache-2.0
"""SET_FEATURE(ENDPOINT_HALT): STALL until cleared, and toggles start again (usbtest 13, 29)."""

from __future__ import annotations

import errno

import pytest

from enumeration import GADGET
from tb.host import (
    usb_bulk_msg,
    usb_clear_halt,
    usb_control_msg,
    usb_rcvbulkpipe,
    usb_rcvctrlpipe,
    usb_sndbulkpipe,
    usb_sndctrlpipe,
)

RUNS = [{}, {"mode": "slave"}, {"lockstep": True}]
PAIRS = [
    {"mode": "slave", "fifo": "shared"},
    {"fifo": "shared", "speed": "full"},
    {"mode": "desc"},
]


async def halted(device, address: int) -> int:
    buffer = bytearray(2)
    await usb_control_msg(device, usb_rcvctrlpipe(device, 0), 0, 0x82, 0, address, buffer, 2, 5000)
    return buffer[0]


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    await bench.host.plug()
    device = await bench.host.wait_device(timeout_ms=5000)
    endpoints = device.interfaces[1].altsetting[0].endpoints
    for endpoint in endpoints:
        address = endpoint.desc.bEndpointAddress
        is_in = bool(address & 0x80)
        pipe = (usb_rcvbulkpipe if is_in else usb_sndbulkpipe)(device, address & 15)
        assert await halted(device, address) == 0
        await usb_control_msg(device, usb_sndctrlpipe(device, 0), 3, 0x02, 0, address, b"", 0, 5000)
        assert await halted(device, address) == 1
        for _ in range(2):
            with pytest.raises(OSError, match="EPIPE") as caught:
                await usb_bulk_msg(device, pipe, bytearray(64), 64, 1000)
            assert caught.value.errno == errno.EPIPE
        await usb_clear_halt(device, pipe)
        assert await halted(device, address) == 0
    tty = await bench.device.open("/dev/ttyGS0")
    host_tty = await bench.host.open("/dev/ttyACM0")
    await host_tty.write(b"still works")
    assert await tty.read(64) == b"still works"
    await host_tty.close()
    await tty.close()
