# SPDX-License-Identifier: Apache-2.0
"""Link power management: extended tokens, L1, and the ways out of it (USB 2.0 ECN LPM)."""

from __future__ import annotations

from pymodel.gen.udc_regs import (
    DCFG,
    DCTL,
    DSTS,
    GHWCFG3,
    GINTSTS,
    GLPMCFG,
    GRSTCTL,
    GRXSTSP,
    PCGCCTL,
)
from pymodel.packets import BESL_PS, PID, build_lpm, build_token
from suspended import clear, connect, is_set, suspended, until
from tb.kernel import now, sleep, us

HOST = False
PROBE = False
PARAMETERS = {"LPM": 1}
RUNS = [
    {},
    {"speed": "full"},
    {"time-scale": "1", "backend": "model"},
    {"lockstep": True},
    {"lockstep": True, "speed": "full"},
]

ALLOWED = GLPMCFG.LPMCap.mask | GLPMCFG.AppL1Res.mask | GLPMCFG.LPM_AcceptIsoc.mask
NOTHING, STALL, NYET, ACK = range(4)
FIFO0 = 0x1000
DIEPCTL0, DOEPCTL0, DOEPTSIZ0 = 0x900, 0xB00, 0xB10
DIEPCTL1, DOEPCTL1 = 0x920, 0xB20
STALL_BIT = 1 << 21
TX_FIFO_1 = 1 << 22
# EPEna, isochronous, active, packets of 16 bytes
ISOCHRONOUS = 1 << 31 | 1 << 18 | 1 << 15 | 16


async def result(bench) -> int:
    """Return GLPMCFG.CoreL1Res."""
    return GLPMCFG.CoreL1Res.get(await bench.hw.read32(GLPMCFG.OFFSET))


async def asleep(bench) -> bool:
    """Tell whether the device says that it is in L1; its witnesses must agree."""
    before = await bench.hw.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
    power = await bench.hw.read32(PCGCCTL.OFFSET) & PCGCCTL.L1Suspended.mask
    after = await bench.hw.read32(GLPMCFG.OFFSET) & GLPMCFG.SlpSts.mask
    assert before != after or bool(power) == bool(after)
    assert not await suspended(bench)
    return bool(after)


async def alive(bench) -> None:
    """The bus runs, and the device listens."""
    await clear(bench)
    await bench.wire.sof(3)
    assert await is_set(bench, GINTSTS.SOF)
    assert bench.wire.speed == bench.options.speed
    # EP0 is not enabled: NAK, but an answer
    answer = await bench.wire.in_(0, 0)
    assert answer.handshake == "NAK", answer


