# SPDX-License-Identifier: Apache-2.0
"""A device whose firmware uses the registers as Zephyr does (facts sections 13 to 17).

An interrupt handler, and a thread that starts transfers and disables endpoints: it polls while the
handler goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from firmware import BULK, EP0_BUFFER, IN_BUFFER, OUT_BUFFER, SETUP_BUFFER, Port, run
from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPDMA,
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
    GHWCFG1,
    GHWCFG2,
    GHWCFG3,
    GHWCFG4,
    GINTMSK,
    GINTSTS,
    GNPTXFSIZ,
    GRSTCTL,
    GRXFSIZ,
    GRXSTSP,
    GSNPSID,
    GUSBCFG,
)
from tb.kernel import Queue, sleep, spawn, us

PROBE = False
HOST = False
RUNS = [{"mode": "dma", "lockstep": True}, {"mode": "slave", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [
    {"mode": "dma"},
    {"mode": "slave"},
    {"mode": "dma", "speed": "full", "backend": "model"},
    {"mode": "slave", "speed": "full", "backend": "model"},
]

FIFO0_WORDS: Final = 32
INTERRUPTS: Final = 0x803C_3808
ENABLE: Final = DIEPCTL.CNAK.mask | DIEPCTL.EPEna.mask
DISABLE: Final = DIEPCTL.EPEna.mask | DIEPCTL.EPDis.mask
DONE: Final = DIEPINT.EPDisbld.mask | DIEPINT.XferCompl.mask

Job = Callable[[], Awaitable[None]]


class Zephyr(Port):
    """Zephyr's driver, Completer mode (slave) or buffer DMA."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        super().__init__(bench)
        self._jobs: Queue[Job] = Queue("thread")
        self._setup = b""
        # what is being sent and what has been programmed of it, by endpoint
        self._sending: dict[int, bytes] = {}
        self._chunk: dict[int, int] = {}
        # bytes asked for and DOEPTSIZ as written; what has come
        self._asked: dict[int, int] = {}
        self._size: dict[int, int] = {}
        self._came: dict[int, bytes] = {0: b"", self.number: b""}
        self._used: set[int] = set()

    async def _thread(self) -> None:
        while True:
            job = await self._jobs.get()
            await job()

    # -- start ----------------------------------------------------------------------------

    async def _flush_tx(self, fifo: int) -> None:
        await self.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo))
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask, 0)

    async def start(self) -> None:
        """Initialise in Zephyr's order."""
        spawn(self._thread(), name="thread")
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask)
        await self.write(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, 0)
        await self.change(GRSTCTL.OFFSET, clear=GRSTCTL.CSftRst.mask)
        assert await self.read(GSNPSID.OFFSET) < 0x4F54_500A
        assert await self.read(GHWCFG1.OFFSET) == 0
        config2, config3, config4 = [
            await self.read(one.OFFSET) for one in (GHWCFG2, GHWCFG3, GHWCFG4)
        ]
        assert GHWCFG4.DedFifoMode.get(config4)
        assert GHWCFG2.DynFifoSizing.get(config2)
        self._ends = GHWCFG2.NumDevEps.get(config2) + 1
        await self.write(GUSBCFG.OFFSET, GUSBCFG.ForceDevMode.mask)
        await sleep(us(100))
        dma = self.dma and GHWCFG2.OtgArch.get(config2) == 2
        await self.change(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask, GAHBCFG.DMAEn.put(int(dma)))
        speed = DCFG.DevSpd.put(int(self.bench.options.speed == "full"))
        dcfg = await self.read(DCFG.OFFSET) & ~(DCFG.DescDMA.mask | DCFG.DevSpd.mask) | speed
        await self.write(GUSBCFG.OFFSET, GUSBCFG.ForceDevMode.mask)
        await self.write(DCFG.OFFSET, dcfg)
        for number in range(self._ends):
            await self.write(DOEPCTL.at(number), DOEPCTL.SNAK.mask)
        fifo0 = min(FIFO0_WORDS, await self.read(GNPTXFSIZ.OFFSET) >> 16)
        self._depth = [await self.read(DIEPTXF.at(n)) >> 16 for n in range(1, self._ends)]
        rx = min(await self.read(GRXFSIZ.OFFSET), 788 + 2 * self._ends)
        await self.write(GRXFSIZ.OFFSET, rx)
        await self.write(GNPTXFSIZ.OFFSET, fifo0 << 16 | rx)
        self._first = rx + fifo0
        assert self._first + self._depth[0] <= GHWCFG3.DfifoDepth.get(config3)
        for control, bit in ((DOEPCTL.at(0), 1 << 16), (DIEPCTL.at(0), 1)):
            value = await self.read(control)
            if bit == 1:
                await self._flush_tx(0)
            else:
                await self.write(GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask)
                await self.poll(GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask, 0)
            await self.write(control, value & ~3 | DIEPCTL.USBActEP.mask)
            await self.change(DAINTMSK.OFFSET, more=bit)
        await self.write(GINTMSK.OFFSET, INTERRUPTS)
        await self.change(GAHBCFG.OFFSET, more=GAHBCFG.GlblIntrMsk.mask)
        await self.change(DCTL.OFFSET, clear=DCTL.SftDiscon.mask)

    # -- interrupts -----------------------------------------------------------------------

    async def isr(self) -> None:
        """Serve all causes until none is left."""
        mask = await self.read(GINTMSK.OFFSET)
        while causes := await self.read(GINTSTS.OFFSET) & mask:
            if causes & GINTSTS.SOF.mask:
                await self.write(GINTSTS.OFFSET, GINTSTS.SOF.mask)
                await self.read(DSTS.OFFSET)
            if causes & GINTSTS.USBRst.mask:
                await self.write(GINTSTS.OFFSET, GINTSTS.USBRst.mask)
                await self._bus_reset()
            if causes & GINTSTS.EnumDone.mask:
                await self.write(GINTSTS.OFFSET, GINTSTS.EnumDone.mask)
                speed = DSTS.EnumSpd.get(await self.read(DSTS.OFFSET))
                assert speed == int(self.bench.options.speed == "full")
                self._jobs.put(self._enumerated)
            if causes & GINTSTS.IEPInt.mask:
                await self._in_endpoints()
            if causes & GINTSTS.RxFLvl.mask:
                await self._status_word()
            if causes & GINTSTS.OEPInt.mask:
                await self._out_endpoints()
            for cause in (GINTSTS.incompISOIN, GINTSTS.incompISOOUT, GINTSTS.USBSusp):
                if causes & cause.mask:
                    await self.write(GINTSTS.OFFSET, cause.mask)

    async def _bus_reset(self) -> None:
        for number in range(self._ends):
            await self.write(DOEPCTL.at(number), DOEPCTL.SNAK.mask)
        mask = DOEPMSK.SetUp.mask | DOEPMSK.XferCompl.mask
        await self.write(DOEPMSK.OFFSET, mask | (DOEPMSK.StsPhseRcvd.mask if self.dma else 0))
        await self.change(DIEPMSK.OFFSET, more=DIEPMSK.XferCompl.mask)
        if not self.dma:
            await self.change(GINTMSK.OFFSET, more=GINTMSK.RxFLvl.mask)
        await self.change(DCFG.OFFSET, clear=DCFG.DevAddr.mask)

    async def _enumerated(self) -> None:
        self.stack.stage = "setup"
        self._came = dict.fromkeys(self._came, b"")
        self._sending.clear()
        if self._used:
            await self._dequeue()
            await self._deactivate()
        await self._arm_setup()

    async def _status_word(self) -> None:
        status = await self.read(GRXSTSP.OFFSET)
        number, kind = GRXSTSP.EPNum.get(status), GRXSTSP.PktSts.get(status)
        data = await self.pull(GRXSTSP.BCnt.get(status), number)
        if kind == 6:
            self._setup = data
        elif kind == 2:
            self._came[number] += data

    async def _in_endpoints(self) -> None:
        mask = await self.read(DIEPMSK.OFFSET)
        waiting = await self.read(DAINT.OFFSET) & 0xFFFF
        for number in range(16):
            if waiting >> number & 1:
                causes = await self.read(DIEPINT.at(number)) & mask
                await self.write(DIEPINT.at(number), causes)
                if causes & DIEPINT.XferCompl.mask and number in self._sending:
                    await self._sent(number)
        await self.write(GINTSTS.OFFSET, GINTSTS.IEPInt.mask)

    async def _sent(self, number: int) -> None:
        rest = self._sending[number][self._chunk[number] :]
        if rest:
            await self._write(number, rest)
            return
        del self._sending[number]
        self._jobs.put(self.stack.sent if number else self.stack.ep0_sent)

    async def _out_endpoints(self) -> None:
        mask = await self.read(DOEPMSK.OFFSET)
        waiting = await self.read(DAINT.OFFSET) >> 16
        for number in range(16):
            if not waiting >> number & 1:
                continue
            causes = await self.read(DOEPINT.at(number))
            await self.write(DOEPINT.at(number), causes & mask)
            setup = DOEPINT.XferCompl.mask | DOEPINT.StupPktRcvd.mask
            if self.dma and causes & setup == setup:
                await self.write(DOEPINT.at(number), DOEPINT.StupPktRcvd.mask)
                causes &= ~DOEPINT.XferCompl.mask
                place = await self.read(DOEPDMA.at(0)) - 8
                self._setup = bytes(self.hw.memory.read(place, 8))
            if causes & DOEPINT.SetUp.mask:
                self._jobs.put(self._handle_setup)
            if causes & DOEPINT.XferCompl.mask:
                await self._received(number)
        await self.write(GINTSTS.OFFSET, GINTSTS.OEPInt.mask)

    async def _received(self, number: int) -> None:
        left = DOEPTSIZ.XferSize.get(await self.read(DOEPTSIZ.at(number)))
        count = DOEPTSIZ.XferSize.get(self._size[number]) - left
        if self.dma:
            place = (OUT_BUFFER if number else EP0_BUFFER) + len(self._came[number])
            self._came[number] += bytes(self.hw.memory.read(place, count))
        data = self._came[number]
        most = self.size if number else 64
        if count and not count % most and len(data) < self._asked[number]:
            await self._prepare(number)
            return
        self._came[number] = b""
        if number:
            self._jobs.put(lambda: self.stack.received(data))
        elif self.stack.stage in ("data_out", "status_out"):
            self._jobs.put(lambda: self.stack.ep0_received(data))

    # -- the thread -----------------------------------------------------------------------

    async def _handle_setup(self) -> None:
        self._came[0] = b""
        if 0 in self._sending:
            del self._sending[0]
            await self._disable(DIEPCTL.at(0), False)
        await self.stack.setup(self._setup)

    async def _arm_setup(self) -> None:
        """DMA: EP0 OUT must have a buffer; it goes without CNAK."""
        if self.dma:
            self._asked[0], self._came[0] = 8, b""
            await self._prepare(0)

    async def _prepare(self, number: int) -> None:
        control = await self.read(DOEPCTL.at(number)) | DOEPCTL.EPEna.mask
        if number or self.stack.stage in ("data_out", "data_in", "status_out"):
            control |= DOEPCTL.CNAK.mask
        room = self._asked[number] - len(self._came[number])
        if not number:
            room = min(room, 64)
        packets = max(-(-room // (self.size if number else 64)), 1)
        size = DOEPTSIZ.PktCnt.put(packets) | room | (0 if number else 3 << 29)
        self._size[number] = size
        await self.write(DOEPTSIZ.at(number), size)
        if self.dma:
            place = OUT_BUFFER if number else EP0_BUFFER
            if not number and self.stack.stage not in ("data_out",):
                place = SETUP_BUFFER
            await self.write(DOEPDMA.at(number), place + len(self._came[number]))
        await self.write(DOEPCTL.at(number), control)

    async def _write(self, number: int, data: bytes) -> None:
        most = self.size if number else 64
        self._sending[number] = data
        # whole packets where the size of EP0 has too few bits
        count = len(data) if number or len(data) < 128 else 64
        if not self.dma:
            space = 4 * await self.read(DTXFSTS.at(number))
            count = min(count, space // most * most + space % most)
        packets = max(-(-count // most), 1)
        self._chunk[number] = count
        await self.write(DIEPTSIZ.at(number), DIEPTSIZ.PktCnt.put(packets) | count)
        if self.dma:
            place = IN_BUFFER if number else EP0_BUFFER
            self.hw.memory.write(place, data)
            await self.write(DIEPDMA.at(number), place)
        control = await self.read(DIEPCTL.at(number))
        assert control & DIEPCTL.USBActEP.mask
        await self.write(DIEPCTL.at(number), control | ENABLE)
        await self.write(DIEPINT.at(number), DIEPINT.INEPNakEff.mask)
        if not self.dma:
            for at in range(0, count, most):
                await self.push(number, data[at : min(at + most, count)])

    async def _disable(self, control: int, stall: bool) -> None:
        """Bring an endpoint to rest, all of it by polling."""
        value = await self.read(control)
        more = DIEPCTL.Stall.mask if stall else 0
        if value & DIEPCTL.NAKSts.mask and not value & DIEPCTL.EPEna.mask:
            if stall:
                await self.write(control, value | more)
            return
        if control >= DOEPCTL.at(0):
            number = (control - DOEPCTL.at(0)) // 0x20
            dctl = await self.read(DCTL.OFFSET)
            if not await self.read(GINTSTS.OFFSET) & GINTSTS.GOUTNakEff.mask:
                await self.write(DCTL.OFFSET, dctl | DCTL.SGOUTNak.mask)
            effective = GINTSTS.GOUTNakEff.mask
            await self.poll(GINTSTS.OFFSET, effective, effective)
            if number:
                value |= DISABLE
            await self.write(control, value | (more or DOEPCTL.SNAK.mask))
            causes = DOEPINT.at(number)
            if number:
                await self.poll(causes, DOEPINT.EPDisbld.mask, DOEPINT.EPDisbld.mask)
            await self.write(causes, DONE)
            await self.write(DCTL.OFFSET, dctl | DCTL.CGOUTNak.mask)
            return
        number = (control - DIEPCTL.at(0)) // 0x20
        causes = DIEPINT.at(number)
        value |= DIEPCTL.EPEna.mask | DIEPCTL.SNAK.mask | more
        await self.write(control, value)
        await self.poll(causes, DIEPINT.INEPNakEff.mask, DIEPINT.INEPNakEff.mask)
        value |= DISABLE
        await self.write(control, value)
        await self.poll(causes, DIEPINT.EPDisbld.mask, DIEPINT.EPDisbld.mask)
        await self.write(causes, DONE)
        await self._flush_tx(DIEPCTL.TxFNum.get(value))

    # -- what the stack asks for ----------------------------------------------------------

    async def _activate(self, control: int, bit: int, fifo: int) -> None:
        value = await self.read(control) & ~(DIEPCTL.MPS.mask | DIEPCTL.EPType.mask)
        value |= DIEPCTL.MPS.put(self.size) | DIEPCTL.EPType.put(BULK) | DIEPCTL.SetD0PID.mask
        if fifo:
            words = self.size // 4
            assert words <= self._depth[fifo - 1]
            await self.write(DIEPTXF.at(fifo), words << 16 | self._first)
            value = value & ~DIEPCTL.TxFNum.mask | DIEPCTL.TxFNum.put(fifo)
            await self._flush_tx(fifo)
        await self.change(DAINTMSK.OFFSET, more=bit)
        await self.write(control, value | DIEPCTL.USBActEP.mask)

    async def open(self) -> None:
        """Open the bulk endpoints, FIFOs in order of their number."""
        number = self.number
        self._used.add(number)
        await self._activate(DIEPCTL.at(number), 1 << number, number)
        await self._activate(DOEPCTL.at(number), 0x1_0000 << number, 0)

    async def _dequeue(self) -> None:
        for register in (DIEPCTL, DOEPCTL):
            await self._disable(register.at(self.number), False)
        self._sending.pop(self.number, None)
        self._came[self.number] = b""

    async def _deactivate(self) -> None:
        for register, bit in ((DIEPCTL, 1), (DOEPCTL, 0x1_0000)):
            control = register.at(self.number)
            if await self.read(control) & DIEPCTL.USBActEP.mask:
                await self._disable(control, False)
            value = await self.read(control) & ~DIEPCTL.USBActEP.mask
            if register is DIEPCTL:
                value &= ~DIEPCTL.TxFNum.mask
                await self.write(DIEPTXF.at(self.number), 0)
            await self.write(control, value)
            await self.change(DAINTMSK.OFFSET, clear=bit << self.number)
        self._used.clear()

    async def close(self) -> None:
        """Close the bulk endpoints."""
        await self._deactivate()
        await self._dequeue()

    async def address(self, value: int) -> None:
        """Take an address."""
        await self.change(DCFG.OFFSET, DCFG.DevAddr.mask, DCFG.DevAddr.put(value))

    async def halt(self, endpoint: int, on: bool) -> None:
        """Disable with Stall, clear with SetD0PID in the same write."""
        number = endpoint & 0xF
        control = (DIEPCTL if endpoint & 0x80 or not number else DOEPCTL).at(number)
        if on:
            await self._disable(control, True)
            if not number:
                await self._arm_setup()
        else:
            await self.change(control, DIEPCTL.Stall.mask, DIEPCTL.SetD0PID.mask)

    async def ep0_write(self, data: bytes) -> None:
        """Send on EP0; with DMA a buffer for the status stage or the next SETUP follows."""
        await self._write(0, data)
        await self._arm_setup()

    async def ep0_read(self, count: int) -> None:
        """Receive on EP0; with DMA a status stage has its buffer already."""
        if count or not self.dma:
            self._asked[0], self._came[0] = count or 8, b""
            await self._prepare(0)

    async def ep0_idle(self) -> None:
        """With DMA a buffer for the next SETUP is there unless the last one took it."""
        if not await self.read(DOEPCTL.at(0)) & DOEPCTL.EPEna.mask:
            await self._arm_setup()

    async def bulk_write(self, data: bytes) -> None:
        """Send on the bulk endpoint."""
        await self._write(self.number, data)

    async def bulk_read(self) -> None:
        """Receive on the bulk endpoint."""
        self._asked[self.number], self._came[self.number] = self.packets * self.size, b""
        await self._prepare(self.number)


async def main(bench: Any) -> None:
    await run(bench, Zephyr(bench))
