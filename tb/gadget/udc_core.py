# SPDX-License-Identifier: Apache-2.0
"""The UDC core: which controllers there are, which drivers wait, and who is bound to whom.

Both lists of requirements S004-15 to S004-30 are here: `udc_list` and `pending`. Where kernels
differ the rule is that of Linux 6.1 (erratum S004-E03): a driver with `match_existing_only` that
finds no free UDC gets EBUSY, and the error of its bind is only logged.
"""

from __future__ import annotations

import errno
import logging
from typing import Any
from weakref import WeakKeyDictionary

from tb.kernel import EPROBE_DEFER, Kernel, Mutex, Work, current, os_error
from tb.usb import DeviceState

from .endpoint import has_op
from .gadget import (
    STATE_TEXT,
    UsbGadget,
    UsbGadgetDriver,
    usb_gadget_connect,
    usb_gadget_disconnect,
    usb_gadget_set_state,
    usb_gadget_udc_set_speed,
    usb_gadget_wakeup,
)
from .vfs import Directory, FunctionFile, Node, Symlink

__all__ = [
    "UdcCore",
    "UsbUdc",
    "core_of_machine",
    "usb_add_gadget_udc",
    "usb_del_gadget_udc",
    "usb_gadget_probe_driver",
    "usb_gadget_register_driver",
    "usb_gadget_unregister_driver",
    "usb_udc_vbus_handler",
]

log = logging.getLogger(__name__)

_cores: WeakKeyDictionary[Kernel, UdcCore] = WeakKeyDictionary()


class UsbUdc:
    """A registered controller (Linux: struct usb_udc).

    Attributes:
        name: as in /sys/class/udc, the name of the parent device (S004-07).
        vbus: whether to connect when a driver binds (S004-30).
        started: `udc_start` has run.
        allow_connect: connecting is allowed (between bind and unbind).
    """

    def __init__(self, core: UdcCore, name: str, gadget: UsbGadget) -> None:
        """Link controller and gadget both ways (S004-08)."""
        self.core = core
        self.name = name
        self.gadget = gadget
        self.driver: UsbGadgetDriver | None = None
        self.vbus = False
        self.started = False
        self.allow_connect = False
        self.connect_lock = Mutex(f"{name} connect_lock")
        self.vbus_work = Work(self._vbus_work, name=f"{name} vbus")
        gadget.udc = self

    async def _vbus_work(self) -> None:
        async with self.connect_lock:
            await self.connect_control()

    async def connect_control(self) -> None:
        """Connect if there is VBUS, else disconnect (S004-30)."""
        if self.vbus:
            await usb_gadget_connect(self.gadget)
        else:
            await usb_gadget_disconnect(self.gadget)

    async def start(self, driver: UsbGadgetDriver) -> None:
        """Start the controller.

        Raises:
            OSError: EBUSY if it is started already; else the driver's.
        """
        if self.started:
            raise os_error(errno.EBUSY, f"{self.name} is started already")
        await self.gadget.ops.udc_start(self.gadget, driver)
        self.started = True

    async def stop(self) -> None:
        """Stop the controller; its state becomes NOTATTACHED."""
        if not self.started:
            log.error("%s is stopped already", self.name)
            return
        await self.gadget.ops.udc_stop(self.gadget)
        usb_gadget_set_state(self.gadget, DeviceState.NOTATTACHED)
        self.started = False

    def async_callbacks(self, on: bool) -> None:
        """Allow or forbid callbacks from the controller driver, if it wants to know."""
        if has_op(self.gadget.ops, "udc_async_callbacks"):
            self.gadget.ops.udc_async_callbacks(self.gadget, on)


