# SPDX-License-Identifier: Apache-2.0
"""The shared Tx FIFO: order, mismatches, taking back, the NextEp chain (facts section 9)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.core import fields as f
from pymodel.gen.udc_regs import (
    DAINT,
    DCFG,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DIEPTXF,
    GAHBCFG,
    GHWCFG4,
    GINTSTS,
    GNPTXSTS,
    GRSTCTL,
)
from pymodel.packets import PID
from pymodel.trace import Answer, Event, Kind, decode, encode
from tests.pymodel.model_device import BASE, Device

SHARED = UdcParameters(dedicated_fifo=0)
EMPTY, MISMATCH = DIEPINT.INTknTXFEmp.mask, DIEPINT.INTknEPMis.mask


def shared(dma: bool = False, trace: bool = False, mismatches: int | None = None) -> Device:
    """Bulk IN 1 to 3 and interrupt IN 4 with FIFO 4, packets of 64 bytes."""
    device = Device(dma=dma, parameters=SHARED, trace=trace)
    if mismatches is not None:
        device.write(DCFG.OFFSET, DCFG.EPMisCnt.put(mismatches))
    for n in (1, 2, 3):
        device.open(n, True, mps=64)
    device.open(4, True, mps=64, eptype=3, fifo=4)
    return device


def places(device: Device) -> int:
    return GNPTXSTS.NPTxQSpcAvail.get(device.read(GNPTXSTS.OFFSET))


def left(device: Device, n: int) -> int:
    return device.read(DIEPTSIZ.at(n)) & f.TSIZ_SIZE


def nak_cause(device: Device, n: int) -> int:
    """One IN token that is answered NAK; what it sets in DIEPINT."""
    device.write(DIEPINT.at(n), 0xFFFF)
    assert device.in_(n) == "NAK"
    return device.diepint(n) & (EMPTY | MISMATCH)


def test_registers_of_the_scheme() -> None:
    device = Device(parameters=SHARED, attach=False)
    value = device.read(GHWCFG4.OFFSET)
    assert (GHWCFG4.DedFifoMode.get(value), GHWCFG4.NumDevPerioEps.get(value)) == (0, 7)
    for offset in (0x820, 0x824, 0x830, 0x834):
        assert device.read(offset) == 0, hex(offset)
        device.write(offset, 0xFFFFFFFF)
        assert device.read(offset) == 0, hex(offset)
    assert device.read(DAINT.OFFSET) == 0  # no mask lets TxFEmp through
    assert device.diepint(1) & DIEPINT.TxFEmp.mask


def test_packets_leave_in_the_order_in_which_they_were_begun() -> None:
    device = shared()
    device.start_in(1, 64, 1)
    device.start_in(2, 10, 1)
    device.push(2, b"0123456789")
    device.push(1, bytes(range(64)))
    status = device.read(GNPTXSTS.OFFSET)
    assert GNPTXSTS.NPTxQSpcAvail.get(status) == 6
    assert GNPTXSTS.NPTxFSpcAvail.get(status) == 256 - 3 - 16
    assert nak_cause(device, 1) == MISMATCH
    assert device.in_(2, ack=False) == (PID.DATA0, b"0123456789")
    assert nak_cause(device, 1) == MISMATCH  # rewound, it stays the head
    assert device.in_(2) == (PID.DATA0, b"0123456789")
    assert device.in_(1) == (PID.DATA0, bytes(range(64)))
    assert places(device) == 8
    assert [device.diepint(n) & 1 for n in (1, 2)] == [1, 1]


def test_a_packet_is_sent_when_all_of_it_is_there() -> None:
    device = shared()
    device.start_in(1, 70, 2)
    assert nak_cause(device, 1) == EMPTY
    device.push(1, bytes(60))
    assert left(device, 1) == 70
    assert nak_cause(device, 1) == EMPTY
    device.push(1, bytes(4))
    assert left(device, 1) == 6
    assert device.in_(1) == (PID.DATA0, bytes(64))
    device.push(1, bytes(8))  # two words make the last six bytes
    assert left(device, 1) == 0
    assert device.in_(1) == (PID.DATA1, bytes(6))


def test_what_is_pushed_for_one_endpoint_does_not_complete_anothers() -> None:
    device = shared()
    device.start_in(1, 8, 1)
    device.start_in(2, 4, 1)
    device.push(1, b"abcd")
    device.push(2, b"efgh")
    device.push(1, b"ijkl")  # begins a packet of its own: the first one stays incomplete
    assert places(device) == 5
    assert nak_cause(device, 1) == EMPTY
    assert nak_cause(device, 2) == MISMATCH
    device.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask)
    assert places(device) == 8
    assert device.space(0) == 256


def test_words_without_a_transfer_wait_for_a_flush() -> None:
    device = shared()
    device.push(3, b"abcd")
    device.start_in(3, 4, 1)
    device.push(3, b"efgh")
    assert places(device) == 7
    assert nak_cause(device, 3) == EMPTY
    device.write(GRSTCTL.OFFSET, 0x10 << 6 | GRSTCTL.TxFFlsh.mask)
    device.push(3, b"efgh")
    assert device.in_(3) == (PID.DATA0, b"efgh")


def test_a_ninth_packet_and_words_without_room_are_dropped() -> None:
    device = shared()
    device.start_in(1, 9 * 64, 9)
    device.push(1, bytes(9 * 64))
    assert places(device) == 0
    assert left(device, 1) == 64
    assert device.space(0) == 256 - 8 * 16
    device.push(2, b"abcd")
    assert device.space(0) == 256 - 8 * 16
    for _ in range(8):
        assert device.in_(1) != "NAK"
    assert nak_cause(device, 1) == EMPTY
    device.open(1, True, mps=1023)
    device.start_in(1, 2000, 2)
    device.push(1, bytes(1200))  # 255 words make the first packet of 1020 bytes
    assert device.space(0) == 0


def test_a_word_for_an_endpoint_that_is_not_there_is_dropped() -> None:
    par = UdcParameters(dedicated_fifo=0, num_in_eps=3, ep_directions=2 << 4)
    device = Device(parameters=par)
    for n in (2, 4, 15):
        device.push(n, b"abcd")
    assert (device.space(0), places(device)) == (256, 8)


def test_an_empty_packet_passes_everybody() -> None:
    device = shared()
    device.start_in(1, 64, 1)
    device.push(1, bytes(64))
    device.start_in(2, 0, 1)
    assert device.in_(2) == (PID.DATA0, b"")
    device.start_in(2, 3, 2)
    device.push(2, b"abc")
    assert device.in_(1) == (PID.DATA0, bytes(64))
    assert device.in_(2) == (PID.DATA1, b"abc")
    assert device.in_(2) == (PID.DATA0, b"")


def test_periodic_endpoints_have_fifos_of_their_own() -> None:
    device = shared()
    device.write(GAHBCFG.OFFSET, 1 | GAHBCFG.PTxFEmpLvl.mask)
    device.start_in(1, 64, 1)
    device.push(1, bytes(64))
    assert device.gintsts() & GINTSTS.PTxFEmp.mask
    device.start_in(4, 3, 1)
    device.push(4, b"abc")
    assert device.space(4) == 255
    assert not device.gintsts() & GINTSTS.PTxFEmp.mask
    device.write(GAHBCFG.OFFSET, 1)
    assert device.gintsts() & GINTSTS.PTxFEmp.mask  # half empty
    assert device.in_(4) == (PID.DATA0, b"abc")
    device.write(DIEPTXF.at(4), 100 << 16 | 2000)
    assert device.space(4) == 100
    assert places(device) == 7


def test_a_periodic_endpoint_without_a_number_shares_fifo_0() -> None:
    device = shared()
    device.open(4, True, mps=64, eptype=3, fifo=0)
    device.start_in(1, 1, 1)
    device.push(1, b"a")
    device.start_in(4, 1, 1)
    device.push(4, b"b")
    assert places(device) == 6
    assert nak_cause(device, 4) == MISMATCH


def test_mismatches_are_counted_and_reported() -> None:
    """DCFG.EPMisCnt tokens in a row; an acknowledged packet lets the count begin anew."""
    device = shared(mismatches=3)
    for n in (1, 2):
        device.start_in(n, 8, 1)
        device.push(n, bytes(8))

    def reported() -> int:
        return device.gintsts() & GINTSTS.EPMis.mask

    for _ in range(2):
        assert nak_cause(device, 2) == MISMATCH
    assert device.in_(1) == (PID.DATA0, bytes(8))
    device.start_in(1, 8, 1)
    device.push(1, bytes(8))
    for _ in range(2):
        assert nak_cause(device, 1) == MISMATCH
        assert not reported()
    assert device.in_(3) == "NAK"  # not enabled: does not count
    assert not reported()
    assert nak_cause(device, 1) == MISMATCH
    assert reported()
    device.write(GINTSTS.OFFSET, GINTSTS.EPMis.mask)
    assert places(device) == 6  # slave mode: software decides
    for _ in range(2):
        assert nak_cause(device, 1) == MISMATCH
    assert not reported()


@pytest.mark.parametrize("limit", [0, 1])
def test_the_dma_takes_back_and_fetches_for_the_one_that_is_asked(limit: int) -> None:
    device = shared(dma=True, mismatches=limit, trace=True)
    data = bytes(range(200))
    device.memory.data[:200] = data
    device.memory.data[0x1000:0x1005] = b"hello"
    device.start_in(1, 200, 4)
    assert places(device) == 4
    assert left(device, 1) == 0
    device.start_in(2, 5, 1, BASE + 0x1000)
    assert device.in_(1) == (PID.DATA0, data[:64])
    assert nak_cause(device, 2) == MISMATCH
    assert device.gintsts() & GINTSTS.EPMis.mask
    assert (device.model.queue[0].endpoint, device.model.queue[0].packet) == (2, b"hello")
    assert device.in_(2) == (PID.DATA0, b"hello")
    assert [device.in_(1) for _ in range(3)] == [
        (PID.DATA1, data[64:128]),
        (PID.DATA0, data[128:192]),
        (PID.DATA1, data[192:]),
    ]
    assert device.diepint(1) & device.diepint(2) & 1
    assert device.read(DIEPDMA.at(1)) == BASE + 200
    events = [decode(word) for _, word in device.model.trace or []]
    assert [one.arg for one in events if one.kind == Kind.FLUSH] == [0x20]


def test_taking_back_counts_the_words_of_unaligned_packets() -> None:
    device = shared(dma=True, mismatches=1)
    device.open(1, True, mps=7)
    device.memory.data[:20] = bytes(range(20))
    device.start_in(1, 18, 3)
    assert device.read(DIEPDMA.at(1)) == BASE + 8 + 8 + 4
    device.write(DIEPCTL.at(1), device.read(DIEPCTL.at(1)) | f.EPCTL_SNAK)
    device.start_in(2, 1, 1)
    nak_cause(device, 2)
    assert left(device, 1) == 0  # fetched again at once
    assert device.model.queue[0].endpoint == 2
    assert device.read(DIEPDMA.at(1)) == BASE + 20


def test_a_flush_gives_nothing_back() -> None:
    device = shared(dma=True)
    device.start_in(1, 64, 1)
    device.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask)
    assert left(device, 1) == 0
    assert device.read(DIEPDMA.at(1)) == BASE + 64


def test_the_chain_says_who_is_fetched_next() -> None:
    """NextEp 3 -> 1 -> 2 -> 3; with no way on, those that wait take turns."""
    device = shared(dma=True)
    for n, following in ((1, 2), (2, 3), (3, 1)):
        device.set(DIEPCTL.at(n), DIEPCTL.NextEp.put(following))
    device.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask)
    device.model.dma_on = False  # all three become ready at one moment
    for n in (1, 2, 3):
        device.start_in(n, 128, 2)
    device.model.dma_on = True
    device.model.fetch_next = 3
    device.read(0)
    assert [one.endpoint for one in device.model.queue] == [3, 1, 2, 3, 1, 2]
    device.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask)
    for n in (1, 2, 3):
        device.write(DIEPCTL.at(n), device.read(DIEPCTL.at(n)) & ~DIEPCTL.NextEp.mask)
    device.model.dma_on = False
    for n in (1, 2, 3):
        device.write(DIEPTSIZ.at(n), 2 << 19 | 128)
    device.model.dma_on = True
    device.model.fetch_next = 0
    device.read(0)
    assert sorted(one.endpoint for one in device.model.queue) == [1, 1, 2, 2, 3, 3]
    assert sorted(one.endpoint for one in device.model.queue[:3]) == [1, 2, 3]


# -- lockstep ---------------------------------------------------------------------------------


def judged(device: Device, *more: Event, at: int = 0) -> list[str]:
    """Follow a device's trace, then `more` events 5 us apart; the rules that were broken."""
    events = [(time * 8, word) for time, word in device.model.trace or []]
    start = events[-1][0] + at
    events += [(start + 5_000_000 * n, encode(one)) for n, one in enumerate(more, 1)]
    checker = Checker(SHARED)
    checker.feed(events)
    checker.finish(events[-1][0] + 10**8)
    return [one.rule for one in checker.mismatches]


