# SPDX-License-Identifier: Apache-2.0
"""Submission checks in their order, cancelling, anchors (host-urb sections 3 and 4)."""

from __future__ import annotations

import errno
from collections import deque
from typing import Any

import pytest

from tb.host import (
    URB_FREE_BUFFER,
    Urb,
    UsbAnchor,
    usb_alloc_streams,
    usb_alloc_urb,
    usb_anchor_empty,
    usb_anchor_urb,
    usb_block_urb,
    usb_fill_bulk_urb,
    usb_fill_control_urb,
    usb_fill_int_urb,
    usb_free_streams,
    usb_free_urb,
    usb_get_from_anchor,
    usb_kill_anchored_urbs,
    usb_kill_urb,
    usb_poison_anchored_urbs,
    usb_poison_urb,
    usb_rcvbulkpipe,
    usb_rcvctrlpipe,
    usb_rcvintpipe,
    usb_sndctrlpipe,
    usb_submit_urb,
    usb_unlink_anchored_urbs,
    usb_unlink_urb,
    usb_unpoison_urb,
    usb_wait_anchor_empty_timeout,
)
from tb.host.urb import make_pipe
from tb.kernel import SchedulingWhileAtomic, current, ms, sleep, us
from tb.usb import DeviceState, Speed


def refused(urb: Any) -> int:
    with pytest.raises(OSError, match=r"\[E") as caught:
        usb_submit_urb(urb)
    return caught.value.errno or 0


def bulk_in(dev: Any, done: Any, size: int = 512) -> Urb:
    urb = usb_alloc_urb(0)
    usb_fill_bulk_urb(urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(size), size, done)
    return urb


def test_pipes(rig: Any) -> None:
    class Dev:
        devnum = 0x55

    dev: Any = Dev()
    assert usb_rcvbulkpipe(dev, 3) == 3 << 30 | 3 << 15 | 0x55 << 8 | 0x80
    assert usb_sndctrlpipe(dev, 0) == 2 << 30 | 0x55 << 8
    assert usb_rcvintpipe(dev, 15) == 1 << 30 | 15 << 15 | 0x55 << 8 | 0x80


