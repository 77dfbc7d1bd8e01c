"""The main job, step by step."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import featherlight
from featherlight.data import open_dataset
from featherlight.errors import must_be
from featherlight.fitting.bench import AUTO, Bench
from featherlight.fitting.candidates import candidates, sizes
from featherlight.fitting.effort import MINUTES, Asked, Effort, check_effort, has_ended
from featherlight.fitting.heats import CANDIDATES
from featherlight.fitting.limits import Limits, parse_bytes
from featherlight.fitting.predicted_bench import AnyBench, PredictedBench
from featherlight.fitting.rates import Rates
from featherlight.fitting.result import JOURNAL, RESULT, Fitted
from featherlight.fitting.stages import choose, improve
from featherlight.fitting.task import Say, Task
from featherlight.fitting.time_candidates import Field, Timing, nothing_fits, settle_engines
from featherlight.fitting.train_candidates import contenders, lack_weights, train_candidates
from featherlight.fitting.weights import has_weights, known_weights
from featherlight.journal import Journal, Record, check_folder, keeping, reading
from featherlight.latency import read_table
from featherlight.timing import this_machine
from featherlight.timing.budget import parse_budget


def fit(
    data: str | os.PathLike[str],
    budget: str | float,
    *,
    out: str | os.PathLike[str],
    threads: int = 1,
    size: int | None = None,
    minutes: float | None = None,
    effort: Effort = "quick",
    engine: str = "auto",
    max_size: str | int | None = None,
    max_memory: str | int | None = None,
    seed: int = 0,
    target: str | os.PathLike[str] | None = None,
    resume: bool = False,
    say: Say = lambda _: None,
) -> Fitted:
    """The network that is most accurate within `budget` on this machine, trained on the images in `data`.

    data        a folder of classes, or any other source that `open_dataset` knows
    budget      the time for one image at batch 1, such as "2ms", or seconds; the 90th percentile must keep it
    out         the folder to make: a hub folder with model.onnx, fit.json, a picture and report.html
    threads     at most, that the network may use when it runs: each is timed with one and with so many, and the faster
                way is part of the answer; training uses one or all cores, whichever is faster now
    size        of the images in pixels; by default 28 for Fashion-MNIST, and whichever of 96 to 224 is best for
                photographs
    minutes     of training in all, shared among the stages (`effort.SHARES`); by default 3, 15 and 60; they become
                steps by the pace measured before each training, so that on a machine that slows down it takes longer;
                timing comes on top
    effort      "quick" chooses among the registered networks, at the widths they are known for; "normal" then trains a
                wider one and shrinks it to the budget (NetAdapt); "thorough" searches for a network as well. Each takes
                the place of the one before where it keeps the budget and is more often right on the validation images
    engine      that will run the network: torch, onnxruntime, openvino, native, or "auto" for the fastest one here
    max_size    of the file of weights, such as "5MB", or bytes
    max_memory  of weights and activations that are alive at once, one image at a time, such as "20MB", or bytes
    seed        of the splits, the weights and the order of the images
    target      the latency table of another device (`featherlight latency`): then nothing is timed here; times are
                predictions for that device, labelled so, and the upper end of their interval must keep the budget
    resume      go on with a fit that was begun in `out` with the same arguments, in whichever stage it was; what it
                finished is not done again, and of one that has ended this is its result
    say         is told each step as a sentence

    Raises BadInput where nothing keeps the budget, saying which came nearest, and then makes no `out`; and where `out`
    holds a fit of other arguments or data, saying what differs. What was timed and trained is in the journal in `out`
    as it happens, also after Ctrl-C or where the disk is full (DiskFull). From the end of the first stage on `out`
    holds a network that can be used.
    """
    seconds = parse_budget(budget) if isinstance(budget, str) else budget
    limits = Limits(
        None if max_size is None else parse_bytes("max-size", max_size),
        None if max_memory is None else parse_bytes("max-memory", max_memory),
    )
    folder = Path(out)
    table = None if target is None else read_table(Path(target))
    check_effort(effort)
    minutes = MINUTES[effort] if minutes is None else minutes
    _check(seconds, size, minutes, seed)
    if table is None:
        _check_threads(threads)
    ended = finished(folder) is not None
    check_folder(folder, ended=ended, result=RESULT, journal=JOURNAL, job="fit", resume=resume)
    dataset = open_dataset(data, seed)
    if dataset.repeated:
        say(
            f"{len(dataset.repeated):,} images to validate or test on are in an earlier split as well, such as "
            f"{dataset.repeated[0]}"
        )
    tried = sizes(dataset.channels, size)
    bench: AnyBench
    if table is None:
        bench = Bench(engine, threads, dataset.channels, len(dataset.label_names))
    else:
        table.check(None if engine == AUTO else engine, threads)
        tried = table.known_sizes(tried)
        bench = PredictedBench(table, dataset.channels, len(dataset.label_names), say)
    made = not folder.exists()
    record = Record(Journal(folder / JOURNAL))
    asked = Asked(data, effort, 60 * minutes, engine, threads, None if target is None else Path(target))
    task = Task(folder, dataset, seconds, limits, asked.share("choose"), seed, record, say, table)
    if ended:
        task = replace(task, say=lambda _: None)  # all of it was told when it was done
    try:
        with keeping(folder):
            record.begin(
                {
                    "data": os.path.normpath(dataset.source),  # "photos/" is "photos"
                    "images": dataset.digest,
                    "budget": seconds,
                    "threads": threads,
                    "size": size,
                    "minutes": minutes,
                    "effort": effort,
                    "engine": engine,
                    "max_size": limits.size,
                    "max_memory": limits.memory,
                    "seed": seed,
                    "target": table.digest if table else None,
                    "machine": f"{this_machine().cpu}, {this_machine().cores} cores",
                    "featherlight": featherlight.__version__,
                }
            )
            if ended:
                say(f"the fit in {folder} has ended already")
            found, rates = _time(task, bench, tried, made)
            winner = train_candidates(task, found.fitting, rates)
            fitted = choose(task, asked, found, winner, bench)
            fitted = improve(task, asked, fitted, bench, rates.threads)
    except KeyboardInterrupt:
        say(f"stopped; what was timed and trained is in {record.journal.path}, and --resume goes on from there")
        raise
    _clear(folder)
    return fitted


def finished(out: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What fit.json says of the fit in `out`, where it has ended.

    Raises BadInput where it cannot be read.
    """
    folder = Path(out)
    if not (folder / RESULT).exists():
        return None
    with reading(folder / RESULT):
        document: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
        ended = has_ended(document)
    return document if ended else None


