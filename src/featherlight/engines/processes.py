"""Rivals timed side by side, each in a process of its own.

In one process rivals share a memory allocator, thread pools and settings, and one may slow down another: an OpenMP
library of one engine, once loaded, changes how the next one's threads wait. Here each has its own interpreter, and only
one of them runs at a time, in the same rounds as within one process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from featherlight.engines.agreement import reference
from featherlight.engines.rivals import settling
from featherlight.engines.source import GraphSource, ModuleSource, Source
from featherlight.engines.worker import Rival
from featherlight.errors import BadInput, Failure, FeatherlightError
from featherlight.timing import Target, Timed, interleave, summarise_rounds

PROCESS_BYTES = 150_000_000  # of one rival's process, roughly: an interpreter, an engine's library and a network

Progress = Callable[[str, float], None]
"""Told what is being done, "building" or "timing", and what share of it is done, from 0 to 1."""


def measure_apart(
    rivals: Mapping[str, Rival],
    *,
    seconds: float = 2.0,
    rounds: int | None = None,
    progress: Progress = lambda doing, share: None,
) -> dict[str, Timed]:
    """The time of one call of each rival, built and run in a process of its own, all timed in the same rounds.

    For `seconds` and `rounds` see `featherlight.timing.interleave`; the time of building comes on top. However this
    ends, no process is left; if this process is killed, each of the others ends with its turn. Raises BadInput for what
    an engine cannot run, Failure where a rival's process dies; both name the rival.
    """
    for name, rival in rivals.items():
        _check(name, rival)
    settle = settling(rival.threads for rival in rivals.values())
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for number, (name, rival) in enumerate(rivals.items()):
            progress("building", number / len(rivals))
            workers[name] = stack.enter_context(Worker(name, rival, settle))
        taken = interleave(
            {name: worker.turn for name, worker in workers.items()},
            seconds=seconds,
            rounds=rounds,
            progress=lambda share: progress("timing", share),
        )
        return {name: summarise_rounds(worker.target, taken[name]) for name, worker in workers.items()}


class Worker:
    """A rival built in a process of its own; `turn` lets it take a turn there. The end of a with block ends it."""

    target: Target

    def __init__(self, name: str, rival: Rival, settle: float) -> None:
        self.name = name
        reference(rival.source, rival.batch)  # here once, and not in each process
        order = _pickled(name, (replace(rival, source=_portable(rival)), settle))
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from featherlight.engines.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        try:
            self.target = self._ask(order)
        except BaseException:
            self.close()
            raise

    def turn(self) -> tuple[float, ...]:
        """The samples of one turn, in seconds a call; Failure, with its last words, where the process died."""
        samples: tuple[float, ...] = self._ask(b".")
        return samples

    def close(self) -> None:
        """End the process; a second time does nothing."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _ask(self, order: bytes) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with suppress(BrokenPipeError):  # it may have answered before it ended
                self._process.stdin.write(order)
                self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise Failure(self._obituary()) from None
        if isinstance(answer, FeatherlightError):
            raise type(answer)(f"{self.name}: {answer}")
        return answer

    def _obituary(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        last = " ".join(self._errors.read().decode(errors="replace").split())[-200:]
        return f"the process that ran {self.name} died (exit code {code}){': ' + last if last else ''}"

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _check(name: str, rival: Rival) -> None:
    """Refuse what can be refused before minutes are spent on the others."""
    engine = rival.found
    if engine.needs_module and not isinstance(rival.source, ModuleSource):
        raise BadInput(f"{name}: the engine {engine.name} runs torch modules; got {rival.source.name}")


def _portable(rival: Rival) -> Source:
    """The source as it is sent: a graph, where the engine can do with one, so that it need not load torch."""
    source = rival.source
    if not isinstance(source, ModuleSource):
        return source
    if rival.found.needs_module:
        return replace(source)  # without the graph
    return GraphSource(source.graph, source.name, source.references)


def _pickled(name: str, order: tuple[Rival, float]) -> bytes:
    try:
        return pickle.dumps(order, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise BadInput(f"{name} cannot be sent to a process of its own: {' '.join(str(error).split())}") from error
