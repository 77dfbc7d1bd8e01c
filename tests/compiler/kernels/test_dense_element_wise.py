"""Functions, arithmetic, batch norm and quantisation, with every broadcast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from compiler.dense_check import ANY, check, few, values, with_special
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.compiler.kernels.dense import KERNELS
from featherlight.graph import kinds
from featherlight.graph.activations import FUNCTIONS

SHAPES = st.lists(st.integers(1, 11), max_size=4).map(tuple)
ARITHMETIC = st.sampled_from([kinds.Add(), kinds.Subtract(), kinds.Multiply(), kinds.Divide()])
PAIRS = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=11).map(lambda both: both.input_shapes)


def test_every_kind_has_a_kernel() -> None:
    assert set(KERNELS) == set(kinds.KINDS)


@few
@given(ARITHMETIC, PAIRS, st.booleans(), ANY)
def test_arithmetic(
    kind: kinds.Kind, shapes: tuple[tuple[int, ...], tuple[int, ...]], finite: bool, cpu: InstructionSet
) -> None:
    left, right = values(*shapes[0]), values(*shapes[1], seed=1)
    check(kind, left if finite else with_special(left, 1), right, cpu=cpu, rtol=2e-7, atol=1e-7)


@few
@given(st.sampled_from(sorted(FUNCTIONS)), SHAPES, ANY)
def test_activation(name: str, shape: tuple[int, ...], cpu: InstructionSet) -> None:
    check(kinds.Activation(name), values(*shape) * np.float32(4), cpu=cpu)  # type: ignore[arg-type]


@pytest.mark.parametrize("bounds", [(-0.5, 0.5), (0.0, math.inf), (-math.inf, 0.0)])
def test_clip(bounds: tuple[float, float]) -> None:
    check(kinds.Clip(*bounds), with_special(values(3, 29), 0), rtol=0, atol=0)


@few
@given(st.lists(st.integers(1, 11), min_size=2, max_size=4), ANY)
def test_batch_norm(shape: list[int], cpu: InstructionSet) -> None:
    weight, bias, mean, root = (values(shape[1], seed=seed) for seed in range(4))
    check(
        kinds.BatchNorm(1e-3),
        values(*shape, seed=9),
        weight,
        bias,
        mean,
        root * root,
        cpu=cpu,
        atol=1e-5,
    )


@few
@given(
    st.sampled_from([(-128, 127), (0, 255), (-(2**31), 2**31 - 1)]),
    st.sampled_from([(), (1,), (5, 1, 1)]),
    st.booleans(),
    ANY,
)
def test_quantise(limits: tuple[int, int], shape: tuple[int, ...], finite: bool, cpu: InstructionSet) -> None:
    x = values(2, 5, 3, 11) * np.float32(50)
    scale = np.exp(values(*shape, seed=1)).astype(np.float32)
    zero_point = np.rint(values(*shape, seed=2) * np.float32(9)).astype(np.float32)
    x = x if finite else with_special(x, 1)
    check(kinds.Quantize(*limits), x, scale, zero_point, cpu=cpu, rtol=1e-7, atol=0)


def test_quantise_rounds_half_to_even() -> None:
    x = np.arange(-20, 21, dtype=np.float32) / np.float32(2)
    check(kinds.Quantize(-128, 127), x, np.ones((), np.float32), np.zeros((), np.float32), rtol=0, atol=0)
