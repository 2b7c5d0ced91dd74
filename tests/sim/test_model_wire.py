# SPDX-License-Identifier: Apache-2.0
"""The wire face of the model: frames, transactions, raw packets (DESIGN rule 5)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pymodel.gen.udc_regs import DIEPINT, DOEPINT, DSTS, GINTMSK, GINTSTS
from pymodel.packets import (
    PID,
    build_data,
    build_handshake,
    build_sof,
    build_token,
    data_crc_ok,
    pid_of,
)
from pymodel.wire import Status, Transaction
from tb.kernel import Event, ms, sleep, us
from tests.sim.model_rig import BASE, Rig, run

MICROFRAME = us(125)


# -- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("speed", "step"), [("full", ms(1)), ("high", MICROFRAME)])
def test_frames_are_arithmetic(speed: str, step: int) -> None:
    """DESIGN rule 4: idle time is free."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        end = rig.kernel.now
        assert rig.wire.frame == -1
        assert rig.wire.frame_time(0) == end + step
        await sleep(step * 3000 + step // 2)
        assert rig.wire.frame == 2999
        status = await rig.bus.read32(DSTS.OFFSET)
        assert DSTS.SOFFN.get(status) == (2999 if speed == "high" else 2999 & 0x7FF)
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.SOF.mask
        await rig.bus.write32(GINTSTS.OFFSET, GINTSTS.SOF.mask)
        assert not await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.SOF.mask

    rig = Rig(speed=speed)
    run(rig, main)
    assert rig.kernel._sequence < 300  # no timer per frame


def test_unmasked_sof_interrupts_every_frame() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        rises = []
        rig.bus.on_irq(lambda irq, _: rises.append(rig.kernel.now) if irq else None)
        await rig.bus.write32(GINTMSK.OFFSET, GINTSTS.SOF.mask)
        for frame in range(3):
            await sleep(rig.wire.frame_time(frame) + us(1) - rig.kernel.now)
            await rig.bus.write32(GINTSTS.OFFSET, GINTSTS.SOF.mask)
        assert rises == [rig.wire.frame_time(frame) for frame in range(3)]

    run(Rig(), main)


def test_transactions_wait_for_their_frame() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        ended = Event()
        done: list[Transaction] = []

        def note(transaction: Transaction) -> None:
            done.append(transaction)
            if len(done) == 3:
                ended.set()

        rig.wire.submit(
            [Transaction(PID.IN, 0, 1, max_length=512, frame=n) for n in (5, 5, 2)], note
        )
        await ended.wait()
        assert [one.status for one in done] == [Status.NAK, Status.NAK, Status.LATE]
        for one in done[:2]:
            begin = rig.wire.frame_time(5)
            assert begin < one.start_ps < one.end_ps < begin + MICROFRAME

    run(Rig(), main)


@pytest.mark.parametrize(("speed", "mps", "least"), [("high", 512, 13), ("full", 64, 18)])
@pytest.mark.parametrize("is_in", [False, True])
def test_bulk_fills_the_frame_and_nothing_crosses_it(
    speed: str, mps: int, least: int, is_in: bool
) -> None:
    """13 x 512 bytes per microframe (DESIGN section 7); no packet runs into an SOF."""

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk(mps)
        count = 100
        data = random.Random(1).randbytes(mps)
        if is_in:
            rig.memory.write(BASE, data * count)
            await rig.start_in(count * mps, count)
        else:
            await rig.start_out(count * mps, count)
        ended = Event()
        results: list[Transaction] = []

        def note(transaction: Transaction) -> None:
            results.append(transaction)
            if len(results) == count:
                ended.set()

        rig.wire.submit(
            [
                Transaction(
                    PID.IN if is_in else PID.OUT,
                    0,
                    1,
                    pid=PID.DATA1 if n & 1 else PID.DATA0,
                    data=data,
                    max_length=mps,
                )
                for n in range(count)
            ],
            note,
        )
        await ended.wait()
        per_frame: dict[int, int] = {}
        length = ms(1) if speed == "full" else MICROFRAME
        for one in results:
            assert one.status in (Status.OK, Status.NYET)
            frame = (one.start_ps - rig.wire.frame_time(0)) // length
            assert one.end_ps <= rig.wire.frame_time(frame + 1)
            per_frame[frame] = per_frame.get(frame, 0) + 1
        assert max(per_frame.values()) >= least
        interrupt = await rig.bus.read32(DIEPINT.at(1) if is_in else DOEPINT.at(1))
        assert interrupt & DIEPINT.XferCompl.mask
        if is_in:
            assert all(one.rx_data == data for one in results)
        else:
            assert rig.memory.read(BASE + 0x10000, count * mps) == data * count

    run(Rig(speed=speed), main)


# -- transactions ------------------------------------------------------------------------------


def test_results_of_transactions() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        nak = await rig.in_()
        assert (nak.status, nak.handshake) == (Status.NAK, "NAK")
        assert 8 * 2083 <= nak.turnaround_ps <= 192 * 2084
        rig.memory.write(BASE, b"hello")
        await rig.start_in(5, 1)
        good = await rig.in_()
        assert (good.status, good.handshake, good.rx_data) == (Status.OK, "ACK", b"hello")
        assert good.rx_pid == PID.DATA0
        await rig.start_out(2048, 4)
        ok = await rig.out(PID.DATA0, b"x" * 512)
        assert (ok.status, ok.handshake) == (Status.OK, "ACK")
        ping = await rig.wire.execute(Transaction(PID.PING, 0, 1))
        assert ping.handshake == "ACK"
        silent = await rig.wire.execute(Transaction(PID.IN, 9, 1, max_length=512))
        assert (silent.status, silent.handshake) == (Status.TIMEOUT, None)
        assert silent.end_ps - silent.start_ps >= 736 * 2083
        await rig.start_in(512, 1)
        babble = await rig.in_(max_length=100)
        assert (babble.status, babble.handshake) == (Status.BABBLE, None)
        assert (await rig.in_()).status is Status.OK

    run(Rig(), main)


def test_chain_ends_at_the_first_failure() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.write(BASE, bytes(600))
        await rig.start_in(600, 2)
        done: list[Transaction] = []
        ended = Event()

        def note(transaction: Transaction) -> None:
            done.append(transaction)
            if len(done) == 5:
                ended.set()

        rig.wire.submit(
            [Transaction(PID.IN, 0, 1, max_length=512, chain=1) for _ in range(4)]
            + [Transaction(PID.PING, 0, 1)],
            note,
        )
        await ended.wait()
        by_chain = [one.status for one in done if one.chain]
        assert by_chain == [Status.OK, Status.OK, Status.SKIPPED, Status.SKIPPED]
        assert [one.status for one in done if not one.chain] == [Status.NAK]

    run(Rig(), main)


def test_cancel_skips_what_has_not_started() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        done: list[Transaction] = []
        rig.wire.submit([Transaction(PID.PING, 0, 0, chain=n) for n in (3, 4)], done.append)
        rig.wire.cancel(3)
        await sleep(ms(1))
        assert [(one.chain, one.status) for one in done] == [
            (3, Status.SKIPPED),
            (4, Status.NAK),
        ]

    run(Rig(), main)


def test_submitting_in_done_loses_no_time() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await sleep(us(200))
        ends: list[Transaction] = []

        def again(transaction: Transaction) -> None:
            ends.append(transaction)
            if len(ends) < 4:
                rig.wire.submit([Transaction(PID.PING, 0, 0)], again)

        again(Transaction(PID.PING, 0, 0))
        await sleep(us(20))
        gaps = {b.start_ps - a.end_ps for a, b in pairwise(ends[1:])}
        assert len(gaps) <= 2
        assert max(gaps) < 100 * 2084

    run(Rig(), main)


# -- raw packets and what passes ---------------------------------------------------------------


def test_raw_packets() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.write(BASE, b"raw!")
        await rig.start_in(4, 1)
        send, receive = rig.wire.send, rig.wire.receive
        await send(build_token(PID.IN, 0, 1))
        answer = await receive(us(2))
        assert answer == build_data(PID.DATA0, b"raw!")
        await sleep(us(5))  # no handshake in time
        await send(build_token(PID.IN, 0, 1))
        assert await receive(us(2)) == answer
        await send(build_handshake(PID.ACK))
        await send(build_token(PID.IN, 0, 1))
        assert await receive(us(2)) == build_handshake(PID.NAK)
        await send(build_token(PID.IN, 5, 1))
        assert await receive(us(2)) is None
        rig.wire.sof_enable(False)
        await send(build_sof(0x123))
        assert DSTS.SOFFN.get(await rig.bus.read32(DSTS.OFFSET)) >> 3 == 0x123

    run(Rig(), main)


def test_monitor_sees_every_packet_in_order() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.write(BASE, bytes(100))
        await rig.start_in(100, 1)
        await rig.in_()
        await rig.start_out(512, 1)
        await rig.out(PID.DATA0, b"abc")
        pids = [PID(pid_of(record.data) or 0) for record in rig.records]
        assert [pid for pid in pids if pid != PID.SOF] == [
            PID.IN, PID.DATA0, PID.ACK, PID.OUT, PID.DATA0, PID.NYET,
        ]  # fmt: skip
        assert PID.SOF in pids
        sides = [record.from_host for record in rig.records if record.data[0] != 0xA5]
        assert sides == [True, False, True, True, True, False]
        times = [(record.start_ps, record.end_ps) for record in rig.records]
        assert all(start < end for start, end in times)
        assert all(a[1] < b[0] for a, b in pairwise(times))
        assert all(data_crc_ok(record.data) for record in rig.records if len(record.data) > 3)

    run(Rig(), main)
