"""Training and judging for a shrink: each finished piece of work in the journal, its weights in a file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch

from featherlight.data import Dataset, Preprocessing
from featherlight.engines import GraphSource, Running, find
from featherlight.engines.rivals import settling, turn_of
from featherlight.errors import Failure
from featherlight.files import replacing, sha256
from featherlight.graph import from_spec
from featherlight.journal import Record
from featherlight.layers import Network
from featherlight.shrinking.carve import Weights
from featherlight.shrinking.proposals import Clock
from featherlight.spec import Spec
from featherlight.timing import Measurement, Timed, interleave, summarise_rounds, tell_apart
from featherlight.training import Checkpoints, Recipe, scores, train_network

JUDGED = 2000  # validation images at most, always the same ones
SAY_EVERY = 10.0  # seconds
SECONDS = 0.5  # of timing for a network that is kept

# Of the peak learning rate of training from scratch: a cut network has little to learn again, and much to forget.
SHORT_RATE, LONG_RATE = 0.1, 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Trials:
    """A shrink's bench, as far as it does not change while it runs.

    recipe   of training from scratch, whose peak learning rate the fine-tunes take a share of
    images   of a short fine-tune
    engine   that times, None where the `clock` tells the time of another device
    """

    folder: Path
    dataset: Dataset
    preprocessing: Preprocessing
    recipe: Recipe
    images: int
    threads: int
    seed: int
    record: Record
    say: Say
    clock: Clock
    engine: str | None
    engine_threads: int

    @property
    def ends(self) -> tuple[int, int]:
        """Classes, and channels of the images."""
        return len(self.dataset.label_names), self.preprocessing.channels

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return self.preprocessing.channels, self.preprocessing.size, self.preprocessing.size

    def glimpse(self, spec: Spec, weights: Weights) -> float:
        """The accuracy on the judging images, without any training."""
        split = self.dataset.validation
        chosen = np.sort(np.random.default_rng(0).permutation(len(split))[:JUDGED])
        answers = scores(self.network(spec, weights), split, self.preprocessing, chosen).argmax(1)
        sound = split.sound(chosen)
        return float((answers == split.labels[chosen])[sound].mean())

    def tune(self, key: str, spec: Spec, weights: Weights) -> tuple[Weights, float]:
        """A short fine-tune at a low rate."""
        return self.train(key, spec, weights, self.images, SHORT_RATE)

    def finish(self, key: str, spec: Spec, weights: Weights | None, images: int) -> tuple[Weights, float]:
        """A long one; from scratch, at the whole rate, where there are no weights."""
        return self.train(key, spec, weights, images, 1.0 if weights is None else LONG_RATE)

    def ratio(self, key: str, spec: Spec, first: Spec) -> float:
        """Told by the clock where the network is for another device; else both are timed in the same rounds."""
        if self.engine is None:
            return self.clock(spec) / self.clock(first)
        return float(self.record.once("timed", lambda: {"ratio": self._ratio(spec, first)}, key=key)["ratio"])

    def _ratio(self, spec: Spec, first: Spec) -> float:
        mine, others = self.side_by_side(spec, first)
        return tell_apart(mine.rounds, others.rounds).ratio

    def side_by_side(self, *specs: Spec) -> list[Timed]:
        """Networks timed in the same rounds: a time of now and one of an hour ago met different noise."""
        with ExitStack() as stack:
            running = [stack.enter_context(self._built(each)) for each in specs]
            turns = {str(at): turn_of(each, settling([self.engine_threads])) for at, each in enumerate(running)}
            taken = interleave(turns, seconds=SECONDS * len(specs))
        return [summarise_rounds(each.target, taken[str(at)]) for at, each in enumerate(running)]

    def measure(self, spec: Spec) -> Measurement:
        """The time of a network of a Spec, whatever its weights."""
        return self.side_by_side(spec)[0].measurement

    def _built(self, spec: Spec) -> Running:
        assert self.engine is not None
        source = GraphSource(from_spec(spec, (1, *self.image), self.ends[0]))
        return find(self.engine).build(source, threads=self.engine_threads)

    def network(self, spec: Spec, weights: Weights | None) -> Network:
        """A network of a Spec with these weights, or fresh ones."""
        network = Network(spec, *self.ends).eval()
        if weights is not None:
            network.load_state_dict(dict(weights))
        return network

    def train(self, key: str, spec: Spec, weights: Weights | None, images: int, rate: float) -> tuple[Weights, float]:
        """Train on so many images, or read back what was trained before; Failure where its file is damaged."""
        event = self.record.once("trained", lambda: self._train(key, spec, weights, images, rate), key=key)
        path = self.folder / event["weights"]
        if not path.exists() or sha256(path) != event["sha256"]:
            raise Failure(f"{path} is missing or damaged, and the shrink cannot go on from it; begin in another folder")
        return safetensors.torch.load_file(path), float(event["accuracy"])

    def _train(self, key: str, spec: Spec, weights: Weights | None, images: int, rate: float) -> dict[str, Any]:
        recipe = replace(self.recipe, learning_rate=rate * self.recipe.learning_rate)
        batch = min(recipe.batch, len(self.dataset.train))
        network, checkpoints = self.network(spec, weights), Checkpoints(self.folder / key, say=self.say)
        said = time.perf_counter()

        def progress(step: int, steps: int, loss: float, left: float) -> None:
            nonlocal said
            if time.perf_counter() - said >= SAY_EVERY:
                said = time.perf_counter()
                self.say(f"{key}: step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left")

        try:
            accuracy = train_network(
                network,
                self.dataset,
                recipe,
                self.preprocessing,
                steps=max(1, round(images / batch)),
                threads=self.threads,
                seed=self.seed,
                validated=JUDGED,
                checkpoints=checkpoints,
                progress=progress,
            ).accuracy
        except Failure as failure:  # one that diverges cannot win; the others go on
            self.say(f"{key}: {failure}")
            accuracy = 0.0
        path = self.folder / f"{key}.safetensors"
        with replacing(path) as temporary:
            tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
            safetensors.torch.save_file(tensors, temporary, metadata={"format": "pt"})
        shutil.rmtree(checkpoints.folder, ignore_errors=True)
        return {"images": images, "accuracy": accuracy, "weights": path.name, "sha256": sha256(path)}
