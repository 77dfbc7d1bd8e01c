"""A flight file with all it takes to name what a photograph shows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from featherlight.data import Preprocessing
from featherlight.data.preprocessing import crop, normalise
from featherlight.engines import Running
from featherlight.errors import BadInput
from featherlight.predict.prediction import Photo, Prediction, name_best, open_photo
from featherlight.timing import Target, this_machine
from featherlight_runtime import FlightError, Network
from featherlight_runtime import load as load_network

FLIGHT_SUFFIX = ".flight"
ENGINE = "native"  # whose code a flight file holds


@dataclass(frozen=True, eq=False)
class CompiledClassifier:
    """A compiled network, the names of its classes, and what becomes of a photograph before it sees it."""

    network: Network
    label_names: tuple[str, ...]
    preprocessing: Preprocessing

    @overload
    def predict(self, images: Photo, top: int = 5) -> list[Prediction]: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Sequence[Photo], top: int = 5) -> list[list[Prediction]]: ...
    def predict(self, images: Photo | Sequence[Photo], top: int = 5) -> list[Prediction] | list[list[Prediction]]:
        """The `top` most likely classes, best first: of one photograph, or of each of several.

        Raises BadInput for a photograph that cannot be read; of several none is named then.
        """
        return name_best(images, top, self.scores, self.label_names)

    def scores(self, images: Sequence[Photo]) -> NDArray[np.float32]:
        """What the network says of each photograph: float32 (N, classes), before the softmax."""
        batch = self.network.program.inputs[0].shape[0]
        prepared = [self.prepare(images[start : start + batch]) for start in range(0, len(images), batch)]
        found = [self.network(_filled(each, batch))[: len(each)] for each in prepared]
        return np.concatenate(found) if found else np.zeros((0, len(self.label_names)), np.float32)

    def prepare(self, images: Sequence[Photo]) -> NDArray[Any]:
        """What the network takes of each photograph: float32 (N, C, H, W), or uint8 (N, H, W, C)."""
        pixels = np.stack([crop(open_photo(image), self.preprocessing) for image in images])
        if self.network.program.inputs[0].dtype == "uint8":
            return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
        return normalise(pixels, self.preprocessing)

    def running(self) -> Running:
        """The network as an engine gives one, for as many images of float32 as it was compiled for."""
        (shape, dtype), seen = self.network.program.inputs[0], self.preprocessing
        version = str(self.network.program.about.get("featherlight", ""))
        target = Target(ENGINE, version, self.network.threads, "f32", shape[0], this_machine())

        def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
            found: NDArray[np.float32] = self.network(_pixels(images, seen) if dtype == "uint8" else images)
            return found

        return Running(target, (shape[0], seen.channels, seen.size, seen.size), run)


def load_compiled(path: str | os.PathLike[str], threads: int = 1) -> CompiledClassifier:
    """The classifier in a flight file, on so many threads.

    Raises BadInput for what `featherlight_runtime.load` refuses, and for a file that does not say what becomes of a
    photograph.
    """
    name = os.fspath(path)
    with contextlib.ExitStack() as opened:
        try:
            network = opened.enter_context(load_network(path, threads))
        except FlightError as error:
            raise BadInput(str(error)) from error
        about = network.program.about
        if not {"preprocessing", "label_names"} <= set(about):
            raise BadInput(
                f"{name} does not say what becomes of a photograph and what its classes are called, for it was "
                "compiled from a bare network: compile a folder or a name, or call "
                f"featherlight_runtime.load({name!r})(images)"
            )
        try:
            classifier = CompiledClassifier(network, *_described(network, about))
        except ValueError as error:  # BadInput is one
            raise BadInput(f"{name}: {error}") from error
        opened.pop_all()  # it is the caller's now
    return classifier


def _described(network: Network, about: Mapping[str, Any]) -> tuple[tuple[str, ...], Preprocessing]:
    """Class names and preprocessing, which fit what the network takes and gives."""
    preprocessing, labels = (
        Preprocessing.from_config(dict(about["preprocessing"])),
        tuple(map(str, about["label_names"])),
    )
    ((given, dtype),), ((scores, _),) = network.program.inputs, network.program.outputs
    side, channels = preprocessing.size, preprocessing.channels
    expected = (given[0], side, side, channels) if dtype == "uint8" else (given[0], channels, side, side)
    if given != expected or scores != (given[0], len(labels)):
        raise BadInput(f"the network must fit what the file says of it: {expected} in, {len(labels)} classes out")
    return labels, preprocessing


def _filled(images: NDArray[Any], batch: int) -> NDArray[Any]:
    """The images with as many black ones behind them as make a batch."""
    return np.pad(images, ((0, batch - len(images)), (0, 0), (0, 0), (0, 0)))


def _pixels(images: NDArray[np.float32], seen: Preprocessing) -> NDArray[np.uint8]:
    """What `normalise` made these images of: uint8 (N, H, W, C)."""
    mean, std = (np.asarray(numbers, np.float32)[:, None, None] for numbers in (seen.mean, seen.std))
    levels = np.rint((images * std + mean) * 255).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
