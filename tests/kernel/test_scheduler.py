# SPDX-License-Identifier: Apache-2.0
"""Tasks, time, contexts: the order in which things run."""

from __future__ import annotations

import gc
import random
import sys
import warnings

import pytest

from tb.kernel import (
    Completion,
    Context,
    Cpu,
    Deadlock,
    Event,
    Kernel,
    Mutex,
    Queue,
    SchedulingWhileAtomic,
    SpinLock,
    WaitQueue,
    Work,
    current,
    gather,
    might_sleep,
    now,
    ns,
    sleep,
    spawn,
    timeout,
    us,
)


def run(coro):
    return Kernel().run_until(coro)


def test_sleep_jumps_time() -> None:
    async def main() -> int:
        await sleep(us(3))
        return now()

    assert run(main()) == us(3)


def test_tasks_of_equal_rank_run_in_the_order_they_became_ready() -> None:
    order: list[int] = []

    async def note(n: int) -> None:
        order.append(n)
        await sleep(0)
        order.append(n + 10)

    async def main() -> None:
        await gather(*(note(n) for n in range(3)))

    run(main())
    assert order == [0, 1, 2, 10, 11, 12]


def test_irq_threads_run_before_ordinary_tasks_by_priority() -> None:
    """S000-21."""
    order: list[str] = []

    async def note(name: str) -> None:
        order.append(name)

    async def main() -> None:
        kernel = current()
        kernel.spawn(note("process"))
        kernel.spawn(note("thread 40"), context=Context.IRQ_THREAD, priority=40)
        kernel.spawn(note("thread 50"), context=Context.IRQ_THREAD, priority=50)
        kernel.spawn(note("hard"), context=Context.HARD_IRQ)
        await sleep(1)

    run(main())
    assert order == ["hard", "thread 50", "thread 40", "process"]


def test_shuffle_changes_order_only_when_asked_and_repeats_for_a_seed() -> None:
    def order(seed: int | None) -> list[int]:
        seen: list[int] = []

        async def note(n: int) -> None:
            seen.append(n)

        async def main() -> None:
            for n in range(20):
                spawn(note(n))
            await sleep(1)

        kernel = Kernel()
        if seed is not None:
            kernel.shuffle = random.Random(seed)
        kernel.run_until(main())
        return seen

    assert order(None) == list(range(20))
    assert order(7) == order(7) != list(range(20))


def test_timeout_cancels_and_raises() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await sleep(us(100))
        finally:
            ended.append("cleaned up")

    async def main() -> None:
        with pytest.raises(TimeoutError, match="5 us"):
            await timeout(slow(), us(5))
        await sleep(0)
        assert now() == us(5)
        assert await timeout(later(), us(5)) == 1

    async def later() -> int:
        await sleep(us(1))
        return 1

    run(main())
    assert ended == ["cleaned up"]


def test_an_exception_that_nobody_awaits_fails_the_run() -> None:
    async def bad() -> None:
        raise ValueError("boom")

    async def main() -> None:
        spawn(bad(), name="culprit")
        await sleep(us(1))

    kernel = Kernel()
    with pytest.raises(ValueError, match="boom") as caught:
        kernel.run_until(main())
    assert "culprit" in str(caught.value.__notes__)


def test_an_exception_in_a_timer_callback_fails_the_run() -> None:
    async def main() -> None:
        current().call_later(5, lambda: 1 / 0)
        await sleep(10)

    with pytest.raises(ZeroDivisionError):
        run(main())


def test_an_awaited_exception_reaches_the_awaiter() -> None:
    async def bad() -> None:
        raise KeyError("x")

    async def main() -> str:
        try:
            await spawn(bad())
        except KeyError:
            return "caught"
        return "lost"

    assert run(main()) == "caught"


def test_deadlock_names_what_everybody_waits_for() -> None:
    async def main() -> None:
        await Event("the bus").wait()

    with pytest.raises(Deadlock, match="event the bus"):
        run(main())


def test_a_hard_handler_may_not_sleep() -> None:
    """S003-60 and DESIGN rule 2."""

    async def handler() -> None:
        await sleep(1)

    async def main() -> None:
        current().spawn(handler(), context=Context.HARD_IRQ)
        await sleep(5)

    with pytest.raises(SchedulingWhileAtomic, match="hard interrupt"):
        run(main())


