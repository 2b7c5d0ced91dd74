// SPDX-License-Identifier: Apache-2.0
// Testbench top: the controller, a register master, the memory behind its bus master, the USB host
// side with its PHY, and a sink for the trace port. Simulation only.
//
// Clocks: core_clk (80 MHz) and phy_clk (60 MHz) never stop; utmi_clk is phy_clk, or with a UTMI
// of 16 bits every other pulse of it, while the PHY gives a clock to the controller. Where our own
// main drives them (Verilator) they are inputs and only their rising edges are at exact times;
// without it (GENCLK) they are made here.

`resetall
`timescale 1ps/1ps
`default_nettype none

`include "pf.vh"

module tb_top #
(
    parameter NUM_IN_EPS = 7,
    parameter NUM_OUT_EPS = 7,
    parameter [31:0] EP_DIRECTIONS = 32'd0,
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
`ifdef GENCLK
();

reg core_clk = 1'b0;
reg phy_clk = 1'b0;
reg utmi_clk = 1'b0;
`else
(
    input wire core_clk,
    input wire phy_clk,
    input wire utmi_clk
);
`endif

// Toggled when cocotb's tasks shall run (simulators without our main)
reg pf_wake = 1'b0;

wire reset_request;
reg [4:0] power_on_reg = 5'd0;
reg core_rst = 1'b1;

wire [17:0] axil_awaddr;
wire        axil_awvalid;
wire        axil_awready;
wire [31:0] axil_wdata;
wire [3:0]  axil_wstrb;
wire        axil_wvalid;
wire        axil_wready;
wire [1:0]  axil_bresp;
wire        axil_bvalid;
wire        axil_bready;
wire [17:0] axil_araddr;
wire        axil_arvalid;
wire        axil_arready;
wire [31:0] axil_rdata;
wire [1:0]  axil_rresp;
wire        axil_rvalid;
wire        axil_rready;

wire        axi_awid;
wire [31:0] axi_awaddr;
wire [7:0]  axi_awlen;
wire [2:0]  axi_awsize;
wire [1:0]  axi_awburst;
wire        axi_awvalid;
wire        axi_awready;
wire [DATA_WIDTH-1:0] axi_wdata;
wire [DATA_WIDTH/8-1:0] axi_wstrb;
wire        axi_wlast;
wire        axi_wvalid;
wire        axi_wready;
wire        axi_bid;
wire [1:0]  axi_bresp;
wire        axi_bvalid;
wire        axi_bready;
wire        axi_arid;
wire [31:0] axi_araddr;
wire [7:0]  axi_arlen;
wire [2:0]  axi_arsize;
wire [1:0]  axi_arburst;
wire        axi_arvalid;
wire        axi_arready;
wire        axi_rid;
wire [DATA_WIDTH-1:0] axi_rdata;
wire [1:0]  axi_rresp;
wire        axi_rlast;
wire        axi_rvalid;
wire        axi_rready;

wire        utmi_txvalid;
wire        utmi_txvalidh;
wire        utmi_txready;
wire [UTMI_WIDTH-1:0] utmi_txdata;
wire        utmi_rxactive;
wire        utmi_rxvalid;
wire        utmi_rxvalidh;
wire        utmi_rxerror;
wire [UTMI_WIDTH-1:0] utmi_rxdata;
wire        phy_txvalid;
wire        phy_txready;
wire [7:0]  phy_txdata;
wire        phy_rxactive;
wire        phy_rxvalid;
wire        phy_rxerror;
wire [7:0]  phy_rxdata;
wire [1:0]  utmi_linestate;
wire [1:0]  utmi_opmode;
wire [1:0]  utmi_xcvrselect;
wire        utmi_termselect;
wire        utmi_suspendm;
wire        utmi_vbusvalid;

wire          irq;
wire [31:0]   ep_irq;
wire [7:0]    trace_valid;
wire [511:0]  trace_data;

// What drives utmi_clk is told its rate before the first edge.
integer half_rate;

initial half_rate = `PF_CALL(pf_utmi_half)(UTMI_WIDTH == 16);

// Power-on reset and the testbench's own
always @(posedge core_clk) begin
    if (!power_on_reg[4]) power_on_reg <= power_on_reg + 5'd1;
    core_rst <= !power_on_reg[4] || reset_request;
end

udc #(
    .NUM_IN_EPS(NUM_IN_EPS),
    .NUM_OUT_EPS(NUM_OUT_EPS),
    .EP_DIRECTIONS(EP_DIRECTIONS),
    .FIFO_WORDS(FIFO_WORDS),
    .DEDICATED_FIFO(DEDICATED_FIFO),
    .DMA(DMA),
    .DESC_DMA(DESC_DMA),
    .LPM(LPM),
    .COMMANDS(COMMANDS),
    .CMD_LATENCY(CMD_LATENCY),
    .SOFT_DISCONNECT(SOFT_DISCONNECT),
    .SUPERSPEED(SUPERSPEED),
    .DATA_WIDTH(DATA_WIDTH),
    .UTMI_WIDTH(UTMI_WIDTH),
    .TIME_SCALE(TIME_SCALE),
    .TRACE(TRACE)
) udc (
    .core_clk(core_clk),
    .core_rst(core_rst),
    .utmi_clk(utmi_clk),
    .s_axil_awaddr(axil_awaddr),
    .s_axil_awvalid(axil_awvalid),
    .s_axil_awready(axil_awready),
    .s_axil_wdata(axil_wdata),
    .s_axil_wstrb(axil_wstrb),
    .s_axil_wvalid(axil_wvalid),
    .s_axil_wready(axil_wready),
    .s_axil_bresp(axil_bresp),
    .s_axil_bvalid(axil_bvalid),
    .s_axil_bready(axil_bready),
    .s_axil_araddr(axil_araddr),
    .s_axil_arvalid(axil_arvalid),
    .s_axil_arready(axil_arready),
    .s_axil_rdata(axil_rdata),
    .s_axil_rresp(axil_rresp),
    .s_axil_rvalid(axil_rvalid),
    .s_axil_rready(axil_rready),
    .m_axi_awid(axi_awid),
    .m_axi_awaddr(axi_awaddr),
    .m_axi_awlen(axi_awlen),
    .m_axi_awsize(axi_awsize),
    .m_axi_awburst(axi_awburst),
    .m_axi_awlock(),
    .m_axi_awcache(),
    .m_axi_awprot(),
    .m_axi_awvalid(axi_awvalid),
    .m_axi_awready(axi_awready),
    .m_axi_wdata(axi_wdata),
    .m_axi_wstrb(axi_wstrb),
    .m_axi_wlast(axi_wlast),
    .m_axi_wvalid(axi_wvalid),
    .m_axi_wready(axi_wready),
    .m_axi_bid(axi_bid),
    .m_axi_bresp(axi_bresp),
    .m_axi_bvalid(axi_bvalid),
    .m_axi_bready(axi_bready),
    .m_axi_arid(axi_arid),
    .m_axi_araddr(axi_araddr),
    .m_axi_arlen(axi_arlen),
    .m_axi_arsize(axi_arsize),
    .m_axi_arburst(axi_arburst),
    .m_axi_arlock(),
    .m_axi_arcache(),
    .m_axi_arprot(),
    .m_axi_arvalid(axi_arvalid),
    .m_axi_arready(axi_arready),
    .m_axi_rid(axi_rid),
    .m_axi_rdata(axi_rdata),
    .m_axi_rresp(axi_rresp),
    .m_axi_rlast(axi_rlast),
    .m_axi_rvalid(axi_rvalid),
    .m_axi_rready(axi_rready),
    .utmi_txvalid(utmi_txvalid),
    .utmi_txvalidh(utmi_txvalidh),
    .utmi_txready(utmi_txready),
    .utmi_txdata(utmi_txdata),
    .utmi_rxactive(utmi_rxactive),
    .utmi_rxvalid(utmi_rxvalid),
    .utmi_rxvalidh(utmi_rxvalidh),
    .utmi_rxerror(utmi_rxerror),
    .utmi_rxdata(utmi_rxdata),
    .utmi_linestate(utmi_linestate),
    .utmi_opmode(utmi_opmode),
    .utmi_xcvrselect(utmi_xcvrselect),
    .utmi_termselect(utmi_termselect),
    .utmi_suspendm(utmi_suspendm),
    .utmi_vbusvalid(utmi_vbusvalid),
    .irq(irq),
    .ep_irq(ep_irq),
    .trace_valid(trace_valid),
    .trace_data(trace_data)
);

