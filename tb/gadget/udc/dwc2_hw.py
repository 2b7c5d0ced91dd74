# SPDX-License-Identifier: Apache-2.0
"""A DWC2 core: identification, reset, FIFO layout, flushes (dwc2-registers.md 2, 3, 17)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Sequence

from pymodel.gen.udc_regs import (
    DIEPTXF,
    FIFO,
    GDFIFOCFG,
    GHWCFG1,
    GHWCFG2,
    GHWCFG3,
    GHWCFG4,
    GNPTXFSIZ,
    GRSTCTL,
    GRXFSIZ,
    GSNPSID,
)
from tb.kernel import SpinLock, os_error

from ..platform import PlatformDevice

__all__ = ["Dwc2Hw"]

log = logging.getLogger(__name__)

_IDENTITIES = (0x4F54, 0x5531, 0x5532)
_ALL_TX = 0x10
# Reads of a register before we give up; hardware answers within a few.
_POLLS = 2000
_ARCH_SLAVE = 0
_ARCH_INTERNAL_DMA = 2


class Dwc2Hw:
    """One core.

    Attributes:
        dma: buffer DMA is used (else slave mode).
        lock: keeps interrupts away from sequences of accesses.
        endpoints: number of endpoint indices with EP0; `has_in(n)`, `has_out(n)` tell directions.
        fifo_words: words of each Tx FIFO as programmed, by number.
        max_bytes, max_packets: limits of one hardware transfer.
    """

    def __init__(self, device: PlatformDevice, mode: str) -> None:
        """Belong to a platform device; `identify` comes next."""
        assert device.bus is not None
        self.device = device
        self.bus = device.bus
        self.name = device.name
        self.lock = SpinLock(self.bus.cpu)
        self.read = self.bus.read32
        self.write = self.bus.write32
        self.dma = mode == "dma"
        self.endpoints = 1
        self.max_bytes = 0x7FFFF
        self.max_packets = 1023
        self.ram_words = 0
        self.fifo_words: list[int] = []
        self._directions = 0
        self._in_fifos = 0
        self._rx_limit = 0
        self._np_limit = 0
        self._tx_limits: list[int] = []

    def has_in(self, number: int) -> bool:
        """Tell whether endpoint `number` has an IN direction."""
        return (self._directions >> 2 * number & 3) != 2

    def has_out(self, number: int) -> bool:
        """Tell whether endpoint `number` has an OUT direction."""
        return (self._directions >> 2 * number & 3) != 1

    async def poll(self, offset: int, mask: int, value: int, what: str) -> int:
        """Read a register until the masked bits have a value; returns the last reading.

        Raises:
            OSError: ETIMEDOUT, saying what was waited for.
        """
        for _ in range(_POLLS):
            reading = await self.read(offset)
            if reading & mask == value:
                return reading
        raise os_error(errno.ETIMEDOUT, f"{self.name}: {what}: register reads 0x{reading:08x}")

    # -- set-up ----------------------------------------------------------------------------

    async def identify(self) -> None:
        """Check the identity and read what the core was built with.

        Raises:
            OSError: ENODEV for another core, EINVAL where mode, FIFO scheme or register region
                do not suit the hardware.
        """
        identity = await self.read(GSNPSID.OFFSET)
        if identity >> 16 not in _IDENTITIES:
            raise os_error(
                errno.ENODEV, f"{self.name}: GSNPSID reads 0x{identity:08x}, this is no DWC2 core"
            )
        await self.soft_reset()
        self._directions = await self.read(GHWCFG1.OFFSET)
        config2 = await self.read(GHWCFG2.OFFSET)
        config3 = await self.read(GHWCFG3.OFFSET)
        config4 = await self.read(GHWCFG4.OFFSET)
        self.endpoints = GHWCFG2.NumDevEps.get(config2) + 1
        self.max_bytes = (1 << (11 + GHWCFG3.XferSizeWidth.get(config3))) - 1
        self.max_packets = (1 << (4 + GHWCFG3.PktSizeWidth.get(config3))) - 1
        self.ram_words = GHWCFG3.DfifoDepth.get(config3)
        self._in_fifos = GHWCFG4.InEps.get(config4)
        architecture = GHWCFG2.OtgArch.get(config2)
        if self.dma and architecture != _ARCH_INTERNAL_DMA:
            raise os_error(
                errno.EINVAL,
                f"{self.name}: built without DMA (architecture {architecture}); use slave",
            )
        if not GHWCFG4.DedFifoMode.get(config4):
            raise os_error(errno.EINVAL, f"{self.name}: shared FIFOs are not supported")
        needed = FIFO.at(max(self.endpoints - 1, 0)) + FIFO.STRIDE
        if not self.dma and self.device.size < needed:
            raise os_error(
                errno.EINVAL,
                f"{self.name}: reg has 0x{self.device.size:x} bytes, but slave mode reaches the "
                f"FIFO windows up to 0x{needed:x}; enlarge reg or use DMA",
            )
        self._rx_limit = await self.read(GRXFSIZ.OFFSET)
        self._np_limit = (await self.read(GNPTXFSIZ.OFFSET)) >> 16
        self._tx_limits = [
            (await self.read(DIEPTXF.at(number))) >> 16 for number in range(1, self._in_fifos + 1)
        ]
        log.info(
            "%s: DWC2 %08x, %d endpoints, %d words of RAM, %s",
            self.name,
            identity,
            self.endpoints,
            self.ram_words,
            "DMA" if self.dma else "slave",
        )

    async def soft_reset(self) -> None:
        """Reset the core; PHY settings survive."""
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask, "AHB idle")
        await self.write(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, 0, "soft reset")
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask, "AHB idle")

    async def init_fifos(self) -> None:
        """Lay out the RAM from the device tree's sizes, else from the reset values."""
        node = self.device.node
        rx = self._fit(node.number("g-rx-fifo-size"), self._rx_limit, "g-rx-fifo-size")
        np = self._fit(node.number("g-np-tx-fifo-size"), self._np_limit, "g-np-tx-fifo-size")
        wanted: Sequence[int] = node.numbers("g-tx-fifo-size") or self._tx_limits
        await self.write(GRXFSIZ.OFFSET, rx)
        await self.write(GNPTXFSIZ.OFFSET, np << 16 | rx)
        self.fifo_words = [np]
        start = rx + np
        for number in range(1, self._in_fifos + 1):
            limit = self._tx_limits[number - 1]
            size = wanted[number - 1] if number <= len(wanted) else 0
            size = self._fit(size, limit, "g-tx-fifo-size") if size else 0
            await self.write(DIEPTXF.at(number), size << 16 | start)
            self.fifo_words.append(size)
            start += size
        if start > self.ram_words:
            log.warning("%s: FIFOs take %d words, the RAM has %d", self.name, start, self.ram_words)
        await self.write(
            GDFIFOCFG.OFFSET,
            GDFIFOCFG.EPInfoBaseAddr.put(min(start, 0xFFFF))
            | GDFIFOCFG.GDFIFOCfg.put(self.ram_words),
        )
        await self.flush(_ALL_TX, rx=True)

    def _fit(self, wanted: int | None, limit: int, name: str) -> int:
        if wanted is None:
            return limit
        if wanted > limit or (wanted < 16 and name != "g-tx-fifo-size"):
            log.warning(
                "%s: %s = %d does not suit the core, %d is used", self.name, name, wanted, limit
            )
            return limit
        return wanted

    async def flush(self, fifo: int = _ALL_TX, *, rx: bool = False, tx: bool = True) -> None:
        """Empty Tx FIFO `fifo` (0x10 all) and, if asked, the Rx FIFO."""
        command = 0
        if tx:
            command |= GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(fifo)
        if rx:
            command |= GRSTCTL.RxFFlsh.mask
        await self.write(GRSTCTL.OFFSET, command)
        await self.poll(
            GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.RxFFlsh.mask, 0, "FIFO flush"
        )
