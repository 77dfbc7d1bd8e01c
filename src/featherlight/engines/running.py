"""A network built by an engine: called with images, it gives scores."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from featherlight.errors import BadInput
from featherlight.timing import Target

Array = NDArray[np.float32]


class Running:
    """A built network: `running(images)` gives the scores. `close`, or the end of a with block, lets go of it."""

    def __init__(self, target: Target, input_shape: tuple[int, int, int, int], run: Callable[[Array], Array]) -> None:
        self.target = target
        self.input_shape = input_shape
        self._run: Callable[[Array], Array] | None = run

    def __call__(self, images: Array) -> Array:
        """The scores, the caller's own, of float32 `images` (batch, channels, height, width), which stay as they are.

        Raises BadInput for any other shape or type, and after `close`.
        """
        if self._run is None:
            raise BadInput(f"this network of the engine {self.target.engine} was closed")
        if not isinstance(images, np.ndarray) or images.dtype != np.float32 or images.shape != self.input_shape:
            raise BadInput(f"images must be a float32 array of shape {self.input_shape}; got {_kind(images)}")
        return self._run(np.require(images, requirements=("C", "A", "W")))

    def close(self) -> None:
        """Let go of what the engine holds; a second time does nothing."""
        self._run = None

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _kind(images: object) -> str:
    if isinstance(images, np.ndarray):
        return f"{images.dtype} of shape {images.shape}"
    return type(images).__name__
