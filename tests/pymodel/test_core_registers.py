# SPDX-License-Identifier: Apache-2.0
"""Registers of the model: reset values, access types, identity (facts sections 2 to 6)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymodel.config import UdcParameters
from pymodel.core import fields as f
from pymodel.gen import udc_regs as gen
from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPCTL0,
    DIEPEMPMSK,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DIEPTSIZ0,
    DIEPTXF,
    DOEPCTL,
    DOEPCTL0,
    DOEPINT,
    DOEPTSIZ0,
    DTXFSTS,
    GAHBCFG,
    GHWCFG2,
    GHWCFG3,
    GHWCFG4,
    GINTMSK,
    GINTSTS,
    GNPTXFSIZ,
    GNPTXSTS,
    GOTGCTL,
    GRSTCTL,
    GRXFSIZ,
    GUID,
    GUSBCFG,
    PCGCCTL,
    reset_values,
)
from tests.pymodel.model_device import Device


@pytest.mark.parametrize(
    "parameters",
    [
        UdcParameters(),
        UdcParameters(num_in_eps=3, num_out_eps=5, fifo_words=1024, dma=0),
        UdcParameters(num_in_eps=11, num_out_eps=15, fifo_words=32768),
        UdcParameters(num_in_eps=1, num_out_eps=1, fifo_words=512),
        UdcParameters(num_in_eps=15, num_out_eps=15, ep_directions=0x5A5A6690),
        UdcParameters(num_in_eps=3, num_out_eps=9, ep_directions=0x00099998),
        UdcParameters(utmi_width=16, data_width=64, soft_disconnect=0),
    ],
)
def test_reset_values_agree_with_the_description(parameters: UdcParameters) -> None:
    device = Device(parameters=parameters, attach=False)
    expected = reset_values(parameters)
    wrong = {
        hex(offset): (hex(device.model.peek(offset)), hex(value))
        for offset, value in expected.items()
        if device.model.peek(offset) != value
    }
    assert not wrong


def test_bits_of_the_model_are_those_of_the_description() -> None:
    """`fields` holds plain integers; they must stay what the register classes say."""
    assert GAHBCFG.RW == f.AHB_BITS
    assert GOTGCTL.RW == f.GOTGCTL_STORED
    assert DCTL.RW == f.DCTL_STORED
    assert DIEPMSK.RW == f.DIEPMSK_BITS
    assert gen.DOEPMSK.RW == f.DOEPMSK_BITS
    assert (DIEPTSIZ0.RW, DOEPTSIZ0.RW) == (f.DIEPTSIZ0_BITS, f.DOEPTSIZ0_BITS)
    assert GINTSTS.WkUpInt.mask == f.INT_WKUP
    assert DIEPINT.INEPNakEff.mask == f.IEP_INEPNAKEFF
    assert DOEPINT.StupPktRcvd.mask == f.OEP_STUPPKTRCVD
    assert (DIEPCTL.CNAK.mask, DIEPCTL.SNAK.mask) == (f.EPCTL_CNAK, f.EPCTL_SNAK)
    assert (DIEPCTL.at(3), DOEPCTL.at(2)) == (0x960, 0xB40)


def test_identity_and_configuration() -> None:
    """Section 14 item 1: an identity that every driver accepts; GHWCFG from the parameters."""
    device = Device(attach=False)
    assert device.read(gen.GSNPSID.OFFSET) == 0x4F54400A
    cfg2 = device.read(GHWCFG2.OFFSET)
    assert GHWCFG2.OtgArch.get(cfg2) == 2
    assert GHWCFG2.NumDevEps.get(cfg2) == 7
    assert GHWCFG3.DfifoDepth.get(device.read(GHWCFG3.OFFSET)) == 4096
    cfg4 = device.read(GHWCFG4.OFFSET)
    assert (GHWCFG4.DedFifoMode.get(cfg4), GHWCFG4.InEps.get(cfg4)) == (1, 7)


def test_power_on_fifo_depths_fit_the_ram() -> None:
    """Section 14 item 6: 1024 + 256 + 7 x 256 of 4096 words."""
    device = Device(attach=False)
    assert device.read(GRXFSIZ.OFFSET) == 1024
    assert device.read(GNPTXFSIZ.OFFSET) == 256 << 16 | 1024
    assert [device.read(DIEPTXF.at(n)) >> 16 for n in range(1, 8)] == [256] * 7
    assert device.read(DIEPTXF.at(8)) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 0xFFFFFFFF))
def test_read_only_bits_ignore_writes_and_commands_read_zero(value: int) -> None:
    for register in (DCFG, GAHBCFG, GINTMSK, DIEPMSK, GOTGCTL, PCGCCTL, DAINTMSK, DIEPEMPMSK):
        device = Device(attach=False)
        before = device.read(register.OFFSET)
        device.write(register.OFFSET, value)
        writable = register.RW & (~DCFG.DescDMA.mask if register is DCFG else 0xFFFFFFFF)
        stored = device.read(register.OFFSET)
        if register is GOTGCTL:  # BSesVld follows the override bits
            stored &= ~GOTGCTL.BSesVld.mask
        assert stored == before & ~writable | value & writable, register.NAME


def test_unknown_offsets_read_zero_and_ignore_writes() -> None:
    device = Device(attach=False)
    for offset in (0x0FC, 0x100, 0x400, 0x7FC, 0x80C, 0xA00, 0xC00, 0x12000, 0x3FFFC):
        device.write(offset, 0xFFFFFFFF)
        assert device.read(offset) == 0, hex(offset)


def test_soft_reset_keeps_gusbcfg_and_guid_only() -> None:
    """Section 3, GRSTCTL: FIFO sizes go back, PHY bits survive, CSftRst clears itself."""
    device = Device()
    for offset, value in {
        GUSBCFG.OFFSET: 0x40002447,
        GUID.OFFSET: 0x1234,
        GRXFSIZ.OFFSET: 100,
        DIEPTXF.at(1): 0x00100100,
        GINTMSK.OFFSET: 0xFFFFFFFE,
        DCFG.OFFSET: 0x50,
        DCTL.OFFSET: 0,
        DIEPCTL.at(1): 0x80088200,
    }.items():
        device.write(offset, value)
    device.write(GRSTCTL.OFFSET, 1)
    assert device.read(GRSTCTL.OFFSET) == 0x80000000
    assert device.read(GUSBCFG.OFFSET) == 0x40002447
    assert device.read(GUID.OFFSET) == 0x1234
    assert device.read(GRXFSIZ.OFFSET) == 1024
    assert device.read(DIEPTXF.at(1)) >> 16 == 256
    assert device.read(GINTMSK.OFFSET) == 0
    assert device.read(DCFG.OFFSET) == 0x08100000
    assert device.read(DCTL.OFFSET) & DCTL.SftDiscon.mask
    assert device.read(DIEPCTL.at(1)) == 0
    assert device.read(DIEPCTL0.OFFSET) == 0x8000


def test_session_valid_follows_vbus_or_the_override() -> None:
    """Section 3, GOTGCTL 19: VBUS, or override bits 6 and 7."""
    device = Device(attach=False)
    assert not device.read(GOTGCTL.OFFSET) & GOTGCTL.BSesVld.mask
    device.write(GOTGCTL.OFFSET, 0xC0)
    assert device.read(GOTGCTL.OFFSET) & GOTGCTL.BSesVld.mask
    device.write(GOTGCTL.OFFSET, 0x40)
    assert not device.read(GOTGCTL.OFFSET) & GOTGCTL.BSesVld.mask


def test_ep0_out_mps_is_a_copy() -> None:
    """Section 5: DOEPCTL0.MPS is a read-only copy of DIEPCTL0.MPS."""
    device = Device()
    device.write(DIEPCTL0.OFFSET, 3)
    assert device.read(DOEPCTL0.OFFSET) & 3 == 3
    device.write(DOEPCTL0.OFFSET, 0)
    assert device.read(DOEPCTL0.OFFSET) & 3 == 3


def test_fifo_status_counts_words() -> None:
    device = Device()
    assert device.read(GNPTXSTS.OFFSET) == 8 << 16 | 256
    device.push(2, bytes(13))
    assert device.read(DTXFSTS.at(2)) == 252
    device.write(DIEPTXF.at(2), 64 << 16 | 2000)
    assert device.read(DTXFSTS.at(2)) == 64


def test_transfer_size_registers_of_ep0_are_narrow() -> None:
    """Section 5: DIEPTSIZ0 6:0 and 20:19; DOEPTSIZ0 6:0, 19, 30:29."""
    device = Device()
    device.write(DIEPTSIZ0.OFFSET, 0xFFFFFFFF)
    assert device.read(DIEPTSIZ0.OFFSET) == 0x0018007F
    device.write(DOEPTSIZ0.OFFSET, 0xFFFFFFFF)
    assert device.read(DOEPTSIZ0.OFFSET) == 0x6008007F
    device.write(DIEPTSIZ.at(1), 0xFFFFFFFF)
    assert device.read(DIEPTSIZ.at(1)) == 0x7FFFFFFF


# -- interrupt cascade (S004-110 to S004-112) -------------------------------------------------


def test_masks_hide_at_every_level_and_clearing_the_cause_clears_all() -> None:
    device = Device()
    device.write(DIEPCTL0.OFFSET, DIEPCTL.SNAK.mask)
    cause = DIEPINT.INEPNakEff.mask
    assert device.diepint(0) & cause
    assert device.read(DAINT.OFFSET) == 0
    device.write(DIEPMSK.OFFSET, cause)
    assert device.read(DAINT.OFFSET) == 1
    assert device.gintsts() & GINTSTS.IEPInt.mask
    device.write(DAINTMSK.OFFSET, 0)
    assert device.read(DAINT.OFFSET) == 1  # DAINTMSK does not gate DAINT
    assert not device.gintsts() & GINTSTS.IEPInt.mask
    device.write(DAINTMSK.OFFSET, 1)
    assert not device.model.irq
    device.write(GINTMSK.OFFSET, GINTSTS.IEPInt.mask)
    assert device.model.irq
    device.write(GAHBCFG.OFFSET, 0)
    assert not device.model.irq
    device.write(GAHBCFG.OFFSET, 1)
    device.write(GINTSTS.OFFSET, GINTSTS.IEPInt.mask)  # a level ignores the write
    assert device.model.irq
    device.write(DIEPINT.at(0), cause)
    assert not device.model.irq
    assert device.read(DAINT.OFFSET) == 0


def test_bit_7_of_diepmsk_is_stored_and_does_nothing() -> None:
    """Section 4: Linux writes 1 there and would die of an interrupt storm (measured)."""
    device = Device()
    device.write(DIEPMSK.OFFSET, 0x80)
    assert device.read(DIEPMSK.OFFSET) == 0x80
    assert device.diepint(0) & 0x80
    assert device.read(DAINT.OFFSET) == 0
    device.write(DIEPEMPMSK.OFFSET, 2)
    assert device.read(DAINT.OFFSET) == 2


def test_txfemp_is_a_level_of_half_or_all() -> None:
    """Section 3 GAHBCFG 7 and section 5 DIEPINT 7."""
    device = Device()
    device.open(1, True, fifo=1)
    device.write(DIEPEMPMSK.OFFSET, 2)
    device.push(1, bytes(512))
    assert device.diepint(1) & 0x80  # exactly half of 256 words
    device.push(1, bytes(4))
    assert not device.diepint(1) & 0x80
    assert device.read(DAINT.OFFSET) == 0
    device.write(DIEPINT.at(1), 0xFFFF)
    device.write(GRSTCTL.OFFSET, 1 << 6 | GRSTCTL.TxFFlsh.mask)
    assert device.diepint(1) & 0x80
    device.write(GAHBCFG.OFFSET, 0x81)
    device.push(1, bytes(4))
    assert not device.diepint(1) & 0x80


def test_per_endpoint_lines() -> None:
    device = Device()
    device.write(gen.DIEPEACHMSK.at(0), DIEPINT.INEPNakEff.mask)
    device.write(gen.DEACHMSK.OFFSET, 0x1)
    assert device.model.ep_irq == 0
    device.write(DIEPCTL0.OFFSET, DIEPCTL.SNAK.mask)
    assert device.model.ep_irq == 1
    device.write(DIEPINT.at(0), 0xFFFF)
    assert device.model.ep_irq == 0
