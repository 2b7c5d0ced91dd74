// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Words the events of an operation for the trace port: {kind, arg, data}. Combinational, and gone
// when nobody reads it.
module ep_trace (
    input  wire        act_csr,
    input  wire        act_token,
    input  wire        act_end,
    input  wire        act_handshake,
    input  wire        act_line,
    input  wire        act_head,
    input  wire        act_moved,
    input  wire        act_flush,
    input  wire        act_scan,

    input  wire        out,
    input  wire [3:0]  ep,
    input  wire [31:0] rx_data,

    input  wire        csr_write,
    input  wire [17:2] csr_address,
    input  wire [31:0] csr_data,

    // token for our address; the packet that follows, accepted or not, open in the Rx FIFO
    input  wire        token_ours,
    input  wire [2:0]  token_kind,
    input  wire [3:0]  token_data_pid,
    input  wire [10:0] token_length,
    // answer to an extended token; it was sent
    input  wire [2:0]  lpm_kind,
    input  wire [2:0]  lpm_sent,
    input  wire [10:0] lpm_attributes,
    input  wire        end_ours,
    input  wire [3:0]  end_ep,
    input  wire        end_accept,
    input  wire        end_open,
    input  wire        end_good,
    input  wire        sending,

    // status word taken from the Rx FIFO; one whose data has now been moved; packet fetched
    input  wire        head_pop,
    input  wire [31:0] head,
    input  wire        moved_out,
    input  wire [31:0] moved_head,
    input  wire        moved_in,
    input  wire [10:0] moved_bytes,
    input  wire        tx_flushed,
    input  wire [4:0]  tx_flush_fifo,
    input  wire        rx_flushed,
    // descriptor loaded or closed, its status word
    input  wire        desc_event,
    input  wire        desc_closed,
    input  wire [31:0] desc_status,
    // the shared Tx FIFO is taken back
    input  wire        taken,

    input  wire        act,
    // what the hardware sets, bits that were set before included
    input  wire [15:0] causes_set,

    output wire        valid,
    output wire [63:0] event_word,
    output wire        cause_valid,
    output wire [63:0] cause_word
);

    wire [1:0]  drop_reason = !end_open ? 2'd3 : !end_good ? 2'd1 : 2'd2;
    reg  [7:0]  kind;
    reg  [23:0] arg;
    reg  [31:0] data;

    wire unused_ok = &{1'b0, rx_data, 1'b0};

    // 10 and 11: the time of L1 goes by
    wire line_inner = (rx_data[3:1] == 3'b101);

    assign valid = act_csr || (act_token && token_ours) || (act_end && end_ours)
                   || (act_handshake && sending) || ((lpm_kind | lpm_sent) != 3'd0)
                   || (act_line && !line_inner) || head_pop || moved_out
                   || moved_in || tx_flushed || rx_flushed || desc_event || taken;
    assign event_word = {kind, arg, data};
    assign cause_valid = act && (causes_set != 16'd0);
    assign cause_word = {8'd14, 8'd0, out ? 8'd2 : 8'd1, 4'd0, ep, 16'd0, causes_set};

    always @* begin
        kind = 8'd0;
        arg = {20'd0, ep};
        data = 32'd0;
        if (act_csr) begin
            kind = csr_write ? 8'd1 : 8'd2;
            arg = {6'd0, csr_address, 2'b00};
            data = csr_data;
        end
        if (act_token) begin
            kind = 8'd3;
            // kind 7, ACK unless there are data, is told as ACK (1)
            arg = {8'd0, (token_kind == 3'd7) ? 3'd1 : token_kind, 1'b0, ep, rx_data[3:0],
                   token_data_pid};
            // data follows
            data = {21'd0, ((token_kind == 3'd5) || ((token_kind == 3'd6) && !out))
                           ? token_length : 11'd0};
        end
        if (act_end) begin
            kind = end_accept ? 8'd5 : 8'd6;
            arg = {16'd0, rx_data[15:12], end_ep};
            data = end_accept ? {21'd0, rx_data[10:0]} : {30'd0, drop_reason};
        end
        if (act_handshake) begin
            kind = 8'd8;
            data = {31'd0, rx_data[0]};
        end
        if ((lpm_kind | lpm_sent) != 3'd0) begin
            // told as PID 0 and endpoint 0 with its attributes
            kind = act_token ? 8'd3 : 8'd20;
            arg = {8'd0, lpm_kind | lpm_sent, 13'd0};
            data = {21'd0, act_token ? {rx_data[7:4], rx_data[14:8]} : lpm_attributes};
        end
        if (act_line) begin
            kind = 8'd15;
            arg = 24'd0;
            data = {26'd0, rx_data[5:0]};
        end
        if (act_head) begin
            kind = 8'd10;
            arg = {16'd0, head[20:17], head[3:0]};
            data = head;
        end
        if (act_moved) begin
            kind = 8'd11;
            data = {21'd0, moved_bytes};
        end
        if (moved_out) begin
            kind = 8'd10;
            arg = {16'd0, moved_head[20:17], moved_head[3:0]};
            data = moved_head;
        end
        if (desc_event) begin
            kind = 8'd18;
            arg = {15'd0, desc_closed, 3'd0, !out, ep};
            data = desc_status;
        end
        if (act_flush) begin
            kind = 8'd17;
            arg = {19'd0, tx_flush_fifo};
        end
        if (taken) begin
            kind = 8'd17;
            arg = 24'h000020;
        end
        if (act_scan) begin
            kind = 8'd17;
            arg = 24'h00001F;
        end
    end

endmodule

`resetall
