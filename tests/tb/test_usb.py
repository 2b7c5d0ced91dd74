# SPDX-License-Identifier: Apache-2.0
"""Chapter 9 descriptors against an independent implementation."""

from __future__ import annotations

import pytest
from usb_protocol.types.descriptors import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)

from tb import usb


def test_descriptors_agree_with_an_independent_parser() -> None:
    device = usb.DeviceDescriptor(idVendor=0x1D6B, idProduct=0x0104, bNumConfigurations=1)
    theirs = DeviceDescriptor.parse(bytes(device))
    assert (theirs.idVendor, theirs.idProduct, theirs.bNumConfigurations) == (0x1D6B, 0x0104, 1)
    config = usb.ConfigDescriptor(wTotalLength=9, bNumInterfaces=2, bMaxPower=1)
    assert ConfigurationDescriptor.parse(bytes(config)).bNumInterfaces == 2
    interface = usb.InterfaceDescriptor(bInterfaceNumber=1, bInterfaceClass=10)
    assert InterfaceDescriptor.parse(bytes(interface)).bInterfaceClass == 10
    endpoint = usb.EndpointDescriptor(0x81, 2, 512, 0)
    assert EndpointDescriptor.parse(bytes(endpoint)).wMaxPacketSize == 512


def test_setup_packet() -> None:
    setup = usb.SetupPacket.parse(bytes.fromhex("8006000100004000"))
    assert setup.is_in
    assert setup.bRequest == usb.Request.GET_DESCRIPTOR
    assert setup.wLength == 64
    assert bytes(setup) == bytes.fromhex("8006000100004000")
    with pytest.raises(ValueError, match="8 bytes"):
        usb.SetupPacket.parse(b"123")


def test_walk_finds_every_descriptor_and_refuses_bad_lengths() -> None:
    data = bytes(usb.ConfigDescriptor()) + bytes(usb.RawDescriptor(0x24, b"\x00\x10\x01"))
    config, functional = usb.walk(data)
    assert isinstance(config, usb.ConfigDescriptor)
    assert isinstance(functional, usb.RawDescriptor)
    assert functional.body == b"\x00\x10\x01"
    for broken in (b"\x00\x02", b"\x09\x02\x00", b"\x01"):
        with pytest.raises(ValueError, match="bLength"):
            list(usb.walk(broken))


def test_strings() -> None:
    descriptor = usb.string_descriptor("Grüße 🎉")
    assert descriptor[0] == len(descriptor)
    assert usb.string_text(descriptor) == "Grüße 🎉"
    with pytest.raises(ValueError, match="126"):
        usb.string_descriptor("x" * 127)


def test_endpoint_fields() -> None:
    endpoint = usb.EndpointDescriptor(0x83, 3, 0x1400, 4)
    assert (endpoint.number, endpoint.is_in) == (3, True)
    assert endpoint.transfer_type is usb.TransferType.INTERRUPT
    assert (endpoint.maxp, endpoint.maxp_mult) == (1024, 3)
