# SPDX-License-Identifier: Apache-2.0
"""Bulk streams: the checks that hold below SuperSpeed (facts host-urb section 10, S001)."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from tb.kernel import might_sleep, os_error
from tb.usb import Speed

from .device import HostEndpoint, UsbInterface

__all__ = ["usb_alloc_streams", "usb_free_streams"]


async def usb_alloc_streams(
    interface: UsbInterface, endpoints: Sequence[HostEndpoint], num_streams: int
) -> int:
    """Allocate stream ids for bulk endpoints of a SuperSpeed device (S001-09).

    Returns:
        Number of usable stream ids.

    Raises:
        OSError: EINVAL below SuperSpeed: bulk streams exist since USB 3.0.
    """
    might_sleep()
    raise _no_streams(interface)


async def usb_free_streams(interface: UsbInterface, endpoints: Sequence[HostEndpoint]) -> None:
    """Free the stream ids of endpoints (S001-26).

    Raises:
        OSError: EINVAL below SuperSpeed, or if an endpoint has none.
    """
    might_sleep()
    raise _no_streams(interface)


def _no_streams(interface: UsbInterface) -> OSError:
    speed = interface.dev.speed
    if speed < Speed.SUPER:
        return os_error(
            errno.EINVAL, f"bulk streams need a SuperSpeed device, this one is {speed.text}"
        )
    return os_error(errno.EINVAL, "the host controller has no bulk streams")
