# SPDX-License-Identifier: Apache-2.0
"""UDC core: lists and matching (S004-15 to S004-30), bind order, connect rules (S004-52, -53)."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from typing import Any

import pytest

from tb.gadget import (
    UdcCore,
    UsbFunctionDriver,
    UsbFunctionInstance,
    UsbGadget,
    UsbGadgetDriver,
    UsbGadgetOps,
    usb_add_gadget_udc,
    usb_del_gadget_udc,
    usb_function_register,
    usb_function_unregister,
    usb_gadget_activate,
    usb_gadget_connect,
    usb_gadget_deactivate,
    usb_gadget_disconnect,
    usb_gadget_probe_driver,
    usb_gadget_register_driver,
    usb_gadget_set_selfpowered,
    usb_gadget_unregister_driver,
    usb_gadget_vbus_connect,
    usb_gadget_vbus_draw,
    usb_gadget_wakeup,
    usb_get_function_instance,
    usb_udc_vbus_handler,
)
from tb.kernel import EPROBE_DEFER, Kernel, os_error
from tb.usb import SetupPacket, Speed
from tests.gadget.mock_udc import MockUdc


class Driver(UsbGadgetDriver):
    """Records on the mock's list, so that the order with the UDC's ops shows."""

    def __init__(self, name: str = "d", speed: Speed = Speed.HIGH) -> None:
        super().__init__(name, speed)
        self.error: OSError | None = None
        self.calls: list[str] = []

    async def bind(self, gadget: UsbGadget) -> None:
        gadget.ops.calls.append("bind")  # type: ignore[attr-defined]
        if self.error is not None:
            raise self.error

    async def unbind(self, gadget: UsbGadget) -> None:
        gadget.ops.calls.append("unbind")  # type: ignore[attr-defined]

    async def setup(self, gadget: UsbGadget, ctrl: SetupPacket) -> int:
        return 0

    async def disconnect(self, gadget: UsbGadget) -> None:
        gadget.ops.calls.append("disconnect")  # type: ignore[attr-defined]


class World:
    def __init__(self) -> None:
        self.kernel = Kernel()
        self.core = UdcCore(self.kernel)

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        return self.kernel.run_until(coro)

    def fails(self, coro: Coroutine[Any, Any, Any]) -> int | None:
        with pytest.raises(OSError) as caught:
            self.run(coro)
        return caught.value.errno

    def udc(self, name: str, **options: Any) -> MockUdc:
        mock = MockUdc(name, **options)
        self.run(usb_add_gadget_udc(name, mock.gadget))
        return mock


@pytest.fixture
def world() -> World:
    return World()


def test_bind_and_unbind_order(world: World) -> None:
    mock = world.udc("u0")
    driver = Driver(speed=Speed.SUPER)
    world.run(usb_gadget_register_driver(driver))
    assert mock.calls == ["speed 3", "bind", "start", "async 1", "pullup 1"]
    assert driver.is_bound
    mock.calls.clear()
    world.run(usb_gadget_unregister_driver(driver))
    assert mock.calls == ["pullup 0", "disconnect", "async 0", "unbind", "stop"]
    assert not driver.is_bound
    actions = [action for action, _ in world.core.uevents]
    assert actions == ["add", "change", "change"]
    assert world.core.uevents[1][1] == {"USB_UDC_NAME": "u0", "USB_UDC_DRIVER": "d"}


@pytest.mark.parametrize(
    ("where", "undone"),
    [
        ("bind", ["speed 3", "bind"]),
        ("start", ["speed 3", "bind", "start", "unbind"]),
    ],
)
def test_failed_bind_is_undone(world: World, where: str, undone: list[str]) -> None:
    mock = world.udc("u0")
    driver = Driver()
    driver.match_existing_only = True
    if where == "bind":
        driver.error = os_error(errno.ENOSPC, "no")
    else:
        mock.fail[where] = os_error(errno.EIO, "no")
    # The bind's own errno is only logged (erratum S004-E03).
    assert world.fails(usb_gadget_register_driver(driver)) == errno.EBUSY
    assert mock.calls == undone
    assert mock.gadget.udc is not None
    assert mock.gadget.udc.driver is None
    assert not driver.is_bound
    assert driver not in world.core.pending


def test_new_driver_matching(world: World) -> None:
    class NoSetup(UsbGadgetDriver):
        async def bind(self, gadget: UsbGadget) -> None:
            pass

    assert world.fails(usb_gadget_register_driver(NoSetup())) == errno.EINVAL
    assert world.fails(usb_gadget_probe_driver(UsbGadgetDriver())) == errno.EINVAL
    world.udc("u0")
    world.udc("u1")
    named, anyone, late = Driver("named"), Driver("anyone"), Driver("late")
    named.udc_name = "u0"
    world.run(usb_gadget_register_driver(named))
    world.run(usb_gadget_register_driver(anyone))
    assert world.core.udc_list[0].driver is named
    assert world.core.udc_list[1].driver is anyone
    world.run(usb_gadget_register_driver(late))
    assert world.core.pending == [late]
    for name in ("u0", "nobody", None):
        strict = Driver("strict")
        strict.udc_name, strict.match_existing_only = name, True
        assert world.fails(usb_gadget_register_driver(strict)) == errno.EBUSY
    third = world.udc("u2")
    assert third.gadget.udc is not None
    assert third.gadget.udc.driver is late
    assert not world.core.pending


def test_new_device_takes_one_pending_driver(world: World) -> None:
    other, first, second = Driver("other"), Driver("first"), Driver("second")
    other.udc_name = "elsewhere"
    for driver in (other, first, second):
        world.run(usb_gadget_register_driver(driver))
    mock = world.udc("u0")
    assert mock.gadget.udc is not None
    assert mock.gadget.udc.driver is first
    assert world.core.pending == [other, second]
    # A driver whose bind defers stays in the list; another error takes it off (S004-18).
    second.error = os_error(EPROBE_DEFER, "later")
    world.udc("u1")
    assert world.core.pending == [other, second]
    second.error = os_error(errno.ENODEV, "never")
    world.udc("u2")
    assert world.core.pending == [other]


def test_removing_a_controller_unbinds(world: World) -> None:
    mock = world.udc("u0")
    driver = Driver()
    world.run(usb_gadget_register_driver(driver))
    world.run(usb_del_gadget_udc(mock.gadget))
    assert not driver.is_bound
    assert world.core.udc_list == []
    assert "u0" not in world.core.class_udc.children
    assert world.fails(usb_del_gadget_udc(mock.gadget)) == errno.ENODEV
    world.udc("u0")
    assert world.fails(usb_add_gadget_udc("u0", MockUdc("u0").gadget)) == errno.EEXIST


def test_connect_and_deactivate(world: World) -> None:
    mock = world.udc("u0")
    gadget = mock.gadget
    world.run(usb_gadget_register_driver(Driver()))
    mock.calls.clear()
    world.run(usb_gadget_connect(gadget))
    assert mock.calls == []
    world.run(usb_gadget_deactivate(gadget))
    assert mock.calls == ["pullup 0", "disconnect"]
    assert gadget.connected
    world.run(usb_gadget_disconnect(gadget))
    assert not gadget.connected
    world.run(usb_gadget_connect(gadget))
    assert mock.calls == ["pullup 0", "disconnect"]
    world.run(usb_gadget_activate(gadget))
    assert mock.calls == ["pullup 0", "disconnect", "pullup 1"]
    mock.fail["pullup"] = os_error(errno.EIO, "stuck")
    assert world.fails(usb_gadget_disconnect(gadget)) == errno.EIO
    assert gadget.connected
    assert mock.calls[-1] == "disconnect"


def test_vbus_handler(world: World) -> None:
    mock = world.udc("u0")
    world.run(usb_gadget_register_driver(Driver()))
    mock.calls.clear()

    async def go() -> None:
        udc = mock.gadget.udc
        assert udc is not None
        usb_udc_vbus_handler(mock.gadget, False)
        await udc.vbus_work.flush()
        usb_udc_vbus_handler(mock.gadget, True)
        await udc.vbus_work.flush()

    world.run(go())
    assert mock.calls == ["pullup 0", "disconnect", "pullup 1"]


def test_missing_ops(world: World) -> None:
    gadget = UsbGadget(UsbGadgetOps(), "none")
    for call in (
        usb_gadget_connect(gadget),
        usb_gadget_disconnect(gadget),
        usb_gadget_wakeup(gadget),
        usb_gadget_vbus_connect(gadget),
    ):
        assert world.fails(call) == errno.EOPNOTSUPP
    for plain in (
        lambda: usb_gadget_set_selfpowered(gadget),
        lambda: usb_gadget_vbus_draw(gadget, 1),
    ):
        with pytest.raises(OSError) as caught:
            plain()
        assert caught.value.errno == errno.EOPNOTSUPP


def test_sysfs(world: World) -> None:
    mock = world.udc("u0")
    files = world.core.class_udc.children["u0"].children  # type: ignore[attr-defined]

    def read(name: str) -> str:
        return str(world.run(files[name].read()).decode())

    assert read("state") == "not attached\n"
    assert read("function") == ""
    assert read("current_speed") == "UNKNOWN\n"
    assert read("maximum_speed") == "high-speed\n"
    assert read("is_otg") == "0\n"
    assert world.fails(files["soft_connect"].write(b"connect")) == errno.EOPNOTSUPP
    world.run(usb_gadget_register_driver(Driver("g")))
    assert read("function") == "g\n"
    mock.calls.clear()
    world.run(files["soft_connect"].write(b"disconnect\n"))
    world.run(files["soft_connect"].write(b"connect\n"))
    assert mock.calls == ["pullup 0", "disconnect", "stop", "start", "pullup 1"]
    assert world.fails(files["soft_connect"].write(b"perhaps")) == errno.EINVAL
    world.run(files["srp"].write(b"1"))
    assert world.fails(files["srp"].read()) == errno.EACCES


def test_function_registry() -> None:
    driver = UsbFunctionDriver("mine", UsbFunctionInstance, lambda instance: None)  # type: ignore[arg-type,return-value]
    usb_function_register(driver)
    try:
        with pytest.raises(OSError) as caught:
            usb_function_register(UsbFunctionDriver("mine", UsbFunctionInstance, driver.alloc_func))
        assert caught.value.errno == errno.EEXIST
        assert usb_get_function_instance("mine").fd is driver
    finally:
        usb_function_unregister(driver)
    with pytest.raises(OSError) as caught:
        usb_get_function_instance("mine")
    assert caught.value.errno == errno.ENOENT
