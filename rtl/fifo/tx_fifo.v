// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// State of the dedicated Tx FIFOs, indexed: size, words held, write and acknowledge position.
// Words stay until the host has acknowledged them, so a packet can be sent again from the
// acknowledge position (rewind) as often as it takes.
//
// An update takes two clocks: `load` reads the state of FIFO `index` into registers, one of the
// update strobes in the following clock writes it back.
module tx_fifo #(
    // number of FIFOs
    parameter FIFOS = 8,
    // bits of a FIFO index
    parameter INDEX_WIDTH = 3,
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire [INDEX_WIDTH-1:0]   index,
    input  wire                     load,

    // updates: new size (empties), flush, words added at the end, words acknowledged at the front
    input  wire                     set_size,
    input  wire [31:0]              size,
    input  wire                     flush,
    input  wire                     fill,
    input  wire                     release_words,
    input  wire [8:0]               words,

    // loaded state
    output wire [31:0]              loaded_size,
    output wire [15:0]              loaded_used,
    output wire [15:0]              loaded_free,
    output wire [ADDRESS_WIDTH-1:0] loaded_front,
    output wire [ADDRESS_WIDTH-1:0] loaded_end,

    // levels of all FIFOs: no word held, at least half empty
    output wire [FIFOS-1:0]         empty,
    output wire [FIFOS-1:0]         half_empty
);

    localparam A = ADDRESS_WIDTH;

    wire [31:0] size_data;
    wire [A:0]  used_data;
    wire [A-1:0] front_data;
    wire [A-1:0] end_data;

    reg  [31:0] size_reg;
    reg  [A:0]  used_reg;
    reg  [A-1:0] front_reg;
    reg  [A-1:0] end_reg;
    reg  [15:0] free_reg;
    reg  [FIFOS-1:0] empty_reg;
    reg  [FIFOS-1:0] half_reg;

    wire clear = set_size || flush;
    wire change = clear || fill || release_words;

    // one ring adder serves both ends
    wire [A:0] pointer = release_words ? {1'b0, front_reg} : {1'b0, end_reg};
    wire [A:0] sum = pointer + {{(A-8){1'b0}}, words};
    wire [A:0] wrapped = sum - size_reg[16+A:16];
    wire [A-1:0] moved = (sum >= size_reg[16+A:16]) ? wrapped[A-1:0] : sum[A-1:0];
    wire unused_ok = &{1'b0, wrapped[A], 1'b0};

    wire [A:0] used_next = clear ? {(A+1){1'b0}}
                         : release_words ? used_reg - {{(A-8){1'b0}}, words}
                         : used_reg + {{(A-8){1'b0}}, words};

    assign loaded_size = size_reg;
    assign loaded_used = {{(15-A){1'b0}}, used_reg};
    assign loaded_free = free_reg;
    assign loaded_front = size_reg[A-1:0] + front_reg;
    assign loaded_end = size_reg[A-1:0] + end_reg;
    assign empty = empty_reg;
    assign half_empty = half_reg;

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(INDEX_WIDTH)) size_ram (
        .clk(clk), .we(set_size), .write_index(index), .write_data(size),
        .read_index(index), .read_data(size_data)
    );

    lut_ram #(.WIDTH(A + 1), .INDEX_WIDTH(INDEX_WIDTH)) used_ram (
        .clk(clk), .we(change), .write_index(index), .write_data(used_next),
        .read_index(index), .read_data(used_data)
    );

    lut_ram #(.WIDTH(A), .INDEX_WIDTH(INDEX_WIDTH)) front_ram (
        .clk(clk), .we(clear || release_words), .write_index(index),
        .write_data(clear ? {A{1'b0}} : moved), .read_index(index), .read_data(front_data)
    );

    lut_ram #(.WIDTH(A), .INDEX_WIDTH(INDEX_WIDTH)) end_ram (
        .clk(clk), .we(clear || fill), .write_index(index),
        .write_data(clear ? {A{1'b0}} : moved), .read_index(index), .read_data(end_data)
    );

    always @(posedge clk) begin
        if (load) begin
            size_reg <= size_data;
            used_reg <= used_data;
            front_reg <= front_data;
            end_reg <= end_data;
            free_reg <= size_data[31:16] - {{(15-A){1'b0}}, used_data};
        end
        if (change) begin
            empty_reg[index] <= (used_next == {(A+1){1'b0}});
            half_reg[index] <= (used_next <= {1'b0, size_reg[16+A:17]}) || clear;
        end
        if (rst) begin
            empty_reg <= {FIFOS{1'b1}};
            half_reg <= {FIFOS{1'b1}};
        end
    end

endmodule

`resetall
