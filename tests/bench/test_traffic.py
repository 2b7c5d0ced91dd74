# SPDX-License-Identifier: Apache-2.0
"""The traffic of `make bench` still runs: on the model, a little of it."""

from __future__ import annotations

from pathlib import Path

from .compare import run_traffic


def test_traffic_on_the_model(tmp_path: Path) -> None:
    result = run_traffic("model", 4, tmp_path)
    assert result["packets_per_microframe"] > 12
    assert result["in_packets_per_microframe"] > 12
    assert result["out_packets_per_microframe"] > 12
