# SPDX-License-Identifier: Apache-2.0
"""Descriptor DMA on EP0 as Linux drives it: SETUPs, stages, StsPhseRcvd; resets in the middle."""

from __future__ import annotations

from typing import Any

from descriptor_rig import BULK, DATA, DONE, IOC, LAST, LISTS, SHORT, SR, Rig
from pymodel.gen.udc_regs import DIEPCTL, DIEPINT, DOEPCTL, DOEPINT
from tb.kernel import sleep, us
from tb.usb import SetupPacket

PROBE = False
HOST = False
PARAMETERS = {"DESC_DMA": 1}
RUNS = [{"speed": "high"}, {"speed": "full"}]

DONE_ALL = DIEPINT.XferCompl.mask
RECEIVED = DOEPINT.XferCompl.mask | DOEPINT.StupPktRcvd.mask
STAGE, PHASE = DOEPINT.SetUp.mask, DOEPINT.StsPhseRcvd.mask
SETUPS, INS, OUTS = LISTS, LISTS + 0x40, LISTS + 0x80
SETUP_DATA, IN_DATA, OUT_DATA = DATA, DATA + 0x100, DATA + 0x200
READ = bytes(SetupPacket(0xC0, 1, 0, 0, 100))
WRITE = bytes(SetupPacket(0x40, 2, 0, 0, 70))
NOTHING = bytes(SetupPacket(0x40, 3, 0, 0, 0))
# the direction bit means nothing without data
NOTHING_IN = bytes(SetupPacket(0xC0, 3, 0, 0, 0))


async def arm(rig: Rig) -> None:
    """Make the list for SETUPs ready and enable EP0 for them."""
    rig.list(SETUPS, [(LAST | IOC | 64, SETUP_DATA)])
    await rig.point(0, False, SETUPS)
    await rig.enable(0, False, nak=True)


async def check_setup(rig: Rig, data: bytes, place: int = SETUPS, room: int = 64) -> None:
    """A SETUP has come into a descriptor."""
    assert await rig.causes(0, False, 3) == RECEIVED
    assert rig.status(place) == DONE | LAST | IOC | SHORT | SR | room - 8, hex(rig.status(place))
    assert rig.held(SETUP_DATA if place == SETUPS else OUT_DATA, 8) == data
    assert await rig.state(0, False) == (0, 1)
    assert DIEPCTL.NAKSts.get(await rig.read_control(0, True))
    assert await rig.pointer(0, False) == place


async def begin(rig: Rig, data: bytes) -> None:
    """SETUP stage: SetUp comes with the first token after it."""
    await rig.setup(data)
    await check_setup(rig, data)
    assert await rig.nak(0, True)
    await sleep(us(2))


async def answer_in(rig: Rig, data: bytes, place: bool = True) -> None:
    """Start the IN data or status stage."""
    if place:
        rig.fill(IN_DATA, data)
        rig.list(INS, [(LAST | IOC | SHORT | len(data), IN_DATA)])
        await rig.point(0, True, INS)
    else:
        rig.list(INS, [(LAST | IOC | SHORT, IN_DATA)])
    await rig.enable(0, True)


async def control_read(rig: Rig) -> None:
    """Data to the host, then a status stage on the list of the SETUP."""
    await arm(rig)
    await begin(rig, READ)
    assert await rig.causes(0, False) == STAGE
    data = rig.random(100)
    await answer_in(rig, data)
    assert await rig.in_(0) + await rig.in_(0) == data
    assert await rig.causes(0, True) == DONE_ALL
    assert rig.status(INS) == DONE | LAST | IOC | SHORT
    # DOEPDMA0 is not written again: the pointer is back at its list
    rig.list(SETUPS, [(LAST | IOC | 64, SETUP_DATA)])
    await rig.enable(0, False)
    await sleep(us(5))
    await rig.out(0, b"")
    assert await rig.causes(0, False) == DONE_ALL
    assert rig.status(SETUPS) == DONE | LAST | IOC | SHORT | 64
    assert await rig.state(0, False) == (0, 1)


async def control_write(rig: Rig) -> None:
    """Data from the host in two descriptors; StsPhseRcvd starts the status stage."""
    await arm(rig)
    await rig.setup(WRITE)
    await check_setup(rig, WRITE)
    assert not await rig.out_now(b"x" * 64)
    assert await rig.causes(0, False) == STAGE
    data = rig.random(70)
    rig.list(OUTS, [(IOC | 64, OUT_DATA), (LAST | IOC | 64, OUT_DATA + 64)])
    await rig.point(0, False, OUTS)
    await rig.enable(0, False)
    await rig.out(0, data[:64])
    assert await rig.causes(0, False) == DONE_ALL
    await rig.out(0, data[64:])
    assert await rig.causes(0, False) == DONE_ALL
    assert rig.held(OUT_DATA, 70) == data
    assert rig.status(OUTS, 1) == DONE | LAST | IOC | SHORT | 58
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == PHASE
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == 0
    await answer_in(rig, b"")
    assert await rig.in_(0) == b""
    assert await rig.causes(0, True) == DONE_ALL


