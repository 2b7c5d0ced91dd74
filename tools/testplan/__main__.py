# SPDX-License-Identifier: Apache-2.0
"""Holds the test plan against outcomes of one or several runs (`--testplan-results FILE`)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.testplan.plan import PlanError, judge, load

_PLAN = Path(__file__).resolve().parents[2] / "tests/testplan.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.testplan", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, help="outcomes, later ones win")
    parser.add_argument("--strict", action="store_true", help="skipped tests prove nothing")
    options = parser.parse_args(arguments)
    try:
        entries = load(_PLAN)
        outcomes: dict[str, str] = {}
        for path in options.results:
            outcomes.update(json.loads(path.read_text()))
    except (PlanError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    verdict = judge(entries, outcomes)
    complaints = verdict.complaints(complete=True, strict=options.strict)
    for line in complaints:
        print(line, file=sys.stderr)
    print(f"{len(verdict.proved)} of {len(entries)} requirements proved")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
