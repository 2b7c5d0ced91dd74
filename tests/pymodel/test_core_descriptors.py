# SPDX-License-Identifier: Apache-2.0
"""Descriptor DMA: loading, moving, writing back (facts section 11)."""

from __future__ import annotations

import pytest

from pymodel.config import UdcParameters
from pymodel.gen.udc_regs import (
    DCFG,
    DIEPCTL,
    DIEPDMA,
    DIEPDMAB,
    DIEPINT,
    DOEPCTL,
    DOEPDMA,
    DOEPDMAB,
    DOEPINT,
    GAHBCFG,
    GHWCFG4,
    GRSTCTL,
)
from pymodel.packets import PID
from tests.pymodel.desc_device import (
    DONE,
    IOC,
    LAST,
    MTRF,
    SETUP_BUFFER,
    SETUP_LIST,
    SHORT,
    SR,
    DescDevice,
)
from tests.pymodel.model_device import BASE, CNAK, EPDIS, EPENA, SNAK, Device

LIST = BASE + 0x100
BUFFER = BASE + 0x1000
DATA = bytes(range(256)) * 8
CONTROL_READ = bytes([0x80, 6, 0, 1, 0, 0, 64, 0])
CONTROL_WRITE = bytes([0x21, 9, 0, 2, 0, 0, 8, 0])
SET_ADDRESS = bytes([0, 5, 0, 0, 0, 0, 0, 0])


# -- registers --------------------------------------------------------------------------------


def test_identity_and_storage() -> None:
    device = DescDevice()
    assert GHWCFG4.DescDMAEnabled.get(device.read(GHWCFG4.OFFSET)) == 1
    assert GHWCFG4.DescDMA.get(device.read(GHWCFG4.OFFSET)) == 1
    assert device.read(DCFG.OFFSET) & DCFG.DescDMA.mask
    plain = Device(dma=True)
    plain.set(DCFG.OFFSET, DCFG.DescDMA.mask)
    assert not plain.read(DCFG.OFFSET) & DCFG.DescDMA.mask
    assert not plain.model.desc_on
    plain.write(DIEPDMA.at(1), BASE)
    assert plain.read(DIEPDMAB.at(1)) == 0


def test_off_without_dmaen() -> None:
    device = DescDevice()
    device.write(GAHBCFG.OFFSET, 1)
    assert not device.model.desc_on
    device.write(GAHBCFG.OFFSET, 1 | GAHBCFG.DMAEn.mask)
    assert device.model.desc_on


@pytest.mark.parametrize(
    "parameters", [{"desc_dma": 1, "dma": 0}, {"desc_dma": 2}, {"desc_dma": 1, "dedicated_fifo": 0}]
)
def test_refused_parameters(parameters: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"desc_dma|dedicated_fifo"):
        UdcParameters(**parameters)


# -- loading ----------------------------------------------------------------------------------


def test_load_needs_enable_cnak_and_an_address() -> None:
    device = DescDevice()
    device.open(1, False)
    device.put(LIST, (LAST | IOC | 512, BUFFER))
    device.set(DOEPCTL.at(1), EPENA | CNAK)
    assert device.read(DOEPDMAB.at(1)) == 0  # no address since the reset
    device.set(DOEPCTL.at(1), SNAK)
    device.write(DOEPDMA.at(1), LIST)
    assert device.read(DOEPDMAB.at(1)) == 0  # it NAKs
    device.set(DOEPCTL.at(1), CNAK)
    assert device.read(DOEPDMAB.at(1)) == BUFFER
    assert device.read(DOEPDMA.at(1)) == LIST


