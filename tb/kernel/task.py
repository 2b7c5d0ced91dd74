# SPDX-License-Identifier: Apache-2.0
"""Tasks, and what they wait for."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Generator
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .times import ps_text

if TYPE_CHECKING:
    from .cpu import Cpu
    from .scheduler import Kernel

__all__ = [
    "RESCHEDULE",
    "Cancelled",
    "Context",
    "Sleep",
    "Task",
    "TimerHandle",
    "Waitable",
    "as_coroutine",
]

T = TypeVar("T")


class Context(IntEnum):
    """Where code runs; a lower value runs first."""

    COMPLETION = 0
    HARD_IRQ = 1
    IRQ_THREAD = 2
    PROCESS = 3


class Cancelled(BaseException):
    """Thrown into a task by `Task.cancel`."""


class TimerHandle:
    """A function to be called at a time; `cancel` forgets it."""

    __slots__ = ("args", "fn")

    def __init__(self, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Hold what `Kernel.call_later` was given."""
        self.fn: Callable[..., object] | None = fn
        self.args = args

    def cancel(self) -> None:
        """Forget the call; harmless when it is over."""
        self.fn = None
        self.args = ()


class Waitable:
    """Base of everything a task can wait for.

    A subclass calls `wake` or `throw` on the task that it was armed with, once.
    """

    __slots__ = ()
    sleeps = True
    """False for waits that are allowed in atomic context (register accesses)."""

    def arm(self, task: Task[Any]) -> None:
        """Note the task as waiting."""
        raise TypeError(f"{type(self).__name__} cannot be awaited")

    def disarm(self, task: Task[Any]) -> None:
        """Forget the task (it was cancelled)."""

    def __await__(self) -> Generator[Waitable, Any, Any]:
        """Suspend the running task until woken; gives what it was woken with."""
        return (yield self)


class Sleep(Waitable):
    """Wait for a number of picoseconds."""

    __slots__ = ("duration", "handle")

    def __init__(self, duration: int) -> None:
        """Note the duration; time counts from the await."""
        self.duration = duration
        self.handle: TimerHandle | None = None

    def arm(self, task: Task[Any]) -> None:
        """Start the timer."""
        self.handle = task.kernel.call_later(self.duration, task.wake, None)

    def disarm(self, task: Task[Any]) -> None:
        """Stop the timer."""
        if self.handle is not None:
            self.handle.cancel()

    def __repr__(self) -> str:
        return f"sleep({ps_text(self.duration)})"


class _Yield(Waitable):
    """Let what is more urgent run first."""

    __slots__ = ()
    sleeps = False

    def arm(self, task: Task[Any]) -> None:
        task.wake(None)


RESCHEDULE = _Yield()


class Task(Waitable, Generic[T]):
    """A coroutine that the kernel runs. Await it for its result."""

    __slots__ = (
        "_coro",
        "_exception",
        "_joiners",
        "_ready",
        "_result",
        "_send",
        "_throw",
        "_value",
        "awaited",
        "context",
        "cpu",
        "daemon",
        "finished",
        "kernel",
        "name",
        "priority",
        "waiting_on",
    )

    def __init__(
        self,
        kernel: Kernel,
        coro: Coroutine[Any, Any, T],
        name: str,
        cpu: Cpu | None,
        context: Context,
        priority: int,
    ) -> None:
        """Use `Kernel.spawn`."""
        self.kernel = kernel
        self.name = name
        self.cpu = cpu
        self.context = context
        self.priority = priority
        self.finished = False
        self.awaited = False
        self.daemon = False
        self.waiting_on: object = None
        self._coro = coro
        self._send = coro.send
        self._value: Any = None
        self._throw: BaseException | None = None
        self._ready = False
        self._result: T | None = None
        self._exception: BaseException | None = None
        self._joiners: list[Task[Any]] = []

    def __repr__(self) -> str:
        """Return the name for logs and reports."""
        return f"task {self.name!r}"

    def done(self) -> bool:
        """Tell whether the task has ended."""
        return self.finished

    def result(self) -> T:
        """Return the result or raise what ended the task."""
        if not self.finished:
            raise RuntimeError(f"{self!r} has not ended yet")
        if self._exception is not None:
            raise self._exception
        return self._result  # type: ignore[return-value]

    def wake(self, value: Any = None) -> None:
        """Make the task ready; it resumes with `value`."""
        if self._ready or self.finished:
            return
        self._value = value
        self._ready = True
        self.kernel._enqueue(self)

    def throw(self, exception: BaseException) -> None:
        """Make the task ready; it resumes with an exception."""
        if self.finished:
            return
        waiting = self.waiting_on
        if isinstance(waiting, Waitable):
            waiting.disarm(self)
        self._throw = exception
        if not self._ready:
            self._ready = True
            self.kernel._enqueue(self)

    def cancel(self) -> None:
        """Throw `Cancelled` into the task where it waits; harmless when it has ended."""
        self.awaited = True
        self.throw(Cancelled())

    def abandon(self) -> None:
        """End the task without running it again, its clean-up code aside."""
        if not self.finished:
            self.finished = True
            self._coro.close()

    def arm(self, task: Task[Any]) -> None:
        """Wait for the end of this task."""
        self.awaited = True
        if self.finished:
            self._deliver(task)
        else:
            self._joiners.append(task)

    def disarm(self, task: Task[Any]) -> None:
        """Stop waiting for the end of this task."""
        if task in self._joiners:
            self._joiners.remove(task)

    def _deliver(self, joiner: Task[Any]) -> None:
        if self._exception is not None:
            joiner.throw(self._exception)
        else:
            joiner.wake(self._result)

    def where(self) -> str:
        """Return what the task waits for and the place in its code, innermost last."""
        places = []
        coro: Any = self._coro
        while coro is not None:
            frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
            if frame is not None and "/kernel/" not in frame.f_code.co_filename:
                code = frame.f_code
                places.append(f"{_short(code.co_filename)}:{frame.f_lineno} {code.co_name}")
            coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
        return f"{self.name}: waits for {self.waiting_on!r} at {' > '.join(places[-3:])}"


def _short(path: str) -> str:
    """Return a path relative to the current directory if it lies in there."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative


async def as_coroutine(awaitable: Awaitable[T]) -> T:
    """Return a coroutine for anything that can be awaited."""
    return await awaitable
