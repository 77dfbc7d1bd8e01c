"""The search itself: from a space and a clock to networks with an estimate of what they are worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from featherlight.now_and_then import now_and_then
from featherlight.searching.drawing import networks_within
from featherlight.searching.evolution import evolve
from featherlight.searching.finals import VALIDATED, merit, rate_of, trained
from featherlight.searching.front import Found
from featherlight.searching.hand_made import begun_with, likes
from featherlight.searching.judging import judge
from featherlight.searching.space import Genes
from featherlight.searching.supernet import Supernet
from featherlight.searching.task import Task
from featherlight.searching.times import Times
from featherlight.searching.variation import network_of as spec_of
from featherlight.training import Checkpoints, Trained, train_network
from featherlight.training.kept import trained_once

# Of the search's seconds, for networks that are trained alone to find a pattern, and for the supernet; the rest is for
# evolution.
PATTERNS, TRAINING = 0.35, 0.45
DRAWN, KEPT = 9, 3  # networks that are trained alone, and those of them that are trained three times as long

POOL = 300  # networks that the supernet is trained on
FEWEST = 32  # networks that evolution judges, however little time it has

# Images of a network's longer training, of those of the search: about 70 networks are judged then, since all have a
# third of it and a third of them the whole. But the shorter one is to tell something: after 1,000 images (16 steps)
# networks are right by chance alone, and after 2,500 deep ones are still behind. And a few networks must get through.
A_TRIAL, ENOUGH, A_FEW = 1 / 48, 12_000, 1 / 8
JOURNAL = "study.journal"


def explore(task: Task, times: Times, seconds: float) -> tuple[Found, ...]:
    """The networks that were judged, in order, by the method that was asked for, in about so many seconds."""
    if task.method == "supernet":
        return _shared_weights(task, times, seconds)
    return _alone(task, times, seconds, task.method)


def images_of_a_trial(images: float) -> int:
    """Of the longer training of a network, in a search that has time for so many images in all."""
    return max(1, int(min(max(A_TRIAL * images, ENOUGH), A_FEW * images)))


def _shared_weights(task: Task, times: Times, seconds: float) -> tuple[Found, ...]:
    """The best pattern of a few, then all networks of that pattern trained as one, and evolution among them.

    A pattern is what stands where: kinds, strides, gates, activations (`Space.narrowed`). Networks of one pattern learn
    from shared weights within minutes; of all patterns at once, they had hardly begun to (docs/searching.md).
    """
    generator = np.random.default_rng(task.seed)
    task.say(f"drawing networks of the space {task.space.name} that keep the budget")
    pattern = _pattern(task, times, networks_within(task.space, times.clock, task.budget, DRAWN, generator), seconds)
    space, known = task.space.narrowed(pattern), task.space.named(pattern)
    like = space.genes(known)
    others = networks_within(space, times.clock, task.budget, POOL, generator)
    pool = (like, *(genes for genes in others if genes != like))
    supernet = Supernet(space, pool, *task.ends, seed=task.seed)

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

    until = task.trials or _affordable(task, lambda: accuracy(pool[0]), (1 - PATTERNS - TRAINING) * seconds)

    def judged(found: Found) -> None:
        task.say(f"evolution: {found.accuracy:.1%} with shared weights")

    found = evolve(
        space,
        accuracy,
        times.clock,
        task.budget,
        until=until,
        exponent=task.exponent,
        seed=task.seed,
        record=task.record,
        judged=now_and_then(judged),
    )
    return tuple(replace(each, genes=task.space.genes(known | space.named(each.genes))) for each in found)


def _pattern(task: Task, times: Times, drawn: Sequence[Genes], seconds: float) -> Genes:
    """Of networks that are each trained alone for a little, and the better ones three times as long, the best."""
    rates = [rate_of(task, f"pattern-{number}", spec_of(task.space, genes)) for number, genes in enumerate(drawn)]
    # Images of the first round: the second has three times as many for each of those kept.
    images = PATTERNS * seconds / (sum(1 / rate for rate, _ in rates) * (1 + 3 * KEPT / DRAWN))
    going = list(range(len(drawn)))
    for length in (1, 3):
        reached = {}
        for number in going:
            spec, threads = spec_of(task.space, drawn[number]), rates[number][1]
            key = f"pattern-{number}-{length}"
            _, reached[number], _ = trained(task, key, spec, int(length * images), threads, VALIDATED)
            longer = "" if length == 1 else ", trained three times as long"
            task.say(f"pattern {number + 1} of {len(drawn)}{longer}: {reached[number]:.1%}")
        worth = {number: merit(task, Found(drawn[number], reached[number], times.clock(spec), 0.0))
                 for number, spec in ((number, spec_of(task.space, drawn[number])) for number in going)}  # fmt: skip
        going = sorted(going, key=lambda number: worth[number], reverse=True)[:KEPT]
    return drawn[going[0]]


def _affordable(task: Task, judge_one: Callable[[], object], seconds: float) -> int:
    """How many networks can be judged in so many seconds, measured once."""

    def measured() -> dict[str, Any]:
        begun = time.perf_counter()
        judge_one()
        return {"networks": max(FEWEST, int(seconds / (time.perf_counter() - begun)))}

    return int(task.record.once("affordable", measured)["networks"])


def _alone(
    task: Task, times: Times, seconds: float, sampler: Literal["evolution", "tpe", "random"]
) -> tuple[Found, ...]:
    """Each network trained by itself for a little, by successive halving, in a study of Optuna's."""
    from featherlight.searching.study import Search, close_study, create_study, found, work
    from featherlight.searching.study.storage import shown

    [typical] = networks_within(task.space, times.clock, task.budget, 1, np.random.default_rng(task.seed))
    rate, threads = rate_of(task, "trial", spec_of(task.space, typical))
    search = Search(
        space=task.space,
        dataset=task.dataset,
        preprocessing=task.preprocessing,
        recipe=task.recipe,
        budget=task.budget,
        clock=times.clock,
        images=task.images or images_of_a_trial(seconds * rate),
        factor=times.factor,
        exponent=task.exponent,
        sampler=sampler,
        seed=task.seed,
        threads=threads,
    )
    url = task.study or str(task.work / JOURNAL)
    study = create_study(url, search, times.path)
    task.say(f"other workers join by: featherlight search DATA --worker --study {shown(url)}")
    if sampler != "random":
        task.say(begun_with(likes(task.space, times.clock, task.budget)))
    before = sum(event["seconds"] for event in task.record.journal.read() if event["event"] == "worked")
    begun = time.perf_counter()
    try:
        work(study, search, trials=task.trials, seconds=None if task.trials else seconds - before, say=task.say)
    finally:  # one that goes on has as much less time
        task.record.add("worked", seconds=time.perf_counter() - begun)
    close_study(study)
    return found(study, task.space)
