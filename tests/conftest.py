# SPDX-License-Identifier: Apache-2.0
"""What every test finds in place: the import path and the test plan's check."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.testplan.plugin import PlanPlugin, add_options  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the test plan."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Start the test plan's check."""
    config.pluginmanager.register(PlanPlugin(ROOT / "tests/testplan.toml"), "testplan")


@pytest.fixture(scope="session")
def icarus() -> None:
    """Skip where Icarus Verilog is missing."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is missing: apt-get install iverilog")
