# SPDX-License-Identifier: Apache-2.0
"""The host machine: a processor, a root port, the USB core, class drivers and /dev."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from typing import Any, TypeVar

from tb.controller import WireFace
from tb.kernel import Cpu, DevFile, DevNodes, Kernel, current, errno_name, ms, os_error

from .core import UsbBus
from .device import UsbDevice
from .driver import UsbDriver, usb_register
from .drivers import CdcAcm
from .hub import RootPort
from .lsusb import lsusb

__all__ = ["HostMachine"]

T = TypeVar("T")


class HostMachine:
    """A Linux-like host with one USB port.

    Attributes:
        kernel: the scheduler.
        cpu: its processor.
        bus: the USB core.
        port: the root port.
        devnodes: what is under /dev.
    """

    def __init__(
        self, kernel: Kernel, wire: WireFace, *, time_scale: int = 1, cpu: Cpu | None = None
    ) -> None:
        """Build the machine; `start` boots it.

        Args:
            kernel: the scheduler.
            wire: the wire face it is plugged to.
            time_scale: divisor of debounce, reset and the like.
            cpu: its processor, a new one if None.
        """
        self.kernel = kernel
        self.cpu = cpu or Cpu("host")
        self.devnodes = DevNodes()
        self.bus = UsbBus(kernel, wire, time_scale=time_scale, cpu=self.cpu, devnodes=self.devnodes)
        self.port = RootPort(self.bus)
        self._started = False

    async def start(self) -> None:
        """Boot: load the class drivers and start the hub task. Twice is harmless."""
        if self._started:
            return
        self._started = True
        await self._run(usb_register(self.bus, CdcAcm()), "boot")
        hub = self.kernel.spawn(self.port.run(), name="host hub", cpu=self.cpu)
        hub.daemon = True

    async def _run(self, coro: Coroutine[Any, Any, T], name: str) -> T:
        """Run something on this machine's processor."""
        result: T = await current().spawn(coro, name=f"host {name}", cpu=self.cpu)
        return result

    # -- cable -------------------------------------------------------------------------------

    async def plug(self) -> None:
        """Put the cable in and switch VBUS on; what the device then pulls up is its affair.

        Raises:
            OSError: ESHUTDOWN if the machine has not been started.
        """
        if not self._started:
            raise os_error(errno.ESHUTDOWN, "the host has not been started (HOST = False?)")
        self.port.power(True)

    async def unplug(self) -> None:
        """Pull the cable; returns when the device has been taken out of the system."""
        self.port.power(False)
        if self._started:
            await self.port.idle.wait_event(lambda: self.port.settled)

    async def wait_device(self, timeout_ms: float = 5000) -> UsbDevice:
        """Wait until a device has been enumerated and its drivers are bound.

        Args:
            timeout_ms: milliseconds of simulated time.

        Raises:
            TimeoutError: there is none; the message says what the last attempt failed with.
        """
        found = await self.bus.changed.wait_event_timeout(
            lambda: self.port.device is not None and self.port.settled, ms(timeout_ms)
        )
        device = self.port.device
        if not found or device is None:
            raise TimeoutError(
                f"no device within {timeout_ms:g} ms of simulated time: {self._why_none()}"
            )
        return device

    def _why_none(self) -> str:
        port = self.port
        if not port.powered:
            return "the cable is not plugged in (plug)"
        if not self.bus.wire.connected:
            return "no pull-up was seen: is a gadget bound to the UDC?"
        if port.busy:
            return "enumeration is still under way"
        if port.last_error is not None:
            name = errno_name(port.last_error.errno or 0)
            return f"unable to enumerate, last error {name}: {port.last_error}"
        return "the port has seen no connection"

    @property
    def devices(self) -> list[UsbDevice]:
        """Devices by address."""
        return [self.bus.devices[number] for number in sorted(self.bus.devices)]

    # -- user space --------------------------------------------------------------------------

    async def open(self, path: str) -> DevFile:
        """Open a device node, e.g. /dev/ttyACM0.

        Raises:
            OSError: ENOENT if there is no such node; what its driver says.
        """
        return await self._run(self.devnodes.open(path), "open")

    async def register(self, driver: UsbDriver) -> None:
        """Add a class driver; it is offered what is plugged in already.

        Raises:
            OSError: EBUSY if one of that name is there.
        """
        await self._run(usb_register(self.bus, driver), "register")

    def lsusb(self) -> str:
        """Return all devices as `lsusb -v` shows them."""
        return "\n".join(lsusb(device) for device in self.devices)
