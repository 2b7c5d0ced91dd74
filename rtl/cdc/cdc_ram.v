// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Storage of the asynchronous FIFO: one write port, one unclocked read port, no reset, so that it
// maps onto distributed RAM. Meant for a few dozen words; packet memory lives elsewhere.
module cdc_ram #(
    // Bits of a word.
    parameter WIDTH = 32,
    // Bits of an address; 4 is what one distributed RAM cell of the usual FPGAs holds.
    parameter ADDR_WIDTH = 4
) (
    input  wire                  wr_clk,
    input  wire                  wr_en,
    input  wire [ADDR_WIDTH-1:0] wr_addr,
    input  wire [WIDTH-1:0]      wr_data,
    input  wire [ADDR_WIDTH-1:0] rd_addr,
    output wire [WIDTH-1:0]      rd_data
);

    (* ram_style = "distributed" *)
    reg [WIDTH-1:0] memory [0:(1<<ADDR_WIDTH)-1];

    always @(posedge wr_clk) if (wr_en) memory[wr_addr] <= wr_data;

    assign rd_data = memory[rd_addr];

endmodule

`resetall
