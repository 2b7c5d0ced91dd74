// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Receiver: cuts what the PHY delivers into PID, token bits, payload words and the end of packet.
//
// It knows nothing of transactions: it reports every packet by strobes of one clock, in this order:
//   pid_strobe                    first byte is there: `pid`, `pid_good`
//   byte_strobe                   each further byte
//   third_strobe                  with the byte_strobe of the third byte: `token` is there
//   word_strobe                   a word of payload is in `word`
//   end_strobe                    the packet is over: `error`, `length`
// The last two bytes of a packet (CRC16) never reach `word`: it is fed through two bytes of delay.
// The last word is filled with zeros. `word` is zero at pid_strobe, at third_strobe, and from
// end_strobe to the next packet, so that other messages may be ORed with it.
//
// USB 2.0 section 8.3.1 (PID), 8.4.1 (token), 8.4.4 (data: at most 1024 bytes).
module usb2_rx (
    input  wire        clk,
    // Also drops the packet that is coming in.
    input  wire        rst,
    // 0: packets that begin now are not for us (we are sending).
    input  wire        enable,

    input  wire        utmi_rxactive,
    input  wire        utmi_rxvalid,
    input  wire        utmi_rxerror,
    input  wire [7:0]  utmi_rxdata,

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
    output wire [31:0] word,
    // RxError in this packet, or more than 1024 bytes of payload.
    output wire        error,
    // Bytes of payload, CRC16 not counted; until the next packet.
    output wire [10:0] length,
    // No packet, or one that is skipped: `word` is zero.
    output wire        quiet,

    // To usb2_crc.
    output wire        crc_clear,
    output wire        crc_enable
);

    localparam [2:0]
        S_SKIP = 3'd0,  // not for us: wait for RxActive low
        S_WAIT = 3'd1,  // nothing, or no byte yet
        S_ONE  = 3'd2,  // PID is there
        S_TWO  = 3'd3,
        S_BODY = 3'd4,  // three bytes or more
        S_FILL = 3'd5;  // packet over: fill up the last word

    reg [2:0]  state_reg, state_next;
    reg        pid_strobe_reg;
    reg        byte_strobe_reg;
    reg        third_strobe_reg;
    reg [3:0]  pid_reg;
    reg        pid_good_reg;
    reg        error_reg, error_next;
    reg [10:0] length_reg;
    // Bytes in the word that is being filled; unlike the length it also counts fill bytes.
    reg [1:0]  place_reg;
    reg        moved_reg;
    // {CRC or newest two bytes, word}
    reg [47:0] shift_reg;

    // A byte that is not the PID is here.
    wire more    = utmi_rxactive && utmi_rxvalid
        && (state_reg == S_ONE || state_reg == S_TWO || state_reg == S_BODY);
    wire payload = more && state_reg == S_BODY;
    wire first   = utmi_rxactive && utmi_rxvalid && enable && state_reg == S_WAIT;
    wire fill    = state_reg == S_FILL && place_reg != 2'd0;
    wire full    = length_reg[10];
    // The word's fourth byte was moved in by the last clock.
    wire aligned = moved_reg && place_reg == 2'd0;
    wire over    = !utmi_rxactive
        && (state_reg == S_ONE || state_reg == S_TWO || state_reg == S_BODY);

    always @* begin
        state_next = state_reg;
        error_next = error_reg;

        if (state_reg == S_WAIT && !utmi_rxactive) begin
            error_next = 1'b0;
        end else if ((utmi_rxactive && utmi_rxerror && state_reg != S_FILL)
                || (payload && full)) begin
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
            S_ONE, S_TWO, S_BODY: begin
                if (over) begin
                    state_next = S_FILL;
                end else if (more && state_reg != S_BODY) begin
                    state_next = state_reg + 3'd1;
                end
            end
            // A packet that has begun meanwhile has lost its PID.
            default: if (end_strobe) state_next = utmi_rxactive ? S_SKIP : S_WAIT;
        endcase
    end

    always @(posedge clk) begin
        state_reg        <= state_next;
        error_reg        <= error_next;
        pid_strobe_reg   <= first;
        byte_strobe_reg  <= more;
        third_strobe_reg <= more && state_reg == S_TWO;
        moved_reg        <= payload || fill;

        if (first) begin
            pid_reg      <= utmi_rxdata[3:0];
            pid_good_reg <= utmi_rxdata[3:0] == ~utmi_rxdata[7:4];
            length_reg   <= 11'd0;
            place_reg    <= 2'd0;
        end else begin
            if (payload && !full) length_reg <= length_reg + 11'd1;
            if (payload || fill) place_reg <= place_reg + 2'd1;
        end

        if (first || ((over || fill) && pid_reg[1:0] == 2'b11)) begin
            // neither the last packet nor the CRC16 of this one may get into the word
            shift_reg[47:32] <= 16'd0;
        end else if (more) begin
            shift_reg[47:32] <= {utmi_rxdata, shift_reg[47:40]};
        end

        if (rst || quiet) begin
            shift_reg[31:0] <= 32'd0;
        end else if (more || fill) begin
            shift_reg[31:0] <= {shift_reg[39:32], shift_reg[31:8]};
        end else if (aligned) begin
            shift_reg[31:0] <= 32'd0;
        end

        if (rst) begin
            state_reg        <= S_SKIP;
            pid_strobe_reg   <= 1'b0;
            byte_strobe_reg  <= 1'b0;
            third_strobe_reg <= 1'b0;
            moved_reg        <= 1'b0;
        end
    end

    assign pid_strobe   = pid_strobe_reg;
    assign byte_strobe  = byte_strobe_reg;
    assign third_strobe = third_strobe_reg;
    assign word_strobe  = aligned && !error_reg;
    assign end_strobe   = state_reg == S_FILL && !fill && !moved_reg;
    assign pid          = pid_reg;
    assign pid_good     = pid_good_reg;
    assign token        = shift_reg[42:32];
    assign word         = shift_reg[31:0];
    assign quiet        = state_reg[2:1] == 2'b00;  // S_SKIP, S_WAIT
    assign error        = error_reg;
    assign length       = length_reg;
    assign crc_clear    = first;
    assign crc_enable   = more;

endmodule

`resetall
