# SPDX-License-Identifier: Apache-2.0
"""Plug in: the SETUP sequence that a Linux host sends, and what the host then knows."""

from __future__ import annotations

from pymodel.packets import PID, pid_of
from tb.usb import DeviceState, Speed

RUNS = [
    {},
    {"speed": "full"},
    {"mode": "slave"},
    {"mode": "slave", "speed": "full"},
    {"lockstep": True},
    {"mode": "slave", "lockstep": True},
    {"time-scale": "1"},
]
ICARUS = True

GADGET = """
mkdir /sys/kernel/config/usb_gadget/g1
cd /sys/kernel/config/usb_gadget/g1
echo 0x1d6b > idVendor
echo 0x0104 > idProduct
mkdir strings/0x409
echo 0123456789 > strings/0x409/serialnumber
echo Plugfest > strings/0x409/manufacturer
echo Thing > strings/0x409/product
mkdir functions/acm.GS0
mkdir configs/c.1
ln -s functions/acm.GS0 configs/c.1
echo 10200000.usb > UDC
"""


async def main(bench) -> None:
    setups: list[bytes] = []
    last = {"pid": None}

    def watch(records) -> None:
        for record in records:
            pid = pid_of(record.data)
            if last["pid"] == PID.SETUP and pid == PID.DATA0 and record.from_host:
                setups.append(record.data[1:9])
            last["pid"] = pid

    bench.controller.wire.monitor(watch)
    await bench.device.sh(GADGET)
    assert (await bench.device.read("/sys/class/udc/10200000.usb/state")).strip() != "configured"
    await bench.host.plug()
    device = await bench.host.wait_device(timeout_ms=5000)
    assert device.speed == (Speed.HIGH if bench.options.speed == "high" else Speed.FULL)
    assert device.state == DeviceState.CONFIGURED
    assert device.descriptor.idVendor == 0x1D6B
    assert device.product == "Thing"
    assert (await bench.device.read("/sys/class/udc/10200000.usb/state")).strip() == "configured"
    assert setups[0] == bytes.fromhex("8006000100004000")
    assert setups[1][:2] == b"\x00\x05"
    assert setups[2] == bytes.fromhex("8006000100001200")
    kinds = [setup[:2] + setup[3:4] for setup in setups]
    assert (bytes.fromhex("800606") in kinds) == (bench.options.speed == "full")
    assert kinds.index(bytes.fromhex("000900")) > kinds.index(bytes.fromhex("800602"))
    text = bench.host.lsusb()
    assert "idVendor           0x1d6b" in text
    assert "Thing" in text
