"""What each pass recognises, and where it must not apply, drawn by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from featherlight.graph import Builder, Graph, Kind, Tensor, check, evaluate, kinds
from featherlight.graph.kinds import (
    Activation,
    Add,
    AveragePool,
    BatchNorm,
    ChannelShuffle,
    Clip,
    Concat,
    ConcatShuffleSplit,
    Convolution,
    Divide,
    Identity,
    Linear,
    MaxPool,
    Multiply,
    Pad,
    Reshape,
    Slice,
    Split,
    Transpose,
)
from featherlight.graph.passes import (
    canonical,
    channel_shuffle,
    drop_identity,
    drop_unused,
    fold_batch_norm,
    fold_constants,
    fold_pad,
    hard_swish,
    shuffle_unit,
    smooth_activations,
)

Pass = Callable[[Graph], Graph]
RANDOM = np.random.default_rng(0)
HARD = Activation("hard_swish")


class Drawing(Builder):
    """A builder whose operations are named by letters, on one map `x` of (1, 4, 5, 5)."""

    def __init__(self, shape: tuple[int, ...] = (1, 4, 5, 5)) -> None:
        super().__init__()
        self.x = self.input("x", Tensor(shape))

    def op(self, kind: Kind, *inputs: str | float) -> str:
        return self.add(kind, [self.number("n", i) if isinstance(i, float) else i for i in inputs], "t")[0]

    def weight(self, *shape: int) -> str:
        return self.constant("w", RANDOM.uniform(0.5, 1, shape).astype(np.float32))

    def vectors(self, channels: int, count: int = 4) -> list[str]:
        return [self.weight(channels) for _ in range(count)]


def what(graph: Graph) -> list[Kind]:
    return [op.kind for op in graph.ops]


def same_after(one: Pass, graph: Graph) -> Graph:
    """The graph after the pass, once it is checked that its values are the same."""
    result = check(one(check(graph)))
    x = np.linspace(-5, 5, graph.tensors["x"].elements).reshape(graph.tensors["x"].shape)
    for value, expected in zip(evaluate(result, x), evaluate(graph, x), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
    return result


def test_batch_norm_goes_into_the_convolution_with_or_without_bias() -> None:
    d = Drawing()
    y = d.op(Convolution(groups=2), d.x, d.weight(6, 2, 1, 1))
    y = d.op(BatchNorm(1e-3), y, *d.vectors(6))
    y = d.op(Convolution(), y, d.weight(3, 6, 1, 1), d.weight(3))
    y = d.op(BatchNorm(1e-3), d.op(BatchNorm(), y, *d.vectors(3)), *d.vectors(3))
    graph = same_after(fold_batch_norm, d.graph([y]))
    assert what(graph) == [Convolution(groups=2), Convolution()]
    assert graph.outputs == (y,)
    assert {value.dtype.name for value in graph.constants.values()} == {"float32"}


def test_batch_norm_goes_into_a_linear_layer_on_a_matrix_only() -> None:
    d = Drawing((3, 4))
    y = d.op(BatchNorm(), d.op(Linear(), d.x, d.weight(3, 4)), *d.vectors(3))
    assert what(same_after(fold_batch_norm, d.graph([y]))) == [Linear()]
    d = Drawing((2, 4, 3))
    y = d.op(BatchNorm(), d.op(Linear(), d.x, d.weight(4, 3)), *d.vectors(4))
    assert what(same_after(fold_batch_norm, d.graph([y]))) == [Linear(), BatchNorm()]


def test_a_weight_shared_by_two_layers_is_folded_for_each() -> None:
    d = Drawing()
    weight = d.weight(4, 4, 1, 1)
    y = d.op(BatchNorm(), d.op(Convolution(), d.x, weight), *d.vectors(4))
    y = d.op(BatchNorm(), d.op(Convolution(), y, weight), *d.vectors(4))
    y = d.op(Convolution(), y, weight)
    graph = same_after(fold_batch_norm, d.graph([y]))
    assert what(graph) == [Convolution()] * 3
    assert len({op.inputs[1] for op in graph.ops}) == 3


@pytest.mark.parametrize("reader", ["output", "operation", "residual"])
def test_a_batch_norm_stays_where_the_convolution_is_read_elsewhere(reader: str) -> None:
    d = Drawing()
    y = d.op(Convolution(), d.x, d.weight(4, 4, 1, 1))
    z = d.op(BatchNorm(), y, *d.vectors(4))
    outputs = {"output": [z, y], "operation": [z, d.op(Activation("relu"), y)], "residual": [d.op(Add(), z, y)]}
    assert BatchNorm() in what(same_after(fold_batch_norm, d.graph(outputs[reader])))


def test_batch_norm_before_a_convolution_and_with_weights_that_are_computed_stays() -> None:
    d = Drawing((4, 4, 1, 1))
    y = d.op(BatchNorm(), d.x, *d.vectors(4))
    z = d.op(BatchNorm(), d.op(Convolution(), y, d.x), *d.vectors(4))
    assert what(same_after(fold_batch_norm, d.graph([z]))) == [BatchNorm(), Convolution(), BatchNorm()]


MARGIN = ((0, 0, 1, 0), (0, 0, 2, 1))
MAX, MEAN = MaxPool((3, 3), (2, 2)), AveragePool((3, 3), (1, 1))
MEAN_OF_MORE = AveragePool((3, 3), (1, 1), (1, 1, 1, 1))
FULL = (1, 0, 2, 1)


@pytest.mark.parametrize(
    ("value", "reader", "after"),
    [
        (0.0, MaxPool((3, 3), (2, 2)), None),
        (-np.inf, MAX, [MaxPool((3, 3), (2, 2), FULL)]),
        (-np.inf, MaxPool((3, 3), (2, 2), (0, 1, 0, 1)), [MaxPool((3, 3), (2, 2), (1, 1, 2, 2))]),
        (-np.inf, MaxPool((2, 2), (2, 2)), None),
        (0.0, MEAN, [AveragePool((3, 3), (1, 1), FULL, count_padding=True)]),
        (0.0, MEAN_OF_MORE, None),
        (0.0, AveragePool((2, 3), (1, 1)), None),
        (1.0, MEAN, None),
        (0.0, Activation("tanh"), None),
    ],
)
def test_pad_goes_into_the_pool_where_that_means_the_same(value: float, reader: Kind, after: list[Kind] | None) -> None:
    d = Drawing()
    y = d.op(reader, d.op(Pad(*MARGIN, value), d.x))
    assert what(same_after(fold_pad, d.graph([y]))) == (after or [Pad(*MARGIN, value), reader])


def test_zeros_before_a_max_pool_fold_after_a_rectifier() -> None:
    d = Drawing()
    y = d.op(MAX, d.op(Pad(*MARGIN), d.op(Activation("relu"), d.x)))
    assert what(same_after(fold_pad, d.graph([y]))) == [Activation("relu"), MaxPool((3, 3), (2, 2), FULL)]


@pytest.mark.parametrize(("pad", "folds"), [(Pad(*MARGIN), True), (Pad((0, 1, 0, 0), (0, 0, 0, 0)), False)])
def test_pad_goes_into_the_convolution_and_stays_for_others(pad: Pad, folds: bool) -> None:
    d = Drawing()
    padded = d.op(pad, d.x)
    channels = d.tensors[padded].shape[1]
    y = d.op(Convolution((2, 2), (0, 0, 1, 0)), padded, d.weight(2, channels, 3, 3))
    folded = Convolution((2, 2), (1, 0, 3, 1) if folds else (0, 0, 1, 0))
    assert what(same_after(fold_pad, d.graph([y]))) == ([folded] if folds else [pad, folded])
    assert what(same_after(fold_pad, d.graph([y, padded]))) == [pad, folded]


NOTHING: list[Kind] = [
    Identity(),
    Reshape((1, 4, 5, 5)),
    Transpose((0, 1, 2, 3)),
    Slice(2, 0, 5),
    Split(1, (4,)),
    Concat(2),
    Pad((0,) * 4, (0,) * 4),
    Clip(-np.inf, np.inf),
    ChannelShuffle(1),
    ChannelShuffle(4),
]


@pytest.mark.parametrize("kind", NOTHING, ids=str)
def test_what_changes_nothing_goes_even_before_an_output(kind: Kind) -> None:
    d = Drawing()
    y = d.op(kind, d.x)
    z = d.op(Activation("relu"), d.op(kind, y))
    graph = same_after(drop_identity, d.graph([z, y, d.op(Add(), y, d.x)]))
    assert what(graph) == [Activation("relu"), Add()]
    assert graph.outputs[1] == "x"


def test_what_changes_something_stays() -> None:
    d = Drawing()
    changing: list[Kind] = [Reshape((1, 2, 2, 5, 5)), Reshape((1, 4, 5, 5)), Transpose((0, 1, 3, 2)), Slice(2, 0, 5, 2)]
    changing += [ChannelShuffle(2), Pad((0,) * 4, (0, 0, 0, 1)), Clip(0.0, np.inf)]
    y = d.x
    for kind in changing:
        y = d.op(kind, y)
    assert what(same_after(drop_identity, d.graph([y]))) == changing


@pytest.mark.parametrize("sixth", [1 / 6, np.float32(1 / 6), 0.1666667], ids=["exact", "single", "rounded"])
@pytest.mark.parametrize("clip", [Activation("relu6"), Clip(0.0, 6.0)], ids=["relu6", "clip"])
def test_hard_functions_are_recognised_in_every_spelling(clip: Kind, sixth: float) -> None:
    d = Drawing()
    gate = d.op(clip, d.op(Add(), 3.0, d.x))
    one, other = d.op(Divide(), gate, 6.0), d.op(Multiply(), gate, float(sixth))
    outputs = [one, other, d.op(Multiply(), one, d.x), d.op(Multiply(), d.x, other)]
    outputs += [d.op(Divide(), d.op(Multiply(), d.x, gate), 6.0), d.op(Multiply(), d.op(Divide(), d.x, 6.0), gate)]
    assert what(same_after(hard_swish, d.graph(outputs))) == [Activation("hard_sigmoid")] * 2 + [HARD] * 4


@pytest.mark.parametrize(
    ("three", "six", "clip"),
    [
        (2.0, 6.0, Clip(0.0, 6.0)),
        (3.0, 5.0, Clip(0.0, 6.0)),
        (3.0, 6.0, Clip(0.0, 5.0)),
        (3.0, 6.0, Activation("relu")),
    ],
)
def test_other_numbers_are_no_hard_function(three: float, six: float, clip: Kind) -> None:
    d = Drawing()
    y = d.op(Divide(), d.op(clip, d.op(Add(), d.x, three)), six)
    graph = d.graph([d.op(Multiply(), d.x, y)])
    assert what(same_after(hard_swish, graph)) == what(graph)


def test_a_gate_of_something_else_is_no_hard_swish() -> None:
    d = Drawing()
    gate = d.op(Divide(), d.op(Activation("relu6"), d.op(Add(), d.op(Activation("tanh"), d.x), 3.0)), 6.0)
    graph = same_after(hard_swish, d.graph([d.op(Multiply(), d.x, gate)]))
    assert what(graph) == [Activation("tanh"), Activation("hard_sigmoid"), Multiply()]


def test_a_number_that_makes_x_larger_is_no_part_of_a_hard_function() -> None:
    d = Drawing((1, 4, 1, 1))
    threes = d.constant("threes", np.full((1, 4, 2, 2), 3, np.float32))
    graph = d.graph([d.op(Divide(), d.op(Activation("relu6"), d.op(Add(), d.x, threes)), 6.0)])
    assert what(same_after(hard_swish, graph)) == what(graph)


def test_silu_is_recognised_whichever_comes_first() -> None:
    d = Drawing()
    gate = d.op(Activation("sigmoid"), d.x)
    outputs = [d.op(Multiply(), d.x, gate), d.op(Multiply(), gate, d.x), d.op(Multiply(), gate, gate)]
    found = what(same_after(smooth_activations, d.graph(outputs)))
    assert found == [Activation("sigmoid"), *[Activation("silu")] * 2, Multiply()]


@pytest.mark.parametrize("root", [2**0.5, float(np.float32(2**0.5)), 1.414214], ids=["exact", "single", "rounded"])
def test_gelu_is_recognised_in_every_spelling(root: float) -> None:
    d = Drawing()
    sums = [d.op(Add(), d.op(Activation("erf"), d.op(Divide(), d.x, root)), 1.0)]
    sums += [d.op(Add(), 1.0, d.op(Activation("erf"), d.op(Multiply(), 1 / root, d.x)))]
    outputs: list[str] = []
    for each in sums:
        outputs += [
            d.op(Multiply(), d.op(Multiply(), d.x, 0.5), each),
            d.op(Multiply(), each, d.op(Divide(), d.x, 2.0)),
        ]
        outputs += [
            d.op(Multiply(), d.x, d.op(Multiply(), 0.5, each)),
            d.op(Divide(), d.op(Multiply(), each, d.x), 2.0),
        ]
    assert what(same_after(smooth_activations, d.graph(outputs))) == [Activation("gelu")] * 8


@pytest.mark.parametrize(("root", "one", "half"), [(1.4, 1.0, 0.5), (2**0.5, 2.0, 0.5), (2**0.5, 1.0, 1.0)])
def test_other_numbers_are_no_gelu(root: float, one: float, half: float) -> None:
    d = Drawing()
    total = d.op(Add(), d.op(Activation("erf"), d.op(Divide(), d.x, root)), one)
    graph = d.graph([d.op(Multiply(), d.op(Multiply(), d.x, half), total)])
    assert what(same_after(smooth_activations, graph)) == what(graph)


def test_a_gate_of_something_else_is_no_smooth_activation() -> None:
    d = Drawing()
    other = d.op(Activation("tanh"), d.x)
    total = d.op(Add(), d.op(Activation("erf"), d.op(Divide(), other, 2**0.5)), 1.0)
    outputs = [
        d.op(Multiply(), d.op(Multiply(), d.x, 0.5), total),
        d.op(Multiply(), d.x, d.op(Activation("sigmoid"), other)),
    ]
    graph = d.graph(outputs)
    assert what(same_after(smooth_activations, graph)) == what(graph)


@pytest.mark.parametrize("rest", [(5, 5), (25,)])
def test_the_shuffle_is_recognised_and_its_groups_are_the_first_factor(rest: tuple[int, ...]) -> None:
    d = Drawing((2, 6, 5, 5))
    y = d.op(Transpose((0, 2, 1, *range(3, 3 + len(rest)))), d.op(Reshape((2, 3, 2, *rest)), d.x))
    assert what(same_after(channel_shuffle, d.graph([d.op(Reshape((2, 6, 5, 5)), y)]))) == [ChannelShuffle(3)]


@pytest.mark.parametrize(
    ("table", "swap", "end"),
    [
        ((2, 2, 3, 25), (0, 2, 1, 3), (2, 150)),
        ((2, 6, 5, 5), (0, 1, 3, 2), (2, 6, 5, 5)),
        ((2, 2, 3, 25), (0, 1, 3, 2), (2, 6, 5, 5)),
        ((12, 5, 5), (0, 2, 1), (2, 6, 5, 5)),
        ((4, 3, 1, 25), (1, 0, 2, 3), (2, 6, 5, 5)),
        ((1, 2, 6, 25), (0, 2, 1, 3), (2, 6, 5, 5)),
    ],
)
def test_what_is_no_shuffle_stays(table: Sequence[int], swap: Sequence[int], end: Sequence[int]) -> None:
    d = Drawing((2, 6, 5, 5))
    y = d.op(Reshape(tuple(end)), d.op(Transpose(tuple(swap)), d.op(Reshape(tuple(table)), d.x)))
    graph = d.graph([y])
    assert what(same_after(channel_shuffle, graph)) == what(graph)


def unit(d: Drawing) -> tuple[str, str, list[str]]:
    joined = d.op(Concat(1), d.x, d.op(Activation("relu"), d.x))
    shuffled = d.op(ChannelShuffle(2), joined)
    return joined, shuffled, d.add(Split(1, (3, 5)), [shuffled], "part")


def test_concat_shuffle_and_split_become_one() -> None:
    d = Drawing()
    _, _, parts = unit(d)
    graph = same_after(shuffle_unit, d.graph(parts))
    assert what(graph) == [Activation("relu"), ConcatShuffleSplit(2, (3, 5))]
    assert graph.outputs == tuple(parts)


@pytest.mark.parametrize("read", [0, 1])
def test_a_joined_or_shuffled_map_that_is_read_stays(read: int) -> None:
    d = Drawing()
    *maps, parts = unit(d)
    graph = d.graph([*parts, maps[read]])
    assert what(same_after(shuffle_unit, graph)) == what(graph)


def test_constants_are_computed_and_outputs_may_become_constants() -> None:
    d = Drawing()
    doubled = d.op(Multiply(), d.weight(4, 1, 1), 2.0)
    parts = d.add(Split(0, (1, 3)), [doubled], "part")
    graph = same_after(fold_constants, d.graph([d.op(Add(), d.x, doubled), *parts]))
    assert what(graph) == [Add()]
    assert set(graph.constants) == {doubled, *parts}


def test_what_leads_nowhere_goes() -> None:
    d = Drawing()
    left, right = d.add(Split(1, (1, 3)), [d.x], "part")
    y = d.op(Activation("relu"), left)
    d.op(Add(), right, d.op(Multiply(), right, 2.0))
    d.input("z", Tensor((1,)))
    whole = Graph(tuple(d.ops), tuple(d.inputs), (y,), d.tensors, d.constants)
    graph = check(drop_unused(check(whole)))
    assert what(graph) == [Split(1, (1, 3)), Activation("relu")]
    assert (graph.inputs, dict(graph.constants)) == (("x", "z"), {})


def test_the_order_lets_one_pass_prepare_another() -> None:
    """A shuffle with a contiguous in it, batch norm with a computed weight behind a dropout, a dead reader."""
    d = Drawing()
    y = d.op(Convolution(), d.op(Pad(*MARGIN), d.x), d.op(Multiply(), d.weight(4, 4, 3, 3), 2.0))
    d.op(Activation("tanh"), y)
    y = d.op(BatchNorm(), d.op(Identity(), y), *d.vectors(4))
    n, c, h, w = d.tensors[y].shape
    y = d.op(Concat(1), y, d.op(kinds.Activation("relu"), y))
    y = d.op(Identity(), d.op(Transpose((0, 2, 1, 3, 4)), d.op(Reshape((n, 2, c, h, w)), y)))
    parts = d.add(Split(1, (c, c)), [d.op(Reshape((n, 2 * c, h, w)), y)], "part")
    whole = Graph(tuple(d.ops), tuple(d.inputs), tuple(parts), d.tensors, d.constants)
    graph = same_after(canonical, whole)
    assert what(graph) == [Convolution(padding=FULL), Activation("relu"), ConcatShuffleSplit(2, (4, 4))]
