// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Packets in the shared Tx FIFO 0, in the order in which they were begun: whose each is, how many
// words it has, whether all of them are there. The words themselves are in the FIFO. Only the
// newest packet grows; one that was left incomplete stays so until the queue is cleared.
module np_queue (
    input  wire       clk,
    input  wire       rst,

    // endpoint in work, words of its next packet (0: it has none, no word completes it)
    input  wire [3:0] ep,
    input  wire [8:0] words,
    // software pushes a word for it; whether there is a place for the packet that this begins
    input  wire       push,
    output wire       fits,
    // a whole packet of it has been fetched
    input  wire       add,

    // the packet at the head has been acknowledged or is taken back; nothing is left
    input  wire       remove,
    input  wire       clear,

    // places taken, of 8
    output wire [3:0] count,
    output wire       full,
    // the packet at the head
    output wire       valid,
    output wire       complete,
    output wire [3:0] head_ep,
    output wire [8:0] head_words
);

    reg  [2:0] head_reg;
    reg  [3:0] count_reg;
    reg  [7:0] complete_reg;
    // the newest packet: it still grows, by so many words
    reg        open_reg;
    reg  [3:0] open_ep_reg;
    reg  [8:0] left_reg;

    wire [2:0] newest = head_reg + count_reg[2:0] - 3'd1;
    wire [2:0] place = head_reg + count_reg[2:0];
    wire more = open_reg && (open_ep_reg == ep);
    wire begins = ((push && !more) || add) && !count_reg[3];
    wire whole = add || (words == 9'd1);
    wire drop = remove && (count_reg != 4'd0);
    wire [12:0] head;

    assign fits = more || !count_reg[3];
    assign count = count_reg;
    assign full = count_reg[3];
    assign valid = (count_reg != 4'd0);
    assign complete = valid && complete_reg[head_reg];
    // the memory has no reset
    assign {head_ep, head_words} = valid ? head : 13'd0;

    lut_ram #(.WIDTH(13), .INDEX_WIDTH(3)) packet_ram (
        .clk(clk), .we(begins), .write_index(place), .write_data({ep, words}),
        .read_index(head_reg), .read_data(head)
    );

    always @(posedge clk) begin
        if (begins) begin
            count_reg <= count_reg + 4'd1;
            complete_reg[place] <= whole;
            open_reg <= !whole;
            open_ep_reg <= ep;
            left_reg <= (words == 9'd0) ? 9'd0 : words - 9'd1;
        end else if (push && more && (left_reg != 9'd0)) begin
            left_reg <= left_reg - 9'd1;
            if (left_reg == 9'd1) begin
                complete_reg[newest] <= 1'b1;
                open_reg <= 1'b0;
            end
        end
        if (drop) begin
            head_reg <= head_reg + 3'd1;
            count_reg <= count_reg - 4'd1;
            if (count_reg == 4'd1) begin
                open_reg <= 1'b0;
            end
        end
        if (rst || clear) begin
            head_reg <= 3'd0;
            count_reg <= 4'd0;
            complete_reg <= 8'd0;
            open_reg <= 1'b0;
        end
    end

endmodule

`resetall
