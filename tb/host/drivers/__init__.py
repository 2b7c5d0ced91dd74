# SPDX-License-Identifier: Apache-2.0
"""Class drivers of the host, one file each."""

from __future__ import annotations

from .cdc_acm import CdcAcm

__all__ = ["CdcAcm"]
