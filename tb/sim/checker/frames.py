# SPDX-License-Identifier: Apache-2.0
"""Numbers and spacing of SOF packets (USB 2.0 sections 8.4.3 and 7.1.12)."""

from __future__ import annotations

from tb.sim.checker.timing import Limits

__all__ = ["Frames"]


class Frames:
    """Follows the SOFs of one bus."""

    __slots__ = ("_number", "_repeat", "_time")

    def __init__(self) -> None:
        """Start without an SOF."""
        self.restart()

    def restart(self) -> None:
        """SOFs begin anew with any number (reset, resume, an SOF sent by hand)."""
        self._time: int | None = None
        self._number = -1
        self._repeat = -1

    def sof(self, time_ps: int, number: int, times: Limits) -> list[tuple[str, str]]:
        """Take in a good SOF and return what it broke as (rule, detail)."""
        broken: list[tuple[str, str]] = []
        last = self._time
        if last is not None:
            spacing = time_ps - last
            if spacing >= 2 * times.frame - times.frame_tolerance:
                # SOFs had been switched off: the count starts anew.
                self.restart()
            elif abs(spacing - times.frame) > times.frame_tolerance:
                broken.append(("sof-spacing", f"{spacing} ps after the last"))
        self._time = time_ps
        before = self._number
        self._number = number
        if before < 0:
            return broken
        if times.high and number == before:
            # How many of the eight went before the first one that was seen is not known.
            if self._repeat >= 0:
                self._repeat += 1
                if self._repeat > 8:
                    broken.append(("sof-number", f"frame {number} more than eight times"))
        elif number != before + 1 & 0x7FF:
            broken.append(("sof-number", f"{number} after {before}"))
            self._repeat = -1
        elif times.high:
            if 0 <= self._repeat < 8:
                broken.append(("sof-number", f"only {self._repeat} SOFs of frame {before}"))
            self._repeat = 1
        return broken
