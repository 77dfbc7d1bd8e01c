"""Buffers share memory, but never with one that is needed at the same time."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from featherlight.compiler.kernels.lines import Strided
from featherlight.compiler.plan import arena
from featherlight.compiler.plan.step import Buffer, Memory, Place, Step

KERNEL = Strided((1, 1, 1, 1), (0, 0, 0, 4), (0, 0, 0, 4))


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Steps that touch a few of some buffers, most of them in the arena."""
    sizes = draw(st.lists(st.integers(1, 300), min_size=1, max_size=12))
    buffers = [Buffer(Memory.INPUT if size == 300 else Memory.ARENA, size) for size in sizes]
    touched = draw(st.lists(st.lists(st.sampled_from(buffers), min_size=1, max_size=4), max_size=12))
    return [Step(KERNEL, tuple(Place(buffer) for buffer in of_step), (0,)) for of_step in touched]


def needed(made: list[Step], buffer: Buffer) -> range:
    """From the first step that touches a buffer to the last."""
    touching = [number for number, step in enumerate(made) if any(each.buffer is buffer for each in step.places)]
    return range(touching[0], touching[-1] + 1)


@given(steps())
def test_buffers_that_are_needed_at_once_do_not_overlap(made: list[Step]) -> None:
    placed, size = arena.place(made)
    touched = {each.buffer for step in made for each in step.places}
    assert placed.keys() == {buffer for buffer in touched if buffer.memory is Memory.ARENA}
    for buffer, start in placed.items():
        assert start % arena.LINE == 0
        assert 0 <= start <= start + buffer.bytes <= size
    for one, other in itertools.combinations(placed, 2):
        if set(needed(made, one)) & set(needed(made, other)):
            assert placed[one] + one.bytes <= placed[other] or placed[other] + other.bytes <= placed[one]


@given(steps())
def test_memory_is_no_larger_than_all_buffers_side_by_side_and_no_smaller_than_any_step_needs(made: list[Step]) -> None:
    placed, size = arena.place(made)
    assert size <= sum(-(-buffer.bytes // arena.LINE) * arena.LINE for buffer in placed)
    for number in range(len(made)):
        assert size >= sum(buffer.bytes for buffer in placed if number in needed(made, buffer))


def test_a_chain_alternates_between_two_stretches() -> None:
    chain = [Buffer(Memory.ARENA, 640) for _ in range(9)]
    made = [Step(KERNEL, (Place(one), Place(other)), (1,)) for one, other in itertools.pairwise(chain)]
    assert arena.place(made)[1] == 2 * 640
