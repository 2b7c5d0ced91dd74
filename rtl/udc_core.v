// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Everything in the core clock: registers, endpoints, FIFOs, DMA. The USB side is a stream of
// messages, an answer to each token and a stream of words to send (usb2_link).
module udc_core #(
    // see udc
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter [31:0] EP_DIRECTIONS = 32'd0,
    parameter FIFO_WORDS = 4096,
    parameter DEDICATED_FIFO = 1,
    parameter DMA = 2,
    parameter DESC_DMA = 0,
    parameter LPM = 0,
    parameter UTMI_WIDTH = 8,
    parameter COMMANDS = 0,
    parameter CMD_LATENCY = 1000,
    parameter SOFT_DISCONNECT = 1,
    parameter DATA_WIDTH = 32,
    parameter TRACE = 0
) (
    input  wire         clk,
    input  wire         rst,

    input  wire [17:0]  s_axil_awaddr,
    input  wire         s_axil_awvalid,
    output wire         s_axil_awready,
    input  wire [31:0]  s_axil_wdata,
    input  wire [3:0]   s_axil_wstrb,
    input  wire         s_axil_wvalid,
    output wire         s_axil_wready,
    output wire [1:0]   s_axil_bresp,
    output wire         s_axil_bvalid,
    input  wire         s_axil_bready,
    input  wire [17:0]  s_axil_araddr,
    input  wire         s_axil_arvalid,
    output wire         s_axil_arready,
    output wire [31:0]  s_axil_rdata,
    output wire [1:0]   s_axil_rresp,
    output wire         s_axil_rvalid,
    input  wire         s_axil_rready,

    output wire [0:0]   m_axi_awid,
    output wire [31:0]  m_axi_awaddr,
    output wire [7:0]   m_axi_awlen,
    output wire [2:0]   m_axi_awsize,
    output wire [1:0]   m_axi_awburst,
    output wire         m_axi_awlock,
    output wire [3:0]   m_axi_awcache,
    output wire [2:0]   m_axi_awprot,
    output wire         m_axi_awvalid,
    input  wire         m_axi_awready,
    output wire [DATA_WIDTH-1:0] m_axi_wdata,
    output wire [DATA_WIDTH/8-1:0] m_axi_wstrb,
    output wire         m_axi_wlast,
    output wire         m_axi_wvalid,
    input  wire         m_axi_wready,
    input  wire [0:0]   m_axi_bid,
    input  wire [1:0]   m_axi_bresp,
    input  wire         m_axi_bvalid,
    output wire         m_axi_bready,
    output wire [0:0]   m_axi_arid,
    output wire [31:0]  m_axi_araddr,
    output wire [7:0]   m_axi_arlen,
    output wire [2:0]   m_axi_arsize,
    output wire [1:0]   m_axi_arburst,
    output wire         m_axi_arlock,
    output wire [3:0]   m_axi_arcache,
    output wire [2:0]   m_axi_arprot,
    output wire         m_axi_arvalid,
    input  wire         m_axi_arready,
    input  wire [0:0]   m_axi_rid,
    input  wire [DATA_WIDTH-1:0] m_axi_rdata,
    input  wire [1:0]   m_axi_rresp,
    input  wire         m_axi_rlast,
    input  wire         m_axi_rvalid,
    output wire         m_axi_rready,

    output wire         ctl_connect,
    output wire         ctl_full_speed_only,
    output wire [1:0]   ctl_periodic_part,
    output wire         ctl_remote_wakeup,
    output wire [2:0]   ctl_test,
    output wire         ctl_soft_reset,
    input  wire [1:0]   line_state,
    input  wire         vbus_valid,
    input  wire         rx_valid,
    output wire         rx_ready,
    input  wire [3:0]   rx_type,
    input  wire [31:0]  rx_data,
    output wire         ans_valid,
    output wire [2:0]   ans_kind,
    output wire [3:0]   ans_pid,
    output wire [10:0]  ans_length,
    output wire         tx_valid,
    input  wire         tx_ready,
    output wire [31:0]  tx_data,

    output wire         irq,
    output wire [31:0]  ep_irq,
    output wire [7:0]   trace_valid,
    output wire [511:0] trace_data
);

    localparam A = $clog2(FIFO_WORDS);

    // ---- reset and start-up -------------------------------------------------------------------

    wire        soft_reset;
    wire        soft_reset_wait;
    wire        reset = rst || soft_reset;
    wire        startup;
    wire [7:0]  startup_index;
    wire        startup_shadow;
    wire [31:0] startup_data;
    wire [31:0] startup_fifo_size;

    startup #(
        .FIFO_WORDS(FIFO_WORDS), .NUM_IN_EPS(NUM_IN_EPS), .DEDICATED_FIFO(DEDICATED_FIFO),
        .SOFT_DISCONNECT(SOFT_DISCONNECT)
    ) startup_sequence (
        .clk(clk), .rst(rst), .soft_reset(soft_reset),
        .active(startup), .index(startup_index), .shadow_write(startup_shadow),
        .shadow_data(startup_data), .fifo_size(startup_fifo_size)
    );

    // ---- register access ----------------------------------------------------------------------

    wire        csr_request;
    wire        csr_write;
    wire [17:2] csr_address;
    wire [31:0] csr_write_data, csr_masked_data;
    wire        csr_exists;
    wire        csr_acknowledge;
    wire [31:0] csr_read_data;
    wire [31:0] global_read_data;

    // accesses of software, to which the extension bank adds its own
    wire        soft_request, soft_write, soft_acknowledge;
    wire [17:2] soft_address;
    wire [31:0] soft_data;
    wire [31:0] ext_read_data, ext_causes;
    wire        injected, ext_valid;
    wire [63:0] ext_event;
    // what the endpoint logic sets (see ep_trace)
    wire        cause_valid;
    wire [63:0] cause_event;

    axil_slave axil_slave (
        .clk(clk), .rst(rst),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
        .request(soft_request), .request_write(soft_write), .request_address(soft_address),
        .request_data(soft_data), .acknowledge(soft_acknowledge), .read_data(csr_read_data)
    );

    generate
        if (COMMANDS != 0) begin : g_ext
            ext_bank #(.CMD_LATENCY(CMD_LATENCY)) ext_bank (
                .clk(clk), .rst(reset), .startup(startup), .startup_index(startup_index[4:0]),
                .dma_enable(dma_enable),
                .request(soft_request), .request_write(soft_write),
                .request_address(soft_address), .request_data(soft_data),
                .request_acknowledge(soft_acknowledge),
                .csr_request(csr_request), .csr_write(csr_write), .csr_address(csr_address),
                .csr_write_data(csr_write_data), .csr_acknowledge(csr_acknowledge),
                .csr_read_data(csr_read_data), .read_data(ext_read_data),
                // EPDisbld
                .rest(cause_valid && cause_event[1]),
                .rest_index({cause_event[35:32], cause_event[40]}), .bus_reset(reset_start),
                .causes(ext_causes),
                .injected(injected), .trace_valid(ext_valid), .trace_event(ext_event)
            );
        end else begin : g_no_ext
            assign csr_request = soft_request;
            assign csr_write = soft_write;
            assign csr_address = soft_address;
            assign csr_write_data = soft_data;
            assign soft_acknowledge = csr_acknowledge;
            assign ext_read_data = 32'd0;
            assign ext_causes = 32'd0;
            assign injected = 1'b0;
            assign ext_valid = 1'b0;
            assign ext_event = 64'd0;
        end
    endgenerate

    // ---- global registers ---------------------------------------------------------------------

    wire        dma_enable, descriptors, empty_level, session, soft_disconnect, full_speed;
    wire [6:0]  device_address, old_address;
    wire        old_address_valid;
    wire [13:0] frame, frame_next;
    wire [15:0] rx_depth;
    wire        rx_size_written;
    wire [15:0] in_mask, out_mask, empty_mask;
    wire        mask_written;
    wire        global_out_nak, global_in_nak, global_nak_push, stall_status;
    wire        rx_flush, tx_flush;
    wire [4:0]  tx_flush_fifo;
    wire        address_taken, global_nak_pushed, global_nak_popped;
    wire        rx_flushed, tx_flushed, reset_start, line_valid, sof_valid;
    wire        periodic_end, incomplete_in, incomplete_out, iso_lost;
    wire [31:0] daint, deachint;
    wire        fifo0_level, periodic_level, periodic_empty_level, mismatches;
    wire [4:0]  mismatch_limit;
    wire [3:0]  burst_code;
    wire        dma_busy;
    wire        head_valid;
    wire [31:0] head;
    wire [31:0] trace_gintsts, trace_gotgint;
    wire [3:0]  lpm_allowed;
    wire [2:0]  lpm_sent;
    wire [10:0] lpm_attributes;
    wire unused_lpm = &{1'b0, lpm_attributes, 1'b0};

    global_csr #(
        .NUM_IN_EPS(NUM_IN_EPS), .NUM_OUT_EPS(NUM_OUT_EPS), .FIFO_WORDS(FIFO_WORDS), .DMA(DMA),
        .DESC_DMA(DESC_DMA), .LPM(LPM), .UTMI_WIDTH(UTMI_WIDTH),
        .EP_DIRECTIONS(EP_DIRECTIONS), .DEDICATED_FIFO(DEDICATED_FIFO),
        .SOFT_DISCONNECT(SOFT_DISCONNECT)
    ) global_csr (
        .clk(clk), .rst(reset),
        .startup_write(startup_shadow), .startup_index(startup_index),
        .startup_data(startup_data),
        .address(csr_address), .write(csr_acknowledge && csr_write),
        .exists(csr_exists), .write_data(csr_write_data), .masked_data(csr_masked_data),
        .read_data(global_read_data),
        .line_valid(line_valid), .line(rx_data[5:0]), .sof_valid(sof_valid),
        .sof_frame(rx_data[10:0]), .periodic_end(periodic_end),
        .incomplete_in(incomplete_in), .incomplete_out(incomplete_out), .iso_lost(iso_lost),
        .line_state(line_state), .vbus_valid(vbus_valid),
        .connected(ctl_connect),
        .lpm_answered(lpm_sent != 3'd0), .lpm_kind(lpm_sent),
        .lpm_besl(lpm_attributes[7:4]), .lpm_remote_wake(lpm_attributes[8]),
        .lpm_allowed(lpm_allowed),
        .dma_busy(dma_busy), .rx_level(head_valid && !dma_enable), .fifo0_level(fifo0_level),
        .periodic_level(periodic_level), .mismatches(mismatches),
        .daint(daint), .deachint(deachint),
        .address_taken(address_taken), .global_nak_pushed(global_nak_pushed),
        .global_nak_popped(global_nak_popped), .rx_flushed(rx_flushed),
        .tx_flushed(tx_flushed), .reset_start(reset_start),
        .dma_enable(dma_enable), .burst_code(burst_code), .descriptors(descriptors),
        .empty_level(empty_level),
        .periodic_empty_level(periodic_empty_level), .mismatch_limit(mismatch_limit),
        .full_speed_only(ctl_full_speed_only), .periodic_part(ctl_periodic_part),
        .remote_wakeup(ctl_remote_wakeup),
        .stall_status(stall_status), .test_mode(ctl_test),
        .soft_disconnect(soft_disconnect), .session(session), .full_speed(full_speed),
        .device_address(device_address), .old_address_valid(old_address_valid),
        .old_address(old_address),
        .frame(frame), .frame_next(frame_next), .rx_depth(rx_depth),
        .rx_size_written(rx_size_written), .in_mask(in_mask), .out_mask(out_mask),
        .empty_mask(empty_mask), .mask_written(mask_written), .global_out_nak(global_out_nak),
        .global_in_nak(global_in_nak), .global_nak_push(global_nak_push),
        .rx_flush(rx_flush), .tx_flush(tx_flush), .tx_flush_fifo(tx_flush_fifo),
        .soft_reset_wait(soft_reset_wait), .soft_reset(soft_reset),
        .irq(irq), .ep_irq(ep_irq),
        .trace_gintsts(trace_gintsts), .trace_gotgint(trace_gotgint)
    );

    wire unused_frame = &{1'b0, frame[13:11], 1'b0};

    assign ctl_connect = session && !soft_disconnect && !startup;
    assign ctl_soft_reset = startup;

    // ---- endpoints ----------------------------------------------------------------------------

    wire         rx_fifo_open, rx_fifo_word, rx_fifo_commit, rx_fifo_drop, rx_fifo_push;
    wire [8:0]   rx_fifo_limit;
    wire [31:0]  rx_fifo_status;
    wire         rx_fifo_flush, rx_fifo_pop, rx_fifo_is_open, rx_fifo_overflow;
    wire [15:0]  rx_fifo_free;
    wire         push_write;
    wire [A-1:0] push_address;
    wire         send_start, send_stop;
    wire [A-1:0] send_address;
    wire [8:0]   send_words;
    wire [31:0]  fifo_size;
    wire         dma_start, dma_receive, dma_discard, dma_done, dma_error, dma_clear;
    wire [31:0]  dma_address;
    wire [10:0]  dma_bytes;
    wire [A-1:0] dma_ram_address;
    wire         dma_load, dma_store;
    wire [31:0]  dma_store_data, dma_loaded_status, dma_loaded_buffer;
    wire         op_valid, status_valid;
    wire [63:0]  op_event;
    wire [23:0]  status_arg;

    ep_core #(
        .NUM_IN_EPS(NUM_IN_EPS), .NUM_OUT_EPS(NUM_OUT_EPS), .ADDRESS_WIDTH(A), .LPM(LPM),
        .DESC_DMA(DESC_DMA), .EP_DIRECTIONS(EP_DIRECTIONS), .DEDICATED_FIFO(DEDICATED_FIFO)
    ) ep_core (
        .clk(clk), .rst(reset), .startup(startup), .startup_index(startup_index),
        .startup_fifo_size(startup_fifo_size),
        .rx_valid(rx_valid), .rx_ready(rx_ready), .rx_type(rx_type), .rx_data(rx_data),
        .ans_valid(ans_valid), .ans_kind(ans_kind), .ans_pid(ans_pid), .ans_length(ans_length),
        .csr_request(csr_request), .csr_write(csr_write), .csr_address(csr_address),
        .csr_write_data(csr_write_data), .csr_masked_data(csr_masked_data),
        .csr_exists(csr_exists), .csr_acknowledge(csr_acknowledge),
        .csr_read_data(csr_read_data), .global_read_data(global_read_data | ext_read_data),
        .other_causes(ext_causes),
        .dma_enable(dma_enable), .descriptors(descriptors), .empty_level(empty_level),
        .periodic_empty_level(periodic_empty_level), .mismatch_limit(mismatch_limit),
        .full_speed(full_speed),
        .device_address(device_address), .old_address_valid(old_address_valid),
        .old_address(old_address), .frame(frame[10:0]), .in_mask(in_mask), .out_mask(out_mask),
        .empty_mask(empty_mask), .mask_written(mask_written), .global_out_nak(global_out_nak),
        .global_in_nak(global_in_nak), .stall_status(stall_status),
        .test_nak(ctl_test == 3'd3), .lpm_allowed(lpm_allowed), .lpm_sent(lpm_sent),
        .lpm_attributes(lpm_attributes),
        .global_nak_push(global_nak_push), .rx_flush(rx_flush),
        .rx_size_written(rx_size_written), .tx_flush(tx_flush), .tx_flush_fifo(tx_flush_fifo),
        .soft_reset_wait(soft_reset_wait), .address_taken(address_taken),
        .global_nak_pushed(global_nak_pushed), .global_nak_popped(global_nak_popped),
        .rx_flushed(rx_flushed), .tx_flushed(tx_flushed), .reset_start(reset_start),
        .line_valid(line_valid), .sof_valid(sof_valid), .periodic_end(periodic_end),
        .incomplete_in(incomplete_in), .incomplete_out(incomplete_out), .iso_lost(iso_lost),
        .daint(daint), .deachint(deachint),
        .fifo0_level(fifo0_level), .periodic_level(periodic_level), .mismatches(mismatches),
        .rx_fifo_open(rx_fifo_open), .rx_fifo_limit(rx_fifo_limit), .rx_fifo_word(rx_fifo_word),
        .rx_fifo_commit(rx_fifo_commit), .rx_fifo_drop(rx_fifo_drop),
        .rx_fifo_push(rx_fifo_push), .rx_fifo_status(rx_fifo_status),
        .rx_fifo_flush(rx_fifo_flush), .rx_fifo_pop(rx_fifo_pop),
        .rx_fifo_is_open(rx_fifo_is_open), .rx_fifo_overflow(rx_fifo_overflow),
       
        .rx_fifo_free(rx_fifo_free), .rx_fifo_empty(rx_used == 16'd0), .head_valid(head_valid),
        .head(head),
        .push_write(push_write), .push_address(push_address),
        .send_start(send_start), .send_address(send_address), .send_words(send_words),
        .send_stop(send_stop), .fifo_size(fifo_size),
        .dma_start(dma_start), .dma_receive(dma_receive), .dma_discard(dma_discard),
        .dma_address(dma_address), .dma_bytes(dma_bytes), .dma_ram_address(dma_ram_address),
        .dma_load(dma_load), .dma_store(dma_store), .dma_store_data(dma_store_data),
        .dma_loaded_status(dma_loaded_status), .dma_loaded_buffer(dma_loaded_buffer),
        .dma_busy(dma_busy), .dma_done(dma_done), .dma_error(dma_error), .dma_clear(dma_clear),
        .trace_valid(op_valid), .trace_event(op_event), .trace_cause_valid(cause_valid),
        .trace_cause(cause_event), .trace_status_valid(status_valid),
        .trace_status_arg(status_arg)
    );

    // ---- packet RAM: port A for the USB side, port B for the bus side -------------------------

    wire         a_write;
    wire [A-1:0] a_write_address, a_read_address;
    wire [31:0]  a_write_data, a_read_data;
    wire [A-1:0] b_read_address;
    wire         dma_write;
    wire [A-1:0] dma_write_address;
    wire [31:0]  dma_write_data;
    wire         dma_pop;
    wire [15:0]  rx_used;
    wire         b_write = push_write || dma_write;
    // the FIFO was emptied under a job that moves a packet out of it: what is left of the packet
    // is made up, and nothing that has come since is popped for it
    reg          packet_lost_reg;
    wire         pop = rx_fifo_pop || (dma_pop && !packet_lost_reg);

    fifo_ram #(.WORDS(FIFO_WORDS), .ADDRESS_WIDTH(A)) fifo_ram (
        .clk(clk),
        .a_write(a_write), .a_address(a_write ? a_write_address : a_read_address),
        .a_write_data(a_write_data), .a_read_data(a_read_data),
        .b_write(b_write),
        .b_address(dma_write ? dma_write_address : push_write ? push_address : b_read_address),
        .b_write_data(dma_write ? dma_write_data : csr_write_data), .b_read_data(head)
    );

    rx_fifo #(.ADDRESS_WIDTH(A)) rx_fifo (
        .clk(clk), .rst(reset), .flush(rx_fifo_flush), .depth(rx_depth),
        .open(rx_fifo_open), .open_limit(rx_fifo_limit), .word_valid(rx_fifo_word),
        .word_data(rx_data), .commit(rx_fifo_commit), .commit_status(rx_fifo_status),
        .drop(rx_fifo_drop), .is_open(rx_fifo_is_open), .overflow(rx_fifo_overflow),
        .push(rx_fifo_push), .push_status(rx_fifo_status), .free(rx_fifo_free), .used(rx_used),
        .ram_write(a_write), .ram_write_address(a_write_address),
        .ram_write_data(a_write_data), .pop(pop), .read_address(b_read_address)
    );

    // the head was fetched in the clock before, and was committed before that
    reg head_valid_reg;
    assign head_valid = head_valid_reg;

    always @(posedge clk) begin
        packet_lost_reg <= dma_busy && (packet_lost_reg || rx_fifo_flush || (rx_used == 16'd0));
        if (reset || rx_fifo_flush) begin
            head_valid_reg <= 1'b0;
        end else if (b_write) begin
            head_valid_reg <= head_valid_reg && !pop;
        end else begin
            head_valid_reg <= (rx_used != {15'd0, pop});
        end
    end

    tx_reader #(.ADDRESS_WIDTH(A)) tx_reader (
        .clk(clk), .rst(reset), .start(send_start), .start_address(send_address),
        .size(fifo_size), .words(send_words), .stop(send_stop),
        .ram_address(a_read_address), .ram_granted(!a_write), .ram_data(a_read_data),
        .tx_valid(tx_valid), .tx_ready(tx_ready), .tx_data(tx_data)
    );

    // ---- DMA ----------------------------------------------------------------------------------

    wire         dma_trace_write, dma_trace_read;
    wire [23:0]  dma_trace_address;
    wire [31:0]  dma_trace_data;

    dma_engine #(.ADDRESS_WIDTH(A), .DATA_WIDTH(DATA_WIDTH)) dma_engine (
        .clk(clk), .rst(rst),
        .start(dma_start && (DMA != 0)), .start_receive(dma_receive),
        .start_discard(dma_discard), .start_load(dma_load), .start_store(dma_store),
        .store_data(dma_store_data), .loaded_status(dma_loaded_status),
        .loaded_buffer(dma_loaded_buffer), .start_address(dma_address), .start_bytes(dma_bytes),
        .start_ram_address(dma_ram_address), .start_size(fifo_size),
        .burst_code(burst_code), .busy(dma_busy),
        .done(dma_done), .error(dma_error), .clear(dma_clear),
        .head_valid(head_valid || packet_lost_reg), .head_data(head), .head_pop(dma_pop),
        .ram_write(dma_write), .ram_address(dma_write_address), .ram_data(dma_write_data),
        .trace_write(dma_trace_write), .trace_read(dma_trace_read),
        .trace_address(dma_trace_address), .trace_data(dma_trace_data),
        .m_axi_awid(m_axi_awid), .m_axi_awaddr(m_axi_awaddr), .m_axi_awlen(m_axi_awlen),
        .m_axi_awsize(m_axi_awsize), .m_axi_awburst(m_axi_awburst),
        .m_axi_awlock(m_axi_awlock), .m_axi_awcache(m_axi_awcache), .m_axi_awprot(m_axi_awprot),
        .m_axi_awvalid(m_axi_awvalid), .m_axi_awready(m_axi_awready),
        .m_axi_wdata(m_axi_wdata), .m_axi_wstrb(m_axi_wstrb), .m_axi_wlast(m_axi_wlast),
        .m_axi_wvalid(m_axi_wvalid), .m_axi_wready(m_axi_wready),
        .m_axi_bid(m_axi_bid), .m_axi_bresp(m_axi_bresp), .m_axi_bvalid(m_axi_bvalid),
        .m_axi_bready(m_axi_bready),
        .m_axi_arid(m_axi_arid), .m_axi_araddr(m_axi_araddr), .m_axi_arlen(m_axi_arlen),
        .m_axi_arsize(m_axi_arsize), .m_axi_arburst(m_axi_arburst),
        .m_axi_arlock(m_axi_arlock), .m_axi_arcache(m_axi_arcache), .m_axi_arprot(m_axi_arprot),
        .m_axi_arvalid(m_axi_arvalid), .m_axi_arready(m_axi_arready),
        .m_axi_rid(m_axi_rid), .m_axi_rdata(m_axi_rdata), .m_axi_rresp(m_axi_rresp),
        .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready)
    );

    // ---- trace port: within a clock, what an access sees comes before what the hardware sets --

    generate
        if (TRACE != 0) begin : g_trace
            wire sent = tx_valid && tx_ready;
            reg  [3:0] send_ep_reg;
            always @(posedge clk) begin
                if (send_start) begin
                    send_ep_reg <= op_event[43:40];
                end
            end
            // an access of a command is told as the command; its interrupt comes in the clock
            // behind, in which no operation is in ACT
            wire op_told = ext_valid || (op_valid && !(injected && csr_acknowledge));
            assign trace_valid = {dma_trace_write || dma_trace_read, sent,
                                  a_write && !rx_fifo_commit,
                                  trace_gotgint != 32'd0, trace_gintsts != 32'd0, sof_valid,
                                  cause_valid, op_told};
            assign trace_data = {
                dma_trace_write ? 8'd12 : 8'd13, dma_trace_address, dma_trace_data,
                8'd7, 20'd0, send_ep_reg, tx_data,
                status_valid ? {8'd9, status_arg, 32'd0} : {8'd4, 24'd0, a_write_data},
                8'd14, 24'h000300, trace_gotgint,
                8'd14, 24'h000000, trace_gintsts,
                8'd16, 24'd0, 18'd0, frame_next,
                cause_event, ext_valid ? ext_event : op_event};
        end else begin : g_no_trace
            assign trace_valid = 8'd0;
            assign trace_data = 512'd0;
            wire unused_ok = &{1'b0, op_valid, op_event, injected, ext_valid, ext_event,
                               cause_valid, cause_event,
                               status_valid, status_arg, trace_gintsts,
                               trace_gotgint, frame_next, dma_trace_write, dma_trace_read,
                               dma_trace_address, dma_trace_data, 1'b0};
        end
    endgenerate

endmodule

`resetall
