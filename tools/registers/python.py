# SPDX-License-Identifier: Apache-2.0
"""Writes the register classes of the model and the machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tools.registers.describe import DEFAULTS, Bits, Register

__all__ = ["python_classes"]

_HEAD = '''# SPDX-License-Identifier: Apache-2.0
# Generated from rtl/udc.rdl by `make gen`; do not edit.
# ruff: noqa: E501, N815
# fmt: off
"""The registers of the controller, one class each; `lookup` finds the one at an offset."""

from __future__ import annotations

from typing import ClassVar, Protocol

from pymodel.register_types import Field, Register
'''


def _field(bits: Bits) -> str:
    arguments = [f'"{bits.name}"', str(bits.lsb), str(bits.width), f'"{bits.access}"']
    if bits.compare != "exact":
        arguments += [f'"{bits.compare}"', f'"{bits.reason}"']
    if bits.values:
        names = ", ".join(f'{value}: "{name}"' for value, (name, _) in bits.values.items())
        arguments.append(f"values={{{names}}}")
    return f"Field({', '.join(arguments)})"


def _class(register: Register) -> Iterator[str]:
    yield f"class {register.name}(Register):"
    yield f'    """{register.text}"""'
    yield ""
    constants: list[tuple[str, str]] = [("OFFSET", f"0x{register.offset:05X}")]
    if register.stride:
        constants += [
            ("FIRST", str(register.first)),
            ("COUNT", str(register.count)),
            ("STRIDE", f"0x{register.stride:X}"),
        ]
    constants.append(("RESET", f"0x{register.reset:08X}"))
    masks = {
        "RW": register.mask_of("RW"),
        "W1C": register.mask_of("W1C"),
        "WO1": register.mask_of("WO1"),
        "W1S": register.mask_of("W1S/SC"),
        "READABLE": register.mask_of("RO", "RW", "W1C", "W1S/SC", "POP"),
        "EXACT": sum(bits.mask for bits in register.fields if bits.compare == "exact"),
        "BOUND": sum(bits.mask for bits in register.fields if bits.compare == "bound"),
    }
    constants += [(name, f"0x{mask:08X}") for name, mask in masks.items() if mask]
    yield f'    NAME: ClassVar[str] = "{register.name}"'
    if register.needs:
        yield f'    NEEDS: ClassVar[str] = "{register.needs}"'
    if register.first and register.name.startswith(("DIEPCTL", "DOEPCTL", "DIEPTSIZ", "DOEPTSIZ")):
        yield "    _HAS_ZERO: ClassVar[bool] = True"
    for name, value in constants:
        yield f"    {name}: ClassVar[int] = {value}"
    yield ""
    for bits in register.fields:
        yield f"    {bits.name}: ClassVar[Field] = {_field(bits)}"
        if bits.text:
            yield f'    """{bits.text}"""'
        if bits.also:
            yield f"    {bits.also}: ClassVar[Field] = {bits.name}"
    names = ", ".join(bits.name for bits in register.fields)
    yield f"    FIELDS: ClassVar[tuple[Field, ...]] = ({names},)"
    yield ""
    yield ""


def _lower(formula: str) -> str:
    """Return a formula with the parameters under their Python names."""
    return re.sub(r"[A-Z_]+", lambda match: match.group().lower(), formula)


def _resets(registers: Sequence[Register]) -> Iterator[str]:
    yield "class _Parameters(Protocol):"
    for name in DEFAULTS:
        yield "    @property"
        yield f"    def {name.lower()}(self) -> int: ..."
    yield ""
    yield ""
    yield "def reset_values(parameters: _Parameters) -> dict[int, int]:"
    yield '    """Return offset -> value after reset of all that is not 0 or depends on parameters.'
    yield ""
    yield "    Args:"
    yield "        parameters: a `pymodel.config.UdcParameters` or anything with these attributes."
    yield '    """'
    words = {
        word
        for register in registers
        for bits in register.fields
        if not register.needs
        for word in re.findall(r"[A-Z_]+", bits.formula)
    }
    used = [name for name in DEFAULTS if name in words]
    for name in used:
        yield f"    {name.lower()} = parameters.{name.lower()}"
    yield "    values: dict[int, int] = {}"
    for register in registers:
        if register.needs:
            continue
        terms = []
        constant = 0
        for bits in register.fields:
            if bits.formula:
                text = _lower(bits.formula)
                terms.append(f"int({text}) << {bits.lsb}" if bits.lsb else f"int({text})")
            else:
                constant |= bits.reset << bits.lsb
        if not terms and not constant:
            continue
        value = " | ".join(([f"0x{constant:08X}"] if constant else []) + terms)
        if register.count == 1:
            yield f"    values[0x{register.offset:05X}] = {value}"
            continue
        limit = {"DI": "num_in_eps", "DT": "num_in_eps", "DO": "num_out_eps"}[register.name[:2]]
        first = f"{register.first}, " if register.first else ""
        yield f"    for index in range({first}{limit} + 1):"
        target = f"0x{register.base:05X} + 0x{register.stride:X} * index"
        if register.name == "DIEPTXF":
            value += " | (fifo_words >> 2) + (fifo_words >> 4) + (index - 1) * ("
            value += _lower(register.fields[1].formula) + ")"
        indent = "        "
        if register.name != "DIEPTXF":
            # Endpoints that are left out for their direction.
            excluded = 1 if limit == "num_out_eps" else 2
            yield f"        if ep_directions >> 2 * index & 3 != {excluded}:"
            indent += "    "
        yield f"{indent}values[{target}] = {value}"
        if register.name == "DTXFSTS":
            # Tx FIFO 0 has a size of its own.
            yield f"    values[0x{register.offset:05X}] = fifo_words >> 4"
    yield "    return values"


def python_classes(registers: Sequence[Register]) -> str:
    """Return the text of `pymodel/gen/udc_regs.py`."""
    lines = [_HEAD]
    names = sorted(["REGISTERS", "lookup", "reset_values", *(one.name for one in registers)])
    lines.append("__all__ = [")
    lines += [f'    "{name}",' for name in names]
    lines += ["]", "", ""]
    for register in registers:
        lines += _class(register)
    lines.append("REGISTERS: list[type[Register]] = [")
    lines += [f"    {one.name}," for one in registers]
    lines += [
        "]",
        '"""All registers by offset; DTKNQR3 and 4 share theirs with the dedicated scheme."""',
        "",
        "_BY_OFFSET: dict[int, tuple[type[Register], int]] = {}",
        "for _register in reversed(REGISTERS):",
        "    for _index in range(_register.FIRST, _register.FIRST + _register.COUNT):",
        "        _BY_OFFSET[_register.at(_index)] = (_register, _index)",
        "",
        "",
        "def lookup(offset: int) -> tuple[type[Register], int] | None:",
        '    """Return (register, index) at a byte offset, None where there is nothing.',
        "",
        "    Any word of a FIFO window finds FIFO with the window's number.",
        '    """',
        "    found = _BY_OFFSET.get(offset)",
        "    if found is None and 0x1000 <= offset < 0x11000:",
        "        return FIFO, (offset >> 12) - 1",
        "    return found",
        "",
        "",
    ]
    lines += _resets(registers)
    return "\n".join(lines) + "\n"
