# SPDX-License-Identifier: Apache-2.0
"""Endpoints of a DWC2 core and their transfers (dwc2-registers.md 5, 7, 8, 10).

A request becomes one hardware transfer, or several if it is larger than the size fields hold.
In DMA mode the controller owns the buffer from the programming of the transfer on until it has
completed or has been stopped; only then is the request given back.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import (
    DCTL,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    GINTSTS,
)
from tb.kernel import DmaBuffer, DmaPool, os_error

from ..endpoint import EpCaps, UsbEp, UsbEpOps, UsbRequest, usb_gadget_giveback_request
from .dwc2_desc import DescriptorList
from .dwc2_tx import DISABLED, EPDIS, EPENA, SNAK, XFER_COMPLETE

if TYPE_CHECKING:
    from ..gadget import UsbGadget
    from .dwc2_iso import IsoStream
    from .dwc2_iso_desc import IsoRing
    from .dwc2_orders import Orders
    from .dwc2_udc import Dwc2Udc

__all__ = ["Dwc2Ep", "RequestBuffer"]

log = logging.getLogger(__name__)

CNAK = DIEPCTL.CNAK.mask
STALL = DIEPCTL.Stall.mask
SETD0PID = DIEPCTL.SetD0PID.mask
_PARITY = (DIEPCTL.SetEvenFr.mask, DIEPCTL.SetOddFr.mask)
SIZE_MASK = DIEPTSIZ.XferSize.mask
PKT_LSB = DIEPTSIZ.PktCnt.lsb
MC_LSB = DIEPTSIZ.MC.lsb
_RX_WAITS = 64


class RequestBuffer:
    """What the driver knows about a request: where the hardware finds its data.

    Attributes:
        bounce: a buffer of ours for requests whose own buffer DMA cannot use.
        mapped: the buffer that the device owns now.
    """

    __slots__ = ("bounce", "mapped", "queued")

    def __init__(self) -> None:
        """Own nothing."""
        self.bounce: DmaBuffer | None = None
        self.mapped: DmaBuffer | None = None
        self.queued = False

    def map(self, request: UsbRequest, pool: DmaPool, *, is_in: bool, room: int) -> int:
        """Hand the data to the device; `room` is what the hardware may touch, in bytes.

        Returns:
            The bus address.
        """
        own = request.buf
        if isinstance(own, DmaBuffer) and own.size >= room and not own.address & 3:
            buffer = own
        else:
            if self.bounce is not None and self.bounce.size < room:
                pool.free(self.bounce)
                self.bounce = None
            if self.bounce is None:
                self.bounce = pool.alloc(max(room, 4))
            buffer = self.bounce
            if is_in:
                buffer.data[: request.length] = request.data()[: request.length]
        buffer.map(is_in)
        self.mapped = buffer
        return buffer.address

    def unmap(self, request: UsbRequest, *, is_in: bool) -> None:
        """Take the data back; copies what came into a request's own buffer."""
        buffer, self.mapped = self.mapped, None
        if buffer is None:
            return
        buffer.unmap()
        if buffer is self.bounce and not is_in and request.actual:
            request.data()[: request.actual] = buffer.data[: request.actual]

    def free(self, pool: DmaPool | None) -> None:
        """Give the bounce buffer back."""
        if self.bounce is not None and pool is not None:
            pool.free(self.bounce)
            self.bounce = None


