# SPDX-License-Identifier: Apache-2.0
"""L1 of the root port: when it is entered, with what, and who ends it."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mock_wire import IN, MockDevice
from pymodel.packets import BESL_PS
from pymodel.wire import Status
from tb.host import (
    L1Status,
    UsbDevice,
    usb_alloc_urb,
    usb_bulk_msg,
    usb_disable_lpm,
    usb_disable_usb2_hardware_lpm,
    usb_enable_lpm,
    usb_enable_usb2_hardware_lpm,
    usb_fill_bulk_urb,
    usb_fill_int_urb,
    usb_kill_urb,
    usb_rcvbulkpipe,
    usb_rcvintpipe,
    usb_reset_configuration,
    usb_reset_device,
    usb_set_configuration,
    usb_set_interface,
    usb_sndbulkpipe,
    usb_submit_urb,
)
from tb.host.lpm import usb2_extension
from tb.kernel import ms, now, sleep, us

LPM, BESL = 0x02, 0x06
IDLE = us(512)


def with_lpm(rig: Any, extension: int = BESL, *, wakeup: bool = True) -> Any:
    device: MockDevice = rig.device
    device.descriptor.bcdUSB = 0x0201
    device.extension = extension
    if wakeup:
        device.config = device.config[:7] + b"\xa0" + device.config[8:]
    return rig


def play(rig: Any, test: Callable[[UsbDevice], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await test(await rig.plug())

    rig.run(main)


def port(dev: UsbDevice) -> Any:
    return dev.bus.hcd.lpm


async def asleep(dev: UsbDevice) -> None:
    for _ in range(100):
        if port(dev).state == "L1":
            return
        await sleep(us(100))
    raise AssertionError(f"the link is in {port(dev).state}")


# -- what is known of the device --------------------------------------------------------------


@pytest.mark.parametrize(
    ("bos", "attributes"),
    [
        (b"", 0),
        (bytes.fromhex("050f0c0001 07100206000000"), 6),
        (bytes.fromhex("050f0c0001 0710021e930000"), 0x931E),
        # another capability in front; a truncated one; one of length 0
        (bytes.fromhex("050f160002 0a10030000000000 0000 07100206000000"), 6),
        (bytes.fromhex("050f0c0001 071002060000"), 0),
        (bytes.fromhex("050f0c0001 00100206000000"), 0),
    ],
)
def test_extension_descriptor(bos: bytes, attributes: int) -> None:
    assert usb2_extension(bos) == attributes


@pytest.mark.parametrize(
    ("extension", "bcd", "capable", "enabled"),
    [(None, 0x201, False, False), (0, 0x201, False, False), (LPM, 0x201, True, False),
     (BESL, 0x201, True, True), (BESL, 0x200, False, False)],
)  # fmt: skip
def test_policy(rig: Any, extension: int, bcd: int, capable: bool, enabled: bool) -> None:
    with_lpm(rig, extension)
    rig.device.descriptor.bcdUSB = bcd

    async def main(dev: UsbDevice) -> None:
        assert dev.lpm_capable == dev.usb2_hw_lpm_capable == capable
        assert dev.usb2_hw_lpm_allowed == dev.usb2_hw_lpm_enabled == enabled
        assert (dev.l1_params.besl, dev.l1_params.timeout) == (4, 512)
        await sleep(ms(3))
        assert port(dev).naps == len(rig.device.tokens) == enabled
        if not enabled:
            with pytest.raises(OSError) as caught:
                usb_enable_usb2_hardware_lpm(dev)
            assert caught.value.errno == errno.EPERM

    play(rig, main)


def test_a_port_without_hardware_lpm(rig: Any) -> None:
    rig.host.bus.hcd.hw_lpm_support = False

    async def main(dev: UsbDevice) -> None:
        await sleep(ms(3))
        assert dev.lpm_capable
        assert not rig.device.tokens

    play(with_lpm(rig), main)


@pytest.mark.parametrize(
    ("extension", "plain", "deep"),
    [(BESL, 4, 4), (0x0306 | 8, 3, 3), (0xB006 | 16, 4, 11), (0xB306 | 24, 3, 11)],
)
def test_besl(rig: Any, extension: int, plain: int, deep: int) -> None:
    rig.host.bus.hcd.hw_lpm_support = False

    async def main(dev: UsbDevice) -> None:
        for besl, wanted in ((plain, False), (deep, True)):
            status = await port(dev).suspend(dev, deep=wanted, remote_wake=wanted)
            assert status is L1Status.SUCCESS
            assert rig.device.tokens.pop() == 1 | besl << 4 | wanted << 8
            begin = now()
            await port(dev).resume()
            # not before the device has been in L1 for 50 us
            assert rig.wire.resumes.pop() == (begin + us(60), BESL_PS[besl])
            assert port(dev).state == "L0"

    play(with_lpm(rig, extension), main)


@pytest.mark.parametrize(("besl", "hird"), [(0, 1), (4, 5), (8, 15), (15, 15)])
def test_hird(rig: Any, besl: int, hird: int) -> None:
    """A device that knows no BESL is told how long resume lasts in steps of 75 us."""

    async def main(dev: UsbDevice) -> None:
        dev.l1_params.besl = besl
        await port(dev).suspend(dev)
        assert rig.device.tokens == [1 | hird << 4 | 1 << 8]
        await port(dev).resume()
        assert rig.wire.resumes[0][1] == us(50 + 75 * hird)

    play(with_lpm(rig, LPM), main)


# -- by itself ----------------------------------------------------------------------------------


def test_idle_link_sleeps_and_a_urb_wakes_it(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)
        for _ in range(3):
            assert await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), bytes(600), 600, 100) == 600
            over = now()
            assert port(dev).state == "L0"
            await sleep(IDLE - us(20))
            assert port(dev).state == "L0"
            await sleep(us(60))
            assert port(dev).state == "L1", now() - over
        assert port(dev).naps == 4
        assert len(rig.wire.resumes) == 3
        for begin, duration in rig.wire.resumes:
            first = next(one for one in rig.wire.log if one.start_ps > begin)
            # the device's time to recover
            assert first.start_ps >= begin + duration + us(10)

    play(with_lpm(rig), main)


def test_timeout_of_the_user(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)
        dev.l1_params.timeout = 3000
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
        await sleep(us(2900))
        assert port(dev).state == "L0"
        await sleep(us(200))
        assert port(dev).state == "L1"

    play(with_lpm(rig), main)


@pytest.mark.parametrize("wakeup", [True, False])
def test_a_read_that_waits(rig: Any, wakeup: bool) -> None:
    """It keeps the link awake if the device could not tell that it has data."""

    async def main(dev: UsbDevice) -> None:
        done: list[int] = []
        data = bytearray(512)
        urb = usb_alloc_urb(0)
        usb_fill_bulk_urb(
            urb, dev, usb_rcvbulkpipe(dev, 1), data, 512, lambda one: done.append(one.status)
        )
        usb_submit_urb(urb)
        await sleep(ms(5))
        assert not done
        assert port(dev).naps == wakeup
        if not wakeup:
            await usb_kill_urb(urb)
            return
        asked = len(rig.wire.log)
        await sleep(ms(2))
        assert len(rig.wire.log) == asked
        rig.device.queue[0x81] = deque([b"data"])
        rig.wire.remote_wakeup()
        await sleep(us(1))
        # the host has to take over at once
        assert port(dev).state == "resuming"
        await sleep(ms(1))
        assert done == [0]
        assert data[:4] == b"data"

    play(with_lpm(rig, wakeup=wakeup), main)


def test_an_interrupt_endpoint_that_has_not_been_asked(rig: Any) -> None:
    """What it would answer is not known: the link stays awake until it has said NAK."""

    async def main(dev: UsbDevice) -> None:
        dev.l1_params.timeout = 60
        await asleep(dev)
        urb = usb_alloc_urb(0)
        pipe = usb_rcvintpipe(dev, 3)
        usb_fill_int_urb(urb, dev, pipe, bytearray(16), 16, lambda one: None, None, 10)
        begin = now()
        usb_submit_urb(urb)
        naps = port(dev).naps
        while port(dev).naps == naps:
            await sleep(us(10))
        asked = [one.token for one in rig.wire.log if one.start_ps > begin]
        assert asked == [IN, 0]
        assert now() - begin > us(1000)
        # nothing is polled in L1
        await sleep(ms(200))
        assert [one.token for one in rig.wire.log if one.start_ps > begin] == [IN, 0]
        await usb_kill_urb(urb)

    play(with_lpm(rig), main)


def test_data_in_the_last_moment(rig: Any) -> None:
    """A read that succeeds while the schedule comes to rest calls the token off."""
    given: list[int] = []

    async def main(dev: UsbDevice) -> None:
        done: list[int] = []

        def data(transaction: Any) -> None:
            assert transaction.token or len(given) == len(done), "a token after the data"
            if transaction.token == IN and port(dev).state == "entering":
                rig.device.queue[0x81] = deque([b"x"])
                given.append(now())

        rig.device.faults = data
        for timeout in range(512, 642):
            dev.l1_params.timeout = timeout
            urb = usb_alloc_urb(0)
            usb_fill_bulk_urb(
                urb, dev, usb_rcvbulkpipe(dev, 1), bytearray(512), 512, lambda one: done.append(0)
            )
            before = len(given)
            usb_submit_urb(urb)
            await sleep(us(timeout + 300))
            if len(given) == before:
                await usb_kill_urb(urb)
                done.clear()
                given.clear()
            else:
                assert port(dev).state == "L0"
                return
        raise AssertionError("the moment was not met")

    play(with_lpm(rig), main)


def test_a_write_that_waits_keeps_the_link_awake(rig: Any) -> None:
    rig.device.room[2] = 0

    async def main(dev: UsbDevice) -> None:
        urb = usb_alloc_urb(0)
        usb_fill_bulk_urb(urb, dev, usb_sndbulkpipe(dev, 2), b"x", 1, lambda one: None)
        usb_submit_urb(urb)
        await sleep(ms(5))
        assert not rig.device.tokens
        with pytest.raises(OSError) as caught:
            await port(dev).suspend(dev)
        assert caught.value.errno == errno.EBUSY
        await usb_kill_urb(urb)
        await asleep(dev)

    play(with_lpm(rig), main)


def test_a_urb_in_the_very_moment_of_the_token(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        for delay in range(0, 40):
            await asleep(dev)
            await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
            await sleep(IDLE - us(10) + us(delay / 2))
            await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"y", 1, 100)
        assert rig.device.sent[2] == b"xy" * 40

    play(with_lpm(rig), main)


def test_nyet_is_asked_again_later_and_later(rig: Any) -> None:
    rig.device.lpm = ["NYET"]

    async def main(dev: UsbDevice) -> None:
        await sleep(us(520))
        seen = []
        for wait in (1, 2, 4, 8, 16, 16):
            seen.append(len(rig.device.tokens))
            await sleep(IDLE * wait * 2 if wait < 16 else IDLE * 16)
        assert seen == sorted(set(seen))
        total = len(rig.device.tokens)
        # the longest pause
        await sleep(IDLE * 15)
        assert len(rig.device.tokens) - total <= 1
        assert port(dev).status is L1Status.NYET
        # a transfer makes it hope again
        rig.device.lpm = ["ACK"]
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
        await sleep(us(600))
        assert port(dev).state == "L1"

    play(with_lpm(rig), main)


def test_stall_is_final(rig: Any) -> None:
    rig.device.lpm = ["STALL", "ACK"]

    async def main(dev: UsbDevice) -> None:
        await sleep(ms(10))
        assert len(rig.device.tokens) == 1
        assert port(dev).status is L1Status.NOT_SUPPORTED
        assert not dev.usb2_hw_lpm_enabled
        usb_enable_usb2_hardware_lpm(dev)
        await asleep(dev)

    play(with_lpm(rig), main)


@pytest.mark.parametrize(("answers", "naps"), [(["", "", "ACK"], 1), (["", "", "", "NYET"], 0)])
def test_silence(rig: Any, answers: list[str], naps: int) -> None:
    """The token is repeated twice at once."""
    rig.device.lpm = list(answers)

    async def main(dev: UsbDevice) -> None:
        await sleep(us(900))
        assert len(rig.device.tokens) == 3
        assert port(dev).naps == naps
        assert port(dev).status is (L1Status.SUCCESS if naps else L1Status.TIMEOUT)
        # traffic goes on
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
        assert len(rig.wire.resumes) == naps

    play(with_lpm(rig), main)


def test_silence_of_a_device_that_sleeps(rig: Any) -> None:
    """It acknowledged, but the host did not hear: its pull-up tells, and it is woken."""
    rig.device.lpm = ["", "", "", "NYET"]

    async def main(dev: UsbDevice) -> None:
        rig.wire.line_state = "J"
        await sleep(us(1200))
        assert [duration for _, duration in rig.wire.resumes] == [BESL_PS[4]]
        assert port(dev).state == "L0"

    play(with_lpm(rig), main)


# -- off ----------------------------------------------------------------------------------------


def test_count(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)
        await usb_disable_lpm(dev)
        assert port(dev).state == "L0"
        await usb_disable_lpm(dev)
        usb_enable_lpm(dev)
        await sleep(ms(5))
        assert port(dev).state == "L0"
        usb_enable_lpm(dev)
        await asleep(dev)
        # one too many does no harm
        usb_enable_lpm(dev)
        assert dev.lpm_disable_count == 0
        await usb_disable_usb2_hardware_lpm(dev)
        assert port(dev).state == "L0"
        await usb_disable_lpm(dev)
        usb_enable_lpm(dev)
        await sleep(ms(5))
        assert port(dev).state == "L0"

    play(with_lpm(rig), main)


def test_requests_that_change_endpoints_switch_lpm_off(rig: Any) -> None:
    counts: list[int] = []
    request = rig.device.request

    async def main(dev: UsbDevice) -> None:
        def spy(setup: Any) -> Any:
            if setup.bRequest in (9, 11):
                counts.append(dev.lpm_disable_count)
            return request(setup)

        rig.device.request = spy
        for call in (
            usb_set_interface(dev, 0, 0),
            usb_reset_configuration(dev),
            usb_set_configuration(dev, 1),
        ):
            await asleep(dev)
            await call
            assert dev.lpm_disable_count == 0
        assert counts == [1, 1, 1]
        rig.device.request = lambda setup: None
        with pytest.raises(OSError):
            await usb_set_configuration(dev, 1)
        assert dev.lpm_disable_count == 0

    play(with_lpm(rig), main)


def test_set_interface_when_the_link_cannot_be_woken(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)

        async def lost(duration: int) -> None:
            await sleep(duration)
            rig.wire.connected = False

        rig.wire.resume = lost
        with pytest.raises(OSError) as caught:
            await usb_set_interface(dev, 0, 0)
        assert caught.value.errno == errno.ENOMEM
        assert dev.lpm_disable_count == 0

    play(with_lpm(rig), main)


# -- reset and removal --------------------------------------------------------------------------


def test_reset_in_l1(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)
        await usb_reset_device(dev)
        assert not rig.wire.resumes
        await usb_bulk_msg(dev, usb_sndbulkpipe(dev, 2), b"x", 1, 100)
        await asleep(dev)

    play(with_lpm(rig), main)


def test_unplug_in_l1(rig: Any) -> None:
    async def main(dev: UsbDevice) -> None:
        await asleep(dev)
        await rig.host.unplug()
        assert port(dev).state == "L0"
        assert port(dev).dev is None
        with pytest.raises(OSError):
            await port(dev).suspend(dev)
        rig.device.faults = None
        fresh = await rig.plug()
        await asleep(fresh)
        await usb_bulk_msg(fresh, usb_sndbulkpipe(fresh, 2), b"x", 1, 100)

    play(with_lpm(rig), main)


def test_gone_during_the_token(rig: Any) -> None:
    rig.device.lpm = ["", "ACK"]

    async def main(dev: UsbDevice) -> None:
        def pull(transaction: Any) -> Status | None:
            if transaction.token == 0:
                rig.wire.pull_up(False)
            return None

        rig.device.faults = pull
        await sleep(ms(5))
        assert port(dev).state == "L0"
        assert port(dev).dev is None
        assert not rig.host.devices

    play(with_lpm(rig), main)
