# SPDX-License-Identifier: Apache-2.0
"""cdc_acm against a scripted device: requests, data, notifications, hang-up."""

from __future__ import annotations

import errno
from collections import deque
from typing import Any

import pytest

from conftest import Rig
from mock_wire import MockDevice
from tb.host.drivers.cdc_acm import LineCoding
from tb.kernel import ms, sleep, spawn, timeout
from tb.usb import (
    ConfigDescriptor,
    EndpointDescriptor,
    InterfaceAssociation,
    InterfaceDescriptor,
    RawDescriptor,
)

UNION = RawDescriptor(0x24, b"\x06\x00\x01")
CALL = RawDescriptor(0x24, b"\x01\x00\x01")
HEADER = RawDescriptor(0x24, b"\x00\x10\x01")
ACM = RawDescriptor(0x24, b"\x02\x02")


def acm_config(functional: list[RawDescriptor], *, functions: int = 1) -> bytes:
    body = b""
    for number in range(functions):
        first, ep = 2 * number, 3 * number
        moved = [
            RawDescriptor(one.type, one.body[:1] + bytes((first, first + 1)))
            if one.body[0] == 6
            else one
            for one in functional
        ]
        parts = [
            InterfaceAssociation(first, 2, 2, 2, 1, 0),
            InterfaceDescriptor(first, 0, 1, 2, 2, 1, 0),
            *moved,
            EndpointDescriptor(0x83 + ep, 3, 8, 4),
            InterfaceDescriptor(first + 1, 0, 2, 0x0A, 0, 0, 0),
            EndpointDescriptor(0x81 + ep, 2, 512, 0),
            EndpointDescriptor(0x02 + ep, 2, 512, 0),
        ]
        body += b"".join(bytes(part) for part in parts)
    return bytes(ConfigDescriptor(9 + len(body), 2 * functions, 1, 0, 0x80, 50)) + body


def make(functional: list[RawDescriptor] | None = None, **options: Any) -> Rig:
    if functional is None:
        functional = [HEADER, CALL, ACM, UNION]
    return Rig(MockDevice(config=acm_config(functional, **options)))


@pytest.fixture
def acm() -> Rig:
    return make()


def class_setups(rig: Rig) -> list[str]:
    return [one.hex() for one in rig.device.setups if one[0] == 0x21]


def test_requests_at_probe_open_and_close(acm: Rig) -> None:
    async def main() -> None:
        dev = await acm.plug()
        assert dev.drivers == ["cdc_acm"]
        assert [one.driver.name for one in dev.interfaces if one.driver] == ["cdc_acm"] * 2
        assert class_setups(acm) == ["2120000000000700"]
        assert acm.device.out_data.hex() == "80250000000008"
        tty = await acm.host.open("/dev/ttyACM0")
        assert class_setups(acm)[1:] == ["2122030000000000"]
        second = await acm.host.open("/dev/ttyACM0")
        await second.close()
        assert len(class_setups(acm)) == 2
        await tty.close()
        await tty.close()
        assert class_setups(acm)[2:] == ["2122000000000000"]
        with pytest.raises(OSError, match="closed"):
            await tty.read(1)
        quiet = len(acm.wire.log)
        await sleep(ms(10))
        assert len(acm.wire.log) == quiet

    acm.run(main)


@pytest.mark.parametrize("functional", [[HEADER, ACM, CALL], [HEADER, ACM, UNION], [HEADER], []])
def test_finds_the_data_interface(functional: list[RawDescriptor]) -> None:
    rig = make(functional)

    async def main() -> None:
        await rig.plug()
        assert rig.host.devnodes.listdir() == ["/dev/ttyACM0"]

    rig.run(main)


def test_two_functions_are_two_ports() -> None:
    rig = make(functions=2)

    async def main() -> None:
        await rig.plug()
        assert rig.host.devnodes.listdir() == ["/dev/ttyACM0", "/dev/ttyACM1"]
        tty = await rig.host.open("/dev/ttyACM1")
        await tty.write(b"second")
        assert rig.device.sent == {5: b"second"}
        await tty.close()

    rig.run(main)


