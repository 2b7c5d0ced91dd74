# SPDX-License-Identifier: Apache-2.0
"""Reading a device tree node from its source text (S004-02)."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, field

from tb.kernel import os_error

__all__ = ["DeviceNode", "parse_dts"]

Cell = int | str
Value = str | list[Cell]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<comment>//[^\n]*|/\*.*?\*/) |
        "(?P<string>(?:[^"\\]|\\.)*)" |
        (?P<word>[A-Za-z0-9_.+*\#?&@/:-][A-Za-z0-9_,.+*\#?&@/:-]*) |
        (?P<mark>[{}<>=;,()|])
    )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class DeviceNode:
    """A node: its name, unit address, properties and children.

    Attributes:
        properties: each a list of values; a string, or the cells between one pair of `< >`.
            Names that stand for numbers elsewhere (CLK_USBD, &cru) stay texts.
    """

    name: str
    unit_address: str = ""
    label: str = ""
    properties: dict[str, list[Value]] = field(default_factory=dict)
    children: list[DeviceNode] = field(default_factory=list)

    def strings(self, name: str) -> list[str]:
        """Return the string values of a property, none if it is missing."""
        return [one for one in self.properties.get(name, []) if isinstance(one, str)]

    def string(self, name: str, default: str = "") -> str:
        """Return the first string of a property."""
        return next(iter(self.strings(name)), default)

    def cells(self, name: str) -> list[Cell]:
        """Return all cells of a property in one list."""
        return [
            cell for one in self.properties.get(name, []) if isinstance(one, list) for cell in one
        ]

    def numbers(self, name: str) -> list[int]:
        """Return the cells of a property, which must be numbers.

        Raises:
            OSError: EINVAL for a cell that is no number.
        """
        cells = self.cells(name)
        for cell in cells:
            if not isinstance(cell, int):
                raise os_error(errno.EINVAL, f"{self.full_name}: {name}: {cell!r} is no number")
        return [cell for cell in cells if isinstance(cell, int)]

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return the first cell of a property as a number."""
        numbers = self.numbers(name)
        return numbers[0] if numbers else default

    @property
    def full_name(self) -> str:
        """Name with unit address, e.g. usb@10200000."""
        return f"{self.name}@{self.unit_address}" if self.unit_address else self.name

    @property
    def available(self) -> bool:
        """True unless `status` says otherwise."""
        return self.string("status", "okay") in ("okay", "ok")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if not text[at:].strip():
                break
            line = text.count("\n", 0, at) + 1
            raise os_error(errno.EINVAL, f"device tree line {line}: {text[at : at + 20]!r}?")
        at = match.end()
        kind = match.lastgroup
        if kind != "comment" and kind is not None:
            tokens.append((kind, match.group(kind)))
    return tokens


def parse_dts(text: str) -> DeviceNode:
    """Return the first node of a piece of device tree source.

    Raises:
        OSError: EINVAL, saying what was expected.
    """
    reader = _Reader(_tokens(text))
    return reader.node()


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, mark: str) -> None:
        kind, text = self._take()
        if kind != "mark" or text != mark:
            raise os_error(errno.EINVAL, f"device tree: {mark!r} expected, not {text!r}")

    def node(self) -> DeviceNode:
        label = ""
        kind, text = self._take()
        if kind == "word" and text.endswith(":"):
            label = text[:-1]
            kind, text = self._take()
        if kind != "word":
            raise os_error(errno.EINVAL, f"device tree: a node name expected, not {text!r}")
        if ":" in text:
            label, text = text.split(":", 1)
        name, _, unit = text.partition("@")
        node = DeviceNode(name, unit, label)
        self._expect("{")
        while self._peek() != ("mark", "}"):
            if self._peek()[0] == "end":
                raise os_error(errno.EINVAL, f"device tree: {node.full_name} is not closed")
            self._member(node)
        self._take()
        if self._peek() == ("mark", ";"):
            self._take()
        return node

    def _member(self, node: DeviceNode) -> None:
        kind, name = self._peek()
        after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ("end", "")
        if after == ("mark", "{") or (kind == "word" and name.endswith(":")):
            node.children.append(self.node())
            return
        self._take()
        if kind != "word":
            raise os_error(errno.EINVAL, f"device tree: a property expected, not {name!r}")
        values: list[Value] = []
        kind, text = self._take()
        if (kind, text) == ("mark", "="):
            while True:
                values.append(self._value())
                kind, text = self._take()
                if (kind, text) != ("mark", ","):
                    break
        if (kind, text) != ("mark", ";"):
            raise os_error(errno.EINVAL, f"device tree: ';' expected after {name}, not {text!r}")
        node.properties[name] = values

    def _value(self) -> Value:
        kind, text = self._take()
        if kind == "string":
            return text
        if (kind, text) != ("mark", "<"):
            raise os_error(errno.EINVAL, f"device tree: a value expected, not {text!r}")
        cells: list[Cell] = []
        while self._peek() != ("mark", ">"):
            kind, text = self._take()
            if kind == "end":
                raise os_error(errno.EINVAL, "device tree: '<' is not closed")
            if kind == "word":
                cells.append(_cell(text))
        self._take()
        return cells


def _cell(text: str) -> Cell:
    try:
        return int(text, 0)
    except ValueError:
        return text
