# SPDX-License-Identifier: Apache-2.0
"""The testbench: both machines, the faces of a controller, and what joins them."""
