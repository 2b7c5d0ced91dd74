// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The OUT or SETUP packet on the wire, from its token to its end, and the status words that go
// into the Rx FIFO: that of the packet with its data, others alone in the clock after ACT.
module ep_receive (
    input  wire        clk,
    input  wire        rst,

    // operation in ACT, its endpoint, message from the USB side
    input  wire        act_token,
    input  wire        act_end,
    input  wire        act_scan,
    input  wire [3:0]  ep,
    input  wire [31:0] rx_data,
    input  wire [10:0] frame,
    // a transfer is a list of descriptors: its end is seen elsewhere
    input  wire        descriptors,

    // token: for us, decision on it (see ep_token), most words of an OUT packet
    input  wire        known,
    input  wire        lost,
    input  wire [3:0]  data_pid,
    input  wire [8:0]  limit,
    // the packet has to be empty: a status stage (DCFG.NZStsOUTHShk)
    input  wire        empty,
    // state of the endpoint
    input  wire        iso,
    input  wire [10:0] packet_size,
    input  wire [9:0]  packets,

    // the global NAK's status word is to be pushed; bus reset; Rx FIFO empties
    input  wire        push_nak,
    input  wire        bus_reset,
    input  wire        flush,

    // Rx FIFO; a word of the packet goes there
    input  wire        fifo_word,
    input  wire        fifo_open,
    input  wire        fifo_overflow,
    input  wire        fifo_full,
    output wire        fifo_commit,
    output wire        fifo_push,
    output wire [31:0] fifo_status,
    output wire [8:0]  fifo_limit,

    // endpoint of the last token; it was for us
    output wire [3:0]  token_ep,
    output wire        token_known,
    // end of a packet: it is whole; accepted SETUP, accepted OUT packet, the transfer's last;
    // isochronous packet lost for want of room
    output wire        good,
    output wire        setup,
    output wire        received,
    output wire        received_last,
    output wire        iso_lost,
    // whole, but with data where there may be none
    output wire        refused,
    // the last SETUP accepted asks for data to the host
    output wire        control_in,

    // status word pushed alone: kind and endpoint
    output wire [3:0]  push_kind,
    output wire [3:0]  push_ep
);

    localparam [3:0] PID_IN = 4'b1001;
    localparam [3:0] PID_SETUP = 4'b1101;

    localparam [3:0] STS_GLOBAL_NAK = 4'd1;
    localparam [3:0] STS_OUT = 4'd2;
    localparam [3:0] STS_OUT_DONE = 4'd3;
    localparam [3:0] STS_SETUP_DONE = 4'd4;
    localparam [3:0] STS_SETUP = 4'd6;

    reg         known_reg;
    reg         setup_reg;
    reg  [3:0]  ep_reg;
    reg  [3:0]  pid_reg;
    reg  [10:0] size_reg;
    reg         lost_reg;
    // the packet has to be empty; its first word is yet to come
    reg         empty_reg;
    reg         first_reg;
    // direction of the control transfer: of the SETUP on the wire, of the last one accepted
    reg         setup_in_reg;
    reg         control_in_reg;
    // EP0: SETUP not yet followed by a token
    reg         setup_open_reg;
    // status word to push in the clock after ACT
    reg         push_reg;
    reg  [3:0]  push_kind_reg;
    reg  [3:0]  push_ep_reg;

    wire is_setup = (rx_data[3:0] == PID_SETUP);
    wire setup_done = act_token && known && (ep == 4'd0) && setup_open_reg && !is_setup
                      && !fifo_full;

    wire whole = rx_data[16];
    wire [3:0] pid = rx_data[15:12];
    wire [10:0] length = rx_data[10:0];
    // isochronous: the PID tells what has come, not what is new
    wire new_data = (pid == pid_reg) || iso;

    assign refused = whole && empty_reg && (length != 11'd0);
    assign good = whole && !fifo_overflow && !refused
                  && (setup_reg ? (length == 11'd8) : (length <= size_reg));
    assign fifo_commit = act_end && fifo_open && good && new_data;
    assign setup = fifo_commit && setup_reg;
    assign received = fifo_commit && !setup_reg;
    assign received_last = !descriptors && ((length < packet_size) || (packets <= 10'd1));
    assign iso_lost = act_end && lost_reg && whole;

    assign fifo_push = push_reg;
    // a descriptor tells the whole frame number; software sees four bits of it
    wire [6:0] frame_high = descriptors ? frame[10:4] : 7'd0;
    assign fifo_status = push_reg ? {7'd0, frame[3:0], push_kind_reg, 13'd0, push_ep_reg}
                       : {frame_high, frame[3:0], setup_reg ? STS_SETUP : STS_OUT, pid[3:2],
                          length, ep_reg};
    assign fifo_limit = is_setup ? 9'd2 : limit;

    assign control_in = control_in_reg;
    assign token_ep = ep_reg;
    assign token_known = known_reg;
    assign push_kind = push_kind_reg;
    assign push_ep = push_ep_reg;

    wire unused_ok = &{1'b0, rx_data, 1'b0};

    always @(posedge clk) begin
        if (act_token && (rx_data[3:0] != PID_IN)) begin
            known_reg <= known;
            setup_reg <= is_setup;
            ep_reg <= ep;
            pid_reg <= data_pid;
            size_reg <= packet_size;
            lost_reg <= lost;
            empty_reg <= empty;
            first_reg <= 1'b1;
        end
        // bmRequestType bit 7: device to host
        if (fifo_word) begin
            first_reg <= 1'b0;
            if (first_reg) begin
                setup_in_reg <= rx_data[7];
            end
        end

        push_reg <= (received && received_last) || setup_done || push_nak;
        push_kind_reg <= act_end ? STS_OUT_DONE : act_token ? STS_SETUP_DONE : STS_GLOBAL_NAK;
        push_ep_reg <= act_scan ? 4'd0 : ep;

        if (setup_done) begin
            setup_open_reg <= 1'b0;
        end
        if (setup) begin
            setup_open_reg <= 1'b1;
            control_in_reg <= setup_in_reg;
        end
        if (bus_reset) begin
            control_in_reg <= 1'b0;
        end
        if (bus_reset || flush) begin
            setup_open_reg <= 1'b0;
        end

        if (rst) begin
            known_reg <= 1'b0;
            push_reg <= 1'b0;
            setup_open_reg <= 1'b0;
            control_in_reg <= 1'b0;
        end
    end

endmodule

`resetall
