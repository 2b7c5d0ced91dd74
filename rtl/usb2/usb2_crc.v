// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// CRC16 of data packets and CRC5 of tokens (USB 2.0 section 8.3.5), a byte per clock.
//
// The bus is half duplex, so one CRC16 register serves both directions. Registers hold the CRC
// with the first bit on the wire in bit 0, not yet complemented.
module usb2_crc (
    input  wire        clk,

    // Start of a packet: both registers to all ones.
    input  wire        clear,
    // One more byte: from the receiver or, with `sending`, from the transmitter.
    input  wire        enable,
    input  wire        sending,
    input  wire [7:0]  rx_data,
    input  wire [7:0]  tx_data,

    // CRC16 so far.
    output wire [15:0] crc16,
    // What came so far ends with its own CRC (residuals 1011000000000001 and 00110).
    output wire        crc16_good,
    output wire        crc5_good
);

    reg [15:0] c_reg;
    reg [4:0]  t_reg;

    // CRC16, x^16 + x^15 + x^2 + 1: a byte meets only the low half of the register.
    wire [7:0] x = c_reg[7:0] ^ (sending ? tx_data : rx_data);
    wire       p = ^x;

    wire [15:0] c_next = {
        p,
        x[7] ^ p,
        x[7] ^ x[6],
        x[6] ^ x[5],
        x[5] ^ x[4],
        x[4] ^ x[3],
        x[3] ^ x[2],
        x[2] ^ x[1],
        c_reg[15] ^ x[1] ^ x[0],
        c_reg[14] ^ x[0],
        c_reg[13:9],
        c_reg[8] ^ p
    };

    // CRC5, x^5 + x^2 + 1, over eight bits; the low five meet the register.
    wire [4:0] y = t_reg ^ rx_data[4:0];

    wire [4:0] t_next = {
        y[4] ^ y[2] ^ y[1] ^ rx_data[7],
        y[3] ^ y[1] ^ y[0] ^ rx_data[6],
        y[4] ^ y[1] ^ y[0] ^ rx_data[5] ^ rx_data[7],
        y[4] ^ y[3] ^ y[0] ^ rx_data[6],
        y[3] ^ y[2] ^ rx_data[5]
    };

    always @(posedge clk) begin
        if (clear) begin
            c_reg <= 16'hFFFF;
            t_reg <= 5'h1F;
        end else if (enable) begin
            c_reg <= c_next;
            t_reg <= t_next;
        end
    end

    assign crc16      = c_reg;
    assign crc16_good = c_reg == 16'hB001;
    assign crc5_good  = t_reg == 5'h06;

endmodule

`resetall
