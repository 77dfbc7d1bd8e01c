"""What shrink.json says: the network before and after, and what was cut on the way."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from featherlight.report.contents import Fact, Mark, Table
from featherlight.report.numbers import show_count, show_share, show_time
from featherlight.report.result import KEPT, Result, first_event, timed

JOURNAL = "shrink.jsonl"
METHODS = {"netadapt": "NetAdapt", "uniform": "a width multiplier", "magnitude": "dropping the smallest filters"}
OF = "of the test images"


def read_shrink(document: Mapping[str, Any], folder: Path) -> Result:
    """The document as the page shows it; its journal, in `folder`, has what was asked for."""
    asked, label, target = first_event(folder / JOURNAL), str(document["predicted"]), document["on"]
    cut = [width for width in document["widths"] if width["before"] != width["after"]]
    return Result(
        title=f"Shrunk from {asked['source']}" if "source" in asked else "Shrunk",
        lead=f"{document['faster']:.2f} times as fast by {METHODS[document['method']]}: {len(cut)} of its "
        f"{len(document['widths'])} widths were cut, and it was trained on {document['images']:,} images of "
        f"{document['data']}.",
        label=label,
        data=str(document["data"]),
        seed=int(asked.get("seed", 0)),
        budget=float(document["wanted"]) * float(document["before"]["median"]),
        marks=(
            _mark(document, "before", float(document["test_accuracy_before"]), "too slow"),
            _mark(document, "after", float(document["test_accuracy"]), str(document["verdict"])),
        ),
        facts=(_right(document), timed(document["after"], label), _faster(document)),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        accuracy=None,
        commands=(_command(document, asked, folder),),
        tables=(_beside(document), *_iterations(document["steps"]), _widths(cut)),
        limit="wanted",
    )


def _mark(document: Mapping[str, Any], when: str, accuracy: float, verdict: str) -> Mark:
    time, target = document[when], document["on"]
    return Mark(
        name=when,
        family=when,
        median=float(time["median"]),
        p10=float(time["p10"]),
        p90=float(time["p90"]),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        verdict=verdict,
        accuracy=accuracy,
        of=OF,
        label=str(document["predicted"]),
        chosen=when == "after",
    )


def _right(document: Mapping[str, Any]) -> Fact:
    mean, low, high = (100 * float(document["difference"][name]) for name in ("mean", "low", "high"))
    return Fact(
        "Right on test images",
        show_share(document["test_accuracy"]),
        f"before: {show_share(document['test_accuracy_before'])}; {mean:+.1f} points (95 % within {low:+.1f} to "
        f"{high:+.1f})",
    )


def _faster(document: Mapping[str, Any]) -> Fact:
    """With the interval of rounds that both were timed in; a prediction has none."""
    ratio, wanted = document["ratio"], f"{1 / document['wanted']:.2f} wanted: {KEPT[document['verdict']]}"
    low, high = 1 / ratio["high"], 1 / ratio["low"]
    spread = f"; 95 % within {low:.2f} to {high:.2f}" if low < high else ""
    return Fact("Times as fast", f"{document['faster']:.2f}", wanted + spread)


def _beside(document: Mapping[str, Any]) -> Table:
    before, after = document["before"], document["after"]
    pairs = {
        "time for one image": [show_time(each["median"]) for each in (before, after)],
        "90th percentile": [show_time(each["p90"]) for each in (before, after)],
        "right on test images": [show_share(document[name]) for name in ("test_accuracy_before", "test_accuracy")],
        "multiply-adds": [show_count(each) for each in document["multiply_adds"]],
        "parameters": [show_count(each) for each in document["parameters"]],
    }
    told = "Predicted" if document["predicted"] else "Both timed in the same rounds"
    return Table(
        "Before and after",
        f"{told}, and asked about the same test images.",
        tuple({"figure": name, "before": one, "after": other} for name, (one, other) in pairs.items()),
        open=True,
    )


def _iterations(steps: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    """What NetAdapt kept in each; none of a method that cuts once."""
    rows = tuple(
        {
            "iteration": number,
            "kept": str(step["kept"]),
            "time": show_time(step["seconds"]),
            "right, validation": show_share(step["validation_accuracy"]),
            "proposals": len(step["glimpsed"]),
            "trained": len(step["tried"]),
        }
        for number, step in enumerate(steps, 1)
    )
    text = (
        "In each iteration, the cut that lost the least accuracy for the time it gained, or was most accurate. The "
        "accuracies are after a short training, on some of the validation images; the long training came after the "
        "last iteration."
    )
    return (Table("What NetAdapt kept", text, rows, open=True),) if rows else ()


def _widths(cut: Sequence[Mapping[str, Any]]) -> Table:
    rows = tuple({name: width[name] for name in ("name", "before", "after")} for width in cut)
    return Table("What was cut", "The channels of each width that is thinner than it was.", rows)


def _command(document: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> str:
    """By the journal; without it, by what shrink.json knows."""
    words = ["featherlight", "shrink", str(asked.get("source", "DIR")), str(document["data"])]
    if not asked:
        words += ["--faster", f"{1 / document['wanted'] - 1:.3f}"]
    words += ["--method", str(document["method"])]
    for name in ("budget", "faster", "minutes", "images", "threads", "seed"):
        value = asked.get(name)
        if name == "budget" and isinstance(value, float):
            value = show_time(value).replace(" ", "")
        words += [] if value is None else [f"--{name}", str(value)]
    for name, usual in (("choice", "ratio"), ("engine", "auto")):
        words += [] if asked.get(name, usual) == usual else [f"--{name}", str(asked[name])]
    words += ["--target", "TABLE.json"] if document["predicted"] else []
    return shlex.join([*words, "--out", str(folder)])
