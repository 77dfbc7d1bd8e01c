"""Candidates built by the engines at hand and timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from featherlight.engines import ENGINES, Engine, ModuleSource, Running, Source, available, find, measure
from featherlight.errors import unknown
from featherlight.fitting.candidates import Candidate
from featherlight.layers import Network
from featherlight.timing import Measurement

AUTO = "auto"  # whichever engine runs a network fastest
SECONDS = 0.25  # for one measurement of one candidate by one engine

# An engine this many times slower than the fastest one on the first candidate is not tried on the others.
HOPELESS = 2.0


class Bench:
    """Builds candidates, untrained, and times them at batch 1: a network's time does not depend on its weights.

    Engines differ by network, so each candidate is timed on every engine that is not hopeless, and goes on with the one
    that runs it fastest.
    """

    def __init__(self, engine: str, threads: int, size: int, channels: int, classes: int) -> None:
        self.threads, self.classes = threads, classes
        self.input_shape = (channels, size, size)
        if engine not in (AUTO, *ENGINES):
            raise unknown("engine", engine, (AUTO, *ENGINES))
        self.engines: tuple[Engine, ...] = tuple(available()) if engine == AUTO else (find(engine),)
        self._running: dict[Candidate, Running] = {}

    def time(self, candidate: Candidate) -> Measurement:
        """A candidate's time on the engine that runs it fastest; it stays built there until `close`."""
        times, built = self._race(candidate)
        best = min(times, key=lambda name: times[name].median)
        self._running[candidate] = built.pop(best)
        for running in built.values():
            running.close()
        return times[best]

    def time_again(self, rivals: Sequence[Candidate]) -> dict[Candidate, Measurement]:
        """One measurement of each built candidate, in interleaved rounds, so that they share the machine's noise."""
        measured = measure({rival.name: self._running[rival] for rival in rivals}, seconds=SECONDS * len(rivals))
        return {rival: measured[rival.name] for rival in rivals}

    def close(self, candidate: Candidate) -> None:
        """Let go of a candidate."""
        self._running.pop(candidate).close()

    def drop_hopeless(self, judge: Candidate) -> Mapping[str, Measurement]:
        """Keep the engines that are near the fastest one on `judge`; what each of them took."""
        times, built = self._race(judge)
        for running in built.values():
            running.close()
        fastest = min(measured.median for measured in times.values())
        self.engines = tuple(engine for engine in self.engines if times[engine.name].median <= HOPELESS * fastest)
        return times

    def time_source(self, source: Source, engine: str, times: int) -> list[Measurement]:
        """What was written, built by `engine` and measured `times` times."""
        with find(engine).build(source, threads=self.threads) as running:
            return [measure({"": running}, seconds=2 * SECONDS)[""] for _ in range(times)]

    def _race(self, candidate: Candidate) -> tuple[dict[str, Measurement], dict[str, Running]]:
        network = Network(candidate.spec, self.classes, self.input_shape[0], architecture=candidate.architecture)
        source = ModuleSource(network.eval(), self.input_shape)
        built = {engine.name: engine.build(source, threads=self.threads) for engine in self.engines}
        return measure(built, seconds=SECONDS * len(built)), built
