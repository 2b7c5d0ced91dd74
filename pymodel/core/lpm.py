# SPDX-License-Identifier: Apache-2.0
"""Link power management: extended tokens and the sleep state L1 (USB 2.0 LPM addendum).

The answer to an LPM token is a decision like that to any other token: `decide_lpm` is the rule.
It is made at the event TOKEN with PID 0 and takes effect at the event LPM, when it has been sent:
a packet that turns out to be too long is not answered and changes nothing. Entering and leaving
L1 are line messages. What passes by time alone (L1ResumeOK, the end of the device's own resume) is
computed when somebody looks.
"""

from __future__ import annotations

from typing import Final

from pymodel.trace import Answer

from . import fields as f
from .iso import Isochronous

__all__ = ["L1_ENTRY", "L1_RESUME_OK", "L1_WAKE", "LinkPower"]

_US: Final = 1_000_000
L1_ENTRY: Final = 9 * _US
"""From the acknowledged token to L1: the host may repeat the token for 8 us."""
L1_RESUME_OK: Final = 50 * _US
"""In L1 for so long, the device may signal resume (TL1Residency of the addendum)."""
L1_WAKE: Final = 50 * _US
"""So long the core itself drives resume in L1 (TL1DevDrvResume)."""

_SILENT, _ACK, _STALL, _NYET = (
    int(Answer.SILENT),
    int(Answer.ACK),
    int(Answer.STALL),
    int(Answer.NYET),
)
_RESULT = {_ACK: 3, _NYET: 2, _STALL: 1}
"""GLPMCFG.CoreL1Res by answer."""
_LINK_L1 = 1


class LinkPower(Isochronous):
    """Isochronous rules plus LPM.

    Attributes:
        time: picoseconds; whoever owns time keeps it.
        glpmcfg: what software wrote to GLPMCFG.
        lpm_attributes: bits 8:4 of the last token that was answered: BESL, bRemoteWake.
        lpm_result: GLPMCFG.CoreL1Res.
        sleep_due: when L1 is entered; None without an acknowledged token.
        sleeping: in L1 (GLPMCFG.SlpSts).
        slept_at: time of the entry.
        waking_since: the device drives resume in L1 since then; None if it does not.
        last_wake: when it last began to.
        control_open: a SETUP was accepted whose status stage has not been acknowledged.
    """

    time = 0

    def reset_core(self) -> None:
        """Forget everything about LPM."""
        self.glpmcfg = 0
        self.lpm_attributes = 0
        self.control_open = False
        self.last_wake = -L1_WAKE * 1000
        self._awake()
        super().reset_core()

    def _awake(self) -> None:
        """What resume and reset clear."""
        self.sleep_due: int | None = None
        self.sleeping = False
        self.slept_at = 0
        self.lpm_result = 0
        self.waking_since: int | None = None

    # -- the token ---------------------------------------------------------------------------

    def decide_lpm(self, attributes: int) -> int:
        """Return the answer to an LPM token for endpoint 0 at our address.

        Args:
            attributes: 11 bits: bLinkState 3:0, BESL 7:4, bRemoteWake 8.
        """
        config = self.glpmcfg
        if not config & f.LPM_CAP or self.test_mode:
            return _SILENT
        if attributes & 0xF != _LINK_L1:
            return _STALL
        refused = (
            not config & f.LPM_APPL1RES
            or (config & f.LPM_REJECTCTRL and self.control_open)
            or (not config & f.LPM_ACCEPTISOC and self.iso_enabled)
            or self.lpm_pending
        )
        return _NYET if refused else _ACK

    @property
    def lpm_pending(self) -> bool:
        """Data waits in a FIFO."""
        if self.rx.entries or self.rx.current:
            return True
        return any(self.fifo_of(ep).used for ep in self.ins if ep.eptype != f.EPTYPE_ISO)

    def on_lpm(self, arg: int, attributes: int, choice: object) -> None:
        """LPM: the answer that was decided at TOKEN with PID 0 has been sent."""
        answer = arg >> 13 & 7
        if answer not in _RESULT:
            return
        self.lpm_attributes = attributes >> 4 & 0x1F
        self.lpm_result = _RESULT[answer]
        self.sleep_due = self.time + L1_ENTRY if answer == _ACK else None
        self.expect_global(f.INT_LPM)

    # -- L1 ----------------------------------------------------------------------------------

    def on_sleep(self) -> None:
        """LINE SLEEP: the device is in L1."""
        self.sleep_due = None
        self.sleeping = True
        self.slept_at = self.time
        self.remote_wake()

    def on_awake(self) -> None:
        """Resume, reset, or the end of the session: not in L1 any more."""
        if self.waking_since is not None:
            self.dctl &= ~f.DCTL_RMTWKUP
        self._awake()

    def remote_wake(self) -> None:
        """Start the device's own resume if software asks for it and the host allows it."""
        allowed = self.sleeping and self.lpm_attributes & 0x10
        if allowed and self.dctl & f.DCTL_RMTWKUP and self.waking_since is None:
            # not before TL1Residency is over
            start = max(self.time, self.slept_at + L1_RESUME_OK)
            self.waking_since = self.last_wake = start

    def end_wake(self) -> None:
        """The device has driven resume for long enough: the core takes the request back."""
        self.waking_since = None
        self.dctl &= ~f.DCTL_RMTWKUP

    # -- registers ---------------------------------------------------------------------------

    def read_glpmcfg(self) -> int:
        """Return GLPMCFG."""
        ok = self.sleeping and self.time - self.slept_at >= L1_RESUME_OK
        return (
            self.glpmcfg
            | self.lpm_attributes << 2
            | self.lpm_result << 13
            | self.sleeping << 15
            | ok << 16
        )

    def write_glpmcfg(self, value: int) -> None:
        """Store what software may write; RstrSlpSts is done at once."""
        self.glpmcfg = value & f.GLPMCFG_RW
