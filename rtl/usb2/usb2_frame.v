// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// End of the periodic part of a (micro)frame: 80, 85, 90 or 95 % of its time after its SOF. The
// time is counted in the PHY's clock, which has a known rate; it is never scaled. A frame without
// a SOF has no such end.
module usb2_frame #(
    // 60 MHz by the clock's rate: 1 or 2
    parameter TICK = 1
) (
    input  wire       clk,
    input  wire       rst,

    // the bus is not operational: no frames
    input  wire       flush,
    input  wire       high_speed,
    // a SOF was received
    input  wire       sof,
    // DCFG.PerFrInt
    input  wire [1:0] part,

    // the end has come; stays until taken
    output wire       end_valid,
    input  wire       end_ready
);

    // clocks of 60 MHz in 5 % of a microframe (125 us) and of a frame (1 ms)
    localparam [11:0] STEP_HS = 12'd375;
    localparam [11:0] STEP_FS = 12'd3000;

    reg         run_reg;
    reg         pending_reg;
    reg  [11:0] clocks_reg;
    reg  [4:0]  steps_reg;

    wire        step = TICK == 1 ? clocks_reg == 12'd0 : clocks_reg[11:1] == 11'd0;
    wire [11:0] whole = high_speed ? STEP_HS - TICK[11:0] : STEP_FS - TICK[11:0];
    // 375 is odd: at 30 MHz every other step is one clock shorter
    wire [11:0] reload = TICK == 1 ? whole : whole + {11'd0, step && !sof && clocks_reg[0]};
    wire        over = run_reg && step && (steps_reg == 5'd0);

    assign end_valid = pending_reg;

    always @(posedge clk) begin
        if (sof || step) begin
            clocks_reg <= reload;
        end else begin
            clocks_reg <= clocks_reg - TICK[11:0];
        end
        if (sof) begin
            steps_reg <= 5'd15 + {3'd0, part};
            run_reg <= 1'b1;
        end else if (step) begin
            steps_reg <= steps_reg - 5'd1;
        end
        if (over && !sof) begin
            run_reg <= 1'b0;
        end
        pending_reg <= (pending_reg && !end_ready && !sof) || (over && !sof);
        if (rst || flush) begin
            run_reg <= 1'b0;
            pending_reg <= 1'b0;
        end
    end

endmodule

`resetall
