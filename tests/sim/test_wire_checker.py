# SPDX-License-Identifier: Apache-2.0
"""The protocol checker: a good sequence passes, and each rule has a sequence that breaks it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pymodel.packets import PID, build_data, build_handshake, build_lpm, build_sof, build_token
from pymodel.wire import LineEvent, PacketRecord
from tb.sim.checker import RULES, Checker

BIT = {"high": 1e6 / 480, "full": 1e6 / 12}
FRAME = {"high": 125_000_000, "full": 1_000_000_000}


class Bus:
    """Plays packets with good gaps into a checker unless told otherwise."""

    def __init__(self, speed: str = "high") -> None:
        self.speed = speed
        self.bit = BIT[speed]
        self.now = 1_000_000
        self.from_host = True
        self.checker = Checker()
        self.checker.line(LineEvent("reset", 0))

    def packet(
        self,
        from_host: bool,
        data: bytes,
        gap: float | None = None,
        injected: bool = False,
        error: bool = False,
    ) -> None:
        """Play one packet `gap` bit times after the last."""
        if gap is None:
            gap = 3 if self.speed == "full" else (100 if from_host and self.from_host else 20)
        start = self.now + round(gap * self.bit)
        self.now = start + round((40 + 8 * len(data)) * self.bit)
        record = PacketRecord(start, self.now, from_host, data, self.speed, injected, error)
        self.checker.feed([record])
        self.from_host = from_host

    def host(self, data: bytes, gap: float | None = None, **flags: bool) -> None:
        """Play a packet of the host."""
        self.packet(True, data, gap, **flags)

    def device(self, data: bytes, gap: float | None = None, error: bool = False) -> None:
        """Play a packet of the device."""
        self.packet(False, data, gap, error=error)

    def token(self, pid: int, address: int, endpoint: int, **flags: bool) -> None:
        """Play a token."""
        self.host(build_token(pid, address, endpoint), **flags)

    def hand(self, pid: int, gap: float | None = None) -> None:
        """Play a handshake of the device."""
        self.device(build_handshake(pid), gap)

    def ack(self, gap: float | None = None, **flags: bool) -> None:
        """Play an acknowledgement of the host."""
        self.host(build_handshake(PID.ACK), gap, **flags)

    def setup(self, address: int, request: bytes, answer: int = PID.ACK) -> None:
        """Play a whole SETUP transaction."""
        self.token(PID.SETUP, address, 0)
        self.host(build_data(PID.DATA0, request))
        self.hand(answer)

    def out(
        self, address: int, endpoint: int, pid: int, data: bytes, answer: int | None = PID.ACK
    ) -> None:
        """Play a whole OUT transaction."""
        self.token(PID.OUT, address, endpoint)
        self.host(build_data(pid, data))
        if answer is None:
            self.now += 1_000_000_000_000
        else:
            self.hand(answer)

    def in_(self, address: int, endpoint: int, pid: int, data: bytes, ack: bool = True) -> None:
        """Play a whole IN transaction."""
        self.token(PID.IN, address, endpoint)
        self.device(build_data(pid, data))
        if ack:
            self.ack()

    def sof(self, number: int, at: int, injected: bool = False) -> None:
        """Play an SOF at a time."""
        self.now = at
        self.host(build_sof(number), gap=0, injected=injected)

    def enumerate(self) -> None:
        """Address 5, configuration 1: EP1 IN/OUT bulk, EP2 IN interrupt, EP3 IN/OUT isochronous."""
        bulk = 512 if self.speed == "high" else 64
        endpoints = [
            (0x81, 2, bulk),
            (0x01, 2, bulk),
            (0x82, 3, 16),
            (0x83, 1, 300),
            (0x03, 1, 300),
        ]
        body = bytes([9, 4, 0, 0, len(endpoints), 255, 0, 0, 0])
        for address, kind, size in endpoints:
            body += bytes([7, 5, address, kind, size & 0xFF, size >> 8, 1])
        total = 9 + len(body)
        configuration = bytes([9, 2, total, 0, 1, 1, 0, 0x80, 50]) + body
        device = bytes([18, 1, 0, 2, 0, 0, 0, 64, 1, 0, 2, 0, 0, 1, 0, 0, 0, 1])
        self.control_read(0, bytes([0x80, 6, 0, 1, 0, 0, 18, 0]), device)
        self.control_write(0, bytes([0, 5, 5, 0, 0, 0, 0, 0]))
        self.control_read(5, bytes([0x80, 6, 0, 2, 0, 0, 255, 0]), configuration)
        self.control_write(5, bytes([0, 9, 1, 0, 0, 0, 0, 0]))

    def control_read(self, address: int, request: bytes, data: bytes) -> None:
        """Play a control read."""
        self.setup(address, request)
        pid: int = PID.DATA1
        while True:
            self.in_(address, 0, pid, data[:64])
            pid ^= PID.DATA0 ^ PID.DATA1
            if len(data) < 64:
                break
            data = data[64:]
        self.out(address, 0, PID.DATA1, b"")

    def control_write(self, address: int, request: bytes) -> None:
        """Play a control transfer without data."""
        self.setup(address, request)
        self.in_(address, 0, PID.DATA1, b"")


@pytest.fixture(params=["high", "full"])
def bus(request: pytest.FixtureRequest) -> Bus:
    """A bus with an enumerated device, at both speeds."""
    result = Bus(request.param)
    result.enumerate()
    assert not result.checker.violations, result.checker.report()
    return result


@pytest.fixture
def high() -> Bus:
    """A high-speed bus with an enumerated device."""
    result = Bus("high")
    result.enumerate()
    return result


def broken(bus: Bus) -> list[tuple[str, str]]:
    """Return (rule, side) of the violations."""
    bus.checker.finish()
    return [(one.rule, one.side) for one in bus.checker.violations]


def test_good_traffic_has_no_violation(bus: Bus) -> None:
    """Bulk both ways with NAKs, lost ACK, halt and its clearing, isochronous, SOFs."""
    before = bus.checker.payload_bytes
    bus.out(5, 1, PID.DATA0, b"a" * 64)
    bus.out(5, 1, PID.DATA1, b"b" * 64, PID.NAK)
    if bus.speed == "high":
        bus.token(PID.PING, 5, 1)
        bus.hand(PID.NAK)
        bus.token(PID.PING, 5, 1)
        bus.hand(PID.ACK)
    bus.out(5, 1, PID.DATA1, b"b" * 64)
    bus.in_(5, 1, PID.DATA0, b"xyz")
    bus.token(PID.IN, 5, 1)
    bus.hand(PID.NAK)
    bus.token(PID.IN, 5, 1, injected=True)
    bus.device(build_data(PID.DATA1, b"lost"))
    bus.now += 10_000_000
    bus.in_(5, 1, PID.DATA1, b"lost")
    bus.token(PID.IN, 5, 1)
    bus.hand(PID.STALL)
    bus.control_write(5, bytes([2, 1, 0, 0, 0x81, 0, 0, 0]))
    bus.in_(5, 1, PID.DATA0, b"again")
    bus.token(PID.OUT, 5, 3)
    bus.host(build_data(PID.DATA0, bytes(300)))
    bus.token(PID.IN, 5, 3)
    bus.device(build_data(PID.DATA0, bytes(300)))
    assert broken(bus) == []
    assert bus.checker.payload_bytes - before == 128 + 3 + 4 + 5 + 600
    assert bus.checker.report().endswith("no violation")


def test_sofs_count_and_repeat() -> None:
    """High speed repeats each number eight times; a pause restarts the count."""
    bus = Bus("high")
    at = 1_000_000_000
    for index in range(40):
        bus.sof((5 + index) // 8, at + index * FRAME["high"])
    bus.sof(1000, at + 1000 * FRAME["high"])
    full = Bus("full")
    for index in range(2040, 2060):
        full.sof(index & 0x7FF, at + index * FRAME["full"])
    assert broken(bus) == [] == broken(full)


def after_setup(bus: Bus, request: list[int]) -> None:
    """Play a SETUP to address 5."""
    bus.setup(5, bytes(request))


def _missing_ack(bus: Bus) -> None:
    bus.in_(5, 1, PID.DATA0, b"x", ack=False)
    bus.token(PID.IN, 5, 1)


def _retry(bus: Bus) -> None:
    bus.token(PID.IN, 5, 1, injected=True)
    bus.device(build_data(PID.DATA0, b"one"))
    bus.in_(5, 1, PID.DATA0, b"two")


def _resend_after_ack(bus: Bus) -> None:
    bus.in_(5, 1, PID.DATA0, b"x")
    bus.in_(5, 1, PID.DATA0, b"x")


def _silent(bus: Bus) -> None:
    bus.token(PID.IN, 5, 1)
    bus.now += 10_000_000
    bus.in_(5, 1, PID.DATA0, b"x")


def _bad_crc(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _play(*steps: Callable[[Bus], None]) -> Callable[[Bus], None]:
    def run(bus: Bus) -> None:
        for step in steps:
            step(bus)

    return run


def _lpm(bus: Bus, answer: int = PID.ACK) -> None:
    """Play a whole LPM transaction."""
    bus.token(PID.EXT, 5, 0)
    bus.host(build_lpm(0x011))
    bus.hand(answer)


def _line(kind: str, after_ps: int) -> Callable[[Bus], None]:
    """Something happens on the line; it is noted with the next packet after it."""

    def run(bus: Bus) -> None:
        bus.checker.line(LineEvent(kind, bus.now + after_ps))
        bus.now += after_ps + 100_000_000

    return run


def _lpm_good(bus: Bus) -> None:
    """Refused, accepted, left by the host, accepted, left by the device."""
    _lpm(bus, PID.NYET)
    _lpm(bus, PID.STALL)
    for _ in range(2):
        _lpm(bus)
        _play(_line("l1", 9_000_000), _line("remote_wakeup", 1), _line("resume", 1))(bus)
        bus.in_(5, 1, PID.DATA0, b"x")
        _play(lambda b: b.in_(5, 1, PID.DATA1, b"y"))(bus)


DATA = build_data(PID.DATA0, b"12345678")
BAD: list[tuple[str, str, Callable[[Bus], None]]] = [
    ("overlap", "host", lambda b: b.host(build_token(PID.IN, 5, 1), gap=-20)),
    ("pid-check", "host", lambda b: b.host(b"\x68\x00\x00")),
    ("pid-check", "host", lambda b: b.host(b"")),
    ("pid-check", "device", _play(lambda b: b.token(PID.IN, 5, 1), lambda b: b.device(b"\x5b"))),
    ("pid-legal", "host", lambda b: b.host(b"\x3c")),
    ("direction", "host", _play(lambda b: b.token(PID.IN, 5, 1),
                                lambda b: b.device(DATA), lambda b: b.host(b"\x5a"))),
    ("direction", "device", _play(lambda b: b.token(PID.IN, 5, 1),
                                  lambda b: b.device(build_token(PID.IN, 5, 1)))),
    ("token-length", "host", lambda b: b.host(build_token(PID.IN, 5, 1) + b"\0")),
    ("crc5", "host", lambda b: b.host(_bad_crc(build_token(PID.IN, 5, 1)))),
    ("crc5", "host", lambda b: b.host(_bad_crc(build_sof(1)))),
    ("crc16", "host", _play(lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(_bad_crc(DATA)))),
    ("crc16", "device", _play(lambda b: b.token(PID.IN, 5, 1),
                              lambda b: b.device(_bad_crc(DATA)))),
    ("data-length", "host", lambda b: b.out(5, 1, PID.DATA0, bytes(513))),
    ("data-length", "device", lambda b: b.in_(5, 2, PID.DATA0, bytes(17), ack=False)),
    ("handshake-length", "device", _play(
        lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(DATA), lambda b: b.device(b"\xd2\0"))),
    ("signalling", "device", _play(lambda b: b.token(PID.IN, 5, 1),
                                   lambda b: b.device(DATA, error=True))),
    ("token-data", "host", _play(lambda b: b.token(PID.OUT, 5, 1),
                                 lambda b: b.token(PID.IN, 5, 1))),
    ("data-unasked", "host", lambda b: b.host(DATA)),
    ("handshake-unasked", "host", lambda b: b.ack()),
    ("handshake-missing", "host", _missing_ack),
    ("device-unasked", "device", lambda b: b.hand(PID.ACK)),
    ("device-unasked", "device", _play(lambda b: b.token(PID.OUT, 5, 1),
                                       lambda b: b.hand(PID.NAK))),
    ("device-silent", "device", _silent),
    ("answer-corrupted", "device", _play(
        lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(_bad_crc(DATA), injected=True),
        lambda b: b.hand(PID.ACK))),
    ("answer-corrupted", "device", _play(
        lambda b: b.host(_bad_crc(build_token(PID.IN, 5, 1)), injected=True),
        lambda b: b.device(DATA))),
    ("answer-corrupted", "device", _play(
        lambda b: b.host(b"\x68\0\0", injected=True), lambda b: b.device(DATA))),
    ("answer-corrupted", "device", _play(
        lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(DATA, injected=True, error=True),
        lambda b: b.hand(PID.ACK))),
    ("answer-address", "device", _play(lambda b: b.token(PID.IN, 6, 1), lambda b: b.device(DATA))),
    ("answer-pid", "device", _play(lambda b: b.token(PID.IN, 5, 1), lambda b: b.hand(PID.ACK))),
    ("answer-pid", "device", _play(lambda b: b.token(PID.PING, 5, 1), lambda b: b.device(DATA))),
    ("setup-refused", "device", lambda b: b.setup(5, bytes(8), PID.NAK)),
    ("nyet", "device", _play(lambda b: b.token(PID.PING, 5, 1), lambda b: b.hand(PID.NYET))),
    ("extended", "host", _play(lambda b: b.token(PID.EXT, 5, 0), lambda b: b.token(PID.IN, 5, 1))),
    ("extended", "host", _play(lambda b: b.token(PID.EXT, 5, 0),
                               lambda b: b.host(build_lpm(1, PID.DATA1)))),
    ("extended", "host", _play(lambda b: b.token(PID.EXT, 5, 1), lambda b: b.host(build_lpm(1)))),
    ("crc5", "host", _play(lambda b: b.token(PID.EXT, 5, 0),
                           lambda b: b.host(_bad_crc(build_lpm(1))))),
    ("host-late", "host", _play(lambda b: b.token(PID.EXT, 5, 0),
                                lambda b: b.host(build_lpm(1), gap=300))),
    ("answer-corrupted", "device", _play(
        lambda b: b.token(PID.EXT, 5, 0), lambda b: b.host(_bad_crc(build_lpm(1)), injected=True),
        lambda b: b.hand(PID.ACK))),
    ("answer-address", "device", _play(lambda b: b.token(PID.EXT, 6, 0),
                                       lambda b: b.host(build_lpm(1)), lambda b: b.hand(PID.ACK))),
    ("lpm-answer", "device", lambda b: _lpm(b, PID.NAK)),
    ("lpm-answer", "device", _play(lambda b: b.token(PID.EXT, 5, 0),
                                   lambda b: b.host(build_lpm(1)), lambda b: b.device(DATA))),
    ("lpm-silence", "host", _play(_lpm, lambda b: b.token(PID.OUT, 6, 1))),
    ("lpm-entry", "device", _play(_lpm, _line("l1", 7_900_000), _line("resume", 1),
                                  lambda b: b.token(PID.OUT, 6, 1))),
    ("lpm-entry", "device", _play(_lpm, _line("l1", 10_100_000), _line("resume", 1),
                                  lambda b: b.token(PID.OUT, 6, 1))),
    ("lpm-wake", "device", _play(_lpm, _line("remote_wakeup", 57_000_000), _line("resume", 1),
                                 lambda b: b.token(PID.OUT, 6, 1))),
    ("ping-speed", "host", lambda b: b.token(PID.PING, 5, 3)),
    ("ping-needed", "host", _play(lambda b: b.out(5, 1, PID.DATA0, b"x", PID.NYET),
                                  lambda b: b.out(5, 1, PID.DATA1, b"y"))),
    ("ping-needed", "host", _play(lambda b: b.out(5, 1, PID.DATA0, b"x", PID.NAK),
                                  lambda b: b.out(5, 1, PID.DATA0, b"x"))),
    ("iso-handshake", "device", lambda b: b.out(5, 3, PID.DATA0, b"x")),
    ("toggle-host", "host", _play(lambda b: b.out(5, 1, PID.DATA0, b"x"),
                                  lambda b: b.out(5, 1, PID.DATA0, b"y"))),
    ("toggle-host", "host", lambda b: b.out(5, 1, PID.DATA1, b"x")),
    ("toggle-device", "device", _resend_after_ack),
    ("retry-data", "device", _retry),
    ("setup-data0", "host", _play(lambda b: b.token(PID.SETUP, 5, 0),
                                  lambda b: b.host(build_data(PID.DATA1, bytes(8))))),
    ("setup-data0", "host", lambda b: b.setup(5, bytes(7))),
    ("status-data1", "device", _play(
        lambda b: after_setup(b, [0, 9, 1, 0, 0, 0, 0, 0]),
        lambda b: b.in_(5, 0, PID.DATA0, b""))),
    ("status-data1", "host", _play(
        lambda b: after_setup(b, [0x80, 0, 0, 0, 0, 0, 2, 0]),
        lambda b: b.in_(5, 0, PID.DATA1, b"\0\0"), lambda b: b.out(5, 0, PID.DATA0, b""))),
    ("control-stage", "host", _play(
        lambda b: b.control_write(5, bytes([0, 9, 1, 0, 0, 0, 0, 0])),
        lambda b: b.token(PID.IN, 5, 0))),
    ("control-length", "device", _play(
        lambda b: after_setup(b, [0x80, 0, 0, 0, 0, 0, 2, 0]),
        lambda b: b.in_(5, 0, PID.DATA1, bytes(3)))),
    ("data-pid", "device", lambda b: b.in_(5, 1, PID.DATA2, b"x")),
    ("turnaround-early", "device", _play(lambda b: b.token(PID.IN, 5, 1),
                                         lambda b: b.device(DATA, gap=6))),
    ("turnaround-late", "device", _play(lambda b: b.token(PID.IN, 5, 1),
                                        lambda b: b.device(DATA, gap=195))),
    ("host-gap", "host", lambda b: b.host(build_token(PID.IN, 5, 1), gap=4)),
    ("host-gap", "host", _play(lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(DATA, gap=60))),
    ("host-late", "host", _play(lambda b: b.token(PID.OUT, 5, 1), lambda b: b.host(DATA, gap=300))),
    ("host-late", "host", _play(lambda b: b.token(PID.IN, 5, 1), lambda b: b.device(DATA),
                                lambda b: b.ack(gap=250))),
    ("host-timeout", "host", _play(lambda b: b.token(PID.IN, 5, 4),
                                   lambda b: b.token(PID.IN, 5, 4))),
    ("sof-number", "host", _play(*(
        lambda b, i=i: b.sof(i // 7, 10**9 + i * FRAME["high"]) for i in range(20)))),
    ("sof-number", "host", _play(*(
        lambda b, i=i: b.sof(i // 9, 10**9 + i * FRAME["high"]) for i in range(20)))),
    ("sof-spacing", "host", _play(lambda b: b.sof(1, 10**9),
                                  lambda b: b.sof(1, 10**9 + FRAME["high"] + 70_000))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "side", "play"), BAD, ids=[f"{i}-{b[0]}" for i, b in enumerate(BAD)]
)
def test_violation_is_found(high: Bus, rule: str, side: str, play: Callable[[Bus], None]) -> None:
    """The sequence breaks this rule, and it is held against the right side."""
    play(high)
    found = broken(high)
    assert (rule, side) in found, high.checker.report()
    assert {name for name, _ in found} == {rule}, high.checker.report()
    assert RULES[rule].section in high.checker.report()


def test_link_power_management(high: Bus) -> None:
    """Good LPM transactions, and L1 left in both ways."""
    _lpm_good(high)
    assert not broken(high), high.checker.report()


def test_every_rule_has_a_bad_sequence() -> None:
    """No rule without a test."""
    assert {rule for rule, _, _ in BAD} == set(RULES)


def test_full_speed_limits() -> None:
    """2 to 7.5 bit times from the SE0-to-J edge, which is one before the end of EOP; no NYET."""
    for gap, rule in ((0.5, "turnaround-early"), (6.9, "turnaround-late")):
        bus = Bus("full")
        bus.enumerate()
        bus.token(PID.IN, 5, 1)
        bus.device(DATA, gap=gap)
        assert broken(bus) == [(rule, "device")]
    bus = Bus("full")
    bus.enumerate()
    bus.out(5, 1, PID.DATA0, b"x", PID.NYET)
    assert broken(bus) == [("nyet", "device")]


def test_injected_deviations_are_not_held_against_the_host(bus: Bus) -> None:
    """Each knob once: the device keeps silent and the host is not blamed."""
    for packet in (
        b"\x68\0\0",
        b"",
        _bad_crc(build_token(PID.IN, 5, 1)),
        build_token(PID.IN, 5, 1)[:2],
    ):
        bus.host(packet, injected=True)
        bus.now += 10**9
    for data in (_bad_crc(DATA), DATA[:-3], DATA + b"\0", b"\x53" + DATA[1:]):
        bus.token(PID.OUT, 5, 1)
        bus.host(data, injected=True)
        bus.now += 10**9
    bus.token(PID.OUT, 5, 1, injected=True)
    bus.now += 10**9
    bus.out(5, 1, PID.DATA0, b"x")
    assert broken(bus) == []


def test_wrong_toggle_is_acknowledged_and_does_not_advance(bus: Bus) -> None:
    """The device acknowledges the repetition; the host may be out of step until it is right."""
    bus.out(5, 1, PID.DATA0, b"a")
    before = bus.checker.payload_bytes
    bus.token(PID.OUT, 5, 1)
    bus.host(build_data(PID.DATA0, b"b"), injected=True)
    bus.hand(PID.ACK)
    bus.out(5, 1, PID.DATA0, b"c")
    bus.out(5, 1, PID.DATA1, b"d")
    assert broken(bus) == []
    assert bus.checker.payload_bytes - before == 1


def test_late_acknowledgement(high: Bus) -> None:
    """In time it counts, too late it does not, between the limits both are allowed."""
    for gap, next_pid in ((700, PID.DATA1), (900, PID.DATA0)):
        bus = Bus("high")
        bus.enumerate()
        bus.in_(5, 1, PID.DATA0, b"a", ack=False)
        bus.ack(gap=gap, injected=True)
        bus.in_(5, 1, next_pid, b"a")
        assert broken(bus) == []
    high.in_(5, 1, PID.DATA0, b"a", ack=False)
    high.ack(gap=780, injected=True)
    high.in_(5, 1, PID.DATA1, b"b")
    assert broken(high) == []


def test_address_changes_after_the_status_stage() -> None:
    """Old address until the status IN is acknowledged, then only the new one."""
    bus = Bus()
    bus.setup(0, bytes([0, 5, 9, 0, 0, 0, 0, 0]))
    bus.token(PID.IN, 0, 0)
    bus.hand(PID.NAK)
    bus.in_(0, 0, PID.DATA1, b"")
    bus.setup(9, bytes([0, 9, 1, 0, 0, 0, 0, 0]))
    bus.token(PID.IN, 0, 0)
    bus.hand(PID.NAK)
    assert broken(bus) == [("answer-address", "device")]


def test_reset_forgets_address_toggles_and_silence(bus: Bus) -> None:
    """After a bus reset the device is at address 0 with fresh toggles."""
    bus.out(5, 1, PID.DATA0, b"x")
    bus.token(PID.IN, 5, 1)
    bus.now += 10**10
    bus.checker.line(LineEvent("reset", bus.now))
    bus.now += 10**10
    bus.enumerate()
    bus.out(5, 1, PID.DATA0, b"x")
    assert broken(bus) == []


def test_set_interface_resets_only_its_endpoints(bus: Bus) -> None:
    """Endpoints of the interface start with DATA0 again."""
    bus.out(5, 1, PID.DATA0, b"x")
    bus.control_write(5, bytes([1, 11, 0, 0, 0, 0, 0, 0]))
    bus.out(5, 1, PID.DATA0, b"x")
    bus.control_write(5, bytes([0, 9, 1, 0, 0, 0, 0, 0]))
    bus.out(5, 1, PID.DATA0, b"x")
    assert broken(bus) == []


def test_ignored_rules_and_limit() -> None:
    """A rule can be left out, a wrong name is refused, the list is bounded, counts go on."""
    with pytest.raises(ValueError, match="no such rule: nonsense"):
        Checker(ignore={"nonsense"})
    bus = Bus()
    bus.checker = Checker(ignore={"crc5"}, limit=3)
    bus.host(_bad_crc(build_token(PID.IN, 5, 1)))
    assert broken(bus) == []
    bus.checker.line(LineEvent("reset", bus.now))
    for _ in range(5):
        bus.hand(PID.ACK)
    assert len(bus.checker.violations) == 3
    assert bus.checker.rules == {"device-unasked": 5}


def test_speed() -> None:
    """A packet costs a few microseconds (20 are allowed here, for a loaded machine)."""
    bus = Bus()
    bus.enumerate()
    records: list[PacketRecord] = []
    at = bus.now + 10**6
    payload = bytes(512)
    for index in range(10_000):
        pid = PID.DATA1 if index & 1 else PID.DATA0
        for from_host, data, gap in (
            (True, build_token(PID.OUT, 5, 1), 200_000),
            (True, build_data(pid, payload), 200_000),
            (False, build_handshake(PID.ACK), 50_000),
        ):
            end = at + gap + 100_000
            records.append(PacketRecord(at + gap, end, from_host, data, "high"))
            at = end
    begin = time.perf_counter()
    bus.checker.feed(records)
    cost = (time.perf_counter() - begin) / len(records)
    assert broken(bus) == []
    assert cost < 20e-6
    print(f"{cost * 1e6:.2f} us per packet")
