# SPDX-License-Identifier: Apache-2.0
"""LPM through both machines: the dwc2 driver answers, the host's port enters and leaves L1.

`-- off` in the arguments: the device tree switches LPM off.
"""

from __future__ import annotations

import errno

from pymodel.gen.udc_regs import GLPMCFG
from tb.gadget import default_node, usb_gadget_wakeup
from tb.gadget.udc.dwc2_lpm import LxState
from tb.host import (
    L1Status,
    usb_bulk_msg,
    usb_disable_lpm,
    usb_enable_lpm,
    usb_rcvbulkpipe,
    usb_reset_device,
    usb_set_interface,
    usb_sndbulkpipe,
)
from tb.host.lpm import usb2_extension
from tb.kernel import now, sleep, us

# the driver is probed by `main`, with a device tree node of its own
PROBE = False
PARAMETERS = {"LPM": 1}
RUNS = [
    {},
    {"speed": "full"},
    {"mode": "slave", "backend": "model"},
    {"args": ["off"], "backend": "model"},
    {"lockstep": True},
    {"lockstep": True, "speed": "full"},
    {"lockstep": True, "speed": "full", "args": ["off"]},
]

GADGET = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir $1; cd $1
echo 0x1d6b > idVendor
mkdir functions/$1.0
mkdir configs/c.1
echo 0xa0 > configs/c.1/bmAttributes
ln -s functions/$1.0 configs/c.1
echo 10200000.usb > UDC
"""
BASELINE, DEEP = 1, 5
IDLE_US = 512


class Link:
    """The link as its three witnesses see it: host, driver, register."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.port = bench.host.bus.hcd.lpm
        self.lpm = bench.device.platform_device.driver_data.lpm

    async def asleep(self) -> bool:
        """Tell whether the link is in L1; all must agree."""
        value = await self.bench.hw.read32(GLPMCFG.OFFSET)
        states = (
            self.port.state == "L1",
            self.lpm.lx_state is LxState.L1,
            bool(value & GLPMCFG.SlpSts.mask),
        )
        assert len(set(states)) == 1, states
        return states[0]

    async def until(self, state: str, limit: int = us(3000)) -> None:
        """Wait until the host's port is in a state, and let the driver catch up."""
        end = now() + limit
        while self.port.state != state:
            assert now() < end, f"the link is in {self.port.state}, not in {state}"
            await sleep(us(5))
        await sleep(us(40))
        assert await self.asleep() == (state == "L1")


async def boot(bench) -> None:
    """Start the device machine with BESL values, or with LPM off."""
    wanted = f"plugfest,besl-baseline = <{BASELINE}>; plugfest,besl-deep = <{DEEP}>;"
    if "off" in bench.args:
        wanted = "snps,usb2-gadget-lpm-disable;"
    plain = default_node(bench.controller.parameters)
    bench.device.node = plain.replace("dr_mode", wanted + " dr_mode")
    await bench.device.start()
    await bench.device.sh(GADGET.replace("$1", "Loopback"))


async def off(bench, dev) -> None:
    """No extension descriptor, and no answer to a token that comes all the same."""
    assert dev.descriptor.bcdUSB == 0x0200
    assert not dev.bos
    assert not dev.lpm_capable
    port = bench.host.bus.hcd.lpm
    await sleep(us(4 * IDLE_US))
    assert (port.naps, port.status) == (0, None)
    assert await port.suspend(dev) is L1Status.TIMEOUT
    assert await bench.hw.read32(GLPMCFG.OFFSET) == 0
    await loop(bench, dev, b"awake")


async def loop(bench, dev, text: bytes) -> None:
    """Send something through the loopback function and back."""
    out, back = pipes(dev)
    assert await usb_bulk_msg(dev, out, text, len(text), 1000) == len(text)
    data = bytearray(512)
    assert await usb_bulk_msg(dev, back, data, 512, 1000) == len(text)
    assert bytes(data[: len(text)]) == text


def pipes(dev) -> tuple[int, int]:
    """Return the pipes of the loopback function, out and in."""
    numbers = {one.is_in: one.desc.number for one in dev.interfaces[0].cur_altsetting.endpoints}
    return usb_sndbulkpipe(dev, numbers[False]), usb_rcvbulkpipe(dev, numbers[True])


async def enumeration(dev) -> None:
    """The extension descriptor has come, and what it says is used."""
    assert dev.descriptor.bcdUSB == 0x0201
    assert usb2_extension(dev.bos) == 0x1E | BASELINE << 8 | DEEP << 12
    assert dev.lpm_capable
    assert dev.usb2_hw_lpm_besl_capable
    assert dev.usb2_hw_lpm_enabled


