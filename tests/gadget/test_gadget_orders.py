# SPDX-License-Identifier: Apache-2.0
"""Transfers that the driver starts and ends by endpoint commands (S000-06 to S000-08)."""

from __future__ import annotations

import errno
import logging
from typing import Any

import pytest

from pymodel.gen.udc_regs import DCTL, DIEPCTL, DOEPCTL, EPCMD, EPXMSK
from tb.gadget import (
    UsbEp,
    default_node,
    usb_ep_dequeue,
    usb_ep_disable,
    usb_ep_enable,
    usb_ep_queue,
    usb_ep_set_halt,
)
from tb.gadget.udc.dwc2_cmd import Command
from tb.kernel import ms, now, sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_endpoints import Log, ready

ENABLE = DIEPCTL.EPEna.mask
LATENCY = 200


class Orders:
    """The commands that a driver sends, and the transfers that it starts without any."""

    def __init__(self, host: MiniHost) -> None:
        self.sent: list[tuple[int, Command]] = []
        self.without: list[int] = []
        self.held = 0
        bus = host.device.bus
        honest = bus.write32

        async def write32(offset: int, value: int) -> None:
            if offset >= EPCMD.at(0) and offset & 0x1F == EPCMD.at(0) & 0x1F:
                self.sent.append((offset - EPCMD.at(0) >> 5, Command(value & 0xF)))
            if offset == DCTL.OFFSET and value & DCTL.SGOUTNak.mask:
                self.held += 1
            first, last = DIEPCTL.at(1), DOEPCTL.at(15)
            control = first <= offset <= last and not offset & 0x1F and offset != DOEPCTL.at(0)
            if control and value & ENABLE:
                self.without.append(offset)
            await honest(offset, value)

        host.udc.hw.write = write32

    def take(self) -> list[tuple[int, Command]]:
        sent, self.sent = self.sent, []
        return sent


def scenario(mode: str, main: Any, latency: int = LATENCY) -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        # the tty has its buffers out
        await sleep(us(3 * latency))
        await host.kernel.spawn(main(host, ep_in, ep_out, log), name="test", cpu=host.device.cpu)

    run(MiniHost(mode, cmd_latency=latency), whole)


