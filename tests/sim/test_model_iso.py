# SPDX-License-Identifier: Apache-2.0
"""Isochronous transactions and the end of periodic frames on the wire (facts section 12)."""

from __future__ import annotations

import pytest

from pymodel.gen.udc_regs import (
    DCFG,
    DIEPCTL,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPINT,
    DOEPTSIZ,
    DSTS,
    GINTMSK,
    GINTSTS,
)
from pymodel.packets import PID
from pymodel.wire import Status, Transaction
from tb.kernel import sleep, us
from tb.sim.lockstep import Lockstep
from tests.sim.model_rig import BASE, EPENA_CNAK, Rig, run
from tests.sim.test_lockstep import drained

EOPF = GINTSTS.EOPF.mask
INCOMPLETE = GINTSTS.incompISOIN.mask | GINTSTS.incompISOOUT.mask
OUT_BUFFER = BASE + 0x10000


async def open_iso(rig: Rig, mps: int) -> None:
    value = mps | 1 << 15 | 1 << 18
    await rig.bus.write32(DIEPCTL.at(1), value | DIEPCTL.TxFNum.put(1))
    await rig.bus.write32(DOEPCTL.at(1), value)


async def arm(rig: Rig, is_in: bool, size: int, count: int, odd: int, mc: int = 1) -> None:
    """Program one frame's packets, as every driver does (section 12)."""
    ctl, tsiz = (DIEPCTL, DIEPTSIZ) if is_in else (DOEPCTL, DOEPTSIZ)
    await rig.bus.write32(tsiz.at(1), (mc << 29 if is_in else 0) | count << 19 | size)
    await rig.bus.write32(tsiz.at(1) + 4, BASE if is_in else OUT_BUFFER)
    parity = DIEPCTL.SetD1PID.mask if odd else DIEPCTL.SetD0PID.mask
    await rig.bus.write32(ctl.at(1), await rig.bus.read32(ctl.at(1)) | EPENA_CNAK | parity)


def iso_in(frame: int | None = None, length: int = 1024) -> Transaction:
    return Transaction(PID.IN, 0, 1, max_length=length, isochronous=True, frame=frame)


def iso_out(data: bytes, frame: int | None = None, pid: int = PID.DATA0) -> Transaction:
    return Transaction(PID.OUT, 0, 1, data=data, pid=pid, isochronous=True, frame=frame)


async def together(rig: Rig, *transactions: Transaction) -> None:
    """Submit several; returns when the last one has ended."""
    rig.wire.submit(transactions[:-1], lambda _: None)
    await rig.wire.execute(transactions[-1])