axil_master #(
    .ADDR_WIDTH(18)
) axil_master (
    .clk(core_clk),
    .reset_request(reset_request),
    .m_axil_awaddr(axil_awaddr),
    .m_axil_awvalid(axil_awvalid),
    .m_axil_awready(axil_awready),
    .m_axil_wdata(axil_wdata),
    .m_axil_wstrb(axil_wstrb),
    .m_axil_wvalid(axil_wvalid),
    .m_axil_wready(axil_wready),
    .m_axil_bresp(axil_bresp),
    .m_axil_bvalid(axil_bvalid),
    .m_axil_bready(axil_bready),
    .m_axil_araddr(axil_araddr),
    .m_axil_arvalid(axil_arvalid),
    .m_axil_arready(axil_arready),
    .m_axil_rdata(axil_rdata),
    .m_axil_rresp(axil_rresp),
    .m_axil_rvalid(axil_rvalid),
    .m_axil_rready(axil_rready)
);

axi_memory #(
    .ID_WIDTH(1),
    .DATA_WIDTH(DATA_WIDTH)
) axi_memory (
    .clk(core_clk),
    .rst(core_rst),
    .s_axi_awid(axi_awid),
    .s_axi_awaddr(axi_awaddr),
    .s_axi_awlen(axi_awlen),
    .s_axi_awsize(axi_awsize),
    .s_axi_awburst(axi_awburst),
    .s_axi_awvalid(axi_awvalid),
    .s_axi_awready(axi_awready),
    .s_axi_wdata(axi_wdata),
    .s_axi_wstrb(axi_wstrb),
    .s_axi_wlast(axi_wlast),
    .s_axi_wvalid(axi_wvalid),
    .s_axi_wready(axi_wready),
    .s_axi_bid(axi_bid),
    .s_axi_bresp(axi_bresp),
    .s_axi_bvalid(axi_bvalid),
    .s_axi_bready(axi_bready),
    .s_axi_arid(axi_arid),
    .s_axi_araddr(axi_araddr),
    .s_axi_arlen(axi_arlen),
    .s_axi_arsize(axi_arsize),
    .s_axi_arburst(axi_arburst),
    .s_axi_arvalid(axi_arvalid),
    .s_axi_arready(axi_arready),
    .s_axi_rid(axi_rid),
    .s_axi_rdata(axi_rdata),
    .s_axi_rresp(axi_rresp),
    .s_axi_rlast(axi_rlast),
    .s_axi_rvalid(axi_rvalid),
    .s_axi_rready(axi_rready)
);

