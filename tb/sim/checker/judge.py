# SPDX-License-Identifier: Apache-2.0
"""The state machine of transactions that judges each packet."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from pymodel.packets import crc5, crc16
from pymodel.wire import LineEvent, PacketRecord
from tb.sim.checker.extended import LinkPower
from tb.sim.checker.frames import Frames
from tb.sim.checker.learned import BULK, CONTROL, ISOCHRONOUS, Endpoint
from tb.sim.checker.pipes import DATA0, DATA1, Pipe
from tb.sim.checker.rules import RULES, Violation
from tb.sim.checker.session import Session
from tb.sim.checker.timing import FULL, HIGH

__all__ = ["Checker"]

# Plain numbers: looking them up in an enumeration would cost more than the rest of a judgement.
EXT, OUT, IN, SOF, SETUP, PING = 0x0, 0x1, 0x9, 0x5, 0xD, 0x4
ACK, NAK, STALL, NYET = 0x2, 0xA, 0xE, 0x6
DATA2, MDATA = 0x7, 0xF
_LPM = 0x3
_NAMES = {EXT: "EXT", OUT: "OUT", IN: "IN", SOF: "SOF", SETUP: "SETUP", PING: "PING"}
_NAMES |= {ACK: "ACK", NAK: "NAK", STALL: "STALL", NYET: "NYET"}
_NAMES |= {DATA0: "DATA0", DATA1: "DATA1", DATA2: "DATA2", MDATA: "MDATA"}

# What a PID is, by its nibble; nibble by PID byte, -1 if the check bits are wrong.
_TOKEN, _DATA, _HANDSHAKE, _SOF, _ILLEGAL, _BROKEN = range(6)
_CLASS = [_TOKEN, _TOKEN, _HANDSHAKE, _DATA, _TOKEN, _SOF, _HANDSHAKE, _DATA]
_CLASS += [_ILLEGAL, _TOKEN, _HANDSHAKE, _DATA, _ILLEGAL, _TOKEN, _HANDSHAKE, _DATA, _BROKEN]
_PID = [byte & 0xF if byte >> 4 ^ byte & 0xF == 0xF else -1 for byte in range(256)]

# What comes next in the transaction.
_IDLE, _HOST_DATA, _OUT_ANSWER, _IN_ANSWER, _HOST_ACK, _PING_ANSWER, _ISO_OUT = range(7)
_EXTENDED, _LPM_ANSWER = 7, 8
_WAITS_FOR_DEVICE = (False, False, True, True, False, True, False, False, True)


class _Wire(Protocol):
    def monitor(self, callback: Callable[[list[PacketRecord]], None]) -> None: ...

    def on_line(self, callback: Callable[[LineEvent], None]) -> None: ...


_CUT_OFF = frozenset({"crc16", "pid-check"})
"""What is wrong with a packet of which only the beginning is there."""


class Checker:
    """Judges the packets of a bus with one device.

    Deviations that the host side made on purpose (`PacketRecord.injected`) are not held against
    the host; how the device reacts to them is judged.

    Attributes:
        violations: what was broken, in order; at most `limit` are kept.
        rules: how often each rule was broken.
        packets: packets seen, both directions.
        payload_bytes: payload that arrived, repetitions not counted.
    """

    def __init__(self, *, ignore: Collection[str] = (), limit: int = 1000) -> None:
        """Make a checker.

        Args:
            ignore: names of rules that are not judged.
            limit: violations kept in `violations`; `rules` counts on.

        Raises:
            ValueError: `ignore` holds a name that is no rule.
        """
        unknown = set(ignore) - RULES.keys()
        if unknown:
            raise ValueError(f"no such rule: {', '.join(sorted(unknown))}")
        self.violations: list[Violation] = []
        self.rules: Counter[str] = Counter()
        self.packets = 0
        self.payload_bytes = 0
        self._ignore = frozenset(ignore)
        self._limit = limit
        self._cut = (0, -1)
        self._lines: deque[LineEvent] = deque()
        self._silent: list[tuple[PacketRecord, str]] = []
        self._session = Session()
        self._frames = Frames()
        self._power = LinkPower()
        self._speed = ""
        self._times = FULL
        self._unplugged = False
        # The transaction in progress: stage, PID of the token, endpoint << 1 | IN, its address,
        # transfer type (-1 unknown), limit of the payload, whether it is for our device, was
        # corrupted, or was meddled with; PID, payload and state of its data.
        self._stage = _IDLE
        self._token = 0
        self._key = 0
        self._to = 0
        self._kind = -1
        self._max_packet = 0
        self._mine = False
        self._corrupt = False
        self._injected = False
        self._pid = 0
        self._payload = b""
        self._good = False
        self._asked: PacketRecord | None = None
        # The end of the last packet and who sent it.
        self._end = -(1 << 62)
        self._host_last = True

    # -- feeding ---------------------------------------------------------------------------

    def attach(self, wire: _Wire) -> None:
        """Listen to a wire face (its packets and its line events)."""
        wire.monitor(self.feed)
        wire.on_line(self.line)

    def line(self, event: LineEvent) -> None:
        """Note a line event; it takes effect between the packets before and after its time."""
        self._lines.append(event)

    def feed(self, records: Iterable[PacketRecord]) -> None:
        """Judge packets, in the order in which they were on the wire."""
        for record in records:
            start = record.start_ps
            while self._lines and self._lines[0].time_ps <= start:
                self._line(self._lines.popleft())
            if self._unplugged:
                # The end of a packet that was under way when the cable went.
                continue
            if record.speed != self._speed:
                self._speed = record.speed
                self._times = HIGH if record.speed == "high" else FULL
            self.packets += 1
            gap = start - self._end
            if gap < 0 and not record.injected:
                self._report("overlap", record, f"starts {-gap} ps before the other's end")
            data = record.data
            pid = _PID[data[0]] if data else -1
            if record.from_host:
                self._from_host(record, data, pid, gap)
                self._host_last = True
            else:
                self._from_device(record, data, pid, gap)
                self._host_last = False
            self._end = record.end_ps

    def finish(self) -> None:
        """Take in what is left at the end of a run."""
        while self._lines:
            self._line(self._lines.popleft())
        self._confirm_silence()

    def assume_address(self, address: int) -> None:
        """Tell the address of a device that did not get it by SET_ADDRESS."""
        self._session.address = address

    def assume_endpoint(self, number: int, into_host: bool, kind: int, max_packet: int) -> None:
        """Tell of an endpoint of a device whose descriptors were not read, until the next reset.

        Args:
            number: endpoint number.
            into_host: True for IN.
            kind: transfer type as in bmAttributes.
            max_packet: largest payload in bytes.
        """
        while self._lines:
            self._line(self._lines.popleft())
        key = number << 1 | int(into_host)
        self._session.learned.endpoints[key] = Endpoint(kind, max_packet)

    def cut_off(self, start_ps: int, end_ps: int) -> None:
        """Tell that a packet of the device may break off in this time: it is reset or unplugged."""
        self._cut = (start_ps, end_ps)

    def report(self) -> str:
        """Return the first violations, one per line, then the counts."""
        lines = [str(violation) for violation in self.violations[:20]]
        lines += [f"{name}: {count}" for name, count in self.rules.most_common()]
        return "\n".join(lines) or f"{self.packets} packets, no violation"

    def _report(self, rule: str, record: PacketRecord, detail: str, side: str = "") -> None:
        if rule in self._ignore:
            return
        if rule in _CUT_OFF and self._cut[0] <= record.end_ps and record.start_ps <= self._cut[1]:
            return
        self.rules[rule] += 1
        if len(self.violations) < self._limit:
            side = side or ("host" if record.from_host else "device")
            self.violations.append(Violation(rule, side, record.start_ps, record, detail))

    def _line(self, event: LineEvent) -> None:
        self._stage = _IDLE
        if event.kind in ("vbus_off", "disconnect"):
            self._unplugged = True
        elif event.kind in ("connect", "reset", "speed"):
            self._unplugged = False
        self._frames.restart()
        broken = self._power.line(event)
        if broken and self._asked:
            self._report(broken[0], self._asked, broken[1], "device")
        if event.kind in ("reset", "connect", "disconnect", "vbus_off"):
            self._silent.clear()
            self._session.reset()

    def _confirm_silence(self) -> None:
        # Silence is a fault only of a device that is still there.
        for record, detail in self._silent:
            self._report("device-silent", record, detail, "device")
        self._silent.clear()

    # -- packets of the host ---------------------------------------------------------------

    def _from_host(self, record: PacketRecord, data: bytes, pid: int, gap: int) -> None:
        kind = _CLASS[pid]
        stage = self._stage
        if not record.injected:
            times = self._times
            if 0 <= gap < (times.own_min if self._host_last else times.answer_min):
                self._report("host-gap", record, f"{gap} ps after the last packet")
            if self._power.asleep:
                self._report("lpm-silence", record, f"{gap} ps after the last packet")
        if stage == _EXTENDED and kind == _DATA:
            self._host_extended(record, data, pid, gap)
        elif kind == _TOKEN:
            if stage:
                self._abandoned(record, gap)
            self._host_token(record, data, pid)
        elif kind == _DATA:
            self._host_data(record, data, pid, gap)
        elif kind == _HANDSHAKE:
            self._host_handshake(record, data, pid, gap)
        else:
            if stage and (kind == _SOF or _WAITS_FOR_DEVICE[stage]):
                self._abandoned(record, gap)
            if kind == _SOF:
                self._stage = _IDLE
                self._sof(record, data)
                return
            # Nothing that a device could understand: it must keep silent.
            self._stage = _OUT_ANSWER
            self._corrupt = True
            self._injected |= record.injected
            if not record.injected:
                rule = "pid-check" if kind == _BROKEN else "pid-legal"
                self._report(rule, record, f"PID byte {data[:1].hex() or 'missing'}")

    def _abandoned(self, record: PacketRecord, gap: int) -> None:
        """Judge a transaction that ends with the start of something else."""
        stage = self._stage
        self._stage = _IDLE
        token = _NAMES.get(self._token, "nothing")
        meddled = self._injected or record.injected
        if stage == _EXTENDED:
            if not meddled:
                self._report("extended", record, "nothing follows the EXT token")
        elif stage == _HOST_DATA:
            if not meddled:
                self._report("token-data", record, f"after {token} came no data")
        elif stage == _HOST_ACK:
            if self._good and not meddled:
                self._report("handshake-missing", record, "the device's data was good")
        elif _WAITS_FOR_DEVICE[stage] and self._mine and not self._corrupt:
            if gap < self._times.timeout_min and not record.injected:
                self._report("host-timeout", record, f"waited {gap} ps for the device")
            asked = self._asked
            if asked and not self._injected and self._kind >= 0 and self._kind != ISOCHRONOUS:
                self._silent.append((asked, f"no answer to {token}"))

    def _host_token(self, record: PacketRecord, data: bytes, pid: int) -> None:
        injected = record.injected
        self._injected = injected
        self._token = pid
        self._asked = record
        self._good = False
        self._corrupt = record.error
        if pid == IN:
            self._stage = _IN_ANSWER
        elif pid == PING:
            self._stage = _PING_ANSWER
        elif pid == EXT:
            self._stage = _EXTENDED
        else:
            self._stage = _HOST_DATA
        if len(data) != 3:
            self._corrupt = True
            if not injected:
                self._report("token-length", record, f"{len(data)} bytes")
            return
        value = data[1] | data[2] << 8
        if crc5(value) != value >> 11:
            self._corrupt = True
            if not injected:
                self._report("crc5", record, f"is {value >> 11:#x}, should be {crc5(value):#x}")
            return
        session = self._session
        self._to = value & 0x7F
        self._mine = mine = session.address is None or self._to == session.address
        endpoint = value >> 7 & 0xF
        self._key = key = endpoint << 1 | (pid == IN)
        if pid == EXT:
            self._kind = -1
            if endpoint and not injected:
                self._report("extended", record, f"endpoint {endpoint}")
        elif endpoint == 0:
            self._kind = CONTROL
            self._max_packet = session.learned.max_packet0
            control = session.control
            if control.done and control.request and pid != SETUP and mine and not injected:
                self._report("control-stage", record, f"{_NAMES[pid]} after the transfer's end")
        else:
            known = session.learned.endpoints.get(key)
            if known is None:
                self._kind = -1
                self._max_packet = self._times.payload
            else:
                self._kind = known.kind
                self._max_packet = known.max_packet
        if injected:
            return
        if pid == PING:
            if not self._times.high or self._kind not in (-1, CONTROL, BULK):
                self._report("ping-speed", record, f"PING to endpoint {endpoint}")
        elif pid == OUT and mine and session.pipes[key].ping:
            self._report("ping-needed", record, f"OUT to endpoint {endpoint}")

    def _host_extended(self, record: PacketRecord, data: bytes, pid: int, gap: int) -> None:
        """Judge the second packet of an extended token."""
        injected = record.injected
        self._stage = _LPM_ANSWER
        self._asked = record
        self._injected |= injected
        value = data[1] | data[2] << 8 if len(data) == 3 else -1
        good = len(data) == 3 and crc5(value) == value >> 11
        self._corrupt |= record.error or not good or pid != _LPM
        if injected:
            return
        if gap > self._times.follow_max:
            self._report("host-late", record, f"{gap} ps after the token")
        if not good:
            self._report("crc5", record, f"{len(data)} bytes")
        elif pid != _LPM:
            self._report("extended", record, f"SubPID {pid:#x}")

    def _host_data(self, record: PacketRecord, data: bytes, pid: int, gap: int) -> None:
        injected = record.injected
        if self._stage != _HOST_DATA:
            if self._stage == _HOST_ACK or _WAITS_FOR_DEVICE[self._stage]:
                self._abandoned(record, gap)
            if not injected:
                self._report("data-unasked", record, _NAMES[pid])
            self._stage = _OUT_ANSWER
            self._corrupt = True
            self._injected |= injected
            return
        self._stage = _OUT_ANSWER
        self._asked = record
        self._pid = pid
        self._payload = payload = data[1:-2]
        if record.error:
            self._corrupt = True
        if injected:
            self._injected = True
        elif gap > self._times.follow_max:
            self._report("host-late", record, f"{gap} ps after the token")
        if len(data) < 3 or crc16(payload) != data[-2] | data[-1] << 8:
            self._corrupt = True
            if not injected:
                self._report("crc16", record, f"{len(data)} bytes")
        if self._corrupt:
            return
        if len(payload) > self._max_packet and not injected:
            self._report("data-length", record, f"{len(payload)} of {self._max_packet} bytes")
        if not self._mine:
            return
        if self._token == SETUP:
            if (pid != DATA0 or len(payload) != 8) and not injected:
                self._report("setup-data0", record, f"{_NAMES[pid]}, {len(payload)} bytes")
        elif self._kind == ISOCHRONOUS:
            self._stage = _ISO_OUT
            self.payload_bytes += len(payload)
        else:
            self._toggle_of_host(record, payload, pid)

    def _toggle_of_host(self, record: PacketRecord, payload: bytes, pid: int) -> None:
        pipe = self._session.pipes[self._key]
        injected = self._injected
        if pid in (DATA2, MDATA):
            if not injected and self._kind >= 0:
                self._report("data-pid", record, _NAMES[pid])
            return
        if self._key == 0 and not injected:
            control = self._session.control
            if not control.done:
                if control.is_status(False):
                    if pid != DATA1 or payload:
                        detail = f"{_NAMES[pid]}, {len(payload)} bytes"
                        self._report("status-data1", record, detail)
                    return
                if control.moved + len(payload) > control.length and pid == pipe.expected:
                    self._report("control-length", record, f"wLength is {control.length}")
        if pipe.expected is None:
            pipe.expected = None if injected else pid
        elif pid == pipe.expected:
            pipe.disturbed = False
        elif injected:
            pipe.disturbed = True
        elif not pipe.disturbed:
            self._report("toggle-host", record, f"{_NAMES[pid]}, not {_NAMES[pipe.expected]}")

    def _host_handshake(self, record: PacketRecord, data: bytes, pid: int, gap: int) -> None:
        injected = record.injected
        stage = self._stage
        self._stage = _IDLE
        if not injected:
            if len(data) != 1:
                self._report("handshake-length", record, f"{len(data)} bytes")
            if pid != ACK:
                self._report("direction", record, _NAMES[pid])
        if stage != _HOST_ACK or not self._good:
            if not injected:
                self._report("handshake-unasked", record, _NAMES[pid])
            return
        times = self._times
        if not injected and gap > times.answer_max:
            self._report("host-late", record, f"{gap} ps after the data")
        if pid != ACK or len(data) != 1 or record.error:
            return
        if gap < times.timeout_min:
            self._in_accepted(self._session.pipes[self._key])
        elif gap <= times.timeout_max:
            self._session.uncertain(self._key)

    def _in_accepted(self, pipe: Pipe) -> None:
        pipe.unacknowledged = None
        if self._pid == pipe.expected:
            pipe.expected = self._pid ^ DATA0 ^ DATA1
            self.payload_bytes += len(self._payload)
            if self._key == 1:
                self._session.control_data(self._payload, True)

    def _sof(self, record: PacketRecord, data: bytes) -> None:
        if record.injected:
            self._frames.restart()
            return
        if len(data) != 3:
            self._report("token-length", record, f"{len(data)} bytes")
            return
        value = data[1] | data[2] << 8
        if crc5(value) != value >> 11:
            self._report("crc5", record, f"is {value >> 11:#x}, should be {crc5(value):#x}")
            return
        for rule, detail in self._frames.sof(record.start_ps, value & 0x7FF, self._times):
            self._report(rule, record, detail)

    # -- packets of the device -------------------------------------------------------------

    def _from_device(self, record: PacketRecord, data: bytes, pid: int, gap: int) -> None:
        stage = self._stage
        self._stage = _IDLE
        if not _WAITS_FOR_DEVICE[stage]:
            if stage == _ISO_OUT:
                self._report("iso-handshake", record, "answer to isochronous OUT")
            else:
                self._report("device-unasked", record, _NAMES.get(pid, "bad PID"))
            return
        if self._corrupt:
            self._report("answer-corrupted", record, _NAMES.get(pid, "bad PID"))
            return
        session = self._session
        if not self._mine:
            self._report("answer-address", record, f"device has address {session.address}")
            return
        if session.address is None:
            session.address = self._to
        if self._silent:
            self._confirm_silence()
        times = self._times
        if gap > times.answer_max:
            self._report("turnaround-late", record, f"{gap} ps")
        elif 0 <= gap < times.answer_min:
            self._report("turnaround-early", record, f"{gap} ps")
        kind = _CLASS[pid]
        if record.error or kind == _BROKEN:
            rule = "signalling" if record.error else "pid-check"
            self._report(rule, record, f"PID byte {data[:1].hex() or 'missing'}")
            session.pipes[self._key].set(None)
            if stage == _IN_ANSWER:
                # Not good: an acknowledgement of the host would be wrong.
                self._good = False
                self._stage = _HOST_ACK
        elif kind == _DATA:
            if stage == _IN_ANSWER:
                self._device_data(record, data, pid)
            elif stage == _LPM_ANSWER:
                self._report("lpm-answer", record, f"{_NAMES[pid]} to an LPM token")
            else:
                self._report("answer-pid", record, f"{_NAMES[pid]} to {_NAMES[self._token]}")
        elif kind == _HANDSHAKE:
            if len(data) != 1:
                self._report("handshake-length", record, f"{len(data)} bytes")
            self._device_handshake(record, pid, stage)
        else:
            self._report("direction", record, _NAMES.get(pid, f"PID {pid:#x}"))

    def _device_data(self, record: PacketRecord, data: bytes, pid: int) -> None:
        self._stage = _HOST_ACK
        self._pid = pid
        self._payload = payload = data[1:-2]
        if len(data) < 3 or crc16(payload) != data[-2] | data[-1] << 8:
            self._report("crc16", record, f"{len(data)} bytes")
            self._good = False
            return
        self._good = True
        if len(payload) > self._max_packet:
            self._report("data-length", record, f"{len(payload)} of {self._max_packet} bytes")
            self._good = False
        if self._kind == ISOCHRONOUS:
            self._stage = _IDLE
            self.payload_bytes += len(payload)
            return
        pipe = self._session.pipes[self._key]
        expected = pipe.expected
        if pid in (DATA2, MDATA):
            if self._kind >= 0:
                self._report("data-pid", record, _NAMES[pid])
            return
        if self._key == 1:
            control = self._session.control
            if not control.done:
                if control.is_status(True):
                    if pid != DATA1 or payload:
                        detail = f"{_NAMES[pid]}, {len(payload)} bytes"
                        self._report("status-data1", record, detail)
                        return
                elif control.moved + len(payload) > control.length and pid == expected:
                    self._report("control-length", record, f"wLength is {control.length}")
        if expected is None:
            pipe.expected = pid
        elif pid != expected:
            self._report("toggle-device", record, f"{_NAMES[pid]}, not {_NAMES[expected]}")
            pipe.expected = pid
        elif pipe.unacknowledged is not None and pipe.unacknowledged != payload:
            self._report("retry-data", record, "differs from what was sent without ACK")
        pipe.unacknowledged = payload

    def _device_handshake(self, record: PacketRecord, pid: int, stage: int) -> None:
        if stage == _LPM_ANSWER:
            wrong = self._power.answered(pid, not self._injected, record.end_ps)
            if wrong:
                self._report("lpm-answer", record, wrong)
            return
        if stage == _IN_ANSWER:
            if pid in (ACK, NYET):
                self._report("answer-pid", record, f"{_NAMES[pid]} to IN")
            elif self._kind == ISOCHRONOUS:
                self._report("iso-handshake", record, f"{_NAMES[pid]} to isochronous IN")
            elif pid == STALL and self._key == 1:
                self._session.control.done = True
            return
        if self._token == SETUP:
            if pid == ACK:
                self._session.setup_accepted(self._payload)
            else:
                self._report("setup-refused", record, _NAMES[pid])
            return
        pipe = self._session.pipes[self._key]
        high = self._times.high
        if stage == _PING_ANSWER:
            if pid == NYET:
                self._report("nyet", record, "NYET to PING")
            pipe.ping = pid == NAK
        elif pid in (ACK, NYET):
            pipe.ping = pid == NYET
            if pid == NYET and not (high and self._kind in (-1, CONTROL, BULK)):
                self._report("nyet", record, "NYET to OUT")
            if self._pid == pipe.expected:
                pipe.expected = self._pid ^ DATA0 ^ DATA1
                self.payload_bytes += len(self._payload)
                if self._key == 0:
                    self._session.control_data(self._payload, False)
        elif pid == NAK:
            pipe.ping = high and self._kind in (CONTROL, BULK)
        elif self._key == 0:
            self._session.control.done = True
