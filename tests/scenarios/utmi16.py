# SPDX-License-Identifier: Apache-2.0
"""A UTMI of 16 bits: packets of every length and with every error, at the PHY's longest and
shortest delays, and the scenarios of the line on the same hardware.

The checker judges the times of the answers (USB 2.0 section 7.1.18).
"""

from __future__ import annotations

import chirp
import isochronous
import lpm
import remote_wakeup
import suspend_resume
from pymodel.gen.udc_regs import DOEPTSIZ, GHWCFG4, GLPMCFG
from pymodel.packets import PID
from raw_endpoints import ADDRESS, BUFFER, BULK, OUT_BUFFERS, Endpoints
from suspended import clear, connect
from tb.kernel import now, sleep, us

HOST = False
PROBE = False
PARAMETERS = {"UTMI_WIDTH": 16, "LPM": 1}
ICARUS = True
RUNS = [
    {"args": ["short"]},
    {},
    {"speed": "full"},
    {"core-mhz": "60"},
    {"args": ["chirp"]},
    {"args": ["suspend_resume"]},
    {"args": ["remote_wakeup"]},
    {"args": ["isochronous"]},
    {"args": ["l1"]},
    {"args": ["l1"], "speed": "full"},
]
SCENARIOS = {
    "chirp": chirp,
    "suspend_resume": suspend_resume,
    "remote_wakeup": remote_wakeup,
    "isochronous": isochronous,
}
# The PHY's longest delays and the shortest that it can have
DELAYS = (
    {},
    {"hs_rx": 0, "hs_tx": 2, "fs_rx": 0, "fs_tx": 2},
    {"hs_rx": 6, "fs_rx": 3},
)
# Errors of a packet from the host, each place of the first words among them
SPOILT = (
    {"bad_crc": True},
    {"bad_pid": True},
    {"no_data": True},
    *({"rx_error_at": at} for at in range(6)),
    *({"truncate": by} for by in range(1, 5)),
    *({"extend": by} for by in range(1, 4)),
)
SPOILT_TOKEN = (
    {"bad_crc5": True},
    {"bad_pid": True},
    {"wrong_address": True},
    *({"rx_error_at": at} for at in range(3)),
    *({"truncate": by} for by in range(1, 3)),
    *({"extend": by} for by in range(1, 4)),
)


class Pair:
    """A bulk OUT and a bulk IN endpoint, both number 1, and what the host's toggle should be."""

    def __init__(self, bench, rig: Endpoints, size: int) -> None:
        self.bench, self.rig, self.size = bench, rig, size
        self.pid = PID.DATA0
        self.ping = False

    async def out(self, data: bytes) -> None:
        """Send one packet, and look at what reaches the memory."""
        await self.rig.receive(1, 1)
        memory = self.bench.hw.memory
        memory.write(OUT_BUFFERS + BUFFER, bytes(self.size))
        result = await self.send(data)
        assert result.handshake in ("ACK", "NYET"), (len(data), result)
        self.pid = PID.DATA1 if self.pid == PID.DATA0 else PID.DATA0
        await sleep(us(5))
        left = DOEPTSIZ.XferSize.get(await self.bench.hw.read32(DOEPTSIZ.at(1)))
        assert self.size - left == len(data)
        assert memory.read(OUT_BUFFERS + BUFFER, len(data)) == data, len(data)

    async def send(self, data: bytes, **knobs):
        """Send an OUT transaction with the next toggle, at high speed after a PING if need be."""
        if self.ping:
            result = await self.bench.wire.ping(ADDRESS, 1)
            assert result.handshake == "ACK", result
        result = await self.bench.wire.out(ADDRESS, 1, self.pid, data, **knobs)
        self.ping = result.handshake == "NYET"
        return result

    async def in_(self, data: bytes) -> None:
        """Fetch one packet."""
        await self.rig.send(1, data)
        await sleep(us(10))
        assert await self.rig.in_wait(1) == data, len(data)

    async def spoilt(self, data: bytes) -> None:
        """Errors in OUT data, in tokens and in handshakes: silence, and the next one is heard."""
        for knobs in SPOILT:
            await self.rig.receive(1, 1)
            result = await self.send(data, **knobs)
            assert result.handshake is None, (knobs, result)
            await self.out(data)
        for knobs in SPOILT_TOKEN:
            await self.rig.send(1, data)
            await sleep(us(10))
            got = await self.rig.in_(1, **knobs)
            assert got is None, (knobs, got)
            assert await self.rig.in_wait(1) == data, knobs
        for knobs in (
            {"no_handshake": True},
            {"handshake_pid": PID.NAK},
            {"handshake_pid": PID.SOF},
        ):
            await self.rig.send(1, data)
            await sleep(us(10))
            # at once the next token: the handshake is not waited for
            for again in (knobs, {}):
                result = await self.bench.wire.in_(ADDRESS, 1, 1024, **again)
                assert result.rx_data == data, (knobs, again, result)
            await sleep(us(5))


async def traffic(bench, lengths: list[int], delays: tuple[dict[str, int], ...]) -> None:
    """Packets both ways."""
    size = 512 if bench.options.speed == "high" else 64
    width = GHWCFG4.PhyDataWidth.get(await bench.hw.read32(GHWCFG4.OFFSET))
    assert width == 1, width
    rig = Endpoints(bench)
    await rig.start()
    await rig.open(1, False, BULK, size)
    await rig.open(1, True, BULK, size, TxFNum=1)
    pair = Pair(bench, rig, size)
    for delay in delays:
        if bench.options.backend != "model":
            bench.controller.wire.set_delays(**delay)
        for length in lengths:
            data = rig.random(min(length, size))
            await pair.out(data)
            await pair.in_(data)
        # ones: each sixth bit is followed by a stuffed one
        for length in (size - 1, size):
            await pair.out(b"\xff" * length)
            await pair.in_(b"\xff" * length)
        for length in (6, 7) if len(lengths) > 8 else (6,):
            await pair.spoilt(rig.random(length))


async def l1(bench) -> None:
    """Extended tokens; into L1 in time, and out of it by the host."""
    hw, wire = bench.hw, bench.wire
    await connect(bench)
    await hw.write32(GLPMCFG.OFFSET, lpm.ALLOWED)
    assert (await wire.lpm(0, 5, link_state=2)).handshake == "STALL"
    assert (await wire.lpm(1)).handshake is None
    assert (await wire.lpm(0, bad_crc=True)).handshake is None
    for besl in (0, 5):
        await clear(bench)
        assert (await wire.lpm(0, besl)).handshake == "ACK"
        start = now()
        while not await lpm.asleep(bench):
            assert now() < start + us(11)
        assert now() > start + us(7)
        start = now()
        while not await hw.read32(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask:
            assert now() < start + us(55)
        assert now() > start + us(48)
        await wire.resume()
        await sleep(us(5))
        await lpm.awake(bench)
        await lpm.alive(bench)


async def main(bench) -> None:
    args = bench.args or ["traffic"]
    if args[0] == "traffic":
        await traffic(bench, [*range(18), 62, 63, 64, 509, 510, 511, 512], DELAYS)
    elif args[0] == "short":
        await traffic(bench, [0, 1, 2, 63], DELAYS[:1])
    elif args[0] == "l1":
        await l1(bench)
    else:
        await SCENARIOS[args[0]].main(bench)
