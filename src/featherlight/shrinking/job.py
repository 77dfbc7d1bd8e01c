"""A trained network made faster: from a folder to a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import featherlight
from featherlight.cost import count
from featherlight.data import Dataset, open_dataset
from featherlight.engines import AUTO, GraphSource, choose, find
from featherlight.errors import BadInput
from featherlight.files import write_json
from featherlight.graph import from_spec
from featherlight.journal import Journal, Record
from featherlight.latency import LatencyTable, pieces, read_table
from featherlight.predict import Classifier, export, load
from featherlight.pretrained import save
from featherlight.shrinking.asked import JOURNAL, Method, check, check_classes, check_folder, wanted
from featherlight.shrinking.carve import IllegalCut, Weights, carve
from featherlight.shrinking.clock import table_clock, time_cuts
from featherlight.shrinking.netadapt import State, Step, netadapt
from featherlight.shrinking.one_shot import magnitude, uniform
from featherlight.shrinking.proposals import Clock
from featherlight.shrinking.result import RESULT, Shrunk, paired_difference, time_json
from featherlight.shrinking.trials import Say, Trials
from featherlight.shrinking.widths import widths
from featherlight.spec import Spec
from featherlight.timing import Comparison, Measurement, tell_apart, this_machine
from featherlight.timing.budget import show_time
from featherlight.training import correct, fastest_threads, images_per_second, recipe_for

WORK, ONNX = "shrinking", "model.onnx"

ITERATING = 0.5  # of the images, for NetAdapt's short fine-tunes; the rest is for the long one
SHORT = 1280  # images of a short fine-tune, where there is time for that
FEWEST, MOST = 3, 40  # iterations
DECAY = 0.98


def shrink(
    source: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str],
    budget: str | float | None = None,
    faster: str | float | None = None,
    method: Method = "netadapt",
    target: str | os.PathLike[str] | None = None,
    minutes: float = 10.0,
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
    target   a latency table of another device: then times are its predictions, and nothing is timed here
    minutes  of training in all; building the latency table and timing come on top
    engine   onnxruntime, openvino, or "auto" for whichever is faster
    resume   go on with a shrink that was begun in `out` with the same arguments

    Raises BadInput for what cannot be used, and where no network of this kind takes so little, with the nearest time.
    """
    folder = Path(out)
    check(budget, faster, method, minutes, engine, threads, here=target is None)
    check_folder(folder, resume)
    classifier, dataset = load(source), open_dataset(data, seed)
    check_classes(classifier, dataset)
    table = None if target is None else read_table(Path(target))
    if table is not None:
        table.known_sizes([classifier.preprocessing.size])
        table.check(None if engine == AUTO else engine, threads)
    elif engine != AUTO:
        find(engine)  # raises where it is not installed: before the folder holds a journal
    record = Record(Journal(folder / JOURNAL))
    record.begin({"source": os.fspath(source), "data": dataset.source, "images": dataset.digest, "budget": budget,
                  "faster": faster, "method": method, "target": None if table is None else table.digest,
                  "minutes": minutes, "engine": engine, "threads": threads, "seed": seed,
                  "machine": f"{this_machine().cpu}, {this_machine().cores} cores",
                  "featherlight": featherlight.__version__})  # fmt: skip
    try:
        shrinking = _Shrink(folder, classifier, dataset, table, record, say, method, minutes, engine, threads, seed)
        return shrinking.run(budget, faster)
    except BadInput:  # what was asked for cannot be had: nothing is left of it
        shutil.rmtree(folder / WORK, ignore_errors=True)
        (folder / JOURNAL).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise


