# SPDX-License-Identifier: Apache-2.0
"""The driver's DMA meets bus errors: that request ends with -EIO, and the endpoint goes on."""

from __future__ import annotations

import errno

import pytest

from enumeration import GADGET
from tb.gadget.udc.dwc2_ep0 import _IN_LIST
from tb.host import usb_control_msg, usb_rcvctrlpipe, usb_sndctrlpipe
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


async def descriptors(bench, out, ends) -> None:
    """Descriptors that cannot be read or written, of the bulk endpoint and of EP0."""
    bad = bench.hw.memory_error
    host = await bench.host.open("/dev/ttyACM0")
    ends.statuses.clear()
    bad(out.chain.address, 4, reads=False)
    await host.write(b"not told")
    await sleep(ms(1))
    assert ends.statuses == [-errno.EIO], ends.statuses
    bad(0, 0)
    await host.close()
    device = await bench.host.wait_device(timeout_ms=5000)
    buffer = bytearray(18)

    async def get() -> int:
        pipe = usb_rcvctrlpipe(device, 0)
        return await usb_control_msg(device, pipe, 6, 0x80, 0x0100, 0, buffer, 18, 5000)

    async def set_line_coding() -> None:
        pipe, data = usb_sndctrlpipe(device, 0), bytes([0, 0x96, 0, 0, 0, 0, 8])
        await usb_control_msg(device, pipe, 0x20, 0x21, 0, 0, data, 7, 5000)

    # EP0: the list of its data cannot be read, the descriptor of a SETUP cannot be written
    lists = bench.device.platform_device.driver_data.ep0.lists
    for attempt, place, size, knobs in (
        (get, lists.at(_IN_LIST), 8, {"writes": False}),
        (set_line_coding, lists.address, 64, {"reads": False}),
    ):
        bad(place, size, **knobs)
        with pytest.raises(OSError, match="EPIPE"):
            await attempt()
        bad(0, 0)
        await attempt()
        assert await get() == 18


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
    if out.chain is not None:
        await descriptors(bench, out, ends_out)
        await host.write(b"there again")
        assert await gadget.read(64) == b"there again"
    await host.close()
    await gadget.close()
