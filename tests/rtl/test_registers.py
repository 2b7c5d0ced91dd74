# SPDX-License-Identifier: Apache-2.0
"""The register description and what is generated from it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pymodel.config import UdcParameters
from pymodel.gen import udc_regs
from pymodel.gen.udc_regs import REGISTERS, lookup, reset_values
from tools.registers.__main__ import OUTPUTS, main, stale, write
from tools.registers.describe import ACCESS_CODES, DescriptionError, describe

ROOT = Path(__file__).resolve().parents[2]
REGISTERS_BY_NAME = {register.NAME: register for register in REGISTERS}


def test_generated_files_are_fresh() -> None:
    """What is committed is what the description gives."""
    assert stale(ROOT) == []
    assert main(["--check"]) == 0


def test_check_names_stale_files(tmp_path: Path) -> None:
    """A changed or missing file is named; writing mends it, and only it."""
    (tmp_path / "rtl").mkdir()
    shutil.copy(ROOT / "rtl/udc.rdl", tmp_path / "rtl/udc.rdl")
    assert stale(tmp_path) == list(OUTPUTS)
    assert write(tmp_path) == list(OUTPUTS)
    assert stale(tmp_path) == []
    changed = tmp_path / "rtl/gen/udc_regs.vh"
    changed.write_text(changed.read_text() + "// mine\n")
    assert stale(tmp_path) == ["rtl/gen/udc_regs.vh"]
    assert write(tmp_path) == ["rtl/gen/udc_regs.vh"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('access = "RO"; compare = "exact"', 'access = "XX"; compare = "exact"', "access 'XX'"),
        ('access = "RO"; compare = "exact"', 'access = "RO"; compare = "bound"', "reason"),
        ('formula = "FIFO_WORDS >> 2"', 'formula = "FIFO_WORDS >> 3"', "reset 1024"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Unknown codes, policies without a reason and formulas that do not fit name the field."""
    path = tmp_path / "udc.rdl"
    text = (ROOT / "rtl/udc.rdl").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DescriptionError, match=message):
        describe(path)


# Offset, reset and fields of some registers, taken from facts/dwc2-registers.md by hand.
@pytest.mark.parametrize(
    ("name", "offset", "reset"),
    [
        ("GAHBCFG", 0x008, 0),
        ("GUSBCFG", 0x00C, 0x1400),
        ("GRSTCTL", 0x010, 0x80000000),
        ("GINTSTS", 0x014, 0x04000020),
        ("GSNPSID", 0x040, 0x4F54400A),
        ("DCFG", 0x800, 0x08100000),
        ("DCTL", 0x804, 0x00002002),
        ("DSTS", 0x808, 0x00000002),
        ("DVBUSDIS", 0x828, 0x17D7),
        ("DVBUSPULSE", 0x82C, 0x5B8),
        ("DTHRCTL", 0x830, 0x08020020),
        ("DIEPCTL0", 0x900, 0x8000),
        ("DIEPINT", 0x908, 0x80),
        ("DOEPCTL0", 0xB00, 0x8000),
        ("PCGCCTL", 0xE00, 0),
        ("XCAP", 0x12000, 0),
    ],
)
def test_offset_and_reset(name: str, offset: int, reset: int) -> None:
    """Offsets and power-on values."""
    register = REGISTERS_BY_NAME[name]
    assert (offset, reset) == (register.OFFSET, register.RESET)


@pytest.mark.parametrize(
    ("register", "field", "lsb", "width", "access"),
    [
        ("GAHBCFG", "GlblIntrMsk", 0, 1, "RW"),
        ("GAHBCFG", "DMAEn", 5, 1, "RW"),
        ("GRSTCTL", "TxFNum", 6, 5, "RW"),
        ("GRSTCTL", "CSftRst", 0, 1, "W1S/SC"),
        ("GINTSTS", "USBRst", 12, 1, "W1C"),
        ("GINTSTS", "IEPInt", 18, 1, "RO"),
        ("GINTSTS", "WkUpInt", 31, 1, "W1C"),
        ("GRXSTSP", "PktSts", 17, 4, "POP"),
        ("GRXSTSP", "BCnt", 4, 11, "POP"),
        ("DCFG", "DevAddr", 4, 7, "RW"),
        ("DCTL", "SGOUTNak", 9, 1, "WO1"),
        ("DSTS", "SOFFN", 8, 14, "RO"),
        ("DIEPCTL", "EPEna", 31, 1, "W1S/SC"),
        ("DIEPCTL", "SetEvenFr", 28, 1, "WO1"),
        ("DIEPCTL0", "Stall", 21, 1, "W1S/SC"),
        ("DOEPCTL0", "EPDis", 30, 1, "RO"),
        ("DIEPINT", "TxFEmp", 7, 1, "RO"),
        ("DOEPINT", "StupPktRcvd", 15, 1, "W1C"),
        ("DIEPTSIZ", "PktCnt", 19, 10, "RW"),
        ("DOEPTSIZ0", "SUPCnt", 29, 2, "RW"),
    ],
)
def test_field(register: str, field: str, lsb: int, width: int, access: str) -> None:
    """Positions and access codes."""
    found = REGISTERS_BY_NAME[register].field(field)
    assert (found.lsb, found.width, found.access) == (lsb, width, access)
    assert found.mask == ((1 << width) - 1) << lsb


