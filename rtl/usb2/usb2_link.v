// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// USB 2.0 device link: UTMI (8 bit, 60 MHz or 16 bit, 30 MHz) on one side, messages in the core's
// clock on the other.
//
// Everything between is here: line states and speed negotiation, packets with their CRCs, the
// sequence token - answer - data - handshake with its time-outs, and the crossing of clocks. What
// an endpoint is, the core knows alone: it answers every token.
//
// The core side never waits for utmi_clk: when that stands still the streams are empty (or full),
// VBUS messages still come, and a soft reset is kept for later.
module usb2_link #(
    // Divides reset, chirp and suspend times, down to floors that keep them apart.
    parameter TIME_SCALE = 1,
    // 1 = extended tokens and the state L1 of the link
    parameter LPM = 0,
    // 8 or 16
    parameter UTMI_WIDTH = 8
) (
    input  wire        core_clk,
    // Synchronous, active high
    input  wire        core_rst,

    // Levels
    // pull-up on (if there is VBUS)
    input  wire        ctl_connect,
    input  wire        ctl_full_speed_only,
    // DCFG.PerFrInt
    input  wire [1:0]  ctl_periodic_part,
    // drive resume while suspended
    input  wire        ctl_remote_wakeup,
    // test mode: 1 J, 2 K, 3 SE0_NAK, 4 packet, 5 force enable; left by !ctl_connect or reset only
    input  wire [2:0]  ctl_test,
    // Any length; empties the link. Meanwhile rx_valid is low and what is sent is dropped.
    input  wire        ctl_soft_reset,
    // {D-, D+}
    output wire [1:0]  line_state,
    output wire        vbus_valid,

    // Receive stream
    output wire        rx_valid,
    input  wire        rx_ready,
    // 1 token, 2 word, 3 end of data, 4 handshake, 5 SOF, 6 line, 9 first packet of an extended
    // token (its second one is a token with PID 0011)
    output wire [3:0]  rx_type,
    output wire [31:0] rx_data,

    // Answer to a token, one per token
    input  wire        ans_valid,
    // 0 silent, 1 ACK, 2 NAK, 3 STALL, 4 NYET, 5 data, 6 isochronous,
    // 7 ACK an empty packet, STALL any other
    input  wire [2:0]  ans_kind,
    input  wire [3:0]  ans_pid,
    // data: bytes to send; else most bytes of payload that may come
    input  wire [10:0] ans_length,

    // Payload to be sent, first byte in bits 7:0
    input  wire        tx_valid,
    output wire        tx_ready,
    input  wire [31:0] tx_data,

    input  wire        utmi_clk,
    output wire        utmi_txvalid,
    // 8 bit: 0
    output wire        utmi_txvalidh,
    input  wire        utmi_txready,
    output wire [UTMI_WIDTH-1:0] utmi_txdata,
    input  wire        utmi_rxactive,
    input  wire        utmi_rxvalid,
    // 8 bit: ignored
    input  wire        utmi_rxvalidh,
    input  wire        utmi_rxerror,
    input  wire [UTMI_WIDTH-1:0] utmi_rxdata,
    input  wire [1:0]  utmi_linestate,
    output wire [1:0]  utmi_opmode,
    output wire [1:0]  utmi_xcvrselect,
    output wire        utmi_termselect,
    output wire        utmi_suspendm,
    input  wire        utmi_vbusvalid
);

    // Resets of both domains; each contains the other's release
    wire c_rst;
    wire u_rst;

    cdc_reset u_reset (
        .near_clk(core_clk),
        .request (core_rst || ctl_soft_reset),
        .near_rst(c_rst),
        .far_clk (utmi_clk),
        .far_rst (u_rst)
    );

    // ------------------------------------------------------------------ core clock: levels

    localparam [1:0] J = 2'b01;
    localparam [3:0] T_SOF = 4'd5, T_LINE = 4'd6;
    // LINE messages 6, 7 and 8; the others come from usb2_line
    localparam [5:0] VBUS_ON = 6'd6, VBUS_OFF = 6'd7, PERIODIC_END = 6'd8;

    wire sleep;
    // straight from a flip-flop: logic before a synchronizer may glitch
    reg  sleep_reg;
    wire c_sleep;
    reg  connect_reg;
    reg  remote_reg;
    reg  full_reg;
    reg  [2:0] test_reg;
    reg  suspendm_reg;

    cdc_sync u_line0 (.clk(core_clk), .d(utmi_linestate[0]), .q(line_state[0]));
    cdc_sync u_line1 (.clk(core_clk), .d(utmi_linestate[1]), .q(line_state[1]));
    cdc_sync u_vbus (.clk(core_clk), .d(utmi_vbusvalid), .q(vbus_valid));
    cdc_sync u_sleep (.clk(core_clk), .d(sleep_reg), .q(c_sleep));

    always @(posedge utmi_clk) begin
        sleep_reg <= sleep && !u_rst;
    end

    always @(posedge core_clk) begin
        // Without VBUS there must be no pull-up (USB 2.0 section 7.1.5.1)
        connect_reg  <= ctl_connect && vbus_valid;
        remote_reg   <= ctl_remote_wakeup;
        full_reg     <= ctl_full_speed_only;
        test_reg     <= ctl_test;
        // Whatever ends suspend is seen here, where the clock runs, and wakes the PHY.
        suspendm_reg <= !c_sleep || line_state != J || remote_reg || !connect_reg || c_rst;
    end

    assign utmi_suspendm = suspendm_reg;

    // ------------------------------------------------------------------ core clock: streams

    wire        fifo_valid;
    wire        fifo_ready;
    wire [35:0] fifo_data;
    wire        u_rx_valid;
    wire        u_rx_ready;
    wire [3:0]  u_rx_type;
    wire [31:0] u_rx_data;

    cdc_fifo #(.WIDTH(36), .ADDR_WIDTH(4)) u_rx_fifo (
        .wr_clk  (utmi_clk),
        .wr_rst  (u_rst),
        .wr_valid(u_rx_valid),
        .wr_ready(u_rx_ready),
        .wr_data ({u_rx_type, u_rx_data}),
        .rd_clk  (core_clk),
        .rd_rst  (c_rst),
        .rd_valid(fifo_valid),
        .rd_ready(fifo_ready),
        .rd_data (fifo_data)
    );

    // VBUS messages are made here: they have to come when utmi_clk stands still.
    reg vbus_told_reg;
    reg vbus_turn_reg;

    always @(posedge core_clk) begin
        if (c_rst) begin
            vbus_turn_reg <= 1'b0;
        end else if (vbus_turn_reg) begin
            if (rx_ready) begin
                vbus_turn_reg <= 1'b0;
                vbus_told_reg <= !vbus_told_reg;
            end
        end else if (!rx_valid || rx_ready) begin
            vbus_turn_reg <= vbus_told_reg != vbus_valid;
        end
        // A soft reset does not repeat what was told.
        if (core_rst) vbus_told_reg <= 1'b0;
    end

    assign rx_valid   = (fifo_valid || vbus_turn_reg) && !c_rst;
    assign fifo_ready = rx_ready && !vbus_turn_reg;
    assign rx_type    = vbus_turn_reg ? T_LINE : fifo_data[35:32];
    // a LINE message has six bits, the others mean nothing
    assign rx_data    = {fifo_data[31:6],
        vbus_turn_reg ? (vbus_told_reg ? VBUS_OFF : VBUS_ON) : fifo_data[5:0]};

    // The answer stays in registers, a toggle tells that it is new.
    reg        ans_toggle_reg;
    reg [2:0]  ans_kind_reg;
    reg [3:0]  ans_pid_reg;
    reg [10:0] ans_length_reg;

    always @(posedge core_clk) begin
        if (ans_valid) begin
            ans_toggle_reg <= !ans_toggle_reg;
            ans_kind_reg   <= ans_kind;
            ans_pid_reg    <= ans_pid;
            ans_length_reg <= ans_length;
        end
        if (c_rst) ans_toggle_reg <= 1'b0;
    end

    wire        fifo_tx_ready;
    wire        u_tx_valid;
    wire        u_tx_ready;
    wire [31:0] u_tx_data;
    wire        word_ready;

    cdc_fifo #(.WIDTH(32), .ADDR_WIDTH(4)) u_tx_fifo (
        .wr_clk  (core_clk),
        .wr_rst  (c_rst),
        .wr_valid(tx_valid),
        .wr_ready(fifo_tx_ready),
        .wr_data (tx_data),
        .rd_clk  (utmi_clk),
        .rd_rst  (u_rst),
        .rd_valid(u_tx_valid),
        .rd_ready(u_tx_ready),
        .rd_data (u_tx_data)
    );

    assign tx_ready = fifo_tx_ready || c_rst;

    // ------------------------------------------------------------------ UTMI clock

    // 60 MHz by the rate of utmi_clk
    localparam TICK = UTMI_WIDTH / 8;

    wire        connect;
    wire        remote_wakeup;
    wire        full_speed_only;
    wire [1:0]  periodic_part;
    wire        periodic_end;
    wire        lpm_acked;
    wire        ans_toggle;
    reg         ans_seen_reg;
    wire        ans_take;
    wire [1:0]  line;

    wire [2:0]  test;
    wire        testing;
    wire        test_send;
    wire        drive_j;
    wire        operational;
    wire        high_speed;
    wire        drive_k;
    wire        line_valid;
    wire        line_ready;
    wire [5:0]  line_message;

    wire        rx_pid_strobe;
    wire        rx_byte_strobe;
    wire        rx_third_strobe;
    wire        rx_word_strobe;
    wire        rx_end_strobe;
    wire [3:0]  rx_pid;
    wire        rx_pid_good;
    wire [10:0] rx_token;
    wire [31:0] rx_word;
    wire        rx_error;
    wire [10:0] rx_length;
    wire        rx_quiet;

    wire        send_start;
    wire        send_mute;
    wire [3:0]  send_pid;
    wire        send_data;
    wire        send_busy;
    wire        send_valid;
    wire        send_validh;
    wire [UTMI_WIDTH-1:0] send_bytes;
    wire        tx_rst;
    wire        tx_begin;
    wire        tx_mute;
    wire [3:0]  tx_pid;
    wire        tx_payload;
    wire [10:0] tx_length;
    wire        tx_word_valid;
    wire [31:0] tx_word;

    wire        crc16_good;
    wire        crc5_good;

    wire        flush = !operational;

    cdc_sync u_connect (.clk(utmi_clk), .d(connect_reg), .q(connect));
    cdc_sync u_remote (.clk(utmi_clk), .d(remote_reg), .q(remote_wakeup));
    cdc_sync u_test0 (.clk(utmi_clk), .d(test_reg[0]), .q(test[0]));
    cdc_sync u_test1 (.clk(utmi_clk), .d(test_reg[1]), .q(test[1]));
    cdc_sync u_test2 (.clk(utmi_clk), .d(test_reg[2]), .q(test[2]));
    cdc_sync u_full (.clk(utmi_clk), .d(full_reg), .q(full_speed_only));
    cdc_sync u_part0 (.clk(utmi_clk), .d(ctl_periodic_part[0]), .q(periodic_part[0]));
    cdc_sync u_part1 (.clk(utmi_clk), .d(ctl_periodic_part[1]), .q(periodic_part[1]));
    cdc_sync u_answer (.clk(utmi_clk), .d(ans_toggle_reg), .q(ans_toggle));
    // LineState belongs to utmi_clk only while the PHY is not suspended.
    cdc_sync u_uline0 (.clk(utmi_clk), .d(utmi_linestate[0]), .q(line[0]));
    cdc_sync u_uline1 (.clk(utmi_clk), .d(utmi_linestate[1]), .q(line[1]));

    always @(posedge utmi_clk) begin
        if (u_rst) begin
            ans_seen_reg <= 1'b0;
        end else if (ans_take) begin
            ans_seen_reg <= ans_toggle;
        end
    end

    usb2_line #(.TIME_SCALE(TIME_SCALE), .LPM(LPM), .TICK(TICK)) u_line (
        .clk            (utmi_clk),
        .rst            (u_rst),
        .connect        (connect),
        .full_speed_only(full_speed_only),
        .remote_wakeup  (remote_wakeup),
        .test           (test),
        .lpm_acked      (lpm_acked),
        .line           (line),
        // bytes, not RxActive or TxValid: a PHY that is stuck must not keep us from seeing a reset
        .active         ((utmi_rxactive && utmi_rxvalid) || (utmi_txvalid && utmi_txready)),
        .operational    (operational),
        .high_speed     (high_speed),
        .sleep          (sleep),
        .drive_k        (drive_k),
        .drive_j        (drive_j),
        .test_packets   (testing),
        .test_send      (test_send),
        .utmi_opmode    (utmi_opmode),
        .utmi_xcvrselect(utmi_xcvrselect[0]),
        .utmi_termselect(utmi_termselect),
        .message_valid  (line_valid),
        .message_ready  (line_ready),
        .message        (line_message)
    );

    assign utmi_xcvrselect[1] = 1'b0;

    usb2_frame #(.TICK(TICK)) u_frame (
        .clk       (utmi_clk),
        .rst       (u_rst),
        .flush     (flush),
        .high_speed(high_speed),
        .sof       (u_rx_valid && u_rx_ready && u_rx_type == T_SOF),
        .part      (periodic_part),
        .end_valid (periodic_end),
        .end_ready (line_ready && !line_valid)
    );

    // The test packet goes by the transmitter too.
    assign tx_rst        = u_rst || (flush && !testing);
    assign tx_begin      = testing ? test_send : send_start;
    assign tx_mute       = send_mute && !testing;
    assign tx_pid        = testing ? 4'b0011 : send_pid;
    assign tx_payload    = send_data || testing;
    assign tx_length     = testing ? TEST_LENGTH : ans_length_reg;
    assign tx_word_valid = u_tx_valid || testing;
    assign tx_word       = testing ? test_word : u_tx_data;

    generate
        if (UTMI_WIDTH == 8) begin : g_narrow
            wire        rx_clear;
            wire        rx_enable;
            wire        tx_clear;
            wire        tx_enable;
            wire [15:0] crc16;

            usb2_crc u_crc (
                .clk       (utmi_clk),
                .clear     (rx_clear || tx_clear),
                .enable    (rx_enable || tx_enable),
                .sending   (send_busy),
                .rx_data   (utmi_rxdata),
                .tx_data   (send_bytes),
                .crc16     (crc16),
                .crc16_good(crc16_good),
                .crc5_good (crc5_good)
            );

            usb2_rx u_rx (
                .clk          (utmi_clk),
                .rst          (u_rst || flush),
                .enable       (!send_busy),
                .utmi_rxactive(utmi_rxactive),
                .utmi_rxvalid (utmi_rxvalid),
                .utmi_rxerror (utmi_rxerror),
                .utmi_rxdata  (utmi_rxdata),
                .pid_strobe   (rx_pid_strobe),
                .byte_strobe  (rx_byte_strobe),
                .third_strobe (rx_third_strobe),
                .word_strobe  (rx_word_strobe),
                .end_strobe   (rx_end_strobe),
                .pid          (rx_pid),
                .pid_good     (rx_pid_good),
                .token        (rx_token),
                .word         (rx_word),
                .error        (rx_error),
                .length       (rx_length),
                .quiet        (rx_quiet),
                .crc_clear    (rx_clear),
                .crc_enable   (rx_enable)
            );

            usb2_tx u_tx (
                .clk         (utmi_clk),
                .rst         (tx_rst),
                .start       (tx_begin),
                .mute        (tx_mute),
                .pid         (tx_pid),
                .data        (tx_payload),
                .length      (tx_length),
                .busy        (send_busy),
                .word_valid  (tx_word_valid),
                .word_ready  (word_ready),
                .word        (tx_word),
                .crc_clear   (tx_clear),
                .crc_enable  (tx_enable),
                .crc16       (crc16),
                .utmi_txvalid(send_valid),
                .utmi_txready(utmi_txready),
                .utmi_txdata (send_bytes)
            );

            assign send_validh   = 1'b0;
            assign utmi_txvalidh = 1'b0;

            wire unused_ok = &{1'b0, utmi_rxvalidh, send_validh};
        end else begin : g_wide
            wire        rx_enable;
            wire        rx_clear;
            wire [1:0]  rx_bytes;
            wire        rx_token_now;
            wire        tx_sending;
            wire        tx_enable;
            wire        tx_clear;
            wire [1:0]  tx_bytes;
            wire [7:0]  tx_low;
            wire [7:0]  tx_high;
            wire [15:0] crc16;
            wire [7:0]  crc16_low_next;
            wire        crc5_was_good;
            wire        crc5_good_next;

            usb2_crc_wide u_crc (
                .clk           (utmi_clk),
                .enable        (rx_enable || tx_enable),
                .clear         (tx_sending ? tx_clear : rx_clear),
                .bytes         (tx_sending ? tx_bytes : rx_bytes),
                .sending       (tx_sending),
                .rx_data       (utmi_rxdata),
                .tx_low        (tx_low),
                .tx_high       (tx_high),
                .crc16         (crc16),
                .crc16_low_next(crc16_low_next),
                .crc16_good    (crc16_good),
                .crc5_good     (crc5_was_good),
                .crc5_good_next(crc5_good_next)
            );

            assign crc5_good = rx_token_now ? crc5_good_next : crc5_was_good;

            usb2_rx_wide u_rx (
                .clk          (utmi_clk),
                .rst          (u_rst || flush),
                .enable       (!send_busy),
                .utmi_rxactive(utmi_rxactive),
                .utmi_rxvalid (utmi_rxvalid),
                .utmi_rxvalidh(utmi_rxvalidh),
                .utmi_rxerror (utmi_rxerror),
                .utmi_rxdata  (utmi_rxdata),
                .pid_strobe   (rx_pid_strobe),
                .byte_strobe  (rx_byte_strobe),
                .third_strobe (rx_third_strobe),
                .word_strobe  (rx_word_strobe),
                .end_strobe   (rx_end_strobe),
                .pid          (rx_pid),
                .pid_good     (rx_pid_good),
                .token        (rx_token),
                .token_now    (rx_token_now),
                .word         (rx_word),
                .error        (rx_error),
                .length       (rx_length),
                .quiet        (rx_quiet),
                .crc_enable   (rx_enable),
                .crc_clear    (rx_clear),
                .crc_bytes    (rx_bytes)
            );

            usb2_tx_wide u_tx (
                .clk           (utmi_clk),
                .rst           (tx_rst),
                .start         (tx_begin),
                .mute          (tx_mute),
                .pid           (tx_pid),
                .data          (tx_payload),
                .length        (tx_length),
                .busy          (send_busy),
                .word_valid    (tx_word_valid),
                .word_ready    (word_ready),
                .word          (tx_word),
                .crc_sending   (tx_sending),
                .crc_enable    (tx_enable),
                .crc_clear     (tx_clear),
                .crc_bytes     (tx_bytes),
                .crc_low       (tx_low),
                .crc_high      (tx_high),
                .crc16         (crc16),
                .crc16_low_next(crc16_low_next),
                .utmi_txvalid  (send_valid),
                .utmi_txvalidh (send_validh),
                .utmi_txready  (utmi_txready),
                .utmi_txdata   (send_bytes)
            );

            assign utmi_txvalidh = send_validh || drive_k || drive_j;
        end
    endgenerate

    // While the bus is not operational, whatever the core may still send is dropped.
    assign u_tx_ready   = word_ready || flush;
    // The transmitter's data are zero when it is idle: K without bit stuffing. Ones are J.
    assign utmi_txvalid = send_valid || drive_k || drive_j;
    assign utmi_txdata  = send_bytes | {UTMI_WIDTH{drive_j}};

    // Words of the test packet (USB 2.0 section 7.1.20)
    localparam [10:0] TEST_LENGTH = 11'd53;
    reg  [3:0]  test_index_reg;
    reg  [31:0] test_word;

    always @(posedge utmi_clk) begin
        test_index_reg <= test_send ? 4'd0 : test_index_reg + {3'd0, word_ready};
    end

    always @* begin
        case (test_index_reg)
            4'd0, 4'd1:        test_word = 32'h00000000;
            4'd2:              test_word = 32'hAAAAAA00;
            4'd3:              test_word = 32'hAAAAAAAA;
            4'd4:              test_word = 32'hEEEEEEAA;
            4'd5:              test_word = 32'hEEEEEEEE;
            4'd6:              test_word = 32'hFFFFFEEE;
            4'd7, 4'd8:        test_word = 32'hFFFFFFFF;
            4'd9:              test_word = 32'hDFBF7FFF;
            4'd10:             test_word = 32'hFDFBF7EF;
            4'd11:             test_word = 32'hDFBF7EFC;
            4'd12:             test_word = 32'hFDFBF7EF;
            default:           test_word = 32'h0000007E;
        endcase
    end

    usb2_protocol #(.LPM(LPM), .TICK(TICK)) u_protocol (
        .clk            (utmi_clk),
        .rst            (u_rst),
        .flush          (flush),
        .high_speed     (high_speed),
        .line           (line),
        .utmi_rxactive  (utmi_rxactive),
        .rx_pid_strobe  (rx_pid_strobe),
        .rx_byte_strobe (rx_byte_strobe),
        .rx_third_strobe(rx_third_strobe),
        .rx_word_strobe (rx_word_strobe),
        .rx_end_strobe  (rx_end_strobe),
        .rx_pid         (rx_pid),
        .rx_pid_good    (rx_pid_good),
        .rx_token       (rx_token),
        .rx_word        (rx_word),
        .rx_error       (rx_error),
        .rx_length      (rx_length),
        .rx_quiet       (rx_quiet),
        .crc5_good      (crc5_good),
        .crc16_good     (crc16_good),
        .tx_start       (send_start),
        .tx_mute        (send_mute),
        .tx_pid         (send_pid),
        .tx_data        (send_data),
        .tx_busy        (send_busy),
        .ans_valid      (ans_toggle != ans_seen_reg),
        .ans_take       (ans_take),
        .ans_kind       (ans_kind_reg),
        .ans_pid        (ans_pid_reg),
        .ans_length     (ans_length_reg),
        .lpm_acked      (lpm_acked),
        .line_valid     (line_valid || periodic_end),
        .line_ready     (line_ready),
        .line_message   (line_valid ? line_message : PERIODIC_END),
        .message_valid  (u_rx_valid),
        .message_ready  (u_rx_ready),
        .message_type   (u_rx_type),
        .message_data   (u_rx_data)
    );

endmodule

`resetall
