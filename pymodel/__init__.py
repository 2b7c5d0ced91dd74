# SPDX-License-Identifier: Apache-2.0
"""The reference model of the controller, and the vocabulary of the wire that everything shares."""
