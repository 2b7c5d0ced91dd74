# SPDX-License-Identifier: Apache-2.0
"""The registers of the RTL, read and written in Icarus, against the description."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pymodel.config import UdcParameters
from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    EPCMD,
    EPCMDPAR0,
    FIFO,
    GAHBCFG,
    GRSTCTL,
    REGISTERS,
    XCAP,
    XCFG,
    lookup,
    reset_values,
)
from pymodel.register_types import Register

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is missing: apt-get install iverilog"
)

BENCH = """
`resetall
`timescale 1ns / 1ps
`default_nettype none
module bench;
reg core_clk = 0, utmi_clk = 0, core_rst = 1;
always #6.25 core_clk = ~core_clk;
always #8.333 utmi_clk = ~utmi_clk;
reg [17:0] address = 0;
reg [31:0] data = 0;
reg awvalid = 0, wvalid = 0, arvalid = 0;
wire awready, wready, bvalid, arready, rvalid;
wire [31:0] rdata;
udc #(@PARAMETERS@) dut (
    .core_clk(core_clk), .core_rst(core_rst), .utmi_clk(utmi_clk),
    .s_axil_awaddr(address), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(data), .s_axil_wstrb(4'hF), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bvalid(bvalid), .s_axil_bready(1'b1),
    .s_axil_araddr(address), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rvalid(rvalid), .s_axil_rready(1'b1),
    .m_axi_awready(1'b0), .m_axi_wready(1'b0), .m_axi_bid(1'b0), .m_axi_bresp(2'b0),
    .m_axi_bvalid(1'b0), .m_axi_arready(1'b0), .m_axi_rid(1'b0), .m_axi_rdata(32'b0),
    .m_axi_rresp(2'b0), .m_axi_rlast(1'b0), .m_axi_rvalid(1'b0),
    .utmi_txready(1'b0), .utmi_rxactive(1'b0), .utmi_rxvalid(1'b0), .utmi_rxerror(1'b0),
    .utmi_rxdata(8'b0), .utmi_linestate(2'b00), .utmi_vbusvalid(1'b0)
);
reg [63:0] steps [0:@COUNT@];
integer index;
initial begin
    $readmemh("steps.hex", steps);
    repeat (20) @(posedge core_clk);
    core_rst <= 0;
    repeat (2000) @(posedge core_clk);
    for (index = 0; index < @COUNT@; index = index + 1) begin
        address <= steps[index][49:32];
        data <= steps[index][31:0];
        if (steps[index][63]) begin
            awvalid <= 1;
            wvalid <= 1;
            @(posedge core_clk);
            while (awvalid || wvalid) begin
                if (awready) awvalid <= 0;
                if (wready) wvalid <= 0;
                @(posedge core_clk);
            end
            while (!bvalid) @(posedge core_clk);
            repeat (@WAIT@) @(posedge core_clk);
        end else begin
            arvalid <= 1;
            @(posedge core_clk);
            while (!arready) @(posedge core_clk);
            arvalid <= 0;
            while (!rvalid) @(posedge core_clk);
            $display("%h", rdata);
        end
        @(posedge core_clk);
    end
    $finish;
end
endmodule
"""

Step = tuple[bool, int, int]


def play(
    directory: Path, steps: Sequence[Step], parameters: UdcParameters, wait: int = 20
) -> list[int]:
    """Run (write, offset, value) steps, with clocks to wait after a write; return what was read."""
    chosen = ", ".join(f".{name}({value})" for name, value in parameters.verilog().items())
    text = BENCH.replace("@PARAMETERS@", chosen).replace("@COUNT@", str(len(steps)))
    text = text.replace("@WAIT@", str(wait))
    (directory / "bench.v").write_text(text)
    lines = [f"{write << 63 | offset << 32 | value:016x}" for write, offset, value in steps]
    (directory / "steps.hex").write_text("\n".join([*lines, "0" * 16]) + "\n")
    sources = [str(path) for path in sorted((ROOT / "rtl").rglob("*.v"))]
    command = ["iverilog", "-g2005", "-I", str(ROOT / "rtl/gen"), "-s", "bench", "-o", "bench"]
    subprocess.run([*command, "bench.v", *sources], cwd=directory, check=True, timeout=300)
    result = subprocess.run(
        ["vvp", "bench"], cwd=directory, check=True, timeout=600, capture_output=True, text=True
    )
    values = [line for line in result.stdout.splitlines() if len(line) == 8]
    assert len(values) == sum(not write for write, _, _ in steps), result.stdout[-2000:]
    assert not [line for line in values if set(line) & set("xz")], "a register reads x or z"
    return [int(line, 16) for line in values]


def compared(register: type[Register]) -> int:
    """Return the bits whose value after reset is fixed."""
    return sum(field.mask for field in register.FIELDS if field.compare != "no")


FEATURES = UdcParameters(
    num_in_eps=5,
    num_out_eps=4,
    ep_directions=1 << 2 | 2 << 4 | 2 << 10,
    desc_dma=1,
    lpm=1,
    commands=1,
)
WORDS = (
    *range(0, 0x1000, 4),
    *range(0x11000, 0x11040, 4),
    *range(0x12000, 0x12900, 4),
    *(0x13000, 0x1FFFC, 0x20000, 0x2FFFC, 0x3FFFC),
)


def is_built(register: type[Register], index: int, parameters: UdcParameters) -> bool:
    """Tell whether a register of the description is there with these parameters."""
    needs = {**parameters.verilog(), "HIBERNATION": 0, "SHARED_FIFO": 0}
    if register.NEEDS and not eval(register.NEEDS, {"__builtins__": {}}, needs):
        return False
    if register.OFFSET < 0x900 or register.OFFSET >= 0xE00:
        return register.NAME != "DIEPTXF" or index <= parameters.num_in_eps
    if register.OFFSET < 0xB00:
        return parameters.has_in(index)
    return parameters.has_out(index)


def settable(register: type[Register]) -> int:
    """Return the bits that a write may change or that start something."""
    return sum(field.mask for field in register.FIELDS if field.access not in ("RO", "POP"))


@pytest.mark.parametrize(
    "parameters",
    [
        UdcParameters(),
        UdcParameters(num_in_eps=3, num_out_eps=5, fifo_words=1024, dma=0),
        UdcParameters(num_in_eps=15, num_out_eps=1, fifo_words=512, soft_disconnect=0, trace=1),
    ],
    ids=["default", "small", "uneven"],
)
def test_reset_values(tmp_path: Path, parameters: UdcParameters) -> None:
    """Every word of the register space reads what the description says, 0 where nothing is."""
    offsets = [*range(0, 0x1000, 4), *range(0x11000, 0x11040, 4), *range(0x12000, 0x12900, 4)]
    values = play(tmp_path, [(False, offset, 0) for offset in offsets], parameters)
    expected = reset_values(parameters)
    wrong = []
    for offset, value in zip(offsets, values, strict=True):
        found = lookup(offset)
        mask = 0xFFFFFFFF
        if found is not None and not found[0].NEEDS:
            mask = compared(found[0]) | ~sum(field.mask for field in found[0].FIELDS)
        wanted = expected.get(offset, 0)
        if (value ^ wanted) & mask & 0xFFFFFFFF:
            name = f"{found[0].NAME}[{found[1]}]" if found else "nothing"
            wrong.append(f"{offset:#x} {name}: {value:08x}, should be {wanted:08x}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("parameters", [UdcParameters(), FEATURES], ids=["default", "features"])
def test_storage_keeps_what_is_written(tmp_path: Path, parameters: UdcParameters) -> None:
    """RW fields take ones and zeros and nothing else changes in them; RO fields keep theirs."""
    # Test modes, DMAEn and GRSTCTL start things.
    spared = {
        GRSTCTL.OFFSET: 0,
        GAHBCFG.OFFSET: ~GAHBCFG.DMAEn.mask,
        DCTL.OFFSET: ~DCTL.TstCtl.mask,
        DCFG.OFFSET: ~(0 if parameters.desc_dma else DCFG.DescDMA.mask),
    }
    checks: list[tuple[type[Register], int, int]] = []
    for register in REGISTERS:
        if not register.RW or register is FIFO:
            continue
        for index in range(register.FIRST, register.FIRST + register.COUNT):
            if not is_built(register, index, parameters):
                continue
            mask = register.RW & spared.get(register.OFFSET, 0xFFFFFFFF)
            if mask:
                checks.append((register, register.at(index), mask))
    steps: list[Step] = []
    for register, offset, mask in checks:
        for value in (mask, mask & 0xA5A5A5A5, 0, mask & 0x5A5A5A5A):
            # What is neither RW nor W1C must not care about ones, so RO bits are written as 1.
            keep = sum(field.mask for field in register.FIELDS if field.access == "RO")
            steps += [(True, offset, value | keep), (False, offset, 0)]
    values = iter(play(tmp_path, steps, parameters))
    wrong = []
    for register, offset, mask in checks:
        readonly = sum(
            field.mask
            for field in register.FIELDS
            if field.access == "RO" and field.compare == "exact" and field.name != "MPS"
        )
        expected_ro = reset_values(parameters).get(offset, 0) & readonly
        for written in (mask, mask & 0xA5A5A5A5, 0, mask & 0x5A5A5A5A):
            value = next(values)
            if value & mask != written:
                wrong.append(f"{register.NAME} {offset:#x}: wrote {written:08x}, read {value:08x}")
            elif value & readonly != expected_ro and register.NAME not in ("GOTGCTL",):
                wrong.append(f"{register.NAME} {offset:#x}: read-only bits {value:08x}")
    assert not wrong, "\n".join(wrong)


def test_writes_where_nothing_is(tmp_path: Path) -> None:
    """Words without a register, and read-only bits, ignore writes; no other register notices."""
    parameters = FEATURES
    steps: list[Step] = []
    for offset in WORDS:
        found = lookup(offset)
        if found is None or not is_built(*found, parameters):
            steps.append((True, offset, 0xFFFFFFFF))
        elif not settable(found[0]):
            steps += [(True, offset, 0xFFFFFFFF), (True, offset, 0)]
    written = len(steps)
    assert written > 700
    steps += [(False, offset, 0) for offset in WORDS]
    expected = reset_values(parameters)
    wrong = []
    for offset, value in zip(WORDS, play(tmp_path, steps, parameters, 1), strict=True):
        found = lookup(offset)
        there = found is not None and is_built(*found, parameters)
        mask = 0xFFFFFFFF
        if found is not None and there:
            mask &= compared(found[0]) | ~sum(field.mask for field in found[0].FIELDS)
        wanted = expected.get(offset, found[0].RESET) if found is not None and there else 0
        if (value ^ wanted) & mask:
            wrong.append(f"{offset:#x}: {value:08x}, should be {wanted:08x}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("parameters", [UdcParameters(), FEATURES], ids=["default", "features"])
def test_commands_and_causes(tmp_path: Path, parameters: UdcParameters) -> None:
    """Write-1-to-clear bits stay 0, commands read 0, levels stay; EPEna and EPDis hold and act."""
    steps: list[Step] = []
    checks: list[tuple[str, int, int]] = []

    def read(what: str, offset: int, mask: int, wanted: int) -> None:
        steps.append((False, offset, 0))
        checks.append((what, mask, wanted))

    everywhere = [
        (register, register.at(index))
        for register in REGISTERS
        for index in range(register.FIRST, register.FIRST + register.COUNT)
        if is_built(register, index, parameters) and register is not GRSTCTL
    ]
    expected = reset_values(parameters)
    for register, offset in everywhere:
        causes = sum(field.mask for field in register.FIELDS if field.access == "W1C")
        if causes:
            steps.append((True, offset, 0xFFFFFFFF))
            read(f"{register.NAME} causes", offset, 0xFFFFFFFF, expected.get(offset, 0))
        commands = sum(field.mask for field in register.FIELDS if field.access == "WO1")
        for value in (commands, 0):
            if commands:
                steps.append((True, offset, value))
                read(f"{register.NAME} commands", offset, commands, 0)
    controls = [(r, at) for r, at in everywhere if r.NAME[2:7] == "EPCTL"]
    enable, disable = 1 << 31, 1 << 30
    for step in (enable, 0, disable):
        steps += [(True, offset, step) for _, offset in controls]
        for register, offset in controls:
            # EP0 OUT cannot be disabled
            stays = step != disable or register.NAME == "DOEPCTL0"
            read(f"{register.NAME} EPEna {step:x}", offset, enable | disable, enable * stays)
    values = play(tmp_path, steps, parameters)
    wrong = [
        f"{what}: {value:08x}, should be {wanted:08x} in {mask:08x}"
        for (what, mask, wanted), value in zip(checks, values, strict=True)
        if (value ^ wanted) & mask
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("commands", [0, 1])
def test_extension_bank(tmp_path: Path, commands: int) -> None:
    """Each word of the bank keeps what it should and nothing else; without commands, nothing."""
    parameters = UdcParameters(commands=commands, cmd_latency=77)
    offsets = [*range(0x12000, 0x12030, 4), 0x123FC, *range(0x12800, 0x12810, 4)]
    for index in (0, 1, 15, 16, 31):
        offsets += range(EPCMDPAR0.at(index), EPCMDPAR0.at(index) + 0x20, 4)
    steps = [(False, offset, 0) for offset in offsets]
    # CMDACT would start something; in the second round each word has a value of its own
    legal = 0xFFFFFFFF & ~EPCMD.CMDACT.mask
    rounds = [[legal] * len(offsets), [0xA5A5A5A5 * (offset | 1) & legal for offset in offsets]]
    for values in rounds:
        steps += [(True, offset, value) for offset, value in zip(offsets, values, strict=True)]
        steps += [(False, offset, 0) for offset in offsets]
    got = play(tmp_path, steps, parameters)
    resets = {XCAP.OFFSET: 2000 << 16 | XCAP.Commands.mask, XCFG.OFFSET: 77 << 16}
    wrong = []
    for place, offset in enumerate(offsets):
        found = lookup(offset)
        stored = found[0].RW if found and commands and "COMMANDS" in found[0].NEEDS else 0
        reset = resets.get(offset, 0) if commands else 0
        wanted = [reset, *(values[place] & stored | reset & ~stored for values in rounds)]
        seen = got[place :: len(offsets)]
        if seen != wanted:
            wrong.append(f"{offset:#x}: {[hex(v) for v in seen]}, not {[hex(v) for v in wanted]}")
    assert not wrong, "\n".join(wrong)
