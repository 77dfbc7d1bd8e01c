"""ShuffleNet v2's tables 1 to 4 and its figure 2 on this machine (Ma et al. 2018, section 2).

Networks of a table have equal multiply-adds, and should take equal time. What their order shows is not memory access
alone: many of the paper's channels (22, 13, 45, 90) are no multiples of a vector, and an engine that pads them to
vectors, or takes a slower kernel for them, pays for that as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from featherlight.cost import count
from featherlight.engines import ModuleSource, available, find, measure
from featherlight.errors import BadInput, must_be
from featherlight.explain.guidelines import Guideline
from featherlight.explain.order import Order, against_paper
from featherlight.explain.paper_tables import COLUMNS, EXPERIMENTS, GPU_EXPERIMENTS, Experiment
from featherlight.explain.time_split import IN_THE_PAPER, NETWORKS, PAPER, PARTS, SILENT, Split, split_time
from featherlight.timing import Machine, Measurement, this_machine

GPU = "torch-cuda"  # the engine
SIDE = 56  # of the maps, in all four tables
BLOCKS = 10
SECONDS = 0.5  # of timing for each network on each engine


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
    """The four experiments and figure 2 on one machine; after a `quick` one the figures mean nothing.

    `splits` are of the engines that can tell of their steps.
    """

    machine: Machine
    device: str
    threads: int
    quick: bool
    outcomes: tuple[Outcome, ...]
    splits: tuple[Split, ...]

    @property
    def column(self) -> str:
        """The column of the paper's tables that this is compared with, and what its speeds are."""
        return COLUMNS[self.device]

    def to_json(self) -> dict[str, Any]:
        """What a program reads: seconds an image, and for each engine whether it agrees with the paper's order."""
        return {
            "machine": asdict(self.machine),
            "device": self.device,
            "threads": self.threads,
            "quick": self.quick,
            "paper_column": self.column,
            "experiments": [_experiment_json(outcome) for outcome in self.outcomes],
            "figure_2": {
                "paper": PAPER,
                "splits": [_split_json(split) for split in self.splits],
            },
        }


def run(
    engines: Sequence[str] = (),
    *,
    device: str = "cpu",
    threads: int = 1,
    quick: bool = False,
    progress: Callable[[str], None] = lambda done: None,
) -> Study:
    """ShuffleNet v2's four experiments and its figure 2 on the engines of these names (all of the CPU unless given).

    All networks of a table are timed on all engines in the same rounds. On the device "cuda" it is PyTorch on the GPU,
    with the paper's shapes and figures for one. `quick` takes two blocks in place of ten, two rounds and small images:
    to see that everything runs. Raises BadInput for a device or an engine that is not here.
    """
    if device not in COLUMNS:
        raise must_be("device", f"one of {', '.join(COLUMNS)}", device)
    if threads < 1:
        raise must_be("threads", "a whole number above 0", threads)
    names = list(dict.fromkeys(engines)) or ([GPU] if device == "cuda" else [each.name for each in available()])
    if (device == "cuda") != (names == [GPU]):
        raise BadInput(f"device cuda and the engine {GPU} need one another; got device {device}, {', '.join(names)}")
    for name in names:
        find(name)
    outcomes = []
    for experiment in EXPERIMENTS if device == "cpu" else GPU_EXPERIMENTS:
        progress(f"{experiment.guideline}: {len(experiment.variants)} networks on {', '.join(names)}")
        outcomes.append(_outcome(experiment, names, threads, quick))
    splits: list[Split] = []
    telling = [name for name in names if name not in SILENT]
    for network in NETWORKS if telling else ():
        progress(f"figure 2: {network} on {', '.join(telling)}")
        splits += split_time(network, telling, threads=threads, quick=quick)
    return Study(this_machine(), device, threads, quick, tuple(outcomes), tuple(splits))


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
    orders = {engine: against_paper(paper, {line.name: line.times[engine] for line in lines}) for engine in engines}
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


def _split_json(split: Split) -> dict[str, Any]:
    shares = {part: split.share(part) for part in PARTS}
    return {**asdict(split), "shares": shares, "verdict": split.verdict if split.network in IN_THE_PAPER else None}
