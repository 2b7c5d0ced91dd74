# SPDX-License-Identifier: Apache-2.0
"""A serial gadget: a shell script makes it, the host finds it, a file goes there and back.

plugfest run examples/acm_echo.py [--backend ...] [-- FILE]
"""

from __future__ import annotations

import time
from pathlib import Path

from tb.kernel import spawn
from tb.progress import Progress

GADGET = """
mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/usb_gadget
mkdir g1
cd g1
echo 0x1d6b > idVendor                       # Linux Foundation
echo 0x0104 > idProduct                      # multifunction composite gadget
mkdir strings/0x409
echo 0123456789 > strings/0x409/serialnumber
echo Plugfest > strings/0x409/manufacturer
echo "Serial gadget" > strings/0x409/product
mkdir functions/acm.GS0
mkdir configs/c.1
mkdir configs/c.1/strings/0x409
echo "CDC ACM" > configs/c.1/strings/0x409/configuration
ln -s functions/acm.GS0 configs/c.1
ls /sys/class/udc
"""
SHIPPED = Path(__file__).parent / "data" / "echo.bin"
ICARUS_LIMIT = 2048


def read(file: Path) -> bytes:
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file to echo")
    if not (data := file.read_bytes()):
        raise ValueError(f"{file}: the file is empty, so there is nothing to echo")
    return data


async def main(bench) -> None:
    data = read(Path(bench.args[0] if bench.args else SHIPPED))
    if bench.options.backend == "icarus" and not bench.args:
        data = data[:ICARUS_LIMIT]
        print(f"Icarus is slow: the file is cut to {ICARUS_LIMIT} bytes")

    names = await bench.device.sh(GADGET)
    udc = names.split()[-1]
    await bench.device.sh(f"echo {udc} > /sys/kernel/config/usb_gadget/g1/UDC")

    await bench.host.plug()
    device = await bench.host.wait_device(timeout_ms=5000)
    print(bench.host.lsusb())

    gadget_tty = await bench.device.open("/dev/ttyGS0")
    host_tty = await bench.host.open("/dev/ttyACM0")

    async def echo() -> None:
        left = len(data)
        while left:
            piece = await gadget_tty.read(4096)
            left -= len(piece)
            await gadget_tty.write(piece)

    sim_start, cycles_start, wall_start = bench.kernel.now, bench.clock_cycles, time.perf_counter()
    echoing = spawn(echo(), name="echo")
    sending = spawn(host_tty.write(data), name="send")
    back = bytearray()
    with Progress("echo", len(data)) as progress:
        while len(back) < len(data):
            back += await host_tty.read(65536)
            progress.update(len(back))
    await sending
    await echoing
    sim_s = (bench.kernel.now - sim_start) / 1e12
    wall_s = time.perf_counter() - wall_start

    assert bytes(back) == data, "what came back differs from what was sent"
    moved = 2 * len(data)
    cycles = bench.clock_cycles - cycles_start
    print(f"{len(data)} bytes there and back, {device.speed.text}, identical")
    print(
        f"payload: {moved / sim_s / 1e6:.2f} MB per simulated second, "
        f"{moved / wall_s / 1e3:.1f} kB per wall second"
    )
    print(f"speed: {cycles / wall_s / 1e3:.1f} thousand PHY cycles per wall second")
    await host_tty.close()
    await gadget_tty.close()
