// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Buffer DMA: moves one packet at a time between the packet RAM and memory, as AXI4 INCR bursts.
// A burst ends at a 64-byte line, so that it has at most 16 beats and never crosses 4 KiB. One
// burst is outstanding at a time; `done` comes after the last response.
module dma_engine #(
    // bits of a word address of the packet RAM
    parameter ADDRESS_WIDTH = 12
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
    output wire [31:0]              m_axi_wdata,
    output wire [3:0]               m_axi_wstrb,
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
    input  wire [31:0]              m_axi_rdata,
    input  wire [1:0]               m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output wire                     m_axi_rready
);

    localparam A = ADDRESS_WIDTH;

    localparam [2:0] IDLE = 3'd0;
    localparam [2:0] PLAN = 3'd1;
    localparam [2:0] ADDRESS = 3'd2;
    localparam [2:0] DATA = 3'd3;
    localparam [2:0] RESPONSE = 3'd4;
    localparam [2:0] DISCARD = 3'd5;
    localparam [2:0] DONE = 3'd6;

    reg [2:0]   state_reg, state_next;
    reg         receive_reg, receive_next;
    reg         error_reg, error_next;
    reg [29:0]  address_reg, address_next;
    reg [8:0]   words_reg, words_next;
    reg [1:0]   tail_reg, tail_next;
    reg [3:0]   beats_reg, beats_next;
    reg [A-1:0] ram_reg, ram_next;
    reg [A-1:0] base_reg, base_next;
    reg [A-1:0] end_reg, end_next;
    reg         load_reg, load_next;
    reg         store_reg, store_next;
    reg [31:0]  status_reg, buffer_reg;

    wire [10:0] bytes_up = start_bytes + 11'd3;
    wire [A-1:0] ram_above = ram_reg + 1'b1;
    // beats to the end of the 64-byte line, less one
    wire [3:0] to_line = ~address_reg[3:0];
    wire data_there = head_valid || store_reg;
    wire write_beat = (state_reg == DATA) && receive_reg && data_there && m_axi_wready;
    wire read_beat = (state_reg == DATA) && !receive_reg && m_axi_rvalid;
    wire drop_word = (state_reg == DISCARD) && head_valid;
    wire final_word = (words_reg == 9'd1);
    wire [3:0] final_strobes = {tail_reg == 2'd0, (tail_reg == 2'd0) || (tail_reg == 2'd3),
                                tail_reg != 2'd1, 1'b1};

    wire unused_ok = &{1'b0, start_size, start_address[1:0], bytes_up[1:0], m_axi_bid, m_axi_rid,
                       m_axi_rlast, m_axi_bresp[0], m_axi_rresp[0], 1'b0};

    assign busy = (state_reg != IDLE);
    assign done = (state_reg == DONE);
    assign error = error_reg;
    assign loaded_status = status_reg;
    assign loaded_buffer = buffer_reg;
    assign head_pop = (write_beat && !store_reg) || drop_word;
    assign ram_write = read_beat && !load_reg;
    assign ram_address = ram_reg;
    assign ram_data = m_axi_rdata;

    assign trace_write = write_beat;
    assign trace_read = read_beat;
    assign trace_address = {address_reg[21:0],
                            !receive_reg ? 2'd0 : final_word ? tail_reg - 2'd1 : 2'd3};
    assign trace_data = receive_reg ? m_axi_wdata : m_axi_rdata;

    assign m_axi_awid = 1'b0;
    assign m_axi_awaddr = {address_reg, 2'b00};
    assign m_axi_awlen = {4'd0, beats_reg};
    assign m_axi_awsize = 3'd2;
    assign m_axi_awburst = 2'b01;
    assign m_axi_awlock = 1'b0;
    assign m_axi_awcache = 4'b0011;
    assign m_axi_awprot = 3'b000;
    assign m_axi_awvalid = (state_reg == ADDRESS) && receive_reg;
    assign m_axi_wdata = store_reg ? buffer_reg : head_data;
    assign m_axi_wstrb = final_word ? final_strobes : 4'b1111;
    assign m_axi_wlast = (beats_reg == 4'd0);
    assign m_axi_wvalid = (state_reg == DATA) && receive_reg && data_there;
    assign m_axi_bready = (state_reg == RESPONSE);
    assign m_axi_arid = 1'b0;
    assign m_axi_araddr = {address_reg, 2'b00};
    assign m_axi_arlen = {4'd0, beats_reg};
    assign m_axi_arsize = 3'd2;
    assign m_axi_arburst = 2'b01;
    assign m_axi_arlock = 1'b0;
    assign m_axi_arcache = 4'b0011;
    assign m_axi_arprot = 3'b000;
    assign m_axi_arvalid = (state_reg == ADDRESS) && !receive_reg;
    assign m_axi_rready = (state_reg == DATA) && !receive_reg;

    always @* begin
        state_next = state_reg;
        receive_next = receive_reg;
        error_next = error_reg;
        address_next = address_reg;
        words_next = words_reg;
        tail_next = tail_reg;
        beats_next = beats_reg;
        ram_next = ram_reg;
        base_next = base_reg;
        end_next = end_reg;
        load_next = load_reg;
        store_next = store_reg;

        if (write_beat || read_beat) begin
            address_next = address_reg + 1'b1;
            beats_next = beats_reg - 1'b1;
            ram_next = (ram_above == end_reg) ? base_reg : ram_above;
        end
        if (write_beat || read_beat || drop_word) begin
            words_next = words_reg - 1'b1;
        end

        case (state_reg)
            IDLE: begin
                if (start) begin
                    receive_next = start_store || (start_receive && !start_load);
                    load_next = start_load;
                    store_next = start_store;
                    error_next = 1'b0;
                    address_next = start_address[31:2];
                    words_next = start_load ? 9'd2 : start_store ? 9'd1 : bytes_up[10:2];
                    tail_next = start_store ? 2'd0 : start_bytes[1:0];
                    ram_next = start_ram_address;
                    base_next = start_size[A-1:0];
                    end_next = start_size[A-1:0] + start_size[16+A-1:16];
                    state_next = start_discard ? DISCARD : PLAN;
                end
            end
            PLAN: begin
                beats_next = (words_reg > {5'd0, to_line}) ? to_line : words_reg[3:0] - 1'b1;
                state_next = ADDRESS;
            end
            ADDRESS: begin
                if (receive_reg ? m_axi_awready : m_axi_arready) begin
                    state_next = DATA;
                end
            end
            DATA: begin
                if (read_beat && m_axi_rresp[1]) begin
                    error_next = 1'b1;
                end
                if ((write_beat || read_beat) && (beats_reg == 4'd0)) begin
                    state_next = receive_reg ? RESPONSE : final_word ? DONE : PLAN;
                end
            end
            RESPONSE: begin
                if (m_axi_bvalid) begin
                    error_next = error_reg || m_axi_bresp[1];
                    state_next = (words_reg == 9'd0) ? DONE : PLAN;
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
        error_reg <= error_next;
        address_reg <= address_next;
        words_reg <= words_next;
        tail_reg <= tail_next;
        beats_reg <= beats_next;
        ram_reg <= ram_next;
        base_reg <= base_next;
        load_reg <= load_next;
        store_reg <= store_next;
        if (read_beat && load_reg) begin
            status_reg <= final_word ? status_reg : m_axi_rdata;
            buffer_reg <= m_axi_rdata;
        end
        if (start && start_store) begin
            buffer_reg <= store_data;
        end
        end_reg <= end_next;
        if (rst) begin
            state_reg <= IDLE;
        end
    end

endmodule

`resetall
