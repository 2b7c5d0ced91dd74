# SPDX-License-Identifier: Apache-2.0
"""String tables of gadgets (gadget-core.md 7.4)."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tb.kernel import os_error
from tb.usb import DescriptorType

__all__ = [
    "ENGLISH_US",
    "UsbGadgetStrings",
    "UsbString",
    "usb_gadget_get_string",
    "usb_validate_langid",
]

ENGLISH_US = 0x0409
MAX_UNITS = 126


@dataclass
class UsbString:
    """One text and its string id (0 until it has one)."""

    s: str
    id: int = 0


@dataclass
class UsbGadgetStrings:
    """The strings of one language."""

    language: int
    strings: list[UsbString] = field(default_factory=list)


def usb_validate_langid(langid: int) -> bool:
    """Tell whether a language id can exist (S004-59, gadget-core.md 7.4)."""
    primary = langid & 0x3FF
    sub = langid >> 10
    if primary == 0 or 0x62 <= primary <= 0xFE or 0x100 <= primary <= 0x3FF:
        return False
    return sub != 0


def usb_gadget_get_string(table: UsbGadgetStrings, string_id: int) -> bytes:
    """Return a string descriptor of at most 126 UTF-16 units.

    Raises:
        OSError: EINVAL if the table has no such id or the text is no valid Unicode.
    """
    for one in table.strings:
        if one.id == string_id and string_id:
            try:
                units = one.s.encode("utf-16-le")[: 2 * MAX_UNITS]
            except UnicodeEncodeError:
                raise os_error(errno.EINVAL, f"string {string_id} is not valid UTF-8") from None
            return bytes((2 + len(units), DescriptorType.STRING)) + units
    raise os_error(
        errno.EINVAL, f"there is no string {string_id} in language 0x{table.language:04x}"
    )


def languages(tables: Iterable[UsbGadgetStrings]) -> list[int]:
    """Return the languages of some tables, each once, in order."""
    seen: dict[int, None] = {}
    for table in tables:
        seen.setdefault(table.language)
    return list(seen)


def copy_tables(tables: Sequence[UsbGadgetStrings], count: int) -> list[UsbGadgetStrings]:
    """Return copies with `count` strings each; a missing text becomes empty."""
    return [
        UsbGadgetStrings(
            table.language,
            [
                UsbString(table.strings[index].s if index < len(table.strings) else "")
                for index in range(count)
            ],
        )
        for table in tables
    ]
