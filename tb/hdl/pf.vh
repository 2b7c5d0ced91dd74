// SPDX-License-Identifier: Apache-2.0
// Calls into the mailbox library: result = `PF_CALL(name)(arguments);
// The functions are DPI imports in one simulator (Verilator) and system functions in the other.
`ifndef PF_VH
`define PF_VH
`ifdef VERILATOR
`define PF_CALL(name) name
`else
`define PF_CALL(name) $``name
`endif
`endif
