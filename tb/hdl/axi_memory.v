// SPDX-License-Identifier: Apache-2.0
// AXI4 slave in front of the memory in c/memory.c: INCR bursts of 32-bit words, one read and one
// write burst at a time, latency, stalls and error responses from there. Simulation only.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module axi_memory #
(
    // Width of the transaction identifiers
    parameter ID_WIDTH = 1
)
(
    input  wire                clk,
    input  wire                rst,

    input  wire [ID_WIDTH-1:0] s_axi_awid,
    input  wire [31:0]         s_axi_awaddr,
    input  wire [7:0]          s_axi_awlen,
    input  wire [2:0]          s_axi_awsize,
    input  wire [1:0]          s_axi_awburst,
    input  wire                s_axi_awvalid,
    output wire                s_axi_awready,
    input  wire [31:0]         s_axi_wdata,
    input  wire [3:0]          s_axi_wstrb,
    input  wire                s_axi_wlast,
    input  wire                s_axi_wvalid,
    output wire                s_axi_wready,
    output wire [ID_WIDTH-1:0] s_axi_bid,
    output wire [1:0]          s_axi_bresp,
    output wire                s_axi_bvalid,
    input  wire                s_axi_bready,
    input  wire [ID_WIDTH-1:0] s_axi_arid,
    input  wire [31:0]         s_axi_araddr,
    input  wire [7:0]          s_axi_arlen,
    input  wire [2:0]          s_axi_arsize,
    input  wire [1:0]          s_axi_arburst,
    input  wire                s_axi_arvalid,
    output wire                s_axi_arready,
    output wire [ID_WIDTH-1:0] s_axi_rid,
    output wire [31:0]         s_axi_rdata,
    output wire [1:0]          s_axi_rresp,
    output wire                s_axi_rlast,
    output wire                s_axi_rvalid,
    input  wire                s_axi_rready
);

localparam
    READ = 1,
    WRITE = 2;

// Codes of enum pf_fault_code and the rules below it
localparam
    FAULT_AXI = 2,
    RULE_SIZE = 1,
    RULE_BURST = 2,
    RULE_LAST = 3,
    RULE_4K = 4;

// Write channel
reg w_busy_reg = 1'b0;
reg [ID_WIDTH-1:0] w_id_reg = 0;
reg [31:0] w_addr_reg = 0;
reg [7:0] w_left_reg = 0;
reg [31:0] w_wait_reg = 0;
reg [1:0] w_resp_reg = 2'd0;
reg wready_reg = 1'b0;
reg bvalid_reg = 1'b0;

// Read channel
reg r_busy_reg = 1'b0;
reg [ID_WIDTH-1:0] r_id_reg = 0;
reg [31:0] r_addr_reg = 0;
reg [8:0] r_left_reg = 0;
reg [31:0] r_wait_reg = 0;
reg [31:0] rdata_reg = 0;
reg [1:0] rresp_reg = 2'd0;
reg rlast_reg = 1'b0;
reg rvalid_reg = 1'b0;

assign s_axi_awready = !w_busy_reg;
assign s_axi_wready = wready_reg;
assign s_axi_bid = w_id_reg;
assign s_axi_bresp = w_resp_reg;
assign s_axi_bvalid = bvalid_reg;
assign s_axi_arready = !r_busy_reg;
assign s_axi_rid = r_id_reg;
assign s_axi_rdata = rdata_reg;
assign s_axi_rresp = rresp_reg;
assign s_axi_rlast = rlast_reg;
assign s_axi_rvalid = rvalid_reg;

// Scratch: blocking assignments, read only where they were just written.
/* verilator lint_off BLKSEQ */
reg [31:0] w_value;
reg [31:0] w_ignored;
reg [31:0] r_value;
reg [31:0] r_ignored;

