# SPDX-License-Identifier: Apache-2.0
"""The UDC driver of DWC2 cores: gadget and endpoint operations (S004-41, S004-49, S004-50)."""

from __future__ import annotations

import errno
import logging
from collections import deque
from typing import TYPE_CHECKING

from pymodel.config import scaled
from pymodel.gen.udc_regs import (
    DAINTMSK,
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPMSK,
    DOEPCTL,
    DOEPMSK,
    DSTS,
    GAHBCFG,
    GINTMSK,
    GINTSTS,
    GOTGINT,
    GUSBCFG,
    PCGCCTL,
)
from tb.kernel import Context, DmaBuffer, DmaPool, Work, ms, os_error, sleep, us
from tb.usb import DeviceState, EndpointDescriptor, Speed, TransferType

from ..endpoint import UsbEp, UsbEpOps, UsbRequest, usb_ep_set_maxpacket_limit
from ..gadget import (
    UsbDcdConfigParams,
    UsbGadget,
    UsbGadgetDriver,
    UsbGadgetOps,
    usb_gadget_set_state,
)
from .dwc2_cmd import Command, EpCommands
from .dwc2_desc import DescriptorList
from .dwc2_ep import SETD0PID, STALL, Dwc2Ep, RequestBuffer, stop_out
from .dwc2_ep0 import Dwc2Ep0
from .dwc2_hw import Dwc2Hw
from .dwc2_irq import Dwc2Interrupts
from .dwc2_iso import IsoStreams
from .dwc2_iso_desc import IsoRing
from .dwc2_lpm import Dwc2Lpm, LxState
from .dwc2_orders import Orders
from .dwc2_shared import SharedTx
from .dwc2_tx import SNAK, DedicatedTx
from .modes import refusal

if TYPE_CHECKING:
    from ..platform import PlatformDevice

__all__ = ["Dwc2Udc"]

log = logging.getLogger(__name__)

_KICK_PRIORITY = 60
_THREAD_PRIORITY = 50
_BURST_INCR16 = 7
_TRDT_8, _TRDT_16 = 9, 5
_PACKET_LIMIT = 1024
# Resume by the device lasts 1 ms to 15 ms (USB 2.0 section 7.1.7.7).
_WAKEUP_TIME = ms(2)
_EP0_LIMIT = 64


class _EpOps(UsbEpOps):
    """Operations of every endpoint, ep0 included where it makes sense."""

    def __init__(self, udc: Dwc2Udc) -> None:
        self.udc = udc

    async def enable(self, ep: UsbEp, desc: EndpointDescriptor) -> None:
        if not isinstance(ep, Dwc2Ep):
            raise os_error(errno.EINVAL, "ep0 is always enabled")
        await self.udc.enable(ep, desc)

    async def disable(self, ep: UsbEp) -> None:
        if not isinstance(ep, Dwc2Ep):
            raise os_error(errno.EINVAL, "ep0 is never disabled")
        await self.udc.disable(ep)

    def alloc_request(self, ep: UsbEp) -> UsbRequest:
        request = UsbRequest(ep)
        request.udc_private = RequestBuffer()
        return request

    def free_request(self, ep: UsbEp, request: UsbRequest) -> None:
        state = request.udc_private
        if isinstance(state, RequestBuffer):
            if state.queued:
                raise os_error(errno.EBUSY, f"{ep.name}: the request is queued; dequeue it first")
            state.free(self.udc.gadget.dma)

    def queue(self, ep: UsbEp, request: UsbRequest) -> None:
        self.udc.queue(ep, request)

    def dequeue(self, ep: UsbEp, request: UsbRequest) -> None:
        self.udc.dequeue(ep, request)

    async def set_halt(self, ep: UsbEp, value: bool) -> None:
        await self.udc.set_halt(ep, value)

    async def set_wedge(self, ep: UsbEp) -> None:
        await self.udc.set_halt(ep, True)
        if isinstance(ep, Dwc2Ep):
            ep.wedged = True


