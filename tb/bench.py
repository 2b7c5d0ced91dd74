# SPDX-License-Identifier: Apache-2.0
"""The Bench: a controller with both machines around it, and the run of one scenario on it."""

from __future__ import annotations

import inspect
import json
import random
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any

from pymodel.config import BusTimes, UdcParameters

from .controller import Controller
from .doors import HardwareDoor, WireDoor
from .gadget.machine import DeviceMachine
from .host.machine import HostMachine
from .kernel import Cpu, Deadlock, Kernel, ms, spawn, timeout
from .options import RunOptions, UsageError
from .sim.checker import Checker
from .sim.pcap import PcapWriter

__all__ = ["Bench", "HangError", "ScenarioFile", "parameters_for", "write_summary"]

DEFAULT_MEMORY = (0x1000_0000, 16 << 20)
"""Bus address and size of the DMA memory."""


class HangError(TimeoutError):
    """A run that is not over in its simulated time; the message says what each task waits for."""


@dataclass(frozen=True)
class ScenarioFile:
    """What a scenario file says at module level."""

    main: Callable[[Bench], Coroutine[Any, Any, object]]
    probe: bool = True
    host: bool = True
    memory: tuple[int, int] = DEFAULT_MEMORY
    parameters: dict[str, Any] | None = None

    @classmethod
    def load(cls, path: str) -> ScenarioFile:
        """Import a scenario file.

        Raises:
            UsageError: no such file, no `async def main(bench)` in it, or an unusable MEMORY.
            Exception: whatever the file raises when it is imported.
        """
        file = Path(path)
        if not file.is_file():
            raise UsageError(f"{path}: no such scenario file")
        try:
            source = file.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        folder = str(file.resolve().parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        module = ModuleType(f"scenario_{file.stem}")
        module.__file__ = str(file)
        exec(compile(source, str(file), "exec"), module.__dict__)
        main: Any = getattr(module, "main", None)
        if not _takes_a_bench(main):
            raise UsageError(f"{path}: a scenario needs 'async def main(bench)'")
        return cls(
            main,
            getattr(module, "PROBE", True),
            getattr(module, "HOST", True),
            _memory(getattr(module, "MEMORY", DEFAULT_MEMORY)),
            getattr(module, "PARAMETERS", None),
        )


def _takes_a_bench(main: Any) -> bool:
    if not inspect.iscoroutinefunction(main):
        return False
    try:
        inspect.signature(main).bind(None)
    except TypeError:
        return False
    return True


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _memory(value: Any) -> tuple[int, int]:
    hint = "it is (base, size) in bytes, multiples of 4 within 32 bits"
    if not isinstance(value, tuple | list) or len(value) != 2 or not all(map(_is_int, value)):
        raise UsageError(f"MEMORY = {value!r}: {hint}")
    base, size = value
    if base < 0 or size <= 0 or base + size > 1 << 32 or base % 4 or size % 4:
        raise UsageError(f"MEMORY = (0x{base:x}, 0x{size:x}): {hint}")
    return base, size


def parameters_for(options: RunOptions, scenario: ScenarioFile | None = None) -> UdcParameters:
    """Return the controller's parameters for a run.

    Raises:
        UsageError: PARAMETERS of the scenario names something illegal, or hardware that the
            mode of the run does not suit.
    """
    values: dict[str, Any] = {
        "time_scale": options.time_scale,
        "trace": int(options.lockstep),
        "utmi_width": options.utmi_width,
    }
    if options.fifo == "shared":
        values["dedicated_fifo"] = 0
    if options.mode == "desc":
        values["desc_dma"] = 1
    wanted: Any = scenario.parameters if scenario else None
    wanted = {} if wanted is None else wanted
    if not isinstance(wanted, dict):
        raise UsageError(f'PARAMETERS = {wanted!r}: it is a dict such as {{"NUM_IN_EPS": 3}}')
    legal = [item.name.upper() for item in fields(UdcParameters)]
    for key, value in wanted.items():
        if not isinstance(key, str) or key.upper() not in legal:
            raise UsageError(f"PARAMETERS: no parameter {key}; there are {', '.join(legal)}")
        if not _is_int(value):
            raise UsageError(f"PARAMETERS: {key} = {value!r}: choose an int")
        values[key.lower()] = value
    try:
        parameters = UdcParameters(**values)
    except ValueError as error:
        raise UsageError(f"PARAMETERS: {error}") from None
    if options.utmi_width not in (8, parameters.utmi_width):
        raise UsageError(
            f"--utmi-width {options.utmi_width}: PARAMETERS of the scenario has "
            f"UTMI_WIDTH = {parameters.utmi_width}"
        )
    if scenario is None or scenario.probe:
        _check_driver(options, parameters)
    return parameters


def _check_driver(options: RunOptions, parameters: UdcParameters) -> None:
    """Refuse a driver for other hardware than there will be.

    Raises:
        UsageError: PARAMETERS contradicts --mode or --fifo.
    """
    fifo = "dedicated" if parameters.dedicated_fifo else "shared"
    if options.fifo != fifo:
        raise UsageError(
            f"--fifo {options.fifo}: PARAMETERS makes hardware with {fifo} FIFOs; use --fifo {fifo}"
        )
    if options.mode != "slave" and not parameters.dma:
        raise UsageError(f"--mode {options.mode}: PARAMETERS has DMA = 0; use --mode slave")
    if options.mode == "desc" and not parameters.desc_dma:
        raise UsageError("--mode desc: PARAMETERS has DESC_DMA = 0; use --mode dma")


def write_summary(options: RunOptions, errors: list[str], **found: Any) -> dict[str, Any]:
    """Write summary.json, and return what it says.

    Args:
        options: of the run.
        errors: what was found to be wrong; none = passed.
        found: counts of the run; what is left out is 0 (a run that never started).
    """
    summary = {
        "name": options.name,
        "backend": options.backend,
        "simulator": options.backend,
        "seed": options.seed,
        "time_scale": options.time_scale,
        "passed": not errors,
        "errors": errors,
        "sim_time_ns": 0,
        "clock_cycles": 0,
        "wall_seconds": 0.0,
        "packets": 0,
        "payload_bytes": 0,
        "lockstep": {"events": 0, "mismatches": 0, "waivers": {}},
    } | found
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    return summary


class Bench:
    """A controller with a host machine on its wire and a device machine on its bus.

    Attributes:
        kernel: time and tasks; `kernel.now` in picoseconds.
        controller: what is tested.
        device: the device machine.
        host: the host machine.
        hw: the bus face, raw.
        wire: the wire face, raw.
        args: what followed `--` on the command line.
        seed: of `random`.
        random: a `random.Random` made from the seed.
        checker: the passive protocol checker on the wire.
    """

    kernel: Kernel
    host: HostMachine
    device: DeviceMachine

    def __init__(
        self,
        kernel: Kernel,
        controller: Controller,
        options: RunOptions,
        scenario: ScenarioFile | None = None,
    ) -> None:
        """Compose the machines around a controller."""
        self.kernel = kernel
        self.controller = controller
        self.options = options
        self.args = list(options.args)
        self.seed = options.seed
        self.random = random.Random(options.seed)
        self.checker = Checker()
        self.checker.attach(controller.wire)
        self.errors: list[str] = []
        self._started = time.perf_counter()
        self._capture: PcapWriter | None = None
        if options.pcap:
            self._capture = PcapWriter(Path(options.out) / "trace.pcapng")
            self._capture.attach(controller.wire)
        wire = controller.wire
        wire.force_full_speed = options.speed == "full"
        self.hw = HardwareDoor(controller.bus)
        self.wire = WireDoor(wire, BusTimes.at(options.time_scale))
        self._probe = scenario.probe if scenario else True
        self._host = scenario.host if scenario else True
        self.device = DeviceMachine(
            kernel,
            controller.bus,
            controller.parameters,
            mode=options.mode,
            fifo=options.fifo,
            cpu=Cpu("device"),
        )
        self.host = HostMachine(kernel, wire, time_scale=options.time_scale, cpu=Cpu("host"))

    @property
    def clock_cycles(self) -> int:
        """UTMI clocks since the start."""
        return self.controller.clock_cycles

    @staticmethod
    async def attach(dut: Any, **options: Any) -> Any:
        """Open the doors from an ordinary `@cocotb.test()`.

        Args:
            dut: the simulation's top, `tb_top`.
            options: those of `plugfest run` (speed, mode, seed, pcap, out, ...).

        Returns:
            A Bench whose doors can be awaited by cocotb tasks.
        """
        from .attached import attach  # noqa: PLC0415  (cocotb exists in a simulator only)

        return await attach(dut, **options)

    async def start(self) -> None:
        """Power on the controller and boot the machines."""
        await self.controller.start()
        await self.device.start(probe=self._probe)
        if self._host:
            await self.host.start()

    async def run(self, main: Callable[[Bench], Coroutine[Any, Any, object]]) -> None:
        """Boot, then run a scenario within its simulated time.

        Raises:
            HangError: it hangs; the message says what each task waits for.
        """
        await self.start()
        scenario = spawn(main(self), name="scenario")
        try:
            await timeout(scenario, ms(self.options.timeout_ms))
        except TimeoutError:
            if scenario.done():
                raise
            report = self.kernel.wait_report()
            scenario.cancel()
            raise HangError(
                f"the run hangs: not over after {self.options.timeout_ms:g} ms of simulated time "
                f"(--timeout); tasks wait:\n{report}"
            ) from None

    def run_alone(self, coro: Coroutine[Any, Any, object]) -> None:
        """Run without a simulator: jump from event to event until the coroutine has ended.

        Raises:
            Deadlock: nothing can happen any more; says what each task waits for.
        """
        kernel = self.kernel
        model: Any = self.controller
        task = kernel.spawn(coro, name="run")
        task.awaited = True
        kernel.run_ready()
        while not task.finished and kernel.failure is None:
            when = kernel.next_timer()
            event = model.next_event()
            if event is not None and (when is None or event < when):
                when = event
            if when is None:
                raise Deadlock("nothing left to happen, but tasks wait:\n" + kernel.wait_report())
            model.advance(when)
            kernel.advance(when)
        if kernel.failure is not None:
            raise kernel.failure
        task.result()

    def close(self, failure: BaseException | None) -> dict[str, Any]:
        """End everything, write summary.json, and return what it says.

        Args:
            failure: what ended the run, or None.
        """
        if failure is not None:
            self.errors.append(f"{type(failure).__name__}: {failure}")
        # The transactor of the RTL holds idle SOFs back, and judges collisions by itself.
        wire: Any = self.controller.wire
        if hasattr(wire, "flush_monitor"):
            wire.flush_monitor()
        self.errors += getattr(wire, "violations", [])
        self.checker.finish()
        self.errors += [str(one) for one in self.checker.violations]
        report = getattr(self.controller, "lockstep", None)
        found: dict[str, Any] = {}
        if report is not None:
            report.finish(self.kernel.now)
            found["lockstep"] = report.summary()
            self.errors += [str(one) for one in report.mismatches]
        with suppress(Exception):
            self.kernel.close()
        if self._capture is not None:
            self._capture.close()
        summary = write_summary(
            self.options,
            self.errors,
            simulator=getattr(self.controller, "simulator", self.options.backend),
            sim_time_ns=self.kernel.now // 1000,
            clock_cycles=self.clock_cycles,
            wall_seconds=round(time.perf_counter() - self._started, 3),
            packets=self.checker.packets,
            payload_bytes=self.checker.payload_bytes,
            **found,
        )
        self.controller.close()
        return summary
