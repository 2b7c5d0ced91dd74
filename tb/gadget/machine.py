# SPDX-License-Identifier: Apache-2.0
"""The device machine: a processor, a kernel and user space around one USB device controller."""

from __future__ import annotations

import errno
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from tb.controller import BusFace, UdcParameters
from tb.kernel import Cpu, CpuBus, DevFile, DevNodes, DmaPool, IrqChip, Kernel, current, os_error

from .configfs import ConfigfsRoot
from .devicetree import parse_dts
from .legacy import LEGACY, LegacyDriver
from .platform import PlatformBus, PlatformDevice
from .shell import Shell
from .udc.dwc2 import Dwc2PlatformDriver
from .udc.fifo import default_plan
from .udc.modes import refusal
from .udc_core import UdcCore, UsbUdc
from .vfs import Directory, File, Node, RamDirectory, Vfs

__all__ = ["DeviceMachine", "default_node"]

log = logging.getLogger(__name__)

T = TypeVar("T")

UDC_BASE = 0x10200000
UDC_SIZE = 0x40000
CONFIGFS = "/sys/kernel/config"


def default_node(parameters: UdcParameters, size: int = UDC_SIZE) -> str:
    """Return the device tree node of S004-02 with FIFO sizes that fit the hardware.

    Args:
        parameters: what the controller was built with.
        size: bytes of the register region.
    """
    plan = default_plan(
        parameters.num_in_eps,
        parameters.num_out_eps,
        parameters.fifo_words,
        shared=not parameters.dedicated_fifo,
    )
    return f"""
usb@{UDC_BASE:x} {{
    compatible = "snps,dwc2";
    reg = <0x{UDC_BASE:x} 0x{size:x}>;
    interrupts = <GIC_SPI 2 IRQ_TYPE_LEVEL_HIGH>;
    clocks = <CLK_USBD>;
    clock-names = "otg";
    resets = <RESET_USBD>, <RESET_USBPHY0>;
    reset-names = "dwc2", "dwc2-ecc";
    g-rx-fifo-size = <{plan.rx}>;
    g-np-tx-fifo-size = <{plan.np}>;
    g-tx-fifo-size = <{" ".join(map(str, plan.tx))}>;
    dr_mode = "peripheral";
    status = "okay";
}};
"""


