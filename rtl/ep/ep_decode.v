// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// What an address means to the endpoint logic. Combinational.
module ep_decode (
    input  wire [17:2] address,
    // number of the endpoint at the head of the Rx FIFO, owner of the Tx FIFO of the window
    input  wire [3:0]  head_ep,
    input  wire [3:0]  window_ep,

    // DIEP and DOEP registers, and their direction
    output wire        endpoint,
    output wire        out,
    // endpoint that the access works on
    output wire [3:0]  ep,
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

    wire low = (address[17:12] == 6'd0);
    wire in_register = low && ((address[11:8] == 4'h9) || (address[11:8] == 4'hA));
    wire out_register = low && ((address[11:8] == 4'hB) || (address[11:8] == 4'hC));
    wire each_out = low && (address[11:6] == 6'h22);
    wire fifo0_size = low && (address[11:2] == 10'h00A);
    wire fifon_size = low && (address[11:6] == 6'h04) && (address[5:2] != 4'd0);
    wire level = in_register && (address[4:2] == 3'd6);
    wire [3:0] register_ep = {!address[8], address[7:5]};

    assign endpoint = in_register || out_register;
    assign out = out_register || pop || each_out;
    assign ep = pop ? head_ep : window ? window_ep : each ? address[5:2] : register_ep;
    assign names_fifo = size || space || window || level;
    assign fifo = fifon_size ? address[5:2] : window ? address[15:12] - 4'd1
                : level ? register_ep : 4'd0;
    assign size = fifo0_size || fifon_size;
    assign space = low && (address[11:2] == 10'h00B);
    assign pop = low && (address[11:2] == 10'h008);
    assign peek = low && (address[11:2] == 10'h007);
    assign window = !low && ((address[17:16] == 2'b00) || (address[17:12] == 6'h10));
    assign each = each_out || (low && (address[11:6] == 6'h21));

endmodule

`resetall
