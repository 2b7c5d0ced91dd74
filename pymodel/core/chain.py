# SPDX-License-Identifier: Apache-2.0
"""What one endpoint remembers of the descriptors in memory (facts section 11)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Chain"]


@dataclass(slots=True)
class Chain:
    """What an endpoint remembers of its descriptors.

    Attributes:
        first: last value written to DxEPDMA.
        written: that has happened since the last core reset.
        loaded: a descriptor is being worked off.
        status: its first word as it was read.
        address: of the next byte to move (DxEPDMAB).
        left: bytes not yet moved.
        size: bytes at the beginning.
        room: OUT: bytes not yet promised to a packet that was accepted.
        full: OUT: an accepted packet ends the descriptor.
        packets: IN: packets not yet acknowledged.
        word: OUT: the status word that has to be written back.
        short: OUT: a packet shorter than MPS ended it.
        setup: OUT: a SETUP ended it.
        setup_at: where the last SETUP went, and `setup_size`: how much of it.
    """

    first: int = 0
    written: bool = False
    loaded: bool = False
    status: int = 0
    address: int = 0
    left: int = 0
    size: int = 0
    room: int = 0
    full: bool = False
    packets: int = 0
    word: int | None = None
    short: bool = False
    setup: bool = False
    setup_at: int = 0
    setup_size: int = 0

    def drop(self) -> None:
        """Let go of a descriptor without writing it back."""
        self.loaded = self.full = self.short = self.setup = False
        self.left = self.room = self.packets = 0
        self.word = None

    def point(self, address: int) -> None:
        """DxEPDMA was written."""
        self.drop()
        self.first = address
        self.written = True

    @property
    def frame(self) -> int:
        """Frame number of an isochronous IN descriptor."""
        return self.status >> 12 & 0x7FF
