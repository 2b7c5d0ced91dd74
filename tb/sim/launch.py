# SPDX-License-Identifier: Apache-2.0
"""Start a built simulation with cocotb inside and collect what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cocotb_tools.config
import find_libpython

from .build import Build

__all__ = ["Launch", "TestOutcome", "launch", "simulator_environment"]

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class TestOutcome:
    """One cocotb test.

    Attributes:
        name: module and function.
        passed: True if it neither failed nor was skipped.
        message: what failed.
    """

    __test__ = False  # not a test class for pytest

    name: str
    passed: bool
    message: str = ""


@dataclass(frozen=True)
class Launch:
    """How a simulation ended.

    Attributes:
        status: exit status of the process; negative is a signal.
        tests: outcome per cocotb test, empty if it did not come so far.
        output: what it printed, if that was captured.
    """

    status: int
    tests: tuple[TestOutcome, ...] = field(default=())
    output: str = ""

    @property
    def passed(self) -> bool:
        """True if the process ended well and every test passed."""
        return self.status == 0 and bool(self.tests) and all(test.passed for test in self.tests)


def simulator_environment(build: Build, module: str, results: Path) -> dict[str, str]:
    """Return the environment for a simulation process.

    Args:
        build: what will run.
        module: importable name of the module with cocotb tests; several separated by commas.
        results: file for cocotb's report.
    """
    env = dict(os.environ)
    paths = [str(_ROOT), *(path for path in sys.path if path)]
    env["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    env["PYGPI_PYTHON_BIN"] = sys.executable
    libpython = env.get("LIBPYTHON_LOC") or find_libpython.find_libpython()
    if libpython is None:
        raise RuntimeError("no shared libpython found: install python3-dev or set LIBPYTHON_LOC")
    env["GPI_USERS"] = f"{libpython};{cocotb_tools.config.pygpi_entry_point()}"
    env["COCOTB_TOPLEVEL"] = build.top
    env["COCOTB_TEST_MODULES"] = module
    env["TOPLEVEL_LANG"] = "verilog"
    env["COCOTB_RESULTS_FILE"] = str(results)
    env["COCOTB_TRUST_INERTIAL_WRITES"] = "1"
    env.setdefault("COCOTB_LOG_LEVEL", "WARNING")
    env.setdefault("GPI_LOG_LEVEL", "WARNING")
    env["PLUGFEST_LIBRARY"] = str(build.library)
    return env


def _read_results(path: Path) -> tuple[TestOutcome, ...]:
    """Return the outcomes from cocotb's report (JUnit form)."""
    if not path.exists():
        return ()
    outcomes = []
    for case in ElementTree.parse(path).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        message = ""
        if bad:
            message = bad[0].get("message") or bad[0].get("error_msg") or bad[0].text or ""
        name = f"{case.get('classname')}.{case.get('name')}"
        outcomes.append(TestOutcome(name, not bad, message))
    return tuple(outcomes)


def launch(
    build: Build,
    module: str,
    *,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    plusargs: tuple[str, ...] = (),
    test_filter: str | None = None,
    seed: int | None = None,
    capture: bool = False,
    waves: Path | None = None,
    wall_timeout: float | None = None,
) -> Launch:
    """Run a simulation to its end.

    Ctrl-C is passed to the simulation, which closes its files by itself; a second one ends it.

    Args:
        build: what to run.
        module: module with cocotb tests.
        directory: where it runs and leaves `results.xml`; made if missing.
        environment: variables to add.
        plusargs: for the simulator.
        test_filter: regular expression over test names.
        seed: of cocotb's random numbers.
        capture: keep the output instead of showing it.
        waves: wave file to write, if the build can; the suffix follows the build.
        wall_timeout: seconds of real time after which it is interrupted.
    """
    directory.mkdir(parents=True, exist_ok=True)
    results = directory / "results.xml"
    results.unlink(missing_ok=True)
    env = simulator_environment(build, module, results)
    if test_filter is not None:
        env["COCOTB_TEST_FILTER"] = test_filter
    if seed is not None:
        env["COCOTB_RANDOM_SEED"] = str(seed)
    if waves is not None:
        waves = waves.with_suffix(f".{build.wave_suffix or 'fst'}")
        plusargs = (*plusargs, f"+waves={waves}")
        env["PLUGFEST_WAVES"] = "1"
    env.update(environment or {})
    process = subprocess.Popen(
        build.command(*plusargs),
        cwd=directory,
        env=env,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        errors="replace",
        # A group of its own: a terminal's Ctrl-C then reaches us alone, and is passed on once.
        process_group=0,
    )
    output = ""
    patience = wall_timeout
    asked = False
    while True:
        try:
            output, _ = process.communicate(timeout=patience)
            break
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            if asked:
                process.kill()
            else:
                process.send_signal(signal.SIGINT)
            asked, patience = True, 20
    return Launch(process.returncode, _read_results(results), output or "")
