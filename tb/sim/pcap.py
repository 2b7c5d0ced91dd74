# SPDX-License-Identifier: Apache-2.0
"""Writes the packets of the bus as pcapng, which Wireshark decodes.

Each speed is an interface of its own (link types USB 2.0 full and high speed, packets from the
PID to the CRC), time stamps are simulated nanoseconds. The file is readable after every flush,
also when the run is aborted.

    with PcapWriter(path) as capture:
        capture.attach(controller.wire)
        ...
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from pymodel.wire import LineEvent, PacketRecord

__all__ = ["PcapWriter"]

# pcapng block types, options and byte order mark.
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_END, _COMMENT, _EPB_FLAGS = 0, 1, 2
_SHB_USERAPPL, _IF_NAME, _IF_TSRESOL = 4, 2, 9
_NANOSECONDS = 9
_INBOUND, _OUTBOUND = 1, 2

# LINKTYPE_USB_2_0_LOW_SPEED, _FULL_SPEED, _HIGH_SPEED.
_LINK_TYPES = {"low": 293, "full": 294, "high": 295}
_SNAP_LENGTH = 0x10000


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


class _Wire(Protocol):
    def monitor(self, callback: Callable[[list[PacketRecord]], None]) -> None: ...

    def on_line(self, callback: Callable[[LineEvent], None]) -> None: ...


class PcapWriter:
    """A pcapng file that grows with the run.

    Reset, suspend and the like have no packet of their own: they stand as a comment on the next
    packet, as do deliberate errors of the host.

    Attributes:
        packets: packets written.
    """

    def __init__(self, path: str | Path, *, flush_bytes: int = 1 << 18) -> None:
        """Create the file; directories that lack are made.

        Args:
            path: file to write, an old one is replaced.
            flush_bytes: the file is brought up to date whenever that much has gathered.

        Raises:
            OSError: the file cannot be written.
        """
        self.packets = 0
        self._interfaces: dict[str, int] = {}
        self._lines: list[LineEvent] = []
        self._last_ns = 0
        self._pending = bytearray()
        self._flush_bytes = flush_bytes
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO | None = path.open("wb")
        body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
        body += _option(_SHB_USERAPPL, b"plugfest") + _option(_END, b"")
        self._pending += _block(_SECTION, body)
        self.flush()

    def attach(self, wire: _Wire) -> None:
        """Listen to a wire face (its packets and its line events)."""
        wire.monitor(self.write)
        wire.on_line(self.line)

    def line(self, event: LineEvent) -> None:
        """Note a line event, to be shown as a comment on the packet after it."""
        self._lines.append(event)

    def write(self, records: Iterable[PacketRecord]) -> None:
        """Append packets, in the order in which they were on the wire.

        Raises:
            ValueError: the capture is closed.
        """
        if self._file is None:
            raise ValueError("the capture is closed")
        pending = self._pending
        for record in records:
            number = self._interfaces.get(record.speed)
            if number is None:
                number = self._interface(record.speed)
            # Wireshark wants rising times; two clocks' rounding may differ by a nanosecond.
            time_ns = max(record.start_ps // 1000, self._last_ns)
            self._last_ns = time_ns
            data = record.data
            size = len(data)
            body = (
                struct.pack("<IIIII", number, time_ns >> 32, time_ns & 0xFFFFFFFF, size, size)
                + data
                + bytes(-size % 4)
                + _option(
                    _EPB_FLAGS, struct.pack("<I", _OUTBOUND if record.from_host else _INBOUND)
                )
            )
            comment = self._comment(record)
            if comment:
                body += _option(_COMMENT, comment.encode())
            pending += _block(_PACKET, body + _option(_END, b""))
            self.packets += 1
        if len(pending) >= self._flush_bytes:
            self.flush()

    def flush(self) -> None:
        """Bring the file up to date; only whole blocks are written."""
        if self._file is not None:
            self._file.write(self._pending)
            self._file.flush()
            self._pending.clear()

    def close(self) -> None:
        """Flush and close; calling it again does nothing."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, whatever happened."""
        self.close()

    def _interface(self, speed: str) -> int:
        body = struct.pack("<HHI", _LINK_TYPES[speed], 0, _SNAP_LENGTH)
        body += _option(_IF_NAME, f"{speed}-speed bus".encode())
        body += _option(_IF_TSRESOL, bytes([_NANOSECONDS])) + _option(_END, b"")
        self._pending += _block(_INTERFACE, body)
        number = len(self._interfaces)
        self._interfaces[speed] = number
        return number

    def _comment(self, record: PacketRecord) -> str:
        parts = []
        while self._lines and self._lines[0].time_ps <= record.start_ps:
            event = self._lines.pop(0)
            detail = "".join(f" {name}={value}" for name, value in event.detail.items())
            parts.append(f"{event.kind} at {event.time_ps / 1e6:.3f} us{detail}")
        if record.injected:
            parts.append("deliberate error of the host")
        if record.error:
            parts.append("signalling error")
        return "; ".join(parts)
