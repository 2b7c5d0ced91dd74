# SPDX-License-Identifier: Apache-2.0
"""Isochronous descriptors: frames, packets of a microframe, rings (facts section 11)."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import DIEPCTL, DIEPDMA, DIEPINT, DOEPCTL, DOEPDMA, DOEPINT
from pymodel.packets import PID
from tests.pymodel.desc_device import DONE, IOC, LAST, SHORT, DescDevice
from tests.pymodel.model_device import BASE, EPENA

LIST = BASE + 0x100
BUFFER = BASE + 0x1000
DATA = bytes(range(256)) * 8
FLUSHED = 1 << 28


def opened(is_in: bool, mps: int = 512) -> DescDevice:
    device = DescDevice()
    device.open(1, is_in, mps=mps, eptype=1, fifo=1)
    device.fill(BUFFER, DATA)
    device.sof(100)
    return device


def iso_in(frame: int, size: int, count: int = 1, flags: int = 0) -> int:
    return flags | count << 23 | frame << 12 | size


def test_in_waits_for_its_frame() -> None:
    device = opened(True)
    device.put(LIST, (iso_in(102, 300, flags=LAST | IOC), BUFFER))
    device.start(1, True, LIST)
    for number in (100, 101):
        device.sof(number)
        device.write(DIEPINT.at(1), 0xFFFF)
        assert device.in_(1, ack=False) == (PID.DATA0, b"")
        assert device.diepint(1) & DIEPINT.NAKIntrpt.mask
        assert device.status(LIST) >> 30 == 0
    device.sof(102)
    device.write(DIEPINT.at(1), 0xFFFF)
    assert device.in_(1, ack=False) == (PID.DATA0, DATA[:300])
    device.layer.idle(device.tick())
    assert device.status(LIST) & 0xFFFFF000 == DONE | LAST | IOC | iso_in(102, 0)
    assert device.status(LIST) & 0xFFF == 0
    causes = device.diepint(1)
    assert causes & DIEPINT.XferCompl.mask
    assert not causes & DIEPINT.NAKIntrpt.mask


@pytest.mark.parametrize("is_in", [False, True])
def test_ring(is_in: bool) -> None:
    """The last descriptor leads back to the first one, and the endpoint stays enabled."""
    device = opened(is_in)
    frame = (lambda number: number << 12) if is_in else (lambda number: 0)
    ready = [(frame(101) | 8, BUFFER), (LAST | frame(102) | 8, BUFFER + 8)]
    device.put(LIST, *ready)
    device.start(1, is_in, LIST)
    pointer = DIEPDMA if is_in else DOEPDMA
    for number in range(101, 109):
        assert device.read(pointer.at(1)) == LIST + 8 * (~number & 1)
        device.sof(number)
        if is_in:
            index, other = ~number & 1, number & 1
            status, buffer = ready[other]
            device.put(LIST + 8 * other, (status & LAST | 8 | frame(number + 1), buffer))
            assert device.in_(1, ack=False) == (PID.DATA0, DATA[8 * index : 8 * index + 8])
        else:
            device.put(LIST + 8 * (number & 1), ready[number & 1])
            device.out(1, PID.DATA0, DATA[:8])
    assert device.read((DIEPCTL if is_in else DOEPCTL).at(1)) & EPENA


def test_frame_numbers_are_compared_in_11_bits() -> None:
    device = opened(True)
    device.sof(0x1FFE)
    device.put(LIST, (iso_in(1, 8, flags=LAST), BUFFER))
    device.start(1, True, LIST)
    device.sof(0x1FFF)
    assert device.in_(1, ack=False) == (PID.DATA0, b"")
    device.sof(0x2001)
    assert device.in_(1, ack=False) == (PID.DATA0, DATA[:8])


@pytest.mark.parametrize(
    ("size", "count", "packets"),
    [
        (0, 1, [(PID.DATA0, 0)]),
        (512, 0, [(PID.DATA0, 512)]),
        (600, 2, [(PID.DATA1, 512), (PID.DATA0, 88)]),
        (1536, 3, [(PID.DATA2, 512), (PID.DATA1, 512), (PID.DATA0, 512)]),
    ],
)
def test_packets_of_a_microframe(size: int, count: int, packets: list[tuple[PID, int]]) -> None:
    device = opened(True)
    device.put(LIST, (iso_in(101, size, count, LAST | IOC), BUFFER))
    device.start(1, True, LIST)
    device.sof(101)
    for expected in packets:
        assert not device.diepint(1) & DIEPINT.XferCompl.mask
        answer = device.in_(1, ack=False)
        assert isinstance(answer, tuple)
        assert (answer[0], len(answer[1])) == expected
        device.layer.idle(device.tick())
    assert device.diepint(1) & DIEPINT.XferCompl.mask
    assert device.status(LIST) & 0xF0000FFF == DONE


def test_the_last_one_of_a_ring_is_told() -> None:
    device = opened(False)
    device.put(LIST, (512, BUFFER), (LAST | 512, BUFFER))
    device.start(1, False, LIST)
    device.out(1, PID.DATA0, b"abc")
    assert not device.doepint(1) & DOEPINT.XferCompl.mask
    device.out(1, PID.DATA0, b"abc")
    assert device.doepint(1) & DOEPINT.XferCompl.mask


def test_late_descriptor_is_found_at_the_next_frame() -> None:
    device = opened(True)
    device.put(LIST, (iso_in(99, 8), BUFFER), (iso_in(101, 8, flags=LAST), BUFFER + 8))
    device.start(1, True, LIST)
    assert device.status(LIST) >> 30 == 0
    device.sof(101)
    assert device.status(LIST) & 0xF0000000 == DONE | FLUSHED
    assert device.in_(1, ack=False) == (PID.DATA0, DATA[8:16])


def test_missed_frame_is_flushed() -> None:
    device = opened(True)
    device.put(
        LIST,
        (iso_in(101, 8, flags=IOC), BUFFER),
        (iso_in(103, 16, flags=LAST | IOC), BUFFER + 8),
    )
    device.start(1, True, LIST)
    room = device.space(1)
    device.sof(101)
    device.sof(102)
    assert device.status(LIST) == DONE | FLUSHED | iso_in(101, 8, flags=IOC)
    assert device.diepint(1) & DIEPINT.XferCompl.mask
    device.sof(103)
    assert device.in_(1, ack=False) == (PID.DATA0, DATA[8:24])
    device.layer.idle(device.tick())
    assert device.space(1) == room + 2
    assert device.status(LIST, 1) & 0xF0000000 == DONE


def test_microframe_that_was_not_asked_for_completely() -> None:
    device = opened(True)
    device.put(LIST, (iso_in(101, 600, 2, LAST), BUFFER))
    device.start(1, True, LIST)
    device.sof(101)
    assert device.in_(1, ack=False) == (PID.DATA1, DATA[:512])
    device.layer.idle(device.tick())
    assert device.status(LIST) >> 30 == 0
    device.sof(102)
    assert device.status(LIST) == DONE | FLUSHED | iso_in(101, 88, 2, LAST)


def test_without_a_descriptor_it_is_empty_and_tells() -> None:
    """Linux starts isochronous IN from NAKIntrpt."""
    device = opened(True)
    assert device.in_(1, ack=False) == (PID.DATA0, b"")
    expected = DIEPINT.NAKIntrpt.mask | DIEPINT.INTknTXFEmp.mask
    assert device.diepint(1) & expected == expected


def test_out_closes_one_descriptor_per_packet() -> None:
    device = opened(False)
    device.put(LIST, (IOC | 512, BUFFER), (512, BUFFER + 512), (LAST | IOC | 512, BUFFER + 1024))
    device.start(1, False, LIST)
    for number, size, pid in ((101, 512, PID.DATA0), (102, 100, PID.DATA1), (103, 0, PID.MDATA)):
        device.sof(number)
        device.out(1, pid, DATA[:size])
    assert device.status(LIST) == DONE | IOC | 101 << 12
    assert device.status(LIST, 1) == DONE | SHORT | 2 << 23 | 102 << 12 | 412
    assert device.status(LIST, 2) == DONE | LAST | IOC | SHORT | 3 << 23 | 103 << 12 | 512
    assert device.bytes_at(BUFFER, 612) == DATA[:512] + DATA[:100]
    assert device.doepint(1) & DOEPINT.XferCompl.mask


def test_out_without_room_in_the_buffer() -> None:
    device = opened(False)
    device.put(LIST, (LAST | IOC | 100, BUFFER))
    device.start(1, False, LIST)
    device.out(1, PID.DATA0, DATA[:512])
    assert device.status(LIST) == DONE | 3 << 28 | LAST | IOC | 100 << 12
    # The ring has come round to a descriptor that software has not prepared.
    assert device.doepint(1) & DOEPINT.BNA.mask
    assert not device.read(DOEPCTL.at(1)) & EPENA


def test_out_packet_waits_for_its_descriptor() -> None:
    device = opened(False)
    device.put(LIST, (512, BUFFER), (LAST | 512, BUFFER + 512))
    device.start(1, False, LIST)
    device.policy.dma_latency = 1
    device.sof(101)
    device.out(1, PID.DATA0, DATA[:512])
    device.sof(102)
    device.out(1, PID.DATA0, DATA[512:1024])  # the first one is still in the Rx FIFO
    device.sof(103)
    assert len(device.model.rx.entries) == 2
    device.policy.dma_latency = 0
    device.policy.settle(device.now)
    assert device.status(LIST) >> 12 & 0x7FF == 101
    assert device.status(LIST, 1) >> 12 & 0x7FF == 102
    assert device.bytes_at(BUFFER, 1024) == DATA[:1024]


def test_out_of_a_disabled_endpoint_tells() -> None:
    """Linux starts isochronous OUT from OUTTknEPdis."""
    device = opened(False)
    device.out(1, PID.DATA0, b"abc")
    assert device.doepint(1) & DOEPINT.OUTTknEPdis.mask
