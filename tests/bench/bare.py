# SPDX-License-Identifier: Apache-2.0
"""Build and run the bare C++ loop (`bare.cpp`): `python -m tests.bench.bare [TRANSFERS]`.

Prints one line of JSON: `cycles_per_s`, `cycles`, `wall_seconds`, `cpu_seconds`, `payload_bytes`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pymodel.config import UdcParameters
from tb.sim.build import Sources, build_library
from tb.sim.verilator_root import build_root, find_verilator

__all__ = ["TIME_SCALE", "build_bare", "run_bare"]

TIME_SCALE = 1000
_HERE = Path(__file__).resolve().parent
_C = _HERE.parents[1] / "tb" / "hdl" / "c"


def build_bare() -> Path:
    """Return the program, building it if its sources have changed.

    Raises:
        RuntimeError: the build failed; the text holds the end of the output.
    """
    tool = find_verilator()
    sources = Sources.project()
    values = UdcParameters(time_scale=TIME_SCALE).verilog()
    digest = hashlib.sha256(f"{tool.version} {sorted(values.items())}".encode())
    files = [*sources.verilog, *sorted(_C.iterdir()), _HERE / "bare.cpp", Path(__file__)]
    for include in sources.include:
        files += sorted(include.glob("*.vh"))
    for file in files:
        digest.update(file.read_bytes())
    directory = build_root() / "bench" / f"bare-{digest.hexdigest()[:16]}"
    program = directory / "obj" / "Vtop"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if (directory / "done").exists():
            return program
        log = directory / "build.log"
        build_library("verilator", directory, log)
        env = tool.environment()
        if shutil.which("ccache") and "OBJCACHE" not in env:
            env["OBJCACHE"] = "ccache"
        verilate = [
            str(tool.executable), "--cc", "--exe", "--prefix", "Vtop", "-o", "Vtop",
            "--top-module", sources.top, "-Mdir", "obj", "--timescale", "1ps/1ps",
            "+1364-2005ext+v", "-O3", "--x-assign", "fast", "--x-initial", "fast",
            "-Wno-fatal", "-Wno-lint", "-Wno-style",
            *(f"-I{path}" for path in sources.include),
            *(f"-G{name}={value}" for name, value in values.items()),
            "-CFLAGS", f"-I{_C} -std=gnu++20 -fcoroutines",
            "-LDFLAGS", f"-L{directory} -lplugfest -Wl,-rpath,{directory}",
            str(directory / "pf_imports.sv"), *map(str, sources.verilog), str(_HERE / "bare.cpp"),
        ]  # fmt: skip
        make = ["make", "-j2", "-C", "obj", "-f", "Vtop.mk", "OPT_FAST=-O2", "OPT_GLOBAL=-O2"]
        for command in (verilate, make):
            done = subprocess.run(
                command, cwd=directory, env=env, capture_output=True, text=True, check=False
            )
            with log.open("a") as output:
                output.write(" ".join(command) + "\n" + done.stdout + done.stderr)
            if done.returncode:
                raise RuntimeError(f"{command[0]} failed, see {log}:\n{done.stderr[-2000:]}")
        (directory / "done").touch()
    return program


def run_bare(transfers: int) -> dict[str, Any]:
    """Run it.

    Args:
        transfers: of 64 KiB, per direction.

    Returns:
        What it printed.

    Raises:
        RuntimeError: it failed; the text says why.
    """
    done = subprocess.run(
        [str(build_bare()), str(transfers)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"bare loop ended with {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    print(json.dumps(run_bare(int(sys.argv[1]) if len(sys.argv) > 1 else 16)))
