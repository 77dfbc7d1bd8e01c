"""How fast do the engines of phones run our networks here: ncnn and MNN beside ONNX Runtime, OpenVINO and torch?

Prediction: on a server's CPU OpenVINO is the fastest on most networks, ONNX Runtime within 1.5 times of it, ncnn and
MNN, made for ARM, within 2 times; torch is slowest. These are what a compiler of our own must outrun.

Nine networks at 224 pixels, one image, one thread, each in a process of its own, a network's engines in the same
rounds. It needs two packages that Featherlight does not depend on (`yardstick_engines.INSTALL`), and a quiet machine:
`taskset -c 1 python benchmarks/yardsticks.py [SECONDS]`. A run on a noisy one is not kept.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from featherlight.cli.output import note, print_table
from featherlight.cli.progress import show_stages
from featherlight.engines import Engine, ModuleSource, Rival, available
from featherlight.files import write_json
from featherlight.layers import Network
from featherlight.models import entry
from featherlight.timing import NOISY, Timed, noise, this_machine
from race import race
from yardstick_engines import MNN, NCNN, portable

RESULT = Path(__file__).parents[1] / "docs" / "measured" / "yardsticks.json"
NETWORKS = (
    *("squeezenet_1_1", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"),
    *("mnasnet_a1", "shufflenet_v1_g3", "shufflenet_v2", "resnet18"),
)
SECONDS = 0.6  # of timing, for each network on each engine


def main(seconds: float) -> int:
    before = noise(1.0)
    engines: list[Engine] = [*available(), *(engine for engine in (NCNN, MNN) if not _missing(engine))]
    rows: list[dict[str, Any]] = []
    for network in NETWORKS:
        note(network)
        rows.append({"network": network, "engines": _figures(_time(network, engines, seconds))})
    after = noise(1.0)
    names = [engine.name for engine in engines]
    print_table(
        ["network", *names, "fastest"],
        [[row["network"], *(_ms(row, name) for name in names), _fastest(row)] for row in rows],
    )
    print(f"{this_machine().cpu}, one thread, medians in ms; noise {before:.2f} before, {after:.2f} after")
    if max(before, after) > NOISY:
        print(f"Not kept: the noise must stay below {NOISY}.")
        return 1
    write_json(RESULT, {"machine": asdict(this_machine()), "noise": [before, after], "seconds": seconds, "rows": rows})
    return 0


def _missing(engine: Engine) -> bool:
    if reason := engine.missing():
        note(reason)
    return engine.missing() is not None


def _time(network: str, engines: list[Engine], seconds: float) -> dict[str, Timed]:
    """One network on all engines that can run it; what one cannot is told and left out."""
    source = ModuleSource(Network(entry(network).build(), architecture=network).eval(), (3, 224, 224))
    rivals = {engine.name: Rival(portable(engine), source) for engine in engines}
    times, failed = race(rivals, seconds=seconds * len(rivals), progress=show_stages())
    for reason in failed.values():
        note(f"left out: {reason}")
    return {name: each.timed for name, each in times.items()}


def _figures(times: dict[str, Timed]) -> dict[str, Any]:
    measured = {name: timed.measurement for name, timed in times.items()}
    return {
        name: {"version": each.target.version}
        | {f: getattr(each, f) for f in ("median", "p10", "p90", "interval", "runs", "noisy")}
        for name, each in measured.items()
    }


def _ms(row: dict[str, Any], engine: str) -> object:
    return 1e3 * row["engines"][engine]["median"] if engine in row["engines"] else "-"


def _fastest(row: dict[str, Any]) -> str:
    medians: dict[str, float] = {name: figures["median"] for name, figures in row["engines"].items()}
    return min(medians, key=lambda name: medians[name])


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
