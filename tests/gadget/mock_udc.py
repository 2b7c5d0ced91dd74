# SPDX-License-Identifier: Apache-2.0
"""A UDC without hardware: it records what the core calls and plays the host's control requests."""

from __future__ import annotations

import errno
from typing import Any

from tb.gadget import (
    EpCaps,
    UsbEp,
    UsbEpOps,
    UsbGadget,
    UsbGadgetDriver,
    UsbGadgetOps,
    UsbRequest,
    usb_ep_set_maxpacket_limit,
    usb_gadget_giveback_request,
)
from tb.kernel import os_error
from tb.usb import EndpointDescriptor, SetupPacket, Speed

__all__ = ["MockUdc"]


class _EpOps(UsbEpOps):
    def __init__(self, mock: MockUdc) -> None:
        self.mock = mock

    async def enable(self, ep: UsbEp, desc: EndpointDescriptor) -> None:
        self.mock.calls.append(f"enable {ep.name}")

    async def disable(self, ep: UsbEp) -> None:
        self.mock.calls.append(f"disable {ep.name}")
        for request in self.mock.queues.pop(ep.name, []):
            self.mock.give_back(ep, request, -errno.ESHUTDOWN)

    def queue(self, ep: UsbEp, request: UsbRequest) -> None:
        request.status = -errno.EINPROGRESS
        request.actual = 0
        self.mock.queues.setdefault(ep.name, []).append(request)

    def dequeue(self, ep: UsbEp, request: UsbRequest) -> None:
        queue = self.mock.queues.get(ep.name, [])
        if request not in queue:
            raise os_error(errno.EINVAL, "not queued")
        queue.remove(request)
        self.mock.give_back(ep, request, -errno.ECONNRESET)

    async def set_halt(self, ep: UsbEp, value: bool) -> None:
        self.mock.calls.append(f"halt {ep.name} {int(value)}")


class MockUdc(UsbGadgetOps):
    """Gadget ops that record; `control` is the host."""

    def __init__(self, name: str = "mock.0", max_speed: Speed = Speed.HIGH, eps: int = 3) -> None:
        self.calls: list[str] = []
        self.queues: dict[str, list[UsbRequest]] = {}
        self.driver: UsbGadgetDriver | None = None
        self.fail: dict[str, OSError] = {}
        self.gadget = UsbGadget(self, name, max_speed)
        ops = _EpOps(self)
        self.gadget.ep0 = UsbEp(self.gadget, "ep0", ops, EpCaps(True, dir_in=True, dir_out=True))
        usb_ep_set_maxpacket_limit(self.gadget.ep0, 64)
        for number in range(1, eps + 1):
            for direction in ("in", "out"):
                caps = EpCaps(False, True, True, True, direction == "in", direction == "out")
                ep = UsbEp(self.gadget, f"ep{number}{direction}", ops, caps)
                usb_ep_set_maxpacket_limit(ep, 1024)
                self.gadget.ep_list.append(ep)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        error = self.fail.get(name.split(maxsplit=1)[0])
        if error is not None:
            raise error

    async def get_frame(self, gadget: UsbGadget) -> int:
        return 0

    def set_selfpowered(self, gadget: UsbGadget, on: bool) -> None:
        gadget.is_selfpowered = on

    def vbus_draw(self, gadget: UsbGadget, milliamperes: int) -> None:
        self._call(f"draw {milliamperes}")

    async def pullup(self, gadget: UsbGadget, on: bool) -> None:
        self._call(f"pullup {int(on)}")

    async def udc_start(self, gadget: UsbGadget, driver: UsbGadgetDriver) -> None:
        self._call("start")
        self.driver = driver

    async def udc_stop(self, gadget: UsbGadget) -> None:
        self._call("stop")
        self.driver = None

    async def udc_set_speed(self, gadget: UsbGadget, speed: Speed) -> None:
        self._call(f"speed {int(speed)}")

    def udc_async_callbacks(self, gadget: UsbGadget, on: bool) -> None:
        self._call(f"async {int(on)}")

    def give_back(self, ep: UsbEp, request: UsbRequest, status: int) -> None:
        request.status = status
        usb_gadget_giveback_request(ep, request)

    async def control(self, setup: SetupPacket, data: bytes = b"") -> Any:
        """Play a control transfer; returns the IN data, or what setup returned for OUT.

        Raises:
            OSError: EPIPE where the host would see a STALL.
        """
        assert self.driver is not None
        assert self.gadget.ep0 is not None
        try:
            result = await self.driver.setup(self.gadget, setup)
        except OSError as error:
            raise os_error(errno.EPIPE, f"stall: {error}") from error
        queue = self.queues.get("ep0", [])
        if not queue:
            return result
        request = queue.pop(0)
        answer = b""
        if setup.is_in:
            answer = bytes(request.data()[: request.length])
            request.actual = request.length
        else:
            request.actual = min(len(data), request.length)
            if request.actual:
                request.data()[: request.actual] = data[: request.actual]
        ep0 = self.gadget.ep0
        ep0.stall_status = False
        self.give_back(ep0, request, 0)
        if ep0.stall_status:
            raise os_error(errno.EPIPE, "status stage stalled")
        return answer if setup.is_in else result
