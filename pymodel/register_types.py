# SPDX-License-Identifier: Apache-2.0
"""What the generated register classes are made of: fields and the class of a register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

__all__ = ["Field", "Register"]


class Field:
    """Bits of a register.

    Attributes:
        name: as in the manual.
        lsb, width: position and number of bits.
        mask: the bits in place.
        access: "RO", "RW", "W1C", "WO1", "W1S/SC" or "POP" (meanings: docs/registers.md).
        compare: what lockstep demands of a read: "exact", "bound" or "no".
        reason: why it is not "exact".
        values: names of values.
    """

    __slots__ = ("access", "compare", "lsb", "mask", "name", "reason", "values", "width")

    def __init__(
        self,
        name: str,
        lsb: int,
        width: int,
        access: str,
        compare: str = "exact",
        reason: str = "",
        values: Mapping[int, str] | None = None,
    ) -> None:
        """Make a field; see the class for the arguments."""
        self.name = name
        self.lsb = lsb
        self.width = width
        self.mask = ((1 << width) - 1) << lsb
        self.access = access
        self.compare = compare
        self.reason = reason
        self.values: Mapping[int, str] = values or {}

    def get(self, value: int) -> int:
        """Return the field of a register value."""
        return (value & self.mask) >> self.lsb

    def put(self, value: int) -> int:
        """Return the field's value in place.

        Raises:
            ValueError: the value does not fit.
        """
        placed = value << self.lsb
        if placed & ~self.mask:
            raise ValueError(f"{self.name} has {self.width} bits, {value:#x} does not fit")
        return placed

    def set(self, register: int, value: int) -> int:
        """Return a register value with this field replaced."""
        return register & ~self.mask | self.put(value)

    def __repr__(self) -> str:
        """Return name and bits."""
        return f"{self.name}[{self.lsb + self.width - 1}:{self.lsb}]"


class Register:
    """Base of the generated classes, which are used as they are and never instantiated.

    Attributes:
        NAME: as in the manual.
        OFFSET: byte offset of element FIRST.
        FIRST, COUNT, STRIDE: array of COUNT registers, indices from FIRST on, STRIDE bytes apart
            (COUNT 1, STRIDE 0: no array).
        RESET: value after reset with the default parameters (see `reset_values`).
        NEEDS: feature without which the register reads 0 and ignores writes, or "".
        RW, W1C, WO1, W1S, READABLE: masks of the bits by access (READABLE: all but WO1).
        EXACT, BOUND: masks of the bits by compare policy.
        FIELDS: all fields, lowest first.
    """

    NAME: ClassVar[str]
    OFFSET: ClassVar[int]
    FIRST: ClassVar[int] = 0
    COUNT: ClassVar[int] = 1
    STRIDE: ClassVar[int] = 0
    RESET: ClassVar[int]
    NEEDS: ClassVar[str] = ""
    RW: ClassVar[int] = 0
    W1C: ClassVar[int] = 0
    WO1: ClassVar[int] = 0
    W1S: ClassVar[int] = 0
    READABLE: ClassVar[int] = 0
    EXACT: ClassVar[int] = 0
    BOUND: ClassVar[int] = 0
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def at(cls, index: int) -> int:
        """Return the offset of one element of an array.

        Index 0 of an endpoint array is the register of endpoint 0, whose layout may differ
        (DIEPCTL.at(0) is the place of DIEPCTL0).

        Raises:
            IndexError: there is no such element.
        """
        low = cls.FIRST and (0 if cls._HAS_ZERO else cls.FIRST)
        if not low <= index < cls.FIRST + cls.COUNT:
            raise IndexError(f"{cls.NAME} has elements {low} to {cls.FIRST + cls.COUNT - 1}")
        return cls.OFFSET + (index - cls.FIRST) * cls.STRIDE

    _HAS_ZERO: ClassVar[bool] = False

    @classmethod
    def field(cls, name: str) -> Field:
        """Return a field by its name or second name.

        Raises:
            KeyError: there is none.
        """
        found = getattr(cls, name, None)
        if not isinstance(found, Field):
            raise KeyError(f"{cls.NAME} has no field {name}")
        return found

    @classmethod
    def fields(cls, value: int) -> dict[str, int]:
        """Return the value of each field by name."""
        return {field.name: field.get(value) for field in cls.FIELDS}

    @classmethod
    def put(cls, **values: int) -> int:
        """Return a register value with these fields set and 0 elsewhere.

        Raises:
            KeyError: no such field.
            ValueError: a value does not fit.
        """
        result = 0
        for name, value in values.items():
            result |= cls.field(name).put(value)
        return result

    @classmethod
    def decode(cls, value: int) -> str:
        """Return the value for a log: hex, then the fields that are not 0 by name."""
        parts = []
        known = 0
        for field in cls.FIELDS:
            known |= field.mask
            number = field.get(value)
            if not number and number not in field.values:
                continue
            if field.values:
                parts.append(f"{field.name}={field.values.get(number, number)}")
            elif field.width == 1:
                parts.append(field.name)
            else:
                parts.append(
                    f"{field.name}={number:#x}" if number > 9 else f"{field.name}={number}"
                )
        if value & ~known:
            parts.append(f"reserved={value & ~known:#x}")
        return f"{value & 0xFFFFFFFF:08X}" + (f" ({' '.join(parts)})" if parts else "")