def test_fields_fit_and_do_not_overlap() -> None:
    """Every register: no overlap, nothing above bit 31, masks agree with the fields."""
    for register in REGISTERS:
        seen = 0
        for field in register.FIELDS:
            assert field.access in ACCESS_CODES
            assert not seen & field.mask, (register.NAME, field)
            seen |= field.mask
            assert (field.compare == "exact") == (not field.reason)
        assert seen <= 0xFFFFFFFF
        assert register.RESET & ~seen == 0
        assert (register.EXACT | register.BOUND) & ~seen == 0
        assert seen == register.READABLE | register.WO1
        assert not register.RESET & register.WO1


def test_arrays_and_lookup() -> None:
    """Every element is found at its offset; EP0 has its own layout; windows are wide."""
    assert udc_regs.DIEPCTL.at(0) == udc_regs.DIEPCTL0.OFFSET
    assert lookup(0x900) == (udc_regs.DIEPCTL0, 0)
    assert lookup(0x920) == (udc_regs.DIEPCTL, 1)
    assert lookup(0xB00 + 0x20 * 15 + 8) == (udc_regs.DOEPINT, 15)
    assert lookup(0x104) == (udc_regs.DIEPTXF, 1)
    assert lookup(0x1000) == (udc_regs.FIFO, 0)
    assert lookup(0x3FFC) == (udc_regs.FIFO, 2)
    assert lookup(0x10FFC) == (udc_regs.FIFO, 15)
    assert lookup(0x12400 + 0x20 * 5 + 8) == (udc_regs.EPCMD, 5)
    assert lookup(0x830) == (udc_regs.DTHRCTL, 0)
    for offset in (0x400, 0x7FC, 0x11000, 0x20000, 0x80C):
        assert lookup(offset) is None
    with pytest.raises(IndexError, match="DIEPTXF has elements 1 to 15"):
        udc_regs.DIEPTXF.at(0)
    with pytest.raises(IndexError):
        udc_regs.DIEPINT.at(16)


def test_values_and_text() -> None:
    """get, put, set, decode."""
    dcfg = udc_regs.DCFG
    assert dcfg.DevAddr.put(5) == 0x50
    assert dcfg.DevAddr.get(0x7F3) == 0x7F
    assert dcfg.DevAddr.set(0xFFFFFFFF, 0) == 0xFFFFF80F
    with pytest.raises(ValueError, match="7 bits"):
        dcfg.DevAddr.put(128)
    assert udc_regs.DIEPCTL.put(EPEna=1, CNAK=1, MPS=512) == 0x84000200
    with pytest.raises(KeyError, match="no field Nonsense"):
        udc_regs.DIEPCTL.put(Nonsense=1)
    assert udc_regs.GINTSTS.decode(0x1000) == "00001000 (USBRst)"
    assert "EnumSpd=full" in udc_regs.DSTS.decode(2)
    assert "PktSts=setup_data" in udc_regs.GRXSTSP.decode(6 << 17 | 8 << 4)
    assert udc_regs.GINTSTS.fields(0x1000)["USBRst"] == 1
    assert "reserved=0x400" in udc_regs.DIEPINT.decode(0x400)


