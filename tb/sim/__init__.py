# SPDX-License-Identifier: Apache-2.0
"""Controllers to choose from: the RTL in a simulator, the model, lockstep of both."""
