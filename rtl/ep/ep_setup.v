// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// SETUPs that have been accepted and that software has not seen. Until then what it writes belongs
// to the transfer before, and a CNAK of EP0 must not let an old answer into the new one.
module ep_setup (
    input  wire        clk,
    input  wire        rst,

    // SETUP accepted; the oldest one shown to software; none can be left; all are dropped
    input  wire        accepted,
    input  wire        seen,
    input  wire        none,
    input  wire        rx_flush,

    output wire        unseen
);

    // as many or more: known again when the Rx FIFO is empty
    localparam [2:0] MANY = 3'd7;

    reg [2:0] count_reg;

    assign unseen = (count_reg != 3'd0);

    always @(posedge clk) begin
        if (count_reg == MANY) begin
            if (none) begin
                count_reg <= 3'd0;
            end
        end else if (accepted) begin
            count_reg <= count_reg + 1'b1;
        end else if (seen && unseen) begin
            count_reg <= count_reg - 1'b1;
        end
        if (rst || rx_flush) begin
            count_reg <= 3'd0;
        end
    end

endmodule

`resetall
