# SPDX-License-Identifier: Apache-2.0
"""configfs on a mock UDC: the script of S004-55 to S004-64, and every errno of 8.1-8.5."""

from __future__ import annotations

import errno
import struct
from collections.abc import Coroutine
from typing import Any

import pytest

from tb.gadget import UdcCore
from tb.gadget.configfs import ConfigfsRoot
from tb.gadget.shell import Shell
from tb.gadget.vfs import Directory, RamDirectory, Vfs
from tb.kernel import DevNodes, Kernel
from tb.usb import ConfigDescriptor, DeviceDescriptor, SetupPacket, string_text, walk
from tests.gadget.mock_udc import MockUdc

SCRIPT = """
# The script of the article, comments included.
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir g1
cd g1
echo 0x1d6b > idVendor     # Linux Foundation
echo 0x0104 > idProduct
mkdir strings/0x409
echo "0123456789" > strings/0x409/serialnumber
echo 'Plugfest' > strings/0x409/manufacturer
echo "ACM echo" > strings/0x409/product
mkdir functions/acm.GS0
mkdir configs/c.1
mkdir -p configs/c.1/strings/0x409
echo "CDC ACM" > configs/c.1/strings/0x409/configuration
ln -s functions/acm.GS0 configs/c.1
ls /sys/class/udc
UDC=$(ls /sys/class/udc)
echo $UDC > UDC
"""


class Machine:
    """Core, tree and mock UDC without a CPU."""

    def __init__(self, **udc: Any) -> None:
        self.kernel = Kernel()
        self.core = UdcCore(self.kernel)
        self.core.storage["devnodes"] = self.devnodes = DevNodes()
        self.mock = MockUdc(**udc)
        self.vfs = Vfs()
        self.vfs.add("/sys/kernel/config", Directory())
        self.vfs.add("/sys/class/udc", self.core.class_udc)
        self.vfs.add("/tmp", RamDirectory())
        self.run(self.core.add_gadget("mock.0", self.mock.gadget))

    async def mount(self, kind: str, source: str, target: str) -> None:
        self.vfs.directory(target).children.update(ConfigfsRoot(self.core).children)

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        return self.kernel.run_until(coro)

    def sh(self, script: str) -> str:
        shell = Shell(self.vfs, self.mount)
        if "mount" not in script:
            shell.cwd = "/sys/kernel/config/usb_gadget/g1"
        return self.run(shell.run(script))

    def fails(self, script: str) -> int:
        with pytest.raises(OSError) as caught:
            self.sh(script)
        assert script.strip().splitlines()[-1].strip() in str(caught.value)
        assert caught.value.errno is not None
        return caught.value.errno

    def get(self, kind: int, wValue: int, wIndex: int, wLength: int) -> bytes:
        return self.run(self.mock.control(SetupPacket(kind, 6, wValue, wIndex, wLength)))


@pytest.fixture
def bound() -> Machine:
    machine = Machine()
    assert machine.sh(SCRIPT) == "mock.0\n"
    return machine


@pytest.fixture
def bare() -> Machine:
    machine = Machine()
    machine.sh("mount -t configfs none /sys/kernel/config\nmkdir /sys/kernel/config/usb_gadget/g1")
    return machine


def test_script_enumerates(bound: Machine) -> None:
    calls = bound.mock.calls
    assert calls[:4] == ["speed 3", "start", "async 1", "pullup 1"]
    bound.mock.gadget.speed = type(bound.mock.gadget.speed).HIGH
    device = DeviceDescriptor.parse(bound.get(0x80, 0x0100, 0, 64))
    assert (device.idVendor, device.idProduct, device.bcdUSB) == (0x1D6B, 0x0104, 0x0200)
    assert device.bcdDevice == 0x0601
    assert device.bNumConfigurations == 1
    assert string_text(bound.get(0x80, 0x0300 | device.iManufacturer, 0x409, 255)) == "Plugfest"
    assert string_text(bound.get(0x80, 0x0300 | device.iProduct, 0x409, 255)) == "ACM echo"
    assert string_text(bound.get(0x80, 0x0300 | device.iSerialNumber, 0x409, 255)) == "0123456789"
    assert bound.get(0x80, 0x0300, 0, 255) == b"\x04\x03\x09\x04"
    head = ConfigDescriptor.parse(bound.get(0x80, 0x0200, 0, 9))
    whole = bound.get(0x80, 0x0200, 0, head.wTotalLength)
    assert len(whole) == head.wTotalLength == 75
    assert head.bNumInterfaces == 2
    assert head.bMaxPower == 1
    assert head.bmAttributes == 0x80
    assert string_text(bound.get(0x80, 0x0300 | head.iConfiguration, 0x409, 255)) == "CDC ACM"
    kinds = [bytes(one)[1] for one in walk(whole)]
    assert kinds == [2, 0x0B, 4, 0x24, 0x24, 0x24, 0x24, 5, 4, 5, 5]
    full = bound.get(0x80, 0x0700, 0, 255)
    assert full[1] == 7
    assert len(full) == 75
    qualifier = bound.get(0x80, 0x0600, 0, 10)
    assert len(qualifier) == 10
    assert qualifier[8] == 1
    # Endpoints start at SET_CONFIGURATION only (S004-80).
    assert not [call for call in bound.mock.calls if call.startswith("enable")]
    bound.run(bound.mock.control(SetupPacket(0, 9, 1, 0, 0)))
    assert len([call for call in bound.mock.calls if call.startswith("enable")]) == 3
    assert bound.run(bound.mock.control(SetupPacket(0x80, 8, 0, 0, 1))) == b"\x01"
    with pytest.raises(OSError):
        bound.run(bound.mock.control(SetupPacket(0, 9, 7, 0, 0)))
    assert bound.run(bound.mock.control(SetupPacket(0x80, 8, 0, 0, 1))) == b"\x01"
    bound.run(bound.mock.control(SetupPacket(0, 9, 0, 0, 0)))
    assert bound.run(bound.mock.control(SetupPacket(0x80, 8, 0, 0, 1))) == b"\x00"


