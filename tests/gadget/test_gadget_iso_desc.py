# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints in descriptor DMA: rings, frames that were missed, rings that ran dry."""

from __future__ import annotations

import errno
import logging
from typing import Any

import pytest

from pymodel.packets import PID
from tb.gadget import UsbEp, usb_ep_dequeue, usb_ep_enable, usb_ep_queue
from tb.kernel import sleep, us
from tb.usb import EndpointDescriptor
from tests.gadget.mini_host import MiniHost
from tests.gadget.test_gadget_endpoints import Log, scenario

SIZE = 64


async def iso(host: MiniHost, address: int, interval: int = 1, size: int = SIZE) -> Any:
    """Enable an isochronous endpoint."""
    ep = (host.udc.eps_in if address & 0x80 else host.udc.eps_out)[address & 15]
    ep.address = address
    ep.desc = EndpointDescriptor(address, 1, size, interval)
    await usb_ep_enable(ep)
    return ep


async def ask(host: MiniHost, first: int, count: int, step: int = 1) -> list[bytes]:
    """Let the host ask in some microframes; returns what came that was not empty."""
    found = []
    for frame in range(first, first + count * step, step):
        one = await host.transaction(PID.IN, 2, max_length=1024, frame=frame)
        assert one.rx_pid == PID.DATA0
        if one.rx_data:
            found.append(one.rx_data)
    return found


def data(number: int) -> bytes:
    return bytes((number,)) * SIZE


def test_ring_that_runs_dry_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        ep = await iso(host, 0x82)
        sent = 0
        # More than the ring has places, in bursts; the ring is dry between them.
        for burst in (3, 1, 5, 12, 12):
            for _ in range(burst):
                usb_ep_queue(ep, log.make(ep, SIZE, data(sent)))
                sent += 1
            # They are for the microframes from the next on, whether the host asks or not.
            before = len(log.done)
            came = await ask(host, host.wire.frame + 1, burst + 6)
            assert came == [data(before + n) for n in range(burst)]
            await sleep(us(50))
        assert log.statuses() == [0] * sent
        frames = [request.frame_number for request, _, _ in log.done]
        assert frames == sorted(set(frames))

    with caplog.at_level(logging.ERROR):
        scenario("desc", main)
    assert not caplog.records


def test_in_frames_that_nobody_asked_for() -> None:
    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        ep = await iso(host, 0x82, interval=3)
        for number in range(8):
            usb_ep_queue(ep, log.make(ep, SIZE, data(number)))
        await sleep(us(50))
        begin = host.wire.frame + 4
        # The first token tells where the stream lies.
        assert await ask(host, begin, 3, 4) == [data(0), data(1)]
        # Two intervals without a token, then it goes on in the right frame.
        assert await ask(host, begin + 20, 2, 4) == [data(4), data(5)]
        await sleep(us(50))
        assert log.statuses() == [0, 0, -errno.ENODATA, -errno.ENODATA, 0, 0]
        assert [actual for _, _, actual in log.done] == [SIZE, SIZE, 0, 0, SIZE, SIZE]

    scenario("desc", main)


def test_host_that_moves_its_frames() -> None:
    """After some misses the stream looks for the host again."""

    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        ep = await iso(host, 0x82, interval=3)
        for number in range(14):
            usb_ep_queue(ep, log.make(ep, SIZE, data(number)))
        await sleep(us(50))
        begin = host.wire.frame + 4
        assert await ask(host, begin, 3, 4) == [data(0), data(1)]
        came = await ask(host, begin + 14, 10, 4)
        await sleep(us(50))
        assert came[-1] == data(len(log.done) - 1)
        missed = log.statuses().count(-errno.ENODATA)
        assert 4 <= missed <= 6
        assert log.statuses()[-1] == 0

    scenario("desc", main)


@pytest.mark.parametrize("which", [0, 1, 3])
def test_dequeue_from_the_ring(which: int) -> None:
    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        ep = await iso(host, 0x82)
        requests = [log.make(ep, SIZE, data(number)) for number in range(4)]
        for request in requests:
            usb_ep_queue(ep, request)
        await sleep(us(50))
        begin = host.wire.frame + 2
        assert await ask(host, begin, 1) == []
        usb_ep_dequeue(ep, requests[which])
        await sleep(us(20))
        assert log.done[0] == (requests[which], -errno.ECONNRESET, 0)
        came = await ask(host, begin + 1, 8)
        assert came == [data(number) for number in range(4) if number != which]

    scenario("desc", main)


def test_out_frames() -> None:
    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        ep = await iso(host, 0x02)
        for _ in range(20):
            usb_ep_queue(ep, log.make(ep, SIZE))
        await sleep(us(50))
        begin = host.wire.frame + 2
        # Frame 2 is left out, frame 4 has a short packet, frame 6 an empty one.
        sizes = {0: 64, 1: 64, 3: 64, 4: 10, 5: 63, 6: 0, **dict.fromkeys(range(7, 20), 64)}
        for frame, size in sizes.items():
            await host.transaction(
                PID.OUT, 2, pid=PID.DATA0, data=data(frame)[:size], frame=begin + frame
            )
        await sleep(us(50))
        wanted = [(sizes[n], 0) if n in sizes else (0, -errno.ENODATA) for n in range(20)]
        assert [(actual, status) for _, status, actual in log.done] == wanted
        for number, (request, _, actual) in enumerate(log.done):
            assert bytes(request.data()[:actual]) == data(number)[:actual]

    scenario("desc", main)


def test_long_intervals_are_refused() -> None:
    async def main(host: MiniHost, one: UsbEp, out: UsbEp, log: Log) -> None:
        for address in (0x82, 0x02):
            with pytest.raises(OSError, match="bInterval up to 10") as caught:
                await iso(host, address, interval=11)
            assert caught.value.errno == errno.EINVAL
            await iso(host, address, interval=10)

    scenario("desc", main)
