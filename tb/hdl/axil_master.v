// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite master driven by the queue in c/axil.c: single words or bursts of words at one offset,
// back to back unless pauses are switched on. Simulation only.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module axil_master #
(
    // Width of the byte address
    parameter ADDR_WIDTH = 18
)
(
    input  wire                  clk,

    // Reset that the testbench asks for (besides power-on)
    output wire                  reset_request,

    output wire [ADDR_WIDTH-1:0] m_axil_awaddr,
    output wire                  m_axil_awvalid,
    input  wire                  m_axil_awready,
    output wire [31:0]           m_axil_wdata,
    output wire [3:0]            m_axil_wstrb,
    output wire                  m_axil_wvalid,
    input  wire                  m_axil_wready,
    input  wire [1:0]            m_axil_bresp,
    input  wire                  m_axil_bvalid,
    output wire                  m_axil_bready,
    output wire [ADDR_WIDTH-1:0] m_axil_araddr,
    output wire                  m_axil_arvalid,
    input  wire                  m_axil_arready,
    input  wire [31:0]           m_axil_rdata,
    input  wire [1:0]            m_axil_rresp,
    input  wire                  m_axil_rvalid,
    output wire                  m_axil_rready
);

localparam [1:0]
    KIND_NONE  = 2'd0,
    KIND_READ  = 2'd1,
    KIND_WRITE = 2'd2,
    KIND_RESET = 2'd3;

reg [1:0] kind_reg = KIND_NONE;
reg [ADDR_WIDTH-1:0] addr_reg = 0;
reg pauses_reg = 1'b0;

// Beats whose address (AW or AR), whose data (W) and whose answer (B or R) are outstanding
reg [31:0] addr_left_reg = 0;
reg [31:0] data_left_reg = 0;
reg [31:0] answer_left_reg = 0;
reg [31:0] data_index_reg = 0;
reg [31:0] addr_gap_reg = 0;
reg [31:0] data_gap_reg = 0;
reg [31:0] answer_gap_reg = 0;
reg [1:0] resp_reg = 2'd0;

reg awvalid_reg = 1'b0;
reg wvalid_reg = 1'b0;
reg [31:0] wdata_reg = 0;
reg arvalid_reg = 1'b0;
reg bready_reg = 1'b0;
reg rready_reg = 1'b0;

assign reset_request = kind_reg == KIND_RESET;
assign m_axil_awaddr = addr_reg;
assign m_axil_awvalid = awvalid_reg;
assign m_axil_wdata = wdata_reg;
assign m_axil_wstrb = 4'hF;
assign m_axil_wvalid = wvalid_reg;
assign m_axil_bready = bready_reg;
assign m_axil_araddr = addr_reg;
assign m_axil_arvalid = arvalid_reg;
assign m_axil_rready = rready_reg;

// Scratch: blocking assignments, read only where they were just written.
/* verilator lint_off BLKSEQ */
reg [31:0] words;
reg [31:0] gap;
reg [31:0] ignored;

