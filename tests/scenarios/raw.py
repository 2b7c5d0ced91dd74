# SPDX-License-Identifier: Apache-2.0
"""Helpers of the scenarios that play the host by hand, on `bench.wire`."""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import GINTSTS, GRXSTSP
from pymodel.packets import PID
from tb.kernel import ms, sleep, us
from tb.usb import SetupPacket

GADGET = """
cd /sys/kernel/config/usb_gadget
mkdir g1
cd g1
echo 0x1d6b > idVendor
echo 0x0104 > idProduct
mkdir strings/0x409
echo 0123 > strings/0x409/serialnumber
mkdir functions/acm.GS0
mkdir configs/c.1
ln -s functions/acm.GS0 configs/c.1
echo 10200000.usb > UDC
"""
WINDOW = 0x1000
GET_DEVICE = bytes(SetupPacket(0x80, 6, 0x0100, 0, 18))


async def attach_gadget(bench: Any) -> None:
    """Bind an ACM gadget and bring the bus up to the end of reset."""
    await bench.device.sh(GADGET)
    await plug(bench)


async def connect(bench: Any) -> None:
    """Give VBUS and wait until the device has pulled up."""
    bench.wire.vbus(True)
    while not bench.wire.connected:
        await sleep(us(10))


async def plug(bench: Any) -> None:
    """Connect, and bring the bus up to the end of reset."""
    await connect(bench)
    assert await bench.wire.reset() == bench.options.speed
    await bench.wire.sof(2)


async def pop(bench: Any) -> tuple[int, bytes]:
    """Slave mode: take a status word and its data out of the Rx FIFO: (PktSts, bytes)."""
    status = await bench.hw.read32(GRXSTSP.OFFSET)
    count = GRXSTSP.BCnt.get(status)
    data = await bench.controller.bus.read_fifo(WINDOW, count) if count else b""
    return GRXSTSP.PktSts.get(status), bytes(data)


async def drain(bench: Any) -> list[int]:
    """Slave mode: take everything out of the Rx FIFO; return what the status words stand for."""
    kinds = []
    while await bench.hw.read32(GINTSTS.OFFSET) & GINTSTS.RxFLvl.mask:
        kinds.append((await pop(bench))[0])
    return kinds


async def settle(bench: Any) -> None:
    """Give the driver time to answer."""
    await sleep(us(100))


class BulkOut:
    """A bulk OUT pipe by hand: toggle, and PING after NAK or NYET at high speed."""

    def __init__(self, bench: Any, address: int, endpoint: int, pid: int = PID.DATA0) -> None:
        """Start with a data PID."""
        self._bench = bench
        self._target = (address, endpoint)
        self._ping = False
        self.pid = pid

    async def send(self, data: bytes, **knobs: Any) -> Any:
        """Send one packet, waiting while the device NAKs; an accepted one flips the toggle."""
        wire, high = self._bench.wire, self._bench.options.speed == "high"
        for _ in range(200):
            if self._ping:
                result = await wire.ping(*self._target)
                if result.handshake == "NAK":
                    await sleep(us(20))
                    continue
                assert result.handshake == "ACK", result
            result = await wire.out(*self._target, self.pid, data, **knobs)
            self._ping = high and result.handshake in ("NAK", "NYET")
            if result.handshake == "NAK":
                await sleep(us(20))
                continue
            if result.handshake in ("ACK", "NYET") and not knobs:
                self.pid = self.other
            return result
        raise AssertionError("the device answers nothing but NAK")

    async def again(self, data: bytes) -> Any:
        """Send the packet before once more, as if its acknowledgement had been lost."""
        return await self.send(data, wrong_toggle=True)

    @property
    def other(self) -> int:
        """The toggle that is not next."""
        return PID.DATA1 if self.pid == PID.DATA0 else PID.DATA0


async def retry(bench: Any, action: Any, *args: Any, **options: Any) -> Any:
    """Repeat a transaction while the device NAKs it."""
    for _ in range(200):
        result = await action(*args, **options)
        if result.handshake != "NAK":
            return result
        await sleep(us(20))
    raise AssertionError("the device answers nothing but NAK")


async def control_in(bench: Any, setup: bytes, address: int = 0, **knobs: Any) -> bytes:
    """Run a whole control read by hand; the knobs go to the first IN transaction."""
    wire = bench.wire
    result = await wire.setup(address, 0, setup)
    assert result.handshake == "ACK", result
    data, expected = b"", PID.DATA1
    length = SetupPacket.parse(setup).wLength
    while True:
        result = await retry(bench, wire.in_, address, 0, **knobs)
        if knobs:
            knobs = {}
            continue
        if result.handshake == "STALL":
            raise BrokenPipeError
        assert result.handshake == "ACK", result
        assert result.rx_pid == expected, (result.rx_pid, expected)
        data += result.rx_data
        expected = PID.DATA0 if expected == PID.DATA1 else PID.DATA1
        if len(result.rx_data) < 64 or len(data) >= length:
            break
    status = BulkOut(bench, address, 0, PID.DATA1)
    result = await status.send(b"")
    assert result.handshake in ("ACK", "NYET"), result
    return data


async def control_out(bench: Any, setup: bytes, address: int = 0) -> None:
    """Run a control transfer without data stage by hand."""
    result = await bench.wire.setup(address, 0, setup)
    assert result.handshake == "ACK", result
    result = await retry(bench, bench.wire.in_, address, 0)
    if result.handshake == "STALL":
        raise BrokenPipeError
    assert (result.rx_pid, result.rx_data) == (PID.DATA1, b"")


async def configure(bench: Any, address: int = 5) -> None:
    """Address and configure the gadget by hand."""
    await control_out(bench, bytes(SetupPacket(0, 5, address, 0, 0)))
    await sleep(us(50))
    await control_out(bench, bytes(SetupPacket(0, 9, 1, 0, 0)), address)
    await sleep(ms(0.2))
