# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of the wire face: transactions, error knobs, packets seen, line events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Knobs", "LineEvent", "PacketRecord", "Status", "Transaction"]


@dataclass(slots=True)
class Knobs:
    """Errors and delays that the host side adds to one transaction or packet; all off by default.

    Attributes:
        bad_crc5: the token carries a wrong CRC5.
        bad_crc: the data packet carries a wrong CRC16 (an extended token's second packet: CRC5).
        bad_pid: check bits of the packet's PID are wrong (of the data packet if there is one).
        rx_error_at: the PHY reports RxError at this byte of the last host packet before the
            device's answer.
        truncate: drop this many bytes from the end of the data packet (of the token if no data).
        extend: add this many bytes after the data packet (after the token if no data).
        no_handshake: the host does not acknowledge IN data (extended token: does not hear the
            answer).
        late_handshake_ns: the host's handshake to IN data comes this much later.
        handshake_pid: PID sent to IN data instead of ACK.
        wrong_toggle: the data PID is sent with DATA0 and DATA1 exchanged.
        spurious: packet bytes sent before the token.
        wrong_address: the token goes to the address with its lowest bit inverted.
        no_data: the token of an OUT or SETUP is not followed by data.
        gap_ns: idle time before the token.
        data_gap_ns: idle time between token and data packet.
        rx_gap: one idle RxValid clock after every n-th byte towards the device (RTL only).
        tx_stall: one extra TxReady stall after every n-th byte from the device (RTL only).
        by_hand: the packet is part of what somebody sends by hand, in his own time and order.
    """

    bad_crc5: bool = False
    bad_crc: bool = False
    bad_pid: bool = False
    rx_error_at: int | None = None
    truncate: int = 0
    extend: int = 0
    no_handshake: bool = False
    late_handshake_ns: int = 0
    handshake_pid: int | None = None
    wrong_toggle: bool = False
    spurious: bytes | None = None
    wrong_address: bool = False
    no_data: bool = False
    gap_ns: int = 0
    data_gap_ns: int = 0
    rx_gap: int = 0
    tx_stall: int = 0
    by_hand: bool = False

    @property
    def breaks_protocol(self) -> bool:
        """True if the host side itself violates the protocol with these knobs."""
        return bool(
            self.bad_crc5
            or self.bad_crc
            or self.bad_pid
            or self.rx_error_at is not None
            or self.truncate
            or self.extend
            or self.no_handshake
            or self.late_handshake_ns
            or self.handshake_pid is not None
            or self.wrong_toggle
            or self.spurious is not None
            or self.no_data
            or self.data_gap_ns
            or self.by_hand
        )


class Status(StrEnum):
    """How a transaction ended, as the host sees it."""

    PENDING = "pending"
    OK = "ok"
    NAK = "nak"
    STALL = "stall"
    NYET = "nyet"
    TIMEOUT = "timeout"
    CRC = "crc"
    BITSTUFF = "bitstuff"
    PID = "pid"
    BABBLE = "babble"
    SKIPPED = "skipped"
    LATE = "late"


@dataclass(slots=True, eq=False)
class Transaction:
    """One USB 2.0 transaction: what the host wants, then what came of it.

    Attributes:
        token: PID of the token: OUT, IN, SETUP, PING, or EXT for an extended token, whose second
            packet has the SubPID `pid` and 11 bits from the two bytes of `data`.
        address: device address, 0 to 127.
        endpoint: endpoint number, 0 to 15.
        pid: data PID that the host sends (OUT, SETUP).
        data: payload that the host sends, at most 1024 bytes.
        max_length: largest payload the host takes (IN), bytes; more is babble.
        isochronous: no handshake is sent or awaited.
        frame: (micro)frame in which to execute, counted from the first SOF after reset;
            None = any.
        chain: transactions with the same non-zero value depend on each other in order.
        knobs: errors and delays, or None.
        tag: free for the submitter.
        status: result.
        handshake: "ACK", "NAK", "STALL", "NYET" as sent by the device; for IN data "ACK" where
            the host acknowledged; None for silence.
        rx_pid: PID of the data received (IN).
        rx_data: payload received (IN), CRC removed.
        turnaround_ps: end of the host's last packet to start of the device's answer, at the
            connector; 0 without an answer.
        start_ps: start of the token at the connector.
        end_ps: end of the transaction.
    """

    token: int
    address: int
    endpoint: int
    pid: int = 0x3
    data: bytes | memoryview = b""
    max_length: int = 0
    isochronous: bool = False
    frame: int | None = None
    chain: int = 0
    knobs: Knobs | None = None
    tag: Any = None
    status: Status = Status.PENDING
    handshake: str | None = None
    rx_pid: int = 0
    rx_data: bytes = b""
    turnaround_ps: int = 0
    start_ps: int = 0
    end_ps: int = 0


@dataclass(slots=True)
class PacketRecord:
    """A packet seen on the wire, in either direction.

    Attributes:
        start_ps: first bit of SYNC at the connector.
        end_ps: end of EOP at the connector.
        from_host: True if the host sent it.
        data: PID to CRC, as on the wire.
        speed: "full" or "high".
        injected: the host deviated from the protocol on purpose with this packet.
        error: the receiver saw a signalling error (RxError).
    """

    start_ps: int
    end_ps: int
    from_host: bool
    data: bytes
    speed: str
    injected: bool = False
    error: bool = False


@dataclass(slots=True)
class LineEvent:
    """Something on the bus that is not a packet.

    Attributes:
        kind: "connect", "disconnect", "reset", "speed", "suspend", "resume", "vbus_on",
            "vbus_off", "remote_wakeup", "sleep" (an extended token was acknowledged, the host
            keeps silent), "l1" (a high-speed device has changed to the terminations of L1).
        time_ps: when.
        detail: e.g. {"speed": "high"}.
    """

    kind: str
    time_ps: int
    detail: dict[str, Any] = field(default_factory=dict)
