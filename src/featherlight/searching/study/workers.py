"""A worker: one of any number of processes that draw networks, judge them and tell the study."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from featherlight.data import open_dataset
from featherlight.errors import BadInput, Failure
from featherlight.searching.space import Genes
from featherlight.searching.study import attempts
from featherlight.searching.study.attempts import (
    ACCURACY,
    DIED,
    FAILED,
    GIVEN_BACK,
    LOST,
    REFUSED,
)
from featherlight.searching.study.beats import Beating, Watch, owner
from featherlight.searching.study.halving import at_rung, goes_on
from featherlight.searching.study.judge import Judge, Reached, Worse, digest_of, judge_of
from featherlight.searching.study.sampling import Draws, distributions, genes_of, named
from featherlight.searching.study.search import Search, search_from_json
from featherlight.searching.study.shared import CLOSED, SEARCH, Study, join_study, table_of
from featherlight.searching.study.storage import answering, shown
from featherlight.spec import Spec
from featherlight.timing.budget import show_time

Say: TypeAlias = Callable[[str], None]

MISSES = 1000  # networks in a row that were refused, before a search has found all that it can
LOOK_EVERY = 1.0  # seconds, while others are at the last networks

# What a network breaks that is none: as bad as one of 2^8 times the budget.
NO_NETWORK = 8.0


def work(
    study: Study,
    search: Search,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    judge: Judge | None = None,
    stream: int = 0,
    watch: Watch | None = None,
    say: Say = lambda _: None,
) -> None:
    """Go on with a study until `trials` networks are done with, by whomever; or begin none after so many `seconds`.

    With neither, until the search is closed. Networks whose worker died are tried again, those of which something
    raises are noted as failed, and the search goes on. One worker alone, of stream 0, does the same for the same seed
    and number of trials, interrupted or not.

    judge   what a network is worth; by default its accuracy after training
    stream  of draws: of several workers each has its own
    watch   for workers that died

    Raises BadInput where none of very many networks keeps the budget, with the nearest time; and Failure for a disk
    that is full and a storage that does not answer. Then, and at Ctrl-C, the network under way is given back.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    at_work = _Worker(study, search, judge or judge_of(search), stream, watch or Watch(), say)
    with answering(study.url), _full(study.url):
        while time.monotonic() < deadline and not study.about.get(CLOSED):
            known = at_work.looked_after()
            ends, under_way = attempts.finished(known), attempts.running(known)
            if trials is not None and len(ends) >= trials:
                return
            if lost := attempts.to_try_again(known):
                at_work.attempt(genes_of(search.space, lost))
            elif trials is not None and len(ends) + len(under_way) >= trials:
                time.sleep(LOOK_EVERY)  # one of them may yet be lost
            elif (genes := at_work.drawn()) is not None:
                at_work.attempt(genes)
            elif not attempts.running(study.trials):
                return
            else:
                time.sleep(LOOK_EVERY)


def worker(data: str | os.PathLike[str], study: str, *, say: Say = lambda _: None) -> None:
    """Help with a search that was begun elsewhere, until it is closed; the study tells all but where the images are.

    Raises BadInput where there is no search, or it is over other images or of another version.
    """
    joined = join_study(study)
    with answering(study):
        about, table = joined.about[SEARCH], table_of(joined)
    dataset = open_dataset(data, about["seed of the images"])
    search = search_from_json(about, dataset, table)
    say(f"helping with {shown(study)}: {show_time(search.budget)}, {search.images:,} images a network")
    work(joined, search, stream=int.from_bytes(os.urandom(4), "big"), say=say)


class Outcome(NamedTuple):
    """What came of a network: the state of its trial, a sentence, and what the study keeps of it under which name."""

    state: TrialState
    said: str
    attribute: str = ""
    accuracy: float | None = None
    value: float | None = None


