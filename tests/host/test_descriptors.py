# SPDX-License-Identifier: Apache-2.0
"""Configurations with mistakes, choice of a configuration, drivers, lsusb."""

from __future__ import annotations

import errno
import logging
from typing import Any

import pytest

from conftest import Rig
from mock_wire import MockDevice
from tb.host import (
    UsbDevice,
    UsbDeviceId,
    UsbDriver,
    UsbInterface,
    usb_deregister,
    usb_driver_claim_interface,
    usb_register,
    usb_set_configuration,
    usb_string,
)
from tb.host.config import parse_configuration
from tb.host.driver import choose_configuration
from tb.usb import (
    ConfigDescriptor,
    DeviceState,
    EndpointDescriptor,
    InterfaceDescriptor,
    Speed,
)
from test_cdc_acm import make


class FakeDevice:
    """As much of a device as the parser needs."""

    def __init__(self, speed: Speed, device_class: int = 0) -> None:
        self.speed = speed
        self.configurations: list[Any] = []
        self.descriptor = type("D", (), {"bDeviceClass": device_class})()


def config_of(*parts: Any, value: int = 1, power: int = 50, interfaces: int = 1) -> bytes:
    body = b"".join(map(bytes, parts))
    return bytes(ConfigDescriptor(9 + len(body), interfaces, value, 0, 0x80, power)) + body


def endpoint(speed: Speed, desc: EndpointDescriptor) -> EndpointDescriptor | None:
    raw = config_of(InterfaceDescriptor(0, 0, 1, 0xFF), desc)
    dev: Any = FakeDevice(speed)
    found = parse_configuration(dev, raw).interfaces[0].altsetting[0].endpoints
    return found[0].desc if found else None


@pytest.mark.parametrize(
    ("speed", "kind", "size", "interval", "right_size", "right_interval"),
    [
        (Speed.HIGH, 3, 64, 0, 64, 7),
        (Speed.HIGH, 3, 64, 32, 64, 9),
        (Speed.HIGH, 3, 64, 16, 64, 16),
        (Speed.FULL, 3, 64, 0, 64, 10),
        (Speed.FULL, 3, 65, 255, 64, 255),
        (Speed.HIGH, 1, 1024, 0, 1024, 7),
        (Speed.FULL, 1, 1024, 17, 1023, 4),
        (Speed.FULL, 2, 512, 0, 64, 0),
        (Speed.HIGH, 2, 64, 0, 64, 0),
        (Speed.HIGH, 2, 1024, 0, 1024, 0),
        (Speed.HIGH, 3, 1024 | 2 << 11, 1, 1024 | 2 << 11, 1),
        (Speed.HIGH, 3, 1024 | 3 << 11, 1, 1024, 1),
    ],
)
def test_endpoints_are_mended(
    speed: Speed, kind: int, size: int, interval: int, right_size: int, right_interval: int
) -> None:
    mended = endpoint(speed, EndpointDescriptor(0x81, kind, size, interval))
    assert mended is not None
    assert (mended.wMaxPacketSize, mended.bInterval) == (right_size, right_interval)


def test_low_speed_bulk_becomes_interrupt() -> None:
    mended = endpoint(Speed.LOW, EndpointDescriptor(0x81, 2, 64, 0))
    assert mended is not None
    assert (mended.bmAttributes, mended.wMaxPacketSize) == (3, 8)


def test_duplicates_and_nonsense_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    dev: Any = FakeDevice(Speed.HIGH)
    with caplog.at_level(logging.WARNING):
        config = parse_configuration(
            dev,
            config_of(
                InterfaceDescriptor(0, 0, 3, 0xFF),
                EndpointDescriptor(0x81, 2, 512, 0),
                EndpointDescriptor(0x81, 2, 512, 0),
                EndpointDescriptor(0x80, 2, 512, 0),
                InterfaceDescriptor(0, 0, 0, 0xFF),
                b"\x09",
            ),
        )
    assert len(config.interfaces) == 1
    assert len(config.interfaces[0].altsetting) == 1
    assert len(config.interfaces[0].altsetting[0].endpoints) == 1
    assert len(caplog.records) == 4
    with pytest.raises(OSError, match="no configuration") as caught:
        parse_configuration(dev, bytes(9))
    assert caught.value.errno == errno.EINVAL


