# SPDX-License-Identifier: Apache-2.0
"""The state of the device as the wire tells it: address, toggles, configuration."""

from __future__ import annotations

from tb.sim.checker.control import ControlPipe
from tb.sim.checker.learned import Learned
from tb.sim.checker.pipes import DATA0, DATA1, Pipes

__all__ = ["Session"]

_SET_ADDRESS = (0x00, 5)
_SET_CONFIGURATION = (0x00, 9)
_SET_INTERFACE = (0x01, 11)
_CLEAR_FEATURE_ENDPOINT = (0x02, 1)
_GET_DESCRIPTOR = (0x80, 6)
_ENDPOINT_HALT = 0


class Session:
    """One device from reset to reset.

    Attributes:
        address: None = not known; the first address that the device answers becomes its address.
        pipes, control, learned: see their classes.
    """

    __slots__ = ("address", "control", "learned", "pipes")

    def __init__(self) -> None:
        """Start with nothing known."""
        self.address: int | None = None
        self.pipes = Pipes()
        self.control = ControlPipe()
        self.learned = Learned()

    def reset(self) -> None:
        """The bus was reset or the device unplugged."""
        self.address = None
        self.pipes.reset(None)
        self.control.reset()
        self.learned.reset()

    def setup_accepted(self, request: bytes) -> None:
        """The device acknowledged a SETUP.

        From here on it may have reset toggles; from the end of the status stage on it has
        (USB 2.0 sections 9.1.1.5, 9.4.5, 9.4.10).
        """
        if len(request) != 8:
            return
        self.control.setup(request)
        self.pipes[0].set(DATA1)
        self.pipes[1].set(DATA1)
        code = (request[0], request[1])
        if code == _SET_CONFIGURATION:
            self.pipes.reset_data(None)
        elif code == _SET_INTERFACE:
            for key in range(2, 32):
                self.pipes[key].set(None)
        elif code == _CLEAR_FEATURE_ENDPOINT and request[2] == _ENDPOINT_HALT:
            key = _endpoint(request)
            if key > 1:
                self.pipes[key].set(None)

    def control_data(self, payload: bytes, to_host: bool) -> None:
        """Data of EP0 was acknowledged and is no repetition."""
        control = self.control
        if not control.done and control.data(payload, to_host):
            self._completed(control.request, bytes(control.received))

    def uncertain(self, key: int) -> None:
        """Whether the device took a handshake for good, the wire does not tell."""
        self.pipes[key].set(None)
        request = self.control.request
        if key == 1 and not self.control.done and (request[0], request[1]) == _SET_ADDRESS:
            self.address = None

    def _completed(self, request: bytes, received: bytes) -> None:
        code = (request[0], request[1])
        value = request[2] | request[3] << 8
        if code == _SET_ADDRESS:
            self.address = value & 0x7F
        elif code == _SET_CONFIGURATION:
            self.pipes.reset_data(DATA0)
            self.learned.set_configuration(value & 0xFF)
        elif code == _SET_INTERFACE:
            for key in self.learned.set_interface(request[4], value & 0xFF) or ():
                self.pipes[key].set(DATA0)
        elif code == _CLEAR_FEATURE_ENDPOINT and value == _ENDPOINT_HALT:
            key = _endpoint(request)
            if key > 1:
                self.pipes[key].set(DATA0)
        elif code == _GET_DESCRIPTOR and value >> 8 == 1:
            self.learned.device_descriptor(received)
        elif code == _GET_DESCRIPTOR and value >> 8 == 2:
            self.learned.configuration_descriptor(received)


def _endpoint(request: bytes) -> int:
    return (request[4] & 0xF) << 1 | request[4] >> 7
