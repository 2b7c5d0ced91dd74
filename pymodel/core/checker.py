# SPDX-License-Identifier: Apache-2.0
"""Follows the trace of a controller with the model and judges it (DESIGN rule 8).

The trace says what the controller chose; the model says whether that was legal: every decision,
every byte, every interrupt cause and every register read. A choice that is only legal because the
hardware needs some clocks is a waiver; waivers are counted by rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from pymodel.config import UdcParameters
from pymodel.trace import Cause, Event, Kind, Line, decode

from . import fields as f
from .command_judge import command, command_write
from .data_path import DataPath
from .judge import Judge
from .lines import Lines
from .lpm_judge import judge_lpm_sent, judge_sleep
from .model import UdcModel
from .progress import Progress
from .recent import Recent
from .register_judge import RegisterJudge
from .shared import TAKEN_BACK, QueueEntry

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
        "descriptor loaded",
        "descriptor written back",
        "DMA read",
        "DMA write",
        "flush",
    }
)
"""Rules about what was under way: a reset ends it, but its last events may come afterwards."""


_WIPED = frozenset(
    {
        Kind.RX_POP, Kind.RX_STATUS, Kind.TX_PACKET, Kind.TX_DONE, Kind.DMA_READ, Kind.DMA_WRITE,
        Kind.DESC,
    }
)  # fmt: skip


def _is_wiped(event: Event) -> bool:
    """What ends while a core reset waits for the DMA is gone with the reset."""
    if event.kind == Kind.INT_SET:
        return event.arg >> 8 in (Cause.DIEPINT, Cause.DOEPINT)
    return event.kind in _WIPED


@dataclass(frozen=True)
class Window:
    """How long hardware may take, in picoseconds.

    Attributes:
        race: after something changed, the old state may still decide or be read.
        cause: until an interrupt cause is visible; until a status word is pushed.
        command: until an endpoint command takes effect, from the end of its latency or from the
            command before it.
        flush: until a flush is over.
        dma: until a packet that could move has moved.
        reset: after a soft reset or a bus reset, what was under way may still be reported.
        line: by so much an interrupt line may follow its cause, or be ahead of its report.
    """

    race: int = _US // 2
    cause: int = 20 * _US
    command: int = 3 * _US
    flush: int = 20 * _US
    dma: int = 200 * _US
    reset: int = 5 * _US
    line: int = _US // 4


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
        path: judges packets and descriptors.
        past: what the model would have answered and shown a moment ago.
        lines: the comparison of the interrupt lines, for whoever sees them.
        lpm_decided: the answer to an LPM token that is to be sent, and the token's attributes.
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
        # a core reset was asked for, and no register written since
        self._resetting = False
        self._touched: dict[str, int] = {}
        self._incomplete = 0
        self._iso_touched = False
        self._sof_time = 0
        self._head: tuple[QueueEntry, bool] | None = None
        self.lpm_decided: tuple[int, int] | None = None
        self.lines = Lines(self)
        self.past = Recent(self)
        self._judge = Judge(self)
        self.path = path = DataPath(self)
        self._progress = Progress(self)
        self._handlers: dict[int, Callable[[Event], None]] = {
            Kind.REG_WRITE: self._reg_write,
            Kind.REG_READ: RegisterJudge(self).reg_read,
            Kind.TOKEN: self._judge.token,
            Kind.RX_WORD: path.rx_word,
            Kind.RX_COMMIT: path.rx_commit,
            Kind.RX_DROP: path.rx_drop,
            Kind.RX_STATUS: path.rx_status,
            Kind.RX_POP: path.rx_pop,
            Kind.TX_WORD: path.tx_word,
            Kind.TX_DONE: path.tx_done,
            Kind.TX_PACKET: path.tx_packet,
            Kind.DMA_WRITE: path.dma_write,
            Kind.DMA_READ: path.dma_read,
            Kind.INT_SET: self._int_set,
            Kind.LINE: self._line,
            Kind.SOF: self._sof,
            Kind.FLUSH: self._flush,
            Kind.COMMAND: partial(command, self),
            Kind.DESC: path.descriptors.desc,
            Kind.LPM: partial(judge_lpm_sent, self),
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
        shared = self.model.shared
        progress = self._progress
        lines, past = self.lines, self.past
        for time, word in events:
            self.time = self.model.time = time
            self.events += 1
            event = decode(word)
            handler = handlers.get(event.kind)
            if handler is None:
                self.wrong("unknown event", f"{event.kind} {event.arg:#x} {event.data:#x}")
                continue
            if self._resetting and _is_wiped(event):
                # The core reset waited for this, and takes it away again.
                self.waive("came to its end within a core reset")
                continue
            if time > progress.deadline:
                # It may come now, but it comes too late.
                progress.watch()
            handler(event)
            if event.kind not in words:
                progress.watch()
                if shared:
                    self._look_at_head()
                past.follow()
                if lines.watched:
                    lines.follow()

    def finish(self, time: int | None = None) -> None:
        """The run is over: what is long overdue by now counts."""
        if time is not None:
            self.time = max(self.time, time)
        self._progress.watch()

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
            self.past.touched(name)

    def recent(self, *names: str) -> bool:
        """Tell whether one of these changed within the race window."""
        limit = self.time - self.window.race
        return any(self._touched.get(name, -1 << 62) >= limit for name in names)

    def lately(self, name: str) -> bool:
        """Tell whether this changed within the time that a move of the DMA may take."""
        return self._touched.get(name, -1 << 62) >= self.time - self.window.dma

    def sent(self, payload: bytes) -> None:
        """A payload went out."""
        if self.on_sent is not None:
            self.on_sent(payload)

    def _look_at_head(self) -> None:
        """Note when the head of FIFO 0 becomes another one: tokens may have seen the old one."""
        queue = self.model.queue
        head = (queue[0], queue[0].complete) if queue else None
        if head != self._head:
            self._head = head
            self.touch("head")

    def step(self, event: Event, choice: object = None) -> object:
        """Let the model follow."""
        result: object = self.model.step(event, choice)
        return result

    # -- registers ---------------------------------------------------------------------------

    def _reg_write(self, event: Event) -> None:
        offset = event.arg
        self._resetting = False
        if f.IN_BASE <= offset < f.PCGCCTL:
            n = offset - f.IN_BASE >> 5 & 0xF
            self._iso_touched = True
            self.touch(f"out{n}" if offset >= f.OUT_BASE else f"in{n}")
        elif f.FIFO_BASE <= offset < f.FIFO_END:
            fifo = (offset >> 12) - 1
            if fifo < len(self.model.ins):
                self.touch(f"in{fifo}")
                ep = self.model.ins[fifo]
                if self.model.shared or ep.fifo:
                    fifo = self.model.fifo_number(ep)
                elif self.model.owner[fifo] >= 0:
                    self.touch(f"in{self.model.owner[fifo]}")
            self.touch(f"fifo{fifo}")
        elif offset == f.GINTSTS:
            # What is cleared now was perhaps found again at EOPF just before.
            self._incomplete &= ~event.data
        elif offset in (
            f.DCTL,
            f.GAHBCFG,
            f.GLPMCFG,
            f.GRXFSIZ,
            f.GNPTXFSIZ,
            f.GRSTCTL,
            f.DIEPEMPMSK,
        ):
            self.touch("all")
            if offset == f.GRSTCTL and event.data & 1:
                self._forget()
                self._resetting = True
        elif offset >= f.XCAP:
            command_write(self, offset)
        elif f.DIEPTXF1 <= offset < 0x140:
            self.touch("all")
        self.step(event)

    @property
    def in_reset(self) -> bool:
        """A core reset may still be under way."""
        return self._resetting and self.time <= self._grace

    def _forget(self) -> None:
        """A reset ends what is under way."""
        self._grace = self.time + self.window.reset
        self.path.forget()
        self._progress.forget()

    # -- causes, lines, flush ----------------------------------------------------------------

    def _int_set(self, event: Event) -> None:
        model = self.model
        key, bits = event.arg & 0xFFFF, event.data
        legal = model.due.get(key, 0) | model.allowed.get(key, 0)
        if not key:
            legal |= f.INT_EOPF | model.may_be_incomplete()
            # Reported in this frame: nothing is missing at its end.
            self._incomplete &= ~bits
        if key == 0x200 and bits & f.OEP_STSPHSERCVD:
            self._status_stage(bits)
        if not key and bits & f.INT_EPMIS and model.may_take_back:
            model.mismatch_reached()
        if bits & f.EPI_AHBERR and key >> 8 in (1, 2) and model.dma_on:
            self.waive("bus error that only the memory knows of")
            self.path.descriptors.bus_error(key)
            legal |= f.EPI_AHBERR
        if bits & ~legal:
            name = Cause(key >> 8).name if key >> 8 <= Cause.EPXINT else "?"
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
        self.step(Event(event.kind, key, bits))
        if which in (1, 2):
            self.touch(f"{'in' if which == 1 else 'out'}{n}")
        elif which == Cause.EPXINT:
            self.touch("ext", f"ext{n}")

    def _status_stage(self, bits: int) -> None:
        """StsPhseRcvd: not before SetUp, which tells software what the status stage is for."""
        hidden = self.model.due.get(0x200, 0) & f.OEP_SETUP & ~(bits | self.model.outs[0].intr)
        if hidden:
            self.wrong("interrupt cause", "DOEPINT endpoint 0: StsPhseRcvd before SetUp")

    def _line(self, event: Event) -> None:
        model = self.model
        if event.data & 0xF == Line.SLEEP:
            judge_sleep(self)
        elif model.sleeping:
            self.touch("lpm")
        if event.data & 0xF == 1:
            self._grace = self.time + self.window.reset
        self.step(event)
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
        self.step(event)
        self._incomplete = model.incomplete() if model.iso_ins or model.iso_outs else 0
        self._iso_touched = False

    def _flush(self, event: Event) -> None:
        model = self.model
        if event.arg == TAKEN_BACK and model.may_take_back and model.dma_on:
            # A token that may have counted did count.
            model.mismatch_reached()
            if not model.latched & f.INT_EPMIS:
                model.expect_global(f.INT_EPMIS)
        if event.arg not in model.flushing:
            self.wrong("flush", f"FIFO {event.arg:#x} was not asked for")
        self.step(event)
        self.path.flushed()
        self.touch("all")
