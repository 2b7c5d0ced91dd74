// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The receive FIFO: for any depth, it never holds more words than it has, never hands out a word
// that is not there, a packet that is dropped or flushed leaves nothing and one that is committed
// leaves all its words, and no word is written over one that was not read.
//
// What is assumed is what the endpoint logic promises: a packet is opened only if its words and its
// status word fit, a status word alone comes only if there is room and no word of an open packet
// has come, a commit does not come together with a word, and nothing is read from an empty FIFO.
// The depth changes only with a flush.
module prove_rx_fifo (
    input wire        clk,
    input wire        rst,
    input wire        flush,
    input wire [15:0] depth,
    input wire        open,
    input wire [8:0]  open_limit,
    input wire        word_valid,
    input wire [31:0] word_data,
    input wire        commit,
    input wire [31:0] commit_status,
    input wire        drop,
    input wire        push,
    input wire [31:0] push_status,
    input wire        pop
);

    // a small RAM; the depth is any up to its size
    localparam A = 4;

    wire         is_open;
    wire         overflow;
    wire [15:0]  free;
    wire [15:0]  used;
    wire         ram_write;
    wire [A-1:0] ram_write_address;
    wire [31:0]  ram_write_data;
    wire [A-1:0] read_address;

    rx_fifo #(.ADDRESS_WIDTH(A)) fifo (
        .clk(clk), .rst(rst), .flush(flush), .depth(depth), .open(open),
        .open_limit(open_limit), .word_valid(word_valid), .word_data(word_data),
        .commit(commit), .commit_status(commit_status), .drop(drop), .is_open(is_open),
        .overflow(overflow), .push(push), .push_status(push_status), .free(free), .used(used),
        .ram_write(ram_write), .ram_write_address(ram_write_address),
        .ram_write_data(ram_write_data), .pop(pop), .read_address(read_address)
    );

    (* hierconn *) wire [A-1:0] \fifo.write_reg ;
    (* hierconn *) wire [A-1:0] \fifo.ahead_reg ;
    (* hierconn *) wire [A-1:0] \fifo.read_reg ;
    (* hierconn *) wire [8:0] \fifo.left_reg ;
    (* hierconn *) wire [8:0] \fifo.count_reg ;

    wire [15:0] write_place = {12'd0, \fifo.write_reg };
    wire [15:0] ahead_place = {12'd0, \fifo.ahead_reg };
    wire [15:0] read_place = {12'd0, \fifo.read_reg };
    wire [15:0] count = {7'd0, \fifo.count_reg };
    wire [15:0] left = {7'd0, \fifo.left_reg };

    wire [15:0] past_write = read_place + used;
    wire [15:0] past_ahead = write_place + count;
    wire [15:0] ahead_of_read = (ram_write_address >= read_place[A-1:0])
                                ? {12'd0, ram_write_address} - read_place
                                : {12'd0, ram_write_address} + depth - read_place;

    reg         started = 1'b0;
    reg         set = 1'b0;
    reg  [15:0] depth_then;
    // the packet has been opened in the clock before
    reg         young = 1'b0;
    // words of the packet that have come
    reg  [15:0] words = 16'd0;
    reg         past = 1'b0;
    reg         past_clear;
    reg         past_pop;
    reg         past_push;
    reg         past_commit;
    reg  [15:0] past_used;
    reg  [15:0] past_count;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        assume (depth != 16'd0 && depth <= (16'd1 << A));
        if (set && !rst && !flush) assume (depth == depth_then);
        if (rst || flush) assume (!open && !word_valid && !commit && !push && !pop);
        assume (open + word_valid + commit + push <= 1);
        if (drop) assume (!open);
        if (commit) assume (!overflow);
        // room for the packet with its status word, and one more behind or before it
        if (open) assume ({7'd0, open_limit} < 16'h0100
                          && {7'd0, open_limit} + 16'd2 <= free);
        if (push) assume (free != 16'd0 && (!is_open || young));
        if (pop) assume (used != 16'd0);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        set <= 1'b1;
        depth_then <= depth;
        young <= open;
        if (open) words <= 16'd0;
        if (word_valid && is_open && left != 16'd0) words <= words + 1'b1;
        past <= started && !rst;
        past_clear <= flush;
        past_pop <= pop;
        past_push <= push;
        past_commit <= commit && is_open;
        past_used <= used;
        past_count <= count;

        if (started && set) begin
            assert (depth_then != 16'd0 && depth_then <= (16'd1 << A));
        end
        if (started && set && depth == depth_then) begin
            assert (used <= depth);
            assert (free <= depth && free <= depth - used);
            assert (read_place < depth && write_place < depth);
            assert (write_place == (past_write >= depth ? past_write - depth : past_write));
            if (is_open) begin
                assert (count == words + 16'd1 && count != 16'd0);
                assert (used + count + left <= depth);
                assert (ahead_place < depth);
                assert (ahead_place == (past_ahead >= depth ? past_ahead - depth : past_ahead));
                if (young) assert (count == 16'd1 && used + count + left + 16'd1 <= depth);
            end
            if (young) assert (is_open);
            // nothing is written over a word that was not read
            if (ram_write && !rst && !flush) assert (ahead_of_read >= used);
        end
        if (past) begin
            if (past_clear) begin
                assert (used == 16'd0 && read_place == write_place && !is_open);
            end else begin
                // a packet appears as a whole, a status word alone, and a word goes by pop alone
                assert (used == past_used + (past_commit ? past_count : 16'd0)
                                + {15'd0, past_push} - {15'd0, past_pop});
            end
        end
    end
`endif

endmodule

`resetall
