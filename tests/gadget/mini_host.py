# SPDX-License-Identifier: Apache-2.0
"""A host of a few lines on the wire of the model, for tests of the device machine alone."""

from __future__ import annotations

import errno
from collections.abc import Callable, Coroutine
from typing import Any

from pymodel.config import UdcParameters
from pymodel.packets import PID
from pymodel.wire import Knobs, Transaction
from tb.gadget import DeviceMachine, default_node
from tb.kernel import Kernel, os_error, us
from tb.sim.model import ModelController
from tb.usb import SetupPacket

__all__ = ["MiniHost", "run"]

_TRIES = 20_000


class MiniHost:
    """Control and bulk transfers, one transaction at a time.

    Modes are "dma", "slave" or "desc", with "-shared" behind them for shared FIFOs. "+commands"
    behind that has the driver start and end transfers by endpoint commands, "+spin" also spin.
    """

    MODES = ("dma", "slave", "dma-shared", "slave-shared", "desc")
    COMMAND_MODES = ("dma+commands", "slave+commands", "desc+commands", "dma+spin", "slave+spin")

    def __init__(
        self,
        mode: str = "dma",
        speed: str = "high",
        node: str | None = None,
        **parameters: int,
    ) -> None:
        mode, _, how = mode.partition("+")
        mode, _, scheme = mode.partition("-")
        fifo = scheme or "dedicated"
        self.kernel = Kernel()
        hardware = {"dedicated_fifo": int(fifo == "dedicated"), "desc_dma": int(mode == "desc")}
        if how:
            parameters = {"commands": 1, "cmd_latency": 20} | parameters
        self.parameters = UdcParameters(time_scale=100, **hardware | parameters)
        if how and node is None:
            more = "plugfest,transfers-by-command;"
            if how == "spin":
                more += " plugfest,spin-ep-commands;"
            node = default_node(self.parameters).replace("dr_mode", f"{more} dr_mode")
        self.controller = ModelController(self.kernel, self.parameters)
        self.wire = self.controller.wire
        self.wire.force_full_speed = speed == "full"
        self.device = DeviceMachine(
            self.kernel, self.controller.bus, self.parameters, mode=mode, fifo=fifo, node=node
        )
        self.address = 0
        self.toggles: dict[tuple[int, int], int] = {}
        self.ping = False

    @property
    def udc(self) -> Any:
        assert self.device.platform_device is not None
        return self.device.platform_device.driver_data

    async def attach(self) -> str | None:
        self.wire.vbus(True)
        self.address = 0
        self.toggles.clear()
        return await self.wire.reset(us(500))

    async def transaction(self, token: int, endpoint: int, **values: Any) -> Transaction:
        knobs = values.pop("knobs", None)
        return await self.wire.execute(
            Transaction(token, self.address, endpoint, knobs=knobs, **values)
        )

    async def until_done(self, token: int, endpoint: int, **values: Any) -> Transaction:
        for _ in range(_TRIES):
            one = await self.transaction(token, endpoint, **values)
            if one.status.value == "stall":
                raise os_error(errno.EPIPE, f"endpoint {endpoint} stalls")
            if one.status.value != "nak":
                return one
        raise os_error(errno.ETIMEDOUT, f"endpoint {endpoint} only NAKs")

    async def control(
        self,
        kind: int,
        request: int,
        value: int = 0,
        index: int = 0,
        length: int = 0,
        data: bytes = b"",
        knobs: Knobs | None = None,
    ) -> bytes:
        """Do a control transfer; EPIPE for a stall."""
        setup = SetupPacket(kind, request, value, index, length or len(data))
        one = await self.transaction(PID.SETUP, 0, pid=PID.DATA0, data=bytes(setup), knobs=knobs)
        assert one.handshake == "ACK", one
        answer = b""
        toggle = PID.DATA1
        if setup.is_in:
            while len(answer) < length:
                one = await self.until_done(PID.IN, 0, max_length=64)
                assert one.status.value == "ok", one
                assert one.rx_pid == toggle
                answer += one.rx_data
                toggle = PID.DATA0 if toggle == PID.DATA1 else PID.DATA1
                if len(one.rx_data) < 64:
                    break
            await self.until_done(PID.OUT, 0, pid=PID.DATA1, data=b"")
            return answer
        while data:
            await self.until_done(PID.OUT, 0, pid=toggle, data=data[:64])
            data = data[64:]
            toggle = PID.DATA0 if toggle == PID.DATA1 else PID.DATA1
        one = await self.until_done(PID.IN, 0, max_length=64)
        assert one.rx_pid == PID.DATA1
        assert one.rx_data == b""
        return b""

    async def enumerate(self) -> None:
        assert len(await self.control(0x80, 6, 0x0100, 0, 64)) == 18
        await self.control(0x00, 5, 5)
        self.address = 5
        assert len(await self.control(0x80, 6, 0x0100, 0, 18)) == 18
        head = await self.control(0x80, 6, 0x0200, 0, 9)
        total = int.from_bytes(head[2:4], "little")
        assert len(await self.control(0x80, 6, 0x0200, 0, 255)) == total
        await self.control(0x00, 9, 1)

    def _toggle(self, endpoint: int, direction: int) -> int:
        return PID.DATA1 if self.toggles.get((endpoint, direction), 0) else PID.DATA0

    def _flip(self, endpoint: int, direction: int) -> None:
        self.toggles[endpoint, direction] = 1 - self.toggles.get((endpoint, direction), 0)

    async def bulk_out(self, endpoint: int, data: bytes, packet: int = 512) -> None:
        """Send; a multiple of the packet size is not ended by a ZLP."""
        at = 0
        while True:
            piece = data[at : at + packet]
            one = await self.until_done(
                PID.OUT, endpoint, pid=self._toggle(endpoint, 0), data=piece
            )
            assert one.handshake in ("ACK", "NYET"), one
            self._flip(endpoint, 0)
            at += packet
            if at >= len(data):
                return

    async def bulk_in(self, endpoint: int, length: int, packet: int = 512) -> bytes:
        """Receive until `length` bytes or a short packet."""
        data = b""
        while len(data) < length:
            one = await self.until_done(PID.IN, endpoint, max_length=packet)
            assert one.status.value == "ok", one
            assert one.rx_pid == self._toggle(endpoint, 1)
            self._flip(endpoint, 1)
            data += one.rx_data
            if len(one.rx_data) < packet:
                break
        return data


def run(host: MiniHost, main: Callable[[MiniHost], Coroutine[Any, Any, None]]) -> None:
    """Boot the machine and run a test coroutine on the kernel."""

    async def whole() -> None:
        await host.device.start()
        await main(host)

    try:
        host.kernel.run_until(whole())
    finally:
        host.kernel.close()
