# SPDX-License-Identifier: Apache-2.0
"""SET_ADDRESS to every kind of address, and a bus reset while software has stopped the clock.

Drivers write DCFG.DevAddr before the status stage, which still comes to the old address.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pymodel.gen.udc_regs import DCFG, DIEPCTL, DIEPTSIZ, GINTSTS, PCGCCTL
from pymodel.packets import PID
from raw import drain
from raw_endpoints import ADDRESS, Endpoints
from tb.kernel import sleep, us
from tb.usb import SetupPacket

PROBE = False
HOST = False
RUNS = [{"mode": "slave", "lockstep": True}]
PAIRS: list[dict[str, Any]] = [{"mode": "slave"}]


async def move(ep: Endpoints, old: int, new: int) -> None:
    """Run SET_ADDRESS; the device is at the new address afterwards and nowhere else."""
    hw, wire = ep.hw, ep.bench.wire
    setup = bytes(SetupPacket(0, 5, new, 0, 0))
    assert (await wire.setup(old, 0, setup)).handshake == "ACK"
    await sleep(us(5))
    await drain(ep.bench)
    dcfg = await hw.read32(DCFG.OFFSET)
    await hw.write32(DCFG.OFFSET, dcfg & ~DCFG.DevAddr.mask | DCFG.DevAddr.put(new))
    await hw.write32(DIEPTSIZ.at(0), DIEPTSIZ.PktCnt.put(1))
    await hw.write32(DIEPCTL.at(0), DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask)
    result = await wire.in_(old, 0)
    assert (result.rx_pid, result.rx_data) == (PID.DATA1, b""), (old, new, result)
    await sleep(us(5))
    if old != new:
        assert (await wire.in_(old, 1)).handshake is None
    assert (await wire.in_(new, 1)).handshake == "NAK"


async def reset_without_clock(ep: Endpoints, stopped: bool) -> None:
    """ResetDet tells a reset that came while the clock was stopped."""
    await ep.hw.write32(PCGCCTL.OFFSET, PCGCCTL.StopPclk.put(int(stopped)))
    await ep.hw.write32(GINTSTS.OFFSET, 0xFFFF_FFFF)
    await ep.bus_reset()
    causes = await ep.hw.read32(GINTSTS.OFFSET)
    assert causes & GINTSTS.USBRst.mask
    assert bool(causes & GINTSTS.ResetDet.mask) == stopped
    await ep.hw.write32(PCGCCTL.OFFSET, 0)


async def main(bench: Any) -> None:
    ep = Endpoints(bench)
    await ep.start()
    await ep.open(1, True, TxFNum=1)
    addresses = [ADDRESS, 9, 9, 0, 127, 0]
    for old, new in pairwise(addresses):
        await move(ep, old, new)
    await reset_without_clock(ep, False)
    await reset_without_clock(ep, True)
