// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The rules of handshake and toggle, for any endpoint and direction: its toggle changes exactly
// when a packet of it is committed to the Rx FIFO or acknowledged by the host (and at a SETUP and
// by software); an answer NAK or STALL changes nothing and lets no packet through; a packet is
// committed only if it is whole, fits, and has the toggle that its token found; and a whole packet
// that fits and is to be acknowledged is either committed or a repeat.
//
// What is assumed is what the sequencer and the FIFO promise: one operation acts at a time, END
// follows a token of the host's data, HANDSHAKE a packet sent, the FIFO overflows only by more than
// the packet may have, and software does not empty it under a packet.
module prove_endpoint (
    input wire        clk,
    input wire        rst,
    input wire        act_token,
    input wire        act_end,
    input wire        act_handshake,
    input wire        act_csr,
    input wire        act_other,
    input wire        bus_reset,
    input wire        other_out,
    input wire [3:0]  other_ep,
    input wire [31:0] rx_data,
    input wire        ours,
    input wire        high_speed,
    input wire [5:0]  flags_others,
    input wire [1:0]  type_others,
    input wire        packets_left,
    input wire        global_in_nak,
    input wire        global_out_nak,
    input wire        no_data,
    input wire [10:0] next_length,
    input wire [10:0] packet_size,
    input wire        packet_ready,
    input wire        other_ready,
    input wire        last_packet,
    input wire        room_one,
    input wire        room_two,
    input wire        turn,
    input wire [1:0]  turn_pid,
    input wire [9:0]  packets,
    input wire        overflow,
    input wire        fifo_word,
    input wire [5:0]  write_flags,
    input wire        popped_done,
    input wire        moved_setup,
    input wire        disabled,
    input wire        desc_complete,
    input wire        desc_stop,
    input wire        desc_bna
);

    localparam [2:0] ACK = 3'd1, NAK = 3'd2, STALL = 3'd3, NYET = 3'd4, DATA = 3'd5, ISO = 3'd6,
                     STATUS = 3'd7;

    // any endpoint and direction, of any type
    (* anyconst *) reg       mine_out;
    (* anyconst *) reg [3:0] mine_ep;
    (* anyconst *) reg [1:0] mine_type;

    wire [3:0] token_ep;
    reg  [3:0] sending_ep;
    // a packet is on the wire: the host's, ours
    reg        open = 1'b0;
    reg        sending = 1'b0;
    reg  [5:0] flags_mine;

    wire       out = act_token ? rx_data[3:0] != 4'b1001 : act_handshake ? 1'b0
                   : act_end ? 1'b1 : other_out;
    wire [3:0] ep = act_token ? rx_data[7:4] : act_handshake ? sending_ep : act_end ? token_ep
                  : other_ep;
    wire       mine = out == mine_out && ep == mine_ep;
    wire       is_ep0 = ep == 4'd0;
    wire [5:0] flags = mine ? flags_mine : flags_others;
    wire [1:0] transfer_type = is_ep0 ? 2'd0 : mine ? mine_type : type_others;
    wire       iso = transfer_type == 2'd1;

    wire [2:0]  kind;
    wire [3:0]  data_pid;
    wire [10:0] length;
    wire        send, receive, token_cause, nothing, lost, mismatch;

    ep_token token (
        .pid(rx_data[3:0]), .known(ours), .is_ep0(is_ep0), .high_speed(high_speed),
        .flags(flags), .transfer_type(transfer_type), .packets_left(packets_left),
        .global_in_nak(global_in_nak), .global_out_nak(global_out_nak), .no_data(no_data),
        .test_nak(1'b0), .next_length(next_length), .packet_size(packet_size),
        .packet_ready(packet_ready), .last_packet(last_packet), .room_one(room_one),
        .room_two(room_two), .room_setup(room_one), .turn(turn), .turn_pid(turn_pid),
        .other_ready(other_ready), .mismatch(mismatch),
        .kind(kind), .data_pid(data_pid), .length(length), .send(send), .receive(receive),
        .token_cause(token_cause), .nothing(nothing), .lost(lost)
    );

    wire commit, good, setup, received, received_last, iso_lost, refused, token_known;

    ep_receive receiver (
        .clk(clk), .rst(rst), .act_token(act_token), .act_end(act_end), .act_scan(1'b0),
        .ep(ep), .rx_data(rx_data), .frame(11'd0), .descriptors(1'b0), .known(ours),
        .lost(lost), .data_pid(data_pid),
        .limit(9'd0), .empty(kind == STATUS), .iso(iso), .packet_size(packet_size),
        .packets(packets), .push_nak(1'b0), .bus_reset(bus_reset), .flush(1'b0),
        .fifo_word(fifo_word), .fifo_open(open), .fifo_overflow(overflow), .fifo_full(1'b0),
        .fifo_commit(commit), .token_ep(token_ep), .token_known(token_known), .good(good),
        .setup(setup), .received(received), .received_last(received_last),
        .iso_lost(iso_lost), .refused(refused)
    );

    wire acknowledged = act_handshake && sending && rx_data[0];
    wire write_control = act_csr;
    wire flags_write;
    wire [5:0] flags_data;

    ep_update update (
        .exists(1'b1), .out(out), .iso(iso), .flags(flags), .write_control(write_control),
        .write_flags(write_flags), .nak_effective_set(1'b0), .nak_effective_clear(1'b0),
        .write_causes(1'b0), .write_data(16'd0), .setup(setup), .reset(1'b0),
        .is_ep0(is_ep0), .token_cause(act_token && token_cause),
        .token_nothing(act_token && nothing), .received(received),
        .received_last(received_last), .acknowledged(acknowledged),
        .acknowledged_last(last_packet), .popped_done(popped_done && act_other),
        .popped_setup_done(1'b0), .dma(1'b1), .moved_setup(moved_setup && act_other),
        .moved_error(1'b0), .disabled(disabled && act_other),
        .token_mismatch(act_token && mismatch), .desc_complete(desc_complete && act_other),
        .desc_stop(desc_stop && act_other), .desc_setup(1'b0), .desc_bna(desc_bna && act_other),
        .desc_failed(1'b0), .status_phase(1'b0), .flags_write(flags_write),
        .flags_data(flags_data)
    );

    // what the last token to the host's data side found, and what it was answered
    reg        started = 1'b0;
    reg        taken = 1'b0;
    reg [2:0]  answer;
    reg [3:0]  wanted_pid;
    reg        wanted_setup;
    reg [10:0] wanted_size;
    reg        for_iso;

    wire [3:0]  end_pid = rx_data[15:12];
    wire [10:0] end_length = rx_data[10:0];
    wire        whole = rx_data[16];
    wire        fits = wanted_setup ? end_length == 11'd8 : end_length <= wanted_size;

    (* hierconn *) wire [3:0] \receiver.pid_reg ;
    (* hierconn *) wire [10:0] \receiver.size_reg ;
    (* hierconn *) wire \receiver.setup_reg ;
    (* hierconn *) wire \receiver.empty_reg ;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        assume (act_token + act_end + act_handshake + act_csr + act_other <= 1);
        if (rst) assume (!act_token && !act_end && !act_handshake && !act_csr && !act_other);
        if (bus_reset) assume (!act_token && !act_end && !act_handshake);
        if (act_end) assume (taken);
        if (act_token) assume (!open && !sending);
        if (act_handshake) assume (sending);
        // the type of an endpoint does not change under a packet
        if (act_end) assume (iso == for_iso);
        if (act_end && open && overflow) assume (end_length > (wanted_setup ? 11'd8
                                                                            : wanted_size));
    end

    always @(posedge clk) begin
        started <= 1'b1;
        if (act_token && receive) open <= 1'b1;
        if (act_end || bus_reset) open <= 1'b0;
        if (act_token && send) begin
            sending <= 1'b1;
            sending_ep <= ep;
        end
        if (act_handshake || bus_reset) sending <= 1'b0;
        if (flags_write && mine) flags_mine <= flags_data;
        if (act_token && rx_data[3:0] != 4'b1001) begin
            taken <= 1'b1;
            answer <= kind;
            wanted_pid <= data_pid;
            wanted_setup <= rx_data[3:0] == 4'b1101;
            wanted_size <= packet_size;
            for_iso <= iso;
        end
        if (act_end || bus_reset) taken <= 1'b0;
        if (rst) begin
            open <= 1'b0;
            sending <= 1'b0;
            taken <= 1'b0;
        end

        if (started && !rst) begin
            // the toggle of an endpoint, but for software and SETUPs
            if (flags_write && mine && !write_control && !setup)
                assert ((flags_data[4] != flags_mine[4]) == (!iso && (received || acknowledged)));
            if (received || acknowledged || setup) assert (flags_write);
            if (setup) assert (is_ep0 && flags_data[4] && flags_data[1] && !flags_data[2]);
            // NAK and STALL
            if (act_token) begin
                assert (!flags_write && !commit);
                if (kind == NAK || kind == STALL || kind == 3'd0) assert (!send && !receive);
                assert (!(send && receive));
                if (kind == DATA) assert (send && data_pid == {flags[4], 3'b011});
                if (send) assert (flags[0] && !flags[1] && (iso || !flags[2]));
                // the host will hear that its data were taken: there is room
                if (rx_data[3:0] == 4'b0001 && (kind == ACK || kind == NYET || kind == STATUS))
                    assert (receive && flags[0] && !flags[1] && !flags[2]
                            && data_pid == {flags[4], 3'b011});
                if (rx_data[3:0] == 4'b1101 && kind != 3'd0) assert (kind == ACK && receive);
            end
            // commit
            if (commit) begin
                assert (act_end && whole && fits && !overflow && open);
                assert (answer == ACK || answer == NYET || answer == ISO || answer == STATUS);
                assert (for_iso || end_pid == wanted_pid);
                if (answer == STATUS) assert (end_length == 11'd0);
            end
            if (act_end && open && whole && fits && (answer == ACK || answer == NYET))
                assert (commit || end_pid != wanted_pid);
            // how it is seen in the state
            if (open) begin
                assert (taken && (answer == ACK || answer == NYET || answer == ISO
                                  || answer == STATUS));
                assert (\receiver.pid_reg == wanted_pid && \receiver.size_reg == wanted_size);
                assert (\receiver.setup_reg == wanted_setup);
                assert (\receiver.empty_reg == (answer == STATUS));
                if (wanted_setup) assert (token_ep == 4'd0 && !for_iso);
                assert (for_iso == (answer == ISO));
            end
        end
    end
`endif

endmodule

`resetall
