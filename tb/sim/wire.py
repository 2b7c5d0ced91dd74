# SPDX-License-Identifier: Apache-2.0
"""The wire face of the RTL: the USB host transactor's mailbox.

A transaction costs one write of a header and its payload, and one read of its result; bytes never
pass through Python one by one.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from pymodel.config import BusTimes, UdcParameters, scaled
from pymodel.packets import PID
from pymodel.wire import Knobs, LineEvent, PacketRecord, Transaction
from tb.kernel import Completion, Kernel, WaitQueue

from . import wire_layout as at
from .mailbox import EventBit, Pump

__all__ = ["RtlWire"]

_Done = Callable[[Transaction], None]


def _clocks(ps: int) -> int:
    """Return picoseconds in 60 MHz clocks, rounded up."""
    return -(-ps * 3 // 50_000)


class RtlWire:
    """Implements `tb.controller.WireFace` on the USB host transactor.

    Attributes:
        speed: "full" or "high" after a reset, else None.
        line_state: "SE0", "J", "K" or "SE1" now.
        connected: the device shows its pull-up.
        force_full_speed: do not answer a device's chirp.
        chirp_pairs: K-J pairs of the answer to a chirp; None = as many as fit. With fewer than
            three the device must stay at full speed, and the host takes it so.
        chirp_half: a K or a J of that answer, picoseconds; None = as prescribed.
        knobs: used for transactions that have none of their own.
        violations: what the device did wrong on the wire (turnaround, collisions), as text.
    """

    def __init__(self, kernel: Kernel, pump: Pump, parameters: UdcParameters) -> None:
        """Take over the host side of the running simulation.

        Args:
            kernel: pumped by `pump`.
            pump: of the run; this object serves its WIRE events.
            parameters: of the device; the time scale divides reset and chirp times.

        Raises:
            RuntimeError: the library was built from another layout.
        """
        self.speed: str | None = None
        self.line_state = "SE0"
        self.connected = False
        self.force_full_speed = False
        self.chirp_pairs: int | None = None
        self.chirp_half: int | None = None
        self.knobs: Knobs | None = None
        self.violations: list[str] = []
        self._kernel = kernel
        self._times = BusTimes.at(parameters.time_scale)
        self._chirp_tail = scaled(100_000_000, parameters.time_scale, 10_000_000)
        mailbox = pump.mailbox
        sizes = list(mailbox.array("pf_usb_sizes", ctypes.c_int32, 6))
        expected = [
            at.HOST_WORDS * 4,
            at.SLOT,
            at.RECORD.size,
            at.EVENT.size,
            at.RAW_SIZE,
            at.SLOTS,
        ]
        if sizes != expected:
            raise RuntimeError(f"usb_host.c has the layout {sizes}, wire.py expects {expected}")
        mailbox.library.pf_usb_init()
        self._host = mailbox.array("pf_usb", ctypes.c_uint32, at.HOST_WORDS)
        self._signed = self._host.cast("B").cast("i")
        self._slots = mailbox.array("pf_usb_slots", ctypes.c_uint8, at.SLOT * at.SLOTS)
        self._records = mailbox.array("pf_usb_records", ctypes.c_uint8, at.RECORD.size * at.RECORDS)
        self._bytes = mailbox.array("pf_usb_record_bytes", ctypes.c_uint8, at.RECORD_BYTES)
        self._events = mailbox.array("pf_usb_events", ctypes.c_uint8, at.EVENT.size * at.EVENTS)
        self._raws = mailbox.array("pf_usb_raws", ctypes.c_uint8, at.RAW_SIZE * at.RAWS)
        self._submitted = 0
        self._delivered = 0
        self._events_read = 0
        self._raws_read = 0
        self._broken_count = 0
        self._sof_wanted = True
        # the device is on its way to L1 at high speed: its terminations will change
        self._dozing = False
        self._backlog: deque[tuple[Transaction | bytes, _Done, Knobs | None]] = deque()
        self._running: deque[tuple[Transaction | bytes, _Done, Knobs | None, int]] = deque()
        self._cancelled: set[int] = set()
        self._commands = 1  # pf_usb_init switches VBUS off
        self._command_waits: deque[tuple[int, Completion]] = deque()
        self._line_callbacks: list[Callable[[LineEvent], None]] = []
        self._monitors: list[Callable[[list[PacketRecord]], None]] = []
        self._violation_callbacks: list[Callable[[str], None]] = []
        self._received: deque[bytes] = deque()
        self._received_queue = WaitQueue()
        pump.handle(EventBit.WIRE, lambda: self._kernel.call_soon(self._serve))

    # -- transactions --------------------------------------------------------------------------

    def submit(self, transactions: Sequence[Transaction], done: _Done) -> None:
        """Queue transactions, executed in order; `done` is called with each when it has ended."""
        backlog = self._backlog
        for transaction in transactions:
            backlog.append((transaction, done, transaction.knobs or self.knobs))
        self._fill()

    def cancel(self, chain: int) -> None:
        """End the transactions of a chain that have not started as "skipped"."""
        started = self._host[at.ACTIVE]
        first = self._delivered
        done = self._host[at.DONE]
        for index, (item, _, _, offset) in enumerate(self._running):
            if isinstance(item, Transaction) and item.chain == chain:
                number = (first + index) & 0xFFFFFFFF
                if not (started and number == done):
                    self._slots[offset + 40] = 1
        if self._backlog:
            self._skip_backlog(chain)

    async def execute(self, transaction: Transaction) -> Transaction:
        """Submit one transaction and wait for its end."""
        over = Completion()
        self.submit((transaction,), lambda _: over.complete())
        await over.wait()
        return transaction

    def _skip_backlog(self, chain: int) -> None:
        for item, _, _ in self._backlog:
            if isinstance(item, Transaction) and item.chain == chain:
                self._cancelled.add(id(item))

    def _fill(self) -> None:
        """Write what is waiting into free slots."""
        backlog = self._backlog
        running = self._running
        slots = self._slots
        while backlog and len(running) < at.SLOTS:
            item, done, knobs = backlog.popleft()
            offset = self._submitted % at.SLOTS * at.SLOT
            if isinstance(item, Transaction):
                data = item.data
                length = len(data)
                flags = at.ISOCHRONOUS if item.isochronous else 0
                if knobs is not None:
                    flags |= self._write_knobs(offset, knobs)
                frame = item.frame
                skip = 0
                if self._cancelled and id(item) in self._cancelled:
                    self._cancelled.discard(id(item))
                    skip = 1
                at.HEADER.pack_into(
                    slots, offset, at.KIND_TRANSACTION, item.token, item.address, item.endpoint,
                    item.pid, length, item.max_length, -1 if frame is None else frame,
                    item.chain, flags, skip,
                )  # fmt: skip
            else:
                data = item
                length = len(item)
                flags = 0 if knobs is None else self._write_knobs(offset, knobs)
                at.HEADER.pack_into(
                    slots, offset, at.KIND_RAW, 0, 0, 0, 0, length, 0, -1, 0, flags, 0
                )
            if length:
                if length > 1024 + 128:
                    raise ValueError(f"{length} bytes to send: at most 1152")
                slots[offset + at.DATA : offset + at.DATA + length] = data
            running.append((item, done, knobs, offset))
            self._submitted = (self._submitted + 1) & 0xFFFFFFFF
        self._host[at.SUBMITTED] = self._submitted

    def _write_knobs(self, offset: int, knobs: Knobs) -> int:
        """Write the knobs of a slot; return its flags."""
        noise = knobs.spurious or b""
        if len(noise) > 64:
            raise ValueError(f"spurious packet of {len(noise)} bytes: at most 64")
        if knobs.extend > 64:
            raise ValueError(f"extend={knobs.extend}: at most 64 bytes")
        at.COLD.pack_into(
            self._slots, offset + 44,
            -1 if knobs.rx_error_at is None else knobs.rx_error_at, knobs.truncate, knobs.extend,
            _clocks(knobs.late_handshake_ns * 1000), knobs.handshake_pid or 0, len(noise),
            _clocks(knobs.gap_ns * 1000), _clocks(knobs.data_gap_ns * 1000), knobs.rx_gap,
            knobs.tx_stall, int(knobs.breaks_protocol),
        )  # fmt: skip
        self._slots[offset + at.NOISE : offset + at.NOISE + len(noise)] = noise
        return (
            at.INJECTED
            | (at.BAD_CRC5 if knobs.bad_crc5 else 0)
            | (at.BAD_CRC if knobs.bad_crc else 0)
            | (at.BAD_PID if knobs.bad_pid else 0)
            | (at.NO_HANDSHAKE if knobs.no_handshake else 0)
            | (at.WRONG_TOGGLE if knobs.wrong_toggle else 0)
            | (at.WRONG_ADDRESS if knobs.wrong_address else 0)
            | (at.NO_DATA if knobs.no_data else 0)
        )

    # -- news from the simulation --------------------------------------------------------------

    def _serve(self) -> None:
        """Take everything that the transactor has left, in the kernel's loop."""
        host = self._host
        if self._events_read != host[at.EVENT_COUNT]:
            self._take_events()
        if host[at.RECORDED] != host[at.RECORDS_READ]:
            self._take_records()
        if self._raws_read != host[at.RAW_COUNT]:
            self._take_raws()
        if self._broken_count != host[at.BROKEN_COUNT]:
            self._take_violations()
        if self._delivered != host[at.DONE]:
            self._take_results()

    def _take_results(self) -> None:
        running = self._running
        slots = self._slots
        over: list[tuple[Transaction | bytes, _Done]] = []
        until = self._host[at.DONE]
        while self._delivered != until:
            item, done, knobs, offset = running.popleft()
            self._delivered = (self._delivered + 1) & 0xFFFFFFFF
            over.append((item, done))
            if not isinstance(item, Transaction):
                continue
            (
                status, handshake, item.rx_pid, length, item.turnaround_ps, broken,
                item.start_ps, item.end_ps,
            ) = at.RESULT.unpack_from(slots, offset + 88)  # fmt: skip
            item.status = at.STATUS[status]
            item.handshake = at.HANDSHAKE.get(handshake)
            if length:
                offset += at.RECEIVED + 1
                item.rx_data = bytes(slots[offset : offset + length])
            if broken:
                self._violated(broken, f" in {item!r}")
            if item.token == PID.EXT and status == 0 and not (knobs and knobs.no_handshake):
                self._dozing = self.speed == "high"
                self._tell("sleep", item.end_ps)
            short = item.token == PID.IN and length < item.max_length
            if self._backlog and item.chain and (status != 0 or short):
                self._skip_backlog(item.chain)
        if self._backlog:
            self._fill()
        for item, done in over:
            done(item)  # type: ignore[arg-type]

    def _take_records(self) -> None:
        host = self._host
        records = self._records
        data = self._bytes
        index = host[at.RECORDS_READ]
        until = host[at.RECORDED]
        batch: list[PacketRecord] = []
        while index != until:
            start, end, offset, length, from_host, flags = at.RECORD.unpack_from(
                records, index % at.RECORDS * 24
            )
            batch.append(
                PacketRecord(
                    start,
                    end,
                    from_host == 1,
                    bytes(data[offset : offset + length]),
                    "high" if flags & 1 else "full",
                    flags & 2 != 0,
                    flags & 4 != 0,
                )
            )
            index = (index + 1) & 0xFFFFFFFF
        host[at.RECORDS_READ] = until
        for callback in self._monitors:
            callback(batch)

    def _take_raws(self) -> None:
        until = self._host[at.RAW_COUNT]
        while self._raws_read != until:
            offset = self._raws_read % at.RAWS * at.RAW_SIZE
            length = at.RAW.unpack_from(self._raws, offset)[2]
            offset += at.RAW.size
            self._received.append(bytes(self._raws[offset : offset + length]))
            self._raws_read = (self._raws_read + 1) & 0xFFFFFFFF
        self._received_queue.wake_up()

    def _take_violations(self) -> None:
        broken, self._host[at.BROKEN] = self._host[at.BROKEN], 0
        self._broken_count = self._host[at.BROKEN_COUNT]
        self._violated(broken, "")

    def _violated(self, broken: int, where: str) -> None:
        for bit, text in at.VIOLATIONS.items():
            if broken & bit:
                text = f"{text}{where} at {self._kernel.now} ps"
                self.violations.append(text)
                for callback in self._violation_callbacks:
                    callback(text)

    def _take_events(self) -> None:
        until = self._host[at.EVENT_COUNT]
        while self._events_read != until:
            time, kind, value = at.EVENT.unpack_from(
                self._events, self._events_read % at.EVENTS * at.EVENT.size
            )
            self._events_read = (self._events_read + 1) & 0xFFFFFFFF
            if kind == at.LINE:
                self.line_state = at.LINE_STATES[value & 3]
                if self._dozing:
                    self._dozing = False
                    self._tell("l1", time)
            elif kind == at.CONNECT:
                self.connected = True
                self._tell("connect", time)
            elif kind == at.DISCONNECT:
                self.connected = False
                self.speed = None
                self._tell("disconnect", time)
            elif kind == at.SPEED:
                self.speed = ("high" if value & 1 else "full") if value & 2 else None
                self.line_state = "J" if self.speed == "full" else "SE0"
                self._host[at.SOF_ON] = 0 if not value & 2 else 1 if self._sof_wanted else 2
                self._tell("speed", time, speed=self.speed)
            elif kind == at.RESUMED:
                self._host[at.SOF_ON] = 1 if self._sof_wanted else 2
                self._tell("resume", time)
            elif kind == at.WAKEUP:
                self._tell("remote_wakeup", time)
        finished = self._host[at.COMMAND_DONE]
        while self._command_waits and self._command_waits[0][0] <= finished:
            self._command_waits.popleft()[1].complete()

    def _tell(self, kind: str, time: int, **detail: str | None) -> None:
        event = LineEvent(kind, time, detail)
        for callback in self._line_callbacks:
            callback(event)

    # -- bus -----------------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Present (micro)frame, counted from the first SOF after reset; -1 before it."""
        return int(self._signed[at.FRAME])

    def frame_time(self, frame: int) -> int:
        """Return the time at which the SOF of a (micro)frame starts, picoseconds."""
        low, high = self._host[at.SOF_TIME], self._host[at.SOF_TIME + 1]
        period = at.MICROFRAME_PS if self._host[at.HIGH_SPEED] else at.FRAME_PS
        return int((high << 32 | low) + (frame - self._signed[at.FRAME]) * period)

    def on_line(self, callback: Callable[[LineEvent], None]) -> None:
        """Call back at connect, disconnect, speed, resume and remote wake-up."""
        self._line_callbacks.append(callback)

    def on_violation(self, callback: Callable[[str], None]) -> None:
        """Call back with a text when the device breaks a rule of the wire's timing."""
        self._violation_callbacks.append(callback)

    def monitor(self, callback: Callable[[list[PacketRecord]], None]) -> None:
        """Call back with every packet of both directions, in order, in batches."""
        self._monitors.append(callback)
        self._host[at.MONITOR] = 1

    def flush_monitor(self) -> None:
        """Report the packets (idle SOFs) that are still unread, e.g. at the end of a run."""
        if self._host[at.RECORDED] != self._host[at.RECORDS_READ]:
            self._take_records()

    def vbus(self, on: bool) -> None:
        """Switch VBUS."""
        self._command(at.CMD_VBUS, int(on))
        self._tell("vbus_on" if on else "vbus_off", self._kernel.now)

    async def reset(self, duration: int) -> str | None:
        """Drive a bus reset of `duration` picoseconds; SOFs start by themselves afterwards.

        Returns:
            The speed that was found ("full" or "high"), None without a device.
        """
        if self.speed == "high":
            # a high-speed device first has to notice, which short scaled resets do not allow for
            notice = self._times.hs_idle + self._times.hs_settle
            duration = max(duration, notice + at.SHORTEST_RESET)
        pairs = 0x7FFFFFFF if self.chirp_pairs is None else self.chirp_pairs
        if self.force_full_speed:
            pairs = 0
        half = self.chirp_half or self._times.chirp_pair_half
        self._tell("reset", self._kernel.now)
        await self._command(
            at.CMD_RESET, _clocks(duration), _clocks(half), pairs,
            _clocks(min(self._chirp_tail, duration // 4)),
        ).wait()  # fmt: skip
        return self.speed

    async def suspend(self) -> None:
        """Stop SOFs and leave the bus idle."""
        self._host[at.SOF_ON] = 0
        self._tell("suspend", self._kernel.now)

    async def resume(self, duration: int) -> None:
        """Drive resume for `duration` picoseconds, then SOFs again."""
        await self._command(at.CMD_RESUME, _clocks(duration)).wait()

    async def force(self, state: str, duration: int) -> None:
        """Drive a line state ("SE0", "J", "K") for `duration` picoseconds."""
        drive = {"SE0": 1, "J": 2, "K": 3}
        if state not in drive:
            raise ValueError(f"line state {state!r}: legal is SE0, J or K")
        await self._command(at.CMD_FORCE, _clocks(duration), drive[state]).wait()

    def sof_enable(self, on: bool) -> None:
        """Start or stop SOFs; frames are counted on."""
        self._sof_wanted = on
        if self._host[at.SOF_ON]:
            self._host[at.SOF_ON] = 1 if on else 2

    def set_delays(self, *, hs_rx: int = 7, hs_tx: int = 2, fs_rx: int = 4, fs_tx: int = 5) -> None:
        """Set the PHY's delays in UTMI clocks, 0 to 15 (transmit: 2 to 15); default: worst case.

        `hs_rx` 7 and `hs_tx` 2 are the 63 and 16 bit times that a PHY may take. A UTMI of 16 bits
        has a part in the receive delay: less than 4 clocks count as 4.
        """
        for name, value, least in (
            ("hs_rx", hs_rx, 0), ("hs_tx", hs_tx, 2), ("fs_rx", fs_rx, 0), ("fs_tx", fs_tx, 2),
        ):  # fmt: skip
            if not least <= value <= 15:
                raise ValueError(f"{name}={value} clocks: legal is {least} to 15")
        self._host[at.DELAYS] = fs_tx << 12 | fs_rx << 8 | hs_tx << 4 | hs_rx

    def set_timing(self, name: str, *, full: int | None = None, high: int | None = None) -> None:
        """Set one of the host's times per speed, in UTMI clocks.

        Args:
            name: "host_gap" (after an own packet), "device_gap" (after the device's), "timeout"
                (of an answer), "slowest" (answer reckoned with before SOF), "earliest" or
                "latest" (legal answer, in eighths of a clock).
            full: at full speed.
            high: at high speed.
        """
        if name not in at.SETTINGS:
            raise ValueError(f"timing {name!r}: legal is {', '.join(at.SETTINGS)}")
        for index, value in enumerate((full, high)):
            if value is not None:
                self._host[at.SETTINGS[name] + index] = value

    def keep_stuffing_room(self, fraction: float = 24 / 1024) -> None:
        """Set the least room kept before an SOF for stuffed bits in IN data.

        The host reckons with this or with what it has seen lately, whichever is more; with data
        that suddenly needs more an SOF may come late (`late_sofs`).

        Args:
            fraction: of the bits without stuffing; 1/6 is the worst case.
        """
        self._host[at.STUFFING] = round(fraction * 1024)

    @property
    def late_sofs(self) -> int:
        """How many SOFs came late, because something took longer than reckoned with."""
        return int(self._host[at.LATE_SOFS])

    def close(self) -> None:
        """Report what is still unread."""
        self.flush_monitor()

    def _command(self, *words: int) -> Completion:
        """Queue a line command; returns what is completed at its end."""
        if (self._commands - self._host[at.COMMAND_DONE]) >= at.COMMANDS:
            raise RuntimeError(f"more than {at.COMMANDS} line commands at a time")
        base = at.COMMAND_WORDS + self._commands % at.COMMANDS * 8
        for index in range(8):
            self._host[base + index] = words[index] if index < len(words) else 0
        self._commands += 1
        self._host[at.COMMANDED] = self._commands
        over = Completion()
        self._command_waits.append((self._commands, over))
        return over

    # -- single packets ------------------------------------------------------------------------

    async def send(self, packet: bytes, knobs: Knobs | None = None) -> None:
        """Send one packet as it is, PID to CRC. Unread packets of the device are forgotten."""
        over = Completion()
        self._received.clear()
        # Whoever sends by hand answers for gaps, order and handshakes himself.
        knobs = replace(knobs or Knobs(), by_hand=True)
        self._backlog.append((bytes(packet), lambda _: over.complete(), knobs))
        self._fill()
        await over.wait()

    async def receive(self, timeout: int) -> bytes | None:
        """Return the next packet from the device, None after `timeout` picoseconds."""
        received = self._received
        if not received:
            await self._received_queue.wait_event_timeout(lambda: bool(received), timeout)
        return received.popleft() if received else None
