# SPDX-License-Identifier: Apache-2.0
"""Endpoints of one direction (EP_DIRECTIONS, GHWCFG1): the other one is not there at all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DAINT,
    DEACHINT,
    DEACHMSK,
    DIEPCTL,
    DIEPEACHMSK,
    DIEPEMPMSK,
    DOEPCTL,
    DTXFSTS,
    GHWCFG1,
    GHWCFG4,
)
from pymodel.packets import PID
from pymodel.trace import Answer, Event, Kind, decode, encode
from tests.pymodel.model_device import Device

# Endpoint 1 IN only, 2 OUT only, 3 both.
ONE_WAY = UdcParameters(num_in_eps=3, num_out_eps=3, ep_directions=1 << 2 | 2 << 4)


def test_what_is_left_out_reads_zero_and_keeps_nothing() -> None:
    device = Device(parameters=ONE_WAY)
    assert device.read(GHWCFG1.OFFSET) == ONE_WAY.ep_directions
    for base in (f.IN_BASE + 2 * 0x20, f.OUT_BASE + 1 * 0x20):
        for place in range(0, 0x20, 4):
            device.write(base + place, 0xFFFFFFFF)
            assert device.read(base + place) == 0, hex(base + place)
    assert device.read(DTXFSTS.at(1)) == device.read(DTXFSTS.at(3)) == 256
    assert device.read(DOEPCTL.at(2)) == device.read(DIEPCTL.at(1)) == f.EPCTL_NAKSTS


def test_what_is_left_out_answers_nothing() -> None:
    device = Device(parameters=ONE_WAY)
    for n in (1, 2, 3):
        device.open(n, True, fifo=n)
        device.open(n, False)
        device.start_in(n, 0, 1)
        device.start_out(n, 512, 2)
    assert [device.in_(n) for n in (1, 2, 3)] == [(PID.DATA0, b""), None, (PID.DATA0, b"")]
    assert [device.out(n, PID.DATA0, b"x") for n in (1, 2, 3)] == [None, "ACK", "ACK"]
    assert device.ping(1) is None


def test_an_empty_fifo_of_a_missing_endpoint_interrupts_nobody() -> None:
    device = Device(parameters=ONE_WAY)
    device.write(DIEPEMPMSK.OFFSET, 0xFFFF)
    assert device.read(DAINT.OFFSET) == 0b1011
    for n in range(4):
        device.write(DIEPEACHMSK.at(n), 0xFFFF)
    device.write(DEACHMSK.OFFSET, 0xFFFFFFFF)
    assert device.read(DEACHINT.OFFSET) & 0xFFFF == 0b1011


def test_lockstep_excuses_no_answer_of_a_missing_endpoint() -> None:
    """Not even a moment after a write that could have changed something."""
    device = Device(parameters=ONE_WAY, trace=True)
    device.write(DIEPEMPMSK.OFFSET, 0)
    device.in_(2)
    assert device.model.trace is not None
    (time, word) = device.model.trace[-1]
    event = decode(word)
    assert event.kind == Kind.TOKEN
    nak = Event(Kind.TOKEN, event.arg & 0x1FFF | Answer.NAK << 13, 0)
    checker = Checker(ONE_WAY)
    checker.feed([*device.model.trace[:-1], (time, encode(nak))])
    assert [one.rule for one in checker.mismatches] == ["decision"]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 15), st.integers(1, 15), st.lists(st.integers(0, 2), min_size=15))
def test_the_configuration_tells_what_is_there(ins: int, outs: int, wanted: list[int]) -> None:
    directions = sum(one << 2 * n for n, one in enumerate(wanted[:15], 1))
    par = UdcParameters(num_in_eps=ins, num_out_eps=outs, ep_directions=directions)
    device = Device(parameters=par)
    told = device.read(GHWCFG1.OFFSET)
    for n in range(1, 16):
        device.write(DIEPCTL.at(n), f.EPCTL_ACTIVE)
        device.write(DOEPCTL.at(n), f.EPCTL_ACTIVE)
        there = [bool(device.read(DIEPCTL.at(n))), bool(device.read(DOEPCTL.at(n)))]
        assert there == [
            n <= ins and wanted[n - 1] != 2,
            n <= outs and wanted[n - 1] != 1,
        ]
        if any(there):
            assert told >> 2 * n & 3 == {(1, 1): 0, (1, 0): 1, (0, 1): 2}[tuple(map(int, there))]


def test_widths_show_only_where_drivers_look() -> None:
    """GHWCFG4.PhyDataWidth: 1 = 16 bit; the width of the memory bus shows nowhere."""
    for par, width in (
        (UdcParameters(), 0),
        (UdcParameters(utmi_width=16), 1),
        (UdcParameters(data_width=64), 0),
    ):
        value = Device(parameters=par, attach=False).read(GHWCFG4.OFFSET)
        assert GHWCFG4.PhyDataWidth.get(value) == width
