"""What fit.json says: every candidate, the one that was chosen, and the stages after it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from featherlight.report.contents import Fact, Mark, Step
from featherlight.report.numbers import show_bytes, show_time
from featherlight.report.result import KEPT, Result, family, first_event, right, timed

JOURNAL = "journal.jsonl"


def read_fit(document: Mapping[str, Any], folder: Path) -> Result:
    """The document as the page shows it; its journal, in `folder`, has what was asked for."""
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
        facts=_facts(document, label),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        accuracy=float(document["validation_accuracy"]),
        commands=(_command(document, folder, label),),
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


def _facts(document: Mapping[str, Any], label: str) -> tuple[Fact, ...]:
    return (
        right(document),
        timed(document["time"], label),
        Fact("Budget", show_time(document["budget"]), KEPT[document["verdict"]]),
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


def _command(document: Mapping[str, Any], folder: Path, label: str) -> str:
    """By the journal; without it, by what fit.json knows."""
    asked = first_event(folder / JOURNAL) or document
    words = ["featherlight", "fit", str(document["data"]), "--budget", show_time(document["budget"]).replace(" ", "")]
    for name in ("threads", "size", "minutes", "seed"):
        words += [] if asked.get(name) is None else [f"--{name}", f"{asked[name]:g}"]
    for name in ("max_size", "max_memory"):
        words += [] if asked.get(name) is None else [f"--{name.replace('_', '-')}", f"{asked[name]}B"]
    words += [] if asked.get("effort", "quick") == "quick" else ["--effort", str(asked["effort"])]
    words += [] if asked.get("engine", "auto") == "auto" else ["--engine", str(asked["engine"])]
    words += ["--target", "TABLE.json"] if label else []
    return shlex.join([*words, "--out", str(folder)])
