"""What train.json says."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featherlight.report.contents import Fact
from featherlight.report.numbers import show_time
from featherlight.report.result import Result, right


def read_train(document: Mapping[str, Any], folder: Path) -> Result:
    """The document as the page shows it; of a run that did not end, only what was asked for."""
    asked, finished = document["asked"], bool(document["finished"])
    accuracy = float(document["validation_accuracy"]) if finished else None
    name = " ".join([str(asked["model"]), *(f"{key} {value}" for key, value in asked["arguments"].items())])
    facts = (
        right(document),
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
        commands=(_command(asked, folder),),
    )


def _command(asked: Mapping[str, Any], folder: Path) -> str:
    words = ["featherlight", "train", str(asked["model"]), str(asked["data"])]
    names = ("recipe", "batch", "minutes", "epochs", "size", "teacher", "seed")
    options = [*asked["arguments"].items(), *((name, asked.get(name)) for name in names)]
    options += [("set", change) for change in asked["changes"]]
    for name, value in options:
        words += [] if value is None else [f"--{name}", str(value)]
    words += ["--scratch"] if asked["scratch"] else []
    return shlex.join([*words, "--out", str(folder)])
