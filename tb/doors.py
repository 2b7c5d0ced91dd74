# SPDX-License-Identifier: Apache-2.0
"""The raw doors of a Bench: `bench.hw` (registers, interrupts, memory) and `bench.wire`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from pymodel.config import BusTimes
from pymodel.packets import BESL_PS, PID

from .controller import BusFace, Knobs, Memory, Transaction, WireFace
from .kernel import ENOTSUPP, WaitQueue, current, os_error, sleep, us

__all__ = ["HardwareDoor", "WireDoor"]

_KNOBS = {item.name for item in fields(Knobs)}


def _knobs(options: dict[str, Any]) -> Knobs | None:
    unknown = options.keys() - _KNOBS
    if unknown:
        raise TypeError(
            f"unknown error knob {', '.join(sorted(unknown))}; "
            f"there are {', '.join(sorted(_KNOBS))}"
        )
    return Knobs(**options) if options else None


class HardwareDoor:
    """The bus face, raw.

    Attributes:
        memory: `read(address, n)`, `write(address, data)`, `view`.
    """

    def __init__(self, bus: BusFace) -> None:
        """Open the door of a controller."""
        self._bus = bus
        self._changed = WaitQueue("irq change")
        self._changes = 0
        self.memory: Memory = bus.memory
        bus.on_irq(self._on_irq)

    def _on_irq(self, irq: bool, ep_irq: int) -> None:
        self._changes += 1
        self._changed.wake_up()

    @property
    def irq(self) -> bool:
        """Level of the interrupt line now."""
        return self._bus.irq

    @property
    def ep_irq(self) -> int:
        """Levels of the per-endpoint lines now, IN 15:0, OUT 31:16."""
        return self._bus.ep_irq

    async def irq_change(self) -> bool:
        """Wait until an interrupt line changes; returns the level of `irq`."""
        seen = self._changes
        await self._changed.wait_event(lambda: self._changes != seen)
        return self._bus.irq

    async def read32(self, offset: int) -> int:
        """Return the register at a byte offset.

        Raises:
            ValueError: the offset is not a multiple of 4 below 0x40000.
        """
        self._check(offset)
        return await self._bus.read32(offset)

    async def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset.

        Raises:
            ValueError: offset not a multiple of 4 below 0x40000, or value beyond 32 bits.
        """
        self._check(offset)
        if not 0 <= value < 1 << 32:
            raise ValueError(f"value {value:#x} does not fit 32 bits")
        await self._bus.write32(offset, value)

    def memory_latency(self, clocks: int, more: int = 0) -> None:
        """Let the memory answer the controller's DMA late.

        Args:
            clocks: of the core, for every burst.
            more: up to so many clocks more, at random (RTL only).

        Raises:
            OSError: ENOTSUPP if the controller's memory has no such knob.
        """
        self._knob("memory_latency")(clocks, more)

    def memory_error(
        self, address: int, size: int, *, reads: bool = True, writes: bool = True
    ) -> None:
        """Let the memory answer the controller's accesses to a range with an error.

        Args:
            address: a multiple of 4.
            size: bytes, a multiple of 4; 0 takes all ranges back.
            reads: it answers reads so.
            writes: it answers writes so.

        Raises:
            OSError: EINVAL for part of a word, ENOTSUPP if the memory has no such knob.
        """
        self._knob("memory_error")(address, size, reads=reads, writes=writes)

    def _knob(self, name: str) -> Callable[..., None]:
        knob: Callable[..., None] | None = getattr(self._bus, name, None)
        if knob is None:
            raise os_error(ENOTSUPP, f"the bus face of this controller has no {name}")
        return knob

    @staticmethod
    def _check(offset: int) -> None:
        if offset & 3 or not 0 <= offset < 0x40000:
            raise ValueError(f"offset {offset:#x}: a register offset is a multiple of 4 < 0x40000")


