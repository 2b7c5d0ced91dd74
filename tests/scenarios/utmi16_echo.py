# SPDX-License-Identifier: Apache-2.0
"""The echo over a UTMI of 16 bits: the driver finds the width in GHWCFG4 and tells the core."""

from __future__ import annotations

import echo
from pymodel.gen.udc_regs import GUSBCFG

PARAMETERS = {"UTMI_WIDTH": 16, "LPM": 1}
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"core-mhz": "60"}]


async def main(bench) -> None:
    await echo.main(bench)
    config = await bench.hw.read32(GUSBCFG.OFFSET)
    assert GUSBCFG.PHYIf16.get(config) == 1
    assert GUSBCFG.USBTrdTim.get(config) == 5
