// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Endpoint sequencer: all that happens to an endpoint is an operation on one context, and one
// operation runs at a time. It takes two clocks: READ fetches the context from the small memories
// into registers, ACT decides and writes back; the next operation is chosen during ACT. The order
// of ACT clocks is the order of everything the controller commits.
module ep_core #(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter DESC_DMA = 0,
    parameter [31:0] EP_DIRECTIONS = 32'd0,
    parameter DEDICATED_FIFO = 1,
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12,
    // 1 = extended tokens are answered
    parameter LPM = 0
) (
    input  wire        clk,
    input  wire        rst,

    // start-up sequence
    input  wire        startup,
    input  wire [7:0]  startup_index,
    input  wire [31:0] startup_fifo_size,

    // messages from the USB side, answers to tokens
    input  wire        rx_valid,
    output wire        rx_ready,
    input  wire [3:0]  rx_type,
    input  wire [31:0] rx_data,
    output wire        ans_valid,
    output wire [2:0]  ans_kind,
    output wire [3:0]  ans_pid,
    output wire [10:0] ans_length,

    // register accesses; global registers live elsewhere
    input  wire        csr_request,
    input  wire        csr_write,
    input  wire [17:2] csr_address,
    input  wire [31:0] csr_write_data,
    // plain storage of it; the endpoint of the register exists
    input  wire [31:0] csr_masked_data,
    output wire        csr_exists,
    output wire        csr_acknowledge,
    output wire [31:0] csr_read_data,
    input  wire [31:0] global_read_data,
    // causes of the extension bank, as DAINT
    input  wire [31:0] other_causes,

    // global configuration and commands (see global_csr)
    input  wire        dma_enable,
    input  wire        descriptors,
    input  wire        empty_level,
    input  wire        periodic_empty_level,
    input  wire [4:0]  mismatch_limit,
    input  wire        full_speed,
    input  wire [6:0]  device_address,
    input  wire        old_address_valid,
    input  wire [6:0]  old_address,
    input  wire [10:0] frame,
    input  wire [15:0] in_mask,
    input  wire [15:0] out_mask,
    input  wire [15:0] empty_mask,
    // DIEPMSK or DOEPMSK is written
    input  wire        mask_written,
    input  wire        global_out_nak,
    input  wire        global_in_nak,
    // DCFG.NZStsOUTHShk; test mode SE0_NAK
    input  wire        stall_status,
    input  wire        test_nak,
    // GLPMCFG (see lpm_csr); kind of the handshake that was sent to an extended token, else 0
    input  wire [3:0]  lpm_allowed,
    output wire [2:0]  lpm_sent,
    output wire [10:0] lpm_attributes,
    input  wire        global_nak_push,
    input  wire        rx_flush,
    input  wire        rx_size_written,
    input  wire        tx_flush,
    input  wire [4:0]  tx_flush_fifo,
    input  wire        soft_reset_wait,
    output wire        address_taken,
    output wire        global_nak_pushed,
    output wire        global_nak_popped,
    output wire        rx_flushed,
    output wire        tx_flushed,
    output wire        reset_start,
    output wire        line_valid,
    output wire        sof_valid,
    // end of the periodic part of the frame, with isochronous endpoints that were not served;
    // isochronous OUT packet lost
    output wire        periodic_end,
    output wire        incomplete_in,
    output wire        incomplete_out,
    output wire        iso_lost,
    output wire [31:0] daint,
    output wire [31:0] deachint,
    output wire        fifo0_level,
    // shared Tx FIFO: all periodic FIFOs are (half) empty; too many tokens for what is not at the
    // head
    output wire        periodic_level,
    output wire        mismatches,

    // Rx FIFO
    output wire        rx_fifo_open,
    output wire [8:0]  rx_fifo_limit,
    output wire        rx_fifo_word,
    output wire        rx_fifo_commit,
    output wire        rx_fifo_drop,
    output wire        rx_fifo_push,
    output wire [31:0] rx_fifo_status,
    output wire        rx_fifo_flush,
    output wire        rx_fifo_pop,
    input  wire        rx_fifo_is_open,
    input  wire        rx_fifo_overflow,
    input  wire [15:0] rx_fifo_free,
    input  wire        rx_fifo_empty,
    input  wire        head_valid,
    input  wire [31:0] head,

    // word pushed into a Tx FIFO by software
    output wire        push_write,
    output wire [ADDRESS_WIDTH-1:0] push_address,
    // packet to read for sending
    output wire        send_start,
    output wire [ADDRESS_WIDTH-1:0] send_address,
    output wire [8:0]  send_words,
    output wire        send_stop,

    // place of the Tx FIFO in work, for the reader and the DMA
    output wire [31:0] fifo_size,

    // DMA engine
    output wire        dma_start,
    output wire        dma_receive,
    output wire        dma_discard,
    output wire [31:0] dma_address,
    output wire [10:0] dma_bytes,
    output wire [ADDRESS_WIDTH-1:0] dma_ram_address,
    // descriptor: load it from, store its status word to this address
    output wire        dma_load,
    output wire        dma_store,
    output wire [31:0] dma_store_data,
    input  wire [31:0] dma_loaded_status,
    input  wire [31:0] dma_loaded_buffer,
    input  wire        dma_busy,
    input  wire        dma_done,
    input  wire        dma_error,
    output wire        dma_clear,

    // trace: what the operation did, the causes it set, a status word that is pushed
    output wire        trace_valid,
    output wire [63:0] trace_event,
    output wire        trace_cause_valid,
    output wire [63:0] trace_cause,
    output wire        trace_status_valid,
    output wire [23:0] trace_status_arg
);

    localparam A = ADDRESS_WIDTH;
    localparam INS = NUM_IN_EPS + 1;
    localparam OUTS = NUM_OUT_EPS + 1;
    // bits of a context index and of a FIFO index
    localparam CW = (INS + OUTS <= 4) ? 2 : (INS + OUTS <= 8) ? 3 : (INS + OUTS <= 16) ? 4 : 5;
    localparam FW = (INS <= 2) ? 1 : (INS <= 4) ? 2 : (INS <= 8) ? 3 : 4;
    localparam SHARED = (DEDICATED_FIFO == 0);
    localparam [4:0] LAST_IN = NUM_IN_EPS[4:0];
    // words of a packet besides its data: status word, OUT done
    localparam [15:0] OVERHEAD = 16'd2;
    // words of the Rx FIFO that only SETUPs may take (S004-103)
    localparam [15:0] RESERVE = 16'd13;
    localparam [3:0] PID_PING = 4'b0100;
    // of an extended token's second packet
    localparam [3:0] PID_LPM = 4'b0011;

    localparam [3:0] MSG_WORD = 4'd2;
    localparam [3:0] MSG_SOF = 4'd5;
    localparam [3:0] MSG_LINE = 4'd6;
    localparam [3:0] MSG_EXTENDED = 4'd9;

    localparam [3:0] STS_GLOBAL_NAK = 4'd1;
    localparam [3:0] STS_OUT_DONE = 4'd3;
    localparam [3:0] STS_SETUP_DONE = 4'd4;
    localparam [3:0] STS_SETUP = 4'd6;

    localparam [3:0] LINE_PERIODIC_END = 4'd8;
    localparam [1:0] TYPE_ISO = 2'd1;
    localparam [2:0] KIND_STATUS = 3'd7;

    // ---- operation and what is in work --------------------------------------------------------

    wire        read, act, choose;
    wire        act_token, act_end, act_handshake, act_line, act_csr, act_head, act_moved;
    wire        act_scan, act_flush, act_take;
    wire        op_csr, op_flush, op_fetch, op_take, chained, walk;
    wire        out;
    wire [3:0]  ep;
    wire [4:0]  slot_wide;
    wire        exists;

    reg  [3:0]  flush_reg;
    reg         flush_seen_reg;
    reg         head_seen_reg;

    // IN packet on the wire
    reg         sending_reg;
    // its FIFO, that of the job has still the same place
    reg         sent_valid_reg;
    reg         job_valid_reg;
    reg  [3:0]  sending_ep_reg;
    reg  [FW-1:0] sending_fifo_reg;
    // packet in the hands of the DMA engine
    reg         job_out_reg;
    reg  [3:0]  job_ep_reg;
    reg  [3:0]  job_status_reg;
    reg  [FW-1:0] job_fifo_reg;
    reg  [10:0] job_bytes_reg;
    // for the trace
    reg  [31:0] job_head_reg;
    // EP0: packet size code
    reg  [1:0]  ep0_size_reg;
    reg         answer_reg;
    reg  [2:0]  kind_reg;
    reg  [3:0]  answer_pid_reg;
    reg  [10:0] length_reg;

    wire rx_done = act_token || act_end || act_handshake || act_line;

    wire        csr_endpoint, csr_out, csr_names_fifo, csr_size, csr_space, csr_pop, csr_peek;
    wire        csr_window;
    wire        csr_each;
    wire [3:0]  csr_ep, csr_fifo;

    ep_decode ep_decode (
        .clk(clk), .address(csr_address), .head_ep(head[3:0]),
        .endpoint(csr_endpoint), .out(csr_out), .ep(csr_ep), .names_fifo(csr_names_fifo),
        .fifo(csr_fifo), .size(csr_size), .space(csr_space), .pop(csr_pop), .peek(csr_peek),
        .window(csr_window), .each(csr_each)
    );

    ep_sequencer #(
        .NUM_IN_EPS(NUM_IN_EPS), .NUM_OUT_EPS(NUM_OUT_EPS), .EP_DIRECTIONS(EP_DIRECTIONS)
    ) ep_sequencer (
        .clk(clk), .rst(rst), .startup(startup),
        .rx_valid(rx_valid), .rx_type(rx_type), .rx_token(rx_data[7:0]), .rx_hold(push),
        .token_ep(packet_ep), .sending_ep(sending_ep_reg),
        .csr_request(csr_request), .csr_out(csr_out), .csr_ep(csr_ep),
        .moved_request(dma_done), .job_out(job_out_reg), .job_ep(job_ep_reg),
        .head_request(dma_enable && head_valid && !dma_busy && !soft_reset_wait),
        .head_ep(head[3:0]), .flush_request(tx_flush && flush_seen_reg),
        .hot(hot), .hot_out(hot_out), .hot_ep(hot_ep), .hot_used(hot_used),
        .take_request(take_request), .take_ep(np_head), .chain_request(chain_request),
        .chain_ep(chain_ep),
        .walk_start(mask_written || reset_start), .walk(walk),
        .read(read), .act(act), .act_token(act_token), .act_end(act_end),
        .act_handshake(act_handshake), .act_line(act_line), .act_csr(act_csr),
        .act_head(act_head), .act_moved(act_moved), .act_scan(act_scan),
        .act_flush(act_flush), .act_take(act_take), .op_csr(op_csr), .op_flush(op_flush),
        .op_take(op_take), .op_fetch(op_fetch), .chained(chained), .choose(choose), .out(out),
        .ep(ep), .slot(slot_wide), .exists(exists)
    );

    // shared Tx FIFO (see ep_shared)
    wire        np_hold, np_fits, np_full, np_ready, np_other, released;
    wire [3:0]  np_head, np_places;
    wire [8:0]  np_words;
    wire        take_request, take_step, take_first, take_gives, take_wait;
    wire [31:0] give_back;
    wire        chain_request, chain_only;
    wire [3:0]  chain_ep;

    // ---- context ------------------------------------------------------------------------------

    wire [21:0] control;
    wire [18:0] size;
    wire [11:0] count;
    wire [31:0] address;
    wire [18:0] unacknowledged;
    wire [5:0]  flags_held;

    reg  [21:0] control_reg;
    reg  [10:0] packet_reg;
    reg  [18:0] size_reg;
    reg  [11:0] count_reg;
    reg  [31:0] address_reg;
    reg  [18:0] unacknowledged_reg;
    reg  [5:0]  flags_reg;
    reg  [10:0] length_now_reg;
    reg         more_reg;
    reg         whole_reg;
    reg  [FW-1:0] fifo_reg;
    reg         fifo_real_reg;
    reg         ours_reg;
    reg         known_reg;
    reg  [8:0]  limit_reg;
    reg  [15:0] need_one_reg;
    reg  [15:0] need_two_reg;

    wire [CW-1:0] slot = startup ? startup_index[CW-1:0] : slot_wide[CW-1:0];
    wire is_ep0 = (ep == 4'd0);
    wire is_out0 = is_ep0 && out;
    wire iso = (control_reg[16:15] == TYPE_ISO);
    wire [15:0] causes;
    wire enabled = flags_reg[0] && exists;

    // EP0 is always active. A SETUP came to its OUT side: until the IN side is written it has NAK
    // and DATA1 and no stall.
    reg         setup_in_reg;
    wire        setup_in_now = setup_in_reg && is_ep0 && !out;
    wire [5:0]  flags_now = {flags_held[5], flags_held[4] || setup_in_now, flags_held[3] || is_ep0,
                             flags_held[2] && !setup_in_now, flags_held[1] || setup_in_now,
                             flags_held[0]};

    wire [10:0] packet_now = !is_ep0 ? control[10:0]
                           : 11'd64 >> (is_out0 ? ep0_size_reg : control[1:0]);
    // the next IN packet: to be sent (by what the host lacks) or to be fetched
    wire [18:0] bytes_now = (op_fetch || (SHARED && op_csr)) ? size : unacknowledged;
    wire more_now = (bytes_now > {8'd0, packet_now});
    wire [10:0] length_now = more_now ? packet_now : bytes_now[10:0];
    wire [15:0] packet_words_now = {5'd0, packet_now + 11'd3} >> 2;

    // shared: types 0 control and 2 bulk have FIFO 0
    wire fifo0_now = SHARED && (!control[15] || op_take);
    // a window belongs to the endpoint of its number; to the FIFO of this number where software
    // has not given the endpoint one
    wire window_of_ep = csr_window && (SHARED || (control[21:18] != 4'd0));
    wire [3:0] fifo_wide = op_flush ? flush_reg
                         : (op_csr && csr_names_fifo && !window_of_ep) ? csr_fifo
                         : fifo0_now ? 4'd0 : control[21:18];
    wire [4:0] fifo_highest = LAST_IN;
    wire fifo_wide_real = ({1'b0, fifo_wide} <= fifo_highest);
    wire [FW-1:0] fifo_now = startup ? startup_index[FW-1:0]
                           : !read ? fifo_reg
                           : fifo_wide_real ? fifo_wide[FW-1:0] : {FW{1'b0}};

    wire [15:0] fifo_used;
    wire [15:0] fifo_free;
    wire [A-1:0] fifo_front;
    wire [A-1:0] fifo_end;
    wire [INS-1:0] fifo_empty;
    wire [INS-1:0] fifo_half_empty;
    wire [INS-1:0] fifo_low = empty_level ? fifo_empty : fifo_half_empty;

    wire [8:0] words = {length_now_reg[10:2]} + {8'd0, |length_now_reg[1:0]};
    wire fifo0 = (fifo_reg == {FW{1'b0}});
    wire words_there = (SHARED && fifo0) ? np_ready : (fifo_used >= {7'd0, words});
    wire head_other = SHARED && fifo0 && np_other;

    // full speed has no PING; the second packet of an extended token has no address
    wire is_lpm = (LPM != 0) && (rx_data[3:0] == PID_LPM);
    wire ours_now = ((rx_data[14:8] == device_address)
                     || (old_address_valid && (rx_data[14:8] == old_address)))
                    && !(full_speed && (rx_data[3:0] == PID_PING)) && !is_lpm;

    // ---- token --------------------------------------------------------------------------------

    wire [2:0]  token_kind;
    wire [3:0]  token_data_pid;
    wire [10:0] token_length;
    wire        token_send;
    wire        token_receive;
    wire        token_cause;
    wire        token_mismatch;
    wire        token_nothing;
    wire        token_lost;
    wire        iso_turn;
    wire [1:0]  iso_pid;
    wire [2:0]  lpm_kind;

    ep_token ep_token (
        .pid(rx_data[3:0]), .known(known_reg), .is_ep0(is_ep0), .high_speed(!full_speed),
        .flags(flags_reg), .transfer_type(control_reg[16:15]),
        .packets_left(descriptors ? desc_open : count_reg[9:0] != 10'd0),
        .global_in_nak(global_in_nak), .global_out_nak(global_out_nak),
        .no_data(stall_status && control_in), .test_nak(test_nak),
        .next_length(length_now_reg), .packet_ready(words_there && (desc_open || !descriptors)),
        .other_ready(head_other), .mismatch(token_mismatch),
        .packet_size(packet_reg),
        .last_packet(descriptors ? !more_reg : count_reg[9:0] == 10'd1),
        .room_one(rx_fifo_free >= need_one_reg), .room_two(rx_fifo_free >= need_two_reg),
        .room_setup(rx_fifo_free >= 16'd3), .turn(iso_turn), .turn_pid(iso_pid),
        .kind(token_kind), .data_pid(token_data_pid), .length(token_length),
        .send(token_send), .receive(token_receive), .token_cause(token_cause),
        .nothing(token_nothing), .lost(token_lost)
    );

    generate
        if (LPM != 0) begin : g_lpm
            ep_lpm #(.INS(INS), .INDEX_WIDTH(FW)) ep_lpm (
                .clk(clk), .rst(rst), .allowed(lpm_allowed),
                .extended(rx_valid && (rx_type == MSG_EXTENDED)),
                .extended_ours(ours_now && (rx_data[7:4] == 4'd0)),
                .act_lpm(act_token && is_lpm), .attributes({rx_data[7:4], rx_data[14:8]}),
                .kind(lpm_kind), .act_sent(act_handshake && rx_data[1]), .sent_kind(lpm_sent),
                .sent_attributes(lpm_attributes),
                .word(rx_fifo_word), .word_data(rx_data), .token(act_token),
                .setup(setup_accept), .received(end_out && is_ep0),
                .acknowledged(acknowledged && is_ep0),
                .stalled(is_ep0 && ((act_token && (token_kind == 3'd3))
                                     || (act_end && packet_refused))),
                .bus_reset(reset_start),
                .scan(act_scan), .scan_first(is_ep0 && !out), .is_in(!out), .iso(iso),
                .active(flags_reg[3]), .enabled(enabled), .fifo(fifo_reg),
                .tx_fifo_empty(fifo_empty), .rx_fifo_empty(rx_fifo_empty)
            );
        end else begin : g_no_lpm
            assign {lpm_kind, lpm_sent, lpm_attributes} = 17'd0;
            wire unused_ok = &{1'b0, lpm_allowed, MSG_EXTENDED, 1'b0};
        end
    endgenerate

    // ---- OUT or SETUP packet on the wire ------------------------------------------------------

    wire        push;
    wire [3:0]  push_kind, push_ep, packet_ep;
    wire        packet_refused, control_in;
    wire        packet_known, packet_good, end_out, end_last, setup_accept;
    wire [10:0] end_length = rx_data[10:0];

    ep_receive ep_receive (
        .clk(clk), .rst(rst), .act_token(act_token), .act_end(act_end), .act_scan(act_scan),
        .ep(ep), .rx_data(rx_data), .frame(frame), .descriptors(descriptors),
        .known(known_reg), .lost(token_lost), .data_pid(token_data_pid), .limit(limit_reg),
        .iso(iso), .packet_size(packet_reg),
        .empty(token_kind == KIND_STATUS), .fifo_word(rx_fifo_word),
        .packets(count_reg[9:0]), .push_nak(scan_nak), .bus_reset(reset_start),
        .flush(rx_fifo_flush), .fifo_open(rx_fifo_is_open), .fifo_overflow(rx_fifo_overflow),
        .fifo_full(rx_fifo_free == 16'd0), .fifo_commit(rx_fifo_commit), .fifo_push(push),
        .fifo_status(rx_fifo_status), .fifo_limit(rx_fifo_limit),
        .token_ep(packet_ep), .token_known(packet_known), .good(packet_good),
        .setup(setup_accept), .received(end_out), .received_last(end_last),
        .iso_lost(iso_lost), .push_kind(push_kind), .push_ep(push_ep),
        .refused(packet_refused), .control_in(control_in)
    );

    // ---- registers ----------------------------------------------------------------------------

    wire        reg_control, reg_causes, reg_size, reg_address;
    wire [21:0] reg_control_data;
    wire [5:0]  reg_flags_data;
    wire        reg_nak_set, reg_nak_clear;
    wire [18:0] reg_size_data;
    wire [11:0] reg_count_data;

    ep_registers ep_registers (
        .offset(csr_address[4:2]), .is_out(out), .is_ep0(is_ep0),
        .write_data(csr_write_data), .masked_data(csr_masked_data), .flags(flags_reg),
        .causes(causes),
        .tx_empty(fifo_low[fifo_reg]), .ep0_size(ep0_size_reg),
        .size(size_reg), .count(count_reg),
        .address((descriptors && !csr_address[3]) ? desc_pointer : address_reg),
        .has_buffer(descriptors), .hold_nak(is_ep0 && (unseen || desc_setup_closing)),
        .fifo_free(fifo_free), .np_places(np_places), .np_head(np_head),
        .show_endpoint(csr_endpoint && exists),
        .show_head(window_pop || status_pop || (csr_peek && !dma_enable && head_valid)),
        .show_space(csr_space), .head(head), .global_data(global_read_data),
        .read_data(csr_read_data), .control_write(reg_control), .causes_write(reg_causes),
        .size_write(reg_size), .address_write(reg_address), .control_data(reg_control_data),
        .flags_data(reg_flags_data), .nak_effective_set(reg_nak_set),
        .nak_effective_clear(reg_nak_clear), .size_data(reg_size_data),
        .count_data(reg_count_data)
    );

    wire write_ep = act_csr && csr_write && csr_endpoint && exists;
    wire write_control = write_ep && reg_control;
    wire fifo_exists = fifo_real_reg;
    wire window_push = act_csr && csr_write && csr_window && fifo_real_reg && !dma_enable
                       && (fifo_free != 16'd0)
                       && (!SHARED || (exists && (!fifo0 || np_fits)));
    wire window_pop = act_csr && !csr_write && csr_window && !dma_enable && head_valid;
    // the endpoint of the head was chosen with the operation: the head must have been there
    wire status_pop = act_csr && !csr_write && csr_pop && !dma_enable && head_seen_reg;

    assign csr_acknowledge = act_csr;
    assign csr_exists = exists;

    // ---- Rx FIFO head: software pops it in slave mode, the DMA engine here --------------------

    // As it was in READ: who pops it acts on it, so it is still the same. Straight from the packet
    // RAM it would come too late in the clock.
    reg  [31:0] head_reg;
    wire [3:0] head_status = head_reg[20:17];
    wire [10:0] head_bytes = head_reg[14:4];
    // SETUPs of one stage follow the first one to memory whether EP0 is enabled or not: three lie
    // back to back, then the address goes back
    wire head_setup = (head_status == STS_SETUP);
    wire head_blocked = act_head && head_setup && !enabled && !setup_more;
    wire head_rewind = act_head && head_setup && !head_blocked && (setup_full)
                       && !descriptors;
    wire head_pop = act_head && !head_blocked && !head_rewind && !soft_reset_wait
                    && !desc_head_hold;
    wire popped = head_pop || status_pop;
    wire popped_done = popped && (head_status == STS_OUT_DONE);
    wire popped_setup_done = popped && (head_status == STS_SETUP_DONE);
    wire popped_nak = popped && (head_status == STS_GLOBAL_NAK);
    wire [10:0] head_fit = descriptors ? desc_head_fit : head_bytes;
    wire head_job = head_pop && (head_fit != 11'd0);

    wire moved_packet = act_moved && desc_moved_packet;
    wire moved_out = moved_packet && job_out_reg;
    wire moved_setup = moved_out && (job_status_reg == STS_SETUP)
                       && (desc_moved_replaced || !descriptors);
    // what was fetched for a FIFO that has got a new place, for a list that was given up, or for an
    // endpoint that has changed its FIFO, is fetched again
    wire job_kept = job_valid_reg && (job_fifo_reg == fifo_reg) && !desc_moved_stale
                    && !(SHARED && fifo0 && np_full);
    wire moved_in = moved_packet && !job_out_reg && job_kept;

    // ---- descriptors --------------------------------------------------------------------------

    wire        desc_open, desc_fetch, desc_closing, desc_expired;
    wire        desc_rest, desc_head_hold, desc_head_take, desc_head_replace;
    wire        desc_moved_packet, desc_moved_replaced, desc_moved_load, desc_setup_whole;
    wire        desc_event, desc_moved_closed, desc_moved_bna, desc_moved_failed;
    wire        desc_moved_stale;
    wire        desc_complete, desc_stop, desc_setup, desc_setup_closing, status_reached;
    wire        unseen, setup_more, setup_full, hot, hot_out, hot_used;
    wire [31:0] desc_pointer;
    wire [18:0] loaded_bytes;
    wire [11:0] loaded_count;
    wire [10:0] desc_head_fit;
    wire [8:0]  desc_rest_words;
    wire [3:0]  hot_ep;
    wire moved_context = (moved_out && !desc_moved_replaced && !desc_moved_stale) || moved_in;

    // gone where `descriptors` is constant
    ep_desc #(.INDEX_WIDTH(CW)) ep_desc (
        .clk(clk), .rst(rst), .startup(startup), .enable(descriptors), .frame(frame),
        .sof(sof_valid), .index(slot), .read(read), .exists(exists), .out(out), .ep(ep),
        .iso(iso), .flags(flags_reg), .packet_size(packet_reg), .size(size_reg),
        .left(unacknowledged_reg), .left_more(more_reg), .left_whole(whole_reg),
        .packets_more(!in_last), .address_write(write_ep && reg_address),
        .write_data(csr_write_data), .acknowledged(acknowledged), .received(end_out),
        .received_length(end_length), .disabled(scan_disable), .act_scan(act_scan && exists),
        .busy(busy), .act_head(act_head), .head(head_reg), .setup_more(setup_more),
        .rx_flush(rx_fifo_flush), .idle(!dma_busy && !soft_reset_wait), .start(dma_start),
        .act_moved(act_moved), .error(dma_error), .loaded_status(dma_loaded_status),
        .pointer(desc_pointer), .open(desc_open), .fetch(desc_fetch), .closing(desc_closing),
        .expired(desc_expired), .loaded_bytes(loaded_bytes), .loaded_count(loaded_count),
        .start_load(dma_load), .start_store(dma_store), .start_rest(desc_rest),
        .rest_words(desc_rest_words), .store_data(dma_store_data), .head_hold(desc_head_hold),
        .head_take(desc_head_take), .head_replace(desc_head_replace), .head_fit(desc_head_fit),
        .moved_packet(desc_moved_packet), .moved_replaced(desc_moved_replaced),
        .moved_load(desc_moved_load), .moved_event(desc_event), .moved_closed(desc_moved_closed),
        .moved_bna(desc_moved_bna), .moved_failed(desc_moved_failed),
        .moved_stale(desc_moved_stale), .complete(desc_complete),
        .stop(desc_stop), .setup(desc_setup), .setup_whole(desc_setup_whole),
        .setup_closing(desc_setup_closing), .hot_used(hot_used), .hot(hot), .hot_out(hot_out),
        .hot_ep(hot_ep)
    );

    ep_setup #(.COUNT_WIDTH(A + 1)) ep_setup (
        .clk(clk), .rst(rst), .accepted(setup_accept),
        .seen(moved_setup || ((desc_head_take || status_pop) && (head_status == STS_SETUP))),
        .none(rx_fifo_empty && !dma_busy), .dropped(rx_fifo_flush), .unseen(unseen),
        .stored(moved_setup || desc_setup_whole), .rewound(head_rewind),
        .address_write(((write_ep && reg_address) || desc_moved_failed) && is_out0),
        .descriptors(descriptors),
        .stage_done(popped_setup_done), .more(setup_more), .full(setup_full),
        .packet_start(act_token), .in_token(act_token && known_reg && is_ep0 && !out),
        .word(rx_fifo_word), .word_data(rx_data),
        .packet_added(rx_fifo_commit && (packet_ep == 4'd0)),
        .done_added(push && (push_kind == STS_SETUP_DONE)),
        .taken(head_pop && (head_reg[3:0] == 4'd0) && (head_status != STS_GLOBAL_NAK)),
        .bus_reset(reset_start), .look(act_scan && is_out0 && descriptors),
        .busy(busy_out || desc_closing), .status_phase(status_reached)
    );

    // ---- scan: disabling, prefetch, slow commands ---------------------------------------------

    wire busy_out = (rx_fifo_is_open && (packet_ep == ep))
                    || (dma_busy && job_out_reg && (job_ep_reg == ep));
    wire busy_in = (sending_reg && (sending_ep_reg == ep))
                   || (dma_busy && !job_out_reg && (job_ep_reg == ep));
    wire busy = out ? busy_out : busy_in;
    wire scan_disable = act_scan && exists && flags_reg[5] && !busy && !desc_closing;
    wire scan_fetch = act_scan && exists && !out && dma_enable && flags_reg[0]
                      && !flags_reg[5] && (size_reg != 19'd0) && (length_now_reg != 11'd0)
                      && (fifo_free >= {7'd0, words}) && !dma_busy && !tx_flush
                      && !soft_reset_wait && !np_hold && desc_fetch;
    wire scan_nak = act_scan && global_nak_push && !rx_fifo_is_open && !push
                    && (rx_fifo_free != 16'd0);
    wire scan_rx_flush = act_scan && rx_flush && !(dma_busy && job_out_reg) && !push;

    wire flush_busy = (sending_reg && (sending_fifo_reg == fifo_reg))
                      || (dma_busy && !job_out_reg && (job_fifo_reg == fifo_reg));
    wire flush_exists = ({1'b0, flush_reg} <= LAST_IN);
    wire flush_now = act_flush && !flush_busy && flush_exists;
    wire flush_last = !tx_flush_fifo[4] || ({1'b0, flush_reg} >= LAST_IN);
    wire flush_step = act_flush && (!flush_busy || !flush_exists);

    // ---- handshake ----------------------------------------------------------------------------

    // isochronous: sent
    wire acknowledged = act_handshake && sending_reg && rx_data[0];
    wire in_last = (count_reg[9:0] <= 10'd1);
    wire sent = acknowledged && sent_valid_reg && (sending_fifo_reg == fifo_reg);
    wire filled = moved_in;

    // ---- writes to the context ----------------------------------------------------------------

    wire [18:0] take_bytes = end_out ? {8'd0, end_length}
                           : window_push ? 19'd4 : {8'd0, job_bytes_reg};
    wire [18:0] size_less = (size_reg > take_bytes) ? size_reg - take_bytes : 19'd0;
    wire [9:0] packets_less = count_reg[9:0] - {9'd0, count_reg[9:0] != 10'd0};
    wire [1:0] setups_less = count_reg[11:10] - {1'b0, count_reg[11:10] != 2'd0};

    // While it is enabled, an isochronous IN endpoint keeps what it has to send: software that
    // repeats a transfer for another frame finds its data still in the FIFO.
    wire keep = iso && !out && flags_reg[0];
    wire write_size = write_ep && reg_size && !keep && !descriptors;
    wire write_address = write_ep && reg_address && !keep && !descriptors;

    wire        write_flags;
    wire [5:0]  flags_data;
    wire [15:0] causes_set;
    wire [15:0] causes_clear;

    ep_update ep_update (
        .exists(exists), .out(out), .iso(iso), .flags(flags_reg),
        .write_control(write_control), .write_flags(reg_flags_data),
        .nak_effective_set(reg_nak_set), .nak_effective_clear(reg_nak_clear),
        .write_causes(write_ep && reg_causes), .write_data(csr_write_data[15:0]),
        .setup(setup_accept), .reset(act_scan && reset_walk_reg), .is_ep0(is_ep0),
        .token_cause(act_token && token_cause), .token_nothing(act_token && token_nothing),
        .token_mismatch(act_token && token_mismatch),
        .received(end_out), .received_last(end_last),
        .acknowledged(acknowledged), .acknowledged_last(in_last && !descriptors),
        .popped_done(popped_done), .popped_setup_done(popped_setup_done), .dma(dma_enable),
        .moved_setup(moved_setup), .moved_error(act_moved && dma_error),
        .disabled(scan_disable), .desc_complete(desc_complete), .desc_stop(desc_stop),
        .desc_setup(desc_setup), .desc_bna(desc_moved_bna), .desc_failed(desc_moved_failed),
        .status_phase(status_reached), .flags_write(write_flags), .flags_data(flags_data),
        .causes_set(causes_set), .causes_clear(causes_clear)
    );

    // DMA addresses advance by whole words
    wire [10:0] moved_bytes = (job_bytes_reg + 11'd3) & 11'h7FC;

    wire flags_changed = write_flags && exists;
    reg  reset_walk_reg;

    // an access that names a FIFO knows nothing of the endpoint's own one
    wire tells_level = act && exists && !act_flush
                       && !(act_csr && csr_names_fifo && !window_push);

    ep_causes #(
        .INS(INS), .OUTS(OUTS), .INDEX_WIDTH(CW), .EP_DIRECTIONS(EP_DIRECTIONS),
        .KINDS((DESC_DMA != 0) ? 16'hA27F : SHARED ? 16'hA07F : 16'hA05F)
    ) ep_causes (
        .clk(clk), .rst(rst), .startup(startup), .slot(slot), .read(read), .causes(causes),
        .act(tells_level), .is_in(!out), .causes_set(causes_set), .causes_clear(causes_clear),
        .each_write(act_csr && csr_write && csr_each), .each_data(csr_write_data[15:0]),
        .tx_low(fifo_low[fifo_reg]), .in_mask(in_mask), .out_mask(out_mask),
        .empty_mask(empty_mask), .others(other_causes), .daint(daint), .deachint(deachint)
    );

    ep_iso #(.INS(INS), .OUTS(OUTS)) ep_iso (
        .clk(clk), .rst(rst), .sof(sof_valid), .odd(frame[0]), .full_speed(full_speed),
        .slot(slot_wide), .read(read), .is_in(!out), .flags_write(flags_changed),
        .wait_next(flags_data[0] && !flags_data[1]
                   && (write_control ? (reg_control_data[16:15] == TYPE_ISO) : iso)),
        .parity_next(flags_data[4]), .bus_reset(reset_start),
        .parity(descriptors ? frame[0] == desc_open : flags_reg[4]),
        .per_frame(count_reg[11:10]), .packets(count_reg[9:0]),
        .turn(iso_turn), .pid(iso_pid), .sent(acknowledged),
        .received(end_out && (full_speed || (rx_data[15:14] != 2'b11))),
        .incomplete_in(incomplete_in), .incomplete_out(incomplete_out)
    );

    ep_context #(.INDEX_WIDTH(CW)) ep_context (
        .clk(clk), .index(slot),
        .flags(flags_held), .flags_write(startup || flags_changed),
        .flags_data(startup ? 6'd0 : flags_data),
        .control(control), .control_write(startup || write_control),
        .control_data(startup ? 22'd0 : reg_control_data),
        .size(size),
        .size_write(startup || write_size || (end_out && !dma_enable) || moved_context
                    || desc_moved_load || (window_push && exists) || take_gives),
        .size_data(startup ? 19'd0 : desc_moved_load ? loaded_bytes
                   : write_size ? reg_size_data : take_gives ? unacknowledged_reg : size_less),
        .count(count),
        .count_write(startup || write_size || rx_fifo_commit || acknowledged || desc_moved_load),
        .count_data(startup ? 12'd0 : desc_moved_load ? loaded_count : write_size ? reg_count_data
                    : setup_accept ? {setups_less, count_reg[9:0]}
                    : {(act_end && iso) ? rx_data[15:14] : count_reg[11:10], packets_less}),
        .address(address),
        .address_write(startup || write_address || moved_context || desc_moved_load
                       || head_rewind || take_gives),
        .address_data(startup ? 32'd0 : act_csr ? csr_write_data
                      : desc_moved_load ? {dma_loaded_buffer[31:2], 2'b00}
                      : address_reg + (act_head ? -32'd24 : act_take ? give_back
                                       : {21'd0, moved_bytes})),
        .unacknowledged(unacknowledged),
        .unacknowledged_write(startup || write_size || acknowledged || desc_moved_load
                              || (end_out && descriptors)),
        .unacknowledged_data(startup ? 19'd0 : desc_moved_load ? loaded_bytes
                             : write_size ? reg_size_data
                             : unacknowledged_reg - {8'd0, end_out ? end_length
                                                                   : length_now_reg})
    );

    tx_fifo #(.FIFOS(INS), .INDEX_WIDTH(FW), .ADDRESS_WIDTH(A)) tx_fifo (
        .clk(clk), .rst(rst), .index(fifo_now), .load(read),
        .set_size((startup && (startup_index <= {3'd0, LAST_IN})) || set_size),
        .size(startup ? startup_fifo_size : csr_write_data),
        .flush(flush_now || take_step || desc_expired), .fill(window_push || filled),
        .release_words(released),
        .words(window_push ? 9'd1 : moved_in ? moved_bytes[10:2]
               : (SHARED && fifo0) ? np_words : words),
        .loaded_size(fifo_size), .loaded_used(fifo_used), .loaded_free(fifo_free),
        .loaded_front(fifo_front), .loaded_end(fifo_end),
        .empty(fifo_empty), .half_empty(fifo_half_empty)
    );

    // ---- shared Tx FIFO -----------------------------------------------------------------------

    wire set_size = act_csr && csr_write && csr_size && fifo_exists;
    wire flush_busy0 = (sending_reg && (sending_fifo_reg == {FW{1'b0}}))
                       || (dma_busy && !job_out_reg && (job_fifo_reg == {FW{1'b0}}));

    generate
        if (SHARED) begin : g_shared
            reg sent_entry_reg;
            wire remove = sent && fifo0 && sent_entry_reg;

            assign released = sent && (!fifo0 || sent_entry_reg);
            assign np_hold = take_wait || (fifo0 && np_full) || (chain_only && !chained);
            // bytes that go back to memory, in whole words
            wire [18:0] back = unacknowledged_reg - size_reg + 19'd3;
            assign give_back = -{13'd0, back & 19'h7FFFC};

            ep_shared ep_shared (
                .clk(clk), .rst(rst || startup), .dma_enable(dma_enable),
                .limit(mismatch_limit), .ep(ep), .fifo0(fifo0), .words(words),
                .next_ep(exists ? control_reg[14:11] : 4'd0),
                .push(window_push && fifo0), .add(filled && fifo0),
                .add_words(moved_bytes[10:2]), .push_fits(np_fits), .full(np_full),
                .acknowledged(acknowledged), .remove(remove),
                .clear((flush_now || set_size) && fifo0), .ready(np_ready), .other(np_other),
                .mismatch(act_token && token_mismatch), .too_many(mismatches),
                .head_ep(np_head), .head_words(np_words), .places(np_places),
                .take_request(take_request), .take_busy(flush_busy0), .act_take(act_take),
                .take_step(take_step), .take_first(take_first), .take_gives(take_gives),
                .take_wait(take_wait),
                .dma_busy(dma_busy || tx_flush),
                .restart(released || flush_now || set_size || (write_ep && !out)),
                .act_chain(act_scan && chained),
                .fetch(scan_fetch), .chain(chain_request), .chain_only(chain_only),
                .chain_ep(chain_ep)
            );

            always @(posedge clk) begin
                if (send_start) begin
                    sent_entry_reg <= (words != 9'd0);
                end
            end

            assign periodic_level = &(periodic_empty_level ? fifo_empty[INS-1:1]
                                                           : fifo_half_empty[INS-1:1]);
        end else begin : g_dedicated
            assign released = sent;
            assign {np_hold, give_back, np_fits, np_full, np_ready, np_other, mismatches,
                    np_head, np_words, take_request, take_step, take_first, take_gives,
                    take_wait, chain_request, chain_only, chain_ep} = 62'd0;
            assign np_places = 4'd8;
            assign periodic_level = 1'b1;
            wire unused_ok = &{1'b0, periodic_empty_level, mismatch_limit, chained, act_take,
                               np_fits, np_full, np_ready, np_other, np_words, give_back,
                               take_wait, chain_only, flush_busy0, 1'b0};
        end
    endgenerate

    // ---- outputs ------------------------------------------------------------------------------

    assign rx_ready = startup || rx_done || (rx_type == 4'd0) || (rx_type > MSG_LINE)
                      || (rx_type == MSG_SOF) || ((rx_type == MSG_WORD) && !push);
    assign line_valid = act_line;
    assign sof_valid = rx_valid && (rx_type == MSG_SOF) && !startup;
    assign reset_start = act_line && (rx_data[3:0] == 4'd1);
    assign periodic_end = act_line && (rx_data[3:0] == LINE_PERIODIC_END);

    assign ans_valid = answer_reg;
    assign ans_kind = kind_reg;
    assign ans_pid = answer_pid_reg;
    assign ans_length = length_reg;

    assign address_taken = is_ep0
                           && (acknowledged || (act_token && ours_reg
                                                && (rx_data[14:8] == device_address)));
    assign global_nak_pushed = scan_nak;
    // neither a SETUP that waits for EP0 to be enabled nor an Rx FIFO that is emptied holds up the
    // global NAK
    assign global_nak_popped = popped_nak || ((head_blocked || rx_fifo_flush) && !global_nak_push);
    assign rx_flushed = scan_rx_flush;
    assign tx_flushed = flush_step && flush_last;
    assign fifo0_level = fifo_low[0];

    assign rx_fifo_open = act_token && token_receive;
    assign rx_fifo_word = rx_valid && (rx_type == MSG_WORD) && !push && !startup;
    assign rx_fifo_drop = act_end || reset_start;
    assign rx_fifo_push = push;
    assign rx_fifo_flush = scan_rx_flush || rx_size_written;
    assign rx_fifo_pop = popped || window_pop;

    assign push_write = window_push;
    assign push_address = fifo_end;
    assign send_start = act_token && token_send;
    assign send_address = fifo_front;
    assign send_words = words;
    assign send_stop = reset_start;

    assign dma_start = head_job || scan_fetch || dma_load || dma_store || desc_rest;
    assign dma_receive = act_head;
    assign dma_discard = desc_rest || (act_head && !enabled && !head_setup);
    assign dma_address = (dma_load || dma_store) ? desc_pointer
                       : address_reg - (desc_head_replace ? 32'd8 : 32'd0);
    assign dma_bytes = desc_rest ? {desc_rest_words, 2'b00}
                     : act_head ? head_fit : length_now_reg;
    assign dma_ram_address = fifo_end;
    assign dma_clear = act_moved;

    // ---- state --------------------------------------------------------------------------------

    always @(posedge clk) begin
        if (choose) begin
            head_seen_reg <= head_valid;
        end

        // READ
        if (read) begin
            control_reg <= control;
            head_reg <= head;
            packet_reg <= packet_now;
            size_reg <= size;
            count_reg <= count;
            address_reg <= address;
            unacknowledged_reg <= unacknowledged;
            flags_reg <= flags_now;
            length_now_reg <= length_now;
            more_reg <= more_now;
            whole_reg <= (bytes_now == {8'd0, packet_now});
            fifo_reg <= fifo_now;
            fifo_real_reg <= fifo_wide_real;
            ours_reg <= ours_now;
            known_reg <= exists && ours_now;
            limit_reg <= packet_words_now[8:0];
            // an empty FIFO takes a packet (and SETUP done before it) even where there is no room
            // for the reserve
            need_one_reg <= packet_words_now
                            + (rx_fifo_empty ? OVERHEAD + 16'd1 : OVERHEAD + RESERVE);
            need_two_reg <= {packet_words_now[14:0], 1'b0} + OVERHEAD + OVERHEAD + RESERVE;
        end

        // ACT
        answer_reg <= act_token;
        kind_reg <= token_kind | lpm_kind;
        answer_pid_reg <= token_data_pid | {2'd0, {2{is_lpm}}};
        length_reg <= token_length;
        if (send_start) begin
            sending_reg <= 1'b1;
            sent_valid_reg <= 1'b1;
            sending_ep_reg <= ep;
            sending_fifo_reg <= fifo_reg;
        end
        if (set_size && (sending_fifo_reg == fifo_reg)) begin
            sent_valid_reg <= 1'b0;
        end
        if (set_size && (job_fifo_reg == fifo_reg)) begin
            job_valid_reg <= 1'b0;
        end
        if (act_handshake || reset_start) begin
            sending_reg <= 1'b0;
        end
        if (dma_start) begin
            job_out_reg <= out;
            job_valid_reg <= 1'b1;
            job_ep_reg <= ep;
            job_status_reg <= head_status;
            job_fifo_reg <= fifo_reg;
            job_head_reg <= {7'd0, head_reg[24:0]};
            job_bytes_reg <= dma_discard ? 11'd0 : dma_bytes;
        end

        if (write_control && is_ep0 && !out) begin
            ep0_size_reg <= csr_write_data[1:0];
        end

        flush_seen_reg <= tx_flush;
        if (!flush_seen_reg) begin
            flush_reg <= tx_flush_fifo[4] ? 4'd0 : tx_flush_fifo[3:0];
        end else if (flush_step) begin
            flush_reg <= flush_reg + 1'b1;
        end

        if (setup_accept) begin
            setup_in_reg <= 1'b1;
        end else if (flags_changed && is_ep0 && !out) begin
            setup_in_reg <= 1'b0;
        end
        // a bus reset reaches the flags of all endpoints in a walk
        reset_walk_reg <= reset_start || (reset_walk_reg && walk);

        if (rst) begin
            answer_reg <= 1'b0;
            sending_reg <= 1'b0;
            ep0_size_reg <= 2'd0;
            flush_seen_reg <= 1'b0;
            setup_in_reg <= 1'b0;
            reset_walk_reg <= 1'b0;
        end
    end

    // ---- trace --------------------------------------------------------------------------------

    ep_trace ep_trace (
        .act_csr(act_csr), .act_token(act_token), .act_end(act_end),
        .act_handshake(act_handshake), .act_line(act_line), .act_head(act_head),
        .act_moved(act_moved), .act_flush(act_flush), .act_scan(act_scan),
        .out(out), .ep(ep), .rx_data(rx_data), .csr_write(csr_write), .csr_address(csr_address),
        .csr_data(csr_write ? csr_write_data : csr_read_data),
        .token_ours(ours_reg), .token_kind(token_kind), .token_data_pid(token_data_pid),
        .token_length(token_length), .lpm_kind(lpm_kind), .lpm_sent(lpm_sent),
        .lpm_attributes(lpm_attributes), .end_ours(packet_known),
        .end_ep(packet_ep),
        .end_accept(rx_fifo_commit), .end_open(rx_fifo_is_open && !packet_refused),
        .end_good(packet_good),
        .sending(sending_reg), .head_pop(head_pop && !head_job), .head({7'd0, head_reg[24:0]}),
        .moved_out(moved_out), .moved_head(job_head_reg), .moved_in(moved_in),
        .moved_bytes(job_bytes_reg), .tx_flushed(tx_flushed), .tx_flush_fifo(tx_flush_fifo),
        .rx_flushed(scan_rx_flush), .taken(take_first), .desc_event(desc_event),
        .desc_closed(desc_moved_closed),
        .desc_status(desc_moved_closed ? dma_store_data : dma_loaded_status), .act(act),
        .causes_set(causes_set),
        .valid(trace_valid), .event_word(trace_event), .cause_valid(trace_cause_valid),
        .cause_word(trace_cause)
    );

    assign trace_status_valid = push;
    assign trace_status_arg = {16'd0, push_kind, push_ep};

    wire unused_ok = &{1'b0, rx_data[31:17], dma_loaded_buffer[1:0], slot_wide, control_reg, 1'b0};

endmodule

`resetall
