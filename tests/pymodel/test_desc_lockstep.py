# SPDX-License-Identifier: Apache-2.0
"""Lockstep in descriptor DMA: a follower agrees, and notices what is not as it must be."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.core import fields as f
from pymodel.gen.udc_regs import DIEPCTL, DIEPDMA, DIEPINT, DIEPMSK, DOEPCTL, DOEPINT, DOEPMSK
from pymodel.packets import PID
from pymodel.trace import Event, Kind, decode, encode
from tests.pymodel.desc_device import IOC, LAST, MTRF, SHORT, DescDevice
from tests.pymodel.model_device import BASE, EPDIS, SNAK
from tests.pymodel.test_checker import state

LIST = BASE + 0x400
PIDS = (PID.DATA0, PID.DATA1)
STRETCH = 40
"""Times are stretched by so much where the race window must excuse nothing."""


def traffic(seed: int, steps: int = 250, iso: bool = True) -> DescDevice:
    """Do random things to a device in descriptor DMA that reports its trace."""
    rng = random.Random(seed)
    device = DescDevice(trace=True, speed=rng.choice(["high", "full"]))
    mps = rng.choice([8, 64, 512])
    toggle = {0: 1, 1: 0, 2: 0}
    for n in (1, 2):
        device.open(n, True, mps=mps, fifo=n)
        device.open(n, False, mps=mps)
    if iso:
        device.open(3, True, mps=mps, eptype=1, fifo=3)
        device.open(3, False, mps=mps, eptype=1)
    device.write(DIEPMSK.OFFSET, 0x20F)
    device.write(DOEPMSK.OFFSET, 0x22F)

    def flags() -> int:
        bits = 0
        for bit, part in ((LAST, 0.3), (IOC, 0.5), (MTRF, 0.3), (SHORT, 0.3)):
            bits |= bit if rng.random() < part else 0
        return bits | (rng.randint(1, 3) << 30 if rng.random() < 0.1 else 0)

    def transfer() -> None:
        n, is_in = rng.randint(0, 3), rng.random() < 0.5
        control = (DIEPCTL if is_in else DOEPCTL).at(n)
        if device.read(control) & f.EPCTL_ENA and rng.random() < 0.9:
            return
        place = LIST + 0x80 * n + 0x40 * is_in
        limit = mps if n else 64
        pairs = []
        for index in range(rng.randint(1, 5)):
            size = rng.choice([0, 1, 7, limit, 2 * limit, 3 * limit + 5])
            bits = flags()
            if n == 3:
                frame = device.model.soffn + rng.randint(-1, 3) & 0x7FF
                bits = bits & ~(MTRF | SHORT) | frame << 12 * is_in
                bits = bits & ~(0x1FF << 23) | rng.randint(0, 3) << 23 | flags() & (LAST | IOC)
                size = min(size, 0xFFF)
                if not is_in:
                    bits &= LAST | IOC
            pairs.append((bits | size, BASE + 0x2000 + 0x1000 * n + 0x800 * index))
        pairs[-1] = (pairs[-1][0] | LAST | IOC, pairs[-1][1])
        device.put(place, *pairs)
        device.start(n, is_in, place if rng.random() < 0.9 else None)

    def setup() -> None:
        if rng.random() < 0.8 and not device.read(DOEPCTL.at(0)) & f.EPCTL_ENA:
            device.arm_setup()
        request = bytearray(rng.randbytes(8))
        request[6:] = bytes([rng.choice([0, 64]), 0])
        device.setup(bytes(request))
        toggle[0] = 1

    def out() -> None:
        n = rng.randint(0, 2)
        size = rng.choice([mps if n else 64, rng.randint(0, mps)])
        if device.out(n, PIDS[toggle[n]], rng.randbytes(size)) in ("ACK", "NYET"):
            toggle[n] ^= 1

    def iso_out() -> None:
        pid = rng.choice([PID.DATA0, PID.DATA1, PID.DATA2, PID.MDATA])
        device.out(3, pid, rng.randbytes(rng.randint(0, mps)))

    def interrupts() -> None:
        for n in range(4):
            device.write(DIEPINT.at(n), device.diepint(n))
            device.write(DOEPINT.at(n), device.doepint(n))

    def stop() -> None:
        n = rng.randint(1, 3)
        control = rng.choice([DIEPCTL, DOEPCTL]).at(n)
        device.set(control, SNAK)
        device.set(control, EPDIS)
        if control == DIEPCTL.at(n):
            device.write(0x010, n << 6 | 0x20)  # GRSTCTL.TxFFlsh

    def frame() -> None:
        device.layer.end_of_periodic()
        device.sof(device.model.soffn + 1 & 0x3FFF)

    def look() -> None:
        for offset in (0x14, 0x818, 0x914, 0x934, 0xB14, 0xB34, 0x91C, 0xB3C, 0x930, 0xB30):
            device.read(offset)

    def latency() -> None:
        """The DMA does not do at once what it could do, or has time again."""
        device.policy.dma_latency ^= 1
        device.policy.dma_move(device.now)

    actions: list[Callable[[], object]] = [
        *[transfer] * 6,
        *[out] * 8,
        *[lambda: device.in_(rng.randint(0, 2), ack=rng.random() < 0.8)] * 8,
        *[setup] * 2,
        *[interrupts] * 2,
        *[lambda: device.policy.dma_move(device.now)] * 3,
        lambda: device.ping(rng.randint(0, 2)),
        latency,
        look,
        stop,
    ]
    if iso:
        actions += [frame] * 3 + [iso_out] * 3 + [lambda: device.in_(3, ack=False)] * 4
    for _ in range(steps):
        rng.choice(actions)()
    device.policy.dma_latency = 0
    device.policy.settle(device.now)
    return device


def follow(events: list[tuple[int, int]]) -> Checker:
    checker = Checker(UdcParameters(desc_dma=1))
    checker.feed(events)
    checker.finish(events[-1][0] + 10**9)
    return checker


@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_a_model_follows_itself(seed: int, iso: bool) -> None:
    device = traffic(seed, iso=iso)
    trace = device.model.trace
    assert trace is not None
    checker = follow(trace)
    assert checker.mismatches == []
    assert not checker.waivers
    assert state(checker.model) == state(device.model)
    kinds = [decode(word) for _, word in trace]
    assert sum(one.kind == Kind.DESC for one in kinds) > 10


def changed(event: Event, change: str) -> list[Event] | None:
    """Return what stands in the place of an event."""
    kind, arg, data = event
    if kind != Kind.DESC:
        return None
    if change == "drop":
        return []
    if change == "twice":
        return [event, event]
    if change == "status":
        return [Event(kind, arg, data ^ 1 << 25)]
    if change == "count":
        return [Event(kind, arg, data ^ 1)]
    return [Event(kind, arg ^ 0x10, data)]


@pytest.mark.parametrize("change", ["drop", "twice", "status", "count", "direction"])
def test_one_changed_descriptor_is_noticed(change: str) -> None:
    device = traffic(4, iso=False)
    assert device.model.trace is not None
    events = [(time * STRETCH, word) for time, word in device.model.trace]
    tried = 0
    for place, (time, word) in enumerate(events):
        instead = changed(decode(word), change)
        if instead is None:
            continue
        words = [(time, encode(one)) for one in instead]
        checker = follow([*events[:place], *words, *events[place + 1 :]])
        assert checker.mismatches, str(decode(word))
        tried += 1
    assert tried > 10


def test_words_of_a_descriptor_are_compared() -> None:
    """What was written back is what DESC says, and what was loaded is what was read."""
    device = DescDevice(trace=True)
    device.open(1, True, fifo=1)
    device.put(LIST, (LAST | IOC | 4, BASE))
    device.start(1, True, LIST)
    device.in_(1)
    assert device.model.trace is not None
    trace = [(time * STRETCH, word) for time, word in device.model.trace]
    assert follow(trace).mismatches == []
    rules = []
    for place, (time, word) in enumerate(trace):
        if decode(word).kind in (Kind.DMA_WRITE, Kind.DMA_READ):
            checker = follow([*trace[:place], (time, word ^ 16), *trace[place + 1 :]])
            rules.append([one.rule for one in checker.mismatches][:1])
    # The buffer address is only noticed by what is fetched from there.
    expected = ["descriptor loaded", "DMA read", "words sent", "descriptor written back"]
    assert [one for rule in rules for one in rule] == expected


def test_status_stage_before_setup_is_noticed() -> None:
    device = DescDevice(trace=True)
    device.arm_setup()
    device.setup(bytes([0, 5, 1, 0, 0, 0, 0, 0]))
    device.write(DOEPINT.at(0), 0xFFFF)
    device.in_(0)
    assert device.model.trace is not None
    trace = [(time * STRETCH, word) for time, word in device.model.trace]
    last = next(i for i in range(len(trace) - 1, 0, -1) if decode(trace[i][1]).arg == 0x200)
    time, word = trace[last]
    assert decode(word).data == f.OEP_SETUP | f.OEP_STSPHSERCVD
    parts = [encode(Event(Kind.INT_SET, 0x200, bit)) for bit in (f.OEP_STSPHSERCVD, f.OEP_SETUP)]
    for order, rules in ((parts[::-1], []), (parts, ["interrupt cause"])):
        events = [*trace[:last], *((time, one) for one in order), *trace[last + 1 :]]
        assert [one.rule for one in follow(events).mismatches] == rules


def test_progress_is_watched() -> None:
    device = DescDevice(trace=True)
    device.open(1, True, fifo=1)
    device.write(DIEPDMA.at(1), LIST)
    device.policy.dma_latency = 1
    device.start(1, True, None)
    assert device.model.trace is not None
    assert [one.rule for one in follow(device.model.trace).mismatches] == ["no progress"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 19), st.integers())
def test_shuffled_traces_never_stop_the_checker(seed: int, order: int) -> None:
    device = traffic(seed, 60)
    assert device.model.trace is not None
    events = list(device.model.trace)
    head, tail = events[:40], events[40:]
    random.Random(order).shuffle(tail)
    checker = Checker(UdcParameters(desc_dma=1))
    checker.feed(head + tail)
    checker.finish()


@pytest.mark.parametrize("what", ["load", "write-back", "data"])
def test_bus_errors(what: str) -> None:
    """Only the memory knows of an error: the trace has the access, then AHBErr and no DESC."""
    device = DescDevice(trace=True)
    device.open(1, True, fifo=1)
    device.put(LIST, (LAST | IOC | 8, BASE))
    device.start(1, True, LIST)
    device.in_(1)
    assert device.model.trace is not None
    trace = device.model.trace
    kinds = [decode(word).kind for _, word in trace]
    loaded, closed = (place for place, kind in enumerate(kinds) if kind == Kind.DESC)
    place = {"load": loaded, "write-back": closed, "data": kinds.index(Kind.TX_PACKET)}[what]
    error = (trace[place][0], encode(Event(Kind.INT_SET, 0x101, f.EPI_AHBERR)))
    if what == "data":
        checker = follow([*trace[:place], error, *trace[place:]])
        assert checker.model.ins[1].intr & f.EPI_XFERCOMPL
    else:
        checker = follow([*trace[:place], error])
        assert checker.model.ins[1].nak
        assert not checker.model.ins[1].enabled
        assert not checker.model.ins[1].desc.loaded
    assert checker.mismatches == []
    assert checker.model.ins[1].intr & f.EPI_AHBERR
