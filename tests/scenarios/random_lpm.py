# SPDX-License-Identifier: Apache-2.0
"""Random traffic with LPM tokens in between: every answer, and all of L1, judged in lockstep.

`-- STEPS` sets the number of steps (default 250).
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import DCTL, GINTSTS, GLPMCFG, PCGCCTL
from random_traffic import Player
from tb.kernel import sleep, spawn, us

PROBE = False
HOST = False
PARAMETERS = {"LPM": 1}
RUNS = [
    {"lockstep": True},
    {"lockstep": True, "mode": "slave", "speed": "full"},
]
FAULTS: tuple[dict[str, Any], ...] = (
    {"bad_crc": True},
    {"bad_crc5": True},
    {"bad_pid": True},
    {"truncate": 1},
    {"extend": 1},
    {"extend": 7},
    {"no_data": True},
    {"wrong_toggle": True},
    {"wrong_address": True},
    {"rx_error_at": 2},
    {"data_gap_ns": 9_000},
    {"endpoint": 3},
    {"link_state": 2},
)
ALWAYS = GLPMCFG.LPMCap.mask | GLPMCFG.AppL1Res.mask
SOMETIMES = (GLPMCFG.LPM_RejectCtrl.mask, GLPMCFG.LPM_AcceptIsoc.mask, GLPMCFG.EnblSlpM.mask)


class LpmPlayer(Player):
    """Plays LPM too.

    Attributes:
        naps: how often L1 was entered.
    """

    naps = 0

    async def settings(self) -> None:
        """Write GLPMCFG, mostly so that something happens."""
        value = ALWAYS | sum(bit for bit in SOMETIMES if self.random.random() < 0.5)
        if self.random.random() < 0.2:
            value &= ~self.random.choice([GLPMCFG.LPMCap.mask, GLPMCFG.AppL1Res.mask])
        await self.hw.write32(GLPMCFG.OFFSET, value)

    async def idle(self) -> None:
        """Let nothing wait in a FIFO: else all tokens got NYET."""
        for n in (1, 2, 3):
            self.unacknowledged.discard(n)
            await self.stop_in(n)
        await self.drain()

    async def token(self) -> None:
        """Ask, perhaps wrongly; what happens in L1 is random too."""
        knobs: dict[str, Any] = {}
        if self.random.random() < 0.3:
            knobs = self.random.choice(FAULTS)
        remote = self.random.random() < 0.5
        answer = await self.wire.lpm(0, self.random.randrange(3), remote, **knobs)
        if answer.handshake == "ACK":
            await self.nap(remote)
        await self.status()

    async def racing_token(self) -> None:
        """Ask while registers are being written."""
        task = spawn(self.wire.lpm(0, 0, True))
        await self.random.choice([self.start_in, self.start_out, self.settings, self.status])()
        if (await task).handshake == "ACK":
            await self.nap(True)

    async def nap(self, remote: bool) -> None:
        self.naps += 1
        for _ in range(self.random.randrange(4)):
            await sleep(us(self.random.randrange(12)))
            await self.random.choice(
                [self.start_in, self.start_out, self.status, self.look, self.masks]
            )()
        await sleep(us(15))
        ways = [self.wire.resume, self.wire.resume, self.bus_reset]
        if remote:
            ways += [self.by_device] * 2
        await self.random.choice(ways)()

    async def by_device(self) -> None:
        await self.set(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        for _ in range(700):
            if self.wire.line_state == "K":
                break
            await sleep(us(0.1))
        else:
            raise AssertionError("no remote wake-up")
        await self.wire.resume()

    async def status(self) -> None:
        await self.hw.read32(GLPMCFG.OFFSET)
        await self.hw.read32(PCGCCTL.OFFSET)
        await self.hw.write32(GINTSTS.OFFSET, await self.hw.read32(GINTSTS.OFFSET))


async def main(bench: Any) -> None:
    player = LpmPlayer(bench)
    await player.boot()
    await player.settings()
    weights = [
        (player.token, 8),
        (player.racing_token, 4),
        (player.settings, 2),
        (player.idle, 4),
        (player.status, 2),
        (player.start_in, 2),
        (player.start_out, 4),
        (player.out, 4),
        (player.in_, 6),
        (player.control, 4),
        (player.drain, 5),
        (player.interrupts, 2),
        (player.stall, 1),
    ]
    for _ in range(int(bench.args[0]) if bench.args else 250):
        step = bench.random.choices(*zip(*weights, strict=True))[0]
        await step()
    assert player.naps > 5, player.naps
    await player.drain()
    await sleep(us(50))
