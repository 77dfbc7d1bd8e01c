"""What each chart of the page draws, ready for JSON: places as numbers, and every word that stands beside them.

The words are made here, so that the page's script draws and formats nothing but ticks. `lines` of a thing are what a
pointer or the keyboard on it shows, and a screen reader says: its name, then a figure a line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from featherlight.report.contents import Chapter, Mark
from featherlight.report.numbers import show_binary, show_bytes, show_count, show_share, show_time

if TYPE_CHECKING:
    from featherlight.explain import Finding
    from featherlight.explain.profile import Profile, Row
    from featherlight.predict import Evaluation

CLASSES = 24  # that a confusion matrix shows at most: those that are mistaken most often

# What an operation's kind is coloured by: the first that has one of its words in it.
WORKS = {
    "depthwise convolution": ("depthwise",),
    "pointwise convolution": ("pointwise", "1x1"),
    "other convolution": ("conv",),
    "linear": ("linear", "gemm", "matmul", "fullyconnected", "fully connected"),
    "pooling, element-wise, layout": (),  # all others
    "in no operation": (),
}
ELEMENT_WISE, REMAINDER = len(WORKS) - 2, len(WORKS) - 1


def accuracy_time(chapters: Sequence[Chapter]) -> dict[str, Any]:
    """Every network of every chapter, and the budgets."""
    several = len(chapters) > 1
    marks = [(mark, chapter) for chapter in chapters for mark in chapter.marks]
    colours = {name: colour for colour, name in enumerate(sorted({mark.family for mark, _ in marks}))}
    return {
        "legend": [{"name": name, "colour": colour} for name, colour in colours.items()],
        "budgets": [
            {"seconds": budget, "label": f"{limit} {show_time(budget)}"}
            for budget, limit in sorted(
                {(chapter.budget, chapter.limit) for chapter in chapters if chapter.budget is not None}
            )
        ],
        "lines": [
            {
                "colour": colours[joined[0].family],
                "points": [{"seconds": mark.median, "accuracy": mark.accuracy} for mark in joined],
            }
            for chapter in chapters
            if (joined := [mark for mark in chapter.marks if mark.joined])
        ],
        "points": [
            {
                "name": mark.name,
                "colour": colours[mark.family],
                "median": mark.median,
                "p10": mark.p10,
                "p90": mark.p90,
                "accuracy": mark.accuracy,
                "final": mark.final,
                "chosen": mark.chosen,
                "lines": _mark_lines(mark, chapter.source if several else ""),
            }
            for mark, chapter in sorted(marks, key=lambda pair: pair[0].median)
        ],
    }


def work(kind: str) -> int:
    """What an operation is coloured by, as a place in WORKS: "depthwise convolution 3x3" is the first."""
    lower = kind.lower()
    return next((at for at, words in enumerate(WORKS.values()) if any(word in lower for word in words)), ELEMENT_WISE)


def icicle(profile: Profile, name: str) -> dict[str, Any]:
    """The network, its blocks in the order in which they run, and in each its operations; as wide as their time."""
    total = whole(profile)
    blocks = [_block(block, list(rows), total) for block, rows in groupby(profile.rows, key=lambda row: row.block)]
    if profile.remainder > 0:
        rest = list(WORKS)[REMAINDER]
        lines = [rest, f"{show_time(profile.remainder)}, {show_share(profile.remainder / total)} of the time"]
        blocks.append({"name": rest, "colour": REMAINDER, "seconds": profile.remainder, "lines": lines})
    lines = [name, f"{show_time(total)} in all", f"{len(profile.rows)} operations of the engine"]
    shares: dict[int, float] = defaultdict(float)
    for row in profile.rows:
        shares[work(row.kind)] += row.seconds / total
    if profile.remainder > 0:
        shares[REMAINDER] = profile.remainder / total
    return {
        "legend": [item | {"name": f"{item['name']} {100 * shares[item['colour']]:.0f} %"} for item in _legend(shares)],
        "root": {"name": name, "seconds": total, "lines": lines, "children": blocks},
    }


def whole(profile: Profile) -> float:
    """The seconds that the icicle is wide: a whole call, or its operations where the profiler makes those longer."""
    return sum(row.seconds for row in profile.rows) + max(0.0, profile.remainder)


def roofline(profile: Profile) -> dict[str, Any] | None:
    """Each operation that multiplies by its intensity and the rate it reaches; None without the machine's ceilings."""
    if profile.ceilings is None:
        return None
    total, ceilings = whole(profile), profile.ceilings
    points = [row for row in profile.rows if row.multiply_adds > 0 and row.bytes_moved > 0 and row.seconds > 0]
    return {
        "legend": _legend({work(row.kind) for row in points}),
        "peak": {
            "rate": ceilings.multiply_adds_per_second,
            "label": f"arithmetic: {show_count(ceilings.multiply_adds_per_second)} multiply-adds a second",
            "short": f"{show_count(ceilings.multiply_adds_per_second)} a second",
        },
        "bandwidths": [
            {
                "rate": each.bytes_per_second,
                "label": f"up to {show_binary(each.footprint)}: {show_bytes(each.bytes_per_second)}/s",
                "short": f"{show_bytes(each.bytes_per_second)}/s",
            }
            for each in ceilings.bandwidths
        ],
        "points": [
            {
                "name": row.name,
                "colour": work(row.kind),
                "intensity": row.multiply_adds / row.bytes_moved,
                "rate": row.multiply_adds / row.seconds,
                "share": row.seconds / total,
                "lines": [
                    *_row_lines(row, total),
                    f"{show_count(row.multiply_adds / row.seconds)} multiply-adds a second",
                    f"{row.multiply_adds / row.bytes_moved:.3g} multiply-adds a byte",
                ],
            }
            for row in sorted(points, key=lambda row: row.multiply_adds / row.bytes_moved)
        ],
    }


