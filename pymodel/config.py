# SPDX-License-Identifier: Apache-2.0
"""What the hardware was built with, and the times that the bus prescribes.

`UdcParameters` carries the Verilog parameters of `rtl/udc.v` under lower-case names, so that one
object describes the RTL and the model alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["BusTimes", "UdcParameters", "scaled"]

_US = 1_000_000
_MS = 1_000_000_000


@dataclass(frozen=True)
class UdcParameters:
    """Parameters of the controller.

    Attributes:
        num_in_eps: IN endpoints without EP0, 1 to 15.
        num_out_eps: OUT endpoints without EP0, 1 to 15.
        ep_directions: coded as GHWCFG1, two bits per endpoint: 0 both, 1 IN only, 2 OUT only.
        fifo_words: packet RAM in 32-bit words, a power of two from 512 to 32768.
        dedicated_fifo: 1 = one Tx FIFO per IN endpoint, 0 = shared.
        dma: 0 slave only, 2 internal DMA (coded as GHWCFG2.OtgArch).
        desc_dma: 1 = descriptor DMA.
        lpm: 1 = link power management.
        commands: 1 = endpoint commands of the extension bank.
        cmd_latency: reset value of the latency of a command, microseconds, 0 to 2000.
        soft_disconnect: reset value of DCTL.SftDiscon, 1 = no pull-up until software asks for it.
        superspeed: 1 = PIPE face and streams.
        data_width: AXI4 data path in bits.
        utmi_width: UTMI data path in bits.
        time_scale: divisor of reset, chirp, suspend and U-state times.
        trace: 1 = the trace port is built.
    """

    num_in_eps: int = 7
    num_out_eps: int = 7
    ep_directions: int = 0
    fifo_words: int = 4096
    dedicated_fifo: int = 1
    dma: int = 2
    desc_dma: int = 0
    lpm: int = 0
    commands: int = 0
    cmd_latency: int = 1000
    soft_disconnect: int = 1
    superspeed: int = 0
    data_width: int = 32
    utmi_width: int = 8
    time_scale: int = 1
    trace: int = 0

    def __post_init__(self) -> None:
        """Refuse what the hardware does not have.

        Raises:
            ValueError: names the parameter, its value and the legal ones.
        """
        legal: dict[str, tuple[bool, str]] = {
            "num_in_eps": (1 <= self.num_in_eps <= 15, "1 to 15"),
            "num_out_eps": (1 <= self.num_out_eps <= 15, "1 to 15"),
            "ep_directions": (
                0 <= self.ep_directions < 1 << 32
                and not self.ep_directions & 3
                and not self.ep_directions & self.ep_directions >> 1 & 0x55555555,
                "two bits per endpoint: 0 both, 1 IN only, 2 OUT only; endpoint 0 has both",
            ),
            "fifo_words": (
                512 <= self.fifo_words <= 32768 and self.fifo_words & (self.fifo_words - 1) == 0,
                "a power of two from 512 to 32768",
            ),
            "dedicated_fifo": (self.dedicated_fifo in (0, 1), "0 (shared) or 1"),
            "dma": (self.dma in (0, 2), "0 (slave) or 2 (internal DMA)"),
            "desc_dma": (
                self.desc_dma == 0
                or (self.desc_dma == 1 and self.dma == 2 and self.dedicated_fifo == 1),
                "0, or 1 with dma=2 and dedicated_fifo=1",
            ),
            "lpm": (self.lpm in (0, 1), "0 or 1"),
            "commands": (self.commands in (0, 1), "0 or 1"),
            "cmd_latency": (0 <= self.cmd_latency <= 2000, "0 to 2000 (microseconds)"),
            "soft_disconnect": (self.soft_disconnect in (0, 1), "0 or 1"),
            "superspeed": (self.superspeed == 0, "0 (SuperSpeed is not built)"),
            "data_width": (self.data_width in (32, 64), "32 or 64"),
            "utmi_width": (self.utmi_width in (8, 16), "8 or 16"),
            "time_scale": (1 <= self.time_scale <= 1000, "1 to 1000"),
            "trace": (self.trace in (0, 1), "0 or 1"),
        }
        for name, (good, text) in legal.items():
            if not good:
                raise ValueError(f"parameter {name}={getattr(self, name)}: legal is {text}")

    def has_in(self, number: int) -> bool:
        """Tell whether there is an IN endpoint of this number."""
        return number <= self.num_in_eps and self.ep_directions >> 2 * number & 3 != 2

    def has_out(self, number: int) -> bool:
        """Tell whether there is an OUT endpoint of this number."""
        return number <= self.num_out_eps and self.ep_directions >> 2 * number & 3 != 1

    def verilog(self) -> dict[str, int]:
        """Return the parameters under their Verilog names."""
        return {field.name.upper(): getattr(self, field.name) for field in fields(self)}


def scaled(duration: int, scale: int, floor: int) -> int:
    """Shorten a bus time by the time scale, but never below what keeps it distinguishable.

    Args:
        duration: picoseconds at scale 1.
        scale: divisor, at least 1.
        floor: picoseconds below which the time may not fall.
    """
    return max(duration // scale, min(duration, floor))


@dataclass(frozen=True)
class BusTimes:
    """Bus times in picoseconds at a time scale (USB 2.0 section 7.1.7 and 7.3.2).

    Host times: `reset`, `chirp_pair_half` (one K or one J of the host's answer), `debounce`,
    `resume`. Device times: `detect_reset`, `chirp_k`, `suspend` (full speed idle),
    `hs_idle` (high-speed idle before the revert to full speed), `hs_settle` (from the revert to
    the decision between reset and suspend).
    """

    reset: int
    chirp_pair_half: int
    debounce: int
    resume: int
    detect_reset: int
    chirp_k: int
    suspend: int
    hs_idle: int
    hs_settle: int

    @classmethod
    def at(cls, scale: int) -> BusTimes:
        """Return the times for a time scale (1 = real values)."""
        return cls(
            reset=scaled(50 * _MS, scale, 200 * _US),
            chirp_pair_half=scaled(50 * _US, scale, 5 * _US),
            debounce=scaled(100 * _MS, scale, 100 * _US),
            resume=scaled(20 * _MS, scale, 50 * _US),
            detect_reset=2_500_000,
            chirp_k=scaled(1 * _MS, scale, 20 * _US),
            suspend=scaled(3 * _MS, scale, 1500 * _US),
            hs_idle=scaled(3 * _MS, scale, 300 * _US),
            hs_settle=scaled(200 * _US, scale, 20 * _US),
        )
