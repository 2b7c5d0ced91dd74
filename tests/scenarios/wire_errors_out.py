# SPDX-License-Identifier: Apache-2.0
"""Broken OUT data, wrong toggles and lost ACKs on a bulk endpoint: no byte is lost or doubled."""

from __future__ import annotations

from raw import BulkOut, attach_gadget, configure
from tb.kernel import spawn

HOST = False
RUNS = [
    {},
    {"speed": "full"},
    {"mode": "slave"},
    {"mode": "slave", "speed": "full"},
    {"lockstep": True},
    {"lockstep": True, "core-mhz": "60"},
    {"lockstep": True, "core-mhz": "75"},
]


async def main(bench) -> None:
    await attach_gadget(bench)
    await configure(bench)
    tty = await bench.device.open("/dev/ttyGS0")
    received = bytearray()

    async def read() -> None:
        while True:
            received.extend(await tty.read(4096))

    reading = spawn(read())
    wire, pipe, sent = bench.wire, BulkOut(bench, 5, 1), b""
    for number, knobs in enumerate(
        (
            {},
            {"bad_crc": True},
            {"rx_error_at": 5},
            {"truncate": 2},
            {"bad_crc5": True},
            {"bad_pid": True},
            {"wrong_address": True},
            {"no_data": True},
        )
    ):
        payload = bytes([number]) * (10 + number)
        if knobs:
            result = await pipe.send(payload, **knobs)
            assert result.handshake is None, (knobs, result)
        result = await pipe.send(payload)
        assert result.handshake in ("ACK", "NYET"), (knobs, result)
        sent += payload
        result = await pipe.again(b"sent twice")
        assert result.handshake == "ACK", ("a repeated packet is acknowledged", knobs, result)
    await wire.sof(4)
    assert bytes(received) == sent
    reading.cancel()
    await tty.close()
