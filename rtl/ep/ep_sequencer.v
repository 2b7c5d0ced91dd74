// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Chooses the next operation and the endpoint that it works on. An operation takes two clocks,
// READ and ACT; the next one is chosen during ACT (or when there is none). What the host waits for
// comes first. No kind of operation follows itself at once, so that a kind that could always run
// leaves room for those below it.
module ep_sequencer #(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    // see udc
    parameter [31:0] EP_DIRECTIONS = 32'd0
) (
    input  wire        clk,
    input  wire        rst,
    // nothing is chosen while the memories get their reset values
    input  wire        startup,

    // message from the USB side; not while a status word is being pushed
    input  wire        rx_valid,
    input  wire [3:0]  rx_type,
    input  wire [7:0]  rx_token,
    input  wire        rx_hold,
    input  wire [3:0]  token_ep,
    input  wire [3:0]  sending_ep,
    // register access
    input  wire        csr_request,
    input  wire        csr_out,
    input  wire [3:0]  csr_ep,
    // DMA job done; head of the Rx FIFO for the DMA
    input  wire        moved_request,
    input  wire        job_out,
    input  wire [3:0]  job_ep,
    input  wire        head_request,
    input  wire [3:0]  head_ep,
    input  wire        flush_request,
    // context to be scanned before its turn
    input  wire        hot,
    input  wire        hot_out,
    input  wire [3:0]  hot_ep,
    output wire        hot_used,
    // shared Tx FIFO: a packet of this endpoint is to be taken back, before anything else is
    // looked at; endpoint that the scan shall look at
    input  wire        take_request,
    input  wire [3:0]  take_ep,
    input  wire        chain_request,
    input  wire [3:0]  chain_ep,
    // all contexts are to be scanned before the next register access; this is going on
    input  wire        walk_start,
    output wire        walk,

    // READ of the operation; it is in ACT: one of the strobes
    output wire        read,
    output wire        act,
    output wire        act_token,
    output wire        act_end,
    output wire        act_handshake,
    output wire        act_line,
    output wire        act_csr,
    output wire        act_head,
    output wire        act_moved,
    output wire        act_scan,
    output wire        act_flush,
    output wire        act_take,
    // operation whose READ or ACT this is
    output wire        op_csr,
    output wire        op_flush,
    output wire        op_take,
    // it looks at bytes to fetch, not at bytes to send
    output wire        op_fetch,
    // a scan of the endpoint that was asked for
    output wire        chained,
    // a new operation is chosen in this clock
    output wire        choose,

    // its endpoint: OUT, number, context index, whether it exists
    output wire        out,
    output wire [3:0]  ep,
    output wire [4:0]  slot,
    output wire        exists
);

    localparam [4:0] LAST_IN = NUM_IN_EPS[4:0];
    localparam [4:0] LAST_OUT = NUM_OUT_EPS[4:0];

    // endpoints of a direction up to the last one; bit `other` excludes some
    function [15:0] there;
        input [4:0] last;
        input other;
        integer n;
        begin
            for (n = 0; n < 16; n = n + 1) begin
                there[n] = (n <= last) && !EP_DIRECTIONS[2*n+other];
            end
        end
    endfunction

    localparam [15:0] IN_THERE = there(LAST_IN, 1'b1);
    localparam [15:0] OUT_THERE = there(LAST_OUT, 1'b0);

    localparam [3:0] MSG_TOKEN = 4'd1;
    localparam [3:0] MSG_END = 4'd3;
    localparam [3:0] MSG_HANDSHAKE = 4'd4;
    localparam [3:0] MSG_LINE = 4'd6;
    localparam [3:0] PID_IN = 4'b1001;

    // one bit per kind of operation
    localparam [9:0] NONE = 10'h000;
    localparam [9:0] TOKEN = 10'h001;
    localparam [9:0] END = 10'h002;
    localparam [9:0] HANDSHAKE = 10'h004;
    localparam [9:0] LINE = 10'h008;
    localparam [9:0] CSR = 10'h010;
    localparam [9:0] HEAD = 10'h020;
    localparam [9:0] MOVED = 10'h040;
    localparam [9:0] SCAN = 10'h080;
    localparam [9:0] FLUSH = 10'h100;
    localparam [9:0] TAKE = 10'h200;

    reg  [9:0] op_reg, op_next;
    reg        read_reg;
    reg        out_reg, out_next;
    reg  [3:0] ep_reg, ep_next;
    reg  [4:0] slot_reg;
    reg        exists_reg;
    reg  [3:0] scan_ep_reg;
    reg        scan_out_reg;
    reg        chained_reg;
    reg        walk_reg;

    wire [9:0] acting = read_reg ? NONE : op_reg;
    wire chain_next = chain_request && !walk_reg;
    wire after_rx = |(acting & (TOKEN | END | HANDSHAKE | LINE));

    assign read = read_reg;
    assign act = |acting;
    assign {act_take, act_flush, act_scan, act_moved, act_head, act_csr, act_line, act_handshake,
            act_end, act_token} = acting;
    assign op_csr = |(op_reg & CSR);
    assign op_flush = |(op_reg & FLUSH);
    assign op_take = |(op_reg & TAKE);
    assign chained = chained_reg;
    assign op_fetch = |(op_reg & SCAN);
    assign choose = !read_reg;
    assign walk = walk_reg;
    assign out = out_reg;
    assign ep = ep_reg;
    assign slot = slot_reg;
    assign exists = exists_reg;

    always @* begin
        op_next = NONE;
        out_next = 1'b1;
        ep_next = 4'd0;
        if (startup) begin
            op_next = NONE;
        end else if (rx_valid && !after_rx && !rx_hold && (rx_type == MSG_TOKEN)) begin
            op_next = TOKEN;
            out_next = (rx_token[3:0] != PID_IN);
            ep_next = rx_token[7:4];
        end else if (rx_valid && !after_rx && !rx_hold && (rx_type == MSG_END)) begin
            op_next = END;
            ep_next = token_ep;
        end else if (rx_valid && !after_rx && !rx_hold && (rx_type == MSG_HANDSHAKE)) begin
            op_next = HANDSHAKE;
            out_next = 1'b0;
            ep_next = sending_ep;
        end else if (rx_valid && !after_rx && !rx_hold && (rx_type == MSG_LINE)) begin
            op_next = LINE;
        end else if (take_request) begin
            // the step in ACT changes which endpoint is next
            op_next = act_take ? NONE : TAKE;
            out_next = 1'b0;
            ep_next = take_ep;
        end else if (csr_request && !act_csr && !walk_reg) begin
            op_next = CSR;
            out_next = csr_out;
            ep_next = csr_ep;
        end else if (moved_request && !act_moved) begin
            op_next = MOVED;
            out_next = job_out;
            ep_next = job_ep;
        end else if (head_request && !act_head && !act_scan) begin
            // not behind a scan: it may just have started a job
            op_next = HEAD;
            ep_next = head_ep;
        end else if (flush_request && !act_flush) begin
            op_next = FLUSH;
            out_next = 1'b0;
        end else if (!act_scan) begin
            op_next = SCAN;
            out_next = hot ? hot_out : scan_out_reg && !chain_next;
            ep_next = hot ? hot_ep : chain_next ? chain_ep : scan_ep_reg;
        end
    end

    assign hot_used = hot && !read_reg && |(op_next & SCAN);

    wire exists_next = out_next ? OUT_THERE[ep_next] : IN_THERE[ep_next];
    wire scan_wrap = {1'b0, scan_ep_reg} == (scan_out_reg ? LAST_OUT : LAST_IN);

    always @(posedge clk) begin
        if (read_reg) begin
            read_reg <= 1'b0;
        end else begin
            op_reg <= op_next;
            read_reg <= (op_next != NONE);
            out_reg <= out_next;
            ep_reg <= ep_next;
            chained_reg <= chain_next;
            // OUT contexts follow the IN contexts
            slot_reg <= !exists_next ? 5'd0
                      : {1'b0, ep_next} + (out_next ? LAST_IN + 5'd1 : 5'd0);
            exists_reg <= exists_next;
        end
        // not the scan that was chosen in the clock in which a walk began
        if (act_scan && (ep_reg == scan_ep_reg) && (out_reg == scan_out_reg)) begin
            scan_ep_reg <= scan_wrap ? 4'd0 : scan_ep_reg + 1'b1;
            scan_out_reg <= scan_out_reg != scan_wrap;
            if (scan_wrap && scan_out_reg) begin
                walk_reg <= 1'b0;
            end
        end
        if (walk_start) begin
            walk_reg <= 1'b1;
            scan_ep_reg <= 4'd0;
            scan_out_reg <= 1'b0;
        end
        if (rst) begin
            op_reg <= NONE;
            read_reg <= 1'b0;
            scan_ep_reg <= 4'd0;
            scan_out_reg <= 1'b0;
            walk_reg <= 1'b0;
        end
    end

endmodule

`resetall
