// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Packet RAM: two ports, synchronous read, no reset. A port that writes keeps its read data.
// The FIFO logic never touches one address from both ports in the same clock.
module fifo_ram #(
    // size in 32-bit words, a power of two
    parameter WORDS = 4096,
    // bits of a word address
    parameter ADDRESS_WIDTH = 12
) (
    input  wire                     clk,

    // port A: the USB side
    input  wire                     a_write,
    input  wire [ADDRESS_WIDTH-1:0] a_address,
    input  wire [31:0]              a_write_data,
    output wire [31:0]              a_read_data,

    // port B: the bus side
    input  wire                     b_write,
    input  wire [ADDRESS_WIDTH-1:0] b_address,
    input  wire [31:0]              b_write_data,
    output wire [31:0]              b_read_data
);

    (* ram_style = "block", no_rw_check *)
    reg [31:0] memory [0:WORDS-1];

    reg [31:0] a_data_reg;
    reg [31:0] b_data_reg;

    assign a_read_data = a_data_reg;
    assign b_read_data = b_data_reg;

    always @(posedge clk) begin
        if (a_write) begin
            memory[a_address] <= a_write_data;
        end else begin
            a_data_reg <= memory[a_address];
        end
    end

    always @(posedge clk) begin
        if (b_write) begin
            memory[b_address] <= b_write_data;
        end else begin
            b_data_reg <= memory[b_address];
        end
    end

endmodule

`resetall
