from __future__ import annotations

import pytest

from featherlight.errors import BadInput
from featherlight.graph import Kind, Op, Tensor
from featherlight.graph.kinds import (
    Add,
    AveragePool,
    BatchNorm,
    ChannelShuffle,
    Concat,
    ConcatShuffleSplit,
    Convolution,
    Linear,
    MaxPool,
    Mean,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Split,
    Transpose,
)
from featherlight.graph.rules.shape import infer


def shapes(kind: Kind, *inputs: tuple[int, ...]) -> list[tuple[int, ...]]:
    op = Op(kind, tuple(f"in{i}" for i in range(len(inputs))), ("out",), origin="rows.3.expand")
    return [tensor.shape for tensor in infer(op, tuple(Tensor(shape) for shape in inputs))]


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs"),
    [
        (Convolution((2, 2), (0, 0, 1, 1)), [(1, 3, 224, 224), (8, 3, 3, 3)], [(1, 8, 112, 112)]),
        (Convolution(groups=4, dilation=(2, 1)), [(2, 8, 9, 9), (12, 2, 3, 3), (12,)], [(2, 12, 5, 7)]),
        (Linear(), [(2, 7, 5), (4, 5), (4,)], [(2, 7, 4)]),
        (Add(), [(2, 1, 4), (3, 1)], [(2, 3, 4)]),
        (Mean((1, 2), keep_axes=False), [(2, 3, 4)], [(2,)]),
        (Split(1, (1, 4)), [(2, 5)], [(2, 1), (2, 4)]),
        (Slice(0, 1, 6, 2), [(7,)], [(3,)]),
        (Concat(1), [(2, 3), (2, 1), (2, 2)], [(2, 6)]),
        (Transpose((2, 0, 1)), [(2, 3, 4)], [(4, 2, 3)]),
        (Pad((0, 1), (2, 0)), [(3, 3)], [(5, 4)]),
        (ChannelShuffle(3), [(1, 6, 2)], [(1, 6, 2)]),
        (ConcatShuffleSplit(2, (2, 4)), [(1, 3, 2), (1, 3, 2)], [(1, 2, 2), (1, 4, 2)]),
    ],
)
def test_the_shapes_that_follow(kind: Kind, inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]]) -> None:
    assert shapes(kind, *inputs) == outputs


@pytest.mark.parametrize(
    ("kind", "inputs", "problem"),
    [
        (Convolution(groups=3), [(1, 16, 8, 8), (16, 5, 1, 1)], "groups must be a divisor of 16 input and 16 output"),
        (Convolution(groups=0), [(1, 16, 8, 8), (16, 5, 1, 1)], "groups must be a divisor"),
        (Convolution(), [(1, 3, 8, 8), (4, 2, 1, 1)], "weight must be for 3 input channels a group"),
        (Convolution(), [(1, 3, 8, 8), (4, 3, 9, 9)], "kernel must be at most 8x8, the padded map; got '9x9'"),
        (Convolution(stride=(0, 1)), [(1, 3, 8, 8), (4, 3, 1, 1)], "numbers above 0"),
        (Convolution(), [(1, 3, 8, 8), (4, 3, 1, 1), (5,)], "bias must be a vector of 4"),
        (Convolution(), [(3, 8, 8), (4, 3, 1, 1)], "input must be of 4 dimensions"),
        (Convolution(), [(1, 3, 8, 8)], "number of inputs must be 2 to 3; got 1"),
        (Linear(), [(1, 3), (4, 2)], "weight must be"),
        (BatchNorm(), [(1, 3), (3,), (3,), (3,), (2,)], "variance must be a vector of 3"),
        (Add(), [(2, 3), (2, 4)], "operands must be of shapes that broadcast"),
        (Add(), [(2, 3)], "number of inputs must be 2; got 1"),
        (MaxPool((3, 3), (1, 1)), [(1, 3, 2, 8)], "kernel must be at most 2x8"),
        (AveragePool((1, 1), (1, 1), (0, 0, 0, -1)), [(1, 3, 2, 8)], "padding 0 or more"),
        (Mean((4,), keep_axes=True), [(1, 3, 2, 8)], "axis must be from 0 to 3; got 4"),
        (Softmax(-1), [(1, 3)], "axis must be from 0 to 1; got -1"),
        (Concat(1), [(1, 3, 4), (2, 3, 4)], "inputs must be equal in all dimensions but 1"),
        (Concat(1), [], "number of inputs must be at least 1; got 0"),
        (Split(0, (1, 1)), [(3,)], "sizes must be numbers above 0 that add up to 3"),
        (Slice(0, 2, 2), [(3,)], "slice must be within 0 to 3 and not empty"),
        (Reshape((2, 2)), [(3,)], "shape must be of 3 elements"),
        (Reshape((-3, -1)), [(3,)], "shape must be of 3 elements"),
        (Transpose((0, 0)), [(3, 3)], "permutation must be an order of the 2 dimensions"),
        (Pad((1,), (1,)), [(3, 3)], "padding must be 2 numbers"),
        (ChannelShuffle(4), [(1, 6, 2, 2)], "groups must be a divisor of 6 channels; got 4"),
        (ChannelShuffle(2), [(6,)], "axis must be from 0 to 0; got 1"),
        (ConcatShuffleSplit(2, (3, 3)), [(1, 4), (1, 4)], "sizes must be numbers above 0 that add up to 8"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence_that_says_where(
    kind: Kind, inputs: list[tuple[int, ...]], problem: str
) -> None:
    with pytest.raises(BadInput, match=r"^[a-z ]+ at rows\.3\.expand: ") as error:
        shapes(kind, *inputs)
    assert problem in str(error.value)
