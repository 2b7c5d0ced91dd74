# SPDX-License-Identifier: Apache-2.0
"""What tasks wait for: events, completions, wait queues, queues, mutexes, deferred work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .running import spawn
from .scheduler import current
from .task import Context, Task, TimerHandle, Waitable

if TYPE_CHECKING:
    from .cpu import Cpu

__all__ = ["Completion", "Event", "Mutex", "Queue", "WaitQueue", "Work"]

T = TypeVar("T")


class _Waiters(Waitable):
    """Tasks that wait for one object, in order."""

    __slots__ = ("kind", "tasks")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.tasks: list[Task[Any]] = []

    def arm(self, task: Task[Any]) -> None:
        self.tasks.append(task)

    def disarm(self, task: Task[Any]) -> None:
        if task in self.tasks:
            self.tasks.remove(task)

    def wake_all(self, value: Any = None) -> None:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.wake(value)

    def wake_one(self, value: Any = None) -> bool:
        if not self.tasks:
            return False
        self.tasks.pop(0).wake(value)
        return True

    def __repr__(self) -> str:
        return self.kind


class _Timed(Waitable):
    """Wait in a list, at most for some time; gives False when the time is over."""

    __slots__ = ("duration", "handle", "waiters")

    def __init__(self, waiters: _Waiters, duration: int) -> None:
        self.waiters = waiters
        self.duration = duration
        self.handle: TimerHandle | None = None

    def arm(self, task: Task[Any]) -> None:
        self.waiters.arm(task)
        self.handle = current().call_later(self.duration, self._expire, task)

    def disarm(self, task: Task[Any]) -> None:
        self.waiters.disarm(task)
        if self.handle is not None:
            self.handle.cancel()

    def _expire(self, task: Task[Any]) -> None:
        if task in self.waiters.tasks:
            self.waiters.disarm(task)
            task.wake(False)

    def __repr__(self) -> str:
        return f"{self.waiters!r} with timeout"


class Event:
    """A flag to wait for; stays set until cleared."""

    def __init__(self, name: str = "") -> None:
        """Start cleared; the name shows in hang reports."""
        self._set = False
        self._waiters = _Waiters(f"event {name}".strip())

    def set(self) -> None:
        """Set the flag and wake everybody."""
        self._set = True
        self._waiters.wake_all()

    def clear(self) -> None:
        """Clear the flag."""
        self._set = False

    def is_set(self) -> bool:
        """Return the flag."""
        return self._set

    async def wait(self) -> None:
        """Wait until the flag is set."""
        while not self._set:
            await self._waiters


class Completion:
    """Linux's completion: each `complete` lets one waiter through."""

    def __init__(self, name: str = "") -> None:
        """Start not completed; the name shows in hang reports."""
        self._count = 0
        self._waiters = _Waiters(f"completion {name}".strip())

    def complete(self) -> None:
        """Let one waiter through, now or later."""
        self._count += 1
        self._waiters.wake_one(True)

    def complete_all(self) -> None:
        """Let every waiter through, now and later."""
        self._count = 1 << 62
        self._waiters.wake_all(True)

    def reinit(self) -> None:
        """Forget completions."""
        self._count = 0

    def done(self) -> bool:
        """Tell whether a wait would return at once."""
        return self._count > 0

    async def wait(self) -> None:
        """Wait for a completion and use it up."""
        while not self._count:
            await self._waiters
        self._count -= 1

    async def wait_timeout(self, duration: int) -> bool:
        """Wait at most `duration` picoseconds; False if the time is over."""
        deadline = current().now + duration
        while not self._count:
            left = deadline - current().now
            if left <= 0:
                return False
            timed = _Timed(self._waiters, left)
            woken = await timed
            if timed.handle is not None:
                timed.handle.cancel()
            if woken is False and not self._count:
                return False
        self._count -= 1
        return True


class WaitQueue:
    """Linux's wait queue: wait until a predicate holds, checked at each wake-up."""

    def __init__(self, name: str = "") -> None:
        """Start empty; the name shows in hang reports."""
        self._waiters = _Waiters(f"wait queue {name}".strip())

    def wake_up(self) -> None:
        """Let every waiter check its predicate."""
        self._waiters.wake_all(True)

    async def wait_event(self, predicate: Callable[[], object]) -> None:
        """Wait until the predicate is true."""
        while not predicate():
            await self._waiters

    async def wait_event_timeout(self, predicate: Callable[[], object], duration: int) -> bool:
        """Wait at most `duration` picoseconds; returns whether the predicate is true."""
        deadline = current().now + duration
        while not predicate():
            left = deadline - current().now
            if left <= 0:
                return False
            timed = _Timed(self._waiters, left)
            await timed
            if timed.handle is not None:
                timed.handle.cancel()
        return True


class Queue(Generic[T]):
    """An unbounded first-in, first-out queue."""

    def __init__(self, name: str = "") -> None:
        """Start empty; the name shows in hang reports."""
        self._items: deque[T] = deque()
        self._waiters = _Waiters(f"queue {name}".strip())

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def put(self, item: T) -> None:
        """Append an item."""
        self._items.append(item)
        self._waiters.wake_one()

    def get_nowait(self) -> T:
        """Remove and return the oldest item.

        Raises:
            IndexError: the queue is empty.
        """
        return self._items.popleft()

    async def get(self) -> T:
        """Remove and return the oldest item, waiting for one."""
        while not self._items:
            await self._waiters
        return self._items.popleft()


class Mutex:
    """A sleeping lock: `async with mutex:`."""

    def __init__(self, name: str = "") -> None:
        """Start unlocked; the name shows in hang reports."""
        self._holder: Task[Any] | None = None
        self._waiters = _Waiters(f"mutex {name}".strip())

    @property
    def locked(self) -> bool:
        """True while somebody holds it."""
        return self._holder is not None

    async def __aenter__(self) -> Mutex:
        """Take the mutex."""
        while self._holder is not None:
            await self._waiters
        self._holder = current().task
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the mutex."""
        self._holder = None
        self._waiters.wake_one()


class Work:
    """Deferred work: a function that runs later in process context, never twice at a time."""

    def __init__(
        self,
        fn: Callable[[], Coroutine[Any, Any, object] | object],
        *,
        name: str = "work",
        cpu: Cpu | None = None,
        context: Context = Context.PROCESS,
        priority: int = 0,
    ) -> None:
        """Prepare work on a plain or an async function without arguments."""
        self._fn = fn
        self._name = name
        self._cpu = cpu
        self._context = context
        self._priority = priority
        self._again = False
        self._task: Task[None] | None = None

    @property
    def pending(self) -> bool:
        """True while scheduled or running."""
        return self._task is not None

    def schedule(self) -> bool:
        """Run the work soon; if it runs already, once more afterwards.

        Returns:
            False if it was scheduled already.
        """
        if self._task is not None:
            fresh, self._again = not self._again, True
            return fresh
        self._task = spawn(
            self._run(),
            name=self._name,
            cpu=self._cpu,
            context=self._context,
            priority=self._priority,
        )
        return True

    def cancel(self) -> None:
        """Do not run it, or end it where it waits."""
        self._again = False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def flush(self) -> None:
        """Wait until nothing is scheduled."""
        while self._task is not None:
            await self._task

    async def _run(self) -> None:
        task = current().task
        try:
            while True:
                self._again = False
                result = self._fn()
                if isinstance(result, Coroutine):
                    await result
                if not self._again:
                    return
        finally:
            # also where the run ends while it waits, and no kernel is running any more
            if self._task is task:
                self._task = None
