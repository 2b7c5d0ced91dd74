# SPDX-License-Identifier: Apache-2.0
"""The kernel that both machines share: time, tasks, interrupts, DMA memory, device nodes.

It runs with and without a simulator, in the same order (see `Kernel`).
"""

from __future__ import annotations

from .cpu import Cpu, CpuBus, RegisterFace, SpinLock
from .devnodes import DevFile, DevNodes
from .dma import DmaBuffer, DmaPool, Memory
from .errors import (
    ENOTSUPP,
    EPROBE_DEFER,
    Deadlock,
    SchedulingWhileAtomic,
    errno_name,
    os_error,
)
from .irq import IrqChip, IrqReturn
from .running import current_task, gather, might_sleep, now, sleep, spawn, timeout
from .scheduler import Kernel, current
from .sync import Completion, Event, Mutex, Queue, WaitQueue, Work
from .task import Cancelled, Context, Task, TimerHandle, Waitable
from .times import ms, ns, ps_text, sec, us

__all__ = [
    "ENOTSUPP",
    "EPROBE_DEFER",
    "Cancelled",
    "Completion",
    "Context",
    "Cpu",
    "CpuBus",
    "Deadlock",
    "DevFile",
    "DevNodes",
    "DmaBuffer",
    "DmaPool",
    "Event",
    "IrqChip",
    "IrqReturn",
    "Kernel",
    "Memory",
    "Mutex",
    "Queue",
    "RegisterFace",
    "SchedulingWhileAtomic",
    "SpinLock",
    "Task",
    "TimerHandle",
    "WaitQueue",
    "Waitable",
    "Work",
    "current",
    "current_task",
    "errno_name",
    "gather",
    "might_sleep",
    "ms",
    "now",
    "ns",
    "os_error",
    "ps_text",
    "sec",
    "sleep",
    "spawn",
    "timeout",
    "us",
]
