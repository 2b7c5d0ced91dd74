# SPDX-License-Identifier: Apache-2.0
"""What the host controller driver does with answers: toggles, retries, errors, schedule."""

from __future__ import annotations

import errno
import time
from collections import deque
from itertools import pairwise
from typing import Any

import pytest

from mock_wire import DATA0, DATA1, IN, OUT, PING, SETUP
from pymodel.wire import Status
from tb.host import (
    URB_SHORT_NOT_OK,
    URB_ZERO_PACKET,
    Urb,
    usb_alloc_urb,
    usb_bulk_msg,
    usb_calc_bus_time,
    usb_clear_halt,
    usb_control_msg,
    usb_fill_bulk_urb,
    usb_fill_int_urb,
    usb_kill_urb,
    usb_rcvbulkpipe,
    usb_rcvctrlpipe,
    usb_rcvintpipe,
    usb_reset_device,
    usb_set_interface,
    usb_sg_cancel,
    usb_sg_init,
    usb_sg_wait,
    usb_sndbulkpipe,
    usb_sndctrlpipe,
    usb_sndintpipe,
    usb_submit_urb,
)
from tb.host.bandwidth import PeriodicTable
from tb.kernel import ms, sleep, spawn, us
from tb.usb import DeviceState, Speed


async def failing(call: Any) -> int:
    with pytest.raises(OSError, match=r"\[E") as caught:
        await call
    return caught.value.errno or 0


def data_of(rig: Any, endpoint: int, token: int) -> list[Any]:
    return [t for t in rig.wire.log if t.endpoint == endpoint and t.token == token]


def test_bulk_out_and_in(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        out, inward = usb_sndbulkpipe(dev, 2), usb_rcvbulkpipe(dev, 1)
        data = bytes(range(256)) * 9
        assert await usb_bulk_msg(dev, out, data, len(data), 100) == len(data)
        assert rig.device.sent[2] == data
        pids = [t.pid for t in data_of(rig, 2, OUT)]
        assert pids == [DATA0, DATA1, DATA0, DATA1, DATA0]
        rig.device.queue[0x81] = deque([data[:512], data[512:1024], data[1024:1100]])
        buffer = bytearray(4096)
        assert await usb_bulk_msg(dev, inward, buffer, 4096, 100) == 1100
        assert buffer[:1100] == data[:1100]

    rig.run(main)


@pytest.mark.parametrize(("flags", "packets"), [(0, 2), (URB_ZERO_PACKET, 3)])
def test_zero_packet(rig: Any, flags: int, packets: int) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb()
        done: list[int] = []
        usb_fill_bulk_urb(
            urb, dev, usb_sndbulkpipe(dev, 2), bytes(1024), 1024, lambda u: done.append(u.status)
        )
        urb.transfer_flags = flags
        usb_submit_urb(urb)
        await sleep(ms(1))
        assert done == [0]
        assert len(data_of(rig, 2, OUT)) == packets
        assert urb.actual_length == 1024

    rig.run(main)


def test_empty_transfer_is_one_empty_packet(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        assert await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"", 0, 100) == 0
        assert len(data_of(rig, 2, OUT)) == 1

    rig.run(main)


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (Status.TIMEOUT, errno.EPROTO),
        (Status.BITSTUFF, errno.EPROTO),
        (Status.PID, errno.EPROTO),
        (Status.CRC, errno.EILSEQ),
    ],
)
@pytest.mark.parametrize("token", [IN, OUT])
def test_three_strikes(rig: Any, status: Status, number: int, token: int) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.device.faults = lambda t: status if t.endpoint else None
        if token == IN:
            pipe, endpoint = usb_rcvbulkpipe(dev, 1), 1
        else:
            pipe, endpoint = usb_sndbulkpipe(dev, 2), 2
        assert await failing(usb_bulk_msg(dev, pipe, bytearray(600), 600, 100)) == number
        assert len(data_of(rig, endpoint, token)) == 3

    rig.run(main)


def test_two_errors_are_forgiven(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        left = deque([Status.CRC, Status.TIMEOUT, None] * 4)
        rig.device.faults = lambda t: left.popleft() if t.endpoint and left else None
        data = bytes(2000)
        assert await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), data, 2000, 100) == 2000
        assert len(rig.device.sent[2]) == 2000

    rig.run(main)


