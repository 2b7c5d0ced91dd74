# SPDX-License-Identifier: Apache-2.0
"""A passive judge of the wire: every packet of both sides against USB 2.0.

It imports neither the model nor the register description, so that an error which both share
cannot hide from it.

    checker = Checker()
    checker.attach(controller.wire)
    ...
    checker.finish()
    assert not checker.violations, checker.report()
"""

from __future__ import annotations

from tb.sim.checker.judge import Checker
from tb.sim.checker.rules import RULES, Rule, Violation

__all__ = ["RULES", "Checker", "Rule", "Violation"]
