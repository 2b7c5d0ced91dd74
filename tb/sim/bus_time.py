# SPDX-License-Identifier: Apache-2.0
"""How long things take on a USB 2.0 bus, at the connector (USB 2.0 chapters 7 and 8)."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FULL", "HIGH", "BusTiming", "stuff_bits"]


def stuff_bits(packet: bytes) -> int:
    """Return how many bits bit stuffing adds: one after every six ones in a row.

    The one that ends SYNC never completes six with a PID, so the packet alone decides.
    """
    value = int.from_bytes(packet, "little")
    pairs = value & value >> 1
    runs = pairs & pairs >> 2 & pairs >> 4
    first = runs
    count = 0
    for _ in range(4):
        if not runs:
            return count
        # One per run of at least 6, 12, 18, ... ones: count where such a run starts.
        count += (runs & ~(runs << 1)).bit_count()
        runs = first & runs >> 6
    return format(value, "b").count("111111") if runs else count


@dataclass(frozen=True)
class BusTiming:
    """Times of one speed, in bits.

    Attributes:
        name: "full" or "high".
        bit_num, bit_den: a bit lasts bit_num / bit_den picoseconds.
        frame: (micro)frame in picoseconds.
        sync: SYNC. eop: EOP of an ordinary packet. sof: a whole SOF packet.
        same_side: idle between two packets of the host (7.1.18.2).
        after_device: idle from the end of a device's packet to the next one of the host.
        device: typical answer of the device. slowest: latest legal answer.
        timeout: silence after which the host gives up (7.1.19).
        token_ps ... timeout_ps: the same in picoseconds; token and handshake are whole packets,
            head_ps is from the start of a frame to the first token.
    """

    name: str
    bit_num: int
    bit_den: int
    frame: int
    sync: int
    eop: int
    sof: int
    same_side: int
    after_device: int
    device: int
    slowest: int
    timeout: int
    token_ps: int = field(init=False)
    handshake_ps: int = field(init=False)
    same_side_ps: int = field(init=False)
    after_device_ps: int = field(init=False)
    device_ps: int = field(init=False)
    timeout_ps: int = field(init=False)
    head_ps: int = field(init=False)

    def __post_init__(self) -> None:
        """Compute what is needed for every packet."""
        for name, bits in {
            "token_ps": self.sync + 24 + self.eop,
            "handshake_ps": self.sync + 8 + self.eop,
            "same_side_ps": self.same_side,
            "after_device_ps": self.after_device,
            "device_ps": self.device,
            "timeout_ps": self.timeout,
            "head_ps": self.sof + self.same_side,
        }.items():
            object.__setattr__(self, name, self.time(bits))

    def time(self, bits: int) -> int:
        """Return bits as picoseconds."""
        return bits * self.bit_num // self.bit_den

    def bits(self, packet: bytes) -> int:
        """Return the length of a packet with SYNC, stuffing and EOP."""
        size = len(packet)
        stuffed = stuff_bits(packet) if size > 3 else 0
        return self.sync + 8 * size + stuffed + self.eop

    def packet_time(self, packet: bytes) -> int:
        """Return the length of a packet in picoseconds."""
        return self.bits(packet) * self.bit_num // self.bit_den

    def worst(self, size: int) -> int:
        """Return the longest that a packet of `size` bytes can get, in bits."""
        return self.sync + 8 * size * 7 // 6 + self.eop


HIGH = BusTiming(
    name="high",
    bit_num=25000,
    bit_den=12,
    frame=125_000_000,
    sync=32,
    eop=8,
    sof=32 + 24 + 40,
    same_side=88,
    after_device=32,
    device=104,
    slowest=192,
    timeout=816,
)
FULL = BusTiming(
    name="full",
    bit_num=250000,
    bit_den=3,
    frame=1_000_000_000,
    sync=8,
    eop=3,
    sof=8 + 24 + 3,
    same_side=3,
    after_device=3,
    device=6,
    slowest=8,
    timeout=18,
)
