# SPDX-License-Identifier: Apache-2.0
"""Tests of the USB host side that run inside the simulator, against `stub_device.v`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import cocotb

from pymodel.config import UdcParameters
from pymodel.packets import PID, build_data, build_handshake, build_token, split_token
from pymodel.wire import Knobs, LineEvent, PacketRecord, Status, Transaction
from tb.kernel import ms, now, ns, sleep, us
from tb.sim.bridge import Bridge
from tb.sim.wire import RtlWire

SPEED = os.environ.get("PLUGFEST_TEST_SPEED", "high")
LOOP, NAKS, STALLS, NYETS, BAD_CRC, BAD_PID, LATE, EARLY, BABBLE, COUNTS = range(1, 11)
SILENT = 15
CLOCK = 16_667


class Rig:
    """The wire, everything it reported, and short ways to use it."""

    def __init__(self, wire: RtlWire) -> None:
        self.wire = wire
        self.records: list[PacketRecord] = []
        self.events: list[LineEvent] = []
        wire.monitor(self.records.extend)
        wire.on_line(self.events.append)

    async def up(self, speed: str = SPEED) -> None:
        """Power, reset, first SOF."""
        await sleep(us(10))
        self.wire.vbus(True)
        await sleep(us(20))
        assert self.wire.connected
        assert self.wire.line_state == "J"
        self.wire.force_full_speed = speed == "full"
        assert await self.wire.reset(us(200)) == speed
        assert self.wire.line_state == ("SE0" if speed == "high" else "J")
        self.records.clear()

    async def do(self, token: int, endpoint: int, data: bytes = b"", **fields: Any) -> Transaction:
        """Execute one transaction; knobs are keywords like its fields."""
        knobs = {key: fields.pop(key) for key in list(fields) if key in Knobs.__slots__}
        transaction = Transaction(
            token, fields.pop("address", 0), endpoint, data=data, max_length=fields.pop("size", 64),
            knobs=Knobs(**knobs) if knobs else None, **fields,
        )  # fmt: skip
        return await self.wire.execute(transaction)

    async def counts(self) -> tuple[int, int, int, int]:
        """Return acknowledgements, good packets, bad packets, last handshake of the device."""
        result = await self.do(PID.IN, COUNTS)
        assert result.status is Status.OK, result
        return tuple(result.rx_data)  # type: ignore[return-value]

    async def delta(self, *args: Any, **kwargs: Any) -> tuple[Transaction, int, int, int, int]:
        """Do a transaction; return it with what it added to the device's counts."""
        before = await self.counts()
        self.records.clear()
        result = await self.do(*args, **kwargs)
        after = await self.counts()
        acks, goods, bads = ((b - a) & 255 for a, b in zip(before[:3], after[:3], strict=True))
        return result, acks - 1, goods - 2, bads, after[3]

    def packets(self) -> list[PacketRecord]:
        """Return the packets that are not SOFs."""
        return [record for record in self.records if record.data[0] != 0xA5]


def wire_test(body: Callable[[Rig], Awaitable[None]]) -> Any:
    """Make a cocotb test of a coroutine that runs in the kernel."""

    async def test(dut: Any) -> None:
        bridge = Bridge(dut)
        rig = Rig(RtlWire(bridge.kernel, bridge.pump, UdcParameters(time_scale=1000)))

        async def main() -> None:
            await body(rig)
            rig.wire.vbus(False)
            await sleep(us(5))
            assert not rig.wire.connected

        await bridge.run(main())
        bridge.close()

    test.__name__ = test.__qualname__ = body.__name__
    test.__doc__ = body.__doc__
    return cocotb.test()(test)


def bit_times(data: bytes, speed: str) -> int:
    """Return the length of a packet in picoseconds, from its bits and their stuffing."""
    ones, bits = 1, 0
    for byte in data:
        for bit in range(8):
            bits += 1
            ones = ones + 1 if byte >> bit & 1 else 0
            if ones == 6:
                bits += 1
                ones = 0
    if speed == "high":
        eop = 40 if data[0] == 0xA5 else 8
        return round((32 + bits + eop) * 6250 / 3)
    return round((8 + bits + 2) * 250_000 / 3)


