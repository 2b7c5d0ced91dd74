// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The one receive FIFO, from word 0 of the packet RAM: status words, each followed by the data of
// its packet. A packet is written behind a gap for its status word while it is on the wire, and
// appears as a whole at the commit; without a commit it has never been there.
module rx_fifo #(
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12
) (
    input  wire                     clk,
    input  wire                     rst,

    // empties the FIFO
    input  wire                     flush,
    // GRXFSIZ in words
    input  wire [15:0]              depth,

    // packet from the wire: open (with the most words that may follow), words, commit or drop
    input  wire                     open,
    input  wire [8:0]               open_limit,
    input  wire                     word_valid,
    input  wire [31:0]              word_data,
    input  wire                     commit,
    input  wire [31:0]              commit_status,
    input  wire                     drop,
    output wire                     is_open,
    // more words than open_limit arrived: the packet must not be committed
    output wire                     overflow,

    // status word without data; not together with a word, and not behind one of an open packet
    input  wire                     push,
    input  wire [31:0]              push_status,

    // words that may still be committed
    output wire [15:0]              free,
    output wire [15:0]              used,

    // write port of the packet RAM
    output wire                     ram_write,
    output wire [ADDRESS_WIDTH-1:0] ram_write_address,
    output wire [31:0]              ram_write_data,

    // reader: address to fetch in this clock so that the head is there in the next one
    input  wire                     pop,
    output wire [ADDRESS_WIDTH-1:0] read_address
);

    reg [ADDRESS_WIDTH-1:0] write_reg;
    reg [ADDRESS_WIDTH-1:0] ahead_reg;
    reg [ADDRESS_WIDTH-1:0] read_reg;
    reg [15:0]              used_reg;
    reg [15:0]              free_reg;
    reg [8:0]               left_reg;
    // words of the packet with its status word
    reg [8:0]               count_reg;
    reg                     open_reg;
    reg                     overflow_reg;

    wire [ADDRESS_WIDTH-1:0] last = depth[ADDRESS_WIDTH-1:0] - 1'b1;

    // the pointer behind `pointer` in a ring that ends at `last`
    function [ADDRESS_WIDTH-1:0] behind;
        input [ADDRESS_WIDTH-1:0] pointer;
        input [ADDRESS_WIDTH-1:0] last_word;
        behind = (pointer == last_word) ? {ADDRESS_WIDTH{1'b0}} : pointer + 1'b1;
    endfunction

    wire take = word_valid && open_reg && (left_reg != 9'd0);
    wire add_commit = commit && open_reg;
    wire at_gap = add_commit || push;

    wire [ADDRESS_WIDTH-1:0] write_behind = behind(write_reg, last);
    wire [ADDRESS_WIDTH-1:0] read_behind = behind(read_reg, last);
    wire [15:0] used_more = used_reg + {7'd0, (count_reg & {9{add_commit}}) | {8'd0, push}};

    assign is_open = open_reg;
    assign overflow = overflow_reg;
    assign free = free_reg;
    assign used = used_reg;
    assign read_address = pop ? read_behind : read_reg;

    assign ram_write = take || at_gap;
    assign ram_write_address = at_gap ? write_reg : ahead_reg;
    assign ram_write_data = add_commit ? commit_status : push ? push_status : word_data;

    always @(posedge clk) begin
        if (pop) begin
            read_reg <= read_behind;
        end
        if (open) begin
            open_reg <= 1'b1;
            overflow_reg <= 1'b0;
            ahead_reg <= write_behind;
            left_reg <= open_limit;
            count_reg <= 9'd1;
        end
        if (take) begin
            ahead_reg <= behind(ahead_reg, last);
            left_reg <= left_reg - 1'b1;
            count_reg <= count_reg + 1'b1;
        end
        if (word_valid && open_reg && (left_reg == 9'd0)) begin
            overflow_reg <= 1'b1;
        end
        if (add_commit) begin
            write_reg <= ahead_reg;
            open_reg <= 1'b0;
        end else if (push) begin
            write_reg <= write_behind;
            // a packet that was opened in the clock before (it has no words yet) moves on
            ahead_reg <= behind(ahead_reg, last);
        end
        if (drop) begin
            open_reg <= 1'b0;
        end
        used_reg <= used_more - {15'd0, pop};
        // a pop counts one clock later: its decision comes late in the clock
        free_reg <= depth - used_more;

        if (rst || flush) begin
            write_reg <= {ADDRESS_WIDTH{1'b0}};
            read_reg <= {ADDRESS_WIDTH{1'b0}};
            used_reg <= 16'd0;
            free_reg <= 16'd0;
            open_reg <= 1'b0;
        end
    end

endmodule

`resetall
