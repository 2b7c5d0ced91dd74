# SPDX-License-Identifier: Apache-2.0
"""Lockstep compares the interrupt lines themselves, not only registers that are read."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.core.history import History
from pymodel.gen.udc_regs import DEACHMSK, DIEPCTL, DIEPEACHMSK, DIEPINT, DIEPMSK, GINTMSK
from tests.pymodel.model_device import SNAK, Device

US = 1_000_000
Levels = Callable[[int, bool, int], tuple[int, bool, int]]


def story() -> tuple[list[tuple[int, int]], list[tuple[int, bool, int]]]:
    """SNAKs that interrupt, and what the lines do, 20 us apart: (trace, levels)."""
    device = Device(trace=True)
    trace = device.model.trace
    assert trace is not None
    levels: list[tuple[int, bool, int]] = []

    def write(offset: int, value: int) -> None:
        device.now += 20 * US
        device.write(offset, value)
        levels.append((device.now, device.model.irq, device.model.ep_irq))

    write(DIEPMSK.OFFSET, DIEPINT.INEPNakEff.mask)
    write(GINTMSK.OFFSET, 1 << 18)
    write(DIEPEACHMSK.at(0), DIEPINT.INEPNakEff.mask)
    write(DEACHMSK.OFFSET, 0xFFFFFFFF)
    for _ in range(3):
        write(DIEPCTL.at(0), SNAK)
        write(DIEPINT.at(0), 0xFFFF)
    return trace, levels


def judge(change: Levels) -> Checker:
    """Follow the story while the lines do what `change` makes of them."""
    trace, levels = story()
    checker = Checker(UdcParameters())
    checker.lines.observe(0, False, 0)
    moments: list[tuple[int, bool, int]] = [change(*one) for one in levels]
    waiting = list(trace)
    for time, irq, ep_irq in sorted(moments):
        checker.feed([one for one in waiting if one[0] <= time])
        waiting = [one for one in waiting if one[0] > time]
        checker.lines.observe(time, irq, ep_irq)
        checker.lines.settle(time)
    checker.feed(waiting)
    checker.finish(levels[-1][0] + 100 * US)
    checker.lines.settle(levels[-1][0] + 100 * US)
    return checker


def test_lines_that_follow_are_right_and_counted() -> None:
    assert judge(lambda time, irq, each: (time, irq, each)).mismatches == []
    for shift in (200_000, -200_000):
        checker = judge(lambda time, irq, each, shift=shift: (time + shift, irq, each))  # type: ignore[misc]
        assert checker.mismatches == []
        assert checker.waivers["irq moves before or after its cause"] == 6
        assert checker.waivers["ep_irq moves before or after its cause"] == 6


def test_lines_that_do_not_follow_are_noticed() -> None:
    changes: dict[str, Levels] = {
        "late": lambda time, irq, each: (time + 5 * US, irq, each),
        "early": lambda time, irq, each: (time - 5 * US, irq, each),
        "stuck at 0": lambda time, irq, each: (time, False, each),
        "stuck at 1": lambda time, irq, each: (time, True, each),
        "another endpoint": lambda time, irq, each: (time, irq, each << 1),
        "none of the endpoints": lambda time, irq, each: (time, irq, 0),
    }
    for name, change in changes.items():
        checker = judge(change)
        assert {one.rule for one in checker.mismatches} == {"interrupt line"}, name
    assert "irq is 0x0" in str(judge(changes["stuck at 0"]).mismatches[0])


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), max_size=60), st.integers(0, 9))
def test_history_returns_what_held(steps: list[tuple[int, int]], back: int) -> None:
    history = History(1000)
    time, held = 0, {0: 0}
    history.note("x", 0, 0)
    for gap, value in steps:
        time += gap
        history.note("x", value, time)
        held[time] = value
    expected = set()
    for moment in range(max(time - back, 0), time + 1):
        expected.add(held[max(start for start in held if start <= moment)])
    assert set(history.values("x", time - back, time)) == expected
