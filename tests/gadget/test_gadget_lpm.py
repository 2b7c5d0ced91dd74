# SPDX-License-Identifier: Apache-2.0
"""The dwc2 driver in L1: what it programs, how it wakes, what goes on afterwards."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from pymodel.gen.udc_regs import DCTL, GINTMSK, GINTSTS, GLPMCFG, PCGCCTL
from pymodel.packets import PID
from pymodel.wire import Transaction
from tb.gadget import UsbEp, default_node, usb_ep_queue, usb_gadget_wakeup
from tb.gadget.udc.dwc2_lpm import LpmParams, LxState
from tb.kernel import now, sleep, us
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_configfs import SCRIPT
from tests.gadget.test_gadget_endpoints import Log, ready
from tests.gadget.test_gadget_iso_desc import SIZE, iso

OFF = "snps,usb2-gadget-lpm-disable;"
LINUX = 0x10601483
"""What Linux's driver writes to GLPMCFG (dwc2-registers.md 17)."""
SLEEP = GLPMCFG.EnblSlpM.mask | GLPMCFG.HIRD_Thres.mask


def node(*properties: str, mode: str = "dma") -> str:
    plain = default_node(MiniHost(mode, lpm=1).parameters)
    return plain.replace("dr_mode", " ".join([*properties, "dr_mode"]))


async def token(host: MiniHost, besl: int = 4, remote_wake: bool = False) -> str | None:
    value = 1 | besl << 4 | remote_wake << 8
    one = await host.wire.execute(
        Transaction(PID.EXT, host.address, 0, pid=PID.LPM, data=value.to_bytes(2, "little"))
    )
    return one.handshake


async def fall_asleep(host: MiniHost, **more: Any) -> None:
    assert await token(host, **more) == "ACK"
    await sleep(us(25))
    assert host.udc.lpm.lx_state == LxState.L1
    assert await glpmcfg(host) & GLPMCFG.SlpSts.mask


async def glpmcfg(host: MiniHost) -> int:
    return await host.device.bus.read32(GLPMCFG.OFFSET)


class Calls:
    """Notes suspend and resume callbacks of the gadget driver."""

    def __init__(self, host: MiniHost) -> None:
        self.names: list[str] = []
        driver = host.udc.driver

        def note(name: str, honest: Any) -> Any:
            async def call(gadget: Any) -> None:
                self.names.append(name)
                await honest(gadget)

            return call

        for name in ("suspend", "resume", "reset", "disconnect"):
            setattr(driver, name, note(name, getattr(driver, name)))


def scenario(main: Any, *properties: str, mode: str = "dma", speed: str = "high") -> None:
    async def whole(host: MiniHost) -> None:
        ep_in, ep_out, log = await ready(host)
        calls = Calls(host)
        task = host.kernel.spawn(
            main(host, ep_in, ep_out, log, calls), name="test", cpu=host.device.cpu
        )
        await task

    run(MiniHost(mode, speed, node=node(*properties, mode=mode), lpm=1), whole)


# -- what is programmed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        ((), LINUX),
        (("snps,dis_enblslpm_quirk;",), LINUX & ~GLPMCFG.EnblSlpM.mask),
        (("snps,hird-threshold = <12>;",), LINUX & ~0xF00 | 12 << 8),
        (("snps,hird-threshold = <13>;",), LINUX),
        ((OFF,), 0),
    ],
)
def test_registers(properties: tuple[str, ...], value: int) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)
        assert await glpmcfg(host) == value, hex(await glpmcfg(host))
        mask = await host.device.bus.read32(GINTMSK.OFFSET)
        assert bool(mask & GINTMSK.LPMTranRcvd.mask) == bool(value)
        assert host.udc.gadget.lpm_capable == bool(value)

    run(MiniHost(node=node(*properties), lpm=1), main)


def test_hardware_without_lpm() -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)
        assert host.udc.lpm.params == LpmParams()
        assert not host.udc.gadget.lpm_capable

    run(MiniHost(), main)


@pytest.mark.parametrize(
    ("properties", "attributes"),
    [
        ((), 0x0006),
        (("plugfest,besl-baseline = <3>;",), 0x030E),
        (("plugfest,besl-baseline = <0>;", "plugfest,besl-deep = <9>;"), 0x901E),
        (("plugfest,besl-deep = <16>;",), 0x0006),
        ((OFF,), None),
    ],
)
def test_extension_descriptor(properties: tuple[str, ...], attributes: int | None) -> None:
    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)
        await host.attach()
        await host.enumerate()
        device = await host.control(0x80, 6, 0x0100, 0, 18)
        if attributes is None:
            assert device[2:4] == b"\x00\x02"
            with pytest.raises(OSError):
                await host.control(0x80, 6, 0x0F00, 0, 255)
            return
        assert device[2:4] == b"\x01\x02"
        bos = await host.control(0x80, 6, 0x0F00, 0, 255)
        assert bos == bytes((5, 15, 12, 0, 1, 7, 16, 2)) + attributes.to_bytes(4, "little")

    run(MiniHost(node=node(*properties), lpm=1), main)


