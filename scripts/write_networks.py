"""Writes the made parts of docs/networks/: the drawings, and the tables between marks (`make tables`).

Drawings come from the Specs, figures of the formulas from `featherlight.cost.formulas`, counts and findings from
facts.json (write_network_facts.py), times and accuracies from docs/measured/. A test holds the pages against them.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from draw_unit import svg
from network_formulas import FORMULAS, table
from torch import nn

from featherlight.files import write_text
from featherlight.graph import canonical, from_torch
from featherlight.layers.network import block
from featherlight.models import entry, list_models
from featherlight.spec import walk

ROOT = Path(__file__).parents[1]
PAGES, MEASURED = ROOT / "docs" / "networks", ROOT / "docs" / "measured"
MARK = re.compile(r"(<!-- made by scripts/write_networks.py: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# The network of each family that stands for it, in the order of the papers.
CHIEF = {
    "alexnet": "alexnet",
    "resnet": "resnet50",
    "squeezenet": "squeezenet_1_0",
    "mobilenet_v1": "mobilenet_v1",
    "shufflenet_v1": "shufflenet_v1_g3",
    "mobilenet_v2": "mobilenet_v2",
    "shufflenet_v2": "shufflenet_v2",
    "mnasnet": "mnasnet_a1",
    "mobilenet_v3": "mobilenet_v3_large",
}

# Drawing -> network, its row (None: all of them, one after the other), what it is.
DRAWINGS: dict[str, tuple[str, int | None, str]] = {
    "alexnet": ("alexnet", None, "AlexNet up to its fully connected layers"),
    "resnet_basic": ("resnet18", 3, "ResNet-18's block"),
    "resnet_bottleneck": ("resnet50", 3, "ResNet-50's bottleneck"),
    "squeezenet": ("squeezenet_1_0", 2, "SqueezeNet's first Fire module"),
    "mobilenet_v1": ("mobilenet_v1", 3, "A depthwise separable convolution"),
    "shufflenet_v1": ("shufflenet_v1_g3", 3, "ShuffleNet v1's unit"),
    "shufflenet_v1_stride_2": ("shufflenet_v1_g3", 6, "ShuffleNet v1's unit of stride 2"),
    "mobilenet_v2": ("mobilenet_v2", 5, "An inverted residual with a linear bottleneck"),
    "shufflenet_v2": ("shufflenet_v2", 3, "ShuffleNet v2's unit"),
    "shufflenet_v2_stride_2": ("shufflenet_v2", 6, "ShuffleNet v2's unit of stride 2"),
    "mnasnet": ("mnasnet_a1", 5, "A block of MnasNet-A1 with squeeze-excite"),
    "mobilenet_v3": ("mobilenet_v3_large", 12, "A block of MobileNet v3-large"),
}


def drawing(name: str) -> str:
    """The SVG of that name."""
    network, index, title = DRAWINGS[name]
    spec = entry(network).build()
    rows = [each for each in walk(spec) if index in (None, each[0])]
    blocks = nn.Sequential(*(block(row, channels or 3, spec.style) for _, row, channels in rows)).eval()
    side = entry(network).size if index is None else 14  # a block is the same on any map
    return svg(canonical(from_torch(blocks, (1, rows[0][2] or 3, side, side))), title)


def with_tables(page: str, family: str) -> str:
    """The text of a family's page with its made parts as they are now."""
    return MARK.sub(lambda match: match[1] + "\n".join(WRITERS[match[2]](family)) + "\n" + match[3], page)


def families(_: str) -> list[str]:
    """The index: a network a family."""
    facts = _facts()
    rows = [
        [
            f"[{name}]({family}.md)",
            f"{_millions(facts[name]['parameters'])}",
            f"{_millions(facts[name]['multiply_adds'])}",
            f"{_millions(facts[name]['memory_access'])}",
            f"{facts[name]['multiply_adds'] / facts[name]['memory_access']:.0f}",
            f"{100 * entry(name).accuracy:.1f} %",
        ]
        for family, name in CHIEF.items()
    ]
    columns = ["network", "parameters", "multiply-adds", "memory access", "multiply-adds an access", "ImageNet top-1"]
    return table(columns, rows)


