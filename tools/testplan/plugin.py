# SPDX-License-Identifier: Apache-2.0
"""Hooks of pytest that hold the test plan against what has just run.

A run of the whole suite fails if an id of the plan lacks a passing test; a part of the suite fails
only for listed tests that it ran itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.testplan.plan import PlanError, judge, load

__all__ = ["PlanPlugin", "add_options"]


def add_options(parser: pytest.Parser) -> None:
    """Add the command line options."""
    group = parser.getgroup("test plan")
    group.addoption(
        "--testplan-strict",
        action="store_true",
        help="a skipped test does not cover a requirement either (for CI, where all tools are)",
    )
    group.addoption("--testplan-results", metavar="FILE", help="write the outcomes as JSON")


def _complete(config: pytest.Config) -> bool:
    """Tell whether the whole suite was asked for."""
    chosen = config.option
    if chosen.keyword or chosen.markexpr or chosen.collectonly or chosen.deselect:
        return False
    if getattr(chosen, "lf", False) or getattr(chosen, "ignore", None) or chosen.maxfail:
        return False
    here = config.rootpath
    wanted = {(here / argument).resolve() for argument in config.args}
    return bool(wanted & {here.resolve(), (here / "tests").resolve()})


class PlanPlugin:
    """Collects outcomes and judges the plan at the end of the session."""

    def __init__(self, plan: Path) -> None:
        """Remember where the plan is."""
        self._plan = plan
        self._outcomes: dict[str, str] = {}
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of one phase of a test; the worst phase counts."""
        before = self._outcomes.get(report.nodeid)
        if report.outcome == "failed" or before == "failed":
            self._outcomes[report.nodeid] = "failed"
        elif report.outcome == "skipped" or before == "skipped":
            # Also an expected failure: it proves nothing.
            self._outcomes[report.nodeid] = "skipped"
        else:
            self._outcomes[report.nodeid] = "passed"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge, in the process that saw all reports."""
        config = session.config
        if hasattr(config, "workerinput"):
            return
        if config.option.testplan_results:
            path = Path(config.option.testplan_results)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self._outcomes, indent=1, sort_keys=True) + "\n")
        try:
            entries = load(self._plan)
        except PlanError as error:
            self._lines = [str(error)]
        else:
            verdict = judge(entries, self._outcomes)
            complete = _complete(config) and not session.shouldstop and not session.shouldfail
            self._lines = verdict.complaints(
                complete=complete, strict=config.option.testplan_strict
            )
            if complete:
                config.stash[_SUMMARY] = (
                    f"{len(verdict.proved)} of {len(entries)} requirements proved"
                )
        if self._lines and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is not covered."""
        if self._lines:
            terminalreporter.section("test plan", red=True)
            for line in self._lines:
                terminalreporter.line(line)
        summary = terminalreporter.config.stash.get(_SUMMARY, "")
        if summary:
            terminalreporter.line(f"test plan: {summary}")


_SUMMARY = pytest.StashKey[str]()
