"""What search.json says: the front, the finalists, and the architecture of the network that was found."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from featherlight.report.contents import Fact, Mark, Table
from featherlight.report.numbers import show_count, show_share, show_time
from featherlight.report.result import KEPT, Result, first_event, right, timed

JOURNAL = "search.jsonl"
SPACES = ("light", "mnasnet", "mobilenet", "shufflenet", "squeezenet")  # all others are a file of the user's
FRONT, FINALIST, FOUND = "the front", "finalists", "the network found"  # what marks are coloured by


def read_search(document: Mapping[str, Any], folder: Path) -> Result:
    """The document as the page shows it; its journal, in `folder`, has what was asked for."""
    space, budget, label = document["space"], float(document["budget"]), str(document["predicted"])
    front, finalists, judged = document["front"], document["finalists"], len(document["found"])
    how, target = _how(document["method"]), document["on"]
    return Result(
        title=f"Found in the space {space['name']}",
        lead=f"Of {judged:,} networks of the space {space['name']}, judged {how}, {len(finalists)} "
        f"{'was' if len(finalists) == 1 else 'were'} {label or 'timed on ' + target['machine']['cpu']} and trained "
        f"alone, and the best one to the end, on {document['data']}.",
        label=label,
        data=str(document["data"]),
        seed=int(document["seed"]),
        budget=budget,
        marks=(*_front(document, how), *_finalists(document), _winner(document)),
        facts=(
            right(document),
            timed(document["time"], label),
            Fact("Budget", show_time(budget), KEPT[document["verdict"]]),
            Fact(
                "Networks judged", f"{judged:,}", f"{len(front)} on the front, {show_count(space['size'])} in the space"
            ),
        ),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        accuracy=float(document["validation_accuracy"]),
        commands=(_command(document, folder),),
        tables=(_architecture(document["table"]), _front_table(front, how)),
    )


def _how(method: str) -> str:
    return "with shared weights" if method == "supernet" else "after a short training"


def _front(document: Mapping[str, Any], how: str) -> list[Mark]:
    """Of these there is one time: that by which the search held them against the budget."""
    predicted, target = document["predicted"], document["on"]
    label = f"the upper end of what is {predicted}" if predicted else "the predicted 90th percentile"
    return [
        Mark(
            name=f"front {number}",
            family=FRONT,
            median=(seconds := float(each["seconds"])),
            p10=seconds,
            p90=seconds,
            engine=str(target["engine"]),
            threads=int(target["threads"]),
            verdict=_verdict(seconds, document),
            accuracy=float(each["accuracy"]),
            of=f"of the validation images, {how}",
            final=False,
            label=label,
            joined=True,
        )
        for number, each in enumerate(document["front"], 1)
    ]


def _finalists(document: Mapping[str, Any]) -> list[Mark]:
    return [
        _timed(
            document,
            each["time"],
            name=f"finalist {number}",
            family=FINALIST,
            accuracy=float(each["validation_accuracy"]),
            of=f"of the validation images, trained alone on {int(each['images']):,}",
            final=False,
        )
        for number, each in enumerate(document["finalists"], 1)
    ]


def _winner(document: Mapping[str, Any]) -> Mark:
    return _timed(
        document,
        document["time"],
        name="the network found",
        family=FOUND,
        accuracy=float(document["validation_accuracy"]),
        of="of the validation images",
        chosen=True,
    )


def _timed(document: Mapping[str, Any], time: Mapping[str, Any], **told: Any) -> Mark:
    target = document["on"]
    return Mark(
        median=float(time["median"]),
        p10=float(time["p10"]),
        p90=float(time["p90"]),
        engine=str(target["engine"]),
        threads=int(target["threads"]),
        verdict=_verdict(time["p90"], document),
        label=str(document["predicted"]),
        **told,
    )


def _verdict(p90: float, document: Mapping[str, Any]) -> str:
    return "fits" if p90 <= document["budget"] else "too slow"


def _architecture(lines: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        "The network that was found",
        "Its blocks from the image to the head, in the columns of MobileNet v3's paper: a line for each run of equal "
        "ones. Inside stand the channels of an expansion, a squeeze or a branch, and at the gate those of its "
        "squeeze-excite.",
        tuple(dict(line) for line in lines),
        open=True,
    )


def _front_table(front: Sequence[Mapping[str, Any]], how: str) -> Table:
    """Of the options, those in which the networks of the front differ."""
    options = [dict(each["options"]) for each in front]
    differ = [
        name for name in (options[0] if options else ()) if any(each[name] != options[0][name] for each in options)
    ]
    rows = tuple(
        {
            "network": f"front {number}",
            "time": show_time(each["seconds"]),
            "right": show_share(each["accuracy"]),
            **{name: taken[name] for name in differ},
        }
        for number, (each, taken) in enumerate(zip(front, options, strict=True), 1)
    )
    return Table(
        "The front",
        f"Networks that no other one beats in both accuracy and time, as they were judged {how}: an estimate, which "
        "ranks them and is not what they would reach. Beside them stand the options in which they differ.",
        rows,
    )


def _command(document: Mapping[str, Any], folder: Path) -> str:
    """By the journal; without it, by what search.json knows."""
    asked, name = first_event(folder / JOURNAL), str(document["space"]["name"])
    words = [
        "featherlight",
        "search",
        str(document["data"]),
        "--budget",
        show_time(document["budget"]).replace(" ", ""),
    ]
    words += ["--space", name if name in SPACES else "SPACE.py", "--method", str(document["method"])]
    options = {name: asked.get(name) for name in ("minutes", "trials", "exponent", "size", "threads")}
    options |= {"images": asked.get("images a network"), "seed": document["seed"], "study": asked.get("study")}
    if asked.get("engine", "auto") != "auto":
        options["engine"] = asked["engine"]
    for option, value in options.items():
        words += [] if value is None else [f"--{option}", str(value)]
    words += ["--target", "TABLE.json"] if document["predicted"] else []
    return shlex.join([*words, "--out", str(folder)])