class Dwc2Udc(UsbGadgetOps):
    """One DWC2 core as a UDC.

    Attributes:
        gadget: the gadget that is registered.
        driver: the gadget driver between udc_start and udc_stop.
        callbacks: the gadget driver may be called.
        eps_in, eps_out: endpoints by number.
        lpm: link power management, with the state of the link (`lpm.lx_state`).
        wakeup_configured: the configuration has remote wake-up.
        remote_wakeup: the host allows it.
    """

    def __init__(self, device: PlatformDevice, hw: Dwc2Hw, time_scale: int = 1) -> None:
        """Make the gadget with its endpoints (S004-31 to S004-36)."""
        assert device.dma is not None
        self.device = device
        self.hw = hw
        self.pool: DmaPool = device.dma
        self.driver: UsbGadgetDriver | None = None
        self.callbacks = False
        self.remote_wakeup = False
        self.wakeup_configured = False
        self._wakeup_time = scaled(_WAKEUP_TIME, time_scale, us(30))
        self.running = False
        self.gadget = UsbGadget(self, device.name, Speed.HIGH)
        self.gadget.wakeup_capable = True
        self.gadget.dma = self.pool if hw.dma else None
        ops = _EpOps(self)
        self.ep0 = Dwc2Ep0(self, self.gadget, ops)
        usb_ep_set_maxpacket_limit(self.ep0, _EP0_LIMIT)
        self.gadget.ep0 = self.ep0
        self.eps_in: dict[int, Dwc2Ep] = {}
        self.eps_out: dict[int, Dwc2Ep] = {}
        for number in range(1, hw.endpoints):
            for is_in, eps in ((True, self.eps_in), (False, self.eps_out)):
                if hw.has_in(number) if is_in else hw.has_out(number):
                    ep = Dwc2Ep(self, self.gadget, number, is_in, ops)
                    usb_ep_set_maxpacket_limit(ep, _PACKET_LIMIT)
                    eps[number] = ep
                    self.gadget.ep_list.append(ep)
        self.events: deque[tuple[str, bytes, int]] = deque()
        self.daint_mask = 0
        self._kicked: dict[UsbEp, None] = {}
        self._dequeued: list[tuple[Dwc2Ep | Dwc2Ep0, UsbRequest]] = []
        self.in_handler = False
        self._kick = Work(
            self._run_kicks,
            name=f"{device.name} queue",
            cpu=hw.bus.cpu,
            context=Context.IRQ_THREAD,
            priority=_KICK_PRIORITY,
        )
        self.lpm = Dwc2Lpm(self)
        self.gadget.lpm_capable = self.lpm.params.lpm
        self.irq = Dwc2Interrupts(self)
        self.iso = IsoStreams(self)
        self.commands = EpCommands(self)
        self.tx = SharedTx(self) if hw.shared else DedicatedTx(self)
        self._late = Work(
            self.irq.thread,
            name=f"{device.name} events",
            cpu=hw.bus.cpu,
            context=Context.IRQ_THREAD,
            priority=_THREAD_PRIORITY,
        )

    @property
    def endpoints(self) -> list[Dwc2Ep]:
        """All endpoints but ep0."""
        return [*self.eps_in.values(), *self.eps_out.values()]

    def endpoint_by_address(self, address: int) -> Dwc2Ep:
        """Return the enabled endpoint of an address.

        Raises:
            OSError: EINVAL if there is none.
        """
        ep = (self.eps_in if address & 0x80 else self.eps_out).get(address & 0xF)
        if ep is None or not ep.open:
            raise os_error(errno.EINVAL, f"no endpoint 0x{address & 0xFF:02x} is enabled")
        return ep

    def post(self, kind: str, data: bytes = b"", mark: int = 0) -> None:
        """Hand an event to the irq thread."""
        self.events.append((kind, data, mark))
        if not self.in_handler:
            # Found while interrupts were off: nothing else would wake the thread.
            self._late.schedule()

    # -- gadget operations -----------------------------------------------------------------

    async def get_frame(self, gadget: UsbGadget) -> int:
        """Return DSTS.SOFFN: the microframe number at high speed, the frame number at full."""
        return DSTS.SOFFN.get(await self.hw.read(DSTS.OFFSET))

    def set_remote_wakeup(self, gadget: UsbGadget, on: bool) -> None:
        """Note whether the configuration lets the host allow remote wake-up."""
        self.wakeup_configured = on

    async def wakeup(self, gadget: UsbGadget) -> None:
        """Drive resume signalling for a while; a hub takes it over (USB 2.0 section 7.1.7.7).

        In L1 the LPM token tells whether the host allows it, and this returns in L0.

        Raises:
            OSError: EINVAL if the host has not allowed it, EIO if the bus is not suspended;
                in L1 as `Dwc2Lpm.wakeup_from_lpm_l1`.
        """
        if self.lpm.lx_state == LxState.L1:
            await self.lpm.wakeup_from_lpm_l1()
            return
        if not self.remote_wakeup:
            raise os_error(errno.EINVAL, f"{gadget.name}: the host has not allowed remote wake-up")
        if gadget.state != DeviceState.SUSPENDED:
            raise os_error(errno.EIO, f"{gadget.name}: the bus is not suspended")
        await self._drive_resume(True)
        await sleep(self._wakeup_time)
        await self._drive_resume(False)

    async def _drive_resume(self, on: bool) -> None:
        with self.hw.lock:
            control = await self.hw.read(DCTL.OFFSET)
            await self.hw.write(DCTL.OFFSET, DCTL.RmtWkUpSig.set(control, int(on)))

    def set_selfpowered(self, gadget: UsbGadget, on: bool) -> None:
        """Note it for GET_STATUS."""
        gadget.is_selfpowered = on

    async def vbus_session(self, gadget: UsbGadget, on: bool) -> None:
        """VBUS came or went."""
        if not on:
            await self.disconnect_all()

    def get_config_params(self, gadget: UsbGadget) -> UsbDcdConfigParams:
        """Return the BESL that the device tree recommends, if any."""
        return self.lpm.config_params()

    def vbus_draw(self, gadget: UsbGadget, milliamperes: int) -> None:
        """Nothing to switch here."""

    def udc_async_callbacks(self, gadget: UsbGadget, on: bool) -> None:
        """Open or close the gate for callbacks."""
        self.callbacks = on

    async def udc_start(self, gadget: UsbGadget, driver: UsbGadgetDriver) -> None:
        """Initialize the core, still disconnected, and let it interrupt."""
        self.driver = driver
        gadget.speed = Speed.UNKNOWN
        self.ep0.make_area()
        with self.hw.lock:
            await self._init_core()
        self.running = True

    async def udc_stop(self, gadget: UsbGadget) -> None:
        """Silence the core; no request survives."""
        with self.hw.lock:
            await self.hw.write(GAHBCFG.OFFSET, 0)
            await self.hw.write(GINTMSK.OFFSET, 0)
            await self.hw.write(DCTL.OFFSET, await self.hw.read(DCTL.OFFSET) | DCTL.SftDiscon.mask)
        self.running = False
        self.lpm.lx_state = LxState.L0
        self.events.clear()
        for ep in self.endpoints:
            ep.open = False
        await self.abort_all(-errno.ESHUTDOWN)
        with self.hw.lock:
            await self.hw.soft_reset()
        self.ep0.free_area()
        for ep in self.endpoints:
            if ep.chain is not None:
                ep.chain.free()
                ep.chain = None
        self.driver = None
        gadget.speed = Speed.UNKNOWN

    async def pullup(self, gadget: UsbGadget, on: bool) -> None:
        """Show the pull-up, or take it away and end all transfers."""
        with self.hw.lock:
            control = await self.hw.read(DCTL.OFFSET)
            if on:
                await self.ep0.arm_setup()
                await self.hw.write(DCTL.OFFSET, control & ~DCTL.SftDiscon.mask)
            else:
                await self.hw.write(DCTL.OFFSET, control | DCTL.SftDiscon.mask)
        if not on:
            self.events.clear()
            await self.abort_all(-errno.ESHUTDOWN)
            gadget.speed = Speed.UNKNOWN
            await self.lpm.set_state(LxState.L0)

    async def _init_core(self) -> None:
        """Bring the core from reset to ready (dwc2-registers.md 17, Linux's column)."""
        hw, write = self.hw, self.hw.write
        await hw.soft_reset()
        config = await hw.read(GUSBCFG.OFFSET)
        config &= ~(GUSBCFG.SRPCap.mask | GUSBCFG.HNPCap.mask | GUSBCFG.ForceHstMode.mask)
        config |= GUSBCFG.ForceDevMode.mask | GUSBCFG.TOutCal.put(7)
        config = GUSBCFG.PHYIf16.set(config, int(hw.wide))
        await write(GUSBCFG.OFFSET, GUSBCFG.USBTrdTim.set(config, _TRDT_16 if hw.wide else _TRDT_8))
        await hw.poll(GINTSTS.OFFSET, GINTSTS.CurMod.mask, 0, "device mode")
        await hw.init_fifos()
        await write(DCTL.OFFSET, await hw.read(DCTL.OFFSET) | DCTL.SftDiscon.mask)
        config = self.tx.dcfg | DCFG.DescDMA.put(int(hw.desc))
        await write(DCFG.OFFSET, config | DCFG.DevSpd.put(self._dev_speed()))
        await write(PCGCCTL.OFFSET, 0)
        await write(GOTGINT.OFFSET, 0xFFFFFFFF)
        await write(GINTSTS.OFFSET, 0xFFFFFFFF)
        await write(DIEPMSK.OFFSET, self.irq.in_mask)
        await write(DOEPMSK.OFFSET, self.irq.out_mask)
        self.daint_mask = 0x00010001
        await write(DAINTMSK.OFFSET, self.daint_mask)
        await self.tx.reset()
        await write(DIEPCTL.at(0), self.ep0.ctl)
        await write(DOEPCTL.at(0), DOEPCTL.USBActEP.mask)
        await write(GINTMSK.OFFSET, self.irq.mask)
        enable = GAHBCFG.GlblIntrMsk.mask | self.tx.gahbcfg
        if hw.dma:
            enable |= GAHBCFG.DMAEn.mask | GAHBCFG.HBstLen.put(_BURST_INCR16)
        await write(GAHBCFG.OFFSET, enable)
        await self.commands.start()
        await self.lpm.init_lpm()
        control = await hw.read(DCTL.OFFSET)
        await write(DCTL.OFFSET, control | DCTL.CGOUTNak.mask | DCTL.CGNPInNak.mask)

    def _dev_speed(self) -> int:
        """Return DCFG.DevSpd: 0 high speed, 1 full speed on the high-speed PHY."""
        wanted = self.driver.max_speed if self.driver is not None else Speed.HIGH
        return 0 if wanted == Speed.UNKNOWN or wanted >= Speed.HIGH else 1

    # -- endpoint operations ---------------------------------------------------------------

    async def enable(self, ep: Dwc2Ep, desc: EndpointDescriptor) -> None:
        """Start an endpoint; an IN endpoint gets the smallest Tx FIFO that is large enough.

        Raises:
            OSError: EINVAL for a control or a wrong descriptor, ENOMEM without a FIFO.
        """
        kind = desc.transfer_type
        if kind == TransferType.CONTROL:
            raise os_error(errno.EINVAL, f"{ep.name}: {kind.name.lower()} is not supported")
        if desc.number != ep.number or desc.is_in != ep.dir_in:
            raise os_error(
                errno.EINVAL, f"{ep.name}: descriptor is for 0x{desc.bEndpointAddress:02x}"
            )
        if not self.running:
            raise os_error(errno.ESHUTDOWN, f"{ep.name}: the controller is not started")
        reason = refusal(self.hw.mode, self.hw.fifo, None, kind)
        if reason:
            raise os_error(errno.EINVAL, f"{ep.name}: {reason}")
        ep.maxpacket = desc.maxp
        control = DIEPCTL.USBActEP.mask | DIEPCTL.MPS.put(desc.maxp) | DIEPCTL.EPType.put(kind)
        if ep.dir_in:
            ep.fifo = self.tx.choose(ep, desc)
            control |= DIEPCTL.TxFNum.put(ep.fifo)
        if self.hw.desc and kind == TransferType.ISOCHRONOUS:
            IsoRing.check(ep, desc)
        if self.hw.desc and ep.chain is None:
            ep.chain = DescriptorList(self.pool)
        ep.ctl = control
        ep.halted = ep.wedged = False
        by_command = self.commands.transfers and kind != TransferType.ISOCHRONOUS
        ep.orders = Orders(ep) if by_command else None
        with self.hw.lock:
            await self.hw.write(ep.r_int, 0xFFFFFFFF)
            await self.hw.write(ep.r_ctl, control | SNAK | SETD0PID)
            self.daint_mask |= self._daint_bit(ep)
            await self.hw.write(DAINTMSK.OFFSET, self.daint_mask)
            if kind == TransferType.ISOCHRONOUS:
                await self.iso.add(ep, desc)
            ep.open = True
            await self.tx.link()

    @staticmethod
    def _daint_bit(ep: Dwc2Ep) -> int:
        return 1 << ep.number << (0 if ep.dir_in else 16)

    async def disable(self, ep: Dwc2Ep) -> None:
        """Stop an endpoint; all requests have been given back when this returns."""
        ep.open = False
        if ep.orders is not None:
            await ep.orders.quiet()
            await ep.orders.stop()
        with self.hw.lock:
            if ep.orders is None:
                await ep.stop()
            self.daint_mask &= ~self._daint_bit(ep)
            await self.hw.write(DAINTMSK.OFFSET, self.daint_mask)
            await self.hw.write(ep.r_ctl, SNAK)
            await self.iso.remove(ep)
            await self.tx.link()
        ep.halted = ep.wedged = False
        ep.finish_all(-errno.ESHUTDOWN)

    def queue(self, ep: UsbEp, request: UsbRequest) -> None:
        """Queue a request; a worker with interrupt priority programs it.

        Raises:
            OSError: ESHUTDOWN, EBUSY if it is queued already, EINVAL if the buffer is too small.
        """
        if (isinstance(ep, Dwc2Ep) and not ep.open) or not self.running:
            raise os_error(errno.ESHUTDOWN, f"{ep.name} is shut down")
        state = request.udc_private
        if state is None:
            state = request.udc_private = RequestBuffer()
        if state.queued:
            raise os_error(errno.EBUSY, f"{ep.name}: the request is queued already")
        buf = request.buf
        size = buf.size if isinstance(buf, DmaBuffer) else len(buf) if buf is not None else 0
        if size < request.length:
            raise os_error(
                errno.EINVAL, f"{ep.name}: length {request.length}, but the buffer has {size} bytes"
            )
        if isinstance(ep, Dwc2Ep) and ep.iso is not None:
            ep.iso.check(request)
        state.queued = True
        request.status = -errno.EINPROGRESS
        request.actual = 0
        assert isinstance(ep, (Dwc2Ep, Dwc2Ep0))
        ep.queue.append(request)
        if ep.active is None or (isinstance(ep, Dwc2Ep) and ep.ring is not None):
            self.kick(ep)
        if isinstance(ep, Dwc2Ep) and ep.dir_in and ep.iso is None:
            self.lpm.queued()

    def kick(self, ep: UsbEp) -> None:
        """See to an endpoint soon."""
        self._kicked[ep] = None
        if not self.in_handler:
            self._kick.schedule()

    async def run_kicks(self) -> None:
        """Program what has been queued (interrupts are off)."""
        while self._kicked:
            ep = next(iter(self._kicked))
            del self._kicked[ep]
            assert isinstance(ep, (Dwc2Ep, Dwc2Ep0))
            await ep.start_next()

    async def _run_kicks(self) -> None:
        with self.hw.lock:
            while self._dequeued:
                await self._take_back(*self._dequeued.pop(0))
            await self.run_kicks()

    def dequeue(self, ep: UsbEp, request: UsbRequest) -> None:
        """Take a request back; an active one completes after the hardware has been stopped.

        Raises:
            OSError: EINVAL if it is not queued on this endpoint.
        """
        assert isinstance(ep, (Dwc2Ep, Dwc2Ep0))
        if request not in ep.queue:
            raise os_error(errno.EINVAL, f"{ep.name}: the request is not queued here")
        ring = ep.ring if isinstance(ep, Dwc2Ep) else None
        if ep.active is not request and not (ring is not None and ring.holds(request)):
            ep.finish(request, -errno.ECONNRESET)
            return
        if isinstance(ep, Dwc2Ep) and ep.orders is not None:
            ep.orders.take_back(request)
            return
        self._dequeued.append((ep, request))
        self._kick.schedule()

    async def _take_back(self, ep: Dwc2Ep | Dwc2Ep0, request: UsbRequest) -> None:
        if isinstance(ep, Dwc2Ep) and ep.ring is not None:
            await self._take_out_of_ring(ep, ep.ring, request)
            return
        if ep.active is not request:
            return
        if isinstance(ep, Dwc2Ep0):
            await ep.stop_in()
            ep.finish(request, -errno.ECONNRESET)
            return
        # A longer request goes on with its next part, which is to be stopped too.
        while ep.active is request and await ep.stop():
            await ep.transfer_done()
        if ep.active is request:
            ep.finish(request, -errno.ECONNRESET)
        self._kicked[ep] = None

    async def _take_out_of_ring(self, ep: Dwc2Ep, ring: IsoRing, request: UsbRequest) -> None:
        """Stop an isochronous endpoint for a request that is given back; the others go on."""
        await ring.done()
        if request in ep.queue:
            await ep.stop()
            ep.finish(request, -errno.ECONNRESET)
        self._kicked[ep] = None

    async def set_halt(self, ep: UsbEp, value: bool) -> None:
        """Halt or un-halt; on ep0 a protocol stall.

        Raises:
            OSError: EAGAIN for an IN endpoint with queued requests, EINVAL if not enabled.
        """
        if not isinstance(ep, Dwc2Ep):
            if value:
                await self.ep0.stall()
            return
        if not ep.open:
            raise os_error(errno.EINVAL, f"{ep.name} is not enabled")
        if ep.iso is not None:
            raise os_error(errno.EINVAL, f"{ep.name} is isochronous and cannot be halted")
        if value and ep.dir_in and ep.queue:
            raise os_error(errno.EAGAIN, f"{ep.name} has requests queued")
        ep.wedged = False
        await self._halt(ep, value)

    async def host_halt(self, ep: Dwc2Ep, value: bool) -> None:
        """SET_FEATURE or CLEAR_FEATURE (ENDPOINT_HALT); a wedge only loses its toggle."""
        if not value and ep.wedged:
            with self.hw.lock:
                await self.hw.write(ep.r_ctl, ep.ctl | SETD0PID)
            return
        await self._halt(ep, value)

    async def _halt(self, ep: Dwc2Ep, value: bool) -> None:
        ep.halted = value
        ep.ctl = ep.ctl | STALL if value else ep.ctl & ~STALL
        if self.commands.present:
            command = Command.SET_STALL if value else Command.CLEAR_STALL
            await self.commands.send_ep_cmd(ep.number, ep.dir_in, command)
            return
        with self.hw.lock:
            # A transfer in progress stays; STALL comes before NAK and data.
            await self.hw.write(ep.r_ctl, ep.ctl | (0 if value else SETD0PID))

    async def enter_test_mode(self, mode: int) -> None:
        """Let the core show a test mode; only power-off ends it (USB 2.0 section 7.1.20)."""
        log.info("%s: test mode %d", self.hw.name, mode)
        with self.hw.lock:
            control = await self.hw.read(DCTL.OFFSET)
            await self.hw.write(DCTL.OFFSET, DCTL.TstCtl.set(control, mode))

    async def pop_rx(self) -> None:
        """Slave mode: take one word out of the Rx FIFO."""
        await self.irq.pop_rx()

    # -- shutting down ---------------------------------------------------------------------

    async def abort_all(self, status: int) -> None:
        """Stop every transfer, then give every request back."""
        by_command = [ep.orders for ep in self.endpoints if ep.orders is not None]
        for orders in by_command:
            await orders.quiet()
        with self.hw.lock:
            await self.tx.stop_all()
            await stop_out(self, [ep for ep in self.eps_out.values() if ep.active is not None])
            await self.hw.flush(rx=True)
            for ep in self.endpoints:
                if ep.ring is not None:
                    ep.ring.forget()
        self.ep0.abort(status)
        for ep in self.endpoints:
            ep.finish_all(status)
        for orders in by_command:
            orders.go_on()

    async def disconnect_all(self) -> None:
        """The session is over: end everything and tell the gadget driver."""
        if self.gadget.state == DeviceState.NOTATTACHED or self.gadget.speed == Speed.UNKNOWN:
            return
        await self.abort_all(-errno.ESHUTDOWN)
        with self.hw.lock:
            await self.ep0.arm_setup()
        self.gadget.speed = Speed.UNKNOWN
        await self.lpm.set_state(LxState.L0)
        if self.driver is not None and self.callbacks:
            await self.driver.disconnect(self.gadget)
        usb_gadget_set_state(self.gadget, DeviceState.NOTATTACHED)
