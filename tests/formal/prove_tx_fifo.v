// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The transmit FIFOs: fill, acknowledge, rewind and flush never overrun or underrun one, no place
// that is handed out lies outside its region, and what happens to one leaves the others alone.
//
// What is assumed is what the endpoint logic promises: an update follows the load of its FIFO in
// the next clock, no more is filled than is free, no more acknowledged than is held, and software
// gives every FIFO a region inside the RAM.
module prove_tx_fifo (
    input wire        clk,
    input wire        rst,
    input wire        index,
    input wire        load,
    input wire        set_size,
    input wire [31:0] size,
    input wire        flush,
    input wire        fill,
    input wire        release_words,
    input wire [8:0]  words
);

    // the smallest RAM
    localparam A = 9;

    wire [31:0]  loaded_size;
    wire [15:0]  loaded_used;
    wire [15:0]  loaded_free;
    wire [A-1:0] loaded_front;
    wire [A-1:0] loaded_end;
    wire [1:0]   empty;
    wire [1:0]   half_empty;

    tx_fifo #(.FIFOS(2), .INDEX_WIDTH(1), .ADDRESS_WIDTH(A)) fifo (
        .clk(clk), .rst(rst), .index(index), .load(load), .set_size(set_size), .size(size),
        .flush(flush), .fill(fill), .release_words(release_words), .words(words),
        .loaded_size(loaded_size), .loaded_used(loaded_used), .loaded_free(loaded_free),
        .loaded_front(loaded_front), .loaded_end(loaded_end), .empty(empty),
        .half_empty(half_empty)
    );

    (* hierconn *) wire [31:0] \fifo.size_ram.memory[0] ;
    (* hierconn *) wire [31:0] \fifo.size_ram.memory[1] ;
    (* hierconn *) wire [A:0] \fifo.used_ram.memory[0] ;
    (* hierconn *) wire [A:0] \fifo.used_ram.memory[1] ;
    (* hierconn *) wire [A-1:0] \fifo.front_ram.memory[0] ;
    (* hierconn *) wire [A-1:0] \fifo.front_ram.memory[1] ;
    (* hierconn *) wire [A-1:0] \fifo.end_ram.memory[0] ;
    (* hierconn *) wire [A-1:0] \fifo.end_ram.memory[1] ;
    (* hierconn *) wire [A-1:0] \fifo.front_reg ;
    (* hierconn *) wire [A-1:0] \fifo.end_reg ;

    // any one of the FIFOs
    (* anyconst *) reg mine;

    wire [31:0] my_size = mine ? \fifo.size_ram.memory[1] : \fifo.size_ram.memory[0] ;
    wire [15:0] my_used = mine ? \fifo.used_ram.memory[1] : \fifo.used_ram.memory[0] ;
    wire [15:0] my_front = mine ? \fifo.front_ram.memory[1] : \fifo.front_ram.memory[0] ;
    wire [15:0] my_end = mine ? \fifo.end_ram.memory[1] : \fifo.end_ram.memory[0] ;
    wire [15:0] my_depth = my_size[31:16];
    wire [15:0] my_base = my_size[15:0];
    wire [15:0] sum = my_front + my_used;

    // bit of a FIFO: it has been given a region
    reg  [1:0] known = 2'b00;
    reg        started = 1'b0;
    reg        fresh = 1'b0;
    reg        fresh_index;

    wire       update = flush || fill || release_words;
    reg        past_touched = 1'b0;
    reg        past_known = 1'b0;
    reg        past_flush = 1'b0;
    reg        past_fill;
    reg        past_release;
    reg [15:0] past_words;
    reg [47:0] past_state;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        assume (set_size + flush + fill + release_words + load <= 1);
        if (rst) assume (!load && !update && !set_size);
        if (update) assume (fresh && index == fresh_index);
        if (load) assume (known[index]);
        if (fill) assume ({7'd0, words} <= loaded_free);
        if (release_words) assume ({7'd0, words} <= loaded_used);
        if (set_size) begin
            assume (size[31:16] != 16'd0 && size[31:16] <= (16'd1 << A));
            assume (size[15:0] <= (16'd1 << A) - size[31:16]);
        end
    end

    always @(posedge clk) begin
        started <= 1'b1;
        fresh <= load;
        fresh_index <= index;
        if (rst) known <= 2'b00;
        if (set_size) known[index] <= 1'b1;
        past_touched <= started && known[mine] && !rst && (set_size || update) && index == mine;
        past_known <= started && known[mine] && !rst;
        past_flush <= (set_size || flush) && index == mine;
        past_fill <= fill && index == mine;
        past_release <= release_words && index == mine;
        past_words <= {7'd0, words};
        past_state <= {my_used, my_front, my_end};

        if (started && known[mine]) begin
            assert (my_depth != 16'd0 && my_depth <= (16'd1 << A));
            assert (my_base <= (16'd1 << A) - my_depth);
            assert (my_used <= my_depth);
            assert (my_front < my_depth && my_end < my_depth);
            assert (my_end == ((sum >= my_depth) ? sum - my_depth : sum));
            assert (empty[mine] == (my_used == 16'd0));
            assert (half_empty[mine] == (my_used <= my_depth >> 1));
            if (fresh && fresh_index == mine) begin
                assert (loaded_size == my_size && loaded_used == my_used);
                assert ({7'd0, \fifo.front_reg } == my_front);
                assert ({7'd0, \fifo.end_reg } == my_end);
                assert (loaded_free == my_depth - my_used);
                assert (loaded_front >= my_base && loaded_front - my_base < my_depth);
                assert (loaded_end >= my_base && loaded_end - my_base < my_depth);
            end
        end
        if (past_touched) begin
            if (past_flush) assert ({my_used, my_front, my_end} == 48'd0);
            // filling leaves the front, so that a packet can be sent again; and the reverse
            if (past_fill) begin
                assert (my_used == past_state[47:32] + past_words);
                assert (my_front == past_state[31:16]);
            end
            if (past_release) begin
                assert (my_used == past_state[47:32] - past_words);
                assert (my_end == past_state[15:0]);
            end
        end else if (past_known) begin
            assert ({my_used, my_front, my_end} == past_state);
        end
    end
`endif

endmodule

`resetall
