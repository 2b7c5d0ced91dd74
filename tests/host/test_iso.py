# SPDX-License-Identifier: Apache-2.0
"""Isochronous URBs: schedule, high bandwidth, what a packet is told (facts host-urb 7, 9)."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from mock_wire import DATA0, DATA1, DATA2, IN, MDATA, OUT
from pymodel.wire import Status
from tb.host import (
    URB_ISO_ASAP,
    Urb,
    UsbDevice,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_kill_urb,
    usb_rcvisocpipe,
    usb_set_interface,
    usb_sndbulkpipe,
    usb_sndisocpipe,
    usb_submit_urb,
    usb_unlink_urb,
)
from tb.kernel import ms, sleep
from tb.usb import ConfigDescriptor, EndpointDescriptor, InterfaceDescriptor


def iso_config(size: int, mult: int = 1) -> bytes:
    most = size | mult - 1 << 11
    body = bytes(InterfaceDescriptor(0, 0, 4, 0xFF, 0, 0, 0))
    for endpoint in (
        EndpointDescriptor(0x81, 1, most, 1),
        EndpointDescriptor(0x02, 1, most, 1),
        EndpointDescriptor(0x03, 2, 512 if size > 1023 else 64, 0),
        EndpointDescriptor(0x84, 1, most, 1),
    ):
        body += bytes(endpoint)
    return bytes(ConfigDescriptor(9 + len(body), 1, 1, 0, 0x80, 50)) + body


@pytest.fixture
def iso(rig: Any) -> Any:
    rig.device.config = iso_config(1024, 3)
    return rig


def keep(done: list[Urb]) -> Callable[[Urb], None]:
    return done.append


def make(
    dev: UsbDevice, done: list[Urb], lengths: list[int], *, is_in: bool, endpoint: int = 0,
    stride: int = 0, interval: int = 1, asap: bool = True, buffer: bytearray | None = None,
) -> Urb:  # fmt: skip
    """Return a URB of packets of some lengths, one behind the other or `stride` apart."""
    urb = usb_alloc_urb(len(lengths))
    number = endpoint or (1 if is_in else 2)
    pipe = (usb_rcvisocpipe if is_in else usb_sndisocpipe)(dev, number)
    size = stride * len(lengths) or sum(lengths)
    data = buffer if buffer is not None else bytearray(index % 251 for index in range(size))
    usb_fill_bulk_urb(urb, dev, pipe, data, size, keep(done))
    urb.transfer_flags = URB_ISO_ASAP if asap else 0
    urb.interval = interval
    urb.number_of_packets = len(lengths)
    offset = 0
    for index, (desc, length) in enumerate(zip(urb.iso_frame_desc, lengths, strict=True)):
        desc.length = length
        desc.offset = index * stride if stride else offset
        offset += length
    return urb


def frames_of(rig: Any, endpoint: int, token: int) -> list[int]:
    return [t.frame for t in rig.wire.log if t.endpoint == endpoint and t.token == token]


async def until(done: list[Urb], count: int, limit: int = 200) -> None:
    for _ in range(limit):
        if len(done) >= count:
            return
        await sleep(ms(1))
    raise AssertionError(f"{len(done)} of {count} URBs came back")


def statuses(urb: Urb) -> list[int]:
    return [desc.status for desc in urb.iso_frame_desc]


@pytest.mark.parametrize("interval", [1, 2, 8])
def test_out_keeps_its_period(iso: Any, interval: int) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        urb = make(dev, done, [100, 7, 1024], is_in=False, interval=interval)
        usb_submit_urb(urb)
        start = urb.start_frame
        assert start % interval == 0
        await until(done, 1)
        assert urb.status == 0 and urb.error_count == 0 and urb.actual_length == 1131
        assert statuses(urb) == [0, 0, 0]
        assert [desc.actual_length for desc in urb.iso_frame_desc] == [100, 7, 1024]
        data = bytes(urb.transfer_buffer or b"")
        got = iso.device.iso_got
        assert [frame - got[0][0] for frame, _, _ in got] == [0, interval, 2 * interval]
        assert got[0][0] % 8192 == start
        assert [pid for _, pid, _ in got] == [DATA0] * 3
        assert [part for _, _, part in got] == [data[:100], data[100:107], data[107:]]

    iso.run(main)


def test_interval_is_rounded_down(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        urb = make(dev, done, [8, 8], is_in=False, interval=10)
        usb_submit_urb(urb)
        assert urb.interval == 8
        await until(done, 1)
        first, second = frames_of(iso, 2, OUT)
        assert second - first == 8

    iso.run(main)


def test_high_bandwidth_out(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        usb_submit_urb(make(dev, done, [3072, 2048, 1025, 1024], is_in=False))
        await until(done, 1)
        got = iso.device.iso_got
        first = got[0][0]
        assert [(frame - first, pid, len(data)) for frame, pid, data in got] == [
            (0, MDATA, 1024), (0, MDATA, 1024), (0, DATA2, 1024),
            (1, MDATA, 1024), (1, DATA1, 1024),
            (2, MDATA, 1024), (2, DATA1, 1),
            (3, DATA0, 1024),
        ]  # fmt: skip
        assert done[0].actual_length == 3072 + 2048 + 1025 + 1024

    iso.run(main)


def test_high_bandwidth_in_follows_the_pids(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        full = bytes((7,)) * 1024
        iso.device.iso.extend(
            [[full, full, b"end"], [full, b"two"], [full], [b"short"], [full, full, full]]
        )
        urb = make(dev, done, [3072] * 5, is_in=True)
        usb_submit_urb(urb)
        await until(done, 1)
        assert statuses(urb) == [0] * 5
        assert [d.actual_length for d in urb.iso_frame_desc] == [2051, 1027, 1024, 5, 3072]
        # No transaction beyond what DATA0 ended.
        assert [t.rx_pid for t in iso.wire.log if t.endpoint == 1] == [
            DATA2, DATA1, DATA0, DATA1, DATA0, DATA0, DATA0, DATA2, DATA1, DATA0,
        ]  # fmt: skip

    iso.run(main)


def test_short_packets_leave_gaps(iso: Any) -> None:
    """S003-67."""

    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        iso.device.iso.extend([[b"abc"], [b""], [b"defgh"]])
        buffer = bytearray(b"\xa5" * 300)
        urb = make(dev, done, [64] * 3, is_in=True, stride=100, buffer=buffer)
        usb_submit_urb(urb)
        await until(done, 1)
        assert [d.actual_length for d in urb.iso_frame_desc] == [3, 0, 5]
        assert urb.actual_length == 8 and urb.status == 0
        gap = b"\xa5"
        assert bytes(buffer) == b"abc" + gap * 197 + b"defgh" + gap * 95

    iso.run(main)


def test_length_zero_omits_a_frame(iso: Any) -> None:
    """S003-66."""

    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        urb = make(dev, done, [0, 10, 0, 0, 10, 0], is_in=False)
        usb_submit_urb(urb)
        usb_submit_urb(make(dev, done, [0, 0], is_in=False))
        await until(done, 2)
        assert done[0] is urb and urb.status == 0 and urb.error_count == 0
        assert statuses(urb) == [0] * 6 and statuses(done[1]) == [0, 0]
        first, second = frames_of(iso, 2, OUT)
        assert second - first == 3 and first % 8192 == (urb.start_frame + 1) % 8192

    iso.run(main)


def test_urbs_follow_each_other_without_a_seam(iso: Any) -> None:
    """S003-68: queued ones, and one submitted again by its handler."""

    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []

        def again(urb: Urb) -> None:
            done.append(urb)
            if len(done) < 10:
                usb_submit_urb(urb)

        for _ in range(2):
            urb = make(dev, done, [50] * 4, is_in=False)
            urb.complete = again
            usb_submit_urb(urb)
        await until(done, 11)
        frames = frames_of(iso, 2, OUT)
        assert frames == list(range(frames[0], frames[0] + 44))
        assert all(urb.error_count == 0 for urb in done)

    iso.run(main)


def test_bulk_beside_a_stream(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        bulk: list[Urb] = []
        for _ in range(4):
            usb_submit_urb(make(dev, done, [1024] * 16, is_in=False))
        one = usb_alloc_urb(0)
        data = bytes(200_000)
        usb_fill_bulk_urb(one, dev, usb_sndbulkpipe(dev, 3), data, len(data), keep(bulk))
        usb_submit_urb(one)
        await until(done, 4)
        await until(bulk, 1)
        assert bulk[0].status == 0 and bulk[0].actual_length == len(data)
        assert [urb.error_count for urb in done] == [0] * 4
        frames = frames_of(iso, 2, OUT)
        assert frames == list(range(frames[0], frames[0] + 64))

    iso.run(main)


def test_errors_stay_with_their_packet(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        script = iter([Status.CRC, None, Status.TIMEOUT, None, Status.BITSTUFF])
        iso.device.faults = lambda t: next(script) if t.endpoint == 1 else None
        iso.device.iso.extend([[b"x" * 65], [b"y" * 64]])
        urb = make(dev, done, [64] * 5, is_in=True)
        usb_submit_urb(urb)
        await until(done, 1)
        assert statuses(urb) == [
            -errno.EILSEQ, -errno.EOVERFLOW, -errno.EPROTO, 0, -errno.EPROTO,
        ]  # fmt: skip
        assert urb.status == 0 and urb.error_count == 4 and urb.actual_length == 64

    iso.run(main)


def test_a_microframe_with_a_hole(iso: Any) -> None:
    """A transaction of three is lost, more is announced than asked for, less comes."""

    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        full = bytes(1024)
        iso.device.iso.extend([[full] * 3, [full] * 2, [b"less", b"more"]])
        lost = iter([None, Status.TIMEOUT])
        iso.device.faults = lambda t: next(lost, None) if t.endpoint == 1 else None
        urb = make(dev, done, [3072, 1024, 3072], is_in=True)
        usb_submit_urb(urb)
        await until(done, 1)
        assert statuses(urb) == [-errno.EPROTO, -errno.EOVERFLOW, -errno.EPROTO]
        assert urb.iso_frame_desc[0].actual_length == 1024

    iso.run(main)


def test_late_with_and_without_asap(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        hold: list[Urb] = []
        # The end of the stream goes by while a URB keeps the endpoint's bandwidth reserved.
        first = make(dev, done, [10], is_in=False)
        usb_submit_urb(first)
        queue = first.ep.hcpriv
        await until(done, 1)
        queue.period, queue.phase = 1, dev.bus.hcd.table.reserve(1, queue.time_ns, "test")
        now = iso.wire.frame
        queue.next_frame = now - 5
        late = make(dev, hold, [10] * 20, is_in=False, asap=False)
        usb_submit_urb(late)
        await until(hold, 1)
        assert late.status == 0 and late.error_count == 6 and late.actual_length == 140
        assert statuses(late) == [-errno.EXDEV] * 6 + [0] * 14
        queue.period, queue.phase = 1, dev.bus.hcd.table.reserve(1, queue.time_ns, "test")
        queue.next_frame = iso.wire.frame - 50
        gone = make(dev, hold, [10] * 20, is_in=False, asap=False)
        before = len(iso.device.iso_got)
        usb_submit_urb(gone)
        await until(hold, 2)
        assert gone.error_count == 20 and gone.status == 0 and gone.actual_length == 0
        assert len(iso.device.iso_got) == before
        queue.period, queue.phase = 1, dev.bus.hcd.table.reserve(1, queue.time_ns, "test")
        queue.next_frame = iso.wire.frame - 50
        soon = make(dev, hold, [10] * 20, is_in=False)
        usb_submit_urb(soon)
        await until(hold, 3)
        assert soon.error_count == 0 and soon.actual_length == 200
        assert not any(dev.bus.hcd.table.load)

    iso.run(main)


def test_the_wire_comes_too_late(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        script = iter([None, Status.LATE])
        iso.device.faults = lambda t: next(script, None) if t.endpoint == 2 else None
        urb = make(dev, done, [10] * 3, is_in=False)
        usb_submit_urb(urb)
        await until(done, 1)
        assert statuses(urb) == [0, -errno.EXDEV, 0] and urb.error_count == 1

    iso.run(main)


def refused(urb: Urb) -> int:
    with pytest.raises(OSError, match=r"\[E") as caught:
        usb_submit_urb(urb)
    return caught.value.errno or 0


def test_what_is_too_far_does_not_fit_or_has_another_interval(iso: Any) -> None:
    iso.device.config = iso_config(1024, 2)

    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        load = dev.bus.hcd.table.load
        assert refused(make(dev, done, [1] * 1024, is_in=False, interval=8)) == errno.EFBIG
        assert not any(load)
        out = make(dev, done, [1] * 1000, is_in=False, interval=8)
        usb_submit_urb(out)
        assert refused(make(dev, done, [1] * 100, is_in=False, interval=8)) == errno.EFBIG
        assert refused(make(dev, done, [1], is_in=False, interval=4)) == errno.EINVAL
        usb_submit_urb(make(dev, done, [1], is_in=True))
        # Three of 2 x 1024 bytes do not fit into 80 % of a microframe.
        assert refused(make(dev, done, [1], is_in=True, endpoint=4)) == errno.ENOSPC
        await until(done, 1)
        assert done[0].ep is not out.ep
        await usb_kill_urb(out)
        usb_submit_urb(make(dev, done, [1], is_in=True, endpoint=4))
        await until(done, 3)
        assert not any(load)

    iso.run(main)


def test_unlink_and_kill(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        urbs = [make(dev, done, [3072] * 40, is_in=False) for _ in range(3)]
        for urb in urbs:
            usb_submit_urb(urb)
        await sleep(ms(3))
        usb_unlink_urb(urbs[0])
        await until(done, 1)
        assert done == [urbs[0]] and urbs[0].status == -errno.ECONNRESET
        some = urbs[0].actual_length
        assert 0 < some < 40 * 3072 and statuses(urbs[0])[-1] == -errno.EXDEV
        await usb_kill_urb(urbs[2])
        assert urbs[2].status == -errno.ENOENT and urbs[2].actual_length == 0
        await until(done, 3)
        # The slots of the unlinked one stay empty.
        assert urbs[1].status == 0 and urbs[1].error_count == 0
        frames = sorted(set(frames_of(iso, 2, OUT)))
        assert frames[-40:] == list(range(frames[0] + 40, frames[0] + 80))
        assert not any(dev.bus.hcd.table.load)

    iso.run(main)


def test_disable_and_disconnect(iso: Any) -> None:
    async def main() -> None:
        dev = await iso.plug()
        done: list[Urb] = []
        for _ in range(3):
            usb_submit_urb(make(dev, done, [3072] * 40, is_in=False))
        await sleep(ms(3))
        await usb_set_interface(dev, 0, 0)
        assert [urb.status for urb in done] == [-errno.ESHUTDOWN] * 3
        assert not any(dev.bus.hcd.table.load)
        usb_submit_urb(make(dev, done, [3072] * 40, is_in=False))
        await sleep(ms(2))
        iso.wire.pull_up(False)
        await until(done, 4)
        assert done[3].status == -errno.ESHUTDOWN

    iso.run(main)


def test_full_speed(full_rig: Any) -> None:
    full_rig.device = full_rig.wire.device
    full_rig.device.config = iso_config(500)

    async def main() -> None:
        dev = await full_rig.plug()
        done: list[Urb] = []
        full_rig.device.iso.extend([[b"a" * 500], [b"b" * 2]])
        usb_submit_urb(make(dev, done, [500, 500], is_in=True))
        out = make(dev, done, [10, 11, 12], is_in=False, interval=2)
        usb_submit_urb(out)
        await until(done, 2)
        assert [urb.status for urb in done] == [0, 0]
        first, second, third = frames_of(full_rig, 2, OUT)
        assert (second - first, third - first) == (2, 4)
        assert out.start_frame == first % 1024
        inward = frames_of(full_rig, 1, IN)
        assert inward[1] - inward[0] == 1
        assert [desc.actual_length for desc in done[0].iso_frame_desc] == [500, 2]

    full_rig.run(main)
