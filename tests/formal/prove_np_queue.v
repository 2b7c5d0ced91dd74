// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The queue of the shared Tx FIFO: a packet comes to the head as what it was begun as, for the
// endpoint it was begun for, in order, and counts as complete when all its words have been pushed
// for that endpoint, not one less and not another's. The queue never holds more than eight or less
// than none.
//
// Any one packet is followed from its begin to its end. What is assumed is what the endpoint logic
// promises: one thing at a time, and no word for which there is no place.
module prove_np_queue (
    input wire       clk,
    input wire       rst,
    input wire [3:0] ep,
    input wire [8:0] words,
    input wire       push,
    input wire       add,
    input wire       remove,
    input wire       clear,
    // from its begin in this clock on, follow this packet
    input wire       mark
);

    wire       fits, full, valid, complete;
    wire [3:0] count, head_ep;
    wire [8:0] head_words;

    np_queue queue (
        .clk(clk), .rst(rst), .ep(ep), .words(words), .push(push), .fits(fits), .add(add),
        .remove(remove), .clear(clear), .count(count), .full(full), .valid(valid),
        .complete(complete), .head_ep(head_ep), .head_words(head_words)
    );

    (* hierconn *) wire [12:0] \queue.packet_ram.memory[0] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[1] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[2] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[3] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[4] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[5] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[6] ;
    (* hierconn *) wire [12:0] \queue.packet_ram.memory[7] ;
    (* hierconn *) wire [2:0] \queue.head_reg ;
    (* hierconn *) wire [7:0] \queue.complete_reg ;
    (* hierconn *) wire       \queue.open_reg ;
    (* hierconn *) wire [3:0] \queue.open_ep_reg ;
    (* hierconn *) wire [8:0] \queue.left_reg ;

    // the packet: packets before it, what it was begun as, words that it has, fetched whole
    reg        there = 1'b0;
    reg  [2:0] before;
    reg  [3:0] my_ep;
    reg  [8:0] my_words;
    reg  [8:0] have;
    reg        fetched;
    reg        started = 1'b0;

    wire       newest = ({1'b0, before} + 4'd1 == count);
    wire       whole = fetched || ((my_words != 9'd0) && (have == my_words));
    wire       grows = push && newest && !whole && (ep == my_ep);
    // of a packet that is not followed
    wire       more = \queue.open_reg && (\queue.open_ep_reg == ep);
    wire       begins = add || (push && !(there && newest ? grows : more));

    wire [2:0] place = \queue.head_reg + before;
    reg  [12:0] stored;

    always @* begin
        case (place)
            3'd0: stored = \queue.packet_ram.memory[0] ;
            3'd1: stored = \queue.packet_ram.memory[1] ;
            3'd2: stored = \queue.packet_ram.memory[2] ;
            3'd3: stored = \queue.packet_ram.memory[3] ;
            3'd4: stored = \queue.packet_ram.memory[4] ;
            3'd5: stored = \queue.packet_ram.memory[5] ;
            3'd6: stored = \queue.packet_ram.memory[6] ;
            default: stored = \queue.packet_ram.memory[7] ;
        endcase
    end

    reg        past_begins = 1'b0;
    reg        past_removes = 1'b0;
    reg        past_still = 1'b0;
    reg  [3:0] past_count;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (rst) assume (!push && !add && !remove && !clear);
        assume (push + add + remove <= 1);
        if (clear) assume (!push && !add);
        if (push) assume (fits);
        if (add) assume (!full);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        if (there) begin
            if (grows && (my_words != 9'd0)) have <= have + 9'd1;
            if (remove) begin
                before <= before - 3'd1;
                if (before == 3'd0) there <= 1'b0;
            end
        end else if (mark && begins) begin
            there <= 1'b1;
            before <= count[2:0];
            my_ep <= ep;
            my_words <= words;
            have <= (words == 9'd0) ? 9'd0 : 9'd1;
            fetched <= add;
        end
        if (rst || clear) there <= 1'b0;

        past_begins <= started && begins;
        past_removes <= started && remove && !clear && count != 4'd0;
        past_still <= started && !rst && !clear && !begins && !(remove && count != 4'd0);
        past_count <= count;

        if (started) begin
            assert (count <= 4'd8 && full == (count == 4'd8) && valid == (count != 4'd0));
            assert (!\queue.open_reg || valid);
            if (past_begins) assert (count == past_count + 4'd1);
            if (past_removes) assert (count == past_count - 4'd1);
            if (past_still) assert (count == past_count);
        end
        if (started && there) begin
            assert ({1'b0, before} < count);
            assert (stored == {my_ep, my_words});
            assert (\queue.complete_reg [place] == whole);
            assert (fetched || have <= my_words);
            if (newest) begin
                assert (\queue.open_reg == !whole);
                if (!whole) begin
                    assert (\queue.open_ep_reg == my_ep);
                    assert (\queue.left_reg == my_words - have);
                end
                if (grows) assert (fits);
            end
            if (before == 3'd0) begin
                assert (head_ep == my_ep && head_words == my_words && complete == whole);
            end
        end
    end
`endif

endmodule

`resetall
