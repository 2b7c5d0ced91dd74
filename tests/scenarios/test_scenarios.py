# SPDX-License-Identifier: Apache-2.0
"""Every scenario of this folder on every backend it is meant for."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
HELPERS = {"descriptor_rig.py", "firmware.py", "raw.py", "raw_endpoints.py", "suspended.py"}


def _constants(file: Path) -> dict[str, Any]:
    """Read the upper-case literals of a scenario file without running it."""
    found: dict[str, Any] = {}
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=("RUNS" | "ICARUS" | "PAIRS") as name)]):
                found[name] = ast.literal_eval(node.value)
            case ast.Assign(targets=[ast.Name(id="PARAMETERS")]):
                found["PARAMETERS"] = True
    return found


def _shown(name: str, value: Any) -> str:
    """Return an option as a part of a test's name."""
    return name if value is True else "-".join(value) if name == "args" else str(value)


def _is_special(options: dict[str, Any]) -> bool:
    """Tell whether a run needs hardware of its own."""
    return options.get("mode") == "desc" or options.get("fifo") == "shared"


def _cases() -> list[Any]:
    cases = []
    for file in sorted(FOLDER.glob("*.py")):
        if file.name in HELPERS or file.name.startswith("test_"):
            continue
        constants = _constants(file)
        runs: list[dict[str, Any]] = constants.get("RUNS", [{}])
        pairs: list[dict[str, Any]] = constants.get("PAIRS", [])
        wanted_runs = [*runs, *pairs]
        for number, wanted in enumerate(wanted_runs):
            options = {key: value for key, value in wanted.items() if key != "backend"}
            shown = (_shown(key, value) for key, value in options.items())
            label = "-".join([file.stem, *shown])
            for backend in ("model", "verilator", "icarus"):
                if wanted.get("backend", backend) != backend:
                    continue
                if backend == "model" and "lockstep" in options:
                    continue
                if backend == "verilator" and (
                    number >= len(runs) or "PARAMETERS" in constants or _is_special(options)
                ):
                    # every kind of hardware is a build: one is enough
                    if options | {"lockstep": True} in wanted_runs[:number]:
                        continue
                    options = options | {"lockstep": True}
                    if options in wanted_runs[number + 1 :]:
                        continue
                if backend == "icarus" and not (constants.get("ICARUS") and number == 0):
                    continue
                cases.append(
                    pytest.param(
                        file,
                        backend,
                        options,
                        id=f"{label}-{backend}",
                        marks=[getattr(pytest.mark, backend)],
                    )
                )
    return cases


@pytest.mark.parametrize(("file", "backend", "options"), _cases())
def test_scenario(
    file: Path, backend: str, options: dict[str, Any], tmp_path: Path, request: Any
) -> None:
    if backend == "icarus":
        request.getfixturevalue("icarus")
    words = [sys.executable, "-m", "tb.cli", "run", str(file), "--backend", backend]
    args = options.get("args", [])
    for name, value in options.items():
        if name == "args":
            continue
        words += [f"--{name}"] if value is True else [f"--{name}", value]
    words += ["--out", str(tmp_path), *(["--", *args] if args else [])]
    run = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["passed"]
    assert summary["backend"] == backend
