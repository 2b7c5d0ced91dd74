# SPDX-License-Identifier: Apache-2.0
"""USB 2.0 packets: PIDs, CRCs, building and taking apart (USB 2.0 chapter 8.3 and 8.4).

A packet is the `bytes` between SYNC and EOP: the PID byte first, CRC included.
"""

from __future__ import annotations

from enum import IntEnum

from fastcrc.crc16 import usb as crc16

__all__ = [
    "BESL_PS",
    "DATA_PIDS",
    "HANDSHAKE_PIDS",
    "MAX_PAYLOAD",
    "PID",
    "TEST_PACKET",
    "TOKEN_PIDS",
    "build_data",
    "build_handshake",
    "build_lpm",
    "build_sof",
    "build_token",
    "crc5",
    "crc16",
    "data_crc_ok",
    "pid_byte",
    "pid_of",
    "split_token",
    "token_crc_ok",
]

MAX_PAYLOAD = 1024
"""Largest data payload of any packet, bytes (USB 2.0 section 5.6.3)."""


class PID(IntEnum):
    """The four PID bits (USB 2.0 table 8-1)."""

    EXT = 0x0
    OUT = 0x1
    IN = 0x9
    SOF = 0x5
    SETUP = 0xD
    DATA0 = 0x3
    DATA1 = 0xB
    DATA2 = 0x7
    MDATA = 0xF
    ACK = 0x2
    NAK = 0xA
    STALL = 0xE
    NYET = 0x6
    PRE = 0xC
    SPLIT = 0x8
    PING = 0x4
    LPM = 0x3  # SubPID of the second packet of an extended token (ECN Link Power Management)


BESL_PS = tuple(us * 1_000_000 for us in (125, 150, 200, 300, 400, 500, *range(1000, 11000, 1000)))
"""How long the host drives resume out of L1, by BESL (errata for USB 2.0 ECN LPM), picoseconds."""

TOKEN_PIDS = frozenset({PID.OUT, PID.IN, PID.SETUP, PID.PING})
DATA_PIDS = frozenset({PID.DATA0, PID.DATA1, PID.DATA2, PID.MDATA})
HANDSHAKE_PIDS = frozenset({PID.ACK, PID.NAK, PID.STALL, PID.NYET})

_PID_BYTES = [(~nibble & 0xF) << 4 | nibble for nibble in range(16)]
_HANDSHAKES = [bytes([value]) for value in _PID_BYTES]


def _crc5_of(value: int) -> int:
    crc = 0x1F
    for bit in range(11):
        feedback = (value >> bit ^ crc) & 1
        crc >>= 1
        if feedback:
            crc ^= 0x14
    return crc ^ 0x1F


_CRC5 = [_crc5_of(value) for value in range(1 << 11)]


def crc5(value: int) -> int:
    """Return the CRC5 of 11 token bits, as it stands in bits 15:11 of the token.

    Args:
        value: address | endpoint << 7, or the frame number of an SOF.
    """
    return _CRC5[value & 0x7FF]


def pid_byte(pid: int) -> int:
    """Return the PID byte: the nibble and its complement."""
    return _PID_BYTES[pid]


def pid_of(packet: bytes) -> int | None:
    """Return the PID nibble, or None if the packet is empty or its check bits are wrong."""
    if not packet:
        return None
    nibble = packet[0] & 0xF
    return nibble if _PID_BYTES[nibble] == packet[0] else None


def build_token(pid: int, address: int, endpoint: int) -> bytes:
    """Return a token packet, 3 bytes."""
    value = address & 0x7F | (endpoint & 0xF) << 7
    return bytes((_PID_BYTES[pid],)) + (value | _CRC5[value] << 11).to_bytes(2, "little")


def build_sof(frame: int) -> bytes:
    """Return a start-of-frame packet for an 11-bit frame number."""
    value = frame & 0x7FF
    return bytes((_PID_BYTES[PID.SOF],)) + (value | _CRC5[value] << 11).to_bytes(2, "little")


def build_lpm(attributes: int, pid: int = PID.LPM) -> bytes:
    """Return the second packet of an extended token.

    Args:
        attributes: bmAttributes: bLinkState | BESL << 4 | bRemoteWake << 8.
        pid: SubPID.
    """
    return build_token(pid, attributes & 0x7F, attributes >> 7)


def build_data(pid: int, payload: bytes | bytearray | memoryview) -> bytes:
    """Return a data packet: PID, payload, CRC16."""
    payload = bytes(payload)
    return b"%c%b%b" % (_PID_BYTES[pid], payload, crc16(payload).to_bytes(2, "little"))


TEST_PACKET = build_data(
    PID.DATA0,
    bytes(9)
    + b"\xaa" * 8
    + b"\xee" * 8
    + b"\xfe"
    + b"\xff" * 11
    + bytes.fromhex("7fbfdfeff7fbfd fc7ebfdfeff7fbfd7e"),
)
"""What a device sends over and over in test mode Test_Packet (USB 2.0 section 7.1.20)."""


def build_handshake(pid: int) -> bytes:
    """Return a handshake packet, 1 byte."""
    return _HANDSHAKES[pid]


def token_crc_ok(packet: bytes) -> bool:
    """Tell whether a 3-byte token or SOF carries the right CRC5."""
    value = int.from_bytes(packet[1:3], "little")
    return len(packet) == 3 and _CRC5[value & 0x7FF] == value >> 11


def data_crc_ok(packet: bytes) -> bool:
    """Tell whether a data packet is long enough and carries the right CRC16."""
    return len(packet) >= 3 and crc16(packet[1:-2]) == packet[-2] | packet[-1] << 8


def split_token(packet: bytes) -> tuple[int, int]:
    """Return (address, endpoint) of a token packet."""
    value = packet[1] | packet[2] << 8
    return value & 0x7F, value >> 7 & 0xF
