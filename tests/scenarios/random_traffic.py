# SPDX-License-Identifier: Apache-2.0
"""Random registers and random packets: no driver, no host, every choice judged in lockstep.

What comes of a step does not matter here; that RTL and model agree on it does. `-- STEPS` sets
the number of steps (default 150).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pymodel.gen.udc_regs import (
    DAINTMSK,
    DCFG,
    DCTL,
    DEACHINT,
    DEACHMSK,
    DIEPCTL,
    DIEPEACHMSK,
    DIEPEMPMSK,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPEACHMSK,
    DOEPINT,
    DOEPMSK,
    DOEPTSIZ,
    DSTS,
    DTXFSTS,
    FIFO,
    GAHBCFG,
    GHWCFG3,
    GINTMSK,
    GINTSTS,
    GLPMCFG,
    GNPTXFSIZ,
    GNPTXSTS,
    GRSTCTL,
    GRXSTSP,
)
from pymodel.packets import PID
from tb.kernel import sleep, spawn, us

PROBE = False
HOST = False
RUNS = [
    {},
    {"mode": "slave"},
    {"speed": "full"},
    {"lockstep": True},
    {"lockstep": True, "mode": "slave"},
    {"lockstep": True, "mode": "slave", "speed": "full"},
    {"lockstep": True, "speed": "full", "seed": "2"},
    {"fifo": "shared"},
    {"fifo": "shared", "mode": "slave"},
    {"fifo": "shared", "lockstep": True},
    {"fifo": "shared", "lockstep": True, "mode": "slave", "seed": "3"},
]
OUT_FAULTS: tuple[dict[str, Any], ...] = (
    {"bad_crc": True},
    {"bad_crc5": True},
    {"bad_pid": True},
    {"truncate": 1},
    {"no_data": True},
    {"wrong_toggle": True},
    {"wrong_address": True},
    {"rx_error_at": 2},
    {"data_gap_ns": 300},
)
EPENA, EPDIS = DIEPCTL.EPEna.mask, DIEPCTL.EPDis.mask
CNAK, SNAK, STALL = DIEPCTL.CNAK.mask, DIEPCTL.SNAK.mask, DIEPCTL.Stall.mask
ENDPOINTS = (1, 2, 3)
DATA = (PID.DATA0, PID.DATA1)
LOOK = (
    GINTSTS.OFFSET, DEACHINT.OFFSET, 0x818, 0x808, DCTL.OFFSET, DCFG.OFFSET, GNPTXSTS.OFFSET,
    DTXFSTS.at(1),
    *[base.at(n) for n in range(4) for base in (DIEPCTL, DOEPCTL, DIEPINT, DOEPINT)],
    *[base.at(n) for n in range(4) for base in (DIEPTSIZ, DOEPTSIZ)],
)  # fmt: skip


class Player:
    """Plays both sides by dice."""

    def __init__(self, bench: Any) -> None:
        self.random = bench.random
        self.hw = bench.hw
        self.wire = bench.wire
        self.dma = bench.options.mode == "dma"
        self.shared = bench.options.fifo == "shared"
        self.full = bench.options.speed == "full"
        self.base = self.hw.memory.base
        self.mps = self.random.choice([8, 16, 64] if self.full else [8, 64, 512])
        self.toggle = dict.fromkeys(range(5), 0)
        self.must_ping: set[int] = set()
        self.unacknowledged: set[int] = set()
        self.hw.memory.write(self.base, self.random.randbytes(0x8000))
        self.hw.memory.map(self.base, 0x10000, device_reads=True, device_writes=True)

    async def set(self, offset: int, bits: int) -> None:
        await self.hw.write32(offset, await self.hw.read32(offset) | bits)

    async def boot(self) -> None:
        write = self.hw.write32
        await write(GAHBCFG.OFFSET, 1 | (GAHBCFG.DMAEn.mask | 0xE if self.dma else 0))
        await write(DIEPMSK.OFFSET, 0x1F)
        await write(DOEPMSK.OFFSET, 0x1F)
        await write(DAINTMSK.OFFSET, 0xFFFFFFFF)
        await write(GINTMSK.OFFSET, 0xFFFFFFFE & ~GINTSTS.SOF.mask)
        await write(DCTL.OFFSET, 0)
        self.wire.vbus(True)
        await sleep(us(50))
        await self.bus_reset()

        self.lpm_there = bool(GHWCFG3.LPMMode.get(await self.hw.read32(GHWCFG3.OFFSET)))
        self.places = {0: await self.hw.read32(GNPTXFSIZ.OFFSET)}
        for n in ENDPOINTS:
            self.places[n] = await self.hw.read32(DIEPTXF.at(n))

    async def bus_reset(self) -> None:
        await self.wire.reset()
        await self.wire.sof(1)
        await self.hw.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        self.must_ping.clear()
        self.unacknowledged.clear()
        for n in ENDPOINTS:
            kind = 3 if n == 3 else 2
            value = self.mps | 1 << 15 | kind << 18 | DIEPCTL.SetD0PID.mask
            await self.hw.write32(DIEPCTL.at(n), value | DIEPCTL.TxFNum.put(n))
            await self.hw.write32(DOEPCTL.at(n), value)
            self.toggle[n] = 0

    def fifo(self, n: int) -> int:
        """Return the number of an IN endpoint's FIFO."""
        return 0 if self.shared and n != 3 else n

    def limit(self, n: int) -> int:
        return self.mps if n else 64

    async def start_in(self) -> None:
        n, mps = self.random.choice(ENDPOINTS), self.mps
        if await self.hw.read32(DIEPCTL.at(n)) & EPENA:
            return
        size = self.random.choice([0, 1, mps - 1, mps, 2 * mps, 3 * mps + 3])
        await self.arm_in(n, size, max(-(-size // mps), 1) + (self.random.random() < 0.2))

    async def arm_in(self, n: int, size: int, count: int) -> None:
        await self.hw.write32(DIEPTSIZ.at(n), count << 19 | size)
        await self.hw.write32(DIEPTSIZ.at(n) + 4, self.base + 0x1000 * n)
        await self.set(DIEPCTL.at(n), EPENA | CNAK)
        if not self.dma:
            await self.push(n, size)

    async def push(self, n: int, size: int) -> None:
        mps = self.limit(n)
        for start in range(0, size, mps):
            words = -(-min(mps, size - start) // 4)
            if await self.hw.read32(DTXFSTS.at(self.fifo(n))) & 0xFFFF < words:
                return
            for _ in range(words):
                await self.hw.write32(FIFO.at(n), self.random.getrandbits(32))

    async def start_out(self) -> None:
        n = self.random.choice(ENDPOINTS)
        if await self.hw.read32(DOEPCTL.at(n)) & EPENA:
            return
        count = self.random.randint(1, 4)
        await self.arm_out(n, count * self.mps - self.random.randrange(2), count)

    async def arm_out(self, n: int, size: int, count: int) -> None:
        await self.hw.write32(DOEPTSIZ.at(n), count << 19 | size)
        await self.hw.write32(DOEPTSIZ.at(n) + 4, self.base + 0x8000 + 0x2000 * n)
        await self.set(DOEPCTL.at(n), EPENA | CNAK)

    async def out(self, n: int | None = None) -> None:
        """An orderly host: PING after NYET and NAK, DATA1 first after a SETUP, toggles by ACK."""
        if n is None:
            n = self.random.randrange(1, 5)
        if n in self.must_ping and not self.full:
            if (await self.wire.ping(0, n)).handshake != "ACK":
                return
            self.must_ping.discard(n)
        knobs: dict[str, Any] = {}
        if self.random.random() < 0.25:
            knobs = self.random.choice(OUT_FAULTS)
        size = self.random.choice([0, 1, self.limit(n) - 1, self.limit(n)])
        pid = DATA[self.toggle[n]]
        result = await self.wire.out(0, n, pid, self.random.randbytes(size), **knobs)
        if result.handshake in ("NYET", "NAK") and n not in (3, 4):
            self.must_ping.add(n)
        if result.handshake in ("ACK", "NYET") and "wrong_toggle" not in knobs:
            self.toggle[n] ^= 1

    async def in_(self) -> None:
        knobs: dict[str, Any] = {}
        if self.random.random() < 0.25:
            knobs = self.random.choice(
                [{"no_handshake": True}, {"bad_crc5": True}, {"handshake_pid": int(PID.NAK)}]
            )
        n = self.random.randrange(1, 5)
        result = await self.wire.in_(0, n, 512, **knobs)
        if result.handshake == "ACK":
            self.unacknowledged.discard(n)
        elif result.rx_pid:
            self.unacknowledged.add(n)

    async def arm_setup(self) -> None:
        if self.dma and not await self.hw.read32(DOEPCTL.at(0)) & EPENA:
            await self.hw.write32(DOEPTSIZ.at(0), 3 << 29 | 1 << 19 | 24)
            await self.hw.write32(DOEPTSIZ.at(0) + 4, self.base + 0xF000)
            await self.set(DOEPCTL.at(0), EPENA)

    async def control(self) -> None:
        """A control transfer that may end anywhere; the next SETUP starts anew."""
        to_host = self.random.random() < 0.5
        length = self.random.choice([0, 1, 63, 64])
        await self.arm_setup()
        request = bytes([0x80 * to_host | 0x40, self.random.randrange(256), 0, 0, 0, 0, length, 0])
        faults = {"bad_crc": True} if self.random.random() < 0.1 else {}
        if (await self.wire.setup(0, 0, request, **faults)).handshake != "ACK":
            return
        if self.random.random() < 0.2:
            return
        read = to_host and length > 0
        if read:
            assert (await self.wire.in_(0, 0, 64)).handshake == "NAK"
        await self.drain()
        if self.random.random() < 0.1:
            await self.set(DIEPCTL.at(0), STALL)
            await self.set(DOEPCTL.at(0), STALL)
        if self.random.random() < 0.1:
            await self.arm_setup()
        if length and not await self.stage(to_host, length):
            return
        await self.stage(not read, 0)
        await self.drain()

    async def stage(self, to_host: bool, size: int) -> bool:
        """One packet; True if it went through."""
        if to_host:
            if await self.hw.read32(DIEPCTL.at(0)) & EPENA:
                await self.stop_in(0)
            if await self.hw.read32(DIEPCTL.at(0)) & EPENA:
                return False  # a packet of the old transfer may be in the FIFO
            await self.arm_in(0, size, 1)
            answer = await self.wire.in_(0, 0, 64)
        else:
            if await self.hw.read32(DOEPCTL.at(0)) & EPENA:
                await self.set(DOEPCTL.at(0), CNAK)  # armed for SETUPs, takes data as well
            else:
                await self.arm_out(0, 64 if size else 0, 1)
            answer = await self.wire.out(0, 0, PID.DATA1, self.random.randbytes(size))
        return answer.handshake in ("ACK", "NYET")

    async def ping(self) -> None:
        n = self.random.randrange(1, 3)
        if not self.full:
            answer = (await self.wire.ping(0, n)).handshake
            if answer == "ACK":
                self.must_ping.discard(n)
            elif answer == "NAK":
                self.must_ping.add(n)

    async def drain(self) -> None:
        while not self.dma and GINTSTS.RxFLvl.get(await self.hw.read32(GINTSTS.OFFSET)):
            status = await self.hw.read32(GRXSTSP.OFFSET)
            for _ in range(-(-GRXSTSP.BCnt.get(status) // 4)):
                await self.hw.read32(FIFO.at(0))

    async def interrupts(self) -> None:
        for n in range(4):
            for base in (DIEPINT, DOEPINT):
                await self.hw.write32(base.at(n), await self.hw.read32(base.at(n)))

    async def look(self) -> None:
        for offset in self.random.sample(LOOK, 6):
            await self.hw.read32(offset)

    async def stop_in(self, n: int | None = None) -> None:
        if n is None:
            n = self.random.choice(ENDPOINTS)
        if any(self.fifo(one) == self.fifo(n) for one in self.unacknowledged):
            return  # what the host may have got must come again
        await self.set(DIEPCTL.at(n), SNAK)
        if await self.hw.read32(DIEPCTL.at(n)) & EPENA:
            await self.set(DIEPCTL.at(n), EPDIS)
            await self.until(DIEPINT.at(n), DIEPINT.EPDisbld.mask, True)
        await self.hw.write32(GRSTCTL.OFFSET, self.fifo(n) << 6 | GRSTCTL.TxFFlsh.mask)
        await self.until(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask, False)
        if n and self.random.random() < 0.3:
            await self.set(DIEPCTL.at(n), STALL)

    async def flush(self) -> None:
        """Flush a FIFO whatever is going on; move one, or make it smaller."""
        n = self.random.randrange(4)
        if any(self.fifo(one) == n for one in self.unacknowledged):
            return
        if self.random.random() < 0.5:
            await self.hw.write32(GRSTCTL.OFFSET, n << 6 | GRSTCTL.TxFFlsh.mask)
            await self.until(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask, False)
            return
        place = self.places[n] & 0xFFFF | self.random.choice([128, 160, 256]) << 16
        if self.random.random() < 0.5:
            # behind all others
            place = place & ~0xFFFF | 3072 + 256 * n
        await self.hw.write32(DIEPTXF.at(n) if n else GNPTXFSIZ.OFFSET, place)

    async def lpm(self) -> None:
        """An LPM token, whatever else is pending; sleep, and the host's resume."""
        if not self.lpm_there:
            return
        config = self.random.choice([0, 1, 3, 3, 3]) | self.random.getrandbits(2) << 21
        await self.hw.write32(GLPMCFG.OFFSET, config)
        wrong = {"bad_crc": True} if self.random.random() < 0.2 else {}
        state = 1 if self.random.random() < 0.8 else self.random.randrange(16)
        answer = await self.wire.lpm(0, self.random.randrange(16), True, state, **wrong)
        if answer.handshake == "ACK":
            await sleep(us(30))
            await self.look()
            await self.wire.resume()
            await self.wire.sof(1)

    async def suspend(self) -> None:
        """Suspend and resume with all that is under way."""
        await self.wire.suspend()
        for _ in range(2000):
            if DSTS.SuspSts.get(await self.hw.read32(DSTS.OFFSET)):
                break
            await sleep(us(10))
        else:
            raise AssertionError("not suspended")
        await self.choice_of_registers()
        await self.wire.resume()
        await self.wire.sof(1)

    async def choice_of_registers(self) -> None:
        """What software may do at any time."""
        steps = (self.start_in, self.start_out, self.stall, self.interrupts, self.flush, self.look)
        await self.random.choice(steps)()

    async def stop_out(self) -> None:
        """Global NAK, disable, go on (as Linux and TinyUSB do)."""
        n = self.random.choice(ENDPOINTS)
        await self.set(DCTL.OFFSET, DCTL.SGOUTNak.mask)
        for _ in range(50):
            await self.drain()
            if GINTSTS.GOUTNakEff.get(await self.hw.read32(GINTSTS.OFFSET)):
                break
        if await self.hw.read32(DOEPCTL.at(n)) & EPENA:
            await self.set(DOEPCTL.at(n), EPDIS | SNAK)
            await self.until(DOEPINT.at(n), DOEPINT.EPDisbld.mask, True)
        if self.random.random() < 0.5:
            await self.out(n)
        await self.set(DCTL.OFFSET, DCTL.CGOUTNak.mask)

    async def until(self, offset: int, mask: int, on: bool) -> None:
        for _ in range(200):
            if bool(await self.hw.read32(offset) & mask) == on:
                return
        raise AssertionError(f"register {offset:#x}: bits {mask:#x} stay {int(not on)}")

    async def stall(self) -> None:
        n = self.random.choice(ENDPOINTS)
        base = self.random.choice([DIEPCTL, DOEPCTL])
        value = await self.hw.read32(base.at(n))
        await self.hw.write32(base.at(n), value ^ STALL)

    async def in_nak(self) -> None:
        await self.set(DCTL.OFFSET, DCTL.SGNPInNak.mask)
        await self.wire.in_(0, self.random.choice(ENDPOINTS), 512)
        await self.set(DCTL.OFFSET, DCTL.CGNPInNak.mask)

    async def masks(self) -> None:
        await self.hw.write32(DIEPEMPMSK.OFFSET, self.random.getrandbits(4))
        await self.hw.write32(DIEPMSK.OFFSET, self.random.getrandbits(14))
        await self.hw.read32(0x818)
        n = self.random.randrange(4)
        each = self.random.choice([DIEPEACHMSK, DOEPEACHMSK])
        await self.hw.write32(each.at(n), self.random.getrandbits(16) & ~0x80)
        await self.hw.write32(DEACHMSK.OFFSET, self.random.getrandbits(32))
        await self.hw.read32(DEACHINT.OFFSET)

    async def race(self) -> None:
        """Registers and packets at the same time."""
        task = spawn(self.out())
        for _ in range(self.random.randrange(4)):
            await self.look()
        await self.choice_of_registers()
        await task


async def main(bench: Any) -> None:
    player = Player(bench)
    await player.boot()
    Step = Callable[[], Coroutine[Any, Any, None]]
    weights: list[tuple[Step, int]] = [
        (player.start_in, 6),
        (player.start_out, 6),
        (player.out, 10),
        (player.in_, 10),
        (player.control, 4),
        (player.ping, 2),
        (player.drain, 5),
        (player.interrupts, 3),
        (player.look, 4),
        (player.stop_in, 2),
        (player.stop_out, 1),
        (player.stall, 2),
        (player.in_nak, 1),
        (player.masks, 1),
        (player.race, 4),
        (player.flush, 2),
        (player.lpm, 1),
        (player.bus_reset, 0),
    ]
    steps = int(bench.args[0]) if bench.args else 150
    for number in range(steps):
        step = bench.random.choices(*zip(*weights, strict=True))[0]
        if number % 100 == 99:
            step = player.bus_reset
        elif number % 100 == 49:
            step = player.suspend
        await step()
    await player.drain()
    await sleep(us(50))
