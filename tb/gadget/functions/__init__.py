# SPDX-License-Identifier: Apache-2.0
"""Gadget functions, one file each; importing a module registers its function driver."""
