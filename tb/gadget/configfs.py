# SPDX-License-Identifier: Apache-2.0
"""The configfs tree usb_gadget (gadget-core.md section 8, S004-55 to S004-79)."""

from __future__ import annotations

import errno
from collections.abc import Callable

from tb.kernel import os_error
from tb.usb import Speed

from .composite import UsbConfiguration, UsbFunction
from .configfs_driver import ConfigfsDriver
from .configfs_values import parse_text, parse_unsigned
from .function import (
    UsbFunctionInstance,
    usb_get_function,
    usb_get_function_instance,
    usb_put_function,
    usb_put_function_instance,
)
from .strings import UsbGadgetStrings, UsbString, usb_validate_langid
from .udc_core import UdcCore
from .vfs import Directory, FunctionFile, Node, Symlink

__all__ = ["ConfigfsRoot", "GadgetDirectory"]

_NAME_LIMIT = 40
_MAX_LANGUAGES = 2
_SPEEDS = (
    # "super-speed-plus" first: a write is compared with these as prefixes.
    ("super-speed-plus", Speed.SUPER_PLUS),
    ("super-speed", Speed.SUPER),
    ("high-speed", Speed.HIGH),
    ("full-speed", Speed.FULL),
    ("low-speed", Speed.LOW),
)


class _Group(Directory):
    """A configfs directory: attributes and default groups stay, items come and go."""

    def __init__(self, fixed: dict[str, Node] | None = None) -> None:
        super().__init__()
        self.fixed: dict[str, Node] = dict(fixed or {})

    def entries(self) -> dict[str, Node]:
        return {**self.fixed, **self.children}

    async def rmdir(self, name: str) -> None:
        child = self.children.get(name)
        if child is None:
            raise os_error(errno.EPERM, f"{name!r} belongs to its directory and stays")
        assert isinstance(child, _Group)
        if child.in_use():
            raise os_error(errno.ENOTEMPTY, f"{name!r} is not empty")
        await self.drop(name, child)
        del self.children[name]

    def in_use(self) -> bool:
        """Tell whether the user has made something in here."""
        if self.children:
            return True
        return any(isinstance(one, _Group) and one.in_use() for one in self.fixed.values())

    async def drop(self, name: str, child: _Group) -> None:
        """Let go of a child that is about to be removed."""

    async def unlink(self, name: str) -> None:
        raise os_error(errno.EPERM, f"attribute {name!r} cannot be removed")


class ConfigfsRoot(Directory):
    """What `mount -t configfs` shows."""

    def __init__(self, core: UdcCore) -> None:
        """Offer usb_gadget for a machine."""
        super().__init__({"usb_gadget": _Gadgets(core)})


class _Gadgets(_Group):
    def __init__(self, core: UdcCore) -> None:
        super().__init__()
        self._core = core

    async def mkdir(self, name: str) -> None:
        self.children[name] = GadgetDirectory(self._core, name)

    async def drop(self, name: str, child: _Group) -> None:
        assert isinstance(child, GadgetDirectory)
        if child.driver.udc_name is not None:
            await child.unbind()


