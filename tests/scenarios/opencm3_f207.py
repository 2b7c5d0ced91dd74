# SPDX-License-Identifier: Apache-2.0
"""libopencm3 for the f207: it never writes DCTL and expects to connect (SOFT_DISCONNECT = 0)."""

from __future__ import annotations

from typing import Any

from firmware import run
from opencm3 import OpenCm3

PROBE = False
HOST = False
# besides SOFT_DISCONNECT this is the hardware of directions.py, which spares a build
PARAMETERS = {
    "NUM_IN_EPS": 5,
    "NUM_OUT_EPS": 4,
    "EP_DIRECTIONS": 1 << 2 | 2 << 4 | 2 << 10,
    "SOFT_DISCONNECT": 0,
}
RUNS = [{"mode": "slave", "speed": "full", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [{"mode": "slave", "speed": "full"}]


class F207(OpenCm3):
    """The f207's order of initialisation."""

    f107 = False


async def main(bench: Any) -> None:
    # endpoint 3 has both directions
    await run(bench, F207(bench, 3))
