// SPDX-License-Identifier: Apache-2.0
// The USB host side: sends and receives packets with the times of the connector, makes the frame
// clock, bus reset with the host's side of the chirp, resume, and watches the line. What to send
// next is asked of the mailbox (c/usb_host.c), which holds the transactions: one call per packet
// end, one per byte, one in idle clocks.

`resetall
`timescale 1ps / 1ps
`default_nettype none

`include "pf.vh"

module usb_host #
(
    // Clocks of the receive delay that pass behind the PHY
    parameter RX_DELAY_TAKEN = 0
)
(
    // 60 MHz, never stops
    input  wire        clk,

    // UTMI of the device; the PHY is inside
    input  wire        utmi_txvalid,
    output wire        utmi_txready,
    input  wire [7:0]  utmi_txdata,
    output wire        utmi_rxactive,
    output wire        utmi_rxvalid,
    output wire        utmi_rxerror,
    output wire [7:0]  utmi_rxdata,
    output wire [1:0]  utmi_linestate,
    input  wire [1:0]  utmi_opmode,
    input  wire [1:0]  utmi_xcvrselect,
    input  wire        utmi_termselect,
    input  wire        utmi_suspendm,
    output wire        utmi_vbusvalid
);

// What the mailbox answers: bits 2:0, with a number above
localparam [2:0]
    DO_NOTHING = 3'd0,
    DO_SEND = 3'd1,   // number: clocks from the end of the last packet to the start of this
    DO_WAIT = 3'd2,   // for the device; number: clocks until giving up
    DO_LINE = 3'd3,   // a line command
    DO_KEEP = 3'd7;   // go on with what was going on

localparam [1:0] P_IDLE = 2'd0, P_GAP = 2'd1, P_SEND = 2'd2, P_WAIT = 2'd3;

localparam [2:0]
    L_NONE = 3'd0,
    L_LISTEN = 3'd1,  // reset: SE0, waiting for the device's chirp
    L_CHIRP = 3'd2,   // reset: K J K J ...
    L_TAIL = 3'd3,    // reset: SE0 to the end
    L_RESUME = 3'd4,  // K
    L_EOP = 3'd5,     // end of resume: two low-speed bits of SE0
    L_FORCE = 3'd6;   // any line state for a time

// Line commands and events of the mailbox
localparam [31:0] CMD_VBUS = 1, CMD_RESET = 2, CMD_RESUME = 3, CMD_FORCE = 4;
localparam [31:0] EV_CONNECT = 1, EV_DISCONNECT = 2, EV_SPEED = 3, EV_RESUMED = 4, EV_WAKEUP = 5,
    EV_LINE = 6, EV_COLLISION = 7, EV_DONE = 8;

localparam [1:0] DRIVE_NONE = 2'd0, DRIVE_SE0 = 2'd1, DRIVE_J = 2'd2, DRIVE_K = 2'd3;
localparam [1:0] K = 2'b10;

localparam [15:0] MICROFRAME = 16'd7500, FRAME = 16'd60000;
// 2.5 us: connect and disconnect detection (TDCNN, TDDIS), shortest chirp, shortest wake-up K
localparam [7:0] DEBOUNCE = 8'd150;
// Two low-speed bits
localparam [31:0] LOW_SPEED_EOP = 32'd80;

// Connector: see usb_phy.v
reg        vbus = 1'b0;
reg [1:0]  h_drive = DRIVE_NONE;
reg        h_hs = 1'b0;
reg        h_start = 1'b0;
wire       h_valid;
wire [7:0] h_data;
wire       h_error;
wire       h_gap;
wire       h_long;
wire       h_take;
wire       h_done;
wire [2:0] phase;
wire       d_start;
wire       d_valid;
wire [7:0] d_data;
wire       d_done;
reg        d_stall = 1'b0;
wire       busy;
wire       collision;
wire [1:0] line;
wire       attached;
reg [3:0]  hs_rx_delay = 4'd7 - RX_DELAY_TAKEN[3:0];
reg [3:0]  hs_tx_delay = 4'd2;
reg [3:0]  fs_rx_delay = 4'd4 - RX_DELAY_TAKEN[3:0];
reg [3:0]  fs_tx_delay = 4'd5;

