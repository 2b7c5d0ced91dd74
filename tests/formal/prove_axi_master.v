// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The DMA engine as AXI4 master: valid stays until ready with the same payload, bursts have at
// most 16 beats and stay within 4 KiB, data come after their address, exactly as many as announced
// and the last one marked, one burst at a time; all bytes of the job and no others are written;
// and the RAM is written inside the region of the FIFO only.
//
// Assumed of the rest of the core: the head of the receive FIFO stays until it is popped, a job
// has 1 to 1024 bytes and starts inside its FIFO. Of the slave: no response without a request.
module prove_axi_master (
    input wire        clk,
    input wire        rst,
    input wire        start,
    input wire        start_receive,
    input wire        start_discard,
    input wire [31:0] start_address,
    input wire [10:0] start_bytes,
    input wire [8:0]  start_ram_address,
    input wire [31:0] start_size,
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
    input wire [31:0] rdata,
    input wire [1:0]  rresp
);

    localparam A = 9;

    wire        busy, done, error, head_pop, ram_write;
    wire [A-1:0] ram_address;
    wire [31:0] awaddr, araddr, wdata;
    wire [7:0]  awlen, arlen;
    wire [2:0]  awsize, arsize;
    wire [1:0]  awburst, arburst;
    wire        awlock, arlock;
    wire        awvalid, wvalid, wlast, bready, arvalid, rready;
    wire [3:0]  wstrb;

    dma_engine #(.ADDRESS_WIDTH(A)) engine (
        .clk(clk), .rst(rst), .start(start), .start_receive(start_receive),
        .start_discard(start_discard), .start_address(start_address),
        .start_bytes(start_bytes), .start_ram_address(start_ram_address),
        .start_size(start_size), .busy(busy), .done(done), .error(error), .clear(clear),
        .head_valid(head_valid), .head_data(head_data), .head_pop(head_pop),
        .ram_write(ram_write), .ram_address(ram_address), .ram_data(),
        .trace_write(), .trace_read(), .trace_address(), .trace_data(),
        .m_axi_awid(), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize),
        .m_axi_awburst(awburst), .m_axi_awlock(awlock), .m_axi_awcache(), .m_axi_awprot(),
        .m_axi_awvalid(awvalid), .m_axi_awready(awready), .m_axi_wdata(wdata),
        .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid),
        .m_axi_wready(wready), .m_axi_bid(1'b0), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid),
        .m_axi_bready(bready), .m_axi_arid(), .m_axi_araddr(araddr), .m_axi_arlen(arlen),
        .m_axi_arsize(arsize), .m_axi_arburst(arburst), .m_axi_arlock(arlock),
        .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(arvalid), .m_axi_arready(arready),
        .m_axi_rid(1'b0), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast),
        .m_axi_rvalid(rvalid), .m_axi_rready(rready)
    );

    (* hierconn *) wire [2:0] \engine.state_reg ;
    (* hierconn *) wire \engine.receive_reg ;
    (* hierconn *) wire [29:0] \engine.address_reg ;
    (* hierconn *) wire [8:0] \engine.words_reg ;
    (* hierconn *) wire [1:0] \engine.tail_reg ;
    (* hierconn *) wire [3:0] \engine.beats_reg ;
    (* hierconn *) wire [A-1:0] \engine.base_reg ;
    (* hierconn *) wire [A-1:0] \engine.end_reg ;

    localparam [2:0] IDLE = 3'd0, PLAN = 3'd1, ADDRESS = 3'd2, DATA = 3'd3, RESPONSE = 3'd4;
    localparam [2:0] DISCARD = 3'd5, DONE = 3'd6;

    wire [A-1:0] last = \engine.end_reg - 1'b1;
    wire [2:0]  state = \engine.state_reg ;
    wire        receive = \engine.receive_reg ;
    wire [31:0] address = {\engine.address_reg , 2'b00};
    wire [8:0]  words = \engine.words_reg ;
    wire [4:0]  beats = {1'b0, \engine.beats_reg } + 5'd1;

    wire aw = awvalid && awready;
    wire w = wvalid && wready;
    wire ar = arvalid && arready;
    wire r = rvalid && rready;
    wire accept = start && state == IDLE;

    // the protocol as an observer counts it: beats to come, a response to come
    reg        started = 1'b0;
    reg [4:0]  write_beats;
    reg [4:0]  read_beats;
    reg        response;
    // the job: words and bytes to come, next address
    reg [8:0]  job_words;
    reg [10:0] job_bytes;
    reg [31:0] job_address;
    reg        discard;

    reg        past_head, past_aw, past_ar, past_w;
    reg [31:0] past_head_data;
    reg [39:0] past_aw_payload, past_ar_payload;
    reg [36:0] past_w_payload;

    wire [3:0] strobes = job_bytes >= 11'd4 ? 4'b1111
                       : job_bytes == 11'd3 ? 4'b0111 : job_bytes == 11'd2 ? 4'b0011 : 4'b0001;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (started) assume (!rst);
        assume (start_bytes >= 11'd1 && start_bytes <= 11'd1024);
        assume (start_size[31:16] != 16'd0 && start_size[31:16] <= 16'd512);
        assume (start_size[15:0] <= 16'd512 - start_size[31:16]);
        assume ({7'd0, start_ram_address} >= start_size[15:0]);
        assume ({7'd0, start_ram_address} - start_size[15:0] < start_size[31:16]);
        assume (!start_discard || start_receive);
        assume (!bvalid || (response && write_beats == 5'd0));
        assume (!rvalid || read_beats != 5'd0);
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

        if (aw) write_beats <= awlen[4:0] + 5'd1;
        else if (w) write_beats <= write_beats - 5'd1;
        if (ar) read_beats <= arlen[4:0] + 5'd1;
        else if (r) read_beats <= read_beats - 5'd1;
        if (aw) response <= 1'b1;
        else if (bvalid && bready) response <= 1'b0;
        if (accept) begin
            discard <= start_discard;
            job_words <= (start_bytes + 11'd3) >> 2;
            job_bytes <= start_bytes;
            job_address <= {start_address[31:2], 2'b00};
        end else if (w || r || (state == DISCARD && head_pop)) begin
            job_words <= job_words - 9'd1;
            job_bytes <= job_bytes > 11'd4 ? job_bytes - 11'd4 : 11'd0;
            job_address <= job_address + 32'd4;
        end
        if (rst) begin
            write_beats <= 5'd0;
            read_beats <= 5'd0;
            response <= 1'b0;
            job_words <= 9'd0;
        end

        if (started) begin
            // valid and payload stay until ready
            if (past_aw) assert (awvalid && {awaddr, awlen} == past_aw_payload);
            if (past_ar) assert (arvalid && {araddr, arlen} == past_ar_payload);
            if (past_w) assert (wvalid && {wdata, wstrb, wlast} == past_w_payload);
            // bursts
            assert (awsize == 3'd2 && arsize == 3'd2 && awburst == 2'd1 && arburst == 2'd1);
            assert (!awlock && !arlock && awlen < 8'd16 && arlen < 8'd16);
            if (awvalid) begin
                assert ({1'b0, awaddr[11:0]} + {5'd0, awlen, 2'b00} + 13'd4 <= 13'd4096);
                assert (awaddr == job_address && !response && write_beats == 5'd0);
                assert (awlen < {1'b0, job_words});
            end
            if (arvalid) begin
                assert ({1'b0, araddr[11:0]} + {5'd0, arlen, 2'b00} + 13'd4 <= 13'd4096);
                assert (araddr == job_address && read_beats == 5'd0);
                assert (arlen < {1'b0, job_words});
            end
            assert (!(awvalid && arvalid));
            // data as announced
            if (wvalid) begin
                assert (write_beats != 5'd0 && wlast == (write_beats == 5'd1));
                assert (wstrb == strobes && job_words != 9'd0);
            end
            if (rready) assert (read_beats != 5'd0 && job_words != 9'd0);
            if (bready) assert (response && write_beats == 5'd0);
            // a finished job has moved all of it
            if (done) assert (job_words == 9'd0 && !response && read_beats == 5'd0);
            if (ram_write) assert (ram_address >= \engine.base_reg
                                   && ram_address <= last);

            // what makes it inductive
            assert (state <= DONE);
            assert (\engine.base_reg <= last|| state == IDLE);
            assert (state == IDLE || (ram_address >= \engine.base_reg
                                      && ram_address <= last));
            if (state != IDLE && state != DONE) begin
                assert (words == job_words && words <= 9'd256);
                assert (job_words == ((job_bytes + 11'd3) >> 2) && job_bytes <= 11'd1024);
                assert (words == 9'd0 || job_bytes[1:0] == \engine.tail_reg );
                assert (discard == (state == DISCARD));
                if (!discard) assert (address == job_address);
            end
            if (state == PLAN || state == ADDRESS || state == DATA || state == DISCARD) begin
                assert (words != 9'd0);
            end
            if (state == ADDRESS || state == DATA) begin
                assert ({4'd0, beats} <= words);
                assert ({1'b0, address[5:2]} + beats <= 5'd16);
            end
            assert (write_beats == ((state == DATA && receive) ? beats : 5'd0));
            assert (read_beats == ((state == DATA && !receive) ? beats : 5'd0));
            assert (response == (receive && (state == DATA || state == RESPONSE)));
            if (state == RESPONSE || state == DISCARD) assert (receive);
        end
    end
`endif

endmodule

`resetall
