# SPDX-License-Identifier: Apache-2.0
"""Endpoint operations of the dwc2 driver on the model (gadget-core.md section 2, section 11)."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tb.gadget import (
    UsbEp,
    UsbRequest,
    alloc_ep_req,
    free_ep_req,
    usb_ep_clear_halt,
    usb_ep_dequeue,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_fifo_status,
    usb_ep_queue,
    usb_ep_set_halt,
    usb_ep_set_wedge,
)
from tb.kernel import ms, os_error, sleep, us
from tb.usb import EndpointDescriptor
from tests.gadget.mini_host import MiniHost, run

MODES = (*MiniHost.MODES, *MiniHost.COMMAND_MODES)
GADGET = """
cd /sys/kernel/config/usb_gadget
mkdir z; cd z
mkdir functions/gser.0 configs/c.1
ln -s functions/gser.0 configs/c.1
echo 10200000.usb > UDC
"""


class Log:
    """Completions in order."""

    def __init__(self) -> None:
        self.done: list[tuple[UsbRequest, int, int]] = []

    def complete(self, ep: UsbEp, request: UsbRequest) -> None:
        self.done.append((request, request.status, request.actual))

    def statuses(self) -> list[int]:
        return [status for _, status, _ in self.done]

    def make(self, ep: UsbEp, length: int, data: bytes = b"", own: bool = False) -> UsbRequest:
        request = alloc_ep_req(ep, length)
        if own:
            free_ep_req(ep, request)
            request.buf = bytearray(length)
        request.complete = self.complete
        if data:
            request.data()[: len(data)] = data
        return request


async def ready(host: MiniHost) -> tuple[UsbEp, UsbEp, Log]:
    """Enumerate, then take the endpoints away from the closed tty."""
    await host.device.sh(GADGET)
    await host.attach()
    await host.enumerate()
    udc = host.udc
    return udc.eps_in[1], udc.eps_out[1], Log()


def scenario(mode: str, main: Any) -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        # As a function would: on the machine's own processor.
        task = host.kernel.spawn(main(host, ep_in, ep_out, log), name="test", cpu=host.device.cpu)
        await task

    run(MiniHost(mode), whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("own", [False, True])
def test_disable_gives_back_in_order(mode: str, own: bool) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for ep in (ep_in, ep_out):
            requests = [log.make(ep, 2000, own=own) for _ in range(3)]
            for request in requests:
                usb_ep_queue(ep, request)
                assert request.status == -errno.EINPROGRESS
            with pytest.raises(OSError) as caught:
                usb_ep_queue(ep, requests[0])
            assert caught.value.errno == errno.EBUSY
            await sleep(us(50))
            if "slave" not in mode and not own:
                with pytest.raises(OSError) as caught:
                    requests[0].data()
                assert caught.value.errno == errno.EBUSY
            await usb_ep_disable(ep)
            assert [one for one, _, _ in log.done] == requests
            assert log.statuses() == [-errno.ESHUTDOWN] * 3
            requests[0].data()
            with pytest.raises(OSError) as caught:
                usb_ep_queue(ep, requests[0])
            assert caught.value.errno == errno.ESHUTDOWN
            log.done.clear()
            await usb_ep_enable(ep)
        # Still works, from DATA0 on.
        request = log.make(ep_in, 100, b"a" * 100, own=own)
        usb_ep_queue(ep_in, request)
        assert await host.bulk_in(1, 512) == b"a" * 100
        request = log.make(ep_out, 100, own=own)
        usb_ep_queue(ep_out, request)
        await host.bulk_out(1, b"b" * 70)
        await sleep(us(50))
        assert log.done[-1][1:] == (0, 70)
        assert bytes(request.data()[:70]) == b"b" * 70

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_dequeue(mode: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        one, two, three = (log.make(ep_in, 512, bytes((n,)) * 512) for n in (1, 2, 3))
        for request in (one, two, three):
            usb_ep_queue(ep_in, request)
        await sleep(us(50))
        usb_ep_dequeue(ep_in, two)
        assert log.done == [(two, -errno.ECONNRESET, 0)]
        usb_ep_dequeue(ep_in, one)
        await sleep(us(100))
        assert log.done[1][:2] == (one, -errno.ECONNRESET)
        assert await host.bulk_in(1, 512) == bytes((3,)) * 512
        await sleep(us(50))
        assert log.done[2] == (three, 0, 512)
        with pytest.raises(OSError) as caught:
            usb_ep_dequeue(ep_in, three)
        assert caught.value.errno == errno.EINVAL
        first, second = log.make(ep_out, 1024), log.make(ep_out, 1024)
        usb_ep_queue(ep_out, first)
        usb_ep_queue(ep_out, second)
        await sleep(us(50))
        usb_ep_dequeue(ep_out, first)
        await sleep(us(100))
        assert log.done[3][:2] == (first, -errno.ECONNRESET)
        await host.bulk_out(1, b"q" * 600)
        await sleep(us(50))
        assert log.done[4] == (second, 0, 600)

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_zero_length_packets_and_overflow(mode: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for length, zero in ((1024, True), (1024, False), (0, False), (513, True)):
            request = log.make(ep_in, length, bytes(length))
            request.zero = zero
            usb_ep_queue(ep_in, request)
        assert len(await host.bulk_in(1, 1536)) == 1024
        assert len(await host.bulk_in(1, 1024)) == 1024
        assert len(await host.bulk_in(1, 512)) == 0
        assert len(await host.bulk_in(1, 1024)) == 513
        await sleep(us(50))
        assert [actual for _, _, actual in log.done] == [1024, 1024, 0, 513]
        log.done.clear()
        for length in (512, 100, 700):
            usb_ep_queue(ep_out, log.make(ep_out, length, own=length == 100))
        await host.bulk_out(1, b"")
        await host.bulk_out(1, b"x" * 300)
        await host.bulk_out(1, b"y" * 700)
        await sleep(us(50))
        assert log.statuses() == [0, -errno.EOVERFLOW, 0]
        assert [actual for _, _, actual in log.done] == [0, 100, 700]

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_halt_and_wedge(mode: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        request = log.make(ep_in, 512)
        usb_ep_queue(ep_in, request)
        with pytest.raises(OSError) as caught:
            await usb_ep_set_halt(ep_in)
        assert caught.value.errno == errno.EAGAIN
        await host.bulk_in(1, 512)
        await sleep(us(50))
        await usb_ep_set_halt(ep_in)
        with pytest.raises(OSError) as caught:
            await host.bulk_in(1, 512)
        assert caught.value.errno == errno.EPIPE
        assert await host.control(0x82, 0, 0, 0x81, 2) == b"\x01\x00"
        await host.control(0x02, 1, 0, 0x81)
        host.toggles.clear()
        assert await host.control(0x82, 0, 0, 0x81, 2) == b"\x00\x00"
        usb_ep_queue(ep_in, request)
        assert len(await host.bulk_in(1, 512)) == 512
        await sleep(us(50))
        # A wedge outlasts the host's attempt to clear it.
        await usb_ep_set_wedge(ep_in)
        await host.control(0x02, 1, 0, 0x81)
        assert await host.control(0x82, 0, 0, 0x81, 2) == b"\x01\x00"
        with pytest.raises(OSError) as caught:
            await host.bulk_in(1, 512)
        await usb_ep_clear_halt(ep_in)
        host.toggles.clear()
        usb_ep_queue(ep_in, request)
        assert len(await host.bulk_in(1, 512)) == 512
        # SET_FEATURE by the host while a request waits: it survives the halt.
        usb_ep_queue(ep_out, log.make(ep_out, 512))
        await sleep(us(50))
        await host.control(0x02, 3, 0, 0x01)
        with pytest.raises(OSError):
            await host.bulk_out(1, b"1")
        await host.control(0x02, 1, 0, 0x01)
        await host.bulk_out(1, b"12")
        await sleep(us(50))
        assert log.done[-1][1:] == (0, 2)
        with pytest.raises(OSError):
            await host.control(0x02, 3, 0, 0x83)
        with pytest.raises(OSError) as caught:
            await usb_ep_fifo_status(ep_in)
        assert caught.value.errno == errno.EOPNOTSUPP

    scenario(mode, main)


def test_fifo_choice() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        udc = host.udc
        await usb_ep_disable(ep_in)
        udc.hw.fifo_words[1:] = [64, 32, 256, 16, 16, 16, 16]
        assert ep_in.desc is not None
        await usb_ep_enable(ep_in)
        assert udc.eps_in[1].fifo == 3
        second = udc.eps_in[2]
        second.address = 0x82
        second.desc = EndpointDescriptor(0x82, 3, 64, 9)
        await usb_ep_enable(second)
        assert second.fifo == 4
        third = udc.eps_in[3]
        third.address = 0x83
        third.desc = EndpointDescriptor(0x83, 2, 512)
        with pytest.raises(OSError, match="g-tx-fifo-size") as caught:
            await usb_ep_enable(third)
        assert caught.value.errno == errno.ENOMEM
        third.desc = EndpointDescriptor(0x83, 0, 64)
        with pytest.raises(OSError) as caught:
            await usb_ep_enable(third)
        assert caught.value.errno == errno.EINVAL
        third.desc = None
        with pytest.raises(OSError) as caught:
            await usb_ep_enable(third)
        assert caught.value.errno == errno.EINVAL

    scenario("dma", main)


@pytest.mark.parametrize("mode", MODES)
def test_suspend_resume_and_unplug(mode: str) -> None:
    state = "/sys/class/udc/10200000.usb/state"

    async def main(host: MiniHost) -> None:
        await ready(host)
        device = host.device
        await host.wire.suspend()
        await sleep(ms(10))
        assert await device.read(state) == "suspended\n"
        assert await device.read("/sys/class/udc/10200000.usb/gadget/suspended") == "1\n"
        await host.wire.resume(ms(1))
        await sleep(ms(1))
        assert await device.read(state) == "configured\n"
        assert await host.control(0x80, 8, length=1) == b"\x01"
        host.wire.vbus(False)
        await sleep(ms(1))
        assert await device.read(state) == "not attached\n"
        assert all(not ep.queue for ep in host.udc.endpoints)
        await host.attach()
        await host.enumerate()
        assert await device.read(state) == "configured\n"

    run(MiniHost(mode), main)


def test_raising_completion_fails_the_run() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        def bad(ep: UsbEp, request: UsbRequest) -> None:
            raise os_error(errno.EIO, "handler broke")

        request = log.make(ep_in, 10)
        request.complete = bad
        usb_ep_queue(ep_in, request)
        await host.bulk_in(1, 512)
        await sleep(ms(1))

    with pytest.raises(OSError, match="handler broke"):
        scenario("dma", main)
