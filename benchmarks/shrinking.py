"""Does NetAdapt make a trained network faster than cutting all widths alike does, for the same training?

Two thin networks are trained from scratch on Fashion-MNIST, two seeds each. Then each is made so much faster by
NetAdapt, by a width multiplier (uniform) and by dropping the smallest filters (magnitude), on the same number of
images. All go by latency tables of the same pieces, and what NetAdapt keeps is timed whole. Two controls: the start
trained on as many images more (trained on), and the network of uniform trained from scratch on all images that the
start and a method saw together (scratch): a width multiplier needs no trained network, and what it makes of a
ShuffleNet cannot even be carved out of one. Accuracies are of the test images, with paired bootstrap intervals; times
are of one thread and one engine, a network's start and results all in the same rounds, when all else is done. Asked for
each network and seed: is NetAdapt's result at least 1.3 times as fast as the start at no less accuracy (the interval of
the difference reaches 0)? And is it at equal time 1.0 point above uniform, or 1.2 times as fast as uniform at no less
accuracy?

Prediction, made before: the starts, two epochs old, go on learning, so that all three methods end above them and the
first question is answered yes four times of four, though there is no free lunch: the start trained on ends a point
above every method. NetAdapt ends 0.5 to 1 point above uniform for MobileNet v3-small, and more than a point above it
for ShuffleNet v2, where uniform begins from random weights; above the same network from scratch on three times as many
images it ends half a point at most. Magnitude lies between NetAdapt and uniform.

    python benchmarks/shrinking.py --folder /tmp/shrinking --out docs/measured/shrinking.json

What is finished stays in the folder: the same command goes on where it was stopped or killed. With --time-only nothing
is trained, and all that is finished is timed again.
"""

from __future__ import annotations

import argparse
import io
import shutil
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from featherlight.cli.output import note, print_table
from featherlight.cost import count
from featherlight.data import Dataset, open_dataset
from featherlight.engines import ModuleSource, find
from featherlight.engines.rivals import turns
from featherlight.files import write_bytes, write_json
from featherlight.fitting.candidates import Candidate
from featherlight.journal import Journal, Record
from featherlight.latency import ENGINES
from featherlight.layers import Network
from featherlight.predict import load
from featherlight.pretrained import save
from featherlight.shrinking import finished, shrink
from featherlight.shrinking.result import paired_difference
from featherlight.shrinking.trials import LONG_RATE
from featherlight.spec import from_json
from featherlight.timing import TIE, Timed, interleave, summarise_rounds, tell_apart, this_machine
from featherlight.training import Checkpoints, correct, recipe_for, train_network
from featherlight.training.normalisation import preprocessing_for

DATA, SIZE, SEEDS = "fashion-mnist", 28, (0, 1)
NETWORKS = (Candidate("shufflenet_v2", 0.5, SIZE), Candidate("mobilenet_v3_small", 0.35, SIZE))
METHODS = ("netadapt", "uniform", "magnitude")  # NetAdapt first: the others see as many images as it did
START, CONTROL, SCRATCH = "start", "trained on", "scratch"
VALIDATED = 1000  # images: they pick no more than which epoch's weights are kept
SECONDS = 2.0  # of timing for each network
FASTER, ABOVE, FASTER_THAN_UNIFORM = 1.3, 1.0, 1.2  # what is asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("shrinking"), help="where finished pieces are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "shrinking.json")
    parser.add_argument("--epochs", type=float, default=2.0, help="of training the start; a part of one is allowed")
    parser.add_argument("--shrink-epochs", type=float, default=1.0, help="of training for each method")
    parser.add_argument("--faster", nargs="+", default=["30%"], help="one or more shares")
    parser.add_argument("--engine", choices=ENGINES, default="onnxruntime", help="that times cuts and results")
    parser.add_argument("--time-only", action="store_true", help="time what is finished again, and train nothing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    about = {
        "epochs": asked.epochs,
        "shrink_epochs": asked.shrink_epochs,
        "faster": asked.faster,
        "engine": asked.engine,
    }
    Record(Journal(asked.folder / "journal.jsonl")).begin(about | {"seeds": list(SEEDS)})
    if not asked.time_only:
        for candidate in NETWORKS:
            for seed in SEEDS:
                make(candidate, seed, asked.folder, asked.epochs, asked.shrink_epochs, asked.faster, asked.engine)
    rows = []
    for candidate in NETWORKS:
        if timed := times(asked.folder / name_of(candidate), asked.engine):
            for seed in SEEDS:
                rows += rows_of(candidate, seed, asked.folder / name_of(candidate) / str(seed), timed)
    document = about | {
        "machine": asdict(this_machine()),
        "rows": rows,
        "answers": answers(rows),
    }
    write_json(asked.out, document)
    shown = ("network", "seed", "result", "test", "ms", "faster")
    print_table(shown, [[row[name] for name in shown] for row in rows])
    print_table(list(document["answers"][0]), [list(each.values()) for each in document["answers"]])


