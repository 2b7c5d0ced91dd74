// SPDX-License-Identifier: Apache-2.0
`resetall
`default_nettype none

// Line states: attach, reset, speed negotiation, suspend and resume (USB 2.0 section 7.1.7,
// appendix C.2). Full and high speed.
//
// One counter measures since when the line has not changed; every time of this module is such a
// time, in steps of 32 clocks of 60 MHz (0.53 us). At 30 MHz it counts by two.
module usb2_line #(
    // Divides reset, chirp and suspend times, down to floors that keep them apart.
    parameter TIME_SCALE = 1,
    // 1 = the state L1
    parameter LPM = 0,
    // 60 MHz by the clock's rate: 1 or 2
    parameter TICK = 1
) (
    input  wire       clk,
    input  wire       rst,

    // Quasi-static levels
    input  wire       connect,
    input  wire       full_speed_only,
    input  wire       remote_wakeup,
    // test mode asked for; its bits may come one clock apart
    input  wire [2:0] test,
    // An extended token was acknowledged (one clock).
    input  wire       lpm_acked,

    // {D-, D+}, synchronized
    input  wire [1:0] line,
    // A byte is received or sent.
    input  wire       active,

    // Packets may come; otherwise the packet engine is to be kept empty.
    output wire       operational,
    output wire       high_speed,
    // Suspended: the PHY's clock may be stopped until the line changes.
    output wire       sleep,
    // Drive K by sending zeros without bit stuffing.
    output wire       drive_k,
    // Drive J by sending ones.
    output wire       drive_j,
    // Test packets are sent, another one now.
    output wire       test_packets,
    output wire       test_send,

    output wire [1:0] utmi_opmode,
    output wire       utmi_xcvrselect,
    output wire       utmi_termselect,

    // {speed, message}; stays until taken
    output wire       message_valid,
    input  wire       message_ready,
    output wire [5:0] message
);

    localparam [3:0]
        M_RESET_START   = 4'd1,
        M_RESET_END     = 4'd2,
        M_SUSPEND       = 4'd3,
        M_RESUME        = 4'd4,
        M_EARLY_SUSPEND = 4'd5,
        M_SLEEP         = 4'd9,
        // L1 has lasted long enough for a remote wake-up; it has been signalled
        M_RESUME_OK     = 4'd10,
        M_WAKEUP_DONE   = 4'd11;

    // GINTSTS coding: 0 high speed, 1 full speed on a high-speed PHY
    localparam [1:0] SPEED_HIGH = 2'd0, SPEED_FULL = 2'd1;

    localparam [1:0] SE0 = 2'b00, J = 2'b01, K = 2'b10;

    // Times in clocks of 60 MHz: (real / TIME_SCALE, but at least the floor).
    // TFILTSE0, TDETRST, TFILT (7.1.7.5): 2.5 us, never shortened
    localparam integer C_FILTER = 150;
    // TUCH: device chirp at least 1 ms (and over before TUCHEND = 7 ms); floor 20 us
    localparam integer C_CHIRP = (60000 / TIME_SCALE > 1200) ? 60000 / TIME_SCALE : 1200;
    // TWTFS: 1 to 2.5 ms without an answer from the hub: full speed; floor 80 us
    localparam integer C_NO_HUB = (120000 / TIME_SCALE > 4800) ? 120000 / TIME_SCALE : 4800;
    // 7.1.7.6: suspend after 3 ms of idle, at full speed; floor 1.5 ms, more than a frame
    localparam integer C_IDLE_FS =
        (180000 / TIME_SCALE > 90000) ? 180000 / TIME_SCALE : 90000;
    // TWTREV: 3 to 3.125 ms of idle: revert to full speed; floor 300 us, two microframes
    localparam integer C_IDLE_HS =
        (180000 / TIME_SCALE > 18000) ? 180000 / TIME_SCALE : 18000;
    // TWTRSTHS: 100 to 875 us after the reversion the line tells reset from suspend; floor 20 us
    localparam integer C_SETTLE = (12000 / TIME_SCALE > 1200) ? 12000 / TIME_SCALE : 1200;

    // Link power management, never shortened. TL1TokenRetry: 8 to 10 us after its ACK the device
    // enters L1. TL1Residency and TL1DevDrvResume: 50 us in L1 until it may wake the host, and 50
    // us of K to do so.
    localparam integer C_DOZE = 540;
    localparam integer C_L1 = 3000;

    // In steps, rounded up; a step ends when the counter's low five bits are ones (at 30 MHz, but
    // for bit 0).
    localparam integer STEP = 32;
    localparam integer N_FILTER  = (C_FILTER + STEP - 1) / STEP - 1;
    localparam integer N_CHIRP   = (C_CHIRP + STEP - 1) / STEP - 1;
    localparam integer N_NO_HUB  = (C_NO_HUB + STEP - 1) / STEP - 1;
    localparam integer N_IDLE_FS = (C_IDLE_FS + STEP - 1) / STEP - 1;
    localparam integer N_IDLE_HS = (C_IDLE_HS + STEP - 1) / STEP - 1;
    localparam integer N_SETTLE  = (C_SETTLE + STEP - 1) / STEP - 1;
    localparam integer N_DOZE    = (C_DOZE + STEP - 1) / STEP - 1;
    localparam integer N_L1      = (C_L1 + STEP - 1) / STEP - 1;

    localparam [3:0]
        S_OFF       = 4'd0,   // no pull-up
        S_ATTACH    = 4'd1,   // pull-up on, the line has yet to become J
        S_FULL      = 4'd2,
        S_HIGH      = 4'd3,
        S_SETTLE    = 4'd4,   // idle for long: reset (high speed only) or suspend
        S_SUSPENDED = 4'd5,
        S_WAKE      = 4'd6,   // driving resume
        S_RESUME    = 4'd7,   // the host drives resume
        S_CHIRP     = 4'd8,   // reset: driving chirp K
        S_LISTEN    = 4'd9,   // reset: waiting for K J K J K J
        S_RESET     = 4'd10,  // reset at full speed: waiting for its end
        S_TEST      = 4'd11;  // test mode: until the power or the pull-up goes

    localparam [2:0] TEST_J = 3'd1, TEST_K = 3'd2, TEST_SE0_NAK = 3'd3, TEST_PACKET = 3'd4;

    reg [3:0]  state_reg, state_next;
    reg [17:0] count_reg;
    reg [1:0]  line_reg;
    reg        high_reg, high_next;
    // There was a reset, so the device answers.
    reg        alive_reg, alive_next;
    // Chirps heard so far
    reg [2:0]  chirps_reg, chirps_next;
    reg        message_valid_reg, message_valid_next;
    reg [5:0]  message_reg, message_next;
    reg [2:0]  test_reg;
    // On the way to L1, in L1 or out of it; remote wake-up may be signalled there
    reg        l1_reg, l1_next;
    reg        l1_ok_reg, l1_ok_next;

    wire        step  = TICK == 1 ? &count_reg[4:0] : &count_reg[4:1];
    wire [31:0] steps = {19'd0, count_reg[17:5]};

    wire at_filter  = step && steps == N_FILTER;
    wire at_chirp   = step && steps == N_CHIRP;
    wire at_no_hub  = step && steps == N_NO_HUB;
    wire at_idle_fs = step && steps == N_IDLE_FS;
    wire at_idle_hs = step && steps == N_IDLE_HS;
    wire at_settle  = step && steps == N_SETTLE;
    wire at_step    = step && steps == 0;
    // The first time that the bits of a number are set is when it is reached.
    wire at_doze    = step && (steps & N_DOZE) == N_DOZE && l1_reg;
    wire at_l1      = step && (steps & N_L1) == N_L1 && l1_reg;

    wire suspended = state_reg == S_SUSPENDED;
    wire awake     = state_reg == S_FULL || state_reg == S_HIGH;

    reg reset;

    always @* begin
        state_next         = state_reg;
        high_next          = high_reg;
        alive_next         = alive_reg;
        chirps_next        = 3'd0;
        message_valid_next = message_valid_reg && !message_ready;
        message_next       = message_reg;
        reset              = 1'b0;
        // Only silence after the ACK leads into L1: the host may not have heard it.
        l1_next            = LPM != 0
            && (lpm_acked || (l1_reg && !(active && awake) && state_reg != S_RESUME));
        l1_ok_next         = l1_ok_reg && suspended;

        case (state_reg)
            S_OFF: state_next = S_ATTACH;
            S_ATTACH: if (at_filter && line == J) state_next = S_FULL;
            S_FULL: begin
                if (at_filter && line == SE0) reset = 1'b1;
                if (at_idle_fs && line == J) state_next = S_SETTLE;
            end
            S_HIGH: if (at_idle_hs) state_next = S_SETTLE;
            S_SETTLE: begin
                if (at_filter && line == J) begin
                    message_valid_next = 1'b1;
                    message_next       = {2'd0, M_EARLY_SUSPEND};
                end
                if (!high_reg && line != J) begin
                    state_next = S_FULL;
                end else if (at_settle && line == SE0) begin
                    reset = 1'b1;
                end else if (at_settle) begin
                    message_valid_next = 1'b1;
                    message_next       = {2'd0, M_SUSPEND};
                    state_next         = S_SUSPENDED;
                end
            end
            S_SUSPENDED: begin
                if (at_l1 && !l1_ok_reg) begin
                    l1_ok_next         = 1'b1;
                    message_valid_next = 1'b1;
                    message_next       = {2'd0, M_RESUME_OK};
                end
                if (remote_wakeup && alive_reg && line == J && (!l1_reg || l1_ok_reg)) begin
                    state_next = S_WAKE;
                end
                if (at_filter && line == SE0) reset = 1'b1;
                if (at_filter && line == K) begin
                    message_valid_next = 1'b1;
                    message_next       = {2'd0, M_RESUME};
                    state_next         = S_RESUME;
                end
            end
            // Afterwards the host holds K and is found to do so by S_SUSPENDED (7.1.7.7).
            S_WAKE: begin
                if (l1_reg ? at_l1 : !remote_wakeup) state_next = S_SUSPENDED;
                if (at_l1) begin
                    message_valid_next = 1'b1;
                    message_next       = {2'd0, M_WAKEUP_DONE};
                end
            end
            // High speed within two low-speed bit times (1.33 us) of the end of K
            S_RESUME: if (at_step && line != K) state_next = high_reg ? S_HIGH : S_FULL;
            S_CHIRP: if (at_chirp) state_next = S_LISTEN;
            S_LISTEN: begin
                chirps_next = chirps_reg;
                if (at_filter && line == (chirps_reg[0] ? J : K)) begin
                    chirps_next = chirps_reg + 3'd1;
                    if (chirps_reg == 3'd5) begin
                        high_next          = 1'b1;
                        alive_next         = 1'b1;
                        message_valid_next = 1'b1;
                        message_next       = {SPEED_HIGH, M_RESET_END};
                        state_next         = S_HIGH;
                    end
                end
                if (at_no_hub) state_next = S_RESET;
            end
            S_RESET: begin
                if (at_filter && line != SE0) begin
                    alive_next         = 1'b1;
                    message_valid_next = 1'b1;
                    message_next       = {SPEED_FULL, M_RESET_END};
                    state_next         = S_FULL;
                end
            end
            S_TEST: ;
            default: state_next = S_OFF;
        endcase

        // After the status stage of the request, when nothing is under way (7.1.20)
        if (alive_reg && (state_reg == S_HIGH || (state_reg == S_FULL && line == J))
                && count_reg[17:5] != 13'd0 && test != 3'd0 && test == test_reg) begin
            state_next = S_TEST;
        end

        if (at_doze && awake && (high_reg || line == J)) begin
            message_valid_next = 1'b1;
            message_next       = {2'd0, M_SLEEP};
            state_next         = S_SUSPENDED;
        end

        if (reset) begin
            l1_next            = 1'b0;
            high_next          = 1'b0;
            alive_next         = 1'b0;
            message_valid_next = 1'b1;
            message_next       = {2'd0, M_RESET_START};
            state_next         = full_speed_only ? S_RESET : S_CHIRP;
        end

        if (!connect) begin
            l1_next    = 1'b0;
            high_next  = 1'b0;
            alive_next = 1'b0;
            state_next = S_OFF;
        end
    end

    // Our own chirp may disturb the line, packets at high speed are no change of the line state.
    wire restart = state_next != state_reg
        || (line != line_reg && state_reg != S_CHIRP)
        || (state_reg == S_HIGH && (line != SE0 || active))
        || (state_reg == S_TEST && active);

    always @(posedge clk) begin
        state_reg         <= state_next;
        high_reg          <= high_next;
        alive_reg         <= alive_next;
        chirps_reg        <= chirps_next;
        message_valid_reg <= message_valid_next;
        message_reg       <= message_next;
        line_reg          <= line;
        l1_reg            <= l1_next;
        l1_ok_reg         <= l1_ok_next;
        if (state_reg != S_TEST) test_reg <= test;

        if (restart) begin
            count_reg <= 18'd0;
        end else if (!message_valid_reg) begin
            // Waiting messages stop the time, so none is ever overwritten.
            count_reg <= count_reg + TICK[17:0];
        end

        if (rst) begin
            state_reg         <= S_OFF;
            high_reg          <= 1'b0;
            alive_reg         <= 1'b0;
            message_valid_reg <= 1'b0;
            l1_reg            <= 1'b0;
        end
    end

    wire chirping = state_reg == S_CHIRP || state_reg == S_LISTEN;

    wire tested = state_reg == S_TEST;
    wire raw_j  = tested && test_reg == TEST_J;
    wire raw_k  = tested && test_reg == TEST_K;

    assign operational     = alive_reg && (state_reg == S_FULL || state_reg == S_HIGH
        || (tested && test_reg == TEST_SE0_NAK));
    assign high_speed      = state_reg == S_HIGH || tested;
    assign sleep           = suspended && !message_valid_reg && !l1_reg;
    assign drive_k         = state_reg == S_CHIRP || state_reg == S_WAKE || raw_k;
    assign drive_j         = raw_j;
    assign test_packets    = tested && test_reg == TEST_PACKET;
    // 32 clocks after the end of the last one: between 88 bit times and 125 us
    assign test_send       = test_packets && at_step;
    // 0 normal, 1 non-driving, 2 no bit stuffing and NRZI
    assign utmi_opmode     = {chirping || state_reg == S_WAKE || raw_j || raw_k,
                              state_reg == S_OFF};
    assign utmi_xcvrselect = !(chirping || high_speed);
    assign utmi_termselect = !high_speed;
    assign message_valid   = message_valid_reg;
    assign message         = message_reg;

endmodule

`resetall
