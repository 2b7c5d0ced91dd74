# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints on raw registers and a raw wire: parity, incomplete frames, PIDs.

EP1 IN and EP2 OUT; the scenario is the firmware and the host. What runs in "its" frame is sent a
little after that frame's SOF, registers are written in the frame before.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    DSTS,
    DTXFSTS,
    GAHBCFG,
    GINTMSK,
    GINTSTS,
    GRSTCTL,
    GRXFSIZ,
    GRXSTSP,
)
from pymodel.packets import PID
from raw import connect
from tb.kernel import sleep, timeout, us

PROBE = False
HOST = False
RUNS = [
    {"speed": "high", "mode": "dma"},
    {"speed": "high", "mode": "slave"},
    {"speed": "full", "mode": "dma"},
    {"speed": "full", "mode": "slave"},
]

ADDRESS = 5
IN, OUT = 1, 2
ISO = 1
IN_BUFFER, OUT_BUFFER = 0x1000_0000, 0x1000_4000
FIFO_WINDOW = 0x1000
TX_DEPTH = 768
RX_DEPTH = 1024
# PID of a status word and of RxDPID
CODE = {PID.DATA0: 0, PID.DATA2: 1, PID.DATA1: 2, PID.MDATA: 3}


class Firmware:
    """Both endpoints, by registers."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench = bench
        self.hw = bench.hw
        self.bus = bench.controller.bus
        self.wire = bench.controller.wire
        self.dma = bench.options.mode == "dma"
        self.high = bench.options.speed == "high"
        self.size = 1024 if self.high else 200

    async def start(self) -> None:
        """Bring the device on the bus, with both endpoints active."""
        hw, bench = self.hw, self.bench
        if self.dma:
            await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask)
            hw.memory.map(IN_BUFFER, 4096, device_reads=True, device_writes=False)
            hw.memory.map(OUT_BUFFER, 4096, device_reads=False, device_writes=True)
        await hw.write32(GRXFSIZ.OFFSET, RX_DEPTH)
        await hw.write32(DIEPTXF.at(1), TX_DEPTH << 16 | 1280)
        await hw.write32(DCTL.OFFSET, 0)
        await connect(bench)
        assert await bench.wire.reset() == bench.options.speed
        await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(ADDRESS))
        common = DIEPCTL.MPS.put(self.size) | DIEPCTL.USBActEP.mask | DIEPCTL.EPType.put(ISO)
        self.in_control = common | DIEPCTL.TxFNum.put(1)
        self.out_control = common
        await hw.write32(DIEPCTL.at(IN), self.in_control)
        await hw.write32(DOEPCTL.at(OUT), self.out_control)
        await bench.wire.sof(10)
        bench.checker.assume_endpoint(IN, True, ISO, self.size)
        bench.checker.assume_endpoint(OUT, False, ISO, self.size)
        bench.checker.assume_address(ADDRESS)

    async def frame(self, parity: int) -> int:
        """Go to the next (micro)frame of a parity and return its number."""
        number = self.wire.frame + 1
        number += (number ^ parity) & 1
        await sleep(self.wire.frame_time(number) + us(6) - self.bench.kernel.now)
        shown = DSTS.SOFFN.get(await self.hw.read32(DSTS.OFFSET))
        assert shown & 1 == parity, (shown, number)
        return number

    async def end(self) -> None:
        """Go to the time between EOPF and the end of the frame."""
        start = self.wire.frame_time(self.wire.frame)
        length = self.wire.frame_time(self.wire.frame + 1) - start
        await sleep(start + length * 9 // 10 - self.bench.kernel.now)

    async def ints(self, offset: int) -> int:
        """Read and clear a register of causes."""
        value = await self.hw.read32(offset)
        await self.hw.write32(offset, value)
        return value

    async def send(self, data: bytes, parity: int, per_frame: int = 1, load: bool = True) -> None:
        """Start an IN transfer for frames of a parity; `load` puts its data into the FIFO."""
        hw = self.hw
        packets = max(-(-len(data) // self.size), 1)
        await hw.write32(
            DIEPTSIZ.at(IN),
            DIEPTSIZ.MC.put(per_frame) | DIEPTSIZ.PktCnt.put(packets) | len(data),
        )
        if self.dma:
            hw.memory.write(IN_BUFFER, data)
            await hw.write32(DIEPDMA.at(IN), IN_BUFFER)
        await hw.write32(DIEPCTL.at(IN), self.in_control | self.enable(parity))
        if load and not self.dma:
            for at in range(0, len(data), self.size):
                await self.bus.write_fifo(FIFO_WINDOW * (IN + 1), data[at : at + self.size])

    @staticmethod
    def enable(parity: int) -> int:
        """Return the command bits that enable an endpoint for a parity."""
        pid = DIEPCTL.SetD1PID if parity else DIEPCTL.SetD0PID
        return DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask | pid.mask

    async def receive(self, packets: int, parity: int) -> None:
        """Start an OUT transfer for frames of a parity."""
        hw = self.hw
        self.wanted = packets * self.size
        await hw.write32(DOEPTSIZ.at(OUT), DOEPTSIZ.PktCnt.put(packets) | self.wanted)
        if self.dma:
            await hw.write32(DOEPDMA.at(OUT), OUT_BUFFER)
        await hw.write32(DOEPCTL.at(OUT), self.out_control | self.enable(parity))

    async def received(self, number: int, pids: list[int]) -> bytes:
        """Return what a transfer received; check status words, RxDPID and XferCompl."""
        hw, data = self.hw, b""
        if self.dma:
            await sleep(us(12))
            size = await hw.read32(DOEPTSIZ.at(OUT))
            data = bytes(hw.memory.read(OUT_BUFFER, self.wanted - DOEPTSIZ.XferSize.get(size)))
        else:
            for pid in pids:
                status = await hw.read32(GRXSTSP.OFFSET)
                assert GRXSTSP.PktSts.get(status) == 2, hex(status)
                assert GRXSTSP.DPID.get(status) == CODE[pid], (hex(status), pid)
                assert GRXSTSP.FN.get(status) == number & 15, (hex(status), number)
                data += await self.bus.read_fifo(FIFO_WINDOW, GRXSTSP.BCnt.get(status))
            status = await hw.read32(GRXSTSP.OFFSET)
            assert GRXSTSP.PktSts.get(status) == 3, hex(status)
            size = await hw.read32(DOEPTSIZ.at(OUT))
        assert DOEPTSIZ.RxDPID.get(size) == CODE[pids[-1]], hex(size)
        assert await self.ints(DOEPINT.at(OUT)) == DOEPINT.XferCompl.mask
        assert not DOEPCTL.EPEna.get(await hw.read32(DOEPCTL.at(OUT)))
        return data

    async def disable(self, control: int, causes: int, mask: int) -> None:
        """Disable an endpoint and wait until that is done."""
        await self.hw.write32(control, mask | DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)

        async def until_disabled() -> None:
            while not await self.hw.read32(causes) & DIEPINT.EPDisbld.mask:
                pass

        await timeout(until_disabled(), us(20))
        assert not DIEPCTL.EPEna.get(await self.hw.read32(control))
        await self.ints(causes)

    async def stop_in(self) -> None:
        """Disable EP1 IN and empty its FIFO."""
        await self.disable(DIEPCTL.at(IN), DIEPINT.at(IN), self.in_control)
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(1))
        await sleep(us(2))
        assert await self.hw.read32(DTXFSTS.at(IN)) == TX_DEPTH

    async def stop_out(self) -> None:
        """Disable EP2 OUT."""
        await self.disable(DOEPCTL.at(OUT), DOEPINT.at(OUT), self.out_control)

    # -- the host -------------------------------------------------------------------------

    async def in_(self) -> tuple[int, bytes]:
        """Send an IN token; return PID and payload."""
        result = await self.bench.wire.in_(ADDRESS, IN, self.size, isochronous=True)
        assert result.status == "ok", result
        return result.rx_pid, result.rx_data

    async def out(self, pid: int, data: bytes, **knobs: Any) -> None:
        """Send an OUT packet."""
        await self.bench.wire.out(ADDRESS, OUT, pid, data, isochronous=True, **knobs)
        await sleep(us(2))

    def bytes(self, count: int) -> bytes:
        """Return random payload."""
        return self.bench.random.randbytes(count)


NOTHING = DIEPINT.NAKIntrpt.mask | DIEPINT.INTknTXFEmp.mask


async def not_enabled(fw: Firmware) -> None:
    """Tokens to endpoints that are not enabled tell the driver that the host has begun."""
    assert await fw.in_() == (PID.DATA0, b"")
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == NOTHING
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == 0
    await fw.out(PID.DATA0, b"lost")
    assert await fw.ints(DOEPINT.at(OUT)) == DOEPINT.OUTTknEPdis.mask
    await fw.ints(GINTSTS.OFFSET)


async def parity_in(fw: Firmware, parity: int) -> None:
    """Data in a frame of the parity, nothing in others."""
    await fw.frame(parity)
    data = fw.bytes(fw.size - 7)
    await fw.send(data, parity)
    assert DIEPCTL.DPID.get(await fw.hw.read32(DIEPCTL.at(IN))) == parity
    await fw.frame(1 - parity)
    await fw.ints(GINTSTS.OFFSET)
    assert await fw.in_() == (PID.DATA0, b"")
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == 0
    await fw.end()
    assert not GINTSTS.incompISOIN.get(await fw.ints(GINTSTS.OFFSET))
    await fw.frame(parity)
    assert await fw.in_() == (PID.DATA0, data)
    await sleep(us(1))
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == DIEPINT.XferCompl.mask
    control = await fw.hw.read32(DIEPCTL.at(IN))
    assert (DIEPCTL.EPEna.get(control), DIEPCTL.DPID.get(control)) == (0, parity)
    await fw.end()
    assert not GINTSTS.incompISOIN.get(await fw.ints(GINTSTS.OFFSET))


async def incomplete_in(fw: Firmware) -> None:
    """A frame without a token: told at EOPF, then the other parity on the enabled endpoint."""
    await fw.frame(0)
    data = fw.bytes(99)
    await fw.send(data, 1)
    await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    await sleep(us(50))
    early = GINTSTS.incompISOIN.mask | GINTSTS.EOPF.mask
    assert not await fw.hw.read32(GINTSTS.OFFSET) & early
    await fw.end()
    status = await fw.ints(GINTSTS.OFFSET)
    assert GINTSTS.incompISOIN.get(status) and GINTSTS.EOPF.get(status), hex(status)
    assert not GINTSTS.incompISOOUT.get(status)
    await fw.send(data, 0, load=False)
    await fw.frame(0)
    assert await fw.in_() == (PID.DATA0, data)
    await sleep(us(2))
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == DIEPINT.XferCompl.mask
    assert await fw.hw.read32(DTXFSTS.at(IN)) == TX_DEPTH


async def stopped_in(fw: Firmware) -> None:
    """Software gives a frame up: disable and flush, nothing is left for the next transfer."""
    await fw.frame(0)
    await fw.send(fw.bytes(64), 1)
    await sleep(us(5))
    await fw.stop_in()
    await fw.frame(0)
    await fw.send(b"", 1)
    await fw.frame(1)
    assert await fw.in_() == (PID.DATA0, b"")
    await sleep(us(1))
    assert DIEPINT.XferCompl.get(await fw.ints(DIEPINT.at(IN)))


async def parity_out(fw: Firmware, parity: int) -> None:
    """A packet in a frame of the parity is taken, others are not."""
    await fw.frame(parity)
    await fw.receive(1, parity)
    assert DOEPCTL.DPID.get(await fw.hw.read32(DOEPCTL.at(OUT))) == parity
    await fw.frame(1 - parity)
    await fw.ints(GINTSTS.OFFSET)
    await fw.out(PID.DATA0, fw.bytes(20))
    assert await fw.ints(DOEPINT.at(OUT)) == 0
    number = await fw.frame(parity)
    data = fw.bytes(fw.size - 3)
    await fw.out(PID.DATA0, data)
    assert await fw.received(number, [PID.DATA0]) == data
    await fw.end()
    assert not GINTSTS.incompISOOUT.get(await fw.ints(GINTSTS.OFFSET))


async def incomplete_out(fw: Firmware) -> None:
    """A packet with an error has never been there; its frame is incomplete."""
    await fw.frame(0)
    await fw.receive(1, 1)
    await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    await fw.out(PID.DATA0, fw.bytes(33), bad_crc=True)
    await fw.end()
    status = await fw.ints(GINTSTS.OFFSET)
    assert GINTSTS.incompISOOUT.get(status) and not GINTSTS.incompISOIN.get(status), hex(status)
    assert DOEPCTL.EPEna.get(await fw.hw.read32(DOEPCTL.at(OUT)))
    await fw.hw.write32(DOEPCTL.at(OUT), fw.out_control | DOEPCTL.SetD0PID.mask)
    number = await fw.frame(0)
    await fw.out(PID.DATA0, b"")
    assert await fw.received(number, [PID.DATA0]) == b""
    await fw.receive(1, 1)
    await fw.stop_out()


async def no_room(fw: Firmware) -> None:
    """A good packet without room in the Rx FIFO is lost and reported."""
    await fw.hw.write32(GRXFSIZ.OFFSET, 16)
    await fw.frame(0)
    await fw.receive(1, 1)
    await fw.out(PID.DATA0, fw.bytes(fw.size))
    assert not GINTSTS.ISOOutDrop.get(await fw.ints(GINTSTS.OFFSET))
    await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    await fw.out(PID.DATA0, fw.bytes(fw.size), bad_crc=True)
    assert not GINTSTS.ISOOutDrop.get(await fw.ints(GINTSTS.OFFSET))
    await fw.out(PID.DATA0, fw.bytes(fw.size))
    assert GINTSTS.ISOOutDrop.get(await fw.ints(GINTSTS.OFFSET))
    await fw.stop_out()
    await fw.hw.write32(GRXFSIZ.OFFSET, RX_DEPTH)


async def end_of_frame(fw: Firmware) -> None:
    """EOPF comes at 80, 85, 90 and 95 % of the frame."""
    hw = fw.hw
    await hw.write32(GINTMSK.OFFSET, GINTMSK.EOPF.mask)
    for code, percent in enumerate((80, 85, 90, 95)):
        await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(ADDRESS) | DCFG.PerFrInt.put(code))
        number = await fw.frame(0)
        await fw.ints(GINTSTS.OFFSET)
        await hw.write32(GAHBCFG.OFFSET, (GAHBCFG.DMAEn.mask if fw.dma else 0) | 1)
        assert not hw.irq
        await hw.irq_change()
        start, after = (fw.wire.frame_time(one) for one in (number, number + 1))
        part = (fw.bench.kernel.now - start) * 100 / (after - start)
        assert hw.irq and percent <= part < percent + 1.0, (percent, part)
        await fw.ints(GINTSTS.OFFSET)
    await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(ADDRESS))
    await hw.write32(GINTMSK.OFFSET, 0)


async def bandwidth_in(fw: Firmware, length: int, pids: list[int], per_frame: int) -> None:
    """Several packets in a microframe; the PID tells how many follow."""
    await fw.frame(0)
    data = fw.bytes(length)
    await fw.send(data, 1, per_frame)
    await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    got = b""
    for pid in pids:
        found, part = await fw.in_()
        assert found == pid, (found, pid)
        got += part
    assert got == data
    await sleep(us(2))
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == DIEPINT.XferCompl.mask
    await fw.end()
    assert not GINTSTS.incompISOIN.get(await fw.ints(GINTSTS.OFFSET))


async def bandwidth_in_missed(fw: Firmware) -> None:
    """The host asks for one packet of two: incomplete; more than MC in a microframe: nothing."""
    await fw.frame(0)
    data = fw.bytes(2 * fw.size)
    await fw.send(data, 1, 2)
    await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    assert await fw.in_() == (PID.DATA1, data[: fw.size])
    await fw.end()
    assert GINTSTS.incompISOIN.get(await fw.ints(GINTSTS.OFFSET))
    # what is left goes in the next microframe of the parity, and is that one's last packet
    await fw.frame(1)
    assert await fw.in_() == (PID.DATA0, data[fw.size :])
    await sleep(us(2))
    await fw.ints(DIEPINT.at(IN))
    await fw.frame(0)
    await fw.send(data, 1, 1)
    await fw.frame(1)
    assert await fw.in_() == (PID.DATA0, data[: fw.size])
    assert await fw.in_() == (PID.DATA0, b"")
    assert await fw.ints(DIEPINT.at(IN)) & ~DIEPINT.TxFEmp.mask == 0
    await fw.end()
    assert not GINTSTS.incompISOIN.get(await fw.ints(GINTSTS.OFFSET))
    await fw.frame(1)
    assert await fw.in_() == (PID.DATA0, data[fw.size :])
    await sleep(us(2))
    await fw.ints(DIEPINT.at(IN))


async def bandwidth_out(fw: Firmware, pids: list[int]) -> None:
    """MDATA while more follows, then the PID that tells how many there were."""
    await fw.frame(0)
    await fw.receive(len(pids), 1)
    number = await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    data = fw.bytes(len(pids) * fw.size - 5)
    for index, pid in enumerate(pids):
        await fw.out(pid, data[index * fw.size : (index + 1) * fw.size])
    assert await fw.received(number, pids) == data
    await fw.end()
    assert not GINTSTS.incompISOOUT.get(await fw.ints(GINTSTS.OFFSET))


async def bandwidth_out_missed(fw: Firmware) -> None:
    """After MDATA alone the microframe is incomplete."""
    await fw.frame(0)
    await fw.receive(2, 1)
    number = await fw.frame(1)
    await fw.ints(GINTSTS.OFFSET)
    await fw.out(PID.MDATA, fw.bytes(fw.size))
    await fw.end()
    assert GINTSTS.incompISOOUT.get(await fw.ints(GINTSTS.OFFSET))
    assert DOEPTSIZ.RxDPID.get(await fw.hw.read32(DOEPTSIZ.at(OUT))) == CODE[PID.MDATA]
    if not fw.dma:
        status = await fw.hw.read32(GRXSTSP.OFFSET)
        assert (GRXSTSP.DPID.get(status), GRXSTSP.FN.get(status)) == (3, number & 15)
        await fw.bus.read_fifo(FIFO_WINDOW, GRXSTSP.BCnt.get(status))
    await fw.stop_out()


async def main(bench) -> None:
    fw = Firmware(bench)
    await fw.start()
    await not_enabled(fw)
    for parity in (1, 0):
        await parity_in(fw, parity)
        await parity_out(fw, parity)
    await incomplete_in(fw)
    await stopped_in(fw)
    await incomplete_out(fw)
    await no_room(fw)
    if fw.high:
        await bandwidth_in(fw, 3 * fw.size, [PID.DATA2, PID.DATA1, PID.DATA0], 3)
        await bandwidth_in(fw, 2 * fw.size - 9, [PID.DATA1, PID.DATA0], 2)
        await bandwidth_in(fw, 2 * fw.size - 9, [PID.DATA1, PID.DATA0], 3)
        await bandwidth_in(fw, 17, [PID.DATA0], 3)
        await bandwidth_in(fw, 18, [PID.DATA0], 0)
        await bandwidth_in_missed(fw)
        await bandwidth_out(fw, [PID.MDATA, PID.MDATA, PID.DATA2])
        await bandwidth_out(fw, [PID.MDATA, PID.DATA1])
        await bandwidth_out_missed(fw)
    await end_of_frame(fw)
