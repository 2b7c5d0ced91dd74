# SPDX-License-Identifier: Apache-2.0
"""A host machine with a mock device, for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tb.host import HostMachine, UsbDevice
from tb.kernel import Kernel, ms, timeout

sys.path.insert(0, str(Path(__file__).parent))

from mock_wire import MockDevice, MockWire


class Rig:
    """A kernel, a mock device on a mock wire, and a host."""

    def __init__(self, device: MockDevice) -> None:
        self.kernel = Kernel()
        self.device = device
        self.wire = MockWire(self.kernel, device)
        self.host = HostMachine(self.kernel, self.wire)

    async def plug(self) -> UsbDevice:
        await self.host.start()
        await self.host.plug()
        return await self.host.wait_device(5000)

    def run(self, test: Callable[[], Coroutine[Any, Any, None]], limit_ms: float = 30000) -> None:
        try:
            self.kernel.run_until(timeout(test(), ms(limit_ms)))
        finally:
            self.kernel.close()


@pytest.fixture
def rig() -> Rig:
    return Rig(MockDevice())


@pytest.fixture
def full_rig() -> Rig:
    return Rig(MockDevice(high=False))
