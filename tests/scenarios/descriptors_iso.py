# SPDX-License-Identifier: Apache-2.0
"""Isochronous endpoints with descriptor DMA: a frame number in each descriptor, rings, losses."""

from __future__ import annotations

from typing import Any

from descriptor_rig import (
    ADDRESS,
    BNA,
    DATA,
    DONE,
    ERROR,
    FLUSHED,
    IOC,
    ISO,
    LAST,
    LISTS,
    SHORT,
    STOP,
    Rig,
)
from pymodel.gen.udc_regs import DIEPINT, DOEPINT, DSTS, DTXFSTS
from pymodel.packets import PID
from tb.kernel import sleep, us

PROBE = False
HOST = False
PARAMETERS = {"DESC_DMA": 1}
RUNS = [{"speed": "high"}, {"speed": "full"}]

IN, OUT = 1, 2
DONE_ALL, NOTHING = DIEPINT.XferCompl.mask, DIEPINT.NAKIntrpt.mask
CODE = {PID.DATA0: 0, PID.DATA2: 1, PID.DATA1: 2, PID.MDATA: 3}
TX_WORDS = 1024


class IsoRig(Rig):
    """With the host's clock."""

    def __init__(self, bench: Any) -> None:
        """Use the doors of a bench."""
        super().__init__(bench)
        self.wire = bench.controller.wire
        self.size = 1024 if self.high else 200

    async def frame(self, ahead: int = 1) -> int:
        """Go to a later (micro)frame; return the number that descriptors have for it."""
        number = self.wire.frame + ahead
        await sleep(self.wire.frame_time(number) + us(6) - self.bench.kernel.now)
        return DSTS.SOFFN.get(await self.hw.read32(DSTS.OFFSET)) & 0x7FF

    async def iso_in(self) -> tuple[int, bytes]:
        """Send an IN token; return PID and payload."""
        result = await self.bench.wire.in_(ADDRESS, IN, self.size, isochronous=True)
        assert result.status == "ok", result
        return result.rx_pid, bytes(result.rx_data)

    async def iso_out(self, pid: int, data: bytes, **knobs: Any) -> None:
        """Send an OUT packet."""
        await self.bench.wire.out(ADDRESS, OUT, pid, data, isochronous=True, **knobs)

    async def free(self) -> int:
        """Return the free words of the IN endpoint's FIFO."""
        return int(await self.hw.read32(DTXFSTS.at(IN)))

    async def stop(self, number: int, is_in: bool) -> None:
        """Disable an endpoint and forget what was reported."""
        await self.write_control(number, is_in, STOP)
        await self.causes(number, is_in, 10)
        assert (await self.state(number, is_in))[0] == 0
        if is_in:
            await self.flush(number)
            await self.causes(number, is_in, 1)


def at(frame: int, count: int = 1) -> int:
    """Return the frame and packet count of an IN descriptor."""
    return count << 23 | (frame & 0x7FF) << 12


async def ready_in(rig: IsoRig, entries: list[tuple[int, bytes]]) -> None:
    """Start IN with a list of (status bits, data)."""
    for number, (_, data) in enumerate(entries):
        rig.fill(DATA + 0x1000 * number, data)
    words = [(s | len(d), DATA + 0x1000 * n) for n, (s, d) in enumerate(entries)]
    rig.list(LISTS, words)
    await rig.run(IN, True, LISTS)