class UdcCore:
    """The UDC core of one device machine.

    Attributes:
        udc_list: registered controllers, in order.
        pending: drivers that wait for a controller.
        uevents: what user space was told, as (action, variables).
        class_udc: the directory /sys/class/udc.
        storage: per-machine state of function drivers, by name.
    """

    def __init__(self, kernel: Kernel | None = None) -> None:
        """Become the core of the kernel's device machine (the running kernel if None)."""
        self.udc_list: list[UsbUdc] = []
        self.pending: list[UsbGadgetDriver] = []
        self.uevents: list[tuple[str, dict[str, str]]] = []
        self.class_udc = Directory()
        self.storage: dict[str, Any] = {}
        self._ids: set[int] = set()
        self._lock = Mutex("udc_lock")
        _cores[kernel or current()] = self

    # -- controllers -----------------------------------------------------------------------

    async def add_gadget(self, parent_name: str, gadget: UsbGadget) -> UsbUdc:
        """Register a controller (S004-05 to S004-13); a waiting driver may be bound.

        Raises:
            OSError: EEXIST if the name is taken; nothing stays registered on failure.
        """
        if any(udc.name == parent_name for udc in self.udc_list):
            raise os_error(errno.EEXIST, f"there is a UDC called {parent_name!r} already")
        udc = UsbUdc(self, parent_name, gadget)
        gadget.teardown = False
        self.udc_list.append(udc)
        number = next(n for n in range(len(self._ids) + 1) if n not in self._ids)
        try:
            self.class_udc.children[udc.name] = _sysfs(udc)
            usb_gadget_set_state(gadget, DeviceState.NOTATTACHED)
            udc.vbus = True
            self._ids.add(number)
            gadget.device_name = f"gadget.{number}"
            self.uevent("add", udc)
            await self._try_pending(udc)
        except BaseException:
            self.class_udc.children.pop(udc.name, None)
            self._ids.discard(number)
            self.udc_list.remove(udc)
            gadget.udc = None
            raise
        return udc

    async def _try_pending(self, udc: UsbUdc) -> None:
        for driver in list(self.pending):
            if driver.udc_name is None or driver.udc_name == udc.name:
                error = await self._probe(udc, driver)
                if error is None or error.errno != EPROBE_DEFER:
                    self.pending.remove(driver)
                return

    async def del_gadget(self, gadget: UsbGadget) -> None:
        """Remove a controller; its driver is unbound first.

        Raises:
            OSError: ENODEV if it is not registered.
        """
        udc = gadget.udc
        if udc is None or udc not in self.udc_list:
            raise os_error(errno.ENODEV, f"{gadget.name} is not registered")
        self.udc_list.remove(udc)
        self.uevent("remove", udc)
        if udc.driver is not None:
            await self._unbind(udc)
        gadget.teardown = True
        self._ids.discard(int(gadget.device_name.rpartition(".")[2] or 0))
        udc.vbus_work.cancel()
        self.class_udc.children.pop(udc.name, None)
        gadget.udc = None

    def find(self, name: str) -> UsbUdc | None:
        """Return the controller of that name."""
        return next((udc for udc in self.udc_list if udc.name == name), None)

    # -- drivers ---------------------------------------------------------------------------

    async def register_driver(self, driver: UsbGadgetDriver) -> None:
        """Bind a driver to a free controller, or let it wait (S004-19 to S004-23).

        Raises:
            OSError: EINVAL for a driver without bind or setup; EBUSY if it insists on an existing
                controller (`match_existing_only`) and none is free, or its bind failed.
        """
        if not has_op(driver, "bind") or not has_op(driver, "setup"):
            raise os_error(errno.EINVAL, "a gadget driver needs bind and setup")
        driver.bind_error = None
        found = self._match(driver)
        if found is not None:
            await self._probe(found, driver)
        if driver.is_bound:
            return
        if driver.match_existing_only:
            raise os_error(errno.EBUSY, self._why_not(driver, found))
        if driver not in self.pending:
            self.pending.append(driver)
        log.info("%s: waits for a UDC", driver.function)

    def _match(self, driver: UsbGadgetDriver) -> UsbUdc | None:
        for udc in self.udc_list:
            if driver.udc_name is not None and driver.udc_name != udc.name:
                continue
            if udc.driver is None:
                return udc
        return None

    def _why_not(self, driver: UsbGadgetDriver, found: UsbUdc | None) -> str:
        names = ", ".join(udc.name for udc in self.udc_list) or "none"
        if found is not None:
            return f"UDC {found.name}: binding {driver.function} failed: {driver.bind_error}"
        if driver.udc_name is None:
            return f"{driver.function}: no UDC is free (there are: {names})"
        if self.find(driver.udc_name) is not None:
            return f"UDC {driver.udc_name} has a driver already"
        return (
            f"there is no UDC {driver.udc_name!r} (there are: {names}); "
            "the bare name is wanted, not a path"
        )

    async def unregister_driver(self, driver: UsbGadgetDriver) -> None:
        """Unbind a driver, or let it wait no longer.

        Raises:
            OSError: EINVAL for a driver without unbind, ENODEV if it is not registered.
        """
        if not has_op(driver, "unbind"):
            raise os_error(errno.EINVAL, "a gadget driver needs unbind")
        if driver in self.pending:
            self.pending.remove(driver)
            return
        for udc in self.udc_list:
            if udc.driver is driver:
                await self._unbind(udc)
                return
        raise os_error(errno.ENODEV, f"gadget driver {driver.function!r} is not registered")

    async def _probe(self, udc: UsbUdc, driver: UsbGadgetDriver) -> OSError | None:
        try:
            await self._bind(udc, driver)
        except OSError as error:
            log.warning("%s: binding %s failed: %s", udc.name, driver.function, error.strerror)
            driver.bind_error = error
            return error
        return None

    async def _bind(self, udc: UsbUdc, driver: UsbGadgetDriver) -> None:
        """Bind in the order of gadget-core.md 4.3 (S004-24 to S004-29)."""
        async with self._lock:
            if driver.is_bound:
                raise os_error(errno.ENXIO, f"{driver.function} is bound already")
            driver.is_bound = True
            udc.driver = driver
        gadget = udc.gadget
        bound = False
        try:
            await usb_gadget_udc_set_speed(gadget, driver.max_speed)
            await driver.bind(gadget)
            bound = True
            await udc.start(driver)
        except BaseException:
            if bound:
                await driver.unbind(gadget)
            udc.driver = None
            driver.is_bound = False
            raise
        udc.async_callbacks(True)
        async with udc.connect_lock:
            udc.allow_connect = True
            await udc.connect_control()
        self.uevent("change", udc)

    async def _unbind(self, udc: UsbUdc) -> None:
        """Unbind in the order of gadget-core.md 4.3."""
        driver, gadget = udc.driver, udc.gadget
        assert driver is not None
        self.uevent("change", udc)
        udc.allow_connect = False
        udc.vbus_work.cancel()
        async with udc.connect_lock:
            await usb_gadget_disconnect(gadget)
            udc.async_callbacks(False)
            await driver.unbind(gadget)
            if udc.started:
                await udc.stop()
        driver.is_bound = False
        udc.driver = None

    # -- user space ------------------------------------------------------------------------

    def uevent(self, action: str, udc: UsbUdc) -> None:
        """Record a uevent (gadget-core.md 4.4)."""
        variables = {"USB_UDC_NAME": udc.gadget.name}
        if udc.driver is not None:
            variables["USB_UDC_DRIVER"] = udc.driver.function
        self.uevents.append((action, variables))

    async def soft_connect(self, udc: UsbUdc, text: str) -> None:
        """Handle a write to the sysfs file soft_connect (gadget-core.md 4.4).

        Raises:
            OSError: EOPNOTSUPP without a driver, EINVAL for another text.
        """
        if udc.driver is None:
            raise os_error(errno.EOPNOTSUPP, f"{udc.name} has no driver to connect")
        word = text.rstrip("\n")
        async with udc.connect_lock:
            if word == "connect":
                await udc.start(udc.driver)
                udc.allow_connect = True
                await usb_gadget_connect(udc.gadget)
            elif word == "disconnect":
                await usb_gadget_disconnect(udc.gadget)
                await udc.stop()
            else:
                raise os_error(errno.EINVAL, f"{word!r}: write 'connect' or 'disconnect'")


