"""What an engine is. Each is a module of this package, found by `find`; it loads its library when it builds."""

from __future__ import annotations

from typing import Protocol

from featherlight.engines.running import Running
from featherlight.engines.source import Source


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