@dataclass
class _Worker:
    """A worker under way."""

    study: Study
    search: Search
    judge: Judge
    stream: int
    watch: Watch
    say: Say
    draws: Draws = field(init=False)

    def __post_init__(self) -> None:
        self.draws = Draws(self.search.space, self.search.sampler, self.search.seed, self.stream)

    def looked_after(self) -> list[FrozenTrial]:
        """The trials, when those of dead workers have been taken from them."""
        for trial in self.watch.dead(attempts.running(self.study.trials)):
            self._lose(self._id(trial), DIED)
            self.say(f"{trial.number}: {DIED}, and another one tries again")
        return self.study.trials

    def drawn(self) -> Genes | None:
        """A network that keeps the budget and was not tried; a sampler that learns is told of whatever else it draws.

        None where there seems to be no other one. Raises BadInput where there is none at all.
        """
        nearest, learns = math.inf, self.draws.learns
        for missed in range(MISSES):
            known = self.study.trials
            genes = self.draws.next(known, 0 if learns else missed)
            why, broken, seconds = self._refusal(genes, known)
            if not why:
                return genes
            nearest = min(nearest, seconds)
            if learns:
                # Of what failed it learns nothing: a network that was tried already says nothing new.
                state = TrialState.PRUNED if broken else TrialState.FAIL
                self._write(genes, state, {REFUSED: why}, broken)
        if attempts.attempts(self.study.trials):
            return None
        budget = show_time(self.search.budget)
        what = f"the nearest takes {show_time(nearest)}" if nearest < math.inf else f"of the last one, {why}"
        raise BadInput(f"no network of {MISSES:,} drawn from the space {self.search.space.name} keeps {budget}: {what}")

    def attempt(self, genes: Genes) -> None:
        """Judge a network, and tell the study what came of it; whatever ends the worker gives the network back."""
        spec = self.search.space.spec(genes)
        assert spec is not None
        seconds = self.search.clock(spec)
        about = {attempts.OWNER: owner(), attempts.SPEC: digest_of(spec), attempts.SECONDS: seconds}
        trial_id = self._write(genes, TrialState.RUNNING, about)
        trial = self.study.storage.get_trial(trial_id)
        if attempts.yields(trial, self.study.trials):
            self._tell(trial_id, Outcome(TrialState.FAIL, "another worker has it", REFUSED))
            return

        def reached(images: int, accuracy: float) -> None:
            value = self.search.merit(accuracy, seconds)
            self.study.storage.set_trial_intermediate_value(trial_id, images, value)
            if not goes_on(value, at_rung(self.study.trials, images, but=trial.number)):
                raise Worse(f"stopped after {images:,} images at {accuracy:.1%}")

        try:
            with Beating(self.study.storage, trial_id):
                outcome = self._judged(spec, seconds, reached)
            self._tell(trial_id, outcome)
        except UpdateFinishedTrialError:
            self.say(f"{trial.number}: its result comes too late, for this worker was thought dead")
            return
        except BaseException:
            with contextlib.suppress(Exception):  # on a full disk the worker's death tells
                self._lose(trial_id, GIVEN_BACK)
            raise
        self.say(f"{trial.number}: {show_time(seconds)}, {outcome.said}")

    def _judged(self, spec: Spec, seconds: float, reached: Reached) -> Outcome:
        try:
            accuracy = self.judge(spec, reached)
        except Worse as worse:
            return Outcome(TrialState.PRUNED, str(worse))
        except (OptunaError, SQLAlchemyError):  # the study's own, met at a rung
            raise
        except Exception as error:  # whatever an architecture can do
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            return Outcome(TrialState.FAIL, " ".join(f"{type(error).__name__}: {error}".split()), FAILED)
        if not math.isfinite(accuracy):
            return Outcome(TrialState.FAIL, f"its accuracy is {accuracy}", FAILED)
        value = self.search.merit(accuracy, seconds)
        return Outcome(TrialState.COMPLETE, f"validation accuracy {accuracy:.1%}", ACCURACY, accuracy, value)

    def _refusal(self, genes: Genes, known: Sequence[FrozenTrial]) -> tuple[str, dict[str, float], float]:
        """Why a network is not to be trained, "" for one that is; how far it breaks what; and its time."""
        spec = self.search.space.spec(genes)
        if spec is None:
            return "no valid network", {"network": NO_NETWORK}, math.inf
        if digest_of(spec) in attempts.attempts(known):
            return "tried already", {}, math.inf
        try:
            seconds = self.search.clock(spec)
        except BadInput as error:
            return str(error), {}, math.inf
        if seconds > self.search.budget:
            return "over the budget", {"budget": math.log2(seconds / self.search.budget)}, seconds
        return "", {}, seconds

    def _write(
        self, genes: Genes, state: TrialState, about: dict[str, Any], broken: dict[str, float] | None = None
    ) -> int:
        trial = create_trial(
            state=state,
            params=named(self.search.space, genes),
            distributions=dict(distributions(self.search.space)),
            user_attrs=about,
            constraints=broken,
        )
        return self.study.storage.create_new_trial(self.study.number, trial)

    def _tell(self, trial_id: int, outcome: Outcome) -> None:
        storage = self.study.storage
        if outcome.attribute:
            value = outcome.said if outcome.accuracy is None else outcome.accuracy
            storage.set_trial_user_attr(trial_id, outcome.attribute, value)
        storage.set_trial_state_values(trial_id, outcome.state, None if outcome.value is None else [outcome.value])

    def _lose(self, trial_id: int, why: str) -> None:
        """Take a trial from its worker. Only one who does so gets through, and none after the worker has finished it.

        Whoever dies between the two writes leaves it under way, and the next one who looks does both again.
        """
        with contextlib.suppress(UpdateFinishedTrialError):
            self.study.storage.set_trial_user_attr(trial_id, LOST, why)
            self.study.storage.set_trial_state_values(trial_id, TrialState.FAIL)

    def _id(self, trial: FrozenTrial) -> int:
        return self.study.storage.get_trial_id_from_study_id_trial_number(self.study.number, trial.number)


@contextlib.contextmanager
def _full(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Failure(
            f"the disk is full, at {shown(url)} or where images are kept; free some and start the worker again, "
            "nothing that was finished is lost"
        ) from error
