# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands of the extension bank, by firmware without a driver.

Each command takes effect after its latency, not before; what goes wrong is told by CmdStatus.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DAINT,
    DAINTMSK,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPDMA,
    DOEPTSIZ,
    EPCMD,
    EPCMDPAR0,
    EPCMDPAR1,
    EPXINT,
    EPXMSK,
    GINTSTS,
    GRSTCTL,
    XCAP,
    XCFG,
    XINTMSK,
)
from raw_endpoints import BUFFER, IN_BUFFERS, OUT_BUFFERS, Endpoints
from tb.kernel import now, sleep, us

PROBE = False
HOST = False
# endpoint 5 has no OUT, endpoint 6 no IN
PARAMETERS = {"COMMANDS": 1, "CMD_LATENCY": 20, "EP_DIRECTIONS": 0x2400}
RUNS = [
    {"mode": "dma"},
    {"mode": "dma", "lockstep": True},
    {"mode": "slave", "speed": "full"},
    {"mode": "slave", "speed": "full", "lockstep": True},
]

START, END, UPDATE, SET_STALL, CLEAR_STALL = range(1, 6)
DONE, NO_ENDPOINT, BUSY, UNKNOWN = range(4)
LATENCY = 20


class Commands:
    """Starts commands and waits for them."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        self.hw = bench.hw
        # hardware counts 60 core clocks as a microsecond
        mailbox = getattr(bench.controller, "mailbox", None)
        self.microsecond = us(1)
        if mailbox is not None:
            self.microsecond = 60 * int(mailbox.period_fs[0]) // 1000

    async def begin(self, index: int, command: int, bits: int = 0) -> None:
        """Start a command."""
        await self.hw.write32(EPCMD.at(index), EPCMD.Cmd.put(command) | EPCMD.CMDACT.mask | bits)

    async def status(self, index: int) -> int:
        """Wait until a command is complete; return its status."""
        for _ in range(10_000):
            value: int = await self.hw.read32(EPCMD.at(index))
            if not value & EPCMD.CMDACT.mask:
                return EPCMD.CmdStatus.get(value)
            await sleep(us(1) // 4)
        raise AssertionError(f"command {index} has no end")

    async def run(self, index: int, command: int, latency: int = LATENCY) -> int:
        """Carry a command out, and see that it takes its time."""
        begin = now()
        await self.begin(index, command)
        status = await self.status(index)
        took = now() - begin
        assert latency * self.microsecond <= took < latency * self.microsecond + us(3), took
        return status

    async def parameters(self, index: int, first: int, second: int) -> None:
        """Write both parameters."""
        await self.hw.write32(EPCMDPAR0.at(index), first)
        await self.hw.write32(EPCMDPAR1.at(index), second)


async def main(bench: Any) -> None:
    hw = bench.hw
    ends, commands = Endpoints(bench), Commands(bench)
    await ends.start()
    for number in (1, 3):
        await ends.open(number, True, TxFNum=number)
        await ends.open(number, False)

    assert await hw.read32(XCAP.OFFSET) == 2000 << 16 | XCAP.Commands.mask
    assert await hw.read32(XCFG.OFFSET) == LATENCY << 16
    await hw.write32(XINTMSK.OFFSET, 0xFFFF_FFFF)
    assert await hw.read32(XINTMSK.OFFSET) == 0xF
    for index in range(32):
        await commands.parameters(index, 0x1111_0000 + index, ~index & 0xFFFF_FFFF)
    for index in range(32):
        assert await hw.read32(EPCMDPAR0.at(index)) == 0x1111_0000 + index
        assert await hw.read32(EPCMDPAR1.at(index)) == ~index & 0xFFFF_FFFF
        assert await hw.read32(EPCMD.at(index)) == 0

    # not enabled: it is stored and nothing happens
    await commands.begin(3, SET_STALL, EPCMD.StreamID.put(0x1234))
    await sleep(us(2 * LATENCY))
    value = await hw.read32(EPCMD.at(3))
    assert value == EPCMD.Cmd.put(SET_STALL) | EPCMD.StreamID.put(0x1234), hex(value)
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
    await hw.write32(XCFG.OFFSET, LATENCY << 16 | XCFG.CmdEn.mask)

    # stall, and again not; the interrupt when it was asked for
    await hw.write32(DAINTMSK.OFFSET, 0xFFFF_FFFF)
    await commands.begin(3, SET_STALL, EPCMD.IOC.mask)
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
    # what is under way is not overwritten
    await commands.parameters(3, 1, 2)
    await hw.write32(EPCMD.at(3), EPCMD.Cmd.put(9))
    assert await commands.status(3) == DONE
    assert await hw.read32(EPCMDPAR0.at(3)) == 0x1111_0003
    assert await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
    assert await ends.in_(1) == "STALL"
    assert await hw.read32(EPXINT.at(3)) == EPXINT.CmdCompl.mask
    assert not await hw.read32(DAINT.OFFSET)
    await hw.write32(EPXMSK.at(3), EPXMSK.CmdCompl.mask)
    assert await hw.read32(DAINT.OFFSET) == 1 << 1
    assert await hw.read32(GINTSTS.OFFSET) & GINTSTS.IEPInt.mask
    await hw.write32(EPXINT.at(3), EPXINT.CmdCompl.mask)
    assert not await hw.read32(DAINT.OFFSET)
    assert await commands.run(3, CLEAR_STALL) == DONE
    assert not await hw.read32(EPXINT.at(3))
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
    assert await ends.in_(1) == "NAK"
    await hw.write32(EPXMSK.at(6), EPXMSK.CmdCompl.mask)
    await commands.begin(6, SET_STALL, EPCMD.IOC.mask)
    assert await commands.status(6) == DONE
    assert await hw.read32(DAINT.OFFSET) == 1 << 19
    await hw.write32(EPXINT.at(6), EPXINT.CmdCompl.mask)
    assert await commands.run(6, CLEAR_STALL) == DONE

    # a transfer; another endpoint goes on meanwhile
    data, other = ends.random(60), ends.random(40)
    place = IN_BUFFERS + BUFFER
    if ends.dma:
        hw.memory.write(place, data)
    await commands.parameters(3, place, DIEPTSIZ.PktCnt.put(1) | len(data))
    await ends.send(3, other)
    await commands.begin(3, START)
    assert await ends.in_(1) == "NAK"
    assert await ends.in_wait(3) == other
    assert await commands.status(3) == DONE
    if not ends.dma:
        await ends.push(1, data)
    assert await ends.in_wait(1) == data
    assert await ends.causes(1) & DIEPINT.XferCompl.mask
    # without DMA the address is not touched
    assert await hw.read32(DIEPDMA.at(1)) == (place + 60 if ends.dma else 0)

    # busy; NAK is taken away; ended in the middle
    await commands.parameters(3, place, DIEPTSIZ.PktCnt.put(1) | len(data))
    assert await commands.run(3, START) == DONE
    assert await commands.run(3, START) == BUSY
    await ends.command(1, True, DIEPCTL.SNAK.mask)
    assert await commands.run(3, UPDATE) == DONE
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.NAKSts.mask
    await commands.begin(3, END, EPCMD.IOC.mask)
    assert await commands.status(3) == DONE
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.EPEna.mask
    assert await ends.causes(1) & DIEPINT.EPDisbld.mask
    assert await hw.read32(EPXINT.at(3)) == EPXINT.CmdCompl.mask
    await hw.write32(EPXINT.at(3), EPXINT.CmdCompl.mask)
    await ends.flush(0 if bench.options.fifo == "shared" else 1)
    assert await commands.run(3, END) == DONE
    # EP0 OUT cannot be disabled: there is nothing to wait for
    assert await commands.run(0, END) == DONE
    await hw.write32(DOEPTSIZ.at(0), 3 << 29 | 1 << 19 | 64)
    await hw.write32(DOEPDMA.at(0), OUT_BUFFERS)
    await hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)
    assert await commands.run(0, END) == DONE
    assert await hw.read32(DOEPCTL.at(0)) & DOEPCTL.EPEna.mask

    # no such endpoint, not active, no such command; the first of these counts
    assert await commands.run(31, SET_STALL) == NO_ENDPOINT
    assert await commands.run(30, 15) == NO_ENDPOINT
    for nowhere in (2 * 5, 2 * 6 + 1):
        assert await commands.run(nowhere, END) == NO_ENDPOINT
    assert await commands.run(5, START) == NO_ENDPOINT
    for unknown in (0, 6, 15):
        assert await commands.run(7, unknown) == UNKNOWN

    # DATA0 with the end of a stall, and with nothing else
    await ends.command(3, False, DOEPCTL.SetD1PID.mask)
    for command in (UPDATE, SET_STALL, CLEAR_STALL):
        assert await hw.read32(DOEPCTL.at(3)) & DOEPCTL.DPID.mask
        assert await commands.run(6, command) == DONE
    assert not await hw.read32(DOEPCTL.at(3)) & DOEPCTL.DPID.mask

    # several at a time, with other latencies
    await hw.write32(XCFG.OFFSET, 40 << 16 | XCFG.CmdEn.mask)
    await commands.begin(2, SET_STALL)
    await hw.write32(XCFG.OFFSET, XCFG.CmdEn.mask)
    assert await commands.run(3, SET_STALL, latency=0) == DONE
    assert not await hw.read32(DOEPCTL.at(1)) & DOEPCTL.Stall.mask
    await hw.write32(XCFG.OFFSET, 30 << 16 | XCFG.CmdEn.mask)
    for index in (7, 6):
        await commands.begin(index, SET_STALL)
    for index in (2, 6, 7):
        assert await commands.status(index) == DONE
    for number in (1, 3):
        assert await hw.read32(DOEPCTL.at(number)) & DOEPCTL.Stall.mask
        assert await hw.read32(DIEPCTL.at(number)) & DIEPCTL.Stall.mask

    # more than the longest latency acts as that
    await hw.write32(XCFG.OFFSET, 0xFFFF << 16 | XCFG.CmdEn.mask)
    await commands.begin(3, CLEAR_STALL)
    await sleep(1990 * commands.microsecond)
    assert await hw.read32(EPCMD.at(3)) & EPCMD.CMDACT.mask
    await sleep(us(20))
    assert await commands.status(3) == DONE

    # a soft reset aborts what is under way, and takes back what was told
    await hw.write32(XCFG.OFFSET, LATENCY << 16 | XCFG.CmdEn.mask)
    await commands.begin(3, CLEAR_STALL, EPCMD.IOC.mask)
    assert await commands.status(3) == DONE
    assert await hw.read32(DAINT.OFFSET) == 1 << 1
    await commands.begin(3, SET_STALL, EPCMD.IOC.mask)
    await hw.write32(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
    while await hw.read32(GRSTCTL.OFFSET) & GRSTCTL.CSftRst.mask:
        pass
    assert await hw.read32(EPCMD.at(3)) == 0
    assert await hw.read32(EPCMDPAR0.at(3)) == 0
    assert await hw.read32(XCFG.OFFSET) == LATENCY << 16
    await sleep(us(2 * LATENCY))
    assert await hw.read32(EPXINT.at(3)) == 0
    assert await hw.read32(EPXMSK.at(3)) == 0
    assert await hw.read32(DAINT.OFFSET) == 0
    assert not await hw.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
