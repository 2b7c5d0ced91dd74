# SPDX-License-Identifier: Apache-2.0
"""Follows the trace of a controller with the model and judges it (DESIGN rule 8).

The trace says what the controller chose; the model says whether that was legal: every decision,
every byte, every interrupt cause and every register read. A choice that is only legal because the
hardware needs some clocks is a waiver; waivers are counted by rule.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pymodel.config import UdcParameters
from pymodel.packets import MAX_PAYLOAD
from pymodel.trace import Cause, Event, Kind, decode

from . import fields as f
from .iso import FILLER
from .judge import Judge
from .model import UdcModel
from .traffic import SETUP_RESERVE

__all__ = ["Checker", "Mismatch", "Window"]

_US = 1_000_000
_AFTER_RESET = frozenset(
    {
        "end of a packet",
        "drop without a token",
        "packet without a token",
        "packet words",
        "words sent",
        "interrupt cause",
        "status word",
        "pop of an empty Rx FIFO",
        "packet fetched",
        "DMA read",
        "DMA write",
        "flush",
    }
)
"""Rules about what was under way: a reset ends it, but its last events may come afterwards."""


@dataclass(frozen=True)
class Window:
    """How long hardware may take, in picoseconds.

    Attributes:
        race: after something changed, the old state may still decide or be read.
        cause: until an interrupt cause is visible; until a status word is pushed.
        flush: until a flush is over.
        dma: until a packet that could move has moved.
        reset: after a soft reset or a bus reset, what was under way may still be reported.
    """

    race: int = 1 * _US
    cause: int = 20 * _US
    flush: int = 20 * _US
    dma: int = 200 * _US
    reset: int = 5 * _US


@dataclass(frozen=True)
class Mismatch:
    """A choice that was not legal.

    Attributes:
        index: of the event in the trace, from 0.
        time: picoseconds.
        rule: what was broken.
        text: what happened and what the model says.
    """

    index: int
    time: int
    rule: str
    text: str

    def __str__(self) -> str:
        """Return one line for a report."""
        return f"lockstep: event {self.index} at {self.time / 1e6:.3f} us: {self.rule}: {self.text}"


class Checker:
    """Drives a model by trace events.

    Attributes:
        model: the state that follows.
        events: number of events seen.
        mismatches: what was wrong, at most `limit`.
        waivers: number of choices excused, by rule.
        on_received: called with the payload of every packet that was accepted.
        on_sent: called with the payload of every packet that was read for sending.
    """

    def __init__(
        self, parameters: UdcParameters, window: Window | None = None, limit: int = 100
    ) -> None:
        """Start with a controller after power-on."""
        self.model = UdcModel(parameters)
        self.window = window or Window()
        self.limit = limit
        self.events = 0
        self.mismatches: list[Mismatch] = []
        self.waivers: Counter[str] = Counter()
        self.time = 0
        self.on_received: Callable[[bytes], None] | None = None
        self.on_sent: Callable[[bytes], None] | None = None
        self._grace = -1
        self._touched: dict[str, int] = {}
        self._since: dict[object, int] = {}
        self._rx_words: list[int] = []
        self._tx_words: dict[int, list[int]] = {}
        self._reads: deque[tuple[int, int]] = deque()
        self._writes: deque[tuple[int, int, int]] = deque()
        self._head_words: list[tuple[int, int, int]] | None = None
        self._incomplete = 0
        self._iso_touched = False
        self._sof_time = 0
        self._judge = Judge(self)
        self._handlers: dict[int, Callable[[Event], None]] = {
            Kind.REG_WRITE: self._reg_write,
            Kind.REG_READ: self._judge.reg_read,
            Kind.TOKEN: self._judge.token,
            Kind.RX_WORD: lambda event: self._rx_words.append(event.data),
            Kind.RX_COMMIT: self._rx_commit,
            Kind.RX_DROP: self._rx_drop,
            Kind.RX_STATUS: self._rx_status,
            Kind.RX_POP: self._rx_pop,
            Kind.TX_WORD: self._tx_word,
            Kind.TX_DONE: self._tx_done,
            Kind.TX_PACKET: self._tx_packet,
            Kind.DMA_WRITE: self._dma_write,
            Kind.DMA_READ: lambda event: self._reads.append((event.arg, event.data)),
            Kind.INT_SET: self._int_set,
            Kind.LINE: self._line,
            Kind.SOF: self._sof,
            Kind.FLUSH: self._flush,
        }
        self._words = frozenset({Kind.RX_WORD, Kind.TX_WORD, Kind.DMA_READ, Kind.DMA_WRITE})

    # -- the door ----------------------------------------------------------------------------

    def feed(self, events: Iterable[tuple[int, int]]) -> None:
        """Follow events.

        Args:
            events: (time in picoseconds, 64-bit event), in core order.
        """
        handlers = self._handlers
        words = self._words
        for time, word in events:
            self.time = time
            self.events += 1
            event = decode(word)
            handler = handlers.get(event.kind)
            if handler is None:
                self.wrong("unknown event", f"{event.kind} {event.arg:#x} {event.data:#x}")
                continue
            handler(event)
            if event.kind not in words:
                self._watch()

    def finish(self, time: int | None = None) -> None:
        """The run is over: what is long overdue by now counts."""
        if time is not None:
            self.time = max(self.time, time)
        self._watch()

    def wrong(self, rule: str, text: str) -> None:
        """Note a mismatch, or excuse it shortly after a reset."""
        if self.time <= self._grace and rule in _AFTER_RESET:
            self.waive(f"after reset: {rule}")
        elif len(self.mismatches) < self.limit:
            self.mismatches.append(Mismatch(self.events - 1, self.time, rule, text))

    def waive(self, rule: str) -> None:
        """Count an excuse."""
        self.waivers[rule] += 1

    def touch(self, *names: str) -> None:
        """Note that something changed that decisions depend on."""
        for name in names:
            self._touched[name] = self.time

    def recent(self, *names: str) -> bool:
        """Tell whether one of these changed within the race window."""
        limit = self.time - self.window.race
        return any(self._touched.get(name, -1 << 62) >= limit for name in names)

    def _step(self, event: Event, choice: object = None) -> object:
        result: object = self.model.step(event, choice)
        return result

    # -- registers ---------------------------------------------------------------------------

    def _reg_write(self, event: Event) -> None:
        offset = event.arg
        if f.IN_BASE <= offset < f.PCGCCTL:
            n = offset - f.IN_BASE >> 5 & 0xF
            self._iso_touched = True
            self.touch(f"out{n}" if offset >= f.OUT_BASE else f"in{n}")
        elif offset >= f.FIFO_BASE:
            fifo = (offset >> 12) - 1
            if fifo < len(self.model.owner) and self.model.owner[fifo] >= 0:
                self.touch(f"in{self.model.owner[fifo]}")
            self.touch(f"fifo{fifo}")
        elif offset == f.GINTSTS:
            # What is cleared now was perhaps found again at EOPF just before.
            self._incomplete &= ~event.data
        elif offset in (f.DCTL, f.GAHBCFG, f.GRXFSIZ, f.GNPTXFSIZ, f.GRSTCTL, f.DIEPEMPMSK):
            self.touch("all")
            if offset == f.GRSTCTL and event.data & 1:
                self._forget()
        elif f.DIEPTXF1 <= offset < 0x140:
            self.touch("all")
        self._step(event)

    def _forget(self) -> None:
        """A reset ends what is under way."""
        self._grace = self.time + self.window.reset
        self._rx_words.clear()
        self._tx_words.clear()
        self._reads.clear()
        self._writes.clear()
        self._since.clear()
        self._head_words = None

    # -- receiving ---------------------------------------------------------------------------

    def _rx_commit(self, event: Event) -> None:
        model = self.model
        pid, n, size = event.arg >> 4 & 0xF, event.arg & 0xF, event.data
        words, self._rx_words = self._rx_words, []
        if size > MAX_PAYLOAD or n >= len(model.outs):
            self.wrong("packet accepted", f"{event}: no packet of ours is like that")
            return
        need = size + 3 >> 2
        if len(words) != need:
            self.wrong("packet words", f"OUT {n}: {len(words)} words written, {need} committed")
            words = (words + [0] * need)[:need]
        payload = b"".join(word.to_bytes(4, "little") for word in words)[:size]
        if self.on_received is not None:
            self.on_received(payload)
        token = model.token
        if token is None or token[1] != n or token[2] not in (1, 4, 6):
            self.wrong("packet without a token", f"{event}: the last OUT token was {token}")
            token = model.token = (1, n, 1)
        reason = model.judge_data(token[0], n, pid, size)
        if reason == 4 and size + 3 >> 2 <= model.rx.depth - model.rx.used - 2:
            self.waive("isochronous packet in the room that SETUPs keep")
        elif reason:
            self.wrong(
                "packet accepted",
                f"OUT {n}: PID {pid:#x}, {size} bytes should have been dropped, reason {reason} "
                f"({model.rx.depth - model.rx.used} words free)",
            )
        self._step(event, payload)
        self.touch("rx", f"out{n}")

    def _rx_drop(self, event: Event) -> None:
        model = self.model
        pid, n, reason = event.arg >> 4 & 0xF, event.arg & 0xF, event.data
        self._rx_words.clear()
        token = model.token
        if token is None or token[1] != n:
            self.wrong("drop without a token", f"{event}: the last OUT token was {token}")
        elif reason == 3 and token[2] in (1, 4, 6) and not self._refusable(token, n):
            self.wrong("packet refused", f"OUT {n}: dropped as refused after the answer {token[2]}")
        elif reason == 2 and n < len(model.outs):
            expected = 0xB if model.outs[n].toggle else 0x3
            if pid == expected and token[0] != 0xD:
                self.wrong("packet dropped", f"OUT {n}: PID {pid:#x} was the expected one")
        self._step(event)

    def _refusable(self, token: tuple[int, int, int], n: int) -> bool:
        """A packet that was welcome at the token may be refused for what it is."""
        model = self.model
        if token[2] == 6:
            # Only if it did not fit.
            return not model.iso_room(model.outs[n].limit, SETUP_RESERVE + 2)
        # The status stage of a control read with bytes in it (facts section 4, NZStsOUTHShk).
        return not n and model.control_read and bool(model.dcfg & f.DCFG_NZSTS)

    def _rx_status(self, event: Event) -> None:
        model = self.model
        kind, n = event.arg >> 4 & 0xF, event.arg & 0xF
        if n >= len(model.outs):
            self.wrong("status word", f"{event}: there is no such endpoint")
            return
        due = (kind, n) in model.due_status
        if not due and not (kind == f.PKTSTS_SETUP_DONE and model.setup_open):
            self.wrong("status word", f"PktSts {kind} of endpoint {n}; due are {model.due_status}")
        if model.rx.used >= model.rx.depth:
            self.wrong("Rx FIFO overflow", f"{model.rx.used} of {model.rx.depth} words in use")
        self._step(event)
        self.touch("rx", f"out{n}")

    def _rx_pop(self, event: Event) -> None:
        model = self.model
        kind, n = event.arg >> 4 & 0xF, event.arg & 0xF
        entries = model.rx.entries
        if not entries:
            self.wrong("pop of an empty Rx FIFO", str(event))
            return
        head = entries[0]
        if (head.kind, head.endpoint) != (kind, n) or (head.status ^ event.data) & 0x1FFFFF:
            self.wrong(
                "status word popped",
                f"{event.data:08x} (PktSts {kind} of {n}), the head is {head.status:08x}",
            )
        if not model.dma_on:
            self.wrong("pop in slave mode", str(event))
        elif not model.rx_ready():
            self.wrong("SETUP to memory", "EP0 OUT is not enabled (facts section 10)")
        result = self._step(event)
        assert isinstance(result, tuple)
        address, payload = result
        if self._head_words is None:
            self._writes.extend(_dma_words(address, payload))
        else:
            # Written before it was reported as popped; what is left must still come.
            self._writes.extend(self._head_words)
            self._head_words = None
        self.touch("rx", f"out{n}")

    def _dma_write(self, event: Event) -> None:
        place, valid, word = event.arg & 0xFFFFFC, (event.arg & 3) + 1, event.data
        if self._writes:
            expected = self._writes.popleft()
        else:
            # Words of the head that the controller has not reported as popped yet.
            model = self.model
            if not model.rx.entries:
                self.wrong("DMA write", f"{event}: nothing is to be written")
                return
            if self._head_words is None:
                head = model.rx.entries[0]
                out = model.outs[head.endpoint]
                # The fourth SETUP of a stage goes where the first one went.
                rewind = 24 if head.kind == f.PKTSTS_SETUP and out.setups == 3 else 0
                self._head_words = list(_dma_words(out.dma - rewind & f.M32, head.data))
            if not self._head_words:
                self.wrong("DMA write", f"{event}: beyond the packet at the head")
                return
            expected = self._head_words.pop(0)
        mask = (1 << 8 * valid) - 1
        if (place, valid) != expected[:2] or (word ^ expected[2]) & mask:
            self.wrong(
                "DMA write",
                f"0x..{place:06x} {word:08x} ({valid} bytes), expected 0x..{expected[0]:06x} "
                f"{expected[2]:08x} ({expected[1]} bytes)",
            )

    # -- sending -----------------------------------------------------------------------------

    def _tx_word(self, event: Event) -> None:
        self._tx_words.setdefault(event.arg & 0xF, []).append(event.data)

    def _tx_done(self, event: Event) -> None:
        model = self.model
        n = event.arg & 0xF
        if n < len(model.ins) and model.ins[n].sending == FILLER:
            # An empty packet because there was nothing to send; its end need not be reported.
            self._step(event)
            return
        if n >= len(model.ins) or model.ins[n].sending < 0:
            self.wrong("end of a packet", f"{event}: IN {n} was sending nothing")
            self._tx_words.pop(n, None)
            return
        size = model.ins[n].sending
        words = self._tx_words.get(n, [])
        need = size + 3 >> 2
        payload = model.payload_to_send(n) if size else b""
        sent = b"".join(word.to_bytes(4, "little") for word in words[:need])
        if event.data and len(words) < need:
            self.wrong("words sent", f"IN {n}: {len(words)} words read of {need}, acknowledged")
        elif sent[:size] != payload[: len(sent)]:
            pairs = zip(sent[:size], payload, strict=False)
            place = next((i for i, (a, b) in enumerate(pairs) if a != b), len(payload))
            self.wrong(
                "words sent",
                f"IN {n}: bytes from {place} on are {sent[place : place + 4].hex()}, the FIFO "
                f"holds {payload[place : place + 4].hex()}",
            )
        self.sent(sent[:size])
        self._tx_words[n] = words[need:] if event.data else []
        self._step(event)
        self.touch(f"in{n}", f"fifo{model.ins[n].fifo}")

    def sent(self, payload: bytes) -> None:
        """A payload went out."""
        if self.on_sent is not None:
            self.on_sent(payload)

    def _tx_packet(self, event: Event) -> None:
        model = self.model
        n, size = event.arg & 0xF, event.data
        if n >= len(model.ins) or size > MAX_PAYLOAD:
            self.wrong("packet fetched", f"{event}: no packet of ours is like that")
            return
        ep = model.ins[n]
        due = min(ep.limit, ep.xfersize)
        if not ep.enabled or size != due or not model.dma_on:
            self.wrong(
                "packet fetched",
                f"IN {n}: {size} bytes; enabled {ep.enabled}, MPS {ep.limit}, left {ep.xfersize}",
            )
            ep.xfersize = max(ep.xfersize, size)
        fifo = model.fifo_of(ep)
        need = size + 3 >> 2
        if fifo.used + need > fifo.depth:
            self.wrong("Tx FIFO overflow", f"IN {n}: {fifo.used} + {need} words of {fifo.depth}")
        payload = self._fetched(ep.dma & 0xFFFFFC, need, n)[:size]
        self._step(event, payload)
        self.touch(f"in{n}", f"fifo{ep.fifo}")

    def _fetched(self, address: int, need: int, n: int) -> bytes:
        """Return what was read for a packet; older reads belong to nothing any more."""
        reads = list(self._reads)
        wanted = [(address + 4 * i) & 0xFFFFFC for i in range(need)]
        for start in range(len(reads) - need + 1):
            if [place & 0xFFFFFC for place, _ in reads[start : start + need]] == wanted:
                for _ in range(start + need):
                    self._reads.popleft()
                if start:
                    self.waive("DMA read of a packet that was given up")
                return b"".join(w.to_bytes(4, "little") for _, w in reads[start : start + need])
        self.wrong(
            "DMA read",
            f"IN {n}: {need} words from 0x..{address:06x} expected, read were "
            f"{[hex(place) for place, _ in reads[:4]]} ({len(reads)})",
        )
        self._reads.clear()
        return bytes(4 * need)

    # -- causes, lines, flush ----------------------------------------------------------------

    def _int_set(self, event: Event) -> None:
        model = self.model
        key, bits = event.arg & 0xFFFF, event.data
        legal = model.due.get(key, 0) | model.allowed.get(key, 0)
        if not key:
            legal |= f.INT_EOPF | model.may_be_incomplete()
            # Reported in this frame: nothing is missing at its end.
            self._incomplete &= ~bits
        if bits & ~legal:
            name = Cause(key >> 8).name if key >> 8 <= 3 else "?"
            self.wrong(
                "interrupt cause",
                f"{name} endpoint {key & 0xFF}: {bits:#x} set, due or allowed are {legal:#x}",
            )
        if key in model.allowed:
            model.allowed[key] &= ~bits
        which, n = key >> 8, key & 0xFF
        ends = (model.ins, model.outs)[which - 1] if which in (1, 2) else None
        if ends is not None and n >= len(ends):
            return
        self._step(Event(event.kind, key, bits))
        if which in (1, 2):
            self.touch(f"{'in' if which == 1 else 'out'}{n}")

    def _line(self, event: Event) -> None:
        model = self.model
        if event.data & 0xF == 1:
            self._grace = self.time + self.window.reset
        self._step(event)
        optional = model.due.get(0, 0) & f.INT_RESETDET
        if optional:
            # The facts leave open whether a reset in suspend also sets ResetDet.
            model.allow(0, optional)
            model.due[0] &= ~optional
        self.touch("all")

    def _sof(self, event: Event) -> None:
        """A new frame: what the last one left open must have been reported by its end."""
        model = self.model
        # A SOF that comes early leaves no time for EOPF.
        whole = self.time - self._sof_time >= (120 if model.high_speed else 960) * _US
        self._sof_time = self.time
        if self._incomplete and whole:
            missing = self._incomplete & ~model.latched & model.incomplete()
            if missing and not self._iso_touched:
                self.wrong("cause missing", f"GINTSTS: {missing:#x} by the end of {model.soffn}")
        self._step(event)
        self._incomplete = model.incomplete() if model.iso_ins or model.iso_outs else 0
        self._iso_touched = False

    def _flush(self, event: Event) -> None:
        if event.arg not in self.model.flushing:
            self.wrong("flush", f"FIFO {event.arg:#x} was not asked for")
        self._step(event)
        self._tx_words.clear()
        self.touch("all")

    # -- progress ----------------------------------------------------------------------------

    def _watch(self) -> None:
        """Note since when something is due; say so when it takes too long."""
        model = self.model
        if not (model.due or model.due_status or model.flushing or self._since or model.dma_on):
            return
        window, now = self.window, self.time
        pending: dict[object, int] = {}
        for key, bits in model.due.items():
            pending[("cause", key, bits)] = window.cause
        for one in model.due_status:
            pending[("status", *one)] = window.cause
        for number in model.flushing:
            pending[("flush", number)] = window.flush
        if model.dma_on:
            if model.rx_ready():
                pending[("rx", id(model.rx.entries[0]))] = window.dma
            for ep in model.fetching:
                if model.tx_ready(ep):
                    pending[("tx", ep.index, ep.xfersize)] = window.dma
        since = self._since
        if not pending and not since:
            return
        self._since = {key: since.get(key, now) for key in pending}
        for item, start in list(self._since.items()):
            if now - start > pending[item]:
                self._overdue(item, now - start)

    def _overdue(self, key: object, late: int) -> None:
        model = self.model
        assert isinstance(key, tuple)
        del self._since[key]
        if key[0] == "cause":
            number, bits = key[1], key[2]
            visible = self._visible(number) & bits
            model.set_causes(number, bits)
            if visible == bits:
                self.waive("cause that was visible already")
                return
            where = f"{Cause(number >> 8).name} endpoint {number & 0xFF}"
            self.wrong("cause missing", f"{where}: {bits & ~visible:#x} after {late / 1e6:.1f} us")
        elif key[0] == "status":
            model.due_status.remove((key[1], key[2]))
            self.wrong("status word missing", f"PktSts {key[1]} of endpoint {key[2]}")
        elif key[0] == "flush":
            model.flushing.discard(key[1])
            self.wrong("flush missing", f"FIFO {key[1]:#x}")
        else:
            self._since[key] = self.time
            self.wrong("no progress", f"DMA {key[0]} {key[1:]} for {late / 1e6:.1f} us")

    def _visible(self, key: int) -> int:
        model = self.model
        which, n = key >> 8, key & 0xFF
        if which == Cause.DIEPINT:
            return model.ins[n].intr
        if which == Cause.DOEPINT:
            return model.outs[n].intr
        return model.gotgint if which == Cause.GOTGINT else model.latched


def _dma_words(address: int, payload: bytes) -> Iterable[tuple[int, int, int]]:
    """Yield (address 23:2, valid bytes, word) of a packet that goes to memory."""
    for place in range(0, len(payload), 4):
        piece = payload[place : place + 4]
        yield (address + place) & 0xFFFFFC, len(piece), int.from_bytes(piece, "little")
