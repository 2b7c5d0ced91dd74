# SPDX-License-Identifier: Apache-2.0
"""Follows packets between wire, FIFOs and memory, and judges every word of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pymodel.packets import MAX_PAYLOAD
from pymodel.trace import Event

from . import fields as f
from .desc_judge import DescriptorJudge
from .iso import FILLER
from .state import RxEntry
from .traffic import SETUP_RESERVE

if TYPE_CHECKING:
    from .checker import Checker

__all__ = ["DataPath"]


class DataPath:
    """Judges what a `Checker` sees of packets."""

    def __init__(self, checker: Checker) -> None:
        """Belong to a checker."""
        self.checker = checker
        self._rx_words: list[int] = []
        self._tx_words: dict[int, list[int]] = {}
        self._reads: deque[tuple[int, int]] = deque()
        self._writes: deque[tuple[int, int, int]] = deque()
        self._head_words: list[tuple[int, int, int]] | None = None
        self.descriptors = DescriptorJudge(checker, self._reads)

    def forget(self) -> None:
        """A reset ends what is under way; the packet on the wire may still come to its end."""
        model = self.checker.model
        for ep in model.ins:
            if ep.sending >= 0:
                self.checker.sent(model.payload_to_send(ep.index)[: ep.sending])
        self._rx_words.clear()
        self._tx_words.clear()
        self._reads.clear()
        self._writes.clear()
        self._head_words = None
        self.descriptors.forget()

    def flushed(self) -> None:
        """A FIFO was emptied: what was read of it for sending belongs to nothing.

        A packet that is still on the wire is another FIFO's: a flush waits for its own.
        """
        for ep in self.checker.model.ins:
            if ep.sending < 0:
                self._tx_words.pop(ep.index, None)

    def rx_word(self, event: Event) -> None:
        """RX_WORD: a word of a packet that comes in."""
        self._rx_words.append(event.data)

    def dma_read(self, event: Event) -> None:
        """DMA_READ: a word that was fetched."""
        self._reads.append((event.arg, event.data))

    # -- receiving ---------------------------------------------------------------------------

    def rx_commit(self, event: Event) -> None:
        """RX_COMMIT: a packet was accepted."""
        checker = self.checker
        model = checker.model
        pid, n, size = event.arg >> 4 & 0xF, event.arg & 0xF, event.data
        words, self._rx_words = self._rx_words, []
        if size > MAX_PAYLOAD or n >= len(model.outs) or not model.outs[n].exists:
            checker.wrong("packet accepted", f"{event}: no packet of ours is like that")
            return
        need = size + 3 >> 2
        if len(words) != need:
            checker.wrong("packet words", f"OUT {n}: {len(words)} words written, {need} committed")
            words = (words + [0] * need)[:need]
        payload = b"".join(word.to_bytes(4, "little") for word in words)[:size]
        if checker.on_received is not None:
            checker.on_received(payload)
        token = model.token
        if token is None or token[1] != n or token[2] not in (1, 4, 6):
            checker.wrong("packet without a token", f"{event}: the last OUT token was {token}")
            token = model.token = (1, n, 1)
        reason = model.judge_data(token[0], n, pid, size)
        if reason == 4 and size + 3 >> 2 <= model.rx.depth - model.rx.used - 2:
            checker.waive("isochronous packet in the room that SETUPs keep")
        elif reason:
            checker.wrong(
                "packet accepted",
                f"OUT {n}: PID {pid:#x}, {size} bytes should have been dropped, reason {reason} "
                f"({model.rx.depth - model.rx.used} words free)",
            )
        checker.step(event, payload)
        checker.touch("rx", f"out{n}")
        if not n:
            # A SETUP changes both directions.
            checker.touch("in0")

    def rx_drop(self, event: Event) -> None:
        """RX_DROP: a packet was not taken."""
        checker = self.checker
        model = checker.model
        pid, n, reason = event.arg >> 4 & 0xF, event.arg & 0xF, event.data
        self._rx_words.clear()
        token = model.token
        if token is None or token[1] != n:
            checker.wrong("drop without a token", f"{event}: the last OUT token was {token}")
        elif reason == 3 and token[2] in (1, 4, 6) and not self._refusable(token, n):
            checker.wrong("packet refused", f"OUT {n}: dropped after the answer {token[2]}")
        elif reason == 2 and n < len(model.outs):
            expected = 0xB if model.outs[n].toggle else 0x3
            if pid == expected and token[0] != 0xD:
                checker.wrong("packet dropped", f"OUT {n}: PID {pid:#x} was the expected one")
        checker.step(event)

    def _refusable(self, token: tuple[int, int, int], n: int) -> bool:
        """A packet that was welcome at the token may be refused for what it is."""
        model = self.checker.model
        if token[2] == 6:
            # Only if it did not fit.
            return not model.iso_room(model.outs[n].limit, SETUP_RESERVE + 2)
        # The status stage of a control read with bytes in it (facts section 4, NZStsOUTHShk).
        return not n and model.control_read and bool(model.dcfg & f.DCFG_NZSTS)

    def rx_status(self, event: Event) -> None:
        """RX_STATUS: a status word without data was pushed."""
        checker = self.checker
        model = checker.model
        kind, n = event.arg >> 4 & 0xF, event.arg & 0xF
        if n >= len(model.outs) or not model.outs[n].exists:
            checker.wrong("status word", f"{event}: there is no such endpoint")
            return
        due = (kind, n) in model.due_status
        if not due and not (kind == f.PKTSTS_SETUP_DONE and model.setup_open):
            checker.wrong(
                "status word", f"PktSts {kind} of endpoint {n}; due are {model.due_status}"
            )
        if model.rx.used >= model.rx.depth:
            checker.wrong("Rx FIFO overflow", f"{model.rx.used} of {model.rx.depth} words in use")
        checker.step(event)
        checker.touch("rx", f"out{n}")

    def rx_pop(self, event: Event) -> None:
        """RX_POP: the DMA took the head of the Rx FIFO."""
        checker = self.checker
        model = checker.model
        kind, n = event.arg >> 4 & 0xF, event.arg & 0xF
        entries = model.rx.entries
        if not entries:
            checker.wrong("pop of an empty Rx FIFO", str(event))
            return
        head = entries[0]
        if (head.kind, head.endpoint) != (kind, n) or (head.status ^ event.data) & 0x1FFFFF:
            checker.wrong(
                "status word popped",
                f"{event.data:08x} (PktSts {kind} of {n}), the head is {head.status:08x}",
            )
        if not model.dma_on:
            checker.wrong("pop in slave mode", str(event))
        elif not model.rx_ready() and model.desc_on and self._head_words is not None:
            checker.waive("packet to memory while its list was replaced")
        elif not model.rx_ready():
            what = "no descriptor is loaded" if model.desc_on else "EP0 OUT is not enabled"
            checker.wrong("packet to memory", f"OUT {n}: {what} (facts section 10 and 11)")
        result = checker.step(event)
        assert isinstance(result, tuple)
        address, payload = result
        if self._head_words is None:
            self._writes.extend(_dma_words(address, payload))
        else:
            # Written before it was reported as popped; what is left must still come.
            self._writes.extend(self._head_words)
            self._head_words = None
        checker.touch("rx", f"out{n}")

    def dma_write(self, event: Event) -> None:
        """DMA_WRITE: a word went to memory."""
        checker = self.checker
        model = checker.model
        place, valid, word = event.arg & 0xFFFFFC, (event.arg & 3) + 1, event.data
        if model.desc_on and not self._writes and self._write_back(place, word):
            return
        if self._writes:
            expected = self._writes.popleft()
        else:
            # Words of the head that the controller has not reported as popped yet.
            if not model.rx.entries:
                checker.wrong("DMA write", f"{event}: nothing is to be written")
                return
            if self._head_words is None:
                head = model.rx.entries[0]
                self._head_words = list(_dma_words(*self._place(head)))
            if not self._head_words:
                checker.wrong("DMA write", f"{event}: beyond the packet at the head")
                return
            expected = self._head_words.pop(0)
        mask = (1 << 8 * valid) - 1
        if (place, valid) != expected[:2] or (word ^ expected[2]) & mask:
            checker.wrong(
                "DMA write",
                f"0x..{place:06x} {word:08x} ({valid} bytes), expected 0x..{expected[0]:06x} "
                f"{expected[2]:08x} ({expected[1]} bytes)",
            )

    def _place(self, head: RxEntry) -> tuple[int, bytes]:
        """Return (address, bytes) of the head of the Rx FIFO."""
        model = self.checker.model
        out = model.outs[head.endpoint]
        if model.desc_on:
            return model.desc_place(out, head)
        # The fourth SETUP of a stage goes where the first one went.
        rewind = 24 if head.kind == f.PKTSTS_SETUP and out.setups == 3 else 0
        return out.dma - rewind & f.M32, head.data

    def _write_back(self, place: int, word: int) -> bool:
        """A word goes to a descriptor, not to a buffer."""
        entries = self.checker.model.rx.entries
        if self._head_words:
            return False
        popping = entries[0].endpoint if self._head_words == [] and entries else None
        return self.descriptors.write_back(place, word, popping)

    # -- sending -----------------------------------------------------------------------------

    def tx_word(self, event: Event) -> None:
        """TX_WORD: a word was read for sending."""
        self._tx_words.setdefault(event.arg & 0xF, []).append(event.data)

    def tx_done(self, event: Event) -> None:
        """TX_DONE: a packet was acknowledged, or rewound."""
        checker = self.checker
        model = checker.model
        n = event.arg & 0xF
        if n < len(model.ins) and model.ins[n].sending == FILLER:
            # An empty packet because there was nothing to send; its end need not be reported.
            checker.step(event)
            return
        if n >= len(model.ins) or model.ins[n].sending < 0:
            checker.wrong("end of a packet", f"{event}: IN {n} was sending nothing")
            self._tx_words.pop(n, None)
            return
        size = model.ins[n].sending
        words = self._tx_words.get(n, [])
        need = size + 3 >> 2
        payload = model.payload_to_send(n) if size else b""
        sent = b"".join(word.to_bytes(4, "little") for word in words[:need])
        if event.data and len(words) < need:
            checker.wrong("words sent", f"IN {n}: {len(words)} words read of {need}, acknowledged")
        elif not model.still_there(model.ins[n]):
            checker.waive("packet from a FIFO that has been moved")
        elif sent[:size] != payload[: len(sent)]:
            pairs = zip(sent[:size], payload, strict=False)
            place = next((i for i, (a, b) in enumerate(pairs) if a != b), len(payload))
            checker.wrong(
                "words sent",
                f"IN {n}: bytes from {place} on are {sent[place : place + 4].hex()}, the FIFO "
                f"holds {payload[place : place + 4].hex()}",
            )
        checker.sent(sent[:size])
        self._tx_words[n] = words[need:] if event.data else []
        checker.step(event)
        checker.touch(f"in{n}", f"fifo{model.fifo_number(model.ins[n])}")

    def tx_packet(self, event: Event) -> None:
        """TX_PACKET: the DMA has put a packet into a Tx FIFO."""
        checker = self.checker
        model = checker.model
        n, size = event.arg & 0xF, event.data
        if n >= len(model.ins) or not model.ins[n].exists or size > MAX_PAYLOAD:
            checker.wrong("packet fetched", f"{event}: no packet of ours is like that")
            return
        ep = model.ins[n]
        address, left = model.to_fetch(ep)
        due = min(ep.limit, left)
        if not ep.enabled or size != due or not model.dma_on:
            checker.wrong(
                "packet fetched",
                f"IN {n}: {size} bytes; enabled {ep.enabled}, MPS {ep.limit}, left {left}",
            )
            ep.xfersize = max(ep.xfersize, size)
            ep.desc.left = max(ep.desc.left, size)
        fifo = model.fifo_of(ep)
        need = size + 3 >> 2
        if fifo.used + need > fifo.depth:
            checker.wrong("Tx FIFO overflow", f"IN {n}: {fifo.used} + {need} words of {fifo.depth}")
        if model.queued(ep) and not model.queue_room():
            checker.wrong("Tx queue overflow", f"IN {n}: {len(model.queue)} packets in FIFO 0")
        payload = self._fetched(address & 0xFFFFFC, need, n)[:size]
        checker.step(event, payload)
        checker.touch(f"in{n}", f"fifo{model.fifo_number(ep)}")

    def _fetched(self, address: int, need: int, n: int) -> bytes:
        """Return what was read for a packet; older reads belong to nothing any more."""
        checker = self.checker
        reads = list(self._reads)
        wanted = [(address + 4 * i) & 0xFFFFFC for i in range(need)]
        for start in range(len(reads) - need + 1):
            if [place & 0xFFFFFC for place, _ in reads[start : start + need]] == wanted:
                for _ in range(start + need):
                    self._reads.popleft()
                if start:
                    checker.waive("DMA read of a packet that was given up")
                return b"".join(w.to_bytes(4, "little") for _, w in reads[start : start + need])
        checker.wrong(
            "DMA read",
            f"IN {n}: {need} words from 0x..{address:06x} expected, read were "
            f"{[hex(place) for place, _ in reads[:4]]} ({len(reads)})",
        )
        self._reads.clear()
        return bytes(4 * need)


def _dma_words(address: int, payload: bytes) -> Iterable[tuple[int, int, int]]:
    """Yield (address 23:2, valid bytes, word) of a packet that goes to memory."""
    for place in range(0, len(payload), 4):
        piece = payload[place : place + 4]
        yield (address + place) & 0xFFFFFC, len(piece), int.from_bytes(piece, "little")
