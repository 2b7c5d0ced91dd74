# SPDX-License-Identifier: Apache-2.0
"""The bus between host and model outside packets: VBUS, pull-up, reset, suspend, frames.

It plays both ends of the line: what a hub port drives, and what the device's PHY and link layer
make of it (USB 2.0 sections 7.1.7 and 11.5; facts section 13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pymodel.config import BusTimes
from pymodel.core import fields as f
from pymodel.core.lpm import L1_WAKE
from pymodel.trace import Kind, Line
from pymodel.wire import LineEvent
from tb.kernel import TimerHandle, sleep

from .bus_time import FULL, HIGH, BusTiming

if TYPE_CHECKING:
    from .model import ModelController

__all__ = ["ModelLine"]

_LINE = int(Kind.LINE)
_NEVER = 1 << 62
_TEST_LINES = {f.TEST_J: "J", f.TEST_K: "K", f.TEST_SE0_NAK: "SE0", f.TEST_PACKET: "J"}
"""What test modes put on the line (7.1.20); UTMI shows an active high-speed line as J."""
_ROUNDS = 8
"""Halves of the host's chirp: the device needs six (three pairs)."""


class ModelLine:
    """Line states and (micro)frames of the model's wire face.

    Attributes:
        speed: "full" or "high" after a reset, else None.
        line_state: "SE0", "J" or "K".
        connected: the device shows its pull-up.
        force_full_speed: the host does not answer the device's chirp.
        chirp_pairs: K-J pairs of the answer to a chirp; None = as many as fit. Three make high
            speed.
        chirp_half: a K or a J of that answer, picoseconds; None = as prescribed. The device does
            not hear shorter ones than 2.5 us.
        timing: bit times of the present speed.
    """

    def __init__(self, controller: ModelController, time_scale: int) -> None:
        """Start without VBUS."""
        self.controller = controller
        self.kernel = controller.kernel
        self.model = controller.model
        self.times = BusTimes.at(time_scale)
        self.speed: str | None = None
        self.line_state = "SE0"
        self.connected = False
        self.force_full_speed = False
        self.chirp_pairs: int | None = None
        self.chirp_half: int | None = None
        self.timing: BusTiming = FULL
        self.sof_on = False
        self._power = False
        self._waking = False
        self._stopped = False
        self._sof_recorded = -1
        self._listeners: list[Callable[[LineEvent], None]] = []
        self._base_time = 0
        self._base_frame = 0
        self._last_frame = -1
        self._seen_frame = -1
        self._ended_frame = -1
        self._sof_due = 0
        self._eopf_due = _NEVER
        self._eopf_timer: TimerHandle | None = None
        self._idle_timer: TimerHandle | None = None
        self._lpm_timer: TimerHandle | None = None
        self._sof_timer: TimerHandle | None = None

    # -- events ------------------------------------------------------------------------------

    def on_line(self, callback: Callable[[LineEvent], None]) -> None:
        """Call back at connect, disconnect, speed, reset, suspend, resume, remote wake-up, VBUS."""
        self._listeners.append(callback)

    def _tell(self, kind: str, **detail: object) -> None:
        event = LineEvent(kind, self.kernel.now, dict(detail))
        for callback in self._listeners:
            self.kernel.call_soon(callback, event)

    def _line_message(self, message: int) -> None:
        """Let the model's link layer report what it saw."""
        if (message & 0xF) in (Line.RESET_START, Line.VBUS_OFF):
            self.controller.layer.reset()
        self.model.time = self.kernel.now
        self.model.step((_LINE, 0, message))
        self.controller.after()

    # -- connection --------------------------------------------------------------------------

    def vbus(self, on: bool) -> None:
        """Switch VBUS."""
        if on == self._power:
            return
        self._power = on
        self._tell("vbus_on" if on else "vbus_off")
        self._line_message(Line.VBUS_ON if on else Line.VBUS_OFF)
        self.check()

    def check(self) -> None:
        """Registers were written: look at the pull-up and at remote wake-up."""
        model = self.model
        connected = self._power and model.pull_up
        if connected != self.connected:
            self.connected = connected
            self.speed = None
            self.timing = FULL
            model.high_speed = False
            self._stop_frames()
            self._set_line("J" if connected else "SE0")
            self._cancel_idle()
            if connected:
                self._watch_idle()
            else:
                self.controller.layer.reset()
                model.suspended = False
                model.on_awake()
            self._tell("connect" if connected else "disconnect")
        if connected and model.test_mode:
            self._cancel_idle()
            self._set_line(_TEST_LINES[model.test_mode])
        self.watch_lpm()
        waking = bool(model.dctl & f.DCTL_RMTWKUP) and model.suspended and connected
        if waking and not self._waking:
            self._set_line("K")
            self._tell("remote_wakeup")
        elif self._waking and not waking and model.suspended and connected:
            # The device lets go and no host has taken over.
            self._set_line("J")
        self._waking = waking

    def _set_line(self, state: str) -> None:
        self.line_state = state
        self.model.line_state = {"SE0": 0, "J": 2, "K": 1, "SE1": 3}[state]

    def _idle_line(self) -> None:
        if self.connected and self.model.test_mode:
            self._set_line(_TEST_LINES[self.model.test_mode])
        else:
            self._set_line("SE0" if self.model.high_speed or not self.connected else "J")

    # -- reset -------------------------------------------------------------------------------

    async def reset(self, duration: int) -> str | None:
        """Drive SE0, do the host's side of the chirp handshake, then let SOFs start.

        The reset lasts `duration` picoseconds, or longer if the device needs longer for its chirp
        (it sees a reset from high speed only after 3 ms of idle, 7.1.7.6).

        Returns:
            The speed found, None without a device.
        """
        times, model = self.times, self.model
        self._stopped = True
        await self._quiet()
        start = self.kernel.now
        self._stop_frames()
        self._cancel_idle()
        was_high = model.high_speed and not (model.suspended or model.sleeping)
        self.speed = None
        self._set_line("SE0")
        self._tell("reset")
        if not self.connected or model.test_mode:
            # Nothing but a new start ends a test mode (7.1.20).
            await sleep(duration)
            return self._reset_over(None)
        await sleep(times.hs_idle + times.hs_settle if was_high else times.detect_reset)
        model.high_speed = False
        if not self.connected:
            return self._reset_over(None)
        self._line_message(Line.RESET_START)
        capable = not model.dcfg & 3
        half = self.chirp_half or times.chirp_pair_half
        answers = not self.force_full_speed and (self.chirp_pairs is None or self.chirp_pairs > 2)
        heard = answers and half >= times.detect_reset
        high = capable and heard
        if capable:
            self._set_line("K")
            await sleep(times.chirp_k)
            self._set_line("SE0")
        if high:
            await sleep(6 * half)
            if self.connected:
                model.high_speed = True
                self._line_message(Line.RESET_END)
            await sleep((_ROUNDS - 6) * half)
        end = start + duration
        if end > self.kernel.now:
            await sleep(end - self.kernel.now)
        if not self.connected:
            return self._reset_over(None)
        if not high:
            self._line_message(Line.RESET_END | 1 << 4)
        # the port takes its own answer for heard
        return self._reset_over("high" if capable and answers else "full")

    def _reset_over(self, speed: str | None) -> str | None:
        """The port lets go of the lines."""
        self._stopped = False
        self.speed = speed
        self.timing = HIGH if speed == "high" else FULL
        self._idle_line()
        self._base_frame = 0
        self._last_frame = self._seen_frame = self._ended_frame = self._sof_recorded = -1
        if speed is not None:
            self._start_frames(self.kernel.now + self.timing.frame)
            self._tell("speed", speed=speed)
        self._replan()
        return speed

    # -- frames ------------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Present (micro)frame, counted from the first SOF after reset; -1 before it."""
        if not self.sof_on:
            return self._last_frame
        passed = self.kernel.now - self._base_time
        if passed < 0:
            return self._last_frame
        return self._base_frame + passed // self.timing.frame

    def frame_time(self, frame: int) -> int:
        """Return when the SOF of a (micro)frame starts, picoseconds."""
        return self._base_time + (frame - self._base_frame) * self.timing.frame

    def sof_enable(self, on: bool) -> None:
        """Start or stop SOFs; the count goes on where it stopped."""
        if on and not self.sof_on and self.speed is not None:
            self._base_frame = self._last_frame + 1
            self._start_frames(self.kernel.now + self.timing.frame)
        elif not on:
            self._stop_frames()
            self._watch_idle()

    def _start_frames(self, first: int) -> None:
        self._cancel_idle()
        self.sof_on = True
        self._base_time = self._sof_due = first
        self.watch_sof()
        self.watch_eopf()
        self._replan()

    def _stop_frames(self) -> None:
        self._last_frame = self.frame
        self.sync_sof()
        self.sof_on = False
        self._eopf_due = _NEVER
        if self._sof_timer is not None:
            self._sof_timer.cancel()
            self._sof_timer = None
        if self._eopf_timer is not None:
            self._eopf_timer.cancel()
            self._eopf_timer = None
        self._replan()

    async def _quiet(self) -> None:
        """Wait until no packet is on the bus."""

    def _replan(self) -> None:
        """Frames changed: the executor must plan anew."""

    def sync_sof(self) -> None:
        """Catch up with SOFs: idle frames are counted, not simulated."""
        if not self.sof_on:
            return
        now = self.kernel.now
        if now < self._sof_due and now < self._eopf_due:
            return
        if now >= self._eopf_due:
            self._periodic_ended()
        frame = self.frame
        if frame > self._seen_frame:
            self._enter(frame)

    def _enter(self, frame: int) -> None:
        self._seen_frame = frame
        self._sof_due = self.frame_time(frame + 1)
        self.model.time = self.kernel.now
        self.controller.layer.sof(frame & (0x3FFF if self.timing is HIGH else 0x7FF))

    def watch_sof(self) -> None:
        """Wake at the next SOF if it would raise an interrupt."""
        model = self.model
        wanted = (
            self.sof_on
            and model.gintmsk & f.INT_SOF
            and not model.latched & f.INT_SOF
            and model.gahbcfg & f.AHB_GLBLINTRMSK
        )
        if wanted and self._sof_timer is None:
            due = self.frame_time(self.frame + 1) - self.kernel.now
            self._sof_timer = self.kernel.call_later(due, self._sof_now)

    def _sof_now(self) -> None:
        self._sof_timer = None
        self.sync_sof()
        self.controller.after()
        self.watch_sof()

    # -- end of the periodic part of a frame -------------------------------------------------

    def _eopf_time(self, frame: int) -> int:
        """Return when EOPF of a (micro)frame comes (DCFG.PerFrInt)."""
        part = f.PERIODIC_END[(self.model.dcfg & f.DCFG_PERFRINT) >> 11]
        return self.frame_time(frame) + self.timing.frame * part // 100

    def watch_eopf(self) -> None:
        """Find the next EOPF that matters; wake for it only if somebody would notice.

        An idle frame's EOPF is noted when software looks. Transfers on isochronous endpoints are
        judged at each EOPF, and an unmasked interrupt wants to be raised in time.
        """
        if not self.sof_on:
            return
        if self.kernel.now >= self._eopf_due:
            self._periodic_ended()
            return
        model = self.model
        busy = model.iso_enabled
        if model.latched & f.INT_EOPF and not busy:
            self._eopf_due = _NEVER
            return
        frame = max(self.frame, self._ended_frame + 1, self._base_frame)
        due = self._eopf_time(frame)
        if due < self.kernel.now:
            due = self._eopf_time(frame + 1)
        self._eopf_due = due
        unmasked = model.gintmsk & f.INT_EOPF and model.gahbcfg & f.AHB_GLBLINTRMSK
        if self._eopf_timer is not None:
            self._eopf_timer.cancel()
            self._eopf_timer = None
        if busy or unmasked:
            delay = max(due - self.kernel.now, 0)
            self._eopf_timer = self.kernel.call_later(delay, self._eopf_now)

    def _eopf_now(self) -> None:
        self._eopf_timer = None
        self.sync_sof()
        self.controller.after()
        if self._eopf_timer is None:
            self.watch_eopf()

    def _periodic_ended(self) -> None:
        """EOPF of one frame or more is past: the last one counts."""
        now = self.kernel.now
        self._eopf_due = _NEVER
        frame = self.frame
        if self._eopf_time(frame) > now:
            frame -= 1
        if frame > self._ended_frame:
            self._ended_frame = frame
            if frame > self._seen_frame:
                self._enter(frame)
            self.model.time = now
            self.controller.layer.end_of_periodic()
        self.watch_eopf()

    # -- suspend and resume ------------------------------------------------------------------

    async def suspend(self) -> None:
        """Stop SOFs and leave the bus idle; the device notices 3 ms later."""
        self._stopped = True
        await self._quiet()
        self.sof_enable(False)
        self._tell("suspend")

    def _watch_idle(self) -> None:
        """The bus is idle from now on (7.1.7.6)."""
        self._cancel_idle()
        model = self.model
        if self.connected and not (model.suspended or model.sleeping or model.test_mode):
            wait = self.times.hs_idle if self.model.high_speed else self.times.suspend
            self._idle_timer = self.kernel.call_later(wait, self._early_suspend)

    def _cancel_idle(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def activity(self) -> None:
        """A packet passed while SOFs are off."""
        if self._idle_timer is not None:
            self._watch_idle()

    def _early_suspend(self) -> None:
        self._line_message(Line.EARLY_SUSPEND)
        self._idle_timer = self.kernel.call_later(self.times.hs_settle, self._suspended)

    def _suspended(self) -> None:
        self._idle_timer = None
        self._set_line("J")
        self._line_message(Line.SUSPEND)
        self.check()

    # -- L1 ----------------------------------------------------------------------------------

    def watch_lpm(self) -> None:
        """Arm the timer for the entry into L1 or for the end of the device's own resume in it."""
        model, now = self.model, self.kernel.now
        if self._lpm_timer is not None:
            self._lpm_timer.cancel()
            self._lpm_timer = None
        if model.sleep_due is not None:
            # from the end of its handshake on
            rest = model.sleep_due + self.timing.device_ps + self.timing.handshake_ps - now
            self._lpm_timer = self.kernel.call_later(max(rest, 0), self._asleep)
        elif model.waking_since is not None:
            if now < model.waking_since:
                rest = model.waking_since - now
                self._lpm_timer = self.kernel.call_later(rest, self.watch_lpm)
                return
            if self.line_state != "K":
                self._set_line("K")
                self._tell("remote_wakeup")
            rest = model.waking_since + L1_WAKE - now
            self._lpm_timer = self.kernel.call_later(max(rest, 0), self._woken)

    def _asleep(self) -> None:
        self._lpm_timer = None
        if self.model.sleep_due is None:
            return
        self._cancel_idle()
        self._set_line("J")
        if self.timing is HIGH:
            self._tell("l1")
        self._line_message(Line.SLEEP)
        self.check()

    def _woken(self) -> None:
        """The device has driven resume for long enough; by now the host drives it, or nobody."""
        self._lpm_timer = None
        if self.model.sleeping:
            self.model.end_wake()
            self._set_line("J")

    async def resume(self, duration: int) -> None:
        """Drive K for `duration` picoseconds, then go on with SOFs (7.1.7.7)."""
        self._cancel_idle()
        self._set_line("K")
        if self.model.suspended or self.model.sleeping:
            self._line_message(Line.RESUME)
        self._tell("resume")
        await sleep(duration)
        self._stopped = False
        self._idle_line()
        self.check()
        if self.connected:
            self.sof_enable(True)
