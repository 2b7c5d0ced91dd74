# SPDX-License-Identifier: Apache-2.0
"""A classic cocotb bench: Python drives every UTMI clock, cocotbext-axi the bus. A yardstick only.

The same kind of traffic as the other benches (high speed bulk, buffer DMA, OUT and IN in turn,
every payload made and checked), at the level at which such benches are usually written.
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

from pymodel.packets import PID, build_data, build_handshake, build_token, data_crc_ok

BASE = 0x1000_0000
PACKET = 512
SE0, J, K = 0, 1, 2
IN1, OUT1 = 0x920, 0xB20
CTL, TSIZ, DMA = 0, 16, 20
EPENA, CNAK, SD0PID = 1 << 31, 1 << 26, 1 << 28
BULK_OUT = 1 << 15 | 2 << 18 | PACKET
BULK_IN = BULK_OUT | 1 << 22


class Utmi:
    """The host and the PHY, one `await RisingEdge` per clock."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.clock = RisingEdge(dut.utmi_clk)
        self.cycles = 0
        for name in ("rxactive", "rxvalid", "rxerror", "rxdata", "txready", "linestate"):
            getattr(dut, f"utmi_{name}").value = 0
        dut.utmi_vbusvalid.value = 1

    async def edge(self) -> None:
        """Go on by one clock."""
        await self.clock
        self.cycles += 1

    async def idle(self, clocks: int) -> None:
        """Wait."""
        for _ in range(clocks):
            await self.edge()

    async def reset(self) -> None:
        """Drive a bus reset with the host's side of the chirp."""
        dut = self.dut
        dut.utmi_linestate.value = J
        await self.idle(300)
        dut.utmi_linestate.value = SE0
        while not (dut.utmi_txvalid.value == 1 and dut.utmi_opmode.value == 2):
            await self.edge()
        dut.utmi_linestate.value = K
        dut.utmi_txready.value = 1
        while dut.utmi_txvalid.value == 1:
            await self.edge()
        dut.utmi_txready.value = 0
        for _ in range(4):
            for state in (K, J):
                dut.utmi_linestate.value = state
                await self.idle(300)
        dut.utmi_linestate.value = SE0
        await self.idle(1200)
        assert dut.utmi_termselect.value == 0, "no high speed"

    async def send(self, packet: bytes) -> None:
        """Send a packet, one byte per clock."""
        dut = self.dut
        dut.utmi_linestate.value = J
        await self.idle(2)
        dut.utmi_rxactive.value = 1
        await self.idle(2)
        for byte in packet:
            dut.utmi_rxvalid.value = 1
            dut.utmi_rxdata.value = byte
            await self.edge()
        dut.utmi_rxvalid.value = 0
        dut.utmi_rxactive.value = 0
        dut.utmi_linestate.value = SE0
        await self.edge()

    async def receive(self) -> bytes:
        """Take the device's packet; empty if there is none."""
        dut = self.dut
        for _ in range(100):
            if dut.utmi_txvalid.value == 1:
                break
            await self.edge()
        else:
            return b""
        dut.utmi_linestate.value = J
        await self.idle(4)
        dut.utmi_txready.value = 1
        packet = bytearray()
        while True:
            await self.edge()
            if dut.utmi_txvalid.value != 1:
                break
            packet.append(int(dut.utmi_txdata.value))
        dut.utmi_txready.value = 0
        dut.utmi_linestate.value = SE0
        return bytes(packet)

    async def out(self, pid: int, payload: bytes) -> None:
        """Send payload until it is acknowledged."""
        while True:
            await self.send(build_token(PID.OUT, 0, 1))
            await self.idle(8)
            await self.send(build_data(pid, payload))
            answer = await self.receive()
            await self.idle(8)
            if answer in (build_handshake(PID.ACK), build_handshake(PID.NYET)):
                return
            assert answer == build_handshake(PID.NAK), answer

    async def in_(self) -> bytes:
        """Ask until there is data."""
        while True:
            await self.send(build_token(PID.IN, 0, 1))
            answer = await self.receive()
            await self.idle(4)
            if answer != build_handshake(PID.NAK):
                assert data_crc_ok(answer), answer
                await self.send(build_handshake(PID.ACK))
                await self.idle(8)
                return answer[1:-2]


@cocotb.test()
async def per_clock(dut: Any) -> None:
    """Move packets and write the speed to a file."""
    packets = int(os.environ["PLUGFEST_BENCH_PACKETS"])
    Clock(dut.core_clk, 12_500, "ps").start()
    Clock(dut.utmi_clk, 16_666, "ps").start()
    dut.core_rst.value = 1
    bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.core_clk, dut.core_rst)
    ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.core_clk, dut.core_rst, size=1 << 24)
    utmi = Utmi(dut)
    await Timer(300, "ns")
    dut.core_rst.value = 0
    await Timer(500, "ns")

    async def write(offset: int, value: int) -> None:
        await bus.write(offset, value.to_bytes(4, "little"))

    for offset, value in (
        (0x804, 2), (0x24, 1024), (0x28, 64 << 16 | 1024), (0x104, 1024 << 16 | 1088),
        (0x8, 1 | 1 << 5 | 7 << 1), (0x800, 0), (0x804, 0),
    ):  # fmt: skip
        await write(offset, value)
    await utmi.reset()
    source = random.Random(1)
    sent = source.randbytes(packets * PACKET)
    asked = source.randbytes(packets * PACKET)
    ram.write(0x100000, asked)
    size = packets << 19 | packets * PACKET
    for base, address, bits in ((OUT1, BASE, BULK_OUT), (IN1, BASE + 0x100000, BULK_IN)):
        await write(base + DMA, address)
        await write(base + TSIZ, size)
        await write(base + CTL, EPENA | CNAK | SD0PID | bits)
    start, cpu_start, first = time.perf_counter(), time.process_time(), utmi.cycles
    got = bytearray()
    for number in range(packets):
        at = number * PACKET
        pid = PID.DATA1 if number & 1 else PID.DATA0
        await utmi.out(pid, sent[at : at + PACKET])
        got += await utmi.in_()
    wall, cycles = time.perf_counter() - start, utmi.cycles - first
    cpu = time.process_time() - cpu_start
    await utmi.idle(300)
    assert got == asked
    assert ram.read(0, packets * PACKET) == sent
    result = {
        "name": "per_clock_python",
        "cycles_per_s": round(cycles / wall),
        "cycles": cycles,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "payload_bytes": 2 * packets * PACKET,
    }
    Path(os.environ["PLUGFEST_BENCH_RESULT"]).write_text(json.dumps(result))
