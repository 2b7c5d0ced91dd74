# SPDX-License-Identifier: Apache-2.0
"""The stub in cocotb's own Makefile flow: another main's environment, the same tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stub_bench import BACKENDS

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


@pytest.mark.parametrize("backend", BACKENDS)
def test_stub_in_the_makefile_flow(backend: str, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE.format(build=tmp_path / "build", root=ROOT))
    env = dict(os.environ, SIM=backend, PLUGFEST_PYTHON=sys.executable)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        env.pop(name, None)
    done = subprocess.run(
        ["make", "-C", str(tmp_path)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "FAIL=0" in done.stdout, done.stdout[-3000:]
