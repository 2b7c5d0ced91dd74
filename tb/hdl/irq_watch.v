// SPDX-License-Identifier: Apache-2.0
// Reports each change of the interrupt lines, sampled in the core clock. Simulation only.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module irq_watch
(
    input wire        clk,
    input wire        rst,
    input wire        irq,
    input wire [31:0] ep_irq
);

reg irq_reg = 1'b0;
reg [31:0] ep_irq_reg = 32'd0;

// Scratch: blocking assignment, never read.
/* verilator lint_off BLKSEQ */
reg [31:0] ignored;

always @(posedge clk) begin
    if (!rst && (irq != irq_reg || ep_irq != ep_irq_reg)) begin
        irq_reg <= irq;
        ep_irq_reg <= ep_irq;
        ignored = `PF_CALL(pf_irq_change)({31'd0, irq}, ep_irq);
    end
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
