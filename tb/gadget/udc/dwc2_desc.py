# SPDX-License-Identifier: Apache-2.0
"""Descriptor lists of a DWC2 core (dwc2-registers.md 11).

A descriptor is two words in memory, a status and a buffer's address. The core takes those whose
status says that the host is ready with them, and writes the status back when it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tb.kernel import DmaPool

__all__ = ["BYTES", "ENTRIES", "INTERRUPT", "LAST", "SHORT", "DescriptorList"]

ENTRIES = 64
"""Descriptors of a list at most."""
BYTES = 0xFFFF
"""Field of the status: bytes of the buffer, or those that are left of it."""
INTERRUPT = 1 << 25
SHORT = 1 << 26
LAST = 1 << 27
_SIZE = 8
_DONE = 2
_BUFFER_ERROR = 3


class DescriptorList:
    """A list in memory that the core reads and writes while it is ours too.

    Attributes:
        address: of the first descriptor.
        used: descriptors that have been built.
    """

    def __init__(self, pool: DmaPool, entries: int = ENTRIES) -> None:
        """Take the memory."""
        self._pool = pool
        self._buffer = pool.alloc(entries * _SIZE)
        self._memory = pool.memory
        self._entries = entries
        self.address = self._buffer.address
        self.used = 0
        self._sizes = [0] * entries
        self._memory.map(self.address, entries * _SIZE, device_reads=True, device_writes=True)

    def free(self) -> None:
        """Give the memory back; the core has been stopped."""
        self._memory.unmap(self.address, self._entries * _SIZE)
        self._pool.free(self._buffer)

    def at(self, index: int) -> int:
        """Return the address of a descriptor."""
        return self.address + index * _SIZE

    def put(self, index: int, flags: int, size: int, buffer: int) -> None:
        """Make a descriptor that is ready for the core."""
        self._sizes[index] = size
        words = (flags | size).to_bytes(4, "little") + buffer.to_bytes(4, "little")
        self._memory.write(self.at(index), words)

    def status(self, index: int) -> int:
        """Return the status word of a descriptor."""
        return int.from_bytes(self._memory.read(self.at(index), 4), "little")

    def got(self, index: int) -> int:
        """Return the bytes that have come into a descriptor's buffer."""
        return max(self._sizes[index] - (self.status(index) & BYTES), 0)

    def build(self, buffer: int, size: int, packet: int, *, zero: bool = False) -> int:
        """Make a chain for a buffer, or for the beginning of one that is too long for a list.

        Args:
            buffer: its address.
            size: bytes; for OUT a multiple of the packet size.
            packet: packet size.
            zero: a zero-length packet follows whole ones.

        Returns:
            The bytes that it covers.
        """
        step = BYTES // packet * packet
        covered, index = 0, 0
        while True:
            piece = min(size - covered, step)
            end = covered + piece == size
            flags = LAST | INTERRUPT if end or index == self._entries - 1 else 0
            if end and (piece % packet or zero):
                flags |= SHORT
            self.put(index, flags, piece, buffer + covered)
            covered += piece
            index += 1
            if flags & LAST:
                self.used = index
                return covered

    def received(self) -> tuple[int, bool]:
        """Return how many bytes have come into a chain, and whether it had room for them all."""
        total = 0
        for index in range(self.used):
            status = self.status(index)
            if status >> 30 != _DONE:
                break
            total += self.got(index)
            if status >> 28 & 3 == _BUFFER_ERROR:
                return total, False
            if status & SHORT:
                break
        return total, True
