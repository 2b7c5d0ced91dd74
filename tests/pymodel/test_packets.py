# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of the wire against values that the specification and its appendices give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymodel import packets, trace
from pymodel.config import BusTimes, UdcParameters, scaled
from pymodel.packets import PID


def test_the_test_packet() -> None:
    """USB 2.0 section 7.1.20: 53 bytes in DATA0, here with the CRC16 that the section gives."""
    assert len(packets.TEST_PACKET) == 56
    assert packets.pid_of(packets.TEST_PACKET) == PID.DATA0
    assert packets.TEST_PACKET[-2:] == bytes.fromhex("b6ce")
    assert packets.data_crc_ok(packets.TEST_PACKET)


def test_crc5_of_known_tokens() -> None:
    """USB-IF CRC white paper: SETUP to address 0x15 endpoint 0xE has CRC5 0b10111 (as sent)."""
    assert packets.build_token(PID.SETUP, 0x15, 0xE) == bytes.fromhex("2d15ef")
    assert packets.build_token(PID.OUT, 0x3A, 0xA) == bytes.fromhex("e13a3d")
    assert packets.build_sof(0x001) == bytes.fromhex("a501e8")


def test_crc16_of_known_data() -> None:
    """USB-IF CRC white paper: data 00 01 02 03 is followed by bits 1111 0111 0101 1110."""
    assert packets.build_data(PID.DATA0, b"")[1:] == b"\x00\x00"
    assert packets.build_data(PID.DATA0, bytes([0, 1, 2, 3])).hex() == "c300010203ef7a"


@given(st.integers(0, 127), st.integers(0, 15), st.sampled_from(sorted(packets.TOKEN_PIDS)))
def test_token_round_trip(address: int, endpoint: int, pid: int) -> None:
    token = packets.build_token(pid, address, endpoint)
    assert packets.pid_of(token) == pid
    assert packets.token_crc_ok(token)
    assert packets.split_token(token) == (address, endpoint)
    for bit in range(16):
        broken = bytearray(token)
        broken[1 + bit // 8] ^= 1 << bit % 8
        assert not packets.token_crc_ok(bytes(broken))


@given(st.binary(max_size=80), st.data())
def test_every_flipped_bit_of_data_is_found(payload: bytes, data: st.DataObject) -> None:
    packet = packets.build_data(PID.DATA1, payload)
    assert packets.data_crc_ok(packet)
    bit = data.draw(st.integers(8, 8 * len(packet) - 1))
    broken = bytearray(packet)
    broken[bit // 8] ^= 1 << bit % 8
    assert not packets.data_crc_ok(bytes(broken))


def test_pid_check_bits() -> None:
    assert packets.pid_of(b"") is None
    assert packets.pid_of(b"\xd2") == PID.ACK
    assert packets.pid_of(b"\xd3") is None


@given(st.integers(0, 255), st.integers(0, (1 << 24) - 1), st.integers(0, (1 << 32) - 1))
def test_trace_words_round_trip(kind: int, arg: int, data: int) -> None:
    event = trace.Event(kind, arg, data)
    assert trace.decode(trace.encode(event)) == event


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_in_eps", 0),
        ("num_out_eps", 16),
        ("ep_directions", 1),
        ("ep_directions", 0x30),
        ("ep_directions", 1 << 32),
        ("fifo_words", 1000),
        ("dma", 1),
        ("data_width", 16),
        ("utmi_width", 32),
        ("time_scale", 0),
    ],
)
def test_illegal_parameters_are_named(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}"):
        UdcParameters(**{name: value})


def test_scaled_times_keep_their_floors() -> None:
    """DESIGN rule 11: shortened, but never indistinguishable."""
    assert scaled(1000, 10, 50) == 100
    assert scaled(1000, 100, 50) == 50
    assert scaled(10, 100, 50) == 10
    for scale in (1, 100, 1000):
        times = BusTimes.at(scale)
        assert times.suspend > 1_000_000_000
        assert times.reset > 100 * 1_000_000
        assert times.chirp_k < times.reset
