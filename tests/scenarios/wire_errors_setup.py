# SPDX-License-Identifier: Apache-2.0
"""Broken SETUP transactions: the device is silent or recovers, and a good one works at once."""

from __future__ import annotations

from raw import GET_DEVICE, attach_gadget, control_in

HOST = False
ICARUS = True
RUNS = [{}, {"speed": "full"}, {"mode": "slave"}, {"lockstep": True}]

SILENT = [
    {"bad_crc5": True},
    {"bad_crc": True},
    {"bad_pid": True},
    {"rx_error_at": 4},
    {"truncate": 3},
    {"extend": 4},
    {"no_data": True},
    {"wrong_address": True},
]


async def main(bench) -> None:
    await attach_gadget(bench)
    for knobs in SILENT:
        result = await bench.wire.setup(0, 0, GET_DEVICE, **knobs)
        assert result.handshake is None, (knobs, result)
        descriptor = await control_in(bench, GET_DEVICE)
        assert descriptor[:2] == b"\x12\x01", (knobs, descriptor.hex())
    for knobs in ({"spurious": b"\xd2"}, {"spurious": b"\x5a"}, {"spurious": b"\xc3\x00"}):
        result = await bench.wire.setup(0, 0, GET_DEVICE, **knobs)
        assert result.handshake == "ACK", (knobs, result)
        assert len(await control_in(bench, GET_DEVICE)) == 18
