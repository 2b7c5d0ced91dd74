# SPDX-License-Identifier: Apache-2.0
"""The stub controller in the testbench: what the tests of the simulation side run on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tb.sim.build import Build, Sources, build
from tb.sim.verilator_root import ToolMissing, find_verilator

HERE = Path(__file__).resolve().parent


def available(backend: str) -> str:
    """Return "" if the simulator is there, else one line that says how to get it."""
    if backend == "icarus":
        missing = shutil.which("iverilog") is None
        return "Icarus Verilog is missing: apt-get install iverilog" if missing else ""
    try:
        find_verilator()
    except ToolMissing as error:
        return str(error)
    return ""


BACKENDS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(available(name)), reason=available(name)))
    for name in ("verilator", "icarus")
]


def stub_sources() -> Sources:
    """Return the testbench around the stub, without the USB host side."""
    return Sources.project([HERE / "hdl" / "udc_stub.v"], defines=["PF_NO_HOST"])


def stub_build(backend: str, *, trace: int = 0, waves: bool = False) -> Build:
    """Return the built stub bench."""
    return build(backend, sources=stub_sources(), values={"TRACE": trace}, waves=waves)
