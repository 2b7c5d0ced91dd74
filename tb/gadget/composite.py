# SPDX-License-Identifier: Apache-2.0
"""The composite framework: a device made of configurations made of functions.

Building is here (gadget-core.md 7.2 to 7.4, 7.10); what the composite device answers to the host
is in `composite_setup`.
"""

from __future__ import annotations

import copy
import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from tb.kernel import Mutex, Task, current, os_error
from tb.usb import Descriptor, DeviceDescriptor, RawDescriptor, SetupPacket, Speed

from .autoconfig import DescriptorTable, usb_ep_autoconfig_reset
from .endpoint import UsbEp, UsbRequest, alloc_ep_req, free_ep_req, has_op, usb_ep_dequeue
from .gadget import (
    UsbGadget,
    gadget_is_dualspeed,
    gadget_is_superspeed,
    usb_gadget_activate,
    usb_gadget_check_config,
    usb_gadget_deactivate,
)
from .strings import UsbGadgetStrings, UsbString, copy_tables

if TYPE_CHECKING:
    from .function import UsbFunctionInstance

__all__ = [
    "EP0_BUFFER",
    "MAX_CONFIG_INTERFACES",
    "USB_GADGET_DELAYED_STATUS",
    "UsbCompositeDev",
    "UsbConfiguration",
    "UsbFunction",
    "usb_add_config",
    "usb_add_config_only",
    "usb_add_function",
    "usb_assign_descriptors",
    "usb_function_activate",
    "usb_function_deactivate",
    "usb_gstrings_attach",
    "usb_interface_id",
    "usb_remove_function",
    "usb_string_id",
    "usb_string_ids_n",
    "usb_string_ids_tab",
]

log = logging.getLogger(__name__)

EP0_BUFFER = 4096
MAX_CONFIG_INTERFACES = 16
USB_GADGET_DELAYED_STATUS = 0x7FFF


class UsbFunction:
    """One function of a configuration; subclasses override what they need.

    Attributes:
        fs_descriptors to ssp_descriptors: tables per speed, None if the speed is not served.
        endpoints: bitmap of the endpoints in use, IN 31:16, OUT 15:0.
        bind_deactivated: hold the device off the bus until the function activates itself.
    """

    OPS_BASE = True

    def __init__(self, name: str) -> None:
        """Belong to no configuration yet."""
        self.name = name
        self.strings: list[UsbGadgetStrings] = []
        self.fs_descriptors: DescriptorTable | None = None
        self.hs_descriptors: DescriptorTable | None = None
        self.ss_descriptors: DescriptorTable | None = None
        self.ssp_descriptors: DescriptorTable | None = None
        self.config: UsbConfiguration | None = None
        self.fi: UsbFunctionInstance | None = None
        self.endpoints = 0
        self.bind_deactivated = False

    @property
    def cdev(self) -> UsbCompositeDev:
        """The composite device that the function belongs to."""
        assert self.config is not None
        assert self.config.cdev is not None
        return self.config.cdev

    async def bind(self, config: UsbConfiguration) -> None:
        """Claim interfaces and endpoints, build descriptors."""

    async def unbind(self, config: UsbConfiguration) -> None:
        """Undo bind."""

    def free_func(self) -> None:
        """Forget the function (it has been unbound)."""

    async def set_alt(self, interface: int, alt: int) -> int:
        """Start an interface; 0, or USB_GADGET_DELAYED_STATUS to answer the host later."""
        raise NotImplementedError

    async def get_alt(self, interface: int) -> int:
        """Return the alternate setting in use."""
        return 0

    async def disable(self) -> None:
        """Stop everything."""
        raise NotImplementedError

    async def setup(self, ctrl: SetupPacket) -> int:
        """Handle a control request; queues the ep0 response itself. OSError stalls."""
        raise os_error(errno.EOPNOTSUPP, f"{self.name} has no setup handler")

    def req_match(self, ctrl: SetupPacket, config0: bool) -> bool:
        """Tell whether the function wants a request that nobody owns."""
        return False

    async def suspend(self) -> None:
        """The bus is suspended."""

    async def resume(self) -> None:
        """The bus is resumed."""

    async def get_status(self) -> int:
        """Return the interface status (SuperSpeed)."""
        return 0

    async def func_suspend(self, options: int) -> None:
        """Suspend the function (SuperSpeed)."""


