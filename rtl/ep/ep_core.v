// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The endpoints. All that happens to one is an operation on one context, and one operation runs at
// a time. It takes two clocks: READ fetches the context from the small memories into registers, ACT
// decides and writes back; the next operation is chosen during ACT. The order of ACT clocks is the
// order of everything the controller commits.
//
// Here the parts are joined: operation (ep_decode, ep_sequencer), its context (ep_operand), tokens
// and packets on the wire (ep_answer, ep_receive, ep_iso), Tx FIFOs (ep_tx), what the DMA engine
// has in hand (ep_job), registers, flags and causes (ep_registers, ep_update, ep_causes).
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

    localparam [3:0] MSG_WORD = 4'd2;
    localparam [3:0] MSG_SOF = 4'd5;
    localparam [3:0] MSG_LINE = 4'd6;
    localparam [3:0] STS_SETUP_DONE = 4'd4;
    localparam [3:0] LINE_PERIODIC_END = 4'd8;
    localparam [1:0] TYPE_ISO = 2'd1;
    localparam [2:0] KIND_STATUS = 3'd7;

    // ---- operation ----------------------------------------------------------------------------

    wire        read, act, choose;
    wire        act_token, act_end, act_handshake, act_line, act_csr, act_head, act_moved;
    wire        act_scan, act_flush, act_take;
    wire        op_csr, op_flush, op_fetch, op_take, chained, walk;
    wire        out;
    wire [3:0]  ep;
    wire [4:0]  slot_wide;
    wire        exists;
    wire        flush_request, take_request, chain_request, hot, hot_out, hot_used;
    wire [3:0]  np_head, chain_ep, hot_ep;

    wire [CW-1:0] slot = startup ? startup_index[CW-1:0] : slot_wide[CW-1:0];
    wire is_ep0 = (ep == 4'd0);

    wire        csr_endpoint, csr_out, csr_names_fifo, csr_size, csr_space, csr_pop, csr_peek;
    wire        csr_window, csr_each;
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
        .token_ep(packet_ep), .sending_ep(sending_ep),
        .csr_request(csr_request), .csr_out(csr_out), .csr_ep(csr_ep),
        .moved_request(dma_done), .job_out(job_out), .job_ep(job_ep),
        .head_request(dma_enable && head_valid && !dma_busy && !soft_reset_wait),
        .head_ep(head[3:0]), .flush_request(flush_request),
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

    wire rx_done = act_token || act_end || act_handshake || act_line;
    assign rx_ready = startup || rx_done || (rx_type == 4'd0) || (rx_type > MSG_LINE)
                      || (rx_type == MSG_SOF) || ((rx_type == MSG_WORD) && !push);
    assign line_valid = act_line;
    assign sof_valid = rx_valid && (rx_type == MSG_SOF) && !startup;
    assign reset_start = act_line && (rx_data[3:0] == 4'd1);
    assign periodic_end = act_line && (rx_data[3:0] == LINE_PERIODIC_END);

    // ---- registers ----------------------------------------------------------------------------

    reg         head_seen_reg;
    wire        reg_control, reg_causes, reg_size, reg_address;
    wire [21:0] reg_control_data;
    wire [5:0]  reg_flags_data;
    wire        reg_nak_set, reg_nak_clear;
    wire [18:0] reg_size_data;
    wire [11:0] reg_count_data;
    wire [15:0] causes;

    ep_registers ep_registers (
        .offset(csr_address[4:2]), .is_out(out), .is_ep0(is_ep0),
        .write_data(csr_write_data), .masked_data(csr_masked_data), .flags(flags),
        .causes(causes), .tx_empty(tx_low), .ep0_size(ep0_size), .size(size), .count(count),
        .address((descriptors && !csr_address[3]) ? desc_pointer : address),
        .has_buffer(descriptors), .hold_nak(is_ep0 && unseen),
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
    wire write_address = write_ep && reg_address;
    wire window_pop = act_csr && !csr_write && csr_window && !dma_enable && head_valid;
    // the endpoint of the head was chosen with the operation: the head must have been there
    wire status_pop = act_csr && !csr_write && csr_pop && !dma_enable && head_seen_reg;

    assign csr_acknowledge = act_csr;
    assign csr_exists = exists;

    // ---- context ------------------------------------------------------------------------------

    wire [21:0] control_now;
    wire [10:0] packet_now, packet_size, length;
    wire [5:0]  flags;
    wire        enabled, iso, in_last, more, whole;
    wire [1:0]  transfer_type, ep0_size;
    wire [3:0]  next_ep;
    wire [18:0] size, left;
    wire [11:0] count;
    wire [31:0] address;
    wire        flags_write;
    wire [5:0]  flags_data;
    wire        flags_changed = flags_write && exists;

    // DMA addresses advance by whole words
    wire [10:0] moved_bytes = (job_bytes + 11'd3) & 11'h7FC;

    ep_operand #(.INDEX_WIDTH(CW)) ep_operand (
        .clk(clk), .rst(rst), .startup(startup), .dma_enable(dma_enable),
        .descriptors(descriptors), .read(read), .fetches(op_fetch || (SHARED && op_csr)),
        .act_csr(act_csr), .act_end(act_end), .act_head(act_head), .act_take(act_take),
        .out(out), .ep(ep), .exists(exists), .index(slot),
        .control_now(control_now), .packet_now(packet_now), .flags(flags), .enabled(enabled),
        .iso(iso), .transfer_type(transfer_type), .next_ep(next_ep), .packet_size(packet_size),
        .size(size), .count(count), .last(in_last), .address(address), .left(left),
        .length(length), .more(more), .whole(whole), .ep0_size(ep0_size),
        .flags_write(flags_changed), .flags_data(flags_data),
        .control_write(write_control), .control_data(reg_control_data),
        .size_write(write_ep && reg_size), .size_data(reg_size_data),
        .count_data(reg_count_data), .address_write(write_address),
        .write_data(csr_write_data),
        .setup_accept(setup_accept), .received(end_out), .committed(rx_fifo_commit),
        .received_length(rx_data[10:0]), .received_pid(rx_data[15:14]),
        .acknowledged(acknowledged), .pushed(push_write),
        .moved_context(moved_context), .job_bytes(job_bytes), .moved_bytes(moved_bytes),
        .head_rewind(head_rewind), .moved_load(moved_load), .loaded_bytes(loaded_bytes),
        .loaded_count(loaded_count), .loaded_buffer(dma_loaded_buffer),
        .take_gives(take_gives), .give_back(give_back)
    );

    // ---- DMA jobs -----------------------------------------------------------------------------

    wire        popped, popped_done, popped_setup_done, popped_nak;
    wire        head_blocked, head_rewind, head_empty;
    wire [31:0] head_word, job_head, desc_pointer;
    wire        job_kept;
    wire        job_out, moved_out, moved_in, moved_setup, moved_context, moved_load;
    wire [3:0]  job_ep;
    wire [10:0] job_bytes;
    wire [18:0] loaded_bytes;
    wire [11:0] loaded_count;
    wire        desc_event, desc_closed, desc_bna, desc_failed, desc_complete, desc_stop;
    wire        desc_setup, desc_open, desc_fetch, desc_expired;
    wire        unseen, status_reached, scan_disable;

    ep_job #(.INDEX_WIDTH(CW), .COUNT_WIDTH(A + 1)) ep_job (
        .clk(clk), .rst(rst), .startup(startup), .descriptors(descriptors),
        .soft_reset_wait(soft_reset_wait), .bus_reset(reset_start), .frame(frame),
        .sof(sof_valid), .read(read), .act_token(act_token), .act_head(act_head),
        .act_moved(act_moved), .act_scan(act_scan), .out(out), .ep(ep), .exists(exists),
        .index(slot), .iso(iso), .flags(flags), .packet_size(packet_size), .size(size),
        .address(address), .left(left), .length(length), .more(more), .whole(whole),
        .last(in_last), .address_write(write_address), .write_data(csr_write_data),
        .status_pop(status_pop), .token_known(token_known),
        .receiving_here(rx_fifo_is_open && (packet_ep == ep)), .sending_here(sending_here),
        .word(rx_fifo_word), .rx_data(rx_data), .setup_accept(setup_accept),
        .received(end_out), .received_length(rx_data[10:0]), .acknowledged(acknowledged),
        .packet_added(rx_fifo_commit && (packet_ep == 4'd0)),
        .done_added(push && (push_kind == STS_SETUP_DONE)), .fetch(fetch),
        .fifo_kept(job_kept), .head(head),
        .rx_flush(rx_fifo_flush), .dma_start(dma_start),
        .dma_discard(dma_discard), .dma_address(dma_address), .dma_bytes(dma_bytes),
        .dma_load(dma_load), .dma_store(dma_store), .dma_store_data(dma_store_data),
        .dma_loaded_status(dma_loaded_status), .dma_busy(dma_busy), .dma_error(dma_error),
        .popped(popped), .popped_done(popped_done), .popped_setup_done(popped_setup_done),
        .popped_nak(popped_nak), .head_blocked(head_blocked), .head_rewind(head_rewind),
        .head_empty(head_empty), .head_word(head_word), .job_out(job_out), .job_ep(job_ep),
        .job_bytes(job_bytes), .job_head(job_head), .moved_out(moved_out), .moved_in(moved_in),
        .moved_setup(moved_setup), .moved_context(moved_context), .moved_load(moved_load),
        .loaded_bytes(loaded_bytes), .loaded_count(loaded_count), .desc_event(desc_event),
        .desc_closed(desc_closed), .desc_bna(desc_bna), .desc_failed(desc_failed),
        .desc_complete(desc_complete), .desc_stop(desc_stop), .desc_setup(desc_setup),
        .desc_pointer(desc_pointer), .desc_open(desc_open), .desc_fetch(desc_fetch),
        .desc_expired(desc_expired), .unseen(unseen), .status_phase(status_reached),
        .disabled(scan_disable), .hot_used(hot_used), .hot(hot), .hot_out(hot_out),
        .hot_ep(hot_ep)
    );

    assign dma_receive = act_head;
    assign dma_clear = act_moved;

    // ---- Tx FIFOs -----------------------------------------------------------------------------

    wire        acknowledged, sending, sending_here, fetch, tx_low, take_first, take_gives;
    wire [3:0]  sending_ep, np_places;
    wire [31:0] give_back;
    wire [15:0] fifo_free;
    wire [A-1:0] fifo_end;
    wire [FW-1:0] fifo;
    wire [INS-1:0] fifo_empty;

    ep_tx #(
        .NUM_IN_EPS(NUM_IN_EPS), .DEDICATED_FIFO(DEDICATED_FIFO), .ADDRESS_WIDTH(A),
        .INDEX_WIDTH(FW)
    ) ep_tx (
        .clk(clk), .rst(rst), .startup(startup), .startup_index(startup_index),
        .startup_fifo_size(startup_fifo_size), .dma_enable(dma_enable),
        .empty_level(empty_level), .periodic_empty_level(periodic_empty_level),
        .mismatch_limit(mismatch_limit), .flush(tx_flush), .flush_fifo(tx_flush_fifo),
        .soft_reset_wait(soft_reset_wait), .bus_reset(reset_start), .read(read),
        .op_csr(op_csr), .op_flush(op_flush), .op_take(op_take), .act_token(act_token),
        .act_handshake(act_handshake), .act_csr(act_csr), .act_scan(act_scan),
        .act_flush(act_flush), .act_take(act_take), .chained(chained), .out(out), .ep(ep),
        .exists(exists), .control_now(control_now), .next_ep(next_ep), .active(flags[3]),
        .enabled(flags[0]), .disabling(flags[5]), .size(size), .left(left), .length(length),
        .csr_write(csr_write), .csr_write_data(csr_write_data),
        .csr_names_fifo(csr_names_fifo), .csr_fifo(csr_fifo), .csr_size(csr_size),
        .csr_window(csr_window), .csr_endpoint(write_ep),
        .token_send(token_send), .token_mismatch(token_mismatch), .packet_ready(packet_ready),
        .other_ready(other_ready), .handshake_good(rx_data[0]), .acknowledged(acknowledged),
        .send(send_start), .sending(sending), .sending_ep(sending_ep), .sending_here(sending_here),
        .job_start(dma_start), .job_busy(dma_busy), .job_out(job_out), .fetched(moved_in),
        .job_kept(job_kept),
        .fetched_words(moved_bytes[10:2]), .desc_fetch(desc_fetch),
        .desc_expired(desc_expired), .fetch(fetch), .push(push_write), .fifo_size(fifo_size),
        .fifo_free(fifo_free), .fifo_end(fifo_end), .fifo_front(send_address),
        .words(send_words), .fifo(fifo), .low(tx_low), .fifo0_level(fifo0_level),
        .periodic_level(periodic_level), .fifo_empty(fifo_empty),
        .flush_request(flush_request), .flushed(tx_flushed), .np_places(np_places),
        .np_head(np_head), .mismatches(mismatches), .take_request(take_request),
        .take_first(take_first), .take_gives(take_gives), .give_back(give_back),
        .chain_request(chain_request), .chain_ep(chain_ep)
    );

    assign push_address = fifo_end;
    assign dma_ram_address = fifo_end;
    assign send_stop = reset_start;

    // ---- tokens and what follows them ---------------------------------------------------------

    wire        token_ours, token_known, token_send, token_receive, token_cause, token_mismatch;
    wire        token_nothing, token_lost, packet_ready, other_ready;
    wire [2:0]  token_kind, lpm_kind;
    wire [3:0]  token_data_pid;
    wire [10:0] token_length;
    wire [8:0]  packet_limit;
    wire        iso_turn;
    wire [1:0]  iso_pid;

    ep_answer #(.INS(INS), .INDEX_WIDTH(FW), .LPM(LPM)) ep_answer (
        .clk(clk), .rst(rst), .rx_valid(rx_valid), .rx_type(rx_type), .rx_data(rx_data),
        .ans_valid(ans_valid), .ans_kind(ans_kind), .ans_pid(ans_pid), .ans_length(ans_length),
        .descriptors(descriptors), .full_speed(full_speed), .device_address(device_address),
        .old_address_valid(old_address_valid), .old_address(old_address),
        .global_in_nak(global_in_nak), .global_out_nak(global_out_nak), .test_nak(test_nak),
        .bus_reset(reset_start), .read(read), .act_token(act_token),
        .act_handshake(act_handshake), .act_scan(act_scan),
        .out(out), .ep(ep), .exists(exists), .packet_now(packet_now), .flags(flags),
        .enabled(enabled), .iso(iso), .transfer_type(transfer_type), .packet_size(packet_size),
        .packets(count[9:0]), .length(length), .more(more), .desc_open(desc_open),
        .packet_ready(packet_ready), .other_ready(other_ready),
        .no_data(stall_status && control_in), .turn(iso_turn), .turn_pid(iso_pid),
        .rx_fifo_free(rx_fifo_free), .rx_fifo_empty(rx_fifo_empty),
        .ours(token_ours), .known(token_known), .limit(packet_limit), .kind(token_kind),
        .data_pid(token_data_pid), .data_length(token_length), .send(token_send),
        .receive(token_receive), .cause(token_cause), .mismatch(token_mismatch),
        .nothing(token_nothing), .lost(token_lost),
        .lpm_kind(lpm_kind), .lpm_allowed(lpm_allowed), .lpm_sent(lpm_sent),
        .lpm_attributes(lpm_attributes), .word(rx_fifo_word),
        .setup_accept(setup_accept), .received(end_out), .acknowledged(acknowledged),
        .refused(act_end && packet_refused),
        .fifo(fifo), .fifo_empty(fifo_empty)
    );

    assign address_taken = is_ep0
                           && (acknowledged || (act_token && token_ours
                                                && (rx_data[14:8] == device_address)));

    wire        push;
    wire [3:0]  push_kind, push_ep, packet_ep;
    wire        packet_refused, packet_known, packet_good;
    wire        control_in, end_out, end_last, setup_accept;

    ep_receive ep_receive (
        .clk(clk), .rst(rst), .act_token(act_token), .act_end(act_end), .act_scan(act_scan),
        .ep(ep), .rx_data(rx_data), .frame(frame), .descriptors(descriptors),
        .known(token_known), .lost(token_lost), .data_pid(token_data_pid), .limit(packet_limit),
        .iso(iso), .packet_size(packet_size),
        .empty(token_kind == KIND_STATUS), .fifo_word(rx_fifo_word),
        .packets(count[9:0]), .push_nak(scan_nak), .bus_reset(reset_start),
        .flush(rx_fifo_flush), .fifo_open(rx_fifo_is_open), .fifo_overflow(rx_fifo_overflow),
        .fifo_full(rx_fifo_free == 16'd0), .fifo_commit(rx_fifo_commit), .fifo_push(push),
        .fifo_status(rx_fifo_status), .fifo_limit(rx_fifo_limit),
        .token_ep(packet_ep), .token_known(packet_known), .good(packet_good),
        .setup(setup_accept), .received(end_out), .received_last(end_last),
        .iso_lost(iso_lost), .push_kind(push_kind), .push_ep(push_ep),
        .refused(packet_refused), .control_in(control_in)
    );

    ep_iso #(.INS(INS), .OUTS(OUTS)) ep_iso (
        .clk(clk), .rst(rst), .sof(sof_valid), .odd(frame[0]), .full_speed(full_speed),
        .slot(slot_wide), .read(read), .is_in(!out), .flags_write(flags_changed),
        .wait_next(flags_data[0] && !flags_data[1]
                   && (write_control ? (reg_control_data[16:15] == TYPE_ISO) : iso)),
        .parity_next(flags_data[4]), .bus_reset(reset_start),
        .parity(descriptors ? frame[0] == desc_open : flags[4]),
        .per_frame(count[11:10]), .packets(count[9:0]),
        .turn(iso_turn), .pid(iso_pid), .sent(acknowledged),
        .received(end_out && (full_speed || (rx_data[15:14] != 2'b11))),
        .incomplete_in(incomplete_in), .incomplete_out(incomplete_out)
    );

    wire scan_nak = act_scan && global_nak_push && !rx_fifo_is_open && !push
                    && (rx_fifo_free != 16'd0);
    wire scan_rx_flush = act_scan && rx_flush && !(dma_busy && job_out) && !push;

    assign global_nak_pushed = scan_nak;
    // neither a SETUP that waits for EP0 to be enabled nor an Rx FIFO that is emptied holds up the
    // global NAK
    assign global_nak_popped = popped_nak || ((head_blocked || rx_fifo_flush) && !global_nak_push);
    assign rx_flushed = scan_rx_flush;
    assign rx_fifo_open = act_token && token_receive;
    assign rx_fifo_word = rx_valid && (rx_type == MSG_WORD) && !push && !startup;
    assign rx_fifo_drop = act_end || reset_start;
    assign rx_fifo_push = push;
    assign rx_fifo_flush = scan_rx_flush || rx_size_written;
    assign rx_fifo_pop = popped || window_pop;

    // ---- flags and interrupt causes -----------------------------------------------------------

    reg         reset_walk_reg;
    wire [15:0] causes_set;
    wire [15:0] causes_clear;

    ep_update ep_update (
        .exists(exists), .out(out), .iso(iso), .flags(flags),
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
        .desc_setup(desc_setup), .desc_bna(desc_bna), .desc_failed(desc_failed),
        .status_phase(status_reached), .flags_write(flags_write), .flags_data(flags_data),
        .causes_set(causes_set), .causes_clear(causes_clear)
    );

    // an access that names a FIFO knows nothing of the endpoint's own one
    wire tells_level = act && exists && !act_flush
                       && !(act_csr && csr_names_fifo && !push_write);

    ep_causes #(
        .INS(INS), .OUTS(OUTS), .INDEX_WIDTH(CW), .EP_DIRECTIONS(EP_DIRECTIONS),
        .KINDS((DESC_DMA != 0) ? 16'hA27F : SHARED ? 16'hA07F : 16'hA05F)
    ) ep_causes (
        .clk(clk), .rst(rst), .startup(startup), .slot(slot), .read(read), .causes(causes),
        .act(tells_level), .is_in(!out), .causes_set(causes_set), .causes_clear(causes_clear),
        .each_write(act_csr && csr_write && csr_each), .each_data(csr_write_data[15:0]),
        .tx_low(tx_low), .in_mask(in_mask), .out_mask(out_mask),
        .empty_mask(empty_mask), .others(other_causes), .daint(daint), .deachint(deachint)
    );

    always @(posedge clk) begin
        if (choose) begin
            head_seen_reg <= head_valid;
        end
        // a bus reset reaches the flags of all endpoints in a walk
        reset_walk_reg <= reset_start || (reset_walk_reg && walk);
        if (rst) begin
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
        .token_ours(token_ours), .token_kind(token_kind), .token_data_pid(token_data_pid),
        .token_length(token_length), .lpm_kind(lpm_kind), .lpm_sent(lpm_sent),
        .lpm_attributes(lpm_attributes), .end_ours(packet_known),
        .end_ep(packet_ep),
        .end_accept(rx_fifo_commit), .end_open(rx_fifo_is_open && !packet_refused),
        .end_good(packet_good),
        .sending(sending), .head_pop(head_empty), .head(head_word),
        .moved_out(moved_out), .moved_head(job_head), .moved_in(moved_in),
        .moved_bytes(job_bytes), .tx_flushed(tx_flushed), .tx_flush_fifo(tx_flush_fifo),
        .rx_flushed(scan_rx_flush), .taken(take_first), .desc_event(desc_event),
        .desc_closed(desc_closed),
        .desc_status(desc_closed ? dma_store_data : dma_loaded_status), .act(act),
        .causes_set(causes_set),
        .valid(trace_valid), .event_word(trace_event), .cause_valid(trace_cause_valid),
        .cause_word(trace_cause)
    );

    assign trace_status_valid = push;
    assign trace_status_arg = {16'd0, push_kind, push_ep};

    wire unused_ok = &{1'b0, rx_data[31:17], slot_wide, 1'b0};

endmodule

`resetall
