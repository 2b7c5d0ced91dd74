// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// USB 2.0 device controller, register compatible with the device mode of DWC2.
module udc #(
    // IN endpoints without EP0, 1 to 15
    parameter NUM_IN_EPS = 7,
    // OUT endpoints without EP0, 1 to 15
    parameter NUM_OUT_EPS = 7,
    // directions of the endpoints, coded as GHWCFG1: 0 both, 1 IN only, 2 OUT only
    parameter [31:0] EP_DIRECTIONS = 32'd0,
    // packet RAM in 32-bit words, a power of two from 512 to 32768
    parameter FIFO_WORDS = 4096,
    // 1 = one Tx FIFO per IN endpoint, 0 = one for all that are not periodic
    parameter DEDICATED_FIFO = 1,
    // 0 slave only, 2 internal DMA
    parameter DMA = 2,
    // 1 = descriptor DMA
    parameter DESC_DMA = 0,
    // 1 = link power management
    parameter LPM = 0,
    // 1 = endpoint commands of the extension bank
    parameter COMMANDS = 0,
    // reset value of the latency of a command, us, 0 to 2000
    parameter CMD_LATENCY = 1000,
    // reset value of DCTL.SftDiscon: 1 = no pull-up until software asks for it
    parameter SOFT_DISCONNECT = 1,
    // 1 = PIPE face and streams
    parameter SUPERSPEED = 0,
    // AXI4 data path in bits, 32 or 64
    parameter DATA_WIDTH = 32,
    // UTMI data path in bits: 8 (utmi_clk is 60 MHz) or 16 (30 MHz)
    parameter UTMI_WIDTH = 8,
    // divides reset, chirp and suspend times, 1 to 1000
    parameter TIME_SCALE = 1,
    // 1 = the trace port is built
    parameter TRACE = 0
) (
    // core clock, 60 MHz or more, never stops; synchronous reset, active high
    input  wire                  core_clk,
    input  wire                  core_rst,

    // registers: AXI4-Lite
    input  wire [17:0]           s_axil_awaddr,
    input  wire                  s_axil_awvalid,
    output wire                  s_axil_awready,
    input  wire [31:0]           s_axil_wdata,
    input  wire [3:0]            s_axil_wstrb,
    input  wire                  s_axil_wvalid,
    output wire                  s_axil_wready,
    output wire [1:0]            s_axil_bresp,
    output wire                  s_axil_bvalid,
    input  wire                  s_axil_bready,
    input  wire [17:0]           s_axil_araddr,
    input  wire                  s_axil_arvalid,
    output wire                  s_axil_arready,
    output wire [31:0]           s_axil_rdata,
    output wire [1:0]            s_axil_rresp,
    output wire                  s_axil_rvalid,
    input  wire                  s_axil_rready,

    // DMA: AXI4
    output wire [0:0]            m_axi_awid,
    output wire [31:0]           m_axi_awaddr,
    output wire [7:0]            m_axi_awlen,
    output wire [2:0]            m_axi_awsize,
    output wire [1:0]            m_axi_awburst,
    output wire                  m_axi_awlock,
    output wire [3:0]            m_axi_awcache,
    output wire [2:0]            m_axi_awprot,
    output wire                  m_axi_awvalid,
    input  wire                  m_axi_awready,
    output wire [DATA_WIDTH-1:0] m_axi_wdata,
    output wire [DATA_WIDTH/8-1:0] m_axi_wstrb,
    output wire                  m_axi_wlast,
    output wire                  m_axi_wvalid,
    input  wire                  m_axi_wready,
    input  wire [0:0]            m_axi_bid,
    input  wire [1:0]            m_axi_bresp,
    input  wire                  m_axi_bvalid,
    output wire                  m_axi_bready,
    output wire [0:0]            m_axi_arid,
    output wire [31:0]           m_axi_araddr,
    output wire [7:0]            m_axi_arlen,
    output wire [2:0]            m_axi_arsize,
    output wire [1:0]            m_axi_arburst,
    output wire                  m_axi_arlock,
    output wire [3:0]            m_axi_arcache,
    output wire [2:0]            m_axi_arprot,
    output wire                  m_axi_arvalid,
    input  wire                  m_axi_arready,
    input  wire [0:0]            m_axi_rid,
    input  wire [DATA_WIDTH-1:0] m_axi_rdata,
    input  wire [1:0]            m_axi_rresp,
    input  wire                  m_axi_rlast,
    input  wire                  m_axi_rvalid,
    output wire                  m_axi_rready,

    // PHY: UTMI+; the clock may stop while the PHY is suspended. 16 bit: the low byte is first on
    // the wire, ...validh tells whether the high byte is valid too; 8 bit: txvalidh is 0, rxvalidh
    // is ignored.
    input  wire                  utmi_clk,
    output wire                  utmi_txvalid,
    output wire                  utmi_txvalidh,
    input  wire                  utmi_txready,
    output wire [UTMI_WIDTH-1:0] utmi_txdata,
    input  wire                  utmi_rxactive,
    input  wire                  utmi_rxvalid,
    input  wire                  utmi_rxvalidh,
    input  wire                  utmi_rxerror,
    input  wire [UTMI_WIDTH-1:0] utmi_rxdata,
    // {D-, D+}
    input  wire [1:0]            utmi_linestate,
    output wire [1:0]            utmi_opmode,
    output wire [1:0]            utmi_xcvrselect,
    output wire                  utmi_termselect,
    output wire                  utmi_suspendm,
    input  wire                  utmi_vbusvalid,

    // level interrupt, and one per endpoint: IN 15:0, OUT 31:16
    output wire                  irq,
    output wire [31:0]           ep_irq,

    // what the controller commits, in core order, lane 0 first: {kind, arg, data}
    output wire [7:0]            trace_valid,
    output wire [511:0]          trace_data
);

    // Illegal parameters stop elaboration: no module has such a name.
    generate
        if (NUM_IN_EPS < 1 || NUM_IN_EPS > 15) begin : g_in
            ILLEGAL_PARAMETER_NUM_IN_EPS_must_be_1_to_15 error ();
        end
        if (NUM_OUT_EPS < 1 || NUM_OUT_EPS > 15) begin : g_out
            ILLEGAL_PARAMETER_NUM_OUT_EPS_must_be_1_to_15 error ();
        end
        if (FIFO_WORDS < 512 || FIFO_WORDS > 32768
            || (FIFO_WORDS & (FIFO_WORDS - 1)) != 0) begin : g_words
            ILLEGAL_PARAMETER_FIFO_WORDS_must_be_a_power_of_two_from_512_to_32768 error ();
        end
        if (DEDICATED_FIFO != 0 && DEDICATED_FIFO != 1) begin : g_dedicated
            ILLEGAL_PARAMETER_DEDICATED_FIFO_must_be_0_or_1 error ();
        end
        if (DMA != 0 && DMA != 2) begin : g_dma
            ILLEGAL_PARAMETER_DMA_must_be_0_slave_or_2_internal error ();
        end
        if (DESC_DMA != 0 && (DESC_DMA != 1 || DMA != 2 || DEDICATED_FIFO != 1)) begin : g_desc
            ILLEGAL_PARAMETER_DESC_DMA_must_be_0_or_1_and_needs_DMA_2_and_DEDICATED_FIFO_1 error ();
        end
        if (LPM != 0 && LPM != 1) begin : g_lpm
            ILLEGAL_PARAMETER_LPM_must_be_0_or_1 error ();
        end
        if (COMMANDS != 0 && COMMANDS != 1) begin : g_commands
            ILLEGAL_PARAMETER_COMMANDS_must_be_0_or_1 error ();
        end
        if (SUPERSPEED != 0) begin : g_superspeed
            ILLEGAL_PARAMETER_SUPERSPEED_must_be_0_SuperSpeed_is_not_built error ();
        end
        if (DATA_WIDTH != 32 && DATA_WIDTH != 64) begin : g_width
            ILLEGAL_PARAMETER_DATA_WIDTH_must_be_32_or_64 error ();
        end
        if (EP_DIRECTIONS[1:0] != 2'd0) begin : g_directions_0
            ILLEGAL_PARAMETER_EP_DIRECTIONS_must_give_endpoint_0_both_directions error ();
        end
        if ((EP_DIRECTIONS & (EP_DIRECTIONS >> 1) & 32'h5555_5555) != 32'd0) begin : g_directions
            ILLEGAL_PARAMETER_EP_DIRECTIONS_must_be_0_both_1_IN_or_2_OUT_per_endpoint error ();
        end
        if (CMD_LATENCY < 0 || CMD_LATENCY > 2000) begin : g_latency
            ILLEGAL_PARAMETER_CMD_LATENCY_must_be_0_to_2000_microseconds error ();
        end
        if (SOFT_DISCONNECT != 0 && SOFT_DISCONNECT != 1) begin : g_disconnect
            ILLEGAL_PARAMETER_SOFT_DISCONNECT_must_be_0_or_1 error ();
        end
        if (UTMI_WIDTH != 8 && UTMI_WIDTH != 16) begin : g_utmi_width
            ILLEGAL_PARAMETER_UTMI_WIDTH_must_be_8_or_16 error ();
        end
        if (TIME_SCALE < 1 || TIME_SCALE > 1000) begin : g_scale
            ILLEGAL_PARAMETER_TIME_SCALE_must_be_1_to_1000 error ();
        end
        if (TRACE != 0 && TRACE != 1) begin : g_trace
            ILLEGAL_PARAMETER_TRACE_must_be_0_or_1 error ();
        end
    endgenerate

    wire        ctl_connect;
    wire        ctl_full_speed_only;
    wire [1:0]  ctl_periodic_part;
    wire        ctl_remote_wakeup;
    wire [2:0]  ctl_test;
    wire        ctl_soft_reset;
    wire [1:0]  line_state;
    wire        vbus_valid;
    wire        rx_valid;
    wire        rx_ready;
    wire [3:0]  rx_type;
    wire [31:0] rx_data;
    wire        ans_valid;
    wire [2:0]  ans_kind;
    wire [3:0]  ans_pid;
    wire [10:0] ans_length;
    wire        tx_valid;
    wire        tx_ready;
    wire [31:0] tx_data;

    usb2_link #(
        .TIME_SCALE(TIME_SCALE), .LPM(LPM), .UTMI_WIDTH(UTMI_WIDTH)
    ) usb2_link (
        .core_clk(core_clk), .core_rst(core_rst),
        .ctl_connect(ctl_connect), .ctl_full_speed_only(ctl_full_speed_only),
        .ctl_periodic_part(ctl_periodic_part),
        .ctl_remote_wakeup(ctl_remote_wakeup), .ctl_test(ctl_test),
        .ctl_soft_reset(ctl_soft_reset),
        .line_state(line_state), .vbus_valid(vbus_valid),
        .rx_valid(rx_valid), .rx_ready(rx_ready), .rx_type(rx_type), .rx_data(rx_data),
        .ans_valid(ans_valid), .ans_kind(ans_kind), .ans_pid(ans_pid), .ans_length(ans_length),
        .tx_valid(tx_valid), .tx_ready(tx_ready), .tx_data(tx_data),
        .utmi_clk(utmi_clk), .utmi_txvalid(utmi_txvalid), .utmi_txvalidh(utmi_txvalidh),
        .utmi_txready(utmi_txready), .utmi_txdata(utmi_txdata),
        .utmi_rxactive(utmi_rxactive), .utmi_rxvalid(utmi_rxvalid),
        .utmi_rxvalidh(utmi_rxvalidh), .utmi_rxerror(utmi_rxerror), .utmi_rxdata(utmi_rxdata),
        .utmi_linestate(utmi_linestate), .utmi_opmode(utmi_opmode),
        .utmi_xcvrselect(utmi_xcvrselect), .utmi_termselect(utmi_termselect),
        .utmi_suspendm(utmi_suspendm), .utmi_vbusvalid(utmi_vbusvalid)
    );

    udc_core #(
        .NUM_IN_EPS(NUM_IN_EPS), .NUM_OUT_EPS(NUM_OUT_EPS), .FIFO_WORDS(FIFO_WORDS), .DMA(DMA),
        .DESC_DMA(DESC_DMA), .LPM(LPM), .DATA_WIDTH(DATA_WIDTH), .TRACE(TRACE),
        .COMMANDS(COMMANDS), .CMD_LATENCY(CMD_LATENCY), .UTMI_WIDTH(UTMI_WIDTH),
        .SOFT_DISCONNECT(SOFT_DISCONNECT),
        .EP_DIRECTIONS(EP_DIRECTIONS), .DEDICATED_FIFO(DEDICATED_FIFO)
    ) core (
        .clk(core_clk), .rst(core_rst),
        .s_axil_awaddr(s_axil_awaddr), .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready), .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb), .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready), .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid), .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr), .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready), .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp), .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
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
        .m_axi_rlast(m_axi_rlast), .m_axi_rvalid(m_axi_rvalid), .m_axi_rready(m_axi_rready),
        .ctl_connect(ctl_connect), .ctl_full_speed_only(ctl_full_speed_only),
        .ctl_periodic_part(ctl_periodic_part),
        .ctl_remote_wakeup(ctl_remote_wakeup), .ctl_test(ctl_test),
        .ctl_soft_reset(ctl_soft_reset),
        .line_state(line_state), .vbus_valid(vbus_valid),
        .rx_valid(rx_valid), .rx_ready(rx_ready), .rx_type(rx_type), .rx_data(rx_data),
        .ans_valid(ans_valid), .ans_kind(ans_kind), .ans_pid(ans_pid), .ans_length(ans_length),
        .tx_valid(tx_valid), .tx_ready(tx_ready), .tx_data(tx_data),
        .irq(irq), .ep_irq(ep_irq), .trace_valid(trace_valid), .trace_data(trace_data)
    );

endmodule

`resetall
