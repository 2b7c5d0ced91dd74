# SPDX-License-Identifier: Apache-2.0
"""Generates Verilog, Python and C constants and the manual from `rtl/udc.rdl`.

`python -m tools.registers` writes the files, `--check` tells which are stale;
`python -m tools.registers.browse DIR` builds the browsable manual.
"""
