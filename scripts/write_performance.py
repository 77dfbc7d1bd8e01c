"""Writes the tables of the pages in docs/ from docs/measured/: `make tables`, after a benchmark.

Each table stands between a line that names its file and an end mark; a test holds the pages against the files.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from featherlight.files import write_text
from featherlight.timing import TIE

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "docs" / "measured"
NAMES = ("performance", "latency", "compare", "shrinking", "searching", "compile", "training")
PAGES = tuple(ROOT / "docs" / f"{name}.md" for name in NAMES)
TABLE = re.compile(r"(<!-- measured: docs/measured/(\w+)\.json -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """The page's text with each table as its file has it."""
    return TABLE.sub(lambda match: match[1] + _table(match[2]) + match[3], page)


def _table(name: str) -> str:
    document = json.loads((MEASURED / f"{name}.json").read_text("utf-8"))
    return "\n".join(WRITERS[name](document)) + "\n"


def families(document: dict[str, Any]) -> list[str]:
    """benchmarks/fashion_mnist.py."""
    return [
        f"{_machine(document)}; {document['epochs']} epochs, one seed, trained on one thread; time at batch 1 on one.",
        "",
        "| network | parameters | multiply-adds | test accuracy | images/s in training | time | p90 | engine |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['network']} | {row['parameters']:,} | {row['multiply-adds']:,} | {_percent(row['test'])} "
            f"| {row['images/s']:.0f} | {row['ms']:.3f} ms | {row['p90 ms']:.3f} ms | {row['engine']} |"
            for row in sorted(document["rows"], key=lambda row: -row["test"])
        ),
    ]


def hour(document: dict[str, Any]) -> list[str]:
    """train.json of one run of an hour."""
    plan = document["plan"]
    asked = document["asked"]
    return [
        f"{asked['model']} {asked['arguments'].get('width', 1)}x, {asked['minutes']:g} minutes asked for, "
        f"{plan['threads']} thread and {plan['processes']} process: {_percent(document['test_accuracy'])} on the test "
        f"images ({_percent(document['validation_accuracy'])} on the validation images) after {document['images']:,} "
        f"images in {document['seconds'] / 60:.1f} minutes, {document['images'] / document['seconds']:.0f} a second.",
    ]


def transfer(document: dict[str, Any]) -> list[str]:
    """benchmarks/transfer.py."""
    return [
        f"{_machine(document)}; {document['images a class']} images a class, MobileNet v2, means over draws.",
        "",
        "| start | pixels | epochs | test accuracy | of each draw | seconds |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['way']} | {row['size']} | {row['epochs']} | {_percent(row['test'])} "
            f"| {', '.join(map(_percent, row['each']))} | {row['seconds']:.0f} |"
            for row in document["rows"]
        ),
    ]


def resume(document: dict[str, Any]) -> list[str]:
    """benchmarks/resume.py."""
    return [
        f"{document['kills']} kills; {document['runs that ended']} runs of {document['steps']} steps came to their end "
        f"through them, {document['of these with other bits']} of these with other bits ({_machine(document)}).",
    ]


def choice(document: dict[str, Any]) -> list[str]:
    """benchmarks/choice.py."""
    rows = [
        (
            row["budget"],
            row["chosen"],
            f"{row['images']:,}",
            _percent(row["test_accuracy"]),
            row["best"],
            _percent(row["best_test_accuracy"]),
            f"{row['points_behind']:.2f}",
            f"{row['standard_error']:.2f}",
        )
        for row in document["budgets"]
    ]
    columns = ("budget", "chosen", "images", "test accuracy", "best rival", "its test accuracy", "behind", "error")
    return [
        f"{_machine(document)}; fits of {document['minutes']:g} minutes, one thread; points behind the best.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *map(_line, rows),
    ]


