"""The first half of a fit: which candidates keep the budget and the limits on this machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate, Networks
from featherlight.fitting.limits import Breach, breach, show_bytes
from featherlight.fitting.predicted_bench import AnyBench, PredictedBench
from featherlight.fitting.select import AGAIN, Verdict, is_near, may_keep, verdict
from featherlight.fitting.task import Task
from featherlight.timing import Machine, Measurement, Target
from featherlight.timing.budget import show_time

ENGINE_JUDGE = "mobilenet_v2"  # the engines race on its middle width


@dataclass(frozen=True)
class Timed:
    """A candidate, its last measurement (seconds for one image) and whether it keeps the budget."""

    candidate: Candidate
    measurement: Measurement
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """What a result keeps of it."""
        return _to_json(self.candidate) | {"verdict": self.verdict} | measured_to_json(self.measurement)


@dataclass(frozen=True)
class Field:
    """What timing found: every candidate that was timed, and those that a limit ruled out before."""

    timed: tuple[Timed, ...]
    ruled_out: tuple[Breach, ...]

    @property
    def fitting(self) -> list[Candidate]:
        """Those that keep the budget and all limits."""
        return [each.candidate for each in self.timed if each.verdict == "fits"]

    def told(self, task: Task) -> str:
        """A sentence on how many keep the budget, and what is wrong with the others."""
        words = [each.verdict for each in self.timed] + [each.verdict for each in self.ruled_out]
        others = "".join(f", {words.count(word)} {word}" for word in sorted({*words} - {"fits"}))
        by = "upper bound" if task.label else "90th percentile"
        return f"within {show_time(task.budget)} ({by}): {len(self.fitting)} of {len(words)} networks{others}"


def settle_engines(task: Task, bench: AnyBench, networks: Networks) -> None:
    """Let the installed engines race on one candidate, where none was named, and drop those that are far behind."""
    if isinstance(bench, PredictedBench) or len(bench.engines) < 2:
        return
    judge = networks[ENGINE_JUDGE][len(networks[ENGINE_JUDGE]) // 2]
    medians = task.record.once("engines", lambda: {"medians": bench.race(judge)}, candidate=judge.name)["medians"]
    bench.keep(medians)
    told = ", ".join(f"{name} {show_time(time)}" for name, time in medians.items())
    task.say(f"engines on {judge.name}: {told}; going on with {', '.join(engine.name for engine in bench.engines)}")


class Timing:
    """Times candidates, each once in the whole of a fit, and knows what it found so far."""

    def __init__(self, task: Task, bench: AnyBench) -> None:
        self.task, self.bench = task, bench
        self._timed: dict[Candidate, Timed] = {}
        self._ruled_out: dict[Candidate, Breach] = {}

    @property
    def found(self) -> Field:
        """What was found so far."""
        return Field(tuple(self._timed.values()), tuple(self._ruled_out.values()))

    def time_promising(
        self, every: Collection[Candidate], contenders: Callable[[Iterable[Candidate]], Sequence[Candidate]]
    ) -> None:
        """Time those of `every` that would start, were they to keep the budget, until all who start are known to.

        `contenders` are those of some candidates that would start. What each time shows changes what is expected of
        others of its network; no time is spent on networks that could not be trained well in the minutes there are.
        """
        while wanted := self._wanted(every, contenders):
            firsts = {c: measured for c in wanted if (measured := self._time(c)) is not None}
            self._settle(firsts)
            told = ", ".join(f"{c.name} {show_time(measured.median)}" for c, measured in firsts.items())
            self.task.say(f"{self.task.label or 'timed'}: {told or 'none; all break a limit'}")

    def _wanted(
        self, every: Collection[Candidate], contenders: Callable[[Iterable[Candidate]], Sequence[Candidate]]
    ) -> list[Candidate]:
        """Whose times are needed next; where none of the promising keeps the budget, the smallest of each network's."""
        known = self._timed.keys() | self._ruled_out.keys()
        times = {candidate: each.measurement.median for candidate, each in self._timed.items()}
        verdicts: dict[Candidate, Verdict] = {c: each.verdict for c, each in self._timed.items()}
        verdicts |= {c: each.verdict for c, each in self._ruled_out.items()}
        hopeful = [c for c in every if c not in known and may_keep(c, self.task.budget, times, verdicts)]
        fitting = self.found.fitting
        first = contenders(sorted([*fitting, *hopeful], key=lambda c: c.name))
        if not fitting and not first:
            widest_first = sorted(every, key=lambda c: (c.size, c.width), reverse=True)
            first = list({c.architecture: c for c in widest_first}.values())
        return [candidate for candidate in first if candidate not in known]

    def _time(self, candidate: Candidate) -> Measurement | None:
        """A candidate's first measurement; None where it breaks a limit, which is then known of it."""
        record = self.task.record
        if record.find("timed", name=candidate.name) is None and (broken := self._breach(candidate)):
            self._ruled_out[candidate] = broken
            self.bench.close([candidate])
            return None
        event = record.once("timed", lambda: measured_to_json(self.bench.time(candidate)), name=candidate.name)
        measured = measured_from_json(event, self.task.machine)
        if not is_near(measured, self.task.budget):
            self.bench.close([candidate])
        return measured

    def _breach(self, candidate: Candidate) -> Breach | None:
        record, limits = self.task.record, self.task.limits
        if known := record.find("ruled out", name=candidate.name):
            return Breach(candidate, known["verdict"], known["bytes"])
        broken = breach(candidate, self.bench.source(candidate), limits)
        if broken is not None:
            record.add("ruled out", name=candidate.name, verdict=broken.verdict, bytes=broken.bytes)
        return broken

    def _settle(self, firsts: Mapping[Candidate, Measurement]) -> None:
        """Measure those near the budget again, side by side, and judge them all."""
        # The first measurement was each candidate's own; these share their rounds, and they alone decide.
        near = {c: first.target for c, first in firsts.items() if is_near(first, self.task.budget)}
        again: dict[Candidate, list[Measurement]] = {candidate: [] for candidate in near}
        for number in range(1, AGAIN + 1 if near else 1):
            for candidate, measured in self._round(number, near).items():
                again[candidate].append(measured)
        self.bench.close(near)
        for candidate, first in firsts.items():
            taken = again.get(candidate, [first])
            self._timed[candidate] = Timed(candidate, taken[-1], verdict(taken, self.task.budget))

    def _round(self, number: int, near: Mapping[Candidate, Target]) -> dict[Candidate, Measurement]:
        find = partial(self.task.record.find, "timed again", round=number)
        known = {c: measured_from_json(event, self.task.machine) for c in near if (event := find(name=c.name))}
        missing = {candidate: target for candidate, target in near.items() if candidate not in known}
        if not missing:
            return known
        measured = self.bench.time_again(missing)
        for candidate, taken in measured.items():
            self.task.record.add("timed again", name=candidate.name, round=number, **measured_to_json(taken))
        return known | measured


