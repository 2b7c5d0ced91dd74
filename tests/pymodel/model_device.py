# SPDX-License-Identifier: Apache-2.0
"""A stand-alone model with a host of bytes: what the tests of the model drive."""

from __future__ import annotations

from pymodel.config import UdcParameters
from pymodel.core import EagerPolicy, PacketLayer, UdcModel
from pymodel.gen.udc_regs import (
    DAINTMSK,
    DIEPCTL,
    DIEPINT,
    DIEPTSIZ,
    DOEPCTL,
    DOEPINT,
    DOEPTSIZ,
    DTXFSTS,
    FIFO,
    GAHBCFG,
    GINTSTS,
    GRXSTSP,
)
from pymodel.packets import PID, build_data, build_handshake, build_token, pid_of
from pymodel.trace import Kind, Line

__all__ = ["BASE", "NAMES", "Device"]

BASE = 0x1000_0000
NAMES = {PID.ACK: "ACK", PID.NAK: "NAK", PID.STALL: "STALL", PID.NYET: "NYET"}
EPENA, EPDIS, CNAK, SNAK = (
    DIEPCTL.EPEna.mask,
    DIEPCTL.EPDis.mask,
    DIEPCTL.CNAK.mask,
    DIEPCTL.SNAK.mask,
)


class Memory:
    """64 KiB behind the model's DMA."""

    def __init__(self) -> None:
        self.data = bytearray(1 << 16)

    def device_read(self, address: int, size: int) -> bytes:
        assert BASE <= address <= BASE + len(self.data) - size, hex(address)
        return bytes(self.data[address - BASE : address - BASE + size])

    def device_write(self, address: int, data: bytes) -> None:
        assert BASE <= address <= BASE + len(self.data) - len(data), hex(address)
        self.data[address - BASE : address - BASE + len(data)] = data


class Device:
    """Registers on one side, packets on the other; every choice is made at once."""

    def __init__(
        self,
        dma: bool = False,
        speed: str = "high",
        trace: bool = False,
        parameters: UdcParameters | None = None,
        attach: bool = True,
    ) -> None:
        self.model = UdcModel(parameters or UdcParameters())
        if trace:
            self.model.trace = []
        self.memory = Memory()
        self.policy = EagerPolicy(self.model, self.memory)
        self.layer = PacketLayer(self.model, self.policy)
        self.address = 0
        self.now = 0
        self.dma = dma
        if attach:
            self.write(GAHBCFG.OFFSET, 1 | (GAHBCFG.DMAEn.mask if dma else 0))
            self.line(Line.VBUS_ON)
            self.bus_reset(speed)
            self.write(GINTSTS.OFFSET, 0xFFFFFFFF)
            self.write(DAINTMSK.OFFSET, 0xFFFFFFFF)

    def tick(self) -> int:
        """A quarter of a microsecond passes; returns the time."""
        self.now += 250_000
        self.model.time = self.now
        return self.now

    # -- bus face

    def write(self, offset: int, value: int) -> None:
        self.tick()
        self.model.step((Kind.REG_WRITE, offset, value))
        self.policy.settle()

    def read(self, offset: int) -> int:
        self.tick()
        value = self.model.step((Kind.REG_READ, offset, None))
        self.policy.settle()
        return int(value)

    def set(self, offset: int, bits: int) -> None:
        """Read-modify-write, as every driver does."""
        self.write(offset, self.read(offset) | bits)

    def push(self, fifo: int, data: bytes) -> None:
        self.tick()
        self.model.step((Kind.REG_WRITE, FIFO.at(fifo), None), data + bytes(-len(data) % 4))
        self.policy.settle()

    def pull(self, size: int) -> bytes:
        self.tick()
        data = self.model.step((Kind.REG_READ, FIFO.at(0), None), size + 3 & ~3)
        self.policy.settle()
        return bytes(data[:size])

    def pop(self) -> tuple[int, int, bytes]:
        """Pop a status word and its data: (PktSts, endpoint, payload)."""
        status = self.read(GRXSTSP.OFFSET)
        size = GRXSTSP.BCnt.get(status)
        data = self.pull(size) if size else b""
        return GRXSTSP.PktSts.get(status), GRXSTSP.EPNum.get(status), data

    def gintsts(self) -> int:
        return self.read(GINTSTS.OFFSET)

    def diepint(self, n: int) -> int:
        return self.read(DIEPINT.at(n))

    def doepint(self, n: int) -> int:
        return self.read(DOEPINT.at(n))

    def space(self, n: int) -> int:
        return self.read(DTXFSTS.at(n))

    # -- what a driver does

    def open(self, n: int, is_in: bool, mps: int = 512, eptype: int = 2, fifo: int = 0) -> None:
        base = DIEPCTL if is_in else DOEPCTL
        value = mps | DIEPCTL.USBActEP.mask | eptype << 18 | DIEPCTL.SetD0PID.mask
        self.write(base.at(n), value | DIEPCTL.TxFNum.put(fifo if is_in else 0))

    def start_in(self, n: int, size: int, count: int, address: int = BASE) -> None:
        self.write(DIEPTSIZ.at(n), count << 19 | size)
        self.write(DIEPTSIZ.at(n) + 4, address)
        self.set(DIEPCTL.at(n), EPENA | CNAK)

    def start_out(self, n: int, size: int, count: int, address: int = BASE) -> None:
        self.write(DOEPTSIZ.at(n), count << 19 | size)
        self.write(DOEPTSIZ.at(n) + 4, address)
        self.set(DOEPCTL.at(n), EPENA | CNAK)

    def arm_setup(self, address: int = BASE) -> None:
        """Buffer for SETUPs, as Linux arms it (facts section 10)."""
        self.write(DOEPTSIZ.at(0), 1 << 29 | 1 << 19 | 8)
        self.write(DOEPTSIZ.at(0) + 4, address)
        self.set(DOEPCTL.at(0), EPENA)

    # -- wire face

    def line(self, message: int) -> None:
        self.tick()
        self.model.step((Kind.LINE, 0, message))
        self.policy.settle()

    def bus_reset(self, speed: str = "high") -> None:
        self.line(Line.RESET_START)
        self.line(Line.RESET_END | (speed == "full") << 4)
        self.address = 0

    def _name(self, answer: bytes | None) -> str | None:
        return None if answer is None else NAMES[PID(pid_of(answer) or 0)]

    def token(self, pid: int, n: int) -> bytes | None:
        return self.layer.receive(build_token(pid, self.address, n), now=self.tick())

    def out(self, n: int, pid: int, data: bytes = b"") -> str | None:
        assert self.token(PID.OUT, n) is None
        return self._name(self.layer.receive(build_data(pid, data), now=self.tick()))

    def setup(self, data: bytes) -> str | None:
        assert self.token(PID.SETUP, 0) is None
        return self._name(self.layer.receive(build_data(PID.DATA0, data), now=self.tick()))

    def ping(self, n: int) -> str | None:
        return self._name(self.token(PID.PING, n))

    def in_(self, n: int, ack: bool = True) -> str | tuple[PID, bytes] | None:
        """Return (PID, payload) of data, or the handshake, or None for silence."""
        answer = self.token(PID.IN, n)
        if answer is None or len(answer) == 1:
            return self._name(answer)
        if ack:
            assert self.layer.receive(build_handshake(PID.ACK), now=self.tick()) is None
        else:
            self.layer.idle(self.tick())
        return PID(pid_of(answer) or 0), answer[1:-2]
