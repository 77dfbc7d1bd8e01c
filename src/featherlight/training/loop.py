"""The training loop."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from featherlight.data import Dataset, Preprocessing
from featherlight.errors import BadInput, Failure, must_be
from featherlight.training import memory
from featherlight.training.batches import Batches
from featherlight.training.evaluate import evaluate
from featherlight.training.pace import check_steps, measure_pace
from featherlight.training.recipe import Recipe, learning_rate
from featherlight.training.step import in_format, optimiser_for, take_step

# Of the time to train in, for measuring how many steps it has room for.
MEASURING = 0.02

Progress = Callable[[int, int, float, float], None]


@dataclass(frozen=True)
class Check:
    """What validation said after a number of steps: the accuracy (0 to 1), beside the mean training loss since then."""

    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Trained:
    """What a training run did; with the same recipe, steps, seed and threads it can be repeated.

    images: seen in all. seconds: for steps and checks, without measuring the pace. checks: the validations in order.
    """

    recipe: Recipe
    steps: int
    seed: int
    threads: int
    images: int
    seconds: float
    checks: tuple[Check, ...]

    @property
    def accuracy(self) -> float:
        """The validation accuracy of the weights that the model was left with."""
        return self.checks[-1].accuracy

    @property
    def images_per_second(self) -> float:
        """Training images a second over the whole run, the time for checks included."""
        return self.images / self.seconds


def train(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    preprocessing: Preprocessing,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    threads: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trained:
    """Train `model` in place on the training images, and leave it in evaluation mode with its last weights.

    Either for `steps`, or for about `seconds`: then the pace is measured first and turned into a number of steps, so
    that the learning rate ends its cycle exactly at the end, and the run can be repeated. `progress` is called after
    each step with the steps taken, all steps, the loss and the seconds left. PyTorch uses `threads` meanwhile.

    Raises BadInput where model, images and preprocessing do not fit together, or the images cannot be read, and Failure
    if the loss is no longer finite, with the weights of the last validation back in the model. Ctrl-C leaves the
    weights of the last whole step.
    """
    start = time.perf_counter()
    _check_numbers(steps, seconds, threads, seed)
    _check_fit(model, dataset, preprocessing)
    batches = Batches(dataset.train, recipe, preprocessing, seed)
    with _training(model, threads, seed):
        if steps is None:
            assert seconds is not None  # _check_numbers saw to it
            pace = measure_pace(model, batches, dataset.validation, MEASURING * seconds)
            steps = pace.steps_within(seconds - (time.perf_counter() - start))
        began = time.perf_counter()
        checks = tuple(_run(model, dataset, batches, steps, progress or _silent))
        took = time.perf_counter() - began
        return Trained(recipe, steps, seed, torch.get_num_threads(), steps * batches.size, took, checks)


def _run(model: nn.Module, dataset: Dataset, batches: Batches, steps: int, progress: Progress) -> Iterator[Check]:
    recipe, optimiser = batches.recipe, optimiser_for(model, batches.recipe)
    to_check = set(check_steps(steps, batches.per_epoch))
    good = copy.deepcopy(model.state_dict())
    losses: list[float] = []
    start = time.perf_counter()
    for step in range(steps):
        images, labels = batches(step)
        loss = take_step(model, optimiser, images, labels, recipe, learning_rate(recipe, step, steps))
        if not math.isfinite(loss):
            model.load_state_dict(good)
            raise Failure(
                f"training diverged: the loss is {loss} at step {step + 1} of {steps}; "
                f"a learning rate below {recipe.learning_rate} may help"
            )
        losses.append(loss)
        done = step + 1
        if done in to_check:
            yield Check(done, sum(losses) / len(losses), evaluate(model, dataset.validation, batches.preprocessing))
            good, losses = copy.deepcopy(model.state_dict()), []
        progress(done, steps, loss, (time.perf_counter() - start) / done * (steps - done))


@contextlib.contextmanager
def _training(model: nn.Module, threads: int | None, seed: int) -> Iterator[None]:
    """The model in training mode and channels-last, PyTorch with `threads` and its dropout's randomness from `seed`."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), memory.kept():
        torch.manual_seed(seed)
        torch.set_num_threads(threads or before)
        in_format(model, torch.channels_last).train()
        try:
            yield
        finally:
            torch.set_num_threads(before)
            in_format(model, torch.contiguous_format).eval()
            model.zero_grad(set_to_none=True)


def _check_numbers(steps: int | None, seconds: float | None, threads: int | None, seed: int) -> None:
    if (steps is None) == (seconds is None):
        raise BadInput("train needs either steps or seconds")
    if steps is not None and steps < 1:
        raise must_be("steps", "a whole number above 0", steps)
    if seconds is not None and not 0 < seconds < math.inf:
        raise must_be("seconds", "a number above 0", seconds)
    if threads is not None and threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    if seed < 0:
        raise must_be("seed", "a whole number of at least 0", seed)


def _check_fit(model: nn.Module, dataset: Dataset, preprocessing: Preprocessing) -> None:
    if preprocessing.channels != dataset.channels:
        raise must_be("the preprocessing's channels", f"the images' {dataset.channels}", preprocessing.channels)
    for what, needed in (("num_classes", len(dataset.label_names)), ("in_chans", dataset.channels)):
        if getattr(model, what, needed) != needed:
            raise must_be(f"the network's {what}", f"the images' {needed}", getattr(model, what))


def _silent(step: int, steps: int, loss: float, seconds_left: float) -> None:
    pass
