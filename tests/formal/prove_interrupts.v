// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// The upper levels of the interrupt cascade: one clock later, `irq` is what GAHBCFG.GlblIntrMsk,
// GINTSTS and GINTMSK make of the events, the levels and DAINT with DAINTMSK, and `ep_irq` is
// DEACHINT with DEACHMSK. An event that comes in the clock in which software clears it stays, and
// nothing but a write of 1 or a reset clears one.
//
// What is assumed is what the bus face promises: an address is there in the clock before its write.
module prove_interrupts (
    input wire        clk,
    input wire        rst,
    input wire [17:2] address,
    input wire        write,
    input wire        exists,
    input wire [31:0] write_data,
    input wire        line_valid,
    input wire [5:0]  line,
    input wire        sof_valid,
    input wire [10:0] sof_frame,
    input wire        periodic_end,
    input wire        incomplete_in,
    input wire        incomplete_out,
    input wire        iso_lost,
    input wire        rx_level,
    input wire        fifo0_level,
    input wire        periodic_level,
    input wire        mismatches,
    input wire [31:0] daint,
    input wire [31:0] deachint,
    input wire        lpm_answered,
    input wire [2:0]  lpm_kind,
    input wire        global_nak_pushed,
    input wire        global_nak_popped
);

    `include "udc_regs.vh"

    wire        irq;
    wire [31:0] ep_irq;

    global_csr #(.LPM(1), .DEDICATED_FIFO(0)) csr (
        .clk(clk), .rst(rst), .startup_write(1'b0), .startup_index(8'd0),
        .startup_data(32'd0), .address(address), .write(write), .exists(exists),
        .write_data(write_data), .line_valid(line_valid), .line(line),
        .sof_valid(sof_valid), .sof_frame(sof_frame), .periodic_end(periodic_end),
        .incomplete_in(incomplete_in), .incomplete_out(incomplete_out), .iso_lost(iso_lost),
        .line_state(2'b00), .vbus_valid(1'b1), .connected(1'b1), .dma_busy(1'b0),
        .rx_level(rx_level), .fifo0_level(fifo0_level),
        .periodic_level(periodic_level), .mismatches(mismatches), .daint(daint),
        .deachint(deachint),
        .lpm_answered(lpm_answered), .lpm_kind(lpm_kind), .lpm_besl(4'd0),
        .lpm_remote_wake(1'b0), .address_taken(1'b0), .global_nak_pushed(global_nak_pushed),
        .global_nak_popped(global_nak_popped), .rx_flushed(1'b0), .tx_flushed(1'b0),
        .reset_start(1'b0), .irq(irq), .ep_irq(ep_irq)
    );

    (* hierconn *) wire [31:0] \csr.csr_interrupts.gintsts_reg ;
    (* hierconn *) wire [31:0] \csr.csr_interrupts.gintmsk_reg ;
    (* hierconn *) wire [31:0] \csr.csr_interrupts.daintmsk_reg ;
    (* hierconn *) wire [31:0] \csr.csr_interrupts.deachmsk_reg ;
    (* hierconn *) wire [5:0] \csr.gahbcfg_reg ;
    (* hierconn *) wire \csr.csr_interrupts.session_end_reg ;
    (* hierconn *) wire \csr.gin_nak_reg ;
    (* hierconn *) wire \csr.gout_eff_reg ;
    (* hierconn *) wire \csr.suspended_reg ;
    (* hierconn *) wire \csr.sleeping ;
    (* hierconn *) wire \csr.stopped_reg ;
    (* hierconn *) wire [7:0] \csr.index ;
    (* hierconn *) wire \csr.stored ;

    wire [17:0] offset = {address, 2'b00};

    // what software has written
    reg        enabled;
    reg [31:0] mask;
    reg [31:0] daint_mask;
    reg [31:0] deach_mask;
    reg        session_end;
    reg        stopped;
    // events that have come and were not cleared
    reg [31:0] events;

    wire [31:0] written = (write && offset == GINTSTS_OFFSET) ? write_data : 32'd0;
    wire        reset_line = line_valid && line[3:0] == 4'd1;
    wire [31:0] coming =
          ({31'd0, sof_valid} << 3)
        | ({31'd0, line_valid && line[3:0] == 4'd5} << 10)
        | ({31'd0, line_valid && line[3:0] == 4'd3} << 11)
        | ({31'd0, reset_line} << 12)
        | ({31'd0, line_valid && line[3:0] == 4'd2} << 13)
        | ({31'd0, iso_lost} << 14)
        | ({31'd0, periodic_end} << 15)
        | ({31'd0, mismatches} << 17)
        | ({31'd0, periodic_end && incomplete_in} << 20)
        | ({31'd0, periodic_end && incomplete_out} << 21)
        | ({31'd0, reset_line && (\csr.suspended_reg || \csr.sleeping || stopped)} << 23)
        | ({31'd0, lpm_answered} << 27)
        | ({31'd0, line_valid && line[3:0] == 4'd6} << 30)
        | ({31'd0, line_valid && line[3:0] == 4'd4} << 31);
    // events, and levels: OTGInt, RxFLvl, NPTxFEmp, GINNakEff, GOUTNakEff, IEPInt, OEPInt, PTxFEmp
    wire [31:0] status = events
        | {5'd0, periodic_level, 6'd0, |(daint[31:16] & daint_mask[31:16]),
           |(daint[15:0] & daint_mask[15:0]), 10'd0, \csr.gout_eff_reg , \csr.gin_nak_reg ,
           fifo0_level, rx_level, 1'b0, session_end, 2'b00};

    reg        started = 1'b0;
    reg        checked = 1'b0;
    reg [17:2] address_then;
    reg        irq_then;
    reg [31:0] ep_irq_then;

`ifdef FORMAL
    always @* begin
        if (!started) assume (rst);
        if (write) assume (started && address == address_then);
    end

    always @(posedge clk) begin
        started <= 1'b1;
        checked <= started;
        address_then <= address;
        if (write) begin
            if (offset == GAHBCFG_OFFSET) enabled <= write_data[0];
            if (offset == GINTMSK_OFFSET) mask <= write_data & GINTMSK_RW_MASK;
            if (offset == DAINTMSK_OFFSET) daint_mask <= write_data;
            if (offset == DEACHMSK_OFFSET) deach_mask <= write_data;
            if (offset == PCGCCTL_OFFSET) stopped <= write_data[0];
        end
        events <= (events & ~written) | coming;
        session_end <= (session_end && !(write && offset == GOTGINT_OFFSET && write_data[2]))
                       || (line_valid && line[3:0] == 4'd7);
        irq_then <= enabled && |(status & mask);
        ep_irq_then <= deachint & deach_mask;
        if (rst) begin
            enabled <= 1'b0;
            mask <= 32'd0;
            daint_mask <= 32'd0;
            deach_mask <= 32'd0;
            events <= 32'd0;
            session_end <= 1'b0;
            stopped <= 1'b0;
            irq_then <= 1'b0;
            ep_irq_then <= 32'd0;
        end

        if (started) begin
            assert (irq == irq_then);
            assert (ep_irq == ep_irq_then);
            assert (\csr.csr_interrupts.gintsts_reg == events);
            assert ((events & ~32'hC8B2_FC08) == 32'd0);
            assert (\csr.csr_interrupts.gintmsk_reg == mask);
            assert (\csr.csr_interrupts.daintmsk_reg == daint_mask);
            assert (\csr.csr_interrupts.deachmsk_reg == deach_mask);
            assert (\csr.gahbcfg_reg [0] == enabled);
            assert (\csr.csr_interrupts.session_end_reg == session_end);
            assert (\csr.stopped_reg == stopped);
        end
        // the index of an address, where a write looks for it
        if (started && address == address_then) begin
            if (address_then[17:12] == 6'd0 && (address_then[11:8] & 4'h7) == 4'd0)
                assert (\csr.index == {1'b0, address_then[11], address_then[7:2]}
                        && \csr.stored );
            else
                assert (\csr.index [7]);
            assert ((\csr.index == 8'h90 && \csr.stored )
                    == ({address_then, 2'b00} == PCGCCTL_OFFSET));
        end
    end
`endif

endmodule

`resetall
