# SPDX-License-Identifier: Apache-2.0
"""Bulk traffic for `make bench`: OUT and IN at once, 64 KiB requests, four deep on both sides.

Every payload is random, made by its sender and checked by its receiver: both sides draw the same
sequence. Arguments: transfers per direction. Prints one line of JSON.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from tb.gadget.endpoint import UsbEp, UsbRequest, alloc_ep_req, free_ep_req, usb_ep_queue
from tb.gadget.function import UsbFunctionDriver, UsbFunctionInstance, usb_function_register
from tb.gadget.functions.bulk_pair import BulkPairFunction
from tb.host import (
    Urb,
    usb_alloc_urb,
    usb_fill_bulk_urb,
    usb_rcvbulkpipe,
    usb_sndbulkpipe,
    usb_submit_urb,
)
from tb.kernel import Event

SIZE = 65536
DEPTH = 4
GADGET = """
mkdir /sys/kernel/config/usb_gadget/g1
cd /sys/kernel/config/usb_gadget/g1
mkdir functions/Traffic.0
mkdir configs/c.1
ln -s functions/Traffic.0 configs/c.1
echo 10200000.usb > UDC
"""
_OUT_SEED, _IN_SEED = 1, 2


class Traffic(BulkPairFunction):
    """A source of random data and a sink that knows what to expect."""

    def __init__(self, options: UsbFunctionInstance) -> None:
        """Start both sequences."""
        super().__init__("traffic", "bulk traffic")
        self._make = random.Random(_IN_SEED)
        self._expect = random.Random(_OUT_SEED)

    def start(self, ep_in: UsbEp, ep_out: UsbEp) -> None:
        """Queue requests both ways."""
        for _ in range(DEPTH):
            for ep in (ep_in, ep_out):
                request = alloc_ep_req(ep, SIZE)
                request.complete = self._done
                if ep is ep_in:
                    request.data()[:SIZE] = self._make.randbytes(SIZE)
                usb_ep_queue(ep, request)

    def _done(self, ep: UsbEp, request: UsbRequest) -> None:
        if request.status:
            free_ep_req(ep, request)
            return
        if ep is self.ep_in:
            request.data()[:SIZE] = self._make.randbytes(SIZE)
        else:
            assert request.actual == SIZE, request.actual
            assert request.data()[:SIZE] == self._expect.randbytes(SIZE), "bad data OUT"
        usb_ep_queue(ep, request)


usb_function_register(UsbFunctionDriver("Traffic", UsbFunctionInstance, Traffic))


async def main(bench: Any) -> None:
    transfers = int(bench.args[0]) if bench.args else 32
    wall = time.perf_counter()
    await bench.device.sh(GADGET)
    await bench.host.plug()
    device = await bench.host.wait_device(timeout_ms=5000)
    enumeration_s = time.perf_counter() - wall
    endpoints = device.interfaces[0].altsetting[0].endpoints
    numbers = {way: next(ep.desc.number for ep in endpoints if ep.desc.is_in is (way == "in"))
               for way in ("in", "out")}  # fmt: skip
    pipes = {
        "in": usb_rcvbulkpipe(device, numbers["in"]),
        "out": usb_sndbulkpipe(device, numbers["out"]),
    }
    make, expect = random.Random(_OUT_SEED), random.Random(_IN_SEED)

    async def move(ways: tuple[str, ...], count: int) -> float:
        """Move transfers each way; returns packets per microframe."""
        left = dict.fromkeys(ways, count)
        queued = dict(left)
        finished = Event("traffic")

        def queue(urb: Urb, way: str) -> None:
            if queued[way]:
                queued[way] -= 1
                if way == "out":
                    urb.transfer_buffer = make.randbytes(SIZE)
                usb_submit_urb(urb)

        def done(way: str) -> Callable[[Urb], None]:
            def complete(urb: Urb) -> None:
                assert urb.status == 0, urb
                assert urb.actual_length == SIZE, urb
                if way == "in":
                    assert urb.transfer_buffer == expect.randbytes(SIZE), "bad data IN"
                left[way] -= 1
                queue(urb, way)
                if not any(left.values()):
                    finished.set()

            return complete

        start = bench.kernel.now
        for _ in range(DEPTH):
            for way in ways:
                urb = usb_alloc_urb()
                usb_fill_bulk_urb(urb, device, pipes[way], bytearray(SIZE), SIZE, done(way))
                queue(urb, way)
        await finished.wait()
        simulated = (bench.kernel.now - start) / 1e12
        return len(ways) * count * SIZE / 512 / (simulated / 125e-6)

    cycles, wall = bench.clock_cycles, time.perf_counter()
    both = await move(("in", "out"), transfers)
    seconds = time.perf_counter() - wall
    cycles = bench.clock_cycles - cycles
    result = {
        "cycles_per_s": cycles / seconds,
        "payload_mb_s": 2 * transfers * SIZE / seconds / 1e6,
        "packets_per_microframe": both,
        "in_packets_per_microframe": await move(("in",), DEPTH),
        "out_packets_per_microframe": await move(("out",), DEPTH),
        "enumeration_ms": enumeration_s * 1e3,
    }
    print(json.dumps(result))