def _time(task: Task, bench: AnyBench, tried: Sequence[int], made: bool) -> tuple[Field, Rates]:
    """Which of the candidates that would be trained keep the budget.

    Where none does, nothing is left of the fit, nor of its folder if it was `made` for it.
    """
    networks, timing = candidates(tried[0]), Timing(task, bench)
    settle_engines(task, bench, networks)
    # A thin width: in few minutes thin ones start, and wide ones take seconds to measure.
    rates = Rates(task, (widths[len(widths) // 3] for widths in networks.values()))
    every = [c for size in tried for widths in candidates(size).values() for c in widths]
    timing.time_promising(every, lambda some: contenders(task, some, rates))
    if lack_weights(task, timing.found.fitting, rates):  # then others may be more promising, who were not timed
        lacking = [c for c in every if known_weights(c) and not has_weights(task, c)]
        timing.time_promising(every, lambda some: contenders(task, some, rates, lacking))
    task.say(timing.found.told(task))
    if not timing.found.fitting:
        _discard(task.folder, made)
        raise nothing_fits(task, timing.found)
    return timing.found, rates


def _check(budget: float, size: int | None, minutes: float, seed: int) -> None:
    if not isinstance(budget, int | float) or not 0 < budget < math.inf:
        raise must_be("budget", "a time above 0", budget)
    if not 0 <= seed < 1 << 32:
        raise must_be("seed", "a whole number of at least 0 and below 2^32", seed)
    if size is not None and size < 28:
        raise must_be("size", "a whole number of at least 28 pixels", size)
    if not 0 < minutes < math.inf:
        raise must_be("minutes", "a number above 0", minutes)


def _check_threads(threads: int) -> None:
    cores = this_machine().cores
    if not 1 <= threads <= cores:
        raise must_be("threads", f"a whole number from 1 to the {cores} cores of this machine", threads)


def _clear(folder: Path) -> None:
    """Without the weights that only a fit under way needs."""
    shutil.rmtree(folder / CANDIDATES, ignore_errors=True)


def _discard(folder: Path, made: bool) -> None:
    """Leave no trace of a fit that found nothing: its journal, and the folder where it was new."""
    (folder / JOURNAL).unlink(missing_ok=True)
    if made:
        with contextlib.suppress(OSError):  # someone else put something there meanwhile: it is theirs
            folder.rmdir()
