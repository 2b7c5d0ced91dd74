# SPDX-License-Identifier: Apache-2.0
"""The engine of lockstep on a controller: here the model follows a model that runs by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pymodel.gen.udc_regs import DIEPINT
from pymodel.packets import PID, build_data
from pymodel.trace import Event, Kind, encode
from pymodel.wire import Status
from tb.sim.lockstep import Lockstep, LockstepMismatch
from tests.sim.model_rig import BASE, Rig, run


def drained(rig: Rig) -> list[tuple[int, int]]:
    trace = rig.controller.model.trace
    assert trace is not None
    events = list(trace)
    trace.clear()
    return events


async def some_traffic(rig: Rig) -> None:
    await rig.attach()
    await rig.open_bulk()
    for _ in range(3):
        rig.memory.write(BASE, bytes(range(100)))
        await rig.start_in(100, 1)
        if not rig.dma:
            await rig.bus.write_fifo(0x2000, bytes(range(100)))
        assert (await rig.in_(no_handshake=True)).handshake is None
        assert (await rig.in_()).status is Status.OK
        await rig.bus.write32(DIEPINT.at(1), 0xFFFF)
        assert (await rig.in_()).status is Status.NAK
    await rig.start_out(1024, 2)
    assert (await rig.out(PID.DATA0, bytes(range(256)) * 2)).handshake == "ACK"
    assert (await rig.out(PID.DATA1, b"end")).handshake == "NYET"


@pytest.mark.parametrize("dma", [False, True])
def test_a_run_is_followed_without_mismatch(dma: bool) -> None:
    rig = Rig(dma=dma, trace=1)
    lockstep = Lockstep(rig.controller.parameters, lambda: drained(rig))
    rig.wire.monitor(lockstep.payloads.records)
    run(rig, some_traffic)
    lockstep.finish(rig.kernel.now)
    summary = lockstep.summary()
    assert summary["events"] > 100
    assert summary["mismatches"] == 0
    assert summary["waivers"] == {}


def test_attach_hooks_the_pump() -> None:
    rig = Rig(trace=1)
    hooks: list[Any] = []
    controller = SimpleNamespace(
        trace=SimpleNamespace(drain=lambda: drained(rig)),
        parameters=rig.controller.parameters,
        pump=SimpleNamespace(before=hooks.append),
        mailbox=SimpleNamespace(period_fs=[12_500_000, 16_666_667], now=0),
        memory=SimpleNamespace(answers_error=lambda *_: False),
        bus=SimpleNamespace(levels=lambda: (False, 0)),
        kernel=rig.kernel,
        wire=rig.wire,
    )
    lockstep = Lockstep.attach(controller)
    assert controller.lockstep is lockstep
    assert lockstep.checker.model.microsecond == 750_000  # 60 clocks of 80 MHz
    run(rig, some_traffic)
    hooks[0]()
    assert lockstep.checker.events
    with pytest.raises(ValueError, match="TRACE=1"):
        Lockstep.attach(SimpleNamespace(trace=None))


def test_a_wrong_run_is_reported() -> None:
    rig = Rig(trace=1)
    run(rig, some_traffic)
    events = drained(rig)
    events.append((events[-1][0], encode(Event(Kind.TX_DONE, 3, 1))))
    lockstep = Lockstep(rig.controller.parameters, lambda: events)
    lockstep.poll()
    events = []
    assert lockstep.summary()["mismatches"] == 1
    assert "IN 3 was sending nothing" in str(lockstep.mismatches[0])


@pytest.mark.parametrize("from_host", [False, True])
def test_a_payload_that_changes_on_its_way_is_noticed(from_host: bool) -> None:
    rig = Rig(trace=1)
    lockstep = Lockstep(rig.controller.parameters, lambda: drained(rig))
    run(rig, some_traffic)
    for record in rig.records:
        if record.from_host == from_host and len(record.data) > 50:
            record.data = build_data(PID.DATA0, bytes(len(record.data) - 3))
            break
    lockstep.payloads.records(rig.records)
    lockstep.finish()
    assert [one.rule for one in lockstep.mismatches] == ["payload on the wire"]


def attached(rig: Rig, events: list[tuple[int, int]]) -> tuple[Lockstep, Any]:
    """Lockstep on a stand-in whose trace is `events` and whose lines and clock are set by hand."""
    levels = [False, 0]
    controller = SimpleNamespace(
        line_levels=levels,
        trace=SimpleNamespace(drain=lambda: [events.pop(0) for _ in list(events)]),
        parameters=rig.controller.parameters,
        pump=SimpleNamespace(before=lambda function: None),
        mailbox=SimpleNamespace(period_fs=[12_500_000, 16_666_667], now=0),
        memory=SimpleNamespace(answers_error=lambda *_: False),
        bus=SimpleNamespace(levels=lambda: tuple(levels)),
        kernel=rig.kernel,
    )
    return Lockstep.attach(controller), controller


def test_a_mismatch_ends_the_run_soon() -> None:
    rig = Rig(trace=1)
    run(rig, some_traffic)
    wrong = encode(Event(Kind.TX_DONE, 3, 1))
    events = drained(rig)
    last = events[-1][0]
    lockstep, controller = attached(rig, events)
    controller.mailbox.now = last
    lockstep.poll()
    events.append((last, wrong))
    lockstep.poll()
    controller.mailbox.now = last + 60_000_000
    with pytest.raises(LockstepMismatch, match=r"1 mismatch$"):
        lockstep.poll()
    lockstep.finish()  # says so once
    lockstep, controller = attached(rig, events)
    events += [(0, wrong)] * 7
    with pytest.raises(LockstepMismatch, match="mismatches"):
        lockstep.poll()


def test_a_line_that_lies_ends_the_run() -> None:
    rig = Rig(trace=1)
    lockstep, controller = attached(rig, [])
    lockstep.poll()
    controller.line_levels[0] = True
    controller.mailbox.now = 10_000_000
    lockstep.poll()
    controller.mailbox.now = 100_000_000
    with pytest.raises(LockstepMismatch):
        lockstep.poll()
    assert lockstep.mismatches[0].rule == "interrupt line"
