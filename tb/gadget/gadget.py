# SPDX-License-Identifier: Apache-2.0
"""The gadget object, the driver bound to it, and the calls between them (gadget-core.md 3)."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tb.kernel import DmaPool, Event, os_error
from tb.usb import DeviceState, EndpointCompanion, EndpointDescriptor, SetupPacket, Speed

from .endpoint import UsbEp, has_op

if TYPE_CHECKING:
    from .udc_core import UsbUdc

__all__ = [
    "STATE_TEXT",
    "USB_DEFAULT_BESL_UNSPECIFIED",
    "UsbDcdConfigParams",
    "UsbGadget",
    "UsbGadgetDriver",
    "UsbGadgetOps",
    "gadget_find_ep_by_name",
    "gadget_is_dualspeed",
    "gadget_is_superspeed",
    "usb_gadget_activate",
    "usb_gadget_check_config",
    "usb_gadget_clear_selfpowered",
    "usb_gadget_connect",
    "usb_gadget_deactivate",
    "usb_gadget_disconnect",
    "usb_gadget_frame_number",
    "usb_gadget_set_remote_wakeup",
    "usb_gadget_set_selfpowered",
    "usb_gadget_set_state",
    "usb_gadget_udc_reset",
    "usb_gadget_udc_set_speed",
    "usb_gadget_vbus_connect",
    "usb_gadget_vbus_disconnect",
    "usb_gadget_vbus_draw",
    "usb_gadget_wakeup",
]

log = logging.getLogger(__name__)

STATE_TEXT = {
    DeviceState.NOTATTACHED: "not attached",
    DeviceState.ATTACHED: "attached",
    DeviceState.POWERED: "powered",
    DeviceState.RECONNECTING: "reconnecting",
    DeviceState.UNAUTHENTICATED: "unauthenticated",
    DeviceState.DEFAULT: "default",
    DeviceState.ADDRESS: "addressed",
    DeviceState.CONFIGURED: "configured",
    DeviceState.SUSPENDED: "suspended",
}
"""Texts of the sysfs file `state` (gadget-core.md 3.2)."""


USB_DEFAULT_BESL_UNSPECIFIED = 0xFF
"""The device recommends no BESL to the host."""


@dataclass(frozen=True)
class UsbDcdConfigParams:
    """What a controller tells about itself in the BOS descriptor.

    Attributes:
        besl_baseline, besl_deep: BESL that suits the device in general, and for deep sleep: 0 to
            15, or `USB_DEFAULT_BESL_UNSPECIFIED`.
    """

    besl_baseline: int = USB_DEFAULT_BESL_UNSPECIFIED
    besl_deep: int = USB_DEFAULT_BESL_UNSPECIFIED


class UsbGadgetOps:
    """Operations of a controller driver; what a subclass does not define is missing."""

    OPS_BASE = True

    async def get_frame(self, gadget: UsbGadget) -> int:
        """Return the (micro)frame number."""
        raise NotImplementedError

    async def wakeup(self, gadget: UsbGadget) -> None:
        """Signal remote wake-up."""

    async def func_wakeup(self, gadget: UsbGadget, interface: int) -> None:
        """Signal the wake-up of a function (SuperSpeed)."""

    def set_remote_wakeup(self, gadget: UsbGadget, on: bool) -> None:
        """Allow remote wake-up."""

    def set_selfpowered(self, gadget: UsbGadget, on: bool) -> None:
        """Note whether the device is self powered."""

    async def vbus_session(self, gadget: UsbGadget, on: bool) -> None:
        """VBUS came or went."""

    def vbus_draw(self, gadget: UsbGadget, milliamperes: int) -> None:
        """Limit the current drawn."""

    async def pullup(self, gadget: UsbGadget, on: bool) -> None:
        """Show the pull-up, or not."""

    async def udc_start(self, gadget: UsbGadget, driver: UsbGadgetDriver) -> None:
        """Start the controller for a driver."""
        raise NotImplementedError

    async def udc_stop(self, gadget: UsbGadget) -> None:
        """Stop it."""
        raise NotImplementedError

    async def udc_set_speed(self, gadget: UsbGadget, speed: Speed) -> None:
        """Do not connect faster than this."""

    async def udc_set_ssp_rate(self, gadget: UsbGadget, rate: int) -> None:
        """Do not connect faster than this SuperSpeedPlus rate."""

    def udc_async_callbacks(self, gadget: UsbGadget, on: bool) -> None:
        """Allow setup, reset, disconnect, suspend and resume callbacks."""

    def match_ep(
        self, gadget: UsbGadget, desc: EndpointDescriptor, comp: EndpointCompanion | None
    ) -> UsbEp | None:
        """Choose an endpoint for a descriptor."""
        return None

    def get_config_params(self, gadget: UsbGadget) -> UsbDcdConfigParams:
        """Return what the BOS descriptor tells of the controller."""
        return UsbDcdConfigParams()

    def check_config(self, gadget: UsbGadget) -> None:
        """Refuse a configuration that the hardware cannot do."""


class UsbGadgetDriver:
    """A driver of a gadget; subclasses override what they need.

    Attributes:
        function: name for logs and sysfs.
        max_speed: fastest speed that the driver can do.
        udc_name: the one UDC it wants, None for the first free one.
        match_existing_only: registering fails if there is no free UDC now.
        bind_error: why the last bind failed, for messages.
    """

    OPS_BASE = True

    def __init__(self, function: str = "", max_speed: Speed = Speed.HIGH) -> None:
        """Not bound, any UDC."""
        self.function = function
        self.max_speed = max_speed
        self.udc_name: str | None = None
        self.match_existing_only = False
        self.is_bound = False
        self.bind_error: OSError | None = None

    async def bind(self, gadget: UsbGadget) -> None:
        """Set up for a gadget: claim endpoints, build descriptors."""

    async def unbind(self, gadget: UsbGadget) -> None:
        """Undo bind."""

    async def setup(self, gadget: UsbGadget, ctrl: SetupPacket) -> int:
        """Handle a control request; an OSError stalls ep0.

        Returns:
            0 or more: handled; 0x7FFF: the status stage waits (USB_GADGET_DELAYED_STATUS).
        """
        raise os_error(errno.EOPNOTSUPP, "no setup handler")

    async def disconnect(self, gadget: UsbGadget) -> None:
        """The host has gone."""

    async def reset(self, gadget: UsbGadget) -> None:
        """The host resets the bus."""

    async def suspend(self, gadget: UsbGadget) -> None:
        """The bus is suspended."""

    async def resume(self, gadget: UsbGadget) -> None:
        """The bus is resumed."""


class UsbGadget:
    """A device as its functions see it (gadget-core.md section 3).

    Attributes:
        ep_list: all endpoints but ep0, in the order in which autoconfig tries them.
        speed: speed of the link now.
        state: chapter 9 state; `state_changed` is set at each change.
        dma: allocator of memory that the controller reaches, None without DMA.
        mA: current drawn.
    """

    def __init__(self, ops: UsbGadgetOps, name: str, max_speed: Speed = Speed.HIGH) -> None:
        """Start unconnected, without endpoints."""
        self.ops = ops
        self.name = name
        self.max_speed = max_speed
        self.udc: UsbUdc | None = None
        self.ep0: UsbEp | None = None
        self.ep_list: list[UsbEp] = []
        self.speed = Speed.UNKNOWN
        self.state = DeviceState.NOTATTACHED
        self.state_changed = Event("gadget state")
        self.teardown = False
        self.dma: DmaPool | None = None
        self.driver_data: Any = None
        self.device_name = ""
        self.in_epnum = 0
        self.out_epnum = 0
        self.mA = 0
        self.sg_supported = False
        self.is_otg = False
        self.is_a_peripheral = False
        self.b_hnp_enable = False
        self.a_hnp_support = False
        self.a_alt_hnp_support = False
        self.host_request_flag = False
        self.quirk_ep_out_aligned_size = False
        self.quirk_altset_not_supp = False
        self.quirk_stall_not_supp = False
        self.quirk_zlp_not_supp = False
        self.is_selfpowered = False
        self.deactivated = False
        self.connected = False
        self.lpm_capable = False
        self.wakeup_capable = False
        self.wakeup_armed = False
        self.isoch_delay = 0


def gadget_is_dualspeed(gadget: UsbGadget) -> bool:
    """Tell whether the controller can do high speed."""
    return gadget.max_speed >= Speed.HIGH


def gadget_is_superspeed(gadget: UsbGadget) -> bool:
    """Tell whether the controller can do SuperSpeed."""
    return gadget.max_speed >= Speed.SUPER


def gadget_find_ep_by_name(gadget: UsbGadget, name: str) -> UsbEp | None:
    """Return the first endpoint of that name, None if there is none."""
    return next((ep for ep in gadget.ep_list if ep.name == name), None)


def _missing(gadget: UsbGadget, op: str) -> OSError:
    return os_error(errno.EOPNOTSUPP, f"{gadget.name}: the controller driver has no {op}")


async def usb_gadget_frame_number(gadget: UsbGadget) -> int:
    """Return the (micro)frame number."""
    return await gadget.ops.get_frame(gadget)


async def usb_gadget_wakeup(gadget: UsbGadget) -> None:
    """Signal remote wake-up.

    Raises:
        OSError: EOPNOTSUPP if the driver cannot.
    """
    if not has_op(gadget.ops, "wakeup"):
        raise _missing(gadget, "wakeup")
    await gadget.ops.wakeup(gadget)


def usb_gadget_set_remote_wakeup(gadget: UsbGadget, on: bool) -> None:
    """Allow remote wake-up.

    Raises:
        OSError: EOPNOTSUPP if the driver cannot.
    """
    if not has_op(gadget.ops, "set_remote_wakeup"):
        raise _missing(gadget, "set_remote_wakeup")
    gadget.ops.set_remote_wakeup(gadget, on)


def usb_gadget_set_selfpowered(gadget: UsbGadget) -> None:
    """Note that the device is self powered.

    Raises:
        OSError: EOPNOTSUPP if the driver cannot.
    """
    if not has_op(gadget.ops, "set_selfpowered"):
        raise _missing(gadget, "set_selfpowered")
    gadget.ops.set_selfpowered(gadget, True)


def usb_gadget_clear_selfpowered(gadget: UsbGadget) -> None:
    """Note that the device is bus powered.

    Raises:
        OSError: EOPNOTSUPP if the driver cannot.
    """
    if not has_op(gadget.ops, "set_selfpowered"):
        raise _missing(gadget, "set_selfpowered")
    gadget.ops.set_selfpowered(gadget, False)


async def usb_gadget_vbus_connect(gadget: UsbGadget) -> None:
    """Tell the driver that VBUS has come.

    Raises:
        OSError: EOPNOTSUPP if the driver does not want to know.
    """
    if not has_op(gadget.ops, "vbus_session"):
        raise _missing(gadget, "vbus_session")
    await gadget.ops.vbus_session(gadget, True)


async def usb_gadget_vbus_disconnect(gadget: UsbGadget) -> None:
    """Tell the driver that VBUS has gone.

    Raises:
        OSError: EOPNOTSUPP if the driver does not want to know.
    """
    if not has_op(gadget.ops, "vbus_session"):
        raise _missing(gadget, "vbus_session")
    await gadget.ops.vbus_session(gadget, False)


def usb_gadget_vbus_draw(gadget: UsbGadget, milliamperes: int) -> None:
    """Set the current drawn; `gadget.mA` follows.

    Raises:
        OSError: EOPNOTSUPP if the driver has no such op.
    """
    if not has_op(gadget.ops, "vbus_draw"):
        raise _missing(gadget, "vbus_draw")
    gadget.ops.vbus_draw(gadget, milliamperes)
    gadget.mA = milliamperes


async def usb_gadget_connect(gadget: UsbGadget) -> None:
    """Show the pull-up (S004-52, gadget-core.md 3.1).

    Raises:
        OSError: EOPNOTSUPP without a pullup op; else the driver's.
    """
    if not has_op(gadget.ops, "pullup"):
        raise _missing(gadget, "pullup")
    if gadget.connected:
        return
    udc = gadget.udc
    if gadget.deactivated or udc is None or not udc.allow_connect or not udc.started:
        # Remembered; activation or the bind of a driver will do it.
        gadget.connected = True
        return
    await gadget.ops.pullup(gadget, True)
    gadget.connected = True


async def usb_gadget_disconnect(gadget: UsbGadget) -> None:
    """Take the pull-up away and tell the driver (S004-53, gadget-core.md 3.1).

    Raises:
        OSError: EOPNOTSUPP without a pullup op; else the driver's.
    """
    if not has_op(gadget.ops, "pullup"):
        raise _missing(gadget, "pullup")
    if not gadget.connected:
        return
    udc = gadget.udc
    if gadget.deactivated or udc is None or not udc.started:
        gadget.connected = False
        return
    try:
        await gadget.ops.pullup(gadget, False)
        gadget.connected = False
    finally:
        if udc.driver is not None:
            await udc.driver.disconnect(gadget)


async def usb_gadget_deactivate(gadget: UsbGadget) -> None:
    """Hold the device off the bus until `usb_gadget_activate`."""
    if gadget.deactivated:
        return
    if gadget.connected:
        await usb_gadget_disconnect(gadget)
        gadget.connected = True
    gadget.deactivated = True


async def usb_gadget_activate(gadget: UsbGadget) -> None:
    """Undo `usb_gadget_deactivate`; connects if that was wanted meanwhile."""
    if not gadget.deactivated:
        return
    gadget.deactivated = False
    if gadget.connected:
        gadget.connected = False
        await usb_gadget_connect(gadget)


def usb_gadget_check_config(gadget: UsbGadget) -> None:
    """Ask the controller driver whether it can do what has been claimed.

    Raises:
        OSError: what the driver says.
    """
    if has_op(gadget.ops, "check_config"):
        gadget.ops.check_config(gadget)


async def usb_gadget_udc_set_speed(gadget: UsbGadget, speed: Speed) -> None:
    """Limit the speed to what driver and controller can both do (S004-51)."""
    wanted = gadget.max_speed if speed == Speed.UNKNOWN else min(speed, gadget.max_speed)
    if wanted == Speed.SUPER_PLUS and has_op(gadget.ops, "udc_set_ssp_rate"):
        await gadget.ops.udc_set_ssp_rate(gadget, 0)
    elif has_op(gadget.ops, "udc_set_speed"):
        await gadget.ops.udc_set_speed(gadget, wanted)


def usb_gadget_set_state(gadget: UsbGadget, state: DeviceState) -> None:
    """Change the chapter 9 state and wake whoever watches the sysfs file."""
    if gadget.state != state:
        log.debug("%s: state %s", gadget.name, STATE_TEXT[state])
    gadget.state = state
    if not gadget.teardown:
        gadget.state_changed.set()


async def usb_gadget_udc_reset(gadget: UsbGadget, driver: UsbGadgetDriver) -> None:
    """Tell the driver of a bus reset; the state is DEFAULT afterwards."""
    await driver.reset(gadget)
    usb_gadget_set_state(gadget, DeviceState.DEFAULT)
