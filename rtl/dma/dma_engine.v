// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// DMA: moves one packet at a time between the packet RAM and memory, or a descriptor. A burst ends
// where a line of the length that software chose ends, so that none crosses 4 KiB. Reads are
// issued without waiting for data, writes without waiting for responses; `done` comes after the
// last response.
module dma_engine #(
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12,
    // AXI4 data path in bits, 32 or 64
    parameter DATA_WIDTH = 32
) (
    input  wire                     clk,
    input  wire                     rst,

    // job: receive (Rx FIFO to memory), discard (out of the Rx FIFO), else memory to Tx FIFO
    input  wire                     start,
    input  wire                     start_receive,
    input  wire                     start_discard,
    // load two words of a descriptor, store one
    input  wire                     start_load,
    input  wire                     start_store,
    input  wire [31:0]              store_data,
    output wire [31:0]              loaded_status,
    output wire [31:0]              loaded_buffer,
    input  wire [31:0]              start_address,
    // bytes to move, 1 to 1024
    input  wire [10:0]              start_bytes,
    // Tx FIFO: first free address, and base and depth
    input  wire [ADDRESS_WIDTH-1:0] start_ram_address,
    input  wire [31:0]              start_size,
    // GAHBCFG.HBstLen: 0 single, 3 INCR4, 5 INCR8, 7 INCR16, else as long as it goes
    input  wire [3:0]               burst_code,
    output wire                     busy,
    // the job is finished; stays until `clear`
    output wire                     done,
    output wire                     error,
    input  wire                     clear,

    // Rx FIFO head
    input  wire                     head_valid,
    input  wire [31:0]              head_data,
    output wire                     head_pop,

    // write port of the packet RAM
    output wire                     ram_write,
    output wire [ADDRESS_WIDTH-1:0] ram_address,
    output wire [31:0]              ram_data,

    // for the trace: a word crossed, at this address, with this many bytes less one
    output wire                     trace_write,
    output wire                     trace_read,
    output wire [23:0]              trace_address,
    output wire [31:0]              trace_data,

    output wire [0:0]               m_axi_awid,
    output wire [31:0]              m_axi_awaddr,
    output wire [7:0]               m_axi_awlen,
    output wire [2:0]               m_axi_awsize,
    output wire [1:0]               m_axi_awburst,
    output wire                     m_axi_awlock,
    output wire [3:0]               m_axi_awcache,
    output wire [2:0]               m_axi_awprot,
    output wire                     m_axi_awvalid,
    input  wire                     m_axi_awready,
    output wire [DATA_WIDTH-1:0]    m_axi_wdata,
    output wire [DATA_WIDTH/8-1:0]  m_axi_wstrb,
    output wire                     m_axi_wlast,
    output wire                     m_axi_wvalid,
    input  wire                     m_axi_wready,
    input  wire [0:0]               m_axi_bid,
    input  wire [1:0]               m_axi_bresp,
    input  wire                     m_axi_bvalid,
    output wire                     m_axi_bready,
    output wire [0:0]               m_axi_arid,
    output wire [31:0]              m_axi_araddr,
    output wire [7:0]               m_axi_arlen,
    output wire [2:0]               m_axi_arsize,
    output wire [1:0]               m_axi_arburst,
    output wire                     m_axi_arlock,
    output wire [3:0]               m_axi_arcache,
    output wire [2:0]               m_axi_arprot,
    output wire                     m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire [0:0]               m_axi_rid,
    input  wire [DATA_WIDTH-1:0]    m_axi_rdata,
    input  wire [1:0]               m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output wire                     m_axi_rready
);

    localparam A = ADDRESS_WIDTH;

    localparam [2:0] IDLE = 3'd0;
    localparam [2:0] ADDRESS = 3'd1;
    localparam [2:0] DATA = 3'd2;
    localparam [2:0] RESPONSE = 3'd3;
    localparam [2:0] DISCARD = 3'd4;
    localparam [2:0] DONE = 3'd5;

    reg [2:0]   state_reg, state_next;
    reg         receive_reg, receive_next;
    reg         load_reg, load_next;
    reg         store_reg, store_next;
    reg         error_reg, error_next;
    // line in which a burst stays: longer than 1, 4, 8, 16 beats
    reg [3:0]   line_reg, line_next;
    // next word to write or to ask for, and how many come behind it
    reg [29:0]  address_reg, address_next;
    reg [7:0]   more_reg, more_next;
    reg [1:0]   tail_reg, tail_next;
    // bursts that have no response yet
    reg [3:0]   pending_reg, pending_next;
    reg [A-1:0] ram_reg, ram_next;
    reg [A-1:0] base_reg, base_next;
    reg [A-1:0] end_reg, end_next;
    reg [31:0]  status_reg, buffer_reg;
    // for the trace
    reg [21:0]  moved_reg;

    // 32-bit words, as if the data path had this width
    wire        word_ready;
    wire        word_valid;
    wire        word_last;
    wire [31:0] word_data;

    wire [9:0] start_less = start_bytes[9:0] - 10'd1;
    wire [A-1:0] ram_above = ram_reg + 1'b1;
    wire [9:0] line = (DATA_WIDTH == 64)
                      ? {{5{line_reg[3]}}, line_reg[2], line_reg[1], {2{line_reg[0]}}, 1'b1}
                      : {{6{line_reg[3]}}, line_reg[2], line_reg[1], {2{line_reg[0]}}};
    // words to the end of the line and in this burst, less one
    wire [9:0] to_line = ~address_reg[9:0] & line;
    wire       last_burst = ({2'd0, more_reg} <= to_line);
    wire [7:0] burst = last_burst ? more_reg : to_line[7:0];

    wire data_there = head_valid || store_reg;
    wire issue = receive_reg ? m_axi_awvalid && m_axi_awready : m_axi_arvalid && m_axi_arready;
    wire write_beat = (state_reg == DATA) && data_there && word_ready;
    wire read_beat = word_valid;
    wire retire = m_axi_bvalid || (word_valid && word_last);
    wire drop_word = (state_reg == DISCARD) && head_valid;
    wire final_word = (more_reg == 8'd0);
    wire final_of_burst = final_word || (to_line == 10'd0);
    wire [3:0] final_strobes = {tail_reg == 2'd0, (tail_reg == 2'd0) || (tail_reg == 2'd3),
                                tail_reg != 2'd1, 1'b1};
    wire [31:0] write_data = store_reg ? buffer_reg : head_data;
    wire [3:0]  write_strobes = final_word ? final_strobes : 4'b1111;
    wire        write_valid = (state_reg == DATA) && data_there;

    wire unused_ok = &{1'b0, start_size, start_address[1:0], start_bytes[10],
                       start_less[1:0], m_axi_bid, m_axi_rid,
                       m_axi_bresp[0], m_axi_rresp[0], 1'b0};

    assign busy = (state_reg != IDLE);
    assign done = (state_reg == DONE);
    assign error = error_reg;
    assign loaded_status = status_reg;
    assign loaded_buffer = buffer_reg;
    assign head_pop = (write_beat && !store_reg) || drop_word;
    assign ram_write = read_beat && !load_reg;
    assign ram_address = ram_reg;
    assign ram_data = word_data;

    assign trace_write = write_beat;
    assign trace_read = read_beat;
    assign trace_address = {moved_reg,
                            !receive_reg ? 2'd0 : final_word ? tail_reg - 2'd1 : 2'd3};
    assign trace_data = receive_reg ? write_data : word_data;

    assign m_axi_awid = 1'b0;
    assign m_axi_awaddr = {address_reg, 2'b00};
    assign m_axi_awburst = 2'b01;
    assign m_axi_awlock = 1'b0;
    assign m_axi_awcache = 4'b0011;
    assign m_axi_awprot = 3'b000;
    assign m_axi_awvalid = (state_reg == ADDRESS) && receive_reg && (pending_reg != 4'd15);
    assign m_axi_bready = 1'b1;
    assign m_axi_arid = 1'b0;
    assign m_axi_araddr = {address_reg, 2'b00};
    assign m_axi_arburst = 2'b01;
    assign m_axi_arlock = 1'b0;
    assign m_axi_arcache = 4'b0011;
    assign m_axi_arprot = 3'b000;
    assign m_axi_arvalid = (state_reg == ADDRESS) && !receive_reg && (pending_reg != 4'd15);

    generate
        if (DATA_WIDTH == 64) begin : g_wide
            wire [7:0] beats;
            dma_widen dma_widen (
                .clk(clk), .rst(rst),
                .start(start && (state_reg == IDLE)), .start_odd(start_address[2]),
                .start_words(start_load ? 8'd1 : start_less[9:2]),
                .odd(address_reg[0]), .words(burst), .beats(beats),
                .write_valid(write_valid), .write_ready(word_ready), .write_data(write_data),
                .write_strobes(write_strobes), .write_last(final_of_burst),
                .read_valid(word_valid), .read_data(word_data), .read_last(word_last),
                .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb),
                .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready),
                .m_axi_rdata(m_axi_rdata), .m_axi_rlast(m_axi_rlast),
                .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready)
            );
            assign m_axi_awlen = beats;
            assign m_axi_arlen = beats;
            assign m_axi_awsize = 3'd3;
            assign m_axi_arsize = 3'd3;
        end else begin : g_narrow
            assign word_ready = m_axi_wready;
            assign word_valid = m_axi_rvalid;
            assign word_last = m_axi_rlast;
            assign word_data = m_axi_rdata;
            assign m_axi_awlen = burst;
            assign m_axi_arlen = burst;
            assign m_axi_awsize = 3'd2;
            assign m_axi_arsize = 3'd2;
            assign m_axi_wdata = write_data;
            assign m_axi_wstrb = write_strobes;
            assign m_axi_wvalid = write_valid;
            assign m_axi_rready = 1'b1;
        end
    endgenerate

    assign m_axi_wlast = final_of_burst;

    always @* begin
        state_next = state_reg;
        receive_next = receive_reg;
        load_next = load_reg;
        store_next = store_reg;
        error_next = error_reg || (m_axi_bvalid && m_axi_bresp[1])
                     || (read_beat && m_axi_rresp[1]);
        line_next = line_reg;
        address_next = address_reg;
        more_next = more_reg;
        tail_next = tail_reg;
        pending_next = pending_reg + {3'd0, issue} - {3'd0, retire};
        ram_next = ram_reg;
        base_next = base_reg;
        end_next = end_reg;

        if (receive_reg ? write_beat : issue) begin
            address_next = (address_reg | {20'd0, line & {10{!receive_reg}}}) + 1'b1;
        end
        if (receive_reg ? (write_beat || drop_word) : issue) begin
            // a burst and one, or a word
            more_next = more_reg + ~(burst & {8{!receive_reg}});
        end
        if (read_beat) begin
            ram_next = (ram_above == end_reg) ? base_reg : ram_above;
        end

        case (state_reg)
            IDLE: begin
                line_next = {(burst_code != 4'd0) && (burst_code != 4'd3)
                             && (burst_code != 4'd5) && (burst_code != 4'd7),
                             (burst_code != 4'd0) && (burst_code != 4'd3)
                             && (burst_code != 4'd5),
                             (burst_code != 4'd0) && (burst_code != 4'd3),
                             burst_code != 4'd0};
                // what a job would be: `start` comes late in the clock
                receive_next = start_store || (start_receive && !start_load);
                load_next = start_load;
                store_next = start_store;
                error_next = 1'b0;
                address_next = start_address[31:2];
                more_next = start_load ? 8'd1 : start_store ? 8'd0 : start_less[9:2];
                tail_next = start_store ? 2'd0 : start_bytes[1:0];
                ram_next = start_ram_address;
                base_next = start_size[A-1:0];
                end_next = start_size[A-1:0] + start_size[16+A-1:16];
                if (start) begin
                    state_next = start_discard ? DISCARD : ADDRESS;
                end
            end
            ADDRESS: begin
                if (issue) begin
                    state_next = receive_reg ? DATA : last_burst ? RESPONSE : ADDRESS;
                end
            end
            DATA: begin
                if (write_beat && final_of_burst) begin
                    state_next = final_word ? RESPONSE : ADDRESS;
                end
            end
            RESPONSE: begin
                if (pending_reg == 4'd0) begin
                    state_next = DONE;
                end
            end
            DISCARD: begin
                if (drop_word && final_word) begin
                    state_next = DONE;
                end
            end
            default: begin
                if (clear) begin
                    state_next = IDLE;
                end
            end
        endcase
    end

    always @(posedge clk) begin
        state_reg <= state_next;
        receive_reg <= receive_next;
        load_reg <= load_next;
        store_reg <= store_next;
        error_reg <= error_next;
        line_reg <= line_next;
        address_reg <= address_next;
        more_reg <= more_next;
        tail_reg <= tail_next;
        pending_reg <= pending_next;
        ram_reg <= ram_next;
        base_reg <= base_next;
        end_reg <= end_next;
        if (read_beat && load_reg) begin
            status_reg <= buffer_reg;
            buffer_reg <= word_data;
        end
        if (start && start_store && (state_reg == IDLE)) begin
            buffer_reg <= store_data;
        end
        moved_reg <= (state_reg == IDLE) ? start_address[23:2]
                     : moved_reg + {21'd0, write_beat || read_beat};
        if (rst) begin
            state_reg <= IDLE;
            pending_reg <= 4'd0;
        end
    end

endmodule

`resetall
