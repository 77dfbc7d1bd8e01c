"""What runs in the process of one rival: it builds a network, and takes a turn whenever it is told to.

Both ends are ours: what is unpickled here was pickled by the process that started this one, and the other way round.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from dataclasses import dataclass
from typing import BinaryIO

from featherlight.engines.find import find
from featherlight.engines.protocol import Engine
from featherlight.engines.rivals import turn_of
from featherlight.engines.source import Source
from featherlight.errors import BadInput, Failure, FeatherlightError
from featherlight.timing import Target, Turn


@dataclass(frozen=True, eq=False)
class Rival:
    """A network on an engine, to be built in a process of its own.

    The engine is one of `ENGINES` by its name, or an object that another process can unpickle.
    """

    engine: str | Engine
    source: Source
    threads: int = 1
    batch: int = 1

    @property
    def found(self) -> Engine:
        """The engine; raises BadInput where it cannot be used here."""
        return find(self.engine) if isinstance(self.engine, str) else self.engine


def serve() -> None:
    """Build the rival that comes first, answer with its target, then with samples to each byte that comes.

    Ends when there comes nothing more: the parent closed the pipe, or is gone. Ctrl-C is the parent's business.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, answers = _pipes()
    try:
        target, turn = _build(orders)
    except FeatherlightError as error:
        _answer(answers, error)
        return
    except Exception as error:
        _answer(answers, Failure(f"{type(error).__name__}: {' '.join(str(error).split())}"))
        return
    _answer(answers, target)
    while orders.read(1):
        _answer(answers, tuple(turn()))


def _build(orders: BinaryIO) -> tuple[Target, Turn]:
    try:
        rival, settle = pickle.load(orders)
    except (AttributeError, ImportError) as error:
        raise BadInput(
            "a module must come from a file that can be imported to be run in a process of its own; "
            f"{' '.join(str(error).split())}"
        ) from error
    running = rival.found.build(rival.source, threads=rival.threads, batch=rival.batch)
    return running.target, turn_of(running, settle)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """What came as standard input and output; a library that prints must not reach the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def _answer(answers: BinaryIO, answer: object) -> None:
    pickle.dump(answer, answers)
    answers.flush()
