// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Extension bank: its registers, and endpoint commands. A command is carried out by register
// accesses like those of software, which come in where software makes none: DxEPCTL is read, then
// DxEPDMA, DxEPTSIZ and DxEPCTL are written as the command wants it. Software waits until the
// accesses of one command are over. Index i of the bank is 2 * endpoint + (1 for IN).
module ext_bank #(
    // reset value of the latency, us
    parameter CMD_LATENCY = 1000
) (
    // the memories get their reset values
    input  wire        clk,
    input  wire        rst,
    input  wire        startup,
    input  wire [4:0]  startup_index,
    input  wire        dma_enable,

    // access of software
    input  wire        request,
    input  wire        request_write,
    input  wire [17:2] request_address,
    input  wire [31:0] request_data,
    output wire        request_acknowledge,

    // access to the core, of software or of a command; what the core reads, and what a read of
    // the bank adds to it
    output wire        csr_request,
    output wire        csr_write,
    output wire [17:2] csr_address,
    output wire [31:0] csr_write_data,
    input  wire        csr_acknowledge,
    input  wire [31:0] csr_read_data,
    output wire [31:0] read_data,

    // this index has come to rest: CMDACT falls, its interrupt follows
    input  wire        rest,
    input  wire [4:0]  rest_index,
    // a bus reset begins, which changes DxEPCTL of all endpoints
    input  wire        bus_reset,

    // unmasked causes: IN 15:0, OUT 31:16
    output wire [31:0] causes,

    // trace: the access is one of a command; an event in the place of its own
    output wire        injected,
    output wire        trace_valid,
    output wire [63:0] trace_event
);

    `include "udc_regs.vh"

    localparam [11:0] LONGEST = 12'd2000;
    localparam [5:0]  LAST_CLOCK = 6'd59;

    localparam [2:0] IDLE = 3'd0;
    localparam [2:0] LOOK = 3'd1;
    localparam [2:0] ADDRESS = 3'd2;
    localparam [2:0] SIZE = 3'd3;
    localparam [2:0] CONTROL = 3'd4;
    localparam [2:0] DONE = 3'd5;

    localparam [3:0] START_TRANSFER = 4'd1;
    localparam [3:0] END_TRANSFER = 4'd2;
    localparam [3:0] UPDATE_TRANSFER = 4'd3;
    localparam [3:0] SET_STALL = 4'd4;
    localparam [3:0] CLEAR_STALL = 4'd5;

    reg  [2:0]  state_reg;
    // index that the executor looks at or works on; what DxEPCTL was, EPEna or EPDis
    reg  [4:0]  scan_reg;
    reg  [25:0] control_reg;
    reg         enabled_reg;
    // waiting for the latency, waiting for the endpoint to come to rest; unmasked causes
    reg  [31:0] pending_reg;
    reg  [31:0] ending_reg;
    reg  [31:0] rested_reg;
    reg  [31:0] level_reg;
    // time in microseconds of 60 clocks
    reg  [11:0] time_reg;
    reg  [5:0]  clock_reg;
    reg  [4:0]  enables_reg;
    reg  [15:0] latency_reg;
    reg  [3:0]  mask_reg;
    reg         rest_reg;
    reg  [4:0]  rest_index_reg;
    // the access under way may have seen what was before a bus reset
    reg         stale_reg;

    // ---- the access to the core ---------------------------------------------------------------

    wire working = (state_reg != IDLE);
    wire inject = working && (state_reg != DONE);
    wire is_in = scan_reg[0];
    wire [3:0] ep = scan_reg[4:1];
    wire is_ep0 = (ep == 4'd0);
    wire [3:0] command;
    wire [31:0] parameter0, parameter1;

    wire is_start = (command == START_TRANSFER);
    wire is_end = (command == END_TRANSFER);
    // what hardware changes is not written back: EPEna, and STALL of endpoint 0
    wire stall = (command == SET_STALL)
                 || ((command != CLEAR_STALL) && !is_ep0 && control_reg[21]);
    wire [31:0] control = {is_start, is_end, 1'b0, (command == CLEAR_STALL), is_end,
                           is_start || (command == UPDATE_TRANSFER), control_reg[25:22], stall,
                           control_reg[20:0]};
    wire [2:0] offset = (state_reg == ADDRESS) ? 3'd5 : (state_reg == SIZE) ? 3'd4 : 3'd0;
    // 0x900 for IN, 0xB00 for OUT
    wire [17:2] address = {6'd0, is_in ? 7'h48 + {3'd0, ep} : 7'h58 + {3'd0, ep}, offset};

    assign csr_request = inject || request;
    assign csr_write = inject ? (state_reg != LOOK) : request_write;
    assign csr_address = inject ? address : request_address;
    assign csr_write_data = !inject ? request_data : (state_reg == ADDRESS) ? parameter0
                            : (state_reg == SIZE) ? parameter1 : control;
    assign request_acknowledge = csr_acknowledge && !inject;
    assign injected = inject;

    // ---- registers ----------------------------------------------------------------------------

    wire globals = (request_address[17:5] == XCAP_OFFSET[17:5]);
    wire of_endpoint = (request_address[17:10] == EPCMDPAR0_OFFSET[17:10]);
    wire [4:0] index = working ? scan_reg : request_address[9:5];
    wire [2:0] register = request_address[4:2];
    wire active = pending_reg[index] || ending_reg[index];

    wire write = request_acknowledge && request_write;
    wire write_command = write && of_endpoint && (register == 3'd2) && !active;
    wire write_cause = write && of_endpoint && (register == 3'd4);
    wire write_mask = write && of_endpoint && (register == 3'd5);
    wire start = write_command && request_data[10] && enables_reg[2];

    wire acknowledged = csr_acknowledge && inject && !stale_reg;
    wire looked = acknowledged && (state_reg == LOOK);
    wire [3:0] status = (state_reg != LOOK) ? 4'd0
                      : !csr_read_data[15] ? 4'd1
                      : ((command == 4'd0) || (command > CLEAR_STALL)) ? 4'd3
                      : (is_start && csr_read_data[31]) ? 4'd2 : 4'd0;
    // the command takes effect, or fails
    wire effect = (acknowledged && (state_reg == CONTROL))
                  || (looked && pending_reg[scan_reg] && !rested_reg[scan_reg] && (status != 4'd0));
    // disabling goes on
    wire goes_on = (state_reg == CONTROL) && is_end && enabled_reg && (is_in || !is_ep0);
    // EPEna falls with the last packet, also where EPDis still waits to be reported
    wire at_work = csr_read_data[31] || csr_read_data[30];
    wire at_rest = rested_reg[scan_reg] || !at_work;

    wire unused_ok = &{1'b0, csr_read_data[29:26], 1'b0};

    wire [15:0] stream;
    wire [3:0]  status_held;
    wire        interrupt;
    wire        cause;
    wire [5:0]  mask;
    wire        complete = (state_reg == DONE) && interrupt;
    wire        cause_next = complete || (cause && !(write_cause && request_data[0]));
    wire        mask_next = write_mask ? request_data[0] : mask[0];

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(5)) parameter0_ram (
        .clk(clk), .we(startup || (write && of_endpoint && (register == 3'd0) && !active)),
        .write_index(startup ? startup_index : index),
        .write_data(startup ? 32'd0 : request_data), .read_index(index), .read_data(parameter0)
    );

    lut_ram #(.WIDTH(32), .INDEX_WIDTH(5)) parameter1_ram (
        .clk(clk), .we(startup || (write && of_endpoint && (register == 3'd1) && !active)),
        .write_index(startup ? startup_index : index),
        .write_data(startup ? 32'd0 : request_data), .read_index(index), .read_data(parameter1)
    );

    lut_ram #(.WIDTH(21), .INDEX_WIDTH(5)) command_ram (
        .clk(clk), .we(startup || write_command),
        .write_index(startup ? startup_index : index),
        .write_data(startup ? 21'd0 : {request_data[31:16], request_data[8], request_data[3:0]}),
        .read_index(index), .read_data({stream, interrupt, command})
    );

    lut_ram #(.WIDTH(4), .INDEX_WIDTH(5)) status_ram (
        .clk(clk), .we(startup || effect), .write_index(startup ? startup_index : index),
        .write_data(startup ? 4'd0 : status), .read_index(index), .read_data(status_held)
    );

    lut_ram #(.WIDTH(1), .INDEX_WIDTH(5)) cause_ram (
        .clk(clk), .we(startup || complete || write_cause),
        .write_index(startup ? startup_index : index),
        .write_data(!startup && cause_next), .read_index(index), .read_data(cause)
    );

    lut_ram #(.WIDTH(6), .INDEX_WIDTH(5)) mask_ram (
        .clk(clk), .we(startup || write_mask), .write_index(startup ? startup_index : index),
        .write_data(startup ? 6'd0 : request_data[5:0]), .read_index(index), .read_data(mask)
    );

    reg [31:0] shown;
    assign read_data = inject ? 32'd0 : shown;

    always @* begin
        shown = 32'd0;
        if (globals) begin
            case (register)
                XCAP_OFFSET[4:2]: shown = {4'd0, LONGEST, 16'h0004};
                XCFG_OFFSET[4:2]: shown = {latency_reg, 11'd0, enables_reg};
                XINTMSK_OFFSET[4:2]: shown = {28'd0, mask_reg};
                default: begin
                end
            endcase
        end
        if (of_endpoint) begin
            case (register)
                3'd0: shown = parameter0;
                3'd1: shown = parameter1;
                3'd2: shown = {stream, status_held, 1'b0, active, 1'b0, interrupt, 4'd0, command};
                3'd4: shown = {31'd0, cause};
                3'd5: shown = {26'd0, mask};
                default: begin
                end
            endcase
        end
    end

    genvar n;
    generate
        for (n = 0; n < 16; n = n + 1) begin : g_causes
            assign causes[n] = level_reg[2*n+1];
            assign causes[16+n] = level_reg[2*n];
        end
    endgenerate

    // ---- time ---------------------------------------------------------------------------------

    wire [11:0] latency = (latency_reg > {4'd0, LONGEST}) ? LONGEST : latency_reg[11:0];
    wire [11:0] due_time;
    wire [5:0]  due_clock;

    lut_ram #(.WIDTH(18), .INDEX_WIDTH(5)) due_ram (
        .clk(clk), .we(start), .write_index(index),
        .write_data({time_reg + latency, clock_reg}),
        .read_index(scan_reg), .read_data({due_time, due_clock})
    );

    wire [11:0] late = time_reg - due_time;
    wire due = !late[11] && ((late != 12'd0) || (clock_reg >= due_clock));
    wire chosen = (pending_reg[scan_reg] && due) || ending_reg[scan_reg]
                  || rested_reg[scan_reg];

    // ---- executor -----------------------------------------------------------------------------

    always @(posedge clk) begin
        clock_reg <= clock_reg + 1'b1;
        if (clock_reg == LAST_CLOCK) begin
            clock_reg <= 6'd0;
            time_reg <= time_reg + 1'b1;
        end

        if (write && globals && (register == XCFG_OFFSET[4:2])) begin
            enables_reg <= request_data[4:0];
            latency_reg <= request_data[31:16];
        end
        if (write && globals && (register == XINTMSK_OFFSET[4:2])) begin
            mask_reg <= request_data[3:0];
        end
        if (complete || write_cause || write_mask) begin
            level_reg[index] <= cause_next && mask_next;
        end
        if (start) begin
            pending_reg[index] <= 1'b1;
        end

        case (state_reg)
            IDLE: begin
                if (rest_reg) begin
                    scan_reg <= rest_index_reg;
                    rest_reg <= 1'b0;
                end else if (!chosen) begin
                    scan_reg <= scan_reg + 1'b1;
                end else if (!request) begin
                    state_reg <= LOOK;
                end
            end
            LOOK: begin
                if (acknowledged) begin
                    control_reg <= csr_read_data[25:0];
                    enabled_reg <= at_work;
                    if (ending_reg[scan_reg] || rested_reg[scan_reg]) begin
                        state_reg <= at_rest ? DONE : IDLE;
                        scan_reg <= at_rest ? scan_reg : scan_reg + 1'b1;
                    end else if (effect) begin
                        state_reg <= DONE;
                    end else begin
                        state_reg <= !is_start ? CONTROL : dma_enable ? ADDRESS : SIZE;
                    end
                end
            end
            ADDRESS: begin
                if (acknowledged) begin
                    state_reg <= SIZE;
                end
            end
            SIZE: begin
                if (acknowledged) begin
                    state_reg <= CONTROL;
                end
            end
            CONTROL: begin
                if (acknowledged) begin
                    // if the transfer has ended since LOOK, another LOOK sees it
                    state_reg <= goes_on ? IDLE : DONE;
                end
            end
            default: begin
                state_reg <= IDLE;
                scan_reg <= scan_reg + 1'b1;
                pending_reg[scan_reg] <= pending_reg[scan_reg] && rested_reg[scan_reg];
                ending_reg[scan_reg] <= 1'b0;
                rested_reg[scan_reg] <= 1'b0;
            end
        endcase
        if (effect && goes_on) begin
            pending_reg[scan_reg] <= 1'b0;
            ending_reg[scan_reg] <= 1'b1;
        end

        // what has been read of DxEPCTL must not be written back over what the reset made of it
        if (csr_acknowledge) begin
            stale_reg <= 1'b0;
        end
        if (bus_reset && inject) begin
            state_reg <= LOOK;
            stale_reg <= 1'b1;
        end

        if (rest && ending_reg[rest_index]) begin
            ending_reg[rest_index] <= 1'b0;
            rested_reg[rest_index] <= 1'b1;
            rest_reg <= 1'b1;
            rest_index_reg <= rest_index;
        end

        if (rst) begin
            state_reg <= IDLE;
            rest_reg <= 1'b0;
            stale_reg <= 1'b0;
            scan_reg <= 5'd0;
            pending_reg <= 32'd0;
            ending_reg <= 32'd0;
            rested_reg <= 32'd0;
            level_reg <= 32'd0;
            time_reg <= 12'd0;
            clock_reg <= 6'd0;
            enables_reg <= 5'd0;
            latency_reg <= CMD_LATENCY[15:0];
            mask_reg <= 4'd0;
        end
    end

    // ---- trace --------------------------------------------------------------------------------

    assign trace_valid = effect || complete;
    assign trace_event = complete ? {8'd14, 8'd0, 8'd4, 3'd0, scan_reg, 32'd1}
                         : {8'd19, 19'd0, scan_reg, stream, status, 3'd0, interrupt, 4'd0,
                            command};

endmodule

`resetall
