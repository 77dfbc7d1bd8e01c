"""Rivals timed in the same rounds, each in a process of its own, where one that fails is named and the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from featherlight.engines import Rival
from featherlight.engines.processes import Progress, Worker
from featherlight.engines.rivals import settling
from featherlight.errors import FeatherlightError
from featherlight.timing import Rounds, Target, Timed, interleave, summarise_rounds


@dataclass(frozen=True)
class Raced:
    """The samples of one rival, seconds a call by round, and what they are of."""

    target: Target
    rounds: Rounds

    @property
    def timed(self) -> Timed:
        """Its measurement and the medians of its rounds."""
        return summarise_rounds(self.target, self.rounds)

    @property
    def minimum(self) -> float:
        """The quickest sample in seconds a call."""
        return min(min(samples) for samples in self.rounds)


def race(
    rivals: Mapping[str, Rival],
    *,
    seconds: float = 2.0,
    rounds: int | None = None,
    progress: Progress = lambda doing, share: None,
) -> tuple[dict[str, Raced], dict[str, str]]:
    """What each rival took, and why the others have no time: they could not be built, or died in a turn.

    For `seconds` and `rounds` see `featherlight.timing.interleave`. Where one dies all rounds are run again without it.
    """
    settle, failed = settling(rival.threads for rival in rivals.values()), {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for number, (name, rival) in enumerate(rivals.items()):
            progress("building", number / len(rivals))
            try:
                workers[name] = stack.enter_context(Worker(name, rival, settle))
            except FeatherlightError as error:
                failed[name] = str(error)
        while True:
            turns = {name: partial(_turn, worker) for name, worker in workers.items()}
            try:
                taken = interleave(turns, seconds=seconds, rounds=rounds, progress=partial(progress, "timing"))
                return {name: Raced(worker.target, taken[name]) for name, worker in workers.items()}, failed
            except _DeathError as death:
                workers.pop(death.name).close()
                failed[death.name] = str(death)


class _DeathError(Exception):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name


def _turn(worker: Worker) -> tuple[float, ...]:
    try:
        return worker.turn()
    except FeatherlightError as error:
        raise _DeathError(worker.name, str(error)) from error
