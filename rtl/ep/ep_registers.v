// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Endpoint registers: what a write stores, for the selected endpoint; and what any read shows.
// Combinational.
module ep_registers (
    // endpoint registers: offset within the endpoint, direction, endpoint 0
    input  wire [4:2]  offset,
    input  wire        is_out,
    input  wire        is_ep0,
    input  wire [31:0] write_data,
    // its bits that are plain storage in this register
    input  wire [31:0] masked_data,

    // state of the endpoint
    input  wire [5:0]  flags,
    input  wire [15:0] causes,
    input  wire        tx_empty,
    input  wire [1:0]  ep0_size,
    input  wire [18:0] size,
    input  wire [11:0] count,
    input  wire [31:0] address,
    // DxEPDMAB is there, and `address` is what it shows
    input  wire        has_buffer,
    // EP0: CNAK has no effect
    input  wire        hold_nak,
    input  wire [15:0] fifo_free,
    // queue of FIFO 0: places left, endpoint at its head
    input  wire [3:0]  np_places,
    input  wire [3:0]  np_head,

    // what a read shows: an endpoint register (by its offset), the head of the Rx FIFO, GNPTXSTS,
    // or what is elsewhere (plain storage of endpoint registers too)
    input  wire        show_endpoint,
    input  wire        show_head,
    input  wire        show_space,
    input  wire [31:0] head,
    input  wire [31:0] global_data,
    output wire [31:0] read_data,

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
    localparam [2:0] DMAB = 3'd7;

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
    wire clear_nak = write_data[26] && !hold_nak;

    assign control_write = (offset == CTL);
    assign causes_write = (offset == INT);
    assign size_write = (offset == TSIZ);
    assign address_write = (offset == DMA);

    // {TxFNum, Snp, EPType, NextEp, MPS}
    assign control_data = {masked_data[25:22], masked_data[20:18], masked_data[14:11],
                           masked_data[10:0]};

    wire enable_next = enabled || set_enable;
    assign flags_data = {disabling || (set_disable && enable_next && !(is_out && is_ep0)),
                         is_ep0 ? toggle : (toggle && !set_even) || set_odd,
                         is_ep0 || write_data[15],
                         write_data[21] || (is_ep0 && stall),
                         (nak && !clear_nak) || set_nak,
                         enable_next};
    assign nak_effective_set = set_nak;
    assign nak_effective_clear = clear_nak;

    assign size_data = masked_data[18:0];
    assign count_data = masked_data[30:19];

    wire unused_ok = &{1'b0, write_data, masked_data, causes[7], 1'b0};

    // ---- read ---------------------------------------------------------------------------------

    wire [31:0] flags_shown = {enabled, disabling, 8'd0, stall, 3'd0, nak, toggle && !is_ep0,
                               active, 13'd0, (is_ep0 && is_out) ? ep0_size : 2'd0};
    wire [31:0] causes_shown = {16'd0, causes[15:8], tx_empty && !is_out, causes[6:0]};
    wire show_level = show_space || (show_endpoint && (offset == TXFSTS) && !is_out);

    wire [31:0] rest = global_data
        | ({32{show_endpoint && (offset == CTL)}} & flags_shown)
        | ({32{show_endpoint && (offset == INT)}} & causes_shown)
        | ({32{show_level}} & {1'b0, np_head & {4{show_space}}, 7'd0,
                                np_places & {4{show_space}}, fifo_free});

    // a choice of four by two bits, for that is two LUTs
    wire [1:0] select = {show_head || (show_endpoint && ((offset == DMA)
                                                         || (has_buffer && (offset == DMAB)))),
                         show_head || (show_endpoint && (offset == TSIZ))};
    wire [31:0] upper = select[0] ? head : address;
    wire [31:0] lower = select[0] ? {1'b0, count, size} : rest;

    assign read_data = select[1] ? upper : lower;

endmodule

`resetall