`ifndef VERILATOR
x_watch #(
    .DATA_WIDTH(DATA_WIDTH)
) x_watch (
    .core_clk(core_clk),
    .core_rst(core_rst),
    .phy_clk(phy_clk),
    .interrupts({irq, ep_irq}),
    .axil({axil_awready, axil_wready, axil_bvalid, axil_bresp, axil_arready, axil_rvalid}),
    .axil_rvalid(axil_rvalid),
    .axil_rdata(axil_rdata),
    .axi({axi_awvalid, axi_wvalid, axi_bready, axi_arvalid, axi_rready}),
    .axi_awvalid(axi_awvalid),
    .axi_aw({axi_awaddr, axi_awlen}),
    .axi_wvalid(axi_wvalid),
    .axi_w({axi_wstrb, axi_wlast}),
    .axi_wdata(axi_wdata),
    .axi_arvalid(axi_arvalid),
    .axi_ar({axi_araddr, axi_arlen}),
    .utmi({utmi_txvalid, utmi_opmode, utmi_xcvrselect, utmi_termselect, utmi_suspendm}),
    .utmi_txvalid(utmi_txvalid),
    // an unknown bit of the high byte makes one of the low byte unknown
    .utmi_txdata(utmi_txdata[7:0] ^ ({8{utmi_txvalidh}} & utmi_txdata[UTMI_WIDTH-1 -: 8]))
);
`endif

