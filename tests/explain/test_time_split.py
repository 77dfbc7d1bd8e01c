from __future__ import annotations

import pytest

from featherlight.engines.trace import Step
from featherlight.explain.time_split import PARTS, Split, by_part, part
from featherlight.graph import Kind, Op, kinds

CONVOLUTION, RELU, ADD = kinds.Convolution(), kinds.Activation("relu"), kinds.Add()


def step(*computed: Kind | tuple[Kind, str], seconds: float = 1.0) -> Step:
    pairs = [each if isinstance(each, tuple) else (each, "rows.1") for each in computed]
    return Step("a step", "its kind", tuple(Op(kind, ("x",), ("y",), origin) for kind, origin in pairs), seconds)


@pytest.mark.parametrize(
    ("computed", "counted"),
    [
        ((CONVOLUTION,), "convolution"),
        ((CONVOLUTION, kinds.BatchNorm(), ADD, RELU), "convolution"),
        ((kinds.Linear(),), "convolution"),
        ((RELU,), "element-wise"),
        ((kinds.BatchNorm(),), "element-wise"),
        ((ADD, RELU), "element-wise"),
        (((kinds.Transpose((0, 2, 1, 3, 4)), "rows.3.shuffle"),), "shuffle"),
        (((kinds.Reshape((1, 6)), "rows.3.shuffle"),), "shuffle"),
        ((kinds.Concat(1),), "data moving"),
        ((kinds.Split(1, (3, 3)),), "data moving"),
        ((), "data moving"),
        ((kinds.MaxPool((3, 3), (2, 2)),), "pooling"),
        ((kinds.Mean((2, 3), False),), "pooling"),
    ],
)
def test_a_step_counts_as_what_takes_longest_in_it(computed: tuple[Kind, ...], counted: str) -> None:
    assert part(step(*computed)) == counted


def test_seconds_add_up_by_part() -> None:
    seconds = by_part(
        [step(CONVOLUTION, seconds=3), step(RELU, seconds=1), step(RELU, seconds=0.5), step(seconds=0.25)]
    )
    assert set(seconds) == set(PARTS)
    assert {name: value for name, value in seconds.items() if value} == {
        "convolution": 3,
        "element-wise": 1.5,
        "data moving": 0.25,
    }


@pytest.mark.parametrize(
    ("share", "word"), [(0.5, "as in the paper"), (0.39, "less convolution"), (0.61, "more convolution")]
)
def test_the_share_of_convolutions_stands_beside_the_papers_half(share: float, word: str) -> None:
    split = Split("mobilenet_v2", "torch", by_part([step(CONVOLUTION, seconds=share), step(RELU, seconds=1 - share)]))
    assert split.share("convolution") == pytest.approx(share)
    assert split.verdict == word
