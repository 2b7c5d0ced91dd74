// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Packets in the hands of the DMA engine: what is started for the head of the Rx FIFO, for an IN
// packet or for a descriptor, and what has come of it when the job is done. Here lives what that
// needs to be known of descriptors (ep_desc) and of SETUPs in memory (ep_setup), and when an
// endpoint that is to be disabled has nothing in flight any more. Software that takes words from
// the Rx FIFO itself (slave mode) comes by, too.
module ep_job #(
    // bits of a context index
    parameter INDEX_WIDTH = 4,
    // bits of a count of packets in the Rx FIFO
    parameter COUNT_WIDTH = 12
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        startup,
    input  wire        descriptors,
    input  wire        soft_reset_wait,
    input  wire        bus_reset,
    // (micro)frame, and one begins
    input  wire [10:0] frame,
    input  wire        sof,

    // operation (see ep_sequencer) and its endpoint
    input  wire        read,
    input  wire        act_token,
    input  wire        act_head,
    input  wire        act_moved,
    input  wire        act_scan,
    input  wire        out,
    input  wire [3:0]  ep,
    input  wire        exists,
    input  wire [INDEX_WIDTH-1:0] index,

    // context in work (see ep_operand); it is the last packet
    input  wire        iso,
    input  wire [5:0]  flags,
    input  wire [10:0] packet_size,
    input  wire [18:0] size,
    input  wire [31:0] address,
    input  wire [18:0] left,
    input  wire [10:0] length,
    input  wire        more,
    input  wire        whole,
    input  wire        last,

    // write of DxEPDMA; word taken from the Rx FIFO by software
    input  wire        address_write,
    input  wire [31:0] write_data,
    input  wire        status_pop,

    // the wire: token of an existing endpoint for us; a packet of this endpoint comes in, goes out;
    // word of a packet; what was received, acknowledged, put into the Rx FIFO for EP0
    input  wire        token_known,
    input  wire        receiving_here,
    input  wire        sending_here,
    input  wire        word,
    input  wire [31:0] rx_data,
    input  wire        setup_accept,
    input  wire        received,
    input  wire [10:0] received_length,
    input  wire        acknowledged,
    input  wire        packet_added,
    input  wire        done_added,
    // an IN packet is to be fetched
    input  wire        fetch,
    // the FIFO that it is fetched for still has its place
    input  wire        fifo_kept,

    // Rx FIFO: its head; it is being emptied
    input  wire [31:0] head,
    input  wire        rx_flush,

    // DMA engine (see udc_core)
    output wire        dma_start,
    output wire        dma_discard,
    output wire [31:0] dma_address,
    output wire [10:0] dma_bytes,
    output wire        dma_load,
    output wire        dma_store,
    output wire [31:0] dma_store_data,
    input  wire [31:0] dma_loaded_status,
    input  wire        dma_busy,
    input  wire        dma_error,

    // status word taken from the Rx FIFO, of this kind; by the DMA, with no data for a job; a SETUP
    // stays there: EP0 is not enabled, memory is full
    output wire        popped,
    output wire        popped_done,
    output wire        popped_setup_done,
    output wire        popped_nak,
    output wire        head_blocked,
    output wire        head_rewind,
    output wire        head_empty,
    output wire [31:0] head_word,

    // job: direction, endpoint, bytes, status word of its packet
    output wire        job_out,
    output wire [3:0]  job_ep,
    output wire [10:0] job_bytes,
    output wire [31:0] job_head,
    // the job is done and has moved a packet, a SETUP; it moves the context on
    output wire        moved_out,
    output wire        moved_in,
    output wire        moved_setup,
    output wire        moved_context,
    // it was a descriptor's (see ep_desc)
    output wire        moved_load,
    output wire [18:0] loaded_bytes,
    output wire [11:0] loaded_count,
    output wire        desc_event,
    output wire        desc_closed,
    output wire        desc_bna,
    output wire        desc_failed,
    output wire        desc_complete,
    output wire        desc_stop,
    output wire        desc_setup,

    // descriptor of the endpoint: DxEPDMA; it has something to send, or room; its data may be
    // fetched; they are too old
    output wire [31:0] desc_pointer,
    output wire        desc_open,
    output wire        desc_fetch,
    output wire        desc_expired,

    // EP0: there are SETUPs that software has not seen; the status stage was reached
    output wire        unseen,
    output wire        status_phase,
    // the endpoint was to be disabled and has come to rest
    output wire        disabled,

    // context that should be scanned next
    input  wire        hot_used,
    output wire        hot,
    output wire        hot_out,
    output wire [3:0]  hot_ep
);

    localparam [3:0] STS_GLOBAL_NAK = 4'd1;
    localparam [3:0] STS_OUT_DONE = 4'd3;
    localparam [3:0] STS_SETUP_DONE = 4'd4;
    localparam [3:0] STS_SETUP = 4'd6;

    // packet in the hands of the DMA engine
    reg         job_out_reg;
    reg  [3:0]  job_ep_reg;
    reg  [3:0]  job_status_reg;
    reg  [10:0] job_bytes_reg;
    // for the trace
    reg  [31:0] job_head_reg;

    wire        setup_more, setup_full;
    wire        head_hold, head_take, head_replace;
    wire [10:0] head_fits;
    wire        start_rest;
    wire [8:0]  rest_words;
    wire        closing, setup_whole, setup_closing, moved_packet_now, moved_replaced;
    wire        moved_stale;

    wire is_ep0 = (ep == 4'd0);
    wire enabled = flags[0] && exists;

    // ---- Rx FIFO head: software pops it in slave mode, the DMA engine here --------------------

    // As it was in READ: who pops it acts on it, so it is still the same. Straight from the packet
    // RAM it would come too late in the clock.
    reg  [31:0] head_reg;
    wire [3:0] head_status = head_reg[20:17];
    wire [10:0] head_bytes = head_reg[14:4];
    // SETUPs of one stage follow the first one to memory whether EP0 is enabled or not: three lie
    // back to back, then the address goes back
    wire head_setup = (head_status == STS_SETUP);
    assign head_blocked = act_head && head_setup && !enabled && !setup_more;
    assign head_rewind = act_head && head_setup && !head_blocked && (setup_full)
                         && !descriptors;
    wire head_pop = act_head && !head_blocked && !head_rewind && !soft_reset_wait && !head_hold;
    wire [10:0] head_fit = descriptors ? head_fits : head_bytes;
    wire head_job = head_pop && (head_fit != 11'd0);

    assign popped = head_pop || status_pop;
    assign popped_done = popped && (head_status == STS_OUT_DONE);
    assign popped_setup_done = popped && (head_status == STS_SETUP_DONE);
    assign popped_nak = popped && (head_status == STS_GLOBAL_NAK);
    assign head_empty = head_pop && !head_job;
    assign head_word = {7'd0, head_reg[24:0]};

    // ---- job ----------------------------------------------------------------------------------

    assign dma_start = head_job || fetch || dma_load || dma_store || start_rest;
    assign dma_discard = start_rest || (act_head && !enabled && !head_setup);
    assign dma_address = (dma_load || dma_store) ? desc_pointer
                       : address - (head_replace ? 32'd8 : 32'd0);
    assign dma_bytes = start_rest ? {rest_words, 2'b00} : act_head ? head_fit : length;

    assign job_out = job_out_reg;
    assign job_ep = job_ep_reg;
    assign job_bytes = job_bytes_reg;
    assign job_head = job_head_reg;

    wire moved_packet = act_moved && moved_packet_now;
    assign moved_out = moved_packet && job_out_reg;
    assign moved_setup = moved_out && (job_status_reg == STS_SETUP)
                         && (moved_replaced || !descriptors);
    // what was fetched for a FIFO that has got a new place, or for a list that was given up, is
    // fetched again
    assign moved_in = moved_packet && !job_out_reg && fifo_kept && !moved_stale;
    assign moved_context = (moved_out && !moved_replaced && !moved_stale) || moved_in;

    wire busy_out = receiving_here || (dma_busy && job_out_reg && (job_ep_reg == ep));
    wire busy_in = sending_here || (dma_busy && !job_out_reg && (job_ep_reg == ep));
    wire busy = out ? busy_out : busy_in;
    assign disabled = act_scan && exists && flags[5] && !busy && !closing;

    always @(posedge clk) begin
        if (read) begin
            head_reg <= head;
        end
        if (dma_start) begin
            job_out_reg <= out;
            job_ep_reg <= ep;
            job_status_reg <= head_status;
            job_head_reg <= {7'd0, head_reg[24:0]};
            job_bytes_reg <= dma_discard ? 11'd0 : dma_bytes;
        end
    end

    // ---- descriptors --------------------------------------------------------------------------

    // gone where `descriptors` is constant
    ep_desc #(.INDEX_WIDTH(INDEX_WIDTH)) ep_desc (
        .clk(clk), .rst(rst), .startup(startup), .enable(descriptors), .frame(frame),
        .sof(sof), .index(index), .read(read), .exists(exists), .out(out), .ep(ep),
        .iso(iso), .flags(flags), .packet_size(packet_size), .size(size),
        .left(left), .left_more(more), .left_whole(whole),
        .packets_more(!last), .address_write(address_write),
        .write_data(write_data), .acknowledged(acknowledged), .received(received),
        .received_length(received_length), .disabled(disabled), .act_scan(act_scan && exists),
        .busy(busy), .act_head(act_head), .head(head_reg), .setup_more(setup_more),
        .rx_flush(rx_flush), .idle(!dma_busy && !soft_reset_wait), .start(dma_start),
        .act_moved(act_moved), .error(dma_error), .loaded_status(dma_loaded_status),
        .pointer(desc_pointer), .open(desc_open), .fetch(desc_fetch), .closing(closing),
        .expired(desc_expired), .loaded_bytes(loaded_bytes), .loaded_count(loaded_count),
        .start_load(dma_load), .start_store(dma_store), .start_rest(start_rest),
        .rest_words(rest_words), .store_data(dma_store_data), .head_hold(head_hold),
        .head_take(head_take), .head_replace(head_replace), .head_fit(head_fits),
        .moved_packet(moved_packet_now), .moved_replaced(moved_replaced),
        .moved_load(moved_load), .moved_event(desc_event), .moved_closed(desc_closed),
        .moved_bna(desc_bna), .moved_failed(desc_failed), .moved_stale(moved_stale),
        .complete(desc_complete),
        .stop(desc_stop), .setup(desc_setup), .setup_whole(setup_whole),
        .setup_closing(setup_closing), .hot_used(hot_used), .hot(hot), .hot_out(hot_out),
        .hot_ep(hot_ep)
    );

    // ---- SETUPs -------------------------------------------------------------------------------

    wire is_out0 = is_ep0 && out;
    wire setups_left;
    assign unseen = setups_left || setup_closing;

    ep_setup #(.COUNT_WIDTH(COUNT_WIDTH)) ep_setup (
        .clk(clk), .rst(rst), .accepted(setup_accept),
        .seen(moved_setup || ((head_take || status_pop) && (head_status == STS_SETUP))),
        .dropped(rx_flush), .unseen(setups_left),
        .stored(moved_setup || setup_whole), .rewound(head_rewind),
        .address_write((address_write || desc_failed) && is_out0), .descriptors(descriptors),
        .stage_done(popped_setup_done), .more(setup_more), .full(setup_full),
        .packet_start(act_token), .in_token(act_token && token_known && is_ep0 && !out),
        .word(word), .word_data(rx_data),
        .packet_added(packet_added), .done_added(done_added),
        .taken(head_pop && (head_reg[3:0] == 4'd0) && (head_status != STS_GLOBAL_NAK)),
        .bus_reset(bus_reset), .look(act_scan && is_out0 && descriptors),
        .busy(busy_out || closing), .status_phase(status_phase)
    );

endmodule

`resetall
