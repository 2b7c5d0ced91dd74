# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints of a DWC2 core in slave mode and buffer DMA (dwc2-registers.md 12).

A transfer belongs to one (micro)frame. The core knows of frames only whether they are even or
odd, so each transfer is programmed once the frame of that parity before its own is over, and at
the end of the periodic part of its own the core says whether it was left over. Where the host's
frames lie the driver learns from the first token that finds the endpoint unprepared.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import DIEPINT, DIEPMSK, DOEPINT, DOEPMSK, DSTS, GINTMSK, GINTSTS
from tb.kernel import os_error
from tb.usb import EndpointDescriptor, Speed

from .dwc2_iso_desc import IsoInRing, IsoOutRing

if TYPE_CHECKING:
    from ..endpoint import UsbRequest
    from .dwc2_ep import Dwc2Ep
    from .dwc2_udc import Dwc2Udc

__all__ = ["INCOMPLETE", "IsoStream", "IsoStreams"]

INCOMPLETE = GINTSTS.incompISOIN.mask | GINTSTS.incompISOOUT.mask
_FRAMES = {Speed.HIGH: 1 << 14, Speed.FULL: 1 << 11}
"""Numbers of (micro)frames in DSTS.SOFFN."""
_PATIENCE = 4
"""Frames missed in a row after which the stream waits for a token again, as at its start."""


class IsoStream:
    """Which (micro)frames an isochronous endpoint works in.

    Attributes:
        interval: (micro)frames from one transfer to the next.
        most: bytes of a transfer at most.
        target: frame of the transfer in the hardware, or of the next one; None: unknown, the
            next token will tell.
        misses: frames missed in a row.
    """

    def __init__(self, ep: Dwc2Ep, desc: EndpointDescriptor, speed: Speed) -> None:
        """Take interval and size from the descriptor."""
        self.ep = ep
        self.frames = _FRAMES.get(speed, 1 << 14)
        exponent = min(max(desc.bInterval, 1), 16) - 1
        self.interval = min(1 << exponent, self.frames // 4)
        self.most = desc.maxp * (desc.maxp_mult if speed == Speed.HIGH else 1)
        self.target: int | None = None
        self.misses = 0

    def check(self, request: UsbRequest) -> None:
        """Refuse a request that is more than one interval carries.

        Raises:
            OSError: EINVAL.
        """
        if request.length > self.most:
            raise os_error(
                errno.EINVAL,
                f"{self.ep.name}: {request.length} bytes; an interval carries {self.most}",
            )

    def elapsed(self, now: int) -> bool:
        """Tell whether the target frame has begun."""
        return self.target is not None and (now - self.target) % self.frames < self.frames // 2

    def begin(self, now: int) -> None:
        """A token came in this frame: the next one is due an interval later."""
        self.target = (now + self.interval) % self.frames
        self.misses = 0

    def skip(self, now: int) -> None:
        """Go to the first frame of the stream that has not begun."""
        if self.target is not None and self.elapsed(now):
            late = (now - self.target) % self.frames
            self.target += (late // self.interval + 1) * self.interval
            self.target %= self.frames

    def done(self, request: UsbRequest) -> None:
        """The transfer of the target frame is over."""
        self.misses = 0
        if self.target is not None:
            request.frame_number = self.target
            self.target = (self.target + self.interval) % self.frames

    def missed(self, request: UsbRequest) -> None:
        """The target frame went by without a transfer."""
        if self.target is None:
            return
        request.frame_number = self.target
        request.actual = 0
        self.misses += 1
        if self.misses >= _PATIENCE:
            self.target = None
        else:
            self.target = (self.target + self.interval) % self.frames


class IsoStreams:
    """All isochronous endpoints of a core (interrupts are off in all of this).

    Attributes:
        streams: of the endpoints that are enabled.
    """

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        self.udc = udc
        self.hw = udc.hw
        self.streams: list[IsoStream] = []

    async def frame(self) -> int:
        """Return the present (micro)frame as the core counts it."""
        return DSTS.SOFFN.get(await self.hw.read(DSTS.OFFSET))

    async def add(self, ep: Dwc2Ep, desc: EndpointDescriptor) -> None:
        """An isochronous endpoint has been enabled."""
        ep.iso = IsoStream(ep, desc, self.udc.gadget.speed)
        self.streams.append(ep.iso)
        if ep.chain is not None:
            ep.ring = IsoInRing(ep, ep.iso) if ep.dir_in else IsoOutRing(ep, ep.iso)
        await self.listen()

    async def remove(self, ep: Dwc2Ep) -> None:
        """An endpoint has been disabled."""
        if ep.iso is not None:
            self.streams.remove(ep.iso)
            ep.iso = None
            if isinstance(ep.ring, IsoOutRing):
                ep.ring.free()
            ep.ring = None
            await self.listen()

    async def listen(self) -> None:
        """Let those causes interrupt that somebody waits for."""
        irq = self.udc.irq
        waiting = [one.ep.dir_in for one in self.streams if one.target is None]
        if self.hw.desc:
            # A ring takes OUT packets whenever they come, and tells itself what it missed.
            waiting = [True for is_in in waiting if is_in]
        in_mask = irq.in_mask & ~DIEPMSK.NAKIntrpt.mask
        out_mask = irq.out_mask & ~DOEPMSK.OUTTknEPdis.mask
        mask = irq.mask & ~INCOMPLETE
        if True in waiting:
            in_mask |= DIEPMSK.NAKIntrpt.mask
        if False in waiting:
            out_mask |= DOEPMSK.OUTTknEPdis.mask
        if len(waiting) < len(self.streams) and not self.hw.desc:
            mask |= INCOMPLETE
        if mask != irq.mask:
            # What happened before anybody listened is of no interest.
            await self.hw.write(GINTSTS.OFFSET, INCOMPLETE)
            await self.hw.write(GINTMSK.OFFSET, mask)
        if in_mask != irq.in_mask:
            await self.hw.write(DIEPMSK.OFFSET, in_mask)
        if out_mask != irq.out_mask:
            await self.hw.write(DOEPMSK.OFFSET, out_mask)
        irq.mask, irq.in_mask, irq.out_mask = mask, in_mask, out_mask

    async def parity(self, stream: IsoStream) -> int | None:
        """Return 0 or 1, the parity of the frame that a transfer is to be programmed for.

        None while the stream waits for its first token.
        """
        if stream.target is None:
            return None
        # Frames for which there was no request are nobody's loss.
        stream.skip(await self.frame())
        return stream.target & 1

    async def token(self, ep: Dwc2Ep) -> None:
        """A token found an endpoint with nothing programmed."""
        stream = ep.iso
        if stream is None or stream.target is not None or not ep.open:
            return
        stream.begin(await self.frame())
        await self.listen()
        await ep.start_next()

    async def incomplete(self) -> None:
        """The periodic part of a frame is over; take back what should have been done in it."""
        await self.hw.write(GINTSTS.OFFSET, INCOMPLETE)
        now = await self.frame()
        for stream in list(self.streams):
            ep = stream.ep
            request = ep.active
            if request is None or not stream.elapsed(now):
                continue
            if await ep.stop():
                await ep.transfer_done()
                continue
            if ep.active is not request:
                # It was in the Rx FIFO, and stopping emptied that.
                await ep.start_next()
                continue
            stream.missed(request)
            ep.finish(request, -errno.ENODATA)
            if stream.target is None:
                cause = DIEPINT.NAKIntrpt if ep.dir_in else DOEPINT.OUTTknEPdis
                await self.hw.write(ep.r_int, cause.mask)
                await self.listen()
            await ep.start_next()
