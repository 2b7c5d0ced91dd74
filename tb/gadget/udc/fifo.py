# SPDX-License-Identifier: Apache-2.0
"""How to split the packet RAM of a DWC2 core (requirements S004-101 to S004-107).

All sizes are in 32-bit words, all packets in bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from tb.kernel import os_error

__all__ = ["FifoPlan", "default_plan", "plan_fifos", "rx_words", "tx_words"]


@dataclass(frozen=True)
class FifoPlan:
    """A split of the RAM.

    Attributes:
        rx: Rx FIFO, words.
        np: Tx FIFO 0 (EP0, or all non-periodic endpoints when shared), words.
        tx: Tx FIFOs 1.., words.
        dma: words that the core keeps for DMA addresses.
    """

    rx: int
    np: int
    tx: tuple[int, ...]
    dma: int = 0

    @property
    def total(self) -> int:
        """Words that are taken."""
        return self.rx + self.np + sum(self.tx) + self.dma


def rx_words(control: int, largest: int, out_endpoints: int, packets: int = 1) -> int:
    """Return the words of the Rx FIFO (S004-103).

    Args:
        control: control endpoints.
        largest: largest OUT packet, bytes.
        out_endpoints: OUT endpoints, EP0's OUT direction counted (erratum S004-E12).
        packets: packets that fit at a time.
    """
    setup = 5 * control + 8
    return setup + packets * (largest // 4 + 1) + 2 * out_endpoints + 1


def tx_words(largest: int, packets: int = 1) -> int:
    """Return the words of a Tx FIFO for its largest packet (S004-104, S004-105)."""
    return packets * -(-largest // 4)


def plan_fifos(
    *,
    control: int = 1,
    largest_out: int,
    out_endpoints: int,
    non_periodic: int,
    tx: Sequence[int],
    ram_words: int | None = None,
    dma_endpoints: int = 0,
    packets: int = 1,
) -> FifoPlan:
    """Compute a split.

    Args:
        control: control endpoints.
        largest_out: largest OUT packet, bytes.
        out_endpoints: OUT endpoints with EP0's OUT direction.
        non_periodic: largest packet of Tx FIFO 0, bytes.
        tx: largest packet of each further Tx FIFO, bytes.
        ram_words: words that there are, None to skip the check.
        dma_endpoints: endpoint directions whose DMA address lies in the RAM (S004-106).
        packets: packets per FIFO.

    Raises:
        OSError: ENOSPC if it does not fit (S004-102; Linux only warns).
    """
    plan = FifoPlan(
        rx_words(control, largest_out, out_endpoints, packets),
        tx_words(non_periodic, packets),
        tuple(tx_words(one, packets) for one in tx),
        dma_endpoints,
    )
    if ram_words is not None and plan.total > ram_words:
        raise os_error(
            errno.ENOSPC,
            f"FIFOs need {plan.total} words (rx {plan.rx}, np {plan.np}, tx {list(plan.tx)}, "
            f"DMA {plan.dma}), the RAM has {ram_words}",
        )
    return plan


def default_plan(in_endpoints: int, out_endpoints: int, ram_words: int) -> FifoPlan:
    """Return a split for high-speed bulk traffic in both directions.

    A quarter of the RAM receives, each IN endpoint gets what the core's reset value allows; both
    hold whole 512-byte packets, so that one can be filled while another is on the wire.

    Args:
        in_endpoints: IN endpoints without EP0.
        out_endpoints: OUT endpoints without EP0.
        ram_words: words of packet RAM.
    """
    packets = 1
    while rx_words(1, 512, out_endpoints + 1, packets + 1) <= ram_words // 4:
        packets += 1
    rx = min(rx_words(1, 512, out_endpoints + 1, packets), ram_words // 4)
    each = ram_words >> (4 + (in_endpoints > 11))
    np = min(tx_words(64, 2), each)
    return FifoPlan(rx, np, (each,) * in_endpoints)