async def frames_in(rig: IsoRig) -> None:
    """Each goes in its frame; in others there is nothing. The end of the list is its beginning."""
    now = await rig.frame()
    data = [rig.random(size) for size in (rig.size, 7, 0)]
    frames = (now + 1, now + 2, now + 4)
    flags = (0, IOC, LAST)
    status = [f | at(n) for f, n in zip(flags, frames, strict=True)]
    await ready_in(rig, list(zip(status, data, strict=True)))
    await sleep(us(20))
    # in the frame before: nothing, and told
    assert await rig.iso_in() == (PID.DATA0, b"")
    assert await rig.causes(IN, True, 1) == NOTHING
    for number, wanted in enumerate(data):
        if number == 2:
            await rig.frame()
            assert await rig.iso_in() == (PID.DATA0, b"")
            assert await rig.causes(IN, True, 1) == NOTHING
        assert await rig.frame() == frames[number] & 0x7FF
        assert rig.status(LISTS, number) == status[number] | len(wanted)
        assert await rig.iso_in() == (PID.DATA0, wanted)
        await sleep(us(5))
        assert rig.status(LISTS, number) == DONE | status[number], hex(rig.status(LISTS, number))
        # the first descriptor is done already: the ring has nothing more
        wanted_causes = (0, DONE_ALL, DONE_ALL | BNA)[number]
        assert await rig.causes(IN, True, 20) == wanted_causes, number
    assert await rig.pointer(IN, True) == LISTS
    assert await rig.state(IN, True) == (0, 1)


async def missed_in(rig: IsoRig) -> None:
    """A frame without a token: the descriptor is closed unsent, its data leave the FIFO."""
    free = await rig.free()
    now = await rig.frame()
    data = [rig.random(40), rig.random(50)]
    await ready_in(rig, [(at(now + 1), data[0]), (IOC | at(now + 3), data[1])])
    await rig.frame()
    await sleep(us(20))
    assert await rig.free() == free - 10
    assert rig.status(LISTS) == at(now + 1) | 40
    await rig.frame()
    await sleep(us(30))
    assert rig.status(LISTS) == DONE | FLUSHED | at(now + 1) | 40, hex(rig.status(LISTS))
    assert await rig.free() == free - 13
    await rig.frame()
    assert await rig.iso_in() == (PID.DATA0, data[1])
    assert await rig.causes(IN, True, 10) & DONE_ALL
    assert await rig.free() == free
    await rig.stop(IN, True)


async def late_in(rig: IsoRig) -> None:
    """Frames that are over when they are loaded end with the next SOF, one after the other."""
    now = await rig.frame()
    await ready_in(
        rig, [(at(now - n), rig.random(9)) for n in (3, 2)] + [(LAST | at(now + 4), b"x")]
    )
    await sleep(us(30))
    assert rig.status(LISTS) >> 30 == 0
    for number in range(2):
        await rig.frame()
        await sleep(us(30))
        assert rig.status(LISTS, number) >> 28 == (DONE | FLUSHED) >> 28
        assert rig.status(LISTS, number + 1) >> 30 == 0
    await rig.frame(2)
    assert await rig.iso_in() == (PID.DATA0, b"x")
    await rig.stop(IN, True)


async def bandwidth_in(rig: IsoRig) -> None:
    """Several packets in a microframe, all of them or not."""
    now = await rig.frame()
    data = rig.random(2 * rig.size + 100)
    more = rig.random(2 * rig.size)
    await ready_in(rig, [(IOC | at(now + 1, 3), data), (at(now + 2, 2), more)])
    await rig.frame()
    got = b""
    for pid in (PID.DATA2, PID.DATA1, PID.DATA0):
        await sleep(us(3))
        found, part = await rig.iso_in()
        assert found == pid, (found, pid)
        got += part
    assert got == data
    assert await rig.causes(IN, True, 5) == DONE_ALL
    assert rig.status(LISTS) == DONE | IOC | at(now + 1, 3)
    await rig.frame()
    assert await rig.iso_in() == (PID.DATA1, more[: rig.size])
    await sleep(us(5))
    assert rig.status(LISTS, 1) >> 30 == 0
    await rig.frame()
    await sleep(us(10))
    wanted = DONE | FLUSHED | at(now + 2, 2) | rig.size
    assert rig.status(LISTS, 1) == wanted, hex(rig.status(LISTS, 1))
    await rig.stop(IN, True)


