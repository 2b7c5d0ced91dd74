# SPDX-License-Identifier: Apache-2.0
"""The command `plugfest`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import NoReturn

from .options import RunOptions, UsageError
from .runs import run_scenario

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def _time_scale(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text}: choose 1 to 1000")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: choose simulated milliseconds above 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="plugfest", description="USB device controller testbench", allow_abbrev=False
    )
    jobs = parser.add_subparsers(dest="job", metavar="JOB", required=True, parser_class=_Parser)
    run = jobs.add_parser(
        "run", help="run a scenario: a file with 'async def main(bench)'", allow_abbrev=False
    )
    run.add_argument("scenario", metavar="SCENARIO.py")
    run.add_argument("--backend", default="model", help="model, verilator or icarus (model)")
    run.add_argument("--speed", default="high", help="full or high (high)")
    run.add_argument("--mode", default="dma", help="slave, dma or desc (dma)")
    run.add_argument("--fifo", default="dedicated", help="dedicated or shared (dedicated)")
    run.add_argument("--seed", type=int, default=1, help="of bench.random (1)")
    run.add_argument(
        "--time-scale",
        type=_time_scale,
        default=0,
        metavar="N",
        help="divide long bus times by N (1 on model, 100 on verilator, 1000 on icarus)",
    )
    run.add_argument(
        "--timeout",
        type=_milliseconds,
        default=0.0,
        metavar="MS",
        help="simulated time after which a run counts as hanging",
    )
    run.add_argument(
        "--core-mhz", type=float, default=80.0, metavar="F", help="clock of the core (80)"
    )
    run.add_argument(
        "--utmi-width", type=int, default=8, metavar="N", help="bits of the UTMI, 8 or 16 (8)"
    )
    run.add_argument("--lockstep", action="store_true", help="check the RTL against the model")
    run.add_argument("--waves", action="store_true", help="write DIR/waves.fst")
    run.add_argument("--pcap", action="store_true", help="write DIR/trace.pcapng")
    run.add_argument("--out", default="", metavar="DIR", help="results (build/runs/NAME)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0 passed, 1 failed, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    rest: list[str] = []
    if "--" in words:
        cut = words.index("--")
        words, rest = words[:cut], words[cut + 1 :]
    try:
        parsed = _parser().parse_args(words)
        options = RunOptions(
            parsed.scenario,
            parsed.backend,
            parsed.speed,
            parsed.mode,
            parsed.fifo,
            parsed.seed,
            parsed.time_scale,
            parsed.timeout,
            parsed.lockstep,
            parsed.waves,
            parsed.pcap,
            parsed.out,
            rest,
            parsed.core_mhz,
            parsed.utmi_width,
        )
        return run_scenario(options)
    except UsageError as error:
        print(f"plugfest: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("plugfest: interrupted", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
