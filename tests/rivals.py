"""Networks to be timed in processes of their own: files of convolutions, and modules that know where they are."""

from __future__ import annotations

import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from featherlight.engines import OnnxSource


def write_convolutions(path: Path, operations: int) -> OnnxSource:
    """A file of as many convolutions of 3x3, one after the other, of an image of 48 pixels; then the mean."""
    names = ["images", *(f"map{n}" for n in range(1, operations + 1))]
    nodes = [helper.make_node("Conv", [a, "weight"], [b], pads=[1] * 4) for a, b in pairwise(names)]
    nodes += [
        helper.make_node("GlobalAveragePool", [names[-1]], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["scores"]),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 48, 48])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])
    weight = np.random.default_rng(0).normal(0, 27**-0.5, (3, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(nodes, "net", [images], [scores], [numpy_helper.from_array(weight, "weight")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return OnnxSource(path)


class Mortal(nn.Module):
    """Runs `lives` times in another process than the one that made it, so many seconds, then takes it with it."""

    def __init__(self, lives: int, seconds: float = 0.0) -> None:
        super().__init__()
        self.home, self.lives, self.seconds = os.getpid(), lives, seconds

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if os.getpid() != self.home:
            self.lives -= 1
            time.sleep(self.seconds)
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