def _sysfs(udc: UsbUdc) -> Directory:
    """Return the directory /sys/class/udc/<name> (gadget-core.md 4.4)."""
    gadget = udc.gadget

    async def srp(text: str) -> None:
        if text.strip() == "1":
            try:
                await usb_gadget_wakeup(gadget)
            except OSError as error:
                log.info("%s: srp: %s", udc.name, error.strerror)

    async def soft_connect(text: str) -> None:
        await udc.core.soft_connect(udc, text)

    def flag(name: str) -> FunctionFile:
        return FunctionFile(lambda: f"{int(getattr(gadget, name))}\n")

    files: dict[str, Node] = {
        "srp": FunctionFile(None, srp),
        "soft_connect": FunctionFile(None, soft_connect),
        "state": FunctionFile(lambda: STATE_TEXT[gadget.state] + "\n"),
        "function": FunctionFile(lambda: f"{udc.driver.function}\n" if udc.driver else ""),
        "current_speed": FunctionFile(lambda: gadget.speed.text + "\n"),
        "maximum_speed": FunctionFile(lambda: gadget.max_speed.text + "\n"),
    }
    for name in (
        "is_otg",
        "is_a_peripheral",
        "b_hnp_enable",
        "a_hnp_support",
        "a_alt_hnp_support",
        "is_selfpowered",
    ):
        files[name] = flag(name)
    device = Directory({"suspended": FunctionFile(lambda: f"{int(_suspended(gadget))}\n")})
    files["gadget"] = Symlink("../gadget", device)
    return Directory(files)


