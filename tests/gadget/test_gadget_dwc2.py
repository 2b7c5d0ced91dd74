# SPDX-License-Identifier: Apache-2.0
"""The dwc2 driver on the model: enumeration, acm data, halts, resets, in both modes."""

from __future__ import annotations

import errno
import random

import pytest

from tb.gadget import default_node
from tb.kernel import ms, sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_configfs import SCRIPT

MODES = MiniHost.MODES
ACM = SCRIPT
EP_OUT, EP_IN, EP_NOTIFY = 1, 1, 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("speed", ["high", "full"])
def test_enumeration(mode: str, speed: str) -> None:
    async def main(host: MiniHost) -> None:
        assert await host.device.sh(ACM) == "10200000.usb\n"
        assert await host.attach() == speed
        await host.enumerate()
        read = host.device.read
        assert await read("/sys/class/udc/10200000.usb/state") == "configured\n"
        assert await read("/sys/class/udc/10200000.usb/current_speed") == f"{speed}-speed\n"
        assert await host.control(0x80, 8, length=1) == b"\x01"
        assert await host.control(0x80, 0, length=2) == b"\x00\x00"
        with pytest.raises(OSError):
            await host.control(0x80, 6, 0x0F00, 0, 5)
        with pytest.raises(OSError):
            await host.control(0x21, 0x20, data=b"123456")
        await host.control(0x21, 0x20, data=bytes((0, 194, 1, 0, 0, 0, 8)))
        assert await host.control(0xA1, 0x21, length=7) == bytes((0, 194, 1, 0, 0, 0, 8))
        assert len(await host.control(0x80, 6, 0x0301, 0x409, 255)) == 2 + 2 * 8

    run(MiniHost(mode, speed), main)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("speed", ["high", "full"])
def test_echo(mode: str, speed: str) -> None:
    packet = 512 if speed == "high" else 64
    payload = random.Random(1).randbytes(20_000)

    async def main(host: MiniHost) -> None:
        await host.device.sh(ACM)
        await host.attach()
        await host.enumerate()
        file = await host.device.open("/dev/ttyGS0")
        first = await host.until_done(0x9, EP_NOTIFY, max_length=64)
        assert first.rx_data[8] in (0, 3)

        async def echo() -> None:
            left = len(payload)
            while left:
                data = await file.read(3000)
                left -= len(data)
                await file.write(data)

        task = host.kernel.spawn(echo(), name="echo", cpu=host.device.cpu)
        back = b""
        for at in range(0, len(payload), 1000):
            piece = payload[at : at + 1000]
            await host.bulk_out(EP_OUT, piece, packet)
            while len(back) < at + len(piece):
                back += await host.bulk_in(EP_IN, len(piece), packet)
        await task
        assert back == payload

    run(MiniHost(mode, speed), main)


