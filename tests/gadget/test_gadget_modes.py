# SPDX-License-Identifier: Apache-2.0
"""The legal modes, and the split of the packet RAM (docs/modes.md, S004-99 to S004-107)."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pymodel.config import UdcParameters
from pymodel.gen.udc_regs import DIEPTXF, GHWCFG3, GNPTXFSIZ, GRXFSIZ
from tb.gadget import default_node
from tb.gadget.udc.fifo import FifoLimits, FifoSizes, conflicts, default_plan, fit_plan
from tb.gadget.udc.modes import FIFOS, MODES, refusal, table
from tb.usb import Speed, TransferType
from tests.gadget.mini_host import MiniHost, run
from tests.gadget.test_gadget_configfs import SCRIPT

LIMITS = FifoLimits(1024, 256, (256,) * 7, 4096)
COMPUTED = default_plan(7, 7, 4096)
SIZES = re.compile(r"^ *g-\w+-\w*-?fifo-size = .*$\n", re.MULTILINE)


def test_matrix() -> None:
    legal = {(mode, fifo) for mode in MODES for fifo in FIFOS if refusal(mode, fifo) is None}
    assert legal == {
        ("slave", "dedicated"),
        ("slave", "shared"),
        ("dma", "dedicated"),
        ("dma", "shared"),
        ("desc", "dedicated"),
    }
    assert "choose dedicated FIFOs" in (refusal("desc", "shared") or "")
    assert "slave, dma and desc" in (refusal("pio") or "")
    assert "dedicated and shared" in (refusal("dma", "none") or "")
    for speed in (Speed.LOW, Speed.SUPER):
        assert "full speed and high speed" in (refusal("dma", "dedicated", speed) or "")
    for mode, fifo in legal:
        for kind in (TransferType.CONTROL, TransferType.BULK, TransferType.INTERRUPT):
            assert refusal(mode, fifo, Speed.HIGH, kind) is None


def test_documented_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "modes.md").read_text()
    assert "\n".join(table()) in text


def test_sizes_that_fit() -> None:
    plan, notes = fit_plan(FifoSizes(380, 200, (8, 8)), LIMITS, COMPUTED)
    assert (plan.rx, plan.np, plan.tx) == (380, 200, (8, 8, 0, 0, 0, 0, 0))
    assert notes == []
    plan, notes = fit_plan(FifoSizes(), LIMITS, COMPUTED)
    assert (plan, notes) == (COMPUTED, [])
    # The worked example of S004-107, in a core that holds just that.
    limits = FifoLimits(279, 128, (256, 256, 256), 1175)
    plan, notes = fit_plan(FifoSizes(279, 128, (256, 256, 256)), limits, COMPUTED)
    assert (plan.total, notes) == (1175, [])


def test_sizes_above_the_power_on_values() -> None:
    plan, notes = fit_plan(FifoSizes(2048, 600, (300, 8)), LIMITS, COMPUTED)
    assert (plan.rx, plan.np, plan.tx[:2]) == (1024, 256, (256, 8))
    assert [note.split(":")[0] for note in notes] == [
        "g-rx-fifo-size = 2048",
        "g-np-tx-fifo-size = 600",
        "g-tx-fifo-size[0] = 300",
    ]
    plan, notes = fit_plan(FifoSizes(4, 16, (8,) * 9), LIMITS, COMPUTED)
    assert (plan.rx, plan.np) == (1024, 16)
    assert "the core has 16 to 1024" in notes[0]
    assert "has 9 sizes: the core has 7" in notes[1]


def test_overflow() -> None:
    limits = FifoLimits(1024, 256, (256,) * 7, 2048)
    with pytest.raises(OSError, match=r"take 3072 words \(rx 1024, np 256, tx .* has 2048") as err:
        fit_plan(FifoSizes(1024, 256, (256,) * 7), limits, COMPUTED)
    assert err.value.errno == errno.ENOSPC


def test_overlaps() -> None:
    good = [("rx", 0, 100), ("np", 100, 28), ("tx1", 128, 64), ("tx2", 0, 0)]
    assert conflicts(good, 192) == []
    assert conflicts(good, 191) == ["tx1 ends at word 192, the RAM has 191"]
    # A large one that hides a small one still meets the one after it.
    bad = [("rx", 0, 100), ("np", 10, 5), ("tx1", 99, 4), ("tx2", 103, 4)]
    assert conflicts(bad, 4096) == [
        "rx (words 0 to 99) and np (from 10) overlap",
        "rx (words 0 to 99) and tx1 (from 99) overlap",
    ]


def test_driver_computes_what_the_node_leaves_out() -> None:
    host = MiniHost(node=SIZES.sub("", default_node(UdcParameters())))
    assert "fifo-size" not in host.device.node

    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)
        read = host.controller.bus.read32
        assert await read(GRXFSIZ.OFFSET) == COMPUTED.rx
        assert await read(GNPTXFSIZ.OFFSET) == COMPUTED.np << 16 | COMPUTED.rx
        start = COMPUTED.rx + COMPUTED.np
        for number, words in enumerate(COMPUTED.tx, 1):
            assert await read(DIEPTXF.at(number)) == words << 16 | start
            start += words
        await host.attach()
        await host.enumerate()

    run(host, main)


def test_driver_warns_of_sizes_and_refuses_an_overflow(caplog: pytest.LogCaptureFixture) -> None:
    node = SIZES.sub("", default_node(UdcParameters()))
    large = node.replace("dr_mode", "g-np-tx-fifo-size = <600>;\n    dr_mode")

    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)

    with caplog.at_level(logging.WARNING):
        run(MiniHost(node=large), main)
    assert "g-np-tx-fifo-size = 600: the core has 16 to 256, 256 is used" in caplog.text
    # The default node's sizes fit 4096 words.
    small = MiniHost()
    _lie(small, GHWCFG3.OFFSET, lambda value: GHWCFG3.DfifoDepth.set(value, 2048))
    with pytest.raises(OSError, match=r"10200000.usb: FIFOs take .* the RAM has 2048") as caught:
        run(small, main)
    assert caught.value.errno == errno.ENOSPC


def test_driver_notices_a_core_that_places_fifos_elsewhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = MiniHost()
    _lie(host, DIEPTXF.at(1), lambda value: value & ~0xFFFF)

    async def main(host: MiniHost) -> None:
        await host.device.sh(SCRIPT)

    with pytest.raises(OSError, match="UDC"):
        run(host, main)
    assert re.search(r"Tx FIFO 1 \(words 0 to \d+\) and Rx FIFO \(from 0\) overlap", caplog.text)


def test_driver_refuses_other_hardware() -> None:
    async def main(host: MiniHost) -> None:
        raise AssertionError("it was probed")

    host = MiniHost()
    host.device.mode = "desc"
    with pytest.raises(OSError, match="built without descriptor DMA") as caught:
        run(host, main)
    assert caught.value.errno == errno.EINVAL


def _lie(host: MiniHost, offset: int, change: Callable[[int], int]) -> None:
    """Let the driver read another value from a register."""
    honest = host.device.bus.read32

    async def read(at: int) -> int:
        value = await honest(at)
        return change(value) if at == offset else value

    host.device.bus.read32 = read  # type: ignore[method-assign]
