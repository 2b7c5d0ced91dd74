# SPDX-License-Identifier: Apache-2.0
"""A machine's processor: what a register access blocks, and spin locks."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .scheduler import current
from .task import RESCHEDULE, Context, Task

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

__all__ = ["Cpu", "CpuBus", "RegisterFace", "SpinLock"]


class Cpu:
    """One processor. At most one of its tasks runs; a register access holds up all the others.

    Attributes:
        owner: the task that must not be interrupted (it holds a spin lock), or None.
        accessing: the task whose register access is under way, or None.
    """

    def __init__(self, name: str) -> None:
        """Name the machine, for reports."""
        self.name = name
        self.owner: Task[Any] | None = None
        self.accessing: Task[Any] | None = None
        self._handler: Task[Any] | None = None
        self._depth = 0
        self._parked: list[Task[Any]] = []

    def holds_back(self, task: Task[Any]) -> bool:
        """Tell whether the task must wait; it is parked and queued again later if so."""
        if self.accessing is not None:
            blocked = self.accessing is not task
        elif self.owner is not None:
            blocked = self.owner is not task
        elif self._handler is not None:
            blocked = self._handler is not task
        else:
            if task.context is Context.HARD_IRQ:
                self._handler = task
            return False
        if blocked:
            self._parked.append(task)
        return blocked

    def task_ended(self, task: Task[Any]) -> None:
        """Let go of what an ended task held."""
        if task in (self.accessing, self._handler, self.owner):
            if self.accessing is task:
                self.accessing = None
            if self._handler is task:
                self._handler = None
            if self.owner is task:
                self.owner = None
                self._depth = 0
            self._unpark()

    def begin_access(self) -> None:
        """Hold up the other tasks of this processor."""
        self.accessing = current().task

    def end_access(self) -> bool:
        """Let the others run again.

        Returns:
            True if one of them is more urgent than the task that made the access.
        """
        task, self.accessing = self.accessing, None
        if not self._parked:
            return False
        urgent = (
            task is not None
            and self.owner is None
            and self._handler is None
            and any(
                (other.context, -other.priority) < (task.context, -task.priority)
                for other in self._parked
            )
        )
        self._unpark()
        return urgent

    def lock(self) -> None:
        """Take the processor for the running task alone."""
        task = current().task
        if task is not None:
            self.owner = task
            self._depth += 1

    def unlock(self) -> None:
        """Undo one `lock`."""
        if self._depth:
            self._depth -= 1
            if not self._depth:
                self.owner = None
                self._unpark()

    def _unpark(self) -> None:
        parked, self._parked = self._parked, []
        for task in parked:
            task.kernel._enqueue(task)


class SpinLock:
    """A spin lock with interrupts off: `with lock:`.

    Inside, nothing else of the machine runs, and only register accesses may be awaited. It may be
    taken again by its holder's callees only if they run in the same task.
    """

    def __init__(self, cpu: Cpu) -> None:
        """Belong to a processor."""
        self._cpu = cpu

    def __enter__(self) -> SpinLock:
        """Take the lock."""
        self._cpu.lock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self._cpu.unlock()


class RegisterFace(Protocol):
    """The register half of a controller's bus face."""

    def read32(self, offset: int) -> Coroutine[Any, Any, int]:
        """Read a register."""

    def write32(self, offset: int, value: int) -> Coroutine[Any, Any, None]:
        """Write a register."""

    def read_fifo(self, offset: int, size: int) -> Coroutine[Any, Any, bytes]:
        """Read bytes from a FIFO window."""

    def write_fifo(self, offset: int, data: bytes | memoryview) -> Coroutine[Any, Any, None]:
        """Write bytes to a FIFO window."""


class CpuBus:
    """Register accesses of a machine: each takes its bus time and blocks that machine only."""

    def __init__(self, cpu: Cpu, face: RegisterFace) -> None:
        """Join a processor and a bus face."""
        self.cpu = cpu
        self.face = face

    async def read32(self, offset: int) -> int:
        """Return the 32-bit register at a byte offset."""
        return await self._access(self.face.read32(offset))

    async def write32(self, offset: int, value: int) -> None:
        """Write the 32-bit register at a byte offset."""
        await self._access(self.face.write32(offset, value))

    async def read_fifo(self, offset: int, size: int) -> bytes:
        """Read `size` bytes from a FIFO window as one burst."""
        return await self._access(self.face.read_fifo(offset, size))

    async def write_fifo(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes to a FIFO window as one burst; the last word is padded with zeros."""
        await self._access(self.face.write_fifo(offset, data))

    async def _access(self, access: Coroutine[Any, Any, T]) -> T:
        preempted = False
        self.cpu.begin_access()
        try:
            result = await access
        finally:
            preempted = self.cpu.end_access()
        if preempted:
            await RESCHEDULE
        return result
