# SPDX-License-Identifier: Apache-2.0
"""A request is taken back just as its hardware transfer, perhaps not the last one, completes."""

from __future__ import annotations

import errno

import pytest

from pymodel.gen.udc_regs import DCTL, DIEPCTL, DOEPCTL, EPCMD
from tb.gadget import UsbEp, usb_ep_dequeue, usb_ep_queue
from tb.kernel import sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_endpoints import Log, ready

MODES = (*MiniHost.MODES, "dma+commands", "slave+commands")
SIZE = 512
ENABLE = DIEPCTL.EPEna.mask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["in", "in with a ZLP", "out"])
def test_nothing_goes_on_after_a_request_is_taken_back(mode: str, kind: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        hw, is_in = host.udc.hw, kind != "out"
        ep = ep_in if is_in else ep_out
        control = (DIEPCTL if is_in else DOEPCTL).at(1)
        if kind != "in with a ZLP":
            # a hardware transfer for each packet
            hw.max_bytes = SIZE
        packets = 1 if kind == "in with a ZLP" else 4
        request = log.make(ep, packets * SIZE)
        request.zero = kind == "in with a ZLP"
        hold = (DCTL.SGNPInNak if is_in else DCTL.SGOUTNak).mask
        moved: list[bool] = []
        honest = hw.write

        async def packet() -> None:
            if is_in:
                await host.bulk_in(1, SIZE)
            else:
                await host.bulk_out(1, bytes(SIZE))
            moved.append(True)

        async def write(offset: int, value: int) -> None:
            """The packet goes over the wire when the driver begins to stop the transfer."""
            snak = offset == control and value & DIEPCTL.SNAK.mask
            held = offset == DCTL.OFFSET and value & hold
            if (snak or held or offset == EPCMD.at(2 + is_in)) and not moved:
                moved.append(False)
                host.kernel.spawn(packet(), name="packet")
                while not moved[-1]:
                    await hw.read(control)
            await honest(offset, value)

        usb_ep_queue(ep, request)
        await sleep(us(100))
        hw.write = write
        usb_ep_dequeue(ep, request)
        while not log.done:
            await sleep(us(1))
        assert moved == [False, True]
        assert not await hw.read(control) & ENABLE
        assert log.done[0][:2] == (request, -errno.ECONNRESET) or log.done == [(request, 0, SIZE)]
        # The next request is not disturbed by what was left of this one.
        hw.write = honest
        again = log.make(ep, 100, b"n" * 100 if is_in else b"")
        usb_ep_queue(ep, again)
        await sleep(us(100))
        if is_in:
            assert await host.bulk_in(1, SIZE) == b"n" * 100
        else:
            await host.bulk_out(1, b"n" * 100)
        await sleep(us(50))
        assert log.done[-1] == (again, 0, 100)

    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        await sleep(us(100))
        await host.kernel.spawn(main(host, ep_in, ep_out, log), name="test", cpu=host.device.cpu)

    run(MiniHost(mode), whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
def test_the_next_request_starts_when_one_is_received_while_it_is_taken_back(
    mode: str, early: bool
) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        hw = host.udc.hw
        one, two = log.make(ep_out, SIZE), log.make(ep_out, SIZE)
        honest, honest_read = hw.write, hw.read
        moved: list[bool] = []

        async def packet() -> None:
            await host.bulk_out(1, b"1" * 100)
            moved.append(True)

        async def write(offset: int, value: int) -> None:
            if not early and offset == DCTL.OFFSET and value & DCTL.SGOUTNak.mask:
                await deliver()
            await honest(offset, value)

        async def read(offset: int) -> int:
            """The packet comes just before the driver looks whether the endpoint is enabled."""
            if early and offset == DOEPCTL.at(1):
                await deliver()
            return int(await honest_read(offset))

        async def deliver() -> None:
            if not moved:
                moved.append(False)
                host.kernel.spawn(packet(), name="packet")
                while not moved[-1]:
                    await honest_read(DCTL.OFFSET)

        usb_ep_queue(ep_out, one)
        usb_ep_queue(ep_out, two)
        await sleep(us(100))
        hw.write, hw.read = write, read
        usb_ep_dequeue(ep_out, one)
        await sleep(us(200))
        hw.write, hw.read = honest, honest_read
        assert moved == [False, True]
        assert log.done == [(one, 0, 100)]
        await host.bulk_out(1, b"2" * 200)
        await sleep(us(50))
        assert log.done == [(one, 0, 100), (two, 0, 200)]

    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        await sleep(us(100))
        await host.kernel.spawn(main(host, ep_in, ep_out, log), name="test", cpu=host.device.cpu)

    run(MiniHost(mode), whole)
