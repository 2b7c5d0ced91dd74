# SPDX-License-Identifier: Apache-2.0
"""Recorded drivers start the controller and are enumerated (tests/traces).

The writes of a trace are made as they stand. A read waits until the bits that the driver needs are
there: all of a register that is storage, the events and states of the others. The host plays the
phase's control transfer meanwhile, and its outcome has to be right. `-- NAME` chooses the trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from pymodel.gen import udc_regs
from pymodel.gen.udc_regs import DCFG, DCTL, DIEPCTL, DIEPINT, DOEPINT, GINTSTS, GRXSTSP
from raw import control_in, control_out, retry
from tb.kernel import ms as milliseconds
from tb.kernel import now, sleep, us
from tb.usb import SetupPacket

PROBE = False
HOST = False
# where the recorded drivers had their buffers
MEMORY = (0x2000_0000, 0x10000)
RUNS = [
    {"mode": "dma", "args": ["linux_dma"]},
    {"mode": "dma", "args": ["tinyusb_dma"]},
    {"mode": "slave", "args": ["linux_slave"]},
    {"mode": "slave", "args": ["tinyusb_slave"]},
    {"mode": "slave", "fifo": "shared", "args": ["linux_shared"]},
    {"mode": "desc", "args": ["linux_desc"]},
]

TRACES = Path(__file__).resolve().parents[1] / "traces"
ALL = 0xFFFF_FFFF
# one descriptor: last, interrupt on completion, short packet (IN)
LAST, INTERRUPT, SHORT = 1 << 27, 1 << 25, 1 << 26
ADDRESS = 7
BAD = bytes(SetupPacket(0x80, 6, 0x0F55, 0, 4))

# What a driver waits for in a register that is not storage; elsewhere all bits count.
_STATE = GINTSTS.RxFLvl.mask | GINTSTS.USBRst.mask | GINTSTS.EnumDone.mask
_STATE |= GINTSTS.IEPInt.mask | GINTSTS.OEPInt.mask
_NEEDED = {
    "GINTSTS": _STATE,
    "DSTS": 0x6,
    # the other bits are not what the recorded controller had after its reset
    "DCFG": DCFG.DevSpd.mask | DCFG.DevAddr.mask | DCFG.NZStsOUTHShk.mask | DCFG.DescDMA.mask,
    "DCTL": DCTL.SftDiscon.mask | DCTL.RmtWkUpSig.mask,
    "DIEPINT": DIEPINT.XferCompl.mask,
    "DOEPINT": DOEPINT.XferCompl.mask | DOEPINT.SetUp.mask | DOEPINT.StupPktRcvd.mask,
    "GRXSTSP": GRXSTSP.PktSts.mask | GRXSTSP.BCnt.mask | GRXSTSP.EPNum.mask,
    "DIEPCTL": ALL & ~(1 << 16 | 1 << 17 | 1 << 31),
    "DOEPCTL": ALL & ~(1 << 16 | 1 << 17 | 1 << 31),
    # identity: ours, not that of the recorded silicon
    "GSNPSID": 0, "GHWCFG": 0,
    # what is left of a transfer depends on the moment, and means nothing with descriptors
    "DIEPTSIZ": 0, "DOEPTSIZ": 0, "DTXFSTS": 0, "GNPTXSTS": 0, "DOEPDMA": 0, "FIFO": 0,
}  # fmt: skip


class Access(NamedTuple):
    """A line of a trace."""

    phase: str
    write: bool
    name: str
    value: int
    times: int


def load(name: str) -> list[Access]:
    """Read a trace."""
    found = []
    for line in (TRACES / f"{name}.txt").read_text().splitlines():
        phase, kind, register, value, *times = line.split()
        count = int(times[0][1:]) if times else 1
        found.append(Access(phase, kind == "W", register, int(value, 16), count))
    return found


def offset_of(name: str) -> int:
    """Return the offset of a register written as in a trace (DIEPCTL1, DTXFSTS0, GHWCFG1)."""
    register = getattr(udc_regs, name, None)
    if register is not None:
        return int(register.OFFSET)
    family = name.rstrip("0123456789")
    return int(getattr(udc_regs, family).at(int(name[len(family) :])))


class Player:
    """Plays a driver; knows just enough to keep its memory right.

    Attributes:
        reply: bytes that the driver has for the host in this phase.
    """

    def __init__(self, bench: Any, descriptors: bool) -> None:
        """Belong to a bench."""
        self._hw = bench.hw
        self._descriptors = descriptors
        self._lists: dict[str, int] = {}
        self._read: dict[str, int] = {}
        self._masks: dict[str, int] = {}
        self.reply = 0

    async def play(self, accesses: Iterator[Access]) -> None:
        """Make the accesses of one phase."""
        for access in accesses:
            for _ in range(access.times):
                if access.write:
                    await self._write(access)
                else:
                    await self._wait(access)

    async def _write(self, access: Access) -> None:
        name, value = access.name, access.value
        if name[2:7] == "EPINT":
            # drivers clear what they have just read and enabled; a SETUP that came sooner than in
            # the recording is still to be served
            seen = self._read.pop(name, 0) & self._masks.get(name[:2], 0)
            value |= seen & ~DOEPINT.SetUp.mask
        if name in ("DIEPMSK", "DOEPMSK"):
            self._masks[name[:2]] = value
        if name[2:7] == "EPDMA":
            self._lists[name] = value
        enables = name[2:7] == "EPCTL" and value & DIEPCTL.EPEna.mask
        if self._descriptors and (enables or name[2:7] == "EPDMA"):
            self._prepare(name[:2], name[7:])
        await self._hw.write32(offset_of(name), value)

    def _prepare(self, way: str, number: str) -> None:
        """Make the descriptor of an endpoint ready, as the driver did before it told of it."""
        place = self._lists.get(f"{way}EPDMA{number}")
        if place is None:
            return
        buffer = (0x2000_8000 + (0x400 if way == "DI" else 0)).to_bytes(4, "little")
        if way == "DI":
            status = LAST | INTERRUPT | SHORT | (0 if int(number) else self.reply)
        else:
            status = LAST | INTERRUPT | 64
        self._hw.memory.write(place, status.to_bytes(4, "little") + buffer)

    async def _wait(self, access: Access) -> None:
        family = access.name.rstrip("0123456789")
        needed = _NEEDED.get(access.name, _NEEDED.get(family, ALL))
        start = now()
        while True:
            value = await self._hw.read32(offset_of(access.name))
            self._read[access.name] = value
            at_least = family[-3:] == "INT" or needed == _STATE
            missing = access.value & ~value if at_least else access.value ^ value
            if not missing & needed:
                return
            assert family not in ("GRXSTSP", "FIFO"), f"{access}: popped 0x{value:08x}"
            assert now() < start + milliseconds(3), f"{access}: still 0x{value:08x}"


async def main(bench: Any) -> None:
    name = bench.args[0] if bench.args else "linux_dma"
    phases = [(phase, list(group)) for phase, group in groupby(load(name), lambda one: one.phase)]
    bench.wire.vbus(True)
    player = Player(bench, name.endswith("desc"))
    assert [phase for phase, _ in phases][:3] == ["init", "reset", "getdev"]
    for phase, accesses in phases:
        lengths = [a.value & 0x7F for a in accesses if a.write and a.name == "DIEPTSIZ0"]
        linux = {"getdev": 18, "getcfg": 9, "getcfg2": 60, "string": 22}
        player.reply = sum(lengths) or linux.get(phase, 0)
        host = bench.kernel.spawn(HOSTS[phase](bench, player)) if phase in HOSTS else None
        await player.play(iter(accesses))
        if host is not None:
            await host


async def _reset(bench: Any, player: Player) -> None:
    while not bench.wire.connected:
        await sleep(us(10))
    assert await bench.wire.reset() == "high"
    await bench.wire.sof(2)


def _get(value: int, address: int, asked: int = 0) -> Any:
    async def transfer(bench: Any, player: Player) -> None:
        setup = bytes(SetupPacket(0x80, 6, value, 0, asked or player.reply))
        data = await control_in(bench, setup, address)
        assert len(data) == player.reply, (len(data), player.reply)

    return transfer


async def _set_address(bench: Any, player: Player) -> None:
    await control_out(bench, bytes(SetupPacket(0, 5, ADDRESS, 0, 0)))


async def _set_configuration(bench: Any, player: Player) -> None:
    await control_out(bench, bytes(SetupPacket(0, 9, 1, 0, 0)), ADDRESS)


async def _bad_request(bench: Any, player: Player) -> None:
    assert (await bench.wire.setup(ADDRESS, 0, BAD)).handshake == "ACK"
    assert (await retry(bench, bench.wire.in_, ADDRESS, 0)).handshake == "STALL"


HOSTS = {
    "reset": _reset,
    "getdev": _get(0x0100, 0),
    "setaddr": _set_address,
    "getcfg": _get(0x0200, ADDRESS),
    "getcfg2": _get(0x0200, ADDRESS),
    "string": _get(0x0301, ADDRESS, 255),
    "badreq": _bad_request,
    "setcfg": _set_configuration,
}
