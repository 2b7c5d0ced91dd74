# SPDX-License-Identifier: Apache-2.0
"""Builds the browsable HTML manual of peakrdl (large and dated, therefore never committed)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from peakrdl_html import HTMLExporter  # type: ignore[import-untyped]
from systemrdl.compiler import RDLCompiler

ROOT = Path(__file__).resolve().parents[2]


def browsable_manual(description: Path, output: Path) -> Path:
    """Build the manual and return its first page."""
    compiler = RDLCompiler()
    compiler.compile_file(str(description))
    output.mkdir(parents=True, exist_ok=True)
    HTMLExporter().export(compiler.elaborate("udc").top, str(output))
    return output / "index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    output = Path(chosen[0]) if chosen else ROOT / "build/docs/registers"
    print(f"wrote {browsable_manual(ROOT / 'rtl/udc.rdl', output)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
