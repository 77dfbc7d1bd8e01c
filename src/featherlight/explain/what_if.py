"""What mending a finding would save: rebuilt and timed, not guessed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from featherlight.cost import count
from featherlight.engines import Engine, GraphSource, Running
from featherlight.engines.rivals import settling, turn_of
from featherlight.errors import BadInput
from featherlight.explain.guidelines import Finding
from featherlight.explain.mended import Mended, mended
from featherlight.graph import Graph
from featherlight.timing import (
    NOISY,
    NOISY_TIE,
    TIE,
    Comparison,
    Measurement,
    interleave,
    noise,
    summarise_rounds,
    tell_apart,
)

WORST = 2  # findings of each guideline that are mended, the first ones
SECONDS = 0.4  # of timing, for each graph


@dataclass(frozen=True, slots=True)
class Change:
    """A finding, and the layer or block that it is about timed alone: as it is (before) and mended (after).

    change         what was done, or why nothing could be
    alike          other findings that the same would be done about
    multiply_adds  before and after; they are as near as whole channels allow where the guideline compares equal work
    comparison     after against before, round by round; None with both times where nothing could be done
    """

    finding: Finding
    change: str
    alike: int = 0
    multiply_adds: tuple[int, int] | None = None
    before: Measurement | None = None
    after: Measurement | None = None
    comparison: Comparison | None = None

    def __str__(self) -> str:
        place = f"{self.finding.guideline} at {self.finding.origin}: {self.change}"
        if self.before is None or self.after is None or self.comparison is None:
            return f"{place} (not rebuilt)"
        return f"{place}: {1e3 * self.before.median:.3g} ms to {1e3 * self.after.median:.3g} ms, {self.comparison}"

    def to_json(self) -> dict[str, Any]:
        """What a program reads: times in seconds; a comparison's `high` is null where nothing bounds it."""
        document = {**asdict(self), "finding": asdict(self.finding)}
        for name, time in (("before", self.before), ("after", self.after)):
            if time is not None:
                document[name] = {field: value for field, value in asdict(time).items() if field != "target"}
        if self.comparison is not None:
            document["comparison"]["verdict"] = self.comparison.verdict
            if math.isinf(self.comparison.high):  # too few rounds to tell, and JSON knows no infinity
                document["comparison"]["high"] = None
        return document


def mend(graph: Graph, findings: Sequence[Finding], engine: Engine, *, threads: int) -> tuple[Change, ...]:
    """The places of findings in `graph` beside their mends (see `mended`), all timed in the same rounds.

    Of each guideline the first two that differ; `SECONDS` for each graph. Raises BadInput as `check` does.
    """
    check(engine)
    chosen = _different(graph, findings)
    with ExitStack() as stack:
        rivals: dict[str, Running] = {}
        for at, (finding, plan, _) in enumerate(chosen):
            if isinstance(plan, Mended):
                for part, name in ((plan.before, f"{at} before"), (plan.after, f"{at} after")):
                    source = GraphSource(part, finding.origin)
                    rivals[name] = stack.enter_context(engine.build(source, threads=threads))
        turns = {name: turn_of(running, settling([threads])) for name, running in rivals.items()}
        taken = interleave(turns, seconds=SECONDS * max(1, len(rivals)))
        timed = {name: summarise_rounds(running.target, taken[name]) for name, running in rivals.items()}
    tie = NOISY_TIE if noise() > NOISY else TIE
    changes = []
    for at, (finding, plan, alike) in enumerate(chosen):
        if isinstance(plan, str):
            changes.append(Change(finding, plan, alike))
            continue
        before, after = timed[f"{at} before"], timed[f"{at} after"]
        work = (count(plan.before).multiply_adds, count(plan.after).multiply_adds)
        told = tell_apart(after.rounds, before.rounds, tie=tie)
        changes.append(Change(finding, plan.change, alike, work, before.measurement, after.measurement, told))
    return tuple(changes)


def check(engine: Engine) -> None:
    """Raise BadInput for an engine that runs torch modules only: what is mended is a graph."""
    if engine.needs_module:
        raise BadInput(
            f"the engine {engine.name} runs torch modules only, and what is mended is a graph; take onnxruntime, "
            "openvino or native"
        )


def _different(graph: Graph, findings: Sequence[Finding]) -> list[tuple[Finding, Mended | str, int]]:
    """The first findings of each guideline whose mends differ, and how many others are mended as each of them is."""
    plans: dict[tuple[str, object], tuple[Finding, Mended | str]] = {}
    alike: Counter[tuple[str, object]] = Counter()
    taken: Counter[str] = Counter()
    for finding in findings:
        plan = mended(graph, finding)
        key = (finding.guideline, plan if isinstance(plan, str) else (plan.change, _shape(plan)))
        if key in plans:
            alike[key] += 1
        elif taken[finding.guideline] < WORST:
            taken[finding.guideline] += 1
            plans[key] = (finding, plan)
    return [(*plan, alike[key]) for key, plan in plans.items()]


def _shape(plan: Mended) -> tuple[int, ...]:
    return plan.before.tensors[plan.before.inputs[0]].shape
