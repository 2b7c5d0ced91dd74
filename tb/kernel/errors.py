# SPDX-License-Identifier: Apache-2.0
"""Errors: `OSError` with Linux numbers, and breaches of the kernel's own rules."""

from __future__ import annotations

import errno
import os

__all__ = [
    "ENOTSUPP",
    "EPROBE_DEFER",
    "Deadlock",
    "SchedulingWhileAtomic",
    "errno_name",
    "os_error",
]

EPROBE_DEFER = 517
"""Driver asks to be probed again later (no such number in Python's errno)."""
ENOTSUPP = 524
"""Operation is not supported (no such number in Python's errno)."""

_OWN_NAMES = {EPROBE_DEFER: "EPROBE_DEFER", ENOTSUPP: "ENOTSUPP"}


class SchedulingWhileAtomic(RuntimeError):
    """Something that may sleep was called where sleeping is forbidden (S003-60)."""


class Deadlock(RuntimeError):
    """Nothing can happen any more, but somebody still waits."""


def errno_name(number: int) -> str:
    """Return the symbolic name of an errno, its number as text if it has none."""
    number = abs(number)
    return _OWN_NAMES.get(number) or errno.errorcode.get(number) or str(number)


def os_error(number: int, message: str) -> OSError:
    """Return an OSError with a positive errno and a message of ours.

    Args:
        number: errno, either sign.
        message: which object, what was wrong, what would be right.
    """
    number = abs(number)
    name = errno_name(number)
    if not message:
        message = os.strerror(number)
    return OSError(number, f"{message} [{name}]")
