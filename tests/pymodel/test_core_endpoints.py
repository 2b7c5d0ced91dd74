# SPDX-License-Identifier: Apache-2.0
"""Bulk and interrupt endpoints of the model: toggles, NAK, STALL, PING, FIFOs, disabling."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.gen.udc_regs import (
    DCTL,
    DIEPCTL,
    DIEPDMA,
    DIEPEMPMSK,
    DIEPINT,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPINT,
    DOEPTSIZ,
    GINTSTS,
    GRSTCTL,
    GRXFSIZ,
)
from pymodel.packets import PID, build_data, build_handshake, build_token
from pymodel.trace import Kind, Line, decode
from tests.pymodel.model_device import BASE, CNAK, EPDIS, EPENA, SNAK, Device

XFERCOMPL = DIEPINT.XferCompl.mask
STALL = DIEPCTL.Stall.mask


def bulk(dma: bool = False, speed: str = "high") -> Device:
    device = Device(dma=dma, speed=speed)
    device.open(1, True, fifo=1)
    device.open(2, False)
    return device


# -- OUT --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dma", [False, True])
def test_out_transfer_ends_with_a_short_packet(dma: bool) -> None:
    device = bulk(dma)
    device.start_out(2, 2048, 4)
    assert device.out(2, PID.DATA0, bytes(512)) == "ACK"
    assert device.out(2, PID.DATA1, b"abc") == "ACK"
    if not dma:
        assert [device.pop()[0] for _ in range(3)] == [2, 2, 3]
    assert device.doepint(2) & XFERCOMPL
    tsiz = device.read(DOEPTSIZ.at(2))
    assert (DOEPTSIZ.XferSize.get(tsiz), DOEPTSIZ.PktCnt.get(tsiz)) == (2048 - 515, 2)
    assert not device.read(DOEPCTL.at(2)) & EPENA
    assert device.read(DOEPCTL.at(2)) & DIEPCTL.NAKSts.mask
    assert device.out(2, PID.DATA0, b"x") == "NAK"
    if dma:
        assert bytes(device.memory.data[512:515]) == b"abc"


def test_out_transfer_ends_with_the_packet_count() -> None:
    device = bulk()
    device.start_out(2, 1024, 2)
    assert device.out(2, PID.DATA0, bytes(512)) == "ACK"
    assert device.out(2, PID.DATA1, bytes(512)) == "NYET"
    assert device.out(2, PID.DATA0, bytes(512)) == "NAK"


def test_packet_longer_than_the_rest_comes_whole() -> None:
    """Section 5: XferSize 31 with MPS 64 (CherryUSB); XferSize stops at 0."""
    device = Device(speed="full")
    device.open(2, False, mps=64)
    device.start_out(2, 31, 1)
    assert device.out(2, PID.DATA0, bytes(range(64))) == "ACK"
    assert device.pop() == (2, 2, bytes(range(64)))
    assert DOEPTSIZ.XferSize.get(device.read(DOEPTSIZ.at(2))) == 0


def test_zero_length_out() -> None:
    device = bulk()
    device.start_out(2, 0, 1)
    assert device.out(2, PID.DATA0, b"") == "NYET"
    assert device.pop() == (2, 2, b"")
    assert device.pop() == (3, 2, b"")


def test_wrong_toggle_is_acknowledged_and_dropped() -> None:
    """USB 2.0 section 8.6.4: the host did not see the ACK."""
    device = bulk()
    device.start_out(2, 2048, 4)
    assert device.out(2, PID.DATA0, b"a" * 512) == "ACK"
    assert device.out(2, PID.DATA0, b"a" * 512) == "ACK"
    assert device.out(2, PID.DATA1, b"b" * 512) == "ACK"
    assert [device.pop()[2][:1] for _ in range(2)] == [b"a", b"b"]
    assert not device.gintsts() & GINTSTS.RxFLvl.mask


@pytest.mark.parametrize("state", ["ready", "nak", "stall"])
def test_bad_packets_get_no_answer(state: str) -> None:
    """USB 2.0 section 8.4.6: not even NAK or STALL."""
    device = bulk()
    if state != "nak":
        device.start_out(2, 2048, 4)
    if state == "stall":
        device.set(DOEPCTL.at(2), STALL)
    good = build_data(PID.DATA0, b"abc")
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), bytes([good[0] ^ 0x80]) + good[1:], good[:2]):
        device.token(PID.OUT, 2)
        assert device.layer.receive(bad) is None
    device.token(PID.OUT, 2)
    assert device.layer.receive(good, rx_error=True) is None
    answer = device.out(2, PID.DATA0, b"abc")
    assert answer == {"ready": "ACK", "nak": "NAK", "stall": "STALL"}[state]
    if state == "ready":
        assert device.pop() == (2, 2, b"abc")


@pytest.mark.parametrize("dma", [False, True])
def test_packet_longer_than_mps_gets_no_handshake(dma: bool) -> None:
    """USB 2.0 section 8.7.4: babble is never acknowledged and never delivered."""
    device = Device(dma=dma, trace=True, speed="full")
    device.open(2, False, mps=8)
    device.start_out(2, 64, 8)
    assert device.out(2, PID.DATA0, bytes(9)) is None
    assert device.out(2, PID.DATA1, bytes(9)) is None
    assert device.out(2, PID.DATA0, bytes(range(8))) == "ACK"
    assert device.model.trace is not None
    drops = [decode(word) for _, word in device.model.trace if word >> 56 == Kind.RX_DROP]
    assert [event.data for event in drops] == [1, 1]
    assert DOEPTSIZ.PktCnt.get(device.read(DOEPTSIZ.at(2))) == 7
    if dma:
        assert bytes(device.memory.data[:9]) == bytes(range(8)) + b"\0"
    else:
        assert device.pop() == (2, 2, bytes(range(8)))


def test_long_packet_to_an_endpoint_that_naks() -> None:
    """Nobody looks at its length: nothing of it is stored."""
    device = Device(speed="full")
    device.open(2, False, mps=8)
    assert device.out(2, PID.DATA0, bytes(9)) == "NAK"


def test_bad_tokens_are_ignored() -> None:
    device = bulk()
    device.start_out(2, 512, 1)
    token = build_token(PID.OUT, 0, 2)
    for bad in (
        token[:2] + bytes([token[2] ^ 0x80]),
        token[:2],
        token + b"\0",
        build_token(PID.OUT, 1, 2),
        bytes([token[0] ^ 0x10]) + token[1:],
    ):
        assert device.layer.receive(bad) is None
        assert device.layer.receive(build_data(PID.DATA0, b"abc")) is None
    assert not device.gintsts() & GINTSTS.RxFLvl.mask


def test_token_instead_of_data_ends_the_transaction() -> None:
    device = bulk()
    device.start_out(2, 512, 1)
    device.token(PID.OUT, 2)
    assert device.in_(1) == "NAK"
    assert device.layer.receive(build_data(PID.DATA0, b"abc")) is None


def test_out_token_while_disabled() -> None:
    """Section 5, DOEPINT 4."""
    device = bulk()
    assert device.out(2, PID.DATA0, b"") == "NAK"
    assert device.doepint(2) & DOEPINT.OUTTknEPdis.mask


def test_inactive_endpoint_is_silent() -> None:
    """Section 5, USBActEP: no handshake at all."""
    device = Device()
    assert device.out(2, PID.DATA0, b"") is None
    assert device.in_(1) is None
    assert device.in_(15) is None
    assert device.out(15, PID.DATA0, b"") is None


def test_nak_when_the_rx_fifo_is_full() -> None:
    device = bulk()
    device.start_out(2, 1 << 16, 128)
    answers = []
    pid = PID.DATA0
    for _ in range(10):
        answer = device.out(2, pid, bytes(512))
        answers.append(answer)
        if answer in ("ACK", "NYET"):
            pid = PID.DATA1 if pid == PID.DATA0 else PID.DATA0
    assert answers[0] == "ACK"
    assert "NYET" in answers
    assert answers[-1] == "NAK"
    assert device.ping(2) == "NAK"
    device.pop()
    assert device.ping(2) == "ACK"
    assert device.out(2, pid, bytes(512)) in ("ACK", "NYET")


def test_ping_is_high_speed_only() -> None:
    device = bulk(speed="full")
    device.start_out(2, 512, 1)
    assert device.ping(2) is None
    assert device.out(2, PID.DATA0, b"a") == "ACK"


def test_ping_shows_what_an_out_would_get() -> None:
    device = bulk()
    assert device.ping(2) == "NAK"
    device.set(DOEPCTL.at(2), STALL)
    assert device.ping(2) == "STALL"
    device.write(DOEPCTL.at(2), device.read(DOEPCTL.at(2)) & ~STALL)
    device.start_out(2, 512, 1)
    assert device.ping(2) == "ACK"


def test_stall_has_priority_over_nak_and_software_clears_it() -> None:
    device = bulk()
    for offset, act in (
        (DIEPCTL.at(1), lambda: device.in_(1)),
        (DOEPCTL.at(2), lambda: device.out(2, PID.DATA0, b"x")),
    ):
        device.set(offset, STALL | SNAK)
        assert act() == "STALL"
        device.write(offset, device.read(offset) & ~STALL)
        assert act() == "NAK"


def test_setting_the_data_pid() -> None:
    device = bulk()
    device.set(DOEPCTL.at(2), DOEPCTL.SetD1PID.mask)
    assert device.read(DOEPCTL.at(2)) & DOEPCTL.DPID.mask
    device.start_out(2, 1024, 2)
    assert device.out(2, PID.DATA1, bytes(512)) == "ACK"
    assert not device.read(DOEPCTL.at(2)) & DOEPCTL.DPID.mask
    device.set(DIEPCTL.at(1), DIEPCTL.SetD1PID.mask)
    device.start_in(1, 0, 1)
    assert device.in_(1) == (PID.DATA1, b"")


def test_rewriting_epena_does_not_restart() -> None:
    """Section 5: every driver writes back what it read."""
    device = bulk()
    device.start_out(2, 2048, 4)
    device.out(2, PID.DATA0, bytes(512))
    device.set(DOEPCTL.at(2), SNAK)
    assert device.out(2, PID.DATA1, bytes(512)) == "NAK"
    device.set(DOEPCTL.at(2), CNAK)
    device.write(DOEPCTL.at(2), device.read(DOEPCTL.at(2)) & ~EPENA)
    assert device.read(DOEPCTL.at(2)) & EPENA
    tsiz = device.read(DOEPTSIZ.at(2))
    assert DOEPTSIZ.PktCnt.get(tsiz) == 3


# -- IN ---------------------------------------------------------------------------------------


def test_in_needs_the_whole_packet() -> None:
    """Section 8: NAK and INTknTXFEmp until all bytes are there."""
    device = bulk()
    device.start_in(1, 512, 1)
    device.push(1, bytes(508))
    assert device.in_(1) == "NAK"
    assert device.diepint(1) & DIEPINT.INTknTXFEmp.mask
    assert DIEPTSIZ.XferSize.get(device.read(DIEPTSIZ.at(1))) == 512
    device.push(1, b"last")
    assert DIEPTSIZ.XferSize.get(device.read(DIEPTSIZ.at(1))) == 0
    assert device.in_(1) == (PID.DATA0, bytes(508) + b"last")


def test_words_pushed_before_epena_are_kept() -> None:
    """Section 8: pushes are accepted irrespective of EPEna."""
    device = bulk()
    device.push(1, b"hello...")
    assert device.in_(1) == "NAK"
    device.start_in(1, 5, 1)
    assert device.in_(1) == (PID.DATA0, b"hello")


def test_lost_acknowledge_sends_the_same_packet_again() -> None:
    device = bulk(True)
    device.memory.data[:600] = bytes(i & 0xFF for i in range(600))
    device.start_in(1, 600, 2)
    first = device.in_(1, ack=False)
    assert device.in_(1) == first
    assert device.in_(1) == (PID.DATA1, bytes(i & 0xFF for i in range(512, 600)))


@pytest.mark.parametrize("answer", [PID.NAK, PID.STALL, PID.NYET])
def test_anything_but_ack_is_no_acknowledge(answer: PID) -> None:
    device = bulk(True)
    device.start_in(1, 4, 1)
    device.token(PID.IN, 1)
    device.layer.receive(build_handshake(answer))
    assert not device.diepint(1) & XFERCOMPL
    assert device.in_(1) == (PID.DATA0, bytes(4))


def test_token_instead_of_acknowledge() -> None:
    device = bulk(True)
    device.start_in(1, 4, 1)
    device.token(PID.IN, 1)
    assert device.in_(1) == (PID.DATA0, bytes(4))
    assert device.diepint(1) & XFERCOMPL


@pytest.mark.parametrize("dma", [False, True])
def test_zero_length_packet_ends_a_transfer(dma: bool) -> None:
    device = bulk(dma)
    device.start_in(1, 512, 2)
    if not dma:
        device.push(1, bytes(512))
    assert device.in_(1) == (PID.DATA0, bytes(512))
    assert device.in_(1) == (PID.DATA1, b"")
    assert device.diepint(1) & XFERCOMPL


def test_dma_fetches_as_space_allows() -> None:
    """Section 10: XferSize falls as it fetches, DIEPDMA advances."""
    device = bulk(True)
    device.write(DIEPTXF.at(1), 256 << 16 | 2000)
    device.start_in(1, 2048, 4)
    assert DIEPTSIZ.XferSize.get(device.read(DIEPTSIZ.at(1))) == 1024
    assert DIEPTSIZ.PktCnt.get(device.read(DIEPTSIZ.at(1))) == 4
    assert device.read(DIEPDMA.at(1)) == BASE + 1024
    assert device.space(1) == 0
    device.in_(1)
    assert DIEPTSIZ.XferSize.get(device.read(DIEPTSIZ.at(1))) == 512


def test_full_tx_fifo_loses_words() -> None:
    device = bulk()
    device.write(DIEPTXF.at(1), 16 << 16 | 2000)
    device.push(1, bytes(100))
    assert device.space(1) == 0


def test_fifo_number_of_the_endpoint_counts() -> None:
    """TxFNum need not be the endpoint's number (section 5)."""
    device = Device()
    device.open(1, True, fifo=3)
    device.start_in(1, 4, 1)
    device.push(3, b"abcd")
    assert device.space(3) == 255
    assert device.in_(1) == (PID.DATA0, b"abcd")
    assert device.space(3) == 256


