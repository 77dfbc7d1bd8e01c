"""Is our compiler faster than the best of OpenVINO, ONNX Runtime, ncnn, MNN and torch.compile, and what is left?

Prediction: on one thread of an AVX2 core level on SqueezeNet, a quarter ahead on MobileNet v2, 1.4 times on v3 and the
ShuffleNets; on two threads 1.3 to 2 times, since the others meet at a scheduler after every layer; most where images
are small.

Each engine runs in a process of its own, all in the same rounds, one image of float32 a call, weights at random. Among
them, in the same rounds, runs a loop of multiply-adds in registers on as many threads (compiler/peak.py): its quickest
call is the peak that shares are told of. A share counts direct arithmetic, so Winograd's may lie above 1. The floor of
a network is the sum over its layers of the longer of two times: of its multiply-adds at the peak, and of reading its
weights once at the bandwidth of as many bytes as all weights have, measured before with as many threads. Activations,
which an engine may keep in a cache, are not in it.

    python benchmarks/engines.py && python benchmarks/engines.py --small
    cp benchmarks/results/engines.json docs/measured/ && make tables    (on AVX-512 as engines_avx512.json)

Both together make one file. What is finished of a network and a number of threads is kept in a journal beside it and
not measured again, unless --afresh: after a change to our compiler, then. ncnn and MNN are packages that Featherlight
does not depend on (`yardstick_engines.INSTALL`). torch-compile takes minutes and runs where --engines names it; `torch`
can be named as well. It needs a quiet machine: p10 and p90 of the peak's loop tell whether it was one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from featherlight.cli.output import note, print_table
from featherlight.cli.progress import show_stages
from featherlight.compiler.peak import WORK
from featherlight.cost import Bandwidth, Ceilings, Cost, count
from featherlight.engines import ENGINES, Engine, ModuleSource, Rival
from featherlight.errors import BadInput, Failure, FeatherlightError, must_be, unknown
from featherlight.files import write_json
from featherlight.journal import Journal, Record
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.spec import small_images
from featherlight.spec.small_images import LARGEST
from featherlight.timing import tell_apart, this_machine
from machine_peak import Peak, bandwidths
from race import Raced, race
from yardstick_engines import MNN, NCNN, portable

RESULT = Path(__file__).parent / "results" / "engines.json"
OURS, PEAK = "native", Peak()
UNASKED = (OURS, "openvino", "onnxruntime", "ncnn", "mnn")
NAMED_ONLY = ("torch", "torch-compile")
ROUNDS, SIZE = 40, 224

Goal = tuple[float, float | None]  # how many times as fast as the best rival we must be, and what we stretch for
Goals = Mapping[int, Goal]  # by threads

# By network at 224 pixels; on AVX2.
LIGHT: Mapping[str, Goals] = {
    "squeezenet_1_0": {1: (1.0, 1.15), 2: (1.1, 1.3)},
    "squeezenet_1_1": {1: (1.0, 1.15), 2: (1.1, 1.3)},
    "mobilenet_v1": {1: (1.03, 1.1), 2: (1.15, 1.3)},
    "mobilenet_v2": {1: (1.1, 1.25), 2: (1.3, 1.5)},
    "mnasnet_b1": {1: (1.1, 1.25), 2: (1.3, 1.5)},
    "mobilenet_v3_large": {1: (1.25, 1.4), 2: (1.45, 1.7)},
    "mobilenet_v3_small": {1: (1.3, 1.5), 2: (1.5, 1.9)},
    "shufflenet_v1_g3": {1: (1.3, 1.5), 2: (1.7, 2.1)},
    "shufflenet_v2": {1: (1.3, 1.5), 2: (1.7, 2.1)},
}
NOT_BEHIND: Goals = {1: (0.9, None), 2: (0.9, None)}
BASELINES = ("alexnet", "resnet18", "resnet34", "resnet50")
SMALL: Goals = {1: (1.5, 2.0), 2: (2.0, 2.5)}
MEANS: Mapping[str, Goals] = {"light": {1: (1.15, 1.3), 2: (1.4, 1.6)}, "small": SMALL}  # of a group's ratios


@dataclass(frozen=True)
class Case:
    """A network that is raced; its group is "light", "baselines", "small", or "other", for which nothing is asked."""

    group: str
    architecture: str
    width: float = 1.0
    size: int = SIZE

    @property
    def name(self) -> str:
        """Such as "mobilenet_v2 0.35x at 96"."""
        width = "" if self.width == 1 else f" {self.width:g}x"
        return f"{self.architecture}{width} at {self.size}"

    @property
    def goals(self) -> Goals:
        """What is asked of us, by threads."""
        groups: dict[str, Goals] = {"small": SMALL, "baselines": NOT_BEHIND, "light": LIGHT.get(self.architecture, {})}
        return groups.get(self.group, {})

    def source(self) -> ModuleSource:
        """The network; small ones tell ten classes apart, as Fashion-MNIST has, and the others a thousand."""
        spec = entry(self.architecture).build(**({} if self.width == 1 else {"width": self.width}))
        spec = small_images(spec) if self.size <= LARGEST else spec
        network = Network(spec, 10 if self.group == "small" else 1000, architecture=self.architecture)
        return ModuleSource(network.eval(), (3, self.size, self.size))


def small_cases() -> list[Case]:
    """Each architecture at its thinnest for 28 and 96 pixels, and at half its width for 64."""
    found = []
    for name in LIGHT:
        thin = entry(name).widths[0]
        found += [Case("small", name, width, size) for width, size in ((thin, 28), (0.5, 64), (thin, 96))]
    return found


def cases(size: int) -> list[Case]:
    """The networks of the table, and the baselines."""
    if size != SIZE:
        return [Case("other", name, size=size) for name in (*LIGHT, *BASELINES)]
    return [*(Case("light", name) for name in LIGHT), *(Case("baselines", name) for name in BASELINES)]


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _parse(arguments)
    chosen = matching(small_cases() if asked.small else cases(asked.size), asked.networks)
    engines, missing = usable(asked.engines)
    check_threads(asked.threads)
    about = {
        "machine": json.loads(json.dumps(asdict(this_machine()))),
        "versions": {engine.name: engine.version() for engine in engines},
        "seconds": asked.seconds,
        "rounds": None if asked.seconds else asked.rounds,
    }
    record = begun(asked.out.with_suffix(".journal.jsonl"), about, afresh=asked.afresh)
    print(f"{this_machine().cpu}, {this_machine().cores} core(s), {', '.join(this_machine().instruction_sets)}")
    print(", ".join(f"{name} {version.split('-')[0]}" for name, version in about["versions"].items()))
    for name, reason in missing.items():
        print(f"left out: {name}: {reason}")
    for threads in asked.threads:
        known = record.once("bandwidth", partial(_bandwidths, threads), threads=threads)["bandwidths"]
        for case in chosen:
            note(f"{case.name}, {_threads(threads)}")
            measure = partial(raced, case, engines, threads, known, about["seconds"], about["rounds"])
            record.once("raced", measure, group=case.group, network=case.name, threads=threads)
            write_json(asked.out, document(record, about, missing))
    show(document(record, about, missing))


def begun(journal: Path, about: Mapping[str, Any], *, afresh: bool) -> Record:
    """The record of what is finished; BadInput where it was made on another machine or in another way."""
    if afresh:
        journal.unlink(missing_ok=True)
    record = Record(Journal(journal))
    try:
        record.begin(about)
    except BadInput as error:
        raise BadInput(f"{error}, or begin again with --afresh") from None
    return record


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["*"], metavar="PATTERN", help="such as 'mobilenet_v3*'")
    parser.add_argument("--engines", nargs="+", default=list(UNASKED), help=f"of {', '.join(known_engines())}")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--size", type=int, default=SIZE, help="of the images, in pixels; goals are for 224")
    which.add_argument("--small", action="store_true", help="thin networks for images of 28 to 96 pixels instead")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"of each network and number of threads ({ROUNDS})"
    )
    how_long.add_argument("--seconds", type=float, help="the same by time; five rounds at least")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--afresh", action="store_true", help="measure again what is finished")
    return parser.parse_args(arguments)


def known_engines() -> dict[str, Engine]:
    """Every engine that can be named, ours and the rivals, by its name."""
    found = (*(ENGINES.get(name) for name in (*UNASKED, *NAMED_ONLY)), NCNN, MNN)
    return {engine.name: engine for engine in found if engine}


def usable(names: Iterable[str]) -> tuple[list[Engine], dict[str, str]]:
    """The engines of these names that are here, and why the others are not; BadInput for a name that nobody has."""
    known, here, missing = known_engines(), [], {}
    for name in names:
        if name not in known and name != OURS:
            raise unknown("engine", name, (OURS, *known))
        reason = known[name].missing() if name in known else "this version of Featherlight does not have it"
        if reason:
            missing[name] = reason
        else:
            here.append(known[name])
    return here, missing


def matching(found: list[Case], patterns: Iterable[str]) -> list[Case]:
    """Those whose architecture or name is like one of the patterns; BadInput for a pattern that fits none."""
    fitting = []
    for pattern in patterns:
        these = [case for case in found if fnmatch(case.architecture, pattern) or fnmatch(case.name, pattern)]
        if not these:
            raise unknown("network", pattern, dict.fromkeys(case.architecture for case in found))
        fitting += these
    return [case for case in found if case in fitting]


def check_threads(threads: Iterable[int]) -> None:
    """Raise BadInput where there are fewer cores than threads: what is measured then is how they are shared."""
    cores = this_machine().cores
    if not all(1 <= each <= cores for each in threads):
        raise must_be("threads", f"from 1 to the number of cores here ({cores})", list(threads))


def raced(
    case: Case,
    engines: Sequence[Engine],
    threads: int,
    known_bandwidths: Sequence[Mapping[str, float]],
    seconds: float | None,
    rounds: int | None,
) -> dict[str, Any]:
    """One network on all engines: their times beside the peak and the floor, and who failed; ours beside the best."""
    source = case.source()
    rivals = {engine.name: Rival(portable(engine), source, threads) for engine in engines}
    rivals[PEAK.name] = Rival(PEAK, source, threads)
    times, failed = race(rivals, seconds=seconds or 1.0, rounds=rounds, progress=show_stages())
    if PEAK.name in failed:
        raise Failure(failed[PEAK.name])
    cost, measured = count(source.graph), figures(times.pop(PEAK.name))
    peak = threads * WORK / measured["minimum"]
    rates = tuple(Bandwidth(int(each["footprint"]), each["bytes_per_second"]) for each in known_bandwidths)
    must, stretch = case.goals.get(threads, (None, None))
    return {
        "architecture": case.architecture,
        "width": case.width,
        "size": case.size,
        "multiply-adds": cost.multiply_adds,
        "parameters": cost.parameters,
        "peak": peak,
        "peak loop": measured,
        "floor ms": 1e3 * floor(cost, Ceilings(peak, rates)),
        "engines": {
            name: figures(each) | {"share of peak": cost.multiply_adds / peak / each.timed.measurement.median}
            for name, each in times.items()
        },
        "failed": failed,
        **beside_the_best(times),
        "must": must,
        "stretch": stretch,
    }


def floor(cost: Cost, ceilings: Ceilings) -> float:
    """Seconds below which a network does not come: layer by layer its direct arithmetic, or its weights, once."""
    rate = ceilings.bandwidth(4 * cost.parameters)
    return sum(
        max(row.multiply_adds / ceilings.multiply_adds_per_second, 4 * row.parameters / rate)
        for row in cost.rows
        if row.multiply_adds
    )


def figures(rival: Raced) -> dict[str, Any]:
    """A rival's times in seconds a call."""
    measured = rival.timed.measurement
    told = {name: getattr(measured, name) for name in ("median", "p10", "p90", "interval", "runs", "noisy")}
    return {"version": measured.target.version, "minimum": rival.minimum, **told}


