# SPDX-License-Identifier: Apache-2.0
"""Everything that `make lint` checks; all steps run, the failed ones are named at the end.

Usage: python -m tools.lint [STEP ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tb.sim.verilator_root import ToolMissing, find_verilator

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ["pymodel", "tb", "tools", "tests", "examples"]

# Builds of the controller that must be free of warnings.
CONFIGURATIONS: list[dict[str, int]] = [
    {},
    {"DMA": 0},
    {"TRACE": 1, "LPM": 1},
    {"NUM_IN_EPS": 1, "NUM_OUT_EPS": 1, "FIFO_WORDS": 512},
    {"NUM_IN_EPS": 15, "NUM_OUT_EPS": 15, "TRACE": 1},
    {"DEDICATED_FIFO": 0, "NUM_IN_EPS": 1, "EP_DIRECTIONS": 2 << 4},
    {"DEDICATED_FIFO": 0, "TRACE": 1},
    {"NUM_IN_EPS": 3, "NUM_OUT_EPS": 2, "FIFO_WORDS": 1024, "LPM": 1},
    {"DESC_DMA": 1, "TRACE": 1},
    {"COMMANDS": 1},
    {"UTMI_WIDTH": 16, "LPM": 1},
    {"COMMANDS": 1, "TRACE": 1, "DMA": 0},
]


def _module(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _verilator() -> list[list[str]]:
    """Return one call per configuration.

    Raises:
        ToolMissing: there is no Verilator; the text says how to get it.
    """
    verilator = str(find_verilator().executable)
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "rtl").rglob("*.v"))
    command = [verilator, "--lint-only", "-Wall", "--language", "1364-2005", "--quiet"]
    command += ["-Irtl/gen", "--top-module", "udc"]
    return [
        [*command, *(f"-G{name}={value}" for name, value in configuration.items()), *sources]
        for configuration in CONFIGURATIONS
    ]


def steps() -> dict[str, list[list[str]]]:
    """Return the steps by name, each a list of commands."""
    python = [name for name in PYTHON if (ROOT / name).is_dir()]
    return {
        "ruff": [_module("ruff", "check", "--output-format", "concise", *python)],
        "format": [_module("ruff", "format", "--check", "--quiet", *python)],
        "mypy": [_module("mypy", "pymodel", "tb", "tools")],
        "registers": [_module("tools.registers", "--check")],
        "layers": [_module("pytest", "-q", "--no-header", "--tb=line", "tests/test_layers.py")],
        "verilator": _verilator(),
    }


def _run(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> bool:
    good = True
    for command in commands:
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            good = False
            print(" ".join(command[:12]) + (" ..." if len(command) > 12 else ""))
            print(result.stdout + result.stderr)
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    try:
        known = steps()
    except ToolMissing as error:
        print(error, file=sys.stderr)
        return 2
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"no such step: {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    failed = []
    for name, commands in known.items():
        if chosen and name not in chosen:
            continue
        begin = time.monotonic()
        good = _run(commands, environment)
        print(
            f"{name}: {'ok' if good else 'FAILED'} ({time.monotonic() - begin:.1f} s)", flush=True
        )
        if not good:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
