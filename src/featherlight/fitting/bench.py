"""Candidates built by an engine and timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from featherlight.engines import Engine, ModuleSource, Running, Source, available, find, measure
from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate
from featherlight.layers import Network
from featherlight.timing import Measurement

SECONDS = 0.25  # for one measurement of one candidate


class Bench:
    """Builds candidates, untrained, and times them at batch 1: a network's time does not depend on its weights."""

    def __init__(self, engine: str, threads: int, size: int, channels: int, classes: int) -> None:
        self.threads, self.classes = threads, classes
        self.input_shape = (channels, size, size)
        self.engine: Engine | None = None if engine == "auto" else find(engine)
        self._running: dict[Candidate, Running] = {}

    def time(self, candidate: Candidate) -> Measurement:
        """One measurement of one candidate; it stays built until `close`."""
        return self.time_again([candidate])[candidate]

    def time_again(self, rivals: Sequence[Candidate]) -> dict[Candidate, Measurement]:
        """One measurement of each, in interleaved rounds, so that they share the machine's noise."""
        built = {rival.name: self._build(rival) for rival in rivals}
        measured = measure(built, seconds=SECONDS * len(rivals))
        return {rival: measured[rival.name] for rival in rivals}

    def close(self, candidate: Candidate) -> None:
        """Let go of a candidate."""
        self._running.pop(candidate).close()

    def pick_engine(self, candidate: Candidate) -> Mapping[str, Measurement]:
        """Settle on the engine that runs `candidate` fastest, where none was named; what each of them took."""
        source = self._source(candidate)
        rivals = {engine.name: engine.build(source, threads=self.threads) for engine in available()}
        times = measure(rivals, seconds=SECONDS * len(rivals))
        for running in rivals.values():
            running.close()
        self.engine = find(min(times, key=lambda name: times[name].median))
        return times

    def time_source(self, source: Source, times: int) -> list[Measurement]:
        """What was written, built by the same engine and measured `times` times."""
        if self.engine is None:
            raise BadInput("an engine must be picked before anything is timed")
        with self.engine.build(source, threads=self.threads) as running:
            return [measure({"": running}, seconds=2 * SECONDS)[""] for _ in range(times)]

    def _build(self, candidate: Candidate) -> Running:
        if self.engine is None:
            raise BadInput("an engine must be picked before anything is timed")
        if candidate not in self._running:
            self._running[candidate] = self.engine.build(self._source(candidate), threads=self.threads)
        return self._running[candidate]

    def _source(self, candidate: Candidate) -> ModuleSource:
        network = Network(candidate.spec, self.classes, self.input_shape[0], architecture=candidate.architecture)
        return ModuleSource(network.eval(), self.input_shape)
