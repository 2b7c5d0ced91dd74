// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The answer to an extended token with SubPID LPM, from the state of all endpoints. It comes in
// two messages: the address in the first packet, the attributes in the second, which is a token
// with the PID 0011 here. The answer is decided before the end of the packet is known: the token
// counts only when the handshake was sent.
module ep_lpm #(
    // IN endpoints with EP0, as many Tx FIFOs
    parameter INS = 8,
    // bits of a FIFO index
    parameter INDEX_WIDTH = 3
) (
    input  wire        clk,
    input  wire        rst,

    // {LPM_AcceptIsoc, LPM_RejectCtrl, AppL1Res, LPMCap}
    input  wire [3:0]  allowed,
    // first packet, it is for EP0 at our address
    input  wire        extended,
    input  wire        extended_ours,
    // second packet, its attributes: {bRemoteWake, BESL, bLinkState} in 8:0
    input  wire        act_lpm,
    input  wire [10:0] attributes,
    // kind of answer (see ep_token); 0 = none
    output wire [2:0]  kind,
    // the handshake was sent; its kind then, else 0; attributes of the token
    input  wire        act_sent,
    output wire [2:0]  sent_kind,
    output wire [10:0] sent_attributes,

    // SETUP word by word, then accepted; EP0 acknowledged an OUT packet, was acknowledged an IN
    // one, stalled a token
    input  wire        word,
    input  wire [31:0] word_data,
    input  wire        token,
    input  wire        setup,
    input  wire        received,
    input  wire        acknowledged,
    input  wire        stalled,
    input  wire        bus_reset,

    // a context comes by in the scan; it is the first one, an IN endpoint with this FIFO
    input  wire        scan,
    input  wire        scan_first,
    input  wire        is_in,
    input  wire        iso,
    input  wire        active,
    input  wire        enabled,
    input  wire [INDEX_WIDTH-1:0] fifo,

    input  wire [INS-1:0] tx_fifo_empty,
    input  wire        rx_fifo_empty
);

    localparam [2:0] SILENT = 3'd0, ACK = 3'd1, STALL = 3'd3, NYET = 3'd4;

    reg            ours_reg;
    reg  [2:0]     kind_reg;
    reg  [10:0]    attributes_reg;
    // word of the packet that comes next, if it is the first or the second; the SETUP is followed
    // by data to the host
    reg  [1:0]     place_reg;
    reg            setup_in_reg;
    // control transfer under way, its status stage is an OUT
    reg            control_reg;
    reg            status_out_reg;
    // FIFOs of isochronous endpoints
    reg  [INS-1:0] iso_fifo_reg;
    // isochronous endpoint enabled: seen in this round of the scan, known from this or the last
    reg            seen_reg;
    reg            iso_reg;

    wire found = scan && iso && active && enabled;
    wire refused = !allowed[1] || (allowed[2] && control_reg) || (!allowed[3] && iso_reg)
                   || !rx_fifo_empty || (|(~tx_fifo_empty & ~iso_fifo_reg));

    assign kind = !(act_lpm && ours_reg && allowed[0]) ? SILENT
                  : (attributes[3:0] != 4'd1) ? STALL : refused ? NYET : ACK;
    assign sent_kind = act_sent ? kind_reg : SILENT;
    assign sent_attributes = attributes_reg;

    always @(posedge clk) begin
        if (extended) begin
            ours_reg <= extended_ours;
        end
        if (act_lpm) begin
            kind_reg <= kind;
            attributes_reg <= attributes;
        end

        if (token) begin
            place_reg <= 2'd0;
        end else if (word) begin
            place_reg <= {place_reg[0], 1'b1};
            // bmRequestType bit 7, wLength
            if (!place_reg[0]) begin
                setup_in_reg <= word_data[7];
            end else if (!place_reg[1]) begin
                setup_in_reg <= setup_in_reg && (word_data[31:16] != 16'd0);
            end
        end
        if (setup) begin
            control_reg <= 1'b1;
            status_out_reg <= setup_in_reg;
        end
        if (bus_reset || stalled || (status_out_reg ? received : acknowledged)) begin
            control_reg <= 1'b0;
        end

        if (scan && is_in && active) begin
            iso_fifo_reg[fifo] <= iso;
        end
        if (scan) begin
            seen_reg <= found || (seen_reg && !scan_first);
            iso_reg <= found || (scan_first ? seen_reg : iso_reg);
        end

        if (rst) begin
            control_reg <= 1'b0;
            iso_fifo_reg <= {INS{1'b0}};
            seen_reg <= 1'b0;
            iso_reg <= 1'b0;
        end
    end

    wire unused_ok = &{1'b0, word_data, 1'b0};

endmodule

`resetall
