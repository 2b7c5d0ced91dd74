# SPDX-License-Identifier: Apache-2.0
"""Broken OUT data, wrong toggles and lost ACKs on a bulk endpoint: no byte is lost or doubled."""

from __future__ import annotations

from pymodel.packets import PID
from raw import attach_gadget, configure, retry
from tb.kernel import spawn

HOST = False
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"mode": "slave", "speed": "full"}, {"lockstep": True}]


async def main(bench) -> None:
    await attach_gadget(bench)
    await configure(bench)
    tty = await bench.device.open("/dev/ttyGS0")
    received = bytearray()

    async def read() -> None:
        while True:
            received.extend(await tty.read(4096))

    reading = spawn(read())
    wire, sent, pid = bench.wire, b"", PID.DATA0
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
            {"wrong_toggle": True},
        )
    ):
        payload = bytes([number]) * (10 + number)
        if knobs:
            result = await wire.out(5, 1, pid, payload, **knobs)
            expected = ("ACK",) if "wrong_toggle" in knobs else (None,)
            assert result.handshake in expected, (knobs, result)
        result = await retry(bench, wire.out, 5, 1, pid, payload)
        assert result.handshake in ("ACK", "NYET"), (knobs, result)
        sent += payload
        again = await retry(bench, wire.out, 5, 1, pid, payload)
        assert again.handshake == "ACK", ("a repeated packet is acknowledged", knobs, again)
        pid = PID.DATA1 if pid == PID.DATA0 else PID.DATA0
    await wire.sof(4)
    assert bytes(received) == sent
    reading.cancel()
    await tty.close()
