// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// AXI4-Lite slave: one access at a time, handed to the core as request and acknowledge.
// Reads and writes that wait together take turns. Only whole words exist in this register map;
// a write whose four strobes are not all set is answered and ignored.
module axil_slave (
    input  wire        clk,
    input  wire        rst,

    input  wire [17:0] s_axil_awaddr,
    input  wire        s_axil_awvalid,
    output wire        s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [3:0]  s_axil_wstrb,
    input  wire        s_axil_wvalid,
    output wire        s_axil_wready,
    output wire [1:0]  s_axil_bresp,
    output wire        s_axil_bvalid,
    input  wire        s_axil_bready,
    input  wire [17:0] s_axil_araddr,
    input  wire        s_axil_arvalid,
    output wire        s_axil_arready,
    output wire [31:0] s_axil_rdata,
    output wire [1:0]  s_axil_rresp,
    output wire        s_axil_rvalid,
    input  wire        s_axil_rready,

    // access: request stays until the clock of the acknowledge, which carries the read data
    output wire        request,
    output wire        request_write,
    output wire [17:2] request_address,
    output wire [31:0] request_data,
    input  wire        acknowledge,
    input  wire [31:0] read_data
);

    reg         request_reg, request_next;
    reg         write_reg, write_next;
    reg  [17:2] address_reg, address_next;
    reg  [31:0] data_reg, data_next;
    reg         bvalid_reg, bvalid_next;
    reg         rvalid_reg, rvalid_next;
    reg         take_write;
    reg         take_read;

    assign s_axil_awready = take_write;
    assign s_axil_wready = take_write;
    assign s_axil_bresp = 2'b00;
    assign s_axil_bvalid = bvalid_reg;
    assign s_axil_arready = take_read;
    assign s_axil_rdata = data_reg;
    assign s_axil_rresp = 2'b00;
    assign s_axil_rvalid = rvalid_reg;

    assign request = request_reg;
    assign request_write = write_reg;
    assign request_address = address_reg;
    assign request_data = data_reg;

    wire unused_ok = &{1'b0, s_axil_awaddr[1:0], s_axil_araddr[1:0], 1'b0};

    always @* begin
        request_next = request_reg;
        write_next = write_reg;
        address_next = address_reg;
        data_next = data_reg;
        bvalid_next = bvalid_reg && !s_axil_bready;
        rvalid_next = rvalid_reg && !s_axil_rready;
        take_write = 1'b0;
        take_read = 1'b0;

        if (request_reg) begin
            if (acknowledge) begin
                request_next = 1'b0;
                bvalid_next = write_reg;
                rvalid_next = !write_reg;
                data_next = read_data;
            end
        end else if (!bvalid_reg && !rvalid_reg) begin
            if (s_axil_awvalid && s_axil_wvalid && !(s_axil_arvalid && write_reg)) begin
                take_write = 1'b1;
                write_next = 1'b1;
                address_next = s_axil_awaddr[17:2];
                data_next = s_axil_wdata;
                request_next = &s_axil_wstrb;
                bvalid_next = !(&s_axil_wstrb);
            end else if (s_axil_arvalid) begin
                take_read = 1'b1;
                write_next = 1'b0;
                address_next = s_axil_araddr[17:2];
                request_next = 1'b1;
            end
        end
    end

    always @(posedge clk) begin
        request_reg <= request_next;
        write_reg <= write_next;
        address_reg <= address_next;
        data_reg <= data_next;
        bvalid_reg <= bvalid_next;
        rvalid_reg <= rvalid_next;
        if (rst) begin
            request_reg <= 1'b0;
            write_reg <= 1'b0;
            bvalid_reg <= 1'b0;
            rvalid_reg <= 1'b0;
        end
    end

endmodule

`resetall
