"""Which channels are the same channel: by hand on a small network of each family, and over random graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featherlight.graph import Builder, Graph, Kind, Op, Tensor, check, evaluate, from_torch, kinds
from featherlight.graph.channels import ChannelGroup, channel_groups, unit, widths
from featherlight.graph.passes import canonical
from featherlight.graph.passes.rewriting import rebuilt
from featherlight.layers import Network
from featherlight.spec import (
    Convolution,
    Fire,
    Head,
    InvertedResidual,
    Residual,
    Row,
    ShuffleUnit1,
    ShuffleUnit2,
    Spec,
    SqueezeExcite,
)
from random_graphs import graphs

NETWORKS: dict[str, tuple[list[Row], Head]] = {
    "mobilenet_v2": ([InvertedResidual(8, 16), InvertedResidual(6, 12, stride=2)], Head()),
    "mobilenet_v3": ([InvertedResidual(8, 16, squeeze_excite=SqueezeExcite(4))], Head(hidden=(9,))),
    "squeezenet": ([Fire(2, 3, 4), Fire(5, 3, 4)], Head("convolution")),
    "shufflenet_v1": ([ShuffleUnit1(20, 12, 2, 1, 2), ShuffleUnit1(20, 12, 2, 2)], Head()),
    "shufflenet_v2": ([ShuffleUnit2(16, 6, 3, 2), ShuffleUnit2(16, 6), ShuffleUnit2(16, 6)], Head()),
    "resnet": ([Residual(8, 4), Residual(12, 4, 2)], Head()),
    "alexnet": ([Convolution(4, 3, 2)], Head(hidden=(5,), pool=2)),
}


@cache
def traced(name: str) -> Graph:
    rows, head = NETWORKS[name]
    model = Network(Spec((Convolution(8, 3, 2), *rows), head), num_classes=3)
    return canonical(from_torch(model, (1, 3, 24, 24)))


def weight(origin: str) -> str:
    return f"{origin}.weight.folded"


def ways(name: str) -> list[tuple[set[str], set[str], int]]:
    """Each width of a network: who makes its channels, who reads them, and in how many groups they go."""
    return [
        ({op.origin for op in alike[0].makers}, {op.origin for op in alike[0].readers}, len(alike))
        for alike in widths(channel_groups(traced(name)))
    ]


def test_mobilenet_v2_ties_the_ends_of_a_residual_and_passes_through_depthwise() -> None:
    assert ways("mobilenet_v2") == [
        ({"rows.0.conv", "rows.1.project.conv"}, {"rows.1.expand.conv", "rows.2.expand.conv"}, 8),
        ({"rows.1.expand.conv"}, {"rows.1.project.conv"}, 16),
        ({"rows.2.expand.conv"}, {"rows.2.project.conv"}, 12),
        ({"rows.2.project.conv"}, {"head.classifier"}, 6),
    ]
    groups = channel_groups(traced("mobilenet_v2"))
    middle = next(group for group in groups if group.channels(weight("rows.1.depthwise.conv"), 0) == (5,))
    assert middle.channels(weight("rows.1.expand.conv"), 0) == middle.channels(weight("rows.1.project.conv")) == (5,)
    assert middle.channels("rows.1.depthwise.norm.bias.folded", 0) == (5,)


def test_mobilenet_v3_ties_the_gate_to_what_it_scales() -> None:
    assert ways("mobilenet_v3") == [
        ({"rows.0.conv", "rows.1.project.conv"}, {"rows.1.expand.conv", "head.hidden.0"}, 8),
        (
            {"rows.1.expand.conv", "rows.1.squeeze_excite.expand"},
            {"rows.1.project.conv", "rows.1.squeeze_excite.reduce"},
            16,
        ),
        ({"rows.1.squeeze_excite.reduce"}, {"rows.1.squeeze_excite.expand"}, 4),
        ({"head.hidden.0"}, {"head.classifier"}, 9),
    ]


def test_squeezenet_finds_each_expand_in_its_part_of_the_concat() -> None:
    assert ways("squeezenet") == [
        ({"rows.0.conv"}, {"rows.1.squeeze.conv"}, 8),
        ({"rows.1.squeeze.conv"}, {"rows.1.expand1.conv", "rows.1.expand3.conv"}, 2),
        ({"rows.1.expand1.conv"}, {"rows.2.squeeze.conv"}, 3),
        ({"rows.1.expand3.conv"}, {"rows.2.squeeze.conv"}, 4),
        ({"rows.2.squeeze.conv"}, {"rows.2.expand1.conv", "rows.2.expand3.conv"}, 5),
        ({"rows.2.expand1.conv"}, {"head.classifier"}, 3),
        ({"rows.2.expand3.conv"}, {"head.classifier"}, 4),
    ]
    read = [group.channels(weight("rows.2.squeeze.conv")) for group in channel_groups(traced("squeezenet"))]
    assert [channels for channels in read if channels] == [(0,), (1,), (2,), (3,), (4,), (5,), (6,)]


def test_shufflenet_v1_ties_a_channel_of_every_group() -> None:
    """The second unit reads 12 channels made by 2 groups (e goes with e + 6) and the stem's 8 behind them, in 2 groups
    (c goes with c + 10): 0-6, 0-10, 4-10, 4-14, 6-16 hang together, where 12 and more are the stem's 0 and more.
    Inside, 12 channels in 2 groups are shuffled (1x6 with 1x6), and read in 2 groups of 6.
    """
    groups = channel_groups(traced("shufflenet_v1"))
    first = next(group for group in groups if 0 in group.channels("relu_2"))
    assert first.channels("relu_2") == (0, 4, 6, 10, 14, 16)
    assert first.channels(weight("rows.0.conv"), 0) == (2, 4)
    assert first.channels(weight("rows.1.expand.conv"), 0) == (0, 4, 6, 10)
    assert first.channels(weight("rows.2.reduce.conv"), 1) == (0, 4, 6)
    assert unit(groups, weight("rows.0.conv"), 0) == 2
    made = [group.channels(weight("rows.2.reduce.conv"), 0) for group in groups]
    assert [channels for channels in made if channels] == [(0, 3, 6, 9), (1, 4, 7, 10), (2, 5, 8, 11)]


def test_shufflenet_v2_ties_channels_over_a_stage() -> None:
    """Left i goes with made i, and they become 2i and 2i + 1 of the next: what passes on doubles with each unit."""
    groups = channel_groups(traced("shufflenet_v2"))
    first = next(group for group in groups if group.channels(weight("rows.1.shortcut.1.conv"), 0) == (1,))
    made = {row: first.channels(weight(f"rows.{row}.expand.conv"), 0) for row in (1, 2, 3)}
    assert made == {1: (1,), 2: (2, 3), 3: (4, 5, 6, 7)}
    assert first.channels("head.classifier.weight") == tuple(range(8, 16))
    assert [op.origin for op in first.readers] == ["head.classifier"]
    seen = next(group for group in groups if group.channels(weight("rows.1.shortcut.1.conv"), 0) == (6,))
    assert seen.channels(weight("rows.2.reduce.conv")) == (4, 5)
    assert not seen.channels(weight("rows.2.expand.conv"), 0)
    assert unit(groups, weight("rows.3.expand.conv"), 0) == 4
    assert unit(groups, weight("rows.3.reduce.conv"), 0) == 1


def test_resnet_ties_a_stage_and_its_projected_shortcut() -> None:
    assert ways("resnet") == [
        (
            {"rows.0.conv", "rows.1.body.1.conv"},
            {"rows.1.body.0.conv", "rows.2.body.0.conv", "rows.2.shortcut.conv"},
            8,
        ),
        ({"rows.1.body.0.conv"}, {"rows.1.body.1.conv"}, 4),
        ({"rows.2.body.0.conv"}, {"rows.2.body.1.conv"}, 4),
        ({"rows.2.body.1.conv", "rows.2.shortcut.conv"}, {"head.classifier"}, 12),
    ]


def test_alexnet_reads_a_flattened_channel_as_a_run() -> None:
    groups = channel_groups(traced("alexnet"))
    third = next(group for group in groups if group.channels(weight("rows.1.conv"), 0) == (2,))
    assert third.channels("head.hidden.0.weight") == (8, 9, 10, 11)
    assert unit(groups, "head.hidden.0.weight") == 4


@pytest.mark.parametrize("name", NETWORKS)
def test_images_and_classes_stay(name: str) -> None:
    graph = traced(name)
    held = {group.held.split()[0]: group.channels(graph.inputs[0]) for group in channel_groups(graph) if group.held}
    assert set(held) == {"input", "output"}
    assert unit(channel_groups(graph), graph.inputs[0]) == unit(channel_groups(graph), graph.outputs[0]) == 0


def held_by(kind: Kind, *shapes: tuple[int, ...]) -> set[str]:
    """Why the channels of a convolution stay when `kind` reads them before another convolution does."""
    builder = Builder()
    x = builder.input("x", Tensor((1, 2, 4, 4)))
    y = builder.add(kinds.Convolution(), [x, builder.constant("made", np.ones((4, 2, 1, 1), np.float32))], "y")[0]
    others = [builder.constant("other", np.ones(shape, np.float32)) for shape in shapes]
    z = builder.add(kind, [y, *others], "z")[0]
    mean = builder.add(kinds.Mean(tuple(range(len(builder.tensors[z].shape))), False), [z], "mean")[0]
    return {group.held for group in channel_groups(builder.graph([mean])) if group.channels("y")}


@pytest.mark.parametrize(
    "kind",
    [
        kinds.Softmax(1),
        kinds.LogSoftmax(1),
        kinds.LocalResponseNorm(3, 1e-4, 0.75, 1.0),
        kinds.Mean((1,), False),
        kinds.Slice(1, 0, 4, 2),
        kinds.Pad((0, 1, 0, 0), (0, 0, 0, 0)),
        kinds.Reshape((1, 2, 2, 4, 4)),
    ],
    ids=str,
)
def test_what_needs_every_channel_holds_it_and_says_so(kind: Kind) -> None:
    assert held_by(kind) == {f"{kinds.label(kind)} at z"}


def test_a_scale_for_each_channel_goes_with_it_and_one_for_all_holds_nothing() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 2, 4, 4)))
    y = builder.add(kinds.Convolution(), [x, builder.constant("made", np.ones((4, 2, 1, 1), np.float32))], "y")[0]
    scale = builder.constant("scale", np.ones((4, 1, 1), np.float32))
    y = builder.add(kinds.Quantize(-128, 127), [y, scale, builder.number("zero", 0.0)], "z")[0]
    y = builder.add(kinds.Convolution(), [y, builder.constant("read", np.ones((2, 4, 1, 1), np.float32))], "out")[0]
    groups = channel_groups(builder.graph([y]))
    free = [(group.channels("made", 0), group.channels("scale", 0)) for group in groups if not group.held]
    assert free == [((0,), (0,)), ((1,), (1,)), ((2,), (2,)), ((3,), (3,))]


def test_a_map_of_one_channel_that_scales_all_stays() -> None:
    builder = Builder()
    x = builder.input("x", Tensor((1, 2, 4, 4)))
    gate, wide = (
        builder.add(kinds.Convolution(), [x, builder.constant("w", np.ones((count, 2, 1, 1), np.float32))], name)[0]
        for count, name in ((1, "gate"), (3, "wide"))
    )
    y = builder.add(kinds.Multiply(), [wide, gate], "y")[0]
    y = builder.add(kinds.Convolution(), [y, builder.constant("w", np.ones((2, 3, 1, 1), np.float32))], "out")[0]
    groups = channel_groups(builder.graph([y]))
    assert [group.held for group in groups if group.channels("gate")] == ["multiply at y"]
    assert unit(groups, "wide") == 1


def without(graph: Graph, group: ChannelGroup) -> Graph:
    """The graph with a group deleted: every part cut out of its tensor, and sizes written in kinds follow."""
    gone = {(part.tensor, part.axis): part.channels for part in group.parts}
    sizes = {name: list(tensor.shape) for name, tensor in graph.tensors.items()}
    constants = dict(graph.constants)
    for (name, axis), channels in gone.items():
        sizes[name][axis] -= len(channels)
        if name in constants:
            constants[name] = np.delete(constants[name], channels, axis)
    return rebuilt(graph, [resized(graph, op, sizes, gone) for op in graph.ops], constants=constants)


def resized(
    graph: Graph, op: Op, sizes: Mapping[str, list[int]], gone: Mapping[tuple[str, int], tuple[int, ...]]
) -> Op:
    match op.kind:
        case kinds.Convolution(groups=groups) if groups == graph.tensors[op.inputs[0]].shape[1]:
            return replace(op, kind=replace(op.kind, groups=sizes[op.inputs[0]][1]))
        case kinds.Split(axis):
            return replace(op, kind=replace(op.kind, sizes=tuple(sizes[name][axis] for name in op.outputs)))
        case kinds.ConcatShuffleSplit():
            return replace(op, kind=replace(op.kind, sizes=tuple(sizes[name][1] for name in op.outputs)))
        case kinds.Reshape():
            return replace(op, kind=kinds.Reshape(tuple(sizes[op.outputs[0]])))
        case kinds.Slice(axis, start, stop):
            before = [sum(each < limit for each in gone.get((op.inputs[0], axis), ())) for limit in (start, stop)]
            return replace(op, kind=replace(op.kind, start=start - before[0], stop=stop - before[1]))
        case _:
            return op


def assert_can_go(graph: Graph, group: ChannelGroup) -> None:
    """Once nobody gives its channels weight, the outputs do not change when the group is deleted."""
    constants = {name: np.array(value, dtype=np.float64) for name, value in graph.constants.items()}
    weights = {op.inputs[1] for op in group.readers}
    for part in group.parts:
        if part.tensor in weights and part.axis == 1:
            constants[part.tensor][:, part.channels] = 0.0
    deaf = replace(graph, constants=constants)
    x = np.random.default_rng(0).uniform(-2, 2, graph.tensors[graph.inputs[0]].shape)
    smaller = check(without(rebuilt(deaf, deaf.ops, constants=constants), group))
    assert sum(value.size for value in smaller.constants.values()) < sum(value.size for value in constants.values())
    for value, expected in zip(evaluate(smaller, x), evaluate(deaf, x), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-9 * max(1.0, float(np.abs(expected).max())))


def leaves_something(graph: Graph, group: ChannelGroup) -> bool:
    return all(len(part.channels) < graph.tensors[part.tensor].shape[part.axis] for part in group.parts)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_group_of_each_width_can_go(name: str) -> None:
    graph = traced(name)
    for alike in widths(channel_groups(graph)):
        assert leaves_something(graph, alike[-1])
        assert_can_go(graph, alike[-1])


@settings(max_examples=80)
@given(graph=graphs(), data=st.data())
def test_in_any_graph_a_group_that_is_not_held_can_go(graph: Graph, data: st.DataObject) -> None:
    graph = canonical(graph)
    groups = channel_groups(graph)
    free = [group for group in groups if not group.held and leaves_something(graph, group)]
    if free:
        assert_can_go(graph, data.draw(st.sampled_from(free)))


@settings(max_examples=40)
@given(graph=graphs())
def test_a_channel_is_in_one_group_and_whoever_has_some_has_all(graph: Graph) -> None:
    graph = canonical(graph)
    groups = channel_groups(graph)
    rearranged = any(isinstance(op.kind, kinds.Reshape) for op in graph.ops)
    for name, tensor in graph.tensors.items():
        indices = sorted(index for group in groups for index in group.channels(name))
        assert indices == list(range(tensor.shape[1])) if indices else (name in graph.constants or rearranged)
