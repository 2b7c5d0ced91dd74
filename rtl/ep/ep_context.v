// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Endpoint state that is needed for one endpoint at a time, in small memories by context index.
module ep_context #(
    // bits of a context index
    parameter INDEX_WIDTH = 4
) (
    input  wire                   clk,
    input  wire [INDEX_WIDTH-1:0] index,

    // {disable pending, data PID, active, stall, NAK, enabled}
    output wire [5:0]             flags,
    input  wire                   flags_write,
    input  wire [5:0]             flags_data,

    // DxEPCTL storage: {TxFNum[3:0], Snp, EPType[1:0], NextEp[3:0], MPS[10:0]}
    output wire [21:0]            control,
    input  wire                   control_write,
    input  wire [21:0]            control_data,
    // XferSize: IN bytes not yet in the Tx FIFO, OUT bytes of buffer left
    output wire [18:0]            size,
    input  wire                   size_write,
    input  wire [18:0]            size_data,
    // {MC or SUPCnt, PktCnt}
    output wire [11:0]            count,
    input  wire                   count_write,
    input  wire [11:0]            count_data,
    // DMA address
    output wire [31:0]            address,
    input  wire                   address_write,
    input  wire [31:0]            address_data,
    // IN: bytes not yet acknowledged by the host
    output wire [18:0]            unacknowledged,
    input  wire                   unacknowledged_write,
    input  wire [18:0]            unacknowledged_data
);

    lut_ram #(.WIDTH(6), .INDEX_WIDTH(INDEX_WIDTH)) flags_ram (
        .clk(clk), .we(flags_write), .write_index(index), .write_data(flags_data),
        .read_index(index), .read_data(flags)
    );

    lut_ram #(.WIDTH(22), .INDEX_WIDTH(INDEX_WIDTH)) control_ram (
        .clk(clk), .we(control_write), .write_index(index), .write_data(control_data),
        .read_index(index), .read_data(control)
    );

    lut_ram #(.WIDTH(19), .INDEX_WIDTH(INDEX_WIDTH)) size_ram (
        .clk(clk), .we(size_write), .write_index(index), .write_data(size_data),
        .read_index(index), .read_data(size)
    );

    lut_ram #(.WIDTH(12), .INDEX_WIDTH(INDEX_WIDTH)) count_ram (
        .clk(clk), .we(count_write), .write_index(index), .write_data(count_data),
        .read_index(index), .read_data(count)
    );

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(INDEX_WIDTH)) address_ram (
        .clk(clk), .we(address_write), .write_index(index), .write_data(address_data),
        .read_index(index), .read_data(address)
    );

    lut_ram #(.WIDTH(19), .INDEX_WIDTH(INDEX_WIDTH)) unacknowledged_ram (
        .clk(clk), .we(unacknowledged_write), .write_index(index),
        .write_data(unacknowledged_data), .read_index(index), .read_data(unacknowledged)
    );

endmodule

`resetall
