"""How fast a network trains here, and how many steps fit in a given time."""

from __future__ import annotations

import copy
import time
from bisect import bisect_right
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from featherlight.data import Split
from featherlight.timing import this_machine
from featherlight.training import memory
from featherlight.training.augment import decoded_size
from featherlight.training.batches import Batches
from featherlight.training.fused import fused
from featherlight.training.papers import recipe_for
from featherlight.training.recipe import Recipe
from featherlight.training.step import Learner, in_format

MOST_CHECKS = 10

# Without these a CPU emulates bfloat16, many times slower: not worth a measurement.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
_WORTH = 1.05  # times as fast must bfloat16 be to be chosen


@dataclass(frozen=True)
class Pace:
    """What training costs, in seconds: a `step`, a `check` on the validation images, an image's `first_look`.

    `first_look` is what decoding an image adds the first time, where it then stays in memory. `batch`, `train` and
    `validation` count images.
    """

    step: float
    check: float
    first_look: float
    batch: int
    train: int
    validation: int

    def seconds(self, steps: int) -> float:
        """What `steps` steps take, with their checks."""
        checks = len(check_steps(steps, -(-self.train // self.batch)))
        looks = min(steps * self.batch, self.train) + self.validation
        return steps * self.step + checks * self.check + looks * self.first_look

    def steps_within(self, seconds: float) -> int:
        """The most steps that take no longer than `seconds`, and at least one."""
        return max(1, bisect_right(range(1, 1 << 40), seconds, key=self.seconds))


def check_steps(steps: int, per_epoch: int) -> list[int]:
    """After how many steps to validate: once an epoch, at most MOST_CHECKS times, evenly, and always at the end."""
    count = min(MOST_CHECKS, max(1, steps // per_epoch))
    return [round(steps * (check + 1) / count) for check in range(count)]


def measure_pace(
    model: nn.Module,
    batches: Batches,
    validation: Split,
    seconds: float,
    *,
    teacher: nn.Module | None = None,
    bfloat16: bool = False,
) -> Pace:
    """The pace of training `model` on these batches, measured for about `seconds` on a copy of it."""
    fetches = []
    for _ in range(2):  # the second time without decoding, if the images were kept
        start = time.perf_counter()
        images, targets = batches(0)
        fetches.append(time.perf_counter() - start)
    first, again = fetches
    kept = batches.split.keeps(decoded_size(batches.recipe, batches.preprocessing.size))
    decode = max(0.0, first - again if kept else again) / len(images)
    step = _seconds_per_step(model, images, targets, batches.recipe, seconds, teacher, bfloat16)
    forward = _seconds_forward(model, images) / len(images)
    return Pace(
        step=step + again,  # the images come from another thread, but it needs a core as well
        check=len(validation) / batches.processes * (forward if kept else forward + decode),
        first_look=decode / batches.processes if kept else 0.0,
        batch=batches.size,
        train=len(batches.split),
        validation=len(validation),
    )


def images_per_second(
    model: nn.Module,
    size: int,
    channels: int = 3,
    *,
    batch: int | None = None,
    threads: int | None = None,
    seconds: float = 1.0,
) -> float:
    """How many images of `size` pixels a second `model` trains on, measured for about `seconds` on a copy of it.

    On random images; `batch` is the recipe's unless given, `threads` those that PyTorch uses now.
    """
    recipe = recipe_for(size)
    images, targets = _made_up(recipe.batch if batch is None else batch, channels, size)
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        return len(images) / _seconds_per_step(model, images, targets, recipe, seconds)
    finally:
        torch.set_num_threads(before)


def fastest_threads(model: nn.Module, size: int, channels: int = 3, seconds: float = 0.3) -> int:
    """The number of threads, one or all that PyTorch would use, with which `model` trains faster now.

    On a machine whose cores are busy with something else, threads that wait for one another can be many times slower
    than one alone.
    """
    choices = {torch.get_num_threads(), 1}
    if len(choices) == 1:
        return 1
    return max(choices, key=lambda n: images_per_second(model, size, channels, threads=n, seconds=seconds))


def bfloat16_is_faster(model: nn.Module, recipe: Recipe, size: int, channels: int, seconds: float = 0.3) -> bool:
    """Whether the forward pass in bfloat16 makes a step faster here, measured where the machine has it in hardware."""
    if not torch.cuda.is_available() and not _BFLOAT16 & set(this_machine().instruction_sets):
        return False
    images, targets = _made_up(recipe.batch, channels, size)
    full, half = (
        _seconds_per_step(model, images, targets, recipe, seconds, bfloat16=bfloat16) for bfloat16 in (False, True)
    )
    return full > _WORTH * half


def _made_up(count: int, channels: int, size: int) -> tuple[Tensor, Tensor]:
    images = torch.randn(count, channels, size, size).contiguous(memory_format=torch.channels_last)
    return images, torch.zeros(count, dtype=torch.int64)


def _seconds_per_step(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    recipe: Recipe,
    seconds: float,
    teacher: nn.Module | None = None,
    bfloat16: bool = False,
) -> float:
    twin = in_format(copy.deepcopy(model), torch.channels_last)
    device = next(twin.parameters()).device
    images, targets = images.to(device), targets.to(device)
    learner = Learner(twin, recipe, teacher=teacher, bfloat16=bfloat16)
    learner.train()
    with fused(), memory.kept():  # as in the training loop
        learner.step(images, targets, 0.0, recipe.momentum)  # the first one allocates and chooses kernels
        start, taken = time.perf_counter(), 0
        while taken < 2 or time.perf_counter() - start < seconds:
            learner.step(images, targets, 0.0, recipe.momentum)
            taken += 1
    return (time.perf_counter() - start) / taken


def _seconds_forward(model: nn.Module, images: Tensor) -> float:
    twin = in_format(copy.deepcopy(model), torch.channels_last).eval()
    images = images.to(next(twin.parameters()).device)
    with torch.inference_mode():
        twin(images).cpu()
        start = time.perf_counter()
        twin(images).cpu()  # a GPU has only been asked until its answer is here
    return time.perf_counter() - start
