# SPDX-License-Identifier: Apache-2.0
"""Endpoint commands of the extension bank: what a write to EPCMD starts comes about later.

Index i of the bank is 2 * endpoint + (1 for IN). A command takes effect when its latency is over
(the event COMMAND); END_TRANSFER is complete only when the endpoint has come to rest.
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial
from typing import Final

from pymodel.config import UdcParameters

from . import fields as f
from .registers import Registers

__all__ = ["Command", "CommandBank", "Status"]

_INDICES: Final = 32
_LONGEST: Final = 2000


class Command(IntEnum):
    """EPCMD.Cmd."""

    START_TRANSFER = 1
    END_TRANSFER = 2
    UPDATE_TRANSFER = 3
    SET_STALL = 4
    CLEAR_STALL = 5


class Status(IntEnum):
    """EPCMD.CmdStatus."""

    DONE = 0
    NO_ENDPOINT = 1
    BUSY = 2
    UNKNOWN = 3


class CommandBank(Registers):
    """The register file plus endpoint commands.

    Attributes:
        xcfg: XCFG.
        epcmd: EPCMD by index, without CMDACT.
        command_due: when a command takes effect, by index; the model alone goes by it.
        command_last: when the last command took effect.
        ending: indices whose END_TRANSFER waits for the endpoint to come to rest.
        epxint, epxmsk: EPXINT and EPXMSK by index.
        microsecond: picoseconds of the hardware's microsecond (60 core clocks).
    """

    microsecond = 1_000_000

    def __init__(self, parameters: UdcParameters) -> None:
        """Build the bank, if the hardware has it."""
        super().__init__(parameters)
        if not parameters.commands:
            return
        self._fixed[f.XCAP] = 1 << 2 | _LONGEST << 16
        self._readers[f.XCFG] = lambda: self.xcfg
        self._writers[f.XCFG] = self._write_xcfg
        self._stored[f.XINTMSK] = 0xF
        for index in range(_INDICES):
            base = f.EXT_BASE + f.EP_STRIDE * index
            for number in (0, 1):
                self._readers[base + 4 * number] = partial(self._read_parameter, index, number)
                self._writers[base + 4 * number] = partial(self._write_parameter, index, number)
            self._readers[base + f.EXT_CMD] = partial(self._read_command, index)
            self._writers[base + f.EXT_CMD] = partial(self._write_command, index)
            self._readers[base + f.EXT_INT] = partial(self._read_cause, index)
            self._writers[base + f.EXT_INT] = partial(self._write_cause, index)
            self._readers[base + f.EXT_MSK] = partial(self._read_mask, index)
            self._writers[base + f.EXT_MSK] = partial(self._write_mask, index)

    def reset_core(self) -> None:
        """Everything goes back to its reset value; commands are aborted."""
        self.xcfg = self.par.cmd_latency << 16
        self.epcmd = [0] * _INDICES
        self.parameters = [[0, 0] for _ in range(_INDICES)]
        self.command_due: dict[int, int] = {}
        self.command_last = 0
        self.ending: set[int] = set()
        self.epxint = [0] * _INDICES
        self.epxmsk = [0] * _INDICES
        super().reset_core()

    # -- registers ---------------------------------------------------------------------------

    def command_active(self, index: int) -> bool:
        """EPCMD.CMDACT."""
        return index in self.command_due or index in self.ending

    def _write_xcfg(self, value: int) -> None:
        self.xcfg = value & f.XCFG_BITS

    def _read_parameter(self, index: int, number: int) -> int:
        return self.parameters[index][number]

    def _write_parameter(self, index: int, number: int, value: int) -> None:
        if not self.command_active(index):
            self.parameters[index][number] = value

    def _read_command(self, index: int) -> int:
        return self.epcmd[index] | self.command_active(index) << 10

    def _write_command(self, index: int, value: int) -> None:
        if self.command_active(index):
            return
        self.epcmd[index] = self.epcmd[index] & f.CMD_STATUS | value & f.CMD_STORED
        if value & f.CMD_ACT and self.xcfg & f.XCFG_CMDEN:
            latency = min(self.xcfg >> 16, _LONGEST) * self.microsecond
            self.command_due[index] = self.time + latency

    def _read_cause(self, index: int) -> int:
        return self.epxint[index]

    def _write_cause(self, index: int, value: int) -> None:
        self.epxint[index] &= ~value
        self._refresh_index(index)

    def _read_mask(self, index: int) -> int:
        return self.epxmsk[index]

    def _write_mask(self, index: int, value: int) -> None:
        self.epxmsk[index] = value & f.EPX_BITS
        self._refresh_index(index)

    # -- causes ------------------------------------------------------------------------------

    def set_causes(self, key: int, bits: int) -> None:
        """Make causes visible; an endpoint that has come to rest completes its command."""
        super().set_causes(key, bits)
        which, n = key >> 8, key & 0xFF
        if which == 4:
            self.epxint[n & 31] |= bits & f.EPX_BITS
            self._refresh_index(n & 31)
        elif self.ending and which in (1, 2) and bits & f.EPI_DISBLD:
            index = 2 * n + (which == 1)
            if index in self.ending:
                self.ending.remove(index)
                self._complete(index)

    def refresh_in(self, n: int) -> None:
        """Compute DAINT bit n, EPXINT included."""
        super().refresh_in(n)
        if self.epxint[2 * n + 1] & self.epxmsk[2 * n + 1]:
            self.daint |= 1 << n

    def refresh_out(self, n: int) -> None:
        """Compute DAINT bit 16 + n, EPXINT included."""
        super().refresh_out(n)
        if self.epxint[2 * n] & self.epxmsk[2 * n]:
            self.daint |= 0x10000 << n

    def _refresh_index(self, index: int) -> None:
        n, is_in = index >> 1, index & 1
        if n < len(self.ins if is_in else self.outs):
            (self.refresh_in if is_in else self.refresh_out)(n)
            return
        bit = (1 if is_in else 0x10000) << n
        self.daint &= ~bit
        if self.epxint[index] & self.epxmsk[index]:
            self.daint |= bit

    # -- the executor ------------------------------------------------------------------------

    def next_command(self) -> int | None:
        """Return the index of the command that takes effect next."""
        due = self.command_due
        return min(due, key=lambda index: (due[index], index)) if due else None

    def command_status(self, index: int) -> int:
        """Return the status that a command would have now."""
        n, is_in = index >> 1, index & 1
        ends = self.ins if is_in else self.outs
        if n >= len(ends) or not ends[n].active:
            return Status.NO_ENDPOINT
        command = self.epcmd[index] & 0xF
        if not Command.START_TRANSFER <= command <= Command.CLEAR_STALL:
            return Status.UNKNOWN
        if command == Command.START_TRANSFER and ends[n].enabled:
            return Status.BUSY
        return Status.DONE

    def command_result(self, index: int) -> int:
        """Return EPCMD as it will be when a command that takes effect now is complete."""
        return self.epcmd[index] & ~f.CMD_STATUS | self.command_status(index) << 12

    def on_command(self, arg: int, data: int, choice: object) -> None:
        """COMMAND: a command takes effect."""
        index = arg & 31
        self.command_due.pop(index, None)
        self.command_last = self.time
        status = self.command_status(index)
        self.epcmd[index] = self.epcmd[index] & ~f.CMD_STATUS | status << 12
        if status != Status.DONE:
            self._complete(index)
            return
        n, is_in = index >> 1, index & 1
        self._execute(index, (f.IN_BASE if is_in else f.OUT_BASE) + f.EP_STRIDE * n)
        end = (self.ins if is_in else self.outs)[n]
        if end.disabling and self.epcmd[index] & 0xF == Command.END_TRANSFER:
            self.ending.add(index)
        else:
            self._complete(index)

    def _execute(self, index: int, base: int) -> None:
        """Do to an endpoint's registers what a command does."""
        command = self.epcmd[index] & 0xF
        control = self._readers[base + f.EP_CTL]()
        if command == Command.START_TRANSFER:
            address, size = self.parameters[index]
            if self.dma_on:
                self._writers[base + f.EP_DMA](address)
            self._writers[base + f.EP_TSIZ](size)
            control |= f.EPCTL_ENA | f.EPCTL_CNAK
        elif command == Command.END_TRANSFER:
            control |= f.EPCTL_SNAK | f.EPCTL_DIS
        elif command == Command.UPDATE_TRANSFER:
            control |= f.EPCTL_CNAK
        elif command == Command.SET_STALL:
            control |= f.EPCTL_STALL
        else:
            control = control & ~f.EPCTL_STALL | f.EPCTL_SETD0
        self._writers[base + f.EP_CTL](control)

    def _complete(self, index: int) -> None:
        if self.epcmd[index] & f.CMD_IOC:
            key = 0x400 | index
            self.due[key] = self.due.get(key, 0) | f.EPX_CMDCOMPL
