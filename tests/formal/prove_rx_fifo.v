// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The receive FIFO: packets are committed whole or not at all, and neither commit, drop, flush nor
// status words ever overrun it, underrun it, or overwrite a word that has not been read.
//
// What is assumed is what the endpoint logic promises: a packet is opened only where it fits with
// its status word, a status word without data is pushed only where it fits beside that, the depth
// changes only with a flush, nothing is popped that is not there.
module prove_rx_fifo #(
    parameter ADDRESS_WIDTH = 4
) (
    input wire        clk,
    input wire        rst,
    input wire        flush,
    input wire [15:0] depth,
    input wire        open,
    input wire [8:0]  open_limit,
    input wire        word_valid,
    input wire        commit,
    input wire        drop,
    input wire        push,
    input wire        pop
);

    localparam A = ADDRESS_WIDTH;

    wire         is_open;
    wire         overflow;
    wire [15:0]  free;
    wire [15:0]  used;
    wire         ram_write;
    wire [A-1:0] ram_write_address;
    wire [A-1:0] read_address;

    rx_fifo #(.ADDRESS_WIDTH(A)) fifo (
        .clk(clk), .rst(rst), .flush(flush), .depth(depth), .open(open), .open_limit(open_limit),
        .word_valid(word_valid), .word_data(32'd0), .commit(commit), .commit_status(32'd0),
        .drop(drop), .is_open(is_open), .overflow(overflow), .push(push), .push_status(32'd0),
        .free(free), .used(used), .ram_write(ram_write), .ram_write_address(ram_write_address),
        .ram_write_data(), .pop(pop), .read_address(read_address)
    );

    (* hierconn *) wire [A-1:0] \fifo.write_reg ;
    (* hierconn *) wire [A-1:0] \fifo.ahead_reg ;
    (* hierconn *) wire [A-1:0] \fifo.read_reg ;
    (* hierconn *) wire [8:0] \fifo.left_reg ;
    (* hierconn *) wire [8:0] \fifo.count_reg ;

    wire [15:0] write_at = {{(16-A){1'b0}}, \fifo.write_reg };
    wire [15:0] ahead_at = {{(16-A){1'b0}}, \fifo.ahead_reg };
    wire [15:0] read_at = {{(16-A){1'b0}}, \fifo.read_reg };
    wire [15:0] target = {{(16-A){1'b0}}, ram_write_address};
    wire [15:0] left = {7'd0, \fifo.left_reg };
    wire [15:0] count = {7'd0, \fifo.count_reg } - 16'd1;

    // place `distance` words behind `from` in the ring
    function [15:0] behind;
        input [15:0] from;
        input [15:0] distance;
        input [15:0] ring;
        behind = (from + distance >= ring) ? from + distance - ring : from + distance;
    endfunction

    wire [15:0] target_distance = (target >= read_at) ? target - read_at
                                                      : target + depth - read_at;

    reg        started = 1'b0;
    reg        cleared = 1'b0;
    reg [15:0] past_depth;
    reg [15:0] past_used;
    reg [15:0] past_write;
    reg [15:0] past_count;
    reg        past_commit = 1'b0;
    reg        past_pop;
    reg        past_drop = 1'b0;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        assume (depth >= 16'd1 && depth <= (16'd1 << A));
        if (started && !cleared) assume (depth == past_depth);
        // messages come one after the other
        assume (open + word_valid + (commit || drop) + push <= 1 || (drop && !push && !commit));
        assume (!commit || drop);
        assume (!(commit && (overflow || !is_open)));
        assume (!open || (!is_open && {7'd0, open_limit} + 16'd1 <= free));
        assume (!push || (is_open ? count == 16'd0 && left + 16'd2 <= free : free != 16'd0));
        assume (!pop || used != 16'd0);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        cleared <= rst || flush;
        past_depth <= depth;
        past_used <= used;
        past_write <= write_at;
        past_count <= count;
        past_commit <= commit && !flush && !rst;
        past_drop <= drop && !commit && !flush && !rst;
        past_pop <= pop;
        if (started) begin
            assert (used <= depth);
            assert (free <= depth - used);
            assert (read_at < depth && write_at < depth);
            assert (write_at == behind(read_at, used, depth));
            if (is_open) begin
                // the gap for the status word and all that may still come
                assert (used + 16'd1 + count + left <= depth);
                assert (ahead_at == behind(write_at, count + 16'd1, depth));
            end
            if (ram_write) begin
                assert (target < depth);
                assert (target_distance >= used);
            end
            // commit adds the packet with its status word, a dropped one leaves no trace
            if (past_commit) begin
                assert (used == past_used + past_count + 16'd1 - past_pop);
                assert (write_at == behind(past_write, past_count + 16'd1, depth));
            end
            if (past_drop) begin
                assert (used == past_used - past_pop && write_at == past_write);
                assert (!is_open);
            end
            if (cleared) assert (used == 16'd0 && !is_open);
        end
    end
`endif

endmodule

`resetall
