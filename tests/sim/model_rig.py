# SPDX-License-Identifier: Apache-2.0
"""The model behind both faces, with a driver of a few lines: what the tests of the wire drive."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from pymodel.config import UdcParameters
from pymodel.gen.udc_regs import (
    DAINTMSK,
    DCFG,
    DCTL,
    DIEPCTL,
    DIEPTSIZ,
    DOEPCTL,
    DOEPTSIZ,
    GAHBCFG,
    GINTMSK,
    GRSTCTL,
)
from pymodel.packets import PID
from pymodel.wire import Knobs, LineEvent, PacketRecord, Transaction
from tb.kernel import Kernel, ms
from tb.sim.model import ModelController

__all__ = ["BASE", "Rig", "run"]

BASE = 0x1000_0000
EPENA_CNAK = DIEPCTL.EPEna.mask | DIEPCTL.CNAK.mask


class Rig:
    """A controller, what was seen on its wire, and register sequences."""

    def __init__(self, dma: bool = True, speed: str = "high", **parameters: int) -> None:
        self.kernel = Kernel()
        self.controller = ModelController(self.kernel, UdcParameters(**parameters))
        self.bus = self.controller.bus
        self.wire = self.controller.wire
        self.memory = self.controller.memory
        self.dma = dma
        self.wire.force_full_speed = speed == "full"
        self.events: list[LineEvent] = []
        self.records: list[PacketRecord] = []
        self.wire.on_line(self.events.append)
        self.wire.monitor(self.records.extend)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    async def boot(self) -> None:
        """Program the core and show the pull-up (section 17)."""
        write = self.bus.write32
        await write(GRSTCTL.OFFSET, GRSTCTL.CSftRst.mask)
        await write(GAHBCFG.OFFSET, 1 | (GAHBCFG.DMAEn.mask if self.dma else 0))
        await write(DAINTMSK.OFFSET, 0xFFFFFFFF)
        await write(GINTMSK.OFFSET, 0)
        await write(DCFG.OFFSET, 0)
        await write(DCTL.OFFSET, 0)

    async def attach(self) -> str | None:
        """Boot, plug, reset."""
        await self.boot()
        self.wire.vbus(True)
        return await self.wire.reset(ms(50))

    async def open_bulk(self, mps: int = 512) -> None:
        """Endpoint 1 IN (FIFO 1) and OUT."""
        value = mps | 1 << 15 | 2 << 18 | DIEPCTL.SetD0PID.mask
        await self.bus.write32(DIEPCTL.at(1), value | DIEPCTL.TxFNum.put(1))
        await self.bus.write32(DOEPCTL.at(1), value)

    async def start_in(self, size: int, count: int, address: int = BASE) -> None:
        await self.bus.write32(DIEPTSIZ.at(1), count << 19 | size)
        await self.bus.write32(DIEPTSIZ.at(1) + 4, address)
        await self.bus.write32(DIEPCTL.at(1), await self.bus.read32(DIEPCTL.at(1)) | EPENA_CNAK)

    async def start_out(self, size: int, count: int, address: int = BASE + 0x10000) -> None:
        await self.bus.write32(DOEPTSIZ.at(1), count << 19 | size)
        await self.bus.write32(DOEPTSIZ.at(1) + 4, address)
        await self.bus.write32(DOEPCTL.at(1), await self.bus.read32(DOEPCTL.at(1)) | EPENA_CNAK)

    async def out(self, pid: int, data: bytes = b"", **knobs: Any) -> Transaction:
        return await self._one(PID.OUT, knobs, pid=pid, data=data)

    async def in_(self, max_length: int = 512, **knobs: Any) -> Transaction:
        return await self._one(PID.IN, knobs, max_length=max_length)

    async def _one(self, token: int, knobs: dict[str, Any], **values: Any) -> Transaction:
        return await self.wire.execute(
            Transaction(token, 0, 1, knobs=Knobs(**knobs) if knobs else None, **values)
        )


def run(rig: Rig, main: Callable[[Rig], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function on the rig's kernel."""
    try:
        rig.kernel.run_until(main(rig))
    finally:
        rig.kernel.close()
