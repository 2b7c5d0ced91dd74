# SPDX-License-Identifier: Apache-2.0
"""A DWC2 core: identification, reset, FIFO layout, flushes (dwc2-registers.md 2, 3, 17)."""

from __future__ import annotations

import errno
import logging

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
from .fifo import FifoLimits, FifoPlan, FifoSizes, conflicts, default_plan, fit_plan
from .modes import refusal

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
        mode: "slave", "dma" or "desc".
        dma: the core moves the data, by buffer or descriptor DMA (else slave mode).
        desc: it does so by descriptors.
        shared: Tx FIFO 0 serves all non-periodic endpoints; `fifo` is the scheme's name.
        wide: the UTMI has 16 bits, or can have.
        tx_fifos: Tx FIFOs other than 0.
        identity: GSNPSID.
        lpm: the core has link power management.
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
        self.mode = mode
        self.dma = mode != "slave"
        self.desc = mode == "desc"
        self.shared = False
        self.wide = False
        self.tx_fifos = 0
        self.endpoints = 1
        self.max_bytes = 0x7FFFF
        self.max_packets = 1023
        self.ram_words = 0
        self.fifo_words: list[int] = []
        self.identity = 0
        self.lpm = False
        self._directions = 0
        self._plan = FifoPlan(0, 0, ())

    @property
    def fifo(self) -> str:
        """Name of the FIFO scheme."""
        return "shared" if self.shared else "dedicated"

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
        self.identity = identity
        await self.soft_reset()
        self._directions = await self.read(GHWCFG1.OFFSET)
        config2 = await self.read(GHWCFG2.OFFSET)
        config3 = await self.read(GHWCFG3.OFFSET)
        config4 = await self.read(GHWCFG4.OFFSET)
        self.endpoints = GHWCFG2.NumDevEps.get(config2) + 1
        self.max_bytes = (1 << (11 + GHWCFG3.XferSizeWidth.get(config3))) - 1
        self.max_packets = (1 << (4 + GHWCFG3.PktSizeWidth.get(config3))) - 1
        self.ram_words = GHWCFG3.DfifoDepth.get(config3)
        self.lpm = bool(GHWCFG3.LPMMode.get(config3))
        architecture = GHWCFG2.OtgArch.get(config2)
        if self.dma and architecture != _ARCH_INTERNAL_DMA:
            raise os_error(
                errno.EINVAL,
                f"{self.name}: built without DMA (architecture {architecture}); use slave",
            )
        self.shared = not GHWCFG4.DedFifoMode.get(config4)
        self.wide = GHWCFG4.PhyDataWidth.get(config4) != 0
        fifos = GHWCFG4.NumDevPerioEps if self.shared else GHWCFG4.InEps
        self.tx_fifos = fifos.get(config4)
        reason = refusal(self.mode, self.fifo)
        if reason is None and self.desc and not GHWCFG4.DescDMAEnabled.get(config4):
            reason = "built without descriptor DMA; use buffer DMA"
        if reason:
            raise os_error(errno.EINVAL, f"{self.name}: {reason}")
        needed = FIFO.at(max(self.endpoints - 1, 0)) + FIFO.STRIDE
        if not self.dma and self.device.size < needed:
            raise os_error(
                errno.EINVAL,
                f"{self.name}: reg has 0x{self.device.size:x} bytes, but slave mode reaches the "
                f"FIFO windows up to 0x{needed:x}; enlarge reg or use DMA",
            )
        self._plan = await self._plan_fifos()
        log.info(
            "%s: DWC2 %08x, %d endpoints, %d words of RAM, %s FIFOs, %s",
            self.name,
            identity,
            self.endpoints,
            self.ram_words,
            self.fifo,
            {"dma": "buffer DMA", "desc": "descriptor DMA"}.get(self.mode, "slave"),
        )

    async def soft_reset(self) -> None:
        """Reset the core; PHY settings survive."""
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask, "AHB idle")
        await self.write(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask, 0, "soft reset")
        await self.poll(GRSTCTL.OFFSET, GRSTCTL.AHBIdle.mask, GRSTCTL.AHBIdle.mask, "AHB idle")

    async def _plan_fifos(self) -> FifoPlan:
        """Split the RAM as the device tree says, else by the calculator.

        Raises:
            OSError: ENOSPC if the device tree's FIFOs do not fit.
        """
        count = self.tx_fifos
        limits = FifoLimits(
            await self.read(GRXFSIZ.OFFSET),
            (await self.read(GNPTXFSIZ.OFFSET)) >> 16,
            tuple([(await self.read(DIEPTXF.at(n))) >> 16 for n in range(1, count + 1)]),
            self.ram_words,
        )
        outs = sum(self.has_out(number) for number in range(1, self.endpoints))
        computed = default_plan(count, outs, self.ram_words, shared=self.shared)
        node = self.device.node
        wanted = FifoSizes(
            node.number("g-rx-fifo-size"),
            node.number("g-np-tx-fifo-size"),
            tuple(node.numbers("g-tx-fifo-size")),
        )
        try:
            plan, notes = fit_plan(wanted, limits, computed)
        except OSError as error:
            assert error.errno is not None
            raise os_error(error.errno, f"{self.name}: {error.strerror}") from None
        for note in notes:
            log.warning("%s: %s", self.name, note)
        return plan

    async def init_fifos(self) -> None:
        """Lay the FIFOs out in the RAM, and see that the core took it so.

        Raises:
            OSError: EIO if it did not; packets would overwrite each other.
        """
        plan, start = self._plan, self._plan.rx + self._plan.np
        await self.write(GRXFSIZ.OFFSET, plan.rx)
        await self.write(GNPTXFSIZ.OFFSET, plan.np << 16 | plan.rx)
        for number, words in enumerate(plan.tx, 1):
            await self.write(DIEPTXF.at(number), words << 16 | start)
            start += words
        self.fifo_words = [plan.np, *plan.tx]
        regions = [("Rx FIFO", 0, await self.read(GRXFSIZ.OFFSET))]
        for number, words in enumerate(self.fifo_words):
            offset = DIEPTXF.at(number) if number else GNPTXFSIZ.OFFSET
            reading = await self.read(offset)
            regions.append((f"Tx FIFO {number}", reading & 0xFFFF if words else 0, reading >> 16))
        problems = conflicts(regions, self.ram_words)
        if problems:
            raise os_error(errno.EIO, f"{self.name}: {'; '.join(problems)}")
        await self.write(
            GDFIFOCFG.OFFSET,
            GDFIFOCFG.EPInfoBaseAddr.put(min(start, 0xFFFF))
            | GDFIFOCFG.GDFIFOCfg.put(self.ram_words),
        )
        await self.flush(_ALL_TX, rx=True)

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
