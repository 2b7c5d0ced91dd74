# SPDX-License-Identifier: Apache-2.0
"""Remote wake-up, test modes, and faults of the controller (gadget-core.md 9 and 10)."""

from __future__ import annotations

import errno
import logging
import random
from collections.abc import Callable

import pytest

from pymodel.gen.udc_regs import DCTL, DIEPINT, DOEPINT
from tb.gadget import UsbEp, usb_ep_queue, usb_gadget_wakeup
from tb.gadget.udc.dwc2_desc import DescriptorList
from tb.kernel import ms, sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_dwc2 import SOURCE_SINK
from tests.gadget.test_gadget_endpoints import Log, scenario

STATE = "/sys/class/udc/10200000.usb/state"
WAKEUP = """
cd /sys/kernel/config/usb_gadget
mkdir z; cd z
mkdir functions/gser.0 configs/c.1
ln -s functions/gser.0 configs/c.1
echo 0xa0 > configs/c.1/bmAttributes
echo 10200000.usb > UDC
"""
SET, CLEAR = 3, 1
REMOTE_WAKEUP, TEST_MODE = 1, 2


@pytest.mark.parametrize("mode", MiniHost.MODES)
@pytest.mark.parametrize("speed", ["high", "full"])
def test_remote_wakeup(mode: str, speed: str) -> None:
    async def main(host: MiniHost) -> None:
        device, wire = host.device, host.wire
        await device.sh(WAKEUP)
        await host.attach()
        await host.enumerate()
        assert (await host.control(0x80, 6, 0x0200, 0, 9))[7] == 0xA0
        gadget = host.udc.gadget
        with pytest.raises(OSError, match="has not allowed") as caught:
            await usb_gadget_wakeup(gadget)
        assert caught.value.errno == errno.EINVAL
        await host.control(0x00, SET, REMOTE_WAKEUP)
        assert await host.control(0x80, 0, length=2) == b"\x02\x00"
        with pytest.raises(OSError, match="not suspended") as caught:
            await usb_gadget_wakeup(gadget)
        assert caught.value.errno == errno.EIO
        await wire.suspend()
        await sleep(ms(10))
        assert await device.read(STATE) == "suspended\n"
        waking = host.kernel.spawn(usb_gadget_wakeup(gadget), name="wake", cpu=device.cpu)
        await sleep(us(10))
        assert wire.line_state == "K"
        await wire.resume(us(200))
        await waking
        assert not await device.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
        assert await device.read(STATE) == "configured\n"
        await host.control(0x00, CLEAR, REMOTE_WAKEUP)
        assert await host.control(0x80, 0, length=2) == b"\x00\x00"
        with pytest.raises(OSError, match="has not allowed"):
            await usb_gadget_wakeup(gadget)

    run(MiniHost(mode, speed), main)


def test_remote_wakeup_that_the_configuration_does_not_have() -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(WAKEUP.replace("0xa0", "0x80"))
        await host.attach()
        await host.enumerate()
        with pytest.raises(OSError) as caught:
            await host.control(0x00, SET, REMOTE_WAKEUP)
        assert caught.value.errno == errno.EPIPE
        await host.device.write("/sys/class/udc/10200000.usb/srp", "1")
        assert await host.control(0x80, 0, length=2) == b"\x00\x00"

    run(MiniHost(), main)


@pytest.mark.parametrize("mode", MiniHost.MODES)
def test_test_mode_after_the_status_stage(mode: str) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(WAKEUP)
        await host.attach()
        await host.enumerate()
        read = host.controller.bus.read32
        for index in (0x0000, 0x0600, 0x0401):
            with pytest.raises(OSError):
                await host.control(0x00, SET, TEST_MODE, index)
        with pytest.raises(OSError):
            await host.control(0x00, CLEAR, TEST_MODE, 0x0400)
        # The host that does not come for the status stage gets no test mode.
        one = await host.transaction(0xD, 0, pid=3, data=bytes((0, SET, 2, 0, 0, 4, 0, 0)))
        assert one.handshake == "ACK"
        await sleep(us(200))
        assert await host.control(0x80, 8, length=1) == b"\x01"
        await sleep(us(200))
        assert not await read(DCTL.OFFSET) & DCTL.TstCtl.mask
        await host.control(0x00, SET, TEST_MODE, 0x0400)
        await sleep(us(100))
        assert DCTL.TstCtl.get(await read(DCTL.OFFSET)) == 4

    run(MiniHost(mode), main)


