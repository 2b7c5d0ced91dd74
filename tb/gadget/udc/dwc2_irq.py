# SPDX-License-Identifier: Apache-2.0
"""Interrupts of a DWC2 core: the hard handler and the irq thread (dwc2-registers.md 3, 4, 13).

The hard handler acknowledges everything. Transfers of endpoints other than 0 are finished and
followed up in it; what needs the gadget driver (control transfers, reset, suspend, resume) is
played in the thread, in order.
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import (
    DAINT,
    DCFG,
    DIEPCTL,
    DIEPINT,
    DIEPMSK,
    DOEPCTL,
    DOEPINT,
    DOEPMSK,
    DSTS,
    FIFO,
    GINTSTS,
    GOTGINT,
    GRXSTSP,
)
from tb.kernel import IrqReturn
from tb.usb import DeviceState, Speed

from ..gadget import usb_gadget_set_state, usb_gadget_udc_reset
from .dwc2_ep import Dwc2Ep
from .dwc2_iso import INCOMPLETE
from .dwc2_lpm import LxState
from .dwc2_tx import XFER_COMPLETE

if TYPE_CHECKING:
    from .dwc2_udc import Dwc2Udc

__all__ = ["Dwc2Interrupts"]

log = logging.getLogger(__name__)

_G = GINTSTS
_BUS_EVENTS = (
    (_G.USBRst.mask | _G.ResetDet.mask, "reset"),
    (_G.EnumDone.mask, "speed"),
    (_G.USBSusp.mask, "suspend"),
    (_G.WkUpInt.mask, "resume"),
    (_G.SessReqInt.mask, "session"),
    (_G.LPMTranRcvd.mask, "lpm"),
)
_DROPPED = _G.ISOOutDrop.mask
_FAULTS_IN = (
    (DIEPINT.AHBErr.mask, "its DMA met a bus error"),
    (DIEPINT.BNAIntr.mask, "it found a descriptor that was not ready"),
    (DIEPINT.TxfifoUndrn.mask, "its Tx FIFO ran empty within a packet"),
)
_FAULTS_OUT = (
    (DOEPINT.AHBErr.mask, "its DMA met a bus error"),
    (DOEPINT.BNA.mask, "it found a descriptor that was not ready"),
    (DOEPINT.OutPktErr.mask, "its packet was lost in the Rx FIFO"),
)
_BUS_MASK = sum(mask for mask, _ in _BUS_EVENTS)
_CONTROL_EVENTS = frozenset(("setup", "in", "out", "status", "error"))
# GRXSTSP.PktSts (dwc2-registers.md 3).
_RX_GLOBAL_NAK, _RX_OUT, _RX_OUT_DONE, _RX_SETUP_DONE, _RX_SETUP = 1, 2, 3, 4, 6
_SPEEDS = {0: Speed.HIGH, 1: Speed.FULL, 2: Speed.LOW, 3: Speed.FULL}


class Dwc2Interrupts:
    """Both handlers of one core.

    Attributes:
        mask, in_mask, out_mask: what GINTMSK, DIEPMSK and DOEPMSK are to hold.
    """

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        self.udc = udc
        self.hw = udc.hw
        dma = udc.hw.dma
        self.mask = _BUS_MASK | _DROPPED | _G.OTGInt.mask | _G.IEPInt.mask | _G.OEPInt.mask
        if not udc.lpm.params.lpm:
            self.mask &= ~_G.LPMTranRcvd.mask
        self.in_mask = DIEPMSK.XferCompl.mask | DIEPMSK.AHBErr.mask | DIEPMSK.TxfifoUndrn.mask
        self.out_mask = DOEPMSK.OutPktErr.mask
        if dma:
            self.out_mask |= (
                DOEPMSK.XferCompl.mask
                | DOEPMSK.AHBErr.mask
                | DOEPMSK.SetUp.mask
                | DOEPMSK.StupPktRcvd.mask
            )
            if udc.hw.desc:
                self.in_mask |= DIEPMSK.BNAIntr.mask
                self.out_mask |= DOEPMSK.BNA.mask | DOEPMSK.StsPhseRcvd.mask
        else:
            # Slave: the Rx FIFO's status words tell what the OUT causes would.
            self.mask |= _G.RxFLvl.mask
        self._suspended_from: DeviceState | None = None
        self._playing = False

    # -- hard interrupt --------------------------------------------------------------------

    async def hard(self) -> IrqReturn:
        """Acknowledge and sort; finish data transfers."""
        udc = self.udc
        if not udc.running:
            return IrqReturn.NONE
        status = await self.hw.read(GINTSTS.OFFSET) & self.mask
        if not status:
            return IrqReturn.NONE
        udc.in_handler = True
        try:
            if status & _BUS_MASK:
                await self._bus_events(status)
            if status & _G.OTGInt.mask:
                await self._session_events()
            if status & _DROPPED:
                await self.hw.write(_G.OFFSET, _DROPPED)
                log.warning("%s: an isochronous packet found the Rx FIFO full", self.hw.name)
            if status & _G.RxFLvl.mask:
                await self._drain_rx()
            if status & (_G.IEPInt.mask | _G.OEPInt.mask):
                await self._endpoints()
            await udc.tx.core_causes(status)
            if status & INCOMPLETE:
                await udc.iso.incomplete()
            await udc.run_kicks()
        finally:
            udc.in_handler = False
        return IrqReturn.WAKE_THREAD if udc.events else IrqReturn.HANDLED

    async def _bus_events(self, status: int) -> None:
        await self.hw.write(GINTSTS.OFFSET, status & _BUS_MASK)
        for mask, kind in _BUS_EVENTS:
            if status & mask:
                if kind == "reset":
                    # What the thread has not yet played of control transfers is void.
                    kept = [one for one in self.udc.events if one[0] not in _CONTROL_EVENTS]
                    self.udc.events.clear()
                    self.udc.events.extend(kept)
                    self.udc.ep0.setups += 1
                self.udc.post(kind)

    async def _session_events(self) -> None:
        causes = await self.hw.read(GOTGINT.OFFSET)
        await self.hw.write(GOTGINT.OFFSET, causes)
        if causes & GOTGINT.SesEndDet.mask:
            self.udc.post("disconnect")

    async def _drain_rx(self) -> None:
        while True:
            await self.pop_rx()
            if not await self.hw.read(GINTSTS.OFFSET) & _G.RxFLvl.mask:
                return

    async def pop_rx(self) -> None:
        """Slave mode: handle one status word of the Rx FIFO and its data."""
        word = await self.hw.read(GRXSTSP.OFFSET)
        number, size = GRXSTSP.EPNum.get(word), GRXSTSP.BCnt.get(word)
        kind = GRXSTSP.PktSts.get(word)
        ep0 = self.udc.ep0
        data = await self.hw.bus.read_fifo(FIFO.at(0), size) if size else b""
        if kind == _RX_SETUP:
            await ep0.slave_setup(data)
        elif kind == _RX_SETUP_DONE:
            ep0.slave_setup_done()
        elif kind == _RX_OUT:
            if number == 0:
                ep0.slave_packet(data)
            elif number in self.udc.eps_out:
                await self.udc.eps_out[number].receive(data)
        elif kind == _RX_OUT_DONE:
            if number == 0:
                ep0.slave_out_done()
            elif number in self.udc.eps_out:
                await self.udc.eps_out[number].transfer_done()

    async def _endpoints(self) -> None:
        pending = await self.hw.read(DAINT.OFFSET) & self.udc.daint_mask
        # IN first: the end of a data stage must be seen before that of its status stage.
        for number in range(self.hw.endpoints):
            if pending >> number & 1:
                await self.udc.commands.interrupt(number, True)
                await self._in(number)
        for number in range(self.hw.endpoints):
            if pending >> 16 + number & 1:
                await self.udc.commands.interrupt(number, False)
                await self._out(number)

    async def _in(self, number: int) -> None:
        udc = self.udc
        offset = DIEPINT.at(number)
        causes = await self.hw.read(offset)
        handled = causes & self.in_mask
        if handled:
            await self.hw.write(offset, handled)
        if await self._faults(udc.eps_in.get(number), f"ep{number}in", handled, _FAULTS_IN):
            return
        if handled & XFER_COMPLETE:
            if number == 0:
                udc.post("in")
            elif number in udc.eps_in:
                await udc.eps_in[number].transfer_done()
        elif number in udc.eps_in:
            await udc.tx.endpoint_causes(udc.eps_in[number], causes)
        if handled & DIEPINT.NAKIntrpt.mask and number in udc.eps_in:
            await udc.iso.token(udc.eps_in[number])

    async def _out(self, number: int) -> None:
        udc = self.udc
        offset = DOEPINT.at(number)
        causes = await self.hw.read(offset)
        handled = causes & self.out_mask
        if handled:
            await self.hw.write(offset, handled)
        if await self._faults(udc.eps_out.get(number), f"ep{number}out", handled, _FAULTS_OUT):
            return
        if number == 0:
            await udc.ep0.out_causes(handled)
        elif number in udc.eps_out:
            if handled & XFER_COMPLETE:
                await udc.eps_out[number].transfer_done()
            if handled & DOEPINT.OUTTknEPdis.mask:
                await udc.iso.token(udc.eps_out[number])

    async def _faults(
        self, ep: Dwc2Ep | None, name: str, causes: int, table: tuple[tuple[int, str], ...]
    ) -> bool:
        """Tell whether the core failed at an endpoint; its request ends with -EIO then."""
        if ep is not None and ep.ring is not None and causes & DIEPINT.BNAIntr.mask:
            # A ring that ran out of descriptors.
            await ep.ring.done()
            causes &= ~DIEPINT.BNAIntr.mask
        found = [text for mask, text in table if causes & mask]
        if not found:
            return False
        log.error("%s: %s: %s", self.hw.name, name, "; ".join(found))
        if ep is None:
            self.udc.post("error")
            return True
        request = ep.active
        # The core must have let go of the buffer before it is given back.
        await ep.stop()
        if request is not None and request in ep.queue:
            if ep.iso is not None and ep.ring is None:
                ep.iso.missed(request)
            ep.finish(request, -errno.EIO)
        await ep.start_next()
        return True

    # -- thread ----------------------------------------------------------------------------

    async def thread(self) -> None:
        """Play the events that the hard handler collected, one at a time."""
        if self._playing:
            return
        self._playing = True
        try:
            await self._play()
        finally:
            self._playing = False

    async def _play(self) -> None:
        udc = self.udc
        while udc.events:
            kind, data, mark = udc.events.popleft()
            if kind in _CONTROL_EVENTS:
                await udc.ep0.handle(kind, data, mark)
            elif kind == "reset":
                await self._reset()
            elif kind == "speed":
                await self._speed_known()
            elif kind == "suspend":
                await self._suspend()
            elif kind == "resume":
                await self._resume()
            elif kind == "disconnect":
                await udc.disconnect_all()
            elif kind == "lpm":
                await udc.lpm.handle_lpm_intr()
            elif kind == "session" and udc.gadget.state == DeviceState.NOTATTACHED:
                usb_gadget_set_state(udc.gadget, DeviceState.POWERED)

    async def _reset(self) -> None:
        udc = self.udc
        self._suspended_from = None
        await udc.lpm.set_state(LxState.L0)
        udc.remote_wakeup = udc.wakeup_configured = udc.gadget.wakeup_armed = False
        await udc.abort_all(-errno.ESHUTDOWN)
        with self.hw.lock:
            config = await self.hw.read(DCFG.OFFSET)
            await self.hw.write(DCFG.OFFSET, DCFG.DevAddr.set(config, 0))
            await udc.ep0.arm_setup()
        if udc.driver is not None and udc.callbacks:
            await usb_gadget_udc_reset(udc.gadget, udc.driver)

    async def _speed_known(self) -> None:
        udc = self.udc
        with self.hw.lock:
            status = await self.hw.read(DSTS.OFFSET)
            udc.gadget.speed = _SPEEDS[DSTS.EnumSpd.get(status)]
            # MPS code 0 is 64 bytes at high and full speed.
            await self.hw.write(DIEPCTL.at(0), udc.ep0.ctl)
            if not await self.hw.read(DOEPCTL.at(0)) & DOEPCTL.EPEna.mask:
                await udc.ep0.arm_setup()
        log.info("%s: %s", self.hw.name, udc.gadget.speed.text)
        if udc.gadget.state < DeviceState.DEFAULT:
            usb_gadget_set_state(udc.gadget, DeviceState.DEFAULT)

    async def _suspend(self) -> None:
        udc = self.udc
        if udc.gadget.speed == Speed.UNKNOWN or self._suspended_from is not None:
            return
        if not await self.hw.read(DSTS.OFFSET) & DSTS.SuspSts.mask:
            return
        self._suspended_from = udc.gadget.state
        await udc.lpm.set_state(LxState.L2)
        if udc.driver is not None and udc.callbacks:
            await udc.driver.suspend(udc.gadget)
        usb_gadget_set_state(udc.gadget, DeviceState.SUSPENDED)

    async def _resume(self) -> None:
        udc = self.udc
        if udc.lpm.lx_state == LxState.L1:
            await udc.lpm.resumed()
            return
        before, self._suspended_from = self._suspended_from, None
        if before is None:
            return
        await udc.lpm.set_state(LxState.L0)
        usb_gadget_set_state(udc.gadget, before)
        if udc.driver is not None and udc.callbacks:
            await udc.driver.resume(udc.gadget)
