// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Endpoint registers: what a write stores, for the selected endpoint; and what any read shows, by
// one eight-way choice. Combinational.
module ep_registers (
    // endpoint registers: offset within the endpoint, direction, endpoint 0
    input  wire [4:2]  offset,
    input  wire        is_out,
    input  wire        is_ep0,
    input  wire [31:0] write_data,

    // state of the endpoint
    input  wire [5:0]  flags,
    input  wire [15:0] causes,
    input  wire        tx_empty,
    input  wire [21:0] control,
    input  wire [1:0]  ep0_size,
    input  wire [18:0] size,
    input  wire [11:0] count,
    input  wire [31:0] address,
    input  wire [15:0] fifo_free,
    // queue of FIFO 0: places left, endpoint at its head
    input  wire [3:0]  np_places,
    input  wire [3:0]  np_head,

    // what a read shows: an endpoint register (by its offset) or one of these
    input  wire        show_endpoint,
    input  wire        show_head,
    input  wire        show_size,
    input  wire        show_space,
    input  wire [31:0] head,
    input  wire [31:0] fifo_size,
    input  wire [31:0] global_data,
    output reg  [31:0] read_data,

    // write strobes of the selected register, and data
    output wire        control_write,
    output wire        causes_write,
    output wire        size_write,
    output wire        address_write,
    output wire [21:0] control_data,
    output wire [5:0]  flags_data,
    output wire        nak_effective_set,
    output wire        nak_effective_clear,
    output wire [18:0] size_data,
    output wire [11:0] count_data
);

    localparam [2:0] CTL = 3'd0;
    localparam [2:0] INT = 3'd2;
    localparam [2:0] TSIZ = 3'd4;
    localparam [2:0] DMA = 3'd5;
    localparam [2:0] TXFSTS = 3'd6;

    wire enabled = flags[0];
    wire nak = flags[1];
    wire stall = flags[2];
    wire active = flags[3];
    wire toggle = flags[4];
    wire disabling = flags[5];

    wire set_enable = write_data[31];
    wire set_disable = write_data[30];
    wire set_odd = write_data[29];
    wire set_even = write_data[28];
    wire set_nak = write_data[27];
    wire clear_nak = write_data[26];

    assign control_write = (offset == CTL);
    assign causes_write = (offset == INT);
    assign size_write = (offset == TSIZ);
    assign address_write = (offset == DMA);

    // {TxFNum, Snp, EPType, NextEp, MPS}; EP0 has a coded packet size and a fixed type
    assign control_data = {is_out ? 4'd0 : write_data[25:22], is_out && write_data[20],
                           is_ep0 ? 2'd0 : write_data[19:18], is_out ? 4'd0 : write_data[14:11],
                           is_ep0 ? {9'd0, write_data[1:0]} : write_data[10:0]};

    wire enable_next = enabled || set_enable;
    assign flags_data = {disabling || (set_disable && enable_next && !(is_out && is_ep0)),
                         is_ep0 ? toggle : (toggle && !set_even) || set_odd,
                         is_ep0 || write_data[15],
                         write_data[21] || (is_ep0 && stall),
                         (nak && !clear_nak) || set_nak,
                         enable_next};
    assign nak_effective_set = set_nak;
    assign nak_effective_clear = clear_nak;

    assign size_data = is_ep0 ? {12'd0, write_data[6:0]} : write_data[18:0];
    assign count_data = {(is_ep0 != is_out) ? 2'd0 : write_data[30:29],
                         is_ep0 ? {8'd0, write_data[20] && !is_out, write_data[19]}
                                : write_data[28:19]};

    wire unused_ok = &{1'b0, write_data, causes[7], 1'b0};

    // offsets where no endpoint register is stand for the other sources
    localparam [2:0] HEAD = 3'd1;
    localparam [2:0] SIZE = 3'd3;
    localparam [2:0] GLOBAL = 3'd7;

    wire there = (offset == CTL) || (offset == INT) || (offset == TSIZ) || (offset == DMA)
                 || ((offset == TXFSTS) && !is_out);
    wire [2:0] select = show_head ? HEAD : show_size ? SIZE : show_space ? TXFSTS
                      : (show_endpoint && there) ? offset : GLOBAL;

    always @* begin
        case (select)
            CTL: begin
                read_data = {enabled, disabling, 4'd0, control[21:18], stall, control[17],
                             control[16:15], nak, toggle && !is_ep0, active, control[14:11],
                             (is_ep0 && is_out) ? {9'd0, ep0_size} : control[10:0]};
            end
            INT: read_data = {16'd0, causes[15:8], tx_empty && !is_out, causes[6:0]};
            TSIZ: read_data = {1'b0, count, size};
            DMA: read_data = address;
            TXFSTS: read_data = {1'b0, np_head & {4{show_space}}, 7'd0,
                                 np_places & {4{show_space}}, fifo_free};
            HEAD: read_data = head;
            SIZE: read_data = fifo_size;
            // reads zero where there is no register
            default: read_data = global_data;
        endcase
    end

endmodule

`resetall
