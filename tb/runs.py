# SPDX-License-Identifier: Apache-2.0
"""Running a scenario file on a backend, and saying what came of it."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from pymodel.config import UdcParameters

from .bench import Bench, HangError, ScenarioFile, parameters_for, write_summary
from .kernel import Deadlock, Kernel
from .options import RunOptions, UsageError

__all__ = ["finish", "finish_unstarted", "run_scenario"]

# Ctrl-C and mismatches end a run as failed, but their traceback helps nobody.
_INTERRUPTIONS = ("Interrupted", "KeyboardInterrupt", "LockstepMismatch")
# The message says where each task waits; the traceback would only show the bench itself.
_HANGS = (HangError, Deadlock)


def run_scenario(options: RunOptions) -> int:
    """Run a scenario file.

    Returns:
        Exit status: 0 passed, 1 failed.

    Raises:
        UsageError: the file, the output directory or a parameter is not usable, or a tool is
            missing.
    """
    try:
        scenario = ScenarioFile.load(options.scenario)
    except UsageError:
        raise
    except BaseException as error:  # whatever the file does when it is imported
        _prepare(Path(options.out))
        return finish_unstarted(options, error)
    parameters = parameters_for(options, scenario)
    _prepare(Path(options.out))
    if options.backend == "model":
        return _run_on_model(options, scenario)
    return _run_in_simulator(options, parameters)


def _prepare(out: Path) -> None:
    """Make the output directory, without the summary of an earlier run."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "summary.json").unlink(missing_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        reason = f"{error.strerror}; choose a directory that can be written"
        raise UsageError(f"--out {out}: {reason}") from None


def _run_in_simulator(options: RunOptions, parameters: UdcParameters) -> int:
    from .sim.build import build  # noqa: PLC0415  (only runs on RTL need the simulators)
    from .sim.launch import launch  # noqa: PLC0415
    from .sim.verilator_root import ToolMissing  # noqa: PLC0415

    out = Path(options.out)
    order = out / "run.json"
    order.write_text(options.to_json())
    try:
        simulation = build(options.backend, parameters, waves=options.waves, say=_say)
    except ToolMissing as error:
        raise UsageError(str(error)) from None
    for note in simulation.notes:
        _say(note)
    launch(
        simulation,
        "tb.simulated",
        directory=out,
        environment={"PLUGFEST_RUN": str(order.resolve()), "PLUGFEST_CWD": os.getcwd()},
        waves=(out / "waves.fst").resolve() if options.waves else None,
    )
    summary = out / "summary.json"
    if not summary.exists():
        errors = ["the simulator ended before the run did; see its output above"]
        write_summary(options, errors)
        _closing_lines(options, errors)
        return 1
    return int(not json.loads(summary.read_text())["passed"])


def _say(text: str) -> None:
    print(text, flush=True)


def _run_on_model(options: RunOptions, scenario: ScenarioFile) -> int:
    from .sim.model import ModelController  # noqa: PLC0415  (not needed in a simulator's process)

    kernel = Kernel()
    parameters = parameters_for(options, scenario)
    try:
        controller = ModelController(kernel, parameters, memory=scenario.memory)
        bench = Bench(kernel, controller, options, scenario)
    except Exception as error:  # e.g. no room for the memory
        return finish_unstarted(options, error)
    failure: BaseException | None = None
    try:
        bench.run_alone(bench.run(scenario.main))
    except BaseException as error:  # whatever ends a run is reported
        failure = error
    return finish(bench, failure)


def finish(bench: Bench, failure: BaseException | None) -> int:
    """Close a bench and print what failed, its seed and how to repeat it, last.

    Returns:
        Exit status: 0 passed, 1 failed.
    """
    summary = bench.close(failure)
    if failure is not None:
        _print_traceback(failure)
    if not summary["passed"]:
        _closing_lines(bench.options, summary["errors"])
        return 1
    print(_one_line(summary))
    return 0


def finish_unstarted(options: RunOptions, failure: BaseException) -> int:
    """Report a run that failed before there was a bench: summary.json and the closing lines.

    Returns:
        Exit status 1.
    """
    errors = [f"{type(failure).__name__}: {failure}"]
    write_summary(options, errors)
    _print_traceback(failure)
    _closing_lines(options, errors)
    return 1


def _print_traceback(failure: BaseException) -> None:
    if type(failure).__name__ in _INTERRUPTIONS or isinstance(failure, _HANGS):
        return
    sys.stdout.flush()
    traceback.print_exception(failure)
    sys.stderr.flush()


def _one_line(summary: dict[str, Any]) -> str:
    text = (
        f"PASS {summary['name']} on {summary['backend']}, seed {summary['seed']}, "
        f"time scale {summary['time_scale']}: {summary['packets']} packets, "
        f"{summary['sim_time_ns'] / 1e6:.3f} ms simulated in {summary['wall_seconds']:.2f} s"
    )
    events = summary["lockstep"]["events"]
    return text + (f", {events} events in lockstep" if events else "")


def _closing_lines(options: RunOptions, errors: list[str]) -> None:
    print(f"FAILED {options.name} on {options.backend}, time scale {options.time_scale}:")
    for error in errors[:10]:
        print("  " + error.replace("\n", "\n  "))
    if len(errors) > 10:
        print(f"  ... and {len(errors) - 10} more in {options.out}/summary.json")
    print(f"seed: {options.seed}")
    print(f"rerun: {options.command()}", flush=True)
