// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The way of IN packets: the Tx FIFO that an operation works on, what goes into it (words pushed by
// software, packets fetched by the DMA), the packet on the wire until its handshake, and flushes.
// The FIFOs belong to endpoints, or FIFO 0 to all that are not periodic (see ep_shared).
module ep_tx #(
    parameter NUM_IN_EPS = 7,
    parameter DEDICATED_FIFO = 1,
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12,
    // bits of a FIFO index
    parameter INDEX_WIDTH = 3
) (
    input  wire        clk,
    input  wire        rst,

    // start-up sequence
    input  wire        startup,
    input  wire [7:0]  startup_index,
    input  wire [31:0] startup_fifo_size,

    // global configuration and commands
    input  wire        dma_enable,
    input  wire        empty_level,
    input  wire        periodic_empty_level,
    input  wire [4:0]  mismatch_limit,
    input  wire        flush,
    input  wire [4:0]  flush_fifo,
    input  wire        soft_reset_wait,
    input  wire        bus_reset,

    // operation (see ep_sequencer) and its endpoint
    input  wire        read,
    input  wire        op_csr,
    input  wire        op_flush,
    input  wire        op_take,
    input  wire        act_token,
    input  wire        act_handshake,
    input  wire        act_csr,
    input  wire        act_scan,
    input  wire        act_flush,
    input  wire        act_take,
    input  wire        chained,
    input  wire        out,
    input  wire [3:0]  ep,
    input  wire        exists,

    // context in work: DxEPCTL while it is read, then NextEp; enabled, to be disabled; bytes not
    // yet fetched, not yet acknowledged; of the next packet
    input  wire [21:0] control_now,
    input  wire [3:0]  next_ep,
    input  wire        active,
    input  wire        enabled,
    input  wire        disabling,
    input  wire [18:0] size,
    input  wire [18:0] left,
    input  wire [10:0] length,

    // register access (see ep_decode): it names a FIFO; size of a FIFO; window
    input  wire        csr_write,
    input  wire [31:0] csr_write_data,
    input  wire        csr_names_fifo,
    input  wire [3:0]  csr_fifo,
    input  wire        csr_size,
    input  wire        csr_window,
    // write to any register of the endpoint
    input  wire        csr_endpoint,

    // decision on a token: send a packet; it cannot be, another endpoint's is at the head
    input  wire        token_send,
    input  wire        token_mismatch,
    // the next packet is in the FIFO; another endpoint's is at the head
    output wire        packet_ready,
    output wire        other_ready,
    // handshake: the host has it
    input  wire        handshake_good,
    output wire        acknowledged,
    // a packet is sent; is on the wire; its endpoint; it is that of the operation
    output wire        send,
    output wire        sending,
    output wire [3:0]  sending_ep,
    output wire        sending_here,

    // DMA: it starts a job, has one, which is not to fetch; it has fetched this packet
    input  wire        job_start,
    input  wire        job_busy,
    input  wire        job_out,
    input  wire        fetched,
    // the endpoint's FIFO is still the one, and in the place, that the job began with
    output wire        job_kept,
    input  wire [8:0]  fetched_words,
    // descriptors let the endpoint fetch; the packets in the FIFO are too old
    input  wire        desc_fetch,
    input  wire        desc_expired,
    // a packet is to be fetched now
    output wire        fetch,

    // word pushed by software
    output wire        push,
    // place of the FIFO; where a word is pushed or fetched to, where the packet to send begins
    output wire [31:0] fifo_size,
    output wire [15:0] fifo_free,
    output wire [ADDRESS_WIDTH-1:0] fifo_end,
    output wire [ADDRESS_WIDTH-1:0] fifo_front,
    // words of the next packet
    output wire [8:0]  words,
    output wire [INDEX_WIDTH-1:0] fifo,
    // empty enough for its interrupt: FIFO of the operation, FIFO 0, all periodic ones
    output wire        low,
    output wire        fifo0_level,
    output wire        periodic_level,
    output wire [NUM_IN_EPS:0] fifo_empty,

    // flush: step wanted, done
    output wire        flush_request,
    output wire        flushed,

    // shared: place and head of the queue (GNPTXSTS); too many mismatches; a packet is taken back,
    // the first one, bytes of address that its endpoint gets back
    output wire [3:0]  np_places,
    output wire [3:0]  np_head,
    output wire        mismatches,
    output wire        take_request,
    output wire        take_first,
    output wire        take_gives,
    output wire [31:0] give_back,
    // endpoint to be scanned next
    output wire        chain_request,
    output wire [3:0]  chain_ep
);

    localparam INS = NUM_IN_EPS + 1;
    localparam FW = INDEX_WIDTH;
    localparam SHARED = (DEDICATED_FIFO == 0);
    localparam [4:0] LAST_IN = NUM_IN_EPS[4:0];

    reg  [FW-1:0] fifo_reg;
    reg         fifo_real_reg;
    // packet on the wire
    reg         sending_reg;
    reg  [3:0]  sending_ep_reg;
    reg  [FW-1:0] sending_fifo_reg;
    // FIFO of the packet in the hands of the DMA engine
    reg  [FW-1:0] job_fifo_reg;
    // these FIFOs have still the same place
    reg         sent_valid_reg;
    reg         job_valid_reg;
    reg  [3:0]  flush_reg;
    reg         flush_seen_reg;

    wire        np_fits, np_full, np_ready, np_other, np_hold, released;
    wire [8:0]  np_words;
    wire        take_step;

    // ---- FIFO of the operation ----------------------------------------------------------------

    // shared: types 0 control and 2 bulk have FIFO 0
    wire fifo0_now = SHARED && (!control_now[15] || op_take);
    // a window belongs to the endpoint of its number; to the FIFO of this number where software
    // has not given the endpoint one
    wire window_of_ep = csr_window && (SHARED || (exists && (control_now[21:18] != 4'd0)));
    wire [3:0] fifo_wide = op_flush ? flush_reg
                         : (op_csr && csr_names_fifo && !window_of_ep) ? csr_fifo
                         : fifo0_now ? 4'd0 : control_now[21:18];
    wire [4:0] fifo_highest = LAST_IN;
    wire fifo_wide_real = ({1'b0, fifo_wide} <= fifo_highest);
    wire [FW-1:0] fifo_now = startup ? startup_index[FW-1:0]
                           : !read ? fifo_reg
                           : fifo_wide_real ? fifo_wide[FW-1:0] : {FW{1'b0}};

    wire [15:0] fifo_used;
    wire [INS-1:0] fifo_half_empty;
    wire [INS-1:0] fifo_low = empty_level ? fifo_empty : fifo_half_empty;
    wire fifo0 = (fifo_reg == {FW{1'b0}});

    assign words = {length[10:2]} + {8'd0, |length[1:0]};
    // an endpoint whose FIFO is not there has none (and not FIFO 0, which is looked at instead)
    wire usable = SHARED || fifo_real_reg;
    assign packet_ready = (SHARED && fifo0) ? np_ready
                        : (fifo_used >= {7'd0, words}) && (usable || (words == 9'd0));
    assign other_ready = SHARED && fifo0 && np_other;
    assign fifo = fifo_reg;
    assign low = fifo_low[fifo_reg];
    assign fifo0_level = fifo_low[0];

    // ---- in and out ---------------------------------------------------------------------------

    assign push = act_csr && csr_write && csr_window && fifo_real_reg && !dma_enable
                  && (fifo_free != 16'd0)
                  && (!SHARED || (exists && (!fifo0 || np_fits)));
    assign fetch = act_scan && exists && !out && dma_enable && active && enabled && !disabling
                   && usable && (size != 19'd0) && (length != 11'd0) && (fifo_free >= {7'd0, words})
                   && !job_busy && !flush && !soft_reset_wait && !np_hold && desc_fetch;
    assign job_kept = (job_fifo_reg == fifo_reg) && job_valid_reg
                      && !(SHARED && fifo0 && np_full);

    assign send = act_token && token_send;
    // isochronous: sent
    assign acknowledged = act_handshake && sending_reg && handshake_good;
    assign sending = sending_reg;
    assign sending_ep = sending_ep_reg;
    assign sending_here = sending_reg && (sending_ep_reg == ep);
    wire sent = acknowledged && sent_valid_reg && (sending_fifo_reg == fifo_reg);

    wire set_size = act_csr && csr_write && csr_size && fifo_real_reg;
    wire flush_busy = (sending_reg && (sending_fifo_reg == fifo_reg))
                      || (job_busy && !job_out && (job_fifo_reg == fifo_reg));
    wire flush_exists = ({1'b0, flush_reg} <= LAST_IN);
    wire flush_now = act_flush && !flush_busy && flush_exists;
    wire flush_last = !flush_fifo[4] || ({1'b0, flush_reg} >= LAST_IN);
    wire flush_step = act_flush && (!flush_busy || !flush_exists);
    assign flush_request = flush && flush_seen_reg;
    assign flushed = flush_step && flush_last;

    tx_fifo #(.FIFOS(INS), .INDEX_WIDTH(FW), .ADDRESS_WIDTH(ADDRESS_WIDTH)) tx_fifo (
        .clk(clk), .rst(rst), .index(fifo_now), .load(read),
        .set_size((startup && (startup_index <= {3'd0, LAST_IN})) || set_size),
        .size(startup ? startup_fifo_size : csr_write_data),
        .flush(flush_now || take_step || desc_expired), .fill(push || fetched),
        .release_words(released),
        .words(push ? 9'd1 : fetched ? fetched_words : (SHARED && fifo0) ? np_words : words),
        .loaded_size(fifo_size), .loaded_used(fifo_used), .loaded_free(fifo_free),
        .loaded_front(fifo_front), .loaded_end(fifo_end),
        .empty(fifo_empty), .half_empty(fifo_half_empty)
    );

    // ---- shared Tx FIFO -----------------------------------------------------------------------

    wire flush_busy0 = (sending_reg && (sending_fifo_reg == {FW{1'b0}}))
                       || (job_busy && !job_out && (job_fifo_reg == {FW{1'b0}}));

    generate
        if (SHARED) begin : g_shared
            reg sent_entry_reg;
            wire remove = sent && fifo0 && sent_entry_reg;
            wire take_wait, chain_only;

            assign released = sent && (!fifo0 || sent_entry_reg);
            assign np_hold = take_wait || (fifo0 && np_full) || (chain_only && !chained);
            // bytes that go back to memory, in whole words
            wire [18:0] back = left - size + 19'd3;
            assign give_back = -{13'd0, back & 19'h7FFFC};

            ep_shared ep_shared (
                .clk(clk), .rst(rst || startup), .dma_enable(dma_enable),
                .limit(mismatch_limit), .ep(ep), .fifo0(fifo0), .words(words),
                .next_ep(exists ? next_ep : 4'd0),
                .push(push && fifo0), .add(fetched && fifo0),
                .add_words(fetched_words), .push_fits(np_fits), .full(np_full),
                .acknowledged(acknowledged), .remove(remove),
                .clear((flush_now || set_size) && fifo0), .ready(np_ready), .other(np_other),
                .mismatch(act_token && token_mismatch), .too_many(mismatches),
                .head_ep(np_head), .head_words(np_words), .places(np_places),
                .take_request(take_request), .take_busy(flush_busy0), .act_take(act_take),
                .take_step(take_step), .take_first(take_first), .take_gives(take_gives),
                .take_wait(take_wait),
                .dma_busy(job_busy || flush),
                .restart(released || flush_now || set_size || (csr_endpoint && !out)),
                .act_chain(act_scan && chained),
                .fetch(fetch), .chain(chain_request), .chain_only(chain_only),
                .chain_ep(chain_ep)
            );

            always @(posedge clk) begin
                if (send) begin
                    sent_entry_reg <= (words != 9'd0);
                end
            end

            assign periodic_level = &(periodic_empty_level ? fifo_empty[INS-1:1]
                                                           : fifo_half_empty[INS-1:1]);
        end else begin : g_dedicated
            assign released = sent;
            assign {np_hold, give_back, np_fits, np_full, np_ready, np_other, mismatches,
                    np_head, np_words, take_request, take_step, take_first, take_gives,
                    chain_request, chain_ep} = 60'd0;
            assign np_places = 4'd8;
            assign periodic_level = 1'b1;
            wire unused_ok = &{1'b0, periodic_empty_level, mismatch_limit, chained, act_take, left,
                               next_ep, csr_endpoint, token_mismatch, np_fits, np_full, np_ready,
                               np_other, np_words, flush_busy0, 1'b0};
        end
    endgenerate

    wire unused_ok = &{1'b0, control_now, startup_index, 1'b0};

    // ---- state --------------------------------------------------------------------------------

    always @(posedge clk) begin
        if (read) begin
            fifo_reg <= fifo_now;
            fifo_real_reg <= fifo_wide_real;
        end

        if (send) begin
            sending_reg <= 1'b1;
            sent_valid_reg <= 1'b1;
            sending_ep_reg <= ep;
            sending_fifo_reg <= fifo_reg;
        end
        if (set_size && (sending_fifo_reg == fifo_reg)) begin
            sent_valid_reg <= 1'b0;
        end
        if (act_handshake || bus_reset) begin
            sending_reg <= 1'b0;
        end

        if (set_size && (job_fifo_reg == fifo_reg)) begin
            job_valid_reg <= 1'b0;
        end
        if (job_start) begin
            job_valid_reg <= 1'b1;
            job_fifo_reg <= fifo_reg;
        end

        flush_seen_reg <= flush;
        if (!flush_seen_reg) begin
            flush_reg <= flush_fifo[4] ? 4'd0 : flush_fifo[3:0];
        end else if (flush_step) begin
            flush_reg <= flush_reg + 1'b1;
        end

        if (rst) begin
            sending_reg <= 1'b0;
            flush_seen_reg <= 1'b0;
        end
    end

endmodule

`resetall
