# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints of the model (facts section 5, DxEPCTL and DxEPTSIZ, and section 12)."""

from __future__ import annotations

import pytest

from pymodel.core import Checker
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DIEPCTL,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPINT,
    DOEPTSIZ,
    GINTSTS,
    GRXFSIZ,
    GRXSTSP,
)
from pymodel.packets import PID
from pymodel.trace import Event, Kind, decode, encode
from tests.pymodel.model_device import BASE, CNAK, EPENA, SNAK, Device

ISO = 1
EVEN, ODD = DIEPCTL.SetD0PID.mask, DIEPCTL.SetD1PID.mask
XFERCOMPL = DIEPINT.XferCompl.mask
NAKINTRPT = DIEPINT.NAKIntrpt.mask
INCOMPISOIN, INCOMPISOOUT = GINTSTS.incompISOIN.mask, GINTSTS.incompISOOUT.mask
NOTHING = (PID.DATA0, b"")


def iso(dma: bool = False, speed: str = "high", mps: int = 64) -> Device:
    """Endpoint 1 IN and 2 OUT, both isochronous, in frame 0."""
    device = Device(dma=dma, speed=speed, trace=True)
    device.open(1, True, mps=mps, eptype=ISO, fifo=1)
    device.open(2, False, mps=mps, eptype=ISO)
    device.layer.sof(0)
    return device


