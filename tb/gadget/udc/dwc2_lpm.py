# SPDX-License-Identifier: Apache-2.0
"""Link power management of a DWC2 core: tokens, L1, and the ways out (dwc2-registers.md 3).

Linux's names are kept: `params.lpm` and its kin, `lx_state`, `init_lpm`, `handle_lpm_intr`,
`wakeup_from_lpm_l1`. In L1 the gadget driver is told `suspend` and `resume` as for a suspend; the
gadget's chapter 9 state stays, because the host may have forgotten about the nap within
microseconds.
"""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from pymodel.gen.udc_regs import DCTL, GINTSTS, GLPMCFG, PCGCCTL
from tb.kernel import Context, Mutex, WaitQueue, Work, now, os_error, sleep, us

from ..gadget import USB_DEFAULT_BESL_UNSPECIFIED, UsbDcdConfigParams

if TYPE_CHECKING:
    from ..devicetree import DeviceNode
    from .dwc2_hw import Dwc2Hw
    from .dwc2_udc import Dwc2Udc

__all__ = ["Dwc2Lpm", "LpmParams", "LxState"]

log = logging.getLogger(__name__)

# GSNPSID of the first cores that have LPM, and BESL in place of HIRD.
_REV_LPM, _REV_BESL = 0x4F54280A, 0x4F54300A
_HIRD_THRESHOLD = 4
# TL1TokenRetry at its longest: then SlpSts tells whether the link is in L1.
_TOKEN_RETRY = us(10)
# How long L1ResumeOK and WkUpInt may take.
_PATIENCE = us(1000)
_CORE_ACK = 3
_NOT_AWAKE = GLPMCFG.CoreL1Res.mask | GLPMCFG.SlpSts.mask | GLPMCFG.L1ResumeOK.mask


class LxState(IntEnum):
    """State of the link."""

    L0 = 0
    L1 = 1
    L2 = 2


@dataclass(frozen=True)
class LpmParams:
    """What is wanted of LPM.

    Attributes:
        lpm: answer LPM tokens.
        lpm_clock_gating: let the PHY sleep in L1 (EnblSlpM).
        besl: tokens carry BESL (else HIRD).
        hird_threshold_en: let the PHY sleep deeply from this BESL or HIRD on.
        hird_threshold: 0 to 12 (BESL) or 0 to 7 (HIRD).
        besl_baseline, besl_deep: what the BOS descriptor recommends to the host, 0 to 15, or
            `USB_DEFAULT_BESL_UNSPECIFIED`.
    """

    lpm: bool = False
    lpm_clock_gating: bool = False
    besl: bool = False
    hird_threshold_en: bool = False
    hird_threshold: int = _HIRD_THRESHOLD
    besl_baseline: int = USB_DEFAULT_BESL_UNSPECIFIED
    besl_deep: int = USB_DEFAULT_BESL_UNSPECIFIED

    @classmethod
    def of(cls, hw: Dwc2Hw, node: DeviceNode) -> LpmParams:
        """Return what the core can and the device tree node wants.

        Properties: `snps,usb2-gadget-lpm-disable`, `snps,dis_enblslpm_quirk`,
        `snps,hird-threshold`, `plugfest,besl-baseline`, `plugfest,besl-deep`.
        """
        wanted = "snps,usb2-gadget-lpm-disable" not in node.properties
        if not (wanted and hw.lpm and hw.identity >= _REV_LPM):
            return cls()
        besl = hw.identity >= _REV_BESL
        return cls(
            lpm=True,
            lpm_clock_gating="snps,dis_enblslpm_quirk" not in node.properties,
            besl=besl,
            hird_threshold_en=True,
            hird_threshold=_number(node, "snps,hird-threshold", 12 if besl else 7, _HIRD_THRESHOLD),
            besl_baseline=_number(node, "plugfest,besl-baseline", 15, USB_DEFAULT_BESL_UNSPECIFIED),
            besl_deep=_number(node, "plugfest,besl-deep", 15, USB_DEFAULT_BESL_UNSPECIFIED),
        )


def _number(node: DeviceNode, name: str, highest: int, default: int) -> int:
    value = node.number(name)
    if value is None:
        return default
    if not 0 <= value <= highest:
        log.warning("%s: %s %d, legal is 0 to %d", node.full_name, name, value, highest)
        return default
    return value