async def fall_asleep(bench, besl: int = 0, remote_wake: bool = False) -> None:
    """Put the device to L1, and look at the times."""
    await clear(bench)
    answer = await bench.wire.lpm(0, besl, remote_wake)
    assert answer.handshake == "ACK", answer
    start = now()
    value = await bench.hw.read32(GLPMCFG.OFFSET)
    assert GLPMCFG.HIRD.get(value) == besl
    assert GLPMCFG.bRemoteWake.get(value) == remote_wake
    assert GLPMCFG.CoreL1Res.get(value) == ACK
    assert await is_set(bench, GINTSTS.LPMTranRcvd)
    while now() < start + us(7):
        assert not await asleep(bench)
    while not await asleep(bench):
        assert now() < start + us(11)
    assert bench.wire.line_state == "J"
    start = now()
    # TL1Residency
    while now() < start + us(48):
        assert not await bench.hw.read32(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask
        await sleep(us(5))
    while not await bench.hw.read32(GLPMCFG.OFFSET) & GLPMCFG.L1ResumeOK.mask:
        assert now() < start + us(55)


async def awake(bench) -> None:
    """All of L1 is over."""
    value = await bench.hw.read32(GLPMCFG.OFFSET)
    assert not value & (GLPMCFG.SlpSts.mask | GLPMCFG.L1ResumeOK.mask | GLPMCFG.CoreL1Res.mask)
    assert not await asleep(bench)


async def refusals(bench) -> None:
    """Everything that is not accepted: silence, STALL and NYET."""
    hw, wire = bench.hw, bench.wire
    await clear(bench)
    await hw.write32(GLPMCFG.OFFSET, ALLOWED & ~GLPMCFG.LPMCap.mask)
    assert (await wire.lpm(0)).handshake is None
    await hw.write32(GLPMCFG.OFFSET, ALLOWED)
    for wrong in (
        {"address": 1}, {"endpoint": 1}, {"bad_crc5": True}, {"bad_crc": True},
        {"bad_pid": True}, {"truncate": 1}, {"no_data": True}, {"wrong_toggle": True},
        {"rx_error_at": 1}, {"extend": 1}, {"extend": 2}, {"extend": 60},
        # the second packet is too late to belong to the first (USB 2.0 section 8.7.2)
        {"data_gap_ns": 2_000 if bench.options.speed == "high" else 2_200},
        {"data_gap_ns": 20_000},
    ):  # fmt: skip
        answer = await wire.lpm(**({"address": 0, "besl": 9, "remote_wake": True} | wrong))
        assert answer.handshake is None, (wrong, answer)
        await sleep(us(12))
        value = await hw.read32(GLPMCFG.OFFSET)
        assert value == ALLOWED, (wrong, hex(value))
        await alive(bench)
    assert not await is_set(bench, GINTSTS.LPMTranRcvd)

    for link_state in (0, 2, 7, 15):
        answer = await wire.lpm(0, 5, link_state=link_state)
        assert answer.handshake == "STALL", answer
        assert await result(bench) == STALL
        assert await is_set(bench, GINTSTS.LPMTranRcvd)
        await alive(bench)

    await hw.write32(GLPMCFG.OFFSET, ALLOWED & ~GLPMCFG.AppL1Res.mask)
    answer = await wire.lpm(0, 15, remote_wake=True)
    assert answer.handshake == "NYET", answer
    value = await hw.read32(GLPMCFG.OFFSET)
    assert GLPMCFG.CoreL1Res.get(value) == NYET
    assert (GLPMCFG.HIRD.get(value), GLPMCFG.bRemoteWake.get(value)) == (15, 1)
    assert await is_set(bench, GINTSTS.LPMTranRcvd)
    await alive(bench)
    # a write to the read-only bits does nothing; RstrSlpSts reads 0 at once
    await hw.write32(GLPMCFG.OFFSET, ALLOWED | GLPMCFG.RstrSlpSts.mask | GLPMCFG.HIRD.mask)
    value = await hw.read32(GLPMCFG.OFFSET)
    assert not value & (GLPMCFG.RstrSlpSts.mask | GLPMCFG.SlpSts.mask)
    assert GLPMCFG.CoreL1Res.get(value) == NYET
    # the device decides before it sees that a packet is too long; what was before stays
    await hw.write32(GLPMCFG.OFFSET, ALLOWED)
    assert (await wire.lpm(0, 4, extend=1)).handshake is None
    await sleep(us(20))
    assert not await asleep(bench)
    assert await hw.read32(GLPMCFG.OFFSET) == value
    await alive(bench)


async def lone_packets(bench) -> None:
    """Halves of extended tokens, and ordinary tokens between them."""
    hw, wire = bench.hw, bench.wire
    await clear(bench)
    before = await hw.read32(GLPMCFG.OFFSET)
    second = build_lpm(0x1F1)
    # the second one alone; the first one alone, then an ordinary token
    await wire.send(second)
    assert await wire.receive(us(30)) is None
    assert (await wire.lpm(0, no_data=True)).handshake is None
    assert (await wire.in_(0, 0)).handshake == "NAK"
    await wire.send(second)
    assert await wire.receive(us(30)) is None
    # the first one twice: the later of them counts
    await wire.send(build_token(PID.EXT, 0, 0))
    await wire.send(build_token(PID.EXT, 5, 0))
    await wire.send(second)
    assert await wire.receive(us(30)) is None
    await sleep(us(12))
    assert await hw.read32(GLPMCFG.OFFSET) == before
    assert not await is_set(bench, GINTSTS.LPMTranRcvd)
    await alive(bench)


async def control(bench) -> None:
    """LPM_RejectCtrl: NYET from SETUP to the acknowledged status stage; then a full Rx FIFO."""
    hw, wire = bench.hw, bench.wire
    await hw.write32(GLPMCFG.OFFSET, ALLOWED | GLPMCFG.LPM_RejectCtrl.mask)
    # a SETUP that nobody fetches keeps the Rx FIFO from being empty
    answer = await wire.setup(0, 0, bytes(8))
    assert answer.handshake == "ACK", answer
    for allowed in (ALLOWED | GLPMCFG.LPM_RejectCtrl.mask, ALLOWED):
        await hw.write32(GLPMCFG.OFFSET, allowed)
        answer = await wire.lpm(0)
        assert answer.handshake == "NYET", answer
    await hw.write32(GLPMCFG.OFFSET, ALLOWED | GLPMCFG.LPM_RejectCtrl.mask)
    await hw.write32(GRSTCTL.OFFSET, GRSTCTL.RxFFlsh.mask)
    while await hw.read32(GRSTCTL.OFFSET) & GRSTCTL.RxFFlsh.mask:
        pass
    # the transfer is still under way
    answer = await wire.lpm(0)
    assert answer.handshake == "NYET", answer
    await hw.write32(GLPMCFG.OFFSET, ALLOWED)
    await fall_asleep(bench)
    await wire.resume()
    await awake(bench)
    await alive(bench)


async def drain(bench) -> None:
    """Slave mode: take everything out of the Rx FIFO."""
    hw = bench.hw
    await sleep(us(2))
    while await hw.read32(GINTSTS.OFFSET) & GINTSTS.RxFLvl.mask:
        word = await hw.read32(GRXSTSP.OFFSET)
        for _ in range(GRXSTSP.BCnt.get(word) + 3 >> 2):
            await hw.read32(FIFO0)


async def stalled(bench) -> None:
    """A control transfer that is stalled is over (USB 2.0 section 8.5.3.4)."""
    hw, wire = bench.hw, bench.wire
    await hw.write32(GLPMCFG.OFFSET, ALLOWED | GLPMCFG.LPM_RejectCtrl.mask)
    read, write = bytes([0x80, 6, 0, 9, 0, 0, 64, 0]), bytes([0x40, 9, 0, 0, 0, 0, 8, 0])
    cases = [
        (read, DIEPCTL0, lambda: wire.in_(0, 0)),
        (write, DOEPCTL0, lambda: wire.out(0, 0, PID.DATA1, bytes(8), by_hand=True)),
        (bytes([0, 9, 9, 0, 0, 0, 0, 0]), DIEPCTL0, lambda: wire.in_(0, 0)),
    ]
    if bench.options.speed == "high":
        cases.append((write, DOEPCTL0, lambda: wire.ping(0, 0)))
    for setup, register, token in cases:
        assert (await wire.setup(0, 0, setup)).handshake == "ACK"
        assert (await token()).handshake == "NAK"
        await drain(bench)
        assert (await wire.lpm(0)).handshake == "NYET"
        await hw.write32(register, await hw.read32(register) | STALL_BIT)
        await sleep(us(2))
        # software wants it to end, but the host does not know yet
        assert (await wire.lpm(0)).handshake == "NYET"
        assert (await token()).handshake == "STALL"
        await fall_asleep(bench)
        await wire.resume()
        await awake(bench)
    # data in the status stage of a control read, DCFG.NZStsOUTHShk
    await hw.write32(DCFG.OFFSET, await hw.read32(DCFG.OFFSET) | DCFG.NZStsOUTHShk.mask)
    for data, handshake in ((bytes(3), "STALL"), (b"", "ACK")):
        assert (await wire.setup(0, 0, read)).handshake == "ACK"
        assert (await wire.in_(0, 0)).handshake == "NAK"
        await drain(bench)
        await hw.write32(DOEPTSIZ0, 1 << 29 | 1 << 19 | 64)
        await hw.write32(DOEPCTL0, 1 << 31 | 1 << 26)
        await sleep(us(2))
        assert (await wire.lpm(0)).handshake == "NYET"
        assert (await wire.out(0, 0, PID.DATA1, data, by_hand=True)).handshake == handshake
        await drain(bench)
        await fall_asleep(bench)
        await wire.resume()
        await awake(bench)
    await hw.write32(DCFG.OFFSET, await hw.read32(DCFG.OFFSET) & ~DCFG.NZStsOUTHShk.mask)
    await hw.write32(GLPMCFG.OFFSET, ALLOWED)


async def flush(bench) -> None:
    """Empty all Tx FIFOs."""
    await bench.hw.write32(GRSTCTL.OFFSET, GRSTCTL.TxFFlsh.mask | GRSTCTL.TxFNum.put(0x10))
    while await bench.hw.read32(GRSTCTL.OFFSET) & GRSTCTL.TxFFlsh.mask:
        pass
    await sleep(us(2))


async def data_waits(bench) -> None:
    """NYET while a Tx FIFO holds data, or an isochronous endpoint is enabled."""
    hw, wire = bench.hw, bench.wire
    await hw.write32(GLPMCFG.OFFSET, ALLOWED & ~GLPMCFG.LPM_AcceptIsoc.mask)
    await hw.write32(FIFO0, 0x1234_5678)
    await sleep(us(2))
    answer = await wire.lpm(0)
    assert answer.handshake == "NYET", answer
    await flush(bench)
    await fall_asleep(bench)
    await wire.resume()
    for control in (DIEPCTL1, DOEPCTL1):
        await hw.write32(control, ISOCHRONOUS | (TX_FIFO_1 if control == DIEPCTL1 else 0))
        await sleep(us(2))
        answer = await wire.lpm(0)
        assert answer.handshake == "NYET", answer
        await hw.write32(GLPMCFG.OFFSET, ALLOWED)
        if control == DIEPCTL1:
            # its data are no reason: they belong to a frame, and are lost if that goes by
            await hw.write32(FIFO0 + 0x1000, 0x1234_5678)
            await sleep(us(2))
        await fall_asleep(bench)
        await wire.resume()
        if control == DIEPCTL1:
            await flush(bench)
        await hw.write32(GLPMCFG.OFFSET, ALLOWED & ~GLPMCFG.LPM_AcceptIsoc.mask)
        # neither active nor enabled
        await hw.write32(control, ISOCHRONOUS & ~(1 << 15) | 1 << 30)
        await sleep(us(5))
        await fall_asleep(bench)
        await wire.resume()
    await hw.write32(GLPMCFG.OFFSET, ALLOWED)


async def by_host(bench) -> None:
    """The host resumes the bus after its BESL time."""
    for besl in (0, 3):
        await fall_asleep(bench, besl)
        await clear(bench)
        start = now()
        await bench.wire.resume()
        assert BESL_PS[besl] <= now() - start < BESL_PS[besl] + us(5)
        assert await is_set(bench, GINTSTS.WkUpInt)
        await awake(bench)
        await alive(bench)


async def by_device(bench) -> None:
    """The device wakes the host if it may."""
    hw, wire = bench.hw, bench.wire
    await fall_asleep(bench, 0, remote_wake=False)
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    await sleep(us(20))
    assert wire.line_state == "J"
    await hw.write32(DCTL.OFFSET, 0)
    await wire.resume()
    await awake(bench)

    await fall_asleep(bench, 0, remote_wake=True)
    await clear(bench)
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    start = now()
    while wire.line_state != "K":
        assert now() < start + us(3)
        await sleep(us(0.1))
    # the host takes the K over
    host = bench.kernel.spawn(wire.resume(), name="host resumes")
    await sleep(us(60))
    assert wire.line_state == "K"
    await host
    assert await is_set(bench, GINTSTS.WkUpInt)
    assert not await hw.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
    await awake(bench)
    await alive(bench)

    # no host takes it over: K lasts 50 us, and the device is in L1 as before
    await fall_asleep(bench, 1, remote_wake=True)
    await hw.write32(DCTL.OFFSET, DCTL.RmtWkUpSig.mask)
    start = now()
    while wire.line_state != "K":
        await sleep(us(0.1))
    start = now()
    while wire.line_state == "K":
        await sleep(us(0.1))
    assert us(49) < now() - start < us(52), now() - start
    await sleep(us(2))
    assert not await hw.read32(DCTL.OFFSET) & DCTL.RmtWkUpSig.mask
    assert await asleep(bench)
    await sleep(us(80))
    assert wire.line_state == "J"
    await wire.resume()
    await awake(bench)
    await alive(bench)


async def by_reset(bench) -> None:
    """A bus reset ends L1, and is told like one that ends suspend."""
    await fall_asleep(bench)
    await clear(bench)
    assert await bench.wire.reset() == bench.options.speed
    await bench.wire.sof(2)
    assert await is_set(bench, GINTSTS.USBRst, GINTSTS.ResetDet, GINTSTS.EnumDone)
    assert not await is_set(bench, GINTSTS.WkUpInt)
    await awake(bench)
    await alive(bench)


async def by_power(bench) -> None:
    """VBUS goes in L1; a soft disconnect too."""
    hw, wire = bench.hw, bench.wire
    await fall_asleep(bench)
    wire.vbus(False)
    while wire.connected:
        await sleep(us(10))
    await until(bench, GINTSTS.OTGInt)
    await awake(bench)
    await connect(bench)
    await alive(bench)

    await fall_asleep(bench)
    await hw.write32(DCTL.OFFSET, DCTL.SftDiscon.mask)
    while wire.connected:
        await sleep(us(10))
    await connect(bench)
    await awake(bench)
    await alive(bench)


async def unheard(bench) -> None:
    """The host does not hear the ACK: it asks again within 8 us, or goes on as if nothing was."""
    wire = bench.wire
    await clear(bench)
    answer = await wire.lpm(0, no_handshake=True)
    assert answer.handshake == "ACK", answer
    await sleep(us(4))
    assert (await wire.lpm(0, no_handshake=True)).handshake == "ACK"
    await sleep(us(4))
    # another token: the host has given up
    assert (await wire.in_(0, 0)).handshake == "NAK"
    await sleep(us(20))
    assert not await asleep(bench)
    await alive(bench)


async def main(bench) -> None:
    await connect(bench)
    assert await bench.hw.read32(GHWCFG3.OFFSET) & GHWCFG3.LPMMode.mask
    await refusals(bench)
    await lone_packets(bench)
    await unheard(bench)
    await bench.hw.write32(GLPMCFG.OFFSET, ALLOWED)
    await by_host(bench)
    await by_device(bench)
    await data_waits(bench)
    await by_reset(bench)
    await by_power(bench)
    await control(bench)
    await stalled(bench)
    assert DSTS.SuspSts.get(await bench.hw.read32(DSTS.OFFSET)) == 0
    assert PID.EXT == 0
