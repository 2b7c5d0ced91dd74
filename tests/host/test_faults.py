# SPDX-License-Identifier: Apache-2.0
"""Random faults, NAKs and lost handshakes: data arrive whole, once and in order, or not at all."""

from __future__ import annotations

import errno
import random
from collections import deque
from typing import Any

import pytest

from conftest import Rig
from mock_wire import IN, OUT, PING, SETUP, MockDevice
from pymodel.wire import Status
from tb.host import (
    Urb,
    usb_alloc_urb,
    usb_control_msg,
    usb_fill_bulk_urb,
    usb_kill_urb,
    usb_rcvbulkpipe,
    usb_rcvctrlpipe,
    usb_sndbulkpipe,
    usb_sndctrlpipe,
    usb_submit_urb,
    usb_unlink_urb,
)
from tb.kernel import ms, sleep, spawn, us

FAULTS = [Status.TIMEOUT, Status.CRC, Status.PID, Status.BITSTUFF]


class Faulty:
    """Spoils transactions before or after the device has seen them, never three in a row."""

    def __init__(self, rig: Rig, seed: int, rate: float = 0.1) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.row: dict[int, int] = {}
        self.device = rig.device
        self.plain = rig.device.answer
        self.pending: dict[int, bytes] = {}
        rig.device.answer = self.answer  # type: ignore[method-assign]

    def answer(self, t: Any) -> None:
        draw = self.random.random()
        key = t.endpoint | (0x80 if t.token == IN else 0)
        row = self.row.get(key, 0)
        self.row[key] = 0
        if draw < self.rate and row < 2:
            self.row[key] = row + 1
            if draw < self.rate / 2 and t.token in (OUT, IN) and t.endpoint:
                self.lose_handshake(t)
            else:
                t.status = self.random.choice(FAULTS)
        elif draw < 2 * self.rate and t.token != SETUP:
            self.row[key] = row
            t.status, t.handshake = Status.NAK, "NAK"
        else:
            self.plain(t)
            nyet = self.device.high and draw > 1 - self.rate
            if t.token == OUT and t.status is Status.OK and nyet:
                t.status, t.handshake = Status.NYET, "NYET"

    def lose_handshake(self, t: Any) -> None:
        """The device has done its part; the other side does not learn it."""
        if t.token == OUT:
            self.plain(t)
            t.status, t.handshake = Status.TIMEOUT, None
            return
        queue = self.device.queue.get(0x80 | t.endpoint)
        if not queue:
            self.plain(t)
            return
        # The host takes the data, its ACK is lost: the device repeats with the same toggle.
        data = queue[0]
        self.plain(t)
        if t.status is Status.OK:
            self.device.toggle[0x80 | t.endpoint] ^= 1
            queue.appendleft(data)


@pytest.mark.parametrize("seed", range(12))
def test_bulk_survives(seed: int) -> None:
    rig = Rig(MockDevice(high=bool(seed & 1)))
    draw = random.Random(1000 + seed)

    async def main() -> None:
        dev = await rig.plug()
        size = dev.ep_in[1].maxp if dev.ep_in[1] else 0
        Faulty(rig, seed)
        sent = bytearray()
        status: list[int] = []
        source = draw.randbytes(20000)
        rig.device.queue[0x81] = deque(source[at : at + size] for at in range(0, len(source), size))
        got = bytearray()

        def on_in(urb: Urb) -> None:
            if urb.status == 0:
                got.extend(urb.transfer_buffer[: urb.actual_length])
                usb_submit_urb(urb)

        readers = [usb_alloc_urb() for _ in range(3)]
        for urb in readers:
            length = size * draw.randint(1, 4)
            usb_fill_bulk_urb(urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(length), length, on_in)
            usb_submit_urb(urb)
        for _ in range(12):
            data = draw.randbytes(draw.choice([0, 1, size - 1, size, size + 1, 3000]))
            sent += data
            urb = usb_alloc_urb()
            usb_fill_bulk_urb(
                urb, dev, usb_sndbulkpipe(dev, 2), data, len(data),
                lambda u: status.append(u.status),
            )  # fmt: skip
            usb_submit_urb(urb)
        await sleep(ms(600))
        assert status == [0] * 12
        assert rig.device.sent[2] == sent
        # A short packet ends a URB; the end of the source is one.
        assert got == source
        for urb in readers:
            await usb_kill_urb(urb)

    rig.run(main)


