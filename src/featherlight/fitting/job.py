"""The main job, step by step."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

from featherlight.data import open_dataset
from featherlight.errors import BadInput, must_be
from featherlight.fitting.bench import Bench
from featherlight.fitting.budget import parse_budget
from featherlight.fitting.candidates import candidates
from featherlight.fitting.result import JOURNAL, RESULT, Fitted, write
from featherlight.fitting.time_candidates import Say, settle_engines, time_candidates
from featherlight.fitting.train_candidates import preprocessing_for, train_candidates
from featherlight.journal import Journal
from featherlight.timing import this_machine

SIZE_OF_GREY, SIZE_OF_PHOTOGRAPHS = 28, 128


def fit(
    data: str | os.PathLike[str],
    budget: str | float,
    *,
    out: str | os.PathLike[str],
    threads: int = 1,
    size: int | None = None,
    minutes: float = 3.0,
    engine: str = "auto",
    seed: int = 0,
    say: Say = lambda _: None,
) -> Fitted:
    """The network that is most accurate within `budget` on this machine, trained on the images in `data`.

    data      a folder of classes, or "fashion-mnist"
    budget    the time for one image at batch 1, such as "2ms", or seconds; the 90th percentile must keep it
    out       the folder to make: a hub folder with model.onnx, fit.json and a picture
    threads   that the network may use when it runs; training uses one or all cores, whichever is faster now
    size      of the images in pixels; 28 for Fashion-MNIST, else 128
    minutes   of training in all; timing comes on top
    engine    that will run the network: torch, onnxruntime, openvino, or "auto" for whichever runs it fastest here
    seed      of the splits, the weights and the order of the images
    say       is told each step as a sentence

    Raises BadInput where nothing keeps the budget, saying which came nearest, and then makes no `out`. What was timed
    and trained is in the journal in `out` as it happens, also after Ctrl-C.
    """
    seconds = parse_budget(budget) if isinstance(budget, str) else budget
    folder = Path(out)
    _check(seconds, threads, size, minutes, seed)
    _check_free(folder)
    dataset = open_dataset(data, seed)
    size = size or (SIZE_OF_GREY if dataset.channels == 1 else SIZE_OF_PHOTOGRAPHS)
    bench = Bench(engine, threads, size, dataset.channels, len(dataset.label_names))
    made = not folder.exists()
    journal = Journal(folder / JOURNAL)
    journal.append("start", data=dataset.source, budget=seconds, threads=threads, size=size, minutes=minutes, seed=seed)
    try:
        networks = candidates(size)
        settle_engines(bench, networks, journal, say)
        timed = time_candidates(bench, networks, seconds, journal, say)
    except BadInput:
        _discard(journal, folder if made else None)
        raise
    except KeyboardInterrupt:
        say(f"stopped; what was timed is in {journal.path}")
        raise
    preprocessing = preprocessing_for(dataset, size)
    try:
        winner = train_candidates(dataset, preprocessing, timed, minutes * 60, seed, journal, say)
        return write(folder, dataset, preprocessing, timed, winner, bench, seconds, say)
    except KeyboardInterrupt:
        say(f"stopped; what was timed and trained is in {journal.path}")
        raise


def _check(budget: float, threads: int, size: int | None, minutes: float, seed: int) -> None:
    if not isinstance(budget, int | float) or not 0 < budget < math.inf:
        raise must_be("budget", "a time above 0", budget)
    cores = this_machine().cores
    if not 1 <= threads <= cores:
        raise must_be("threads", f"a whole number from 1 to the {cores} cores of this machine", threads)
    if not 0 <= seed < 1 << 32:
        raise must_be("seed", "a whole number of at least 0 and below 2^32", seed)
    if size is not None and size < 28:
        raise must_be("size", "a whole number of at least 28 pixels", size)
    if not 0 < minutes < math.inf:
        raise must_be("minutes", "a number above 0", minutes)


def _check_free(folder: Path) -> None:
    if (folder / RESULT).exists():
        raise BadInput(f"{folder} holds a result already ({RESULT}); name another folder with --out")
    if (folder / JOURNAL).exists():
        raise BadInput(f"{folder} holds the journal of a fit that did not end; name another folder, or remove this one")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists and is not an empty folder; name a new one with --out")


def _discard(journal: Journal, folder: Path | None) -> None:
    journal.path.unlink(missing_ok=True)
    if folder is not None:
        with contextlib.suppress(OSError):  # someone else put something there meanwhile: it is theirs
            folder.rmdir()