@wire_test
async def answers(rig: Rig) -> None:
    """Each answer of a device has its result."""
    await rig.up()
    high = SPEED == "high"
    payload = bytes(range(64))
    result = await rig.do(PID.SETUP, 0, bytes(8), pid=PID.DATA0)
    assert (result.status, result.handshake) == (Status.OK, "ACK")
    result = await rig.do(PID.OUT, LOOP, payload, pid=PID.DATA1)
    assert (result.status, result.handshake) == (Status.OK, "ACK")
    result = await rig.do(PID.IN, LOOP)
    assert (result.status, result.handshake) == (Status.OK, "ACK")
    assert (result.rx_pid, result.rx_data) == (PID.DATA1, payload)
    for token in (PID.OUT, PID.IN):
        assert (await rig.do(token, NAKS)).status is Status.NAK
        result = await rig.do(token, STALLS)
        assert (result.status, result.handshake) == (Status.STALL, "STALL")
    result = await rig.do(PID.OUT, NYETS, b"x")
    assert result.status is (Status.NYET if high else Status.PID)
    assert (await rig.do(PID.PING, LOOP)).status is Status.OK
    assert (await rig.do(PID.PING, NAKS)).handshake == "NAK"
    result = await rig.do(PID.IN, BAD_CRC)
    assert (result.status, result.handshake) == (Status.CRC, None)
    assert (await rig.do(PID.IN, BAD_PID)).status is Status.PID
    result = await rig.do(PID.IN, SILENT)
    assert (result.status, result.handshake, result.turnaround_ps) == (Status.TIMEOUT, None, 0)
    waited = result.end_ps - rig.records[-1].end_ps
    least, most = (us(736 / 480), us(816 / 480)) if high else (us(16 / 12), us(18 / 12))
    assert least <= waited <= most, waited
    result = await rig.do(PID.IN, LOOP, isochronous=True)
    assert (result.status, result.handshake) == (Status.OK, None)
    result = await rig.do(PID.OUT, LOOP, b"iso", isochronous=True)
    assert (result.status, result.handshake) == (Status.OK, None)
    await sleep(us(5))


@wire_test
async def babble(rig: Rig) -> None:
    """More than max_length is babble and gets no handshake."""
    await rig.up()
    result, acks, _, _, _ = await rig.delta(PID.IN, BABBLE)
    assert (result.status, result.handshake, acks) == (Status.BABBLE, None, 0)


@wire_test
async def knobs_on_out(rig: Rig) -> None:
    """What spoils an OUT: the device says nothing and counts a bad packet."""
    await rig.up()
    data = bytes(range(100, 120))
    for knob in (
        {"bad_crc": True}, {"bad_pid": True}, {"rx_error_at": 5}, {"truncate": 1},
        {"truncate": 21}, {"extend": 1}, {"extend": 5},
    ):  # fmt: skip
        result, _, goods, bads, _ = await rig.delta(PID.OUT, LOOP, data, **knob)
        assert (result.status, goods, bads) == (Status.TIMEOUT, 1, 1), (knob, goods, bads)
        token, packet = rig.packets()[:2]
        assert packet.injected
        assert packet.error == ("rx_error_at" in knob)
        assert token.data == build_token(PID.OUT, 0, LOOP)
        length = len(data) + 3 - knob.get("truncate", 0) + knob.get("extend", 0)
        assert len(packet.data) == length
    result, _, goods, bads, _ = await rig.delta(PID.OUT, LOOP, data, bad_crc5=True)
    assert (result.status, goods, bads) == (Status.TIMEOUT, 1, 1)
    result, _, goods, bads, _ = await rig.delta(PID.OUT, LOOP, data, no_data=True)
    assert (result.status, goods, bads) == (Status.TIMEOUT, 1, 0)
    assert len(rig.packets()) == 3 + 1  # the reading of the counts has three
    result, _, goods, bads, _ = await rig.delta(PID.OUT, LOOP, data, wrong_address=True)
    assert (result.status, bads) == (Status.TIMEOUT, 0)
    assert split_token(rig.packets()[0].data) == (1, LOOP)
    result = await rig.do(PID.OUT, LOOP, data, pid=PID.DATA0, wrong_toggle=True)
    assert result.status is Status.OK
    result = await rig.do(PID.IN, LOOP)
    assert (result.rx_pid, result.rx_data) == (PID.DATA1, data)


