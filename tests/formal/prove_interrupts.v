// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The upper levels of the interrupt cascade: the line is, one clock later, what the register map
// says of causes and masks as they were written, and a cause that is set in the clock in which
// software clears it stays.
module prove_interrupts (
    input wire        clk,
    input wire        rst,
    input wire        startup_write,
    input wire [6:0]  startup_index,
    input wire [31:0] startup_data,
    input wire [17:2] address,
    input wire        write,
    input wire [31:0] write_data,
    input wire        line_valid,
    input wire [5:0]  line,
    input wire        sof_valid,
    input wire [10:0] sof_frame,
    input wire [1:0]  line_state,
    input wire        vbus_valid,
    input wire        dma_busy,
    input wire        rx_level,
    input wire        fifo0_level,
    input wire [31:0] daint,
    input wire [31:0] deachint,
    input wire        address_taken,
    input wire        global_nak_pushed,
    input wire        global_nak_popped,
    input wire        rx_flushed,
    input wire        tx_flushed,
    input wire        reset_start
);

    wire        irq;
    wire [31:0] ep_irq;
    wire        global_in_nak;

    global_csr #(
        .NUM_IN_EPS(3), .NUM_OUT_EPS(3), .FIFO_WORDS(1024), .DMA(2)
    ) csr (
        .clk(clk), .rst(rst), .startup_write(startup_write), .startup_index(startup_index),
        .startup_data(startup_data), .address(address), .write(write),
        .write_data(write_data), .line_valid(line_valid), .line(line), .sof_valid(sof_valid),
        .sof_frame(sof_frame), .line_state(line_state), .vbus_valid(vbus_valid),
        .dma_busy(dma_busy), .rx_level(rx_level), .fifo0_level(fifo0_level),
        .daint(daint), .deachint(deachint),
        .address_taken(address_taken), .global_nak_pushed(global_nak_pushed),
        .global_nak_popped(global_nak_popped), .rx_flushed(rx_flushed),
        .tx_flushed(tx_flushed), .reset_start(reset_start),
        .global_in_nak(global_in_nak), .irq(irq), .ep_irq(ep_irq)
    );

    (* hierconn *) wire [31:0] \csr.gintsts_reg ;
    (* hierconn *) wire [31:0] \csr.gintmsk_reg ;
    (* hierconn *) wire [31:0] \csr.daintmsk_reg ;
    (* hierconn *) wire [31:0] \csr.deachmsk_reg ;
    (* hierconn *) wire [5:0] \csr.gahbcfg_reg ;
    (* hierconn *) wire \csr.session_end_reg ;
    (* hierconn *) wire \csr.gout_eff_reg ;
    (* hierconn *) wire \csr.suspended_reg ;

    // ---- the register map's own account of what was written -----------------------------------

    wire [31:0] offset = {14'd0, address, 2'b00};
    wire write_sts = write && offset == 32'h014;

    // events of the bus, by GINTSTS bit: SOF 3, early suspend 10, suspend 11, reset 12,
    // enumeration done 13, reset while suspended 23, session 30, wake-up 31
    wire [31:0] events = (sof_valid ? 32'h0000_0008 : 32'd0)
        | (!line_valid ? 32'd0
           : line[3:0] == 4'd1 ? (32'h0000_1000 | (\csr.suspended_reg ? 32'h0080_0000 : 32'd0))
           : line[3:0] == 4'd2 ? 32'h0000_2000
           : line[3:0] == 4'd3 ? 32'h0000_0800
           : line[3:0] == 4'd4 ? 32'h8000_0000
           : line[3:0] == 4'd5 ? 32'h0000_0400
           : line[3:0] == 4'd6 ? 32'h4000_0000 : 32'd0);
    wire session_end = line_valid && line[3:0] == 4'd7;

    reg        started = 1'b0;
    reg        enable;
    reg [31:0] mask;
    reg [31:0] ep_mask;
    reg [31:0] each_mask;
    reg [31:0] sticky;
    reg        otg;

    wire [31:0] causes = sticky | {5'd0, 1'b1, 6'd0, |(daint[31:16] & ep_mask[31:16]),
        |(daint[15:0] & ep_mask[15:0]), 10'd0, \csr.gout_eff_reg , global_in_nak, fifo0_level,
        rx_level, 1'b0, otg, 2'b00};

    reg        expect_irq;
    reg [31:0] expect_each;
    reg [31:0] past_events;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        expect_irq <= !rst && enable && |(causes & mask);
        expect_each <= rst ? 32'd0 : deachint & each_mask;
        past_events <= rst ? 32'd0 : events;
        sticky <= (sticky & ~(write_sts ? write_data : 32'd0)) | events;
        otg <= (otg && !(write && offset == 32'h004 && write_data[2])) || session_end;
        if (write && offset == 32'h008) enable <= write_data[0];
        if (write && offset == 32'h018) mask <= {write_data[31:1], 1'b0};
        if (write && offset == 32'h81C) ep_mask <= write_data;
        if (write && offset == 32'h83C) each_mask <= write_data;
        if (rst) begin
            enable <= 1'b0;
            mask <= 32'd0;
            ep_mask <= 32'd0;
            each_mask <= 32'd0;
            sticky <= 32'd0;
            otg <= 1'b0;
        end

        if (started) begin
            assert (irq == expect_irq);
            assert (ep_irq == expect_each);
            assert ((past_events & ~ \csr.gintsts_reg ) == 32'd0);
            assert (\csr.gintsts_reg == sticky);
            assert (\csr.session_end_reg == otg);
            assert (\csr.gahbcfg_reg [0] == enable);
            assert (\csr.gintmsk_reg == mask);
            assert (\csr.daintmsk_reg == ep_mask);
            assert (\csr.deachmsk_reg == each_mask);
        end
    end
`endif

endmodule

`resetall