def make(
    candidate: Candidate,
    seed: int,
    root: Path,
    epochs: float,
    shrink_epochs: float,
    shares: list[str],
    engine: str,
) -> None:
    """The start, every method's result for each share, and the control, in a folder each; what is there stays."""
    folder, dataset = root / name_of(candidate) / str(seed), opened(seed)
    images = round(shrink_epochs * len(dataset.train))
    torch.manual_seed(seed)
    train(candidate.network(10, 1), dataset, folder / START, seed, epochs=epochs)
    for share in shares:
        seen = images
        for method in METHODS:
            out = folder / f"{method} {share}"
            if not finished(out):
                note(f"{candidate.name}, seed {seed}, {method}, {share}")
                shrink(folder / START, DATA, out=out, faster=share, method=method, images=seen,  # type: ignore[arg-type]
                       engine=engine, threads=1, seed=seed, resume=True, say=note)  # fmt: skip
            seen = (finished(out) or {})["images"]
        thin = Network(from_json((finished(folder / f"uniform {share}") or {})["spec"]), 10, 1)
        all_images = round(epochs * len(dataset.train)) + seen
        train(thin, dataset, folder / f"{SCRATCH} {share}", seed, images=all_images)
    train(load(folder / START).model, dataset, folder / CONTROL, seed, images=images, rate=LONG_RATE)


def train(
    network: Network,
    dataset: Dataset,
    folder: Path,
    seed: int,
    *,
    epochs: float | None = None,
    images: int | None = None,
    rate: float = 1.0,
) -> None:
    """A network trained for epochs or images into a folder, at a share of the recipe's rate; nothing if it is there."""
    if (folder / "config.json").exists():  # written last
        return
    note(f"{folder}: training")
    recipe, preprocessing = recipe_for(SIZE), preprocessing_for(dataset, SIZE)
    steps = None if images is None else max(1, round(images / recipe.batch))
    checkpoints = Checkpoints(folder.with_name(f"{folder.name}.checkpoints"), say=note)
    train_network(
        network,
        dataset,
        replace(recipe, learning_rate=rate * recipe.learning_rate),
        preprocessing,
        epochs=epochs,
        steps=steps,
        threads=1,
        seed=seed,
        validated=VALIDATED,
        checkpoints=checkpoints,
        progress=lambda step, steps, loss, left: (
            note(f"step {step} of {steps}, loss {loss:.3f}, {left:.0f} s left") if step % 200 == 0 else None
        ),
    )
    save(folder, network, label_names=dataset.label_names, preprocessing=preprocessing.to_config())
    shutil.rmtree(checkpoints.folder, ignore_errors=True)


def times(home: Path, engine: str) -> dict[str, Timed]:
    """Of all that is finished of a network, both seeds, in the same rounds: by seed and name, such as "0/start"."""
    names = [f"{seed}/{path.name}" for seed in SEEDS for path in finished_in(home / str(seed))]
    if not names:
        return {}
    note(f"{home.name}: timing {len(names)} networks")
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(find(engine).build(source(load(home / name).model), threads=1)) for name in names
        }
        taken = interleave(turns(running), seconds=SECONDS * len(running))
    return {name: summarise_rounds(each.target, taken[name]) for name, each in running.items()}


