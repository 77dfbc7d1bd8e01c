"""Whichever engine runs a network fastest here: tried, not guessed."""

from __future__ import annotations

from contextlib import ExitStack

from featherlight.engines.find import available, find
from featherlight.engines.protocol import Engine
from featherlight.engines.rivals import measure
from featherlight.engines.running import Running
from featherlight.engines.source import Source
from featherlight.errors import BadInput

AUTO = "auto"  # the name that stands for the fastest one
SECONDS = 0.25  # of timing, for each engine


def choose(name: str, source: Source, *, threads: int, batch: int = 1) -> Engine:
    """The engine of that name, or the fastest one for "auto"; raises BadInput where it is not here."""
    return fastest(source, threads=threads, batch=batch) if name == AUTO else find(name)


def fastest(source: Source, *, threads: int, batch: int = 1) -> Engine:
    """The engine that runs this network fastest on this machine, by the median of interleaved rounds.

    Those are tried that are installed, run on the CPU and build within seconds. Raises BadInput where none of them can
    run it.
    """
    refusals: list[BadInput] = []
    with ExitStack() as stack:
        running: dict[str, Running] = {}
        for engine in available():
            try:
                running[engine.name] = stack.enter_context(engine.build(source, threads=threads, batch=batch))
            except BadInput as refusal:
                refusals.append(refusal)
        if not running:
            raise refusals[-1]
        times = measure(running, seconds=SECONDS * len(running))
    return find(min(times, key=lambda name: times[name].median))