def test_data_both_ways(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        data = bytes(range(256)) * 300
        assert await tty.write(data) == len(data)
        assert acm.device.sent[2] == data
        packets = [data[at : at + 512] for at in range(0, 5000, 512)]
        packets[3] = packets[3][:100]
        acm.device.queue[0x81] = deque(packets)
        expected = b"".join(packets)
        got = b""
        while len(got) < len(expected):
            got += await tty.read(700)
        assert got == expected
        assert await tty.read(0) == b""
        await tty.close()

    acm.run(main)


def test_write_waits_for_the_device(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        acm.device.room[2] = 3
        writing = spawn(tty.write(bytes(5000)))
        await sleep(ms(5))
        assert not writing.done()
        acm.device.room.clear()
        assert await writing == 5000
        await tty.close()

    acm.run(main)


def test_reader_holds_the_sender_up(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        acm.device.queue[0x81] = deque(bytes([n & 0xFF]) * 512 for n in range(400))
        await sleep(ms(20))
        left = len(acm.device.queue[0x81])
        assert left > 200, "64 KiB and 16 URBs are all that may be taken"
        got = b""
        while len(got) < 400 * 512:
            got += await tty.read(4096)
        assert got == b"".join(bytes([n & 0xFF]) * 512 for n in range(400))
        await tty.close()

    acm.run(main)


def test_serial_state_in_pieces(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty: Any = await acm.host.open("/dev/ttyACM0")
        acm.device.queue[0x83] = deque([bytes.fromhex("a120000000000200"), b"\x03\x00"])
        await tty.port.state_changed.wait_event(lambda: tty.port.serial_state)
        assert tty.port.serial_state == 3
        acm.device.queue[0x83] = deque([bytes.fromhex("a120000000000200"), b"\x00\x00"])
        await sleep(ms(5))
        assert tty.port.serial_state == 0
        await tty.close()

    acm.run(main)


def test_stall_is_cleared(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        acm.device.stall.add(0x81)
        acm.device.queue[0x81] = deque([b"after the stall"])
        assert await timeout(tty.read(100), ms(50)) == b"after the stall"
        await tty.close()

    acm.run(main)


def test_unplug_hangs_up(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        acm.device.room[2] = 0
        reading, writing = spawn(tty.read(10)), spawn(tty.write(b"x"))
        writing.awaited = True
        await sleep(ms(1))
        await acm.host.unplug()
        assert await timeout(reading, ms(1)) == b""
        with pytest.raises(OSError, match="gone"):
            await timeout(writing, ms(1))
        with pytest.raises(OSError, match="ttyACM0") as caught:
            await acm.host.open("/dev/ttyACM0")
        assert caught.value.errno == errno.ENOENT
        with pytest.raises(OSError, match="gone"):
            await tty.write(b"y")
        # The number stays taken while somebody holds the file.
        acm.device.room.clear()
        await acm.plug()
        assert acm.host.devnodes.listdir() == ["/dev/ttyACM1"]
        await tty.close()
        await acm.host.unplug()
        await acm.plug()
        assert acm.host.devnodes.listdir() == ["/dev/ttyACM0"]

    acm.run(main)


def test_refused_line_state_is_no_failure(acm: Rig) -> None:
    acm.device.unknown.add(bytes.fromhex("2122030000000000"))

    async def main() -> None:
        await acm.plug()
        tty = await acm.host.open("/dev/ttyACM0")
        await tty.write(b"x")
        await tty.close()

    acm.run(main)


def test_line_coding_and_break(acm: Rig) -> None:
    async def main() -> None:
        await acm.plug()
        tty: Any = await acm.host.open("/dev/ttyACM0")
        await tty.port.set_line_coding(LineCoding(115200, 2, 1, 7))
        assert acm.device.out_data.hex() == "00c20100020107"
        await tty.port.send_break(0xFFFF)
        assert class_setups(acm)[-1] == "2123ffff00000000"
        await tty.close()

    acm.run(main)
