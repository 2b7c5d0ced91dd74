# SPDX-License-Identifier: Apache-2.0
"""The driver's DMA meets bus errors: that request ends with -EIO, and the endpoint goes on."""

from __future__ import annotations

import errno

from enumeration import GADGET
from tb.kernel import ms, sleep

RUNS = [{}, {"lockstep": True}]
PAIRS = [{"mode": "desc"}]


class Ends:
    """What became of the requests of an endpoint."""

    def __init__(self, ep) -> None:
        self.statuses: list[int] = []
        honest = ep.finish

        def finish(request, status: int) -> None:
            self.statuses.append(status)
            honest(request, status)

        ep.finish = finish


async def main(bench) -> None:
    await bench.device.sh(GADGET)
    await bench.host.plug()
    await bench.host.wait_device(timeout_ms=5000)
    gadget = await bench.device.open("/dev/ttyGS0")
    host = await bench.host.open("/dev/ttyACM0")
    udc = bench.device.platform_device.driver_data
    out, into = udc.eps_out[1], udc.eps_in[1]
    ends_out, ends_in = Ends(out), Ends(into)
    buffer = out.active.udc_private.mapped.address
    bench.hw.memory_error(buffer, 64)
    await host.write(b"lost" * 10)
    await sleep(ms(1))
    assert ends_out.statuses == [-errno.EIO], ends_out.statuses
    bench.hw.memory_error(0, 0)
    await host.write(b"there")
    assert await gadget.read(64) == b"there"
    # IN: the whole memory of buffers refuses to be read.
    memory = bench.hw.memory
    bench.hw.memory_error(memory.base, memory.size, writes=False)
    await gadget.write(b"spoilt")
    await sleep(ms(1))
    bench.hw.memory_error(0, 0)
    await sleep(ms(1))
    assert -errno.EIO in ends_in.statuses, ends_in.statuses
    await gadget.write(b"back")
    came = b""
    while not came.endswith(b"back"):
        came += await host.read(64)
    await sleep(ms(1))
    assert ends_in.statuses[-1] == 0, ends_in.statuses
    await host.close()
    await gadget.close()
