"""Whether the worker of a trial is still alive: Optuna knows that of databases only.

A worker counts up a number in its trial. Whoever watches asks its own clock for how long the number has stood still, so
that clocks of machines may differ. A worker of this machine is dead as soon as its process is.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from featherlight.searching.study.attempts import BEAT, OWNER

EVERY, SILENCE = 5.0, 60.0  # seconds


class Beating:
    """Within the block, a thread that counts up the beat of a trial.

    taken  whether the trial was finished by someone else meanwhile, who thought this worker dead
    """

    def __init__(self, storage: BaseStorage, trial_id: int, every: float = EVERY) -> None:
        self.taken = False
        self._storage, self._trial_id, self._every = storage, trial_id, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Beating:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        beat = 0
        while not self._over.wait(self._every):
            beat += 1
            try:
                self._storage.set_trial_user_attr(self._trial_id, BEAT, beat)
            except UpdateFinishedTrialError:
                self.taken = True
                return
            except Exception:  # a full disk, a server that starts again: the next beat may get through
                continue


class Watch:
    """Tells whose worker is dead, when asked again and again."""

    def __init__(self, silence: float = SILENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._silence, self._clock = silence, clock
        self._seen: dict[int, tuple[object, float]] = {}

    def dead(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Of trials under way, those without a living worker."""
        return [trial for trial in trials if is_gone(trial.user_attrs[OWNER]) or self._silent(trial)]

    def _silent(self, trial: FrozenTrial) -> bool:
        beat, now = trial.user_attrs.get(BEAT, 0), self._clock()
        if trial.number not in self._seen or self._seen[trial.number][0] != beat:
            self._seen[trial.number] = beat, now
        return now - self._seen[trial.number][1] > self._silence


def owner() -> str:
    """The name by which a trial knows this process: its machine, its id and when it began, for ids come again."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def is_gone(name: str) -> bool:
    """Whether that process was of this machine and is no more; False for those of other machines."""
    machine, pid, began = name.rsplit(" ", 2)
    return machine == _machine() and _began(int(pid)) != began


@lru_cache(maxsize=1)
def _machine() -> str:
    """The machine since it started, and which of its containers: each has process ids of its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux: silence alone tells
        return f"{socket.gethostname()} {os.urandom(8).hex()}"


def _began(pid: int) -> str:
    """In ticks since the machine started; "" where there is no such process, or only what is left of it."""
    try:
        # The second field is the command, which may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
