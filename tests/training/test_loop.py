from __future__ import annotations

import copy
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from featherlight.data import Dataset, Preprocessing, fashion_mnist, open_dataset
from featherlight.errors import BadInput, Failure
from featherlight.training import Plan, Recipe, evaluate, train_network
from small_run import network as small_network

GREY = Preprocessing(12, (0.5,), (0.25,), 1.0)
RECIPE = Recipe(batch=32, learning_rate=0.05, pad=1)


def test_it_learns(network: nn.Module, dataset: Dataset) -> None:
    assert evaluate(network, dataset.test, GREY) < 0.7
    trained = train_network(network, dataset, RECIPE, GREY, steps=40)
    assert trained.accuracy > 0.9
    assert evaluate(network, dataset.test, GREY) > 0.9
    assert evaluate(network, dataset.validation, GREY) == trained.accuracy


@pytest.mark.parametrize(
    "change",
    [
        {"precision": "bfloat16"},
        {"class_weights": True},
        {"ema": 0.8},
        {"optimiser": "adamw", "learning_rate": 0.01, "weight_decay": 0.01},
        {"optimiser": "rmsprop", "learning_rate": 0.003, "schedule": "staircase"},
        {"schedule": "linear", "clip": 1.0},
        {"schedule": "one-cycle", "erase": 0.2, "policy": "trivial"},
        {"cutmix": 0.5, "mixup": 0.1},
    ],
    ids=str,
)
def test_it_learns_by_every_kind_of_recipe(network: nn.Module, dataset: Dataset, change: dict[str, Any]) -> None:
    trained = train_network(network, dataset, replace(RECIPE, **change), GREY, steps=60, threads=1)
    assert trained.accuracy > 0.8
    assert evaluate(network, dataset.validation, GREY) == trained.accuracy
    assert trained.plan.bfloat16 is (change.get("precision") == "bfloat16")


def test_the_best_weights_are_what_is_left_and_each_check_is_told(network: nn.Module, dataset: Dataset) -> None:
    told: list[tuple[float, bool]] = []
    wild = replace(RECIPE, learning_rate=0.3)
    trained = train_network(
        network, dataset, wild, GREY, steps=30, checked=lambda check, _, best: told.append((check.accuracy, best))
    )
    accuracies = [check.accuracy for check in trained.checks]
    assert trained.accuracy == max(accuracies) == evaluate(network, dataset.validation, GREY)
    assert told == [(each, each >= max(accuracies[: place + 1])) for place, each in enumerate(accuracies)]


def test_its_seconds_cover_the_last_check(network: nn.Module, dataset: Dataset) -> None:
    trained = train_network(network, dataset, RECIPE, GREY, steps=1, checked=lambda *_: time.sleep(0.3))
    assert trained.seconds > 0.3


def test_weights_that_the_last_step_ruined_are_no_result(network: nn.Module, dataset: Dataset) -> None:
    with pytest.raises(Failure, match="training diverged: the scores are not finite at step 1 of 1"):
        train_network(network, dataset, replace(RECIPE, learning_rate=1e30, warm_up=0.0), GREY, steps=1)
    assert_left_in_order(network)


def test_the_plan_is_told_before_the_first_step(network: nn.Module, dataset: Dataset) -> None:
    told: list[object] = []
    trained = train_network(
        network, dataset, RECIPE, GREY, steps=2, planned=told.append, progress=lambda step, *_: told.append(step)
    )
    assert told == [trained.plan, 1, 2]