async def frames_out(rig: IsoRig) -> None:
    """Every packet has a descriptor of its own, in whatever frame it comes; a ring goes on."""
    rig.list(
        LISTS, [(rig.size, DATA), (IOC | rig.size, DATA + 0x1000), (LAST | 100, DATA + 0x2000)]
    )
    await rig.run(OUT, False, LISTS)
    sizes = (rig.size, 33, 60)
    for round_ in range(2):
        for number, size in enumerate(sizes):
            now = await rig.frame(1 + number)
            data = rig.random(size)
            await rig.iso_out(PID.DATA0, data, bad_crc=True)
            await rig.iso_out(PID.DATA0, data)
            await sleep(us(12))
            room = (rig.size, rig.size, 100)[number]
            flags = (0, IOC, LAST)[number] | (SHORT if size < rig.size else 0)
            wanted = DONE | flags | now << 12 | room - size
            assert rig.status(LISTS, number) == wanted, (
                hex(rig.status(LISTS, number)),
                hex(wanted),
            )
            assert rig.held(DATA + 0x1000 * number, size) == data
            # the first descriptor is not ready for a third round
            over = round_ == 1 and number == 2
            told = (DONE_ALL if number else 0) | (BNA if over else 0)
            assert await rig.causes(OUT, False, 1) == told
            assert await rig.state(OUT, False) == ((0, 1) if over else (1, 0))
            # ready for the next round, in time
            if round_ == 0:
                ready = (0, IOC, LAST)[number] | room
                rig.list(LISTS + 8 * number, [(ready, DATA + 0x1000 * number)])
    assert await rig.pointer(OUT, False) == LISTS


async def losses_out(rig: IsoRig) -> None:
    """A packet that is too long for its descriptor; one that finds none ready."""
    rig.fill(DATA, bytes(64))
    rig.list(LISTS, [(21, DATA), (DONE | LAST | 64, DATA)])
    await rig.run(OUT, False, LISTS)
    now = await rig.frame()
    data = rig.random(60)
    await rig.iso_out(PID.DATA0, data)
    assert await rig.causes(OUT, False, 10) == BNA
    assert rig.status(LISTS) == DONE | ERROR | SHORT | now << 12, hex(rig.status(LISTS))
    assert rig.held(DATA, 24) == data[:21] + bytes(3)
    assert await rig.state(OUT, False) == (0, 1)
    await rig.iso_out(PID.DATA0, data)
    await sleep(us(5))
    assert await rig.hw.read32(DOEPINT.at(OUT)) == DOEPINT.OUTTknEPdis.mask
    await rig.causes(OUT, False, 0)
    rig.list(LISTS + 8, [(LAST | 64, DATA)])
    await rig.enable(OUT, False)
    await rig.frame()
    await rig.iso_out(PID.DATA0, data)
    assert await rig.causes(OUT, False, 10) == DONE_ALL | BNA
    assert rig.held(DATA, 60) == data


async def bandwidth_out(rig: IsoRig) -> None:
    """The PID code of each packet is in its descriptor."""
    pids = (PID.MDATA, PID.MDATA, PID.DATA2)
    rig.list(LISTS, [(rig.size, DATA + 0x1000 * n) for n in range(3)] + [(LAST | 8, DATA)])
    await rig.run(OUT, False, LISTS)
    now = await rig.frame()
    data = [rig.random(size) for size in (rig.size, rig.size, 17)]
    for pid, part in zip(pids, data, strict=True):
        await rig.iso_out(pid, part)
    await sleep(us(30))
    for number, (pid, part) in enumerate(zip(pids, data, strict=True)):
        short = SHORT if len(part) < rig.size else 0
        wanted = DONE | short | CODE[pid] << 23 | now << 12 | rig.size - len(part)
        assert rig.status(LISTS, number) == wanted, hex(rig.status(LISTS, number))
        assert rig.held(DATA + 0x1000 * number, len(part)) == part
    await rig.stop(OUT, False)


async def main(bench: Any) -> None:
    rig = IsoRig(bench)
    await rig.start()
    await bench.wire.sof(10)
    await rig.endpoint(IN, True, ISO)
    await rig.endpoint(OUT, False, ISO)
    await rig.hw.write32(0x104, TX_WORDS << 16 | 1100)
    await frames_in(rig)
    await missed_in(rig)
    await late_in(rig)
    await frames_out(rig)
    await losses_out(rig)
    if rig.high:
        await bandwidth_in(rig)
        await bandwidth_out(rig)
