# SPDX-License-Identifier: Apache-2.0
"""Link power management: answers to LPM tokens, L1 and the ways out of it (facts section 3)."""

from __future__ import annotations

from typing import Any

import pytest

from pymodel.config import UdcParameters
from pymodel.core import Checker
from pymodel.gen.udc_regs import DCTL, DSTS, GHWCFG3, GINTSTS, GLPMCFG, PCGCCTL
from pymodel.packets import PID, build_handshake, build_token, crc5
from pymodel.trace import Event, Kind, Line, decode, encode
from tb.kernel import ms, sleep, us
from tests.pymodel.model_device import Device
from tests.sim.model_rig import Rig, run

ON = GLPMCFG.LPMCap.mask | GLPMCFG.AppL1Res.mask
L1 = 0x141
"""bLinkState L1, BESL 4, remote wake-up allowed."""
CONTROL_READ = bytes([0x80, 6, 0, 1, 0, 0, 64, 0])
SET_ADDRESS = bytes([0, 5, 0, 0, 0, 0, 0, 0])
DIEPCTL0 = 0x900
RESULTS = {"ACK": 3, "NYET": 2, "STALL": 1}


def extended(address: int = 0, endpoint: int = 0) -> bytes:
    return build_token(0, address, endpoint)


def attributes(value: int) -> bytes:
    return bytes([0xC3]) + (value | crc5(value) << 11).to_bytes(2, "little")


class LpmDevice(Device):
    """A device with LPM that can be sent LPM tokens."""

    def __init__(self, dma: bool = True, config: int = ON, **more: Any) -> None:
        super().__init__(dma=dma, parameters=UdcParameters(lpm=1), **more)
        self.write(GLPMCFG.OFFSET, config)

    def lpm(self, value: int = L1) -> str | None:
        assert self.layer.receive(extended(self.address), now=self.tick()) is None
        return self._name(self.layer.receive(attributes(value), now=self.tick()))

    def glpmcfg(self) -> int:
        return self.read(GLPMCFG.OFFSET)

    def wait(self, time: int) -> None:
        self.now += time


def test_identity_and_storage() -> None:
    device = LpmDevice(config=0xFFFFFFFF)
    assert GHWCFG3.LPMMode.get(device.read(GHWCFG3.OFFSET)) == 1
    # RstrSlpSts reads 0; what the core says is not writable.
    assert device.glpmcfg() == GLPMCFG.RW & ~GLPMCFG.RstrSlpSts.mask
    without = Device()
    without.write(GLPMCFG.OFFSET, 0xFFFFFFFF)
    assert without.read(GLPMCFG.OFFSET) == 0
    assert GHWCFG3.LPMMode.get(without.read(GHWCFG3.OFFSET)) == 0


def test_acknowledged_token_shows_its_attributes() -> None:
    device = LpmDevice()
    assert device.lpm() == "ACK"
    value = device.glpmcfg()
    assert GLPMCFG.HIRD.get(value) == 4
    assert GLPMCFG.bRemoteWake.get(value) == 1
    assert GLPMCFG.CoreL1Res.get(value) == 3
    assert not value & (GLPMCFG.SlpSts.mask | GLPMCFG.L1ResumeOK.mask)
    assert device.gintsts() & GINTSTS.LPMTranRcvd.mask
    device.write(GINTSTS.OFFSET, GINTSTS.LPMTranRcvd.mask)
    assert not device.gintsts() & GINTSTS.LPMTranRcvd.mask