@wire_test
async def knobs_on_in(rig: Rig) -> None:
    """What spoils an IN: its token, or the host's handshake."""
    await rig.up()
    await rig.do(PID.OUT, LOOP, b"hello")
    for knob in (
        {"bad_crc5": True}, {"bad_pid": True}, {"rx_error_at": 1}, {"truncate": 1}, {"extend": 2},
    ):  # fmt: skip
        result, acks, goods, bads, _ = await rig.delta(PID.IN, LOOP, **knob)
        assert (result.status, acks, goods, bads) == (Status.TIMEOUT, 0, 0, 1), knob
    result, acks, _, _, _ = await rig.delta(PID.IN, LOOP, no_handshake=True)
    assert (result.status, result.handshake, acks) == (Status.OK, None, 0)
    rig.records.clear()
    result = await rig.do(PID.IN, LOOP, handshake_pid=PID.NAK)
    assert (result.status, result.handshake) == (Status.OK, None)
    assert rig.packets()[-1].data == build_handshake(PID.NAK)
    rig.records.clear()
    result = await rig.do(PID.IN, LOOP, late_handshake_ns=2000)
    assert result.status is Status.OK
    data, handshake = rig.packets()[1:3]
    assert ns(2000) <= handshake.start_ps - data.end_ps <= ns(2600)
    before = await rig.counts()
    await rig.do(PID.IN, LOOP, handshake_pid=PID.STALL)
    assert (await rig.do(PID.IN, COUNTS)).rx_data[0] == (before[0] + 1) & 255


@wire_test
async def gaps_and_spurious(rig: Rig) -> None:
    """Idle times and packets in between."""
    await rig.up()
    await rig.do(PID.OUT, LOOP, b"one")
    rig.records.clear()
    result = await rig.do(PID.OUT, LOOP, b"two", gap_ns=5000, data_gap_ns=3000)
    assert result.status is Status.OK
    token, data, _ = rig.packets()
    assert ns(3000) <= data.start_ps - token.end_ps <= ns(3600)
    rig.records.clear()
    await rig.do(PID.OUT, LOOP, b"three")
    await rig.do(PID.OUT, LOOP, b"four", gap_ns=300_000)
    packets = rig.packets()
    assert packets[3].start_ps - packets[2].end_ps >= us(300)
    noise = build_handshake(PID.ACK)
    result, acks, _, bads, _ = await rig.delta(PID.OUT, LOOP, b"five", spurious=noise)
    assert (result.status, acks, bads) == (Status.OK, 1, 0)
    assert rig.packets()[0].data == noise
    assert rig.packets()[0].injected
    assert (await rig.do(PID.IN, LOOP)).rx_data == b"five"


@wire_test
async def stuffing_takes_time(rig: Rig) -> None:
    """Packets of both directions last as long as their bits, stuffed ones included."""
    await rig.up()
    for payload in (b"", b"\xff" * 64, b"\x00" * 64, bytes(range(192, 256)), b"\xff\xfe\x7f" * 9):
        rig.records.clear()
        assert (await rig.do(PID.OUT, LOOP, payload)).status is Status.OK
        result = await rig.do(PID.IN, LOOP)
        assert result.rx_data == payload
        for record in rig.records:
            wanted = bit_times(record.data, record.speed)
            assert record.speed == SPEED
            assert abs(record.end_ps - record.start_ps - wanted) <= 4, record
    variants: list[dict[str, Any]] = [{"rx_gap": 4}, {"tx_stall": 4}]
    for knobs in variants:
        rig.records.clear()
        await rig.do(PID.OUT, LOOP, bytes(range(64)), **knobs)
        result = await rig.do(PID.IN, LOOP, **knobs)
        assert result.rx_data == bytes(range(64))
        if SPEED == "high":
            record = rig.packets()[4 if "tx_stall" in knobs else 1]
            longer = record.end_ps - record.start_ps - bit_times(record.data, SPEED)
            assert abs(longer - 16 * CLOCK) <= 2 * CLOCK, longer