def mismatch(n: int) -> list[Event]:
    """A token for IN n that finds another endpoint's packet, with its cause."""
    return [
        Event(Kind.TOKEN, Answer.NAK << 13 | n << 8 | PID.IN << 4, 0),
        Event(Kind.INT_SET, 1 << 8 | n, MISMATCH),
    ]


def test_lockstep_demands_the_interrupt_and_the_taking_back() -> None:
    device = shared(dma=True, mismatches=2, trace=True)
    device.start_in(1, 64, 1)
    device.start_in(2, 8, 1)
    report = Event(Kind.INT_SET, 0, f.INT_EPMIS)
    back = Event(Kind.FLUSH, 0x20, 0)
    rest = [Event(Kind.DMA_READ, BASE + 4 * i & 0xFFFFFF, 0) for i in range(18)]
    packets = [
        *rest[:2], Event(Kind.TX_PACKET, 2, 8), *rest[:16], Event(Kind.TX_PACKET, 1, 64),
    ]  # fmt: skip
    both = mismatch(2) + mismatch(2)[:1]
    assert judged(device, *both, report, back, *packets) == []
    assert judged(device, *both, back, report, *packets) == []
    assert "cause missing" in judged(device, *both, back, *packets)
    assert "flush missing" in judged(device, *both, report, *packets)
    assert judged(device, *mismatch(2), back)[:1] == ["flush"]
    assert judged(device, *mismatch(2), report)[:1] == ["interrupt cause"]


