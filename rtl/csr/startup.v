// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Memories have no reset: after a reset this counter walks through all of them and writes their
// reset values, one index per clock. The core does nothing else until it has finished.
module startup #(
    parameter FIFO_WORDS = 4096,
    parameter NUM_IN_EPS = 7,
    parameter DEDICATED_FIFO = 1
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

    `include "udc_regs.vh"

    localparam RX_WORDS = FIFO_WORDS / 4;
    localparam FIFO0_WORDS = FIFO_WORDS / 16;
    localparam FIFON_WORDS = (NUM_IN_EPS > 11) ? FIFO_WORDS / 32 : FIFO_WORDS / 16;

    reg        active_reg;
    reg        hard_reg;
    reg [6:0]  index_reg;
    reg [15:0] base_reg;
    reg [31:0] shadow_value;

    wire [15:0] depth = (index_reg == 7'd0) ? FIFO0_WORDS[15:0] : FIFON_WORDS[15:0];
    wire keep = (index_reg == {GUSBCFG_OFFSET[11], GUSBCFG_OFFSET[7:2]})
                || (index_reg == {GUID_OFFSET[11], GUID_OFFSET[7:2]});

    assign active = active_reg;
    assign index = index_reg;
    assign shadow_write = active_reg && (hard_reg || !keep);
    assign shadow_data = shadow_value;
    assign fifo_size = {depth, base_reg};

    always @* begin
        case (index_reg)
            {GUSBCFG_OFFSET[11], GUSBCFG_OFFSET[7:2]}: shadow_value = GUSBCFG_RESET;
            {GRXFSIZ_OFFSET[11], GRXFSIZ_OFFSET[7:2]}: shadow_value = RX_WORDS[31:0];
            {DCFG_OFFSET[11], DCFG_OFFSET[7:2]}: shadow_value = DCFG_RESET;
            {DCTL_OFFSET[11], DCTL_OFFSET[7:2]}: shadow_value = DCTL_RESET;
            {DVBUSDIS_OFFSET[11], DVBUSDIS_OFFSET[7:2]}: shadow_value = DVBUSDIS_RESET;
            {DVBUSPULSE_OFFSET[11], DVBUSPULSE_OFFSET[7:2]}: shadow_value = DVBUSPULSE_RESET;
            // DTKNQR3 in the shared scheme
            {DTHRCTL_OFFSET[11], DTHRCTL_OFFSET[7:2]}:
                shadow_value = (DEDICATED_FIFO != 0) ? DTHRCTL_RESET : 32'd0;
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
