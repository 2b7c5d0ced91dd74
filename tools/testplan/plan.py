# SPDX-License-Identifier: Apache-2.0
"""Reads the test plan and compares it with the outcomes of tests.

The plan is data (TOML): one table per requirement id, in it the text and for each stage the tests
that prove it. A test is named as pytest names it, without parameters: `FILE::NAME` or
`FILE::CLASS::NAME`, or `FILE::NAME[PARAMETERS]` for one case only.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["STAGES", "Entry", "PlanError", "Verdict", "judge", "load"]

STAGES = ("V1", "V2", "V3")
"""V1: works along one thin path; V2: works with every option; V3: holds under random attack."""

_ID = re.compile(r"[A-Z]+\d{3}-\d{2,3}$")
_TEST = re.compile(r"tests/[\w/]+\.py::\w+(::\w+)?(\[.+\])?$")


class PlanError(Exception):
    """The plan itself is wrong; the message names id and line."""


@dataclass(frozen=True)
class Entry:
    """One requirement.

    Attributes:
        id: as in the list of requirements, such as S004-55.
        text: what is required, short.
        tests: stage -> tests; every listed test must pass.
    """

    id: str
    text: str
    tests: Mapping[str, tuple[str, ...]]

    def all_tests(self) -> Iterator[str]:
        """Yield the tests of all stages."""
        for tests in self.tests.values():
            yield from tests


@dataclass
class Verdict:
    """What the outcomes say about the plan.

    Attributes:
        proved: ids of which every test passed.
        failed: id -> tests that failed.
        skipped: id -> tests that were only skipped.
        missing: id -> tests that did not run at all.
    """

    proved: list[str] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)

    def complaints(self, *, complete: bool, strict: bool) -> list[str]:
        """Return what is wrong, one line each.

        Args:
            complete: all tests were meant to run, so that a missing one is a fault.
            strict: a skipped test proves nothing either.
        """
        found = [(self.failed, "failed")]
        if complete:
            found.append((self.missing, "did not run"))
        if strict:
            found.append((self.skipped, "was skipped"))
        return [
            f"{name}: {test} {what}"
            for group, what in found
            for name, tests in sorted(group.items())
            for test in tests
        ]


def load(path: Path) -> dict[str, Entry]:
    """Return the entries of a plan by id.

    Raises:
        PlanError: not TOML, an unknown stage, an id or test that is not named as it should be.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path.name}: {error}") from error
    entries = {}
    for name, table in tables.items():
        if not _ID.match(name):
            raise PlanError(f"{path.name}: {name} is not an id such as S004-55")
        if not isinstance(table, dict) or not isinstance(table.get("text"), str):
            raise PlanError(f"{path.name}: {name} has no text")
        tests: dict[str, tuple[str, ...]] = {}
        for stage, names in table.items():
            if stage == "text":
                continue
            if stage not in STAGES:
                raise PlanError(f"{path.name}: {name} has stage {stage}, legal: {STAGES}")
            if not isinstance(names, list) or not names:
                raise PlanError(f"{path.name}: {name} {stage} is not a list of tests")
            for test in names:
                if not isinstance(test, str) or not _TEST.match(test):
                    raise PlanError(f"{path.name}: {name} {stage}: {test} is not FILE::TEST")
            tests[stage] = tuple(names)
        entries[name] = Entry(name, table["text"], tests)
    return entries


def judge(entries: Mapping[str, Entry], outcomes: Mapping[str, str]) -> Verdict:
    """Compare a plan with outcomes.

    A test with parameters has passed if no case failed and at least one passed.

    Args:
        entries: the plan.
        outcomes: pytest's node id -> "passed", "failed" or "skipped".
    """
    seen: dict[str, set[str]] = {}
    for node, outcome in outcomes.items():
        seen.setdefault(node, set()).add(outcome)
        seen.setdefault(node.split("[")[0], set()).add(outcome)
    verdict = Verdict()
    for entry in entries.values():
        proved = bool(entry.tests)
        for test in entry.all_tests():
            results = seen.get(test, set())
            if "failed" in results:
                verdict.failed.setdefault(entry.id, []).append(test)
            elif "passed" in results:
                continue
            elif results:
                verdict.skipped.setdefault(entry.id, []).append(test)
            else:
                verdict.missing.setdefault(entry.id, []).append(test)
            proved = False
        if proved:
            verdict.proved.append(entry.id)
    return verdict
