# SPDX-License-Identifier: Apache-2.0
"""The USB host side (PHY, host transactor, wire face) against a stub device, in simulators."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tb.sim.build import Build, Sources, build
from tb.sim.launch import launch
from tb.sim.verilator_root import ToolMissing

STUB = Path(__file__).with_name("stub_device.v")
PORTABLE = "answers|stuffing_takes_time|packets_by_hand|knobs_on_in"


def stub_build(backend: str) -> Build:
    """Return the testbench with the stub device."""
    if backend == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is missing: apt-get install iverilog")
    try:
        return build(backend, sources=Sources.project([STUB]), values={"TIME_SCALE": 1000})
    except ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("speed", ["high", "full"])
def test_wire_on_verilator(speed: str, tmp_path: Path) -> None:
    """Every knob, the timing and the line states, at both speeds."""
    run = launch(
        stub_build("verilator"),
        "tests.sim.cocotb_wire",
        directory=tmp_path,
        environment={"PLUGFEST_TEST_SPEED": speed},
        capture=True,
        wall_timeout=120,
    )
    assert len(run.tests) == 13, run.output
    assert not [test for test in run.tests if not test.passed], run.output


@pytest.mark.parametrize("speed", ["high", "full"])
def test_wire_on_icarus(speed: str, tmp_path: Path) -> None:
    """A subset on the other simulator."""
    run = launch(
        stub_build("icarus"),
        "tests.sim.cocotb_wire",
        directory=tmp_path,
        environment={"PLUGFEST_TEST_SPEED": speed},
        test_filter=PORTABLE,
        capture=True,
        wall_timeout=300,
    )
    assert len(run.tests) == 4, run.output
    assert not [test for test in run.tests if not test.passed], run.output
