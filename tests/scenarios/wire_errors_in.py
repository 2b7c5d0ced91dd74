# SPDX-License-Identifier: Apache-2.0
"""The host spoils IN transactions: without a good ACK the same packet comes again."""

from __future__ import annotations

from pymodel.packets import PID
from raw import GET_DEVICE, attach_gadget, control_in, retry

HOST = False
ICARUS = True
RUNS = [
    {},
    {"speed": "full"},
    {"mode": "slave"},
    {"lockstep": True},
    {"lockstep": True, "core-mhz": "60"},
    {"lockstep": True, "core-mhz": "75"},
]


async def main(bench) -> None:
    await attach_gadget(bench)
    plain = await control_in(bench, GET_DEVICE)
    late = 4000 if bench.options.speed == "high" else 20000
    for knobs in (
        {"no_handshake": True},
        {"late_handshake_ns": late},
        {"handshake_pid": PID.NAK},
        {"handshake_pid": PID.SOF},
    ):
        assert await control_in(bench, GET_DEVICE, **knobs) == plain, knobs
    for knobs in ({"bad_crc5": True}, {"bad_pid": True}, {"wrong_address": True}, {"truncate": 1}):
        result = await bench.wire.setup(0, 0, GET_DEVICE)
        assert result.handshake == "ACK"
        result = await bench.wire.in_(0, 0, **knobs)
        assert result.handshake is None, (knobs, result)
        result = await retry(bench, bench.wire.in_, 0, 0)
        assert (result.rx_pid, result.rx_data) == (PID.DATA1, plain)
