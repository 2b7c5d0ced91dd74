# SPDX-License-Identifier: Apache-2.0
"""Shared Tx FIFOs of a DWC2 core (dwc2-registers.md 9).

Control and bulk endpoints all send from Tx FIFO 0, which keeps their packets in the order in which
they came; interrupt and isochronous endpoints have a periodic FIFO each. So one endpoint whose
host does not ask stands in the way of all others, and emptying FIFO 0 for one takes away what the
others have in it. Whatever has been taken away is programmed again, from the first packet that was
not acknowledged on; PktCnt tells which that is.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPINT,
    DIEPMSK,
    DTXFSTS,
    FIFO,
    GINTMSK,
    GINTSTS,
    GNPTXSTS,
)
from tb.kernel import os_error
from tb.usb import TransferType

from .dwc2_tx import DISABLED, EPDIS, EPENA, SNAK, XFER_COMPLETE, DedicatedTx, InEp, level

if TYPE_CHECKING:
    from tb.usb import EndpointDescriptor

    from .dwc2_ep import Dwc2Ep
    from .dwc2_udc import Dwc2Udc

__all__ = ["SharedTx"]

_NP_EMPTY = GINTSTS.NPTxFEmp.mask
_P_EMPTY = GINTSTS.PTxFEmp.mask
_MISMATCH = GINTSTS.EPMis.mask
_EP_MISMATCH = DIEPINT.INTknEPMis.mask
_TOKEN_EMPTY = DIEPINT.INTknTXFEmp.mask
_PERIODIC = (TransferType.ISOCHRONOUS, TransferType.INTERRUPT)
_MOST_MISMATCHES = 31


class SharedTx(DedicatedTx):
    """Tx FIFO 0 for control and bulk endpoints, a FIFO each for periodic ones."""

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        super().__init__(udc)
        # Whoever the host asks in turn must get one chance each before the order is called wrong.
        patience = min(len(udc.eps_in) + 2, _MOST_MISMATCHES)
        self.dcfg = DCFG.EPMisCnt.put(patience)
        # Half empty may not be room for a packet, and would interrupt for ever.
        self.gahbcfg = level(non_periodic=True, periodic=True)
        self._waits: dict[InEp, None] = {}
        if not self.hw.dma:
            udc.irq.mask |= _MISMATCH

    async def reset(self) -> None:
        """The core has been initialized: nobody waits."""
        self._waits.clear()
        await self._listen()

    def choose(self, ep: Dwc2Ep, desc: EndpointDescriptor) -> int:
        """Return FIFO 0 for bulk, the smallest free periodic FIFO that is large enough else.

        Raises:
            OSError: ENOMEM without a periodic FIFO (S004-100), or if FIFO 0 is too small.
        """
        if desc.transfer_type in _PERIODIC:
            return super().choose(ep, desc)
        room = 4 * self.hw.fifo_words[0]
        if desc.maxp > room:
            raise os_error(
                errno.ENOMEM,
                f"{ep.name}: packets of {desc.maxp} bytes, but Tx FIFO 0 has {room} bytes "
                "(g-np-tx-fifo-size)",
            )
        return 0

    async def link(self) -> None:
        """Chain the enabled IN endpoints by NextEp, in a ring: the order in which DMA fetches."""
        if not self.hw.dma:
            return
        ring: list[InEp] = [self.udc.ep0, *(ep for ep in self.udc.eps_in.values() if ep.open)]
        for ep, following in zip(ring, [*ring[1:], ring[0]], strict=True):
            control = DIEPCTL.NextEp.set(ep.ctl, following.number)
            if control != ep.ctl:
                ep.ctl = control
                await self.hw.write(ep.r_ctl, control)

    # -- slave mode: room ------------------------------------------------------------------

    def window(self, ep: InEp) -> int:
        """Return where the words of an endpoint go: the window of its own number."""
        return FIFO.at(ep.number)

    async def room(self, ep: InEp) -> tuple[int, int]:
        """Return bytes and packets that the FIFO of an endpoint takes."""
        if ep.fifo:
            words = await self.hw.read(DTXFSTS.at(ep.fifo)) & 0xFFFF
            return 4 * words, words
        status = await self.hw.read(GNPTXSTS.OFFSET)
        return 4 * GNPTXSTS.NPTxFSpcAvail.get(status), GNPTXSTS.NPTxQSpcAvail.get(status)

    async def make_room(self, ep: InEp, size: int) -> None:
        """EP0 has so many bytes to push, and must not wait: it goes before all others."""
        room, packets = await self.room(ep)
        if room < size or packets < -(-size // ep.maxpacket):
            await self.take_back((), [ep])

    async def wait(self, ep: InEp, on: bool) -> None:
        """Call an endpoint's `fill` when its FIFO has room."""
        if on == (ep in self._waits):
            return
        if on:
            self._waits[ep] = None
        else:
            del self._waits[ep]
        await self._listen()

    async def _listen(self) -> None:
        """Let those causes interrupt that somebody waits for."""
        irq = self.udc.irq
        mask = irq.mask & ~(_NP_EMPTY | _P_EMPTY)
        in_mask = irq.in_mask & ~_TOKEN_EMPTY
        for ep in self._waits:
            if ep.fifo:
                # The one interrupt is of all periodic FIFOs together, and some may stay full.
                mask |= _P_EMPTY
                in_mask |= _TOKEN_EMPTY
            else:
                mask |= _NP_EMPTY
        if mask != irq.mask:
            irq.mask = mask
            await self.hw.write(GINTMSK.OFFSET, mask)
        if in_mask != irq.in_mask:
            irq.in_mask = in_mask
            await self.hw.write(DIEPMSK.OFFSET, in_mask)

    async def endpoint_causes(self, ep: Dwc2Ep, causes: int) -> None:
        """A token found a periodic FIFO empty that has more to come."""
        if causes & _TOKEN_EMPTY and ep.fifo and ep in self._waits:
            await ep.fill()

    async def core_causes(self, status: int) -> None:
        """A FIFO is empty, or the packets in FIFO 0 are in another order than the host asks."""
        if status & _MISMATCH:
            await self._mismatch()
        for mask, periodic in ((_NP_EMPTY, False), (_P_EMPTY, True)):
            if status & mask:
                for ep in [one for one in self._waits if bool(one.fifo) == periodic]:
                    await ep.fill()

    async def _mismatch(self) -> None:
        await self.hw.write(GINTSTS.OFFSET, _MISMATCH)
        asked = []
        for ep in self._users():
            if await self.hw.read(ep.r_int) & _EP_MISMATCH:
                await self.hw.write(ep.r_int, _EP_MISMATCH)
                asked.append(ep)
        await self.take_back((), asked)

    # -- stopping --------------------------------------------------------------------------

    def _users(self) -> list[InEp]:
        return [self.udc.ep0, *(ep for ep in self.udc.eps_in.values() if ep.open and not ep.fifo)]

    async def stop(self, ep: InEp) -> bool:
        """End an endpoint's transfer; other endpoints in FIFO 0 go on (interrupts are off).

        Returns:
            True if the transfer had been complete already.
        """
        if ep.fifo:
            return await super().stop(ep)
        await self.wait(ep, False)
        if await self.hw.read(ep.r_ctl) & EPENA:
            await self.take_back((ep,))
        causes = await self.hw.read(ep.r_int)
        await self.hw.write(ep.r_int, causes)
        return bool(causes & XFER_COMPLETE)

    async def stop_all(self) -> None:
        """End every IN transfer (interrupts are off)."""
        users: list[InEp] = [self.udc.ep0]
        users += [ep for ep in self.udc.eps_in.values() if not ep.fifo]
        self._waits.clear()
        await self._listen()
        await self.take_back(users)
        for ep in users:
            await self.hw.write(ep.r_int, await self.hw.read(ep.r_int))
        for ep in self.udc.eps_in.values():
            if ep.fifo and ep.active is not None:
                await super().stop(ep)

    async def take_back(self, stopped: Collection[InEp], first: Sequence[InEp] = ()) -> None:
        """Empty FIFO 0, then let all go on that had packets in it (interrupts are off).

        Args:
            stopped: endpoints whose transfers end here.
            first: endpoints that push or are fetched before all others.
        """
        hw = self.hw
        control = await hw.read(DCTL.OFFSET)
        await hw.write(DCTL.OFFSET, control | DCTL.SGNPInNak.mask)
        mask = GINTSTS.GINNakEff.mask
        await hw.poll(GINTSTS.OFFSET, mask, mask, "global IN NAK")
        again: list[InEp] = []
        for ep in dict.fromkeys([*self._users(), *stopped]):
            if (ep in stopped or ep.loaded) and await hw.read(ep.r_ctl) & EPENA:
                await hw.write(ep.r_ctl, ep.ctl | SNAK | EPDIS)
                await hw.poll(ep.r_int, DISABLED, DISABLED, f"{ep.name} disable")
                await hw.write(ep.r_int, DISABLED)
                if ep not in stopped:
                    again.append(ep)
        await hw.flush(0)
        await hw.write(DCTL.OFFSET, control | DCTL.CGNPInNak.mask)
        for ep in first:
            if ep in again:
                again.remove(ep)
                await ep.resume()
            elif not hw.dma:
                await ep.fill()
        for ep in again:
            await ep.resume()
