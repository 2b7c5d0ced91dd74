# SPDX-License-Identifier: Apache-2.0
"""Units of simulated time; the unit of the kernel is the picosecond, an integer."""

from __future__ import annotations

__all__ = ["ms", "ns", "ps_text", "sec", "us"]


def ns(value: float) -> int:
    """Return nanoseconds as picoseconds."""
    return round(value * 1_000)


def us(value: float) -> int:
    """Return microseconds as picoseconds."""
    return round(value * 1_000_000)


def ms(value: float) -> int:
    """Return milliseconds as picoseconds."""
    return round(value * 1_000_000_000)


def sec(value: float) -> int:
    """Return seconds as picoseconds."""
    return round(value * 1_000_000_000_000)


def ps_text(time: int) -> str:
    """Return a time as text with a readable unit."""
    for unit, size in (("s", 10**12), ("ms", 10**9), ("us", 10**6), ("ns", 10**3)):
        if time >= size:
            return f"{time / size:.6g} {unit}"
    return f"{time} ps"