def test_global_in_nak() -> None:
    device = bulk(True)
    device.start_in(1, 4, 1)
    device.set(DCTL.OFFSET, DCTL.SGNPInNak.mask)
    assert device.gintsts() & GINTSTS.GINNakEff.mask
    assert device.read(DCTL.OFFSET) & (DCTL.SGNPInNak.mask | DCTL.GNPINNakSts.mask) == 4
    assert device.in_(1) == "NAK"
    device.set(DCTL.OFFSET, DCTL.CGNPInNak.mask)
    assert not device.gintsts() & GINTSTS.GINNakEff.mask
    assert device.in_(1) == (PID.DATA0, bytes(4))


def test_global_out_nak_in_slave_mode_needs_the_pop() -> None:
    """Section 7 and 13: word 1 marks the place; GOUTNakEff comes with its pop."""
    device = bulk()
    device.start_out(2, 1024, 2)
    device.out(2, PID.DATA0, b"a" * 512)
    device.set(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    assert device.out(2, PID.DATA1, bytes(512)) == "NAK"
    assert not device.gintsts() & GINTSTS.GOUTNakEff.mask
    assert device.pop()[0] == 2
    assert device.pop() == (1, 0, b"")
    assert device.gintsts() & GINTSTS.GOUTNakEff.mask
    device.set(DCTL.OFFSET, DCTL.CGOUTNak.mask)
    assert not device.gintsts() & GINTSTS.GOUTNakEff.mask
    assert device.out(2, PID.DATA1, bytes(512)) == "NYET"


def test_global_out_nak_with_dma_takes_effect_by_itself() -> None:
    device = bulk(True)
    device.set(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    assert device.gintsts() & GINTSTS.GOUTNakEff.mask
    assert device.read(DCTL.OFFSET) & DCTL.GOUTNakSts.mask


# -- disabling --------------------------------------------------------------------------------


def test_nak_disable_flush_sequence() -> None:
    """Section 8: SNAK, INEPNakEff, EPDis, EPDisbld, TxFFlsh; the size stays readable."""
    device = bulk(True)
    device.start_in(1, 1000, 2)
    device.set(DIEPCTL.at(1), SNAK)
    assert device.diepint(1) & DIEPINT.INEPNakEff.mask
    device.set(DIEPCTL.at(1), EPDIS)
    assert device.diepint(1) & DIEPINT.EPDisbld.mask
    assert not device.read(DIEPCTL.at(1)) & (EPENA | EPDIS)
    assert DIEPTSIZ.PktCnt.get(device.read(DIEPTSIZ.at(1))) == 2
    assert device.space(1) == 256 - 250
    device.write(GRSTCTL.OFFSET, 1 << 6 | GRSTCTL.TxFFlsh.mask)
    assert device.read(GRSTCTL.OFFSET) & GRSTCTL.TxFFlsh.mask == 0
    assert device.space(1) == 256
    device.start_in(1, 3, 1)
    assert device.in_(1) == (PID.DATA0, bytes(3))


def test_inepnakeff_comes_without_epena_and_goes_with_cnak() -> None:
    """Section 14 item 7."""
    device = bulk()
    device.set(DIEPCTL.at(1), SNAK)
    assert device.diepint(1) & DIEPINT.INEPNakEff.mask
    device.set(DIEPCTL.at(1), CNAK)
    assert not device.diepint(1) & DIEPINT.INEPNakEff.mask


@pytest.mark.parametrize("is_in", [False, True])
def test_epdis_on_an_idle_endpoint(is_in: bool) -> None:
    """Section 14 item 8: ignored alone, EPDisbld together with EPEna."""
    device = bulk()
    ctl, interrupt = (DIEPCTL.at(1), DIEPINT.at(1)) if is_in else (DOEPCTL.at(2), DOEPINT.at(2))
    device.set(ctl, EPDIS | SNAK)
    assert not device.read(interrupt) & DIEPINT.EPDisbld.mask
    device.set(ctl, EPDIS | EPENA)
    assert device.read(interrupt) & DIEPINT.EPDisbld.mask
    assert not device.read(ctl) & (EPENA | EPDIS)


def test_ep0_out_cannot_be_disabled() -> None:
    """Section 14 item 9."""
    device = Device()
    device.set(DOEPCTL.at(0), EPENA)
    device.set(DOEPCTL.at(0), EPDIS)
    assert device.read(DOEPCTL.at(0)) & EPENA
    assert device.doepint(0) == 0


def test_flush_all_and_rx() -> None:
    device = bulk()
    device.push(0, bytes(8))
    device.push(3, bytes(8))
    device.setup(bytes(8))
    device.write(GRSTCTL.OFFSET, 0x10 << 6 | GRSTCTL.TxFFlsh.mask | GRSTCTL.RxFFlsh.mask)
    assert (device.space(0), device.space(3)) == (256, 256)
    assert not device.gintsts() & GINTSTS.RxFLvl.mask
    assert GRSTCTL.TxFNum.get(device.read(GRSTCTL.OFFSET)) == 0x10


def test_unread_words_are_dropped_by_the_next_pop() -> None:
    device = bulk()
    device.start_out(2, 1024, 2)
    device.out(2, PID.DATA0, b"a" * 512)
    device.out(2, PID.DATA1, b"b" * 10)
    status = device.read(0x20)
    assert status >> 4 & 0x7FF == 512
    device.pull(4)
    assert device.pop() == (2, 2, b"b" * 10)


# -- reset, suspend, SOF (section 13) ---------------------------------------------------------


def test_bus_reset_on_endpoints() -> None:
    device = bulk()
    device.set(DIEPCTL.at(1), STALL)
    device.line(Line.RESET_START)
    assert device.gintsts() & GINTSTS.USBRst.mask
    assert not device.gintsts() & GINTSTS.EnumDone.mask
    value = device.read(DIEPCTL.at(1))
    assert not value & (DIEPCTL.USBActEP.mask | STALL)
    assert value & DIEPCTL.NAKSts.mask
    assert device.read(DIEPCTL.at(0)) & DIEPCTL.USBActEP.mask
    device.line(Line.RESET_END | 1 << 4)
    assert device.gintsts() & GINTSTS.EnumDone.mask
    assert device.read(0x808) >> 1 & 3 == 1


def test_suspend_and_resume() -> None:
    device = Device()
    device.line(Line.EARLY_SUSPEND)
    assert device.gintsts() & GINTSTS.ErlySusp.mask
    device.line(Line.SUSPEND)
    assert device.gintsts() & GINTSTS.USBSusp.mask
    assert device.read(0x808) & 1
    device.line(Line.RESUME)
    assert device.gintsts() & GINTSTS.WkUpInt.mask
    assert not device.read(0x808) & 1


def test_vbus_events() -> None:
    device = Device()
    device.line(Line.VBUS_OFF)
    assert device.gintsts() & GINTSTS.OTGInt.mask
    device.write(0x004, 0xFFFFFFFF)
    assert not device.gintsts() & GINTSTS.OTGInt.mask
    device.line(Line.VBUS_ON)
    assert device.gintsts() & GINTSTS.SessReqInt.mask


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 700), st.booleans()), max_size=20),
    st.booleans(),
    st.sampled_from([8, 64, 512]),
)
def test_random_transfers_arrive_whole(
    transfers: list[tuple[bool, int, bool]], dma: bool, mps: int
) -> None:
    """Whatever is sent arrives once and in order, with lost handshakes, in both modes."""
    device = Device(dma=dma)
    device.open(1, True, mps=mps, fifo=1)
    device.open(2, False, mps=mps)
    toggle_out = toggle_in = PID.DATA0
    flip = {PID.DATA0: PID.DATA1, PID.DATA1: PID.DATA0}
    for number, (is_in, size, lose) in enumerate(transfers):
        payload = bytes((number + i) & 0xFF for i in range(size))
        count = size // mps + 1
        pieces = [payload[i * mps : (i + 1) * mps] for i in range(count)]
        if is_in:
            device.memory.data[:size] = payload
            device.start_in(1, size, count)
            got = b""
            left = [piece for piece in pieces if piece]
            for piece in pieces:
                while not dma and left and device.space(1) * 4 >= len(left[0]):
                    device.push(1, left.pop(0))
                if lose:
                    assert device.in_(1, ack=False) == (toggle_in, piece)
                answer = device.in_(1)
                assert isinstance(answer, tuple), answer
                assert answer[0] == toggle_in
                toggle_in = flip[toggle_in]
                got += answer[1]
            assert got == payload
            assert device.diepint(1) & XFERCOMPL
            device.write(DIEPINT.at(1), 0xFFFF)
        else:
            device.start_out(2, count * mps, count, BASE + 0x1000)
            got = b""
            for piece in pieces:
                for _ in range(1 + lose):
                    assert device.out(2, toggle_out, piece) in ("ACK", "NYET", "NAK")
                toggle_out = flip[toggle_out]
                if not dma:
                    kind, n, data = device.pop()
                    assert (kind, n) == (2, 2)
                    got += data
            if not dma:
                assert device.pop() == (3, 2, b"")
            else:
                got = bytes(device.memory.data[0x1000 : 0x1000 + size])
            assert got == payload
            assert device.doepint(2) & XFERCOMPL
            device.write(DOEPINT.at(2), 0xFFFF)
    assert device.space(1) == 256
    assert device.model.rx.used == 0


def test_interrupt_endpoint_answers_ack_never_nyet() -> None:
    device = Device()
    device.open(2, False, mps=64, eptype=3)
    device.start_out(2, 64, 1)
    assert device.out(2, PID.DATA0, bytes(64)) == "ACK"


def test_tx_space_wakes_the_slave_driver() -> None:
    """CherryUSB refills from TxFEmp alone (section 8)."""
    device = bulk()
    device.write(DIEPEMPMSK.OFFSET, 2)
    device.start_in(1, 1536, 3)
    device.push(1, bytes(1024))
    assert device.read(0x818) == 0
    device.in_(1)
    assert device.read(0x818) == 2


def test_small_rx_fifo_still_makes_progress() -> None:
    device = Device(speed="full")
    device.write(GRXFSIZ.OFFSET, 38)  # libopencm3
    device.open(2, False, mps=64)
    device.start_out(2, 128, 2)
    assert device.out(2, PID.DATA0, bytes(64)) == "ACK"
    assert device.out(2, PID.DATA1, bytes(64)) == "NAK"
    device.pop()
    assert device.out(2, PID.DATA1, bytes(64)) == "ACK"
