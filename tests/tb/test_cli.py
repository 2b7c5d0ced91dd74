# SPDX-License-Identifier: Apache-2.0
"""Wrong usage: exit status 2 and one line that says how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tb.cli import main

SCENARIO = """
PROBE = False
HOST = False
async def main(bench):
    {body}
"""


def scenario(tmp_path: Path, body: str) -> str:
    file = tmp_path / "case.py"
    file.write_text(SCENARIO.format(body=body))
    return str(file)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--backend", "vcs"], "verilator"),
        (["--speed", "low"], "full"),
        (["--speed", "super"], "--speed high"),
        (["--mode", "desc"], "--mode dma"),
        (["--mode", "desc", "--fifo", "shared"], "dedicated"),
        (["--fifo", "shared"], "dedicated"),
        (["--lockstep"], "verilator"),
        (["--waves"], "verilator"),
        (["--time-scale", "2000"], "1 to 1000"),
        (["--frobnicate"], "--help"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_wrong_usage(
    options: list[str], hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", scenario(tmp_path, "pass"), *options]) == 2
    error = capsys.readouterr().err
    assert hint in error
    assert error.count("\n") == 1


def test_a_missing_file_and_a_file_without_main(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(tmp_path / "none.py")]) == 2
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    assert main(["run", str(empty)]) == 2
    assert "async def main(bench)" in capsys.readouterr().err


def test_a_passing_run_writes_its_summary(tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = "assert bench.args == ['a', 'b'] and bench.seed == 7"
    case = scenario(tmp_path, body)
    assert main(["run", case, "--seed", "7", "--out", str(out), "--", "a", "b"]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["passed"] is True
    assert summary["seed"] == 7
    assert set(summary) == {
        "name", "backend", "simulator", "seed", "time_scale", "passed", "errors", "sim_time_ns",
        "clock_cycles", "wall_seconds", "packets", "payload_bytes", "lockstep",
    }  # fmt: skip


def test_a_raising_scenario_ends_with_seed_and_rerun_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = scenario(tmp_path, "raise ValueError('the reason')")
    assert main(["run", case, "--seed", "9", "--out", str(tmp_path / "o")]) == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert "case.py" in captured.err
    last = captured.out.strip().splitlines()[-2:]
    assert last[0] == "seed: 9"
    assert last[1].startswith(f"rerun: plugfest run {case}")
    assert "--seed 9" in last[1]
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["passed"] is False


def test_an_exception_in_a_background_task_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (
        "from tb.kernel import current, sleep\n    "
        "current().call_later(5, lambda: 1 / 0)\n    await sleep(1000)"
    )
    assert main(["run", scenario(tmp_path, body), "--out", str(tmp_path / "o")]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_hanging_run_says_what_it_waits_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "from tb.kernel import Event, sleep\n    await Event('the answer').wait()"
    case = scenario(tmp_path, body)
    assert main(["run", case, "--timeout", "3", "--out", str(tmp_path / "o")]) == 1
    text = capsys.readouterr()
    assert "event the answer" in text.out + text.err
