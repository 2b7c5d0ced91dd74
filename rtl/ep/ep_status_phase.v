// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Sees the host go on to the status stage of a control transfer that brings no data to it: the
// first IN token after the SETUP. Software learns of it when all that came before is in memory.
module ep_status_phase #(
    // bits of a count of packets in the Rx FIFO
    parameter COUNT_WIDTH = 12
) (
    input  wire        clk,
    input  wire        rst,

    // a packet from the host begins, a word of it
    input  wire        packet_start,
    input  wire        word,
    input  wire [31:0] word_data,
    // SETUP accepted; IN token for EP0
    input  wire        setup,
    input  wire        in_token,
    // words of EP0 in the Rx FIFO: a packet or SETUP done added, one taken; all dropped
    input  wire        packet_added,
    input  wire        done_added,
    input  wire        taken,
    input  wire        dropped,
    input  wire        bus_reset,

    // EP0 OUT is looked at; it has work under way
    input  wire        look,
    input  wire        busy,
    output wire        reached
);

    reg [1:0] word_reg;
    reg       to_host_reg;
    reg       expect_reg;
    reg       token_reg;
    // SETUP done is still to come into the Rx FIFO
    reg       open_reg;
    reg [COUNT_WIDTH-1:0] count_reg;

    wire add = packet_added || done_added;
    wire unused_ok = &{1'b0, word_data, 1'b0};

    assign reached = look && token_reg && !open_reg && (count_reg == {COUNT_WIDTH{1'b0}})
                     && !busy;

    always @(posedge clk) begin
        if (word) begin
            word_reg <= {1'b1, word_reg[1] || word_reg[0]};
            // bmRequestType bit 7 and wLength
            if (word_reg == 2'd0) begin
                to_host_reg <= word_data[7];
            end
            if (word_reg == 2'd2) begin
                to_host_reg <= to_host_reg && (word_data[31:16] != 16'd0);
            end
        end
        if (packet_start) begin
            word_reg <= 2'd0;
        end

        if (add != taken) begin
            count_reg <= add ? count_reg + 1'b1 : count_reg - 1'b1;
        end
        if (done_added) begin
            open_reg <= 1'b0;
        end
        if (in_token && expect_reg) begin
            token_reg <= 1'b1;
            expect_reg <= 1'b0;
        end
        if (reached) begin
            token_reg <= 1'b0;
        end
        if (setup) begin
            open_reg <= 1'b1;
            expect_reg <= !to_host_reg;
            token_reg <= 1'b0;
        end
        if (rst || dropped) begin
            count_reg <= {COUNT_WIDTH{1'b0}};
            open_reg <= 1'b0;
        end
        if (rst || dropped || bus_reset) begin
            expect_reg <= 1'b0;
            token_reg <= 1'b0;
        end
    end

endmodule

`resetall
