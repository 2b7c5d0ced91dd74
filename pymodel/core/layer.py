# SPDX-License-Identifier: Apache-2.0
"""The packet layer of a stand-alone model: bytes from the wire in, bytes to the wire out.

It checks PIDs and CRCs and keeps track of the transaction under way (USB 2.0 section 8.4 to 8.6);
everything else is the model's. Choices come from `UdcModel.decide`.
"""

from __future__ import annotations

from fastcrc.crc16 import usb as crc16

from pymodel.packets import DATA_PIDS, PID, build_data, build_handshake, token_crc_ok
from pymodel.trace import Answer, Kind

from .model import UdcModel
from .policy import EagerPolicy

__all__ = ["PacketLayer"]

_OUT, _IN, _SOF, _SETUP, _PING = (
    int(PID.OUT),
    int(PID.IN),
    int(PID.SOF),
    int(PID.SETUP),
    int(PID.PING),
)
_EXT, _LPM = 0x0, 0x3
"""PID of an extended token and the sub-PID of LPM (LPM addendum table 8-1)."""
_ACK = int(PID.ACK)
_DATA_PIDS = frozenset(int(pid) for pid in DATA_PIDS)
_A_ACK, _A_NAK, _A_STALL, _A_NYET, _A_DATA, _A_ISO = (
    int(Answer.ACK),
    int(Answer.NAK),
    int(Answer.STALL),
    int(Answer.NYET),
    int(Answer.DATA),
    int(Answer.ISO),
)
_NIBBLE = [b & 0xF if (b >> 4) ^ (b & 0xF) == 0xF else -1 for b in range(256)]
_HANDSHAKE = {
    _A_ACK: build_handshake(PID.ACK),
    _A_NAK: build_handshake(PID.NAK),
    _A_STALL: build_handshake(PID.STALL),
    _A_NYET: build_handshake(PID.NYET),
}
_DROPPED = {2: _HANDSHAKE[_A_ACK], 3: _HANDSHAKE[_A_STALL]}
"""Handshake to a good packet that is dropped for a reason; 1 is silence."""
_TOKEN = int(Kind.TOKEN)
_RX_COMMIT = int(Kind.RX_COMMIT)
_RX_DROP = int(Kind.RX_DROP)
_TX_DONE = int(Kind.TX_DONE)
_K_SOF = int(Kind.SOF)
_K_LPM = int(Kind.LPM)


