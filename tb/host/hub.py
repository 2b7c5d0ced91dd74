# SPDX-License-Identifier: Apache-2.0
"""The root port: connection, debounce, reset, enumeration, removal (facts host-urb section 11)."""

from __future__ import annotations

import errno
import logging

from tb.controller import LineEvent
from tb.kernel import Mutex, WaitQueue, might_sleep, os_error, sleep
from tb.usb import (
    DIR_IN,
    BosDescriptor,
    DescriptorType,
    DeviceDescriptor,
    DeviceState,
    EndpointDescriptor,
    Request,
    Speed,
)

from .core import UsbBus, new_device
from .device import UsbDevice
from .driver import bind_driver, unbind_driver
from .lpm import (
    hub_set_initial_usb2_lpm_policy,
    usb_device_supports_lpm,
    usb_enable_usb2_hardware_lpm,
)
from .message import (
    USB_CTRL_TIMEOUT,
    disable_device,
    disable_endpoint,
    enable_interface,
    usb_control_msg,
    usb_get_descriptor,
    usb_set_interface,
)
from .urb import usb_rcvctrlpipe, usb_sndctrlpipe

__all__ = ["RootPort", "usb_reset_device"]

log = logging.getLogger(__name__)

_PORT_INIT_TRIES = 4
_SET_ADDRESS_TRIES = 2
_GET_DESCRIPTOR_TRIES = 2
_EARLY_READS = 3
_EARLY_SIZE = 64
_PACKET_SIZES = (8, 16, 32, 64, 9)
_SPEEDS = {"full": Speed.FULL, "high": Speed.HIGH}


