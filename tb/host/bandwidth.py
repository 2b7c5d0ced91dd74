# SPDX-License-Identifier: Apache-2.0
"""Bus time of periodic transfers, and which (micro)frames have room (facts host-urb section 9)."""

from __future__ import annotations

import errno

from tb.kernel import os_error
from tb.usb import Speed

__all__ = ["PeriodicTable", "usb_calc_bus_time"]

_SLOTS = 1024
_LIMIT_NS = {"high": 100_000, "full": 900_000}
"""80 % of a microframe, 90 % of a frame."""
_HOST_DELAY = 1000
_HUB_SETUP = 333


def usb_calc_bus_time(speed: Speed, is_in: bool, is_iso: bool, size: int) -> int:
    """Return the worst-case time of a transaction in nanoseconds, -1 for a bogus speed.

    Args:
        speed: of the device.
        is_in: direction.
        is_iso: isochronous.
        size: payload bytes.
    """
    bits = 7 * 8 * size // 6
    if speed == Speed.LOW:
        per_bit, base = (67667, 64060) if is_in else (66700, 64107)
        return base + 2 * _HUB_SETUP + _HOST_DELAY + per_bit * (31 + 10 * bits) // 1000
    if speed == Speed.FULL:
        base = 9107 if not is_iso else 7268 if is_in else 6265
        return base + _HOST_DELAY + 8354 * (31 + 10 * bits) // 1000
    if speed == Speed.HIGH:
        overhead = 38 if is_iso else 55
        return (overhead * 8 * 2083 + 2083 * (3 + bits)) // 1000 + 5
    return -1


class PeriodicTable:
    """Nanoseconds that periodic endpoints have reserved per (micro)frame."""

    def __init__(self, speed: str) -> None:
        """Start empty, for "full" (frames) or "high" (microframes)."""
        self.limit = _LIMIT_NS[speed]
        self.load = [0] * _SLOTS

    def reserve(self, period: int, time_ns: int, name: str) -> int:
        """Take time in every `period`-th slot and return the phase, 0 to `period` - 1.

        The phase is the one whose fullest slot is the emptiest.

        Raises:
            OSError: ENOSPC if no phase has room.
        """
        period = min(period, _SLOTS)
        load = self.load
        phase = min(range(period), key=lambda one: max(load[one::period]))
        if max(load[phase::period]) + time_ns > self.limit:
            raise os_error(
                errno.ENOSPC,
                f"{name}: {time_ns} ns in every {period} (micro)frames do not fit; "
                f"{self.limit} ns may be reserved and {max(load[phase::period])} ns are",
            )
        for slot in range(phase, _SLOTS, period):
            load[slot] += time_ns
        return phase

    def release(self, period: int, phase: int, time_ns: int) -> None:
        """Give back what `reserve` took."""
        for slot in range(phase, _SLOTS, min(period, _SLOTS)):
            self.load[slot] -= time_ns
