// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Memories have no reset: after a reset this counter walks through all of them and writes their
// reset values, one index per clock. The core does nothing else until it has finished.
module startup #(
    parameter FIFO_WORDS = 4096,
    parameter NUM_IN_EPS = 7,
    parameter DEDICATED_FIFO = 1,
    parameter SOFT_DISCONNECT = 1
) (
    input  wire        clk,
    // hardware reset, and core soft reset (GUSBCFG and GUID keep their values)
    input  wire        rst,
    input  wire        soft_reset,

    output wire        active,
    output wire [7:0]  index,
    // the shadow RAM is written with reset values
    output wire        shadow_write,
    output wire [31:0] shadow_data,
    // place of Tx FIFO `index[3:0]`
    output wire [31:0] fifo_size
);

    `include "udc_regs.vh"

    localparam RX_WORDS = FIFO_WORDS / 4;
    localparam [31:0] FIFO0_SIZE = {FIFO_WORDS[19:4], RX_WORDS[15:0]};
    // DIEPTXFn that exist
    localparam [15:0] SIZES = (16'd1 << NUM_IN_EPS) - 16'd1 << 1;
    // FIFOs follow the Rx FIFO in units of this; FIFO 0 always has a sixteenth of the RAM
    localparam SMALL = (NUM_IN_EPS > 11);
    localparam UNIT = SMALL ? FIFO_WORDS / 32 : FIFO_WORDS / 16;

    reg        active_reg;
    reg        hard_reg;
    reg [7:0]  index_reg;
    reg [31:0] shadow_value;

    wire [3:0] fifo = index_reg[3:0];
    wire       first = (fifo == 4'd0);
    wire [4:0] units = {1'b0, fifo} + (!SMALL ? 5'd4 : first ? 5'd8 : 5'd9);
    wire [15:0] base = {11'd0, units} << $clog2(UNIT);
    wire [15:0] depth = (SMALL && first) ? 16'd2 << $clog2(UNIT) : 16'd1 << $clog2(UNIT);
    wire keep = (index_reg == {1'b0, GUSBCFG_OFFSET[11], GUSBCFG_OFFSET[7:2]})
                || (index_reg == {1'b0, GUID_OFFSET[11], GUID_OFFSET[7:2]});

    assign active = active_reg;
    assign index = index_reg;
    assign shadow_write = active_reg && (hard_reg || !keep);
    assign shadow_data = shadow_value;
    assign fifo_size = {depth, base};

    always @* begin
        case (index_reg)
            {1'b0, GUSBCFG_OFFSET[11], GUSBCFG_OFFSET[7:2]}: shadow_value = GUSBCFG_RESET;
            {1'b0, GRXFSIZ_OFFSET[11], GRXFSIZ_OFFSET[7:2]}: shadow_value = RX_WORDS[31:0];
            {1'b0, DCFG_OFFSET[11], DCFG_OFFSET[7:2]}: shadow_value = DCFG_RESET;
            {1'b0, DCTL_OFFSET[11], DCTL_OFFSET[7:2]}:
                shadow_value = DCTL_RESET
                               & ((SOFT_DISCONNECT != 0) ? ~32'd0 : ~DCTL_SFTDISCON_MASK);
            {1'b0, DVBUSDIS_OFFSET[11], DVBUSDIS_OFFSET[7:2]}: shadow_value = DVBUSDIS_RESET;
            {1'b0, DVBUSPULSE_OFFSET[11], DVBUSPULSE_OFFSET[7:2]}: shadow_value = DVBUSPULSE_RESET;
            // DTKNQR3 in the shared scheme
            {1'b0, DTHRCTL_OFFSET[11], DTHRCTL_OFFSET[7:2]}:
                shadow_value = (DEDICATED_FIFO != 0) ? DTHRCTL_RESET : 32'd0;
            {1'b0, GNPTXFSIZ_OFFSET[11], GNPTXFSIZ_OFFSET[7:2]}: shadow_value = FIFO0_SIZE;
            // DIEPTXFn
            default: shadow_value = ((index_reg[7:4] == 4'h8) && SIZES[fifo])
                                    ? fifo_size : 32'd0;
        endcase
    end

    always @(posedge clk) begin
        if (active_reg) begin
            index_reg <= index_reg + 1'b1;
            if (index_reg == 8'hFF) begin
                active_reg <= 1'b0;
            end
        end
        if (rst || soft_reset) begin
            active_reg <= 1'b1;
            hard_reg <= rst;
            index_reg <= 8'd0;
        end
    end

endmodule

`resetall