def test_choice_of_a_configuration() -> None:
    def chosen(*kinds: tuple[int, int], device_class: int = 0) -> int | None:
        dev: Any = FakeDevice(Speed.HIGH, device_class)
        dev.configurations = [
            parse_configuration(
                dev, config_of(InterfaceDescriptor(0, 0, 0, kind), value=n, power=power)
            )
            for n, (kind, power) in enumerate(kinds, 1)
        ]
        config = choose_configuration(dev)
        return config.desc.bConfigurationValue if config else None

    assert chosen((2, 50)) == 1
    assert chosen((0xFF, 50), (2, 50)) == 2
    assert chosen((0xFF, 50), (0xFF, 50)) == 1
    assert chosen((2, 251), (0xFF, 50)) == 2
    assert chosen((2, 251)) is None
    assert chosen((0xFF, 50), (2, 50), device_class=0xFF) == 1


def test_drivers_bind_and_unbind(rig: Rig) -> None:
    class Vendor(UsbDriver):
        name = "vendor"
        id_table = (UsbDeviceId(idVendor=1), UsbDeviceId(idVendor=0x1234, driver_info="mine"))

        def __init__(self) -> None:
            self.events: list[Any] = []

        async def probe(self, interface: UsbInterface, line: UsbDeviceId) -> None:
            self.events.append(line.driver_info)
            with pytest.raises(OSError, match="belongs to vendor"):
                usb_driver_claim_interface(self, interface, None)

        async def disconnect(self, interface: UsbInterface) -> None:
            self.events.append("gone")

    async def main() -> None:
        driver = Vendor()
        dev = await rig.plug()
        assert dev.drivers == []
        await usb_register(rig.host.bus, driver)
        assert dev.drivers == ["vendor"]
        with pytest.raises(OSError, match="already"):
            await usb_register(rig.host.bus, driver)
        await usb_set_configuration(dev, -1)
        assert dev.state == DeviceState.ADDRESS
        await usb_set_configuration(dev, 1)
        await usb_deregister(rig.host.bus, driver)
        assert driver.events == ["mine", "gone", "mine", "gone"]
        with pytest.raises(OSError, match="there are"):
            await usb_set_configuration(dev, 7)

    rig.run(main)


def test_strings(rig: Rig) -> None:
    rig.device.strings[3] = "naïve 日本"

    async def main() -> None:
        dev: UsbDevice = await rig.plug()
        assert await usb_string(dev, 3) == "naïve 日本"
        with pytest.raises(OSError, match="setup") as caught:
            await usb_string(dev, 9)
        assert caught.value.errno == errno.EPIPE

    rig.run(main)


def test_lsusb() -> None:
    rig = make()

    async def main() -> None:
        await rig.plug()
        text = rig.host.lsusb()
        for line in (
            "Bus 001 Device 001: ID 1234:5678 Maker Thing",
            "Negotiated speed: high-speed",
            "  bcdUSB               2.00",
            "  idVendor           0x1234 Maker",
            "  iProduct                2 Thing",
            "    wTotalLength       0x004b",
            "    MaxPower              100mA",
            "    Interface Association:",
            "      bInterfaceClass         2 Communications",
            "      CDC Header:",
            "        bcdCDC               1.10",
            "      CDC Call Management:",
            "        bDataInterface          1",
            "          line coding and serial state",
            "      CDC Union:",
            "        bMasterInterface        0",
            "        bSlaveInterface         1",
            "        bEndpointAddress     0x83  EP 3 IN",
            "          Transfer Type            Interrupt",
            "        wMaxPacketSize     0x0200  1x 512 bytes",
        ):
            assert line in text.splitlines(), line

    rig.run(main)


def test_empty_host(rig: Rig) -> None:
    assert rig.host.lsusb() == ""
    assert isinstance(rig.device, MockDevice)
