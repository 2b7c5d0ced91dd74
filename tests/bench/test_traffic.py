# SPDX-License-Identifier: Apache-2.0
"""The traffic of `make bench` still runs, and fills microframes whatever the memory's latency."""

from __future__ import annotations

from pathlib import Path

import pytest

from .compare import LATENCY, run_traffic


def test_traffic_on_the_model(tmp_path: Path) -> None:
    result = run_traffic("model", 4, tmp_path)
    assert result["packets_per_microframe"] > 12
    assert result["fewest_in_a_microframe"] == {"in": 13, "out": 13, "both": 13}


@pytest.mark.verilator
@pytest.mark.parametrize("latency", [0, LATENCY])
def test_traffic_on_the_rtl(latency: int, tmp_path: Path) -> None:
    """As many bulk packets as fit, in every microframe between two requests."""
    result = run_traffic("verilator", 4, tmp_path, latency)
    assert result["fewest_in_a_microframe"] == {"in": 13, "out": 13, "both": 13}
    assert result["packets_per_microframe"] > 12.5