def test_a_check_looks_at_no_more_images_than_asked_for(
    network: nn.Module, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[list[int]] = []
    prepared = dataset.validation.prepared

    def spy(indices: NDArray[np.int64], preprocessing: Preprocessing) -> NDArray[np.float32]:
        looked_at.append(indices.tolist())
        return prepared(indices, preprocessing)

    monkeypatch.setattr(dataset.validation, "prepared", spy)
    trained = train_network(network, dataset, RECIPE, GREY, steps=6, validated=7)
    assert trained.plan.validated == 7
    assert len(looked_at) == len(trained.checks) == 2
    assert len(looked_at[0]) == 7
    assert looked_at[0] == looked_at[1]


def test_without_checks_no_validation_image_is_looked_at_and_the_weights_are_the_last(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    last: dict[str, Tensor] = {}
    for recipe in (RECIPE, replace(RECIPE, ema=0.5)):
        checked, unchecked = small_network(), small_network()
        train_network(
            checked, dataset, recipe, GREY, steps=6, threads=1,
            checked=lambda check, judged, best: last.update(copy.deepcopy(judged.state_dict())),
        )  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(dataset.validation, "prepared", None)
            trained = train_network(unchecked, dataset, recipe, GREY, steps=6, threads=1, validated=0)
        assert trained.checks == ()
        assert all(torch.equal(tensor, last[name]) for name, tensor in unchecked.state_dict().items())
        assert_left_in_order(unchecked)


def test_epochs_become_steps(network: nn.Module, dataset: Dataset) -> None:
    assert train_network(network, dataset, RECIPE, GREY, epochs=1.5, threads=1).steps == 4  # of 32 images, from 96


def test_a_batch_larger_than_the_images_takes_the_rate_down_with_it(network: nn.Module, dataset: Dataset) -> None:
    trained = train_network(network, dataset, replace(RECIPE, batch=960), GREY, steps=1, threads=1)
    assert trained.recipe.batch == 96
    assert trained.recipe.learning_rate == pytest.approx(RECIPE.learning_rate / 10)


def test_a_teacher_and_a_recipe_that_listens_need_one_another(network: nn.Module, dataset: Dataset) -> None:
    for recipe, teacher in ((RECIPE, small_network()), (replace(RECIPE, distil=0.5), None)):
        with pytest.raises(BadInput, match="a teacher and a recipe with distil above 0 need one another"):
            train_network(network, dataset, recipe, GREY, steps=1, teacher=teacher)


def test_what_was_done_is_said(network: nn.Module, dataset: Dataset) -> None:
    trained = train_network(network, dataset, RECIPE, GREY, steps=12, seed=5, threads=1)
    assert trained.plan == Plan(RECIPE, GREY, steps=12, seed=5, threads=1)
    assert trained.images == 12 * 32
    assert 0 < trained.waited < trained.seconds
    assert trained.images_per_second == pytest.approx(384 / trained.seconds)
    assert [check.step for check in trained.checks] == [3, 6, 9, 12]
    assert trained.checks[-1].loss < trained.checks[0].loss


def weights(dataset: Dataset, **how: Any) -> dict[str, torch.Tensor]:
    network = small_network()
    train_network(network, dataset, RECIPE, GREY, steps=6, threads=1, **how)
    return network.state_dict()


def test_a_run_repeats_to_the_bit_and_hangs_on_its_seed(dataset: Dataset) -> None:
    first, other = weights(dataset), weights(dataset, seed=1)
    torch.manual_seed(99)  # what else goes on must not matter
    again = weights(dataset)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_seconds_become_steps_and_about_that_time(network: nn.Module, dataset: Dataset) -> None:
    start = time.perf_counter()
    trained = train_network(network, dataset, RECIPE, GREY, seconds=1.0, threads=1)
    assert trained.steps > 10
    assert trained.checks[-1].step == trained.steps
    assert 0.2 < time.perf_counter() - start < 10  # wide, for a machine that others use as well


def test_hardly_any_time_is_one_step(network: nn.Module, dataset: Dataset) -> None:
    assert train_network(network, dataset, RECIPE, GREY, seconds=1e-6).steps == 1


def test_progress_counts_every_step_and_the_time_left(network: nn.Module, dataset: Dataset) -> None:
    calls: list[tuple[int, int, float, float]] = []
    train_network(network, dataset, RECIPE, GREY, steps=7, progress=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(step, 7) for step in range(1, 8)]
    assert all(0 < loss < 10 for _, _, loss, _ in calls)
    assert calls[0][3] > 0
    assert calls[-1][3] == 0


def assert_left_in_order(network: nn.Module) -> None:
    assert not network.training
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    assert all(parameter.is_contiguous() and parameter.grad is None for parameter in network.parameters())


def test_the_surroundings_are_left_as_they_were(network: nn.Module, dataset: Dataset) -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    train_network(network, dataset, RECIPE, GREY, steps=2, threads=threads + 1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert_left_in_order(network)


def test_ctrl_c_passes_and_leaves_the_last_steps_weights(network: nn.Module, dataset: Dataset) -> None:
    start, threads = copy.deepcopy(network.state_dict()), torch.get_num_threads()

    def interrupt(step: int, *_: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(network, dataset, RECIPE, GREY, steps=50, threads=threads + 1, progress=interrupt)
    assert torch.get_num_threads() == threads
    assert_left_in_order(network)
    assert not torch.equal(network.state_dict()["0.weight"], start["0.weight"])


def test_a_loss_that_is_not_finite_is_one_sentence_and_brings_sound_weights_back(dataset: Dataset) -> None:
    network = small_network()
    start = copy.deepcopy(network.state_dict())
    wild = Recipe(batch=32, learning_rate=1e30, warm_up=0.0)
    with pytest.raises(
        Failure, match=r"training diverged: the loss is (nan|inf) at step \d of 6; a learning rate below"
    ):
        train_network(network, dataset, wild, GREY, steps=6)
    assert_left_in_order(network)
    assert all(torch.equal(tensor, start[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "either steps, epochs or seconds"),
        ({"steps": 1, "seconds": 1.0}, "either steps, epochs or seconds"),
        ({"steps": 0}, "steps must be"),
        ({"seconds": 0.0}, "seconds must be"),
        ({"seconds": float("nan")}, "seconds must be"),
        ({"steps": 1, "seed": -1}, "seed must be"),
        ({"steps": 1, "threads": 0}, "threads must be"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    network: nn.Module, dataset: Dataset, how: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        train_network(network, dataset, RECIPE, GREY, **how)


def test_what_does_not_fit_together_is_refused(network: nn.Module, dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="preprocessing's channels must be the images' 1; got 3"):
        train_network(network, dataset, RECIPE, Preprocessing(12), steps=1)
    for what, wrong in (("num_classes", 10), ("in_chans", 3)):
        other = small_network()
        setattr(other, what, wrong)
        with pytest.raises(BadInput, match=f"network's {what} must be"):
            train_network(other, dataset, RECIPE, GREY, steps=1)


def test_photographs_train_and_broken_ones_are_reported(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for label, colour in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
        (tmp_path / label).mkdir()
        for number in range(20):
            pixels = np.clip(np.array(colour) + random.normal(0, 30, (90, 120, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.jpg")
        (tmp_path / label / "0.jpg").write_bytes(b"\xff\xd8 broken")
    dataset = open_dataset(tmp_path)
    network = small_network(classes=2, channels=3)
    recipe = Recipe(batch=16, learning_rate=0.05, crop="resize")
    trained = train_network(network, dataset, recipe, Preprocessing(72), steps=12)
    assert trained.accuracy == 1.0
    evaluate(network, dataset.test, Preprocessing(72))
    assert len(dataset.broken) == 2


@pytest.mark.skipif(fashion_mnist.find() is None, reason="Fashion-MNIST is not fetched (`make data`)")
def test_fashion_mnist_is_learned() -> None:
    dataset = open_dataset("fashion-mnist")
    network = small_network(classes=10)
    preprocessing = Preprocessing(28, (0.5,), (0.25,), 1.0)
    train_network(network, dataset, Recipe(batch=64, learning_rate=0.3), preprocessing, steps=80)
    assert evaluate(network, dataset.test, preprocessing) > 0.4
