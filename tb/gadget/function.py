# SPDX-License-Identifier: Apache-2.0
"""The registry of function drivers (gadget-core.md 7.11, requirements S004-87 and S004-88).

A function driver that is not registered yet is looked for as a module of `tb.gadget.functions`,
as Linux loads "usbfunc:<name>"; importing the module registers it.
"""

from __future__ import annotations

import errno
import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from tb.kernel import os_error

from .vfs import Node

if TYPE_CHECKING:
    from .composite import UsbFunction

__all__ = [
    "UsbFunctionDriver",
    "UsbFunctionInstance",
    "usb_function_register",
    "usb_function_unregister",
    "usb_get_function",
    "usb_get_function_instance",
    "usb_put_function",
    "usb_put_function_instance",
]

log = logging.getLogger(__name__)

# Module (in tb.gadget.functions) of each function that comes with us.
_MODULES = {"acm": "acm", "gser": "serial", "Loopback": "loopback", "SourceSink": "source_sink"}

_drivers: dict[str, UsbFunctionDriver] = {}


class UsbFunctionInstance:
    """An instance of a function: its options, and the attributes that configfs shows.

    Attributes:
        fd: its driver.
        linked: number of configurations it is linked into; stores give EBUSY then.
        gadget_name: the gadget directory it belongs to, for messages.
    """

    def __init__(self) -> None:
        """Start with default options."""
        self.fd: UsbFunctionDriver | None = None
        self.linked = 0
        self.gadget_name = ""

    def set_inst_name(self, name: str) -> None:
        """Take the instance name; raise OSError to refuse it."""

    def attributes(self) -> dict[str, Node]:
        """Return the files of the instance's configfs directory."""
        return {}

    def free(self) -> None:
        """Give back what the instance holds."""


class UsbFunctionDriver:
    """A kind of function.

    Attributes:
        name: as used in configfs, e.g. "acm".
        alloc_inst: makes an instance.
        alloc_func: makes a function of an instance.
    """

    def __init__(
        self,
        name: str,
        alloc_inst: Callable[[], UsbFunctionInstance],
        alloc_func: Callable[[UsbFunctionInstance], UsbFunction],
    ) -> None:
        """Not registered yet."""
        self.name = name
        self.alloc_inst = alloc_inst
        self.alloc_func = alloc_func


def usb_function_register(driver: UsbFunctionDriver) -> None:
    """Make a kind of function known.

    Raises:
        OSError: EEXIST if the name is taken.
    """
    if driver.name in _drivers:
        raise os_error(errno.EEXIST, f"function {driver.name!r} is registered already")
    _drivers[driver.name] = driver


def usb_function_unregister(driver: UsbFunctionDriver) -> None:
    """Forget a kind of function; harmless if it is not registered."""
    if _drivers.get(driver.name) is driver:
        del _drivers[driver.name]


def usb_get_function_instance(name: str) -> UsbFunctionInstance:
    """Make an instance of a function by name.

    Raises:
        OSError: ENOENT if there is no such function; what alloc_inst raises.
    """
    driver = _drivers.get(name)
    if driver is None and name in _MODULES:
        importlib.import_module(f".functions.{_MODULES[name]}", __package__)
        driver = _drivers.get(name)
    if driver is None:
        known = ", ".join(sorted(set(_drivers) | set(_MODULES)))
        raise os_error(errno.ENOENT, f"there is no function {name!r}; there are: {known}")
    instance = driver.alloc_inst()
    instance.fd = driver
    return instance


def usb_put_function_instance(instance: UsbFunctionInstance) -> None:
    """Give an instance back."""
    instance.free()


def usb_get_function(instance: UsbFunctionInstance) -> UsbFunction:
    """Make a function of an instance.

    Raises:
        OSError: what alloc_func raises.
    """
    assert instance.fd is not None
    function = instance.fd.alloc_func(instance)
    function.fi = instance
    instance.linked += 1
    return function


def usb_put_function(function: UsbFunction) -> None:
    """Give a function back."""
    instance = function.fi
    function.free_func()
    if instance is not None:
        instance.linked -= 1
