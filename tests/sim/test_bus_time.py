# SPDX-License-Identifier: Apache-2.0
"""Bit times of packets."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pymodel.packets import PID, build_data, build_handshake, build_token
from tb.sim.bus_time import FULL, HIGH, stuff_bits


def naive(packet: bytes) -> int:
    ones = count = 0
    for byte in packet:
        for bit in range(8):
            ones = ones + 1 if byte >> bit & 1 else 0
            if ones == 6:
                count += 1
                ones = 0
    return count


@given(st.binary(max_size=80))
@example(b"\xff" * 80)
@example(b"\xff" * 3 + b"\x00" + b"\x3f\x7e\xfc" * 9)
def test_stuffing_is_counted(packet: bytes) -> None:
    """A zero follows six ones (USB 2.0 section 7.1.9)."""
    assert stuff_bits(packet) == naive(packet)


def test_lengths_of_packets() -> None:
    token = build_token(PID.IN, 1, 1)
    assert HIGH.bits(token) == 32 + 24 + 8
    assert FULL.bits(token) == 8 + 24 + 3
    assert HIGH.bits(build_handshake(PID.ACK)) == 48
    data = build_data(PID.DATA0, bytes(512))
    assert HIGH.bits(data) == 32 + 8 * 515 + 8 + stuff_bits(data)
    assert HIGH.worst(515) >= HIGH.bits(build_data(PID.DATA0, b"\xff" * 512))
    assert HIGH.time(12) == 25_000
    assert FULL.time(12) == 1_000_000
