# SPDX-License-Identifier: Apache-2.0
"""The recorded Linux driver with descriptor DMA: as driver_traces, on hardware that has it."""

from __future__ import annotations

from typing import Any

import driver_traces
from driver_traces import HOST, MEMORY, PROBE

__all__ = ["HOST", "MEMORY", "PROBE"]

PARAMETERS = {"DESC_DMA": 1}
RUNS = [{"args": ["linux_desc"]}]


async def main(bench: Any) -> None:
    await driver_traces.main(bench)
