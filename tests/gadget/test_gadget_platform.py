# SPDX-License-Identifier: Apache-2.0
"""Device tree node, platform device, FIFO calculator (S004-02 to S004-13, S004-101 to S004-107)."""

from __future__ import annotations

import errno
import logging

import pytest

from pymodel.config import UdcParameters
from tb.gadget import default_node
from tb.gadget.devicetree import parse_dts
from tb.gadget.platform import PlatformBus, PlatformDevice, PlatformDriver
from tb.gadget.udc.fifo import default_plan, plan_fifos, rx_words, tx_words
from tb.kernel import EPROBE_DEFER, Kernel, os_error

NODE = """
usb0: usb@10200000 {     /* the article's node */
    compatible = "snps,dwc2";
    reg = <0x10200000 0x1000>;
    interrupts = <GIC_SPI 2 IRQ_TYPE_LEVEL_HIGH>;   // number 2
    clocks = <&clk CLK_USBD>, <&clk CLK_USB_PHY0>;
    clock-names = "otg";
    resets = <&rst RESET_USBD>, <&rst RESET_USBPHY0>;
    reset-names = "dwc2", "dwc2-ecc";
    g-rx-fifo-size = <380>;
    g-np-tx-fifo-size = <600>;
    g-tx-fifo-size = <8 8>;
    dr_mode = "peripheral";
    status = "okay";
    snps,dis_u2;
    port { reg = <0>; };
};
"""


def test_article_node(caplog: pytest.LogCaptureFixture) -> None:
    node = parse_dts(NODE)
    assert (node.full_name, node.label) == ("usb@10200000", "usb0")
    assert node.strings("reset-names") == ["dwc2", "dwc2-ecc"]
    assert node.numbers("g-tx-fifo-size") == [8, 8]
    assert node.properties["snps,dis_u2"] == []
    assert node.children[0].name == "port"
    with caplog.at_level(logging.WARNING):
        device = PlatformDevice(node)
    assert "clock-names" in caplog.text  # erratum S004-E01
    assert (device.name, device.base, device.size) == ("10200000.usb", 0x10200000, 0x1000)
    assert device.irq == 2


@pytest.mark.parametrize(
    "text", ["", "usb {", "usb { a = <1; };", "usb { a = 1; };", "usb { reg = <x> };", "usb { % };"]
)
def test_bad_source(text: str) -> None:
    with pytest.raises(OSError) as caught:
        parse_dts(text)
    assert caught.value.errno == errno.EINVAL


def test_missing_resources() -> None:
    for without in ("reg", "interrupts"):
        node = parse_dts(NODE)
        del node.properties[without]
        with pytest.raises(OSError, match=without):
            PlatformDevice(node)


class Probe(PlatformDriver):
    def __init__(self, compatible: str) -> None:
        self.of_match = {compatible: "data"}  # type: ignore[misc]
        self.probed: list[str] = []
        self.error: OSError | None = None

    async def probe(self, device: PlatformDevice, match_data: object) -> None:
        self.probed.append(f"{device.name} {match_data}")
        if self.error is not None:
            raise self.error


def test_matching() -> None:
    kernel, bus = Kernel(), PlatformBus()
    wrong, right = Probe("other,usb"), Probe("snps,dwc2")
    right.error = os_error(EPROBE_DEFER, "later")
    for driver in (wrong, right):
        kernel.run_until(bus.register_driver(driver))
    device = kernel.run_until(bus.populate(parse_dts(NODE)))
    assert device is not None
    assert wrong.probed == []
    assert right.probed == ["10200000.usb data"]
    assert bus.deferred == [device]
    right.error = None
    kernel.run_until(bus.retry_deferred())
    assert device.driver is right
    off = parse_dts(NODE.replace('"okay"', '"disabled"'))
    assert kernel.run_until(bus.populate(off)) is None


def test_fifo_formulas() -> None:
    # The worked example of S004-107; nOUT counts EP0's OUT direction too (erratum S004-E12).
    plan = plan_fifos(
        largest_out=1024, out_endpoints=4, non_periodic=512, tx=[1024] * 3, ram_words=4096
    )
    assert (plan.rx, plan.np, plan.tx) == (279, 128, (256, 256, 256))
    assert rx_words(1, 1024, 3) == 277
    assert tx_words(64) == 16
    with pytest.raises(OSError, match="the RAM has 1024") as caught:
        plan_fifos(
            largest_out=1024, out_endpoints=4, non_periodic=512, tx=[1024] * 3, ram_words=1024
        )
    assert caught.value.errno == errno.ENOSPC
    with_dma = plan_fifos(
        largest_out=64, out_endpoints=2, non_periodic=64, tx=[64], dma_endpoints=4
    )
    assert with_dma.total == with_dma.rx + 16 + 16 + 4


@pytest.mark.parametrize("words", [512, 1024, 4096, 32768])
@pytest.mark.parametrize("eps", [1, 3, 7, 15])
def test_default_plan_fits(words: int, eps: int) -> None:
    plan = default_plan(eps, eps, words)
    assert plan.total <= words
    assert plan.rx <= words // 4
    node = parse_dts(default_node(UdcParameters(num_in_eps=eps, fifo_words=words)))
    assert node.numbers("g-tx-fifo-size") == list(plan.tx)