class Dwc2Ep(UsbEp):
    """An endpoint other than ep0.

    Attributes:
        ctl: what the control register holds apart from command bits.
        queue: requests, the oldest first; `active` is the one in the hardware.
        iso: its frames, if it is isochronous.
        chain: its descriptors, in descriptor DMA.
        ring: what it makes of them, if it is isochronous.
        orders: what it tells the hardware by commands, if its transfers are started that way.
        stopping: nothing is started; `stop` is under way, and what it finds in the Rx FIFO ends
            transfers.
    """

    def __init__(
        self, udc: Dwc2Udc, gadget: UsbGadget, number: int, is_in: bool, ops: UsbEpOps
    ) -> None:
        """Take name, capabilities and register places."""
        caps = EpCaps(False, True, True, True, is_in, not is_in)
        super().__init__(gadget, f"ep{number}{'in' if is_in else 'out'}", ops, caps)
        self.udc = udc
        self.hw = udc.hw
        self.number = number
        self.dir_in = is_in
        self.queue: deque[UsbRequest] = deque()
        self.active: UsbRequest | None = None
        self.ctl = 0
        self.fifo = 0
        self.open = False
        self.halted = False
        self.wedged = False
        self.iso: IsoStream | None = None
        self.chain: DescriptorList | None = None
        self.ring: IsoRing | None = None
        self.orders: Orders | None = None
        self.stopping = False
        self.r_ctl = (DIEPCTL if is_in else DOEPCTL).at(number)
        self.r_int = (DIEPINT if is_in else DOEPINT).at(number)
        self.r_tsiz = (DIEPTSIZ if is_in else DOEPTSIZ).at(number)
        self.r_dma = (DIEPDMA if is_in else DOEPDMA).at(number)
        self._address = 0
        self._programmed = 0
        self._got = 0
        self._pushed = 0
        self._zlp = False

    # -- starting --------------------------------------------------------------------------

    async def start_next(self) -> None:
        """Program the oldest request, if the hardware is free (interrupts are off)."""
        if self.ring is not None:
            await self.ring.fill()
            return
        if self.active is not None or not self.queue or not self.open or self.stopping:
            return
        if self.orders is not None and self.orders.held:
            return
        command = 0
        if self.iso is not None:
            parity = await self.udc.iso.parity(self.iso)
            if parity is None:
                return
            command = _PARITY[parity]
        request = self.queue[0]
        self.active = request
        packet = self.maxpacket
        self._zlp = bool(
            self.dir_in
            and request.zero
            and request.length
            and request.length % packet == 0
            and self.iso is None
        )
        if self.hw.dma and (request.length or not self.dir_in):
            room = request.length if self.dir_in else self._rounded(request.length)
            state: RequestBuffer = request.udc_private
            self._address = state.map(request, self.udc.pool, is_in=self.dir_in, room=room)
        await self._program(request, command)

    def _rounded(self, length: int) -> int:
        packet = self.maxpacket
        return max(-(-length // packet), 1) * packet

    async def _program(self, request: UsbRequest, command: int = 0) -> None:
        """Start a hardware transfer for what is left of a request."""
        if self.stopping:
            return
        packet = self.maxpacket
        left = request.length - request.actual
        if not self.dir_in:
            left = self._rounded(left)
        if self.chain is not None:
            await self._program_chain(self.chain, request, left)
            return
        limit = min(self.hw.max_bytes // packet, self.hw.max_packets) * packet
        size = min(left, limit)
        packets = max(-(-size // packet), 1)
        self._programmed = size
        self._got = 0
        sizes = packets << PKT_LSB | size
        if self.dir_in:
            # Isochronous: the PIDs of a microframe announce just the packets that it has.
            sizes |= (max(self.mult, 1) if self.iso is None else packets) << MC_LSB
        if self.orders is not None:
            self._pushed = 0
            await self.orders.start(self._address + request.actual, sizes)
            return
        write = self.hw.write
        await write(self.r_tsiz, sizes)
        if self.hw.dma:
            await write(self.r_dma, self._address + request.actual)
        await write(self.r_ctl, self.ctl | EPENA | CNAK | command)
        if self.dir_in and not self.hw.dma:
            self._pushed = 0
            await self.fill()

    async def _program_chain(self, chain: DescriptorList, request: UsbRequest, left: int) -> None:
        """Descriptor DMA: start a chain for what is left of a request."""
        address = self._address + request.actual if left else 0
        self._programmed = chain.build(address, left, self.maxpacket, zero=self._zlp)
        if self._programmed == left:
            self._zlp = False
        if self.orders is not None:
            await self.orders.start(chain.address, 0)
            return
        await self.hw.write(self.r_dma, chain.address)
        await self.hw.write(self.r_ctl, self.ctl | EPENA | CNAK)

    async def fill(self) -> None:
        """Slave mode: push whole packets while the Tx FIFO has room for them."""
        request, tx = self.active, self.udc.tx
        if request is None:
            await tx.wait(self, False)
            return
        data, packet = request.data(), self.maxpacket
        while self._pushed < self._programmed:
            room, packets = await tx.room(self)
            left = self._programmed - self._pushed
            if packet % 4:
                # Each packet starts at a word of its own.
                take = min(left, packet) if packets and room >= min(left, packet) else 0
            elif room >= left and packets * packet >= left:
                take = left
            else:
                take = min(room // packet, packets) * packet
            if not take:
                break
            begin = request.actual + self._pushed
            await self.hw.bus.write_fifo(tx.window(self), data[begin : begin + take])
            self._pushed += take
        await tx.wait(self, self._pushed < self._programmed)

    @property
    def loaded(self) -> bool:
        """True if the Tx FIFO may hold packets of the active request."""
        return self.active is not None and bool(self._programmed if self.hw.dma else self._pushed)

    async def resume(self) -> None:
        """Go on after the Tx FIFO has been emptied, with the first packet that was not sent."""
        request = self.active
        if request is None:
            return
        packet = self.maxpacket
        left = DIEPTSIZ.PktCnt.get(await self.hw.read(self.r_tsiz))
        sent = max(-(-self._programmed // packet), 1) - left
        request.actual += min(sent * packet, self._programmed)
        await self._program(request)

    # -- finishing -------------------------------------------------------------------------

    async def receive(self, data: bytes) -> None:
        """Slave mode: take a packet from the Rx FIFO."""
        request = self.active
        if request is None:
            log.warning("%s: %d bytes for nobody", self.name, len(data))
            return
        begin = request.actual + self._got
        keep = data[: max(request.length - begin, 0)]
        if keep:
            request.data()[begin : begin + len(keep)] = keep
        self._got += len(data)

    async def transfer_done(self) -> None:
        """The hardware has finished its transfer; go on with the request or complete it."""
        if self.ring is not None:
            await self.ring.done()
            return
        request = self.active
        if request is None:
            return
        if self.iso is not None:
            self.iso.done(request)
        if self.dir_in:
            request.actual += self._programmed
            if request.actual < request.length:
                await self._program(request)
                return
            if self._zlp:
                self._zlp = False
                await self._program(request)
                return
            self.finish(request, 0)
        else:
            fits = True
            if self.chain is not None:
                self._got, fits = self.chain.received()
            elif self.hw.dma:
                left = await self.hw.read(self.r_tsiz) & SIZE_MASK
                self._got = self._programmed - left
            request.actual += self._got
            if request.actual > request.length or not fits:
                request.actual = min(request.actual, request.length)
                self.finish(request, -errno.EOVERFLOW)
            elif self._got == self._programmed and request.actual < request.length:
                await self._program(request)
                return
            elif request.short_not_ok and request.actual < request.length:
                self.finish(request, -errno.EREMOTEIO)
            else:
                self.finish(request, 0)
        await self.start_next()

    def finish(self, request: UsbRequest, status: int) -> None:
        """Give a request back; the hardware has let go of its buffer."""
        if self.active is request:
            self.active = None
        try:
            self.queue.remove(request)
        except ValueError:
            return
        state: RequestBuffer = request.udc_private
        state.queued = False
        request.status = status
        state.unmap(request, is_in=self.dir_in)
        usb_gadget_giveback_request(self, request)

    def finish_all(self, status: int) -> None:
        """Give every request back; the endpoint has been stopped."""
        while self.queue:
            self.finish(self.queue[0], status)

    # -- stopping --------------------------------------------------------------------------

    async def hold(self) -> None:
        """Take no more packets; what has been acknowledged is received (interrupts are off).

        IN: the hardware needs nothing.
        """
        if self.dir_in or not await self.hw.read(self.r_ctl) & EPENA:
            return
        control = await self.hw.read(DCTL.OFFSET)
        await self.hw.write(DCTL.OFFSET, control | DCTL.SGOUTNak.mask)
        await _global_nak_effective(self.udc)
        await self.hw.write(self.r_ctl, self.ctl | SNAK)
        await self.hw.write(DCTL.OFFSET, control | DCTL.CGOUTNak.mask)

    async def stop(self) -> bool:
        """End the hardware's transfer: SNAK, disable, flush (interrupts are off).

        Returns:
            True if the transfer had been complete already.
        """
        self.stopping = True
        try:
            stopped = self.udc.tx.stop(self) if self.dir_in else stop_out(self.udc, [self])
            complete = await stopped
        finally:
            self.stopping = False
        if self.ring is not None:
            self.ring.forget()
        return complete


async def stop_out(udc: Dwc2Udc, endpoints: list[Dwc2Ep]) -> bool:
    """End the OUT transfers of some endpoints under one global NAK (interrupts are off).

    Returns:
        True if the transfer of the last one had been complete already.
    """
    hw = udc.hw
    busy = [ep for ep in endpoints if await hw.read(ep.r_ctl) & EPENA]
    if busy:
        control = await hw.read(DCTL.OFFSET)
        await hw.write(DCTL.OFFSET, control | DCTL.SGOUTNak.mask)
        await _global_nak_effective(udc)
        for ep in busy:
            if await hw.read(ep.r_ctl) & EPENA:
                await hw.write(ep.r_ctl, ep.ctl | SNAK | EPDIS)
                await hw.poll(ep.r_int, DISABLED, DISABLED, f"{ep.name} disable")
        await hw.write(DCTL.OFFSET, control | DCTL.CGOUTNak.mask)
    complete = False
    for ep in endpoints:
        causes = await hw.read(ep.r_int)
        await hw.write(ep.r_int, causes)
        complete = bool(causes & XFER_COMPLETE)
    return complete and hw.dma


async def _global_nak_effective(udc: Dwc2Udc) -> None:
    """Wait for the global OUT NAK; in slave mode its word must be popped by us."""
    hw = udc.hw
    mask = GINTSTS.GOUTNakEff.mask
    if hw.dma:
        await hw.poll(GINTSTS.OFFSET, mask, mask, "global OUT NAK")
        return
    for _ in range(_RX_WAITS):
        status = await hw.read(GINTSTS.OFFSET)
        if status & mask:
            return
        if status & GINTSTS.RxFLvl.mask:
            await udc.pop_rx()
    raise os_error(errno.ETIMEDOUT, f"{hw.name}: the global OUT NAK does not take effect")
