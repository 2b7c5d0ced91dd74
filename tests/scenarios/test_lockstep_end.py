# SPDX-License-Identifier: Apache-2.0
"""A mismatch in lockstep ends the run, with the closing lines of any failed run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """
from pymodel.gen.udc_regs import GINTMSK
from tb.kernel import ms, sleep

PROBE = False
HOST = False


async def main(bench):
    await bench.hw.write32(GINTMSK.OFFSET, 0x1000)
    # As if the controller had lost what was written.
    bench.controller.lockstep.checker.model.gintmsk = 0
    await bench.hw.read32(GINTMSK.OFFSET)
    await sleep(ms(500))
    await bench.hw.read32(GINTMSK.OFFSET)
    print("the run went on")
"""


@pytest.mark.verilator
def test_a_run_ends_soon_after_the_first_mismatch(tmp_path: Path) -> None:
    scenario = tmp_path / "lies.py"
    scenario.write_text(SCENARIO)
    words = [sys.executable, "-m", "tb.cli", "run", str(scenario), "--backend", "verilator"]
    words += ["--lockstep", "--out", str(tmp_path / "out")]
    run = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    text = run.stdout + run.stderr
    assert run.returncode == 1, text
    assert "the run went on" not in text
    assert "Traceback" not in text
    assert "LockstepMismatch: ended after 1 mismatch" in text
    assert "GINTMSK reads 00001000" in text
    assert "rerun: " in run.stdout.splitlines()[-1]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert not summary["passed"]
    assert summary["lockstep"]["mismatches"] == 1
    assert summary["sim_time_ns"] < 1_000_000
