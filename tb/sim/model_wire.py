# SPDX-License-Identifier: Apache-2.0
"""Executes the host's transactions against the model, with the timing of the bus.

It does what the host transactor does in Verilog: builds packets from `Transaction` and `Knobs`,
keeps the gaps and timeouts of USB 2.0, waits for a (micro)frame in which a transaction fits.
Each transaction takes two wake-ups: at the end of its token and at its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pymodel.core.fields import TEST_PACKET as TEST_PACKET_MODE
from pymodel.packets import (
    PID,
    TEST_PACKET,
    build_handshake,
    build_sof,
    build_token,
    pid_of,
)
from pymodel.wire import Knobs, PacketRecord, Status, Transaction
from tb.kernel import Event, Queue, TimerHandle, sleep, timeout, us

from .bus_time import FULL, HIGH
from .model_faults import faulty_data, faulty_token, second_packet
from .model_line import ModelLine

if TYPE_CHECKING:
    from .model import ModelController

__all__ = ["ModelWire"]

_OUT, _IN, _SETUP, _PING = int(PID.OUT), int(PID.IN), int(PID.SETUP), int(PID.PING)
_EXT = int(PID.EXT)
_WITH_DATA = frozenset({_OUT, _SETUP, _EXT})
_ACK_PACKET = build_handshake(PID.ACK)
_HANDSHAKES = {
    build_handshake(PID.ACK): ("ACK", Status.OK),
    build_handshake(PID.NAK): ("NAK", Status.NAK),
    build_handshake(PID.STALL): ("STALL", Status.STALL),
    build_handshake(PID.NYET): ("NYET", Status.NYET),
}
_NO_KNOBS = Knobs()
Done = Callable[[Transaction], None]


class ModelWire(ModelLine):
    """Wire face of the model (`tb.controller.WireFace`).

    Attributes:
        knobs: applied to transactions that bring none; None for a host without faults.
        packets: number of packets that passed.
        payload_bytes: acknowledged payload.
    """

    def __init__(self, controller: ModelController, time_scale: int) -> None:
        """Belong to a controller."""
        super().__init__(controller, time_scale)
        self.layer = controller.layer
        self.knobs: Knobs | None = None
        self.packets = 0
        self.payload_bytes = 0
        self._queue: deque[tuple[Transaction, Done]] = deque()
        self._current: Transaction | None = None
        self._timer: TimerHandle | None = None
        self._free_at = 0
        # The last packet of the transaction in progress was the host's handshake.
        self._host_spoke = False
        self._gap = 0
        # Transactions to come that may well not be answered: a recent one was not.
        self._silence = 0
        self._tokens: dict[int, bytes] = {}
        self._monitors: list[Callable[[list[PacketRecord]], None]] = []
        self._records: list[PacketRecord] = []
        self._inbox: Queue[bytes] = Queue()

    # -- the queue ---------------------------------------------------------------------------

    def submit(self, transactions: Sequence[Transaction], done: Done) -> None:
        """Queue transactions for execution in order (`tb.controller.WireFace.submit`)."""
        for transaction in transactions:
            self._queue.append((transaction, done))
        if self._current is None and self._timer is None:
            self._plan()

    async def execute(self, transaction: Transaction) -> Transaction:
        """Submit one transaction and wait for its end."""
        ended = Event()
        self.submit([transaction], lambda _: ended.set())
        await ended.wait()
        return transaction

    def cancel(self, chain: int) -> None:
        """End the transactions of a chain that have not started as "skipped"."""
        if self._skip(chain):
            self._replan()

    def _skip(self, chain: int) -> bool:
        kept: deque[tuple[Transaction, Done]] = deque()
        found = False
        for transaction, done in self._queue:
            if transaction.chain == chain and transaction is not self._current:
                found = True
                transaction.status = Status.SKIPPED
                self.kernel.call_soon(done, transaction)
            else:
                kept.append((transaction, done))
        if found:
            self._queue = kept
        return found

    def _replan(self) -> None:
        """What was planned but has not started may be wrong now."""
        if self._current is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._plan()

    def _plan(self) -> None:
        """Find the start of the next transaction and arm the timer for the end of its token."""
        kernel, timing = self.kernel, self.timing
        self._timer = None
        while self._queue:
            transaction, done = self._queue[0]
            knobs = transaction.knobs
            start = self._free_at + self._gap
            if start < kernel.now:
                start = kernel.now
            if knobs is not None and knobs.gap_ns:
                start += knobs.gap_ns * 1000
            if self.sof_on:
                fitted = self._fit(transaction, start)
                if fitted is None:
                    self._queue.popleft()
                    transaction.status = Status.LATE
                    kernel.call_soon(done, transaction)
                    continue
                start = fitted
            elif self._stopped and not self.model.test_mode:
                return
            transaction.start_ps = start
            token_end = start + timing.token_ps
            if knobs is not None and knobs.spurious is not None:
                token_end += timing.packet_time(knobs.spurious) + timing.same_side_ps
            self._timer = kernel.call_later(token_end - kernel.now, self._token_sent)
            return

    async def _quiet(self) -> None:
        """Wait until no transaction is under way."""
        while self._current is not None or self._free_at > self.kernel.now:
            await sleep(us(1))

    def _fit(self, transaction: Transaction, start: int) -> int | None:
        """Return a start at or after `start` with room before the next SOF; None if too late."""
        timing = self.timing
        length = timing.frame
        frame = self._base_frame + (start - self._base_time) // length
        if frame < self._base_frame:
            frame = self._base_frame
        wanted = transaction.frame
        if wanted is not None and frame < wanted:
            frame = wanted
        worst = self._worst(transaction)
        head = timing.head_ps
        while wanted is None or frame <= wanted:
            begin = self.frame_time(frame)
            if start < begin + head:
                start = begin + head
            if start + worst <= begin + length:
                return start
            if transaction.token in _WITH_DATA:
                # perhaps with the bits that its data really need
                worst = self._worst(transaction, timing.bits(second_packet(transaction)))
                if start + worst <= begin + length:
                    return start
            frame += 1
        return None

    def _worst(self, transaction: Transaction, data: int = 0) -> int:
        """Return the time that a transaction may need at most.

        Args:
            transaction: what is to be fitted into a frame.
            data: bits of its data packet; 0 = as many as they may get.
        """
        timing = self.timing
        bits = timing.slowest
        fixed = timing.token_ps
        # Without an answer it takes its time-out (7.1.19), which no SOF may cut short. A host that
        # always kept that much room would waste the end of each frame.
        doubtful = self._silence or transaction.knobs is not None or self.knobs is not None
        silence = timing.timeout_ps if doubtful else 0
        handshake = 0 if transaction.isochronous else timing.handshake_ps
        if transaction.token == _IN:
            bits += timing.worst(min(transaction.max_length, 1024) + 3)
            answer = timing.time(bits) + timing.after_device_ps + handshake
            return fixed + max(answer, silence)
        if not transaction.isochronous:
            fixed += max(timing.time(bits) + handshake, silence)
        if transaction.token == _PING:
            return fixed
        bits = data or timing.worst(len(transaction.data) + 3)
        knobs = transaction.knobs
        if knobs is not None:
            fixed += knobs.data_gap_ns * 1000
            bits += timing.worst(knobs.extend)
        return timing.time(bits) + timing.same_side_ps + fixed

    # -- execution ---------------------------------------------------------------------------

    def _token_sent(self) -> None:
        """First wake-up: the token has ended."""
        self._timer = None
        transaction, _ = self._queue[0]
        self._current = transaction
        knobs = transaction.knobs or self.knobs
        self.sync_sof()
        if self._monitors:
            self._record_sof()
        now = self.kernel.now
        token = transaction.token
        if knobs is None:
            key = token << 16 | transaction.address << 4 | transaction.endpoint
            packet = self._tokens.get(key)
            if packet is None:
                packet = build_token(token, transaction.address, transaction.endpoint)
                self._tokens[key] = packet
            answer = self._give(packet, transaction.start_ps, now)
            if token in _WITH_DATA:
                self._send_data(second_packet(transaction), now)
            else:
                self._answered(answer, now, None)
        else:
            self._send_token(transaction, knobs, now)

    def _give(
        self,
        packet: bytes,
        start: int,
        end: int,
        injected: bool = False,
        error: bool = False,
    ) -> bytes | None:
        """Let the device have a packet; returns its answer."""
        self.packets += 1
        if self._monitors:
            self._records.append(
                PacketRecord(start, end, True, packet, self.timing.name, injected, error)
            )
        return self.layer.receive(packet, error, end)

    def _send_token(self, transaction: Transaction, knobs: Knobs, now: int) -> None:
        """Send the token with faults."""
        timing = self.timing
        start = transaction.start_ps
        if knobs.spurious is not None:
            length = timing.packet_time(knobs.spurious)
            self._give(knobs.spurious, start, start + length, True)
            start += length + timing.same_side_ps
        packet, injected, error = faulty_token(transaction, knobs)
        answer = self._give(packet, start, now, injected, error)
        if transaction.token not in _WITH_DATA:
            self._answered(answer, now, knobs)
            return
        if knobs.no_data:
            self._finish_at(now + timing.timeout_ps, None, None, now)
            return
        self._send_data(faulty_data(transaction, knobs), now, knobs)

    def _send_data(self, packet: bytes, now: int, knobs: Knobs | None = None) -> None:
        """The data packet of an OUT or SETUP follows; the second wake-up gives it to the device."""
        timing = self.timing
        start = now + timing.same_side_ps
        if knobs is not None:
            start += knobs.data_gap_ns * 1000
        end = start + timing.packet_time(packet)
        answer_end = end + timing.device_ps + timing.handshake_ps
        transaction = self._current
        assert transaction is not None
        wake = end if transaction.isochronous else answer_end
        self._timer = self.kernel.call_later(
            wake - self.kernel.now, self._data_sent, packet, start, end, answer_end, knobs
        )

    def _data_sent(
        self, packet: bytes, start: int, end: int, answer_end: int, knobs: Knobs | None
    ) -> None:
        """Second wake-up of an OUT or SETUP: the device has answered, or will not."""
        self._timer = None
        timing = self.timing
        if knobs is None:
            answer = self._give(packet, start, end)
        else:
            if knobs.data_gap_ns * 1000 > timing.timeout_ps:
                self.layer.idle(start)
            error = knobs.rx_error_at is not None and knobs.rx_error_at < len(packet)
            answer = self._give(packet, start, end, knobs.breaks_protocol, error)
        if answer is None:
            transaction = self._current
            assert transaction is not None
            wait = 0 if transaction.isochronous else timing.timeout_ps
            self._finish_at(end + wait, None, None, end)
            return
        self._answer_record(answer, end, answer_end)
        if answer_end > self.kernel.now:
            self._finish_at(answer_end, answer, None, end)
        else:
            self._finish(answer, None, end)

    def _answer_record(self, answer: bytes, asked: int, end: int) -> None:
        transaction = self._current
        assert transaction is not None
        transaction.turnaround_ps = self.timing.device_ps
        self.packets += 1
        if self._monitors:
            start = asked + transaction.turnaround_ps
            self._records.append(PacketRecord(start, end, False, answer, self.timing.name))

    def _answered(self, answer: bytes | None, now: int, knobs: Knobs | None) -> None:
        """The device's answer to IN or PING is on its way."""
        timing = self.timing
        if answer is None:
            self._finish_at(now + timing.timeout_ps, None, None, now)
            return
        end = now + timing.device_ps + timing.packet_time(answer)
        self._answer_record(answer, now, end)
        if len(answer) == 1:
            self._finish_at(end, answer, None, now)
            return
        # Data: the host acknowledges what it could use.
        transaction = self._current
        assert transaction is not None
        if len(answer) - 3 > transaction.max_length:
            transaction.status = Status.BABBLE
            self._finish_at(end + timing.timeout_ps, answer, None, now)
            return
        handshake: bytes | None = None if transaction.isochronous else _ACK_PACKET
        start = end + timing.after_device_ps
        injected = False
        if knobs is not None:
            if knobs.no_handshake:
                handshake = None
            elif knobs.handshake_pid is not None:
                handshake = build_handshake(knobs.handshake_pid)
                injected = knobs.handshake_pid != PID.ACK
            if knobs.late_handshake_ns and handshake is not None:
                start += knobs.late_handshake_ns * 1000
                injected = True
        if handshake is None:
            wait = 0 if transaction.isochronous else timing.timeout_ps
            self._finish_at(end + wait, answer, None, now)
            return
        finish = start + timing.handshake_ps
        self._timer = self.kernel.call_later(
            finish - self.kernel.now,
            self._acknowledge,
            answer,
            handshake,
            start,
            finish,
            injected,
            end,
        )

    def _acknowledge(
        self,
        answer: bytes,
        handshake: bytes,
        start: int,
        finish: int,
        injected: bool,
        answer_end: int,
    ) -> None:
        """Second wake-up of an IN with data: the host's handshake has reached the device."""
        self._timer = None
        if start - answer_end > self.timing.timeout_ps:
            self.layer.idle(start)
        self._give(handshake, start, finish, injected)
        self._host_spoke = True
        self._finish(answer, handshake if handshake == _ACK_PACKET else None, answer_end)

    def _finish_at(
        self, when: int, answer: bytes | None, handshake: bytes | None, asked: int
    ) -> None:
        self._timer = self.kernel.call_later(
            when - self.kernel.now, self._finish, answer, handshake, asked
        )

    def _finish(self, answer: bytes | None, handshake: bytes | None, asked: int) -> None:
        """The transaction is over: fill in the result, tell, go on."""
        self._timer = None
        transaction, done = self._queue.popleft()
        self._current = None
        timing, now = self.timing, self.kernel.now
        if handshake is None and self.layer.awaiting:
            # Silence from the host: what the device waits for will not come.
            self.layer.idle(now)
        self._silence -= self._silence > 0
        good = self._judge(transaction, answer, handshake)
        transaction.end_ps = now
        self._free_at = now
        device_last = answer is not None and not self._host_spoke
        self._host_spoke = False
        self._gap = timing.after_device_ps if device_last else timing.same_side_ps
        if not self.sof_on:
            self.activity()
        self.controller.look()
        if self._records:
            records, self._records = self._records, []
            for monitor in self._monitors:
                monitor(records)
        self.kernel.call_soon(done, transaction)
        if not good and transaction.chain:
            self._skip(transaction.chain)
        if self._queue:
            self._plan()

    def _judge(
        self, transaction: Transaction, answer: bytes | None, handshake: bytes | None
    ) -> bool:
        """Set the result of a transaction; returns whether its chain goes on."""
        if answer is None:
            if transaction.isochronous and transaction.token == _OUT:
                transaction.status = Status.OK
                return True
            transaction.status = Status.TIMEOUT
            self._silence = 64
            return False
        if len(answer) == 1:
            transaction.handshake, transaction.status = _HANDSHAKES[answer]
            if transaction.token == _EXT and transaction.status is Status.OK:
                self._fall_asleep(transaction)
            if transaction.token == _OUT and transaction.status in (Status.OK, Status.NYET):
                self.payload_bytes += len(transaction.data)
            return transaction.status is Status.OK
        transaction.rx_pid = pid_of(answer) or 0
        if transaction.status is Status.BABBLE:
            transaction.rx_data = answer[1:-2]
            return False
        transaction.rx_data = answer[1:-2]
        transaction.status = Status.OK
        if handshake is not None:
            transaction.handshake = "ACK"
        self.payload_bytes += len(answer) - 3
        return len(answer) - 3 == transaction.max_length

    def _fall_asleep(self, transaction: Transaction) -> None:
        """The device goes to L1; if the host has heard that, it keeps silent."""
        knobs = transaction.knobs or self.knobs
        if knobs is None or not knobs.no_handshake:
            self._stopped = True
            self.sof_enable(False)
            self._tell("sleep")

    # -- what passes -------------------------------------------------------------------------

    def monitor(self, callback: Callable[[list[PacketRecord]], None]) -> None:
        """Call back with every packet of both directions; SOFs of idle frames are left out."""
        self._monitors.append(callback)

    def _record_sof(self) -> None:
        frame = self.frame
        if not self.sof_on or frame <= self._sof_recorded:
            return
        self._sof_recorded = frame
        start = self.frame_time(frame)
        number = frame >> 3 if self.timing is HIGH else frame
        end = start + self.timing.time(self.timing.sof)
        self.packets += 1
        self._records.append(PacketRecord(start, end, True, build_sof(number), self.timing.name))

    # -- raw packets -------------------------------------------------------------------------

    async def send(self, packet: bytes, knobs: Knobs | None = None) -> None:
        """Send one packet as it is; `rx_error_at` and `gap_ns` apply."""
        knobs = knobs or _NO_KNOBS
        timing = self.timing
        start = max(self.kernel.now, self._free_at + timing.same_side_ps)
        start += knobs.gap_ns * 1000
        end = start + timing.packet_time(packet)
        self._free_at = end
        await sleep(end - self.kernel.now)
        self.sync_sof()
        error = knobs.rx_error_at is not None and knobs.rx_error_at < len(packet)
        answer = self._give(packet, start, end, True, error)
        self.controller.after()
        self.activity()
        if answer is not None:
            begin = end + timing.device_ps
            finish = begin + timing.packet_time(answer)
            self._free_at = finish
            self.packets += 1
            if self._monitors:
                self._records.append(PacketRecord(begin, finish, False, answer, timing.name))
            self.kernel.call_later(finish - self.kernel.now, self._inbox.put, answer)
        if self.layer.awaiting:
            self.kernel.call_later(
                self._free_at + timing.timeout_ps - self.kernel.now,
                self._raw_idle,
                self._free_at,
            )
        self._report()

    def _raw_idle(self, since: int) -> None:
        """Nothing was sent for too long after a raw packet."""
        if self._free_at == since and self._current is None:
            self.layer.idle(self.kernel.now)
            self.controller.after()

    def _report(self) -> None:
        if self._records:
            records, self._records = self._records, []
            for monitor in self._monitors:
                monitor(records)

    async def receive(self, time_limit: int) -> bytes | None:
        """Return the next packet of the device, None after `time_limit` picoseconds.

        In Test_Packet mode that is the test packet, as often as one asks.
        """
        if self.model.test_mode == TEST_PACKET_MODE and self.connected:
            length = (HIGH if self.model.high_speed else FULL).packet_time(TEST_PACKET)
            start = self.kernel.now
            await sleep(min(length, time_limit))
            if length > time_limit:
                return None
            self._records.append(
                PacketRecord(start, self.kernel.now, False, TEST_PACKET, self.timing.name)
            )
            self._report()
            return TEST_PACKET
        try:
            return await timeout(self._inbox.get(), time_limit)
        except TimeoutError:
            return None
