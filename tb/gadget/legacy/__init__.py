# SPDX-License-Identifier: Apache-2.0
"""Legacy gadgets: modules whose functions are fixed when they are loaded (S004-54)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .composite_driver import (
    LegacyDriver,
    UsbCompositeDriver,
    usb_composite_probe,
    usb_composite_unregister,
)
from .serial import SerialGadget
from .zero import ZeroGadget

__all__ = [
    "LEGACY",
    "LegacyDriver",
    "UsbCompositeDriver",
    "usb_composite_probe",
    "usb_composite_unregister",
]

LEGACY: Mapping[str, Callable[[Mapping[str, Any]], LegacyDriver]] = {
    "g_serial": SerialGadget,
    "g_zero": ZeroGadget,
}
"""Module name -> what makes it from its parameters."""
