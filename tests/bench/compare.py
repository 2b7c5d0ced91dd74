# SPDX-License-Identifier: Apache-2.0
"""`make bench`: the same bulk traffic four ways, interleaved, medians.

bare_cpp: RTL in a C++ loop. plugfest: RTL with both machines. per_clock_python: RTL with a classic
cocotb driver that wakes at every clock. model: no RTL. High speed, buffer DMA, 64 KiB requests,
four deep, every payload made and checked, lockstep off. Ratios are taken within each round, so
that a machine whose speed drifts does not decide them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .bare import run_bare
from .per_clock import run_per_clock

PER_CLOCK_PACKETS = 100
# clocks that a memory takes to answer, beside a fast one
LATENCY = 100
TRAFFIC = Path(__file__).with_name("traffic.py")


def run_traffic(backend: str, transfers: int, out: Path, latency: int = 0) -> dict[str, Any]:
    """Run the traffic scenario on a backend; returns what it printed.

    Args:
        backend: "verilator" or "model".
        transfers: of 64 KiB, per direction.
        out: where the run's files go.
        latency: of the memory, in clocks of the core.

    Raises:
        RuntimeError: the run failed; the text holds the end of its output.
    """
    words = [sys.executable, "-m", "tb.cli", "run", str(TRAFFIC), "--backend", backend]
    words += ["--out", str(out / backend), "--", str(transfers), str(latency)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{' '.join(words)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def main() -> int:
    """Run the comparison and write its summary."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transfers", type=int, default=16, help="of 64 KiB per direction, on RTL")
    parser.add_argument("--out", type=Path, default=Path("build") / "bench")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    console = Console()
    rounds: list[dict[str, dict[str, Any]]] = []
    for number in range(options.rounds + 1):
        label = f"round {number} of {options.rounds}" if number else "warm-up, builds"
        console.print(f"{label} ...")
        results = {
            "bare_cpp": run_bare(options.transfers),
            "plugfest": run_traffic("verilator", options.transfers, options.out),
            "per_clock_python": run_per_clock(PER_CLOCK_PACKETS),
            "model": run_traffic("model", 8 * options.transfers, options.out),
        }
        if number:
            rounds.append(results)

    def median(name: str, key: str) -> float:
        return statistics.median(one[name][key] for one in rounds)

    def ratio(name: str) -> float:
        return statistics.median(
            one["plugfest"]["cycles_per_s"] / one[name]["cycles_per_s"] for one in rounds
        )

    speeds = {
        name: round(median(name, "cycles_per_s"))
        for name in ("plugfest", "bare_cpp", "per_clock_python")
    }
    # simulated time: every round counts the same
    full = rounds[-1]["plugfest"]["full_microframes"]
    late = run_traffic("verilator", 4, options.out, LATENCY)["full_microframes"]
    summary = {
        "cycles_per_s": speeds,
        "ratio_to_cpp": round(ratio("bare_cpp"), 3),
        "ratio_to_per_clock": round(ratio("per_clock_python"), 1),
        "model_payload_mb_s": round(median("model", "payload_mb_s"), 2),
        "model_enumeration_ms": round(median("model", "enumeration_ms"), 2),
        "hs_bulk_packets_per_microframe": {
            way: round(full[way], 2) for way in ("both", "in", "out")
        },
        f"hs_bulk_packets_per_microframe_memory_latency_{LATENCY}": {
            way: round(late[way], 2) for way in ("both", "in", "out")
        },
        "rounds": options.rounds,
    }
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    table = Table("what", "UTMI cycles/s", "plugfest against it")
    table.add_row(
        "(a) RTL in a bare C++ loop", f"{speeds['bare_cpp']:,}", str(summary["ratio_to_cpp"])
    )
    table.add_row("(b) plugfest on Verilator", f"{speeds['plugfest']:,}", "1")
    table.add_row(
        "(c) per-clock Python on the same RTL",
        f"{speeds['per_clock_python']:,}",
        str(summary["ratio_to_per_clock"]),
    )
    console.print(table)
    console.print(
        f"bulk packets of 512 bytes per microframe: {summary['hs_bulk_packets_per_microframe']}\n"
        f"model: {summary['model_payload_mb_s']} MB/s of payload, "
        f"enumeration in {summary['model_enumeration_ms']} ms\n"
        f"medians of {options.rounds} rounds; also in {options.out}/summary.json"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