@pytest.mark.parametrize(
    ("config", "value", "answer"),
    [
        (ON, 0x142, "STALL"),
        (ON, 0x140, "STALL"),
        (GLPMCFG.LPMCap.mask, L1, "NYET"),
        (GLPMCFG.LPMCap.mask, 0x142, "STALL"),
        (GLPMCFG.AppL1Res.mask, L1, None),
    ],
)
def test_answers(config: int, value: int, answer: str | None) -> None:
    device = LpmDevice(config=config)
    assert device.lpm(value) == answer
    assert GLPMCFG.CoreL1Res.get(device.glpmcfg()) == RESULTS.get(answer or "", 0)
    assert bool(device.gintsts() & GINTSTS.LPMTranRcvd.mask) == (answer is not None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (extended(address=5), attributes(L1)),
        (extended(endpoint=1), attributes(L1)),
        (extended()[:2] + bytes([extended()[2] ^ 0x80]), attributes(L1)),
        (extended(), attributes(L1)[:2] + bytes([attributes(L1)[2] ^ 0x80])),
        (extended(), b"\xc2" + attributes(L1)[1:]),
        (extended(), b"\x4b" + attributes(L1)[1:]),
        (b"\xf1" + extended()[1:], attributes(L1)),
        (extended(), attributes(L1) + b"\0"),
    ],
    ids=["address", "endpoint", "crc", "crc 2", "pid 2", "sub-pid", "pid", "too long"],
)
def test_silence(first: bytes, second: bytes) -> None:
    device = LpmDevice()
    assert device.layer.receive(first, now=device.tick()) is None
    assert device.layer.receive(second, now=device.tick()) is None
    assert not device.gintsts() & GINTSTS.LPMTranRcvd.mask
    assert device.glpmcfg() == ON
    # It listens on as if nothing had been.
    assert device.lpm() == "ACK"


def test_a_token_after_an_extended_one_is_answered() -> None:
    device = LpmDevice()
    assert device.layer.receive(extended(), now=device.tick()) is None
    assert device.in_(0) == "NAK"
    assert device.layer.receive(extended(), now=device.tick()) is None
    device.layer.idle(device.tick())
    assert device.layer.receive(attributes(L1), now=device.tick()) is None


def test_reject_during_a_control_transfer() -> None:
    device = LpmDevice(config=ON | GLPMCFG.LPM_RejectCtrl.mask)
    device.arm_setup()
    assert device.lpm() == "ACK"
    device.setup(SET_ADDRESS)
    assert device.lpm() == "NYET"
    device.start_in(0, 0, 1)
    assert device.lpm() == "NYET"
    device.in_(0, ack=False)
    assert device.lpm() == "NYET"
    device.in_(0)
    assert device.lpm() == "ACK"
    device.arm_setup()
    device.setup(CONTROL_READ)
    device.start_in(0, 18, 1)
    device.in_(0)
    assert device.lpm() == "NYET"
    device.start_out(0, 64, 1)
    assert device.out(0, PID.DATA1) == "ACK"
    assert device.lpm() == "ACK"


@pytest.mark.parametrize("setup", [SET_ADDRESS, CONTROL_READ])
def test_a_stalled_control_transfer_is_over(setup: bytes) -> None:
    device = LpmDevice(config=ON | GLPMCFG.LPM_RejectCtrl.mask)
    device.arm_setup()
    device.setup(setup)
    device.set(DIEPCTL0, 1 << 21)
    assert device.lpm() == "NYET"
    assert device.in_(0) == "STALL"
    assert device.lpm() == "ACK"


def test_control_transfer_is_no_reason_by_itself() -> None:
    device = LpmDevice()
    device.arm_setup()
    device.setup(SET_ADDRESS)
    assert device.lpm() == "ACK"


@pytest.mark.parametrize("accept", [False, True])
def test_isochronous_endpoints(accept: bool) -> None:
    device = LpmDevice(config=ON | (GLPMCFG.LPM_AcceptIsoc.mask if accept else 0))
    device.open(1, False, eptype=1)
    assert device.lpm() == "ACK"
    device.start_out(1, 512, 1)
    assert device.lpm() == ("ACK" if accept else "NYET")


def test_data_in_a_fifo() -> None:
    device = LpmDevice()
    device.open(1, True, fifo=1)
    device.start_in(1, 512, 1)
    assert device.lpm() == "NYET"
    device.in_(1)
    assert device.lpm() == "ACK"
    device.open(2, True, eptype=1, fifo=2)
    device.start_in(2, 512, 1)
    device.set(GLPMCFG.OFFSET, GLPMCFG.LPM_AcceptIsoc.mask)
    assert device.lpm() == "ACK"
    device.setup(SET_ADDRESS)  # EP0 OUT is not enabled: it waits in the Rx FIFO
    assert device.lpm() == "NYET"


