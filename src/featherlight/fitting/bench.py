"""Candidates built by the engines at hand and timed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from featherlight.engines import ENGINES, Engine, ModuleSource, Running, Source, available, find, measure
from featherlight.errors import unknown
from featherlight.fitting.candidates import Candidate
from featherlight.timing import Measurement, Target

AUTO = "auto"  # whichever engine runs a network fastest
SECONDS = 0.25  # for one measurement of one candidate in one way

# An engine this many times slower than the fastest one on the first candidate is not tried on the others.
HOPELESS = 2.0


class Way(NamedTuple):
    """How a network may run: an engine, and its number of threads."""

    engine: Engine
    threads: int

    @property
    def name(self) -> str:
        """Such as "openvino, 2 threads"."""
        return f"{self.engine.name}, {self.threads} thread{'' if self.threads == 1 else 's'}"


class Bench:
    """Builds candidates, untrained, and times them at batch 1: a network's time does not depend on its weights.

    Engines differ by network, and more threads may help one and hinder another; so each candidate is timed on every
    engine that is not hopeless, with one thread and with `threads`, and goes on in the way that runs it fastest.
    """

    def __init__(self, engine: str, threads: int, channels: int, classes: int) -> None:
        if engine not in (AUTO, *ENGINES):
            raise unknown("engine", engine, (AUTO, *ENGINES))
        self.threads = tuple(sorted({1, threads}))
        self.channels, self.classes = channels, classes
        self.engines: tuple[Engine, ...] = tuple(available()) if engine == AUTO else (find(engine),)
        self._sources: dict[Candidate, ModuleSource] = {}
        self._running: dict[Candidate, Running] = {}

    @property
    def ways(self) -> list[Way]:
        """The ways in which a candidate is timed."""
        return [Way(engine, threads) for engine in self.engines for threads in self.threads]

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
        """A candidate's time in the way that runs it fastest; it stays built so until `close`."""
        times, built = self._race(candidate)
        best = min(times, key=lambda way: times[way].median)
        self._running[candidate] = built.pop(best)
        for running in built.values():
            running.close()
        return times[best]

    def time_again(self, rivals: Mapping[Candidate, Target]) -> dict[Candidate, Measurement]:
        """One measurement of each, in the way that its target names, all in interleaved rounds: they share the noise.

        What is not built any more is built again.
        """
        for rival, target in rivals.items():
            if rival not in self._running:
                self._running[rival] = find(target.engine).build(self.source(rival), threads=target.threads)
        measured = measure({rival.name: self._running[rival] for rival in rivals}, seconds=SECONDS * len(rivals))
        return {rival: measured[rival.name] for rival in rivals}

    def close(self, candidates: Iterable[Candidate]) -> None:
        """Let go of these candidates."""
        for candidate in candidates:
            self._sources.pop(candidate, None)
            if candidate in self._running:
                self._running.pop(candidate).close()

    def race(self, judge: Candidate) -> dict[str, float]:
        """The median time of `judge` by the names of the engines, each with the threads that suit it best."""
        times, built = self._race(judge)
        for running in built.values():
            running.close()
        self.close([judge])
        return {
            engine.name: min(times[Way(engine, threads)].median for threads in self.threads) for engine in self.engines
        }

    def keep(self, medians: Mapping[str, float]) -> None:
        """Go on with the engines that are near the fastest one."""
        worst = HOPELESS * min(medians.values())
        self.engines = tuple(engine for engine in self.engines if medians[engine.name] <= worst)

    def time_sources(self, sources: Mapping[str, tuple[Source, Target]], times: int) -> dict[str, list[Measurement]]:
        """What was written, by name, each built in the way that its target names; `times` measurements of each.

        All are timed in the same rounds.
        """
        with ExitStack() as stack:
            running = {
                name: stack.enter_context(find(target.engine).build(source, threads=target.threads))
                for name, (source, target) in sources.items()
            }
            taken = [measure(running, seconds=2 * SECONDS * len(running)) for _ in range(times)]
        return {name: [each[name] for each in taken] for name in running}

    def _race(self, candidate: Candidate) -> tuple[dict[Way, Measurement], dict[Way, Running]]:
        source = self.source(candidate)
        built = {way: way.engine.build(source, threads=way.threads) for way in self.ways}
        measured = measure({way.name: running for way, running in built.items()}, seconds=SECONDS * len(built))
        return {way: measured[way.name] for way in built}, built
