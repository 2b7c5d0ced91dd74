# SPDX-License-Identifier: Apache-2.0
"""The FuseSoC core: it names all sources, and its targets can be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tb.sim.verilator_root import ToolMissing, find_verilator

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent


def fusesoc(directory: Path, *arguments: str) -> None:
    """Run FuseSoC in a directory of its own, with no settings of the user."""
    config = directory / "fusesoc.conf"
    config.write_text("[main]\n")
    path = os.environ["PATH"]
    try:
        path = f"{find_verilator().executable.parent}{os.pathsep}{path}"
    except ToolMissing:
        pass
    run = subprocess.run(
        [TOOLS / "fusesoc", "--config", config, "--cores-root", ROOT, *arguments],
        cwd=directory,
        env=dict(os.environ, PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


def test_all_sources_are_named() -> None:
    text = (ROOT / "udc.core").read_text()
    named = {line.strip("- ").split(":")[0] for line in text.splitlines() if "- rtl/" in line}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rtl").rglob("*.v")}
    assert named == there | {"rtl/gen/udc_regs.vh"}


def test_lint_target(tmp_path: Path) -> None:
    """Verilator reads the core without a warning, with a parameter of ours."""
    try:
        find_verilator()
    except ToolMissing as error:
        pytest.skip(str(error))
    fusesoc(tmp_path, "run", "--target", "lint", "plugfest:usb:udc", "--NUM_IN_EPS", "3")


def test_synth_target_is_set_up(tmp_path: Path) -> None:
    """The packaged Yosys has no Tcl, which this flow needs: what it is given is checked."""
    fusesoc(tmp_path, "run", "--setup", "--target", "synth", "plugfest:usb:udc")
    scripts = "".join(path.read_text() for path in tmp_path.rglob("*.tcl"))
    assert "rtl/udc.v" in scripts
    assert "synth_ecp5" in scripts
