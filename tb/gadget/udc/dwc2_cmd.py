# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands of the extension bank (requirements S000-06 to S000-08).

The hardware takes up to two milliseconds for a command. The driver can wait for its end in two
ways. Spinning: it reads EPCMD again and again with interrupts off, and nothing else happens on its
processor. Sleeping: the interrupt at the end of the command wakes the caller, and only the caller
waits.
"""

from __future__ import annotations

import errno
import logging
from enum import IntEnum
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import EPCMD, EPCMDPAR0, EPCMDPAR1, EPXINT, EPXMSK, XCAP, XCFG
from tb.kernel import Completion, Mutex, ms, now, os_error

if TYPE_CHECKING:
    from .dwc2_udc import Dwc2Udc

__all__ = ["Command", "EpCommands"]

log = logging.getLogger(__name__)

_TRANSFERS = "plugfest,transfers-by-command"
_END = XCFG.OFFSET + 0x800
_STATUS = {
    1: (errno.EINVAL, "the hardware has no such endpoint, or it is not active"),
    2: (errno.EBUSY, "the endpoint is busy"),
    3: (errno.EOPNOTSUPP, "the hardware does not know the command"),
}
_DONE = EPXINT.CmdCompl.mask


class Command(IntEnum):
    """EPCMD.Cmd."""

    START_TRANSFER = 1
    END_TRANSFER = 2
    UPDATE_TRANSFER = 3
    SET_STALL = 4
    CLEAR_STALL = 5


class EpCommands:
    """Sends commands and waits for their ends.

    Attributes:
        present: the hardware has them.
        spin: wait by reading (else by sleeping); property `plugfest,spin-ep-commands` of the node.
        transfers: transfers are started and ended by commands too, not only halts; property
            `plugfest,transfers-by-command` of the node.
        timeout: how long to wait at most; longer than any command takes (XCAP.CmdLatency).
        sent: commands that were sent; `polls`: readings of EPCMD that found one under way.
    """

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        self.udc = udc
        self.hw = udc.hw
        self.present = False
        self.spin = "plugfest,spin-ep-commands" in udc.device.node.properties
        self.transfers = False
        self.timeout = ms(5)
        self.sent = 0
        self.polls = 0
        self._waiting: dict[int, Completion] = {}
        self._mutexes: dict[int, Mutex] = {}

    async def start(self) -> None:
        """The core has been initialized: switch commands on, if there are any."""
        self._waiting.clear()
        if self.udc.device.size >= _END:
            capabilities = await self.hw.read(XCAP.OFFSET)
            self.present = bool(XCAP.Commands.get(capabilities))
        if self.present:
            config = await self.hw.read(XCFG.OFFSET)
            await self.hw.write(XCFG.OFFSET, config | XCFG.CmdEn.mask)
        if _TRANSFERS in self.udc.device.node.properties:
            self.transfers = self.present and not self.hw.shared
            if not self.transfers:
                why = "shared FIFOs" if self.present else "no endpoint commands"
                log.warning("%s: %s: the hardware has %s", self.hw.name, _TRANSFERS, why)

    async def send_ep_cmd(
        self, number: int, is_in: bool, command: int, par0: int = 0, par1: int = 0
    ) -> None:
        """Send a command to an endpoint and wait until it has taken effect.

        Raises:
            OSError: ETIMEDOUT if the end of the command does not come, EINVAL for an endpoint
                that is not enabled, EINVAL, EBUSY or EOPNOTSUPP as the hardware says, EBUSY too
                while an earlier command hangs.
        """
        index = 2 * number + int(is_in)
        what = Command(command).name if command in list(Command) else f"command {command}"
        name = f"{self.hw.name}: ep{number}{'in' if is_in else 'out'} {what}"
        if not self.udc.daint_mask >> number >> (0 if is_in else 16) & 1:
            # Its interrupt is masked: nobody could tell when the command has ended.
            raise os_error(errno.EINVAL, f"{name}: the endpoint is not enabled")
        self.sent += 1
        order = EPCMD.Cmd.put(command) | EPCMD.CMDACT.mask
        if self.spin:
            with self.hw.lock:
                await self._prepare(index, par0, par1, name)
                answer = await self._spin(index, order, name)
        else:
            async with self._mutexes.setdefault(index, Mutex(name)):
                await self._prepare(index, par0, par1, name)
                answer = await self._sleep(index, order, name)
        status = EPCMD.CmdStatus.get(answer)
        if status:
            number_, text = _STATUS.get(status, (errno.EIO, f"status {status}"))
            raise os_error(number_, f"{name}: {text}")

    async def _prepare(self, index: int, par0: int, par1: int, name: str) -> None:
        if await self.hw.read(EPCMD.at(index)) & EPCMD.CMDACT.mask:
            raise os_error(errno.EBUSY, f"{name}: an earlier command has not ended")
        await self.hw.write(EPCMDPAR0.at(index), par0)
        await self.hw.write(EPCMDPAR1.at(index), par1)

    async def _spin(self, index: int, order: int, name: str) -> int:
        offset, end = EPCMD.at(index), now() + self.timeout
        await self.hw.write(offset, order)
        while (answer := await self.hw.read(offset)) & EPCMD.CMDACT.mask:
            self.polls += 1
            if now() >= end:
                raise os_error(errno.ETIMEDOUT, f"{name}: it does not end")
        return answer

    async def _sleep(self, index: int, order: int, name: str) -> int:
        completion = self._waiting[index] = Completion(name)
        try:
            with self.hw.lock:
                await self.hw.write(EPXINT.at(index), _DONE)
                await self.hw.write(EPXMSK.at(index), _DONE)
                await self.hw.write(EPCMD.at(index), order | EPCMD.IOC.mask)
            if not await completion.wait_timeout(self.timeout):
                raise os_error(errno.ETIMEDOUT, f"{name}: no interrupt says that it has ended")
        finally:
            del self._waiting[index]
            await self.hw.write(EPXMSK.at(index), 0)
        return await self.hw.read(EPCMD.at(index))

    async def interrupt(self, number: int, is_in: bool) -> None:
        """An endpoint interrupts: see whether a command of it has ended (hard interrupt)."""
        index = 2 * number + int(is_in)
        completion = self._waiting.get(index)
        if completion is None or not await self.hw.read(EPXINT.at(index)) & _DONE:
            return
        await self.hw.write(EPXINT.at(index), _DONE)
        completion.complete()
