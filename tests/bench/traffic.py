# SPDX-License-Identifier: Apache-2.0
"""Bulk traffic for `make bench`: OUT and IN at once, 64 KiB requests, four deep on both sides.

Every payload is random, made by its sender and checked by its receiver: both sides draw the same
sequence. Arguments: transfers per direction, latency of the memory in clocks of the core. Prints
one line of JSON.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from pymodel.packets import DATA_PIDS, PID, pid_of
from pymodel.wire import PacketRecord
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
from tb.kernel import Event, sleep, us

SIZE = 65536
PACKETS = SIZE // 512
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


class Microframes:
    """Counts packets of 512 bytes with their acknowledgement from SOF to SOF.

    Attributes:
        counts: of every microframe since the last `clear`: IN, OUT.
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.counts = [[0, 0]]
        self._data = -1

    def records(self, records: list[PacketRecord]) -> None:
        """Take packets from the wire's monitor."""
        for record in records:
            pid = pid_of(record.data)
            if pid == PID.SOF:
                self.counts.append([0, 0])
            elif self._data >= 0 and pid in (PID.ACK, PID.NYET):
                self.counts[-1][self._data] += 1
            data = pid in DATA_PIDS and len(record.data) == 512 + 3
            self._data = int(record.from_host) if data else -1

    def clear(self) -> None:
        """Forget what was counted."""
        self.counts = [[0, 0]]

    def full(self) -> list[int]:
        """Return the packets of those microframes in which no request begins or ends.

        Between two requests the endpoint waits for its driver, whatever the hardware; that may
        reach into the microframe behind.
        """
        done, found, changed = [0, 0], [], True
        for counts in self.counts:
            before, done = done, [sum(pair) for pair in zip(done, counts, strict=True)]
            ways = [way for way in (0, 1) if counts[way] or before[way]]
            waited, changed = (
                changed,
                not all(
                    before[way] % PACKETS and before[way] // PACKETS == done[way] // PACKETS
                    for way in ways
                ),
            )
            if ways and not changed and not waited:
                found.append(sum(counts))
        return found


usb_function_register(UsbFunctionDriver("Traffic", UsbFunctionInstance, Traffic))


async def main(bench: Any) -> None:
    transfers = int(bench.args[0]) if bench.args else 32
    latency = int(bench.args[1]) if len(bench.args) > 1 else 0
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
        # the last acknowledgement may not be reported yet
        await sleep(us(200))
        simulated = (bench.kernel.now - start) / 1e12 - 200e-6
        return len(ways) * count * SIZE / 512 / (simulated / 125e-6)

    bench.hw.memory_latency(latency)
    cycles, wall = bench.clock_cycles, time.perf_counter()
    both = await move(("in", "out"), transfers)
    seconds = time.perf_counter() - wall
    cycles = bench.clock_cycles - cycles
    microframes = Microframes()
    bench.controller.wire.monitor(microframes.records)

    async def count(*ways: str) -> list[int]:
        """Return the packets in the full microframes of some transfers."""
        microframes.clear()
        await move(ways, DEPTH)
        return microframes.full()

    full = {"in": await count("in"), "out": await count("out"), "both": await count("in", "out")}
    result = {
        "cycles_per_s": cycles / seconds,
        "payload_mb_s": 2 * transfers * SIZE / seconds / 1e6,
        "packets_per_microframe": both,
        "full_microframes": {way: sum(counts) / len(counts) for way, counts in full.items()},
        "fewest_in_a_microframe": {way: min(counts) for way, counts in full.items()},
        "enumeration_ms": enumeration_s * 1e3,
    }
    print(json.dumps(result))
