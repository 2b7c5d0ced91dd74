// SPDX-License-Identifier: Apache-2.0
// AXI4 slave in front of the memory in c/memory.c: INCR bursts of whole beats, up to 16 bursts at a
// time each way, answered in order; latency, stalls and error responses from there. The latency of
// one burst runs while others move. Simulation only.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module axi_memory #
(
    // Width of the transaction identifiers
    parameter ID_WIDTH = 1,
    // Bits of a beat, 32 or 64
    parameter DATA_WIDTH = 32
)
(
    input  wire                    clk,
    input  wire                    rst,

    input  wire [ID_WIDTH-1:0]     s_axi_awid,
    input  wire [31:0]             s_axi_awaddr,
    input  wire [7:0]              s_axi_awlen,
    input  wire [2:0]              s_axi_awsize,
    input  wire [1:0]              s_axi_awburst,
    input  wire                    s_axi_awvalid,
    output wire                    s_axi_awready,
    input  wire [DATA_WIDTH-1:0]   s_axi_wdata,
    input  wire [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  wire                    s_axi_wlast,
    input  wire                    s_axi_wvalid,
    output wire                    s_axi_wready,
    output wire [ID_WIDTH-1:0]     s_axi_bid,
    output wire [1:0]              s_axi_bresp,
    output wire                    s_axi_bvalid,
    input  wire                    s_axi_bready,
    input  wire [ID_WIDTH-1:0]     s_axi_arid,
    input  wire [31:0]             s_axi_araddr,
    input  wire [7:0]              s_axi_arlen,
    input  wire [2:0]              s_axi_arsize,
    input  wire [1:0]              s_axi_arburst,
    input  wire                    s_axi_arvalid,
    output wire                    s_axi_arready,
    output wire [ID_WIDTH-1:0]     s_axi_rid,
    output wire [DATA_WIDTH-1:0]   s_axi_rdata,
    output wire [1:0]              s_axi_rresp,
    output wire                    s_axi_rlast,
    output wire                    s_axi_rvalid,
    input  wire                    s_axi_rready
);

localparam
    READ = 1,
    WRITE = 2,
    // A read of a lane that the master need not want
    BESIDE = 5;

// Codes of enum pf_fault_code and the rules below it
localparam
    FAULT_AXI = 2,
    RULE_SIZE = 1,
    RULE_BURST = 2,
    RULE_LAST = 3,
    RULE_4K = 4;

localparam LANES = DATA_WIDTH / 32;
localparam [2:0] SIZE = (DATA_WIDTH == 64) ? 3'd3 : 3'd2;
localparam [31:0] BYTES = DATA_WIDTH / 8;

// Clocks since the start
reg [31:0] now_reg = 32'd0;

// Write bursts: address taken, data taken, response given
reg [ID_WIDTH-1:0] w_id_mem [0:15];
reg [31:0] w_addr_mem [0:15];
reg [7:0] w_len_mem [0:15];
reg [1:0] w_resp_mem [0:15];
reg [31:0] w_due_mem [0:15];
reg [4:0] w_taken_reg = 5'd0;
reg [4:0] w_moved_reg = 5'd0;
reg [4:0] w_given_reg = 5'd0;
reg [31:0] w_addr_reg = 32'd0;
reg [7:0] w_left_reg = 8'd0;
reg [1:0] w_resp_reg = 2'd0;
reg w_first_reg = 1'b1;
reg [31:0] w_wait_reg = 32'd0;
reg bvalid_reg = 1'b0;

// Read bursts: address taken, data given
reg [ID_WIDTH-1:0] r_id_mem [0:15];
reg [31:0] r_addr_mem [0:15];
reg [7:0] r_len_mem [0:15];
reg [31:0] r_due_mem [0:15];
reg [4:0] r_taken_reg = 5'd0;
reg [4:0] r_given_reg = 5'd0;
reg [31:0] r_addr_reg = 32'd0;
reg [7:0] r_left_reg = 8'd0;
reg r_first_reg = 1'b1;
reg [31:0] r_wait_reg = 32'd0;
reg [ID_WIDTH-1:0] rid_reg = 0;
reg [DATA_WIDTH-1:0] rdata_reg = 0;
reg [1:0] rresp_reg = 2'd0;
reg rlast_reg = 1'b0;
reg rvalid_reg = 1'b0;

wire [3:0] w_moved = w_moved_reg[3:0];
wire [3:0] w_given = w_given_reg[3:0];
wire [3:0] r_given = r_given_reg[3:0];
wire [31:0] w_lead = now_reg - w_due_mem[w_given];
wire [31:0] r_lead = now_reg - r_due_mem[r_given];

assign s_axi_awready = w_taken_reg - w_given_reg != 5'd16;
assign s_axi_wready = w_taken_reg != w_moved_reg && w_wait_reg == 32'd0;
assign s_axi_bid = w_id_mem[w_given];
assign s_axi_bresp = w_resp_mem[w_given];
assign s_axi_bvalid = bvalid_reg;
assign s_axi_arready = r_taken_reg - r_given_reg != 5'd16;
assign s_axi_rid = rid_reg;
assign s_axi_rdata = rdata_reg;
assign s_axi_rresp = rresp_reg;
assign s_axi_rlast = rlast_reg;
assign s_axi_rvalid = rvalid_reg;

wire unused_ok = &{1'b0, w_lead[30:0], r_lead[30:0], 1'b0};

// Scratch: blocking assignments, read only where they were just written.
/* verilator lint_off BLKSEQ */
reg [31:0] w_value;
reg [31:0] w_ignored;
reg [31:0] w_word;
reg [7:0] w_left;
reg [1:0] w_resp;
reg [31:0] r_value;
reg [31:0] r_ignored;
reg [31:0] r_word;
reg [7:0] r_left;
reg [1:0] r_resp;
integer w_lane;
integer r_lane;

always @(posedge clk) now_reg <= now_reg + 1;

always @(posedge clk) begin
    if (s_axi_awvalid && s_axi_awready) begin
        w_id_mem[w_taken_reg[3:0]] <= s_axi_awid;
        w_addr_mem[w_taken_reg[3:0]] <= s_axi_awaddr;
        w_len_mem[w_taken_reg[3:0]] <= s_axi_awlen;
        w_taken_reg <= w_taken_reg + 1;
        if (s_axi_awsize != SIZE)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_SIZE, s_axi_awaddr);
        if (s_axi_awburst != 2'd1)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_BURST, s_axi_awaddr);
        if ((s_axi_awaddr & 32'hfff & ~(BYTES - 1)) + ({24'd0, s_axi_awlen} << SIZE) >= 32'h1000)
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_4K, s_axi_awaddr);
    end

    if (w_wait_reg != 0) w_wait_reg <= w_wait_reg - 1;

    if (s_axi_wvalid && s_axi_wready) begin
        w_word = (w_first_reg ? w_addr_mem[w_moved] : w_addr_reg) & ~(BYTES - 1);
        w_left = w_first_reg ? w_len_mem[w_moved] : w_left_reg;
        w_resp = w_first_reg ? 2'd0 : w_resp_reg;
        for (w_lane = 0; w_lane < LANES; w_lane = w_lane + 1) begin
            if (s_axi_wstrb[4*w_lane +: 4] != 4'd0 || LANES == 1) begin
                w_value = `PF_CALL(pf_mem_check)(w_word + 4 * w_lane, WRITE);
                w_resp = w_resp | w_value[1:0];
                if (w_value == 0)
                    w_ignored = `PF_CALL(pf_mem_write)(
                        w_word + 4 * w_lane, s_axi_wdata[32*w_lane +: 32],
                        {28'd0, s_axi_wstrb[4*w_lane +: 4]});
            end
        end
        w_addr_reg <= w_word + BYTES;
        w_left_reg <= w_left - 1;
        w_resp_reg <= w_resp;
        w_first_reg <= w_left == 0;
        if (s_axi_wlast != (w_left == 0))
            w_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_LAST, w_word);
        if (w_left == 0) begin
            w_resp_mem[w_moved] <= w_resp;
            w_value = `PF_CALL(pf_mem_delay)(1);
            w_due_mem[w_moved] <= now_reg + w_value;
            w_moved_reg <= w_moved_reg + 1;
        end
        w_wait_reg <= `PF_CALL(pf_mem_delay)(3);
    end

    if (bvalid_reg && s_axi_bready) begin
        bvalid_reg <= 1'b0;
        w_given_reg <= w_given_reg + 1;
    end else if (!bvalid_reg && w_given_reg != w_moved_reg && !w_lead[31]) begin
        bvalid_reg <= 1'b1;
    end

    if (rst) begin
        w_taken_reg <= 5'd0;
        w_moved_reg <= 5'd0;
        w_given_reg <= 5'd0;
        w_first_reg <= 1'b1;
        w_wait_reg <= 32'd0;
        bvalid_reg <= 1'b0;
    end
end

always @(posedge clk) begin
    if (s_axi_arvalid && s_axi_arready) begin
        r_id_mem[r_taken_reg[3:0]] <= s_axi_arid;
        r_addr_mem[r_taken_reg[3:0]] <= s_axi_araddr;
        r_len_mem[r_taken_reg[3:0]] <= s_axi_arlen;
        r_value = `PF_CALL(pf_mem_delay)(0);
        r_due_mem[r_taken_reg[3:0]] <= now_reg + r_value;
        r_taken_reg <= r_taken_reg + 1;
        if (s_axi_arsize != SIZE)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_SIZE, s_axi_araddr);
        if (s_axi_arburst != 2'd1)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_BURST, s_axi_araddr);
        if ((s_axi_araddr & 32'hfff & ~(BYTES - 1)) + ({24'd0, s_axi_arlen} << SIZE) >= 32'h1000)
            r_ignored = `PF_CALL(pf_fault)(FAULT_AXI, RULE_4K, s_axi_araddr);
    end

    if (r_wait_reg != 0) r_wait_reg <= r_wait_reg - 1;
    if (rvalid_reg && s_axi_rready) rvalid_reg <= 1'b0;

    if (r_taken_reg != r_given_reg && !r_lead[31] && r_wait_reg == 0
            && (!rvalid_reg || s_axi_rready)) begin
        r_word = r_first_reg ? r_addr_mem[r_given] : r_addr_reg;
        r_left = r_first_reg ? r_len_mem[r_given] : r_left_reg;
        r_resp = 2'd0;
        for (r_lane = 0; r_lane < LANES; r_lane = r_lane + 1) begin
            if (r_lane * 4 >= (r_word & (BYTES - 1))) begin
                r_value = (r_word & ~(BYTES - 1)) + 4 * r_lane;
                if (r_value == r_word) begin
                    r_value = `PF_CALL(pf_mem_check)(r_word, READ);
                    r_resp = r_resp | r_value[1:0];
                    r_value = `PF_CALL(pf_mem_read)(r_word);
                end else if (`PF_CALL(pf_mem_check)(r_value, BESIDE) == 0) begin
                    r_value = `PF_CALL(pf_mem_read)(r_value);
                end else begin
                    r_value = 32'hDEADDEAD;
                end
            end else begin
                r_value = 32'hDEADDEAD;
            end
            rdata_reg[32*r_lane +: 32] <= r_value;
        end
        rid_reg <= r_id_mem[r_given];
        rresp_reg <= r_resp;
        rvalid_reg <= 1'b1;
        rlast_reg <= r_left == 0;
        r_left_reg <= r_left - 1;
        r_addr_reg <= (r_word & ~(BYTES - 1)) + BYTES;
        r_first_reg <= r_left == 0;
        if (r_left == 0) r_given_reg <= r_given_reg + 1;
        r_wait_reg <= `PF_CALL(pf_mem_delay)(2);
    end

    if (rst) begin
        r_taken_reg <= 5'd0;
        r_given_reg <= 5'd0;
        r_first_reg <= 1'b1;
        r_wait_reg <= 32'd0;
        rvalid_reg <= 1'b0;
    end
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
