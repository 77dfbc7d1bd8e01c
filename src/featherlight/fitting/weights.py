"""Which candidates start from trained weights: photographs are few where people bring their own, and weights know many.

Small images have none: their networks' strides are not those that the weights were trained with.
"""

from __future__ import annotations

import torch

from featherlight.errors import FeatherlightError
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.task import Task
from featherlight.pretrained import Weights, fetch, is_installed, resolve
from featherlight.spec.small_images import LARGEST
from featherlight.training import preprocessing_for, recipe_for
from featherlight.training.start import Start, start_from


def known_weights(candidate: Candidate) -> Weights | None:
    """The public weights that fit a candidate; None where there are none."""
    if candidate.size <= LARGEST:
        return None
    published = resolve(candidate.architecture, width=candidate.width)
    fits = isinstance(published.weights, Weights) and published.spec == candidate.spec
    return published.weights if fits and isinstance(published.weights, Weights) else None


def has_weights(task: Task, candidate: Candidate) -> bool:
    """Whether a candidate starts from trained weights; they are fetched when this is first asked, and recorded.

    Where some could not be had, others are tried only if they are on this machine: a network that is down stays so.
    """
    weights = known_weights(candidate)
    if weights is None:
        return False
    event = task.record.once("weights", lambda: {"had": _fetched(task, weights)}, name=weights.name)
    return bool(event["had"])


def start_of(task: Task, candidate: Candidate) -> Start:
    """A candidate before its first heat: its network, what it will see, how it is trained."""
    if has_weights(task, candidate):
        width = {"width": candidate.width}
        return start_from(candidate.architecture, width, task.dataset, size=candidate.size, seed=task.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(task.seed)
        network = candidate.network(task.classes, task.dataset.channels)
    preprocessing = preprocessing_for(task.dataset, candidate.size)
    return Start(network, preprocessing, recipe_for(candidate.size), None)


def _fetched(task: Task, weights: Weights) -> bool:
    if task.record.find("weights", had=False) and not is_installed(weights):
        return False
    try:
        fetch(weights)
    except (FeatherlightError, OSError) as error:
        task.say(f"{error}; networks whose weights are not on this machine are trained from scratch")
        return False
    return True
