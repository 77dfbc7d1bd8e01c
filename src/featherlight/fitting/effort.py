"""How hard a fit tries: which stages it has, and how the minutes of training are shared among them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from featherlight.errors import must_be

Effort: TypeAlias = Literal["quick", "normal", "thorough"]
StageName: TypeAlias = Literal["choose", "shrink", "search", "shrink what was found"]

MINUTES: Mapping[Effort, float] = {"quick": 3.0, "normal": 15.0, "thorough": 60.0}  # where none are named

# Shares of the minutes, in the order of the stages. The wider network is trained for as long as the one that was chosen
# or longer: what NetAdapt cuts it down from is what it can be compared by. Then the search, whose space is large; what
# it finds is trained by the search itself.
SHARES: Mapping[Effort, Mapping[StageName, float]] = {
    "quick": {"choose": 1.0},
    "normal": {"choose": 0.35, "shrink": 0.65},
    "thorough": {"choose": 0.15, "shrink": 0.25, "search": 0.4, "shrink what was found": 0.2},
}
SPARE = 0.95  # of the budget is what a network is shrunk to: one exactly at it would keep it half of the time
WIDENING = 0.5  # of the stage `shrink`: for training the wider network; NetAdapt has the rest


@dataclass(frozen=True)
class Asked:
    """What a fit was asked for, as far as its first stage does not need it and the others do.

    seconds          of training in all
    engine, threads  as they were asked for; `target` is the latency table's file
    """

    data: str | os.PathLike[str]
    effort: Effort
    seconds: float
    engine: str
    threads: int
    target: Path | None

    def share(self, stage: StageName) -> float:
        """Seconds of training for a stage."""
        return self.seconds * SHARES[self.effort][stage]


def check_effort(effort: str) -> None:
    """Raise BadInput for an effort that there is not."""
    if effort not in get_args(Effort):
        raise must_be("effort", f"one of {', '.join(get_args(Effort))}", effort)


def has_ended(document: Mapping[str, Any]) -> bool:
    """Whether fit.json tells of all stages; one that knows no stages is of a fit that had only one."""
    stages = SHARES[document.get("effort", "quick")]
    return "stages" not in document or len(document["stages"]) == len(stages)
