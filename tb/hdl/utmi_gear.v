// SPDX-License-Identifier: Apache-2.0
// Makes the UTMI of 16 bits (30 MHz) that a controller may ask for out of the PHY's, which has 8
// (60 MHz). Each rising edge of the controller's clock is one of the PHY's.
//
// To the PHY nothing comes later than it would without. From the PHY, what is seen in a clock
// goes on with the controller's next edge, whole words first: RxActive falls 1 to 4 clocks later.
// With 8 bits there are only wires.

`resetall
`timescale 1ps / 1ps
`default_nettype none

module utmi_gear #
(
    parameter UTMI_WIDTH = 8
)
(
    // 60 MHz, never stops
    input  wire        clk,

    // Controller
    input  wire        utmi_clk,
    input  wire        utmi_txvalid,
    input  wire        utmi_txvalidh,
    output wire        utmi_txready,
    input  wire [UTMI_WIDTH-1:0] utmi_txdata,
    output wire        utmi_rxactive,
    output wire        utmi_rxvalid,
    output wire        utmi_rxvalidh,
    output wire        utmi_rxerror,
    output wire [UTMI_WIDTH-1:0] utmi_rxdata,

    // PHY
    output wire        phy_txvalid,
    input  wire        phy_txready,
    output wire [7:0]  phy_txdata,
    input  wire        phy_rxactive,
    input  wire        phy_rxvalid,
    input  wire        phy_rxerror,
    input  wire [7:0]  phy_rxdata
);

generate
if (UTMI_WIDTH == 8) begin : narrow
    assign phy_txvalid = utmi_txvalid;
    assign phy_txdata = utmi_txdata;
    assign utmi_txready = phy_txready;
    assign utmi_rxactive = phy_rxactive;
    assign utmi_rxvalid = phy_rxvalid;
    assign utmi_rxvalidh = 1'b0;
    assign utmi_rxerror = phy_rxerror;
    assign utmi_rxdata = phy_rxdata;
end else begin : wide
    // The controller's clock rises at the end of this clock (if it runs).
    reg  turn = 1'b0;
    reg  turn_then = 1'b0;
    wire last = turn == turn_then;

    always @(posedge utmi_clk) turn <= !turn;
    always @(posedge clk) turn_then <= turn;

    // To the PHY: the high byte of a word that the controller need not hold any more
    reg        high_valid = 1'b0;
    reg  [7:0] high = 8'd0;
    // The low byte of the word that the controller still holds is gone.
    reg        low_gone = 1'b0;

    wire offer_low = !high_valid && !low_gone && utmi_txvalid;
    wire offer_high = !high_valid && low_gone && utmi_txvalid && utmi_txvalidh;

    assign phy_txvalid = high_valid || offer_low || offer_high;
    assign phy_txdata = high_valid ? high : low_gone ? utmi_txdata[15:8] : utmi_txdata[7:0];
    assign utmi_txready = last && (low_gone || (offer_low && phy_txready));

    always @(posedge clk) begin
        if (utmi_txready && utmi_txvalid) begin
            high_valid <= utmi_txvalidh && !(offer_high && phy_txready);
            high <= utmi_txdata[15:8];
            low_gone <= 1'b0;
        end else begin
            if (phy_txready) high_valid <= 1'b0;
            low_gone <= utmi_txvalid && (low_gone || (offer_low && phy_txready));
        end
    end

    // From the PHY: up to three bytes that wait
    reg [23:0] bytes = 24'd0;
    reg [1:0]  count = 2'd0;
    reg        bad = 1'b0;
    reg        active = 1'b0;
    reg        valid = 1'b0;
    reg        validh = 1'b0;
    reg        error = 1'b0;
    reg [15:0] data = 16'd0;

    // Blocking assignments on purpose: what came in this clock may go out with its end.
    /* verilator lint_off BLKSEQ */
    always @(posedge clk) begin
        if (phy_rxvalid) begin
            bytes[8*count +: 8] = phy_rxdata;
            count = count + 2'd1;
        end
        if (phy_rxerror) bad = 1'b1;
        if (last) begin
            error <= bad;
            data <= bytes[15:0];
            if (count >= 2'd2 || (count == 2'd1 && !phy_rxactive)) begin
                active <= 1'b1;
                valid <= 1'b1;
                validh <= count[1];
                bytes = {16'd0, bytes[23:16]};
                count = count[1] ? count - 2'd2 : 2'd0;
            end else begin
                active <= phy_rxactive;
                valid <= 1'b0;
                validh <= 1'b0;
            end
            bad = 1'b0;
        end
    end
    /* verilator lint_on BLKSEQ */

    assign utmi_rxactive = active;
    assign utmi_rxvalid = valid;
    assign utmi_rxvalidh = validh;
    assign utmi_rxerror = error;
    assign utmi_rxdata = data;
end
endgenerate

endmodule

`resetall
