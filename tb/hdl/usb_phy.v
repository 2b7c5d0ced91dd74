// SPDX-License-Identifier: Apache-2.0
// A UTMI PHY (8 bit, 60 MHz) with the cable's other end in view: what happens at the connector has
// times in bits, what the device sees comes later by the receive delay, and what it sends reaches
// the connector later by the transmit delay. Stuffed bits take the time that they take.
//
// The bus is half duplex, so that one engine serves both directions. High speed moves a byte per
// clock and collects stuffed bits until they make a clock (a hole in RxValid or TxReady; the rest
// is `phase`, eighths of a clock by which the packet ends later). Full-speed bits take 5 clocks.

`resetall
`timescale 1ps / 1ps
`default_nettype none

module usb_phy (
    input  wire        clk,

    // UTMI, device side
    input  wire        utmi_txvalid,
    output wire        utmi_txready,
    input  wire [7:0]  utmi_txdata,
    output reg         utmi_rxactive,
    output reg         utmi_rxvalid,
    output reg         utmi_rxerror,
    output reg  [7:0]  utmi_rxdata,
    output reg  [1:0]  utmi_linestate,
    input  wire [1:0]  utmi_opmode,
    input  wire [1:0]  utmi_xcvrselect,
    input  wire        utmi_termselect,
    input  wire        utmi_suspendm,
    output wire        utmi_vbusvalid,

    // Delays in clocks. rx: end of packet at the connector to RxActive low (high speed: the
    // fraction of a clock that the packet ends later is rounded up). tx: TxValid to SYNC, >= 2.
    input  wire [3:0]  hs_rx_delay,
    input  wire [3:0]  hs_tx_delay,
    input  wire [3:0]  fs_rx_delay,
    input  wire [3:0]  fs_tx_delay,

    // Connector, host side
    input  wire        vbus,
    // 0 nothing, 1 SE0, 2 J, 3 K
    input  wire [1:0]  h_drive,
    // the host has the high-speed transceiver on
    input  wire        h_hs,
    // start a packet: SYNC begins with the next clock
    input  wire        h_start,
    input  wire        h_valid,
    input  wire [7:0]  h_data,
    // report RxError with this byte
    input  wire        h_error,
    // leave one idle clock after this byte
    input  wire        h_gap,
    // long EOP (SOF at high speed)
    input  wire        h_long,
    output wire        h_take,
    output wire        h_done,
    // eighths of a clock by which the packet ends later than `h_done`, `d_done`
    output wire [2:0]  phase,
    output wire        d_start,
    output wire        d_valid,
    output wire [7:0]  d_data,
    output wire        d_done,
    // one more TxReady stall
    input  wire        d_stall,
    output wire        busy,
    output reg         collision,
    // {D-, D+} without packets: 0 SE0, 1 J, 2 K
    output reg  [1:0]  line,
    output wire        attached
);

localparam [2:0]
    S_IDLE = 3'd0,
    S_DELAY = 3'd1,
    S_SYNC = 3'd2,
    S_DATA = 3'd3,
    S_STALL = 3'd4,
    S_EOP = 3'd5,
    S_BIT = 3'd6,
    S_SE0 = 3'd7;

localparam [1:0] SE0 = 2'b00, J = 2'b01, K = 2'b10;
localparam [1:0] XCVR_HS = 2'd0, XCVR_FS = 2'd1;
localparam [1:0] OPMODE_NORMAL = 2'd0, OPMODE_NON_DRIVING = 2'd1, OPMODE_RAW = 2'd2;

reg [2:0] state = S_IDLE;
reg       from_device = 1'b0;
reg [5:0] count = 6'd0;
// High speed: consecutive ones, stuffed bits that do not make a clock yet
reg [2:0] ones = 3'd0;
reg [2:0] fraction = 3'd0;
// Full speed
reg [2:0] bit_clock = 3'd0;
reg [3:0] bit_count = 4'd0;
reg [7:0] shift = 8'd0;
reg [7:0] byte_now = 8'd0;
reg       error_now = 1'b0;
reg       in_sync = 1'b0;
reg       level = 1'b1;

wire device_hs = utmi_xcvrselect == XCVR_HS && !utmi_termselect;
wire device_sends = utmi_txvalid && utmi_opmode == OPMODE_NORMAL;
// Chirp K and resume K: data 0 without stuffing and NRZI
wire device_k = utmi_txvalid && utmi_opmode == OPMODE_RAW && utmi_termselect;
wire pull_up = vbus && utmi_termselect && utmi_opmode != OPMODE_NON_DRIVING;
wire packet_hs = from_device ? device_hs : h_hs;
wire [3:0] tx_delay = device_hs ? hs_tx_delay : fs_tx_delay;

// A byte is taken at the end of such a clock, or the packet ends there.
wire fs_slot = state == S_BIT && bit_clock == 3'd4 && bit_count == 4'd8 && ones != 3'd6;
wire hs_slot = (state == S_SYNC && count == 6'd0) || (state == S_DATA && !(from_device && d_stall));
wire slot = fs_slot || hs_slot;
wire more = from_device ? device_sends : h_valid;
wire take = slot && more;
wire [7:0] byte_next = from_device ? utmi_txdata : h_data;
wire done = (state == S_EOP && count == 6'd0) || (state == S_SE0 && count == 6'd0);
// The device hears the host only with the transceiver of the host's speed.
wire hears = !from_device && (h_hs ? utmi_xcvrselect == XCVR_HS : utmi_xcvrselect == XCVR_FS);
// Does the host understand the device?
wire same_speed = device_hs == h_hs;

assign utmi_vbusvalid = vbus;
assign utmi_txready = (from_device && slot) || (utmi_txvalid && utmi_opmode == OPMODE_RAW);
assign busy = state != S_IDLE;
assign phase = fraction;
assign attached = vbus && utmi_opmode != OPMODE_NON_DRIVING;
assign h_take = take && !from_device;
assign h_done = done && !from_device;
assign d_start = state == S_DELAY && count == 6'd0 && same_speed;
assign d_valid = take && from_device && same_speed;
assign d_data = utmi_txdata;
assign d_done = done && from_device && same_speed;

// Stuffed bits of a byte at high speed: {ones after it, stuffed bits}
function [4:0] stuff;
    input [2:0] ones_before;
    input [7:0] value;
    integer i;
    reg [2:0] run;
    reg [1:0] bits;
    begin
        run = ones_before;
        bits = 2'd0;
        for (i = 0; i < 8; i = i + 1) begin
            run = value[i] ? run + 3'd1 : 3'd0;
            if (run == 3'd6) begin
                run = 3'd0;
                bits = bits + 2'd1;
            end
        end
        stuff = {run, bits};
    end
endfunction

// The function as a table: it is asked for each byte.
reg  [4:0] stuff_table [0:2047];
wire [4:0] stuffed = stuff_table[{ones, byte_next}];
integer    k;

initial begin
    for (k = 0; k < 2048; k = k + 1)
        stuff_table[k] = stuff(k[10:8], k[7:0]);
end

wire [3:0] fraction_next = {1'b0, fraction} + {2'b00, stuffed[1:0]};

always @(posedge clk) begin
    if (d_stall && state == S_DATA && from_device) begin
        // stay: TxReady is low in this clock
    end else case (state)
        S_IDLE: begin
            fraction <= 3'd0;
            ones <= 3'd1;
            bit_clock <= 3'd0;
            bit_count <= 4'd1;
            shift <= 8'h40;
            in_sync <= 1'b1;
            if (h_start) begin
                from_device <= 1'b0;
                level <= 1'b0;
                count <= 6'd3;
                if (h_hs) begin
                    state <= S_SYNC;
                end else begin
                    state <= S_BIT;
                    ones <= 3'd0;
                end
            end else if (device_sends) begin
                from_device <= 1'b1;
                state <= S_DELAY;
                count <= {2'b00, tx_delay} - 6'd2;
            end
        end
        S_DELAY: begin
            count <= count - 6'd1;
            if (count == 6'd0) begin
                level <= 1'b0;
                count <= 6'd3;
                if (device_hs) begin
                    state <= S_SYNC;
                end else begin
                    state <= S_BIT;
                    ones <= 3'd0;
                end
            end
        end
        S_SYNC, S_DATA: begin
            count <= count - 6'd1;
            if (take) begin
                ones <= stuffed[4:2];
                fraction <= fraction_next[2:0];
                state <= S_DATA;
                if (fraction_next[3] || (h_gap && !from_device)) begin
                    state <= S_STALL;
                    count <= {5'd0, fraction_next[3] && h_gap && !from_device};
                end
            end else if (slot) begin
                state <= S_EOP;
                count <= h_long && !from_device ? 6'd4 : 6'd0;
            end
        end
        S_STALL: begin
            count <= count - 6'd1;
            if (count == 6'd0)
                state <= S_DATA;
        end
        S_EOP: begin
            count <= count - 6'd1;
            if (count == 6'd0)
                state <= S_IDLE;
        end
        S_BIT: begin
            bit_clock <= bit_clock == 3'd4 ? 3'd0 : bit_clock + 3'd1;
            if (bit_clock == 3'd4) begin
                if (ones == 3'd6) begin
                    ones <= 3'd0;
                    level <= !level;
                end else if (bit_count == 4'd8) begin
                    in_sync <= 1'b0;
                    byte_now <= byte_next;
                    error_now <= h_error && !from_device;
                    shift <= {1'b0, byte_next[7:1]};
                    bit_count <= 4'd1;
                    if (more) begin
                        level <= byte_next[0] ? level : !level;
                        ones <= byte_next[0] ? ones + 3'd1 : 3'd0;
                    end else begin
                        state <= S_SE0;
                        count <= 6'd9;
                    end
                end else begin
                    shift <= {1'b0, shift[7:1]};
                    bit_count <= bit_count + 4'd1;
                    level <= shift[0] ? level : !level;
                    ones <= shift[0] ? ones + 3'd1 : 3'd0;
                end
            end
        end
        default: begin
            // S_SE0: two bits; the packet ends where J begins
            count <= count - 6'd1;
            if (count == 6'd0)
                state <= S_IDLE;
        end
    endcase

    collision <= (h_start && state != S_IDLE) || (h_start && device_sends)
        || (busy && !from_device && device_sends);
end

// The line at the connector without packets
always @* begin
    if (device_k && !h_drive[1])
        line = K;
    else case (h_drive)
        2'd1: line = SE0;
        2'd2: line = J;
        2'd3: line = K;
        default: line = pull_up ? J : SE0;
    endcase
end

// What the device will see, before the receive delay
reg       raw_active;
reg       raw_valid;
reg       raw_error;
reg [7:0] raw_data;

always @* begin
    raw_active = 1'b0;
    raw_valid = hears && (h_take || (fs_slot && !in_sync));
    raw_error = raw_valid && h_error;
    raw_data = byte_next;
    case (state)
        S_SYNC: raw_active = hears && count <= 6'd1;
        S_DATA: raw_active = hears && (more || fraction != 3'd0);
        S_STALL: raw_active = hears;
        S_BIT: begin
            // a byte of full speed is there when its last bit is
            raw_active = hears && (!in_sync || bit_count >= 4'd6);
            raw_valid = hears && fs_slot && !in_sync;
            raw_error = raw_valid && error_now;
            raw_data = byte_now;
        end
        S_SE0: raw_active = hears && count != 6'd0;
        default: raw_active = 1'b0;
    endcase
end

// Receive delay: a ring of what the device will see
reg  [10:0] ring [0:31];
reg  [4:0]  write_index = 5'd0;
reg  [1:0]  line_now;
reg  [1:0]  line_then = SE0;
wire [3:0]  rx_delay = h_hs ? hs_rx_delay : fs_rx_delay;
wire [4:0]  read_index = write_index - {1'b0, rx_delay} - 5'd1;
wire [10:0] seen = ring[read_index];
integer     j;

always @* begin
    if (state == S_IDLE || state == S_DELAY)
        line_now = line;
    else if (packet_hs)
        line_now = utmi_xcvrselect == XCVR_HS ? J : SE0;
    else if (state == S_SE0)
        line_now = SE0;
    else
        line_now = level ? J : K;
end

always @(posedge clk) begin
    write_index <= write_index + 5'd1;
    ring[write_index] <= {raw_active, raw_valid, raw_error, raw_data};
    utmi_rxactive <= seen[10];
    utmi_rxvalid <= seen[9];
    utmi_rxerror <= seen[8];
    utmi_rxdata <= seen[7:0];
    line_then <= line_now;
    utmi_linestate <= line_then;
end

initial begin
    collision = 1'b0;
    utmi_rxactive = 1'b0;
    utmi_rxvalid = 1'b0;
    utmi_rxerror = 1'b0;
    utmi_rxdata = 8'd0;
    utmi_linestate = SE0;
    for (j = 0; j < 32; j = j + 1)
        ring[j] = 11'd0;
end

endmodule

`resetall
