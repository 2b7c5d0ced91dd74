# SPDX-License-Identifier: Apache-2.0
"""The errors of `bus_errors` on a bus of 64 bits: two words share a beat."""

from __future__ import annotations

from bus_errors import main

__all__ = ["main"]

PROBE = False
HOST = False
PARAMETERS = {"DATA_WIDTH": 64}
RUNS = [{"lockstep": True}]
