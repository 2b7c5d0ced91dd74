// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Memories have no reset: after a reset this counter walks through all of them and writes their
// reset values, one index per clock. The core does nothing else until it has finished.
module startup #(
    parameter FIFO_WORDS = 4096,
    parameter NUM_IN_EPS = 7
) (
    input  wire        clk,
    // hardware reset, and core soft reset (GUSBCFG and GUID keep their values)
    input  wire        rst,
    input  wire        soft_reset,

    output wire        active,
    output wire [6:0]  index,
    // the shadow RAM is written with reset values
    output wire        shadow_write,
    output wire [31:0] shadow_data,
    // place of Tx FIFO `index`
    output wire [31:0] fifo_size
);

    localparam RX_WORDS = FIFO_WORDS / 4;
    localparam FIFO0_WORDS = FIFO_WORDS / 16;
    localparam FIFON_WORDS = (NUM_IN_EPS > 11) ? FIFO_WORDS / 32 : FIFO_WORDS / 16;

    reg        active_reg;
    reg        hard_reg;
    reg [6:0]  index_reg;
    reg [15:0] base_reg;
    reg [31:0] shadow_value;

    wire [15:0] depth = (index_reg == 7'd0) ? FIFO0_WORDS[15:0] : FIFON_WORDS[15:0];
    // indexes 0x03 and 0x0F are GUSBCFG and GUID
    wire keep = (index_reg == 7'h03) || (index_reg == 7'h0F);

    assign active = active_reg;
    assign index = index_reg;
    assign shadow_write = active_reg && (hard_reg || !keep);
    assign shadow_data = shadow_value;
    assign fifo_size = {depth, base_reg};

    always @* begin
        case (index_reg)
            7'h03: shadow_value = 32'h0000_1400;         // GUSBCFG
            7'h09: shadow_value = RX_WORDS[31:0];        // GRXFSIZ
            7'h40: shadow_value = 32'h0810_0000;         // DCFG
            7'h41: shadow_value = 32'h0000_2002;         // DCTL
            7'h4A: shadow_value = 32'h0000_17D7;         // DVBUSDIS
            7'h4B: shadow_value = 32'h0000_05B8;         // DVBUSPULSE
            7'h4C: shadow_value = 32'h0802_0020;         // DTHRCTL
            default: shadow_value = 32'h0000_0000;
        endcase
    end

    always @(posedge clk) begin
        if (active_reg) begin
            index_reg <= index_reg + 1'b1;
            base_reg <= base_reg + depth;
            if (index_reg == 7'h7F) begin
                active_reg <= 1'b0;
            end
        end
        if (rst || soft_reset) begin
            active_reg <= 1'b1;
            hard_reg <= rst;
            index_reg <= 7'd0;
            base_reg <= RX_WORDS[15:0];
        end
    end

endmodule

`resetall
