"""Graphs compiled in this process: one of LLVM's own takes longer to start than a small network takes to compile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from featherlight.compiler import build
from featherlight.compiler.instruction_set import host
from featherlight.graph import Graph
from featherlight_runtime import Network, Program


def program(graph: Graph) -> Program:
    """What `build.compiled` gives where no process can be started."""
    with patch("featherlight.compiler.child._start", return_value=None):
        return build.compiled(graph, host())


def run(graph: Graph, *inputs: NDArray[Any], threads: int = 1) -> Sequence[NDArray[np.float32]]:
    """What a compiled graph makes of its inputs, in float32, as `evaluate` gives it in float64.

    Raises BadInput for an operation that no kernel computes.
    """
    with np.errstate(all="ignore"), Network(program(graph), threads) as network:
        made = network(*(np.asarray(array, np.float32) for array in inputs))
    return made if isinstance(made, tuple) else (made,)
