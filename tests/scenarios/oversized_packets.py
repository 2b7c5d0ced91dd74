# SPDX-License-Identifier: Apache-2.0
"""Packets longer than the endpoint takes are not answered and leave no trace (USB 2.0, 8.4.4)."""

from __future__ import annotations

from raw import GET_DEVICE, BulkOut, attach_gadget, configure, control_in
from tb.kernel import spawn

HOST = False
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"mode": "slave", "speed": "full"}]


async def main(bench) -> None:
    wire = bench.wire
    await attach_gadget(bench)
    for size in (7, 9, 64):
        result = await wire.setup(0, 0, GET_DEVICE.ljust(64, b"\0")[:size], by_hand=True)
        assert result.handshake is None, (size, result)
        assert len(await control_in(bench, GET_DEVICE)) == 18
    await configure(bench)
    tty = await bench.device.open("/dev/ttyGS0")
    received = bytearray()

    async def read() -> None:
        while True:
            received.extend(await tty.read(4096))

    reading = spawn(read())
    full = 512 if bench.options.speed == "high" else 64
    pipe, sent = BulkOut(bench, 5, 1), b""
    for number, extra in enumerate((1, 2, 3, 4, 100, 1024 - full, 1030 - full)):
        payload = bytes([number + 1]) * full
        for data, knobs in (
            (payload + bytes(extra), {"by_hand": True}),
            (payload, {"extend": min(extra, 64)}),
        ):
            result = await pipe.send(data, **knobs)
            assert result.handshake is None, (extra, result)
        result = await pipe.send(payload)
        assert result.handshake in ("ACK", "NYET"), result
        sent += payload
    result = await pipe.send(b"end")
    assert result.handshake in ("ACK", "NYET"), result
    sent += b"end"
    await wire.sof(4)
    assert bytes(received) == sent, (len(received), len(sent))
    reading.cancel()
    await tty.close()