async def phase_waits(rig: Rig) -> None:
    """StsPhseRcvd comes when data and SETUP are in memory, not before."""
    await arm(rig)
    await rig.setup(WRITE)
    await check_setup(rig, WRITE)
    await rig.setup(WRITE)
    await check_setup(rig, WRITE)
    # this one finds EP0 enabled for data, and ends that
    rig.list(OUTS, [(LAST | IOC | 64, OUT_DATA)])
    await rig.point(0, False, OUTS)
    await rig.setup(NOTHING)
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == 0
    await rig.enable(0, False)
    assert await rig.causes(0, False) == RECEIVED | STAGE | PHASE
    assert rig.held(OUT_DATA, 8) == NOTHING
    await answer_in(rig, b"")
    assert await rig.in_(0) == b""
    assert await rig.causes(0, True) == DONE_ALL


async def no_data(rig: Rig) -> None:
    """A transfer without data goes to its status stage at once, whatever its direction bit."""
    for setup in (NOTHING, NOTHING_IN):
        await arm(rig)
        await begin(rig, setup)
        assert await rig.causes(0, False) == STAGE | PHASE
        await answer_in(rig, b"", place=False)
        assert await rig.in_(0) == b""
        assert await rig.causes(0, True) == DONE_ALL


async def back_to_back(rig: Rig) -> None:
    """SETUPs of one stage replace each other; software sees the last one."""
    await arm(rig)
    for setup in (READ, NOTHING, WRITE):
        await rig.setup(setup)
        await check_setup(rig, setup)
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == STAGE | PHASE
    assert rig.held(SETUP_DATA, 16) == WRITE + bytes(8)


async def while_data_wait(rig: Rig) -> None:
    """A SETUP ends the descriptor that waits for data; the next one waits to be let in."""
    await arm(rig)
    await begin(rig, WRITE)
    assert await rig.causes(0, False) & STAGE
    rig.list(OUTS, [(LAST | IOC | 128, OUT_DATA)])
    await rig.point(0, False, OUTS)
    await rig.enable(0, False)
    await sleep(us(5))
    await rig.setup(READ)
    await check_setup(rig, READ, OUTS, 128)
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == STAGE
    await rig.setup(NOTHING)
    assert await rig.nak(0, True)
    assert await rig.causes(0, False) == 0
    await arm(rig)
    assert await rig.causes(0, False) == RECEIVED | STAGE | PHASE
    assert rig.held(SETUP_DATA, 8) == NOTHING


async def held_nak(rig: Rig) -> None:
    """CNAK has no effect while a SETUP waits that software has not seen."""
    await arm(rig)
    await begin(rig, READ)
    assert await rig.causes(0, False) == STAGE
    await rig.setup(READ)
    await answer_in(rig, b"stale answer")
    assert (await rig.state(0, True)) == (1, 1)
    for _ in range(3):
        assert await rig.nak(0, True)
        await sleep(us(5))
    # an answer to the old one must not come now; EP0 OUT for the status stage takes the SETUP
    rig.list(OUTS, [(LAST | IOC | 64, OUT_DATA)])
    await rig.point(0, False, OUTS)
    await rig.enable(0, False)
    assert await rig.causes(0, False) == RECEIVED | STAGE
    assert rig.held(OUT_DATA, 8) == READ
    assert (await rig.state(0, True)) == (1, 1)
    assert await rig.nak(0, True)
    await answer_in(rig, b"new answer")
    assert await rig.in_(0) == b"new answer"
    assert await rig.causes(0, True) == DONE_ALL