def test_nobody_may_sleep_under_a_spin_lock() -> None:
    cpu = Cpu("device")

    async def locked() -> None:
        with SpinLock(cpu):
            await sleep(1)

    async def main() -> None:
        await current().spawn(locked(), cpu=cpu)

    with pytest.raises(SchedulingWhileAtomic):
        run(main())


def test_a_completion_handler_may_not_call_what_sleeps() -> None:
    async def main() -> None:
        with pytest.raises(SchedulingWhileAtomic, match="COMPLETION"):
            current().in_atomic(Context.COMPLETION, might_sleep)
        might_sleep()

    run(main())


def test_completion_lets_one_waiter_through_per_complete() -> None:
    async def main() -> list[bool]:
        done = Completion()
        done.complete()
        first = await done.wait_timeout(ns(5))
        second = await done.wait_timeout(ns(5))
        current().call_later(ns(2), done.complete_all)
        return [first, second, await done.wait_timeout(ns(5)), await done.wait_timeout(ns(5))]

    assert run(main()) == [True, False, True, True]


def test_wait_queue_checks_its_predicate() -> None:
    async def main() -> int:
        queue = WaitQueue()
        state = {"go": False}

        def go() -> None:
            state["go"] = True
            queue.wake_up()

        current().call_later(ns(1), queue.wake_up)
        current().call_later(ns(4), go)
        assert not await queue.wait_event_timeout(lambda: state["go"], ns(2))
        await queue.wait_event(lambda: state["go"])
        return now()

    assert run(main()) == ns(4)


def test_queue_mutex_and_work() -> None:
    log: list[str] = []

    async def main() -> None:
        queue: Queue[int] = Queue()
        mutex = Mutex()

        async def locked(name: str) -> None:
            async with mutex:
                log.append(f"{name} in")
                await sleep(ns(1))
                log.append(f"{name} out")

        async def work() -> None:
            log.append("work")
            await sleep(ns(1))

        current().call_later(ns(1), queue.put, 7)
        assert await queue.get() == 7
        await gather(locked("a"), locked("b"))
        item = Work(work)
        item.schedule()
        await sleep(0)
        item.schedule()
        await item.flush()

    run(main())
    assert log == ["a in", "a out", "b in", "b out", "work", "work"]


def test_work_that_still_waits_goes_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may end while a work sleeps; nothing is printed when it is thrown away."""
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)

    async def forever() -> None:
        await Event().wait()

    async def main() -> None:
        Work(forever).schedule()

    kernel = Kernel()
    kernel.spawn(main())
    kernel.run_ready()
    del kernel
    gc.collect()
    assert not complaints


def test_close_runs_clean_up_code() -> None:
    ended: list[int] = []

    async def forever() -> None:
        try:
            await Event().wait()
        finally:
            ended.append(1)

    kernel = Kernel()
    kernel.spawn(forever())
    kernel.run_ready()
    kernel.close()
    assert ended == [1]
    assert kernel.failure is None


def test_close_ends_what_clean_up_code_starts() -> None:
    """No coroutine is left that never began, even where clean-up code fails."""
    ended: list[str] = []

    async def forever(name: str) -> None:
        try:
            await Event().wait()
        finally:
            ended.append(name)

    async def broken() -> None:
        raise ValueError("in clean-up code")

    async def stubborn() -> None:
        try:
            await Event().wait()
        finally:
            spawn(forever("begun"))
            spawn(broken())
            spawn(forever("not begun"))

    def failure_of_a_run() -> str:
        kernel = Kernel()
        kernel.spawn(stubborn())
        kernel.run_ready()
        kernel.close()
        return repr(kernel.failure)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert failure_of_a_run() == "ValueError('in clean-up code')"
        gc.collect()
    assert [str(one.message) for one in caught] == []
    assert ended == ["begun"]


def test_the_kernel_itself_offers_sleep_and_timeout() -> None:
    async def main() -> int:
        kernel = current()
        await kernel.sleep(us(2))
        with pytest.raises(TimeoutError):
            await kernel.timeout(kernel.sleep(us(9)), us(1))
        return kernel.now

    assert run(main()) == us(3)
