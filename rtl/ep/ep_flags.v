// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The endpoint state that must be seen for all endpoints at once: flags and interrupt causes.
// One context (endpoint and direction) is read and changed at a time; bus reset and SETUP are the
// only events that touch several.
//
// Context index: IN endpoint n is n, OUT endpoint n is INS + n.
module ep_flags #(
    // IN and OUT endpoints with EP0
    parameter INS = 8,
    parameter OUTS = 8,
    // 1 = IN tokens may find another endpoint's packet (shared Tx FIFO)
    parameter SHARED = 0,
    // see udc
    parameter [31:0] EP_DIRECTIONS = 32'd0
) (
    input  wire        clk,
    input  wire        rst,

    input  wire [4:0]  slot,
    // the context is EP0 OUT, an IN endpoint
    input  wire        is_out0,
    input  wire        is_in,

    // flags of the context: {disable pending, data PID, active, stall, NAK, enabled}
    output wire [5:0]  flags,
    input  wire        flags_write,
    input  wire [5:0]  flags_data,

    // causes of the context, bit numbers of DIEPINT and DOEPINT (TxFEmp not here)
    output wire [15:0] causes,
    input  wire [15:0] causes_set,
    input  wire [15:0] causes_clear,

    // SETUP accepted: EP0 NAKs, its stalls end, data stage begins with DATA1
    input  wire        setup,
    input  wire        bus_reset,

    // level TxFEmp of all IN endpoints, as their FIFOs have it
    input  wire [INS-1:0] tx_empty,
    input  wire [15:0] in_mask,
    input  wire [15:0] out_mask,
    input  wire [15:0] empty_mask,
    output wire [31:0] daint,

    // contexts that are enabled and do not NAK, with a data PID (isochronous: parity) of this
    input  wire        due_pid,
    output wire [INS+OUTS-1:0] due,

    // DxEPEACHMSKn of the context, and what they let through
    input  wire        each_write,
    input  wire [15:0] each_data,
    output wire [31:0] deachint
);

    localparam N = INS + OUTS;

    reg [N-1:0] enabled_reg;
    reg [N-1:0] nak_reg;
    reg [N-1:0] stall_reg;
    reg [N-1:0] active_reg;
    reg [N-1:0] pid_reg;
    reg [N-1:0] disable_reg;

    reg [N-1:0]    complete_reg;
    reg [N-1:0]    disabled_reg;
    reg [N-1:0]    error_reg;
    reg [N-1:0]    token_reg;
    reg [INS-1:0]  nak_effective_reg;
    reg [INS-1:0]  nak_sent_reg;
    reg            setup_reg;
    reg            setup_packet_reg;

    localparam [N-1:0] EP0 = {{(OUTS-1){1'b0}}, 1'b1, {(INS-1){1'b0}}, 1'b1};
    localparam [N-1:0] ONE = {{(N-1){1'b0}}, 1'b1};

    // the IN endpoints that there are
    function [INS-1:0] ins_there;
        input [31:0] code;
        integer n;
        begin
            for (n = 0; n < INS; n = n + 1) begin
                ins_there[n] = !code[2*n+1];
            end
        end
    endfunction

    localparam [INS-1:0] IN_THERE = ins_there(EP_DIRECTIONS);

    wire [N-1:0] select = ONE << slot;

    assign flags = {|(disable_reg & select), |(pid_reg & select), |(active_reg & select),
                    |(stall_reg & select), |(nak_reg & select), |(enabled_reg & select)};

    assign due = enabled_reg & ~nak_reg & ~(pid_reg ^ {N{due_pid}});

    assign causes = {is_out0 && setup_packet_reg, 1'b0, |(nak_sent_reg & select[INS-1:0]), 6'd0,
                     |(nak_effective_reg & select[INS-1:0]), |(mismatch & select[INS-1:0]),
                     |(token_reg & select),
                     is_out0 && setup_reg, |(error_reg & select), |(disabled_reg & select),
                     |(complete_reg & select)};

    // ---- DAINT --------------------------------------------------------------------------------

    wire [INS-1:0] in_bits =
        (complete_reg[INS-1:0] & {INS{in_mask[0]}})
        | (disabled_reg[INS-1:0] & {INS{in_mask[1]}})
        | (error_reg[INS-1:0] & {INS{in_mask[2]}})
        | (token_reg[INS-1:0] & {INS{in_mask[4]}})
        | (nak_effective_reg & {INS{in_mask[6]}})
        | (mismatch & {INS{in_mask[5]}})
        | (nak_sent_reg & {INS{in_mask[13]}})
        | (tx_empty & empty_mask[INS-1:0] & IN_THERE);

    wire [OUTS-1:0] out_bits =
        (complete_reg[N-1:INS] & {OUTS{out_mask[0]}})
        | (disabled_reg[N-1:INS] & {OUTS{out_mask[1]}})
        | (error_reg[N-1:INS] & {OUTS{out_mask[2]}})
        | (token_reg[N-1:INS] & {OUTS{out_mask[4]}})
        | {{(OUTS-1){1'b0}}, (setup_reg && out_mask[3]) || (setup_packet_reg && out_mask[15])};

    wire [31:0] in_wide = {{(32-INS){1'b0}}, in_bits};
    wire [31:0] out_wide = {{(32-OUTS){1'b0}}, out_bits};
    assign daint = {out_wide[15:0], in_wide[15:0]};

    wire unused_ok = &{1'b0, in_mask, out_mask, empty_mask, in_wide, out_wide, each_in_wide,
                       each_out_wide, each_data, causes_set, causes_clear, 1'b0};

    // ---- DEACHINT: every endpoint has a mask of its own ----------------------------------------

    reg [N-1:0]   each_complete_reg;
    reg [N-1:0]   each_disabled_reg;
    reg [N-1:0]   each_error_reg;
    reg [N-1:0]   each_token_reg;
    reg [INS-1:0] each_nak_reg;
    reg [INS-1:0] each_sent_reg;
    reg [INS-1:0] each_empty_reg;
    reg           each_setup_reg;
    reg           each_packet_reg;

    wire [N-1:0] each_bits = (complete_reg & each_complete_reg)
        | (disabled_reg & each_disabled_reg) | (error_reg & each_error_reg)
        | (token_reg & each_token_reg);
    wire [INS-1:0] each_in = each_bits[INS-1:0] | (nak_effective_reg & each_nak_reg)
                             | each_mismatch
                             | (nak_sent_reg & each_sent_reg)
                             | (tx_empty & each_empty_reg);
    wire [OUTS-1:0] each_out = each_bits[N-1:INS]
        | {{(OUTS-1){1'b0}}, (setup_reg && each_setup_reg)
                             || (setup_packet_reg && each_packet_reg)};
    wire [31:0] each_in_wide = {{(32-INS){1'b0}}, each_in};
    wire [31:0] each_out_wide = {{(32-OUTS){1'b0}}, each_out};
    assign deachint = {each_out_wide[15:0], each_in_wide[15:0]};

    always @(posedge clk) begin
        if (each_write) begin
            each_complete_reg <= (each_complete_reg & ~select) | (select & {N{each_data[0]}});
            each_disabled_reg <= (each_disabled_reg & ~select) | (select & {N{each_data[1]}});
            each_error_reg <= (each_error_reg & ~select) | (select & {N{each_data[2]}});
            each_token_reg <= (each_token_reg & ~select) | (select & {N{each_data[4]}});
            each_nak_reg <= (each_nak_reg & ~select[INS-1:0])
                            | (select[INS-1:0] & {INS{each_data[6]}});
            each_sent_reg <= (each_sent_reg & ~select[INS-1:0])
                             | (select[INS-1:0] & {INS{each_data[13]}});
            each_empty_reg <= (each_empty_reg & ~select[INS-1:0])
                              | (select[INS-1:0] & {INS{each_data[7]}});
            if (is_out0) begin
                each_setup_reg <= each_data[3];
                each_packet_reg <= each_data[15];
            end
        end
        if (rst) begin
            each_complete_reg <= {N{1'b0}};
            each_disabled_reg <= {N{1'b0}};
            each_error_reg <= {N{1'b0}};
            each_token_reg <= {N{1'b0}};
            each_nak_reg <= {INS{1'b0}};
            each_sent_reg <= {INS{1'b0}};
            each_empty_reg <= {INS{1'b0}};
            each_setup_reg <= 1'b0;
            each_packet_reg <= 1'b0;
        end
    end

    // ---- INTknEPMis ---------------------------------------------------------------------------

    wire [INS-1:0] mismatch;
    wire [INS-1:0] each_mismatch;

    generate
        if (SHARED != 0) begin : g_mismatch
            reg [INS-1:0] mismatch_reg;
            reg [INS-1:0] mask_reg;
            wire [INS-1:0] in = select[INS-1:0];

            assign mismatch = mismatch_reg;
            assign each_mismatch = mismatch_reg & mask_reg;

            always @(posedge clk) begin
                mismatch_reg <= (mismatch_reg & ~(in & {INS{causes_clear[5]}}))
                                | (in & {INS{causes_set[5]}});
                if (each_write) begin
                    mask_reg <= (mask_reg & ~in) | (in & {INS{each_data[5]}});
                end
                if (rst) begin
                    mismatch_reg <= {INS{1'b0}};
                    mask_reg <= {INS{1'b0}};
                end
            end
        end else begin : g_no_mismatch
            assign mismatch = {INS{1'b0}};
            assign each_mismatch = {INS{1'b0}};
        end
    endgenerate

    // ---- state --------------------------------------------------------------------------------

    wire [N-1:0] write = flags_write ? select : {N{1'b0}};

    always @(posedge clk) begin
        enabled_reg <= (enabled_reg & ~write) | (write & {N{flags_data[0]}});
        nak_reg <= (nak_reg & ~write) | (write & {N{flags_data[1]}})
                   | ({N{setup}} & EP0) | {N{bus_reset}};
        stall_reg <= ((stall_reg & ~write) | (write & {N{flags_data[2]}}))
                     & ~({N{setup}} & EP0) & ~{N{bus_reset}};
        active_reg <= ((active_reg & ~write) | (write & {N{flags_data[3]}}) | EP0)
                      & ~({N{bus_reset}} & ~EP0);
        pid_reg <= (pid_reg & ~write) | (write & {N{flags_data[4]}}) | ({N{setup}} & EP0);
        disable_reg <= (disable_reg & ~write) | (write & {N{flags_data[5]}});

        complete_reg <= (complete_reg & ~(select & {N{causes_clear[0]}}))
                        | (select & {N{causes_set[0]}});
        disabled_reg <= (disabled_reg & ~(select & {N{causes_clear[1]}}))
                        | (select & {N{causes_set[1]}});
        error_reg <= (error_reg & ~(select & {N{causes_clear[2]}}))
                     | (select & {N{causes_set[2]}});
        token_reg <= (token_reg & ~(select & {N{causes_clear[4]}}))
                     | (select & {N{causes_set[4]}});
        nak_effective_reg <= (nak_effective_reg & ~(select[INS-1:0] & {INS{causes_clear[6]}}))
                             | (select[INS-1:0] & {INS{causes_set[6] && is_in}});
        nak_sent_reg <= (nak_sent_reg & ~(select[INS-1:0] & {INS{causes_clear[13]}}))
                        | (select[INS-1:0] & {INS{causes_set[13]}});
        if (is_out0) begin
            setup_reg <= (setup_reg && !causes_clear[3]) || causes_set[3];
            setup_packet_reg <= (setup_packet_reg && !causes_clear[15]) || causes_set[15];
        end

        if (rst) begin
            enabled_reg <= {N{1'b0}};
            nak_reg <= {N{1'b0}};
            stall_reg <= {N{1'b0}};
            active_reg <= EP0;
            pid_reg <= {N{1'b0}};
            disable_reg <= {N{1'b0}};
            complete_reg <= {N{1'b0}};
            disabled_reg <= {N{1'b0}};
            error_reg <= {N{1'b0}};
            token_reg <= {N{1'b0}};
            nak_effective_reg <= {INS{1'b0}};
            nak_sent_reg <= {INS{1'b0}};
            setup_reg <= 1'b0;
            setup_packet_reg <= 1'b0;
        end
    end

endmodule

`resetall
