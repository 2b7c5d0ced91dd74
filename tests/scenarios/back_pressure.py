# SPDX-License-Identifier: Apache-2.0
"""Nobody reads: the endpoint NAKs (and answers PING) until somebody does; nothing is lost."""

from __future__ import annotations

from enumeration import GADGET
from tb.kernel import ms, sleep, spawn

RUNS = [{}, {"mode": "slave"}, {"speed": "full"}]


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)
    host_tty = await bench.host.open("/dev/ttyACM0")
    gadget_tty = await bench.device.open("/dev/ttyGS0")
    data = bench.random.randbytes(30_000 if bench.options.speed == "full" else 200_000)
    writing = spawn(host_tty.write(data))
    await sleep(ms(2))
    assert not writing.done(), "more was taken than both sides have room for"
    received = b""
    while len(received) < len(data):
        received += await gadget_tty.read(5000)
        await sleep(ms(0.05))
    assert received == data
    await writing
    await host_tty.close()
    await gadget_tty.close()
