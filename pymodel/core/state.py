# SPDX-License-Identifier: Apache-2.0
"""What the controller remembers: endpoints, FIFOs, and the two together.

Endpoint state is indexed by number, one object per direction (DESIGN rule 10).
"""

from __future__ import annotations

from collections import deque

from pymodel.config import UdcParameters

from . import fields as f
from .chain import Chain

__all__ = ["InEndpoint", "OutEndpoint", "RxEntry", "RxFifo", "State", "TxFifo"]


class TxFifo:
    """A dedicated Tx FIFO (facts section 8).

    Attributes:
        depth: 32-bit words.
        moves: how often it has got a new place; what was under way then is not of it any more.
        used: words that are taken: complete packets until acknowledged, and pushed words.
        packets: complete packets, oldest first; each a payload without padding.
        raw: pushed words that do not yet make a packet.
    """

    __slots__ = ("depth", "moves", "packets", "raw", "used")

    def __init__(self, depth: int) -> None:
        """Start empty."""
        self.depth = depth
        self.moves = 0
        self.used = 0
        self.packets: deque[bytes] = deque()
        self.raw = bytearray()

    def clear(self) -> None:
        """Flush (GRSTCTL.TxFFlsh)."""
        self.used = 0
        self.packets.clear()
        self.raw.clear()


class RxEntry:
    """One status word in the Rx FIFO with its data words."""

    __slots__ = ("data", "endpoint", "frame", "kind", "status", "words")

    def __init__(self, kind: int, endpoint: int, status: int, data: bytes, frame: int = 0) -> None:
        """Hold an entry: PktSts, endpoint, the whole status word, payload, 11 bits of SOFFN."""
        self.frame = frame
        self.kind = kind
        self.endpoint = endpoint
        self.status = status
        self.data = data
        self.words = 1 + ((len(data) + 3) >> 2)


class RxFifo:
    """The one Rx FIFO (facts section 7).

    Attributes:
        depth: 32-bit words.
        used: words taken by entries and by `current`.
        entries: what has not been popped, oldest first.
        current: data words that belong to the status word popped last (slave mode).
    """

    __slots__ = ("current", "depth", "entries", "used")

    def __init__(self, depth: int) -> None:
        """Start empty."""
        self.depth = depth
        self.used = 0
        self.entries: deque[RxEntry] = deque()
        self.current = b""

    def clear(self) -> None:
        """Flush (GRSTCTL.RxFFlsh)."""
        self.used = 0
        self.entries.clear()
        self.current = b""


class InEndpoint:
    """IN endpoint n.

    Attributes:
        exists: it was built (EP_DIRECTIONS); what was not is never active and has no registers.
        toggle: DATA1 next; on an isochronous endpoint the parity of its frames.
        desc: its descriptors, in descriptor DMA.
        sending: bytes of the packet that is on its way, below 0 for none.
        sent_from: (number, moves) of the Tx FIFO that this packet is in.
        unacked: bytes of the programmed transfer that have not been acknowledged.
        served: isochronous packets sent in the frame `served_at` (a `State.frame_serial`).
    """

    __slots__ = (
        "active",
        "desc",
        "disabling",
        "dma",
        "enabled",
        "eptype",
        "exists",
        "fifo",
        "index",
        "intr",
        "limit",
        "mc",
        "mps",
        "nak",
        "nextep",
        "pktcnt",
        "sending",
        "sent_from",
        "served",
        "served_at",
        "stall",
        "toggle",
        "unacked",
        "xfersize",
    )

    def __init__(self, index: int, exists: bool = True) -> None:
        """Start as after power-on."""
        self.index = index
        self.exists = exists
        self.reset()

    def reset(self) -> None:
        """Power-on and core soft reset (section 5: EP0 is always active)."""
        self.active = self.index == 0
        self.mps = 0
        self.limit = 64 if self.index == 0 else 0
        self.nextep = 0
        self.eptype = 0
        self.fifo = 0
        self.nak = False
        self.stall = False
        self.toggle = 0
        self.enabled = False
        self.disabling = False
        self.xfersize = 0
        self.pktcnt = 0
        self.mc = 0
        self.unacked = 0
        self.dma = 0
        self.intr = 0
        self.desc = Chain()
        self.sending = -1
        self.sent_from = (0, 0)
        self.served = 0
        self.served_at = -1


