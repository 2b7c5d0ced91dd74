# SPDX-License-Identifier: Apache-2.0
"""A device whose firmware uses the registers as CherryUSB does (facts sections 13 to 17).

Everything by read-modify-write, EP0 packet by packet. Slave mode: one status word per interrupt,
FIFOs filled by the TxFEmp interrupt alone.
"""

from __future__ import annotations

from typing import Any, Final

from firmware import BULK, EP0_BUFFER, IN_BUFFER, OUT_BUFFER, SETUP_BUFFER, Port, run
from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DCFG,
    DCTL,
    DEACHMSK,
    DIEPCTL,
    DIEPDMA,
    DIEPEMPMSK,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPMSK,
    DOEPTSIZ,
    DSTS,
    DTXFSTS,
    GAHBCFG,
    GGPIO,
    GHWCFG1,
    GHWCFG2,
    GHWCFG3,
    GHWCFG4,
    GINTMSK,
    GINTSTS,
    GNPTXFSIZ,
    GOTGCTL,
    GRSTCTL,
    GRXFSIZ,
    GRXSTSP,
    GSNPSID,
    GUSBCFG,
    PCGCCTL,
)

PROBE = False
HOST = False
RUNS = [{"mode": "dma", "lockstep": True}, {"mode": "slave", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [
    {"mode": "dma"},
    {"mode": "slave"},
    {"mode": "dma", "speed": "full", "backend": "model"},
    {"mode": "slave", "speed": "full", "backend": "model"},
]

RX_WORDS: Final = 0x1B0
TX_WORDS: Final = [0x30, 0xB0, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10]
ALL_CAUSES: Final = 0xFBFF
INTERRUPTS: Final = 0x800C_3800
ALL_TX: Final = 0x10
ENABLE: Final = DIEPCTL.CNAK.mask | DIEPCTL.EPEna.mask


class CherryUsb(Port):
    """CherryUSB's port of DWC2, slave mode or buffer DMA."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        super().__init__(bench)
        self._setup = b""
        # what is left to send, by endpoint; what was asked for and has come
        self._sending: dict[int, bytes] = {}
        self._asked: dict[int, int] = {}
        self._came: dict[int, bytes] = {0: b"", self.number: b""}
        self._rest = b""
        self._data = b""
        self._left = 0

    # -- start ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Initialise in CherryUSB's order."""
        for identity in (GSNPSID, GHWCFG1, GHWCFG2, GHWCFG3, GHWCFG4):
            await self.read(identity.OFFSET)
        endpoints = GHWCFG2.NumDevEps.get(await self.read(GHWCFG2.OFFSET)) + 1
        await self.change(GAHBCFG.OFFSET, clear=GAHBCFG.GlblIntrMsk.mask)
        await self.change(DCTL.OFFSET, more=DCTL.SftDiscon.mask)
        await self.write(GGPIO.OFFSET, 0)
        await self.change(GUSBCFG.OFFSET, clear=GUSBCFG.PHYSel.mask | GUSBCFG.ULPI_UTMI_Sel.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask)
        await self.change(GRSTCTL.OFFSET, more=GRSTCTL.CSftRst.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, 0)
        force = GUSBCFG.ForceHstMode.mask | GUSBCFG.ForceDevMode.mask
        await self.change(GUSBCFG.OFFSET, clear=force)
        await self.change(GUSBCFG.OFFSET, more=GUSBCFG.ForceDevMode.mask)
        await self.poll(GINTSTS.OFFSET, GINTSTS.CurMod.mask, 0)
        assert await self.read(GRXFSIZ.OFFSET) >= RX_WORDS
        places = [GNPTXFSIZ.OFFSET, *(DIEPTXF.at(n) for n in range(1, endpoints))]
        for place, words in zip(places, TX_WORDS, strict=True):
            assert await self.read(place) >> 16 >= words
        await self.change(GOTGCTL.OFFSET, more=GOTGCTL.BvalidOvEn.mask)
        await self.change(GOTGCTL.OFFSET, more=GOTGCTL.BvalidOvVal.mask)
        await self.change(GUSBCFG.OFFSET, more=GUSBCFG.TOutCal.mask)
        for number in range(1, 16):
            await self.write(DIEPTXF.at(number), 0)
        await self.write(PCGCCTL.OFFSET, 0)
        await self.change(DCFG.OFFSET, clear=DCFG.DevSpd.mask)
        # full speed on the high-speed PHY
        speed = DCFG.DevSpd.put(int(self.bench.options.speed == "full"))
        await self.change(DCFG.OFFSET, more=speed)
        for mask in (DIEPMSK, DOEPMSK, DAINTMSK, GINTMSK):
            await self.write(mask.OFFSET, 0)
        await self.write(GINTSTS.OFFSET, 0xBFFF_FFFF)
        await self.write(GINTMSK.OFFSET, INTERRUPTS)
        if self.dma:
            await self.change(DCFG.OFFSET, clear=DCFG.DescDMA.mask)
            await self.change(GAHBCFG.OFFSET, clear=GAHBCFG.HBstLen.mask)
            await self.change(GAHBCFG.OFFSET, more=0x2E)
        else:
            await self.change(GINTMSK.OFFSET, more=GINTMSK.RxFLvl.mask)
        await self.write(GRXFSIZ.OFFSET, RX_WORDS)
        for number, words in enumerate(TX_WORDS):
            start = await self.read(GRXFSIZ.OFFSET)
            for place in places[:number]:
                start += await self.read(place) >> 16
            await self.write(places[number], words << 16 | start)
        await self._flush()
        await self.change(GAHBCFG.OFFSET, more=GAHBCFG.GlblIntrMsk.mask)
        await self.change(DCTL.OFFSET, clear=DCTL.SftDiscon.mask)

    async def _flush_tx(self, fifo: int) -> None:
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask)
        await self.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo))
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask, 0)

    async def _flush(self) -> None:
        await self._flush_tx(ALL_TX)
        await self.write(GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask, 0)

    async def _await_setup(self) -> None:
        await self.write(DOEPTSIZ.at(0), 8 | 1 << 19 | 1 << 29)
        if self.dma:
            await self.write(DOEPDMA.at(0), SETUP_BUFFER)
            await self.change(DOEPCTL.at(0), more=DOEPCTL.EPEna.mask | DOEPCTL.USBActEP.mask)

    # -- interrupts -----------------------------------------------------------------------

    async def isr(self) -> None:
        """Serve one round: at most one status word."""
        causes = await self.read(GINTSTS.OFFSET) & await self.read(GINTMSK.OFFSET)
        assert not await self.read(GINTSTS.OFFSET) & GINTSTS.CurMod.mask
        if causes & GINTSTS.RxFLvl.mask:
            await self.change(GINTMSK.OFFSET, clear=GINTMSK.RxFLvl.mask)
            await self._status_word()
            await self.change(GINTMSK.OFFSET, more=GINTMSK.RxFLvl.mask)
        if causes & GINTSTS.OEPInt.mask:
            await self._out_endpoints()
        if causes & GINTSTS.IEPInt.mask:
            await self._in_endpoints()
        if causes & GINTSTS.USBRst.mask:
            await self.write(GINTSTS.OFFSET, GINTSTS.USBRst.mask)
            await self._bus_reset()
        if causes & GINTSTS.EnumDone.mask:
            await self.write(GINTSTS.OFFSET, GINTSTS.EnumDone.mask)
            speed = DSTS.EnumSpd.get(await self.read(DSTS.OFFSET))
            assert speed == int(self.bench.options.speed == "full")
            await self.change(GUSBCFG.OFFSET, clear=GUSBCFG.USBTrdTim.mask)
            await self.change(GUSBCFG.OFFSET, more=GUSBCFG.USBTrdTim.put(6 if speed else 9))
            await self.change(DCTL.OFFSET, more=DCTL.CGNPInNak.mask)
        for cause in (GINTSTS.USBSusp, GINTSTS.WkUpInt):
            if causes & cause.mask:
                await self.write(GINTSTS.OFFSET, cause.mask)

    async def _status_word(self) -> None:
        status = await self.read(GRXSTSP.OFFSET)
        data = await self.pull(GRXSTSP.BCnt.get(status))
        kind = GRXSTSP.PktSts.get(status)
        if kind == 6:
            self._setup = data
        elif kind == 2:
            self._came[GRXSTSP.EPNum.get(status)] += data

    async def _out_endpoints(self) -> None:
        waiting = (await self.read(DAINT.OFFSET) & await self.read(DAINTMSK.OFFSET)) >> 16
        for number in range(16):
            if not waiting >> number & 1:
                continue
            causes = await self.read(DOEPINT.at(number))
            await self.write(DOEPINT.at(number), causes)
            causes &= await self.read(DOEPMSK.OFFSET)
            # while the stack waits for a SETUP, XferCompl of EP0 is no more than its arrival
            if causes & DOEPINT.XferCompl.mask and (number or self.stack.stage != "setup"):
                await self._received(number)
            if causes & DOEPINT.SetUp.mask:
                if self.dma:
                    self._setup = bytes(self.hw.memory.read(SETUP_BUFFER, 8))
                await self.stack.setup(self._setup)

    async def _received(self, number: int) -> None:
        left = DOEPTSIZ.XferSize.get(await self.read(DOEPTSIZ.at(number)))
        count = max(self._asked[number] - left, 0)
        place = OUT_BUFFER if number else EP0_BUFFER
        if self.dma:
            self._came[number] += bytes(self.hw.memory.read(place, count))
        data, self._came[number] = self._came[number], b""
        assert len(data) == count, (number, len(data), count)
        if number:
            await self.stack.received(data)
            return
        self._data += data
        self._left -= count
        if count == 64 and self._left:
            await self._read(0, self._left)
            return
        await self.stack.ep0_received(self._data)

    async def _in_endpoints(self) -> None:
        waiting = await self.read(DAINT.OFFSET) & await self.read(DAINTMSK.OFFSET) & 0xFFFF
        for number in range(16):
            if not waiting >> number & 1:
                continue
            mask = await self.read(DIEPMSK.OFFSET)
            mask |= (await self.read(DIEPEMPMSK.OFFSET) >> number & 1) << 7
            causes = await self.read(DIEPINT.at(number))
            await self.write(DIEPINT.at(number), causes)
            causes &= mask
            if causes & DIEPINT.XferCompl.mask:
                if number:
                    await self.stack.sent()
                elif self._rest:
                    await self._next_of_ep0()
                else:
                    await self.stack.ep0_sent()
            if causes & DIEPINT.TxFEmp.mask and not self.dma:
                await self._fill(number)

    async def _fill(self, number: int) -> None:
        size = self.size if number else 64
        while data := self._sending[number][:size]:
            if await self.read(DTXFSTS.at(number)) < -(-len(data) // 4):
                return
            await self.push(number, data)
            self._sending[number] = self._sending[number][size:]
        await self.change(DIEPEMPMSK.OFFSET, clear=1 << number)

    async def _bus_reset(self) -> None:
        await self.change(DCTL.OFFSET, clear=DCTL.RmtWkUpSig.mask)
        await self._flush()
        for number in range(8):
            for control in (DIEPCTL.at(number), DOEPCTL.at(number)):
                if not number:
                    await self.write(control, DIEPCTL.SNAK.mask)
                elif await self.read(control) & DIEPCTL.EPEna.mask:
                    await self.write(control, DIEPCTL.EPDis.mask | DIEPCTL.SNAK.mask)
                else:
                    await self.write(control, 0)
            await self.write(DIEPTSIZ.at(number), 0)
            await self.write(DIEPINT.at(number), ALL_CAUSES)
            await self.write(DOEPTSIZ.at(number), 0)
            await self.write(DOEPINT.at(number), ALL_CAUSES)
        await self.change(DAINTMSK.OFFSET, more=0x0001_0001)
        await self.write(DOEPMSK.OFFSET, DOEPMSK.SetUp.mask | DOEPMSK.XferCompl.mask)
        await self.write(DIEPMSK.OFFSET, DIEPMSK.XferCompl.mask)
        self._came = dict.fromkeys(self._came, b"")
        self._rest, self.stack.stage = b"", "setup"
        await self.address(0)
        for number in (0,):
            await self._open(DOEPCTL.at(number), 0, 0, 0x0001_0000)
            await self._open(DIEPCTL.at(number), 0, 0, 1)
        await self._flush_tx(0)
        await self._await_setup()

    # -- what the stack asks for ----------------------------------------------------------

    async def _open(self, control: int, kind: int, size: int, bit: int, fifo: int = 0) -> None:
        await self.change(DAINTMSK.OFFSET, more=bit)
        value = DIEPCTL.MPS.put(size) | DIEPCTL.EPType.put(kind) | DIEPCTL.TxFNum.put(fifo)
        value |= DIEPCTL.SetD0PID.mask | DIEPCTL.USBActEP.mask
        await self.change(control, more=value)

    async def open(self) -> None:
        """Open the bulk endpoints."""
        number = self.number
        await self._open(DOEPCTL.at(number), BULK, self.size, 0x1_0000 << number)
        await self._open(DIEPCTL.at(number), BULK, self.size, 1 << number, number)
        await self._flush_tx(number)

    async def close(self) -> None:
        """Close the bulk endpoints; the disable is polled for."""
        for control, causes, bit in (
            (DOEPCTL.at(self.number), DOEPINT.at(self.number), 0x1_0000 << self.number),
            (DIEPCTL.at(self.number), DIEPINT.at(self.number), 1 << self.number),
        ):
            if await self.read(control) & DIEPCTL.EPEna.mask:
                await self.change(control, more=DIEPCTL.SNAK.mask)
                await self.change(control, more=DIEPCTL.EPDis.mask)
                await self.poll(causes, DIEPINT.EPDisbld.mask, DIEPINT.EPDisbld.mask)
                await self.write(causes, DIEPINT.EPDisbld.mask)
            await self.change(DEACHMSK.OFFSET, clear=bit)
            await self.change(DAINTMSK.OFFSET, clear=bit)
            await self.write(control, 0)

    async def address(self, value: int) -> None:
        """Take an address."""
        await self.change(DCFG.OFFSET, clear=DCFG.DevAddr.mask)
        await self.change(DCFG.OFFSET, more=DCFG.DevAddr.put(value))

    async def halt(self, endpoint: int, on: bool) -> None:
        """Stall bit alone; DATA0 when it is taken away."""
        number = endpoint & 0xF
        control = (DIEPCTL if endpoint & 0x80 or not number else DOEPCTL).at(number)
        if not on:
            await self.change(control, clear=DIEPCTL.Stall.mask)
            await self.change(control, more=DIEPCTL.SetD0PID.mask)
            return
        if number and not await self.read(control) & DIEPCTL.EPEna.mask:
            await self.change(control, clear=DIEPCTL.EPDis.mask)
        await self.change(control, more=DIEPCTL.Stall.mask)
        if not number and self.dma:
            await self._await_setup()

    async def _write(self, number: int, data: bytes) -> None:
        size = DIEPTSIZ.at(number)
        await self.change(size, clear=DIEPTSIZ.PktCnt.mask)
        await self.change(size, clear=DIEPTSIZ.XferSize.mask)
        packets = max(-(-len(data) // (self.size if number else 64)), 1)
        await self.change(size, more=DIEPTSIZ.PktCnt.put(packets))
        if data:
            await self.change(size, more=len(data))
        if data and self.dma:
            place = IN_BUFFER if number else EP0_BUFFER
            self.hw.memory.write(place, data)
            await self.write(DIEPDMA.at(number), place)
        self._sending[number] = data
        await self.change(DIEPCTL.at(number), more=ENABLE)
        if data and not self.dma:
            await self.change(DIEPEMPMSK.OFFSET, more=1 << number)

    async def _read(self, number: int, count: int) -> None:
        size, most = DOEPTSIZ.at(number), self.size if number else 64
        await self.change(size, clear=DOEPTSIZ.PktCnt.mask)
        await self.change(size, clear=DOEPTSIZ.XferSize.mask)
        self._asked[number] = asked = count if number or not count else min(count, most)
        # a status stage of no bytes is asked for with the size of a packet
        await self.change(size, more=DOEPTSIZ.PktCnt.put(max(-(-asked // most), 1)))
        await self.change(size, more=asked or most)
        if asked and self.dma:
            await self.write(DOEPDMA.at(number), OUT_BUFFER if number else EP0_BUFFER)
        await self.change(DOEPCTL.at(number), more=ENABLE)

    async def _next_of_ep0(self) -> None:
        data, self._rest = self._rest[:64], self._rest[64:]
        await self._write(0, data)

    async def ep0_write(self, data: bytes) -> None:
        """Send on EP0, packet by packet."""
        self._rest = data
        await self._next_of_ep0()

    async def ep0_read(self, count: int) -> None:
        """Receive on EP0, packet by packet."""
        self._data, self._left = b"", count
        await self._read(0, count)

    async def ep0_idle(self) -> None:
        """Be ready for the next SETUP."""
        await self._await_setup()

    async def bulk_write(self, data: bytes) -> None:
        """Send on the bulk endpoint."""
        await self._write(self.number, data)

    async def bulk_read(self) -> None:
        """Receive on the bulk endpoint."""
        await self._read(self.number, self.packets * self.size)


async def main(bench: Any) -> None:
    # it has no way to take back what it has begun to send on EP0
    await run(bench, CherryUsb(bench), early_setup=False)
