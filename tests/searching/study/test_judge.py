"""What a network is worth by the judge that trains: each rung a training of its own, held against validation once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from featherlight.data import Preprocessing
from featherlight.errors import Failure
from featherlight.layers import Network
from featherlight.searching import network_of
from featherlight.searching.judging import calibration_images, recalibrated_accuracy
from featherlight.searching.study import judge_of
from featherlight.searching.study.judge import digest_of
from featherlight.training import Recipe, train_network
from small_run import GREY, data
from small_search import SPACE, search

SPEC = network_of(SPACE, (0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0))


def test_validation_images_are_looked_at_once_a_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, looked_at, rungs = search(rungs=(1 / 9, 1 / 3)), list[int](), list[tuple[int, int]]()
    validation = asked.dataset.validation
    prepared = validation.prepared

    def spy(indices: NDArray[np.int64], preprocessing: Preprocessing) -> NDArray[np.float32]:
        looked_at.extend(indices.tolist())
        return prepared(indices, preprocessing)

    monkeypatch.setattr(validation, "prepared", spy)
    judge_of(asked)(SPEC, lambda images, accuracy: rungs.append((images, len(looked_at))))
    every = len(validation)
    assert rungs == [(100, every), (300, 2 * every)]  # 300 images are three epochs of 96
    assert looked_at == [*range(every)] * 3


def test_a_rung_is_worth_what_a_training_of_that_length_ends_with() -> None:
    asked, reached, dataset = search(), dict[int, float](), data()
    reached[900] = judge_of(asked)(SPEC, reached.__setitem__)
    assert list(reached) == [300, 900]
    calibration, seed = calibration_images(dataset.train, GREY), int(digest_of(SPEC)[:7], 16) ^ asked.seed
    for images, accuracy in reached.items():
        torch.manual_seed(seed)
        network = Network(SPEC, 3, 1)
        train_network(network, dataset, asked.recipe, GREY, steps=images // 20, threads=1, seed=seed, validated=0)
        assert accuracy == recalibrated_accuracy(network, dataset.validation, GREY, calibration)


def test_a_network_that_the_last_step_ruined_has_failed() -> None:
    wild = dataclasses.replace(search(), images=20, rungs=(), recipe=Recipe(20, learning_rate=1e30, warm_up=0.0))
    with pytest.raises(Failure, match="training diverged: the scores are not finite"):
        judge_of(wild)(SPEC, lambda images, accuracy: None)
