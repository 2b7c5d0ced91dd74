# SPDX-License-Identifier: Apache-2.0
"""What the checker learns by listening: descriptors, configurations, endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ISOCHRONOUS", "Endpoint", "Learned"]

CONTROL = 0
ISOCHRONOUS = 1
BULK = 2
INTERRUPT = 3


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as its descriptor tells: transfer type and largest payload in bytes."""

    kind: int
    max_packet: int


# Endpoints of one alternate setting by number << 1 | (1 for IN).
_Setting = dict[int, Endpoint]


@dataclass
class Learned:
    """Descriptors heard on the wire and the endpoints of the active configuration.

    Attributes:
        endpoints: active endpoints by number << 1 | (1 for IN); EP0 is not among them.
        max_packet0: payload of EP0, 64 until the device descriptor was heard.
        known: the active configuration's descriptor was heard, so `endpoints` is complete.
    """

    endpoints: _Setting = field(default_factory=dict)
    max_packet0: int = 64
    known: bool = False
    _configurations: dict[int, dict[tuple[int, int], _Setting]] = field(default_factory=dict)
    _active: dict[tuple[int, int], _Setting] = field(default_factory=dict)

    def reset(self) -> None:
        """Forget the configuration (bus reset); descriptors may change too."""
        self.endpoints = {}
        self.known = False
        self._configurations = {}
        self._active = {}

    def device_descriptor(self, data: bytes) -> None:
        """Take in the bytes of a device descriptor, at least 8."""
        if len(data) >= 8 and data[1] == 1 and data[7] in (8, 16, 32, 64):
            self.max_packet0 = data[7]

    def configuration_descriptor(self, data: bytes) -> None:
        """Take in a configuration descriptor; ignored unless it is complete."""
        if len(data) < 9 or data[1] != 2 or len(data) < data[2] | data[3] << 8:
            return
        settings: dict[tuple[int, int], _Setting] = {}
        current: _Setting = {}
        offset = 0
        while offset + 2 <= len(data):
            length, kind = data[offset], data[offset + 1]
            if length < 2 or offset + length > len(data):
                return
            if kind == 4 and length >= 9:
                current = settings.setdefault((data[offset + 2], data[offset + 3]), {})
            elif kind == 5 and length >= 7:
                address = data[offset + 2]
                size = (data[offset + 4] | data[offset + 5] << 8) & 0x7FF
                key = (address & 0xF) << 1 | address >> 7
                current[key] = Endpoint(data[offset + 3] & 3, size)
            offset += length
        self._configurations[data[5]] = settings

    def set_configuration(self, value: int) -> None:
        """Activate the alternate settings 0 of a configuration."""
        self._active = self._configurations.get(value, {})
        self.known = value in self._configurations
        self.endpoints = {}
        for (_, alternate), setting in self._active.items():
            if alternate == 0:
                self.endpoints.update(setting)

    def set_interface(self, interface: int, alternate: int) -> set[int] | None:
        """Activate an alternate setting and return the endpoints concerned, None if unknown."""
        if (interface, alternate) not in self._active:
            self.known = False
            return None
        concerned: set[int] = set()
        for (number, _), setting in self._active.items():
            if number == interface:
                concerned.update(setting)
        for key in concerned:
            self.endpoints.pop(key, None)
        self.endpoints.update(self._active[interface, alternate])
        return concerned