def test_soft_reset_forgets_the_address() -> None:
    device = DescDevice()
    device.open(1, True, fifo=1)
    device.put(LIST, (LAST | 8, BUFFER))
    device.write(DIEPDMA.at(1), LIST)
    device.write(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
    assert device.read(DIEPDMA.at(1)) == 0
    device.write(GAHBCFG.OFFSET, 1 | GAHBCFG.DMAEn.mask)
    device.set(DCFG.OFFSET, DCFG.DescDMA.mask)
    device.set(DIEPCTL.at(1), EPENA | CNAK)
    assert device.read(DIEPDMAB.at(1)) == 0


@pytest.mark.parametrize("is_in", [False, True])
@pytest.mark.parametrize("state", [1, 2, 3])
def test_descriptor_that_is_not_ready(is_in: bool, state: int) -> None:
    device = DescDevice()
    device.open(1, is_in, fifo=1)
    device.put(LIST, (state << 30 | LAST | 512, BUFFER))
    device.start(1, is_in, LIST)
    causes = device.diepint(1) if is_in else device.doepint(1)
    assert causes & DIEPINT.BNAIntr.mask
    control = DIEPCTL if is_in else DOEPCTL
    value = device.read(control.at(1))
    assert not value & EPENA
    assert value & DIEPCTL.NAKSts.mask
    assert device.status(LIST) == state << 30 | LAST | 512
    # Made ready, it is found where the pointer stayed.
    device.put(LIST, (LAST | 512, BUFFER))
    device.start(1, is_in, None)
    assert device.read((DIEPDMAB if is_in else DOEPDMAB).at(1)) >= BUFFER


def test_a_new_list_replaces_the_loaded_descriptor() -> None:
    device = DescDevice()
    device.open(1, False)
    device.put(LIST, (LAST | IOC | 512, BUFFER))
    device.put(LIST + 64, (LAST | IOC | 512, BUFFER + 0x1000))
    device.start(1, False, LIST)
    device.write(DOEPDMA.at(1), LIST + 64)
    assert device.read(DOEPDMAB.at(1)) == BUFFER + 0x1000
    assert device.out(1, PID.DATA0, b"abc") == "NYET"
    assert device.status(LIST) == LAST | IOC | 512  # nothing is written back for it
    assert device.bytes_at(BUFFER + 0x1000, 3) == b"abc"


@pytest.mark.parametrize("is_in", [False, True])
def test_disable_drops_the_descriptor(is_in: bool) -> None:
    device = DescDevice()
    device.open(1, is_in, fifo=1)
    device.put(LIST, (512, BUFFER), (LAST | IOC | 512, BUFFER))
    device.start(1, is_in, LIST)
    control = DIEPCTL if is_in else DOEPCTL
    device.set(control.at(1), EPDIS | SNAK)
    assert not device.read(control.at(1)) & EPENA
    assert device.status(LIST) == 512
    assert device.read((DIEPDMA if is_in else DOEPDMA).at(1)) == LIST
    assert not device.model.ins[1].desc.loaded
    assert not device.model.outs[1].desc.loaded


# -- OUT --------------------------------------------------------------------------------------


def out(device: DescDevice, n: int, size: int, start: int = 0, toggle: int = 0) -> str | None:
    pid = PID.DATA1 if toggle else PID.DATA0
    return device.out(n, pid, DATA[start : start + size])


def test_out_list() -> None:
    """Two descriptors: the first without IOC, the second the last one."""
    device = DescDevice()
    device.open(1, False)
    device.put(LIST, (1024, BUFFER), (LAST | IOC | 512, BUFFER + 0x800))
    device.start(1, False, LIST)
    assert out(device, 1, 512) == "ACK"
    assert device.read(DOEPDMAB.at(1)) == BUFFER + 512
    assert out(device, 1, 512, 512, 1) == "NYET"
    assert device.status(LIST) == DONE
    assert device.read(DOEPDMA.at(1)) == LIST + 8
    assert not device.doepint(1)
    assert out(device, 1, 512, 1024) == "NYET"
    assert device.status(LIST, 1) == DONE | LAST | IOC
    assert device.bytes_at(BUFFER, 1024) == DATA[:1024]
    assert device.bytes_at(BUFFER + 0x800, 512) == DATA[1024:1536]
    assert device.doepint(1) == DOEPINT.XferCompl.mask
    control = device.read(DOEPCTL.at(1))
    assert not control & EPENA
    assert control & DOEPCTL.NAKSts.mask
    assert device.read(DOEPDMA.at(1)) == LIST
    assert out(device, 1, 512, 0, 1) == "NAK"
    assert device.ping(1) == "NAK"


def test_out_interrupt_on_completion_goes_on() -> None:
    device = DescDevice()
    device.open(1, False, mps=64)
    device.put(LIST, (IOC | 64, BUFFER), (LAST | IOC | 64, BUFFER + 64))
    device.start(1, False, LIST)
    out(device, 1, 64)
    assert device.doepint(1) == DOEPINT.XferCompl.mask
    assert device.read(DOEPCTL.at(1)) & EPENA
    assert not device.read(DOEPCTL.at(1)) & DOEPCTL.NAKSts.mask


@pytest.mark.parametrize("mtrf", [False, True])
def test_short_packet(mtrf: bool) -> None:
    device = DescDevice()
    device.open(1, False)
    first = 1024 | (MTRF if mtrf else 0)
    device.put(LIST, (first, BUFFER), (LAST | IOC | 1024, BUFFER + 0x800))
    device.start(1, False, LIST)
    out(device, 1, 10)
    assert device.status(LIST) == DONE | SHORT | 1014 | (MTRF if mtrf else 0)
    if mtrf:
        # More of the transfer follows: the next descriptor takes it.
        assert device.doepint(1) == 0
        assert device.read(DOEPDMA.at(1)) == LIST + 8
        assert out(device, 1, 512, 0, 1) == "ACK"
    else:
        assert device.doepint(1) == DOEPINT.XferCompl.mask
        assert device.read(DOEPDMA.at(1)) == LIST
        assert not device.read(DOEPCTL.at(1)) & EPENA
        assert out(device, 1, 512, 0, 1) == "NAK"


def test_packet_longer_than_the_buffer() -> None:
    device = DescDevice()
    device.open(1, False)
    device.put(LIST, (LAST | IOC | 100, BUFFER))
    device.start(1, False, LIST)
    device.fill(BUFFER + 100, b"keep")
    assert out(device, 1, 512) == "NYET"
    assert device.bytes_at(BUFFER, 104) == DATA[:100] + b"keep"
    assert device.status(LIST) == DONE | 3 << 28 | LAST | IOC


@pytest.mark.parametrize("size", [0, 100])
def test_descriptor_without_a_buffer_takes_one_packet(size: int) -> None:
    device = DescDevice()
    device.open(1, False)
    device.put(LIST, (LAST | IOC, BUFFER))
    device.start(1, False, LIST)
    assert out(device, 1, size) == "NYET"
    error = 3 << 28 if size else 0
    assert device.status(LIST) == DONE | error | LAST | IOC | SHORT
    assert device.bytes_at(BUFFER, 4) == bytes(4)


def test_closed_to_packets_until_written_back() -> None:
    """Bytes count when a packet is accepted, not when it is in memory."""
    device = DescDevice()
    device.policy.dma_latency = 1
    device.open(1, False, mps=64)
    device.put(LIST, (128, BUFFER), (LAST | IOC | 64, BUFFER + 128))
    device.start(1, False, LIST)
    assert out(device, 1, 64) == "NAK"  # nothing is loaded yet
    device.policy.dma_move(device.now)
    assert out(device, 1, 64) == "ACK"
    assert out(device, 1, 64, 64, 1) == "NYET"
    assert out(device, 1, 64, 128) == "NAK"
    assert device.ping(1) == "NAK"
    for _ in range(4):  # two packets, the write-back, the next load
        assert device.ping(1) == "NAK"
        device.policy.dma_move(device.now)
    assert device.ping(1) == "ACK"
    assert out(device, 1, 64, 128) == "NYET"


def test_waiting_packet_of_a_disabled_endpoint_is_discarded() -> None:
    device = DescDevice()
    device.open(1, False, mps=64)
    device.put(LIST, (LAST | IOC | 128, BUFFER))
    device.start(1, False, LIST)
    device.policy.dma_latency = 1
    assert out(device, 1, 64) == "ACK"
    device.set(DOEPCTL.at(1), EPDIS | SNAK)
    device.policy.dma_move(device.now)
    assert not device.model.rx.entries
    assert device.bytes_at(BUFFER, 4) == bytes(4)
    assert device.status(LIST) == LAST | IOC | 128


# -- IN ---------------------------------------------------------------------------------------


def test_in_list() -> None:
    device = DescDevice()
    device.open(1, True, fifo=1)
    device.fill(BUFFER, DATA[:1100])
    device.put(LIST, (1024, BUFFER), (LAST | IOC | SHORT | 76, BUFFER + 1024))
    device.start(1, True, LIST)
    assert device.in_(1) == (PID.DATA0, DATA[:512])
    assert device.in_(1, ack=False) == (PID.DATA1, DATA[512:1024])
    assert device.status(LIST) == 1024
    assert device.in_(1) == (PID.DATA1, DATA[512:1024])
    assert device.status(LIST) == DONE
    assert device.read(DIEPDMA.at(1)) == LIST + 8
    assert not device.diepint(1) & DIEPINT.XferCompl.mask
    assert device.in_(1) == (PID.DATA0, DATA[1024:1100])
    assert device.status(LIST, 1) == DONE | LAST | IOC | SHORT
    assert device.diepint(1) & DIEPINT.XferCompl.mask
    assert not device.read(DIEPCTL.at(1)) & EPENA
    assert device.read(DIEPDMA.at(1)) == LIST
    device.write(DIEPINT.at(1), 0xFFFF)
    assert device.in_(1) == "NAK"
    assert device.diepint(1) & DIEPINT.INTknTXFEmp.mask


@pytest.mark.parametrize(
    ("status", "sizes"),
    [
        (0, [0]),
        (SHORT, [0]),
        (1, [1]),
        (512, [512]),
        (SHORT | 512, [512, 0]),
        (SHORT | 600, [512, 88]),
        (600, [512, 88]),
        (SHORT | 1024, [512, 512, 0]),
    ],
)
def test_packets_of_a_descriptor(status: int, sizes: list[int]) -> None:
    device = DescDevice()
    device.open(1, True, fifo=1)
    device.put(LIST, (LAST | IOC | status, BUFFER))
    device.start(1, True, LIST)
    for index, size in enumerate(sizes):
        assert not device.diepint(1) & DIEPINT.XferCompl.mask
        answer = device.in_(1)
        assert isinstance(answer, tuple)
        assert (answer[0], len(answer[1])) == (PID.DATA1 if index & 1 else PID.DATA0, size)
    assert device.diepint(1) & DIEPINT.XferCompl.mask
    assert device.in_(1) == "NAK"


def test_pointer_back_at_the_head_serves_again() -> None:
    """Linux sends each empty status packet with the same list, without writing the pointer."""
    device = DescDevice()
    device.open(1, True, fifo=1)
    for expected in (PID.DATA0, PID.DATA1):
        device.put(LIST, (LAST | IOC, BUFFER))
        device.start(1, True, LIST if expected == PID.DATA0 else None)
        assert device.in_(1) == (expected, b"")


# -- control ----------------------------------------------------------------------------------


def setup_done(device: DescDevice) -> int:
    """Read and clear the causes of EP0 OUT."""
    causes = device.doepint(0)
    device.write(DOEPINT.at(0), causes)
    return causes


def test_setup() -> None:
    device = DescDevice()
    device.arm_setup()
    device.setup(CONTROL_READ)
    assert device.status(SETUP_LIST) == DONE | LAST | IOC | SHORT | SR | 56
    assert device.bytes_at(SETUP_BUFFER, 8) == CONTROL_READ
    assert setup_done(device) == DOEPINT.StupPktRcvd.mask | DOEPINT.XferCompl.mask
    assert not device.read(DOEPCTL.at(0)) & EPENA
    assert device.read(DOEPDMA.at(0)) == SETUP_LIST
    assert device.in_(0) == "NAK"
    assert setup_done(device) == DOEPINT.SetUp.mask  # a read: no StsPhseRcvd


def test_setup_waits_for_a_descriptor() -> None:
    device = DescDevice()
    device.setup(SET_ADDRESS)
    assert device.model.rx.entries
    device.put(SETUP_LIST, (3 << 30 | LAST | IOC | 64, SETUP_BUFFER))
    device.write(DOEPDMA.at(0), SETUP_LIST)
    device.set(DOEPCTL.at(0), EPENA)
    assert device.doepint(0) & DOEPINT.BNA.mask
    assert device.model.rx.entries
    device.arm_setup()
    assert device.bytes_at(SETUP_BUFFER, 8) == SET_ADDRESS
    assert not device.model.rx.entries


def test_setup_of_the_next_stage_waits_for_software() -> None:
    device = DescDevice()
    device.arm_setup()
    device.setup(CONTROL_READ)
    device.in_(0)
    assert setup_done(device) & DOEPINT.SetUp.mask
    device.setup(SET_ADDRESS)
    assert device.bytes_at(SETUP_BUFFER, 8) == CONTROL_READ
    device.arm_setup()
    assert device.bytes_at(SETUP_BUFFER, 8) == SET_ADDRESS


def test_setup_of_the_same_stage_replaces_the_one_before() -> None:
    """The host did not hear the ACK: software waits for SetUp and would never let it in."""
    device = DescDevice()
    device.arm_setup()
    for request in (CONTROL_READ, SET_ADDRESS, CONTROL_WRITE, CONTROL_READ):
        device.setup(request)
        assert device.bytes_at(SETUP_BUFFER, 16) == request + bytes(8)
        assert setup_done(device) == DOEPINT.StupPktRcvd.mask | DOEPINT.XferCompl.mask
    assert device.status(SETUP_LIST) == DONE | LAST | IOC | SHORT | SR | 56
    device.in_(0)
    assert setup_done(device) == DOEPINT.SetUp.mask


def test_setup_waits_when_software_prepares_another_list() -> None:
    device = DescDevice()
    device.arm_setup()
    device.setup(CONTROL_READ)
    device.write(DOEPDMA.at(0), LIST)
    device.setup(SET_ADDRESS)
    assert device.bytes_at(SETUP_BUFFER, 8) == CONTROL_READ
    device.put(LIST, (LAST | IOC | 64, BUFFER))
    device.set(DOEPCTL.at(0), EPENA)
    assert device.bytes_at(BUFFER, 8) == SET_ADDRESS


def test_setup_ends_a_descriptor_for_data() -> None:
    device = DescDevice()
    device.put(LIST, (64, BUFFER), (LAST | 64, BUFFER))
    device.start(0, False, LIST)
    device.setup(SET_ADDRESS)
    assert device.status(LIST) == DONE | SHORT | SR | 56
    assert device.read(DOEPDMA.at(0)) == LIST
    assert not device.read(DOEPCTL.at(0)) & EPENA


def test_status_stage_without_data() -> None:
    device = DescDevice()
    device.arm_setup()
    device.setup(SET_ADDRESS)
    setup_done(device)
    assert device.in_(0) == "NAK"
    assert setup_done(device) == DOEPINT.SetUp.mask | DOEPINT.StsPhseRcvd.mask
    device.in_(0)
    assert setup_done(device) == 0  # once


def test_status_stage_after_data() -> None:
    device = DescDevice()
    device.arm_setup()
    device.setup(CONTROL_WRITE)
    assert device.out(0, PID.DATA1, b"12345678") == "NAK"
    assert setup_done(device) & DOEPINT.SetUp.mask
    device.put(LIST, (LAST | IOC | 64, BUFFER))
    device.start(0, False, LIST)
    device.policy.dma_latency = 1
    assert device.out(0, PID.DATA1, b"12345678") == "ACK"
    assert device.in_(0) == "NAK"
    assert not device.doepint(0) & DOEPINT.StsPhseRcvd.mask  # the data is not in memory
    device.policy.dma_move(device.now)
    assert not device.doepint(0) & DOEPINT.StsPhseRcvd.mask  # and not written back
    device.policy.dma_move(device.now)
    expected = DOEPINT.StsPhseRcvd.mask | DOEPINT.XferCompl.mask
    assert device.doepint(0) & expected == expected


def test_status_stage_cause_is_of_descriptor_dma_only() -> None:
    device = Device(dma=True)
    device.arm_setup()
    device.setup(SET_ADDRESS)
    device.in_(0)
    assert not device.doepint(0) & DOEPINT.StsPhseRcvd.mask


# -- CNAK and a SETUP that software has not seen ------------------------------------------------


@pytest.mark.parametrize("is_in", [False, True])
@pytest.mark.parametrize("mode", ["slave", "dma", "desc"])
def test_cnak_does_not_overtake_a_setup(mode: str, is_in: bool) -> None:
    device = DescDevice() if mode == "desc" else Device(dma=mode == "dma")
    control = DIEPCTL if is_in else DOEPCTL
    device.setup(SET_ADDRESS)
    device.set(control.at(0), CNAK)
    assert device.read(control.at(0)) & DIEPCTL.NAKSts.mask
    if mode == "slave":
        device.pop()
    else:
        device.arm_setup()
        assert device.doepint(0) & DOEPINT.StupPktRcvd.mask
    device.set(control.at(0), CNAK)
    assert not device.read(control.at(0)) & DIEPCTL.NAKSts.mask


def test_cnak_of_other_endpoints_and_other_bits_act() -> None:
    device = Device(dma=True)
    device.open(1, True, fifo=1)
    device.setup(SET_ADDRESS)
    device.set(DIEPCTL.at(1), SNAK)
    device.set(DIEPCTL.at(1), CNAK)
    assert not device.read(DIEPCTL.at(1)) & DIEPCTL.NAKSts.mask
    device.set(DIEPCTL.at(0), CNAK | EPENA)
    assert device.read(DIEPCTL.at(0)) & EPENA
