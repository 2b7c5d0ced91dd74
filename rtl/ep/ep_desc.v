// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Descriptors (scatter/gather DMA): for each endpoint and direction the head of its list, the
// place in it, and the status word of the descriptor in work. A descriptor is loaded, its data are
// moved as with buffer DMA, and its status word is stored; the rest of the endpoint logic asks here
// what it may do. A descriptor that has ended is marked by its status word, which then is the one
// to be stored (bits 31:30 = 2).
//
// Works on one context at a time, as the operations of ep_core do: READ, then ACT.
module ep_desc #(
    // bits of a context index
    parameter INDEX_WIDTH = 4
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        startup,
    // descriptors are in use
    input  wire        enable,
    // (micro)frame, and one begins
    input  wire [10:0] frame,
    input  wire        sof,

    // context in work and what READ has found there
    input  wire [INDEX_WIDTH-1:0] index,
    input  wire        read,
    input  wire        exists,
    input  wire        out,
    input  wire [3:0]  ep,
    input  wire        iso,
    input  wire [5:0]  flags,
    input  wire [10:0] packet_size,
    // bytes not yet moved; bytes that the host lacks (IN) or may still send (OUT): more than one
    // packet, exactly one packet; isochronous IN: packets not yet sent
    input  wire [18:0] size,
    input  wire [18:0] left,
    input  wire        left_more,
    input  wire        left_whole,
    input  wire        packets_more,

    // operation in ACT: write of DxEPDMA; packet acknowledged, accepted; disabled; scan, and the
    // endpoint has a packet on the wire or in the hands of the DMA
    input  wire        address_write,
    input  wire [31:0] write_data,
    input  wire        acknowledged,
    input  wire        received,
    input  wire [10:0] received_length,
    input  wire        disabled,
    input  wire        act_scan,
    input  wire        busy,
    // head of the Rx FIFO; SETUPs of a stage go where the first one went
    input  wire        act_head,
    input  wire [31:0] head,
    input  wire        setup_more,
    input  wire        rx_flush,
    // DMA engine: it is free; it starts; its job is done
    input  wire        idle,
    input  wire        start,
    input  wire        act_moved,
    input  wire        error,
    input  wire [31:0] loaded_status,

    // DxEPDMA
    output wire [31:0] pointer,
    // the descriptor has something to send, or room
    output wire        open,
    // its data may be fetched; it only has to be stored
    output wire        fetch,
    output wire        closing,
    // isochronous IN: the descriptor's frame is over, its data are to leave the FIFO
    output wire        expired,
    // the descriptor that has been loaded: bytes; packets per microframe and packets, 0 counts as 1
    output wire [18:0] loaded_bytes,
    output wire [11:0] loaded_count,
    // jobs to start: load, store, drop the words that found no room
    output wire        start_load,
    output wire        start_store,
    output wire        start_rest,
    output wire [8:0]  rest_words,
    output wire [31:0] store_data,
    // the head stays where it is; it is taken: bytes for memory; a SETUP that replaces another one
    output wire        head_hold,
    output wire        head_take,
    output wire        head_replace,
    output wire [10:0] head_fit,
    // the job that is done moved a packet (all or nothing of it), replaced a SETUP
    output wire        moved_packet,
    output wire        moved_replaced,
    // it loaded a descriptor; what became of the descriptor
    output wire        moved_load,
    output wire        moved_event,
    output wire        moved_closed,
    output wire        moved_bna,
    output wire        moved_failed,
    // it was for a descriptor that has been given up since
    output wire        moved_stale,
    // closed: XferCompl; the endpoint stops; it held a SETUP
    output wire        complete,
    output wire        stop,
    output wire        setup,
    // it has room for another SETUP; a SETUP is in memory, its status word is not
    output wire        setup_whole,
    output wire        setup_closing,

    // context that should be scanned next
    input  wire        hot_used,
    output wire        hot,
    output wire        hot_out,
    output wire [3:0]  hot_ep
);

    localparam [3:0] STS_OUT = 4'd2;
    localparam [3:0] STS_SETUP = 4'd6;

    localparam [1:0] JOB_PACKET = 2'd0;
    localparam [1:0] JOB_LOAD = 2'd1;
    localparam [1:0] JOB_STORE = 2'd2;
    localparam [1:0] JOB_REST = 2'd3;

    wire [31:0] list;
    wire [31:0] pointer_now;
    wire [31:0] status;
    // {the frame is to be looked at, DxEPDMA was written, loaded, ended for the host}
    wire [3:0]  marks;

    reg  [31:0] list_reg;
    reg  [31:0] pointer_reg;
    reg  [31:0] status_reg;
    reg  [3:0]  marks_reg;
    reg  [1:0]  job_reg;
    reg         job_replace_reg;
    // DxEPDMA was written while its descriptor was being loaded or stored
    reg         job_stale_reg;
    reg         job_out_reg;
    reg  [3:0]  job_ep_reg;
    reg  [8:0]  rest_reg;
    reg         setup_closing_reg;
    reg         hot_reg;
    reg         hot_out_reg;
    reg  [3:0]  hot_ep_reg;
    // SOFs seen, for `marks`
    reg         sof_reg;

    wire [3:0]  head_status = head[20:17];
    wire [10:0] head_bytes = head[14:4];
    wire [10:0] head_frame = {head[31:25], head[24:21]};

    wire enabled = flags[0] && exists;
    wire nak = flags[1];
    wire disabling = flags[5];
    wire written = marks_reg[2];
    wire is_loaded = marks_reg[1] && enable;
    wire ended = marks_reg[0];
    wire iso_in = iso && !out;

    assign loaded_bytes = {3'd0, iso ? {4'd0, loaded_status[11] && !out, loaded_status[10:0]}
                                     : loaded_status[15:0]};
    assign loaded_count = {loaded_status[24:23], 8'd0, loaded_status[24],
                           loaded_status[23] || !loaded_status[24]};
    assign pointer = pointer_reg;
    assign fetch = !enable || (is_loaded && !closing && !expired);
    assign closing = is_loaded && status_reg[31];

    // ---- the wire -----------------------------------------------------------------------------

    // an isochronous packet that has come finds its descriptor later
    wire in_frame = (status_reg[22:12] == frame);
    assign open = (enable && iso && out) || (is_loaded && !ended && (!iso_in || in_frame));
    // IN: a zero-length packet follows the last full one if SP says so
    wire last = iso_in ? !packets_more : !left_more && !(left_whole && status_reg[26]);

    wire sent_last = acknowledged && is_loaded && last;
    wire received_last = received && !iso
                         && ((received_length < packet_size)
                             || ({8'd0, received_length} >= left));

    // ---- scan ---------------------------------------------------------------------------------

    wire may_load = enable && enabled && !disabling && written && !is_loaded && idle;
    wire scan_load = act_scan && may_load && !nak;
    // a frame that has come since the descriptor was loaded: is its own one over?
    wire [10:0] ahead = status_reg[22:12] - frame;
    wire looked = (marks_reg[3] == sof_reg);
    assign expired = act_scan && is_loaded && !closing && iso_in && !looked && ahead[10] && !busy
                     && !disabling;
    assign start_store = act_scan && closing && idle;

    // ---- head of the Rx FIFO ------------------------------------------------------------------

    wire rest = (rest_reg != 9'd0);
    wire is_setup = (head_status == STS_SETUP);
    wire wanted = act_head && enable && !rest && (is_setup || (head_status == STS_OUT));
    wire head_load = wanted && may_load;
    wire over = ({8'd0, head_bytes} > size);
    wire short = (head_bytes < packet_size);
    wire full = ({8'd0, head_bytes} >= size);
    wire [18:0] size_left = over ? 19'd0 : size - {8'd0, head_bytes};
    wire [10:0] bytes_up = head_bytes + 11'd3;
    wire [10:0] fit_up = size[10:0] + 11'd3;

    assign head_take = wanted && idle && enabled && is_loaded && !closing;
    assign head_replace = wanted && is_setup && !enabled && setup_more;
    assign head_hold = act_head && enable
                       && (rest || (wanted && !head_take && !head_replace
                                    && (is_setup || enabled)));
    assign head_fit = (head_take && over) ? size[10:0] : head_bytes;
    assign start_load = scan_load || head_load;
    assign start_rest = act_head && enable && rest && idle;
    assign rest_words = rest_reg;

    wire head_ends = head_take && (short || full || is_setup || iso);

    // ---- job done -----------------------------------------------------------------------------

    wire moved_store = act_moved && enable && (job_reg == JOB_STORE);
    wire good = !error && !job_stale_reg;
    wire loaded_ready = (loaded_status[31:30] == 2'd0);

    wire plain_out = out && !iso;
    wire is_last = status_reg[27];
    wire is_short = plain_out && status_reg[26] && !status_reg[23];
    wire is_setup_closed = plain_out && status_reg[24];
    wire to_list = is_last || is_short || is_setup_closed;

    assign moved_packet = (job_reg == JOB_PACKET) || !enable;
    assign moved_replaced = act_moved && enable && moved_packet && job_replace_reg;
    assign moved_load = act_moved && enable && (job_reg == JOB_LOAD) && good && loaded_ready;
    assign moved_bna = act_moved && enable && (job_reg == JOB_LOAD) && good && !loaded_ready;
    assign moved_closed = moved_store && good;
    assign moved_event = moved_load || moved_bna || moved_closed;
    assign moved_failed = act_moved && enable && ((job_reg == JOB_LOAD) || (job_reg == JOB_STORE))
                          && error && !job_stale_reg;
    assign moved_stale = enable && job_stale_reg;
    assign complete = moved_closed && (to_list || status_reg[25]);
    assign stop = moved_closed && to_list && !iso;
    assign setup = moved_closed && is_setup_closed;
    assign setup_whole = setup && (status_reg[29:28] == 2'd0);
    assign setup_closing = setup_closing_reg && enable;

    // ---- status word: as loaded, then as it is to be stored ------------------------------------

    wire [31:0] in_closed = {2'd2, 1'b0, expired, status_reg[27:23],
                             iso ? {status_reg[22:12], expired ? left[11:0] : 12'd0} : 23'd0};
    wire [31:0] out_closed = {2'd2, {2{over}}, status_reg[27], short, status_reg[25],
                              iso ? {head[16:15], head_frame, 1'b0, size_left[10:0]}
                              : {is_setup, status_reg[23], 7'd0, size_left[15:0]}};
    assign store_data = status_reg;

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(INDEX_WIDTH)) status_ram (
        .clk(clk), .we(moved_load || head_ends || sent_last || expired), .write_index(index),
        .write_data(act_moved ? loaded_status : act_head ? out_closed : in_closed),
        .read_index(index), .read_data(status)
    );

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(INDEX_WIDTH)) list_ram (
        .clk(clk), .we(startup || address_write), .write_index(index),
        .write_data(startup ? 32'd0 : write_data), .read_index(index), .read_data(list)
    );

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(INDEX_WIDTH)) pointer_ram (
        .clk(clk), .we(startup || address_write || moved_closed), .write_index(index),
        .write_data(startup ? 32'd0 : address_write ? write_data
                    : to_list ? list_reg : pointer_reg + 32'd8),
        .read_index(index), .read_data(pointer_now)
    );

    wire moved_descriptor = act_moved && (job_reg != JOB_PACKET) && !job_stale_reg
                            && (job_reg != JOB_REST);
    wire drop = address_write || disabled || moved_descriptor;
    lut_ram #(.WIDTH(4), .INDEX_WIDTH(INDEX_WIDTH)) marks_ram (
        .clk(clk),
        .we(startup || drop || sent_last || received_last
            || (act_scan && exists && !looked && !busy)),
        .write_index(index),
        .write_data(startup ? 4'd0
                    : {sof_reg, written || address_write,
                       drop ? {moved_load, 1'b0}
                       : {marks_reg[1], ended || sent_last || received_last || expired}}),
        .read_index(index), .read_data(marks)
    );

    // ---- state --------------------------------------------------------------------------------

    assign hot = hot_reg;
    assign hot_out = hot_out_reg;
    assign hot_ep = hot_ep_reg;

    wire unused_ok = &{1'b0, bytes_up[1:0], fit_up[1:0], head[3:0], ahead[9:0], flags[4:2],
                       size_left[18:16], 1'b0};

    always @(posedge clk) begin
        if (read) begin
            list_reg <= list;
            pointer_reg <= pointer_now;
            status_reg <= status;
            marks_reg <= marks;
        end

        if (start) begin
            job_reg <= start_load ? JOB_LOAD : start_store ? JOB_STORE
                     : start_rest ? JOB_REST : JOB_PACKET;
            job_replace_reg <= head_replace;
            job_out_reg <= out;
            job_ep_reg <= ep;
            job_stale_reg <= 1'b0;
        end
        if (address_write && !idle && (job_out_reg == out) && (job_ep_reg == ep)) begin
            job_stale_reg <= 1'b1;
        end

        if (start_rest) begin
            rest_reg <= 9'd0;
        end
        if (head_take && over) begin
            rest_reg <= bytes_up[10:2] - fit_up[10:2];
        end

        if (head_take && is_setup) begin
            setup_closing_reg <= 1'b1;
        end
        if ((ep == 4'd0) && out && (address_write || (act_moved && (job_reg == JOB_STORE)))) begin
            setup_closing_reg <= 1'b0;
        end

        if (hot_used) begin
            hot_reg <= 1'b0;
        end
        if (enable && (act_moved || sent_last || expired || head_ends)) begin
            hot_reg <= 1'b1;
            hot_out_reg <= out;
            hot_ep_reg <= ep;
        end
        if (sof) begin
            sof_reg <= !sof_reg;
        end

        if (rst || rx_flush) begin
            rest_reg <= 9'd0;
        end
        if (rst) begin
            setup_closing_reg <= 1'b0;
            hot_reg <= 1'b0;
            sof_reg <= 1'b0;
        end
    end

endmodule

`resetall
