# SPDX-License-Identifier: Apache-2.0
"""The test plan names tests that exist, and the check of it finds what it should."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.testplan import PlanError, judge, load
from tools.testplan.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "tests/testplan.toml"


def test_named_tests_exist() -> None:
    """Every test of the plan is a function of the file that it names."""
    defined: dict[str, set[str]] = {}
    lost = []
    for entry in load(PLAN).values():
        for test in entry.all_tests():
            name, _, rest = test.partition("::")
            if name not in defined:
                path = ROOT / name
                tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else None
                functions = (ast.FunctionDef, ast.AsyncFunctionDef)
                nodes = ast.walk(tree) if tree else ()
                defined[name] = {node.name for node in nodes if isinstance(node, functions)}
            if rest.split("[")[0].split("::")[-1] not in defined[name]:
                lost.append(f"{entry.id}: {test}")
    assert not lost, "\n".join(lost)


def test_ids_are_in_order() -> None:
    """Ordered by id, so that a line is found and merges are small."""
    ids = list(load(PLAN))
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [", "Cannot|Invalid|Unclosed|Expected|Unexpected"),
        ('["S4-1"]\ntext = "x"', "not an id"),
        ('["S004-01"]\nV1 = ["tests/a.py::test_b"]', "no text"),
        ('["S004-01"]\ntext = "x"\nV9 = ["tests/a.py::test_b"]', "stage V9"),
        ('["S004-01"]\ntext = "x"\nV1 = []', "not a list"),
        ('["S004-01"]\ntext = "x"\nV1 = ["tests/a.py"]', "not FILE::TEST"),
    ],
)
def test_wrong_plans_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the id and what is wrong."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=message):
        load(path)


def test_judgement(tmp_path: Path) -> None:
    """Passed, failed, skipped, missing; cases of one test together or alone."""
    path = tmp_path / "plan.toml"
    path.write_text(
        '["S001-01"]\ntext = "a"\nV1 = ["tests/a.py::test_a"]\n'
        '["S001-02"]\ntext = "b"\nV1 = ["tests/a.py::test_b"]\n'
        '["S001-03"]\ntext = "c"\nV1 = ["tests/a.py::test_b[good]"]\nV2 = ["tests/a.py::test_c"]\n'
        '["S001-04"]\ntext = "d"\nV1 = ["tests/a.py::test_d"]\n'
        '["S001-05"]\ntext = "planned"\n'
    )
    outcomes = {
        "tests/a.py::test_a[x]": "passed",
        "tests/a.py::test_a[y]": "skipped",
        "tests/a.py::test_b[good]": "passed",
        "tests/a.py::test_b[bad]": "failed",
        "tests/a.py::test_c": "skipped",
    }
    verdict = judge(load(path), outcomes)
    assert verdict.proved == ["S001-01"]
    assert verdict.failed == {"S001-02": ["tests/a.py::test_b"]}
    assert verdict.skipped == {"S001-03": ["tests/a.py::test_c"]}
    assert verdict.missing == {"S001-04": ["tests/a.py::test_d"]}
    assert len(verdict.complaints(complete=False, strict=False)) == 1
    assert len(verdict.complaints(complete=True, strict=False)) == 2
    assert len(verdict.complaints(complete=True, strict=True)) == 3


@pytest.mark.parametrize(
    ("body", "strict", "status", "text"),
    [
        ("def test_a(): pass", False, 0, "1 of 1 requirements proved"),
        ("def test_a(): assert 0", False, 1, "tests/test_it.py::test_a failed"),
        ("def test_b(): pass", False, 1, "tests/test_it.py::test_a did not run"),
        ("import pytest\ndef test_a(): pytest.skip('no tool')", False, 0, "0 of 1"),
        ("import pytest\ndef test_a(): pytest.skip('no tool')", True, 1, "was skipped"),
        ("import pytest\n@pytest.mark.xfail\ndef test_a(): assert 0", True, 1, "was skipped"),
    ],
)
def test_a_whole_run_checks_the_plan(
    tmp_path: Path, body: str, strict: bool, status: int, text: str
) -> None:
    """A run of all tests fails if an id lacks a passing test."""
    tests = tmp_path / "tests"
    tests.mkdir()
    conftest = (
        (ROOT / "tests/conftest.py")
        .read_text()
        .replace("sys.path.insert(0, str(ROOT))", f"sys.path.insert(0, {str(ROOT)!r})")
    )
    (tests / "conftest.py").write_text(conftest)
    (tests / "test_it.py").write_text(body + "\n")
    (tests / "testplan.toml").write_text(
        '["S001-01"]\ntext = "a"\nV1 = ["tests/test_it.py::test_a"]\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    command += ["tests", *(["--testplan-strict"] if strict else [])]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    assert text in result.stdout


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Outcomes of several runs add up; without any, covered ids are missing their tests."""
    outcomes = {test: "passed" for entry in load(PLAN).values() for test in entry.all_tests()}
    results = tmp_path / "results.json"
    results.write_text(json.dumps(outcomes))
    assert main([str(results), "--strict"]) == 0
    assert "requirements proved" in capsys.readouterr().out
    assert main([str(tmp_path / "none.json")]) == 2
    if outcomes:
        assert main([]) == 1
        assert "did not run" in capsys.readouterr().err
