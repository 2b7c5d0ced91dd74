# SPDX-License-Identifier: Apache-2.0
"""The raw bus face: identity, reset values, access types; nobody else owns the registers."""

from __future__ import annotations

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    GAHBCFG,
    GHWCFG2,
    GHWCFG4,
    GINTMSK,
    GINTSTS,
    GRSTCTL,
    GRXFSIZ,
    GSNPSID,
    GUID,
)
from tb.kernel import timeout, us

PROBE = False
HOST = False
ICARUS = True


async def main(bench) -> None:
    hw = bench.hw
    assert await hw.read32(GSNPSID.OFFSET) == 0x4F54400A
    assert GHWCFG2.NumDevEps.get(await hw.read32(GHWCFG2.OFFSET)) == 7
    assert GHWCFG4.DedFifoMode.get(await hw.read32(GHWCFG4.OFFSET)) == 1
    assert DCTL.SftDiscon.get(await hw.read32(DCTL.OFFSET)) == 1
    assert GRSTCTL.AHBIdle.get(await hw.read32(GRSTCTL.OFFSET)) == 1
    await hw.write32(GUID.OFFSET, 0xCAFEF00D)
    assert await hw.read32(GUID.OFFSET) == 0xCAFEF00D
    await hw.write32(GSNPSID.OFFSET, 0)
    assert await hw.read32(GSNPSID.OFFSET) == 0x4F54400A
    await hw.write32(0x000FC, 0xFFFFFFFF)
    assert await hw.read32(0x000FC) == 0
    await hw.write32(DCFG.OFFSET, DCFG.DevAddr.put(0x55))
    await hw.write32(GRXFSIZ.OFFSET, 100)
    await hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)

    async def until_reset_is_over() -> None:
        while GRSTCTL.CSftRst.get(await hw.read32(GRSTCTL.OFFSET)):
            pass

    await timeout(until_reset_is_over(), us(100))
    assert DCFG.DevAddr.get(await hw.read32(DCFG.OFFSET)) == 0
    assert await hw.read32(GRXFSIZ.OFFSET) == 1024
    assert await hw.read32(GINTMSK.OFFSET) == 0
    assert not hw.irq
    await hw.write32(GINTMSK.OFFSET, GINTSTS.NPTxFEmp.mask)
    assert not hw.irq
    await hw.write32(GAHBCFG.OFFSET, GAHBCFG.GlblIntrMsk.mask)
    if not hw.irq:
        await timeout(hw.irq_change(), us(1))
    assert hw.irq
    await hw.write32(GAHBCFG.OFFSET, 0)
    if hw.irq:
        await timeout(hw.irq_change(), us(1))
