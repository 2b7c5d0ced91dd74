# SPDX-License-Identifier: Apache-2.0
"""The two bridges between the kernel and cocotb, and nothing else that joins them.

From the kernel to cocotb: a function (usually a cocotb event's `set`) that cocotb's scheduler runs
right after the pump. From cocotb to the kernel: a function that the next pump runs.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import cocotb
from cocotb.triggers import Event, ReadWrite

from tb.kernel import Kernel

from .mailbox import EventBit, Mailbox, Pump

__all__ = ["Bridge"]

T = TypeVar("T")


class Bridge:
    """Joins one kernel and the running cocotb test.

    Make one per test, inside the test; `close` it at the end.

    Attributes:
        kernel: the kernel, pumped by the simulation.
        pump: for handlers of the mailboxes.
        mailbox: the mailbox library.
    """

    def __init__(self, dut: Any, kernel: Kernel | None = None) -> None:
        """Start pumping.

        Args:
            dut: cocotb's handle of the testbench top.
            kernel: default is a new one.
        """
        # Runs make millions of short-lived objects and few cycles: collect more rarely.
        gc.set_threshold(50_000, 20, 50)
        self.kernel = kernel or Kernel()
        self.mailbox = Mailbox()
        self.pump = Pump(self.mailbox, self.kernel)
        self._to_cocotb: deque[Callable[[], object]] = deque()
        self._to_kernel: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._waiting: dict[Event, None] = {}
        self._raised = False
        self.pump.handle(EventBit.POST, self._serve_posts)
        self.pump.on_failure = self._on_failure
        # Our own main runs the read-write phase when the pump asks for it; elsewhere a signal
        # is toggled. The first costs nothing while nobody asks.
        own_main = "verilator" in cocotb.SIM_NAME.lower()
        self._wake_signal = None if own_main else dut.pf_wake
        self._task = cocotb.start_soon(self._serve_cocotb())

    def to_cocotb(self, function: Callable[[], object]) -> None:
        """From the kernel: run a plain function on cocotb's side after this pump."""
        self._to_cocotb.append(function)
        self.mailbox.wake_cocotb()

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """From cocotb: run a plain function in the next pump, in the kernel's loop."""
        self._to_kernel.append((function, args))
        self.mailbox.post_event(EventBit.POST)

    async def run(self, coroutine: Coroutine[Any, Any, T], name: str = "main") -> T:
        """From cocotb: run a kernel coroutine and wait for its end.

        Returns:
            Its result.

        Raises:
            BaseException: what ended the coroutine, or what made the kernel fail.
        """
        if self.kernel.failure is not None:
            coroutine.close()
            raise self.kernel.failure
        done = Event()
        outcome: list[tuple[T | None, BaseException | None]] = []

        async def body() -> None:
            try:
                outcome.append((await coroutine, None))
            except BaseException as error:
                outcome.append((None, error))
            self.to_cocotb(done.set)

        self._waiting[done] = None
        try:
            self.post(lambda: self.kernel.spawn(body(), name=name))
            await done.wait()
        finally:
            self._waiting.pop(done, None)
        if not outcome:
            assert self.kernel.failure is not None
            raise self.kernel.failure
        result, error = outcome[0]
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def close(self) -> None:
        """Stop pumping and end what is left on both sides."""
        self.pump.detach()
        self._task.cancel()
        self.kernel.close()

    def _serve_posts(self) -> None:
        while self._to_kernel:
            function, args = self._to_kernel.popleft()
            self.kernel.call_soon(function, *args)

    def _on_failure(self, failure: BaseException) -> None:
        del failure
        self.mailbox.wake_cocotb()

    async def _serve_cocotb(self) -> None:
        while True:
            if self._wake_signal is None:
                await ReadWrite()
            else:
                await self._wake_signal.value_change
            while self._to_cocotb:
                self._to_cocotb.popleft()()
            failure = self.kernel.failure
            if failure is not None and not self._raised:
                self._raised = True
                if not self._waiting:
                    # Nobody waits for the kernel: the task's end fails the test.
                    raise failure
                for event in list(self._waiting):
                    event.set()
