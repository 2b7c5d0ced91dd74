# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands of the extension bank (DESIGN section 5)."""

from __future__ import annotations

import pytest

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DAINT,
    DIEPCTL,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DOEPCTL,
    EPCMD,
    EPCMDPAR0,
    EPCMDPAR1,
    EPXINT,
    EPXMSK,
    GRSTCTL,
    XCAP,
    XCFG,
    XINTMSK,
    XSTS,
)
from pymodel.packets import PID, build_data, build_handshake
from pymodel.trace import Event, Kind, decode, encode
from tests.pymodel.model_device import BASE, Device

PAR = UdcParameters(commands=1)
START, END, UPDATE, SET_STALL, CLEAR_STALL = range(1, 6)
ACT, IOC = EPCMD.CMDACT.mask, EPCMD.IOC.mask
US = 1_000_000


def device_with(latency: int = 100, dma: bool = False, trace: bool = False) -> Device:
    """Bulk endpoints 1 and 2 in both directions, commands enabled."""
    device = Device(parameters=PAR, dma=dma, trace=trace)
    for n in (1, 2):
        device.open(n, True, fifo=n, mps=64)
        device.open(n, False, mps=64)
    device.write(XCFG.OFFSET, XCFG.CmdEn.mask | latency << 16)
    return device


def order(device: Device, index: int, command: int, par0: int = 0, par1: int = 0) -> None:
    device.write(EPCMDPAR0.at(index), par0)
    device.write(EPCMDPAR1.at(index), par1)
    device.write(EPCMD.at(index), command | ACT | IOC)


def wait(device: Device, us: int) -> None:
    device.now += us * US
    device.policy.advance(device.now)


def result(device: Device, index: int) -> tuple[bool, int]:
    """CMDACT, CmdStatus."""
    value = device.read(EPCMD.at(index))
    return bool(value & ACT), EPCMD.CmdStatus.get(value)


def test_capabilities_and_reset_values() -> None:
    device = Device(parameters=UdcParameters(commands=1, cmd_latency=77), attach=False)
    capable = device.read(XCAP.OFFSET)
    assert (XCAP.Commands.get(capable), XCAP.CmdLatency.get(capable)) == (1, 2000)
    assert device.read(XCFG.OFFSET) == 77 << 16
    device.write(XCFG.OFFSET, 0xFFFFFFFF)
    assert device.read(XCFG.OFFSET) == XCFG.RW
    assert device.read(XSTS.OFFSET) == 0
    device.write(XINTMSK.OFFSET, 0xFFFFFFFF)
    assert device.read(XINTMSK.OFFSET) == XINTMSK.RW
    device.write(EPCMD.at(3), 0xFFFFFFFF & ~ACT)
    assert device.read(EPCMD.at(3)) == EPCMD.RW
    device.write(GRSTCTL.OFFSET, 1)
    assert device.read(XCFG.OFFSET) == 77 << 16
    assert device.read(EPCMD.at(3)) == 0


def test_without_the_feature_nothing_is_there() -> None:
    device = Device(attach=False)
    for offset in (XCAP.OFFSET, XCFG.OFFSET, EPCMD.at(0), EPXMSK.at(31)):
        device.write(offset, 0xFFFFFFFF)
        assert device.read(offset) == 0


def test_a_command_takes_effect_when_its_latency_is_over() -> None:
    device = device_with(latency=100, dma=True)
    device.memory.data[:5] = b"hello"
    order(device, 3, START, BASE, 1 << 19 | 5)
    device.write(EPCMDPAR1.at(3), 0)
    device.write(EPCMD.at(3), 0)  # ignored while a command is under way
    wait(device, 90)
    assert result(device, 3) == (True, 0)
    assert not device.read(DIEPCTL.at(1)) & f.EPCTL_ENA
    assert not device.read(EPXINT.at(3))
    wait(device, 10)
    assert result(device, 3) == (False, 0)
    assert device.read(EPXINT.at(3)) == EPXINT.CmdCompl.mask
    assert device.in_(1) == (PID.DATA0, b"hello")
    assert device.read(EPCMD.at(3)) == START | IOC


def test_start_in_slave_mode_and_for_out() -> None:
    device = device_with(latency=0)
    order(device, 5, START, 0x1234, 1 << 19 | 3)
    device.push(2, b"abc")
    assert device.in_(2) == (PID.DATA0, b"abc")
    order(device, 2, START, 0, 1 << 19 | 64)
    assert device.out(1, PID.DATA0, b"xy") == "NYET"


