# SPDX-License-Identifier: Apache-2.0
"""Data that nobody asks for yet stays in the Tx FIFO, and in nobody's way (shared FIFOs)."""

from __future__ import annotations

from raw import GADGET
from tb.kernel import ms, sleep, spawn

RUNS = [{}, {"mode": "slave"}]
PAIRS = [
    {"fifo": "shared"},
    {"mode": "slave", "fifo": "shared"},
    {"mode": "desc"},
]
TWO = GADGET.replace(
    "echo 10200000.usb > UDC",
    "mkdir functions/acm.GS1\nln -s functions/acm.GS1 configs/c.1\necho 10200000.usb > UDC",
)


async def there_and_back(bench, gadget, host, size: int) -> None:
    """Send some bytes both ways at a time."""
    data = bench.random.randbytes(size)

    async def echo() -> None:
        left = size
        while left:
            piece = await gadget.read(left)
            left -= len(piece)
            await gadget.write(piece)

    echoing = spawn(echo())
    sending = spawn(host.write(data))
    back = b""
    while len(back) < size:
        back += await host.read(size - len(back))
    assert back == data
    await echoing
    await sending


async def main(bench) -> None:
    await bench.device.sh(TWO)
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)
    # The host does not read a tty that nobody has opened there.
    unread = await bench.device.open("/dev/ttyGS0")
    data = bench.random.randbytes(3000)
    writing = spawn(unread.write(data))
    await sleep(ms(1))
    gadget = await bench.device.open("/dev/ttyGS1")
    host = await bench.host.open("/dev/ttyACM1")
    for size in (1, 64, 513, 4000):
        await there_and_back(bench, gadget, host, size)
    late = await bench.host.open("/dev/ttyACM0")
    came = b""
    while len(came) < len(data):
        came += await late.read(len(data) - len(came))
    assert came == data
    await writing
    await there_and_back(bench, unread, late, 1000)
    await there_and_back(bench, gadget, host, 1000)
    for file in (late, host, gadget, unread):
        await file.close()
