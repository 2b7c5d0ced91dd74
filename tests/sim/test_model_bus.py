# SPDX-License-Identifier: Apache-2.0
"""The bus face of the model: register accesses, FIFO bursts, DMA, and who drives time."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import GAHBCFG, GINTMSK, GINTSTS
from pymodel.packets import PID
from pymodel.wire import Status
from tb.kernel import ns, sleep, us
from tests.sim.model_rig import BASE, Rig, run


def test_register_access_takes_bus_time_and_irq_is_called() -> None:
    async def main(rig: Rig) -> None:
        start = rig.kernel.now
        await rig.bus.read32(0)
        assert rig.kernel.now - start == ns(50)
        levels: list[bool] = []
        rig.bus.on_irq(lambda irq, ep_irq: levels.append(irq))
        await rig.bus.write32(GINTMSK.OFFSET, GINTSTS.NPTxFEmp.mask)
        await rig.bus.write32(GAHBCFG.OFFSET, 1)
        await rig.bus.write32(GAHBCFG.OFFSET, 0)
        await sleep(1)
        assert levels == [True, False]

    run(Rig(), main)


def test_fifo_bursts_in_slave_mode() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(10, 1)
        await rig.bus.write_fifo(0x2000, b"0123456789")
        assert (await rig.in_()).rx_data == b"0123456789"
        await rig.start_out(512, 1)
        await rig.out(PID.DATA0, b"abcdefg")
        assert await rig.bus.read32(0x20) >> 4 & 0x7FF == 7
        assert await rig.bus.read_fifo(0x1000, 7) == b"abcdefg"

    run(Rig(dma=False), main)


def test_dma_reaches_mapped_memory_only() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.map(BASE + 0x10000, 512, device_reads=False, device_writes=True)
        await rig.start_out(512, 1)
        assert (await rig.out(PID.DATA0, b"ok")).status is Status.NYET
        with pytest.raises(OSError, match="DMA reads 4 bytes at 0x10010000"):
            await rig.start_in(4, 1, BASE + 0x10000)

    run(Rig(), main)


def test_dma_latency_delays_the_packet() -> None:
    rig = Rig()
    rig.controller.policy.dma_latency = us(300)

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(4, 1)
        assert (await rig.in_()).status is Status.NAK
        await sleep(us(300))
        assert (await rig.in_()).status is Status.OK

    run(rig, main)


def test_time_can_be_driven_from_outside() -> None:
    """DESIGN section 4: `next_event` and `advance` in picoseconds."""
    rig = Rig()
    task = rig.kernel.spawn(rig.attach())
    rig.kernel.run_ready()
    while not task.finished:
        when = rig.controller.next_event()
        assert when is not None
        rig.controller.advance(when)
    assert task.result() == "high"
    assert rig.controller.clock_cycles == rig.kernel.now * 60 // 1_000_000
