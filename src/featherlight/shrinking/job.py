"""A trained network made faster: from a folder to a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import featherlight
from featherlight.data import open_dataset
from featherlight.engines import AUTO, find
from featherlight.errors import BadInput
from featherlight.journal import Journal, Record, check_folder, keeping
from featherlight.latency import read_table
from featherlight.predict import load
from featherlight.shrinking.asked import JOURNAL, Asked, Method, check, check_classes
from featherlight.shrinking.carve import IllegalCut, Weights, carve
from featherlight.shrinking.netadapt import Choice, State, Step, netadapt
from featherlight.shrinking.one_shot import magnitude, uniform
from featherlight.shrinking.plan import plan_of
from featherlight.shrinking.progress import Progress
from featherlight.shrinking.proposals import Clock
from featherlight.shrinking.result import RESULT, Shrunk
from featherlight.shrinking.task import Say, Task
from featherlight.shrinking.times import times_of
from featherlight.shrinking.trials import Trials
from featherlight.shrinking.write import write
from featherlight.spec import Spec
from featherlight.timing import this_machine
from featherlight.timing.budget import show_time

DECAY = 0.98  # of what an iteration gains, from one to the next (NetAdapt, section 4)


def shrink(
    source: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    budget: str | float | None = None,
    faster: str | float | None = None,
    method: Method = "netadapt",
    choice: Choice = "ratio",
    target: str | os.PathLike[str] | None = None,
    minutes: float | None = None,
    images: int | None = None,
    engine: str = AUTO,
    threads: int = 1,
    seed: int = 0,
    resume: bool = False,
    say: Say = lambda _: None,
) -> Shrunk:
    """A trained network made to keep a time, losing as little accuracy as it can.

    source   a folder that `fit` or `train` wrote, or a name with weights
    data     the images that it was trained on: the same classes
    out      the folder to make: a hub folder with model.onnx and shrink.json
    budget   the time for one image, such as "1.5ms"; the 90th percentile is to keep it
    faster   how much faster instead, such as "30%": 1.3 images in the time of one
    method   "netadapt" cuts width by width, each time the one that costs the least accuracy for the time it gains;
             "uniform" is a width multiplier; "magnitude" drops the smallest filters once
    choice   of NetAdapt: "ratio", of accuracy lost to time gained (Howard et al. 2019), or "accuracy", the best one
             whatever it gains (Yang et al. 2018)
    target   a latency table of another device: then times are its predictions, and nothing is timed here
    minutes  of training in all, 10 unless `images` are named; building the latency table and timing come on top
    images   to train on in all, instead of minutes: the same number makes methods comparable
    engine   onnxruntime, openvino, native, or "auto" for whichever is fastest
    resume   go on with a shrink that was begun in `out` with the same arguments; of one that has ended, its result

    Raises BadInput for what cannot be used, and where no network of this kind takes so little, with the nearest time.
    Otherwise what was finished is kept in `out`, also after Ctrl-C or where the disk is full (DiskFull).
    """
    folder = Path(out)
    asked = Asked(budget, faster, method, choice, minutes, images, engine, threads, seed)
    check(asked, here=target is None)
    ended = (folder / RESULT).exists()
    check_folder(folder, ended=ended, result=RESULT, journal=JOURNAL, job="shrink", resume=resume)
    classifier, dataset = load(source), open_dataset(data, seed)
    check_classes(classifier, dataset)
    table = None if target is None else read_table(Path(target))
    if table is not None:
        table.known_sizes([classifier.preprocessing.size])
        table.check(None if engine == AUTO else engine, threads)
    elif engine != AUTO:
        find(engine)  # raises where it is not installed: before the folder holds a journal
    goes_on = (folder / JOURNAL).exists()
    task = Task(folder, asked, classifier, dataset, table, Record(Journal(folder / JOURNAL)), say)
    try:
        with keeping(folder):
            _begin(task, os.fspath(source))
            if ended:
                say(f"the shrink in {folder} has ended already")
                return Shrunk.read(folder)
            return _run(task)
    except BadInput:  # what was asked for cannot be had: nothing is left of it
        if not goes_on:  # of one that goes on, what was finished is worth more
            _discard(task)
        raise
    except KeyboardInterrupt:
        say(f"stopped; what was finished is in {folder}, and --resume goes on from there")
        raise


def _begin(task: Task, source: str) -> None:
    """Note what is asked for, or hold it against what the journal was begun with; "photos/" is "photos"."""
    task.record.begin(
        {
            "source": os.path.normpath(source) if os.path.isdir(source) else source,
            "data": os.path.normpath(task.dataset.source),
            "digest": task.dataset.digest,
            **asdict(task.asked),
            "target": None if task.table is None else task.table.digest,
            "machine": f"{this_machine().cpu}, {this_machine().cores} cores" if task.table is None else None,
            "featherlight": featherlight.__version__,
        }
    )


def _run(task: Task) -> Shrunk:
    """The whole of it: the first time, the cuts, the long fine-tune, the folder."""
    times, plan = times_of(task), plan_of(task)
    first = times.first()
    target = task.asked.wanted(first)
    if first.median <= target:
        raise BadInput(f"the network takes {show_time(first.p90)} already (nine calls of ten); ask for less than that")
    trials = Trials(task, times, plan, Progress(plan.rate))
    trials.expect(plan.iterations)
    task.say(
        f"{show_time(first.median)} now, {show_time(target)} wanted; {plan.images:,} images of training in all, "
        f"{trials.progress.left()}"
    )
    steps: list[dict[str, Any]] = []
    weights: Weights | None
    if task.asked.method == "netadapt":
        spec, weights = _adapted(task, trials, first.median, target, steps)
    else:
        spec, weights = _cut_once(task, _set(times.clock, task.spec, first.median), target)
    tuned, accuracy = trials.finish(spec, weights)
    task.say(f"validation accuracy {accuracy:.1%}")
    return write(task, trials.network(spec, tuned), times, target / first.median, trials.progress.seen, steps)


def _adapted(
    task: Task, trials: Trials, seconds: float, target: float, steps: list[dict[str, Any]]
) -> tuple[Spec, Weights]:
    """By NetAdapt, each iteration told and added to `steps`."""

    def tell(step: Step) -> None:
        trials.expect(step.left)
        task.say(
            f"{step.number}: {step.kept}, {show_time(step.seconds)}, validation accuracy {step.accuracy:.1%} (of "
            f"{len(step.glimpsed)} proposals, {len(step.tried)} trained); about {step.left} more and the long "
            f"fine-tune, {trials.progress.left()}"
        )
        steps.append(
            {"kept": str(step.kept), "seconds": step.seconds, "validation_accuracy": step.accuracy,
             "glimpsed": {str(each): accuracy for each, accuracy in step.glimpsed},
             "tried": {str(each): accuracy for each, accuracy in step.tried}}
        )  # fmt: skip

    weights = dict(task.start.model.state_dict())
    state = State(task.spec, weights, seconds, trials.judge(task.spec, weights))
    step = (seconds - target) * (1 - DECAY) / (1 - DECAY**trials.plan.iterations)
    end = netadapt(
        state, trials.times.clock, target, trials, step=step, decay=DECAY, choice=task.asked.choice, ends=task.ends,
        told=tell,
    )  # fmt: skip
    return end.spec, end.weights


def _cut_once(task: Task, clock: Clock, target: float) -> tuple[Spec, Weights | None]:
    """By a width multiplier or by the size of filters; no weights where such a network cannot be carved out."""
    weights = dict(task.start.model.state_dict())
    if task.asked.method == "uniform":
        thinner = uniform(task.spec, clock, target)
    else:
        thinner = magnitude(task.spec, weights, clock, target, *task.ends)
    try:
        return thinner, carve(weights, task.spec, thinner)
    except IllegalCut as illegal:
        task.say(f"{illegal}: trained from scratch")
        return thinner, None


def _set(clock: Clock, spec: Spec, seconds: float) -> Clock:
    """The clock, set so that it tells of the first network what was measured."""
    scale = seconds / clock(spec)
    return lambda thinner: scale * clock(thinner)


def _discard(task: Task) -> None:
    shutil.rmtree(task.work, ignore_errors=True)
    task.record.journal.path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        task.folder.rmdir()
