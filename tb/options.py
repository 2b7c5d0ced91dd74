# SPDX-License-Identifier: Apache-2.0
"""What can be chosen for a run, and what the hardware does not have."""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from .gadget.udc.modes import FIFOS, MODES, refusal

__all__ = ["BACKENDS", "RunOptions", "UsageError"]

BACKENDS = ("model", "verilator", "icarus")
_SPEEDS = ("full", "high")
_PLANNED = {"speed": "super"}
_TIME_SCALE = {"model": 1, "verilator": 100, "icarus": 1000}
_TIMEOUT_MS = {"model": 60_000.0, "verilator": 5_000.0, "icarus": 500.0}


class UsageError(Exception):
    """Wrong usage; the message is one line that says what and how to mend it."""


def _program() -> str:
    """Return the way to the command: the one in build/venv is on nobody's PATH."""
    for file in (*sys.argv[:1], sys.executable):
        bin_folder = Path(file).absolute().parent
        if bin_folder.parts[-3:] == ("build", "venv", "bin"):
            return os.path.relpath(bin_folder / "plugfest")
    return "plugfest"


@dataclass
class RunOptions:
    """Options of `plugfest run` (defaults: DESIGN section 4).

    Attributes:
        scenario: file with `async def main(bench)`.
        backend: "model", "verilator" or "icarus".
        speed: "full" or "high".
        mode: "slave", "dma" or "desc".
        fifo: "dedicated" or "shared".
        seed: of `bench.random`.
        time_scale: divisor of the bus's long times; 0 = the backend's default.
        timeout_ms: simulated milliseconds after which a run counts as hanging; 0 = default.
        lockstep: check the RTL against the model event by event.
        waves: write waves.fst.
        pcap: write trace.pcapng.
        out: directory of summary.json and captures; "" = build/runs/NAME.
        args: what followed `--`.
        core_mhz: clock of the core, 60 or more. The model has no clock.
        utmi_width: bits of the UTMI, 8 (60 MHz) or 16 (30 MHz).
        program: the command as the user can repeat it.
    """

    scenario: str
    backend: str = "model"
    speed: str = "high"
    mode: str = "dma"
    fifo: str = "dedicated"
    seed: int = 1
    time_scale: int = 0
    timeout_ms: float = 0.0
    lockstep: bool = False
    waves: bool = False
    pcap: bool = False
    out: str = ""
    args: list[str] = field(default_factory=list)
    core_mhz: float = 80.0
    utmi_width: int = 8
    program: str = field(default_factory=_program)

    def __post_init__(self) -> None:
        """Fill in defaults and refuse what does not exist.

        Raises:
            UsageError: one line, what and how to mend it.
        """
        for name, legal in (
            ("backend", BACKENDS),
            ("speed", _SPEEDS),
            ("mode", MODES),
            ("fifo", FIFOS),
        ):
            value = getattr(self, name)
            if value not in legal and value != _PLANNED.get(name):
                choice = "choose " + " or ".join(filter(None, [", ".join(legal[:-1]), legal[-1]]))
                raise UsageError(f"--{name} {value}: {choice}")
        reason = refusal(self.mode, self.fifo)
        if reason:
            raise UsageError(f"--mode {self.mode} --fifo {self.fifo}: {reason}")
        if self.speed == "super":
            raise UsageError("--speed super: not built yet; use --speed high or --speed full")
        if self.lockstep and self.backend == "model":
            raise UsageError("--lockstep compares RTL with the model; use --backend verilator")
        if self.waves and self.backend == "model":
            raise UsageError("--waves: the model has no signals; use --backend verilator or icarus")
        if not 0 <= self.time_scale <= 1000:
            raise UsageError(f"--time-scale {self.time_scale}: choose 1 to 1000")
        if not 60 <= self.core_mhz <= 1000:
            raise UsageError(f"--core-mhz {self.core_mhz:g}: choose 60 to 1000")
        if self.utmi_width not in (8, 16):
            raise UsageError(f"--utmi-width {self.utmi_width}: choose 8 or 16")
        if not 0 <= self.timeout_ms < math.inf:
            raise UsageError(f"--timeout {self.timeout_ms}: choose simulated milliseconds above 0")
        self.time_scale = self.time_scale or _TIME_SCALE[self.backend]
        self.timeout_ms = self.timeout_ms or _TIMEOUT_MS[self.backend]
        if not self.out:
            self.out = str(Path("build") / "runs" / self.name)

    @property
    def name(self) -> str:
        """Name of the run: the scenario's file name without its ending."""
        return Path(self.scenario).stem

    def command(self) -> str:
        """Return the command line that repeats this run."""
        words = [self.program, "run", self.scenario, "--backend", self.backend]
        words += ["--speed", self.speed, "--mode", self.mode, "--fifo", self.fifo]
        words += ["--seed", str(self.seed), "--time-scale", str(self.time_scale)]
        words += ["--timeout", f"{self.timeout_ms:.15g}"]
        words += [f"--{name}" for name in ("lockstep", "waves", "pcap") if getattr(self, name)]
        if self.core_mhz != 80.0:
            words += ["--core-mhz", f"{self.core_mhz:.15g}"]
        if self.utmi_width != 8:
            words += ["--utmi-width", str(self.utmi_width)]
        words += ["--out", self.out]
        if self.args:
            words += ["--", *self.args]
        return shlex.join(words)

    def to_json(self) -> str:
        """Return all options as JSON, for the simulator's process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunOptions:
        """Read what `to_json` wrote."""
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})
