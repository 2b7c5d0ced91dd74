# SPDX-License-Identifier: Apache-2.0
"""Progress of long work: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

__all__ = ["Progress"]


class Progress:
    """Counts bytes: `with Progress("echo", total) as progress: progress.update(done)`."""

    def __init__(self, label: str, total: int) -> None:
        """Say what is done and how many bytes there are."""
        self._label = label
        self._total = max(total, 1)
        self._tenths = 0
        self._bar: Bar | None = None
        if sys.stdout.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                transient=True,
            )
            self._task = self._bar.add_task(label, total=self._total)

    def update(self, done: int) -> None:
        """Tell how many bytes are done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
            return
        tenths = 10 * done // self._total
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"{self._label}: {10 * tenths} % of {self._total} bytes", flush=True)

    def __enter__(self) -> Progress:
        """Show the bar."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
