# SPDX-License-Identifier: Apache-2.0
"""Drivers of USB device controllers."""