def test_lockstep_knows_the_two_causes_of_a_nak_apart() -> None:
    device = shared(dma=True, trace=True)
    device.start_in(1, 64, 1)
    device.start_in(2, 8, 1)
    token = mismatch(2)[0]
    wrong = Event(Kind.INT_SET, 1 << 8 | 2, EMPTY)
    assert judged(device, token, wrong) == ["interrupt cause", "cause missing"]
    assert judged(device, mismatch(1)[0])[:1] == ["decision"]


def test_lockstep_bounds_the_queue() -> None:
    device = shared(dma=True, trace=True)
    device.start_in(1, 9 * 8 * 64, 72)
    reads = [Event(Kind.DMA_READ, BASE + 512 + 4 * i & 0xFFFFFF, 0) for i in range(16)]
    assert judged(device, *reads, Event(Kind.TX_PACKET, 1, 64)) == ["Tx queue overflow"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 128)), max_size=12),
    st.booleans(),
    st.sampled_from([1, 2, 4]),
)
def test_every_byte_arrives_once_and_in_order(
    transfers: list[tuple[int, int]], dma: bool, limit: int
) -> None:
    """Whatever is queued (up to 8 packets): a host that asks everybody gets all of it.

    The queue has eight places, so there are two packets of each of the three endpoints at most. The
    host asks each one several times: endpoints that are asked in turn, each before the taking back
    has brought its packet, would keep each other from sending.
    """
    device = shared(dma=dma, mismatches=limit)
    wanted: dict[int, bytes] = {}
    for n, size in transfers:
        if n in wanted:
            continue
        place = 0x1000 * n
        data = bytes((n * 50 + i) & 0xFF for i in range(size))
        device.memory.data[place : place + size] = data
        wanted[n] = data
        device.start_in(n, size, size // 64 + 1, BASE + place)
        if not dma:
            device.push(n, data)
    got = dict.fromkeys(wanted, b"")
    for _ in range(4):
        for n in [n for n in wanted for _ in range(limit + 1)]:
            answer = device.in_(n)
            if isinstance(answer, tuple):
                got[n] += answer[1]
    assert got == wanted


def test_what_a_flush_took_is_not_replaced_by_an_empty_packet() -> None:
    """The endpoint still has bytes to send, though none are left to fetch: it NAKs."""
    device = shared(dma=True)
    device.start_in(1, 64, 2)
    device.write(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask)
    assert nak_cause(device, 1) == EMPTY


def test_what_is_left_of_an_earlier_transfer_is_given_back_to_nobody() -> None:
    device = shared(dma=True, mismatches=1)
    device.start_in(1, 64, 1)
    device.write(DIEPTSIZ.at(1), 1 << 19)
    device.start_in(2, 5, 1)
    assert nak_cause(device, 2) == MISMATCH
    assert left(device, 1) == 0
    assert device.read(DIEPDMA.at(1)) == BASE + 64
    assert device.in_(1) == (PID.DATA0, b"")  # the transfer that is programmed now
