# SPDX-License-Identifier: Apache-2.0
"""Shared Tx FIFOs: who stands in whose way, and that a flush loses nothing (S004-99, S004-100)."""

from __future__ import annotations

import errno
import random
from typing import Any

import pytest

from pymodel.gen.udc_regs import DIEPCTL, GINTMSK, GINTSTS
from tb.gadget import UsbEp, default_node, usb_ep_dequeue, usb_ep_disable, usb_ep_enable
from tb.gadget import usb_ep_queue as queue
from tb.kernel import ms, sleep, us
from tb.usb import EndpointDescriptor
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_endpoints import Log, ready

MODES = ("slave-shared", "dma-shared")


async def second(host: MiniHost, number: int = 2, kind: int = 2, size: int = 512) -> Any:
    """Enable another IN endpoint."""
    ep = host.udc.eps_in[number]
    ep.address = 0x80 | number
    ep.desc = EndpointDescriptor(ep.address, kind, size, 4 if kind != 2 else 0)
    await usb_ep_enable(ep)
    return ep


def scenario(mode: str, main: Any, **options: Any) -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, _, log = await ready(host)
        task = host.kernel.spawn(main(host, ep_in, log), name="test", cpu=host.device.cpu)
        await task

    run(MiniHost(mode, **options), whole)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("length", [100, 512, 3000])
