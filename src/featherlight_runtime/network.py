"""A compiled network that can be called."""

from __future__ import annotations

import time
import weakref
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featherlight_runtime import cpu
from featherlight_runtime.crew import Crew
from featherlight_runtime.errors import FlightError
from featherlight_runtime.program import Array, Program

MOST_THREADS = 1024


class Network:
    """A program, loaded: NumPy arrays in, and out what belongs to the caller (one array, or a tuple of several).

    It may be called from any thread, and runs one call at a time; other networks run beside it. It runs on `threads`
    threads, of which the caller's is one, with the same result to the last bit for any number of them. `close`, or the
    end of a `with`, gives back its threads and memory, and so does the end of the process.

    Raises FlightError where the processor lacks instructions, `threads` is below 1, or an array is not what the network
    takes.
    """

    def __init__(self, program: Program, threads: int = 1) -> None:
        if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST_THREADS:
            raise FlightError(f"threads must be a whole number from 1 to {MOST_THREADS}; got {threads!r}")
        cpu.check(program.instructions)
        self.program, self.threads = program, threads
        self._inputs, self._outputs = _typed(program.inputs), _typed(program.outputs)
        self._crew = Crew(program, threads)
        self._close = weakref.finalize(self, self._crew.close)  # also when the interpreter ends

    def __call__(self, *images: NDArray[Any]) -> Any:
        """What the network makes of its inputs."""
        taken, results = self._taken(images), self._results()
        self._run(taken, results)
        return results[0] if len(results) == 1 else tuple(results)

    def trace(self, *images: NDArray[Any], calls: int = 10) -> tuple[float, ...]:
        """The seconds that each of `program.steps` takes on the caller's thread, waiting included: medians of `calls`.

        The processor's clock ticks at a rate of its own; a call's ticks are scaled to what the call took.
        """
        taken, results = self._taken(images), self._results()
        ticks = np.zeros(len(self.program.steps) + 1, np.int64)
        rows = []
        for _ in range(calls):
            seconds = self._run(taken, results, ticks.ctypes.data)
            rows.append(np.diff(ticks) * (seconds / max(int(ticks[-1] - ticks[0]), 1)))
        return tuple(np.median(rows, axis=0).tolist())

    def close(self) -> None:
        """Give back threads and memory; calls are refused from now on."""
        self._close()

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self, images: tuple[NDArray[Any], ...]) -> list[NDArray[Any]]:
        if len(images) != len(self._inputs):
            raise FlightError(f"the network must be given {len(self._inputs)} array(s); got {len(images)}")
        return [_fit(image, *expected) for image, expected in zip(images, self._inputs, strict=True)]

    def _results(self) -> list[NDArray[Any]]:
        return [np.empty(shape, dtype) for shape, dtype in self._outputs]

    def _run(self, taken: list[NDArray[Any]], results: list[NDArray[Any]], trace: int = 0) -> float:
        # The quickest way to an address; a small network takes as long as a dozen lines of Python.
        bases = [array.__array_interface__["data"][0] for array in (*taken, *results)]
        crew = self._crew
        with crew.lock:
            begin = time.perf_counter()
            crew.run(bases, trace)
            return time.perf_counter() - begin


def _typed(arrays: tuple[Array, ...]) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
    return [(shape, np.dtype(dtype)) for shape, dtype in arrays]


def _fit(image: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The image where it has the shape and type that the network takes, in one piece of memory."""
    if not isinstance(image, np.ndarray) or image.shape != shape or image.dtype != dtype:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise FlightError(f"an image must be a NumPy array of {dtype} {shape}; got {got}")
    return image if image.flags.c_contiguous and image.flags.aligned else np.require(image, requirements=["C", "A"])
