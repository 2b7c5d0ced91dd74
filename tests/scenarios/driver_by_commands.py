# SPDX-License-Identifier: Apache-2.0
"""The driver starts and ends its transfers by endpoint commands (S000-06 to S000-08).

Enumeration, data both ways, halts, requests that are taken back, other configurations: all of it
as without commands, only that each START, END and stall takes its time. The argument `spin` has
the driver read until a command has ended, where it sleeps else.
"""

from __future__ import annotations

import errno

import pytest

from enumeration import GADGET
from pymodel.gen.udc_regs import DIEPCTL, DOEPCTL
from tb.gadget import alloc_ep_req, usb_ep_dequeue, usb_ep_queue
from tb.host import (
    usb_bulk_msg,
    usb_clear_halt,
    usb_control_msg,
    usb_rcvbulkpipe,
    usb_sndbulkpipe,
    usb_sndctrlpipe,
)
from tb.kernel import now, sleep, spawn, us

PROBE = False
# as the raw scenarios of commands, so that they share the hardware
PARAMETERS = {"COMMANDS": 1, "CMD_LATENCY": 20, "EP_DIRECTIONS": 0x2400}
RUNS = [
    {},
    {"lockstep": True},
    {"args": ["spin"]},
    {"args": ["spin"], "lockstep": True},
    {"mode": "slave", "speed": "full"},
    {"mode": "slave", "speed": "full", "lockstep": True},
]
TWO = GADGET.replace(
    "echo 10200000.usb > UDC",
    "mkdir functions/gser.1\nln -s functions/gser.1 configs/c.1\necho 10200000.usb > UDC",
)
LATENCY = 20
# host and gadget see a completed transfer some microseconds later
SLACK = us(60)


async def boot(bench) -> None:
    """Start the device machine with a device tree that asks for commands."""
    wanted = "plugfest,transfers-by-command;"
    if "spin" in bench.args:
        wanted += " plugfest,spin-ep-commands;"
    bench.device.node = bench.device.node.replace("dr_mode", f"{wanted} dr_mode")
    await bench.device.start()


class Gser:
    """Endpoints of the second function, whose tty nobody has opened."""

    def __init__(self, bench, device) -> None:
        """Find them on both sides."""
        self.bench, self.host = bench, device
        self.udc = bench.device.platform_device.driver_data
        for one in device.interfaces[2].altsetting[0].endpoints:
            number, is_in = one.desc.bEndpointAddress & 15, one.desc.bEndpointAddress >= 0x80
            if is_in:
                self.ep_in = self.udc.eps_in[number]
                self.pipe_in = usb_rcvbulkpipe(device, number)
            else:
                self.ep_out = self.udc.eps_out[number]
                self.pipe_out = usb_sndbulkpipe(device, number)
        self.done: list[tuple[object, int, int]] = []

    async def queue(self, ep, length: int, data: bytes = b""):
        """Queue a request."""
        request = alloc_ep_req(ep, length)
        request.data()[: len(data)] = data
        request.complete = lambda _, one: self.done.append((one, one.status, one.actual))
        await self.spawn(self._plain(usb_ep_queue, ep, request))
        return request

    async def dequeue(self, ep, request) -> None:
        """Take a request back, and wait until it is there."""
        self.done.clear()
        begin = now()
        await self.spawn(self._plain(usb_ep_dequeue, ep, request))
        while not self.done:
            await sleep(us(1))
        assert now() - begin < 2 * us(LATENCY) + SLACK
        assert self.done == [(request, -errno.ECONNRESET, 0)], self.done

    async def dequeue_if_queued(self, ep, request) -> None:
        """Take a request back that may be complete."""
        if request in ep.queue:
            usb_ep_dequeue(ep, request)

    async def _plain(self, function, *args) -> None:
        function(*args)

    def spawn(self, coro):
        """Run on the device's processor."""
        return spawn(coro, cpu=self.bench.device.cpu)


