"""The stages of a fit: among the registered networks one is chosen; then, if asked to, NetAdapt and a search try to do
better, each in a folder of its own. What does better takes the place of the network before.

Better is decided by the validation images, on which no network is trained. The test images decide nothing: an accuracy
by which one of several was chosen is no longer that of new images.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from featherlight.engines import AUTO
from featherlight.errors import BadInput
from featherlight.fitting.candidates import Candidate
from featherlight.fitting.effort import SHARES, SPARE, WIDENING, Asked, StageName
from featherlight.fitting.judge import judge
from featherlight.fitting.place import FOLDERS, STAGES, settle
from featherlight.fitting.predicted_bench import AnyBench
from featherlight.fitting.result import Fitted, card_notes, told
from featherlight.fitting.stage import Entrant, Judged, Stage
from featherlight.fitting.task import Task
from featherlight.fitting.time_candidates import Field
from featherlight.fitting.train_candidates import Winner
from featherlight.fitting.weights import start_of
from featherlight.fitting.wider import WIDER, train_wider, wider
from featherlight.latency import ENGINES
from featherlight.pretrained import save
from featherlight.searching import result as searching
from featherlight.searching.job import search
from featherlight.searching.pipeline import LOOSER
from featherlight.shrinking import finished as shrunk_in
from featherlight.shrinking import shrink


def choose(task: Task, asked: Asked, found: Field, winner: Winner, bench: AnyBench) -> Fitted:
    """The first stage's end: its winner written to the folder, loaded from there, checked, timed, and then its figures.

    Raises Failure where the exported network says something else than the trained one.
    """
    dataset, name = task.dataset, SHARES[asked.effort]
    first = next(iter(name))
    event = task.record.once("stage", lambda: _chosen(task, asked, found, winner, bench).to_json(), name=first)
    fitted = Fitted(
        folder=task.folder,
        data=dataset.source,
        seed=dataset.seed,
        budget=task.budget,
        limits=task.limits,
        effort=asked.effort,
        stages=(Stage.from_json(event, task.machine),),
        candidate=winner.candidate,
        accuracies=winner.accuracies,
        heats=winner.heats,
        rungs=winner.rungs,
        candidates=found.timed,
        ruled_out=found.ruled_out,
        broken_images=dataset.broken,
        label=task.label,
    )
    settle(task, fitted)
    return fitted


def improve(task: Task, asked: Asked, fitted: Fitted, bench: AnyBench, threads: int) -> Fitted:
    """The stages after the first, one by one; `threads` are those to train with.

    One that cannot be done is told of in a sentence, and the next one is begun.
    """
    for name in list(SHARES[asked.effort])[1:]:
        work = _Work(task, asked, fitted, bench, threads)
        event = task.record.once("stage", partial(_tried, work, name), name=name)
        fitted = replace(fitted, stages=(*fitted.stages, Stage.from_json(event, task.machine)))
        settle(task, fitted)
    return fitted


@dataclass(frozen=True)
class _Work:
    """What every stage after the first one needs; `fitted` is what there is before it."""

    task: Task
    asked: Asked
    fitted: Fitted
    bench: AnyBench
    threads: int

    @property
    def stages(self) -> Path:
        return self.task.folder / STAGES

    @property
    def runs(self) -> dict[str, Any]:
        """In which way networks are to run, as shrink and search are told; BadInput where they cannot go by it."""
        asked, target = self.asked, self.fitted.measurement.target
        if asked.target is not None:
            return {"target": asked.target, "engine": AUTO, "threads": asked.threads}
        if target.engine not in ENGINES:
            raise BadInput(f"{target.engine} does not tell what the parts of a network take ({', '.join(ENGINES)} do)")
        return {"engine": target.engine, "threads": target.threads}


def _chosen(task: Task, asked: Asked, found: Field, winner: Winner, bench: AnyBench) -> Stage:
    candidate, start = winner.candidate, start_of(task, winner.candidate)
    first = next(each.measurement for each in found.timed if each.candidate == candidate)
    accuracy = winner.training.accuracy
    save(
        task.folder,
        winner.network,
        label_names=task.dataset.label_names,
        preprocessing=start.preprocessing.to_config(),
        notes=card_notes(task, asked.effort, candidate.name, candidate.size, first, accuracy, start.weights),
    )
    entrant = Entrant(candidate.name, candidate.size, candidate.architecture, candidate.width, start.weights)
    judged = judge(task, bench, task.folder, entrant, first.target, validated=accuracy)
    task.say(told(judged, task))
    return Stage("choose", sum(heat.seconds for heat in winner.heats), True, "", judged)


def _tried(work: _Work, name: StageName) -> dict[str, Any]:
    """A stage as the journal keeps it: its network made, and judged beside the one that is in the folder."""
    task, before = work.task, work.fitted.network
    task.say(f"stage: {name}")
    try:
        entrant = _MAKERS[name](work, work.runs)
    except BadInput as error:
        task.say(f"no {name}: {error}; {before.entrant.name} stays")
        trained = name == "shrink" and task.record.find("trained", key=WIDER)
        return Stage(name, WIDENING * work.asked.share(name) if trained else 0.0, False, str(error), None).to_json()
    folder = work.stages / FOLDERS[name]
    judged = judge(task, work.bench, folder, entrant, before.measurement.target, beside=task.folder)
    note = _why_not(judged, before)
    task.say(f"{told(judged, task)}; validation accuracy {judged.validation_accuracy:.1%}, that of "
             f"{before.entrant.name} {before.validation_accuracy:.1%}: {note or 'it takes its place'}")  # fmt: skip
    return Stage(name, work.asked.share(name), not note, note, judged).to_json()


def _why_not(judged: Judged, before: Judged) -> str:
    """Why a network does not take the place of the one before; "" where it does."""
    if judged.verdict != "fits":
        return f"it is {judged.verdict}"
    if judged.validation_accuracy <= before.validation_accuracy:
        return "it is not more often right on the validation images"
    return ""


def _shrunk_winner(work: _Work, runs: dict[str, Any]) -> Entrant:
    """A wider form of the first stage's choice, trained, and shrunk to the budget."""
    task, folder = work.task, work.stages / WIDER
    share, winner = work.asked.share("shrink"), work.fitted.candidate
    way = work.fitted.stages[0].judged
    assert way is not None

    def median(candidate: Candidate) -> float:
        timed = work.bench.time_sources({"": (work.bench.source(candidate), way.measurement.target)}, 1)[""][0]
        work.bench.close([candidate])
        return timed.median

    event = task.record.once(
        "wider", lambda: {"width": wider(winner, work.fitted.candidates, task.budget, median).width}
    )
    wide = replace(winner, width=event["width"])
    weights = train_wider(task, wide, WIDENING * share, work.threads, folder)
    entrant = Entrant(wide.name, wide.size, wide.architecture)
    return _shrink(work, runs, folder, "shrink", (1 - WIDENING) * share, entrant, weights)


