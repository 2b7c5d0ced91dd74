# SPDX-License-Identifier: Apache-2.0
"""What serial drivers share: a receive buffer with back-pressure, and the open file."""

from __future__ import annotations

import errno
from typing import Any, Protocol

from tb.kernel import WaitQueue, os_error

__all__ = ["ReceiveBuffer", "SerialPort", "TtyFile"]

_LIMIT = 64 << 10
"""Bytes at which a reader is waited for, as Linux's tty layer does."""


class ReceiveBuffer:
    """Bytes that came and have not been read.

    Attributes:
        full: the limit has been reached: receive no more.
    """

    def __init__(self, name: str) -> None:
        """Start empty; the name shows in hang reports."""
        self._data = bytearray()
        self._wait = WaitQueue(name)
        self._over = False

    @property
    def full(self) -> bool:
        """True while the sender has to wait."""
        return len(self._data) >= _LIMIT

    def put(self, data: bytes | memoryview) -> None:
        """Append what came."""
        self._data += data
        self._wait.wake_up()

    async def get(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for the first; b"" at the end or for size 0."""
        if size <= 0:
            return b""
        await self._wait.wait_event(lambda: self._data or self._over)
        data = bytes(self._data[:size])
        del self._data[:size]
        return data

    def hang_up(self) -> None:
        """Nothing will come any more."""
        self._over = True
        self._wait.wake_up()

    def reopen(self) -> None:
        """Start again, empty."""
        self._data.clear()
        self._over = False


class SerialPort(Protocol):
    """What a serial driver offers to its open files."""

    minor: int

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes."""

    async def write(self, data: bytes) -> int:
        """Send all of `data`."""

    async def shut(self) -> None:
        """One file is closed."""


class TtyFile:
    """An open serial port (`tb.kernel.DevFile`).

    Attributes:
        port: the driver's port, e.g. for its line coding and control lines.
    """

    def __init__(self, port: Any) -> None:
        """Open a port that has counted this user already."""
        self.port = port
        self._closed = False

    def _check(self) -> None:
        if self._closed:
            raise os_error(errno.EBADF, "the file is closed")

    async def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes, waiting for the first; b"" after disconnect.

        Raises:
            OSError: EBADF if closed.
        """
        self._check()
        data: bytes = await self.port.read(size)
        return data

    async def write(self, data: bytes) -> int:
        """Send data; returns their number when the device has acknowledged all.

        Raises:
            OSError: EBADF if closed, ENODEV after disconnect, or what the transfer ended with.
        """
        self._check()
        count: int = await self.port.write(data)
        return count

    async def close(self) -> None:
        """Close; the last user lowers DTR and RTS. Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            await self.port.shut()
