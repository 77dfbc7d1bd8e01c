"""A dense kernel against the graph's value of its operation, in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from compiler.one_kernel import BEST, RUNNABLE, Floats, run
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.dense import kernel
from featherlight.graph import kinds
from featherlight.graph.evaluate import apply
from featherlight.graph.ir import Op, Tensor
from featherlight.graph.rules.shape import infer

few = settings(max_examples=30)  # each compiles a kernel
ANY = st.sampled_from(RUNNABLE)
SPECIAL = np.array([np.nan, np.inf, -np.inf], np.float32)


def values(*shape: int, seed: int = 0) -> Floats:
    """Numbers around zero, always the same ones for a shape and a seed."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def with_special(x: Floats, seed: int) -> Floats:
    """The numbers with a few that are not finite among them."""
    random, x = np.random.default_rng(seed), x.copy()
    places = random.integers(0, x.size, min(3, x.size))
    x.flat[places] = random.choice(SPECIAL, places.size)
    return x


def check(
    kind: kinds.Kind,
    *inputs: NDArray[np.float32],
    cpu: InstructionSet = BEST,
    rtol: float = 2e-6,
    atol: float = 2e-6,
) -> None:
    """Raises AssertionError where the kernel and the value rule differ."""
    names = tuple(f"i{number}" for number in range(len(inputs)))
    shapes = infer(Op(kind, names, ()), tuple(Tensor(x.shape) for x in inputs))
    outputs = tuple(tensor.shape for tensor in shapes)
    with np.errstate(all="ignore"):
        expected = apply(Op(kind, names, ("y",) * len(outputs)), [x.astype(np.float64) for x in inputs])
    made = run(kernel(kind, tuple(x.shape for x in inputs), outputs), inputs, outputs, cpu)
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