def variants(family: str) -> list[str]:
    """The registered networks of a family at their published size."""
    facts = _facts()
    rows = [
        [
            f"`{name}`",
            ", ".join(f"{width:g}" for width in entry(name).widths),
            f"{facts[name]['parameters']:,}",
            f"{facts[name]['multiply_adds']:,}",
            f"{facts[name]['memory_access']:,}",
        ]
        for name in list_models()
        if entry(name).family == family
    ]
    return table(["network", "widths", "parameters", "multiply-adds", "memory access"], rows)


def guidelines(family: str) -> list[str]:
    """Where the chief network of a family breaks ShuffleNet v2's guidelines."""
    name = CHIEF[family]
    broken = _facts()[name]["guidelines"]
    kept = [each for each in ("G1", "G2", "G3", "G4") if each not in broken]
    lines = [f"`{name}` by its graph, batch norms folded:", ""]
    lines += [
        f"- {each}: {about['places']} place{'s' if about['places'] > 1 else ''}, {about['share']:.0%} of the memory "
        f"access. The largest: {about['worst'].partition(' at ')[2]}."
        for each, about in broken.items()
    ]
    return [*lines, *([f"- kept: {', '.join(kept)}."] if kept else [])]


def measured(family: str) -> list[str]:
    """Times of `make demo`'s candidates, and accuracies after a few epochs."""
    fit = _read("fit")
    names = [name for name in list_models() if entry(name).family == family]
    timed = sorted((row for row in fit["candidates"] if row["architecture"] in names), key=lambda row: row["median"])
    machine = fit["target"]["machine"]
    lines = []
    if timed:
        rows = [
            [row["name"], f"{row['median'] * 1e3:.3g} ms", f"{row['p90'] * 1e3:.3g} ms", row["engine"]] for row in timed
        ]
        lines = [
            f"`make demo` on {machine['cpu']}, one grey image of 28x28, {timed[0]['threads']} thread:",
            "",
            *table(["network", "time", "p90", "engine"], rows),
        ]
    epochs = _read("fashion_mnist")
    trained = [row for row in epochs["rows"] if row["network"].split()[0] in names]
    lines += ["", *(
        f"{row['network']} after {epochs['epochs']} epochs of Fashion-MNIST: {row['test']:.1%} of the test images."
        for row in trained
    )] if trained else []  # fmt: skip
    if all(entry(name).baseline for name in names):
        return lines or ["Nothing yet: it is a baseline, and `fit` does not try it."]
    return lines or ["Nothing yet: other networks promised more in the minutes that `make demo` has."]


def experiments(_: str) -> list[str]:
    """What `featherlight guidelines --json` found here: its tables' orders, its figure 2, and its picture."""
    if not (MEASURED / "guidelines.json").exists():
        return ["Not measured on a quiet machine yet."]
    document = _read("guidelines")
    times = [time for each in document["experiments"] for row in each["networks"] for time in row["engines"].values()]
    noisy = sum(time["noisy"] for time in times)
    busy = f" {noisy} of {len(times)} times are noisy: other work shared the machine." if noisy else ""
    lines = [
        f"{document['machine']['cpu']}, {document['threads']} thread, against {document['paper_column']}.{busy}",
        "",
    ]
    engines = list(document["experiments"][0]["order"])
    orders = [
        [f"{each['guideline']}: {each['claim']}", *(_order(each["order"][engine]) for engine in engines)]
        for each in document["experiments"]
    ]
    lines += table(["guideline", *engines], orders)
    splits = document["figure_2"]["splits"]
    parts = list(splits[0]["shares"])
    rows = [
        [split["network"], split["engine"], *(f"{split['shares'][part]:.0%}" for part in parts)] for split in splits
    ]
    return [
        *lines,
        "",
        f"Figure 2; the paper: {document['figure_2']['paper']}.",
        "",
        *table(["network", "engine", *parts], rows),
        "",
        "![Speeds beside the paper's, and where the time of whole networks goes](../measured/guidelines.png)",
    ]