def test_one_that_is_not_asked_stands_in_nobodys_way(mode: str, length: int) -> None:
    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        two = await second(host)
        first = random.Random(1).randbytes(length)
        other = random.Random(2).randbytes(2000)
        queue(one, log.make(one, length, first))
        await sleep(us(50))
        for piece in (other, other[:64], b""):
            queue(two, log.make(two, len(piece), piece))
            assert await host.bulk_in(2, 512 * (len(piece) // 512 + 1)) == piece
        # The host may go to the status stage of a control transfer, too.
        assert len(await host.control(0x80, 6, 0x0200, 0, 255)) > 9
        assert await host.bulk_in(1, 512 * (length // 512 + 1 - (length % 512 == 0))) == first
        await sleep(us(50))
        assert [actual for _, _, actual in log.done] == [2000, 64, 0, length]
        assert log.statuses() == [0] * 4

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_a_host_that_asks_in_turn(mode: str) -> None:
    """Neither endpoint starves, and nothing comes twice or in another order."""

    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        dice = random.Random(5)
        eps = {1: one, 2: await second(host), 3: await second(host, 3)}
        data = {n: dice.randbytes(20_000) for n in eps}
        came = dict.fromkeys(eps, b"")
        for n, ep in eps.items():
            queue(ep, log.make(ep, 20_000, data[n]))
        for _ in range(2000):
            n = dice.choice([1, 2, 3, 3, 3])
            for _ in range(dice.randrange(1, 4)):
                result = await host.transaction(0x9, n, max_length=512)
                if result.status.value == "ok":
                    assert result.rx_pid == host._toggle(n, 1)
                    host._flip(n, 1)
                    came[n] += result.rx_data
            if all(len(came[n]) == 20_000 for n in eps):
                break
            if dice.random() < 0.05:
                assert len(await host.control(0x80, 6, 0x0100, 0, 18)) == 18
        assert came == data
        await sleep(us(50))
        assert log.statuses() == [0] * 3

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", ["dequeue", "disable", "halt and unhalt by the host"])
def test_stopping_one_keeps_the_others(mode: str, how: str) -> None:
    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        two = await second(host)
        data = random.Random(3).randbytes(1500)
        gone, kept = log.make(one, 1024), log.make(two, 1500, data)
        queue(one, gone)
        await sleep(us(50))
        queue(two, kept)
        assert await host.bulk_in(2, 512) == data[:512]
        if how == "dequeue":
            usb_ep_dequeue(one, gone)
        elif how == "disable":
            await usb_ep_disable(one)
        else:
            await host.control(0x02, 3, 0, 0x81)
        await sleep(us(50))
        assert await host.bulk_in(2, 1024) == data[512:]
        if how.startswith("halt"):
            with pytest.raises(OSError):
                await host.bulk_in(1, 512)
            await host.control(0x02, 1, 0, 0x81)
            host.toggles.pop((1, 1), None)
            assert len(await host.bulk_in(1, 1024)) == 1024
        await sleep(us(50))
        status = {"dequeue": -errno.ECONNRESET, "disable": -errno.ESHUTDOWN}.get(how, 0)
        assert {id(request): status for request, status, _ in log.done} == {
            id(gone): status,
            id(kept): 0,
        }

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_requests_larger_than_the_fifo(mode: str) -> None:
    """FIFO 0 has room for two packets, then interrupts when it is empty."""

    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        data = random.Random(4).randbytes(10_000)
        queue(one, log.make(one, 10_000, data))
        assert await host.bulk_in(1, 10_240) == data
        await sleep(us(50))
        # Nobody waits any more, so nothing may interrupt.
        mask = await host.device.bus.read32(GINTMSK.OFFSET)
        assert not mask & (GINTSTS.NPTxFEmp.mask | GINTSTS.PTxFEmp.mask)
        periodic = await second(host, 3, kind=3, size=512)
        queue(periodic, log.make(periodic, 3000, data[:3000]))
        assert await host.bulk_in(3, 3072) == data[:3000]
        await sleep(us(50))
        assert log.statuses() == [0, 0]

    scenario(mode, main)


@pytest.mark.parametrize("mode", MODES)
def test_third_periodic_endpoint(mode: str) -> None:
    """Two periodic FIFOs, as the article's chip has: the third endpoint fails."""
    sizes = "g-tx-fifo-size = <128 128>; g-unused = <"
    node = default_node(MiniHost(mode).parameters).replace("g-tx-fifo-size = <", sizes)

    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        assert (await second(host, 2, kind=3)).fifo == 2
        three: Any = await second(host, 3, kind=3)
        assert three.fifo == 1
        with pytest.raises(OSError, match="no free Tx FIFO holds 512 bytes") as caught:
            await second(host, 4, kind=3)
        assert caught.value.errno == errno.ENOMEM
        # Bulk needs none of them.
        assert (await second(host, 5)).fifo == 0
        await usb_ep_disable(three)
        assert (await second(host, 4, kind=3)).fifo == 1

    scenario(mode, main, node=node)


def test_fifo_0_too_small() -> None:
    node = default_node(MiniHost("slave-shared").parameters)
    start = node.index("g-np-tx-fifo-size = <")
    node = node[:start] + "g-np-tx-fifo-size = <64>;" + node[node.index(">;", start) + 2 :]

    host = MiniHost("slave-shared", node=node)

    async def enable(host: MiniHost) -> None:
        with pytest.raises(OSError, match="EPIPE"):
            await ready(host)

    run(host, enable)


def test_dma_order_is_a_ring() -> None:
    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        read = host.device.bus.read32

        async def ring() -> list[int]:
            found, at = [], 0
            while at not in found:
                found.append(at)
                at = DIEPCTL.NextEp.get(await read(DIEPCTL.at(at)))
            return found

        assert await ring() == [0, 1]
        await second(host, 5)
        three = await second(host, 3)
        assert await ring() == [0, 1, 3, 5]
        await usb_ep_disable(three)
        assert await ring() == [0, 1, 5]

    scenario("dma-shared", main)


@pytest.mark.parametrize("mode", MODES)
def test_reset_with_packets_in_the_fifo(mode: str) -> None:
    async def main(host: MiniHost, one: UsbEp, log: Log) -> None:
        queue(one, log.make(one, 1024, b"old" * 300))
        await sleep(us(50))
        await host.attach()
        await host.enumerate()
        assert log.statuses() == [-errno.ESHUTDOWN]
        queue(one, log.make(one, 100, b"new" * 30))
        assert (await host.bulk_in(1, 512))[:3] == b"new"
        await sleep(ms(1))

    scenario(mode, main)
