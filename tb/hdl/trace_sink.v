// SPDX-License-Identifier: Apache-2.0
// Takes the events of the trace port, in core order, into the ring of c/trace.c. Simulation only.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module trace_sink #
(
    // Events per clock
    parameter LANES = 8
)
(
    input  wire                clk,
    input  wire [LANES-1:0]    trace_valid,
    input  wire [LANES*64-1:0] trace_data
);

// Scratch: blocking assignments, read only where they were just written.
/* verilator lint_off BLKSEQ */
integer lane;
reg [31:0] ignored;

always @(posedge clk) begin
    if (trace_valid != 0) begin
        for (lane = 0; lane < LANES; lane = lane + 1) begin
            if (trace_valid[lane])
                ignored = `PF_CALL(pf_trace)(
                    trace_data[lane*64+32 +: 32], trace_data[lane*64 +: 32]);
        end
    end
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