def confusion(evaluation: Evaluation) -> dict[str, Any]:
    """How often each class was taken for each: of the classes that take part in most mistakes, where there are many."""
    matrix = evaluation.confusion
    wrong = matrix - np.diag(matrix.diagonal())
    involved = wrong.sum(0) + wrong.sum(1)
    kept = np.sort(np.argsort(-involved, kind="stable")[:CLASSES])
    images = np.maximum(matrix.sum(1), 1)
    names = [evaluation.label_names[index] for index in kept]
    return {
        "labels": names,
        "all": len(kept) == len(matrix),
        "rows": [
            [
                {
                    "count": int(matrix[row, column]),
                    "share": float(matrix[row, column] / images[row]),
                    "lines": _cell_lines(evaluation, int(row), int(column)),
                }
                for column in kept
            ]
            for row in kept
        ],
    }


def _legend(used: Container[int]) -> list[dict[str, Any]]:
    return [{"name": name, "colour": colour} for colour, name in enumerate(WORKS) if colour in used]


def _mark_lines(mark: Mark, source: str) -> list[str]:
    threads = f"{mark.threads} thread{'s' if mark.threads > 1 else ''}"
    spread = f"{show_time(mark.p10)} to {show_time(mark.p90)}"
    spread = (f"{mark.label}: {spread}" if mark.spread else mark.label) if mark.label else f"80 % within {spread}"
    lines = [
        mark.name + (" (chosen)" if mark.chosen and not source else ""),
        "not trained" if mark.accuracy is None else f"{show_share(mark.accuracy)} {mark.of}",
        f"{show_time(mark.median)} an image, {spread}",
        f"{mark.engine}, {threads}" + (f"; {mark.verdict}" if mark.verdict else ""),
    ]
    return [*lines, source] if source and source != mark.name else lines


def _block(name: str, rows: Sequence[Row], total: float) -> dict[str, Any]:
    seconds = sum(row.seconds for row in rows)
    title = name or "outside the blocks"
    lines = [
        title,
        f"{show_time(seconds)}, {show_share(seconds / total)} of the time",
        f"{len(rows)} operation{'s' if len(rows) > 1 else ''}, "
        f"{show_count(sum(row.multiply_adds for row in rows))} multiply-adds",
    ]
    leaves = [
        {
            "name": _within(row.name, name),
            "colour": work(row.kind),
            "seconds": row.seconds,
            "lines": _row_lines(row, total),
        }
        for row in rows
    ]
    return {"name": title, "seconds": seconds, "lines": lines, "children": leaves}


def _row_lines(row: Row, total: float) -> list[str]:
    covers = f", {row.operations} operations of the network in one" if row.operations > 1 else ""
    lines = [
        row.name,
        f"{row.kind}{covers}",
        f"{show_time(row.seconds)}, {show_share(row.seconds / total)} of the time",
        f"{show_count(row.multiply_adds)} multiply-adds, {show_bytes(row.bytes_moved)} moved",
    ]
    if row.bound is not None:
        lines.append(f"at best {show_time(row.bound)} on this machine, limited by {row.limit}")
    return [*lines, *_guidelines(row.findings)]


def _guidelines(findings: Iterable[Finding]) -> list[str]:
    """In a list: which are broken, such as "breaks G1, G4"; an empty list where none is."""
    names = sorted({finding.guideline for finding in findings})
    return [f"breaks {', '.join(names)}"] if names else []


def _within(name: str, block: str) -> str:
    """A module path without that of its block: "expand.conv"."""
    inner = name.removeprefix(block).lstrip("./") if block else name
    return inner or name


def _cell_lines(evaluation: Evaluation, row: int, column: int) -> list[str]:
    names, count = evaluation.label_names, int(evaluation.confusion[row, column])
    images = int(evaluation.confusion[row].sum())
    said = "recognised" if row == column else f"taken for {names[column]}"
    share = f" ({show_share(count / images)})" if images else ""
    return [f"{names[row]} {said}", f"{count:,} of {images:,} images{share}"]
