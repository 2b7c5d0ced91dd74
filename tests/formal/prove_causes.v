// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The causes of the endpoints: for any endpoint, a cause that is set in the clock in which software
// clears it stays, nothing else clears or sets it, and DAINT and DEACHINT are what their masks let
// through.
module prove_causes #(
    parameter INS = 3,
    parameter OUTS = 3
) (
    input wire           clk,
    input wire           rst,
    input wire [4:0]     slot,
    input wire           flags_write,
    input wire [5:0]     flags_data,
    input wire [15:0]    causes_set,
    input wire [15:0]    causes_clear,
    input wire           setup,
    input wire           bus_reset,
    input wire [INS-1:0] tx_empty,
    input wire [15:0]    in_mask,
    input wire [15:0]    out_mask,
    input wire [15:0]    empty_mask,
    input wire           each_write,
    input wire [15:0]    each_data
);

    localparam N = INS + OUTS;

    wire        is_out0 = slot == INS;
    wire        is_in = slot < INS;
    wire [5:0]  flags;
    wire [15:0] causes;
    wire [31:0] daint;
    wire [31:0] deachint;

    ep_flags #(.INS(INS), .OUTS(OUTS)) ep (
        .clk(clk), .rst(rst), .slot(slot), .is_out0(is_out0), .is_in(is_in), .flags(flags),
        .flags_write(flags_write), .flags_data(flags_data), .causes(causes),
        .causes_set(causes_set), .causes_clear(causes_clear), .setup(setup),
        .bus_reset(bus_reset), .tx_empty(tx_empty), .in_mask(in_mask), .out_mask(out_mask),
        .empty_mask(empty_mask), .daint(daint), .each_write(each_write),
        .each_data(each_data), .deachint(deachint)
    );

    (* hierconn *) wire [N-1:0] \ep.complete_reg ;
    (* hierconn *) wire [N-1:0] \ep.disabled_reg ;
    (* hierconn *) wire [N-1:0] \ep.error_reg ;
    (* hierconn *) wire [N-1:0] \ep.token_reg ;
    (* hierconn *) wire [INS-1:0] \ep.nak_effective_reg ;
    (* hierconn *) wire [INS-1:0] \ep.nak_sent_reg ;
    (* hierconn *) wire \ep.setup_reg ;
    (* hierconn *) wire \ep.setup_packet_reg ;

    (* hierconn *) wire [N-1:0] \ep.each_complete_reg ;
    (* hierconn *) wire [N-1:0] \ep.each_disabled_reg ;
    (* hierconn *) wire [N-1:0] \ep.each_error_reg ;
    (* hierconn *) wire [N-1:0] \ep.each_token_reg ;
    (* hierconn *) wire [INS-1:0] \ep.each_nak_reg ;
    (* hierconn *) wire [INS-1:0] \ep.each_empty_reg ;
    (* hierconn *) wire [INS-1:0] \ep.each_sent_reg ;
    (* hierconn *) wire \ep.each_setup_reg ;
    (* hierconn *) wire \ep.each_packet_reg ;

    // any endpoint, any cause
    (* anyconst *) reg [4:0] mine;
    (* anyconst *) reg [3:0] bit_number;

    wire in = mine < INS;
    wire out0 = mine == INS;
    // its causes and its bits of the masks, with the number of DIEPINT and DOEPINT
    wire [15:0] held = {out0 && \ep.setup_packet_reg , 1'b0,
                        in && \ep.nak_sent_reg [mine], 6'd0,
                        in && \ep.nak_effective_reg [mine], 1'b0, \ep.token_reg [mine],
                        out0 && \ep.setup_reg , \ep.error_reg [mine], \ep.disabled_reg [mine],
                        \ep.complete_reg [mine]};
    wire [15:0] held_mask = {out0 && \ep.each_packet_reg , 1'b0, in && \ep.each_sent_reg [mine],
                             5'd0, in && \ep.each_empty_reg [mine],
                             in && \ep.each_nak_reg [mine], 1'b0, \ep.each_token_reg [mine],
                             out0 && \ep.each_setup_reg , \ep.each_error_reg [mine],
                             \ep.each_disabled_reg [mine], \ep.each_complete_reg [mine]};
    wire [15:0] kinds = in ? 16'h2057 : out0 ? 16'h801F : 16'h0017;
    wire [4:0]  place = in ? mine : mine - INS + 5'd16;

    reg         started = 1'b0;
    reg         expected;
    reg [15:0]  each_mask;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        assume (slot < N);
        assume (mine < N);
        assume (kinds[bit_number]);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        expected <= !rst && ((slot == mine && causes_set[bit_number])
                             || (held[bit_number]
                                 && !(slot == mine && causes_clear[bit_number])));
        if (each_write && slot == mine) each_mask <= each_data & (kinds | (in ? 16'h0080 : 16'd0));
        if (rst) each_mask <= 16'd0;
        if (started) begin
            assert (held[bit_number] == expected);
            if (slot == mine) assert (causes[bit_number] == held[bit_number]);
            assert (daint[place] == (|(held & (in ? in_mask : out_mask))
                                     || (in && tx_empty[mine] && empty_mask[mine])));
            assert (held_mask == each_mask);
            assert (deachint[place] == (|(held & each_mask)
                                        || (in && tx_empty[mine] && each_mask[7])));
            assert (((daint | deachint)
                     & ~(((32'd1 << INS) - 1) | (((32'd1 << OUTS) - 1) << 16))) == 32'd0);
        end
    end
`endif

endmodule

`resetall
