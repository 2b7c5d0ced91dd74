# SPDX-License-Identifier: Apache-2.0
"""The wire face of the model: timing, knobs, line states (DESIGN rule 5, facts section 13)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pymodel.gen.udc_regs import (
    DCTL,
    DIEPINT,
    DOEPINT,
    DSTS,
    GAHBCFG,
    GINTMSK,
    GINTSTS,
    GOTGCTL,
    GRSTCTL,
)
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
from tb.kernel import Event, ms, ns, sleep, us
from tests.sim.model_rig import BASE, Rig, run

USBRST, ENUMDONE = GINTSTS.USBRst.mask, GINTSTS.EnumDone.mask
MICROFRAME = us(125)


# -- lines ------------------------------------------------------------------------------------


def test_connection_follows_vbus_and_the_pull_up() -> None:
    async def main(rig: Rig) -> None:
        assert (rig.wire.connected, rig.wire.line_state) == (False, "SE0")
        rig.wire.vbus(True)
        assert not rig.wire.connected  # SftDiscon after power-on
        assert await rig.bus.read32(GOTGCTL.OFFSET) & GOTGCTL.BSesVld.mask
        await rig.boot()
        assert (rig.wire.connected, rig.wire.line_state) == (True, "J")
        await rig.bus.write32(DCTL.OFFSET, DCTL.SftDiscon.mask)
        assert not rig.wire.connected
        await rig.bus.write32(DCTL.OFFSET, 0)
        await rig.bus.write32(GRSTCTL.OFFSET, 1)
        assert not rig.wire.connected
        await rig.boot()
        rig.wire.vbus(False)
        await sleep(us(1))
        assert rig.kinds() == [
            "vbus_on", "connect", "disconnect", "connect", "disconnect", "connect",
            "vbus_off", "disconnect",
        ]  # fmt: skip

    run(Rig(), main)


@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("scale", [1, 100, 1000])
def test_reset_finds_the_speed(speed: str, scale: int) -> None:
    async def main(rig: Rig) -> None:
        await rig.boot()
        rig.wire.vbus(True)
        start = rig.kernel.now
        for _ in range(2):  # the second time from the middle of traffic
            assert await rig.wire.reset(ms(50) // scale) == speed
            causes = await rig.bus.read32(GINTSTS.OFFSET)
            assert causes & (USBRST | ENUMDONE) == USBRST | ENUMDONE
            await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
            status = await rig.bus.read32(DSTS.OFFSET)
            assert DSTS.EnumSpd.get(status) == (speed == "full")
            await sleep(ms(2))
        assert rig.kernel.now - start >= 2 * ms(50) // scale
        assert rig.wire.speed == speed
        assert rig.wire.line_state == ("J" if speed == "full" else "SE0")

    run(Rig(speed=speed, time_scale=scale), main)


def test_device_may_ask_for_full_speed() -> None:
    async def main(rig: Rig) -> None:
        await rig.boot()
        await rig.bus.write32(0x800, 1)
        rig.wire.vbus(True)
        assert await rig.wire.reset(ms(50)) == "full"

    run(Rig(), main)


def test_usbrst_comes_before_enumdone() -> None:
    """Section 13: the driver has its time between the two."""

    async def main(rig: Rig) -> None:
        await rig.boot()
        rig.wire.vbus(True)
        task = rig.kernel.spawn(rig.wire.reset(ms(50)))
        await sleep(us(3))
        assert await rig.bus.read32(GINTSTS.OFFSET) & (USBRST | ENUMDONE) == USBRST
        await sleep(us(900))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & ENUMDONE
        await sleep(ms(1))
        assert await rig.bus.read32(GINTSTS.OFFSET) & ENUMDONE
        await task

    run(Rig(), main)


def test_reset_without_a_device() -> None:
    async def main(rig: Rig) -> None:
        assert await rig.wire.reset(ms(10)) is None
        assert rig.kernel.now == ms(10)
        result = await rig.in_()
        assert result.status is Status.TIMEOUT

    run(Rig(), main)


@pytest.mark.parametrize("speed", ["full", "high"])
@pytest.mark.parametrize("scale", [1, 1000])
def test_suspend_and_resume(speed: str, scale: int) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await sleep(ms(20))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ErlySusp.mask
        frame = rig.wire.frame
        await rig.wire.suspend()
        await sleep(ms(2.9) if scale == 1 else us(250))
        assert not await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ErlySusp.mask
        await sleep(ms(2))
        causes = await rig.bus.read32(GINTSTS.OFFSET)
        assert causes & GINTSTS.ErlySusp.mask
        assert causes & GINTSTS.USBSusp.mask
        assert await rig.bus.read32(DSTS.OFFSET) & 1
        assert (rig.wire.line_state, rig.wire.frame) == ("J", frame)
        await rig.wire.resume(ms(20))
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask
        assert not await rig.bus.read32(DSTS.OFFSET) & 1
        await sleep(ms(2))
        assert rig.wire.frame > frame
        result = await rig.in_()
        assert result.status is Status.TIMEOUT  # endpoint 1 is not active, but frames run

    run(Rig(speed=speed, time_scale=scale), main)


def test_remote_wakeup() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.wire.suspend()
        await sleep(ms(4))
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        await sleep(us(1))
        assert rig.kinds()[-1] == "remote_wakeup"
        assert rig.wire.line_state == "K"
        await rig.wire.resume(ms(20))
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask

    run(Rig(), main)


def test_reset_while_suspended_sets_resetdet() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.wire.suspend()
        await sleep(ms(4))
        assert await rig.wire.reset(ms(50)) == "high"
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.ResetDet.mask

    run(Rig(), main)


# -- frames -----------------------------------------------------------------------------------


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


# -- transactions -----------------------------------------------------------------------------


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


# -- knobs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "knobs",
    [
        {"bad_crc5": True},
        {"bad_crc": True},
        {"bad_pid": True},
        {"rx_error_at": 3},
        {"truncate": 2},
        {"extend": 1},
        {"no_data": True},
        {"wrong_address": True},
        {"data_gap_ns": 5000},
    ],
)
def test_faulty_out_is_not_answered_and_leaves_nothing_behind(knobs: dict[str, object]) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_out(2048, 4)
        bad = await rig.out(PID.DATA0, b"bad", **knobs)
        assert (bad.status, bad.handshake) == (Status.TIMEOUT, None)
        good = await rig.out(PID.DATA0, b"good")
        assert good.status is Status.OK
        assert rig.memory.read(BASE + 0x10000, 4) == b"good"
        odd = {"wrong_address", "data_gap_ns"} & knobs.keys()
        assert odd or any(record.injected or record.error for record in rig.records)

    run(Rig(), main)


@pytest.mark.parametrize(
    "knobs",
    [
        {"no_handshake": True},
        {"late_handshake_ns": 3000},
        {"handshake_pid": int(PID.NAK)},
    ],
)
def test_lost_handshake_repeats_the_data(knobs: dict[str, object]) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.write(BASE, b"once")
        await rig.start_in(4, 1)
        lost = await rig.in_(**knobs)
        # A late ACK was sent, but the device no longer waited for it.
        assert lost.rx_data == b"once"
        assert lost.handshake == ("ACK" if "late_handshake_ns" in knobs else None)
        again = await rig.in_()
        assert (again.rx_pid, again.rx_data, again.handshake) == (PID.DATA0, b"once", "ACK")
        assert (await rig.in_()).status is Status.NAK

    run(Rig(), main)


@pytest.mark.parametrize("knob", ["bad_crc5", "bad_pid", "wrong_address", "extend", "truncate"])
def test_faulty_in_token(knob: str) -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(4, 1)
        assert (await rig.in_(**{knob: 1})).status is Status.TIMEOUT
        assert (await rig.in_()).status is Status.OK

    run(Rig(), main)


def test_wrong_toggle_is_acknowledged_but_dropped() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_out(2048, 4)
        assert (await rig.out(PID.DATA0, b"a" * 512, wrong_toggle=True)).handshake == "ACK"
        assert (await rig.out(PID.DATA0, b"b" * 512)).handshake == "ACK"
        assert rig.memory.read(BASE + 0x10000, 1) == b"b"

    run(Rig(), main)


def test_spurious_packet_and_gap_do_no_harm() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_out(2048, 4)
        for junk in (build_handshake(PID.ACK), build_data(PID.DATA0, b"junk"), b"\x00\x01"):
            start = rig.kernel.now
            result = await rig.out(PID.DATA0, b"x" * 512, spurious=junk, gap_ns=2000)
            assert result.handshake == "ACK"
            assert result.start_ps >= start + ns(2000)
        result = await rig.out(PID.DATA1, b"y", data_gap_ns=200)
        assert result.handshake == "ACK"

    run(Rig(), main)


# -- raw packets and what passes --------------------------------------------------------------


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


# -- the bus face -----------------------------------------------------------------------------


def test_register_access_takes_bus_time_and_irq_is_called() -> None:
    async def main(rig: Rig) -> None:
        start = rig.kernel.now
        await rig.bus.read32(0)
        assert rig.kernel.now - start == ns(50)
        levels: list[bool] = []
        rig.bus.on_irq(lambda irq, ep_irq: levels.append(irq))
        await rig.bus.write32(GINTMSK.OFFSET, GINTSTS.NPTxFEmp.mask)
        await rig.bus.write32(GAHBCFG.OFFSET, 1)
        await rig.bus.write32(GAHBCFG.OFFSET, 0)
        await sleep(1)
        assert levels == [True, False]

    run(Rig(), main)


def test_fifo_bursts_in_slave_mode() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(10, 1)
        await rig.bus.write_fifo(0x2000, b"0123456789")
        assert (await rig.in_()).rx_data == b"0123456789"
        await rig.start_out(512, 1)
        await rig.out(PID.DATA0, b"abcdefg")
        assert await rig.bus.read32(0x20) >> 4 & 0x7FF == 7
        assert await rig.bus.read_fifo(0x1000, 7) == b"abcdefg"

    run(Rig(dma=False), main)


def test_dma_reaches_mapped_memory_only() -> None:
    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        rig.memory.map(BASE + 0x10000, 512, device_reads=False, device_writes=True)
        await rig.start_out(512, 1)
        assert (await rig.out(PID.DATA0, b"ok")).status is Status.NYET
        with pytest.raises(OSError, match="DMA reads 4 bytes at 0x10010000"):
            await rig.start_in(4, 1, BASE + 0x10000)

    run(Rig(), main)


def test_dma_latency_delays_the_packet() -> None:
    rig = Rig()
    rig.controller.policy.dma_latency = us(300)

    async def main(rig: Rig) -> None:
        await rig.attach()
        await rig.open_bulk()
        await rig.start_in(4, 1)
        assert (await rig.in_()).status is Status.NAK
        await sleep(us(300))
        assert (await rig.in_()).status is Status.OK

    run(rig, main)


def test_time_can_be_driven_from_outside() -> None:
    """DESIGN section 4: `next_event` and `advance` in picoseconds."""
    rig = Rig()
    task = rig.kernel.spawn(rig.attach())
    rig.kernel.run_ready()
    while not task.finished:
        when = rig.controller.next_event()
        assert when is not None
        rig.controller.advance(when)
    assert task.result() == "high"
    assert rig.controller.clock_cycles == rig.kernel.now * 60 // 1_000_000
