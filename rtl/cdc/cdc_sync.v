// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Brings one bit into the domain of `clk` through two flip-flops.
//
// The source must be glitch free (a register output or a quasi-static level).
// Latency: one to two periods of `clk`.
module cdc_sync (
    input  wire clk,
    input  wire d,
    output wire q
);

    (* ASYNC_REG = "TRUE" *)
    reg [1:0] stage_reg;

    always @(posedge clk) stage_reg <= {stage_reg[0], d};

    assign q = stage_reg[1];

endmodule

`resetall
