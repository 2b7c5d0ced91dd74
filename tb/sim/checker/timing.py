# SPDX-License-Identifier: Apache-2.0
"""Limits of time on the wire, in picoseconds (USB 2.0 sections 7.1.18 and 7.1.19)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "HIGH", "Limits"]


@dataclass(frozen=True)
class Limits:
    """Limits of one speed; gaps are from the end of EOP to the first bit of SYNC.

    Attributes:
        answer_min, answer_max: from the other side's packet to the answer.
        own_min: from the host's packet to its next one.
        follow_max: from a token of the host to its data.
        timeout_min: silence after which the host may go on.
        timeout_max: silence after which the device must have given up waiting for a handshake.
        frame: from SOF to SOF.
        frame_tolerance: of that.
        payload: largest payload of any packet, bytes.
        high: high speed.
    """

    answer_min: int
    answer_max: int
    own_min: int
    follow_max: int
    timeout_min: int
    timeout_max: int
    frame: int
    frame_tolerance: int
    payload: int
    high: bool


def _limits(bit: float, bits: tuple[float, ...], frame: int, payload: int, high: bool) -> Limits:
    values = [round(bit * count) for count in bits]
    return Limits(
        answer_min=values[0],
        answer_max=values[1],
        own_min=values[2],
        follow_max=values[3],
        timeout_min=values[4],
        timeout_max=values[5],
        frame=frame,
        frame_tolerance=frame // 2000,
        payload=payload,
        high=high,
    )


# One bit time of grace for time stamps that are rounded to a clock.
HIGH = _limits(1e6 / 480, (7, 193, 87, 193, 735, 817), 125_000_000, 1024, True)

# Full-speed gaps count from the SE0-to-J edge, one bit time before the end of EOP; a tenth of a
# bit time is grace. 7.5 bit times hold for a device with a captive cable.
FULL = _limits(1e6 / 12, (0.9, 6.6, 0.9, 6.6, 14.9, 17.1), 1_000_000_000, 1023, False)
