// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// What an address means to the shadow RAM, in the clock after it has come, and which bits of the
// register are plain storage, in the clock after that. An index stands for one register:
//
//   00 aaaaaa   0x000 + 4a           10 00 nnnn   DIEPTXFn
//   01 aaaaaa   0x800 + 4a           10 0100 0a   0xE00 + 4a
//   11 0 d nnnn DxEPCTLn, OUT if d   11 1 d nnnn  other registers of this endpoint, not stored
//
// What has no storage is never written there and reads zero.
module csr_decode #(
    parameter NUM_IN_EPS = 7,
    // features: 0 = bits of their own have no storage
    parameter DEDICATED_FIFO = 1,
    parameter DMA = 2,
    parameter DESC_DMA = 0,
    parameter LPM = 0
) (
    input  wire        clk,
    input  wire [17:2] address,

    output wire [7:0]  index,
    // the register has storage, or has it if its endpoint exists
    output wire        stored,
    output wire        stored_endpoint,
    output wire [31:0] storable
);

    `include "udc_regs.vh"

    // DIEPTXFn that exist
    localparam [15:0] SIZES = (16'd1 << NUM_IN_EPS) - 16'd1 << 1;
    // no register has this one
    localparam [7:0] NOTHING = 8'hBF;

    reg  [7:0]  index_reg, index_next;
    reg         stored_reg, stored_next;
    reg         endpoint_reg, endpoint_next;
    reg  [31:0] storable_reg, storable_next;

    assign index = index_reg;
    assign stored = stored_reg;
    assign stored_endpoint = endpoint_reg;
    assign storable = storable_reg;

    wire out = address[10] || (address[9] && address[8]);

    always @* begin
        index_next = NOTHING;
        stored_next = 1'b0;
        endpoint_next = 1'b0;
        if (address[17:12] == 6'd0) begin
            case (address[11:8])
                4'h0, 4'h8: begin
                    index_next = {1'b0, address[11], address[7:2]};
                    stored_next = 1'b1;
                end
                4'h1: begin
                    if ((address[7:6] == 2'd0) && SIZES[address[5:2]]) begin
                        index_next = {4'b1000, address[5:2]};
                        stored_next = 1'b1;
                    end
                end
                4'h9, 4'hA, 4'hB, 4'hC: begin
                    index_next = {2'b11, address[4:2] != 3'd0, out, !address[8], address[7:5]};
                    endpoint_next = (address[4:2] == 3'd0);
                end
                4'hE: begin
                    if (address[7:3] == 5'd0) begin
                        index_next = {7'b1001_000, address[2]};
                        stored_next = 1'b1;
                    end
                end
                default: begin
                end
            endcase
        end
    end

    localparam [7:0] GOTGCTL = {1'b0, GOTGCTL_OFFSET[11], GOTGCTL_OFFSET[7:2]};
    localparam [7:0] GAHBCFG = {1'b0, GAHBCFG_OFFSET[11], GAHBCFG_OFFSET[7:2]};
    localparam [7:0] GUSBCFG = {1'b0, GUSBCFG_OFFSET[11], GUSBCFG_OFFSET[7:2]};
    localparam [7:0] GINTMSK = {1'b0, GINTMSK_OFFSET[11], GINTMSK_OFFSET[7:2]};
    localparam [7:0] GRXFSIZ = {1'b0, GRXFSIZ_OFFSET[11], GRXFSIZ_OFFSET[7:2]};
    localparam [7:0] GNPTXFSIZ = {1'b0, GNPTXFSIZ_OFFSET[11], GNPTXFSIZ_OFFSET[7:2]};
    localparam [7:0] GI2CCTL = {1'b0, GI2CCTL_OFFSET[11], GI2CCTL_OFFSET[7:2]};
    localparam [7:0] GPVNDCTL = {1'b0, GPVNDCTL_OFFSET[11], GPVNDCTL_OFFSET[7:2]};
    localparam [7:0] GGPIO = {1'b0, GGPIO_OFFSET[11], GGPIO_OFFSET[7:2]};
    localparam [7:0] GUID = {1'b0, GUID_OFFSET[11], GUID_OFFSET[7:2]};
    localparam [7:0] GLPMCFG = {1'b0, GLPMCFG_OFFSET[11], GLPMCFG_OFFSET[7:2]};
    localparam [7:0] GDFIFOCFG = {1'b0, GDFIFOCFG_OFFSET[11], GDFIFOCFG_OFFSET[7:2]};
    localparam [7:0] DCFG = {1'b0, DCFG_OFFSET[11], DCFG_OFFSET[7:2]};
    localparam [7:0] DCTL = {1'b0, DCTL_OFFSET[11], DCTL_OFFSET[7:2]};
    localparam [7:0] DIEPMSK = {1'b0, DIEPMSK_OFFSET[11], DIEPMSK_OFFSET[7:2]};
    localparam [7:0] DOEPMSK = {1'b0, DOEPMSK_OFFSET[11], DOEPMSK_OFFSET[7:2]};
    localparam [7:0] DAINTMSK = {1'b0, DAINTMSK_OFFSET[11], DAINTMSK_OFFSET[7:2]};
    localparam [7:0] DVBUSDIS = {1'b0, DVBUSDIS_OFFSET[11], DVBUSDIS_OFFSET[7:2]};
    localparam [7:0] DVBUSPULSE = {1'b0, DVBUSPULSE_OFFSET[11], DVBUSPULSE_OFFSET[7:2]};
    localparam [7:0] DTHRCTL = {1'b0, DTHRCTL_OFFSET[11], DTHRCTL_OFFSET[7:2]};
    localparam [7:0] DIEPEMPMSK = {1'b0, DIEPEMPMSK_OFFSET[11], DIEPEMPMSK_OFFSET[7:2]};
    localparam [7:0] DEACHMSK = {1'b0, DEACHMSK_OFFSET[11], DEACHMSK_OFFSET[7:2]};

    // STALL and USBActEP have flip-flops
    localparam [31:0] IN_CONTROL = DIEPCTL_RW_MASK & ~32'h0020_8000;
    localparam [31:0] OUT_CONTROL = DOEPCTL_RW_MASK & ~32'h0020_8000;

    wire first = (index_reg[3:0] == 4'd0);

    always @* begin
        case (index_reg)
            GOTGCTL: storable_next = GOTGCTL_RW_MASK;
            GAHBCFG: storable_next = GAHBCFG_RW_MASK
                                     & ((DMA != 0) ? ~32'd0 : ~GAHBCFG_DMAEN_MASK);
            GUSBCFG: storable_next = GUSBCFG_RW_MASK;
            GINTMSK: storable_next = GINTMSK_RW_MASK;
            GRXFSIZ: storable_next = GRXFSIZ_RW_MASK;
            GNPTXFSIZ: storable_next = 32'hFFFF_FFFF;
            GI2CCTL: storable_next = GI2CCTL_RW_MASK;
            GPVNDCTL: storable_next = GPVNDCTL_RW_MASK;
            GGPIO: storable_next = GGPIO_RW_MASK;
            GUID: storable_next = GUID_RW_MASK;
            GLPMCFG: storable_next = (LPM != 0) ? GLPMCFG_RW_MASK : 32'd0;
            GDFIFOCFG: storable_next = GDFIFOCFG_RW_MASK;
            8'h90: storable_next = PCGCCTL_RW_MASK;
            8'h91: storable_next = PCGCCTL1_RW_MASK;
            // the address has flip-flops
            DCFG: storable_next = DCFG_RW_MASK & ~DCFG_DEVADDR_MASK
                                  & ((DESC_DMA != 0) ? ~32'd0 : ~DCFG_DESCDMA_MASK);
            // with LPM the core clears RmtWkUpSig
            DCTL: storable_next = DCTL_RW_MASK & ((LPM != 0) ? ~DCTL_RMTWKUPSIG_MASK : ~32'd0);
            DIEPMSK: storable_next = DIEPMSK_RW_MASK;
            DOEPMSK: storable_next = DOEPMSK_RW_MASK;
            DAINTMSK: storable_next = DAINTMSK_RW_MASK;
            DVBUSDIS: storable_next = DVBUSDIS_RW_MASK;
            DVBUSPULSE: storable_next = DVBUSPULSE_RW_MASK;
            DTHRCTL: storable_next = (DEDICATED_FIFO != 0) ? DTHRCTL_RW_MASK : 32'd0;
            DIEPEMPMSK: storable_next = (DEDICATED_FIFO != 0) ? DIEPEMPMSK_RW_MASK : 32'd0;
            DEACHMSK: storable_next = DEACHMSK_RW_MASK;
            default: begin
                storable_next = 32'd0;
                case (index_reg[7:4])
                    // DIEPEACHMSKn and DOEPEACHMSKn
                    4'h5, 4'h6: storable_next = DIEPEACHMSK_RW_MASK;
                    4'h8: storable_next = 32'hFFFF_FFFF;
                    4'hC: storable_next = first ? DIEPCTL0_RW_MASK : IN_CONTROL;
                    4'hD: storable_next = first ? DOEPCTL0_RW_MASK : OUT_CONTROL;
                    // for DxEPTSIZ, and those that do not look at it
                    4'hE: storable_next = first ? DIEPTSIZ0_RW_MASK : DIEPTSIZ_RW_MASK;
                    4'hF: storable_next = first ? DOEPTSIZ0_RW_MASK : DOEPTSIZ_RW_MASK;
                    default: begin
                    end
                endcase
            end
        endcase
    end

    always @(posedge clk) begin
        index_reg <= index_next;
        stored_reg <= stored_next;
        endpoint_reg <= endpoint_next;
        storable_reg <= storable_next;
    end

endmodule

`resetall
