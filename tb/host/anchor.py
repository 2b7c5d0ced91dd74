# SPDX-License-Identifier: Apache-2.0
"""Anchors: sets of URBs that a driver wants to stop or wait for together."""

from __future__ import annotations

from tb.kernel import WaitQueue, ms

from .submit import usb_block_urb, usb_kill_urb, usb_poison_urb, usb_unlink_urb, usb_unpoison_urb
from .urb import Urb, usb_get_urb, usb_put_urb

__all__ = [
    "UsbAnchor",
    "init_usb_anchor",
    "usb_anchor_empty",
    "usb_anchor_resume_wakeups",
    "usb_anchor_suspend_wakeups",
    "usb_anchor_urb",
    "usb_get_from_anchor",
    "usb_kill_anchored_urbs",
    "usb_poison_anchored_urbs",
    "usb_scuttle_anchored_urbs",
    "usb_unanchor_urb",
    "usb_unlink_anchored_urbs",
    "usb_unpoison_anchored_urbs",
    "usb_wait_anchor_empty_timeout",
]


class UsbAnchor:
    """URBs in the order in which they were anchored; each is held by a reference.

    A URB leaves by itself when it completes.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.urbs: list[Urb] = []
        self.wait = WaitQueue("anchor")
        self.poisoned = False
        self.suspended = 0

    def check_wakeup(self) -> None:
        """Wake those who wait for an empty anchor."""
        if not self.suspended and not self.urbs:
            self.wait.wake_up()


def init_usb_anchor(anchor: UsbAnchor) -> None:
    """Make an anchor empty and unpoisoned, without touching what it held."""
    anchor.__init__()  # type: ignore[misc]


def usb_anchor_urb(urb: Urb, anchor: UsbAnchor) -> None:
    """Put a URB at the end; on a poisoned anchor it is rejected from now on."""
    usb_get_urb(urb)
    anchor.urbs.append(urb)
    urb.anchor = anchor
    if anchor.poisoned:
        urb.reject += 1


def usb_unanchor_urb(urb: Urb) -> None:
    """Take a URB off its anchor; harmless if it has none."""
    anchor = urb.anchor
    if anchor is None:
        return
    urb.anchor = None
    anchor.urbs.remove(urb)
    usb_put_urb(urb)
    anchor.check_wakeup()


async def usb_kill_anchored_urbs(anchor: UsbAnchor) -> None:
    """Kill all, newest first; returns when the anchor is empty."""
    while anchor.urbs:
        urb = anchor.urbs[-1]
        usb_get_urb(urb)
        await usb_kill_urb(urb)
        if urb.anchor is anchor:
            usb_unanchor_urb(urb)
        usb_put_urb(urb)


async def usb_poison_anchored_urbs(anchor: UsbAnchor) -> None:
    """Kill all, newest first, and reject them and whatever is anchored later."""
    anchor.poisoned = True
    for urb in reversed(anchor.urbs[:]):
        await usb_poison_urb(urb)


def usb_unpoison_anchored_urbs(anchor: UsbAnchor) -> None:
    """Accept again."""
    for urb in anchor.urbs:
        usb_unpoison_urb(urb)
    anchor.poisoned = False


def usb_unlink_anchored_urbs(anchor: UsbAnchor) -> None:
    """Unlink all, newest first, without waiting."""
    for urb in reversed(anchor.urbs[:]):
        try:
            usb_unlink_urb(urb)
        except OSError:
            continue


def usb_block_anchored_urbs(anchor: UsbAnchor) -> None:
    """Reject new submissions without touching what is under way."""
    for urb in anchor.urbs:
        usb_block_urb(urb)


def usb_anchor_suspend_wakeups(anchor: UsbAnchor) -> None:
    """Do not wake waiters until resumed; counts."""
    anchor.suspended += 1


def usb_anchor_resume_wakeups(anchor: UsbAnchor) -> None:
    """Wake waiters again."""
    anchor.suspended -= 1
    anchor.check_wakeup()


async def usb_wait_anchor_empty_timeout(anchor: UsbAnchor, timeout_ms: float) -> bool:
    """Wait at most `timeout_ms` milliseconds until it is empty; False if the time is over."""
    return await anchor.wait.wait_event_timeout(
        lambda: not anchor.urbs and not anchor.suspended, ms(timeout_ms)
    )


def usb_get_from_anchor(anchor: UsbAnchor) -> Urb | None:
    """Take the oldest URB off and return it with a reference; None if there is none."""
    if not anchor.urbs:
        return None
    urb = anchor.urbs[0]
    usb_get_urb(urb)
    usb_unanchor_urb(urb)
    return urb


def usb_scuttle_anchored_urbs(anchor: UsbAnchor) -> None:
    """Take all off without touching them."""
    while anchor.urbs:
        usb_unanchor_urb(anchor.urbs[-1])


def usb_anchor_empty(anchor: UsbAnchor) -> bool:
    """Tell whether it is empty."""
    return not anchor.urbs
