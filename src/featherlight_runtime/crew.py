"""A compiled network's threads: they are there from the first inference on and asleep between inferences."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from featherlight_runtime import context, cpu
from featherlight_runtime.errors import FlightError
from featherlight_runtime.memory import Pages, aligned, executable, pages
from featherlight_runtime.program import Program

_ONE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_TWO = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


class Crew:
    """The caller's thread and `threads` - 1 more, with the memory and the code that they share.

    `lock` is held by whoever sets words of the context and runs. Threads do not live through a fork: the child's crew
    hires its own when it first runs.
    """

    def __init__(self, program: Program, threads: int) -> None:
        self.lock = threading.Lock()
        self.words = pages(8 * (context.INPUTS + len(program.inputs) + len(program.outputs))).view(np.int64)
        code, arena, weights = executable(program.code), pages(program.arena), aligned(program.weights)
        self._memory: tuple[Pages | NDArray[np.int64], ...] = (self.words, code, arena, weights)
        self._context = self.words.ctypes.data
        at = {name: code.ctypes.data + offset for name, offset in program.entries.items()}
        self._start, self._serve, self._stop = _ONE(at["start"]), _TWO(at["serve"]), _ONE(at["stop"])
        self._threads = threads
        self._workers: list[threading.Thread] = []
        self._closed = False
        self.words[context.THREADS], self.words[context.CORES] = threads, cpu.cores()
        self.words[context.ARENA], self.words[context.WEIGHTS] = arena.ctypes.data, weights.ctypes.data
        _crews.add(self)

    def run(self, bases: Sequence[int], trace: int = 0) -> None:
        """One inference on the inputs and into the outputs at these addresses; the caller holds the lock."""
        if self._closed:
            raise FlightError("a network must be open to be called; this one was closed")
        if len(self._workers) < self._threads - 1:
            self._hire()
        self.words[context.TRACE] = trace
        for place, base in enumerate(bases, context.INPUTS):
            self.words[place] = base
        self._start(self._context)

    def close(self) -> None:
        """Send the workers home and let go of all memory."""
        with self.lock:
            self._dismiss()
            self._closed = True
            self._memory = ()
            self.words = self.words[:0].copy()

    def _hire(self) -> None:
        for thread in range(1, self._threads):
            # A worker holds on to the memory: whatever becomes of the network, it goes when the worker has gone.
            worker = threading.Thread(
                target=_work, args=(self._serve, self._context, thread, self._memory), daemon=True, name="featherlight"
            )
            try:
                worker.start()
            except RuntimeError as error:
                self._dismiss()
                raise FlightError(f"threads must be as many as the system gives; {self._threads} are not") from error
            self._workers.append(worker)

    def _dismiss(self) -> None:
        if self._workers:
            self._stop(self._context)
        for worker in self._workers:
            if worker is not threading.current_thread():  # collected as garbage by its own worker
                worker.join()
        self._rest()

    def _rest(self) -> None:
        """No worker is there, and the gates are as they were before the first."""
        self._workers = []
        self.words[context.WAKE : context.BASES] = 0

    def after_fork(self) -> None:
        """In a child: its parent's workers are not there, and whoever held the lock is not either."""
        self.lock = threading.Lock()
        self._rest()


def _work(serve: Callable[[int, int], None], address: int, thread: int, memory: object) -> None:
    serve(address, thread)


def _after_fork() -> None:
    for crew in list(_crews):
        crew.after_fork()


_crews: weakref.WeakSet[Crew] = weakref.WeakSet()
os.register_at_fork(after_in_child=_after_fork)
