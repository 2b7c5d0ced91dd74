// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Interrupt causes of the endpoints (DIEPINT and DOEPINT) and what the masks let through to DAINT
// and DEACHINT. Causes and the masks DIEPEACHMSKn and DOEPEACHMSKn live in small memories, for they
// change in operations on their endpoint only. For all endpoints at once there is one bit for DAINT
// and one for DEACHINT, made anew in the clock after each operation on the endpoint. When DIEPMSK
// or DOEPMSK changes, all endpoints are walked through before the next register access.
//
// A cause more costs a line in `KINDS` and its bit in `causes_set`.
module ep_causes #(
    // IN and OUT endpoints with EP0
    parameter INS = 8,
    parameter OUTS = 8,
    // bits of a context index
    parameter INDEX_WIDTH = 4,
    // see udc
    parameter [31:0] EP_DIRECTIONS = 32'd0,
    // causes that are built, bit numbers of DIEPINT and DOEPINT (TxFEmp, bit 7, is none of them)
    parameter [15:0] KINDS = 16'hA05F
) (
    input  wire        clk,
    input  wire        rst,

    // context in work (during `startup`: to be emptied), its registered causes
    input  wire        startup,
    input  wire [INDEX_WIDTH-1:0] slot,
    input  wire        read,
    output wire [15:0] causes,

    // ACT of an operation: it is an IN endpoint, what it sets and clears (a set wins), new mask
    input  wire        act,
    input  wire        is_in,
    input  wire [15:0] causes_set,
    input  wire [15:0] causes_clear,
    input  wire        each_write,
    input  wire [15:0] each_data,
    // the clock after: level TxFEmp of this endpoint, as its FIFO has it
    input  wire        tx_low,

    input  wire [15:0] in_mask,
    input  wire [15:0] out_mask,
    input  wire [15:0] empty_mask,
    // causes from elsewhere that are masked already, as DAINT
    input  wire [31:0] others,
    output wire [31:0] daint,
    output wire [31:0] deachint
);

    localparam N = INS + OUTS;

    // contexts that are not left out by EP_DIRECTIONS
    function [N-1:0] there;
        input [31:0] directions;
        integer n;
        begin
            for (n = 0; n < N; n = n + 1) begin
                there[n] = (n < INS) ? !directions[(2*n+1)%32] : !directions[(2*(n-INS+32))%32];
            end
        end
    endfunction

    localparam [N-1:0] THERE = there(EP_DIRECTIONS);

    // ---- causes -------------------------------------------------------------------------------

    // bits 15, 13, 9, 6:0; those that are not built cost nothing
    localparam [9:0] BUILT = {KINDS[15], KINDS[13], KINDS[9], KINDS[6:0]};

    reg  [9:0] held_reg;
    wire [9:0] held;
    wire [9:0] set = {causes_set[15], causes_set[13], causes_set[9], causes_set[6:0]};
    wire [9:0] clear = {causes_clear[15], causes_clear[13], causes_clear[9], causes_clear[6:0]};
    wire [9:0] next = ((held_reg & ~clear) | set) & BUILT;

    assign causes = {held_reg[9], 1'b0, held_reg[8], 3'd0, held_reg[7], 2'd0, held_reg[6:0]};

    lut_ram #(.WIDTH(10), .INDEX_WIDTH(INDEX_WIDTH)) cause_ram (
        .clk(clk), .we(startup || act), .write_index(slot),
        .write_data(startup ? 10'd0 : next), .read_index(slot), .read_data(held)
    );

    always @(posedge clk) begin
        if (read) begin
            held_reg <= held & BUILT;
        end
    end

    // ---- the clock after ACT ------------------------------------------------------------------

    reg                    update_reg;
    reg                    in_reg;
    reg  [INDEX_WIDTH-1:0] slot_reg;
    reg  [9:0]             next_reg;
    wire [10:0]            each;

    lut_ram #(.WIDTH(11), .INDEX_WIDTH(INDEX_WIDTH)) mask_ram (
        .clk(clk), .we(startup || (act && each_write)), .write_index(slot),
        .write_data(startup ? 11'd0 : {each_data[15], each_data[13], each_data[9],
                                       each_data[7:0]}),
        .read_index(slot_reg), .read_data(each)
    );

    wire [15:0] mask = in_reg ? in_mask : out_mask;
    wire due = |(next_reg & {mask[15], mask[13], mask[9], mask[6:0]});
    wire due_each = |(next_reg & {each[10:8], each[6:0]}) || (in_reg && tx_low && each[7]);

    reg  [N-1:0]   due_reg;
    reg  [N-1:0]   each_reg;
    reg  [INS-1:0] low_reg;

    integer n;

    always @(posedge clk) begin
        update_reg <= act;
        in_reg <= is_in;
        slot_reg <= slot;
        next_reg <= next;
        for (n = 0; n < N; n = n + 1) begin
            if (update_reg && THERE[n] && (slot_reg == n[INDEX_WIDTH-1:0])) begin
                due_reg[n] <= due;
                each_reg[n] <= due_each;
            end
        end
        for (n = 0; n < INS; n = n + 1) begin
            if (update_reg && THERE[n] && (slot_reg == n[INDEX_WIDTH-1:0])) begin
                low_reg[n] <= tx_low;
            end
        end
        if (rst) begin
            update_reg <= 1'b0;
            due_reg <= {N{1'b0}};
            each_reg <= {N{1'b0}};
            low_reg <= THERE[INS-1:0];
        end
    end

    wire [31:0] in_wide = {{(32-INS){1'b0}},
                           due_reg[INS-1:0] | (low_reg & empty_mask[INS-1:0])};
    wire [31:0] out_wide = {{(32-OUTS){1'b0}}, due_reg[N-1:INS]};
    wire [31:0] each_in_wide = {{(32-INS){1'b0}}, each_reg[INS-1:0]};
    wire [31:0] each_out_wide = {{(32-OUTS){1'b0}}, each_reg[N-1:INS]};

    assign daint = {out_wide[15:0], in_wide[15:0]} | others;
    assign deachint = {each_out_wide[15:0], each_in_wide[15:0]};

    wire unused_ok = &{1'b0, causes_set, causes_clear, each_data, mask, empty_mask, in_wide,
                       out_wide, each_in_wide, each_out_wide, 1'b0};

endmodule

`resetall
