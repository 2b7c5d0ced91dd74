# SPDX-License-Identifier: Apache-2.0
"""Isochronous URBs to and from SourceSink's setting 1, as usbtest's cases 15 and 16 do it."""

from __future__ import annotations

from tb.host import (
    URB_ISO_ASAP,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_pipein,
    usb_rcvisocpipe,
    usb_set_interface,
    usb_sndisocpipe,
    usb_submit_urb,
)
from tb.kernel import Completion
from tb.usb import TransferType

RUNS = [{}, {"mode": "slave", "speed": "full", "backend": "model"}]
PAIRS = [
    {"mode": "slave", "backend": "model"},
    {"speed": "full", "backend": "model"},
    {"mode": "desc", "backend": "model"},
    {"mode": "desc", "speed": "full", "backend": "model"},
    {"mode": "slave", "fifo": "shared", "backend": "model"},
    {"fifo": "shared", "speed": "full", "backend": "model"},
]

GADGET = """
cd /sys/kernel/config/usb_gadget
mkdir z; cd z
mkdir functions/SourceSink.0
echo 1 > functions/SourceSink.0/pattern
echo {interval} > functions/SourceSink.0/isoc_interval
echo {size} > functions/SourceSink.0/isoc_maxpacket
echo {mult} > functions/SourceSink.0/isoc_mult
mkdir configs/c.1
ln -s functions/SourceSink.0 configs/c.1
echo 10200000.usb > UDC
"""
REMOVE = """
cd /sys/kernel/config/usb_gadget/z
echo > UDC
rm configs/c.1/SourceSink.0
rmdir configs/c.1
rmdir functions/SourceSink.0
cd ..
rmdir z
"""
PACKETS, URBS, ROUNDS = 8, 3, 4
# bInterval, wMaxPacketSize, further packets per microframe
SETTINGS = {"high": [(2, 500, 0), (1, 300, 2), (4, 1024, 0)], "full": [(1, 400, 0), (2, 200, 0)]}


async def stream(dev, pipe: int, interval: int, data: bytes) -> tuple[int, int]:
    """Keep URBS URBs in flight; returns packets moved and packets that were not."""
    size = len(data)
    fill = b"\xa5" * size if usb_pipein(pipe) else data
    left, good, bad, running = URBS * ROUNDS, 0, 0, URBS
    over = Completion()

    def done(urb) -> None:
        nonlocal left, good, bad, running
        assert urb.status == 0, urb
        for desc in urb.iso_frame_desc:
            if desc.status == 0 and desc.actual_length == size:
                part = urb.transfer_buffer[desc.offset : desc.offset + size]
                assert part == data
                good += 1
            else:
                bad += 1
        left -= 1
        if left >= URBS:
            usb_submit_urb(urb)
            return
        running -= 1
        if not running:
            over.complete()

    for _ in range(URBS):
        urb = usb_alloc_urb(PACKETS)
        usb_fill_bulk_urb(urb, dev, pipe, bytearray(fill * PACKETS), size * PACKETS, done)
        urb.transfer_flags = URB_ISO_ASAP
        urb.interval = interval
        urb.number_of_packets = PACKETS
        for index, desc in enumerate(urb.iso_frame_desc):
            desc.offset, desc.length = index * size, size
        usb_submit_urb(urb)
    await over.wait()
    return good, bad


async def setting(bench, interval: int, size: int, mult: int) -> None:
    """Bind the gadget, stream each way, unbind."""
    await bench.device.sh(GADGET.format(interval=interval, size=size, mult=mult))
    await bench.host.plug()
    dev = await bench.host.wait_device(timeout_ms=5000)
    await usb_set_interface(dev, 0, 1)
    total = URBS * ROUNDS * PACKETS
    data = bytes(index % 63 for index in range(size)) * (mult + 1)
    for ep in [*dev.ep_out[1:], *dev.ep_in[1:]]:
        if ep is None or ep.type is not TransferType.ISOCHRONOUS:
            continue
        pipe = (usb_rcvisocpipe if ep.is_in else usb_sndisocpipe)(dev, ep.desc.number)
        good, bad = await stream(dev, pipe, 1 << interval - 1, data)
        assert good + bad == total
        # The first packet tells the device where the stream lies; one in ten may fail.
        assert bad * 10 <= total, f"{ep}: {bad} of {total} packets failed"
    await usb_set_interface(dev, 0, 0)
    await bench.host.unplug()
    await bench.device.sh(REMOVE)


async def main(bench) -> None:
    await bench.device.sh("mount -t configfs none /sys/kernel/config")
    for interval, size, mult in SETTINGS[bench.options.speed]:
        await setting(bench, interval, size, mult)
