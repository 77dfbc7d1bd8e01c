"""ShuffleNet v2's tables 1 to 4 on this machine: networks of equal multiply-adds, which should take equal time.

Ma et al. 2018, section 2. The shapes are those of the paper's ARM column at x1 (Snapdragon 810, one image at a time,
one thread), for it is the one of a CPU. Three things are not the paper's word: 184 channels in place of 180 in 8
groups, which do not divide 180; a bottleneck's inner channels, a quarter of its outer ones; and that fragments side by
side see the same map and are added up.

What the order here shows is not memory access alone: many of the paper's channels (22, 13, 45, 90) are no multiples of
a vector, and an engine that pads them to vectors, or takes a slower kernel for them, pays for that as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from torch import nn

from featherlight.cost import count
from featherlight.engines import ModuleSource, available, find, measure
from featherlight.errors import BadInput, must_be
from featherlight.explain.guidelines import Guideline
from featherlight.explain.order import Order, compare
from featherlight.explain.stacks import bottlenecks, grouped, pairs, parallel, series
from featherlight.timing import Machine, Measurement, this_machine

COLUMN = "ARM (Snapdragon 810), x1, images a second"
SIDE = 56  # of the maps, in all four tables
BLOCKS = 10
SECONDS = 0.5  # of timing for each network on each engine


@dataclass(frozen=True)
class Variant:
    """One line of a table: what the paper calls it, its speed there, the channels of its map, how it is built."""

    name: str
    paper: float
    channels: int
    build: Callable[[int], nn.Module]  # from the number of blocks


@dataclass(frozen=True)
class Experiment:
    """One of the paper's tables, quickest first as the guideline has it."""

    guideline: Guideline
    table: int
    claim: str
    variants: tuple[Variant, ...]


EXPERIMENTS = (
    Experiment("G1", 1, "equal channel widths access memory least",
        (
            Variant("1:1", 76.2, 32, partial(pairs, c1=32, c2=32)),
            Variant("1:2", 72.9, 22, partial(pairs, c1=22, c2=44)),
            Variant("1:6", 69.1, 13, partial(pairs, c1=13, c2=78)),
            Variant("1:12", 57.6, 9, partial(pairs, c1=9, c2=108)),
        )),
    Experiment("G2", 2, "groups access more memory",
        (
            Variant("1 group", 40.0, 64, partial(grouped, channels=64, groups=1)),
            Variant("2 groups", 35.0, 90, partial(grouped, channels=90, groups=2)),
            Variant("4 groups", 32.9, 128, partial(grouped, channels=128, groups=4)),
            Variant("8 groups", 27.8, 184, partial(grouped, channels=184, groups=8)),
        )),
    Experiment("G3", 3, "fragments are done less in parallel",
        (
            Variant("1 fragment", 40.2, 64, partial(series, channels=64, fragments=1)),
            Variant("2 in series", 38.6, 45, partial(series, channels=45, fragments=2)),
            Variant("4 in series", 38.4, 32, partial(series, channels=32, fragments=4)),
            Variant("2 in parallel", 33.4, 45, partial(parallel, channels=45, fragments=2)),
            Variant("4 in parallel", 35.0, 32, partial(parallel, channels=32, fragments=4)),
        )),
    Experiment("G4", 4, "element-wise operations take time",
        (
            Variant("neither", 66.3, 32, partial(bottlenecks, channels=32, relu=False, shortcut=False)),
            Variant("ReLU", 61.9, 32, partial(bottlenecks, channels=32, relu=True, shortcut=False)),
            Variant("shortcut", 57.3, 32, partial(bottlenecks, channels=32, relu=False, shortcut=True)),
            Variant("ReLU and shortcut", 56.7, 32, partial(bottlenecks, channels=32, relu=True, shortcut=True)),
        )),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A variant measured: its counts, the paper's images a second, and its time on each engine."""

    name: str
    multiply_adds: int
    memory_access: int
    paper: float
    times: Mapping[str, Measurement]


@dataclass(frozen=True)
class Outcome:
    """An experiment measured, and how its order on each engine stands to the paper's."""

    guideline: Guideline
    table: int
    claim: str
    lines: tuple[Line, ...]
    orders: Mapping[str, Order]


@dataclass(frozen=True)
class Study:
    """The four experiments on one machine; after a `quick` one the figures mean nothing."""

    machine: Machine
    threads: int
    quick: bool
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> dict[str, Any]:
        """What a program reads: seconds an image, and for each engine whether it agrees with the paper's order."""
        return {
            "machine": asdict(self.machine),
            "threads": self.threads,
            "quick": self.quick,
            "paper_column": COLUMN,
            "experiments": [_experiment_json(outcome) for outcome in self.outcomes],
        }


def run(
    engines: Sequence[str] = (),
    *,
    device: str = "cpu",
    threads: int = 1,
    quick: bool = False,
    progress: Callable[[str], None] = lambda done: None,
) -> Study:
    """ShuffleNet v2's four experiments on the engines of these names (all that are installed unless given).

    All networks of a table are timed on all engines in the same rounds. `quick` takes two blocks in place of ten and
    two rounds: to see that everything runs. Raises BadInput for a device or an engine that is not here.
    """
    if device == "cuda":
        raise BadInput("device must be cpu: no engine here runs on a GPU yet")
    if device != "cpu":
        raise must_be("device", "cpu", device)
    if threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    names = list(dict.fromkeys(engines)) or [engine.name for engine in available()]
    for name in names:
        find(name)
    outcomes = []
    for experiment in EXPERIMENTS:
        progress(f"{experiment.guideline}: {len(experiment.variants)} networks on {', '.join(names)}")
        outcomes.append(_outcome(experiment, names, threads, quick))
    return Study(this_machine(), threads, quick, tuple(outcomes))


def _outcome(experiment: Experiment, engines: Sequence[str], threads: int, quick: bool) -> Outcome:
    sources = {
        variant.name: ModuleSource(variant.build(2 if quick else BLOCKS).eval(), (variant.channels, SIDE, SIDE))
        for variant in experiment.variants
    }
    rivals = {
        (variant, engine): find(engine).build(source, threads=threads)
        for variant, source in sources.items()
        for engine in engines
    }
    labels = {" on ".join(pair): pair for pair in rivals}
    running = {label: rivals[pair] for label, pair in labels.items()}
    measured = measure(running, seconds=SECONDS * len(rivals), rounds=2 if quick else None)
    times = {labels[label]: time for label, time in measured.items()}
    lines = []
    for variant in experiment.variants:
        cost = count(sources[variant.name].graph)
        mine = {engine: times[variant.name, engine] for engine in engines}
        lines.append(Line(variant.name, cost.multiply_adds, cost.memory_access, variant.paper, mine))
    paper = {line.name: line.paper for line in lines}
    orders = {engine: compare(paper, {line.name: line.times[engine] for line in lines}) for engine in engines}
    return Outcome(experiment.guideline, experiment.table, experiment.claim, tuple(lines), orders)


def _experiment_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "guideline": outcome.guideline,
        "table": outcome.table,
        "claim": outcome.claim,
        "networks": [
            {
                "name": line.name,
                "multiply_adds": line.multiply_adds,
                "memory_access": line.memory_access,
                "paper_images_per_second": line.paper,
                "engines": {
                    engine: {
                        **{name: getattr(time, name) for name in ("median", "p10", "p90", "runs", "noisy")},
                        "version": time.target.version,
                    }
                    for engine, time in line.times.items()
                },
            }
            for line in outcome.lines
        ],
        "order": {engine: {"verdict": order.verdict, **asdict(order)} for engine, order in outcome.orders.items()},
    }
