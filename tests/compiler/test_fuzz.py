"""Random graphs, compiled with and without fusion, held against their value in float64 and against ONNX Runtime.

Each is compiled for one of the instruction sets that the processor has. A failure names its seed and shows the
smallest graph that hypothesis finds to fail in the same way; `make fuzz` draws many more graphs than the tests do.
"""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from compiler.one_kernel import RUNNABLE
from compiler.together import close, program, results
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.graph import Graph, evaluate, to_onnx
from random_graphs import graphs

GRAPHS = int(os.environ.get("FUZZ", "100"))
OF_SEED = 20
CHANNELS = (2, 3, 4, 6, 7, 8, 9, 12, 16, 17, 20)  # around vectors of four and of eight
THREADS = st.lists(st.integers(1, 5), min_size=1, max_size=2, unique=True)


def largest(graph: Graph, x: np.ndarray) -> list[float]:
    """For each output, the norm it would have if its numbers were as large as the largest that are met on the way.

    A difference of two large numbers is as wrong as they are.
    """
    everything = Graph(graph.ops, graph.inputs, tuple(graph.tensors), graph.tensors, graph.constants)
    found = [value[np.isfinite(value)] for value in evaluate(everything, x)]
    most = max(float(np.abs(value).max(initial=0)) for value in found)
    return [most * graph.tensors[name].elements ** 0.5 for name in graph.outputs]


def others(graph: Graph, x: np.ndarray) -> list[np.ndarray]:
    """What ONNX Runtime gives."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(to_onnx(graph).SerializeToString(), options, ["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, {session.get_inputs()[0].name: x})]


@pytest.mark.parametrize("number", range(-(-GRAPHS // OF_SEED)))
def test_random_graphs(number: int) -> None:
    @seed(number)
    @settings(max_examples=OF_SEED, derandomize=False, database=None, print_blob=True)
    @given(graphs(dtype="float32", channels=CHANNELS), THREADS, st.sampled_from(RUNNABLE))
    def agrees(graph: Graph, threads: list[int], cpu: InstructionSet) -> None:
        x = np.random.default_rng(number).uniform(-4, 4, graph.tensors[graph.inputs[0]].shape).astype(np.float32)
        expected, scales, other = evaluate(graph, x), largest(graph, x), others(graph, x)
        for fuse in (True, False):
            made = results(program(graph, cpu, fuse=fuse), [x], threads)
            for output, mine, value, theirs, scale in zip(graph.outputs, made, expected, other, scales, strict=True):
                close(f"seed {number}: {output}, {cpu.name}, fuse={fuse}, and its value", mine, value, scale)
                close(f"seed {number}: {output}, {cpu.name}, fuse={fuse}, and ONNX Runtime", mine, theirs, scale)

    agrees()
