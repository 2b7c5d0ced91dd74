# SPDX-License-Identifier: Apache-2.0
"""Control transfers on the model: SETUP rules, stages, addresses (facts sections 5, 7, 10)."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPCTL0,
    DIEPDMA,
    DIEPINT,
    DOEPCTL0,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ0,
    GINTSTS,
    GRXFSIZ,
    GRXSTSP,
    GRXSTSR,
)
from pymodel.packets import PID, build_data
from tests.pymodel.model_device import BASE, CNAK, EPENA, Device

GET_DEVICE = bytes([0x80, 6, 0, 1, 0, 0, 18, 0])
SET_ADDRESS = bytes([0, 5, 7, 0, 0, 0, 0, 0])
STALL = DIEPCTL.Stall.mask
RXFLVL = GINTSTS.RxFLvl.mask


def test_setup_reaches_the_rx_fifo_and_ends_at_the_next_token() -> None:
    """Section 7: word 6 with 8 bytes, then word 4 at the first IN or OUT token."""
    device = Device()
    assert device.setup(GET_DEVICE) == "ACK"
    assert device.gintsts() & RXFLVL
    assert device.read(GRXSTSR.OFFSET) == device.read(GRXSTSR.OFFSET) == 6 << 17 | 8 << 4
    assert device.pop() == (6, 0, GET_DEVICE)
    assert not device.gintsts() & RXFLVL
    assert device.in_(0) == "NAK"
    assert device.gintsts() & RXFLVL
    assert not device.doepint(0) & DOEPINT.SetUp.mask
    assert device.pop() == (4, 0, b"")
    assert device.doepint(0) & DOEPINT.SetUp.mask
    assert device.in_(0) == "NAK"
    assert not device.gintsts() & RXFLVL


@pytest.mark.parametrize("first", ["in", "out", "ping"])
def test_any_token_ends_the_setup_stage(first: str) -> None:
    device = Device()
    device.setup(GET_DEVICE)
    device.pop()
    if first == "in":
        device.in_(0)
    elif first == "out":
        device.out(0, PID.DATA1, b"")
    else:
        device.ping(0)
    assert device.pop()[0] == 4


@pytest.mark.parametrize("supcnt", [0, 1, 3])
@pytest.mark.parametrize("enabled", [False, True])
def test_setup_is_accepted_whatever_stands_in_the_registers(supcnt: int, enabled: bool) -> None:
    """Section 5 and 7: SUPCnt, NAKSts, Stall, EPEna, GOUTNak do not matter."""
    device = Device()
    device.write(DOEPTSIZ0.OFFSET, supcnt << 29)
    device.set(DOEPCTL0.OFFSET, STALL | (EPENA if enabled else 0))
    device.set(DIEPCTL0.OFFSET, STALL)
    device.set(DCTL.OFFSET, DCTL.SGOUTNak.mask)
    device.pop()
    assert device.setup(GET_DEVICE) == "ACK"
    assert device.pop() == (6, 0, GET_DEVICE)
    assert DOEPTSIZ0.SUPCnt.get(device.read(DOEPTSIZ0.OFFSET)) == max(supcnt - 1, 0)


def test_setup_naks_both_directions_and_ends_stall() -> None:
    """Section 5: Stall of EP0 is cleared by the next SETUP only; NAKSts is set by it."""
    device = Device()
    device.set(DIEPCTL0.OFFSET, STALL | CNAK)
    device.set(DOEPCTL0.OFFSET, STALL | CNAK)
    device.write(DIEPCTL0.OFFSET, 0)
    assert device.read(DIEPCTL0.OFFSET) & STALL  # software cannot clear it
    assert device.in_(0) == "STALL"
    assert device.out(0, PID.DATA1, b"x") == "STALL"
    device.setup(GET_DEVICE)
    for offset in (DIEPCTL0.OFFSET, DOEPCTL0.OFFSET):
        assert device.read(offset) & (STALL | DIEPCTL.NAKSts.mask) == DIEPCTL.NAKSts.mask
    assert device.in_(0) == "NAK"


@pytest.mark.parametrize("dma", [False, True])
def test_control_read(dma: bool) -> None:
    """Data stage from DATA1, two packets, then the status ZLP: words 2 and 3 (section 7)."""
    device = Device(dma=dma)
    data = bytes(range(100))
    device.memory.data[0x100:0x164] = data
    if dma:
        device.arm_setup(BASE + 0x40)
    device.setup(GET_DEVICE)
    device.in_(0)
    if dma:
        assert bytes(device.memory.data[0x40:0x48]) == GET_DEVICE
    else:
        device.pop()
        device.pop()
    device.start_in(0, 100, 2, BASE + 0x100)
    if not dma:
        device.push(0, data[:64])
        device.push(0, data[64:])
    assert device.in_(0) == (PID.DATA1, data[:64])
    assert not device.diepint(0) & DIEPINT.XferCompl.mask
    assert device.in_(0) == (PID.DATA0, data[64:])
    assert device.diepint(0) & DIEPINT.XferCompl.mask
    assert not device.read(DIEPCTL0.OFFSET) & EPENA
    device.start_out(0, 0, 1)
    assert device.out(0, PID.DATA1, b"") == "ACK"
    if not dma:
        assert device.pop() == (2, 0, b"")
        assert not device.doepint(0) & DOEPINT.XferCompl.mask
        assert device.pop() == (3, 0, b"")
    assert device.doepint(0) & DOEPINT.XferCompl.mask
    assert device.read(DOEPCTL0.OFFSET) & (EPENA | DIEPCTL.NAKSts.mask) == DIEPCTL.NAKSts.mask


@pytest.mark.parametrize("dma", [False, True])
def test_control_write(dma: bool) -> None:
    device = Device(dma=dma)
    if dma:
        device.arm_setup()
    device.setup(bytes([0x21, 0x20, 0, 0, 0, 0, 7, 0]))
    assert device.out(0, PID.DATA1, b"1234567") == "NAK"
    if not dma:
        assert [device.pop()[0] for _ in range(2)] == [6, 4]
    device.start_out(0, 64, 1, BASE + 0x80)
    assert device.out(0, PID.DATA1, b"1234567") == "ACK"
    if dma:
        assert bytes(device.memory.data[0x80:0x87]) == b"1234567"
        assert device.read(DOEPTSIZ0.OFFSET) & 0x7F == 57
    else:
        assert device.pop() == (2, 0, b"1234567")
        assert device.pop() == (3, 0, b"")
    device.start_in(0, 0, 1)
    assert device.in_(0) == (PID.DATA1, b"")


def test_new_setup_replaces_the_transfer_under_way() -> None:
    """A SETUP in the data stage NAKs what was armed and starts again with DATA1."""
    device = Device()
    device.setup(GET_DEVICE)
    device.in_(0)
    device.start_in(0, 18, 1)
    device.setup(SET_ADDRESS)
    assert device.in_(0) == "NAK"
    kinds = [device.pop()[0] for _ in range(4)]
    assert kinds == [6, 4, 6, 4]


def test_several_setups_give_one_setup_done() -> None:
    device = Device()
    for _ in range(2):
        assert device.setup(GET_DEVICE) == "ACK"
    device.in_(0)
    assert [device.pop()[0] for _ in range(3)] == [6, 6, 4]
    assert not device.gintsts() & RXFLVL


def test_setup_of_wrong_length_or_pid_is_ignored() -> None:
    device = Device()
    device.token(PID.SETUP, 0)
    assert device.layer.receive(build_data(PID.DATA0, bytes(7))) is None
    device.token(PID.SETUP, 0)
    assert device.layer.receive(build_data(PID.DATA1, bytes(8))) is None
    assert not device.gintsts() & RXFLVL


def test_setup_to_another_endpoint_is_not_answered() -> None:
    device = Device()
    device.open(1, False)
    device.token(PID.SETUP, 1)
    assert device.layer.receive(build_data(PID.DATA0, bytes(8))) is None


def test_setups_find_room_where_data_does_not() -> None:
    """Section 7: 13 words are reserved, so SETUPs never drop."""
    device = Device()
    device.write(GRXFSIZ.OFFSET, 13 + 3 + 16)
    device.open(1, False, mps=64)
    device.start_out(1, 1024, 16)
    assert device.out(1, PID.DATA0, bytes(64)) == "NYET"
    assert device.out(1, PID.DATA1, bytes(64)) == "NAK"
    for _ in range(3):
        assert device.setup(GET_DEVICE) == "ACK"


@pytest.mark.parametrize("dma", [False, True])
def test_address_changes_with_the_status_stage(dma: bool) -> None:
    """Section 4, DCFG.DevAddr: written before the status IN, which still uses address 0."""
    device = Device(dma=dma)
    if dma:
        device.arm_setup()
    device.setup(SET_ADDRESS)
    device.in_(0)
    if not dma:
        device.pop(), device.pop()
    device.write(DCFG.OFFSET, DCFG.DevAddr.put(7))
    device.start_in(0, 0, 1)
    assert device.in_(0, ack=False) == (PID.DATA1, b"")
    assert device.in_(0) == (PID.DATA1, b"")
    assert device.in_(0) is None
    device.address = 7
    assert device.in_(0) == "NAK"


def test_bus_reset_sets_the_address_to_zero() -> None:
    device = Device()
    device.write(DCFG.OFFSET, DCFG.DevAddr.put(7))
    device.bus_reset()
    assert DCFG.DevAddr.get(device.read(DCFG.OFFSET)) == 0
    assert device.in_(0) == "NAK"


# -- SETUP with buffer DMA (section 10) -------------------------------------------------------


def test_setup_waits_in_the_fifo_until_ep0_is_enabled() -> None:
    device = Device(dma=True)
    device.setup(GET_DEVICE)
    assert device.doepint(0) == 0
    device.arm_setup()
    assert bytes(device.memory.data[:8]) == GET_DEVICE
    assert device.doepint(0) == DOEPINT.StupPktRcvd.mask | DOEPINT.XferCompl.mask


def test_setup_causes_in_two_steps() -> None:
    """Section 14 item 2: StupPktRcvd and XferCompl at the SETUP, SetUp at the next token."""
    device = Device(dma=True)
    device.arm_setup()
    device.setup(GET_DEVICE)
    assert device.doepint(0) == DOEPINT.StupPktRcvd.mask | DOEPINT.XferCompl.mask
    assert not device.read(DOEPCTL0.OFFSET) & EPENA
    device.write(DOEPINT.at(0), 0xFFFF)
    device.in_(0)
    assert device.doepint(0) == DOEPINT.SetUp.mask
    assert DOEPTSIZ0.XferSize.get(device.read(DOEPTSIZ0.OFFSET)) == 0
    assert device.read(DOEPDMA.at(0)) == BASE + 8


def test_setup_is_written_even_with_nothing_programmed() -> None:
    """TinyUSB arms with XferSize 0 and PktCnt 0 (section 10)."""
    device = Device(dma=True)
    device.write(DOEPTSIZ0.OFFSET, 3 << 29)
    device.write(DOEPDMA.at(0), BASE + 0x20)
    device.set(DOEPCTL0.OFFSET, EPENA)
    device.setup(GET_DEVICE)
    assert bytes(device.memory.data[0x20:0x28]) == GET_DEVICE
    assert DOEPTSIZ0.XferSize.get(device.read(DOEPTSIZ0.OFFSET)) == 0


def test_three_setups_are_stored_back_to_back() -> None:
    """Section 10: the last SETUP is found at DOEPDMA0 - 8."""
    device = Device(dma=True)
    device.arm_setup()
    setups = [bytes([0x80, 6, i, 1, 0, 0, 18, 0]) for i in range(4)]
    for one in setups[:3]:
        assert device.setup(one) == "ACK"
    assert bytes(device.memory.data[:24]) == b"".join(setups[:3])
    assert device.read(DOEPDMA.at(0)) == BASE + 24
    device.setup(setups[3])
    assert bytes(device.memory.data[:8]) == setups[3]
    assert device.read(DOEPDMA.at(0)) == BASE + 8


def test_rx_registers_are_dead_in_dma_mode() -> None:
    device = Device(dma=True)
    device.setup(GET_DEVICE)
    assert not device.gintsts() & RXFLVL
    assert device.read(GRXSTSP.OFFSET) == 0
    device.arm_setup()
    assert bytes(device.memory.data[:8]) == GET_DEVICE


def test_ep0_in_data_is_fetched_by_dma() -> None:
    device = Device(dma=True)
    device.memory.data[4:7] = b"abc"
    device.start_in(0, 3, 1, BASE + 4)
    assert device.in_(0) == (PID.DATA0, b"abc")
    assert device.read(DIEPDMA.at(0)) == BASE + 8


@pytest.mark.parametrize("dma", [False, True])
def test_status_out_with_data_is_stalled_when_asked_for(dma: bool) -> None:
    """Section 4, DCFG.NZStsOUTHShk: STALL, and the packet is not delivered."""
    device = Device(dma=dma)
    device.write(DCFG.OFFSET, DCFG.NZStsOUTHShk.mask)
    if dma:
        device.arm_setup()
    device.setup(GET_DEVICE)
    if not dma:
        device.pop()  # until it was seen, EP0 keeps its NAK
    device.start_out(0, 64, 1, BASE + 0x100)
    assert device.out(0, PID.DATA1, b"abc") == "STALL"
    assert bytes(device.memory.data[0x100:0x103]) == bytes(3)
    assert not device.read(DOEPCTL0.OFFSET) & STALL
    # What arrived does not count: the stage may still end as it should.
    assert device.out(0, PID.DATA1) == "ACK"


@pytest.mark.parametrize("setup", ["read", "write", "no data"])
def test_out_data_is_taken_unless_it_is_a_status_stage(setup: str) -> None:
    device = Device()
    if setup != "read":
        device.write(DCFG.OFFSET, DCFG.NZStsOUTHShk.mask)
    device.setup(
        {
            "read": GET_DEVICE,
            "write": bytes([0x21, 0x20, 0, 0, 0, 0, 7, 0]),
            "no data": bytes([0x80, 0, 0, 0, 0, 0, 0, 0]),
        }[setup]
    )
    device.pop()
    device.start_out(0, 64, 1)
    assert device.out(0, PID.DATA1, b"abc") == "ACK"
