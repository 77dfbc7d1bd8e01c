"""What the network takes and what thinner ones do: measured here, or predicted for another device."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from featherlight.engines import GraphSource, Running, choose, find
from featherlight.engines.rivals import settling, turn_of
from featherlight.graph import from_spec
from featherlight.latency import LatencyTable
from featherlight.shrinking.clock import table_clock, time_cuts
from featherlight.shrinking.proposals import Clock
from featherlight.shrinking.result import time_json
from featherlight.shrinking.task import Task
from featherlight.spec import Spec
from featherlight.timing import Comparison, Measurement, Timed, interleave, summarise_rounds, tell_apart

SECONDS = 0.5  # of timing for a network that is kept


@dataclass(frozen=True)
class Times:
    """A shrink's times, those of its network and of thinner ones.

    clock   tells of any Spec, by the table: what a step of NetAdapt gains is less than what a stopwatch can tell
    engine  with which networks are timed here, None where they are for another device
    """

    task: Task
    table: LatencyTable
    clock: Clock
    engine: str | None

    def first(self) -> Measurement:
        """Of the network as it was, once: what it says decides everything after it."""
        if self.engine is None:
            return self._predicted(self.task.spec)
        event = self.task.record.once("first", lambda: time_json(self._side_by_side(self.task.spec)[0].measurement))
        return Measurement(self.table.target, *(event[name] for name in ("median", "p10", "p90", "runs", "noisy")))

    def ratio(self, key: str, spec: Spec) -> float:
        """How many times as long a network takes as the first one, both timed in the same rounds."""
        if self.engine is None:
            return self.clock(spec) / self.clock(self.task.spec)
        return float(self.task.record.once("timed", lambda: {"ratio": self.final(spec)[2].ratio}, key=key)["ratio"])

    def final(self, spec: Spec) -> tuple[Measurement, Measurement, Comparison]:
        """The network as it was and a thinner one, and how many times as long that one takes."""
        if self.engine is None:
            before, after = self._predicted(self.task.spec), self._predicted(spec)
            ratio = after.median / before.median
            return before, after, Comparison(ratio, ratio, ratio)
        one, other = self._side_by_side(self.task.spec, spec)
        return one.measurement, other.measurement, tell_apart(other.rounds, one.rounds)

    def _side_by_side(self, *specs: Spec) -> list[Timed]:
        """Timed in the same rounds: a time of now and one of an hour ago met different noise."""
        threads = self.task.asked.threads
        with ExitStack() as stack:
            running = [stack.enter_context(self._built(each)) for each in specs]
            turns = {str(at): turn_of(each, settling([threads])) for at, each in enumerate(running)}
            taken = interleave(turns, seconds=SECONDS * len(specs))
        return [summarise_rounds(each.target, taken[str(at)]) for at, each in enumerate(running)]

    def _built(self, spec: Spec) -> Running:
        assert self.engine is not None
        return find(self.engine).build(_source(self.task, spec), threads=self.task.asked.threads)

    def _predicted(self, spec: Spec) -> Measurement:
        return self.table.predict(self.table.cut(_source(self.task, spec).graph)).measurement


def times_of(task: Task) -> Times:
    """The times of a task's networks: by the table that is given, or by one that is made here, which takes minutes."""
    if task.table is not None:
        return Times(task, task.table, table_clock(task.table, task.image, task.ends[0]), None)
    threads = task.asked.threads
    source = _source(task, task.spec)
    event = task.record.once("engine", lambda: {"name": choose(task.asked.engine, source, threads=threads).name})
    engine = str(event["name"])  # never torch, which runs no graphs
    task.say("timing the pieces of the network and of its cuts")
    table = time_cuts(task.spec, task.image, task.ends[0], task.work, engine=engine, threads=threads)
    return Times(task, table, table_clock(table, task.image, task.ends[0]), engine)


def _source(task: Task, spec: Spec) -> GraphSource:
    """A network of a Spec for an engine to run; what weights it has makes no difference to its time."""
    return GraphSource(from_spec(spec, (1, *task.image), task.ends[0]))
