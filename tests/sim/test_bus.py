# SPDX-License-Identifier: Apache-2.0
"""Register master, interrupt lines, DMA memory and trace ring, on both simulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from stub_bench import BACKENDS, stub_build
from tb.sim.launch import launch


@pytest.mark.parametrize("backend", BACKENDS)
def test_bus_side(backend: str, tmp_path: Path) -> None:
    run = launch(
        stub_build(backend, trace=1), "tests.sim.cocotb_bus", directory=tmp_path, capture=True
    )
    failed = [test for test in run.tests if not test.passed]
    assert not failed, run.output
    assert run.status == 0
    assert len(run.tests) == 11
