"""What an engine is. Each is a module of this package, found by `find`; it loads its library when it builds."""

from __future__ import annotations

from typing import Protocol

from featherlight.engines.running import Array, Running
from featherlight.engines.source import Source
from featherlight.engines.trace import Step


class Engine(Protocol):
    """Runs networks: one way among rivals to turn images into scores on this machine."""

    @property
    def name(self) -> str:
        """The name by which `find` knows it."""

    @property
    def needs_module(self) -> bool:
        """Whether it runs torch modules only, and neither ONNX files nor graphs."""

    def missing(self) -> str | None:
        """Why this engine cannot be used here and what to install, in one sentence; None where it can."""

    def version(self) -> str:
        """The version of its library."""

    def build(self, source: Source, *, threads: int, batch: int = 1) -> Running:
        """The network of `source`, ready to run on `threads` threads, `batch` images at a time, in float32.

        Raises BadInput for a source that this engine cannot run.
        """

    def trace(self, source: Source, images: Array, *, threads: int, calls: int = 20) -> tuple[Step, ...]:
        """What it does with `images` of one batch, step by step, in the order in which it runs them.

        The network is built once more with the engine's own profiler on and called `calls` times after a warm-up. Each
        operation of `source.graph` but views is in exactly one step. Raises BadInput for a source that this engine
        cannot run, or where it has no way to trace.
        """
