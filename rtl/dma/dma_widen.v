// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Words of a DMA job on a data path of 64 bits: two words share a beat. A job may begin in the
// upper half of a beat and end in the lower one; every burst in between ends with an upper half.
module dma_widen (
    input  wire        clk,
    input  wire        rst,

    // a job begins: address of its first word is odd; words less one
    input  wire        start,
    input  wire        start_odd,
    input  wire [7:0]  start_words,

    // burst: the word address is odd, words less one, beats less one; `odd` follows the words
    // that are written
    input  wire        odd,
    input  wire [7:0]  words,
    output wire [7:0]  beats,

    // words
    input  wire        write_valid,
    output wire        write_ready,
    input  wire [31:0] write_data,
    input  wire [3:0]  write_strobes,
    input  wire        write_last,
    output wire        read_valid,
    output wire [31:0] read_data,
    // the last word of a burst
    output wire        read_last,

    // beats
    output wire [63:0] m_axi_wdata,
    output wire [7:0]  m_axi_wstrb,
    output wire        m_axi_wvalid,
    input  wire        m_axi_wready,
    input  wire [63:0] m_axi_rdata,
    input  wire        m_axi_rlast,
    input  wire        m_axi_rvalid,
    output wire        m_axi_rready
);

    reg [31:0] low_reg;
    reg        low_valid_reg;
    reg        upper_reg;
    reg [7:0]  left_reg;

    wire [8:0] halves = {1'b0, words} + {8'd0, odd};
    wire       beat_full = odd || write_last;

    wire unused_ok = &{1'b0, halves[0], 1'b0};

    assign beats = halves[8:1];

    assign write_ready = m_axi_wready || !beat_full;
    assign m_axi_wvalid = write_valid && beat_full;
    assign m_axi_wdata = {write_data, low_valid_reg ? low_reg : write_data};
    assign m_axi_wstrb = odd ? {write_strobes, {4{low_valid_reg}}} : {4'b0000, write_strobes};

    assign read_valid = m_axi_rvalid;
    assign read_data = upper_reg ? m_axi_rdata[63:32] : m_axi_rdata[31:0];
    assign m_axi_rready = upper_reg || (left_reg == 8'd0);
    assign read_last = m_axi_rlast && m_axi_rready;

    always @(posedge clk) begin
        if (write_valid && write_ready) begin
            low_reg <= write_data;
            low_valid_reg <= !beat_full;
        end
        if (m_axi_rvalid) begin
            upper_reg <= !upper_reg;
            left_reg <= left_reg - 1'b1;
        end
        if (start) begin
            low_valid_reg <= 1'b0;
            upper_reg <= start_odd;
            left_reg <= start_words;
        end
        if (rst) begin
            upper_reg <= 1'b0;
            left_reg <= 8'd0;
            low_valid_reg <= 1'b0;
        end
    end

endmodule

`resetall
