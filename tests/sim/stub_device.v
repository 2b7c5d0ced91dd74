// SPDX-License-Identifier: Apache-2.0
// A stand-in for the controller with its ports: just enough of a USB device to test the host side
// against, with known misbehaviour per endpoint. No registers, no DMA.
//
// Endpoint 1 gives back the last OUT payload; 2 NAKs, 3 stalls, 4 answers NYET to OUT; 5 IN has a
// bad CRC, 6 IN a bad PID, 7 answers too late, 8 too early, 9 sends 1024 bytes of 0xFF, 10 sends
// {acknowledgements seen, good packets without SOFs, bad packets, last handshake PID}; 15: silent.

`resetall
`timescale 1ps / 1ps
`default_nettype none

module udc #
(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter EP_DIRECTIONS = 0,
    parameter FIFO_WORDS = 4096,
    parameter DEDICATED_FIFO = 1,
    parameter DMA = 2,
    parameter DESC_DMA = 0,
    parameter LPM = 0,
    parameter COMMANDS = 0,
    parameter CMD_LATENCY = 1000,
    parameter SOFT_DISCONNECT = 1,
    parameter SUPERSPEED = 0,
    parameter DATA_WIDTH = 32,
    parameter UTMI_WIDTH = 8,
    parameter TIME_SCALE = 1,
    parameter TRACE = 0
)
(
    input  wire         core_clk,
    input  wire         core_rst,
    input  wire         utmi_clk,
    input  wire [17:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output reg          s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [17:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output reg          s_axil_rvalid,
    input  wire         s_axil_rready,
    output wire         m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire [7:0]   m_axi_awlen,
    output wire [2:0]   m_axi_awsize,
    output wire [1:0]   m_axi_awburst,
    output wire         m_axi_awlock,
    output wire [3:0]   m_axi_awcache,
    output wire [2:0]   m_axi_awprot,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [31:0]  m_axi_wdata,
    output wire [3:0]   m_axi_wstrb,
    output wire         m_axi_wlast,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire         m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire         m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire [7:0]   m_axi_arlen,
    output wire [2:0]   m_axi_arsize,
    output wire [1:0]   m_axi_arburst,
    output wire         m_axi_arlock,
    output wire [3:0]   m_axi_arcache,
    output wire [2:0]   m_axi_arprot,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire         m_axi_rid,
    input  wire [31:0]  m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rlast,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready,
    output reg          utmi_txvalid,
    output wire         utmi_txvalidh,
    input  wire         utmi_txready,
    output reg  [7:0]   utmi_txdata,
    input  wire         utmi_rxactive,
    input  wire         utmi_rxvalid,
    input  wire         utmi_rxvalidh,
    input  wire         utmi_rxerror,
    input  wire [7:0]   utmi_rxdata,
    input  wire [1:0]   utmi_linestate,
    output reg  [1:0]   utmi_opmode,
    output reg  [1:0]   utmi_xcvrselect,
    output reg          utmi_termselect,
    output wire         utmi_suspendm,
    input  wire         utmi_vbusvalid,
    output wire         irq,
    output wire [31:0]  ep_irq,
    output wire [7:0]   trace_valid,
    output wire [511:0] trace_data
);

// Bus side: every access is answered, nothing happens.
assign utmi_txvalidh = 1'b0;
assign {s_axil_awready, s_axil_wready, s_axil_bresp} = {2{s_axil_awvalid && s_axil_wvalid}} << 2;
assign {s_axil_arready, s_axil_rdata, s_axil_rresp} = {1'b1, 32'h5AFE57AB, 2'b00};
assign {m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst, m_axi_awlock} = 47'd0;
assign {m_axi_awcache, m_axi_awprot, m_axi_awvalid} = 8'd0;
assign {m_axi_wdata, m_axi_wstrb, m_axi_wlast, m_axi_wvalid, m_axi_bready} = 39'd0;
assign {m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst, m_axi_arlock} = 47'd0;
assign {m_axi_arcache, m_axi_arprot, m_axi_arvalid, m_axi_rready} = 9'd0;
assign {irq, ep_irq, trace_valid, trace_data, utmi_suspendm} = {553'd0, 1'b1};

always @(posedge core_clk) begin
    s_axil_bvalid <= (s_axil_awvalid && s_axil_wvalid) || (s_axil_bvalid && !s_axil_bready);
    s_axil_rvalid <= (s_axil_arvalid && !s_axil_rvalid) || (s_axil_rvalid && !s_axil_rready);
    if (core_rst) begin
        s_axil_bvalid <= 1'b0;
        s_axil_rvalid <= 1'b0;
    end
end

localparam [1:0] SE0 = 2'b00, J = 2'b01, K = 2'b10;
localparam [3:0] OUT = 4'h1, IN = 4'h9, SETUP = 4'hD, PING = 4'h4;
localparam [3:0] ACK = 4'h2, NAK = 4'hA, STALL = 4'hE, NYET = 4'h6, DATA0 = 4'h3;
localparam [3:0] MODE_OFF = 4'd0, MODE_FS = 4'd1, MODE_CHIRP = 4'd2, MODE_COUNT = 4'd3,
    MODE_HS = 4'd4,
    MODE_SETTLE = 4'd5, MODE_SUSPENDED = 4'd6, MODE_RESUMED = 4'd7, MODE_WAKE = 4'd8,
    MODE_SETTLED_FS = 4'd9;

function [15:0] crc16;
    input [15:0] before;
    input [7:0]  value;
    integer      i;
    begin
        crc16 = before;
        for (i = 0; i < 8; i = i + 1)
            crc16 = {1'b0, crc16[15:1]} ^ (crc16[0] ^ value[i] ? 16'hA001 : 16'h0000);
    end
endfunction

function [4:0] crc5;
    input [10:0] value;
    integer      i;
    begin
        crc5 = 5'h1F;
        for (i = 0; i < 11; i = i + 1)
            crc5 = {1'b0, crc5[4:1]} ^ (crc5[0] ^ value[i] ? 5'h14 : 5'h00);
        crc5 = ~crc5;
    end
endfunction

// Line states, and when the line last moved
reg [3:0]  mode = MODE_OFF;
reg [31:0] still = 32'd0;
reg [31:0] timer = 32'd0;
reg [1:0]  line_before = SE0;
reg [3:0]  alternations = 4'd0;
reg        high_speed = 1'b0;
reg        may_wake = 1'b0;
reg        full_speed_only = 1'b0;

// Packets
reg [7:0]  store [0:1023];
reg [10:0] stored = 11'd0;
reg [7:0]  packet [0:1279];
reg [10:0] received = 11'd0;
reg        bad = 1'b0;
reg        active_before = 1'b0;
reg [15:0] crc = 16'hFFFF;
reg [3:0]  token = 4'd0;
reg [3:0]  endpoint = 4'd0;
reg [6:0]  address = 7'd0;
reg [3:0]  toggle = DATA0;
reg [7:0]  acks = 8'd0;
reg [7:0]  goods = 8'd0;
reg [7:0]  bads = 8'd0;
reg [7:0]  last_handshake = 8'd0;
reg [7:0]  delay = 8'd0;
reg        answering = 1'b0;
reg        answer_data = 1'b0;
reg [7:0]  answer_pid = 8'd0;
reg [10:0] answer_length = 11'd0;
reg [10:0] index = 11'd0;
reg [10:0] end_index = 11'd0;
reg        sending = 1'b0;
reg [15:0] tx_crc = 16'hFFFF;
reg [7:0]  next_byte;
integer    n;

function [7:0] pid_byte;
    input [3:0] pid;
    pid_byte = {~pid, pid};
endfunction

task answer;
    input       data;
    input [3:0] pid;
    begin
        answering = 1'b1;
        answer_data = data;
        answer_pid = pid_byte(pid);
        delay = endpoint == 4'd7 ? (high_speed ? 8'd30 : 8'd60) : endpoint == 4'd8 ? 8'd0 : 8'd5;
    end
endtask

// One process with blocking assignments: this is a test fixture, not hardware.
/* verilator lint_off BLKSEQ */
always @(posedge utmi_clk) begin
    // Line
    timer = timer + 32'd1;
    still = utmi_linestate == line_before ? still + 32'd1 : 32'd0;
    case (mode)
        MODE_OFF: begin
            utmi_opmode <= 2'd1;
            utmi_xcvrselect <= 2'd1;
            utmi_termselect <= 1'b1;
            utmi_txvalid <= 1'b0;
            sending = 1'b0;
            high_speed = 1'b0;
            still = 32'd0;
            if (utmi_vbusvalid && !core_rst) begin
                utmi_opmode <= 2'd0;
                mode = MODE_FS;
            end
        end
        MODE_FS, MODE_SETTLED_FS:
            if (utmi_linestate == SE0 && still > 32'd150 && !sending && mode == MODE_FS) begin
                if (!full_speed_only) begin
                    mode = MODE_CHIRP;
                    timer = 32'd0;
                    utmi_xcvrselect <= 2'd0;
                    utmi_opmode <= 2'd2;
                    utmi_txvalid <= 1'b1;
                    utmi_txdata <= 8'd0;
                end
            end else if (utmi_linestate == J && still > 32'd150) begin
                mode = MODE_FS;
            end
        MODE_CHIRP:
            if (timer == 32'd1200) begin
                utmi_txvalid <= 1'b0;
                mode = MODE_COUNT;
                timer = 32'd0;
                alternations = 4'd0;
            end
        MODE_COUNT: begin
            if (still == 32'd100 && utmi_linestate == (alternations[0] ? J : K))
                alternations = alternations + 4'd1;
            if (alternations == 4'd6) begin
                mode = MODE_HS;
                high_speed = 1'b1;
                utmi_termselect <= 1'b0;
                utmi_opmode <= 2'd0;
            end else if (timer > 32'd4800) begin
                mode = MODE_SETTLED_FS;
                high_speed = 1'b0;
                utmi_xcvrselect <= 2'd1;
                utmi_opmode <= 2'd0;
            end
        end
        MODE_HS:
            if (utmi_linestate == SE0 && still > 32'd18000) begin
                mode = MODE_SETTLE;
                timer = 32'd0;
                utmi_xcvrselect <= 2'd1;
                utmi_termselect <= 1'b1;
            end
        MODE_SETTLE:
            if (timer > 32'd1200) begin
                mode = utmi_linestate == J ? MODE_SUSPENDED : MODE_FS;
                timer = 32'd0;
            end
        MODE_SUSPENDED:
            if (utmi_linestate == K) begin
                mode = MODE_RESUMED;
            end else if (may_wake && timer > 32'd6000) begin
                mode = MODE_WAKE;
                timer = 32'd0;
                may_wake = 1'b0;
                utmi_opmode <= 2'd2;
                utmi_txvalid <= 1'b1;
                utmi_txdata <= 8'd0;
            end
        MODE_WAKE:
            if (timer > 32'd1200) begin
                utmi_txvalid <= 1'b0;
                utmi_opmode <= 2'd0;
                mode = MODE_RESUMED;
            end
        default:
            // MODE_RESUMED
            if (utmi_linestate == SE0 && still > 32'd10) begin
                mode = high_speed ? MODE_HS : MODE_FS;
                utmi_xcvrselect <= high_speed ? 2'd0 : 2'd1;
                utmi_termselect <= !high_speed;
                still = 32'd0;
            end
    endcase
    line_before = utmi_linestate;
    if (!utmi_vbusvalid)
        mode = MODE_OFF;

    // Receive
    if (utmi_rxactive && !active_before) begin
        received = 11'd0;
        bad = 1'b0;
        crc = 16'hFFFF;
    end
    if (utmi_rxvalid) begin
        packet[received] = utmi_rxdata;
        if (received != 11'd0) crc = crc16(crc, utmi_rxdata);
        if (received != 11'd1279) received = received + 11'd1;
        if (utmi_rxerror) bad = 1'b1;
    end
    if (answering && !utmi_rxactive) begin
        if (delay == 8'd0) begin
            answering = 1'b0;
            sending = 1'b1;
            utmi_txvalid <= 1'b1;
            utmi_txdata <= answer_pid;
            index = 11'd0;
            tx_crc = 16'hFFFF;
            end_index = answer_data ? answer_length + 11'd2 : 11'd0;
        end
        delay = delay - 8'd1;
    end else if (sending && utmi_txready) begin
        if (index == end_index) begin
            utmi_txvalid <= 1'b0;
            sending = 1'b0;
        end else begin
            if (index < answer_length) begin
                case (endpoint)
                    4'd9: next_byte = 8'hFF;
                    4'd10: next_byte = index == 0 ? acks : index == 1 ? goods : index == 2 ? bads
                        : last_handshake;
                    default: next_byte = store[index[9:0]];
                endcase
                tx_crc = crc16(tx_crc, next_byte);
            end else begin
                next_byte = index == answer_length ? ~tx_crc[7:0] : ~tx_crc[15:8];
                if (endpoint == 4'd5) next_byte = ~next_byte;
            end
            utmi_txdata <= next_byte;
            index = index + 11'd1;
        end
    end
    if (!utmi_rxactive && active_before && !sending) begin
        if (received == 11'd0 || packet[0][3:0] != ~packet[0][7:4]) bad = 1'b1;
        case (packet[0][1:0])
            2'b01, 2'b00: begin
                token = 4'd0;
                if (received != 11'd3 || packet[2][7:3] != crc5({packet[2][2:0], packet[1]}))
                    bad = 1'b1;
                if (!bad && packet[0][3:0] != 4'h5) begin
                    endpoint = {packet[2][2:0], packet[1][7]};
                    address = packet[1][6:0];
                    if (address == 7'd0) token = packet[0][3:0];
                    answer_length = stored;
                    if (endpoint == 4'd9) answer_length = 11'd1024;
                    if (endpoint == 4'd10) answer_length = 11'd4;
                    if (token == IN || token == PING) begin
                        if (endpoint == 4'd2) answer(1'b0, NAK);
                        else if (endpoint == 4'd3) answer(1'b0, STALL);
                        else if (endpoint != 4'd15) begin
                            answer(token == IN, token == IN ? toggle : ACK);
                            if (endpoint == 4'd6) answer_pid = 8'h33;
                        end
                    end
                end
            end
            2'b11: begin
                if (received < 11'd3 || crc != 16'hB001) bad = 1'b1;
                if (!bad && (token == OUT || token == SETUP)) begin
                    if (endpoint != 4'd15) begin
                        stored = received - 11'd3;
                        for (n = 0; n < stored; n = n + 1)
                            store[n] = packet[n + 1];
                        toggle = packet[0][3:0];
                        if (token == SETUP) begin
                            may_wake = packet[1] == 8'hEE;
                            full_speed_only = packet[1] == 8'hF5;
                        end
                    end
                    case (endpoint)
                        4'd2: answer(1'b0, NAK);
                        4'd3: answer(1'b0, STALL);
                        4'd4: answer(1'b0, NYET);
                        4'd15: ;
                        default: answer(1'b0, ACK);
                    endcase
                end
                token = 4'd0;
            end
            default: begin
                if (received != 11'd1) bad = 1'b1;
                if (!bad) begin
                    last_handshake = {4'd0, packet[0][3:0]};
                    if (packet[0][3:0] == ACK) acks = acks + 8'd1;
                end
            end
        endcase
        if (bad) bads = bads + 8'd1;
        else if (packet[0] != 8'hA5) goods = goods + 8'd1;
    end
    active_before = utmi_rxactive;
end
/* verilator lint_on BLKSEQ */

initial begin
    utmi_txvalid = 1'b0;
    utmi_txdata = 8'd0;
    utmi_opmode = 2'd1;
    utmi_xcvrselect = 2'd1;
    utmi_termselect = 1'b1;
    s_axil_bvalid = 1'b0;
    s_axil_rvalid = 1'b0;
end

endmodule

`resetall