def rows_of(candidate: Candidate, seed: int, folder: Path, timed: dict[str, Timed]) -> list[dict[str, Any]]:
    """A row a result: its accuracy and time, beside the start and beside every uniform result."""
    paths = {path.name: path for path in finished_in(folder)}
    right = {name: answered(path, seed) for name, path in paths.items()}
    rows = []
    for name, path in paths.items():
        mine, start = timed[f"{seed}/{name}"], timed[f"{seed}/{START}"]
        cost = count(source(load(path).model).graph)
        result = finished(path) or {}
        row = {
            "network": f"{candidate.architecture} {candidate.width:g}x",
            "seed": seed,
            "result": name,
            "images": result.get("images"),
            "parameters": cost.parameters,
            "multiply-adds": cost.multiply_adds,
            "test": float(right[name].mean()),
            "ms": mine.measurement.median * 1e3,
            "p90 ms": mine.measurement.p90 * 1e3,
            "noisy": mine.measurement.noisy,
            "faster": 1 / tell_apart(mine.rounds, start.rounds).ratio,
            "above": {
                other: {
                    "points": [100 * each for each in paired_difference(right[other], right[name])],
                    "faster": [1 / each for each in ratios(mine, timed[f"{seed}/{other}"])],
                }
                for other in paths
                if other != name and other.startswith((START, "uniform", SCRATCH))
            },
        }
        rows.append(row)
    return rows


def ratios(mine: Timed, other: Timed) -> tuple[float, float, float]:
    """How many times as long it takes as another, and the interval, its slower end first."""
    told = tell_apart(mine.rounds, other.rounds)
    return told.ratio, told.high, told.low


def answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each of NetAdapt's results: whether it is as much faster, and as much better than uniform, as was asked."""
    found = []
    for row in rows:
        if not row["result"].startswith("netadapt"):
            continue
        start = row["above"][START]
        points, quicker = beside(row, "uniform")
        found.append(
            {
                "network": row["network"],
                "seed": row["seed"],
                "result": row["result"],
                "faster than the start": start["faster"][0],
                "points above the start": start["points"],
                "as fast as asked": start["faster"][0] >= FASTER and start["points"][2] >= 0,
                "points above uniform": points,
                "times as fast as uniform": quicker,
                "better than uniform": (points is not None and points >= ABOVE)
                or (quicker is not None and quicker >= FASTER_THAN_UNIFORM),
                "points above scratch": beside(row, SCRATCH)[0],
            }
        )
    return found


def beside(row: dict[str, Any], rival: str) -> tuple[float | None, float | None]:
    """The points that a result is above a rival's which takes as long, and how many times as fast it is as one that is
    no more accurate; None where no result of that rival's is such a one.

    It takes no longer than the rival's, within what two runs of one network may differ by.
    """
    others = [each for name, each in row["above"].items() if name.startswith(rival)]
    points = [each["points"][0] for each in others if each["faster"][0] >= 1 / (1 + TIE)]
    quicker = [each["faster"][0] for each in others if each["points"][2] >= 0]
    return max(points, default=None), max(quicker, default=None)


def answered(path: Path, seed: int) -> NDArray[np.bool_]:
    """Whether each test image is answered right; kept beside the network."""
    kept = path / "correct.npy"
    if not kept.exists():
        classifier, file = load(path), io.BytesIO()
        np.save(file, correct(classifier.model, opened(seed).test, classifier.preprocessing))
        write_bytes(kept, file.getvalue())
    right: NDArray[np.bool_] = np.load(kept, allow_pickle=False)
    return right


def finished_in(folder: Path) -> list[Path]:
    """The networks in a folder: those that shrink ended with, the start, and the control."""
    paths = sorted(folder.iterdir()) if folder.exists() else []
    return [
        path for path in paths if (finished(path) if path.name.startswith(METHODS) else (path / "config.json").exists())
    ]


def source(network: Network) -> ModuleSource:
    return ModuleSource(network, (1, SIZE, SIZE))


@cache
def opened(seed: int) -> Dataset:
    """The images; which of them are for validation hangs on the seed."""
    return open_dataset(DATA, seed)


def name_of(candidate: Candidate) -> str:
    return f"{candidate.architecture} {candidate.width:g}x"


if __name__ == "__main__":
    main()
