# SPDX-License-Identifier: Apache-2.0
"""The echo of `acm_echo.py`, written as an ordinary cocotb test beside other cocotb code."""

from __future__ import annotations

import cocotb
from cocotb.triggers import RisingEdge

from tb.bench import Bench

GADGET = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir g1
cd g1
echo 0x1d6b > idVendor
echo 0x0104 > idProduct
mkdir strings/0x409
echo Plugfest > strings/0x409/manufacturer
mkdir functions/acm.GS0
mkdir configs/c.1
ln -s functions/acm.GS0 configs/c.1
ls /sys/class/udc
"""


@cocotb.test()
async def echo(dut) -> None:
    bench = await Bench.attach(dut)
    interrupts = 0

    async def count_interrupts() -> None:
        nonlocal interrupts
        while True:
            await RisingEdge(dut.irq)
            interrupts += 1

    counting = cocotb.start_soon(count_interrupts())
    udc = (await bench.device.sh(GADGET)).split()[-1]
    await bench.device.sh(f"echo {udc} > /sys/kernel/config/usb_gadget/g1/UDC")
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)

    gadget_tty = await bench.device.open("/dev/ttyGS0")
    host_tty = await bench.host.open("/dev/ttyACM0")
    await host_tty.write(b"hello, gadget")
    assert await gadget_tty.read(64) == b"hello, gadget"
    await gadget_tty.write(b"hello, host")
    assert await host_tty.read(64) == b"hello, host"

    counting.cancel()
    dut._log.info("%d interrupts", interrupts)
    assert interrupts > 0
    await bench.close()
