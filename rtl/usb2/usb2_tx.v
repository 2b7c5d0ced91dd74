// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Transmitter: PID, payload from the stream of words, CRC16.
//
// With `mute` nothing goes to the bus, but exactly the words of the packet are taken off the
// stream. If a word is late the packet ends with an inverted CRC16 (the host must not take it for
// good, USB 2.0 section 8.7.3) and the rest of its words are taken off as well.
module usb2_tx (
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

    output wire        crc_clear,
    output wire        crc_enable,
    input  wire [15:0] crc16,

    output wire        utmi_txvalid,
    input  wire        utmi_txready,
    // Zero when nothing is sent.
    output reg  [7:0]  utmi_txdata
);

    localparam [2:0]
        S_IDLE  = 3'd0,
        S_PID   = 3'd1,
        S_DATA  = 3'd2,
        S_CRC_L = 3'd3,
        S_CRC_H = 3'd4,
        S_DRAIN = 3'd5;

    reg [2:0]  state_reg, state_next;
    // Bytes of payload still to be sent.
    reg [10:0] left_reg;
    reg [1:0]  place_reg;
    reg        late_reg, late_next;

    wire drain = state_reg == S_DRAIN;
    wire send  = state_reg == S_DATA && utmi_txready;
    wire last  = left_reg[10:1] == 10'd0;
    // Draining goes by words.
    wire empty = left_reg == 11'd0;

    assign word_ready = (send && (place_reg == 2'd3 || last)) || (drain && !empty);

    wire taken = word_valid && word_ready;

    always @* begin
        state_next = state_reg;
        late_next  = late_reg;

        case (state_reg)
            S_IDLE: begin
                late_next = 1'b0;
                if (start) state_next = mute ? S_DRAIN : S_PID;
            end
            S_PID: begin
                if (utmi_txready) begin
                    state_next = !data ? S_IDLE : empty ? S_CRC_L : S_DATA;
                end
            end
            S_DATA: begin
                if (utmi_txready) begin
                    late_next = !word_valid;
                    if (last || !word_valid) state_next = S_CRC_L;
                end
            end
            S_CRC_L: if (utmi_txready) state_next = S_CRC_H;
            S_CRC_H: if (utmi_txready) state_next = late_reg ? S_DRAIN : S_IDLE;
            default: if (empty) state_next = S_IDLE;
        endcase
    end

    always @(posedge clk) begin
        state_reg <= state_next;
        late_reg  <= late_next;

        if (state_reg == S_IDLE) begin
            left_reg  <= length;
            place_reg <= 2'd0;
        end else if ((send && word_valid) || (drain && taken)) begin
            // minus 1, or minus 4 by words with the remainder taken for one
            left_reg  <= drain && left_reg[10:2] == 9'd0 ? 11'd0
                : left_reg + {9'h1FF, {2{!drain}}};
            place_reg <= place_reg + 2'd1;
        end

        if (rst) state_reg <= S_IDLE;
    end

    wire [7:0] crc_byte = state_reg == S_CRC_L ? crc16[7:0] : crc16[15:8];

    always @* begin
        case (state_reg)
            S_PID:            utmi_txdata = {~pid, pid};
            S_DATA:           utmi_txdata = word[8*place_reg +: 8];
            S_CRC_L, S_CRC_H: utmi_txdata = crc_byte ^ {8{!late_reg}};
            default:          utmi_txdata = 8'h00;
        endcase
    end

    assign busy         = state_reg != S_IDLE;
    assign utmi_txvalid = busy && !drain;
    assign crc_clear    = state_reg == S_PID;
    assign crc_enable   = send;

endmodule

`resetall
