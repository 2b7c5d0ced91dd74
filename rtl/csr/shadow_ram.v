// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Read-back copy of the plain read/write registers: one write port, one synchronous read port,
// no reset (the start-up sequence of the core writes the reset values).
module shadow_ram #(
    // bits of a register index
    parameter INDEX_WIDTH = 6
) (
    input  wire                   clk,
    input  wire                   we,
    input  wire [INDEX_WIDTH-1:0] write_index,
    input  wire [31:0]            write_data,
    input  wire [INDEX_WIDTH-1:0] read_index,
    output wire [31:0]            read_data
);

    (* ram_style = "block", no_rw_check *)
    reg [31:0] memory [0:(1 << INDEX_WIDTH)-1];
    reg [31:0] data_reg;

    assign read_data = data_reg;

    always @(posedge clk) begin
        if (we) begin
            memory[write_index] <= write_data;
        end
        data_reg <= memory[read_index];
    end

endmodule

`resetall
