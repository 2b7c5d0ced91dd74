// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The context that an operation works on: READ fetches it from the memories into registers, with
// what follows from it alone (size and length of the next packet), ACT writes back what has become
// of it. EP0 is always active, its packets are coded, and a SETUP reaches its IN side from here.
module ep_operand #(
    // bits of a context index
    parameter INDEX_WIDTH = 4
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        startup,
    input  wire        dma_enable,
    input  wire        descriptors,

    // operation (see ep_sequencer) and its endpoint; it looks at bytes to fetch
    input  wire        read,
    input  wire        fetches,
    input  wire        act_csr,
    input  wire        act_end,
    input  wire        act_head,
    input  wire        act_take,
    input  wire        out,
    input  wire [3:0]  ep,
    input  wire        exists,
    input  wire [INDEX_WIDTH-1:0] index,

    // during READ: DxEPCTL as it is stored, bytes of a packet
    output wire [21:0] control_now,
    output wire [10:0] packet_now,

    // then: flags (see ep_context); isochronous; type, NextEp; bytes of a packet
    output wire [5:0]  flags,
    output wire        enabled,
    output wire        iso,
    output wire [1:0]  transfer_type,
    output wire [3:0]  next_ep,
    output wire [10:0] packet_size,
    // XferSize; {MC or SUPCnt, PktCnt}, the packet is the last; DMA address
    output wire [18:0] size,
    output wire [11:0] count,
    output wire        last,
    output wire [31:0] address,
    // bytes that the host lacks, or may still send; of the next packet, there are more, it is a
    // full one and there are no more
    output wire [18:0] left,
    output wire [10:0] length,
    output wire        more,
    output wire        whole,
    // EP0: packet size code
    output wire [1:0]  ep0_size,

    // what becomes of the flags
    input  wire        flags_write,
    input  wire [5:0]  flags_data,
    // write of a register: DxEPCTL, DxEPTSIZ, DxEPDMA
    input  wire        control_write,
    input  wire [21:0] control_data,
    input  wire        size_write,
    input  wire [18:0] size_data,
    input  wire [11:0] count_data,
    input  wire        address_write,
    input  wire [31:0] write_data,
    // packet accepted: SETUP, other, either of them; its bytes, its isochronous PID
    input  wire        setup_accept,
    input  wire        received,
    input  wire        committed,
    input  wire [10:0] received_length,
    input  wire [1:0]  received_pid,
    // packet acknowledged; word pushed by software
    input  wire        acknowledged,
    input  wire        pushed,
    // DMA: packet moved, of so many bytes, and of so many with the rest of its last word; DMA has
    // gone through three SETUPs
    input  wire        moved_context,
    input  wire [10:0] job_bytes,
    input  wire [10:0] moved_bytes,
    input  wire        head_rewind,
    // descriptor loaded
    input  wire        moved_load,
    input  wire [18:0] loaded_bytes,
    input  wire [11:0] loaded_count,
    input  wire [31:0] loaded_buffer,
    // packet taken back from the shared Tx FIFO
    input  wire        take_gives,
    input  wire [31:0] give_back
);

    localparam [1:0] TYPE_ISO = 2'd1;

    wire [21:0] control;
    wire [18:0] size_now;
    wire [11:0] count_now;
    wire [31:0] address_now;
    wire [18:0] unacknowledged;
    wire [5:0]  flags_held;

    reg  [21:0] control_reg;
    reg  [10:0] packet_reg;
    reg  [18:0] size_reg;
    reg  [11:0] count_reg;
    reg  [31:0] address_reg;
    reg  [18:0] unacknowledged_reg;
    reg  [5:0]  flags_reg;
    reg  [10:0] length_reg;
    reg         more_reg;
    reg         whole_reg;
    reg  [1:0]  ep0_size_reg;
    // a SETUP came to the OUT side of EP0: until the IN side is written it has NAK and DATA1 and no
    // stall
    reg         setup_in_reg;

    wire is_ep0 = (ep == 4'd0);
    wire is_out0 = is_ep0 && out;

    // ---- READ ---------------------------------------------------------------------------------

    wire setup_in_now = setup_in_reg && is_ep0 && !out;
    wire [5:0] flags_now = {flags_held[5], flags_held[4] || setup_in_now, flags_held[3] || is_ep0,
                            flags_held[2] && !setup_in_now, flags_held[1] || setup_in_now,
                            flags_held[0]};

    // the next IN packet: to be sent (by what the host lacks) or to be fetched
    wire [18:0] bytes_now = fetches ? size_now : unacknowledged;
    wire more_now = (bytes_now > {8'd0, packet_now});
    wire [10:0] length_now = more_now ? packet_now : bytes_now[10:0];

    assign control_now = control;
    assign packet_now = !is_ep0 ? control[10:0]
                      : 11'd64 >> (is_out0 ? ep0_size_reg : control[1:0]);

    always @(posedge clk) begin
        if (read) begin
            control_reg <= control;
            packet_reg <= packet_now;
            size_reg <= size_now;
            count_reg <= count_now;
            address_reg <= address_now;
            unacknowledged_reg <= unacknowledged;
            flags_reg <= flags_now;
            length_reg <= length_now;
            more_reg <= more_now;
            whole_reg <= (bytes_now == {8'd0, packet_now});
        end
    end

    assign flags = flags_reg;
    assign enabled = flags_reg[0] && exists;
    assign transfer_type = control_reg[16:15];
    assign iso = (control_reg[16:15] == TYPE_ISO);
    assign next_ep = control_reg[14:11];
    assign packet_size = packet_reg;
    assign size = size_reg;
    assign count = count_reg;
    assign last = (count_reg[9:0] <= 10'd1);
    assign address = address_reg;
    assign left = unacknowledged_reg;
    assign length = length_reg;
    assign more = more_reg;
    assign whole = whole_reg;
    assign ep0_size = ep0_size_reg;

    wire unused_ok = &{1'b0, control_reg, loaded_buffer[1:0], 1'b0};

    // ---- ACT ----------------------------------------------------------------------------------

    wire [18:0] take_bytes = received ? {8'd0, received_length}
                           : pushed ? 19'd4 : {8'd0, job_bytes};
    wire [18:0] size_less = (size_reg > take_bytes) ? size_reg - take_bytes : 19'd0;
    wire [9:0] packets_less = count_reg[9:0] - {9'd0, count_reg[9:0] != 10'd0};
    wire [1:0] setups_less = count_reg[11:10] - {1'b0, count_reg[11:10] != 2'd0};

    // While it is enabled, an isochronous IN endpoint keeps what it has to send: software that
    // repeats a transfer for another frame finds its data still in the FIFO.
    wire keep = iso && !out && flags_reg[0];
    wire write_size = size_write && !keep && !descriptors;
    wire write_address = address_write && !keep && !descriptors;

    ep_context #(.INDEX_WIDTH(INDEX_WIDTH)) ep_context (
        .clk(clk), .index(index),
        .flags(flags_held), .flags_write(startup || flags_write),
        .flags_data(startup ? 6'd0 : flags_data),
        .control(control), .control_write(startup || control_write),
        .control_data(startup ? 22'd0 : control_data),
        .size(size_now),
        .size_write(startup || write_size || (received && !dma_enable) || moved_context
                    || moved_load || (pushed && exists) || take_gives),
        .size_data(startup ? 19'd0 : moved_load ? loaded_bytes
                   : write_size ? size_data : take_gives ? unacknowledged_reg : size_less),
        .count(count_now),
        .count_write(startup || write_size || committed || acknowledged || moved_load),
        .count_data(startup ? 12'd0 : moved_load ? loaded_count : write_size ? count_data
                    : setup_accept ? {setups_less, count_reg[9:0]}
                    : {(act_end && iso) ? received_pid : count_reg[11:10], packets_less}),
        .address(address_now),
        .address_write(startup || write_address || moved_context || moved_load
                       || head_rewind || take_gives),
        .address_data(startup ? 32'd0 : act_csr ? write_data
                      : moved_load ? {loaded_buffer[31:2], 2'b00}
                      : address_reg + (act_head ? -32'd24 : act_take ? give_back
                                       : {21'd0, moved_bytes})),
        .unacknowledged(unacknowledged),
        .unacknowledged_write(startup || write_size || acknowledged || moved_load
                              || (received && descriptors)),
        .unacknowledged_data(startup ? 19'd0 : moved_load ? loaded_bytes
                             : write_size ? size_data
                             : unacknowledged_reg - {8'd0, received ? received_length
                                                                    : length_reg})
    );

    always @(posedge clk) begin
        if (control_write && is_ep0 && !out) begin
            ep0_size_reg <= write_data[1:0];
        end
        if (setup_accept) begin
            setup_in_reg <= 1'b1;
        end else if (flags_write && is_ep0 && !out) begin
            setup_in_reg <= 1'b0;
        end
        if (rst) begin
            ep0_size_reg <= 2'd0;
            setup_in_reg <= 1'b0;
        end
    end

endmodule

`resetall