class GadgetDirectory(_Group):
    """One gadget, e.g. usb_gadget/g1.

    Attributes:
        driver: the gadget driver that writing UDC registers.
    """

    def __init__(self, core: UdcCore, name: str) -> None:
        """Make an unbound gadget with Linux's defaults."""
        super().__init__()
        self.core = core
        self.name = name
        self.driver = ConfigfsDriver(name)
        desc = self.driver.cdev.desc
        desc.bcdDevice = 0x0601  # version of the kernel whose behaviour this is
        desc.bMaxPacketSize0 = 0
        desc.bcdUSB = 0

        def number(field: str, bits: int, bcd: bool = False) -> FunctionFile:
            def show() -> str:
                return f"0x{getattr(desc, field):0{bits // 4}x}\n"

            def store(text: str) -> None:
                value = parse_unsigned(text, bits, field)
                if bcd and any((value >> shift & 0xF) > 9 for shift in (0, 4, 8, 12)):
                    raise os_error(errno.EINVAL, f"{field}: 0x{value:04x} is not BCD")
                setattr(desc, field, value)

            return FunctionFile(show, store)

        for field in ("bDeviceClass", "bDeviceSubClass", "bDeviceProtocol", "bMaxPacketSize0"):
            self.fixed[field] = number(field, 8)
        self.fixed["idVendor"] = number("idVendor", 16)
        self.fixed["idProduct"] = number("idProduct", 16)
        self.fixed["bcdDevice"] = number("bcdDevice", 16, bcd=True)
        self.fixed["bcdUSB"] = number("bcdUSB", 16, bcd=True)
        self.fixed["UDC"] = FunctionFile(self._show_udc, self._store_udc)
        self.fixed["max_speed"] = FunctionFile(
            lambda: self.driver.max_speed.text + "\n", self._store_max_speed
        )
        self.functions = _Functions(self)
        self.configs = _Configs(self)
        self.strings = _Strings(("manufacturer", "product", "serialnumber"))
        self.driver.tables = self.strings.tables
        self.fixed["functions"] = self.functions
        self.fixed["configs"] = self.configs
        self.fixed["strings"] = self.strings
        self.fixed["os_desc"] = _OsDesc(self)

    @property
    def bound(self) -> bool:
        """True while a UDC is chosen."""
        return self.driver.udc_name is not None

    def _show_udc(self) -> str:
        return (self.driver.udc_name or "") + "\n" if self.driver.udc_name else ""

    async def _store_udc(self, text: str) -> None:
        """Bind or unbind (gadget-core.md 8.5)."""
        if "\0" in text:
            raise os_error(errno.EOVERFLOW, "UDC: the name holds a NUL")
        name = text[:-1] if text.endswith("\n") else text
        if not name:
            if not self.bound:
                raise os_error(errno.ENODEV, f"{self.name} is not bound to a UDC")
            await self.unbind()
            return
        if self.bound:
            raise os_error(
                errno.EBUSY,
                f"{self.name} is bound to {self.driver.udc_name}; write an empty line first",
            )
        self.driver.udc_name = name
        try:
            await self.core.register_driver(self.driver)
        except BaseException:
            self.driver.udc_name = None
            raise

    async def unbind(self) -> None:
        """Unregister the gadget driver."""
        try:
            await self.core.unregister_driver(self.driver)
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise
        self.driver.udc_name = None

    def _store_max_speed(self, text: str) -> None:
        if self.bound:
            raise os_error(errno.EINVAL, "max_speed cannot change while a UDC is bound")
        for name, speed in _SPEEDS:
            if text.startswith(name):
                self.driver.max_speed = speed
                return
        raise os_error(
            errno.EINVAL, f"max_speed: {text.strip()!r} is none of {[name for name, _ in _SPEEDS]}"
        )


class _Functions(_Group):
    def __init__(self, gadget: GadgetDirectory) -> None:
        super().__init__()
        self.gadget = gadget

    async def mkdir(self, name: str) -> None:
        """Make an instance (S004-71 to S004-76)."""
        if len(name.encode()) >= _NAME_LIMIT:
            raise os_error(
                errno.ENAMETOOLONG, f"{name!r} has {len(name)} characters, at most 39 are allowed"
            )
        kind, dot, instance_name = name.partition(".")
        if not dot:
            raise os_error(errno.EINVAL, f"{name!r}: FUNCTION.INSTANCE is wanted, e.g. acm.GS0")
        instance = usb_get_function_instance(kind)
        instance.gadget_name = self.gadget.name
        try:
            instance.set_inst_name(instance_name)
        except BaseException:
            usb_put_function_instance(instance)
            raise
        self.children[name] = _FunctionDirectory(self.gadget, name, instance)

    async def rmdir(self, name: str) -> None:
        child = self.children.get(name)
        if isinstance(child, _FunctionDirectory) and child.instance.linked:
            raise os_error(errno.EBUSY, f"{name!r} is linked into a configuration")
        await super().rmdir(name)

    async def drop(self, name: str, child: _Group) -> None:
        assert isinstance(child, _FunctionDirectory)
        usb_put_function_instance(child.instance)


