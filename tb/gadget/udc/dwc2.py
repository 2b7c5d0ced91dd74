# SPDX-License-Identifier: Apache-2.0
from ..platform import PlatformDriver
class Dwc2PlatformDriver(PlatformDriver):
    def __init__(self, mode): self.mode = mode
