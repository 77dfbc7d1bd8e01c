"""Writes the README's table from the figures of the demo: `make measured`, after `make demo` on a quiet machine.

The demo's fit.json and picture are kept in docs/measured/, and a test holds the README against them.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from featherlight.files import write_text
from featherlight.fitting import show_time

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "docs" / "measured"
README = ROOT / "README.md"
BEGIN, END = "<!-- measured: `make measured` writes this from docs/measured/fit.json -->\n", "<!-- end -->"


def with_table(readme: str, fit: dict[str, Any]) -> str:
    """The README's text with the table of `fit` between its two marks."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table(fit) + END + after


def table(fit: dict[str, Any]) -> str:
    """The figures of a fit as Markdown: the candidates that were trained, and the nearest that were not, by time."""
    target, machine, size = fit["target"], fit["target"]["machine"], fit["size"]
    lines = [
        f"`make demo`: Fashion-MNIST within {show_time(fit['budget'])}, {target['engine']} {target['version']}, "
        f"{target['threads']} thread, batch 1, {size}x{size}, on {machine['cpu']} ({machine['cores']} cores). Chosen: "
        f"**{fit['network']}**, {100 * fit['test_accuracy']:.1f} % on the test images after "
        f"{fit['training']['images']:,} images of final training.",
        "",
        "![Accuracy against measured time](docs/measured/accuracy_time.png)",
        "",
        "| network | engine | median | p90 | within budget | validation accuracy |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(fit["candidates"], key=lambda row: row["median"]):
        if row["verdict"] != "too slow":
            accuracy = row["validation_accuracy"]
            chosen = row["name"] == fit["network"]
            heat = "" if chosen else " (heat)"
            shown = "not trained" if accuracy is None else f"{100 * accuracy:.1f} %{heat}"
            name = f"**{row['name']}**" if chosen else row["name"]
            lines.append(
                f"| {name} | {row['engine']} | {show_time(row['median'])} | {show_time(row['p90'])} | {row['verdict']} "
                f"| {shown} |"
            )
    slow = sum(row["verdict"] == "too slow" for row in fit["candidates"])
    too_slow = [f"{slow} more were timed and are too slow."] if slow else []
    lines += ["", " ".join([*too_slow, "Only the most promising are trained, rung by rung fewer of them."])]
    return "\n".join(lines) + "\n"


def main(result: Path) -> None:
    """Keep the figures and the picture of the fit in `result`, and write the README's table from them."""
    MEASURED.mkdir(parents=True, exist_ok=True)
    for name in ("fit.json", "accuracy_time.png"):
        shutil.copyfile(result / name, MEASURED / name)
    fit = json.loads((MEASURED / "fit.json").read_text("utf-8"))
    write_text(README, with_table(README.read_text("utf-8"), fit))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
