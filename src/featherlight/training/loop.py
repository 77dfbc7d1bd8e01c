"""The training loop: from a plan to trained weights, going on from a checkpoint where there is one."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, broadcast_object_list
from torch import Tensor, nn

from featherlight.data import Dataset, Preprocessing, Split
from featherlight.errors import BadInput, Failure, must_be
from featherlight.timing import this_machine
from featherlight.training import memory
from featherlight.training.average import Average
from featherlight.training.batches import Batches, Stream
from featherlight.training.checkpoints import Checkpoints
from featherlight.training.evaluate import scores
from featherlight.training.fused import fused
from featherlight.training.interrupt import deferred
from featherlight.training.loss import class_weights
from featherlight.training.pace import bfloat16_is_faster, check_steps, fastest_threads, measure_pace
from featherlight.training.plan import Plan, identity
from featherlight.training.recipe import Recipe
from featherlight.training.schedule import learning_rate, momentum
from featherlight.training.step import Learner, in_format

# Of the time to train in, for measuring how many steps it has room for; and at most so many seconds.
MEASURING, LONGEST_MEASURING = 0.02, 10.0

# A core: more threads than cores gain nothing and are allowed, but no number that the system cannot start.
MOST_THREADS = 4

Progress = Callable[[int, int, float, float], None]


@dataclass(frozen=True)
class Check:
    """What validation said after a number of steps: the accuracy (0 to 1), beside the mean training loss since then."""

    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Trained:
    """What a training run did; with the same plan it can be repeated.

    images     seen in all
    seconds    for steps and checks, without measuring the pace and without what a crash cost
    waited     of these, for images to be decoded and augmented
    checks     the validations in order
    """

    plan: Plan
    images: int
    seconds: float
    waited: float
    checks: tuple[Check, ...]

    @property
    def recipe(self) -> Recipe:
        """How it was trained."""
        return self.plan.recipe

    @property
    def steps(self) -> int:
        """Moves of the optimiser."""
        return self.plan.steps

    @property
    def threads(self) -> int:
        """That PyTorch used, in each process."""
        return self.plan.threads

    @property
    def best(self) -> Check:
        """The check whose weights the model was left with: the most accurate, the latest of equals."""
        return max(self.checks, key=lambda check: (check.accuracy, check.step))

    @property
    def accuracy(self) -> float:
        """The validation accuracy of the weights that the model was left with."""
        return self.best.accuracy

    @property
    def images_per_second(self) -> float:
        """Training images a second over the whole run, the time for checks included."""
        return self.images / self.seconds


# Told after each check, with the network whose weights were checked and whether they are the best so far.
Checked = Callable[[Check, nn.Module, bool], None]


def train_network(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    preprocessing: Preprocessing,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    seconds: float | None = None,
    threads: int | None = None,
    seed: int = 0,
    teacher: nn.Module | None = None,
    validated: int | None = None,
    checkpoints: Checkpoints | None = None,
    planned: Callable[[Plan], None] | None = None,
    progress: Progress | None = None,
    checked: Checked | None = None,
) -> Trained:
    """Train `model` in place on the training images, and leave it in evaluation mode with its best weights.

    For `steps`, for `epochs`, or for about `seconds`: then the pace is measured first and turned into a number of
    steps, so that the learning rate ends its cycle exactly at the end, and the run can be repeated. Best are the
    weights with the highest validation accuracy, those of the running average where the recipe has one.

    threads      for PyTorch meanwhile; by default whichever of one and all is faster now
    teacher      a network with the same classes whose answers are learned as well, as the recipe's `distil` says
    validated    images of the validation split at most for each check, always the same ones; by default all. With 0
                 there are no checks, and the weights are those of the last step
    checkpoints  where the state is kept, and from where a run with the same arguments goes on, bit for bit
    planned      is told of the plan before the first step
    progress     is called after each step with the steps taken, all steps, the loss and the seconds left
    checked      is told of each check

    Under `accelerate launch` or torchrun every process calls this, and each takes its share of every batch.

    Raises BadInput where model, images and preprocessing do not fit together, or the images cannot be read, or the
    checkpoints are another run's; and Failure if the loss is no longer finite, with the best weights so far back in
    the model. Ctrl-C and SIGTERM are acted on after the step, when its checkpoint is written.
    """
    start = time.perf_counter()
    _check_numbers(steps, epochs, seconds, threads, seed)
    _check_fit(model, dataset, preprocessing, recipe, teacher)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="no")
    request = identity(model, dataset, teacher) | {
        "recipe": recipe.to_json(),
        "preprocessing": asdict(preprocessing),
        "asked for": {"steps": steps, "epochs": epochs, "seconds": seconds, "threads": threads, "validated": validated},
        "seed": seed,
        "processes": accelerator.num_processes,
    }
    if checkpoints is not None:
        checkpoints.master = accelerator.is_main_process
    plan = checkpoints.plan(request) if checkpoints else None
    with _training(model, teacher, accelerator, threads, seed):
        if plan is None:
            plan = _plan(model, dataset, recipe, preprocessing, teacher, accelerator, threads, seed)
            counted = _steps(plan, model, dataset, teacher, steps, epochs, seconds, start)
            plan = replace(plan, steps=counted, validated=validated)
            [plan] = broadcast_object_list([plan])  # what one process measured holds for all
            if checkpoints is not None:
                checkpoints.begin(request, plan)
        torch.set_num_threads(plan.threads)
        if planned:
            planned(plan)
        return _Run(plan, model, dataset, teacher, accelerator).finish(checkpoints, progress, checked)


def _plan(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    preprocessing: Preprocessing,
    teacher: nn.Module | None,
    accelerator: Accelerator,
    threads: int | None,
    seed: int,
) -> Plan:
    """The plan but for its steps: which threads and arithmetic are the faster ones."""
    size, channels = preprocessing.size, preprocessing.channels
    if len(dataset.train) < recipe.batch:
        recipe = recipe.at_batch(max(2, len(dataset.train)))
    threads = threads or fastest_threads(model, size, channels, seconds=0.1)
    torch.set_num_threads(threads)
    bfloat16 = recipe.precision == "bfloat16" or (
        recipe.precision == "auto" and bfloat16_is_faster(model, recipe, size, channels)
    )
    return Plan(recipe, preprocessing, 0, seed, threads, accelerator.num_processes, bfloat16)


def _steps(
    plan: Plan,
    model: nn.Module,
    dataset: Dataset,
    teacher: nn.Module | None,
    steps: int | None,
    epochs: float | None,
    seconds: float | None,
    start: float,
) -> int:
    if steps is not None:
        return steps
    batches = _batches(plan, dataset, rank=0)
    if epochs is not None:
        return max(1, round(epochs * len(dataset.train) / batches.size))
    assert seconds is not None  # _check_numbers saw to it
    measuring = min(MEASURING * seconds, LONGEST_MEASURING)
    pace = measure_pace(model, batches, dataset.validation, measuring, teacher=teacher, bfloat16=plan.bfloat16)
    return pace.steps_within(seconds - (time.perf_counter() - start))


def _batches(plan: Plan, dataset: Dataset, rank: int) -> Batches:
    classes = len(dataset.label_names)
    return Batches(dataset.train, plan.recipe, plan.preprocessing, plan.seed, classes, rank, plan.processes)


class _Run:
    """A run under way: everything that a checkpoint holds."""

    def __init__(
        self, plan: Plan, model: nn.Module, dataset: Dataset, teacher: nn.Module | None, accelerator: Accelerator
    ) -> None:
        self.plan, self.dataset, self.accelerator = plan, dataset, accelerator
        recipe, classes = plan.recipe, len(dataset.label_names)
        weights = class_weights(dataset.train.labels, classes) if recipe.class_weights else None
        self.learner = Learner(
            model,
            recipe,
            accelerator,
            weights=None if weights is None else weights.to(accelerator.device),
            teacher=teacher,
            bfloat16=plan.bfloat16,
        )
        self.average = Average(model, recipe.ema) if recipe.ema else None
        self.stream = Stream(_batches(plan, dataset, accelerator.process_index))
        self.step = 0
        self.losses: list[float] = []  # since the last check
        self.checks: list[Check] = []
        self.best = copy.deepcopy(model.state_dict())
        self.seconds = 0.0

    @property
    def model(self) -> nn.Module:
        return self.learner.model

    @property
    def judged(self) -> nn.Module:
        """The network that is checked and kept."""
        return self.model if self.average is None else self.average.model

    def finish(self, checkpoints: Checkpoints | None, progress: Progress | None, checked: Checked | None) -> Trained:
        """Take all steps that are left, and leave the best weights in the model."""
        if checkpoints is not None and (found := checkpoints.newest()):
            self._restore(*found)
        steps, per_epoch = self.plan.steps, self.stream.batches.per_epoch
        to_check = set() if self.plan.validated == 0 else set(check_steps(steps, per_epoch))
        first, before = self.step, self.seconds
        start = saved = time.perf_counter()
        every = checkpoints.every if checkpoints else math.inf
        self.learner.train()
        try:
            with deferred() as interrupt:
                for step, images, targets in self.stream(first, steps) if first < steps else ():
                    loss = self._take(step, images, targets)
                    if self.step in to_check:
                        self._check(checked)
                    self.seconds = before + time.perf_counter() - start
                    written = self.step in to_check or time.perf_counter() - saved > every
                    if checkpoints is not None and written:
                        checkpoints.write(self.step, *self._state())
                        saved = time.perf_counter()
                    if progress:
                        left = (time.perf_counter() - start) / (self.step - first) * (steps - self.step)
                        progress(self.step, steps, loss, left)
                    if self._all_agree(bool(interrupt)):
                        if checkpoints is not None and not written:
                            checkpoints.write(self.step, *self._state())
                        raise KeyboardInterrupt
            self.model.load_state_dict(self.best if self.checks else self.judged.state_dict())
        finally:
            self.learner.release()
        batches, stream = self.stream.batches, self.stream
        return Trained(self.plan, steps * batches.size, self.seconds, stream.waited, tuple(self.checks))

    def _take(self, step: int, images: Tensor, targets: Tensor) -> float:
        recipe, batches, steps = self.plan.recipe, self.stream.batches, self.plan.steps
        # Dropout draws from here: made anew for each step, its state need not be saved.
        torch.manual_seed(batches.state(step))
        device = self.accelerator.device
        at = (recipe, step, steps, batches.per_epoch)
        loss = self.learner.step(images.to(device), targets.to(device), learning_rate(*at), momentum(*at))
        if not math.isfinite(loss):
            raise self._diverged(f"loss is {loss}", step + 1)
        self.step = step + 1
        if self.average is not None:
            self.average.update(self.model, self.step)
        self.losses.append(loss)
        return loss

    def _check(self, checked: Checked | None) -> None:
        accuracy = self._accuracy(self.dataset.validation)
        check = Check(self.step, sum(self.losses) / len(self.losses), accuracy)
        is_best = accuracy >= max((earlier.accuracy for earlier in self.checks), default=0.0)
        self.checks.append(check)
        self.losses = []
        if is_best:
            self.best = copy.deepcopy(self.judged.state_dict())
        if checked:
            checked(check, self.judged, is_best)

    def _accuracy(self, split: Split) -> float:
        """Over all processes, each of which looks at its share with the statistics of the first one."""
        for buffer in self.judged.buffers():
            broadcast(buffer)
        looked_at = np.sort(np.random.default_rng(0).permutation(len(split))[: self.plan.validated])
        mine = looked_at[self.accelerator.process_index :: self.accelerator.num_processes]
        answers = scores(self.judged, split, self.plan.preprocessing, mine)
        right, sound = answers.argmax(1) == split.labels[mine], split.sound(mine)
        wild = float((~np.isfinite(answers)).sum())
        counts = torch.tensor([float(right[sound].sum()), float(sound.sum()), wild], device=self.accelerator.device)
        correct, judged, wild = self.accelerator.reduce(counts, "sum").tolist()
        if not judged:
            raise BadInput(f"none of the validation images can be read; for one, {split.broken[0]}")
        if wild:
            raise self._diverged("scores are not finite", self.step)
        return float(correct / judged)

    def _all_agree(self, stop: bool) -> bool:
        """Whether any process was asked to stop: then all do, after the same step."""
        if self.accelerator.num_processes == 1:
            return stop
        return bool(self.accelerator.reduce(torch.tensor(float(stop), device=self.accelerator.device), "sum").item())

    def _diverged(self, how: str, step: int) -> Failure:
        """The error for weights gone wild; the best ones are back in the model."""
        self.model.load_state_dict(self.best)
        return Failure(
            f"training diverged: the {how} at step {step} of {self.plan.steps}; "
            f"a learning rate below {self.plan.recipe.learning_rate:g} may help"
        )

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.model.state_dict().items()}
        for index, state in self.learner.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items() if value is not None}
        about = {
            "step": self.step,
            "losses": self.losses,
            "checks": [asdict(check) for check in self.checks],
            "seconds": self.seconds,
            "waited": self.stream.waited,
        }
        return tensors, about

    def _restore(self, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.model.load_state_dict(part("model."))
        self.best = part("best.")
        if self.average is not None:
            self.average.model.load_state_dict(part("average."))
        optimiser = self.learner.optimiser
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        for name, value in part("optimiser.").items():
            index, _, key = name.partition(".")
            parameter = parameters[int(index)]
            # Laid out in memory as the parameter is: the fused optimisers take both for one line of numbers.
            same = value.shape == parameter.shape
            placed = torch.empty_like(parameter).copy_(value) if same else value.to(parameter.device)
            optimiser.state[parameter][key] = placed
        self.step, self.losses, self.seconds = about["step"], list(about["losses"]), about["seconds"]
        self.checks = [Check(**check) for check in about["checks"]]
        self.stream.waited = about["waited"]


@contextlib.contextmanager
def _training(
    model: nn.Module, teacher: nn.Module | None, accelerator: Accelerator, threads: int | None, seed: int
) -> Iterator[None]:
    """The model on its device, channels-last, in training mode; the surroundings as they were once it ends."""
    before, home = torch.get_num_threads(), next(model.parameters()).device
    with torch.random.fork_rng(), memory.kept(), fused():
        torch.manual_seed(seed)
        torch.set_num_threads(threads or before)
        in_format(model.to(accelerator.device), torch.channels_last).train()
        if teacher is not None:
            in_format(teacher.to(accelerator.device), torch.channels_last).eval()
        try:
            yield
        finally:
            torch.set_num_threads(before)
            in_format(model.to(home), torch.contiguous_format).eval()


def _check_numbers(
    steps: int | None, epochs: float | None, seconds: float | None, threads: int | None, seed: int
) -> None:
    if sum(each is not None for each in (steps, epochs, seconds)) != 1:
        raise BadInput("train needs either steps, epochs or seconds")
    if steps is not None and steps < 1:
        raise must_be("steps", "a whole number above 0", steps)
    for name, number in (("epochs", epochs), ("seconds", seconds)):
        if number is not None and not 0 < number < math.inf:
            raise must_be(name, "a number above 0", number)
    most = MOST_THREADS * this_machine().cores
    if threads is not None and not 1 <= threads <= most:
        raise must_be("threads", f"a whole number from 1 to {most}", threads)
    if seed < 0:
        raise must_be("seed", "a whole number of at least 0", seed)


def _check_fit(
    model: nn.Module, dataset: Dataset, preprocessing: Preprocessing, recipe: Recipe, teacher: nn.Module | None
) -> None:
    if preprocessing.channels != dataset.channels:
        raise must_be("the preprocessing's channels", f"the images' {dataset.channels}", preprocessing.channels)
    networks = {"network": model} | ({} if teacher is None else {"teacher": teacher})
    for what, network in networks.items():
        for name, needed in (("num_classes", len(dataset.label_names)), ("in_chans", dataset.channels)):
            if getattr(network, name, needed) != needed:
                raise must_be(f"the {what}'s {name}", f"the images' {needed}", getattr(network, name))
    if (teacher is None) != (recipe.distil == 0):
        mend = "name a teacher or set distil=0" if teacher is None else "set distil above 0"
        raise BadInput(f"a teacher and a recipe with distil above 0 need one another; {mend}")
