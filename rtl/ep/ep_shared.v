// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The shared Tx FIFO scheme: FIFO 0 of all endpoints that are not periodic. Its queue, tokens that
// find another endpoint's packet at the head, and what the DMA does about them: it takes back all
// packets of the queue, one per step, and begins to fetch anew with the endpoint that was asked.
// What was fetched then has to be sent, or to be in the way for long, before it goes back again:
// else a host that asks one endpoint after the other would get nothing from any.
module ep_shared (
    input  wire        clk,
    input  wire        rst,
    input  wire        dma_enable,
    // DCFG.EPMisCnt; 0 counts as 1
    input  wire [4:0]  limit,

    // endpoint in work: it is of FIFO 0, words of its next packet, NextEp
    input  wire [3:0]  ep,
    input  wire        fifo0,
    input  wire [8:0]  words,
    input  wire [3:0]  next_ep,

    // word pushed for it, packet fetched for it; there is a place
    input  wire        push,
    input  wire        add,
    input  wire [8:0]  add_words,
    output wire        push_fits,
    output wire        full,
    // its packet was acknowledged, it was the one at the head
    input  wire        acknowledged,
    input  wire        remove,
    // FIFO 0 is flushed or gets a new place
    input  wire        clear,

    // its next packet is all there; the head is another one's
    output wire        ready,
    output wire        other,
    // IN token to it that was answered NAK for that reason; the count is full
    input  wire        mismatch,
    output wire        too_many,

    // head of the queue and places left, as GNPTXSTS shows them
    output wire [3:0]  head_ep,
    output wire [8:0]  head_words,
    output wire [3:0]  places,

    // taking back: wanted; a packet on the wire or a fetch is in the way; step; the first one
    output wire        take_request,
    input  wire        take_busy,
    input  wire        act_take,
    output wire        take_step,
    output wire        take_first,
    // the step gives back to the endpoint of the head
    output wire        take_gives,
    // nothing may be fetched
    output wire        take_wait,

    // order of fetches: something has changed that may let an endpoint fetch; a scan of the chain
    // has looked at the endpoint in work, a fetch was started for it; endpoint to look at, if there
    // is one to prefer
    input  wire        restart,
    input  wire        dma_busy,
    input  wire        act_chain,
    input  wire        fetch,
    output wire        chain,
    output wire        chain_only,
    output wire [3:0]  chain_ep
);

    // steps of the chain before any endpoint is good enough
    localparam [4:0] STEPS = 5'd16;
    // mismatches before what was fetched after a taking back goes back too: each of 16 endpoints
    // can be asked once in between
    localparam [4:0] PATIENCE = 5'd31;

    wire [3:0] count;
    wire       valid, complete;

    // ---- queue --------------------------------------------------------------------------------

    // the queue looks empty while it is taken back
    reg        taking_reg;
    reg        pending_reg;

    wire mine = valid && (head_ep == ep);
    wire take_last = take_step && (count <= 4'd1);

    assign ready = (words == 9'd0)
                   || (mine && complete && (head_words >= words) && !taking_reg);
    assign other = (words != 9'd0) && valid && !mine && !taking_reg;
    assign places = 4'd8 - count;

    np_queue np_queue (
        .clk(clk), .rst(rst), .ep(ep), .words(add ? add_words : words), .push(push),
        .fits(push_fits), .add(add), .remove(remove || take_step), .clear(clear || take_last),
        .count(count), .full(full), .valid(valid), .complete(complete), .head_ep(head_ep),
        .head_words(head_words)
    );

    // ---- mismatches ---------------------------------------------------------------------------

    reg  [4:0] count_reg;
    reg  [3:0] asked_reg;
    // nothing has been sent since packets were taken back
    reg        patient_reg;
    wire [4:0] limit_now = patient_reg ? PATIENCE : {limit | {4'd0, limit == 5'd0}};

    assign too_many = mismatch && (count_reg + 5'd1 >= limit_now);

    assign take_wait = pending_reg || taking_reg;
    assign take_request = taking_reg || (pending_reg && !take_busy);
    assign take_step = act_take && (taking_reg || !take_busy);
    assign take_first = take_step && !taking_reg;
    assign take_gives = take_step && valid;

    // ---- order of fetches ---------------------------------------------------------------------

    reg  [4:0] left_reg;
    reg  [3:0] chain_reg;
    reg  [3:0] first_reg;

    assign chain_only = (left_reg != 5'd0);
    assign chain = chain_only && !dma_busy && dma_enable && !take_wait;
    assign chain_ep = chain_reg;

    always @(posedge clk) begin
        if (acknowledged && fifo0) begin
            count_reg <= 5'd0;
            patient_reg <= 1'b0;
        end
        if (mismatch) begin
            count_reg <= too_many ? 5'd0 : count_reg + 5'd1;
        end
        if (too_many && dma_enable) begin
            pending_reg <= 1'b1;
            asked_reg <= ep;
        end
        if (take_first) begin
            pending_reg <= 1'b0;
            taking_reg <= 1'b1;
            patient_reg <= 1'b1;
            count_reg <= 5'd0;
        end
        if (take_last) begin
            taking_reg <= 1'b0;
        end

        if (fetch) begin
            left_reg <= STEPS;
            chain_reg <= next_ep;
            first_reg <= next_ep;
        end else if (restart) begin
            left_reg <= STEPS;
            chain_reg <= first_reg;
        end else if (act_chain) begin
            // an endpoint that follows itself is the end of the chain
            left_reg <= (next_ep == chain_reg) ? 5'd0 : left_reg - 5'd1;
            chain_reg <= next_ep;
        end
        if (take_last) begin
            left_reg <= STEPS;
            chain_reg <= asked_reg;
            first_reg <= asked_reg;
        end

        if (rst || !dma_enable) begin
            pending_reg <= 1'b0;
            taking_reg <= 1'b0;
            patient_reg <= 1'b0;
            left_reg <= 5'd0;
            first_reg <= 4'd0;
        end
        if (rst) begin
            count_reg <= 5'd0;
        end
    end

endmodule

`resetall
