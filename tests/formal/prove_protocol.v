// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The protocol sequencer on the wire: nothing is sent but in answer to a token, never two answers
// to one token; payload goes to the core only between an OUT or SETUP token and its END, of which
// there is one; the fate of an IN packet is told once; and a handshake other than NAK or STALL
// follows only a packet that came without an error and that the core was told is whole.
//
// What is assumed is what the transmitter and the receiver promise: the transmitter is busy from
// the clock after its start, payload comes where there is some, and the answer is there only after
// a token, stays until it is taken, and keeps its fields until the next one.
module prove_protocol (
    input wire        clk,
    input wire        rst,
    input wire        flush,
    input wire        high_speed,
    input wire [1:0]  line,
    input wire        utmi_rxactive,
    input wire        rx_pid_strobe,
    input wire        rx_byte_strobe,
    input wire        rx_third_strobe,
    input wire        rx_word_strobe,
    input wire        rx_end_strobe,
    input wire [3:0]  rx_pid,
    input wire        rx_pid_good,
    input wire [10:0] rx_token,
    input wire [31:0] rx_word,
    input wire        rx_error,
    input wire [10:0] rx_length,
    input wire        rx_quiet,
    input wire        crc5_good,
    input wire        crc16_good,
    input wire        tx_busy,
    input wire        ans_valid,
    input wire [2:0]  ans_kind,
    input wire [3:0]  ans_pid,
    input wire [10:0] ans_length,
    input wire        line_valid,
    input wire [5:0]  line_message,
    input wire        message_ready
);

    wire        tx_start, tx_mute, tx_data, ans_take, lpm_acked, line_ready, message_valid;
    wire [3:0]  tx_pid, message_type;
    wire [31:0] message_data;

    usb2_protocol #(.LPM(1)) usb (
        .clk(clk), .rst(rst), .flush(flush), .high_speed(high_speed), .line(line),
        .utmi_rxactive(utmi_rxactive), .rx_pid_strobe(rx_pid_strobe),
        .rx_byte_strobe(rx_byte_strobe), .rx_third_strobe(rx_third_strobe),
        .rx_word_strobe(rx_word_strobe), .rx_end_strobe(rx_end_strobe), .rx_pid(rx_pid),
        .rx_pid_good(rx_pid_good), .rx_token(rx_token), .rx_word(rx_word),
        .rx_error(rx_error), .rx_length(rx_length), .rx_quiet(rx_quiet),
        .crc5_good(crc5_good), .crc16_good(crc16_good), .tx_start(tx_start),
        .tx_mute(tx_mute), .tx_pid(tx_pid), .tx_data(tx_data), .tx_busy(tx_busy),
        .ans_valid(ans_valid), .ans_take(ans_take), .ans_kind(ans_kind), .ans_pid(ans_pid),
        .ans_length(ans_length), .lpm_acked(lpm_acked), .line_valid(line_valid),
        .line_ready(line_ready), .line_message(line_message), .message_valid(message_valid),
        .message_ready(message_ready), .message_type(message_type),
        .message_data(message_data)
    );

    (* hierconn *) wire [2:0] \usb.state_reg ;
    (* hierconn *) wire \usb.good_reg ;
    (* hierconn *) wire \usb.in_reg ;
    (* hierconn *) wire \usb.ping_reg ;
    (* hierconn *) wire \usb.sof_reg ;

    localparam [2:0] ACK = 3'd1, NAK = 3'd2, STALL = 3'd3, NYET = 3'd4, DATA = 3'd5, ISO = 3'd6,
                     STATUS = 3'd7;

    wire told = message_valid && message_ready;
    wire token = told && message_type == 4'd1;
    wire word = told && message_type == 4'd2;
    wire ended = told && message_type == 4'd3;
    wire handshake = told && message_type == 4'd4;
    wire extended = \usb.ping_reg ;
    wire ending = message_valid && message_type == 4'd3;

    reg started = 1'b0;
    // a token was told and its answer not taken; it awaits data of the host, END has been told
    reg owed = 1'b0;
    reg wants = 1'b0;
    reg whole = 1'b0;
    // an answer has been begun since the token; a packet was sent whose fate is not told
    reg answered = 1'b0;
    reg fate = 1'b0;
    // an error since the token
    reg error = 1'b0;
    reg started_sending = 1'b0;
    reg valid_then = 1'b0;
    reg [17:0] answer_then;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (ans_valid) assume (owed);
        if (message_type != 4'd2) assume (rx_word == 32'd0);
        if (started_sending) assume (tx_busy);
        if (started && !(owed && !valid_then))
            assume ({ans_kind, ans_pid, ans_length} == answer_then);
        if (owed && valid_then) assume (ans_valid);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        started_sending <= tx_start && !rst;
        valid_then <= ans_valid && !ans_take && !rst;
        answer_then <= {ans_kind, ans_pid, ans_length};

        if (ans_take) owed <= 1'b0;
        if (ended) begin
            wants <= 1'b0;
            whole <= message_data[16];
        end
        if (tx_start) answered <= 1'b1;
        if (tx_start && tx_data) fate <= 1'b1;
        if (handshake) fate <= 1'b0;
        if ((rx_error || flush) && wants && !ending) error <= 1'b1;
        if (token) begin
            owed <= 1'b1;
            answered <= 1'b0;
            error <= 1'b0;
            whole <= 1'b0;
            // OUT and SETUP
            wants <= rx_pid == 4'b0001 || rx_pid == 4'b1101;
        end
        if (rst) begin
            owed <= 1'b0;
            wants <= 1'b0;
            answered <= 1'b0;
            fate <= 1'b0;
        end

        if (started && !rst) begin
            // nothing is sent but in answer to a token, and only once
            if (tx_start) assert (owed && ans_valid && ans_take && !answered && !wants);
            if (token) assert (!wants && !fate);
            if (word || ended) assert (wants && owed);
            if (ended && message_data[16]) assert (!error);
            if (handshake) assert (fate || extended);
            if (handshake) assert (message_data[1] == extended && (answered || !extended));
            if (tx_start && tx_data) assert (ans_kind == DATA || ans_kind == ISO);
            // a handshake: silence is kept, and what says that data were taken is true
            if (tx_start && !tx_data) begin
                assert (!tx_mute && ans_kind != 3'd0 && ans_kind != DATA && ans_kind != ISO);
                assert (\usb.in_reg || \usb.ping_reg || whole);
                assert (rx_length <= ans_length);
                assert (ans_kind != NAK || tx_pid == 4'b1010);
                assert (ans_kind != STALL || tx_pid == 4'b1110);
                assert (ans_kind != ACK || tx_pid == 4'b0010);
                // NYET only for data that were expected, STALL for a status stage with data
                assert (ans_kind != NYET || tx_pid == (rx_pid == ans_pid ? 4'b0110 : 4'b0010));
                assert (ans_kind != STATUS || tx_pid == (rx_length != 0 ? 4'b1110 : 4'b0010));
            end
            // how it is seen in the state
            if (wants) assert (!\usb.good_reg || !error);
            assert (!valid_then || owed);
            case (\usb.state_reg )
                3'd0: assert (!wants && !fate);
                3'd1: assert (\usb.sof_reg ? !wants && !fate
                              : owed && !answered && !fate
                                && wants == !(\usb.in_reg || \usb.ping_reg ));
                3'd2: assert (owed && wants && !answered && !fate && !\usb.in_reg
                              && !\usb.ping_reg && !\usb.sof_reg );
                3'd3: assert (owed && wants && !answered && !fate && !\usb.in_reg
                              && !\usb.ping_reg );
                3'd4: assert (owed && !wants && !answered && !fate
                              && (!\usb.good_reg || \usb.in_reg || \usb.ping_reg || whole));
                3'd5: assert (!owed && answered && !wants && fate == tx_data);
                default: assert (!owed && answered && !wants && (fate || extended));
            endcase
        end
    end
`endif

endmodule

`resetall
