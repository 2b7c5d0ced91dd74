# SPDX-License-Identifier: Apache-2.0
"""Packets of the host with the faults that `Knobs` asks for."""

from __future__ import annotations

from pymodel.packets import PID, build_data, build_lpm, build_token
from pymodel.packets import crc16 as data_crc
from pymodel.wire import Knobs, Transaction

__all__ = ["faulty_data", "faulty_token", "second_packet"]

_WITH_DATA = frozenset({int(PID.OUT), int(PID.SETUP), int(PID.EXT)})


def second_packet(transaction: Transaction, pid: int | None = None) -> bytes:
    """Return the packet of the host that follows the token, with another PID if one is given."""
    pid = transaction.pid if pid is None else pid
    if transaction.token == PID.EXT:
        return build_lpm(int.from_bytes(transaction.data[:2], "little"), pid)
    return build_data(pid, transaction.data)


def faulty_token(transaction: Transaction, knobs: Knobs) -> tuple[bytes, bool, bool]:
    """Return the token packet with the faults meant for it: (packet, injected, rx error)."""
    has_data = transaction.token in _WITH_DATA and not knobs.no_data
    address = transaction.address ^ (1 if knobs.wrong_address else 0)
    packet = build_token(transaction.token, address, transaction.endpoint)
    injected = knobs.bad_crc5 or knobs.no_handshake or knobs.by_hand
    if knobs.bad_crc5:
        packet = packet[:2] + bytes([packet[2] ^ 0x80])
    error = False
    if not has_data:
        if knobs.bad_pid:
            packet = bytes([packet[0] ^ 0x80]) + packet[1:]
        if knobs.truncate:
            packet = packet[: max(len(packet) - knobs.truncate, 0)]
        packet += bytes(knobs.extend)
        error = knobs.rx_error_at is not None and knobs.rx_error_at < len(packet)
        injected = injected or bool(
            knobs.bad_pid or knobs.truncate or knobs.extend or error or knobs.no_data
        )
    return packet, injected, error


def faulty_data(transaction: Transaction, knobs: Knobs) -> bytes:
    """Return the data packet of an OUT or SETUP with the faults meant for it."""
    pid = transaction.pid
    if knobs.wrong_toggle and pid in (PID.DATA0, PID.DATA1):
        pid ^= PID.DATA0 ^ PID.DATA1
    packet = second_packet(transaction, pid)
    if knobs.bad_crc and transaction.token == PID.EXT:
        packet = packet[:2] + bytes([packet[2] ^ 0x80])
    elif knobs.bad_crc:
        payload = bytes(transaction.data)
        crc = data_crc(payload) ^ 0x0100
        packet = packet[:-2] + crc.to_bytes(2, "little")
    if knobs.bad_pid:
        packet = bytes([packet[0] ^ 0x80]) + packet[1:]
    if knobs.truncate:
        packet = packet[: max(len(packet) - knobs.truncate, 1)]
    return packet + bytes(knobs.extend)
