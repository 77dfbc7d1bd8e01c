"""Modules that a process of its own can import, and that know when they are in one."""

from __future__ import annotations

import os
import sys

import torch
from torch import nn


class Mortal(nn.Module):
    """Runs `lives` times in another process than the one that made it, then takes that process with it."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.home, self.lives = os.getpid(), lives

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if os.getpid() != self.home:
            self.lives -= 1
            if self.lives < 0:
                print("out of memory, says a library", file=sys.stderr, flush=True)
                os._exit(7)
        return images.mean((2, 3))


class TwoFaced(nn.Module):
    """Says something else in another process than the one that made it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = os.getpid()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)) + (0 if os.getpid() == self.home else 1)
