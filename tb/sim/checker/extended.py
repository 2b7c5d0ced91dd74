# SPDX-License-Identifier: Apache-2.0
"""Extended tokens and the state L1 (USB 2.0 ECN "Link Power Management")."""

from __future__ import annotations

from pymodel.wire import LineEvent

__all__ = ["LinkPower"]

_ACK, _NYET, _STALL = 0x2, 0x6, 0xE
_US = 1_000_000
# TL1TokenRetry with a bit of grace for time stamps; TL1Residency.
_ENTRY_MIN, _ENTRY_MAX = 8 * _US - 20_000, 10 * _US + 20_000
_RESIDENCY = 50 * _US


class LinkPower:
    """Follows the link between L0 and L1.

    Attributes:
        asleep: the device has acknowledged an LPM token, and the host has heard it.
    """

    __slots__ = ("_since", "asleep")

    def __init__(self) -> None:
        """Start awake."""
        self.asleep = False
        self._since = 0

    def answered(self, pid: int, heard: bool, end_ps: int) -> str | None:
        """Take in the device's handshake to an LPM token; returns what is wrong with it."""
        if pid not in (_ACK, _NYET, _STALL):
            return f"PID {pid:#x} to an LPM token"
        if pid == _ACK and heard:
            self.asleep = True
            self._since = end_ps
        return None

    def line(self, event: LineEvent) -> tuple[str, str] | None:
        """Take in a line event; returns what it broke as (rule, detail)."""
        passed = event.time_ps - self._since
        if event.kind not in ("l1", "remote_wakeup"):
            if event.kind != "sleep":
                self.asleep = False
            return None
        if not self.asleep:
            return None
        if event.kind == "l1" and not _ENTRY_MIN <= passed <= _ENTRY_MAX:
            return "lpm-entry", f"{passed} ps after its ACK"
        if event.kind == "remote_wakeup" and passed < _ENTRY_MIN + _RESIDENCY:
            return "lpm-wake", f"{passed} ps after its ACK"
        return None
