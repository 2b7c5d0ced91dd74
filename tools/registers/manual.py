# SPDX-License-Identifier: Apache-2.0
"""Writes the register manual `docs/registers.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.registers.describe import DEFAULTS, Bits, Register

__all__ = ["manual"]

_HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Generated from rtl/udc.rdl by `make gen`; do not edit. -->
# Register manual

The controller is register compatible with DWC2 in device mode (GSNPSID 4.00a). Offsets are bytes
from the base of a 256 KiB region. Every register is 32 bits wide and only whole words are accessed;
offsets that are not listed read 0 and ignore writes.

| Access | Meaning |
|---|---|
| RO | reads the state of the hardware, writes are ignored |
| RW | storage |
| W1C | the hardware sets it, writing 1 clears it; a set in the same clock wins |
| WO1 | command: writing 1 acts, reads 0 |
| W1S/SC | writing 1 sets it, writing 0 does nothing, the hardware clears it |
| POP | reading has a side effect |

*Lockstep* tells what the comparison of RTL and model demands of a read: the same value (exact),
a value that the model allows at that moment (bound), or nothing (no).

Resets that depend on the build show the default, then the expression in terms of the parameters
of `udc.v`: """


def _offset(register: Register) -> str:
    if not register.stride:
        return f"0x{register.offset:05X}"
    sign = f"0x{register.base:05X} + 0x{register.stride:X}·n"
    return f"{sign}, n = {register.first}…{register.first + register.count - 1}"


def _position(bits: Bits) -> str:
    return str(bits.lsb) if bits.width == 1 else f"{bits.lsb + bits.width - 1}:{bits.lsb}"


def _table(register: Register) -> Iterator[str]:
    yield "| Bits | Field | Access | Reset | Lockstep | Meaning |"
    yield "|---|---|---|---|---|---|"
    for bits in reversed(register.fields):
        name = bits.name + (f" / {bits.also}" if bits.also else "")
        reset = f"0x{bits.reset:X}" if bits.reset > 9 else str(bits.reset)
        if bits.formula:
            reset += f" = `{bits.formula.replace('|', chr(92) + '|')}`"
        policy = bits.compare + (f": {bits.reason}" if bits.reason else "")
        text = bits.text
        if bits.values:
            names = ", ".join(f"{value} {name}" for value, (name, _) in bits.values.items())
            text += f" ({names})"
        yield f"| {_position(bits)} | {name} | {bits.access} | {reset} | {policy} | {text} |"


def manual(registers: Sequence[Register]) -> str:
    """Return the text of `docs/registers.md`."""
    defaults = ", ".join(f"{name} ({value})" for name, value in DEFAULTS.items())
    lines = [_HEAD + defaults + ".", "", "| Offset | Register | Reset | |", "|---|---|---|---|"]
    for one in registers:
        link = f"[{one.name}](#{one.name.lower()})"
        first = one.text.split(". ")[0].rstrip(".")
        lines.append(f"| {_offset(one)} | {link} | {one.reset:08X} | {first} |")
    for one in registers:
        lines += ["", f"## {one.name}", "", f"Offset {_offset(one)}. {one.text}"]
        if one.needs:
            lines.append(f"Reads 0 and ignores writes unless built with {one.needs}.")
        lines += ["", *_table(one)]
    return "\n".join(lines) + "\n"
