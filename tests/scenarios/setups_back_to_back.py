# SPDX-License-Identifier: Apache-2.0
"""SETUPs that follow each other go to memory one after the other (facts section 10).

Three are stored back to back before the address rewinds; a new DOEPDMA0 starts anew: nothing may
be written below the buffer that software has just named. As many as the Rx FIFO takes may wait for
software; the next one gets no answer, so that the host sends it again: none is lost unnoticed.
"""

from __future__ import annotations

from typing import Any

from pymodel.gen.udc_regs import (
    DCTL,
    DIEPCTL,
    DOEPCTL,
    DOEPDMA,
    DOEPTSIZ,
    GAHBCFG,
    GINTSTS,
    GRXFSIZ,
    GRXSTSP,
)
from pymodel.packets import PID
from tb.kernel import sleep, us

PROBE = False
HOST = False
RUNS = [
    {},
    {"mode": "slave"},
    {"speed": "full"},
    {"lockstep": True},
    {"mode": "slave", "lockstep": True},
]
RX_WORDS = 80


async def main(bench: Any) -> None:
    hw, wire, base = bench.hw, bench.wire, bench.hw.memory.base
    dma = bench.options.mode == "dma"
    # Nothing is mapped: memory is open to the device until somebody maps a part of it.
    await hw.write32(GAHBCFG.OFFSET, GAHBCFG.DMAEn.mask if dma else 0)
    await hw.write32(GRXFSIZ.OFFSET, RX_WORDS)
    await hw.write32(DCTL.OFFSET, 0)
    wire.vbus(True)
    await sleep(us(50))
    await wire.reset()
    await wire.sof(1)

    async def arm(address: int) -> None:
        await hw.write32(DOEPTSIZ.at(0), 3 << 29 | 1 << 19 | 24)
        await hw.write32(DOEPDMA.at(0), address)
        await hw.write32(DOEPCTL.at(0), DOEPCTL.EPEna.mask)

    async def setup(number: int) -> bytes:
        request = bytes([0x80, 6, number, 1, 0, 0, 18, 0])
        assert (await wire.setup(0, 0, request)).handshake == "ACK"
        await sleep(us(20))
        return request

    async def fill() -> list[bytes]:
        """Send SETUPs until one gets no answer, an OUT packet among the last ones."""
        packet, sent = False, []
        for number in range(RX_WORDS):
            if number == 10:
                result = await wire.out(0, 1, PID.DATA0, b"data")
                packet = result.handshake in ("ACK", "NYET")
            request = bytes([0x80, 6, number, 1, 0, 0, 18, 0])
            if (await wire.setup(0, 0, request, by_hand=True)).handshake is None:
                assert packet
                return sent
            sent.append(request)
        raise AssertionError("a SETUP was taken for which there was no room")

    async def nak() -> int:
        """Clear the NAK of EP0 IN; return what has come of it."""
        await hw.write32(DIEPCTL.at(0), DIEPCTL.CNAK.mask)
        return int(DIEPCTL.NAKSts.get(await hw.read32(DIEPCTL.at(0))))

    bulk = 64 | DOEPCTL.USBActEP.mask | DOEPCTL.EPType.put(2) | DOEPCTL.SetD0PID.mask
    await hw.write32(DOEPTSIZ.at(1), 1 << 19 | 64)
    await hw.write32(DOEPDMA.at(1), base + 0x400)
    await hw.write32(DOEPCTL.at(1), bulk | DOEPCTL.EPEna.mask | DOEPCTL.CNAK.mask)
    sent = await fill()
    assert len(sent) >= (RX_WORDS - 5) // 3, len(sent)
    assert await nak() == 1
    if not dma:
        # a message behind the last SETUP: the Rx FIFO is not empty when all are seen
        assert (await wire.in_(0, 0)).handshake == "NAK"
    if dma:
        await arm(base + 0x100)
        await sleep(us(60))
        last = await hw.read32(DOEPDMA.at(0)) - 8
        assert hw.memory.read(last, 8) == sent[-1]
        place = (last - base - 0x100) // 8
        three = [hw.memory.read(base + 0x100 + (place - back) % 3 * 8, 8) for back in (0, 1, 2)]
        assert three == sent[:-4:-1]
        assert hw.memory.read(base + 0x400, 4) == b"data"
    else:
        words: list[tuple[int, bytes]] = []
        while GINTSTS.RxFLvl.get(await hw.read32(GINTSTS.OFFSET)):
            status = await hw.read32(GRXSTSP.OFFSET)
            size = -(-GRXSTSP.BCnt.get(status) // 4)
            data = b"".join([(await hw.read32(0x1000)).to_bytes(4, "little") for _ in range(size)])
            words.append((GRXSTSP.PktSts.get(status), data))
            # the NAK may go with the last one, whatever else is behind it
            setups = [one for kind, one in words if kind == 6]
            assert await nak() == (setups != sent), len(words)
        assert setups == sent
        assert (2, b"data") in words
    assert await nak() == 0
    # there is room again
    assert (await wire.setup(0, 0, sent[0])).handshake == "ACK"
    if not dma:
        return
    await sleep(us(20))
    assert (await wire.in_(0, 0)).handshake == "NAK"
    await sleep(us(20))

    await arm(base + 0x100)
    sent = [await setup(number) for number in range(4)]
    stored = hw.memory.read(base + 0x100, 24)
    assert stored == sent[3] + sent[1] + sent[2], stored.hex()
    assert await hw.read32(DOEPDMA.at(0)) == base + 0x108
    for number in (4, 5):
        await setup(number)
    await arm(base + 0x200)
    last = await setup(6)
    assert hw.memory.read(base + 0x200, 8) == last
    assert hw.memory.read(base + 0x1E8, 24) == bytes(24)
    assert await hw.read32(DOEPDMA.at(0)) == base + 0x208
