# SPDX-License-Identifier: Apache-2.0
"""Which combinations of DMA mode, FIFO scheme, speed and transfer type there are.

This is the one place that knows: the command line, the driver's probe and its `enable` ask
`refusal`; the table in docs/modes.md is what `table` makes of it.
"""

from __future__ import annotations

from tb.usb import Speed, TransferType

__all__ = ["FIFOS", "MODES", "refusal", "table"]

MODES = ("slave", "dma", "desc")
"""Who moves the data: the CPU, buffer DMA, descriptor DMA."""
FIFOS = ("dedicated", "shared")
"""A Tx FIFO per IN endpoint, or one for all non-periodic endpoints and one per periodic one."""
_SPEEDS = (Speed.FULL, Speed.HIGH)


def refusal(
    mode: str,
    fifo: str = "dedicated",
    speed: Speed | None = None,
    kind: TransferType | None = None,
) -> str | None:
    """Say why a combination does not exist.

    Args:
        mode: one of `MODES`.
        fifo: one of `FIFOS`.
        speed: of the bus, None if it does not matter yet.
        kind: of an endpoint, None if it does not matter yet.

    Returns:
        The reason and what to choose instead, or None if the combination is legal.
    """
    if mode not in MODES:
        return f"mode {mode}: there are {_list(MODES)}"
    if fifo not in FIFOS:
        return f"FIFO scheme {fifo}: there are {_list(FIFOS)}"
    if mode == "desc" and fifo == "shared":
        return (
            "descriptor DMA needs dedicated FIFOs, as each descriptor fills its endpoint's own; "
            "choose dedicated FIFOs, or buffer DMA or slave mode"
        )
    if speed is not None and speed not in _SPEEDS:
        return f"{speed.text}: this driver serves full speed and high speed"
    return None


def _list(words: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def table() -> list[str]:
    """Return the lines of a Markdown table of all combinations."""
    kinds = tuple(TransferType)
    lines = [
        "| mode | FIFOs | " + " | ".join(kind.name.lower() for kind in kinds) + " |",
        "|---|---|" + "---|" * len(kinds),
    ]
    for mode in MODES:
        for fifo in FIFOS:
            cells = []
            for kind in kinds:
                speeds = [one for one in _SPEEDS if refusal(mode, fifo, one, kind) is None]
                cells.append(", ".join(one.name.lower() for one in speeds) or "no")
            lines.append(f"| {mode} | {fifo} | " + " | ".join(cells) + " |")
    return lines
