"""The reference values agree with torch over the space of shapes and settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from featherlight.graph import Builder, Kind, check, evaluate, kinds
from featherlight.graph.activations import FUNCTIONS, Array, Function
from featherlight.graph.ir import Tensor

SIDES = st.tuples(st.integers(1, 12), st.integers(1, 12))
KERNELS = st.tuples(st.sampled_from([1, 2, 3, 5, 7]), st.sampled_from([1, 2, 3, 5, 7]))
STEPS = st.tuples(st.integers(1, 3), st.integers(1, 3))
PADDINGS = st.tuples(*[st.integers(0, 3)] * 4)


def computed(kind: Kind, *inputs: Array) -> Array:
    """The first output of a graph of one operation, which is checked on the way."""
    builder = Builder()
    names = [builder.input(f"in{i}", Tensor(value.shape, "float64")) for i, value in enumerate(inputs)]
    graph = check(builder.graph(builder.add(kind, names, "out")))
    result = evaluate(graph, *inputs)[0]
    assert result.shape == graph.tensors["out"].shape
    return result


def random(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape)


def tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(x)


def padded(x: Array, padding: kinds.Padding, value: float = 0.0) -> torch.Tensor:
    top, left, bottom, right = padding
    return F.pad(tensor(x), (left, right, top, bottom), value=value)


def fits(side: tuple[int, int], padding: kinds.Padding, kernel: kinds.Pair, dilation: kinds.Pair) -> bool:
    return all(s + padding[i] + padding[i + 2] > dilation[i] * (kernel[i] - 1) for i, s in enumerate(side))


@given(
    batch=st.integers(1, 2),
    groups=st.sampled_from([1, 2, 3, 4]),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    side=SIDES,
    kernel=KERNELS,
    stride=STEPS,
    dilation=STEPS,
    padding=PADDINGS,
    biased=st.booleans(),
)
def test_convolution(
    batch: int,
    groups: int,
    channels: tuple[int, int],
    side: tuple[int, int],
    kernel: kinds.Pair,
    stride: kinds.Pair,
    dilation: kinds.Pair,
    padding: kinds.Padding,
    biased: bool,
) -> None:
    assume(fits(side, padding, kernel, dilation))
    x = random(batch, groups * channels[0], *side)
    weight = random(groups * channels[1], channels[0], *kernel)
    bias = random(groups * channels[1])
    expected = F.conv2d(
        padded(x, padding), tensor(weight), tensor(bias) if biased else None, stride, 0, dilation, groups
    )
    inputs = (x, weight, bias) if biased else (x, weight)
    result = computed(kinds.Convolution(stride, padding, dilation, groups), *inputs)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@given(side=SIDES, kernel=KERNELS, stride=STEPS, dilation=STEPS, padding=PADDINGS)
def test_max_pool(
    side: tuple[int, int], kernel: kinds.Pair, stride: kinds.Pair, dilation: kinds.Pair, padding: kinds.Padding
) -> None:
    assume(fits(side, padding, kernel, dilation))
    x = random(2, 3, *side)
    expected = F.max_pool2d(padded(x, padding, -np.inf), kernel, stride, dilation=dilation)
    np.testing.assert_array_equal(computed(kinds.MaxPool(kernel, stride, padding, dilation), x), expected)


@given(side=SIDES, kernel=KERNELS, stride=STEPS, data=st.data(), count_padding=st.booleans())
def test_average_pool(
    side: tuple[int, int], kernel: kinds.Pair, stride: kinds.Pair, data: st.DataObject, count_padding: bool
) -> None:
    # torch allows up to half a kernel of padding
    before = tuple(data.draw(st.integers(0, k // 2)) for k in kernel)
    padding = (before[0], before[1], before[0], before[1])
    assume(fits(side, padding, kernel, (1, 1)))
    x = random(2, 3, *side)
    expected = F.avg_pool2d(tensor(x), kernel, stride, before, count_include_pad=count_padding)
    result = computed(kinds.AveragePool(kernel, stride, padding, count_padding), x)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@given(side=SIDES, size=SIDES)
def test_adaptive_average_pool(side: tuple[int, int], size: tuple[int, int]) -> None:
    x = random(2, 3, *side)
    expected = F.adaptive_avg_pool2d(tensor(x), size)
    np.testing.assert_allclose(computed(kinds.AdaptiveAveragePool(size), x), expected, rtol=1e-9, atol=1e-9)


TORCH_FUNCTIONS: dict[Function, Any] = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "erf": torch.erf,
    "elu": F.elu,
    "softplus": lambda x: torch.log1p(torch.exp(-x.abs())) + torch.relu(x),
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_activations_far_out_and_near_their_corners(function: Function) -> None:
    x = np.concatenate([np.linspace(-8, 8, 161), [-1e4, -710.0, 710.0, 1e4]])
    expected = TORCH_FUNCTIONS[function](tensor(x))
    np.testing.assert_allclose(computed(kinds.Activation(function), x), expected, rtol=1e-9, atol=1e-12)


X = random(2, 6, 4, 5)
VECTORS = [random(6), random(6), random(6), random(6) ** 2]


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (
            kinds.BatchNorm(1e-3),
            [X, *VECTORS],
            F.batch_norm(
                tensor(X), tensor(VECTORS[2]), tensor(VECTORS[3]), tensor(VECTORS[0]), tensor(VECTORS[1]), eps=1e-3
            ),
        ),
        (kinds.Linear(), [X, random(3, 5), random(3)], F.linear(tensor(X), tensor(random(3, 5)), tensor(random(3)))),
        (kinds.Clip(-0.5, np.inf), [X], tensor(X).clamp(min=-0.5)),
        (kinds.Softmax(1), [X * 1e3], torch.softmax(tensor(X * 1e3), 1)),
        (kinds.LogSoftmax(1), [X * 1e3], torch.log_softmax(tensor(X * 1e3), 1)),
        (
            kinds.LocalResponseNorm(5, 1e-2, 0.75, 2.0),
            [X],
            F.local_response_norm(tensor(X), 5, 1e-2, 0.75, 2.0),
        ),
        (
            kinds.Quantize(-2, 3),
            [np.array([-9.0, -0.5, 0.5, 1.5, 2.5, 9.0]), np.array(1.0), np.array(1.0)],
            torch.tensor([-2.0, 1.0, 1.0, 3.0, 3.0, 3.0]),
        ),
        (kinds.Add(), [X, X[:, :1]], tensor(X) + tensor(X[:, :1])),
        (kinds.Subtract(), [X[:, :1], X], tensor(X[:, :1]) - tensor(X)),
        (kinds.Multiply(), [X, X[0]], tensor(X) * tensor(X[0])),
        (kinds.Divide(), [X, X[..., :1]], tensor(X) / tensor(X[..., :1])),
        (kinds.Mean((1, 3), keep_axes=True), [X], tensor(X).mean((1, 3), keepdim=True)),
        (kinds.Mean((2,), keep_axes=False), [X], tensor(X).mean(2)),
        (kinds.Concat(1), [X, X[:, :2]], torch.cat([tensor(X), tensor(X[:, :2])], 1)),
        (kinds.Split(1, (2, 4)), [X], tensor(X)[:, :2]),
        (kinds.Slice(3, 1, 5, 2), [X], tensor(X)[..., 1:5:2]),
        (kinds.Reshape((4, 15, 4)), [X], tensor(X).reshape(4, 15, 4)),
        (kinds.Transpose((0, 2, 3, 1)), [X], tensor(X).permute(0, 2, 3, 1)),
        (kinds.ChannelShuffle(3), [X], F.channel_shuffle(tensor(X), 3)),
        (kinds.ConcatShuffleSplit(2, (4, 8)), [X, -X], F.channel_shuffle(tensor(np.concatenate([X, -X], 1)), 2)[:, :4]),
        (kinds.Pad((0, 0, 1, 0), (0, 0, 0, 2), 7.0), [X], F.pad(tensor(X), (0, 2, 1, 0), value=7.0)),
        (kinds.Identity(), [X], tensor(X)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, kinds.KINDS) else "",
)
def test_the_rest(kind: Kind, inputs: list[Array], expected: torch.Tensor) -> None:
    np.testing.assert_allclose(computed(kind, *inputs), expected, rtol=1e-9, atol=1e-12)


def test_split_gives_its_parts_in_order() -> None:
    builder = Builder()
    names = builder.add(kinds.Split(1, (1, 2, 3)), [builder.input("x", Tensor((2, 6)))], "part")
    x = random(2, 6)
    for part, expected in zip(evaluate(builder.graph(names), x), (x[:, :1], x[:, 1:3], x[:, 3:]), strict=True):
        np.testing.assert_array_equal(part, expected)
