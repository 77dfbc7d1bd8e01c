"""The second half of a fit: which of the candidates that keep the budget is the most accurate when time is up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from featherlight.errors import Failure
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.heats import Assignment, Heat, network_of, run
from featherlight.fitting.promise import Judge, Seen, expected_error, law, predicted_errors
from featherlight.fitting.rates import Rates
from featherlight.fitting.rungs import (
    VALIDATED,
    field,
    heat_images,
    heat_seconds,
    last_share,
    rungs,
    starters,
    survivors,
)
from featherlight.fitting.task import Task
from featherlight.fitting.weights import has_weights, known_weights
from featherlight.layers import Network

# Rungs may take so many times as long as their share, where training turns out slower than its rate (decoding, say);
# beyond, their heats are cut shorter.
PATIENCE = 1.5

LEAST_CONTENDERS = 4  # are timed, however few can be trained


@dataclass(frozen=True)
class Winner:
    """The network that fit chose, trained.

    task    the fit, in whose folder its weights are until that has ended
    heats   all that were run, in order, the winner's last one at the end
    rungs   what was decided after each, as the record has it
    """

    task: Task
    candidate: Candidate
    heats: tuple[Heat, ...]
    rungs: tuple[Mapping[str, Any], ...]

    @property
    def network(self) -> Network:
        """With the weights of the last heat; Failure where their file is missing or damaged."""
        return network_of(self.task, self.candidate, self.training)

    @property
    def training(self) -> Heat:
        """The last and longest heat."""
        return self.heats[-1]

    @property
    def accuracies(self) -> dict[Candidate, float]:
        """The last validation accuracy of every candidate that was trained at all."""
        return {heat.candidate: heat.accuracy for heat in self.heats if not heat.failed}


def train_candidates(task: Task, fitting: Sequence[Candidate], rates: Rates) -> Winner:
    """Train the most promising candidates rung by rung, and the one that is left for the rest of the time.

    Each is judged by how wrong it will be when time is up. Chosen by validation accuracy; the test images are not
    touched.
    """
    ranked, count, lacking = _starters(task, fitting, rates)
    alive = ranked[:count]
    task.say(f"most promising of {len(fitting)}: {', '.join(candidate.name for candidate in alive)}")
    race = _Race(task, rates, ranked, count, lacking)
    for rung in range(1, rungs(count) + 1):
        alive = race.rung(rung, alive)
    return race.finish(alive)


def promise(
    candidates: Iterable[Candidate], rates: Rates, seconds: float, lacking: Collection[Candidate] = ()
) -> dict[Candidate, float]:
    """How wrong each is expected to be after `seconds` of training, before anything was seen; a number to rank by.

    Where weights are known they are taken to be at hand, but for those that are `lacking`.
    """
    return {each: expected_error(each, rates(each) * seconds, _is_pretrained(each, lacking)) for each in candidates}


def _is_pretrained(candidate: Candidate, lacking: Collection[Candidate]) -> bool:
    return candidate not in lacking and known_weights(candidate) is not None


def contenders(
    task: Task, candidates: Iterable[Candidate], rates: Rates, lacking: Collection[Candidate] = ()
) -> list[Candidate]:
    """Those of the candidates that would start, best first; and some behind them, for the case that they diverge."""
    ranked, count = _ranked(task, candidates, rates, lacking)
    return ranked[: max(count, LEAST_CONTENDERS)]


def lack_weights(task: Task, fitting: Sequence[Candidate], rates: Rates) -> bool:
    """Whether some that would start were expected to have trained weights, and these cannot be had."""
    return bool(_starters(task, fitting, rates)[2])


def _ranked(
    task: Task, candidates: Iterable[Candidate], rates: Rates, lacking: Collection[Candidate]
) -> tuple[list[Candidate], int]:
    """The field, best first, and how many of it start."""
    ranked = field(promise(candidates, rates, task.seconds, lacking))
    validation = min(VALIDATED, len(task.dataset.validation))
    return ranked, starters([rates(candidate) for candidate in ranked], task.seconds, validation)


def _starters(
    task: Task, fitting: Sequence[Candidate], rates: Rates
) -> tuple[list[Candidate], int, Collection[Candidate]]:
    """The field, best first; how many of it start; and whose weights cannot be had, who are ranked without them."""
    lacking: set[Candidate] = set()
    while True:
        ranked, count = _ranked(task, fitting, rates, lacking)
        missing = {c for c in ranked[:count] if known_weights(c) and not has_weights(task, c)} - lacking
        if not missing:
            return ranked, count, lacking
        lacking |= missing


class _Race:
    """The heats so far, and what they say of each candidate's end."""

    def __init__(
        self, task: Task, rates: Rates, ranked: Sequence[Candidate], count: int, lacking: Collection[Candidate]
    ) -> None:
        self.task, self.rates, self.ranked, self.count, self.lacking = task, rates, ranked, count, lacking
        self.validation = min(VALIDATED, len(task.dataset.validation))
        self.judge = Judge(task.classes, self.validation)
        self.planned = 0.0  # seconds for the heats so far
        self.heats: list[Heat] = []
        self.decided: list[Mapping[str, Any]] = []

    def rung(self, number: int, alive: Sequence[Candidate]) -> list[Candidate]:
        """Train each on the same number of images, and keep the half that will be the less wrong at the end."""
        if len(alive) < 2:
            return list(alive)
        images = heat_images([self.rate(candidate) for candidate in alive], self.task.seconds, self.validation)
        self.task.say(f"rung {number} of {rungs(self.count)}: {len(alive)} candidates, {images:,.0f} images each")
        for candidate in sorted(alive, key=lambda candidate: candidate.size):  # each size is decoded once a rung
            share = images * self.haste
            planned = heat_seconds(share, self.rate(candidate), self.validation)
            self.train(candidate, number, planned, share)
            self.planned += planned
        self.decided.append(self.task.record.once("rung", lambda: self.decide(alive), rung=number))
        kept = self.decided[-1]["kept"]
        self.task.say(f"going on with {', '.join(kept) or 'none'}")
        named = {candidate.name: candidate for candidate in alive}
        return [named[name] for name in kept]

    def decide(self, alive: Sequence[Candidate]) -> dict[str, Any]:
        """Who goes on, best first, and why; by name."""
        errors = self.predicted(alive)
        return {
            "predicted_errors": {candidate.name: error for candidate, error in errors.items()},
            "kept": [candidate.name for candidate in survivors(errors)],
        }

    def finish(self, alive: Sequence[Candidate]) -> Winner:
        """Train the best for the rest of the time; where it diverges, the next one."""
        others = self.predicted([candidate for candidate in self.ranked if candidate not in alive])
        for candidate in (*alive, *sorted(others, key=lambda candidate: others[candidate])):
            heat = self.train(candidate, rungs(self.count) + 1, max(self.left, self.last))
            if not heat.failed:
                return Winner(self.task, candidate, tuple(self.heats), tuple(self.decided))
        raise Failure(f"every candidate diverged; the last, {self.heats[-1].candidate.name}: {self.heats[-1].failed}")

    def train(self, candidate: Candidate, rung: int, seconds: float, images: float | None = None) -> Heat:
        before = self.heats_of(candidate)
        start = Assignment(
            candidate, rung, seconds, images, self.rates.threads, before[-1] if before else None, self.left
        )
        self.heats.append(run(self.task, start))
        return self.heats[-1]

    def predicted(self, candidates: Sequence[Candidate]) -> dict[Candidate, float]:
        """How wrong each would be at the end, were it to have the last share of the time; without those that failed."""
        failed = {heat.candidate for heat in self.heats if heat.failed}
        sound = [candidate for candidate in candidates if candidate not in failed]
        seen = {c: [Seen(heat.images_in_all, heat.accuracy) for heat in self.heats_of(c)] for c in sound}
        ends = {c: (seen[c][-1].images if seen[c] else 0) + self.rate(c) * self.last for c in sound}
        return predicted_errors({c: law(c, _is_pretrained(c, self.lacking)) for c in sound}, seen, ends, self.judge)

    @property
    def last(self) -> float:
        """Seconds that are kept for the last one."""
        return last_share(self.count) * self.task.seconds

    @property
    def left(self) -> float:
        """Seconds of training that are left now."""
        return self.task.seconds - self.spent

    @property
    def spent(self) -> float:
        """Seconds of training so far."""
        return sum(heat.seconds for heat in self.heats)

    @property
    def haste(self) -> float:
        """The share of its images that a heat is cut to, since the ones before took too long."""
        return min(1.0, PATIENCE * self.planned / self.spent) if self.spent else 1.0

    def rate(self, candidate: Candidate) -> float:
        """Images a second: as its last heat went, else as measured before."""
        heats = self.heats_of(candidate)
        return heats[-1].rate if heats else self.rates(candidate)

    def heats_of(self, candidate: Candidate) -> list[Heat]:
        return [heat for heat in self.heats if heat.candidate == candidate and not heat.failed]
