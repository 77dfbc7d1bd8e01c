"""The picture of a search: every network that was judged with the front, and how the best grew with time."""

from __future__ import annotations

from pathlib import Path

from featherlight.files import replacing
from featherlight.searching.front import Found
from featherlight.searching.result import Searched, best_so_far

PICTURE = "search.png"
_GREY, _BLUE, _ORANGE = "#999999", "#0072B2", "#D55E00"  # Okabe and Ito's, told apart by most colour-blind people


def draw(searched: Searched, path: Path) -> None:
    """Draw a search to a PNG at `path`: times in milliseconds, accuracies in per cent of the validation images."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    plane, line = figure.subplots(1, 2, width_ratios=(3, 2))
    judged = {True: "with shared weights", False: "after a short training"}[searched.method == "supernet"]
    plane.plot(*_points(searched.found), "o", color=_GREY, markersize=3, label=f"judged {judged}")
    plane.plot(*_points(searched.front), "-o", color=_BLUE, markersize=4, label="the front")
    plane.plot([1e3 * each.measurement.p90 for each in searched.finalists],
               [100 * each.accuracy for each in searched.finalists],
               "s", markerfacecolor="none", color=_ORANGE, label="finalists, trained alone for a while")  # fmt: skip
    plane.plot(1e3 * searched.measurement.p90, 100 * searched.validation_accuracy, "s", color=_ORANGE,
               label="the winner, trained to the end")  # fmt: skip
    plane.axvline(1e3 * searched.budget, color="#444444", linestyle="--", linewidth=1, label="the budget")
    plane.set_xlabel("time for one image, 90th percentile, ms")
    plane.set_ylabel("validation accuracy, %")
    plane.legend(fontsize=8)
    best = best_so_far(searched.found)
    ends = [*best, (searched.found[-1].at, best[-1][1])]
    line.step([at / 60 for at, _ in ends], [100 * accuracy for _, accuracy in ends], where="post", color=_BLUE)
    line.set_xlabel("minutes of judging networks")
    line.set_ylabel(f"the best so far, {judged}, %")
    for axes in (plane, line):
        axes.grid(alpha=0.25)
    figure.suptitle(f"{searched.data}: {len(searched.found)} networks of the space {searched.space.name}, "
                    f"{searched.test_accuracy:.1%} on the test images")  # fmt: skip
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)


def _points(found: tuple[Found, ...]) -> tuple[list[float], list[float]]:
    return [1e3 * each.seconds for each in found], [100 * each.accuracy for each in found]