def beside_the_best(times: Mapping[str, Raced]) -> dict[str, Any]:
    """The rival with the least median, how many times as long as ours its median is, and round by round.

    The last is the median of the rounds' ratios with its 95 % interval, None where there were too few rounds for one.
    """
    rivals = {name: each.timed for name, each in times.items() if name != OURS}
    best = min(rivals, key=lambda name: rivals[name].measurement.median, default=None)
    if best is None or OURS not in times:
        return {"best rival": best, "ratio": None, "ratio of rounds": None}
    ours = times[OURS].timed
    told = tell_apart(rivals[best].rounds, ours.rounds)
    bounded = math.isfinite(told.high)
    return {
        "best rival": best,
        "ratio": rivals[best].measurement.median / ours.measurement.median,
        "ratio of rounds": [told.ratio, told.low if bounded else None, told.high if bounded else None],
    }


def document(record: Record, about: Mapping[str, Any], missing: Mapping[str, str]) -> dict[str, Any]:
    """All that is finished, of this run and of those before it: a row a network and number of threads."""
    events = record.journal.read()
    rows = [{k: v for k, v in each.items() if k != "event"} for each in events if each["event"] == "raced"]
    known = {str(each["threads"]): each["bandwidths"] for each in events if each["event"] == "bandwidth"}
    return {**about, "missing": missing, "bandwidths": known, "rows": rows, "means": means(rows)}


