"""From folders, files and names to what the page shows of them."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import featherlight
from featherlight import engines
from featherlight.data import Dataset, open_dataset
from featherlight.errors import BadInput, FeatherlightError
from featherlight.explain.profiling import profile
from featherlight.predict import Evaluation, evaluate
from featherlight.pretrained import LOCAL
from featherlight.pretrained.catalogue import Weights
from featherlight.pretrained.create import resolve
from featherlight.report.contents import Chapter, Fact, Mark, Report
from featherlight.report.numbers import show_count, show_time
from featherlight.report.read_result import READERS, read_result
from featherlight.report.result import Result, family
from featherlight.report.thumbnails import find_thumbnails
from featherlight.timing import this_machine

if TYPE_CHECKING:
    from featherlight.explain.profile import Profile

Say = Callable[[str], None]

ONNX = "model.onnx"  # beside the weights of a fit; it is what was timed


def gather(
    sources: Sequence[str | os.PathLike[str]],
    *,
    engine: str | None = None,
    data: str | os.PathLike[str] | Dataset | None = None,
    say: Say = lambda _: None,
) -> Report:
    """What is known of the networks of `sources`, each measured here and now.

    sources  folders that `fit`, `train`, `search`, `shrink` or `save` made, ONNX files, names of networks
    engine   that runs them: by default what the result was timed with, else the fastest here
    data     images to evaluate on: by default those that a folder's network was trained on, if they are still here
    say      is told of each step as a sentence

    Raises BadInput for a source that is no network, and for an engine that is not here or cannot run it.
    """
    if not sources:
        raise BadInput("name at least one network: a folder that fit made, an ONNX file, or a name")
    if engine not in (None, engines.AUTO):
        engines.find(engine)
    names = [os.fspath(source) for source in sources]
    results = [_result(name) for name in names]
    chapters = [_chapter(name, engine, result, data, say) for name, result in zip(names, results, strict=True)]
    used = {chapter.profile.measurement.target for chapter in chapters if not isinstance(chapter.profile, str)}
    versions = {"featherlight": featherlight.__version__, "Python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("torch", "numpy")}
    versions |= {target.engine: target.version for target in sorted(used, key=lambda target: target.engine)}
    return Report(chapters, this_machine(), versions, datetime.date.today().isoformat())


def _chapter(
    source: str, engine: str | None, result: Result | None, data: str | os.PathLike[str] | Dataset | None, say: Say
) -> Chapter:
    dataset = _images(result, data)  # first, since it may be refused at once
    explained = _profile(source, engine, result, say)
    evaluation = dataset if isinstance(dataset, str) else _evaluation(source, explained, dataset, data is not None, say)
    worst = () if isinstance(evaluation, str) else evaluation.worst
    pictures = () if isinstance(dataset, str) else find_thumbnails(dataset, [mistake.image for mistake in worst])
    return Chapter(
        source=source,
        title=result.title if result else source,
        lead=result.lead if result else "Measured on this machine.",
        label=result.label if result else "",
        budget=result.budget if result else None,
        marks=(result.marks if result else ()) or _own_mark(source, result, explained, evaluation),
        facts=(result.facts if result else ()) + _facts(result, explained),
        profile=explained,
        evaluation=evaluation,
        pictures=pictures,
        commands=(*(result.commands if result else ()), shlex.join(["featherlight", "report", source])),
        steps=result.steps if result else (),
        tables=result.tables if result else (),
        limit=result.limit if result else "budget",
    )


def _profile(source: str, engine: str | None, result: Result | None, say: Say) -> Profile | str:
    """By the engine that is asked for, else by the one of the result; or why not, where that one is not here."""
    if engine is None and result is not None and result.engine is not None:
        engine = result.engine
        try:
            engines.find(engine)
        except BadInput as error:
            return f"Where the time goes is not known: it was made for {engine}. {error}"
    threads = 1 if result is None or result.threads is None else result.threads
    return profile(source, engine=engine or engines.AUTO, threads=threads, progress=say)


def _result(source: str) -> Result | None:
    """What a folder says of itself; None for a name and for an ONNX file."""
    folder = Path(source)
    if not folder.is_dir():
        if not folder.is_file():
            resolve(source)  # raises where there is no such network
        return None
    result = read_result(folder)
    if result is None and not (folder / "config.json").is_file():
        inner = [str(path.parent) for name in READERS for path in sorted(folder.glob(f"*/{name}"))]
        raise BadInput(
            f"{source} holds no result itself, but {' and '.join(inner)} {'do' if len(inner) > 1 else 'does'}"
            if inner
            else f"{source} holds no result: `featherlight fit`, `train`, `search` and `shrink` make folders that do"
        )
    return result


def _images(result: Result | None, data: str | os.PathLike[str] | Dataset | None) -> Dataset | str:
    """The images that were named, else those that the network was trained on, in the splits that it knows; or why not.

    Only images that were named and are not there are an error.
    """
    if isinstance(data, Dataset):
        return data
    if data is not None:
        return open_dataset(data, result.seed if result else 0)
    if result is None:
        return "What it takes for what is not known: no images were named (--data)."
    try:
        return open_dataset(result.data, result.seed)
    except (OSError, FeatherlightError) as error:
        return f"What it takes for what is not known: {error}. Name the images with --data."


def _evaluation(source: str, explained: Profile | str, dataset: Dataset, asked: bool, say: Say) -> Evaluation | str:
    """On the engine that was profiled. Images that nobody `asked` for may have changed since: then, why not."""
    say(f"asking {source} about the test images of {dataset.source}")
    ran = None if isinstance(explained, str) else explained.measurement.target.engine
    try:
        return evaluate(source, dataset, engine=ran)
    except FeatherlightError as error:
        if asked:
            raise
        return f"What it takes for what is not known: {error}."


def _own_mark(
    source: str, result: Result | None, explained: Profile | str, evaluation: Evaluation | str
) -> tuple[Mark, ...]:
    """The network alone, where no result has timed others beside it; none where it could not be timed."""
    if isinstance(explained, str):
        return ()
    time, (kin, published) = explained.measurement, _published(source)
    accuracy, of = published, "of ImageNet's validation images, as published"
    if result is not None:
        accuracy, of = result.accuracy, "of the validation images"
    if not isinstance(evaluation, str):
        accuracy, of = evaluation.top1, f"of {evaluation.data} ({evaluation.split})"
    return (
        Mark(
            name=result.title if result else explained.name,
            family=kin,
            median=time.median,
            p10=time.p10,
            p90=time.p90,
            engine=time.target.engine,
            threads=time.target.threads,
            accuracy=accuracy,
            of="" if accuracy is None else of,
            chosen=True,
        ),
    )


def _published(source: str) -> tuple[str, float | None]:
    """The family of a network that is known by name or saved in a folder, and its accuracy on ImageNet."""
    try:
        published = resolve(f"{LOCAL}{source}" if os.path.isdir(source) else source)
    except FeatherlightError:  # an ONNX file has neither
        return "other", None
    top1 = published.weights.top1 if isinstance(published.weights, Weights) else None
    return family(published.architecture), None if top1 is None else top1 / 100


def _facts(result: Result | None, explained: Profile | str) -> tuple[Fact, ...]:
    """The counts; and the time, where no result has told of one."""
    if isinstance(explained, str):
        return ()
    time = explained.measurement
    timed = Fact(
        "Time for one image", show_time(time.median), f"80 % within {show_time(time.p10)} to {show_time(time.p90)}"
    )
    parameters, multiply_adds = (
        sum(getattr(row, name) for row in explained.rows) for name in ("parameters", "multiply_adds")
    )
    counts = Fact("Multiply-adds", show_count(multiply_adds), f"{show_count(parameters)} parameters")
    return (counts,) if result and result.engine else (timed, counts)
