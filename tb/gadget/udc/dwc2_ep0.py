# SPDX-License-Identifier: Apache-2.0
"""Endpoint 0 of a DWC2 core: the control transfers (gadget-core.md 9, dwc2-registers.md 7, 10).

The hard interrupt handler only collects events; `Dwc2Ep0.handle` plays them in the irq thread, in
the order in which they happened. EP0 OUT is always armed, so that a SETUP can come at any time.
"""

from __future__ import annotations

import errno
import logging
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import (
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DIEPTSIZ0,
    DOEPCTL,
    DOEPCTL0,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    DOEPTSIZ0,
    GINTSTS,
)
from tb.kernel import DmaBuffer, os_error
from tb.usb import DeviceState, Request, SetupPacket

from ..composite import USB_GADGET_DELAYED_STATUS
from ..endpoint import EpCaps, UsbEp, UsbEpOps, UsbRequest, usb_gadget_giveback_request
from ..gadget import usb_gadget_set_state
from .dwc2_desc import BYTES, INTERRUPT, LAST, SHORT, DescriptorList
from .dwc2_ep import CNAK, PKT_LSB, STALL, RequestBuffer
from .dwc2_requests import StandardRequests
from .dwc2_tx import EPENA, SNAK

if TYPE_CHECKING:
    from ..gadget import UsbGadget
    from .dwc2_udc import Dwc2Udc

__all__ = ["Dwc2Ep0", "Ep0State"]

log = logging.getLogger(__name__)

PACKET = 64
# Two slots, each for a SETUP or a data packet: while one is read the other is armed.
_SLOTS = 2
# Descriptor DMA: a list of one descriptor for each slot, and one for IN.
_LISTS = _SLOTS + 1
_IN_LIST = _SLOTS
_LONGEST = BYTES // PACKET * PACKET
_SETUP_SIZE = 8
_SETUPS_IN_A_ROW = 3
_MAX_CHUNK = 127
_SETUP_COUNT = DOEPTSIZ0.SUPCnt.put(3)
_CTL_OUT = DOEPCTL.at(0)


class Ep0State(Enum):
    """Where the control transfer is."""

    IDLE = "idle"
    WAIT = "waiting for the driver's answer"
    DATA_IN = "data in"
    DATA_OUT = "data out"
    STATUS_IN = "status in"
    STATUS_OUT = "status out"