def test_checks_in_order(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb(0)
        assert refused(None) == errno.EINVAL
        assert refused(urb) == errno.EINVAL
        urb.complete = lambda _: None
        assert refused(urb) == errno.ENODEV
        urb.dev = dev
        urb.pipe = usb_rcvbulkpipe(dev, 9)
        assert refused(urb) == errno.ENOENT
        urb.pipe = usb_sndctrlpipe(dev, 0)
        assert refused(urb) == errno.ENOEXEC
        urb.setup_packet = bytes(7)
        assert refused(urb) == errno.ENOEXEC
        urb.setup_packet = bytes.fromhex("8006000100001200")
        assert refused(urb) == errno.EBADR
        urb = bulk_in(dev, lambda _: None)
        urb.transfer_buffer_length = -1
        assert refused(urb) == errno.EMSGSIZE
        urb.transfer_buffer_length = 513
        assert refused(urb) == errno.EMSGSIZE
        urb.transfer_buffer_length = 512
        urb.transfer_buffer = bytes(512)
        assert refused(urb) == errno.EFAULT
        urb.transfer_buffer = bytearray(512)
        urb.stream_id = 1
        assert refused(urb) == errno.EINVAL
        urb.stream_id = 0
        dev.can_submit = False
        assert refused(urb) == errno.EHOSTUNREACH
        dev.can_submit = True
        usb_block_urb(urb)
        assert refused(urb) == errno.EPERM
        usb_unpoison_urb(urb)
        maxp, dev.ep_in[1].maxp = dev.ep_in[1].maxp, 0
        assert refused(urb) == errno.EMSGSIZE
        dev.ep_in[1].maxp = maxp
        usb_submit_urb(urb)
        assert urb.status == -errno.EINPROGRESS
        assert refused(urb) == errno.EBUSY
        await usb_kill_urb(urb)
        dev.state = DeviceState.ADDRESS
        assert refused(urb) == errno.ENODEV
        dev.state = DeviceState.CONFIGURED

    rig.run(main)


def test_isochronous_checks(rig: Any) -> None:
    config = bytearray(rig.device.config)
    config[9 + 9 + 3] = 1
    config[9 + 9 + 6] = 1
    rig.device.config = bytes(config)

    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb(1)
        usb_fill_bulk_urb(urb, dev, make_pipe(0, dev.devnum, 1, True), bytearray(64), 64, print)
        urb.interval = 1
        assert refused(urb) == errno.EINVAL
        urb.number_of_packets = 2
        assert refused(urb) == errno.EINVAL
        urb.number_of_packets = 1
        urb.iso_frame_desc[0].length = 513
        assert refused(urb) == errno.EMSGSIZE
        urb.iso_frame_desc[0].length = 64
        urb.iso_frame_desc[0].offset = 1
        assert refused(urb) == errno.EMSGSIZE
        urb.iso_frame_desc[0].offset = 0
        urb.interval = 0
        assert refused(urb) == errno.EINVAL
        assert urb.iso_frame_desc[0].status == -errno.EXDEV

    rig.run(main)


@pytest.mark.parametrize(
    ("speed", "asked", "given"),
    [
        (Speed.HIGH, 10, 8),
        (Speed.HIGH, 3000, 2048),
        (Speed.HIGH, 10000, 8192),
        (Speed.FULL, 10, 8),
        (Speed.FULL, 200, 128),
        (Speed.FULL, 256, None),
        (Speed.SUPER, 40000, None),
        (Speed.HIGH, 0, None),
        (Speed.FULL, -3, None),
    ],
)
def test_intervals(rig: Any, speed: Speed, asked: int, given: int | None) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb(0)
        pipe = usb_rcvintpipe(dev, 3)
        usb_fill_int_urb(urb, dev, pipe, bytearray(16), 16, lambda _: None, None, 1)
        dev.speed = speed
        urb.interval = asked
        if given is None:
            assert refused(urb) == errno.EINVAL
        else:
            usb_submit_urb(urb)
            assert urb.interval == given
            await usb_kill_urb(urb)

    rig.run(main)


def test_fill_int_takes_b_interval(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = usb_alloc_urb(0)
        for given, interval in ((4, 8), (0, 1), (16, 1 << 15), (99, 1 << 15)):
            usb_fill_int_urb(urb, dev, 0, None, 0, None, None, given)
            assert urb.interval == interval
            assert urb.start_frame == -1

    rig.run(main)


def test_submit_returns_before_the_bus_moves(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        submits = rig.wire.submits
        done: list[int] = []
        urb = bulk_in(dev, lambda one: done.append(one.status))
        usb_submit_urb(urb)
        assert rig.wire.submits == submits
        rig.device.queue[0x81] = deque([b"x"])
        await sleep(ms(1))
        assert done == [0]
        assert urb.actual_length == 1

    rig.run(main)


def test_unlink(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        done: list[int] = []
        urb = bulk_in(dev, lambda one: done.append(one.status))
        for bad, number in ((None, errno.EINVAL), (usb_alloc_urb(), errno.ENODEV)):
            with pytest.raises(OSError, match="unlink") as caught:
                usb_unlink_urb(bad)
            assert caught.value.errno == number
        with pytest.raises(OSError, match="never submitted") as caught:
            usb_unlink_urb(urb)
        assert caught.value.errno == errno.EIDRM
        usb_submit_urb(urb)
        await sleep(us(7))
        assert usb_unlink_urb(urb) == -errno.EINPROGRESS
        assert done == []
        if urb.hcpriv is not None:
            with pytest.raises(OSError, match="already") as caught:
                usb_unlink_urb(urb)
            assert caught.value.errno == errno.EBUSY
        await sleep(ms(1))
        assert done == [-errno.ECONNRESET]
        with pytest.raises(OSError, match="not queued") as caught:
            usb_unlink_urb(urb)
        assert caught.value.errno == errno.EIDRM

    rig.run(main)


def test_kill_while_the_handler_resubmits(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        seen: list[int] = []

        def handler(urb: Urb) -> None:
            seen.append(urb.status)
            try:
                usb_submit_urb(urb)
            except OSError as error:
                seen.append(error.errno or 0)

        urb = bulk_in(dev, handler)
        usb_submit_urb(urb)
        await sleep(us(300))
        await usb_kill_urb(urb)
        assert seen == [-errno.ENOENT, errno.EPERM]
        assert urb.use_count == 0
        assert urb.reject == 0
        assert urb.kref == 1

    rig.run(main)


def test_handlers_must_not_sleep(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()

        def handler(urb: Urb) -> None:
            with pytest.raises(SchedulingWhileAtomic):
                usb_kill_urb(urb).send(None)
            current().call_soon(seen.append, 1)

        seen: list[int] = []
        urb = bulk_in(dev, handler)
        usb_submit_urb(urb)
        usb_unlink_urb(urb)
        await sleep(ms(1))
        assert seen == [1]

    rig.run(main)


def test_poison(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = bulk_in(dev, lambda _: None)
        usb_submit_urb(urb)
        await usb_poison_urb(urb)
        assert urb.status == -errno.ENOENT
        assert refused(urb) == errno.EPERM
        usb_unpoison_urb(urb)
        usb_submit_urb(urb)
        await usb_kill_urb(urb)

    rig.run(main)


def test_free_while_under_way(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        urb = bulk_in(dev, lambda _: None)
        urb.transfer_flags |= URB_FREE_BUFFER
        usb_submit_urb(urb)
        usb_free_urb(urb)
        assert urb.transfer_buffer is not None
        rig.device.queue[0x81] = deque([b"x"])
        await sleep(ms(1))
        assert urb.kref == 0
        assert urb.transfer_buffer is None

    rig.run(main)


def test_unplug_gives_everything_back(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        done: list[int] = []
        urbs = [bulk_in(dev, lambda one: done.append(one.status)) for _ in range(20)]
        for urb in urbs:
            usb_submit_urb(urb)
        await sleep(us(200))
        await rig.host.unplug()
        assert done == [-errno.ESHUTDOWN] * 20
        assert refused(urbs[0]) == errno.ENODEV

    rig.run(main)


def test_anchors(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        done: list[tuple[Any, int]] = []
        anchor = UsbAnchor()
        urbs = [bulk_in(dev, lambda one: done.append((one.context, one.status))) for _ in range(4)]
        for index, urb in enumerate(urbs):
            urb.context = index
            usb_anchor_urb(urb, anchor)
            usb_submit_urb(urb)
        assert not usb_anchor_empty(anchor)
        assert not await usb_wait_anchor_empty_timeout(anchor, 1)
        await usb_kill_anchored_urbs(anchor)
        assert [index for index, _ in done] == [3, 2, 1, 0]
        assert usb_anchor_empty(anchor)
        for urb in urbs:
            usb_anchor_urb(urb, anchor)
            usb_submit_urb(urb)
        assert usb_get_from_anchor(anchor) is urbs[0]
        usb_unlink_anchored_urbs(anchor)
        assert await usb_wait_anchor_empty_timeout(anchor, 5)
        await usb_kill_urb(urbs[0])
        await usb_poison_anchored_urbs(anchor)
        usb_anchor_urb(urbs[1], anchor)
        assert refused(urbs[1]) == errno.EPERM

    rig.run(main)


def test_streams_below_superspeed(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        interface = dev.interfaces[0]
        for call in (
            usb_alloc_streams(interface, [dev.ep_in[1]], 4),
            usb_free_streams(interface, [dev.ep_in[1]]),
        ):
            with pytest.raises(OSError, match="SuperSpeed") as caught:
                await call
            assert caught.value.errno == errno.EINVAL

    rig.run(main)


def test_control_urbs_keep_their_order(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        order: list[Any] = []
        for index, length in enumerate((18, 9, 4, 18)):
            urb = usb_alloc_urb(0)
            setup = bytes((0x80, 6, 0, 1, 0, 0, length, 0))
            usb_fill_control_urb(
                urb, dev, usb_rcvctrlpipe(dev, 0), setup, bytearray(length), length,
                lambda one: order.append((one.context, one.status, one.actual_length)), index,
            )  # fmt: skip
            usb_submit_urb(urb)
        await sleep(ms(2))
        assert order == [(0, 0, 18), (1, 0, 9), (2, 0, 4), (3, 0, 18)]

    rig.run(main)