def test_lost_handshake_does_not_double_data(rig: Any) -> None:
    """The device took the packet, but its ACK was lost: the same packet, same toggle, again."""
    lost = [True]

    async def main() -> None:
        dev = await rig.plug()
        plain = rig.device.answer

        def answer(t: Any) -> None:
            plain(t)
            if t.endpoint == 2 and lost[0]:
                lost[0] = False
                t.status, t.handshake = Status.TIMEOUT, None

        rig.device.answer = answer
        data = bytes(range(250)) * 8
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), data, len(data), 100)
        assert rig.device.sent[2] == data

    rig.run(main)


def test_wrong_toggle_is_dropped(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.device.queue[0x81] = deque([b"A" * 512, b"A" * 512, b"B" * 512, b"C" * 100])
        plain = rig.device.give
        count = [0]

        def give(t: Any, data: bytes, address: int) -> None:
            count[0] += 1
            if count[0] == 2:
                # A repetition: the toggle of the packet before.
                rig.device.toggle[address] ^= 1
            plain(t, data, address)

        rig.device.give = give
        buffer = bytearray(2048)
        assert await usb_bulk_msg(dev, usb_rcvbulkpipe(dev, 1), buffer, 2048, 100) == 1124
        assert buffer[:1124] == b"A" * 512 + b"B" * 512 + b"C" * 100

    rig.run(main)


def test_babble(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        pipe = usb_rcvbulkpipe(dev, 1)
        rig.device.queue[0x81] = deque([bytes(513)])
        assert await failing(usb_bulk_msg(dev, pipe, bytearray(512), 512, 100)) == errno.EOVERFLOW
        rig.device.queue[0x81] = deque([bytes(512), b"\1" * 512])
        # More than the buffer takes, though no more than the packet size.
        assert await failing(usb_bulk_msg(dev, pipe, bytearray(100), 100, 100)) == errno.EOVERFLOW
        assert len(rig.device.queue[0x81]) == 1

    rig.run(main)


def test_overflow_leaves_the_next_urb_alone(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        done: list[tuple[int, int]] = []
        rig.device.queue[0x81] = deque([bytes(512), b"\1" * 512])
        for size in (100, 512):
            urb = usb_alloc_urb()
            usb_fill_bulk_urb(
                urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(size), size,
                lambda u: done.append((u.status, u.actual_length)),
            )  # fmt: skip
            usb_submit_urb(urb)
        await sleep(ms(1))
        assert done == [(-errno.EOVERFLOW, 100), (0, 512)]

    rig.run(main)


def test_short_not_ok(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb()
        done: list[tuple[int, int]] = []
        usb_fill_bulk_urb(
            urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(1024), 1024,
            lambda u: done.append((u.status, u.actual_length)),
        )  # fmt: skip
        urb.transfer_flags = URB_SHORT_NOT_OK
        rig.device.queue[0x81] = deque([bytes(512), bytes(5)])
        usb_submit_urb(urb)
        await sleep(ms(1))
        assert done == [(-errno.EREMOTEIO, 517)]

    rig.run(main)


def test_stall_and_clear_halt(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        pipe = usb_sndbulkpipe(dev, 2)
        await usb_bulk_msg(dev, pipe, b"x", 1, 100)
        rig.device.stall.add(2)
        for _ in range(2):
            assert await failing(usb_bulk_msg(dev, pipe, b"abc", 3, 100)) == errno.EPIPE
        await usb_clear_halt(dev, pipe)
        await usb_bulk_msg(dev, pipe, b"abc", 3, 100)
        assert rig.device.sent[2] == b"xabc"
        assert data_of(rig, 2, OUT)[-1].pid == DATA0

    rig.run(main)


def test_control_stall_and_timeout(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        pipe = usb_rcvctrlpipe(dev, 0)
        call = usb_control_msg(dev, pipe, 6, 0x80, 0x900, 0, bytearray(8), 8, 100)
        assert await failing(call) == errno.EPIPE
        rig.device.faults = lambda t: Status.NAK if t.token == IN else None
        start = rig.kernel.now
        call = usb_control_msg(dev, pipe, 6, 0x80, 0x100, 0, bytearray(8), 8, 20)
        assert await failing(call) == errno.ETIMEDOUT
        assert ms(20) <= rig.kernel.now - start < ms(21)
        rig.device.faults = None
        assert await usb_control_msg(dev, pipe, 6, 0x80, 0x100, 0, bytearray(8), 8, 100) == 8

    rig.run(main)


def test_control_data_stages(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        for size in (0, 1, 63, 64, 65, 128, 200, 512):
            buffer = bytearray(size)
            pipe = usb_rcvctrlpipe(dev, 0)
            assert await usb_control_msg(dev, pipe, 1, 0xC0, 0, 0, buffer, size, 100) == size
            assert buffer == (bytes(range(256)) * 2)[:size]
            data = bytes(range(200)) * 3
            pipe = usb_sndctrlpipe(dev, 0)
            moved = await usb_control_msg(dev, pipe, 2, 0x40, 0, 0, data[:size], size, 100)
            assert moved == size
            assert rig.device.out_data == data[:size]

    rig.run(main)


def test_control_out_with_nyet_and_nak(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        plain = rig.device.answer
        count = [0]

        def answer(t: Any) -> None:
            count[0] += 1
            if t.endpoint == 0 and t.token in (OUT, PING) and count[0] % 3 == 0:
                t.status, t.handshake = Status.NAK, "NAK"
                return
            plain(t)
            if t.token == OUT and count[0] % 2 and t.status is Status.OK:
                t.status, t.handshake = Status.NYET, "NYET"

        rig.device.answer = answer
        data = bytes(range(250))
        for size in (8, 64, 250):
            pipe = usb_sndctrlpipe(dev, 0)
            await usb_control_msg(dev, pipe, 2, 0x40, 0, 0, data[:size], size, 100)
            assert rig.device.out_data == data[:size]
            buffer = bytearray(size)
            pipe = usb_rcvctrlpipe(dev, 0)
            assert await usb_control_msg(dev, pipe, 1, 0xC0, 0, 0, buffer, size, 100) == size

    rig.run(main)


def test_setup_errors(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        start = len(rig.wire.log)
        rig.device.faults = lambda t: Status.NAK if t.token == SETUP else None
        call = usb_control_msg(
            dev, usb_rcvctrlpipe(dev, 0), 6, 0x80, 0x100, 0, bytearray(8), 8, 100
        )
        assert await failing(call) == errno.EPROTO
        assert len(rig.wire.log) - start == 3

    rig.run(main)


def test_ping_after_nak_and_nyet(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.device.room[2] = 1
        urb = usb_alloc_urb()
        usb_fill_bulk_urb(urb, dev, usb_sndbulkpipe(dev, 2), bytes(2048), 2048, lambda _: None)
        usb_submit_urb(urb)
        await sleep(ms(2))
        assert len(data_of(rig, 2, OUT)) == 2
        assert len(data_of(rig, 2, PING)) > 3
        rig.device.room.clear()
        rig.device.nyet.add(2)
        await sleep(ms(2))
        assert urb.status == 0
        assert len(rig.device.sent[2]) == 2048
        tokens = [t.token for t in rig.wire.log if t.endpoint == 2]
        assert tokens[-4:] == [PING, OUT, PING, OUT]

    rig.run(main)


def test_no_ping_at_full_speed(full_rig: Any) -> None:
    rig = full_rig

    async def main() -> None:
        dev = await rig.plug()
        rig.device.room[2] = 1
        urb = usb_alloc_urb()
        usb_fill_bulk_urb(urb, dev, usb_sndbulkpipe(dev, 2), bytes(200), 200, lambda _: None)
        usb_submit_urb(urb)
        await sleep(ms(3))
        rig.device.room.clear()
        await sleep(ms(3))
        assert urb.status == 0
        assert not data_of(rig, 2, PING)

    rig.run(main)


@pytest.mark.parametrize("high", [True, False])
def test_idle_endpoint_is_polled_once_a_frame(rig: Any, full_rig: Any, high: bool) -> None:
    rig = rig if high else full_rig

    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb()
        usb_fill_bulk_urb(urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(512), 512, lambda _: None)
        usb_submit_urb(urb)
        await sleep(ms(20))
        before = len(rig.wire.log)
        frame = rig.wire.frame
        await sleep(ms(50))
        polls = len(rig.wire.log) - before
        assert abs(polls - (rig.wire.frame - frame)) <= 1
        await usb_kill_urb(urb)

    rig.run(main)


def test_interrupt_polls_keep_their_period(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        got: list[bytes] = []

        def handler(urb: Urb) -> None:
            if urb.status == 0:
                got.append(bytes(urb.transfer_buffer[: urb.actual_length]))
                usb_submit_urb(urb)

        urb = usb_alloc_urb()
        usb_fill_int_urb(urb, dev, usb_rcvintpipe(dev, 3), bytearray(16), 16, handler, None, 4)
        usb_submit_urb(urb)
        assert urb.interval == 8
        hog = usb_alloc_urb()
        usb_fill_bulk_urb(
            hog, dev, usb_sndbulkpipe(dev, 2), bytes(1 << 19), 1 << 19, lambda _: None
        )
        usb_submit_urb(hog)
        await sleep(ms(2))
        rig.device.queue[0x83] = deque([b"one", b"two"])
        await sleep(ms(10))
        assert got == [b"one", b"two"]
        polls = data_of(rig, 3, IN)
        frames = [(t.start_ps - rig.wire._base) // us(125) for t in polls]
        assert len(frames) >= 10
        assert {b - a for a, b in pairwise(frames)} == {8}
        assert [t.frame for t in polls] == frames
        assert frames[0] == urb.start_frame or urb.start_frame in frames
        await usb_kill_urb(urb)
        await usb_kill_urb(hog)
        assert not any(rig.host.bus.hcd.table.load)

    rig.run(main)


def test_interrupt_out(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb()
        usb_fill_int_urb(
            urb, dev, usb_sndintpipe(dev, 4), bytes(range(40)), 40, lambda _: None, None, 1
        )
        usb_submit_urb(urb)
        await sleep(ms(2))
        assert urb.status == 0
        assert rig.device.sent[4] == bytes(range(40))
        frames = [t.frame for t in data_of(rig, 4, OUT)]
        assert len(frames) == 3
        assert frames[1] == frames[0] + 1

    rig.run(main)


def test_bulk_fills_the_microframe(rig: Any) -> None:
    """13 packets of 512 bytes per microframe, back to back, in either direction."""

    async def main() -> None:
        dev = await rig.plug()
        size = 65536
        for pipe, endpoint in ((usb_sndbulkpipe(dev, 2), 2), (usb_rcvbulkpipe(dev, 1), 1)):
            rig.device.queue[0x81] = deque(bytes(512) for _ in range(4 * 128))
            urbs = [usb_alloc_urb() for _ in range(4)]
            for urb in urbs:
                usb_fill_bulk_urb(urb, dev, pipe, bytearray(size), size, lambda _: None)
                usb_submit_urb(urb)
            await sleep(ms(6))
            assert [urb.status for urb in urbs] == [0] * 4
            log = [t for t in rig.wire.log if t.endpoint == endpoint]
            assert len(log) == 4 * 128
            frames = [(t.start_ps - rig.wire._base) // us(125) for t in log]
            counts = [frames.count(n) for n in range(frames[0] + 1, frames[-1])]
            assert set(counts) == {13}

    rig.run(main)


def test_two_endpoints_share(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.device.queue[0x81] = deque(bytes(512) for _ in range(256))
        for pipe in (usb_sndbulkpipe(dev, 2), usb_rcvbulkpipe(dev, 1)):
            urb = usb_alloc_urb()
            usb_fill_bulk_urb(urb, dev, pipe, bytearray(65536), 65536, lambda _: None)
            usb_submit_urb(urb)
        await sleep(ms(1))
        out, inward = len(data_of(rig, 2, OUT)), len(data_of(rig, 1, IN))
        assert out + inward > 90
        assert abs(out - inward) < 16

    rig.run(main)


def test_python_time_per_packet(rig: Any) -> None:
    """The driver may cost a few microseconds per packet; the mock wire is in this estimate, too."""

    async def main() -> None:
        dev = await rig.plug()
        size = 1 << 20
        urb = usb_alloc_urb()
        usb_fill_bulk_urb(urb, dev, usb_sndbulkpipe(dev, 2), bytes(size), size, lambda _: None)
        start = time.perf_counter()
        usb_submit_urb(urb)
        await sleep(ms(30))
        assert urb.status == 0
        # Generous: a loaded machine must not fail this; a quadratic queue would.
        assert (time.perf_counter() - start) / (size / 512) < 200e-6

    rig.run(main)


def test_reset_device_brings_it_back(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        resets = rig.device.resets
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
        await usb_reset_device(dev)
        assert rig.device.resets == resets + 2
        assert dev.state == DeviceState.CONFIGURED
        assert dev.devnum == 1
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"y", 1, 100)
        assert data_of(rig, 2, OUT)[-1].pid == DATA0

    rig.run(main)


def test_reset_finds_another_device(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.device.descriptor.idProduct += 1
        assert await failing(usb_reset_device(dev)) == errno.ENODEV
        again = await rig.host.wait_device(5000)
        assert again is not dev
        assert again.descriptor.idProduct == 0x5679

    rig.run(main)


def test_set_interface(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        assert await failing(usb_set_interface(dev, 1, 0)) == errno.EINVAL
        assert await failing(usb_set_interface(dev, 0, 1)) == errno.EINVAL
        urb = usb_alloc_urb()
        done: list[int] = []
        usb_fill_bulk_urb(
            urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(512), 512, lambda u: done.append(u.status)
        )
        usb_submit_urb(urb)
        await sleep(us(200))
        await usb_set_interface(dev, 0, 0)
        assert done == [-errno.ESHUTDOWN]
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)

    rig.run(main)


def test_bus_times() -> None:
    assert (
        usb_calc_bus_time(Speed.FULL, True, False, 64)
        == 9107 + 1000 + 8354 * (31 + 10 * (7 * 8 * 64 // 6)) // 1000
    )
    assert (
        usb_calc_bus_time(Speed.HIGH, True, False, 512)
        == (55 * 8 * 2083 + 2083 * (3 + 7 * 8 * 512 // 6)) // 1000 + 5
    )
    assert usb_calc_bus_time(Speed.SUPER, True, False, 512) == -1


def test_periodic_table_spreads_and_refuses() -> None:
    table = PeriodicTable("high")
    assert [table.reserve(4, 40_000, "x") for _ in range(4)] == [0, 1, 2, 3]
    assert table.reserve(4, 40_000, "x") == 0
    with pytest.raises(OSError, match="ENOSPC"):
        table.reserve(1, 40_000, "x")
    table.release(4, 0, 40_000)
    assert table.reserve(1, 40_000, "x") == 0


def test_scatter_lists(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        out, inward = usb_sndbulkpipe(dev, 2), usb_rcvbulkpipe(dev, 1)
        pieces = [bytes([n]) * (512 * n) for n in range(1, 5)]
        assert await usb_sg_wait(usb_sg_init(dev, out, pieces)) == 5120
        assert rig.device.sent[2] == b"".join(pieces)
        rig.device.queue[0x81] = deque([b"a" * 512, b"b" * 512, b"c" * 100])
        buffers = [bytearray(512) for _ in range(4)]
        request = usb_sg_init(dev, inward, buffers)
        assert await failing(usb_sg_wait(request)) == errno.EREMOTEIO
        assert request.bytes == 1124
        assert [bytes(one[:1]) for one in buffers] == [b"a", b"b", b"c", b"\0"]
        request = usb_sg_init(dev, inward, buffers)
        waiting = spawn(usb_sg_wait(request))
        waiting.awaited = True
        await sleep(us(300))
        usb_sg_cancel(request)
        assert await failing(waiting) == errno.ECONNRESET
        assert all(urb.use_count == 0 for urb in request.urbs)
        with pytest.raises(OSError, match="at least one buffer"):
            usb_sg_init(dev, out, [])

    rig.run(main)


def test_scattered_urb(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        pieces = [bytearray(512), bytearray(100), bytearray(412)]
        urb = usb_alloc_urb()
        usb_fill_bulk_urb(urb, dev, usb_rcvbulkpipe(dev, 1), None, 1024, lambda _: None)
        urb.sg, urb.num_sgs = pieces, 3
        rig.device.queue[0x81] = deque([b"x" * 512, b"y" * 512])
        usb_submit_urb(urb)
        await sleep(ms(1))
        assert urb.status == 0
        assert pieces == [b"x" * 512, b"y" * 100, b"y" * 412]

    rig.run(main)
