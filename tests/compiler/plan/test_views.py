"""Channels split, joined, sliced and shuffled: what is read is right in every order, and costs no step."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.together import Together
from featherlight.compiler import build
from featherlight.graph import kinds

View = Callable[[Together, str], str]


def halves(cases: Together, x: str) -> str:
    """The later part, and then the earlier."""
    first = 5 * cases.shape(x)[1] // 12
    low, high = cases.builder.add(kinds.Split(1, (first, cases.shape(x)[1] - first)), [x], "part")
    return cases.add(kinds.Concat(1), high, low)


def shuffle(cases: Together, x: str) -> str:
    return cases.add(kinds.ChannelShuffle(next(n for n in (4, 3, 2, 1) if cases.shape(x)[1] % n == 0)), x)


def twice(cases: Together, x: str) -> str:
    return cases.add(kinds.Concat(1), x, x)


def slices(cases: Together, x: str) -> str:
    """Every third channel from the second on, then all but the first two."""
    channels = cases.shape(x)[1]
    return cases.add(
        kinds.Concat(1), cases.add(kinds.Slice(1, 1, channels, 3), x), cases.add(kinds.Slice(1, 2, channels), x)
    )


def unit(cases: Together, x: str) -> str:
    """What stands between two units of ShuffleNet v2, its parts the other way round."""
    channels = cases.shape(x)[1]
    low, high = cases.builder.add(kinds.ConcatShuffleSplit(2, (channels - 1, channels + 1)), [x, x], "part")
    return cases.add(kinds.Concat(1), high, low)


VIEWS: dict[str, View] = {each.__name__: each for each in (halves, shuffle, twice, slices, unit)}


def grouped(cases: Together, x: str) -> str:
    groups = next(n for n in (4, 3, 2, 1) if cases.shape(x)[1] % n == 0)
    return cases.convolution(x, 3 * groups, (2, 2), kinds.Convolution((1, 1), (1, 0, 0, 1), groups=groups))


def flattened(cases: Together, x: str) -> str:
    images, channels, height, width = cases.shape(x)
    flat = cases.add(kinds.Reshape((images, channels * height * width)), x)
    return cases.add(kinds.Linear(), flat, cases.weight(5, channels * height * width))


READERS: dict[str, View] = {
    "given": lambda cases, x: x,
    "product": lambda cases, x: cases.convolution(x, 9),
    "added": lambda cases, x: cases.add(kinds.Add(), cases.convolution(x, cases.shape(x)[1]), x),
    "depthwise": lambda cases, x: cases.convolution(cases.depthwise(x, 3), 3),
    "function": lambda cases, x: cases.add(kinds.Activation("relu"), x),
    "pool": lambda cases, x: cases.add(kinds.MaxPool((2, 2), (1, 1)), x),
    "mean": lambda cases, x: cases.add(kinds.Mean((2, 3), True), x),
    "scaled": lambda cases, x: cases.add(kinds.Multiply(), x, cases.add(kinds.Mean((2, 3), True), x)),
    "flattened": flattened,
    "grouped": grouped,
}


@pytest.mark.parametrize("turn", range(3))
def test_whatever_reads_views_in_every_order(turn: int) -> None:
    """Each pair of views is read in four ways."""
    cases, readers = Together(), itertools.cycle(READERS.items())
    for first, second in itertools.product(list(VIEWS)[turn::3], VIEWS):
        x = VIEWS[second](cases, VIEWS[first](cases, cases.map(2, 10, 2, 3)))
        for name, reader in itertools.islice(readers, 4):
            cases.case(f"{first}, {second}: {name}", reader(cases, x))
    cases.agree()


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(sorted(VIEWS)), min_size=1, max_size=3),
    st.lists(st.sampled_from(sorted(VIEWS)), max_size=2),
    st.booleans(),
)
def test_two_ways_to_a_sum(left: list[str], right: list[str], fuse: bool) -> None:
    """The operands of a sum lie in orders of their own."""
    cases, ends = Together(), []
    for names in (left, right):
        x = cases.map(1, 12, 2, 3)
        for name in names:
            x = VIEWS[name](cases, x) if cases.shape(x)[1] < 24 else x
        ends.append(x)
    channels = min(cases.shape(x)[1] for x in ends)
    one, other = (cases.add(kinds.Slice(1, cases.shape(x)[1] - channels, cases.shape(x)[1]), x) for x in ends)
    for kind in (kinds.Add(), kinds.Subtract()):
        cases.case(type(kind).__name__, cases.add(kind, one, other))
    cases.case("residual", cases.add(kinds.Add(), cases.depthwise(one, 3), other))
    cases.agree(fuse=fuse)


def test_a_unit_of_shufflenet_costs_its_convolutions_only() -> None:
    cases = Together()
    x = cases.map(1, 16, 4, 4)
    before = len(build.plan(cases.builder.graph([x])).steps)
    for _ in range(3):
        low, high = cases.builder.add(kinds.Split(1, (8, 8)), [x], "half")
        y = cases.convolution(cases.depthwise(cases.convolution(high, 8), 3), 8)
        x = cases.add(kinds.ChannelShuffle(2), cases.add(kinds.Concat(1), low, y))
    end = cases.add(kinds.Mean((2, 3), True), cases.convolution(x, 16))
    plan = build.plan(cases.builder.graph([end]))
    assert sum(build.kernel(step) in ("gemm", "depthwise") for step in plan.steps) == 1 + 3 * 3 + 1
    assert len(plan.steps) <= before + 3 * 3 + 2


def test_one_step_makes_a_shuffled_map_plain() -> None:
    cases = Together()
    x, y = cases.map(1, 24, 4, 4), cases.map(1, 20, 4, 4)
    before = len(build.plan(cases.builder.graph([x, y])).steps)
    joined = cases.add(kinds.ChannelShuffle(11), cases.add(kinds.Concat(1), x, y))
    again = cases.add(kinds.ChannelShuffle(4), joined)
    plan = build.plan(cases.builder.graph([x, y, joined, again]))
    assert len(plan.steps) == before + 2


@pytest.mark.parametrize("axis", [0, 2, 3])
def test_other_axes(axis: int) -> None:
    cases = Together()
    x = cases.map(4, 9, 4, 4)
    low, high = cases.builder.add(kinds.Split(axis, (1, 3)), [x], "part")
    turned = cases.add(kinds.Concat(axis), high, low)
    for name, y in (("split", high), ("joined", turned), ("sliced", cases.add(kinds.Slice(axis, 1, 4, 2), turned))):
        cases.case(name, y)
        cases.case(f"{name}, read", cases.convolution(y, 9))
    cases.agree()


def test_reshapes() -> None:
    cases = Together()
    x, pixel = cases.map(2, 10, 3, 4), cases.map(2, 10, 1, 1)
    for shape in ((2, 120), (2, 5, 6, 4), (20, 12), (240,), (2, 10, 12), (4, 5, 3, 4)):
        y = cases.add(kinds.Reshape(shape), x)
        cases.case(f"{shape}", y)
        cases.case(f"{shape} and back", cases.convolution(cases.add(kinds.Reshape((2, 10, 3, 4)), y), 3))
    flat = cases.add(kinds.Reshape((2, 10)), pixel)
    cases.case("a pixel", flat)
    cases.case("a pixel and back", cases.convolution(cases.add(kinds.Reshape((2, 10, 1, 1)), flat), 3))
    cases.agree()


def test_every_channel_alone() -> None:
    """More pieces than one product reads, in an order of no pattern."""
    cases = Together()
    x = cases.map(1, 20, 2, 5)
    order = cases.random.permutation(20)
    alone = [cases.add(kinds.Slice(1, channel, channel + 1), x) for channel in order]
    for count in (1, 2, 11, 12, 13, 20):
        some = list(itertools.islice(alone, count))
        joined = cases.add(kinds.Concat(1), *some) if count > 1 else some[0]
        cases.case(f"{count}: product", cases.convolution(joined, 7))
        cases.case(f"{count}: pool", cases.add(kinds.MaxPool((2, 2), (1, 1)), joined))
    cases.agree()
