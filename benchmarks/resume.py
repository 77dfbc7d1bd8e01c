"""Does a run that is killed again and again end with the bits of one that was left alone?

ShuffleNet v2 0.5x on Fashion-MNIST, with a running average, mixup and random erasing, is killed (kill -9) at random
moments, 200 times in all, and resumed each time; whenever a run ends its weights are compared with those of the one
left alone. Prediction: not one bit differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import signal
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from featherlight.cli.output import note, print_json
from featherlight.data import open_dataset
from featherlight.files import write_json
from featherlight.timing import this_machine
from featherlight.training import Checkpoints, Recipe, train_network
from featherlight.training.plan import weights_digest
from featherlight.training.start import start_from

RECIPE = Recipe(batch=32, ema=0.99, mixup=0.2, erase=0.25, clip=5.0, learning_rate=0.05)
STEPS = 60


def run(folder: Path, result: Path) -> None:
    """Train with a checkpoint every half second, and write down what came out."""
    torch.set_num_threads(1)
    dataset = open_dataset("fashion-mnist")
    start = start_from("shufflenet_v2", {"width": 0.5}, dataset, scratch=True, size=28)
    checkpoints = Checkpoints(folder, every=0.5)
    train_network(start.network, dataset, RECIPE, start.preprocessing, steps=STEPS, threads=1, checkpoints=checkpoints)
    result.write_text(weights_digest(start.network))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "resume.json")
    asked = parser.parse_args()
    context = multiprocessing.get_context("forkserver")  # each process is forked from one that has torch loaded
    context.set_forkserver_preload(["featherlight.training.start"])
    chance, kills, runs, different = random.Random(0), 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder, result = Path(place) / "run", Path(place) / "digest"

        def attempt(seconds: float | None) -> int | None:
            process = context.Process(target=run, args=(folder, result))
            process.start()
            process.join(seconds)
            process.kill()
            process.join()
            return process.exitcode

        start = time.perf_counter()
        assert attempt(None) == 0
        whole, took = result.read_text(), time.perf_counter() - start
        shutil.rmtree(folder)
        while kills < asked.kills or folder.exists():
            code = attempt(chance.uniform(0, took / 2) if kills < asked.kills else None)
            kills += code == -signal.SIGKILL
            if code != -signal.SIGKILL:
                assert code == 0
                runs += 1
                different += result.read_text() != whole
                shutil.rmtree(folder)
            report(asked.out, kills, runs, different, took)
    print_json(report(asked.out, kills, runs, different, took))


def report(path: Path, kills: int, runs: int, different: int, took: float) -> dict[str, Any]:
    """The figures so far, in the file as well: a benchmark that is stopped has them too."""
    note(f"{kills} kills, {runs} runs ended, {different} of them otherwise")
    document: dict[str, Any] = {
        "kills": kills,
        "runs that ended": runs,
        "of these with other bits": different,
        "steps": STEPS,
        "seconds left alone": took,
        "machine": asdict(this_machine()),
    }
    write_json(path, document)
    return document


if __name__ == "__main__":
    main()
