"""Training and judging for a shrink: each finished piece of work in the journal, its weights in a file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import safetensors.torch

from featherlight.errors import Failure
from featherlight.files import replacing, sha256
from featherlight.layers import Network
from featherlight.shrinking.carve import Weights
from featherlight.shrinking.netadapt import TRAINED
from featherlight.shrinking.plan import Plan
from featherlight.shrinking.progress import Progress
from featherlight.shrinking.task import Task
from featherlight.shrinking.times import Times
from featherlight.spec import Spec
from featherlight.training import Checkpoints, recipe_for, scores, train_network

# Validation images at most, always the same ones; judging one costs a third of training on one.
JUDGED, GLIMPSED = 1000, 128
SAY_EVERY = 10.0  # seconds
FINAL = "final"  # the key of the long fine-tune

# Of the peak learning rate of training from scratch: a cut network has little to learn again, and much to forget.
SHORT_RATE, LONG_RATE = 0.1, 0.5


@dataclass(frozen=True)
class Trials:
    """A shrink's bench: what NetAdapt asks for, and the long fine-tune of every method."""

    task: Task
    times: Times
    plan: Plan
    progress: Progress

    def glimpse(self, key: str, spec: Spec, weights: Weights) -> float:
        """The accuracy on some of the judging images, without any training."""
        event = self.task.record.once("glimpse", lambda: {"accuracy": self.judge(spec, weights, GLIMPSED)}, key=key)
        return float(event["accuracy"])

    def judge(self, spec: Spec, weights: Weights, images: int = JUDGED) -> float:
        """The accuracy on the judging images."""
        split = self.task.dataset.validation
        chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:images])
        answers = scores(self.network(spec, weights), split, self.task.preprocessing, chosen).argmax(1)
        return float((answers == split.labels[chosen])[split.sound(chosen)].mean())

    def tune(self, key: str, spec: Spec, weights: Weights) -> tuple[Weights, float]:
        """A short fine-tune at a low rate."""
        return self._train(key, spec, weights, self.plan.short, SHORT_RATE)

    def finish(self, spec: Spec, weights: Weights | None) -> tuple[Weights, float]:
        """A long one on all images that are left; from scratch, at the whole rate, where there are no weights."""
        self.expect(0)
        return self._train(FINAL, spec, weights, self._last, 1.0 if weights is None else LONG_RATE)

    def expect(self, iterations: int) -> None:
        """So many more iterations of NetAdapt are to come, about."""
        each = TRAINED * self.plan.short
        self.progress.expect(iterations, each, max(self.plan.last, self._last - iterations * each))

    @property
    def _last(self) -> int:
        """The images for the long fine-tune, were it now."""
        return max(self.plan.last, self.plan.images - self.progress.seen)

    def ratio(self, key: str, spec: Spec) -> float:
        """Of its time and the first network's."""
        return self.times.ratio(key, spec)

    def network(self, spec: Spec, weights: Weights | None) -> Network:
        """A network of a Spec with these weights, or fresh ones."""
        network = Network(spec, *self.task.ends).eval()
        if weights is not None:
            network.load_state_dict(dict(weights))
        return network

    def _train(self, key: str, spec: Spec, weights: Weights | None, images: int, rate: float) -> tuple[Weights, float]:
        """Train on so many images, or read back what was trained before; Failure where its file is damaged."""
        trained = self.task.record.find("trained", key=key) is None
        event = self.task.record.once("trained", lambda: self._trained(key, spec, weights, images, rate), key=key)
        path = self.task.work / event["weights"]
        if not path.exists() or sha256(path) != event["sha256"]:
            raise Failure(f"{path} is missing or damaged, and the shrink cannot go on from it; begin in another folder")
        self.progress.done(images, trained=trained)
        return safetensors.torch.load_file(path), float(event["accuracy"])

    def _trained(self, key: str, spec: Spec, weights: Weights | None, images: int, rate: float) -> dict[str, Any]:
        task, recipe = self.task, recipe_for(self.task.preprocessing.size)
        batch = min(recipe.batch, len(task.dataset.train))
        network, checkpoints = self.network(spec, weights), Checkpoints(task.work / key, say=task.say)
        self.progress.begin()
        try:
            accuracy = train_network(
                network,
                task.dataset,
                replace(recipe, learning_rate=rate * recipe.learning_rate),
                task.preprocessing,
                steps=max(1, round(images / batch)),
                threads=self.plan.threads,
                seed=task.asked.seed,
                validated=JUDGED,
                checkpoints=checkpoints,
                progress=self._telling(key),
            ).accuracy
        except Failure as failure:  # one that diverges cannot win; the others go on
            task.say(f"{key}: {failure}")
            accuracy = 0.0
        path = task.work / f"{key}.safetensors"
        with replacing(path) as temporary:
            tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
            safetensors.torch.save_file(tensors, temporary, metadata={"format": "pt"})
        shutil.rmtree(checkpoints.folder, ignore_errors=True)
        return {"images": images, "accuracy": accuracy, "weights": path.name, "sha256": sha256(path)}

    def _telling(self, key: str) -> Callable[[int, int, float, float], None]:
        """Says now and then how far a piece of training is, and how long all that comes after it will take."""
        said = time.monotonic()

        def tell(step: int, steps: int, loss: float, left: float) -> None:
            nonlocal said
            if time.monotonic() - said >= SAY_EVERY:
                said = time.monotonic()
                whole = f"{left:.0f} s left" if key == FINAL else self.progress.left()
                self.task.say(f"{key}: step {step} of {steps}, loss {loss:.3f}, {whole}")

        return tell
