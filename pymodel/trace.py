# SPDX-License-Identifier: Apache-2.0
"""Events of the trace port: what the controller committed, in core order.

An event is 64 bits: kind 63:56, arg 55:32, data 31:0. The RTL reports up to eight in one core
clock, lane 0 first; the model emits the same.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = ["Answer", "Cause", "Event", "Kind", "Line", "decode", "encode"]


class Kind(IntEnum):
    """Kinds of events; the comment gives (arg; data)."""

    REG_WRITE = 1  # (offset; value)
    REG_READ = 2  # (offset; value returned)
    TOKEN = 3  # (answer<<13 | ep<<8 | pid<<4 | answer pid; length to send)
    RX_WORD = 4  # (-; word written to the packet RAM)
    RX_COMMIT = 5  # (pid<<4 | ep; length)
    RX_DROP = 6  # (pid<<4 | ep; 1 bad packet, 2 wrong toggle, 3 refused)
    TX_WORD = 7  # (ep; word read for sending)
    TX_DONE = 8  # (ep; 1 acknowledged, 0 rewound)
    RX_STATUS = 9  # (pktsts<<4 | ep; -)
    RX_POP = 10  # (pktsts<<4 | ep; status word)
    TX_PACKET = 11  # (ep; length)
    DMA_WRITE = 12  # (address 23:2 | valid bytes - 1; word)
    DMA_READ = 13  # (address 23:0; word)
    INT_SET = 14  # (cause register<<8 | ep; bits newly set)
    LINE = 15  # (-; line message)
    SOF = 16  # (-; frame number as DSTS shows it)
    FLUSH = 17  # (FIFO number, 0x10 all Tx, 0x1F Rx, 0x20 FIFO 0 taken back for its endpoints; -)
    DESC = 18  # (0 loaded, 1 closed<<8 | IN<<4 | ep; status word of the descriptor)
    COMMAND = 19  # (index in the extension bank; EPCMD after completion)
    LPM = 20  # (answer<<13: it was sent to an extended token; attributes)


class Answer(IntEnum):
    """The core's decision at a token."""

    SILENT = 0
    ACK = 1
    NAK = 2
    STALL = 3
    NYET = 4
    DATA = 5
    ISO = 6


class Cause(IntEnum):
    """Registers that collect interrupt causes."""

    GINTSTS = 0
    DIEPINT = 1
    DOEPINT = 2
    GOTGINT = 3
    EPXINT = 4


class Line(IntEnum):
    """Line messages, bits 3:0 (bits 5:4 of RESET_END: 0 high speed, 1 full speed)."""

    RESET_START = 1
    RESET_END = 2
    SUSPEND = 3
    RESUME = 4
    EARLY_SUSPEND = 5
    VBUS_ON = 6
    VBUS_OFF = 7
    SLEEP = 9


class Event(NamedTuple):
    """One decoded event."""

    kind: int
    arg: int
    data: int

    def __str__(self) -> str:
        """Return the event for a log line."""
        return f"{Kind(self.kind).name} arg=0x{self.arg:06x} data=0x{self.data:08x}"


def encode(event: Event) -> int:
    """Return the 64-bit form."""
    return event.kind << 56 | event.arg << 32 | event.data


def decode(word: int) -> Event:
    """Return the event of a 64-bit trace word."""
    return Event(word >> 56, word >> 32 & 0xFFFFFF, word & 0xFFFFFFFF)