reg [1:0]  state = P_IDLE;
reg [23:0] since = 24'hFFFFFF; // clocks since the end of the last packet
reg [23:0] gap = 24'd0;
reg [23:0] limit = 24'd0;
reg [31:0] action = 32'd0;
reg [31:0] word = 32'd0;       // byte for the PHY with its flags
reg [15:0] frame_left = MICROFRAME - 16'd1;
reg        tick = 1'b0;

reg [2:0]  l_state = L_NONE;
reg [31:0] l_count = 32'd0;
reg [31:0] l_half = 32'd0;
reg [31:0] l_half_count = 32'd0;
reg [31:0] l_pairs = 32'd0;
reg [31:0] l_pairs_max = 32'd0;
reg [31:0] l_tail = 32'd0;
reg [31:0] l_command = 32'd0;
reg [7:0]  k_count = 8'd0;
reg        chirped = 1'b0;
reg        negotiated = 1'b0;
reg        present = 1'b0;
reg [7:0]  present_count = 8'd0;
reg        woken = 1'b0;
reg [1:0]  line_told = 2'b00;
reg [31:0] ignored = 32'd0;
// The PHY's clock: stops some clocks after SuspendM falls, needs a while to come back
reg [5:0]  phy_awake = 6'd63;
reg        phy_asleep = 1'b0;

// What is left of a receive delay for the PHY
function [3:0] rest;
    input [3:0] delay;
    rest = delay > RX_DELAY_TAKEN[3:0] ? delay - RX_DELAY_TAKEN[3:0] : 4'd0;
endfunction

wire present_now = attached && (utmi_termselect || h_hs);

assign h_data = word[7:0];
assign h_error = word[8];
assign h_gap = word[9];
assign h_long = word[10];
assign h_valid = word[11];

usb_phy usb_phy (
    .clk(clk),
    .utmi_txvalid(utmi_txvalid),
    .utmi_txready(utmi_txready),
    .utmi_txdata(utmi_txdata),
    .utmi_rxactive(utmi_rxactive),
    .utmi_rxvalid(utmi_rxvalid),
    .utmi_rxerror(utmi_rxerror),
    .utmi_rxdata(utmi_rxdata),
    .utmi_linestate(utmi_linestate),
    .utmi_opmode(utmi_opmode),
    .utmi_xcvrselect(utmi_xcvrselect),
    .utmi_termselect(utmi_termselect),
    .utmi_suspendm(utmi_suspendm),
    .utmi_vbusvalid(utmi_vbusvalid),
    .hs_rx_delay(hs_rx_delay),
    .hs_tx_delay(hs_tx_delay),
    .fs_rx_delay(fs_rx_delay),
    .fs_tx_delay(fs_tx_delay),
    .vbus(vbus),
    .h_drive(h_drive),
    .h_hs(h_hs),
    .h_start(h_start),
    .h_valid(h_valid),
    .h_data(h_data),
    .h_error(h_error),
    .h_gap(h_gap),
    .h_long(h_long),
    .h_take(h_take),
    .h_done(h_done),
    .phase(phase),
    .d_start(d_start),
    .d_valid(d_valid),
    .d_data(d_data),
    .d_done(d_done),
    .d_stall(d_stall),
    .busy(busy),
    .collision(collision),
    .line(line),
    .attached(attached)
);

