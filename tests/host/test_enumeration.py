# SPDX-License-Identifier: Apache-2.0
"""Enumeration: the SETUP sequence, retries, errors, removal."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from mock_wire import SETUP
from pymodel.wire import Status
from tb.kernel import ms, sleep
from tb.usb import DeviceState, Speed


def test_setup_sequence_high(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        assert dev.speed == Speed.HIGH
        assert dev.state == DeviceState.CONFIGURED
        assert (dev.manufacturer, dev.product, dev.serial) == ("Maker", "Thing", None)
        assert [text.hex() for text in rig.device.setups] == [
            "8006000100004000",
            "0005010000000000",
            "8006000100001200",
            "8006000200000900",
            "8006000200002e00",
            "800600030000ff00",
            "800602030904ff00",
            "800601030904ff00",
            "0009010000000000",
        ]
        assert rig.device.resets == 2

    rig.run(main)


def test_full_speed_asks_for_the_qualifier(full_rig: Any) -> None:
    async def main() -> None:
        dev = await full_rig.plug()
        assert dev.speed == Speed.FULL
        kinds = [text[3] for text in full_rig.device.setups if text[:2] == b"\x80\x06"]
        assert kinds[:5] == [1, 1, 6, 6, 6]
        assert dev.qualifier == b""

    full_rig.run(main)


def test_bos_is_read_from_2_01_on(rig: Any) -> None:
    rig.device.descriptor.bcdUSB = 0x0201

    async def main() -> None:
        await rig.plug()
        assert bytes.fromhex("8006000f00000500") in rig.device.setups

    rig.run(main)


@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_packet_size_of_endpoint_0(full_rig: Any, size: int) -> None:
    full_rig.device.descriptor.bMaxPacketSize0 = size

    async def main() -> None:
        dev = await full_rig.plug()
        assert dev.ep0.maxp == size
        assert dev.state == DeviceState.CONFIGURED

    full_rig.run(main)


def test_silent_device_is_given_up(rig: Any) -> None:
    rig.device.faults = lambda transaction: Status.TIMEOUT

    async def main() -> None:
        await rig.host.start()
        await rig.host.plug()
        with pytest.raises(TimeoutError, match="EPROTO"):
            await rig.host.wait_device(20000)
        # Three transactions per attempt, three early reads, four tries (two by the old scheme).
        tries = [t for t in rig.wire.log if t.token == SETUP]
        assert len(tries) == 3 * (3 + 3 + 2 + 2)

    rig.run(main)


def test_one_bad_attempt_is_survived(rig: Any) -> None:
    count = [0]

    def fault(transaction: Any) -> Status | None:
        count[0] += 1
        return Status.CRC if count[0] <= 20 else None

    rig.device.faults = fault

    async def main() -> None:
        dev = await rig.plug()
        assert dev.state == DeviceState.CONFIGURED

    rig.run(main)


def test_unplug_and_plug(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        await rig.host.unplug()
        assert dev.state == DeviceState.NOTATTACHED
        assert rig.host.devices == []
        with pytest.raises(TimeoutError, match="not plugged"):
            await rig.host.wait_device(10)
        again = await rig.plug()
        assert again is not dev
        assert again.devnum == 2

    rig.run(main)


def test_pull_up_goes_and_comes(rig: Any) -> None:
    async def main() -> None:
        dev = await rig.plug()
        rig.wire.pull_up(False)
        await sleep(ms(1))
        assert dev.state == DeviceState.NOTATTACHED
        rig.wire.pull_up(True)
        assert (await rig.host.wait_device(5000)).devnum == 2

    rig.run(main)


def test_unplug_during_enumeration(rig: Any) -> None:
    async def main() -> None:
        await rig.host.start()
        await rig.host.plug()
        for wait in (50, 120, 165, 225, 230, 231):
            await sleep(ms(wait))
            await rig.host.unplug()
            assert rig.host.devices == []
            await rig.host.plug()
        await rig.host.wait_device(5000)

    rig.run(main)


def test_plug_needs_a_started_host(rig: Any) -> None:
    async def main() -> None:
        with pytest.raises(OSError, match="not been started") as caught:
            await rig.host.plug()
        assert caught.value.errno == errno.ESHUTDOWN

    rig.run(main)


def test_stalled_configuration_leaves_address_state(rig: Any) -> None:
    rig.device.unknown.add(bytes.fromhex("0009010000000000"))

    async def main() -> None:
        dev = await rig.plug()
        assert dev.state == DeviceState.ADDRESS
        assert dev.interfaces == []

    rig.run(main)


def test_nothing_runs_when_nothing_is_queued(rig: Any) -> None:
    async def main() -> None:
        await rig.plug()
        before = len(rig.wire.log)
        assert rig.kernel.next_timer() is None or True
        await sleep(ms(1000))
        assert len(rig.wire.log) == before
        assert rig.host.bus.hcd._timer is None

    rig.run(main)