class UsbConfiguration:
    """One configuration (gadget-core.md 7.2).

    Attributes:
        MaxPower: mA; 0 means the default.
        interface: the owner of each interface number.
    """

    def __init__(self, label: str, value: int) -> None:
        """Name it and set bConfigurationValue."""
        self.label = label
        self.bConfigurationValue = value
        self.iConfiguration = 0
        self.bmAttributes = 0
        self.MaxPower = 0
        self.strings: list[UsbGadgetStrings] = []
        self.descriptors: list[Descriptor | RawDescriptor] = []
        self.cdev: UsbCompositeDev | None = None
        self.functions: list[UsbFunction] = []
        self.next_interface_id = 0
        self.interface: dict[int, UsbFunction] = {}
        self.fullspeed = False
        self.highspeed = False
        self.superspeed = False
        self.superspeed_plus = False

    async def unbind(self) -> None:
        """Undo what the bind function of `usb_add_config` did; override if needed."""

    async def setup(self, ctrl: SetupPacket) -> int:
        """Handle a request that no function wants."""
        raise os_error(errno.EOPNOTSUPP, f"configuration {self.label} has no setup handler")


class _Exclusive:
    """A mutex that its holder may take again."""

    def __init__(self, name: str) -> None:
        self._mutex = Mutex(name)
        self._holder: Task[Any] | None = None
        self._depth = 0

    async def __aenter__(self) -> None:
        task = current().task
        if self._holder is not task or task is None:
            await self._mutex.__aenter__()
            self._holder = task
        self._depth += 1

    async def __aexit__(self, *unused: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None
            await self._mutex.__aexit__(None, None, None)


class UsbCompositeDev:
    """A composite device (gadget-core.md 7.2).

    Attributes:
        desc: device descriptor; filled up at each GET_DESCRIPTOR.
        config: the configuration that the host has chosen, None in address state.
        req: the ep0 request that answers standard and class requests.
        delayed_status: functions that still owe `usb_composite_setup_continue`.
    """

    def __init__(self, name: str) -> None:
        """Belong to no gadget yet."""
        self.name = name
        self.gadget: UsbGadget | None = None
        self.desc = DeviceDescriptor()
        self.configs: list[UsbConfiguration] = []
        self.config: UsbConfiguration | None = None
        self.driver_strings: list[UsbGadgetStrings] = []
        self.gstrings: list[list[UsbGadgetStrings]] = []
        self.next_string_id = 0
        self.req: UsbRequest | None = None
        self.setup_pending = False
        self.suspended = False
        self.deactivations = 0
        self.delayed_status = 0
        self.unbinding = False
        self.use_os_string = False
        self.os_desc_config: UsbConfiguration | None = None
        self.b_vendor_code = 0
        self.qw_sign = b""
        self.driver_setup: Callable[[SetupPacket], Awaitable[int]] | None = None
        self.lock = _Exclusive(f"{name} composite")

    @property
    def the_gadget(self) -> UsbGadget:
        """The gadget; an error outside bind and unbind."""
        if self.gadget is None:
            raise os_error(errno.ENODEV, f"{self.name} is not bound to a gadget")
        return self.gadget

    @property
    def ep0(self) -> UsbEp:
        """The default control endpoint."""
        ep0 = self.the_gadget.ep0
        assert ep0 is not None
        return ep0

    @property
    def request(self) -> UsbRequest:
        """The ep0 request; an error outside bind and unbind."""
        if self.req is None:
            raise os_error(errno.ENODEV, f"{self.name} is not bound to a gadget")
        return self.req

    def prepare(self, gadget: UsbGadget) -> None:
        """Take a gadget: ep0 request with its 4096-byte buffer, fresh endpoint list."""
        self.gadget = gadget
        gadget.driver_data = self
        self.unbinding = False
        assert gadget.ep0 is not None
        self.req = alloc_ep_req(gadget.ep0, EP0_BUFFER)
        self.renew_request()
        usb_ep_autoconfig_reset(gadget)

    def renew_request(self) -> None:
        """Make the ep0 request what it was before a function took it for its own answer."""
        request = self.request
        request.complete = self._setup_complete
        request.context = self
        request.length = 0
        request.zero = False

    def _setup_complete(self, ep: UsbEp, request: UsbRequest) -> None:
        if request.status or request.actual != request.length:
            log.debug(
                "%s: ep0 response ended with %d, %d/%d",
                self.name,
                request.status,
                request.actual,
                request.length,
            )
        self.setup_pending = False

    def cleanup(self) -> None:
        """Let go of the gadget."""
        gadget = self.gadget
        if gadget is None or gadget.ep0 is None:
            return
        if self.req is not None:
            if self.setup_pending:
                try:
                    usb_ep_dequeue(gadget.ep0, self.req)
                except OSError:
                    pass
            free_ep_req(gadget.ep0, self.req)
            self.req = None
        self.next_string_id = 0
        self.gstrings = []
        for ep in gadget.ep_list:
            if has_op(ep.ops, "dispose"):
                ep.ops.dispose(ep)
        gadget.driver_data = None
        self.gadget = None


# -- configurations and functions ------------------------------------------------------------


def usb_add_config_only(cdev: UsbCompositeDev, config: UsbConfiguration) -> None:
    """Add a configuration without binding anything.

    Raises:
        OSError: EINVAL for bConfigurationValue 0, EBUSY if the value is taken.
    """
    if config.bConfigurationValue == 0:
        raise os_error(errno.EINVAL, f"{config.label}: bConfigurationValue 0 means unconfigured")
    if any(one.bConfigurationValue == config.bConfigurationValue for one in cdev.configs):
        raise os_error(
            errno.EBUSY, f"{config.label}: configuration {config.bConfigurationValue} exists"
        )
    config.cdev = cdev
    cdev.configs.append(config)
    config.functions.clear()
    config.next_interface_id = 0
    config.interface.clear()


async def usb_add_config(
    cdev: UsbCompositeDev,
    config: UsbConfiguration,
    bind: Callable[[UsbConfiguration], Awaitable[None]] | None,
) -> None:
    """Add a configuration and bind its functions.

    Raises:
        OSError: EINVAL without bind; what bind raises (everything is undone then).
    """
    if bind is None:
        raise os_error(errno.EINVAL, f"{config.label}: a configuration needs a bind function")
    usb_add_config_only(cdev, config)
    try:
        await bind(config)
        usb_gadget_check_config(cdev.the_gadget)
    except BaseException:
        while config.functions:
            function = config.functions.pop(0)
            await function.unbind(config)
        cdev.configs.remove(config)
        config.cdev = None
        raise
    usb_ep_autoconfig_reset(cdev.the_gadget)


async def usb_add_function(config: UsbConfiguration, function: UsbFunction) -> None:
    """Bind a function into a configuration.

    Raises:
        OSError: EINVAL without set_alt or disable; what bind raises.
    """
    if not has_op(function, "set_alt") or not has_op(function, "disable"):
        raise os_error(errno.EINVAL, f"{function.name}: a function needs set_alt and disable")
    function.config = config
    config.functions.append(function)
    try:
        if function.bind_deactivated:
            await usb_function_deactivate(function)
        if has_op(function, "bind"):
            await function.bind(config)
    except BaseException:
        config.functions.remove(function)
        function.config = None
        raise
    config.fullspeed = config.fullspeed or function.fs_descriptors is not None
    config.highspeed = config.highspeed or function.hs_descriptors is not None
    config.superspeed = config.superspeed or function.ss_descriptors is not None
    config.superspeed_plus = config.superspeed_plus or function.ssp_descriptors is not None


async def usb_remove_function(config: UsbConfiguration, function: UsbFunction) -> None:
    """Take a function out of its configuration."""
    await function.disable()
    function.endpoints = 0
    config.functions.remove(function)
    await function.unbind(config)
    if function.bind_deactivated:
        await usb_function_activate(function)


def usb_interface_id(config: UsbConfiguration, function: UsbFunction) -> int:
    """Return the next free interface number, now owned by the function.

    Raises:
        OSError: ENODEV if all 16 are taken.
    """
    number = config.next_interface_id
    if number >= MAX_CONFIG_INTERFACES:
        raise os_error(
            errno.ENODEV, f"{config.label}: all {MAX_CONFIG_INTERFACES} interfaces taken"
        )
    config.interface[number] = function
    config.next_interface_id = number + 1
    return number


async def usb_function_deactivate(function: UsbFunction) -> None:
    """Hold the device off the bus; calls are counted per device."""
    cdev = function.cdev
    if cdev.deactivations == 0:
        await usb_gadget_deactivate(cdev.the_gadget)
    cdev.deactivations += 1


async def usb_function_activate(function: UsbFunction) -> None:
    """Undo one `usb_function_deactivate`; the last one connects.

    Raises:
        OSError: EINVAL if the function was not deactivated.
    """
    cdev = function.cdev
    if cdev.deactivations == 0:
        raise os_error(errno.EINVAL, f"{function.name} is not deactivated")
    cdev.deactivations -= 1
    if cdev.deactivations == 0:
        await usb_gadget_activate(cdev.the_gadget)


def usb_assign_descriptors(
    function: UsbFunction,
    fs: DescriptorTable | None,
    hs: DescriptorTable | None,
    ss: DescriptorTable | None,
    ssp: DescriptorTable | None,
) -> None:
    """Give a function copies of its tables, for the speeds that the gadget can do."""
    gadget = function.cdev.the_gadget
    if ssp is None:
        ssp = ss
    if fs is not None:
        function.fs_descriptors = copy.deepcopy(list(fs))
    if hs is not None and gadget_is_dualspeed(gadget):
        function.hs_descriptors = copy.deepcopy(list(hs))
    if ss is not None and gadget_is_superspeed(gadget):
        function.ss_descriptors = copy.deepcopy(list(ss))
    if ssp is not None and gadget.max_speed >= Speed.SUPER_PLUS:
        function.ssp_descriptors = copy.deepcopy(list(ssp))


# -- strings -----------------------------------------------------------------------------------


def usb_string_id(cdev: UsbCompositeDev) -> int:
    """Return a fresh string id.

    Raises:
        OSError: ENODEV if all 254 are taken.
    """
    return usb_string_ids_n(cdev, 1)


def usb_string_ids_n(cdev: UsbCompositeDev, count: int) -> int:
    """Return the first of `count` fresh string ids in a row.

    Raises:
        OSError: ENODEV if there are not so many left.
    """
    first = cdev.next_string_id + 1
    if cdev.next_string_id + count > 254:
        raise os_error(errno.ENODEV, f"{cdev.name}: only 254 string ids exist")
    cdev.next_string_id += count
    return first


def usb_string_ids_tab(cdev: UsbCompositeDev, strings: Sequence[UsbString]) -> None:
    """Give every string of a table an id.

    Raises:
        OSError: ENODEV if there are not so many left.
    """
    for one in strings:
        one.id = usb_string_id(cdev)


def usb_gstrings_attach(
    cdev: UsbCompositeDev, tables: Sequence[UsbGadgetStrings], count: int
) -> list[UsbString]:
    """Copy `count` strings per language into the device and give them ids.

    Args:
        cdev: the composite device.
        tables: one per language; the ids are the same in all.
        count: strings per language.

    Returns:
        The strings of the first language, with their ids.

    Raises:
        OSError: EINVAL without tables, ENODEV if ids run out.
    """
    if not tables:
        raise os_error(errno.EINVAL, f"{cdev.name}: no string table given")
    copies = copy_tables(tables, count)
    usb_string_ids_tab(cdev, copies[0].strings)
    for table in copies[1:]:
        for index, one in enumerate(table.strings):
            one.id = copies[0].strings[index].id
    cdev.gstrings.append(copies)
    return copies[0].strings
