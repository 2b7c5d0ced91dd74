// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Small memory: one write port, one asynchronous read port, no reset. It infers distributed RAM.
module lut_ram #(
    // bits of a word
    parameter WIDTH = 8,
    // bits of an index
    parameter INDEX_WIDTH = 4
) (
    input  wire                   clk,
    input  wire                   we,
    input  wire [INDEX_WIDTH-1:0] write_index,
    input  wire [WIDTH-1:0]       write_data,
    input  wire [INDEX_WIDTH-1:0] read_index,
    output wire [WIDTH-1:0]       read_data
);

    (* ram_style = "distributed" *)
    reg [WIDTH-1:0] memory [0:(1 << INDEX_WIDTH)-1];

    assign read_data = memory[read_index];

    always @(posedge clk) begin
        if (we) begin
            memory[write_index] <= write_data;
        end
    end

endmodule

`resetall
