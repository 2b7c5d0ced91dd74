// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// What an operation does to the flags and the interrupt causes of its endpoint. Combinational.
module ep_update (
    input  wire        exists,
    input  wire        out,
    // the endpoint is isochronous: its PID flag is the parity of its frame and stays
    input  wire        iso,
    // {disable pending, data PID, active, stall, NAK, enabled}
    input  wire [5:0]  flags,

    // write of DxEPCTL with what becomes of the flags, write of DxEPINT
    input  wire        write_control,
    input  wire [5:0]  write_flags,
    input  wire        nak_effective_set,
    input  wire        nak_effective_clear,
    input  wire        write_causes,
    input  wire [15:0] write_data,

    // SETUP accepted: EP0 NAKs, its stall ends, the data stage begins with DATA1
    input  wire        setup,
    // the walk after a bus reset comes by
    input  wire        reset,
    input  wire        is_ep0,
    // token that finds no data or no open endpoint, isochronous IN token that finds no data
    input  wire        token_cause,
    input  wire        token_nothing,
    // IN token that finds another endpoint's packet at the head of the shared FIFO
    input  wire        token_mismatch,
    // OUT packet accepted, the transfer's last
    input  wire        received,
    input  wire        received_last,
    // IN packet acknowledged, the transfer's last
    input  wire        acknowledged,
    input  wire        acknowledged_last,
    // status words taken from the Rx FIFO: OUT done, SETUP done
    input  wire        popped_done,
    input  wire        popped_setup_done,
    // DMA: EP0 stays enabled at SETUP done
    input  wire        dma,
    // DMA has put a SETUP into memory; it has ended with an error
    input  wire        moved_setup,
    input  wire        moved_error,
    // the endpoint has come to rest
    input  wire        disabled,
    // descriptor: closed with an interrupt, the list ends, SETUP in it, not ready, not reached;
    // EP0: the host has gone on to the status stage
    input  wire        desc_complete,
    input  wire        desc_stop,
    input  wire        desc_setup,
    input  wire        desc_bna,
    input  wire        desc_failed,
    input  wire        status_phase,

    output wire        flags_write,
    output reg  [5:0]  flags_data,
    output reg  [15:0] causes_set,
    output reg  [15:0] causes_clear
);

    assign flags_write = write_control || received || acknowledged || popped_done || moved_setup
                         || disabled || (popped_setup_done && !dma) || setup || reset
                         || desc_stop || desc_bna || desc_failed;

    always @* begin
        flags_data = flags;
        causes_set = 16'd0;
        causes_clear = 16'd0;
        if (write_control) begin
            flags_data = write_flags;
            causes_set[6] = nak_effective_set && !out;
            causes_clear[6] = nak_effective_clear && !nak_effective_set;
        end
        if (write_causes) begin
            causes_clear = write_data;
        end
        causes_set[4] = token_cause;
        causes_set[13] = token_nothing;
        if (received) begin
            flags_data[4] = flags[4] != !iso;
            flags_data[1] = flags[1] || received_last;
        end
        if (acknowledged) begin
            flags_data[4] = flags[4] != !iso;
            if (acknowledged_last && flags[0]) begin
                flags_data[0] = 1'b0;
                // a disable that waited for this packet has nothing left to do but report
                causes_set[0] = 1'b1;
            end
        end
        if (popped_done) begin
            flags_data[0] = 1'b0;
            causes_set[0] = 1'b1;
        end
        if (popped_setup_done) begin
            flags_data[0] = 1'b0;
            causes_set[3] = 1'b1;
        end
        if (moved_setup) begin
            flags_data[0] = 1'b0;
            causes_set[0] = 1'b1;
            causes_set[15] = 1'b1;
        end
        causes_set[2] = moved_error;
        if (disabled) begin
            flags_data[5] = 1'b0;
            flags_data[0] = 1'b0;
            causes_set[1] = 1'b1;
        end
        if (setup || reset) begin
            flags_data[1] = 1'b1;
            flags_data[2] = 1'b0;
        end
        if (setup) begin
            flags_data[4] = 1'b1;
        end
        if (reset) begin
            flags_data[3] = is_ep0;
        end
        if (desc_stop || desc_bna || desc_failed) begin
            flags_data[0] = 1'b0;
            flags_data[1] = flags[1] || out || !desc_stop;
        end
        if (desc_complete) begin
            causes_set[0] = 1'b1;
        end
        if (desc_setup) begin
            causes_set[15] = 1'b1;
        end
        causes_set[9] = desc_bna;
        causes_set[5] = status_phase || token_mismatch;
        if (!exists) begin
            causes_set = 16'd0;
        end
    end

endmodule

`resetall