class OutEndpoint:
    """OUT endpoint n.

    Attributes:
        exists: it was built, as for an IN endpoint.
        toggle: DATA1 next; on an isochronous endpoint the parity of its frames.
        desc: its descriptors, in descriptor DMA.
        rxdpid: code of the PID of the last isochronous packet (DOEPTSIZ.RxDPID).
        served_at: `State.frame_serial` when that packet came.
    """

    __slots__ = (
        "active",
        "desc",
        "disabling",
        "dma",
        "enabled",
        "eptype",
        "exists",
        "index",
        "intr",
        "limit",
        "mps",
        "nak",
        "pktcnt",
        "rxdpid",
        "served_at",
        "setups",
        "snp",
        "stall",
        "supcnt",
        "toggle",
        "xfersize",
    )

    def __init__(self, index: int, exists: bool = True) -> None:
        """Start as after power-on."""
        self.index = index
        self.exists = exists
        self.reset()

    def reset(self) -> None:
        """Power-on and core soft reset."""
        self.active = self.index == 0
        self.mps = 0
        self.limit = 64 if self.index == 0 else 0
        self.eptype = 0
        self.snp = False
        self.nak = False
        self.stall = False
        self.toggle = 0
        self.enabled = False
        self.disabling = False
        self.xfersize = 0
        self.pktcnt = 0
        self.supcnt = 0
        self.rxdpid = 0
        self.served_at = -1
        self.setups = 0
        self.dma = 0
        self.intr = 0
        self.desc = Chain()


class State:
    """Everything the controller remembers.

    Attributes:
        par: what it was built with.
        storage: registers that only store, by offset.
        latched: GINTSTS causes that software clears by writing 1.
        daint: DAINT as computed from endpoint causes and masks.
        frame_serial: counts SOFs, so that frames can be told apart.
        iso_ins, iso_outs: active isochronous endpoints.
        test_mode: DCTL.TstCtl that was asked for, until a reset of the core or loss of VBUS.
        control_read: the last SETUP asked for data to the host.
    """

    def __init__(self, parameters: UdcParameters) -> None:
        """Start as after power-on."""
        self.par = par = parameters
        self.ins = [InEndpoint(n, par.has_in(n)) for n in range(par.num_in_eps + 1)]
        self.outs = [OutEndpoint(n, par.has_out(n)) for n in range(par.num_out_eps + 1)]
        self.tx = [TxFifo(0) for _ in range(par.num_in_eps + 1)]
        self.rx = RxFifo(0)
        self.storage: dict[int, int] = {}
        self.gusbcfg = 0x1400
        self.vbus_valid = False
        self.high_speed = False
        self.line_state = 0
        self.reset_core()

    def fifo_sizes(self) -> tuple[int, list[int]]:
        """Return power-on depths in words: Rx, then Tx 0 to n (facts section 14 item 6).

        They are the largest legal ones and add up to no more than the RAM: a quarter receives,
        a sixteenth (a thirty-second with more than 11 IN endpoints) belongs to each Tx FIFO.
        """
        words = self.par.fifo_words
        each = words >> (4 + (self.par.num_in_eps > 11))
        return words >> 2, [words >> 4] + [each] * self.par.num_in_eps

    def reset_core(self) -> None:
        """Core soft reset: everything but GUSBCFG and GUID-like storage (GRSTCTL in section 3)."""
        keep = {k: v for k, v in self.storage.items() if k == f.GUID}
        self.storage = {
            f.DVBUSDIS: 0x17D7,
            f.DVBUSPULSE: 0x5B8,
            **keep,
        }
        if self.par.dedicated_fifo:
            self.storage[f.DTHRCTL] = 0x08020020
        for ep in self.ins:
            ep.reset()
        for out in self.outs:
            out.reset()
        rx, tx = self.fifo_sizes()
        self.rx.clear()
        self.rx.depth = rx
        self.grxfsiz = rx
        start = rx
        self.txfsiz: list[int] = []
        for fifo, depth in zip(self.tx, tx, strict=True):
            fifo.clear()
            fifo.depth = depth
            self.txfsiz.append(depth << 16 | start)
            start += depth
        self.owner = [0] + [-1] * (len(self.tx) - 1)
        self.gotgctl = 0
        self.gotgint = 0
        self.gahbcfg = 0
        self.txfnum = 0
        self.latched = 0
        self.gintmsk = 0
        self.dcfg = 0x08100000
        self.address = 0
        self.old_address = 0
        self.dctl = f.DCTL_SFTDISCON * self.par.soft_disconnect | 0x2000
        self.test_mode = 0
        self.gin_nak = False
        self.gin_nak_asked = False
        self.gout_nak = False
        self.gout_nak_asked = False
        self.suspended = False
        self.enum_speed = 1
        self.soffn = 0
        self.frame_serial = 0
        self.iso_ins: list[InEndpoint] = []
        self.iso_outs: list[OutEndpoint] = []
        self.diepmsk = 0
        self.doepmsk = 0
        self.daintmsk = 0
        self.empmsk = 0
        self.daint = 0
        self.setup_open = False
        self.setup_token = False
        self.control_read = False
        self.flushing: set[int] = set()
        self.dma_on = False

    @property
    def session_valid(self) -> bool:
        """GOTGCTL.BSesVld: VBUS, or what the override bits say."""
        if self.gotgctl & f.OTG_BVALIDOVEN:
            return bool(self.gotgctl & f.OTG_BVALIDOVVAL)
        return self.vbus_valid

    @property
    def pull_up(self) -> bool:
        """The device shows itself to the host."""
        return self.session_valid and not self.dctl & f.DCTL_SFTDISCON