class Dwc2Lpm:
    """L1 of one core.

    Attributes:
        params: what is wanted.
        lx_state: state of the link as far as the driver knows.
    """

    def __init__(self, udc: Dwc2Udc) -> None:
        """Serve a UDC."""
        self.udc = udc
        self.hw = udc.hw
        self.params = LpmParams.of(udc.hw, udc.device.node)
        self.lx_state = LxState.L0
        self._changed = WaitQueue(f"{udc.hw.name} link state")
        self._one = Mutex(f"{udc.hw.name} L1 wake-up")
        self._wake = Work(
            self._wake_for_data,
            name=f"{udc.hw.name} L1 wake-up",
            cpu=udc.hw.bus.cpu,
            context=Context.IRQ_THREAD,
        )

    @property
    def mask(self) -> int:
        """GINTMSK bits that are needed."""
        return GINTSTS.LPMTranRcvd.mask if self.params.lpm else 0

    def config_params(self) -> UsbDcdConfigParams:
        """Return what the BOS descriptor shall tell."""
        return UsbDcdConfigParams(
            besl_baseline=self.params.besl_baseline, besl_deep=self.params.besl_deep
        )

    async def init_lpm(self) -> None:
        """Program GLPMCFG: accept tokens but during control transfers."""
        params = self.params
        if not params.lpm:
            return
        await self.hw.write(
            GLPMCFG.OFFSET,
            GLPMCFG.LPMCap.mask
            | GLPMCFG.AppL1Res.mask
            | GLPMCFG.EnblSlpM.put(int(params.lpm_clock_gating))
            | GLPMCFG.HIRD_Thres.put(params.hird_threshold_en << 4 | params.hird_threshold)
            | GLPMCFG.EnBESL.put(int(params.besl))
            | GLPMCFG.LPM_RejectCtrl.mask
            | GLPMCFG.LPM_AcceptIsoc.mask,
        )

    async def set_state(self, state: LxState) -> None:
        """The link is known to be in a state: reset and disconnect end L1 without a resume."""
        before, self.lx_state = self.lx_state, state
        if before == LxState.L1 != state:
            await self._leave_low_power()
            await self.init_lpm()
        self._changed.wake_up()

    # -- into L1 ---------------------------------------------------------------------------

    async def handle_lpm_intr(self) -> None:
        """LPMTranRcvd (in the irq thread): see whether the link goes to sleep."""
        config = await self.hw.read(GLPMCFG.OFFSET)
        if GLPMCFG.CoreL1Res.get(config) != _CORE_ACK:
            return
        threshold = GLPMCFG.HIRD_Thres.get(config)
        deep = threshold & 0x10 and GLPMCFG.HIRD.get(config) >= threshold & 0xF
        if not deep and not config & GLPMCFG.EnblSlpM.mask:
            await self._gate(True)
        await sleep(_TOKEN_RETRY)
        config = await self.hw.read(GLPMCFG.OFFSET)
        if not config & GLPMCFG.SlpSts.mask:
            await self._gate(False)
            return
        if self.lx_state == LxState.L1:
            return
        log.debug("%s: L1, GLPMCFG %08x", self.hw.name, config)
        self.lx_state = LxState.L1
        udc = self.udc
        if udc.driver is not None and udc.callbacks:
            await udc.driver.suspend(udc.gadget)
        if any(ep.queue and ep.iso is None for ep in udc.eps_in.values()):
            # Queued while the token was on its way.
            self._wake.schedule()

    async def _gate(self, on: bool) -> None:
        with self.hw.lock:
            power = await self.hw.read(PCGCCTL.OFFSET)
            await self.hw.write(PCGCCTL.OFFSET, PCGCCTL.EnblSleepGating.set(power, int(on)))

    # -- out of L1 -------------------------------------------------------------------------

    async def _leave_low_power(self) -> None:
        """Let the PHY wake up: it would not hear, or drive, resume in deep sleep."""
        off = GLPMCFG.EnblSlpM.mask | GLPMCFG.HIRD_Thres.mask
        config = await self.hw.read(GLPMCFG.OFFSET) & ~off
        await self.hw.write(GLPMCFG.OFFSET, config)
        await self._gate(False)
        if config & GLPMCFG.EnBESL.mask:
            await self.hw.write(GLPMCFG.OFFSET, config | GLPMCFG.RstrSlpSts.mask)

    async def resumed(self) -> None:
        """WkUpInt in L1 (in the irq thread): the host drives resume, or has taken ours over."""
        await self._leave_low_power()
        config = await self.hw.read(GLPMCFG.OFFSET)
        await self.init_lpm()
        if config & GLPMCFG.SlpSts.mask:
            # Asleep again: its token's interrupt has been taken for the first one's.
            return
        if config & _NOT_AWAKE:
            log.debug("%s: GLPMCFG %08x after resume", self.hw.name, config)
        self.lx_state = LxState.L0
        udc = self.udc
        if udc.driver is not None and udc.callbacks:
            await udc.driver.resume(udc.gadget)
        self._changed.wake_up()

    async def wakeup_from_lpm_l1(self) -> None:
        """Signal remote wake-up in L1 and wait until the link is in L0.

        Raises:
            OSError: EINVAL if the host's token did not allow it (bRemoteWake), ETIMEDOUT if the
                core does not get ready or no host takes resume over: the link stays in L1.
        """
        hw = self.hw
        async with self._one:
            if self.lx_state != LxState.L1:
                return
            if not await hw.read(GLPMCFG.OFFSET) & GLPMCFG.bRemoteWake.mask:
                raise os_error(
                    errno.EINVAL, f"{hw.name}: the LPM token does not allow remote wake-up"
                )
            await self._leave_low_power()
            end = now() + _PATIENCE
            while not await hw.read(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask:
                if self.lx_state != LxState.L1:
                    return
                if now() >= end:
                    await self.init_lpm()
                    raise os_error(errno.ETIMEDOUT, f"{hw.name}: no GLPMCFG.L1ResumeOK in L1")
                await sleep(us(5))
            with hw.lock:
                # The core takes the bit back.
                control = await hw.read(DCTL.OFFSET)
                await hw.write(DCTL.OFFSET, control | DCTL.RmtWkUpSig.mask)
            if not await self._changed.wait_event_timeout(
                lambda: self.lx_state != LxState.L1, _PATIENCE
            ):
                await self.init_lpm()
                raise os_error(errno.ETIMEDOUT, f"{hw.name}: no host takes over resume in L1")

    def queued(self) -> None:
        """Data for the host were queued: it has to be woken for them, if it may be."""
        if self.lx_state == LxState.L1:
            self._wake.schedule()

    async def _wake_for_data(self) -> None:
        try:
            await self.wakeup_from_lpm_l1()
        except OSError as error:
            # The request stays programmed, and goes on when the host resumes.
            log.info("%s", error.strerror)
