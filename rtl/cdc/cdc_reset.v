// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Carries a reset request into a clock domain that may stand still.
//
// A request of any length is remembered on the near side until the far side has seen it (four-phase
// handshake), so a reset given while `far_clk` is stopped takes effect when it runs again.
// `near_rst` is active from the clock after the request until the far side has left its reset;
// `far_rst` is active strictly inside that time. Both domains' shared objects (FIFO pointers,
// toggles) can therefore be reset by these two signals.
module cdc_reset (
    input  wire near_clk,
    // Synchronous to near_clk, active high.
    input  wire request,
    output wire near_rst,
    input  wire far_clk,
    output wire far_rst
);

    reg  hold_reg;
    wire far_seen;

    always @(posedge near_clk) begin
        if (request) begin
            hold_reg <= 1'b1;
        end else if (far_seen) begin
            hold_reg <= 1'b0;
        end
    end

    cdc_sync u_forth (.clk(far_clk), .d(hold_reg), .q(far_rst));
    cdc_sync u_back (.clk(near_clk), .d(far_rst), .q(far_seen));

    assign near_rst = hold_reg || far_seen;

endmodule

`resetall
