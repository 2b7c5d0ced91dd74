# SPDX-License-Identifier: Apache-2.0
"""Functions that act on the running kernel."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import SchedulingWhileAtomic
from .scheduler import current
from .task import Context, Sleep, Task, Waitable, as_coroutine

if TYPE_CHECKING:
    from .cpu import Cpu

__all__ = ["current_task", "gather", "might_sleep", "now", "sleep", "spawn", "timeout"]

T = TypeVar("T")


def current_task() -> Task[Any]:
    """Return the task that is running.

    Raises:
        RuntimeError: called outside a task.
    """
    task = current().task
    if task is None:
        raise RuntimeError("not inside a task")
    return task


def now() -> int:
    """Return the simulated time in picoseconds."""
    return current().now


def might_sleep() -> None:
    """Raise where sleeping is forbidden.

    Raises:
        SchedulingWhileAtomic: in a completion handler, a hard interrupt handler or under a lock.
    """
    kernel = current()
    task = kernel.task
    locked = task is not None and task.cpu is not None and task.cpu.owner is task
    if locked or kernel.context in (Context.COMPLETION, Context.HARD_IRQ):
        where = "under a spin lock" if locked else f"in context {kernel.context.name}"
        raise SchedulingWhileAtomic(f"this call may sleep, which is forbidden {where}")


def sleep(duration: int) -> Waitable:
    """Wait for a number of picoseconds: `await sleep(ms(1))`."""
    return Sleep(duration)


def spawn(
    coro: Coroutine[Any, Any, T],
    *,
    name: str | None = None,
    cpu: Cpu | None = None,
    context: Context = Context.PROCESS,
    priority: int | None = None,
) -> Task[T]:
    """Start a task on the running kernel; it inherits the machine of the task that starts it."""
    kernel = current()
    if cpu is None and kernel.task is not None:
        cpu = kernel.task.cpu
    return kernel.spawn(coro, name=name, cpu=cpu, context=context, priority=priority)


async def timeout(awaitable: Awaitable[T], duration: int) -> T:
    """Wait for something, but not for longer than `duration` picoseconds.

    Raises:
        TimeoutError: the time is over; what was awaited has been cancelled if it was a coroutine.
    """
    return await current().timeout(awaitable, duration)


async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
    """Run several things side by side and return their results in order."""
    tasks = [
        one if isinstance(one, Task) else spawn(as_coroutine(one), name="gather")
        for one in awaitables
    ]
    for task in tasks:
        task.awaited = True
    return [await task for task in tasks]
