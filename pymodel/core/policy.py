# SPDX-License-Identifier: Apache-2.0
"""What a model does that nobody leads: the eager policy.

It makes every choice at once: causes become visible, status words are pushed, FIFOs are flushed
and the DMA moves a packet as soon as that is possible (after `dma_latency`, if that is not 0).
All of it happens through `UdcModel.step`.
"""

from __future__ import annotations

from typing import Protocol

from pymodel.packets import PID
from pymodel.trace import Cause, Kind

from .fields import EPI_DISBLD, PKTSTS_SETUP
from .model import UdcModel
from .state import InEndpoint, OutEndpoint

__all__ = ["DmaMemory", "EagerPolicy"]

_OUT = int(PID.OUT)
_INT_SET = int(Kind.INT_SET)
_RX_STATUS = int(Kind.RX_STATUS)
_RX_POP = int(Kind.RX_POP)
_TX_PACKET = int(Kind.TX_PACKET)
_FLUSH = int(Kind.FLUSH)
_COMMAND = int(Kind.COMMAND)
_DESC = int(Kind.DESC)


class DmaMemory(Protocol):
    """The memory behind the controller's bus master."""

    def device_read(self, address: int, size: int) -> bytes:
        """Return bytes that the device fetches."""

    def device_write(self, address: int, data: bytes) -> None:
        """Store bytes that the device delivers."""


class EagerPolicy:
    """Makes the choices of a stand-alone model.

    Attributes:
        model: whose choices these are.
        dma_latency: picoseconds from the moment that a packet could move to its move.
        dma_due: when the pending move happens; None when nothing waits.
        bytes_in: payload bytes that were fetched; `bytes_out`: delivered.
    """

    def __init__(self, model: UdcModel, memory: DmaMemory, dma_latency: int = 0) -> None:
        """Serve a model."""
        self.model = model
        self.memory = memory
        self.dma_latency = dma_latency
        self.dma_due: int | None = None
        self.bytes_in = 0
        self.bytes_out = 0

    def settle(self, now: int = 0) -> None:
        """Do everything that the model may do by itself at this moment."""
        model = self.model
        step = model.step
        entries = model.rx.entries
        while True:
            if model.due_status:
                kind, n = model.due_status[0]
                step((_RX_STATUS, kind << 4 | n, 0))
                continue
            if model.flushing:
                for number in sorted(model.flushing):
                    step((_FLUSH, number, 0))
                continue
            if model.dma_on:
                if self.dma_latency:
                    if self.dma_due is None and self._can_move():
                        self.dma_due = now + self.dma_latency
                elif (entries or model.fetching or model.desc_on) and self._move():
                    continue
            if model.command_due and self._command():
                continue
            if model.due and self._causes():
                continue
            return

    def _causes(self) -> bool:
        """Let causes become visible; a disable waits for the end of the endpoint's packet."""
        model, found = self.model, False
        for key, bits in list(model.due.items()):
            if bits & EPI_DISBLD and self._on_the_wire(key):
                bits &= ~EPI_DISBLD
            if bits:
                model.step((_INT_SET, key, bits))
                found = True
        return found

    def _on_the_wire(self, key: int) -> bool:
        model = self.model
        which, n = key >> 8, key & 0xFF
        if which == Cause.DIEPINT:
            return model.ins[n].sending >= 0
        return which == Cause.DOEPINT and model.token is not None and model.token[:2] == (_OUT, n)

    def next_event(self) -> int | None:
        """Return when something happens next by itself, picoseconds; None for never."""
        times = [*self.model.command_due.values()]
        if self.dma_due is not None:
            times.append(self.dma_due)
        return min(times, default=None)

    def advance(self, to: int) -> None:
        """Do what happens by itself until a time in picoseconds."""
        model = self.model
        while (when := self.next_event()) is not None and when <= to:
            model.time = max(model.time, when)
            if when == self.dma_due:
                self.dma_move(when)
            else:
                self.settle(when)
        model.time = max(model.time, to)

    def _command(self) -> bool:
        """Let the next command take effect, if its latency is over."""
        model = self.model
        index = model.next_command()
        if index is None or model.command_due[index] > model.time:
            return False
        model.step((_COMMAND, index, model.command_result(index)))
        return True

    def dma_move(self, now: int) -> None:
        """The latency is over: move one packet, then settle."""
        self.dma_due = None
        if self.model.dma_on:
            self._move()
        self.settle(now)

    def _can_move(self) -> bool:
        model = self.model
        if model.desc_on:
            ends: list[InEndpoint | OutEndpoint] = [*model.ins, *model.outs]
            for end in ends:
                if model.closing_due(end) is not None or model.may_load(end):
                    return True
        return model.rx_ready() or any(model.tx_ready(ep) for ep in model.fetching)

    def _move(self) -> bool:
        """Move one packet or descriptor; False if none can move."""
        model = self.model
        if model.desc_on and self._descriptor():
            return True
        if model.rx.entries and model.rx_ready():
            entry = model.rx.entries[0]
            address, payload = model.step((_RX_POP, entry.kind << 4 | entry.endpoint, entry.status))
            if payload:
                self.memory.device_write(address & ~3, payload)
                if entry.kind != PKTSTS_SETUP:
                    self.bytes_out += len(payload)
            return True
        fetching = model.fetching
        for ep in model.fetch_order(fetching) if model.shared else fetching:
            size = model.tx_ready(ep)
            if size:
                payload = self.memory.device_read(model.to_fetch(ep)[0] & ~3, size)
                model.step((_TX_PACKET, ep.index, size), payload)
                self.bytes_in += size
                # Round robin: whoever was served goes to the end of the line.
                fetching.remove(ep)
                if model.to_fetch(ep)[1]:
                    fetching.append(ep)
                return True
        return False

    def _descriptor(self) -> bool:
        """Close or load one descriptor; False if there is none."""
        model = self.model
        for is_in, ends in ((0x10, model.ins), (0, model.outs)):
            for end in ends:
                arg = is_in | end.index
                word = model.closing_due(end)
                if word is not None:
                    self.memory.device_write(end.dma & ~3, word.to_bytes(4, "little"))
                    if model.descriptor_refused(end, write=True):
                        model.descriptor_failed(end)
                    else:
                        model.step((_DESC, 0x100 | arg, word))
                    return True
                if model.may_load(end):
                    if model.descriptor_refused(end, write=False):
                        model.descriptor_failed(end)
                        return True
                    pair = self.memory.device_read(end.dma & ~3, 8)
                    status = int.from_bytes(pair[:4], "little")
                    model.step((_DESC, arg, status), int.from_bytes(pair[4:], "little"))
                    return True
        return False
