# SPDX-License-Identifier: Apache-2.0
"""A Bench inside an ordinary `@cocotb.test()`: its doors, awaitable by cocotb tasks.

The machines run in the kernel. A door called from cocotb posts its coroutine into the kernel's
next pump and waits, as a cocotb task, until it has ended.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import cocotb

from pymodel.config import UdcParameters

from .bench import Bench
from .options import RunOptions
from .runs import finish
from .sim.bridge import Bridge
from .sim.rtl import RtlController

__all__ = ["AttachedBench", "Door", "attach"]

_PLAIN = (type(None), bool, int, float, str, bytes, bytearray, memoryview, tuple, list, dict, set)


def _nothing() -> None:
    """Make the kernel run once more, for what a plain call made ready."""


def _unwrap(value: Any) -> Any:
    return object.__getattribute__(value, "_target") if isinstance(value, Door) else value


class Door:
    """Stands for an object of the machines; its coroutines can be awaited by cocotb tasks."""

    def __init__(self, target: Any, bridge: Bridge) -> None:
        """Stand for `target`."""
        self._target = target
        self._bridge = bridge

    def __getattr__(self, name: str) -> Any:
        """Return the target's attribute, callable from cocotb if it is a method."""
        return self._present(getattr(self._target, name))

    def __repr__(self) -> str:
        """Say what it stands for."""
        return f"<door to {self._target!r}>"

    def _present(self, value: Any) -> Any:
        if inspect.ismethod(value) or inspect.isfunction(value):
            return self._callable(value)
        if isinstance(value, _PLAIN) or not type(value).__module__.startswith("tb."):
            return value
        return Door(value, self._bridge)

    def _callable(self, function: Callable[..., Any]) -> Callable[..., Any]:
        bridge = self._bridge

        if inspect.iscoroutinefunction(function):

            async def asleep(*args: Any, **options: Any) -> Any:
                given = {key: _unwrap(value) for key, value in options.items()}
                coro = function(*map(_unwrap, args), **given)
                return self._present(await bridge.run(coro, name=function.__name__))

            return asleep

        def at_once(*args: Any, **options: Any) -> Any:
            given = {key: _unwrap(value) for key, value in options.items()}
            called = functools.partial(function, *map(_unwrap, args), **given)
            bridge.kernel.advance(max(bridge.kernel.now, bridge.mailbox.now))
            result = bridge.kernel.call(called)
            bridge.post(_nothing)
            return self._present(result)

        return at_once


class AttachedBench(Door):
    """The Bench as an ordinary cocotb test sees it; `close()` it at the end.

    It closes itself when the cocotb test ends; `close` also raises what the protocol checker found.
    """

    async def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine that is written for the kernel (it may await `tb.kernel`)."""
        return await self._bridge.run(coro)

    async def close(self) -> None:
        """End both machines and write summary.json.

        Raises:
            AssertionError: something was found to be wrong; the text says what.
        """
        bench: Bench = self._target
        status = finish(bench, None)
        self._bridge.close()
        assert status == 0, "; ".join(bench.errors[:3])


async def attach(dut: Any, **options: Any) -> AttachedBench:
    """Compose both machines around the controller in the running simulation.

    Args:
        dut: the top, `tb_top`.
        options: of `plugfest run`: speed, mode, seed, time_scale, pcap, out, args.
    """
    backend = "icarus" if "icarus" in cocotb.SIM_NAME.lower() else "verilator"
    time_scale = int(dut.TIME_SCALE.value)
    asked = options.pop("time_scale", time_scale)
    if asked != time_scale:
        raise ValueError(f"time_scale {asked}: this simulation was built with {time_scale}")
    chosen = RunOptions("cocotb", backend, time_scale=time_scale, **options)
    bridge = Bridge(dut)
    parameters = UdcParameters(time_scale=time_scale)
    controller = RtlController(bridge.kernel, parameters, bridge.pump, name=backend)
    bench = Bench(bridge.kernel, controller, chosen)
    await bridge.run(bench.start(), name="start")
    return AttachedBench(bench, bridge)