def test_acm_requests(bound: Machine) -> None:
    control = bound.mock.control
    bound.run(control(SetupPacket(0, 9, 1, 0, 0)))
    coding = struct.pack("<IBBB", 115200, 0, 0, 8)
    bound.run(control(SetupPacket(0x21, 0x20, 0, 0, 7), coding))
    assert bound.run(control(SetupPacket(0xA1, 0x21, 0, 0, 7))) == coding
    with pytest.raises(OSError):
        bound.run(control(SetupPacket(0x21, 0x20, 0, 0, 7), coding[:6]))
    with pytest.raises(OSError):
        bound.run(control(SetupPacket(0x21, 0x20, 0, 0, 6), coding[:6]))
    with pytest.raises(OSError):
        bound.run(control(SetupPacket(0x21, 0x20, 0, 1, 7), coding))
    bound.run(control(SetupPacket(0x21, 0x22, 3, 0, 0)))
    with pytest.raises(OSError):
        bound.run(control(SetupPacket(0x21, 0x23, 100, 0, 0)))


def test_tty_and_notification(bound: Machine) -> None:
    mock = bound.mock
    bound.run(mock.control(SetupPacket(0, 9, 1, 0, 0)))
    file = bound.run(bound.devnodes.open("/dev/ttyGS0"))
    notify = mock.queues["ep2in"]
    # The first one tells of the closed tty; the next waits until it is sent (S004-44).
    assert bytes(notify[0].data()[8:10]) == b"\0\0"
    assert len(notify) == 1
    first = notify.pop(0)

    async def sent() -> None:
        mock.give_back(first.ep, first, 0)

    bound.run(sent())
    assert bytes(notify[0].data()[:10]) == bytes((0xA1, 0x20, 0, 0, 0, 0, 2, 0, 3, 0))
    assert len(mock.queues["ep1out"]) == 16
    assert bound.run(file.write(b"x" * 64)) == 64
    request = mock.queues["ep1in"].pop(0)
    assert request.length == 64
    assert request.zero
    got = mock.queues["ep1out"].pop(0)
    got.data()[:3] = b"abc"
    got.actual = 3

    async def give() -> bytes:
        mock.give_back(got.ep, got, 0)
        data: bytes = await file.read(10)
        return data

    assert bound.run(give()) == b"abc"
    assert bound.run(mock.driver.disconnect(mock.gadget)) is None  # type: ignore[union-attr]
    assert bound.run(file.read(1)) == b""
    with pytest.raises(OSError) as caught:
        bound.run(file.write(b"x"))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("echo 256 > bDeviceClass", errno.ERANGE),
        ("echo x > bDeviceClass", errno.EINVAL),
        ("echo 0x10000 > idVendor", errno.ERANGE),
        ("echo 0x00fa > bcdDevice", errno.EINVAL),
        ("echo 0x0a00 > bcdUSB", errno.EINVAL),
        ("echo turbo > max_speed", errno.EINVAL),
        ("echo > UDC", errno.ENODEV),
        ("echo mock.0 > UDC", errno.EBUSY),
        ("echo nobody > UDC", errno.EBUSY),
        ("echo /sys/class/udc/mock.0 > UDC", errno.EBUSY),
        ("mkdir functions/" + "a" * 36 + ".GS0", errno.ENAMETOOLONG),
        ("mkdir functions/acm", errno.EINVAL),
        ("mkdir functions/nosuch.0", errno.ENOENT),
        ("mkdir configs/" + "c" * 38 + ".1", errno.ENAMETOOLONG),
        ("mkdir configs/c", errno.EINVAL),
        ("mkdir configs/.1", errno.EINVAL),
        ("mkdir configs/c.x", errno.EINVAL),
        ("mkdir configs/c.0", errno.EINVAL),
        ("mkdir configs/c.256", errno.ERANGE),
        ("mkdir strings/0", errno.EINVAL),
        ("mkdir strings/english", errno.EINVAL),
        ("mkdir other", errno.EPERM),
        ("rmdir functions", errno.EPERM),
        ("rmdir nowhere", errno.ENOENT),
        ("echo 1 > nowhere", errno.EACCES),
        ("cat nowhere", errno.ENOENT),
        ("cat functions", errno.EISDIR),
        ("cd idVendor", errno.ENOTDIR),
        ("frobnicate", errno.ENOENT),
        ("ln -s functions/none configs", errno.EPERM),
    ],
)
def test_bad_lines(bare: Machine, line: str, number: int) -> None:
    assert bare.fails("echo 0x1234 > idVendor\n" + line) == number
    assert bare.sh("cat idVendor") == "0x1234\n"


