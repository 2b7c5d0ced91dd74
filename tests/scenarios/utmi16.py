# SPDX-License-Identifier: Apache-2.0
"""A UTMI of 16 bits."""

from __future__ import annotations

from echo import main

__all__ = ["main"]

PARAMETERS = {"UTMI_WIDTH": 16}
