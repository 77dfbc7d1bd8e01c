"""The picture of ShuffleNet v2's experiments: speeds beside the paper's, and where the time of whole networks goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from featherlight.explain.time_split import PAPER, PARTS
from featherlight.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from featherlight.explain.experiments import Outcome, Study
    from featherlight.explain.time_split import Split

# Okabe and Ito's colours, told apart by most colour-blind people; the paper is grey and hatched.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_PAPER = "#999999"
_GROUP = 0.8  # of the distance from one group of bars to the next


def draw(study: Study, path: Path) -> None:
    """Draw a study to a PNG at `path`.

    The tables are bars: images a second, of each network as a share of the table's first one, so that the paper's
    machine and this one can stand side by side. Below, the time of whole networks by what it goes to.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = 3 if study.splits else 2
    figure = Figure(figsize=(11, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, 2)
    places = [figure.add_subplot(grid[row, column]) for row in (0, 1) for column in (0, 1)]
    for axes, outcome in zip(places, study.outcomes, strict=False):
        _draw_table(axes, outcome)
    for axes in places[len(study.outcomes) :]:
        axes.set_visible(False)
    title = (
        f"ShuffleNet v2's guidelines on {study.machine.cpu}, {study.threads} thread{'s' if study.threads > 1 else ''}"
    )
    remark = "quick: the figures mean nothing" if study.quick else "pale: a noisy time"
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=f"{title} ({remark})", loc="outside upper center", ncols=6, frameon=False)
    if study.splits:
        _draw_splits(figure.add_subplot(grid[2, :]), study.splits)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _draw_table(axes: Axes, outcome: Outcome) -> None:
    speeds = {"the paper": [line.paper for line in outcome.lines]}
    speeds |= {engine: [1 / line.times[engine].median for line in outcome.lines] for engine in outcome.orders}
    width = _GROUP / len(speeds)
    for index, (name, values) in enumerate(speeds.items()):
        at = [place + (index - (len(speeds) - 1) / 2) * width for place in range(len(values))]
        colour = _COLOURS[(index - 1) % len(_COLOURS)] if index else _PAPER
        shares = [value / values[0] for value in values]
        hatch = None if index else "//"
        bars = axes.bar(at, shares, width * 0.92, color=colour, hatch=hatch, edgecolor="white")
        axes.bar(0, 0, label=name, color=colour, hatch=hatch, edgecolor="white")  # the legend's, never pale
        for bar, line in zip(bars, outcome.lines, strict=True):
            if index and line.times[name].noisy:
                bar.set_alpha(0.35)
    axes.axhline(1, color="#444444", linewidth=0.8)
    names = [line.name.replace(" in ", "\nin ").replace(" and ", "\nand ") for line in outcome.lines]
    axes.set_xticks(range(len(outcome.lines)), names, fontsize=9)
    axes.set_ylabel(f"speed, {outcome.lines[0].name} = 1", fontsize=9)
    axes.set_title(f"{outcome.guideline}: {outcome.claim}", fontsize=10)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)


def _draw_splits(axes: Axes, splits: Sequence[Split]) -> None:
    names = [f"{split.network}, {split.engine}" for split in splits]
    left = [0.0] * len(splits)
    for part, colour in zip(PARTS, _COLOURS, strict=False):
        shares = [100 * split.share(part) for split in splits]
        bars = axes.barh(names, shares, left=left, color=colour, label=part, edgecolor="white")
        axes.bar_label(bars, [f"{share:.0f}" if share >= 4 else "" for share in shares], label_type="center",
                       color="white", fontsize=8)  # fmt: skip
        left = [before + share for before, share in zip(left, shares, strict=True)]
    axes.axvline(50, color="#444444", linestyle="--", linewidth=1)
    axes.set_xlim(0, 100)
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
    axes.set_xlabel(f"share of the time of all steps, %; the paper: {PAPER}", fontsize=9)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(PARTS), frameon=False, fontsize=9)
