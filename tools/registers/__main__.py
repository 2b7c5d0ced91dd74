# SPDX-License-Identifier: Apache-2.0
"""Command line: write the generated files, or tell which are stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.registers.describe import Register, describe
from tools.registers.headers import c_header, verilog_header
from tools.registers.manual import manual
from tools.registers.python import python_classes

ROOT = Path(__file__).resolve().parents[2]

OUTPUTS: dict[str, Callable[[Sequence[Register]], str]] = {
    "pymodel/gen/udc_regs.py": python_classes,
    "rtl/gen/udc_regs.vh": verilog_header,
    "rtl/gen/udc_regs.h": c_header,
    "docs/registers.md": manual,
}
"""Generated files that are committed, and what makes them."""


def stale(root: Path) -> list[str]:
    """Return the generated files that differ from what the description gives."""
    registers = describe(root / "rtl/udc.rdl")
    result = []
    for name, make in OUTPUTS.items():
        path = root / name
        if not path.is_file() or path.read_text(encoding="utf-8") != make(registers):
            result.append(name)
    return result


def write(root: Path) -> list[str]:
    """Write the files that are stale and return their names."""
    registers = describe(root / "rtl/udc.rdl")
    names = stale(root)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OUTPUTS[name](registers), encoding="utf-8")
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.registers", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if stale")
    options = parser.parse_args(arguments)
    if options.check:
        names = stale(ROOT)
        for name in names:
            print(f"{name}: stale, run `make gen`", file=sys.stderr)
        return 1 if names else 0
    for name in write(ROOT):
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
