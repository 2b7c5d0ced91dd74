# SPDX-License-Identifier: Apache-2.0
"""Memory that the controller's DMA reaches, and its allocator."""

from __future__ import annotations

import errno
from typing import Protocol

from .errors import os_error

__all__ = ["DmaBuffer", "DmaPool", "Memory"]


class Memory(Protocol):
    """DMA-able memory of a controller's bus face.

    Attributes:
        base: bus address of the first byte.
        size: bytes.
        view: all of it, writable, without a copy.
    """

    @property
    def base(self) -> int:
        """Bus address of the first byte."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def view(self) -> memoryview:
        """All of it, writable."""

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at a bus address."""

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store bytes at a bus address."""

    def map(self, address: int, size: int, *, device_reads: bool, device_writes: bool) -> None:
        """Let the device's DMA into a range (whole 32-bit words)."""

    def unmap(self, address: int, size: int) -> None:
        """Shut the device's DMA out of a range."""


class DmaBuffer:
    """A piece of DMA-able memory; belongs to the CPU, or to the device while mapped.

    Attributes:
        address: bus address, aligned as asked for.
        size: bytes.
    """

    __slots__ = ("_memory", "_to_device", "_view", "address", "mapped", "size")

    def __init__(self, memory: Memory, address: int, size: int) -> None:
        """Use `DmaPool.alloc`."""
        self._memory = memory
        self.address = address
        self.size = size
        self.mapped = False
        self._to_device = False
        offset = address - memory.base
        self._view = memory.view[offset : offset + size]

    @property
    def data(self) -> memoryview:
        """The bytes, writable.

        Raises:
            OSError: EBUSY while the device owns the buffer.
        """
        if self.mapped:
            raise os_error(
                errno.EBUSY,
                f"buffer at 0x{self.address:08x} ({self.size} bytes) is queued to the device; "
                "wait for its completion before the CPU touches it",
            )
        return self._view

    def map(self, to_device: bool) -> None:
        """Hand the buffer to the device, which may read it (True) or write it (False)."""
        self.mapped = True
        self._to_device = to_device
        self._memory.map(
            self.address, self.size, device_reads=to_device, device_writes=not to_device
        )

    def unmap(self) -> None:
        """Take the buffer back."""
        if self.mapped:
            self.mapped = False
            self._memory.unmap(self.address, self.size)


class DmaPool:
    """First-fit allocator over a memory."""

    def __init__(self, memory: Memory) -> None:
        """Own the whole memory."""
        self.memory = memory
        self._free: list[tuple[int, int]] = [(memory.base, memory.size)]
        self._used: dict[int, int] = {}

    def alloc(self, size: int, align: int = 64) -> DmaBuffer:
        """Return a buffer.

        Args:
            size: bytes, at least 1.
            align: of the address, a power of two, at least 4.

        Raises:
            OSError: EINVAL for a bad size or alignment, ENOMEM if nothing is left.
        """
        if size < 1 or align < 4 or align & (align - 1):
            raise os_error(
                errno.EINVAL, f"size {size}, align {align}: size >= 1, align a power of two >= 4"
            )
        room = (size + align - 1) & -align
        for index, (start, length) in enumerate(self._free):
            address = (start + align - 1) & -align
            waste = address - start
            if length >= waste + room:
                pieces = []
                if waste:
                    pieces.append((start, waste))
                if length > waste + room:
                    pieces.append((address + room, length - waste - room))
                self._free[index : index + 1] = pieces
                self._used[address] = room
                return DmaBuffer(self.memory, address, size)
        raise os_error(errno.ENOMEM, f"no {size} bytes of DMA memory left")

    def free(self, buffer: DmaBuffer) -> None:
        """Give a buffer back.

        Raises:
            OSError: EINVAL if it is not ours, EBUSY while it is mapped.
        """
        if buffer.mapped:
            raise os_error(errno.EBUSY, f"buffer at 0x{buffer.address:08x} is still mapped")
        room = self._used.pop(buffer.address, 0)
        if not room:
            raise os_error(errno.EINVAL, f"buffer at 0x{buffer.address:08x} is not allocated here")
        self._free.append((buffer.address, room))
        self._free.sort()
        merged = [self._free[0]]
        for start, length in self._free[1:]:
            last_start, last_length = merged[-1]
            if last_start + last_length == start:
                merged[-1] = (last_start, last_length + length)
            else:
                merged.append((start, length))
        self._free = merged
