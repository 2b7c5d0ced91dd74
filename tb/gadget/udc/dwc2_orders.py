# SPDX-License-Identifier: Apache-2.0
"""Transfers that are started and ended by endpoint commands (requirements S000-06 to S000-08).

Property `plugfest,transfers-by-command` of the node asks for it. What would be a few register
writes takes as long as the hardware's commands then. Spinning, that time passes where the transfer
is started, most often in the interrupt handler. Sleeping, a thread of the endpoint waits (S000-20):
handlers leave there what is to be started or taken back, and other endpoints go on.

Commands know no frames, and a flush of the shared Tx FIFO is more than the affair of one endpoint:
isochronous endpoints and cores with shared FIFOs keep to the registers. So does endpoint 0, whose
next SETUP must not wait.
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from tb.kernel import Context, Work

from .dwc2_cmd import Command
from .dwc2_tx import EPENA

if TYPE_CHECKING:
    from ..endpoint import UsbRequest
    from .dwc2_ep import Dwc2Ep

__all__ = ["Orders"]

log = logging.getLogger(__name__)

_PRIORITY = 60


class Orders:
    """What one endpoint has to tell the hardware."""

    def __init__(self, ep: Dwc2Ep) -> None:
        """Serve an endpoint."""
        self.ep = ep
        self._quiet = False
        self._stopping = False
        self._commands = ep.udc.commands
        self._start: tuple[int, int] | None = None
        self._back: list[UsbRequest] = []
        self._work = Work(
            self._run,
            name=f"{ep.name} commands",
            cpu=ep.hw.bus.cpu,
            context=Context.IRQ_THREAD,
            priority=_PRIORITY,
        )

    @property
    def held(self) -> bool:
        """Nothing is started; somebody ends the endpoint's transfers."""
        return self._quiet or self._stopping

    # -- from handlers, interrupts are off -------------------------------------------------

    async def start(self, address: int, size: int) -> None:
        """Start the transfer of the active request.

        Args:
            address: what DxEPDMA is to hold.
            size: what DxEPTSIZ is to hold.
        """
        if self.held:
            return
        self._start = (address, size)
        if self._commands.spin:
            await self._send_start()
        else:
            self._work.schedule()

    def take_back(self, request: UsbRequest) -> None:
        """End the transfer of a request, then give it back."""
        self._back.append(request)
        self._work.schedule()

    # -- whoever may sleep -----------------------------------------------------------------

    async def quiet(self) -> None:
        """Start nothing any more, and wait for the command that is under way."""
        self._quiet = True
        self._start = None
        self._back.clear()
        await self._work.flush()

    def go_on(self) -> None:
        """Undo `quiet`."""
        self._quiet = False

    async def stop(self) -> bool:
        """End the transfer, if there is one.

        Returns:
            True if the transfer had been complete already.
        """
        self._stopping = True
        try:
            if self._commands.spin:
                with self.ep.hw.lock:
                    return await self._end()
            return await self._end()
        finally:
            self._stopping = False

    async def _end(self) -> bool:
        ep, hw = self.ep, self.ep.hw
        with hw.lock:
            await ep.hold()
            if not await hw.read(ep.r_ctl) & EPENA:
                return await ep.stop()
        try:
            await self._commands.send_ep_cmd(ep.number, ep.dir_in, Command.END_TRANSFER)
        except OSError as error:
            # After a bus reset the hardware takes no commands for the endpoint.
            log.info("%s; by registers then", error.strerror)
        with hw.lock:
            return await ep.stop()

    # -- the thread ------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if self._back:
                await self._give_back(self._back.pop(0))
            elif self._start is not None:
                await self._send_start()
            else:
                return

    async def _give_back(self, request: UsbRequest) -> None:
        ep = self.ep
        if ep.active is not request:
            return
        complete = False
        if self._start is not None:
            # The hardware has not heard of it.
            self._start = None
        else:
            complete = await self.stop()
        with ep.hw.lock:
            if ep.active is request:
                self._stopping = True
                if complete:
                    await ep.transfer_done()
                if ep.active is request:
                    ep.finish(request, -errno.ECONNRESET)
                self._stopping = False
            ep.udc.kick(ep)

    async def _send_start(self) -> None:
        ep = self.ep
        request, order = ep.active, self._start
        self._start = None
        if request is None or order is None:
            return
        start = Command.START_TRANSFER
        try:
            await self._commands.send_ep_cmd(ep.number, ep.dir_in, start, *order)
        except OSError as error:
            log.error("%s", error.strerror)
            with ep.hw.lock:
                await ep.stop()
                if ep.active is request:
                    ep.finish(request, -(error.errno or errno.EIO))
                ep.udc.kick(ep)
            return
        if ep.dir_in and not ep.hw.dma:
            with ep.hw.lock:
                if ep.active is request and not self.held:
                    await ep.fill()
