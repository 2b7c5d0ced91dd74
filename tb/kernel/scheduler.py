# SPDX-License-Identifier: Apache-2.0
"""Time and the order in which things run.

One kernel owns simulated time and every task of both machines. It runs by itself (it then jumps
from event to event) or is pumped by a simulator, which calls `advance` with its own time. The
order is the same both ways: by time, then by context and priority, then by the order in which
tasks became ready.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Deadlock, SchedulingWhileAtomic
from .task import Cancelled, Context, Sleep, Task, TimerHandle, Waitable, as_coroutine
from .times import ps_text

if TYPE_CHECKING:
    from .cpu import Cpu

__all__ = ["Kernel", "current"]

T = TypeVar("T")

_CLOSING_ROUNDS = 8
"""How often `Kernel.close` ends what clean-up code has started."""

_running: list[Kernel] = []


class Kernel:
    """The scheduler of both machines.

    Attributes:
        now: simulated time in picoseconds.
        failure: the first exception that nobody handled; the run has failed.
    """

    def __init__(self) -> None:
        """Start at time 0 with nothing to do."""
        self.now = 0
        self.failure: BaseException | None = None
        self.task: Task[Any] | None = None
        self.context = Context.PROCESS
        self.shuffle: Random | None = None
        self._ready: list[tuple[int, int, int, Task[Any]]] = []
        self._timers: list[tuple[int, int, TimerHandle]] = []
        self._soon: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        self._sequence = 0
        self._tasks: dict[Task[Any], None] = {}

    # -- making things happen ---------------------------------------------------------------

    def spawn(
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        cpu: Cpu | None = None,
        context: Context = Context.PROCESS,
        priority: int | None = None,
    ) -> Task[T]:
        """Start a coroutine as a task.

        Args:
            coro: what to run.
            name: for reports; default is the coroutine's name.
            cpu: the machine that it runs on, or None for the testbench itself.
            context: hard interrupt, interrupt thread or process.
            priority: within the context, higher runs first; default 0.
        """
        title = name or str(getattr(coro, "__qualname__", "task"))
        task = Task(self, coro, title, cpu, context, priority or 0)
        self._tasks[task] = None
        task.wake(None)
        return task

    def call_later(self, delay: int, fn: Callable[..., object], *args: Any) -> TimerHandle:
        """Call a plain function after `delay` picoseconds."""
        handle = TimerHandle(fn, args)
        self._sequence += 1
        heapq.heappush(self._timers, (self.now + max(delay, 0), self._sequence, handle))
        return handle

    def call_soon(self, fn: Callable[..., object], *args: Any) -> None:
        """Call a plain function at the next turn of the loop, at the present time."""
        self._soon.append((fn, args))

    def sleep(self, duration: int) -> Waitable:
        """Wait for a number of picoseconds: `await kernel.sleep(ms(1))`."""
        return Sleep(duration)

    async def timeout(self, awaitable: Awaitable[T], duration: int) -> T:
        """Wait for something, but not for longer than `duration` picoseconds.

        Raises:
            TimeoutError: the time is over; a coroutine that was awaited has been cancelled.
        """
        owned = not isinstance(awaitable, Task)
        waiter = self.task
        if waiter is None:
            raise RuntimeError("only a task can wait")
        task: Task[T] = (
            awaitable
            if isinstance(awaitable, Task)
            else self.spawn(as_coroutine(awaitable), name="timeout", cpu=waiter.cpu)
        )
        task.awaited = True
        expired = TimeoutError(f"not done within {ps_text(duration)}: {awaitable!r}")
        handle = self.call_later(duration, waiter.throw, expired)
        try:
            result: T = await task
            return result
        except TimeoutError as error:
            if error is expired and owned:
                task.cancel()
            raise
        except Cancelled:
            if owned:
                task.cancel()
            raise
        finally:
            handle.cancel()

    def in_atomic(self, context: Context, fn: Callable[..., T], *args: Any) -> T:
        """Call a plain function in an atomic context, e.g. a completion handler (S003-60)."""
        outer = self.context
        self.context = context
        try:
            return fn(*args)
        finally:
            self.context = outer

    def call(self, fn: Callable[..., T], *args: Any) -> T:
        """Call a plain function from outside the kernel's loop as if from inside."""
        _running.append(self)
        try:
            return fn(*args)
        finally:
            _running.pop()

    def fail(self, exception: BaseException) -> None:
        """Note that the run has failed; the first failure is kept."""
        if self.failure is None:
            self.failure = exception

    # -- running ---------------------------------------------------------------------------

    def run_ready(self) -> None:
        """Run everything that is ready at the present time."""
        _running.append(self)
        try:
            self._drain()
        finally:
            _running.pop()

    def advance(self, to: int) -> None:
        """Run timers up to and including time `to`, each followed by what it made ready.

        Raises:
            ValueError: `to` lies in the past.
        """
        if to < self.now:
            raise ValueError(f"time cannot go back from {self.now} to {to} ps")
        _running.append(self)
        try:
            self._drain()
            timers = self._timers
            while timers and timers[0][0] <= to and self.failure is None:
                when, _, handle = heapq.heappop(timers)
                fn = handle.fn
                if fn is None:
                    continue
                if when > self.now:
                    self.now = when
                self._call(fn, handle.args)
                if not (timers and timers[0][0] == when):
                    self._drain()
            self.now = to
            self._drain()
        finally:
            _running.pop()

    def next_timer(self) -> int | None:
        """Return the time of the earliest timer, the present time if something is ready."""
        if self._ready or self._soon:
            return self.now
        timers = self._timers
        while timers and timers[0][2].fn is None:
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def run_until(self, awaitable: Awaitable[T] | Coroutine[Any, Any, T]) -> T:
        """Run alone, jumping from timer to timer, until something has a result.

        Raises:
            Deadlock: nothing can happen any more; the message says what each task waits for.
        """
        task = self.spawn(as_coroutine(awaitable), name="main")
        task.awaited = True
        self.run_ready()
        while not task.finished and self.failure is None:
            when = self.next_timer()
            if when is None:
                raise Deadlock("nothing left to happen, but tasks wait:\n" + self.wait_report())
            self.advance(when)
        if self.failure is not None:
            raise self.failure
        return task.result()

    def wait_report(self) -> str:
        """Return one line per waiting task, without the one that asks: for what and where."""
        waiting = (one for one in self._tasks if not one.finished and one is not self.task)
        return "\n".join("  " + task.where() for task in waiting)

    def close(self) -> None:
        """End every task that is left, so that its clean-up code runs.

        Clean-up code may start further tasks, and fail; these are ended too. What has not begun by
        then (an interrupt of the very instant in which the run ended) never does.
        """
        failure, self.failure = self.failure, None
        _running.append(self)
        try:
            for _ in range(_CLOSING_ROUNDS):
                if not self._tasks:
                    break
                for task in list(self._tasks):
                    task.cancel()
                self._drain()
                failure, self.failure = failure or self.failure, None
            for task in list(self._tasks):
                task.abandon()
            self._tasks.clear()
            self._ready.clear()
        finally:
            _running.pop()
            self.failure = failure

    def _enqueue(self, task: Task[Any]) -> None:
        self._sequence += 1
        order = self._sequence
        if self.shuffle is not None:
            order |= self.shuffle.getrandbits(16) << 64
        heapq.heappush(self._ready, (task.context, -task.priority, order, task))

    def _call(self, fn: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            fn(*args)
        except BaseException as exception:
            self.fail(exception)

    def _drain(self) -> None:
        ready = self._ready
        while True:
            if self._soon:
                soon, self._soon = self._soon, []
                for fn, args in soon:
                    self._call(fn, args)
            if not ready:
                if self._soon:
                    continue
                return
            task = heapq.heappop(ready)[3]
            cpu = task.cpu
            if cpu is not None and cpu.holds_back(task):
                continue
            self._step(task)
            if self.failure is not None:
                return

    def _step(self, task: Task[Any]) -> None:
        if task.finished:
            return
        task._ready = False
        task.waiting_on = None
        self.task = task
        self.context = task.context
        try:
            if task._throw is not None:
                exception, task._throw = task._throw, None
                waitable = task._coro.throw(exception)
            else:
                waitable = task._send(task._value)
        except StopIteration as stop:
            self._finish(task, stop.value, None)
        except BaseException as exception:
            # Whatever it is, it must not escape into a simulator's callback.
            self._finish(task, None, exception)
        else:
            if waitable.sleeps and self._is_atomic(task):
                error = SchedulingWhileAtomic(
                    f"{task!r} may not wait for {waitable!r} in a hard interrupt handler or under "
                    "a spin lock; only register accesses may be awaited there"
                )
                task._throw = error
                task._ready = True
                self._enqueue(task)
            else:
                task.waiting_on = waitable
                waitable.arm(task)
        finally:
            self.task = None
            self.context = Context.PROCESS

    @staticmethod
    def _is_atomic(task: Task[Any]) -> bool:
        cpu = task.cpu
        if cpu is not None and cpu.accessing is task:
            return False
        return task.context is Context.HARD_IRQ or (cpu is not None and cpu.owner is task)

    def _finish(self, task: Task[Any], result: Any, exception: BaseException | None) -> None:
        task.finished = True
        task._result = result
        task._exception = exception
        self._tasks.pop(task, None)
        if task.cpu is not None:
            task.cpu.task_ended(task)
        joiners, task._joiners = task._joiners, []
        for joiner in joiners:
            task._deliver(joiner)
        if exception is None or isinstance(exception, Cancelled):
            return
        if not joiners and not task.awaited:
            exception.add_note(f"in {task!r} at {ps_text(self.now)}")
            self.fail(exception)


def current() -> Kernel:
    """Return the kernel that is running.

    Raises:
        RuntimeError: no kernel runs.
    """
    if not _running:
        raise RuntimeError("no kernel is running: call this from a task or a kernel callback")
    return _running[-1]
