# SPDX-License-Identifier: Apache-2.0
"""Cocotb's own Makefile flow: the stub on Icarus, the example with both machines on Verilator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stub_bench import available

ROOT = Path(__file__).resolve().parents[2]

MAKEFILE = """
SIM_BUILD = {build}
COCOTB_TEST_MODULES = tests.sim.cocotb_pump
include {root}/tb/sim/cocotb.mk
VERILOG_SOURCES := $(filter-out $(PLUGFEST_ROOT)/rtl/%,$(VERILOG_SOURCES)) \
  $(PLUGFEST_ROOT)/tests/sim/hdl/udc_stub.v
COMPILE_ARGS += -DPF_NO_HOST
include $(shell cocotb-config --makefiles)/Makefile.sim
"""


def run_make(directory: Path, **settings: str) -> str:
    """Run make in a directory with cocotb in PATH; returns its output."""
    env = dict(os.environ, PLUGFEST_PYTHON=sys.executable, **settings)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(name, None)
    done = subprocess.run(
        ["make", "-C", str(directory)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(bool(available("icarus")), reason=available("icarus") or "-")
def test_stub_in_the_makefile_flow(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE.format(build=tmp_path / "build", root=ROOT))
    assert "FAIL=0" in run_make(tmp_path, SIM="icarus")


@pytest.mark.slow
@pytest.mark.skipif(bool(available("verilator")), reason=available("verilator") or "-")
def test_example_in_the_makefile_flow(tmp_path: Path) -> None:
    for name in ("Makefile", "test_echo.py"):
        text = (ROOT / "examples" / "cocotb" / name).read_text()
        (tmp_path / name).write_text(text.replace("../../tb/", f"{ROOT}/tb/"))
    build = str(tmp_path / "build")
    output = run_make(tmp_path, SIM="verilator", SIM_BUILD=build, PLUGFEST_OPT="-O0")
    assert "TESTS=1 PASS=1 FAIL=0" in output
