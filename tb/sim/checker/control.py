# SPDX-License-Identifier: Apache-2.0
"""Where a control transfer stands, as far as the wire tells (USB 2.0 section 8.5.3)."""

from __future__ import annotations

__all__ = ["ControlPipe"]


class ControlPipe:
    """Stages of the control transfers on EP0.

    Attributes:
        request: the 8 bytes of the SETUP in progress, b"" if none.
        data_in: the data stage goes to the host.
        length: wLength.
        moved: bytes of the data stage so far.
        received: what the device has sent in the data stage (control read).
        done: the status stage is over, or the transfer was refused with STALL.
    """

    __slots__ = ("data_in", "done", "length", "moved", "received", "request")

    def __init__(self) -> None:
        """Start without a transfer."""
        self.reset()

    def reset(self) -> None:
        """Forget the transfer (bus reset)."""
        self.request = b""
        self.data_in = False
        self.length = 0
        self.moved = 0
        self.received = bytearray()
        self.done = True

    def setup(self, request: bytes) -> None:
        """A SETUP was acknowledged."""
        self.request = request
        self.length = request[6] | request[7] << 8
        self.data_in = bool(request[0] & 0x80) and self.length > 0
        self.moved = 0
        self.received = bytearray()
        self.done = False

    def is_status(self, to_host: bool) -> bool:
        """Tell whether data in this direction is the status stage."""
        return to_host != self.data_in

    def data(self, payload: bytes, to_host: bool) -> bool:
        """Data was acknowledged; return True if that ended the transfer with success."""
        if self.is_status(to_host):
            self.done = True
            return True
        self.moved += len(payload)
        if to_host:
            self.received += payload
        return False