class _FunctionDirectory(_Group):
    def __init__(self, gadget: GadgetDirectory, name: str, instance: UsbFunctionInstance) -> None:
        super().__init__(instance.attributes())
        self.gadget = gadget
        self.name = name
        self.instance = instance


class _Configs(_Group):
    def __init__(self, gadget: GadgetDirectory) -> None:
        super().__init__()
        self.gadget = gadget

    async def mkdir(self, name: str) -> None:
        if len(name.encode()) >= _NAME_LIMIT:
            raise os_error(
                errno.ENAMETOOLONG, f"{name!r} has {len(name)} characters, at most 39 are allowed"
            )
        label, dot, text = name.rpartition(".")
        if not dot or not label:
            raise os_error(errno.EINVAL, f"{name!r}: NAME.NUMBER is wanted, e.g. c.1")
        number = parse_unsigned(text, 8, "configuration number")
        if number == 0:
            raise os_error(errno.EINVAL, "configuration number 0 means unconfigured")
        configs = self.gadget.driver.configs
        if any(one.bConfigurationValue == number for one in configs):
            raise os_error(errno.EBUSY, f"configuration {number} exists already")
        directory = _ConfigDirectory(self.gadget, label, number)
        configs.append(directory.config)
        self.children[name] = directory

    async def drop(self, name: str, child: _Group) -> None:
        assert isinstance(child, _ConfigDirectory)
        self.gadget.driver.configs.remove(child.config)


class ConfigfsConfiguration(UsbConfiguration):
    """A configuration of configfs: its functions wait in `linked` until the gadget is bound."""

    def __init__(self, label: str, value: int) -> None:
        """Start without functions."""
        super().__init__(label, value)
        self.linked: list[UsbFunction] = []
        self.tables: Callable[[], list[UsbGadgetStrings]] = list


