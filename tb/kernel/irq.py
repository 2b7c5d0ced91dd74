# SPDX-License-Identifier: Apache-2.0
"""Interrupts: level-triggered lines, hard handlers, threaded handlers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from .cpu import Cpu
from .errors import os_error
from .scheduler import Kernel, current
from .sync import WaitQueue
from .task import Context, Task

__all__ = ["IrqChip", "IrqReturn"]

_SPURIOUS_LIMIT = 100_000
"""Unhandled calls in a row after which Linux, too, gives up on a line."""


class IrqReturn(IntEnum):
    """What a hard handler returns."""

    NONE = 0
    HANDLED = 1
    WAKE_THREAD = 2


Handler = Callable[[], "IrqReturn | Coroutine[Any, Any, IrqReturn]"]
ThreadFn = Callable[[], "Coroutine[Any, Any, object]"]


@dataclass(eq=False)
class _Action:
    name: str
    handler: Handler
    thread_fn: ThreadFn | None
    priority: int
    wakeups: int = 0
    task: Task[None] | None = None


@dataclass(eq=False)
class _Line:
    number: int
    level: bool = False
    disabled: int = 0
    running: bool = False
    unhandled: int = 0
    count: int = 0
    actions: list[_Action] = field(default_factory=list)
    idle: WaitQueue = field(default_factory=lambda: WaitQueue("irq"))


class IrqChip:
    """The interrupt controller of one machine.

    Handlers run in hard interrupt context on the machine's processor while the line is high; a
    handler that returns `WAKE_THREAD` starts its thread function, which runs before ordinary
    tasks by priority (S000-21).
    """

    def __init__(self, cpu: Cpu) -> None:
        """Serve one processor."""
        self._cpu = cpu
        self._lines: dict[int, _Line] = {}

    def request_irq(
        self,
        line: int,
        handler: Handler,
        thread_fn: ThreadFn | None = None,
        *,
        name: str,
        priority: int = 50,
    ) -> None:
        """Install a handler on a line.

        Args:
            line: number of the line.
            handler: plain or async; may await register accesses only.
            thread_fn: async, in a thread of its own; may sleep.
            name: who asks.
            priority: of the thread, higher runs first.

        Raises:
            OSError: EBUSY if this name has the line already.
        """
        entry = self._line(line)
        if any(action.name == name for action in entry.actions):
            raise os_error(16, f"irq {line}: {name!r} has requested it already; free it first")
        entry.actions.append(_Action(name, handler, thread_fn, priority))
        self._dispatch(entry)

    def free_irq(self, line: int, name: str) -> None:
        """Remove a handler.

        Raises:
            OSError: ENOENT if there is none of that name.
        """
        entry = self._line(line)
        for action in entry.actions:
            if action.name == name:
                entry.actions.remove(action)
                return
        raise os_error(2, f"irq {line}: no handler called {name!r}")

    def requested(self, line: int) -> list[str]:
        """Return the names of the handlers on a line."""
        return [action.name for action in self._line(line).actions]

    def count(self, line: int) -> int:
        """Return how often the line's handlers were called."""
        return self._line(line).count

    def set_level(self, line: int, level: bool) -> None:
        """Drive the line (called by whoever watches the hardware)."""
        entry = self._line(line)
        entry.level = level
        if level:
            self._dispatch(entry)

    def disable(self, line: int) -> None:
        """Stop calling the handlers; calls nest."""
        self._line(line).disabled += 1

    def enable(self, line: int) -> None:
        """Undo one `disable`."""
        entry = self._line(line)
        if not entry.disabled:
            raise os_error(22, f"irq {line}: enable without disable")
        entry.disabled -= 1
        self._dispatch(entry)

    async def synchronize(self, line: int) -> None:
        """Wait until no handler or thread of the line runs."""
        entry = self._line(line)
        await entry.idle.wait_event(
            lambda: not entry.running and all(not action.wakeups for action in entry.actions)
        )

    def _line(self, number: int) -> _Line:
        return self._lines.setdefault(number, _Line(number))

    def _dispatch(self, entry: _Line) -> None:
        if entry.running or not entry.level or entry.disabled or not entry.actions:
            return
        entry.running = True
        current().spawn(
            self._hard(entry), name=f"irq{entry.number}", cpu=self._cpu, context=Context.HARD_IRQ
        )

    async def _hard(self, entry: _Line) -> None:
        kernel = current()
        entry.count += 1
        handled = False
        try:
            for action in list(entry.actions):
                result = action.handler()
                if isinstance(result, Coroutine):
                    result = await result
                if result == IrqReturn.WAKE_THREAD:
                    self._wake_thread(kernel, entry, action)
                handled = handled or result != IrqReturn.NONE
        finally:
            entry.running = False
        entry.unhandled = 0 if handled else entry.unhandled + 1
        if entry.unhandled >= _SPURIOUS_LIMIT:
            entry.disabled += 1
            raise RuntimeError(f"irq {entry.number}: nobody cared; the line stays high")
        kernel.call_soon(self._dispatch, entry)
        entry.idle.wake_up()

    def _wake_thread(self, kernel: Kernel, entry: _Line, action: _Action) -> None:
        if action.thread_fn is None:
            raise RuntimeError(f"irq {entry.number}: {action.name!r} wakes a thread it never gave")
        action.wakeups += 1
        if action.task is None:
            action.task = kernel.spawn(
                self._thread(entry, action, action.thread_fn),
                name=f"irq{entry.number}/{action.name}",
                cpu=self._cpu,
                context=Context.IRQ_THREAD,
                priority=action.priority,
            )

    async def _thread(self, entry: _Line, action: _Action, thread_fn: ThreadFn) -> None:
        try:
            while action.wakeups:
                action.wakeups = 1
                await thread_fn()
                action.wakeups -= 1
        finally:
            action.wakeups = 0
            action.task = None
            entry.idle.wake_up()
