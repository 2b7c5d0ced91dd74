# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints in descriptor DMA (dwc2-registers.md 11).

The descriptors are a ring: after the last the core goes on with the first, and the endpoint stays
enabled. IN: a request is a descriptor that names its (micro)frame; one whose frame has gone by is
closed unsent. OUT: each packet is a descriptor that says in which frame it came, so what a request
gets is put together here. A ring without a ready descriptor disables the endpoint (BNA); that is
no error, it goes on where it stopped.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import TYPE_CHECKING

from tb.kernel import os_error
from tb.usb import EndpointDescriptor

from .dwc2_desc import INTERRUPT, LAST, DescriptorList
from .dwc2_tx import EPENA

if TYPE_CHECKING:
    from ..endpoint import UsbRequest
    from .dwc2_ep import Dwc2Ep, RequestBuffer
    from .dwc2_iso import IsoStream

__all__ = ["IsoInRing", "IsoOutRing", "IsoRing"]

_SLOTS = 16
_PATIENCE = 4
"""Frames missed in a row after which the stream is looked for again."""
_CNAK = 1 << 26
_NUMBER = 0x7FF
"""Frame numbers in a descriptor have eleven bits; the upper half of what they can say is past."""
_AHEAD = 1000
_LONGEST_INTERVAL = 512
_MDATA = 3
_HOST_BUSY = 3 << 30


class IsoRing:
    """The ring of one endpoint.

    Attributes:
        ep: its endpoint; the oldest request in the ring is its `active` one.
        stream: which frames it works in.
    """

    def __init__(self, ep: Dwc2Ep, stream: IsoStream) -> None:
        """Make an empty ring."""
        self.ep = ep
        self.stream = stream
        self.iso = ep.udc.iso
        assert ep.chain is not None
        self.list: DescriptorList = ep.chain
        self._head = 0
        self._placed = False

    @staticmethod
    def check(ep: Dwc2Ep, desc: EndpointDescriptor) -> None:
        """Refuse intervals that the frame numbers of descriptors cannot tell.

        Raises:
            OSError: EINVAL.
        """
        if 1 << min(max(desc.bInterval, 1), 16) - 1 > _LONGEST_INTERVAL:
            raise os_error(
                errno.EINVAL,
                f"{ep.name}: an interval of more than {_LONGEST_INTERVAL} frames is too long for "
                "descriptors; choose bInterval up to 10, or buffer DMA",
            )

    def holds(self, request: UsbRequest) -> bool:
        """Tell whether the core may be working on a request."""
        return False

    async def fill(self) -> None:
        """Give the core what is queued (interrupts are off)."""

    async def done(self) -> None:
        """The core has finished descriptors, or found none that is ready (interrupts are off)."""

    def forget(self) -> None:
        """The endpoint has been stopped: the ring is empty, requests stay queued."""
        self._head = 0
        self._placed = False
        self.ep.active = None

    def _last(self, slot: int) -> int:
        return INTERRUPT | (LAST if slot == _SLOTS - 1 else 0)

    async def _enable(self) -> None:
        """Let the core work on the ring, from where it is."""
        hw, ep = self.ep.hw, self.ep
        if not self._placed:
            self._placed = True
            await hw.write(ep.r_dma, self.list.address)
        if not await hw.read(ep.r_ctl) & EPENA:
            await hw.write(ep.r_ctl, ep.ctl | EPENA | _CNAK)