async def host_resumes(bench, link, dev) -> None:
    """Bulk transfers before L1, in it (they wake the link), and after it."""
    naps = link.port.naps
    for turn in range(3):
        await loop(bench, dev, bytes([turn]) * 100)
        assert link.port.state == "L0"
        await link.until("L1")
        assert GLPMCFG.HIRD.get(await bench.hw.read32(GLPMCFG.OFFSET)) == BASELINE
    assert link.port.naps == naps + 3


async def not_ready(bench, link, dev) -> None:
    """NYET while the device has data that nobody fetches; deep sleep afterwards."""
    out, back = pipes(dev)
    await usb_disable_lpm(dev)
    await link.until("L0")
    await usb_bulk_msg(dev, out, b"x" * 20, 20, 1000)
    await sleep(us(50))
    assert await link.port.suspend(dev) is L1Status.NYET
    assert not await link.asleep()
    data = bytearray(64)
    assert await usb_bulk_msg(dev, back, data, 64, 1000) == 20
    assert await link.port.suspend(dev, deep=True, remote_wake=False) is L1Status.SUCCESS
    await link.until("L1")
    assert GLPMCFG.HIRD.get(await bench.hw.read32(GLPMCFG.OFFSET)) == DEEP
    try:
        await wakeup(bench)
    except OSError as error:
        assert error.errno == errno.EINVAL
    else:
        raise AssertionError("the host had not allowed it")
    await loop(bench, dev, b"y" * 30)
    await link.until("L0")
    usb_enable_lpm(dev)
    await link.until("L1")


async def wakeup(bench) -> None:
    """Let the device machine signal remote wake-up."""
    gadget = bench.device.platform_device.driver_data.gadget
    await bench.kernel.spawn(usb_gadget_wakeup(gadget), name="wake", cpu=bench.device.cpu)


async def set_interface_and_reset(bench, link, dev) -> None:
    """Both bring the device back from L1, and L1 is entered again."""
    await link.until("L1")
    await usb_set_interface(dev, 0, 0)
    assert dev.lpm_disable_count == 0
    await link.until("L1")
    await usb_reset_device(dev)
    await loop(bench, dev, b"after the reset")
    await link.until("L1")


async def another_gadget(bench, link):
    """The pull-up goes in L1; then it is a tty."""
    assert await link.asleep()
    await bench.device.sh("cd /sys/kernel/config/usb_gadget/Loopback; echo > UDC")
    assert link.lpm.lx_state is LxState.L0
    while bench.host.devices:
        await sleep(us(100))
    assert link.port.state == "L0"
    await bench.device.sh(GADGET.replace("$1", "acm"))
    dev = await bench.host.wait_device()
    assert dev.usb2_hw_lpm_enabled
    return dev


async def device_wakes(bench, link, dev) -> None:
    """`usb_gadget_wakeup`, then data of a tty: the host has reads pending in L1."""
    host = await bench.host.open("/dev/ttyACM0")
    device = await bench.device.open("/dev/ttyGS0")
    # until the notification endpoint has been asked
    await link.until("L1", us(100_000))
    await wakeup(bench)
    await link.until("L0")
    await link.until("L1")
    begin = now()
    await device.write(b"good morning")
    assert await host.read(12) == b"good morning"
    # up to a frame until the first SOF after resume
    assert us(50) < now() - begin < us(700 if bench.options.speed == "high" else 1700)
    await link.until("L1")
    await host.write(b"good night")
    assert await device.read(10) == b"good night"
    await link.until("L1")

    # not allowed to wake: the device's data wait for the host
    await usb_disable_lpm(dev)
    await sleep(us(200))
    assert await link.port.suspend(dev, remote_wake=False) is L1Status.SUCCESS
    await link.until("L1")
    await device.write(b"late")
    await sleep(us(300))
    assert await link.asleep()
    await link.port.resume()
    assert await host.read(4) == b"late"
    usb_enable_lpm(dev)
    await link.until("L1", us(100_000))


async def main(bench) -> None:
    await boot(bench)
    await bench.host.plug()
    dev = await bench.host.wait_device()
    if "off" in bench.args:
        await off(bench, dev)
        return
    await enumeration(dev)
    link = Link(bench)
    await host_resumes(bench, link, dev)
    await not_ready(bench, link, dev)
    await set_interface_and_reset(bench, link, dev)
    dev = await another_gadget(bench, link)
    await device_wakes(bench, link, dev)
    # the cable goes in L1
    assert await link.asleep()
    await bench.host.unplug()
    await sleep(us(200))
    assert link.lpm.lx_state is LxState.L0
    await bench.host.plug()
    dev = await bench.host.wait_device()
    device = await bench.device.open("/dev/ttyGS0")
    await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 1), b"again", 5, 1000)
    assert await device.read(5) == b"again"
