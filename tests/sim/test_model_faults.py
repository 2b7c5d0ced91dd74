# SPDX-License-Identifier: Apache-2.0
"""Faults on the wire of the model: what a knob spoils, the device survives."""

from __future__ import annotations

import pytest

from pymodel.packets import PID, build_data, build_handshake
from pymodel.wire import Status
from tb.kernel import ns
from tests.sim.model_rig import BASE, Rig, run


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
