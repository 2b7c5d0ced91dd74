// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Receiver for a UTMI of 16 bits: what usb2_rx is for one of 8, with two bytes per clock.
//
// The low byte of a word was on the wire first. The last word of a packet of odd length has
// RxValidH low; a word after such a one makes the packet bad.
//
// 30 MHz leave half as many clocks for an answer. So nearly everything is told in the clock in
// which it is on the UTMI; third_strobe only if no fourth byte comes with the third. It comes once
// more in the next clock, and end_strobe not before: the PID of a token ends the wait for another
// packet, and the sequencer takes one clock to tell so before it can listen.
//   pid_strobe                    first word is there: `pid`, `pid_good`
//   byte_strobe                   bytes beside PID and third one were there
//   third_strobe                  third byte is or was there: `token`, `token_now`
//   word_strobe                   a word of payload is in `word`, otherwise that is zero
//   end_strobe                    the packet is over: `error`, `length`; maybe with word_strobe
//
// USB 2.0 section 8.3.1 (PID), 8.4.1 (token), 8.4.4 (data: at most 1024 bytes).
module usb2_rx_wide (
    input  wire        clk,
    // Also drops the packet that is coming in.
    input  wire        rst,
    // 0: packets that begin now are not for us (we are sending).
    input  wire        enable,

    input  wire        utmi_rxactive,
    input  wire        utmi_rxvalid,
    input  wire        utmi_rxvalidh,
    input  wire        utmi_rxerror,
    input  wire [15:0] utmi_rxdata,

    output wire        pid_strobe,
    output wire        byte_strobe,
    output wire        third_strobe,
    output wire        word_strobe,
    output wire        end_strobe,

    // Until the next packet: PID without its check bits.
    output wire [3:0]  pid,
    // Check bits are right.
    output wire        pid_good,
    // Bytes 2 and 3 of a token without CRC5: {endpoint, address} or the frame number.
    output wire [10:0] token,
    // Its third byte is on the UTMI now.
    output wire        token_now,
    output wire [31:0] word,
    // RxError in this packet, a word after its last one, or more than 1024 bytes of payload.
    output wire        error,
    // Bytes of payload, CRC16 not counted; until the next packet.
    output wire [10:0] length,
    // No packet, or one that is skipped.
    output wire        quiet,

    // To usb2_crc_wide.
    output wire        crc_enable,
    output wire        crc_clear,
    output wire [1:0]  crc_bytes
);

    localparam [1:0]
        S_SKIP = 2'd0,  // not for us: wait for RxActive low
        S_WAIT = 2'd1,  // nothing, or no word yet
        S_ONE  = 2'd2,  // the word with the PID is there
        S_BODY = 2'd3;  // two words or more

    reg [1:0]  state_reg, state_next;
    reg        byte_strobe_reg;
    reg        third_reg;
    reg [3:0]  pid_reg;
    reg        pid_good_reg;
    reg        error_reg, error_next;
    reg [10:0] length_reg;
    // The newest word, whether its high byte is valid, and the high byte of the one before. What
    // follows in the packet tells whether they are payload or CRC16.
    reg [15:0] new_reg;
    reg        odd_reg;
    reg [7:0]  old_reg;
    // The low half of the word that is being filled; it is there.
    reg [15:0] low_reg;
    reg        half_reg;

    wire here  = utmi_rxactive && utmi_rxvalid;
    wire busy  = state_reg == S_ONE || state_reg == S_BODY;
    wire first = here && enable && state_reg == S_WAIT;
    wire more  = here && busy;
    wire over  = !utmi_rxactive && busy && !third_reg;
    wire third = more && state_reg == S_ONE && !utmi_rxvalidh && !odd_reg;

    // With a further word here, two bytes are known to be payload; at the end, one if the last
    // word was whole.
    wire pair  = more && state_reg == S_BODY;
    wire rest  = over && state_reg == S_BODY && !odd_reg;

    wire [15:0] last   = {over ? 8'd0 : new_reg[7:0], over && !rest ? 8'd0 : old_reg};

    wire [1:0] payload = {pair && utmi_rxvalidh, more && (pair ^ utmi_rxvalidh)};
    // it would be more than 1024 bytes
    wire       full    = length_reg[10] || (&length_reg[9:0] && payload[1]);

    wire hurt  = utmi_rxactive && utmi_rxerror;

    always @* begin
        state_next = state_reg;
        error_next = error_reg;

        if (state_reg == S_WAIT && !utmi_rxactive) begin
            error_next = 1'b0;
        end else if (hurt || (more && odd_reg) || (payload != 2'd0 && full)) begin
            error_next = 1'b1;
        end

        case (state_reg)
            S_SKIP: if (!utmi_rxactive) state_next = S_WAIT;
            S_WAIT: begin
                if (utmi_rxactive && !enable) begin
                    state_next = S_SKIP;
                end else if (first) begin
                    state_next = S_ONE;
                end
            end
            S_ONE, S_BODY: begin
                if (over) begin
                    state_next = S_WAIT;
                end else if (more) begin
                    state_next = S_BODY;
                end
            end
        endcase
    end

    always @(posedge clk) begin
        state_reg       <= state_next;
        error_reg       <= error_next;
        byte_strobe_reg <= (first && utmi_rxvalidh) || (more && !third);
        third_reg       <= third;

        if (first || more) begin
            new_reg <= utmi_rxdata;
            odd_reg <= !utmi_rxvalidh;
            old_reg <= new_reg[15:8];
        end

        if (first) begin
            pid_reg      <= pid;
            pid_good_reg <= pid_good;
            length_reg   <= 11'd0;
            half_reg     <= 1'b0;
        end else begin
            if (!full) length_reg <= length_reg + {9'd0, payload};
            if (pair) half_reg <= !half_reg;
        end

        if (pair && !half_reg) low_reg <= {new_reg[7:0], old_reg};

        if (rst) begin
            state_reg       <= S_SKIP;
            byte_strobe_reg <= 1'b0;
            third_reg       <= 1'b0;
        end
    end

    assign pid_strobe   = first;
    assign byte_strobe  = byte_strobe_reg;
    assign third_strobe = (third || third_reg) && !error;
    assign word_strobe  = ((pair && half_reg) || rest || (over && half_reg)) && !error_next;
    assign end_strobe   = over;
    assign pid          = first ? utmi_rxdata[3:0] : pid_reg;
    assign pid_good     = first ? utmi_rxdata[3:0] == ~utmi_rxdata[7:4] : pid_good_reg;
    assign token_now    = third;
    assign token        = third ? {utmi_rxdata[2:0], new_reg[15:8]} : {new_reg[2:0], old_reg};
    assign word         = !word_strobe ? 32'd0 : half_reg ? {last, low_reg} : {16'd0, last};
    assign quiet        = !busy;
    assign error        = error_reg || hurt;
    assign length       = length_reg;
    assign crc_enable   = first || more;
    assign crc_clear    = first;
    // the PID does not count
    assign crc_bytes    = {utmi_rxvalidh, more};

endmodule

`resetall
