"""One heat: a candidate trained for a while, going on from where its heat before ended."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import safetensors.torch

from featherlight.errors import Failure
from featherlight.files import replacing, sha256
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.rungs import CHECK, VALIDATED
from featherlight.fitting.task import Task
from featherlight.fitting.weights import start_of
from featherlight.layers import Network
from featherlight.now_and_then import now_and_then
from featherlight.training import Checkpoints, train_network

CANDIDATES = "candidates"  # the folder of weights under way, in that of the fit

Progress: TypeAlias = Callable[[int, int, float, float], None]


@dataclass(frozen=True)
class Heat:
    """What a heat did.

    images    seen in this heat, and `images_before` in the earlier ones; images_per_second while it trained and checked
    rate      images a second, had it not validated in between
    seconds   by the clock, with measuring the pace and writing the weights
    failed    why it was given up, "" where it was not
    weights   the file's name in the folder of candidates, with its digest
    """

    candidate: Candidate
    rung: int
    steps: int
    images: int
    images_before: int
    images_per_second: float
    rate: float
    seconds: float
    threads: int
    accuracy: float
    recipe: Mapping[str, Any]
    weights: str
    sha256: str
    failed: str = ""

    @property
    def images_in_all(self) -> int:
        """Seen in this heat and before."""
        return self.images_before + self.images


@dataclass(frozen=True)
class Assignment:
    """What a heat is to do: train `candidate` from the end of the heat `before`, with `threads`.

    seconds   that it is to take, or is expected to where `images` are given: then it takes in so many
    left      seconds of training that the fit has left in all, this heat among them
    """

    candidate: Candidate
    rung: int
    seconds: float
    images: float | None
    threads: int
    before: Heat | None
    left: float


def run(task: Task, start: Assignment) -> Heat:
    """Train, or find in the record that it was done before; one whose loss is not finite comes back as failed."""
    event = task.record.once("trained", lambda: _train(task, start), name=start.candidate.name, rung=start.rung)
    fields = {name: value for name, value in event.items() if name not in ("event", "name")}
    heat = Heat(start.candidate, **fields)
    if heat.failed:
        task.say(f"{heat.candidate.name} is out: {heat.failed}")
    else:
        task.say(
            f"trained {heat.candidate.name} on {heat.images:,} images ({heat.images_per_second:.0f} a second): "
            f"validation accuracy {heat.accuracy:.1%}"
        )
    return heat


def network_of(task: Task, candidate: Candidate, heat: Heat | None) -> Network:
    """The candidate's network as `heat` left it; without one, as it starts.

    Raises Failure where the file of weights is not the one that the heat wrote.
    """
    network = start_of(task, candidate).network
    if heat is None:
        return network
    path = task.folder / CANDIDATES / heat.weights
    if not path.exists() or sha256(path) != heat.sha256:
        raise Failure(f"{path} is missing or damaged, and the fit cannot go on from it; start one in another folder")
    network.load_state_dict(safetensors.torch.load_file(path))
    return network.eval()


def _train(task: Task, start: Assignment) -> dict[str, Any]:
    """What the record keeps of a heat: one cycle of the learning rate, with checkpoints for the case that it is cut."""
    candidate, before = start.candidate, start.before
    name = f"{candidate.architecture}-{candidate.width:g}-{candidate.size}-{start.rung}"
    checkpoints = Checkpoints(task.folder / CANDIDATES / name, say=task.say)
    network, began = network_of(task, candidate, before), time.perf_counter()
    kept = {"steps": 0, "images": 0, "images_before": before.images_in_all if before else 0,
            "images_per_second": 0.0, "rate": 0.0, "accuracy": 0.0, "threads": start.threads,
            "recipe": {}, "weights": "", "sha256": ""}  # fmt: skip
    beginning, images = start_of(task, candidate), start.images
    recipe, validation = beginning.recipe, len(task.dataset.validation)
    validated = None if images is None else min(VALIDATED, validation)
    try:
        trained = train_network(
            network,
            task.dataset,
            recipe,
            beginning.preprocessing,
            steps=None if images is None else max(1, round(images / min(recipe.batch, len(task.dataset.train)))),
            seconds=start.seconds if images is None else None,
            validated=validated,
            threads=start.threads,
            seed=task.seed + start.rung,  # else every heat would see the same images first
            checkpoints=checkpoints,
            progress=_progress(task, start),
        )
    except Failure as failure:  # one that diverges is out; the others go on
        shutil.rmtree(checkpoints.folder, ignore_errors=True)
        return kept | {"seconds": time.perf_counter() - began, "failed": str(failure)}
    path = task.folder / CANDIDATES / f"{name}.safetensors"
    with replacing(path) as temporary:
        tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        safetensors.torch.save_file(tensors, temporary, metadata={"format": "pt"})
    shutil.rmtree(checkpoints.folder, ignore_errors=True)
    return kept | {
        "steps": trained.steps,
        "images": trained.images,
        "images_per_second": trained.images_per_second,
        "rate": (trained.images + CHECK * len(trained.checks) * (validated or validation)) / trained.seconds,
        # What was done before a crash counts as well.
        "seconds": max(trained.seconds, time.perf_counter() - began),
        "threads": trained.threads,
        "accuracy": trained.accuracy,
        "recipe": trained.recipe.to_json(),
        "weights": path.name,
        "sha256": sha256(path),
    }


def _progress(task: Task, start: Assignment) -> Progress:
    def progress(step: int, steps: int, loss: float, left: float) -> None:
        in_all = max(left, start.left - start.seconds + left)
        task.say(
            f"training {start.candidate.name}: step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left, "
            f"{in_all:.0f} s of training in all"
        )

    return now_and_then(progress)
