"""A network judged by a worker, and the study told what came of it, whatever that is."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from featherlight.files import is_full
from featherlight.searching.space import Genes
from featherlight.searching.study import attempts
from featherlight.searching.study.attempts import ACCURACY, FAILED, GIVEN_BACK, REFUSED
from featherlight.searching.study.beats import Beating, owner
from featherlight.searching.study.halving import at_rung, goes_on
from featherlight.searching.study.judge import Judge, Reached, Worse, digest_of
from featherlight.searching.study.search import Search
from featherlight.searching.study.shared import Study
from featherlight.searching.study.telling import Outcome, lose, tell, write
from featherlight.spec import Spec
from featherlight.timing.budget import show_time


def attempt(study: Study, search: Search, judge: Judge, genes: Genes, say: Callable[[str], None]) -> None:
    """Judge a network, and tell the study what came of it; whatever ends the worker gives the network back."""
    spec = search.space.spec(genes)
    assert spec is not None
    seconds = search.clock(spec)
    about = {attempts.OWNER: owner(), attempts.SPEC: digest_of(spec), attempts.SECONDS: seconds}
    trial_id = write(study, search, genes, TrialState.RUNNING, about)
    trial = study.storage.get_trial(trial_id)
    if attempts.yields(trial, study.trials):
        tell(study, trial_id, Outcome(TrialState.FAIL, "another worker has it", REFUSED))
        return

    def reached(images: int, accuracy: float) -> None:
        value = search.merit(accuracy, seconds)
        study.storage.set_trial_intermediate_value(trial_id, images, value)
        if not goes_on(value, at_rung(study.trials, images, but=trial.number)):
            raise Worse(f"stopped after {images:,} images at {accuracy:.1%}")

    try:
        with Beating(study.storage, trial_id):
            outcome = _judged(search, judge, spec, seconds, reached)
        tell(study, trial_id, outcome)
    except UpdateFinishedTrialError:
        say(f"{trial.number}: its result comes too late, for this worker was thought dead")
        return
    except BaseException:
        with contextlib.suppress(Exception):  # on a full disk the worker's death tells
            lose(study, trial_id, GIVEN_BACK)
        raise
    say(f"{trial.number}: {show_time(seconds)}, {outcome.said}")


def _judged(search: Search, judge: Judge, spec: Spec, seconds: float, reached: Reached) -> Outcome:
    try:
        accuracy = judge(spec, reached)
    except Worse as worse:
        return Outcome(TrialState.PRUNED, str(worse))
    except (OptunaError, SQLAlchemyError):  # the study's own, met at a rung
        raise
    except Exception as error:  # whatever an architecture can do
        if is_full(error):
            raise
        return Outcome(TrialState.FAIL, " ".join(f"{type(error).__name__}: {error}".split()), FAILED)
    if not math.isfinite(accuracy):
        return Outcome(TrialState.FAIL, f"its accuracy is {accuracy}", FAILED)
    value = search.merit(accuracy, seconds)
    return Outcome(TrialState.COMPLETE, f"validation accuracy {accuracy:.1%}", ACCURACY, accuracy, value)
