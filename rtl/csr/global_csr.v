// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Global and device registers. Plain read/write registers are read back from a shadow RAM;
// flip-flops hold only the bits that the hardware looks at.
module global_csr #(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter [31:0] EP_DIRECTIONS = 32'd0,
    parameter FIFO_WORDS = 4096,
    parameter DEDICATED_FIFO = 1,
    parameter DMA = 2,
    parameter DESC_DMA = 0,
    parameter LPM = 0,
    parameter UTMI_WIDTH = 8,
    // reset value of DCTL.SftDiscon
    parameter SOFT_DISCONNECT = 1
) (
    input  wire        clk,
    // hardware or soft reset
    input  wire        rst,

    // start-up sequence: reset values of the shadow RAM
    input  wire        startup_write,
    input  wire [7:0]  startup_index,
    input  wire [31:0] startup_data,

    // register access: `address` is stable from the request on, `write` is one clock
    input  wire [17:2] address,
    input  wire        write,
    // with the write: the endpoint exists whose register it is
    input  wire        exists,
    input  wire [31:0] write_data,
    // those bits of it that are plain storage
    output wire [31:0] masked_data,
    output wire [31:0] read_data,

    // bus events (one clock)
    input  wire        line_valid,
    input  wire [5:0]  line,
    input  wire        sof_valid,
    input  wire [10:0] sof_frame,
    input  wire        periodic_end,
    input  wire        incomplete_in,
    input  wire        incomplete_out,
    input  wire        iso_lost,
    input  wire [1:0]  line_state,
    input  wire        vbus_valid,
    input  wire        connected,
    // extended token answered: kind, BESL, bRemoteWake
    input  wire        lpm_answered,
    input  wire [2:0]  lpm_kind,
    input  wire [3:0]  lpm_besl,
    input  wire        lpm_remote_wake,

    // state that is shown in registers
    input  wire        dma_busy,
    input  wire        rx_level,
    input  wire        fifo0_level,
    // all periodic Tx FIFOs are (half) empty; too many tokens for what is not at the head
    input  wire        periodic_level,
    input  wire        mismatches,
    input  wire [31:0] daint,
    input  wire [31:0] deachint,

    // endpoint logic: EP0 IN acknowledged or token for the new address, word 1 pushed or popped
    input  wire        address_taken,
    input  wire        global_nak_pushed,
    input  wire        global_nak_popped,
    input  wire        rx_flushed,
    input  wire        tx_flushed,
    input  wire        reset_start,

    // configuration for the rest of the core
    output wire        dma_enable,
    output wire [3:0]  burst_code,
    output wire        descriptors,
    output wire        empty_level,
    output wire        periodic_empty_level,
    output wire [4:0]  mismatch_limit,
    output wire        full_speed_only,
    output wire [1:0]  periodic_part,
    output wire        remote_wakeup,
    output wire [3:0]  lpm_allowed,
    output wire        stall_status,
    // stays when the register changes: only the end of the connection ends a test mode
    output wire [2:0]  test_mode,
    output wire        soft_disconnect,
    output wire        session,
    output wire        full_speed,
    output wire [6:0]  device_address,
    output wire        old_address_valid,
    output wire [6:0]  old_address,
    output wire [13:0] frame,
    // frame number that the SOF of this clock stores
    output wire [13:0] frame_next,
    output wire [15:0] rx_depth,
    output wire        rx_size_written,
    output wire [15:0] in_mask,
    output wire [15:0] out_mask,
    output wire [15:0] empty_mask,
    // DIEPMSK or DOEPMSK is written
    output wire        mask_written,
    output wire        global_out_nak,
    output wire        global_in_nak,
    output wire        global_nak_push,
    output wire        rx_flush,
    output wire        tx_flush,
    output wire [4:0]  tx_flush_fifo,
    output wire        soft_reset_wait,
    output wire        soft_reset,

    output wire        irq,
    output wire [31:0] ep_irq,

    // for the trace: bits that hardware sets in this clock, set before or not
    output wire [31:0] trace_gintsts,
    output wire [31:0] trace_gotgint
);

    `include "udc_regs.vh"

    // register indexes of the shadow RAM (see csr_decode)
    localparam [7:0] GOTGCTL = {1'b0, GOTGCTL_OFFSET[11], GOTGCTL_OFFSET[7:2]};
    localparam [7:0] GOTGINT = {1'b0, GOTGINT_OFFSET[11], GOTGINT_OFFSET[7:2]};
    localparam [7:0] GAHBCFG = {1'b0, GAHBCFG_OFFSET[11], GAHBCFG_OFFSET[7:2]};
    localparam [7:0] GRSTCTL = {1'b0, GRSTCTL_OFFSET[11], GRSTCTL_OFFSET[7:2]};
    localparam [7:0] GINTSTS = {1'b0, GINTSTS_OFFSET[11], GINTSTS_OFFSET[7:2]};
    localparam [7:0] GRXFSIZ = {1'b0, GRXFSIZ_OFFSET[11], GRXFSIZ_OFFSET[7:2]};
    localparam [7:0] GSNPSID = {1'b0, GSNPSID_OFFSET[11], GSNPSID_OFFSET[7:2]};
    localparam [7:0] GHWCFG1 = {1'b0, GHWCFG1_OFFSET[11], GHWCFG1_OFFSET[7:2]};
    localparam [7:0] GHWCFG2 = {1'b0, GHWCFG2_OFFSET[11], GHWCFG2_OFFSET[7:2]};
    localparam [7:0] GHWCFG3 = {1'b0, GHWCFG3_OFFSET[11], GHWCFG3_OFFSET[7:2]};
    localparam [7:0] GHWCFG4 = {1'b0, GHWCFG4_OFFSET[11], GHWCFG4_OFFSET[7:2]};
    localparam [7:0] GLPMCFG = {1'b0, GLPMCFG_OFFSET[11], GLPMCFG_OFFSET[7:2]};
    localparam [7:0] DCFG = {1'b0, DCFG_OFFSET[11], DCFG_OFFSET[7:2]};
    localparam [7:0] DCTL = {1'b0, DCTL_OFFSET[11], DCTL_OFFSET[7:2]};
    localparam [7:0] DSTS = {1'b0, DSTS_OFFSET[11], DSTS_OFFSET[7:2]};
    localparam [7:0] DIEPMSK = {1'b0, DIEPMSK_OFFSET[11], DIEPMSK_OFFSET[7:2]};
    localparam [7:0] DOEPMSK = {1'b0, DOEPMSK_OFFSET[11], DOEPMSK_OFFSET[7:2]};
    localparam [7:0] DAINT = {1'b0, DAINT_OFFSET[11], DAINT_OFFSET[7:2]};
    localparam [7:0] DIEPEMPMSK = {1'b0, DIEPEMPMSK_OFFSET[11], DIEPEMPMSK_OFFSET[7:2]};
    localparam [7:0] DEACHINT = {1'b0, DEACHINT_OFFSET[11], DEACHINT_OFFSET[7:2]};
    localparam [7:0] PCGCCTL = 8'h90;

    localparam HAS_DMA = (DMA != 0);
    localparam HAS_DESC = (DESC_DMA != 0);
    localparam DEDICATED = (DEDICATED_FIFO != 0);
    localparam HAS_LPM = (LPM != 0);
    localparam MAX_EPS = (NUM_IN_EPS > NUM_OUT_EPS) ? NUM_IN_EPS : NUM_OUT_EPS;

    // GHWCFG1: two bits per endpoint, 1 = IN only, 2 = OUT only
    function [31:0] directions;
        input [31:0] ins;
        input [31:0] outs;
        integer n;
        begin
            directions = 32'd0;
            for (n = 1; n < 16; n = n + 1) begin
                directions[2*n] = (n <= ins) && !EP_DIRECTIONS[2*n+1]
                                  && ((n > outs) || EP_DIRECTIONS[2*n]);
                directions[2*n+1] = (n <= outs) && !EP_DIRECTIONS[2*n]
                                    && ((n > ins) || EP_DIRECTIONS[2*n+1]);
            end
        end
    endfunction

    localparam [31:0] GHWCFG1_VALUE = directions(NUM_IN_EPS, NUM_OUT_EPS);
    localparam [31:0] GHWCFG2_VALUE = 32'h029C_0264 | (MAX_EPS << 10) | (DMA << 3);
    localparam [31:0] GHWCFG3_VALUE = 32'h0000_0868 | (FIFO_WORDS << 16) | (LPM << 15);
    localparam [31:0] GHWCFG4_VALUE = (DEDICATED ? 32'h0200_0000 : NUM_IN_EPS)
                                        | (NUM_IN_EPS << 26)
                                        | (UTMI_WIDTH == 16 ? 32'h0000_4000 : 32'd0)
                                        | (HAS_DESC ? 32'hC000_0000 : 32'd0);

    reg  [31:0] status;
    wire [31:0] shadow;

    reg  [5:0]  gahbcfg_reg;
    reg         empty_level_reg;
    reg         periodic_level_reg;
    reg  [4:0]  limit_reg;
    reg  [1:0]  override_reg;
    reg  [15:0] rx_depth_reg;
    reg  [1:0]  speed_cfg_reg;
    reg  [1:0]  periodic_reg;
    reg  [6:0]  address_reg;
    reg         old_valid_reg;
    reg  [6:0]  old_reg;
    reg         wakeup_reg;
    reg         stall_status_reg;
    reg  [2:0]  test_reg;
    reg  [2:0]  testing_reg;
    reg         disconnect_reg;
    reg         desc_reg;
    reg         gin_nak_reg;
    reg         gout_nak_reg;
    reg         gout_eff_reg;
    reg         gout_push_reg;
    reg  [15:0] diepmsk_reg;
    reg  [15:0] doepmsk_reg;
    reg  [15:0] empmsk_reg;
    reg         suspended_reg;
    // PCGCCTL.StopPclk
    reg         stopped_reg;
    reg         full_speed_reg;
    reg  [13:0] frame_reg;
    reg         first_frame_reg;
    reg         rx_flush_reg;
    reg         tx_flush_reg;
    reg  [4:0]  flush_fifo_reg;
    reg         soft_reset_reg;
    reg         soft_done_reg;

    // ---- decode -------------------------------------------------------------------------------

    wire [7:0] index;
    wire       stored, stored_endpoint;
    wire [31:0] storable;

    csr_decode #(
        .NUM_IN_EPS(NUM_IN_EPS), .DEDICATED_FIFO(DEDICATED_FIFO), .DMA(DMA), .DESC_DMA(DESC_DMA),
        .LPM(LPM)
    ) csr_decode (
        .clk(clk), .address(address), .index(index), .stored(stored),
        .stored_endpoint(stored_endpoint), .storable(storable)
    );

    wire store = write && (stored || (stored_endpoint && exists));
    wire write_here = write && stored;

    assign masked_data = write_data & storable;

    shadow_ram #(.INDEX_WIDTH(8)) shadow_ram (
        .clk(clk),
        .we(startup_write || store),
        .write_index(startup_write ? startup_index : index),
        .write_data(startup_write ? startup_data : masked_data),
        .read_index(index),
        .read_data(shadow)
    );

    // ---- read ---------------------------------------------------------------------------------

    always @* begin
        status = 32'd0;
        case (index)
            GOTGCTL: status = {12'd0, session, 2'd0, 1'b1, 16'd0};
            GOTGINT: status = {29'd0, session_end, 2'd0};
            GRSTCTL: status = {!dma_busy, dma_busy, 19'd0, flush_fifo_reg, tx_flush_reg,
                               rx_flush_reg, 3'd0, soft_reset_reg};
            GINTSTS: status = gintsts;
            GSNPSID: status = GSNPSID_RESET;
            GHWCFG1: status = GHWCFG1_VALUE;
            GHWCFG2: status = GHWCFG2_VALUE;
            GHWCFG3: status = GHWCFG3_VALUE;
            GHWCFG4: status = GHWCFG4_VALUE;
            DCFG: status = {21'd0, address_reg, 4'd0};
            DCTL: status = {28'd0, gout_nak_reg, gin_nak_reg, 1'b0, HAS_LPM && wakeup_reg};
            GLPMCFG: status = lpm_status;
            PCGCCTL: status = {24'd0, sleeping, 7'd0};
            DSTS: status = {8'd0, line_state[0], line_state[1], frame_reg, 5'd0, 1'b0,
                            full_speed_reg, suspended_reg};
            DAINT: status = daint;
            DEACHINT: status = deachint;
            default: status = 32'd0;
        endcase
    end

    assign read_data = shadow | status;

    // ---- interrupts ---------------------------------------------------------------------------

    wire [31:0] gintsts;
    wire        session_end;

    csr_interrupts #(.DEDICATED_FIFO(DEDICATED_FIFO)) csr_interrupts (
        .clk(clk), .rst(rst), .write(write_here), .index(index), .write_data(write_data),
        .line_valid(line_valid), .line(line[3:0]),
        .asleep(suspended_reg || sleeping || stopped_reg), .sof_valid(sof_valid),
        .periodic_end(periodic_end), .incomplete_in(incomplete_in),
        .incomplete_out(incomplete_out), .iso_lost(iso_lost), .mismatches(mismatches),
        .lpm_answered(lpm_answered), .out_nak(gout_eff_reg), .in_nak(gin_nak_reg),
        .rx_level(rx_level), .fifo0_level(fifo0_level), .periodic_level(periodic_level),
        .daint(daint), .deachint(deachint), .gintsts(gintsts), .session_end(session_end),
        .enable(gahbcfg_reg[0]), .irq(irq), .ep_irq(ep_irq),
        .trace_gintsts(trace_gintsts), .trace_gotgint(trace_gotgint)
    );

    // ---- link power management ----------------------------------------------------------------

    wire        sleeping, remote_forbidden, wakeup_done;
    wire [31:0] lpm_status;

    generate
        if (LPM != 0) begin : g_lpm
            lpm_csr lpm_csr (
                .clk(clk), .rst(rst),
                .write(write && (index == GLPMCFG)), .write_data(write_data),
                .line_valid(line_valid), .line(line[3:0]), .answered(lpm_answered),
                // 3 ACK, 2 NYET, 1 STALL
                .result({!lpm_kind[1], !lpm_kind[2]}), .besl(lpm_besl),
                .remote_wake(lpm_remote_wake), .allowed(lpm_allowed), .sleeping(sleeping),
                .remote_forbidden(remote_forbidden), .wakeup_done(wakeup_done),
                .status(lpm_status)
            );
            wire unused_ok = lpm_kind[0];
        end else begin : g_no_lpm
            assign lpm_allowed = 4'd0;
            assign sleeping = 1'b0;
            assign remote_forbidden = 1'b0;
            assign wakeup_done = 1'b0;
            assign lpm_status = 32'd0;
            wire unused_ok = &{1'b0, lpm_kind, lpm_besl, lpm_remote_wake, 1'b0};
        end
    endgenerate

    // ---- frames -------------------------------------------------------------------------------

    // Microframes repeat the frame number; bits 2:0 count the repeats. The first SOF after a reset
    // repeats nothing.
    wire same_frame = (frame_reg[13:3] == sof_frame) && !first_frame_reg;
    assign frame_next = full_speed_reg ? {3'd0, sof_frame}
                           : same_frame ? {sof_frame, frame_reg[2:0] + 3'd1} : {sof_frame, 3'd0};

    // ---- outputs ------------------------------------------------------------------------------

    assign dma_enable = HAS_DMA && gahbcfg_reg[5];
    assign burst_code = gahbcfg_reg[4:1];
    assign descriptors = HAS_DESC && gahbcfg_reg[5] && desc_reg;
    assign empty_level = empty_level_reg;
    assign periodic_empty_level = periodic_level_reg;
    assign mismatch_limit = limit_reg;
    assign full_speed_only = (speed_cfg_reg != 2'd0);
    assign periodic_part = periodic_reg;
    assign remote_wakeup = wakeup_reg && !remote_forbidden;
    assign stall_status = stall_status_reg;
    assign test_mode = testing_reg;
    assign soft_disconnect = disconnect_reg;
    assign session = override_reg[0] ? override_reg[1] : vbus_valid;
    assign full_speed = full_speed_reg;
    assign device_address = address_reg;
    assign old_address_valid = old_valid_reg;
    assign old_address = old_reg;
    assign frame = frame_reg;
    assign rx_depth = rx_depth_reg;
    assign rx_size_written = write && (index == GRXFSIZ);
    assign in_mask = diepmsk_reg;
    assign out_mask = doepmsk_reg;
    assign empty_mask = empmsk_reg;
    assign mask_written = write && ((index == DIEPMSK) || (index == DOEPMSK));
    assign global_out_nak = gout_nak_reg;
    assign global_in_nak = gin_nak_reg;
    assign global_nak_push = gout_push_reg;
    assign rx_flush = rx_flush_reg;
    assign tx_flush = tx_flush_reg;
    assign tx_flush_fifo = flush_fifo_reg;
    assign soft_reset_wait = soft_reset_reg;
    assign soft_reset = soft_reset_reg && !dma_busy && soft_done_reg;

    // ---- state --------------------------------------------------------------------------------

    localparam [3:0] LINE_RESET_START = 4'd1;
    localparam [3:0] LINE_RESET_END = 4'd2;
    localparam [3:0] LINE_SUSPEND = 4'd3;
    localparam [3:0] LINE_RESUME = 4'd4;
    localparam [3:0] LINE_VBUS_OFF = 4'd7;

    always @(posedge clk) begin
        // one clock more, so that a DMA job that began with the command has shown itself
        soft_done_reg <= soft_reset_reg;
        if (testing_reg == 3'd0) begin
            testing_reg <= test_reg;
        end
        if (!connected) begin
            testing_reg <= 3'd0;
        end

        if (line_valid) begin
            case (line[3:0])
                LINE_RESET_END: full_speed_reg <= (line[5:4] != 2'd0);
                LINE_SUSPEND: suspended_reg <= 1'b1;
                LINE_RESET_START, LINE_RESUME, LINE_VBUS_OFF: suspended_reg <= 1'b0;
                default: begin
                end
            endcase
        end
        if (sof_valid) begin
            frame_reg <= frame_next;
            first_frame_reg <= 1'b0;
        end
        if (wakeup_done) begin
            wakeup_reg <= 1'b0;
        end
        if (address_taken) begin
            old_valid_reg <= 1'b0;
        end
        if (rx_flushed) begin
            rx_flush_reg <= 1'b0;
        end
        if (tx_flushed) begin
            tx_flush_reg <= 1'b0;
        end
        if (global_nak_pushed) begin
            gout_push_reg <= 1'b0;
        end
        if (global_nak_popped && gout_nak_reg) begin
            gout_eff_reg <= 1'b1;
        end

        if (write_here) begin
            case (index)
                GOTGCTL: override_reg <= write_data[7:6];
                GAHBCFG: begin
                    gahbcfg_reg <= write_data[5:0];
                    empty_level_reg <= write_data[7];
                    periodic_level_reg <= write_data[8];
                end
                GRSTCTL: begin
                    soft_reset_reg <= soft_reset_reg || write_data[0];
                    rx_flush_reg <= rx_flush_reg || write_data[4];
                    tx_flush_reg <= tx_flush_reg || write_data[5];
                    if (!tx_flush_reg) begin
                        flush_fifo_reg <= write_data[10:6];
                    end
                end
                GRXFSIZ: rx_depth_reg <= write_data[15:0];
                DCFG: begin
                    speed_cfg_reg <= write_data[1:0];
                    stall_status_reg <= write_data[2];
                    desc_reg <= HAS_DESC && write_data[23];
                    periodic_reg <= write_data[12:11];
                    limit_reg <= write_data[22:18];
                    address_reg <= write_data[10:4];
                    // the status stage of SET_ADDRESS still comes to the old address
                    if (write_data[10:4] != address_reg) begin
                        old_reg <= address_reg;
                        old_valid_reg <= 1'b1;
                    end
                end
                DCTL: begin
                    wakeup_reg <= write_data[0];
                    disconnect_reg <= write_data[1];
                    test_reg <= write_data[6:4];
                    if (write_data[7]) begin
                        gin_nak_reg <= 1'b1;
                    end
                    if (write_data[8]) begin
                        gin_nak_reg <= 1'b0;
                    end
                    if (write_data[9] && !gout_nak_reg) begin
                        gout_nak_reg <= 1'b1;
                        gout_push_reg <= 1'b1;
                    end
                    if (write_data[10]) begin
                        gout_nak_reg <= 1'b0;
                        gout_push_reg <= 1'b0;
                        gout_eff_reg <= 1'b0;
                    end
                end
                DIEPMSK: diepmsk_reg <= write_data[15:0];
                DOEPMSK: doepmsk_reg <= write_data[15:0];
                DIEPEMPMSK: empmsk_reg <= DEDICATED ? write_data[15:0] : 16'd0;
                PCGCCTL: stopped_reg <= write_data[0];
                default: begin
                end
            endcase
        end
        if (reset_start) begin
            address_reg <= 7'd0;
            old_valid_reg <= 1'b0;
            first_frame_reg <= 1'b1;
        end

        if (rst) begin
            gahbcfg_reg <= 6'd0;
            empty_level_reg <= 1'b0;
            periodic_level_reg <= 1'b0;
            limit_reg <= DCFG_RESET[22:18];
            override_reg <= 2'd0;
            rx_depth_reg <= FIFO_WORDS[17:2];
            speed_cfg_reg <= 2'd0;
            periodic_reg <= 2'd0;
            address_reg <= 7'd0;
            old_valid_reg <= 1'b0;
            wakeup_reg <= 1'b0;
            stall_status_reg <= 1'b0;
            desc_reg <= 1'b0;
            test_reg <= 3'd0;
            disconnect_reg <= (SOFT_DISCONNECT != 0);
            gin_nak_reg <= 1'b0;
            gout_nak_reg <= 1'b0;
            gout_eff_reg <= 1'b0;
            gout_push_reg <= 1'b0;
            diepmsk_reg <= 16'd0;
            doepmsk_reg <= 16'd0;
            empmsk_reg <= 16'd0;
            suspended_reg <= 1'b0;
            stopped_reg <= 1'b0;
            full_speed_reg <= 1'b1;
            frame_reg <= 14'd0;
            first_frame_reg <= 1'b1;
            rx_flush_reg <= 1'b0;
            tx_flush_reg <= 1'b0;
            flush_fifo_reg <= 5'd0;
            soft_reset_reg <= 1'b0;
            soft_done_reg <= 1'b0;
        end
    end

    wire unused_ok = &{1'b0, gintsts[0], 1'b0};

endmodule

`resetall