def test_no_test_mode_at_full_speed() -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(WAKEUP)
        await host.attach()
        await host.enumerate()
        with pytest.raises(OSError):
            await host.control(0x00, SET, TEST_MODE, 0x0400)

    run(MiniHost(speed="full"), main)


def _lie(host: MiniHost, offset: int, change: Callable[[int], int]) -> None:
    """Let the driver read another value from a register."""
    hw = host.udc.hw
    honest = hw.read

    async def read(at: int) -> int:
        value = await honest(at)
        return change(value) if at == offset else value

    hw.read = read


@pytest.mark.parametrize("mode", ["dma", "dma-shared"])
def test_bus_error_ends_a_request(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """The request that the error hit ends with -EIO, and the next one works."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        fault = [True, True]

        def spoil(which: int) -> Callable[[int], int]:
            def change(value: int) -> int:
                if value & DIEPINT.XferCompl.mask and fault[which]:
                    fault[which] = False
                    return value | DIEPINT.AHBErr.mask
                return value

            return change

        _lie(host, DIEPINT.at(1), spoil(0))
        _lie(host, DOEPINT.at(1), spoil(1))
        data = random.Random(1).randbytes(600)
        for _ in range(2):
            usb_ep_queue(ep_in, log.make(ep_in, 600, data))
            assert await host.bulk_in(1, 1024) == data
        for _ in range(2):
            usb_ep_queue(ep_out, log.make(ep_out, 600))
            await host.bulk_out(1, data)
            await sleep(us(50))
        assert log.statuses() == [-errno.EIO, 0, -errno.EIO, 0]
        assert fault == [False, False]

    with caplog.at_level(logging.ERROR):
        scenario(mode, main)
    for name in ("ep1in", "ep1out"):
        assert f"{name}: its DMA met a bus error" in caplog.text


def test_bus_error_of_a_control_transfer(caplog: pytest.LogCaptureFixture) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(SOURCE_SINK)
        await host.attach()
        await host.enumerate()
        await host.control(0x40, 0x5B, data=bytes(300))
        await sleep(us(100))
        fault = [True]

        def change(value: int) -> int:
            if value & DIEPINT.XferCompl.mask and fault:
                fault.clear()
                return value | DIEPINT.AHBErr.mask
            return value

        _lie(host, DIEPINT.at(0), change)
        with pytest.raises(OSError):
            await host.control(0xC0, 0x5C, length=300)
        assert not fault
        assert len(await host.control(0x80, 6, 0x0100, 0, 18)) == 18

    with caplog.at_level(logging.ERROR):
        run(MiniHost("dma"), main)
    assert "ep0in: its DMA met a bus error" in caplog.text


def test_descriptor_that_is_not_ready(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core finds a descriptor that the host still owns: BNA, -EIO, and the next one works."""
    honest = DescriptorList.put
    bad = [False]

    def put(self: DescriptorList, index: int, flags: int, size: int, buffer: int) -> None:
        honest(self, index, flags | 3 << 30 if bad[0] else flags, size, buffer)

    monkeypatch.setattr(DescriptorList, "put", put)

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for ep in (ep_in, ep_out):
            bad[0] = True
            usb_ep_queue(ep, log.make(ep, 600, bytes(600)))
            await sleep(us(100))
            bad[0] = False
            usb_ep_queue(ep, log.make(ep, 600, bytes(600)))
            await sleep(us(50))
            if ep is ep_in:
                assert len(await host.bulk_in(1, 1024)) == 600
            else:
                await host.bulk_out(1, bytes(600))
            await sleep(us(50))
        assert [(status, actual) for _, status, actual in log.done] == [
            (-errno.EIO, 0),
            (0, 600),
            (-errno.EIO, 0),
            (0, 600),
        ]
        bad[0] = True
        host_asks = host.control(0x80, 6, 0x0100, 0, 18)
        with pytest.raises(OSError):
            await host_asks
        bad[0] = False

    with caplog.at_level(logging.ERROR):
        scenario("desc", main)
    for name in ("ep1in", "ep1out", "ep0in"):
        assert f"{name}: it found a descriptor that was not ready" in caplog.text