# -- L1 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MiniHost.MODES)
@pytest.mark.parametrize("speed", ["high", "full"])
def test_host_resumes(mode: str, speed: str) -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        state = host.udc.gadget.state
        await fall_asleep(host)
        assert calls.names == ["suspend"]
        assert host.udc.gadget.state == state
        # Queued in L1, fetched after it.
        usb_ep_queue(ep_out, log.make(ep_out, 64))
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"x" * 100))
        await sleep(us(100))
        assert host.udc.lpm.lx_state == LxState.L1
        assert host.wire.line_state == "J"
        await host.wire.resume(us(200))
        assert host.udc.lpm.lx_state == LxState.L0
        assert calls.names == ["suspend", "resume"]
        value = await glpmcfg(host)
        assert value & ~0x7C == LINUX, hex(value)
        assert not await host.device.bus.read32(PCGCCTL.OFFSET)
        packet = 512 if speed == "high" else 64
        assert await host.bulk_in(1, 512, packet) == b"x" * 100
        await host.bulk_out(1, b"y" * 10, packet)
        await sleep(us(50))
        assert len(log.done) == 2

    scenario(main, mode=mode, speed=speed)


def test_order_of_the_registers_on_the_way_out() -> None:
    """The PHY is let out of its sleep and RstrSlpSts written before GLPMCFG is as at first."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        written: list[tuple[int, int]] = []
        bus = host.controller.bus
        honest = bus.write32

        async def write32(offset: int, value: int) -> None:
            if offset in (GLPMCFG.OFFSET, PCGCCTL.OFFSET):
                written.append((offset, value))
            await honest(offset, value)

        bus.write32 = write32  # type: ignore[method-assign]
        await fall_asleep(host, besl=0)
        assert written == [(PCGCCTL.OFFSET, PCGCCTL.EnblSleepGating.mask)]
        written.clear()
        await host.wire.resume(us(125))
        one, two, three, four = written
        assert one[0] == GLPMCFG.OFFSET
        assert not one[1] & SLEEP
        assert two == (PCGCCTL.OFFSET, 0)
        assert three == (GLPMCFG.OFFSET, one[1] | GLPMCFG.RstrSlpSts.mask)
        assert four == (GLPMCFG.OFFSET, LINUX & ~GLPMCFG.EnblSlpM.mask)

    scenario(main, "snps,dis_enblslpm_quirk;")


def test_remote_wake() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host, remote_wake=True)
        begin = now()
        waking = host.kernel.spawn(
            usb_gadget_wakeup(host.udc.gadget), name="wake", cpu=host.device.cpu
        )
        while host.wire.line_state != "K":
            await sleep(us(1))
        # TL1Residency
        assert now() - begin > us(25)
        await host.wire.resume(us(200))
        await waking
        assert host.udc.lpm.lx_state == LxState.L0
        assert calls.names == ["suspend", "resume"]
        assert not await host.device.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask

    scenario(main)


def test_data_wake_the_host_if_it_lets_them() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host, remote_wake=True)
        kinds: list[str] = []
        host.wire.on_line(lambda event: kinds.append(event.kind))
        usb_ep_queue(ep_out, log.make(ep_out, 64))
        await sleep(us(200))
        assert kinds == []
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"x" * 100))
        while host.wire.line_state != "K":
            await sleep(us(1))
        await host.wire.resume(us(200))
        assert await host.bulk_in(1, 512) == b"x" * 100
        assert host.udc.lpm.lx_state == LxState.L0

    scenario(main)


def test_isochronous_data_let_the_host_sleep() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        ep = await iso(host, 0x83)
        await fall_asleep(host, remote_wake=True)
        kinds: list[str] = []
        host.wire.on_line(lambda event: kinds.append(event.kind))
        usb_ep_queue(ep, log.make(ep, SIZE, bytes(SIZE)))
        await sleep(us(300))
        assert kinds == []
        assert host.udc.lpm.lx_state == LxState.L1

    scenario(main)


def test_data_queued_while_the_token_is_on_its_way() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        kinds: list[str] = []
        host.wire.on_line(lambda event: kinds.append(event.kind))
        assert await token(host, remote_wake=True) == "ACK"
        await sleep(us(3))
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"x" * 100))
        await sleep(us(100))
        assert "remote_wakeup" in kinds
        await host.wire.resume(us(200))
        assert calls.names == ["suspend", "resume"]
        assert await host.bulk_in(1, 512) == b"x" * 100

    scenario(main)


def test_the_core_is_asked_before_it_signals() -> None:
    """RmtWkUpSig not before L1ResumeOK."""

    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        bus = host.controller.bus
        honest = bus.write32
        ready: list[int] = []

        async def write32(offset: int, value: int) -> None:
            if offset == DCTL.OFFSET and value & DCTL.RmtWkUpSig.mask:
                ready.append(await bus.read32(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask)
            await honest(offset, value)

        bus.write32 = write32  # type: ignore[method-assign]
        await fall_asleep(host, remote_wake=True)
        with pytest.raises(OSError):
            await usb_gadget_wakeup(host.udc.gadget)
        assert ready == [GLPMCFG.L1ResumeOK.mask]

    scenario(main)


def test_remote_wake_refused() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host, remote_wake=False)
        with pytest.raises(OSError) as caught:
            await usb_gadget_wakeup(host.udc.gadget)
        assert caught.value.errno == errno.EINVAL
        await host.wire.resume(us(200))
        # L0, not suspended either
        with pytest.raises(OSError):
            await usb_gadget_wakeup(host.udc.gadget)

    scenario(main)


def test_nobody_takes_over() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host, remote_wake=True)
        with pytest.raises(OSError) as caught:
            await usb_gadget_wakeup(host.udc.gadget)
        assert caught.value.errno == errno.ETIMEDOUT
        assert host.udc.lpm.lx_state == LxState.L1
        assert (await glpmcfg(host)) & (SLEEP | 0x3) == LINUX & (SLEEP | 0x3)
        await host.wire.resume(us(200))
        assert calls.names == ["suspend", "resume"]

    scenario(main)


def test_refused_tokens_change_nothing() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        usb_ep_queue(ep_in, log.make(ep_in, 100, b"x" * 100))
        await sleep(us(20))
        assert await token(host) == "NYET"
        await sleep(us(30))
        assert host.udc.lpm.lx_state == LxState.L0
        assert calls.names == []
        assert not await host.device.bus.read32(GINTSTS.OFFSET) & GINTSTS.LPMTranRcvd.mask
        assert await host.bulk_in(1, 512) == b"x" * 100
        await fall_asleep(host)

    scenario(main)


def test_reset_in_l1() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host)
        assert await host.wire.reset(us(500)) == "high"
        host.address = 0
        await sleep(us(100))
        assert host.udc.lpm.lx_state == LxState.L0
        assert calls.names == ["suspend", "reset"]
        assert await glpmcfg(host) & ~0x7C == LINUX
        await host.enumerate()

    scenario(main)


def test_a_reset_ends_the_gating_of_the_phy() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host, besl=0)
        power = await host.device.bus.read32(PCGCCTL.OFFSET)
        assert power == PCGCCTL.EnblSleepGating.mask | PCGCCTL.L1Suspended.mask
        await host.wire.reset(us(500))
        await sleep(us(100))
        assert not await host.device.bus.read32(PCGCCTL.OFFSET)

    scenario(main, "snps,dis_enblslpm_quirk;")


def test_the_phy_is_not_gated_where_the_link_stays_awake() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        bus = host.controller.bus
        honest = bus.read32

        async def read32(offset: int) -> int:
            value = await honest(offset)
            return value & ~GLPMCFG.SlpSts.mask if offset == GLPMCFG.OFFSET else value

        bus.read32 = read32  # type: ignore[method-assign]
        assert await token(host, besl=0) == "ACK"
        await sleep(us(30))
        assert host.udc.lpm.lx_state == LxState.L0
        assert not await honest(PCGCCTL.OFFSET) & PCGCCTL.EnblSleepGating.mask

    scenario(main, "snps,dis_enblslpm_quirk;")


def test_disconnect_in_l1() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        await fall_asleep(host)
        host.wire.vbus(False)
        await sleep(us(100))
        assert host.udc.lpm.lx_state == LxState.L0
        assert calls.names == ["suspend", "disconnect"]
        assert await glpmcfg(host) & ~0x7C == LINUX

    scenario(main)


def test_lpm_off_answers_nothing() -> None:
    async def main(host: MiniHost, ep_in: UsbEp, ep_out: UsbEp, log: Log, calls: Calls) -> None:
        assert await token(host) is None
        await sleep(us(30))
        assert calls.names == []
        assert await glpmcfg(host) == 0

    scenario(main, OFF)
