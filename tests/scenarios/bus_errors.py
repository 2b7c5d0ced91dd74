# SPDX-License-Identifier: Apache-2.0
"""The bus answers DMA with errors: AHBErr on that endpoint, which recovers; others are not hurt."""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import DIEPINT, DOEPINT, GAHBCFG
from raw import BulkOut
from raw_endpoints import ADDRESS, BUFFER, IN_BUFFERS, OUT_BUFFERS, Endpoints
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [{"lockstep": True}, {"speed": "full", "lockstep": True}]

SIZE = 64
HBSTLEN = (1, 0, 3, 5, 7)


async def causes_out(rig: Endpoints, number: int) -> int:
    """Wait for XferCompl; return and clear DOEPINT."""
    for _ in range(100):
        value = await rig.hw.read32(DOEPINT.at(number))
        if value & DOEPINT.XferCompl.mask:
            await rig.hw.write32(DOEPINT.at(number), value)
            return value
        await sleep(us(1))
    raise AssertionError(f"OUT {number}: no XferCompl, DOEPINT {value:#x}")


async def out(rig: Endpoints, pipe: BulkOut, number: int, error: bool) -> None:
    """Send one packet to an endpoint and check what the DMA made of it."""
    place = OUT_BUFFERS + number * BUFFER
    data = rig.random(SIZE)
    rig.hw.memory.write(place, bytes(SIZE))
    await rig.receive(number, 1)
    result = await pipe.send(data)
    assert result.handshake in ("ACK", "NYET"), result
    value = await causes_out(rig, number)
    assert bool(value & DOEPINT.AHBErr.mask) is error, f"OUT {number}: DOEPINT {value:#x}"
    there = rig.hw.memory.read(place, SIZE)
    if error:
        # the words with an error are not written, those beside them are
        assert there == data[:16] + bytes(8) + data[24:], there.hex(" ")
    else:
        assert there == data


async def into_host(rig: Endpoints, number: int, error: bool) -> None:
    """Fetch one packet from an endpoint and check it, unless it was read with an error."""
    data = rig.random(SIZE)
    await rig.send(number, data)
    got = await rig.in_wait(number)
    assert len(got) == SIZE
    assert error or got == data
    value = await rig.causes(number)
    assert value & DIEPINT.XferCompl.mask, f"IN {number}: DIEPINT {value:#x}"
    assert bool(value & DIEPINT.AHBErr.mask) is error, f"IN {number}: DIEPINT {value:#x}"


async def main(bench: Any) -> None:
    rig = Endpoints(bench)
    hw = bench.hw
    await rig.start()
    pipes = {number: BulkOut(bench, ADDRESS, number) for number in (1, 2)}
    for number in (1, 2):
        await rig.open(number, True, size=SIZE, TxFNum=number)
        await rig.open(number, False, size=SIZE)
    for code in HBSTLEN:
        await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask | GAHBCFG.HBstLen.put(code))
        hw.memory_latency(code * 10, 5)
        hw.memory_error(OUT_BUFFERS + BUFFER + 16, 8)
        hw.memory_error(IN_BUFFERS + BUFFER + SIZE - 8, 8)
        for number in (2, 1, 1, 2):
            await out(rig, pipes[number], number, number == 1)
            await into_host(rig, number, number == 1)
        hw.memory_error(0, 0)
        # errors of the other direction are no matter
        hw.memory_error(OUT_BUFFERS, 4 * BUFFER, writes=False)
        hw.memory_error(IN_BUFFERS, 4 * BUFFER, reads=False)
        for number in (1, 2):
            await out(rig, pipes[number], number, False)
            await into_host(rig, number, False)
        hw.memory_error(0, 0)
    hw.memory_latency(0)