class RootPort:
    """The one port of the host, and the task that looks after it.

    Attributes:
        bus: the USB core.
        device: what is plugged in and has been registered, or None.
        powered: VBUS is on.
        last_error: why the last enumeration failed, or None.
        busy: enumeration or removal is under way.
    """

    def __init__(self, bus: UsbBus) -> None:
        """Watch the wire of a bus."""
        self.bus = bus
        self.device: UsbDevice | None = None
        self.powered = False
        self.last_error: OSError | None = None
        self.busy = False
        self._coming: UsbDevice | None = None
        self._changed = False
        self._wait = WaitQueue("port change")
        self.idle = WaitQueue("port idle")
        self.mutex = Mutex("port")
        bus.port = self
        bus.wire.on_line(self._on_line)

    @property
    def connected(self) -> bool:
        """A device shows its pull-up on a powered port."""
        return self.powered and self.bus.wire.connected

    @property
    def settled(self) -> bool:
        """Nothing is to be done."""
        return not self.busy and not self._changed

    def power(self, on: bool) -> None:
        """Switch VBUS; off takes the device away at once."""
        if on == self.powered:
            return
        self.powered = on
        self.bus.wire.vbus(on)
        if not on:
            self._gone()
        self.change()

    def change(self) -> None:
        """Have the port looked at."""
        self._changed = True
        self._wait.wake_up()

    def _on_line(self, event: LineEvent) -> None:
        if event.kind == "disconnect":
            self._gone()
        elif event.kind != "connect":
            return
        self.change()

    def _gone(self) -> None:
        """No transfer can succeed from now on: end them, refuse new ones."""
        for dev in (self.device, self._coming):
            if dev is not None:
                dev.state = DeviceState.NOTATTACHED
        self.bus.hcd.drop_all()

    async def run(self) -> None:
        """Look after the port for ever."""
        while True:
            await self._wait.wait_event(lambda: self._changed)
            self._changed = False
            self.busy = True
            async with self.mutex:
                await self._port_change()
            self.busy = False
            self.idle.wake_up()
            self.bus.changed.wake_up()

    async def _port_change(self) -> None:
        if self.device is not None:
            await self._disconnect(self.device)
        if not self.connected or not await self._debounce():
            return
        self.last_error = None
        for attempt in range(_PORT_INIT_TRIES):
            if attempt == _PORT_INIT_TRIES // 2:
                await self._power_cycle()
            try:
                await self._enumerate(attempt)
            except OSError as error:
                self.last_error = error
                log.info("try %d: %s", attempt + 1, error)
                if error.errno == errno.ENOTCONN or not self.connected:
                    break
            else:
                return
        if self.connected:
            log.warning("unable to enumerate USB device: %s", self.last_error)

    async def _power_cycle(self) -> None:
        """Nothing helped so far: switch VBUS off and on again."""
        self.bus.wire.vbus(False)
        await sleep(self.bus.times.debounce)
        self.bus.wire.vbus(True)
        await self._debounce()
        # The connection change that this made is our own.
        self._changed = not self.connected

    async def _debounce(self) -> bool:
        """Wait until the connection has been stable; False if it is not."""
        total = self.bus.times.debounce
        step = total // 4
        stable = passed = 0
        was = self.connected
        while passed < 20 * total:
            await sleep(step)
            passed += step
            if self.connected == was:
                stable += step
                if stable >= step * 4:
                    self._changed = False
                    return was
            else:
                was = self.connected
                stable = 0
        log.warning("connect-debounce failed, port is not stable")
        return False

    async def _disconnect(self, dev: UsbDevice) -> None:
        """Take a device out of the system (facts host-urb section 11, removal)."""
        log.info("USB disconnect, device number %d", dev.devnum)
        dev.state = DeviceState.NOTATTACHED
        self.bus.hcd.drop_all()
        self.device = None
        self.bus.devices.pop(dev.devnum, None)
        await disable_device(dev)
        await disable_endpoint(dev, dev.ep0)
        dev.state = DeviceState.NOTATTACHED

    # -- enumeration -------------------------------------------------------------------------

    async def _enumerate(self, attempt: int) -> None:
        speed = await self.reset()
        dev = UsbDevice(self.bus, speed)
        address = self.bus.take_address()
        self._coming = dev
        try:
            await self.init_device(dev, address, attempt < _PORT_INIT_TRIES // 2, first=False)
            await self._read_capabilities(dev)
            await new_device(dev)
            if dev.state == DeviceState.NOTATTACHED:
                raise os_error(errno.ENODEV, "the device went away while it was configured")
        except OSError:
            self.bus.devices.pop(dev.devnum, None)
            dev.state = DeviceState.NOTATTACHED
            await disable_device(dev)
            await disable_endpoint(dev, dev.ep0)
            dev.state = DeviceState.NOTATTACHED
            raise
        finally:
            self._coming = None
        self.device = dev
        hub_set_initial_usb2_lpm_policy(dev)
        self.bus.changed.wake_up()

    async def reset(self) -> Speed:
        """Reset the port and wait until the device may be addressed.

        Raises:
            OSError: ENOTCONN if no device is left.
        """
        lpm = self.bus.hcd.lpm
        async with lpm.lock:
            # It ends L1 as well.
            lpm.forget()
            speed = await self.bus.wire.reset(self.bus.times.reset)
        if speed is None or not self.connected:
            raise os_error(errno.ENOTCONN, "the device went away during the port reset")
        self.bus.hcd.set_speed(speed)
        await sleep(self.bus.reset_recovery)
        return _SPEEDS[speed]

    async def init_device(
        self, dev: UsbDevice, address: int, new_scheme: bool, *, first: bool
    ) -> None:
        """Bring a device from a port reset to state ADDRESS and read its descriptor.

        Args:
            dev: the device.
            address: what it shall get.
            new_scheme: read 64 bytes at address 0 and reset again before SET_ADDRESS.
            first: reset the port first.

        Raises:
            OSError: ENODEV (speed changed, or gone), EPROTO or EMSGSIZE (nonsense in the
                descriptor), EINVAL (descriptor short); else as `usb_control_msg`.
        """
        if first:
            await self._same_speed(dev)
        dev.devnum = 0
        dev.state = DeviceState.DEFAULT
        dev.ep0.enabled = True
        await set_packet_size0(dev, 64)
        size = 0
        if new_scheme:
            size = await self._early_read(dev, _EARLY_SIZE)
            await self._same_speed(dev)
        await self._set_address(dev, address)
        if not new_scheme:
            size = await self._early_read(dev, 8)
        if size not in (8, 16, 32, 64):
            raise os_error(errno.EMSGSIZE, f"bMaxPacketSize0 {size} at {dev.speed.text}")
        if size != 64 and dev.speed == Speed.HIGH:
            log.warning("bMaxPacketSize0 is %d; high-speed devices have 64", size)
        await set_packet_size0(dev, size)
        data = b""
        for _ in range(_GET_DESCRIPTOR_TRIES):
            try:
                data = await usb_get_descriptor(dev, DescriptorType.DEVICE, 0, 18)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    raise
                failure = error
            else:
                break
        else:
            raise failure
        if len(data) < DeviceDescriptor.size():
            raise os_error(errno.EINVAL, f"device descriptor of {len(data)} bytes instead of 18")
        dev.descriptor = DeviceDescriptor.parse(data)

    async def _same_speed(self, dev: UsbDevice) -> None:
        speed = await self.reset()
        if speed != dev.speed:
            raise os_error(errno.ENODEV, f"{dev.speed.text} before the reset, {speed.text} after")

    async def _early_read(self, dev: UsbDevice, size: int) -> int:
        """Return bMaxPacketSize0, read with the least that is known of the device."""
        failure: OSError | None = None
        for _ in range(_EARLY_READS):
            data = bytearray(size)
            try:
                moved = await usb_control_msg(
                    dev, usb_rcvctrlpipe(dev, 0), Request.GET_DESCRIPTOR, DIR_IN,
                    DescriptorType.DEVICE << 8, 0, data, size, USB_CTRL_TIMEOUT,
                )  # fmt: skip
            except OSError as error:
                failure = error
                if error.errno in (errno.ENODEV, errno.ESHUTDOWN):
                    break
                continue
            if moved >= 8 and data[1] == DescriptorType.DEVICE and data[7] in _PACKET_SIZES:
                return data[7]
            failure = os_error(
                errno.EPROTO, f"no device descriptor but {data[:moved].hex(' ') or 'nothing'}"
            )
        assert failure is not None
        raise failure

    async def _set_address(self, dev: UsbDevice, address: int) -> None:
        failure: OSError | None = None
        for attempt in range(_SET_ADDRESS_TRIES):
            if attempt:
                await sleep(self.bus.times.debounce * 2)
            try:
                await usb_control_msg(
                    dev, usb_sndctrlpipe(dev, 0), Request.SET_ADDRESS, 0, address, 0, None, 0,
                    USB_CTRL_TIMEOUT,
                )  # fmt: skip
            except OSError as error:
                failure = error
                if error.errno in (errno.ENODEV, errno.ESHUTDOWN):
                    break
                continue
            dev.devnum = address
            await sleep(self.bus.address_settle)
            if dev.state == DeviceState.NOTATTACHED:
                raise os_error(errno.ENODEV, "the device went away after SET_ADDRESS")
            dev.state = DeviceState.ADDRESS
            return
        assert failure is not None
        raise failure

    async def _read_capabilities(self, dev: UsbDevice) -> None:
        """Read BOS and qualifier; a device without them is none the worse."""
        dev.bos = dev.qualifier = b""
        if dev.descriptor.bcdUSB >= 0x0201:
            try:
                head = await usb_get_descriptor(dev, DescriptorType.BOS, 0, 5)
                total = BosDescriptor.parse(head).wTotalLength
                dev.bos = await usb_get_descriptor(dev, DescriptorType.BOS, 0, max(total, 5))
            except (OSError, ValueError) as error:
                log.info("no BOS descriptor: %s", error)
        dev.lpm_capable = usb_device_supports_lpm(dev)
        if dev.speed == Speed.FULL and dev.descriptor.bcdUSB >= 0x0200:
            try:
                dev.qualifier = await usb_get_descriptor(
                    dev, DescriptorType.DEVICE_QUALIFIER, 0, 10
                )
            except OSError as error:
                log.info("no device qualifier: %s", error)
            else:
                log.info("not running at top speed")

    async def re_enumerate(self) -> None:
        """Have the present device taken out and found again."""
        self.change()


async def set_packet_size0(dev: UsbDevice, size: int) -> None:
    """Use another packet size for endpoint 0."""
    ep0 = dev.ep0
    await dev.bus.hcd.disable(ep0)
    ep0.desc = EndpointDescriptor(0, 0, size, 0)
    ep0.maxp = size
    ep0.enabled = True
    dev.ep_in[0] = dev.ep_out[0] = ep0


async def usb_reset_device(dev: UsbDevice) -> None:
    """Reset the port of a device and bring it back to where it was.

    Drivers without pre_reset are unbound before and bound again after.

    Raises:
        OSError: EINVAL (gone or suspended), EINPROGRESS (a reset is under way), ENODEV (the
            device is no longer the same, or does not come back: it is enumerated anew).
    """
    might_sleep()
    if dev.state in (DeviceState.NOTATTACHED, DeviceState.SUSPENDED):
        raise os_error(errno.EINVAL, f"usb_reset_device: the device is {dev.state.name}")
    if dev.resetting:
        raise os_error(errno.EINPROGRESS, "usb_reset_device: a reset is under way")
    dev.resetting = True
    try:
        await _reset_device(dev)
    finally:
        dev.resetting = False


async def _reset_device(dev: UsbDevice) -> None:
    port = dev.bus.port
    assert port is not None
    config = dev.actconfig
    rebind = []
    for interface in dev.interfaces:
        driver = interface.driver
        if driver is not None and not await driver.pre_reset(interface):
            rebind.append(interface)
            await unbind_driver(interface)
    before = (dev.descriptor, [one.raw for one in dev.configurations], dev.serial)
    address = dev.devnum
    for ep in dev.endpoints:
        await dev.bus.hcd.disable(ep)
    try:
        async with port.mutex:
            await _come_back(port, dev, address, before)
            if config is None:
                return
            await usb_control_msg(
                dev, usb_sndctrlpipe(dev, 0), Request.SET_CONFIGURATION, 0,
                config.desc.bConfigurationValue, 0, None, 0, USB_CTRL_TIMEOUT,
            )  # fmt: skip
            dev.state = DeviceState.CONFIGURED
            for interface in config.interfaces:
                enable_interface(interface)
                alternate = interface.cur_altsetting.desc.bAlternateSetting
                if alternate:
                    await usb_set_interface(dev, interface.number, alternate)
    except OSError as error:
        log.warning("device does not come back after a reset: %s", error)
        await port.re_enumerate()
        raise os_error(errno.ENODEV, f"reset lost the device: {error}") from error
    if dev.usb2_hw_lpm_allowed:
        usb_enable_usb2_hardware_lpm(dev)
    for interface in config.interfaces:
        driver = interface.driver
        if driver is not None and not await driver.post_reset(interface):
            await unbind_driver(interface)
            rebind.append(interface)
    for interface in rebind:
        await bind_driver(interface)


async def _come_back(
    port: RootPort, dev: UsbDevice, address: int, before: tuple[object, list[bytes], str | None]
) -> None:
    """Address the device again and see that it is the same.

    Raises:
        OSError: ENODEV if it is not, or the last error of four tries.
    """
    failure: OSError | None = None
    for attempt in range(_PORT_INIT_TRIES):
        try:
            new_scheme = attempt < _PORT_INIT_TRIES // 2
            await port.init_device(dev, address, new_scheme, first=True)
        except OSError as error:
            failure = error
            if error.errno in (errno.ENOTCONN, errno.ENODEV):
                raise
        else:
            break
    else:
        assert failure is not None
        raise failure
    same = dev.descriptor == before[0]
    for index, raw in enumerate(before[1]):
        if same:
            now = await usb_get_descriptor(dev, DescriptorType.CONFIG, index, len(raw))
            same = now == raw
    if not same:
        raise os_error(errno.ENODEV, "descriptors differ from those before the reset")
