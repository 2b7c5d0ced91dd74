// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The upper two levels of the interrupt cascade: GINTSTS with its events and levels, GOTGINT, and
// what GINTMSK, DAINTMSK and DEACHMSK let through to the lines.
module csr_interrupts #(
    parameter DEDICATED_FIFO = 1
) (
    input  wire        clk,
    input  wire        rst,

    // write to the register with this index (see csr_decode)
    input  wire        write,
    input  wire [7:0]  index,
    input  wire [31:0] write_data,

    // bus events (one clock); the device slept when a reset came
    input  wire        line_valid,
    input  wire [3:0]  line,
    input  wire        asleep,
    input  wire        sof_valid,
    input  wire        periodic_end,
    input  wire        incomplete_in,
    input  wire        incomplete_out,
    input  wire        iso_lost,
    input  wire        mismatches,
    input  wire        lpm_answered,

    // levels: global NAKs in effect, Rx FIFO, FIFO 0 and the periodic Tx FIFOs; endpoints
    input  wire        out_nak,
    input  wire        in_nak,
    input  wire        rx_level,
    input  wire        fifo0_level,
    input  wire        periodic_level,
    input  wire [31:0] daint,
    input  wire [31:0] deachint,

    // GINTSTS, GOTGINT.SesEndDet
    output wire [31:0] gintsts,
    output wire        session_end,
    // GAHBCFG.GlblIntrMsk, and the lines
    input  wire        enable,
    output wire        irq,
    output wire [31:0] ep_irq,

    // for the trace: bits that hardware sets in this clock, set before or not
    output wire [31:0] trace_gintsts,
    output wire [31:0] trace_gotgint
);

    `include "udc_regs.vh"

    localparam [7:0] GOTGINT = {1'b0, GOTGINT_OFFSET[11], GOTGINT_OFFSET[7:2]};
    localparam [7:0] GINTSTS = {1'b0, GINTSTS_OFFSET[11], GINTSTS_OFFSET[7:2]};
    localparam [7:0] GINTMSK = {1'b0, GINTMSK_OFFSET[11], GINTMSK_OFFSET[7:2]};
    localparam [7:0] DAINTMSK = {1'b0, DAINTMSK_OFFSET[11], DAINTMSK_OFFSET[7:2]};
    localparam [7:0] DEACHMSK = {1'b0, DEACHMSK_OFFSET[11], DEACHMSK_OFFSET[7:2]};

    localparam [3:0] LINE_RESET_START = 4'd1;
    localparam [3:0] LINE_RESET_END = 4'd2;
    localparam [3:0] LINE_SUSPEND = 4'd3;
    localparam [3:0] LINE_RESUME = 4'd4;
    localparam [3:0] LINE_EARLY_SUSPEND = 4'd5;
    localparam [3:0] LINE_VBUS_ON = 4'd6;
    localparam [3:0] LINE_VBUS_OFF = 4'd7;

    // bits of GINTSTS that are events; the others cost nothing
    localparam [31:0] EVENTS = (DEDICATED_FIFO != 0) ? 32'hC8B0_FC08 : 32'hC8B2_FC08;

    reg  [31:0] gintsts_reg;
    reg  [31:0] gintmsk_reg;
    reg  [31:0] daintmsk_reg;
    reg  [31:0] deachmsk_reg;
    reg         session_end_reg;
    reg         irq_reg;
    reg  [31:0] ep_irq_reg;

    reg  [31:0] set;
    reg         session_ends;

    always @* begin
        set = 32'd0;
        session_ends = 1'b0;
        set[3] = sof_valid;
        set[14] = iso_lost;
        set[15] = periodic_end;
        set[17] = mismatches;
        set[20] = periodic_end && incomplete_in;
        set[21] = periodic_end && incomplete_out;
        set[27] = lpm_answered;
        if (line_valid) begin
            case (line)
                LINE_RESET_START: begin
                    set[12] = 1'b1;
                    set[23] = asleep;
                end
                LINE_RESET_END: set[13] = 1'b1;
                LINE_SUSPEND: set[11] = 1'b1;
                LINE_RESUME: set[31] = 1'b1;
                LINE_EARLY_SUSPEND: set[10] = 1'b1;
                LINE_VBUS_ON: set[30] = 1'b1;
                LINE_VBUS_OFF: session_ends = 1'b1;
                default: begin
                end
            endcase
        end
    end

    wire [31:0] clear = (write && (index == GINTSTS)) ? write_data : 32'd0;

    assign gintsts = gintsts_reg
        | {5'd0, periodic_level, 6'd0, |(daint[31:16] & daintmsk_reg[31:16]),
           |(daint[15:0] & daintmsk_reg[15:0]), 10'd0, out_nak, in_nak, fifo0_level,
           rx_level, 1'b0, session_end_reg, 2'b00};
    assign session_end = session_end_reg;
    assign irq = irq_reg;
    assign ep_irq = ep_irq_reg;

    // SOF, end of a frame and EPMis that find their bit set are no events
    assign trace_gintsts = set & ~(gintsts_reg & ~clear & 32'h0002_8008);
    assign trace_gotgint = {29'd0, session_ends, 2'd0};

    always @(posedge clk) begin
        irq_reg <= enable && |(gintsts & gintmsk_reg);
        ep_irq_reg <= deachint & deachmsk_reg;
        gintsts_reg <= ((gintsts_reg & ~clear) | set) & EVENTS;
        session_end_reg <= (session_end_reg
            && !(write && (index == GOTGINT) && write_data[2])) || session_ends;

        if (write) begin
            case (index)
                GINTMSK: gintmsk_reg <= {write_data[31:1], 1'b0};
                DAINTMSK: daintmsk_reg <= write_data;
                DEACHMSK: deachmsk_reg <= write_data;
                default: begin
                end
            endcase
        end

        if (rst) begin
            gintsts_reg <= 32'd0;
            gintmsk_reg <= 32'd0;
            session_end_reg <= 1'b0;
            daintmsk_reg <= 32'd0;
            deachmsk_reg <= 32'd0;
            irq_reg <= 1'b0;
            ep_irq_reg <= 32'd0;
        end
    end

endmodule

`resetall