def _suspended(gadget: UsbGadget) -> bool:
    return bool(getattr(gadget.driver_data, "suspended", False))


def core_of_machine() -> UdcCore:
    """Return the UDC core of the running kernel's device machine.

    Raises:
        OSError: ENODEV if no device machine has been made.
    """
    core = _cores.get(current())
    if core is None:
        raise os_error(errno.ENODEV, "this kernel has no device machine: make a UdcCore first")
    return core


async def usb_add_gadget_udc(parent_name: str, gadget: UsbGadget) -> UsbUdc:
    """Register a controller under its parent device's name (S004-05)."""
    return await core_of_machine().add_gadget(parent_name, gadget)


async def usb_del_gadget_udc(gadget: UsbGadget) -> None:
    """Remove a controller."""
    core = gadget.udc.core if gadget.udc is not None else core_of_machine()
    await core.del_gadget(gadget)


async def usb_gadget_register_driver(driver: UsbGadgetDriver) -> None:
    """Register a gadget driver; see `UdcCore.register_driver` for the errors."""
    if driver is None:
        raise os_error(errno.EINVAL, "no gadget driver given")
    await core_of_machine().register_driver(driver)


usb_gadget_probe_driver = usb_gadget_register_driver
"""The older name of `usb_gadget_register_driver`."""


async def usb_gadget_unregister_driver(driver: UsbGadgetDriver) -> None:
    """Unregister a gadget driver; see `UdcCore.unregister_driver` for the errors."""
    if driver is None:
        raise os_error(errno.EINVAL, "no gadget driver given")
    await core_of_machine().unregister_driver(driver)


def usb_udc_vbus_handler(gadget: UsbGadget, on: bool) -> None:
    """Note that VBUS came or went; connecting or disconnecting happens in a work item."""
    udc = gadget.udc
    if udc is not None:
        udc.vbus = on
        udc.vbus_work.schedule()
