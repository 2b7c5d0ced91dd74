# SPDX-License-Identifier: Apache-2.0
"""Choosing endpoints for descriptors, and descriptors for speeds (gadget-core.md 5 and 6)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tb.kernel import os_error
from tb.usb import (
    DIR_IN,
    Descriptor,
    EndpointCompanion,
    EndpointDescriptor,
    InterfaceDescriptor,
    RawDescriptor,
    Speed,
    TransferType,
)

from .endpoint import UsbEp, has_op
from .gadget import UsbGadget, gadget_is_dualspeed, gadget_is_superspeed

if TYPE_CHECKING:
    from .composite import UsbFunction

__all__ = [
    "DescriptorTable",
    "config_ep_by_speed",
    "config_ep_by_speed_and_alt",
    "function_descriptors",
    "usb_ep_autoconfig",
    "usb_ep_autoconfig_release",
    "usb_ep_autoconfig_reset",
    "usb_ep_autoconfig_ss",
    "usb_gadget_ep_match_desc",
]

log = logging.getLogger(__name__)

DescriptorTable = Sequence[Descriptor | RawDescriptor]


def usb_gadget_ep_match_desc(
    gadget: UsbGadget, ep: UsbEp, desc: EndpointDescriptor, comp: EndpointCompanion | None
) -> bool:
    """Tell whether an endpoint can do what a descriptor says (gadget-core.md 5.1)."""
    if ep.claimed:
        return False
    if not (ep.caps.dir_in if desc.is_in else ep.caps.dir_out):
        return False
    if desc.maxp > ep.maxpacket_limit:
        return False
    dual = gadget_is_dualspeed(gadget)
    if not dual and desc.maxp_mult > 1:
        return False
    kind = desc.transfer_type
    if kind == TransferType.ISOCHRONOUS:
        return ep.caps.type_iso and (dual or desc.maxp <= 1023)
    if kind == TransferType.BULK:
        streams = 0
        if comp is not None and gadget_is_superspeed(gadget):
            streams = comp.bmAttributes & 0x1F
        return ep.caps.type_bulk and streams <= ep.max_streams
    if kind == TransferType.INTERRUPT:
        return (ep.caps.type_int or ep.caps.type_bulk) and (dual or desc.maxp <= 64)
    return False


def usb_ep_autoconfig_ss(
    gadget: UsbGadget, desc: EndpointDescriptor, comp: EndpointCompanion | None
) -> UsbEp | None:
    """Claim an endpoint for a descriptor and write its address into it (gadget-core.md 5.2).

    Returns:
        The endpoint, None if there is none left that fits (S004-37 to S004-39).
    """
    ep = gadget.ops.match_ep(gadget, desc, comp) if has_op(gadget.ops, "match_ep") else None
    if ep is None:
        for one in gadget.ep_list:
            if usb_gadget_ep_match_desc(gadget, one, desc, comp):
                ep = one
                break
    if ep is None:
        return None
    if desc.wMaxPacketSize == 0:
        desc.wMaxPacketSize = ep.maxpacket_limit
    address = desc.bEndpointAddress & DIR_IN
    digits = ""
    for char in ep.name[2:]:
        if not char.isdigit():
            break
        digits += char
    if digits:
        address |= int(digits)
    elif address & DIR_IN:
        gadget.in_epnum += 1
        if gadget.in_epnum > 15:
            return None
        address |= gadget.in_epnum
    else:
        gadget.out_epnum += 1
        if gadget.out_epnum > 15:
            return None
        address |= gadget.out_epnum
    desc.bEndpointAddress = address
    ep.address = address
    ep.desc = None
    ep.comp_desc = None
    ep.claimed = True
    return ep


def usb_ep_autoconfig(gadget: UsbGadget, desc: EndpointDescriptor) -> UsbEp | None:
    """Claim an endpoint for a full-speed descriptor; bulk packets become at most 64 bytes."""
    ep = usb_ep_autoconfig_ss(gadget, desc, None)
    if ep is not None and desc.transfer_type == TransferType.BULK:
        desc.wMaxPacketSize = min(ep.maxpacket_limit, 64)
    return ep


def usb_ep_autoconfig_release(ep: UsbEp) -> None:
    """Give a claimed endpoint back."""
    ep.claimed = False
    ep.driver_data = None


def usb_ep_autoconfig_reset(gadget: UsbGadget) -> None:
    """Give every endpoint back, so that the next configuration can use them."""
    for ep in gadget.ep_list:
        ep.claimed = False
        ep.driver_data = None
    gadget.in_epnum = 0
    gadget.out_epnum = 0


def function_descriptors(function: UsbFunction, speed: Speed) -> DescriptorTable | None:
    """Return a function's table for a speed, else that of the next lower one it has."""
    tables = (
        (Speed.SUPER_PLUS, function.ssp_descriptors),
        (Speed.SUPER, function.ss_descriptors),
        (Speed.HIGH, function.hs_descriptors),
        (Speed.UNKNOWN, function.fs_descriptors),
    )
    for least, table in tables:
        if speed >= least and table is not None:
            return table
    return None


def config_ep_by_speed(gadget: UsbGadget, function: UsbFunction, ep: UsbEp) -> None:
    """Set an endpoint's descriptor for the present speed, alternate setting 0.

    Raises:
        OSError: EIO if the function has no descriptor for the endpoint.
    """
    config_ep_by_speed_and_alt(gadget, function, ep, 0)


def config_ep_by_speed_and_alt(
    gadget: UsbGadget, function: UsbFunction, ep: UsbEp, alt: int
) -> None:
    """Set an endpoint's descriptor for the present speed (gadget-core.md section 6).

    Raises:
        OSError: EIO if the function has no descriptor for the endpoint in that setting.
    """
    table = function_descriptors(function, gadget.speed)
    if gadget is None or function is None or ep is None or table is None:
        raise os_error(errno.EIO, "gadget, function, endpoint and descriptors are wanted")
    where = -1
    for index, one in enumerate(table):
        if isinstance(one, InterfaceDescriptor) and one.bAlternateSetting == alt:
            where = index
            break
    found: EndpointDescriptor | None = None
    if where >= 0:
        for index in range(where, len(table)):
            one = table[index]
            if isinstance(one, EndpointDescriptor) and one.bEndpointAddress == ep.address:
                found, where = one, index
                break
    if found is None:
        raise os_error(
            errno.EIO,
            f"{function.name}: no descriptor of {ep.name} (0x{ep.address:02x}) in alternate "
            f"setting {alt} at {gadget.speed.text}",
        )
    ep.maxpacket = found.maxp
    ep.desc = found
    ep.comp_desc = None
    ep.maxburst = 0
    ep.mult = 1
    kind = found.transfer_type
    if gadget.speed == Speed.HIGH and kind in (TransferType.ISOCHRONOUS, TransferType.INTERRUPT):
        ep.mult = found.maxp_mult
    if gadget.speed < Speed.SUPER:
        return
    companion = table[where + 1] if where + 1 < len(table) else None
    if not isinstance(companion, EndpointCompanion):
        raise os_error(errno.EIO, f"{function.name}: {ep.name} has no SuperSpeed companion")
    ep.comp_desc = companion
    if kind == TransferType.ISOCHRONOUS:
        ep.mult = (companion.bmAttributes & 3) + 1
    if kind == TransferType.CONTROL:
        ep.maxburst = 1
        if companion.bMaxBurst:
            log.error("%s: a control endpoint does not burst", ep.name)
    else:
        ep.maxburst = companion.bMaxBurst + 1
