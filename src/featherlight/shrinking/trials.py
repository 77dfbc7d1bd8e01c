"""Training and judging for a shrink: each finished piece of work in the journal, its weights in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from featherlight.layers import Network
from featherlight.now_and_then import now_and_then
from featherlight.shrinking.carve import Weights
from featherlight.shrinking.netadapt import TRAINED
from featherlight.shrinking.plan import Plan
from featherlight.shrinking.progress import Progress
from featherlight.shrinking.task import Task
from featherlight.shrinking.times import Times
from featherlight.spec import Spec
from featherlight.training import Checkpoints, Trained, recipe_for, scores, train_network
from featherlight.training.kept import trained_once

# Validation images at most, always the same ones; judging one costs a third of training on one.
JUDGED, GLIMPSED = 1000, 128
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
        task, recipe = self.task, recipe_for(self.task.preprocessing.size)
        batch = min(recipe.batch, len(task.dataset.train))
        network, trained = self.network(spec, weights), False

        def train(checkpoints: Checkpoints) -> Trained:
            nonlocal trained
            trained = True
            self.progress.begin()
            return train_network(
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
            )

        tuned, accuracy = trained_once(task.record, task.work, key, network, train, task.say)
        self.progress.done(images, trained=trained)
        return tuned, accuracy

    def _telling(self, key: str) -> Callable[[int, int, float, float], None]:
        """Says now and then how far a piece of training is, and how long all that comes after it will take."""

        def tell(step: int, steps: int, loss: float, left: float) -> None:
            whole = f"{left:.0f} s left" if key == FINAL else self.progress.left()
            self.task.say(f"{key}: step {step} of {steps}, loss {loss:.3f}, {whole}")

        return now_and_then(tell)
