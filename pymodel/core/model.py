# SPDX-License-Identifier: Apache-2.0
"""The reference model: `step` is the only way in which its state advances (DESIGN rule 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymodel.config import UdcParameters
from pymodel.trace import Event, Kind, Line, encode

from . import fields as f
from .commands import CommandBank
from .state import InEndpoint, OutEndpoint

__all__ = ["UdcModel"]


class UdcModel(CommandBank):
    """The controller, written from the facts.

    An event is a tuple (kind, arg, data) of the trace port. It says what happened and what the
    controller chose: to answer NAK, to take a packet, to move one now. `choice` carries the bytes
    that moved where the trace port reports them word by word.

    Attributes:
        trace: (time, 64-bit event) as the trace port would report them, or None; for a model that
            is alone.
        time: picoseconds; whoever owns time keeps it, only the trace uses it.
        bus_error: whether the memory answers (address, size, write) with an error; None for never.
    """

    def __init__(self, parameters: UdcParameters) -> None:
        """Start as after power-on."""
        super().__init__(parameters)
        self.trace: list[tuple[int, int]] | None = None
        self.time = 0
        self.bus_error: Callable[[int, int, bool], bool] | None = None
        self._effects: list[Callable[[int, Any, Any], Any] | None] = [None] * 32
        for kind, effect in {
            Kind.REG_WRITE: self._on_reg_write,
            Kind.REG_READ: self._on_reg_read,
            Kind.TOKEN: self.on_token,
            Kind.RX_COMMIT: self.on_rx_commit,
            Kind.RX_DROP: self.on_rx_drop,
            Kind.RX_STATUS: self.on_rx_status,
            Kind.RX_POP: self.on_rx_pop,
            Kind.TX_PACKET: self.on_tx_packet,
            Kind.TX_DONE: self.on_tx_done,
            Kind.INT_SET: self._on_int_set,
            Kind.LINE: self._on_line,
            Kind.SOF: self._on_sof,
            Kind.FLUSH: self.on_flush,
            Kind.COMMAND: self.on_command,
            Kind.DESC: self.on_desc,
            Kind.LPM: self.on_lpm,
        }.items():
            self._effects[kind] = effect

    def step(self, event: tuple[int, int, Any], choice: Any = None) -> Any:
        """Advance by one event.

        Args:
            event: (kind, arg, data) as in `pymodel.trace`. `data` of a register read may be None
                (nobody says what it should return).
            choice: payload for RX_COMMIT and TX_PACKET (bytes); for accesses to FIFO windows as
                one burst the bytes written or the number of bytes to read (multiples of 4); the
                second word of a descriptor that is loaded.

        Returns:
            The value for a register read, the bytes of a burst, (address, bytes) of RX_POP, the
            address of a descriptor.
        """
        kind, arg, data = event
        effect = self._effects[kind]
        result = effect(arg, data, choice) if effect is not None else None
        if self.bus_error is not None:
            self._judge_bus(kind, arg, data, result)
        if self.trace is not None:
            self._record(kind, arg, data, choice, result)
        return result

    def descriptor_refused(self, end: InEndpoint | OutEndpoint, write: bool) -> bool:
        """Memory answers an access to the present descriptor of an endpoint with an error."""
        if self.bus_error is None:
            return False
        return self.bus_error(end.dma & ~3, 4 if write else 8, write)

    def _judge_bus(self, kind: int, arg: int, data: Any, result: Any) -> None:
        """AHBErr is due where the memory answers a packet's words with an error."""
        assert self.bus_error is not None
        n = arg & 0xF
        if kind == Kind.RX_POP:
            address, payload = result
            if payload and self.bus_error(address & ~3, len(payload), True):
                self.expect_out(n, f.EPI_AHBERR)
        elif kind == Kind.TX_PACKET and data and self.dma_on:
            address = (self.to_fetch(self.ins[n])[0] & ~3) - (data + 3 & ~3)
            if self.bus_error(address, data, False):
                self.expect_in(n, f.EPI_AHBERR)

    # -- effects -----------------------------------------------------------------------------

    def _on_reg_write(self, offset: int, value: Any, choice: Any) -> None:
        if choice is None:
            self.write(offset, value)
        elif not self.dma_on:
            self.push_words((offset >> 12) - 1, choice)

    def _on_reg_read(self, offset: int, value: Any, choice: Any) -> Any:
        if choice is None:
            return self.read(offset)
        return bytes(choice) if self.dma_on else self.read_window(choice)

    def _on_int_set(self, arg: int, bits: int, choice: object) -> None:
        self.set_causes(arg, bits)

    def _on_sof(self, arg: int, number: int, choice: object) -> None:
        self.soffn = number
        self.frame_serial += 1
        self.find_late()
        # only silence leads into L1
        self.sleep_due = None
        if not self.latched & f.INT_SOF:
            self.expect_global(f.INT_SOF)

    def _on_line(self, arg: int, data: int, choice: object) -> None:
        """LINE: what the link layer saw on the bus (facts section 13)."""
        what = data & 0xF
        if what == Line.RESET_START:
            self._bus_reset()
        elif what == Line.RESET_END:
            self.enum_speed = data >> 4 & 3
            self.high_speed = not self.enum_speed
            self.expect_global(f.INT_ENUMDONE)
        elif what == Line.EARLY_SUSPEND:
            self.expect_global(f.INT_ERLYSUSP)
        elif what == Line.SUSPEND:
            self.suspended = True
            self.expect_global(f.INT_USBSUSP)
        elif what == Line.RESUME:
            self.suspended = False
            self.on_awake()
            self.expect_global(f.INT_WKUP)
        elif what == Line.SLEEP:
            self.on_sleep()
        elif what == Line.VBUS_ON:
            self.vbus_valid = True
            self.expect_global(f.INT_SESSREQ)
        elif what == Line.VBUS_OFF:
            self.vbus_valid = False
            self.test_mode = 0
            self.suspended = False
            self.on_awake()
            self.expect_otg(f.OTG_SESENDDET)

    def _bus_reset(self) -> None:
        causes = f.INT_USBRST
        stopped = self.storage.get(f.PCGCCTL, 0) & f.PCGC_STOPPCLK
        if self.suspended or self.sleeping or stopped:
            self.suspended = False
            causes |= f.INT_RESETDET
        self.expect_global(causes)
        self.on_awake()
        self.control_open = False
        self.dcfg &= ~(0x7F << 4)
        self.address = self.old_address = 0
        self.setup_open = self.setup_token = False
        self.due_status = [one for one in self.due_status if one[0] != f.PKTSTS_SETUP_DONE]
        for ep in self.ins:
            ep.active = ep.index == 0
            ep.stall = False
            ep.nak = True
        for out in self.outs:
            out.active = out.index == 0
            out.stall = False
            out.nak = True
        self.find_iso()

    # -- the trace that the model emits when it is alone ----------------------------------------

    def _record(self, kind: int, arg: int, data: Any, choice: Any, result: Any) -> None:
        if kind == Kind.REG_READ:
            if choice is None:
                self._emit(kind, arg, result)
            else:
                for word in _words(result):
                    self._emit(kind, arg, word)
        elif kind == Kind.REG_WRITE and choice is not None:
            for word in _words(choice):
                self._emit(kind, arg, word)
        elif kind == Kind.RX_COMMIT:
            for word in _words(choice):
                self._emit(Kind.RX_WORD, 0, word)
            self._emit(kind, arg, data)
        elif kind == Kind.TX_PACKET:
            address = self.to_fetch(self.ins[arg & 0xF])[0] - (data + 3 & ~3)
            for index, word in enumerate(_words(choice)):
                self._emit(Kind.DMA_READ, address + 4 * index & 0xFFFFFF, word)
            self._emit(kind, arg, data)
        elif kind == Kind.RX_POP:
            self._emit(kind, arg, data)
            address, payload = result
            for index, word in enumerate(_words(payload)):
                valid = min(len(payload) - 4 * index, 4) - 1
                self._emit(Kind.DMA_WRITE, address + 4 * index & 0xFFFFFC | valid, word)
        elif kind == Kind.DESC and arg >> 8:
            self._emit(Kind.DMA_WRITE, result & 0xFFFFFC | 3, data)
            self._emit(kind, arg, data)
        elif kind == Kind.DESC:
            self._emit(Kind.DMA_READ, result & 0xFFFFFC, data)
            self._emit(Kind.DMA_READ, result + 4 & 0xFFFFFC, choice)
            self._emit(kind, arg, data)
        else:
            self._emit(kind, arg, data)

    def _emit(self, kind: int, arg: int, data: int) -> None:
        assert self.trace is not None
        self.trace.append((self.time, encode(Event(kind, arg, data))))

    def record_sent(self, n: int, payload: bytes) -> None:
        """Report the words of a packet that goes out (TX_WORD), when a trace is wanted."""
        if self.trace is not None:
            for word in _words(payload):
                self._emit(Kind.TX_WORD, n, word)


def _words(data: bytes | memoryview) -> list[int]:
    """Return little-endian words, the last one padded with zeros."""
    padded = bytes(data) + bytes(-len(data) % 4)
    return [int.from_bytes(padded[i : i + 4], "little") for i in range(0, len(padded), 4)]
