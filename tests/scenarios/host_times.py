# SPDX-License-Identifier: Apache-2.0
"""The host side's own times: time-outs are waited for at the end of a frame too; SOFs are counted.

The checker judges the time-outs (7.1.19) and the spacing of SOFs (7.1.12).
"""

from __future__ import annotations

from pymodel.packets import PID
from suspended import connect
from tb.kernel import now, sleep, us

HOST = False
PROBE = False
RUNS = [{}, {"speed": "full"}]


async def silence(bench) -> None:
    """Transactions that nobody answers, at all places of a frame."""
    wire = bench.wire
    frame = 125 if bench.options.speed == "high" else 1000
    least = 1.53 if bench.options.speed == "high" else 1.33
    for step in range(60):
        await wire.sof(1)
        await sleep(us(frame - 0.1 - 0.15 * step))
        for token in (wire.out(0, 5, PID.DATA0, bytes(16)), wire.in_(0, 6)):
            result = await token
            assert result.handshake is None, result
            assert result.end_ps - result.start_ps > us(least)


async def frames(bench) -> None:
    """`sof(n)` waits for n SOFs, also when they have just been switched on again."""
    wire = bench.wire
    frame = us(125) if bench.options.speed == "high" else us(1000)
    for idle in (10, 200, 900):
        await wire.suspend()
        # SOFs come again while somebody waits for them
        waiter = bench.kernel.spawn(wire.sof(1), name="waits for an SOF")
        await sleep(us(idle))
        assert not waiter.done()
        await wire.resume(us(50))
        await waiter
    for idle in (10, 200, 900):
        await wire.suspend()
        await sleep(us(idle))
        await wire.resume(us(50))
        start = now()
        await wire.sof(2)
        assert frame < now() - start <= 2 * frame + us(1), now() - start
        start = now()
        await wire.sof(3)
        assert 2 * frame < now() - start <= 3 * frame + us(1), now() - start


async def main(bench) -> None:
    await connect(bench)
    await silence(bench)
    await frames(bench)
