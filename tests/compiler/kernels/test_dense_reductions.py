"""Means, softmax, local response norm and linear layers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.dense_check import ANY, check, few, values, with_special
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.graph import kinds

SHAPES = st.lists(st.integers(1, 11), min_size=1, max_size=4).map(tuple)
ROWS = st.lists(st.integers(1, 4), max_size=2).map(tuple)


@few
@given(SHAPES, st.data(), st.booleans(), st.booleans(), ANY)
def test_mean(shape: tuple[int, ...], data: st.DataObject, keep: bool, finite: bool, cpu: InstructionSet) -> None:
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1)))))
    x = values(*shape) if finite else with_special(values(*shape), len(axes))
    check(kinds.Mean(axes, keep), x, cpu=cpu)


def test_the_mean_of_a_large_map_is_exact() -> None:
    check(kinds.Mean((2, 3), False), values(1, 2, 224, 224) + np.float32(1000), rtol=1e-7)
    check(kinds.Mean((1,), False), values(1, 50_000, 9) + np.float32(1000), rtol=1e-7)


@few
@given(SHAPES, st.data(), st.booleans(), st.sampled_from([1.0, 40.0]), st.booleans(), ANY)
def test_softmax(
    shape: tuple[int, ...], data: st.DataObject, log: bool, scale: float, finite: bool, cpu: InstructionSet
) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = values(*shape) * np.float32(scale)
    x = x if finite else with_special(x, axis)
    check(kinds.LogSoftmax(axis) if log else kinds.Softmax(axis), x, cpu=cpu)


@pytest.mark.parametrize("kind", [kinds.Softmax(1), kinds.LogSoftmax(1)])
def test_softmax_of_many_classes(kind: kinds.Kind) -> None:
    check(kind, values(2, 1001) * np.float32(10), atol=1e-7)


@few
@given(
    st.tuples(st.integers(1, 2), st.integers(1, 12), st.integers(1, 4), st.integers(1, 20)),
    st.builds(
        kinds.LocalResponseNorm,
        st.integers(1, 7),
        st.sampled_from([1e-4, 1.0]),
        st.sampled_from([0.75, 0.5, 1.0, 2.3]),
        st.sampled_from([1.0, 2.0]),
    ),
    st.booleans(),
    ANY,
)
def test_local_response_norm(
    shape: tuple[int, ...], kind: kinds.LocalResponseNorm, finite: bool, cpu: InstructionSet
) -> None:
    x = values(*shape) * np.float32(10)
    check(kind, x if finite else with_special(x, shape[1]), cpu=cpu)


@few
@given(ROWS, st.integers(1, 40), st.integers(1, 11), st.booleans(), ANY)
def test_linear(rows: tuple[int, ...], inputs: int, outputs: int, bias: bool, cpu: InstructionSet) -> None:
    vector = [values(outputs, seed=2)] * bias
    check(
        kinds.Linear(),
        values(*rows, inputs),
        values(outputs, inputs, seed=1),
        *vector,
        cpu=cpu,
        atol=1e-5,
    )
