# SPDX-License-Identifier: Apache-2.0
"""The two faces of a controller, as protocols: what it must offer, nothing more.

Whatever offers a `BusFace` and a `WireFace` is a controller: the RTL, the model, a user's own.
All callbacks are plain functions, called from the kernel's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pymodel.config import UdcParameters
from pymodel.wire import Knobs, LineEvent, PacketRecord, Transaction

from .kernel import Memory

__all__ = [
    "BusFace",
    "Controller",
    "Knobs",
    "LineEvent",
    "Memory",
    "PacketRecord",
    "Transaction",
    "UdcParameters",
    "WireFace",
]


class BusFace(Protocol):
    """The side of the device machine's CPU: registers, interrupts, DMA memory.

    Attributes:
        irq: level of the interrupt line now.
        ep_irq: levels of the per-endpoint lines now, IN 15:0, OUT 31:16.
        memory: what the controller's DMA reads and writes.
    """

    @property
    def irq(self) -> bool:
        """Level of the interrupt line now."""

    @property
    def ep_irq(self) -> int:
        """Levels of the per-endpoint lines now."""

    @property
    def memory(self) -> Memory:
        """What the controller's DMA reads and writes."""

    def on_irq(self, callback: Callable[[bool, int], None]) -> None:
        """Call `callback(irq, ep_irq)` at every change of a level."""

    async def read32(self, offset: int) -> int:
        """Return the register at a byte offset (a multiple of 4, below 0x40000)."""

    async def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""

    async def read_fifo(self, offset: int, size: int) -> bytes:
        """Read `size` bytes as words from one offset, as one operation."""

    async def write_fifo(self, offset: int, data: bytes | memoryview) -> None:
        """Write words to one offset as one operation; the last word is padded with zeros."""


class WireFace(Protocol):
    """The side of the host: transactions, packets and line states, with time.

    Attributes:
        speed: "full" or "high" after a reset, else None.
        line_state: "SE0", "J", "K" or "SE1" now.
        connected: the device shows its pull-up.
        frame: present (micro)frame, counted from the first SOF after reset; -1 before it.
        force_full_speed: do not answer a device's chirp.
    """

    force_full_speed: bool

    @property
    def speed(self) -> str | None:
        """Speed found by the last reset."""

    @property
    def line_state(self) -> str:
        """State of D+ and D- now."""

    @property
    def connected(self) -> bool:
        """The device shows its pull-up."""

    @property
    def frame(self) -> int:
        """Present (micro)frame."""

    def submit(
        self, transactions: Sequence[Transaction], done: Callable[[Transaction], None]
    ) -> None:
        """Queue transactions, executed in order; `done` is called with each when it has ended.

        A transaction with `frame` waits for that (micro)frame, and ends as "late" if it is over.
        One that might not fit before the next SOF waits for the next (micro)frame. When one of a
        non-zero `chain` does not succeed, those queued behind it in the chain end as "skipped".
        Success: ACK (and, ending the chain all the same, NYET) for OUT, ACK for SETUP and PING,
        good data of full `max_length` for IN.
        """

    def cancel(self, chain: int) -> None:
        """End the transactions of a chain that have not started as "skipped"."""

    def on_line(self, callback: Callable[[LineEvent], None]) -> None:
        """Call back at connect, disconnect, speed and remote wake-up."""

    def monitor(self, callback: Callable[[list[PacketRecord]], None]) -> None:
        """Call back with every packet of both directions, in order, in batches.

        A packet is reported no later than the end of the transaction that it belongs to.
        """

    def vbus(self, on: bool) -> None:
        """Switch VBUS."""

    async def reset(self, duration: int) -> str | None:
        """Drive a bus reset of `duration` picoseconds; SOFs start by themselves afterwards.

        Returns:
            The speed that was found ("full" or "high"), None without a device.
        """

    async def suspend(self) -> None:
        """Stop SOFs and leave the bus idle."""

    async def resume(self, duration: int) -> None:
        """Drive resume for `duration` picoseconds, then SOFs again."""

    def sof_enable(self, on: bool) -> None:
        """Start or stop SOFs."""

    def frame_time(self, frame: int) -> int:
        """Return the time at which the SOF of a (micro)frame starts, picoseconds."""

    async def execute(self, transaction: Transaction) -> Transaction:
        """Submit one transaction and wait for its end."""

    async def send(self, packet: bytes, knobs: Knobs | None = None) -> None:
        """Send one packet as it is, PID to CRC."""

    async def receive(self, timeout: int) -> bytes | None:
        """Return the next packet from the device, None after `timeout` picoseconds."""


class Controller(Protocol):
    """A controller to test.

    Attributes:
        name: of the backend, e.g. "model".
        bus: its bus face.
        wire: its wire face.
        parameters: what it was built with.
        clock_cycles: UTMI clocks since the start.
    """

    name: str
    parameters: UdcParameters

    @property
    def bus(self) -> BusFace:
        """The bus face."""

    @property
    def wire(self) -> WireFace:
        """The wire face."""

    @property
    def clock_cycles(self) -> int:
        """UTMI clocks since the start."""

    async def start(self) -> None:
        """Power on: leave hardware reset."""

    def close(self) -> None:
        """Let go of what it holds."""
