# SPDX-License-Identifier: Apache-2.0
"""Programs that make or check files of the tree."""