async def echo(bench) -> None:
    """Bulk both ways."""
    gadget_tty = await bench.device.open("/dev/ttyGS0")
    host_tty = await bench.host.open("/dev/ttyACM0")

    async def reflect() -> None:
        while piece := await gadget_tty.read(4096):
            await gadget_tty.write(piece)

    reflecting = spawn(reflect())
    for size in (1, 64, 512, 1500):
        data = bench.random.randbytes(size)
        sending = spawn(host_tty.write(data))
        back = b""
        while len(back) < size:
            back += await host_tty.read(size - len(back))
        assert back == data, f"{size} bytes differ"
        await sending
    reflecting.cancel()
    await host_tty.close()
    await gadget_tty.close()


async def halts(bench, device, gser: Gser) -> None:
    """The host stalls both directions, with a transfer under way or not."""
    for pipe, ep in ((gser.pipe_in, gser.ep_in), (gser.pipe_out, gser.ep_out)):
        address = ep.number | (0x80 if ep.dir_in else 0)
        request = await gser.queue(ep, 100)
        for waits in (True, False):
            control = usb_sndctrlpipe(device, 0)
            await usb_control_msg(device, control, 3, 0x02, 0, address, b"", 0, 5000)
            with pytest.raises(OSError, match="EPIPE"):
                await usb_bulk_msg(device, pipe, bytearray(64), 64, 1000)
            if waits:
                await gser.dequeue(ep, request)
            await usb_clear_halt(device, pipe)


async def main(bench) -> None:
    await boot(bench)
    await bench.device.sh(TWO)
    await bench.host.plug()
    device = await bench.host.wait_device(timeout_ms=5000)
    gser = Gser(bench, device)
    commands = gser.udc.commands
    assert commands.transfers
    await echo(bench)
    assert commands.sent > 8
    assert bool(commands.polls) == ("spin" in bench.args)
    await halts(bench, device, gser)

    # taken back at any moment; the next request is served
    for delay in (0, LATENCY // 2, LATENCY, 3 * LATENCY):
        for ep in (gser.ep_in, gser.ep_out):
            request = await gser.queue(ep, 512)
            await sleep(us(delay))
            await gser.dequeue(ep, request)
        data = bench.random.randbytes(700)
        await gser.queue(gser.ep_in, len(data), data)
        got = bytearray(1024)
        assert await usb_bulk_msg(device, gser.pipe_in, got, 1024, 1000) == len(data)
        assert got[: len(data)] == data
        request = await gser.queue(gser.ep_out, 1024)
        await usb_bulk_msg(device, gser.pipe_out, data, len(data), 1000)
        await sleep(SLACK)
        assert request.status == 0
        assert bytes(request.data()[: request.actual]) == data

    # the host looks for data all the time while they are taken back: one packet or none
    asking = spawn(usb_bulk_msg(device, gser.pipe_in, got, 60, 5000))
    for delay in range(0, 3 * LATENCY, 7):
        request = await gser.queue(gser.ep_in, 60, bytes(60))
        await sleep(us(delay))
        gser.done.clear()
        await gser.spawn(gser.dequeue_if_queued(gser.ep_in, request))
        while request.status == -errno.EINPROGRESS:
            await sleep(us(1))
        assert request.status in (0, -errno.ECONNRESET)
        if request.status == 0:
            assert await asking == 60
            asking = spawn(usb_bulk_msg(device, gser.pipe_in, got, 60, 5000))
    await gser.queue(gser.ep_in, 60, bytes(60))
    assert await asking == 60

    # no configuration, and the same again: endpoints are disabled with requests queued
    requests = [await gser.queue(gser.ep_in, 100), await gser.queue(gser.ep_out, 512)]
    await sleep(us(LATENCY // 2))
    control = usb_sndctrlpipe(device, 0)
    await usb_control_msg(device, control, 9, 0x00, 0, 0, b"", 0, 5000)
    await sleep(us(20 * LATENCY))
    assert [one.status for one in requests] == [-errno.ESHUTDOWN] * 2
    for register, ep in ((DIEPCTL, gser.ep_in), (DOEPCTL, gser.ep_out)):
        assert not await bench.hw.read32(register.at(ep.number)) & DIEPCTL.EPEna.mask
    await usb_control_msg(device, control, 9, 0x00, 1, 0, b"", 0, 5000)