def _order(order: Mapping[str, Any]) -> str:
    pairs = {name: len(order[name]) for name in ("same", "reverse", "tie")}
    return f"{order['verdict']} ({pairs['same']} pairs alike, {pairs['reverse']} reversed, {pairs['tie']} ties)"


def formula(family: str) -> list[str]:
    """The saving of a family's formula, computed for layers of its own."""
    return FORMULAS[family]()


def ablations(_: str) -> list[str]:
    """benchmarks/ablations.py: claim by claim what was seen."""
    document = _read("ablations")
    rows = {(row["family"], row["variant"]): row for row in document["rows"]}
    noise = seed_noise(document["rows"])
    lines = [
        f"{document['machine']['cpu']}; {document['epochs']:g} epochs; accuracy on the 10,000 test images, mean of two "
        f"seeds; a seed's accuracy strays by {100 * noise:.1f} points (standard deviation, pooled over all variants).",
        "",
    ]
    shown = []
    for each in document["comparisons"]:
        one, other = (rows.get((each["family"], each[name])) for name in ("one", "other"))
        if one and other and len(one["test"]) == len(other["test"]) == 2:
            shown.append(_comparison(each, one, other, noise))
    if not shown:
        return ["None of them has been run yet."]
    columns = ["claim", "first / second", "accuracy", "difference", "claimed", "seen", "multiply-adds", "time"]
    lines += table(columns, shown)
    if missing := len(document["comparisons"]) - len(shown):
        lines += ["", f"{missing} of {len(document['comparisons'])} comparisons have not been run yet."]
    return lines


def seed_noise(rows: Sequence[Mapping[str, Any]]) -> float:
    """The standard deviation of one run's accuracy around its variant's, pooled over all that have several seeds."""
    spreads = [statistics.variance(row["test"]) for row in rows if len(row["test"]) > 1]
    return statistics.mean(spreads) ** 0.5 if spreads else 0.0


def seen(difference: float, error: float) -> str:
    """Whether one accuracy is higher: told from two standard errors of the difference on."""
    return "higher" if difference > 2 * error else "lower" if difference < -2 * error else "cannot be told"


def _comparison(each: Mapping[str, Any], one: Mapping[str, Any], other: Mapping[str, Any], noise: float) -> list[str]:
    means = [statistics.mean(row["test"]) for row in (one, other)]
    differences = [100 * (a - b) for a, b in zip(one["test"], other["test"], strict=True)]
    error = noise * (2 / len(differences)) ** 0.5
    return [
        f"{each['claim']} ({each['paper']})",
        f"{each['one']} / {each['other']} ({each['family']})",
        f"{means[0]:.1%} / {means[1]:.1%}",
        f"{statistics.mean(differences):+.1f} ({', '.join(f'{each:+.1f}' for each in differences)})",
        each["claimed"],
        seen(means[0] - means[1], error),
        f"{_millions(one['multiply-adds'])} / {_millions(other['multiply-adds'])}",
        f"{one['ms']:.3f} / {other['ms']:.3f} ms",
    ]


WRITERS: dict[str, Callable[[str], list[str]]] = {
    "families": families,
    "formula": formula,
    "variants": variants,
    "guidelines": guidelines,
    "measured": measured,
    "experiments": experiments,
    "ablations": ablations,
}


def _read(name: str) -> Any:
    return json.loads((MEASURED / f"{name}.json").read_text("utf-8"))


def _facts() -> Any:
    return json.loads((PAGES / "facts.json").read_text("utf-8"))


def _millions(count: int) -> str:
    return f"{count / 1e6:,.0f} M" if count >= 1e8 else f"{count / 1e6:.3g} M"


if __name__ == "__main__":
    for name in DRAWINGS:
        write_text(PAGES / f"{name}.svg", drawing(name))
    for path in PAGES.glob("*.md"):
        write_text(path, with_tables(path.read_text("utf-8"), path.stem))
