"""The functions against float64 over a dense sweep, by vectors and one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from llvmlite import ir
from numpy.typing import NDArray

from compiler.one_kernel import BEST, RUNNABLE, Floats, run
from featherlight.compiler.code import FLOAT, Builder, Code, Value, load, store, times
from featherlight.compiler.control import i64, loop
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.activation import apply
from featherlight.compiler.kernels.exponential import exponential, logarithm, power
from featherlight.graph.activations import FUNCTIONS, Function
from featherlight.graph.kinds import Activation, Clip

SWEEP = np.concatenate([np.linspace(-100, 100, 400_003), np.linspace(-1, 1, 100_001), np.geomspace(1e-37, 1, 9999)])
SWEEP = SWEEP.astype(np.float32)
SPECIAL = np.array([-np.inf, np.inf, np.nan, 0.0, -0.0, 1e-30, 3e38, -3e38], np.float32)
TINY = float(np.finfo(np.float32).tiny)  # below it floats have fewer digits


@dataclass(frozen=True)
class Each:
    """A function of each of `count` numbers, by vectors or by single floats."""

    function: Callable[[Builder, Value], Value]
    count: int
    lanes: int

    def emit(self, code: Code) -> ir.Function:
        kind = FLOAT if self.lanes == 1 else code.vectors.type

        def body(b: Builder, thread: Value, threads: Value, x: Value, y: Value) -> None:
            with loop(b, i64(0), i64(self.count), self.lanes) as index:
                offset = times(b, index, 4)
                store(b, self.function(b, load(b, x, kind, offset)), y, offset)

        return code.kernel(self, "each", 2, body)


def each(function: Callable[[Builder, Value], Value], x: Floats, cpu: InstructionSet) -> Floats:
    """The function by vectors, once it gives the same bits for single floats."""
    padded = np.pad(x, (0, -x.size % cpu.lanes))
    (together,), (single,) = (
        run(Each(function, padded.size, lanes), [padded], [padded.shape], cpu) for lanes in (cpu.lanes, 1)
    )
    np.testing.assert_array_equal(together, single)
    return together[: x.size]


def true_sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0) / (1.0 + np.exp(-np.abs(x))))


def true_gelu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * x * np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2.0)))


# The graph's own formulas cancel in float64 far below zero; these do not.
TRUE: dict[Function, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sigmoid": true_sigmoid,
    "silu": lambda x: x * true_sigmoid(x),
    "tanh": np.tanh,
    "gelu": true_gelu,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "elu": lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
    "softplus": lambda x: np.logaddexp(x, 0),
}


@pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda each: each.name)
@pytest.mark.parametrize("name", sorted(TRUE))
def test_smooth_functions_have_a_floats_error(name: Function, cpu: InstructionSet) -> None:
    y = each(lambda b, x: apply(b, Activation(name), x), SWEEP, cpu)
    np.testing.assert_allclose(y, TRUE[name](SWEEP.astype(np.float64)), rtol=5e-7, atol=TINY)


@pytest.mark.parametrize("cpu", RUNNABLE, ids=lambda each: each.name)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_means_what_the_graph_says(name: Function, cpu: InstructionSet) -> None:
    x = np.concatenate([SWEEP[::101], SPECIAL])
    with np.errstate(invalid="ignore", over="ignore"):
        expected = FUNCTIONS[name](x.astype(np.float64)).astype(np.float32)
    y = each(lambda b, value: apply(b, Activation(name), value), x, cpu)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=3e-7)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 2.5), (0.0, math.inf), (-math.inf, 0.5), (3.0, -3.0), (-1e39, 1e300)])
def test_clipping_keeps_what_is_not_a_number(low: float, high: float) -> None:
    x = np.concatenate([SWEEP[::1001], SPECIAL])
    y = each(lambda b, value: apply(b, Clip(low, high), value), x, BEST)
    with np.errstate(over="ignore"):
        expected = np.clip(x.astype(np.float64), low, high).astype(np.float32)
    np.testing.assert_array_equal(y, expected)


def test_exponential() -> None:
    x = np.concatenate([SWEEP, SPECIAL])
    with np.errstate(over="ignore"):
        expected = np.exp(x.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(each(exponential, x, BEST), expected, rtol=2e-7, atol=TINY)


def test_logarithm() -> None:
    x = np.concatenate([np.abs(SWEEP), np.linspace(0.9, 1.1, 10_001, dtype=np.float32), SPECIAL])
    with np.errstate(all="ignore"):
        expected = np.log(x.astype(np.float64))
    np.testing.assert_allclose(each(logarithm, x, BEST), expected, rtol=3e-7)


@pytest.mark.parametrize("exponent", [0.75, 0.5, 1.0, 0.0, 2.0, -0.75, 3.3, 0.1])
def test_power(exponent: float) -> None:
    x = np.concatenate([np.geomspace(1e-44, 3e38, 200_001), np.linspace(0.5, 2, 10_001), [0.0, np.inf, np.nan, -1.5]])
    x = x.astype(np.float32)
    with np.errstate(all="ignore"):
        expected = np.power(x.astype(np.float64), exponent).astype(np.float32)
    if exponent not in (0.0, 1.0):
        expected[x < 0] = np.nan
    np.testing.assert_allclose(each(lambda b, v: power(b, v, exponent), x, BEST), expected, rtol=5e-7, atol=TINY)
