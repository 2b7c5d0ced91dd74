# SPDX-License-Identifier: Apache-2.0
"""What is judged: the rules with their sections of USB 2.0, and the record of a violation."""

from __future__ import annotations

from dataclasses import dataclass

from pymodel.wire import PacketRecord

__all__ = ["RULES", "Rule", "Violation"]


@dataclass(frozen=True)
class Rule:
    """A rule: its name, the section of USB 2.0 behind it, what it says."""

    name: str
    section: str
    text: str


_TABLE = (
    # Packets
    ("overlap", "8.5", "two packets may not overlap on the wire"),
    ("pid-check", "8.3.1", "the upper four PID bits are the complement of the lower four"),
    ("pid-legal", "8.3.1", "this PID does not occur between a host and a device without hubs"),
    ("direction", "8.4", "tokens and SOF come from the host, NAK, STALL and NYET from the device"),
    ("token-length", "8.4.1", "a token has 24 bits"),
    ("crc5", "8.3.5.1", "CRC5 of a token"),
    ("crc16", "8.3.5.2", "CRC16 of a data packet"),
    ("data-length", "8.4.4", "a data packet carries at most what speed and endpoint allow"),
    ("handshake-length", "8.4.5", "a handshake is one byte"),
    ("signalling", "7.1.9", "bit stuffing, SYNC and EOP of the device's packets"),
    # Who speaks when
    ("token-data", "8.5.1", "data of the host follows at once on OUT or SETUP"),
    ("data-unasked", "8.5.1", "the host sends data only after OUT or SETUP"),
    ("handshake-unasked", "8.5.1", "the host acknowledges only data, and only good data"),
    ("handshake-missing", "8.5.1", "the host acknowledges good data"),
    ("device-unasked", "8.5", "the device speaks only when it is asked"),
    ("device-silent", "8.4.6", "the device answers good packets to its endpoints"),
    ("answer-corrupted", "8.4.6", "a corrupted packet is not answered"),
    ("answer-address", "8.3.2.1", "only packets to the device's own address are answered"),
    ("answer-pid", "8.4.6", "OUT and PING are answered by a handshake, IN by data, NAK or STALL"),
    ("setup-refused", "8.4.6.4", "a SETUP is acknowledged, never refused"),
    ("nyet", "8.5.1", "NYET answers only high-speed bulk and control OUT"),
    ("extended", "LPM 2", "an EXT token is followed by a token with a SubPID"),
    ("lpm-answer", "LPM 2", "an LPM token is answered by ACK, NYET or STALL"),
    ("lpm-silence", "LPM 4.1", "after ACK to an LPM token the bus is idle until resume or reset"),
    ("lpm-entry", "LPM 4.3.2", "the device enters L1 8 to 10 us after its ACK"),
    ("lpm-wake", "LPM 4.3.2", "the device stays in L1 for 50 us before it signals resume"),
    ("ping-speed", "8.5.1", "PING exists only at high speed, for bulk and control OUT"),
    ("ping-needed", "8.5.1", "after NYET or NAK to a high-speed OUT comes PING"),
    ("iso-handshake", "8.5.5", "isochronous transactions have no handshake"),
    # Toggles
    ("toggle-host", "8.6", "data PID of the host"),
    ("toggle-device", "8.6", "data PID of the device"),
    ("retry-data", "8.6.4", "data that was not acknowledged is sent again unchanged"),
    ("setup-data0", "8.5.3", "the data of a SETUP is 8 bytes in a DATA0"),
    ("status-data1", "8.5.3", "the status stage is an empty DATA1"),
    ("control-stage", "8.5.3", "after the status stage comes the next SETUP"),
    ("control-length", "8.5.3", "the data stage is not longer than wLength"),
    ("data-pid", "8.3.1", "DATA2 and MDATA belong to high-bandwidth isochronous endpoints"),
    # Times
    ("turnaround-early", "7.1.18", "the device waits 8 (high) or 2 (full speed) bit times"),
    ("turnaround-late", "7.1.18", "the device answers within 192 (high) or 7.5 (full) bit times"),
    ("host-gap", "7.1.18", "the host waits 88 bit times after its own packet, 8 after another's"),
    ("host-late", "7.1.18", "within a transaction the host goes on in 192 or 7.5 bit times"),
    ("host-timeout", "7.1.19", "the host waits 736 (high) or 16 (full) bit times for an answer"),
    ("sof-number", "8.4.3", "frame numbers count up, in high speed after each eighth SOF"),
    ("sof-spacing", "7.1.12", "SOFs come every 1 ms or 125 us, within 500 ppm"),
)

RULES: dict[str, Rule] = {row[0]: Rule(*row) for row in _TABLE}
"""All rules by name."""


@dataclass(frozen=True)
class Violation:
    """A broken rule.

    Attributes:
        rule: its name, a key of RULES.
        side: "host" or "device".
        time_ps: start of the packet that showed it.
        packet: that packet.
        detail: what was there and what should have been.
    """

    rule: str
    side: str
    time_ps: int
    packet: PacketRecord
    detail: str

    def __str__(self) -> str:
        """Return one line for a report."""
        rule = RULES[self.rule]
        shown = self.packet.data[:12].hex(" ")
        if len(self.packet.data) > 12:
            shown += f" … ({len(self.packet.data)} bytes)"
        return (
            f"{self.time_ps / 1e6:.3f} us: {self.side}: {self.rule} (USB 2.0 section "
            f"{rule.section}: {rule.text}): {self.detail} [{shown}]"
        )
