# SPDX-License-Identifier: Apache-2.0
"""A device whose firmware uses the registers as libopencm3 does (facts sections 13 to 17).

Polled, slave mode, full speed. This is its f107, which sets the pull-up free by DCTL;
`opencm3_f207.py` is the one that does not.
"""

from __future__ import annotations

from typing import Any, Final

from firmware import BULK, Port, run
from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPINT,
    DOEPMSK,
    DOEPTSIZ,
    GAHBCFG,
    GGPIO,
    GINTMSK,
    GINTSTS,
    GNPTXFSIZ,
    GRSTCTL,
    GRXFSIZ,
    GRXSTSP,
    GUID,
    GUSBCFG,
    PCGCCTL,
)
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [{"mode": "slave", "speed": "full", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [{"mode": "slave", "speed": "full"}]

RX_WORDS: Final = 38
ENDPOINTS: Final = 4
INTERRUPTS: Final = 0x800C_3810
POWER: Final = 0x0009_0000
HAS_VBDEN: Final = 0x2000
ALL_TX: Final = 0x10
ENABLE: Final = DIEPCTL.CNAK.mask | DIEPCTL.EPEna.mask


class OpenCm3(Port):
    """libopencm3's driver: one packet per transfer, everything in one poll."""

    packets = 1
    f107 = True

    def __init__(self, bench: Any, number: int = 1) -> None:
        """Use the doors of a bench."""
        super().__init__(bench, number)
        self._setup = b""
        self._rest = b""
        self._sending: set[int] = set()
        self._ep0 = b""
        self._left = 0
        self._data: dict[int, int] = {}
        self._nak: set[int] = set()
        self._top = 0

    async def interrupts(self) -> None:
        """Poll for ever."""
        while True:
            await self.isr()
            await sleep(us(20))

    # -- start ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Initialise in the order of the f107 or the f207."""
        if not self.f107:
            await self.write(GINTSTS.OFFSET, GINTSTS.ModeMis.mask)
        await self.change(GUSBCFG.OFFSET, more=GUSBCFG.PHYSel.mask)
        if not self.f107:
            await self.change(GGPIO.OFFSET, more=POWER)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask)
        await self.change(GRSTCTL.OFFSET, more=GRSTCTL.CSftRst.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, 0)
        if self.f107:
            assert await self.read(GUID.OFFSET) < HAS_VBDEN
            await self.change(GGPIO.OFFSET, more=POWER)
            await self.change(DCTL.OFFSET, clear=DCTL.SftDiscon.mask)
        more = GUSBCFG.ForceDevMode.mask | GUSBCFG.USBTrdTim.mask
        await self.change(GUSBCFG.OFFSET, more=more)
        if self.f107:
            await self.write(GINTSTS.OFFSET, GINTSTS.ModeMis.mask)
        await self.change(DCFG.OFFSET, more=DCFG.DevSpd.put(3))
        await self.write(PCGCCTL.OFFSET, 0)
        await self.change(GAHBCFG.OFFSET, more=GAHBCFG.GlblIntrMsk.mask)
        await self.write(GINTMSK.OFFSET, INTERRUPTS)
        await self.write(DAINTMSK.OFFSET, 0x000F_000F)
        await self.write(DIEPMSK.OFFSET, DIEPMSK.XferCompl.mask)
        await self.write(DOEPMSK.OFFSET, DOEPMSK.XferCompl.mask | DOEPMSK.SetUp.mask)

    async def _bus_reset(self) -> None:
        for number in range(1, ENDPOINTS):
            for control in (DOEPCTL.at(number), DIEPCTL.at(number)):
                if await self.read(control) & DIEPCTL.EPEna.mask:
                    await self.change(control, more=DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
        flush = GRSTCTL.TxFFlsh.mask | GRSTCTL.RxFFlsh.mask
        await self.write(GRSTCTL.OFFSET, flush | GRSTCTL.TxFNum.put(ALL_TX))
        await self.poll(GRSTCTL.OFFSET, flush, 0)
        await self.change(GRSTCTL.OFFSET, clear=GRSTCTL.TxFNum.mask)
        for number in range(1, ENDPOINTS):
            await self.write(DOEPINT.at(number), DOEPINT.EPDisbld.mask)
            await self.write(DIEPINT.at(number), DIEPINT.EPDisbld.mask)
        await self.write(GRXFSIZ.OFFSET, RX_WORDS)
        await self.write(GNPTXFSIZ.OFFSET, 16 << 16 | RX_WORDS)
        self._top = RX_WORDS + 16
        await self.write(DIEPCTL.at(0), 0)
        await self.change(DIEPCTL.at(0), more=DIEPCTL.SNAK.mask | DIEPCTL.USBActEP.mask)
        self._data = {0: 1 << 29 | DOEPTSIZ.PktCnt.put(1) | 64}
        await self.write(DOEPTSIZ.at(0), self._data[0])
        control = DOEPCTL.EPEna.mask | DOEPCTL.SNAK.mask | DOEPCTL.USBActEP.mask
        await self.write(DOEPCTL.at(0), control)
        await self.address(0)
        self._sending.clear()
        self._rest, self.stack.stage = b"", "setup"
        # last of all
        await self.write(GINTSTS.OFFSET, GINTSTS.USBRst.mask)

    # -- the poll -------------------------------------------------------------------------

    async def isr(self) -> None:
        """Look at everything once."""
        causes = await self.read(GINTSTS.OFFSET) & await self.read(GINTMSK.OFFSET)
        if causes & GINTSTS.USBRst.mask:
            await self._bus_reset()
            return
        if causes & GINTSTS.EnumDone.mask:
            await self.write(GINTSTS.OFFSET, GINTSTS.EnumDone.mask)
            return
        if causes & GINTSTS.IEPInt.mask:
            for number in range(ENDPOINTS):
                if await self.read(DIEPINT.at(number)) & DIEPINT.XferCompl.mask:
                    await self.change(DIEPCTL.at(number), more=DIEPCTL.SNAK.mask)
                    await self._sent(number)
                await self.change(DIEPINT.at(number))
        while await self.read(GINTSTS.OFFSET) & GINTSTS.RxFLvl.mask:
            await self._status_word()
        waiting = await self.read(DAINT.OFFSET) & await self.read(DAINTMSK.OFFSET)
        if causes & GINTSTS.OEPInt.mask:
            for number in range(ENDPOINTS):
                if waiting >> 16 + number & 1:
                    await self.change(DOEPINT.at(number))
        for cause in (GINTSTS.USBSusp, GINTSTS.WkUpInt):
            if causes & cause.mask:
                await self.write(GINTSTS.OFFSET, cause.mask)
        await self.change(GINTMSK.OFFSET, clear=GINTMSK.SOF.mask)

    async def _sent(self, number: int) -> None:
        if number not in self._sending:
            return
        self._sending.discard(number)
        if number:
            await self.stack.sent()
        elif self._rest:
            await self._next_of_ep0()
        else:
            await self.stack.ep0_sent()

    async def _status_word(self) -> None:
        status = await self.read(GRXSTSP.OFFSET)
        number, kind = GRXSTSP.EPNum.get(status), GRXSTSP.PktSts.get(status)
        count = GRXSTSP.BCnt.get(status)
        if kind == 4:
            await self.stack.setup(self._setup)
        elif kind == 6:
            if DIEPTSIZ.PktCnt.get(await self.read(DIEPTSIZ.at(number))):
                await self._flush_tx(number)
            self._sending.discard(0)
            self._setup = await self.pull(count)
        elif kind == 2 and number:
            await self._received(await self.pull(count))
        elif kind == 2:
            await self._received_ep0(await self.pull(count))
        if kind in (3, 4):
            await self.write(DOEPTSIZ.at(number), self._data[number])
            bit = DOEPCTL.SNAK if number in self._nak else DOEPCTL.CNAK
            await self.change(DOEPCTL.at(number), more=DOEPCTL.EPEna.mask | bit.mask)

    async def _received(self, data: bytes) -> None:
        # no more until this has gone back
        self._nak.add(self.number)
        await self.change(DOEPCTL.at(self.number), more=DOEPCTL.SNAK.mask)
        await self.stack.received(data)

    async def _received_ep0(self, data: bytes) -> None:
        self._ep0 += data
        self._left -= len(data)
        stage = self.stack.stage
        if stage == "status_out" or (stage == "data_out" and (self._left <= 0 or len(data) < 64)):
            await self.stack.ep0_received(self._ep0)

    async def _flush_tx(self, number: int) -> None:
        await self.change(DIEPCTL.at(number), more=DIEPCTL.SNAK.mask)
        await self.poll(DIEPINT.at(number), DIEPINT.INEPNakEff.mask, DIEPINT.INEPNakEff.mask)
        fifo = DIEPCTL.TxFNum.get(await self.read(DIEPCTL.at(number)))
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask)
        await self.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo))
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask, 0)
        await self.write(DIEPTSIZ.at(number), 0)

    # -- what the stack asks for ----------------------------------------------------------

    async def open(self) -> None:
        """Open the bulk endpoints; the OUT endpoint is armed at once."""
        number, bulk = self.number, DIEPCTL.EPType.put(BULK) | DIEPCTL.USBActEP.mask
        common = bulk | DIEPCTL.SetD0PID.mask | self.size
        self._data[number] = DOEPTSIZ.PktCnt.put(1) | self.size
        self._nak.discard(number)
        await self.write(DOEPTSIZ.at(number), self._data[number])
        await self.write(DOEPCTL.at(number), common | ENABLE)
        await self.write(DIEPTXF.at(number), self.size // 4 << 16 | self._top)
        self._top += self.size // 4
        await self.write(DIEPTSIZ.at(number), 0)
        control = common | DIEPCTL.SNAK.mask | DIEPCTL.TxFNum.put(number)
        await self.write(DIEPCTL.at(number), control)

    async def close(self) -> None:
        """Endpoints of a configuration that is left, as on a bus reset."""
        for control in (DOEPCTL.at(self.number), DIEPCTL.at(self.number)):
            if await self.read(control) & DIEPCTL.EPEna.mask:
                await self.change(control, more=DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
                causes = control + 8
                await self.poll(causes, DIEPINT.EPDisbld.mask, DIEPINT.EPDisbld.mask)
                await self.write(causes, DIEPINT.EPDisbld.mask)
            await self.write(control, 0)
        self._sending.discard(self.number)
        self._top = RX_WORDS + 16

    async def address(self, value: int) -> None:
        """Take an address."""
        await self.change(DCFG.OFFSET, DCFG.DevAddr.mask, DCFG.DevAddr.put(value))

    async def halt(self, endpoint: int, on: bool) -> None:
        """Stall bit alone; DATA0 whether it is set or taken away."""
        number = endpoint & 0xF
        control = (DIEPCTL if endpoint & 0x80 or not number else DOEPCTL).at(number)
        if on:
            await self.change(control, more=DIEPCTL.Stall.mask)
        else:
            await self.change(control, clear=DIEPCTL.Stall.mask)
        if number:
            await self.change(control, more=DIEPCTL.SetD0PID.mask)

    async def _write(self, number: int, data: bytes) -> None:
        control = await self.read(DIEPCTL.at(number))
        busy = DIEPCTL.EPEna.mask | DIEPCTL.NAKSts.mask
        assert control & busy != DIEPCTL.EPEna.mask, "it would wait and try again"
        if control & DIEPCTL.EPEna.mask:
            await self._flush_tx(number)
            await self.change(DIEPCTL.at(number), more=DIEPCTL.EPDis.mask)
            causes = DIEPINT.at(number)
            await self.poll(causes, DIEPINT.EPDisbld.mask, DIEPINT.EPDisbld.mask)
            await self.write(causes, DIEPINT.EPDisbld.mask)
        size = DIEPTSIZ.PktCnt.put(1) | len(data) | (DIEPTSIZ.MC.put(1) if number else 0)
        await self.write(DIEPTSIZ.at(number), size)
        await self.change(DIEPCTL.at(number), more=ENABLE)
        self._sending.add(number)
        await self.push(number, data)

    async def _next_of_ep0(self) -> None:
        data, self._rest = self._rest[:64], self._rest[64:]
        await self._write(0, data)

    async def ep0_write(self, data: bytes) -> None:
        """Send on EP0, packet by packet."""
        self._rest = data
        await self._next_of_ep0()

    async def ep0_read(self, count: int) -> None:
        """EP0 OUT is armed by the status words."""
        self._ep0, self._left = b"", count

    async def ep0_idle(self) -> None:
        """EP0 OUT has been armed by the last status word."""

    async def bulk_write(self, data: bytes) -> None:
        """Send on the bulk endpoint."""
        await self._write(self.number, data)

    async def bulk_read(self) -> None:
        """The bulk OUT endpoint is armed; let packets in."""
        if self.number in self._nak:
            self._nak.discard(self.number)
            await self.change(DOEPCTL.at(self.number), more=DOEPCTL.CNAK.mask)


async def main(bench: Any) -> None:
    await run(bench, OpenCm3(bench))
