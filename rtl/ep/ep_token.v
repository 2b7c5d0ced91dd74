// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The answer to a token, from the state of its endpoint. Combinational.
module ep_token (
    // PID nibble of the token
    input  wire [3:0]  pid,
    // the address is ours and the endpoint exists
    input  wire        known,
    input  wire        is_ep0,
    input  wire        high_speed,

    // {disable pending, data PID, active, stall, NAK, enabled}
    input  wire [5:0]  flags,
    input  wire [1:0]  transfer_type,
    input  wire        packets_left,
    input  wire        global_in_nak,
    input  wire        global_out_nak,
    // OUT data of EP0 are a status stage that may not have any
    input  wire        no_data,
    // test mode SE0_NAK
    input  wire        test_nak,

    // IN: length of the next packet, whether all its words are in the FIFO
    input  wire [10:0] next_length,
    input  wire [10:0] packet_size,
    input  wire        packet_ready,
    // the head of its FIFO is another endpoint's
    input  wire        other_ready,

    // OUT: last packet of the transfer; the Rx FIFO has room for one packet, for
    // two, for a SETUP
    input  wire        last_packet,
    input  wire        room_one,
    input  wire        room_two,
    input  wire        room_setup,

    // isochronous: this is a frame to send or receive in; bits 3:2 of the PID to send
    input  wire        turn,
    input  wire [1:0]  turn_pid,

    output reg  [2:0]  kind,
    output reg  [3:0]  data_pid,
    // IN: bytes to send
    output wire [10:0] length,
    // a packet of the endpoint will be sent (and not just nothing, as isochronous ones do)
    output reg         send,
    // the packet that follows will be written to the Rx FIFO
    output reg         receive,
    // causes INTknTXFEmp or OUTTknEPdis
    output reg         token_cause,
    // causes INTknEPMis instead
    output reg         mismatch,
    // isochronous: causes NAKIntrpt; the packet that follows is lost for want of room
    output reg         nothing,
    output reg         lost
);

    localparam [2:0] SILENT = 3'd0;
    localparam [2:0] ACK = 3'd1;
    localparam [2:0] NAK = 3'd2;
    localparam [2:0] STALL = 3'd3;
    localparam [2:0] NYET = 3'd4;
    localparam [2:0] DATA = 3'd5;
    // ACK without data, STALL with
    localparam [2:0] STATUS = 3'd7;
    localparam [2:0] ISO = 3'd6;

    localparam [3:0] PID_OUT = 4'b0001;
    localparam [3:0] PID_IN = 4'b1001;
    localparam [3:0] PID_SETUP = 4'b1101;

    wire enabled = flags[0];
    wire nak = flags[1];
    wire stall = flags[2];
    wire active = flags[3];
    wire toggle = flags[4];
    wire disabling = flags[5];

    // types are 0 control, 1 isochronous, 2 bulk, 3 interrupt
    wire non_periodic = !transfer_type[0];
    wire bulk = (transfer_type == 2'd2);
    wire iso = (transfer_type == 2'd1);
    wire in_open = enabled && !disabling && !nak
                   && !(global_in_nak && non_periodic) && packets_left;
    wire out_wanted = enabled && !disabling && !nak && !global_out_nak && packets_left;
    wire out_open = out_wanted && room_one;

    // IN: what is sent; OUT and SETUP: the most that may come
    assign length = (pid == PID_SETUP) ? 11'd8
                    : (pid != PID_IN) ? packet_size
                    : (iso && !send) ? 11'd0 : next_length;

    always @* begin
        kind = SILENT;
        data_pid = 4'd0;
        send = 1'b0;
        receive = 1'b0;
        token_cause = 1'b0;
        mismatch = 1'b0;
        nothing = 1'b0;
        lost = 1'b0;

        if (test_nak) begin
            // any IN token, whomever it is for (USB 2.0 section 7.1.20)
            kind = (pid == PID_IN) ? NAK : SILENT;
        end else if (known && active) begin
            case (pid)
                PID_SETUP: begin
                    if (is_ep0 && room_setup) begin
                        data_pid = 4'b0011;
                        kind = ACK;
                        receive = 1'b1;
                    end
                end
                PID_IN: begin
                    if (iso) begin
                        // always data, if only none of them
                        kind = ISO;
                        send = in_open && packet_ready && turn;
                        data_pid = {send ? turn_pid : 2'b00, 2'b11};
                        nothing = !in_open || !packet_ready;
                        token_cause = nothing && (!packet_ready || (next_length == 11'd0));
                    end else if (stall) begin
                        kind = STALL;
                    end else if (in_open && packet_ready) begin
                        kind = DATA;
                        send = 1'b1;
                        data_pid = {toggle, 3'b011};
                    end else begin
                        kind = NAK;
                        mismatch = in_open && other_ready;
                        token_cause = (!packet_ready && !mismatch) || (next_length == 11'd0);
                    end
                end
                PID_OUT: begin
                    if (iso) begin
                        kind = (out_open && turn) ? ISO : SILENT;
                        receive = out_open && turn;
                        lost = out_wanted && turn && !room_one;
                        token_cause = !enabled;
                    end else if (stall) begin
                        kind = STALL;
                    end else if (out_open) begin
                        kind = (high_speed && bulk && (last_packet || !room_two)) ? NYET : ACK;
                        data_pid = {toggle, 3'b011};
                        receive = 1'b1;
                        if (is_ep0 && no_data) begin
                            kind = STATUS;
                        end
                    end else begin
                        kind = NAK;
                        token_cause = !enabled;
                    end
                end
                default: begin
                    // PING; isochronous endpoints have none
                    kind = iso ? SILENT : stall ? STALL : out_open ? ACK : NAK;
                    data_pid = (!iso && !stall && out_open) ? {toggle, 3'b011} : 4'd0;
                end
            endcase
        end
    end

endmodule

`resetall
