# SPDX-License-Identifier: Apache-2.0
"""The test plan: which tests prove which requirement, and the check that they passed."""

from __future__ import annotations

from tools.testplan.plan import STAGES, Entry, PlanError, Verdict, judge, load

__all__ = ["STAGES", "Entry", "PlanError", "Verdict", "judge", "load"]
