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
        (["--mode", "desc", "--fifo", "shared"], "choose dedicated FIFOs"),
        (["--lockstep"], "verilator"),
        (["--waves"], "verilator"),
        (["--time-scale", "2000"], "1 to 1000"),
        (["--frobnicate"], "--help"),
        (["--core-mhz", "59"], "60 to 1000"),
        (["--utmi-width", "32"], "--utmi-width 32: choose 8 or 16"),
        (["--seed", "x"], "--seed"),
        (["--time-scale", "0"], "1 to 1000"),
        (["--timeout", "nan"], "above 0"),
        (["--timeout", "inf"], "above 0"),
        (["--timeout", "0"], "above 0"),
        (["--back", "model"], "--back"),
        (["--speed", "low"], "choose full or high\n"),
        (["--speed", "desc"], "choose full or high\n"),
        (["--mode", "pio"], "choose slave, dma or desc\n"),
        (["--fifo", "none"], "choose dedicated or shared\n"),
        (["--backend", "vcs"], "choose model, verilator or icarus\n"),
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
    assert f"plugfest run {case}" in last[1]
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
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert text.count("event the answer") == 1
    assert "\n    scenario: waits for event the answer at " in captured.out
    assert "waits for None" not in text
    assert "Traceback" not in text


def test_a_hang_report_gives_places_from_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "from tb.kernel import Event\n    await Event('the answer').wait()"
    case = scenario(tmp_path, body)
    monkeypatch.chdir(tmp_path)
    assert main(["run", case, "--timeout", "3", "--out", "o"]) == 1
    assert " at case.py:6 main" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("async def main(bench:\n", "SyntaxError"),
        ("import no_such_module\n", "ModuleNotFoundError"),
        ("raise SystemExit(0)\n", "SystemExit"),
    ],
)
@pytest.mark.parametrize("backend", ["model", "icarus"])
def test_a_file_that_fails_on_import_is_a_failed_run(
    text: str, reason: str, backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case.py"
    case.write_text(text)
    out = tmp_path / "o"
    words = ["run", str(case), "--backend", backend, "--seed", "9", "--out", str(out)]
    assert main(words) == 1
    captured = capsys.readouterr()
    assert "Traceback" in captured.err
    assert reason in captured.err
    lines = captured.out.strip().splitlines()
    assert lines[0].startswith("FAILED case")
    assert lines[-2] == "seed: 9"
    assert lines[-1].startswith("rerun: ")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["passed"] is False
    assert reason in summary["errors"][0]


def test_an_unusable_output_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = scenario(tmp_path, "raise ValueError('it ran')")
    for out in (case, f"{case}/below"):
        assert main(["run", case, "--out", out]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"plugfest: --out {out}: ")
        assert error.count("\n") == 1


def test_an_output_directory_without_permission(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    assert main(["run", scenario(tmp_path, "pass"), "--out", str(tmp_path / "o")]) == 2
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["model", "verilator", "icarus"])
@pytest.mark.parametrize(
    ("line", "hints"),
    [
        ("PARAMETERS = [3]", ["PARAMETERS", "dict"]),
        ("PARAMETERS = {'FOO': 1}", ["FOO", "NUM_IN_EPS", "FIFO_WORDS"]),
        ("PARAMETERS = {'NUM_IN_EPS': '3'}", ["NUM_IN_EPS", "int"]),
        ("PARAMETERS = {'NUM_IN_EPS': 99}", ["num_in_eps=99", "1 to 15"]),
        ("PROBE = True\nPARAMETERS = {'DMA': 0}", ["--mode dma", "use --mode slave"]),
        ("MEMORY = 4096", ["MEMORY", "(base, size)"]),
        ("MEMORY = (0, 4096, 1)", ["MEMORY", "(base, size)"]),
        ("MEMORY = (0, 4096.0)", ["MEMORY", "(base, size)"]),
        ("MEMORY = (0xffff_f000, 0x2000)", ["MEMORY", "32 bits"]),
        ("MEMORY = (-4, 4096)", ["MEMORY", "32 bits"]),
        ("MEMORY = (2, 4096)", ["MEMORY", "multiples of 4"]),
        ("MEMORY = (0, 4097)", ["MEMORY", "multiples of 4"]),
        ("main = 3", ["async def main(bench)"]),
        ("def main(bench): pass", ["async def main(bench)"]),
        ("async def main(): pass", ["async def main(bench)"]),
        ("async def main(bench, more): pass", ["async def main(bench)"]),
    ],
)
def test_a_scenario_file_that_says_something_unusable(
    line: str, hints: list[str], backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Path(scenario(tmp_path, "pass"))
    case.write_text(case.read_text() + line + "\n")
    assert main(["run", str(case), "--backend", backend, "--out", str(tmp_path / "o")]) == 2
    error = capsys.readouterr().err
    assert all(hint in error for hint in hints), error
    assert error.count("\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("exists", [True, False])
def test_the_echo_refuses_a_file_without_data(
    exists: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data.bin"
    if exists:
        file.touch()
    echo = Path(__file__).parents[2] / "examples" / "acm_echo.py"
    assert main(["run", str(echo), "--out", str(tmp_path / "o"), "--", str(file)]) == 1
    reason = "the file is empty" if exists else "no such file"
    assert f"ValueError: {file}: " in (text := capsys.readouterr().out)
    assert reason in text


def test_the_rerun_command_names_the_command_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = scenario(tmp_path, "raise ValueError")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", "/usr/bin/python3")
    monkeypatch.setattr("sys.argv", ["/usr/bin/plugfest"])
    assert main(["run", case, "--out", "o"]) == 1
    assert f"\nrerun: plugfest run {case} " in capsys.readouterr().out
    for argv, python in (
        (str(tmp_path / "build/venv/bin/plugfest"), "/usr/bin/python3"),
        ("build/venv/bin/plugfest", "/usr/bin/python3"),
        ("tb/cli.py", str(tmp_path / "build/venv/bin/python")),
    ):
        monkeypatch.setattr("sys.argv", [argv])
        monkeypatch.setattr("sys.executable", python)
        assert main(["run", case, "--out", "o"]) == 1
        assert f"\nrerun: build/venv/bin/plugfest run {case} " in capsys.readouterr().out


def test_utmi_width_contradicts_the_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Path(scenario(tmp_path, "pass"))
    case.write_text(case.read_text() + "PARAMETERS = {'UTMI_WIDTH': 8}\n")
    words = ["run", str(case), "--utmi-width", "16", "--out", str(tmp_path / "o")]
    assert main(words) == 2
    assert "--utmi-width 16: PARAMETERS of the scenario has UTMI_WIDTH = 8" in (
        capsys.readouterr().err
    )
