"""What a network is worth: its accuracy after a short training, if it did well after still shorter ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TypeAlias

import torch

from featherlight.layers import Network
from featherlight.searching.judging import calibration_images, recalibrated_accuracy
from featherlight.searching.study.search import Search
from featherlight.spec import Spec, to_json
from featherlight.training import train_network

Reached: TypeAlias = Callable[[int, float], None]
"""Is told the images that were seen at a rung and the accuracy there; raises Worse where that is not enough."""

Judge: TypeAlias = Callable[[Spec, Reached], float]
"""Gives the validation accuracy of a network of a Spec, the same each time."""


class Worse(Exception):
    """A network that does worse than others at a rung: it is trained no longer."""


def judge_of(search: Search) -> Judge:
    """The judge that trains as the search says; the first weights and all that is random hang on seed and Spec.

    Each rung is a training of its own, from scratch and to the end of its learning rate: in the midst of a longer one,
    while the rate is high, networks are not yet in the order of what they will be. Batch norm is told what to expect
    after it, since after so few steps its running statistics are still of the first weights, in deep networks most;
    so no training looks at the validation images itself, and each rung does so once.
    """
    dataset, preprocessing, recipe = search.dataset, search.preprocessing, search.recipe
    batch = min(recipe.batch, len(dataset.train))
    calibration = calibration_images(dataset.train, preprocessing)

    def judge(spec: Spec, reached: Reached) -> float:
        seed = int(digest_of(spec)[:7], 16) ^ search.seed

        def accuracy(images: int) -> float:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                network = Network(spec, len(dataset.label_names), dataset.channels, drop_rate=recipe.dropout)
            train_network(
                network,
                dataset,
                recipe,
                preprocessing,
                steps=max(1, round(images / batch)),
                threads=search.threads,
                seed=seed,
                validated=0,
            )
            return recalibrated_accuracy(network, dataset.validation, preprocessing, calibration)

        for share in search.rungs:
            images = max(1, round(share * search.images))
            reached(images, accuracy(images))
        return accuracy(search.images)

    return judge


def digest_of(spec: Spec) -> str:
    """Of a network: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(to_json(spec), sort_keys=True).encode()).hexdigest()[:16]
