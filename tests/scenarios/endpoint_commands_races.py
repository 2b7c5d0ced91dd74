# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands that meet something else: a packet, a disable, a reset, each other."""

from __future__ import annotations

from typing import Any

from endpoint_commands import (
    CLEAR_STALL,
    DONE,
    END,
    LATENCY,
    NO_ENDPOINT,
    SET_STALL,
    START,
    UPDATE,
    Commands,
)
from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DIEPCTL,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPTSIZ,
    EPCMD,
    EPXINT,
    EPXMSK,
    GRSTCTL,
    XCFG,
)
from raw import BulkOut
from raw_endpoints import ADDRESS, BUFFER, IN_BUFFERS, OUT_BUFFERS, Endpoints
from tb.kernel import now, sleep, spawn, us

PROBE = False
HOST = False
PARAMETERS = {"COMMANDS": 1, "CMD_LATENCY": 20, "EP_DIRECTIONS": 0x2400}
RUNS = [
    {"mode": "dma"},
    {"mode": "dma", "lockstep": True},
    {"mode": "slave", "speed": "full"},
    {"mode": "slave", "speed": "full", "lockstep": True},
]
INS = (1, 2, 3, 4, 5, 7)
OUTS = (1, 2, 3, 4, 6, 7)
INDICES = tuple(sorted([2 * n + 1 for n in INS] + [2 * n for n in OUTS]))