@wire_test
async def turnaround(rig: Rig) -> None:
    """Delays of the PHY count; an answer out of the limits is reported."""
    await rig.up()
    wire = rig.wire
    slow = (await rig.do(PID.IN, LOOP)).turnaround_ps
    wire.set_delays(hs_rx=4, hs_tx=2, fs_rx=2, fs_tx=5)
    fast = (await rig.do(PID.IN, LOOP)).turnaround_ps
    assert abs(slow - fast - (3 if SPEED == "high" else 2) * CLOCK) <= 3
    assert wire.violations == []
    await rig.do(PID.IN, LATE)
    assert "too late" in wire.violations.pop()
    if SPEED == "full":
        wire.set_delays(fs_rx=0, fs_tx=2)
        await rig.do(PID.IN, EARLY)
        assert "too early" in wire.violations.pop()
    wire.set_delays()
    assert wire.violations == []


@wire_test
async def frames(rig: Rig) -> None:
    """SOFs keep their time; transactions keep out of their way and in their frame."""
    await rig.up()
    wire = rig.wire
    period = us(125) if SPEED == "high" else ms(1)
    ended: list[Transaction] = []
    many = [
        Transaction(PID.OUT, 0, LOOP, data=bytes(range(64)), tag=number) for number in range(300)
    ]
    wire.submit(many, ended.append)
    await sleep(period // 2)
    while len(ended) < len(many):
        await sleep(us(50))
    assert [transaction.tag for transaction in ended] == list(range(300))
    assert all(transaction.status is Status.OK for transaction in ended)
    sofs = [record for record in rig.records if record.data[0] == 0xA5]
    assert len(sofs) >= 4
    for one, two in pairwise(sofs):
        assert abs(two.start_ps - one.start_ps - period) <= 3 * CLOCK
    for one, two in pairwise(rig.records):
        assert two.start_ps > one.end_ps
    wanted = wire.frame + 3
    at = await rig.do(PID.IN, LOOP, frame=wanted)
    assert 0 < at.start_ps - wire.frame_time(wanted) < us(10)
    assert (await rig.do(PID.IN, LOOP, frame=wanted - 1)).status is Status.LATE
    wire.sof_enable(False)
    await sleep(us(1))
    await rig.do(PID.IN, LOOP)
    rig.records.clear()
    frame = wire.frame
    await sleep(2 * period)  # shorter than what a device takes for a suspend
    assert (await rig.do(PID.IN, LOOP)).status is Status.OK
    assert len(rig.records) == 3
    assert wire.frame == frame + 2
    wire.sof_enable(True)
    await sleep(2 * period)
    await rig.do(PID.IN, LOOP)
    assert len(rig.records) >= 7


@wire_test
async def stuffed_in_data(rig: Rig) -> None:
    """Data that needs much stuffing delays an SOF once at most: the host learns from it."""
    await rig.up()
    wire = rig.wire
    size = 512 if SPEED == "high" else 64
    for byte in (b"\x00", b"\xff"):
        assert (await rig.do(PID.OUT, LOOP, byte * size)).status is Status.OK
        ended: list[Transaction] = []
        many = [Transaction(PID.IN, 0, LOOP, max_length=size) for _ in range(60)]
        wire.submit(many, ended.append)
        while len(ended) < len(many):
            await sleep(us(50))
        assert all(one.rx_data == byte * size for one in ended)
    assert wire.late_sofs <= 1
    for before, after in pairwise(rig.records):
        assert after.start_ps > before.end_ps
    assert wire.violations == []


@wire_test
async def chains(rig: Rig) -> None:
    """What follows a failure in its chain is skipped, and what is cancelled."""
    await rig.up()
    wire = rig.wire
    ended: list[Transaction] = []

    def out(endpoint: int, chain: int) -> Transaction:
        return Transaction(PID.OUT, 0, endpoint, data=b"abc", chain=chain)

    wire.submit([out(LOOP, 1), out(NAKS, 1), out(LOOP, 2), out(LOOP, 1)], ended.append)
    wire.submit([out(NYETS, 3), out(LOOP, 3), out(LOOP, 0)], ended.append)
    short = [Transaction(PID.IN, 0, LOOP, max_length=64, chain=4) for _ in range(2)]
    wire.submit(short, ended.append)
    while len(ended) < 9:
        await sleep(us(10))
    skipped = [transaction.status is Status.SKIPPED for transaction in ended]
    assert skipped == [False, False, False, True, False, True, False, False, True]
    ended.clear()
    frame = wire.frame + 2
    hold = Transaction(PID.IN, 0, LOOP, max_length=64, frame=frame)
    wire.submit([hold, *(out(LOOP, 5) for _ in range(300)), out(LOOP, 6)], ended.append)
    wire.cancel(5)
    while len(ended) < 302:
        await sleep(us(100))
    assert [transaction.status for transaction in ended] == [
        Status.OK, *[Status.SKIPPED] * 300, Status.OK,
    ]  # fmt: skip


@wire_test
async def packets_by_hand(rig: Rig) -> None:
    """Single packets past the transactions."""
    await rig.up()
    wire = rig.wire
    await wire.send(build_token(PID.OUT, 0, LOOP))
    await wire.send(build_data(PID.DATA0, b"raw"))
    assert await wire.receive(us(5)) == build_handshake(PID.ACK)
    await wire.send(build_token(PID.IN, 0, LOOP))
    assert await wire.receive(us(9)) == build_data(PID.DATA0, b"raw")
    await wire.send(build_handshake(PID.ACK))
    start = now()
    assert await wire.receive(us(7)) is None
    assert us(7) <= now() - start < us(8)
    assert wire.violations == []


@wire_test
async def suspend_and_resume(rig: Rig) -> None:
    """The bus sleeps, wakes by the host and by the device."""
    await rig.up()
    wire = rig.wire
    await wire.suspend()
    await sleep(us(400))
    assert wire.line_state == "J"
    rig.records.clear()
    await wire.resume(us(50))
    assert (await rig.do(PID.OUT, LOOP, b"awake")).status is Status.OK
    if SPEED == "high":
        await rig.do(PID.SETUP, 0, b"\xee" + bytes(7))  # the stub may wake us now
        rig.events.clear()
        await wire.suspend()
        await sleep(us(600))
        assert [event.kind for event in rig.events] == ["suspend", "remote_wakeup"]
        await wire.resume(us(50))
        assert (await rig.do(PID.OUT, LOOP, b"again")).status is Status.OK
    assert (await rig.do(PID.IN, LOOP)).status is Status.OK


@wire_test
async def chirp_failures(rig: Rig) -> None:
    """A device that does not chirp, a host that does not answer or gives up too early."""
    wire = rig.wire
    await rig.up("high")
    wire.chirp_pairs = 2
    assert await wire.reset(us(200)) == "full"
    assert (await rig.do(PID.OUT, LOOP, b"fs")).status is Status.OK
    await sleep(us(5))
    wire.chirp_pairs = 3
    assert await wire.reset(us(200)) == "high"
    assert (await rig.do(PID.OUT, LOOP, b"hs")).status is Status.OK
    wire.chirp_pairs = None
    wire.force_full_speed = True
    assert await wire.reset(us(200)) == "full"
    wire.force_full_speed = False
    await rig.do(PID.SETUP, 0, b"\xf5" + bytes(7))  # the stub does not chirp any more
    await sleep(us(5))
    assert await wire.reset(us(200)) == "full"
    assert (await rig.do(PID.OUT, LOOP, b"fs")).status is Status.OK
    await rig.do(PID.SETUP, 0, bytes(8))
    wire.vbus(False)
    await sleep(us(10))
    assert wire.speed is None
    assert rig.events[-1].kind == "disconnect"