def listing(document: dict[str, Any]) -> list[str]:
    """benchmarks/listing.py."""
    rows = document["results"]
    shown = [[f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" for value in row.values()] for row in rows]
    return [_machine(document) + ".", "", _line(rows[0]), "|" + "---|" * len(rows[0]), *map(_line, shown)]


def latency_error(document: dict[str, Any]) -> list[str]:
    """benchmarks/latency_error.py."""
    target, total = document["target"], document["errors"]
    ways = ("predicted", "by_multiply_adds", "pieces_unseen")

    def cells(of: Mapping[str, Mapping[str, float]]) -> list[str]:
        return [f"{_percent(of[way]['median'])}, {_percent(of[way]['worst'])}" for way in ways]

    count = Counter(row["family"] for row in document["rows"])
    columns = ("left out", "networks", "predicted", "by multiply-adds alone", "its pieces untimed as well")
    engine = f"{target['engine']} {target['version'].split('-')[0]}"
    return [
        f"{target['machine']['cpu']}, {engine}, {target['threads']} thread, {document['size']} x {document['size']} "
        f"pixels: {document['pieces']:,} pieces, calibrated on {document['calibrated_on']} networks less the family. "
        f"{_percent(document['within_interval'])} came within their interval. Errors: median, worst.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *(_line([family, str(count[family]), *cells(of)]) for family, of in document["families"].items()),
        _line(["all", str(document["networks"]), *cells(total)]),
    ]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def yardsticks(document: dict[str, Any]) -> list[str]:
    """benchmarks/yardsticks.py."""
    engines = list(document["rows"][0]["engines"])
    first = document["rows"][0]["engines"]
    versions = ", ".join(f"{name} {first[name]['version'].split('-')[0]}" for name in engines)
    lines = []
    for row in document["rows"]:
        times = {name: row["engines"][name]["median"] for name in engines if name in row["engines"]}
        best = min(times.values())
        cells = (f"{1e3 * times[name]:.3g} ms ({times[name] / best:.2f})" if name in times else "-" for name in engines)
        lines.append(f"| {row['network']} | {' | '.join(cells)} |")
    return [
        f"{_machine(document)}, one thread, 224 x 224 pixels, medians and how many times the quickest: {versions}. "
        f"Unevenness of the machine {document['noise'][0]:.2f} before and {document['noise'][1]:.2f} after.",
        "",
        f"| network | {' | '.join(engines)} |",
        f"|---|{'---|' * len(engines)}",
        *lines,
    ]


def engines(document: dict[str, Any]) -> list[str]:
    """benchmarks/engines.py."""
    if not document["rows"]:
        return ["Not run yet: `python benchmarks/engines.py`."]
    versions = ", ".join(f"{name} {version.split('-')[0]}" for name, version in document["versions"].items())
    missing = "".join(f" Without {name}: {reason}." for name, reason in document["missing"].items())
    loops = [row["peak loop"] for row in document["rows"]]
    uneven = [(loop["p90"] - loop["p10"]) / loop["median"] for loop in loops]
    groups = {row["group"]: None for row in document["rows"]}
    return [
        f"{_machine(document)} ({', '.join(document['machine']['instruction_sets'])}), batch 1, float32: {versions}."
        f"{missing} Medians in ms, and the share of the peak that was measured in the same rounds; its spread "
        f"(p90 - p10) was {min(uneven):.2f} to {max(uneven):.2f} of its median.",
        *(line for group in groups for line in _engines_of(group, document)),
    ]


_GROUPS = {
    "light": "The light-weight networks, 224 x 224 pixels",
    "baselines": "What they set out to beat, 224 x 224 pixels",
    "small": "Thin networks and small images, ten classes",
    "other": "Other sizes",
}


def _engines_of(group: str, document: Mapping[str, Any]) -> list[str]:
    """The table of one group, its geometric means, and who failed."""
    names, rows = list(document["versions"]), [row for row in document["rows"] if row["group"] == group]
    set_for = ", set for AVX2" if "avx512f" in document["machine"]["instruction_sets"] else ""  # the goals

    def cell(row: Mapping[str, Any], name: str) -> str:
        if name not in row["engines"]:
            return "failed" if name in row["failed"] else "-"
        each = row["engines"][name]
        shown = f"{1e3 * each['median']:.3g} ({each['share of peak']:.0%})"
        return f"**{shown}**" if name == row["best rival"] else shown

    def goals(of: Mapping[str, Any]) -> str:
        told = [f"{of[name]:.2f}" for name in ("must", "stretch") if of[name] is not None]
        return " / ".join(told) or "-"

    columns = ("network", "threads", "peak, G/s", "floor", *names, "times as fast", f"must / stretch{set_for}")
    lines = [
        _line(
            (
                row["network"],
                str(row["threads"]),
                f"{row['peak'] / 1e9:.1f}",
                f"{row['floor ms']:.3g}",
                *(cell(row, name) for name in names),
                "-" if row["ratio"] is None else f"{row['ratio']:.2f}",
                goals(row),
            )
        )
        for row in rows
    ]
    means = [mean for mean in document["means"] if mean["group"] == group and mean["ratio"] is not None]
    told = [
        f"Geometric mean of {mean['networks']} networks on {_threads(mean['threads'])}: "
        f"{mean['ratio']:.2f} times as fast as the best rival of each"
        f"{f' (must / stretch {goals(mean)}{set_for})' if mean['must'] is not None else ''}."
        for mean in means
    ]
    failed = [
        f"Failed on {row['network']}, {_threads(row['threads'])}: {reason}."
        for row in rows
        for reason in row["failed"].values()
    ]
    parts = [f"{_GROUPS[group]}:", "\n".join([_line(columns), "|" + "---|" * len(columns), *lines]), *told, *failed]
    return [line for part in parts for line in ("", part)]


def compare(document: dict[str, Any]) -> list[str]:
    """`featherlight compare --json`: how well each count foretold the order of the times."""
    results, correlations = document["results"], document["rank_correlations"]
    sizes = " and ".join(f"{size} x {size}" for size in sorted({result["infer_img_size"] for result in results}))
    threads = results[0]["threads"]
    command = f"featherlight compare --engines {','.join(correlations)} --threads {threads} --json"
    counts = ("multiply_adds", "parameters", "activations", "memory_access")
    lines, exceptions = [], []
    for engine, told in correlations.items():
        own = [result for result in results if result["engine"] == engine]
        prices = [result["infer_step_time"] / result["infer_gmacs"] for result in own]
        lines.append(
            _line([engine, *(f"{told[count]:.2f}" for count in counts), f"{min(prices):.0f} to {max(prices):.0f}"])
        )
        exceptions.append(f"On {engine} {_out_of_order(own)}.")
    columns = ("engine", "multiply-adds", "parameters", "activations", "memory access", "us a million multiply-adds")
    return [
        f"{_machine(document)}, {_threads(threads)}, {len(own)} networks at "
        f"{sizes} pixels, as published; unevenness of the machine {document['noise']:.2f}: `{command}`.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *lines,
        "",
        *exceptions,
    ]


def _out_of_order(results: Sequence[Mapping[str, Any]]) -> str:
    """Which networks have more multiply-adds than others and are quicker all the same, by more than a tie."""
    found = []
    for quick in results:
        slower = [
            each["model"]
            for each in results
            if each["infer_gmacs"] < quick["infer_gmacs"]
            and each["infer_step_time"] > (1 + TIE) * quick["infer_step_time"]
        ]
        if slower:
            found.append(f"{quick['model']} has more multiply-adds than {' and '.join(slower)} and is quicker")
    return "; ".join(found) or "no network with more multiply-adds than another is quicker"


def shrinking(document: dict[str, Any]) -> list[str]:
    """benchmarks/shrinking.py."""
    if not document["rows"]:
        return ["Not run yet: `python benchmarks/shrinking.py`."]

    def cell(row: Mapping[str, Any], rival: str) -> str:
        """Points above a rival, with their interval."""
        points = row["above"].get(rival, {}).get("points")
        return f"{points[0]:+.2f} ({points[1]:+.2f} to {points[2]:+.2f})" if points else "-"

    columns = ("network, seed", "result", "multiply-adds", "test accuracy", "above the start", "above uniform", "time",
               "faster")  # fmt: skip
    rows = [
        (
            f"{row['network']}, {row['seed']}",
            row["result"],
            f"{row['multiply-adds']:,}",
            _percent(row["test"]),
            cell(row, "start"),
            cell(row, f"uniform {row['result'].split()[-1]}"),
            f"{row['ms']:.3f} ms",
            f"{row['faster']:.2f}",
        )
        for row in document["rows"]
    ]
    asked = [(each["as fast as asked"], each["better than uniform"]) for each in document["answers"]]
    return [
        f"{_machine(document)}, {document['engine']}, one thread; {document['epochs']:g} epochs of training for the "
        f"start, {document['shrink_epochs']:g} for each result; differences in points, with 95 % of paired resamples.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *map(_line, rows),
        "",
        f"Of {len(asked)} results of NetAdapt {sum(fast for fast, _ in asked)} are 1.3 times as fast as the start at "
        f"no less accuracy, and {sum(better for _, better in asked)} are 1.0 point above uniform at equal time, or 1.2 "
        "times as fast as uniform at no less accuracy.",
    ]


def searching(document: dict[str, Any]) -> list[str]:
    """benchmarks/searching.py."""
    if not document["rows"]:
        return ["Not run yet: `python benchmarks/searching.py`."]
    columns = ("network", "multiply-adds", "engine", "time", "p90", "keeps the budget", "test accuracy (seeds)",
               "the found one above it", "times as fast")  # fmt: skip
    rows = [
        (
            row["network"],
            f"{row['multiply-adds']:,}",
            row["engine"],
            f"{row['ms']:.3f} ms",
            f"{row['p90 ms']:.3f} ms",
            "yes" if row["keeps"] else "no",
            f"{_percent(row['test'])} ({row['seeds']})",
            "-" if row["network"] == "found" else "{:+.2f} ({:+.2f} to {:+.2f})".format(*row["points above"]),
            "-" if row["network"] == "found" else f"{row['times as fast'][0]:.2f}",
        )
        for row in document["rows"]
    ]
    asked = document["searching"]
    return [
        f"{_machine(document)}, one thread; Fashion-MNIST at 28 pixels within {document['budget']}, space "
        f"{document['space']}, engine {asked['engine']}; {asked['trials']} networks judged in each search, "
        f"{document['images']:,} images from scratch for each network; differences in points, with 95 % "
        "of paired resamples.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *map(_line, rows),
    ]


def supernet_rank(document: dict[str, Any]) -> list[str]:
    """benchmarks/supernet_rank.py."""
    if not document["networks"]:
        return ["Not run yet: `python benchmarks/supernet_rank.py`."]

    def cells(name: str, each: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
        told = [each[of][how] for of in ("supernet", "brief", "seeds") for how in ("spearman", "kendall")]
        return (name, *("-" if value is None else f"{value:.2f}" for value in told))

    columns = ("networks", "Spearman: shared weights and alone", "Kendall", "Spearman: trained briefly and alone",
               "Kendall", "Spearman: one seed and the other", "Kendall")  # fmt: skip
    return [
        f"{_machine(document)}; {len(document['networks'])} networks of the space {document['space']}, each trained "
        f"alone on {document['images alone']:,} images with two seeds; the supernet on {document['images shared']:,}; "
        f"briefly is on {document['images brief']:,} images with a third seed.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *(_line(cells(name, each)) for name, each in document["correlations"].items()),
    ]


def efforts(document: dict[str, Any]) -> list[str]:
    """benchmarks/efforts.py."""
    columns = ("effort", "the network of each seed", "time", "validation accuracy", "test accuracy",
               "points above quick")  # fmt: skip

    def of_seeds(cells: Iterable[str]) -> str:
        return "<br>".join(cells)

    rows = [
        (
            row["effort"],
            of_seeds(row["networks"]),
            of_seeds(f"{each:.3f} ms" for each in row["ms"]),
            of_seeds(_percent(each) for each in row["validation"]),
            _percent(row["test"]),
            "-" if row["effort"] == "quick" else "{:+.2f} ({:+.2f} to {:+.2f})".format(*row["points above"]),
        )
        for row in document["rows"]
    ]
    return [
        f"{_machine(document)}, one thread; Fashion-MNIST at 28 pixels within {document['budget']}, engine "
        f"{document['engine']}, {document['minutes']:g} minutes of training for each fit, {document['seeds']} seeds; "
        "test accuracy is the mean of the seeds; differences in points, with 95 % of paired resamples.",
        "",
        _line(columns),
        "|" + "---|" * len(columns),
        *map(_line, rows),
    ]


def native_conformance(document: dict[str, Any]) -> list[str]:
    """tests/conformance.py."""
    ways = [(way, what) for way in ("reference", "native") for what in ("computed", "unsupported", "failed")]
    columns = ("cases of ONNX's suite", *(f"{way}: {what}" for way, what in ways))
    rows = [[row["group"], *(str(row[way].get(what, 0)) for way, what in ways)] for row in document["suite"]]
    found = document["implementations"]
    far = {other: max(row[other] for row in found) for other in ("torch", "public")}
    agree = sum(max(row["torch"], row["public"]) <= 1e-4 for row in found)
    return [
        _line(columns),
        "|" + "---|" * len(columns),
        *map(_line, rows),
        "",
        f"Of {len(found)} public implementations {agree} agree to 1e-4 of the scores' norm: at most {far['torch']:.1e} "
        f"from PyTorch and {far['public']:.1e} from the twelve scores recorded of the public code "
        f"({document['instructions']}).",
    ]


WRITERS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "fashion_mnist": families,
    "hour": hour,
    "transfer": transfer,
    "resume": resume,
    "choice": choice,
    "listing": listing,
    "latency_error": latency_error,
    "latency_error_128": latency_error,
    "latency_error_openvino": latency_error,
    "latency_error_native_28": latency_error,
    "latency_error_native_224": latency_error,
    "yardsticks": yardsticks,
    "engines": engines,
    "engines_avx512": engines,
    "compare": compare,
    "shrinking": shrinking,
    "searching": searching,
    "supernet_rank": supernet_rank,
    "efforts": efforts,
    "native_conformance": native_conformance,
}


def _machine(document: dict[str, Any]) -> str:
    machine = document["machine"]
    return f"{machine['cpu']}, {machine['cores']} core{'s' if machine['cores'] > 1 else ''}"


def _threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    for each in PAGES:
        write_text(each, with_tables(each.read_text("utf-8")))
