# SPDX-License-Identifier: Apache-2.0
"""Standard requests that the UDC driver answers itself (gadget-core.md 9)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import DCFG
from tb.kernel import os_error
from tb.usb import (
    FEATURE_DEVICE_REMOTE_WAKEUP,
    FEATURE_ENDPOINT_HALT,
    FEATURE_TEST_MODE,
    DeviceState,
    Recipient,
    Request,
    RequestType,
    SetupPacket,
    Speed,
)

from ..endpoint import UsbEp, UsbRequest
from ..gadget import usb_gadget_set_state

if TYPE_CHECKING:
    from .dwc2_ep0 import Dwc2Ep0
    from .dwc2_udc import Dwc2Udc

__all__ = ["StandardRequests"]

_TEST_MODES = range(1, 6)
"""TEST_J, TEST_K, TEST_SE0_NAK, TEST_PACKET, TEST_FORCE_ENABLE (USB 2.0 table 9-7)."""


class StandardRequests:
    """What composite never sees: addresses, status, features.

    Attributes:
        test_mode: to be entered when the status stage is over; 0 none.
    """

    def __init__(self, udc: Dwc2Udc, ep0: Dwc2Ep0) -> None:
        """Serve an ep0."""
        self.udc = udc
        self.ep0 = ep0
        self.hw = udc.hw
        self.gadget = ep0.gadget
        self.test_mode = 0

    async def handle(self, ctrl: SetupPacket) -> bool:
        """Answer a request; False leaves it to the gadget driver.

        Raises:
            OSError: the request is to be stalled.
        """
        self.test_mode = 0
        if ctrl.type != RequestType.STANDARD:
            return False
        if ctrl.bRequest == Request.SET_ADDRESS:
            await self._set_address(ctrl)
            return True
        if ctrl.bRequest == Request.GET_STATUS and ctrl.bmRequestType in (0x80, 0x81, 0x82):
            if ctrl.recipient == Recipient.DEVICE and ctrl.wIndex:
                return False
            if ctrl.recipient == Recipient.INTERFACE and self.gadget.speed >= Speed.SUPER:
                return False
            self._reply(self._status(ctrl).to_bytes(2, "little"))
            return True
        if ctrl.bRequest in (Request.SET_FEATURE, Request.CLEAR_FEATURE):
            return await self._feature(ctrl, ctrl.bRequest == Request.SET_FEATURE)
        return False

    def _reply(self, data: bytes) -> None:
        request = UsbRequest(self.ep0)
        request.buf, request.length = data, len(data)
        request.complete = self._replied
        self.ep0.ops.queue(self.ep0, request)

    def _replied(self, ep: UsbEp, request: UsbRequest) -> None:
        ep.ops.free_request(ep, request)

    async def _set_address(self, ctrl: SetupPacket) -> None:
        if ctrl.wValue > 127 or ctrl.wLength or self.gadget.state == DeviceState.CONFIGURED:
            raise os_error(errno.EINVAL, f"SET_ADDRESS {ctrl.wValue}")
        with self.hw.lock:
            config = await self.hw.read(DCFG.OFFSET)
            await self.hw.write(DCFG.OFFSET, DCFG.DevAddr.set(config, ctrl.wValue))
        state = DeviceState.ADDRESS if ctrl.wValue else DeviceState.DEFAULT
        usb_gadget_set_state(self.gadget, state)
        self._reply(b"")

    def _status(self, ctrl: SetupPacket) -> int:
        if ctrl.recipient == Recipient.DEVICE:
            return int(self.gadget.is_selfpowered) | int(self.udc.remote_wakeup) << 1
        if ctrl.recipient == Recipient.ENDPOINT and ctrl.wIndex & 0x7F:
            return int(self.udc.endpoint_by_address(ctrl.wIndex).halted)
        return 0

    async def _feature(self, ctrl: SetupPacket, on: bool) -> bool:
        kind, feature = ctrl.recipient, ctrl.wValue
        if kind == Recipient.DEVICE and feature == FEATURE_DEVICE_REMOTE_WAKEUP:
            if on and not self.udc.wakeup_configured:
                raise os_error(errno.EINVAL, "the configuration has no remote wake-up")
            self.udc.remote_wakeup = self.gadget.wakeup_armed = on
        elif kind == Recipient.DEVICE and feature == FEATURE_TEST_MODE and on:
            self._test_mode(ctrl.wIndex)
        elif kind == Recipient.ENDPOINT and feature == FEATURE_ENDPOINT_HALT:
            if ctrl.wIndex & 0x7F == 0:
                if on:
                    raise os_error(errno.EINVAL, "ep0 cannot be halted")
            else:
                await self.udc.host_halt(self.udc.endpoint_by_address(ctrl.wIndex), on)
        elif kind == Recipient.INTERFACE:
            return False
        else:
            raise os_error(errno.EINVAL, f"feature {feature} of recipient {kind} is not supported")
        self._reply(b"")
        return True

    def _test_mode(self, index: int) -> None:
        """Note the mode: the status stage is still to be answered (USB 2.0 section 9.4.9)."""
        mode = index >> 8
        if self.gadget.speed != Speed.HIGH:
            raise os_error(errno.EINVAL, "test modes are of high-speed devices only")
        if mode not in _TEST_MODES or index & 0xFF:
            raise os_error(errno.EINVAL, f"test mode 0x{index:04x}; there are 0x0100 to 0x0500")
        self.test_mode = mode

    async def status_over(self) -> None:
        """The host has acknowledged the status stage of a request without data, or with OUT."""
        mode, self.test_mode = self.test_mode, 0
        if mode:
            await self.udc.enter_test_mode(mode)
