# SPDX-License-Identifier: Apache-2.0
"""Layouts and numbers shared with the USB host transactor's mailbox, `tb/hdl/c/usb_host.h`.

`RtlWire` compares the sizes with those of the library when it starts.
"""

from __future__ import annotations

from struct import Struct

from pymodel.wire import Status

SLOTS = 256
HEADER = Struct("<11i")  # kind to skip
COLD = Struct("<11i")  # knobs that are rare, at 44
RESULT = Struct("<6i2q")  # at 88
DATA = 128
RECEIVED = DATA + 1280
NOISE = RECEIVED + 1280
SLOT = NOISE + 64
RECORD = Struct("<2qIHBB")
RECORDS = 4096
RECORD_BYTES = 1 << 20
EVENT = Struct("<q2i")
EVENTS = 256
RAW = Struct("<2q2i")
RAW_SIZE = RAW.size + 1280
RAWS = 32
COMMANDS = 16

# struct host, in 32-bit words
SUBMITTED, DONE, COMMANDED, COMMAND_DONE = 0, 1, 2, 3
RECORDED, RECORDS_READ, EVENT_COUNT, RAW_COUNT = 4, 5, 6, 7
FRAME, SOF_ON, HIGH_SPEED, MONITOR = 8, 9, 10, 11
ACTIVE, BROKEN, BROKEN_COUNT, LOST = 12, 13, 14, 15
SOF_TIME = 16  # two words
DELAYS = 18
SETTINGS = {
    name: 19 + 2 * index
    for index, name in enumerate(
        ("host_gap", "device_gap", "timeout", "slowest", "earliest", "latest")
    )
}
STUFFING, STUFFING_SEEN, LATE_SOFS = 31, 32, 33
COMMAND_WORDS = 35
HOST_WORDS = COMMAND_WORDS + COMMANDS * 8 + 1  # padding

KIND_TRANSACTION, KIND_RAW = 0, 1
BAD_CRC5, BAD_CRC, BAD_PID, NO_HANDSHAKE = 1, 2, 4, 8
WRONG_TOGGLE, WRONG_ADDRESS, NO_DATA, ISOCHRONOUS, INJECTED = 16, 32, 64, 128, 256
CMD_VBUS, CMD_RESET, CMD_RESUME, CMD_FORCE = 1, 2, 3, 4
CONNECT, DISCONNECT, SPEED, RESUMED, WAKEUP, LINE, COLLISION, COMMAND_OVER = range(1, 9)

STATUS = (
    Status.OK, Status.NAK, Status.STALL, Status.NYET, Status.TIMEOUT, Status.CRC,
    Status.BITSTUFF, Status.PID, Status.BABBLE, Status.SKIPPED, Status.LATE,
)  # fmt: skip
HANDSHAKE: dict[int, str | None] = {0: None, 2: "ACK", 10: "NAK", 14: "STALL", 6: "NYET"}
LINE_STATES = ("SE0", "J", "K", "SE1")
VIOLATIONS = {
    1: "answer too early",
    2: "answer too late",
    4: "a packet that nobody asked for",
    8: "device and host sent at the same time",
}
MICROFRAME_PS = 125_000_000
FRAME_PS = 1_000_000_000
SHORTEST_RESET = 200_000_000
