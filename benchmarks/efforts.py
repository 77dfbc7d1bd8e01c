"""Does `featherlight fit` find a better network in the same minutes when it shrinks and searches too?

The three efforts fit Fashion-MNIST within the same budget, with the same minutes of training, seed by seed. Their
networks answer all test images, and all are timed at the end in the same rounds, one thread. Asked of `normal` and
`thorough`: how many points above `quick` are they, over all seeds (the paired interval of 95 %), and is the network
that their fit leaves that of a later stage?

Prediction, made before: in ten minutes of one core `normal` is level with `quick`, since NetAdapt's start has to be
trained as well; `thorough` is half a point above, by what the search finds.

    python benchmarks/efforts.py --folder /tmp/efforts --out docs/measured/efforts.json

About 75 minutes of one core; with --quick a few, and it tells nothing of networks. What is finished stays in the
folder: the same command goes on where it was stopped or killed.
"""

from __future__ import annotations

import argparse
import io
import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

import featherlight as fl
from featherlight.cli.output import note, print_table
from featherlight.data import open_dataset
from featherlight.engines import OnnxSource, find
from featherlight.engines.rivals import turns
from featherlight.files import write_bytes, write_json
from featherlight.fitting.effort import Effort
from featherlight.fitting.judge import ONNX
from featherlight.fitting.result import JOURNAL, RESULT
from featherlight.predict import load
from featherlight.shrinking.result import paired_difference
from featherlight.timing import Timed, interleave, summarise_rounds, this_machine
from featherlight.training import correct

DATA = "fashion-mnist"
EFFORTS: tuple[Effort, ...] = get_args(Effort)
RIGHT = "right.npy"  # beside a fit: whether its network is right about each test image
SECONDS = 2.0  # of timing for each network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("efforts"), help="where the fits are kept")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "efforts.json")
    parser.add_argument("--budget", default="0.1ms", help="time for one image, 90th percentile")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training for each fit")
    parser.add_argument("--engine", default="native", help="that runs the networks")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="half a minute a fit, one seed")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.quick:
        asked.minutes, asked.seeds = 0.5, 1
    about = {name: getattr(asked, name) for name in ("budget", "minutes", "engine", "seeds")}
    folders = {effort: [asked.folder / f"{effort}_{seed}" for seed in range(asked.seeds)] for effort in EFFORTS}
    for seed in range(asked.seeds):
        for effort in EFFORTS:
            note(f"{effort}, seed {seed}")
            fit(folders[effort][seed], effort, seed, asked)
    timed = times([folder for each in folders.values() for folder in each], asked.engine)
    rows = [row(effort, folders[effort], folders["quick"], timed) for effort in EFFORTS]
    write_json(asked.out, about | {"machine": asdict(this_machine()), "rows": rows})
    shown = ("effort", "networks", "ms", "keeps", "validation", "test", "points above")
    print_table(shown, [[each[name] for name in shown] for each in rows])


def fit(folder: Path, effort: Effort, seed: int, asked: argparse.Namespace) -> None:
    """One fit, gone on with where it was stopped, and its network's answers."""
    resume = (folder / JOURNAL).exists()
    fl.fit(
        DATA,
        asked.budget,
        out=folder,
        minutes=asked.minutes,
        effort=effort,
        engine=asked.engine,
        seed=seed,
        resume=resume,
        say=note,
    )
    if not (kept := folder / RIGHT).exists():
        classifier = load(folder)
        file = io.BytesIO()
        np.save(file, correct(classifier.model, open_dataset(DATA, seed).test, classifier.preprocessing))
        write_bytes(kept, file.getvalue())


def times(folders: list[Path], engine: str) -> dict[str, Timed]:
    """All networks, by the names of their folders, in the same rounds."""
    with ExitStack() as stack:
        built = {
            folder.name: stack.enter_context(find(engine).build(OnnxSource(folder / ONNX), threads=1))
            for folder in folders
        }
        taken = interleave(turns(built), seconds=SECONDS * len(built))
    return {name: summarise_rounds(each.target, taken[name]) for name, each in built.items()}


def answers(folders: list[Path]) -> NDArray[np.bool_]:
    """Whether each test image is answered right, seed after seed."""
    return np.concatenate([np.load(folder / RIGHT, allow_pickle=False) for folder in folders])


def row(effort: Effort, folders: list[Path], quick: list[Path], timed: dict[str, Timed]) -> dict[str, Any]:
    """What an effort gave over all seeds, beside `quick`."""
    documents = [json.loads((folder / RESULT).read_bytes()) for folder in folders]
    measured = [timed[folder.name].measurement for folder in folders]
    right = answers(folders)
    return {
        "effort": effort,
        "networks": [document["network"] for document in documents],
        "ms": [each.median * 1e3 for each in measured],
        "noisy": [each.noisy for each in measured],
        "keeps": [document["verdict"] == "fits" for document in documents],
        "validation": [document["validation_accuracy"] for document in documents],
        "test": float(right.mean()),
        "points above": [100 * each for each in paired_difference(answers(quick), right)],
        "stages": [
            [
                {name: stage.get(name) for name in ("name", "network", "kept", "note", "seconds")}
                | {name: stage.get(name) for name in ("validation_accuracy", "test_accuracy")}
                for stage in document["stages"]
            ]
            for document in documents
        ],
    }


if __name__ == "__main__":
    main()
