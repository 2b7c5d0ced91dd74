# SPDX-License-Identifier: Apache-2.0
"""Register sequences that real drivers were seen to run (facts sections 16 and 17).

Each line is an access in the order of the driver: `W` writes, `R` must read the value that a
controller of ours has to show at that moment.
"""

from __future__ import annotations

import pytest

from pymodel.gen import udc_regs
from pymodel.gen.udc_regs import DOEPDMA, DOEPINT, GINTSTS
from pymodel.packets import PID
from pymodel.trace import Line
from tests.pymodel.model_device import BASE, Device

LINUX_DMA = """
R GSNPSID 4f54400a
R GRSTCTL 80000000
W GRSTCTL 80000001
R GRSTCTL 80000000
R GUSBCFG 00001400
W GUSBCFG 40001400
R GINTSTS 04000020
R GUSBCFG 40001400
W DIEPCTL0 00000800
W DOEPCTL0 00000800
W DIEPCTL1 00001000
R DIEPCTL1 00001000
R DTXFSTS0 00000100
W GRSTCTL 80000001
R GRSTCTL 80000000
R GUSBCFG 40001400
W GUSBCFG 40001407
R DIEPCTL1 00000000
W GUSBCFG 40002407
W GRXFSIZ 00000400
W GNPTXFSIZ 01000400
W DIEPTXF1 00fd0500
R DIEPTXF1 00fd0500
W GDFIFOCFG 0beb0ff0
R GDFIFOCFG 0beb0ff0
W GRSTCTL 00000430
R GRSTCTL 80000400
W DCTL 00000002
W DCFG 00040000
W GOTGINT ffffffff
W GINTSTS ffffffff
R GINTSTS 04000020
W GINTMSK d8b03cc4
W GAHBCFG 00000023
W DIEPMSK 0000000f
W DOEPMSK 0000002f
W DAINTMSK 00000000
R GINTMSK d8b03cc4
W GINTMSK d8bc3cc4
W DAINTMSK 00010001
R DAINTMSK 00010001
W DCTL 00000802
R DCTL 00000802
W DCTL 00000002
W DOEPTSIZ0 20080008
W DOEPCTL0 84008000
W DIEPCTL0 00008000
R DCTL 00000002
W DCTL 00000502
R DCTL 00000002
R DOEPCTL0 80008000
W DOEPTSIZ0 00080008
W DOEPDMA0 10000008
W DOEPCTL0 80008000
R DOEPCTL0 80008000
W DCTL 00000000
"""
TINYUSB_DMA = """
R GAHBCFG 00000000
W GUSBCFG 00001400
R GRSTCTL 80000000
W GRSTCTL 80000001
R GRSTCTL 80000000
W GUSBCFG 00002400
W GUSBCFG 00002407
R PCGCCTL 00000000
W GRSTCTL 00000420
R GRSTCTL 80000400
W GRSTCTL 00000010
R GRSTCTL 80000000
W GINTSTS ffffffff
W GOTGINT ffffffff
W GINTMSK 00000000
W GAHBCFG 00000026
R GAHBCFG 00000026
W DCFG 00000004
W DCTL 00000002
R GUSBCFG 00002407
W GUSBCFG 40002407
W GOTGCTL 000900c0
R GOTGCTL 000900c0
W GINTMSK 80003004
W GAHBCFG 00000027
W DCTL 00000000
R DCTL 00000000
"""


def offset_of(name: str) -> int:
    """Return the offset of a register written as in a driver's listing (DIEPCTL1, DTXFSTS0)."""
    found = getattr(udc_regs, name, None)
    if found is not None:
        return int(found.OFFSET)
    return int(getattr(udc_regs, name.rstrip("0123456789")).at(int(name[-1])))


def replay(device: Device, listing: str) -> None:
    for line in listing.split("\n"):
        if not line:
            continue
        access, name, value = line.split()
        if access == "W":
            device.write(offset_of(name), int(value, 16))
        else:
            assert f"{device.read(offset_of(name)):08x}" == value, line


@pytest.mark.parametrize("listing", [LINUX_DMA, TINYUSB_DMA], ids=["linux", "tinyusb"])
def test_initialisation(listing: str) -> None:
    device = Device(attach=False)
    replay(device, listing)
    assert not device.model.pull_up or listing is TINYUSB_DMA
    device.line(Line.VBUS_ON)
    assert device.model.pull_up


def test_linux_enumeration_begins() -> None:
    """Reset, then a SETUP: what Linux reads in its interrupt handler (dma mode)."""
    device = Device(attach=False)
    device.dma = True
    replay(device, LINUX_DMA)
    device.line(Line.VBUS_ON)
    device.write(GINTSTS.OFFSET, 0xFFFFFFFF)
    device.line(Line.RESET_START)
    replay(device, "R GINTSTS 04001020\nR GOTGCTL 00090000\nW GINTSTS 00001000\nW DCFG 00040000")
    device.line(Line.RESET_END)
    replay(device, "R GINTSTS 04002020\nR DSTS 00000000\nW GINTSTS 00002000\nR DOEPCTL0 80028000")
    device.setup(bytes([0x80, 6, 0, 1, 0, 0, 64, 0]))
    assert device.in_(0) == "NAK"
    assert device.model.irq
    assert device.doepint(0) & DOEPINT.SetUp.mask
    replay(device, "R DAINT 00010000\nR DOEPTSIZ0 00080000\nR DIEPCTL0 00028000")
    assert device.read(DOEPDMA.at(0)) == BASE + 16
    device.write(DOEPINT.at(0), 0xFFFF)
    replay(device, "W DIEPTSIZ0 00080012\nW DIEPDMA0 10000100\nW DIEPCTL0 84038000")
    replay(device, "R DIEPCTL0 80008000")
    assert device.in_(0) == (PID.DATA1, bytes(18))
    replay(device, "R DAINT 00000001\nW DIEPINT0 00000001\nR DIEPTSIZ0 00000000")
    replay(device, "W DOEPTSIZ0 20080000\nW DOEPCTL0 84038000")
    assert device.out(0, PID.DATA1) == "ACK"
    replay(device, "R DAINT 00010000\nW DOEPINT0 00000001\nR DOEPTSIZ0 20000000")
    replay(device, "R DOEPCTL0 00028000")
