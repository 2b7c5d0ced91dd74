# SPDX-License-Identifier: Apache-2.0
"""Build and run the per-clock cocotb bench: `python -m tests.bench.per_clock [PACKETS]`.

It uses cocotb as it comes: its own Verilator main, its own clocks, its default options. Prints one
line of JSON with `cycles_per_s`, `cycles`, `wall_seconds`, `cpu_seconds`, `payload_bytes`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from cocotb_tools.runner import get_runner

from pymodel.config import UdcParameters
from tb.sim.verilator_root import build_root, find_verilator

from .bare import TIME_SCALE

__all__ = ["run_per_clock"]

_ROOT = Path(__file__).resolve().parents[2]


def run_per_clock(packets: int) -> dict[str, Any]:
    """Run it.

    Args:
        packets: of 512 bytes, per direction; at most 1023.

    Returns:
        What it measured.

    Raises:
        RuntimeError: it failed; the text says where the log is.
    """
    tool = find_verilator()
    directory = build_root() / "bench" / "per_clock"
    directory.mkdir(parents=True, exist_ok=True)
    result = directory / "result.json"
    result.unlink(missing_ok=True)
    log = directory / "run.log"
    kept = dict(os.environ)
    os.environ.update(tool.environment())
    os.environ["PATH"] = f"{tool.executable.parent}{os.pathsep}{os.environ['PATH']}"
    try:
        runner = get_runner("verilator")
        with contextlib.redirect_stdout(io.StringIO()):
            runner.build(
                sources=sorted((_ROOT / "rtl").rglob("*.v")),
                includes=[_ROOT / "rtl" / "gen"],
                hdl_toplevel="udc",
                parameters=UdcParameters(time_scale=TIME_SCALE).verilog(),
                build_args=["-Wno-fatal", "-Wno-lint", "-Wno-style", "+1364-2005ext+v"],
                build_dir=directory / "build",
                timescale=("1ps", "1ps"),
                log_file=directory / "build.log",
            )
            runner.test(
                test_module="tests.bench.cocotb_per_clock",
                hdl_toplevel="udc",
                test_dir=directory,
                build_dir=directory / "build",
                results_xml=str(directory / "results.xml"),
                log_file=log,
                extra_env={
                    "PLUGFEST_BENCH_PACKETS": str(packets),
                    "PLUGFEST_BENCH_RESULT": str(result),
                    "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path]),
                    "COCOTB_LOG_LEVEL": "WARNING",
                },
            )
    finally:
        os.environ.clear()
        os.environ.update(kept)
    if not result.exists():
        raise RuntimeError(f"the per-clock bench failed, see {log}")
    measured: dict[str, Any] = json.loads(result.read_text())
    return measured


if __name__ == "__main__":
    print(json.dumps(run_per_clock(int(sys.argv[1]) if len(sys.argv) > 1 else 100)))
