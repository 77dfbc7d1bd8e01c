"""MobileNet v3's pipeline in one call: a search within a looser budget, then NetAdapt down to the one asked for.

Howard et al. 2019, section 4: the search finds the blocks, and NetAdapt the filters of each layer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featherlight.searching.job import search
from featherlight.searching.result import RESULT
from featherlight.shrinking import result as shrinking
from featherlight.shrinking import shrink
from featherlight.timing.budget import parse_budget

LOOSER = 1.25  # times the budget is what the search may take
SEARCHING = 0.7  # of the minutes; NetAdapt has the rest
FOUND, SHRUNK = "found", "shrunk"  # the folders


@dataclass(frozen=True)
class Pipeline:
    """Both results, as their JSON files keep them; `shrunk` is None where what was found keeps the budget already."""

    folder: Path
    found: dict[str, Any]
    shrunk: dict[str, Any] | None

    @property
    def network(self) -> Path:
        """The folder with the network."""
        return self.folder / (FOUND if self.shrunk is None else SHRUNK)


def search_then_shrink(
    data: str | os.PathLike[str],
    budget: str | float,
    *,
    out: str | os.PathLike[str],
    minutes: float = 60.0,
    target: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    threads: int = 1,
    seed: int = 0,
    resume: bool = False,
    say: Callable[[str], None] = lambda _: None,
    **searching: Any,
) -> Pipeline:
    """`search` and then `shrink`, in the folders found/ and shrunk/ of `out`; the arguments are theirs.

    With `resume` it goes on in whichever of the two it was stopped. Raises BadInput where the search that has ended
    there was asked for anything else.
    """
    folder, seconds = Path(out), parse_budget(budget) if isinstance(budget, str) else budget
    found, shrunk = folder / FOUND, folder / SHRUNK
    common: dict[str, Any] = {"target": target, "engine": engine, "threads": threads, "seed": seed, "say": say}
    search(data, LOOSER * seconds, out=found, minutes=SEARCHING * minutes, resume=resume, **common, **searching)
    result = json.loads((found / RESULT).read_bytes())
    if result["time"]["p90"] <= seconds:
        say("what was found keeps the budget as it is: nothing is left for NetAdapt")
        return Pipeline(folder, result, None)
    if not (resume and (shrunk / shrinking.RESULT).exists()):
        shrink(found, data, out=shrunk, budget=seconds, minutes=(1 - SEARCHING) * minutes, resume=resume, **common)
    return Pipeline(folder, result, json.loads((shrunk / shrinking.RESULT).read_bytes()))
