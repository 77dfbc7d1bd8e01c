"""How accurate is each family after five epochs of Fashion-MNIST, and how long does it take for an image?

Each at the widest of its widths that trains at 300 images a second or more of one thread's time (the thinnest, where
none does), from scratch, with the same recipe and seed; then timed on one thread by the engine that runs it fastest.
Prediction: the ShuffleNets and MobileNets end within a point of one another, SqueezeNet behind them, and the order by
time is not the order by multiply-adds.

    python benchmarks/fashion_mnist.py --folder /tmp/families --out docs/measured/fashion_mnist.json

What is finished stays in the folder: the same command goes on where it was stopped or killed.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from featherlight.cli.output import note, print_table
from featherlight.cost import count
from featherlight.data import open_dataset
from featherlight.engines import ModuleSource, available, measure
from featherlight.files import write_json
from featherlight.fitting.candidates import Candidate, candidates
from featherlight.graph import from_torch
from featherlight.layers import Network
from featherlight.timing import this_machine
from featherlight.training import Checkpoints, Recipe, evaluate, images_per_second, train_network
from featherlight.training.normalisation import preprocessing_for

SIZE, EPOCHS, SEED, LEAST_RATE = 28, 5, 0, 300.0
FAMILIES = (
    "squeezenet_1_1",
    "mobilenet_v1",
    "shufflenet_v1_g3",
    "mobilenet_v2",
    "shufflenet_v2",
    "mnasnet_a1",
    "mobilenet_v3_small",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("families"), help="where work under way is kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "fashion_mnist.json")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    version = str(torch.__version__)
    networks = candidates(SIZE)
    rows: list[dict[str, Any]] = []
    for name in FAMILIES:
        examine(name, networks[name], asked.folder)
        finished = [path for each in FAMILIES if (path := asked.folder / f"{each}.json").exists()]
        rows = [json.loads(path.read_bytes()) for path in finished]
        # After each: a benchmark that is stopped has its figures so far.
        write_json(asked.out, {"epochs": EPOCHS, "machine": asdict(this_machine()), "torch": version, "rows": rows})
    print_table(list(rows[0]), [list(row.values()) for row in rows])


def examine(name: str, widths: tuple[Candidate, ...], folder: Path) -> None:
    """Write the row of one family into the folder, unless it is there already."""
    done = folder / f"{name}.json"
    if done.exists():
        return
    chosen = folder / f"{name}.width.json"
    if not chosen.exists():
        write_json(chosen, [each.width for each in widths].index(widest(widths).width))
    candidate = widths[json.loads(chosen.read_bytes())]
    dataset = open_dataset("fashion-mnist", SEED)
    torch.manual_seed(SEED)
    network = build(candidate)
    preprocessing = preprocessing_for(dataset, SIZE)
    note(f"{candidate.name}: {EPOCHS} epochs")
    trained = train_network(
        network,
        dataset,
        Recipe(),
        preprocessing,
        epochs=EPOCHS,
        threads=1,
        seed=SEED,
        checkpoints=Checkpoints(folder / name, say=note),
        progress=lambda step, steps, loss, left: (
            note(f"step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left") if step % 200 == 0 else None
        ),
    )
    counts = count(from_torch(network, (1, 1, SIZE, SIZE)))
    source = ModuleSource(network, (1, SIZE, SIZE))
    running = {engine.name: engine.build(source, threads=1) for engine in available()}
    times = measure(running, seconds=2.0)
    fastest = min(times, key=lambda engine: times[engine].median)
    row: dict[str, Any] = {
        "network": candidate.name,
        "parameters": counts.parameters,
        "multiply-adds": counts.multiply_adds,
        "images/s": trained.images_per_second,
        "validation": trained.accuracy,
        "test": evaluate(network, dataset.test, preprocessing),
        "engine": fastest,
        "ms": times[fastest].median * 1e3,
        "p90 ms": times[fastest].p90 * 1e3,
    }
    write_json(done, row)


def widest(widths: tuple[Candidate, ...]) -> Candidate:
    """The widest that trains fast enough, or the thinnest."""
    return max((each for each in widths if rate(each) >= LEAST_RATE), key=lambda each: each.width, default=widths[0])


def rate(candidate: Candidate) -> float:
    """Training images a second of the processor's time, which does not hang on who else uses it."""
    start, cpu = time.perf_counter(), time.process_time()
    measured = images_per_second(build(candidate), SIZE, 1, threads=1, seconds=1.0)
    return measured * (time.perf_counter() - start) / (time.process_time() - cpu)


def build(candidate: Candidate) -> Network:
    return Network(candidate.spec, 10, 1, architecture=candidate.architecture)


if __name__ == "__main__":
    main()
