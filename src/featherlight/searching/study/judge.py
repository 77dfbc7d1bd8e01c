"""What a network is worth: the accuracy after a short training from scratch, cut shorter where others do better."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch

from featherlight.layers import Network
from featherlight.searching.study.search import Search
from featherlight.spec import Spec, to_json
from featherlight.training import scores, train_network

JUDGED = 2000  # validation images at most, always the same ones

Reached: TypeAlias = Callable[[int, float], None]
"""Is told the images that were seen at a rung and the accuracy there; raises Worse where that is not enough."""

Judge: TypeAlias = Callable[[Spec, Reached], float]
"""Gives the validation accuracy of a network of a Spec, the same each time."""


class Worse(Exception):
    """A network that does worse than others at a rung: its training ends."""


def judge_of(search: Search) -> Judge:
    """The judge that trains as the search says; the first weights and all that is random hang on seed and Spec."""
    dataset, preprocessing, recipe = search.dataset, search.preprocessing, search.recipe
    batch = min(recipe.batch, len(dataset.train))
    steps = max(1, round(search.images / batch))
    rungs = {max(1, math.ceil(share * steps)): round(share * search.images) for share in search.rungs}
    split = dataset.validation
    chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:JUDGED])

    def judge(spec: Spec, reached: Reached) -> float:
        seed = int(digest_of(spec)[:7], 16) ^ search.seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Network(spec, len(dataset.label_names), dataset.channels, drop_rate=recipe.dropout)

        def progress(step: int, steps: int, loss: float, left: float) -> None:
            if step in rungs and step < steps:
                right = scores(network, split, preprocessing, chosen).argmax(1) == split.labels[chosen]
                reached(rungs[step], float(right[split.sound(chosen)].mean()))

        trained = train_network(
            network,
            dataset,
            recipe,
            preprocessing,
            steps=steps,
            threads=search.threads,
            seed=seed,
            validated=JUDGED,
            progress=progress,
        )
        return trained.accuracy

    return judge


def digest_of(spec: Spec) -> str:
    """Of a network: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(to_json(spec), sort_keys=True).encode()).hexdigest()[:16]
