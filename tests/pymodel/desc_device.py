# SPDX-License-Identifier: Apache-2.0
"""A stand-alone model in descriptor DMA, with lists of descriptors in its memory."""

from __future__ import annotations

from typing import Any

from pymodel.config import UdcParameters
from pymodel.gen.udc_regs import DCFG, DIEPCTL, DIEPDMA, DOEPCTL, DOEPDMA
from pymodel.trace import Kind
from tests.pymodel.model_device import BASE, CNAK, EPENA, Device

__all__ = ["DONE", "IOC", "LAST", "MTRF", "SETUP_LIST", "SHORT", "SR", "DescDevice"]

DONE, LAST, SHORT, IOC, SR, MTRF = 2 << 30, 1 << 27, 1 << 26, 1 << 25, 1 << 24, 1 << 23
SETUP_LIST = BASE + 0xF000
SETUP_BUFFER = BASE + 0xF100


class DescDevice(Device):
    """Every choice is made at once, as in `Device`."""

    def __init__(self, speed: str = "high", trace: bool = False, attach: bool = True) -> None:
        super().__init__(True, speed, trace, UdcParameters(desc_dma=1), attach)
        if attach:
            self.set(DCFG.OFFSET, DCFG.DescDMA.mask)

    def put(self, address: int, *descriptors: tuple[int, int]) -> None:
        """Write a list of (status, buffer)."""
        for index, pair in enumerate(descriptors):
            words = b"".join(word.to_bytes(4, "little") for word in pair)
            self.memory.device_write(address + 8 * index, words)

    def status(self, address: int, index: int = 0) -> int:
        """Return the status word of a descriptor."""
        return int.from_bytes(self.memory.device_read(address + 8 * index, 4), "little")

    def bytes_at(self, address: int, size: int) -> bytes:
        return self.memory.device_read(address, size)

    def fill(self, address: int, data: bytes) -> None:
        self.memory.device_write(address, data)

    def start(self, n: int, is_in: bool, address: int | None) -> None:
        """Point an endpoint at a list (None: leave the pointer) and enable it."""
        control, pointer = (DIEPCTL, DIEPDMA) if is_in else (DOEPCTL, DOEPDMA)
        if address is not None:
            self.write(pointer.at(n), address)
        self.set(control.at(n), EPENA | CNAK)

    def arm_setup(self, address: int = SETUP_LIST) -> None:
        """A list for SETUPs, as Linux has it."""
        self.put(address, (LAST | IOC | 64, SETUP_BUFFER))
        self.write(DOEPDMA.at(0), address)
        self.set(DOEPCTL.at(0), EPENA)

    def sof(self, number: int) -> None:
        self.tick()
        self.layer.sof(number)

    def events(self, kind: Kind) -> list[Any]:
        """Return the events of a kind that were traced."""
        assert self.model.trace is not None
        return [word for _, word in self.model.trace if word >> 56 == kind]