def start_in(device: Device, data: bytes, parity: int, mc: int = 1, mps: int = 64) -> None:
    """Arm one (micro)frame's packets."""
    count = max(-(-len(data) // mps), 1)
    device.memory.data[: len(data)] = data
    device.write(DIEPTSIZ.at(1), mc << 29 | count << 19 | len(data))
    device.write(DIEPTSIZ.at(1) + 4, BASE)
    device.set(DIEPCTL.at(1), EPENA | CNAK | parity)
    if not device.dma and data:
        device.push(1, data)


def start_out(device: Device, size: int, count: int, parity: int) -> None:
    device.write(DOEPTSIZ.at(2), count << 19 | size)
    device.write(DOEPTSIZ.at(2) + 4, BASE + 0x100)
    device.set(DOEPCTL.at(2), EPENA | CNAK | parity)


def end_of_frame(device: Device) -> int:
    """EOPF; returns which of the two incomplete causes are set, and clears them."""
    device.layer.end_of_periodic()
    causes = device.gintsts()
    assert causes & GINTSTS.EOPF.mask
    device.write(GINTSTS.OFFSET, causes)
    return causes & (INCOMPISOIN | INCOMPISOOUT)


# -- IN ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dma", [False, True])
@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("odd", [0, 1])
def test_in_data_goes_out_in_a_frame_of_its_parity(dma: bool, speed: str, odd: int) -> None:
    device = iso(dma, speed)
    device.layer.sof(1 - odd)
    start_in(device, b"hello", ODD if odd else EVEN)
    assert DIEPCTL.DPID.get(device.read(DIEPCTL.at(1))) == odd
    assert device.in_(1, ack=False) == NOTHING
    # The FIFO was not empty: no NAKIntrpt (section 5, DIEPINT 13).
    assert not device.diepint(1) & NAKINTRPT
    device.layer.sof(2 - odd)
    assert device.in_(1, ack=False) == (PID.DATA0, b"hello")
    assert device.diepint(1) & (XFERCOMPL | NAKINTRPT) == XFERCOMPL
    assert not device.read(DIEPCTL.at(1)) & EPENA
    assert DIEPTSIZ.PktCnt.get(device.read(DIEPTSIZ.at(1))) == 0


@pytest.mark.parametrize("setting", [0, CNAK, SNAK])
def test_in_token_without_a_transfer_sends_nothing_and_tells(setting: int) -> None:
    """Section 5, DIEPINT 13: the start condition of Linux."""
    device = iso()
    device.set(DIEPCTL.at(1), setting)
    assert device.in_(1, ack=False) == NOTHING
    expected = NAKINTRPT | DIEPINT.INTknTXFEmp.mask
    assert device.diepint(1) & (expected | XFERCOMPL) == expected


def test_in_data_that_is_not_there_in_time() -> None:
    device = iso()
    device.write(DIEPTSIZ.at(1), 1 << 29 | 1 << 19 | 8)
    device.set(DIEPCTL.at(1), EPENA | CNAK | EVEN)
    device.push(1, b"1234")
    assert device.in_(1, ack=False) == NOTHING
    assert device.diepint(1) & NAKINTRPT
    device.push(1, b"5678")
    assert device.in_(1, ack=False) == (PID.DATA0, b"12345678")


def test_zero_length_transfer() -> None:
    device = iso()
    start_in(device, b"", EVEN)
    assert device.in_(1, ack=False) == NOTHING
    assert device.diepint(1) & (XFERCOMPL | NAKINTRPT) == XFERCOMPL


@pytest.mark.parametrize("dma", [False, True])
def test_parity_acts_on_an_enabled_endpoint(dma: bool) -> None:
    """Section 12: TinyUSB writes the other parity when a frame was missed."""
    device = iso(dma)
    start_in(device, b"late", ODD)
    device.set(DIEPCTL.at(1), EVEN)
    assert device.in_(1, ack=False) == (PID.DATA0, b"late")


@pytest.mark.parametrize("dma", [False, True])
def test_retry_sends_the_packet_once(dma: bool) -> None:
    """Section 12: TinyUSB's retry writes DIEPDMA, DIEPTSIZ and DIEPCTL of an enabled endpoint."""
    device = iso(dma)
    start_in(device, b"late", ODD)
    room = device.space(1)
    device.write(DIEPTSIZ.at(1), 1 << 29 | 1 << 19 | 4)
    device.write(DIEPTSIZ.at(1) + 4, BASE)
    device.set(DIEPCTL.at(1), EPENA | CNAK | EVEN)
    assert device.space(1) == room
    assert device.in_(1, ack=False) == (PID.DATA0, b"late")
    assert device.diepint(1) & XFERCOMPL
    assert device.space(1) == room + 1


@pytest.mark.parametrize("dma", [False, True])
@pytest.mark.parametrize("mc", [1, 2, 3])
def test_in_high_bandwidth(dma: bool, mc: int) -> None:
    """USB 2.0 section 5.9.2: the PID says how many packets of the microframe follow."""
    device = iso(dma)
    data = bytes(range(64 * mc - 10))
    start_in(device, data, EVEN, mc)
    pids = [PID.DATA2, PID.DATA1, PID.DATA0][3 - mc :]
    for index, pid in enumerate(pids):
        assert not device.diepint(1) & XFERCOMPL
        assert device.in_(1, ack=False) == (pid, data[64 * index : 64 * index + 64])
    assert device.diepint(1) & XFERCOMPL
    assert device.in_(1, ack=False) == NOTHING


def test_fewer_packets_than_mc() -> None:
    """The PID counts what follows, not what might have (USB 2.0 section 5.9.2)."""
    device = iso()
    start_in(device, bytes(100), EVEN, 3)
    assert device.in_(1, ack=False) == (PID.DATA1, bytes(64))
    assert device.in_(1, ack=False) == (PID.DATA0, bytes(36))


def test_packets_beyond_mc_wait_for_the_next_frame_of_that_parity() -> None:
    device = iso()
    start_in(device, bytes(64) + b"b" * 64, EVEN, 1)
    assert device.in_(1, ack=False) == (PID.DATA0, bytes(64))
    assert device.in_(1, ack=False) == NOTHING
    device.layer.sof(1)
    assert device.in_(1, ack=False) == NOTHING
    device.layer.sof(2)
    assert device.in_(1, ack=False) == (PID.DATA0, b"b" * 64)


def test_full_speed_sends_one_packet_per_frame() -> None:
    device = iso(speed="full")
    start_in(device, bytes(100), EVEN, 2)
    assert device.in_(1, ack=False) == (PID.DATA0, bytes(64))
    assert device.in_(1, ack=False) == NOTHING


# -- OUT --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dma", [False, True])
@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("odd", [0, 1])
def test_out_data_is_taken_in_a_frame_of_its_parity(dma: bool, speed: str, odd: int) -> None:
    device = iso(dma, speed)
    start_out(device, 64, 1, ODD if odd else EVEN)
    device.layer.sof(1 - odd)
    assert device.out(2, PID.DATA0, b"lost") is None
    assert not device.doepint(2) & XFERCOMPL
    device.layer.sof(2 - odd)
    assert device.out(2, PID.DATA0, b"hello") is None
    if dma:
        assert bytes(device.memory.data[0x100:0x105]) == b"hello"
    else:
        assert device.pop() == (2, 2, b"hello")
        assert device.pop() == (3, 2, b"")
    assert device.doepint(2) & XFERCOMPL
    value = device.read(DOEPCTL.at(2))
    assert not value & EPENA
    assert value & DOEPCTL.NAKSts.mask
    assert DOEPCTL.DPID.get(value) == odd
    assert device.out(2, PID.DATA0, b"again") is None
    assert not device.gintsts() & GINTSTS.RxFLvl.mask


@pytest.mark.parametrize(
    ("pids", "codes"),
    [
        ([PID.DATA0], [0]),
        ([PID.MDATA, PID.DATA1], [3, 2]),
        ([PID.MDATA, PID.MDATA, PID.DATA2], [3, 3, 1]),
    ],
)
def test_out_high_bandwidth(pids: list[PID], codes: list[int]) -> None:
    """USB 2.0 section 5.9.2; the codes of GRXSTSP.DPID and DOEPTSIZ.RxDPID (section 3, 5)."""
    device = iso()
    start_out(device, 64 * len(pids), len(pids), EVEN)
    for pid, code in zip(pids, codes, strict=True):
        assert device.out(2, pid, bytes(64)) is None
        assert DOEPTSIZ.RxDPID.get(device.read(DOEPTSIZ.at(2))) == code
        status = device.read(GRXSTSP.OFFSET)
        assert (GRXSTSP.PktSts.get(status), GRXSTSP.DPID.get(status)) == (2, code)
        assert device.pull(64) == bytes(64)
    assert device.pop()[0] == 3
    assert device.doepint(2) & XFERCOMPL


def test_out_token_while_disabled() -> None:
    """Section 5, DOEPINT 4: the start condition of Linux."""
    device = iso()
    assert device.out(2, PID.DATA0, b"x") is None
    assert device.doepint(2) & DOEPINT.OUTTknEPdis.mask


@pytest.mark.parametrize("bad", [bytes(65), None])
def test_bad_packets_are_dropped(bad: bytes | None) -> None:
    device = iso()
    start_out(device, 128, 2, EVEN)
    device.token(PID.OUT, 2)
    if bad is None:
        assert device.layer.receive(b"\xc3abc", now=device.tick()) is None
    else:
        assert device.out(2, PID.DATA0, bad) is None
    assert DOEPTSIZ.PktCnt.get(device.read(DOEPTSIZ.at(2))) == 2
    assert not device.gintsts() & (GINTSTS.RxFLvl.mask | GINTSTS.ISOOutDrop.mask)


def test_full_rx_fifo_drops_and_tells() -> None:
    """Section 3, GINTSTS 14; the room that SETUPs keep stays free."""
    device = iso()
    device.write(GRXFSIZ.OFFSET, 18 + 13 + 16)
    start_out(device, 256, 4, EVEN)
    assert device.out(2, PID.DATA0, bytes(64)) is None
    assert not device.gintsts() & GINTSTS.ISOOutDrop.mask
    assert device.out(2, PID.DATA0, bytes(64)) is None
    assert device.gintsts() & GINTSTS.ISOOutDrop.mask
    assert device.pop()[2] == bytes(64)
    assert not device.gintsts() & GINTSTS.RxFLvl.mask


# -- what was missed --------------------------------------------------------------------------


def test_incomplete_transfers_are_found_at_the_end_of_their_frame() -> None:
    device = iso()
    assert end_of_frame(device) == 0
    start_in(device, b"abc", EVEN)
    start_out(device, 64, 1, ODD)
    assert end_of_frame(device) == INCOMPISOIN
    device.layer.sof(1)
    assert end_of_frame(device) == INCOMPISOOUT
    device.layer.sof(2)
    assert device.in_(1, ack=False) == (PID.DATA0, b"abc")
    assert end_of_frame(device) == 0
    device.layer.sof(3)
    device.out(2, PID.DATA0, b"x")
    assert end_of_frame(device) == 0


def test_incomplete_microframe_of_a_high_bandwidth_endpoint() -> None:
    device = iso()
    start_in(device, bytes(128), EVEN, 2)
    start_out(device, 192, 3, EVEN)
    device.in_(1, ack=False)
    device.out(2, PID.MDATA, bytes(64))
    assert end_of_frame(device) == INCOMPISOIN | INCOMPISOOUT
    device.layer.sof(2)
    device.in_(1, ack=False)
    device.out(2, PID.DATA0, bytes(64))
    assert end_of_frame(device) == 0


# -- lockstep ---------------------------------------------------------------------------------


def run(dma: bool) -> list[tuple[int, int]]:
    device = iso(dma)
    for frame in range(1, 40):
        device.layer.sof(frame)
        if not device.read(DIEPCTL.at(1)) & EPENA:
            start_in(device, bytes([frame]) * 100, ODD if frame % 3 else EVEN, 2)
        if not device.read(DOEPCTL.at(2)) & EPENA:
            start_out(device, 128, 2, EVEN)
        if frame % 4:
            device.in_(1, ack=False)
        device.in_(1, ack=False)
        device.out(2, PID.MDATA if frame % 5 else PID.DATA0, bytes([frame]) * (64 - frame % 2))
        while not dma and device.gintsts() & GINTSTS.RxFLvl.mask:
            device.pop()
        device.now += 50_000_000
        end_of_frame(device)
        for offset in (DIEPINT.at(1), DOEPINT.at(2)):
            device.write(offset, device.read(offset))
    assert device.model.trace is not None
    return device.model.trace


def follow(events: list[tuple[int, int]]) -> Checker:
    checker = Checker(Device(attach=False).model.par)
    checker.feed(events)
    checker.finish(events[-1][0] + 10**9)
    return checker


@pytest.mark.parametrize("dma", [False, True])
def test_a_model_follows_itself(dma: bool) -> None:
    checker = follow(run(dma))
    assert checker.mismatches == []
    assert not checker.waivers


def changed(events: list[tuple[int, int]], rule: str) -> list[tuple[int, int]]:
    """Change the last event of a kind so that it can no longer be right."""
    for place in range(len(events) - 1, -1, -1):
        time, word = events[place]
        kind, arg, data = decode(word)
        if rule == "iso to bulk" and kind == Kind.TOKEN and arg >> 13 == 2:
            new = [Event(kind, arg & 0x1FFF | 6 << 13, data)]
        elif rule == "nak to iso" and kind == Kind.TOKEN and arg >> 13 == 6:
            new = [Event(kind, arg & 0x1FFF | 2 << 13, data)]
        elif rule == "pid" and kind == Kind.TOKEN and arg >> 13 == 6 and data:
            new = [Event(kind, arg ^ 8, data)]
        elif rule == "incomplete" and kind == Kind.INT_SET and data & f.INT_INCOMPISOOUT:
            new = [Event(kind, arg, data & ~f.INT_INCOMPISOOUT)]
        elif rule == "complete" and kind == Kind.INT_SET and data == f.INT_EOPF and not arg:
            new = [Event(kind, arg, data | f.INT_INCOMPISOIN)]
        else:
            continue
        return [*events[:place], *((time, encode(one)) for one in new), *events[place + 1 :]]
    raise AssertionError(rule)


@pytest.mark.parametrize("rule", ["nak to iso", "pid", "incomplete", "complete"])
def test_a_wrong_choice_is_noticed(rule: str) -> None:
    events = [(time * 40, word) for time, word in run(True)]
    assert follow(events).mismatches == []
    assert follow(changed(events, rule)).mismatches, rule


def test_a_missing_nakintrpt_is_noticed() -> None:
    cause = Kind.INT_SET << 56 | 0x101 << 32 | f.EPI_NAK | f.IEP_INTKNTXFEMP
    events = [(time * 40, word) for time, word in run(True) if word != cause]
    assert follow(events).mismatches


def test_iso_answer_of_a_bulk_endpoint_is_noticed() -> None:
    device = Device(trace=True)
    device.open(1, True, fifo=1)
    device.now += 10_000_000
    assert device.in_(1) == "NAK"
    assert device.model.trace is not None
    assert follow(changed(device.model.trace, "iso to bulk")).mismatches