async def memory_errors(rig: Rig) -> None:
    """AHBErr at a descriptor of EP0 stops that direction; the next SETUP starts anew."""
    error, bad = DOEPINT.AHBErr.mask, rig.hw.memory_error
    # the descriptor for SETUPs cannot be read: the SETUP waits for EP0 to be enabled again
    await arm(rig)
    bad(SETUPS, 8, writes=False)
    await rig.setup(NOTHING)
    assert await rig.causes(0, False) == error
    assert await rig.state(0, False) == (0, 1)
    assert rig.held(SETUP_DATA, 8) != NOTHING
    bad(0, 0)
    await arm(rig)
    await check_setup(rig, NOTHING)
    # it cannot be written: the bytes are in memory, and the next SETUP waits as well; also when
    # an earlier SETUP of the stage went well
    rig.fill(SETUP_DATA, bytes(16))
    rig.list(SETUPS, [(LAST | IOC | 64, SETUP_DATA)])
    await rig.enable(0, False, nak=True)
    bad(SETUPS, 4, reads=False)
    await rig.setup(READ)
    assert await rig.causes(0, False) == error
    assert await rig.state(0, False) == (0, 1)
    assert await rig.pointer(0, False) == SETUPS
    assert rig.held(SETUP_DATA, 8) == READ
    await rig.setup(WRITE)
    assert await rig.causes(0, False) == 0
    assert rig.held(SETUP_DATA, 16) == READ + bytes(8)
    bad(0, 0)
    await arm(rig)
    await check_setup(rig, WRITE)
    assert await rig.nak(0, False)
    assert await rig.causes(0, False) & STAGE
    # OUT data: the descriptor cannot be read, then not written
    for knobs in ({"writes": False}, {"reads": False}):
        rig.fill(OUT_DATA, bytes(64))
        rig.list(OUTS, [(LAST | IOC | 64, OUT_DATA)])
        await rig.point(0, False, OUTS)
        bad(OUTS, 4, **knobs)
        await rig.enable(0, False)
        if "reads" in knobs:
            await rig.out(0, b"x" * 64)
        assert await rig.causes(0, False) == error
        assert rig.held(OUT_DATA, 64) == (b"x" * 64 if "reads" in knobs else bytes(64))
        assert await rig.state(0, False) == (0, 1)
        bad(0, 0)
    await rig.write_control(0, False, DOEPCTL.Stall.mask)
    await rig.write_control(0, True, DIEPCTL.Stall.mask)
    await control_read(rig)
    # IN data: as above
    for knobs in ({"writes": False}, {"reads": False}):
        await arm(rig)
        await begin(rig, READ)
        assert await rig.causes(0, False) == STAGE
        bad(INS, 4, **knobs)
        await answer_in(rig, b"some bytes")
        if "reads" in knobs:
            assert await rig.in_(0) == b"some bytes"
        assert await rig.causes(0, True) == error
        assert await rig.state(0, True) == (0, 1)
        assert await rig.pointer(0, True) == INS
        bad(0, 0)
        await rig.write_control(0, True, DIEPCTL.Stall.mask)
        assert (await rig.bench.wire.in_(5, 0)).handshake == "STALL"
    await control_read(rig)


async def resets(rig: Rig, soft: bool) -> None:
    """A reset with descriptors in work: everything starts anew."""
    rig.list(LISTS + 0x100, [(LAST | 3 * rig.size, DATA + 0x1000)])
    rig.list(LISTS + 0x200, [(LAST | 3 * rig.size, DATA + 0x2000)])
    await arm(rig)
    await rig.run(1, True, LISTS + 0x100)
    await rig.run(1, False, LISTS + 0x200)
    await rig.in_(1)
    await rig.out(1, rig.random(rig.size))
    if soft:
        await rig.write_reset()
        for number, is_in in ((0, False), (1, True), (1, False)):
            assert await rig.pointer(number, is_in) == 0
            assert (await rig.state(number, is_in))[0] == 0
            assert await rig.causes(number, is_in) == 0
    else:
        await rig.attach()
        for is_in in (True, False):
            assert (await rig.state(1, is_in)) == (1, 1)
            assert not DOEPCTL.USBActEP.get(await rig.read_control(1, is_in))
            await rig.write_control(1, is_in, DIEPCTL.SNAK.mask | DIEPCTL.EPDis.mask)
            assert await rig.causes(1, is_in) & DIEPINT.EPDisbld.mask
        await rig.flush(1)
    await control_read(rig)
    await rig.endpoint(1, True, BULK)
    await rig.endpoint(1, False, BULK)
    data = rig.random(9)
    rig.fill(DATA + 0x1000, data)
    rig.list(LISTS + 0x100, [(LAST | 9, DATA + 0x1000)])
    rig.list(LISTS + 0x200, [(LAST | rig.size, DATA + 0x2000)])
    await rig.run(1, True, LISTS + 0x100)
    await rig.run(1, False, LISTS + 0x200)
    assert await rig.in_(1) == data
    await rig.out(1, data)
    assert await rig.causes(1, False) == DONE_ALL
    assert await rig.causes(1, True) == DONE_ALL
    assert rig.held(DATA + 0x2000, 9) == data


async def main(bench: Any) -> None:
    rig = Rig(bench)
    await rig.start()
    await control_read(rig)
    await control_write(rig)
    await no_data(rig)
    await back_to_back(rig)
    await phase_waits(rig)
    await while_data_wait(rig)
    await held_nak(rig)
    await memory_errors(rig)
    await rig.endpoint(1, True, BULK)
    await rig.endpoint(1, False, BULK)
    await resets(rig, soft=False)
    await resets(rig, soft=True)
