"""The picture of a fit: accuracy against measured time, every candidate a point, the budget a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from featherlight.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by most colour-blind people; markers tell them apart in grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
_MARKERS = "osD^vP*X"


@dataclass(frozen=True)
class Point:
    """A candidate: its time with 10th and 90th percentile in seconds, and its accuracy where it was trained.

    Of those trained, only the one `chosen` was trained to the end; the others' accuracies are of a short heat.
    """

    name: str
    family: str
    median: float
    p10: float
    p90: float
    accuracy: float | None = None
    chosen: bool = False


def draw(points: Sequence[Point], budget: float, path: Path, *, title: str, accuracy: str) -> None:
    """Draw `points` to a PNG at `path`.

    Trained candidates stand at their accuracy, whose name is `accuracy`, hollow after a short heat; the others stand in
    a strip below, at their time alone. The time's axis is logarithmic, in milliseconds.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    above, strip = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    families = sorted({point.family for point in points})
    for index, family in enumerate(families):
        for point in (point for point in points if point.family == family):
            look = (_COLOURS[index % len(_COLOURS)], _MARKERS[index % len(_MARKERS)])
            _draw_point(strip if point.accuracy is None else above, point, look)
        strip.plot([], [], _MARKERS[index % len(_MARKERS)], color=_COLOURS[index % len(_COLOURS)], label=family)
    for axes in (above, strip):
        axes.axvline(budget * 1e3, color="#444444", linestyle="--", linewidth=1)
        axes.grid(alpha=0.25)
        axes.set_xscale("log")
        for axis in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
            axis(lambda time, _: f"{time:g}")
    above.annotate(f"budget {budget * 1e3:g} ms", (budget * 1e3, 1), xycoords=("data", "axes fraction"),
                   xytext=(4, -12), textcoords="offset points", color="#444444")  # fmt: skip
    above.set_ylabel(accuracy)
    above.set_title(title)
    above.margins(x=0.12, y=0.2)
    strip.set_yticks([])
    strip.set_ylim(-1, 1)
    strip.set_ylabel("not trained")
    strip.set_xlabel("time for one image, ms (bars: 10th to 90th percentile)")
    figure.legend(*strip.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _draw_point(axes: Axes, point: Point, look: tuple[str, str]) -> None:
    colour, marker = look
    time = point.median * 1e3
    height = 0.0 if point.accuracy is None else 100 * point.accuracy
    spread = [[max(0.0, time - point.p10 * 1e3)], [max(0.0, point.p90 * 1e3 - time)]]
    axes.errorbar(time, height, xerr=spread, fmt=marker, color=colour, elinewidth=1, markersize=7,
                  markerfacecolor=colour if point.chosen else "none")  # fmt: skip
    if point.accuracy is not None:
        weight = "bold" if point.chosen else "normal"
        name = point.name if point.chosen else f"{point.name} (heat)"
        axes.annotate(name, (time, height), xytext=(6, 6), textcoords="offset points", fontsize=9, weight=weight)
    if point.chosen:
        axes.plot(time, height, "o", markersize=17, markerfacecolor="none", color=colour)
