# SPDX-License-Identifier: Apache-2.0
"""How to split the packet RAM of a DWC2 core (requirements S004-101 to S004-107).

All sizes are in 32-bit words, all packets in bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from tb.kernel import os_error

__all__ = [
    "FifoLimits",
    "FifoPlan",
    "FifoSizes",
    "conflicts",
    "default_plan",
    "fit_plan",
    "plan_fifos",
    "rx_words",
    "tx_words",
]

_SMALLEST = 16
"""Words that the Rx FIFO and Tx FIFO 0 have at least."""


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


@dataclass(frozen=True)
class FifoLimits:
    """What a core can have at most: its sizes after power-on, and its RAM, in words.

    Attributes:
        rx: Rx FIFO.
        np: Tx FIFO 0.
        tx: Tx FIFOs 1.., one each.
        ram: words of packet RAM.
    """

    rx: int
    np: int
    tx: tuple[int, ...]
    ram: int


@dataclass(frozen=True)
class FifoSizes:
    """What somebody wants, in words: a device tree node; None or empty: whatever suits."""

    rx: int | None = None
    np: int | None = None
    tx: tuple[int, ...] = ()


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


def default_plan(
    in_endpoints: int, out_endpoints: int, ram_words: int, *, shared: bool = False
) -> FifoPlan:
    """Return a split for high-speed bulk traffic in both directions.

    A quarter of the RAM receives, each IN endpoint gets what the core's reset value allows; both
    hold whole 512-byte packets, so that one can be filled while another is on the wire. Tx FIFO 0
    serves EP0 alone, or when shared the bulk endpoints as well.

    Args:
        in_endpoints: IN endpoints without EP0.
        out_endpoints: OUT endpoints without EP0.
        ram_words: words of packet RAM.
        shared: Tx FIFO 0 is shared.
    """
    packets = 1
    while rx_words(1, 512, out_endpoints + 1, packets + 1) <= ram_words // 4:
        packets += 1
    rx = min(rx_words(1, 512, out_endpoints + 1, packets), ram_words // 4)
    each = ram_words >> (4 + (in_endpoints > 11))
    np = each if shared else min(tx_words(64, 2), each)
    return FifoPlan(rx, np, (each,) * in_endpoints)


def fit_plan(
    wanted: FifoSizes, limits: FifoLimits, computed: FifoPlan
) -> tuple[FifoPlan, list[str]]:
    """Make what is wanted fit a core.

    Args:
        wanted: sizes of the device tree.
        limits: of the core.
        computed: the split where nothing is wanted.

    Returns:
        The plan, and what could not be had: one sentence each.

    Raises:
        OSError: ENOSPC if it does not fit the RAM; the FIFOs would share words (S004-102).
    """
    notes: list[str] = []

    def fit(name: str, size: int | None, limit: int, otherwise: int, smallest: int) -> int:
        if size is None:
            return min(otherwise, limit)
        if smallest <= size <= limit:
            return size
        notes.append(f"{name} = {size}: the core has {smallest} to {limit}, {limit} is used")
        return limit

    rx = fit("g-rx-fifo-size", wanted.rx, limits.rx, computed.rx, _SMALLEST)
    np = fit("g-np-tx-fifo-size", wanted.np, limits.np, computed.np, _SMALLEST)
    if len(wanted.tx) > len(limits.tx):
        notes.append(
            f"g-tx-fifo-size has {len(wanted.tx)} sizes: the core has {len(limits.tx)} such FIFOs"
        )
    tx: list[int] = []
    for index, limit in enumerate(limits.tx):
        # Endpoints beyond a shorter list get no FIFO.
        rest = computed.tx[index] if not wanted.tx and index < len(computed.tx) else 0
        size = wanted.tx[index] if index < len(wanted.tx) else None
        tx.append(fit(f"g-tx-fifo-size[{index}]", size, limit, rest, 0))
    plan = FifoPlan(rx, np, tuple(tx))
    if plan.total > limits.ram:
        raise os_error(
            errno.ENOSPC,
            f"FIFOs take {plan.total} words (rx {plan.rx}, np {plan.np}, tx {list(plan.tx)}), "
            f"the RAM has {limits.ram}; make g-rx-fifo-size, g-np-tx-fifo-size or "
            "g-tx-fifo-size smaller",
        )
    return plan, notes


def conflicts(regions: Sequence[tuple[str, int, int]], ram_words: int) -> list[str]:
    """Say which FIFOs overlap each other or the end of the RAM.

    Args:
        regions: name, first word and words of each FIFO; one without words is none.
        ram_words: words that there are.
    """
    found: list[str] = []
    before: tuple[str, int, int] | None = None
    for one in sorted((item for item in regions if item[2]), key=lambda item: item[1:]):
        name, start, words = one
        if before is not None and start < before[1] + before[2]:
            found.append(
                f"{before[0]} (words {before[1]} to {before[1] + before[2] - 1}) and {name} "
                f"(from {start}) overlap"
            )
        if start + words > ram_words:
            found.append(f"{name} ends at word {start + words}, the RAM has {ram_words}")
        if before is None or start + words > before[1] + before[2]:
            before = one
    return found
