// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// CRC16 of data packets and CRC5 of tokens (USB 2.0 section 8.3.5), up to two bytes per clock.
//
// As usb2_crc, for a UTMI of 16 bits: the word that brings the PID brings the first byte too, so
// `clear` comes with it, and each byte of a word counts or does not.
module usb2_crc_wide (
    input  wire        clk,

    // One more word; with `clear` the packet's first one, which meets registers of all ones.
    input  wire        enable,
    input  wire        clear,
    // Its high, its low byte counts: from the receiver or, with `sending`, from the transmitter.
    input  wire [1:0]  bytes,
    input  wire        sending,
    input  wire [15:0] rx_data,
    input  wire [7:0]  tx_low,
    input  wire [7:0]  tx_high,

    // CRC16 so far.
    output wire [15:0] crc16,
    // Low half of what it becomes with the low byte of this clock.
    output wire [7:0]  crc16_low_next,
    // What came so far ends with its own CRC (residuals 1011000000000001 and 00110).
    output wire        crc16_good,
    output wire        crc5_good,
    // The same with the low byte of this clock.
    output wire        crc5_good_next
);

    localparam [4:0] RESIDUAL_5 = 5'h06;

    reg [15:0] c_reg;
    reg [4:0]  t_reg;

    // CRC16, x^16 + x^15 + x^2 + 1: a byte meets only the low half of the register.
    function [15:0] step16;
        input [15:0] c;
        input [7:0]  data;
        reg   [7:0]  x;
        reg          p;
        begin
            x = c[7:0] ^ data;
            p = ^x;
            step16 = {
                p,
                x[7] ^ p,
                x[7] ^ x[6],
                x[6] ^ x[5],
                x[5] ^ x[4],
                x[4] ^ x[3],
                x[3] ^ x[2],
                x[2] ^ x[1],
                c[15] ^ x[1] ^ x[0],
                c[14] ^ x[0],
                c[13:9],
                c[8] ^ p
            };
        end
    endfunction

    // CRC5, x^5 + x^2 + 1, over eight bits; the low five meet the register.
    function [4:0] step5;
        input [4:0] t;
        input [7:0] data;
        reg   [4:0] y;
        begin
            y = t ^ data[4:0];
            step5 = {
                y[4] ^ y[2] ^ y[1] ^ data[7],
                y[3] ^ y[1] ^ y[0] ^ data[6],
                y[4] ^ y[1] ^ y[0] ^ data[5] ^ data[7],
                y[4] ^ y[3] ^ y[0] ^ data[6],
                y[3] ^ y[2] ^ data[5]
            };
        end
    endfunction

    wire [7:0]  low  = sending ? tx_low : rx_data[7:0];
    wire [7:0]  high = sending ? tx_high : rx_data[15:8];
    wire [15:0] c_base = clear ? 16'hFFFF : c_reg;
    wire [4:0]  t_base = clear ? 5'h1F : t_reg;
    wire [15:0] c_low  = bytes[0] ? step16(c_base, low) : c_base;
    wire [4:0]  t_low  = bytes[0] ? step5(t_base, rx_data[7:0]) : t_base;

    always @(posedge clk) begin
        if (enable) begin
            c_reg <= bytes[1] ? step16(c_low, high) : c_low;
            t_reg <= bytes[1] ? step5(t_low, rx_data[15:8]) : t_low;
        end
    end

    assign crc16          = c_reg;
    assign crc16_low_next = c_low[7:0];
    assign crc16_good     = c_reg == 16'hB001;
    assign crc5_good      = t_reg == RESIDUAL_5;
    assign crc5_good_next = t_low == RESIDUAL_5;

endmodule

`resetall