always @(posedge clk) begin
    case (kind_reg)
        KIND_NONE: begin
            words = `PF_CALL(pf_axil_next)(0);
            if (words != 0) begin
                kind_reg <= words[1:0];
                gap = `PF_CALL(pf_axil_field)(1);
                addr_reg <= gap[ADDR_WIDTH-1:0];
                gap = `PF_CALL(pf_axil_field)(4);
                pauses_reg <= gap[0];
                gap = `PF_CALL(pf_axil_field)(2);
                addr_left_reg <= gap;
                data_left_reg <= gap;
                answer_left_reg <= gap;
                data_index_reg <= 0;
                addr_gap_reg <= 0;
                data_gap_reg <= 0;
                answer_gap_reg <= 0;
                resp_reg <= 2'd0;
                // The first beat goes out at once.
                if (words[1:0] == KIND_READ) begin
                    arvalid_reg <= 1'b1;
                    rready_reg <= 1'b1;
                end
                if (words[1:0] == KIND_WRITE) begin
                    awvalid_reg <= 1'b1;
                    wvalid_reg <= 1'b1;
                    wdata_reg <= `PF_CALL(pf_axil_wdata)(0);
                    bready_reg <= 1'b1;
                end
            end
        end
        KIND_READ: begin
            if (arvalid_reg && m_axil_arready) begin
                addr_left_reg <= addr_left_reg - 1;
                gap = 0;
                if (pauses_reg) gap = `PF_CALL(pf_axil_gap)(0);
                addr_gap_reg <= gap;
                arvalid_reg <= addr_left_reg != 1 && gap == 0;
            end else if (!arvalid_reg && addr_left_reg != 0) begin
                if (addr_gap_reg == 1) arvalid_reg <= 1'b1;
                addr_gap_reg <= addr_gap_reg - 1;
            end
            if (rready_reg && m_axil_rvalid) begin
                ignored = `PF_CALL(pf_axil_rdata)(data_index_reg, m_axil_rdata);
                data_index_reg <= data_index_reg + 1;
                answer_left_reg <= answer_left_reg - 1;
                resp_reg <= resp_reg | m_axil_rresp;
                gap = 0;
                if (pauses_reg) gap = `PF_CALL(pf_axil_gap)(1);
                answer_gap_reg <= gap;
                rready_reg <= answer_left_reg != 1 && gap == 0;
                if (answer_left_reg == 1) begin
                    ignored = `PF_CALL(pf_axil_done)({30'd0, resp_reg | m_axil_rresp});
                    kind_reg <= KIND_NONE;
                end
            end else if (!rready_reg) begin
                if (answer_gap_reg <= 1) rready_reg <= 1'b1;
                answer_gap_reg <= answer_gap_reg - 1;
            end
        end
        KIND_WRITE: begin
            if (awvalid_reg && m_axil_awready) begin
                addr_left_reg <= addr_left_reg - 1;
                gap = 0;
                if (pauses_reg) gap = `PF_CALL(pf_axil_gap)(2);
                addr_gap_reg <= gap;
                awvalid_reg <= addr_left_reg != 1 && gap == 0;
            end else if (!awvalid_reg && addr_left_reg != 0) begin
                if (addr_gap_reg == 1) awvalid_reg <= 1'b1;
                addr_gap_reg <= addr_gap_reg - 1;
            end
            if (wvalid_reg && m_axil_wready) begin
                data_left_reg <= data_left_reg - 1;
                data_index_reg <= data_index_reg + 1;
                if (data_left_reg != 1)
                    wdata_reg <= `PF_CALL(pf_axil_wdata)(data_index_reg + 1);
                gap = 0;
                if (pauses_reg) gap = `PF_CALL(pf_axil_gap)(3);
                data_gap_reg <= gap;
                wvalid_reg <= data_left_reg != 1 && gap == 0;
            end else if (!wvalid_reg && data_left_reg != 0) begin
                if (data_gap_reg == 1) wvalid_reg <= 1'b1;
                data_gap_reg <= data_gap_reg - 1;
            end
            if (bready_reg && m_axil_bvalid) begin
                answer_left_reg <= answer_left_reg - 1;
                resp_reg <= resp_reg | m_axil_bresp;
                gap = 0;
                if (pauses_reg) gap = `PF_CALL(pf_axil_gap)(4);
                answer_gap_reg <= gap;
                bready_reg <= answer_left_reg != 1 && gap == 0;
                if (answer_left_reg == 1) begin
                    ignored = `PF_CALL(pf_axil_done)({30'd0, resp_reg | m_axil_bresp});
                    kind_reg <= KIND_NONE;
                end
            end else if (!bready_reg) begin
                if (answer_gap_reg <= 1) bready_reg <= 1'b1;
                answer_gap_reg <= answer_gap_reg - 1;
            end
        end
        KIND_RESET: begin
            addr_left_reg <= addr_left_reg - 1;
            if (addr_left_reg <= 1) begin
                ignored = `PF_CALL(pf_axil_done)(0);
                kind_reg <= KIND_NONE;
            end
        end
    endcase
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
