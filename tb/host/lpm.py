# SPDX-License-Identifier: Apache-2.0
"""Link power management (USB 2.0 ECN LPM): L1 of the root port, and when it is entered.

The port does what an xHCI port does by itself ("hardware LPM"): after `l1_params.timeout` without
a transfer it sends an LPM token, and it resumes the link when a URB is submitted or the device
signals remote wake-up. Isochronous, control and OUT URBs keep the link awake, and so does an IN
URB, unless the device has answered NAK and can wake the host (bmAttributes bit 5 of its
configuration). A device that is not ready (NYET) is asked again after the same time, doubled with
each NYET up to 16 times as long, until something is transferred; one that refuses L1 (STALL) is
not asked again; after three tokens without an answer the port sees to it that the device is awake
and goes on as after NYET.

Names and values are Linux's: `usb_enable_usb2_hardware_lpm` when a device has BESL, BESL 4 and
512 us unless the device says better. Linux counts `usb_disable_lpm` for U1 and U2 only; here it
keeps the link out of L1 too.
"""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pymodel.packets import BESL_PS, PID
from pymodel.wire import LineEvent, Transaction
from tb.kernel import Mutex, TimerHandle, WaitQueue, might_sleep, ms, os_error, sleep, us
from tb.usb import DescriptorType, DeviceState, Speed

if TYPE_CHECKING:
    from .device import UsbDevice
    from .hcd import Hcd

__all__ = [
    "L1Status",
    "RootPortLpm",
    "Usb2LpmParameters",
    "hub_set_initial_usb2_lpm_policy",
    "usb2_extension",
    "usb_device_supports_lpm",
    "usb_disable_lpm",
    "usb_disable_usb2_hardware_lpm",
    "usb_enable_lpm",
    "usb_enable_usb2_hardware_lpm",
]

log = logging.getLogger(__name__)

USB_LPM_SUPPORT, USB_BESL_SUPPORT = 1 << 1, 1 << 2
USB_BESL_BASELINE_VALID, USB_BESL_DEEP_VALID = 1 << 3, 1 << 4
_DEFAULT_BESL, _L1_TIMEOUT = 4, 512
_USB_2_0_EXTENSION = 2
_ATT_WAKEUP = 0x20
_L1 = 1
_TRIES = 3
_MOST_PATIENCE = 4
# Times of the addendum: how long a device waits for the token's repetition, then stays in L1 at
# least; what it needs after resume.
_TOKEN_RETRY = us(10)
_RESIDENCY = us(50)
_RECOVERY = us(10)
_HIRD_PS = tuple(us(50 + 75 * hird) for hird in range(16))


class L1Status(StrEnum):
    """What came of an LPM token (xHCI's L1 status)."""

    SUCCESS = "success"
    NYET = "nyet"
    NOT_SUPPORTED = "not supported"
    TIMEOUT = "timeout"


_STATUS = {"ACK": L1Status.SUCCESS, "NYET": L1Status.NYET, "STALL": L1Status.NOT_SUPPORTED}


@dataclass
class Usb2LpmParameters:
    """Settings of a device (sysfs: power/usb2_lpm_besl, power/usb2_lpm_l1_timeout).

    Attributes:
        besl: used where the device recommends none.
        timeout: microseconds without a transfer before L1.
    """

    besl: int = _DEFAULT_BESL
    timeout: int = _L1_TIMEOUT


def usb2_extension(bos: bytes) -> int:
    """Return bmAttributes of the USB 2.0 extension descriptor in a BOS, 0 if it has none."""
    at = bos[0] if bos else 0
    while at + 2 < len(bos) and bos[at] >= 3:
        size = bos[at]
        kind = (bos[at + 1], bos[at + 2])
        whole = size >= 7 and at + 7 <= len(bos)
        if kind == (DescriptorType.DEVICE_CAPABILITY, _USB_2_0_EXTENSION) and whole:
            return int.from_bytes(bos[at + 3 : at + 7], "little")
        at += size
    return 0


