// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Asynchronous FIFO with gray-coded pointers.
//
// A word is offered at the read side at most two read clocks after the write clock edge that took
// it. Either clock may stop at any time: the other side then sees "full" or "empty" and nothing
// else. Both resets must be active together for at least three periods of the slower clock
// (usb2_link's reset handshake sees to that); each side then starts empty.
module cdc_fifo #(
    // Bits of a word.
    parameter WIDTH = 32,
    // The FIFO holds 2**ADDR_WIDTH words.
    parameter ADDR_WIDTH = 4
) (
    input  wire             wr_clk,
    input  wire             wr_rst,
    input  wire             wr_valid,
    output wire             wr_ready,
    input  wire [WIDTH-1:0] wr_data,

    input  wire             rd_clk,
    input  wire             rd_rst,
    output wire             rd_valid,
    input  wire             rd_ready,
    output wire [WIDTH-1:0] rd_data
);

    localparam PTR = ADDR_WIDTH + 1;

    // The two top bits of a gray pointer inverted: the same place one round earlier, that is full.
    localparam [PTR-1:0] LAP = {2'b11, {(PTR-2){1'b0}}};

    reg [PTR-1:0] wr_bin_reg;
    reg [PTR-1:0] wr_gray_reg;
    reg [PTR-1:0] rd_bin_reg;
    reg [PTR-1:0] rd_gray_reg;

    wire [PTR-1:0] wr_gray_sync;
    wire [PTR-1:0] rd_gray_sync;

    wire [PTR-1:0] wr_bin_next = wr_bin_reg + {{(PTR-1){1'b0}}, 1'b1};
    wire [PTR-1:0] rd_bin_next = rd_bin_reg + {{(PTR-1){1'b0}}, 1'b1};

    assign wr_ready = wr_gray_reg != (rd_gray_sync ^ LAP);
    assign rd_valid = rd_gray_reg != wr_gray_sync;

    wire wr_take = wr_valid && wr_ready;
    wire rd_take = rd_valid && rd_ready;

    always @(posedge wr_clk) begin
        if (wr_rst) begin
            wr_bin_reg  <= {PTR{1'b0}};
            wr_gray_reg <= {PTR{1'b0}};
        end else if (wr_take) begin
            wr_bin_reg  <= wr_bin_next;
            wr_gray_reg <= wr_bin_next ^ (wr_bin_next >> 1);
        end
    end

    always @(posedge rd_clk) begin
        if (rd_rst) begin
            rd_bin_reg  <= {PTR{1'b0}};
            rd_gray_reg <= {PTR{1'b0}};
        end else if (rd_take) begin
            rd_bin_reg  <= rd_bin_next;
            rd_gray_reg <= rd_bin_next ^ (rd_bin_next >> 1);
        end
    end

    // At most one bit of a gray pointer changes per step, so the bits may be synchronized singly.
    genvar i;
    generate
        for (i = 0; i < PTR; i = i + 1) begin : g_sync
            cdc_sync u_wr (.clk(rd_clk), .d(wr_gray_reg[i]), .q(wr_gray_sync[i]));
            cdc_sync u_rd (.clk(wr_clk), .d(rd_gray_reg[i]), .q(rd_gray_sync[i]));
        end
    endgenerate

    cdc_ram #(
        .WIDTH(WIDTH),
        .ADDR_WIDTH(ADDR_WIDTH)
    ) u_ram (
        .wr_clk (wr_clk),
        .wr_en  (wr_take),
        .wr_addr(wr_bin_reg[ADDR_WIDTH-1:0]),
        .wr_data(wr_data),
        .rd_addr(rd_bin_reg[ADDR_WIDTH-1:0]),
        .rd_data(rd_data)
    );

endmodule

`resetall
