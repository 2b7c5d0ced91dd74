# SPDX-License-Identifier: Apache-2.0
"""A reset of any kind at any moment: whatever was going on, the device starts anew.

Bus reset right after a packet, core soft reset, soft disconnect and loss of VBUS while a
transaction or a DMA transfer is on its way. After each, a whole control transfer and a packet each
way pass. `-- ROUNDS` sets how often (default 40).
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import DCTL, DIEPCTL, DOEPCTL, DSTS, GINTSTS, GRSTCTL
from pymodel.packets import PID
from random_traffic import Player
from tb.kernel import ns, sleep, spawn, us

PROBE = False
HOST = False
RUNS = [
    {},
    {"lockstep": True},
    {"lockstep": True, "mode": "slave"},
    {"lockstep": True, "speed": "full", "seed": "2"},
]
IDLE = GRSTCTL.AHBIdle.mask


class Rebooting(Player):
    """A player that loses the ground under its feet."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        super().__init__(bench)
        self.bench = bench

    async def traffic(self) -> Any:
        """Get something going; returns the task that drives the wire."""
        choice = self.random.random
        await self.start_in()
        await self.start_out()
        if choice() < 0.3:
            await self.in_()
        if choice() < 0.3:
            await self.out()
        step = self.random.choice([self.in_, self.out, self.out, self.control, self.ping])
        return spawn(step())

    def cut_off(self) -> None:
        """What the device is sending breaks off."""
        now = self.bench.kernel.now
        self.bench.checker.cut_off(now, now + us(20))

    async def bus_reset_now(self) -> None:
        """Reset as soon as the packet is over; what it was to do may still be going on."""
        await (await self.traffic())
        await self.bus_reset()

    async def soft_reset(self) -> None:
        """GRSTCTL.CSftRst while a transaction is on the wire."""
        task = await self.traffic()
        await sleep(ns(self.random.randrange(20_000)))
        self.cut_off()
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        await self.until(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, False)
        await self.until(GRSTCTL.OFFSET, IDLE, True)
        try:
            await task
        except AssertionError:
            pass  # a control transfer that the reset has cut off
        for base in (DIEPCTL, DOEPCTL):
            assert await self.hw.read32(base.at(1)) == 0
        self.wire.vbus(False)
        await sleep(us(50))
        await self.boot()

    async def unplug(self) -> None:
        """VBUS goes while a transaction is on the wire."""
        task = await self.traffic()
        await sleep(ns(self.random.randrange(5_000)))
        self.cut_off()
        self.wire.vbus(False)
        try:
            await task
        except AssertionError:
            pass
        await sleep(us(50))
        self.wire.vbus(True)
        await sleep(us(50))
        await self.bus_reset()

    async def disconnect(self) -> None:
        """DCTL.SftDiscon while a transaction is on the wire."""
        task = await self.traffic()
        await sleep(ns(self.random.randrange(5_000)))
        self.cut_off()
        await self.set(DCTL.OFFSET, DCTL.SftDiscon.mask)
        try:
            await task
        except AssertionError:
            pass
        await sleep(us(50))
        await self.hw.write32(DCTL.OFFSET, 0)
        await sleep(us(50))
        await self.bus_reset()

    async def tidy(self) -> None:
        """What a driver does after a reset: endpoints at rest, FIFOs empty, causes clear."""
        for n in range(4):
            if await self.hw.read32(DIEPCTL.at(n)) & 1 << 31:
                await self.stop_in(n)
            if n and await self.hw.read32(DOEPCTL.at(n)) & 1 << 31:
                await self.set(DOEPCTL.at(n), DOEPCTL.EPDis.mask | DOEPCTL.SNAK.mask)
                await sleep(us(5))
            for base in (DIEPCTL, DOEPCTL):
                # `stop_in` may have left a stall
                value = await self.hw.read32(base.at(n))
                await self.hw.write32(base.at(n), value & ~DIEPCTL.Stall.mask)
        flush = GRSTCTL.TxFFlsh.mask | GRSTCTL.RxFFlsh.mask
        await self.hw.write32(GRSTCTL.OFFSET, flush | GRSTCTL.TxFNum.put(0x10))
        await self.until(GRSTCTL.OFFSET, flush, False)
        await self.interrupts()
        await self.hw.write32(GINTSTS.OFFSET, 0xFFFF_FFFF)

    async def works(self) -> None:
        """A packet each way through endpoint 1, and a SETUP."""
        assert DSTS.EnumSpd.get(await self.hw.read32(DSTS.OFFSET)) == self.full
        await self.arm_out(1, self.mps, 1)
        result = await self.wire.out(0, 1, PID.DATA0, bytes(self.mps))
        assert result.handshake in ("ACK", "NYET"), result
        self.toggle[1] ^= 1
        if result.handshake == "NYET":
            self.must_ping.add(1)
        await self.drain()
        await self.arm_in(1, self.mps, 1)
        await sleep(us(20))
        result = await self.wire.in_(0, 1, self.mps)
        assert (result.handshake, len(result.rx_data)) == ("ACK", self.mps), result
        await self.arm_setup()
        assert (await self.wire.setup(0, 0, bytes(8))).handshake == "ACK"
        await self.drain()


async def main(bench: Any) -> None:
    player = Rebooting(bench)
    await player.boot()
    kinds = [player.bus_reset_now, player.soft_reset, player.unplug, player.disconnect]
    for number in range(int(bench.args[0]) if bench.args else 40):
        await kinds[number % 4]()
        await player.tidy()
        await player.works()
