# SPDX-License-Identifier: Apache-2.0
"""Descriptor DMA on a bulk pair and an interrupt endpoint, by raw registers and a raw wire."""

from __future__ import annotations

from typing import Any

from descriptor_rig import (
    BNA,
    BULK,
    DATA,
    DONE,
    ERROR,
    HOST_BUSY,
    INTERRUPT,
    IOC,
    LAST,
    LISTS,
    MTRF,
    SHORT,
    STOP,
    Rig,
)
from pymodel.gen.udc_regs import DIEPDMAB, DIEPINT, DOEPDMAB, GAHBCFG, GHWCFG4
from pymodel.packets import PID
from tb.kernel import ns, sleep, us

PROBE = False
HOST = False
PARAMETERS = {"DESC_DMA": 1}
RUNS = [{"speed": "high"}, {"speed": "full"}]
DONE_ALL, DISABLED = DIEPINT.XferCompl.mask, DIEPINT.EPDisbld.mask
IN, OUT = 1, 1


async def chain_in(rig: Rig) -> None:
    """Three descriptors, an interrupt in the middle and at the end, each with a short tail."""
    sizes = (2 * rig.size, rig.size + 7, 5)
    data = [rig.random(size) for size in sizes]
    places = [DATA + 0x1000 * number for number in range(3)]
    for place, part in zip(places, data, strict=True):
        rig.fill(place, part)
    flags = (0, IOC, LAST)
    rig.list(LISTS, [(f | size, p) for f, size, p in zip(flags, sizes, places, strict=True)])
    assert await rig.hw.read32(DIEPDMAB.at(IN)) == 0
    # the low bits of the address of a list do not count
    await rig.run(IN, True, LISTS + 2)
    for number, part in enumerate(data):
        for at in range(0, len(part), rig.size):
            assert await rig.in_(IN) == part[at : at + rig.size], (number, at)
        wanted = DONE_ALL if flags[number] else 0
        assert await rig.causes(IN, True) == wanted, number
        assert rig.status(LISTS, number) == DONE | flags[number], hex(rig.status(LISTS, number))
    assert await rig.state(IN, True) == (0, 0)
    # back at the head of the list
    assert await rig.pointer(IN, True) & ~3 == LISTS
    end = places[2] + (sizes[2] + 3 & ~3)
    assert await rig.hw.read32(DIEPDMAB.at(IN)) == end
    assert await rig.nak(IN, True)


async def zero_length_in(rig: Rig) -> None:
    """SP sends a zero-length packet behind full ones; a descriptor of 0 bytes sends just one."""
    data = rig.random(2 * rig.size)
    rig.fill(DATA, data)
    entries = [(SHORT | IOC | 2 * rig.size, DATA), (2 * rig.size, DATA), (SHORT | 3, DATA)]
    rig.list(LISTS, [*entries, (IOC, 0), (SHORT | LAST, 0)])
    await rig.run(IN, True, LISTS)
    for wanted in (data[: rig.size], data[rig.size :]):
        assert await rig.in_(IN) == wanted
    assert await rig.causes(IN, True) == 0
    assert rig.status(LISTS) >> 30 == 0
    assert await rig.in_(IN) == b""
    assert await rig.causes(IN, True) == DONE_ALL
    assert rig.status(LISTS) == DONE | SHORT | IOC
    for wanted in (data[: rig.size], data[rig.size :], data[:3], b"", b""):
        assert await rig.in_(IN) == wanted
    assert await rig.causes(IN, True) == DONE_ALL
    assert [rig.status(LISTS, n) for n in (2, 3, 4)] == [
        DONE | SHORT,
        DONE | IOC,
        DONE | SHORT | LAST,
    ]


async def again_in(rig: Rig) -> None:
    """A packet without a handshake is sent again; the last one closes when acknowledged."""
    data = rig.random(rig.size + 9)
    rig.fill(DATA, data)
    rig.list(LISTS, [(LAST | len(data), DATA)])
    await rig.run(IN, True, LISTS)
    for at in (0, rig.size):
        for _ in range(2):
            assert await rig.in_(IN, no_handshake=True) == data[at : at + rig.size]
            await sleep(us(2))
        assert rig.status(LISTS) >> 30 == 0
        assert await rig.in_(IN) == data[at : at + rig.size]
    assert await rig.causes(IN, True) == DONE_ALL
    assert rig.status(LISTS) == DONE | LAST


