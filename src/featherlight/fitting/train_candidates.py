"""The second half of a fit: which of the candidates that keep the budget is the most accurate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from featherlight.data import Dataset, Preprocessing
from featherlight.errors import Failure
from featherlight.fitting.candidates import Candidate, expected_error
from featherlight.fitting.time_candidates import Say, Timed
from featherlight.journal import Journal
from featherlight.layers import Network
from featherlight.spec.small_images import LARGEST
from featherlight.training import Trained, fastest_threads, images_per_second, recipe_for, train

FINALISTS = 3  # this many are trained a little, and the best of them goes on
HEAT = 0.1  # of the training time, for each finalist
CHANCES = 2  # an accuracy below this many times chance tells nothing
RATE_SECONDS = 0.3  # for measuring how fast one candidate trains
RATE_PIXELS = 64 * 28 * 28  # in a batch of it

# A training rate falls with the width, less than multiply-adds grow, which go with the square.
_RATE_POWER = -1.5
SAY_EVERY = 10.0  # seconds of training between two words on its progress

Accuracies: TypeAlias = dict[Candidate, float]


@dataclass(frozen=True)
class Winner:
    """The network that fit chose, trained; the validation accuracy of every candidate that was trained at all."""

    candidate: Candidate
    network: Network
    training: Trained
    accuracies: Accuracies


def preprocessing_for(dataset: Dataset, size: int) -> Preprocessing:
    """What the network will see: small images whole and normalised by their own mean and deviation, photographs as
    ImageNet's networks see them.
    """
    if size > LARGEST and dataset.channels == 3:
        return Preprocessing(size)
    some = np.random.default_rng(0).permutation(len(dataset.train))[:2000]
    pixels = dataset.train.images(np.sort(some), size)[dataset.train.sound(np.sort(some))] / 255
    mean, std = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)).clip(1e-3)
    return Preprocessing(size, tuple(mean.round(4).tolist()), tuple(std.round(4).tolist()), crop_pct=1.0)


def shortlist(
    dataset: Dataset, fitting: Sequence[Candidate], seconds: float, threads: int, journal: Journal, say: Say
) -> list[Candidate]:
    """The candidates with the least expected error after `seconds` of training, at the rate each of them trains.

    The rate is measured for the widest of each network's widths and scaled to the others.
    """
    widest = {c.architecture: c for c in sorted(fitting, key=lambda candidate: candidate.width)}
    rates = {}
    for name, candidate in widest.items():
        network, channels = _network(candidate, dataset), dataset.channels
        batch = max(2, RATE_PIXELS // candidate.size**2)
        rates[name] = images_per_second(
            network, candidate.size, channels, batch=batch, threads=threads, seconds=RATE_SECONDS
        )
        journal.append("rate", name=candidate.name, images_per_second=rates[name])
    errors = {}
    for candidate in fitting:
        wider = widest[candidate.architecture].width
        rate = rates[candidate.architecture] * (candidate.width / wider) ** _RATE_POWER
        errors[candidate] = expected_error(candidate, rate * seconds)
    chosen = sorted(errors, key=lambda candidate: errors[candidate])[:FINALISTS]
    say(f"most promising of {len(fitting)}: " + ", ".join(candidate.name for candidate in chosen))
    return chosen


def train_candidates(
    dataset: Dataset,
    preprocessing: Preprocessing,
    timed: Sequence[Timed],
    seconds: float,
    seed: int,
    journal: Journal,
    say: Say,
) -> Winner:
    """Train the most promising candidates a little, and the best of them for the rest of `seconds`.

    Chosen by validation accuracy; the test images are not touched.
    """
    fitting = [each.candidate for each in timed if each.verdict == "fits"]
    threads = fastest_threads(_network(fitting[0], dataset), fitting[0].size, dataset.channels, RATE_SECONDS)
    finalists = shortlist(dataset, fitting, seconds, threads, journal, say)
    networks = {candidate: _network(candidate, dataset) for candidate in finalists}
    start = time.perf_counter()
    accuracies: Accuracies = {}
    for candidate, network in networks.items() if len(finalists) > 1 else ():
        try:
            heat = _train(candidate, network, dataset, preprocessing, HEAT * seconds, threads, seed, journal, say)
            accuracies[candidate] = heat.accuracy
        except Failure as failure:  # one that diverges is out; the others go on
            journal.append("failed", name=candidate.name, why=str(failure))
            say(f"{candidate.name} is out: {failure}")
    best = max(accuracies or finalists, key=lambda candidate: accuracies.get(candidate, 0.0))
    if accuracies and accuracies[best] < CHANCES / len(dataset.label_names):
        best = next(iter(accuracies))  # the heats were too short to tell: what was expected decides
    left = max(seconds - (time.perf_counter() - start), HEAT * seconds)
    final = _train(best, networks[best], dataset, preprocessing, left, threads, seed + 1, journal, say)
    accuracies[best] = final.accuracy
    return Winner(best, networks[best], final, accuracies)


def _train(
    candidate: Candidate,
    network: Network,
    dataset: Dataset,
    preprocessing: Preprocessing,
    seconds: float,
    threads: int,
    seed: int,
    journal: Journal,
    say: Say,
) -> Trained:
    said = time.perf_counter()

    def progress(step: int, steps: int, loss: float, left: float) -> None:
        nonlocal said
        if time.perf_counter() - said >= SAY_EVERY:
            said = time.perf_counter()
            say(f"training {candidate.name}: step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")

    recipe = recipe_for(candidate.size)
    trained = train(
        network, dataset, recipe, preprocessing, seconds=seconds, threads=threads, seed=seed, progress=progress
    )
    journal.append(
        "trained",
        name=candidate.name,
        steps=trained.steps,
        images=trained.images,
        seconds=trained.seconds,
        validation_accuracy=trained.accuracy,
    )
    say(
        f"trained {candidate.name} on {trained.images:,} images ({trained.images_per_second:.0f} a second): "
        f"validation accuracy {trained.accuracy:.1%}"
    )
    return trained


def _network(candidate: Candidate, dataset: Dataset) -> Network:
    return Network(candidate.spec, len(dataset.label_names), dataset.channels, architecture=candidate.architecture)
