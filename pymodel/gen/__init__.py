# SPDX-License-Identifier: Apache-2.0
"""Generated from `rtl/udc.rdl`: see `udc_regs`."""
