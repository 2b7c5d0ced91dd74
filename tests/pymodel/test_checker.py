# SPDX-License-Identifier: Apache-2.0
"""Lockstep: a model that follows the trace of another one agrees, and notices every change."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import Checker, UdcModel
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPINT,
    DIEPMSK,
    DOEPCTL,
    DOEPINT,
    DOEPMSK,
    GINTSTS,
    GRSTCTL,
)
from pymodel.packets import PID
from pymodel.trace import Event, Kind, Line, decode, encode
from tests.pymodel.model_device import BASE, EPDIS, SNAK, Device

PIDS = (PID.DATA0, PID.DATA1)
DEFAULT = UdcParameters()
SHARED = UdcParameters(dedicated_fifo=0)


def state(model: UdcModel) -> dict[str, Any]:
    """Return what a model remembers, for comparison."""
    slots = lambda one: {name: getattr(one, name) for name in type(one).__slots__}  # noqa: E731
    return {
        "ins": [slots(one) for one in model.ins],
        "outs": [slots(one) for one in model.outs],
        "tx": [(one.used, list(one.packets), bytes(one.raw)) for one in model.tx],
        "queue": [(one.endpoint, one.size, bytes(one.data)) for one in model.queue],
        "mismatched": model.mismatched,
        "rx": (model.rx.used, [slots(one) for one in model.rx.entries], model.rx.current),
        "registers": [model.peek(4 * n) for n in range(0x400)],
    }


def traffic(
    seed: int, dma: bool, steps: int = 250, iso: bool = False, parameters: UdcParameters = DEFAULT
) -> Device:
    """Do random things to a device that reports its trace (`iso`: endpoint 3 too)."""
    rng = random.Random(seed)
    speed = rng.choice(["high", "full"])
    device = Device(dma=dma, trace=True, speed=speed, parameters=parameters)
    mps = rng.choice([8, 64, 512])
    toggle = {}
    for n in (1, 2):
        device.open(n, True, mps=mps, fifo=n)
        device.open(n, False, mps=mps)
        toggle[n] = 0
    for is_in in (True, False) if iso else ():
        device.open(3, is_in, mps=mps, eptype=1, fifo=3)
    device.write(DIEPMSK.OFFSET, 0xF)
    device.write(DOEPMSK.OFFSET, 0xF)

    def transfer() -> None:
        n = rng.randint(0, 2)
        size = rng.choice([0, 1, 7, mps, 2 * mps, 3 * mps + 5])
        size = min(size, 64) if n == 0 else size
        count = size // (64 if n == 0 else mps) + 1 if n else 1
        place = BASE + 0x1000 * n
        if rng.random() < 0.5:
            data = rng.randbytes(size)
            device.memory.data[place - BASE : place - BASE + size] = data
            if device.read(DIEPCTL.at(n)) & f.EPCTL_ENA:
                return
            device.start_in(n, size, count, place)
            if not dma:
                limit = mps if n else 64
                for start in range(0, size, limit):
                    piece = data[start : start + limit]
                    if device.space(n * parameters.dedicated_fifo) * 4 >= len(piece):
                        device.push(n, piece)
        elif not device.read(DOEPCTL.at(n)) & f.EPCTL_ENA:
            device.start_out(n, count * mps if n else 64, count, place + 0x8000)

    def isochronous() -> None:
        """An endpoint of either direction and parity is armed, or changes its parity."""
        count = rng.randint(1, 3)
        size = rng.randint(mps * (count - 1), mps * count)
        parity = rng.choice([DIEPCTL.SetD0PID.mask, DIEPCTL.SetD1PID.mask])
        base = rng.choice([DIEPCTL, DOEPCTL])
        if not device.read(base.at(3)) & f.EPCTL_ENA:
            if base is DIEPCTL:
                device.start_in(3, size, max(-(-size // mps), 1) | rng.randint(0, 3) << 10)
                if not dma and device.space(3) * 4 >= size + 4:
                    device.push(3, rng.randbytes(size))
            else:
                device.start_out(3, size, count, BASE + 0x4000)
        device.set(base.at(3), parity)

    def frame() -> None:
        device.layer.end_of_periodic()
        device.layer.sof(device.model.soffn + 1 & 0x3FFF)

    def iso_out() -> None:
        pid = rng.choice([PID.DATA0, PID.DATA1, PID.DATA2, PID.MDATA])
        device.out(3, pid, rng.randbytes(rng.randint(0, mps + 1)))

    def setup() -> None:
        if dma and not device.read(DOEPCTL.at(0)) & f.EPCTL_ENA:
            device.arm_setup(BASE + 0xF000)
        device.setup(rng.randbytes(8))

    def out() -> None:
        n = rng.randint(0, 3)
        if n == 3 and iso:
            n = 4
        wrong = rng.random() < 0.2
        answer = device.out(n, PIDS[toggle.get(n, 0) ^ wrong], rng.randbytes(rng.randint(0, mps)))
        if answer in ("ACK", "NYET") and not wrong and n in toggle:
            toggle[n] ^= 1

    def drain() -> None:
        while not dma and device.gintsts() & GINTSTS.RxFLvl.mask:
            device.pop()

    def interrupts() -> None:
        for n in range(3 + iso):
            device.write(DIEPINT.at(n), device.diepint(n))
            device.write(DOEPINT.at(n), device.doepint(n))

    def stop() -> None:
        n = rng.randint(1, 2)
        device.set(DIEPCTL.at(n), SNAK)
        device.set(DIEPCTL.at(n), EPDIS)
        fifo = n * parameters.dedicated_fifo
        device.write(GRSTCTL.OFFSET, fifo << 6 | GRSTCTL.TxFFlsh.mask)
        device.set(rng.choice([DIEPCTL, DOEPCTL]).at(n), DIEPCTL.Stall.mask)

    def global_nak() -> None:
        device.set(DCTL.OFFSET, rng.choice([0x80, 0x100, 0x200, 0x400]))

    def look() -> None:
        for offset in (0x14, 0x818, 0x808, 0x2C, 0x910, 0x930, 0xB10, 0xB30, 0x914, 0xB14, 0x938):
            device.read(offset)

    def bus() -> None:
        device.line(rng.choice([Line.EARLY_SUSPEND, Line.SUSPEND, Line.RESUME]))
        if rng.random() < 0.2:
            device.bus_reset()
            device.write(DCFG.OFFSET, 0)
            for n in (1, 2):
                device.open(n, True, mps=mps, fifo=n)
                device.open(n, False, mps=mps)
                toggle[n] = 0
            for is_in in (True, False) if iso else ():
                device.open(3, is_in, mps=mps, eptype=1, fifo=3)

    actions = [
        *[transfer] * 6,
        *[out] * 8,
        *[lambda: device.in_(rng.randint(0, 3), ack=rng.random() < 0.8)] * 8,
        *[setup] * 2,
        *[drain] * 4,
        *[interrupts] * 2,
        lambda: device.ping(rng.randint(0, 2)),
        lambda: device.layer.sof(rng.randint(0, 0x3FFF)),
        look,
        stop,
        global_nak,
        bus,
    ]
    if iso:
        actions += [isochronous] * 3 + [frame] * 4 + [iso_out] * 4
    for _ in range(steps):
        rng.choice(actions)()
    return device


def follow(events: list[tuple[int, int]], parameters: UdcParameters = DEFAULT) -> Checker:
    checker = Checker(parameters)
    checker.feed(events)
    checker.finish(events[-1][0] + 10**9)
    return checker


@pytest.mark.parametrize("dma", [False, True])
@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("parameters", [DEFAULT, SHARED], ids=["dedicated", "shared"])
def test_a_model_follows_itself(seed: int, dma: bool, iso: bool, parameters: UdcParameters) -> None:
    device = traffic(seed, dma, iso=iso, parameters=parameters)
    # Time is stretched: what a model does is never a race.
    trace = [(time * 5, word) for time, word in device.model.trace or []]
    checker = follow(trace, parameters)
    assert checker.mismatches == []
    assert not checker.waivers
    assert checker.events == len(trace)
    assert state(checker.model) == state(device.model)


def mutate(events: list[tuple[int, int]], place: int, change: str) -> list[tuple[int, int]] | None:
    """Return a trace with one event changed so that it can no longer be right."""
    time, word = events[place]
    kind, arg, data = decode(word)
    changed: list[Event] | None = None
    if change == "data":
        if kind in (Kind.REG_READ, Kind.DMA_WRITE, Kind.TX_WORD):
            changed = [Event(kind, arg, data ^ 1)]
    elif change == "drop":
        if kind in (Kind.INT_SET, Kind.RX_STATUS, Kind.TX_WORD, Kind.DMA_READ, Kind.RX_WORD):
            changed = []
    elif change == "twice":
        if kind in (Kind.RX_POP, Kind.TX_DONE, Kind.RX_COMMIT, Kind.TX_PACKET):
            changed = [Event(kind, arg, data)] * 2
    elif change == "answer" and kind == Kind.TOKEN:
        answer = arg >> 13 & 7
        other = {1: 3, 2: 3, 3: 2, 4: 3, 5: 2, 0: 2}[answer]
        changed = [Event(kind, arg & 0xFFF | other << 13, data)]
    if changed is None:
        return None
    return [*events[:place], *((time, encode(one)) for one in changed), *events[place + 1 :]]


@pytest.mark.parametrize("dma", [False, True])
@pytest.mark.parametrize("change", ["data", "drop", "twice", "answer"])
@pytest.mark.parametrize("parameters", [DEFAULT, SHARED], ids=["dedicated", "shared"])
def test_one_changed_event_is_noticed(change: str, dma: bool, parameters: UdcParameters) -> None:
    """Times are stretched, so that the race window excuses nothing."""
    device = traffic(3, dma, 200, parameters=parameters)
    assert device.model.trace is not None
    events = [(time * 40, word) for time, word in device.model.trace]
    rng = random.Random(5)
    places = list(range(len(events)))
    rng.shuffle(places)
    tried = 0
    for place in places:
        changed = mutate(events, place, change)
        if changed is None:
            continue
        kind, arg, data = decode(events[place][1])
        if change == "data" and kind == Kind.REG_READ and not _exact(arg):
            continue
        checker = follow(changed, parameters)
        # A cause that is visible already need not be reported again.
        again = kind == Kind.INT_SET and checker.waivers["cause that was visible already"]
        assert checker.mismatches or again, str(Event(kind, arg, data))
        tried += 1
        if tried == 40:
            break
    assert tried


def _exact(offset: int) -> bool:
    """Bit 0 of the register is compared exactly whatever goes on."""
    return offset in (f.GINTSTS, f.DAINTMSK, f.DIEPMSK) or (
        f.IN_BASE <= offset < f.PCGCCTL and offset & 0x1F in (f.EP_CTL, f.EP_INT)
    )


def test_mismatches_say_what_and_where() -> None:
    device = Device(trace=True)
    device.read(GINTSTS.OFFSET)
    assert device.model.trace is not None
    time, word = device.model.trace[-1]
    checker = follow([*device.model.trace[:-1], (time, word ^ GINTSTS.USBRst.mask)])
    text = str(checker.mismatches[0])
    assert "GINTSTS reads" in text
    assert "USBRst" in text
    assert "us: register" in text


def test_choices_that_the_facts_leave_open() -> None:
    """ACK instead of NYET, and an early NAK of a nearly full FIFO, are legal."""
    device = Device(trace=True)
    device.open(2, False)
    device.start_out(2, 512, 1)
    assert device.out(2, PID.DATA0, bytes(512)) == "NYET"
    assert device.model.trace is not None
    changed = []
    for time, word in device.model.trace:
        event = decode(word)
        if event.kind == Kind.TOKEN:
            event = Event(event.kind, event.arg & 0x1FFF | 1 << 13, 0)
        changed.append((time, encode(event)))
    assert follow(changed).mismatches == []


def test_a_race_is_excused_and_counted() -> None:
    device = Device(trace=True, dma=True)
    device.open(1, True, fifo=1)
    device.start_in(1, 4, 1)
    device.in_(1, ack=False)
    assert device.model.trace is not None
    events = []
    for time, word in device.model.trace:
        event = decode(word)
        if event.kind == Kind.TOKEN:
            events.append((time, encode(Event(Kind.TOKEN, 2 << 13 | event.arg & 0xFF0, 0))))
            break
        events.append((time, word))
    checker = Checker(UdcParameters())
    checker.feed(events)
    assert checker.mismatches == []
    assert checker.waivers == {"decision within the race window": 1}
    late = [*events[:-1], (events[-1][0] + 5_000_000, events[-1][1])]
    assert follow(late).mismatches[0].rule == "decision"


def test_overdue_causes_are_missed() -> None:
    device = Device(trace=True)
    device.set(DIEPCTL.at(0), SNAK)
    assert device.model.trace is not None
    events = [one for one in device.model.trace if decode(one[1]).arg != 0x100]
    rules = [one.rule for one in follow(events).mismatches]
    assert rules == ["cause missing"]


offsets = st.one_of(st.integers(0, 0x3FF), st.just(0x400)).map(lambda word: word * 4)
garbage = st.builds(
    Event,
    st.integers(0, 31),
    st.one_of(offsets, st.integers(0, 0x3FF), st.integers(0, 0xFFFFFF)),
    st.one_of(st.integers(0, 0x7FF), st.integers(0, 0xFFFFFFFF)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(garbage, max_size=40))
def test_garbage_never_stops_the_checker(events: list[Event]) -> None:
    checker = Checker(UdcParameters())
    checker.feed((n * 1_000_000, encode(event)) for n, event in enumerate(events))
    checker.finish()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.data())
def test_shuffled_traces_never_stop_the_checker(seed: int, data: st.DataObject) -> None:
    device = traffic(seed % 20, bool(seed & 1), 60)
    assert device.model.trace is not None
    events = list(device.model.trace)
    random.Random(data.draw(st.integers())).shuffle(events)
    checker = Checker(UdcParameters())
    checker.feed(events)
    checker.finish()


def test_what_comes_too_late_is_noticed_even_after_silence() -> None:
    device = Device(trace=True)
    device.set(DIEPCTL.at(0), SNAK)
    *before, last = device.model.trace or []
    assert decode(last[1]).kind == Kind.INT_SET
    for late, rules in ((15, []), (30, ["cause missing", "interrupt cause"])):
        events = [*before, (before[-1][0] + late * 1_000_000, last[1])]
        assert [one.rule for one in follow(events).mismatches] == rules


def test_a_cause_is_missed_while_others_come_and_go() -> None:
    """Each cause has a time of its own, whatever else becomes due for the endpoint."""
    device = Device(trace=True)
    device.set(DIEPCTL.at(0), SNAK)
    for _ in range(20):
        device.set(DIEPCTL.at(0), DIEPCTL.CNAK.mask)
        device.open(0, True)
        device.in_(0)
    events = []
    for time, word in device.model.trace or []:
        event = decode(word)
        if event.kind == Kind.INT_SET and event.arg == 0x100:
            event = Event(event.kind, event.arg, event.data & ~DIEPINT.INTknTXFEmp.mask)
        if event.kind != Kind.INT_SET or event.data:
            events.append((time * 8, encode(event)))
    assert "cause missing" in [one.rule for one in follow(events).mismatches]