class Dwc2Ep0(UsbEp):
    """The default control endpoint.

    Attributes:
        state: stage of the control transfer.
        setups: number of SETUPs that the hardware has announced; a rising number tells that
            whatever is being prepared is stale.
        ctl: what DIEPCTL0 holds apart from command bits.
        number, fifo, r_ctl, r_int, r_tsiz: of the IN direction, as `Dwc2Ep` has them.
    """

    number = 0
    fifo = 0
    r_ctl = DIEPCTL.at(0)
    r_int = DIEPINT.at(0)
    r_tsiz = DIEPTSIZ.at(0)

    def __init__(self, udc: Dwc2Udc, gadget: UsbGadget, ops: UsbEpOps) -> None:
        """Start idle."""
        super().__init__(gadget, "ep0", ops, EpCaps(type_control=True, dir_in=True, dir_out=True))
        self.udc = udc
        self.hw = udc.hw
        self.queue: deque[UsbRequest] = deque()
        self.active: UsbRequest | None = None
        self.state = Ep0State.IDLE
        self.setups = 0
        self.ctl = DIEPCTL.USBActEP.mask
        self.ctrl = SetupPacket(0, 0, 0, 0, 0)
        self.area: DmaBuffer | None = None
        self.requests = StandardRequests(udc, self)
        self.lists: DescriptorList | None = None
        self._slot = 0
        self._stored = False
        self._seen = 0
        self._address = 0
        self._chunk = 0
        self._pushed = False
        self._length = 0
        self._zlp = False
        self._slave_out = b""
        self._slave_setup = b""
        self._desc_setup = b""
        self._status_asked = False
        self._status_due = False

    # -- hardware side (hard interrupt context) ---------------------------------------------

    async def out_causes(self, causes: int) -> None:
        """DMA mode: turn causes of DOEPINT0 into events.

        The core stores a SETUP, tells so (StupPktRcvd) and disables the endpoint. Further SETUPs
        of a host that missed our ACK follow it in memory, three at most before the address
        rewinds; with the first token after them comes SetUp, and the last one counts.
        """
        if self.hw.desc:
            await self._descriptor_causes(causes)
            return
        stored = bool(causes & DOEPINT.StupPktRcvd.mask)
        if stored:
            self._stored = True
            await self._setup_came()
        if causes & DOEPINT.SetUp.mask:
            if not self._stored:  # cores before 3.00a do not tell
                self.setups += 1
            self._stored = False
            last = await self.hw.read(DOEPDMA.at(0)) - _SETUP_SIZE
            data = bytes(self.udc.pool.memory.read(last, _SETUP_SIZE))
            self._slot = (self._slot + 1) % _SLOTS
            await self.arm_setup()
            self.udc.post("setup", data, self.setups)
        elif causes & DOEPINT.XferCompl.mask and not stored:
            left = await self.hw.read(DOEPTSIZ.at(0)) & DOEPTSIZ0.XferSize.mask
            size = max(PACKET - left, 0)
            self.udc.post("out", bytes(self.udc.pool.memory.read(self._address_of_slot(), size)))

    async def _descriptor_causes(self, causes: int) -> None:
        """Descriptor DMA: the same, but each SETUP ends its descriptor and disables the endpoint.

        Those that follow wait in the Rx FIFO until there is another descriptor.
        """
        lists, memory = self.lists, self.udc.pool.memory
        assert lists is not None
        slot, address = self._slot, self._address_of_slot()
        if causes & DOEPINT.StupPktRcvd.mask:
            self._desc_setup = bytes(memory.read(address, _SETUP_SIZE))
            await self._setup_came()
            self._slot = (slot + 1) % _SLOTS
            await self.arm_setup()
        elif causes & DOEPINT.XferCompl.mask:
            self.udc.post("out", bytes(memory.read(address, lists.got(slot))))
        if causes & DOEPINT.SetUp.mask:
            self.udc.post("setup", self._desc_setup, self.setups)
        if causes & DOEPINT.StsPhseRcvd.mask:
            self.udc.post("status")

    async def _setup_came(self) -> None:
        """Void what is being answered; the NAK of the SETUP may have been cleared just now."""
        self.setups += 1
        if self.state not in (Ep0State.IDLE, Ep0State.WAIT):
            await self.hw.write(self.r_ctl, self.ctl | SNAK)
            await self.hw.write(_CTL_OUT, DOEPCTL0.USBActEP.mask | SNAK)

    def _address_of_slot(self) -> int:
        assert self.area is not None
        return self.area.address + self._slot * PACKET

    def slave_packet(self, data: bytes) -> None:
        """Slave mode: a data packet has come out of the Rx FIFO."""
        self._slave_out += data

    def slave_out_done(self) -> None:
        """Slave mode: the OUT transfer is complete."""
        data, self._slave_out = self._slave_out, b""
        self.udc.post("out", data)

    async def slave_setup(self, data: bytes) -> None:
        """Slave mode: a SETUP packet has come; a later one may replace it."""
        self._slave_setup = data
        await self._setup_came()

    def slave_setup_done(self) -> None:
        """Slave mode: the SETUP stage is over."""
        self._slave_out = b""
        self.udc.post("setup", self._slave_setup, self.setups)

    # -- arming ----------------------------------------------------------------------------

    @staticmethod
    def _tsiz(size: int) -> int:
        return _SETUP_COUNT | DOEPTSIZ0.PktCnt.put(1) | size

    async def arm_setup(self) -> None:
        """Let a SETUP come in, but no data (interrupts are off)."""
        if self.lists is not None:
            await self._put_slot(self.lists)
            await self._start_out(0)
        elif self.hw.dma:
            await self.hw.write(DOEPTSIZ.at(0), self._tsiz(_SETUP_SIZE * _SETUPS_IN_A_ROW))
            await self.hw.write(DOEPDMA.at(0), self._address_of_slot())
            await self._start_out(0)

    async def _prepare_out(self, again: bool = False) -> None:
        """Expect one data packet or the status stage (interrupts are off).

        The DMA address is that of `arm_setup`, and only written after a packet (`again`): a SETUP
        may have come meanwhile, and its place must not be forgotten.
        """
        if self.lists is not None:
            if again:
                await self._put_slot(self.lists)
            return
        await self.hw.write(DOEPTSIZ.at(0), self._tsiz(PACKET))
        if again and self.hw.dma:
            await self.hw.write(DOEPDMA.at(0), self._address_of_slot())

    async def _put_slot(self, lists: DescriptorList) -> None:
        """Descriptor DMA: let the next packet go into the slot, be it SETUP or data."""
        lists.put(self._slot, LAST | INTERRUPT, PACKET, self._address_of_slot())
        await self.hw.write(DOEPDMA.at(0), lists.at(self._slot))

    async def _start_out(self, command: int = CNAK) -> None:
        await self.hw.write(_CTL_OUT, DOEPCTL0.USBActEP.mask | EPENA | command)

    async def _prepare_in(self, size: int) -> None:
        """Set up `size` bytes of the active request from its actual position (interrupts off)."""
        packets = max(-(-size // PACKET), 1)
        self._chunk = size
        self._pushed = False
        if self.lists is not None:
            at = self._address + self.active.actual if size and self.active is not None else 0
            short = SHORT if size % PACKET else 0
            self.lists.put(_IN_LIST, LAST | INTERRUPT | short, size, at)
            await self.hw.write(DIEPDMA.at(0), self.lists.at(_IN_LIST))
            return
        await self.hw.write(self.r_tsiz, packets << PKT_LSB | size)
        if self.hw.dma and size and self.active is not None:
            await self.hw.write(DIEPDMA.at(0), self._address + self.active.actual)

    async def _start_in(self) -> None:
        await self.hw.write(self.r_ctl, self.ctl | EPENA | CNAK)
        if not self.hw.dma and self._chunk:
            await self.udc.tx.make_room(self, self._chunk)
            await self.fill()

    async def fill(self) -> None:
        """Slave mode: push what has been set up; the Tx FIFO has room for it."""
        request, size = self.active, self._chunk
        if size and request is not None and not self._pushed:
            self._pushed = True
            data = request.data()[request.actual : request.actual + size]
            await self.hw.bus.write_fifo(self.udc.tx.window(self), data)

    @property
    def loaded(self) -> bool:
        """True if the Tx FIFO may hold packets of the active request."""
        return self.active is not None and bool(self._chunk if self.hw.dma else self._pushed)

    async def resume(self) -> None:
        """Go on after the Tx FIFO has been emptied, with the first packet that was not sent."""
        request = self.active
        if request is None:
            return
        left = DIEPTSIZ0.PktCnt.get(await self.hw.read(self.r_tsiz))
        sent = min((max(-(-self._chunk // PACKET), 1) - left) * PACKET, self._chunk)
        request.actual += sent
        await self._send(self._chunk - sent)

    async def _send(self, size: int) -> None:
        """Send `size` bytes of the active request, unless overtaken (interrupts are off)."""
        await self._prepare_in(size)
        if not await self._overtaken():
            await self._start_in()

    async def _send_status(self) -> None:
        """Answer the status stage (interrupts are off).

        Descriptor DMA: only when the host has come to it.
        """
        self._status_due = self.hw.desc and not self._status_asked
        if not self._status_due:
            await self._send(0)

    async def _overtaken(self) -> bool:
        """Look, as late as possible, whether a new SETUP has come (interrupts are off)."""
        if self.hw.dma:
            causes = await self.hw.read(DOEPINT.at(0))
            return self._stale or bool(causes & (DOEPINT.StupPktRcvd.mask | DOEPINT.SetUp.mask))
        while await self.hw.read(GINTSTS.OFFSET) & GINTSTS.RxFLvl.mask:
            await self.udc.pop_rx()
        return self._stale

    async def stop_in(self) -> None:
        """Take back what EP0 IN still has to send (interrupts are off)."""
        await self.udc.tx.stop(self)

    async def stall(self, both: bool = False) -> None:
        """Answer with STALL until the next SETUP, which the hardware lets end it.

        Only the direction that the host will use, and in as few accesses as can be: a STALL that
        is written after the next SETUP would hit the wrong transfer.

        Args:
            both: nobody knows what the host will use: its SETUP was lost.
        """
        self.state = Ep0State.IDLE
        if self._stale:
            return
        with self.hw.lock:
            if both or (self.ctrl.wLength and not self.ctrl.is_in):
                await self.hw.write(_CTL_OUT, DOEPCTL0.USBActEP.mask | STALL)
            await self.hw.write(self.r_ctl, self.ctl | STALL | CNAK)

    # -- events (irq thread) ---------------------------------------------------------------

    async def handle(self, kind: str, data: bytes, mark: int) -> None:
        """Play one event: "setup", "in", "out" or "status"; a SETUP's `mark` is `setups` then."""
        if kind == "setup":
            self._seen = mark
            await self._setup(SetupPacket.parse(data))
        elif kind == "in":
            await self._in_done()
        elif kind == "error":
            await self._fail()
        elif kind == "status":
            self._status_asked = True
            if self._status_due:
                with self.hw.lock:
                    await self._send_status()
        else:
            await self._out_done(data)

    async def _fail(self) -> None:
        """The core could not move the data: stall, and wait for the next SETUP."""
        with self.hw.lock:
            await self.stop_in()
            await self.arm_setup()
        self.abort(-errno.EIO)
        await self.stall(both=True)

    async def _setup(self, ctrl: SetupPacket) -> None:
        if self.state is not Ep0State.IDLE or self.queue:
            with self.hw.lock:
                await self.stop_in()
            self.abort(-errno.ECONNRESET)
        self.ctrl = ctrl
        self.state = Ep0State.WAIT
        self.stall_status = self._status_asked = self._status_due = False
        try:
            if not await self.requests.handle(ctrl):
                await self._ask_driver(ctrl)
        except OSError as error:
            log.info("ep0: %s stalled: %s", bytes(ctrl).hex(" "), error.strerror)
            await self.stall()

    async def _ask_driver(self, ctrl: SetupPacket) -> None:
        driver = self.udc.driver
        if driver is None or not self.udc.callbacks:
            raise os_error(errno.EOPNOTSUPP, "no gadget driver")
        result = await driver.setup(self.gadget, ctrl)
        if result == USB_GADGET_DELAYED_STATUS:
            log.debug("ep0: status delayed")
        standard = ctrl.bmRequestType == 0 and ctrl.bRequest == Request.SET_CONFIGURATION
        if standard and not ctrl.wValue:
            usb_gadget_set_state(self.gadget, DeviceState.ADDRESS)

    @property
    def _stale(self) -> bool:
        """True if the host has started another transfer, whose SETUP will end this one."""
        return self._seen != self.setups

    async def start_next(self) -> None:
        """Program the driver's answer (interrupts are off)."""
        if self.active is not None or not self.queue or self.state is not Ep0State.WAIT:
            return
        if self._stale:
            return
        request = self.queue[0]
        self.active = request
        ctrl = self.ctrl
        if ctrl.wLength and ctrl.is_in:
            self.state = Ep0State.DATA_IN
            self._length = min(request.length, ctrl.wLength)
            whole = self._length % PACKET == 0 and self._length > 0
            self._zlp = request.zero and whole and self._length < ctrl.wLength
            if self.hw.dma and self._length:
                buffer: RequestBuffer = request.udc_private
                self._address = buffer.map(request, self.udc.pool, is_in=True, room=request.length)
            await self._prepare_out()
            await self._prepare_in(self._next_chunk(request))
            if not await self._overtaken():
                await self._start_in()
                await self._start_out()
        elif ctrl.wLength:
            self.state = Ep0State.DATA_OUT
            await self._prepare_out()
            if not await self._overtaken():
                await self._start_out()
        else:
            self.state = Ep0State.STATUS_IN
            await self._send_status()

    def _next_chunk(self, request: UsbRequest) -> int:
        left = self._length - request.actual
        # The size field holds two packets less one byte; FIFO 0 may hold one only.
        if self.lists is not None:
            return min(left, _LONGEST)
        return left if left <= min(_MAX_CHUNK, 4 * self.hw.fifo_words[0]) else PACKET

    async def _in_done(self) -> None:
        request = self.active
        if self.state is Ep0State.DATA_IN and request is not None:
            request.actual += self._chunk
            if request.actual < self._length or self._zlp:
                if request.actual >= self._length:
                    self._zlp = False
                with self.hw.lock:
                    await self._send(self._next_chunk(request))
                return
            self.state = Ep0State.STATUS_OUT
            self.finish(request, 0)
        elif self.state is Ep0State.STATUS_IN:
            self.state = Ep0State.IDLE
            if request is not None:
                self.finish(request, 0)
            await self.requests.status_over()

    async def _out_done(self, data: bytes) -> None:
        request = self.active
        if self.state is Ep0State.STATUS_OUT:
            self.state = Ep0State.IDLE
            with self.hw.lock:
                await self.arm_setup()
        elif self.state is Ep0State.DATA_IN:
            # The host has had enough and gone to the status stage.
            with self.hw.lock:
                await self.stop_in()
                await self.arm_setup()
            self.state = Ep0State.IDLE
            if request is not None:
                self.finish(request, 0)
        elif self.state is Ep0State.DATA_OUT and request is not None:
            keep = data[: max(request.length - request.actual, 0)]
            if keep:
                request.data()[request.actual : request.actual + len(keep)] = keep
            request.actual += len(keep)
            if len(data) == PACKET and request.actual < self.ctrl.wLength:
                if not self._stale:
                    # Nothing can come before the endpoint is enabled again.
                    with self.hw.lock:
                        await self._prepare_out(again=True)
                        await self._start_out()
                return
            await self._answer_data_out(request)

    async def _answer_data_out(self, request: UsbRequest) -> None:
        """Give the data to the driver, then start the status stage as it says."""
        self.state = Ep0State.STATUS_IN
        self.finish(request, 0)
        if self._stale:
            return
        with self.hw.lock:
            await self.arm_setup()
            if not self.stall_status:
                await self._send_status()
        if self.stall_status:
            self.stall_status = False
            await self.stall()

    def finish(self, request: UsbRequest, status: int) -> None:
        """Give a request back."""
        if self.active is request:
            self.active = None
        try:
            self.queue.remove(request)
        except ValueError:
            return
        buffer: RequestBuffer = request.udc_private
        buffer.queued = False
        request.status = status
        buffer.unmap(request, is_in=True)
        usb_gadget_giveback_request(self, request)

    def abort(self, status: int) -> None:
        """Give every request back; the hardware has been stopped."""
        while self.queue:
            self.finish(self.queue[0], status)
        self.active = None
        self.state = Ep0State.IDLE

    # -- memory ------------------------------------------------------------------------------

    def make_area(self) -> None:
        """DMA mode: get the memory into which SETUPs and OUT packets go."""
        if self.area is None and self.hw.dma:
            self.area = self.udc.pool.alloc(_SLOTS * PACKET)
            self.area.map(False)
            if self.hw.desc:
                self.lists = DescriptorList(self.udc.pool, _LISTS)

    def free_area(self) -> None:
        """Give that memory back; the core has been stopped."""
        if self.area is not None:
            self.area.unmap()
            self.udc.pool.free(self.area)
            self.area = None
        if self.lists is not None:
            self.lists.free()
            self.lists = None
