// SPDX-License-Identifier: Apache-2.0
// Stand-in for the controller in tests of the testbench itself: a few registers, one interrupt,
// and a bus master that copies words. No USB.
//
// 0x00 scratch; 0x04 interrupt (bit 0 = irq, bits 31:16 ep_irq); 0x08 read count of offset 0x1000;
// 0x10 source, 0x14 destination, 0x18 words (1..16): a write starts the copy; 0x1C status: bit 0
// busy, bits 5:4 worst response; 0x20 timer: irq after that many UTMI clocks; 0x24 UTMI clocks;
// 0x1000 a FIFO of 256 words: a write pushes, a read pops; 0x2000 and above: SLVERR.

`resetall
`timescale 1ps/1ps
`default_nettype none

module udc #
(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter EP_DIRECTIONS = 0,
    parameter FIFO_WORDS = 4096,
    parameter DEDICATED_FIFO = 1,
    parameter DMA = 2,
    parameter DESC_DMA = 0,
    parameter LPM = 0,
    parameter COMMANDS = 0,
    parameter CMD_LATENCY = 1000,
    parameter SOFT_DISCONNECT = 1,
    parameter SUPERSPEED = 0,
    parameter DATA_WIDTH = 32,
    parameter UTMI_WIDTH = 8,
    parameter TIME_SCALE = 1,
    parameter TRACE = 0
)
(
    input  wire         core_clk,
    input  wire         core_rst,
    input  wire         utmi_clk,
    input  wire [17:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [17:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,
    output wire         m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire [7:0]   m_axi_awlen,
    output wire [2:0]   m_axi_awsize,
    output wire [1:0]   m_axi_awburst,
    output wire         m_axi_awlock,
    output wire [3:0]   m_axi_awcache,
    output wire [2:0]   m_axi_awprot,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [31:0]  m_axi_wdata,
    output wire [3:0]   m_axi_wstrb,
    output wire         m_axi_wlast,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire         m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire         m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire [7:0]   m_axi_arlen,
    output wire [2:0]   m_axi_arsize,
    output wire [1:0]   m_axi_arburst,
    output wire         m_axi_arlock,
    output wire [3:0]   m_axi_arcache,
    output wire [2:0]   m_axi_arprot,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire         m_axi_rid,
    input  wire [31:0]  m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rlast,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready,
    output wire         utmi_txvalid,
    output wire         utmi_txvalidh,
    input  wire         utmi_txready,
    output wire [7:0]   utmi_txdata,
    input  wire         utmi_rxactive,
    input  wire         utmi_rxvalid,
    input  wire         utmi_rxvalidh,
    input  wire         utmi_rxerror,
    input  wire [7:0]   utmi_rxdata,
    input  wire [1:0]   utmi_linestate,
    output wire [1:0]   utmi_opmode,
    output wire [1:0]   utmi_xcvrselect,
    output wire         utmi_termselect,
    output wire         utmi_suspendm,
    input  wire         utmi_vbusvalid,
    output wire         irq,
    output wire [31:0]  ep_irq,
    output wire [7:0]   trace_valid,
    output wire [511:0] trace_data
);

localparam [17:0]
    REG_SCRATCH = 18'h0,
    REG_INT = 18'h4,
    REG_COUNT = 18'h8,
    REG_SOURCE = 18'h10,
    REG_TARGET = 18'h14,
    REG_WORDS = 18'h18,
    REG_STATUS = 18'h1C,
    REG_TIMER = 18'h20,
    REG_UTMI = 18'h24,
    REG_FIFO = 18'h1000;

// Registers
reg [31:0] scratch_reg = 0;
reg [31:0] int_reg = 0;
reg [31:0] count_reg = 0;
reg [31:0] source_reg = 0;
reg [31:0] target_reg = 0;
reg [4:0] words_reg = 0;
reg [31:0] fifo [0:255];
reg [7:0] fifo_head_reg = 0;
reg [7:0] fifo_tail_reg = 0;

// AXI4-Lite: one access at a time, address and data taken together
reg bvalid_reg = 1'b0;
reg [1:0] bresp_reg = 2'd0;
reg rvalid_reg = 1'b0;
reg [31:0] rdata_reg = 0;
reg [1:0] rresp_reg = 2'd0;

wire write = s_axil_awvalid && s_axil_wvalid && (!bvalid_reg || s_axil_bready);
wire read = s_axil_arvalid && (!rvalid_reg || s_axil_rready);

assign s_axil_awready = write;
assign s_axil_wready = write;
assign s_axil_bvalid = bvalid_reg;
assign s_axil_bresp = bresp_reg;
assign s_axil_arready = read;
assign s_axil_rvalid = rvalid_reg;
assign s_axil_rdata = rdata_reg;
assign s_axil_rresp = rresp_reg;

// UTMI clock domain: a timer and a counter, with a toggle handshake each way
reg [31:0] timer_reg = 0;
reg timer_go_reg = 1'b0;
reg [1:0] timer_go_sync_reg = 2'd0;
reg timer_seen_reg = 1'b0;
reg [31:0] timer_left_reg = 0;
reg timer_done_reg = 1'b0;
reg [2:0] timer_done_sync_reg = 3'd0;
reg [31:0] utmi_count_reg = 0;
reg [31:0] utmi_gray_reg = 0;
reg [31:0] utmi_sync_0_reg = 0;
reg [31:0] utmi_sync_1_reg = 0;

always @(posedge utmi_clk) begin
    utmi_count_reg <= utmi_count_reg + 1;
    utmi_gray_reg <= utmi_count_reg ^ (utmi_count_reg >> 1);
    timer_go_sync_reg <= {timer_go_sync_reg[0], timer_go_reg};
    if (timer_go_sync_reg[1] != timer_seen_reg) begin
        timer_seen_reg <= timer_go_sync_reg[1];
        timer_left_reg <= timer_reg;
    end else if (timer_left_reg != 0) begin
        timer_left_reg <= timer_left_reg - 1;
        if (timer_left_reg == 1) timer_done_reg <= !timer_done_reg;
    end
end

function [31:0] from_gray;
    input [31:0] gray;
    integer i;
    begin
        from_gray[31] = gray[31];
        for (i = 30; i >= 0; i = i - 1) from_gray[i] = from_gray[i+1] ^ gray[i];
    end
endfunction

// Copy engine
localparam [2:0]
    COPY_IDLE = 3'd0,
    COPY_ADDRESS = 3'd1,
    COPY_READ = 3'd2,
    COPY_WADDRESS = 3'd3,
    COPY_WRITE = 3'd4,
    COPY_ANSWER = 3'd5;

reg [2:0] copy_reg = COPY_IDLE;
reg [1:0] copy_resp_reg = 2'd0;
reg [4:0] copy_index_reg = 0;
reg [31:0] copy_data [0:15];

assign m_axi_arid = 1'b0;
assign m_axi_araddr = source_reg;
assign m_axi_arlen = {3'd0, words_reg - 5'd1};
assign m_axi_arsize = 3'd2;
assign m_axi_arburst = 2'd1;
assign m_axi_arlock = 1'b0;
assign m_axi_arcache = 4'd0;
assign m_axi_arprot = 3'd0;
assign m_axi_arvalid = copy_reg == COPY_ADDRESS;
assign m_axi_rready = copy_reg == COPY_READ;
assign m_axi_awid = 1'b0;
assign m_axi_awaddr = target_reg;
assign m_axi_awlen = {3'd0, words_reg - 5'd1};
assign m_axi_awsize = 3'd2;
assign m_axi_awburst = 2'd1;
assign m_axi_awlock = 1'b0;
assign m_axi_awcache = 4'd0;
assign m_axi_awprot = 3'd0;
assign m_axi_awvalid = copy_reg == COPY_WADDRESS;
assign m_axi_wdata = copy_data[copy_index_reg[3:0]];
assign m_axi_wstrb = 4'hF;
assign m_axi_wlast = copy_index_reg == words_reg - 5'd1;
assign m_axi_wvalid = copy_reg == COPY_WRITE;
assign m_axi_bready = copy_reg == COPY_ANSWER;

always @(posedge core_clk) begin
    timer_done_sync_reg <= {timer_done_sync_reg[1:0], timer_done_reg};
    utmi_sync_0_reg <= utmi_gray_reg;
    utmi_sync_1_reg <= utmi_sync_0_reg;
    if (timer_done_sync_reg[2] != timer_done_sync_reg[1]) int_reg[0] <= 1'b1;

    if (s_axil_bready) bvalid_reg <= 1'b0;
    if (s_axil_rready) rvalid_reg <= 1'b0;

    case (copy_reg)
        COPY_ADDRESS: if (m_axi_arready) copy_reg <= COPY_READ;
        COPY_READ: if (m_axi_rvalid) begin
            copy_data[copy_index_reg[3:0]] <= m_axi_rdata;
            copy_index_reg <= copy_index_reg + 5'd1;
            copy_resp_reg <= copy_resp_reg | m_axi_rresp;
            if (m_axi_rlast) begin
                copy_index_reg <= 5'd0;
                copy_reg <= COPY_WADDRESS;
            end
        end
        COPY_WADDRESS: if (m_axi_awready) copy_reg <= COPY_WRITE;
        COPY_WRITE: if (m_axi_wready) begin
            copy_index_reg <= copy_index_reg + 5'd1;
            if (m_axi_wlast) copy_reg <= COPY_ANSWER;
        end
        COPY_ANSWER: if (m_axi_bvalid) begin
            copy_resp_reg <= copy_resp_reg | m_axi_bresp;
            copy_reg <= COPY_IDLE;
            int_reg[0] <= 1'b1;
        end
        default: copy_reg <= COPY_IDLE;
    endcase

    if (write) begin
        bvalid_reg <= 1'b1;
        bresp_reg <= s_axil_awaddr >= 18'h2000 ? 2'd2 : 2'd0;
        case (s_axil_awaddr)
            REG_SCRATCH: scratch_reg <= s_axil_wdata;
            REG_INT: int_reg <= s_axil_wdata;
            REG_SOURCE: source_reg <= s_axil_wdata;
            REG_TARGET: target_reg <= s_axil_wdata;
            REG_WORDS: begin
                words_reg <= s_axil_wdata[4:0];
                copy_index_reg <= 5'd0;
                copy_resp_reg <= 2'd0;
                copy_reg <= COPY_ADDRESS;
            end
            REG_TIMER: begin
                timer_reg <= s_axil_wdata;
                timer_go_reg <= !timer_go_reg;
            end
            REG_FIFO: begin
                fifo[fifo_head_reg] <= s_axil_wdata;
                fifo_head_reg <= fifo_head_reg + 8'd1;
            end
            default: ;
        endcase
    end
    if (read) begin
        rvalid_reg <= 1'b1;
        rresp_reg <= s_axil_araddr >= 18'h2000 ? 2'd2 : 2'd0;
        rdata_reg <= 32'd0;
        case (s_axil_araddr)
            REG_SCRATCH: rdata_reg <= scratch_reg;
            REG_INT: rdata_reg <= int_reg;
            REG_COUNT: rdata_reg <= count_reg;
            REG_SOURCE: rdata_reg <= source_reg;
            REG_TARGET: rdata_reg <= target_reg;
            REG_WORDS: rdata_reg <= {27'd0, words_reg};
            REG_STATUS: rdata_reg <= {26'd0, copy_resp_reg, 3'd0, copy_reg != COPY_IDLE};
            REG_UTMI: rdata_reg <= from_gray(utmi_sync_1_reg);
            REG_FIFO: begin
                rdata_reg <= fifo[fifo_tail_reg];
                fifo_tail_reg <= fifo_tail_reg + 8'd1;
                count_reg <= count_reg + 1;
            end
            default: ;
        endcase
    end

    if (core_rst) begin
        scratch_reg <= 32'd0;
        int_reg <= 32'd0;
        count_reg <= 32'd0;
        fifo_head_reg <= 8'd0;
        fifo_tail_reg <= 8'd0;
        bvalid_reg <= 1'b0;
        rvalid_reg <= 1'b0;
        copy_reg <= COPY_IDLE;
    end
end

assign irq = int_reg[0];
assign ep_irq = {16'd0, int_reg[31:16]};

// Each register write is an event of kind 1, each read one of kind 2.
assign trace_valid = {6'd0, read, write};
assign trace_data = {
    384'd0,
    8'd2, {6'd0, s_axil_araddr}, 32'd0,
    8'd1, {6'd0, s_axil_awaddr}, s_axil_wdata
};

assign utmi_txvalid = 1'b0;
assign utmi_txvalidh = 1'b0;
assign utmi_txdata = 8'd0;
assign utmi_opmode = 2'd1;
assign utmi_xcvrselect = 2'd1;
assign utmi_termselect = 1'b1;
assign utmi_suspendm = 1'b1;

endmodule

`resetall
