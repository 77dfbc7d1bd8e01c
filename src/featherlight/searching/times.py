"""What networks of a space take: told by a latency table for the many, measured for the few that are left."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from featherlight.engines import GraphSource, choose, find, measure
from featherlight.graph import from_spec
from featherlight.latency import LatencyTable, read_table
from featherlight.searching.clock import clock_by
from featherlight.searching.space import Space
from featherlight.searching.task import Task
from featherlight.searching.time_space import TABLE, time_space
from featherlight.searching.variation import random_genes
from featherlight.spec import Spec
from featherlight.timing import Measurement

SECONDS = 0.5  # of timing for a network that is measured

# The clock is set by so many networks of about the budget, out of so many drawn.
SET_BY, DRAWN = 6, 50


@dataclass(frozen=True)
class Times:
    """A search's times.

    path    of the table
    factor  how many times the table's prediction the clock tells, so that it tells of the 90th percentile, as far as a
            few measured networks have shown; None is the prediction's upper end
    engine  with which networks are measured here; None where they are for another device
    """

    task: Task
    table: LatencyTable
    path: Path
    factor: float | None = None
    engine: str | None = None

    @cached_property
    def clock(self) -> Callable[[Spec], float]:
        """The seconds of any Spec."""
        return clock_by(self.table, self.task.image, self.task.ends[0], self.factor)

    def measured(self, specs: Sequence[Spec]) -> list[Measurement]:
        """Networks timed in the same rounds, or predicted for another device; weights make no difference."""
        if self.engine is None:
            return [self._predicted(spec) for spec in specs]
        with ExitStack() as stack:
            engine, threads = find(self.engine), self.task.threads
            running = {
                str(at): stack.enter_context(engine.build(source_of(self.task, spec), threads=threads))
                for at, spec in enumerate(specs)
            }
            taken = measure(running, seconds=SECONDS * len(specs))
        return [taken[str(at)] for at in range(len(specs))]

    def _predicted(self, spec: Spec) -> Measurement:
        return self.table.predict(self.table.cut(source_of(self.task, spec).graph)).measurement


def times_of(task: Task) -> Times:
    """By the table that is given, or by one of a sample of the space that is made here, which takes minutes."""
    if task.target is not None:
        return Times(task, read_table(task.target), task.target)
    sample = _drawn(task.space, np.random.default_rng(task.seed))
    event = task.record.once(
        "engine", lambda: {"name": choose(task.engine, source_of(task, sample), threads=task.threads).name}
    )
    engine = str(event["name"])  # never torch, which runs no graphs
    task.say("timing the pieces of networks of the space")
    table = time_space(task.space, task.image, task.ends[0], task.work, engine=engine, threads=task.threads)
    times = Times(task, table, task.work / TABLE, 1.0, engine)
    factor = float(task.record.once("clock", lambda: {"factor": _factor(times)})["factor"])
    task.say(f"nine calls of ten take at most {factor:.2f} times what the pieces of a network tell")
    return replace(times, factor=factor)


def source_of(task: Task, spec: Spec) -> GraphSource:
    """A network of a Spec for an engine to run."""
    return GraphSource(from_spec(spec, (1, *task.image), task.ends[0]))


def _factor(times: Times) -> float:
    """How many times what the clock tells the 90th percentile is, by networks that take about the budget."""
    task, generator = times.task, np.random.default_rng(times.task.seed)
    drawn = [_drawn(task.space, generator) for _ in range(DRAWN)]
    off = {spec: max(times.clock(spec) / task.budget, task.budget / times.clock(spec)) for spec in drawn}
    some = sorted(off, key=lambda spec: off[spec])[:SET_BY]
    return statistics.median(
        each.p90 / times.clock(spec) for spec, each in zip(some, times.measured(some), strict=True)
    )


def _drawn(space: Space, generator: np.random.Generator) -> Spec:
    spec = space.spec(random_genes(space, generator))
    assert spec is not None
    return spec
