"""The first half of a fit: which candidates keep the budget on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from featherlight.errors import BadInput
from featherlight.fitting.bench import Bench
from featherlight.fitting.budget import show_time
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.select import AGAIN, Verdict, is_near, probe, verdict
from featherlight.journal import Journal
from featherlight.timing import Measurement

Say: TypeAlias = Callable[[str], None]

ENGINE_JUDGE = "mobilenet_v2"  # the engines race on its middle width


@dataclass(frozen=True)
class Timed:
    """A candidate, its last measurement (seconds for one image) and whether it keeps the budget."""

    candidate: Candidate
    measurement: Measurement
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """What a journal or a result keeps of it."""
        m = self.measurement
        return {
            "name": self.candidate.name,
            "architecture": self.candidate.architecture,
            "width": self.candidate.width,
            "verdict": self.verdict,
            "engine": m.target.engine,
            "median": m.median,
            "p10": m.p10,
            "p90": m.p90,
            "runs": m.runs,
            "noisy": m.noisy,
        }


def settle_engines(bench: Bench, networks: Mapping[str, tuple[Candidate, ...]], journal: Journal, say: Say) -> None:
    """Let the installed engines race on one candidate, where none was named, and drop those that are far behind."""
    if len(bench.engines) < 2:
        return
    judge = networks[ENGINE_JUDGE][len(networks[ENGINE_JUDGE]) // 2]
    times = bench.drop_hopeless(judge)
    journal.append("engines", candidate=judge.name, medians={name: time.median for name, time in times.items()})
    told = ", ".join(f"{name} {show_time(time.median)}" for name, time in times.items())
    say(f"engines on {judge.name}: {told}; going on with {', '.join(engine.name for engine in bench.engines)}")


def time_candidates(
    bench: Bench, networks: Mapping[str, tuple[Candidate, ...]], budget: float, journal: Journal, say: Say
) -> tuple[Timed, ...]:
    """Every candidate that was timed, with its verdict. Those near the budget were timed again, side by side.

    Raises BadInput where none keeps the budget, saying which came nearest and by how much it misses.
    """
    measurements: dict[Candidate, list[Measurement]] = {}
    for number, (name, widths) in enumerate(networks.items(), start=1):
        tried = dict(probe(widths, budget, bench.time))
        for candidate, measured in tried.items():
            measurements[candidate] = [measured]
            if not is_near(measured, budget):
                bench.close(candidate)
        told = ", ".join(f"{candidate.width:g}x {show_time(m.median)}" for candidate, m in tried.items())
        say(f"timed {number} of {len(networks)}: {name} {told}")
    _time_again(bench, measurements, budget)
    timed = tuple(Timed(c, taken[-1], verdict(taken, budget)) for c, taken in measurements.items())
    for each in timed:
        journal.append("timed", **each.to_json())
    _check_that_one_fits(timed, budget)
    counts = {word: sum(each.verdict == word for each in timed) for word in ("fits", "undecided", "too slow")}
    told = ", ".join(f"{number} {word}" for word, number in counts.items())
    say(f"within {show_time(budget)} (90th percentile): {told}")
    return timed


def _time_again(bench: Bench, measurements: dict[Candidate, list[Measurement]], budget: float) -> None:
    near = [candidate for candidate, (first,) in measurements.items() if is_near(first, budget)]
    # The first measurement was each candidate's own; these share their rounds, and they alone decide.
    for candidate in near:
        measurements[candidate].clear()
    for _ in range(AGAIN if near else 0):
        for candidate, measured in bench.time_again(near).items():
            measurements[candidate].append(measured)
    for candidate in near:
        bench.close(candidate)


def _check_that_one_fits(timed: tuple[Timed, ...], budget: float) -> None:
    if any(each.verdict == "fits" for each in timed):
        return
    nearest = min(timed, key=lambda each: each.measurement.p90)
    took = nearest.measurement.p90
    doubt = " (undecided: the noise is larger than the distance)" if nearest.verdict == "undecided" else ""
    raise BadInput(
        f"no network keeps a budget of {show_time(budget)} here: the nearest, {nearest.candidate.name}, takes "
        f"{show_time(took)} in nine of ten calls, {took / budget:.2f} times the budget{doubt}; "
        "allow more time, more threads or smaller images"
    )
