"""The network that a worker takes next: one that keeps the budget and was not tried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from optuna.trial import FrozenTrial, TrialState

from featherlight.errors import BadInput
from featherlight.searching.space import Genes
from featherlight.searching.study.attempts import REFUSED, attempts
from featherlight.searching.study.judge import digest_of
from featherlight.searching.study.sampling import Draws
from featherlight.searching.study.search import Search
from featherlight.searching.study.shared import Study
from featherlight.searching.study.telling import write
from featherlight.timing.budget import show_time

MISSES = 1000  # networks in a row that were refused, before a search has found all that it can

# What a network breaks that is none: as bad as one of 2^8 times the budget.
NO_NETWORK = 8.0


class Refusal(NamedTuple):
    """Why a network is not to be trained, how far it breaks what, and its time."""

    why: str
    broken: dict[str, float]
    seconds: float = math.inf


def drawn(study: Study, search: Search, draws: Draws) -> Genes | None:
    """A network that keeps the budget and was not tried; a sampler that learns is told of whatever else it draws.

    None where there seems to be no other one. Raises BadInput where there is none at all.
    """
    nearest, failed = math.inf, 0
    for missed in range(MISSES):
        known = study.trials
        try:
            genes = draws.next(known, failed if draws.learns else missed)
        except BadInput:
            if not attempts(known):
                raise
            failed += 1  # the budget is kept by few, and one draw that finds none ends no search
            continue
        refusal, failed = _refusal(search, genes, known), 0
        if refusal is None:
            return genes
        nearest = min(nearest, refusal.seconds)
        if draws.learns:
            # Of what failed it learns nothing: a network that was tried already says nothing new.
            state = TrialState.PRUNED if refusal.broken else TrialState.FAIL
            write(study, search, genes, state, {REFUSED: refusal.why}, refusal.broken)
    if attempts(study.trials):
        return None
    assert refusal is not None
    what = f"the nearest takes {show_time(nearest)}" if nearest < math.inf else f"of the last one, {refusal.why}"
    raise BadInput(
        f"no network of {MISSES:,} drawn from the space {search.space.name} keeps {show_time(search.budget)}: {what}"
    )


def _refusal(search: Search, genes: Genes, known: Sequence[FrozenTrial]) -> Refusal | None:
    """None of a network that is to be trained."""
    spec = search.space.spec(genes)
    if spec is None:
        return Refusal("no valid network", {"network": NO_NETWORK})
    if digest_of(spec) in attempts(known):
        return Refusal("tried already", {})
    try:
        seconds = search.clock(spec)
    except BadInput as error:
        return Refusal(str(error), {})
    if seconds > search.budget:
        return Refusal("over the budget", {"budget": math.log2(seconds / search.budget)}, seconds)
    return None
