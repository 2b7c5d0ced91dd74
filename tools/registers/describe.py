# SPDX-License-Identifier: Apache-2.0
"""Reads `rtl/udc.rdl` into plain records, the only module here that knows systemrdl-compiler."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from systemrdl.compiler import RDLCompiler
from systemrdl.node import AddrmapNode, FieldNode, RegfileNode, RegNode

__all__ = ["ACCESS_CODES", "COMPARE_POLICIES", "DEFAULTS", "Bits", "Register", "describe"]

ACCESS_CODES = ("RO", "RW", "W1C", "WO1", "W1S/SC", "POP")
COMPARE_POLICIES = ("exact", "bound", "no")

DEFAULTS = {
    "NUM_IN_EPS": 7,
    "NUM_OUT_EPS": 7,
    "EP_DIRECTIONS": 0,
    "FIFO_WORDS": 4096,
    "DEDICATED_FIFO": 1,
    "DMA": 2,
    "DESC_DMA": 0,
    "LPM": 0,
    "COMMANDS": 0,
    "CMD_LATENCY": 1000,
    "SOFT_DISCONNECT": 1,
    "SUPERSPEED": 0,
    "UTMI_WIDTH": 8,
}
"""Parameters of udc.v that reset values depend on, with their defaults."""


@dataclass(frozen=True)
class Bits:
    """A field of a register; `formula` gives its reset value in terms of the parameters."""

    name: str
    lsb: int
    width: int
    access: str
    reset: int
    compare: str
    reason: str
    also: str
    formula: str
    text: str
    values: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def mask(self) -> int:
        """Return the mask in place."""
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Register:
    """A register or an array of them; element `first` lies at `offset`."""

    name: str
    offset: int
    first: int
    count: int
    stride: int
    text: str
    needs: str
    fields: tuple[Bits, ...]

    @property
    def reset(self) -> int:
        """Return the value after reset for the default parameters."""
        return sum(bits.reset << bits.lsb for bits in self.fields)

    @property
    def base(self) -> int:
        """Return the offset that element 0 has or would have."""
        return self.offset - self.first * self.stride

    def mask_of(self, *access: str) -> int:
        """Return the bits with one of these access codes."""
        return sum(bits.mask for bits in self.fields if bits.access in access)


class DescriptionError(Exception):
    """The description contradicts itself; the message names register and field."""


def _text(node: Any) -> str:
    return " ".join((node.get_property("desc") or "").split())


def _bits(node: FieldNode, where: str) -> Bits:
    name = node.inst_name
    encode = node.get_property("encode")
    reset = node.get_property("reset")
    bits = Bits(
        name=name,
        lsb=node.lsb,
        width=node.width,
        access=node.get_property("access"),
        reset=reset if isinstance(reset, int) else 0,
        compare=node.get_property("compare"),
        reason=node.get_property("reason", default="") or "",
        also=node.get_property("also", default="") or "",
        formula=" ".join((node.get_property("formula", default="") or "").split()),
        text=_text(node),
        values={m.value: (m.name, m.rdl_desc or "") for m in encode} if encode else {},
    )
    if bits.access not in ACCESS_CODES:
        raise DescriptionError(f"{where}.{name}: access {bits.access!r}, legal: {ACCESS_CODES}")
    if bits.compare not in COMPARE_POLICIES:
        raise DescriptionError(f"{where}.{name}: compare {bits.compare!r}: {COMPARE_POLICIES}")
    if (bits.compare == "exact") == bool(bits.reason):
        raise DescriptionError(f"{where}.{name}: a reason belongs to 'bound' and 'no', and must")
    if bits.formula:
        value = eval(bits.formula, {"__builtins__": {}}, dict(DEFAULTS))
        if int(value) != bits.reset:
            raise DescriptionError(
                f"{where}.{name}: reset {bits.reset}, but {bits.formula} is {int(value)}"
            )
    return bits


def _register(node: RegNode) -> Register:
    parent = node.parent
    array: RegNode | RegfileNode = node
    if isinstance(parent, RegfileNode):
        array = parent
        offset = parent.raw_address_offset + node.raw_address_offset
    else:
        offset = node.raw_address_offset
    first = array.get_property("first", default=0) or 0
    count = 1
    stride = 0
    if array.is_array:
        count = array.array_dimensions[0] if array.array_dimensions else 1
        stride = array.array_stride or 0
    return Register(
        name=node.inst_name,
        offset=offset,
        first=first if array.is_array else 0,
        count=count,
        stride=stride,
        text=_text(node),
        needs=node.get_property("needs", default="") or "",
        fields=tuple(_bits(child, node.inst_name) for child in node.fields()),
    )


def _merge(low: Register, high: Register) -> Register:
    """Join endpoint 0's register with the array of the others."""
    if low.fields != high.fields or low.offset != high.offset - high.stride:
        raise DescriptionError(f"{low.name}: element 0 differs from the others")
    return replace(high, offset=low.offset, first=0, count=high.count + 1)


def _elaborate(path: Path, dedicated: bool) -> list[Register]:
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    # The compiler wants RDL values here and accepts Python's.
    root = compiler.elaborate("udc", parameters={"DEDICATED": dedicated})
    found: dict[str, Register] = {}
    assert isinstance(root.top, AddrmapNode)
    for node in root.top.descendants(unroll=False):
        if isinstance(node, RegNode):
            register = _register(node)
            if register.name in found:
                register = _merge(found[register.name], register)
            found[register.name] = register
    return list(found.values())


def describe(path: Path) -> list[Register]:
    """Return all registers by ascending offset, those of both FIFO schemes.

    Raises:
        DescriptionError: an unknown access code or policy, or a formula that does not fit.
        systemrdl.RDLCompileError: the file is not SystemRDL.
    """
    registers = _elaborate(path, True)
    known = {register.name for register in registers}
    registers += [one for one in _elaborate(path, False) if one.name not in known]
    return sorted(registers, key=lambda one: (one.offset, bool(one.needs)))
