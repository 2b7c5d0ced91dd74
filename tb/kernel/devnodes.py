# SPDX-License-Identifier: Apache-2.0
"""Device nodes: what a machine shows under /dev."""

from __future__ import annotations

import errno
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .errors import os_error

__all__ = ["DevFile", "DevNodes"]


class DevFile(Protocol):
    """An open device node."""

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for the first; b"" at the end of the file."""

    async def write(self, data: bytes) -> int:
        """Write, waiting for room; returns the number of bytes taken."""

    async def close(self) -> None:
        """Close the file."""


Opener = Callable[[], Coroutine[Any, Any, DevFile]]


class DevNodes:
    """The device nodes of one machine."""

    def __init__(self) -> None:
        """Start with none."""
        self._nodes: dict[str, Opener] = {}

    def register(self, path: str, opener: Opener) -> None:
        """Show a node.

        Raises:
            OSError: EEXIST if the path is taken.
        """
        if path in self._nodes:
            raise os_error(errno.EEXIST, f"{path} exists already")
        self._nodes[path] = opener

    def unregister(self, path: str) -> None:
        """Remove a node; harmless if it is gone."""
        self._nodes.pop(path, None)

    def listdir(self) -> list[str]:
        """Return the paths, sorted."""
        return sorted(self._nodes)

    async def open(self, path: str) -> DevFile:
        """Open a node.

        Raises:
            OSError: ENOENT if there is no such node; else what its driver says.
        """
        opener = self._nodes.get(path)
        if opener is None:
            there = ", ".join(self.listdir()) or "none"
            raise os_error(errno.ENOENT, f"{path}: no such device node (there are: {there})")
        return await opener()