class WireDoor:
    """The wire face, raw: single transactions, packets, bus states.

    Every call takes the error knobs (`tb.controller.Knobs`) as keywords.
    """

    def __init__(self, wire: WireFace, times: BusTimes) -> None:
        """Open the door of a controller."""
        self._wire = wire
        self._times = times
        self._resume: int | None = None

    @property
    def line_state(self) -> str:
        """Line state now: "SE0", "J", "K" or "SE1"."""
        return self._wire.line_state

    @property
    def speed(self) -> str | None:
        """Speed after a reset, "full" or "high", else None."""
        return self._wire.speed

    @property
    def connected(self) -> bool:
        """True while the device shows its pull-up."""
        return self._wire.connected

    async def setup(self, address: int, endpoint: int, data8: bytes, **knobs: Any) -> Transaction:
        """Send a SETUP transaction with 8 bytes in DATA0."""
        return await self._run(PID.SETUP, address, endpoint, knobs, pid=PID.DATA0, data=data8)

    async def out(
        self,
        address: int,
        endpoint: int,
        pid: int,
        data: bytes,
        *,
        isochronous: bool = False,
        **knobs: Any,
    ) -> Transaction:
        """Send an OUT transaction; `pid` is DATA0, DATA1, DATA2 or MDATA.

        With `isochronous` no handshake is awaited.
        """
        return await self._run(
            PID.OUT, address, endpoint, knobs, pid=pid, data=data, isochronous=isochronous
        )

    async def in_(
        self,
        address: int,
        endpoint: int,
        max_length: int = 1024,
        *,
        isochronous: bool = False,
        **knobs: Any,
    ) -> Transaction:
        """Send an IN token; good data is acknowledged, but not with `isochronous`."""
        return await self._run(
            PID.IN, address, endpoint, knobs, max_length=max_length, isochronous=isochronous
        )

    async def ping(self, address: int, endpoint: int, **knobs: Any) -> Transaction:
        """Send a PING (high speed)."""
        return await self._run(PID.PING, address, endpoint, knobs)

    async def lpm(
        self,
        address: int,
        besl: int = 0,
        remote_wake: bool = False,
        link_state: int = 1,
        *,
        endpoint: int = 0,
        **knobs: Any,
    ) -> Transaction:
        """Ask the device to enter L1; when it acknowledges the bus is idle until `resume`.

        Args:
            address: of the device.
            besl: how long the host will drive resume, 0 to 15 (`pymodel.packets.BESL_PS`).
            remote_wake: the device may wake the host.
            link_state: wanted; 1 is L1, devices refuse the others.
            endpoint: of the token, 0 by the specification.
            knobs: errors and delays; those of data packets are for the second packet.
        """
        if endpoint:
            knobs.setdefault("by_hand", True)
        attributes = link_state & 0xF | (besl & 0xF) << 4 | remote_wake << 8
        result = await self._run(
            PID.EXT, address, endpoint, knobs, pid=PID.LPM, data=attributes.to_bytes(2, "little")
        )
        if result.handshake == "ACK" and not knobs.get("no_handshake"):
            self._resume = BESL_PS[besl & 0xF]
        return result

    async def _run(
        self, token: int, address: int, endpoint: int, knobs: dict[str, Any], **values: Any
    ) -> Transaction:
        return await self._wire.execute(
            Transaction(token, address, endpoint, knobs=_knobs(knobs), **values)
        )

    async def send(self, packet: bytes, **knobs: Any) -> None:
        """Send one packet as it is, PID to CRC."""
        await self._wire.send(packet, _knobs(knobs))

    async def receive(self, timeout: int) -> bytes | None:
        """Return the device's next packet, None after `timeout` picoseconds."""
        return await self._wire.receive(timeout)

    def vbus(self, on: bool) -> None:
        """Switch VBUS."""
        self._wire.vbus(on)

    async def reset(self, duration: int | None = None) -> str | None:
        """Drive a bus reset (default: the scaled 50 ms); returns the speed found."""
        self._resume = None
        return await self._wire.reset(duration or self._times.reset)

    async def suspend(self) -> None:
        """Stop SOFs and leave the bus idle."""
        await self._wire.suspend()

    async def resume(self, duration: int | None = None) -> None:
        """Drive resume (default: the scaled 20 ms; in L1 the time of its BESL), then SOFs again."""
        default, self._resume = self._resume or self._times.resume, None
        await self._wire.resume(duration or default)

    async def sof(self, count: int) -> None:
        """Wait until `count` more SOFs have started."""
        wire = self._wire
        target = wire.frame + count
        while wire.frame < target:
            left = wire.frame_time(target) - current().now
            # It comes in this moment, or a suspend has put it off.
            await sleep(left if left > 0 else us(0.1) if left > -us(5) else us(1))
