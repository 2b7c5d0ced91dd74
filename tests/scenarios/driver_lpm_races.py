# SPDX-License-Identifier: Apache-2.0
"""Data that come in the very moment in which the link goes to sleep or wakes up, from both sides.

`-- STEP` sets the step between the moments in nanoseconds (default 2000).
"""

from __future__ import annotations

from tb.kernel import gather, sleep, us

PARAMETERS = {"LPM": 1}
RUNS = [
    {"backend": "model"},
    {"speed": "full", "backend": "model"},
    {"mode": "slave", "backend": "model"},
    {"lockstep": True, "args": ["8000"]},
]
GADGET = """
cd /sys/kernel/config/usb_gadget
mkdir g; cd g
mkdir functions/acm.0
mkdir configs/c.1
echo 0xa0 > configs/c.1/bmAttributes
ln -s functions/acm.0 configs/c.1
echo 10200000.usb > UDC
"""


async def pass_on(source, sink, text: bytes) -> None:
    """Send a text and wait until it has come."""
    await source.write(text)
    got = b""
    while len(got) < len(text):
        got += await sink.read(len(text) - len(got))
    assert got == text


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    # before the cable, so that there is only one notification to be fetched
    device = await bench.device.open("/dev/ttyGS0")
    await bench.host.plug()
    dev = await bench.host.wait_device()
    host = await bench.host.open("/dev/ttyACM0")
    port = bench.host.bus.hcd.lpm
    while port.state != "L1":
        await sleep(us(100))
    dev.l1_params.timeout = 60
    step = int(bench.args[0] if bench.args else 2000)
    naps = port.naps
    for turn, delay in enumerate(range(40_000, 260_000, step)):
        down, up = b"down %d" % turn, b"up %d" % turn
        if turn % 3 == 0:
            await pass_on(host, device, down)
        elif turn % 3 == 1:
            await pass_on(device, host, up)
        else:
            await gather(pass_on(host, device, down), pass_on(device, host, up))
        await sleep(us(delay / 1000))
    assert port.naps > naps + 10, port.naps
