// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The DMA engine as AXI4 master: valid stays until ready with the same payload, bursts stay within
// the line that HBstLen chose and within 4 KiB, data come after their address, exactly as many as
// announced and the last one marked; all bytes of the job and no others are written, all words of
// it are asked for once; a finished job has all its responses; and the RAM is written inside the
// region of the FIFO only.
//
// Assumed of the rest of the core: the head of the receive FIFO stays until it is popped, a job
// has 1 to 1024 bytes and starts inside its FIFO. Of the slave: no response without a request,
// the data of reads in order and its last beat marked.
module prove_axi_master (
    input wire        clk,
    input wire        rst,
    input wire        start,
    input wire        start_receive,
    input wire        start_discard,
    input wire        start_load,
    input wire        start_store,
    input wire [31:0] store_data,
    input wire [31:0] start_address,
    input wire [10:0] start_bytes,
    input wire [8:0]  start_ram_address,
    input wire [31:0] start_size,
    input wire [3:0]  burst_code,
    input wire        clear,
    input wire        head_valid,
    input wire [31:0] head_data,
    input wire        awready,
    input wire        wready,
    input wire        bvalid,
    input wire [1:0]  bresp,
    input wire        arready,
    input wire        rvalid,
    input wire        rlast,
    input wire [63:0] rdata,
    input wire [1:0]  rresp
);

    localparam A = 9;
`ifdef WIDE
    localparam WIDE = 1;
`else
    localparam WIDE = 0;
`endif
    localparam DATA_WIDTH = WIDE ? 64 : 32;
    // bytes of a beat, less one
    localparam [12:0] BEAT = WIDE ? 13'd7 : 13'd3;

    wire        busy, done, error, head_pop, ram_write;
    wire [A-1:0] ram_address;
    wire [31:0] ram_data;
    wire [31:0] awaddr, araddr;
    wire [DATA_WIDTH-1:0] wdata;
    wire [DATA_WIDTH/8-1:0] wstrb;
    wire [7:0]  awlen, arlen;
    wire [2:0]  awsize, arsize;
    wire [1:0]  awburst, arburst;
    wire        awlock, arlock;
    wire        awvalid, wvalid, wlast, bready, arvalid, rready;

    dma_engine #(.ADDRESS_WIDTH(A), .DATA_WIDTH(DATA_WIDTH)) engine (
        .clk(clk), .rst(rst), .start(start), .start_receive(start_receive),
        .start_discard(start_discard), .start_load(start_load), .start_store(start_store),
        .store_data(store_data), .loaded_status(), .loaded_buffer(),
        .start_address(start_address),
        .start_bytes(start_bytes), .start_ram_address(start_ram_address),
        .start_size(start_size), .burst_code(burst_code),
        .busy(busy), .done(done), .error(error), .clear(clear),
        .head_valid(head_valid), .head_data(head_data), .head_pop(head_pop),
        .ram_write(ram_write), .ram_address(ram_address), .ram_data(ram_data),
        .trace_write(), .trace_read(), .trace_address(), .trace_data(),
        .m_axi_awid(), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize),
        .m_axi_awburst(awburst), .m_axi_awlock(awlock), .m_axi_awcache(), .m_axi_awprot(),
        .m_axi_awvalid(awvalid), .m_axi_awready(awready), .m_axi_wdata(wdata),
        .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid),
        .m_axi_wready(wready), .m_axi_bid(1'b0), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid),
        .m_axi_bready(bready), .m_axi_arid(), .m_axi_araddr(araddr), .m_axi_arlen(arlen),
        .m_axi_arsize(arsize), .m_axi_arburst(arburst), .m_axi_arlock(arlock),
        .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(arvalid), .m_axi_arready(arready),
        .m_axi_rid(1'b0), .m_axi_rdata(rdata[DATA_WIDTH-1:0]), .m_axi_rresp(rresp),
        .m_axi_rlast(rlast),
        .m_axi_rvalid(rvalid), .m_axi_rready(rready)
    );

    (* hierconn *) wire [2:0] \engine.state_reg ;
    (* hierconn *) wire \engine.receive_reg ;
    (* hierconn *) wire \engine.load_reg ;
    (* hierconn *) wire \engine.store_reg ;
    (* hierconn *) wire [3:0] \engine.line_reg ;
    (* hierconn *) wire [29:0] \engine.address_reg ;
    (* hierconn *) wire [7:0] \engine.more_reg ;
    (* hierconn *) wire [1:0] \engine.tail_reg ;
    (* hierconn *) wire [3:0] \engine.pending_reg ;
    (* hierconn *) wire [A-1:0] \engine.base_reg ;
    (* hierconn *) wire [A-1:0] \engine.end_reg ;
`ifdef WIDE
    (* hierconn *) wire \engine.g_wide.dma_widen.upper_reg ;
    (* hierconn *) wire \engine.g_wide.dma_widen.low_valid_reg ;
    (* hierconn *) wire [7:0] \engine.g_wide.dma_widen.left_reg ;
    wire       upper = \engine.g_wide.dma_widen.upper_reg ;
    wire       held = \engine.g_wide.dma_widen.low_valid_reg ;
    wire [7:0] left = \engine.g_wide.dma_widen.left_reg ;