def means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The geometric mean of the ratios of each group and number of threads, with what is asked of it."""
    found = []
    for group, threads in sorted({(row["group"], row["threads"]) for row in rows}):
        own = [row for row in rows if (row["group"], row["threads"]) == (group, threads)]
        ratios = [row["ratio"] for row in own if row["ratio"]]
        must, stretch = MEANS.get(group, {}).get(threads, (None, None))
        found.append(
            {
                "group": group,
                "threads": threads,
                "networks": len(ratios),
                "ratio": geometric_mean(ratios) if ratios else None,
                "must": must,
                "stretch": stretch,
            }
        )
    return found


def show(told: Mapping[str, Any]) -> None:
    """The document for a person: medians in ms, with shares of the peak."""
    names = list(told["versions"])
    print_table(
        ["network", "threads", "peak G/s", "floor ms", *names, "best rival", "ratio", "must", "stretch"],
        [
            [
                row["network"],
                row["threads"],
                row["peak"] / 1e9,
                row["floor ms"],
                *(cell(row, name) for name in names),
                row["best rival"] or "-",
                *(row[name] or "-" for name in ("ratio", "must", "stretch")),
            ]
            for row in told["rows"]
        ],
    )
    for mean in told["means"]:
        if mean["ratio"]:
            asked = f"; must be {mean['must']:g}, stretch {mean['stretch']:g}" if mean["must"] else ""
            print(
                f"{mean['group']}, {_threads(mean['threads'])}: geometric mean {mean['ratio']:.3f} of "
                f"{mean['networks']} networks{asked}"
            )
    for row in told["rows"]:
        for reason in row["failed"].values():
            print(f"failed: {row['network']}, {_threads(row['threads'])}: {reason}")


def cell(row: Mapping[str, Any], engine: str) -> str:
    """An engine's median, its spread and its share of the peak."""
    if engine not in row["engines"]:
        return "failed" if engine in row["failed"] else "-"
    each = row["engines"][engine]
    p10, median, p90 = (1e3 * each[name] for name in ("p10", "median", "p90"))
    return f"{median:.3g} ({p10:.3g} to {p90:.3g}) {each['share of peak']:.0%}"


def _bandwidths(threads: int) -> dict[str, Any]:
    note(f"bandwidth, {_threads(threads)}")
    return {"bandwidths": [asdict(each) for each in bandwidths(threads)]}


def _threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"


if __name__ == "__main__":
    try:
        main()
    except FeatherlightError as error:
        note(f"error: {error}")
        sys.exit(error.exit_code)