@pytest.mark.parametrize("seed", range(8))
def test_control_survives(seed: int) -> None:
    rig = Rig(MockDevice(high=bool(seed & 1)))
    draw = random.Random(seed)

    async def main() -> None:
        dev = await rig.plug()
        Faulty(rig, seed)
        for _ in range(30):
            size = draw.choice([0, 1, 63, 64, 65, 200, 512])
            data = draw.randbytes(size)
            pipe = usb_sndctrlpipe(dev, 0)
            await usb_control_msg(dev, pipe, 2, 0x40, 0, 0, data, size, 5000)
            assert rig.device.out_data == data
            buffer = bytearray(size)
            pipe = usb_rcvctrlpipe(dev, 0)
            assert await usb_control_msg(dev, pipe, 1, 0xC0, 0, 0, buffer, size, 5000) == size
            assert buffer == (bytes(range(256)) * 2)[:size]

    rig.run(main)


@pytest.mark.parametrize("seed", range(8))
def test_every_urb_comes_back_once(seed: int) -> None:
    """Unlink, kill, resubmit at random while data flow; handlers run exactly once per submit."""
    rig = Rig(MockDevice())
    draw = random.Random(seed)

    async def main() -> None:
        dev = await rig.plug()
        Faulty(rig, seed, 0.05)
        submitted: dict[int, int] = {}
        returned: dict[int, int] = {}

        def handler(urb: Urb) -> None:
            returned[id(urb)] = returned.get(id(urb), 0) + 1
            assert urb.status in (0, -errno.ENOENT, -errno.ECONNRESET, -errno.ESHUTDOWN)

        urbs = []
        for index in range(10):
            urb = usb_alloc_urb()
            inward = index % 2 == 0
            pipe = usb_rcvbulkpipe(dev, 1) if inward else usb_sndbulkpipe(dev, 2)
            usb_fill_bulk_urb(urb, dev, pipe, bytearray(2048), 2048, handler)
            urbs.append(urb)

        async def play(urb: Urb) -> None:
            for _ in range(60):
                action = draw.randrange(4)
                try:
                    if action <= 1:
                        usb_submit_urb(urb)
                        submitted[id(urb)] = submitted.get(id(urb), 0) + 1
                    elif action == 2:
                        usb_unlink_urb(urb)
                    else:
                        await usb_kill_urb(urb)
                        assert urb.use_count == 0
                except OSError as error:
                    assert error.errno in (errno.EBUSY, errno.EIDRM)
                await sleep(us(draw.randrange(1, 200)))
                if draw.random() < 0.3:
                    rig.device.queue.setdefault(0x81, deque()).append(bytes(512))

        tasks = [spawn(play(urb)) for urb in urbs]
        for task in tasks:
            await task
        for urb in urbs:
            await usb_kill_urb(urb)
        assert submitted == returned
        hcd = rig.host.bus.hcd
        assert (hcd._outstanding, hcd._estimate) == (0, 0)
        assert [t.token for t in rig.wire.log if t.token == PING]

    rig.run(main)


@pytest.mark.parametrize("seed", range(6))
def test_unplug_at_any_time(seed: int) -> None:
    rig = Rig(MockDevice())
    draw = random.Random(seed)

    async def main() -> None:
        for _ in range(4):
            dev = await rig.plug()
            urbs = [usb_alloc_urb() for _ in range(8)]
            for index, urb in enumerate(urbs):
                pipe = usb_sndbulkpipe(dev, 2) if index & 1 else usb_rcvbulkpipe(dev, 1)
                usb_fill_bulk_urb(urb, dev, pipe, bytearray(8192), 8192, lambda _: None)
                usb_submit_urb(urb)
            await sleep(us(draw.randrange(1, 400)))
            await rig.host.unplug()
            assert {urb.status for urb in urbs} <= {0, -errno.ESHUTDOWN, -errno.EPROTO}
            assert [urb.use_count for urb in urbs] == [0] * 8

    rig.run(main)