class IsoInRing(IsoRing):
    """Requests with their frames."""

    def __init__(self, ep: Dwc2Ep, stream: IsoStream) -> None:
        """Make an empty ring."""
        super().__init__(ep, stream)
        self._loaded: deque[tuple[UsbRequest, int]] = deque()

    def holds(self, request: UsbRequest) -> bool:
        """Tell whether the core may be working on a request."""
        return any(one is request for one, _ in self._loaded)

    def forget(self) -> None:
        """The endpoint has been stopped: the ring is empty, requests stay queued."""
        super().forget()
        for request, _ in self._loaded:
            state: RequestBuffer = request.udc_private
            state.unmap(request, is_in=True)
        self._loaded.clear()

    async def fill(self) -> None:
        """Make a descriptor of each queued request, for the frames from the next on."""
        ep, stream = self.ep, self.stream
        if stream.target is None or not ep.open:
            return
        now = await self.iso.frame()
        if not self._loaded:
            # Frames for which there was no request are nobody's loss.
            stream.skip(now)
        if not self._placed and ep.queue:
            # What old memory holds might look like a descriptor that is ready.
            for slot in range(_SLOTS):
                self.list.put(slot, _HOST_BUSY, 0, 0)
        for request in list(ep.queue)[len(self._loaded) :]:
            ahead = (stream.target - now) % stream.frames
            if len(self._loaded) == _SLOTS - 1 or _AHEAD <= ahead < stream.frames // 2:
                break
            slot = (self._head + len(self._loaded)) % _SLOTS
            address = 0
            if request.length:
                state: RequestBuffer = request.udc_private
                address = state.map(request, ep.udc.pool, is_in=True, room=request.length)
            packets = max(-(-request.length // ep.maxpacket), 1)
            flags = self._last(slot) | packets << 23 | (stream.target & _NUMBER) << 12
            self.list.put(slot, flags, request.length, address)
            self._loaded.append((request, stream.target))
            stream.target = (stream.target + stream.interval) % stream.frames
        if self._loaded:
            ep.active = self._loaded[0][0]
            await self._enable()

    async def done(self) -> None:
        """Give back what was sent in its frame, or was not."""
        ep, stream = self.ep, self.stream
        while self._loaded:
            status = self.list.status(self._head)
            if status >> 30 != 2:
                break
            self._head = (self._head + 1) % _SLOTS
            request, frame = self._loaded.popleft()
            request.frame_number = frame
            sent = not status >> 28 & 3
            request.actual = request.length if sent else 0
            stream.misses = 0 if sent else stream.misses + 1
            ep.finish(request, 0 if sent else -errno.ENODATA)
        ep.active = self._loaded[0][0] if self._loaded else None
        if stream.misses >= _PATIENCE:
            stream.misses = 0
            await ep.stop()
            stream.target = None
            await self.iso.listen()
        await self.fill()


class IsoOutRing(IsoRing):
    """Packets with their frames, in memory of the ring."""

    def __init__(self, ep: Dwc2Ep, stream: IsoStream) -> None:
        """Make the ring's memory."""
        super().__init__(ep, stream)
        self._size = (ep.maxpacket + 3) & ~3
        self._area = ep.udc.pool.alloc(self._size * _SLOTS)
        self._area.map(False)
        self._part = b""
        self._part_frame = -1

    def free(self) -> None:
        """Give the memory back; the endpoint has been stopped."""
        self._area.unmap()
        self.ep.udc.pool.free(self._area)

    def forget(self) -> None:
        """The endpoint has been stopped: the ring is empty, requests stay queued."""
        super().forget()
        self._part, self._part_frame = b"", -1

    def _put(self, slot: int) -> None:
        address = self._area.address + slot * self._size
        self.list.put(slot, self._last(slot), self.ep.maxpacket, address)

    async def fill(self) -> None:
        """Start the ring with the first request."""
        ep = self.ep
        if not ep.open or not ep.queue:
            return
        ep.active = ep.queue[0]
        if not self._placed:
            for slot in range(_SLOTS):
                self._put(slot)
        await self._enable()

    async def done(self) -> None:
        """Take the packets out of the ring."""
        memory = self.ep.udc.pool.memory
        while True:
            slot = self._head
            status = self.list.status(slot)
            if not self._placed or status >> 30 != 2:
                break
            size = max(self.ep.maxpacket - (status & _NUMBER), 0)
            data = bytes(memory.read(self._area.address + slot * self._size, size))
            self._put(slot)
            self._head = (slot + 1) % _SLOTS
            await self._packet(status, data)
        self.ep.active = self.ep.queue[0] if self.ep.queue else None
        if self._placed:
            await self._enable()

    async def _packet(self, status: int, data: bytes) -> None:
        stream = self.stream
        number = status >> 12 & _NUMBER
        if number != self._part_frame:
            self._part, self._part_frame = b"", number
        self._part += data
        if status >> 23 & 3 == _MDATA:
            return
        if stream.target is None:
            now = await self.iso.frame()
            stream.target = (now - (now - number & _NUMBER)) % stream.frames
        late = number - stream.target & _NUMBER
        if late % stream.interval or late > _PATIENCE * stream.interval:
            # The host has begun anew.
            stream.target, late = (stream.target + late) % stream.frames, 0
        for _ in range(late // stream.interval):
            self._give(b"", -errno.ENODATA)
        self._give(self._part, -errno.EILSEQ if status >> 28 & 3 else 0)
        self._part, self._part_frame = b"", -1

    def _give(self, data: bytes, status: int) -> None:
        """Complete the oldest request with what its frame brought."""
        ep, stream = self.ep, self.stream
        frame = stream.target
        assert frame is not None
        stream.target = (frame + stream.interval) % stream.frames
        if not ep.queue:
            return
        request = ep.queue[0]
        if len(data) > request.length:
            status = -errno.EOVERFLOW
        keep = data[: request.length]
        if keep:
            request.data()[: len(keep)] = keep
        request.actual = len(keep)
        request.frame_number = frame
        ep.finish(request, status)
