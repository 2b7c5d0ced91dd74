// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// GLPMCFG: what software allows, what the last extended token asked for, and the state L1 (USB 2.0
// ECN "Link Power Management"). Its plain read/write bits are read back from the shadow RAM.
module lpm_csr (
    input  wire        clk,
    input  wire        rst,

    // GLPMCFG is written
    input  wire        write,
    input  wire [31:0] write_data,

    // line message
    input  wire        line_valid,
    input  wire [3:0]  line,
    // extended token answered: CoreL1Res, HIRD and bRemoteWake of it
    input  wire        answered,
    input  wire [1:0]  result,
    input  wire [3:0]  besl,
    input  wire        remote_wake,

    // {LPM_AcceptIsoc, LPM_RejectCtrl, AppL1Res, LPMCap}
    output wire [3:0]  allowed,
    // in L1; a remote wake-up may not be signalled there; it has been signalled
    output wire        sleeping,
    output wire        remote_forbidden,
    output wire        wakeup_done,
    // GLPMCFG without its read/write bits
    output wire [31:0] status
);

    localparam [3:0] LINE_RESET_START = 4'd1;
    localparam [3:0] LINE_RESUME = 4'd4;
    localparam [3:0] LINE_VBUS_OFF = 4'd7;
    localparam [3:0] LINE_SLEEP = 4'd9;
    localparam [3:0] LINE_RESUME_OK = 4'd10;
    localparam [3:0] LINE_WAKEUP_DONE = 4'd11;

    reg  [3:0] allowed_reg;
    reg  [3:0] besl_reg;
    reg        remote_reg;
    reg  [1:0] result_reg;
    reg        sleeping_reg;
    reg        resume_ok_reg;

    assign allowed = allowed_reg;
    assign sleeping = sleeping_reg;
    assign remote_forbidden = sleeping_reg && !remote_reg;
    assign wakeup_done = line_valid && (line == LINE_WAKEUP_DONE);
    assign status = {15'd0, resume_ok_reg, sleeping_reg, result_reg, 6'd0, remote_reg, besl_reg,
                     2'd0};

    always @(posedge clk) begin
        if (write) begin
            allowed_reg <= {write_data[22:21], write_data[1:0]};
        end
        if (answered) begin
            besl_reg <= besl;
            remote_reg <= remote_wake;
            result_reg <= result;
        end
        if (line_valid) begin
            case (line)
                LINE_SLEEP: sleeping_reg <= 1'b1;
                LINE_RESUME_OK: resume_ok_reg <= 1'b1;
                LINE_RESET_START, LINE_RESUME, LINE_VBUS_OFF: begin
                    sleeping_reg <= 1'b0;
                    resume_ok_reg <= 1'b0;
                    result_reg <= 2'd0;
                end
                default: begin
                end
            endcase
        end
        if (rst) begin
            allowed_reg <= 4'd0;
            besl_reg <= 4'd0;
            remote_reg <= 1'b0;
            result_reg <= 2'd0;
            sleeping_reg <= 1'b0;
            resume_ok_reg <= 1'b0;
        end
    end

    wire unused_ok = &{1'b0, write_data, 1'b0};

endmodule

`resetall
