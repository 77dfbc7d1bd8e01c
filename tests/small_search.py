"""What a study needs, small: a space of a thousand networks, a clock and a judge by formula, workers to be killed."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from featherlight.graph import from_spec
from featherlight.searching import Space, Stage
from featherlight.searching.study import Search, create_study, join_study, work
from featherlight.searching.study.judge import Reached, digest_of
from featherlight.spec import Spec, out_channels
from featherlight.training import Recipe
from latency_tables import made_up, write
from small_run import GREY, data

SPACE = Space(
    "small",
    stem=(4, 8),
    stem_strides=(1, 2),
    stages=(
        Stage((8, 16, 24), (1, 2), (1, 2), ("inverted_residual", "depthwise_separable"), (3,), (2,), (0,)),
        Stage((16, 24, 32), (1, 2), (1, 2), ("convolution", "fire"), (3, 5), (1,), (0,)),
    ),
    total_stride=4,
)
BUDGET = 60e-3
IMAGES = 900


def clock(spec: Spec) -> float:
    """A millisecond a channel that comes out of a row."""
    channels, total = 1, 0
    for row in spec.rows:
        channels = out_channels(row, channels)
        total += channels
    return total * 1e-3


def accuracy_of(spec: Spec) -> float:
    """Any, and always the same one."""
    return int(digest_of(spec)[:6], 16) / (1 << 24)


def judge(spec: Spec, reached: Reached) -> float:
    """As a training does it: half as good at the first rung."""
    accuracy = accuracy_of(spec)
    reached(100, 0.5 * accuracy)
    reached(300, 0.8 * accuracy)
    return accuracy


def search(**changes: Any) -> Search:
    """A search in `SPACE` that most of it keeps."""
    asked = Search(SPACE, data(), GREY, Recipe(batch=20), BUDGET, clock, IMAGES, seed=1)
    return dataclasses.replace(asked, **changes)


def table(folder: Path) -> Path:
    """The file of a latency table of four networks, one of each mixture of kinds, for images of 12 pixels."""
    drawn = (SPACE.spec((0, 0, first, 0, 0, 1, second, 0, 0, 1, 0)) for first in (0, 1) for second in (0, 1))
    graphs = {str(at): from_spec(spec, (1, 1, 12, 12), 3) for at, spec in enumerate(drawn) if spec is not None}
    return write(folder / "latency.json", made_up(graphs, sizes=[12]))


def slow_worker(url: str, log: Path, trials: int, stream: int, sampler: str) -> None:
    """A worker that writes down each network that it begins, and takes its time."""

    def slow(spec: Spec, reached: Reached) -> float:
        with log.open("a") as file:
            file.write(f"{digest_of(spec)}\n")
        time.sleep(0.03)
        return judge(spec, pausing(reached))

    work(join_study(url), search(sampler=sampler), trials=trials, judge=slow, stream=stream)


def pausing(reached: Reached) -> Callable[[int, float], None]:
    """Rungs with some time between them."""

    def reached_late(images: int, accuracy: float) -> None:
        time.sleep(0.03)
        reached(images, accuracy)

    return reached_late


def begin(url: str, folder: Path, **changes: Any) -> None:
    """Begin the study of a search that workers then join."""
    create_study(url, search(**changes), table(folder))