async def chain_out(rig: Rig) -> None:
    """Descriptors fill up one after the other; a short packet ends the list before its end."""
    sizes = (2 * rig.size, rig.size, 2 * rig.size, rig.size)
    places = [DATA + 0x1000 * number for number in range(4)]
    rig.list(LISTS, [(IOC | s if n == 1 else s, places[n]) for n, s in enumerate(sizes)])
    await rig.run(OUT, False, LISTS)
    data = rig.random(3 * rig.size + 21)
    for at in range(0, len(data), rig.size):
        await rig.out(OUT, data[at : at + rig.size])
        if at == 2 * rig.size:
            assert await rig.causes(OUT, False) == DONE_ALL
            assert await rig.pointer(OUT, False) == LISTS + 16
    assert await rig.causes(OUT, False) == DONE_ALL
    assert rig.status(LISTS, 0) == DONE
    assert rig.status(LISTS, 1) == DONE | IOC
    assert rig.status(LISTS, 2) == DONE | SHORT | 2 * rig.size - 21
    assert rig.status(LISTS, 3) == rig.size
    got = [rig.held(p, s) for p, s in zip(places, sizes, strict=True)]
    assert got[0] + got[1] + got[2][:21] == data
    assert await rig.hw.read32(DOEPDMAB.at(OUT)) == places[2] + 24
    assert await rig.state(OUT, False) == (0, 1)
    assert await rig.pointer(OUT, False) == LISTS
    assert await rig.nak(OUT, False)


async def more_transfers(rig: Rig) -> None:
    """MTRF: a short packet ends its descriptor, and the list goes on."""
    rig.list(
        LISTS,
        [
            (MTRF | rig.size, DATA),
            (MTRF | IOC | rig.size, DATA + 512),
            (LAST | rig.size, DATA + 1024),
        ],
    )
    await rig.run(OUT, False, LISTS)
    parts = [rig.random(3), b"", rig.random(rig.size)]
    for part in parts:
        await rig.out(OUT, part)
    assert await rig.causes(OUT, False) == DONE_ALL
    assert rig.status(LISTS, 0) == DONE | MTRF | SHORT | rig.size - 3
    assert rig.status(LISTS, 1) == DONE | MTRF | IOC | SHORT | rig.size
    assert rig.status(LISTS, 2) == DONE | LAST
    assert rig.held(DATA, 3) == parts[0] and rig.held(DATA + 1024, rig.size) == parts[2]
    assert await rig.state(OUT, False) == (0, 1)


async def too_small(rig: Rig) -> None:
    """What does not fit is dropped and told."""
    rig.fill(DATA, bytes(4096))
    rig.list(LISTS, [(rig.size + 10, DATA), (13, DATA + 2048), (LAST, DATA + 3072)])
    await rig.run(OUT, False, LISTS)
    data = rig.random(4 * rig.size)
    for at in range(0, len(data), rig.size):
        await rig.out(OUT, data[at : at + rig.size])
    assert await rig.causes(OUT, False, 20) == DONE_ALL
    assert rig.status(LISTS, 0) == DONE | ERROR
    assert rig.status(LISTS, 1) == DONE | ERROR
    assert rig.status(LISTS, 2) == DONE | ERROR | LAST
    assert rig.held(DATA, rig.size + 12) == data[: rig.size + 10] + bytes(2)
    assert rig.held(DATA + 2048, 16) == data[2 * rig.size : 2 * rig.size + 13] + bytes(3)
    assert rig.held(DATA + 3072, 16) == bytes(16)


async def not_ready(rig: Rig) -> None:
    """BNA: a descriptor that is the host's stops the endpoint; it recovers."""
    for is_in in (True, False):
        rig.list(LISTS, [(HOST_BUSY | LAST | rig.size, DATA)])
        await rig.run(1, is_in, LISTS)
        assert await rig.causes(1, is_in) == BNA
        assert await rig.state(1, is_in) == (0, 1)
        assert await rig.nak(1, is_in)
        assert rig.status(LISTS) == HOST_BUSY | LAST | rig.size
        rig.list(LISTS, [(rig.size, DATA), (DONE | rig.size, DATA), (LAST | rig.size, DATA)])
        # the pointer has stayed; DxEPDMA need not be written again
        assert await rig.pointer(1, is_in) == LISTS
        await rig.enable(1, is_in)
        data = rig.random(rig.size)
        await _one(rig, is_in, data)
        assert await rig.causes(1, is_in) == BNA
        assert await rig.pointer(1, is_in) == LISTS + 8
        rig.list(LISTS + 8, [(rig.size, DATA)])
        await rig.enable(1, is_in)
        await _one(rig, is_in, data)
        await _one(rig, is_in, data)
        assert await rig.causes(1, is_in) == DONE_ALL
        assert await rig.pointer(1, is_in) == LISTS


