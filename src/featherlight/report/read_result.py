"""What a folder says of the network in it: the fit or the training run that made it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherlight.errors import BadInput
from featherlight.models import entry, list_models
from featherlight.report.contents import Fact, Mark, Step
from featherlight.report.numbers import show_bytes, show_share, show_time

FIT, TRAIN, JOURNAL = "fit.json", "train.json", "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Result:
    """What fit.json or train.json holds, as far as the page shows it.

    `engine` and `threads` are what the fit found fastest; None where nothing was timed.
    """

    title: str
    lead: str
    label: str
    data: str
    seed: int
    budget: float | None
    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...]
    engine: str | None
    threads: int | None
    accuracy: float | None  # on validation images
    commands: tuple[str, ...]
    steps: tuple[Step, ...] = ()


def read_result(folder: Path) -> Result | None:
    """The result in a folder that `fit` or `train` made; None where it holds neither.

    Raises BadInput where it cannot be read.
    """
    for name, read in ((FIT, _read_fit), (TRAIN, _read_train)):
        path = folder / name
        if path.is_file():
            try:
                return read(json.loads(path.read_bytes()), folder)
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadInput(f"{path} is damaged ({type(error).__name__}: {error})") from None
    return None


def family(architecture: str | None) -> str:
    """The family of a registered network: "mobilenet_v3"; "other" for one that is not."""
    return entry(architecture).family if architecture in list_models() else "other"


def _read_fit(document: Mapping[str, Any], folder: Path) -> Result:
    chosen, target, budget = str(document["network"]), document["target"], float(document["budget"])
    times = str(document.get("times", "measured"))
    label = "" if times == "measured" else times
    steps = tuple(map(_step, document.get("stages", ())))
    finals = {chosen, *(step.network for step in steps)}
    later = [_mark_of(stage, chosen, label) for stage in document.get("stages", ())[1:] if stage["network"]]
    return Result(
        title=chosen,
        lead=_lead(document, label, steps),
        label=label,
        data=str(document["data"]),
        seed=int(document["seed"]),
        budget=budget,
        marks=(*(_mark(row, chosen, label, finals) for row in document["candidates"]), *later),
        facts=_fit_facts(document, label),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        accuracy=float(document["validation_accuracy"]),
        commands=(_fit_command(document, folder, label),),
        steps=steps if len(steps) > 1 else (),
    )


def _lead(document: Mapping[str, Any], label: str, steps: Sequence[Step]) -> str:
    timed = f"Of {len(document['candidates'])} networks, {label or 'timed on ' + document['target']['machine']['cpu']}"
    chosen = f"{timed}, the one that promised the most accuracy within {show_time(document['budget'])} an image"
    if len(steps) < 2:
        return f"{chosen}; trained on {document['data']}."
    return f"{chosen}, and then what {len(steps) - 1} more stages made of it; trained on {document['data']}."


def _step(stage: Mapping[str, Any]) -> Step:
    time = stage.get("time") or {}
    return Step(
        name=str(stage["name"]),
        network=str(stage["network"] or ""),
        median=time.get("median"),
        p90=time.get("p90"),
        validation_accuracy=stage.get("validation_accuracy"),
        test_accuracy=stage.get("test_accuracy"),
        seconds=float(stage["seconds"]),
        kept=bool(stage["kept"]),
        note=str(stage["note"]),
        table=tuple(dict(row) for row in stage.get("table", ())),
    )


def _mark_of(stage: Mapping[str, Any], chosen: str, label: str) -> Mark:
    """The network of a stage after the first, which is no candidate of it."""
    row = {**stage["time"], "name": stage["network"], "architecture": stage["architecture"] or None,
           "verdict": stage["verdict"], "validation_accuracy": stage["validation_accuracy"]}  # fmt: skip
    return _mark(row, chosen, label, {stage["network"]})


def _fit_facts(document: Mapping[str, Any], label: str) -> tuple[Fact, ...]:
    time = document["time"]
    spread = f"{show_time(time['p10'])} to {show_time(time['p90'])}"
    noisy = "; the machine was busy" if time["noisy"] else ""
    kept = {"fits": "kept", "undecided": "the noise is larger than the gap", "too slow": "not kept"}
    return (
        Fact(
            "Right on test images",
            show_share(document["test_accuracy"]),
            f"validation images: {show_share(document['validation_accuracy'])}",
        ),
        Fact(
            "Time for one image",
            show_time(time["median"]),
            f"{label}: {spread}" if label else f"80 % within {spread}{noisy}",
        ),
        Fact("Budget", show_time(document["budget"]), kept[document["verdict"]]),
        Fact(
            "Weights",
            show_bytes(document["weights_bytes"]),
            f"{show_bytes(document['memory_bytes'])} in memory with one image",
        ),
    )


def _mark(row: Mapping[str, Any], chosen: str, label: str, finals: Collection[str]) -> Mark:
    """`finals` are those that were trained to the end."""
    accuracy, name = row["validation_accuracy"], str(row["name"])
    return Mark(
        name=name,
        family=family(row["architecture"]),
        median=float(row["median"]),
        p10=float(row["p10"]),
        p90=float(row["p90"]),
        engine=str(row["engine"]),
        threads=int(row["threads"]),
        verdict=str(row["verdict"]),
        accuracy=None if accuracy is None else float(accuracy),
        of="" if accuracy is None else "of the validation images" + ("" if name in finals else ", after a short heat"),
        final=name in finals,
        label=label,
        chosen=name == chosen,
    )


def _read_train(document: Mapping[str, Any], folder: Path) -> Result:
    asked, finished = document["asked"], bool(document["finished"])
    accuracy = float(document["validation_accuracy"]) if finished else None
    name = " ".join([str(asked["model"]), *(f"{key} {value}" for key, value in asked["arguments"].items())])
    facts = (
        Fact("Right on test images", show_share(document["test_accuracy"]),
             f"validation images: {show_share(accuracy)}"),
        Fact("Training", show_time(document["seconds"]), f"{document['images']:,} images"),
    ) if finished else ()  # fmt: skip
    return Result(
        title=name,
        lead=f"Trained on {document['data']}." if finished else f"A run on {document['data']} that did not end.",
        label="",
        data=str(document["data"]),
        seed=int(document["seed"]),
        budget=None,
        marks=(),
        facts=facts,
        engine=None,
        threads=None,
        accuracy=accuracy,
        commands=(_train_command(asked, folder),),
    )


def _fit_command(document: Mapping[str, Any], folder: Path, label: str) -> str:
    """What was asked for stands in the first line of the journal; without it, what fit.json knows."""
    asked: Mapping[str, Any] = document
    try:
        with (folder / JOURNAL).open("rb") as file:
            first = json.loads(file.readline())
        asked = first if first["event"] == "start" else document
    except (OSError, ValueError, KeyError, TypeError):
        pass
    words = ["featherlight", "fit", str(document["data"]), "--budget", show_time(document["budget"]).replace(" ", "")]
    for name in ("threads", "size", "minutes", "seed"):
        words += [] if asked.get(name) is None else [f"--{name}", f"{asked[name]:g}"]
    for name in ("max_size", "max_memory"):
        words += [] if asked.get(name) is None else [f"--{name.replace('_', '-')}", f"{asked[name]}B"]
    words += [] if asked.get("effort", "quick") == "quick" else ["--effort", str(asked["effort"])]
    words += [] if asked.get("engine", "auto") == "auto" else ["--engine", str(asked["engine"])]
    words += ["--target", "TABLE.json"] if label else []
    return shlex.join([*words, "--out", str(folder)])


def _train_command(asked: Mapping[str, Any], folder: Path) -> str:
    words = ["featherlight", "train", str(asked["model"]), str(asked["data"])]
    names = ("recipe", "batch", "minutes", "epochs", "size", "teacher", "seed")
    options = [*asked["arguments"].items(), *((name, asked.get(name)) for name in names)]
    options += [("set", change) for change in asked["changes"]]
    for name, value in options:
        words += [] if value is None else [f"--{name}", str(value)]
    words += ["--scratch"] if asked["scratch"] else []
    return shlex.join([*words, "--out", str(folder)])
