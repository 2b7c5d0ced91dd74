// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Tokens and their answers: whether a token is for us, whether there is room for what it announces,
// the decision (ep_token, ep_lpm for extended tokens), and the answer to the USB side in the clock
// after ACT.
module ep_answer #(
    // IN endpoints, bits of a FIFO index
    parameter INS = 8,
    parameter INDEX_WIDTH = 3,
    // 1 = extended tokens are answered
    parameter LPM = 0
) (
    input  wire        clk,
    input  wire        rst,

    // message from the USB side, answer
    input  wire        rx_valid,
    input  wire [3:0]  rx_type,
    input  wire [31:0] rx_data,
    output wire        ans_valid,
    output wire [2:0]  ans_kind,
    output wire [3:0]  ans_pid,
    output wire [10:0] ans_length,

    // global configuration
    input  wire        descriptors,
    input  wire        full_speed,
    input  wire [6:0]  device_address,
    input  wire        old_address_valid,
    input  wire [6:0]  old_address,
    input  wire        global_in_nak,
    input  wire        global_out_nak,
    input  wire        test_nak,
    input  wire        bus_reset,

    // operation (see ep_sequencer) and its endpoint
    input  wire        read,
    input  wire        act_token,
    input  wire        act_handshake,
    input  wire        act_scan,
    input  wire        out,
    input  wire [3:0]  ep,
    input  wire        exists,

    // context in work (see ep_operand): bytes of a packet during READ, the rest then
    input  wire [10:0] packet_now,
    input  wire [5:0]  flags,
    input  wire        enabled,
    input  wire        iso,
    input  wire [1:0]  transfer_type,
    input  wire [10:0] packet_size,
    input  wire [9:0]  packets,
    input  wire [10:0] length,
    input  wire        more,
    // there is a descriptor with something to send, or room; the next packet is in its FIFO,
    // another endpoint's is at the head; the status stage takes no data
    input  wire        desc_open,
    input  wire        packet_ready,
    input  wire        other_ready,
    input  wire        no_data,
    // isochronous (see ep_iso)
    input  wire        turn,
    input  wire [1:0]  turn_pid,

    // Rx FIFO
    input  wire [15:0] rx_fifo_free,
    input  wire        rx_fifo_empty,

    // the token is for our address, and for an endpoint that exists; most words of its packet
    output wire        ours,
    output wire        known,
    output wire [8:0]  limit,
    // decision (see ep_token)
    output wire [2:0]  kind,
    output wire [3:0]  data_pid,
    output wire [10:0] data_length,
    output wire        send,
    output wire        receive,
    output wire        cause,
    output wire        mismatch,
    output wire        nothing,
    output wire        lost,

    // extended token: its answer, 0 if it has none; this handshake was sent, to these attributes;
    // what that depends on (see ep_lpm)
    output wire [2:0]  lpm_kind,
    output wire [2:0]  lpm_sent,
    output wire [10:0] lpm_attributes,
    input  wire [3:0]  lpm_allowed,
    input  wire        word,
    input  wire        setup_accept,
    input  wire        received,
    input  wire        acknowledged,
    input  wire        refused,
    input  wire [INDEX_WIDTH-1:0] fifo,
    input  wire [INS-1:0] fifo_empty
);

    // words of a packet besides its data: status word, OUT done
    localparam [15:0] OVERHEAD = 16'd2;
    // words of the Rx FIFO that only SETUPs may take (S004-103)
    localparam [15:0] RESERVE = 16'd13;
    localparam [3:0] PID_PING = 4'b0100;
    // of an extended token's second packet
    localparam [3:0] PID_LPM = 4'b0011;
    localparam [3:0] MSG_EXTENDED = 4'd9;
    localparam [2:0] STALL = 3'd3;

    reg         ours_reg;
    reg         known_reg;
    reg  [8:0]  limit_reg;
    reg  [15:0] need_one_reg;
    reg  [15:0] need_two_reg;
    reg         answer_reg;
    reg  [2:0]  kind_reg;
    reg  [3:0]  answer_pid_reg;
    reg  [10:0] length_reg;

    wire is_ep0 = (ep == 4'd0);

    // full speed has no PING; the second packet of an extended token has no address
    wire is_lpm = (LPM != 0) && (rx_data[3:0] == PID_LPM);
    wire ours_now = ((rx_data[14:8] == device_address)
                     || (old_address_valid && (rx_data[14:8] == old_address)))
                    && !(full_speed && (rx_data[3:0] == PID_PING)) && !is_lpm;
    wire [15:0] packet_words_now = {5'd0, packet_now + 11'd3} >> 2;

    ep_token ep_token (
        .pid(rx_data[3:0]), .known(known_reg), .is_ep0(is_ep0), .high_speed(!full_speed),
        .flags(flags), .transfer_type(transfer_type),
        .packets_left(descriptors ? desc_open : packets != 10'd0),
        .global_in_nak(global_in_nak), .global_out_nak(global_out_nak),
        .no_data(no_data), .test_nak(test_nak),
        .next_length(length), .packet_ready(packet_ready && (desc_open || !descriptors)),
        .other_ready(other_ready), .mismatch(mismatch), .packet_size(packet_size),
        .last_packet(descriptors ? !more : packets == 10'd1),
        .room_one(rx_fifo_free >= need_one_reg), .room_two(rx_fifo_free >= need_two_reg),
        .room_setup(rx_fifo_free >= 16'd3), .turn(turn), .turn_pid(turn_pid),
        .kind(kind), .data_pid(data_pid), .length(data_length),
        .send(send), .receive(receive), .token_cause(cause), .nothing(nothing), .lost(lost)
    );

    generate
        if (LPM != 0) begin : g_lpm
            ep_lpm #(.INS(INS), .INDEX_WIDTH(INDEX_WIDTH)) ep_lpm (
                .clk(clk), .rst(rst), .allowed(lpm_allowed),
                .extended(rx_valid && (rx_type == MSG_EXTENDED)),
                .extended_ours(ours_now && (rx_data[7:4] == 4'd0)),
                .act_lpm(act_token && is_lpm), .attributes({rx_data[7:4], rx_data[14:8]}),
                .kind(lpm_kind), .act_sent(act_handshake && rx_data[1]), .sent_kind(lpm_sent),
                .sent_attributes(lpm_attributes),
                .word(word), .word_data(rx_data), .token(act_token),
                .setup(setup_accept), .received(received && is_ep0),
                .acknowledged(acknowledged && is_ep0),
                .stalled(is_ep0 && ((act_token && (kind == STALL)) || refused)),
                .bus_reset(bus_reset),
                .scan(act_scan), .scan_first(is_ep0 && !out), .is_in(!out), .iso(iso),
                .active(flags[3]), .enabled(enabled), .fifo(fifo),
                .tx_fifo_empty(fifo_empty), .rx_fifo_empty(rx_fifo_empty)
            );
        end else begin : g_no_lpm
            assign {lpm_kind, lpm_sent, lpm_attributes} = 17'd0;
            wire unused_ok = &{1'b0, lpm_allowed, MSG_EXTENDED, STALL, rx_valid, rx_type, bus_reset,
                               act_handshake, act_scan, out, enabled, iso, word, setup_accept,
                               received, acknowledged, refused, fifo, fifo_empty, 1'b0};
        end
    endgenerate

    assign ours = ours_reg;
    assign known = known_reg;
    assign limit = limit_reg;
    assign ans_valid = answer_reg;
    assign ans_kind = kind_reg;
    assign ans_pid = answer_pid_reg;
    assign ans_length = length_reg;

    wire unused_ok = &{1'b0, rx_data, 1'b0};

    always @(posedge clk) begin
        // READ
        if (read) begin
            ours_reg <= ours_now;
            known_reg <= exists && ours_now;
            limit_reg <= packet_words_now[8:0];
            // an empty FIFO takes a packet (and SETUP done before it) even where there is no room
            // for the reserve
            need_one_reg <= packet_words_now
                            + (rx_fifo_empty ? OVERHEAD + 16'd1 : OVERHEAD + RESERVE);
            need_two_reg <= {packet_words_now[14:0], 1'b0} + (OVERHEAD + OVERHEAD + RESERVE);
        end

        // ACT
        answer_reg <= act_token;
        kind_reg <= kind | lpm_kind;
        answer_pid_reg <= data_pid | {2'd0, {2{is_lpm}}};
        length_reg <= data_length;

        if (rst) begin
            answer_reg <= 1'b0;
        end
    end

endmodule

`resetall
