# SPDX-License-Identifier: Apache-2.0
"""The controller in plain Python, written from the facts.

`UdcModel` holds the state and advances by `step(event, choice)` alone. `EagerPolicy` and
`PacketLayer` make a stand-alone controller of it; `Checker` follows a trace and judges it.
"""

from __future__ import annotations

from .checker import Checker, Mismatch, Window
from .layer import PacketLayer
from .model import UdcModel
from .policy import DmaMemory, EagerPolicy

__all__ = [
    "Checker",
    "DmaMemory",
    "EagerPolicy",
    "Mismatch",
    "PacketLayer",
    "UdcModel",
    "Window",
]
