"""From what a search found to one network: the best of it timed, trained alone side by side, and the winner for long.

What shared weights or a short training say of a network is an estimate. So the last word is the ordinary recipe's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from featherlight.errors import Failure
from featherlight.layers import Network
from featherlight.searching.front import Found, reward
from featherlight.searching.task import Task
from featherlight.searching.times import Times
from featherlight.shrinking.result import time_json
from featherlight.spec import Spec
from featherlight.timing import Measurement
from featherlight.timing.budget import show_time
from featherlight.training import Checkpoints, Trained, fastest_threads, images_per_second, train_network
from featherlight.training.kept import trained_once

FINALISTS = 4  # that are trained alone
TIMED = 12  # that are timed for them
RACING = 0.4  # of the training that is left after the search, for the finalists; the rest is for the winner
VALIDATED = 2000  # validation images that tell enough of a finalist


@dataclass(frozen=True)
class Finalist:
    """A network that was trained alone: `accuracy` after as many images as the others saw, `rate` of them a second."""

    found: Found
    spec: Spec
    measurement: Measurement
    accuracy: float
    images: int
    rate: float
    threads: int


@dataclass(frozen=True)
class Winner:
    """The finalist that was best, its network trained by the ordinary recipe, and its accuracy in validation."""

    finalist: Finalist
    network: Network
    accuracy: float
    images: int


def finalists_of(times: Times, found: Sequence[Found]) -> list[tuple[Found, Spec, Measurement]]:
    """The most promising that keep the budget where they are timed.

    Raises Failure where none does, with the nearest time: then they are timed again when the search goes on.
    """
    task = times.task
    ranked = sorted(found, key=lambda each: merit(task, each), reverse=True)[:TIMED]
    if not ranked:
        raise Failure("no network was judged in that time; allow more minutes, in another folder")
    specs = [spec for each in ranked if (spec := task.space.spec(each.genes)) is not None]

    def timed() -> dict[str, Any]:
        measured = times.measured(specs)
        if (quickest := min(each.p90 for each in measured)) > task.budget:
            raise Failure(
                f"none of the {len(measured)} most promising networks keeps {show_time(task.budget)} where it is "
                f"timed: the nearest takes {show_time(quickest)}; --resume times them again, when the machine is "
                "quieter, or allow that much in another folder"
            )
        return {"times": [time_json(each) for each in measured]}

    event = task.record.once("finalists", timed)
    measured = [Measurement(times.table.target, **each) for each in event["times"]]
    kept = [each for each in zip(ranked, specs, measured, strict=True) if each[2].p90 <= task.budget]
    return kept[:FINALISTS]


def race(times: Times, rivals: Sequence[tuple[Found, Spec, Measurement]], seconds: float) -> list[Finalist]:
    """Each trained from scratch on the same number of images, best first by what the search maximises."""
    task, rates = (
        times.task,
        [rate_of(times.task, f"finalist-{number}", spec) for number, (_, spec, _) in enumerate(rivals)],
    )
    images = int(RACING * seconds / sum(1 / rate for rate, _ in rates))
    done = []
    for number, ((each, spec, measurement), (rate, threads)) in enumerate(zip(rivals, rates, strict=True)):
        _, accuracy, seen = trained(task, f"finalist-{number}", spec, images, threads, VALIDATED)
        task.say(f"finalist {number + 1} of {len(rivals)}: validation accuracy {accuracy:.1%} after {seen:,} images")
        done.append(Finalist(each, spec, measurement, accuracy, seen, rate, threads))
    return sorted(done, key=lambda each: _merit_of(task, each), reverse=True)


def train_winner(task: Task, finalist: Finalist, seconds: float) -> Winner:
    """The ordinary recipe, from scratch, in so many seconds of training."""
    images = max(1, int((1 - RACING) * seconds * finalist.rate))
    network, accuracy, seen = trained(task, "winner", finalist.spec, images, finalist.threads, None)
    return Winner(finalist, network, accuracy, seen)


def merit(task: Task, found: Found) -> float:
    """What a search maximises: the accuracy, or MnasNet's reward."""
    if task.exponent is None:
        return found.accuracy
    return reward(found.accuracy, found.seconds, task.budget, task.exponent)


def _merit_of(task: Task, finalist: Finalist) -> float:
    """By what it has shown and how long it was measured to take, and no longer by estimates."""
    shown = replace(finalist.found, accuracy=finalist.accuracy, seconds=finalist.measurement.p90)
    return merit(task, shown)


def network_of(task: Task, spec: Spec) -> Network:
    """A network of a Spec as training begins; the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        return Network(spec, *task.ends)


def trained(
    task: Task, key: str, spec: Spec, images: int, threads: int, validated: int | None
) -> tuple[Network, float, int]:
    """A network of a Spec trained from scratch, or read back: with its accuracy in validation and the images it saw."""
    network, recipe = network_of(task, spec), task.recipe
    steps = max(1, images // min(recipe.batch, len(task.dataset.train)))

    def train(checkpoints: Checkpoints) -> Trained:
        return train_network(
            network,
            task.dataset,
            recipe,
            task.preprocessing,
            steps=steps,
            threads=threads,
            seed=task.seed,
            validated=validated,
            checkpoints=checkpoints,
            progress=task.progress(key),
        )

    weights, accuracy = trained_once(task.record, task.work, key, network, train, task.say)
    network.load_state_dict(weights)
    return network.eval(), accuracy, steps * min(recipe.batch, len(task.dataset.train))


def rate_of(task: Task, key: str, spec: Spec) -> tuple[float, int]:
    """Images a second in training and the threads that they take, measured once."""

    def measured() -> dict[str, Any]:
        network, size = network_of(task, spec), task.preprocessing.size
        threads = fastest_threads(network, size, task.ends[1])
        return {"threads": threads, "rate": images_per_second(network, size, task.ends[1], threads=threads)}

    event = task.record.once("rate", measured, of=key)
    return float(event["rate"]), int(event["threads"])