def test_reset_values_follow_parameters() -> None:
    """Configuration registers and FIFO sizes from the parameters; the sizes fit into the RAM."""
    values = reset_values(UdcParameters())
    for register in REGISTERS:
        if not register.NEEDS and register is not udc_regs.DIEPTXF:
            assert values.get(register.OFFSET, 0) == register.RESET, register.NAME
    for inputs, outputs, words, dma in ((3, 2, 1024, 0), (1, 15, 512, 2), (15, 15, 32768, 2)):
        parameters = UdcParameters(
            num_in_eps=inputs, num_out_eps=outputs, fifo_words=words, dma=dma
        )
        values = reset_values(parameters)
        hw2 = values[udc_regs.GHWCFG2.OFFSET]
        assert udc_regs.GHWCFG2.NumDevEps.get(hw2) == max(inputs, outputs)
        assert udc_regs.GHWCFG2.OtgArch.get(hw2) == dma
        assert values[udc_regs.GHWCFG3.OFFSET] >> 16 == words
        assert udc_regs.GHWCFG4.InEps.get(values[udc_regs.GHWCFG4.OFFSET]) == inputs
        for endpoint in range(1, 16):
            expected = (endpoint > outputs and endpoint <= inputs) + 2 * (
                endpoint > inputs and endpoint <= outputs
            )
            assert values[udc_regs.GHWCFG1.OFFSET] >> 2 * endpoint & 3 == expected
        end = values[udc_regs.GRXFSIZ.OFFSET]
        sizes = [values[udc_regs.GNPTXFSIZ.OFFSET]]
        sizes += [values[udc_regs.DIEPTXF.at(n)] for n in range(1, inputs + 1)]
        for size in sizes:
            assert size & 0xFFFF == end
            end += size >> 16
        assert end <= words
        assert udc_regs.DIEPINT.at(inputs) in values
        assert udc_regs.DIEPINT.at(0) + 0x20 * (inputs + 1) not in values


def test_python_constants_do_not_need_the_compiler() -> None:
    """The model runs where systemrdl-compiler is not installed; the import is quick."""
    code = (
        "import sys, time; t = time.perf_counter(); import pymodel.gen.udc_regs;"
        "assert not [m for m in sys.modules if m.startswith(('systemrdl', 'tools'))];"
        "print(time.perf_counter() - t)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(result.stdout) < 2


def test_field_access_is_fast() -> None:
    """A mask test costs well below a microsecond."""
    begin = time.perf_counter()
    gintsts = udc_regs.GINTSTS
    for value in range(20000):
        assert not value & gintsts.WkUpInt.mask
    assert time.perf_counter() - begin < 0.2


def numbers(text: str, pattern: str, base: int) -> dict[str, int]:
    """Return name -> number of all matches of a pattern with these two groups."""
    return {name: int(value, base) for name, value in re.findall(pattern, text)}


def test_verilog_and_c_agree_with_python() -> None:
    """Offsets, resets and masks of the three languages are the same numbers."""
    verilog = (ROOT / "rtl/gen/udc_regs.vh").read_text()
    header = (ROOT / "rtl/gen/udc_regs.h").read_text()
    in_verilog = numbers(verilog, r"localparam \[\d+:0\] (\w+) = \d+'h([0-9A-F]+);", 16)
    in_c = numbers(header, r"#define UDC_(\w+) 0x([0-9A-F]+)u", 16)
    for register in REGISTERS:
        for found in (in_verilog, in_c):
            assert found[f"{register.NAME}_OFFSET"] == register.OFFSET
            assert found[f"{register.NAME}_RESET"] == register.RESET
            for field in register.FIELDS:
                assert found[f"{register.NAME}_{field.name.upper()}_MASK"] == field.mask


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is missing: apt-get install")
def test_verilog_header_is_verilog_2005(tmp_path: Path) -> None:
    """Icarus reads the header inside a module, as Verilog-2005 and without a warning."""
    source = tmp_path / "user.v"
    source.write_text(
        "`resetall\n`default_nettype none\nmodule user(input wire [31:0] a, output wire b);\n"
        '`include "udc_regs.vh"\nassign b = |(a & GINTSTS_USBRST_MASK);\nendmodule\n'
    )
    command = ["iverilog", "-g2005", "-Wall", "-I", str(ROOT / "rtl/gen"), "-o", "/dev/null"]
    result = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: apt-get install gcc")
def test_c_header_compiles(tmp_path: Path) -> None:
    """A strict C compiler takes the header and computes the same offsets."""
    source = tmp_path / "user.c"
    source.write_text(
        '#include "udc_regs.h"\n'
        '_Static_assert(UDC_DIEPCTL(2) == 0x940, "array");\n'
        '_Static_assert(UDC_DIEPTXF(1) == 0x104, "first");\n'
        "int main(void) { return UDC_GINTSTS_USBRST_MASK == 0x1000u ? 0 : 1; }\n"
    )
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "-I", str(ROOT / "rtl/gen"), str(source)], check=True)