@pytest.mark.parametrize("mode", MiniHost.COMMAND_MODES)
def test_transfers_are_started_and_ended_by_commands(mode: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        orders = Orders(host)
        for ep in (ep_in, ep_out):
            await usb_ep_disable(ep)
            await usb_ep_enable(ep)
        host.toggles.clear()
        orders.take()
        orders.held = 0
        begin = now()
        usb_ep_queue(ep_in, log.make(ep_in, 700, b"i" * 700))
        assert await host.bulk_in(1, 1024) == b"i" * 700
        assert now() - begin >= us(LATENCY)
        usb_ep_queue(ep_out, log.make(ep_out, 1024))
        await host.bulk_out(1, b"o" * 600)
        await sleep(us(50))
        assert log.statuses() == [0, 0]
        assert orders.take() == [(3, Command.START_TRANSFER), (2, Command.START_TRANSFER)]
        for ep in (ep_in, ep_out):
            requests = [log.make(ep, 512), log.make(ep, 512)]
            for request in requests:
                usb_ep_queue(ep, request)
            await sleep(us(2 * LATENCY))
            orders.take()
            log.done.clear()
            usb_ep_dequeue(ep, requests[0])
            begin = now()
            while not log.done:
                await sleep(us(1))
            if "spin" not in mode:
                assert us(LATENCY) <= now() - begin <= us(LATENCY + 20)
            await sleep(us(2 * LATENCY))
            assert log.done == [(requests[0], -errno.ECONNRESET, 0)]
            index = 3 if ep is ep_in else 2
            assert orders.take() == [
                (index, Command.END_TRANSFER),
                (index, Command.START_TRANSFER),
            ]
            await usb_ep_disable(ep)
            assert log.done[-1] == (requests[1], -errno.ESHUTDOWN, 0)
            assert orders.take() == [(index, Command.END_TRANSFER)]
            # END takes away what is still in the Rx FIFO: it was emptied before
            assert orders.held == (0 if ep is ep_in else 2)
        assert not orders.without

    scenario(mode, main)


@pytest.mark.parametrize("mode", ["dma+commands", "dma+spin"])
def test_other_endpoints_go_on_while_a_transfer_is_started(mode: str) -> None:
    """Sleeping: other endpoints are served meanwhile, and it costs few steps (S000-07, S000-08)."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for ep in (ep_in, ep_out):
            await usb_ep_disable(ep)
            await usb_ep_enable(ep)
        host.toggles.clear()
        usb_ep_queue(ep_out, log.make(ep_out, 64))
        await sleep(us(2 * LATENCY))
        commands = host.udc.commands
        polls, accesses = commands.polls, 0
        bus = host.device.bus
        honest = bus._access

        async def access(one: Any) -> Any:
            nonlocal accesses
            accesses += 1
            return await honest(one)

        bus._access = access  # type: ignore[method-assign]
        usb_ep_queue(ep_in, log.make(ep_in, 64, b"x" * 64))
        begin = now()
        sending = host.kernel.spawn(host.bulk_out(1, bytes(64)), name="host sends")
        while not log.done:
            await sleep(us(1))
        took = now() - begin
        await sending
        if mode == "dma+spin":
            assert took >= us(LATENCY)
            assert commands.polls - polls > LATENCY
            assert accesses > LATENCY
        else:
            assert took < us(LATENCY // 2)
            assert commands.polls == polls
            assert accesses < 30
        assert await host.bulk_in(1, 512) == b"x" * 64

    scenario(mode, main)


def test_a_lost_interrupt_ends_the_request() -> None:
    """S000-08: -ETIMEDOUT; the hardware has let go of the buffer, and the next one works."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        async def lose() -> None:
            await sleep(us(LATENCY // 2))
            await host.controller.bus.write32(EPXMSK.at(3), 0)

        host.kernel.spawn(lose(), name="somebody clears the mask")
        usb_ep_queue(ep_in, log.make(ep_in, 64, b"1" * 64))
        await sleep(ms(6))
        assert log.statuses() == [-errno.ETIMEDOUT]
        assert not await host.device.bus.read32(DIEPCTL.at(1)) & ENABLE
        usb_ep_queue(ep_in, log.make(ep_in, 64, b"2" * 64))
        assert await host.bulk_in(1, 512) == b"2" * 64

    scenario("dma+commands", main)


@pytest.mark.parametrize("mode", ["dma+commands", "dma+spin"])
def test_a_transfer_that_the_hardware_refuses(mode: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        # somebody has started it already
        await host.device.bus.write32(DIEPCTL.at(1), host.udc.eps_in[1].ctl | ENABLE)
        usb_ep_queue(ep_in, log.make(ep_in, 64, b"1" * 64))
        await sleep(us(3 * LATENCY))
        assert log.statuses() == [-errno.EBUSY]
        usb_ep_queue(ep_in, log.make(ep_in, 64, b"2" * 64))
        assert await host.bulk_in(1, 512) == b"2" * 64

    scenario(mode, main)


@pytest.mark.parametrize("when", [0, LATENCY // 2, LATENCY, 3 * LATENCY // 2])
@pytest.mark.parametrize("mode", ["dma+commands", "desc+commands", "slave+commands", "dma+spin"])
def test_everything_stops_in_the_middle_of_a_command(mode: str, when: int) -> None:
    """Dequeue, disable, bus reset and disconnect before, in and behind a START."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for stop in ("dequeue", "disable", "both"):
            for ep in (ep_in, ep_out):
                log.done.clear()
                request = log.make(ep, 512)
                usb_ep_queue(ep, request)
                await sleep(us(when))
                if stop != "disable":
                    usb_ep_dequeue(ep, request)
                if stop != "dequeue":
                    await usb_ep_disable(ep)
                    await usb_ep_enable(ep)
                await sleep(us(4 * LATENCY))
                assert [status for _, status, _ in log.done] in (
                    [-errno.ECONNRESET], [-errno.ESHUTDOWN]
                )  # fmt: skip
                request.data()
        host.toggles.clear()
        # A halt waits its turn behind the start of a transfer.
        log.done.clear()
        usb_ep_queue(ep_out, log.make(ep_out, 512))
        await sleep(us(when))
        await usb_ep_set_halt(ep_out)
        for _ in range(2):
            log.done.clear()
            usb_ep_queue(ep_in, log.make(ep_in, 512))
            await sleep(us(when))
            await host.attach()
            await sleep(us(4 * LATENCY))
            assert -errno.ESHUTDOWN in log.statuses()
            for number in (1, 2):
                assert not await host.device.bus.read32(DIEPCTL.at(number)) & ENABLE
            await host.enumerate()
        # unplugged from inside
        udc = host.udc
        log.done.clear()
        usb_ep_queue(ep_in, log.make(ep_in, 512))
        await sleep(us(when))
        await udc.pullup(udc.gadget, False)
        assert log.statuses() == [-errno.ESHUTDOWN]
        await sleep(us(4 * LATENCY))
        assert not await host.device.bus.read32(DIEPCTL.at(1)) & ENABLE

    scenario(mode, main)


@pytest.mark.parametrize("mode", ["dma+commands", "slave+commands", "desc+commands"])
def test_a_transfer_completes_while_it_is_ended(mode: str) -> None:
    """What the host has taken is complete; the next request follows."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        requests = [log.make(ep_in, 100, bytes([n]) * 100) for n in range(3)]
        for request in requests:
            usb_ep_queue(ep_in, request)
        await sleep(us(2 * LATENCY))
        usb_ep_dequeue(ep_in, requests[0])
        await sleep(us(LATENCY // 2))
        assert await host.bulk_in(1, 512) == bytes(100)
        for number in (1, 2):
            assert await host.bulk_in(1, 512) == bytes([number]) * 100
        await sleep(us(50))
        assert log.done == [(request, 0, 100) for request in requests]

    scenario(mode, main)


def test_an_enabled_endpoint_survives_the_end_of_all_transfers() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        usb_ep_queue(ep_in, log.make(ep_in, 100))
        await host.udc.abort_all(-errno.ESHUTDOWN)
        assert log.statuses() == [-errno.ESHUTDOWN]
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"a" * 100))
        assert await host.bulk_in(1, 512) == b"a" * 100

    scenario("dma+commands", main)


@pytest.mark.parametrize(("mode", "commands"), [("dma", 0), ("dma-shared", 1)])
def test_what_hardware_cannot_is_done_by_registers(
    mode: str, commands: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, _, log = await ready(host)
        orders = Orders(host)
        usb_ep_queue(ep_in, log.make(ep_in, 5, b"hello"))
        assert await host.bulk_in(1, 512) == b"hello"
        assert not orders.sent

    fifo = int("shared" not in mode)
    plain = default_node(MiniHost(dedicated_fifo=fifo, commands=commands).parameters)
    node = plain.replace("dr_mode", "plugfest,transfers-by-command; dr_mode")
    with caplog.at_level(logging.WARNING):
        run(MiniHost(mode, node=node, commands=commands), whole)
    assert "transfers-by-command" in caplog.text
