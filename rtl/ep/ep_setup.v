// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// SETUPs of EP0: those that lie in memory, and those that software has not seen. While there are
// such, what it writes belongs to the transfer before, and a CNAK of EP0 must not let an old answer
// into the new one.
module ep_setup #(
    // bits of a count of packets in the Rx FIFO
    parameter COUNT_WIDTH = 12
) (
    input  wire        clk,
    input  wire        rst,

    // SETUP accepted; the oldest one shown to software; all are dropped
    input  wire        accepted,
    input  wire        seen,
    input  wire        dropped,
    output wire        unseen,

    // DMA: SETUP in memory, address gone back for it, address written (or its descriptor given up:
    // SETUPs that follow wait for software), SETUP stage done
    input  wire        stored,
    input  wire        rewound,
    input  wire        address_write,
    input  wire        descriptors,
    input  wire        stage_done,
    // some of this stage are in memory; three since the address was set
    output wire        more,
    output wire        full,

    // for the status phase, see there
    input  wire        packet_start,
    input  wire        word,
    input  wire [31:0] word_data,
    input  wire        in_token,
    input  wire        packet_added,
    input  wire        done_added,
    input  wire        taken,
    input  wire        bus_reset,
    input  wire        look,
    input  wire        busy,
    output wire        status_phase
);

    reg [COUNT_WIDTH-1:0] count_reg;
    reg [1:0]  stored_reg;
    reg        more_reg;

    ep_status_phase #(.COUNT_WIDTH(COUNT_WIDTH)) ep_status_phase (
        .clk(clk), .rst(rst), .packet_start(packet_start), .word(word), .word_data(word_data),
        .setup(accepted), .in_token(in_token), .packet_added(packet_added),
        .done_added(done_added), .taken(taken), .dropped(dropped), .bus_reset(bus_reset),
        .look(look), .busy(busy), .reached(status_phase)
    );

    assign unseen = (count_reg != {COUNT_WIDTH{1'b0}});

    assign more = more_reg;
    assign full = (stored_reg == 2'd3);

    always @(posedge clk) begin
        if (stored) begin
            stored_reg <= stored_reg + 1'b1;
            more_reg <= 1'b1;
        end
        // a new DOEPDMA0 starts anew: nothing goes below the buffer that software names
        if (rewound || address_write) begin
            stored_reg <= 2'd0;
            more_reg <= more_reg && !descriptors;
        end
        if (rst || stage_done || bus_reset || dropped) begin
            stored_reg <= 2'd0;
            more_reg <= 1'b0;
        end

        if (accepted) begin
            count_reg <= count_reg + 1'b1;
        end else if (seen && unseen) begin
            count_reg <= count_reg - 1'b1;
        end
        if (rst || dropped) begin
            count_reg <= {COUNT_WIDTH{1'b0}};
        end
    end

endmodule

`resetall
