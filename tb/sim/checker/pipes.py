# SPDX-License-Identifier: Apache-2.0
"""Data toggles and retries of each endpoint direction (USB 2.0 section 8.6)."""

from __future__ import annotations

__all__ = ["DATA0", "DATA1", "Pipe", "Pipes"]

DATA0 = 0x3
DATA1 = 0xB


class Pipe:
    """One endpoint direction.

    Attributes:
        expected: data PID that comes next, None if it cannot be known.
        disturbed: a deliberate error may have left the host with the wrong toggle.
        unacknowledged: what the device sent and the host did not acknowledge.
        ping: the host must send PING before the next OUT.
    """

    __slots__ = ("disturbed", "expected", "ping", "unacknowledged")

    def __init__(self, expected: int | None) -> None:
        """Start with a known or unknown toggle."""
        self.expected = expected
        self.disturbed = False
        self.unacknowledged: bytes | None = None
        self.ping = False

    def set(self, expected: int | None) -> None:
        """Set the toggle and forget what went before."""
        self.expected = expected
        self.disturbed = False
        self.unacknowledged = None
        self.ping = False


class Pipes:
    """All pipes of the device by endpoint << 1 | (1 for IN)."""

    __slots__ = ("_pipes", "_start")

    def __init__(self) -> None:
        """Start with toggles that nobody knows yet."""
        self._pipes: dict[int, Pipe] = {}
        self._start: int | None = None

    def __getitem__(self, key: int) -> Pipe:
        """Return a pipe, made at its first use."""
        pipe = self._pipes.get(key)
        if pipe is None:
            pipe = self._pipes[key] = Pipe(self._start)
        return pipe

    def reset(self, start: int | None) -> None:
        """Set every pipe, also those not used yet (bus reset)."""
        self._pipes.clear()
        self._start = start

    def reset_data(self, start: int | None) -> None:
        """Set every pipe but those of EP0."""
        kept = {key: pipe for key, pipe in self._pipes.items() if key < 2}
        self._pipes = kept
        self._start = start