class _ConfigDirectory(_Group):
    def __init__(self, gadget: GadgetDirectory, label: str, number: int) -> None:
        super().__init__()
        self.gadget = gadget
        self.config = ConfigfsConfiguration(label, number)
        self.config.MaxPower = 2
        self.config.bmAttributes = 0x80
        self._by_link: dict[str, UsbFunction] = {}
        self.fixed["MaxPower"] = FunctionFile(
            lambda: f"{self.config.MaxPower}\n", self._store_max_power
        )
        self.fixed["bmAttributes"] = FunctionFile(
            lambda: f"0x{self.config.bmAttributes:02x}\n", self._store_attributes
        )
        strings = _Strings(("configuration",))
        self.config.tables = strings.tables
        self.fixed["strings"] = strings

    def _store_max_power(self, text: str) -> None:
        value = parse_unsigned(text, 16, "MaxPower")
        if -(-value // 8) > 255:
            raise os_error(errno.ERANGE, f"MaxPower {value} mA is above 2040")
        self.config.MaxPower = value

    def _store_attributes(self, text: str) -> None:
        value = parse_unsigned(text, 8, "bmAttributes")
        if not value & 0x80 or value & ~0xE0:
            raise os_error(
                errno.EINVAL, f"bmAttributes 0x{value:02x}: bit 7 must be set, and 4:0 clear"
            )
        self.config.bmAttributes = value

    async def symlink(self, name: str, target: str, node: Node | None) -> None:
        """Put a function into the configuration (S004-62, gadget-core.md 8.3)."""
        if node is None:
            raise os_error(errno.ENOENT, f"{target} does not exist, so it cannot be linked")
        if self.gadget.bound:
            raise os_error(errno.EINVAL, f"{self.gadget.name} is bound; unbind its UDC first")
        if not isinstance(node, _FunctionDirectory) or node.gadget is not self.gadget:
            raise os_error(errno.EINVAL, f"{target} is no function of gadget {self.gadget.name}")
        if any(one.fi is node.instance for one in self.config.linked):
            raise os_error(errno.EEXIST, f"{node.name} is in this configuration already")
        function = usb_get_function(node.instance)
        self.config.linked.append(function)
        self._by_link[name] = function
        self.children[name] = Symlink(target, node)

    async def unlink(self, name: str) -> None:
        function = self._by_link.get(name)
        if function is None:
            await super().unlink(name)
            return
        if self.gadget.bound:
            await self.gadget.unbind()
        del self._by_link[name]
        del self.children[name]
        self.config.linked.remove(function)
        usb_put_function(function)


class _Strings(_Group):
    """strings/: one directory per language (gadget-core.md 8.4)."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._names = names

    async def mkdir(self, name: str) -> None:
        langid = parse_unsigned(name, 16, "language")
        if not usb_validate_langid(langid):
            raise os_error(errno.EINVAL, f"{name} is no language id; 0x409 is US English")
        if any(one.langid == langid for one in self._languages()):
            raise os_error(errno.EEXIST, f"language 0x{langid:04x} exists already")
        if len(self.children) >= _MAX_LANGUAGES:
            raise os_error(errno.EOVERFLOW, f"at most {_MAX_LANGUAGES} languages are allowed")
        self.children[name] = _Language(langid, self._names)

    def _languages(self) -> list[_Language]:
        return [one for one in self.children.values() if isinstance(one, _Language)]

    def tables(self) -> list[UsbGadgetStrings]:
        """Return one string table per language."""
        return [one.table() for one in self._languages()]


class _Language(_Group):
    def __init__(self, langid: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self.langid = langid
        self.texts = dict.fromkeys(names, "")

        def text_file(name: str) -> FunctionFile:
            def store(text: str) -> None:
                self.texts[name] = parse_text(text, name)

            return FunctionFile(lambda: self.texts[name] + "\n", store)

        self.fixed.update({name: text_file(name) for name in names})

    def table(self) -> UsbGadgetStrings:
        return UsbGadgetStrings(self.langid, [UsbString(text) for text in self.texts.values()])


class _OsDesc(_Group):
    """os_desc/: Microsoft OS descriptors (gadget-core.md 8.6)."""

    def __init__(self, gadget: GadgetDirectory) -> None:
        super().__init__()
        self.gadget = gadget
        driver = gadget.driver
        self.fixed["use"] = FunctionFile(lambda: f"{int(driver.use_os_desc)}\n", self._store_use)
        self.fixed["b_vendor_code"] = FunctionFile(self._show_code, self._store_code)
        self.fixed["qw_sign"] = FunctionFile(
            lambda: driver.qw_sign.rstrip("\0") + "\n", self._store_sign
        )

    def _store_use(self, text: str) -> None:
        word = text.strip().lower()
        if word in ("1", "y", "yes", "on", "true"):
            self.gadget.driver.use_os_desc = True
        elif word in ("0", "n", "no", "off", "false"):
            self.gadget.driver.use_os_desc = False
        else:
            raise os_error(errno.EINVAL, f"use: {word!r} is neither 0 nor 1")

    def _show_code(self) -> str:
        code = self.gadget.driver.vendor_code
        # Linux 6.1 keeps it in a signed char.
        return f"0x{code | 0xFFFFFF00:08x}\n" if code & 0x80 else f"0x{code:02x}\n"

    def _store_code(self, text: str) -> None:
        self.gadget.driver.vendor_code = parse_unsigned(text, 8, "b_vendor_code")

    def _store_sign(self, text: str) -> None:
        self.gadget.driver.qw_sign = text.rstrip("\n")[:7]

    async def symlink(self, name: str, target: str, node: Node | None) -> None:
        if not isinstance(node, _ConfigDirectory) or node.gadget is not self.gadget:
            raise os_error(errno.EINVAL, f"{target} is no configuration of {self.gadget.name}")
        if self.children:
            raise os_error(errno.EBUSY, "os_desc has a configuration already")
        self.gadget.driver.os_desc_config = node.config
        self.children[name] = Symlink(target, node)

    async def unlink(self, name: str) -> None:
        if name not in self.children:
            await super().unlink(name)
            return
        if self.gadget.bound:
            await self.gadget.unbind()
        del self.children[name]
        self.gadget.driver.os_desc_config = None