def _found(work: _Work, runs: dict[str, Any]) -> Entrant:
    """A network of the search's space. It may take longer than the budget, since it is shrunk after it."""
    task, folder = work.task, work.stages / FOLDERS["search"]
    size = work.fitted.candidate.size
    if not (folder / searching.RESULT).exists():
        search(
            work.asked.data,
            LOOSER * task.budget,
            out=folder,
            minutes=work.asked.share("search") / 60,
            size=size,
            seed=task.seed,
            resume=True,
            say=task.say,
            **runs,
        )
    document = json.loads((folder / searching.RESULT).read_bytes())
    return Entrant(
        f"found in the space {document['space']['name']} at {size}", size, "", table=tuple(document["table"])
    )


def _shrunk_found(work: _Work, runs: dict[str, Any]) -> Entrant:
    """What the search found, shrunk to the budget."""
    found = next((stage.judged for stage in work.fitted.stages if stage.name == "search"), None)
    if found is None:
        raise BadInput("nothing was found")
    name: StageName = "shrink what was found"
    return _shrink(work, runs, work.stages / FOLDERS["search"], name, work.asked.share(name), found.entrant, None)


def _shrink(
    work: _Work,
    runs: dict[str, Any],
    source: Path,
    name: StageName,
    seconds: float,
    entrant: Entrant,
    weights: str | None,
) -> Entrant:
    task, out = work.task, work.stages / FOLDERS[name]
    if shrunk_in(out) is None:
        shrink(
            source,
            work.asked.data,
            out=out,
            budget=SPARE * task.budget,
            minutes=seconds / 60,
            seed=task.seed,
            resume=True,
            say=task.say,
            **runs,
        )
    document = shrunk_in(out) or {}
    cut = tuple(width for width in document["widths"] if width["before"] != width["after"])
    return replace(entrant, name=f"{entrant.name}, shrunk", width=None, weights=weights, table=cut)


_MAKERS: Mapping[StageName, Callable[[_Work, dict[str, Any]], Entrant]] = {
    "shrink": _shrunk_winner,
    "search": _found,
    "shrink what was found": _shrunk_found,
}
