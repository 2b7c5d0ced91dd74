# SPDX-License-Identifier: Apache-2.0
"""Writes the constants for Verilog and for C firmware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.registers.describe import Bits, Register

__all__ = ["c_header", "verilog_header"]


def _names(bits: Bits) -> list[str]:
    return [name.upper() for name in (bits.name, bits.also) if name]


def _pairs(register: Register) -> Iterator[tuple[str, int, str]]:
    """Yield (name, value, kind) of the constants of a register; kind is offset, word or number."""
    yield f"{register.name}_OFFSET", register.offset, "offset"
    if register.stride:
        yield f"{register.name}_STRIDE", register.stride, "offset"
        yield f"{register.name}_FIRST", register.first, "number"
        yield f"{register.name}_COUNT", register.count, "number"
    yield f"{register.name}_RESET", register.reset, "word"
    writable = register.mask_of("RW")
    if writable:
        yield f"{register.name}_RW_MASK", writable, "word"
    clearable = register.mask_of("W1C")
    if clearable:
        yield f"{register.name}_W1C_MASK", clearable, "word"
    for bits in register.fields:
        for name in _names(bits):
            yield f"{register.name}_{name}_LSB", bits.lsb, "number"
            yield f"{register.name}_{name}_WIDTH", bits.width, "number"
            yield f"{register.name}_{name}_MASK", bits.mask, "word"


def verilog_header(registers: Sequence[Register]) -> str:
    """Return the text of `rtl/gen/udc_regs.vh`, to be included inside a module.

    Offsets are 18 bits wide (the address space is 0x40000 bytes), resets and masks 32; positions
    and widths are plain integers. Resets are those of the default parameters.
    """
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Generated from rtl/udc.rdl by `make gen`; do not edit.",
        "// Include inside a module: only localparams.",
        "/* verilator lint_off UNUSEDPARAM */",
    ]
    for register in registers:
        lines += ["", f"// {register.name}"]
        for name, value, kind in _pairs(register):
            if kind == "offset":
                lines.append(f"localparam [17:0] {name} = 18'h{value:05X};")
            elif kind == "word":
                lines.append(f"localparam [31:0] {name} = 32'h{value:08X};")
            else:
                lines.append(f"localparam integer {name} = {value};")
        for bits in register.fields:
            for value, (name, _) in sorted(bits.values.items()):
                label = f"{register.name}_{bits.name.upper()}_{name.upper()}"
                lines.append(f"localparam [{bits.width - 1}:0] {label} = {bits.width}'d{value};")
    lines += ["", "/* verilator lint_on UNUSEDPARAM */"]
    return "\n".join(lines) + "\n"


def c_header(registers: Sequence[Register]) -> str:
    """Return the text of `rtl/gen/udc_regs.h`: the same constants as macros with prefix UDC_."""
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Generated from rtl/udc.rdl by `make gen`; do not edit. */",
        "#ifndef UDC_REGS_H",
        "#define UDC_REGS_H",
    ]
    for register in registers:
        lines += ["", f"/* {register.name}: {register.text} */"]
        for name, value, kind in _pairs(register):
            text = str(value) if kind == "number" else f"0x{value:X}u"
            lines.append(f"#define UDC_{name} {text}")
        if register.stride:
            lines.append(
                f"#define UDC_{register.name}(n) "
                f"(UDC_{register.name}_OFFSET + ((n) - {register.first}) * 0x{register.stride:X}u)"
            )
        for bits in register.fields:
            for value, (name, _) in sorted(bits.values.items()):
                label = f"UDC_{register.name}_{bits.name.upper()}_{name.upper()}"
                lines.append(f"#define {label} {value}")
    lines += ["", "#endif"]
    return "\n".join(lines) + "\n"
