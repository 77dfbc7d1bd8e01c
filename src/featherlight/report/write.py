"""The page as a file: of any networks, and beside what a fit leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from featherlight.data import Dataset
from featherlight.files import check_no_folder, write_text
from featherlight.report.contents import Report
from featherlight.report.gather import gather
from featherlight.report.render import render

PAGE = "report.html"


def write_report(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] = PAGE,
    *,
    engine: str | None = None,
    data: str | os.PathLike[str] | Dataset | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Write a page on the networks of `sources` to `out`: one file that asks the network for nothing.

    Arguments and errors are those of `gather`; BadInput also where `out` is a folder.
    """
    path = Path(out)
    check_no_folder(path, "out")
    report = gather(sources, engine=engine, data=data, say=say)
    write_text(path, render(report))
    return report


def add_to_fit(folder: Path, dataset: Dataset, say: Callable[[str], None]) -> None:
    """report.html beside what a fit left in `folder`. The fit has ended: where this fails, a note says so."""
    try:
        write_report([folder], folder / PAGE, data=dataset, say=say)
    except Exception as error:
        say(f"the fit is whole, but its {PAGE} could not be written: {error}")