def usb_device_supports_lpm(dev: UsbDevice) -> bool:
    """Tell whether a full- or high-speed device says that it has LPM."""
    return dev.speed in (Speed.FULL, Speed.HIGH) and bool(usb2_extension(dev.bos) & USB_LPM_SUPPORT)


def _besl(dev: UsbDevice, deep: bool) -> tuple[int, int]:
    """Return the token's field and how long resume will be driven."""
    bits = usb2_extension(dev.bos)
    if bits & USB_BESL_SUPPORT:
        besl = dev.l1_params.besl
        if deep and bits & USB_BESL_DEEP_VALID:
            besl = bits >> 12 & 0xF
        elif bits & USB_BESL_BASELINE_VALID:
            besl = bits >> 8 & 0xF
        return besl, BESL_PS[besl]
    wanted = BESL_PS[dev.l1_params.besl]
    hird = next((n for n, time in enumerate(_HIRD_PS) if time >= wanted), len(_HIRD_PS) - 1)
    return hird, _HIRD_PS[hird]


class RootPortLpm:
    """The link of the root port.

    Attributes:
        state: "L0", "L1", or "entering", "resuming" between them; in all but L0 the schedule
            rests.
        status: of the last LPM token, None before the first.
        naps: how often L1 was entered.
        dev: the device for which L1 is entered automatically, or None.
    """

    def __init__(self, hcd: Hcd) -> None:
        """Belong to a host controller driver."""
        self.hcd = hcd
        self.state = "L0"
        self.status: L1Status | None = None
        self.naps = 0
        self.dev: UsbDevice | None = None
        self.lock = Mutex("link power")
        self.idle = WaitQueue("schedule at rest")
        self._patience = 0
        self._awake_since = 0
        self._entered_at = 0
        self._resume_time = 0
        self._wanted = False
        self._waking = False
        self._timer: TimerHandle | None = None
        hcd.wire.on_line(self._on_line)

    # -- what the schedule tells -------------------------------------------------------------

    def submitted(self) -> None:
        """A URB was queued: it needs the link."""
        if self.state != "L0":
            self._wanted = True
            self.wake()

    def forget(self) -> None:
        """The bus was reset, or the device is gone: the link is in L0."""
        self.state = "L0"
        self.watch(None)
        self.idle.wake_up()

    def _on_line(self, event: LineEvent) -> None:
        if event.kind == "remote_wakeup":
            self.wake()

    # -- automatic entry ---------------------------------------------------------------------

    def watch(self, dev: UsbDevice | None) -> None:
        """Enter L1 whenever a device has been idle; None: never."""
        self.dev = dev
        self._awake_since = self.hcd.kernel.now
        self._arm()

    def _due(self, dev: UsbDevice) -> int:
        """Return when L1 is to be entered if nothing happens until then."""
        active = self.hcd.active_at
        if active > self._awake_since:
            self._patience = 0
        return max(active, self._awake_since) + (us(dev.l1_params.timeout) << self._patience)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.dev is not None and self.state == "L0":
            kernel = self.hcd.kernel
            wait = self._due(self.dev) - kernel.now
            if wait <= 0:
                # URBs keep the link awake: look again later.
                wait = us(self.dev.l1_params.timeout)
            self._timer = kernel.call_later(wait, self._expired)

    def _expired(self) -> None:
        self._timer = None
        dev = self.dev
        if dev is None or self.state != "L0":
            return
        if self.hcd.kernel.now >= self._due(dev) and self._quiet(dev):
            self.hcd.kernel.spawn(self._nap(dev), name="L1 entry")
        else:
            self._arm()

    def _quiet(self, dev: UsbDevice) -> bool:
        """Tell whether nothing is to be transferred as long as the device does not ask for it."""
        config = dev.actconfig
        may_wake = config is not None and bool(config.desc.bmAttributes & _ATT_WAKEUP)
        return all(
            may_wake and queue.is_in and queue.naks > 0 for queue in self.hcd.queues if queue.urbs
        )

    async def _nap(self, dev: UsbDevice) -> None:
        async with self.lock:
            if dev is not self.dev or self.state != "L0":
                return
            since = self.hcd.active_at
            status = await self._enter(dev, deep=False, remote_wake=True, since=since)
        if status is L1Status.NOT_SUPPORTED:
            log.info("L1 is not supported, hardware LPM is off")
            _stop_asking(dev)
        elif status in (L1Status.NYET, L1Status.TIMEOUT):
            self._patience = min(self._patience + 1, _MOST_PATIENCE)
        self._arm()

    # -- entry and exit ----------------------------------------------------------------------

    async def suspend(
        self, dev: UsbDevice, *, deep: bool = False, remote_wake: bool = True
    ) -> L1Status:
        """Ask a device to enter L1 now.

        Args:
            dev: the device.
            deep: use the BESL that it recommends for deep sleep.
            remote_wake: it may wake the host.

        Raises:
            OSError: EBUSY while URBs are under way, ENODEV if it is gone.
        """
        might_sleep()
        async with self.lock:
            if dev.state <= DeviceState.POWERED:
                raise os_error(errno.ENODEV, "L1: the device is not there")
            if self.state == "L1":
                return L1Status.SUCCESS
            if any(queue.urbs and not (queue.is_in and queue.naks) for queue in self.hcd.queues):
                raise os_error(errno.EBUSY, "L1: URBs are under way")
            status = await self._enter(dev, deep=deep, remote_wake=remote_wake)
        self._arm()
        if status is None:
            raise os_error(errno.EBUSY, "L1: transactions do not come back from the wire")
        return status

    async def _enter(
        self, dev: UsbDevice, *, deep: bool, remote_wake: bool, since: int | None = None
    ) -> L1Status | None:
        """Let the schedule come to rest and send the token; None: something came between."""
        hcd = self.hcd
        self.state = "entering"
        self._wanted = False
        rest = await self.idle.wait_event_timeout(lambda: not hcd.outstanding, ms(5))
        if self.state != "entering":
            return None
        if not rest or (since is not None and hcd.active_at != since):
            self._awake()
            return None
        besl, self._resume_time = _besl(dev, deep)
        status = await self._ask(dev, _L1 | besl << 4 | remote_wake << 8)
        if self.state != "entering":
            return status
        self.status = status
        if status is L1Status.SUCCESS:
            self.naps += 1
            self.state = "L1"
            self._entered_at = hcd.kernel.now
            if self._wanted:
                self.wake()
        else:
            if status is L1Status.TIMEOUT:
                await self._make_sure()
            self._awake()
        return status

    async def _ask(self, dev: UsbDevice, attributes: int) -> L1Status:
        data = attributes.to_bytes(2, "little")
        for _ in range(_TRIES):
            token = Transaction(PID.EXT, dev.devnum, 0, pid=PID.LPM, data=data)
            await self.hcd.wire.execute(token)
            if token.handshake in _STATUS:
                return _STATUS[token.handshake]
        return L1Status.TIMEOUT

    async def _make_sure(self) -> None:
        """No answer was heard: a device that gave one is in L1 soon, and has to be woken."""
        wire = self.hcd.wire
        await sleep(_TOKEN_RETRY + us(2))
        # At high speed one that is awake leaves the line alone; at full speed nobody can tell.
        if self.state == "entering" and (wire.speed == "full" or wire.line_state == "J"):
            await wire.resume(self._resume_time)
            await sleep(_RECOVERY)

    def wake(self) -> None:
        """Resume the link soon."""
        if self.state == "L1" and not self._waking:
            self._waking = True
            self.hcd.kernel.spawn(self._wake(), name="L1 resume")

    async def _wake(self) -> None:
        try:
            await self.resume()
        except OSError as error:
            log.warning("%s", error.strerror)
        finally:
            self._waking = False

    async def resume(self) -> None:
        """Bring the link back to L0.

        Raises:
            OSError: EBUSY if the device does not come back.
        """
        might_sleep()
        hcd = self.hcd
        async with self.lock:
            if self.state != "L1":
                return
            self.state = "resuming"
            early = self._entered_at + _TOKEN_RETRY + _RESIDENCY - hcd.kernel.now
            if early > 0:
                await sleep(early)
            if self.state == "resuming" and hcd.wire.connected:
                await hcd.wire.resume(self._resume_time)
            if self.state == "resuming":
                await sleep(_RECOVERY)
            gone = self.state != "resuming" or not hcd.wire.connected
            self._awake()
        self._arm()
        if gone:
            raise os_error(errno.EBUSY, "L1: the device went away during resume")

    def _awake(self) -> None:
        self.state = "L0"
        self._awake_since = self.hcd.kernel.now
        self.hcd.go_on()