def test_end_is_complete_when_the_endpoint_rests() -> None:
    device = device_with(latency=10)
    device.start_in(1, 64, 1)
    order(device, 3, END)
    wait(device, 10)
    assert result(device, 3) == (False, 0)
    control = device.read(DIEPCTL.at(1))
    assert control & f.EPCTL_NAKSTS
    assert not control & f.EPCTL_ENA
    assert device.diepint(1) & DIEPINT.EPDisbld.mask
    device.write(DIEPINT.at(1), 0xFFFF)
    order(device, 3, END)  # at rest already
    wait(device, 10)
    assert result(device, 3) == (False, 0)
    assert not device.diepint(1) & DIEPINT.EPDisbld.mask


@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize("is_in", [True, False])
def test_end_waits_for_the_packet_on_the_wire(is_in: bool, acknowledged: bool) -> None:
    """Other commands do not wait; what the host acknowledges or sends still counts."""
    device = device_with(latency=0)
    index = 2 + is_in
    if is_in:
        device.start_in(1, 64, 1)
        device.push(1, bytes(64))
        assert device.token(PID.IN, 1)
    else:
        device.start_out(1, 64, 1)
        assert device.token(PID.OUT, 1) is None
    order(device, index, END)
    assert result(device, index) == (True, 0)
    causes = device.diepint if is_in else device.doepint
    assert not causes(1) & DIEPINT.EPDisbld.mask
    if not acknowledged:
        device.layer.idle(device.tick())
    elif is_in:
        assert device.layer.receive(build_handshake(PID.ACK), now=device.tick()) is None
        assert causes(1) & DIEPINT.XferCompl.mask
    else:
        assert device.layer.receive(build_data(PID.DATA0, bytes(64)), now=device.tick())
    assert causes(1) & DIEPINT.EPDisbld.mask
    assert result(device, index) == (False, 0)
    device.start_in(2, 64, 1)
    device.push(2, bytes(64))
    assert device.token(PID.IN, 2)
    device.set(DIEPCTL.at(2), DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
    order(device, 5, SET_STALL)
    assert result(device, 5) == (False, 0)
    assert not device.diepint(2) & DIEPINT.EPDisbld.mask


def test_end_of_ep0_out_cannot_disable_it() -> None:
    device = device_with(latency=0)
    device.arm_setup()
    order(device, 0, END)
    assert result(device, 0) == (False, 0)
    assert device.read(DOEPCTL.at(0)) & f.EPCTL_ENA


def test_update_and_stall() -> None:
    device = device_with(latency=0)
    device.set(DOEPCTL.at(1), f.EPCTL_SNAK)
    order(device, 2, UPDATE)
    assert not device.read(DOEPCTL.at(1)) & f.EPCTL_NAKSTS
    device.start_in(1, 0, 1)
    assert device.in_(1) == (PID.DATA0, b"")
    order(device, 3, SET_STALL)
    assert device.in_(1) == "STALL"
    order(device, 3, CLEAR_STALL)
    device.start_in(1, 0, 1)
    assert device.in_(1) == (PID.DATA0, b"")  # the toggle begins anew


@pytest.mark.parametrize(
    ("index", "command", "status"),
    [
        (7, START, 1),  # endpoint 3 is not active
        (31, START, 1),  # there is none
        (31, 9, 1),
        (2, 0, 3),
        (2, 15, 3),
        (3, START, 2),  # it is enabled already
        (3, UPDATE, 0),
    ],
)
def test_what_cannot_be_done_says_why(index: int, command: int, status: int) -> None:
    device = device_with(latency=1)
    device.start_in(1, 100, 2)
    before = device.read(DIEPTSIZ.at(1))
    order(device, index, command, 1, 1)
    wait(device, 1)
    assert result(device, index) == (False, status)
    assert device.read(EPXINT.at(index)) == EPXINT.CmdCompl.mask
    assert device.read(DIEPTSIZ.at(1)) == before


def test_the_bank_is_off_at_reset() -> None:
    device = device_with()
    device.write(XCFG.OFFSET, 0)
    order(device, 3, SET_STALL)
    assert result(device, 3) == (False, 0)
    wait(device, 3000)
    assert not device.read(DIEPCTL.at(1)) & f.EPCTL_STALL


def test_no_latency_is_longer_than_two_milliseconds() -> None:
    device = device_with(latency=65535)
    order(device, 3, SET_STALL)
    wait(device, 1990)
    assert result(device, 3) == (True, 0)
    wait(device, 10)
    assert result(device, 3) == (False, 0)


def test_an_unmasked_cause_sets_the_daint_bit() -> None:
    device = device_with(latency=0)
    for index, bit in ((3, 1 << 1), (4, 1 << 18), (31, 1 << 15)):
        device.write(EPCMD.at(index), UPDATE | ACT)
        assert device.read(EPXINT.at(index)) == 0  # nobody asked for it
        device.write(EPCMD.at(index), UPDATE | ACT | IOC)
        assert device.read(DAINT.OFFSET) & bit == 0
        device.write(EPXMSK.at(index), 1)
        assert device.read(DAINT.OFFSET) & bit == bit
        device.write(DIEPMSK.OFFSET, 0)  # has nothing to do with it
        assert device.read(DAINT.OFFSET) & bit == bit
        device.write(EPXINT.at(index), 1)
        assert device.read(DAINT.OFFSET) & bit == 0


def test_a_soft_reset_aborts() -> None:
    device = device_with(latency=50)
    order(device, 3, SET_STALL)
    device.write(GRSTCTL.OFFSET, 1)
    wait(device, 100)
    assert result(device, 3) == (False, 0)
    assert device.read(EPXINT.at(3)) == 0


def test_commands_take_effect_each_at_its_time() -> None:
    device = device_with(latency=100)
    order(device, 5, SET_STALL)
    device.write(XCFG.OFFSET, XCFG.CmdEn.mask | 20 << 16)
    order(device, 3, SET_STALL)
    assert device.policy.next_event() == device.model.command_due[3]
    wait(device, 30)
    assert (result(device, 3)[0], result(device, 5)[0]) == (False, True)
    wait(device, 80)
    assert not result(device, 5)[0]
    assert device.policy.next_event() is None


# -- lockstep ---------------------------------------------------------------------------------


def story() -> list[tuple[int, int]]:
    """A trace with four commands, their causes and reads of their state."""
    device = device_with(latency=100, trace=True)
    device.start_in(1, 100, 2)
    order(device, 3, END)
    order(device, 2, START, 0, 1 << 19 | 64)
    wait(device, 40)
    result(device, 3)
    wait(device, 100)
    order(device, 31, SET_STALL)
    wait(device, 100)
    for index in (2, 3, 31):
        result(device, index)
        device.read(EPXINT.at(index))
    return list(device.model.trace or [])


def rules(events: list[tuple[int, int]], parameters: UdcParameters = PAR) -> list[str]:
    checker = Checker(parameters)
    checker.feed(events)
    checker.finish(events[-1][0] + 10**8)
    return [one.rule for one in checker.mismatches]


def change(pick: int, **new: int) -> list[tuple[int, int]]:
    """The story with its pick-th COMMAND event later by `time`, or with other `arg`, `data`."""
    events = story()
    place = [i for i, one in enumerate(events) if decode(one[1]).kind == Kind.COMMAND][pick]
    time, word = events.pop(place)
    event = decode(word)
    event = Event(event.kind, new.get("arg", event.arg), event.data ^ new.get("data", 0))
    if new:
        events.insert(place, (time + new.get("time", 0), encode(event)))
    return sorted(events, key=lambda one: one[0])


def test_lockstep_follows_commands() -> None:
    assert rules(story()) == []


def test_lockstep_notices_what_is_wrong_with_a_command() -> None:
    assert "command missing" in rules(change(2))
    assert "command missing" in rules(change(2, time=4 * US))
    assert rules(change(2, time=-1 * US))[0] == "command"
    assert rules(change(2, arg=29))[0] == "command"
    assert rules(change(2, data=1 << 12))[0] == "command"
    assert rules(story(), UdcParameters())[0] in ("register", "command")


def test_lockstep_sees_cmdact_and_status() -> None:
    """CMDACT is there until the command takes effect, and falls with it."""
    events = story()
    for place, (time, word) in enumerate(events):
        event = decode(word)
        if event.kind != Kind.REG_READ or event.arg not in (EPCMD.at(3), EPCMD.at(31)):
            continue
        for wrong in (ACT, 1 << 12):
            changed = Event(event.kind, event.arg, event.data ^ wrong)
            seen = rules([*events[:place], (time, encode(changed)), *events[place + 1 :]])
            assert seen and seen[0].startswith("register"), (event, seen)


def test_lockstep_demands_the_cause() -> None:
    events = [one for one in story() if decode(one[1]).arg != 4 << 8 | 31]
    assert rules(events)[0] in ("cause missing", "register")
