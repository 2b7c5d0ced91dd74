# SPDX-License-Identifier: Apache-2.0
"""Reading what scripts write into attributes."""

from __future__ import annotations

import errno

from tb.kernel import os_error

__all__ = ["parse_text", "parse_unsigned"]

_TEXT_LIMIT = 126


def parse_unsigned(text: str, bits: int, name: str) -> int:
    """Return an unsigned number as the kernel reads it: 0x.. hex, 0.. octal, else decimal.

    Raises:
        OSError: EINVAL if the text is no number, ERANGE if it does not fit into `bits`.
    """
    word = text[:-1] if text.endswith("\n") else text
    digits = word[1:] if word.startswith("+") else word
    base, body = 10, digits
    if digits[:2].lower() == "0x":
        base, body = 16, digits[2:]
    elif len(digits) > 1 and digits[0] == "0":
        base, body = 8, digits[1:]
    legal = "0123456789abcdef"[:base]
    if not body or any(char not in legal for char in body.lower()):
        raise os_error(errno.EINVAL, f"{name}: {word!r} is not a number (12, 0x0c or 014)")
    value = int(body, base)
    if value >= 1 << bits:
        raise os_error(errno.ERANGE, f"{name}: {word} is above {(1 << bits) - 1}")
    return value


def parse_text(text: str, name: str) -> str:
    """Return a text of at most 126 bytes; the newline counts, and is then removed.

    Raises:
        OSError: EOVERFLOW if it is longer, EINVAL if it is empty (gadget-core.md 8.4).
    """
    size = len(text.encode(errors="surrogateescape"))
    if size > _TEXT_LIMIT:
        raise os_error(
            errno.EOVERFLOW, f"{name}: {size} bytes with the newline, at most {_TEXT_LIMIT}"
        )
    if not size:
        raise os_error(errno.EINVAL, f"{name}: nothing was written")
    return text[:-1] if text.endswith("\n") else text
