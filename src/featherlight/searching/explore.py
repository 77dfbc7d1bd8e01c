"""The search itself: from a space and a clock to networks with an estimate of what they are worth."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from featherlight.searching.drawing import networks_within
from featherlight.searching.evolution import evolve
from featherlight.searching.finals import VALIDATED, rate_of
from featherlight.searching.front import Found
from featherlight.searching.judging import judge
from featherlight.searching.space import Genes
from featherlight.searching.supernet import Supernet
from featherlight.searching.task import SAY_EVERY, Task
from featherlight.searching.times import Times
from featherlight.searching.variation import network_of as spec_of
from featherlight.training import Checkpoints, Trained, train_network
from featherlight.training.kept import trained_once

POOL = 400  # networks that the supernet is trained on
TRAINING = 0.75  # of the search, for the supernet; evolution has the rest
FEWEST = 32  # networks that evolution judges, however little time it has

A_TRIAL = 1 / 24  # of the search's images, for the whole training of one network; most are stopped earlier
JOURNAL = "study.journal"


def explore(task: Task, times: Times, seconds: float) -> tuple[Found, ...]:
    """The networks that were judged, in order, by the method that was asked for, in about so many seconds."""
    return _shared_weights(task, times, seconds) if task.method == "supernet" else _alone(task, times, seconds)


def _shared_weights(task: Task, times: Times, seconds: float) -> tuple[Found, ...]:
    """All networks trained as one, then evolution on what each is worth with these weights."""
    generator = np.random.default_rng(task.seed)
    task.say(f"drawing networks of the space {task.space.name} that keep the budget")
    pool = networks_within(task.space, times.clock, task.budget, POOL, generator)
    supernet = Supernet(task.space, pool, *task.ends, seed=task.seed)

    def train(checkpoints: Checkpoints) -> Trained:
        return train_network(
            supernet,
            task.dataset,
            task.recipe,
            task.preprocessing,
            seconds=TRAINING * seconds,
            seed=task.seed,
            validated=VALIDATED,
            checkpoints=checkpoints,
            progress=task.progress("the supernet"),
        )

    weights, _ = trained_once(task.record, task.work, "supernet", supernet, train, task.say)
    supernet.load_state_dict(weights)

    def accuracy(genes: Genes) -> float:
        return judge(supernet, genes, task.dataset, task.preprocessing)

    until = task.trials or _affordable(task, lambda: accuracy(pool[0]), (1 - TRAINING) * seconds)
    said = time.perf_counter()

    def judged(found: Found) -> None:
        nonlocal said
        if time.perf_counter() - said >= SAY_EVERY:
            said = time.perf_counter()
            task.say(f"evolution: {found.accuracy:.1%} with shared weights")

    return evolve(
        task.space,
        accuracy,
        times.clock,
        task.budget,
        until=until,
        exponent=task.exponent,
        seed=task.seed,
        record=task.record,
        judged=judged,
    )


def _affordable(task: Task, judge_one: Callable[[], object], seconds: float) -> int:
    """How many networks can be judged in so many seconds, measured once."""

    def measured() -> dict[str, Any]:
        begun = time.perf_counter()
        judge_one()
        return {"networks": max(FEWEST, int(seconds / (time.perf_counter() - begun)))}

    return int(task.record.once("affordable", measured)["networks"])


def _alone(task: Task, times: Times, seconds: float) -> tuple[Found, ...]:
    """Each network trained by itself for a little, by successive halving, as Optuna's study says."""
    from featherlight.searching.study import Search, close_study, create_study, found, work

    [typical] = networks_within(task.space, times.clock, task.budget, 1, np.random.default_rng(task.seed))
    rate, threads = rate_of(task, "trial", spec_of(task.space, typical))
    search = Search(
        space=task.space,
        dataset=task.dataset,
        preprocessing=task.preprocessing,
        recipe=task.recipe,
        budget=task.budget,
        clock=times.clock,
        images=max(1, int(A_TRIAL * seconds * rate)),
        factor=times.factor,
        exponent=task.exponent,
        sampler="tpe" if task.method == "optuna" else "random",
        seed=task.seed,
        threads=threads,
    )
    url = task.study or str(task.work / JOURNAL)
    study = create_study(url, search, times.path)
    task.say(f"other workers join by: featherlight search DATA --worker --study {url}")
    work(study, search, trials=task.trials, seconds=None if task.trials else seconds, say=task.say)
    close_study(study)
    return found(study, task.space)