// Blocking assignments on purpose where an answer of the mailbox is used at once.
/* verilator lint_off BLKSEQ */
always @(posedge clk) begin
    action = {29'd0, DO_KEEP};
    h_start <= 1'b0;
    d_stall <= 1'b0;
    if (since != 24'hFFFFFF)
        since <= since + 24'd1;
    if (frame_left == 16'd0) begin
        frame_left <= (h_hs ? MICROFRAME : FRAME) - 16'd1;
        tick <= 1'b1;
    end else begin
        frame_left <= frame_left - 16'd1;
    end

    // Bytes
    if (h_take)
        word <= `PF_CALL(pf_usb_tx_byte)(0);
    if (d_start)
        ignored = `PF_CALL(pf_usb_rx_start)(0);
    if (d_valid) begin
        ignored = `PF_CALL(pf_usb_rx_byte)({24'd0, d_data});
        d_stall <= ignored[0];
    end
    if (collision)
        ignored = `PF_CALL(pf_usb_line)(EV_COLLISION, 0);

    // Packets
    if (d_done) begin
        since <= phase == 3'd0 ? 24'd1 : 24'd0;
        action = `PF_CALL(pf_usb_rx_end)({29'd0, phase});
    end else case (state)
        P_IDLE:
            if (!busy && !d_start && l_state == L_NONE) begin
                if (tick) begin
                    tick <= 1'b0;
                    action = `PF_CALL(pf_usb_sof)(
                        {16'd0, (h_hs ? MICROFRAME : FRAME) - 16'd1 - frame_left});
                end else if (since[23:6] == 18'd0 || frame_left[2:0] == 3'd0) begin
                    // a quiet bus is not asked for in each clock: calls cost time
                    action = `PF_CALL(pf_usb_idle)({16'd0, frame_left}, {8'd0, since});
                end
            end
        P_GAP:
            if (!busy && {1'b0, since} + 25'd1 >= {1'b0, gap}) begin
                word <= `PF_CALL(pf_usb_tx_byte)(1);
                ignored = `PF_CALL(pf_usb_delays)(0);
                {fs_tx_delay, hs_tx_delay} <= {ignored[15:12], ignored[7:4]};
                fs_rx_delay <= rest(ignored[11:8]);
                hs_rx_delay <= rest(ignored[3:0]);
                h_start <= 1'b1;
                state <= P_SEND;
            end
        P_SEND:
            if (h_done) begin
                since <= phase == 3'd0 ? 24'd1 : 24'd0;
                action = `PF_CALL(pf_usb_sent)({29'd0, phase});
            end
        default:
            if (!busy && since >= limit)
                action = `PF_CALL(pf_usb_timeout)(0);
    endcase

    case (action[2:0])
        DO_NOTHING: state <= P_IDLE;
        DO_SEND: begin
            state <= P_GAP;
            gap <= action[26:3];
        end
        DO_WAIT: begin
            state <= P_WAIT;
            limit <= action[26:3];
        end
        DO_LINE: begin
            state <= P_IDLE;
            l_command = `PF_CALL(pf_usb_argument)(0);
            l_count <= `PF_CALL(pf_usb_argument)(1);
            l_half <= `PF_CALL(pf_usb_argument)(2);
            l_pairs_max <= `PF_CALL(pf_usb_argument)(3);
            l_tail <= `PF_CALL(pf_usb_argument)(4);
            l_pairs <= 32'd0;
            k_count <= 8'd0;
            chirped <= 1'b0;
            negotiated <= 1'b0;
            case (l_command)
                CMD_RESET: begin
                    l_state <= L_LISTEN;
                    h_drive <= DRIVE_SE0;
                end
                CMD_RESUME: begin
                    l_state <= L_RESUME;
                    h_drive <= DRIVE_K;
                end
                CMD_FORCE: begin
                    l_state <= L_FORCE;
                    ignored = `PF_CALL(pf_usb_argument)(2);
                    h_drive <= ignored[1:0];
                end
                default: begin
                    ignored = `PF_CALL(pf_usb_argument)(1);
                    vbus <= ignored[0];
                    ignored = `PF_CALL(pf_usb_line)(EV_DONE, 0);
                end
            endcase
        end
        default: ;
    endcase

    // Line commands
    if (l_state != L_NONE) begin
        l_count <= l_count - 32'd1;
        frame_left <= (h_hs ? MICROFRAME : FRAME) - 16'd1;
        tick <= 1'b0;
    end
    case (l_state)
        L_LISTEN: begin
            if (line == K) begin
                if (k_count != DEBOUNCE)
                    k_count <= k_count + 8'd1;
            end else begin
                k_count <= 8'd0;
                if (k_count == DEBOUNCE) begin
                    chirped <= 1'b1;
                    l_half_count <= l_half;
                    if (l_pairs_max != 32'd0)
                        l_state <= L_CHIRP;
                end
            end
        end
        L_CHIRP: begin
            // an answer of three pairs or more makes a high-speed port
            h_drive <= h_drive == DRIVE_SE0 ? DRIVE_K : h_drive;
            l_half_count <= l_half_count - 32'd1;
            if (l_half_count == 32'd0) begin
                l_half_count <= l_half - 32'd1;
                h_drive <= h_drive == DRIVE_K ? DRIVE_J : DRIVE_K;
                if (h_drive == DRIVE_J) begin
                    l_pairs <= l_pairs + 32'd1;
                    if (l_pairs == 32'd2)
                        negotiated <= 1'b1;
                    if (l_pairs + 32'd1 == l_pairs_max || l_count <= l_tail) begin
                        h_drive <= DRIVE_SE0;
                        l_state <= L_TAIL;
                    end
                end
            end
        end
        default: ;
    endcase
    if (l_state != L_NONE && l_count == 32'd0) begin
        case (l_state)
            L_RESUME: begin
                h_drive <= DRIVE_SE0;
                l_state <= L_EOP;
                l_count <= LOW_SPEED_EOP;
            end
            L_EOP: begin
                h_drive <= DRIVE_NONE;
                l_state <= L_NONE;
                ignored = `PF_CALL(pf_usb_line)(EV_RESUMED, 0);
            end
            L_FORCE: begin
                h_drive <= DRIVE_NONE;
                l_state <= L_NONE;
                ignored = `PF_CALL(pf_usb_line)(EV_DONE, 0);
            end
            default: begin
                h_drive <= DRIVE_NONE;
                l_state <= L_NONE;
                h_hs <= negotiated;
                frame_left <= (negotiated ? MICROFRAME : FRAME) - 16'd1;
                ignored = `PF_CALL(pf_usb_line)(EV_SPEED, {30'd0, attached, negotiated});
            end
        endcase
    end

    // SuspendM
    if (utmi_suspendm)
        phy_awake <= phy_awake == 6'd63 ? 6'd63 : phy_awake + 6'd1;
    else
        phy_awake <= phy_awake == 6'd0 ? 6'd0 : phy_awake - 6'd1;
    if (phy_asleep ? phy_awake == 6'd63 : phy_awake == 6'd0) begin
        phy_asleep <= !phy_asleep;
        ignored = `PF_CALL(pf_utmi_sleep)({31'd0, !phy_asleep});
    end

    // What the device does to the line
    if (present_now == present || l_state != L_NONE || busy) begin
        present_count <= 8'd0;
    end else begin
        present_count <= present_count + 8'd1;
        if (present_count == DEBOUNCE) begin
            present <= present_now;
            present_count <= 8'd0;
            h_hs <= 1'b0;
            ignored = `PF_CALL(pf_usb_line)(present_now ? EV_CONNECT : EV_DISCONNECT, 0);
        end
    end
    if (l_state == L_NONE) begin
        if (line != K || busy) begin
            k_count <= 8'd0;
            woken <= 1'b0;
        end else if (k_count == DEBOUNCE) begin
            if (!woken)
                ignored = `PF_CALL(pf_usb_line)(EV_WAKEUP, 0);
            woken <= 1'b1;
        end else begin
            k_count <= k_count + 8'd1;
        end
    end
    if (line != line_told) begin
        line_told <= line;
        ignored = `PF_CALL(pf_usb_line)(EV_LINE, {30'd0, line});
    end
end
/* verilator lint_on BLKSEQ */

endmodule

`resetall
