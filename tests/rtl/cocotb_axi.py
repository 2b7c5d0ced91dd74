# SPDX-License-Identifier: Apache-2.0
"""The core's AXI faces against the models of cocotbext-axi; USB is a stream of messages."""

from __future__ import annotations

import itertools
import logging
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam, AxiSlave

from pymodel.gen.udc_regs import (
    DAINTMSK,
    DIEPCTL,
    DIEPDMA,
    DIEPINT,
    DIEPMSK,
    DIEPTSIZ,
    DIEPTXF,
    DOEPCTL,
    DOEPDMA,
    DOEPINT,
    DOEPTSIZ,
    GAHBCFG,
    GINTMSK,
    GNPTXFSIZ,
    GRXFSIZ,
    GSNPSID,
    GUID,
)

TOKEN, WORD, END, HANDSHAKE, LINE = 1, 2, 3, 4, 6
PID_OUT, PID_IN, DATA0, DATA1 = 0b0001, 0b1001, 0b0011, 0b1011
KIND_ACK, KIND_NAK, KIND_NYET, KIND_DATA = 1, 2, 4, 5
COMPLETE, BUS_ERROR = 0, 2
# GAHBCFG.HBstLen: most beats of a burst
MOST_BEATS = {0: 1, 1: 256, 3: 4, 5: 8, 7: 16, 14: 256}


class Memory:
    """Memory that answers with an error from `limit` on."""

    def __init__(self, size: int, limit: int) -> None:
        self.data = bytearray(size)
        self.limit = limit

    async def read(self, address: int, length: int, **kwargs: object) -> bytes:
        if address + length > self.limit:
            raise ValueError("behind the end")
        return bytes(self.data[address : address + length])

    async def write(self, address: int, data: bytes, **kwargs: object) -> None:
        if address + len(data) > self.limit:
            raise ValueError("behind the end")
        self.data[address : address + len(data)] = data


def stall(channels: list, rng: random.Random, share: float) -> None:
    """Pause every channel at random; share 0 for never."""
    for channel in channels:
        seed = rng.random()
        own = random.Random(seed)
        if share:
            channel.set_pause_generator(own.random() < share for _ in itertools.count())
        else:
            channel.clear_pause_generator()
            channel.pause = False


