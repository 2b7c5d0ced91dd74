# SPDX-License-Identifier: Apache-2.0
"""Tx FIFOs of a DWC2 core, one for each IN endpoint (dwc2-registers.md 8)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeAlias

from pymodel.gen.udc_regs import DCFG, DIEPCTL, DIEPEMPMSK, DIEPINT, DTXFSTS, FIFO, GAHBCFG
from tb.kernel import os_error

if TYPE_CHECKING:
    from tb.usb import EndpointDescriptor

    from .dwc2_ep import Dwc2Ep
    from .dwc2_ep0 import Dwc2Ep0
    from .dwc2_udc import Dwc2Udc

__all__ = ["DedicatedTx", "InEp", "level"]

InEp: TypeAlias = "Dwc2Ep | Dwc2Ep0"

EPENA = DIEPCTL.EPEna.mask
EPDIS = DIEPCTL.EPDis.mask
SNAK = DIEPCTL.SNAK.mask
IN_NAK_EFFECTIVE = DIEPINT.INEPNakEff.mask
DISABLED = DIEPINT.EPDisbld.mask
XFER_COMPLETE = DIEPINT.XferCompl.mask
_PLENTY = 1 << 16


class DedicatedTx:
    """Which FIFO an IN endpoint has, room in it, and how to empty it.

    Slave mode: an endpoint that found no room waits; its FIFO interrupts when it is half empty.

    Attributes:
        dcfg: bits for DCFG, `gahbcfg` for GAHBCFG.
    """

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        self.udc = udc
        self.hw = udc.hw
        self.dcfg = DCFG.EPMisCnt.put(1)
        self.gahbcfg = 0
        self._waiting = 0

    async def reset(self) -> None:
        """The core has been initialized: nobody waits."""
        self._waiting = 0
        await self.hw.write(DIEPEMPMSK.OFFSET, 0)

    def choose(self, ep: Dwc2Ep, desc: EndpointDescriptor) -> int:
        """Return the smallest free FIFO that is large enough for an endpoint.

        Raises:
            OSError: ENOMEM without a FIFO.
        """
        needed = desc.maxp * desc.maxp_mult
        taken = {one.fifo for one in self.udc.eps_in.values() if one.open and one is not ep}
        fits = [
            (words, number != ep.number, number)
            for number, words in enumerate(self.hw.fifo_words)
            if number and number not in taken and words * 4 >= needed
        ]
        if not fits:
            raise os_error(
                errno.ENOMEM,
                f"{ep.name}: no free Tx FIFO holds {needed} bytes; FIFOs have "
                f"{[4 * words for words in self.hw.fifo_words[1:]]} bytes (g-tx-fifo-size)",
            )
        return min(fits)[2]

    async def link(self) -> None:
        """IN endpoints have been enabled or disabled."""

    def window(self, ep: InEp) -> int:
        """Slave mode: return where the words of an endpoint go: the window of its number."""
        return FIFO.at(ep.number)

    async def room(self, ep: InEp) -> tuple[int, int]:
        """Slave mode: return bytes and packets that the FIFO of an endpoint takes."""
        return 4 * (await self.hw.read(DTXFSTS.at(ep.fifo)) & 0xFFFF), _PLENTY

    async def make_room(self, ep: InEp, size: int) -> None:
        """Slave mode: EP0 has so many bytes to push, and must not wait."""

    async def wait(self, ep: InEp, on: bool) -> None:
        """Slave mode: call an endpoint's `fill` when its FIFO has room."""
        bit = 1 << ep.number
        wanted = self._waiting | bit if on else self._waiting & ~bit
        if wanted != self._waiting:
            self._waiting = wanted
            await self.hw.write(DIEPEMPMSK.OFFSET, wanted)

    async def endpoint_causes(self, ep: Dwc2Ep, causes: int) -> None:
        """Look at all causes of DIEPINT of an endpoint."""
        if causes & DIEPINT.TxFEmp.mask and self._waiting >> ep.number & 1:
            await ep.fill()

    async def core_causes(self, status: int) -> None:
        """Look at the causes of GINTSTS."""

    async def stop(self, ep: InEp) -> bool:
        """End an endpoint's transfer: NAK, disable, flush (interrupts are off).

        Returns:
            True if the transfer had been complete already.
        """
        hw = self.hw
        if not hw.dma:
            await self.wait(ep, False)
        if await hw.read(ep.r_ctl) & EPENA:
            await hw.write(ep.r_int, IN_NAK_EFFECTIVE)
            await hw.write(ep.r_ctl, ep.ctl | SNAK)
            await hw.poll(ep.r_int, IN_NAK_EFFECTIVE, IN_NAK_EFFECTIVE, f"{ep.name} NAK")
            # It may have completed between the two readings.
            if await hw.read(ep.r_ctl) & EPENA:
                await hw.write(ep.r_ctl, ep.ctl | SNAK | EPDIS)
                await hw.poll(ep.r_int, DISABLED, DISABLED, f"{ep.name} disable")
        causes = await hw.read(ep.r_int)
        await hw.write(ep.r_int, causes)
        await hw.flush(ep.fifo)
        return bool(causes & XFER_COMPLETE)

    async def stop_all(self) -> None:
        """End every IN transfer (interrupts are off)."""
        await self.stop(self.udc.ep0)
        for ep in self.udc.eps_in.values():
            if ep.active is not None:
                await self.stop(ep)


def level(*, non_periodic: bool, periodic: bool) -> int:
    """Return GAHBCFG bits: interrupt when these FIFOs are empty, not when they are half empty."""
    return GAHBCFG.NPTxFEmpLvl.put(int(non_periodic)) | GAHBCFG.PTxFEmpLvl.put(int(periodic))
