"""A worker: one of any number of processes that draw networks, judge them and tell the study."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from optuna.trial import FrozenTrial

from featherlight.data import open_dataset
from featherlight.errors import DiskFull
from featherlight.files import is_full
from featherlight.searching.study import attempts
from featherlight.searching.study.attempting import attempt
from featherlight.searching.study.beats import Watch
from featherlight.searching.study.choosing import drawn
from featherlight.searching.study.judge import Judge, judge_of
from featherlight.searching.study.sampling import Draws, genes_of
from featherlight.searching.study.search import Search, search_from_json
from featherlight.searching.study.shared import CLOSED, SEARCH, Study, join_study, table_of
from featherlight.searching.study.storage import answering, shown
from featherlight.searching.study.telling import id_of, lose
from featherlight.timing.budget import show_time

Say: TypeAlias = Callable[[str], None]

LOOK_EVERY = 1.0  # seconds, while others are at the last networks


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

    Raises BadInput where none of very many networks keeps the budget, with the nearest time; DiskFull; and Failure for
    a storage that does not answer. Then, and at Ctrl-C, the network under way is given back.
    """
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    judge, watch = judge or judge_of(search), watch or Watch()
    draws = Draws(search, stream)
    with answering(study.url), _full(study.url):
        while time.monotonic() < deadline and not study.about.get(CLOSED):
            known = _looked_after(study, watch, say)
            ends, under_way = attempts.finished(known), attempts.running(known)
            if trials is not None and len(ends) >= trials:
                return
            if lost := attempts.to_try_again(known):
                attempt(study, search, judge, genes_of(search.space, lost), say)
            elif trials is not None and len(ends) + len(under_way) >= trials:
                time.sleep(LOOK_EVERY)  # one of them may yet be lost
            elif (genes := drawn(study, search, draws)) is not None:
                attempt(study, search, judge, genes, say)
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
    say(f"nothing is left to judge in {shown(study)}")


def _looked_after(study: Study, watch: Watch, say: Say) -> list[FrozenTrial]:
    """The trials, when those of dead workers have been taken from them."""
    for trial in watch.dead(attempts.running(study.trials)):
        lose(study, id_of(study, trial), attempts.DIED)
        say(f"{trial.number}: {attempts.DIED}, and another one tries again")
    return study.trials


@contextlib.contextmanager
def _full(url: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise DiskFull(
            f"the disk is full, at {shown(url)} or where images are kept; free some and start the worker again, "
            "nothing that was finished is lost"
        ) from error
