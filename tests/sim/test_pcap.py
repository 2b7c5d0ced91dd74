# SPDX-License-Identifier: Apache-2.0
"""Captures: Wireshark's own dissector reads them, also after an abort."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pymodel.packets import PID, build_data, build_handshake, build_sof, build_token
from pymodel.wire import LineEvent, PacketRecord
from tb.sim.pcap import PcapWriter

TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(
    TSHARK is None, reason="tshark is missing: apt-get install --no-install-recommends tshark"
)

REQUEST = bytes([0x80, 6, 0, 1, 0, 0, 18, 0])
DEVICE = bytes([18, 1, 0, 2, 0, 0, 0, 64, 0x25, 5, 0xA7, 0xA4, 0, 1, 1, 2, 3, 1])


def transfer(speed: str, at: int = 1_000_000_123_456) -> list[PacketRecord]:
    """Return the packets of GET_DESCRIPTOR(DEVICE) at address 0."""
    packets = [
        (True, build_sof(77)),
        (True, build_token(PID.SETUP, 0, 0)),
        (True, build_data(PID.DATA0, REQUEST)),
        (False, build_handshake(PID.ACK)),
        (True, build_token(PID.IN, 0, 0)),
        (False, build_data(PID.DATA1, DEVICE)),
        (True, build_handshake(PID.ACK)),
        (True, build_token(PID.OUT, 0, 0)),
        (True, build_data(PID.DATA1, b"")),
        (False, build_handshake(PID.ACK)),
    ]
    return [
        PacketRecord(at + i * 500_000, at + i * 500_000 + 100_000, host, data, speed)
        for i, (host, data) in enumerate(packets)
    ]


def dissect(path: Path, *fields: str, check: bool = True) -> list[list[str]]:
    """Return the named fields of each packet as tshark sees them."""
    assert TSHARK is not None
    command = [TSHARK, "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for field in fields:
        command += ["-e", field]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert not check or result.returncode == 0, result.stderr
    return [line.split("|") for line in result.stdout.splitlines()]


@needs_tshark
@pytest.mark.parametrize("speed", ["full", "high"])
def test_get_descriptor_is_decoded(tmp_path: Path, speed: str) -> None:
    """SETUP, data and status show as a device descriptor request and its answer."""
    path = tmp_path / "new" / "trace.pcapng"
    with PcapWriter(path) as capture:
        capture.write(transfer(speed))
    rows = dissect(path, "_ws.col.Protocol", "_ws.col.Info", "usb.bDescriptorType")
    text = "\n".join(" ".join(row) for row in rows)
    assert len(rows) == 10 == capture.packets
    assert "GET DESCRIPTOR Request DEVICE" in text
    assert "GET DESCRIPTOR Response DEVICE" in text
    vendor = [row[0] for row in dissect(path, "usb.idVendor") if row[0]]
    assert vendor == ["0x0525"]


@needs_tshark
def test_times_speeds_errors_and_comments(tmp_path: Path) -> None:
    """Nanoseconds, one interface per speed, wrong CRCs marked, line events as comments."""
    path = tmp_path / "trace.pcapng"
    bad = build_token(PID.IN, 3, 1)
    bad = bad[:2] + bytes([bad[2] ^ 0x80])
    with PcapWriter(path) as capture:
        capture.write(transfer("full"))
        capture.line(LineEvent("reset", 1_500_000_000_000, {"speed": "high"}))
        capture.write(transfer("high", 2_000_000_000_000))
        capture.write([PacketRecord(3_000_000_000_000, 3_000_001_000_000, True, bad, "high", True)])
    rows = dissect(
        path, "frame.time_epoch", "frame.interface_id", "usbll.crc5.status", "frame.comment"
    )
    assert len(rows) == 21
    assert rows[0][0] == "1.000000123"
    assert [row[1] for row in rows] == ["0"] * 10 + ["1"] * 11
    assert "reset at 1500000.000 us speed=high" in rows[10][3]
    assert rows[20][2] == "0"
    assert "deliberate error" in rows[20][3]
    assert rows[11][2] == "1"


@needs_tshark
def test_readable_without_close(tmp_path: Path) -> None:
    """What has been flushed is whole, although nobody closed the capture."""
    path = tmp_path / "trace.pcapng"
    capture = PcapWriter(path, flush_bytes=1)
    capture.write(transfer("high"))
    assert len(dissect(path, "frame.number")) == 10
    capture.close()


def test_closed_capture_refuses(tmp_path: Path) -> None:
    """Writing after close is an error, closing twice is none."""
    capture = PcapWriter(tmp_path / "trace.pcapng")
    capture.close()
    capture.close()
    with pytest.raises(ValueError, match="closed"):
        capture.write(transfer("high"))


def test_blocks_are_whole_and_in_order(tmp_path: Path) -> None:
    """Independent of tshark: block lengths agree and times never fall."""
    path = tmp_path / "trace.pcapng"
    records = transfer("high")
    records[5].start_ps = records[4].start_ps - 900
    with PcapWriter(path) as capture:
        capture.write(records)
    data = path.read_bytes()
    offset = 0
    kinds = []
    times = []
    while offset < len(data):
        kind = int.from_bytes(data[offset : offset + 4], "little")
        length = int.from_bytes(data[offset + 4 : offset + 8], "little")
        assert data[offset + length - 4 : offset + length] == data[offset + 4 : offset + 8]
        if kind == 6:
            high, low = (
                int.from_bytes(data[offset + i : offset + i + 4], "little") for i in (12, 16)
            )
            times.append(high << 32 | low)
        kinds.append(kind)
        offset += length
    assert kinds == [0x0A0D0D0A, 1] + [6] * 10
    assert times == sorted(times)
