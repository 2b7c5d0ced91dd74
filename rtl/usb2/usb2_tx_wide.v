// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Transmitter for a UTMI of 16 bits: what usb2_tx is for one of 8, with two bytes per clock.
//
// PID and payload make words of 16 bits that lie across those of the stream: the last byte of
// each word of the stream waits in a register for the first one of the next. TxValid rises in the
// clock of `start`: one less for the host to wait.
module usb2_tx_wide (
    input  wire        clk,
    // Also breaks off the packet that is being sent.
    input  wire        rst,

    // Begin; the packet's fields must stay until `busy` is low.
    input  wire        start,
    input  wire        mute,
    input  wire [3:0]  pid,
    // A data packet of `length` bytes, else a PID alone.
    input  wire        data,
    input  wire [10:0] length,
    output wire        busy,

    // Words of payload, first byte in bits 7:0.
    input  wire        word_valid,
    output wire        word_ready,
    input  wire [31:0] word,

    // To usb2_crc_wide: the bytes that count, and what it makes of the low one.
    output wire        crc_sending,
    output wire        crc_enable,
    output wire        crc_clear,
    output wire [1:0]  crc_bytes,
    output wire [7:0]  crc_low,
    output wire [7:0]  crc_high,
    input  wire [15:0] crc16,
    input  wire [7:0]  crc16_low_next,

    output wire        utmi_txvalid,
    // The high byte is to be sent too.
    output wire        utmi_txvalidh,
    input  wire        utmi_txready,
    // Zero when nothing is sent.
    output reg  [15:0] utmi_txdata
);

    localparam [2:0]
        S_IDLE  = 3'd0,
        S_PID   = 3'd1,  // PID, byte 0 of a word of the stream
        S_ODD   = 3'd2,  // byte 3 of the last word, byte 0 of the next
        S_EVEN  = 3'd3,  // bytes 1 and 2
        S_CRC   = 3'd4,
        S_CRC_H = 3'd5,  // the low half of the CRC went with the last byte
        S_DRAIN = 3'd6;

    reg [2:0]  state_reg, state_next;
    // Bytes of payload still to be taken off the stream.
    reg [10:0] left_reg, left_next;
    reg [7:0]  held_reg;
    reg        late_reg, late_next;

    wire        idle   = state_reg == S_IDLE;
    wire [2:0]  state  = idle && start ? (mute ? S_DRAIN : S_PID) : state_reg;
    wire [10:0] left   = idle ? length : left_reg;

    wire        begins = state == S_PID;
    wire        even   = state == S_EVEN;
    wire        drain  = state == S_DRAIN;
    wire        send   = (begins && data) || state == S_ODD || even;
    wire        empty  = left == 11'd0;
    wire        one    = left == 11'd1;
    wire        two    = left == 11'd2;
    // Draining goes by words.
    wire        few    = left[10:2] == 9'd0 || left == 11'd4;
    // The high byte is one of payload; otherwise the CRC begins there.
    wire        whole  = even ? !one : !empty;

    assign word_ready = (send && utmi_txready && (even || one)) || (drain && !empty);

    always @* begin
        state_next = state;
        left_next  = left;
        late_next  = late_reg && !idle;

        case (state)
            S_IDLE: ;
            S_PID, S_ODD: begin
                if (utmi_txready) begin
                    if (!send) begin
                        state_next = S_IDLE;
                    end else if (empty) begin
                        state_next = S_CRC_H;
                    end else if (!word_valid) begin
                        late_next  = 1'b1;
                        state_next = S_CRC;
                    end else begin
                        left_next  = left - 11'd1;
                        state_next = one ? S_CRC : S_EVEN;
                    end
                end
            end
            // Its word is there: the one before has taken a byte of it.
            S_EVEN: begin
                if (utmi_txready) begin
                    left_next  = one || two ? 11'd0 : left - 11'd3;
                    state_next = one ? S_CRC_H : two ? S_CRC : S_ODD;
                end
            end
            S_CRC, S_CRC_H: if (utmi_txready) state_next = late_reg ? S_DRAIN : S_IDLE;
            default: begin
                if (empty) state_next = S_IDLE;
                if (word_valid) left_next = few ? 11'd0 : left - 11'd4;
            end
        endcase
    end

    always @(posedge clk) begin
        state_reg <= state_next;
        left_reg  <= left_next;
        late_reg  <= late_next;
        if (even) held_reg <= word[31:24];

        if (rst) state_reg <= S_IDLE;
    end

    wire [15:0] crc_wire = crc16 ^ {16{!late_reg}};

    assign crc_low    = even ? word[15:8] : held_reg;
    assign crc_high   = even ? word[23:16] : word[7:0];
    assign crc_enable = send && utmi_txready;
    assign crc_clear  = begins;
    assign crc_bytes  = {whole, !begins};
    assign crc_sending = state != S_IDLE;

    always @* begin
        case (state)
            S_PID:         utmi_txdata = {whole ? crc_high : ~crc16_low_next, ~pid, pid};
            S_ODD, S_EVEN: utmi_txdata = {whole ? crc_high : ~crc16_low_next, crc_low};
            S_CRC:         utmi_txdata = crc_wire;
            S_CRC_H:       utmi_txdata = {8'h00, crc_wire[15:8]};
            default:       utmi_txdata = 16'h0000;
        endcase
    end

    assign busy          = !idle;
    assign utmi_txvalid  = state != S_IDLE && !drain;
    assign utmi_txvalidh = send || state == S_CRC;

endmodule

`resetall