class _Shrink:
    """A shrink under way."""

    def __init__(
        self,
        folder: Path,
        classifier: Classifier,
        dataset: Dataset,
        table: LatencyTable | None,
        record: Record,
        say: Say,
        method: Method,
        minutes: float,
        engine: str,
        threads: int,
        seed: int,
    ) -> None:
        self.folder, self.classifier, self.dataset, self.table = folder, classifier, dataset, table
        self.record, self.say, self.method = record, say, method
        spec, preprocessing = classifier.model.spec, classifier.preprocessing
        image = (preprocessing.channels, preprocessing.size, preprocessing.size)
        classes = len(dataset.label_names)
        name = None
        if table is None:
            name = self._engine(engine, spec, image, classes, threads)
            say("timing the pieces of the network and of its cuts")
            table = time_cuts(spec, image, classes, folder / WORK, engine=name, threads=threads)
        rate, training_threads = self._rate(seed)
        self.images = max(1, round(rate * minutes * 60))
        self.iterations, short = _shares(self.images, len(widths(spec)))
        self.trials = Trials(
            folder / WORK, dataset, preprocessing, recipe_for(preprocessing.size), short, training_threads, seed,
            record, say, table_clock(table, image, classes), name, threads,
        )  # fmt: skip
        self.known = table
        self.steps: list[dict[str, Any]] = []

    def run(self, budget: str | float | None, faster: str | float | None) -> Shrunk:
        """The whole of it: the first time, the cuts, the long fine-tune, the folder."""
        old = self.classifier.model
        weights: Weights = dict(old.state_dict())
        first = self._measured(old.spec)
        target = wanted(first, budget, faster)
        if first.median <= target:
            raise BadInput(
                f"the network takes {show_time(first.p90)} already (nine calls of ten); ask for less than that"
            )
        self.say(
            f"{show_time(first.median)} now, {show_time(target)} wanted; {self.images:,} images of training in all"
        )
        begun = time.perf_counter()
        spec, carved = self._cut(old.spec, weights, first.median, target)
        self.say(f"cut in {time.perf_counter() - begun:.0f} s; fine-tuning")
        left = round(self.images * (1 - ITERATING)) if self.method == "netadapt" else self.images
        tuned, accuracy = self.trials.finish("final", spec, carved, left)
        self.say(f"validation accuracy {accuracy:.1%}")
        return self._written(spec, tuned, first, target)

    def _cut(self, spec: Spec, weights: Weights, seconds: float, target: float) -> tuple[Spec, Weights | None]:
        clock, ends = self._set(seconds, spec), self.trials.ends
        if self.method == "uniform":
            thinner = uniform(spec, clock, target)
        elif self.method == "magnitude":
            thinner = magnitude(spec, weights, clock, target, *ends)
        else:
            state = State(spec, weights, seconds, self.trials.glimpse(spec, weights))
            step = (seconds - target) * (1 - DECAY) / (1 - DECAY**self.iterations)
            end = netadapt(
                state, self.trials.clock, target, self.trials, step=step, decay=DECAY, ends=ends, told=self._tell
            )
            return end.spec, end.weights
        try:
            return thinner, carve(weights, spec, thinner)
        except IllegalCut as illegal:
            self.say(f"{illegal}: trained from scratch")
            return thinner, None

    def _set(self, seconds: float, spec: Spec) -> Clock:
        scale = seconds / self.trials.clock(spec)
        return lambda thinner: scale * self.trials.clock(thinner)

    def _tell(self, step: Step) -> None:
        self.say(
            f"{step.number}: {step.kept}, {show_time(step.seconds)}, validation accuracy {step.accuracy:.1%} "
            f"(of {len(step.tried)} tried)"
        )
        self.steps.append(
            {"kept": str(step.kept), "seconds": step.seconds, "validation_accuracy": step.accuracy,
             "tried": {str(each): accuracy for each, accuracy in step.tried}}
        )  # fmt: skip

    def _written(self, spec: Spec, weights: Weights, first: Measurement, target: float) -> Shrunk:
        old, classes = self.classifier.model, self.trials.ends[0]
        network = self.trials.network(spec, weights)
        save(self.folder, network, label_names=self.dataset.label_names,
             preprocessing=self.classifier.preprocessing.to_config(),
             notes=f"Made faster by `featherlight shrink --method {self.method}` from a network of "
             f"{first.median * 1e3:.3g} ms, on {self.dataset.source}. {RESULT} holds all figures.")  # fmt: skip
        written = load(self.folder)
        export(written, self.folder / ONNX, self._some())
        preprocessing = self.classifier.preprocessing
        before, after = (correct(each, self.dataset.test, preprocessing) for each in (old, written.model))
        counts = [count(from_spec(each, (1, *self.trials.image), classes)) for each in (old.spec, spec)]
        times, ratio = self._final(old.spec, spec)
        shrunk = Shrunk(
            folder=self.folder,
            data=self.dataset.source,
            method=self.method,
            wanted=target / first.median,
            before=times[0],
            after=times[1],
            ratio=ratio,
            predicted="" if self.table is None else self.table.label,
            accuracy_before=float(before.mean()),
            accuracy=float(after.mean()),
            difference=paired_difference(before, after),
            multiply_adds=(counts[0].multiply_adds, counts[1].multiply_adds),
            parameters=(counts[0].parameters, counts[1].parameters),
            images=self.images,
            widths=tuple((a.name, a.channels, b.channels) for a, b in zip(widths(old.spec), widths(spec), strict=True)),
            steps=tuple(self.steps),
            spec=spec,
        )
        write_json(self.folder / RESULT, shrunk.to_json())
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        return shrunk

    def _some(self) -> NDArray[np.float32]:
        indices = np.arange(min(64, len(self.dataset.validation)))
        prepared = self.dataset.validation.prepared(indices, self.classifier.preprocessing)
        return prepared[self.dataset.validation.sound(indices)]

    def _measured(self, spec: Spec) -> Measurement:
        """The first time, once: what it says decides everything after it."""
        if self.trials.engine is None:
            return self._predicted(spec)
        event = self.record.once("first", lambda: time_json(self.trials.measure(spec)))
        return Measurement(self.known.target, *(event[name] for name in ("median", "p10", "p90", "runs", "noisy")))

    def _final(self, old: Spec, new: Spec) -> tuple[tuple[Measurement, Measurement], Comparison]:
        if self.trials.engine is None:
            before, after = self._predicted(old), self._predicted(new)
            ratio = after.median / before.median
            return (before, after), Comparison(ratio, ratio, ratio)
        one, other = self.trials.side_by_side(old, new)
        return (one.measurement, other.measurement), tell_apart(other.rounds, one.rounds)

    def _predicted(self, spec: Spec) -> Measurement:
        return self.known.predict(pieces(from_spec(spec, (1, *self.trials.image), self.trials.ends[0]))).measurement

    def _engine(self, engine: str, spec: Spec, image: tuple[int, int, int], classes: int, threads: int) -> str:
        source = GraphSource(from_spec(spec, (1, *image), classes))
        event = self.record.once("engine", lambda: {"name": choose(engine, source, threads=threads).name})
        return str(event["name"])  # never torch, which runs no graphs

    def _rate(self, seed: int) -> tuple[float, int]:
        """Images a second in training, measured once, and the threads that they take."""
        model, preprocessing = self.classifier.model, self.classifier.preprocessing
        size, channels = preprocessing.size, preprocessing.channels

        def measured() -> dict[str, Any]:
            threads = fastest_threads(model, size, channels)
            return {"threads": threads, "rate": images_per_second(model, size, channels, threads=threads)}

        event = self.record.once("rate", measured)
        return float(event["rate"]), int(event["threads"])


def _shares(images: int, count: int) -> tuple[int, int]:
    """How many iterations there is time for, and how many images each short fine-tune sees."""
    tried = max(1, count / 2)
    iterations = min(MOST, max(FEWEST, int(ITERATING * images / (tried * SHORT))))
    return iterations, max(1, min(SHORT, int(ITERATING * images / (tried * iterations))))
