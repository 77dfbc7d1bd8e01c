"""Steps of several networks in one program: each computes by itself, and the trace tells them apart."""

from __future__ import annotations

import numpy as np

from compiler.one_kernel import BEST
from featherlight.compiler.build import plan, program_apart
from featherlight.compiler.plan.apart import apart
from featherlight.compiler.plan.step import Memory
from featherlight.graph import from_torch
from featherlight_runtime import Network
from small_networks import small_networks

NAMES = ("residual", "shuffle unit")


def test_steps_of_several_networks_run_in_one_program_and_are_told_apart() -> None:
    plans = [plan(from_torch(small_networks()[name], (1, 3, 18, 22)), BEST) for name in NAMES]
    steps = [step for each in plans for step in each.steps]
    program = program_apart(steps, BEST)
    assert len(program.steps) == len(steps)
    assert program.outputs == ()
    (weights,) = program.inputs
    with Network(program) as network:
        times = network.trace(np.zeros(weights.shape, np.float32), calls=2)
    assert len(times) == len(steps)
    assert all(seconds >= 0 for seconds in times)


def test_a_step_keeps_the_places_of_its_buffers_and_shares_none_with_another() -> None:
    made = plan(from_torch(small_networks()["residual"], (1, 3, 18, 22)), BEST)
    split = apart(made.steps, made.vectors)
    seen: set[object] = set()
    for before, after in zip(made.steps, split.steps, strict=True):
        assert after.kernel == before.kernel
        maps = [
            (was, now)
            for was, now in zip(before.places, after.places, strict=True)
            if was.buffer.memory is not Memory.WEIGHTS
        ]
        assert all(was.offset == now.offset and was.buffer.bytes == now.buffer.bytes for was, now in maps)
        own = {now.buffer for _, now in maps}
        assert len(own) == len({was.buffer for was, _ in maps})
        assert not own & seen
        seen |= own


def test_weights_lie_one_after_the_other_in_the_one_input() -> None:
    made = plan(from_torch(small_networks()["residual"], (1, 3, 18, 22)), BEST)
    (shape,) = apart(made.steps, made.vectors).inputs
    places = [
        (place.offset, was.buffer.bytes)
        for before, after in zip(made.steps, apart(made.steps, made.vectors).steps, strict=True)
        for was, place in zip(before.places, after.places, strict=True)
        if was.buffer.memory is Memory.WEIGHTS
    ]
    ends = [0, *(offset + size for offset, size in places)]
    assert all(end <= offset for end, (offset, _) in zip(ends, places, strict=False))
    assert 4 * shape[0] >= ends[-1]


def test_no_steps_make_a_program_that_is_the_call_alone() -> None:
    program = program_apart([], BEST)
    with Network(program) as network:
        assert network(np.zeros(program.inputs[0].shape, np.float32)) == ()
