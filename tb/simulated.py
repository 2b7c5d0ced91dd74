# SPDX-License-Identifier: Apache-2.0
"""The cocotb test that runs one scenario file in a simulator's process (`plugfest run`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb

from .bench import Bench, ScenarioFile, parameters_for
from .options import RunOptions
from .runs import finish, finish_unstarted
from .sim.bridge import Bridge
from .sim.lockstep import Lockstep
from .sim.rtl import RtlController


@cocotb.test()
async def scenario(dut: Any) -> None:
    """Run what PLUGFEST_RUN (a file of options) asks for, from where the user stood."""
    options = RunOptions.from_json(Path(os.environ["PLUGFEST_RUN"]).read_text())
    os.chdir(os.environ["PLUGFEST_CWD"])
    bridge = Bridge(dut)
    try:
        file = ScenarioFile.load(options.scenario)
        controller = RtlController(
            bridge.kernel,
            parameters_for(options, file),
            bridge.pump,
            name=options.backend,
            memory=file.memory,
        )
        controller.mailbox.set_clocks(round(1e9 / options.core_mhz))
        if options.lockstep:
            Lockstep.attach(controller)
        bench = Bench(bridge.kernel, controller, options, file)
    except BaseException as error:  # a file can behave differently when imported here
        finish_unstarted(options, error)
        bridge.close()
        return
    failure: BaseException | None = None
    try:
        await bridge.run(bench.run(file.main), name="run")
    except BaseException as error:  # whatever ends a run is reported
        failure = error
    # The outcome stands in summary.json; cocotb's own report would only bury the closing lines.
    finish(bench, failure)
    bridge.close()