def test_received_words_that_nobody_has_read() -> None:
    device = LpmDevice(dma=False)
    device.setup(SET_ADDRESS)
    device.read(0x020)  # GRXSTSP
    assert device.lpm() == "NYET"
    device.pull(8)
    assert device.lpm() == "ACK"


def asleep(device: LpmDevice) -> None:
    assert device.lpm() == "ACK"
    device.wait(us(9))
    device.line(Line.SLEEP)


def test_l1_and_resume() -> None:
    device = LpmDevice()
    asleep(device)
    assert device.glpmcfg() & GLPMCFG.SlpSts.mask
    assert device.read(PCGCCTL.OFFSET) == PCGCCTL.L1Suspended.mask
    assert not device.read(DSTS.OFFSET) & DSTS.SuspSts.mask
    device.wait(us(48))
    assert not device.glpmcfg() & GLPMCFG.L1ResumeOK.mask
    device.wait(us(2))
    assert device.glpmcfg() & GLPMCFG.L1ResumeOK.mask
    device.write(GINTSTS.OFFSET, 0xFFFFFFFF)
    device.line(Line.RESUME)
    assert device.gintsts() & GINTSTS.WkUpInt.mask
    gone = GLPMCFG.SlpSts.mask | GLPMCFG.L1ResumeOK.mask | GLPMCFG.CoreL1Res.mask
    assert not device.glpmcfg() & gone
    assert GLPMCFG.HIRD.get(device.glpmcfg()) == 4
    assert device.read(PCGCCTL.OFFSET) == 0


def test_reset_in_l1() -> None:
    device = LpmDevice()
    asleep(device)
    device.write(GINTSTS.OFFSET, 0xFFFFFFFF)
    device.bus_reset()
    expected = GINTSTS.USBRst.mask | GINTSTS.ResetDet.mask
    assert device.gintsts() & expected == expected
    assert device.glpmcfg() & ~0x7C == ON
    device.write(GINTSTS.OFFSET, 0xFFFFFFFF)
    device.bus_reset()
    assert not device.gintsts() & GINTSTS.ResetDet.mask


def test_soft_reset_forgets() -> None:
    device = LpmDevice()
    asleep(device)
    device.write(0x010, 1)  # GRSTCTL.CSftRst
    assert device.glpmcfg() == 0


# -- lockstep ---------------------------------------------------------------------------------


def trace_of_l1() -> list[tuple[int, int]]:
    """Refused, acknowledged, asleep, resumed: what a controller reports."""
    device = LpmDevice(trace=True)
    device.lpm(0x142)
    device.write(GINTSTS.OFFSET, 0xFFFFFFFF)
    device.wait(us(2))
    asleep(device)
    device.glpmcfg()
    device.wait(us(60))
    device.glpmcfg()
    device.line(Line.RESUME)
    device.glpmcfg()
    assert device.model.trace is not None
    return device.model.trace


def follow(trace: list[tuple[int, int]]) -> list[str]:
    checker = Checker(UdcParameters(lpm=1))
    checker.feed(trace)
    checker.finish(trace[-1][0] + us(100))
    return [one.rule for one in checker.mismatches]


def change(trace: list[tuple[int, int]], kind: Kind, event: Event, index: int = -1) -> Any:
    """Return the trace with one event of a kind replaced."""
    places = [i for i, (_, word) in enumerate(trace) if decode(word).kind == kind]
    place = places[index]
    return [*trace[:place], (trace[place][0], encode(event)), *trace[place + 1 :]]


def test_lockstep_agrees() -> None:
    assert follow(trace_of_l1()) == []