irq_watch irq_watch (
    .clk(core_clk),
    .rst(core_rst),
    .irq(irq),
    .ep_irq(ep_irq)
);

generate
if (TRACE != 0) begin : trace
    trace_sink #(
        .LANES(8)
    ) trace_sink (
        .clk(core_clk),
        .trace_valid(trace_valid),
        .trace_data(trace_data)
    );
end
endgenerate

// ---- USB host side begins: it drives the UTMI inputs of the controller, clocked by phy_clk ----
utmi_gear #(
    .UTMI_WIDTH(UTMI_WIDTH)
) utmi_gear (
    .clk(phy_clk),
    .utmi_clk(utmi_clk),
    .utmi_txvalid(utmi_txvalid),
    .utmi_txvalidh(utmi_txvalidh),
    .utmi_txready(utmi_txready),
    .utmi_txdata(utmi_txdata),
    .utmi_rxactive(utmi_rxactive),
    .utmi_rxvalid(utmi_rxvalid),
    .utmi_rxvalidh(utmi_rxvalidh),
    .utmi_rxerror(utmi_rxerror),
    .utmi_rxdata(utmi_rxdata),
    .phy_txvalid(phy_txvalid),
    .phy_txready(phy_txready),
    .phy_txdata(phy_txdata),
    .phy_rxactive(phy_rxactive),
    .phy_rxvalid(phy_rxvalid),
    .phy_rxerror(phy_rxerror),
    .phy_rxdata(phy_rxdata)
);

`ifndef PF_NO_HOST
usb_host #(
    // what the gear may take of the PHY's receive delay
    .RX_DELAY_TAKEN(UTMI_WIDTH == 8 ? 0 : 4)
) usb_host (
    .clk(phy_clk),
    .utmi_txvalid(phy_txvalid),
    .utmi_txready(phy_txready),
    .utmi_txdata(phy_txdata),
    .utmi_rxactive(phy_rxactive),
    .utmi_rxvalid(phy_rxvalid),
    .utmi_rxerror(phy_rxerror),
    .utmi_rxdata(phy_rxdata),
    .utmi_linestate(utmi_linestate),
    .utmi_opmode(utmi_opmode),
    .utmi_xcvrselect(utmi_xcvrselect),
    .utmi_termselect(utmi_termselect),
    .utmi_suspendm(utmi_suspendm),
    .utmi_vbusvalid(utmi_vbusvalid)
);
`else
assign phy_txready = 1'b0;
assign phy_rxactive = 1'b0;
assign phy_rxvalid = 1'b0;
assign phy_rxerror = 1'b0;
assign phy_rxdata = 8'd0;
assign utmi_linestate = 2'b00;
assign utmi_vbusvalid = 1'b0;
`endif
// ---- USB host side ends ----

`ifdef GENCLK
integer core_delay;
integer phy_delay;
integer running;
integer edge_core;
integer edge_phy;

always begin
    core_delay = `PF_CALL(pf_clock_delay)(0);
    #(core_delay) core_clk = !core_clk;
    if (core_clk) edge_core = `PF_CALL(pf_edge)(1);
end

always begin
    phy_delay = `PF_CALL(pf_clock_delay)(1);
    #(phy_delay) phy_clk = !phy_clk;
    running = `PF_CALL(pf_clock_running)(1);
    utmi_clk = phy_clk && running != 0;
    if (phy_clk) edge_phy = `PF_CALL(pf_edge)(2);
end

`ifdef WAVES
reg [1023:0] waves_file;
reg waves_opened = 1'b0;
reg waves_running = 1'b0;
integer waves_wanted;

always @(posedge core_clk) begin
    waves_wanted = `PF_CALL(pf_waves_wanted)(0);
    if (waves_wanted != 0 && !waves_running) begin
        waves_running = 1'b1;
        if (!waves_opened) begin
            waves_opened = 1'b1;
            if (!$value$plusargs("waves=%s", waves_file)) waves_file = "waves.fst";
            $dumpfile(waves_file);
            $dumpvars(0, tb_top);
        end else begin
            $dumpon;
        end
    end
    if (waves_wanted == 0 && waves_running) begin
        waves_running = 1'b0;
        $dumpoff;
    end
end
`endif
`endif

endmodule

`resetall