always @(posedge clk) begin
    if (s_axi_awvalid && s_axi_awready) begin
        w_busy_reg <= 1'b1;
        w_id_reg <= s_axi_awid;
        w_addr_reg <= s_axi_awaddr;
        w_left_reg <= s_axi_awlen;
        w_resp_reg <= 2'd0;
        w_value = `PF_CALL(pf_mem_delay)(1);
        w_wait_reg <= w_value;
        wready_reg <= w_value == 0;
        if (s_axi_awsize != 3'd2)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_SIZE, s_axi_awaddr);
        if (s_axi_awburst != 2'd1)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_BURST, s_axi_awaddr);
        if ({1'b0, s_axi_awaddr[11:0]} + {3'd0, s_axi_awlen, 2'd0} >= 13'h1000)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_4K, s_axi_awaddr);
    end else if (w_busy_reg && !bvalid_reg && !wready_reg) begin
        w_wait_reg <= w_wait_reg - 1;
        wready_reg <= w_wait_reg <= 1;
    end

    if (wready_reg && s_axi_wvalid) begin
        w_value = `PF_CALL(pf_mem_check)(w_addr_reg, WRITE);
        w_resp_reg <= w_resp_reg | w_value[1:0];
        if (w_value == 0)
            w_ignored = `PF_CALL(pf_mem_write)(w_addr_reg, s_axi_wdata, {28'd0, s_axi_wstrb});
        w_addr_reg <= w_addr_reg + 4;
        w_left_reg <= w_left_reg - 1;
        if (s_axi_wlast != (w_left_reg == 0))
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_LAST, w_addr_reg);
        if (w_left_reg == 0) begin
            wready_reg <= 1'b0;
            bvalid_reg <= 1'b1;
        end else begin
            w_value = `PF_CALL(pf_mem_delay)(3);
            w_wait_reg <= w_value;
            wready_reg <= w_value == 0;
        end
    end

    if (bvalid_reg && s_axi_bready) begin
        bvalid_reg <= 1'b0;
        w_busy_reg <= 1'b0;
    end

    if (rst) begin
        w_busy_reg <= 1'b0;
        wready_reg <= 1'b0;
        bvalid_reg <= 1'b0;
    end
end

always @(posedge clk) begin
    if (s_axi_arvalid && s_axi_arready) begin
        r_busy_reg <= 1'b1;
        r_id_reg <= s_axi_arid;
        r_addr_reg <= s_axi_araddr;
        r_left_reg <= {1'b0, s_axi_arlen} + 9'd1;
        r_wait_reg <= `PF_CALL(pf_mem_delay)(0);
        if (s_axi_arsize != 3'd2)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_SIZE, s_axi_araddr);
        if (s_axi_arburst != 2'd1)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_BURST, s_axi_araddr);
        if ({1'b0, s_axi_araddr[11:0]} + {3'd0, s_axi_arlen, 2'd0} >= 13'h1000)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_4K, s_axi_araddr);
    end

    if (rvalid_reg && s_axi_rready) begin
        rvalid_reg <= 1'b0;
        if (rlast_reg) r_busy_reg <= 1'b0;
    end

    if (r_busy_reg && r_left_reg != 0 && (!rvalid_reg || s_axi_rready)) begin
        if (r_wait_reg != 0) begin
            r_wait_reg <= r_wait_reg - 1;
        end else begin
            r_value = `PF_CALL(pf_mem_check)(r_addr_reg, READ);
            rresp_reg <= r_value[1:0];
            r_value = `PF_CALL(pf_mem_read)(r_addr_reg);
            rdata_reg <= r_value;
            rvalid_reg <= 1'b1;
            rlast_reg <= r_left_reg == 1;
            r_left_reg <= r_left_reg - 1;
            r_addr_reg <= r_addr_reg + 4;
            r_wait_reg <= `PF_CALL(pf_mem_delay)(2);
        end
    end

    if (rst) begin
        r_busy_reg <= 1'b0;
        rvalid_reg <= 1'b0;
        r_left_reg <= 9'd0;
    end
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