class Rig:
    """The core with a register master and the two ends of the USB side's streams."""

    def __init__(self, dut, seed: int) -> None:
        logging.getLogger("cocotb.udc_core").setLevel(logging.ERROR)
        self.dut = dut
        self.rng = random.Random(seed)
        self.answers: list[tuple[int, int]] = []
        self.words: list[int] = []
        self.code = 0

    async def start(self) -> None:
        dut = self.dut
        for name in ("rx_valid", "rx_type", "rx_data", "tx_ready", "line_state", "vbus_valid"):
            getattr(dut, name).value = 0
        dut.tx_ready.value = 1
        cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
        dut.rst.value = 1
        self.axil = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        for _ in range(4):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        cocotb.start_soon(self.listen())

    def axil_channels(self) -> list:
        write, read = self.axil.write_if, self.axil.read_if
        return [write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel]

    async def listen(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            if dut.ans_valid.value == 1:
                self.answers.append((int(dut.ans_kind.value), int(dut.ans_length.value)))
            if dut.tx_valid.value == 1 and dut.tx_ready.value == 1:
                self.words.append(int(dut.tx_data.value))
            for way in ("aw", "ar"):
                if getattr(dut, f"m_axi_{way}valid").value == 1:
                    self.burst(way)

    def burst(self, way: str) -> None:
        """Check a burst against HBstLen and the border of 4 KiB."""
        size = 1 << int(getattr(self.dut, f"m_axi_{way}size").value)
        assert size * 8 == len(self.dut.m_axi_wdata)
        beats = int(getattr(self.dut, f"m_axi_{way}len").value) + 1
        first = int(getattr(self.dut, f"m_axi_{way}addr").value) & -size
        assert beats <= MOST_BEATS[self.code], f"{beats} beats with HBstLen {self.code}"
        assert first >> 12 == first + beats * size - 1 >> 12, f"{first:#x}, {beats} beats"

    async def bursts(self, code: int) -> None:
        """Choose a length of bursts; no job is under way."""
        self.code = code
        value = GAHBCFG.DMAEn.mask | GAHBCFG.GlblIntrMsk.mask | GAHBCFG.HBstLen.put(code)
        await self.write(GAHBCFG.OFFSET, value)

    async def read(self, offset: int) -> int:
        return await self.axil.read_dword(offset)

    async def write(self, offset: int, value: int) -> None:
        await self.axil.write_dword(offset, value)

    async def message(self, kind: int, data: int) -> None:
        dut = self.dut
        dut.rx_valid.value = 1
        dut.rx_type.value = kind
        dut.rx_data.value = data
        while True:
            await RisingEdge(dut.clk)
            if dut.rx_ready.value == 1:
                break
        dut.rx_valid.value = 0

    async def token(self, pid: int, endpoint: int) -> tuple[int, int]:
        self.answers.clear()
        await self.message(TOKEN, endpoint << 4 | pid)
        while not self.answers:
            await RisingEdge(self.dut.clk)
        return self.answers.pop()

    async def out(self, endpoint: int, pid: int, data: bytes) -> None:
        """Send a packet until it is not NAKed any more."""
        kind = KIND_NAK
        while kind == KIND_NAK:
            kind, _ = await self.token(PID_OUT, endpoint)
            assert kind in (KIND_ACK, KIND_NYET, KIND_NAK), f"OUT answered with {kind}"
            for at in range(0, len(data), 4):
                await self.message(WORD, int.from_bytes(data[at : at + 4], "little"))
            await self.message(END, 1 << 16 | pid << 12 | len(data))

    async def in_(self, endpoint: int) -> bytes:
        self.words.clear()
        while True:
            kind, length = await self.token(PID_IN, endpoint)
            if kind == KIND_DATA:
                break
        while len(self.words) < (length + 3) // 4:
            await RisingEdge(self.dut.clk)
        await self.message(HANDSHAKE, 1)
        return b"".join(word.to_bytes(4, "little") for word in self.words)[:length]

    async def high_speed_dma(self) -> None:
        await self.message(LINE, 2)
        await self.write(GRXFSIZ.OFFSET, 400)
        await self.write(GNPTXFSIZ.OFFSET, 64 << 16 | 400)
        await self.write(DIEPTXF.at(1), 300 << 16 | 464)
        await self.bursts(0)
        await self.write(DIEPMSK.OFFSET, 5)
        await self.write(DAINTMSK.OFFSET, 1 << 1)
        await self.write(GINTMSK.OFFSET, 1 << 18)

    async def enable(self, control: int, more: int) -> None:
        """Enable a bulk endpoint of 512 bytes, DATA0, no NAK."""
        await self.write(control, 1 << 31 | 1 << 28 | 1 << 26 | 2 << 18 | 1 << 15 | 512 | more)

    async def interrupt(self, register: int, bit: int) -> int:
        while not (value := await self.read(register)) >> bit & 1:
            pass
        return value


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def registers_under_back_pressure(dut) -> None:
    """Words written come back, whatever the order in which the channels move."""
    rig = Rig(dut, 1)
    await rig.start()
    for share in (0.0, 0.3, 0.8):
        stall(rig.axil_channels(), rig.rng, share)
        for _ in range(40):
            value = rig.rng.getrandbits(32)
            await rig.write(GUID.OFFSET, value)
            assert await rig.read(GUID.OFFSET) == value
            assert await rig.read(GSNPSID.OFFSET) == GSNPSID.RESET
    # reads and writes under way together
    values = [rig.rng.getrandbits(32) for _ in range(30)]
    writes = [cocotb.start_soon(rig.write(GUID.OFFSET, value)) for value in values]
    reads = [cocotb.start_soon(rig.read(GUID.OFFSET)) for _ in values]
    for task in writes:
        await task
    seen = [await task for task in reads]
    assert set(seen) <= {value, *values}
    assert await rig.read(GUID.OFFSET) == values[-1]
    # a write without all of its bytes is answered and changes nothing
    await rig.axil.write(GUID.OFFSET, b"\x00\x00")
    assert await rig.read(GUID.OFFSET) == values[-1]


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def bulk_through_ram(dut) -> None:
    """Packets of all kinds of lengths, to memory and back, under random stalls."""
    rig = Rig(dut, 2)
    ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=1 << 16)
    await rig.start()
    await rig.high_speed_dma()
    write, read = ram.write_if, ram.read_if
    channels = [write.aw_channel, write.w_channel, write.b_channel]
    channels += [read.ar_channel, read.r_channel]
    lengths = (1, 3, 4, 8, 63, 64, 65, 511, 512, 1023, 1537)
    cases = list(itertools.product((0.0, 0.5), lengths))
    for number, (share, length) in enumerate(cases):
        stall(channels + rig.axil_channels(), rig.rng, share)
        await rig.bursts(list(MOST_BEATS)[number % len(MOST_BEATS)])
        # most of them cross 4 KiB, at all offsets within a line
        border = rig.rng.randrange(1, 14) << 12
        address = border - rig.rng.randrange(4, max(length, 8) + 16) & ~3
        guard = bytes([0xA5]) * 8
        ram.write(address - 8, guard + bytes(length) + guard)
        data = rig.rng.randbytes(length)
        packets = length // 512 + 1
        await rig.write(DOEPDMA.at(1), address)
        await rig.write(DOEPTSIZ.at(1), packets << 19 | packets * 512)
        await rig.enable(DOEPCTL.at(1), 0)
        for at in range(0, packets * 512, 512):
            await rig.out(1, DATA1 if at % 1024 else DATA0, data[at : at + 512])
        value = await rig.interrupt(DOEPINT.at(1), COMPLETE)
        assert not value >> BUS_ERROR & 1
        await rig.write(DOEPINT.at(1), 0xFFFF)
        assert bytes(ram.read(address - 8, length + 16)) == guard + data + guard

        await rig.write(DIEPDMA.at(1), address)
        await rig.write(DIEPTSIZ.at(1), packets << 19 | length)
        await rig.enable(DIEPCTL.at(1), 1 << 22)
        back = b"".join([await rig.in_(1) for _ in range(packets)])
        assert back == data
        value = await rig.interrupt(DIEPINT.at(1), COMPLETE)
        assert not value >> BUS_ERROR & 1
        assert dut.irq.value == 1
        await rig.write(DIEPINT.at(1), 0xFFFF)


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def error_responses(dut) -> None:
    """An error response sets AHBErr of the endpoint, and the next transfer works."""
    rig = Rig(dut, 3)
    memory = Memory(1 << 16, 0x8000)
    slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, target=memory)
    logging.getLogger("cocotb.udc_core.m_axi").setLevel(logging.CRITICAL)
    await rig.start()
    await rig.high_speed_dma()
    stall([slave.write_if.b_channel, slave.read_if.r_channel], rig.rng, 0.3)
    # an error in the last burst, in all of them, in none
    errors = ((0x7FC0, True), (0x9000, True), (0x1000, False), (0x7F3C, True), (0x1FFC, False))
    for (address, bad), code in zip(errors, MOST_BEATS, strict=False):
        await rig.bursts(code)
        data = rig.rng.randbytes(200)
        await rig.write(DOEPDMA.at(1), address)
        await rig.write(DOEPTSIZ.at(1), 1 << 19 | 512)
        await rig.enable(DOEPCTL.at(1), 0)
        await rig.out(1, DATA0, data)
        value = await with_timeout(rig.interrupt(DOEPINT.at(1), COMPLETE), 500, "us")
        assert bool(value >> BUS_ERROR & 1) is bad
        await rig.write(DOEPINT.at(1), 0xFFFF)
        await rig.write(DIEPDMA.at(1), address)
        await rig.write(DIEPTSIZ.at(1), 1 << 19 | 200)
        await rig.enable(DIEPCTL.at(1), 1 << 22)
        back = await rig.in_(1)
        value = await with_timeout(rig.interrupt(DIEPINT.at(1), COMPLETE), 500, "us")
        assert bool(value >> BUS_ERROR & 1) is bad
        await rig.write(DIEPINT.at(1), 0xFFFF)
        assert bad or (back == data and bytes(memory.data[address : address + 200]) == data)
