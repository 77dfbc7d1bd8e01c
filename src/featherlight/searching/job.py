"""A network searched for, from images and a budget to a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from featherlight.cost import count
from featherlight.engines import AUTO
from featherlight.errors import BadInput
from featherlight.files import write_json
from featherlight.graph import from_spec
from featherlight.journal import Journal, Record, check_folder, keeping
from featherlight.predict import export, load
from featherlight.pretrained import save
from featherlight.searching.architecture import architecture, markdown
from featherlight.searching.asked import JOURNAL, Asked, Method, check
from featherlight.searching.explore import explore
from featherlight.searching.finals import Finalist, Winner, finalists_of, race, train_winner
from featherlight.searching.front import Found
from featherlight.searching.given import given, same_again
from featherlight.searching.picture import PICTURE, draw
from featherlight.searching.result import RESULT, Searched
from featherlight.searching.task import WORK, Say, Task
from featherlight.searching.times import Times, times_of
from featherlight.spec import Spec
from featherlight.timing import Measurement
from featherlight.timing.budget import parse_budget, show_time
from featherlight.training import evaluate

ONNX = "model.onnx"
EXPLORING = 0.5  # of the training, for the search itself; the rest is for its finalists and the winner


def search(
    data: str | os.PathLike[str],
    budget: str | float,
    *,
    out: str | os.PathLike[str],
    space: str = "light",
    method: Method = "evolution",
    minutes: float = 60.0,
    trials: int | None = None,
    images: int | None = None,
    exponent: float | None = None,
    size: int | None = None,
    target: str | os.PathLike[str] | None = None,
    engine: str = AUTO,
    threads: int = 1,
    study: str | None = None,
    seed: int = 0,
    resume: bool = False,
    say: Say = lambda _: None,
) -> Searched:
    """The network of a space that is most accurate within `budget` on this machine, trained on the images in `data`.

    data      a folder of classes, or any other source that `open_dataset` knows
    budget    the time for one image, such as "1ms", or seconds; the 90th percentile must keep it
    out       the folder to make: a hub folder with model.onnx, search.json and a picture
    space     by name (`SPACES`), or a Python file that defines SPACE
    method    how networks come about that are each trained a little by themselves, the better ones longer: "evolution"
              makes them of the best so far, "tpe" is Optuna's sampler, "random" is what both have to beat; "supernet"
              trains all networks of a pattern as one with shared weights, whose order is worth little
    minutes   of training in all; building the latency table and timing come on top
    trials    networks to judge, instead of as many as half of the time allows
    images    that the better networks are trained on, instead of as many as suit the time and the pace
    exponent  of MnasNet's reward, such as -0.07: then time below the budget is worth something too
    size      of the images in pixels: 28 for grey ones, else 128
    target    a latency table of another device: then times are its predictions, and nothing is timed here
    engine    onnxruntime, openvino, or "auto" for whichever is faster
    study     where Optuna keeps its study: a path, or the URL of a database that other machines reach
    resume    go on with a search that was begun in `out` with the same arguments; of one that has ended, its result

    Raises BadInput for what cannot be used, and where no network of the space keeps the budget, with the nearest time.
    Otherwise what was finished is kept in `out`, also after Ctrl-C or where the disk is full (DiskFull).
    """
    folder, seconds = Path(out), parse_budget(budget) if isinstance(budget, str) else budget
    asked = Asked(seconds, minutes, space, method, trials, images, exponent, size, engine, threads, study, seed)
    check(asked, here=target is None)
    ended = (folder / RESULT).exists()
    check_folder(folder, ended=ended, result=RESULT, journal=JOURNAL, job="search", resume=resume)
    found = given(data, target, asked)
    goes_on = (folder / JOURNAL).exists()
    record = Record(Journal(folder / JOURNAL))
    task = Task(
        folder, found.dataset, found.preprocessing, found.space, seconds, exponent, method, trials, images,
        60 * minutes, engine, threads, study, seed, None if target is None else Path(target), record, say,
    )  # fmt: skip
    try:
        with keeping(folder):
            record.begin(same_again(asked, found))
            if ended:
                say(f"the search in {folder} has ended already")
                return Searched.read(folder, found.space)
            return _run(task)
    except BadInput:  # what was asked for cannot be had: nothing is left of it
        if not goes_on:  # of one that goes on, what was finished is worth more: a study's database may be back tomorrow
            _discard(folder)
        raise
    except KeyboardInterrupt:
        say(f"stopped; what was finished is in {folder}, and --resume goes on from there")
        raise


def _run(task: Task) -> Searched:
    spent: dict[str, float] = {}
    with _timed(task, "times", spent):
        times = times_of(task)
    with _timed(task, "search", spent):
        found = explore(task, times, EXPLORING * task.seconds)
    task.say(f"networks judged: {len(found):,}; timing the most promising")
    with _timed(task, "finalists", spent):
        finalists = race(times, finalists_of(times, found), (1 - EXPLORING) * task.seconds)
    with _timed(task, "winner", spent):
        winner = train_winner(task, finalists[0], (1 - EXPLORING) * task.seconds)
    task.say(f"validation accuracy {winner.accuracy:.1%}")
    return _written(task, times, found, finalists, winner, spent)


def _written(
    task: Task,
    times: Times,
    found: tuple[Found, ...],
    finalists: list[Finalist],
    winner: Winner,
    spent: dict[str, float],
) -> Searched:
    folder, spec, dataset = task.folder, winner.finalist.spec, task.dataset
    lines = architecture(spec, task.preprocessing.size, task.ends[1])
    notes = (
        f"Found by `featherlight search --method {task.method}` in the space {task.space.name}, within "
        f"{show_time(task.budget)} an image, on {dataset.source}. {RESULT} holds all figures.\n\n{markdown(lines)}"
    )
    preprocessing = task.preprocessing.to_config()
    save(folder, winner.network, label_names=dataset.label_names, preprocessing=preprocessing, notes=notes)
    written = load(folder)
    indices = np.arange(min(64, len(dataset.validation)))
    some = dataset.validation.prepared(indices, task.preprocessing)[dataset.validation.sound(indices)]
    export(written, folder / ONNX, some)
    counted = count(from_spec(spec, (1, *task.image), task.ends[0]))
    searched = Searched(
        folder=folder,
        data=dataset.source,
        seed=task.seed,
        space=task.space,
        method=task.method,
        budget=task.budget,
        measurement=_measured(times, spec),
        predicted="" if task.target is None else times.table.label,
        validation_accuracy=winner.accuracy,
        test_accuracy=evaluate(written.model, dataset.test, task.preprocessing),
        found=found,
        finalists=tuple(finalists),
        images=winner.images,
        parameters=counted.parameters,
        multiply_adds=counted.multiply_adds,
        spec=spec,
        table=tuple(lines),
        seconds=spent,
    )
    draw(searched, folder / PICTURE)
    write_json(folder / RESULT, searched.to_json())
    shutil.rmtree(task.work, ignore_errors=True)
    return searched


@contextlib.contextmanager
def _timed(task: Task, stage: str, spent: dict[str, float]) -> Any:
    """Note what a stage took by the clock; of one that a crash cut short, what it took since."""
    begun = time.perf_counter()
    yield
    event = task.record.once("stage", lambda: {"seconds": time.perf_counter() - begun}, name=stage)
    spent[stage] = float(event["seconds"])


def _measured(times: Times, spec: Spec) -> Measurement:
    """The time of the winner: the middle one of three, so that no noisy moment decides."""
    return sorted((times.measured([spec])[0] for _ in range(3)), key=lambda each: each.p90)[1]


def _discard(folder: Path) -> None:
    shutil.rmtree(folder / WORK, ignore_errors=True)
    (folder / JOURNAL).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
