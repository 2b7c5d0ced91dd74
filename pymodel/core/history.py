# SPDX-License-Identifier: Apache-2.0
"""What values were right over the last moments: hardware may show any of them, but no other."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["History"]

_CROWDED = 16


class History:
    """Step functions of time, remembered for a while.

    Attributes:
        keep: picoseconds for which a value is remembered after it has been replaced.
    """

    def __init__(self, keep: int) -> None:
        """Start with nothing."""
        self.keep = keep
        self._series: dict[Hashable, list[tuple[int, int]]] = {}

    def note(self, key: Hashable, value: int, time: int) -> bool:
        """Say what a value is from now on; returns whether that is new."""
        series = self._series.get(key)
        if series is None:
            self._series[key] = [(time, value)]
            return True
        if series[-1][1] == value:
            return False
        series.append((time, value))
        if len(series) > _CROWDED:
            horizon = time - self.keep
            old = 0
            while old + 1 < len(series) and series[old + 1][0] < horizon:
                old += 1
            del series[:old]
        return True

    def values(self, key: Hashable, since: int, until: int) -> list[int]:
        """Return every value that held at some moment from `since` to `until`, latest first."""
        found = []
        for time, value in reversed(self._series.get(key, ())):
            if time <= until:
                found.append(value)
            if time <= since:
                break
        return found

    def bits(self, key: Hashable, since: int, until: int) -> tuple[int, int]:
        """Return the bits that were 1 at some moment, and those that always were."""
        some, always = 0, -1
        for value in self.values(key, since, until):
            some |= value
            always &= value
        return some, always