async def _one(rig: Rig, is_in: bool, data: bytes, number: int = 1) -> None:
    place = DATA if number == 1 else DATA + 0x4000
    if is_in:
        rig.fill(place, data)
        assert len(await rig.in_(number)) == len(data)
    else:
        rig.fill(place, bytes(len(data)))
        await rig.out(number, data)
        await sleep(us(10))
        assert rig.held(place, len(data)) == data


async def repeats(rig: Rig) -> None:
    """The list starts again without a write of DxEPDMA; wrong toggles are not data."""
    rig.list(LISTS, [(LAST | rig.size, DATA)])
    for number in range(3):
        if number:
            rig.list(LISTS, [(LAST | rig.size, DATA + 0x100 * number)])
            await rig.enable(OUT, False)
        else:
            await rig.run(OUT, False, LISTS)
        data = rig.random(8 + number)
        if number == 1:
            await sleep(us(5))
            pid = rig.toggle[OUT, False]
            if rig.high:
                # the packet before was answered NYET
                assert (await rig.bench.wire.ping(5, OUT)).handshake == "ACK"
            result = await rig.bench.wire.out(5, OUT, pid, b"old news", wrong_toggle=True)
            assert result.handshake in ("ACK", "NYET"), result
            assert await rig.causes(OUT, False) == 0
        await rig.out(OUT, data)
        assert await rig.causes(OUT, False) == DONE_ALL
        assert rig.held(DATA + 0x100 * number, 8 + number) == data
        assert rig.status(LISTS) == DONE | LAST | SHORT | rig.size - 8 - number


async def disable(rig: Rig) -> None:
    """EPDis drops the descriptor: nothing is written back, the pointer stays."""
    for is_in in (True, False):
        rig.list(LISTS, [(rig.size, DATA), (LAST | 2 * rig.size, DATA)])
        await rig.run(1, is_in, LISTS)
        for _ in range(2):
            await _one(rig, is_in, rig.random(rig.size))
        await sleep(us(3))
        await rig.write_control(1, is_in, STOP)
        assert await rig.causes(1, is_in) & ~DIEPINT.INEPNakEff.mask == DISABLED
        assert await rig.state(1, is_in) == (0, 1)
        assert rig.status(LISTS, 1) == LAST | 2 * rig.size
        assert await rig.pointer(1, is_in) == LISTS + 8
        if is_in:
            await rig.flush(1)
        rig.list(LISTS + 8, [(LAST | rig.size, DATA)])
        await rig.enable(1, is_in)
        await _one(rig, is_in, rig.random(rig.size))
        assert await rig.causes(1, is_in) == DONE_ALL
        assert rig.status(LISTS, 1) == DONE | LAST


async def new_list(rig: Rig) -> None:
    """A write of DxEPDMA leaves the descriptor that waits, and begins another list."""
    rig.list(LISTS, [(LAST | rig.size, DATA)])
    rig.list(LISTS + 0x100, [(LAST | 40, DATA + 0x800)])
    await rig.run(OUT, False, LISTS)
    await sleep(us(3))
    await rig.point(OUT, False, LISTS + 0x100)
    data = rig.random(12)
    await rig.out(OUT, data)
    assert await rig.causes(OUT, False) == DONE_ALL
    assert (rig.status(LISTS), rig.held(DATA + 0x800, 12)) == (LAST | rig.size, data)


