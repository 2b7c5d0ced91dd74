# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite slave and AXI4 master against models that are not ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
from pathlib import Path
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
root, build = Path(sys.argv[1]), Path(sys.argv[2])
runner = get_runner("icarus")
sources = sorted(path for path in (root / "rtl").rglob("*.v") if path.name != "udc.v")
parameters = {"NUM_IN_EPS": 2, "NUM_OUT_EPS": 2, "FIFO_WORDS": 1024,
              "DATA_WIDTH": int(sys.argv[3])}
runner.build(sources=sources, includes=[root / "rtl/gen"], hdl_toplevel="udc_core",
             parameters=parameters, build_dir=build, timescale=("1ns", "1ps"))
results = runner.test(hdl_toplevel="udc_core", test_module="tests.rtl.cocotb_axi",
                      build_dir=build, test_dir=build)
print("RESULTS", *get_results(results))
"""


@pytest.mark.icarus
@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize("width", [32, 64])
def test_axi_faces(width: int, tmp_path: Path) -> None:
    """Registers, bulk through memory by all kinds of bursts, errors, all with random stalls."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), COCOTB_LOG_LEVEL="WARNING")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT), str(tmp_path / "build"), str(width)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RESULTS 3 0" in run.stdout, run.stdout[-6000:] + run.stderr[-3000:]