class PacketLayer:
    """Receives packets for a model and answers.

    Attributes:
        awaiting: "" idle, "data" after an OUT or SETUP token, "handshake" after data was sent,
            "sent" after isochronous data was sent: nothing answers, it is done when it is over,
            "extended" after an extended token.
    """

    def __init__(self, model: UdcModel, policy: EagerPolicy) -> None:
        """Serve a model."""
        self.model = model
        self.policy = policy
        self.awaiting = ""
        self._endpoint = 0

    def reset(self) -> None:
        """A bus reset or the loss of VBUS ends whatever is under way."""
        self.idle(0)

    def idle(self, now: int) -> None:
        """The host was silent for longer than the bus allows: what was awaited will not come."""
        self.model.time = max(self.model.time, now)
        if self.awaiting == "handshake":
            self.awaiting = ""
            self.model.step((_TX_DONE, self._endpoint, 0))
            self.policy.settle(now)
        elif self.awaiting == "sent":
            self._sent(now)
        elif self.awaiting == "data":
            self._drop(1, now)
        elif self.awaiting == "extended":
            self.awaiting = ""

    def receive(self, packet: bytes, rx_error: bool = False, now: int = 0) -> bytes | None:
        """Take a packet from the host.

        Args:
            packet: PID to CRC.
            rx_error: the PHY reported an error inside it.
            now: picoseconds.

        Returns:
            The answer, PID to CRC, or None for silence.
        """
        self.model.time = now
        self.model.sleep_due = None
        pid = -1 if rx_error or not packet else _NIBBLE[packet[0]]
        if self.awaiting == "data":
            if pid in _DATA_PIDS:
                return self._receive_data(pid, packet, now)
            self._drop(1, now)
        elif self.awaiting == "sent":
            self._sent(now)
        elif self.awaiting == "extended":
            self.awaiting = ""
            if pid == _LPM and token_crc_ok(packet):
                return self._receive_lpm((packet[1] | packet[2] << 8) & 0x7FF, now)
        elif self.awaiting:
            self.awaiting = ""
            good = pid == _ACK and len(packet) == 1
            self.model.step((_TX_DONE, self._endpoint, 1 if good else 0))
            self.policy.settle(now)
            if good:
                return None
        if len(packet) != 3 or pid < 0:
            return None
        if pid in (_OUT, _IN, _SETUP, _PING):
            return self._receive_token(pid, packet, now)
        if pid == _EXT:
            self._receive_extended(packet)
        elif pid == _SOF and token_crc_ok(packet):
            self._receive_sof((packet[1] | packet[2] << 8) & 0x7FF)
        return None

    def _sent(self, now: int) -> None:
        """An isochronous packet has been sent."""
        self.awaiting = ""
        self.model.step((_TX_DONE, self._endpoint, 1))
        self.policy.settle(now)

    def _receive_sof(self, number: int) -> None:
        """A SOF that was sent raw; in high speed it repeats in eight microframes."""
        model = self.model
        if model.high_speed:
            old = model.soffn
            micro = (old + 1) & 7 if old >> 3 == number else 0
            number = number << 3 | micro
        self.sof(number)

    def sof(self, number: int) -> None:
        """Note the (micro)frame number as DSTS.SOFFN shows it."""
        self.model.step((_K_SOF, 0, number))
        self.policy.settle()

    def end_of_periodic(self) -> None:
        """The periodic part of the (micro)frame is over (DCFG.PerFrInt)."""
        self.model.end_of_periodic()
        self.policy.settle()

    def _receive_token(self, pid: int, packet: bytes, now: int) -> bytes | None:
        model = self.model
        value = packet[1] | packet[2] << 8
        address = value & 0x7F
        if address != model.address and address != model.old_address:
            return None
        if pid == _PING and not model.high_speed:
            return None
        if not token_crc_ok(packet):
            return None
        n = value >> 7 & 0xF
        answer, data_pid, length = model.decide(pid, n)
        model.step((_TOKEN, answer << 13 | n << 8 | pid << 4 | data_pid, length))
        if pid == _IN:
            if answer == _A_DATA:
                payload = model.payload_to_send(n) if length else b""
                model.record_sent(n, payload)
                self._endpoint = n
                self.awaiting = "handshake"
                if model.due or model.due_status:
                    self.policy.settle(now)
                return build_data(data_pid, payload)
            if answer == _A_ISO:
                payload = model.payload_to_send(n) if length else b""
                model.record_sent(n, payload)
                self._endpoint = n
                self.awaiting = "sent" if model.ins[n].sending >= 0 else ""
                self.policy.settle(now)
                return build_data(data_pid, payload)
            self.policy.settle(now)
            return _HANDSHAKE.get(answer)
        if pid == _PING:
            self.policy.settle(now)
            return _HANDSHAKE.get(answer)
        self._endpoint = n
        self._pid = pid
        self._answer = answer
        self._expected = data_pid
        self.awaiting = "data"
        if model.due or model.due_status:
            self.policy.settle(now)
        return None

    def _receive_extended(self, packet: bytes) -> None:
        """An extended token: its second packet says what it is."""
        model = self.model
        value = (packet[1] | packet[2] << 8) & 0x7FF
        ours = value in (model.address, model.old_address)
        if ours and model.par.lpm and token_crc_ok(packet):
            self.awaiting = "extended"

    def _receive_lpm(self, attributes: int, now: int) -> bytes | None:
        answer = self.model.decide_lpm(attributes)
        if answer:
            self.model.step((_TOKEN, answer << 13, attributes))
            self.model.step((_K_LPM, answer << 13, attributes))
            self.policy.settle(now)
        return _HANDSHAKE.get(answer)

    def _drop(self, reason: int, now: int, pid: int = 0) -> None:
        self.awaiting = ""
        lost = reason == 4 or None
        reason = 1 if lost else reason
        self.model.step((_RX_DROP, max(pid, 0) << 4 | self._endpoint, reason), lost)
        self.policy.settle(now)

    def _receive_data(self, pid: int, packet: bytes, now: int) -> bytes | None:
        size = len(packet) - 3
        payload = packet[1:-2]
        if not 0 <= size <= 1024 or crc16(payload) != packet[-2] | packet[-1] << 8:
            self._drop(1, now, pid)
            return None
        answer, n = self._answer, self._endpoint
        if answer not in (_A_ACK, _A_NYET, _A_ISO):
            self._drop(3, now, pid)
            return _HANDSHAKE.get(answer)
        model = self.model
        reason = model.judge_data(self._pid, n, pid, size)
        if reason:
            self._drop(reason, now, pid)
            return _DROPPED.get(reason)
        self.awaiting = ""
        model.step((_RX_COMMIT, pid << 4 | n, size), bytes(payload))
        self.policy.settle(now)
        return _HANDSHAKE.get(answer)
