// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Protocol sequencer: token, answer of the core, data, handshake (USB 2.0 section 8.5).
//
// It tells the core of every good token while the token's packet is still coming in (third byte),
// because the answer has to cross two clock domains within the turnaround time. Every message to
// the core is one word with a type; see the localparams T_... A message that finds the FIFO full
// waits, a payload word that does makes the packet bad, a token that does is not heard.
module usb2_protocol #(
    // 1 = extended tokens
    parameter LPM = 0,
    // 60 MHz by the clock's rate: 1, or 2 with usb2_rx_wide
    parameter TICK = 1
) (
    input  wire        clk,
    input  wire        rst,

    // The bus is not operational: finish what is going on and listen to nothing.
    input  wire        flush,
    input  wire        high_speed,
    // Line state, synchronized: {D-, D+}.
    input  wire [1:0]  line,
    input  wire        utmi_rxactive,

    // Receiver
    input  wire        rx_pid_strobe,
    input  wire        rx_byte_strobe,
    input  wire        rx_third_strobe,
    input  wire        rx_word_strobe,
    input  wire        rx_end_strobe,
    input  wire [3:0]  rx_pid,
    input  wire        rx_pid_good,
    input  wire [10:0] rx_token,
    input  wire [31:0] rx_word,
    input  wire        rx_error,
    input  wire [10:0] rx_length,
    input  wire        rx_quiet,
    input  wire        crc5_good,
    input  wire        crc16_good,

    // Transmitter
    output reg         tx_start,
    output wire        tx_mute,
    output wire [3:0]  tx_pid,
    output wire        tx_data,
    input  wire        tx_busy,

    // Answer to the last token; fields are stable while `ans_valid`, and until the next token
    // after `ans_take`.
    input  wire        ans_valid,
    output reg         ans_take,
    input  wire [2:0]  ans_kind,
    input  wire [3:0]  ans_pid,
    // OUT, SETUP: most bytes of payload that may come
    input  wire [10:0] ans_length,

    // An extended token has been acknowledged: one clock, after the handshake.
    output wire        lpm_acked,

    // Line message
    input  wire        line_valid,
    output reg         line_ready,
    input  wire [5:0]  line_message,

    // To the core
    output reg         message_valid,
    input  wire        message_ready,
    output reg  [3:0]  message_type,
    output wire [31:0] message_data
);

    // Message types
    localparam [3:0]
        T_TOKEN     = 4'd1,
        T_WORD      = 4'd2,
        T_END       = 4'd3,
        T_HANDSHAKE = 4'd4,
        T_SOF       = 4'd5,
        T_LINE      = 4'd6,
        T_EXTENDED  = 4'd9;

    // Kinds of answer
    localparam [2:0]
        A_SILENT = 3'd0,
        A_ACK    = 3'd1,
        A_NAK    = 3'd2,
        A_STALL  = 3'd3,
        A_NYET   = 3'd4,
        A_DATA   = 3'd5,
        A_ISO    = 3'd6,
        A_STATUS = 3'd7;

    // USB 2.0 table 8-1
    localparam [3:0]
        PID_IN   = 4'b1001,
        PID_SETUP = 4'b1101,
        PID_SOF  = 4'b0101,
        PID_PING = 4'b0100,
        PID_ACK  = 4'b0010,
        // first and second packet of an extended token (ECN Link Power Management)
        PID_EXT  = 4'b0000,
        PID_LPM  = 4'b0011;

    localparam [1:0] LINE_J = 2'b01;

    // Bus time-out (USB 2.0 section 7.1.19): the other side has to begin within 736 (HS) or 16 (FS)
    // bit times and we must have given up after 816 or 18. Full speed counts J on the line, so the
    // PHY's delays cancel; a bit is 5 clocks: 17 bit times. High speed counts from TxValid or
    // RxActive low to RxActive high, 8 bits per clock: 92 to 102 clocks at the connector, plus SYNC
    // (4) and the PHY's delays (3 to 10): 107 to 109. The numbers are clocks of 60 MHz; at 30 MHz
    // they are counted by two.
    localparam [6:0] TIMEOUT_FS = TICK == 1 ? 7'd85 : 7'd84;
    localparam [6:0] TIMEOUT_HS = TICK == 1 ? 7'd109 : 7'd108;
    // Shortest time before our answer at full speed: 2 bit times of J (section 7.1.18.1), of which
    // the synchronizer and the transmitter's start give three clocks. High speed (8 bit times)
    // needs none, one clock of this sequencer is as long. At 30 MHz the three clocks are twice as
    // long: 4 are left.
    localparam [6:0] GAP_FS = 7'd7;

    localparam [2:0]
        S_IDLE   = 3'd0,
        S_TOKEN  = 3'd1,  // token told: wait for the end of its packet
        S_DATA   = 3'd2,  // OUT, SETUP: wait for the data packet and take it
        S_END    = 3'd3,  // tell END
        S_ANSWER = 3'd4,  // wait for the core's answer and the gap, act
        S_SEND   = 3'd5,  // wait for the transmitter
        S_WAIT   = 3'd6,  // IN: wait for the host's handshake
        S_RESULT = 3'd7;  // tell HANDSHAKE

    reg [2:0] state_reg, state_next;
    // No error so far: in S_ANSWER: answer; in S_RESULT: the host has acknowledged.
    reg       good_reg, good_next;
    reg       in_reg, in_next;
    reg       ping_reg, ping_next;
    reg       setup_reg, setup_next;
    reg       sof_reg, sof_next;
    // The first packet of an extended token has come, nothing since.
    reg       ext_reg, ext_next;
    reg [6:0] idle_reg;

    wire        is_in      = rx_pid == PID_IN;
    wire        is_sof     = rx_pid == PID_SOF;
    wire        is_ping    = rx_pid == PID_PING;
    wire        is_ext     = LPM != 0 && rx_pid == PID_EXT;
    wire        is_lpm     = LPM != 0 && rx_pid == PID_LPM;
    wire        is_data    = rx_pid[1:0] == 2'b11;
    // OUT, IN, SOF, SETUP; PING exists at high speed only (section 8.5.1); of an extended token the
    // core is told the address like a token of its own, then the attributes
    wire        token_good = rx_third_strobe && rx_pid_good && crc5_good && !rx_error && !flush
        && (rx_pid[1:0] == 2'b01 || (is_ping && high_speed) || is_ext || (is_lpm && ext_reg));

    wire        expired    = idle_reg == (high_speed ? TIMEOUT_HS : TIMEOUT_FS);
    wire        gap_over   = high_speed || idle_reg[6:3] != 4'd0
        || (TICK == 1 ? idle_reg[2:0] == GAP_FS[2:0] : idle_reg[2]);
    wire        sends_data = in_reg && (ans_kind == A_DATA || ans_kind == A_ISO);
    wire        sends_hand = ans_kind != A_SILENT && ans_kind != A_DATA && ans_kind != A_ISO;
    // the last token was the second packet of an extended one
    wire        answers_lpm = is_lpm && ping_reg;
    // NYET only for the data that was expected: a repeated packet leaves the buffer as it was.
    // A status stage has no data: STALL if there are any.
    wire        filled     = ans_kind == A_STATUS && rx_length != 11'd0;
    wire        stall      = ans_kind == A_STALL || filled;
    wire        nyet       = ans_kind == A_NYET && rx_pid == ans_pid;
    // An over-long packet is not answered (section 8.4.4), nor is a SETUP that is not one: the core
    // drops both. Tokens have no payload, so neither have IN and PING here.
    wire        unfit      = rx_length > ans_length
        || (setup_reg && (rx_length != ans_length || rx_pid != ans_pid));

    always @* begin
        state_next    = state_reg;
        good_next     = good_reg;
        in_next       = in_reg;
        ping_next     = ping_reg;
        setup_next    = setup_reg;
        sof_next      = sof_reg;
        ext_next      = ext_reg;
        message_valid = 1'b0;
        message_type  = T_WORD;
        line_ready    = 1'b0;
        ans_take      = 1'b0;
        tx_start      = 1'b0;

        case (state_reg)
            S_IDLE: begin
                in_next   = is_in;
                ping_next = is_ping || is_lpm;
                setup_next = rx_pid == PID_SETUP;
                sof_next  = is_sof || is_ext;
                // another packet, or the second one is late (as data after a token would be)
                if (expired || (rx_pid_strobe && !(rx_pid_good && is_lpm))) ext_next = 1'b0;
                good_next = 1'b1;
                if (token_good) begin
                    message_type  = is_ext ? T_EXTENDED : T_TOKEN;
                    message_valid = !is_sof;
                    if (message_ready) begin
                        state_next = S_TOKEN;
                        ext_next   = is_ext;
                    end
                end else if (rx_quiet) begin
                    message_type  = T_LINE;
                    message_valid = line_valid;
                    line_ready    = message_ready;
                end
            end
            S_TOKEN: begin
                message_type = T_SOF;
                // a fourth byte, an error, the end of the bus
                if (rx_byte_strobe || rx_error || flush) good_next = 1'b0;
                if (rx_end_strobe || flush) begin
                    if (sof_reg) begin
                        message_valid = good_next && !ext_reg;
                        ext_next      = ext_reg && good_next;
                        state_next    = S_IDLE;
                    end else if (in_reg || ping_reg) begin
                        state_next = S_ANSWER;
                    end else begin
                        state_next = good_next ? S_DATA : S_END;
                    end
                end
            end
            S_DATA: begin
                message_type  = T_WORD;
                message_valid = rx_word_strobe;
                if ((rx_word_strobe && !message_ready) || rx_error) good_next = 1'b0;
                if (rx_end_strobe) begin
                    good_next  = good_next && crc16_good;
                    state_next = S_END;
                end
                if (expired || flush || (rx_pid_strobe && !(rx_pid_good && is_data))) begin
                    good_next  = 1'b0;
                    state_next = S_END;
                end
            end
            S_END: begin
                message_type  = T_END;
                message_valid = 1'b1;
                if (message_ready) begin
                    state_next = S_ANSWER;
                    // A token in place of the data: be back in time for its third byte.
                    if (!good_reg && ans_valid) begin
                        ans_take   = 1'b1;
                        state_next = S_IDLE;
                    end
                end
            end
            S_ANSWER: begin
                // The host goes on: too late for an answer.
                if (flush || utmi_rxactive) good_next = 1'b0;
                if (ans_valid && (gap_over || !good_reg)) begin
                    ans_take = 1'b1;
                    if (sends_data) begin
                        // if not good: takes the words off the stream and tells failure
                        tx_start   = 1'b1;
                        state_next = S_SEND;
                    end else if (good_reg && sends_hand && !unfit) begin
                        tx_start   = 1'b1;
                        state_next = S_SEND;
                    end else begin
                        state_next = S_IDLE;
                    end
                end
            end
            S_SEND: begin
                if (flush) good_next = 1'b0;
                if (!tx_busy) begin
                    if (!sends_data) begin
                        // the core takes an extended token for good once it was answered
                        state_next = (answers_lpm && good_reg) ? S_RESULT : S_IDLE;
                    end else if (good_reg && ans_kind == A_DATA) begin
                        state_next = S_WAIT;
                    end else begin
                        state_next = S_RESULT;
                    end
                end
            end
            S_WAIT: begin
                if (rx_end_strobe) state_next = S_RESULT;
                if (rx_byte_strobe || rx_error || expired || flush
                        || (rx_pid_strobe && !(rx_pid_good && rx_pid == PID_ACK))) begin
                    good_next  = 1'b0;
                    state_next = S_RESULT;
                end
            end
            default: begin
                message_type  = T_HANDSHAKE;
                message_valid = 1'b1;
                if (message_ready) state_next = S_IDLE;
            end
        endcase
    end

    // Clocks of silence on the bus, counted up to the time-out.
    wire busy = utmi_rxactive || tx_busy || (!high_speed && line != LINE_J);

    always @(posedge clk) begin
        state_reg <= state_next;
        good_reg  <= good_next;
        in_reg    <= in_next;
        ping_reg  <= ping_next;
        setup_reg <= setup_next;
        sof_reg   <= sof_next;
        ext_reg   <= ext_next && LPM != 0;

        if (busy) begin
            idle_reg <= 7'd0;
        end else if (!expired) begin
            idle_reg <= idle_reg + TICK[6:0];
        end

        if (rst) state_reg <= S_IDLE;
    end

    assign lpm_acked = answers_lpm && good_reg && state_reg == S_SEND && !tx_busy
        && ans_kind == A_ACK;
    assign tx_mute = !good_reg;
    assign tx_data = sends_data;
    // Handshakes: ACK 0010, NAK 1010, STALL 1110, NYET 0110
    assign tx_pid  = sends_data ? ans_pid
        : {ans_kind == A_NAK || stall, stall || nyet, 2'b10};

    // Fields of the messages; `rx_word` is zero for all but T_WORD. T_HANDSHAKE: bit 1 tells that
    // it was ours to an extended token.
    assign message_data = rx_word | {15'd0,
          ({17{message_type[2:0] == T_TOKEN[2:0]}} & {2'd0, rx_token[6:0], rx_token[10:7], rx_pid})
        | ({17{message_type == T_END}} & {good_reg, rx_pid, 1'b0, rx_length})
        | ({17{message_type == T_HANDSHAKE}} & {15'd0, LPM != 0 && ping_reg, good_reg})
        | ({17{message_type == T_SOF}} & {6'd0, rx_token[10:0]})
        | ({17{message_type == T_LINE}} & {11'd0, line_message})};

endmodule

`resetall
