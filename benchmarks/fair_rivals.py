"""Does a network look slower when it is timed beside its rivals than when it is timed alone?

Prediction: within 5 % on one thread; within 10 % on two, where threads that a rival leaves spinning take its cores.
If not, `featherlight.engines.measure` is unfair to whoever comes after the slowest rival.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from featherlight.cli.output import print_table
from featherlight.engines import ModuleSource, available, measure
from featherlight.files import write_json
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.timing import Measurement, noise, this_machine

RESULT = Path(__file__).parent / "results" / "fair_rivals.json"


def main() -> None:
    print(f"{this_machine().cpu}, {this_machine().cores} cores, noise {noise(1.0):.2f}\n")
    rows, times = [], []
    for threads in (1, 2):
        alone, beside = race(threads)
        for name in alone:
            ratio = beside[name].median / alone[name].median
            rows.append((threads, name, *milliseconds(alone[name]), *milliseconds(beside[name]), ratio))
            times += [{"how": "alone", **asdict(alone[name])}, {"how": "beside", **asdict(beside[name])}]
    print_table(("threads", "engine", "alone ms", "p10", "p90", "beside ms", "p10", "p90", "ratio"), rows)
    write_json(RESULT, times)


def race(threads: int) -> tuple[dict[str, Measurement], dict[str, Measurement]]:
    """MobileNet v2 of half width at 64 pixels on every engine: alone, then beside the others."""
    source = ModuleSource(Network(entry("mobilenet_v2").build(width=0.5)), (3, 64, 64))
    rivals = {engine.name: engine.build(source, threads=threads) for engine in available()}
    alone = {name: measure({name: running}, seconds=2)[name] for name, running in rivals.items()}
    return alone, measure(rivals, seconds=6)


def milliseconds(time: Measurement) -> tuple[float, float, float]:
    return time.median * 1e3, time.p10 * 1e3, time.p90 * 1e3


if __name__ == "__main__":
    main()
