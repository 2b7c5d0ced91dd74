# SPDX-License-Identifier: Apache-2.0
"""The composite framework on a mock UDC (gadget-core.md sections 5 to 7, S004-83 to S004-86)."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from typing import Any

import pytest

from tb.gadget import (
    USB_GADGET_DELAYED_STATUS,
    UdcCore,
    UsbCompositeDev,
    UsbCompositeDriver,
    UsbConfiguration,
    UsbFunction,
    UsbGadgetStrings,
    UsbString,
    config_ep_by_speed,
    usb_add_config,
    usb_add_config_only,
    usb_add_function,
    usb_add_gadget_udc,
    usb_assign_descriptors,
    usb_composite_probe,
    usb_composite_setup_continue,
    usb_composite_unregister,
    usb_ep_autoconfig,
    usb_ep_enable,
    usb_function_activate,
    usb_function_deactivate,
    usb_gstrings_attach,
    usb_interface_id,
    usb_string_id,
    usb_string_ids_n,
    usb_validate_langid,
)
from tb.kernel import Kernel, os_error
from tb.usb import (
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
    SetupPacket,
    Speed,
    string_text,
)
from tests.gadget.mock_udc import MockUdc


class Thing(UsbFunction):
    """An interface with one bulk IN endpoint."""

    def __init__(self, name: str = "thing", fail: str = "", delay: bool = False) -> None:
        super().__init__(name)
        self.calls: list[str] = []
        self.fail = fail
        self.delay = delay
        self.id = -1
        self.ep: Any = None

    async def bind(self, config: UsbConfiguration) -> None:
        self.calls.append("bind")
        self.id = usb_interface_id(config, self)
        desc = EndpointDescriptor(0x80, 2)
        self.ep = usb_ep_autoconfig(self.cdev.the_gadget, desc)
        if self.ep is None or self.fail == "bind":
            raise os_error(errno.ENODEV, "no endpoint")
        head = InterfaceDescriptor(self.id, 0, 1, 0xFF)
        high = EndpointDescriptor(desc.bEndpointAddress, 2, 512)
        usb_assign_descriptors(self, [head, desc], [head, high], None, None)

    async def unbind(self, config: UsbConfiguration) -> None:
        self.calls.append("unbind")

    async def set_alt(self, interface: int, alt: int) -> int:
        self.calls.append(f"set_alt {interface} {alt}")
        if self.fail == "set_alt":
            raise os_error(errno.EIO, "cannot")
        config_ep_by_speed(self.cdev.the_gadget, self, self.ep)
        await usb_ep_enable(self.ep)
        return USB_GADGET_DELAYED_STATUS if self.delay else 0

    async def disable(self) -> None:
        self.calls.append("disable")


class Driver(UsbCompositeDriver):
    """Configurations as lists of functions, by bConfigurationValue."""

    def __init__(self, configs: dict[int, list[UsbFunction]]) -> None:
        super().__init__("things", DeviceDescriptor(idVendor=1, idProduct=2))
        self.configs = configs
        self.strings = [UsbGadgetStrings(0x409, [UsbString("Ünïcode", 1)])]

    async def bind(self, cdev: UsbCompositeDev) -> None:
        cdev.next_string_id = 1
        for value, functions in self.configs.items():

            async def add(config: UsbConfiguration, functions: Any = functions) -> None:
                for function in functions:
                    await usb_add_function(config, function)

            await usb_add_config(cdev, UsbConfiguration(f"c{value}", value), add)


class World:
    def __init__(self, configs: dict[int, list[UsbFunction]], **udc: Any) -> None:
        self.kernel = Kernel()
        self.core = UdcCore(self.kernel)
        self.mock = MockUdc(**udc)
        self.run(usb_add_gadget_udc("mock.0", self.mock.gadget))
        self.driver = Driver(configs)
        self.run(usb_composite_probe(self.driver))
        self.mock.gadget.speed = Speed.HIGH

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        return self.kernel.run_until(coro)

    def control(self, *fields: int) -> Any:
        return self.run(self.mock.control(SetupPacket(*fields)))

    def stalls(self, *fields: int) -> None:
        with pytest.raises(OSError) as caught:
            self.control(*fields)
        assert caught.value.errno == errno.EPIPE

    @property
    def cdev(self) -> UsbCompositeDev:
        cdev = self.mock.gadget.driver_data
        assert isinstance(cdev, UsbCompositeDev)
        return cdev


def test_two_configurations_share_endpoints() -> None:
    a, b, c = Thing("a"), Thing("b"), Thing("c")
    world = World({1: [a, b], 3: [c]})
    assert (a.ep.name, b.ep.name, c.ep.name) == ("ep1in", "ep2in", "ep1in")
    assert world.control(0x80, 6, 0x0100, 0, 18)[17] == 2
    assert world.control(0x80, 6, 0x0200, 0, 9)[4:6] == bytes((2, 1))
    assert world.control(0x80, 6, 0x0201, 0, 9)[4:6] == bytes((1, 3))
    world.stalls(0x80, 6, 0x0202, 0, 9)
    world.control(0, 9, 1, 0, 0)
    world.control(0, 9, 3, 0, 0)
    assert a.calls == ["bind", "set_alt 0 0", "disable"]
    assert c.calls == ["bind", "set_alt 0 0"]
    # The same value again starts anew.
    world.control(0, 9, 3, 0, 0)
    assert c.calls[2:] == ["disable", "set_alt 0 0"]
    world.stalls(0, 9, 2, 0, 0)
    assert world.control(0x80, 8, 0, 0, 1) == b"\x03"
    world.control(0, 9, 0, 0, 0)
    assert world.control(0x80, 8, 0, 0, 1) == b"\x00"
    world.run(usb_composite_unregister(world.driver))
    assert a.calls[-1] == b.calls[-1] == c.calls[-1] == "unbind"


def test_interface_requests() -> None:
    thing = Thing()
    world = World({1: [thing]})
    world.stalls(1, 0x0B, 0, 0, 0)
    world.control(0, 9, 1, 0, 0)
    world.control(1, 0x0B, 0, 0, 0)
    world.stalls(1, 0x0B, 1, 0, 0)
    world.stalls(1, 0x0B, 0, 1, 0)
    assert world.control(0x81, 0x0A, 0, 0, 1) == b"\x00"
    world.stalls(0x81, 0x0A, 0, 7, 1)
    world.stalls(0x21, 0x22, 0, 0, 0)
    world.stalls(0x40, 1, 0, 0, 5000)
    world.stalls(0x80, 6, 0x0F00, 0, 5)
    assert string_text(world.control(0x80, 6, 0x0301, 0x409, 255)) == "Ünïcode"
    world.stalls(0x80, 6, 0x0301, 0x407, 255)
    world.stalls(0x80, 6, 0x0305, 0x409, 255)


def test_failing_set_alt_unconfigures() -> None:
    good, bad = Thing("good"), Thing("bad", fail="set_alt")
    world = World({1: [good, bad]})
    world.stalls(0, 9, 1, 0, 0)
    assert good.calls[-1] == "disable"
    assert world.cdev.config is None
    assert world.control(0x80, 8, 0, 0, 1) == b"\x00"


def test_two_delayed_functions() -> None:
    one, two = Thing("one", delay=True), Thing("two", delay=True)
    world = World({1: [one, two]})
    assert world.control(0, 9, 1, 0, 0) == USB_GADGET_DELAYED_STATUS
    assert not world.mock.queues.get("ep0")
    cdev = world.cdev
    usb_composite_setup_continue(cdev)
    assert not world.mock.queues.get("ep0")
    usb_composite_setup_continue(cdev)
    assert [request.length for request in world.mock.queues["ep0"]] == [0]
    usb_composite_setup_continue(cdev)


def test_endpoints_run_out() -> None:
    things: list[UsbFunction] = [Thing(str(n)) for n in range(4)]
    world = World({1: things}, eps=3)
    assert world.mock.gadget.udc is not None
    assert world.mock.gadget.udc.driver is None
    assert [thing.calls for thing in things] == [["bind", "unbind"]] * 3 + [["bind"]]  # type: ignore[attr-defined]
    assert world.driver.gadget_driver in world.core.pending


def test_full_speed_gadget() -> None:
    thing = Thing()
    world = World({1: [thing]}, max_speed=Speed.FULL)
    world.mock.gadget.speed = Speed.FULL
    assert thing.hs_descriptors is None
    world.stalls(0x80, 6, 0x0600, 0, 10)
    whole = world.control(0x80, 6, 0x0200, 0, 255)
    assert whole[-3] == 64
    world.control(0, 9, 1, 0, 0)
    assert thing.ep.maxpacket == 64


def test_deactivation_counts() -> None:
    one, two = Thing("one"), Thing("two")
    one.bind_deactivated = two.bind_deactivated = True
    world = World({1: [one, two]})
    assert "pullup 1" not in world.mock.calls
    world.run(usb_function_activate(one))
    assert "pullup 1" not in world.mock.calls
    world.run(usb_function_activate(two))
    assert world.mock.calls[-1] == "pullup 1"
    with pytest.raises(OSError) as caught:
        world.run(usb_function_activate(two))
    assert caught.value.errno == errno.EINVAL
    world.run(usb_function_deactivate(two))
    assert "pullup 0" in world.mock.calls


def test_limits() -> None:
    world = World({1: [Thing()]})
    cdev = world.cdev
    with pytest.raises(OSError) as caught:
        usb_add_config_only(cdev, UsbConfiguration("zero", 0))
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError) as caught:
        usb_add_config_only(cdev, UsbConfiguration("again", 1))
    assert caught.value.errno == errno.EBUSY
    config, thing = cdev.configs[0], Thing()
    for _ in range(15):
        usb_interface_id(config, thing)
    with pytest.raises(OSError) as caught:
        usb_interface_id(config, thing)
    assert caught.value.errno == errno.ENODEV
    assert usb_string_ids_n(cdev, 252) == 2
    assert usb_string_id(cdev) == 254
    with pytest.raises(OSError) as caught:
        usb_string_id(cdev)
    assert caught.value.errno == errno.ENODEV
    with pytest.raises(OSError) as caught:
        usb_gstrings_attach(cdev, [], 1)
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError) as caught:
        world.run(usb_add_function(config, UsbFunction("half")))
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError) as caught:
        world.run(usb_composite_probe(UsbCompositeDriver()))
    assert caught.value.errno == errno.EINVAL


def test_power_follows_the_configuration() -> None:
    world = World({1: [Thing()]})
    config = world.cdev.configs[0]
    config.MaxPower, config.bmAttributes = 700, 0xC0
    assert world.control(0x80, 6, 0x0200, 0, 9)[7:9] == bytes((0xC0, 250))
    world.control(0, 9, 1, 0, 0)
    gadget = world.mock.gadget
    assert (gadget.mA, gadget.is_selfpowered) == (500, False)
    config.MaxPower = 50
    world.control(0, 9, 1, 0, 0)
    assert (gadget.mA, gadget.is_selfpowered) == (50, True)
    assert world.mock.driver is not None
    world.run(world.mock.driver.suspend(gadget))
    assert gadget.mA == 2
    assert world.cdev.suspended
    world.run(world.mock.driver.resume(gadget))
    assert gadget.mA == 50
    world.run(world.mock.driver.reset(gadget))
    assert gadget.mA == 100
    assert world.cdev.config is None


@pytest.mark.parametrize(
    ("langid", "good"), [(0x409, True), (0x407, True), (0, False), (9, False), (0x400, False)]
)
def test_language_ids(langid: int, good: bool) -> None:
    assert usb_validate_langid(langid) is good
