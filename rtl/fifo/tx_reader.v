// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Feeds the words of the packet being sent from the packet RAM to the USB side. The reader has
// its own position, so what it has read is still in the FIFO until the host acknowledges it.
module tx_reader #(
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12
) (
    input  wire                     clk,
    input  wire                     rst,

    // begin at `start_address` in the FIFO [base, base + depth), words may be 0
    input  wire                     start,
    input  wire [ADDRESS_WIDTH-1:0] start_address,
    input  wire [31:0]              size,
    input  wire [8:0]               words,
    // forget the rest (bus reset)
    input  wire                     stop,

    // read port of the packet RAM; not granted while the port writes
    output wire [ADDRESS_WIDTH-1:0] ram_address,
    input  wire                     ram_granted,
    input  wire [31:0]              ram_data,

    output wire                     tx_valid,
    input  wire                     tx_ready,
    output wire [31:0]              tx_data
);

    localparam A = ADDRESS_WIDTH;

    reg [A-1:0] address_reg;
    reg [A-1:0] base_reg;
    reg [A-1:0] end_reg;
    reg [8:0]   left_reg;
    reg         valid_reg;

    wire take = valid_reg && tx_ready;
    wire [A-1:0] above = address_reg + 1'b1;
    wire [A-1:0] behind = (above == end_reg) ? base_reg : above;
    wire [A-1:0] address_next = take ? behind : address_reg;
    wire [8:0]   left_next = take ? left_reg - 1'b1 : left_reg;

    // a ring that crosses the end of its FIFO starts at the wrapped address
    wire [A-1:0] base = size[A-1:0];

    wire unused_ok = &{1'b0, size, 1'b0};

    assign ram_address = address_next;
    assign tx_valid = valid_reg;
    assign tx_data = ram_data;

    always @(posedge clk) begin
        address_reg <= address_next;
        left_reg <= left_next;
        valid_reg <= ram_granted && (left_next != 9'd0);
        if (start) begin
            address_reg <= start_address;
            base_reg <= base;
            end_reg <= base + size[16+A-1:16];
            left_reg <= words;
            valid_reg <= 1'b0;
        end
        if (rst || stop) begin
            left_reg <= 9'd0;
            valid_reg <= 1'b0;
        end
    end

endmodule

`resetall
