# SPDX-License-Identifier: Apache-2.0
"""What a controller may load and write back in descriptor DMA (facts section 11)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from pymodel.trace import Cause, Event

from . import fields as f
from .state import InEndpoint, OutEndpoint

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["DescriptorJudge"]

End = InEndpoint | OutEndpoint
_RESERVED: Final = 0x7F << 16
"""Bits that nobody defines outside isochronous descriptors."""


class DescriptorJudge:
    """Judges loads and write-backs for a `Checker`."""

    def __init__(self, checker: Checker, reads: deque[tuple[int, int]]) -> None:
        """Belong to a checker; `reads` are the words fetched so far."""
        self.checker = checker
        self._reads = reads
        self._written: dict[int, int] = {}

    def forget(self) -> None:
        """A reset ends what is under way."""
        self._written.clear()

    def ends(self) -> list[End]:
        """Return every endpoint."""
        model = self.checker.model
        return [*model.ins, *model.outs]

    def busy(self) -> bool:
        """Tell whether a descriptor could be loaded or written back now."""
        model = self.checker.model
        return model.desc_on and any(
            model.may_load(end) or model.closing_word(end) is not None for end in self.ends()
        )

    def pending(self) -> list[tuple[str, int, int]]:
        """Return the loads and write-backs that are due, (what, index, place)."""
        model = self.checker.model
        found = []
        for index, end in enumerate(self.ends()):
            if model.closing_due(end) is not None:
                found.append(("write-back", index, end.dma))
            elif model.may_load(end):
                found.append(("load", index, end.dma))
        return found

    def write_back(self, place: int, word: int, popping: int | None) -> bool:
        """DMA_WRITE: take a word that goes to a descriptor; False if it goes elsewhere.

        Args:
            place: address, bits 23:2.
            word: what was written.
            popping: OUT endpoint whose packet is in memory but not yet reported as popped.
        """
        model = self.checker.model
        for end in self.ends():
            if place != end.dma & 0xFFFFFC:
                continue
            is_out = isinstance(end, OutEndpoint)
            if model.closing_word(end) is not None or (is_out and end.index == popping):
                self._written[place] = word
                return True
        return False

    def bus_error(self, key: int) -> None:
        """AHBErr: only memory knows why; an endpoint whose descriptor it was stops."""
        checker = self.checker
        table: list[InEndpoint] | list[OutEndpoint]
        table = checker.model.ins if key >> 8 == Cause.DIEPINT else checker.model.outs
        if not checker.model.desc_on or key & 0xFF >= len(table):
            return
        end = table[key & 0xFF]
        place = end.dma & 0xFFFFFC
        lost = list(self._reads)[-2:]
        loading = [address & 0xFFFFFC for address, _ in lost] == [place, place + 4 & 0xFFFFFC]
        if place in self._written:
            del self._written[place]
        elif loading and not end.desc.loaded:
            self._reads.clear()
        else:
            return
        checker.model.descriptor_failed(end)

    def desc(self, event: Event) -> None:
        """DESC: a descriptor was loaded or closed."""
        checker = self.checker
        model = checker.model
        n, is_in = event.arg & 0xF, event.arg >> 4 & 1
        table: list[InEndpoint] | list[OutEndpoint] = model.ins if is_in else model.outs
        if not model.desc_on or event.arg >> 9 or n >= len(table) or not table[n].exists:
            checker.wrong("descriptor", f"{event}: there are no such descriptors")
            return
        name = f"{'IN' if is_in else 'OUT'} {n}"
        if event.arg >> 8:
            self._closed(event, table[n], name)
        else:
            self._loaded(event, table[n], name)
        checker.touch(f"{'in' if is_in else 'out'}{n}", "desc")

    def _loaded(self, event: Event, end: End, name: str) -> None:
        checker = self.checker
        model = checker.model
        short = name.lower().replace(" ", "")
        if not model.may_load(end):
            # The load may have begun before software stopped the endpoint.
            began = end.enabled and end.desc.written and not end.desc.loaded
            if checker.recent(short, "rx", "all") or (began and checker.lately(short)):
                checker.waive("descriptor loaded while software stopped the endpoint")
            else:
                checker.wrong(
                    "descriptor loaded",
                    f"{name}: enabled {end.enabled}, NAK {end.nak}, address written "
                    f"{end.desc.written}, one is loaded: {end.desc.loaded}",
                )
        if model.descriptor_refused(end, write=False):
            checker.wrong("descriptor loaded", f"{name}: memory answered with an error")
        status, buffer = self._pair(event, end, name)
        if status != event.data:
            checker.wrong(
                "descriptor loaded", f"{name}: status {event.data:08x}, memory had {status:08x}"
            )
        checker.step(event, buffer)

    def _pair(self, event: Event, end: End, name: str) -> tuple[int, int]:
        """Return the two words that were read last, which must be the descriptor's."""
        checker = self.checker
        reads = self._reads
        if len(reads) < 2:
            checker.wrong("descriptor loaded", f"{name}: nothing was read")
            return event.data, 0
        for _ in range(len(reads) - 2):
            reads.popleft()
            checker.waive("DMA read of a packet that was given up")
        (place, status), (second, buffer) = reads
        reads.clear()
        wanted = [end.dma & 0xFFFFFC, end.dma + 4 & 0xFFFFFC]
        if [place & 0xFFFFFC, second & 0xFFFFFC] != wanted:
            checker.wrong(
                "descriptor loaded",
                f"{name}: read from 0x..{place:06x}, the descriptor is at 0x{end.dma:08x}",
            )
        return status, buffer

    def _closed(self, event: Event, end: End, name: str) -> None:
        checker = self.checker
        model = checker.model
        expected = model.closing_word(end)
        if model.descriptor_refused(end, write=True):
            checker.wrong("descriptor written back", f"{name}: memory answered with an error")
        place = end.dma & 0xFFFFFC
        written = self._written.pop(place, None)
        if expected is None:
            checker.wrong(
                "descriptor written back",
                f"{name}: {event.data:08x}; loaded {end.desc.loaded}, {end.desc.left} bytes left, "
                f"{end.desc.packets} packets left",
            )
        elif (event.data ^ expected) & self._compared(end):
            checker.wrong(
                "descriptor written back", f"{name}: {event.data:08x}, right is {expected:08x}"
            )
        if written != event.data:
            text = "nothing" if written is None else f"{written:08x}"
            checker.wrong(
                "descriptor written back", f"{name}: {event.data:08x}, but {text} went to memory"
            )
        checker.step(event)

    def _compared(self, end: End) -> int:
        """Return the bits of a status word that are specified."""
        iso = end.eptype == f.EPTYPE_ISO
        if isinstance(end, OutEndpoint):
            return f.M32 & ~(0x800 if iso else _RESERVED)
        return f.M32 if iso else f.M32 & ~_RESERVED