def nothing_fits(task: Task, found: Field) -> BadInput:
    """The error for a fit of which no candidate keeps budget and limits: which came nearest, and by how much."""
    if not found.timed:
        smallest = min(found.ruled_out, key=lambda each: each.bytes)
        limit = task.limits.size if smallest.verdict == "too large" else task.limits.memory
        return BadInput(
            f"every network is {smallest.verdict}: the smallest, {smallest.candidate.name}, has "
            f"{show_bytes(smallest.bytes)}; allow more than {show_bytes(limit or 0)}"
        )
    nearest = min(found.timed, key=lambda each: each.measurement.p90)
    took = nearest.measurement.p90
    where, often = ("here", "in nine of ten calls") if not task.label else (f"as {task.label}", "at most")
    doubt = " (undecided: the noise is larger than the distance)" if nearest.verdict == "undecided" else ""
    return BadInput(
        f"no network keeps a budget of {show_time(task.budget)} {where}: the nearest, {nearest.candidate.name}, takes "
        f"{show_time(took)} {often}, {took / task.budget:.2f} times the budget{doubt}; "
        "allow more time, more threads or smaller images"
    )


def _to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "architecture": candidate.architecture,
        "width": candidate.width,
        "size": candidate.size,
    }


def measured_to_json(measured: Measurement) -> dict[str, Any]:
    """A measurement as a journal keeps it: all but the machine."""
    target = measured.target
    return {
        "engine": target.engine,
        "version": target.version,
        "threads": target.threads,
        "median": measured.median,
        "p10": measured.p10,
        "p90": measured.p90,
        "runs": measured.runs,
        "noisy": measured.noisy,
        "predicted": measured.runs == 0,
    }


def measured_from_json(event: Mapping[str, Any], machine: Machine) -> Measurement:
    """The measurement that a journal holds; one that was begun for another machine is refused when it is opened."""
    target = Target(event["engine"], event["version"], event["threads"], "f32", 1, machine)
    numbers = (event[name] for name in ("median", "p10", "p90", "runs", "noisy"))
    return Measurement(target, *numbers)