def _stop_asking(dev: UsbDevice) -> None:
    """No automatic L1 any more; the link stays as it is."""
    dev.usb2_hw_lpm_enabled = False
    lpm = dev.bus.hcd.lpm
    if lpm.dev is dev:
        lpm.watch(None)


def _follow(dev: UsbDevice) -> None:
    """Let the port know what the flags and the count come to."""
    lpm = dev.bus.hcd.lpm
    if dev.usb2_hw_lpm_enabled and not dev.lpm_disable_count:
        if lpm.dev is not dev:
            lpm.watch(dev)
    elif lpm.dev is dev:
        lpm.watch(None)


def usb_enable_usb2_hardware_lpm(dev: UsbDevice) -> None:
    """Let the port enter L1 by itself (sysfs: power/usb2_hardware_lpm).

    Raises:
        OSError: EPERM if it is not allowed or the device has no LPM.
    """
    if not dev.usb2_hw_lpm_capable or not dev.usb2_hw_lpm_allowed:
        raise os_error(errno.EPERM, "hardware LPM: the device has no LPM, or it is not allowed")
    dev.usb2_hw_lpm_enabled = True
    _follow(dev)


async def usb_disable_usb2_hardware_lpm(dev: UsbDevice) -> None:
    """Enter L1 no more; the link is in L0 afterwards.

    Raises:
        OSError: EBUSY if it cannot be woken.
    """
    if dev.usb2_hw_lpm_enabled:
        _stop_asking(dev)
        await dev.bus.hcd.lpm.resume()


