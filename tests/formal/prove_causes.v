// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The causes of the endpoints: for any endpoint, a cause that is set in the clock in which software
// clears it stays, nothing else clears or sets it, and DAINT and DEACHINT are what their masks let
// through.
//
// What is assumed is what the sequencer promises: an operation acts in the clock after its READ, on
// the same context; the memories are emptied after a reset, and only then; a change of DIEPMSK or
// DOEPMSK shows when an operation on the endpoint has come by since.
module prove_causes (
    input wire        clk,
    input wire        rst,
    input wire        startup,
    input wire [1:0]  slot,
    input wire        read,
    input wire        act,
    input wire [15:0] causes_set,
    input wire [15:0] causes_clear,
    input wire        each_write,
    input wire [15:0] each_data,
    input wire        tx_low,
    input wire [15:0] in_mask,
    input wire [15:0] out_mask,
    input wire [15:0] empty_mask,
    input wire [31:0] others
);

    // two IN and two OUT endpoints, all causes built
    localparam INS = 2;
    localparam [15:0] KINDS = 16'hA27F;

    wire        is_in = !slot[1];
    wire [15:0] causes;
    wire [31:0] daint;
    wire [31:0] deachint;

    ep_causes #(.INS(INS), .OUTS(2), .INDEX_WIDTH(2), .KINDS(KINDS)) ep (
        .clk(clk), .rst(rst), .startup(startup), .slot(slot), .read(read), .causes(causes),
        .act(act), .is_in(is_in), .causes_set(causes_set), .causes_clear(causes_clear),
        .each_write(each_write), .each_data(each_data), .tx_low(tx_low), .in_mask(in_mask),
        .out_mask(out_mask), .empty_mask(empty_mask), .others(others), .daint(daint),
        .deachint(deachint)
    );

    (* hierconn *) wire [9:0] \ep.cause_ram.memory[0] ;
    (* hierconn *) wire [9:0] \ep.cause_ram.memory[1] ;
    (* hierconn *) wire [9:0] \ep.cause_ram.memory[2] ;
    (* hierconn *) wire [9:0] \ep.cause_ram.memory[3] ;
    (* hierconn *) wire [10:0] \ep.mask_ram.memory[0] ;
    (* hierconn *) wire [10:0] \ep.mask_ram.memory[1] ;
    (* hierconn *) wire [10:0] \ep.mask_ram.memory[2] ;
    (* hierconn *) wire [10:0] \ep.mask_ram.memory[3] ;
    (* hierconn *) wire [9:0] \ep.held_reg ;
    (* hierconn *) wire [9:0] \ep.next_reg ;
    (* hierconn *) wire \ep.update_reg ;
    (* hierconn *) wire \ep.in_reg ;
    (* hierconn *) wire [1:0] \ep.slot_reg ;
    (* hierconn *) wire [3:0] \ep.due_reg ;
    (* hierconn *) wire [3:0] \ep.each_reg ;
    (* hierconn *) wire [1:0] \ep.low_reg ;

    // any endpoint
    (* anyconst *) reg [1:0] mine;

    wire        in = !mine[1];
    wire [4:0]  place = {mine[1], 3'd0, mine[0]};
    wire [9:0]  my_ram = mine == 0 ? \ep.cause_ram.memory[0] : mine == 1 ? \ep.cause_ram.memory[1]
                         : mine == 2 ? \ep.cause_ram.memory[2] : \ep.cause_ram.memory[3] ;
    wire [10:0] my_masks = mine == 0 ? \ep.mask_ram.memory[0] : mine == 1 ? \ep.mask_ram.memory[1]
                           : mine == 2 ? \ep.mask_ram.memory[2] : \ep.mask_ram.memory[3] ;
    wire [15:0] held = {my_ram[9], 1'b0, my_ram[8], 3'd0, my_ram[7], 2'd0, my_ram[6:0]};
    wire [15:0] held_mask = {my_masks[10], 1'b0, my_masks[9], 3'd0, my_masks[8], 1'b0,
                             my_masks[7:0]};

    // what software should see
    reg  [15:0] expected;
    reg  [15:0] each_mask;
    reg         low;
    // masks at the last update of this endpoint, if there was one
    reg  [15:0] mask_then;
    reg         shown;

    wire [15:0] mask_now = in ? in_mask : out_mask;
    wire        pending = \ep.update_reg && \ep.slot_reg == mine;

    reg         started = 1'b0;
    reg         running = 1'b0;
    reg  [3:0]  known = 4'd0;
    reg         fresh = 1'b0;
    reg  [1:0]  fresh_slot;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (rst || startup) assume (!read && !act);
        assume (!(startup && running));
        if (read) assume (!act && known[slot]);
        if (act) assume (fresh && slot == fresh_slot);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        fresh <= read && !rst;
        fresh_slot <= slot;
        running <= (running || read) && !rst;
        if (startup) known[slot] <= 1'b1;
        if (startup && slot == mine) begin
            expected <= 16'd0;
            each_mask <= 16'd0;
        end
        if (act && slot == mine) begin
            expected <= ((expected & ~causes_clear) | causes_set) & KINDS;
            if (each_write) each_mask <= each_data & (KINDS | 16'h0080);
        end
        if (pending) begin
            mask_then <= mask_now;
            low <= tx_low;
            shown <= 1'b1;
        end
        if (rst) begin
            known <= 4'd0;
            shown <= 1'b0;
            low <= 1'b1;
        end

        if (started && known[mine]) begin
            assert (held == expected);
            assert (held_mask == each_mask);
            assert (expected == (expected & KINDS));
            if (fresh && fresh_slot == mine) begin
                assert (causes == expected);
                assert (\ep.held_reg == my_ram);
            end
            if (pending) assert (\ep.next_reg == my_ram && \ep.in_reg == in);
        end
        if (started) begin
            assert ((known[mine] && running) || !shown);
            assert (!fresh || known[fresh_slot]);
            assert (!\ep.update_reg || (running && known[\ep.slot_reg ]));
            assert (!fresh || running);
            if (in) assert (\ep.low_reg [mine[0]] == low);
            if (shown && !pending) begin
                assert (\ep.due_reg [mine] == |(expected & mask_then & ~16'h0080));
                assert (\ep.each_reg [mine] == (|(expected & each_mask & ~16'h0080)
                                               || (in && low && each_mask[7])));
                if (mask_then == mask_now)
                    assert (daint[place] == (others[place]
                                             || |(expected & mask_now & ~16'h0080)
                                             || (in && low && empty_mask[mine[0]])));
                assert (deachint[place] == (|(expected & each_mask & ~16'h0080)
                                            || (in && low && each_mask[7])));
            end
            assert ((daint & ~32'h0003_0003) == (others & ~32'h0003_0003));
            assert ((deachint & ~32'h0003_0003) == 32'd0);
            if (!shown) assert (!\ep.due_reg [mine] && !\ep.each_reg [mine]);
        end
    end
`endif

endmodule

`resetall
