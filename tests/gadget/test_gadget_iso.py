# SPDX-License-Identifier: Apache-2.0
"""SourceSink's isochronous setting, and what the dwc2 driver refuses there."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tb.gadget.udc.dwc2_iso import IsoStream
from tb.kernel import ms, sleep
from tb.usb import EndpointDescriptor, Speed
from tests.gadget.mini_host import MiniHost, run

GADGET = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir z; cd z
mkdir functions/SourceSink.0
echo 5 > functions/SourceSink.0/isoc_interval
echo 300 > functions/SourceSink.0/isoc_maxpacket
echo 2 > functions/SourceSink.0/isoc_mult
mkdir configs/c.1
ln -s functions/SourceSink.0 configs/c.1
"""


def endpoints(config: bytes) -> dict[int, list[tuple[int, int, int, int]]]:
    """Return address, type, wMaxPacketSize and bInterval per alternate setting."""
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    at, alt = 0, 0
    while at < len(config):
        size, kind = config[at : at + 2]
        if kind == 4:
            alt = config[at + 3]
            found[alt] = []
        elif kind == 5:
            most = config[at + 4] | config[at + 5] << 8
            found[alt].append((config[at + 2], config[at + 3], most, config[at + 6]))
        at += size
    return found


@pytest.mark.parametrize("mode", MiniHost.MODES)
def test_setting_1(mode: str) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(GADGET + "echo 10200000.usb > UDC")
        await host.attach()
        await host.enumerate()
        config = await host.control(0x80, 6, 0x0200, 0, 255)
        table = endpoints(config)
        assert [kind for _, kind, _, _ in table[0]] == [2, 2]
        assert table[1][:2] == table[0]
        assert [one[1:] for one in table[1][2:]] == [(1, 300 | 2 << 11, 5)] * 2
        function: Any = host.udc.driver.cdev.configs[0].functions[0]
        assert await host.control(0x81, 10, length=1) == b"\x00"
        await host.control(0x01, 11, 1)
        assert await host.control(0x81, 10, length=1) == b"\x01"
        await sleep(ms(1))
        assert len(function.iso_in.ops.udc.iso.streams) == 2
        assert [len(ep.queue) for ep in (function.iso_in, function.iso_out)] == [8, 8]
        # Nothing is programmed before the first token.
        assert function.iso_in.active is None
        # A ring of descriptors takes packets from the first on.
        assert (function.iso_out.active is None) == (mode != "desc")
        with pytest.raises(OSError) as caught:
            await host.udc.set_halt(function.iso_in, True)
        assert caught.value.errno == errno.EINVAL
        request = function.iso_in.queue[0]
        function.iso_in.iso.check(request)
        request.length = 901
        with pytest.raises(OSError, match="an interval carries 900"):
            function.iso_in.iso.check(request)
        request.length = 900
        await host.control(0x01, 11, 0)
        assert not function.iso_in.queue and not host.udc.iso.streams
        with pytest.raises(OSError):
            await host.control(0x01, 11, 2)

    run(MiniHost(mode, "high"), main)


def test_limits_of_the_options() -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(GADGET)
        base = "/sys/kernel/config/usb_gadget/z/functions/SourceSink.0/"
        await host.device.sh("rm /sys/kernel/config/usb_gadget/z/configs/c.1/SourceSink.0")
        for name, top in (("interval", 16), ("maxpacket", 1024), ("mult", 2), ("maxburst", 15)):
            await host.device.write(base + f"isoc_{name}", f"{top}")
            assert await host.device.read(base + f"isoc_{name}") == f"{top}\n"
            with pytest.raises(OSError) as caught:
                await host.device.write(base + f"isoc_{name}", f"{top + 1}")
            assert caught.value.errno == errno.EINVAL

    run(MiniHost(), main)


def test_frames_of_a_stream() -> None:
    stream = IsoStream(None, EndpointDescriptor(0x81, 1, 64, 3), Speed.HIGH)  # type: ignore[arg-type]
    assert stream.interval == 4 and not stream.elapsed(5)
    stream.begin(16382)
    assert stream.target == 2
    assert not stream.elapsed(1) and stream.elapsed(2)
    stream.skip(1)
    assert stream.target == 2
    stream.skip(9)
    assert stream.target == 10