async def memory_errors(rig: Rig) -> None:
    """AHBErr: the endpoint stops where a descriptor could not be read or written; others go on."""
    error, bad, size = DIEPINT.AHBErr.mask, rig.hw.memory_error, rig.size
    for is_in in (True, False):
        other = 3 if is_in else 2
        await rig.endpoint(other, is_in, BULK)
        rig.list(LISTS + 0x400, [(size, DATA + 0x4000)] * 4 + [(LAST | size, DATA + 0x4000)])
        await rig.run(other, is_in, LISTS + 0x400)
        # the second descriptor of a list cannot be read
        rig.list(LISTS, [(size, DATA), (LAST | size, DATA)])
        bad(LISTS + 8, 8, writes=False)
        await rig.run(1, is_in, LISTS)
        await _one(rig, is_in, rig.random(size))
        await _stopped(rig, is_in, LISTS + 8)
        assert (rig.status(LISTS), rig.status(LISTS, 1)) == (DONE, LAST | size)
        await _one(rig, is_in, rig.random(size), other)
        # nothing changes while memory stays as it is
        await rig.enable(1, is_in)
        await _stopped(rig, is_in, LISTS + 8)
        bad(0, 0)
        await rig.enable(1, is_in)
        await _one(rig, is_in, rig.random(size))
        assert await rig.causes(1, is_in) == DONE_ALL
        # its status cannot be written
        rig.list(LISTS, [(LAST | size, DATA)])
        bad(LISTS, 4, reads=False)
        await rig.run(1, is_in, LISTS)
        await _one(rig, is_in, rig.random(size))
        await _stopped(rig, is_in, LISTS)
        assert rig.status(LISTS) == LAST | size
        await _one(rig, is_in, rig.random(size), other)
        bad(0, 0)
        await rig.enable(1, is_in)
        await _one(rig, is_in, rig.random(size))
        assert await rig.causes(1, is_in) == DONE_ALL
        assert rig.status(LISTS) == DONE | LAST
        # data: told, but the list goes on
        rig.list(LISTS, [(size, DATA), (LAST | size, DATA)])
        bad(DATA, 8)
        await rig.run(1, is_in, LISTS)
        data = rig.random(size)
        rig.fill(DATA, bytes(size))
        if is_in:
            assert len(await rig.in_(1)) == size
        else:
            await rig.out(1, data)
        assert await rig.causes(1, is_in) == error
        bad(0, 0)
        if not is_in:
            assert rig.held(DATA, size) == bytes(8) + data[8:]
        await _one(rig, is_in, rig.random(size))
        # the second IN packet may have been fetched with the error too
        assert await rig.causes(1, is_in) & ~(error if is_in else 0) == DONE_ALL
        for _ in range(3):
            await _one(rig, is_in, rig.random(size), other)
        assert await rig.causes(other, is_in) == DONE_ALL


async def _stopped(rig: Rig, is_in: bool, pointer: int) -> None:
    """Endpoint 1 has stopped at a descriptor with AHBErr."""
    assert await rig.causes(1, is_in) == DIEPINT.AHBErr.mask
    assert await rig.state(1, is_in) == (0, 1)
    assert await rig.pointer(1, is_in) == pointer
    assert await rig.nak(1, is_in)
    # the token came to an endpoint that is not enabled
    await rig.causes(1, is_in)


async def in_the_middle(rig: Rig, action: str) -> None:
    """DxEPDMA is written, or the endpoint disabled, while its descriptor is loaded or stored."""
    size, other = rig.size, LISTS + 0x100
    burst = GAHBCFG.DMAEn.mask | GAHBCFG.HBstLen.put(7)
    await rig.hw.write32(GAHBCFG.OFFSET, burst)
    rig.hw.memory_latency(180)
    for is_in in (True, False):
        for storing in (False, True):
            for delay in (0, 1500, 3000, 4500, 6000):
                rig.list(LISTS, [(LAST | size, DATA)])
                rig.list(other, [(LAST | size, DATA + 0x4000)])
                await rig.run(1, is_in, LISTS)
                if storing:
                    await sleep(us(40))
                    await rig.in_(1) if is_in else await rig.out(1, rig.random(size))
                await sleep(ns(delay))
                await ACTIONS[action](rig, is_in, other)
                await sleep(us(40))
                causes = await rig.causes(1, is_in)
                if action == "point" and rig.status(other) >> 30:
                    # the packet waited in the Rx FIFO, and the new list got it
                    assert storing and not is_in and causes & DONE_ALL
                    rig.list(other, [(LAST | size, DATA + 0x4000)])
                    await rig.enable(1, is_in)
                elif action == "point" and not (storing and causes & DONE_ALL):
                    # the new list is in work, and the old one has no more to say
                    assert causes & DONE_ALL == 0, causes
                    assert await rig.state(1, is_in) == (1, 0)
                    if is_in:
                        # what had been fetched of the old list may be in the FIFO
                        await rig.write_control(1, is_in, STOP)
                        await rig.causes(1, is_in)
                        await rig.flush(1)
                        assert await rig.pointer(1, is_in) == other
                        await rig.enable(1, is_in)
                elif action == "point":
                    await rig.enable(1, is_in)
                else:
                    assert await rig.state(1, is_in) == (0, 1), (storing, delay)
                    assert causes & (DISABLED | DONE_ALL), hex(causes)
                    if is_in:
                        await rig.flush(1)
                    assert await rig.pointer(1, is_in) == LISTS
                    rig.list(LISTS, [(LAST | size, DATA + 0x4000)])
                    await rig.enable(1, is_in)
                data = rig.random(size)
                rig.fill(DATA + 0x4000, data if is_in else bytes(size))
                if is_in:
                    await sleep(us(40))
                    assert await rig.in_(1) == data, (action, storing, delay)
                else:
                    await rig.out(1, data)
                await sleep(us(40))
                assert await rig.causes(1, is_in) & ~DIEPINT.INEPNakEff.mask == DONE_ALL
                assert rig.held(DATA + 0x4000, size) == data
                at = other if action == "point" else LISTS
                assert rig.status(at) == DONE | LAST
                assert await rig.pointer(1, is_in) == at
    rig.hw.memory_latency(0)


