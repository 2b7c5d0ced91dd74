// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The asynchronous FIFO under any two clocks: its gray pointers change one bit at a time, what the
// sides see of each other is never ahead of the truth, and it neither overruns nor underruns.
//
// The reset is as the module asks for: both sides together until both have seen all of it.
module prove_cdc_fifo #(
    parameter ADDR_WIDTH = 4
) (
    input wire       wr_clk,
    input wire       rd_clk,
    input wire       wr_rst,
    input wire       rd_rst,
    input wire       wr_valid,
    input wire [1:0] wr_data,
    input wire       rd_ready,
    // the reset ends, as soon as it may
    input wire       begin_now
);

    localparam PTR = ADDR_WIDTH + 1;
    localparam [PTR-1:0] DEPTH = 1 << ADDR_WIDTH;

    (* gclk *) wire step;

    wire       wr_ready;
    wire       rd_valid;
    wire [1:0] rd_data;

    cdc_fifo #(.WIDTH(2), .ADDR_WIDTH(ADDR_WIDTH)) fifo (
        .wr_clk(wr_clk), .wr_rst(wr_rst), .wr_valid(wr_valid), .wr_ready(wr_ready),
        .wr_data(wr_data),
        .rd_clk(rd_clk), .rd_rst(rd_rst), .rd_valid(rd_valid), .rd_ready(rd_ready),
        .rd_data(rd_data)
    );

    (* hierconn *) wire [PTR-1:0] \fifo.wr_bin_reg ;
    (* hierconn *) wire [PTR-1:0] \fifo.wr_gray_reg ;
    (* hierconn *) wire [PTR-1:0] \fifo.rd_bin_reg ;
    (* hierconn *) wire [PTR-1:0] \fifo.rd_gray_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[0].u_wr.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[1].u_wr.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[2].u_wr.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[3].u_wr.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[4].u_wr.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[0].u_rd.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[1].u_rd.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[2].u_rd.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[3].u_rd.stage_reg ;
    (* hierconn *) wire [1:0] \fifo.g_sync[4].u_rd.stage_reg ;

    wire [PTR-1:0] wr_bin = \fifo.wr_bin_reg ;
    wire [PTR-1:0] wr_gray = \fifo.wr_gray_reg ;
    wire [PTR-1:0] rd_bin = \fifo.rd_bin_reg ;
    wire [PTR-1:0] rd_gray = \fifo.rd_gray_reg ;
    // the two stages of the synchronizers, newer and older
    wire [PTR-1:0] wr_newer = {
        \fifo.g_sync[4].u_wr.stage_reg [0], \fifo.g_sync[3].u_wr.stage_reg [0],
        \fifo.g_sync[2].u_wr.stage_reg [0], \fifo.g_sync[1].u_wr.stage_reg [0],
        \fifo.g_sync[0].u_wr.stage_reg [0]};
    wire [PTR-1:0] wr_older = {
        \fifo.g_sync[4].u_wr.stage_reg [1], \fifo.g_sync[3].u_wr.stage_reg [1],
        \fifo.g_sync[2].u_wr.stage_reg [1], \fifo.g_sync[1].u_wr.stage_reg [1],
        \fifo.g_sync[0].u_wr.stage_reg [1]};
    wire [PTR-1:0] rd_newer = {
        \fifo.g_sync[4].u_rd.stage_reg [0], \fifo.g_sync[3].u_rd.stage_reg [0],
        \fifo.g_sync[2].u_rd.stage_reg [0], \fifo.g_sync[1].u_rd.stage_reg [0],
        \fifo.g_sync[0].u_rd.stage_reg [0]};
    wire [PTR-1:0] rd_older = {
        \fifo.g_sync[4].u_rd.stage_reg [1], \fifo.g_sync[3].u_rd.stage_reg [1],
        \fifo.g_sync[2].u_rd.stage_reg [1], \fifo.g_sync[1].u_rd.stage_reg [1],
        \fifo.g_sync[0].u_rd.stage_reg [1]};

    function [PTR-1:0] binary;
        input [PTR-1:0] gray;
        integer i;
        begin
            binary[PTR-1] = gray[PTR-1];
            for (i = PTR - 2; i >= 0; i = i - 1) begin
                binary[i] = binary[i+1] ^ gray[i];
            end
        end
    endfunction

    wire all_zero = {wr_bin, wr_gray, rd_bin, rd_gray, wr_newer, wr_older, rd_newer, rd_older} == 0;
    reg started = 1'b0;
    reg [PTR-1:0] wr_gray_past = {PTR{1'b0}};
    reg [PTR-1:0] rd_gray_past = {PTR{1'b0}};

    wire [PTR-1:0] wr_change = wr_gray ^ wr_gray_past;
    wire [PTR-1:0] rd_change = rd_gray ^ rd_gray_past;

    // words held, and what each side takes for it
    wire [PTR-1:0] held = wr_bin - rd_bin;
    wire [PTR-1:0] wr_sees = wr_bin - binary(rd_older);
    wire [PTR-1:0] wr_will_see = wr_bin - binary(rd_newer);
    wire [PTR-1:0] rd_sees = binary(wr_older) - rd_bin;
    wire [PTR-1:0] rd_will_see = binary(wr_newer) - rd_bin;

`ifdef FORMAL
    always @* begin
        assume (wr_rst == !started);
        assume (rd_rst == !started);
    end

    always @(posedge step) begin
        started <= started || (begin_now && all_zero);
        wr_gray_past <= wr_gray;
        rd_gray_past <= rd_gray;
        if (started) begin
            assert (wr_gray == (wr_bin ^ (wr_bin >> 1)));
            assert (rd_gray == (rd_bin ^ (rd_bin >> 1)));
            // one bit at a time
            assert ((wr_change & (wr_change - 1'b1)) == 0);
            assert ((rd_change & (rd_change - 1'b1)) == 0);
            // neither more than fits nor, as this is unsigned, less than nothing
            assert (held <= DEPTH);
            assert (held <= wr_will_see && wr_will_see <= wr_sees && wr_sees <= DEPTH);
            assert (rd_sees <= rd_will_see && rd_will_see <= held);
            assert (!wr_ready || held < DEPTH);
            assert (!rd_valid || held != 0);
        end
    end
`endif

endmodule

`resetall
