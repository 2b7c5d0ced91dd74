# SPDX-License-Identifier: Apache-2.0
"""Icarus: an unknown output ends a run, an unknown payload that is not valid does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tb.sim.build import build_library

HDL = Path(__file__).resolve().parents[2] / "tb" / "hdl"
BENCH = """
`timescale 1ps/1ps
module bench;
    reg clk = 1'b0;
    reg rst = 1'b1;
    reg [32:0] interrupts = 0;
    reg [6:0] axil = 0, utmi = 0;
    reg [4:0] axi = 0, axi_w = 0;
    reg axil_rvalid = 0, axi_awvalid = 0, axi_wvalid = 0, axi_arvalid = 0, utmi_txvalid = 0;
    reg [31:0] axil_rdata = 32'bx, axi_wdata = 32'bx;
    reg [39:0] axi_aw = 40'bx, axi_ar = 40'bx;
    reg [7:0] utmi_txdata = 8'bx;
    always #5 clk = !clk;
    x_watch dut (
        .core_clk(clk), .core_rst(rst), .phy_clk(clk), .interrupts(interrupts), .axil(axil),
        .axil_rvalid(axil_rvalid), .axil_rdata(axil_rdata), .axi(axi),
        .axi_awvalid(axi_awvalid), .axi_aw(axi_aw), .axi_wvalid(axi_wvalid), .axi_w(axi_w),
        .axi_wdata(axi_wdata), .axi_arvalid(axi_arvalid), .axi_ar(axi_ar), .utmi(utmi),
        .utmi_txvalid(utmi_txvalid), .utmi_txdata(utmi_txdata));
    initial begin
        @CHANGE_BEFORE@
        #100 rst = 1'b0;
        #1000;
        @CHANGE@
        #100 $display("told %b", dut.told_reg);
        $finish;
    end
endmodule
"""


def told(folder: Path, change: str, before: str = "") -> bool:
    """Simulate a change of the watched outputs; tell whether the watch spoke."""
    library = build_library("icarus", folder, folder / "library.log")
    source = folder / "bench.v"
    source.write_text(BENCH.replace("@CHANGE@", change).replace("@CHANGE_BEFORE@", before))
    program = folder / "bench.vvp"
    command = ["iverilog", "-g2005", f"-I{HDL}", "-s", "bench", "-o", str(program)]
    subprocess.run([*command, str(source), str(HDL / "x_watch.v")], check=True)
    run = subprocess.run(
        ["vvp", "-n", "-m", str(library), str(program)], capture_output=True, text=True, check=True
    )
    assert "told 0" in run.stdout or "told 1" in run.stdout, run.stdout
    return "told 1" in run.stdout


@pytest.mark.icarus
@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize(
    "change",
    [
        "interrupts[7] = 1'bx;",
        "axil[2] = 1'bx;",
        "axil_rvalid = 1;",
        "axi[0] = 1'bx;",
        "axi_awvalid = 1;",
        "axi_wvalid = 1; axi_w = 5'b00010;",
        "axi_wvalid = 1; axi_wdata = 0; axi_w = 5'b0001x;",
        "axi_arvalid = 1; axi_ar[39:1] = 0;",
        "utmi[3] = 1'bz;",
        "utmi_txvalid = 1;",
    ],
)
def test_an_unknown_output_is_told(tmp_path: Path, change: str) -> None:
    assert told(tmp_path, change)


@pytest.mark.icarus
@pytest.mark.usefixtures("icarus")
@pytest.mark.parametrize(
    ("change", "before"),
    [
        ("", ""),
        # a byte that no strobe selects
        ("axi_wvalid = 1; axi_w = 5'b00011; axi_wdata[7:0] = 8'd1;", ""),
        # before reset has ended
        ("", "interrupts = 33'bx; utmi = 7'bx; #50 interrupts = 0; utmi = 0;"),
    ],
)
def test_what_nobody_looks_at_may_be_unknown(tmp_path: Path, change: str, before: str) -> None:
    assert not told(tmp_path, change, before)