async def next_even(rig: Rig) -> int:
    """Wait for the middle of an odd frame; returns the even one that follows."""
    length = rig.wire.timing.frame
    frame = rig.wire.frame + 1
    frame += frame & 1 ^ 1
    await sleep(rig.wire.frame_time(frame) + length // 2 - rig.kernel.now)
    assert DSTS.SOFFN.get(await rig.bus.read32(DSTS.OFFSET)) & 1
    return frame + 1


@pytest.mark.parametrize("speed", ["full", "high"])
def test_frames_of_both_parities(speed: str) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await open_iso(rig, 200)
        rig.memory.write(BASE, bytes(range(200)))
        first = await next_even(rig)
        await arm(rig, True, 200, 1, 1)
        await arm(rig, False, 200, 1, 0)
        sent = bytes(range(55, 255))
        early, data = iso_in(first), iso_in(first + 1)
        taken, lost = iso_out(sent, first), iso_out(b"lost", first + 1)
        await together(rig, early, taken, data, lost)
        assert (early.status, early.rx_pid, early.rx_data) == (Status.OK, PID.DATA0, b"")
        assert (data.status, data.rx_pid, data.rx_data) == (Status.OK, PID.DATA0, bytes(range(200)))
        assert (taken.status, taken.handshake, lost.handshake) == (Status.OK, None, None)
        assert rig.memory.read(OUT_BUFFER, 200) == sent
        assert await rig.bus.read32(DIEPINT.at(1)) & DIEPINT.XferCompl.mask
        assert not await rig.bus.read32(DIEPINT.at(1)) & DIEPINT.NAKIntrpt.mask
        assert await rig.bus.read32(DOEPINT.at(1)) & DOEPINT.XferCompl.mask
        # No handshake passed in either direction.
        assert not [one for one in rig.records if len(one.data) == 1]

    rig = Rig(speed=speed, trace=1)
    lockstep = Lockstep(rig.controller.parameters, lambda: drained(rig))
    rig.wire.monitor(lockstep.payloads.records)
    run(rig, main)
    lockstep.finish(rig.kernel.now)
    assert lockstep.mismatches == []


def test_three_packets_per_microframe_both_ways() -> None:
    """USB 2.0 section 5.9.2: 3 x 1024 bytes; IN and OUT in neighbouring microframes."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await open_iso(rig, 1024)
        first = await next_even(rig)
        data = bytes(range(256)) * 12
        rig.memory.write(BASE, data)
        await arm(rig, True, 3072, 3, 0, mc=3)
        await arm(rig, False, 3072, 3, 1)
        ins = [iso_in(first) for _ in range(3)]
        pids = (PID.MDATA, PID.MDATA, PID.DATA2)
        outs = [iso_out(data[i * 1024 :][:1024], first + 1, pid) for i, pid in enumerate(pids)]
        await together(rig, *ins, *outs)
        assert [one.rx_pid for one in ins] == [PID.DATA2, PID.DATA1, PID.DATA0]
        assert b"".join(one.rx_data for one in ins) == data
        assert rig.wire.frame_time(first) < ins[0].start_ps
        assert ins[2].end_ps < rig.wire.frame_time(first + 1) < outs[0].start_ps
        assert outs[2].end_ps < rig.wire.frame_time(first + 2)
        assert rig.memory.read(OUT_BUFFER, 3072) == data
        assert await rig.bus.read32(DIEPINT.at(1)) & DIEPINT.XferCompl.mask
        assert await rig.bus.read32(DOEPINT.at(1)) & DOEPINT.XferCompl.mask
        assert DOEPTSIZ.RxDPID.get(await rig.bus.read32(DOEPTSIZ.at(1))) == 1

    run(Rig(), main)


def test_xfercompl_comes_after_the_packet() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await open_iso(rig, 1024)
        first = await next_even(rig)
        await arm(rig, True, 1024, 1, 0)
        one = iso_in(first)
        rig.wire.submit([one], lambda _: None)
        await sleep(rig.wire.frame_time(first) + us(10) - rig.kernel.now)
        assert not await rig.bus.read32(DIEPINT.at(1)) & DIEPINT.XferCompl.mask
        await sleep(us(20))
        assert one.status is Status.OK
        assert await rig.bus.read32(DIEPINT.at(1)) & DIEPINT.XferCompl.mask

    run(Rig(), main)


# -- EOPF -------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize(("code", "part"), [(0, 80), (1, 85), (2, 90), (3, 95)])
def test_eopf_comes_where_perfrint_says(speed: str, code: int, part: int) -> None:
    """Section 4, DCFG 12:11; it raises the interrupt at its time, and without it on looking."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(DCFG.OFFSET, DCFG.PerFrInt.put(code))
        length = rig.wire.timing.frame
        frame = rig.wire.frame + 10
        due = rig.wire.frame_time(frame) + length * part // 100
        await sleep(due - us(1) - rig.kernel.now)
        await rig.bus.write32(GINTSTS.OFFSET, EOPF)
        assert not await rig.bus.read32(GINTSTS.OFFSET) & EOPF
        await sleep(due + us(0.1) - rig.kernel.now)
        assert await rig.bus.read32(GINTSTS.OFFSET) & EOPF
        await rig.bus.write32(GINTSTS.OFFSET, EOPF)
        assert not await rig.bus.read32(GINTSTS.OFFSET) & EOPF
        await rig.bus.write32(GINTMSK.OFFSET, EOPF)
        times: list[int] = []
        rig.bus.on_irq(lambda irq, _: times.append(rig.kernel.now) if irq else None)
        await sleep(2 * length)
        assert times == [due + length]

    run(Rig(speed=speed), main)


@pytest.mark.parametrize("is_in", [True, False])
def test_missed_frames_are_told_at_eopf(is_in: bool) -> None:
    """Section 12: incompISOIN, incompISOOUT; the endpoint stays enabled."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await open_iso(rig, 64)
        bit = GINTSTS.incompISOIN.mask if is_in else GINTSTS.incompISOOUT.mask
        first = await next_even(rig)
        await rig.bus.write32(GINTMSK.OFFSET, INCOMPLETE)
        times: list[int] = []
        rig.bus.on_irq(lambda irq, _: times.append(rig.kernel.now) if irq else None)
        await arm(rig, is_in, 64, 1, 0)
        end = rig.wire.frame_time(first) + us(100)
        await sleep(end - us(1) - rig.kernel.now)
        assert not times
        await sleep(us(2))
        assert times == [end]
        assert await rig.bus.read32(GINTSTS.OFFSET) & INCOMPLETE == bit
        await rig.bus.write32(GINTSTS.OFFSET, bit)
        ctl = DIEPCTL if is_in else DOEPCTL
        assert await rig.bus.read32(ctl.at(1)) & DIEPCTL.EPEna.mask
        # The other frame is none of its business; software then moves it there.
        await sleep(us(125))
        assert len(times) == 1
        value = await rig.bus.read32(ctl.at(1))
        await rig.bus.write32(ctl.at(1), value | DIEPCTL.SetD1PID.mask)
        await rig.wire.execute(iso_in(first + 3) if is_in else iso_out(b"x", first + 3))
        await sleep(us(125) * 4)
        assert len(times) == 1

    rig = Rig(trace=1)
    lockstep = Lockstep(rig.controller.parameters, lambda: drained(rig))
    rig.wire.monitor(lockstep.payloads.records)
    run(rig, main)
    lockstep.finish(rig.kernel.now)
    assert lockstep.mismatches == []


def test_idle_time_is_free_without_a_transfer() -> None:
    """DESIGN rule 4: an open endpoint alone needs no timer."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await open_iso(rig, 64)
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        assert rig.kernel.next_timer() is None

    run(Rig(), main)