`else
    wire       upper = 1'b0;
    wire       held = 1'b0;
`endif

    localparam [2:0] IDLE = 3'd0, ADDRESS = 3'd1, DATA = 3'd2, RESPONSE = 3'd3;
    localparam [2:0] DISCARD = 3'd4, DONE = 3'd5;

    wire [A-1:0] last = \engine.end_reg - 1'b1;
    wire [2:0]  state = \engine.state_reg ;
    wire        receive = \engine.receive_reg ;
    wire [3:0]  line = \engine.line_reg ;
    wire [31:0] address = {\engine.address_reg , 2'b00};
    wire [7:0]  more = \engine.more_reg ;
    wire [3:0]  pending = \engine.pending_reg ;

    wire aw = awvalid && awready;
    wire w = wvalid && wready;
    wire ar = arvalid && arready;
    wire r = rvalid && rready;
    wire b = bvalid && bready;
    wire accept = start && state == IDLE;
    wire reading = !start_receive && !start_store || start_load;

    // the protocol as an observer counts it: beats of the write burst under way, write bursts
    // without a response, read bursts without their last beat, beats and words of these
    reg        started = 1'b0;
    reg [8:0]  write_beats;
    reg [4:0]  writes;
    reg [4:0]  reads;
    reg [8:0]  read_beats;
    reg [8:0]  read_words;
    // the job: next address to write or to ask for, bytes to come, words to drop
    reg [31:0] at;
    reg [10:0] bytes;
    reg [8:0]  drops;
    wire       read_job = start_load || (!start_receive && !start_store);
    reg        is_read, is_discard;
    reg [3:0]  code;

    reg        past_head, past_aw, past_ar, past_w;
    reg [31:0] past_head_data;
    reg [39:0] past_aw_payload, past_ar_payload;
    reg [DATA_WIDTH+DATA_WIDTH/8:0] past_w_payload;

    // the line that a burst stays in, as HBstLen says
    wire [12:0] span = code == 4'd0 ? BEAT : code == 4'd3 ? {BEAT[10:0], 2'b11}
                     : code == 4'd5 ? {BEAT[9:0], 3'b111} : code == 4'd7 ? {BEAT[8:0], 4'b1111}
                     : 13'h0FFF;
    wire [12:0] offset = {1'b0, at[11:0]} & span & ~BEAT;
    wire [12:0] lane = {10'd0, at[2:0]} & BEAT;
    // bytes of the burst from the start of its first beat, and to its end or that of the job
    wire [12:0] announced = ({5'd0, awvalid ? awlen : arlen} + 13'd1) << (WIDE ? 3 : 2);
    wire [12:0] wanted = lane + {2'd0, bytes};
    wire        at_line = (offset + announced == span + 13'd1);
    wire        at_end = (announced >= wanted) && (announced - wanted <= BEAT);
    wire [12:0] payload = at_end ? {2'd0, bytes} : announced - lane;
    // a write beat
    wire [12:0] room = BEAT + 13'd1 - lane;
    wire [3:0]  carried = ({2'd0, bytes} < room) ? bytes[3:0] : room[3:0];
    wire [7:0]  strobes = ((8'd1 << carried) - 8'd1) << lane[2:0];
    // carried = 8 needs nine bits
    wire [7:0]  strobes_8 = carried == 4'd8 ? 8'hFF : strobes;

    wire [8:0]  words = bytes[10:2] + {8'd0, |bytes[1:0]};
    wire        r_last = r && rlast;
    wire        got = ram_write || (rvalid && \engine.load_reg );

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (started) assume (!rst);
        assume (start_bytes >= 11'd1 && start_bytes <= 11'd1024);
        assume (start_size[31:16] != 16'd0 && start_size[31:16] <= 16'd512);
        assume (start_size[15:0] <= 16'd512 - start_size[31:16]);
        assume ({7'd0, start_ram_address} >= start_size[15:0]);
        assume ({7'd0, start_ram_address} - start_size[15:0] < start_size[31:16]);
        assume (!start_discard || (start_receive && !start_load && !start_store));
        assume (!start_load || !start_store);
        assume (!bvalid || writes > {4'd0, write_beats != 9'd0});
        assume (!rvalid || read_beats != 9'd0);
        // the last beat of each burst is marked, whatever their lengths are
        assume (!rvalid || read_beats != 9'd1 || rlast);
        assume (!rvalid || !rlast || reads != 5'd1 || read_beats == 9'd1);
        assume (!rvalid || rlast || read_beats > {4'd0, reads});
        if (started && past_head) assume (head_valid && head_data == past_head_data);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        past_head <= head_valid && !head_pop;
        past_head_data <= head_data;
        past_aw <= awvalid && !awready && !rst;
        past_ar <= arvalid && !arready && !rst;
        past_w <= wvalid && !wready && !rst;
        past_aw_payload <= {awaddr, awlen};
        past_ar_payload <= {araddr, arlen};
        past_w_payload <= {wdata, wstrb, wlast};

        if (aw) write_beats <= {1'b0, awlen} + 9'd1;
        else if (w) write_beats <= write_beats - 9'd1;
        writes <= writes + {4'd0, aw} - {4'd0, b};
        reads <= reads + {4'd0, ar} - {4'd0, r_last};
        read_beats <= read_beats + (ar ? {1'b0, arlen} + 9'd1 : 9'd0) - {8'd0, r};
        read_words <= read_words + (ar ? (payload[10:2] + {8'd0, |payload[1:0]}) : 9'd0)
                      - {8'd0, got};
        if (state == DISCARD && head_pop) drops <= drops - 9'd1;
        if (w) begin
            at <= at + {28'd0, carried};
            bytes <= bytes - {7'd0, carried};
        end
        if (ar) begin
            at <= at + {19'd0, payload};
            bytes <= bytes - payload[10:0];
        end
        if (accept) begin
            at <= {start_address[31:2], 2'b00};
            bytes <= start_load ? 11'd8 : start_store ? 11'd4 : start_bytes;
            drops <= (start_bytes + 11'd3) >> 2;
            is_read <= read_job;
            is_discard <= start_discard;
            code <= burst_code;
        end
        if (rst) begin
            write_beats <= 9'd0;
            writes <= 5'd0;
            reads <= 5'd0;
            read_beats <= 9'd0;
            read_words <= 9'd0;
        end

        if (started) begin
            // valid and payload stay until ready
            if (past_aw) assert (awvalid && {awaddr, awlen} == past_aw_payload);
            if (past_ar) assert (arvalid && {araddr, arlen} == past_ar_payload);
            if (past_w) assert (wvalid && {wdata, wstrb, wlast} == past_w_payload);
            // bursts: where the last one ended, to the end of the line or of the job, not longer
            assert (awsize == (WIDE ? 3'd3 : 3'd2) && arsize == awsize);
            assert (awburst == 2'd1 && arburst == 2'd1 && !awlock && !arlock);
            assert (!(awvalid && arvalid));
            if (awvalid) assert (!is_read && !is_discard && awaddr == at && write_beats == 9'd0);
            if (arvalid) assert (is_read && araddr == at);
            if (awvalid || arvalid) begin
                assert (bytes != 11'd0 && (at_line || at_end));
                assert (offset + announced <= span + 13'd1);
                assert ({1'b0, at[11:0] & ~BEAT[11:0]} + announced <= 13'd4096);
                assert (announced < wanted + BEAT + 13'd1);
            end
            // data as announced, every byte of the job and no other
            if (wvalid) begin
                assert (write_beats != 9'd0 && wlast == (write_beats == 9'd1));
                assert (wstrb == strobes_8[DATA_WIDTH/8-1:0] && bytes != 11'd0);
            end
            // data of reads are never too many
            if (got) assert (read_words != 9'd0);
            // a finished job has moved all of it, and has all its responses
            if (done) begin
                assert (writes == 5'd0 && reads == 5'd0 && read_words == 9'd0);
                assert (is_discard ? drops == 9'd0 : bytes == 11'd0);
            end
            if (ram_write) assert (ram_address >= \engine.base_reg && ram_address <= last);

            // what makes it inductive
            assert (state <= DONE);
            assert (\engine.base_reg <= last || state == IDLE);
            assert (state == IDLE || (ram_address >= \engine.base_reg && ram_address <= last));
            assert ({1'b0, pending} == writes + reads);
            assert (reads <= read_beats && (reads != 5'd0 || read_beats == 9'd0));
            if (state == IDLE || state == DONE || state == DISCARD) begin
                assert (writes == 5'd0 && reads == 5'd0 && write_beats == 9'd0);
                assert (read_words == 9'd0);
            end
            if (state != IDLE) begin
                assert (receive == !is_read);
                assert (line == {code != 4'd0 && code != 4'd3 && code != 4'd5 && code != 4'd7,
                                 code != 4'd0 && code != 4'd3 && code != 4'd5,
                                 code != 4'd0 && code != 4'd3, code != 4'd0});
                assert (\engine.load_reg ? is_read : 1'b1);
                assert (\engine.store_reg ? !is_read && !is_discard : 1'b1);
                assert (bytes <= 11'd1024 && drops <= 9'd256);
                assert (bytes == 11'd0 || at[1:0] == 2'b00);
                if (state != DONE) assert (is_discard == (state == DISCARD));
                if (is_read) assert (writes == 5'd0 && write_beats == 9'd0);
                else assert (reads == 5'd0 && read_words == 9'd0);
            end
            if (state == ADDRESS || state == DATA) begin
                assert (bytes != 11'd0);
                assert (address == at + (held ? 32'd4 : 32'd0));
                assert ({1'b0, more} + 9'd1 + {8'd0, held} == words);
                if (!is_read) assert (bytes[1:0] == \engine.tail_reg );
            end
            if (state == RESPONSE || (state == DONE && !is_discard)) assert (bytes == 11'd0);
            if (state == RESPONSE) assert (write_beats == 9'd0);
            if (state == DISCARD) assert ({1'b0, more} + 9'd1 == drops);
            if (state == DISCARD || state == DATA) assert (!is_read);
            if (state == ADDRESS) assert (write_beats == 9'd0 && !held);
            if (state == DATA) begin
                assert (writes != 5'd0);
                // the burst under way ends at the line or with the job
                assert (write_beats != 9'd0 && write_beats <= 9'd256);
                assert ((offset + (WIDE ? {1'b0, write_beats, 3'd0} : {2'd0, write_beats, 2'd0})
                         == span + 13'd1
                         && (WIDE ? {1'b0, write_beats, 3'd0} : {2'd0, write_beats, 2'd0})
                            < wanted + BEAT + 13'd1)
                        || ((WIDE ? {1'b0, write_beats, 3'd0} : {2'd0, write_beats, 2'd0}) >= wanted
                            && (WIDE ? {1'b0, write_beats, 3'd0} : {2'd0, write_beats, 2'd0})
                               - wanted <= BEAT
                            && offset + (WIDE ? {1'b0, write_beats, 3'd0}
                                              : {2'd0, write_beats, 2'd0}) <= span + 13'd1));
            end
            assert (read_words <= 9'd256 && {1'b0, read_words} + {1'b0, words} <= 10'd256
                    || !is_read || state == IDLE);
`ifdef WIDE
            assert (!held || (state == DATA && at[2] == 1'b0 && bytes > 11'd4));
            if (is_read && state != IDLE) begin
                assert (left + 8'd1 == read_words[7:0] + words[7:0]);
                if (read_words == 9'd0) begin
                    assert (read_beats == 9'd0 && (bytes == 11'd0 || upper == at[2]));
                end else begin
                    assert (read_beats == (read_words + {8'd0, upper} + 9'd1) >> 1);
                    assert (bytes == 11'd0 || (read_words[0] ^ upper) == at[2]);
                    assert (bytes == 11'd0 || !at[2]);
                end
            end
`else
            assert (read_beats == read_words);
`endif
        end
    end
`endif

endmodule

`resetall