class DeviceMachine:
    """A Linux-like machine whose USB device controller is the one under test.

    Attributes:
        core: the UDC core.
        vfs: the file tree that scripts see.
        devnodes: what is under /dev.
        dma: allocator of the memory that the controller's DMA reaches.
        platform_device: the controller's platform device once started.
    """

    def __init__(
        self,
        kernel: Kernel,
        bus: BusFace,
        parameters: UdcParameters,
        *,
        mode: str = "dma",
        fifo: str = "dedicated",
        cpu: Cpu | None = None,
        node: str | None = None,
    ) -> None:
        """Build the machine; `start` boots it.

        Args:
            kernel: the scheduler.
            bus: the controller's bus face.
            parameters: what the controller was built with.
            mode: "slave", "dma" or "desc".
            fifo: "dedicated" or "shared", as the controller was built.
            cpu: its processor, a new one if None.
            node: device tree source of the controller, the default node if None.

        Raises:
            OSError: EINVAL for a combination that does not exist (tb/gadget/udc/modes.py).
        """
        reason = refusal(mode, fifo)
        if reason:
            raise os_error(errno.EINVAL, reason)
        self.kernel = kernel
        self.parameters = parameters
        self.mode = mode
        self.cpu = cpu or Cpu("device")
        self.bus = CpuBus(self.cpu, bus)
        self.irq_chip = IrqChip(self.cpu)
        self.dma = DmaPool(bus.memory)
        self.devnodes = DevNodes()
        self.core = UdcCore(kernel)
        self.core.storage["devnodes"] = self.devnodes
        self.platform = PlatformBus()
        self.platform_device: PlatformDevice | None = None
        self.node = node if node is not None else default_node(parameters)
        self.vfs = Vfs()
        # As init systems do; mounting it once more does no harm.
        self._configfs = ConfigfsRoot(self.core)
        self.vfs.add(CONFIGFS, self._configfs)
        self.vfs.add("/sys/class/udc", self.core.class_udc)
        self.vfs.add("/dev", _DevDirectory(self.devnodes))
        self.vfs.add("/tmp", RamDirectory())
        self._loaded: dict[str, LegacyDriver] = {}
        self._bus_face = bus

    async def start(self, *, probe: bool = True) -> None:
        """Boot: make the platform device and probe its driver.

        Args:
            probe: False leaves the controller to somebody else.

        Raises:
            OSError: what the device tree reader or the probe says.
        """
        if not probe:
            return
        await self._run(self._boot(), "boot")

    async def _boot(self) -> None:
        node = parse_dts(self.node)
        if not node.available:
            log.info("%s: status %r, not probed", node.full_name, node.string("status"))
            return
        device = PlatformDevice(node)
        device.bus, device.irq_chip, device.dma = self.bus, self.irq_chip, self.dma
        line = device.irq
        self._bus_face.on_irq(lambda irq, ep_irq: self.irq_chip.set_level(line, irq))
        await self.platform.register_driver(
            Dwc2PlatformDriver(self.mode, self.parameters.time_scale)
        )
        await self.platform.add_device(device)
        self.platform_device = device

    async def _run(self, coro: Coroutine[Any, Any, T], name: str) -> T:
        """Run something on this machine's processor."""
        task = current().spawn(coro, name=f"device {name}", cpu=self.cpu)
        result: T = await task
        return result

    @property
    def udc(self) -> UsbUdc:
        """The first controller.

        Raises:
            OSError: ENODEV if there is none.
        """
        if not self.core.udc_list:
            raise os_error(errno.ENODEV, "no UDC is registered: has the machine been started?")
        return self.core.udc_list[0]

    # -- user space ------------------------------------------------------------------------

    async def sh(self, script: str) -> str:
        """Run a shell script and return what it printed; each call is a shell of its own.

        Raises:
            OSError: of the first command that fails, with its line and text.
        """
        return await self._run(Shell(self.vfs, self._mount).run(script), "sh")

    async def _mount(self, kind: str, source: str, target: str) -> None:
        if kind in ("sysfs", "devtmpfs", "proc", "tmpfs", "debugfs"):
            return
        if kind != "configfs":
            raise os_error(errno.ENODEV, f"file system type {kind!r} is not known")
        if target != CONFIGFS:
            self.vfs.directory(target)
            self.vfs.add(target, self._configfs)

    async def read(self, path: str) -> str:
        """Return the content of a file as text."""
        return (await self._run(self.vfs.read(path), "read")).decode(errors="replace")

    async def write(self, path: str, text: str | bytes) -> None:
        """Write a file in one piece."""
        data = text.encode() if isinstance(text, str) else text
        await self._run(self.vfs.write(path, data), "write")

    async def mkdir(self, path: str) -> None:
        """Make a directory."""
        await self._run(self.vfs.mkdir(path), "mkdir")

    async def rmdir(self, path: str) -> None:
        """Remove a directory."""
        await self._run(self.vfs.rmdir(path), "rmdir")

    async def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link at `path`."""
        await self._run(self.vfs.symlink(target, path), "symlink")

    async def unlink(self, path: str) -> None:
        """Remove a link or a file."""
        await self._run(self.vfs.unlink(path), "unlink")

    async def listdir(self, path: str) -> list[str]:
        """Return the names in a directory."""
        return self.vfs.listdir(path)

    async def open(self, path: str) -> DevFile:
        """Open a device node, e.g. /dev/ttyGS0.

        Raises:
            OSError: ENOENT if it does not exist; what its driver says.
        """
        return await self._run(self.devnodes.open(path), "open")

    # -- legacy gadgets --------------------------------------------------------------------

    async def load(self, name: str, **params: Any) -> None:
        """Load a legacy gadget module, e.g. g_serial.

        Raises:
            OSError: ENOENT for an unknown module, EINVAL for an unknown parameter, EEXIST if it
                is loaded.
        """
        if name in self._loaded:
            raise os_error(errno.EEXIST, f"{name} is loaded already")
        make = LEGACY.get(name)
        if make is None:
            raise os_error(errno.ENOENT, f"no gadget module {name!r}; there are: {sorted(LEGACY)}")
        driver = make(params)
        await self._run(driver.load(self.core), f"load {name}")
        self._loaded[name] = driver

    async def unload(self, name: str) -> None:
        """Unload a legacy gadget module.

        Raises:
            OSError: ENOENT if it is not loaded.
        """
        driver = self._loaded.pop(name, None)
        if driver is None:
            raise os_error(errno.ENOENT, f"gadget module {name!r} is not loaded")
        await self._run(driver.unload(self.core), f"unload {name}")


class _DevDirectory(Directory):
    """/dev as scripts see it."""

    def __init__(self, nodes: DevNodes) -> None:
        super().__init__()
        self._nodes = nodes

    def entries(self) -> dict[str, Node]:
        files: dict[str, Node] = {"null": _Null()}
        for path in self._nodes.listdir():
            if path.startswith("/dev/"):
                files[path[5:]] = _DevNode(self._nodes, path)
        return files


class _DevNode(File):
    """A device node, read or written once by a shell command."""

    def __init__(self, nodes: DevNodes, path: str) -> None:
        self._nodes = nodes
        self._path = path

    async def read(self) -> bytes:
        file = await self._nodes.open(self._path)
        try:
            return await file.read(4096)
        finally:
            await file.close()

    async def write(self, data: bytes) -> None:
        file = await self._nodes.open(self._path)
        try:
            await file.write(data)
        finally:
            await file.close()


class _Null(File):
    async def read(self) -> bytes:
        return b""

    async def write(self, data: bytes) -> None:
        return
