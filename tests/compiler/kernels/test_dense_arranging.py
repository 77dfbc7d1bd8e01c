"""What only moves numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compiler.dense_check import ANY, check, few, values
from featherlight.compiler.instruction_set import InstructionSet
from featherlight.graph import kinds

SHAPES = st.lists(st.integers(1, 11), min_size=1, max_size=4).map(tuple)
PARTS = st.lists(st.integers(1, 9), min_size=1, max_size=4)
SIDE = st.integers(1, 11)


def moves(kind: kinds.Kind, *shapes: tuple[int, ...], cpu: InstructionSet) -> None:
    check(
        kind,
        *(values(*shape, seed=seed) for seed, shape in enumerate(shapes)),
        cpu=cpu,
        rtol=0,
        atol=0,
    )


@few
@given(SHAPES, st.data(), PARTS, ANY)
def test_concat_and_split(shape: tuple[int, ...], data: st.DataObject, parts: list[int], cpu: InstructionSet) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    shapes = [(*shape[:axis], part, *shape[axis + 1 :]) for part in parts]
    moves(kinds.Concat(axis), *shapes, cpu=cpu)
    moves(kinds.Split(axis, tuple(parts)), (*shape[:axis], sum(parts), *shape[axis + 1 :]), cpu=cpu)


@few
@given(SHAPES, st.data(), st.integers(1, 4), ANY)
def test_slice(shape: tuple[int, ...], data: st.DataObject, step: int, cpu: InstructionSet) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    start = data.draw(st.integers(0, shape[axis] - 1))
    stop = data.draw(st.integers(start + 1, shape[axis]))
    moves(kinds.Slice(axis, start, stop, step), shape, cpu=cpu)


@few
@given(SHAPES, st.data(), ANY)
def test_transpose(shape: tuple[int, ...], data: st.DataObject, cpu: InstructionSet) -> None:
    permutation = data.draw(st.permutations(range(len(shape))))
    moves(kinds.Transpose(tuple(permutation)), shape, cpu=cpu)


@few
@given(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5), st.lists(SIDE, max_size=2), ANY)
def test_channel_shuffle(images: int, groups: int, each: int, rest: list[int], cpu: InstructionSet) -> None:
    moves(kinds.ChannelShuffle(groups), (images, groups * each, *rest), cpu=cpu)


@few
@given(st.integers(1, 2), PARTS, PARTS, st.integers(1, 5), st.lists(SIDE, max_size=2), ANY)
def test_concat_shuffle_split(
    images: int, come: list[int], go: list[int], groups: int, rest: list[int], cpu: InstructionSet
) -> None:
    # The last parts are as large as makes both sides alike, and a multiple of the groups.
    channels = -(-max(sum(come), sum(go)) // groups) * groups
    come, go = ([*parts, channels - sum(parts)] if sum(parts) < channels else parts for parts in (come, go))
    shapes = [(images, part, *rest) for part in come]
    moves(kinds.ConcatShuffleSplit(groups, tuple(go)), *shapes, cpu=cpu)


@few
@given(st.lists(st.tuples(st.integers(0, 3), SIDE, st.integers(0, 3)), min_size=1, max_size=4), ANY)
def test_pad(axes: list[tuple[int, int, int]], cpu: InstructionSet) -> None:
    before, shape, after = (tuple(column) for column in zip(*axes, strict=True))
    moves(kinds.Pad(before, after, -1.5), shape, cpu=cpu)


@few
@given(SHAPES, ANY)
def test_identity_and_reshape(shape: tuple[int, ...], cpu: InstructionSet) -> None:
    moves(kinds.Identity(), shape, cpu=cpu)
    moves(kinds.Reshape(shape[::-1]), shape, cpu=cpu)