def test_lockstep_notices() -> None:
    trace = trace_of_l1()
    line = [i for i, (_, word) in enumerate(trace) if decode(word).kind == Kind.LINE]
    sleep_at = next(i for i in line if decode(trace[i][1]).data == Line.SLEEP)
    for kind in (Kind.TOKEN, Kind.LPM):
        nyet = Event(kind, 4 << 13, L1)
        assert "decision" in follow(change(trace, kind, nyet))
    assert follow(trace[:sleep_at] + trace[sleep_at + 1 :])[0] == "register"
    assert "sleep" in follow([*trace[:sleep_at], (trace[-1][0] + us(20), trace[-1][1])])
    late = [(time + (us(6) if i >= sleep_at else 0), word) for i, (time, word) in enumerate(trace)]
    assert "sleep" in follow(late)
    read = decode(trace[-1][1])
    wrong = Event(read.kind, read.arg, read.data | GLPMCFG.SlpSts.mask)
    reads = [i for i, (_, word) in enumerate(trace) if decode(word).kind == Kind.REG_READ]
    moved = change(trace, Kind.REG_READ, wrong)
    assert moved[reads[-1]] != trace[reads[-1]]
    later = [
        (time + (us(5) if i >= reads[-1] else 0), word) for i, (time, word) in enumerate(moved)
    ]
    assert follow(later) == ["register"]
    assert follow([(0, encode(Event(Kind.LINE, 0, Line.SLEEP)))]) == ["sleep"]


# -- the model's wire -------------------------------------------------------------------------


async def into_l1(rig: Rig, value: int = L1) -> None:
    """Send an LPM token raw and stop the frames."""
    await rig.attach()
    await rig.bus.write32(GLPMCFG.OFFSET, ON)
    rig.wire.sof_enable(False)
    await rig.wire.send(extended(rig.controller.model.address))
    await rig.wire.send(attributes(value))
    assert await rig.wire.receive(us(5)) == build_handshake(PID.ACK)


def test_l1_by_itself_after_the_token() -> None:
    async def main(rig: Rig) -> None:
        await into_l1(rig)
        await sleep(us(5))
        assert not await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
        await sleep(us(5))
        assert await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
        assert rig.wire.line_state == "J"
        await sleep(ms(10))  # no suspend comes of it
        assert not await rig.bus.read32(DSTS.OFFSET) & DSTS.SuspSts.mask
        assert await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await rig.wire.resume(us(125))
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask
        assert not await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
        assert rig.wire.line_state == "SE0"
        assert rig.wire.sof_on

    run(Rig(lpm=1), main)


@pytest.mark.parametrize("takes_over", [False, True])
def test_remote_wake_in_l1(takes_over: bool) -> None:
    async def main(rig: Rig) -> None:
        await into_l1(rig)
        await sleep(us(100))
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        assert rig.wire.line_state == "K"
        await sleep(us(1))
        assert rig.kinds()[-1] == "remote_wakeup"
        if takes_over:
            await rig.wire.resume(us(125))
        else:
            await sleep(us(40))
            assert rig.wire.line_state == "K"
            assert await rig.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
            await sleep(us(10))
            # nobody has heard it: back to sleep
            assert rig.wire.line_state == "J"
            assert not await rig.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
            assert await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
            return
        assert rig.wire.line_state == "SE0"
        assert not await rig.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
        assert await rig.bus.read32(GINTSTS.OFFSET) & GINTSTS.WkUpInt.mask
        assert not await rig.bus.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask

    run(Rig(lpm=1), main)


def test_no_remote_wake_that_the_host_did_not_allow() -> None:
    async def main(rig: Rig) -> None:
        await into_l1(rig, 0x041)
        await sleep(us(100))
        await rig.bus.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
        await sleep(us(100))
        assert rig.wire.line_state == "J"
        assert await rig.bus.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask

    run(Rig(lpm=1), main)


def test_reset_from_l1_is_seen_at_once() -> None:
    """The device is at full speed in L1: no 3 ms of waiting as from high speed."""

    async def main(rig: Rig) -> None:
        await into_l1(rig)
        await sleep(us(100))
        await rig.bus.write32(GINTSTS.OFFSET, 0xFFFFFFFF)
        rig.kernel.spawn(rig.wire.reset(ms(50)))
        await sleep(us(10))
        expected = GINTSTS.USBRst.mask | GINTSTS.ResetDet.mask
        assert await rig.bus.read32(GINTSTS.OFFSET) & expected == expected

    run(Rig(lpm=1), main)