async def _disable(rig: Rig, is_in: bool, other: int) -> None:
    await rig.write_control(1, is_in, STOP)


async def _point(rig: Rig, is_in: bool, other: int) -> None:
    await rig.point(1, is_in, other)


ACTIONS = {"point": _point, "disable": _disable}


async def interrupt(rig: Rig) -> None:
    """An interrupt endpoint works the same way."""
    await rig.endpoint(2, True, INTERRUPT, 16)
    await rig.endpoint(3, False, INTERRUPT, 16)
    data = rig.random(40)
    rig.fill(DATA, data)
    rig.list(LISTS, [(IOC | 32, DATA), (LAST | SHORT | 8, DATA + 32)])
    rig.list(LISTS + 64, [(LAST | 48, DATA + 0x400)])
    await rig.run(2, True, LISTS)
    await rig.run(3, False, LISTS + 64)
    assert b"".join([await rig.in_(2) for _ in range(3)]) == data
    assert await rig.causes(2, True) == DONE_ALL
    wire = rig.bench.wire
    for at, pid in ((0, PID.DATA0), (16, PID.DATA1), (32, PID.DATA0)):
        result = await wire.out(5, 3, pid, data[at : at + 16])
        assert result.handshake == "ACK", result
        await sleep(us(5))
    assert await rig.causes(3, False) == DONE_ALL
    assert rig.status(LISTS + 64) == DONE | LAST | SHORT | 8
    assert rig.held(DATA + 0x400, 40) == data


async def unwritten(rig: Rig) -> None:
    """An endpoint whose list was never named fetches nothing."""
    rig.list(LISTS, [(LAST | rig.size, DATA)])
    for is_in in (True, False):
        await rig.enable(1, is_in)
        await sleep(us(5))
        assert await rig.nak(1, is_in)
        assert await rig.state(1, is_in) == (1, 0)
        assert await rig.causes(1, is_in) == 0
        await rig.point(1, is_in, LISTS)
        await sleep(us(5))
        await _one(rig, is_in, rig.random(rig.size))
        assert await rig.causes(1, is_in) == DONE_ALL
        assert rig.status(LISTS) == DONE | LAST
        rig.list(LISTS, [(LAST | rig.size, DATA)])


async def main(bench: Any) -> None:
    rig = Rig(bench)
    assert await bench.hw.read32(GHWCFG4.OFFSET) >> 30 == 3
    await rig.start()
    await rig.endpoint(1, True, BULK)
    await rig.endpoint(1, False, BULK)
    await unwritten(rig)
    await rig.write_reset()
    await rig.endpoint(1, True, BULK)
    await rig.endpoint(1, False, BULK)
    await chain_in(rig)
    await zero_length_in(rig)
    await again_in(rig)
    await chain_out(rig)
    await more_transfers(rig)
    await too_small(rig)
    await not_ready(rig)
    await repeats(rig)
    await disable(rig)
    await new_list(rig)
    await memory_errors(rig)
    for action in ACTIONS:
        await in_the_middle(rig, action)
    await interrupt(rig)
