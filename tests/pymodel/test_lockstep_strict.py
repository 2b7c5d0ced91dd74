# SPDX-License-Identifier: Apache-2.0
"""No waiver excuses everything: a fault of either side shows in lockstep.

A device that is right is followed by a model with a fault. That is the mirror image of a device
with a fault, and both must be noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pymodel.core import Checker, UdcModel
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DIEPCTL,
    DIEPTSIZ,
    DOEPCTL,
    DOEPTSIZ,
    DTXFSTS,
    GINTSTS,
)
from pymodel.packets import PID
from pymodel.trace import Answer, Event, Kind, decode, encode
from tests.pymodel.model_device import SNAK, Device
from tests.pymodel.test_checker import DEFAULT, traffic

US = 1_000_000
SETUP = bytes.fromhex("8006000100001200")


def followed(device: Device, break_model: Callable[[Any], None] | None = None) -> Checker:
    """Follow a device's trace at its own speed (four events a microsecond)."""
    checker = Checker(DEFAULT)
    if break_model is not None:
        break_model(checker.model)
    trace = device.model.trace
    assert trace is not None
    checker.feed(trace)
    checker.finish(trace[-1][0] + 1000 * US)
    return checker


def setup_leaves_nak_alone(model: UdcModel) -> None:
    accept = model._accept_setup

    def faulty(payload: bytes) -> None:
        held = model.ins[0].nak, model.outs[0].nak
        accept(payload)
        model.ins[0].nak, model.outs[0].nak = held

    model._accept_setup = faulty  # type: ignore[method-assign]


def transfer_end_leaves_nak_alone(model: UdcModel) -> None:
    commit = model._effects[Kind.RX_COMMIT]
    assert commit is not None

    def faulty(arg: int, data: Any, choice: Any) -> Any:
        commit(arg, data, choice)
        model.outs[arg & 0xF].nak = False

    model._effects[Kind.RX_COMMIT] = faulty


def set_nak_in(device: Device) -> None:
    """A SETUP comes while both directions may send and receive."""
    for base in (DIEPCTL, DOEPCTL):
        device.set(base.at(0), DIEPCTL.CNAK.mask)
    device.setup(SETUP)
    device.now += 3 * US
    device.read(DIEPCTL.at(0))
    device.read(DOEPCTL.at(0))


def end_of_an_out(device: Device) -> None:
    device.open(1, False)
    device.start_out(1, 512, 1)
    device.out(1, PID.DATA0, b"abc")
    device.now += 3 * US
    device.read(DOEPCTL.at(1))


@pytest.mark.parametrize(
    ("story", "fault"),
    [
        (set_nak_in, setup_leaves_nak_alone),
        (end_of_an_out, transfer_end_leaves_nak_alone),
    ],
)
def test_naksts_is_exact(
    story: Callable[[Device], None], fault: Callable[[UdcModel], None]
) -> None:
    device = Device(trace=True)
    story(device)
    assert followed(device).mismatches == []
    broken = followed(device, fault)
    assert broken.mismatches[0].rule == "register bound"
    assert "NAKSts" in broken.mismatches[0].text


def altered(device: Device, pick: Callable[[Event], bool], change: Callable[[Event], Event]) -> int:
    """Change the last event that fits and return how many mismatches that makes."""
    trace = device.model.trace
    assert trace is not None
    place = [i for i, (_, word) in enumerate(trace) if pick(decode(word))][-1]
    time, word = trace[place]
    checker = Checker(DEFAULT)
    checker.feed([*trace[:place], (time, encode(change(decode(word))))])
    return len(checker.mismatches)


def answer(device: Device, pid: int, n: int, other: Answer) -> int:
    """The last token of a kind is answered otherwise."""
    return altered(
        device,
        lambda event: event.kind == Kind.TOKEN and event.arg >> 4 & 0xFF == n << 4 | pid,
        lambda event: Event(event.kind, event.arg & 0x1FFF | other << 13, event.data),
    )


def busy_device() -> Device:
    """OUT 1 receives packet after packet: the Rx FIFO changes all the time."""
    device = Device(trace=True)
    device.open(1, False)
    device.open(2, True, fifo=2)
    device.start_out(1, 512 * 20, 20)
    toggle = PID.DATA0
    for _ in range(3):
        device.out(1, toggle, bytes(512))
        toggle = PID.DATA1 if toggle == PID.DATA0 else PID.DATA0
    return device


def test_traffic_excuses_no_other_answer() -> None:
    """A change of the Rx FIFO a moment ago is no reason to stall, or to be silent."""
    for other in (Answer.STALL, Answer.SILENT, Answer.NAK):
        assert answer(busy_device(), PID.OUT, 1, other), other.name
    for other in (Answer.SILENT, Answer.NAK, Answer.STALL):
        device = busy_device()
        device.setup(SETUP)
        assert answer(device, PID.SETUP, 0, other), other.name
    device = busy_device()
    device.in_(2)
    assert answer(device, PID.IN, 2, Answer.STALL)
    assert answer(device, PID.IN, 2, Answer.SILENT)


def test_a_write_a_moment_ago_excuses_only_what_was_right_before() -> None:
    device = busy_device()
    device.set(DOEPCTL.at(1), SNAK)
    device.out(1, PID.DATA1, bytes(512))
    assert not answer(device, PID.OUT, 1, Answer.NAK)
    assert not answer(device, PID.OUT, 1, Answer.ACK)  # as it was before SNAK
    assert answer(device, PID.OUT, 1, Answer.STALL)
    device = busy_device()
    device.set(DOEPCTL.at(1), SNAK)
    device.now += 3 * US
    device.out(1, PID.DATA1, bytes(512))
    assert answer(device, PID.OUT, 1, Answer.ACK)


@pytest.mark.parametrize(
    ("offset", "wrong"),
    [
        (DIEPCTL.at(2), f.EPCTL_ENA),
        (DIEPCTL.at(2), f.EPCTL_NAKSTS),
        (DIEPCTL.at(2), f.EPCTL_DIS),
        (DOEPCTL.at(1), f.EPCTL_NAKSTS),
        (DIEPTSIZ.at(2), 1),
        (DIEPTSIZ.at(2), 1 << 19),
        (DIEPTSIZ.at(2), 1 << 29),
        (DOEPTSIZ.at(1), 4 << 19),
        (DOEPTSIZ.at(0), 1 << 29),
        (DIEPTSIZ.at(2) + 4, 4),
        (DTXFSTS.at(2), 1),
        (GINTSTS.OFFSET, f.INT_NPTXFEMP),
        (GINTSTS.OFFSET, f.INT_PTXFEMP),
        (GINTSTS.OFFSET, f.INT_GOUTNAKEFF),
    ],
)
def test_traffic_excuses_no_wrong_read(offset: int, wrong: int) -> None:
    device = busy_device()
    device.read(offset)
    assert altered(
        device,
        lambda event: event.kind == Kind.REG_READ and event.arg == offset,
        lambda event: Event(event.kind, event.arg, event.data ^ wrong),
    )


@pytest.mark.parametrize("dma", [False, True])
def test_ordinary_traffic_needs_no_waiver(dma: bool) -> None:
    """At full speed of the trace: a device that does everything at once is never excused."""
    for seed in range(4):
        checker = followed(traffic(seed, dma))
        assert checker.mismatches == []
        assert not checker.waivers
