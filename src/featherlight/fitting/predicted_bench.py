"""Candidates for a device that is not at hand: a latency table says what they take there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from featherlight.engines import Engine, ModuleSource, Source
from featherlight.fitting.bench import Bench
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.task import Say
from featherlight.latency import LatencyTable
from featherlight.timing import Measurement, Target


class PredictedBench:
    """Stands where `Bench` does, and times nothing.

    A predicted time is a measurement of no runs: its median is the prediction, its percentiles the prediction's
    interval, so that the upper bound must keep the budget.
    """

    engines: tuple[Engine, ...] = ()  # none races: the table is one engine's

    def __init__(self, table: LatencyTable, channels: int, classes: int, say: Say) -> None:
        self.table, self.channels, self.classes, self.say = table, channels, classes, say
        self._sources: dict[Candidate, ModuleSource] = {}

    def source(self, candidate: Candidate) -> ModuleSource:
        """A candidate's module, made once until `close`, so that it is traced once."""
        if candidate not in self._sources:
            network = candidate.network(self.classes, self.channels).eval()
            self._sources[candidate] = ModuleSource(network, self.shape(candidate.size))
        return self._sources[candidate]

    def shape(self, size: int) -> tuple[int, int, int]:
        """Of one image."""
        return self.channels, size, size

    def time(self, candidate: Candidate) -> Measurement:
        """What the table says of a candidate; where pieces of it were never timed, that is said aloud."""
        own = self.table.cut(self.source(candidate).graph)
        prediction = self.table.predict(own)
        if prediction.missing:
            count = len(prediction.missing)
            self.say(f"{candidate.name}: of its {len(own)} pieces {count} were not timed on the device; "
                     "others of their kind tell of them")  # fmt: skip
        return prediction.measurement

    def time_again(self, rivals: Mapping[Candidate, Target]) -> dict[Candidate, Measurement]:
        """The same again: a table does not change its mind."""
        return {rival: self.time(rival) for rival in rivals}

    def close(self, candidates: Iterable[Candidate]) -> None:
        """Let go of these candidates."""
        for candidate in candidates:
            self._sources.pop(candidate, None)

    def time_sources(self, sources: Mapping[str, tuple[Source, Target]], times: int) -> dict[str, list[Measurement]]:
        """What the table says of trained networks, by name."""
        predicted = {}
        for name, (source, _) in sources.items():
            if not isinstance(source, ModuleSource):
                raise TypeError("a prediction is made from the module, whose graph the table's pieces were cut from")
            predicted[name] = [self.table.predict(self.table.cut(source.graph)).measurement] * times
        return predicted


AnyBench: TypeAlias = Bench | PredictedBench
