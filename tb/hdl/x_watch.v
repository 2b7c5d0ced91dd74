// SPDX-License-Identifier: Apache-2.0
// Four-state simulators: after reset no output of the controller may be unknown, and no payload
// while it is valid. Simulation only; not for two-state simulators, where nothing is unknown.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module x_watch #
(
    // Bits of a beat of the bus master
    parameter DATA_WIDTH = 32
)
(
    input wire         core_clk,
    input wire         core_rst,
    input wire         phy_clk,

    input wire [32:0]  interrupts,
    // {awready, wready, bvalid, bresp, arready, rvalid}
    input wire [6:0]   axil,
    input wire         axil_rvalid,
    input wire [31:0]  axil_rdata,
    // {awvalid, wvalid, bready, arvalid, rready}
    input wire [4:0]   axi,
    input wire         axi_awvalid,
    // {awaddr, awlen}
    input wire [39:0]  axi_aw,
    input wire         axi_wvalid,
    // {wstrb, wlast}
    input wire [DATA_WIDTH/8:0] axi_w,
    input wire [DATA_WIDTH-1:0] axi_wdata,
    input wire         axi_arvalid,
    input wire [39:0]  axi_ar,
    // {txvalid, opmode, xcvrselect, termselect, suspendm}
    input wire [6:0]   utmi,
    input wire         utmi_txvalid,
    input wire [7:0]   utmi_txdata
);

localparam PF_FAULT_UNKNOWN = 5;

// the reset has to reach the other clock domain
reg [4:0] core_age_reg = 5'd0;
reg [4:0] phy_age_reg = 5'd0;
reg       told_reg = 1'b0;

wire core_on = (core_age_reg == 5'd31) && !told_reg;
wire phy_on = (phy_age_reg == 5'd31) && !told_reg;
// bytes that are written: an unknown strobe makes the sum unknown too
wire [DATA_WIDTH-1:0] written;
genvar lane;
generate
for (lane = 0; lane < DATA_WIDTH/8; lane = lane + 1) begin : lanes
    assign written[8*lane +: 8] = {8{axi_w[lane+1]}} & axi_wdata[8*lane +: 8];
end
endgenerate

integer ignored;
integer rule;

always @(posedge core_clk) begin
    core_age_reg <= core_rst ? 5'd0 : core_age_reg + (core_age_reg != 5'd31);
    if (core_on) begin
        rule = (^interrupts === 1'bx) ? 1
             : (^axil === 1'bx) ? 2
             : (axil_rvalid && ^axil_rdata === 1'bx) ? 3
             : (^axi === 1'bx) ? 4
             : (axi_awvalid && ^axi_aw === 1'bx) ? 5
             : (axi_wvalid && (^axi_w === 1'bx || ^written === 1'bx)) ? 6
             : (axi_arvalid && ^axi_ar === 1'bx) ? 7
             : 0;
        if (rule != 0) begin
            told_reg <= 1'b1;
            ignored = `PF_CALL(pf_fault)(PF_FAULT_UNKNOWN, rule, 0);
        end
    end
end

always @(posedge phy_clk) begin
    phy_age_reg <= core_rst ? 5'd0 : phy_age_reg + (phy_age_reg != 5'd31);
    if (phy_on && (^utmi === 1'bx || (utmi_txvalid && ^utmi_txdata === 1'bx))) begin
        told_reg <= 1'b1;
        ignored = `PF_CALL(pf_fault)(PF_FAULT_UNKNOWN, (^utmi === 1'bx) ? 8 : 9, 0);
    end
end
endmodule

`resetall
