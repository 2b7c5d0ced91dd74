// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// What an address means to the endpoint logic. The endpoint is there at once, for the operation is
// chosen by it; all else comes in the clock after, when the operation is in READ at the earliest.
module ep_decode (
    input  wire        clk,
    input  wire [17:2] address,
    // number of the endpoint at the head of the Rx FIFO
    input  wire [3:0]  head_ep,

    // endpoint that the access works on; addresses that have to do with no endpoint name any
    output wire        out,
    output wire [3:0]  ep,

    // DIEP and DOEP registers
    output wire        endpoint,
    // Tx FIFO that the access works on, if it names one itself
    output wire        names_fifo,
    output wire [3:0]  fifo,
    // GNPTXFSIZ and DIEPTXFn, GNPTXSTS, GRXSTSP, GRXSTSR, FIFO window, DIEPEACHMSKn or DOEPEACHMSKn
    output wire        size,
    output wire        space,
    output wire        pop,
    output wire        peek,
    output wire        window,
    output wire        each
);

    reg       endpoint_reg;
    reg       names_reg;
    reg [3:0] fifo_reg;
    reg       size_reg;
    reg       space_reg;
    reg       pop_reg;
    reg       peek_reg;
    reg       window_reg;
    reg       each_reg;

    wire low = (address[17:12] == 6'd0);
    wire page0 = (address[11:8] == 4'h0);
    wire page1 = (address[11:8] == 4'h1);
    wire page8 = (address[11:8] == 4'h8);
    wire in_register = (address[11:8] == 4'h9) || (address[11:8] == 4'hA);
    wire out_register = (address[11:8] == 4'hB) || (address[11:8] == 4'hC);
    wire level = low && in_register && (address[4:2] == 3'd6);
    wire [3:0] window_number = address[15:12] - 4'd1;
    wire [3:0] register_ep = {!address[8], address[7:5]};

    assign out = low && (page0 || out_register || (page8 && address[7]));
    assign ep = !low ? window_number : page0 ? head_ep : page8 ? address[5:2] : register_ep;

    assign endpoint = endpoint_reg;
    assign names_fifo = names_reg;
    assign fifo = fifo_reg;
    assign size = size_reg;
    assign space = space_reg;
    assign pop = pop_reg;
    assign peek = peek_reg;
    assign window = window_reg;
    assign each = each_reg;

    wire size0 = low && page0 && (address[7:2] == 6'h0A);
    wire sizes = low && page1 && (address[7:6] == 2'd0) && (address[5:2] != 4'd0);
    wire is_space = low && page0 && (address[7:2] == 6'h0B);
    wire is_window = !low && ((address[17:16] == 2'b00) || (address[17:12] == 6'h10));

    always @(posedge clk) begin
        endpoint_reg <= low && (in_register || out_register);
        names_reg <= size0 || sizes || is_space || is_window || level;
        fifo_reg <= !low ? window_number : page0 ? 4'd0 : page1 ? address[5:2] : register_ep;
        size_reg <= size0 || sizes;
        space_reg <= is_space;
        pop_reg <= low && page0 && (address[7:2] == 6'h08);
        peek_reg <= low && page0 && (address[7:2] == 6'h07);
        window_reg <= is_window;
        each_reg <= low && page8 && (address[7] != address[6]);
    end

endmodule

`resetall