async def usb_disable_lpm(dev: UsbDevice) -> None:
    """Keep the link out of L1 until `usb_enable_lpm` was called as often.

    Raises:
        OSError: EBUSY if it cannot be woken; then nothing is counted.
    """
    if not dev.lpm_capable:
        return
    dev.lpm_disable_count += 1
    _follow(dev)
    try:
        await dev.bus.hcd.lpm.resume()
    except OSError:
        usb_enable_lpm(dev)
        raise


def usb_enable_lpm(dev: UsbDevice) -> None:
    """Undo one `usb_disable_lpm`."""
    if not dev.lpm_capable:
        return
    if not dev.lpm_disable_count:
        log.warning("usb_enable_lpm without usb_disable_lpm")
        return
    dev.lpm_disable_count -= 1
    _follow(dev)


def hub_set_initial_usb2_lpm_policy(dev: UsbDevice) -> None:
    """Decide for a new device: hardware LPM if it has BESL, as devices with HIRD alone err."""
    hcd = dev.bus.hcd
    dev.usb2_hw_lpm_capable = hcd.hw_lpm_support and dev.lpm_capable
    dev.usb2_hw_lpm_besl_capable = bool(usb2_extension(dev.bos) & USB_BESL_SUPPORT)
    if dev.usb2_hw_lpm_capable and dev.usb2_hw_lpm_besl_capable:
        dev.usb2_hw_lpm_allowed = True
        usb_enable_usb2_hardware_lpm(dev)
