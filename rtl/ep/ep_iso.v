// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// What isochronous endpoints need besides: which of them wait for a frame, and how far each is in
// this (micro)frame. At full speed and for the last packet of a high-bandwidth microframe the PID
// is DATA0; DATA1 and DATA2 tell that one and two more follow (USB 2.0 section 5.9.2).
//
// Context index: IN endpoint n is n, OUT endpoint n is INS + n.
module ep_iso #(
    // IN and OUT endpoints with EP0
    parameter INS = 8,
    parameter OUTS = 8
) (
    input  wire        clk,
    input  wire        rst,

    // a frame begins, or one with an odd number is on
    input  wire        sof,
    input  wire        odd,
    input  wire        full_speed,

    // context in work; its flags are written: isochronous, enabled and without NAK; parity of its
    // frame
    input  wire [4:0]  slot,
    input  wire        read,
    input  wire        is_in,
    input  wire        flags_write,
    input  wire        wait_next,
    input  wire        parity_next,
    input  wire        bus_reset,

    // parity of its frame, packets per microframe (MC), packets left in its transfer
    input  wire        parity,
    input  wire [1:0]  per_frame,
    input  wire [9:0]  packets,
    // it may send or receive in this frame; bits 3:2 of the PID that it sends with
    output wire        turn,
    output wire [1:0]  pid,

    // it has sent a packet, received one that is the frame's last
    input  wire        sent,
    input  wire        received,

    // some context waits for a frame of the parity of this one
    output wire        incomplete_in,
    output wire        incomplete_out
);

    localparam N = INS + OUTS;
    localparam [N-1:0] ONE = {{(N-1){1'b0}}, 1'b1};

    reg [N-1:0]    wait_reg;
    reg [N-1:0]    parity_reg;
    // IN: packets sent in this frame, 3 = no more; OUT: frame served
    reg [INS-1:0]  low_reg;
    reg [INS-1:0]  high_reg;
    reg [OUTS-1:0] served_reg;
    reg [1:0]      sent_reg;

    wire [N-1:0] select = ONE << slot;
    wire [N-1:0] incomplete = wait_reg & ~(parity_reg ^ {N{odd}})
                              & ~{served_reg, high_reg & low_reg};

    // packets of this frame that follow the next one; MC 0 counts as 1
    wire some = !full_speed && (packets[9:1] != 9'd0)
                && ((sent_reg == 2'd0) ? per_frame[1] : (sent_reg == 2'd1) && (&per_frame));
    wire two = some && (sent_reg == 2'd0) && (&per_frame) && (packets[9:2] != 8'd0 || packets[0]);
    wire [1:0] sent_next = !some ? 2'd3 : (sent_reg == 2'd0) ? 2'd1 : 2'd2;
    wire [INS-1:0] write = sent ? select[INS-1:0] : {INS{1'b0}};

    assign turn = (parity == odd) && !(is_in && (&sent_reg));
    assign pid = {some && !two, two};
    assign incomplete_in = |incomplete[INS-1:0];
    assign incomplete_out = |incomplete[N-1:INS];

    always @(posedge clk) begin
        if (flags_write) begin
            wait_reg <= (wait_reg & ~select) | (select & {N{wait_next}});
            parity_reg <= (parity_reg & ~select) | (select & {N{parity_next}});
        end
        if (bus_reset) begin
            wait_reg <= {N{1'b0}};
        end
        if (read) begin
            sent_reg <= {|(high_reg & select[INS-1:0]), |(low_reg & select[INS-1:0])};
        end
        high_reg <= (high_reg & ~write) | (write & {INS{sent_next[1]}});
        low_reg <= (low_reg & ~write) | (write & {INS{sent_next[0]}});
        if (received) begin
            served_reg <= served_reg | select[N-1:INS];
        end
        if (sof) begin
            high_reg <= {INS{1'b0}};
            low_reg <= {INS{1'b0}};
            served_reg <= {OUTS{1'b0}};
        end
        if (rst) begin
            wait_reg <= {N{1'b0}};
            high_reg <= {INS{1'b0}};
            low_reg <= {INS{1'b0}};
            served_reg <= {OUTS{1'b0}};
        end
    end

endmodule

`resetall
