# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands that take their time: spinning and sleeping (S000-06 to S000-08)."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from pymodel.gen.udc_regs import DAINTMSK, DIEPCTL, EPCMD, EPXMSK, XCFG
from tb.gadget import UsbEp, default_node, usb_ep_clear_halt, usb_ep_queue, usb_ep_set_halt
from tb.gadget.udc.dwc2_cmd import Command
from tb.kernel import ms, now, sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_endpoints import Log, ready

SPIN = "plugfest,spin-ep-commands;"


def scenario(main: Any, *, spin: bool = False, **parameters: int) -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        task = host.kernel.spawn(main(host, ep_in, ep_out, log), name="test", cpu=host.device.cpu)
        await task

    plain = default_node(MiniHost(commands=1).parameters)
    node = plain.replace("dr_mode", SPIN + " dr_mode") if spin else plain
    run(MiniHost(node=node, commands=1, **parameters), whole)


class Accesses:
    """Counts what the driver reads and writes."""

    def __init__(self, host: MiniHost) -> None:
        self.count = 0
        bus = host.device.bus
        honest = bus._access

        async def access(one: Any) -> Any:
            self.count += 1
            return await honest(one)

        bus._access = access  # type: ignore[method-assign]


@pytest.mark.parametrize("spin", [True, False])
@pytest.mark.parametrize("latency", [0, 100, 1000])
def test_halt_takes_as_long_as_the_hardware(spin: bool, latency: int) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        accesses = Accesses(host)
        begin = now()
        await usb_ep_set_halt(ep_in)
        assert us(latency) <= now() - begin < us(latency + 10)
        if spin:
            # A read every 100 ns or so for all the time: that is what was wrong with it.
            assert accesses.count > latency * 4
        else:
            assert accesses.count < 20
        assert await host.device.bus.read32(DIEPCTL.at(1)) & DIEPCTL.Stall.mask
        with pytest.raises(OSError):
            await host.bulk_in(1, 512)
        await usb_ep_clear_halt(ep_in)
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"x" * 100))
        assert await host.bulk_in(1, 512) == b"x" * 100

    scenario(main, spin=spin, cmd_latency=latency)


@pytest.mark.parametrize("spin", [True, False])
def test_other_endpoints_go_on_while_a_command_sleeps(spin: bool) -> None:
    """Sleeping: the other endpoint's transfers complete meanwhile; spinning: none does."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        for _ in range(4):
            usb_ep_queue(ep_out, log.make(ep_out, 64))
        await sleep(us(20))

        async def traffic() -> None:
            for _ in range(4):
                await host.bulk_out(1, bytes(64))
                await sleep(us(50))

        sending = host.kernel.spawn(traffic(), name="host sends")
        await usb_ep_set_halt(ep_in)
        during = len(log.done)
        await sending
        await sleep(us(50))
        assert during == (0 if spin else 4)
        assert len(log.done) == 4

    scenario(main, spin=spin)


def test_commands_of_two_endpoints_wait_together() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        begin = now()
        other = host.kernel.spawn(usb_ep_set_halt(ep_out), name="other", cpu=host.device.cpu)
        await usb_ep_set_halt(ep_in)
        await other
        assert now() - begin < us(1020)
        # Two for the same endpoint come one after the other.
        other = host.kernel.spawn(usb_ep_clear_halt(ep_in), name="other", cpu=host.device.cpu)
        await usb_ep_set_halt(ep_in)
        await other
        assert now() - begin > us(3000)

    scenario(main)


@pytest.mark.parametrize("spin", [True, False])
def test_a_command_that_does_not_end_in_time(spin: bool) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        commands = host.udc.commands
        commands.timeout = us(500)
        begin = now()
        with pytest.raises(OSError, match="ep1in SET_STALL") as caught:
            await usb_ep_set_halt(ep_in)
        assert caught.value.errno == errno.ETIMEDOUT
        assert us(500) <= now() - begin < us(520)
        with pytest.raises(OSError, match="has not ended") as caught:
            await usb_ep_set_halt(ep_in)
        assert caught.value.errno == errno.EBUSY
        # It ends late; nobody waits, nothing interrupts, and the next one works.
        await sleep(ms(1))
        before = host.device.irq_chip.count(2)
        await sleep(us(100))
        assert host.device.irq_chip.count(2) == before
        commands.timeout = ms(5)
        await usb_ep_clear_halt(ep_in)

    scenario(main, spin=spin)


def test_a_lost_interrupt_is_a_timeout() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        async def lose() -> None:
            await sleep(us(500))
            await host.controller.bus.write32(EPXMSK.at(3), 0)

        host.kernel.spawn(lose(), name="somebody clears the mask")
        begin = now()
        with pytest.raises(OSError, match="no interrupt says") as caught:
            await usb_ep_set_halt(ep_in)
        assert caught.value.errno == errno.ETIMEDOUT
        assert now() - begin >= ms(5)

    scenario(main)


@pytest.mark.parametrize("spin", [True, False])
def test_what_the_hardware_says(spin: bool) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        send = host.udc.commands.send_ep_cmd
        for number in (9, 5):
            with pytest.raises(OSError, match="not enabled") as caught:
                await send(number, True, Command.SET_STALL)
            assert caught.value.errno == errno.EINVAL
        host.udc.eps_in[5].open = True
        host.udc.daint_mask |= 1 << 5
        await host.device.bus.write32(DAINTMSK.OFFSET, host.udc.daint_mask)
        with pytest.raises(OSError, match="hardware has no such endpoint") as caught:
            await send(5, True, Command.SET_STALL)
        assert caught.value.errno == errno.EINVAL
        host.udc.eps_in[5].open = False
        with pytest.raises(OSError, match="does not know") as caught:
            await send(1, True, 9)
        assert caught.value.errno == errno.EOPNOTSUPP
        usb_ep_queue(ep_out, log.make(ep_out, 64))
        await sleep(us(20))
        with pytest.raises(OSError, match="busy") as caught:
            await send(1, False, Command.START_TRANSFER, 0x1000_0000, 1 << 19 | 512)
        assert caught.value.errno == errno.EBUSY
        assert await host.device.bus.read32(XCFG.OFFSET) & XCFG.CmdEn.mask
        assert not await host.device.bus.read32(EPCMD.at(3)) & EPCMD.CMDACT.mask

    scenario(main, spin=spin, cmd_latency=10)


@pytest.mark.parametrize("spin", [True, False])
def test_host_halts_by_command(spin: bool) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log) -> None:
        begin = now()
        await host.control(0x02, 3, 0, 0x81)
        assert now() - begin > us(1000)
        with pytest.raises(OSError):
            await host.bulk_in(1, 512)
        assert await host.control(0x82, 0, 0, 0x81, 2) == b"\x01\x00"
        await host.control(0x02, 1, 0, 0x81)
        host.toggles.clear()
        usb_ep_queue(ep_in, log.make(ep_in, 5, b"hello"))
        assert await host.bulk_in(1, 512) == b"hello"

    scenario(main, spin=spin)
