# SPDX-License-Identifier: Apache-2.0
"""The host allows remote wake-up and suspends the bus; the gadget wakes it (gadget-core.md 9)."""

from __future__ import annotations

from pymodel.gen.udc_regs import DCTL
from raw import GADGET, GET_DEVICE, configure, control_in, control_out, plug
from tb.kernel import ms, sleep, spawn, us
from tb.usb import SetupPacket

HOST = False
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"lockstep": True}]
PAIRS = [
    {"mode": "desc", "backend": "model"},
    {"mode": "slave", "fifo": "shared", "speed": "full"},
]
STATE = "/sys/class/udc/10200000.usb/state"
SRP = "/sys/class/udc/10200000.usb/srp"
SET_WAKEUP = bytes(SetupPacket(0x00, 3, 1, 0, 0))
CLEAR_WAKEUP = bytes(SetupPacket(0x00, 1, 1, 0, 0))
GET_STATUS = bytes(SetupPacket(0x80, 0, 0, 0, 2))


async def main(bench) -> None:
    device, wire = bench.device, bench.wire
    allowed = "echo 0xa0 > configs/c.1/bmAttributes\necho 10200000.usb > UDC"
    await device.sh(GADGET.replace("echo 10200000.usb > UDC", allowed))
    await plug(bench)
    await configure(bench)
    await control_out(bench, SET_WAKEUP, 5)
    assert await control_in(bench, GET_STATUS, 5) == b"\x02\x00"
    await wire.suspend()
    await sleep(ms(6))
    assert await device.read(STATE) == "suspended\n"
    assert wire.line_state == "J"
    waking = spawn(device.write(SRP, "1"), name="wake")
    while wire.line_state != "K":
        await sleep(us(1))
    # The hub takes over, and holds on when the device has let go (USB 2.0 7.1.7.7).
    await wire.resume()
    await waking
    assert not await bench.hw.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
    await wire.sof(2)
    assert await device.read(STATE) == "configured\n"
    assert (await control_in(bench, GET_DEVICE, 5))[:2] == b"\x12\x01"
    # Not allowed any more: the gadget stays quiet.
    await control_out(bench, CLEAR_WAKEUP, 5)
    await wire.suspend()
    await sleep(ms(6))
    await device.write(SRP, "1")
    await sleep(us(50))
    assert wire.line_state == "J"
    assert await device.read(STATE) == "suspended\n"
    await wire.resume()
    await wire.sof(2)
    assert await control_in(bench, GET_STATUS, 5) == b"\x00\x00"