SOURCE_SINK = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir z; cd z
mkdir functions/SourceSink.0
echo 1 > functions/SourceSink.0/pattern
echo 65536 > functions/SourceSink.0/bulk_buflen
echo 4 > functions/SourceSink.0/bulk_qlen
mkdir configs/c.1
ln -s functions/SourceSink.0 configs/c.1
echo 10200000.usb > UDC
"""


@pytest.mark.parametrize("mode", MODES)
def test_large_requests(mode: str) -> None:
    pattern = bytes(i % 63 for i in range(512)) * 128

    async def main(host: MiniHost) -> None:
        await host.device.sh(SOURCE_SINK)
        await host.attach()
        await host.enumerate()
        await sleep(ms(1))
        before = host.device.irq_chip.count(2)
        assert await host.bulk_in(1, 65536) == pattern
        await sleep(ms(1))
        if "slave" not in mode:
            assert host.device.irq_chip.count(2) - before == 1
        before = host.device.irq_chip.count(2)
        await host.bulk_out(1, pattern)
        await sleep(ms(1))
        if "slave" not in mode:
            assert host.device.irq_chip.count(2) - before == 1
        function = host.udc.driver.cdev.configs[0].functions[0]
        assert (function.received, function.errors) == (65536, 0)
        assert function.sent == 65536
        # Bad data halts OUT; the host clears it.
        await host.bulk_out(1, b"x" * 100)
        await sleep(ms(1))
        assert function.errors == 1
        with pytest.raises(OSError) as caught:
            await host.bulk_out(1, b"x")
        assert caught.value.errno == errno.EPIPE
        assert await host.control(0x82, 0, index=0x01, length=2) == b"\x01\x00"
        await host.control(0x02, 1, 0, 0x01)
        host.toggles[1, 0] = 0
        assert await host.control(0x82, 0, index=0x01, length=2) == b"\x00\x00"
        await host.bulk_out(1, pattern[:1024])

    run(MiniHost(mode), main)


@pytest.mark.parametrize("mode", MODES)
def test_vendor_control_of_4096_bytes(mode: str) -> None:
    data = random.Random(2).randbytes(4096)

    async def main(host: MiniHost) -> None:
        await host.device.sh(SOURCE_SINK)
        await host.attach()
        await host.enumerate()
        for length in (1, 63, 64, 65, 128, 4095, 4096):
            await host.control(0x40, 0x5B, data=data[:length])
            assert await host.control(0xC0, 0x5C, length=length) == data[:length]

    run(MiniHost(mode), main)


@pytest.mark.parametrize("mode", MODES)
def test_reset_gives_requests_back(mode: str) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(SOURCE_SINK)
        await host.attach()
        await host.enumerate()
        await host.bulk_in(1, 1024)
        await host.attach()
        assert await host.device.read("/sys/class/udc/10200000.usb/state") == "default\n"
        assert all(not ep.queue for ep in host.udc.endpoints)
        await host.enumerate()
        assert len(await host.bulk_in(1, 65536)) == 65536
        # Unbind in the middle of it, then bind again.
        await host.device.sh("cd /sys/kernel/config/usb_gadget/z; echo > UDC")
        assert await host.device.read("/sys/class/udc/10200000.usb/state") == "not attached\n"
        await sleep(us(100))
        assert not host.wire.connected
        await host.device.sh("cd /sys/kernel/config/usb_gadget/z; echo 10200000.usb > UDC")
        await host.attach()
        await host.enumerate()
        assert len(await host.bulk_in(1, 65536)) == 65536

    run(MiniHost(mode), main)


@pytest.mark.parametrize("mode", MODES)
def test_abandoned_and_repeated_setups(mode: str) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(ACM)
        await host.attach()
        setup = bytes((0x80, 6, 0, 1, 0, 0, 64, 0))
        for _ in range(5):
            # No ACK reached the host: it repeats the SETUP.
            await host.transaction(0xD, 0, pid=3, data=setup)
        assert len(await host.control(0x80, 6, 0x0100, 0, 64)) == 18
        # Abandoned before the data, in the data, before the status stage.
        await host.transaction(0xD, 0, pid=3, data=setup)
        await host.transaction(0x9, 0, max_length=64)
        assert len(await host.control(0x80, 6, 0x0100, 0, 18)) == 18
        await host.transaction(0xD, 0, pid=3, data=bytes((0x80, 6, 0, 2, 0, 0, 255, 0)))
        await host.until_done(0x9, 0, max_length=64)
        assert len(await host.control(0x80, 6, 0x0100, 0, 18)) == 18
        await host.transaction(0xD, 0, pid=3, data=bytes((0x80, 6, 0, 2, 0, 0, 255, 0)))
        await host.until_done(0x9, 0, max_length=64)
        # Early status stage: the host has had enough after one packet.
        await host.until_done(0x1, 0, pid=0xB, data=b"")
        await host.enumerate()

    run(MiniHost(mode), main)


def test_small_region_needs_dma() -> None:
    node = default_node(MiniHost().parameters, size=0x1000)

    async def main(host: MiniHost) -> None:
        await host.device.sh(ACM)
        await host.attach()
        await host.enumerate()

    run(MiniHost("dma", node=node), main)
    with pytest.raises(OSError, match="enlarge reg or use DMA") as caught:
        run(MiniHost("slave", node=node), main)
    assert caught.value.errno == errno.EINVAL


def test_g_serial() -> None:
    async def main(host: MiniHost) -> None:
        await host.device.load("g_serial")
        await host.attach()
        assert len(await host.control(0x80, 6, 0x0100, 0, 64)) == 18
        await host.control(0x00, 9, 2)
        assert "ttyGS0" in await host.device.listdir("/dev")
        await host.device.unload("g_serial")
        assert "ttyGS0" not in await host.device.listdir("/dev")
        with pytest.raises(OSError):
            await host.device.load("g_nothing")
        with pytest.raises(OSError):
            await host.device.load("g_serial", ports=2)

    run(MiniHost(), main)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(4))
def test_host_that_abandons_transfers(mode: str, seed: int) -> None:
    """Whatever the host leaves half done, the next control transfer works (USB 2.0 8.5.3)."""
    dice = random.Random(seed)
    config = bytes((0x80, 6, 0, 2, 0, 0, 255, 0))
    device = bytes((0x80, 6, 0, 1, 0, 0, 18, 0))
    coding = bytes((0x21, 0x20, 0, 0, 0, 0, 7, 0))
    lines = bytes((0x21, 0x22, 3, 0, 0, 0, 0, 0))
    bad = bytes((0x80, 6, 0, 0x44, 0, 0, 18, 0))

    async def main(host: MiniHost) -> None:
        await host.device.sh(ACM)
        await host.attach()
        await host.enumerate()
        for _ in range(60):
            setup = dice.choice((config, device, coding, lines, bad))
            for _ in range(dice.choice((1, 1, 1, 2, 5, 9))):
                one = await host.transaction(0xD, 0, pid=3, data=setup)
                assert one.handshake == "ACK"
            for _ in range(dice.randrange(6)):
                if dice.random() < 0.3:
                    await sleep(us(dice.choice((1, 5, 20, 100))))
                if setup in (config, device, bad) or setup == lines:
                    await host.transaction(0x9, 0, max_length=64)
                else:
                    await host.transaction(0x1, 0, pid=0xB, data=bytes(7))
            if dice.random() < 0.5:
                assert len(await host.control(0x80, 6, 0x0100, 0, 18)) == 18
            else:
                value = dice.randbytes(7)
                await host.control(0x21, 0x20, data=value)
                assert await host.control(0xA1, 0x21, length=7) == value
        for _ in range(100):
            await host.control(0x21, 0x22, value=1)
        await sleep(us(100))
        assert not host.udc.ep0.queue

    run(MiniHost(mode), main)


@pytest.mark.parametrize("mode", MODES)
def test_g_zero(mode: str) -> None:
    data = random.Random(3).randbytes(10_000)

    async def main(host: MiniHost) -> None:
        await host.device.load("g_zero", pattern=1, buflen=2048)
        await host.attach()
        device = await host.control(0x80, 6, 0x0100, 0, 18)
        assert device[8:12] == bytes((0x25, 0x05, 0xA0, 0xA4))
        await host.control(0x00, 9, 3)
        assert await host.bulk_in(1, 2048) == bytes(i % 63 for i in range(512)) * 4
        await host.control(0x00, 9, 2)
        host.toggles.clear()
        for length in (1, 512, 513, 2047, 2048, 1500):
            await host.bulk_out(1, data[:length])
            if length % 512 == 0 and length < 2048:
                await host.bulk_out(1, b"")
            assert await host.bulk_in(1, 4096 if length < 2048 else 2048) == data[:length]
        await host.device.unload("g_zero")
        await host.device.load("g_zero", loopdefault=1)
        await host.attach()
        assert (await host.control(0x80, 6, 0x0200, 0, 9))[5] == 2
        await host.device.unload("g_zero")
        with pytest.raises(OSError, match="legal is 0 to 2"):
            await host.device.load("g_zero", pattern=3)

    run(MiniHost(mode), main)


def test_more_packets_than_one_transfer_holds() -> None:
    """64 KiB at full speed are 1024 packets; PktCnt holds 1023, so there are two transfers."""
    pattern = bytes(i % 63 for i in range(64)) * 1024

    async def main(host: MiniHost) -> None:
        await host.device.sh(SOURCE_SINK)
        await host.attach()
        await host.enumerate()
        await sleep(ms(1))
        before = host.device.irq_chip.count(2)
        assert await host.bulk_in(1, 65536, 64) == pattern
        await host.bulk_out(1, pattern, 64)
        await sleep(ms(1))
        assert host.device.irq_chip.count(2) - before == 4
        function = host.udc.driver.cdev.configs[0].functions[0]
        assert (function.received, function.errors, function.sent) == (65536, 0, 65536)

    run(MiniHost("dma", "full"), main)