class Races:
    """The steps."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.bench = bench
        self.hw = bench.hw
        self.ends = Endpoints(bench)
        self.commands = Commands(bench)
        # of endpoint 1
        self.fifo = 0 if bench.options.fifo == "shared" else 1
        self.size = 512 if bench.options.speed == "high" else 64
        # the time of a packet on the wire
        self.packet = us(9 if self.size == 512 else 45)

    async def open(self) -> None:
        """Open all endpoints."""
        for number in INS:
            await self.ends.open(number, True, size=self.size, TxFNum=number)
        for number in OUTS:
            await self.ends.open(number, False, size=self.size)

    async def latency(self, microseconds: int) -> None:
        """Set the latency of the commands that follow."""
        await self.hw.write32(XCFG.OFFSET, XCFG.CmdLatency.put(microseconds) | XCFG.CmdEn.mask)

    async def clear(self, index: int) -> None:
        """Clear a stall."""
        await self.commands.begin(index, CLEAR_STALL)
        assert await self.commands.status(index) == DONE

    def control(self, index: int) -> int:
        """Return the place of DxEPCTL."""
        return (DIEPCTL if index & 1 else DOEPCTL).at(index >> 1)

    async def latencies(self) -> None:
        """Zero, one microsecond, two milliseconds; disabling commands stops none."""
        for microseconds in (0, 1, 2, 63, 2000):
            await self.latency(microseconds)
            assert await self.commands.run(3, UPDATE, microseconds) == DONE
        await self.latency(30)
        await self.commands.begin(3, SET_STALL)
        await self.hw.write32(XCFG.OFFSET, 0)
        assert await self.commands.status(3) == DONE
        assert await self.hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
        await self.latency(0)
        await self.clear(3)

    async def together(self) -> None:
        """All of them at once, each with its interrupt."""
        hw = self.hw
        await hw.write32(DAINTMSK.OFFSET, 0xFFFF_FFFF)
        for index in range(32):
            await hw.write32(EPXMSK.at(index), EPXMSK.CmdCompl.mask)
        await self.latency(100)
        for index in range(32):
            await self.commands.begin(index, SET_STALL, EPCMD.IOC.mask)
        await sleep(us(150))
        expected = 0xFFFF_FFFF
        assert await hw.read32(DAINT.OFFSET) == expected
        for index in range(32):
            here = index in (0, 1, *INDICES)
            assert await self.commands.status(index) == (DONE if here else NO_ENDPOINT), index
            assert await hw.read32(EPXINT.at(index)) == EPXINT.CmdCompl.mask
            await hw.write32(EPXINT.at(index), EPXINT.CmdCompl.mask)
            expected &= ~(1 << (index >> 1) + (0 if index & 1 else 16))
            assert await hw.read32(DAINT.OFFSET) == expected
            await hw.write32(EPXMSK.at(index), 0)
        for index in INDICES:
            assert await hw.read32(self.control(index)) & DIEPCTL.Stall.mask
            await self.clear(index)
            assert not await hw.read32(self.control(index)) & DIEPCTL.Stall.mask

    async def start_in(self, packets: int) -> None:
        """Start endpoint 1 IN and load it."""
        data = self.ends.random(packets * self.size)
        await self.ends.send(1, data)
        await sleep(us(20))

    async def rest(self) -> None:
        """The endpoint is at rest when END is over: EPDisbld has been set before."""
        hw = self.hw
        await self.commands.status(3)
        causes = await hw.read32(DIEPINT.at(1))
        assert causes & DIEPINT.EPDisbld.mask, hex(causes)
        assert not await hw.read32(DIEPCTL.at(1)) & (DIEPCTL.EPEna.mask | DIEPCTL.EPDis.mask)
        assert await hw.read32(EPXINT.at(3)) == EPXINT.CmdCompl.mask
        await hw.write32(EPXINT.at(3), EPXINT.CmdCompl.mask)
        await hw.write32(DIEPINT.at(1), 0xFFFF)
        await self.ends.flush(self.fifo)

    async def packet_under_way(self) -> None:
        """END comes while a packet is being sent, the last one or not."""
        hw = self.hw
        await self.latency(1)
        met = 0
        for packets in (1, 1, 1, 2):
            await self.start_in(packets)
            sending = spawn(self.ends.in_(1))
            await sleep(self.packet // 2)
            await self.commands.begin(3, END, EPCMD.IOC.mask)
            await self.rest()
            # a token can be late because of a SOF
            met += isinstance(await sending, bytes)
        # the model answers a token when its packets are over
        assert met >= 2 or self.bench.options.backend == "model", met
        # END, or software and then END, just when the transfer ends by itself
        await self.start_in(1)
        begin = now()
        assert (await self.bench.wire.in_(ADDRESS, 1, 1024)).rx_pid
        took = now() - begin
        await sleep(us(2))
        await hw.write32(DIEPINT.at(1), 0xFFFF)
        await self.latency(0)
        for late in range(24):
            await self.start_in(1)
            before = spawn(self.ends.in_(1))
            end = now() + took + us(1) * (late // 2 - 8) // 8
            if late % 2:
                await sleep(self.packet // 2)
                await self.ends.command(1, True, DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
            await sleep(end - now())
            await self.commands.begin(3, END, EPCMD.IOC.mask)
            assert await self.commands.status(3) == DONE
            control = await hw.read32(DIEPCTL.at(1))
            assert not control & (DIEPCTL.EPEna.mask | DIEPCTL.EPDis.mask)
            await before
            await sleep(us(2))
            assert await hw.read32(EPXINT.at(3)) == EPXINT.CmdCompl.mask
            await hw.write32(EPXINT.at(3), EPXINT.CmdCompl.mask)
            await hw.write32(DIEPINT.at(1), 0xFFFF)
            await self.ends.flush(self.fifo)

    async def disabling(self) -> None:
        """Software disables the endpoint: END waits for that too, other commands do not."""
        hw = self.hw
        await self.latency(0)
        for command in (SET_STALL, UPDATE, END):
            await self.start_in(2)
            sending = spawn(self.ends.in_(1))
            await sleep(self.packet // 4)
            await self.ends.command(1, True, DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
            await self.commands.begin(3, command, EPCMD.IOC.mask)
            if command == END:
                await self.rest()
            else:
                assert await self.commands.status(3) == DONE
            await sending
            await sleep(us(2))
            await hw.write32(EPXINT.at(3), EPXINT.CmdCompl.mask)
            await hw.write32(DIEPINT.at(1), 0xFFFF)
            # without a new toggle
            await self.ends.command(1, True, 0)
            await self.ends.flush(self.fifo)

    async def out(self) -> None:
        """END of an OUT endpoint in the middle of a transfer; START again."""
        ends, hw = self.ends, self.hw
        if not ends.dma:
            return
        host = BulkOut(self.bench, ADDRESS, 2)
        await self.latency(5)
        for _ in range(2):
            length = 4 * self.size
            size = DOEPTSIZ.PktCnt.put(4) | length
            await self.commands.parameters(4, OUT_BUFFERS + 2 * BUFFER, size)
            assert await self.commands.run(4, START, 5) == DONE
            data = ends.random(self.size)
            assert (await host.send(data)).handshake in ("ACK", "NYET")
            await sleep(us(20))
            assert await self.commands.run(4, END, 5) == DONE
            left = await hw.read32(DOEPTSIZ.at(2)) & DOEPTSIZ.XferSize.mask
            assert left == length - self.size
            assert bytes(hw.memory.read(OUT_BUFFERS + 2 * BUFFER, self.size)) == data
        assert (await self.bench.wire.ping(ADDRESS, 2)).handshake == "NAK"

    async def bus_reset(self) -> None:
        """A bus reset while commands are carried out: none undoes it."""
        hw, commands = self.hw, self.commands
        await self.latency(0)
        order = EPCMD.Cmd.put(UPDATE) | EPCMD.CMDACT.mask
        for _ in range(8):
            await self.open()
            resetting = spawn(self.ends.bus_reset())
            # the reset is found somewhere here; commands follow each other without a pause
            while await hw.read32(DIEPCTL.at(7)) & DIEPCTL.USBActEP.mask:
                for index in INDICES:
                    await hw.write32(EPCMD.at(index), order)
                if self.bench.options.backend == "model":
                    # there is nothing to meet in it
                    await sleep(us(100))
            for index in INDICES:
                await commands.status(index)
                assert not await hw.read32(self.control(index)) & DIEPCTL.USBActEP.mask, index
            await resetting
        for index in INDICES:
            assert await commands.run(index, START, 0) == NO_ENDPOINT
        # what waits for its time at the reset, finds nothing when that has come
        await self.open()
        await self.latency(2000)
        await commands.begin(3, SET_STALL)
        if self.bench.options.time_scale > 1:
            await self.ends.bus_reset()
            assert await commands.status(3) == NO_ENDPOINT
            assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
            await self.open()
        else:
            assert await commands.status(3) == DONE
            await self.clear(3)

    async def core_reset(self) -> None:
        """A core reset while END waits: nothing comes of it."""
        hw = self.hw
        await self.latency(0)
        await self.start_in(2)
        sending = spawn(self.ends.in_(1))
        await sleep(self.packet // 4)
        await self.commands.begin(3, END, EPCMD.IOC.mask)
        self.bench.checker.cut_off(now() - 2 * self.packet, now() + 2 * self.packet)
        await self.hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        while await hw.read32(GRSTCTL.OFFSET) & GRSTCTL.CSftRst.mask:
            pass
        assert await hw.read32(EPCMD.at(3)) == 0
        assert await hw.read32(XCFG.OFFSET) == XCFG.CmdLatency.put(LATENCY)
        await sending
        await sleep(us(20))
        assert await hw.read32(EPXINT.at(3)) == 0
        assert await hw.read32(EPCMD.at(3)) == 0


async def main(bench: Any) -> None:
    races = Races(bench)
    await races.ends.start()
    await races.open()
    await races.latencies()
    await races.together()
    await races.packet_under_way()
    await races.disabling()
    await races.out()
    await races.bus_reset()
    # what is left of a transfer does not come back
    data = races.ends.random(40)
    await races.latency(3)
    place = IN_BUFFERS + BUFFER
    if races.ends.dma:
        bench.hw.memory.write(place, data)
    await races.commands.parameters(3, place, DIEPTSIZ.PktCnt.put(1) | len(data))
    assert await races.commands.run(3, START, 3) == DONE
    if not races.ends.dma:
        await races.ends.push(1, data)
    assert await races.ends.in_wait(1) == data
    await races.core_reset()