def test_links_and_languages(bare: Machine) -> None:
    bare.sh("mkdir functions/acm.a.b\nmkdir configs/c.1\nln -s functions/acm.a.b configs/c.1/x")
    assert bare.fails("ln -s functions/acm.a.b configs/c.1/y") == errno.EEXIST
    assert bare.fails("ln -s strings configs/c.1/z") == errno.EINVAL
    assert bare.fails("ln -s functions/gone configs/c.1/z") == errno.ENOENT
    assert bare.fails("mkdir configs/d.1") == errno.EBUSY
    assert bare.fails("mkdir configs/c.1") == errno.EEXIST
    assert bare.fails("rmdir functions/acm.a.b") == errno.EBUSY
    assert bare.fails("rmdir configs/c.1") == errno.ENOTEMPTY
    assert bare.fails("rmdir /sys/kernel/config/usb_gadget/g1") == errno.ENOTEMPTY
    assert bare.fails("echo 2041 > configs/c.1/MaxPower") == errno.ERANGE
    assert bare.fails("echo 0x40 > configs/c.1/bmAttributes") == errno.EINVAL
    assert bare.fails("echo 0x81 > configs/c.1/bmAttributes") == errno.EINVAL
    bare.sh("mkdir strings/0x409\nmkdir strings/0x407")
    assert bare.fails("mkdir strings/1033") == errno.EEXIST
    assert bare.fails("mkdir strings/0x40c") == errno.EOVERFLOW
    long = "m" * 126
    assert bare.fails(f"echo {long} > strings/0x409/product") == errno.EOVERFLOW
    bare.sh(f"printf {long} > strings/0x409/product")
    assert bare.sh("cat strings/0x409/product") == long + "\n"
    bare.sh("rm configs/c.1/x\nrmdir configs/c.1\nrmdir functions/acm.a.b\nrmdir strings/0x409")
    bare.sh("rmdir strings/0x407")
    bare.sh("cd ..\nrmdir g1")


def test_bound_rules(bound: Machine) -> None:
    assert bound.sh("cat UDC") == "mock.0\n"
    assert bound.fails("echo mock.0 > UDC") == errno.EBUSY
    assert bound.fails("echo high-speed > max_speed") == errno.EINVAL
    bound.sh("mkdir functions/acm.GS1")
    assert bound.fails("ln -s functions/acm.GS1 configs/c.1") == errno.EINVAL
    bound.sh("echo 0x9999 > idVendor")
    assert DeviceDescriptor.parse(bound.get(0x80, 0x0100, 0, 18)).idVendor == 0x9999
    bound.sh("rm configs/c.1/acm.GS0")
    assert bound.sh("cat UDC") == ""
    assert bound.mock.calls[-4:] == ["pullup 0", "draw 0", "async 0", "stop"]


def test_second_gadget_gets_busy(bound: Machine) -> None:
    bound.sh("mkdir ../g2 ../g2/configs/c.1 ../g2/functions/gser.0")
    bound.sh("ln -s ../g2/functions/gser.0 ../g2/configs/c.1")
    assert bound.fails("echo mock.0 > ../g2/UDC") == errno.EBUSY
    bound.sh('echo "" > UDC\necho mock.0 > ../g2/UDC')
    assert bound.sh("cat /sys/class/udc/mock.0/function") == "g2\n"


def test_empty_configuration_is_refused(bare: Machine) -> None:
    bare.sh("mkdir configs/c.1")
    assert bare.fails("echo mock.0 > UDC") == errno.EBUSY
    assert bare.mock.calls == ["speed 3"]


def test_shell_words(bare: Machine) -> None:
    out = bare.sh(
        "A=1; B=two\necho \"$A ${B}x\" '$A' $A$B # gone\nprintf '%s-%04x\\n' q 255\n"
        "echo a b > /tmp/f; cat /tmp/f && echo $(cat /tmp/f)\necho -n done \\\n  now\nsleep 0.5"
    )
    assert out == "1 twox $A 1two\nq-00ff\na b\na b\ndone now"
    assert bare.kernel.now == 500_000_000_000
