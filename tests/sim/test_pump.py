# SPDX-License-Identifier: Apache-2.0
"""The kernel pumped by our own main, beside cocotb and pyuvm, on both simulators."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from stub_bench import BACKENDS, stub_build
from tb.sim.launch import launch, simulator_environment

MODULE = "tests.sim.cocotb_pump"
TESTS = (
    "registers_and_time",
    "two_clock_domains",
    "bridges",
    "triggers_while_the_kernel_runs",
    "PumpedAgent",
    "exception_in_a_callback",
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_kernel_beside_cocotb_and_pyuvm(backend: str, tmp_path: Path) -> None:
    run = launch(stub_build(backend), MODULE, directory=tmp_path, capture=True)
    assert run.status == 0, run.output
    passed = {test.name.removeprefix(MODULE + ".") for test in run.tests if test.passed}
    assert passed == set(TESTS), run.output


@pytest.mark.parametrize("backend", BACKENDS)
def test_exception_in_a_callback_fails_the_run_with_its_traceback(
    backend: str, tmp_path: Path
) -> None:
    run = launch(
        stub_build(backend),
        MODULE,
        directory=tmp_path,
        capture=True,
        test_filter="exception_is_reported",
    )
    assert [test.passed for test in run.tests] == [False]
    assert "failing_callback" in run.output, "the traceback names the callback"
    assert "ZeroDivisionError: raised in a kernel callback" in run.output


@pytest.mark.parametrize("backend", BACKENDS)
def test_interrupt_closes_the_waves(backend: str, tmp_path: Path) -> None:
    build = stub_build(backend, waves=True)
    waves = tmp_path / f"waves.{build.wave_suffix}"
    env = simulator_environment(build, MODULE, tmp_path / "results.xml")
    env["COCOTB_TEST_FILTER"] = "runs_until_interrupted"
    with subprocess.Popen(
        build.command(f"+waves={waves}"), cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "READY" in line:
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        process.wait(20)
    assert "Interrupted" in rest
    pywellen = pytest.importorskip("pywellen")
    opened = pywellen.Waveform(str(waves))
    names = " ".join(str(variable) for variable in opened.all_vars())
    assert "core_clk" in names and "scratch_reg" in names


def test_speed_is_measured(tmp_path: Path) -> None:
    """Not a limit, only a floor far below what it does: a lost optimization shows."""
    build = stub_build("verilator")
    run = launch(
        build,
        MODULE,
        directory=tmp_path,
        capture=True,
        test_filter="cocotb_pump.measure",
        environment={"PUMP_MEASURE": "4000"},
    )
    match = re.search(r"idle ([\d.]+) M UTMI", run.output)
    assert match is not None, run.output
    assert float(match[1]) > 0.8
